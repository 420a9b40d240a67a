"""What is assumed of markets: correlations, volatilities, time; and what is refused of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.breach.correlation import check_correlation, from_pairs, root, stressed
from zkcollateral.risk.breach.market import Market, Timing

NAN = float("nan")


@pytest.mark.parametrize(
    ("matrix", "problem"),
    [
        ([[1, 0.5], [0.4, 1]], r"correlation: A,B: expected 0\.4 as on the other side, got 0\.5"),
        ([[1, 0.5], [0.5, 0.9]], r"correlation: B,B: expected 1 on the diagonal, got 0\.9"),
        ([[1, 1.5], [1.5, 1]], r"correlation: A,B: expected a correlation from -1 to 1"),
        ([[1, NAN], [NAN, 1]], r"correlation: A,B: expected a finite number, got nan"),
        ([[1, 0.5, 0], [0.5, 1, 0]], r"correlation: expected the shape \(2, 2\)"),
        ([1, 1], r"correlation: expected the shape \(2, 2\)"),
        ("text", "correlation: expected a matrix of numbers"),
    ],
)
def test_matrices_that_are_none(matrix: Any, problem: str) -> None:
    with pytest.raises(InputError, match=f"^{problem}"):
        check_correlation(matrix, ("A", "B"))


def test_correlations_that_cannot_hold_all_at_once() -> None:
    pairs = {("A", "B"): 0.9, ("B", "C"): 0.9, ("A", "C"): -0.9}
    with pytest.raises(InputError, match=r"positive semidefinite .* an eigenvalue of -0\.8"):
        from_pairs(("A", "B", "C"), pairs)
    # At the border it is one: the third follows from the others.
    border = from_pairs(("A", "B", "C"), {("A", "B"): 1.0, ("B", "C"): 1.0, ("A", "C"): 1.0})
    assert np.allclose(root(border) @ root(border).T, border)


@pytest.mark.parametrize(
    ("pairs", "problem"),
    [
        ({("A", "X"): 0.5}, "correlation: A,X: expected one of A, B, got 'X'"),
        ({("A", "A"): 0.5}, "correlation: A,A: expected two different symbols"),
        ({("A", "B"): 0.5, ("B", "A"): 0.5}, "correlation: B,A: expected every pair once"),
        ({("A", "B"): 2.0}, "correlation: A,B: expected a correlation from -1 to 1"),
    ],
)
def test_pairs_that_are_refused(pairs: dict[tuple[str, str], float], problem: str) -> None:
    with pytest.raises(InputError, match=f"^{problem}"):
        from_pairs(("A", "B"), pairs)


@given(
    st.lists(st.floats(-1, 1), min_size=12, max_size=12),
    st.floats(0, 1),
)
def test_stress_keeps_a_correlation_matrix_one(entries: list[float], weight: float) -> None:
    rows = np.array(entries).reshape(4, 3) + 0.01
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    matrix = check_correlation(rows @ rows.T, "ABCD")
    moved = stressed(matrix, weight)
    check_correlation(moved, "ABCD")
    assert np.all(moved >= matrix - 1e-12)
    factor = root(moved)
    assert np.allclose(factor @ factor.T, moved, atol=1e-8)


def test_stress_by_hand() -> None:
    matrix = from_pairs(("A", "B"), {("A", "B"): 0.2})
    assert stressed(matrix, 0.25)[0, 1] == pytest.approx(0.75 * 0.2 + 0.25)
    assert stressed(matrix, 0)[0, 1] == 0.2
    assert np.all(stressed(matrix, 1) == 1)
    for weight in (-0.1, 1.1, NAN):
        with pytest.raises(InputError, match="correlation stress: expected a weight from 0 to 1"):
            stressed(matrix, weight)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"volatilities": {"A": -0.1}}, "volatility of A: expected a number of at least 0"),
        ({"volatilities": {"A": NAN}}, "volatility of A: expected a number of at least 0"),
        ({"volatilities": {"A": "x"}}, "volatility of A: expected a number of at least 0"),
        ({"volatilities": {"A": 1}, "drifts": {"B": 0.1}}, "drift: expected one of A, got 'B'"),
        ({"volatilities": {"A": 1}, "drifts": {"A": NAN}}, "drift of A: expected a finite"),
        ({"volatilities": {"A": 1}, "stress": 2.0}, "correlation stress"),
        ({"volatilities": {"A": 1}, "correlations": np.eye(2)}, "correlation: expected the shape"),
    ],
)
def test_markets_that_are_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError, match=f"^{problem}"):
        Market.of(**options)


def test_a_market_in_another_order() -> None:
    market = Market.of({"A": 0.1, "B": 0.2, "C": 0.3}, {("A", "C"): 0.5}, {"C": 1.0})
    turned = market.ordered(("C", "A"))
    assert turned.volatilities.tolist() == [0.3, 0.1]
    assert turned.drifts.tolist() == [1.0, 0.0]
    assert turned.correlation.tolist() == [[1.0, 0.5], [0.5, 1.0]]
    with pytest.raises(InputError, match="market: expected a volatility of D, got none"):
        market.ordered(("A", "D"))


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((0, 0, 1), "horizon: expected whole seconds from 1"),
        ((-5, 0, 1), "horizon: expected whole seconds from 1"),
        ((1.5, 0, 1), "horizon: expected whole seconds"),
        ((NAN, 0, 1), "horizon: expected whole seconds"),
        ((10**10, 0, 1), "horizon: expected whole seconds"),
        ((10, -1, 1), "delay: expected whole seconds from 0"),
        ((10, 0, 0), "steps: expected whole steps from 1"),
        ((10, 0, True), "steps: expected whole steps from 1"),
    ],
)
def test_times_that_are_refused(arguments: tuple[int, int, int], problem: str) -> None:
    with pytest.raises(InputError, match=f"^{problem}"):
        Timing(*arguments)
