"""What the probability of breach depends on, by differences over the same random numbers. Floats.

Every parameter is moved up and down a little, and both probabilities are simulated with the same
seed: most of their error is the same and cancels in the difference (P. Glasserman, D. Yao, "Some
guidelines and guarantees for common random numbers", Management Science 38, 1992). The interval
comes from the differences of the batches, and holds no bias of the finite step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..registry import Asset
from ..threshold import Threshold, positions
from .estimate import Estimate, of_batches
from .market import Market, Timing
from .paths import GaussianPaths
from .simulation import Progress, Subject, simulate, subject_of

MOVE: Final = 0.05
"""Up and down by this share."""

WEIGHT: Final = 0.1
"""By so much correlations are moved towards 1."""

Floats = NDArray[np.float64]
Case = tuple[Subject, Market, Timing, NDArray[np.float64] | None]


@dataclass(frozen=True)
class Sensitivity:
    """How much the probability of breach changes when one thing does.

    Attributes:
        what: volatility, drift, price, position, correlation, horizon or delay.
        of: the symbol; of a position with its side; empty for what has none.
        move: the change that `breach_float` and `bad_debt_float` are for, in words.
        breach_float, bad_debt_float: changes of the two probabilities, per `move`.
    """

    what: str
    of: str
    move: str
    breach_float: Estimate
    bad_debt_float: Estimate

    def __repr__(self) -> str:
        return f"Sensitivity({self.what!r}, {self.of!r}, hidden)"


def breach_sensitivities(
    threshold: Threshold,
    market: Market,
    timing: Timing,
    count: int = 1 << 14,
    seed: int = 0,
    *,
    confidence: float = 0.95,
    progress: Progress | None = None,
) -> tuple[Sensitivity, ...]:
    """How the probabilities move with each volatility, drift, price, position, and with the rest.

    Central differences: half of the change between 5% more and 5% less, said per 5%; of a drift per
    5 percentage points a year; of correlations, whose move is to one side, from what they are to
    10% closer to 1. A delay of 0 is not moved.

    Args:
        threshold: of the account.
        market: of its drivers.
        timing: horizon, delay, steps.
        count, seed, confidence: as for `simulation.simulate`; `count` for every simulation.
        progress: told how many simulations are done, of how many.

    Raises:
        InputError: as `simulation.simulate`.
    """
    subject = subject_of(threshold)
    ordered = market.ordered(subject.test.drivers)
    base: Case = (subject, ordered, timing, None)
    moves = list(_moves(threshold, base))
    found, done = [], 0

    def run(case: Case) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        nonlocal done
        moved, prices, when, start = case
        result = simulate(moved, GaussianPaths(prices, when, start), count, seed)
        done += 1
        if progress is not None:
            progress(done, 2 * len(moves))
        return result.breach_by_batch, result.bad_debt_by_batch

    for what, of, move, scale, up, down in moves:
        differences = [scale * (a - b) for a, b in zip(run(up()), run(down()), strict=True)]
        estimates = [of_batches(each, confidence, -1.0, 1.0) for each in differences]
        found.append(Sensitivity(what, of, move, *estimates))
    return tuple(found)


_Move = tuple[str, str, str, float, Callable[[], Case], Callable[[], Case]]


def _moves(threshold: Threshold, base: Case) -> Iterator[_Move]:
    subject, market, timing, _ = base
    percent = f"+{MOVE:.0%}"

    def by(values: NDArray[np.float64], index: int, factor: float, add: float = 0.0) -> Floats:
        moved = values.copy()
        moved[index] = moved[index] * factor + add
        return moved

    def market_with(field: str, index: int, factor: float, add: float = 0.0) -> Callable[[], Case]:
        values: Any = by(getattr(market, field), index, factor, add)
        return lambda: (subject, replace(market, **{field: values}), timing, None)

    def started(index: int, factor: float) -> Callable[[], Case]:
        return lambda: (subject, market, timing, by(np.ones(len(market.symbols)), index, factor))

    def sized(asset: Asset, factor: float) -> Callable[[], Case]:
        return lambda: (subject_of(_resized(threshold, asset, factor)), market, timing, None)

    def timed(field: str, factor: float) -> Callable[[], Case]:
        seconds = round(getattr(timing, field) * factor)
        return lambda: (subject, market, replace(timing, **{field: seconds}), None)

    up, down = 1 + MOVE, 1 - MOVE
    moving = [i for i in range(len(market.symbols)) if market.volatilities[i] > 0]
    for i in moving:
        name = market.symbols[i]
        pair = (market_with("volatilities", i, up), market_with("volatilities", i, down))
        yield ("volatility", name, percent, 0.5, *pair)
    for i in moving:
        pair = (market_with("drifts", i, 1.0, MOVE), market_with("drifts", i, 1.0, -MOVE))
        yield ("drift", market.symbols[i], f"{percent} a year", 0.5, *pair)
    for i, name in enumerate(market.symbols):
        yield ("price", name, percent, 0.5, started(i, up), started(i, down))
    for asset in positions(threshold.account):
        name = f"{asset.symbol} ({asset.side})"
        yield ("position", name, percent, 0.5, sized(asset, up), sized(asset, down))
    if len(moving) > 1:
        closer = (1 - WEIGHT) * market.correlation + WEIGHT
        yield (
            "correlation",
            "",
            f"{WEIGHT:.0%} closer to 1",
            1.0,
            lambda: (subject, replace(market, correlation=closer), timing, None),
            lambda: base,
        )
    for field, what in (("horizon_seconds", "horizon"), ("delay_seconds", "delay")):
        if round(getattr(timing, field) * MOVE):
            yield (what, "", percent, 0.5, timed(field, up), timed(field, down))


def _resized(threshold: Threshold, asset: Asset, factor: float) -> Threshold:
    amounts = list(threshold.account.amounts)
    amounts[asset.slot] = round(amounts[asset.slot] * factor)
    return replace(threshold, account=replace(threshold.account, amounts=tuple(amounts)))
