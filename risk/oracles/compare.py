"""Two sources against each other: on-chain and off-chain, spot and average, market and rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal, TypeAlias

from ...errors import InputError
from ..checks import Moment, Rational, exact, instant, name, one_of, share
from .outcome import PriceBounds, Reason, ReasonKind, Refusal

Agreement: TypeAlias = Literal["primary", "reference", "conservative"]
Disagreement: TypeAlias = Literal["refuse", "conservative", "primary", "reference"]
Absence: TypeAlias = Literal["refuse", "other"]


@dataclass(frozen=True, slots=True)
class ComparisonRule:
    """Which of two sources is used.

    They agree if |primary − reference| ≤ max_deviation·reference.

    Attributes:
        max_deviation: 0 to 1, the bound itself allowed.
        on_agreement: `primary` or `reference` (that one's price and bounds), or `conservative`
            (the primary's price within the smallest interval that holds both).
        on_disagreement: `refuse`, `conservative` (collateral at the lower, debt at the higher),
            `primary` or `reference`.
        on_absence: what happens if one of them has no price: `refuse`, or use the `other`.

    Raises:
        InputError: a value out of its range.
    """

    max_deviation: Rational
    on_agreement: Agreement = "primary"
    on_disagreement: Disagreement = "refuse"
    on_absence: Absence = "refuse"

    def __post_init__(self) -> None:
        share("comparison: max_deviation", self.max_deviation)
        one_of(
            "comparison: on_agreement", self.on_agreement, ("primary", "reference", "conservative")
        )
        one_of(
            "comparison: on_disagreement",
            self.on_disagreement,
            ("refuse", "conservative", "primary", "reference"),
        )
        one_of("comparison: on_absence", self.on_absence, ("refuse", "other"))


@dataclass(frozen=True, slots=True)
class Compared:
    """What the comparison chose.

    Attributes:
        bounds: the price used.
        used: the names of the sources it is made of.
        notes: empty if both were there and agreed; else why the rule had to decide.
    """

    bounds: PriceBounds
    used: tuple[str, ...]
    notes: tuple[Reason, ...]


def within(price: Rational, reference: Rational, max_deviation: Rational) -> bool:
    """|price − reference| ≤ max_deviation·|reference|; from 0 only 0 is within.

    Raises:
        InputError: a float, a negative deviation.
    """
    base = exact("comparison: reference", reference)
    bound = exact("comparison: max_deviation", max_deviation, low=0)
    return abs(exact("comparison: price", price) - base) <= bound * abs(base)


def compare(
    primary: tuple[str, PriceBounds | Refusal],
    reference: tuple[str, PriceBounds | Refusal],
    rule: ComparisonRule,
) -> Compared | Refusal:
    """One price of two sources.

    Args:
        primary: a name and what the source answered, such as ("off-chain", bounds).
        reference: the one it is held against, such as ("on-chain", bounds) or ("twap", bounds).
        rule: which is used when.

    Returns:
        What is used and why, or a refusal that names the source or the disagreement. If both have
        no price, it has the reasons of both.

    Raises:
        InputError: names that are none or equal.
    """
    first, one = primary
    second, other = reference
    name("comparison: primary", first)
    name("comparison: reference", second)
    if first == second:
        raise InputError("comparison: reference", "another source than the primary", repr(second))
    if isinstance(one, Refusal):
        if isinstance(other, Refusal):
            return Refusal(one.reasons + other.reasons)
        return one if rule.on_absence == "refuse" else Compared(other, (second,), one.reasons)
    if isinstance(other, Refusal):
        return other if rule.on_absence == "refuse" else Compared(one, (first,), other.reasons)
    choice: Agreement | Disagreement = rule.on_agreement
    notes: tuple[Reason, ...] = ()
    if not within(one.price, other.price, rule.max_deviation):
        expected = f"a price within {rule.max_deviation} of {second}"
        notes = (Reason(ReasonKind.DISAGREES, first, expected, "another"),)
        choice = rule.on_disagreement
    if choice == "refuse":
        return Refusal(notes)
    if choice == "primary":
        return Compared(one, (first,), notes)
    if choice == "reference":
        return Compared(other, (second,), notes)
    return Compared(one.around(other), (first, second), notes)


def time_weighted_average(
    points: Sequence[tuple[Moment, Rational]], start: Moment, end: Moment
) -> Fraction:
    """The exact arithmetic mean of a price over time; each price holds until the next.

    Args:
        points: (time, price), times ascending, the first at or before `start`; prices above 0.
            Of two at one time the later one holds.
        start, end: the window, start before end. Points after `end` are not looked at.

    Returns:
        Σ price·seconds / (end − start).

    Raises:
        InputError: no price at the start, times out of order, an empty window, a price of 0 or
            below or a float.
    """
    first, last = instant("twap: start", start), instant("twap: end", end)
    if first >= last:
        raise InputError("twap: end", "a time after the start", "another")
    times = [instant("twap: time", time) for time, _ in points]
    prices = [exact("twap: price", price, above=0) for _, price in points]
    if not times or times[0] > first:
        raise InputError("twap: points", "a price at or before the start", "none")
    if any(later < earlier for earlier, later in pairwise(times)):
        raise InputError("twap: points", "times in ascending order", "another order")
    total = Fraction(0)
    for begin, finish, price in zip(times, [*times[1:], last], prices, strict=True):
        held = min(finish, last) - max(begin, first)
        total += price * max(0, held)
    return total / (last - first)
