"""Breach of a barrier that is looked at only now and then, by quadrature. Floats.

With y the distance of the log price to the barrier, and p_k its density after k looks at none of
which it was below 0,

    p_{k+1}(y) = ∫₀^∞ p_k(x)·n(y − x − c) dx,    n the normal density of variance σ²·dt,

c the drift towards or from the barrier in a step (F. AitSahlia, T. Lai, "Valuation of discrete
barrier and hindsight options", Journal of Financial Engineering 6, 1997). The integrals are
Gauss-Legendre sums. What lies below 0 is how far beyond the barrier the price is when the breach is
seen, and the delay begins there.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from .closed_form import OneDriver, beyond, mean_beyond
from .market import Timing

Floats = NDArray[np.float64]

MAX_LOOKS: Final = 1000
_NODES: Final = 8
_SPREADS: Final = 9.0
_MAX_PANELS: Final = 1500


@dataclass(frozen=True, eq=False)
class AtSteps:
    """Breach of a test that is looked at after every step. As secret as the account.

    Attributes:
        first_float: probability that it is seen first after each step; shape (steps,).
        bad_debt_float: probability that it is, and the price beyond bankruptcy after the delay.
        loss_float: what is lost on average.
    """

    first_float: Floats
    bad_debt_float: float
    loss_float: float

    @property
    def breach_float(self) -> float:
        """Probability that it is seen at all."""
        return float(self.first_float.sum())

    def __repr__(self) -> str:
        return "AtSteps(hidden)"


def breach_at_steps(
    account: OneDriver, timing: Timing, bankruptcy: float = 0.0, slope: float = 0.0
) -> AtSteps:
    """The probability that a breach is seen, and of bad debt then.

    Args:
        account: passing now, with a volatility above 0.
        timing: horizon, delay, and at most 1000 steps.
        bankruptcy, slope: as for `closed_form.expected_loss`.

    Raises:
        InputError: an account that fails now, no volatility, more steps, or a volatility so small
            against the drift that the sums would be too long.
    """
    from scipy.special import ndtr

    s, sigma = account.sign, account.volatility
    start = s * log(account.barrier)
    if start < 0 or sigma == 0:
        raise InputError("breach", "an account that passes, and a volatility above 0", "another")
    if timing.steps > MAX_LOOKS:
        raise InputError("steps", f"at most {MAX_LOOKS} for a sum over all of them", "more")
    dt = timing.years / timing.steps
    spread, drift = sigma * sqrt(dt), -s * account.growth * dt
    far = start + max(drift, 0.0) * timing.steps + _SPREADS * spread * sqrt(timing.steps)
    nodes, weights = _panels(far, spread)

    def density(to: Floats, origin: Floats) -> Floats:
        away = (to[:, None] - origin[None, :] - drift) / spread
        return np.asarray(np.exp(-(away**2) / 2) / (spread * sqrt(2 * np.pi)))

    point = np.array([start])
    alive = density(nodes, point)[:, 0]
    kernel = density(nodes, nodes) * weights
    falls = ndtr(-(nodes + drift) / spread) * weights
    first = np.empty(timing.steps)
    first[0] = ndtr(-(start + drift) / spread)
    visits = np.zeros_like(alive)
    for step in range(1, timing.steps):
        first[step] = falls @ alive
        visits += alive
        alive = kernel @ alive
    behind, parts = _panels(_SPREADS * spread + max(-drift, 0.0), spread)
    seen = density(-behind, point)[:, 0] + density(-behind, nodes) @ (weights * visits)
    prices = account.barrier * np.exp(s * behind)
    delay = timing.delay_years
    return AtSteps(
        first,
        float((seen * parts) @ beyond(account, prices, bankruptcy, delay)),
        slope * float((seen * parts) @ mean_beyond(account, prices, bankruptcy, delay)),
    )


def _panels(length: float, width: float) -> tuple[Floats, Floats]:
    """Nodes and weights from 0 to `length`, in panels no wider than `width`."""
    count = ceil(length / width)
    if count > _MAX_PANELS:
        raise InputError("volatility", "one less small against drift and distance", "a small one")
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    edges = np.linspace(0, length, count + 1)
    half = (edges[1:] - edges[:-1])[:, None] / 2
    middle = (edges[1:] + edges[:-1])[:, None] / 2
    return (middle + half * nodes).reshape(-1), (half * weights).reshape(-1)
