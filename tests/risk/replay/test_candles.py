"""Reading candles: both layouts, every unit of time, and what is refused, by line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import FileError, InputError
from zkcollateral.risk.replay import candle_rows, candles
from zkcollateral.risk.replay.candles import align, parse_day, read_candles, returns

HEADER = "Unix,Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USDT,tradecount\n"
FIRST = datetime(2020, 3, 10, tzinfo=UTC)
DAY = timedelta(days=1)


def line(day: int, prices: str = "100.5,110,90.25,95", *, per: int = 1000, name: str = "X") -> str:
    time = FIRST + day * DAY
    unix = int(time.timestamp()) * per
    return f"{unix},{time:%Y-%m-%d},{name},{prices},12.5,1250,7\n"


def kline(day: int, prices: str = "100.5,110,90.25,95", per: int = 1000) -> str:
    start = int((FIRST + day * DAY).timestamp()) * per
    return f"{start},{prices},12.5,{start + 86_400 * per - 1},1250,7,6,600,0\n"


@pytest.mark.parametrize("per", [1, 1000, 1_000_000])
@pytest.mark.parametrize("newest_first", [True, False])
def test_a_file_with_a_header(per: int, newest_first: bool) -> None:
    lines = [line(0, per=per), line(1, "95,99,80,81.125", per=per), line(2, per=per)]
    if newest_first:
        lines.reverse()
    found = read_candles("\ufeff" + HEADER + "".join(lines) + "\n")
    assert found.symbol == "X"
    assert found.times == (FIRST, FIRST + DAY, FIRST + 2 * DAY)
    assert found.step == DAY
    assert found.open[0] == Fraction("100.5")
    assert [str(price) for price in found.low] == ["90.25", "80", "90.25"]
    assert [str(price) for price in found.close] == ["95", "81.125", "95"]
    assert found.high_float.tolist() == [110, 99, 110]
    assert found.volume is not None
    assert found.volume.tolist() == [12.5] * 3
    assert repr(found) == "Candles('X', 3 from 2020-03-10 to 2020-03-12)"


def test_times_may_change_their_unit_from_row_to_row() -> None:
    text = HEADER + line(2, per=1_000_000) + line(1, per=1000) + line(0, per=1)
    assert len(read_candles(text)) == 3


@pytest.mark.parametrize("per", [1000, 1_000_000])
def test_an_export_without_a_header(per: int) -> None:
    found = read_candles((kline(0, per=per) + kline(1, "95,99,80,81", per=per)).encode())
    assert (found.symbol, found.times) == ("", (FIRST, FIRST + DAY))
    assert found.close == (95, 81)


def test_other_names_of_columns_and_a_date_alone() -> None:
    text = "https://www.CryptoDataDownload.com\nopen_time,open,high,low,close\n"
    found = read_candles(text + "1583798400,1,2,1,2\n1583884800,2,3,1,1\n", symbol="BTC")
    assert (found.symbol, found.volume, found.times[0]) == ("BTC", None, FIRST)
    hours = "Date,Close,Low,High,Open\n2020-03-10 01:00:00,2,1,3,2\n2020-03-10T02:00:00Z,2,1,3,2\n"
    read = read_candles(hours)
    assert (read.step, read.label(0)) == (timedelta(hours=1), "2020-03-10T01:00:00Z")


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text(HEADER + line(0) + line(1))
    assert len(read_candles(path)) == 2
    with pytest.raises(FileError, match=r"none\.csv: expected a file that can be read"):
        read_candles(tmp_path / "none.csv")
    with pytest.raises(FileError, match="expected a file that can be read"):
        read_candles(tmp_path)


GOOD = HEADER + line(0) + line(1)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "f: expected price candles, got an empty file"),
        ("\n \n", "f: line 2: expected columns Unix or Date, Open"),
        (HEADER, "f: expected at least two rows of prices, got 0"),
        (HEADER + line(0), "f: expected at least two rows of prices, got 1"),
        ("Unix,Open,High,Low\n1,1,1,1\n", "f: line 1: expected columns Unix or Date, Open, High"),
        ("Open,High,Low,Close\n1,1,1,1\n", "f: line 1: expected columns Unix or Date"),
        ("Unix;Open;High;Low;Close\n", "f: line 1: expected columns Unix or Date"),
        ("Unix,Open,High,Low,Close,Close\n", "f: line 1: expected one column Close, got two"),
        ("1,2,3\n", "f: line 1: expected 12 columns, got 3"),
        (GOOD + "1,2\n", "f: line 4: expected 10 columns, got 2"),
        (GOOD + line(1), "f: line 4: expected every time once, got 2020-03-11 again"),
        (GOOD + line(0), "f: line 4: expected rows in one order (oldest first so far), got"),
        (
            GOOD + line(2) + line(5) + line(6),
            "f: line 5: expected a row every day, got 2020-03-15 after 2020-03-12: "
            "2020-03-13, 2020-03-14 missing",
        ),
        (
            HEADER + line(9) + line(8) + line(2) + line(1),
            "f: line 4: expected a row every day, got 2020-03-12 after 2020-03-18: "
            "2020-03-13, 2020-03-14, 2020-03-15 and 2 more missing",
        ),
        (GOOD.replace("2020-03-11", "2020-03-12"), "f: line 3: Date: expected the day of the time"),
        (GOOD.replace("2020-03-11", "2020-02-30"), "f: line 3: Date: expected a date such as"),
        (GOOD.replace("1583884800000", "soon"), "f: line 3: time: expected a time in seconds"),
        (GOOD.replace("1583884800000", "9" * 18), "f: line 3: time: expected a time in seconds"),
        (HEADER + line(0) + line(1, name="Y"), "f: line 3: Symbol: expected one symbol, 'X'"),
        (HEADER + line(0, name="") + line(1, name=""), "f: line 2: Symbol: expected a name"),
        (HEADER + line(0, "1,2,nan,1"), "f: line 2: Low: expected a decimal above 0, got 'nan'"),
        (HEADER + line(0, "1,inf,1,1"), "f: line 2: High: expected a decimal above 0, got 'inf'"),
        (HEADER + line(0, "0,2,1,1"), "f: line 2: Open: expected a decimal above 0, got '0'"),
        (HEADER + line(0, "1,2,1,-1"), "f: line 2: Close: expected a decimal above 0, got '-1'"),
        (HEADER + line(0, "1e3,2,1,1"), "f: line 2: Open: expected a decimal above 0, got '1e3'"),
        (HEADER + line(0, ",2,1,1"), "f: line 2: Open: expected a decimal above 0, got ''"),
        (HEADER + line(0, "2,1,3,2"), "f: line 2: expected a High of at least the Low of 3, got 1"),
        (HEADER + line(0, "5,3,1,2"), "f: line 2: Open: expected a price from 1 to 3, got 5"),
        (HEADER + line(0, "2,3,1,0.5"), "f: line 2: Close: expected a price from 1 to 3, got 0.5"),
        (GOOD.replace("12.5", "nan"), "f: line 2: Volume: expected a number of at least 0"),
        (GOOD.replace("12.5", "-1"), "f: line 2: Volume: expected a number of at least 0"),
        (GOOD + '"1583971200000,"x\n', "f: line 4: expected a row of a CSV, got none"),
        (kline(0) + kline(1).replace("1583971199999", "5"), "f: line 2: close time: expected"),
    ],
)
def test_what_is_refused(text: str, problem: str) -> None:
    with pytest.raises(InputError) as refused:
        read_candles(text, "f")
    assert str(refused.value).startswith(problem)


@pytest.mark.parametrize("data", [GOOD.encode("utf-16"), GOOD.replace("X", "é").encode("latin-1")])
def test_another_encoding(data: bytes) -> None:
    with pytest.raises(InputError, match="f: expected a text in UTF-8, got another encoding"):
        read_candles(data, "f")


def test_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candle_rows, "MAX_ROWS", 2)
    assert len(read_candles(GOOD, "f")) == 2
    with pytest.raises(InputError, match="f: expected at most 2 rows, got more"):
        read_candles(GOOD + line(2), "f")
    monkeypatch.setattr(candles, "MAX_BYTES", len(GOOD) - 1)
    with pytest.raises(FileError, match="a larger file"):
        read_candles(GOOD, "f")


def test_returns() -> None:
    text = HEADER + line(0, "1,4,1,2") + line(1, "2,3,2,3") + line(2, "3,3,1,1.5")
    found = read_candles(text)
    assert returns(found).tolist() == [0.5, -0.5]
    assert np.allclose(returns(found, log=True), [np.log(1.5), np.log(0.5)], rtol=1e-15)


def series(first: int, last: int, name: str = "X") -> candles.Candles:
    rows = "".join(line(day, name=name) for day in range(first, last + 1))
    return read_candles(HEADER + rows)


def test_common_days() -> None:
    found = align([series(0, 6, "A"), series(2, 9, "B")])
    assert (found.times[0], found.times[-1]) == (FIRST + 2 * DAY, FIRST + 6 * DAY)
    assert [len(each) for each in found.series] == [5, 5]
    assert found.dropped == (2, 3)
    window = align([series(0, 6), series(2, 9)], FIRST + 3 * DAY, FIRST + 5 * DAY)
    assert (len(window.times), window.dropped) == (3, (0, 0))


@pytest.mark.parametrize(
    ("start", "end", "problem"),
    [
        (0, 5, "B: expected candles from 2020-03-10, got none from 2020-03-10 to 2020-03-11"),
        (1, 5, "B: expected candles from 2020-03-11, got none on 2020-03-11"),
        (2, 8, "A: expected candles to 2020-03-18, got none from 2020-03-17 to 2020-03-18"),
    ],
)
def test_days_that_a_series_misses_are_named(start: int, end: int, problem: str) -> None:
    both = [series(0, 6, "A"), series(2, 9, "B")]
    with pytest.raises(InputError) as refused:
        align(both, FIRST + start * DAY, FIRST + end * DAY)
    assert str(refused.value) == problem


def test_series_that_do_not_meet() -> None:
    with pytest.raises(InputError, match="A has 2020-03-10 to 2020-03-12; B has 2020-03-13 to"):
        align([series(0, 2, "A"), series(3, 5, "B")])
    with pytest.raises(InputError, match="expected at least one series"):
        align([])
    hourly = "Unix,Open,High,Low,Close\n1583798400,1,1,1,1\n1583802000,1,1,1,1\n"
    with pytest.raises(InputError, match="expected candles every day, got hour"):
        align([series(0, 2), read_candles(hourly)])
    shifted = "Unix,Open,High,Low,Close\n1583802000,1,1,1,1\n1583888400,1,1,1,1\n"
    with pytest.raises(InputError, match="expected candles that open when the others do"):
        align([series(0, 2), read_candles(shifted)])
    with pytest.raises(InputError, match=r"at least two candles from 2020-03-11 to 2020-03-11"):
        align([series(0, 2)], FIRST + DAY, FIRST + DAY)


@pytest.mark.parametrize("text", ["2020-3-1", "2020-02-30", "20200301", "2020-03-01T00", ""])
def test_days(text: str) -> None:
    assert parse_day("d", "2020-03-10") == FIRST
    with pytest.raises(InputError, match="d: expected a day such as 2020-03-12"):
        parse_day("d", text)


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_be_refused(data: bytes) -> None:
    for source in (data, HEADER.encode() + data, GOOD.encode() + data):
        where = "f"
        try:
            read_candles(source, where)
        except InputError as error:
            where = error.where
        assert where.startswith("f")
