"""Morpho Blue against numbers published in the test suites of its contracts and of its SDK.

Sources: `sdks` is morpho-org/sdks, packages/blue-sdk/src; `blue` is morpho-org/morpho-blue, test.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.fixed_point import MAX_UINT256, WAD
from zkcollateral.risk.presets import morpho_blue as morpho

PRICE = morpho.ORACLE_PRICE_SCALE
LLTV = 86 * WAD // 100

# sdks __test__/fixtures.ts: the market and the position of Position.test.ts and Market.test.ts.
MARKET = morpho.Market(
    lltv=LLTV,
    total_borrow_assets=2_000_000,
    total_borrow_shares=1_000_001,
    total_supply_assets=4_000_000,
    total_supply_shares=3_000_001,
    fee=WAD // 10,
)
POSITION = morpho.Position(collateral=200, borrow_shares=50, supply_shares=100)
HALF = replace(MARKET, lltv=WAD // 2)  # sdks market/MarketUtils.test.ts "position risk helpers"


@pytest.mark.parametrize(
    ("lltv", "factor"),
    [
        # Worked case 6; sdks market/MarketUtils.test.ts and the preLIF of preLiquidation.ts, which
        # are the markets' own factors.
        (385 * WAD // 1000, 1_150_000_000_000_000_000),
        (625 * WAD // 1000, 1_126_760_563_380_281_690),
        (77 * WAD // 100, 1_074_113_856_068_743_286),
        (86 * WAD // 100, 1_043_841_336_116_910_229),
        (915 * WAD // 1000, 1_026_167_265_264_238_070),
        (945 * WAD // 1000, 1_016_776_817_488_561_260),
        (965 * WAD // 1000, 1_010_611_419_909_044_972),
        (98 * WAD // 100, 1_006_036_217_303_822_937),
        (0, 1_150_000_000_000_000_000),
    ],
)
def test_liquidation_incentive_factor(lltv: int, factor: int) -> None:
    assert morpho.liquidation_incentive_factor(lltv) == factor


def test_position_getters() -> None:
    """Worked case 7; sdks position/Position.test.ts "AccrualPosition getters"."""
    assert morpho.supply_assets(MARKET, POSITION) == 100
    assert morpho.borrow_assets(MARKET, POSITION) == 50
    assert morpho.collateral_value(POSITION, PRICE) == 200
    assert morpho.max_borrow(MARKET, POSITION, PRICE) == 172
    assert morpho.max_borrowable(MARKET, POSITION, PRICE) == 122
    assert morpho.seizable_collateral(MARKET, POSITION, PRICE) == 0
    assert morpho.withdrawable_collateral(MARKET, POSITION, PRICE) == 141
    assert morpho.is_healthy(MARKET, POSITION, PRICE)
    assert not morpho.is_liquidatable(MARKET, POSITION, PRICE)
    assert morpho.loan_to_value(MARKET, POSITION, PRICE) == 250_000_000_000_000_000
    assert morpho.health_factor(MARKET, POSITION, PRICE) == 344 * WAD // 100
    assert morpho.borrow_capacity_usage(MARKET, POSITION, PRICE) < WAD
    variation = morpho.price_variation_to_liquidation(MARKET, POSITION, PRICE)
    assert variation is not None
    assert variation < 0


def test_liquidatable_position() -> None:
    """sdks position/Position.test.ts "liquidatable positions invert isHealthy"."""
    position = replace(POSITION, borrow_shares=200)
    assert not morpho.is_healthy(MARKET, position, PRICE)
    assert morpho.is_liquidatable(MARKET, position, PRICE)
    # ⌊200·1.0438…⌋ = 208 shares' worth, more than there is.
    assert morpho.seizable_collateral(MARKET, position, PRICE) == 200


def test_market_helpers() -> None:
    """sdks market/Market.test.ts "collateral and liquidation helpers use market params"."""
    position = morpho.Position(collateral=100, borrow_shares=10)
    assert morpho.collateral_value(position, PRICE) == 100
    assert morpho.max_borrow(MARKET, position, PRICE) == 86
    assert morpho.max_borrowable(MARKET, position, PRICE) == 76
    assert morpho.withdrawable_collateral(MARKET, position, PRICE) == 88
    assert morpho.loan_to_value(MARKET, position, PRICE) == 100_000_000_000_000_000
    assert morpho.collateral_value(morpho.Position(10, 0), 2 * PRICE) == 20
    # The same at a loan-to-value of 50 %, "borrow capacity can be collateral … limited".
    assert morpho.max_borrow(HALF, position, PRICE) == 50
    assert morpho.max_borrowable(HALF, position, PRICE) == 40
    assert morpho.withdrawable_collateral(HALF, position, PRICE) == 80


def test_risk_helpers() -> None:
    """sdks market/MarketUtils.test.ts "position risk helpers"."""
    position = morpho.Position(collateral=100, borrow_shares=10)
    deep = morpho.Position(collateral=100, borrow_shares=80)
    factor = morpho.liquidation_incentive_factor(HALF.lltv)
    assert morpho.max_borrowable(HALF, position, PRICE) == 40
    assert morpho.health_factor(HALF, position, PRICE) == 5 * WAD
    assert morpho.loan_to_value(HALF, position, PRICE) == 100_000_000_000_000_000
    assert morpho.borrow_capacity_usage(HALF, position, PRICE) == 200_000_000_000_000_000
    assert morpho.is_healthy(HALF, position, PRICE)
    assert not morpho.is_healthy(HALF, deep, PRICE)
    assert morpho.seizable_collateral(HALF, position, PRICE) == 0
    assert morpho.seizable_collateral(HALF, deep, PRICE) == 92
    seized = morpho.seized_assets_for(HALF, 10, PRICE, factor)
    assert seized == 11
    assert morpho.repaid_shares_for(HALF, seized, PRICE, factor) >= 10
    assert morpho.health_factor(HALF, replace(position, borrow_shares=0), PRICE) == MAX_UINT256
    assert morpho.liquidation_price(HALF, replace(position, borrow_shares=0)) is None
    assert morpho.liquidation_price(HALF, replace(position, collateral=0)) == MAX_UINT256
    assert morpho.liquidation_price(HALF, position) == PRICE // 5
    assert morpho.loan_to_value(HALF, replace(position, borrow_shares=0), PRICE) is None
    empty = replace(position, collateral=0)
    assert morpho.borrow_capacity_usage(HALF, empty, PRICE) == MAX_UINT256


def test_zero_price() -> None:
    """sdks market/Market.test.ts "capacity helpers work with zero oracle price"."""
    position = morpho.Position(collateral=100, borrow_shares=10)
    assert morpho.collateral_value(position, 0) == 0
    assert morpho.withdrawable_collateral(MARKET, position, 0) == 0
    assert morpho.loan_to_value(MARKET, position, 0) == MAX_UINT256
    assert morpho.borrow_capacity_usage(MARKET, position, 0) == MAX_UINT256
    assert morpho.seizable_collateral(MARKET, position, 0) == 0
    assert morpho.price_variation_to_liquidation(MARKET, position, 0) is None


def test_no_debt_is_withdrawable_and_healthy_at_any_price() -> None:
    position = morpho.Position(collateral=7, borrow_shares=0)
    assert morpho.is_healthy(MARKET, position, 0)
    assert morpho.withdrawable_collateral(MARKET, position, 0) == 7
    worthless = replace(MARKET, lltv=0)
    assert morpho.withdrawable_collateral(worthless, position, PRICE) == 7
    assert morpho.withdrawable_collateral(worthless, POSITION, PRICE) == 0


def test_health_boundary() -> None:
    """⌊⌊100·p⌋·0.86⌋ against 86: healthy at equality, not one unit below."""
    position = morpho.Position(collateral=100, borrow_shares=86)
    assert morpho.borrow_assets(MARKET, position) == 86
    assert morpho.is_healthy(MARKET, position, PRICE)
    assert not morpho.is_healthy(MARKET, position, PRICE - 1)
    assert morpho.health_factor(MARKET, position, PRICE) == WAD


def test_shares() -> None:
    """sdks math/SharesMath.test.ts."""
    assert morpho.to_assets_down(10**6, 0, 0) == 1
    assert morpho.to_assets_down(10, 100, 1000) == 0
    assert morpho.to_shares_down(1, 0, 0) == 10**6
    assert morpho.to_shares_down(0, 100, 1000) == 0
    # sdks market/MarketUtils.test.ts "toBorrowShares uses Down rounding by default".
    assert morpho.to_shares_up(1, 3, 2) == morpho.to_shares_down(1, 3, 2) + 1 == 250_001
    assert morpho.to_assets_up(1, 1000, 100) == 1
    assert morpho.to_assets_down(1, 1000, 100) == 0


def test_seized_assets_round_down_to_nothing() -> None:
    """blue integration/LiquidateIntegrationTest.sol testSeizedAssetsRoundUp."""
    start = morpho.Market(3 * WAD // 4, 0, 0, 100 * WAD, 100 * WAD * 10**6)
    opened = morpho.borrow(start, morpho.Position(400, 0), PRICE, assets=300)
    result = morpho.liquidate(opened.market, opened.position, PRICE - WAD // 100, repaid_shares=1)
    assert result.seized_assets == 0
    assert result.repaid_assets == 1


def test_bad_debt_over_total_borrow_assets() -> None:
    """blue integration/LiquidateIntegrationTest.sol testBadDebtOverTotalBorrowAssets.

    Borrowing one share makes the debt round up past the market's total; it is capped by it.
    """
    market = morpho.Market(8 * WAD // 10, 0, 0, WAD, WAD * 10**6)
    first = morpho.borrow(market, morpho.Position(10 * WAD, 0), PRICE, assets=WAD)
    opened = morpho.borrow(first.market, first.position, PRICE, shares=1)
    assert opened.assets == 0
    result = morpho.liquidate(opened.market, opened.position, PRICE // 100, seized_assets=10 * WAD)
    assert result.position == morpho.Position(0, 0)
    assert result.market.total_borrow_shares == 0
    assert result.market.total_borrow_assets == 0
    assert result.bad_debt_assets + result.repaid_assets == WAD
    assert result.market.total_supply_assets == result.repaid_assets
    # 0.1 of value, over the factor 1/0.94; two ups, as shares and back.
    assert result.repaid_assets == 94_000_000_000_000_002


def test_accrual_and_liquidation_to_the_last_digit() -> None:
    """What the compiled contract answers, with its IrmMock (utilization a year), after 30 days."""
    start = morpho.Market(
        LLTV, 375 * WAD, 375 * WAD * 10**6, 1000 * WAD, 1000 * WAD * 10**6, WAD // 10
    )
    rate = morpho.utilization(start) // (365 * 86400)
    market = morpho.accrue_interest(start, rate, 30 * 86400)
    assert market == replace(
        start,
        total_supply_assets=1011738172451221840750,
        total_supply_shares=1001161546257865774208948568,
        total_borrow_assets=386738172451221840750,
    )
    account = morpho.Position(100 * WAD, 75 * WAD * 10**6)
    result = morpho.liquidate(market, account, 8 * PRICE // 10, repaid_shares=50 * WAD * 10**6)
    assert result.seized_assets == 67282215109815908228
    assert result.repaid_assets == 51565089660162912100
    assert result.market.total_borrow_assets == 335173082791058928650
    assert result.position == morpho.Position(32717784890184091772, 25 * WAD * 10**6)


@pytest.mark.parametrize(
    ("bad", "where"),
    [
        ({"lltv": WAD}, "lltv"),  # blue integration/OnlyOwnerIntegrationTest: MAX_LLTV_EXCEEDED
        ({"lltv": -1}, "lltv"),
        ({"lltv": 0.86}, "lltv"),
        ({"fee": WAD // 4 + 1}, "fee"),  # likewise: MAX_FEE_EXCEEDED
        ({"total_borrow_assets": 2**128}, "total_borrow_assets"),
        ({"total_borrow_shares": -1}, "total_borrow_shares"),
        ({"total_supply_assets": True}, "total_supply_assets"),
        ({"total_supply_shares": 1.0}, "total_supply_shares"),
    ],
)
def test_market_rejects(bad: dict[str, int], where: str) -> None:
    with pytest.raises(InputError, match=f"Morpho Blue market {where}"):
        replace(MARKET, **bad)


@pytest.mark.parametrize("field", ["collateral", "borrow_shares", "supply_shares"])
@pytest.mark.parametrize("value", [-1, 1.5, 2**256])
def test_position_rejects(field: str, value: int) -> None:
    with pytest.raises(InputError, match=f"Morpho Blue position {field}"):
        replace(POSITION, **{field: value})


def test_prices_and_amounts_are_checked() -> None:
    for price in (-1, 1.0, 2**256):
        with pytest.raises(InputError, match="Morpho Blue price"):
            morpho.is_healthy(MARKET, POSITION, price)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="below 2\\^256"):
        morpho.is_healthy(MARKET, replace(POSITION, collateral=2**127), 2**200)
    with pytest.raises(InputError, match="Morpho Blue lltv"):
        morpho.liquidation_incentive_factor(WAD)
    with pytest.raises(InputError, match="Morpho Blue price"):
        morpho.seized_assets_for(MARKET, 1, 0, WAD)


@pytest.mark.parametrize(
    ("position", "price", "amounts", "expected"),
    [
        # blue LiquidateIntegrationTest.sol: ZeroAmount, InconsistentInput, HealthyPosition.
        (POSITION, PRICE, {}, "exactly one"),
        (POSITION, PRICE, {"seized_assets": 1, "repaid_shares": 1}, "exactly one"),
        (POSITION, PRICE, {"seized_assets": 1}, "an unhealthy account"),
        (replace(POSITION, borrow_shares=0), 0, {"repaid_shares": 1}, "an unhealthy account"),
        (POSITION, PRICE // 10, {"seized_assets": 201}, "the account's collateral"),
        (POSITION, PRICE // 10, {"repaid_shares": 51}, "the account's borrow shares"),
        (POSITION, PRICE // 10, {"repaid_shares": 50}, "the account's collateral"),
        (POSITION, 0, {"repaid_shares": 1}, "an integer from 1"),
    ],
)
def test_liquidate_rejects(
    position: morpho.Position, price: int, amounts: dict[str, int], expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        morpho.liquidate(MARKET, position, price, **amounts)


def test_liquidate_rejects_totals_that_cannot_bear_it() -> None:
    with pytest.raises(InputError, match="bear the bad debt"):
        morpho.liquidate(
            replace(MARKET, total_supply_assets=0), POSITION, PRICE // 10, seized_assets=200
        )


amounts = st.integers(1, 10**30)


@st.composite
def accounts(draw: st.DrawFn) -> tuple[morpho.Market, morpho.Position, int]:
    """A market in which the account borrowed among others, at any price."""
    market = morpho.Market(
        lltv=draw(st.integers(0, WAD - 1)),
        total_borrow_assets=draw(amounts),
        total_borrow_shares=draw(st.integers(1, 10**36)),
        total_supply_assets=10**31,
        total_supply_shares=10**37,
    )
    shares = draw(st.integers(1, market.total_borrow_shares))
    # Around the boundary, where it matters.
    position = morpho.Position(draw(amounts), shares)
    edge = morpho.liquidation_price(market, position)
    assert edge is not None
    spread = draw(st.integers(1, 3 * WAD))
    return market, position, min(edge, 10**45) * spread // WAD + draw(st.integers(0, 2))


@given(accounts())
def test_health_factor_agrees_with_health(
    account: tuple[morpho.Market, morpho.Position, int],
) -> None:
    market, position, price = account
    assert morpho.is_healthy(market, position, price) == (
        morpho.health_factor(market, position, price) >= WAD
    )


@given(accounts(), st.integers(1, 10**36), st.booleans())
def test_liquidation_creates_no_value(
    account: tuple[morpho.Market, morpho.Position, int], amount: int, by_shares: bool
) -> None:
    market, position, price = account
    if morpho.is_healthy(market, position, price):
        with pytest.raises(InputError, match="unhealthy"):
            morpho.liquidate(market, position, price, repaid_shares=1)
        return
    assume(price > 0)
    try:
        if by_shares:
            result = morpho.liquidate(
                market, position, price, repaid_shares=amount % position.borrow_shares + 1
            )
        else:
            result = morpho.liquidate(
                market, position, price, seized_assets=amount % position.collateral + 1
            )
    except InputError as error:
        if "at most" not in error.expected:
            raise
        return
    # The liquidator never gets more than the incentive on what was paid.
    assert result.seized_assets * price * WAD <= (
        result.repaid_assets * result.incentive_factor * PRICE
    )
    assert result.position.collateral == position.collateral - result.seized_assets
    assert position.borrow_shares == (
        result.position.borrow_shares + result.repaid_shares + result.bad_debt_shares
    )
    # What suppliers are owed falls by the bad debt alone, and only when no collateral is left.
    assert result.market.total_supply_assets == market.total_supply_assets - result.bad_debt_assets
    assert result.position.collateral == 0 or result.bad_debt_assets == 0
    # What is left of the loans, with what was paid and written off, is what there was (the payment
    # may pass the total by 1).
    assert (
        0
        <= result.market.total_borrow_assets
        + result.repaid_assets
        + result.bad_debt_assets
        - market.total_borrow_assets
        <= 1
    )


@given(amounts, st.integers(0, 10**30), st.integers(0, 10**36))
def test_shares_never_gain_in_a_round_trip(assets: int, total: int, shares: int) -> None:
    down = morpho.to_shares_down(assets, total, shares)
    assert morpho.to_assets_down(down, total, shares) <= assets
    assert morpho.to_assets_up(morpho.to_shares_up(assets, total, shares), total, shares) >= assets
