"""Made-up price candles, for trying and testing: they say of themselves that they are synthetic.

One market and one own part move every asset, both with the volatility of a GARCH(1,1)
(σ² ← ω + α·r² + β·σ², Bollerslev 1986), and on one day everything crashes. Days are made of hours,
whence highs and lows. They start in 2001, when nothing of the kind was traded.

The numbers are pseudo-random from a seed (`numpy.random.Generator`, never for secrets): one seed
makes one series under one version of numpy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import floor, log10
from typing import Final

import numpy as np

from ...errors import InputError
from ..checks import exact, name
from ..fixed_point import whole
from ..values import Exact
from .candles import DAY, SYNTHETIC, Candles, Floats

START: Final = datetime(2001, 1, 1, tzinfo=UTC)
HEADER: Final = "Unix,Date,Symbol,Open,High,Low,Close,Volume"
MAX_DAYS: Final = 20_000

_HOURS: Final = 24
_ALPHA: Final = 0.08
_BETA: Final = 0.9
_DIGITS: Final = 6


@dataclass(frozen=True)
class SyntheticMarket:
    """How made-up prices move.

    Attributes:
        days: how many candles, 2 to 20000.
        volatility: of a day without stress, as a share: 0.035.
        common: the share of the variance that all assets have in common, 0 to 1.
        crash: by how much everything falls within the crash day, 0 to below 1; half of it is won
            back that day.
        crash_day: which candle, from 0; None: the middle one.
    """

    days: int = 120
    volatility: float = 0.035
    common: float = 0.7
    crash: float = 0.4
    crash_day: int | None = None


def synthetic_candles(
    prices: Mapping[str, str], seed: int = 0, market: SyntheticMarket | None = None
) -> dict[str, Candles]:
    """Daily candles of some assets.

    Args:
        prices: at which price each starts, as decimals, by a symbol such as BTCUSD.
        seed: of the pseudo-random numbers, 0 to 2^63 − 1.
        market: how they move.

    Returns:
        By symbol; their own symbols begin with `synthetic:`.

    Raises:
        InputError: no prices, or one of these out of its range.
    """
    market = market or SyntheticMarket()
    _check(prices, seed, market)
    random = np.random.Generator(np.random.PCG64(seed))
    shared = random.standard_normal((market.days, _HOURS))
    found = {}
    for symbol, start in prices.items():
        own = random.standard_normal((market.days, _HOURS))
        noise = np.sqrt(market.common) * shared + np.sqrt(1 - market.common) * own
        hourly = _garch(noise / np.sqrt(_HOURS), market)
        volume = random.lognormal(7.0, 0.5, market.days)
        found[symbol] = _candles(symbol, float(Exact(start)), hourly, volume)
    return found


def candles_csv(candles: Candles) -> str:
    """Candles as a CSV with the columns that `candles.read_candles` reads, oldest first."""
    lines = [HEADER]
    for index, time in enumerate(candles.times):
        each = (candles.open, candles.high, candles.low, candles.close)
        prices = ",".join(str(column[index]) for column in each)
        volume = 0.0 if candles.volume is None else candles.volume[index]
        unix = int(time.timestamp()) * 1000
        lines.append(f"{unix},{candles.label(index)},{candles.symbol},{prices},{volume:.3f}")
    return "\n".join(lines) + "\n"


def _garch(noise: Floats, market: SyntheticMarket) -> Floats:
    """Log returns of every hour, shape (days, hours), with the crash in them."""
    usual = market.volatility**2
    variance = usual
    returns = np.empty_like(noise)
    crash_day = market.days // 2 if market.crash_day is None else market.crash_day
    for day in range(market.days):
        returns[day] = np.sqrt(variance) * noise[day]
        if day == crash_day and market.crash:
            fall = np.log1p(-market.crash)
            back = np.log1p(-market.crash / 2) - fall
            # Six hours down, then six hours half of the way up.
            returns[day, 8:14] += fall / 6
            returns[day, 14:20] += back / 6
        moved = float(returns[day].sum()) ** 2
        variance = (1 - _ALPHA - _BETA) * usual + _ALPHA * moved + _BETA * variance
    return returns


def _candles(symbol: str, start: float, hourly: Floats, volume: Floats) -> Candles:
    levels = start * np.exp(np.cumsum(hourly.ravel())).reshape(hourly.shape)
    closes = levels[:, -1]
    opens = np.concatenate(([start], closes[:-1]))
    highs = np.maximum(levels.max(axis=1), opens)
    lows = np.minimum(levels.min(axis=1), opens)

    def spelled(prices: Floats) -> tuple[Exact, ...]:
        return tuple(_spelled(float(price)) for price in prices)

    times = tuple(START + timedelta(days=day) for day in range(len(hourly)))
    columns = (spelled(opens), spelled(highs), spelled(lows), spelled(closes))
    return Candles(SYNTHETIC + symbol, DAY, times, *columns, volume=np.round(volume, 3))


def _spelled(price: float) -> Exact:
    """A price to six digits, rounded alike everywhere, so that none leaves its candle's range."""
    places = max(0, _DIGITS - 1 - floor(log10(price)))
    return Exact.of(Fraction(round(price * 10**places), 10**places))


def _check(prices: Mapping[str, str], seed: int, market: SyntheticMarket) -> None:
    if not prices:
        raise InputError("synthetic: prices", "at least one", "none")
    for symbol, text in prices.items():
        name("synthetic: symbol", SYNTHETIC + symbol)
        try:
            start = Exact(text)
        except (TypeError, ValueError):
            raise InputError(f"synthetic: {symbol}", "a decimal", repr(text)[:80]) from None
        exact(f"synthetic: {symbol}", start, low=Exact("0.0001"), high=10**9)
    whole("synthetic: seed", seed, 0, 2**63 - 1)
    whole("synthetic: days", market.days, 2, MAX_DAYS)
    if market.crash_day is not None:
        whole("synthetic: crash_day", market.crash_day, 0, market.days - 1)
    for what, value, low, high in (
        ("volatility", market.volatility, 0.0, 0.2),
        ("common", market.common, 0.0, 1.0),
        ("crash", market.crash, 0.0, 0.95),
    ):
        if not low <= value <= high:
            raise InputError(f"synthetic: {what}", f"a number from {low} to {high}", str(value))
