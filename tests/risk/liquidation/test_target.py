"""The smallest liquidation that restores a target health."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.risk.liquidation.accounts import F, holding, liquidatable, rule, rules
from zkcollateral.errors import InputError
from zkcollateral.risk.liquidation.close import liquidate, repay_limits
from zkcollateral.risk.liquidation.position import Account
from zkcollateral.risk.liquidation.rule import LiquidationRule
from zkcollateral.risk.liquidation.target import repay_to_reach

EVERYTHING = rule("1", "0.5")


def unhealthy(price: str | int) -> Account:
    """Debt worth 10,000, health 0.8, threshold 0.5."""
    return Account(
        (holding("ETH", 16000, 1, "0.5"),), (holding("DAI", F(10000) / F(price), price),)
    )


@pytest.mark.parametrize(
    ("price", "target", "repay"),
    [
        (1, "1.25", F(9000)),
        (2000, "1", F(4)),
        (333, "1", F(8000) / 333),
    ],
    ids=["UnitPrice", "NoPrecisionLoss", "PrecisionLoss"],
)
def test_of_aave_v4(price: int, target: str, repay: Fraction) -> None:
    # aave/aave-v4, LiquidationLogic.DebtToTargetHealthFactor.t.sol: debt 10,000, collateral factor
    # 50%, bonus 150%, health 0.8. The third is rounded up there, to 24.024024024024024025.
    account = unhealthy(price)
    assert account.health == F("0.8")
    found = repay_to_reach(account, EVERYTHING, "DAI", "ETH", F(target))
    assert found == repay
    assert liquidate(account, EVERYTHING, "DAI", "ETH", found).health_after == F(target)


def test_no_repay_does_it_if_the_penalty_takes_too_much() -> None:
    # (1 + 0.3) · 0.8 = 1.04 ≥ 1: every liquidation lowers health.
    account = Account((holding("ETH", 120, 1, "0.8"),), (holding("DAI", 100, 1),))
    assert repay_to_reach(account, rule("1", "0.3"), "DAI", "ETH", F(1)) is None
    assert repay_to_reach(account, rule("1", "0.25"), "DAI", "ETH", F(1)) is None
    assert repay_to_reach(account, rule("1", "0.24"), "DAI", "ETH", F(1)) is None
    # 4 of health value is missing; at a penalty of 5%, 0.16 of each unit repaid is gained.
    assert repay_to_reach(account, rule("1", "0.05"), "DAI", "ETH", F(1)) == 25


def test_the_close_factor_may_stand_in_the_way() -> None:
    account = Account((holding("ETH", 120, 1, "0.8"),), (holding("DAI", 100, 1),))
    assert repay_to_reach(account, rule("0.25"), "DAI", "ETH", F(1)) == 25
    assert repay_to_reach(account, rule("0.24"), "DAI", "ETH", F(1)) is None


def test_a_repay_that_would_leave_dust_becomes_whole() -> None:
    account = Account((holding("ETH", 120, 1, "0.8"),), (holding("DAI", 100, 1),))
    assert repay_to_reach(account, rule("1", minimum="75"), "DAI", "ETH", F(1)) == 25
    assert repay_to_reach(account, rule("1", minimum="76"), "DAI", "ETH", F(1)) == 100


@pytest.mark.parametrize("target", [Fraction(0), Fraction(-1), 1.0, Fraction(4, 5), Fraction(1, 2)])
def test_a_target_that_is_none_is_refused(target: Any) -> None:
    with pytest.raises(InputError, match="target health"):
        repay_to_reach(unhealthy(1), EVERYTHING, "DAI", "ETH", target)


def test_a_healthy_account_has_nothing_to_restore() -> None:
    account = Account((holding("ETH", 16000, 1, "0.5"),), (holding("DAI", 8000, 1),))
    with pytest.raises(InputError, match="health below 1"):
        repay_to_reach(account, EVERYTHING, "DAI", "ETH", F(2))


@given(liquidatable, rules, st.integers(20, 30), st.data())
def test_it_is_the_smallest(
    account: Account, how: LiquidationRule, twentieths: int, data: st.DataObject
) -> None:
    debt = data.draw(st.sampled_from(account.debt)).symbol
    collateral = data.draw(st.sampled_from(account.collateral)).symbol
    target = Fraction(twentieths, 20)

    def reached(repay: Fraction) -> bool:
        after = liquidate(account, how, debt, collateral, repay).account
        return after.weighted_collateral >= target * after.weighted_debt

    limits = repay_limits(account, how, debt, collateral)
    found = repay_to_reach(account, how, debt, collateral, target)
    candidates = [limits.partial * n / 7 for n in range(1, 8)] + [limits.whole or Fraction(0)]
    allowed = [repay for repay in candidates if repay > 0]
    if found is None:
        assert not any(reached(repay) for repay in allowed)
        return
    assert limits.allows(found)
    assert reached(found)
    assert all(not reached(repay) for repay in allowed if repay < found)
    less = min(found, limits.partial) * Fraction(999_999, 1_000_000)
    assert less == 0 or not reached(less)
