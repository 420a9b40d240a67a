"""Agents with flash loans against a depth curve."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.risk.liquidation.accounts import F, accounts, books, holding, pools, rule, rules
from zkcollateral.errors import InputError
from zkcollateral.risk.liquidation.close import liquidate, repay_limits
from zkcollateral.risk.liquidation.depth import (
    ConstantProductPool,
    DepthCurve,
    Level,
    OrderBook,
)
from zkcollateral.risk.liquidation.flash import (
    Agent,
    FlashLiquidation,
    best_flash_liquidation,
    flash_liquidate,
)
from zkcollateral.risk.liquidation.position import Account
from zkcollateral.risk.liquidation.rule import LiquidationRule

ACCOUNT = Account((holding("ETH", 12, 100, "0.8"),), (holding("DAI", 1000, 1),))


def book(*levels: tuple[str | int, str | int]) -> OrderBook:
    return OrderBook(tuple(Level(F(price), F(amount)) for price, amount in levels))


def best(
    market: DepthCurve,
    agent: Agent | None = None,
    how: LiquidationRule | None = None,
) -> FlashLiquidation | None:
    return best_flash_liquidation(
        ACCOUNT, how or rule(penalty="0.1"), agent or Agent("a"), "DAI", "ETH", market
    )


def test_a_deep_market_is_used_up_to_the_close_factor() -> None:
    # 500 repaid for 5.5 ETH, sold at 98: 539 − 500 · 1.0005 − 3.
    found = best(book((98, 100)), Agent("a", F("0.0005"), F(3)))
    assert found is not None
    assert (found.liquidation.repaid, found.sale.amount) == (500, F("5.5"))
    assert (found.sale.proceeds, found.flash_fee, found.gas_cost) == (539, F("0.25"), 3)
    assert found.profit == F("35.75")
    assert found.sale.market == book((98, "94.5"))


def test_a_book_is_sold_into_as_long_as_it_pays() -> None:
    # One ETH costs 100 / 1.1 = 90.91: levels at 98 and 91 pay, the one at 90 does not.
    found = best(book((98, 2), (91, 1), (90, 50)))
    assert found is not None
    assert found.sale.amount == 3
    assert found.liquidation.repaid == F(300) / F("1.1")
    assert found.profit == 2 * 98 + 91 - F(300) / F("1.1")
    assert found.sale.price_impact == 1 - F(287) / 3 / 98


def test_the_flash_fee_moves_the_turning_point() -> None:
    # With 1% of fee an ETH costs 91.82: the level at 91 does not pay any more.
    found = best(book((98, 2), (91, 1), (90, 50)), Agent("a", F("0.01")))
    assert found is not None
    assert found.sale.amount == 2


def test_the_protocols_share_lowers_what_is_received() -> None:
    found = best(book((98, 100)), how=rule(penalty="0.1", protocol_share="0.5"))
    assert found is not None
    assert found.liquidation.seized == F("5.5")
    assert found.sale.amount == F("5.25")
    assert found.profit == F("5.25") * 98 - 500


def test_the_turning_point_of_a_pool() -> None:
    # Without bonus and fee, against an oracle price of 64, a pool of 100 × 10,000 pays more than 64
    # for 25 ETH: 2,000 proceeds, 1,600 repaid.
    account = Account((holding("ETH", 100, 64, "0.5"),), (holding("DAI", 4000, 1),))
    pool = ConstantProductPool(F(100), F(10_000), F(0))
    found = best_flash_liquidation(account, rule("1", "0"), Agent("a"), "DAI", "ETH", pool)
    assert found is not None
    assert (found.liquidation.repaid, found.sale.amount) == (1600, 25)
    assert (found.sale.proceeds, found.profit) == (2000, 400)


def test_the_end_that_leaves_nothing_is_weighed_too() -> None:
    # All or nothing of 1,000 for 11 ETH: 5 at 98 and 6 at 90 are 1,030.
    dust = rule("0.5", "0.1", minimum="1000")
    found = best(book((98, 5), (90, 6)), how=dust)
    assert found is not None
    assert (found.liquidation.repaid, found.profit) == (1000, 30)
    assert best(book((98, 5), (90, "5.9")), how=dust) is None
    assert best(book((98, 2), (88, 9)), how=dust) is None


@pytest.mark.parametrize(
    ("agent", "acts"),
    [
        (Agent("a", gas_cost=F("38.99")), True),
        (Agent("a", gas_cost=F(39)), False),
        (Agent("a", minimum_profit=F(39)), True),
        (Agent("a", minimum_profit=F("39.01")), False),
        (Agent("a", flash_fee=F("0.078")), False),
    ],
)
def test_nobody_acts_without_a_profit(agent: Agent, acts: bool) -> None:
    # 500 repaid for 5.5 ETH at 98 leaves 39.
    found = best(book((98, 100)), agent)
    assert (found is not None) is acts


def test_a_market_without_bids_finds_nobody() -> None:
    assert best(OrderBook(())) is None


def test_agents_act_in_turn_and_use_up_the_depth() -> None:
    # First: 5.5 of 6 ETH at 98. The second finds 0.5 at 98, and then 92: an ETH costs it 90.91.
    account = Account((holding("ETH", 12, 100, "0.7"),), (holding("DAI", 1000, 1),))
    done = flash_liquidate(
        account,
        rule(penalty="0.1"),
        [Agent("first"), Agent("second", gas_cost=F(1))],
        {"ETH": book((98, 6), (92, 10))},
    )
    first, second = done.actions
    assert (first.agent, first.profit) == ("first", 39)
    assert (second.agent, second.liquidation.repaid, second.sale.amount) == (
        "second",
        250,
        F("2.75"),
    )
    assert second.profit == F("0.5") * 98 + F("2.25") * 92 - 250 - 1
    assert done.profits == {"first": first.profit, "second": second.profit}
    assert done.markets == {"ETH": book((92, "7.75"))}
    assert done.account.health == F("262.5") / 250
    assert done.outcome == "healthy"


def test_agents_stop_after_as_many_rounds_as_allowed() -> None:
    account = Account((holding("ETH", 12, 100, "0.7"),), (holding("DAI", 1000, 1),))
    markets: dict[str, DepthCurve] = {"ETH": book((98, 100))}
    agents_once = flash_liquidate(account, rule("0.1", "0.1"), [Agent("a")], markets, max_rounds=1)
    assert (agents_once.outcome, len(agents_once.actions)) == ("round limit", 1)
    twice = flash_liquidate(account, rule("0.1", "0.1"), [Agent("a")], markets, max_rounds=2)
    assert (twice.outcome, len(twice.actions)) == ("round limit", 2)


def test_an_unprofitable_account_is_left_with_its_bad_debt() -> None:
    underwater = Account((holding("ETH", 9, 100, "0.8"),), (holding("DAI", 1000, 1),))
    done = flash_liquidate(underwater, rule(), [Agent("a")], {"ETH": book((90, 100))})
    assert (done.actions, done.account, done.outcome) == ((), underwater, "unprofitable")
    assert done.bad_debt == 100
    assert done.profits == {"a": 0}


def test_a_collateral_without_market_is_not_sold() -> None:
    both = Account(
        (holding("BTC", 12, 100, "0.8"), holding("ETH", 1, 100, "0.8")), (holding("DAI", 1200, 1),)
    )
    done = flash_liquidate(both, rule("1", "0.1"), [Agent("a")], {"ETH": book((100, 100))})
    assert [action.liquidation.collateral for action in done.actions] == ["ETH"]
    assert done.outcome == "unprofitable"
    assert done.account.collateral_of("BTC").amount == 12


def test_the_most_profitable_pair_is_taken_and_the_first_of_equals() -> None:
    account = Account(
        (holding("BTC", 6, 100, "0.8"), holding("ETH", 6, 100, "0.8")),
        (holding("DAI", 500, 1), holding("USDC", 500, 1)),
    )
    better = flash_liquidate(
        account,
        rule(penalty="0.1"),
        [Agent("a")],
        {"BTC": book((97, 50)), "ETH": book((98, 50))},
        max_rounds=1,
    )
    (action,) = better.actions
    assert (action.liquidation.debt, action.liquidation.collateral) == ("DAI", "ETH")
    equal = flash_liquidate(
        account,
        rule(penalty="0.1"),
        [Agent("a")],
        {"ETH": book((98, 50)), "BTC": book((98, 50))},
        max_rounds=1,
    )
    assert equal.actions[0].liquidation.collateral == "BTC"


def test_a_healthy_account_is_left_alone() -> None:
    healthy = Account((holding("ETH", 20, 100, "0.8"),), (holding("DAI", 1000, 1),))
    done = flash_liquidate(healthy, rule(), [Agent("a")], {"ETH": book((100, 100))})
    assert (done.actions, done.outcome) == ((), "healthy")


def test_an_account_out_of_collateral_is_exhausted() -> None:
    account = Account((holding("ETH", 10, 100, "0.8"),), (holding("DAI", 1000, 1),))
    done = flash_liquidate(account, rule("1", "0.1"), [Agent("a")], {"ETH": book((100, 100))})
    assert done.outcome == "exhausted"
    assert done.bad_debt == 1000 - F(1000) / F("1.1")


@pytest.mark.parametrize(
    ("call", "where"),
    [
        (lambda: Agent("a", F(-1)), "agent a.flash_fee"),
        (lambda: Agent("a", gas_cost=F(-1)), "agent a.gas_cost"),
        (lambda: Agent("a", minimum_profit=1.0), "agent a.minimum_profit"),  # type: ignore[arg-type]
        (lambda: Agent("two words"), "agent's name"),
        (lambda: flash_liquidate(ACCOUNT, rule(), [Agent("a"), Agent("a")], {}), r"agents\[1\]"),
        (lambda: flash_liquidate(ACCOUNT, rule(), ["a"], {}), r"agents\[0\]"),  # type: ignore[list-item]
        (lambda: flash_liquidate(ACCOUNT, rule(), [], {}, 0), "max_rounds"),
        (
            lambda: flash_liquidate(ACCOUNT, rule(), [Agent("a")], {"ETH": 3}),  # type: ignore[dict-item]
            "market of ETH",
        ),
        (lambda: best(3), "market of ETH"),  # type: ignore[arg-type]
    ],
)
def test_what_is_refused(call: Any, where: str) -> None:
    with pytest.raises(InputError, match=where):
        call()


agents = st.builds(
    Agent,
    st.just("agent"),
    st.integers(0, 20).map(lambda n: Fraction(n, 1000)),
    st.integers(0, 30).map(Fraction),
    st.integers(0, 30).map(Fraction),
)
markets = st.dictionaries(st.sampled_from(["BTC", "ETH", "SOL"]), st.one_of(books, pools))


@given(accounts, rules, st.lists(agents, max_size=3), markets)
def test_no_agent_loses_and_money_is_conserved(
    account: Account, how: LiquidationRule, some: list[Agent], depth: dict[str, DepthCurve]
) -> None:
    competing = [
        Agent(f"agent-{number}", agent.flash_fee, agent.gas_cost, agent.minimum_profit)
        for number, agent in enumerate(some)
    ]
    done = flash_liquidate(account, how, competing, depth, max_rounds=3)
    by_name = {agent.name: agent for agent in competing}
    now, left = account, dict(depth)
    earned = {agent.name: Fraction(0) for agent in competing}
    for action in done.actions:
        agent, step = by_name[action.agent], action.liquidation
        assert now.is_liquidatable
        assert step.before == now
        assert action.profit > 0
        assert action.profit >= agent.minimum_profit
        spent = step.repaid_value + action.flash_fee + action.gas_cost
        assert action.sale.proceeds == spent + action.profit
        assert action.flash_fee == step.repaid_value * agent.flash_fee
        assert action.gas_cost == agent.gas_cost
        # What is sold is what was received, on the market as the one before left it.
        market = left[step.collateral]
        assert action.sale.amount == step.to_liquidator
        assert market.capacity is None or action.sale.amount <= market.capacity
        assert action.sale.proceeds == market.proceeds(action.sale.amount)
        assert action.sale.market == market.after(action.sale.amount)
        left[step.collateral] = action.sale.market
        earned[action.agent] += action.profit
        now = step.account
    assert (done.account, done.markets, done.profits) == (now, left, earned)
    assert done.bad_debt == now.shortfall
    assert (done.outcome == "healthy") is (not now.is_liquidatable)
    if done.outcome == "unprofitable":
        for agent in competing:
            for debt in now.debt:
                for held in now.collateral:
                    if debt.amount and held.amount and held.symbol in left:
                        assert (
                            best_flash_liquidation(
                                now, how, agent, debt.symbol, held.symbol, left[held.symbol]
                            )
                            is None
                        )


@given(accounts, rules, agents, st.one_of(books, pools), st.data())
def test_no_other_repay_earns_more(
    account: Account, how: LiquidationRule, agent: Agent, market: DepthCurve, data: st.DataObject
) -> None:
    if not account.is_liquidatable:
        return
    debt = data.draw(st.sampled_from(account.debt))
    collateral = data.draw(st.sampled_from(account.collateral)).symbol
    limits = repay_limits(account, how, debt.symbol, collateral)
    found = best_flash_liquidation(account, how, agent, debt.symbol, collateral, market)
    tried = [limits.partial * Fraction(n, 24) for n in range(1, 25)] + [limits.largest]
    for repay in tried:
        if not limits.allows(repay):
            continue
        step = liquidate(account, how, debt.symbol, collateral, repay)
        if market.capacity is not None and step.to_liquidator > market.capacity:
            continue
        profit = (
            market.proceeds(step.to_liquidator)
            - step.repaid_value * (1 + agent.flash_fee)
            - agent.gas_cost
        )
        # Sales into a pool are weighed in its units: between two of them lies at most so much.
        best_price = market.best_price or Fraction(0)
        slack = Fraction(0)
        if isinstance(market, ConstantProductPool):
            slack = market.unit * best_price + market.quote_unit
        if found is None:
            assert profit <= max(Fraction(0), slack) or profit < agent.minimum_profit + slack
        else:
            assert profit <= found.profit + slack
