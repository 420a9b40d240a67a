"""What a portfolio margin model takes off an account's equity, as rows.

The condition is Σ equity − Σ rate·charge ≥ threshold. A charge is one of two convex functions of
the amounts, and of each the proof holds a number that is at least as large:

    Loss   max(0, max over scenarios of −value − relief):  w ≥ 0, and w + value + relief ≥ 0 in
           every scenario, a row with a slack each
    Size   |value|:  p, n ≥ 0 with value = p − n, so that p + n ≥ |value|

Nothing bounds these numbers from above, and nothing needs to: the rates are not negative, so that
a larger one only leaves less. A prover who takes any other than the smallest proves more than was
asked. That is what concave means here, as with the slices of amounts (`compiler`), and why a
profit in one scenario is no help in another: w is one number for all scenarios of an underlying,
and the worst of them holds it up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ..risk.margin.arrays import GroupArrays
from .lift import Interval
from .quantity import Form, Place


@dataclass(frozen=True)
class Outcome:
    """What the positions gain in one scenario: Σ weight·amount, and `relief` if that is a loss."""

    weights: Mapping[Place, Fraction]
    relief: Fraction


@dataclass(frozen=True)
class Loss:
    """rate · max(0, max over outcomes of −value − relief).

    Args:
        rate: at least 0.
        outcomes: of every scenario; reliefs at least 0.
    """

    rate: Fraction
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class Size:
    """rate · |Σ weight·amount|; the rate is at least 0."""

    rate: Fraction
    weights: Mapping[Place, Fraction]


Charge = Loss | Size


def charges_of(groups: Sequence[GroupArrays], factor: Fraction) -> Iterator[Charge]:
    """The charges of a model, `factor` times each, in their fixed order.

    By underlying: the worst scenario; the roll of every expiry, ascending; the delta contingency.
    Scenarios in which the same amounts gain the same are one, with the smaller relief.
    """
    for group in groups:
        outcomes: dict[tuple[tuple[Place, Fraction], ...], Fraction] = {}
        for index, relief in enumerate(group.reliefs):
            values = ((member.slot, member.values[index]) for member in group.members)
            key = tuple(((0, slot), value) for slot, value in values if value)
            outcomes[key] = min(relief, outcomes.get(key, relief))
        yield Loss(factor, tuple(Outcome(dict(key), outcomes[key]) for key in outcomes if key))
        rolls: dict[str, dict[Place, Fraction]] = {}
        shock: dict[Place, Fraction] = {}
        for member in group.members:
            if member.expiry is not None and member.roll:
                rolls.setdefault(member.expiry, {})[0, member.slot] = member.roll
            if member.shock:
                shock[0, member.slot] = member.shock
        for expiry in sorted(rolls):
            yield Size(factor, rolls[expiry])
        if shock:
            short = {place: -value for place, value in shock.items()}
            both = (Outcome(shock, group.threshold), Outcome(short, group.threshold))
            yield Loss(factor, both)


@dataclass(frozen=True)
class IntegerOutcome:
    """An `Outcome` in integers: the coefficients, and the most that they gain and lose.

    Args:
        weights: by place.
        relief: at least 0.
        most_gained, most_lost: over all amounts; at least 0.
    """

    weights: dict[Place, int]
    relief: int
    most_gained: int
    most_lost: int

    def gained(self, values: Mapping[int, int]) -> Form:
        """value + relief + Σ values."""
        return Form.of(self.weights, values, -self.relief)

    @property
    def lost(self) -> Form:
        """−value − relief."""
        return Form.of({place: -c for place, c in self.weights.items()}, constant=self.relief)


@dataclass(frozen=True)
class IntegerCharge:
    """A charge in small integers.

    Args:
        outcomes: one of a `Size`.
        each: what a unit of the charge takes off the equity: the rate, by the common denominator.
        is_size: whether it is a `Size`.
    """

    outcomes: tuple[IntegerOutcome, ...]
    each: Fraction
    is_size: bool

    @property
    def most(self) -> int:
        """The largest loss there can be in any outcome, at least 0."""
        return max((o.most_lost - o.relief for o in self.outcomes), default=0)


def charge_in_integers(charge: Charge, intervals: Mapping[Place, Interval]) -> IntegerCharge | None:
    """A charge times the common denominator of its numbers; None if it is 0 whatever is held.

    Args:
        charge: of an inequality.
        intervals: of every place.
    """
    if isinstance(charge, Size):
        outcomes: tuple[Outcome, ...] = (Outcome(charge.weights, Fraction(0)),)
    else:
        outcomes = charge.outcomes
    numbers = [number for o in outcomes for number in (*o.weights.values(), o.relief) if number]
    if not numbers or not charge.rate:
        return None
    scale = math.lcm(*(number.denominator for number in numbers))
    divisor = math.gcd(*(number.numerator * (scale // number.denominator) for number in numbers))

    def integer(number: Fraction) -> int:
        return number.numerator * (scale // number.denominator) // divisor

    found = []
    for outcome in outcomes:
        weights = {place: integer(weight) for place, weight in outcome.weights.items()}
        ranges = [intervals[place] * weight for place, weight in weights.items()]
        gained, lost = sum(each.high for each in ranges), -sum(each.low for each in ranges)
        found.append(IntegerOutcome(weights, integer(outcome.relief), gained, lost))
    each = charge.rate * Fraction(divisor, scale)
    made = IntegerCharge(tuple(found), each, isinstance(charge, Size))
    return None if made.most <= 0 and not made.is_size else made
