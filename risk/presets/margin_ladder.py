"""Margin that grows with the notional in steps, and the prices at which equity just covers it.

Every venue with margin tiers states one rule: margin = notional·rate − deduction, where the
deduction keeps it from jumping: deduction_n = deduction_{n−1} + floor_n·(rate_n − rate_{n−1}).
With rates that do not shrink, equity less margin is concave in the price, so the prices at which it
covers the margin are one interval, found exactly from its linear pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ...errors import InputError
from ..checks import Rational, exact


@dataclass(frozen=True, slots=True)
class MarginLadder:
    """Margin rates by notional.

    Args:
        where: whose ladder it is, for errors.
        floors: notional from which each rate applies, itself included; the first is 0, each is
            larger than the one before.
        rates: margin per notional of each step, above 0 and at most 1; no rate is smaller than the
            one before.

    Raises:
        InputError: no step, another number of rates than floors, a floor or rate out of its range.
    """

    where: str
    floors: tuple[Rational, ...]
    rates: tuple[Rational, ...]

    def __post_init__(self) -> None:
        if not self.floors or len(self.floors) != len(self.rates):
            raise InputError(
                f"{self.where}: tiers",
                "at least one, each with one rate",
                f"{len(self.floors)} floors and {len(self.rates)} rates",
            )
        floors, rates = [], []
        for index, (floor, rate) in enumerate(zip(self.floors, self.rates, strict=True)):
            here = f"{self.where}: tier {index}"
            floors.append(exact(f"{here}: floor", floor, low=0))
            rates.append(exact(f"{here}: rate", rate, above=0, high=1))
            if index == 0 and floors[0] != 0:
                raise InputError(f"{here}: floor", "0", str(floors[0]))
            if index and floors[index] <= floors[index - 1]:
                raise InputError(
                    f"{here}: floor", f"more than {floors[index - 1]}", str(floors[index])
                )
            if index and rates[index] < rates[index - 1]:
                raise InputError(
                    f"{here}: rate",
                    f"at least the rate {rates[index - 1]} of the tier before",
                    str(rates[index]),
                )
        object.__setattr__(self, "floors", tuple(floors))
        object.__setattr__(self, "rates", tuple(rates))

    @property
    def deductions(self) -> tuple[Fraction, ...]:
        """What each step takes off notional·rate, so that margin does not jump between steps."""
        found = [Fraction(0)]
        for index in range(1, len(self.floors)):
            step = self.floors[index] * (self.rates[index] - self.rates[index - 1])
            found.append(found[-1] + step)
        return tuple(found)

    def tier(self, notional: Rational) -> int:
        """Index of the step of a notional of at least 0; a floor belongs to the step it begins."""
        amount = exact(f"{self.where}: notional", notional, low=0)
        return sum(1 for floor in self.floors if amount >= floor) - 1

    def margin(self, notional: Rational) -> Fraction:
        """Margin of a notional of at least 0: notional·rate − deduction of its step."""
        index = self.tier(notional)
        return notional * Fraction(self.rates[index]) - self.deductions[index]


@dataclass(frozen=True, slots=True)
class PriceRange:
    """The prices at which equity covers the margin.

    Attributes:
        lower: equity covers it from here on; None: from 0 on.
        upper: equity covers it up to here; None: without end.
        empty: equity covers it at no price; both bounds are None then.
    """

    lower: Fraction | None
    upper: Fraction | None
    empty: bool = False


def covered_range(
    constant: Fraction, slope: Fraction, legs: Sequence[tuple[Fraction, MarginLadder]]
) -> PriceRange:
    """The prices P > 0 with constant + slope·P >= Σ ladder.margin(size·P).

    Args:
        constant: equity at price 0, less the margin that does not depend on this price.
        slope: by how much equity grows with the price: the signed size.
        legs: size (above 0) and ladder of each position whose margin depends on this price.
    """
    starts = {Fraction(0)}
    for size, ladder in legs:
        starts.update(floor / size for floor in ladder.floors)
    points = sorted(starts)

    def slack(price: Fraction) -> Fraction:
        return (
            constant
            + slope * price
            - sum((ladder.margin(size * price) for size, ladder in legs), Fraction(0))
        )

    lower: Fraction | None = None
    covered = slack(points[0]) >= 0
    ever = covered
    for index, start in enumerate(points):
        level = slack(start)
        rate = slope - sum(
            (size * ladder.rates[ladder.tier(size * start)] for size, ladder in legs), Fraction(0)
        )
        end = points[index + 1] if index + 1 < len(points) else None
        root = start - level / rate if rate else None
        inside = root is not None and root >= start and (end is None or root <= end)
        if not covered and rate > 0 and inside:
            lower, covered, ever = root, True, True
        elif covered and rate < 0 and inside:
            return PriceRange(lower, root) if root else PriceRange(None, None, empty=True)
    return PriceRange(lower, None, empty=not ever)
