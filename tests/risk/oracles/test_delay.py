"""Maker's oracle security module: one hop of delay, and its stop."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.fixed_point import WAD
from zkcollateral.risk.oracles.delay import DelayedPrice

HOP = 3600


def set_up() -> DelayedPrice:
    """makerdao/osm, src/osm.t.sol, setUp: a source of 100, poked one hop after 1970."""
    return DelayedPrice().poke(100 * WAD, HOP)


# src/osm.t.sol, testSetHop and testFailSetHopZero.
def test_set_hop() -> None:
    assert set_up().hop == 3600
    assert set_up().step(7200).hop == 7200
    for wrong in (0, 2**16):
        with pytest.raises(InputError, match="osm: hop"):
            set_up().step(wrong)


# src/osm.t.sol, testVoid.
def test_void() -> None:
    osm = set_up()
    assert not osm.stopped
    osm = osm.poke(100 * WAD, 2 * HOP)
    assert osm.peek() == (100 * WAD, True)
    assert osm.peep() == (100 * WAD, True)
    void = osm.void()
    assert void.stopped
    assert void.peek() == (0, False)
    assert void.peep() == (0, False)
    assert (void.last, void.hop) == (osm.last, osm.hop)


# src/osm.t.sol, testPoke.
def test_poke() -> None:
    osm = set_up().poke(101 * WAD, 2 * HOP)
    assert osm.peek() == (100 * WAD, True)
    assert osm.peep() == (101 * WAD, True)
    osm = osm.poke(101 * WAD, 3 * HOP)
    assert osm.peek() == (101 * WAD, True)


# src/osm.t.sol, testFailPoke.
def test_fail_poke() -> None:
    with pytest.raises(InputError, match="osm: poke: expected a time of at least 7200, got 7199"):
        set_up().poke(101 * WAD, 2 * HOP - 1)


def test_the_first_poke_leaves_no_current_price() -> None:
    osm = set_up()
    assert osm.peek() == (0, False)
    assert osm.peep() == (100 * WAD, True)
    with pytest.raises(InputError, match="osm: read: expected a current value"):
        osm.read()
    assert osm.poke(1, 2 * HOP).read() == 100 * WAD


def test_time_is_aligned_to_the_hop_so_the_next_poke_may_be_sooner_than_a_hop() -> None:
    osm = set_up().poke(101, 2 * HOP + 3599)
    assert osm.last == 2 * HOP
    assert osm.poke(102, 3 * HOP).last == 3 * HOP


def test_a_source_without_a_value_changes_nothing_and_is_no_error() -> None:
    osm = set_up()
    assert osm.poke(None, 2 * HOP) == osm
    with pytest.raises(InputError):
        osm.poke(None, 2 * HOP - 1)


def test_a_stopped_module_keeps_its_prices_and_takes_none() -> None:
    osm = set_up().poke(101, 2 * HOP)
    stopped = osm.stop()
    assert (stopped.peek(), stopped.peep()) == (osm.peek(), osm.peep())
    for source in (None, 102):
        with pytest.raises(InputError, match="not stopped"):
            stopped.poke(source, 9 * HOP)
    assert stopped.start() == osm


def test_a_source_may_say_zero_and_it_is_valid() -> None:
    osm = set_up().poke(0, 2 * HOP).poke(1, 3 * HOP)
    assert osm.peek() == (0, True)


@given(
    st.integers(1, 7200),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 10**6) | st.none()), max_size=20),
)
def test_a_price_is_never_used_before_the_next_poke(
    hop: int, calls: list[tuple[int, int | None]]
) -> None:
    osm, now, taken = DelayedPrice(hop=hop), 0, []
    for elapsed, source in calls:
        now += elapsed
        if not osm.passed(now):
            with pytest.raises(InputError):
                osm.poke(source, now)
            continue
        before = osm
        osm = osm.poke(source, now)
        if source is None:
            assert osm == before
            continue
        taken.append(source)
        assert osm.last % hop == 0
        assert now - hop < osm.last <= now
        assert osm.next == source
        assert osm.current == (taken[-2] if len(taken) > 1 else None)


@pytest.mark.parametrize(
    "make",
    [
        lambda: DelayedPrice(hop=0),
        lambda: DelayedPrice(last=-1),
        lambda: DelayedPrice(current=-1),
        lambda: DelayedPrice(next=2**128),
        lambda: set_up().poke(-1, 2 * HOP),
        lambda: set_up().poke(2**128, 2 * HOP),
        lambda: set_up().poke(1.5, 2 * HOP),  # type: ignore[arg-type]
        lambda: set_up().poke(Fraction(3, 2), 2.0 * HOP),  # type: ignore[arg-type]
    ],
)
def test_what_is_out_of_range_is_refused(make: Any) -> None:
    with pytest.raises(InputError, match=r"^osm: "):
        make()
