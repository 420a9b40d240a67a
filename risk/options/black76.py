"""Black-76: what European options on a forward are worth, and the volatility in a price. Floats.

Followed: F. Black, "The pricing of commodity contracts", Journal of Financial Economics 3 (1976).
With s = σ·√T, d1 = ln(F/K)/s + s/2, d2 = d1 − s and the discount D = e^(−r·T):

    call = D·(F·N(d1) − K·N(d2)),   put = D·(K·N(−d2) − F·N(−d1)),   call − put = D·(F − K)

Taken as it stands, the formula subtracts nearly equal numbers where an option is worth little. So
what is out of the money is computed first, in Mills' ratio M(x) = N(x)/φ(x), as in P. Jäckel,
"Let's be rational", Wilmott (2015): with h = −|ln(F/K)|/s and t = s/2 it is

    D·√(F·K)·φ(h)·e^(−t²/2)·(M(h + t) − M(h − t)),

and what is in the money is that plus D·|F − K|. The difference of two ratios is a Taylor series in
t where t is small. Values stay good to about 1e-12 of themselves down to the smallest floats.

Everything here is a float statistic: no verdict rests on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log, pi, sqrt
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError

Floats: TypeAlias = NDArray[np.float64]
Kind: TypeAlias = Literal["call", "put"]

SMALL: Final = 0.005
"""Below this t three terms of the series in t are exact in floats."""

LARGE: Final = 0.5
"""Above this d1 of what is out of the money nothing cancels in the formula as it stands."""

LOWEST: Final = 50.0
"""Of −h: a value further out of the money is below the smallest float."""

MAX_TOTAL_VOLATILITY: Final = 70.0
"""Of an implied σ·√T: an option with more is worth its bound in floats."""


@dataclass(frozen=True, eq=False)
class Terms:
    """Checked options as arrays of one shape.

    Attributes:
        sign: 1 for a call, −1 for a put.
        forward, strike: above 0, in quote.
        years: to expiry, above 0.
        volatility: per square root of a year, at least 0.
        rate: continuously compounded, per year.
    """

    sign: Floats
    forward: Floats
    strike: Floats
    years: Floats
    volatility: Floats
    rate: Floats

    @property
    def discount(self) -> Floats:
        """e^(−rate·years)."""
        return np.exp(-self.rate * self.years)

    @property
    def total_volatility(self) -> Floats:
        """s = volatility·√years."""
        return self.volatility * np.sqrt(self.years)

    @property
    def log_moneyness(self) -> Floats:
        """ln(forward/strike), to the last digit where the two are close."""
        near = (self.forward - self.strike) / self.strike
        far = np.log(self.forward) - np.log(self.strike)
        return np.where(np.abs(near) < 0.5, np.log1p(np.maximum(near, -0.5)), far)

    @property
    def d1(self) -> Floats:
        """ln(F/K)/s + s/2; for s = 0 its limit, which at the money is 0."""
        return _d1(self.log_moneyness, self.total_volatility)


def terms(
    kind: Kind | ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    volatility: ArrayLike,
    rate: ArrayLike = 0.0,
) -> Terms:
    """Check the terms of options and bring them to one shape.

    Args:
        kind: "call" or "put".
        forward, strike: finite, above 0.
        years: finite, above 0.
        volatility: finite, at least 0; 0.8 is eighty per cent.
        rate: finite.

    Raises:
        InputError: a value out of its range, which it names by field and index; shapes that do not
            fit each other.
    """
    kinds = np.asarray(kind)
    for place, each in np.ndenumerate(kinds):
        if each not in ("call", "put"):
            raise InputError(_at("kind", place), "call or put", repr(str(each))[:80])
    numbers = {
        "forward": numbers_of("forward", forward, above=0),
        "strike": numbers_of("strike", strike, above=0),
        "years": numbers_of("years", years, above=0, low_means="an expired option"),
        "volatility": numbers_of("volatility", volatility, low=0, low_means="a negative one"),
        "rate": numbers_of("rate", rate),
    }
    sign = np.where(kinds == "call", 1.0, -1.0)
    try:
        sign, *rest = np.broadcast_arrays(sign, *numbers.values())
    except ValueError:
        shapes = ", ".join(str(each.shape) for each in (sign, *numbers.values()))
        raise InputError("option", "arrays whose shapes fit each other", shapes) from None
    return Terms(sign, *rest)


def numbers_of(
    name: str,
    value: ArrayLike,
    *,
    above: float = -inf,
    low: float = -inf,
    low_means: str = "another",
) -> Floats:
    """`value` as finite floats in the range; InputError names the first that is not."""
    try:
        found = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"option {name}", "numbers", "something else") from None
    limit = f" above {above:g}" if above > -inf else f" of at least {low:g}" if low > -inf else ""
    for place in np.argwhere(~(np.isfinite(found) & (found > above) & (found >= low))):
        each = found[tuple(place)]
        got = low_means if np.isfinite(each) else "nan" if np.isnan(each) else "an infinite one"
        raise InputError(_at(name, tuple(place)), f"a finite number{limit}", got)
    return found


def _at(name: str, place: tuple[int, ...]) -> str:
    return f"option {name}" + (f"[{', '.join(map(str, place))}]" if place else "")


def price(
    kind: Kind | ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    volatility: ArrayLike,
    rate: ArrayLike = 0.0,
) -> Floats:
    """What the options are worth, per unit of the underlying, in quote.

    Args:
        kind, forward, strike, years, volatility, rate: as for `terms`; numbers or arrays that
            broadcast against each other.

    Returns:
        An array of their common shape; with no volatility the discounted payoff at the forward.

    Raises:
        InputError: as for `terms`.
    """
    return value_of(terms(kind, forward, strike, years, volatility, rate))


def value_of(of: Terms) -> Floats:
    """The same for terms that were checked before."""
    payoff = np.maximum(of.sign * (of.forward - of.strike), 0)
    result: Floats = of.discount * (payoff + time_value(of))
    return result


def time_value(of: Terms) -> Floats:
    """Undiscounted value above the payoff at the forward: the same for the call and for the put."""
    return _time_value(of.forward, of.strike, of.log_moneyness, of.total_volatility)


def implied_volatility(
    kind: Kind | ArrayLike,
    value: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike = 0.0,
) -> Floats:
    """The volatility at which options are worth `value`.

    The root is bracketed and found by Brent's method on the logarithm of what is out of the money.
    A price deep in the money, or close to its bound, says little about the volatility: the root is
    as exact as the price is in floats.

    Args:
        kind, forward, strike, years, rate: as for `terms`.
        value: in quote, above the discounted payoff at the forward and below the discounted forward
            (call) or strike (put).

    Returns:
        An array of their common shape.

    Raises:
        InputError: as for `terms`; a value that no volatility gives.
    """
    of = terms(kind, forward, strike, years, 0.0, rate)
    wanted = numbers_of("value", value)
    try:
        wanted, shape = np.broadcast_arrays(wanted, of.sign)
    except ValueError:
        shapes = f"{wanted.shape}, {of.sign.shape}"
        raise InputError("option", "arrays whose shapes fit each other", shapes) from None
    sign, forwards, strikes, discount, spans, logs = np.broadcast_arrays(
        of.sign, of.forward, of.strike, of.discount, np.sqrt(of.years), of.log_moneyness, shape
    )[:6]
    found = np.empty(wanted.shape)
    for place in np.ndindex(wanted.shape):
        payoff = max(float(sign[place] * (forwards[place] - strikes[place])), 0.0)
        extra = float(wanted[place] / discount[place]) - payoff
        top = float(min(forwards[place], strikes[place]))
        if not 0 < extra < top:
            raise InputError(
                _at("value", place),
                "a price above the payoff at the forward and below its bound",
                "one at or below the payoff" if extra <= 0 else "one at or above the bound",
            )
        found[place] = _total_volatility(
            float(forwards[place]), float(strikes[place]), float(logs[place]), extra
        )
    result: Floats = found / spans
    return result


def _total_volatility(forward: float, strike: float, logs: float, extra: float) -> float:
    """σ·√T at which the time value is `extra`."""
    from scipy.optimize import brentq

    goal = log(extra)

    def above(total: float) -> float:
        value = float(_time_value(*map(np.float64, (forward, strike, logs, total))))
        return (log(value) if value > 0 else -1000.0) - goal

    low, high = 1e-3, 1.0
    while above(low) > 0:
        low /= 8
    while above(high) < 0 and high < MAX_TOTAL_VOLATILITY:
        high *= 2
    return float(brentq(above, low, high, xtol=1e-300, rtol=4 * np.finfo(float).eps))


def _d1(logs: Floats, total: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        h = np.where(logs == 0, 0.0, logs / total)
    return h + total / 2


def _time_value(forward: Any, strike: Any, logs: Any, total: Any) -> Floats:
    from scipy.special import ndtr

    t = total / 2
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        h = np.where(logs == 0, 0.0, -np.abs(logs) / total)
        mean = np.sqrt(forward) * np.sqrt(strike)
        front = mean * np.exp(-h * h / 2) * np.exp(-t * t / 2) / sqrt(2 * pi)
        apart = _mills(h + t) - _mills(h - t)
        small, large = np.minimum(forward, strike), np.maximum(forward, strike)
        plain = small * ndtr(h + t) - large * ndtr(h - t)
        value = np.where(t < SMALL, front * _series(h, t), front * apart)
        value = np.where(h + t > LARGE, plain, value)
    # With so little volatility, or none, it is 0 in floats.
    return np.where((total == 0) | (h < -LOWEST), 0.0, value)


def _mills(x: Floats) -> Floats:
    """N(x)/φ(x)."""
    from scipy.special import erfcx

    result: Floats = sqrt(pi / 2) * erfcx(-x / sqrt(2))
    return result


def _series(h: Floats, t: Floats) -> Floats:
    """M(h + t) − M(h − t) up to t⁵, by M' = 1 + h·M and M⁽ⁿ⁺¹⁾ = h·M⁽ⁿ⁾ + n·M⁽ⁿ⁻¹⁾."""
    mills = _mills(h)
    derivatives = [mills, 1 + h * mills]
    for n in range(1, 5):
        derivatives.append(h * derivatives[n] + n * derivatives[n - 1])
    squared = t * t
    third, fifth = derivatives[3] / 6, derivatives[5] / 120
    result: Floats = 2 * t * (derivatives[1] + squared * (third + squared * fifth))
    return result
