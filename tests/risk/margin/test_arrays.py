"""The public numbers of one unit, against closed forms and against the presets."""

from __future__ import annotations

import time
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from tests.circuits.margin_markets import CLAIM, MarginWorld
from tests.circuits.rules import spell
from tests.circuits.test_portfolio_margin import TestDeribit
from zkcollateral.risk.health import evaluate
from zkcollateral.risk.margin.arrays import GroupArrays, Member, margin_arrays
from zkcollateral.risk.margin.requirement import evaluate_margin
from zkcollateral.risk.options import black76
from zkcollateral.risk.presets.deribit import portfolio_margin
from zkcollateral.risk.presets.deribit_model import EXTENDED_MOVES, Future, Parameters, Settlement
from zkcollateral.risk.pricing import price

MILLIONTH = Fraction(1, 10**6)


def cut(number: Fraction) -> str:
    """A share below 1 in 40 decimals."""
    return f"0.{int(number * 10**40):040d}"


def arrays(world: MarginWorld) -> GroupArrays:
    prices = world.prices().round
    (group,) = margin_arrays(world.policy, world.registry, price(world.policy, prices), prices)
    return group


def member(group: GroupArrays, symbol: str, side: str = "signed") -> Member:
    (found,) = (m for m in group.members if (m.asset.symbol, m.asset.side) == (symbol, side))
    return found


def whole(found: Member) -> Any:
    return found.arrays.times(1 / found.asset.smallest_unit)


def test_options_are_black76_in_every_cell() -> None:
    """Against the float module, with Deribit's rule for the volatility written out again."""
    group = arrays(MarginWorld())
    seconds = 86_400 * 55 - 4 * 3600
    days = seconds / 86_400
    states = {
        "up": max(0.6 * (1 + 0.5 * (30 / days) ** 0.13), 0.2),
        "same": 0.6,
        "down": max(0.6 * (1 - 0.25 * (30 / days) ** 0.13), 0),
    }
    for symbol, right, strike in (("CALL", "call", 70_000), ("PUT", "put", 60_000)):
        found = whole(member(group, symbol))

        def worth(move: Fraction, state: str, right: Any = right, strike: int = strike) -> float:
            years = seconds / 31_536_000
            forward = 64_500 * (1 + float(move))
            return float(black76.price(right, forward, strike, years, states[state]))

        now = worth(Fraction(0), "same")
        assert float(found.mark) == pytest.approx(now, abs=1e-6)
        for scenario, value in zip(group.scenarios, found.values, strict=True):
            gain = (worth(scenario.move, scenario.volatility) - now) * float(scenario.weight)
            assert float(value) == pytest.approx(gain, abs=1e-6)
            assert (value / MILLIONTH).denominator == 1


def test_futures_perpetuals_and_spots_move_with_their_price() -> None:
    group = arrays(MarginWorld())
    for symbol, side, worth in (
        ("MARCH", "signed", 64_500),
        ("PERP", "signed", 64_000),
        ("BTC", "collateral", 64_000 * Fraction("0.9")),
    ):
        found = whole(member(group, symbol, side))
        for scenario, value in zip(group.scenarios, found.values, strict=True):
            assert abs(value - worth * scenario.move * scenario.weight) <= MILLIONTH / 2
    assert whole(member(group, "MARCH")).mark == 0
    assert whole(member(group, "PERP")).mark == 64_000
    spot = whole(member(group, "BTC", "collateral"))
    assert (spot.mark, spot.delta, spot.expiry) == (0, Fraction("0.9"), None)


def test_rolls_and_shocks() -> None:
    group = arrays(MarginWorld())
    assert group.threshold == 10_000
    years = Fraction(86_400 * 55 - 4 * 3600, 31_536_000)
    march, perpetual = whole(member(group, "MARCH")), whole(member(group, "PERP"))
    moved = 64_000 * max(Fraction("0.01"), Fraction("0.075") * years)
    assert abs(march.roll - moved) <= MILLIONTH
    assert (perpetual.roll, perpetual.expiry, march.expiry) == (
        640,
        "perpetual",
        "2026-03-27T08:00:00Z",
    )
    assert march.shock == 6400
    call = whole(member(group, "CALL"))
    assert 0 < call.delta < 1
    assert call.expiry == march.expiry
    assert abs(call.shock - call.delta * 6400) <= MILLIONTH


@pytest.mark.parametrize("settlement", ["inverse", "linear"])
def test_futures_agree_with_the_preset(settlement: str) -> None:
    """The whole table, tails, dampener and roll, for random books of futures."""
    random, losses = Random(7), 0
    changes = {} if settlement == "inverse" else {"settlement": "linear", "index": "USD"}
    for _ in range(20):
        scenarios = {
            "type": "grid",
            "price_range": "0.16",
            "buckets": "4",
            "volatility": TestDeribit.VOLATILITY,
            "offset": "0.3",
            "tails": [
                {"move": spell(round(move * 100)), "weight": cut(Fraction("0.16") / abs(move))}
                for move in EXTENDED_MOVES
            ],
            "dampener": "500",
        }
        policy, registry, prices = TestDeribit().book(scenarios=scenarios, **changes)
        if settlement == "linear":
            extra = {"prices": {**prices.prices, "USD": Fraction("67250.82")}}
            prices = prices.model_copy(update=extra)
        perp, june = random.randint(-(10**9), 10**9), random.randint(-(10**9), 10**9)
        (group,) = evaluate_margin(policy, registry, prices, [0, perp, june, 0, 0, 0, 0, 0]).groups
        found = portfolio_margin(
            [
                Future("perpetual", Fraction(perp, 10**9)),
                Future("june", Fraction(june, 10**9), roll_move=Fraction("0.01")),
            ],
            Fraction("67250.82"),
            Parameters(
                price_range=Fraction("0.16"),
                min_annualised_move=Fraction("0.01"),
                annualised_move_risk=Fraction("0.075"),
                extended_dampener=500,
                pnl_offset=Fraction("0.3"),
            ),
            settlement=Settlement.INVERSE if settlement == "inverse" else Settlement.LINEAR,
        )
        near = Fraction(1, 10**12)
        ours = [value for _, value in group.values]
        assert all(
            abs(mine - theirs) < near
            for mine, theirs in zip(ours[:27:3], found.standard, strict=True)
        )
        # The preset relieves profits too; no requirement depends on them.
        for mine, theirs in zip(ours[27:], found.extended, strict=True):
            assert abs(mine - theirs) < near if theirs < 0 else mine >= 0
        losses += sum(theirs < 0 for theirs in found.extended)
        assert abs(group.loss - found.worst_case) < near
        assert abs(group.roll - found.roll_shock) < near
    assert losses > 20


def test_requirement_is_the_sum_written_out() -> None:
    """The definition once more, over whole units, for a book with every kind of instrument."""
    world = MarginWorld()
    group = arrays(world)
    amounts = world.opening().amounts
    found = evaluate_margin(world.policy, world.registry, world.prices().round, amounts)
    (risk,) = found.groups
    held = {m.slot: Fraction(amounts[m.slot]) for m in group.members}
    nets = [
        sum(held[m.slot] * m.values[index] for m in group.members)
        for index in range(len(group.scenarios))
    ]
    relieved = [
        min(n + r, Fraction(0)) if n < 0 else n for n, r in zip(nets, group.reliefs, strict=True)
    ]
    assert risk.loss == max(0, *(-value for value in relieved))
    assert dict(risk.values)[risk.worst] == min(relieved)
    march = sum(held[m.slot] * m.roll for m in group.members if m.expiry != "perpetual")
    perp = sum(held[m.slot] * m.roll for m in group.members if m.expiry == "perpetual")
    assert risk.roll == abs(march) + abs(perp)
    assert risk.delta == max(
        0, abs(sum(held[m.slot] * m.shock for m in group.members)) - group.threshold
    )
    marks = sum(held[m.slot] * m.mark for m in group.members)
    assert found.equity == 120_000 + 64_000 * Fraction("0.9") - 5000 * Fraction("1.1") + marks
    policy = world.policy
    verdict = evaluate(policy.claims[CLAIM], policy, world.registry, world.prices().round, amounts)
    assert verdict.margins[0].value == found.equity - Fraction("0.8") * found.requirement


def test_nothing_secret_is_printed() -> None:
    world = MarginWorld()
    amounts = world.opening().amounts
    found = evaluate_margin(world.policy, world.registry, world.prices().round, amounts)
    assert repr(found) == "MarginEvaluation(hidden)"
    assert repr(found.groups[0]) == "GroupRisk('BTC', hidden)"


def test_unit_values_are_made_once_for_a_round() -> None:
    world = MarginWorld()
    arrays(world)
    start = time.perf_counter()
    for _ in range(20):
        arrays(world)
    assert (time.perf_counter() - start) / 20 < 0.05
