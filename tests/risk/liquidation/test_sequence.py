"""The liquidation of a whole account."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.risk.liquidation.accounts import F, accounts, holding, rule, rules
from zkcollateral.errors import InputError
from zkcollateral.risk.liquidation.position import Account
from zkcollateral.risk.liquidation.rule import LiquidationRule
from zkcollateral.risk.liquidation.sequence import liquidate_account


def two_by_two() -> Account:
    """Held 50 and 60 at 0.8, owed 40 and 50: health 88 / 90."""
    return Account(
        (holding("BTC", 50, 1, "0.8"), holding("ETH", 60, 1, "0.8")),
        (holding("DAI", 40, 1), holding("USDC", 50, 1)),
    )


def test_a_healthy_account_is_left_as_it_is() -> None:
    account = Account((holding("ETH", 10, 1),), (holding("DAI", 10, 1),))
    done = liquidate_account(account, rule())
    assert (done.steps, done.account, done.outcome) == ((), account, "healthy")
    assert (done.repaid_value, done.seized_value, done.bad_debt) == (0, 0, 0)


def test_it_ends_as_soon_as_health_is_one() -> None:
    # The first step repays half of DAI, 20, for 21 of BTC: (89 · 0.8) / 70 ≥ 1.
    done = liquidate_account(two_by_two(), rule())
    assert [(step.debt, step.collateral, step.repaid) for step in done.steps] == [
        ("DAI", "BTC", 20)
    ]
    assert done.outcome == "healthy"
    assert done.account.health == F("71.2") / 70


def test_the_target_takes_no_more_than_is_needed() -> None:
    # 2 are missing; each unit repaid gains 1 − 1.05 · 0.8 = 0.16.
    done = liquidate_account(two_by_two(), rule(), target=F(1))
    assert [step.repaid for step in done.steps] == [F("12.5")]
    assert done.account.health == 1


def test_the_stated_orders_are_kept() -> None:
    low = rule("1", "0.5")
    done = liquidate_account(two_by_two(), low, debts=("USDC", "DAI"), collaterals=("ETH", "BTC"))
    # 60 of ETH pay for 40 of USDC; 10 · 1.5 of BTC for the rest; then 35 of BTC for DAI.
    assert [(step.debt, step.collateral, step.repaid, step.seized) for step in done.steps] == [
        ("USDC", "ETH", 40, 60),
        ("USDC", "BTC", 10, 15),
        ("DAI", "BTC", F(70) / 3, 35),
    ]
    assert done.outcome == "exhausted"
    assert done.bad_debt == 40 - F(70) / 3
    assert done.repaid_value == 90 - done.bad_debt
    assert done.seized_value == 110


def test_a_close_factor_without_minimum_ends_at_the_step_limit() -> None:
    account = Account((holding("ETH", 100, 1, "0.8"),), (holding("DAI", 99, 1),))
    done = liquidate_account(account, rule("0.01", "0.3"), max_steps=5)
    assert (done.outcome, len(done.steps)) == ("step limit", 5)
    assert len(liquidate_account(account, rule("0.01", "0.3"), max_steps=1).steps) == 1
    assert done.account.is_liquidatable


def test_a_minimum_ends_it() -> None:
    account = Account((holding("ETH", 100, 1, "0.8"),), (holding("DAI", 99, 1),))
    done = liquidate_account(account, rule("0.5", "0.3", minimum="10"))
    assert done.outcome == "exhausted"
    assert done.account.collateral_value == 0
    assert done.bad_debt == 99 - F(100) / F("1.3")


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        ({"debts": ("DAI",)}, "order of debts"),
        ({"debts": ("DAI", "USDC", "DAI")}, "order of debts"),
        ({"debts": ("DAI", "DAI")}, "order of debts"),
        ({"collaterals": ("BTC", "SOL")}, "order of collaterals"),
        ({"max_steps": 0}, "max_steps"),
        ({"max_steps": 1001}, "max_steps"),
        ({"max_steps": 3.0}, "max_steps"),
        ({"target": Fraction(9, 10)}, "target health"),
        ({"target": 1.5}, "target health"),
    ],
)
def test_what_it_refuses(arguments: dict[str, Any], where: str) -> None:
    with pytest.raises(InputError, match=where):
        liquidate_account(two_by_two(), rule(), **arguments)


@given(accounts, rules, st.one_of(st.none(), st.integers(20, 24)))
def test_every_sequence_adds_up(account: Account, how: LiquidationRule, target: int | None) -> None:
    goal = None if target is None else Fraction(target, 20)
    done = liquidate_account(account, how, target=goal, max_steps=12)
    now = account
    for step in done.steps:
        assert step.before == now
        assert now.is_liquidatable
        now = step.account
    assert now == done.account
    assert done.repaid_value == sum(step.repaid_value for step in done.steps)
    assert done.seized_value == done.repaid_value + sum(step.penalty_value for step in done.steps)
    assert done.bad_debt == max(0, now.debt_value - now.collateral_value)
    if done.outcome == "healthy":
        assert not now.is_liquidatable
    else:
        assert now.is_liquidatable
        assert (now.collateral_value == 0) is (done.outcome == "exhausted")
        assert done.outcome == "exhausted" or len(done.steps) == 12
