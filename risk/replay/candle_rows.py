"""The rows of a CSV of price candles, in the two layouts that Binance prices are handed around in.

With a header: a column Unix (or Timestamp, Time, Open time) or Date, the columns Open, High, Low
and Close, perhaps Symbol and a column that begins with Volume; others are not looked at. Upper and
lower case are the same. A first line that is only an address (cryptodatadownload.com) is skipped.

Without a header: the twelve columns of Binance's own kline export (data.binance.vision): open time,
open, high, low, close, volume, close time, and five that are not looked at.

A time is in seconds, milliseconds or microseconds since 1970, told apart by its size, row by row:
Binance changed from milliseconds to microseconds in 2025, and files joined from both exist.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from math import isfinite
from typing import Final

from ...errors import InputError
from ..values import Exact

MAX_ROWS: Final = 1_000_000
KLINE_COLUMNS: Final = 12

_TIMES: Final = ("unix", "timestamp", "open time", "time")
_PRICES: Final = ("open", "high", "low", "close")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DATE: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.0+)?)?"
    r"(?:Z|\+00:00| UTC)?)?"
)


@dataclass(frozen=True)
class Row:
    """One candle as it stands in the file.

    Attributes:
        line: where, counted from 1.
        time: when the candle opens, UTC.
        symbol: what the row says it is about; None if the file does not say.
        prices: open, high, low, close: above 0, and none above `high` or below `low`.
        volume: at least 0; None if the file has none.
    """

    line: int
    time: datetime
    symbol: str | None
    prices: tuple[Exact, Exact, Exact, Exact]
    volume: float | None


@dataclass(frozen=True)
class _Columns:
    """The places of what is read, from 0; `ends` is the close time of a kline."""

    count: int
    prices: tuple[int, ...]
    time: int | None
    date: int | None = None
    symbol: int | None = None
    volume: int | None = None
    ends: int | None = None


_KLINE: Final = _Columns(KLINE_COLUMNS, (1, 2, 3, 4), time=0, volume=5, ends=6)


def read_rows(text: str, where: str) -> Iterator[Row]:
    """The candles of a CSV text, in its order.

    Args:
        text: the whole file.
        where: its name, for errors.

    Raises:
        InputError: an empty text, other columns, or a row that is no candle; it names the line.
    """
    columns: _Columns | None = None
    count = 0
    for line, cells in _cells(text, where):
        if columns is None:
            if line == 1 and len(cells) == 1 and cells[0].startswith(("https://", "http://")):
                continue
            if not cells[0].isdecimal():
                columns = _header(cells, f"{where}: line {line}")
                continue
            columns = _KLINE
        count += 1
        if count > MAX_ROWS:
            raise InputError(where, f"at most {MAX_ROWS} rows", "more")
        yield _row(cells, columns, line, f"{where}: line {line}")
    if columns is None:
        raise InputError(where, "price candles", "an empty file")


def _cells(text: str, where: str) -> Iterator[tuple[int, list[str]]]:
    """Lines that are not blank: number and cells."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        got = f"none ({error})"
        raise InputError(f"{where}: line {reader.line_num}", "a row of a CSV", got) from None


def _header(cells: Sequence[str], where: str) -> _Columns:
    names = [cell.lower().replace("_", " ") for cell in cells]
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        if name in places and name in (*_TIMES, *_PRICES, "date", "symbol"):
            raise InputError(where, f"one column {cells[place]}", "two")
        places.setdefault(name, place)
    missing = [name for name in _PRICES if name not in places]
    time = next((places[name] for name in _TIMES if name in places), None)
    if missing or (time is None and "date" not in places):
        expected = "columns Unix or Date, Open, High, Low, Close (or the 12 of a kline export)"
        raise InputError(where, expected, repr(",".join(cells))[:120])
    return _Columns(
        len(cells),
        tuple(places[name] for name in _PRICES),
        time,
        places.get("date"),
        places.get("symbol"),
        next((place for place, name in enumerate(names) if name.startswith("volume")), None),
    )


def _row(cells: Sequence[str], columns: _Columns, line: int, where: str) -> Row:
    if len(cells) != columns.count:
        raise InputError(where, f"{columns.count} columns", str(len(cells)))
    time = _time(cells, columns, where)
    if columns.ends is not None and _unix(cells[columns.ends], f"{where}: close time") < time:
        raise InputError(f"{where}: close time", "a time after the open time", "one before")
    names = ("Open", "High", "Low", "Close")
    opened, high, low, closed = (
        _price(cells[place], f"{where}: {name}")
        for name, place in zip(names, columns.prices, strict=True)
    )
    if high < low:
        raise InputError(where, f"a High of at least the Low of {low}", str(high))
    for name, price in (("Open", opened), ("Close", closed)):
        if not low <= price <= high:
            raise InputError(f"{where}: {name}", f"a price from {low} to {high}", str(price))
    return Row(
        line,
        time,
        None if columns.symbol is None else cells[columns.symbol],
        (opened, high, low, closed),
        None if columns.volume is None else _volume(cells[columns.volume], f"{where}: Volume"),
    )


def _time(cells: Sequence[str], columns: _Columns, where: str) -> datetime:
    date = None if columns.date is None else _date(cells[columns.date], f"{where}: Date")
    if columns.time is None:
        if date is None:
            raise InputError(where, "a time", "none")
        return date
    time = _unix(cells[columns.time], f"{where}: time")
    if date is not None and date.date() != time.date():
        expected = f"the day of the time beside it, {time:%Y-%m-%d}"
        raise InputError(f"{where}: Date", expected, f"{date:%Y-%m-%d}")
    return time


def _unix(text: str, where: str) -> datetime:
    expected = "a time in seconds, milliseconds or microseconds since 1970"
    whole = text.removesuffix(".0")
    if not (whole.isascii() and whole.isdecimal()) or len(whole) > 17 or int(whole) >= 10**17:
        raise InputError(where, expected, repr(text)[:80])
    number = int(whole)
    # Below 10^11 are seconds (to the year 5138), below 10^14 milliseconds (from 1973).
    per_second = 1 if number < 10**11 else 1_000 if number < 10**14 else 1_000_000
    return _EPOCH + timedelta(seconds=number // per_second)


def _date(text: str, where: str) -> datetime:
    match = _DATE.fullmatch(text)
    if match is not None:
        try:
            return datetime(*(int(part or 0) for part in match.groups()), tzinfo=UTC)  # type: ignore[misc,arg-type]
        except ValueError:
            pass
    raise InputError(where, "a date such as 2020-03-12", repr(text)[:80])


def _price(text: str, where: str) -> Exact:
    try:
        price = Exact(text)
    except ValueError:
        price = None
    if price is None or price <= 0:
        raise InputError(where, "a decimal above 0", repr(text)[:80])
    return price


def _volume(text: str, where: str) -> float:
    try:
        volume = float(text)
    except ValueError:
        volume = -1.0
    if not isfinite(volume) or volume < 0 or "_" in text:
        raise InputError(where, "a number of at least 0", repr(text)[:80])
    return volume
