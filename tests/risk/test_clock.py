"""Times have one spelling."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.risk import clock

TIMES = st.datetimes(timezones=st.just(UTC)).map(lambda time: time.replace(microsecond=0))


@given(TIMES)
def test_a_time_is_read_as_it_was_written(time: datetime) -> None:
    text = clock.format_time(time)
    assert len(text) == 20
    assert clock.parse_time(text) == time


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T12:00:00",
        "2026-01-31T12:00:00z",
        "2026-01-31t12:00:00Z",
        "2026-01-31 12:00:00Z",
        "2026-01-31T12:00:00+00:00",
        "2026-01-31T12:00:00.0Z",
        "2026-01-31T12:00Z",
        "2026-1-31T12:00:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T12:60:00Z",
        "2026-01-31T12:00:60Z",
        "2026-13-31T12:00:00Z",
        "2026-02-29T12:00:00Z",
        "0000-01-31T12:00:00Z",
        "2026-01-31T12:00:00Z\n",
        "２０２６-01-31T12:00:00Z",
        "",
    ],
)
def test_another_spelling_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"2026|out of range|must be in|day is"):
        clock.parse_time(text)


@pytest.mark.parametrize(
    "time",
    [
        datetime(2026, 1, 31),  # noqa: DTZ001
        datetime(2026, 1, 31, microsecond=1, tzinfo=UTC),
        datetime(2026, 1, 31, tzinfo=timezone(timedelta(seconds=1))),
    ],
)
def test_only_whole_utc_seconds_are_written(time: datetime) -> None:
    with pytest.raises(ValueError, match="UTC"):
        clock.format_time(time)


def test_now_can_be_written() -> None:
    assert clock.parse_time(clock.format_time(clock.now())) <= clock.now()


@given(TIMES, TIMES)
def test_seconds_between_are_signed(earlier: datetime, later: datetime) -> None:
    seconds = clock.seconds_between(earlier, later)
    assert earlier + timedelta(seconds=seconds) == later
    assert clock.seconds_between(later, earlier) == -seconds
