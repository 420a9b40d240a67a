"""What callers of the engine give it: exact numbers, moments and names, each checked in one way."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from fractions import Fraction
from typing import TypeAlias

from ..errors import InputError
from .clock import require_utc, seconds_between
from .fixed_point import whole

Rational: TypeAlias = Fraction | int
"""An exact number: int, Fraction or `values.Exact`. Never a float."""

Moment: TypeAlias = datetime | int
"""A UTC datetime in whole seconds, or seconds since 1970-01-01T00:00:00Z."""

MAX_SECONDS = 10**9
"""The longest duration a rule may name, about 31 years."""

MAX_INSTANT = 2**48 - 1
"""The last second an integer moment may name: what fits the narrowest timestamp of a contract."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+-]{0,63}")


def exact(
    where: str,
    value: object,
    *,
    low: Rational | None = None,
    high: Rational | None = None,
    above: Rational | None = None,
) -> Fraction:
    """`value` as a Fraction if it is an exact number in the range.

    Args:
        where: what the number is, as a person would look for it.
        value: from a caller; a float, a Decimal or a bool is refused.
        low, high: the range, both included; None is unbounded.
        above: a bound that is not included.

    Raises:
        InputError: anything else.
    """
    if isinstance(value, bool) or not isinstance(value, (int, Fraction)):
        raise InputError(where, "an integer or a Fraction", f"a {type(value).__name__}")
    if above is not None and value <= above:
        raise InputError(where, f"a number above {above}", "another")
    if low is not None and value < low:
        raise InputError(where, f"a number of at least {low}", "another")
    if high is not None and value > high:
        raise InputError(where, f"a number of at most {high}", "another")
    return Fraction(value)


def share(where: str, value: object) -> Fraction:
    """`value` as a Fraction from 0 to 1, both included; InputError otherwise."""
    return exact(where, value, low=0, high=1)


def instant(where: str, moment: object) -> int:
    """`moment` in seconds since 1970; InputError if it is no UTC time in whole seconds."""
    if isinstance(moment, datetime):
        require_utc(moment, where)
        return whole(where, seconds_between(_EPOCH, moment), 0, MAX_INSTANT)
    if isinstance(moment, bool) or not isinstance(moment, int):
        raise InputError(
            where, "a UTC datetime or integer seconds since 1970", f"a {type(moment).__name__}"
        )
    return whole(where, moment, 0, MAX_INSTANT)


def duration(where: str, value: object, low: int = 0) -> int:
    """`value` if it is whole seconds from `low` to MAX_SECONDS; InputError otherwise."""
    return whole(where, value, low, MAX_SECONDS)


def name(where: str, value: object) -> str:
    """`value` if it can name a source; InputError otherwise."""
    if not isinstance(value, str):
        raise InputError(where, "a name", f"a {type(value).__name__}")
    if _NAME.fullmatch(value) is None:
        raise InputError(
            where,
            "a name of 1 to 64 letters, digits or ._:/+- that starts with a letter or digit",
            repr(value[:80]),
        )
    return value


def label(where: str, value: object) -> str:
    """`value` if it is a text that is not empty; InputError otherwise."""
    if not isinstance(value, str):
        raise InputError(where, "a name", f"a {type(value).__name__}")
    if not value:
        raise InputError(where, "a name", "an empty text")
    return value


def one_of(where: str, value: object, allowed: tuple[str, ...]) -> None:
    """InputError unless `value` is one of the allowed words."""
    if value not in allowed:
        raise InputError(where, "one of " + ", ".join(allowed), repr(value)[:80])


def instance(where: str, value: object, wanted: type) -> None:
    """InputError unless `value` is a `wanted`."""
    if not isinstance(value, wanted):
        raise InputError(where, f"a {wanted.__name__}", f"a {type(value).__name__}")
