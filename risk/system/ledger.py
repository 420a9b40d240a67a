"""The ledger of one step: where every asset and all money went. It must add up.

Amounts are doubles, so that a line adds up when what is left over is at most `TOLERANCE` of the sum
of the absolute values of its entries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from .terms import Floats

TOLERANCE: Final = 1e-12


class ConservationError(ArithmeticError):
    """A step that made or lost something: a fault of this package, not of its inputs."""


@dataclass(frozen=True, eq=False)
class Ledger:
    """What changed hands in one step.

    Arrays have the shape (assets,) and count whole assets, those named `_value` quote; so do the
    other numbers. `before` and `after` are about the accounts that were touched.

    Attributes:
        held_before, held_after: collateral of the accounts.
        seized: taken from them.
        to_protocol: the protocol's part of it.
        sold: the liquidators' part, all of it sold to the pools.
        pool_before, pool_after: u of the pools, before and after the sales.
        pool_fees: what stayed in the pools as a fee.
        owed_before, owed_after: debts of the accounts.
        repaid: by the liquidators.
        written_off: debts of accounts without collateral: bad debt.
        raised_value: what the liquidators got for what they sold.
        pool_paid_value: what the pools paid, from their states alone.
        pool_gain_value: by how much what they got was worth more, at the exogenous prices.
        repaid_cost_value: what the liquidators paid for the debts, at market prices.
        gas, profit: what they paid on top, and what they kept; single numbers.
        seized_at_oracle, repaid_at_oracle: values at the oracle's prices; single numbers.
        penalty_liquidators, penalty_protocol: the penalty at the oracle's prices, in two parts.
    """

    symbols: tuple[str, ...]
    held_before: Floats
    held_after: Floats
    seized: Floats
    to_protocol: Floats
    sold: Floats
    pool_before: Floats
    pool_after: Floats
    pool_fees: Floats
    owed_before: Floats
    owed_after: Floats
    repaid: Floats
    written_off: Floats
    raised_value: Floats
    pool_paid_value: Floats
    pool_gain_value: Floats
    repaid_cost_value: Floats
    gas: float
    profit: float
    seized_at_oracle: float
    repaid_at_oracle: float
    penalty_liquidators: float
    penalty_protocol: float

    def __repr__(self) -> str:
        return "Ledger(hidden)"

    def lines(self) -> Iterator[tuple[str, Floats]]:
        """Every line: its name, and entries of shape (entries, assets or 1) whose sum is 0."""
        yield (
            "collateral: before = after + seized",
            np.array([self.held_before, -self.held_after, -self.seized]),
        )
        yield (
            "seized = to the protocol + sold",
            np.array([self.seized, -self.to_protocol, -self.sold]),
        )
        yield (
            "pools: after = before + sold − fees",
            np.array([self.pool_after, -self.pool_before, -self.sold, self.pool_fees]),
        )
        yield (
            "debts: before = after + repaid + written off",
            np.array([self.owed_before, -self.owed_after, -self.repaid, -self.written_off]),
        )
        yield (
            "money: the pools paid = the liquidators got",
            np.array([self.pool_paid_value, -self.raised_value]),
        )
        yield (
            "money: got = debts + gas + profit",
            np.array(
                [
                    *self.raised_value[:, None],
                    *-self.repaid_cost_value[:, None],
                    [-self.gas],
                    [-self.profit],
                ]
            ),
        )
        yield (
            "seized = repaid + penalty, at the oracle's prices",
            np.array(
                [
                    [self.seized_at_oracle],
                    [-self.repaid_at_oracle],
                    [-self.penalty_liquidators],
                    [-self.penalty_protocol],
                ]
            ),
        )

    def residuals(self) -> dict[str, float]:
        """By line the largest part that is left over, as a share of its entries; 0 if empty."""
        found = {}
        for name, entries in self.lines():
            gross = np.abs(entries).sum(axis=0)
            left = np.abs(entries.sum(axis=0))
            found[name] = float(np.max(left / np.where(gross > 0, gross, 1.0)))
        return found

    @property
    def worst(self) -> float:
        """The largest of the residuals."""
        return max(self.residuals().values())

    def check(self) -> None:
        """ConservationError if a line does not add up; it names the line and no amount."""
        for name, share in self.residuals().items():
            # NaN is not within the tolerance either.
            if not share <= TOLERANCE:
                raise ConservationError(f"{name}: {share:.1e} of the entries is left over")
