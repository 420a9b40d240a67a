"""A system of accounts, step by step: prices, oracle, liquidations, sales, what they move.

One step:

1. the exogenous prices f are given; the market's are f · g(u) (`risk/system/market.py`);
2. the oracle sees the market, late and by its threshold;
3. whose weighted collateral at the oracle's prices is below weighted debt plus reserve may be
   liquidated: each once, its largest debt for its largest collateral;
4. of these, in the order of the liquidators, as many as fit into the step act if it pays: they buy
   the debt at the market's price, which that does not move, repay it, and sell at once what they
   receive; whoever comes later finds the price lower;
5. who has debt and nothing left to seize is written off: bad debt;
6. the ledger of the step is checked (`risk/system/ledger.py`); then others buy back a part of what
   was sold.

The spiral of falling prices and forced sales is that of Cont and Schaanning, "Fire sales, indirect
contagion and systemic stress testing" (2017), with the rules of liquidation of on-chain lending
(Qin et al., "An empirical study of DeFi liquidations: incentives, risks, and instabilities", 2021).
Everything here is in doubles and describes; no account's health is decided by it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from .accounts import Accounts, weighted
from .ledger import Ledger
from .market import LEAST_LEVEL, Oracle, Setting
from .offers import Offers, Places, choose, in_turn, make_offers
from .terms import Floats


@dataclass(frozen=True, eq=False)
class Step:
    """What one step did.

    Attributes:
        exogenous, oracle: prices of the step, shape (assets,), in quote.
        market: after its liquidations, before anything is bought back.
        liquidatable: how many accounts might have been liquidated.
        liquidated: places of those that were.
        tried: how many had a place in the step.
        shortfall: by how much the debts of the liquidatable accounts that are left exceed what
            they hold, at the market's prices afterwards, in quote.
        ledger: what changed hands; it has been checked.
    """

    exogenous: Floats
    oracle: Floats
    market: Floats
    liquidatable: int
    liquidated: Places
    tried: int
    shortfall: float
    ledger: Ledger


@dataclass(frozen=True, eq=False)
class Done:
    """The liquidations of a step: repaid in whole assets, raised and profit in quote."""

    offers: Offers
    repay: Floats
    raised: Floats
    profit: Floats

    def __repr__(self) -> str:
        return "Done(hidden)"


class System:
    """The state of a system; `step` moves it on. Amounts are copied, never those given.

    Args:
        accounts: with the symbols of the terms.
        setting: the world around them.

    Raises:
        InputError: accounts of other assets, with an amount where the policy prices none, or that
            hold an asset without a depth.
    """

    def __init__(self, accounts: Accounts, setting: Setting) -> None:
        terms = setting.terms
        if accounts.symbols != terms.symbols:
            raise InputError("accounts: symbols", ", ".join(terms.symbols), "others")
        for side, allowed in (("held", terms.holdable), ("owed", terms.owable)):
            amounts = getattr(accounts, side)
            for place in np.flatnonzero(~allowed).tolist():
                if np.any(amounts[place]):
                    raise InputError(
                        f"accounts: {side}",
                        f"assets that the policy prices where they are {side}",
                        repr(terms.symbols[place]),
                    )
        lacking = [
            symbol
            for row, symbol in zip(accounts.held, terms.symbols, strict=True)
            if symbol not in setting.depths and np.any(row)
        ]
        if lacking:
            raise InputError(
                "depths", f"a depth of {', '.join(lacking)}, which accounts hold", "none"
            )
        self.setting = setting
        self.held = accounts.held.copy()
        self.owed = accounts.owed.copy()
        self.outstanding = np.zeros(len(terms.symbols))
        self._oracle = Oracle(setting.oracle, terms.prices)
        self._markets = [
            (terms.index(symbol, "depths"), depth)
            for symbol, depth in sorted(setting.depths.items())
        ]
        self._owes = np.any(self.owed > 0, axis=0)
        self._collateral, self._debt = self._test(slice(None))

    def __repr__(self) -> str:
        return "System(hidden)"

    def step(self, exogenous: Floats) -> Step:
        """Move on by one step.

        Args:
            exogenous: prices, shape (assets,), in quote, above 0.

        Raises:
            InputError: other prices.
            ConservationError: the step does not add up.
        """
        if exogenous.shape != self.outstanding.shape or not np.all(
            (exogenous > 0) & (exogenous < np.inf)
        ):
            raise InputError("exogenous prices", "a finite price above 0 for every asset", "others")
        before = self._market(exogenous)
        if self._oracle.see(before):
            self._collateral, self._debt = self._test(slice(None))
        flagged = np.flatnonzero(self._owes & (self._collateral < self._debt))
        chosen = self._first(self._offers(flagged, before), exogenous)
        done = self._act(chosen, exogenous)
        ledger = self._settle(flagged, done, exogenous)
        ledger.check()
        market = self._market(exogenous)
        for place, depth in self._markets:
            self.outstanding[place] *= depth.decay
        return Step(
            exogenous=exogenous.copy(),
            oracle=self._oracle.prices.copy(),
            market=market,
            liquidatable=len(flagged),
            liquidated=done.offers.account,
            tried=len(chosen),
            shortfall=self.shortfall(market, flagged),
            ledger=ledger,
        )

    def shortfall(self, prices: Floats, places: Places | None = None) -> float:
        """By how much debts exceed what is held, of some accounts or all, in quote at prices."""
        here = slice(None) if places is None else places
        held, owed = weighted(self.held[:, here], prices), weighted(self.owed[:, here], prices)
        return float(np.sum(np.maximum(owed - held, 0.0)))

    def _market(self, exogenous: Floats) -> Floats:
        prices = exogenous.copy()
        for place, depth in self._markets:
            level = float(depth.level(self.outstanding[place]))
            prices[place] *= max(level, LEAST_LEVEL)
        return prices

    def _test(self, here: Places | slice) -> tuple[Floats, Floats]:
        """Weighted collateral, and weighted debt with the reserve, of some accounts."""
        terms, prices = self.setting.terms, self._oracle.prices
        return (
            weighted(self.held[:, here], terms.held_weight * prices),
            weighted(self.owed[:, here], terms.owed_weight * prices) + terms.reserve,
        )

    def _offers(self, flagged: Places, market: Floats) -> Offers:
        places = flagged[np.any(self.held[:, flagged] > 0, axis=0)]
        return make_offers(
            places,
            self.held[:, places],
            self.owed[:, places],
            (self._collateral[places], self._debt[places]),
            self.setting.terms,
            self._oracle.prices,
            market,
        )

    def _first(self, offers: Offers, exogenous: Floats) -> Offers:
        """Those that pay at the step's first prices, in order, as many as fit."""
        liquidators = self.setting.liquidators
        profit = np.zeros(len(offers))
        for place, depth in self._markets:
            here = np.flatnonzero(offers.collateral == place)
            outstanding = np.full(len(here), self.outstanding[place])
            price = float(exogenous[place])
            found = choose(offers.take(here), depth, price, outstanding, liquidators)
            profit[here] = found.profit
        paying = np.flatnonzero(profit)
        key = -_coarse(profit) if liquidators.order == "profit" else offers.health
        ordered = paying[np.argsort(key[paying], kind="stable")]
        return offers.take(ordered[: liquidators.per_step])

    def _act(self, chosen: Offers, exogenous: Floats) -> Done:
        """Each asset's market on its own: no sale moves another asset's."""
        repay, raised, profit = (np.zeros(len(chosen)) for _ in range(3))
        for place, depth in self._markets:
            here = np.flatnonzero(chosen.collateral == place)
            if len(here):
                found = in_turn(
                    chosen.take(here),
                    depth,
                    float(exogenous[place]),
                    float(self.outstanding[place]),
                    self.setting.liquidators,
                )
                repay[here], raised[here], profit[here] = found.repay, found.raised, found.profit
        acting = np.flatnonzero(repay)
        return Done(chosen.take(acting), repay[acting], raised[acting], profit[acting])

    def _settle(self, flagged: Places, done: Done, exogenous: Floats) -> Ledger:
        terms, oracle, offers = self.setting.terms, self._oracle.prices, done.offers
        assets = len(terms.symbols)

        def by(places: Places, values: Floats) -> Floats:
            return np.bincount(places, values, assets).astype(np.float64)

        pays_for = offers.held / offers.seizes
        empties = (done.repay == offers.whole) & (pays_for <= offers.owed)
        # A product rounds; what takes everything must leave nothing.
        seized = np.where(empties, offers.held, np.minimum(done.repay * offers.seizes, offers.held))
        repaid_value = done.repay * oracle[offers.debt]
        penalty = repaid_value * terms.penalty
        fee = penalty * terms.protocol_share / oracle[offers.collateral]
        sold = by(offers.collateral, done.repay * offers.receives)

        left = flagged[~np.any(self._held_after(flagged, offers, seized) > 0, axis=0)]
        touched = np.union1d(offers.account, left)
        held_before = self.held[:, touched].sum(axis=1)
        owed_before = self.owed[:, touched].sum(axis=1)
        self.held[offers.collateral, offers.account] -= seized
        self.owed[offers.debt, offers.account] -= done.repay
        written_off = self.owed[:, left].sum(axis=1)
        self.owed[:, left] = 0.0
        self._owes[touched] = np.any(self.owed[:, touched] > 0, axis=0)
        self._collateral[touched], self._debt[touched] = self._test(touched)

        pool_before = self.outstanding.copy()
        paid, fees = np.zeros(assets), np.zeros(assets)
        for place, depth in self._markets:
            if sold[place]:
                amount = sold[place]
                paid[place] = exogenous[place] * depth.raised(pool_before[place], amount)
                fees[place] = depth.fee * amount
                self.outstanding[place] += depth.kept * amount
        return Ledger(
            symbols=terms.symbols,
            held_before=held_before,
            held_after=self.held[:, touched].sum(axis=1),
            seized=by(offers.collateral, seized),
            to_protocol=by(offers.collateral, fee),
            sold=sold,
            pool_before=pool_before,
            pool_after=self.outstanding.copy(),
            pool_fees=fees,
            owed_before=owed_before,
            owed_after=self.owed[:, touched].sum(axis=1),
            repaid=by(offers.debt, done.repay),
            written_off=written_off,
            raised_value=by(offers.collateral, done.raised),
            pool_paid_value=paid,
            pool_gain_value=sold * exogenous - paid,
            repaid_cost_value=by(offers.debt, done.repay * offers.pays),
            gas=len(offers) * self.setting.liquidators.gas_cost,
            profit=float(done.profit.sum()),
            seized_at_oracle=float(np.sum(seized * oracle[offers.collateral])),
            repaid_at_oracle=float(repaid_value.sum()),
            penalty_liquidators=float(np.sum(penalty * (1 - terms.protocol_share))),
            penalty_protocol=float(np.sum(penalty * terms.protocol_share)),
        )

    def _held_after(self, flagged: Places, offers: Offers, seized: Floats) -> Floats:
        """What the flagged accounts, which stand in ascending order, hold after their loss."""
        held = self.held[:, flagged]
        held[offers.collateral, np.searchsorted(flagged, offers.account)] -= seized
        return held


def _coarse(values: Floats) -> Floats:
    """Values to 30 bits. Whoever sells down to the price that just pays earns the same, and then
    the first account, not the rounding, says who comes first.
    """
    mantissa, exponent = np.frexp(values)
    return np.asarray(np.ldexp(np.round(mantissa * 2.0**30), exponent), np.float64)
