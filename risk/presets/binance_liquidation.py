"""Binance USDⓈ-M futures: what a liquidation takes.

Followed: Binance support, "Binance Futures Liquidation Protocols" (360033525271) and "Insurance
Fund" (360033525371), as of 2024. One immediate-or-cancel order reduces the position, a fee is taken
on what it closed; if the margin then holds, that is all; else the insurance fund takes the rest.

A reading of ours, where the pages say no number: the fee takes no more than the margin balance has,
and with a takeover all that is left of the wallet goes to the fund, or the fund makes it good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from ...errors import InputError
from ..checks import Rational, exact
from .binance_futures import Account, Position, Side


@dataclass(frozen=True, slots=True)
class Fill:
    """What the liquidation order of one position found in the book.

    Args:
        symbol, side: the position.
        amount: closed, at least 0, at most the position's.
        price: average, above 0.

    Raises:
        InputError: a number out of its range.
    """

    symbol: str
    side: Side
    amount: Rational
    price: Rational

    def __post_init__(self) -> None:
        where = f"Binance fill {self.symbol}"
        object.__setattr__(self, "amount", exact(f"{where}: amount", self.amount, low=0))
        object.__setattr__(self, "price", exact(f"{where}: price", self.price, above=0))


@dataclass(frozen=True, slots=True)
class Liquidation:
    """What a liquidation did, in quote.

    Attributes:
        realized_pnl: profit and loss of what was closed in the book.
        fee: liquidation fees, paid to the insurance fund.
        account: what is left; without positions and with a balance of 0 after a takeover.
        taken_over: positions that the insurance fund took.
        insurance_fund: what the fund got beside the fee, negative: what it made good.
    """

    realized_pnl: Fraction
    fee: Fraction
    account: Account
    taken_over: tuple[Position, ...]
    insurance_fund: Fraction

    @property
    def bad_debt(self) -> Fraction:
        """What the wallet was short of, before the fund made it good."""
        return max(-self.insurance_fund, Fraction(0))


def liquidate(account: Account, fills: Sequence[Fill]) -> Liquidation:
    """Liquidate an account: the cross account, or an isolated position.

    Args:
        account: one that is liquidatable at its mark prices.
        fills: at most one for each position; a position without one found no buyer.

    Raises:
        InputError: the account is not liquidatable; a fill twice, of no position, or too large.
    """
    where = "Binance liquidation"
    if not account.is_liquidatable:
        raise InputError(
            f"{where}: account", "a margin ratio of at least 100%", "a smaller margin ratio"
        )
    found: dict[tuple[str, Side], Fill] = {}
    held = {(each.contract.symbol, each.side): each for each in account.positions}
    for fill in fills:
        key = (fill.symbol, fill.side)
        if key not in held:
            raise InputError(f"{where}: fill {fill.symbol}", "a position of that side", "none")
        if key in found:
            raise InputError(f"{where}: fill {fill.symbol}", "one fill", "a second one")
        exact(f"{where}: fill {fill.symbol}: amount", fill.amount, high=held[key].amount)
        found[key] = fill
    realized = owed = Fraction(0)
    rest: list[Position] = []
    for key, position in held.items():
        closed = found.get(key)
        if closed is None:
            rest.append(position)
            continue
        gain = closed.price - position.entry_price
        realized += closed.amount * position.side.value * gain
        owed += closed.amount * closed.price * position.contract.liquidation_fee
        if closed.amount < position.amount:
            rest.append(replace(position, amount=position.amount - closed.amount))
    before_fee = Account(account.wallet_balance + realized, tuple(rest))
    fee = min(owed, max(before_fee.margin_balance, Fraction(0)))
    after = replace(before_fee, wallet_balance=before_fee.wallet_balance - fee)
    if not after.is_liquidatable and after.margin_balance >= 0:
        return Liquidation(realized, fee, after, (), Fraction(0))
    return Liquidation(realized, fee, Account(0), tuple(rest), after.margin_balance)
