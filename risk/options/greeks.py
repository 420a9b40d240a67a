"""How Black-76 values move: delta, gamma, vega, theta and rho. Floats.

With n = N(±d1) and φ the standard normal density, per unit of the underlying:

| Greek | is | formula | unit |
|---|---|---|---|
| delta | ∂V/∂F | ±D·N(±d1) | quote per quote of the forward |
| gamma | ∂²V/∂F² | D·φ(d1) / (F·s) | delta per quote of the forward |
| vega | ∂V/∂σ | D·F·φ(d1)·√T | quote per 1.00 of volatility; a point is a hundredth |
| theta | −∂V/∂T | r·V − D·F·φ(d1)·σ / (2·√T) | quote per year; a day is 1/365 |
| rho | ∂V/∂r | −T·V | quote per 1.00 of the rate; a basis point is 1/10,000 |

Forward and volatility are held in theta, the forward also in rho: the Greeks of an option on a
future (J. C. Hull, Options, Futures, and Other Derivatives, "Futures options"; E. G. Haug, The
Complete Guide to Option Pricing Formulas, "Black-76"). A spot price that the forward moves in
proportion with has delta·F/S and gamma·(F/S)².

Everything here is a float statistic: no verdict rests on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
from numpy.typing import ArrayLike

from ...errors import InputError
from .black76 import Floats, Kind, Terms, numbers_of, terms, value_of

DAYS = 365
"""Of a year, for the theta of a day."""


@dataclass(frozen=True, eq=False)
class Greeks:
    """Value and Greeks of options, per unit of the underlying; arrays of one shape.

    Attributes:
        value: in quote.
        delta, gamma: by the forward.
        vega: per 1.00 of volatility.
        theta: per year that passes.
        rho: per 1.00 of the rate.
    """

    value: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    rho: Floats

    @property
    def vega_point(self) -> Floats:
        """Per point (0.01) of volatility."""
        return self.vega / 100

    @property
    def theta_day(self) -> Floats:
        """Per calendar day."""
        return self.theta / DAYS

    def by_spot(self, forward: ArrayLike, spot: ArrayLike) -> tuple[Floats, Floats]:
        """Delta and gamma by a spot price that the forward moves in proportion with.

        Args:
            forward, spot: above 0, in quote.

        Raises:
            InputError: another number.
        """
        carry = numbers_of("forward", forward, above=0) / numbers_of("spot", spot, above=0)
        return self.delta * carry, self.gamma * carry**2


def greeks(
    kind: Kind | ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    volatility: ArrayLike,
    rate: ArrayLike = 0.0,
) -> Greeks:
    """Value and Greeks of options.

    Args:
        kind, forward, strike, years, rate: as for `black76.terms`.
        volatility: above 0.

    Returns:
        Arrays of their common shape.

    Raises:
        InputError: as for `black76.terms`; no volatility, without which there is no gamma.
    """
    of = terms(kind, forward, strike, years, volatility, rate)
    numbers_of("volatility", volatility, above=0, low_means="another")
    return greeks_of(of)


def greeks_of(of: Terms) -> Greeks:
    """The same for terms that were checked before.

    Raises:
        InputError: no volatility.
    """
    from scipy.special import ndtr

    total, d1 = of.total_volatility, of.d1
    if np.any(total <= 0):
        raise InputError("option volatility", "one above 0, for the Greeks", "none")
    value = value_of(of)
    with np.errstate(under="ignore"):
        # Discount, forward and density.
        front = of.discount * of.forward * np.exp(-d1 * d1 / 2) / sqrt(2 * pi)
    root = np.sqrt(of.years)
    return Greeks(
        value=value,
        delta=of.sign * of.discount * ndtr(of.sign * d1),
        gamma=front / (of.forward * of.forward * total),
        vega=front * root,
        theta=of.rate * value - front * of.volatility / (2 * root),
        rho=-of.years * value,
    )
