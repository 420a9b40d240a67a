"""Price rounds: known failure 20, a stale or single price decided."""

from __future__ import annotations

from fractions import Fraction
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.risk.documents import changed, policy_value, report, report_value, round_value
from zkcollateral.errors import DocumentError, PriceRoundError
from zkcollateral.risk.policy import OracleRule
from zkcollateral.risk.prices import PriceReport, PriceRound, combine
from zkcollateral.risk.values import Exact

RULE = OracleRule.model_validate(policy_value()["oracle"])
SYMBOLS = ("BTC", "ETH")


def reports(*changes: dict[str, Any]) -> dict[str, PriceReport]:
    """Reports by made-up digests; each of another oracle unless the change names one."""
    return {
        f"{index:064x}": report(**{"oracle": f"oracle-{index}", **change})
        for index, change in enumerate(changes)
    }


def rule(**changes: str) -> OracleRule:
    return OracleRule.model_validate({**policy_value()["oracle"], **changes})


def prices(btc: str) -> dict[str, Any]:
    return {"prices": {"BTC": btc, "ETH": "3000"}}


def test_two_reports_make_a_round() -> None:
    found = combine(
        reports({"time": "2026-01-31T12:00:05Z", **prices("64000.10")}, prices("64000.15")),
        RULE,
        SYMBOLS,
    )
    assert found.to_json_value() == {
        "format": "zkcollateral/price-round/1",
        "time": "2026-01-31T12:00:00Z",
        "quote": "USD",
        "prices": {"BTC": "64000.125", "ETH": "3000"},
        "reports": [f"{0:064x}", f"{1:064x}"],
    }


def test_the_order_of_reports_and_symbols_and_the_spelling_of_prices_do_not_matter() -> None:
    given_reports = reports(prices("64000"), prices("64000.0"), prices("64000.00"))
    reverse = dict(reversed(given_reports.items()))
    first = combine(given_reports, RULE, SYMBOLS).to_json_value()
    assert combine(reverse, RULE, ["ETH", "BTC", "ETH"]).to_json_value() == first
    assert first["prices"]["BTC"] == "64000"


@given(st.lists(st.integers(1, 10**30), min_size=1, max_size=9), st.integers(0, 39))
def test_the_median_is_exact(units: list[int], decimals: int) -> None:
    values = [Fraction(unit, 10**decimals) for unit in units]
    texts = [str(Exact.of(value)) for value in values]
    middle = median(values)
    loose = rule(max_deviation="1", quorum="1")
    try:
        found = combine(reports(*map(prices, texts)), loose, ["BTC"]).prices["BTC"]
    except PriceRoundError:
        assert any(abs(value - middle) > middle for value in values)
    else:
        assert found == middle


def test_a_median_that_needs_more_decimals_than_a_document_has_is_refused() -> None:
    low, high = "0." + "0" * 39 + "1", "0." + "0" * 39 + "2"
    with pytest.raises(PriceRoundError, match="median price of BTC"):
        combine(reports(prices(low), prices(high)), rule(max_deviation="1"), ["BTC"])


def test_a_single_report_is_no_quorum() -> None:
    with pytest.raises(PriceRoundError, match="expected reports of 2 oracles, got 1"):
        combine(reports({}), RULE, SYMBOLS)
    with pytest.raises(PriceRoundError, match="expected reports of 2 oracles, got 0"):
        combine({}, RULE, SYMBOLS)


def test_one_oracle_does_not_count_twice() -> None:
    with pytest.raises(PriceRoundError, match="one report of each oracle, got two of oracle-7"):
        combine(reports({"oracle": "oracle-7"}, {"oracle": "oracle-7"}), RULE, SYMBOLS)


def test_all_reports_are_in_one_quote() -> None:
    with pytest.raises(PriceRoundError, match="expected prices in USD, got EUR from oracle-1"):
        combine(reports({}, {"quote": "EUR"}), RULE, SYMBOLS)


def test_every_report_has_every_symbol() -> None:
    with pytest.raises(PriceRoundError, match="expected a price of ETH, got none from oracle-1"):
        combine(reports({}, {"prices": {"BTC": "64000"}}), RULE, SYMBOLS)
    with pytest.raises(PriceRoundError, match="at least one symbol"):
        combine(reports({}, {}), RULE, [])


def test_a_round_has_no_price_that_was_not_asked_for() -> None:
    assert set(combine(reports({}, {}), RULE, ["ETH"]).prices) == {"ETH"}


def test_reports_may_not_be_far_apart_in_time() -> None:
    combine(reports({}, {"time": "2026-01-31T12:10:00Z"}), RULE, SYMBOLS)
    with pytest.raises(PriceRoundError, match="600 seconds apart, got 601 between oracle-0 and"):
        combine(reports({}, {"time": "2026-01-31T12:10:01Z"}), RULE, SYMBOLS)


def test_ages_at_the_end_of_the_calendar() -> None:
    times = {"time": "9999-12-31T23:59:59Z"}, {"time": "0001-01-01T00:00:00Z"}
    with pytest.raises(PriceRoundError, match="seconds apart"):
        combine(reports(*times), rule(max_age_seconds="1000000000"), SYMBOLS)


def test_a_price_may_not_be_far_from_the_median() -> None:
    # The median of 98, 100 and x is 100 for every x from 100: two per cent of it is 2.
    combine(reports(prices("98"), prices("100"), prices("102")), RULE, ["BTC"])
    with pytest.raises(PriceRoundError, match=r"of BTC within 0.02 .* deviation from oracle-2"):
        combine(reports(prices("98"), prices("100"), prices("102.00001")), RULE, ["BTC"])
    with pytest.raises(PriceRoundError, match="deviation from oracle-0"):
        combine(reports(prices("97.99999"), prices("100"), prices("102")), RULE, ["BTC"])


def test_the_bound_on_deviation_is_exact() -> None:
    """0.1 + 0.2 is not 0.3 in doubles, and a price right at the bound would be refused."""
    exact = rule(max_deviation="0.5", quorum="3")
    combine(reports(prices("0.1"), prices("0.2"), prices("0.3")), exact, ["BTC"])
    with pytest.raises(PriceRoundError):
        combine(
            reports(prices("0.1"), prices("0.2"), prices("0.3" + "0" * 37 + "1")), exact, ["BTC"]
        )


def test_too_many_reports() -> None:
    combine(reports(*[{}] * 64), RULE, SYMBOLS)
    with pytest.raises(PriceRoundError, match="at most 64 reports, got 65"):
        combine(reports(*[{}] * 65), RULE, SYMBOLS)


@pytest.mark.parametrize(
    ("path", "new", "message"),
    [
        ("prices/BTC", "0", "prices.BTC: expected a decimal above 0"),
        ("prices/BTC", "-1", "prices.BTC: expected a decimal above 0"),
        ("prices", {}, "prices: expected at least one price"),
        ("time", "2026-01-31T12:00:00+00:00", "time: expected a UTC time"),
        ("oracle", "", "oracle: expected a name"),
        ("quote", "US Dollar", "quote: expected a name"),
    ],
)
def test_each_rule_of_a_report(path: str, new: Any, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        PriceReport.from_json_value(changed(report_value(), path, new), "r")


@pytest.mark.parametrize(
    ("path", "new", "message"),
    [
        ("prices/BTC", "0", "prices.BTC: expected a decimal above 0"),
        ("prices", {}, "prices: expected at least one price"),
        ("reports", [], "reports: expected a length of at least 1"),
        ("reports", [f"{i:064x}" for i in range(65)], "reports: expected a length of at most 64"),
        ("reports", ["1" * 64, "0" * 64], r"reports\[1\]: expected digests in ascending order"),
        ("reports", ["1" * 64, "1" * 64], r"reports\[1\]: expected digests in ascending order"),
        ("reports/0", "x", r"reports\[0\]: expected a SHA-256 digest"),
    ],
)
def test_each_rule_of_a_round(path: str, new: Any, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        PriceRound.from_json_value(changed(round_value(), path, new), "r")
