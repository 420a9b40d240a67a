"""Aave v3.7: reserves, efficiency modes, accounts and their health factor.

Follows aave-dao/aave-v3-origin v3.7.0,
`src/contracts/protocol/libraries/logic/GenericLogic.sol`.
Parameters and their ranges are in aave_market (and importable from here), operations that change an
account in aave_operations, liquidations in aave_liquidation, the arithmetic in aave_math.

Units: balances in an asset's smallest units, prices and values in the oracle's base currency (US
dollars with 8 decimals), LTV, thresholds, bonuses and fees in basis points, indices in ray, the
health factor in wad. Indices are those of the moment: see aave_math.normalized_income and
normalized_debt to bring them forward.

Left out: interest rate strategies, flash loans, delegation, rewards, the pool's liquidity, and who
may call what.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import InputError
from ..checks import label
from ..fixed_point import MAX_UINT256, WAD, whole
from .aave_market import AaveMarket, AaveReserve, EModeCategory, check_flag
from .aave_math import (
    PERCENTAGE_FACTOR,
    a_token_balance,
    mul_div_ceil,
    percent_mul_floor,
    uint256,
    v_token_balance,
    wad_div,
)

__all__ = [
    "HEALTH_FACTOR_LIQUIDATION_THRESHOLD",
    "NO_DEBT_HEALTH_FACTOR",
    "AaveAccount",
    "AaveMarket",
    "AavePosition",
    "AaveReserve",
    "EModeCategory",
    "UserAccountData",
    "available_borrows",
    "collateral_value",
    "debt_balance",
    "debt_value",
    "health_factor",
    "is_liquidatable",
    "oracle_price",
    "supply_balance",
    "user_account_data",
]

HEALTH_FACTOR_LIQUIDATION_THRESHOLD = WAD
NO_DEBT_HEALTH_FACTOR = MAX_UINT256
_MAX_SCALED = 2**120 - 1


@dataclass(frozen=True, slots=True)
class AavePosition:
    """What an account holds and owes in one reserve.

    Args:
        symbol: the reserve.
        scaled_supply, scaled_debt: scaled balances of the aToken and the debt token, below 2^120.
        use_as_collateral: the account's flag. A supply of zero is never collateral.
    """

    symbol: str
    scaled_supply: int = 0
    scaled_debt: int = 0
    use_as_collateral: bool = True

    def __post_init__(self) -> None:
        label("Aave position's symbol", self.symbol)
        whole(f"Aave position {self.symbol}.scaled_supply", self.scaled_supply, 0, _MAX_SCALED)
        whole(f"Aave position {self.symbol}.scaled_debt", self.scaled_debt, 0, _MAX_SCALED)
        check_flag(f"Aave position {self.symbol}.use_as_collateral", self.use_as_collateral)

    @property
    def is_collateral(self) -> bool:
        """Whether the supply secures the account's debt."""
        return self.use_as_collateral and self.scaled_supply > 0


@dataclass(frozen=True, slots=True)
class AaveAccount:
    """An account: its positions, each reserve once, and its eMode (0 for none)."""

    positions: tuple[AavePosition, ...]
    e_mode: int = 0

    def __post_init__(self) -> None:
        whole("Aave account's e_mode", self.e_mode, 0, 255)
        symbols = [position.symbol for position in self.positions]
        if len(set(symbols)) != len(symbols):
            raise InputError("Aave account's positions", "each reserve once", "one listed twice")

    def position(self, symbol: str) -> AavePosition:
        """The position in a reserve: an empty one if there is none."""
        for position in self.positions:
            if position.symbol == symbol:
                return position
        return AavePosition(symbol, use_as_collateral=False)

    def with_position(self, changed: AavePosition) -> AaveAccount:
        """The account with one position put in place of its reserve's."""
        if any(position.symbol == changed.symbol for position in self.positions):
            positions = tuple(changed if p.symbol == changed.symbol else p for p in self.positions)
        else:
            positions = (*self.positions, changed)
        return AaveAccount(positions, self.e_mode)


@dataclass(frozen=True, slots=True)
class UserAccountData:
    """An account's sums, as `getUserAccountData` gives them.

    Attributes:
        total_collateral_base, total_debt_base, available_borrows_base: base currency.
        average_ltv, average_liquidation_threshold: basis points, down; 0 without collateral.
        health_factor: wad; 2^256 − 1 without debt.
        has_zero_ltv_collateral: some collateral lends nothing.
    """

    total_collateral_base: int
    total_debt_base: int
    available_borrows_base: int
    average_ltv: int
    average_liquidation_threshold: int
    health_factor: int
    has_zero_ltv_collateral: bool


def oracle_price(prices: Mapping[str, int], symbol: str) -> int:
    """The price of one whole asset in base currency; InputError if missing or not positive."""
    if symbol not in prices:
        raise InputError(f"Aave price of {symbol}", "a price", "none")
    return whole(f"Aave price of {symbol}", prices[symbol], 1, 2**255 - 1)


def collateral_value(balance: int, price: int, unit: int) -> int:
    """Base-currency value of a balance held: ⌊balance · price / unit⌋."""
    return uint256("Aave collateral value", balance * price) // unit


def debt_value(balance: int, price: int, unit: int) -> int:
    """Base-currency value of a balance owed: ⌈balance · price / unit⌉."""
    return mul_div_ceil(balance, price, unit)


def health_factor(weighted_collateral: int, total_debt: int) -> int:
    """The health factor in wad: the half-up wad quotient, divided by 10,000 downwards.

    Args:
        weighted_collateral: Σ value · liquidation threshold, base currency · basis points.
        total_debt: base currency; 0 gives 2^256 − 1.

    Source: GenericLogic.calculateUserAccountData.
    """
    whole("Aave weighted collateral", weighted_collateral, 0)
    if whole("Aave total debt", total_debt, 0) == 0:
        return NO_DEBT_HEALTH_FACTOR
    return wad_div(weighted_collateral, total_debt) // PERCENTAGE_FACTOR


def available_borrows(total_collateral: int, total_debt: int, ltv: int) -> int:
    """What may still be borrowed, base currency (GenericLogic.calculateAvailableBorrows)."""
    return max(0, percent_mul_floor(total_collateral, ltv) - total_debt)


def supply_balance(market: AaveMarket, position: AavePosition) -> int:
    """A position's supply in smallest units, rounded down."""
    index = market.reserve(position.symbol).liquidity_index
    return a_token_balance(position.scaled_supply, index)


def debt_balance(market: AaveMarket, position: AavePosition) -> int:
    """A position's debt in smallest units, rounded up."""
    index = market.reserve(position.symbol).variable_borrow_index
    return v_token_balance(position.scaled_debt, index)


def user_account_data(
    market: AaveMarket, account: AaveAccount, prices: Mapping[str, int]
) -> UserAccountData:
    """Totals, averages and health factor of an account.

    Args:
        market: the reserves and eModes.
        account: positions in reserves of the market.
        prices: of one whole asset in base currency, for every reserve supplied as collateral or
            borrowed.

    Raises:
        InputError: an unknown reserve or eMode, a missing price, an overflow.

    Source: GenericLogic.calculateUserAccountData.
    """
    market.e_mode(account.e_mode)
    collateral = debt = weighted_ltv = weighted_threshold = 0
    zero_ltv = False
    for position in account.positions:
        reserve = market.reserve(position.symbol)
        if position.is_collateral:
            price = oracle_price(prices, position.symbol)
            value = collateral_value(supply_balance(market, position), price, reserve.unit)
            ltv = market.ltv(position.symbol, account.e_mode)
            zero_ltv = zero_ltv or ltv == 0
            collateral += value
            weighted_ltv += value * ltv
            weighted_threshold += value * market.liquidation_threshold(
                position.symbol, account.e_mode
            )
        if position.scaled_debt:
            price = oracle_price(prices, position.symbol)
            debt += debt_value(debt_balance(market, position), price, reserve.unit)
    uint256("Aave total collateral", collateral)
    uint256("Aave total debt", debt)
    average_ltv = weighted_ltv // collateral if collateral else 0
    return UserAccountData(
        total_collateral_base=collateral,
        total_debt_base=debt,
        available_borrows_base=available_borrows(collateral, debt, average_ltv),
        average_ltv=average_ltv,
        average_liquidation_threshold=weighted_threshold // collateral if collateral else 0,
        health_factor=health_factor(uint256("Aave weighted collateral", weighted_threshold), debt),
        has_zero_ltv_collateral=zero_ltv,
    )


def is_liquidatable(market: AaveMarket, account: AaveAccount, prices: Mapping[str, int]) -> bool:
    """Whether the health factor is below 1. Arguments and errors as user_account_data."""
    data = user_account_data(market, account, prices)
    return data.health_factor < HEALTH_FACTOR_LIQUIDATION_THRESHOLD
