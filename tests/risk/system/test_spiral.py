"""Whole cascades and the shock at which they feed themselves, against hand-made systems."""

from __future__ import annotations

import json
from math import inf
from typing import Any

import numpy as np
import pytest

from tests.risk.system.systems import DEEP, TERMS, accounts, random_path, random_system, terms
from zkcollateral.errors import InputError
from zkcollateral.risk.system.accounts import Accounts, synthetic_accounts
from zkcollateral.risk.system.cascade import System
from zkcollateral.risk.system.market import Depth, Liquidators, OracleRule, Setting
from zkcollateral.risk.system.report import CascadeReport, cascade_report
from zkcollateral.risk.system.report_json import cascade_json
from zkcollateral.risk.system.run import run_cascade, shock_path
from zkcollateral.risk.system.spiral import direction_of, find_spiral, loop_gain

ETH = {"ETH": 1.0}


def ladder(count: int, first: float, last: float) -> Accounts:
    """Accounts of 10 ETH whose liquidation prices lie evenly between two falls of the price."""
    falls = np.linspace(first, last, count)
    return accounts(
        *(({"ETH": 10.0}, {"USDC": 10 * 3_000 * (1 - fall) * 0.8 / 1.1}) for fall in falls)
    )


def eth(depth: Depth, **others: Any) -> Setting:
    rule = terms(close_factor=1.0, minimum=0.0, **others)
    return Setting(rule, {"BTC": Depth(inf), "ETH": depth})


def test_a_run_is_its_steps_one_after_the_other() -> None:
    found, setting = random_system(11, 30)
    path = random_path(11, 6)
    run = run_cascade(found, setting, path)
    system = System(found, setting)
    seen: set[int] = set()
    for index, prices in enumerate(path):
        step = system.step(prices)
        book = step.ledger
        seen |= set(step.liquidated.tolist())
        assert run.market[index].tolist() == step.market.tolist()
        assert run.oracle[index].tolist() == step.oracle.tolist()
        assert run.sold[index].tolist() == book.sold.tolist()
        assert run.liquidations[index] == len(step.liquidated)
        assert run.written_off[index] == pytest.approx(float(book.written_off @ step.market))
        assert run.repaid[index] == pytest.approx(float(book.repaid_cost_value.sum()))
        assert run.shortfall[index] == step.shortfall
    assert run.liquidated == len(seen) > 3
    assert run.proceeds == pytest.approx(run.repaid.sum() + run.profit.sum() + run.gas.sum())
    assert run.worst_residual < 1e-12
    assert run.impact.tolist() == (1 - run.market / path).max(axis=0).tolist()


def test_without_impact_nothing_is_amplified() -> None:
    found = synthetic_accounts(500, TERMS, 1)
    run = run_cascade(found, Setting(TERMS, DEEP), shock_path(TERMS, {"ETH": -0.4}, 10))
    assert run.liquidated > 50
    assert run.amplification == pytest.approx(1, rel=1e-12)
    assert run.impact.tolist() == [0, 0, 0]
    calm = run_cascade(found, Setting(TERMS, DEEP), shock_path(TERMS, {"ETH": 0.1}, 3))
    assert (calm.amplification, calm.liquidated) == (None, 0)


def test_amplification_by_hand() -> None:
    """One of 20 ETH in all loses 5.4 · 1.072 / 1.08 of them to a pool of 1000."""
    found = accounts(({"ETH": 10.0}, {"USDC": 18_000.0}), ({"ETH": 10.0}, {}))
    run = run_cascade(found, eth(Depth(1000.0)), shock_path(TERMS, {"ETH": -0.2}, 4))
    sold = 18_000 * 1.072 / 2_400
    low = 2_400 / (1 + sold / 1000) ** 2
    assert run.lowest[1] == pytest.approx(low)
    assert run.fall == pytest.approx(1 - low / 3_000)
    assert run.exogenous_fall == pytest.approx(0.2)
    assert run.amplification == pytest.approx((1 - low / 3_000) / 0.2)


def test_a_shock_moves_who_follows() -> None:
    rule = terms(leaders={"BTC": "ETH"})
    assert shock_path(rule, {"ETH": -0.5}, 2).tolist() == [[30_000, 1_500, 1]] * 2
    assert shock_path(rule, {"ETH": -0.5, "BTC": 0.0}, 1).tolist() == [[60_000, 1_500, 1]]


def test_a_ladder_of_accounts_spirals_at_its_foot() -> None:
    """Evenly spread thresholds from 10% on, and a market that each sale moves beyond the next.

    100 accounts lie 0.2% apart. Liquidating one sells 10 · 0.8 / 1.1 · 1.072 = 7.8 ETH, which takes
    a linear market of 2000 down by 0.39% of f: by more than one step of the ladder. Below 10%
    nothing happens, above it everything falls.
    """
    found = ladder(100, 0.1, 0.3)
    spiral = find_spiral(found, eth(Depth(2_000.0, "linear")), ETH, 60, points=19)
    assert spiral.critical == pytest.approx(0.1, abs=0.002)
    assert spiral.resolution < 0.0001
    before = [p for p in spiral.points if p.shock < 0.099]
    assert all(p.amplification == pytest.approx(1) and p.liquidated == 0 for p in before)
    (at,) = [p for p in spiral.points if p.shock == spiral.critical]
    assert at.liquidated == 100
    assert at.bad_debt > 0
    assert [p.shock for p in spiral.points] == sorted(p.shock for p in spiral.points)
    # Without simulation, from the volume that each fall sells.
    assert spiral.loop.critical == pytest.approx(0.1, abs=0.011)


def test_a_market_that_is_deep_enough_does_not_spiral() -> None:
    found = ladder(100, 0.1, 0.3)
    spiral = find_spiral(found, eth(Depth(200_000.0, "linear")), ETH, 60, points=10)
    assert spiral.critical is None
    assert spiral.loop.critical is None
    assert max(point.amplification for point in spiral.points) < 1.05
    assert max(point.liquidated for point in spiral.points) == 100


def test_the_loop_by_hand() -> None:
    """One account that is liquidated from a fall of 20% on; grid of 1%."""
    found = ladder(1, 0.205, 0.205)
    loop = loop_gain(found, eth(Depth(1000.0)), ETH, 95)
    debt = 10 * 3_000 * 0.795 * 0.8 / 1.1
    first = 20
    assert loop.fall[first] == pytest.approx(0.21)
    assert not np.any(loop.volume[:first])
    assert not np.any(loop.gain[:first])
    assert loop.volume[first] == pytest.approx(debt * 1.072)
    sold = debt * 1.072 / (3_000 * 0.79)
    impact = 0.79 * ((1 + sold / 1000) ** 2 - 1)
    assert loop.impact[first] == pytest.approx(impact)
    assert loop.gain[first] == pytest.approx(impact / 0.01)
    assert loop.shock[first] == pytest.approx(0.21 - impact)
    assert loop.critical == pytest.approx(0.2)


def test_the_loop_agrees_with_the_simulation() -> None:
    """Both answers for the same synthetic system, without delay, congestion or recovery."""
    found = synthetic_accounts(2_000, TERMS, 5)
    depths = {"BTC": Depth(60.0), "ETH": Depth(1_200.0)}
    setting = Setting(TERMS, depths, OracleRule(), Liquidators())
    direction = {"BTC": 1.0, "ETH": 1.0}
    spiral = find_spiral(found, setting, direction, 60, points=10)
    assert spiral.critical is not None
    assert spiral.loop.critical is not None
    assert 0.01 < spiral.critical < 0.3
    assert spiral.loop.critical == pytest.approx(spiral.critical, abs=0.02)


def test_directions() -> None:
    assert direction_of({"BTC": -0.2, "ETH": -0.4}) == {"BTC": 0.5, "ETH": 1.0}
    for shocks, problem in (
        ({}, "at least one fall"),
        ({"BTC": 0.0}, "at least one fall"),
        ({"BTC": 0.1}, "at most 0"),
        ({"BTC": -1.1}, "at least -1"),
    ):
        with pytest.raises(InputError, match=problem):
            direction_of(shocks)


@pytest.mark.parametrize(
    "given",
    [{"bound": 1.0}, {"bound": inf}, {"points": 1}, {"direction": {"DOGE": 1.0}}, {"steps": 0}],
)
def test_spirals_that_cannot_be(given: dict[str, Any]) -> None:
    found, setting = ladder(3, 0.1, 0.2), eth(Depth(100.0))
    values: dict[str, Any] = {"direction": ETH, "steps": 3, "points": 3} | given
    with pytest.raises(InputError):
        find_spiral(found, setting, values.pop("direction"), values.pop("steps"), **values)


def test_a_direction_that_nobody_holds() -> None:
    with pytest.raises(InputError, match="an asset that accounts hold"):
        find_spiral(ladder(3, 0.1, 0.2), eth(Depth(100.0)), {"BTC": 1.0}, 3)


@pytest.mark.parametrize(
    ("shocks", "steps"),
    [({"DOGE": -0.1}, 3), ({"ETH": -1.0}, 3), ({"ETH": float("nan")}, 3), ({"ETH": -0.1}, 0)],
)
def test_paths_that_cannot_be(shocks: dict[str, float], steps: int) -> None:
    with pytest.raises(InputError):
        shock_path(TERMS, shocks, steps)
    with pytest.raises(InputError, match="path"):
        run_cascade(ladder(1, 0.1, 0.1), eth(Depth(1.0)), np.ones((2, 2)))


def report(**others: Any) -> CascadeReport:
    found, setting = ladder(20, 0.1, 0.3), eth(Depth(2_000.0), reserve=1.0)
    return cascade_report(found, setting, {"ETH": -0.15}, 10, policy="prime", **others)


def test_a_report_as_json() -> None:
    calls: list[tuple[int, int]] = []
    found = report(spiral=True, progress=lambda done, total: calls.append((done, total)))
    value = json.loads(json.dumps(cascade_json(found), allow_nan=False))
    assert (value["accounts"], value["steps"], value["policy"]) == (20, 10, "prime")
    assert value["liquidated"] == found.cascade.liquidated > 0
    assert value["shocks_float"] == {"ETH": -0.15}
    assert len(value["course"]["market_float"]["ETH"]) == 10
    assert [asset["symbol"] for asset in value["assets"]] == ["BTC", "ETH", "USDC"]
    assert value["assets"][0]["depth"]["amount_float"] is None
    assert value["assets"][2]["depth"] is None
    assert len(value["spiral"]["points"]) >= 19
    assert calls[:10] == [(done, 10) for done in range(1, 11)]
    assert calls[-1][0] == len(value["spiral"]["points"])
    assert cascade_json(report())["spiral"] is None
    numbers(value)


def numbers(value: Any, name: str = "") -> None:
    """What is a float stands in a field that says so."""
    if isinstance(value, dict):
        for key, item in value.items():
            numbers(item, key if not name.endswith("_float") else name)
    elif isinstance(value, list):
        for item in value:
            numbers(item, name)
    elif isinstance(value, float):
        assert name.endswith("_float"), name


def test_a_report_needs_a_shock() -> None:
    with pytest.raises(InputError, match="shocks: expected at least one"):
        cascade_report(ladder(1, 0.1, 0.1), eth(Depth(1.0)), {}, 3)
