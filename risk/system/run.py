"""A whole cascade: a system along a path of exogenous prices, and what became of it.

Everything here is a statistic in doubles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..fixed_point import whole
from .accounts import Accounts
from .cascade import System
from .ledger import Ledger
from .market import Setting
from .numbers import number
from .terms import Floats, SystemTerms

MAX_STEPS: Final = 1_000_000
LEAST_SHOCK: Final = -0.999

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Cascade:
    """What a system did along a path; values in quote.

    Attributes:
        symbols: the assets.
        prices: before the first step, shape (assets,).
        exogenous, oracle, market: prices of each step, shape (steps, assets); the market's after
            the step's liquidations.
        sold, to_protocol: of the collateral, in whole assets, the same shape.
        liquidatable, liquidations, tried: how many in each step, shape (steps,).
        repaid, profit, gas, pool_gain: value in each step, shape (steps,): repaid at the market's
            prices; kept by the liquidators; what they paid besides; what the pools got for less.
        written_off: debts of accounts with nothing left, at the market's prices, shape (steps,).
        shortfall: of the accounts that are liquidatable and not yet written off, shape (steps,).
        collateral_value: held by all accounts at the start, shape (assets,).
        liquidated: how many accounts were liquidated at least once.
        accounts: how many there are.
        final_shortfall: of all accounts, after the last step.
        worst_residual: the largest share that any line of a ledger left over.
    """

    symbols: tuple[str, ...]
    prices: Floats
    exogenous: Floats
    oracle: Floats
    market: Floats
    sold: Floats
    to_protocol: Floats
    liquidatable: NDArray[np.int64]
    liquidations: NDArray[np.int64]
    tried: NDArray[np.int64]
    repaid: Floats
    profit: Floats
    gas: Floats
    pool_gain: Floats
    written_off: Floats
    shortfall: Floats
    collateral_value: Floats
    liquidated: int
    accounts: int
    final_shortfall: float
    worst_residual: float

    @property
    def bad_debt(self) -> float:
        """What was written off, and what the accounts lack after the last step; in quote."""
        return float(self.written_off.sum()) + self.final_shortfall

    @property
    def proceeds(self) -> float:
        """What selling the seized collateral brought, in quote: for debts, gas and profit."""
        return float((self.repaid + self.gas + self.profit).sum())

    @property
    def lowest(self) -> Floats:
        """The lowest price of each asset at the market, shape (assets,)."""
        return np.asarray(np.min(self.market, axis=0), np.float64)

    @property
    def impact(self) -> Floats:
        """How far sales took each price below the exogenous one at most, as a share of it."""
        return np.asarray(np.max(1 - self.market / self.exogenous, axis=0), np.float64)

    @property
    def fall(self) -> float:
        """How much of the collateral's value the lowest market prices take, as a share of it.

        Weighed with what all accounts held of each asset at the start.
        """
        return self._lost(self.lowest)

    @property
    def exogenous_fall(self) -> float:
        """The same with the lowest exogenous prices."""
        return self._lost(np.asarray(np.min(self.exogenous, axis=0), np.float64))

    @property
    def amplification(self) -> float | None:
        """`fall` over `exogenous_fall`; None if exogenous prices did not fall."""
        return self.fall / self.exogenous_fall if self.exogenous_fall > 0 else None

    def _lost(self, lowest: Floats) -> float:
        change = np.minimum(lowest / self.prices, 1.0)
        total = float(self.collateral_value.sum())
        return 1 - float(np.sum(self.collateral_value * change)) / total if total else 0.0


def shock_path(terms: SystemTerms, shocks: Mapping[str, float], steps: int) -> Floats:
    """Exogenous prices that jump before the first step and stay.

    Args:
        terms: with the prices now.
        shocks: by symbol the change as a share of the price, −0.999 to 1000. Who follows another's
            price and is not named moves with it.
        steps: how many, 1 to 1,000,000.

    Returns:
        Shape (steps, assets).

    Raises:
        InputError: another symbol, or a number out of its range.
    """
    whole("steps", steps, 1, MAX_STEPS)
    for symbol, shock in shocks.items():
        if symbol not in terms.leaders.values():
            terms.index(symbol, "shocks")
        number(f"shocks: {symbol}", shock, low=LEAST_SHOCK, high=1000.0)
    moved = [shocks.get(s, shocks.get(terms.leaders.get(s, s), 0.0)) for s in terms.symbols]
    return np.tile(terms.prices * (1 + np.array(moved)), (steps, 1))


def run_cascade(
    accounts: Accounts, setting: Setting, path: Floats, progress: Progress | None = None
) -> Cascade:
    """Take a system along a path of exogenous prices.

    Args:
        accounts: at the start; they are not changed.
        setting: the world around them.
        path: exogenous prices of each step, shape (steps, assets), in quote, above 0.
        progress: is told how many steps are done, and of how many.

    Raises:
        InputError: accounts, or a path, that do not fit the setting.
        ConservationError: a step that does not add up.
    """
    terms = setting.terms
    assets = len(terms.symbols)
    if path.ndim != 2 or path.shape[1] != assets or not 1 <= len(path) <= MAX_STEPS:
        expected = f"the shape (1 to {MAX_STEPS:,} steps, {assets} assets)"
        raise InputError("path", expected, str(path.shape))
    system = System(accounts, setting)
    steps = len(path)
    wide = {n: np.zeros((steps, assets)) for n in ("oracle", "market", "sold", "to_protocol")}
    counts = {n: np.zeros(steps, np.int64) for n in ("liquidatable", "liquidations", "tried")}
    values = {
        n: np.zeros(steps)
        for n in ("repaid", "profit", "gas", "pool_gain", "written_off", "shortfall")
    }
    touched = np.zeros(len(accounts), np.bool_)
    worst = 0.0
    for index, exogenous in enumerate(path):
        step = system.step(exogenous)
        ledger: Ledger = step.ledger
        worst = max(worst, ledger.worst)
        touched[step.liquidated] = True
        wide["oracle"][index], wide["market"][index] = step.oracle, step.market
        wide["sold"][index], wide["to_protocol"][index] = ledger.sold, ledger.to_protocol
        counts["liquidatable"][index] = step.liquidatable
        counts["liquidations"][index] = len(step.liquidated)
        counts["tried"][index] = step.tried
        values["repaid"][index] = ledger.repaid_cost_value.sum()
        values["profit"][index], values["gas"][index] = ledger.profit, ledger.gas
        values["pool_gain"][index] = ledger.pool_gain_value.sum()
        values["written_off"][index] = np.sum(ledger.written_off * step.market)
        values["shortfall"][index] = step.shortfall
        if progress is not None:
            progress(index + 1, steps)
    return Cascade(
        symbols=terms.symbols,
        prices=terms.prices,
        exogenous=path.copy(),
        oracle=wide["oracle"],
        market=wide["market"],
        sold=wide["sold"],
        to_protocol=wide["to_protocol"],
        liquidatable=counts["liquidatable"],
        liquidations=counts["liquidations"],
        tried=counts["tried"],
        repaid=values["repaid"],
        profit=values["profit"],
        gas=values["gas"],
        pool_gain=values["pool_gain"],
        written_off=values["written_off"],
        shortfall=values["shortfall"],
        collateral_value=accounts.held.sum(axis=1) * terms.prices,
        liquidated=int(touched.sum()),
        accounts=len(accounts),
        final_shortfall=system.shortfall(wide["market"][-1]),
        worst_residual=worst,
    )
