"""Aave v3.7: whether an account may be liquidated, and on what terms.

Follows aave-dao/aave-v3-origin v3.7.0, `src/contracts/protocol/libraries/logic`:
validateLiquidationCall of `ValidationLogic.sol`, and the close factor of executeLiquidationCall in
`LiquidationLogic.sol`. The limits in base currency assume US dollars with 8 decimals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import InputError
from ..fixed_point import whole
from .aave_market import AaveMarket, AaveReserve
from .aave_math import percent_mul, uint256
from .aave_seizure import LiquidationAmounts, available_collateral
from .aave_v3 import (
    HEALTH_FACTOR_LIQUIDATION_THRESHOLD,
    AaveAccount,
    UserAccountData,
    collateral_value,
    debt_balance,
    debt_value,
    oracle_price,
    supply_balance,
    user_account_data,
)

DEFAULT_CLOSE_FACTOR = 5_000
CLOSE_FACTOR_HEALTH_FACTOR = 95 * 10**16
MIN_BASE_FULL_CLOSE = 2_000 * 10**8


@dataclass(frozen=True, slots=True)
class LiquidationTerms:
    """What every part of one liquidation reads: reserves, prices, balances and the bonus."""

    data: UserAccountData
    collateral: AaveReserve
    debt: AaveReserve
    collateral_price: int
    debt_price: int
    collateral_balance: int
    debt_balance: int
    bonus: int

    def collateral_base(self, balance: int) -> int:
        """Base-currency value of an amount of the collateral, down."""
        return collateral_value(balance, self.collateral_price, self.collateral.unit)

    def debt_base(self, balance: int) -> int:
        """Base-currency value of an amount of the debt, up."""
        return debt_value(balance, self.debt_price, self.debt.unit)

    def amounts(self, debt_to_cover: int) -> LiquidationAmounts:
        """What covering an amount of debt takes."""
        return available_collateral(
            self.collateral,
            self.collateral_price,
            self.debt,
            self.debt_price,
            debt_to_cover,
            self.collateral_balance,
            self.bonus,
        )

    def leaves_part(self, amounts: LiquidationAmounts) -> bool:
        """Whether both some debt and some collateral stay."""
        return amounts.repaid < self.debt_balance and amounts.taken < self.collateral_balance


def _check_reserve(reserve: AaveReserve, timestamp: int | None) -> None:
    where = f"Aave reserve {reserve.symbol}"
    if not reserve.active:
        raise InputError(where, "an active reserve", "an inactive one")
    if reserve.paused:
        raise InputError(where, "a reserve that is not paused", "a paused one")
    until = reserve.liquidation_grace_period_until
    if until and (timestamp is None or timestamp <= until):
        expected = "a time after the liquidation grace period"
        raise InputError(where, expected, "none" if timestamp is None else "a time within it")


def liquidation_terms(
    market: AaveMarket,
    account: AaveAccount,
    prices: Mapping[str, int],
    collateral: str,
    debt: str,
    timestamp: int | None,
) -> LiquidationTerms:
    """Everything checked that a liquidation needs (validateLiquidationCall)."""
    if timestamp is not None:
        whole("Aave liquidation timestamp", timestamp, 0, 2**40 - 1)
    held, owed = account.position(collateral), account.position(debt)
    collateral_reserve, debt_reserve = market.reserve(collateral), market.reserve(debt)
    data = user_account_data(market, account, prices)
    _check_reserve(collateral_reserve, timestamp)
    _check_reserve(debt_reserve, timestamp)
    if data.health_factor >= HEALTH_FACTOR_LIQUIDATION_THRESHOLD:
        raise InputError("Aave liquidation", "a health factor below 1", "1 or above")
    if not held.is_collateral:
        raise InputError(f"Aave liquidation of {collateral}", "a collateral in use", "none")
    if owed.scaled_debt == 0:
        raise InputError(f"Aave liquidation of {debt}", "a debt in this asset", "none")
    return LiquidationTerms(
        data=data,
        collateral=collateral_reserve,
        debt=debt_reserve,
        collateral_price=oracle_price(prices, collateral),
        debt_price=oracle_price(prices, debt),
        collateral_balance=supply_balance(market, held),
        debt_balance=debt_balance(market, owed),
        bonus=market.liquidation_bonus(collateral, account.e_mode),
    )


def close_limit(terms: LiquidationTerms) -> int:
    """The most debt that the close factor lets one liquidation cover, in smallest units."""
    debt_base = terms.debt_base(terms.debt_balance)
    if (
        terms.collateral_base(terms.collateral_balance) >= MIN_BASE_FULL_CLOSE
        and debt_base >= MIN_BASE_FULL_CLOSE
        and terms.data.health_factor > CLOSE_FACTOR_HEALTH_FACTOR
    ):
        limit = percent_mul(terms.data.total_debt_base, DEFAULT_CLOSE_FACTOR)
        if debt_base > limit:
            return uint256("Aave close limit", limit * terms.debt.unit) // terms.debt_price
    return terms.debt_balance
