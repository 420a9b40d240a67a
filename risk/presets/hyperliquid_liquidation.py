"""Hyperliquid: what happens to an account below its maintenance margin.

Followed: hyperliquid-docs, trading/liquidations and trading/auto-deleveraging (2026). Stages:
market orders to the book while the account value is below the maintenance margin; takeover by the
liquidator vault below two thirds of it; auto-deleveraging below 0. There is no clearance fee.

A reading of ours: profit and loss of a partial fill stay with the account that is liquidated, cross
or isolated, so that selling a part improves its margin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction

from ...errors import InputError
from ..checks import Rational, exact
from .hyperliquid import Account, Position

PARTIAL_THRESHOLD = 100_000
TESTNET_PARTIAL_THRESHOLD = 10_000
PARTIAL_SHARE = Fraction(1, 5)
COOLDOWN_SECONDS = 30
BACKSTOP_SHARE = Fraction(2, 3)


class Stage(Enum):
    """How far an account is from its maintenance margin."""

    HEALTHY = "healthy"
    BOOK = "orders to the book"
    BACKSTOP = "takeover by the liquidator vault"
    DELEVERAGING = "auto-deleveraging"


def stage(account: Account) -> Stage:
    """The stage of an account at its mark prices.

    Below two thirds of the maintenance margin the vault may take over, if the book has not done it.
    """
    value, needed = account.account_value, account.maintenance_margin
    if value >= needed:
        return Stage.HEALTHY
    if value < 0:
        return Stage.DELEVERAGING
    return Stage.BACKSTOP if value < BACKSTOP_SHARE * needed else Stage.BOOK


@dataclass(frozen=True, slots=True)
class Order:
    """A market order that the venue sends to close a position.

    Attributes:
        coin: name.
        size: coins to close, above 0.
        partial: whether it is the first fifth of a large position.
    """

    coin: str
    size: Fraction
    partial: bool


@dataclass(frozen=True, slots=True)
class Liquidation:
    """What liquidation orders did.

    Attributes:
        orders: what was sent.
        realized_pnl: profit and loss of what was filled, USDC; there is no fee.
        account: what is left.
        stage: where the account stands now, at its mark prices.
        cooldown: whether the next orders, for 30 seconds, are for entire positions.
        bad_debt: by how much the account value is below 0, USDC; auto-deleveraging covers it.
    """

    orders: tuple[Order, ...]
    realized_pnl: Fraction
    account: Account
    stage: Stage
    cooldown: bool
    bad_debt: Fraction


@dataclass(frozen=True, slots=True)
class Backstop:
    """What the liquidator vault took.

    Attributes:
        positions: all positions of the account.
        account_value: margin that went with them, USDC; nothing of it comes back.
        account: the empty account.
    """

    positions: tuple[Position, ...]
    account_value: Fraction
    account: Account


def _require_liquidatable(account: Account) -> None:
    if not account.is_liquidatable:
        raise InputError(
            "Hyperliquid liquidation: account",
            "an account value below the maintenance margin",
            "one that covers it",
        )


def book_orders(
    account: Account, *, cooldown: bool = False, threshold: Rational = PARTIAL_THRESHOLD
) -> tuple[Order, ...]:
    """The market orders for an account that is liquidatable.

    Args:
        account: a cross account or an isolated position.
        cooldown: whether a position of this user was liquidated in part in the last 30 seconds.
        threshold: USDC; of a larger position only a fifth is sent, outside a cooldown. 100,000 on
            the main network, 10,000 on the test network.

    Raises:
        InputError: the account is not liquidatable.
    """
    bound = exact("Hyperliquid liquidation: threshold", threshold, low=0)
    _require_liquidatable(account)
    orders = []
    for position in account.positions:
        partial = position.notional > bound and not cooldown
        share = PARTIAL_SHARE if partial else Fraction(1)
        orders.append(Order(position.coin, abs(Fraction(position.size)) * share, partial))
    return tuple(orders)


def liquidate(
    account: Account,
    fills: Mapping[str, tuple[Rational, Rational]],
    *,
    cooldown: bool = False,
    threshold: Rational = PARTIAL_THRESHOLD,
) -> Liquidation:
    """Send the orders and settle what the book filled.

    Args:
        account: a cross account or an isolated position, liquidatable.
        fills: coin to filled size (coins, at least 0, at most the order's) and average price
            (USDC per coin, above 0); a coin that is not named found no buyer.
        cooldown, threshold: as of `book_orders`.

    Raises:
        InputError: the account is not liquidatable, a fill without an order or larger than it.
    """
    orders = book_orders(account, cooldown=cooldown, threshold=threshold)
    sizes = {order.coin: order.size for order in orders}
    for coin in fills:
        if coin not in sizes:
            raise InputError("Hyperliquid liquidation: fills", "coins with an order", repr(coin))
    realized, left = Fraction(0), []
    for position in account.positions:
        size, price = fills.get(position.coin, (0, position.mark_price))
        where = f"Hyperliquid liquidation: fill of {position.coin}"
        filled = exact(f"{where}: size", size, low=0, high=sizes[position.coin])
        paid = exact(f"{where}: price", price, above=0)
        side = 1 if position.size > 0 else -1
        realized += side * filled * (paid - position.entry_price)
        rest = position.size - side * filled
        if rest:
            left.append(replace(position, size=rest))
    after = Account(account.balance + realized, tuple(left))
    return Liquidation(
        orders=orders,
        realized_pnl=realized,
        account=after,
        stage=stage(after),
        cooldown=any(order.partial for order in orders),
        bad_debt=max(-after.account_value, Fraction(0)),
    )


def backstop(account: Account) -> Backstop:
    """The liquidator vault takes all positions and all margin of the account.

    Raises:
        InputError: the account value is not below two thirds of the maintenance margin.
    """
    if account.account_value >= BACKSTOP_SHARE * account.maintenance_margin:
        raise InputError(
            "Hyperliquid backstop: account",
            "an account value below 2/3 of the maintenance margin",
            "a larger one",
        )
    return Backstop(account.positions, account.account_value, Account(0))
