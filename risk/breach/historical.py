"""Filtered historical simulation: past surprises, in the volatility of today. All floats.

To the returns of every asset a GARCH(1,1) is fitted, and each return divided by the volatility that
the model expected of it: what is left are residuals of one size. A path draws whole past steps, the
residuals of all assets together, so that they stay as dependent as they were; each asset's variance
follows its own recursion from where it stands now:

    r = √v·z,    v' = ω + α·r² + β·v

(G. Barone-Adesi, K. Giannopoulos, L. Vosper, "VaR without correlations for portfolios of derivative
securities", Journal of Futures Markets 19, 1999). The log price has no drift.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isclose

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError
from ..volatility.garch import MIN_RETURNS, GarchFit, fit_garch
from .market import YEAR_SECONDS, Timing
from .paths import Singles, chunk_size

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _HistoricalChunk:
    extended: Singles
    times: int
    delay: int

    @property
    def multiples(self) -> Singles:
        return self.extended[:, : self.times + 1]

    def executed(self, first: NDArray[np.intp], paths: NDArray[np.intp]) -> Singles:
        return self.extended[:, first + self.delay, paths]


class HistoricalPaths:
    """Paths drawn from the past.

    Args:
        returns: log returns by symbol, all of the same steps, oldest first; at least 100.
        step_seconds: of one return.
        timing: a horizon of whole steps; its own `steps` do not count. The delay is rounded up to
            whole steps.
        symbols: of the paths, in their order; those without returns must be in `fixed`.
        fixed: symbols whose prices do not move.

    Raises:
        InputError: series of different length, too short, or not finite; a horizon that is not
            whole steps; a symbol without returns.
    """

    def __init__(
        self,
        returns: Mapping[str, ArrayLike],
        step_seconds: int,
        timing: Timing,
        symbols: Sequence[str],
        fixed: Sequence[str] = (),
    ) -> None:
        if timing.horizon_seconds % step_seconds:
            expected = f"whole steps of {step_seconds} seconds, as the history has"
            raise InputError("horizon", expected, f"{timing.horizon_seconds} seconds")
        self.symbols = tuple(symbols)
        self.step_seconds = float(step_seconds)
        self.times = timing.horizon_seconds // step_seconds
        self._delay = timing.delay_steps(step_seconds)
        self.fits: dict[str, GarchFit] = {}
        columns, lengths = [], {}
        for symbol in symbols:
            if symbol in returns:
                self.fits[symbol] = _fit(symbol, returns[symbol])
                columns.append(self.fits[symbol].residuals_float)
                lengths[symbol] = len(columns[-1])
            elif symbol not in fixed:
                raise InputError("history", f"a history of {symbol}", "none")
        if len(set(lengths.values())) > 1:
            got = ", ".join(f"{symbol}: {length}" for symbol, length in lengths.items())
            raise InputError("history", "returns of the same steps of every asset", got)
        fits = self.fits.values()
        self._moving = np.array([symbol in returns for symbol in symbols], np.bool_)
        self._residuals = np.array(columns, np.float32).reshape(len(columns), -1)
        self._omega, self._alpha, self._beta, self._variance = (
            np.array(values, np.float32)[:, None]
            for values in (
                [fit.omega for fit in fits],
                [fit.alpha for fit in fits],
                [fit.beta for fit in fits],
                [fit.next_volatility_float**2 for fit in fits],
            )
        )

    def batch(self, seed: np.random.SeedSequence, count: int) -> Iterator[_HistoricalChunk]:
        """One batch of independent paths."""
        generator = np.random.Generator(np.random.SFC64(seed))
        total = self.times + self._delay
        size = chunk_size(max(len(self.symbols), 1) * (total + 1))
        for begin in range(0, count, size):
            yield self._chunk(generator, total, min(size, count - begin))

    def _chunk(self, generator: np.random.Generator, total: int, paths: int) -> _HistoricalChunk:
        extended = np.ones((len(self.symbols), total + 1, paths), np.float32)
        assets, days = self._residuals.shape
        if assets:
            logs = np.zeros((assets, total + 1, paths), np.float32)
            variance = np.repeat(self._variance, paths, axis=1)
            for step in range(1, total + 1):
                drawn = generator.integers(days, size=paths)
                moved = np.sqrt(variance) * self._residuals[:, drawn]
                logs[:, step] = logs[:, step - 1] + moved
                variance = self._omega + self._alpha * moved**2 + self._beta * variance
            extended[self._moving] = np.exp(logs)
        return _HistoricalChunk(extended, self.times, self._delay)


def log_returns(symbol: str, prices: ArrayLike) -> Floats:
    """ln(p_t / p_{t−1}) of a series of prices.

    Args:
        symbol: for errors.
        prices: oldest first, above 0, at least two.
    """
    series = np.asarray(prices, np.float64)
    if series.ndim != 1 or len(series) < 2:
        raise InputError(f"history of {symbol}", "at least two prices", "fewer")
    wrong = np.flatnonzero(~(np.isfinite(series) & (series > 0)))
    if len(wrong):
        where = f"history of {symbol}[{wrong[0]}]"
        raise InputError(where, "a price above 0", repr(float(series[wrong[0]])))
    found: Floats = np.diff(np.log(series))
    return found


def estimated(
    returns: Mapping[str, Floats], step_seconds: int
) -> tuple[dict[str, float], dict[tuple[str, str], float]]:
    """Volatilities per year and correlations of past returns, around a mean of 0.

    Args:
        returns: log returns of the same steps by symbol.
        step_seconds: of one return.

    Raises:
        InputError: series of different lengths, or one that never moves.
    """
    lengths = {symbol: len(series) for symbol, series in returns.items()}
    if len(set(lengths.values())) > 1:
        got = ", ".join(f"{symbol}: {length}" for symbol, length in lengths.items())
        raise InputError("history", "returns of the same steps of every asset", got)
    sizes = {symbol: float(np.sqrt(np.mean(series**2))) for symbol, series in returns.items()}
    for symbol, size in sizes.items():
        if size == 0 or isclose(size, 0, abs_tol=1e-300):
            raise InputError(f"history of {symbol}", "a price that moves", "one that never does")
    volatilities = {
        symbol: size * float(np.sqrt(YEAR_SECONDS / step_seconds)) for symbol, size in sizes.items()
    }
    symbols = list(returns)
    correlations = {
        (one, two): float(np.mean(returns[one] * returns[two])) / (sizes[one] * sizes[two])
        for index, one in enumerate(symbols)
        for two in symbols[index + 1 :]
    }
    return volatilities, correlations


def _fit(symbol: str, returns: ArrayLike) -> GarchFit:
    try:
        return fit_garch(returns)
    except InputError as error:
        if error.where.startswith("returns"):
            where = f"history of {symbol}: {error.where}"
            raise InputError(where, error.expected, error.got) from None
        raise


__all__ = ["MIN_RETURNS", "HistoricalPaths", "estimated", "log_returns"]
