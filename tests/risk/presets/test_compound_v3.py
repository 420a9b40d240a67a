"""Compound v3 (Comet) against the cases of compound-finance/comet's own test folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.fixed_point import MAX_UINT256
from zkcollateral.risk.presets.compound_market import (
    accrued_index,
    base_reserves,
    borrow_balance,
    present_value,
    principal_value,
    signed_mul_price,
    supply_balance,
)
from zkcollateral.risk.presets.compound_operations import (
    supply_base,
    supply_collateral,
    withdraw_base,
    withdraw_collateral,
)
from zkcollateral.risk.presets.compound_v3 import (
    CometAccount,
    CometAsset,
    CometMarket,
    absorb,
    borrow_liquidity,
    buy_collateral,
    is_borrow_collateralized,
    is_liquidatable,
    liquidation_liquidity,
    quote_collateral,
    repay_and_supply_amount,
    withdraw_and_borrow_amount,
)

ONE = 10**18
USD = 10**8


def asset(
    symbol: str = "COMP",
    decimals: int = 18,
    borrow: int = ONE - 1,
    liquidate: int = ONE,
    liquidation: int = ONE,
    supply_cap: int | None = None,
) -> CometAsset:
    """An asset with the defaults of test/helpers.ts makeProtocol."""
    cap = 100 * 10**decimals if supply_cap is None else supply_cap
    return CometAsset(symbol, decimals, borrow, liquidate, liquidation, cap)


def market(*assets: CometAsset, **change: int) -> CometMarket:
    chosen = assets or (asset("COMP"), asset("WETH"), asset("WBTC", 8))
    return CometMarket("USDC", 6, chosen, base_borrow_min=10**6, **change)


# test/helpers.ts defaultAssets
PRICES = {"USDC": USD, "COMP": 175 * USD, "WETH": 3_000 * USD, "WBTC": 41_000 * USD}
CHEAP = {"USDC": USD, "COMP": USD}
OWES_100K = CometAccount(-100_000_000_000, {"COMP": 100_000 * ONE})


# --- test/is-liquidatable-test.ts


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (CometAccount(), False),  # defaults to false
        (CometAccount(1_000_000), False),  # is false when user is owed principal
        (CometAccount(-1_000_000), True),  # is true when user owes principal
        (OWES_100K, False),  # collateral can cover the borrowed principal
        (OWES_100K.with_collateral("COMP", 95_000 * ONE), True),  # … cannot cover …
    ],
)
def test_is_liquidatable(account: CometAccount, expected: bool) -> None:
    assert is_liquidatable(market(asset()), account, CHEAP) is expected


def test_is_liquidatable_takes_the_factor_into_account() -> None:
    comp = asset(borrow=75 * 10**16, liquidate=80 * 10**16)
    assert is_liquidatable(market(comp), OWES_100K, CHEAP)


def test_is_liquidatable_changes_with_the_price() -> None:
    assert not is_liquidatable(market(asset()), OWES_100K, CHEAP)
    assert is_liquidatable(market(asset()), OWES_100K, {**CHEAP, "COMP": USD // 2})


def test_liquidatable_only_below_zero() -> None:
    assert liquidation_liquidity(market(asset()), OWES_100K, CHEAP) == 0
    less = OWES_100K.with_collateral("COMP", 100_000 * ONE - 1)
    assert liquidation_liquidity(market(asset()), less, CHEAP) == -1
    assert is_liquidatable(market(asset()), less, CHEAP)


# --- test/is-borrow-collateralized-test.ts


@pytest.mark.parametrize(
    ("account", "factor", "price", "expected"),
    [
        (CometAccount(), ONE - 1, USD, True),  # defaults to true
        (CometAccount(1_000_000), ONE - 1, USD, True),  # owed principal
        (CometAccount(-1_000_000), ONE - 1, USD, False),  # owes principal
        (CometAccount(-1_000_000, {"COMP": 12 * 10**17}), 9 * 10**17, USD, True),
        (CometAccount(-1_000_000, {"COMP": ONE}), 9 * 10**17, USD, False),
        (CometAccount(-1_000_000, {"COMP": 5 * ONE}), 2 * 10**17, USD, True),
        (CometAccount(-1_000_000, {"COMP": 5 * ONE}), 2 * 10**17, USD // 2, False),
    ],
)
def test_is_borrow_collateralized(
    account: CometAccount, factor: int, price: int, expected: bool
) -> None:
    prices = {**CHEAP, "COMP": price}
    assert is_borrow_collateralized(market(asset(borrow=factor)), account, prices) is expected


def test_each_product_rounds_down() -> None:
    wbtc = asset("WBTC", 8, 5 * 10**17, 6 * 10**17)
    account = CometAccount(-1, {"WBTC": 7})
    prices = {"USDC": USD, "WBTC": 9 * USD // 4}
    # value ⌊7 · 2.25⌋ = 15; · 0.5 → 7, · 0.6 → 9; debt −1e8/1e6 = −100
    assert borrow_liquidity(market(wbtc), account, prices) == 7 - 100
    assert liquidation_liquidity(market(wbtc), account, prices) == 9 - 100


def test_a_debt_s_value_rounds_towards_zero() -> None:
    assert signed_mul_price(-1, 10**8 - 1, 10**6) == -99
    assert signed_mul_price(1, 10**8 - 1, 10**6) == 99
    # so a debt worth less than one unit of value needs no collateral
    assert not is_liquidatable(market(asset()), CometAccount(-1), {"USDC": 10**6 - 1})


# --- test/quote-collateral-test.ts


@pytest.mark.parametrize(
    ("store_front", "liquidation", "price", "base_amount", "quote"),
    [
        (5 * 10**17, 6 * 10**17, 200, 200 * 10**6, 125 * 10**16),  # positive base amount
        (ONE, ONE, 200, 0, 0),  # zero base amount
        (0, 6 * 10**17, 200, 200 * 10**6, ONE),  # store front price factor 0 %
        (5 * 10**17, 8 * 10**17, 9, 810 * 10**6, 100 * ONE),  # no truncation on the way
        (8 * 10**17, 75 * 10**16, 200, 10**21, 625 * 10**28),  # large amounts
        # test/buy-collateral-test.ts: reserves < target, reserves < 0, and the fee-like case
        (5 * 10**17, 8 * 10**17, 1, 50 * 10**6, 55_555_555_555_555_555_555),
        (5 * 10**17, ONE, 1, 50 * 10**6, 50 * ONE),
        (5 * 10**17, 8 * 10**17, 1, 49_500_000, 55 * ONE),
    ],
)
def test_quote_collateral(
    store_front: int, liquidation: int, price: int, base_amount: int, quote: int
) -> None:
    comet = market(asset(liquidation=liquidation), store_front_price_factor=store_front)
    prices = {"USDC": USD, "COMP": price * USD}
    assert quote_collateral(comet, prices, "COMP", base_amount) == quote


# --- test/buy-collateral-test.ts


def test_buy_collateral() -> None:
    comet = market(
        asset(liquidation=8 * 10**17), store_front_price_factor=5 * 10**17, target_reserves=100
    )
    bought = 55_555_555_555_555_555_555
    sale = {"collateral_reserves": 60 * ONE, "min_amount": 50 * ONE}
    assert buy_collateral(comet, CHEAP, "COMP", 50 * 10**6, reserves=0, **sale) == bought
    assert buy_collateral(comet, CHEAP, "COMP", 50 * 10**6, reserves=99, **sale) == bought
    with pytest.raises(InputError, match="reserves below the target"):
        buy_collateral(comet, CHEAP, "COMP", 50 * 10**6, reserves=100, **sale)
    none = replace(comet, target_reserves=0)
    assert buy_collateral(none, CHEAP, "COMP", 50 * 10**6, reserves=-100, **sale) == bought
    with pytest.raises(InputError, match="reserves below the target"):
        buy_collateral(none, CHEAP, "COMP", 50 * 10**6, reserves=0, **sale)


def test_buy_collateral_reverts() -> None:
    comet = market(asset(), store_front_price_factor=5 * 10**17, target_reserves=10**14)
    with pytest.raises(InputError, match="collateral reserves"):  # belongs to users
        buy_collateral(comet, CHEAP, "COMP", 50 * 10**6, reserves=0, collateral_reserves=40 * ONE)
    with pytest.raises(InputError, match="at least the amount"):  # slippage is too high
        buy_collateral(
            comet,
            CHEAP,
            "COMP",
            50 * 10**6,
            reserves=0,
            collateral_reserves=0,
            min_amount=100 * ONE,
        )


def test_no_price_after_the_discount() -> None:
    comet = market(asset(liquidation=0))
    with pytest.raises(InputError, match="discounted price"):
        quote_collateral(comet, CHEAP, "COMP", 1)


# --- test/absorb-test.ts


@pytest.mark.parametrize("debt", [100, 700])
def test_absorb_without_collateral(debt: int) -> None:
    # absorbs 1 account …, absorbs 2 accounts …
    result = absorb(market(), CometAccount(-debt), PRICES)
    assert result.base_paid_out == debt
    assert result.value_of_base_paid_out == debt * 100
    assert result.bad_debt == debt
    assert (result.repaid_principal, result.supplied_principal) == (debt, 0)
    assert result.account == CometAccount()
    assert result.seized == ()


@pytest.mark.parametrize(
    ("debt", "collateral", "values"),
    [
        (10**6, {"COMP": 10**12}, [17_500]),
        (10**12, {"COMP": 10 * ONE, "WETH": ONE}, [1_750 * USD, 3_000 * USD]),
        (
            10**18,
            {"COMP": 10_000 * ONE, "WETH": 50 * ONE, "WBTC": 50 * 10**8},
            [1_750_000 * USD, 150_000 * USD, 2_050_000 * USD],
        ),
    ],
)
def test_absorb_accounts_with_collateral(
    debt: int, collateral: dict[str, int], values: list[int]
) -> None:
    # absorbs 3 accounts with collateral and pays out the absorber
    result = absorb(market(), CometAccount(-debt, collateral), PRICES)
    assert {seized.symbol: seized.amount for seized in result.seized} == collateral
    assert [seized.value for seized in result.seized] == values
    assert result.base_paid_out == debt
    assert result.value_of_base_paid_out == debt * 100
    assert result.repaid_principal == debt
    assert result.bad_debt == debt - sum(values) // 100
    assert result.account == CometAccount()


def test_absorb_with_more_than_enough_collateral() -> None:
    # absorbs an account with more than enough collateral to still cover debt
    factors = {"borrow": 5 * 10**17, "liquidate": 666_666 * 10**12}
    comet = market(asset("COMP", **factors), asset("WETH", **factors), asset("WBTC", 8, **factors))
    assert comet.assets[0].liquidate_collateral_factor == 6_666 * 10**14
    debt = 44_175 * 10**6 - 1
    account = CometAccount(-debt, {"COMP": ONE, "WETH": ONE, "WBTC": 10**8})
    result = absorb(comet, account, PRICES)
    assert [seized.value for seized in result.seized] == [175 * USD, 3_000 * USD, 41_000 * USD]
    assert result.base_paid_out == debt + 1
    assert result.bad_debt == 0
    assert (result.repaid_principal, result.supplied_principal) == (debt, 1)
    assert result.account == CometAccount(1)


def test_absorb_takes_all_collateral() -> None:
    # updates assetsIn for liquidated account: $4k owed, $3k + $175 held
    account = CometAccount(-4_000 * 10**6, {"COMP": ONE, "WETH": ONE})
    result = absorb(market(), account, PRICES)
    assert dict(result.account.collateral) == {}
    assert result.bad_debt == 825 * 10**6


def test_absorb_values_at_the_liquidation_factor() -> None:
    """Credit is ⌊Σ⌊value · factor⌋ · scale / price⌋ on top of the present value of the debt."""
    comp = asset(borrow=5 * 10**17, liquidate=6 * 10**17, liquidation=93 * 10**16)
    comet = market(comp, base_borrow_index=3 * 10**15)
    account = CometAccount(-1_000_001, {"COMP": 4 * ONE + 1})
    prices = {"USDC": USD + 1, "COMP": USD}
    result = absorb(comet, account, prices)
    credit = (4 * USD * 93 // 100) * 10**6 // (USD + 1)
    assert credit == 3_719_999
    assert result.base_paid_out == credit
    assert result.account.principal == credit - 3_000_003
    assert result.bad_debt == 0


def test_absorb_needs_a_liquidatable_account() -> None:
    # reverts if an account is not underwater
    with pytest.raises(InputError, match="liquidatable"):
        absorb(market(), CometAccount(), PRICES)
    with pytest.raises(InputError, match="liquidatable"):
        absorb(market(asset()), OWES_100K, CHEAP)


# --- test/balance-test.ts, test/reserves-test.ts, test/supply-test.ts, test/withdraw-test.ts


def test_balances() -> None:
    comet = market(base_supply_index=2 * 10**15, base_borrow_index=3 * 10**15)
    owes, owns = CometAccount(-100 * 10**6), CometAccount(100 * 10**6)
    assert (borrow_balance(comet, owes), supply_balance(comet, owes)) == (300 * 10**6, 0)
    assert (borrow_balance(comet, owns), supply_balance(comet, owns)) == (0, 200 * 10**6)


@pytest.mark.parametrize(
    ("supply_index", "borrow_index", "balance", "supplied", "borrowed", "reserves"),
    [(4, 3, 100, 25, 0, 0), (2, 5, 100, 50, 10, 50), (2, 3, 0, 50, 0, -100)],
)
def test_reserves(
    supply_index: int,
    borrow_index: int,
    balance: int,
    supplied: int,
    borrowed: int,
    reserves: int,
) -> None:
    comet = market(base_supply_index=supply_index * 10**15, base_borrow_index=borrow_index * 10**15)
    assert base_reserves(comet, balance, supplied, borrowed) == reserves


def test_principal_of_a_supply() -> None:
    # supply-test.ts "calculates base principal correctly", "user supply is same as total supply"
    doubled = market(base_supply_index=2 * 10**15)
    assert supply_base(doubled, CometAccount(), 100 * 10**6).principal == 50 * 10**6
    comet = market(base_supply_index=1_085 * 10**12)
    account = supply_base(comet, CometAccount(), 10)
    assert account.principal == 9
    assert supply_balance(comet, account) == 9


def test_a_supply_or_withdrawal_of_nothing_may_lower_the_principal() -> None:
    # supply-test.ts "supplies 0 and does not revert when dstPrincipalNew < dstPrincipal",
    # withdraw-test.ts "withdraws 0 but Comet Transfer event amount is 1"
    comet = market(base_supply_index=1_000_000_131_467_072)
    before = CometAccount(99_999_992_291_226)
    after = supply_base(comet, before, 0)
    assert after.principal == before.principal - 1
    assert repay_and_supply_amount(before.principal, after.principal) == (0, 0)
    after = withdraw_base(comet, before, PRICES, 0)
    assert withdraw_and_borrow_amount(before.principal, after.principal) == (1, 0)


def test_withdraw_all_of_base() -> None:
    # withdraw-test.ts "calculates base principal correctly", "withdraws max base balance",
    # "withdraw max base should withdraw 0 if user has a borrow position"
    comet = market(base_supply_index=2 * 10**15)
    owns = CometAccount(50 * 10**6)
    assert withdraw_base(comet, owns, PRICES, 100 * 10**6) == CometAccount()
    assert withdraw_base(comet, owns, PRICES, MAX_UINT256) == CometAccount()
    owes = CometAccount(-100 * 10**6, {"WETH": ONE})
    assert withdraw_base(market(), owes, PRICES, MAX_UINT256) == owes


def test_withdraw_borrows() -> None:
    # withdraw-test.ts "borrows to withdraw if necessary/possible"
    comet = market(base_borrow_index=2 * 10**15)
    account = withdraw_base(comet, CometAccount(0, {"WETH": ONE}), PRICES, 10**6)
    assert account.principal == -(10**6) // 2
    assert present_value(comet, account.principal) == -(10**6)


def test_repay_all_of_base() -> None:
    # supply-test.ts "supplies max base borrow balance", "… should supply 0 if user has no borrow"
    assert supply_base(market(), CometAccount(-50 * 10**6), MAX_UINT256) == CometAccount()
    assert supply_base(market(), CometAccount(7), MAX_UINT256) == CometAccount(7)


def test_withdraw_reverts() -> None:
    # withdraw-test.ts BorrowTooSmall, NotCollateralized; transfer-test.ts "cant borrow less …"
    with pytest.raises(InputError, match="base_borrow_min"):
        withdraw_base(market(), CometAccount(), PRICES, 5 * 10**5)
    with pytest.raises(InputError, match="base_borrow_min"):
        withdraw_base(market(), CometAccount(0, {"WETH": ONE}), PRICES, 10**6 - 1)
    with pytest.raises(InputError, match="collateral"):
        withdraw_base(market(), CometAccount(), PRICES, 10**6)
    account = CometAccount(-100 * 10**6, {"WETH": ONE})
    with pytest.raises(InputError, match="collateral"):
        withdraw_collateral(market(), account, PRICES, "WETH", ONE)
    with pytest.raises(InputError, match="balance"):
        withdraw_collateral(market(), account, PRICES, "WETH", ONE + 1)


def test_withdraw_collateral() -> None:
    # withdraw-test.ts "withdraws collateral from sender if the asset is collateral"
    account = CometAccount(0, {"COMP": 8 * 10**8})
    after = withdraw_collateral(market(), account, PRICES, "COMP", 8 * 10**8)
    assert after.collateral["COMP"] == 0


def test_supply_collateral_within_its_cap() -> None:
    # supply-test.ts "supplies collateral …", "… collateral exceeds the supply cap"
    account = supply_collateral(market(), CometAccount(), "COMP", 8 * 10**8, total=0)
    assert account.collateral == {"COMP": 8 * 10**8}
    with pytest.raises(InputError, match="supply cap"):
        supply_collateral(market(asset(supply_cap=0)), CometAccount(), "COMP", 8 * 10**8, total=0)
    with pytest.raises(InputError, match="supply cap"):
        supply_collateral(market(), CometAccount(), "COMP", 1, total=100 * ONE)
    last = supply_collateral(market(), CometAccount(), "COMP", 1, total=100 * ONE - 1)
    assert last.collateral == {"COMP": 1}


def test_index_after_some_seconds() -> None:
    # accrue-test.ts projectBaseIndex: index + ⌊index · rate · time / 1e18⌋
    assert accrued_index(2 * 10**15, 10**9, 1_000) == 2 * 10**15 + 2 * 10**9
    assert accrued_index(3, 10**17, 9) == 5
    assert accrued_index(10**15, 10**9, 0) == 10**15
    with pytest.raises(InputError, match="Comet index"):
        accrued_index(2**64 - 1, 10**18, 1)


# --- test/asset-info-test.ts, test/constructor-test.ts


def test_factors_keep_four_decimals() -> None:
    comp = asset()
    assert comp.borrow_collateral_factor == ONE - 10**14
    assert comp.liquidate_collateral_factor == ONE
    assert asset(supply_cap=2 * ONE - 1).supply_cap == ONE


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"borrow": 9 * 10**17, "liquidate": 9 * 10**17}, "borrow_collateral_factor"),
        ({"borrow": 9 * 10**17, "liquidate": 9 * 10**17 + 1}, "borrow_collateral_factor"),
        ({"borrow": 99 * 10**16, "liquidate": 11 * 10**17}, "liquidate_collateral_factor"),
        ({"liquidation": ONE + 1}, "liquidation_factor"),
        ({"borrow": -1}, "borrow_collateral_factor"),
        ({"liquidate": 0.5}, "liquidate_collateral_factor"),
        ({"decimals": 20}, "decimals"),
        ({"supply_cap": 2**128}, "supply_cap"),
        ({"symbol": ""}, "symbol"),
    ],
)
def test_asset_parameters_out_of_range(change: dict[str, object], where: str) -> None:
    with pytest.raises(InputError, match=where):
        asset(**change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"base_decimals": 5}, "base_decimals"),
        ({"base_decimals": 19}, "base_decimals"),
        ({"store_front_price_factor": ONE + 1}, "store_front_price_factor"),
        ({"base_borrow_min": -1}, "base_borrow_min"),
        ({"target_reserves": -1}, "target_reserves"),
        ({"base_supply_index": 0}, "base_supply_index"),
        ({"base_borrow_index": 2**64}, "base_borrow_index"),
        ({"assets": (asset(), asset())}, "assets"),
        ({"assets": (asset("USDC", 6),)}, "assets"),
        ({"assets": tuple(asset(f"ASSET{i}") for i in range(25))}, "assets"),
        ({"base": ""}, "base"),
    ],
)
def test_market_parameters_out_of_range(change: dict[str, object], where: str) -> None:
    with pytest.raises(InputError, match=where):
        replace(market(), **change)  # type: ignore[arg-type]


def test_accounts_out_of_range() -> None:
    cases: list[tuple[str, Callable[[], object]]] = [
        ("principal", lambda: CometAccount(2**103)),
        ("principal", lambda: CometAccount(-(2**103))),
        ("principal", lambda: CometAccount(1.0)),  # type: ignore[arg-type]
        ("COMP", lambda: CometAccount(0, {"COMP": -1})),
        ("COMP", lambda: CometAccount(0, {"COMP": 2**128})),
        ("mapping", lambda: CometAccount(0, [("COMP", 1)])),  # type: ignore[arg-type]
        ("DAI", lambda: is_liquidatable(market(), CometAccount(-1, {"DAI": 1}), PRICES)),
        ("balance", lambda: principal_value(market(), 2**255)),
        ("principal", lambda: principal_value(market(base_supply_index=1), 2**103)),
        ("overflow", lambda: quote_collateral(market(), PRICES, "COMP", 2**200)),
    ]
    for message, action in cases:
        with pytest.raises(InputError, match=message):
            action()


@pytest.mark.parametrize("price", [0, -1, 1.5, None, float("nan")])
@pytest.mark.parametrize("symbol", ["USDC", "COMP"])
def test_prices_that_are_none(symbol: str, price: object) -> None:
    # a price that Comet.getPrice refuses as BadPrice
    prices = {name: value for name, value in CHEAP.items() if name != symbol}
    if price is not None:
        prices[symbol] = price  # type: ignore[assignment]
    with pytest.raises(InputError, match=f"Comet price of {symbol}"):
        is_liquidatable(market(asset()), OWES_100K, prices)


def test_an_account_is_not_changed_through_its_mapping() -> None:
    held = {"COMP": 1}
    account = CometAccount(0, held)
    held["COMP"] = 2
    assert account.collateral == {"COMP": 1}
    with pytest.raises(TypeError):
        account.collateral["COMP"] = 3  # type: ignore[index]


balances = st.integers(-(10**20), 10**20)
indices = st.integers(10**15, 10**16)


@given(balances, indices, indices)
def test_a_principal_never_favours_the_account(balance: int, supply: int, borrow: int) -> None:
    comet = market(base_supply_index=supply, base_borrow_index=borrow)
    principal = principal_value(comet, balance)
    value = present_value(comet, principal)
    # one unit of principal is worth at most the index, here below 11 units
    assert balance - 11 < value <= balance


@given(
    st.integers(1, 10**15),
    st.integers(0, 10**22),
    st.integers(0, 10**10),
    st.integers(1, 10_000),
    st.integers(1, 10**13),
    indices,
)
def test_absorption_keeps_the_books(
    debt: int, comp: int, wbtc: int, factor: int, price: int, index: int
) -> None:
    assets = (
        asset("COMP", 18, 0, 5 * 10**17, factor * 10**14),
        asset("WBTC", 8, 0, 7 * 10**17, factor * 10**14),
    )
    comet = market(*assets, base_borrow_index=index)
    account = CometAccount(-debt, {"COMP": comp, "WBTC": wbtc})
    prices = {"USDC": USD, "COMP": price, "WBTC": 41_000 * USD}
    if not is_liquidatable(comet, account, prices):
        with pytest.raises(InputError):
            absorb(comet, account, prices)
        return
    assert not is_borrow_collateralized(comet, account, prices)
    result = absorb(comet, account, prices)
    owed = borrow_balance(comet, account)
    credit = result.base_paid_out - result.bad_debt
    value = sum(seized.value for seized in result.seized)
    assert credit * USD * 10_000 <= value * factor * 10**6
    assert result.base_paid_out == max(owed, credit)
    assert result.account.principal == max(0, credit - owed)
    assert result.repaid_principal == debt
