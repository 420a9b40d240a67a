"""The deleveraging of the claim `liquid`, exactly: what may be sold pays for what may be repaid.

Selling one unit of an asset takes its weight a off the collateral and brings the money c; repaying
one unit of a debt takes its weight b (the ratio in it) off the debt and costs the money e. The
largest margin that trades within the limits can reach is the linear program

    margin + max Σ b·r − Σ a·s   over   0 ≤ s ≤ S, 0 ≤ r ≤ R, Σ c·s ≥ Σ e·r

a fractional knapsack on both sides of one budget (Dantzig, Discrete-Variable Extremum Problems,
1957). Selling what loses least per money, a / c, and repaying what gains most per money, b / e,
while the second is above the first, is optimal: let λ be the rate at which it stops. Then
Σ b·r − Σ a·s = Σ max(0, b − λ·e)·R + Σ max(0, λ·c − a)·S, and no trades within the limits give more
than the right side. Tiers are slices of their own. The most valuable units stay, and the dearest
debt goes first, which is the same order, because tiers of what is held fall and of what is owed
rise.

Amounts are divisible here. Trades in whole smallest units are rounded so that the money suffices:
one sale up, one repayment down. They reach all but the weight of one unit sold and one unit owed
of what divisible ones reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ..claims import Liquid
from ..valuation import Account
from .book import Book
from .trades import Trade, traded, whole_trades


@dataclass(frozen=True)
class Deleveraging:
    """What the trades that a claim allows do to an account. As secret as the account.

    Attributes:
        before: weighted collateral − ratio · weighted debt − reserve, in quote, as it stands.
        best: the largest value of that which divisible trades reach; the claim asks that it is at
            least 0.
        trades: in whole smallest units and with the least money moved: until the margin is 0, or
            as far as they go. None where nothing is missing.
        after: the margin of `account`, in quote; below 0 although `best` is not where whole units
            are too coarse.
        account: the account once the trades are done. What is left of the money is not in it.
    """

    before: Fraction
    best: Fraction
    trades: tuple[Trade, ...]
    after: Fraction
    account: Account

    @property
    def proceeds(self) -> Fraction:
        """What the sales bring, in quote."""
        return sum((each.money for each in self.trades if not each.bought), Fraction(0))

    @property
    def spent(self) -> Fraction:
        """What the repayments take, in quote; at most the proceeds."""
        return sum((each.money for each in self.trades if each.bought), Fraction(0))

    @property
    def cost(self) -> Fraction:
        """What slippage and fees take, in quote."""
        return sum((each.cost for each in self.trades), Fraction(0))

    def __repr__(self) -> str:
        return "Deleveraging(hidden)"


def best_margin(account: Account, claim: Liquid) -> Fraction:
    """The largest collateral − ratio · debt − reserve that divisible trades reach, in quote.

    Args:
        account: in the claim's category.
        claim: ratio, limits and costs; of a policy that was checked with it.
    """
    return account.above(claim.ratio, {}) + Book(account, claim).gain()


def deleverage(account: Account, claim: Liquid) -> Deleveraging:
    """The trades that bring an account to the claim's ratio with the least money moved.

    Args:
        account: in the claim's category.
        claim: ratio, limits and costs; of a policy that was checked with it.
    """
    before = account.above(claim.ratio, {})
    book = Book(account, claim)
    best = before + book.gain()
    if before >= 0:
        return Deleveraging(before, best, (), before, account)
    # A unit sold too much and a unit repaid too little must not undo it.
    dust = max((piece.weight for piece in book.sales), default=Fraction(0))
    dust += max((piece.weight for piece in book.repayments), default=Fraction(0))
    trades = whole_trades(account, claim, *book.until(dust - before))
    changed = traded(account, trades)
    return Deleveraging(before, best, trades, changed.above(claim.ratio, {}), changed)
