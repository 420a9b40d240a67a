"""Liquidations of Aave v3.7 against its own tests; amounts worked by hand in the comments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.fixed_point import MAX_UINT256, RAY, WAD
from zkcollateral.risk.presets.aave_liquidation import (
    LiquidationAmounts,
    available_collateral,
    largest_liquidation,
    liquidate,
    max_liquidatable_debt,
)
from zkcollateral.risk.presets.aave_v3 import (
    AaveAccount,
    AaveMarket,
    AavePosition,
    AaveReserve,
    EModeCategory,
    debt_balance,
    supply_balance,
    user_account_data,
)

# aave-v3-origin tests/mocks/AaveV3TestListing.sol
USDX = AaveReserve("USDX", 6, 8_250, 8_600, 10_500, 1_000)
WBTC = AaveReserve("WBTC", 8, 8_250, 8_600, 10_500, 1_000)
WETH = AaveReserve("WETH", 18, 8_250, 8_600, 10_500, 1_000)
PRICES = {"USDX": 10**8, "WBTC": 27_000 * 10**8, "WETH": 1_800 * 10**8}
MARKET = AaveMarket((USDX, WBTC, WETH))


def fallen(percent: int) -> dict[str, int]:
    """Prices after WBTC fell by so many percent."""
    return {**PRICES, "WBTC": PRICES["WBTC"] * (100 - percent) // 100}


def market_with(**changes: dict[str, object]) -> AaveMarket:
    reserves = tuple(
        replace(reserve, **changes.get(reserve.symbol, {}))  # type: ignore[arg-type]
        for reserve in MARKET.reserves
    )
    return AaveMarket(reserves)


def one_bitcoin_against(usdx: int) -> AaveAccount:
    return AaveAccount((AavePosition("WBTC", 10**8), AavePosition("USDX", 0, usdx)))


def test_partial_liquidation() -> None:
    # Pool.Liquidations.t.sol test_partial_liquidate_variable_borrow: WBTC at 20,250.
    # 106 / 20,250 = 523,456.79 → 523,456; · 1.05 = 549,628.8 → 549,628 (half up would give …629);
    # bonus 549,628 − ⌊523,455.24⌋ = 26,173; fee ⌈2,617.3⌉ = 2,618.
    account = one_bitcoin_against(20_500 * 10**6)
    result = liquidate(MARKET, account, fallen(25), "WBTC", "USDX", 106 * 10**6)
    assert result.amounts == LiquidationAmounts(106 * 10**6, 547_010, 2_618)
    assert result.liquidation_bonus == 10_500
    assert result.bad_debt == ()
    assert result.account.position("WBTC").scaled_supply == 10**8 - 549_628
    assert result.account.position("USDX").scaled_debt == 20_394 * 10**6


def test_half_is_closed_without_a_fee() -> None:
    # test_liquidate_variable_borrow_no_fee: WBTC at 22,680, health factor 0.95145 > 0.95.
    # 10,250 / 22,680 = 45,194,003.5 → 45,194,003; · 1.05 = 47,453,703.15 → 47,453,703.
    market = market_with(WBTC={"liquidation_protocol_fee": 0})
    account = one_bitcoin_against(20_500 * 10**6)
    result = liquidate(market, account, fallen(16), "WBTC", "USDX")
    assert result.amounts == LiquidationAmounts(10_250 * 10**6, 47_453_703, 0)
    assert result.health_factor == 22_680 * 86 * WAD // 100 // 20_500


def test_full_liquidation_of_one_of_two_debts() -> None:
    # test_full_liquidate_multiple_variable_borrows: WBTC at 18,900, USDX debt 199.999999.
    # 1,058,201.05 → 1,058,201; · 1.05 → 1,111,111; bonus 52,911; fee 5,292.
    account = AaveAccount(
        (
            AavePosition("WBTC", 10**8),
            AavePosition("USDX", 0, 200 * 10**6 - 1),
            AavePosition("WETH", 0, 10 * WAD),
        )
    )
    for receive_a_token in (False, True):
        result = liquidate(
            MARKET, account, fallen(30), "WBTC", "USDX", receive_a_token=receive_a_token
        )
        assert result.amounts == LiquidationAmounts(200 * 10**6 - 1, 1_105_819, 5_292)
        assert result.account.position("USDX").scaled_debt == 0
        assert result.account.position("WBTC").is_collateral


def test_all_of_one_collateral_of_two() -> None:
    # test_full_liquidate_multiple_supplies_and_variable_borrows: 0.01 WETH is worth 18.
    # Debt ⌈18 / 1.05⌉ = 17.142858; bonus 476,190,476,190,477 wei; fee ⌈10 % of it⌉.
    account = AaveAccount(
        (
            AavePosition("WBTC", 10**8),
            AavePosition("WETH", 10**16, 10 * WAD),
            AavePosition("USDX", 0, 200 * 10**6 - 1),
        )
    )
    result = liquidate(MARKET, account, fallen(30), "WETH", "USDX", receive_a_token=True)
    fee = 47_619_047_619_048
    assert result.amounts == LiquidationAmounts(17_142_858, 10**16 - fee, fee)
    assert result.amounts.taken == 10**16
    assert not result.account.position("WETH").is_collateral
    assert result.account.position("WETH").scaled_debt == 10 * WAD
    assert result.account.position("WBTC").is_collateral
    assert result.bad_debt == ()


def test_bad_debt_becomes_a_deficit() -> None:
    # test_liquidate_borrow_bad_debt, test_deficit_increased_after_liquidate_bad_debt, without the
    # month of interest: 0.5 WBTC at 21,600 pays ⌈10,800 / 1.05⌉ = 10,285.714286 of 11,000.
    account = AaveAccount(
        (AavePosition("WBTC", 5 * 10**7), AavePosition("USDX", 0, 11_000 * 10**6))
    )
    result = liquidate(MARKET, account, fallen(20), "WBTC", "USDX")
    assert result.amounts.repaid == 10_285_714_286
    assert result.amounts.taken == 5 * 10**7
    assert result.bad_debt == (("USDX", 714_285_714),)
    assert result.account.position("USDX").scaled_debt == 0
    assert result.account.position("WBTC").scaled_supply == 0
    assert user_account_data(MARKET, result.account, PRICES).health_factor == MAX_UINT256


def test_bad_debt_in_several_assets() -> None:
    # test_liquidate_borrow_burn_multiple_assets_bad_debt, without interest
    account = AaveAccount(
        (
            AavePosition("WBTC", 100_999_999, 200_000),
            AavePosition("USDX", 0, 20_500_999_999),
            AavePosition("WETH", 0, 200_000),
        )
    )
    prices = {**PRICES, "WBTC": 21_195 * 10**8}
    result = liquidate(MARKET, account, prices, "WBTC", "USDX")
    outstanding = 20_500_999_999 - result.amounts.repaid
    assert result.bad_debt == (("USDX", outstanding), ("WBTC", 200_000), ("WETH", 200_000))
    assert all(p.scaled_debt == 0 for p in result.account.positions)


def test_debt_of_an_inactive_reserve_is_passed_over() -> None:
    market = market_with(WETH={"active": False})
    account = AaveAccount(
        (
            AavePosition("WBTC", 5 * 10**7),
            AavePosition("USDX", 0, 11_000 * 10**6),
            AavePosition("WETH", 0, WAD),
        )
    )
    result = liquidate(market, account, fallen(20), "WBTC", "USDX")
    assert [symbol for symbol, _ in result.bad_debt] == ["USDX"]
    assert result.account.position("WETH").scaled_debt == WAD


def test_collateral_not_enough_for_the_fee() -> None:
    # test_full_liquidate_atokens_edgecase_collateral_not_enough_to_cover_fee: 100 held, 122 owed.
    # Debt ⌈100 / 1.05⌉ = 96; fee ⌈0.5⌉ = 1; the 99 seized take all 49 scaled units.
    market = market_with(
        USDX={
            "liquidity_index": 205 * RAY // 100,
            "variable_borrow_index": 405 * RAY // 100,
        }
    )
    account = AaveAccount((AavePosition("USDX", 49, 30),))
    result = liquidate(market, account, PRICES, "USDX", "USDX", receive_a_token=True)
    assert result.amounts == LiquidationAmounts(96, 99, 0)
    assert result.account.position("USDX") == AavePosition("USDX", use_as_collateral=False)
    assert result.bad_debt == (("USDX", 26),)


def test_collateral_bit_after_full_scaled_consumption() -> None:
    # test_collateral_bit_remains_after_full_scaled_consumption: the comment there works it out
    market = market_with(
        USDX={
            "ltv": 4_000,
            "liquidation_threshold": 5_000,
            "liquidation_protocol_fee": 10_000,
            "liquidity_index": 15 * 10**26,
            "variable_borrow_index": 3 * RAY,
        }
    )
    account = AaveAccount((AavePosition("USDX", 3, 1),))
    assert supply_balance(market, account.positions[0]) == 4
    assert debt_balance(market, account.positions[0]) == 3
    result = liquidate(market, account, PRICES, "USDX", "USDX")
    assert result.amounts == LiquidationAmounts(3, 2, 1)
    assert result.account.position("USDX") == AavePosition("USDX", use_as_collateral=False)
    assert result.bad_debt == ()


def test_ceil_rounding_single_debt() -> None:
    # test_hasNoCollateralLeft_accounts_for_ceil_rounding_single_debt: debt 5, covered 3
    market = market_with(
        USDX={
            "ltv": 8_000,
            "liquidation_threshold": 8_500,
            "liquidity_index": 15 * 10**26,
            "variable_borrow_index": 25 * 10**26,
        }
    )
    account = AaveAccount((AavePosition("USDX", 3, 2),))
    result = liquidate(market, account, {"USDX": 10**17}, "USDX", "USDX", 3)
    assert result.amounts == LiquidationAmounts(3, 2, 1)
    assert result.account.position("USDX") == AavePosition("USDX", use_as_collateral=False)
    assert result.bad_debt == (("USDX", 2),)


def test_ceil_rounding_beyond_the_scaled_balance() -> None:
    # test_hasNoCollateralLeft_accounts_for_ceil_rounding_sum_exceeds_scaled: 8 seized, 1 as fee
    market = market_with(
        USDX={
            "ltv": 8_000,
            "liquidation_threshold": 8_500,
            "liquidity_index": 5 * RAY,
            "variable_borrow_index": 9 * RAY,
        }
    )
    account = AaveAccount((AavePosition("USDX", 2, 1),))
    assert available_collateral(
        market.reserve("USDX"), 10**17, market.reserve("USDX"), 10**17, 9, 10, 10_500
    ) == LiquidationAmounts(9, 8, 1)
    result = liquidate(market, account, {"USDX": 10**17}, "USDX", "USDX", 9)
    assert result.amounts == LiquidationAmounts(9, 8, 0)
    assert result.account.position("USDX") == AavePosition("USDX", use_as_collateral=False)
    assert result.bad_debt == ()


def test_ceil_rounding_with_a_second_debt() -> None:
    # test_hasNoCollateralLeft_accounts_for_ceil_rounding_multi_debt
    market = market_with(
        USDX={
            "ltv": 4_000,
            "liquidation_threshold": 5_000,
            "liquidation_protocol_fee": 10_000,
            "liquidity_index": 13 * 10**26,
            "variable_borrow_index": 15 * 10**26,
        }
    )
    account = AaveAccount((AavePosition("USDX", 5, 3), AavePosition("WETH", 0, 555_555_556)))
    result = liquidate(market, account, PRICES, "USDX", "USDX")
    assert result.amounts == LiquidationAmounts(5, 4, 1)
    assert result.account.position("USDX") == AavePosition("USDX", use_as_collateral=False)
    assert result.account.position("WETH").scaled_debt == 0
    assert result.bad_debt == (("WETH", 555_555_556),)


def test_dust_worth_nothing_counts_as_no_collateral() -> None:
    # test_weth_dust_leftover_rounds_to_zero_in_base_currency: 3 wei stay
    market = market_with(
        WETH={"ltv": 8_000, "liquidation_threshold": 8_500},
        USDX={"variable_borrow_index": 25 * 10**26},
    )
    account = AaveAccount(
        (
            AavePosition("WETH", 525 * 10**15 + 3, 10**12),
            AavePosition("USDX", 0, 360 * 10**6),
        )
    )
    result = liquidate(market, account, PRICES, "WETH", "USDX")
    assert result.amounts == LiquidationAmounts(900 * 10**6, 5_225 * 10**14, 25 * 10**14)
    assert result.account.position("USDX").scaled_debt == 0
    assert result.account.position("WETH") == AavePosition("WETH", 3, 0, use_as_collateral=False)
    assert result.bad_debt == (("WETH", 10**12),)


@pytest.mark.parametrize("outside", [True, False])
def test_e_mode_bonus(outside: bool) -> None:
    # test_liquidate_emode_position_without_emode_oracle and _ltzero_outside_emode: 0.96 is closed
    # by half; 6 WETH = 10,800 = 0.5 WBTC; · 1.01; fee 10 % of 500,000.
    change: dict[str, object] = (
        {} if outside else {"ltv": 0, "liquidation_threshold": 0, "liquidation_bonus": 0}
    )
    category = EModeCategory(
        1, 9_500, 9_600, 10_100, frozenset({"WBTC", "WETH"}), frozenset({"WETH"})
    )
    market = replace(market_with(WBTC=change), e_modes=(category,))
    account = AaveAccount((AavePosition("WBTC", 10**8), AavePosition("WETH", 0, 12 * WAD)), 1)
    result = liquidate(market, account, fallen(20), "WBTC", "WETH")
    assert result.health_factor == 96 * 10**16
    assert result.liquidation_bonus == 10_100
    assert result.amounts == LiquidationAmounts(6 * WAD, 50_450_000, 50_000)


def test_e_mode_bonus_is_only_its_collateral_s() -> None:
    category = EModeCategory(1, 9_500, 9_600, 10_100, frozenset({"USDX"}), frozenset({"USDX"}))
    market = replace(MARKET, e_modes=(category,))
    account = replace(one_bitcoin_against(25_000 * 10**6), e_mode=1)
    assert liquidate(market, account, PRICES, "WBTC", "USDX").liquidation_bonus == 10_500


def borrow_below(market: AaveMarket, account: AaveAccount, symbol: str, factor: int) -> AaveAccount:
    """A further debt that brings the health factor just below `factor` (_borrowToBeBelowHf)."""
    data = user_account_data(market, account, PRICES)
    reach = data.total_collateral_base * (data.average_liquidation_threshold + 1) // 10_000
    base = reach * WAD // factor - data.total_debt_base
    amount = base * market.reserve(symbol).unit // PRICES[symbol]
    position = account.position(symbol)
    return account.with_position(replace(position, scaled_debt=position.scaled_debt + amount))


@pytest.mark.parametrize(
    ("weth", "factor", "closed"),
    [
        (100 * WAD, 94 * 10**16, 100),  # Pool.Liquidations.CloseFactor.t.sol
        (WAD // 2, 97 * 10**16, 100),  # test_hf_lte_095_…, test_hf_gt_095_supply_lt_…,
        (100 * WAD, 97 * 10**16, 50),  # test_hf_gt_095_supply_gt_…
    ],
)
def test_close_factor(weth: int, factor: int, closed: int) -> None:
    account = borrow_below(MARKET, AaveAccount((AavePosition("WETH", weth),)), "USDX", factor)
    owed = account.position("USDX").scaled_debt
    limit = max_liquidatable_debt(MARKET, account, PRICES, "WETH", "USDX")
    assert abs(limit - owed * closed // 100) <= 1
    result = liquidate(MARKET, account, PRICES, "WETH", "USDX")
    assert result.amounts == largest_liquidation(MARKET, account, PRICES, "WETH", "USDX")


def test_close_factor_with_little_of_the_seized_collateral() -> None:
    # test_hf_gt_095_borrow_gt_threshold_collateral_lt_threshold_closeFactorShouldBe100
    weth = 1_999 * 10**8 * WAD // PRICES["WETH"]
    account = AaveAccount((AavePosition("USDX", 1_999 * 10**6), AavePosition("WETH", weth)))
    account = borrow_below(MARKET, account, "USDX", 97 * 10**16)
    data = user_account_data(MARKET, account, PRICES)
    assert data.total_debt_base > 2_000 * 10**8
    assert data.health_factor > 95 * 10**16
    limit = max_liquidatable_debt(MARKET, account, PRICES, "WETH", "USDX")
    assert limit == account.position("USDX").scaled_debt
    assert liquidate(MARKET, account, PRICES, "WETH", "USDX").amounts.taken == weth


@pytest.mark.parametrize(
    ("collateral", "debt", "percent", "halved"),
    [
        (2_000 * 10**6, 2_000 * 10**6, 97, True),
        (2_000 * 10**6 - 1, 2_000 * 10**6, 97, False),
        (2_000 * 10**6, 2_000 * 10**6 - 1, 97, False),
        (2_000 * 10**6, 2_000 * 10**6, 94, False),
    ],
)
def test_close_factor_needs_all_three(
    collateral: int, debt: int, percent: int, halved: bool
) -> None:
    """Debt and collateral of the pair at $2,000, health factor above 0.95: LiquidationLogic."""
    euro = AaveReserve("EURX", 6, 8_250, 8_600, 10_500, 1_000)
    market = AaveMarket((*MARKET.reserves, euro))
    prices = {**PRICES, "EURX": 10**8}
    rest = debt * percent // 86 - collateral
    account = AaveAccount(
        (
            AavePosition("USDX", collateral),
            AavePosition("EURX", 0, debt),
            AavePosition("WETH", rest * WAD // (1_800 * 10**6) + 10**12),
        )
    )
    data = user_account_data(market, account, prices)
    assert 0 <= data.health_factor - percent * 10**16 < 10**13
    limit = max_liquidatable_debt(market, account, prices, "USDX", "EURX")
    assert limit == (debt // 2 if halved else debt)


def test_half_of_the_account_s_debt_may_be_all_of_one_reserve_s() -> None:
    """The close factor is of the account's debt: a debt below half of it is closed whole."""
    account = AaveAccount(
        (
            AavePosition("WETH", 10 * WAD),
            AavePosition("USDX", 0, 5_000 * 10**6),
            AavePosition("WBTC", 0, 40_000_000),
        )
    )
    data = user_account_data(MARKET, account, PRICES)
    assert 95 * 10**16 < data.health_factor < WAD
    for symbol, limit in (
        ("USDX", 5_000 * 10**6),
        ("WBTC", data.total_debt_base // 2 * 10**8 // PRICES["WBTC"]),
    ):
        assert max_liquidatable_debt(MARKET, account, PRICES, "WETH", symbol) == limit


def test_close_factor_at_exactly_the_health_factor_bound() -> None:
    # 95 % is closed whole ("below, inclusive"): 0.95 · 86,000 / 86 % = …
    account = AaveAccount(
        (AavePosition("WETH", 95 * WAD), AavePosition("USDX", 0, 154_800 * 10**6))
    )
    assert user_account_data(MARKET, account, PRICES).health_factor == 95 * 10**16
    limit = max_liquidatable_debt(MARKET, account, PRICES, "WETH", "USDX")
    assert limit == 154_800 * 10**6
    above = account.with_position(AavePosition("WETH", 95 * WAD + 10**12))
    limit = max_liquidatable_debt(MARKET, above, PRICES, "WETH", "USDX")
    assert limit == 77_400 * 10**6


def test_dust_must_not_be_left() -> None:
    # test_shouldRevertIfCloseFactorIs100ButCollateralIsBelowThreshold: 2,000 − 956 · 1.05 < 1,000
    account = AaveAccount((AavePosition("USDX", 2_000 * 10**6), AavePosition("WETH", 4 * WAD)))
    account = borrow_below(MARKET, account, "USDX", 93 * 10**16)
    with pytest.raises(InputError, match=r"\$1,000"):
        liquidate(MARKET, account, PRICES, "USDX", "USDX", 956 * 10**6)
    allowed = liquidate(MARKET, account, PRICES, "USDX", "USDX", 952 * 10**6)
    assert allowed.amounts.taken == 999_600_000


def edge_range() -> AaveAccount:
    # Pool.Liquidations.CloseFactor.t.sol test_liquidationdataprovider_edge_range
    return borrow_below(
        MARKET,
        AaveAccount((AavePosition("USDX", 8_000 * 10**6, 4_200 * 10**6),)),
        "WETH",
        98 * 10**16,
    )


def edge_range_reverse() -> AaveAccount:
    # test_liquidationdataprovider_edge_range_reverse
    weth = 4_000 * 10**8 * WAD // PRICES["WETH"]
    account = AaveAccount((AavePosition("USDX", 4_200 * 10**6), AavePosition("WETH", weth)))
    return borrow_below(MARKET, account, "USDX", 98 * 10**16)


@pytest.mark.parametrize("account", [edge_range(), edge_range_reverse()])
def test_largest_liquidation_leaves_no_dust(account: AaveAccount) -> None:
    with pytest.raises(InputError, match=r"\$1,000"):
        liquidate(MARKET, account, PRICES, "USDX", "USDX")
    largest = largest_liquidation(MARKET, account, PRICES, "USDX", "USDX")
    result = liquidate(MARKET, account, PRICES, "USDX", "USDX", largest.repaid)
    assert result.amounts.repaid == largest.repaid


def test_largest_liquidation_leaves_a_thousand_of_debt() -> None:
    largest = largest_liquidation(MARKET, edge_range(), PRICES, "USDX", "USDX")
    assert largest.repaid == 3_200 * 10**6
    assert largest.taken == 3_360 * 10**6


@pytest.mark.parametrize("reserve", ["WBTC", "USDX"])
def test_grace_period(reserve: str) -> None:
    # test_liquidation_with_liquidation_grace_period_{collateral,debt}_active
    market = market_with(**{reserve: {"liquidation_grace_period_until": 1_000}})
    account = AaveAccount(
        (AavePosition("WBTC", 125_000_000), AavePosition("USDX", 0, 22_500 * 10**6))
    )
    arguments = (market, account, fallen(25), "WBTC", "USDX", 5_000 * 10**6)
    for timestamp in (None, 999, 1_000):
        with pytest.raises(InputError, match="grace"):
            liquidate(*arguments, timestamp=timestamp)
    assert liquidate(*arguments, timestamp=1_001).amounts.repaid == 5_000 * 10**6


def test_what_may_not_be_liquidated() -> None:
    # Pool.Liquidations.t.sol test_reverts_liquidation_*
    fine = one_bitcoin_against(20_500 * 10**6)
    prices = fallen(25)
    cases: list[tuple[str, Callable[[], object]]] = [
        ("health factor", lambda: liquidate(MARKET, fine, PRICES, "WBTC", "USDX")),
        ("collateral in use", lambda: liquidate(MARKET, fine, prices, "WETH", "USDX")),
        ("debt in this asset", lambda: liquidate(MARKET, fine, prices, "WBTC", "WETH")),
        (
            "inactive",
            lambda: liquidate(market_with(WBTC={"active": False}), fine, prices, "WBTC", "USDX"),
        ),
        (
            "paused",
            lambda: liquidate(market_with(USDX={"paused": True}), fine, prices, "WBTC", "USDX"),
        ),
        ("DAI", lambda: liquidate(MARKET, fine, prices, "DAI", "USDX")),
        ("price of USDX", lambda: liquidate(MARKET, fine, {"WBTC": 1}, "WBTC", "USDX")),
        ("debt to cover", lambda: liquidate(MARKET, fine, prices, "WBTC", "USDX", -1)),
        ("scaled unit|1 to", lambda: liquidate(MARKET, fine, prices, "WBTC", "USDX", 0)),
        (
            "timestamp",
            lambda: liquidate(MARKET, fine, prices, "WBTC", "USDX", timestamp=-1),
        ),
    ]
    for message, action in cases:
        with pytest.raises(InputError, match=message):
            action()


def test_disabled_collateral_may_not_be_liquidated() -> None:
    account = AaveAccount(
        (
            AavePosition("WBTC", 10**8, use_as_collateral=False),
            AavePosition("USDX", 0, 20_500 * 10**6),
        )
    )
    with pytest.raises(InputError, match="collateral in use"):
        liquidate(MARKET, account, PRICES, "WBTC", "USDX")


def test_collateral_without_a_bonus_is_refused() -> None:
    reserve = replace(WBTC, ltv=0, liquidation_threshold=0, liquidation_bonus=0)
    with pytest.raises(InputError, match="bonus"):
        available_collateral(reserve, 10**8, USDX, 10**8, 1, 1, reserve.liquidation_bonus)
    with pytest.raises(InputError, match="price of WBTC"):
        available_collateral(WBTC, 0, USDX, 10**8, 1, 1, 10_500)


def test_docs_rounding_sites() -> None:
    # docs/3.7/liquidation-rounding.md: 7 · 1.05 = 7.35 → 7; 7 / 1.05 = 6.67 → 6; 10 % of 1 → 1
    assert available_collateral(USDX, 10**8, USDX, 10**8, 7, 100, 10_500) == LiquidationAmounts(
        7, 6, 1
    )
    # 10 · 1.05 = 10.5, which half up made 11
    assert available_collateral(USDX, 10**8, USDX, 10**8, 10, 100, 10_500) == LiquidationAmounts(
        10, 9, 1
    )


def test_a_repayment_that_buys_no_collateral() -> None:
    """1e-6 dollars buy less than one satoshi: burning nothing reverts, moving it does not."""
    account = one_bitcoin_against(25_000 * 10**6)
    with pytest.raises(InputError, match="scaled unit"):
        liquidate(MARKET, account, PRICES, "WBTC", "USDX", 1)
    result = liquidate(MARKET, account, PRICES, "WBTC", "USDX", 1, receive_a_token=True)
    assert result.amounts == LiquidationAmounts(1, 0, 0)


def test_collateral_that_is_just_enough_keeps_the_debt_asked_for() -> None:
    # 19 at a tenth of the price buy ⌊1.9⌋ = 1; ⌊1 · 1.05⌋ = 1 is all there is, and 19 stay due
    amounts = available_collateral(USDX, 10**9, USDX, 10**8, 19, 1, 10_500)
    assert (amounts.repaid, amounts.taken) == (19, 1)
    # 30 buy 3, one more than there is: ⌈20 / 1.05⌉ = 20 of the 30
    amounts = available_collateral(USDX, 10**9, USDX, 10**8, 30, 2, 10_500)
    assert (amounts.repaid, amounts.taken) == (20, 2)


def test_a_debt_of_exactly_half_is_closed_whole() -> None:
    """Worth 3,600.000001 each, rounded up; half of it back in wei would be more than is owed."""
    weth = 2 * WAD + 555_000_000
    account = AaveAccount(
        (
            AavePosition("WBTC", 30_080_000),
            AavePosition("WETH", 0, weth),
            AavePosition("USDX", 0, 3_600_000_001),
        )
    )
    data = user_account_data(MARKET, account, PRICES)
    assert data.total_debt_base == 2 * (3_600 * 10**8 + 100)
    assert 95 * 10**16 < data.health_factor < WAD
    assert max_liquidatable_debt(MARKET, account, PRICES, "WBTC", "WETH") == weth


@given(
    collateral=st.integers(1, 10**12),
    debt=st.integers(1, 10**14),
    cover=st.integers(1, 10**14),
    price=st.integers(10**8, 10**14),
    fee=st.integers(0, 10_000),
    indices=st.tuples(st.integers(RAY, 10 * RAY), st.integers(RAY, 10 * RAY)),
)
def test_a_liquidation_never_favours_the_liquidator(
    collateral: int, debt: int, cover: int, price: int, fee: int, indices: tuple[int, int]
) -> None:
    market = market_with(
        WBTC={"liquidation_protocol_fee": fee, "liquidity_index": indices[0]},
        USDX={"variable_borrow_index": indices[1]},
    )
    account = AaveAccount((AavePosition("WBTC", collateral), AavePosition("USDX", 0, debt)))
    prices = {"WBTC": price, "USDX": 10**8}
    held = supply_balance(market, account.position("WBTC"))
    owed = debt_balance(market, account.position("USDX"))
    try:
        result = liquidate(market, account, prices, "WBTC", "USDX", cover)
    except InputError:
        assume(False)
        return
    amounts = result.amounts
    # Taken ≤ repaid · bonus at the oracle's prices. Only when all collateral goes is its value in
    # debt floored before the bonus is taken off: up to one unit of debt before the bonus.
    slack = 10_000 if result.account.position("WBTC").scaled_supply == 0 else 0
    taken, paid = amounts.taken * price * 10**6 * 10_000, amounts.repaid * 10_500 + slack
    assert taken <= paid * 10**8 * 10**8
    assert amounts.repaid <= owed
    assert amounts.taken <= held
    left = supply_balance(market, result.account.position("WBTC"))
    assert left + amounts.taken <= held
    owes = debt_balance(market, result.account.position("USDX"))
    written = sum(amount for _, amount in result.bad_debt)
    assert owes + amounts.repaid + written >= owed
    if written:
        assert not result.account.position("WBTC").is_collateral
