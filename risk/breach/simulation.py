"""The probability that an account fails its test, simulated. Everything here is a float statistic.

Per path: the first time at which the test's margin is below 0; then, when the delay of execution is
over, what is held less (1 + penalty) times what is owed, at market value. If that is below 0 the
account was liquidated too late, and so much is lost: bad debt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..margin_function import MarginFunction, equity_function, margin_function
from ..needs import require
from ..threshold import Threshold
from .estimate import Estimate, check_confidence, of_batches, of_counts
from .paths import Chunk, PathMaker
from .tail import Tail, tails

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]

BATCHES: Final = 16
"""Independent scrambles: enough for their spread to tell the error."""

LEVELS: Final = (0.95, 0.99)
MIN_PATHS: Final = 1024
MAX_PATHS: Final = 1 << 22
THREADS: Final = 2


@dataclass(frozen=True, eq=False)
class Subject:
    """What of an account a simulation needs. As secret as the account.

    Attributes:
        test: its margin; below 0 the account fails.
        equity: what is held less (1 + penalty) · what is owed, at market value.
    """

    test: MarginFunction
    equity: MarginFunction

    def __repr__(self) -> str:
        return "Subject(hidden)"


@dataclass(frozen=True, eq=False)
class Simulated:
    """What came out of a simulation. As secret as the account; floats, and money in quote.

    Attributes:
        paths, batches: how many paths, in how many independent batches.
        step_seconds: between two looks at the test.
        breach_float: probability that the test is failed at one of the times.
        bad_debt_float: probability that it is, and that something is lost after the delay.
        loss_float: what is lost, on average over all paths.
        loss_if_bad_float: what is lost, on average over paths on which something is; None if none.
        first_float: probability that the test is failed for the first time at each of the times,
            the first of which is now; shape (times + 1,).
        breach_by_batch: breach probability of each batch; shape (batches,).
        bad_debt_by_batch: that of bad debt.
        value_now, ratio_now: held − owed at market value now, and the ratio below.
        value_at_horizon: of every path, whatever happened before; shape (paths,).
        ratio_at_horizon: held / (ratio · owed + reserve) by the test; inf where that is 0;
            shape (paths,).
        tails: of value_now − value_at_horizon.
    """

    paths: int
    batches: int
    step_seconds: float
    breach_float: Estimate
    bad_debt_float: Estimate
    loss_float: Estimate
    loss_if_bad_float: float | None
    first_float: Floats
    breach_by_batch: Floats
    bad_debt_by_batch: Floats
    value_now: float
    ratio_now: float
    value_at_horizon: Floats
    ratio_at_horizon: Floats
    tails: tuple[Tail, ...]

    def __repr__(self) -> str:
        return "Simulated(hidden)"


@dataclass(frozen=True, eq=False)
class _Batch:
    first: NDArray[np.int64]
    bad: int
    loss: float
    value: Floats
    ratio: Floats


def subject_of(threshold: Threshold) -> Subject:
    """An account's test, and its equity with the policy's penalty (0 without liquidation terms)."""
    terms = threshold.account.policy.liquidation
    penalty = float(terms.penalty) if terms else 0.0
    return Subject(margin_function(threshold), equity_function(threshold.account, penalty))


def simulate(
    subject: Subject,
    paths: PathMaker,
    count: int,
    seed: int = 0,
    *,
    batches: int = BATCHES,
    threads: int = THREADS,
    confidence: float = 0.95,
    levels: Sequence[float] = LEVELS,
    progress: Progress | None = None,
) -> Simulated:
    """Simulate an account over paths of prices.

    The result depends on everything but `threads`.

    Args:
        subject: of the account.
        paths: of the prices of the test's drivers, in their order.
        count: of paths, a multiple of `batches`, from 1024 to 2^22; best a power of two.
        seed: of the pseudo-random numbers, which are not for secrets; at least 0.
        batches: at least 2.
        threads: at least 1.
        confidence: of the intervals.
        levels: of VaR and expected shortfall.
        progress: told how many batches are done, of how many.

    Raises:
        InputError: an argument out of its range, other symbols, or scipy is not installed.
    """
    require("scipy", "risk breach")
    _check(subject, paths, count, seed, batches, threads)
    check_confidence(confidence)
    each = count // batches
    seeds = np.random.SeedSequence(seed).spawn(batches)
    found: list[_Batch] = []
    with ThreadPoolExecutor(threads) as pool:
        for batch in pool.map(lambda one: _batch(subject, paths, one, each), seeds):
            found.append(batch)
            if progress is not None:
                progress(len(found), batches)
    hits = np.array([batch.first.sum() for batch in found])
    bad = np.array([batch.bad for batch in found])
    losses = np.array([batch.loss for batch in found])
    values = np.stack([batch.value for batch in found])
    here = np.ones((1, len(subject.test.drivers)))
    now = float(_value(subject.equity, here)[0])
    return Simulated(
        paths=count,
        batches=batches,
        step_seconds=paths.step_seconds,
        breach_float=of_counts(hits, each, confidence),
        bad_debt_float=of_counts(bad, each, confidence),
        loss_float=of_batches(losses / each, confidence, 0.0),
        loss_if_bad_float=float(losses.sum() / bad.sum()) if bad.any() else None,
        first_float=np.sum([batch.first for batch in found], axis=0) / count,
        breach_by_batch=hits / each,
        bad_debt_by_batch=bad / each,
        value_now=now,
        ratio_now=float(_ratio(subject.test, here)[0]),
        value_at_horizon=values.reshape(-1),
        ratio_at_horizon=np.concatenate([batch.ratio for batch in found]),
        tails=tails(now - values, levels, confidence),
    )


def _check(
    subject: Subject, paths: PathMaker, count: int, seed: int, batches: int, threads: int
) -> None:
    for where, value, low, high in (
        ("paths", count, MIN_PATHS, MAX_PATHS),
        ("seed", seed, 0, 2**64 - 1),
        ("batches", batches, 2, 1024),
        ("threads", threads, 1, 256),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InputError(where, f"an integer from {low} to {high}", repr(value)[:40])
    if count % batches:
        raise InputError("paths", f"a multiple of {batches}", repr(count))
    if paths.symbols != subject.test.drivers:
        expected = "paths of " + ", ".join(subject.test.drivers)
        raise InputError("paths", expected, ", ".join(paths.symbols) or "none")


def _batch(subject: Subject, paths: PathMaker, seed: np.random.SeedSequence, count: int) -> _Batch:
    first = np.zeros(paths.times + 1, np.int64)
    bad, loss = 0, 0.0
    values, ratios = [], []
    for chunk in paths.batch(seed, count):
        found = _first(subject.test, chunk)
        hit = np.flatnonzero(found >= 0)
        first += np.bincount(found[hit], minlength=len(first))
        late = -subject.equity.margin(chunk.executed(found[hit], hit).T.astype(np.float64))
        bad += int(np.count_nonzero(late > 0))
        loss += float(np.maximum(late, 0.0).sum())
        final = chunk.multiples[:, paths.times].T.astype(np.float64)
        values.append(_value(subject.equity, final))
        ratios.append(_ratio(subject.test, final))
    return _Batch(first, bad, loss, np.concatenate(values), np.concatenate(ratios))


def _first(test: MarginFunction, chunk: Chunk) -> NDArray[np.intp]:
    """By path the first time at which the margin is below 0; −1 if it never is."""
    below = test.margin(np.moveaxis(chunk.multiples, 0, -1)) < 0
    return np.where(below.any(axis=0), below.argmax(axis=0), -1)


def _value(equity: MarginFunction, multiples: Floats) -> Floats:
    return equity.held(multiples) - equity.owed(multiples)


def _ratio(test: MarginFunction, multiples: Floats) -> Floats:
    required = test.ratio * test.owed(multiples) + test.reserve
    held = test.held(multiples)
    return np.divide(held, required, out=np.full_like(held, np.inf), where=required > 0)
