"""Maker's auction against makerdao/dss 1.3.0, src/test (file and test named at each)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.fixed_point import MAX_UINT256, RAD, RAY, WAD
from zkcollateral.risk.presets import maker_auction as auction

START = 604411200  # clip.t.sol startTime
# clip.t.sol takeSetup: 1 % down every second from $5, chost 22, lot 40, tab 110.
CLIP = auction.AuctionParameters(
    decrease=auction.StairstepExponentialDecrease(step=1, cut=99 * RAY // 100),
    buf=125 * RAY // 100,
    tail=3600,
    cusp=3 * RAY // 10,
    chost=22 * RAD,
)
SALE = auction.kick(CLIP, 110 * RAD, 40 * WAD, 4 * WAD, START).sale


def test_kick() -> None:
    """clip.t.sol takeSetup and test_kick: top is $4 and a quarter; tip, then tip and 2 % of tab."""
    assert auction.Sale(tab=110 * RAD, lot=40 * WAD, started=START, top=5 * RAY) == SALE
    flat = replace(CLIP, buf=RAY, tip=100 * RAD)
    first = auction.kick(flat, 110 * RAD, 40 * WAD, 4 * WAD, START)
    assert (first.sale.top, first.reward) == (4 * RAY, 100 * RAD)
    rising = replace(CLIP, tip=100 * RAD, chip=2 * WAD // 100)
    second = auction.kick(rising, 110 * RAD, 40 * WAD, 4 * WAD, START)
    assert (second.sale.top, second.reward) == (5 * RAY, 100 * RAD + 22 * RAD // 10)
    assert auction.kick(CLIP, 110 * RAD, 40 * WAD, 4 * WAD, START).reward == 0
    assert auction.kick(CLIP, 1, 1, 4 * WAD, START, par=2 * RAY).sale.top == 25 * RAY // 10


def test_kick_rejects() -> None:
    """clip.t.sol testFail_kick_zero_price, test_kick_zero_tab, test_kick_zero_lot, stopped_kick."""
    assert auction.kick(CLIP, WAD, 2 * WAD, 4 * WAD, START).sale.tab == WAD
    with pytest.raises(InputError, match="starting price"):
        auction.kick(CLIP, WAD, 2 * WAD, 0, START)
    with pytest.raises(InputError, match="Maker sale tab"):
        auction.kick(CLIP, 0, 2 * WAD, 4 * WAD, START)
    with pytest.raises(InputError, match="Maker sale lot"):
        auction.kick(CLIP, WAD, 0, 4 * WAD, START)
    for level in (1, 2, 3):
        with pytest.raises(InputError, match="Maker kick: expected stopped"):
            auction.kick(replace(CLIP, stopped=level), WAD, 2 * WAD, 4 * WAD, START)


def test_linear_decrease() -> None:
    """abaci.t.sol test_linear_decrease: 1000 over an hour, every six minutes."""
    calc = auction.LinearDecrease(tau=3600)
    for tenth in range(11):
        assert calc.price(1000 * RAY, 360 * tenth) == (1000 - 100 * tenth) * RAY
    assert calc.price(1000 * RAY, 3601) == 0
    assert auction.LinearDecrease(tau=0).price(RAY, 0) == 0
    # ⌊10^27·2/3⌋ first, then the product.
    assert auction.LinearDecrease(tau=3).price(3 * RAY, 1) == 3 * (2 * RAY // 3)


@pytest.mark.parametrize(
    ("top", "tolerance"), [(50_000_000 * RAY, 100_000_000), (RAY // 10_000_000, 1)]
)
@pytest.mark.parametrize("drop", [11234567890, 21234567890])
@pytest.mark.parametrize("step", [1, 5, 300])
def test_stairstep_decrease(top: int, tolerance: int, drop: int, step: int) -> None:
    """abaci.t.sol test_stairstep_exp_decrease, checkExpDecrease over ten minutes."""
    cut = RAY - drop * 10**15  # 1.1234567890 % and 2.1234567890 %
    calc = auction.StairstepExponentialDecrease(step, cut)
    price = calc.price(top, 0)
    assert price == top
    for second in range(1, 600):
        last, price = price, calc.price(top, second)
        expected = last * cut // RAY if second % step == 0 else last
        assert abs(expected - price) <= tolerance


def test_exponential_decrease() -> None:
    """abaci.t.sol test_continuous_exp_decrease: a half-life of 15 minutes."""
    calc = auction.ExponentialDecrease(cut=999230132966 * 10**15)
    expected = 4000 * RAY
    for half_life in range(5):
        assert abs(calc.price(4000 * RAY, 900 * half_life) - expected) <= RAY // 1000
        expected //= 2
    assert auction.ExponentialDecrease(cut=0).price(RAY, 1) == 0
    assert auction.ExponentialDecrease(cut=RAY).price(5 * RAY, 10**9) == 5 * RAY


@pytest.mark.parametrize(
    ("elapsed", "price"),
    [
        (0, 5 * RAY),
        # clip.t.sol test_take_bid_avoids_recalculate_due_no_more_lot, test_redo_incentive
        (60, 2735783211953807380973706855),
        (100, 1830161706366147524653080130),
    ],
)
def test_price(elapsed: int, price: int) -> None:
    assert auction.status(CLIP, SALE, START + elapsed) == auction.Status(False, price)


@pytest.mark.parametrize("amount", [25 * WAD, 22 * WAD])
def test_take_at_and_over_tab(amount: int) -> None:
    """clip.t.sol test_take_over_tab, test_take_at_tab: 22 for 110, 18 go back."""
    result = auction.take(CLIP, SALE, amount, 5 * RAY, START)
    assert (result.slice, result.owe) == (22 * WAD, 110 * RAD)
    assert result.sale is None
    assert (result.returned, result.shortfall, result.digs) == (18 * WAD, 0, 110 * RAD)


def test_take_under_tab() -> None:
    """clip.t.sol test_take_under_tab."""
    result = auction.take(CLIP, SALE, 11 * WAD, 5 * RAY, START)
    assert (result.slice, result.owe, result.digs) == (11 * WAD, 55 * RAD, 55 * RAD)
    assert result.sale == replace(SALE, tab=55 * RAD, lot=29 * WAD)
    assert (result.returned, result.shortfall) == (0, 0)


def test_take_full_lot_for_part_of_tab() -> None:
    """clip.t.sol test_take_full_lot_partial_tab, …avoids_recalculate_due_no_more_lot."""
    result = auction.take(CLIP, SALE, 40 * WAD, 25 * RAY // 10, START + 69)
    assert result.slice == 40 * WAD
    assert 0 <= result.owe - 99 * RAD < RAD
    assert result.sale is None
    assert (result.returned, result.digs) == (0, 110 * RAD)
    assert result.shortfall == 110 * RAD - result.owe
    result = auction.take(CLIP, SALE, 40 * WAD, 28 * RAY // 10, START + 60)
    assert result.sale is None
    assert result.owe == 40 * WAD * 2735783211953807380973706855
    assert 0 < result.shortfall < CLIP.chost


def test_take_recalculates_for_chost() -> None:
    """clip.t.sol test_take_bid_recalculates_due_to_chost_check: 18 would leave 20 of 22."""
    result = auction.take(CLIP, SALE, 18 * WAD, 5 * RAY, START)
    assert result.sale is not None
    assert result.sale.tab == CLIP.chost
    assert result.sale.lot == 40 * WAD - (110 * RAD - CLIP.chost) // (5 * RAY)


def test_take_no_partial_at_chost() -> None:
    """clip.t.sol test_take_bid_fails_no_partial_allowed."""
    first = auction.take(CLIP, SALE, 176 * WAD // 10, 5 * RAY, START).sale
    assert first is not None
    assert (first.tab, first.lot) == (22 * RAD, 224 * WAD // 10)
    with pytest.raises(InputError, match="the whole lot"):
        auction.take(CLIP, first, WAD, 5 * RAY, START)
    rest = auction.take(CLIP, first, first.tab // (5 * RAY), 5 * RAY, START)
    assert (rest.sale, rest.owe) == (None, 22 * RAD)


def test_take_twice() -> None:
    """clip.t.sol test_take_multiple_bids_different_prices."""
    first = auction.take(CLIP, SALE, 10 * WAD, 5 * RAY, START).sale
    assert first == replace(SALE, tab=60 * RAD, lot=30 * WAD)
    price = auction.status(CLIP, first, START + 30).price
    assert price // 10**13 == 369850186694140  # 3.698501866941401 in a comment there
    second = auction.take(CLIP, first, first.lot, price, START + 30)
    assert second.slice == RAY * 60 * WAD // price
    assert second.owe == 60 * RAD
    assert second.returned == 30 * WAD - second.slice


def test_take_rejects() -> None:
    """clip.t.sol testFail_take_bid_too_low, stopped_3_take; an auction to reset; amounts."""
    with pytest.raises(InputError, match="max_price of at least the price"):
        auction.take(CLIP, SALE, 22 * WAD, 4 * RAY, START)
    for level in (1, 2):
        assert auction.take(replace(CLIP, stopped=level), SALE, 25 * WAD, 5 * RAY, START).owe
    with pytest.raises(InputError, match="Maker take: expected stopped"):
        auction.take(replace(CLIP, stopped=3), SALE, 25 * WAD, 5 * RAY, START)
    with pytest.raises(InputError, match="needs no reset"):
        auction.take(CLIP, SALE, 25 * WAD, 5 * RAY, START + 3601)
    with pytest.raises(InputError, match="amount"):
        auction.take(CLIP, SALE, -1, 5 * RAY, START)
    with pytest.raises(InputError, match="max_price"):
        auction.take(CLIP, SALE, 1, 5.0, START)  # type: ignore[arg-type]
    free = replace(CLIP, decrease=auction.LinearDecrease(60), cusp=0, chost=100 * RAD)
    assert auction.take(free, SALE, 40 * WAD, 0, START + 60).shortfall == 110 * RAD


# clip.t.sol auctionResetSetup: linear, a reset below half or after an hour.
RESET = replace(CLIP, cusp=RAY // 2)


@pytest.mark.parametrize(
    ("tau", "last"),
    [(36_000, 3600), (3600, 1800)],
    ids=["test_auction_reset_tail", "test_auction_reset_cusp"],
)
def test_redo(tau: int, last: int) -> None:
    """clip.t.sol test_auction_reset_{tail,cusp} and their _twice; stopped_{1,2,3}_…"""
    clip = replace(RESET, decrease=auction.LinearDecrease(tau))
    assert not auction.status(clip, SALE, START + last).needs_redo
    with pytest.raises(InputError, match="needs a reset"):
        auction.redo(clip, SALE, 3 * WAD, START + last)
    now = START + last + 1
    assert auction.status(clip, SALE, now).needs_redo
    done = auction.redo(clip, SALE, 3 * WAD, now)
    assert done.sale == replace(SALE, started=now, top=375 * RAY // 100)
    with pytest.raises(InputError, match="needs a reset"):
        auction.redo(clip, done.sale, 3 * WAD, now)
    assert auction.redo(replace(clip, stopped=1), SALE, 3 * WAD, now).sale == done.sale
    for level in (2, 3):
        with pytest.raises(InputError, match="Maker redo: expected stopped"):
            auction.redo(replace(clip, stopped=level), SALE, 3 * WAD, now)
    with pytest.raises(InputError, match="starting price"):  # testFail_redo_zero_price
        auction.redo(clip, SALE, 0, now)


def test_redo_incentive() -> None:
    """clip.t.sol test_redo_incentive, its six steps; chost 110 and a wei, then 22 again."""
    price = 4 * WAD
    steps = [
        (replace(CLIP, tip=100 * RAD), 100 * RAD),
        (replace(CLIP, tip=100 * RAD, chip=2 * WAD // 100), 1022 * RAD // 10),
        (replace(CLIP, chip=2 * WAD // 100), 22 * RAD // 10),
        (replace(CLIP, chip=2 * WAD // 100, chost=auction.chost(100 * RAD + 1, LIMIT)), 0),
    ]
    sale, now = SALE, START
    for clip, reward in steps:
        now += 300
        sale, paid = (result := auction.redo(clip, sale, price, now)).sale, result.reward
        assert paid == reward
    clip = replace(CLIP, chip=2 * WAD // 100)
    left = auction.take(clip, sale, 38 * WAD, 5 * RAY, now + 100).sale
    assert left is not None
    assert left.tab == 110 * RAD - 38 * WAD * 1830161706366147524653080130
    assert left.lot == 2 * WAD
    assert auction.redo(clip, left, price, now + 400).reward == 0


LIMIT = 11 * WAD // 10


def test_chost() -> None:
    """clip.t.sol test_redo_incentive."""
    assert auction.chost(100 * RAD + 1, LIMIT) == 110 * RAD + 1
    assert auction.chost(20 * RAD, LIMIT) == 22 * RAD
    with pytest.raises(InputError, match="Maker chop"):
        auction.chost(RAD, WAD - 1)
    with pytest.raises(InputError, match="Maker dust"):
        auction.chost(-1, WAD)


@pytest.mark.parametrize(
    ("bad", "where"),
    [
        ({"buf": RAY - 1}, "buf"),
        ({"tail": -1}, "tail"),
        ({"cusp": RAY + 1}, "cusp"),
        ({"chost": -1}, "chost"),
        # clip.t.sol test_incentive_max_values: the contract keeps no more bits than these.
        ({"chip": 2**64}, "chip"),
        ({"tip": 2**192}, "tip"),
        ({"stopped": 4}, "stopped"),
        ({"buf": 1.25}, "buf"),
    ],
)
def test_parameters_reject(bad: dict[str, int], where: str) -> None:
    with pytest.raises(InputError, match=f"Maker clip {where}"):
        replace(CLIP, **bad)


def test_decreases_reject() -> None:
    """abaci.sol: cut above RAY; a step of 0 divides by it."""
    with pytest.raises(InputError, match="cut"):
        auction.StairstepExponentialDecrease(1, RAY + 1)
    with pytest.raises(InputError, match="step"):
        auction.StairstepExponentialDecrease(0, RAY)
    with pytest.raises(InputError, match="cut"):
        auction.ExponentialDecrease(RAY + 1)
    with pytest.raises(InputError, match="tau"):
        auction.LinearDecrease(-1)
    for calc in (
        auction.LinearDecrease(9),
        auction.ExponentialDecrease(RAY),
        auction.StairstepExponentialDecrease(1, RAY),
    ):
        with pytest.raises(InputError, match="seconds"):
            calc.price(RAY, -1)
        with pytest.raises(InputError, match="top"):
            calc.price(-1, 1)
    with pytest.raises(InputError, match="now"):
        auction.status(CLIP, SALE, START - 1)
    with pytest.raises(InputError, match="Maker sale top"):
        replace(SALE, top=0)
    with pytest.raises(InputError, match="Maker sale started"):
        replace(SALE, started=2**96)


def test_reward_bounds_are_taken() -> None:
    """clip.t.sol test_incentive_max_values."""
    clip = replace(CLIP, chip=2**64 - 1, tip=2**192 - 1)
    assert auction.kick(clip, WAD, WAD, WAD, 0).reward == 2**192 - 1 + 2**64 - 1


@given(
    st.integers(1, 10**50),
    st.integers(1, 10**26),
    st.integers(1, 10**31),
    st.integers(0, 10**26),
    st.integers(0, 10**49),
    st.integers(0, 4000),
)
def test_take_creates_nothing(
    tab: int, lot: int, top: int, amount: int, chost: int, elapsed: int
) -> None:
    clip = replace(CLIP, chost=chost)
    sale = auction.Sale(tab, lot, START, top)
    try:
        result = auction.take(clip, sale, amount, MAX_UINT256, START + elapsed)
    except InputError:
        return
    assert result.owe <= tab
    assert result.slice <= min(lot, amount)
    assert result.slice * result.price <= result.owe
    rest = result.sale
    if rest is None:
        assert result.slice + result.returned == lot
        assert result.owe + result.shortfall == tab
        assert result.digs == (tab if result.returned == 0 else result.owe)
    else:
        assert (rest.tab + result.owe, rest.lot + result.slice) == (tab, lot)
        assert rest.tab >= chost
        assert result.digs == result.owe
