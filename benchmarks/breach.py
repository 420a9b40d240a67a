"""The probability of breach that is timed: 16 correlated assets, 2^17 paths of 100 steps.

Nine collaterals, four of them with factors in four tiers by value, three debts, and two long and
two short positions, each with a volatility and a correlation of its own to all others. The account
passes by some per cent, so that a good part of its paths fails.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from benchmarks.books import Book
from zkcollateral.risk.breach.market import Market, Timing
from zkcollateral.risk.breach.paths import GaussianPaths
from zkcollateral.risk.breach.simulation import Subject, simulate, subject_of
from zkcollateral.risk.pricing import price
from zkcollateral.risk.threshold import maintenance_threshold
from zkcollateral.risk.valuation import Account

ASSETS: Final = 16
PATHS: Final = 1 << 17
STEPS: Final = 100
QUICK_PATHS: Final = 1 << 11
TIMING: Final = Timing(14 * 86_400, 6 * 3_600, STEPS)
SEED: Final = 20260131
BOOK: Final = Book(collateral=9, debt=3, signed=4, tiered=4)

OWED: Final = 0.92
"""The share of what counts as collateral that is required."""


@dataclass(frozen=True)
class BreachTimes:
    """What one run took and found.

    Attributes:
        seconds: from the account's margin function and the market to the result, paths included.
        breach: the probability of failing.
        width: of its 95% interval.
    """

    seconds: float
    breach: float
    width: float


def time_breach(*, quick: bool = False) -> BreachTimes:
    """Run it once in this process, on two threads.

    Args:
        quick: a trial run, whose time means nothing.

    Raises:
        ArithmeticError: what it found is not what such an account's probability can be.
    """
    subject, market = _account(), _market()
    # So that scipy is loaded before the clock starts.
    simulate(subject, GaussianPaths(market, TIMING), QUICK_PATHS, threads=2)
    start = time.perf_counter()
    found = simulate(
        subject, GaussianPaths(market, TIMING), QUICK_PATHS if quick else PATHS, SEED, threads=2
    )
    seconds = time.perf_counter() - start
    breach = found.breach_float
    if not 0.05 < breach.value < 0.95 or not len(found.value_at_horizon) == found.paths:
        raise ArithmeticError("the simulated account does not fail as it should")
    return BreachTimes(seconds, breach.value, breach.high - breach.low)


@lru_cache
def _account() -> Subject:
    policy, registry, prices = BOOK.documents
    pricing = price(policy, prices)
    quotes = [float(prices.prices[asset.symbol]) for asset in registry.assets]
    values = np.array([3e5] * 4 + [1e5] * 5 + [0.0] * 3 + [1e5, 1e5, -5e4, -5e4])

    def subject() -> Subject:
        amounts = tuple(int(n) for n in values / quotes * 1e8)
        return subject_of(maintenance_threshold(Account(policy, registry, pricing, amounts)))

    first = subject().test
    room = OWED * float(first.held(np.ones(len(first.drivers)))) / first.ratio
    room -= float(first.owed(np.ones(len(first.drivers))))
    weights = [float(policy.factors.debt[asset.symbol]) for asset in registry.assets[9:12]]
    values[9:12] = room / sum(weights)
    return subject()


@lru_cache
def _market() -> Market:
    symbols = _account().test.drivers
    generator = np.random.default_rng(SEED)
    # One common factor and three others, and something of its own for every asset.
    loadings = generator.uniform(0.5, 0.9, (ASSETS, 1))
    loadings = np.hstack([loadings, generator.normal(0, 0.2, (ASSETS, 3))])
    covariance = loadings @ loadings.T + np.diag(generator.uniform(0.1, 0.4, ASSETS))
    scale = 1 / np.sqrt(np.diag(covariance))
    volatilities = generator.uniform(0.3, 1.2, ASSETS)
    return Market.of(
        dict(zip(symbols, volatilities.tolist(), strict=True)),
        covariance * scale[:, None] * scale,
    )
