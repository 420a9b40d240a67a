"""Acting ahead: the least ratio that keeps a breach unlikely."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from tests.risk.accounts import world
from zkcollateral.errors import DocumentError, InputError
from zkcollateral.risk.breach.market import Timing
from zkcollateral.risk.claims import Liquid
from zkcollateral.risk.hedging.ahead import act_ahead, one_price
from zkcollateral.risk.hedging.plan import plan
from zkcollateral.risk.hedging.terms import deleveraging_terms, with_ratio
from zkcollateral.risk.threshold import maintenance_threshold
from zkcollateral.risk.valuation import Account, account_of

WEEK = Timing(7 * 86_400)


def setting(debt: str = "60000", **sales: Any) -> tuple[Account, Liquid]:
    portfolio, policy, registry, prices = world(
        {"collateral": {"BTC": "0.8"}, "debt": {"USD": "1"}},
        {"BTC": "60000", "USD": "1"},
        {"collateral": {"BTC": "2"}, "debt": {"USD": debt}},
        ratio="1.25",
    )
    claim = deleveraging_terms(
        policy,
        policy.ratio,
        sales or {"BTC": (2, Fraction(1, 500))},
        {"USD": (1_000_000, 0)},
    )
    return account_of(portfolio, policy, registry, prices, None), claim


def test_the_least_ratio_within_the_bound() -> None:
    account, claim = setting()
    probability = one_price(maintenance_threshold, ["BTC"], 0.6, WEEK)
    found = act_ahead(account, claim, probability, 0.0005)
    assert found.before_float == probability(account) > 0.0005
    assert found.after_float == probability(found.plan.account) <= 0.0005
    assert found.reached
    assert found.plan.reached
    assert found.ratio > claim.ratio
    less = plan(account, with_ratio(claim, found.ratio - Fraction(1, 2000)))
    assert probability(less.account) > 0.0005
    assert less.cost < found.plan.cost


def test_an_account_that_is_safe_enough_is_left_alone() -> None:
    account, claim = setting(debt="20000")
    found = act_ahead(account, claim, one_price(maintenance_threshold, ["BTC"], 0.6, WEEK), 0.01)
    assert found.plan.trades == ()
    assert found.before_float == found.after_float <= 0.01
    assert found.ratio == claim.ratio


def test_where_the_limits_do_not_allow_it_the_farthest_is_given() -> None:
    account, claim = setting(BTC=(Fraction(1, 10), Fraction(1, 500)))
    found = act_ahead(account, claim, one_price(maintenance_threshold, ["BTC"], 0.6, WEEK), 1e-6)
    assert not found.reached
    assert found.after_float < found.before_float
    (sold, _) = found.plan.trades
    assert sold.amount >= Fraction(999, 10_000)


def test_an_account_that_fails_already_is_certain_to() -> None:
    account, claim = setting(debt="80000")
    probability = one_price(maintenance_threshold, ["BTC"], 0.6, WEEK)
    assert probability(account) == 1
    found = act_ahead(account, claim, probability, 0.05)
    assert found.before_float == 1
    assert found.reached
    assert found.plan.before < 0 <= found.plan.after


@pytest.mark.parametrize("bound", [-0.1, 1.1, float("nan"), "0.1", True])
def test_bounds_that_are_none(bound: Any) -> None:
    account, claim = setting()
    with pytest.raises(InputError, match="bound"):
        act_ahead(account, claim, lambda _: 0.5, bound)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
def test_probabilities_that_are_none(value: float) -> None:
    account, claim = setting()
    with pytest.raises(InputError, match="probability"):
        act_ahead(account, claim, lambda _: value, 0.1)


def test_terms_are_checked_like_a_claim() -> None:
    account, claim = setting()
    policy = account.policy
    assert deleveraging_terms(policy, 2, {}, {}).ratio == 2
    with pytest.raises(DocumentError, match=r"sales\.SOL"):
        deleveraging_terms(policy, 2, {"SOL": (1, 0)}, {})
    with pytest.raises(DocumentError, match="cost"):
        deleveraging_terms(policy, 2, {"BTC": (1, 1)}, {})
    with pytest.raises(InputError, match="ratio"):
        deleveraging_terms(policy, Fraction(1, 3), {}, {})
    with pytest.raises(InputError, match="highest"):
        act_ahead(account, claim, lambda _: 0.5, 0.1, highest=Fraction(1))
