"""Hedges in given instruments: the cheapest that is delta-neutral, or the least residual variance.

With x the exposures of an account in quote per 100 % of each price, D what one unit of each
instrument adds to them, and q = q⁺ − q⁻ the units traded,

    cheapest:        minimise Σ price·cost·(q⁺ + q⁻)      subject to x + D·q = target
    least variance:  minimise (x + D·q)ᵀ·Σ·(x + D·q)      subject to Σ price·cost·(q⁺ + q⁻) ≤ budget

both with 0 ≤ q⁺ ≤ long, 0 ≤ q⁻ ≤ short, and Σ price·margin·(q⁺ + q⁻) ≤ what may be locked up. The
first is a linear program (HiGHS), in which Σ |x + D·q − target| may be more than 0 at a price that
no saving of costs makes up for, so that there always is a closest answer. The second is a convex
quadratic program: a minimum-variance hedge (L. Ederington, "The hedging performance of the new
futures markets", Journal of Finance 34, 1979; for several instruments R. Anderson, J.-P. Danthine,
"Cross hedging", 1981) with costs.

Both are solved in doubles. The units are cut to whole lots towards 0, so that no bound is broken;
cost, margin and what is left of the exposures are then exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...errors import InputError
from ..checks import exact
from ..needs import require
from .solvers import convex_program, linear_program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .solvers import Constraint

_FAR_DEARER: Final = 1000.0

Exposures = Mapping[str, Fraction]
"""By symbol: quote per 100 % of its price."""


@dataclass(frozen=True)
class Instrument:
    """Something that may be bought or sold against an exposure: spot, a perpetual, a future.

    Args:
        name: what it is called.
        symbol: whose price moves it.
        price: of one unit, in quote, above 0.
        longest, shortest: how many units may be bought, and sold; at least 0.
        cost: share of the price that a trade loses, at least 0.
        margin: share of the price that a position locks up, at least 0.
        delta: what a unit gains per 100 % of the symbol's price, in quote, not 0; None is its
            price.
        lot: units are multiples of this, above 0.
    """

    name: str
    symbol: str
    price: Fraction
    longest: Fraction
    shortest: Fraction
    cost: Fraction = Fraction(0)
    margin: Fraction = Fraction(0)
    delta: Fraction | None = None
    lot: Fraction = Fraction(1, 10**8)

    def __post_init__(self) -> None:
        where = f"instrument {self.name}"
        for field in ("price", "lot"):
            value = exact(f"{where}: {field}", getattr(self, field), above=0)
            object.__setattr__(self, field, value)
        for field in ("longest", "shortest", "cost", "margin"):
            value = exact(f"{where}: {field}", getattr(self, field), low=0)
            object.__setattr__(self, field, value)
        delta = self.price if self.delta is None else exact(f"{where}: delta", self.delta)
        if not delta:
            raise InputError(f"{where}: delta", "a number other than 0", "0")
        object.__setattr__(self, "delta", delta)

    @property
    def moves(self) -> Fraction:
        """What a unit gains per 100 % of the symbol's price, in quote."""
        return self.price if self.delta is None else self.delta


@dataclass(frozen=True)
class Position:
    """Units of an instrument: bought if above 0, sold if below. As secret as the account."""

    instrument: Instrument
    units: Fraction

    @property
    def cost(self) -> Fraction:
        """In quote."""
        return abs(self.units) * self.instrument.price * self.instrument.cost

    @property
    def margin(self) -> Fraction:
        """What it locks up, in quote."""
        return abs(self.units) * self.instrument.price * self.instrument.margin

    def __repr__(self) -> str:
        return "Position(hidden)"


@dataclass(frozen=True)
class Hedge:
    """A hedge, and what it leaves. As secret as the account.

    Attributes:
        positions: those that are not 0, in whole lots, in the order of the instruments.
        before, after: exposures by symbol, exact.
        missing: by symbol, how far `after` is from the target, which of a hedge of least variance
            is 0.
        neutral: whether that is less than one lot of each instrument, everywhere.
        variance_before_float, variance_after_float: of the account's value in quote² over the
            covariance's own period; None where there was no covariance.
    """

    positions: tuple[Position, ...]
    before: Exposures
    after: Exposures
    missing: Exposures
    neutral: bool
    variance_before_float: float | None = None
    variance_after_float: float | None = None

    @property
    def cost(self) -> Fraction:
        """In quote."""
        return sum((each.cost for each in self.positions), Fraction(0))

    @property
    def margin(self) -> Fraction:
        """What the positions lock up, in quote."""
        return sum((each.margin for each in self.positions), Fraction(0))

    def __repr__(self) -> str:
        return "Hedge(hidden)"


def cheapest_hedge(
    exposures: Exposures,
    instruments: Sequence[Instrument],
    *,
    target: Exposures | None = None,
    margin: Fraction | None = None,
) -> Hedge:
    """The cheapest positions that bring every exposure to its target, or as close as they can.

    Args:
        exposures: see `exposure`.
        instruments: what may be traded, each name once.
        target: by symbol; 0 where it names none.
        margin: what the positions may lock up in all, in quote; None is without bound.

    Raises:
        InputError: no instrument, a name twice, a symbol without exposure among the targets, or
            scipy not installed.
    """
    from_ = _Desk(exposures, instruments, margin)
    wanted = dict(target or {})
    for symbol in wanted:
        if symbol not in from_.symbols:
            raise InputError("hedge: target", "a symbol with an exposure", repr(symbol)[:80])
    goal = [exact(f"hedge: target of {s}", wanted.get(s, Fraction(0))) for s in from_.symbols]
    units = from_.cheapest(np.array([float(each) for each in goal]))
    return from_.hedge(units, dict(zip(from_.symbols, goal, strict=True)))


def least_variance(
    exposures: Exposures,
    instruments: Sequence[Instrument],
    covariance: NDArray[np.float64],
    symbols: Sequence[str],
    *,
    budget: Fraction | None = None,
    margin: Fraction | None = None,
) -> Hedge:
    """The positions that leave the least variance for a given cost.

    Args:
        exposures: see `exposure`.
        instruments: what may be traded, each name once.
        covariance: of the relative changes of prices over some period; square, symmetric, no
            eigenvalue below 0.
        symbols: of its rows; every one that has an exposure or an instrument.
        budget: what the trades may cost, in quote; None is without bound.
        margin: what they may lock up, in quote; None is without bound.

    Raises:
        InputError: as for `cheapest_hedge`, a matrix that is no covariance, or a symbol missing.
    """
    from_ = _Desk(exposures, instruments, margin)
    matrix = _covariance(covariance, symbols)
    for symbol in from_.symbols:
        if symbol not in symbols:
            raise InputError("hedge: covariance", f"a row of {symbol}", "none")
    rows = [list(symbols).index(symbol) for symbol in from_.symbols]
    own = matrix[np.ix_(rows, rows)]
    most = None if budget is None else exact("hedge: budget", budget, low=0)
    units = from_.least_variance(own, None if most is None else float(most))
    return from_.hedge(units, dict.fromkeys(from_.symbols, Fraction(0)), own, most)


def _covariance(matrix: NDArray[np.float64], symbols: Sequence[str]) -> NDArray[np.float64]:
    where = "hedge: covariance"
    found = np.asarray(matrix, dtype=np.float64)
    count = len(symbols)
    if len(set(symbols)) != count:
        raise InputError(f"{where}: symbols", "every symbol once", "one twice")
    if found.shape != (count, count):
        raise InputError(where, f"a matrix of {count} by {count}", f"one of {found.shape}")
    if not np.isfinite(found).all():
        raise InputError(where, "finite numbers", "another")
    if not np.allclose(found, found.T, rtol=1e-10, atol=0):
        raise InputError(where, "a symmetric matrix", "another")
    values = np.linalg.eigvalsh(found)
    if values.min() < -1e-10 * max(float(values.max()), 0.0):
        raise InputError(where, "no eigenvalue below 0", "one")
    return found


class _Desk:
    """The instruments as columns: first bought, then sold, each as a share of its bound."""

    def __init__(
        self, exposures: Exposures, instruments: Sequence[Instrument], margin: Fraction | None
    ) -> None:
        require("scipy", "a hedge")
        if not instruments:
            raise InputError("hedge: instruments", "at least one", "none")
        names = [each.name for each in instruments]
        if len(set(names)) != len(names):
            raise InputError("hedge: instruments", "every name once", "one twice")
        self.instruments = tuple(instruments)
        self.before = {
            symbol: exact(f"hedge: exposure to {symbol}", value)
            for symbol, value in exposures.items()
        }
        self.symbols = sorted({*exposures, *(each.symbol for each in instruments)})
        self.margin = None if margin is None else exact("hedge: margin", margin, low=0)
        self.locked = None if self.margin is None else float(self.margin)
        bounds = [each.longest for each in instruments] + [each.shortest for each in instruments]
        self.bounds = np.array([float(bound) for bound in bounds])
        both = (*self.instruments, *self.instruments)
        self.costs = self.bounds * [float(each.price * each.cost) for each in both]
        self.margins = self.bounds * [float(each.price * each.margin) for each in both]
        self.deltas = np.zeros((len(self.symbols), len(both)))
        for column, each in enumerate(both):
            sign = 1.0 if column < len(instruments) else -1.0
            row = self.symbols.index(each.symbol)
            self.deltas[row, column] = sign * float(each.moves) * self.bounds[column]
        self.exposed = np.array([float(self.before.get(s, Fraction(0))) for s in self.symbols])
        self.scale = max(float(np.abs(self.deltas).max()), float(np.abs(self.exposed).max())) or 1.0

    def cheapest(self, target: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shares of the bounds: closest to the target first, and of these the cheapest."""
        count, rows = len(self.bounds), len(self.symbols)
        # Behind the trades, by symbol: how far above and how far below the target it ends.
        slack = np.hstack([-np.eye(rows), np.eye(rows)])
        equal = np.hstack([self.deltas / self.scale, slack])
        right = (target - self.exposed) / self.scale
        bounds = [(0.0, 1.0)] * count + [(0.0, None)] * (2 * rows)
        # So dear is what is missed that no saving makes up for it.
        dearest = max(float(np.max(self.costs / np.maximum(self._sizes(), 1e-300))), 1.0)
        objective = np.hstack([self.costs / self.scale, np.full(2 * rows, _FAR_DEARER * dearest)])
        asked: dict[str, Any] = {"A_eq": equal, "b_eq": right, "bounds": bounds}
        if self.locked is not None:
            margins = np.hstack([self.margins, np.zeros(2 * rows)]) / self.scale
            asked |= {"A_ub": [margins], "b_ub": [self.locked / self.scale]}
        found = linear_program(objective, **asked)
        if found.status != 0:
            raise InputError("hedge", "a program that HiGHS solves", str(found.message)[:80])
        shares: NDArray[np.float64] = found.x[:count]
        return shares

    def _sizes(self) -> NDArray[np.float64]:
        """How much each instrument moves an exposure, traded up to its bound."""
        sizes: NDArray[np.float64] = np.abs(self.deltas).max(axis=0)
        return sizes

    def least_variance(
        self, covariance: NDArray[np.float64], budget: float | None
    ) -> NDArray[np.float64]:
        """Shares of the bounds with the least variance, within the budget."""
        deltas, exposed = self.deltas / self.scale, self.exposed / self.scale
        # The variance is scaled to about 1, so that the tolerance means something.
        unit = float(np.trace(covariance)) or 1.0
        matrix = covariance / unit
        constraints: list[Constraint] = []
        for rates, most in ((self.costs, budget), (self.margins, self.locked)):
            if most is not None and rates.any():
                constraints.append(_at_most(rates / self.scale, most / self.scale))

        def variance(shares: NDArray[np.float64]) -> float:
            left = exposed + deltas @ shares
            return float(left @ matrix @ left)

        def gradient(shares: NDArray[np.float64]) -> NDArray[np.float64]:
            found: NDArray[np.float64] = 2 * deltas.T @ (matrix @ (exposed + deltas @ shares))
            return found

        return convex_program(variance, gradient, len(self.bounds), constraints)

    def hedge(
        self,
        shares: NDArray[np.float64],
        target: dict[str, Fraction],
        covariance: NDArray[np.float64] | None = None,
        budget: Fraction | None = None,
    ) -> Hedge:
        """The hedge in whole lots, with everything exact."""
        count = len(self.instruments)
        net = (shares * self.bounds)[:count] - (shares * self.bounds)[count:]
        positions = []
        after = {symbol: self.before.get(symbol, Fraction(0)) for symbol in self.symbols}
        lots = dict.fromkeys(self.symbols, Fraction(0))
        for instrument, units in zip(self.instruments, net, strict=True):
            # What is a whole number of lots but for a double's last digits is that number.
            many = Fraction(float(units)) / instrument.lot
            nearest = round(many)
            close = abs(many - nearest) <= abs(nearest) * Fraction(1, 10**9)
            whole = nearest if close else int(many)
            most = instrument.longest if whole > 0 else instrument.shortest
            whole = max(-int(most / instrument.lot), min(whole, int(most / instrument.lot)))
            lots[instrument.symbol] += abs(instrument.moves) * instrument.lot
            positions.append(Position(instrument, whole * instrument.lot))
        positions = _within(positions, budget, self.margin)
        for position in positions:
            after[position.instrument.symbol] += position.units * position.instrument.moves
        missing = {symbol: after[symbol] - target[symbol] for symbol in self.symbols}
        left = np.array([float(after[symbol]) for symbol in self.symbols])
        sizes = {symbol: abs(self.before.get(symbol, Fraction(0))) for symbol in self.symbols}
        return Hedge(
            tuple(positions),
            {symbol: self.before.get(symbol, Fraction(0)) for symbol in self.symbols},
            after,
            missing,
            all(
                abs(value) <= lots[symbol] + sizes[symbol] / 10**8
                for symbol, value in missing.items()
            ),
            None if covariance is None else float(self.exposed @ covariance @ self.exposed),
            None if covariance is None else float(left @ covariance @ left),
        )


def _at_most(rates: NDArray[np.float64], most: float) -> Constraint:
    return lambda shares: most - float(rates @ shares), lambda shares: -rates


def _within(
    positions: list[Position], budget: Fraction | None, margin: Fraction | None
) -> list[Position]:
    """The positions, a few lots smaller where doubles went beyond a bound in their last digits."""
    for field, most in (("cost", budget), ("margin", margin)):
        for index, each in enumerate(positions):
            beyond = sum((getattr(p, field) for p in positions), Fraction(0)) - (most or 0)
            own = getattr(each, field)
            if most is None or beyond <= 0 or not own:
                continue
            lots = each.units / each.instrument.lot
            fewer = min(ceil(abs(lots) * beyond / own), abs(lots))
            left = (abs(lots) - fewer) * (1 if lots > 0 else -1)
            positions[index] = Position(each.instrument, left * each.instrument.lot)
    return [each for each in positions if each.units]
