"""Value at risk and expected shortfall of simulated losses. Everything here is a float.

VaR at level p is the loss that is exceeded with probability 1 − p, the upper p-quantile; expected
shortfall is the mean of the losses in that worst part, which, unlike VaR, rewards diversification
(P. Artzner, F. Delbaen, J.-M. Eber, D. Heath, "Coherent measures of risk", Mathematical Finance 9,
1999). Where the quantile falls between two paths, the one at the border counts with the part that
is left (R. Rockafellar, S. Uryasev, "Conditional value-at-risk for general loss distributions",
Journal of Banking & Finance 26, 2002).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from .estimate import Estimate, of_batches

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Tail:
    """The losses at one level.

    Attributes:
        level: p, above 0 and below 1.
        value_at_risk_float, expected_shortfall_float: losses, in quote; below 0 a gain.
    """

    level: float
    value_at_risk_float: Estimate
    expected_shortfall_float: Estimate

    def __repr__(self) -> str:
        return f"Tail({self.level}, hidden)"


def tails(losses: Floats, levels: Sequence[float], confidence: float) -> tuple[Tail, ...]:
    """VaR and expected shortfall at some levels.

    The value is that of all paths together; the interval is Student's around it, from the spread of
    the batches' own values.

    Args:
        losses: shape (batches, paths); batches are independent of each other.
        levels: each above 0 and below 1.
        confidence: of the intervals.

    Raises:
        InputError: another level.
    """
    for level in levels:
        if not (isfinite(level) and 0 < level < 1):
            raise InputError("level", "a number above 0 and below 1", repr(level))
    together = np.sort(losses, axis=None)
    apart = np.sort(losses, axis=1)
    return tuple(
        Tail(
            level,
            *(
                _around(function(together, level), function(apart, level), confidence)
                for function in (value_at_risk, expected_shortfall)
            ),
        )
        for level in levels
    )


def value_at_risk(ascending: Floats, level: float) -> Floats:
    """The smallest loss that at least the share `level` of the losses does not exceed.

    Args:
        ascending: losses along the last axis, shape (..., paths).
        level: above 0 and below 1.
    """
    count = ascending.shape[-1]
    found: Floats = ascending[..., _position(level, count)]
    return found


def expected_shortfall(ascending: Floats, level: float) -> Floats:
    """The mean of the worst 1 − level of the losses; arguments as of `value_at_risk`."""
    count = ascending.shape[-1]
    border = _position(level, count)
    part = (1 - level) * count
    beyond: Floats = ascending[..., border + 1 :].sum(axis=-1)
    rest = part - (count - border - 1)
    found: Floats = (beyond + rest * ascending[..., border]) / part
    return found


def _position(level: float, count: int) -> int:
    # What only rounding takes above a whole number is that number.
    return max(ceil(level * count * (1 - 1e-12)) - 1, 0)


def _around(value: Floats, batches: Floats, confidence: float) -> Estimate:
    spread = of_batches(batches, confidence)
    here, half = float(value), (spread.high - spread.low) / 2
    return Estimate(here, here - half, here + half)
