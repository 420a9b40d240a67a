"""Integer arithmetic with a stated rounding, as contracts do it, and its checked inputs."""

from __future__ import annotations

from fractions import Fraction
from math import floor

from ..errors import InputError

WAD = 10**18
RAY = 10**27
RAD = 10**45
MAX_UINT256 = 2**256 - 1
MAX_INT256 = 2**255 - 1

SECONDS_PER_YEAR = 365 * 86_400
"""As lending protocols count a year."""


def mul_div(a: int, b: int, denominator: int) -> int:
    """⌊a·b / denominator⌋ of integers; towards minus infinity for a negative product."""
    return a * b // denominator


def mul_div_up(a: int, b: int, denominator: int) -> int:
    """⌈a·b / denominator⌉ of integers."""
    return -(-a * b // denominator)


def mul_div_half_up(a: int, b: int, denominator: int) -> int:
    """a·b / denominator, a half rounded up: ⌊(a·b + ⌊denominator/2⌋) / denominator⌋."""
    return (a * b + denominator // 2) // denominator


def truncate_div(a: int, b: int) -> int:
    """a / b rounded towards zero, as signed division does in Solidity and Go."""
    quotient = abs(a) // abs(b)
    return quotient if (a >= 0) == (b >= 0) else -quotient


def round_half_up(value: Fraction, decimals: int) -> Fraction:
    """`value` rounded to so many decimals, a half towards plus infinity."""
    scale = 10**decimals
    return Fraction(floor(value * scale + Fraction(1, 2)), scale)


def whole(where: str, value: object, low: int, high: int = MAX_UINT256) -> int:
    """`value` if it is an integer from `low` to `high`, both included.

    Args:
        where: what the number is, as a person would look for it.
        value: from a caller. A float or a bool is no integer.
        low, high: the range.

    Raises:
        InputError: anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(where, "an integer", f"a {type(value).__name__}")
    if not low <= value <= high:
        shown = "2^256 - 1" if high == MAX_UINT256 else str(high)
        raise InputError(where, f"an integer from {low} to {shown}", "another")
    return value
