"""How the price of a Dutch auction falls: linearly, in steps, or exponentially.

A decay says which multiple of its starting price an auction asks for after so many whole seconds.
These are the three price functions of makerdao/dss, `src/abaci.sol`: LinearDecrease,
StairstepExponentialDecrease and ExponentialDecrease. The first is exact here. The other two are
powers of a factor, which the contract rounds after each multiplication; here the power is rounded
once, down to 27 decimals, whatever its exponent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Protocol, runtime_checkable

from ...errors import InputError
from ..checks import duration, exact
from ..fixed_point import RAY, mul_div, mul_div_up

_GUARD = 10**12


@runtime_checkable
class Decay(Protocol):
    """Which multiple of the starting price is asked for, and when it has fallen so far."""

    def multiple(self, elapsed: int) -> Fraction:
        """From 1 at 0 seconds down to 0; never rising."""
        ...

    def seconds_until(self, multiple: Fraction) -> int:
        """The first second at which the multiple is `multiple`, from 0 to 1, or less."""
        ...

    def seconds_until_below(self, multiple: Fraction) -> int:
        """The first second at which it is less than `multiple`, above 0 and at most 1."""
        ...


@dataclass(frozen=True, slots=True)
class LinearDecay:
    """(duration − elapsed) / duration, and 0 from then on. Exact.

    Args:
        duration_seconds: whole seconds until the price is 0, at least 1.
    """

    duration_seconds: int

    def __post_init__(self) -> None:
        duration("linear decay.duration_seconds", self.duration_seconds, 1)

    def multiple(self, elapsed: int) -> Fraction:
        left = self.duration_seconds - duration("auction: elapsed seconds", elapsed)
        return Fraction(max(0, left), self.duration_seconds)

    def seconds_until(self, multiple: Fraction) -> int:
        return ceil(self.duration_seconds * (1 - _multiple(multiple)))

    def seconds_until_below(self, multiple: Fraction) -> int:
        return floor(self.duration_seconds * (1 - _multiple_above_zero(multiple))) + 1


@dataclass(frozen=True, slots=True)
class StairstepDecay:
    """factor^⌊elapsed / step⌋, rounded down to 27 decimals.

    Args:
        step_seconds: whole seconds between two drops, at least 1.
        factor: what is left of the price after each, above 0 and below 1.
    """

    step_seconds: int
    factor: Fraction

    def __post_init__(self) -> None:
        duration("stairstep decay.step_seconds", self.step_seconds, 1)
        object.__setattr__(self, "factor", _factor("stairstep decay.factor", self.factor))

    def multiple(self, elapsed: int) -> Fraction:
        drops = duration("auction: elapsed seconds", elapsed) // self.step_seconds
        return _rounded_power(self.factor, drops)

    def seconds_until(self, multiple: Fraction) -> int:
        return self.step_seconds * _drops_until(self.factor, _multiple(multiple))

    def seconds_until_below(self, multiple: Fraction) -> int:
        return self.step_seconds * _drops_until_below(self.factor, _multiple_above_zero(multiple))


@dataclass(frozen=True, slots=True)
class ExponentialDecay:
    """factor^elapsed, rounded down to 27 decimals.

    Args:
        factor: what is left of the price after each second, above 0 and below 1.
    """

    factor: Fraction

    def __post_init__(self) -> None:
        object.__setattr__(self, "factor", _factor("exponential decay.factor", self.factor))

    def multiple(self, elapsed: int) -> Fraction:
        return _rounded_power(self.factor, duration("auction: elapsed seconds", elapsed))

    def seconds_until(self, multiple: Fraction) -> int:
        return _drops_until(self.factor, _multiple(multiple))

    def seconds_until_below(self, multiple: Fraction) -> int:
        return _drops_until_below(self.factor, _multiple_above_zero(multiple))


def _factor(where: str, value: Fraction) -> Fraction:
    factor = exact(where, value, above=0)
    if factor >= 1:
        raise InputError(where, "a number below 1", "another")
    return factor


def _multiple(value: Fraction) -> Fraction:
    return exact("auction: multiple of the starting price", value, low=0, high=1)


def _multiple_above_zero(value: Fraction) -> Fraction:
    return exact("auction: multiple of the starting price", value, above=0, high=1)


def _drops_until(factor: Fraction, multiple: Fraction) -> int:
    return _first(lambda drops: _rounded_power(factor, drops) <= multiple)


def _drops_until_below(factor: Fraction, multiple: Fraction) -> int:
    return _first(lambda drops: _rounded_power(factor, drops) < multiple)


def _first(holds: Callable[[int], bool]) -> int:
    """The least n ≥ 0 with holds(n), of a condition that holds from somewhere on."""
    if holds(0):
        return 0
    high = 1
    while not holds(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _rounded_power(factor: Fraction, exponent: int) -> Fraction:
    """⌊factor^exponent · 10^27⌋ / 10^27, for a factor from 0 to 1.

    The power is enclosed between two roundings with more digits, and with more still until both
    have the same first 27 decimals. A power of exactly 27 decimals or fewer is met exactly.
    """
    guard = _GUARD
    while True:
        low = _power(factor, exponent, RAY * guard, mul_div) // guard
        if low == _power(factor, exponent, RAY * guard, mul_div_up) // guard:
            return Fraction(low, RAY)
        guard *= guard


def _power(
    factor: Fraction, exponent: int, unit: int, divide: Callable[[int, int, int], int]
) -> int:
    """Factor^exponent in multiples of 1/unit, every product rounded the same way."""
    square = divide(factor.numerator, unit, factor.denominator)
    result = unit
    while exponent:
        if exponent & 1:
            result = divide(result, square, unit)
        square = divide(square, square, unit)
        exponent >>= 1
    return result
