"""The cascade that is timed: 100,000 accounts of 8 assets, 1,000 steps of falling prices.

The accounts are synthetic. Exogenous prices fall unevenly, by a quarter to a half in all, so that
accounts become liquidatable throughout the run; sales move the prices further, the oracle is two
steps late and a step has room for 250 liquidations. Every step's ledger is checked as always.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from benchmarks.books import Book
from zkcollateral.risk.system.accounts import Accounts, synthetic_accounts
from zkcollateral.risk.system.ledger import TOLERANCE
from zkcollateral.risk.system.market import Depth, Liquidators, OracleRule, Setting
from zkcollateral.risk.system.run import Cascade, run_cascade
from zkcollateral.risk.system.terms import Floats, system_terms
from zkcollateral.risk.terms import LiquidationTerms
from zkcollateral.risk.values import Exact

ACCOUNTS: Final = 100_000
STEPS: Final = 1_000
QUICK_ACCOUNTS: Final = 5_000
QUICK_STEPS: Final = 100

LEAST_LIQUIDATED: Final = 0.5
"""The share of the accounts that a run must have liquidated at least once to count."""

DEPTH_VALUE: Final = 2.5e8
SEED: Final = 20260131


@dataclass(frozen=True)
class CascadeTimes:
    """What one run took and did.

    Attributes:
        seconds: from the accounts and the path to the result.
        accounts, steps: how many.
        liquidated: accounts liquidated at least once.
        liquidations: in all.
        written_off: steps in which bad debt was written off.
    """

    seconds: float
    accounts: int
    steps: int
    liquidated: int
    liquidations: int
    written_off: int


def time_cascade(*, quick: bool = False) -> CascadeTimes:
    """Run it once in this process.

    Args:
        quick: a trial run, whose time means nothing.

    Raises:
        ArithmeticError: it did too little, or did not add up.
    """
    count, steps = (QUICK_ACCOUNTS, QUICK_STEPS) if quick else (ACCOUNTS, STEPS)
    accounts, setting, path = _system(count, steps)
    start = time.perf_counter()
    found = run_cascade(accounts, setting, path)
    seconds = time.perf_counter() - start
    _check(found, quick=quick)
    return CascadeTimes(
        seconds,
        count,
        steps,
        found.liquidated,
        int(found.liquidations.sum()),
        int(np.count_nonzero(found.written_off)),
    )


def _check(found: Cascade, *, quick: bool) -> None:
    if found.worst_residual > TOLERANCE:
        raise ArithmeticError("the cascade does not add up")
    if not quick and found.liquidated < LEAST_LIQUIDATED * found.accounts:
        raise ArithmeticError(f"only {found.liquidated} of {found.accounts} were liquidated")


@lru_cache
def _system(count: int, steps: int) -> tuple[Accounts, Setting, Floats]:
    policy, registry, prices = Book(collateral=6, debt=2).documents
    liquidation = LiquidationTerms(
        ratio=Exact("1.1"),
        penalty=Exact("0.08"),
        protocol_share=Exact("0.1"),
        close_factor=Exact("0.5"),
        close_all_below=Exact("0.95"),
        minimum=Exact("100"),
    )
    terms = system_terms(policy.model_copy(update={"liquidation": liquidation}), registry, prices)
    depths = {
        symbol: Depth(DEPTH_VALUE / price, half_life=50.0)
        for symbol, price, holdable in zip(
            terms.symbols, terms.prices.tolist(), terms.holdable, strict=True
        )
        if holdable
    }
    setting = Setting(
        terms, depths, OracleRule(delay=2, threshold=0.002), Liquidators(250, gas_cost=5.0)
    )
    generator = np.random.default_rng(SEED)
    # A common part and an own one of each asset; debts keep their price.
    moves = generator.normal(-1.0 / steps, 0.008, (steps, 1)) + generator.normal(
        0.0, 0.005, (steps, len(terms.symbols))
    )
    path = terms.prices * np.exp(np.cumsum(moves * terms.holdable, axis=0))
    return synthetic_accounts(count, terms, SEED), setting, path
