"""Products as contracts form them: one that leaves 256 bits reverts, so here it is refused."""

from __future__ import annotations

from ...errors import InputError
from ..fixed_point import MAX_UINT256

MAX_UINT128 = 2**128 - 1


def product(where: str, a: int, b: int) -> int:
    """a·b of integers that are not negative.

    Raises:
        InputError: 2^256 or more, on which the contract reverts.
    """
    value = a * b
    if value > MAX_UINT256:
        raise InputError(where, "a product below 2^256", "a larger one")
    return value


def product_div(where: str, a: int, b: int, denominator: int) -> int:
    """⌊a·b / denominator⌋ of integers that are not negative; the denominator is above 0.

    Raises:
        InputError: a·b of 2^256 or more.
    """
    return product(where, a, b) // denominator


def product_div_up(where: str, a: int, b: int, denominator: int) -> int:
    """⌈a·b / denominator⌉ of integers that are not negative; the denominator is above 0.

    Raises:
        InputError: a·b + denominator − 1 of 2^256 or more.
    """
    value = a * b + denominator - 1
    if value > MAX_UINT256:
        raise InputError(where, "a product below 2^256", "a larger one")
    return value // denominator
