"""At which shock liquidations feed themselves.

A shock takes a share x of prices, in one direction: every named asset falls by x times its part,
the largest part being 1. Two answers, each for itself:

- by simulation: a cascade is run for each x of a grid. Its amplification is the fall of the
  collateral's value at the lowest market prices, over that at the exogenous prices. The critical
  shock is the smallest x at which amplification reaches a bound, found between two points of the
  grid by bisection. With a bound of 2, liquidations take as much again as the shock itself.
- by the loop's gain, without simulation: where the market stands x below now, those accounts are
  liquidatable that this puts below their threshold, and one round of liquidating them sells a
  volume V(x). For prices p to be the market's after that, the exogenous prices must be p / g(V(x)).
  So of the fall F of the collateral's value, the shock made E, and liquidations I = F − E. The gain
  is dI/dF: at 1 or more, E does not rise while F does: nothing more is needed from outside for
  prices to fall further. The largest E before that is this answer's critical shock; as a share x
  it is exact where assets are moved alike. It knows of no delay, congestion, profit or recovery.

Amplification is the "total over initial losses" of the literature on fire sales (Cont and
Schaanning, "Fire sales, indirect contagion and systemic stress testing", 2017); that forced
deleveraging drives itself beyond a threshold is shown for stablecoins by Klages-Mundt and Minca,
"(In)Stability for the blockchain: deleveraging spirals and stablecoin attacks" (2021). The bound on
amplification, and this gain over a finite grid, are choices made here. Everything is in doubles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from ...errors import InputError
from ..fixed_point import whole
from .accounts import Accounts, weighted
from .market import LEAST_LEVEL, Setting
from .numbers import number
from .offers import make_offers
from .run import Cascade, Progress, run_cascade, shock_path
from .terms import Floats

BOUND: Final = 2.0
LARGEST: Final = 0.95
POINTS: Final = 19
HALVINGS: Final = 10
LOOP_POINTS: Final = 95


@dataclass(frozen=True, eq=False)
class ShockPoint:
    """What one shock came to; values in quote.

    Attributes:
        shock: x.
        amplification: total fall over exogenous fall of the collateral's value.
        fall: the total fall, as a share.
        impact: the largest price impact on any asset, as a share of its exogenous price.
        bad_debt: at the end.
        liquidated: how many accounts, at least once.
        bisected: whether it is no point of the grid.
    """

    shock: float
    amplification: float
    fall: float
    impact: float
    bad_debt: float
    liquidated: int
    bisected: bool


@dataclass(frozen=True, eq=False)
class Loop:
    """The loop without simulation, over falls of the prices; shape (points,).

    Attributes:
        fall: x.
        volume: what one round of liquidations sells, in quote at the prices fallen so far.
        impact: I, as a share of the collateral's value before any fall.
        shock: the x of E; below 0 where liquidations alone would keep prices there.
        gain: dI/dF, from the point before (at the first: from no fall at all).
    """

    fall: Floats
    volume: Floats
    impact: Floats
    shock: Floats
    gain: Floats

    @property
    def critical(self) -> float | None:
        """The shock at which the gain first becomes 1 or more; None if it never does."""
        found = np.flatnonzero(self.gain >= 1)
        if not len(found):
            return None
        return max(0.0, float(self.shock[found[0] - 1])) if found[0] else 0.0


@dataclass(frozen=True, eq=False)
class Spiral:
    """Bad debt, impact and amplification over shocks, and the critical one.

    Attributes:
        points: by rising shock.
        bound: on amplification.
        critical: the smallest shock that reaches it; None if no point of the grid does.
        resolution: how close to the truth `critical` is, if amplification crosses once there.
        loop: the answer without simulation.
    """

    points: tuple[ShockPoint, ...]
    bound: float
    critical: float | None
    resolution: float
    loop: Loop


def direction_of(shocks: Mapping[str, float]) -> dict[str, float]:
    """The part of each asset in a shock: falls over the largest fall.

    Raises:
        InputError: no fall among the shocks, or a rise.
    """
    for symbol, shock in shocks.items():
        number(f"shocks: {symbol}", shock, low=-1.0, high=0.0)
    largest = -min(shocks.values(), default=0.0)
    if not largest:
        raise InputError("shocks", "at least one fall", "none")
    return {symbol: -shock / largest for symbol, shock in shocks.items()}


def loop_gain(
    accounts: Accounts,
    setting: Setting,
    direction: Mapping[str, float],
    points: int = LOOP_POINTS,
) -> Loop:
    """The loop's gain at falls from 0 to 0.95, in even steps.

    Args:
        accounts: at the start.
        setting: terms and depths are used.
        direction: by symbol, as from `direction_of`.
        points: of the grid, 2 to 10,000; the gain is taken over one step of it.

    Raises:
        InputError: a number out of its range, an unknown asset, nobody holds what falls.
    """
    whole("spiral: loop points", points, 2, 10_000)
    terms = setting.terms
    held_value = accounts.held.sum(axis=1) * terms.prices
    total = float(held_value.sum())
    if not total:
        raise InputError("accounts", "something held", "nothing")
    falls = np.linspace(0.0, LARGEST, points + 1)
    volume, impact, lost = (np.zeros(points + 1) for _ in range(3))
    for index, fall in enumerate(falls.tolist()):
        moved = shock_path(terms, {s: -part * fall for s, part in direction.items()}, 1)[0]
        sold = _round(accounts, setting, moved)
        multiples = moved / terms.prices
        lost[index] = np.sum(held_value * (1 - multiples)) / total
        volume[index] = np.sum(sold * moved)
        for symbol, depth in setting.depths.items():
            place = terms.index(symbol, "depths")
            level = max(float(depth.level(np.asarray(depth.kept * sold[place]))), LEAST_LEVEL)
            impact[index] += held_value[place] * multiples[place] * (1 / level - 1) / total
    steps = np.diff(lost)
    if not np.all(steps > 0):
        raise InputError("shocks", "an asset that accounts hold", "others only")
    whole_part = lost[-1] / falls[-1]
    shock = (lost - impact) / whole_part
    gain = np.diff(impact) / steps
    return Loop(falls[1:], volume[1:], impact[1:], shock[1:], gain)


def _round(accounts: Accounts, setting: Setting, prices: Floats) -> Floats:
    """What liquidating everybody once, as much as is allowed, sells; shape (assets,)."""
    terms = setting.terms
    collateral = weighted(accounts.held, terms.held_weight * prices)
    debt = weighted(accounts.owed, terms.owed_weight * prices) + terms.reserve
    some = np.any(accounts.held > 0, axis=0) & np.any(accounts.owed > 0, axis=0)
    places = np.flatnonzero(some & (collateral < debt))
    tested = collateral[places], debt[places]
    held, owed = accounts.held[:, places], accounts.owed[:, places]
    offers = make_offers(places, held, owed, tested, terms, prices, prices)
    most = np.where(np.isnan(offers.whole), offers.partial, offers.whole)
    sold = np.bincount(offers.collateral, most * offers.receives, len(terms.symbols))
    return sold.astype(np.float64)


def find_spiral(
    accounts: Accounts,
    setting: Setting,
    direction: Mapping[str, float],
    steps: int,
    *,
    bound: float = BOUND,
    points: int = POINTS,
    progress: Progress | None = None,
) -> Spiral:
    """Cascades over a grid of shocks up to 0.95, and the smallest shock that reaches the bound.

    Args:
        accounts: at the start.
        setting: the world around them.
        direction: by symbol, as from `direction_of`.
        steps: of each simulation: the shock comes before the first, then f stays.
        bound: on amplification, above 1.
        points: of the grid, 2 to 1,000.
        progress: is told how many simulations are done, and of how many at most.

    Raises:
        InputError: a number out of its range, an unknown asset, nobody holds what falls.
        ConservationError: a step that does not add up.
    """
    number("spiral: bound", bound, above=1)
    whole("spiral: points", points, 2, 1000)
    loop = loop_gain(accounts, setting, direction)
    runs = 0

    def at(shock: float, *, bisected: bool = False) -> ShockPoint:
        nonlocal runs
        path = shock_path(setting.terms, {s: -part * shock for s, part in direction.items()}, steps)
        found = _point(shock, run_cascade(accounts, setting, path), bisected=bisected)
        runs += 1
        if progress is not None:
            progress(runs, points + HALVINGS)
        return found

    grid = [at(LARGEST * (index + 1) / points) for index in range(points)]
    reached = [index for index, point in enumerate(grid) if point.amplification >= bound]
    if not reached:
        return Spiral(tuple(grid), bound, None, 0.0, loop)
    high = grid[reached[0]].shock
    low = grid[reached[0] - 1].shock if reached[0] else 0.0
    for _ in range(HALVINGS):
        middle = at((low + high) / 2, bisected=True)
        grid.append(middle)
        if middle.amplification >= bound:
            high = middle.shock
        else:
            low = middle.shock
    ordered = tuple(sorted(grid, key=lambda point: point.shock))
    return Spiral(ordered, bound, high, high - low, loop)


def _point(shock: float, cascade: Cascade, *, bisected: bool) -> ShockPoint:
    amplification = cascade.amplification
    if amplification is None:
        raise InputError("shocks", "an asset that accounts hold", "others only")
    return ShockPoint(
        shock=shock,
        amplification=amplification,
        fall=cascade.fall,
        impact=float(cascade.impact.max()),
        bad_debt=cascade.bad_debt,
        liquidated=cascade.liquidated,
        bisected=bisected,
    )
