"""Doubles that callers give to a simulation, each checked in one way."""

from __future__ import annotations

from math import inf, isnan

from ...errors import InputError


def number(
    where: str,
    value: object,
    *,
    low: float = -inf,
    high: float = inf,
    above: float | None = None,
    infinite: bool = False,
) -> float:
    """`value` as a double if it is a number in the range.

    Args:
        where: what the number is, as a person would look for it.
        value: from a caller; a bool is refused.
        low, high: the range, both included.
        above: a bound that is not included.
        infinite: whether infinity is a number here.

    Raises:
        InputError: anything else, NaN among it.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError(where, "a number", f"a {type(value).__name__}")
    found = float(value)
    if isnan(found) or (abs(found) == inf and not infinite):
        raise InputError(where, "a finite number", str(found))
    if above is not None and found <= above:
        raise InputError(where, f"a number above {above:g}", f"{found:g}")
    if found < low:
        raise InputError(where, f"a number of at least {low:g}", f"{found:g}")
    if found > high:
        raise InputError(where, f"a number of at most {high:g}", f"{found:g}")
    return found
