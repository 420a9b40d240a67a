"""EWMA volatility in integers, against exact fractions, `arch` and a case worked out by hand."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import isqrt

import numpy as np
import pytest
from arch.univariate import EWMAVariance
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.values import Exact
from zkcollateral.risk.volatility.ewma import SCALE, ewma_variances, scaled_returns, volatility
from zkcollateral.risk.volatility.garch import ewma_variances_float

RISK_METRICS = Fraction(94, 100)
PRICE = st.integers(1, 10**12).map(lambda units: Fraction(units, 10**4))
SERIES = st.lists(PRICE, min_size=2, max_size=20)
DECAY = st.integers(1, 999).map(lambda parts: Fraction(parts, 1000))


def exact_variances(prices: list[Fraction], decay: Fraction) -> list[Fraction]:
    """By the closed form Σ weight·r², the weights written down one by one."""
    squares = [(after / before - 1) ** 2 for before, after in pairwise(prices)]
    found = []
    for count in range(1, len(squares) + 1):
        weights = [(1 - decay) * decay ** (count - 1 - place) for place in range(count)]
        assert sum(weights) == 1 - decay**count
        found.append(sum(w * s for w, s in zip(weights, squares, strict=False)))
    return found


def test_a_case_worked_out_by_hand() -> None:
    prices = [Fraction(100), Fraction("112.5"), Fraction("101.25"), Fraction("102.2625")]
    returns = scaled_returns(prices)
    assert returns == [SCALE // 8, -SCALE // 10, SCALE // 100]
    # 0.64/64 = 0.01; 0.36·0.01 + 0.64·0.01, still; 0.36·0.01 + 0.64·0.0001 = 0.003664
    found = ewma_variances(returns, Fraction("0.36"))
    assert [Fraction(each, SCALE**2) for each in found] == [
        Fraction("0.01"),
        Fraction("0.01"),
        Fraction("0.003664"),
    ]
    assert volatility(found[0]) == SCALE // 10
    assert volatility(found[0], 4) == SCALE // 5
    # √0.003664 = 0.06053098380168622370876…, rounded up.
    assert volatility(found[2]) == 60530983801686224


def test_returns_are_rounded_down_also_below_zero() -> None:
    assert scaled_returns([Fraction(3), Fraction(2)]) == [-(SCALE // 3) - 1]
    assert scaled_returns([Fraction(3), Fraction(4)]) == [SCALE // 3]


@given(SERIES, DECAY)
def test_the_error_is_what_the_module_says(prices: list[Fraction], decay: Fraction) -> None:
    """|σ − exact σ| < (2 + 1/√(1 − λ)) · 10^−18, compared as squares of exact numbers."""
    found = ewma_variances(scaled_returns(prices), decay)
    bound = Fraction(2) + Fraction(isqrt(10**24 * 1000 // int((1 - decay) * 1000)) + 1, 10**12)
    for scaled, exact in zip(found, exact_variances(prices, decay), strict=True):
        sigma = Fraction(volatility(scaled))
        true_square = exact * SCALE**2
        assert max(sigma - bound, Fraction(0)) ** 2 < true_square or not exact
        assert true_square < (sigma + bound) ** 2


@given(SERIES, DECAY, st.integers(1, 10_000))
def test_a_volatility_is_the_root_rounded_up(
    prices: list[Fraction], decay: Fraction, horizon: int
) -> None:
    for variance in ewma_variances(scaled_returns(prices), decay):
        root = volatility(variance, horizon)
        assert root**2 >= horizon * variance
        assert not root or (root - 1) ** 2 < horizon * variance


@given(st.lists(st.integers(-(10**17), 10**18), min_size=1, max_size=30), DECAY)
def test_each_variance_is_the_recursion_rounded_up(returns: list[int], decay: Fraction) -> None:
    found = ewma_variances(returns, decay)
    for before, each, square in zip([0, *found], found, returns, strict=False):
        exact = decay * before + (1 - decay) * square**2
        assert 0 <= each - exact < 1


@pytest.mark.parametrize("decay", ["0.94", "0.97", "0.5"])
def test_it_agrees_with_arch(decay: str) -> None:
    """To 1e-12 of the variance; the floats of both are off by about 1e-16 per step."""
    moves = np.random.default_rng(7).normal(0, 0.03, 400)
    prices = [Exact.of(Fraction(round(p * 100), 100)) for p in 60_000 * np.exp(np.cumsum(moves))]
    returns = np.array([float(b / a - 1) for a, b in pairwise(prices)])
    ours = ewma_variances(scaled_returns(prices), Fraction(decay))

    process = EWMAVariance(float(decay))
    padded = np.append(returns, 0.0)
    theirs = np.empty(len(padded))
    bounds = np.tile([0.0, 1e6], (len(padded), 1))
    process.compute_variance(np.empty(0), padded, theirs, 0.0, bounds)
    np.testing.assert_allclose(
        [float(Fraction(each, SCALE**2)) for each in ours], theirs[1:], rtol=1e-12
    )


def test_the_variance_in_floats_is_that_of_arch() -> None:
    returns = np.random.default_rng(8).normal(0, 0.02, 300)
    process = EWMAVariance(0.94)
    theirs = np.empty(300)
    bounds = np.tile([0.0, 1e6], (300, 1))
    process.compute_variance(np.empty(0), returns, theirs, process.backcast(returns), bounds)
    ours = ewma_variances_float(returns, 0.94)
    np.testing.assert_allclose(ours[:-1], theirs, rtol=1e-13)
    assert ours[-1] == pytest.approx(0.94 * theirs[-1] + 0.06 * returns[-1] ** 2, rel=1e-13)


def test_prices_that_do_not_move_have_no_volatility() -> None:
    returns = scaled_returns([Fraction(5)] * 10)
    assert volatility(ewma_variances(returns, RISK_METRICS)[-1], 30) == 0


@pytest.mark.parametrize(
    ("prices", "message"),
    [
        ([Fraction(1)], "prices: expected at least 2"),
        ([Fraction(1), Fraction(0)], r"prices\[1\]: expected a number above 0"),
        ([Fraction(-1), Fraction(1)], r"prices\[0\]: expected a number above 0"),
        ([Fraction(1), 1.5], r"prices\[1\]: expected an integer or a Fraction"),
    ],
)
def test_prices_that_are_none(prices: list[Fraction], message: str) -> None:
    with pytest.raises(InputError, match=message):
        scaled_returns(prices)


@pytest.mark.parametrize("decay", [Fraction(0), Fraction(1), Fraction(-1), 0.94])
def test_a_decay_that_is_none(decay: Fraction) -> None:
    with pytest.raises(InputError, match="decay: expected"):
        ewma_variances([1], decay)
    with pytest.raises(InputError, match="returns: expected at least 1"):
        ewma_variances([], RISK_METRICS)
    with pytest.raises(InputError, match="ewma: decay"):
        ewma_variances_float([0.1, 0.2], 1.0)
