"""The one place that reads the clock, and the one spelling of a time.

Times are UTC and whole seconds, written as RFC 3339 has it: `2026-01-31T12:00:00Z`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from ..errors import InputError

_TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z")


def now() -> datetime:
    """The current time, UTC, cut to whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def parse_time(text: str) -> datetime:
    """The time that `text` spells; ValueError unless it is exactly `YYYY-MM-DDTHH:MM:SSZ`."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("not of the form 2026-01-31T12:00:00Z")
    year, month, day, hour, minute, second = map(int, match.groups())
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def format_time(time: datetime) -> str:
    """`2026-01-31T12:00:00Z`; ValueError unless `time` is UTC and whole seconds."""
    offset = time.utcoffset()
    if offset is None or offset or time.microsecond:
        raise ValueError("a time is UTC and whole seconds")
    return time.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def require_utc(time: datetime, what: str) -> None:
    """InputError unless `time` is UTC and whole seconds."""
    try:
        format_time(time)
    except ValueError:
        raise InputError(what, "a UTC time in whole seconds", "another time") from None


def seconds_between(earlier: datetime, later: datetime) -> int:
    """Whole seconds from `earlier` to `later`; negative if they are the other way round.

    Ages are compared as integers: adding a large age to a time could leave the calendar.
    """
    difference = later - earlier
    return difference.days * 86_400 + difference.seconds
