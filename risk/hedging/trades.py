"""Trades in whole smallest units, what they bring and cost, and the account after them, exactly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

from ..claims import Liquid, Repayment, Sale
from ..registry import Asset
from ..valuation import Account
from .book import Amounts

Impact = Mapping[str, Fraction]
"""By symbol: by what share of itself the price moves against the trade, per whole asset of it."""


@dataclass(frozen=True)
class Trade:
    """A sale, or a repayment. As secret as the account.

    Attributes:
        asset: the slot that changes.
        bought: whether it is bought, to repay what is owed.
        units: above 0, in smallest units.
        value: at the round's price, in quote.
        money: what it brings, or takes if `bought`, in quote, costs included.
    """

    asset: Asset
    bought: bool
    units: int
    value: Fraction
    money: Fraction

    @property
    def amount(self) -> Fraction:
        """In whole assets."""
        return self.units * self.asset.smallest_unit

    @property
    def cost(self) -> Fraction:
        """What slippage, fees and rounding take, in quote."""
        return self.money - self.value if self.bought else self.value - self.money

    def __repr__(self) -> str:
        return "Trade(hidden)"


def whole_trades(
    account: Account,
    claim: Liquid,
    sold: Amounts,
    repaid: Amounts,
    impact: Impact | None = None,
) -> tuple[Trade, ...]:
    """The trades in whole units: sales rounded up, repayments down, so that the money suffices.

    Args:
        account: before them.
        claim: its costs.
        sold, repaid: in smallest units, within the limits.
        impact: of large trades; None is none.
    """
    sales = [
        _trade(account, claim, asset, ceil(units), impact or {}, bought=False)
        for asset, units in sorted(sold.items(), key=_by_slot)
    ]
    left = sum((each.money for each in sales), Fraction(0))
    repayments = []
    for asset, units in sorted(repaid.items(), key=_by_slot):
        trade = _trade(account, claim, asset, floor(units), impact or {}, bought=True)
        while trade.units and trade.money > left:
            # Numbers that were rounded before they came here may want a little too much.
            fewer = trade.units - ceil((trade.money - left) / trade.money * trade.units)
            trade = _trade(account, claim, asset, max(fewer, 0), impact or {}, bought=True)
        left -= trade.money
        repayments.append(trade)
    return tuple(each for each in (*sales, *repayments) if each.units)


def traded(account: Account, trades: Iterable[Trade]) -> Account:
    """The account after them; what is left of the money is not in it."""
    amounts = list(account.amounts)
    for trade in trades:
        more = trade.bought and trade.asset.side == "signed"
        amounts[trade.asset.slot] += trade.units if more else -trade.units
    return replace(account, amounts=tuple(amounts))


def _by_slot(item: tuple[Asset, Fraction]) -> int:
    return item[0].slot


def _trade(
    account: Account, claim: Liquid, asset: Asset, units: int, impact: Impact, *, bought: bool
) -> Trade:
    terms: Mapping[str, Sale | Repayment] = claim.repayments if bought else claim.sales
    quote = account.pricing.quotes[asset.symbol]
    value = (quote.high if bought else quote.low) * asset.smallest_unit * units
    money = account.traded(asset, terms[asset.symbol].cost, bought=bought) * units
    moved = value * impact.get(asset.symbol, Fraction(0)) * units * asset.smallest_unit
    return Trade(asset, bought, units, value, money + moved if bought else money - moved)
