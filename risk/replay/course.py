"""The course of one test along a price path: where it is failed, and where it is worst.

Floats find, exact evaluation decides. The float margin (`risk/margin_function.py`) agrees with the
exact one to 10^-9 of the gross value, so that its sign is the exact one wherever it is further from
0 than 10^-7 of it; every candle nearer to 0, and every candle that is reported by name, is
evaluated exactly (`Threshold.margin`).

The worst point of a candle takes each price at its low or at its high, whichever leaves less with
the others at their close, all at once: within the candle nobody knows what came first. Assets with
the same candles are at their low together. That is the least margin of all prices in the candles'
ranges, but for `sized` factors, and for prices that move what is held and what is owed at once
under a limit whose excess is uncounted; and it is never taken above the close.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..margin_function import MarginFunction, margin_function
from ..threshold import Threshold
from .candles import Floats
from .price_path import CLOSE, HIGH, LOW, Point, PricePath

Progress = Callable[[int, int], None]

NEAR: Final = 1e-7
"""Nearer to 0 than this share of the gross value, a float margin is not believed."""

_NUDGE: Final = 1e-9


@dataclass(frozen=True, eq=False)
class Course:
    """One test along a path. As secret as the account.

    Attributes:
        threshold, path: what is tested, and along what.
        closing, worst: float margins at each close and at each worst point, shape (candles,).
        points: which prices make the worst point, shape (candles, symbols); see `price_path`.
        closing_ratio, worst_ratio: weighted collateral / weighted debt there, floats; inf without
            debt.
        debt_at_worst: weighted debt at the worst points, floats, before the ratio.
    """

    threshold: Threshold
    path: PricePath
    closing: Floats
    worst: Floats
    points: NDArray[np.int8]
    closing_ratio: Floats
    worst_ratio: Floats
    debt_at_worst: Floats
    _doubtful: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    _slack: Floats
    _known: dict[tuple[Fraction, ...], Fraction] = field(default_factory=dict)
    _judged: list[tuple[NDArray[np.bool_], NDArray[np.bool_]]] = field(default_factory=list)

    def __repr__(self) -> str:
        return "Course(hidden)"

    def point(self, index: int) -> Point:
        """Which prices make the worst point of a candle."""
        return tuple(int(which) for which in self.points[index])

    def exact(self, index: int, point: Point) -> Fraction:
        """The exact margin at prices of a candle."""
        shocks = self.path.shocks(index, point)
        key = tuple(shocks.values())
        if key not in self._known:
            self._known[key] = self.threshold.margin(shocks)
        return self._known[key]

    @property
    def below(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Whether the test is failed at each close, and at each worst point; exact verdicts."""
        return self.judge(lambda done, total: None)

    def judge(self, progress: Progress) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """`below`, telling how many of the doubtful candles have been evaluated exactly."""
        if not self._judged:
            self._judged.append(self._judge(progress))
        return self._judged[0]

    def _judge(self, progress: Progress) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        closes = (CLOSE,) * len(self.path.symbols)
        total = sum(int(doubtful.sum()) for doubtful in self._doubtful)
        done = 0
        found = []
        for margins, doubtful, worst in zip(
            (self.closing, self.worst), self._doubtful, (False, True), strict=True
        ):
            below = margins < 0
            for index in np.flatnonzero(doubtful).tolist():
                point = self.point(index) if worst else closes
                below[index] = self.exact(index, point) < 0
                done += 1
                progress(done, total)
            found.append(below)
        closing, worst_points = found
        # A close that fails by a jump that floats do not see is the worst point there is.
        for index in np.flatnonzero(closing & ~worst_points).tolist():
            self.points[index] = CLOSE
            worst_points[index] = True
        return closing, worst_points

    def first(self) -> int | None:
        """The first candle whose worst point fails the test, exactly; None if there is none."""
        for index in np.flatnonzero(self.below[1]).tolist():
            if self.exact(index, self.point(index)) < 0:
                return int(index)
        return None

    def lowest(self, count: int) -> list[int]:
        """The candles with the least margin at their worst points, by exact margin, lowest first.

        Of equal margins the earlier candle comes first.
        """
        order = np.argsort(self.worst, kind="stable")
        count = min(count, len(order))
        last = order[count - 1]
        reach = self.worst[last] + 2 * self._slack[last]
        near = [int(i) for i in order if self.worst[i] - 2 * self._slack[i] <= reach]
        ranked = sorted(near, key=lambda index: (self.exact(index, self.point(index)), index))
        return ranked[:count]


def course(threshold: Threshold, path: PricePath) -> Course:
    """The course of a test along a path."""
    function = margin_function(threshold)
    columns = [
        (place, function.drivers.index(symbol))
        for place, symbol in enumerate(path.symbols)
        if symbol in function.drivers
    ]
    by_place = dict(columns)
    low, high, close = path.multiples()

    def spread(prices: Floats) -> Floats:
        full = np.ones((len(path), len(function.drivers)))
        for place, column in columns:
            full[:, column] = prices[:, place]
        return full

    closes = spread(close)
    points = np.full((len(path), len(path.symbols)), LOW, np.int8)
    corner = spread(low)
    for places in path.groups:
        own = [place for place in places if place in by_place]
        moved = [by_place[place] for place in own]
        falling, rising = closes.copy(), closes.copy()
        falling[:, moved], rising[:, moved] = low[:, own], high[:, own]
        up = function.margin(rising) < function.margin(falling)
        for place in places:
            points[up, place] = HIGH
        corner[:, moved] = np.where(up[:, np.newaxis], high[:, own], low[:, own])
    closing, worst = function.margin(closes), function.margin(corner)
    late = closing < worst
    points[late], corner[late] = CLOSE, closes[late]
    worst = np.minimum(closing, worst)
    _, close_doubt = _doubt(function, closes, closing)
    worst_slack, worst_doubt = _doubt(function, corner, worst)
    return Course(
        threshold,
        path,
        closing,
        worst,
        points,
        _ratio(function, closes),
        _ratio(function, corner),
        function.owed(corner),
        (close_doubt, worst_doubt),
        worst_slack,
    )


def _doubt(
    function: MarginFunction, multiples: Floats, margins: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """By how much a float margin may be off, generously, and where its sign is not certain."""
    gross = function.held(multiples) + function.ratio * function.owed(multiples)
    slack: Floats = NEAR * gross + function.rounding
    doubtful = np.abs(margins) <= slack
    # Where a `sized` factor jumps, a float may stand on the other side of the jump.
    for nudge in (1 - _NUDGE, 1 + _NUDGE):
        doubtful |= (function.margin(multiples * nudge) < 0) != (margins < 0)
    return slack, doubtful


def _ratio(function: MarginFunction, multiples: Floats) -> Floats:
    held, owed = function.held(multiples), function.owed(multiples)
    safe = np.where(owed > 0, owed, 1.0)
    return np.where(owed > 0, held / safe, np.inf)
