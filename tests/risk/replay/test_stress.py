"""Stress reports: verdicts against claims, the worst by hand, and the map against the engine."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.risk.accounts import LIQUIDATION, World, account_of, world, worlds
from zkcollateral.errors import InputError
from zkcollateral.risk.claims import Scenario, Stress
from zkcollateral.risk.health import evaluate
from zkcollateral.risk.liquidation.report import liquidation_report
from zkcollateral.risk.replay.report_json import grid_json, stress_json
from zkcollateral.risk.replay.stress import SourcedScenario as Sourced
from zkcollateral.risk.replay.stress import policy_scenarios, stress_report
from zkcollateral.risk.replay.stress_grid import largest_pair, stress_grid
from zkcollateral.risk.threshold import liquidation_threshold, maintenance_threshold
from zkcollateral.risk.values import Exact, FrozenMap

CLAIMS: dict[str, Any] = {
    "all": {
        "type": "stress",
        "scenarios": [
            {"name": "half", "shocks": {"BTC": "-0.5", "ETH": "-0.5"}},
            {"name": "mild", "shocks": {"BTC": "-0.1"}},
        ],
    },
    "fall": {"type": "survives", "assets": ["BTC"], "fall": "0.25"},
    "it": {"type": "maintenance"},
    "safe": {
        "type": "not_liquidatable",
        "scenarios": [{"name": "ether", "shocks": {"ETH": "-0.9"}}],
        "category": "e",
    },
}
CATEGORIES = {
    "e": {
        "collateral": {"BTC": "0.9"},
        "liquidation": {"BTC": "0.95"},
        "debts": ["USDC"],
    }
}


def account(**changes: Any) -> World:
    """0.8 · (60000 + 10 · 3000) = 72000 against 40000."""
    fields = {"liquidation": LIQUIDATION, "claims": CLAIMS, "categories": CATEGORIES, **changes}
    return world(
        {"collateral": {"BTC": "0.8", "ETH": "0.8"}, "debt": {"USDC": "1"}},
        {"BTC": "60000", "ETH": "3000", "USDC": "1"},
        {"collateral": {"BTC": "1", "ETH": "10"}, "debt": {"USDC": "40000"}},
        **fields,
    )


def test_by_hand() -> None:
    setting = account()
    found = stress_report(*setting, policy_scenarios(setting[1]))
    told = {
        o.tested.scenario.name: (o.tested.source, o.maintained, o.margin, o.ratio)
        for o in found.outcomes
    }
    assert told == {
        "half": ("all", False, -4_000, Fraction(9, 10)),
        "mild": ("all", True, 72_000 - 4_800 - 40_000, Fraction(67_200, 40_000)),
        "fall": ("fall", True, 72_000 - 12_000 - 40_000, Fraction(3, 2)),
        # By the factors of its category: 54000 + 2400.
        "ether": ("safe", True, 16_400, Fraction(56_400, 40_000)),
    }
    assert found.worst.tested.scenario.name == "half"
    assert (found.now.margin, found.now.maintained) == (32_000, True)
    assert (found.moved, found.unmoved, found.refused) == (("BTC", "ETH"), ("USDC",), ())
    half = found.outcomes[0]
    assert half.liquidatable
    shocks = {"BTC": Fraction(-1, 2), "ETH": Fraction(-1, 2)}
    assert half.liquidation == liquidation_report(*setting, shocks=shocks)
    assert [o.liquidation for o in found.outcomes[1:]] == [None] * 3
    # 57000 + 2400 by the category's factors of the liquidation test.
    assert found.outcomes[3].liquidation_margin == 19_400
    assert "hidden" in repr(found)
    assert "hidden" in repr(half)


def test_only_one_claim() -> None:
    rule = account()[1]
    assert [t.scenario.name for t in policy_scenarios(rule, "all")] == ["half", "mild"]
    assert policy_scenarios(rule, "it") == ()
    with pytest.raises(InputError, match="a claim of the name 'other'"):
        policy_scenarios(rule, "other")


def test_what_is_refused() -> None:
    setting = account()
    with pytest.raises(InputError, match="scenarios: expected at least one"):
        stress_report(*setting, ())
    bad = Sourced("f", Scenario(name="x", shocks=FrozenMap({"DOGE": Exact("-0.5")})), None)
    with pytest.raises(InputError, match="scenarios: x: expected one of BTC, ETH, USDC, got"):
        stress_report(*setting, (bad,))


def test_misplaced_assets_and_limits_are_told() -> None:
    limits = [{"name": "cap", "assets": ["BTC"], "share": "0.1", "excess": "refused"}]
    setting = account(limits=limits, claims={"all": CLAIMS["all"]})
    found = stress_report(*setting, policy_scenarios(setting[1]))
    assert found.refused == ("limit cap",)
    mild = found.outcomes[1]
    assert mild.margin > 0
    assert not mild.maintained


def test_json() -> None:
    setting = account()
    found = stress_report(*setting, policy_scenarios(setting[1]))
    value = stress_json(found)
    assert value["worst"] == "half"
    first = value["scenarios"][0]
    assert (first["source"], first["maintained"], first["margin"]) == ("all", False, "-4000")
    assert first["liquidation"]["seized_value"] != "0"
    assert value["now"]["liquidation"] is None
    grid = stress_grid(maintenance_threshold(account_of(setting)), ("BTC", "ETH"), -0.5, 0.5, 3)
    written = grid_json(grid)
    assert written["first_changes_float"] == [-0.5, 0.0, 0.5]
    assert written["margin_float"][0][1] == pytest.approx(72_000 - 12_000 - 40_000)
    assert written["ratio_float"][1][1] == pytest.approx(1.8)


SHOCK = st.integers(-100, 80).map(lambda n: Exact.of(Fraction(n, 100)))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    setting=worlds(kinds=("tiered", "sized"), decimals=True),
    shocks=st.dictionaries(st.sampled_from("ABC"), SHOCK),
)
def test_the_verdict_is_that_of_the_claim(setting: World, shocks: dict[str, Exact]) -> None:
    _, rule, registry, prices = setting
    scenario = Scenario(name="s", shocks=FrozenMap(shocks))
    (outcome,) = stress_report(*setting, (Sourced("f", scenario, None),)).outcomes
    amounts = account_of(setting).amounts
    told = evaluate(Stress(scenarios=(scenario,)), rule, registry, prices, amounts)
    assert outcome.maintained == told.holds
    assert outcome.margin == told.margins[0].value
    tested = liquidation_threshold(account_of(setting))
    assert tested is not None
    assert outcome.liquidatable == (tested.margin(shocks) < 0)
    assert (outcome.liquidation is not None) == outcome.liquidatable


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    setting=worlds(),
    pair=st.sampled_from([("A", "B"), ("A", "others"), ("others", "B"), ("A=B", "C")]),
)
def test_the_map_agrees_with_the_engine(setting: World, pair: tuple[str, str]) -> None:
    held = account_of(setting)
    threshold = maintenance_threshold(held)
    try:
        grid = stress_grid(threshold, pair, -0.5, 0.5, 3)
    except InputError:
        assume(False)
    moving = {
        held.pricing.followers.get(asset.symbol, asset.symbol)
        for asset in held.registry.assets
        if asset.side != "debt" and held.amounts[asset.slot]
    }
    gross = float(sum(held.market_values()))
    for row, second in enumerate((-1, 0, 1)):
        for column, first in enumerate((-1, 0, 1)):
            shocks = {}
            named = {name for text in pair for name in text.split("=")}
            for text, change in zip(pair, (first, second), strict=True):
                names = moving - named if text == "others" else text.split("=")
                shocks |= {name: Fraction(change, 2) for name in names}
            exact = float(threshold.margin(shocks))
            assert np.isclose(grid.margin_float[row, column], exact, rtol=0, atol=1e-8 * gross)


def test_maps_that_there_are_not() -> None:
    threshold = maintenance_threshold(account_of(account()))
    assert largest_pair(threshold) == ("BTC", "ETH")
    for pair in (("BTC", "BTC"), ("BTC", "BTC=ETH"), ("others", "others"), ("BTC=ETH", "others")):
        with pytest.raises(InputError, match="grid: expected"):
            stress_grid(threshold, pair)
    with pytest.raises(InputError, match="grid: expected one of BTC, ETH, USDC, others"):
        stress_grid(threshold, ("BTC", "DOGE"))
    for low, high, steps in ((-1.1, 0.5, 3), (0.5, 0.5, 3), (-0.5, 0.5, 1), (-0.5, 0.5, 501)):
        with pytest.raises(InputError, match="ascending changes"):
            stress_grid(threshold, ("BTC", "ETH"), low, high, steps)
    alone = world({"collateral": {"A": "1"}}, {"A": "1"}, {"collateral": {"A": "1"}})
    with pytest.raises(InputError, match="one price only"):
        largest_pair(maintenance_threshold(account_of(alone)))
