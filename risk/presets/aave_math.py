"""Percent, wad and ray arithmetic of Aave v3.7, each rounding spelt out in the function's name.

Follows aave-dao/aave-v3-origin v3.7.0, `src/contracts/protocol/libraries`:
`math/PercentageMath.sol`, `math/WadRayMath.sol`, `math/MathUtils.sol`, `helpers/TokenMath.sol`,
`logic/ReserveLogic.sol`. A name without a suffix rounds half up. Everything is an unsigned 256-bit
integer: where the contract reverts (a division by zero, an overflow), these raise InputError.

Left out: nothing of those libraries but the update of a reserve's rates.
"""

from __future__ import annotations

from ...errors import InputError
from ..fixed_point import (
    MAX_UINT256,
    RAY,
    SECONDS_PER_YEAR,
    WAD,
    mul_div,
    mul_div_half_up,
    mul_div_up,
    whole,
)

PERCENTAGE_FACTOR = 10_000
_WAD_RAY_RATIO = RAY // WAD


def uint256(where: str, value: int) -> int:
    """`value` if checked 256-bit arithmetic of the contract could have produced it.

    Raises:
        InputError: below zero or 2^256 and above, where the contract reverts.
    """
    if not 0 <= value <= MAX_UINT256:
        raise InputError(where, "an unsigned 256-bit result", "an overflow")
    return value


def _check(name: str, a: int, b: int, room: int) -> None:
    whole(f"Aave {name}, first operand", a, 0)
    whole(f"Aave {name}, second operand", b, 0)
    uint256(f"Aave {name}", a * b + room)


def _check_division(name: str, a: int, unit: int, b: int, room: int) -> None:
    whole(f"Aave {name}, first operand", a, 0)
    whole(f"Aave {name}, divisor", b, 1)
    uint256(f"Aave {name}", a * unit + room)


def percent_mul(value: int, percentage: int) -> int:
    """value · percentage / 100 %, half up. Percentages are basis points: 10,000 is 100 %."""
    _check("percentMul", value, percentage, PERCENTAGE_FACTOR // 2)
    return mul_div_half_up(value, percentage, PERCENTAGE_FACTOR)


def percent_mul_floor(value: int, percentage: int) -> int:
    """value · percentage / 100 %, down."""
    _check("percentMulFloor", value, percentage, 0)
    return mul_div(value, percentage, PERCENTAGE_FACTOR)


def percent_mul_ceil(value: int, percentage: int) -> int:
    """value · percentage / 100 %, up."""
    _check("percentMulCeil", value, percentage, 0)
    return mul_div_up(value, percentage, PERCENTAGE_FACTOR)


def percent_div(value: int, percentage: int) -> int:
    """value · 100 % / percentage, half up."""
    _check_division("percentDiv", value, PERCENTAGE_FACTOR, percentage, percentage // 2)
    return mul_div_half_up(value, PERCENTAGE_FACTOR, percentage)


def percent_div_floor(value: int, percentage: int) -> int:
    """value · 100 % / percentage, down."""
    _check_division("percentDivFloor", value, PERCENTAGE_FACTOR, percentage, 0)
    return mul_div(value, PERCENTAGE_FACTOR, percentage)


def percent_div_ceil(value: int, percentage: int) -> int:
    """value · 100 % / percentage, up."""
    _check_division("percentDivCeil", value, PERCENTAGE_FACTOR, percentage, 0)
    return mul_div_up(value, PERCENTAGE_FACTOR, percentage)


def wad_mul(a: int, b: int) -> int:
    """a · b / 1e18, half up."""
    _check("wadMul", a, b, WAD // 2)
    return mul_div_half_up(a, b, WAD)


def wad_div(a: int, b: int) -> int:
    """a · 1e18 / b, half up."""
    _check_division("wadDiv", a, WAD, b, b // 2)
    return mul_div_half_up(a, WAD, b)


def ray_mul(a: int, b: int) -> int:
    """a · b / 1e27, half up."""
    _check("rayMul", a, b, RAY // 2)
    return mul_div_half_up(a, b, RAY)


def ray_mul_floor(a: int, b: int) -> int:
    """a · b / 1e27, down."""
    _check("rayMulFloor", a, b, 0)
    return mul_div(a, b, RAY)


def ray_mul_ceil(a: int, b: int) -> int:
    """a · b / 1e27, up."""
    _check("rayMulCeil", a, b, 0)
    return mul_div_up(a, b, RAY)


def ray_div(a: int, b: int) -> int:
    """a · 1e27 / b, half up."""
    _check_division("rayDiv", a, RAY, b, b // 2)
    return mul_div_half_up(a, RAY, b)


def ray_div_floor(a: int, b: int) -> int:
    """a · 1e27 / b, down."""
    _check_division("rayDivFloor", a, RAY, b, 0)
    return mul_div(a, RAY, b)


def ray_div_ceil(a: int, b: int) -> int:
    """a · 1e27 / b, up."""
    _check_division("rayDivCeil", a, RAY, b, 0)
    return mul_div_up(a, RAY, b)


def ray_to_wad(a: int) -> int:
    """a / 1e9, half up."""
    whole("Aave rayToWad", a, 0)
    return mul_div_half_up(a, 1, _WAD_RAY_RATIO)


def wad_to_ray(a: int) -> int:
    """a · 1e9."""
    _check("wadToRay", a, _WAD_RAY_RATIO, 0)
    return a * _WAD_RAY_RATIO


def mul_div_ceil(a: int, b: int, divisor: int) -> int:
    """a · b / divisor, up."""
    whole("Aave mulDivCeil, divisor", divisor, 1)
    _check("mulDivCeil", a, b, 0)
    return mul_div_up(a, b, divisor)


def _check_accrual(rate: int, seconds: int) -> None:
    whole("Aave interest rate", rate, 0, 2**128 - 1)
    whole("Aave seconds of interest", seconds, 0, 2**40 - 1)


def linear_interest(rate: int, seconds: int) -> int:
    """Growth of a supply over some seconds: 1 + rate · seconds / year.

    Args:
        rate: per year, in ray, below 2^128.
        seconds: below 2^40; a year has 365 days.

    Returns:
        A factor in ray, at least 1e27.
    """
    _check_accrual(rate, seconds)
    return RAY + rate * seconds // SECONDS_PER_YEAR


def compounded_interest(rate: int, seconds: int) -> int:
    """Growth of a debt over some seconds: 1 + x + x²/2 + x³/6 with x = rate · seconds / year.

    The third-order approximation of e^x, each product half up and each division down. Arguments
    and result as linear_interest.
    """
    _check_accrual(rate, seconds)
    x = rate * seconds // SECONDS_PER_YEAR
    return RAY + x + ray_mul(x, x // 2 + ray_mul(x, x // 6))


def normalized_income(liquidity_index: int, rate: int, seconds: int) -> int:
    """The liquidity index `seconds` after its last update, in ray (half up)."""
    if seconds == 0:
        return whole("Aave liquidity index", liquidity_index, 1)
    return ray_mul(linear_interest(rate, seconds), liquidity_index)


def normalized_debt(variable_borrow_index: int, rate: int, seconds: int) -> int:
    """The variable borrow index `seconds` after its last update, in ray (half up)."""
    if seconds == 0:
        return whole("Aave variable borrow index", variable_borrow_index, 1)
    return ray_mul(compounded_interest(rate, seconds), variable_borrow_index)


def a_token_mint_scaled(amount: int, liquidity_index: int) -> int:
    """Scaled aTokens given for a supplied amount: down."""
    return ray_div_floor(amount, liquidity_index)


def a_token_burn_scaled(amount: int, liquidity_index: int) -> int:
    """Scaled aTokens taken for a withdrawn amount: up."""
    return ray_div_ceil(amount, liquidity_index)


def a_token_transfer_scaled(amount: int, liquidity_index: int) -> int:
    """Scaled aTokens moved for a transferred amount: up."""
    return ray_div_ceil(amount, liquidity_index)


def a_token_balance(scaled: int, liquidity_index: int) -> int:
    """What a scaled supply is worth in the asset's smallest units: down."""
    return ray_mul_floor(scaled, liquidity_index)


def v_token_mint_scaled(amount: int, variable_borrow_index: int) -> int:
    """Scaled debt written for a borrowed amount: up."""
    return ray_div_ceil(amount, variable_borrow_index)


def v_token_burn_scaled(amount: int, variable_borrow_index: int) -> int:
    """Scaled debt struck off for a repaid amount: down."""
    return ray_div_floor(amount, variable_borrow_index)


def v_token_balance(scaled: int, variable_borrow_index: int) -> int:
    """What a scaled debt owes in the asset's smallest units: up."""
    return ray_mul_ceil(scaled, variable_borrow_index)
