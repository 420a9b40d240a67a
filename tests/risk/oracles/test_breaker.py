"""The circuit breaker: when it trips, what it holds, how it is reset."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.oracles.breaker import Breaker, BreakerRule, Passed, Trip
from zkcollateral.risk.oracles.outcome import ReasonKind, Refusal


def breaker(**rule: Any) -> Breaker:
    """Ten per cent within a minute; five minutes to cool down."""
    return Breaker(BreakerRule(Fraction(1, 10), 60, 300, **rule))


def run(state: Breaker, *calls: tuple[int, Fraction | int]) -> tuple[Breaker, Any]:
    outcome: Any = None
    for time, price in calls:
        state, outcome = state.observe(price, time)
    return state, outcome


@pytest.mark.parametrize("price", [110, 90, 100])
def test_a_move_up_to_the_bound_passes(price: int) -> None:
    state, outcome = run(breaker(), (0, 100), (60, price))
    assert outcome == Passed(Fraction(price))
    assert state.trip is None
    assert state.accepted == ((0, 100), (60, price))


@pytest.mark.parametrize("price", [Fraction(11001, 100), Fraction(8999, 100)])
def test_a_larger_move_halts(price: Fraction) -> None:
    state, outcome = run(breaker(), (0, 100), (60, price))
    assert isinstance(outcome, Refusal)
    assert outcome.kinds() == (ReasonKind.HALTED,)
    assert state.trip == Trip(60, Fraction(90), Fraction(110))
    # Back within the bounds, it stays halted until the cool-down has passed.
    _, again = run(state, (61, 100))
    assert isinstance(again, Refusal)


def test_small_steps_add_up_within_the_window() -> None:
    _, outcome = run(breaker(), (0, 100), (30, 107), (60, 111))
    assert isinstance(outcome, Refusal)
    _, outcome = run(breaker(), (0, 100), (30, 107), (61, 111))
    assert outcome == Passed(Fraction(111))


def test_a_fall_is_measured_from_the_highest_within_the_window() -> None:
    _, outcome = run(breaker(), (0, 100), (30, 107), (60, 96))
    assert isinstance(outcome, Refusal)
    _, outcome = run(breaker(), (0, 100), (30, 107), (91, 96))
    assert outcome == Passed(Fraction(96))


def test_before_an_empty_window_any_price_passes() -> None:
    _, outcome = run(breaker(), (0, 100), (61, 10**6))
    assert outcome == Passed(Fraction(10**6))


def test_it_closes_by_itself_after_the_cool_down_and_forgets() -> None:
    tripped, _ = run(breaker(), (0, 100), (10, 200))
    _, early = run(tripped, (309, 200))
    assert isinstance(early, Refusal)
    state, outcome = run(tripped, (310, 200))
    assert outcome == Passed(Fraction(200))
    assert (state.trip, state.accepted) == (None, ((310, 200),))


def test_a_manual_reset_is_needed_if_the_rule_says_so() -> None:
    tripped, _ = run(breaker(reset="manual"), (0, 100), (10, 200))
    tripped, outcome = run(tripped, (300, 200))
    assert isinstance(outcome, Refusal)
    with pytest.raises(InputError, match="a time of at least 310, got 309"):
        tripped.reset(309)
    with pytest.raises(InputError, match="a time from 300"):
        tripped.reset(299)
    _, outcome = run(tripped, (400, 200))
    assert isinstance(outcome, Refusal)
    closed = tripped.reset(310)
    assert run(closed, (310, 200))[1] == Passed(Fraction(200))
    with pytest.raises(InputError, match="one that is not"):
        closed.reset(311)


def test_clamping_holds_the_price_to_the_bounds_of_the_trip() -> None:
    state, outcome = run(breaker(action="clamp"), (0, 100), (10, 200))
    assert outcome.price == 110
    assert outcome.note.kind is ReasonKind.CLAMPED
    state, outcome = run(state, (200, 50))
    assert outcome.price == 90
    state, outcome = run(state, (201, 105))
    assert outcome == Passed(Fraction(105))
    assert run(state, (310, 50))[1] == Passed(Fraction(50))


CALLS = st.lists(
    st.tuples(st.integers(0, 100), st.fractions(min_value=1, max_value=1000)), max_size=30
)


@given(CALLS, st.sampled_from(["halt", "clamp"]))
def test_accepted_prices_lie_within_the_bound_of_each_other(
    calls: list[tuple[int, Fraction]], action: Any
) -> None:
    state, now = breaker(action=action), 0
    for elapsed, price in calls:
        now += elapsed
        state, outcome = state.observe(price, now)
        for index, (earlier, first) in enumerate(state.accepted):
            assert now - earlier <= 60 or state.trip is not None
            for _, second in state.accepted[index:]:
                assert abs(second - first) <= first / 10
        if state.trip is None:
            assert outcome == Passed(price)
        elif isinstance(outcome, Passed):
            assert state.trip.low <= outcome.price <= state.trip.high
            assert (outcome.note is None) == (outcome.price == price)


def test_time_does_not_run_backwards() -> None:
    state, _ = run(breaker(), (100, 5))
    assert run(state, (100, 5))[1] == Passed(Fraction(5))
    with pytest.raises(InputError, match="breaker: time"):
        state.observe(5, 99)


@pytest.mark.parametrize(
    "make",
    [
        lambda: BreakerRule(0, 60, 0),
        lambda: BreakerRule(1, 60, 0),
        lambda: BreakerRule(0.1, 60, 0),  # type: ignore[arg-type]
        lambda: BreakerRule(Fraction(1, 2), 0, 0),
        lambda: BreakerRule(Fraction(1, 2), 1, -1),
        lambda: BreakerRule(Fraction(1, 2), 1, 0, "stop"),  # type: ignore[arg-type]
        lambda: BreakerRule(Fraction(1, 2), 1, 0, "halt", "never"),  # type: ignore[arg-type]
        lambda: breaker().observe(0, 0),
        lambda: breaker().observe(-1, 0),
        lambda: breaker().observe(1.0, 0),  # type: ignore[arg-type]
        lambda: breaker().reset(0),
    ],
)
def test_what_is_out_of_range_is_refused(make: Any) -> None:
    with pytest.raises(InputError, match=r"^breaker: "):
        make()
