"""Dutch auctions: the cases of makerdao/dss, src/test/clip.t.sol, and what is conserved."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.risk.liquidation.accounts import F
from zkcollateral.errors import InputError
from zkcollateral.risk.liquidation.auction import Auction, AuctionRule
from zkcollateral.risk.liquidation.decay import ExponentialDecay, LinearDecay, StairstepDecay

# clip.t.sol, takeSetup: 1% less every second, top 4 · 1.25, reset after an hour or a fall of 70%,
# chost = dust 20 · chop 1.1; tab 110, lot 40.
TAKE_RULE = AuctionRule(StairstepDecay(1, F("0.99")), F("1.25"), F(22), 3600, F("0.3"))
CLIP = Auction.opened(TAKE_RULE, F(40), F(110), F(4))


def resetting(tau: int) -> Auction:
    """clip.t.sol, auctionResetSetup: linear over `tau` seconds, cusp 0.5, tail an hour."""
    how = AuctionRule(LinearDecay(tau), F("1.25"), F(22), 3600, F("0.5"))
    return Auction.opened(how, F(40), F(110), F(4))


def test_it_opens_above_the_market() -> None:
    assert CLIP.top == 5


def test_take_over_tab() -> None:
    done = CLIP.take(0, F(25), F(5))
    assert (done.price, done.bought, done.paid) == (5, 22, 110)
    assert (done.auction, done.returned, done.unpaid) == (None, 18, 0)


def test_take_at_tab() -> None:
    done = CLIP.take(0, F(22), F(5))
    assert (done.bought, done.paid, done.auction, done.returned) == (22, 110, None, 18)


def test_take_under_tab() -> None:
    done = CLIP.take(0, F(11), F(5))
    assert (done.bought, done.paid, done.returned, done.unpaid) == (11, 55, 0, 0)
    assert done.auction == Auction(TAKE_RULE, F(29), F(55), F(5))


def test_take_full_lot_partial_tab() -> None:
    done = CLIP.take(69, F(40), F("2.5"))
    assert done.bought == 40
    assert 0 <= 100 - done.paid < F("0.1")
    assert (done.auction, done.returned, done.unpaid) == (None, 0, 110 - done.paid)


def test_take_bid_too_low() -> None:
    with pytest.raises(InputError, match="max_price"):
        CLIP.take(0, F(22), F(4))


def test_take_bid_recalculates_due_to_chost_check() -> None:
    # 18 cost 90, which would leave 20 < 22: cut down so that 22 is left.
    done = CLIP.take(0, F(18))
    assert done.paid == 88
    assert done.auction == Auction(TAKE_RULE, 40 - F(88) / 5, F(22), F(5))


def test_take_bid_avoids_recalculate_due_no_more_lot() -> None:
    # At 60 seconds 40 cost 109.43, which leaves less than 22; but nothing is left to sell.
    done = CLIP.take(60, F(40), F("2.8"))
    assert done.bought == 40
    assert done.auction is None
    assert abs(done.paid - 40 * F("2.735783211953807380973706855")) < F("1e-24")
    assert done.unpaid == 110 - done.paid


def test_take_bid_fails_no_partial_allowed() -> None:
    left = CLIP.take(0, F("17.6")).auction
    assert left == Auction(TAKE_RULE, F("22.4"), F(22), F(5))
    with pytest.raises(InputError, match="the minimum"):
        left.take(0, F(1))
    assert left.take(0, F(22) / 5).auction is None


def test_take_multiple_bids_different_prices() -> None:
    first = CLIP.take(0, F(10))
    assert first.auction == Auction(TAKE_RULE, F(30), F(60), F(5))
    second = first.auction.take(30, F(30))
    # The source's comment says 5 * 0.99 ** 30 = 3.698501866941401, from a float.
    assert abs(second.price - F("3.698501866941401")) < F("1e-14")
    assert second.paid == 60
    assert second.price == 5 * TAKE_RULE.decay.multiple(30)
    assert second.bought == 60 / second.price
    assert second.returned == 30 - second.bought


def test_auction_reset_tail() -> None:
    auction = resetting(36_000)
    assert not auction.needs_reset(3600)
    with pytest.raises(InputError, match="reset"):
        auction.reset(3600, F(3))
    assert auction.needs_reset(3601)
    again = auction.reset(3601, F(3))
    assert (again.top, again.lot, again.tab) == (F("3.75"), 40, 110)
    assert not again.needs_reset(0)
    assert auction.seconds_until_reset() == 3601


def test_auction_reset_cusp() -> None:
    auction = resetting(3600)
    assert auction.price(1800) == F("2.5")
    assert not auction.needs_reset(1800)
    assert auction.needs_reset(1801)
    assert auction.reset(1801, F(3)).top == F("3.75")
    assert auction.seconds_until_reset() == 1801


def test_nothing_is_taken_when_a_reset_is_due() -> None:
    assert resetting(3600).take(1800, F(1)).paid == F("2.5")
    with pytest.raises(InputError, match="take"):
        resetting(3600).take(1801, F(1))


def test_nothing_is_given_away_at_a_price_of_zero() -> None:
    auction = Auction(AuctionRule(LinearDecay(10)), F(1), F(1), F(1))
    assert auction.needs_reset(10)
    assert auction.seconds_until_reset() == 10
    with pytest.raises(InputError, match="take"):
        auction.take(10, F(1))


def test_duration_until_a_price() -> None:
    linear = resetting(3600)
    assert [linear.seconds_until(F(price)) for price in (9, 5, "2.5", 0)] == [0, 0, 1800, 3600]
    # 5 · 0.99^n ≤ 4: n ≥ ln 0.8 / ln 0.99 = 22.2.
    assert CLIP.seconds_until(F(4)) == 23


def test_the_schedule_is_the_course() -> None:
    points = resetting(3600).schedule(2000, 900)
    assert [(point.elapsed, point.price) for point in points] == [
        (0, 5),
        (900, F("3.75")),
        (1800, F("2.5")),
        (2000, F(20) / 9),
    ]
    assert [point.needs_reset for point in points] == [False, False, False, True]
    assert [(point.raised, point.sold) for point in points] == [
        (110, 22),
        (110, F(88) / 3),
        (100, 40),
        (F(800) / 9, 40),
    ]
    ended = resetting(3600).schedule(3600, 3600)[-1]
    assert (ended.price, ended.raised, ended.sold) == (0, 0, 40)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("decay", "linear"),
        ("start", Fraction(0)),
        ("start", 1.25),
        ("minimum", Fraction(-1)),
        ("tail_seconds", 0),
        ("tail_seconds", 1.5),
        ("cusp", Fraction(2)),
        ("cusp", Fraction(-1)),
    ],
)
def test_a_rule_out_of_range_is_refused_by_name(field: str, value: Any) -> None:
    good: dict[str, Any] = {"decay": LinearDecay(60)}
    AuctionRule(**good)
    with pytest.raises(InputError, match=f"auction rule.{field}"):
        AuctionRule(**{**good, field: value})


@pytest.mark.parametrize("field", ["lot", "tab", "top"])
@pytest.mark.parametrize("value", [Fraction(0), Fraction(-1), 1.0])
def test_an_auction_of_nothing_is_refused(field: str, value: Any) -> None:
    good: dict[str, Any] = {"rule": TAKE_RULE, "lot": F(1), "tab": F(1), "top": F(1)}
    with pytest.raises(InputError, match=f"auction.{field}"):
        Auction(**{**good, field: value})


@pytest.mark.parametrize(
    ("call", "where"),
    [
        (lambda: Auction.opened(TAKE_RULE, F(1), F(1), F(0)), "market price"),
        (lambda: Auction("rule", F(1), F(1), F(1)), "auction.rule"),  # type: ignore[arg-type]
        (lambda: CLIP.take(0, F(0)), "amount to take"),
        (lambda: CLIP.take(0, 1.0), "amount to take"),  # type: ignore[arg-type]
        (lambda: CLIP.take(-1, F(1)), "elapsed"),
        (lambda: CLIP.take(0, F(1), 5.0), "max_price"),  # type: ignore[arg-type]
        (lambda: CLIP.reset(3601, F(0)), "market price"),
        (lambda: CLIP.seconds_until(F(-1)), "price"),
        (lambda: CLIP.schedule(-1, 1), "until"),
        (lambda: CLIP.schedule(10, 0), "every"),
        (lambda: CLIP.schedule(100_001, 1), "points"),
    ],
)
def test_what_is_refused(call: Any, where: str) -> None:
    with pytest.raises(InputError, match=where):
        call()


@given(
    st.sampled_from([LinearDecay(100), StairstepDecay(7, F("0.8")), ExponentialDecay(F("0.97"))]),
    st.integers(1, 300).map(lambda n: Fraction(n, 7)),
    st.integers(1, 300).map(lambda n: Fraction(n, 3)),
    st.integers(0, 60).map(Fraction),
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(1, 100).map(lambda n: Fraction(n, 9))), max_size=8
    ),
)
def test_takes_conserve_collateral_and_money(
    decay: Any, lot: Fraction, tab: Fraction, minimum: Fraction, takes: list[Any]
) -> None:
    running: Auction | None = Auction(AuctionRule(decay, minimum=minimum), lot, tab, F(5))
    elapsed, bought, paid = 0, Fraction(0), Fraction(0)
    returned, unpaid = Fraction(0), Fraction(0)
    for later, amount in takes:
        elapsed += later
        if running is None or running.needs_reset(elapsed):
            break
        before = running
        try:
            done = running.take(elapsed, amount)
        except InputError:
            # Only where a part is asked for and no more than the minimum is left to raise.
            assert running.tab <= minimum
            assert amount < min(running.lot, running.tab / running.price(elapsed))
            continue
        assert done.paid == done.bought * done.price
        assert 0 < done.bought <= amount
        if done.auction is not None:
            assert done.auction.tab >= min(minimum, before.tab)
            assert done.auction.top == before.top
        bought, paid = bought + done.bought, paid + done.paid
        returned, unpaid = done.returned, done.unpaid
        running = done.auction
    held = running.lot if running else Fraction(0)
    open_tab = running.tab if running else Fraction(0)
    assert bought + held + returned == lot
    assert paid + open_tab + unpaid == tab
    assert returned == 0 or unpaid == 0
