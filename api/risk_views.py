"""What the plaintext engine answers: every number in full, and as secret as the account.

A number is a decimal, a fraction such as `4/3` where it has no end as a decimal, or a word:
`infinite`, or `none` where there is no such number.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..risk.boundary import common_shock, price_of, safe_prices
from ..risk.claims import Scenario
from ..risk.document import Part
from ..risk.health import Evaluation
from ..risk.report_json import exact, safe_json
from ..risk.threshold import (
    Threshold,
    driver,
    liquidation_threshold,
    maintenance_threshold,
    positions,
)
from ..risk.valuation import account_of
from ..risk.values import FrozenMap, Name, Several, Time
from .risk_inputs import Given
from .views import Count

Number = Annotated[str, Field(pattern="^(-?[0-9]+(\\.[0-9]+|/[0-9]+)?|infinite|none)$")]
None_ = Literal["none"]


class Secret(Part):
    """A part of an answer; it does not print what it says."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(hidden)"


class BoundView(Secret):
    """The last price at which a test is passed; `change` is relative to now."""

    price: Number
    change: Number
    exact: bool


class SafePricesView(Secret):
    """From which to which price a test is passed; `none` is no bound."""

    lower: BoundView | None_
    upper: BoundView | None_
    passable: bool


class MultipleView(Secret):
    """The last common multiple of prices at which a test is passed."""

    multiple: Number
    change: Number
    exact: bool


class SafeMultiplesView(Secret):
    """From which to which common multiple of prices a test is passed; `none` is no bound."""

    lower: MultipleView | None_
    upper: MultipleView | None_
    passable: bool


class StandingView(Secret):
    """How an account stands against one test."""

    headroom: Number
    headroom_share: Number
    health_factor: Number
    common_shock: SafeMultiplesView


class LimitView(Secret):
    """How much of a concentration limit is used."""

    name: Name
    assets: Several[Name]
    share: Number
    excess: Literal["refused", "uncounted"]
    used: Number
    over: Number
    met: bool


class AssetView(Secret):
    """One asset of the account, and its prices at which each test is passed, the others fixed."""

    symbol: Name
    follows: Name | None = None
    price: Number
    held: Number
    owed: Number
    weighted_held: Number
    weighted_owed: Number
    maintenance: SafePricesView
    liquidation: SafePricesView | None = None


class _OfAccount(Secret):
    account: Name
    policy: Name
    category: Name | None = None
    quote: Name
    time: Time


class HealthView(_OfAccount):
    """How an account stands under a policy; amounts of money in `quote`. See docs/risk.md."""

    maintained: bool
    collateral: Number
    debt: Number
    equity: Number
    weighted_collateral: Number
    weighted_debt: Number
    collateralization_ratio: Number
    loan_to_value: Number
    health_factor: Number
    requirement: Number
    margin_ratio: Number
    maintenance: StandingView
    liquidation: StandingView | None = None
    limits: Several[LimitView]
    misplaced: Several[str]
    assets: Several[AssetView]


class ConditionView(Secret):
    """One condition of a claim: met if the margin is at least 0, or above 0 if `strict`."""

    name: str
    margin: Number
    strict: bool
    met: bool


class StressView(_OfAccount):
    """Whether an account meets every condition, and by how much each."""

    holds: bool
    collateral: Number
    debt: Number
    ratio: Number
    conditions: Several[ConditionView]
    misplaced: Several[str]


class StepView(Secret):
    """One debt repaid, one collateral seized."""

    debt: str
    collateral: str
    repaid: Number
    seized: Number
    to_liquidator: Number
    protocol_fee: Number
    repaid_value: Number
    penalty_value: Number
    seized_value: Number
    headroom: Number
    health: Number


class BalanceView(Secret):
    """One position before and after."""

    symbol: str
    owed: bool
    price: Number
    before: Number
    gone: Number
    left: Number
    left_value: Number


class AuctionPointView(Secret):
    """What an auction asks, and would raise, so many seconds after its start."""

    seconds: Count
    price: Number
    raises: Number


class AuctionView(Secret):
    """The auction of one collateral."""

    symbol: str
    lot: Number
    tab: Number
    starting_price: Number
    market_price: Number
    break_even_price: Number
    seconds_to_market: Count
    seconds_to_break_even: Count
    course: Several[AuctionPointView]


class LiquidationView(_OfAccount):
    """What a liquidation would repay, seize and leave, and the auctions of it."""

    shocks: FrozenMap[Number]
    liquidatable: bool
    outcome: Literal["healthy", "exhausted", "no debt", "step limit"]
    headroom: Number
    headroom_after: Number
    health: Number
    health_after: Number
    repaid_value: Number
    penalty_value: Number
    seized_value: Number
    bad_debt: Number
    steps: Several[StepView]
    balances: Several[BalanceView]
    auctions: Several[AuctionView]


class AssetDistance(Secret):
    """The prices of one asset at which a test is passed, the others fixed."""

    symbol: Name
    follows: Name | None = None
    price: Number
    passes: SafePricesView


class ScenarioMargin(Secret):
    """The margin of a test at the prices of a scenario."""

    name: Name
    margin: Number
    passed: bool


class DistanceView(Secret):
    """How far an account is from failing one test."""

    test: Literal["maintenance", "liquidation"]
    margin: Number
    passed: bool
    common_shock: SafeMultiplesView
    assets: Several[AssetDistance]
    scenarios: Several[ScenarioMargin]


class BreachView(_OfAccount):
    """Which moves of prices make an account fail its tests."""

    tests: Several[DistanceView]


def stress_view(given: Given, evaluation: Evaluation) -> StressView:
    """The verdict of the engine."""
    return StressView(
        account=given.portfolio.account,
        policy=given.policy.name,
        category=given.category,
        quote=given.policy.quote,
        time=given.prices.time,
        holds=evaluation.holds,
        collateral=exact(evaluation.collateral),
        debt=exact(evaluation.debt),
        ratio=exact("infinite" if evaluation.ratio is None else evaluation.ratio),
        conditions=tuple(
            ConditionView(
                name=margin.name, margin=exact(margin.value), strict=margin.strict, met=margin.met
            )
            for margin in evaluation.margins
        ),
        misplaced=evaluation.misplaced,
    )


def breach_view(given: Given, scenarios: tuple[Scenario, ...]) -> BreachView:
    """The distance of an account to each of its tests."""
    account = account_of(*given.documents)
    tests = (maintenance_threshold(account), liquidation_threshold(account))
    return BreachView(
        account=given.portfolio.account,
        policy=given.policy.name,
        category=given.category,
        quote=given.policy.quote,
        time=given.prices.time,
        tests=tuple(_distance(test, scenarios) for test in tests if test is not None),
    )


def _distance(test: Threshold, scenarios: tuple[Scenario, ...]) -> DistanceView:
    margin = test.margin({})
    margins = [(scenario.name, test.margin(scenario.shocks)) for scenario in scenarios]
    return DistanceView(
        test=test.name,
        margin=exact(margin),
        passed=margin >= 0,
        common_shock=SafeMultiplesView.model_validate(safe_json(common_shock(test), "multiple")),
        assets=tuple(
            _asset_distance(test, symbol)
            for symbol in dict.fromkeys(asset.symbol for asset in positions(test.account))
        ),
        scenarios=tuple(
            ScenarioMargin(name=name, margin=exact(value), passed=value >= 0)
            for name, value in margins
        ),
    )


def _asset_distance(test: Threshold, symbol: str) -> AssetDistance:
    pricing = test.account.pricing
    moves_with = driver(pricing, symbol)
    return AssetDistance(
        symbol=symbol,
        follows=None if moves_with == symbol else moves_with,
        price=exact(price_of(pricing, symbol)),
        passes=SafePricesView.model_validate(safe_json(safe_prices(test, symbol))),
    )
