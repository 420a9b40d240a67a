"""Account data and parameters of Aave v3.7 against its own tests and aave-utilities'."""

from __future__ import annotations

from dataclasses import replace

import pytest

from zkcollateral.errors import InputError
from zkcollateral.risk.fixed_point import MAX_UINT256, RAY, WAD
from zkcollateral.risk.presets.aave_v3 import (
    AaveAccount,
    AaveMarket,
    AavePosition,
    AaveReserve,
    EModeCategory,
    available_borrows,
    debt_balance,
    health_factor,
    is_liquidatable,
    supply_balance,
    user_account_data,
)

# aave-v3-origin tests/mocks/AaveV3TestListing.sol
USDX = AaveReserve("USDX", 6, 8_250, 8_600, 10_500, 1_000)
WBTC = AaveReserve("WBTC", 8, 8_250, 8_600, 10_500, 1_000)
WETH = AaveReserve("WETH", 18, 8_250, 8_600, 10_500, 1_000)
PRICES = {"USDX": 10**8, "WBTC": 27_000 * 10**8, "WETH": 1_800 * 10**8}
# TestnetProcedures.sol _genCategoryOne, _genCategoryTwo
CATEGORY_ONE = EModeCategory(1, 9_500, 9_600, 10_100, frozenset({"USDX", "WBTC"}))
CATEGORY_TWO = EModeCategory(
    2, 9_600, 9_700, 10_150, frozenset({"USDX"}), ltv_zero=frozenset({"USDX"})
)
MARKET = AaveMarket((USDX, WBTC, WETH), (CATEGORY_ONE, CATEGORY_TWO))


def utilities_market() -> AaveMarket:
    """Two reserves of aave-utilities src/mocks.ts, with a bonus that the configurator accepts."""
    usdc = AaveReserve("USDC", 6, 5_000, 6_000, 10_500)
    eth = AaveReserve("ETH", 18, 5_000, 6_000, 10_500)
    stable = EModeCategory(1, 6_000, 7_000, 10_500, frozenset({"USDC", "ETH"}))
    return AaveMarket((usdc, eth), (stable,))


UTILITIES_PRICES = {"USDC": 10 * WAD, "ETH": 10 * WAD}


def utilities_account(e_mode: int = 0) -> AaveAccount:
    return AaveAccount(
        (
            AavePosition("USDC", 200 * 10**6, 100 * 10**6),
            AavePosition("ETH", 200 * 10**18, 100 * 10**18),
        ),
        e_mode,
    )


def test_raw_user_summary() -> None:
    # aave-utilities generate-raw-user-summary.test.ts "should generate the correct user summary"
    data = user_account_data(utilities_market(), utilities_account(), UTILITIES_PRICES)
    assert data.total_collateral_base == 4_000 * WAD
    assert data.total_debt_base == 2_000 * WAD
    assert data.available_borrows_base == 0
    assert data.average_ltv == 5_000
    assert data.average_liquidation_threshold == 6_000
    assert data.health_factor == 12 * 10**17


def test_raw_user_summary_in_e_mode() -> None:
    # the same file, "should generate the correct user summary for user in stablecoin eMode"
    data = user_account_data(utilities_market(), utilities_account(1), UTILITIES_PRICES)
    assert data.available_borrows_base == 400 * WAD
    assert data.average_ltv == 6_000
    assert data.average_liquidation_threshold == 7_000
    assert data.health_factor == 14 * 10**17


def test_raw_user_summary_moves_with_collateral_and_debt() -> None:
    # the same file, "should increase health factor on collateral increase", "… debt increase"
    market, account = utilities_market(), utilities_account()
    usdc, eth = account.positions
    more = account.with_position(replace(usdc, scaled_supply=2 * usdc.scaled_supply))
    owes = account.with_position(replace(eth, scaled_debt=2 * eth.scaled_debt))
    factors = [
        user_account_data(market, each, UTILITIES_PRICES).health_factor
        for each in (owes, account, more)
    ]
    assert factors == [8 * 10**17, 12 * 10**17, 18 * 10**17]


def test_collateral_switched_off() -> None:
    # calculate-user-reserve-totals.test.ts, "usageAsCollateralEnabledOnUser is false"
    account = AaveAccount(
        tuple(replace(p, use_as_collateral=False) for p in utilities_account().positions)
    )
    data = user_account_data(utilities_market(), account, UTILITIES_PRICES)
    assert (data.total_collateral_base, data.average_ltv) == (0, 0)
    assert data.average_liquidation_threshold == 0
    assert data.health_factor == 0
    assert is_liquidatable(utilities_market(), account, UTILITIES_PRICES)


def test_health_factor_of_balances() -> None:
    # pool-math.test.ts "should calculate health factor"; the contract keeps 18 decimals, down
    assert health_factor(10**17 * 5_000, 5 * 10**16) == WAD
    assert health_factor(10**17 * 5_000, 3 * 10**16) == 1_666_666_666_666_666_666
    assert health_factor(10**17 * 5_000, 0) == MAX_UINT256


def test_health_factor_rounds_half_up_before_it_rounds_down() -> None:
    # wadDiv gives 1e18 − 0.00005, half up 1e18, and only then the division by 10,000 is floored.
    weighted, debt = 2 * 10**22 - 1, 2 * 10**22
    assert weighted * WAD // debt // 10_000 == 10**14 - 1
    assert health_factor(weighted, debt) == 10**14


def test_available_borrows() -> None:
    # pool-math.test.ts "should return availableBorrows = 0 if currentLtv = 0"
    assert available_borrows(10**18, 5 * 10**16, 0) == 0
    assert available_borrows(10**18, 5 * 10**16, 5_000) == 45 * 10**16
    # GenericLogic rounds the LTV's share down since v3.5
    assert available_borrows(19_999, 0, 5_000) == 9_999


def test_one_wei_of_debt_is_one_unit_of_base_currency() -> None:
    # Pool.Rounding.t.sol test_debtBalanceInBaseCurrencyShouldRoundUp
    account = AaveAccount((AavePosition("WETH", 100 * WAD, 1),))
    data = user_account_data(MARKET, account, PRICES)
    assert data.total_debt_base == 1
    assert data.health_factor == 180_000 * 10**8 * 8_600 * WAD // 10_000


@pytest.mark.parametrize(
    ("scaled", "index", "balance"),
    [
        (3, 2 * RAY + 1, 6),  # Pool.Rounding.t.sol test_reverts_withdrawShouldRoundDownUserBalance
        (3, 2 * RAY - 1, 5),
        (1, RAY, 1),  # ATokenRounding.t.sol test_balanceShouldRoundDown
        (1, RAY + 1, 1),
        (1, RAY - 1, 0),
        (1, 2 * RAY - 1, 1),
    ],
)
def test_supply_rounds_down(scaled: int, index: int, balance: int) -> None:
    market = AaveMarket((replace(WETH, liquidity_index=index),))
    assert supply_balance(market, AavePosition("WETH", scaled)) == balance


@pytest.mark.parametrize(
    ("scaled", "index", "balance"),
    [
        (1, RAY, 1),  # VariableDebtTokenRounding.t.sol test_balanceShouldRoundUp
        (1, RAY + 1, 2),
        (1, RAY - 1, 1),
        (1, 2 * RAY - 1, 2),
        (2, 2 * RAY + 1, 5),
    ],
)
def test_debt_rounds_up(scaled: int, index: int, balance: int) -> None:
    market = AaveMarket((replace(WETH, variable_borrow_index=index),))
    assert debt_balance(market, AavePosition("WETH", 0, scaled)) == balance


def test_an_empty_account_has_no_debt() -> None:
    data = user_account_data(MARKET, AaveAccount(()), {})
    assert data.health_factor == MAX_UINT256
    assert data.total_collateral_base == data.total_debt_base == 0
    assert not is_liquidatable(MARKET, AaveAccount(()), {})


def test_health_factor_of_one_is_not_liquidatable() -> None:
    # 100 WETH = 180,000 · 86 % = 154,800 of debt exactly
    account = AaveAccount(
        (AavePosition("WETH", 100 * WAD), AavePosition("USDX", 0, 154_800 * 10**6))
    )
    assert user_account_data(MARKET, account, PRICES).health_factor == WAD
    assert not is_liquidatable(MARKET, account, PRICES)
    one_more = account.with_position(AavePosition("USDX", 0, 154_800 * 10**6 + 1))
    assert is_liquidatable(MARKET, one_more, PRICES)


def test_mixed_collateral_in_e_mode() -> None:
    # Pool.EMode.sol test_getUserAccountData_shouldReflectMixedCollateral, weights worked by hand
    category = replace(CATEGORY_ONE, collateral=frozenset({"USDX"}))
    market = replace(MARKET, e_modes=(category,))
    account = AaveAccount((AavePosition("USDX", 10**6), AavePosition("WBTC", 10**8)), 1)
    data = user_account_data(market, account, PRICES)
    assert data.total_collateral_base == 27_001 * 10**8
    assert data.average_ltv == (9_500 + 27_000 * 8_250) // 27_001
    assert data.average_liquidation_threshold == (9_600 + 27_000 * 8_600) // 27_001
    assert not data.has_zero_ltv_collateral


def test_e_mode_terms_apply_to_its_collateral() -> None:
    # Pool.EMode.Collaterals.sol test_shouldApplyEmodeLtvLt
    account = AaveAccount((AavePosition("USDX", 30_000 * 10**6),))
    plain = user_account_data(MARKET, account, PRICES)
    assert (plain.average_ltv, plain.average_liquidation_threshold) == (8_250, 8_600)
    inside = user_account_data(MARKET, replace(account, e_mode=1), PRICES)
    assert (inside.average_ltv, inside.average_liquidation_threshold) == (9_500, 9_600)


def test_ltv_zero_keeps_the_threshold() -> None:
    # Pool.EMode.Ltvzero.sol test_shouldApplyEmodeLtv0Lt
    account = AaveAccount((AavePosition("USDX", 30_000 * 10**6),), 2)
    data = user_account_data(MARKET, account, PRICES)
    assert (data.average_ltv, data.average_liquidation_threshold) == (0, 9_700)
    assert data.has_zero_ltv_collateral


def test_isolated_e_mode_leaves_other_collateral_without_ltv() -> None:
    # Pool.EMode.Isolated.sol test_isolatedEmode_adminToggle_existingUsersGetLtv0
    account = AaveAccount((AavePosition("USDX", 1_000 * 10**6), AavePosition("WETH", WAD)), 1)
    before = user_account_data(MARKET, account, PRICES)
    market = replace(MARKET, e_modes=(replace(CATEGORY_ONE, isolated=True),))
    after = user_account_data(market, account, PRICES)
    assert before.average_ltv == (1_000 * 9_500 + 1_800 * 8_250) // 2_800
    assert after.average_ltv == 1_000 * 9_500 // 2_800
    assert after.average_liquidation_threshold == before.average_liquidation_threshold
    assert after.has_zero_ltv_collateral
    assert not before.has_zero_ltv_collateral


# PoolConfigurator.reserveRiskConfig.t.sol test_reverts_setCollateralConfig_invalidParams,
# test_reverts_setLiquidationProtocolFee_amount_gt_percentageFactor, and the contract's other checks
@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"ltv": 9_500, "liquidation_threshold": 9_000}, "ltv"),
        ({"ltv": 9_000, "liquidation_threshold": 9_500, "liquidation_bonus": 9_900}, "bonus"),
        ({"liquidation_bonus": 10_000}, "bonus"),
        ({"ltv": 9_000, "liquidation_threshold": 9_500, "liquidation_bonus": 20_000}, "bonus"),
        ({"ltv": 9_000, "liquidation_threshold": 0, "liquidation_bonus": 1}, "threshold"),
        ({"ltv": 0, "liquidation_threshold": 0, "liquidation_bonus": 1}, "threshold"),
        ({"liquidation_threshold": 10_001}, "threshold"),
        ({"liquidation_protocol_fee": 10_001}, "protocol_fee"),
        ({"decimals": 5}, "decimals"),
        ({"decimals": 78}, "decimals"),
        ({"ltv": -1}, "ltv"),
        ({"ltv": 0.5}, "ltv"),
        ({"liquidity_index": 0}, "liquidity_index"),
        ({"variable_borrow_index": 2**128}, "variable_borrow_index"),
        ({"active": 1}, "active"),
        ({"symbol": ""}, "symbol"),
    ],
)
def test_reserve_parameters_out_of_range(change: dict[str, object], where: str) -> None:
    with pytest.raises(InputError, match=where):
        replace(USDX, **change)


def test_ltv_may_equal_the_threshold() -> None:
    assert replace(USDX, ltv=8_600).ltv == 8_600
    assert EModeCategory(1, 9_200, 9_200, 10_050).ltv == 9_200


def test_reserve_that_is_no_collateral() -> None:
    assert replace(WBTC, ltv=0, liquidation_threshold=0, liquidation_bonus=0).unit == 10**8


def test_threshold_times_bonus_is_rounded_half_up() -> None:
    # percentMul(9,999, 10,001) = ⌊(99,999,999 + 5,000) / 10,000⌋ = 10,000, which is allowed
    assert replace(USDX, liquidation_threshold=9_999, liquidation_bonus=10_001)
    with pytest.raises(InputError, match="bonus"):
        replace(USDX, liquidation_threshold=10_000, liquidation_bonus=10_001)


# PoolConfigurator.eMode.sol test_reverts_setEmodeCategory_*
@pytest.mark.parametrize(
    ("ltv", "threshold", "bonus"),
    [
        (0, 8_000, 10_500),
        (8_000, 0, 10_500),
        (8_000, 7_900, 10_500),
        (8_000, 8_100, 10_000),
        (8_000, 8_100, 9_900),
        (9_000, 9_800, 12_000),
    ],
)
def test_e_mode_parameters_out_of_range(ltv: int, threshold: int, bonus: int) -> None:
    with pytest.raises(InputError, match="Aave eMode 1"):
        EModeCategory(1, ltv, threshold, bonus)


def test_e_mode_ltv_zero_must_be_collateral() -> None:
    # Pool.EMode.Ltvzero.sol test_freezingLTV0Asset: MustBeEmodeCollateral
    with pytest.raises(InputError, match="ltv_zero"):
        EModeCategory(3, 9_600, 9_700, 10_150, ltv_zero=frozenset({"USDX"}))


@pytest.mark.parametrize("category_id", [0, 256, True])
def test_e_mode_ids(category_id: int) -> None:
    with pytest.raises(InputError, match="category_id"):
        EModeCategory(category_id, 9_000, 9_200, 10_050)


def test_market_refuses_what_is_listed_twice_or_unknown() -> None:
    with pytest.raises(InputError, match="reserves"):
        AaveMarket((USDX, USDX))
    with pytest.raises(InputError, match="reserves"):
        AaveMarket(())
    with pytest.raises(InputError, match="e_modes"):
        AaveMarket((USDX, WBTC), (CATEGORY_ONE, CATEGORY_ONE))
    with pytest.raises(InputError, match="WBTC"):
        AaveMarket((USDX,), (CATEGORY_ONE,))
    with pytest.raises(InputError, match="DAI"):
        MARKET.reserve("DAI")


def test_account_refuses_what_is_listed_twice_or_unknown() -> None:
    position = AavePosition("USDX", 1)
    with pytest.raises(InputError, match="positions"):
        AaveAccount((position, position))
    with pytest.raises(InputError, match="DAI"):
        user_account_data(MARKET, AaveAccount((AavePosition("DAI", 1),)), PRICES)
    with pytest.raises(InputError, match="7"):
        user_account_data(MARKET, AaveAccount((position,), 7), PRICES)
    with pytest.raises(InputError, match="scaled_supply"):
        AavePosition("USDX", -1)
    with pytest.raises(InputError, match="scaled_debt"):
        AavePosition("USDX", 0, 2**120)


@pytest.mark.parametrize("price", [0, -1, 1.5, None, float("nan")])
def test_prices_that_are_none(price: object) -> None:
    account = AaveAccount((AavePosition("USDX", 1),))
    prices = {} if price is None else {"USDX": price}
    with pytest.raises(InputError, match="Aave price of USDX"):
        user_account_data(MARKET, account, prices)  # type: ignore[arg-type]


def test_overflow_is_refused_as_the_contract_reverts() -> None:
    account = AaveAccount((AavePosition("WETH", 2**120 - 1),))
    with pytest.raises(InputError, match="overflow"):
        user_account_data(MARKET, account, {"WETH": 2**200})


def test_messages_do_not_tell_amounts() -> None:
    with pytest.raises(InputError) as caught:
        AavePosition("USDX", 2**120 + 123_456_789)
    assert "123456789" not in str(caught.value)
    assert str(2**120 + 123_456_789) not in str(caught.value)
