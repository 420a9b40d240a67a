"""Exact numbers from callers of the presets that compute in fractions, checked once."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import TypeAlias

from ...errors import InputError

Rational: TypeAlias = Fraction | int


def rational(
    where: str,
    value: object,
    *,
    low: Rational | None = None,
    above: Rational | None = None,
    high: Rational | None = None,
) -> Fraction:
    """`value` as a Fraction, if it is an integer or a Fraction within the bounds.

    Args:
        where: what the number is, as a person would look for it.
        value: from a caller. A float, a bool or a text is refused.
        low, high: bounds that are allowed themselves; None for no bound.
        above: a bound that is not allowed itself.

    Raises:
        InputError: anything else; the number itself is not told.
    """
    if isinstance(value, bool) or not isinstance(value, (int, Fraction)):
        raise InputError(where, "an integer or a Fraction", f"a {type(value).__name__}")
    number = Fraction(value)
    if (
        (low is None or number >= low)
        and (above is None or number > above)
        and (high is None or number <= high)
    ):
        return number
    bounds = (("at least", low), ("more than", above), ("at most", high))
    wanted = " and ".join(f"{words} {bound}" for words, bound in bounds if bound is not None)
    raise InputError(where, f"a number {wanted}", "another")


def label(where: str, value: object) -> str:
    """`value` if it is a text that is not empty.

    Raises:
        InputError: anything else.
    """
    if not isinstance(value, str):
        raise InputError(where, "a name", f"a {type(value).__name__}")
    if not value:
        raise InputError(where, "a name", "an empty text")
    return value


def round_half_up(value: Fraction, decimals: int) -> Fraction:
    """`value` rounded to so many decimals, a half towards plus infinity."""
    scale = 10**decimals
    return Fraction(floor(value * scale + Fraction(1, 2)), scale)
