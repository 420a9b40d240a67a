"""Which conditions doubles decide for sure, and whole numbers for the others.

How far a margin in doubles may be off. Arithmetic is IEEE 754 double, rounded to nearest, with unit
roundoff u = 2^−53; γ_n = n·u / (1 − n·u). What follows is the standard analysis of sums and inner
products: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002, section
3.1 (lemma 3.1 and equation 3.4; lemma 3.3 for products of factors 1 + θ), whose bounds hold in
whatever order the terms are added.

1. A slice is computed exactly, in 64-bit integers. Turned into a double it gets one factor 1 + δ
   with |δ| ≤ u; its weight, one more (a fraction is turned into the double next to it, and the
   common power of two that it is multiplied with before changes no digit); their product, a third.
2. Of K terms none is negative, so that each of the sums `held`, `owed`, `limited` and `pledged` is
   the sum of its exact terms, each times some 1 + θ with |θ| ≤ γ_{K+3}.
3. share · pledged has two roundings more and limited − share · pledged one more. Cutting it off at
   0 brings two numbers no further apart. So the excess over a cap is off by at most
   γ_{K+6} · (limited + share · pledged), for the exact values of both.
4. J excesses, `owed` and the reserve are subtracted one after the other: J + 2 roundings more, and
   one of the reserve's own.

Hence the computed margin is off by at most γ_n · size with n = K + 2·J + 8 and
size = held + owed + reserve + Σ (limited + share · pledged). `size` itself is computed from terms
none of which is negative, with no more roundings than n, so that it is at least (1 − γ_n) times
the exact one: the error is at most γ_n / (1 − γ_n) = n·u / (1 − 2·n·u) times the computed size. As
n is below 2^20, that is less than 1.001·n·u. The bound used is 2·n·u · size, and what is over
covers the roundings of the bound itself.

None of this holds where numbers become too large or too small for a double. Therefore a condition
is multiplied by the power of two that brings the largest weight (and the reserve over 2^63) between
1/2 and 2. With amounts of at most 2^63 nothing then exceeds 2^100. A weight, or a reserve, that is
then below 2^−800 is taken for 0, and for each of them the bound grows by 2^−736, which is more than
twice as much as it can be worth. All that remains is so large, slices being whole numbers, that no
product is below 2^−940 (shares have at most 40 decimals); and where every number is a multiple of
2^−993, a sum is either 0 or at least that: nothing comes near 2^−1022, where precision ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .fleet_slices import AMOUNT_BOUND, Condition, Slice, Terms

UNIT_ROUNDOFF = 2.0**-53
NEGLIGIBLE = Fraction(1, 1 << 800)
NEGLIGIBLE_WORTH = 2.0**-736

MAX_COLUMNS = 256
"""So many slices of the amounts at hand are remembered for the next condition."""


class Columns:
    """The slices of some accounts' amounts, each as one array over the accounts.

    Args:
        amounts: shape (slots, accounts).
        dtype: float64, or object for Python's own integers.
    """

    def __init__(self, amounts: NDArray[np.int64], dtype: type[np.float64 | np.object_]) -> None:
        self.amounts = amounts
        self.dtype = dtype
        self._known: dict[Slice, NDArray[Any]] = {}

    def total(self, terms: Terms[Any]) -> NDArray[Any]:
        """Σ weight · slice, one per account."""
        result: NDArray[Any] = np.zeros(self.amounts.shape[1], self.dtype)
        for term in terms:
            result += self._column(term.part) * term.weight
        return result

    def _column(self, part: Slice) -> NDArray[Any]:
        known = self._known.get(part)
        if known is None:
            known = part.of(self.amounts[part.slot]).astype(self.dtype)
            if part.short:
                known = -known
            if len(self._known) < MAX_COLUMNS:
                self._known[part] = known
        return known


def margins(condition: Condition[Any], columns: Columns) -> tuple[NDArray[Any], NDArray[Any]]:
    """The margin of every account, and the size of the numbers that it is the difference of."""
    counted, owed = columns.total(condition.held), columns.total(condition.owed)
    size = counted + owed + condition.reserve
    for cap in condition.caps:
        limited = columns.total(cap.limited)
        allowed = columns.total(cap.pledged) * cap.share
        counted = counted - np.maximum(limited - allowed, 0)
        size += limited + allowed
    margin = counted - owed - condition.reserve
    return (-margin if condition.reverse else margin), size


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition in doubles, all of it multiplied by 2^exponent.

    Args:
        condition: the weights next to the exact ones.
        exponent: see above.
        per_size: the bound on the error, as a part of the size.
        absolute: what is added to it.
    """

    condition: Condition[float]
    exponent: int
    per_size: float
    absolute: float

    def decide(
        self, columns: Columns
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]]:
        """Whether the condition is certainly met; whether it certainly is not; the margin in
        quote, as a float that describes and does not decide.
        """
        margin, size = margins(self.condition, columns)
        bound = size * self.per_size + self.absolute
        if self.condition.reverse:
            met, failed = margin > bound, margin <= -bound
        else:
            met, failed = margin >= bound, margin < -bound
        with np.errstate(under="ignore"):
            return met, failed, np.ldexp(margin, -self.exponent)


def make_filter(condition: Condition[Fraction]) -> Filter:
    """The filter of a condition."""
    weights = [term.weight for term in (*condition.held, *condition.owed)]
    largest = max([*weights, condition.reserve / AMOUNT_BOUND])
    exponent = largest.denominator.bit_length() - largest.numerator.bit_length() if largest else 0
    scale = Fraction(2) ** exponent
    neglected = 0

    def weight(exact: Fraction) -> float:
        nonlocal neglected
        scaled = exact * scale
        if scaled and scaled < NEGLIGIBLE:
            neglected += 1
            return 0.0
        return float(scaled)

    caps = len(condition.caps)
    roundings = len(weights) + 2 * caps + 8
    return Filter(
        condition.numbers(weight, float),
        exponent,
        2 * roundings * UNIT_ROUNDOFF,
        neglected * NEGLIGIBLE_WORTH,
    )


@dataclass(frozen=True, slots=True)
class Exact:
    """A condition in whole numbers, all of it multiplied by `scale`; shares are fractions."""

    condition: Condition[Any]
    scale: int

    def decide(self, columns: Columns) -> tuple[NDArray[np.bool_], list[Fraction]]:
        """Whether the condition is met, and the margins in quote; both exact."""
        scaled, _ = margins(self.condition, columns)
        exact = [Fraction(margin) / self.scale for margin in scaled]
        met = [margin > 0 if self.condition.reverse else margin >= 0 for margin in exact]
        return np.array(met, np.bool_), exact


def make_exact(condition: Condition[Fraction]) -> Exact:
    """The condition in whole numbers."""
    terms = (*condition.held, *condition.owed)
    scale = lcm(condition.reserve.denominator, *(term.weight.denominator for term in terms))

    def weight(exact: Fraction) -> int:
        return int(exact * scale)

    return Exact(condition.numbers(weight, lambda share: share), scale)
