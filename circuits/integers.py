"""An inequality in integers: fractions times their common denominator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from .curves import Weight
from .quantity import Place
from .weights import Inequality

Starts = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class IntegerWeight:
    """A weight of an inequality in integers, all of it times one number.

    `negative` and `short_starts` are empty if a unit below zero takes away what one above adds.
    """

    starts: Starts
    positive: tuple[int, ...]
    short_starts: Starts
    negative: tuple[int, ...]

    @property
    def linear(self) -> bool:
        """Whether the amount itself, times one number, is the value."""
        return len(self.positive) == 1 and not self.negative


def in_integers(
    inequality: Inequality, charges: Sequence[Fraction] = ()
) -> tuple[dict[Place, IntegerWeight], Fraction]:
    """The weights of an inequality in small integers, and what they were multiplied by.

    A share of a cap, times any of the integers, is an integer too, and so is what one unit of a
    charge takes off (`charges`), times the same number.
    """
    numbers = [part for weight in inequality.weights.values() for part in _parts_of(weight)]
    numbers += charges
    scale = math.lcm(*(number.denominator for number in numbers))
    divisor = math.gcd(*(number.numerator * (scale // number.denominator) for number in numbers))
    whole = math.lcm(*(cap.share.denominator for cap in inequality.caps))

    def integers(numbers: tuple[Fraction, ...]) -> tuple[int, ...]:
        return tuple(
            number.numerator * (scale // number.denominator) // divisor * whole
            for number in numbers
        )

    weights = {
        place: IntegerWeight(
            weight.positive.starts,
            integers(weight.positive.weights),
            weight.negative.starts if weight.negative else (),
            integers(weight.negative.weights) if weight.negative else (),
        )
        for place, weight in inequality.weights.items()
    }
    return weights, Fraction(scale * whole, divisor)


def _parts_of(weight: Weight) -> tuple[Fraction, ...]:
    return (*weight.positive.weights, *(weight.negative.weights if weight.negative else ()))
