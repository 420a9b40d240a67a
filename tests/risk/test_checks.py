"""What the oracle rules take and refuse: exact numbers, moments, names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

import pytest

from zkcollateral.errors import InputError
from zkcollateral.risk import checks
from zkcollateral.risk.fixed_point import round_half_up
from zkcollateral.risk.oracles.outcome import PriceBounds, Reason, ReasonKind, Refusal
from zkcollateral.risk.values import Exact


@pytest.mark.parametrize("value", [3, Fraction(3), Exact("3.0")])
def test_exact_numbers_are_taken(value: Fraction | int) -> None:
    assert checks.exact("x", value) == 3


@pytest.mark.parametrize("value", [3.0, float("nan"), Decimal(3), True, "3", None])
def test_what_is_not_exact_is_refused_by_name(value: object) -> None:
    with pytest.raises(InputError, match=r"^price of BTC: expected an integer or a Fraction"):
        checks.exact("price of BTC", value)


def test_bounds_are_those_stated() -> None:
    assert checks.share("x", 0) == 0
    assert checks.share("x", 1) == 1
    for wrong in (Fraction(-1, 10), Fraction(11, 10)):
        with pytest.raises(InputError):
            checks.share("x", wrong)
    with pytest.raises(InputError, match="above 0"):
        checks.exact("x", 0, above=0)


def test_a_moment_is_a_utc_datetime_or_seconds() -> None:
    time = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert checks.instant("now", time) == int(time.timestamp()) == 1_769_860_800
    assert checks.instant("now", 1_769_860_800) == 1_769_860_800
    assert checks.instant("now", datetime(1970, 1, 1, tzinfo=UTC)) == 0


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 31, 12),  # noqa: DTZ001
        datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=1))),
        datetime(2026, 1, 31, 12, 0, 0, 1, tzinfo=UTC),
        datetime(1969, 12, 31, tzinfo=UTC),
        -1,
        2**48,
        1.0,
        True,
        "2026-01-31T12:00:00Z",
    ],
)
def test_other_moments_are_refused(moment: object) -> None:
    with pytest.raises(InputError, match=r"^now: "):
        checks.instant("now", moment)


@pytest.mark.parametrize("value", ["", " a", "a" * 65, "a b", 3])
def test_what_is_no_name_is_refused(value: object) -> None:
    with pytest.raises(InputError, match=r"^source: expected a name"):
        checks.name("source", value)


@pytest.mark.parametrize(
    ("low", "price", "high"), [(0, 1, 1), (-1, 1, 1), (2, 1, 3), (1, 3, 2), (1, 1.5, 2)]
)
def test_bounds_in_another_order_are_refused(low: int, price: int, high: int) -> None:
    with pytest.raises(InputError, match=r"^price bounds: "):
        PriceBounds(low, price, high)


def test_a_cap_lowers_what_collateral_counts_and_not_what_debt_counts() -> None:
    assert PriceBounds(9, 10, 11).capped(8) == PriceBounds(8, 8, 11)
    assert PriceBounds(9, 10, 11).capped(Fraction(19, 2)) == PriceBounds(9, Fraction(19, 2), 11)
    assert PriceBounds(9, 10, 11).capped(12) == PriceBounds(9, 10, 11)
    with pytest.raises(InputError):
        PriceBounds(9, 10, 11).capped(0)


def test_a_refusal_has_a_reason_and_says_it() -> None:
    with pytest.raises(InputError):
        Refusal(())
    reason = Reason(ReasonKind.STALE, "pyth", "an age of at most 60 seconds", "61 seconds")
    assert str(Refusal((reason, reason))).split("; ")[0] == (
        "pyth: stale: expected an age of at most 60 seconds, got 61 seconds"
    )


@pytest.mark.parametrize("value", ["", 3, None])
def test_a_label_is_a_text_that_is_not_empty(value: object) -> None:
    with pytest.raises(InputError):
        checks.label("a place", value)


@pytest.mark.parametrize(
    ("value", "decimals", "rounded"),
    [
        (Fraction(5, 10), 0, Fraction(1)),
        (Fraction(-5, 10), 0, Fraction(0)),
        (Fraction("0.0049"), 2, Fraction(0)),
        (Fraction("0.005"), 2, Fraction("0.01")),
        (Fraction("1.2345"), 3, Fraction("1.235")),
    ],
)
def test_a_half_is_rounded_up(value: Fraction, decimals: int, rounded: Fraction) -> None:
    assert round_half_up(value, decimals) == rounded
