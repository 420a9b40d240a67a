"""The cascade once more, one account after the other, in fractions, on the exact engine's parts.

Roots, which are no fractions, are taken to 60 digits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import inf, isqrt

import numpy as np

from zkcollateral.risk.liquidation.close import (
    liquidate,
    received_per_repaid,
    repay_limits,
)
from zkcollateral.risk.liquidation.position import Account, Holding
from zkcollateral.risk.liquidation.rule import LiquidationRule
from zkcollateral.risk.system.accounts import Accounts
from zkcollateral.risk.system.market import Depth, Setting
from zkcollateral.risk.system.offers import LEAST_PROFIT

DIGITS = 10**60


def root(value: Fraction) -> Fraction:
    return Fraction(isqrt(int(value * DIGITS * DIGITS)), DIGITS)


def level(depth: Depth, outstanding: Fraction) -> Fraction:
    if depth.amount == inf:
        return Fraction(1)
    share = outstanding / Fraction(depth.amount)
    if depth.impact == "constant-product":
        return 1 / (1 + share) ** 2
    return max(Fraction(0), 1 - (share if depth.impact == "linear" else root(share)))


def area(depth: Depth, upto: Fraction) -> Fraction:
    """∫ g from 0."""
    if depth.amount == inf:
        return upto
    whole = Fraction(depth.amount)
    if depth.impact == "constant-product":
        return upto * whole / (whole + upto)
    end = min(upto, whole)
    if depth.impact == "linear":
        return end - end**2 / whole / 2
    return end - Fraction(2, 3) * end * root(end / whole)


def reach(depth: Depth, wanted: Fraction) -> Fraction:
    if wanted >= 1:
        return Fraction(0)
    if depth.amount == inf:
        return Fraction(10**60)
    whole = Fraction(depth.amount)
    if depth.impact == "constant-product":
        return whole * (1 / root(wanted) - 1)
    return whole * ((1 - wanted) if depth.impact == "linear" else (1 - wanted) ** 2)


@dataclass
class Reference:
    """The same system in fractions; the reserve is 0, half-lives are 1 or infinite."""

    accounts: Accounts
    setting: Setting
    held: list[list[Fraction]] = field(init=False)
    owed: list[list[Fraction]] = field(init=False)

    def __post_init__(self) -> None:
        terms = self.setting.terms
        self.held = [[Fraction(x) for x in row] for row in self.accounts.held.T.tolist()]
        self.owed = [[Fraction(x) for x in row] for row in self.accounts.owed.T.tolist()]
        self.outstanding = [Fraction(0)] * len(terms.symbols)
        self.oracle = [Fraction(x) for x in terms.prices.tolist()]
        self.seen = [self.oracle] * self.setting.oracle.delay
        self.age = [0] * len(terms.symbols)
        self.rule = LiquidationRule(
            Fraction(terms.close_factor),
            Fraction(terms.penalty),
            Fraction(terms.protocol_share),
            Fraction(terms.close_all_below),
            Fraction(terms.minimum),
        )
        self.profit = Fraction(0)
        self.written_off = [Fraction(0)] * len(terms.symbols)
        self.count = 0

    def depth(self, place: int) -> Depth:
        return self.setting.depths[self.setting.terms.symbols[place]]

    def market(self, exogenous: list[Fraction]) -> list[Fraction]:
        found = list(exogenous)
        for place, symbol in enumerate(self.setting.terms.symbols):
            if symbol in self.setting.depths:
                found[place] *= level(self.depth(place), self.outstanding[place])
        return found

    def look(self, market: list[Fraction]) -> None:
        rule = self.setting.oracle
        self.seen = [*self.seen, market]
        source, self.seen = self.seen[0], self.seen[1:]
        before = list(self.oracle)
        self.oracle = before
        for place, now in enumerate(source):
            self.age[place] += 1
            due = abs(now - before[place]) >= Fraction(rule.threshold) * before[place]
            due &= now != before[place]
            if due or (rule.heartbeat is not None and self.age[place] >= rule.heartbeat):
                before[place] = now
                self.age[place] = 0

    def account(self, index: int) -> Account:
        terms = self.setting.terms

        def side(amounts: list[Fraction], weights: np.ndarray) -> tuple[Holding, ...]:
            return tuple(
                Holding(symbol, amount, price, Fraction(weight))
                for symbol, amount, price, weight in zip(
                    terms.symbols, amounts, self.oracle, weights.tolist(), strict=True
                )
                if amount
            )

        return Account(
            side(self.held[index], terms.held_weight), side(self.owed[index], terms.owed_weight)
        )

    def best(
        self, index: int, exogenous: list[Fraction], market: list[Fraction]
    ) -> tuple[Fraction, Fraction, str, str]:
        """Profit, repay, debt and collateral of the account's liquidator now; repay 0 if none."""
        terms, people = self.setting.terms, self.setting.liquidators
        account = self.account(index)
        if not account.collateral:
            return Fraction(0), Fraction(0), "", ""
        debt = max(account.debt, key=lambda item: item.value)
        collateral = max(account.collateral, key=lambda item: item.value)
        limits = repay_limits(account, self.rule, debt.symbol, collateral.symbol)
        place = terms.symbols.index(collateral.symbol)
        depth, outstanding = self.depth(place), self.outstanding[place]
        receives = received_per_repaid(self.rule, debt, collateral)
        pays = market[terms.symbols.index(debt.symbol)]
        kept = 1 - Fraction(depth.fee)

        def profit(repay: Fraction) -> Fraction:
            end = outstanding + kept * repay * receives
            raised = exogenous[place] * (area(depth, end) - area(depth, outstanding))
            return raised - repay * pays - Fraction(people.gas_cost)

        even = pays / (exogenous[place] * kept * receives)
        turning = max(reach(depth, even) - outstanding, Fraction(0)) / kept / receives
        candidates = [min(turning, limits.partial)]
        if limits.whole is not None:
            candidates.append(limits.whole)
        found, repay = max((profit(r), r) for r in candidates)
        acts = repay > 0 and found > Fraction(LEAST_PROFIT) * repay * pays
        if not acts or found < Fraction(people.minimum_profit):
            return Fraction(0), Fraction(0), debt.symbol, collateral.symbol
        return found, repay, debt.symbol, collateral.symbol

    def step(self, prices: np.ndarray) -> list[int]:
        """One step; the accounts liquidated, in their order."""
        terms, people = self.setting.terms, self.setting.liquidators
        exogenous = [Fraction(x) for x in prices.tolist()]
        market = self.market(exogenous)
        self.look(market)
        flagged = [
            index
            for index in range(len(self.held))
            if any(self.owed[index]) and self.account(index).is_liquidatable
        ]
        first = {index: self.best(index, exogenous, market) for index in flagged}
        queue = [index for index in flagged if first[index][1]]
        if people.order == "profit":
            queue.sort(key=lambda index: -first[index][0])
        else:
            queue.sort(key=lambda index: self.account(index).health or 0)
        done = []
        for index in queue[: people.per_step]:
            profit, repay, debt, collateral = self.best(index, exogenous, market)
            if not repay:
                continue
            done.append(index)
            found = liquidate(self.account(index), self.rule, debt, collateral, repay)
            place = terms.symbols.index(collateral)
            self.held[index][place] -= found.seized
            self.owed[index][terms.symbols.index(debt)] -= found.repaid
            kept = 1 - Fraction(self.depth(place).fee)
            self.outstanding[place] += kept * found.to_liquidator
            self.profit += profit
        for index in flagged:
            if not any(self.held[index]):
                for place, amount in enumerate(self.owed[index]):
                    self.written_off[place] += amount
                self.owed[index] = [Fraction(0)] * len(terms.symbols)
        for place, symbol in enumerate(terms.symbols):
            if symbol in self.setting.depths and self.depth(place).half_life == 1:
                self.outstanding[place] /= 2
        return done
