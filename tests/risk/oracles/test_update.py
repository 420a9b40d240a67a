"""When a new round is made, and when one is too old."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.oracles.outcome import Reason, ReasonKind
from zkcollateral.risk.oracles.update import (
    FreshnessRule,
    Round,
    UpdateCause,
    UpdateRule,
    deviates,
    relative_change,
    update_cause,
)

HALF_PER_CENT = UpdateRule(Fraction(1, 200), 3600)


# libocr, offchainreporting2/reportingplugin/median/median.go, DefaultDeviationFunc.
@pytest.mark.parametrize(
    ("old", "new", "threshold", "expected"),
    [
        (0, 0, 0, False),
        (0, 1, 1, True),
        (0, -1, 10, True),
        (100, 100, 0, True),
        (200, 201, Fraction(1, 200), True),
        (200, 199, Fraction(1, 200), True),
        (20_000, 20_099, Fraction(1, 200), False),
        (-200, -201, Fraction(1, 200), True),
        (-200, 200, 2, True),
        (100, 0, 1, True),
    ],
)
def test_deviation_counts_from_the_threshold_on(
    old: int, new: int, threshold: Fraction, expected: bool
) -> None:
    assert deviates(old, new, threshold) is expected


@given(st.fractions(), st.fractions(), st.fractions(min_value=0))
def test_deviation_is_relative_change_at_or_above_the_threshold(
    old: Fraction, new: Fraction, threshold: Fraction
) -> None:
    change = relative_change(old, new)
    expected = new != 0 if change is None else abs(change) >= threshold
    assert deviates(old, new, threshold) is expected


@pytest.mark.parametrize(
    ("latest", "answer", "now", "requested", "cause"),
    [
        (None, 0, 0, False, UpdateCause.FIRST),
        (Round(200, 1000), 201, 1000, False, UpdateCause.DEVIATION),
        (Round(200, 1000), 200, 4600, False, None),
        (Round(200, 1000), 200, 4601, False, UpdateCause.HEARTBEAT),
        (Round(200, 1000), 201, 4601, True, UpdateCause.DEVIATION),
        (Round(200, 1000), 200, 1001, True, UpdateCause.REQUESTED),
        (Round(200, 1000), 200, 900, False, None),
    ],
)
def test_why_a_round_is_made(
    latest: Round | None, answer: int, now: int, requested: bool, cause: UpdateCause | None
) -> None:
    assert update_cause(HALF_PER_CENT, latest, answer, now, requested) is cause


def test_without_a_threshold_only_the_heartbeat_makes_rounds() -> None:
    rule = UpdateRule(None, 60)
    assert update_cause(rule, Round(1, 0), 10**9, 60) is None
    assert update_cause(rule, Round(1, 0), 10**9, 61) is UpdateCause.HEARTBEAT


def test_the_units_of_a_chainlink_configuration() -> None:
    assert UpdateRule.per_billion(5_000_000, 3600) == HALF_PER_CENT
    with pytest.raises(InputError):
        UpdateRule.per_billion(-1, 3600)


def test_datetimes_and_seconds_mix() -> None:
    start = datetime(2026, 1, 31, 12, tzinfo=UTC)
    latest = Round(200, start)
    assert update_cause(HALF_PER_CENT, latest, 200, start + timedelta(hours=1)) is None
    late = int(start.timestamp()) + 3601
    assert update_cause(HALF_PER_CENT, latest, 200, late) is UpdateCause.HEARTBEAT


def test_a_round_is_fresh_for_a_heartbeat_and_a_grace() -> None:
    rule = FreshnessRule.of_heartbeat(3600, 40, max_ahead=5)
    assert rule.check("btc", 1000, 4640) is None
    assert rule.check("btc", 1000, 995) is None
    assert rule.check("btc", 1000, 4641) == Reason(
        ReasonKind.STALE, "btc", "an age of at most 3640 seconds", "3641 seconds"
    )
    assert rule.check("btc", 1000, 994) == Reason(
        ReasonKind.AHEAD, "btc", "a time at most 5 seconds ahead", "6 seconds"
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: UpdateRule(Fraction(-1, 2), 60),
        lambda: UpdateRule(0.005, 60),  # type: ignore[arg-type]
        lambda: UpdateRule(None, 0),
        lambda: FreshnessRule(-1),
        lambda: FreshnessRule(10, -1),
        lambda: FreshnessRule.of_heartbeat(0, 0),
        lambda: FreshnessRule.of_heartbeat(10, -1),
        lambda: Round(1.0, 0),  # type: ignore[arg-type]
        lambda: Round(1, -1),
        lambda: update_cause(HALF_PER_CENT, None, 1.0, 0),  # type: ignore[arg-type]
        lambda: deviates(1, 2, -1),
    ],
)
def test_what_is_out_of_range_is_refused(make: Any) -> None:
    with pytest.raises(InputError):
        make()
