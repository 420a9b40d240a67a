"""The margin in doubles against the exact one, over every rule that a policy may have."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.risk.accounts import LIQUIDATION, World, account_of, world, worlds
from zkcollateral.errors import InputError
from zkcollateral.risk.margin_function import MarginFunction, equity_function, margin_function
from zkcollateral.risk.needs import require
from zkcollateral.risk.threshold import liquidation_threshold, maintenance_threshold

KINDS = ("tiered", "sized")
MULTIPLES = st.one_of(
    st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(1), Fraction(2)]),
    st.fractions(Fraction(1, 100), 4, max_denominator=1000),
)


def gross(function: MarginFunction, multiples: list[float]) -> float:
    return float(function.held(multiples) + function.owed(multiples)) + function.reserve + 1e-6


@settings(max_examples=150, deadline=None)
@given(setting=worlds(KINDS), data=st.data())
def test_it_agrees_with_the_exact_margins(setting: World, data: st.DataObject) -> None:
    account = account_of(setting)
    liquidation = liquidation_threshold(account)
    assert liquidation is not None
    for threshold in (maintenance_threshold(account), liquidation):
        function = margin_function(threshold)
        assert function.rounding == 0
        vectors = [[data.draw(MULTIPLES) for _ in function.drivers] for _ in range(2)]
        many = function.margin([[float(m) for m in vector] for vector in vectors])
        for vector, found in zip(vectors, many, strict=True):
            shocks = {s: m - 1 for s, m in zip(function.drivers, vector, strict=True)}
            size = gross(margin_function(threshold), [max(float(m), 1.0) for m in vector])
            assert found == pytest.approx(float(threshold.margin(shocks)), rel=0, abs=1e-9 * size)
            alone = function.margin([float(m) for m in vector])
            assert found == pytest.approx(float(alone), rel=1e-12, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(setting=worlds(("tiered",), decimals=True), multiple=MULTIPLES)
def test_rounding_makes_the_exact_one_smaller_by_no_more_than_it_says(
    setting: World, multiple: Fraction
) -> None:
    threshold = maintenance_threshold(account_of(setting))
    function = margin_function(threshold)
    multiples = [float(multiple)] * len(function.drivers)
    exact = float(threshold.margin(dict.fromkeys(function.drivers, multiple - 1)))
    slack = 1e-9 * gross(function, [max(float(multiple), 1.0)] * len(function.drivers))
    limits = 1 + len(threshold.account.policy.limits)
    found = float(function.margin(multiples))
    assert found - limits * function.rounding - slack <= exact
    assert exact <= found + limits * function.rounding + slack


@settings(max_examples=40, deadline=None)
@given(setting=worlds(KINDS), multiple=MULTIPLES)
def test_equity_with_a_penalty_is_that_of_the_engine(setting: World, multiple: Fraction) -> None:
    account = account_of(setting)
    terms = setting[1].liquidation
    assert terms is not None
    function = equity_function(account, float(terms.penalty))
    exact = account.after_penalty(terms, dict.fromkeys(function.drivers, multiple - 1))
    multiples = [float(multiple)] * len(function.drivers)
    size = gross(function, multiples)
    assert float(function.margin(multiples)) == pytest.approx(float(exact), rel=0, abs=1e-9 * size)


def test_a_follower_moves_with_its_root_and_floats_of_any_shape_come_back_in_it() -> None:
    cap = {
        "underlying": "ETH",
        "rate": "rate",
        "snapshot": "1",
        "snapshot_time": "2025-01-31T12:00:00Z",
        "yearly_growth": "0.1",
    }
    setting = world(
        {"collateral": {"WSTETH": "0.8"}, "debt": {"ETH": "1", "USDC": "1"}},
        {"ETH": "2000", "USDC": "1", "WSTETH": "9"},
        {"collateral": {"WSTETH": "2"}, "debt": {"ETH": "0.5", "USDC": "100"}},
        figures={"rate": "1.01"},
        growth_caps={"WSTETH": cap},
        liquidation=LIQUIDATION,
    )
    function = margin_function(maintenance_threshold(account_of(setting)))
    assert function.drivers == ("ETH", "USDC")
    assert function.prices.tolist() == [2000.0, 1.0]
    grid = np.ones((3, 5, 2))
    assert function.margin(grid).shape == (3, 5)
    assert function.held(grid)[0, 0] == pytest.approx(2 * 2000 * 1.01 * 0.8)
    assert function.owed(grid * 0.5)[0, 0] == pytest.approx(550.0)
    assert "2000" not in repr(function)


def test_a_wrong_number_of_drivers_is_refused() -> None:
    setting = world({"collateral": {"A": "1"}}, {"A": "2"}, {"collateral": {"A": "2"}})
    function = margin_function(maintenance_threshold(account_of(setting)))
    with pytest.raises(InputError, match="a last dimension of 1"):
        function.margin([1.0, 2.0])


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    require("scipy", "risk breach")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError) as caught:
        require("matplotlib", "risk breach")
    assert str(caught.value) == (
        "risk breach: expected matplotlib to be installed (pip install 'zkcollateral[plot]'), "
        "got no matplotlib"
    )


def test_a_tier_that_begins_at_a_whole_unit_begins_there() -> None:
    # 0.3 / 0.1 is 3, and 2.9999999999999996 in doubles.
    tiers = [{"above": "0", "factor": "1"}, {"above": "0.3", "factor": "0.5"}]
    setting = world(
        {"collateral": {"A": {"type": "sized", "by": "value", "tiers": tiers}}},
        {"A": "0.1"},
        {"collateral": {"A": "3"}},
        unit="0",
    )
    threshold = maintenance_threshold(account_of(setting))
    assert threshold.margin({}) == Fraction(3, 10)
    assert margin_function(threshold).margin([1.0]) == pytest.approx(0.3)
