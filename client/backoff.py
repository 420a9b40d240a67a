"""How long to wait before trying again."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Final

from ..crypto.randomness import random_bytes
from ..risk.clock import now

FIRST_WAIT: Final = 0.25
LONGEST_WAIT: Final = 60.0
_DOUBLINGS: Final = 7


def backoff(attempt: int, asked: float | None = None, *, longest: float = LONGEST_WAIT) -> float:
    """Seconds to wait after a failed attempt: twice as long each time, and never two alike.

    Args:
        attempt: 0 after the first.
        asked: what the service asked for; never less than that.
        longest: the most.
    """
    span = min(FIRST_WAIT * 2.0 ** min(attempt, _DOUBLINGS), longest)
    # Many clients that lose a service at once must not come back at once.
    share = int.from_bytes(random_bytes(2), "big") / 0xFFFF
    wait = span * (0.5 + share / 2)
    return wait if asked is None else min(max(wait, asked), longest)


def seconds_of(retry_after: str | None) -> float | None:
    """The seconds in a Retry-After header; None if there are none to be read."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 9:
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - now()).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None
