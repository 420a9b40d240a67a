"""Aave v3.7: how much collateral a repaid debt takes, and how it is shared.

Follows aave-dao/aave-v3-origin v3.7.0,
`src/contracts/protocol/libraries/logic/LiquidationLogic.sol`
(_calculateAvailableCollateralToLiquidate). Since v3.7 each rounding is against the liquidator:
seized amount down, base part of the bonus down, protocol fee up.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..fixed_point import whole
from .aave_market import AaveReserve
from .aave_math import (
    PERCENTAGE_FACTOR,
    percent_div_ceil,
    percent_div_floor,
    percent_mul_ceil,
    percent_mul_floor,
    uint256,
)


@dataclass(frozen=True, slots=True)
class LiquidationAmounts:
    """Amounts of one liquidation, in smallest units.

    Attributes:
        repaid: debt that the liquidator pays.
        seized: collateral that the liquidator receives.
        protocol_fee: further collateral that the treasury receives.
    """

    repaid: int
    seized: int
    protocol_fee: int

    @property
    def taken(self) -> int:
        """Collateral that leaves the account, to the liquidator and the treasury."""
        return self.seized + self.protocol_fee


def with_fee(reserve: AaveReserve, repaid: int, collateral: int, bonus: int) -> LiquidationAmounts:
    """Splits collateral into the liquidator's part and the protocol's share of the bonus."""
    if reserve.liquidation_protocol_fee == 0:
        return LiquidationAmounts(repaid, collateral, 0)
    extra = collateral - percent_div_floor(collateral, bonus)
    fee = percent_mul_ceil(extra, reserve.liquidation_protocol_fee)
    return LiquidationAmounts(repaid, collateral - fee, fee)


def collateral_for_debt(
    collateral: AaveReserve, collateral_price: int, debt: AaveReserve, debt_price: int, amount: int
) -> int:
    """Collateral of the same value as `amount` of debt, without a bonus: down."""
    value = uint256("Aave liquidated debt's value", debt_price * amount * collateral.unit)
    return value // (collateral_price * debt.unit)


def debt_for_collateral(
    collateral: AaveReserve, collateral_price: int, debt: AaveReserve, debt_price: int, amount: int
) -> int:
    """Debt of the same value as `amount` of collateral, with no bonus taken off: down."""
    value = uint256("Aave liquidated collateral's value", collateral_price * amount * debt.unit)
    return value // (debt_price * collateral.unit)


def available_collateral(
    collateral: AaveReserve,
    collateral_price: int,
    debt: AaveReserve,
    debt_price: int,
    debt_to_cover: int,
    collateral_balance: int,
    liquidation_bonus: int,
) -> LiquidationAmounts:
    """What covering some debt takes of a collateral, or what debt all of the collateral covers.

    Args:
        collateral, debt: the reserves (units, protocol fee).
        collateral_price, debt_price: of one whole asset, base currency, above 0.
        debt_to_cover, collateral_balance: smallest units.
        liquidation_bonus: basis points, above 10,000.

    Raises:
        InputError: a price or a bonus out of range, an overflow.

    Source: LiquidationLogic._calculateAvailableCollateralToLiquidate.
    """
    whole(f"Aave price of {collateral.symbol}", collateral_price, 1)
    whole(f"Aave price of {debt.symbol}", debt_price, 1)
    whole(f"Aave debt to cover of {debt.symbol}", debt_to_cover, 0)
    whole(f"Aave collateral balance of {collateral.symbol}", collateral_balance, 0)
    where = f"Aave liquidation bonus of {collateral.symbol}"
    whole(where, liquidation_bonus, PERCENTAGE_FACTOR + 1, 2**16 - 1)
    terms = (collateral, collateral_price, debt, debt_price)
    wanted = percent_mul_floor(collateral_for_debt(*terms, debt_to_cover), liquidation_bonus)
    if wanted <= collateral_balance:
        return with_fee(collateral, debt_to_cover, wanted, liquidation_bonus)
    needed = percent_div_ceil(debt_for_collateral(*terms, collateral_balance), liquidation_bonus)
    return with_fee(collateral, needed, collateral_balance, liquidation_bonus)
