"""Paths of correlated prices, quasi-random where it matters. Everything here is a float statistic.

A path of n correlated Brownian motions at m times is a normal vector of m·n coordinates. Its
principal components are products of those in time and those among the assets, and few of them carry
nearly all of the variance: those get a scrambled Sobol sequence, best coordinates first, and the
small rest pseudo-random numbers. With the covariance of a Brownian motion at m even times,
C = min(i, j)·dt, its unit eigenvectors v and eigenvalues λ, and a pseudo-random motion W':

    W = W' + Σ v·(√λ·z − vᵀ·W'), summed over the components that the sequence drives, z ~ N(0, 1)

which replaces these components of W' and leaves the others.

Sources: P. Acworth, M. Broadie, P. Glasserman, "A comparison of some Monte Carlo and quasi Monte
Carlo techniques for option pricing", 1998 (principal components); A. Owen, "Scrambled net variance
for integrals of smooth functions", Annals of Statistics 25, 1997; J. Spanier, "Quasi-Monte Carlo
methods for particle transport problems", 1995 (the mixture of quasi- and pseudo-random
coordinates); the eigenvectors of min(i, j) are sines: P. Glasserman, "Monte Carlo Methods in
Financial Engineering", 2003, section 3.1.

Log prices are single precision: their error of some 10^−6 moves a probability by less than that,
while the sampling error of a million paths is above 10^−4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from .correlation import root
from .market import Market, Timing

Singles = NDArray[np.float32]

SOBOL_DIMENSIONS: Final = 128
"""At most so many coordinates are quasi-random; of more, low-dimensional projections get worse."""

CHUNK_NUMBERS: Final = 1 << 19
"""About so many prices are made at once: 2 MiB, which a cache holds."""

_MAX_CHUNK: Final = 4096
_MIN_CHUNK: Final = 64
_HALF_STEP: Final = 2.0**-31
"""Sobol points have 30 bits; the middle of the cell of each is neither 0 nor 1."""


class Chunk(Protocol):
    """Some paths."""

    @property
    def multiples(self) -> Singles:
        """Of the prices now; shape (assets, times + 1, paths); the first time is now."""

    def executed(self, first: NDArray[np.intp], paths: NDArray[np.intp]) -> Singles:
        """Multiples when the delay is over.

        Args:
            first: the times, by number, at which the delay begins; shape (k,).
            paths: of which paths; shape (k,).

        Returns:
            Shape (assets, k).
        """


class PathMaker(Protocol):
    """Something that makes paths.

    Attributes:
        symbols: whose prices.
        times: how many times after now a path has.
        step_seconds: between two of them.
    """

    symbols: tuple[str, ...]
    times: int
    step_seconds: float

    def batch(self, seed: np.random.SeedSequence, count: int) -> Iterator[Chunk]:
        """One independent batch of `count` paths, in chunks; the same for the same seed."""


@dataclass(frozen=True, eq=False)
class _GaussianChunk:
    multiples: Singles
    later: Singles

    def executed(self, first: NDArray[np.intp], paths: NDArray[np.intp]) -> Singles:
        return self.multiples[:, first, paths] * self.later[:, paths]


class GaussianPaths:
    """Correlated geometric Brownian motions at even times.

    The increment over the delay is independent of the path before it, so that the delay need not be
    a multiple of the step.

    Args:
        market: volatilities, drifts and correlation.
        timing: horizon, steps and delay.
        start: by what the prices now are multiplied first; shape (assets,); None for 1.
        sobol_dimensions: at most so many quasi-random coordinates; 0 for plain Monte Carlo.
    """

    def __init__(
        self,
        market: Market,
        timing: Timing,
        start: NDArray[np.float64] | None = None,
        *,
        sobol_dimensions: int = SOBOL_DIMENSIONS,
    ) -> None:
        self.symbols = market.symbols
        self.times = timing.steps
        self.step_seconds = timing.horizon_seconds / timing.steps
        assets, steps, dt = len(market.symbols), timing.steps, timing.years / timing.steps
        spread = market.volatilities[:, None] * root(market.correlation)
        growth = market.drifts - market.volatilities**2 / 2
        self._start = np.ones(assets) if start is None else start
        self._spread = spread.astype(np.float32)
        self._root_dt = np.float32(np.sqrt(dt))
        drift = growth[:, None] * (dt * np.arange(1, steps + 1))
        self._drift = drift[:, :, None].astype(np.float32)
        self._delay_spread = (spread * np.sqrt(timing.delay_years)).astype(np.float32)
        self._delay_drift = (growth * timing.delay_years)[:, None].astype(np.float32)
        leading = min(steps, sobol_dimensions // assets) if assets else 0
        vectors, values = brownian_components(steps, dt, leading)
        self._vectors = vectors.astype(np.float32)
        self._scales = np.sqrt(values)[:, None, None].astype(np.float32)
        variances = np.outer(values, (spread**2).sum(axis=0))
        self._order = np.argsort(-variances, axis=None, kind="stable")

    def batch(self, seed: np.random.SeedSequence, count: int) -> Iterator[_GaussianChunk]:
        """One scramble of the Sobol sequence; `count` is best a power of two."""
        from scipy.special import ndtri
        from scipy.stats import qmc

        scramble, pseudo = seed.spawn(2)
        generator = np.random.Generator(np.random.SFC64(pseudo))
        assets, leading = len(self.symbols), len(self._scales)
        dimensions = assets * leading
        sobol = None
        if dimensions:
            sobol = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(scramble))
        size = chunk_size(assets * (self.times + 1))
        for begin in range(0, count, size):
            paths = min(size, count - begin)
            driven = None
            if sobol is not None:
                normal = np.empty((dimensions, paths), np.float32)
                normal[self._order] = ndtri(sobol.random(paths) + _HALF_STEP).T
                driven = normal.reshape(leading, assets, paths)
            yield self._chunk(generator, driven, paths)

    def _chunk(
        self, generator: np.random.Generator, driven: Singles | None, paths: int
    ) -> _GaussianChunk:
        assets, steps = len(self.symbols), self.times
        motion = generator.standard_normal((steps, assets, paths), np.float32)
        motion *= self._root_dt
        for step in range(1, steps):
            motion[step] += motion[step - 1]
        if driven is not None:
            # One product for each asset: small enough to stay within this thread.
            by_asset = motion.transpose(1, 0, 2)
            driven *= self._scales
            wanted = driven.transpose(1, 0, 2)
            by_asset += self._vectors @ (wanted - self._vectors.T @ by_asset)
        multiples = np.empty((assets, steps + 1, paths), np.float32)
        multiples[:, 0] = self._start[:, None]
        moved = multiples[:, 1:]
        np.matmul(self._spread, motion, out=moved.transpose(1, 0, 2))
        moved += self._drift
        np.exp(moved, out=moved)
        if np.any(self._start != 1):
            moved *= self._start[:, None, None].astype(np.float32)
        normal = generator.standard_normal((assets, paths), np.float32)
        later = np.exp(self._delay_spread @ normal + self._delay_drift)
        return _GaussianChunk(multiples, later)


def brownian_components(
    steps: int, dt: float, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The first principal components of a Brownian motion at dt, 2·dt, …, steps·dt.

    Returns:
        Unit eigenvectors of min(i, j)·dt as columns, shape (steps, count), and the eigenvalues.
    """
    angle = (2 * np.arange(1, count + 1) - 1) / (2 * steps + 1) * np.pi
    vectors = np.sin(np.outer(np.arange(1, steps + 1), angle)) * 2 / np.sqrt(2 * steps + 1)
    return vectors, dt / 4 / np.sin(angle / 2) ** 2


def chunk_size(numbers: int) -> int:
    """How many paths of so many numbers each are made at once: a power of two."""
    fitting = max(CHUNK_NUMBERS // max(numbers, 1), 1)
    power: int = 1 << (fitting.bit_length() - 1)
    return min(max(power, _MIN_CHUNK), _MAX_CHUNK)
