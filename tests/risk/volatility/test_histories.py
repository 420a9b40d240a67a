"""Signed price histories: what reports make of them, and what is refused."""

from __future__ import annotations

from fractions import Fraction
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.risk.documents import (
    changed,
    policy_value,
    price_round,
    report,
    report_value,
    round_value,
)
from zkcollateral.errors import DocumentError, PriceRoundError
from zkcollateral.risk.histories import HistoryShape
from zkcollateral.risk.policy import OracleRule
from zkcollateral.risk.prices import PriceReport, PriceRound, combine

RULE = OracleRule.model_validate(policy_value()["oracle"])
HOURLY = {"BTC": HistoryShape(3600, 3)}


def history(*prices: str, last: str = "2026-01-31T11:00:00Z", step: str = "3600") -> dict[str, Any]:
    return {"last": last, "step_seconds": step, "prices": list(prices)}


def reports(*changes: dict[str, Any]) -> dict[str, PriceReport]:
    return {
        f"{index:064x}": report(oracle=f"oracle-{index}", **change)
        for index, change in enumerate(changes)
    }


def of_btc(*prices: str, **changes: str) -> dict[str, Any]:
    return {"histories": {"BTC": history(*prices, **changes)}}


def test_a_round_has_the_median_of_every_step() -> None:
    said = reports(
        of_btc("100", "200.0", "300"), of_btc("101", "202", "300"), of_btc("102", "199", "301")
    )
    found = combine(said, RULE, ["BTC"], histories=HOURLY)
    assert found.to_json_value()["histories"] == {"BTC": history("101", "200", "300")}


def test_an_even_number_of_oracles_makes_exact_means() -> None:
    found = combine(
        reports(of_btc("100", "1.01", "3"), of_btc("101", "1", "3")),
        RULE,
        ["BTC"],
        histories=HOURLY,
    )
    assert found.to_json_value()["histories"] == {"BTC": history("100.5", "1.005", "3")}


@given(st.lists(st.lists(st.integers(1, 10**9), min_size=3, max_size=3), min_size=1, max_size=5))
def test_medians_are_exact_or_refused(units: list[list[int]]) -> None:
    loose = OracleRule.model_validate(
        {**policy_value()["oracle"], "max_deviation": "1", "quorum": "1"}
    )
    said = reports(*[of_btc(*[f"{n // 100}.{n % 100:02d}" for n in each]) for each in units])
    middles = [median([Fraction(each[place], 100) for each in units]) for place in range(3)]
    try:
        found = combine(said, loose, ["BTC"], histories=HOURLY)
    except PriceRoundError:
        assert any(
            Fraction(each[place], 100) > 2 * middles[place] for each in units for place in range(3)
        )
    else:
        assert list(found.histories["BTC"].prices) == middles


def test_only_what_is_needed_is_in_the_round() -> None:
    """Another symbol's history, of whatever shape, neither helps nor hinders."""
    both = {"BTC": history("1", "2", "3"), "ETH": history("5", "6", step="60")}
    said = reports({"histories": both}, of_btc("1", "2", "3"))
    assert set(combine(said, RULE, ["BTC"], histories=HOURLY).histories) == {"BTC"}
    without = combine(said, RULE, ["BTC"]).to_json_value()
    assert "histories" not in without


def test_documents_without_histories_are_what_they_were() -> None:
    assert "histories" not in report().to_json_value()
    assert "histories" not in price_round().to_json_value()
    with pytest.raises(DocumentError, match="nothing empty that may be left out"):
        PriceReport.from_json_value({**report_value(), "histories": {}}, "r")


GOOD = of_btc("100", "100", "100")


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({}, "expected a history of BTC, got none from oracle-1"),
        (of_btc("100", "100"), "of 3 prices every 3600 seconds, got 2 every 3600 from oracle-1"),
        (of_btc("100", "100", "100", "100"), "got 4 every 3600 from oracle-1"),
        (of_btc("100", "100", "100", step="3599"), "got 3 every 3599 from oracle-1"),
        (
            of_btc("100", "100", "100", last="2026-01-31T10:59:59Z"),
            "every history to end at 2026-01-31T11:00:00Z, got one of BTC that ends at "
            "2026-01-31T10:59:59Z from oracle-1",
        ),
        (
            of_btc("100", "100", "105"),
            "price 2 of the history of BTC within 0.02 of the median, got a larger deviation from "
            "oracle-0",
        ),
        (of_btc("96", "100", "100"), "price 0 of the history of BTC within 0.02"),
    ],
)
def test_oracles_must_agree_on_every_price(second: dict[str, Any], message: str) -> None:
    combine(reports(GOOD, GOOD), RULE, ["BTC"], histories=HOURLY)
    with pytest.raises(PriceRoundError, match=message):
        combine(reports(GOOD, second), RULE, ["BTC"], histories=HOURLY)


def test_a_history_that_no_document_could_hold_the_median_of() -> None:
    tiny = ["0." + "0" * 39 + digit for digit in "12"]
    loose = RULE.model_copy(update={"max_deviation": Fraction(1)})
    said = reports(of_btc("1", tiny[0], "1"), of_btc("1", tiny[1], "1"))
    with pytest.raises(PriceRoundError, match="median price 1 of the history of BTC"):
        combine(said, loose, ["BTC"], histories=HOURLY)


@pytest.mark.parametrize(
    ("last", "message"),
    [
        ("2026-01-31T12:00:00Z", None),
        ("2026-01-31T12:00:01Z", "ends before its report, got a later end from oracle-0"),
        # A step of 3600 s and the 600 s that the policy allows.
        ("2026-01-31T10:50:00Z", None),
        ("2026-01-31T10:49:59Z", "at most 4200 seconds before its report, got 4201 from oracle-0"),
        ("0001-01-01T00:00:00Z", "at most 4200 seconds before its report"),
    ],
)
def test_a_history_ends_shortly_before_its_report(last: str, message: str | None) -> None:
    said = reports(of_btc("1", "1", "1", last=last), of_btc("1", "1", "1", last=last))
    if message is None:
        combine(said, RULE, ["BTC"], histories=HOURLY)
        return
    with pytest.raises(PriceRoundError, match=message):
        combine(said, RULE, ["BTC"], histories=HOURLY)


def test_histories_of_all_symbols_end_together() -> None:
    other = history("1", "1", "1", last="2026-01-31T10:55:00Z")
    said = reports(*[{"histories": {**GOOD["histories"], "ETH": other}}] * 2)
    needed = {**HOURLY, "ETH": HistoryShape(3600, 3)}
    with pytest.raises(PriceRoundError, match="one of ETH that ends at 2026-01-31T10:55:00Z"):
        combine(said, RULE, ["BTC"], histories=needed)


@pytest.mark.parametrize(
    ("path", "new", "message"),
    [
        ("prices", ["1"], "histories.BTC.prices: expected a length of at least 2"),
        ("prices", ["1"] * 1025, "histories.BTC.prices: expected a list of at most 1024"),
        ("prices/1", "0", r"histories.BTC.prices\[1\]: expected a decimal above 0"),
        ("prices/1", "-1", r"histories.BTC.prices\[1\]: expected a decimal above 0"),
        ("step_seconds", "0", "histories.BTC.step_seconds: expected an integer"),
        ("step_seconds", "2678401", "histories.BTC.step_seconds: expected an integer"),
        ("last", "2026-01-31", "histories.BTC.last: expected a UTC time"),
        ("first", "x", "histories.BTC.first: expected no such field"),
    ],
)
def test_each_rule_of_a_history(path: str, new: Any, message: str) -> None:
    wrong = {"BTC": changed(history("1", "2", "3"), path, new)}
    for kind, value in ((PriceReport, report_value()), (PriceRound, round_value())):
        with pytest.raises(DocumentError, match=message):
            kind.from_json_value({**value, "histories": wrong}, "it")
