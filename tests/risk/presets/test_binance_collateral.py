"""Binance: published collateral values, margin levels and the portfolio margin ratio."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.presets.binance_collateral import (
    CollateralTable,
    CollateralTier,
    PortfolioAsset,
    PortfolioStatus,
    portfolio_status,
    uni_mmr,
)
from zkcollateral.risk.presets.binance_cross_margin import (
    CrossMarginAccount,
    LiabilityTable,
    LiabilityTier,
    MarginAsset,
    MarginStatus,
)

MILLION = 10**6


def table(asset, *rows):
    return CollateralTable(
        asset, tuple(CollateralTier(floor, cap, Fraction(ratio)) for floor, cap, ratio in rows)
    )


# Binance support, Cross Margin Collateral Haircuts, example 1 and the tiers of example 2.
BTC = table(
    "BTC",
    (0, 100 * MILLION, "1"),
    (100 * MILLION, 120 * MILLION, "0.975"),
    (120 * MILLION, 150 * MILLION, "0.95"),
    (150 * MILLION, 180 * MILLION, "0.9"),
    (180 * MILLION, 200 * MILLION, "0.85"),
)
TOKEN_X = table(
    "X",
    (0, 500_000, "1"),
    (500_000, MILLION, "0.9"),
    (MILLION, 2 * MILLION, "0.8"),
    (2 * MILLION, 4 * MILLION, "0.6"),
    (4 * MILLION, 7 * MILLION, "0.3"),
)


def test_published_collateral_value():
    # Case 15: 6,000 BTC at 20,000 are worth 119,500,000.
    asset = MarginAsset(BTC, 20_000, 6_000)
    assert asset.value == 120 * MILLION
    assert asset.collateral_value == 119_500_000
    assert BTC.value(6_000 * 20_000) == 119_500_000


def test_published_values_of_the_same_rule_elsewhere():
    # Bitget, Cross margin collateral ratios, examples 1 and 2: nothing counts above the tiers.
    apt = table("APT", (0, 50_000, "0.8"))
    assert apt.value(60_000) == 40_000
    usdt = table(
        "USDT",
        (0, 5 * MILLION, "1"),
        (5 * MILLION, 10 * MILLION, "0.98"),
        (10 * MILLION, 20 * MILLION, "0.975"),
    )
    assert usdt.value(11 * MILLION) == 10_875_000


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (500_000, 500_000),
        (3 * MILLION, 500_000 + 450_000 + 800_000 + 600_000),
        (7 * MILLION, 500_000 + 450_000 + 800_000 + 1_200_000 + 900_000),
        (9 * MILLION, 500_000 + 450_000 + 800_000 + 1_200_000 + 900_000),
        (-3 * MILLION, -3 * MILLION),
    ],
)
def test_slices(value, expected):
    assert TOKEN_X.value(value) == expected


@given(
    first=st.fractions(-(10**7), 10**7, max_denominator=100),
    second=st.fractions(-(10**7), 10**7, max_denominator=100),
)
def test_the_value_is_concave_and_never_above_the_market(first, second):
    assert TOKEN_X.value(first) <= first
    middle = TOKEN_X.value((first + second) / 2)
    assert 2 * middle >= TOKEN_X.value(first) + TOKEN_X.value(second)


FULL = CollateralTable.flat("USDT", 1)


def test_published_levels():
    # Binance support, Margin Level: 50,000,000 of assets at 70% against 20,000,000.
    asset = CollateralTable.flat("X", Fraction("0.7"))
    account = CrossMarginAccount(
        (
            MarginAsset(asset, 1, 50 * MILLION),
            MarginAsset(FULL, 1, 0, 20 * MILLION),
        )
    )
    assert account.margin_level == Fraction("2.5")
    assert account.collateral_margin_level == Fraction("1.75")


def owing(assets, debt, interest=0):
    return CrossMarginAccount(
        (MarginAsset(BTC, 1, assets), MarginAsset(FULL, 1, 0, debt, interest))
    )


@pytest.mark.parametrize(
    ("assets", "leverage", "expected"),
    [
        (1_301, 3, MarginStatus.HEALTHY),
        (1_300, 3, MarginStatus.MARGIN_CALL),
        (1_101, 3, MarginStatus.MARGIN_CALL),
        (1_100, 3, MarginStatus.LIQUIDATION),
        (1_161, 5, MarginStatus.HEALTHY),
        (1_160, 5, MarginStatus.MARGIN_CALL),
        (1_100, 5, MarginStatus.LIQUIDATION),
    ],
)
def test_classic_thresholds(assets, leverage, expected):
    # Binance support 360030493931: call at 1.3 (3x) or 1.16 (5x), liquidation at 1.1, or less.
    assert owing(assets, 900, 100).classic_status(leverage) is expected


def test_without_debt_there_is_no_level():
    account = owing(5, 0)
    assert (account.margin_level, account.collateral_margin_level) == (None, None)
    assert (account.pro_margin_level, account.old_pro_margin_level) == (None, None)
    assert account.classic_status(3) is MarginStatus.HEALTHY
    assert not account.is_pro_liquidatable


def liability(asset, *rows):
    return LiabilityTable(
        asset, tuple(LiabilityTier(floor, Fraction(mm), Fraction(im)) for floor, mm, im in rows)
    )


def test_published_margins_of_liabilities():
    # Binance margin data page: 13 BTC at 30,000 and 13 ETH at 3,000 borrowed.
    btc = liability(
        "BTC", (0, "0.05", "0.1112"), (50_000, "0.07", "0.1429"), (100_000, "0.08", "0.2")
    )
    eth = liability("ETH", (0, "0.05", "0.1112"), (30_000, "0.07", "0.1429"))
    account = CrossMarginAccount(
        (
            MarginAsset(CollateralTable.flat("BTC", 1), 30_000, 13, 13, liability=btc),
            MarginAsset(CollateralTable.flat("ETH", 1), 3_000, 13, 13, liability=eth),
        )
    )
    assert account.pro_initial_margin == Fraction("75327.1")
    assert account.pro_maintenance_margin == 31_330
    assert btc.maintenance.deductions[2] == 2_000
    assert eth.maintenance.deductions[1] == 600


def test_published_borrow_limit():
    # Binance support 84aac4a6: 2 BTC held, 1 borrowed, at 10,000; then 79,928 USDC more.
    tiers = [(0, MILLION, "1"), (MILLION, 2 * MILLION, "0.975"), (2 * MILLION, 3 * MILLION, "0.95")]
    btc = liability("BTC", (0, "0.02", "0.1112"), (MILLION, "0.03", "0.1429"))
    usdc = liability("USDC", (0, "0.03", "0.1112"), (MILLION, "0.04", "0.1429"))
    held = MarginAsset(table("BTC", *tiers), 10_000, 2, 1, liability=btc)
    before = CrossMarginAccount((held,))
    assert before.pro_initial_margin == 1_112
    assert before.pro_maintenance_margin == 200
    assert before.old_pro_margin_level == before.pro_margin_level == 50
    assert round(before.available_margin / Fraction("0.1112")) == 79_928
    after = CrossMarginAccount(
        (held, MarginAsset(table("USDC", *tiers), 1, 79_928, 79_928, liability=usdc))
    )
    assert (after.total_assets, after.total_owed) == (99_928, 89_928)
    assert after.pro_maintenance_margin == Fraction("2597.84")
    assert round(after.pro_margin_level, 3) == Fraction("3.849")
    assert after.available_margin < 1


def test_pro_liquidation_counts_haircuts_and_open_orders():
    debt = liability("USDT", (0, "0.1", "0.2"))
    half = CollateralTable.flat("X", Fraction(1, 2))

    def account(loss):
        return CrossMarginAccount(
            (
                MarginAsset(half, 1, 2_400),
                MarginAsset(FULL, 1, 0, 1_000, liability=debt),
            ),
            loss,
        )

    assert account(0).pro_margin_level == 2
    assert account(0).old_pro_margin_level == 14
    assert not account(99).is_pro_liquidatable
    assert account(100).is_pro_liquidatable


def test_portfolio_equity_cuts_only_what_is_positive():
    # min(net·price·rate, net·price), 4868b2f1 and 5e33af8e.
    btc = CollateralTable.flat("BTC", Fraction("0.95"))
    rich = PortfolioAsset(btc, 40_000, Fraction("0.1"), Fraction("0.04"), Fraction("0.1"))
    assert rich.equity == Fraction("0.16") * 40_000 * Fraction("0.95")
    poor = PortfolioAsset(btc, 40_000, Fraction("0.1"), Fraction("0.5"))
    assert poor.equity == Fraction("-0.4") * 40_000


def test_the_portfolio_margin_page_positions():
    # 5e33af8e, Collateral Calculation and Liquidation Example; the ratios are ours, the page's part
    # with them is not quoted: 0.95 for BTC and ETH, 1 for USDT.
    usdt = PortfolioAsset(
        FULL,
        1,
        margin_asset=1_000,
        futures_asset=5_000,
        futures_unrealized_pnl=600 - 414,
        futures_maintenance_margin=Fraction("18.4"),
    )
    btc = PortfolioAsset(
        CollateralTable.flat("BTC", Fraction("0.95")),
        40_000,
        margin_asset=Fraction("0.1"),
        margin_loan=Fraction("0.04"),
        futures_asset=Fraction("0.1"),
        futures_unrealized_pnl=Fraction("-0.05"),
        futures_maintenance_margin=Fraction("0.00125"),
        loan_maintenance_rate=Fraction("0.1"),
    )
    eth = PortfolioAsset(
        CollateralTable.flat("ETH", Fraction("0.95")),
        3_000,
        margin_asset=20,
        margin_loan=15,
        loan_maintenance_rate=Fraction("0.1"),
    )
    assert btc.margin_loan * btc.loan_maintenance_rate == Fraction("0.004")
    assert eth.margin_loan * eth.loan_maintenance_rate == Fraction("1.5")
    assert usdt.net == 6_186
    assert btc.net == Fraction("0.11")
    assert btc.maintenance_margin == Fraction("0.00525") * 40_000
    equity = 6_186 + Fraction("0.11") * 40_000 * Fraction("0.95") + 5 * 3_000 * Fraction("0.95")
    needed = Fraction("18.4") + 210 + 4_500
    assert uni_mmr([usdt, btc, eth]) == equity / needed


def test_open_loss_lowers_the_ratio_and_no_margin_is_no_ratio():
    asset = PortfolioAsset(FULL, 1, 200, futures_maintenance_margin=100)
    assert uni_mmr([asset]) == 2
    lossy = PortfolioAsset(FULL, 1, 200, open_loss=50, futures_maintenance_margin=100)
    assert uni_mmr([lossy]) == Fraction(3, 2)
    assert uni_mmr([PortfolioAsset(FULL, 1, 200)]) is None


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (None, PortfolioStatus.FREE),
        ("1.51", PortfolioStatus.FREE),
        ("1.5", PortfolioStatus.REMINDER),
        ("1.2", PortfolioStatus.REDUCE_ONLY),
        ("1.051", PortfolioStatus.REDUCE_ONLY),
        ("1.05", PortfolioStatus.LIQUIDATION),
        ("-1", PortfolioStatus.LIQUIDATION),
    ],
)
def test_portfolio_statuses(ratio, expected):
    assert portfolio_status(None if ratio is None else Fraction(ratio)) is expected


def bad_tiers(*rows):
    return lambda: table("X", *rows)


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (bad_tiers(), "Binance collateral X: tiers"),
        (bad_tiers((1, 2, "1")), "Binance collateral X: tier 0: floor"),
        (bad_tiers((0, 2, "1"), (3, 4, "1")), "Binance collateral X: tier 1: floor"),
        (bad_tiers((0, 2, "1"), (1, 4, "1")), "Binance collateral X: tier 1: floor"),
        (bad_tiers((0, None, "1"), (1, 4, "1")), "Binance collateral X: tier 1: floor"),
        (bad_tiers((0, 2, "0.5"), (2, 4, "0.6")), "Binance collateral X: tier 1: ratio"),
        (bad_tiers((0, 2, "1.01")), "Binance collateral tier: ratio"),
        (bad_tiers((0, 2, "-0.1")), "Binance collateral tier: ratio"),
        (bad_tiers((-1, 2, "1")), "Binance collateral tier: floor"),
        (bad_tiers((0, 0, "1")), "Binance collateral tier: cap"),
        (lambda: CollateralTier(0, 1, 0.5), "Binance collateral tier: ratio"),
        (lambda: CollateralTable("X", (1,)), "Binance collateral X: tier 0"),
        (lambda: CollateralTable.flat("", 1), "Binance collateral: asset"),
        (lambda: FULL.value(1.5), "Binance collateral USDT: value"),
        (lambda: PortfolioAsset(None, 1), "Binance portfolio asset: table"),
        (lambda: PortfolioAsset(FULL, 0), "Binance portfolio asset USDT: index_price"),
        (lambda: PortfolioAsset(FULL, 1, -1), "Binance portfolio asset USDT: margin_asset"),
        (
            lambda: PortfolioAsset(FULL, 1, loan_maintenance_rate=2),
            "Binance portfolio asset USDT: loan_maintenance_rate",
        ),
        (lambda: uni_mmr([PortfolioAsset(FULL, 1)] * 2), "Binance portfolio: USDT"),
        (lambda: MarginAsset(None, 1), "Binance margin asset: collateral"),
        (lambda: MarginAsset(FULL, 0), "Binance margin asset USDT: price"),
        (lambda: MarginAsset(FULL, 1, -1), "Binance margin asset USDT: amount"),
        (lambda: MarginAsset(FULL, 1, 1, -1), "Binance margin asset USDT: borrowed"),
        (
            lambda: CrossMarginAccount((MarginAsset(FULL, 1),) * 2),
            "Binance cross margin account: USDT",
        ),
        (lambda: CrossMarginAccount((), -1), "Binance cross margin account: open_order_loss"),
        (lambda: owing(1, 1).classic_status(4), "Binance cross margin account: leverage"),
        (lambda: owing(1, 1).pro_maintenance_margin, "Binance margin asset USDT: liability"),
        (lambda: liability("X"), "Binance liability X: tiers"),
        (
            lambda: liability("X", (0, "0.2", "0.3"), (5, "0.1", "0.4")),
            "Binance liability X: tier 1: rate",
        ),
        (
            lambda: liability("X", (0, "0.2", "0.3"), (5, "0.3", "0.2")),
            "Binance liability X: tier 1: rate",
        ),
    ],
)
def test_refused(make, where):
    with pytest.raises(InputError) as error:
        make()
    assert error.value.where == where
