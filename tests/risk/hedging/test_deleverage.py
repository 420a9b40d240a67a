"""The exact deleveraging against a linear program of scipy, and by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import floor, inf
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

from tests.circuits.rules import CLAIM, Market
from tests.circuits.test_compiler import simple
from tests.circuits.test_deleveraging import around, at_ratio, markets
from zkcollateral.risk.claims import Liquid
from zkcollateral.risk.health import evaluate
from zkcollateral.risk.hedging.deleverage import best_margin, deleverage
from zkcollateral.risk.pricing import price
from zkcollateral.risk.valuation import Account, held, owed


def account_of(market: Market) -> tuple[Account, Liquid]:
    claim = market.policy.claims[CLAIM]
    assert isinstance(claim, Liquid)
    pricing = price(market.policy, market.prices)
    category = market.policy.category_of(claim)
    return (
        Account(market.policy, market.registry, pricing, market.accounts[0], category),
        claim,
    )


def by_linear_program(account: Account, claim: Liquid) -> float:
    """The largest margin by HiGHS, over what is left in each tier and what is traded.

    All in what one smallest unit is worth; of what is not traded the margin is as it stands.
    """
    objective: list[float] = []
    bounds: list[tuple[float, float]] = []
    equal: list[tuple[dict[int, float], float]] = []
    money: dict[int, float] = {}
    fixed = float(account.above(claim.ratio, {}))
    for asset in account.registry.assets:
        for bought, terms in ((False, claim.sales), (True, claim.repayments)):
            own: Any = terms.get(asset.symbol)
            if own is None or asset.side not in ("debt" if bought else "collateral", "signed"):
                continue
            if (asset.symbol, asset.side) not in set(account.policy.factors.pairs()):
                continue
            amount = max((owed if bought else held)(asset, account.amounts[asset.slot]), 0)
            slices = account.slices(asset, claim.ratio, owed=bought)
            ends = [start for start, _ in slices[1:]] + [inf]
            sign = -1.0 if bought else 1.0
            trade = len(objective)
            objective.append(0.0)
            bounds.append((0.0, min(amount, floor(own.limit / asset.smallest_unit))))
            terms_of = {trade: 1.0}
            for (start, weight), end in zip(slices, ends, strict=True):
                fixed -= sign * float(weight) * max(min(amount, end) - start, 0)
                terms_of[len(objective)] = 1.0
                objective.append(sign * float(weight))
                bounds.append((0.0, end - start))
            equal.append((terms_of, float(amount)))
            each = float(account.traded(asset, own.cost, bought=bought))
            money[trade] = each if bought else -each
    if not objective:
        return fixed
    rows = np.zeros((len(equal), len(objective)))
    for row, (terms_of, _) in enumerate(equal):
        rows[row, list(terms_of)] = list(terms_of.values())
    budget = np.zeros((1, len(objective)))
    budget[0, list(money)] = list(money.values())
    found = linprog(
        -np.array(objective),
        A_ub=budget,
        b_ub=[0.0],
        A_eq=rows,
        b_eq=[right for _, right in equal],
        bounds=bounds,
        method="highs",
    )
    assert found.status == 0
    return fixed - float(found.fun)


def ranges(accounts: int) -> list[tuple[int, Market]]:
    found = []
    for seed, _, market in markets(range(50_000, 50_000 + accounts)):
        if (
            all(
                amount >= 0 or asset.side == "signed"
                for asset in market.registry.assets
                for amount in [market.accounts[0][asset.slot]]
            )
            and max(map(abs, market.accounts[0])) < 10**9
        ):
            found.append((seed, market))
            for each in around(market):
                ratio = account_of(each)[1].ratio
                found += [(seed, each), (seed, at_ratio(each, floor(ratio * 97)))]
    return found


def test_no_linear_program_reaches_more_nor_less() -> None:
    gains = 0
    for seed, market in ranges(300):
        account, claim = account_of(market)
        exact = best_margin(account, claim)
        before = account.above(claim.ratio, {})
        gains += exact > before
        scale = 1 + sum(abs(float(total)) for total in account.market_values())
        assert abs(by_linear_program(account, claim) - float(exact)) < 1e-7 * scale, seed
        (margin, *_) = evaluate(
            claim, market.policy, market.registry, market.prices, account.amounts
        ).margins
        assert margin.value == exact
    assert gains > 100


def test_whole_trades_are_allowed_paid_for_and_reach_what_they_say() -> None:
    reached = short = 0
    for seed, market in ranges(300):
        account, claim = account_of(market)
        found = deleverage(account, claim)
        assert found.before == account.above(claim.ratio, {})
        if found.before >= 0:
            assert found.trades == ()
            continue
        assert found.spent <= found.proceeds
        assert found.cost >= 0
        amounts = list(account.amounts)
        weights = [Fraction(0), Fraction(0)]
        for trade in found.trades:
            asset = trade.asset
            terms: Any = claim.repayments if trade.bought else claim.sales
            has = (owed if trade.bought else held)(asset, amounts[asset.slot])
            assert 0 < trade.units <= has
            assert trade.amount <= terms[asset.symbol].limit
            sign = 1 if trade.bought and asset.side == "signed" else -1
            amounts[asset.slot] += sign * trade.units
            each = account.traded(asset, terms[asset.symbol].cost, bought=trade.bought)
            assert trade.money == each * trade.units
        assert list(found.account.amounts) == amounts
        assert found.after == replace(account, amounts=amounts).above(claim.ratio, {})
        for asset in market.registry.assets:
            for bought in (False, True):
                terms = claim.repayments if bought else claim.sales
                if asset.symbol in terms and asset.side in (
                    "debt" if bought else "collateral",
                    "signed",
                ):
                    units = account.slices(asset, claim.ratio, owed=bought)
                    weights[bought] = max(weights[bought], *(weight for _, weight in units))
        dust = sum(weights)
        assert found.after <= found.best
        if found.best >= dust:
            reached += 1
            assert found.after >= 0, seed
        else:
            short += 1
            assert found.after >= found.best - dust, seed
    assert reached > 10
    assert short > 100


LIQUID = {
    "type": "liquid",
    "ratio": "1.5",
    "sales": {"A0": {"limit": "100000", "cost": "0.1"}, "A1": {"limit": "100000", "cost": "0.1"}},
    "repayments": {"A2": {"limit": "4000", "cost": "0.25"}},
}


def priced(amounts: list[int], **policy: Any) -> tuple[Account, Liquid]:
    registry, found, prices = simple(sides="collateral collateral debt", claim=LIQUID, **policy)
    market = Market(registry, found, prices, [[*amounts, 0, 0, 0, 0, 0]])
    return account_of(market)


FACTORS = {"collateral": {"A0": "1", "A1": "0.5"}, "debt": {"A2": "1"}, "signed": {}}


def test_what_loses_least_is_sold_first_and_no_more_than_is_needed() -> None:
    """Of A1 a unit loses 0.5 for 0.9: repaying helps by 1.5 − 1.25 · 0.5 / 0.9 = 0.80555.. each."""
    account, claim = priced([10_000, 8_000, 10_000], factors=FACTORS)
    found = deleverage(account, claim)
    assert found.before == -1000
    assert [(trade.asset.symbol, trade.bought) for trade in found.trades] == [
        ("A1", False),
        ("A2", True),
    ]
    sold, repaid = found.trades
    # 1000 / 0.80555.. = 1241.4 units, and some for the dust.
    assert 1242 <= repaid.units <= 1245
    assert 0 <= found.after <= 3
    assert sold.money == Fraction(9, 10) * sold.units
    assert found.cost == sold.units * Fraction(1, 10) + repaid.units * Fraction(1, 4)


def test_the_dearer_asset_follows_when_the_cheap_one_is_gone() -> None:
    account, claim = priced([12_000, 100, 10_000], factors=FACTORS)
    found = deleverage(account, claim)
    # 100 of A1 bring 90; the other 4910 of 5000 come from A0.
    units = {trade.asset.symbol: trade.units for trade in found.trades}
    assert units == {"A1": 100, "A0": 5456, "A2": 4000}
    assert found.best == Fraction(-2950) + 6000 - 50 - Fraction(4910 * 10, 9)
    assert found.after == -2950 + 6000 - 50 - 5456


def test_the_least_valuable_tier_is_sold_first() -> None:
    tiers = [{"above": "0", "factor": "1"}, {"above": "9000", "factor": "0.5"}]
    factors = {
        "collateral": {"A0": {"type": "tiered", "by": "amount", "tiers": tiers}, "A1": "1"},
        "debt": {"A2": "1"},
        "signed": {},
    }
    account, claim = priced([10_000, 0, 6500], factors=factors)
    found = deleverage(account, claim)
    assert found.before == 9500 - 9750
    (sold, _) = found.trades
    assert sold.units < 1000
    assert found.best == -250 + 1000 * (Fraction(9, 10) / Fraction(5, 4) * Fraction(3, 2)) - 500 + (
        3280 * (Fraction(3, 2) - Fraction(25, 18))
    )


def test_nothing_to_trade_and_nothing_to_gain() -> None:
    account, claim = priced([10_000, 0, 10_000], factors=FACTORS)
    nothing = claim.model_copy(update={"sales": {}, "repayments": {}})
    assert best_margin(account, nothing) == -5000
    assert deleverage(account, nothing).trades == ()
    account, claim = priced([15_000, 0, 10_000], factors=FACTORS)
    assert deleverage(account, claim).trades == ()
    account, claim = priced([0, 0, 10_000], factors=FACTORS)
    assert deleverage(account, claim).after == best_margin(account, claim) == -15_000


def test_what_it_says_is_hidden() -> None:
    account, claim = priced([12_000, 100, 10_000], factors=FACTORS)
    found = deleverage(account, claim)
    assert repr(found) == "Deleveraging(hidden)"
    assert {repr(trade) for trade in found.trades} == {"Trade(hidden)"}


@pytest.mark.parametrize("decimals", ["0", "1", "3"])
def test_rounding_is_against_the_holder(decimals: str) -> None:
    account, claim = priced([10_000, 8_000, 10_000], factors=FACTORS)
    rounded, _ = priced([10_000, 8_000, 10_000], factors=FACTORS, value_decimals=decimals)
    assert best_margin(rounded, claim) <= best_margin(account, claim)
