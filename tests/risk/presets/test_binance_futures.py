"""Binance futures: the support pages' and freqtrade's published prices, brackets, liquidation."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.presets.binance_brackets import Bracket, Contract
from zkcollateral.risk.presets.binance_coin_futures import CoinPosition
from zkcollateral.risk.presets.binance_futures import Account, Position, Side
from zkcollateral.risk.presets.binance_liquidation import Fill, liquidate
from zkcollateral.risk.presets.binance_liquidation_price import (
    Leg,
    bankruptcy_price,
    liquidation_price,
)

# Binance's tables of 2021: floor, rate, published cum. The support page's example uses them.
BTC_2021 = [
    (0, "0.004", 0),
    (50_000, "0.005", 50),
    (250_000, "0.01", 1_300),
    (1_000_000, "0.025", 16_300),
    (5_000_000, "0.05", 141_300),
    (20_000_000, "0.1", 1_141_300),
    (50_000_000, "0.125", 2_391_300),
    (100_000_000, "0.15", 4_891_300),
    (200_000_000, "0.25", 24_891_300),
    (300_000_000, "0.5", 99_891_300),
]
ETH_2021 = [
    (0, "0.005", 0),
    (10_000, "0.0065", 15),
    (100_000, "0.01", 365),
    (500_000, "0.02", 5_365),
    (1_000_000, "0.05", 35_365),
    (2_000_000, "0.1", 135_365),
    (5_000_000, "0.125", 260_365),
    (10_000_000, "0.15", 510_365),
    (20_000_000, "0.25", 2_510_365),
]
# freqtrade, tests/conftest.py, leverage_tiers: floor, rate, maintAmt.
BTC_FREQTRADE = [
    (0, "0.004", 0),
    (50_000, "0.005", 50),
    (250_000, "0.01", 1_300),
    (1_000_000, "0.025", 16_300),
    (7_500_000, "0.05", 203_800),
    (40_000_000, "0.1", 2_203_800),
    (100_000_000, "0.125", 4_703_800),
    (200_000_000, "0.15", 9_703_800),
    (400_000_000, "0.25", 49_703_800),
    (600_000_000, "0.5", 199_703_800),
]
BNB_FREQTRADE = [
    (0, "0.0065", 0),
    (10_000, "0.01", 35),
    (50_000, "0.02", 535),
    (250_000, "0.05", 8_035),
    (1_000_000, "0.1", 58_035),
    (2_000_000, "0.125", 108_035),
    (5_000_000, "0.15", 233_035),
    (10_000_000, "0.25", 1_233_035),
    (20_000_000, "0.5", 6_233_035),
]
XRP_FREQTRADE = [
    (0, "0.025", 0),
    (100_000, "0.05", 2_500),
    (500_000, "0.1", 27_500),
    (1_000_000, "0.15", 77_500),
    (2_000_000, "0.25", 277_500),
    (5_000_000, "0.5", 1_527_500),
]
ZEC_FREQTRADE = [
    (0, "0.01", 0),
    (50_000, "0.025", 750),
    (150_000, "0.05", 4_500),
    (250_000, "0.1", 17_000),
    (500_000, "0.125", 29_500),
    (1_000_000, "0.25", 154_500),
    (2_000_000, "0.5", 654_500),
]


def contract(symbol, rows, fee=0):
    caps = [floor for floor, *_ in rows[1:]] + [None]
    brackets = tuple(
        Bracket(floor, cap, Fraction(rate), cum)
        for (floor, rate, cum), cap in zip(rows, caps, strict=True)
    )
    return Contract(symbol, brackets, fee)


BTC = contract("BTCUSDT", BTC_2021)
ETH = contract("ETHUSDT", ETH_2021)


@pytest.mark.parametrize(
    "rows", [BTC_2021, ETH_2021, BTC_FREQTRADE, BNB_FREQTRADE, XRP_FREQTRADE, ZEC_FREQTRADE]
)
def test_published_maintenance_amounts_follow_from_the_rates(rows):
    caps = [floor for floor, *_ in rows[1:]] + [None]
    derived = Contract.of(
        "X",
        [(floor, cap, Fraction(rate)) for (floor, rate, _), cap in zip(rows, caps, strict=True)],
    )
    assert [bracket.cum for bracket in derived.brackets] == [cum for *_, cum in rows]


# freqtrade, tests/exchange/test_binance.py, test_get_maintenance_ratio_and_amt_binance.
@pytest.mark.parametrize(
    ("rows", "notional", "rate", "cum"),
    [
        (XRP_FREQTRADE, "0", "0.025", 0),
        (BNB_FREQTRADE, "100", "0.0065", 0),
        (BTC_FREQTRADE, "170.30", "0.004", 0),
        (XRP_FREQTRADE, "999999.9", "0.1", 27_500),
        (BNB_FREQTRADE, "5000000", "0.15", 233_035),
        (BTC_FREQTRADE, "600000000", "0.5", 199_703_800),
    ],
)
def test_published_brackets(rows, notional, rate, cum):
    found = contract("X", rows).bracket(Fraction(notional))
    assert (found.rate, found.cum) == (Fraction(rate), cum)


# The support page's example of two positions (also in freqtrade's test_liquidation_price_binance).
WALLET = Fraction("1535443.01")
ETH_LONG = Position(ETH, Side.LONG, Fraction("3683.979"), Fraction("1456.84"), Fraction("1335.18"))
BTC_LONG = Position(BTC, Side.LONG, Fraction("109.488"), Fraction("32481.98"), Fraction("31967.27"))


@pytest.mark.parametrize(
    ("positions", "symbol", "expected"),
    [
        ((ETH_LONG,), "ETHUSDT", "1114.78"),
        ((BTC_LONG,), "BTCUSDT", "18778.73"),
        ((ETH_LONG, BTC_LONG), "ETHUSDT", "1153.26"),
        ((ETH_LONG, BTC_LONG), "BTCUSDT", "26316.89"),
    ],
)
def test_published_liquidation_prices_with_the_bracket_at_that_price(positions, symbol, expected):
    # freqtrade, tests/exchange/test_binance.py, test_liquidation_price_binance.
    found = Account(WALLET, positions).liquidation_prices(symbol)
    assert round(found.lower, 2) == Fraction(expected)
    assert found.upper is None


@pytest.mark.parametrize(
    ("amount", "entry", "rate", "cum", "other_margin", "other_pnl", "expected"),
    [
        # freqtrade's older tests/leverage/test_liquidation_price.py gives TMM and UPNL themselves.
        ("3683.979", "1456.84", "0.10", 135_365, "0", "0", "1114.78"),
        ("109.488", "32481.98", "0.025", 16_300, "0", "0", "18778.73"),
        ("3683.979", "1456.84", "0.10", 135_365, "71200.81144", "-56354.57", "1153.26"),
        ("109.488", "32481.98", "0.025", 16_300, "356512.508", "-448192.89", "26316.89"),
    ],
)
def test_published_formula(amount, entry, rate, cum, other_margin, other_pnl, expected):
    leg = Leg(Side.LONG, Fraction(amount), Fraction(entry), Fraction(rate), cum)
    price = liquidation_price(WALLET, [leg], Fraction(other_margin), Fraction(other_pnl))
    assert round(price, 2) == Fraction(expected)


def test_published_margins_of_the_example():
    # The support page: 356,512.508 for 4,918,775.081 of ETH, 71,200.81144 for 3,500,032.458 of BTC.
    assert ETH.maintenance_margin(Fraction("4918775.081")) == Fraction("356512.5081")
    assert BTC.maintenance_margin(Fraction("3500032.458")) == Fraction("71200.81145")
    # Its profits and losses are of mark prices with more digits than it shows.
    assert abs(ETH_LONG.unrealized_pnl - Fraction("-448192.89")) < 1
    assert abs(BTC_LONG.unrealized_pnl - Fraction("-56354.57")) < 1


# freqtrade, tests/exchange/test_exchange.py, test_get_liquidation_price: rate and cum are 0.01.
@pytest.mark.parametrize(
    ("side", "leverage", "entry", "amount", "expected"),
    [
        (Side.SHORT, 5, "10", "1", 11.89108910891089),
        (Side.SHORT, 3, "10", "1", 13.211221122079207),
        (Side.SHORT, 5, "8", "1", 9.514851485148514),
        (Side.SHORT, 5, "10", "0.6", 11.897689768976898),
        (Side.LONG, 5, "10", "1", 8.070707070707071),
        (Side.LONG, 5, "8", "1", 6.454545454545454),
        (Side.LONG, 3, "10", "1", 6.723905723905723),
        (Side.LONG, 5, "10", "0.6", 8.063973063973064),
        # tests/optimize/test_backtesting.py, test_backtest__enter_trade_futures, before its buffer.
        (Side.LONG, 5, "0.1", "15000", 0.08080740740740741),
        (Side.SHORT, 5, "0.1", "15000", 0.11881254125412541),
    ],
)
def test_published_isolated_prices(side, leverage, entry, amount, expected):
    rate = Fraction("0.01")
    wallet = Fraction(amount) * Fraction(entry) / leverage
    leg = Leg(side, Fraction(amount), Fraction(entry), rate, rate)
    assert float(liquidation_price(wallet, [leg])) == pytest.approx(expected, rel=1e-9)


def test_every_slice_keeps_its_own_rate():
    # The "tax bracket" rule of 360033162192: 50,000·0.4% + 10,000·0.5%.
    assert BTC.maintenance_margin(60_000) == 250


prices = st.fractions(1, 500, max_denominator=50)
amounts = st.fractions(1, 20_000, max_denominator=10)


@given(
    wallet=st.fractions(0, 10**6, max_denominator=10),
    side=st.sampled_from(list(Side)),
    amount=amounts,
    entry=prices,
    mark=prices,
)
def test_at_the_liquidation_price_the_ratio_is_100_percent(wallet, side, amount, entry, mark):
    account = Account(wallet, (Position(BTC, side, amount, entry, mark),))
    found = account.liquidation_prices("BTCUSDT")
    price = found.lower if side is Side.LONG else found.upper
    if price is None:
        # A long without debt that no price can liquidate.
        assert side is Side.LONG
        assert wallet >= amount * entry
        return
    there = Account(wallet, (Position(BTC, side, amount, entry, price),))
    assert there.maintenance_margin == there.margin_balance
    assert there.is_liquidatable
    assert there.margin_ratio == 1
    bracket = BTC.bracket(amount * price)
    leg = Leg(side, amount, entry, bracket.rate, bracket.cum)
    assert liquidation_price(wallet, [leg]) == price
    assert account.is_liquidatable == (mark <= price if side is Side.LONG else mark >= price)


@given(
    wallet=st.fractions(0, 10**6, max_denominator=10),
    amounts_of=st.tuples(amounts, amounts),
    entries=st.tuples(prices, prices),
    mark=prices,
)
def test_hedge_mode_finds_the_page_formula_and_both_ends(wallet, amounts_of, entries, mark):
    long = Position(BTC, Side.LONG, amounts_of[0], entries[0], mark)
    short = Position(BTC, Side.SHORT, amounts_of[1], entries[1], mark)
    found = Account(wallet, (long, short)).liquidation_prices("BTCUSDT")
    assume(not found.empty)
    for price in (found.lower, found.upper):
        if price is None:
            continue
        brackets = [BTC.bracket(amount * price) for amount in amounts_of]
        legs = [
            Leg(side, amount, entry, bracket.rate, bracket.cum)
            for side, amount, entry, bracket in zip(
                (Side.LONG, Side.SHORT), amounts_of, entries, brackets, strict=True
            )
        ]
        assert liquidation_price(wallet, legs) == price


def test_a_long_that_is_paid_in_full_has_no_liquidation_price():
    leg = Leg(Side.LONG, 1, 100, Fraction("0.004"), 0)
    assert liquidation_price(100, [leg]) is None
    account = Account(100, (Position(BTC, Side.LONG, 1, 100, 100),))
    assert account.liquidation_prices("BTCUSDT").lower is None


def test_bankruptcy_is_where_nothing_is_left():
    leg = Leg(Side.LONG, 2, 100, Fraction("0.01"), 5)
    assert bankruptcy_price(20, [leg]) == 90
    short = Leg(Side.SHORT, 2, 100, Fraction("0.01"), 5)
    assert bankruptcy_price(20, [short]) == 110


def test_margin_ratio_and_initial_margin():
    account = Account(100, (Position(BTC, Side.LONG, 1, 1_000, 1_000),))
    assert account.margin_ratio == Fraction(4, 100)
    assert not account.is_liquidatable
    assert Account(100).margin_ratio == 0
    assert not Account(0).is_liquidatable
    assert Account(-1, account.positions).margin_ratio is None
    assert Account(-1, account.positions).is_liquidatable
    assert account.positions[0].initial_margin(125) == 8


FEE = contract("BTCUSDT", BTC_2021, Fraction("0.0125"))


def isolated(wallet, amount=1, mark=90):
    return Account(wallet, (Position(FEE, Side.LONG, amount, 100, mark),))


def test_what_a_fill_and_its_fee_leave_stays():
    # Maintenance margin at 90 is 0.36; wallet 10.3 leaves 0.3.
    done = liquidate(isolated(Fraction("10.3")), [Fill("BTCUSDT", Side.LONG, Fraction("0.5"), 90)])
    assert done.realized_pnl == -5
    # 45·1.25% would be 0.5625, more than the margin balance has.
    assert done.fee == Fraction("0.3")
    assert done.taken_over
    assert done.insurance_fund == 0

    cheap = contract("BTCUSDT", BTC_2021, Fraction("0.001"))
    account = Account(Fraction("10.3"), (Position(cheap, Side.LONG, 1, 100, 90),))
    done = liquidate(account, [Fill("BTCUSDT", Side.LONG, Fraction("0.5"), 90)])
    assert done.fee == Fraction("0.045")
    assert done.taken_over == ()
    assert done.account.wallet_balance == Fraction("10.3") - 5 - Fraction("0.045")
    assert done.account.positions[0].amount == Fraction("0.5")
    assert not done.account.is_liquidatable


def test_no_fill_is_a_takeover_of_all_that_is_left():
    done = liquidate(isolated(Fraction("10.3")), [])
    assert done.account == Account(0)
    assert done.insurance_fund == Fraction("0.3")
    assert (done.fee, done.bad_debt) == (0, 0)


def test_the_fund_makes_a_loss_good():
    done = liquidate(isolated(10), [Fill("BTCUSDT", Side.LONG, 1, 88)])
    assert done.realized_pnl == -12
    assert (done.fee, done.insurance_fund, done.bad_debt) == (0, -2, 2)
    assert done.account == Account(0)


@given(
    wallet=st.fractions(0, 11, max_denominator=100),
    closed=st.fractions(0, 1, max_denominator=10),
    price=st.fractions(80, 100, max_denominator=10),
)
def test_no_money_comes_or_goes(wallet, closed, price):
    account = isolated(wallet)
    assume(account.is_liquidatable)
    done = liquidate(account, [Fill("BTCUSDT", Side.LONG, closed, price)])
    slippage = closed * (price - 90)
    assert account.margin_balance + slippage == (
        done.account.margin_balance + done.fee + done.insurance_fund
    )
    assert done.account.margin_balance >= 0
    assert not done.account.is_liquidatable


# COIN-M. Binance's BTCUSD table of 2021: the page says 12.5% and 11.81 BTC of 300 BTC, and level 5
# as 50·(5% − 2.5%) + 0.56 = 1.81; the calculator of that year used 11.605.
def test_published_coin_maintenance_amount():
    table = Contract.of(
        "BTCUSD",
        [
            (0, 5, Fraction("0.004")),
            (5, 10, Fraction("0.005")),
            (10, 20, Fraction("0.01")),
            (20, 50, Fraction("0.025")),
            (50, 100, Fraction("0.05")),
            (100, 200, Fraction("0.1")),
            (200, 400, Fraction("0.125")),
        ],
    )
    # From 0.355 of level 4: the later table's 11.605 for 300 BTC.
    assert [bracket.cum for bracket in table.brackets] == [
        0,
        Fraction("0.005"),
        Fraction("0.055"),
        Fraction("0.355"),
        Fraction("1.605"),
        Fraction("6.605"),
        Fraction("11.605"),
    ]
    assert table.bracket(300).rate == Fraction("0.125")
    # "100 contracts at 25,000": 100·100/25,000·0.4% = 0.0016 BTC.
    small = CoinPosition(table, Side.LONG, 100, 100, 25_000, 25_000)
    assert small.notional == Fraction("0.4")
    assert small.maintenance_margin == Fraction("0.0016")
    # dev.binance.vision/t/6292: wallet 101 BTC, long 10,000,000 USD at 45,000: the venue's
    # calculator says 33,599.40; ours is 33,599.4186, its tick is 0.1.
    big = CoinPosition(table, Side.LONG, 100_000, 100, 45_000, 45_000)
    found = big.liquidation_prices(101)
    assert round(found.lower, 1) == Fraction("33599.4")
    assert found.upper is None


def test_published_coin_formula_with_the_old_maintenance_amount():
    # The same thread's own figure from 12.5% and 11.81: 33,578.859744834.
    table = Contract.of("BTCUSD", [(0, 1, Fraction("0.0659")), (1, None, Fraction("0.125"))])
    scale = Fraction("11.81") / table.brackets[1].cum
    table = Contract.of(
        "BTCUSD", [(0, scale, Fraction("0.0659")), (scale, None, Fraction("0.125"))]
    )
    assert table.brackets[1].cum == Fraction("11.81")
    found = CoinPosition(table, Side.LONG, 100_000, 100, 45_000, 45_000).liquidation_prices(101)
    assert round(found.lower, 9) == Fraction("33578.859744834")


@given(
    wallet=st.fractions(1, 50, max_denominator=10),
    side=st.sampled_from(list(Side)),
    entry=prices,
)
def test_at_the_coin_liquidation_price_the_wallet_just_holds(wallet, side, entry):
    position = CoinPosition(ETH, side, 50, 10, entry, entry)
    found = position.liquidation_prices(wallet)
    price = found.lower if side is Side.LONG else found.upper
    if price is None:
        # A short in coin that the wallet covers in full.
        assert side is Side.SHORT
        assert wallet >= position.face_value / entry
        return
    there = CoinPosition(ETH, side, 50, 10, entry, price)
    assert wallet + there.unrealized_pnl == there.maintenance_margin


def test_a_coin_position_of_the_portfolio_margin_page():
    # 5e33af8e: 10,000 USD long at 50,000, marked at 40,000, rate 0.5%.
    table = Contract.of("BTCUSD", [(0, None, Fraction("0.005"))])
    position = CoinPosition(table, Side.LONG, 100, 100, 50_000, 40_000)
    assert position.unrealized_pnl == Fraction("-0.05")
    assert position.maintenance_margin == Fraction("0.00125")


def brackets_of(*rows):
    return lambda: Contract(
        "X", tuple(Bracket(floor, cap, Fraction(rate), cum) for floor, cap, rate, cum in rows)
    )


GOOD = Position(BTC, Side.LONG, 1, 100, 90)


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (brackets_of(), "Binance contract X: tiers"),
        (brackets_of((1, 2, "0.1", 0)), "Binance contract X: tier 0: floor"),
        (brackets_of((0, 10, "0.1", 5)), "Binance contract X: bracket 0: cum"),
        # freqtrade's fixture AAVE/USDT: ends at 1,000,000 and goes on at 10,000,000.
        (
            brackets_of((0, 10**6, "0.125", 0), (10**7, None, "0.5", 386_950)),
            "Binance contract X: bracket 1: floor",
        ),
        (
            brackets_of((0, 100, "0.1", 0), (50, 200, "0.2", 5)),
            "Binance contract X: bracket 1: floor",
        ),
        (
            brackets_of((0, None, "0.1", 0), (50, 60, "0.2", 5)),
            "Binance contract X: bracket 1: floor",
        ),
        (
            brackets_of((0, 100, "0.2", 0), (100, 200, "0.1", 0)),
            "Binance contract X: tier 1: rate",
        ),
        (
            brackets_of((0, 100, "0.1", 0), (100, 200, "0.2", 11)),
            "Binance contract X: bracket 1: cum",
        ),
        (brackets_of((0, 0, "0.1", 0)), "Binance bracket: cap"),
        (brackets_of((0, 1, "0", 0)), "Binance bracket: rate"),
        (brackets_of((0, 1, "1.1", 0)), "Binance bracket: rate"),
        (lambda: Bracket(0, 1, 0.1, 0), "Binance bracket: rate"),
        (lambda: Bracket(0, 1, 1, -1), "Binance bracket: cum"),
        (lambda: Bracket(0, 1, 1, 0, 0), "Binance bracket: max_leverage"),
        (
            lambda: Contract(
                "X", (Bracket(0, 1, Fraction("0.1"), 0, 5), Bracket(1, 2, Fraction("0.1"), 0, 6))
            ),
            "Binance contract X: bracket 1: max_leverage",
        ),
        (lambda: Contract("X", BTC.brackets, 2), "Binance contract X: liquidation_fee"),
        (lambda: Contract("X", (1,)), "Binance contract X: brackets"),
        (lambda: Position(None, Side.LONG, 1, 1, 1), "Binance position: contract"),
        (lambda: Position(BTC, 1, 1, 1, 1), "Binance position BTCUSDT: side"),
        (lambda: Position(BTC, Side.LONG, 0, 1, 1), "Binance position BTCUSDT: amount"),
        (lambda: Position(BTC, Side.LONG, 1, 0, 1), "Binance position BTCUSDT: entry_price"),
        (lambda: Position(BTC, Side.LONG, 1, 1, -1), "Binance position BTCUSDT: mark_price"),
        (lambda: GOOD.initial_margin(0), "Binance position BTCUSDT: leverage"),
        (lambda: Account(1.5), "Binance account: wallet_balance"),
        (lambda: Account(1, (None,)), "Binance account: positions"),
        (lambda: Account(1, (GOOD, GOOD)), "Binance account: BTCUSDT"),
        (
            lambda: Account(1, (GOOD, Position(BTC, Side.SHORT, 1, 100, 91))),
            "Binance account: BTCUSDT",
        ),
        (lambda: Account(1, (GOOD,)).liquidation_prices("X"), "Binance account: symbol"),
        (lambda: Leg(Side.LONG, 0, 1, 0, 0), "Binance leg: amount"),
        (lambda: Leg("long", 1, 1, 0, 0), "Binance leg: side"),
        (lambda: Leg(Side.LONG, 1, 1, 2, 0), "Binance leg: rate"),
        (lambda: Leg(Side.LONG, 1, 1, 0, -1), "Binance leg: cum"),
        (lambda: liquidation_price(1, []), "Binance liquidation price: legs"),
        (
            lambda: liquidation_price(1, [Leg(Side.LONG, 1, 1, 0, 0)] * 2),
            "Binance liquidation price: legs",
        ),
        (
            lambda: liquidation_price(1, [Leg(Side.LONG, 1, 1, 0, 0)], -1),
            "Binance liquidation price: other_maintenance_margin",
        ),
        (lambda: liquidate(Account(100, (GOOD,)), []), "Binance liquidation: account"),
        (
            lambda: liquidate(Account(1, (GOOD,)), [Fill("X", Side.LONG, 1, 1)]),
            "Binance liquidation: fill X",
        ),
        (
            lambda: liquidate(Account(1, (GOOD,)), [Fill("BTCUSDT", Side.LONG, 1, 1)] * 2),
            "Binance liquidation: fill BTCUSDT",
        ),
        (
            lambda: liquidate(Account(1, (GOOD,)), [Fill("BTCUSDT", Side.LONG, 2, 1)]),
            "Binance liquidation: fill BTCUSDT: amount",
        ),
        (lambda: Fill("X", Side.LONG, 1, 0), "Binance fill X: price"),
        (lambda: Fill("X", Side.LONG, -1, 1), "Binance fill X: amount"),
        (
            lambda: CoinPosition(BTC, Side.LONG, 0, 100, 1, 1),
            "Binance coin position BTCUSDT: contracts",
        ),
        (
            lambda: CoinPosition(BTC, Side.LONG, 1, 0, 1, 1),
            "Binance coin position BTCUSDT: contract_size",
        ),
        (lambda: CoinPosition(BTC, 1, 1, 1, 1, 1), "Binance coin position BTCUSDT: side"),
        (lambda: CoinPosition(None, Side.LONG, 1, 1, 1, 1), "Binance coin position: contract"),
        (
            lambda: CoinPosition(BTC, Side.LONG, 1, 1, 1, 1).liquidation_prices(1, -1),
            "Binance coin position BTCUSDT: other_maintenance_margin",
        ),
    ],
)
def test_refused(make, where):
    with pytest.raises(InputError) as error:
        make()
    assert error.value.where == where
