"""Morpho pre-liquidation against its published cases.

Sources: `sdks` is morpho-org/sdks, packages/blue-sdk/src; `pre` is morpho-org/pre-liquidation,
test.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.fixed_point import WAD
from zkcollateral.risk.presets import morpho_blue as morpho
from zkcollateral.risk.presets import morpho_pre_liquidation as pre

PRICE = morpho.ORACLE_PRICE_SCALE
# sdks position/PreLiquidationPosition.test.ts
TERMS = pre.PreLiquidationTerms(
    lltv=86 * WAD // 100,
    pre_lltv=80 * WAD // 100,
    close_factor_low=20 * WAD // 100,
    close_factor_high=80 * WAD // 100,
    incentive_low=101 * WAD // 100,
    incentive_high=105 * WAD // 100,
)
MARKET = morpho.Market(86 * WAD // 100, 2_000_000, 1_000_001, 4_000_000, 3_000_001)
MAINNET = morpho.Market(86 * WAD // 100, 10**12, 10**18, 2 * 10**12, 2 * 10**18)


def test_interpolation() -> None:
    """sdks "close factor and incentive factor interpolate by quotient"."""
    assert pre.close_factor(TERMS, 0) == TERMS.close_factor_low
    assert pre.close_factor(TERMS, WAD) == TERMS.close_factor_high
    assert pre.incentive_factor(TERMS, 0) == TERMS.incentive_low
    assert pre.incentive_factor(TERMS, WAD) == TERMS.incentive_high
    assert pre.quotient(TERMS, TERMS.pre_lltv) == 0
    assert pre.quotient(TERMS, TERMS.lltv) == WAD
    assert pre.quotient(TERMS, 83 * WAD // 100) == WAD // 2
    assert pre.close_factor(TERMS, WAD // 2) == WAD // 2
    assert pre.incentive_factor(TERMS, WAD // 2) == 103 * WAD // 100


@pytest.mark.parametrize(
    ("shares", "allowed"),
    [
        # sdks: "healthy positions are not pre-liquidatable", "positions liquidatable on the base
        # market …", "pre-liquidatable positions expose seizable collateral"
        (50, False),
        (90, False),
        (83, True),
        # The two ends: more than 80, at most 86.
        (80, False),
        (81, True),
        (86, True),
        (87, False),
    ],
)
def test_range(shares: int, allowed: bool) -> None:
    position = morpho.Position(100, shares)
    assert pre.is_pre_liquidatable(TERMS, MARKET, position, PRICE) == allowed
    assert (pre.seizable_collateral(TERMS, MARKET, position, PRICE) > 0) == allowed


def test_exact_seizable_collateral() -> None:
    """sdks "mainnet pre-liquidatable positions expose exact limits"."""
    terms = replace(TERMS, incentive_high=101 * WAD // 100)
    position = morpho.Position(200_000_000_000, 170_000_000_000_000_000)
    assert pre.seizable_collateral(terms, MAINNET, position, PRICE) == 120_189_999_998
    empty = replace(position, borrow_shares=0)
    assert not pre.is_pre_liquidatable(terms, MAINNET, empty, PRICE)


@pytest.mark.parametrize(
    ("lltv", "pre_lltv", "low", "high", "incentive"),
    [
        # sdks preLiquidation.ts, the registry of default terms: the contract takes them all.
        (385, 301514568055515563, 22637943984157107, 349673199983645648, 1_150000000000000000),
        (625, 562591950487445723, 7543182567291709, 279542312587328718, 1_126760563380281690),
        (770, 727366070175296029, 3706417131700377, 256643181309902852, 1_074113856068743286),
        (860, 832603694978499652, 2001493508968667, 245311807032632372, 1_043841336116910229),
        (915, 897868776651447149, 1135586186384195, 239205538157954887, 1_026167265264238070),
        (945, 933746617913300027, 709220796660800, 236098907251355946, 1_016776817488561260),
        (965, 957768981497388846, 441038514876104, 234108264807531861, 1_010611419909044972),
        (980, 975838577830248552, 247773050273784, 232655340599010079, 1_006036217303822937),
    ],
)
def test_default_terms(lltv: int, pre_lltv: int, low: int, high: int, incentive: int) -> None:
    terms = pre.PreLiquidationTerms(lltv * WAD // 1000, pre_lltv, low, high, incentive, incentive)
    assert incentive == morpho.liquidation_incentive_factor(terms.lltv)
    assert pre.close_factor(terms, WAD) == high


@pytest.mark.parametrize(
    ("bad", "where"),
    [
        # pre PreLiquidationErrorTest.sol
        ({"pre_lltv": TERMS.lltv}, "pre_lltv"),  # testHighPreLltv
        ({"close_factor_high": TERMS.close_factor_low - 1}, "close_factor_high"),  # LCFDecreasing
        (
            {"close_factor_low": WAD + 1, "close_factor_high": WAD + 2},
            "close_factor_low",
        ),  # LCFHigh
        ({"incentive_low": WAD - 1}, "incentive_low"),  # testLowPreLIF
        ({"incentive_high": WAD * WAD // TERMS.lltv + 1}, "incentive_high"),  # testHighPreLIF
        ({"incentive_high": TERMS.incentive_low - 1}, "incentive_low"),  # testPreLIFDecreasing
        ({"lltv": WAD}, "lltv"),
        ({"lltv": 0}, "lltv"),
        ({"pre_lltv": 0.8}, "pre_lltv"),
    ],
)
def test_terms_reject(bad: dict[str, int], where: str) -> None:
    with pytest.raises(InputError, match=f"Morpho pre-liquidation {where}"):
        replace(TERMS, **bad)


def test_terms_take_their_bounds() -> None:
    high = WAD * WAD // TERMS.lltv
    terms = replace(
        TERMS,
        pre_lltv=TERMS.lltv - 1,
        close_factor_low=WAD,
        close_factor_high=5 * WAD,
        incentive_low=high,
        incentive_high=high,
    )
    assert pre.close_factor(terms, WAD) == 5 * WAD


def test_helpers_reject() -> None:
    with pytest.raises(InputError, match="ltv"):
        pre.quotient(TERMS, TERMS.pre_lltv - 1)
    with pytest.raises(InputError, match="ltv"):
        pre.quotient(TERMS, TERMS.lltv + 1)
    with pytest.raises(InputError, match="quotient"):
        pre.close_factor(TERMS, WAD + 1)
    with pytest.raises(InputError, match="quotient"):
        pre.incentive_factor(TERMS, -1)
    with pytest.raises(InputError, match="market lltv"):
        pre.is_pre_liquidatable(TERMS, replace(MARKET, lltv=1), morpho.Position(100, 83), PRICE)


DEEP = morpho.Position(200 * 10**9, 170 * 10**15)  # a loan-to-value of 85 %


@pytest.mark.parametrize(
    ("position", "amounts", "expected"),
    [
        # pre PreLiquidationErrorTest.sol testEmptyPreLiquidation, testInconsistentInput,
        # testNotPreLiquidatable, testPreLiquidationTooLargeWith{Shares,Assets};
        # PreLiquidationTest.sol testPreLiquidationLiquidatable
        (DEEP, {}, "exactly one"),
        (DEEP, {"seized_assets": 1, "repaid_shares": 1}, "exactly one"),
        (replace(DEEP, borrow_shares=10**17), {"repaid_shares": 1}, "above pre_lltv"),
        (replace(DEEP, borrow_shares=175 * 10**15), {"repaid_shares": 1}, "above pre_lltv"),
        (DEEP, {"repaid_shares": 170 * 10**15 * 70 // 100 + 10**9}, "repayable shares"),
        (DEEP, {"seized_assets": 130 * 10**9}, "repayable shares"),
        (DEEP, {"repaid_shares": 1}, "some collateral"),
    ],
)
def test_pre_liquidate_rejects(
    position: morpho.Position, amounts: dict[str, int], expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        pre.pre_liquidate(TERMS, MAINNET, position, PRICE, **amounts)


def test_close_factor_above_one_still_stops_at_the_debt() -> None:
    terms = replace(TERMS, close_factor_high=3 * WAD)
    with pytest.raises(InputError, match="the account's borrow shares"):
        pre.pre_liquidate(terms, MAINNET, DEEP, PRICE, repaid_shares=DEEP.borrow_shares + 1)
    whole = pre.pre_liquidate(terms, MAINNET, DEEP, PRICE, repaid_shares=DEEP.borrow_shares)
    assert whole.position.borrow_shares == 0
    assert whole.position.collateral > 0


def test_market_must_call_the_account_healthy_afterwards() -> None:
    """A market oracle below the contract's own: the market's withdrawal refuses."""
    done = pre.pre_liquidate(TERMS, MAINNET, DEEP, PRICE, repaid_shares=10**15)
    assert morpho.is_healthy(done.market, done.position, PRICE)
    with pytest.raises(InputError, match="healthy afterwards"):
        pre.pre_liquidate(
            TERMS, MAINNET, DEEP, PRICE, market_price=9 * PRICE // 10, repaid_shares=10**15
        )


def test_to_the_last_digit() -> None:
    """What the compiled contracts answer."""
    terms = pre.PreLiquidationTerms(
        8 * WAD // 10, 7 * WAD // 10, WAD // 10, WAD // 2, 101 * WAD // 100, 105 * WAD // 100
    )
    market = morpho.Market(
        terms.lltv,
        386738172451221840750,
        375 * WAD * 10**6,
        1011738172451221840750,
        1001161546257865774208948568,
    )
    position = morpho.Position(100 * WAD, 75 * WAD * 10**6)
    done = pre.pre_liquidate(terms, market, position, PRICE, seized_assets=10 * WAD)
    assert done.repaid_assets == 9621022738592061948
    assert done.position == morpho.Position(90 * WAD, 65670991942417902719953084)
    assert done.market.total_borrow_assets == 377117149712629778802
    assert done.market.total_borrow_shares == 365670991942417902719953084


@given(
    st.integers(WAD // 100, 80 * WAD // 100 - 1),
    st.integers(WAD // 100, WAD),
    st.integers(WAD, 125 * WAD // 100),
    st.integers(10**18, 10**24),
    st.integers(0, 10**18),
)
def test_shares_and_assets(
    pre_lltv: int, factor: int, incentive: int, collateral: int, part: int
) -> None:
    """pre PreLiquidationTest.sol testPreLiquidationShares and …Assets, in their ranges.

    As there, whatever is repayable can be repaid, by shares or by what it seizes.
    """
    terms = pre.PreLiquidationTerms(80 * WAD // 100, pre_lltv, factor, WAD, WAD, incentive)
    low, high = collateral * pre_lltv // WAD + 1, collateral * terms.lltv // WAD
    assume(low <= high)
    borrowed = low + (high - low) * part // 10**18
    start = morpho.Market(terms.lltv, 0, 0, borrowed, borrowed * 10**6)
    opened = morpho.borrow(start, morpho.Position(collateral, 0), PRICE, assets=borrowed)
    market, position = opened.market, opened.position
    assert pre.is_pre_liquidatable(terms, market, position, PRICE)
    assert morpho.is_healthy(market, position, PRICE)
    at = pre.quotient(terms, -(-borrowed * WAD // collateral))
    shares = position.borrow_shares * pre.close_factor(terms, at) // WAD
    done = pre.pre_liquidate(terms, market, position, PRICE, repaid_shares=shares)
    assert done.repayable_shares == shares
    assert done.seized_assets == pre.seizable_collateral(terms, market, position, PRICE)
    assert done.seized_assets * WAD <= done.repaid_assets * done.incentive_factor
    again = pre.pre_liquidate(terms, market, position, PRICE, seized_assets=done.seized_assets)
    assert again.repaid_shares <= shares
    assert morpho.is_healthy(done.market, done.position, PRICE)
