"""The cascade against the exact engine, account by account, and its ledger."""

from __future__ import annotations

from dataclasses import fields, replace
from fractions import Fraction
from math import inf
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.risk.system.cascade_reference import Reference
from tests.risk.system.systems import DEEP, TERMS, accounts, random_path, random_system, terms
from zkcollateral.errors import InputError
from zkcollateral.risk.liquidation.position import Account, Holding
from zkcollateral.risk.liquidation.rule import LiquidationRule
from zkcollateral.risk.liquidation.sequence import liquidate_account
from zkcollateral.risk.system.cascade import System
from zkcollateral.risk.system.ledger import TOLERANCE, ConservationError, Ledger
from zkcollateral.risk.system.market import Depth, Liquidators, OracleRule, Setting
from zkcollateral.risk.system.run import run_cascade, shock_path

SEEDS = st.integers(0, 2**32)


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_it_is_the_exact_engine_account_by_account(seed: int) -> None:
    found, setting = random_system(seed)
    system, exact = System(found, setting), Reference(found, setting)
    profit, written_off = 0.0, np.zeros(3)
    for prices in random_path(seed, 8):
        step = system.step(prices)
        assert sorted(step.liquidated.tolist()) == sorted(exact.step(prices))
        profit += step.ledger.profit
        written_off += step.ledger.written_off
        for place in range(3):
            for ours, theirs in ((system.held, exact.held), (system.owed, exact.owed)):
                expected = [float(row[place]) for row in theirs]
                np.testing.assert_allclose(ours[place], expected, rtol=1e-9, atol=1e-9)
        outstanding = [float(value) for value in exact.outstanding]
        np.testing.assert_allclose(system.outstanding, outstanding, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(step.oracle, [float(p) for p in exact.oracle], rtol=1e-12)
    assert profit == pytest.approx(float(exact.profit), rel=1e-9, abs=1e-6)
    np.testing.assert_allclose(written_off, [float(x) for x in exact.written_off], atol=1e-6)


def test_those_systems_do_something() -> None:
    """The property above would hold of systems in which nothing happens."""
    liquidations = written_off = reverted = partial = 0
    for seed in range(120):
        found, setting = random_system(seed)
        system = System(found, setting)
        for prices in random_path(seed, 8):
            step = system.step(prices)
            liquidations += len(step.liquidated)
            reverted += step.tried - len(step.liquidated)
            written_off += int(np.any(step.ledger.written_off > 0))
            partial += int(0 < len(step.liquidated) < step.liquidatable)
    assert liquidations > 300
    assert min(written_off, reverted, partial) > 15


@settings(max_examples=80, deadline=None)
@given(SEEDS, st.integers(1, 60))
def test_every_step_conserves_everything(seed: int, count: int) -> None:
    """Checked from the states before and after, beside what the step checks by itself."""
    found, setting = random_system(seed, count)
    system = System(found, setting)
    for prices in random_path(seed, 5):
        held, owed = system.held.sum(axis=1), system.owed.sum(axis=1)
        pool = system.outstanding.copy()
        step = system.step(prices)
        book = step.ledger
        assert book.worst <= TOLERANCE
        gone = held - system.held.sum(axis=1)
        sold_and_kept = book.sold + book.to_protocol
        assert np.all(np.abs(gone - sold_and_kept) <= 1e-12 * (held + gone))
        less = owed - system.owed.sum(axis=1)
        assert np.all(np.abs(less - book.repaid - book.written_off) <= 1e-12 * (owed + 1))
        for place, symbol in enumerate(TERMS.symbols):
            depth = setting.depths.get(symbol)
            if depth is not None:
                expected = (pool[place] + (1 - depth.fee) * book.sold[place]) * depth.decay
                assert system.outstanding[place] == pytest.approx(expected, rel=1e-12)
        assert np.all(system.held >= 0)
        assert np.all(system.owed >= 0)
        # What the pools got is worth no less than what they paid, at the exogenous prices.
        assert np.all(book.pool_gain_value >= -1e-9 * book.raised_value)
        assert book.profit >= 0


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_one_account_without_impact_is_liquidated_as_by_the_exact_engine(seed: int) -> None:
    draw = np.random.default_rng(seed)
    amount, share = float(draw.uniform(0.1, 100)), float(draw.uniform(0.4, 0.8))
    fall = float(draw.uniform(0.05, 0.6))
    rule = terms(
        minimum=float(draw.choice([0.0, 500.0])),
        close_all_below=float(draw.choice([0.0, 0.95])),
        close_factor=float(draw.choice([0.25, 0.5, 1.0])),
    )
    debt = share * amount * 3_000
    setting = Setting(rule, DEEP)
    system = System(accounts(({"ETH": amount}, {"USDC": debt})), setting)
    price = 3_000 * (1 - fall)
    steps = 0
    while True:
        done = system.step(np.array([60_000.0, price, 1.0]))
        if not len(done.liquidated):
            break
        steps += 1
    exact = liquidate_account(
        Account(
            (Holding("ETH", Fraction(amount), Fraction(price), Fraction(0.8)),),
            (Holding("USDC", Fraction(debt), Fraction(1), Fraction(1.1)),),
        ),
        LiquidationRule(
            Fraction(rule.close_factor),
            Fraction(rule.penalty),
            Fraction(rule.protocol_share),
            Fraction(rule.close_all_below),
            Fraction(rule.minimum),
        ),
        max_steps=200,
    )
    assert steps == len(exact.steps)
    assert system.held[1, 0] == pytest.approx(float(exact.account.collateral[0].amount), rel=1e-9)
    if exact.outcome == "exhausted":
        # Written off: the exact engine leaves it as a shortfall.
        assert system.owed[2, 0] == 0
        assert system.held[1, 0] == 0
    else:
        assert system.owed[2, 0] == pytest.approx(float(exact.account.debt[0].amount), rel=1e-9)


def test_a_cascade_by_hand() -> None:
    """Two accounts, a pool of 200 ETH: the first sale takes the second account down.

    At 2400 the first account has 10 · 2400 · 0.8 = 19200 for 18000 · 1.1 = 19800: half of the debt
    is repaid, 9000, for 9000 · 1.08 / 2400 = 4.05 ETH, of which a tenth of the penalty, 0.03, is
    the protocol's. 4.02 ETH bring 2400 · 4.02 · 200 / 204.02 and leave the price at
    2400 / 1.0201² = 2306.36. There the second has 18450.89 for 17400 · 1.1 = 19140.
    """
    rows = (({"ETH": 10.0}, {"USDC": 18_000.0}), ({"ETH": 10.0}, {"USDC": 17_400.0}))
    setting = Setting(terms(minimum=0.0), {"BTC": Depth(inf), "ETH": Depth(200.0)})
    system = System(accounts(*rows), setting)
    prices = np.array([60_000.0, 2_400.0, 1.0])
    first = system.step(prices)
    assert first.liquidated.tolist() == [0]
    assert system.held[1].tolist() == [pytest.approx(5.95), 10.0]
    assert system.owed[2].tolist() == [9_000.0, 17_400.0]
    assert first.ledger.to_protocol[1] == pytest.approx(0.03)
    raised = 2_400 * 4.02 * 200 / 204.02
    assert first.ledger.raised_value[1] == pytest.approx(raised)
    assert first.ledger.profit == pytest.approx(raised - 9_000)
    assert first.market[1] == pytest.approx(2_400 / 1.0201**2)
    second = system.step(prices)
    assert second.oracle[1] == pytest.approx(2_400 / 1.0201**2)
    assert second.liquidated.tolist() == [1]
    # Without the first there is no second.
    alone = System(accounts(rows[1]), setting)
    assert not any(len(alone.step(prices).liquidated) for _ in range(5))


def test_a_late_oracle_delays_liquidations() -> None:
    for delay in range(4):
        setting = Setting(TERMS, DEEP, OracleRule(delay))
        system = System(accounts(({"ETH": 10.0}, {"USDC": 18_000.0})), setting)
        prices = np.array([60_000.0, 2_400.0, 1.0])
        counts = [len(system.step(prices).liquidated) for _ in range(5)]
        assert counts.index(1) == delay


def test_an_oracle_s_threshold_and_heartbeat() -> None:
    found = accounts(({"ETH": 10.0}, {"USDC": 21_750.0}))
    small = np.array([60_000.0, 2_985.0, 1.0])  # 0.5% less
    for threshold, heartbeat, step in ((0.005, None, 0), (0.0051, None, None), (0.1, 3, 2)):
        setting = Setting(TERMS, DEEP, OracleRule(0, threshold, heartbeat))
        system = System(found, setting)
        counts = [len(system.step(small).liquidated) for _ in range(5)]
        assert (counts.index(1) if 1 in counts else None) == step


def test_congestion_and_order() -> None:
    rows = [({"ETH": 10.0 + k}, {"USDC": 18_000.0 + 2_000.0 * k}) for k in range(4)]
    prices = np.array([60_000.0, 2_400.0, 1.0])
    for order, expected in (("profit", [3, 2]), ("health", [3, 2])):
        people = Liquidators(2, order)  # type: ignore[arg-type]
        done = System(accounts(*rows), Setting(TERMS, DEEP, liquidators=people)).step(prices)
        assert (done.liquidated.tolist(), done.liquidatable, done.tried) == (expected, 4, 2)
    rows[0] = ({"ETH": 1.0}, {"USDC": 1_900.0})  # small, and the unhealthiest
    for order, expected in (("profit", 3), ("health", 0)):
        people = Liquidators(1, order)  # type: ignore[arg-type]
        done = System(accounts(*rows), Setting(TERMS, DEEP, liquidators=people)).step(prices)
        assert done.liquidated.tolist() == [expected]


def test_who_comes_too_late_has_used_its_place() -> None:
    rows = [({"ETH": 100.0}, {"USDC": 180_000.0})] * 3
    setting = Setting(TERMS, {"BTC": Depth(inf), "ETH": Depth(300.0)}, liquidators=Liquidators(2))
    done = System(accounts(*rows), setting).step(np.array([60_000.0, 2_400.0, 1.0]))
    assert done.tried == 2
    assert done.liquidated.tolist() == [0]
    # It sold until the next bit would have brought less than it cost.
    assert done.market[1] == pytest.approx(2_400 / 1.072)


def test_nobody_acts_at_a_loss() -> None:
    found = accounts(({"ETH": 10.0}, {"USDC": 18_000.0}))
    prices = np.array([60_000.0, 2_400.0, 1.0])
    # 9000 · 0.072 = 648 is earned without impact.
    for gas, least, acts in ((647.0, 0.0, 1), (649.0, 0.0, 0), (0.0, 647.0, 1), (0.0, 649.0, 0)):
        people = Liquidators(gas_cost=gas, minimum_profit=least)
        done = System(found, Setting(TERMS, DEEP, liquidators=people)).step(prices)
        assert len(done.liquidated) == acts
        assert done.liquidatable == 1
    free = terms(penalty=0.0)
    assert not len(System(found, Setting(free, DEEP)).step(prices).liquidated)


def test_bad_debt_is_written_off_when_nothing_is_left() -> None:
    found = accounts(({"ETH": 10.0}, {"USDC": 18_000.0}), ({}, {"USDC": 5.0}), ({"BTC": 1.0}, {}))
    system = System(found, Setting(TERMS, DEEP))
    done = system.step(np.array([60_000.0, 1_000.0, 1.0]))
    # All of it, 10000, pays for 10000 / 1.08.
    left = 18_000 - 10_000 / 1.08
    assert done.ledger.written_off[2] == pytest.approx(left + 5)
    assert not np.any(system.owed)
    assert system.held[0].tolist() == [0, 0, 1.0]
    run = run_cascade(found, Setting(TERMS, DEEP), shock_path(TERMS, {"ETH": -2 / 3}, 3))
    assert run.written_off.tolist() == [pytest.approx(left + 5), 0, 0]
    assert run.bad_debt == pytest.approx(left + 5)


def test_a_shortfall_that_nobody_liquidates_is_bad_debt_at_the_end() -> None:
    found = accounts(({"ETH": 1.0}, {"USDC": 2_000.0}))
    people = Liquidators(gas_cost=10_000.0)
    setting = Setting(TERMS, DEEP, liquidators=people)
    run = run_cascade(found, setting, shock_path(TERMS, {"ETH": -0.5}, 2))
    assert (run.liquidated, run.liquidatable.tolist()) == (0, [1, 1])
    assert run.shortfall.tolist() == [500, 500]
    assert (run.final_shortfall, run.bad_debt) == (500, 500)


def test_a_market_recovers_by_half() -> None:
    depths = {"BTC": Depth(inf), "ETH": Depth(100.0, "linear", half_life=4.0)}
    system = System(accounts(({"ETH": 10.0}, {"USDC": 18_000.0})), Setting(TERMS, depths))
    prices = np.array([60_000.0, 2_400.0, 1.0])
    sold = system.step(prices).ledger.sold[1]
    for _ in range(3):
        system.step(prices)
    assert system.outstanding[1] == pytest.approx(sold / 2)


def test_a_reserve_counts_as_debt_of_every_account_that_owes() -> None:
    rows = (({"ETH": 10.0}, {"USDC": 18_000.0}), ({"ETH": 1.0}, {}))
    prices = np.array([60_000.0, 3_000.0, 1.0])
    # 24000 against 19800 + reserve.
    for reserve, count in ((4_200.0, 0), (4_201.0, 1)):
        system = System(accounts(*rows), Setting(terms(reserve=reserve), DEEP))
        assert system.step(prices).liquidatable == count


def test_the_accounts_given_stay_as_they_are() -> None:
    found, setting = random_system(7)
    held, owed = found.held.copy(), found.owed.copy()
    run_cascade(found, setting, random_path(7, 8))
    assert np.array_equal(found.held, held)
    assert np.array_equal(found.owed, owed)


def test_of_equal_profits_the_first_account_comes_first() -> None:
    """Each of them would sell down to the price that just pays, and earn the same by that.

    Of debts in two assets the rounding differs.
    """
    draw = np.random.default_rng(5)
    for _ in range(30):
        sizes, price = draw.uniform(100, 200, 12), float(draw.uniform(2_000, 2_500))
        owed = [({"USDC": price}, {"ETH": 1.0})[k % 2] for k in range(12)]
        found = accounts(
            *(
                ({"ETH": size}, {symbol: 0.75 * size * amount for symbol, amount in debt.items()})
                for size, debt in zip(sizes.tolist(), owed, strict=True)
            )
        )
        depths = {"ETH": Depth(float(draw.uniform(200, 300)), fee=0.003)}
        # With room for all of them, rounding must not find a profit where it is used up.
        for per_step in (1, None):
            setting = Setting(TERMS, depths, liquidators=Liquidators(per_step))
            done = System(found, setting).step(np.array([60_000.0, price, 1.0]))
            assert done.liquidatable == 12
            assert done.liquidated.tolist() == [0]


def test_a_price_that_sales_take_to_nothing_stays_above_it() -> None:
    depths = {"ETH": Depth(5.0, "linear", half_life=100.0)}
    people = Liquidators(order="health")
    # Most of the second's debt is in ETH, which is worth nothing once the first has sold its own.
    rows = (({"ETH": 10.0}, {"USDC": 18_000.0}), ({"ETH": 10.0}, {"ETH": 7.0, "USDC": 1.0}))
    system = System(accounts(*rows), Setting(terms(penalty=1.0), depths, liquidators=people))
    prices = np.array([60_000.0, 2_400.0, 1.0])
    system.outstanding[1] = 5.0
    for _ in range(4):
        step = system.step(prices)
        assert np.all(step.market > 0)
        assert np.all(np.isfinite(step.market))


def test_a_step_that_does_not_add_up_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    settle = System._settle

    def wrong(*given: Any) -> Ledger:
        book = settle(*given)
        return replace(book, gas=book.gas + 1.0)

    monkeypatch.setattr(System, "_settle", wrong)
    system = System(accounts(({"ETH": 10.0}, {"USDC": 18_000.0})), Setting(TERMS, DEEP))
    with pytest.raises(ConservationError, match="gas"):
        system.step(np.array([60_000.0, 2_400.0, 1.0]))


def ledger() -> Ledger:
    found, setting = random_system(3)
    system = System(found, setting)
    for prices in random_path(3, 8):
        book = system.step(prices).ledger
        if len(np.flatnonzero(book.sold)):
            return book
    raise ValueError("nothing was sold")


@pytest.mark.parametrize(
    "name", [f.name for f in fields(Ledger) if f.name not in ("symbols", "pool_gain_value")]
)
def test_every_entry_of_a_ledger_is_checked(name: str) -> None:
    book = ledger()
    book.check()
    value = getattr(book, name)
    with pytest.raises(ConservationError, match="left over"):
        replace(book, **{name: value + 1e-3}).check()
    with pytest.raises(ConservationError, match="left over"):
        replace(book, **{name: value * np.nan}).check()


@pytest.mark.parametrize(
    ("depths", "problem"),
    [
        ({**DEEP, "USDC": Depth(1.0)}, "an asset that may be held"),
        ({**DEEP, "DOGE": Depth(1.0)}, "an asset that the policy prices"),
    ],
)
def test_settings_that_cannot_be(depths: dict[str, Depth], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        Setting(TERMS, depths)


@pytest.mark.parametrize(
    "prices", [[0.0, 1, 1], [-1.0, 1, 1], [np.nan, 1, 1], [inf, 1, 1], [1.0, 1]]
)
def test_prices_that_cannot_be(prices: list[float]) -> None:
    system = System(accounts(({"ETH": 1.0}, {})), Setting(TERMS, DEEP))
    with pytest.raises(InputError, match="exogenous prices"):
        system.step(np.array(prices))


def test_what_is_held_has_a_depth() -> None:
    found = accounts(({"ETH": 1.0}, {}))
    with pytest.raises(InputError, match="depths: expected a depth of ETH"):
        System(found, Setting(TERMS, {"BTC": Depth(1.0)}))
    System(found, Setting(TERMS, {"ETH": Depth(1.0)}))


def test_amounts_where_the_policy_prices_none() -> None:
    with pytest.raises(InputError, match="accounts: owed"):
        System(accounts(({"ETH": 1.0}, {"BTC": 1.0})), Setting(TERMS, DEEP))
    with pytest.raises(InputError, match="accounts: held"):
        System(accounts(({"USDC": 1.0}, {})), Setting(TERMS, DEEP))


def test_nothing_shows_amounts() -> None:
    found, setting = random_system(3)
    system = System(found, setting)
    for each in (found, system, system.step(TERMS.prices).ledger):
        assert repr(each).endswith("(hidden)")
