"""Price impact against integrals and the exact pool; what cannot be a market."""

from __future__ import annotations

from fractions import Fraction
from math import inf, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.liquidation.depth import ConstantProductPool
from zkcollateral.risk.system.market import IMPACTS, Depth, Liquidators, OracleRule
from zkcollateral.risk.system.numbers import number

AMOUNTS = st.floats(1e-6, 1e6)


@given(AMOUNTS, AMOUNTS, st.sampled_from(IMPACTS))
def test_what_is_raised_is_the_integral_of_the_level(u: float, x: float, impact: str) -> None:
    depth = Depth(1000.0, impact)  # type: ignore[arg-type]
    ends = np.linspace(0, 1, 20_001) ** 2 * x + u
    middle = (ends[1:] + ends[:-1]) / 2
    numeric = float(np.sum(depth.level(middle) * np.diff(ends)))
    found = float(depth.raised(np.array(u), np.array(x)))
    assert found == pytest.approx(numeric, rel=1e-4, abs=1e-6)


@given(AMOUNTS, AMOUNTS, st.sampled_from([0.0, 0.003]))
def test_a_constant_product_is_the_exact_pool(before: float, x: float, fee: float) -> None:
    base = 1000 + Fraction(before)
    pool = ConstantProductPool(base, Fraction(3 * 10**9) / base, fee=Fraction(fee))
    found = 3_000 * float(Depth(1000.0, fee=fee).raised(np.array(before), np.array(x)))
    assert found == pytest.approx(float(pool.proceeds(Fraction(x))), rel=1e-12, abs=1e-12)


@given(st.sampled_from(IMPACTS), st.floats(1e-3, 2))
def test_reach_undoes_the_level(impact: str, wanted: float) -> None:
    depth = Depth(1000.0, impact)  # type: ignore[arg-type]
    reached = depth.reach(np.array(wanted))
    assert float(depth.level(reached)) == pytest.approx(min(wanted, 1.0), rel=1e-9)


@pytest.mark.parametrize("impact", IMPACTS)
def test_small_sales_lose_no_digits(impact: str) -> None:
    depth = Depth(1e6, impact)  # type: ignore[arg-type]
    u, x = np.array(3e5), np.array(1e-9)
    assert float(depth.raised(u, x)) == pytest.approx(1e-9 * float(depth.level(u)), rel=1e-12)


@pytest.mark.parametrize("impact", IMPACTS)
def test_a_market_that_nothing_moves(impact: str) -> None:
    depth = Depth(inf, impact)  # type: ignore[arg-type]
    u, x = np.array([0.0, 5.0]), np.array([1e9, 0.0])
    assert depth.level(u).tolist() == [1, 1]
    assert depth.raised(u, x).tolist() == [1e9, 0]
    assert depth.reach(np.array([0.5, 1.0, 2.0])).tolist() == [inf, 0, 0]


@pytest.mark.parametrize("impact", ["linear", "square-root"])
def test_beyond_the_last_bid_nothing_is_paid(impact: str) -> None:
    depth = Depth(100.0, impact)  # type: ignore[arg-type]
    all_of_it = float(depth.raised(np.array(0.0), np.array(100.0)))
    assert all_of_it == pytest.approx(50 if impact == "linear" else 100 / 3)
    assert float(depth.raised(np.array(0.0), np.array(1e9))) == pytest.approx(all_of_it)
    assert float(depth.raised(np.array(100.0), np.array(1.0))) == 0
    assert float(depth.level(np.array(200.0))) == 0


def test_half_life() -> None:
    assert Depth(1.0, half_life=1.0).decay == 0.5
    assert Depth(1.0, half_life=4.0).decay ** 4 == pytest.approx(0.5)
    assert Depth(1.0).decay == 1


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (Depth, {"amount": 0.0}),
        (Depth, {"amount": -1.0}),
        (Depth, {"amount": nan}),
        (Depth, {"amount": "1"}),
        (Depth, {"amount": True}),
        (Depth, {"amount": 1.0, "impact": "cubic"}),
        (Depth, {"amount": 1.0, "fee": 1.0}),
        (Depth, {"amount": 1.0, "fee": -0.1}),
        (Depth, {"amount": 1.0, "half_life": 0.0}),
        (OracleRule, {"delay": -1}),
        (OracleRule, {"delay": 1.0}),
        (OracleRule, {"threshold": -0.1}),
        (OracleRule, {"threshold": inf}),
        (OracleRule, {"heartbeat": 0}),
        (Liquidators, {"per_step": 0}),
        (Liquidators, {"order": "luck"}),
        (Liquidators, {"gas_cost": -1.0}),
        (Liquidators, {"minimum_profit": nan}),
    ],
)
def test_markets_that_cannot_be(kind: type, given: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        kind(**given)


def test_numbers() -> None:
    assert number("x", 3, low=0, high=3) == 3.0
    for value in (None, 1j, "3"):
        with pytest.raises(InputError, match="x: expected a number"):
            number("x", value)
    with pytest.raises(InputError, match="at most 2"):
        number("x", 3, high=2)
