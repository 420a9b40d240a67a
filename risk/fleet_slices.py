"""Conditions on accounts as weighted slices of amounts, for many accounts at once.

Every condition is held − owed − reserve ≥ 0, or owed − held > 0, and both sides are sums of
weight · slice: a slice is a whole number that an amount determines, a weight what one smallest unit
in it is worth. What exceeds an uncounted limit is taken off what is held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

AMOUNT_BOUND = 1 << 63
"""Amounts are 64-bit integers: none lies further from zero."""

Number = TypeVar("Number")


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the amounts of one slot, in smallest units and never below zero.

    Args:
        slot: whose amounts.
        short: of what lies below zero, instead of above.
        start: how far from zero it begins; from 0 on, below 2^63.
        end: how far from zero it ends, above `start` and below 2^63; None: nowhere.
        whole: all of an amount that lies in (start, end] and nothing of any other, instead of what
            lies between `start` and `end` of every amount.
    """

    slot: int
    short: bool
    start: int
    end: int | None
    whole: bool

    def of(self, amounts: NDArray[np.int64]) -> NDArray[np.int64]:
        """The slice of every one of a slot's amounts, exact; of a short one times −1.

        64 bits hold −2^63 and not its opposite, so that what lies below zero stays there.
        """
        sign = -1 if self.short else 1
        start = sign * self.start
        away, back = (np.minimum, np.maximum) if self.short else (np.maximum, np.minimum)
        cut: NDArray[np.int64] = away(amounts, start)
        if self.end is not None:
            back(cut, sign * self.end, out=cut)
        if self.whole:
            return np.where((cut == amounts) & (amounts != start), amounts, 0)
        return np.subtract(cut, start, out=cut) if start else cut


@dataclass(frozen=True, slots=True)
class Term(Generic[Number]):
    """weight · slice; the weight is not below zero."""

    part: Slice
    weight: Number


Terms = tuple[Term[Number], ...]


@dataclass(frozen=True, slots=True)
class Cap(Generic[Number]):
    """What of `limited` is above share · `pledged` counts nothing. Both are terms of what is held,
    and no two caps limit the same one.
    """

    limited: Terms[Number]
    pledged: Terms[Number]
    share: Number


@dataclass(frozen=True, slots=True)
class Condition(Generic[Number]):
    """held − Σ excess over caps − owed − reserve ≥ 0, or if `reverse` its opposite > 0."""

    held: Terms[Number]
    owed: Terms[Number]
    reserve: Number
    caps: tuple[Cap[Number], ...] = ()
    reverse: bool = False

    def numbers(
        self, weight: Callable[[Number], Any], share: Callable[[Number], Any]
    ) -> Condition[Any]:
        """The same with its weights and its reserve, and with its shares, as other numbers."""

        def converted(terms: Terms[Number]) -> Terms[Any]:
            return tuple(Term(term.part, weight(term.weight)) for term in terms)

        return Condition(
            converted(self.held),
            converted(self.owed),
            weight(self.reserve),
            tuple(
                Cap(converted(cap.limited), converted(cap.pledged), share(cap.share))
                for cap in self.caps
            ),
            self.reverse,
        )
