"""From what the engine found to what the service answers, where it makes no report of its own."""

from __future__ import annotations

from ..risk.boundary import common_shock, price_of, safe_prices
from ..risk.claims import Scenario
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
from .risk_inputs import Given
from .risk_views import (
    AssetDistance,
    BreachView,
    ConditionView,
    DistanceView,
    SafeMultiplesView,
    SafePricesView,
    ScenarioMargin,
    StressView,
)


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
