"""Named shocks: every move by hand, the rounding, and the document."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zkcollateral.errors import DocumentError, InputError
from zkcollateral.risk.replay.candles import Candles, read_candles
from zkcollateral.risk.replay.crises import (
    WINDOWS,
    Move,
    Window,
    covers,
    crises,
    worst_move,
)
from zkcollateral.risk.replay.scenario_file import ScenarioSet, scenario_set
from zkcollateral.risk.values import Exact

START = datetime(2020, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def candles(*rows: str) -> Candles:
    lines = ["Date,Open,High,Low,Close"]
    lines += [f"{START + day * DAY:%Y-%m-%d},{row}" for day, row in enumerate(rows)]
    return read_candles("\n".join(lines))


FALL = candles("90,100,80,90", "90,120,80,85", "85,95,60,70", "70,80,65,75", "75,90,70,88")
WINDOW = Window("w", START + DAY, START + 3 * DAY)


@pytest.mark.parametrize(
    ("kind", "days", "prices", "shock"),
    [
        # 60/85 − 1 = −0.294117..., 70/85 − 1 = −0.176470..., 60/120 − 1
        ("close-to-low", (1, 2), (85, 60), "-0.2942"),
        ("close-to-close", (1, 2), (85, 70), "-0.1765"),
        ("peak-to-trough", (1, 2), (120, 60), "-0.5"),
    ],
)
def test_a_move(kind: str, days: tuple[int, int], prices: tuple[int, int], shock: str) -> None:
    move = worst_move("A", FALL, WINDOW, kind)  # type: ignore[arg-type]
    assert (move.start, move.end) == (START + days[0] * DAY, START + days[1] * DAY)
    assert (move.start_price, move.end_price) == prices
    assert move.shock == Exact(shock)
    assert str(move.shock) == shock


def test_the_peak_comes_first_and_the_day_before_counts() -> None:
    first = worst_move("A", FALL, Window("w", START + DAY, START + DAY), "peak-to-trough")
    assert (first.start_price, first.end_price) == (100, 80)
    last = worst_move("A", FALL, Window("w", START + 4 * DAY, START + 4 * DAY), "peak-to-trough")
    assert (last.start_price, last.end_price) == (80, 70)


def test_the_peak_may_be_long_before_the_trough() -> None:
    slow = candles("90,100,80,90", "90,120,85,90", "90,95,80,85", "85,90,50,60")
    move = worst_move("A", slow, WINDOW, "peak-to-trough")
    assert (move.start, move.end) == (START + DAY, START + 3 * DAY)
    assert (move.start_price, move.end_price) == (120, 50)


def test_a_rise_rounds_down_too() -> None:
    move = worst_move("A", FALL, Window("w", START + 4 * DAY, START + 4 * DAY), "close-to-close")
    # 88/75 − 1 = 0.17333...
    assert str(move.shock) == "0.1733"


def test_scenarios() -> None:
    found = crises({"B": FALL, "A": FALL}, [WINDOW])
    assert [each.scenario.name for each in found] == [
        "w:close-to-low",
        "w:close-to-close",
        "w:peak-to-trough",
    ]
    assert dict(found[0].scenario.shocks) == {"A": Exact("-0.2942"), "B": Exact("-0.2942")}
    assert [move.symbol for move in found[0].moves] == ["A", "B"]


def test_the_named_windows_are_in_order() -> None:
    assert len({window.name for window in WINDOWS}) == len(WINDOWS) >= 7
    assert all(before.last < after.first for before, after in pairwise(WINDOWS))
    for window in WINDOWS:
        year, month = f"{window.first:%Y-%m}", f"{window.last:%Y-%m}"
        assert window.name.startswith((year, month))


def test_what_is_refused() -> None:
    early = Window("w", START, START + DAY)
    assert not covers(FALL, early)
    with pytest.raises(InputError, match="A: window w: expected candles from 2019-12-31 to"):
        worst_move("A", FALL, early, "close-to-low")
    late = Window("w", START + DAY, START + 5 * DAY)
    with pytest.raises(InputError, match="got 2020-01-01 to 2020-01-05"):
        worst_move("A", FALL, late, "close-to-low")
    with pytest.raises(InputError, match="expected one of close-to-low"):
        worst_move("A", FALL, WINDOW, "other")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="a first day up to the last"):
        Window("w", START + DAY, START)
    with pytest.raises(InputError, match="crises"):
        crises({}, [WINDOW])


def test_the_document() -> None:
    found = crises({"A": FALL}, [WINDOW])
    document = scenario_set(found, {"A": (FALL, "a.csv", "0" * 64)})
    value = document.to_json_value()
    assert ScenarioSet.from_json_value(value, "f").to_json_value() == value
    assert value["moves"][0] == {
        "scenario": "w:close-to-low",
        "symbol": "A",
        "move": "close-to-low",
        "start": "2020-01-02T00:00:00Z",
        "end": "2020-01-03T00:00:00Z",
        "start_price": "85",
        "end_price": "60",
    }
    (source,) = value["sources"]
    assert (source["file"], source["first"]) == ("a.csv", "2020-01-01T00:00:00Z")
    plain = {"format": value["format"], "scenarios": value["scenarios"]}
    assert len(ScenarioSet.from_json_value(plain, "f").scenarios) == 3
    twice = {**plain, "scenarios": value["scenarios"] * 2}
    with pytest.raises(DocumentError, match="every scenario once"):
        ScenarioSet.from_json_value(twice, "f")
    with pytest.raises(DocumentError, match="scenarios: expected a length of at least 1"):
        ScenarioSet.from_json_value({**plain, "scenarios": []}, "f")
    stray = {**value, "moves": [{**value["moves"][0], "symbol": "B"}]}
    with pytest.raises(DocumentError, match=r"moves\[0\]: expected a shock of one of the"):
        ScenarioSet.from_json_value(stray, "f")
    bad = {"name": "x", "shocks": {"A": "-1.1"}}
    with pytest.raises(DocumentError, match="a shock of at least -1"):
        ScenarioSet.from_json_value({**plain, "scenarios": [bad]}, "f")


PRICE = st.decimals("0.0001", "99999", places=4).filter(lambda price: price > 0)


@settings(max_examples=200)
@given(PRICE, PRICE)
def test_a_shock_is_never_less_than_what_happened(before: object, after: object) -> None:
    start, end = Exact(str(before)), Exact(str(after))
    move = Move("A", "close-to-close", START, START + DAY, start, end)
    assert -1 <= move.shock <= move.change < move.shock + Fraction(1, 10_000)
