"""Compound v3 (Comet): the parameters of a market, an account, and the arithmetic of principals.

Follows compound-finance/comet (main of May 2026), `contracts`: `CometCore.sol` (present value and
principal), `Comet.sol` and `AssetList.sol` (configuration, products with prices and factors).
Divisions of unsigned numbers round down, of signed ones towards zero; a debt's principal rounds up.

Left out: interest rate curves (see accrued_index for one step of accrual), tracking of rewards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ...errors import InputError
from ..checks import label
from ..fixed_point import MAX_UINT256, mul_div, mul_div_up, truncate_div, whole

FACTOR_SCALE = 10**18
BASE_INDEX_SCALE = 10**15
PRICE_SCALE = 10**8
MAX_ASSETS = 24
MAX_BALANCE = 2**128 - 1
MAX_PRINCIPAL = 2**103 - 1
_MAX_UINT64 = 2**64 - 1
_FACTOR_STEP = FACTOR_SCALE // 10**4


@dataclass(frozen=True, slots=True)
class CometAsset:
    """A collateral asset. Factors are of 1e18 and, as the contract packs them, kept to 4 decimals.

    Args:
        symbol: the asset.
        decimals: 0 to 19; one whole asset is 10^decimals smallest units.
        borrow_collateral_factor: of the value, what may be borrowed; below the next one.
        liquidate_collateral_factor: of the value, what counts against liquidation; at most 1e18.
        liquidation_factor: of the value, what an absorbed account is credited; at most 1e18.
        supply_cap: smallest units, kept to whole assets.

    Raises:
        InputError: a parameter that the contract refuses, or a liquidation factor above 1e18, with
            which it could quote no price.
    """

    symbol: str
    decimals: int
    borrow_collateral_factor: int
    liquidate_collateral_factor: int
    liquidation_factor: int
    supply_cap: int = MAX_BALANCE

    def __post_init__(self) -> None:
        label("Comet asset's symbol", self.symbol)
        where = f"Comet asset {self.symbol}"
        whole(f"{where}.decimals", self.decimals, 0, 19)
        borrow, liquidate = self.borrow_collateral_factor, self.liquidate_collateral_factor
        whole(f"{where}.liquidate_collateral_factor", liquidate, 0, FACTOR_SCALE)
        whole(f"{where}.borrow_collateral_factor", borrow, 0, FACTOR_SCALE)
        whole(f"{where}.liquidation_factor", self.liquidation_factor, 0, FACTOR_SCALE)
        whole(f"{where}.supply_cap", self.supply_cap, 0, MAX_BALANCE)
        if borrow // _FACTOR_STEP >= liquidate // _FACTOR_STEP:
            expected = "below the liquidate_collateral_factor in the first 4 decimals"
            raise InputError(f"{where}.borrow_collateral_factor", expected, str(borrow))
        for name in (
            "borrow_collateral_factor",
            "liquidate_collateral_factor",
            "liquidation_factor",
        ):
            kept = getattr(self, name) // _FACTOR_STEP * _FACTOR_STEP
            object.__setattr__(self, name, kept)
        object.__setattr__(self, "supply_cap", self.supply_cap // self.scale * self.scale)

    @property
    def scale(self) -> int:
        """Smallest units of one whole asset."""
        return int(10**self.decimals)


@dataclass(frozen=True, slots=True)
class CometMarket:
    """A market: its base asset, its collateral assets and its indices of the moment.

    Args:
        base: symbol of the base asset, that is supplied and borrowed.
        base_decimals: 6 to 18.
        assets: at most 24 collateral assets, each once, the base not among them.
        store_front_price_factor: of 1e18, the part of the liquidation penalty that buyers get.
        base_borrow_min: smallest debt after a withdrawal, in smallest units.
        target_reserves: smallest units of reserves from which no collateral is sold.
        base_supply_index, base_borrow_index: of 1e15, below 2^64.

    Raises:
        InputError: a parameter that the contract refuses.
    """

    base: str
    base_decimals: int
    assets: tuple[CometAsset, ...]
    store_front_price_factor: int = FACTOR_SCALE
    base_borrow_min: int = 0
    target_reserves: int = 0
    base_supply_index: int = BASE_INDEX_SCALE
    base_borrow_index: int = BASE_INDEX_SCALE

    def __post_init__(self) -> None:
        label("Comet market's base", self.base)
        where = f"Comet market of {self.base}"
        whole(f"{where}.base_decimals", self.base_decimals, 6, 18)
        factor = self.store_front_price_factor
        whole(f"{where}.store_front_price_factor", factor, 0, FACTOR_SCALE)
        whole(f"{where}.base_borrow_min", self.base_borrow_min, 0, 2**104 - 1)
        whole(f"{where}.target_reserves", self.target_reserves, 0, 2**104 - 1)
        whole(f"{where}.base_supply_index", self.base_supply_index, 1, _MAX_UINT64)
        whole(f"{where}.base_borrow_index", self.base_borrow_index, 1, _MAX_UINT64)
        symbols = [asset.symbol for asset in self.assets]
        if len(symbols) > MAX_ASSETS:
            raise InputError(f"{where}.assets", f"at most {MAX_ASSETS}", str(len(symbols)))
        if len({self.base, *symbols}) != len(symbols) + 1:
            raise InputError(f"{where}.assets", "each symbol once", "one listed twice")

    @property
    def base_scale(self) -> int:
        """Smallest units of one whole base asset."""
        return int(10**self.base_decimals)

    def asset(self, symbol: str) -> CometAsset:
        """The collateral asset of a symbol; InputError if the market has none."""
        for asset in self.assets:
            if asset.symbol == symbol:
                return asset
        raise InputError(f"Comet market of {self.base}", "one of its assets", str(symbol))


@dataclass(frozen=True, slots=True)
class CometAccount:
    """An account of a market.

    Args:
        principal: base principal, positive supplied and negative borrowed, within 104 bits.
        collateral: smallest units of each collateral asset, below 2^128.
    """

    principal: int = 0
    collateral: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        whole("Comet account's principal", self.principal, -MAX_PRINCIPAL, MAX_PRINCIPAL)
        given: object = self.collateral
        if not isinstance(given, Mapping):
            got = f"a {type(given).__name__}"
            raise InputError("Comet account's collateral", "a mapping of amounts", got)
        for symbol, balance in self.collateral.items():
            label("Comet account's collateral", symbol)
            whole(f"Comet account's collateral {symbol}", balance, 0, MAX_BALANCE)
        object.__setattr__(self, "collateral", MappingProxyType(dict(self.collateral)))

    def with_collateral(self, symbol: str, balance: int) -> CometAccount:
        """The account with another balance of one collateral asset."""
        return CometAccount(self.principal, {**self.collateral, symbol: balance})


def feed_price(prices: Mapping[str, int], symbol: str) -> int:
    """The price of one whole asset, of 1e8; InputError if missing or not positive."""
    if symbol not in prices:
        raise InputError(f"Comet price of {symbol}", "a price", "none")
    return whole(f"Comet price of {symbol}", prices[symbol], 1, 2**255 - 1)


def checked(where: str, value: int) -> int:
    """`value` if it fits the contract's 256-bit arithmetic, where it would otherwise revert."""
    if not -(2**255) <= value <= MAX_UINT256:
        raise InputError(where, "a 256-bit result", "an overflow")
    return value


def mul_factor(n: int, factor: int) -> int:
    """⌊n · factor / 1e18⌋."""
    return checked("Comet mulFactor", n * factor) // FACTOR_SCALE


def mul_price(n: int, price: int, scale: int) -> int:
    """⌊n · price / scale⌋: the value of an amount, of 1e8."""
    return checked("Comet mulPrice", n * price) // scale


def signed_mul_price(n: int, price: int, scale: int) -> int:
    """n · price / scale towards zero, for an amount that may be negative."""
    return truncate_div(checked("Comet signedMulPrice", n * price), scale)


def div_price(value: int, price: int, scale: int) -> int:
    """⌊value · scale / price⌋: the amount of a value."""
    return checked("Comet divPrice", value * scale) // price


def present_value(market: CometMarket, principal: int) -> int:
    """The base balance of a principal, its magnitude rounded down; negative for a debt."""
    whole("Comet principal", principal, -MAX_PRINCIPAL, MAX_PRINCIPAL)
    if principal >= 0:
        return mul_div(principal, market.base_supply_index, BASE_INDEX_SCALE)
    return -mul_div(-principal, market.base_borrow_index, BASE_INDEX_SCALE)


def principal_value(market: CometMarket, balance: int) -> int:
    """The principal of a base balance: a supply's rounded down, a debt's magnitude rounded up.

    Raises:
        InputError: a principal beyond 104 bits.
    """
    whole("Comet base balance", balance, -(2**255), 2**255 - 1)
    if balance >= 0:
        principal = mul_div(balance, BASE_INDEX_SCALE, market.base_supply_index)
    else:
        principal = -mul_div_up(-balance, BASE_INDEX_SCALE, market.base_borrow_index)
    return whole("Comet principal", principal, -MAX_PRINCIPAL, MAX_PRINCIPAL)


def supply_balance(market: CometMarket, account: CometAccount) -> int:
    """What the account has supplied of the base asset: 0 if it owes (balanceOf)."""
    return max(0, present_value(market, account.principal))


def borrow_balance(market: CometMarket, account: CometAccount) -> int:
    """What the account owes of the base asset: 0 if it does not (borrowBalanceOf)."""
    return max(0, -present_value(market, account.principal))


def accrued_index(index: int, rate: int, seconds: int) -> int:
    """An index after some seconds at one rate: index + ⌊index · rate · seconds / 1e18⌋.

    Args:
        index: of 1e15, below 2^64.
        rate: per second, of 1e18.
        seconds: since the last accrual.
    """
    whole("Comet index", index, 1, _MAX_UINT64)
    whole("Comet rate per second", rate, 0, _MAX_UINT64)
    whole("Comet seconds of interest", seconds, 0, 2**40 - 1)
    return whole("Comet index", index + mul_factor(index, rate * seconds), 1, _MAX_UINT64)


def base_reserves(
    market: CometMarket, token_balance: int, total_supply_base: int, total_borrow_base: int
) -> int:
    """The market's own base assets: tokens held − supplied + borrowed, possibly negative.

    Args:
        token_balance: smallest units that the market holds.
        total_supply_base, total_borrow_base: principals, at least 0.

    Source: Comet.getReserves.
    """
    whole("Comet token balance", token_balance, 0)
    whole("Comet total supply", total_supply_base, 0, 2**104 - 1)
    whole("Comet total borrow", total_borrow_base, 0, 2**104 - 1)
    supplied = mul_div(total_supply_base, market.base_supply_index, BASE_INDEX_SCALE)
    borrowed = mul_div(total_borrow_base, market.base_borrow_index, BASE_INDEX_SCALE)
    return token_balance - supplied + borrowed
