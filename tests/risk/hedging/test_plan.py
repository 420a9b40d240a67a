"""Plans against the exact greedy deleveraging, against conditions of optimality, and by hand."""

from __future__ import annotations

from fractions import Fraction
from math import isclose, isnan
from random import Random
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog, nnls

from tests.circuits.rules import Market
from tests.circuits.test_compiler import simple
from tests.risk.hedging.test_deleverage import FACTORS, LIQUID, account_of, ranges
from zkcollateral.errors import InputError
from zkcollateral.risk.claims import Liquid
from zkcollateral.risk.hedging.deleverage import deleverage
from zkcollateral.risk.hedging.plan import _Program, plan
from zkcollateral.risk.hedging.trades import whole_trades
from zkcollateral.risk.valuation import Account


def account(amounts: list[int], unit: str = "-6", **claim: Any) -> tuple[Account, Liquid]:
    """Two assets held and one owed at price 1, in whole assets."""
    registry, policy, prices = simple(
        sides="collateral collateral debt", claim=LIQUID | claim, factors=FACTORS, unit=unit
    )
    units = [amount * 10 ** -int(unit) for amount in amounts]
    return account_of(Market(registry, policy, prices, [[*units, 0, 0, 0, 0, 0]]))


def check_possible(before: Account, claim: Liquid, found: Any) -> None:
    """Exactly: within the limits, paid for, and what the account is worth after it."""
    amounts = list(before.amounts)
    for trade in found.trades:
        terms: Any = claim.repayments if trade.bought else claim.sales
        assert 0 < trade.units <= abs(amounts[trade.asset.slot])
        assert trade.amount <= terms[trade.asset.symbol].limit
        amounts[trade.asset.slot] -= trade.units
    if all(trade.asset.side != "signed" for trade in found.trades):
        assert list(found.account.amounts) == amounts
    assert found.left >= 0
    assert found.after == found.account.above(claim.ratio, {})


def test_the_cheapest_way_is_not_the_one_that_moves_least() -> None:
    """A1 loses less per money than A0, but selling it costs ten times as much."""
    costs = {"A0": {"limit": "100000", "cost": "0.001"}, "A1": {"limit": "100000", "cost": "0.01"}}
    repay = {"A2": {"limit": "5000", "cost": "0"}}
    amounts = [9000, 11_500, 10_000]
    before, claim = account(amounts, sales=costs, repayments=repay)
    cheapest, least = plan(before, claim), plan(before, claim, goal="sold")
    for found in (cheapest, least):
        check_possible(before, claim, found)
        assert found.reached
        assert found.after < Fraction(1, 10**5)
    assert {each.asset.symbol for each in cheapest.trades} == {"A0", "A2"}
    assert {each.asset.symbol for each in least.trades} == {"A1", "A2"}
    # missing 250: r · 1.5 − s = 250 with r = 0.999 s.
    assert isclose(float(cheapest.cost), 250 / (1.5 * 0.999 - 1) * 0.001, rel_tol=1e-6)
    assert isclose(float(least.sold), 250 / (1.5 * 0.99 - 0.5), rel_tol=1e-6)
    assert cheapest.cost < least.cost
    assert cheapest.sold > least.sold


def test_shadow_prices_are_what_a_little_more_costs() -> None:
    sales = {"A0": {"limit": "100000", "cost": "0.02"}, "A1": {"limit": "100", "cost": "0.001"}}
    before, claim = account([9000, 11_500, 10_000], sales=sales)
    found = plan(before, claim)
    check_possible(before, claim, found)
    more = claim.model_copy(update={"ratio": claim.ratio + Fraction(1, 1000)})
    # A ratio of 0.001 more asks for 10 in margin, less 0.001 for each unit repaid.
    repaid = sum(float(each.amount) for each in found.trades if each.bought)
    missing = 0.001 * (10_000 - repaid)
    rise = float(plan(before, more).cost - found.cost) / missing
    assert isclose(rise, found.shadow_margin_float, rel_tol=5e-3)
    (limit,) = found.shadow_limits
    assert (limit.symbol, limit.bought) == ("A1", False)
    sales["A1"]["limit"] = "101"
    _, wide = account([9000, 11_500, 10_000], sales=sales)
    assert isclose(float(found.cost - plan(before, wide).cost), limit.saves_float, rel_tol=1e-3)


def test_where_the_ratio_is_out_of_reach_it_says_by_how_much() -> None:
    before, claim = account([9000, 10_000, 10_000])
    tight = claim.model_copy(update={"ratio": claim.ratio + 1})
    found = plan(before, tight)
    exact = deleverage(before, tight)
    check_possible(before, tight, found)
    assert not found.reached
    assert found.missing == -exact.best > 0
    assert found.trades == exact.trades
    assert 0 <= -found.after - found.missing < Fraction(1, 10**5)
    assert isnan(found.shadow_margin_float)


def test_nothing_is_missing() -> None:
    before, claim = account([15_000, 0, 10_000])
    found = plan(before, claim)
    assert (found.trades, found.cost, found.missing, found.reached) == ((), 0, 0, True)


def test_random_plans_are_possible_and_no_dearer_than_the_greedy_one() -> None:
    reached = 0
    for seed, market in ranges(60):
        before, claim = account_of(market)
        greedy = deleverage(before, claim)
        found = plan(before, claim)
        check_possible(before, claim, found)
        assert (found.missing > 0) == (greedy.best < 0), seed
        if found.trades and found.reached and greedy.after >= 0:
            reached += 1
            unit = sum(float(each.value / each.units) for each in (*found.trades, *greedy.trades))
            assert float(found.cost) <= float(greedy.cost) + unit, seed
    assert reached >= 1


def test_repayments_that_ask_for_more_than_the_sales_bring_are_cut() -> None:
    before, claim = account([9000, 11_500, 10_000], unit="-2")
    sold, _, owed = (before.registry.by_slot[slot] for slot in (0, 1, 2))
    assert sold is not None
    assert owed is not None
    # 1000 at 0.9 bring 900, for 720 at 1.25; half a unit too much is a unit too much.
    for asked, expected in ((72_000, 72_000), (72_001, 72_000), (80_000, 72_000), (10, 10)):
        sale, repayment = whole_trades(
            before, claim, {sold: Fraction(100_000)}, {owed: Fraction(asked)}
        )
        assert (sale.units, repayment.units) == (100_000, expected)
        assert repayment.money <= sale.money


IMPACT = {"A0": Fraction(1, 50_000), "A1": Fraction(1, 10_000), "A2": Fraction(1, 200_000)}


def cheap(seed: int) -> tuple[Account, Liquid]:
    random = Random(seed)
    cost = {"limit": "100000", "cost": "0.001"}
    debt = 10_000
    held = random.randint(8000, 9500), random.randint(4000, 11_000)
    return account([*held, debt], sales={"A0": cost, "A1": cost}, repayments={"A2": cost})


def feasible(seeds: range) -> list[int]:
    found = []
    for seed in seeds:
        before, claim = cheap(seed)
        if before.above(claim.ratio, {}) < 0 and not plan(before, claim, impact=IMPACT).missing:
            found.append(seed)
    return found


def test_enough_of_the_quadratic_plans_are_possible() -> None:
    assert len(feasible(range(40))) > 8


@pytest.mark.parametrize("seed", feasible(range(40)))
def test_quadratic_plans_meet_the_conditions_of_optimality(seed: int) -> None:
    """Karush-Kuhn-Tucker: feasible, and the gradient of the cost is a combination of those of the
    constraints in force, with multipliers of at least 0.
    """
    before, claim = cheap(seed)
    program = _Program(before, claim, dict(IMPACT), "cost")
    needed = -before.above(claim.ratio, {})
    assert needed > 0
    shares = program.least(needed)
    quadratic = program.impacts + program.impacts.T
    gain = program.counts @ shares - float(needed) / program.scale
    money = program.money @ shares - shares @ program.impacts @ shares
    assert gain > -1e-9
    assert money > -1e-9
    cost = program.costs + quadratic @ shares
    columns = []
    if gain < 1e-7:
        columns.append(program.counts)
    if money < 1e-7:
        columns.append(program.money - quadratic @ shares)
    for index, share in enumerate(shares):
        unit = np.zeros(len(shares))
        unit[index] = 1.0
        columns += [unit] if share < 1e-7 else []
        columns += [-unit] if share > 1 - 1e-7 else []
    _, residual = nnls(np.array(columns).T, cost)
    assert residual < 1e-5 * np.linalg.norm(cost)


def test_quadratic_plans_agree_with_a_linear_program_of_many_slices() -> None:
    """Each trade in 400 slices, each of which costs a little more than the one before."""
    before, claim = cheap(3)
    found = plan(before, claim, impact=IMPACT)
    check_possible(before, claim, found)
    assert found.reached
    assert found.missing == 0
    slices = 400
    cost, gain, money, bounds = [], [], [], []
    for symbol, weight, sign in (("A0", 1.0, -1), ("A1", 0.5, -1), ("A2", 1.5, 1)):
        slot = {"A0": 0, "A1": 1, "A2": 2}[symbol]
        width = before.amounts[slot] / 10**6 / slices
        for index in range(slices):
            each = 0.001 + float(IMPACT[symbol]) * width * (2 * index + 1)
            cost.append(each)
            gain.append(sign * weight)
            money.append(-1 - each if sign > 0 else 1 - each)
            bounds.append((0.0, width))
    missing = -float(before.above(claim.ratio, {}))
    rows = -np.array([gain, money])
    oracle = linprog(cost, A_ub=rows, b_ub=[-missing, 0.0], bounds=bounds, method="highs")
    assert oracle.status == 0
    assert isclose(float(found.cost), oracle.fun, rel_tol=1e-4)


def test_impact_makes_it_dearer_and_can_put_it_out_of_reach() -> None:
    before, claim = cheap(3)
    plain, moved = plan(before, claim), plan(before, claim, impact=IMPACT)
    assert moved.cost > plain.cost
    assert {each.asset.symbol for each in moved.trades} == {"A0", "A1", "A2"}
    heavy = {symbol: value * 20 for symbol, value in IMPACT.items()}
    found = plan(before, claim, impact=heavy)
    check_possible(before, claim, found)
    assert not found.reached
    assert found.missing > 0
    assert abs(float(-found.after) - float(found.missing)) < 1e-3


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"goal": "fame"}, "goal"),
        ({"impact": {"A7": Fraction(1)}}, "impact"),
        ({"impact": {"A0": Fraction(-1)}}, "impact of A0"),
        ({"impact": {"A0": 0.1}}, "impact of A0"),
        ({"goal": "sold", "impact": IMPACT}, "goal"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], where: str) -> None:
    before, claim = cheap(3)
    with pytest.raises(InputError, match=where):
        plan(before, claim, **changes)
