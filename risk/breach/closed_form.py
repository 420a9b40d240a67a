"""The probability of breach in closed form, where one price decides. Everything here is a float.

The price is S·e^(ν·t + σ·B), ν = μ − σ²/2, and the account fails once it is beyond a barrier. With
a = ln(barrier / price), s = −1 for a barrier below (long accounts) and 1 for one above (short):

    P(τ ≤ T) = Φ((ν·T − a)·s / (σ√T)) + e^(2ν·a/σ²) · Φ(−s·(a + ν·T) / (σ√T))

by the reflection principle (J. Harrison, "Brownian Motion and Stochastic Flow Systems", 1985,
section 1.8). If the test is looked at only every dt, a barrier further away by e^(s·β·σ·√dt),
β = −ζ(1/2)/√(2π) ≈ 0.5826, gives about the same (M. Broadie, P. Glasserman, S. Kou, "A continuity
correction for discrete barrier options", Mathematical Finance 7, 1997): they look at the price
when it is, on average, so far beyond the barrier.

At τ the price is at the barrier, and what follows is independent of τ (strong Markov property). So
the price a delay d after τ is barrier · e^(ν·d + σ·√d·Z), whatever τ was, and

    P(bad debt) = P(τ ≤ T) · Φ(s·(ν·d − ln(bankruptcy / barrier)) / (σ·√d))

The loss, linear in the price, is then an option on it (F. Black, M. Scholes, 1973).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, isfinite, log, sqrt
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError
from .market import Timing

BGK_FLOAT: Final = 0.5825971579390106
"""−ζ(1/2)/√(2π)."""

Side = Literal["below", "above"]


@dataclass(frozen=True)
class OneDriver:
    """An account that one price decides, and that price's motion.

    Attributes:
        side: on which side of the barrier the account fails.
        barrier: of the price now, above 0; beyond it the test is failed.
        volatility, drift: σ and μ per year.
    """

    side: Side
    barrier: float
    volatility: float
    drift: float = 0.0

    def __post_init__(self) -> None:
        if self.side not in ("below", "above"):
            raise InputError("side", "below or above", repr(self.side)[:40])
        for where, value in (("volatility", self.volatility), ("drift", self.drift)):
            if not isfinite(value):
                raise InputError(where, "a finite number", repr(value))
        if self.volatility < 0:
            raise InputError(
                "volatility", "a number of at least 0, per year", repr(self.volatility)
            )
        if not (isfinite(self.barrier) and self.barrier > 0):
            raise InputError("barrier", "a multiple of the price, above 0", "another")

    @property
    def sign(self) -> int:
        """−1 if the account fails below the barrier, 1 if above."""
        return -1 if self.side == "below" else 1

    @property
    def growth(self) -> float:
        """ν = μ − σ²/2."""
        return self.drift - self.volatility**2 / 2

    def __repr__(self) -> str:
        return "OneDriver(hidden)"


@dataclass(frozen=True)
class Sensitivities:
    """Derivatives of the probability of breach, by what is named; all per unit of it.

    Attributes:
        volatility, drift: per 1 of σ and of μ.
        log_price: per 1 of the logarithm of the price now, the barrier's own price fixed.
        horizon_years: per year of horizon.
    """

    volatility: float
    drift: float
    log_price: float
    horizon_years: float


def breach_probability(account: OneDriver, timing: Timing, *, discrete: bool = False) -> float:
    """P(τ ≤ T): that the price is beyond the barrier at some time within the horizon.

    Args:
        account: its barrier and the price's motion.
        timing: the horizon; the steps if `discrete`.
        discrete: whether the price is looked at only at the end of every step (Broadie, Glasserman
            and Kou's approximation) and not all the time.
    """
    a, s = log(account.barrier), account.sign
    if a * s < 0:
        return 1.0
    sigma, nu, years = account.volatility, account.growth, timing.years
    if sigma == 0:
        return 1.0 if s * (nu * years - a) > 0 else 0.0
    if discrete:
        a += s * BGK_FLOAT * sigma * sqrt(years / timing.steps)
    return _first_passage(a, s, sigma, nu, years)


def first_passage_density(account: OneDriver, years: float) -> float:
    """Of τ, per year: |a| / (σ·√(2π·t³)) · e^(−(a − ν·t)² / (2σ²t)); of a barrier not reached yet.

    Args:
        account: σ above 0.
        years: t, above 0.
    """
    a, sigma = log(account.barrier), account.volatility
    if sigma <= 0 or years <= 0:
        raise InputError("first passage density", "a volatility and a time above 0", "another")
    away = (a - account.growth * years) / (sigma * sqrt(years))
    return abs(a) / (sigma * sqrt(years**3)) * _density(away)


def bad_debt_probability(account: OneDriver, bankruptcy: float, timing: Timing) -> float:
    """That the barrier is crossed, and the price beyond `bankruptcy` when the delay is over.

    The test is looked at all the time; `discrete.breach_at_steps` is for steps.

    Args:
        account: its barrier and the price's motion.
        bankruptcy: of the price now, at least 0: beyond it, on the account's side, something is
            lost. 0 below, or infinity above, if nothing ever is.
        timing: horizon and delay.
    """
    start = price_at_breach(account)
    return breach_probability(account, timing) * float(
        beyond(account, start, bankruptcy, timing.delay_years)
    )


def expected_loss(account: OneDriver, bankruptcy: float, slope: float, timing: Timing) -> float:
    """What is lost on average: slope · the mean distance of the price beyond `bankruptcy`.

    Args:
        account, bankruptcy, timing: as for `bad_debt_probability`.
        slope: what is lost, in quote, per multiple of the price now beyond bankruptcy; at least 0.
    """
    start = price_at_breach(account)
    lost = mean_beyond(account, start, bankruptcy, timing.delay_years)
    return breach_probability(account, timing) * slope * float(lost)


def sensitivities(account: OneDriver, timing: Timing) -> Sensitivities:
    """Derivatives of `breach_probability` with continuous monitoring.

    With u = s·(ν·T − a)/(σ√T), w = −s·(ν·T + a)/(σ√T) and E = e^(2ν·a/σ²), P = Φ(u) + E·Φ(w), and
    because φ(u) = E·φ(w) the derivatives are sums of these terms; a derivative by μ moves ν by 1,
    one by σ moves it by −σ. Not where the account fails already or σ is 0: then all are 0.
    """
    a, s = log(account.barrier), account.sign
    sigma, nu, years = account.volatility, account.growth, timing.years
    if sigma == 0 or a * s <= 0:
        return Sensitivities(0.0, 0.0, 0.0, 0.0)
    root = sigma * sqrt(years)
    density = _density(s * (nu * years - a) / root)
    reflected = _exp_phi(2 * nu * a / sigma**2, -s * (nu * years + a) / root)
    # φ(u)·∂u + E·φ(w)·∂w + E·Φ(w)·∂(2ν·a/σ²); u + w = −2·s·a/(σ√T), u − w = 2·s·ν√T/σ.
    by_nu = reflected * 2 * a / sigma**2
    by_a = density * (-2 * s / root) + reflected * 2 * nu / sigma**2
    by_sigma = density * (2 * s * a / (root * sigma)) - reflected * 4 * nu * a / sigma**3
    return Sensitivities(
        volatility=by_sigma - sigma * by_nu,
        drift=by_nu,
        log_price=-by_a,
        horizon_years=first_passage_density(account, years),
    )


def _first_passage(a: float, s: int, sigma: float, nu: float, years: float) -> float:
    root = sigma * sqrt(years)
    direct = _phi(s * (nu * years - a) / root)
    reflected = _exp_phi(2 * nu * a / sigma**2, -s * (a + nu * years) / root)
    return min(direct + reflected, 1.0)


def price_at_breach(account: OneDriver) -> float:
    """The multiple of the price now at which a test that is always looked at fails."""
    return account.barrier if account.sign * log(account.barrier) >= 0 else 1.0


def beyond(
    account: OneDriver, start: ArrayLike, bankruptcy: float, years: float
) -> NDArray[np.float64]:
    """The probability that a price is beyond `bankruptcy`, on the account's side, after `years`.

    Args:
        account: its side and the price's motion.
        start: multiples of the price now, above 0, shape (...); the result has it too.
        bankruptcy: at least 0, or infinity.
        years: at least 0.
    """
    from scipy.special import ndtr

    s, begin = account.sign, np.asarray(start, np.float64)
    if not bankruptcy >= 0:
        raise InputError("bankruptcy", "a multiple of the price, at least 0", "another")
    if bankruptcy in (0, inf):
        return np.full(begin.shape, float((bankruptcy == 0) == (s > 0)))
    away = s * (np.log(begin / bankruptcy) + account.growth * years)
    spread = account.volatility * sqrt(years)
    found = (away > 0).astype(np.float64) if spread == 0 else ndtr(away / spread)
    return np.asarray(found, np.float64)


def mean_beyond(
    account: OneDriver, start: ArrayLike, bankruptcy: float, years: float
) -> NDArray[np.float64]:
    """The mean distance beyond `bankruptcy` after `years`, 0 on the other side; as `beyond`."""
    from scipy.special import ndtr

    s, begin = account.sign, np.asarray(start, np.float64)
    forward = begin * exp(account.drift * years)
    spread = account.volatility * sqrt(years)
    if bankruptcy in (0, inf):
        return forward if bankruptcy == 0 and s > 0 else np.zeros(begin.shape)
    if spread == 0:
        return np.maximum(s * (forward - bankruptcy), 0.0)
    d1 = (np.log(forward / bankruptcy) + spread**2 / 2) / spread
    option = s * (forward * ndtr(s * d1) - bankruptcy * ndtr(s * (d1 - spread)))
    return np.maximum(option, 0.0)


def _phi(x: float) -> float:
    from scipy.special import ndtr

    return float(ndtr(x))


def _exp_phi(exponent: float, x: float) -> float:
    """e^exponent · Φ(x), also where one of the two is out of range."""
    from scipy.special import log_ndtr

    return exp(min(exponent + float(log_ndtr(x)), 0.0))


def _density(x: float) -> float:
    return exp(-x * x / 2) * 0.3989422804014327
