"""Compound v3 (Comet): collateralization, liquidation by absorption, and the sale of collateral.

Follows compound-finance/comet, `contracts/Comet.sol` and `CometWithExtendedAssetList.sol`, whose
arithmetic is the same (12 and 24 assets). Parameters, accounts and principals are in
compound_market (and importable from here), supplies and withdrawals in compound_operations.

Units: amounts in an asset's smallest units, prices and values of 1e8 (US dollars), factors of 1e18,
indices of 1e15. Indices are those of the moment.

A liquidation takes all collateral and clears the debt: the account keeps what its collateral,
valued at the liquidation factors, exceeds the debt; what it falls short is the market's loss.

Left out: pausing, permissions, liquidator points, transfers of tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import InputError
from ..fixed_point import whole
from .compound_market import (
    FACTOR_SCALE,
    CometAccount,
    CometAsset,
    CometMarket,
    base_reserves,
    borrow_balance,
    checked,
    div_price,
    feed_price,
    mul_factor,
    mul_price,
    present_value,
    principal_value,
    signed_mul_price,
    supply_balance,
)

__all__ = [
    "CometAbsorption",
    "CometAccount",
    "CometAsset",
    "CometMarket",
    "SeizedCollateral",
    "absorb",
    "base_reserves",
    "borrow_balance",
    "borrow_liquidity",
    "buy_collateral",
    "is_borrow_collateralized",
    "is_liquidatable",
    "liquidation_liquidity",
    "present_value",
    "principal_value",
    "quote_collateral",
    "repay_and_supply_amount",
    "supply_balance",
    "withdraw_and_borrow_amount",
]


def _liquidity(
    market: CometMarket, account: CometAccount, prices: Mapping[str, int], factor: str
) -> int:
    for symbol in account.collateral:
        market.asset(symbol)
    total = signed_mul_price(
        present_value(market, account.principal),
        feed_price(prices, market.base),
        market.base_scale,
    )
    for asset in market.assets:
        balance = account.collateral.get(asset.symbol, 0)
        if balance:
            value = mul_price(balance, feed_price(prices, asset.symbol), asset.scale)
            total += mul_factor(value, getattr(asset, factor))
    return total


def borrow_liquidity(market: CometMarket, account: CometAccount, prices: Mapping[str, int]) -> int:
    """Value of 1e8 by which collateral at the borrow factors exceeds the debt (or falls short).

    Args:
        market, account: the account's collateral is of the market's assets.
        prices: of one whole asset, of 1e8, for the base and every collateral held.

    Raises:
        InputError: an unknown asset, a missing price or one that is not positive, an overflow.
    """
    return _liquidity(market, account, prices, "borrow_collateral_factor")


def liquidation_liquidity(
    market: CometMarket, account: CometAccount, prices: Mapping[str, int]
) -> int:
    """As borrow_liquidity, at the liquidate collateral factors."""
    return _liquidity(market, account, prices, "liquidate_collateral_factor")


def is_borrow_collateralized(
    market: CometMarket, account: CometAccount, prices: Mapping[str, int]
) -> bool:
    """Whether the account may borrow what it owes. Prices are read only if it owes.

    Arguments and errors as borrow_liquidity. Source: Comet.isBorrowCollateralized.
    """
    return account.principal >= 0 or borrow_liquidity(market, account, prices) >= 0


def is_liquidatable(market: CometMarket, account: CometAccount, prices: Mapping[str, int]) -> bool:
    """Whether the account owes more than its collateral covers. Prices are read only if it owes.

    Arguments and errors as borrow_liquidity. Source: Comet.isLiquidatable.
    """
    return account.principal < 0 and liquidation_liquidity(market, account, prices) < 0


def repay_and_supply_amount(old_principal: int, new_principal: int) -> tuple[int, int]:
    """A rise of a principal as (principal repaid, principal supplied)."""
    if new_principal < old_principal:
        return 0, 0
    if new_principal <= 0:
        return new_principal - old_principal, 0
    if old_principal >= 0:
        return 0, new_principal - old_principal
    return -old_principal, new_principal


def withdraw_and_borrow_amount(old_principal: int, new_principal: int) -> tuple[int, int]:
    """A fall of a principal as (principal withdrawn, principal borrowed)."""
    if new_principal > old_principal:
        return 0, 0
    if new_principal >= 0:
        return old_principal - new_principal, 0
    if old_principal <= 0:
        return 0, old_principal - new_principal
    return old_principal, -new_principal


@dataclass(frozen=True, slots=True)
class SeizedCollateral:
    """One collateral of an absorbed account: all of it, and its value of 1e8 before any factor."""

    symbol: str
    amount: int
    value: int


@dataclass(frozen=True, slots=True)
class CometAbsorption:
    """A liquidation that happened.

    Attributes:
        seized: every collateral held, in the market's order.
        base_paid_out: smallest units by which the market raised the account's base balance.
        value_of_base_paid_out: its value, of 1e8.
        bad_debt: smallest units of debt that the collateral, at the liquidation factors, did not
            cover; part of `base_paid_out`.
        repaid_principal, supplied_principal: the rise of the principal, taken off the market's
            borrows and added to its supplies.
        account: the account afterwards: no collateral, a principal of 0 or above.
    """

    seized: tuple[SeizedCollateral, ...]
    base_paid_out: int
    value_of_base_paid_out: int
    bad_debt: int
    repaid_principal: int
    supplied_principal: int
    account: CometAccount


def absorb(
    market: CometMarket, account: CometAccount, prices: Mapping[str, int]
) -> CometAbsorption:
    """Liquidates an account: all its collateral and debt go to the market.

    Raises:
        InputError: an account that is not liquidatable; otherwise as borrow_liquidity.

    Source: Comet.absorbInternal.
    """
    if not is_liquidatable(market, account, prices):
        raise InputError("Comet absorption", "a liquidatable account", "one that is not")
    base_price = feed_price(prices, market.base)
    seized: list[SeizedCollateral] = []
    credit = 0
    for asset in market.assets:
        amount = account.collateral.get(asset.symbol, 0)
        if amount:
            value = mul_price(amount, feed_price(prices, asset.symbol), asset.scale)
            seized.append(SeizedCollateral(asset.symbol, amount, value))
            credit += mul_factor(value, asset.liquidation_factor)
    old_balance = present_value(market, account.principal)
    balance = old_balance + div_price(credit, base_price, market.base_scale)
    paid_out = max(0, balance) - old_balance
    principal = principal_value(market, max(0, balance))
    repaid, supplied = repay_and_supply_amount(account.principal, principal)
    return CometAbsorption(
        seized=tuple(seized),
        base_paid_out=paid_out,
        value_of_base_paid_out=mul_price(paid_out, base_price, market.base_scale),
        bad_debt=max(0, -balance),
        repaid_principal=repaid,
        supplied_principal=supplied,
        account=CometAccount(principal),
    )


def quote_collateral(
    market: CometMarket, prices: Mapping[str, int], symbol: str, base_amount: int
) -> int:
    """Collateral that the market sells for an amount of base, at its discount.

    The discount is store front price factor · (1 − liquidation factor), rounded down; so is the
    discounted price, and the amount.

    Raises:
        InputError: an unknown asset, a missing price, a discounted price of 0, an overflow.

    Source: Comet.quoteCollateral.
    """
    asset = market.asset(symbol)
    whole(f"Comet base amount for {symbol}", base_amount, 0)
    discount = mul_factor(market.store_front_price_factor, FACTOR_SCALE - asset.liquidation_factor)
    discounted = mul_factor(feed_price(prices, symbol), FACTOR_SCALE - discount)
    if discounted == 0:
        raise InputError(f"Comet discounted price of {symbol}", "above 0", "0")
    base_price = feed_price(prices, market.base)
    product = checked("Comet quoteCollateral", base_price * base_amount * asset.scale)
    return product // discounted // market.base_scale


def buy_collateral(
    market: CometMarket,
    prices: Mapping[str, int],
    symbol: str,
    base_amount: int,
    *,
    reserves: int,
    collateral_reserves: int,
    min_amount: int = 0,
) -> int:
    """Collateral that a buyer receives for an amount of base.

    Args:
        reserves: the market's base reserves before the sale (base_reserves).
        collateral_reserves: smallest units of the asset that belong to no account.
        min_amount: the least that the buyer takes.

    Raises:
        InputError: reserves at the target or above; an amount below `min_amount` or above
            `collateral_reserves`; otherwise as quote_collateral.

    Source: Comet.buyCollateral.
    """
    where = f"Comet sale of {symbol}"
    whole(f"{where}: reserves", reserves, -(2**255), 2**255 - 1)
    whole(f"{where}: collateral reserves", collateral_reserves, 0)
    whole(f"{where}: least amount", min_amount, 0)
    if reserves >= market.target_reserves:
        raise InputError(where, "reserves below the target", "reserves at it or above")
    amount = quote_collateral(market, prices, symbol, base_amount)
    if amount < min_amount:
        raise InputError(where, "at least the amount asked for", "less")
    if amount > collateral_reserves:
        raise InputError(where, "at most the collateral reserves", "more")
    return amount
