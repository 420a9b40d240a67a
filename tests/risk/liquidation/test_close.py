"""One liquidation: what is repaid, seized, kept and left."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.risk.liquidation.accounts import F, holding, liquidatable, rule, rules
from zkcollateral.errors import InputError
from zkcollateral.risk.liquidation.close import RepayLimits, liquidate, repay_limits
from zkcollateral.risk.liquidation.position import Account
from zkcollateral.risk.liquidation.rule import LiquidationRule


def one_by_one(
    collateral: str | int, debt: str | int, threshold: str = "0.8", price: str | int = 1
) -> Account:
    """Collateral ETH at a price, debt DAI at 1."""
    return Account((holding("ETH", collateral, price, threshold),), (holding("DAI", debt, 1),))


def test_first_example_of_aaves_documentation() -> None:
    # docs.aave.com, FAQ, "Liquidations", example 1: Bob deposits 10 ETH and borrows 5 ETH worth of
    # DAI. A liquidator repays 50% of it, 2.5 ETH worth, and claims 2.5 + 0.125 ETH (5% bonus).
    bob = Account((holding("ETH", 10, 2000, "0.49"),), (holding("DAI", 10000, 1),))
    done = liquidate(bob, rule(), "DAI", "ETH")
    assert done.repaid == 5000
    assert done.seized == F("2.5") + F("0.125")
    assert done.protocol_fee == 0
    assert done.account == Account(
        (holding("ETH", "7.375", 2000, "0.49"),), (holding("DAI", 5000, 1),)
    )


def test_second_example_of_aaves_documentation() -> None:
    # The same page, example 2: 5 ETH and 4 ETH worth of YFI against 5 ETH worth of DAI; YFI's bonus
    # is 15%, ETH's 5%; the liquidator claims 2.5 + 0.375 ETH worth of YFI.
    bob = Account(
        (holding("ETH", 5, 1, "0.5"), holding("YFI", 4, 1, "0.5")), (holding("DAI", 5, 1),)
    )
    each = LiquidationRule(F("0.5"), F("0.05"), penalties={"YFI": F("0.15")})
    assert liquidate(bob, each, "DAI", "YFI").seized == F("2.5") + F("0.375")
    assert liquidate(bob, each, "DAI", "ETH").seized == F("2.5") + F("0.125")


def test_the_protocol_keeps_its_share_of_the_penalty_only() -> None:
    # 1,000 repaid at 10 ETH for 100 each: penalty 100 = 1 ETH, of which 0.1 ETH is the protocol's.
    account = one_by_one(24, 2000, price=100)
    done = liquidate(account, rule(penalty="0.1", protocol_share="0.1"), "DAI", "ETH")
    assert (done.repaid, done.repaid_value) == (1000, 1000)
    assert (done.seized, done.protocol_fee, done.to_liquidator) == (11, F("0.1"), F("10.9"))
    assert done.penalty_value == 100
    assert done.account == one_by_one(13, 1000, price=100)


def test_health_may_fall_by_a_liquidation() -> None:
    # 100 against 99 at threshold 0.8: after 49.5 · 1.1 = 54.45, 45.55 · 0.8 / 49.5.
    done = liquidate(one_by_one(100, 99), rule(penalty="0.1"), "DAI", "ETH")
    assert done.health_before == F(80) / 99
    assert done.health_after == F("36.44") / F("49.5")
    assert done.health_after < done.health_before


def test_all_is_closed_below_the_stated_health() -> None:
    # As in Aave v3, where all may be closed at exactly 0.95 too.
    assert repay_limits(
        one_by_one(120, 100), rule(close_all_below="0.95"), "DAI", "ETH"
    ) == RepayLimits(F(50), None)
    assert repay_limits(
        one_by_one(118, 100), rule(close_all_below="0.95"), "DAI", "ETH"
    ) == RepayLimits(F(100), F(100))
    at = one_by_one("118.75", 100)
    assert at.health == F("0.95")
    assert repay_limits(at, rule(close_all_below="0.95"), "DAI", "ETH").whole is None


def test_the_repay_shrinks_to_what_the_collateral_pays_for() -> None:
    done = liquidate(one_by_one(42, 100), rule(), "DAI", "ETH")
    assert done.seized == 42
    assert done.repaid == 40
    assert done.account.collateral_of("ETH").amount == 0
    assert done.account.shortfall == 60
    assert done.health_after == 0


def test_collateral_that_pays_for_exactly_the_close_factor_is_seized_whole() -> None:
    limits = repay_limits(one_by_one("52.5", 100), rule(), "DAI", "ETH")
    assert limits == RepayLimits(F(50), F(50))


def test_a_repay_above_the_limit_is_cut_down_to_it() -> None:
    account = one_by_one(120, 100)
    assert liquidate(account, rule(), "DAI", "ETH", F(1000)).repaid == 50
    assert liquidate(account, rule(), "DAI", "ETH", F(20)).repaid == 20


def test_the_close_factor_does_not_apply_where_it_would_leave_dust() -> None:
    # Half of 1,500 would leave 750 of debt, less than 1,000: all 1,500 may be repaid, and nothing
    # that leaves between 0 and 1,000.
    account = one_by_one(1700, 1500)
    limits = repay_limits(account, rule(minimum="1000"), "DAI", "ETH")
    assert limits == RepayLimits(F(500), F(1500))
    assert liquidate(account, rule(minimum="1000"), "DAI", "ETH").account.debt_value == 0


def test_dust_of_the_collateral_counts_too() -> None:
    # Half of 4,000 takes 2,100 of 3,000: 900 would be left. All of it pays for 3,000 / 1.05.
    limits = repay_limits(one_by_one(3000, 4000), rule(minimum="1000"), "DAI", "ETH")
    assert limits == RepayLimits(F(2000) / F("1.05"), F(3000) / F("1.05"))


def test_nothing_may_be_left_over_of_less_than_the_minimum() -> None:
    # aave-dao/aave-v3-origin, Errors.MustNotLeaveDust: a partial liquidation leaves 1,000 of both.
    account = one_by_one(1700, 1500)
    dust = rule(minimum="1000")
    assert liquidate(account, dust, "DAI", "ETH", F(500)).account.debt_value == 1000
    for repay in (F("500.01"), F(1000), F("1499.99")):
        with pytest.raises(InputError, match="repay of DAI"):
            liquidate(account, dust, "DAI", "ETH", repay)
    assert liquidate(account, dust, "DAI", "ETH", F(1500)).account.debt_value == 0


def test_a_position_below_the_minimum_is_closed_whole_or_not_at_all() -> None:
    limits = repay_limits(one_by_one(900, 800), rule(minimum="1000"), "DAI", "ETH")
    assert limits == RepayLimits(F(0), F(800))
    assert not limits.allows(F(400))
    assert not limits.allows(F(0))
    assert limits.allows(F(800))
    assert limits.at_least(F(1)) == 800
    assert limits.at_least(F(801)) is None


@pytest.mark.parametrize(
    ("account", "debt", "collateral", "where"),
    [
        (one_by_one(125, 100), "DAI", "ETH", "liquidation: account"),
        (Account((holding("ETH", 1, 1),), ()), "DAI", "ETH", "liquidation: account"),
        (one_by_one(100, 100), "USDC", "ETH", "account: debt"),
        (one_by_one(100, 100), "DAI", "BTC", "account: collateral"),
        (one_by_one(0, 100), "DAI", "ETH", "liquidation: collateral ETH"),
    ],
    ids=["health exactly 1", "no debt", "no such debt", "no such collateral", "none of it"],
)
def test_what_cannot_be_liquidated_is_refused(
    account: Account, debt: str, collateral: str, where: str
) -> None:
    with pytest.raises(InputError, match=where):
        liquidate(account, rule(), debt, collateral)


def test_a_debt_of_nothing_is_refused() -> None:
    account = Account((holding("ETH", 1, 1),), (holding("DAI", 0, 1), holding("USDC", 5, 1)))
    with pytest.raises(InputError, match="liquidation: debt DAI"):
        liquidate(account, rule(), "DAI", "ETH")


@pytest.mark.parametrize("repay", [Fraction(0), Fraction(-1), 1.5, True, float("nan")])
def test_a_repay_that_is_no_amount_is_refused(repay: Any) -> None:
    with pytest.raises(InputError, match="repay of DAI"):
        liquidate(one_by_one(100, 100), rule(), "DAI", "ETH", repay)


@given(liquidatable, rules, st.data())
def test_every_liquidation_keeps_to_its_rule(
    account: Account, how: LiquidationRule, data: st.DataObject
) -> None:
    owed, held = (
        data.draw(st.sampled_from(account.debt)),
        data.draw(st.sampled_from(account.collateral)),
    )
    limits = repay_limits(account, how, owed.symbol, held.symbol)
    share = data.draw(st.integers(1, 40)) * Fraction(1, 20)
    repay = data.draw(st.sampled_from([None, share * limits.largest, share * owed.amount]))
    try:
        done = liquidate(account, how, owed.symbol, held.symbol, repay)
    except InputError:
        assert repay is not None
        assert limits.partial < repay < limits.largest
        return
    debt_left = done.account.debt_of(owed.symbol)
    collateral_left = done.account.collateral_of(held.symbol)
    penalty = how.penalty_of(held.symbol)
    # Nothing appears or vanishes, and the account pays exactly the penalty on top.
    assert debt_left.amount == owed.amount - done.repaid >= 0
    assert collateral_left.amount == held.amount - done.seized >= 0
    assert done.seized * held.price == done.repaid_value * (1 + penalty)
    assert done.protocol_fee * held.price == done.penalty_value * how.protocol_share
    assert 0 <= done.to_liquidator <= done.seized
    for side, before in (("debt", account.debt), ("collateral", account.collateral)):
        for item, was in zip(getattr(done.account, side), before, strict=True):
            assert item == was or item.symbol in (owed.symbol, held.symbol)
    # All of one side is gone, or neither is dust.
    if debt_left.amount and collateral_left.amount:
        assert debt_left.value >= how.minimum
        assert collateral_left.value >= how.minimum
    # The close factor binds unless health is low or it would leave dust.
    assert account.health is not None
    if done.repaid > how.close_factor * owed.amount:
        step = how.close_factor * owed.amount
        dusty = (
            owed.value - step * owed.price < how.minimum
            or held.value - step * owed.price * (1 + penalty) < how.minimum
        )
        assert dusty or account.health < how.close_all_below
    # No more than the most.
    assert done.repaid <= limits.largest
