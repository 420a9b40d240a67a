"""The replay: cases by hand, and every verdict against the exact engine, candle by candle."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import product
from time import perf_counter
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.risk.accounts import LIQUIDATION, World, account_of, world, worlds
from zkcollateral.errors import InputError
from zkcollateral.risk.liquidation.report import liquidation_report
from zkcollateral.risk.replay.candles import Candles, read_candles
from zkcollateral.risk.replay.course import course
from zkcollateral.risk.replay.price_path import CLOSE, HIGH, LOW, price_path
from zkcollateral.risk.replay.replay import ReplayReport, replay_report
from zkcollateral.risk.replay.report_json import replay_json
from zkcollateral.risk.replay.synthetic import SyntheticMarket, synthetic_candles
from zkcollateral.risk.threshold import liquidation_threshold, maintenance_threshold

START = datetime(2020, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def candles(*rows: tuple[str, str, str, str], symbol: str = "X") -> Candles:
    """Daily candles from open, high, low, close."""
    lines = ["Date,Symbol,Open,High,Low,Close"]
    lines += [f"{START + day * DAY:%Y-%m-%d},{symbol},{','.join(r)}" for day, r in enumerate(rows)]
    return read_candles("\n".join(lines))


BTC = candles(
    ("100", "105", "95", "100"),
    ("100", "100", "83", "90"),
    ("90", "90", "70", "75"),
    ("75", "120", "75", "110"),
)


def btc(**changes: Any) -> World:
    """0.8 · 60000 against 40000: it fails below 50000, five sixths of now."""
    return world(
        {"collateral": {"BTC": "0.8"}, "debt": {"USDC": "1"}},
        {"BTC": "60000", "USDC": "1"},
        {"collateral": {"BTC": "1"}, "debt": {"USDC": "40000"}},
        **changes,
    )


def test_by_hand() -> None:
    found = replay_report(*btc(), {"BTC": BTC})
    (kept,) = found.breaches
    # 83, 70 and 75 of 100 are below 5/6; of the closes only 75.
    assert (kept.threshold, kept.candles, kept.closes) == ("maintenance", 3, 1)
    assert kept.first is not None
    assert (kept.first.time, kept.first.prices) == (START + DAY, {"BTC": "low"})
    assert kept.first.maintenance == Fraction("0.8") * 49_800 - 40_000 == -160
    assert (kept.deepest.time, kept.deepest.maintenance) == (START + 2 * DAY, -6_400)
    assert kept.deepest.shocks == {"BTC": Fraction("-0.3")}
    assert kept.deepest.ratio == Fraction(33_600, 40_000)
    assert [moment.time.day for moment in found.worst] == [3, 4, 2, 1]
    assert found.unmoved == ("USDC",)
    assert found.liquidation is None
    assert found.replayed.close_float.tolist() == pytest.approx([1.2, 1.08, 0.9, 1.32])
    assert found.replayed.worst_float.tolist() == pytest.approx([1.14, 0.996, 0.84, 0.9])
    assert [mask.tolist() for mask in found.failed] == [[False, True, True, True]]
    assert "hidden" in repr(found)
    assert "hidden" in repr(kept)
    assert "hidden" in repr(kept.deepest)


def test_historical_prices_are_taken_as_they_are() -> None:
    scaled = candles(
        *(
            tuple(str(600 * int(p)) for p in row)
            for row in (  # type: ignore[arg-type]
                ("100", "105", "95", "100"),
                ("100", "100", "83", "90"),
            )
        )
    )
    found = replay_report(*btc(), {"BTC": scaled}, mode="historical")
    assert found.breaches[0].deepest.maintenance == -160
    assert found.path.bases == (60_000,)
    doubled = replay_report(*btc(), {"BTC": BTC}, mode="historical")
    assert doubled.breaches[0].candles == 4


def test_liquidation_at_the_first_failure() -> None:
    setting = btc(liquidation={**LIQUIDATION, "ratio": "0.95"})
    found = replay_report(*setting, {"BTC": BTC})
    first = found.breaches[1].first
    # 0.8 · 60000 · m < 0.95 · 40000 for m below 0.79166.
    assert first is not None
    assert (found.breaches[1].threshold, first.time) == ("liquidation", START + 2 * DAY)
    assert first.liquidation == 33_600 - 38_000
    assert found.liquidation == liquidation_report(*setting, shocks={"BTC": Fraction("-0.3")})
    assert found.liquidation.liquidatable
    bands = found.replayed
    assert bands.maintenance_float.tolist() == [1.0] * 4
    assert bands.liquidation_float is not None
    assert bands.liquidation_float.tolist() == pytest.approx([0.95] * 4)
    below = bands.worst_float < bands.liquidation_float
    assert below.tolist() == found.failed[1].tolist()


def test_a_reserve_moves_the_band() -> None:
    found = replay_report(*btc(reserve="4000", liquidation=LIQUIDATION), {"BTC": BTC}).replayed
    assert found.maintenance_float.tolist() == pytest.approx([1.1] * 4)
    assert found.liquidation_float is not None
    assert found.liquidation_float.tolist() == pytest.approx([1.1] * 4)


def test_a_margin_of_exactly_nothing_is_no_failure() -> None:
    # In floats 49 · (1 / 49) is less than 1.
    assert 49 * (1 / 49) < 1
    setting = world(
        {"collateral": {"A": "1"}, "debt": {"B": "1"}},
        {"A": "1", "B": "1"},
        {"collateral": {"A": "49"}, "debt": {"B": "1"}},
    )
    path = {"A": candles(("49", "49", "49", "49"), ("49", "49", "1", "1"))}
    found = replay_report(*setting, path)
    assert found.replayed.margin_close_float[1] < 0
    assert (found.breaches[0].candles, found.breaches[0].closes) == (0, 0)
    assert found.breaches[0].first is None
    assert found.breaches[0].deepest.maintenance == 0
    lower = {"A": candles(("49", "49", "49", "49"), ("49", "49", "0.9999999999", "1"))}
    assert replay_report(*setting, lower).breaches[0].candles == 1


def test_the_worst_of_a_candle_is_low_for_what_is_held_and_high_for_what_is_owed() -> None:
    setting = world(
        {"collateral": {"A": "1"}, "debt": {"B": "1"}},
        {"A": "100", "B": "100"},
        {"collateral": {"A": "2"}, "debt": {"B": "1"}},
    )
    up = candles(("10", "16", "8", "10"), ("10", "10", "10", "10"))
    down = candles(("10", "16", "8", "10"), ("10", "10", "10", "10"))
    apart = replay_report(*setting, {"A": up, "B": down}).breaches[0].deepest
    assert apart.prices == {"A": "low", "B": "high"}
    assert apart.maintenance == 160 - 160
    together = replay_report(*setting, {"A": up, "B": up}).breaches[0].deepest
    assert together.prices == {"A": "low", "B": "low"}
    assert together.maintenance == 160 - 80


def sized(above: str, debt: str) -> World:
    """An asset of which all counts half as soon as it is worth more than `above`."""
    tiers = [{"above": "0", "factor": "1"}, {"above": above, "factor": "0.5"}]
    return world(
        {"collateral": {"A": {"type": "sized", "by": "value", "tiers": tiers}}, "debt": {"B": "1"}},
        {"A": "1", "B": "1"},
        {"collateral": {"A": "1"}, "debt": {"B": debt}},
    )


def test_a_close_that_is_worse_than_low_and_high() -> None:
    # 0.9 and 1.5 count more than 1.1 does, which is above the first tier.
    found = replay_report(
        *sized("1", "0.6"), {"A": candles(("1", "1", "1", "1"), ("1", "3", "0.9", "1.1"))}
    )
    deepest = found.breaches[0].deepest
    assert (deepest.prices, deepest.maintenance) == ({"A": "close"}, Fraction("-0.05"))
    passed = replay_report(
        *sized("1", "0.2"), {"A": candles(("1", "1", "1", "1"), ("1", "3", "0.9", "1.1"))}
    )
    deepest = passed.breaches[0].deepest
    assert (deepest.prices, deepest.maintenance) == ({"A": "close"}, Fraction("0.35"))


def test_floats_on_the_other_side_of_a_jump_do_not_decide() -> None:
    # So little more than 1 that floats still count the whole.
    beyond = "1.000000000000001"
    found = replay_report(
        *sized("1", "0.6"), {"A": candles(("1", "1", "1", "1"), ("1", beyond, "1", beyond))}
    )
    assert found.replayed.margin_close_float[1] > 0
    assert (found.breaches[0].closes, found.breaches[0].candles) == (1, 1)


def test_what_follows_moves_with_what_it_follows() -> None:
    setting = world(
        {"collateral": {"A": "1", "S": "1"}, "debt": {"B": "1"}},
        {"A": "100", "B": "1"},
        {"collateral": {"S": "1"}, "debt": {"B": "60"}},
        figures={"rate": "1"},
        growth_caps={
            "S": {
                "underlying": "A",
                "rate": "rate",
                "snapshot": "1",
                "snapshot_time": "2025-01-31T12:00:00Z",
                "yearly_growth": "0.04",
            }
        },
    )
    found = replay_report(*setting, {"A": BTC})
    assert found.breaches[0].deepest.maintenance == 70 - 60
    assert found.unmoved == ("B",)
    with pytest.raises(InputError, match=r"a price of its own \(A\), got S, which follows it"):
        replay_report(*setting, {"S": BTC})


def test_without_debts_there_is_no_ratio() -> None:
    setting = world({"collateral": {"BTC": "1"}}, {"BTC": "100"}, {"collateral": {"BTC": "1"}})
    found = replay_report(*setting, {"BTC": BTC})
    assert found.breaches[0].deepest.ratio == "infinite"
    assert replay_json(found)["series"]["ratio_close_float"] == [None] * 4


@pytest.mark.parametrize(
    ("given_candles", "options", "problem"),
    [
        ({}, {}, "expected at least one series"),
        ({"DOGE": BTC}, {}, "expected one of BTC, USDC, got 'DOGE'"),
        ({"BTC": BTC}, {"mode": "fast"}, "mode: expected one of scaled, historical"),
        ({"BTC": BTC}, {"worst": 0}, "replay: worst"),
        ({"BTC": BTC}, {"start": START - DAY}, "X: expected candles from 2019-12-31"),
        ({"BTC": BTC}, {"end": START + 9 * DAY}, "X: expected candles to 2020-01-10"),
    ],
)
def test_what_is_refused(
    given_candles: dict[str, Candles], options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InputError) as refused:
        replay_report(*btc(), given_candles, **options)
    assert problem in str(refused.value)


def test_json_is_exact() -> None:
    value = replay_json(replay_report(*btc(liquidation=LIQUIDATION), {"BTC": BTC}))
    assert value["breaches"][0]["deepest"]["maintenance"] == "-6400"
    assert value["breaches"][1]["threshold"] == "liquidation"
    assert value["prices"] == [{"symbol": "BTC", "candles": "X", "base": "100", "left_out": 0}]
    assert value["worst"][0]["shocks"] == {"BTC": "-0.3"}
    assert value["liquidation"]["seized_value"]
    assert len(value["series"]["times"]) == value["candles"] == 4


PRICE = st.integers(1, 400)


@st.composite
def series(draw: st.DrawFn, days: int) -> Candles:
    """Candles that jump about."""
    rows = []
    for _ in range(days):
        low, opened, closed, high = sorted(draw(st.tuples(PRICE, PRICE, PRICE, PRICE)))
        ends = (opened, closed) if draw(st.booleans()) else (closed, opened)
        rows.append((str(ends[0]), str(high), str(low), str(ends[1])))
    return candles(*rows)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), setting=worlds(kinds=("tiered", "sized"), decimals=True))
def test_every_verdict_is_the_engine_s(data: st.DataObject, setting: World) -> None:
    account = account_of(setting)
    assume(any(account.amounts))
    symbols = data.draw(st.sampled_from([("A",), ("A", "B"), ("A", "C")]))
    prices = {symbol: data.draw(series(4)) for symbol in symbols}
    path = price_path(prices, setting[1], account.pricing)
    for threshold in (maintenance_threshold(account), liquidation_threshold(account)):
        assert threshold is not None
        followed = course(threshold, path)
        closes, worst = followed.below
        exact = []
        for index in range(len(path)):
            at_close = threshold.margin(path.shocks(index, (CLOSE,) * len(symbols)))
            at_worst = threshold.margin(path.shocks(index, followed.point(index)))
            assert closes[index] == (at_close < 0)
            assert worst[index] == (at_worst < 0)
            exact.append(at_worst)
        lowest = followed.lowest(2)
        assert [exact[index] for index in lowest] == sorted(exact)[:2]
        below = [index for index, margin in enumerate(exact) if margin < 0]
        assert followed.first() == (below[0] if below else None)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), setting=worlds())
def test_no_prices_within_a_candle_are_worse(data: st.DataObject, setting: World) -> None:
    account = account_of(setting)
    assume(not account.policy.limits)
    prices = {symbol: data.draw(series(3)) for symbol in ("A", "B")}
    path = price_path(prices, setting[1], account.pricing)
    threshold = maintenance_threshold(account)
    followed = course(threshold, path)
    gross = sum(account.market_values())
    for index in range(len(path)):
        found = threshold.margin(path.shocks(index, followed.point(index)))
        corners = product((LOW, HIGH, CLOSE), repeat=2)
        least = min(threshold.margin(path.shocks(index, corner)) for corner in corners)
        # Two points may be equal to a float.
        assert found - least <= gross * Fraction(400, 10**12)


def test_a_thousand_days_of_sixteen_assets_take_no_time() -> None:
    names = [f"A{index}" for index in range(16)]
    setting = world(
        {"collateral": dict.fromkeys(names, "0.8"), "debt": {"USDC": "1"}},
        {**dict.fromkeys(names, "100"), "USDC": "1"},
        {"collateral": dict.fromkeys(names, "10"), "debt": {"USDC": "11600"}},
        ratio="1.1",
        liquidation=LIQUIDATION,
    )
    made = synthetic_candles(dict.fromkeys(names, "100"), 3, SyntheticMarket(days=1000))
    started = perf_counter()
    found: ReplayReport = replay_report(*setting, made)
    assert perf_counter() - started < 5
    assert found.synthetic
    assert found.breaches[0].candles > 0
