"""Durations in options: 7d, 12h, 30m, 45s."""

from __future__ import annotations

import re
from typing import Final

from ..errors import InputError

_UNITS: Final = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION: Final = re.compile(r"([0-9]{1,9})([wdhms])")


def seconds_of(option: str, text: str) -> int:
    """The seconds of a duration; InputError names the option."""
    match = _DURATION.fullmatch(text)
    if match is None:
        expected = "a whole number of w, d, h, m or s such as 7d or 12h"
        raise InputError(option, expected, repr(text)[:80])
    return int(match.group(1)) * _UNITS[match.group(2)]


def in_words(seconds: float) -> str:
    """A duration for people, in its largest fitting unit."""
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size or (seconds >= size and seconds % size == 0):
            count = f"{seconds / size:.4g}"
            return f"{count} {unit}" if count != "1" else f"1 {unit[:-1]}"
    return f"{seconds:.4g} seconds"
