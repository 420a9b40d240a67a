"""Loops: leverage, yield, health, depeg, days; and what undoing them costs."""

from __future__ import annotations

from fractions import Fraction as F
from math import isclose
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.liquidation.depth import ConstantProductPool, Level, OrderBook
from zkcollateral.risk.wrapped.loop import Loop, leverage_after, leverage_limit, loops_for
from zkcollateral.risk.wrapped.unwind import (
    Pool,
    Queue,
    Unwinding,
    unwind_by_flash_loan,
    unwind_by_steps,
)

PERCENT = F(1, 100)


def loop(collateral: int | F = 100, debt: int | F = 80, **changes: Any) -> Loop:
    fields = {"threshold": F(95, 100), "stake": F(3, 100), "borrow": F(2, 100), **changes}
    return Loop(F(collateral), F(debt), **fields)


def pool(base: int, quote: int, fee: F = F(0)) -> Pool:
    return Pool(ConstantProductPool(F(base), F(quote), fee))


@given(st.integers(0, 95), st.integers(0, 30))
def test_a_loop_is_a_loan_and_a_purchase_again_and_again(percent: int, loops: int) -> None:
    """Played out one by one, against the closed form."""
    ltv, added, held, owed = percent * PERCENT, F(10), F(10), F(0)
    for _ in range(loops):
        added *= ltv
        owed += added
        held += added
    found = Loop.of_loops(10, ltv, loops, F(96, 100), 0, 0)
    assert (found.collateral, found.debt, found.equity) == (held, owed, 10)
    assert found.leverage == leverage_after(ltv, loops) < leverage_limit(ltv) or not percent


@given(st.integers(1, 95), st.integers(0, 40))
def test_the_fewest_loops_for_a_leverage(percent: int, loops: int) -> None:
    ltv = percent * PERCENT
    reached = leverage_after(ltv, loops)
    assert loops_for(ltv, reached) == loops
    assert loops_for(ltv, reached + F(1, 10**90)) == loops + 1


def test_leverage_out_of_reach_is_refused() -> None:
    assert leverage_limit(F(9, 10)) == 10
    assert loops_for(0, 1) == 0
    for ltv, leverage in ((F(9, 10), 10), (F(0), F(11, 10)), (F(9, 10), F(1, 2))):
        with pytest.raises(InputError, match="loop: leverage"):
            loops_for(ltv, leverage)
    with pytest.raises(InputError, match="within 1000 loops"):
        loops_for(F(9999, 10000), 9999)
    with pytest.raises(InputError, match="loop: ltv"):
        leverage_limit(1)
    with pytest.raises(InputError, match=r"loop\.debt"):
        loop(100, 100)
    with pytest.raises(InputError, match=r"loop\.threshold"):
        loop(threshold=F(1))


def test_by_hand() -> None:
    """5-fold at 3 % against 2 %: 5·3 − 4·2 = 7 %. Health 95/80; at a depeg of 15/95 it is 1."""
    found = Loop.of_leverage(20, F(9, 10), 5, F(95, 100), F(3, 100), F(2, 100))
    assert (found.collateral, found.debt, found.leverage) == (100, 80, 5)
    assert found.net_yield == 7 * PERCENT
    assert found.health() == F(95, 80)
    assert found.liquidation_depeg == F(15, 95)
    assert found.health(F(15, 95)) == 1
    assert found.liquidation_price(2000, F(6, 5)) == 2400 * F(80, 95)
    assert found.days_until(1) is None
    free = loop(100, 0)
    assert (free.health(), free.liquidation_depeg, free.days_until(9)) == ("infinite", None, None)
    assert repr(free) == "Loop(hidden)"


@given(st.integers(1, 94), st.integers(0, 30), st.integers(0, 60))
def test_days_until_a_bound(debt: int, stake: int, borrow: int) -> None:
    found = loop(100, debt, stake=stake * PERCENT, borrow=borrow * PERCENT)
    days, health = found.days_until(1), found.health()
    assert health != "infinite"
    if days is None:
        # Growth of both sides is linear: what is not reached by then is not reached.
        assert found.collateral * stake * F(95, 100) >= found.debt * borrow
        return
    assert days > 0
    years = days / 365
    held = found.collateral * (1 + found.stake * years) * found.threshold
    assert held == found.debt * (1 + found.borrow * years)
    last = found.whole_days_until(1)
    assert last is not None
    later = found.after(last).health()
    assert later != "infinite"
    assert later >= 1
    assert found.days_until(health) == 0


def conserved(before: Loop, done: Unwinding) -> None:
    assert done.sold == done.repaid + done.fee + done.lost + done.in_hand
    assert done.collateral_left == before.collateral - done.sold
    assert done.repaid == before.debt + done.interest
    assert done.collateral_left + done.in_hand == before.equity - done.cost
    assert min(done.collateral_left, done.in_hand, done.fee, done.interest) >= 0


@given(
    st.integers(1, 89),
    st.integers(200, 100_000),
    st.integers(90, 105),
    st.integers(0, 100),
)
def test_money_is_conserved_whichever_way(debt: int, depth: int, peg: int, fee: int) -> None:
    before = loop(100, debt)
    market = Pool(ConstantProductPool(F(depth), F(depth * peg, 100), F(fee, 10_000)))
    try:
        at_once = unwind_by_flash_loan(before, market, F(5, 10_000))
        by_steps = unwind_by_steps(before, F(93, 100), market)
    except InputError:
        assume(False)
    for done in (at_once, by_steps):
        conserved(before, done)
    assert at_once.in_hand <= F(2, 10**18)
    if not fee:
        # Without a fee a constant product pays the same for the whole and for its pieces.
        free = unwind_by_flash_loan(before, market, F(0))
        assert abs(free.lost - by_steps.lost) < F(1, 10**14)


@given(st.integers(1, 89), st.integers(0, 60), st.integers(0, 200))
def test_money_is_conserved_in_a_queue(debt: int, days: int, fee: int) -> None:
    before = loop(100, debt)
    done = unwind_by_steps(before, F(95, 100), Queue(F(days), F(fee, 10_000)))
    conserved(before, done)
    assert done.days == days * len(done.steps)
    assert (done.interest > 0) == (days > 0)


def test_steps_by_hand() -> None:
    """At 0.9: 100 − 80/0.9 = 11.11 is free; the debt shrinks by 1/0.9 of that each time."""
    done = unwind_by_steps(loop(), F(9, 10), Queue(F(0)))
    assert isclose(done.steps[0].sold, 100 - 80 / 0.9)
    assert isclose(done.steps[1].sold, (100 - 80 / 0.9) / 0.9)
    assert len(done.steps) == 6
    assert (done.collateral_left, done.cost, done.in_hand) == (20, 0, 0)
    # With a loan nothing has to be freed first; 0.05 % of 80 is the fee.
    flash = unwind_by_flash_loan(loop(), Queue(F(0)), F(5, 10_000))
    assert (flash.cost, flash.sold) == (F(4, 100), F(8004, 100))


def test_a_deep_depeg_costs_its_depth() -> None:
    """A pool so deep that it does not move, 2 % below the rate: 80/0.98 is sold for 80."""
    done = unwind_by_flash_loan(loop(), pool(10**12, 98 * 10**10), F(0))
    assert isclose(done.sold, 80 / 0.98, rel_tol=1e-9)
    assert isclose(done.cost, 80 / 0.98 - 80, rel_tol=1e-8)


def test_what_cannot_be_undone_is_refused() -> None:
    with pytest.raises(InputError, match="free at the LTV"):
        unwind_by_steps(loop(100, 90), F(9, 10), Queue(F(0)))
    with pytest.raises(InputError, match="pays for the flash loan"):
        unwind_by_flash_loan(loop(), pool(100, 70), F(0))
    with pytest.raises(InputError, match="without a wait"):
        unwind_by_flash_loan(loop(), Queue(F(3)), F(0))
    with pytest.raises(InputError, match="steps that lower the debt"):
        unwind_by_steps(loop(100, F(89), borrow=F(4)), F(95, 100), Queue(F(5), F(9, 10)))
    with pytest.raises(InputError, match="unwind: ltv"):
        unwind_by_steps(loop(), F(96, 100), Queue(F(0)))
    thin = Pool(OrderBook((Level(F(1), F(79)),)))
    with pytest.raises(InputError, match="pays for the flash loan"):
        unwind_by_flash_loan(loop(), thin, F(0))
    enough = unwind_by_flash_loan(loop(), Pool(OrderBook((Level(F(1), F(80)),))), F(0))
    assert (enough.sold, enough.cost) == (80, 0)
    assert unwind_by_flash_loan(loop(100, 0), thin, F(1)).steps == ()
    assert unwind_by_steps(loop(100, 0), F(9, 10), thin).steps == ()
