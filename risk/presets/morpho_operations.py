"""Morpho Blue's own actions of an account: borrow, repay, withdraw collateral, supply, withdraw.

`morpho_blue` gives all of this again; see there for the version.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...errors import InputError
from ..fixed_point import whole
from .morpho_health import is_healthy
from .morpho_market import (
    Market,
    Position,
    to_assets_down,
    to_assets_up,
    to_shares_down,
    to_shares_up,
)


@dataclass(frozen=True, slots=True)
class Transfer:
    """One action of an account on the loan token.

    Attributes:
        assets, shares: that it moved; the one that was not given, rounded against the account.
        position, market: afterwards.
    """

    assets: int
    shares: int
    position: Position
    market: Market


def borrow(
    market: Market, position: Position, price: int, *, assets: int = 0, shares: int = 0
) -> Transfer:
    """Borrow assets, or shares; exactly one of them above 0.

    Args:
        market: with the supply totals.
        position: the borrower's.
        price: times 10^36.
        assets, shares: what to borrow.

    Raises:
        InputError: not exactly one amount, an account left unhealthy, or more than the market has.
    Source: morpho-blue, src/Morpho.sol `borrow`; so the functions below.
    """
    where = "Morpho Blue borrow"
    _exactly_one(where, assets, shares)
    totals = (market.total_borrow_assets, market.total_borrow_shares)
    if assets:
        shares = to_shares_up(assets, *totals)
    else:
        assets = to_assets_down(shares, *totals)
    after = replace(
        market,
        total_borrow_assets=market.total_borrow_assets + assets,
        total_borrow_shares=market.total_borrow_shares + shares,
    )
    held = replace(position, borrow_shares=position.borrow_shares + shares)
    if not is_healthy(after, held, price):
        raise InputError(where, "an account that is healthy afterwards", "an unhealthy one")
    _liquid(where, after)
    return Transfer(assets, shares, held, after)


def repay(market: Market, position: Position, *, assets: int = 0, shares: int = 0) -> Transfer:
    """Repay assets, or shares; exactly one of them above 0.

    The assets may pass the market's borrowed total by 1.

    Raises:
        InputError: not exactly one amount, or more than the account owes.
    """
    where = "Morpho Blue repay"
    _exactly_one(where, assets, shares)
    totals = (market.total_borrow_assets, market.total_borrow_shares)
    if assets:
        shares = to_shares_down(assets, *totals)
    else:
        assets = to_assets_up(shares, *totals)
    if shares > min(position.borrow_shares, market.total_borrow_shares):
        raise InputError(where, "at most the account's borrow shares", "more")
    return Transfer(
        assets,
        shares,
        replace(position, borrow_shares=position.borrow_shares - shares),
        replace(
            market,
            total_borrow_assets=max(0, market.total_borrow_assets - assets),
            total_borrow_shares=market.total_borrow_shares - shares,
        ),
    )


def withdraw_collateral(market: Market, position: Position, price: int, amount: int) -> Position:
    """Withdraw collateral.

    Raises:
        InputError: nothing or more than there is, or an account left unhealthy.
    """
    where = "Morpho Blue withdraw_collateral"
    whole(f"{where} amount", amount, 1)
    if amount > position.collateral:
        raise InputError(where, "at most the account's collateral", "more")
    left = replace(position, collateral=position.collateral - amount)
    if not is_healthy(market, left, price):
        raise InputError(where, "an account that is healthy afterwards", "an unhealthy one")
    return left


def supply(market: Market, position: Position, *, assets: int = 0, shares: int = 0) -> Transfer:
    """Supply assets, or shares, of the loan token; exactly one of them above 0.

    Raises:
        InputError: not exactly one amount, or totals that leave 128 bits.
    """
    _exactly_one("Morpho Blue supply", assets, shares)
    totals = (market.total_supply_assets, market.total_supply_shares)
    if assets:
        shares = to_shares_down(assets, *totals)
    else:
        assets = to_assets_up(shares, *totals)
    return Transfer(
        assets,
        shares,
        replace(position, supply_shares=position.supply_shares + shares),
        replace(
            market,
            total_supply_assets=market.total_supply_assets + assets,
            total_supply_shares=market.total_supply_shares + shares,
        ),
    )


def withdraw(market: Market, position: Position, *, assets: int = 0, shares: int = 0) -> Transfer:
    """Withdraw assets, or shares, of the loan token; exactly one of them above 0.

    Raises:
        InputError: not exactly one amount, more than was supplied, or more than is not lent.
    """
    where = "Morpho Blue withdraw"
    _exactly_one(where, assets, shares)
    totals = (market.total_supply_assets, market.total_supply_shares)
    if assets:
        shares = to_shares_up(assets, *totals)
    else:
        assets = to_assets_down(shares, *totals)
    if shares > min(position.supply_shares, market.total_supply_shares):
        raise InputError(where, "at most the account's supply shares", "more")
    after = replace(
        market,
        total_supply_assets=market.total_supply_assets - assets,
        total_supply_shares=market.total_supply_shares - shares,
    )
    _liquid(where, after)
    held = replace(position, supply_shares=position.supply_shares - shares)
    return Transfer(assets, shares, held, after)


def _exactly_one(where: str, assets: int, shares: int) -> None:
    whole(f"{where} assets", assets, 0)
    whole(f"{where} shares", shares, 0)
    if (assets == 0) == (shares == 0):
        raise InputError(where, "exactly one of assets and shares above 0", "another")


def _liquid(where: str, market: Market) -> None:
    if market.total_borrow_assets > market.total_supply_assets:
        raise InputError(where, "at most what the market has not lent", "more")
