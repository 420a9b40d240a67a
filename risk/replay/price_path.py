"""The prices that an account lives through in a replay: multiples of the price now, by candle.

Two ways to read a history. `scaled` asks what would come if it began now: a price moves from where
it is now as it moved then, so that a multiple is the historical price over the price at which the
first candle opened. `historical` takes the prices themselves: a multiple is the historical price
over the round's price.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..boundary import price_of
from ..checks import one_of
from ..policy import Policy
from ..pricing import Pricing
from ..values import Exact
from .candles import Aligned, Candles, Floats, align

Mode: TypeAlias = Literal["scaled", "historical"]
MODES: Final = ("scaled", "historical")

Point: TypeAlias = tuple[int, ...]
"""For every symbol of a path, which price of a candle: LOW, HIGH or CLOSE."""

LOW, HIGH, CLOSE = 0, 1, 2


@dataclass(frozen=True, eq=False)
class PricePath:
    """Historical candles of some symbols, and what one price of them is a multiple of.

    Attributes:
        symbols: of the policy, ascending; they move, everything else stays.
        aligned: their candles, in the order of the symbols.
        bases: the price that is the multiple 1, for each of them.
        mode: how the bases came about.
        groups: places of symbols that share their candles, so that all are at their low at once;
            every symbol is in one group.
    """

    symbols: tuple[str, ...]
    aligned: Aligned
    bases: tuple[Fraction, ...]
    mode: Mode
    groups: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        return len(self.aligned.times)

    def multiples(self) -> tuple[Floats, Floats, Floats]:
        """Lows, highs and closes as multiples, floats, each of shape (candles, symbols)."""
        bases = np.array([float(base) for base in self.bases])
        series = self.aligned.series

        def stacked(columns: list[NDArray[np.float64]]) -> Floats:
            found: Floats = np.column_stack(columns) / bases
            return found

        return (
            stacked([each.low_float for each in series]),
            stacked([each.high_float for each in series]),
            stacked([each.close_float for each in series]),
        )

    def shocks(self, index: int, point: Point) -> dict[str, Fraction]:
        """The exact shocks of a candle, as of a scenario: multiple − 1."""
        return {
            symbol: _price(series, index, which) / base - 1
            for symbol, series, base, which in zip(
                self.symbols, self.aligned.series, self.bases, point, strict=True
            )
        }


def price_path(
    candles: Mapping[str, Candles],
    policy: Policy,
    pricing: Pricing,
    mode: Mode = "scaled",
    start: datetime | None = None,
    end: datetime | None = None,
) -> PricePath:
    """The path of a policy's symbols.

    Args:
        candles: by symbol; one series (the same object) may stand for several symbols.
        policy, pricing: which symbols there are, and what follows what.
        mode: `scaled` or `historical`.
        start, end: the window, as for `candles.align`.

    Raises:
        InputError: no candles, a symbol that the policy does not price or whose price follows
            another's, another mode, or series that do not fit (see `candles.align`).
    """
    one_of("mode", mode, MODES)
    priced = sorted({symbol for symbol, _ in policy.factors.pairs()})
    for symbol in candles:
        if symbol in pricing.followers:
            expected = f"a symbol with a price of its own ({pricing.followers[symbol]})"
            raise InputError("replay: symbol", expected, f"{symbol}, which follows it")
        if symbol not in pricing.quotes:
            raise InputError("replay: symbol", f"one of {', '.join(priced)}", repr(symbol)[:80])
    symbols = tuple(sorted(candles))
    aligned = align([candles[symbol] for symbol in symbols], start, end)
    bases = tuple(
        price_of(pricing, symbol) if mode == "historical" else Fraction(series.open[0])
        for symbol, series in zip(symbols, aligned.series, strict=True)
    )
    shared: dict[int, list[int]] = {}
    for place, symbol in enumerate(symbols):
        shared.setdefault(id(candles[symbol]), []).append(place)
    return PricePath(symbols, aligned, bases, mode, tuple(map(tuple, shared.values())))


def _price(series: Candles, index: int, which: int) -> Exact:
    return (series.low, series.high, series.close)[which][index]
