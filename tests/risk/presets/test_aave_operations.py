"""Supply, withdrawal, loan and repayment of Aave v3.7 against its own tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from zkcollateral.errors import InputError
from zkcollateral.risk.fixed_point import RAY, WAD
from zkcollateral.risk.presets.aave_operations import (
    borrow,
    repay,
    set_e_mode,
    set_use_as_collateral,
    supply,
    withdraw,
    within_borrow_cap,
    within_supply_cap,
)
from zkcollateral.risk.presets.aave_v3 import (
    AaveAccount,
    AaveMarket,
    AavePosition,
    AaveReserve,
    EModeCategory,
    debt_balance,
    supply_balance,
)

# aave-v3-origin tests/mocks/AaveV3TestListing.sol
USDX = AaveReserve("USDX", 6, 8_250, 8_600, 10_500, 1_000)
WBTC = AaveReserve("WBTC", 8, 8_250, 8_600, 10_500, 1_000)
WETH = AaveReserve("WETH", 18, 8_250, 8_600, 10_500, 1_000)
PRICES = {"USDX": 10**8, "WBTC": 27_000 * 10**8, "WETH": 1_800 * 10**8}
MARKET = AaveMarket((USDX, WBTC, WETH))
EMPTY = AaveAccount(())


def with_reserve(market: AaveMarket, symbol: str, **change: object) -> AaveMarket:
    reserves = tuple(
        replace(reserve, **change) if reserve.symbol == symbol else reserve  # type: ignore[arg-type]
        for reserve in market.reserves
    )
    return replace(market, reserves=reserves)


def balances(market: AaveMarket, account: AaveAccount, symbol: str) -> tuple[int, int]:
    position = account.position(symbol)
    return position.scaled_supply, supply_balance(market, position)


def debts(market: AaveMarket, account: AaveAccount, symbol: str) -> tuple[int, int]:
    position = account.position(symbol)
    return position.scaled_debt, debt_balance(market, position)


def test_withdraw_should_round_down_user_balance() -> None:
    # Pool.Rounding.t.sol test_reverts_withdrawShouldRoundDownUserBalance
    market = with_reserve(MARKET, "WETH", liquidity_index=2 * RAY + 1)
    account = supply(market, EMPTY, "WETH", 8)
    assert balances(market, account, "WETH") == (3, 6)
    market = with_reserve(MARKET, "WETH", liquidity_index=2 * RAY - 1)
    assert balances(market, account, "WETH") == (3, 5)
    with pytest.raises(InputError, match="balance"):
        withdraw(market, account, PRICES, "WETH", 6)


def test_supply_should_round_down() -> None:
    # ATokenRounding.t.sol test_supplyShouldRoundDown, test_supplyShouldRoundDown_revertIfZero
    market = with_reserve(MARKET, "WETH", liquidity_index=2 * RAY + 1)
    assert balances(market, supply(market, EMPTY, "WETH", 4), "WETH") == (1, 2)
    market = with_reserve(MARKET, "WETH", liquidity_index=RAY + 1)
    with pytest.raises(InputError, match="scaled unit"):
        supply(market, EMPTY, "WETH", 1)


def test_withdraw_should_round_up() -> None:
    # ATokenRounding.t.sol test_withdrawShouldRoundUp
    market = with_reserve(MARKET, "WETH", liquidity_index=2 * RAY + 1)
    account = supply(market, EMPTY, "WETH", 8)
    market = with_reserve(MARKET, "WETH", liquidity_index=3 * RAY - 1)
    assert balances(market, account, "WETH") == (3, 8)
    with pytest.raises(InputError, match="balance"):
        withdraw(market, account, PRICES, "WETH", 9)
    account, paid = withdraw(market, account, PRICES, "WETH", 4)
    assert paid == 4
    assert balances(market, account, "WETH") == (1, 2)


def test_withdraw_all() -> None:
    # Pool.Withdraw.t.sol test_full_withdraw
    account = supply(MARKET, EMPTY, "USDX", 142_000 * 10**6)
    account, paid = withdraw(MARKET, account, PRICES, "USDX")
    assert paid == 142_000 * 10**6
    assert account.position("USDX") == AavePosition("USDX", use_as_collateral=False)
    with pytest.raises(InputError, match="scaled unit"):
        withdraw(MARKET, account, PRICES, "USDX")


def test_borrow_and_repay_round_for_the_pool() -> None:
    # VariableDebtTokenRounding.t.sol test_borrowShouldRoundUp, test_repayShouldRoundDown
    market = with_reserve(MARKET, "WETH", variable_borrow_index=2 * RAY + 1)
    collateral = AaveAccount((AavePosition("WETH", 100 * WAD),))
    assert debts(market, borrow(market, collateral, PRICES, "WETH", 3), "WETH") == (2, 5)
    account = borrow(market, collateral, PRICES, "WETH", 7)
    assert debts(market, account, "WETH") == (4, 9)
    account, paid = repay(market, account, "WETH", 4)
    assert paid == 4
    assert debts(market, account, "WETH") == (3, 7)
    account, paid = repay(market, account, "WETH")
    assert paid == 7
    assert debts(market, account, "WETH") == (0, 0)
    with pytest.raises(InputError, match="debt"):
        repay(market, account, "WETH", 1)


def test_supply_cap_should_round_down() -> None:
    # Pool.Rounding.t.sol test_supplyCapShouldRoundDown
    reserve = replace(WETH, liquidity_index=2 * RAY + 1)
    market = AaveMarket((reserve,))
    account = supply(market, EMPTY, "WETH", 8 * WAD)
    assert balances(market, account, "WETH") == (4 * WAD - 1, 8 * WAD - 2)
    assert within_supply_cap(reserve, 8, 0, 4 * WAD - 1)
    more = supply(market, EMPTY, "WETH", 5).position("WETH").scaled_supply
    assert not within_supply_cap(reserve, 8, 4 * WAD - 1, more)
    assert within_supply_cap(reserve, 0, 4 * WAD - 1, more)
    assert not within_supply_cap(reserve, 8, 0, 4 * WAD - 1, accrued_to_treasury=2)


def test_borrow_cap_should_round_up() -> None:
    # Pool.Rounding.t.sol test_borrowCapShouldRoundUp
    market = with_reserve(MARKET, "WETH", variable_borrow_index=2 * RAY + 1)
    reserve = market.reserve("WETH")
    collateral = AaveAccount((AavePosition("WETH", 100 * WAD),))
    account = borrow(market, collateral, PRICES, "WETH", 7 * WAD - 5)
    assert debts(market, account, "WETH") == (35 * 10**17 - 2, 7 * WAD - 3)
    assert within_borrow_cap(reserve, 7, 0, 35 * 10**17 - 2)
    more = borrow(market, collateral, PRICES, "WETH", 4).position("WETH").scaled_debt
    assert not within_borrow_cap(reserve, 7, 35 * 10**17 - 2, more)


def test_borrow_without_collateral_or_beyond_its_ltv() -> None:
    # Pool.Borrow.t.sol test_reverts_borrow_collateral_balance_zero, _collateral_can_not_cover
    with pytest.raises(InputError, match="LTV above 0"):
        borrow(MARKET, EMPTY, PRICES, "USDX", 2 * 10**7)
    account = supply(MARKET, EMPTY, "WBTC", 10**8)
    with pytest.raises(InputError, match="average LTV"):
        borrow(MARKET, account, PRICES, "USDX", 23_000 * 10**6)
    # 27,000 · 82.5 % = 22,275 exactly
    borrow(MARKET, account, PRICES, "USDX", 22_275 * 10**6)
    with pytest.raises(InputError, match="average LTV"):
        borrow(MARKET, account, PRICES, "USDX", 22_275 * 10**6 + 1)


def test_borrow_below_a_health_factor_of_one() -> None:
    # Pool.Borrow.t.sol test_reverts_borrow_hf_lt_1
    account = supply(MARKET, EMPTY, "WBTC", 10**8)
    account = borrow(MARKET, account, PRICES, "USDX", 18_001 * 10**6)
    prices = {**PRICES, "WBTC": 27_000 * 10**8 // 4}
    with pytest.raises(InputError, match="health factor"):
        borrow(MARKET, account, prices, "USDX", 10_001 * 10**6)


def test_withdraw_below_a_health_factor_of_one() -> None:
    # Pool.Withdraw.t.sol test_reverts_withdraw_hf_lt_lqt
    account = supply(MARKET, EMPTY, "WBTC", 10**8)
    account = borrow(MARKET, account, PRICES, "USDX", 8_000 * 10**6)
    market = with_reserve(MARKET, "WBTC", ltv=1_000, liquidation_threshold=2_000)
    with pytest.raises(InputError, match="health factor"):
        withdraw(market, account, PRICES, "WBTC", 5 * 10**7)
    assert withdraw(MARKET, account, PRICES, "WBTC", 5 * 10**7)[1] == 5 * 10**7


# Pool.Borrow.t.sol, Pool.Repay.t.sol, Pool.Withdraw.t.sol: reserveInactive, Paused, Frozen
@pytest.mark.parametrize(
    ("flag", "word", "closed"),
    [
        ({"active": False}, "active", {"supply", "borrow", "repay", "withdraw"}),
        ({"paused": True}, "paused", {"supply", "borrow", "repay", "withdraw"}),
        ({"frozen": True}, "frozen", {"supply", "borrow"}),
    ],
)
def test_reserves_that_are_closed(flag: dict[str, bool], word: str, closed: set[str]) -> None:
    market = with_reserve(MARKET, "WBTC", **flag)
    account = AaveAccount((AavePosition("WBTC", 10**8, 10**6),))
    actions: dict[str, Callable[[], object]] = {
        "supply": lambda: supply(market, account, "WBTC", 10**6),
        "borrow": lambda: borrow(market, account, PRICES, "WBTC", 10**6),
        "repay": lambda: repay(market, account, "WBTC", 10**5),
        "withdraw": lambda: withdraw(market, account, PRICES, "WBTC", 10**6),
    }
    for name, action in actions.items():
        if name in closed:
            with pytest.raises(InputError, match=word):
                action()
        else:
            action()


E_MODE = EModeCategory(
    3, 9_500, 9_600, 10_100, frozenset({"USDX", "WBTC"}), frozenset({"USDX"}), isolated=True
)
ISOLATED = replace(MARKET, e_modes=(E_MODE,))


def test_isolated_e_mode_entry() -> None:
    # Pool.EMode.Isolated.sol: cannotEnterWithNonEmodeCollateral, canEnterWithOnlyEmodeCollateral,
    # canEnterWithNoCollateral, canExitToEmode0
    with pytest.raises(InputError, match="WETH"):
        set_e_mode(ISOLATED, supply(ISOLATED, EMPTY, "WETH", WAD), PRICES, 3)
    account = supply(ISOLATED, EMPTY, "USDX", 1_000 * 10**6)
    inside = set_e_mode(ISOLATED, account, PRICES, 3)
    assert inside.e_mode == 3
    assert set_e_mode(ISOLATED, inside, PRICES, 0) == account
    assert set_e_mode(ISOLATED, EMPTY, PRICES, 3).e_mode == 3


def test_isolated_e_mode_collateral() -> None:
    # Pool.EMode.Isolated.sol: supplyDoesNotAutoEnableNonEmodeCollateral,
    # cannotEnableNonEmodeCollateral, supplyAutoEnablesBitmapCollateral
    account = supply(ISOLATED, AaveAccount((), 3), "WETH", WAD)
    assert not account.position("WETH").is_collateral
    with pytest.raises(InputError, match="LTV above 0"):
        set_use_as_collateral(ISOLATED, account, PRICES, "WETH", enabled=True)
    account = supply(ISOLATED, account, "USDX", 1_000 * 10**6)
    assert account.position("USDX").is_collateral


def test_isolated_e_mode_borrowing() -> None:
    # Pool.EMode.Isolated.sol canBorrowWithOnlyEmodeCollateral; Pool.Borrow.t.sol
    # test_reverts_borrow_InconsistentEModeCategory
    account = supply(ISOLATED, AaveAccount((), 3), "USDX", 10_000 * 10**6)
    assert borrow(ISOLATED, account, PRICES, "USDX", 100 * 10**6).position("USDX").scaled_debt
    with pytest.raises(InputError, match="borrowable in eMode 3"):
        borrow(ISOLATED, account, PRICES, "WBTC", 10**5)


def test_switching_between_isolated_e_modes() -> None:
    # Pool.EMode.Isolated.sol test_isolatedEmode_switchBetweenIsolatedEmodes
    other = EModeCategory(
        4, 9_300, 9_400, 10_100, frozenset({"WBTC"}), frozenset({"USDX"}), isolated=True
    )
    market = replace(MARKET, e_modes=(E_MODE, other))
    account = supply(market, supply(market, EMPTY, "USDX", 1_000 * 10**6), "WBTC", 10**8)
    account = set_e_mode(market, account, PRICES, 3)
    with pytest.raises(InputError, match="USDX"):
        set_e_mode(market, account, PRICES, 4)
    account = set_use_as_collateral(market, account, PRICES, "USDX", enabled=False)
    assert set_e_mode(market, account, PRICES, 4).e_mode == 4


def test_borrowable_only_inside_an_e_mode() -> None:
    # Pool.EMode.sol test_borrowing_nonBorrowableOutsideEmode and its revert
    category = EModeCategory(1, 9_000, 9_200, 10_050, frozenset({"USDX"}), frozenset({"WBTC"}))
    market = replace(with_reserve(MARKET, "WBTC", borrowing_enabled=False), e_modes=(category,))
    account = supply(market, EMPTY, "USDX", 10**12)
    with pytest.raises(InputError, match="borrowing enabled"):
        borrow(market, account, PRICES, "WBTC", 1)
    inside = borrow(market, set_e_mode(market, account, PRICES, 1), PRICES, "WBTC", 10**8)
    with pytest.raises(InputError, match="borrowable"):
        set_e_mode(market, inside, PRICES, 0)


def test_e_mode_that_would_lower_the_health_factor() -> None:
    # Pool.EMode.sol test_setUserEmode_shouldRevertIfHfWouldFallBelow1
    sets = (frozenset({"USDX"}), frozenset({"WBTC"}))
    low = EModeCategory(1, 9_000, 9_200, 10_050, *sets)
    high = EModeCategory(2, 9_000, 9_700, 10_050, *sets)
    market = replace(MARKET, e_modes=(low, high))
    owed = 27_000 * 10**6 * 10_000 // 9_600
    account = AaveAccount((AavePosition("USDX", owed), AavePosition("WBTC", 0, 10**8)), 2)
    with pytest.raises(InputError, match="health factor"):
        set_e_mode(market, account, PRICES, 1)


def test_collateral_without_ltv_leaves_first() -> None:
    # Pool.EMode.Ltvzero.sol test_ltvzero_shouldEnforcePriorityWithdrawal
    category = EModeCategory(
        1,
        9_500,
        9_600,
        10_100,
        frozenset({"USDX", "WBTC"}),
        frozenset({"USDX"}),
        ltv_zero=frozenset({"USDX"}),
    )
    market = replace(MARKET, e_modes=(category,))
    account = AaveAccount((AavePosition("USDX", 30_000 * 10**6), AavePosition("WBTC", 10**8)), 1)
    account, _ = withdraw(market, account, PRICES, "WBTC", 10**7)
    account = borrow(market, account, PRICES, "USDX", 10**6)
    with pytest.raises(InputError, match="LTV 0"):
        withdraw(market, account, PRICES, "WBTC", 10**7)
    account, _ = withdraw(market, account, PRICES, "USDX", 10**6)
    account = set_use_as_collateral(market, account, PRICES, "USDX", enabled=False)
    assert withdraw(market, account, PRICES, "WBTC", 10**7)[1] == 10**7


def test_leaving_for_a_mode_where_the_collateral_has_no_ltv() -> None:
    # Pool.EMode.Ltvzero.sol test_shouldRevert_leavingToEmode0IfLtv0
    category = EModeCategory(1, 9_500, 9_600, 10_100, frozenset({"USDX"}))
    market = replace(MARKET, e_modes=(category,))
    market = with_reserve(
        market, "USDX", ltv=0, liquidation_threshold=100, liquidation_bonus=10_050
    )
    account = AaveAccount((AavePosition("USDX", 30_000 * 10**6),), 1)
    with pytest.raises(InputError, match="LTV above 0"):
        set_e_mode(market, account, PRICES, 0)


def test_collateral_needs_a_supply() -> None:
    with pytest.raises(InputError, match="supply above 0"):
        set_use_as_collateral(MARKET, EMPTY, PRICES, "USDX", enabled=True)
    account = AaveAccount((AavePosition("WBTC", 10**8), AavePosition("USDX", 0, 10**9)))
    with pytest.raises(InputError, match="health factor"):
        set_use_as_collateral(MARKET, account, PRICES, "WBTC", enabled=False)


@pytest.mark.parametrize("amount", [-1, 1.0, "1"])
def test_amounts_that_are_none(amount: object) -> None:
    account = AaveAccount((AavePosition("WBTC", 10**8, 10**6),))
    actions: list[Callable[[], object]] = [
        lambda: supply(MARKET, account, "WBTC", amount),  # type: ignore[arg-type]
        lambda: withdraw(MARKET, account, PRICES, "WBTC", amount),  # type: ignore[arg-type]
        lambda: borrow(MARKET, account, PRICES, "WBTC", amount),  # type: ignore[arg-type]
        lambda: repay(MARKET, account, "WBTC", amount),  # type: ignore[arg-type]
    ]
    for action in actions:
        with pytest.raises(InputError, match="WBTC"):
            action()
