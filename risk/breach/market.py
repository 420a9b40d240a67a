"""What is assumed of the market and of time: floats, checked once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, isfinite
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..checks import MAX_SECONDS
from .correlation import check_correlation, from_pairs, stressed

YEAR_SECONDS: Final = 365 * 86_400
"""Volatilities and drifts are per year of 365 days, in which markets that never close trade."""

MAX_STEPS: Final = 100_000


@dataclass(frozen=True, eq=False)
class Market:
    """Correlated geometric Brownian motions: dS/S = μ·dt + σ·dB.

    Attributes:
        symbols: of the prices that move by themselves, all different.
        volatilities: σ per square root of a year, at least 0.
        drifts: μ per year: the expected price grows by e^(μ·t).
        correlation: of the Brownian motions.
    """

    symbols: tuple[str, ...]
    volatilities: NDArray[np.float64]
    drifts: NDArray[np.float64]
    correlation: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        volatilities: Mapping[str, float],
        correlations: Mapping[tuple[str, str], float] | NDArray[np.float64] | None = None,
        drifts: Mapping[str, float] | None = None,
        stress: float = 0.0,
    ) -> Market:
        """A market, checked.

        Args:
            volatilities: by symbol, per year; at least 0.
            correlations: by pairs of symbols, or the matrix in the order of `volatilities`.
            drifts: by symbol, per year; 0 for those that are not named.
            stress: weight from 0 to 1 by which every correlation is moved towards 1.

        Raises:
            InputError: a value that is not finite or out of its range, a symbol that has no
                volatility, a matrix that is no correlation matrix.
        """
        symbols = tuple(volatilities)
        for symbol, value in volatilities.items():
            where = f"volatility of {symbol}"
            if not _number(value) or value < 0:
                raise InputError(where, "a number of at least 0, per year", repr(value)[:40])
        for symbol, value in (drifts or {}).items():
            if symbol not in volatilities:
                raise InputError("drift", "one of " + ", ".join(symbols), repr(symbol))
            if not _number(value):
                raise InputError(f"drift of {symbol}", "a finite number per year", repr(value)[:40])
        if correlations is None or isinstance(correlations, Mapping):
            matrix = from_pairs(symbols, correlations or {})
        else:
            matrix = check_correlation(correlations, symbols)
        return cls(
            symbols,
            np.array([float(value) for value in volatilities.values()]),
            np.array([float((drifts or {}).get(symbol, 0.0)) for symbol in symbols]),
            stressed(matrix, stress),
        )

    def ordered(self, symbols: Sequence[str], where: str = "market") -> Market:
        """The market of these symbols in this order; InputError if one has no volatility."""
        for symbol in symbols:
            if symbol not in self.symbols:
                raise InputError(where, f"a volatility of {symbol}", "none")
        chosen = [self.symbols.index(symbol) for symbol in symbols]
        return replace(
            self,
            symbols=tuple(symbols),
            volatilities=self.volatilities[chosen],
            drifts=self.drifts[chosen],
            correlation=self.correlation[np.ix_(chosen, chosen)],
        )


@dataclass(frozen=True)
class Timing:
    """Over what time an account is watched.

    Attributes:
        horizon_seconds: from now on; above 0.
        delay_seconds: from the moment a test fails until it is liquidated; at least 0.
        steps: how often within the horizon the test is looked at, evenly; at least 1.
    """

    horizon_seconds: int
    delay_seconds: int = 0
    steps: int = 100

    def __post_init__(self) -> None:
        _whole("horizon", self.horizon_seconds, 1, MAX_SECONDS, "seconds")
        _whole("delay", self.delay_seconds, 0, MAX_SECONDS, "seconds")
        _whole("steps", self.steps, 1, MAX_STEPS, "steps")

    @property
    def years(self) -> float:
        """The horizon in years."""
        return self.horizon_seconds / YEAR_SECONDS

    @property
    def delay_years(self) -> float:
        """The delay in years."""
        return self.delay_seconds / YEAR_SECONDS

    def delay_steps(self, step_seconds: float) -> int:
        """The delay in whole steps, rounded up."""
        return ceil(self.delay_seconds / step_seconds)


def _number(value: Any) -> bool:
    """Whether it is a finite number."""
    try:
        return not isinstance(value, (bool, str)) and isfinite(value)
    except TypeError:
        return False


def _whole(where: str, value: object, low: int, high: int, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        got = repr(value) if isinstance(value, (int, float)) else f"a {type(value).__name__}"
        raise InputError(where, f"whole {what} from {low} to {high}", got[:40])
