"""Estimates from independent batches, with confidence intervals. Everything here is a float."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError

Floats = NDArray[np.float64]

FEW: Final = 20
"""With fewer hits, or misses, than this a normal interval is too narrow."""


@dataclass(frozen=True)
class Estimate:
    """A number and where the true one is expected to lie; `low` ≤ `value` ≤ `high`."""

    value: float
    low: float
    high: float

    def __repr__(self) -> str:
        return "Estimate(hidden)"


def check_confidence(confidence: float) -> float:
    """`confidence` if it is above 0 and below 1; InputError otherwise."""
    if not (isfinite(confidence) and 0 < confidence < 1):
        raise InputError("confidence", "a number above 0 and below 1", repr(confidence))
    return confidence


def of_batches(
    batches: Floats, confidence: float, low: float = -inf, high: float = inf
) -> Estimate:
    """The mean of independent, equally distributed batches, with Student's interval.

    Randomised quasi-Monte Carlo: each batch is a scramble of its own, so that their spread tells
    the error, however much smaller than that of independent paths it is (A. Owen, "Monte Carlo
    theory, methods and examples", 2013, section 17.3).

    Args:
        batches: shape (batches,), at least two.
        confidence: of the interval.
        low, high: no true value is beyond these.
    """
    mean = float(batches.mean())
    half = _student(len(batches), confidence) * float(batches.std(ddof=1)) / sqrt(len(batches))
    return Estimate(mean, min(max(mean - half, low), mean), max(min(mean + half, high), mean))


def of_counts(hits: NDArray[np.int64], paths_per_batch: int, confidence: float) -> Estimate:
    """A probability from the hits in each batch.

    Where hits or misses are few, the batches look more alike than they are. The interval is then
    no narrower than the exact binomial one of all paths (C. Clopper, E. Pearson, "The use of
    confidence or fiducial limits", Biometrika 26, 1934).

    Args:
        hits: shape (batches,).
        paths_per_batch: the same for all.
        confidence: of the interval.
    """
    from scipy.stats import beta

    found = of_batches(hits / paths_per_batch, confidence, 0.0, 1.0)
    count, paths = int(hits.sum()), paths_per_batch * len(hits)
    if min(count, paths - count) >= FEW:
        return found
    tail = (1 - confidence) / 2
    low = float(beta.ppf(tail, count, paths - count + 1)) if count else 0.0
    high = float(beta.isf(tail, count + 1, paths - count)) if count < paths else 1.0
    return Estimate(found.value, min(low, found.low), max(high, found.high))


def _student(batches: int, confidence: float) -> float:
    from scipy.stats import t

    return float(t.ppf((1 + confidence) / 2, batches - 1))
