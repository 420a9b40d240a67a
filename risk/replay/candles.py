"""Price candles of one asset, read from a CSV: exact prices, one after the other without a gap.

A candle says at which price an interval opened and closed, and the highest and lowest in between.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...errors import FileError, InputError
from ..checks import name
from ..values import Exact
from .candle_rows import Row, read_rows

Floats: TypeAlias = NDArray[np.float64]

MAX_BYTES: Final = 64 * 2**20
DAY: Final = timedelta(days=1)
SYNTHETIC: Final = "synthetic:"
"""How the symbol of made-up prices begins."""


@dataclass(frozen=True, eq=False)
class Candles:
    """Candles of one asset, oldest first, every `step` after the one before.

    Attributes:
        symbol: what they are prices of, as BTCUSDT; empty if the file does not say.
        step: from one to the next.
        times: when each opens, UTC.
        open, high, low, close: exact decimals above 0.
        volume: floats of at least 0; None if the file has none.
    """

    symbol: str
    step: timedelta
    times: tuple[datetime, ...]
    open: tuple[Exact, ...]
    high: tuple[Exact, ...]
    low: tuple[Exact, ...]
    close: tuple[Exact, ...]
    volume: Floats | None = None

    def __len__(self) -> int:
        return len(self.times)

    def __repr__(self) -> str:
        first, last = self.label(0), self.label(-1)
        return f"Candles({self.symbol!r}, {len(self)} from {first} to {last})"

    @property
    def synthetic(self) -> bool:
        """Whether the data says of itself that it is made up."""
        return self.symbol.startswith(SYNTHETIC)

    @cached_property
    def close_float(self) -> Floats:
        """The closes as floats, shape (n,), for statistics."""
        return np.array([float(price) for price in self.close])

    @cached_property
    def low_float(self) -> Floats:
        """The lows as floats, shape (n,), for statistics."""
        return np.array([float(price) for price in self.low])

    @cached_property
    def high_float(self) -> Floats:
        """The highs as floats, shape (n,), for statistics."""
        return np.array([float(price) for price in self.high])

    def label(self, index: int) -> str:
        """The day of a candle, with the time of day where steps are not whole days."""
        return time_label(self.times[index], self.step)

    def between(self, start: datetime | None, end: datetime | None) -> Candles:
        """The candles that open from `start` to `end`, both included; None is no bound.

        Raises:
            InputError: fewer than two of them.
        """
        kept = [
            index
            for index, time in enumerate(self.times)
            if (start is None or start <= time) and (end is None or time <= end)
        ]
        if len(kept) < 2:
            raise InputError(
                self.symbol or "candles",
                f"at least two candles{_span(start, end, self.step)}",
                f"{len(kept)} (there are {self.label(0)} to {self.label(-1)})",
            )
        first, stop = kept[0], kept[-1] + 1
        return replace(
            self,
            times=self.times[first:stop],
            open=self.open[first:stop],
            high=self.high[first:stop],
            low=self.low[first:stop],
            close=self.close[first:stop],
            volume=None if self.volume is None else self.volume[first:stop],
        )


@dataclass(frozen=True, eq=False)
class Aligned:
    """Several series on the times that all of them have.

    Attributes:
        times: oldest first.
        step: from one to the next.
        series: in the order given, all of the same length.
        dropped: for each of them, how many candles were left out because another series has none.
    """

    times: tuple[datetime, ...]
    step: timedelta
    series: tuple[Candles, ...]
    dropped: tuple[int, ...]


def read_candles(
    source: str | bytes | os.PathLike[str], where: str | None = None, *, symbol: str | None = None
) -> Candles:
    """Candles from a CSV with the columns of Binance; see `candle_rows` for the two layouts.

    Args:
        source: the text of the file, its bytes in UTF-8 (at most 64 MiB), or a Path to it.
        where: what errors call it; the path, or "candles".
        symbol: what the prices are of; otherwise what the column Symbol says.

    Returns:
        Oldest first, whichever way the file is ordered.

    Raises:
        FileError: a file that cannot be read or is too large.
        InputError: what is not as `candle_rows` says, fewer than two rows, rows out of order,
            repeated, missing or not one step apart, or of several symbols; it names the line.
    """
    text, where = _text(source, where)
    rows = list(read_rows(text, where))
    if len(rows) < 2:
        raise InputError(where, "at least two rows of prices", f"{len(rows)}")
    step = _check_times(rows, where)
    if rows[0].time > rows[-1].time:
        rows.reverse()
    opened, high, low, closed = zip(*(row.prices for row in rows), strict=True)
    volumes = [row.volume for row in rows if row.volume is not None]
    return Candles(
        _symbol(rows, where) if symbol is None else name(f"{where}: symbol", symbol),
        step,
        tuple(row.time for row in rows),
        opened,
        high,
        low,
        closed,
        np.array(volumes) if volumes else None,
    )


def returns(candles: Candles, *, log: bool = False) -> Floats:
    """The changes from close to close, floats, shape (n − 1,), oldest first.

    Args:
        candles: n of them.
        log: ln(p_t / p_{t−1}) in place of p_t / p_{t−1} − 1.
    """
    prices = candles.close_float
    ratios = prices[1:] / prices[:-1]
    return np.log(ratios) if log else ratios - 1


def align(
    series: Sequence[Candles], start: datetime | None = None, end: datetime | None = None
) -> Aligned:
    """Several series on the times that all of them have.

    Args:
        series: of one step; each is without gaps, so that only their ends can differ.
        start, end: the first and the last time wanted, both included. A series that lacks one of
            them is refused; without, the series are cut to what they have in common.

    Raises:
        InputError: no series, different steps, times that do not meet, fewer than two common ones,
            or times in the window that a series does not have; it names the series and the times.
    """
    if not series:
        raise InputError("candles", "at least one series", "none")
    step = series[0].step
    for each in series[1:]:
        if each.step != step:
            raise InputError(
                _called(each), f"candles every {span_text(step)}", span_text(each.step)
            )
        if (each.times[0] - series[0].times[0]) % step:
            raise InputError(_called(each), "candles that open when the others do", "other times")
    for each in series:
        if start is not None and each.times[0] > start:
            first, last = time_label(start, step), time_label(each.times[0] - step, step)
            raise InputError(_called(each), f"candles from {first}", f"none {_to(first, last)}")
        if end is not None and each.times[-1] < end:
            first, last = time_label(each.times[-1] + step, step), time_label(end, step)
            raise InputError(_called(each), f"candles to {last}", f"none {_to(first, last)}")
    low = max(each.times[0] for each in series)
    high = min(each.times[-1] for each in series)
    if low >= high:
        spans = (f"{_called(each)} has {each.label(0)} to {each.label(-1)}" for each in series)
        raise InputError("candles", "at least two times that all have", "; ".join(spans))
    low, high = max(low, start or low), min(high, end or high)
    cut = tuple(each.between(low, high) for each in series)
    dropped = tuple(
        len(each.between(start, end)) - len(kept) for each, kept in zip(series, cut, strict=True)
    )
    return Aligned(cut[0].times, step, cut, dropped)


def time_label(time: datetime, step: timedelta = DAY) -> str:
    """`2020-03-12`, or with the time of day where steps are not whole days."""
    whole = step % DAY == timedelta(0) and not (time.hour or time.minute or time.second)
    return f"{time:%Y-%m-%d}" if whole else f"{time:%Y-%m-%dT%H:%M:%SZ}"


def span_text(step: timedelta) -> str:
    """A step in words: `day`, `4 hours`."""
    seconds = step // timedelta(seconds=1)
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        if seconds % size == 0:
            count = seconds // size
            return unit if count == 1 else f"{count} {unit}s"
    return f"{seconds} seconds"


def _text(source: str | bytes | os.PathLike[str], where: str | None) -> tuple[str, str]:
    if isinstance(source, os.PathLike):
        path = Path(source)
        where = str(path) if where is None else where
        try:
            with path.open("rb") as file:
                source = file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "a path the system does not take"
            raise FileError(where, "a file that can be read", reason) from None
    where = "candles" if where is None else where
    if len(source) > MAX_BYTES:
        raise FileError(where, f"at most {MAX_BYTES} bytes", "a larger file")
    if isinstance(source, str):
        return source.removeprefix("\ufeff"), where
    try:
        return source.decode("utf-8-sig"), where
    except UnicodeDecodeError as error:
        got = f"another encoding (byte {error.start})"
        raise InputError(where, "a text in UTF-8", got) from None


def _symbol(rows: Sequence[Row], where: str) -> str:
    """What all rows are about; empty if none says."""
    symbol = rows[0].symbol
    for row in rows:
        if row.symbol != symbol:
            expected = f"one symbol, {symbol!r}"[:80]
            raise InputError(f"{where}: line {row.line}: Symbol", expected, repr(row.symbol)[:80])
    return "" if symbol is None else name(f"{where}: line {rows[0].line}: Symbol", symbol)


def _check_times(rows: Sequence[Row], where: str) -> timedelta:
    """The step from row to row; InputError unless every row is one step after the one before."""
    newest_first = rows[0].time > rows[1].time
    order = "newest first" if newest_first else "oldest first"
    steps: Counter[timedelta] = Counter()
    for before, row in pairwise(rows):
        place, said = f"{where}: line {row.line}", time_label(row.time)
        if row.time == before.time:
            raise InputError(place, "every time once", f"{said} again")
        if (row.time < before.time) != newest_first:
            after = f"{said} after {time_label(before.time)}"
            raise InputError(place, f"rows in one order ({order} so far)", after)
        steps[abs(row.time - before.time)] += 1
    step = min(steps, key=lambda each: (-steps[each], each))
    for before, row in pairwise(rows):
        apart = abs(row.time - before.time)
        if apart == step:
            continue
        here = time_label(row.time, step)
        between = f"{here} after {time_label(before.time, step)}"
        expected = f"a row every {span_text(step)}"
        if apart > step and not apart % step:
            names = _labels(min(before.time, row.time), apart, step)
            between += f": {names} missing"
        raise InputError(f"{where}: line {row.line}", expected, between)
    return step


def _labels(start: datetime, apart: timedelta, step: timedelta) -> str:
    count = apart // step - 1
    names = [time_label(start + step * index, step) for index in range(1, min(count, 3) + 1)]
    return ", ".join(names) + (f" and {count - 3} more" if count > 3 else "")


def _called(candles: Candles) -> str:
    return candles.symbol or "candles"


def _to(first: str, last: str) -> str:
    return f"on {first}" if first == last else f"from {first} to {last}"


def _span(start: datetime | None, end: datetime | None, step: timedelta) -> str:
    parts: Iterable[str] = (
        "" if time is None else f" {word} {time_label(time, step)}"
        for word, time in (("from", start), ("to", end))
    )
    return "".join(parts)


def parse_day(where: str, text: str) -> datetime:
    """The start of a day such as 2020-03-12, UTC; InputError otherwise."""
    try:
        if len(text) == 10 and text.isascii():
            return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        pass
    raise InputError(where, "a day such as 2020-03-12", repr(text)[:80])
