"""From mod r to the integers: intervals, ranged slots, and the bound of a row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import row
from zkcollateral.circuits.lift import Interval, check_lift, ranged_slots, vouched_interval
from zkcollateral.circuits.statement import LinearSystem, Row
from zkcollateral.crypto.field import MODULUS
from zkcollateral.errors import CompileError, LiftError

HALF = MODULUS // 2
RANGE = row([(0, 0, 1)], [(0, -1)])
SIGNED_RANGE = row([(0, 0, 1)], [(0, -1)], -(2**63))


def ranged(*rows: Row) -> dict[tuple[int, int], Interval]:
    return ranged_slots(LinearSystem(rows))


# --- intervals


ENDS = st.integers(-(2**70), 2**70)


@given(ENDS, ENDS, ENDS, ENDS, st.integers(-(2**70), 2**70))
def test_interval_arithmetic(a: int, b: int, c: int, d: int, factor: int) -> None:
    """The ends of sums and multiples are those of all four, or two, combinations."""
    first, second = Interval(min(a, b), max(a, b)), Interval(min(c, d), max(c, d))
    total, scaled = first + second, first * factor
    assert total == Interval(min(a, b) + min(c, d), max(a, b) + max(c, d))
    assert scaled == Interval(min(a * factor, b * factor), max(a * factor, b * factor))


def test_vouched_interval() -> None:
    assert vouched_interval(1, unsigned=False) == Interval(-(2**63), 2**63)
    assert vouched_interval(1, unsigned=True) == Interval(0, 2**63)
    assert vouched_interval(64, unsigned=False) == Interval(-(2**69), 2**69)
    assert vouched_interval(64, unsigned=True) == Interval(0, 2**69)


# --- what counts as ranged


def test_the_two_forms_of_a_range() -> None:
    assert ranged(RANGE) == {(0, 0): Interval(0, 2**64 - 1)}
    assert ranged(SIGNED_RANGE) == {(0, 0): Interval(-(2**63), 2**63 - 1)}


@pytest.mark.parametrize(
    "almost",
    [
        row([(0, 0, 1), (0, 1, 1)], [(0, -1)]),
        row([(0, 0, 1), (1, 0, 1)], [(0, -1)]),
        row([(0, 0, 2)], [(0, -1)]),
        row([(0, 0, -1)], [(0, -1)]),
        row([(0, 0, 1)], [(0, 1)]),
        row([(0, 0, 1)], [(0, -2)]),
        row([(0, 0, 1)], [(0, -1), (1, -(2**64))]),
        row([(0, 0, 1)], [(0, -1)], 1),
        row([(0, 0, 1)], [(0, -1)], 2**63),
        row([(0, 0, 1)], [(0, -1)], -(2**63) + 1),
        row([(0, 0, 1)], [(0, -1)], -(2**64)),
        row([(0, 0, 1)]),
        row([], [(0, -1)]),
    ],
)
def test_what_is_no_range(almost: Row) -> None:
    """Guards: exactly the two forms of section 4; each of these differs in one thing."""
    assert ranged(almost) == {}


def test_ranges_are_by_account_and_slot() -> None:
    found = ranged(
        row([(0, 3, 1)], [(0, -1)]),
        row([(1, 3, 1)], [(1, -1)], -(2**63)),
        row([(1, 4, 1), (0, 3, 1)][::-1], [(2, -1)]),
    )
    assert set(found) == {(0, 3), (1, 3)}


def test_one_value_may_range_two_slots() -> None:
    """x_0 − v = 0 and x_1 − v = −2^63 each range their slot, whatever v is."""
    found = ranged(RANGE, row([(0, 1, 1)], [(0, -1)], -(2**63)))
    assert found == {(0, 0): Interval(0, 2**64 - 1), (0, 1): Interval(-(2**63), 2**63 - 1)}


# --- the check


def test_slots_that_nobody_bounds() -> None:
    system = LinearSystem([RANGE, row([(0, 0, 1), (0, 1, 1)], [(1, -1)])])
    with pytest.raises(LiftError, match=r"slot 1 of account 0"):
        check_lift(system, {})
    check_lift(system, {(0, 1): Interval(0, 1)})
    with pytest.raises(LiftError, match=r"slot 1 of account 0"):
        check_lift(system, {(1, 1): Interval(0, 1), (0, 2): Interval(0, 1)})


def test_a_lift_error_is_a_compile_error() -> None:
    with pytest.raises(CompileError):
        check_lift(LinearSystem([row([(0, 0, 1)])]), {})


@pytest.mark.parametrize("sign", [1, -1])
def test_the_bound_is_exact(sign: int) -> None:
    """max|left side| + |e| < r/2: HALF is the largest integer below it."""
    vouched = {(0, 0): Interval(0, 1), (0, 1): Interval(0, 1)}
    coefficient = 2**249
    rest = HALF - coefficient
    rows = [
        row([(0, 0, sign * coefficient)], (), rest),
        row([(0, 0, sign * coefficient)], (), -rest),
    ]
    check_lift(LinearSystem(rows), vouched)
    for constant in (rest + 1, -rest - 1):
        with pytest.raises(LiftError, match="row 1"):
            check_lift(
                LinearSystem([rows[0], row([(0, 0, sign * coefficient)], (), constant)]), vouched
            )


def test_the_bound_takes_the_larger_side() -> None:
    system = LinearSystem([row([(0, 0, 2**249)])])
    check_lift(system, {(0, 0): Interval(-1, 28)})
    with pytest.raises(LiftError):
        check_lift(system, {(0, 0): Interval(-29, 1)})
    with pytest.raises(LiftError):
        check_lift(system, {(0, 0): Interval(-1, 29)})


def test_values_without_account_terms_are_bounded_too() -> None:
    check_lift(LinearSystem([row([], [(0, 2**188), (1, -(2**188))])]), {})
    with pytest.raises(LiftError):
        check_lift(LinearSystem([row([], [(0, 2**190)])]), {})


def test_vouched_and_ranged_takes_the_narrower() -> None:
    """A slot that is both lies in both intervals."""
    tight = row([(0, 0, 2**191 - 2**190)])
    with pytest.raises(LiftError):
        check_lift(LinearSystem([tight]), {(0, 0): vouched_interval(64, unsigned=True)})
    with pytest.raises(LiftError):
        check_lift(LinearSystem([RANGE, tight]), {})
    with pytest.raises(LiftError):
        check_lift(LinearSystem([RANGE, tight]), {(0, 0): vouched_interval(64, unsigned=True)})
    check_lift(
        LinearSystem([RANGE, row([(0, 0, 2**189)])]), {(0, 0): vouched_interval(64, unsigned=True)}
    )


@given(
    st.lists(
        st.tuples(st.integers(-(2**249), 2**249).filter(bool), st.integers(0, 2**64 - 1)),
        min_size=1,
        max_size=4,
    ),
    st.integers(-HALF, HALF),
)
def test_what_passes_cannot_wrap(terms: list[tuple[int, int]], constant: int) -> None:
    """Guards: all of it. A row that passes has one and the same truth mod r and over the
    integers.
    """
    coefficients = [coefficient for coefficient, _ in terms]
    system = LinearSystem(
        [row([(0, slot, c) for slot, c in enumerate(coefficients)], (), constant)]
    )
    vouched = {(0, slot): Interval(0, 2**64 - 1) for slot in range(len(terms))}
    try:
        check_lift(system, vouched)
    except LiftError:
        return
    total = sum(coefficient * amount for coefficient, amount in terms) - constant
    assert (total % MODULUS == 0) is (total == 0)
    assert abs(total) < MODULUS
