"""Named shocks, computed from data: how far prices moved in a crisis, as scenarios of a claim.

Three moves of a window, each the worst of it, asset by asset (not necessarily on one day):

- `close-to-low`: from the close of one candle to the low of the next; the next lies in the window.
- `close-to-close`: from the close of one candle to the close of the next, likewise.
- `peak-to-trough`: from the high of one candle to the low of a later one; the candle before the
  window counts too, so that a window of one day has this move.

A shock is the exact move rounded down to four decimals: towards the larger loss of who holds the
asset. Which days a name stands for is our choice and stands in `WINDOWS`; how far prices moved is
not, and is computed from the candles that the caller has. The package has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from math import floor
from typing import Final, Literal, TypeAlias

from ...errors import InputError
from ..checks import name, one_of
from ..claims import Scenario
from ..values import Exact, FrozenMap
from .candles import DAY, Candles, time_label

MoveKind: TypeAlias = Literal["close-to-low", "close-to-close", "peak-to-trough"]
MOVES: Final[tuple[MoveKind, ...]] = ("close-to-low", "close-to-close", "peak-to-trough")

DECIMALS: Final = 4
"""Of a shock."""


@dataclass(frozen=True)
class Window:
    """The candles of a crisis: those that open from `first` to `last`, both included, UTC."""

    name: str
    first: datetime
    last: datetime

    def __post_init__(self) -> None:
        name("window", self.name)
        if self.first > self.last:
            got = f"{time_label(self.first)} to {time_label(self.last)}"
            raise InputError(f"window {self.name}", "a first day up to the last", got)


def _days(called: str, first: str, last: str) -> Window:
    start, end = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (first, last))
    return Window(called, start, end)


WINDOWS: Final = (
    _days("2018-11-bitcoin-cash-split", "2018-11-14", "2018-11-25"),
    _days("2020-03-12-black-thursday", "2020-03-12", "2020-03-13"),
    _days("2021-05-19", "2021-05-19", "2021-05-19"),
    _days("2022-05-terra", "2022-05-05", "2022-05-12"),
    _days("2022-06-lenders", "2022-06-10", "2022-06-18"),
    _days("2022-11-ftx", "2022-11-06", "2022-11-10"),
    _days("2024-08-05-yen-unwind", "2024-08-02", "2024-08-05"),
)
"""Crises that daily candles of bitcoin and ether show."""


@dataclass(frozen=True)
class Move:
    """One move of one asset.

    Attributes:
        symbol: of the asset.
        kind: which move.
        start, end: when the two candles open.
        start_price, end_price: the close or high before, and the low or close after.
    """

    symbol: str
    kind: MoveKind
    start: datetime
    end: datetime
    start_price: Exact
    end_price: Exact

    @property
    def change(self) -> Fraction:
        """end_price / start_price − 1, exact."""
        return self.end_price / self.start_price - 1

    @property
    def shock(self) -> Exact:
        """The change rounded down to four decimals, so towards the larger loss."""
        return Exact.of(Fraction(floor(self.change * 10**DECIMALS), 10**DECIMALS))


@dataclass(frozen=True)
class Crisis:
    """A scenario and the moves that it consists of."""

    scenario: Scenario
    moves: tuple[Move, ...]


def covers(candles: Candles, window: Window) -> bool:
    """Whether there are candles of the whole window, and one before it."""
    return candles.times[0] < window.first and window.last <= candles.times[-1]


def worst_move(symbol: str, candles: Candles, window: Window, kind: MoveKind) -> Move:
    """The largest fall, or if nothing fell the smallest rise, of a window.

    Args:
        symbol: of the asset, for the result.
        candles: of the whole window and at least one before it.
        window: when.
        kind: which move.

    Raises:
        InputError: another kind, or candles that do not cover the window.
    """
    one_of("move", kind, MOVES)
    if not covers(candles, window):
        before, last = time_label(window.first - DAY), time_label(window.last)
        raise InputError(
            f"{symbol}: window {window.name}",
            f"candles from {before} to {last}",
            f"{candles.label(0)} to {candles.label(-1)}",
        )
    inside = [i for i, time in enumerate(candles.times) if window.first <= time <= window.last]
    if not inside:
        raise InputError(f"{symbol}: window {window.name}", "a candle that opens in it", "none")
    first, stop = inside[0], inside[-1] + 1
    starts = candles.high if kind == "peak-to-trough" else candles.close
    ends = candles.close if kind == "close-to-close" else candles.low
    pairs = []
    highest = first - 1
    for index in range(first, stop):
        if kind != "peak-to-trough" or starts[index - 1] > starts[highest]:
            highest = index - 1
        pairs.append((ends[index] / starts[highest], highest, index))
    _, start, end = min(pairs)
    return Move(symbol, kind, candles.times[start], candles.times[end], starts[start], ends[end])


def crises(
    candles: Mapping[str, Candles],
    windows: Sequence[Window] = WINDOWS,
    kinds: Sequence[MoveKind] = MOVES,
) -> tuple[Crisis, ...]:
    """A scenario `<window>:<move>` for every window and move, with a shock for every asset.

    Args:
        candles: by the symbol that the shock is of.
        windows: that the candles cover.
        kinds: which moves.

    Raises:
        InputError: no candles or windows, or as for `worst_move`.
    """
    if not candles or not windows or not kinds:
        raise InputError("crises", "candles, windows and moves", "none of one of them")
    found = []
    for window in windows:
        for kind in kinds:
            moves = tuple(worst_move(s, candles[s], window, kind) for s in sorted(candles))
            scenario = Scenario(
                name=f"{window.name}:{kind}",
                shocks=FrozenMap({move.symbol: move.shock for move in moves}),
            )
            found.append(Crisis(scenario, moves))
    return tuple(found)
