"""The interval on which a margin is at least 0: exact, against intervals known beforehand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zkcollateral.risk.safe_range import FARTHEST, TICK, Edge, SafeRange, safe_range

Line = tuple[Fraction, Fraction]
"""Value at 0 and slope."""

F = Fraction


def lowest(lines: Sequence[Line]) -> Callable[[Fraction], Fraction]:
    return lambda at: min(value + slope * at for value, slope in lines)


def exact(lower: Fraction | None, upper: Fraction | None) -> SafeRange:
    return SafeRange(
        None if lower is None else Edge(lower, exact=True),
        None if upper is None else Edge(upper, exact=True),
    )


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([(F(-1), F(3))], exact(F(1, 3), None)),
        ([(F(5), F(-3))], exact(None, F(5, 3))),
        ([(F(1), F(0))], exact(None, None)),
        ([(F(0), F(0))], exact(None, None)),
        ([(F(-1), F(0))], None),
        ([(F(-7), F(2))], exact(F(7, 2), None)),
        ([(F(1, 3), F(-1))], exact(None, F(1, 3))),
        ([(F(-1), F(2)), (F(7), F(-3))], exact(F(1, 2), F(7, 3))),
        # One safe point only, far from where the search begins, and next to nothing but that.
        ([(F(-6), F(2)), (F(9), F(-3))], exact(F(3), F(3))),
        ([(F(-1), F(0)), (F(-4), F(2))], None),
        ([(F(-3), F(1)), (F(1), F(-1))], None),
        # Exactly 0 over a stretch, as with a cap that is just enough.
        ([(F(0), F(0)), (F(-1), F(2))], exact(F(1, 2), None)),
        ([(F(0), F(0)), (F(5, 3), F(-1))], exact(None, F(5, 3))),
        # A root at 0, and at the multiple of today.
        ([(F(0), F(-1))], exact(None, F(0))),
        ([(F(-2), F(2))], exact(F(1), None)),
        ([(F(-1), F(10**11))], exact(F(1, 10**11), None)),
        ([(F(10**9), F(-1))], exact(None, F(10**9))),
        ([(FARTHEST * 2, F(-1))], exact(None, None)),
    ],
)
def test_straight_lines(lines: list[Line], expected: SafeRange | None) -> None:
    assert safe_range(lowest(lines), ()) == expected


VALUES = st.fractions(-50, 50, max_denominator=12)
LINES = st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=6)


def interval(lines: Sequence[Line], low: Fraction, high: Fraction) -> tuple[Fraction, ...]:
    """Where all lines are at least 0 between two multiples; nothing if nowhere."""
    for value, slope in lines:
        if slope > 0:
            low = max(low, -value / slope)
        elif slope < 0:
            high = min(high, -value / slope)
        elif value < 0:
            return ()
    return (low, high) if low <= high else ()


@given(LINES)
@settings(max_examples=300)
def test_the_lowest_of_any_lines(lines: list[Line]) -> None:
    found = safe_range(lowest(lines), ())
    expected = interval(lines, F(0), FARTHEST)
    if not expected:
        assert found is None
        return
    low, high = expected
    assert found == exact(low or None, None if high == FARTHEST else high)


@given(
    LINES,
    st.dictionaries(
        st.fractions(F(1, 10), 4, max_denominator=20), st.fractions(0, 30, max_denominator=5)
    ),
)
@settings(max_examples=300)
def test_lines_that_drop(lines: list[Line], drops: dict[Fraction, Fraction]) -> None:
    """At a drop the margin still has the upper value: intervals that meet there are one."""

    def margin(at: Fraction) -> Fraction:
        return lowest(lines)(at) - sum(size for drop, size in drops.items() if at > drop)

    merged: list[tuple[Fraction, Fraction]] = []
    for left, right in pairwise([F(0), *sorted(drops), FARTHEST]):
        fallen = sum((size for drop, size in drops.items() if drop <= left), F(0))
        part = interval([(value - fallen, slope) for value, slope in lines], left, right)
        # What is just the open end of a piece is the closed end of the one before, if at all.
        if part and (part[1] > left or left == 0):
            low, high = part
            if merged and merged[-1][1] == low == left:
                merged[-1] = merged[-1][0], high
            else:
                merged.append((low, high))
    found = safe_range(margin, drops)
    if not merged:
        assert found is None
        return
    low, high = min(merged, key=lambda pair: max(pair[0] - 1, 1 - pair[1], F(0)))
    assert found == exact(low or None, None if high == FARTHEST else high)


def test_the_interval_ends_at_a_drop_although_it_is_safe_again_later() -> None:
    def margin(at: Fraction) -> Fraction:
        return (at if at <= F(6, 5) else at / 2) - F(7, 10)

    assert safe_range(margin, [F(6, 5)]) == exact(F(7, 10), F(6, 5))
    # From further up it is the other interval, which begins at the root behind the drop.
    assert safe_range(lambda at: margin(at * 2), [F(3, 5)]) == exact(F(7, 10), None)


@pytest.mark.parametrize("size", [F(1, 7), F(1, 10**6 + 3), F(3, 10**9 + 7)])
def test_a_staircase_has_a_last_safe_tick(size: Fraction) -> None:
    """Value is rounded down to whole `size`: no root, but the first step that is high enough."""

    def margin(at: Fraction) -> Fraction:
        return floor(at / size) * size - F(2, 3)

    found = safe_range(margin, (), stepped=True)
    assert found is not None
    assert found.upper is None
    edge = found.lower
    assert edge is not None
    assert not edge.exact
    assert (edge.at / TICK).denominator == 1
    assert margin(edge.at) >= 0
    assert margin(edge.at - TICK) < 0
    step = -(-F(2, 3) // size) * size
    assert step <= edge.at < step + TICK


def test_a_falling_staircase_too() -> None:
    def margin(at: Fraction) -> Fraction:
        return F(5, 3) + floor(-at * 1000) / F(1000)

    found = safe_range(margin, (), stepped=True)
    assert found is not None
    assert found.lower is None
    assert found.upper == Edge(F(1666, 1000), exact=False)


@pytest.mark.parametrize("units", [10**3, 10**8, 2**63 - 1])
def test_a_boundary_in_value_that_is_rounded_to_units_still_leaves_a_root(units: int) -> None:
    """Above a value of 1/2 only half counts; the boundary is rounded down to whole units.

    Downwards the margin jumps up only, so that a root exists: it is found whatever the unit.
    """

    def margin(at: Fraction) -> Fraction:
        if not at:
            return F(-2, 3)
        start = min(floor(F(1, 2) / (at / units)), units)
        return (start + F(units - start, 2)) * at / units - F(2, 3)

    found = safe_range(margin, ())
    assert found is not None
    assert found.upper is None
    edge = found.lower
    assert edge is not None
    assert edge.exact
    assert margin(edge.at) == 0
    assert margin(edge.at - F(1, 10**25)) < 0
    assert abs(edge.at - F(5, 6)) < F(2, units)


def test_a_straight_margin_takes_a_handful_of_evaluations() -> None:
    asked = []

    def margin(at: Fraction) -> Fraction:
        asked.append(at)
        return 3 * at - 1

    assert safe_range(margin, ()) == exact(F(1, 3), None)
    assert len(asked) <= 12
