"""Which accounts may be liquidated, for how much, and what their liquidators make of it.

The arithmetic of one liquidation is that of `risk/liquidation/close.py` and the choice of the
amount that of `risk/liquidation/flash.py`, in doubles and for many accounts at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .market import Depth, Liquidators
from .terms import Floats, SystemTerms

Places = NDArray[np.intp]

LEAST_PROFIT: Final = 1e-9
"""Nobody acts for less than this share of what is repaid: rounding alone could make that much."""


@dataclass(frozen=True, eq=False)
class Offers:
    """One liquidation for each of some accounts: their largest debt for their largest collateral.

    All arrays have the shape (offers,).

    Attributes:
        account: place among the accounts.
        debt, collateral: places of the assets, the largest by value at the oracle's prices.
        owed, held: what there is of them, in whole assets.
        partial, whole: what may be repaid, as in `close.RepayLimits`; `whole` is NaN where the
            close factor forbids it.
        seizes: collateral seized for one whole asset of debt; `receives` the liquidator's part.
        pays: what one whole asset of the debt costs at the market, in quote.
        health: weighted collateral over weighted debt.
    """

    account: Places
    debt: Places
    collateral: Places
    owed: Floats
    held: Floats
    partial: Floats
    whole: Floats
    seizes: Floats
    receives: Floats
    pays: Floats
    health: Floats

    def __repr__(self) -> str:
        return "Offers(hidden)"

    def __len__(self) -> int:
        return len(self.account)

    def take(self, places: Places) -> Offers:
        """The offers at these places, in this order."""
        return Offers(**{name: getattr(self, name)[places] for name in self.__dataclass_fields__})


def make_offers(
    accounts: Places,
    held: Floats,
    owed: Floats,
    tested: tuple[Floats, Floats],
    terms: SystemTerms,
    oracle: Floats,
    market: Floats,
) -> Offers:
    """The offers of accounts that may be liquidated.

    Args:
        accounts: their places.
        held, owed: shape (assets, those accounts), in whole assets; each has something of both.
        tested: weighted collateral and weighted debt with the reserve, shape (those accounts,).
        terms: the rule.
        oracle, market: prices, shape (assets,).
    """
    every = np.arange(len(accounts))
    debt = np.argmax(owed * oracle[:, None], axis=0)
    collateral = np.argmax(held * oracle[:, None], axis=0)
    owes, has = owed[debt, every], held[collateral, every]
    debt_price, price = oracle[debt], oracle[collateral]
    seizes = debt_price * (1 + terms.penalty) / price
    receives = debt_price * (1 + terms.penalty * (1 - terms.protocol_share)) / price
    pays_for = has / seizes
    gone = np.minimum(owes, pays_for)
    undusted = np.minimum(owes - terms.minimum / debt_price, (has - terms.minimum / price) / seizes)
    step = terms.close_factor * owes
    collateral_test, debt_test = tested
    everything = collateral_test < terms.close_all_below * debt_test
    free = everything | (gone <= step) | (undusted < step)
    return Offers(
        account=accounts,
        debt=debt,
        collateral=collateral,
        owed=owes,
        held=has,
        partial=np.where(free, np.maximum(0.0, undusted), step),
        whole=np.where(free, gone, np.nan),
        seizes=seizes,
        receives=receives,
        pays=market[debt],
        health=collateral_test / debt_test,
    )


@dataclass(frozen=True, eq=False)
class Choice:
    """What liquidators would do: repay so much (0: nothing), for this profit, in quote."""

    repay: Floats
    raised: Floats
    profit: Floats


def choose(
    offers: Offers, depth: Depth, price: float, outstanding: Floats, liquidators: Liquidators
) -> Choice:
    """The most profitable amount for each liquidator, at its own state of the market.

    The profit of repaying r is price · ∫ g over what is sold − r · pays − gas. It is concave in r,
    so that among what may be repaid the best is where the marginal price equals the cost, or the
    end of what the rule allows; of two that are equal the larger.

    Args:
        offers: all of one collateral.
        depth: of its market.
        price: f of the collateral.
        outstanding: u when it is the liquidator's turn, shape (offers,).
        liquidators: their costs.
    """
    even = offers.pays / (price * depth.kept * offers.receives)
    turning = np.maximum(depth.reach(even) - outstanding, 0.0) / depth.kept / offers.receives
    part = np.minimum(turning, offers.partial)

    def outcome(repay: Floats) -> tuple[Floats, Floats]:
        raised = price * depth.raised(outstanding, repay * offers.receives)
        return raised, raised - repay * offers.pays - liquidators.gas_cost

    part_raised, part_profit = outcome(part)
    all_raised, all_profit = outcome(offers.whole)
    # A comparison with NaN is false: where `whole` is not allowed, the part stays.
    better = all_profit >= part_profit
    profit = np.where(better, all_profit, part_profit)
    repay = np.where(better, offers.whole, part)
    acts = (repay > 0) & (profit > LEAST_PROFIT * repay * offers.pays)
    acts &= profit >= liquidators.minimum_profit
    return Choice(
        np.where(acts, repay, 0.0),
        np.where(acts, np.where(better, all_raised, part_raised), 0.0),
        np.where(acts, profit, 0.0),
    )


def in_turn(
    offers: Offers, depth: Depth, price: float, outstanding: float, liquidators: Liquidators
) -> Choice:
    """What liquidators do one after the other, each at the price that those before it left.

    The same as asking `choose` one by one, but whole runs at once: as long as each takes the most
    that it may, what stands before it is a running sum. Prices only fall within a step, so that who
    would not act now is not asked again.

    Args:
        offers: all of one collateral, in the order of their turns.
        outstanding: u before the first.
    """
    repay, raised, profit = (np.zeros(len(offers)) for _ in range(3))
    most = np.where(np.isnan(offers.whole), offers.partial, offers.whole)
    rest = np.arange(len(offers))
    while len(rest):
        queue = offers.take(rest)
        now = choose(queue, depth, price, np.full(len(rest), outstanding), liquidators)
        acts = np.flatnonzero(now.repay)
        if not len(acts):
            break
        rest, queue = rest[acts], queue.take(acts)
        moves = depth.kept * most[rest] * queue.receives
        before = outstanding + (np.cumsum(moves) - moves)
        run = choose(queue, depth, price, before, liquidators)
        broken = np.flatnonzero(run.repay != most[rest])
        length = int(broken[0]) if len(broken) else len(rest)
        if length:
            done, found, taken = rest[:length], run, slice(0, length)
        else:
            first = acts[:1]
            done, found, taken = rest[:1], now, slice(int(first[0]), int(first[0]) + 1)
        repay[done], raised[done] = found.repay[taken], found.raised[taken]
        profit[done] = found.profit[taken]
        sold = repay[done] * offers.receives[done]
        outstanding += depth.kept * float(np.sum(sold))
        rest = rest[max(length, 1) :]
    return Choice(repay, raised, profit)
