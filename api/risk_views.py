"""What the plaintext engine answers: every number in full, and as secret as the account.

A number is a decimal, a fraction such as `4/3` where it has no end as a decimal, or a word:
`infinite`, or `none` where there is no such number.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..risk.document import Part
from ..risk.values import FrozenMap, Name, Several, Time
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


class AdaptiveView(Part):
    """The maintenance ratio of an adaptive policy, and why it is this one; see docs/risk.md."""

    ratio: Number
    volatility: Number
    symbol: Name
    target: Number
    limited: Number
    stress: Number
    limit: Literal["none", "floor", "cap", "rise", "fall"]


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
    ratio: Number
    adaptive: AdaptiveView | None = None
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
