"""Black-76 in decimal arithmetic, the same to the last digit on every machine.

Source: F. Black, "The pricing of commodity contracts", Journal of Financial Economics 3 (1976),
without discounting. For a forward F, a strike K and a total deviation s = σ·√T:

    d1 = ln(F/K)/s + s/2,  d2 = d1 − s,  call = F·N(d1) − K·N(d2),  put = call − F + K

The normal distribution is its series, all of whose terms are positive (M. Abramowitz, I. Stegun,
Handbook of Mathematical Functions, 26.2.11):

    N(x) = 1/2 + φ(x)·(x + x³/3 + x⁵/(3·5) + …),  and 0 or 1 beyond |x| = 12

Only +, −, ·, /, √, ln and exp are used, which Python's `decimal` rounds correctly, in one context
of 40 digits that this module fixes. Numbers are exact to 10⁻³⁰·(F + K) for |ln(F/K)| ≤ 100: the
cut tails are below 2·10⁻³³, and the rounding of a term is 10⁻⁴⁰ of it. Both sides of a proof take
them as they are, so that the bound says how near the model is to the formula and no verdict
rests on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import (
    MAX_EMAX,
    MIN_EMIN,
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)
from fractions import Fraction
from functools import lru_cache
from typing import Final, Literal

Right = Literal["call", "put"]

DIGITS: Final = 40
CUT: Final = Decimal(12)
_CONTEXT: Final = Context(
    prec=DIGITS,
    rounding=ROUND_HALF_EVEN,
    Emin=MIN_EMIN,
    Emax=MAX_EMAX,
    capitals=1,
    clamp=0,
    flags=[],
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
_ZERO, _HALF, _ONE = Decimal(0), Decimal("0.5"), Decimal(1)
_ROOT_OF_TWO_PI: Final = Decimal("2.506628274631000502415765284811045253007")
_NEGLIGIBLE: Final = Decimal(f"1E-{DIGITS + 2}")
_ODD: Final = tuple(Decimal(2 * term + 1) for term in range(512))


@dataclass(frozen=True, slots=True)
class Valued:
    """An option's value in the forward's currency, and its forward delta (−1..1)."""

    value: Decimal
    delta: Decimal


class Deviations:
    """σ·√T of one option under several volatilities, in the fixed context.

    Args:
        seconds: to expiry, above 0; a year has 31,536,000.
    """

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        with localcontext(_CONTEXT):
            self._root = (Decimal(seconds) / Decimal(31_536_000)).sqrt()

    def of(self, volatility: Decimal) -> Decimal:
        """σ·√T of an annualised volatility of at least 0."""
        with localcontext(_CONTEXT):
            return volatility * self._root

    def moved(self, volatility: Decimal, move: Fraction, days: int, power: Fraction) -> Decimal:
        """σ·(1 + move·(days/d)^power), d being the days to expiry; at least 0."""
        with localcontext(_CONTEXT):
            ratio = Decimal(days * 86_400) / Decimal(self.seconds)
            term = (to_decimal(power) * ratio.ln()).exp()
            return max(volatility * (1 + to_decimal(move) * term), _ZERO)


def to_decimal(number: Fraction) -> Decimal:
    """The fraction, rounded to the digits of the context."""
    return _CONTEXT.divide(Decimal(number.numerator), Decimal(number.denominator))


def sum_of(one: Decimal, other: Decimal) -> Decimal:
    """one + other in the fixed context."""
    return _CONTEXT.add(one, other)


@lru_cache(maxsize=4096)
def logarithm(number: Fraction) -> Decimal:
    """ln of a number above 0."""
    return _CONTEXT.ln(to_decimal(number))


def black76(
    right: Right,
    forward: Decimal,
    strike: Decimal,
    moneyness: Decimal,
    deviation: Decimal,
) -> Valued:
    """Value and delta of an option; with a deviation of 0 its intrinsic value.

    Args:
        right: call or put.
        forward, strike: above 0.
        moneyness: ln(forward/strike).
        deviation: σ·√T, at least 0.
    """
    with localcontext(_CONTEXT):
        if deviation == 0:
            # At the money the delta of no deviation is that of a call which is not exercised.
            first = second = _ONE if forward > strike else _ZERO
        else:
            d1 = moneyness / deviation + deviation * _HALF
            d2 = d1 - deviation
            first, second = _normal(d1), _normal(d2)
        if right == "call":
            return Valued(forward * first - strike * second, first)
        return Valued(strike * (1 - second) - forward * (1 - first), first - 1)


def price(
    right: Right, forward: Fraction, strike: Fraction, volatility: Fraction, seconds: int
) -> Valued:
    """Value and delta of one option from plain numbers; what `arrays` does for whole tables.

    Args:
        right: call or put.
        forward, strike: above 0.
        volatility: annualised share, at least 0.
        seconds: to expiry, above 0.
    """
    deviation = Deviations(seconds).of(to_decimal(volatility))
    moneyness = _CONTEXT.subtract(logarithm(forward), logarithm(strike))
    return black76(right, to_decimal(forward), to_decimal(strike), moneyness, deviation)


def _normal(x: Decimal) -> Decimal:
    """N(x), to 10⁻³⁸ or the tail that is cut; in the context of the caller."""
    if x >= CUT:
        return _ONE
    if x <= -CUT:
        return _ZERO
    square = x * x
    term = total = x
    for odd in _ODD[1:]:
        term = term * square / odd
        total += term
        if abs(term) <= abs(total) * _NEGLIGIBLE:
            break
    density = (-square * _HALF).exp() / _ROOT_OF_TWO_PI
    return _HALF + density * total
