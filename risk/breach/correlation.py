"""Correlation matrices: what one must be, how one is stressed, and its square root. All floats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError

Floats = NDArray[np.float64]

TOLERANCE_FLOAT: Final = 1e-9
"""How far a matrix may be from a correlation matrix by rounding: entries, and per row eigenvalues.
"""


def check_correlation(
    matrix: ArrayLike, symbols: Sequence[str], where: str = "correlation"
) -> Floats:
    """A correlation matrix, made exactly symmetric with a diagonal of exactly 1.

    Args:
        matrix: shape (n, n): symmetric, 1 on the diagonal, from −1 to 1, positive semidefinite.
        symbols: n names of its rows, for errors.
        where: what it is, for errors.

    Raises:
        InputError: another matrix; the message names the first entry that is wrong.
    """
    try:
        found = np.array(matrix, np.float64)
    except (TypeError, ValueError):
        raise InputError(where, "a matrix of numbers", "something else") from None
    n = len(symbols)
    if found.shape != (n, n):
        raise InputError(where, f"the shape ({n}, {n})", f"{found.shape}")
    for i in range(n):
        for j in range(n):
            _check_entry(found, i, j, f"{where}: {symbols[i]},{symbols[j]}")
    found = (found + found.T) / 2
    np.fill_diagonal(found, 1.0)
    smallest = float(np.linalg.eigvalsh(found)[0]) if n else 0.0
    if smallest < -TOLERANCE_FLOAT * max(n, 1):
        raise InputError(
            where,
            "a positive semidefinite matrix (correlations that can hold all at once)",
            f"an eigenvalue of {smallest:.3g}",
        )
    return found


def _check_entry(matrix: Floats, i: int, j: int, where: str) -> None:
    entry = float(matrix[i, j])
    if not isfinite(entry):
        raise InputError(where, "a finite number", repr(entry))
    if i == j and abs(entry - 1) > TOLERANCE_FLOAT:
        raise InputError(where, "1 on the diagonal", repr(entry))
    if abs(entry) > 1 + TOLERANCE_FLOAT:
        raise InputError(where, "a correlation from -1 to 1", repr(entry))
    if abs(entry - float(matrix[j, i])) > TOLERANCE_FLOAT:
        raise InputError(where, f"{float(matrix[j, i])!r} as on the other side", repr(entry))


def from_pairs(
    symbols: Sequence[str], pairs: Mapping[tuple[str, str], float], where: str = "correlation"
) -> Floats:
    """The correlation matrix with these entries; pairs that are not named are uncorrelated.

    Args:
        symbols: n different names.
        pairs: by two different symbols, in any order, each pair once.
        where: for errors.

    Raises:
        InputError: a pair that names another symbol, one twice, or a pair twice; a matrix that is
            no correlation matrix.
    """
    matrix = np.eye(len(symbols))
    place = {symbol: index for index, symbol in enumerate(symbols)}
    seen = set()
    for (first, second), value in pairs.items():
        here = f"{where}: {first},{second}"
        for symbol in (first, second):
            if symbol not in place:
                expected = "one of " + ", ".join(symbols)
                raise InputError(here, expected, repr(symbol))
        if first == second:
            raise InputError(here, "two different symbols", "one twice")
        pair = frozenset((first, second))
        if pair in seen:
            raise InputError(here, "every pair once", "it twice")
        seen.add(pair)
        matrix[place[first], place[second]] = matrix[place[second], place[first]] = value
    return check_correlation(matrix, symbols, where)


def stressed(correlation: Floats, weight: float) -> Floats:
    """Correlations moved towards 1: (1 − w)·ρ + w·1, again a correlation matrix.

    In a crisis prices fall together (F. Longin, B. Solnik, "Extreme correlation of international
    equity markets", Journal of Finance 56, 2001). The mixture of two positive semidefinite matrices
    is one (P. Kupiec, "Stress testing in a value at risk framework", Journal of Derivatives 6,
    1998).

    Args:
        correlation: as `check_correlation` returns it.
        weight: from 0 to 1.

    Raises:
        InputError: another weight.
    """
    if not (isfinite(weight) and 0 <= weight <= 1):
        raise InputError("correlation stress", "a weight from 0 to 1", repr(weight))
    moved: Floats = (1 - weight) * correlation + weight
    return moved


def root(correlation: Floats) -> Floats:
    """A matrix M with M·Mᵀ = correlation, its columns by descending variance.

    The principal components; where Cholesky's factor does not exist, because assets move as one,
    this one does.
    """
    values, vectors = np.linalg.eigh(correlation)
    factor: Floats = vectors[:, ::-1] * np.sqrt(np.maximum(values[::-1], 0.0))
    return factor
