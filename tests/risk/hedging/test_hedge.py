"""Hedges by hand, against closed forms, and against conditions of optimality."""

from __future__ import annotations

from fractions import Fraction
from math import isclose
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

from tests.risk.accounts import world
from zkcollateral.errors import InputError
from zkcollateral.risk.hedging.exposure import margin_exposure, value_exposure
from zkcollateral.risk.hedging.hedge import Instrument, cheapest_hedge, least_variance
from zkcollateral.risk.threshold import maintenance_threshold
from zkcollateral.risk.valuation import account_of

PERP = Instrument(
    "BTC-PERP",
    "BTC",
    Fraction(60_000),
    Fraction(10),
    Fraction(10),
    Fraction(1, 1000),
    Fraction(1, 10),
    lot=Fraction(1, 1000),
)
SPOT = Instrument(
    "BTC",
    "BTC",
    Fraction(60_000),
    Fraction(0),
    Fraction(1),
    Fraction(1, 2000),
    lot=Fraction(1, 1000),
)
ETH = Instrument("ETH-PERP", "ETH", Fraction(3000), Fraction(100), Fraction(100), Fraction(1, 1000))


def test_exposures_of_an_account() -> None:
    portfolio, policy, registry, prices = world(
        {
            "collateral": {"BTC": "0.8"},
            "debt": {"USD": "1", "BTC": "1"},
            "signed": {"ETH": {"long": "0.9", "short": "1.1"}},
        },
        {"BTC": "60000", "USD": "1", "ETH": "3000"},
        {
            "collateral": {"BTC": "2"},
            "debt": {"USD": "50000", "BTC": "0.5"},
            "signed": {"ETH": "-4"},
        },
    )
    account = account_of(portfolio, policy, registry, prices, None)
    assert value_exposure(account) == {"BTC": 90_000, "ETH": -12_000, "USD": -50_000}
    ratio = policy.ratio
    assert margin_exposure(maintenance_threshold(account)) == {
        "BTC": 96_000 - 30_000 * ratio,
        "ETH": -13_200 * ratio,
        "USD": -50_000 * ratio,
    }


def test_the_cheapest_instrument_comes_first_and_the_next_one_follows() -> None:
    found = cheapest_hedge({"BTC": Fraction(90_000)}, [PERP, SPOT])
    assert {each.instrument.name: each.units for each in found.positions} == {
        "BTC": -1,
        "BTC-PERP": Fraction(-1, 2),
    }
    assert found.after == {"BTC": 0}
    assert found.neutral
    assert found.cost == 30 + 30
    assert found.margin == 3000


def test_a_target_other_than_nothing() -> None:
    exposures = {"BTC": Fraction(90_000), "ETH": Fraction(-12_000)}
    found = cheapest_hedge(exposures, [PERP, ETH], target={"BTC": Fraction(30_000)})
    assert {each.instrument.name: each.units for each in found.positions} == {
        "BTC-PERP": -1,
        "ETH-PERP": 4,
    }
    assert found.after == {"BTC": 30_000, "ETH": 0}
    assert found.missing == {"BTC": 0, "ETH": 0}


def test_what_no_instrument_reaches_is_said() -> None:
    exposures = {"BTC": Fraction(700_000), "SOL": Fraction(5)}
    found = cheapest_hedge(exposures, [PERP])
    assert [each.units for each in found.positions] == [-10]
    assert found.missing == {"BTC": 100_000, "SOL": 5}
    assert not found.neutral


def test_margin_is_a_bound() -> None:
    found = cheapest_hedge({"BTC": Fraction(90_000)}, [PERP], margin=Fraction(6000))
    assert [each.units for each in found.positions] == [-1]
    assert found.margin == 6000
    assert found.missing == {"BTC": 30_000}


def test_lots_are_whole_and_cut_towards_nothing() -> None:
    found = cheapest_hedge({"BTC": Fraction(90_059)}, [PERP])
    assert [each.units for each in found.positions] == [Fraction(-15, 10)]
    assert found.missing == {"BTC": 59}
    assert found.neutral


@pytest.mark.parametrize("seed", range(15))
def test_no_linear_program_is_cheaper(seed: int) -> None:
    """Of targets that can be reached, by a program without any slack."""
    random = np.random.default_rng(seed)
    instruments = [
        Instrument(
            f"i{index}",
            "AB"[index % 2],
            Fraction(int(random.integers(50, 200))),
            Fraction(int(random.integers(10, 900))),
            Fraction(int(random.integers(10, 900))),
            Fraction(int(random.integers(1, 300)), 10_000),
            Fraction(int(random.integers(1, 30)), 100),
        )
        for index in range(6)
    ]
    reached = {"A": Fraction(0), "B": Fraction(0)}
    for each in instruments:
        share = Fraction(int(random.integers(-90, 90)), 100)
        reached[each.symbol] += share * (each.longest if share > 0 else each.shortest) * each.price
    exposures = {symbol: -value for symbol, value in reached.items()}
    found = cheapest_hedge(exposures, instruments)
    assert found.neutral
    prices = [float(each.price) for each in instruments]
    rows = [
        [p * (each.symbol == s) for p, each in zip(prices, instruments, strict=True)] for s in "AB"
    ]
    costs = [float(each.price * each.cost) for each in instruments]
    oracle = linprog(
        costs + costs,
        A_eq=np.hstack([rows, -np.array(rows)]),
        b_eq=[float(reached[symbol]) for symbol in "AB"],
        bounds=[(0, float(each.longest)) for each in instruments]
        + [(0, float(each.shortest)) for each in instruments],
    )
    assert oracle.status == 0
    assert float(found.cost) == pytest.approx(oracle.fun, rel=1e-6)


COVARIANCE = np.array([[0.0016, 0.0018], [0.0018, 0.0036]])


def test_a_cross_hedge_is_the_regression() -> None:
    """Of one instrument without costs: minus covariance over variance (Ederington)."""
    found = least_variance({"ETH": Fraction(30_000)}, [PERP], COVARIANCE, ["BTC", "ETH"])
    (position,) = found.positions
    assert abs(float(position.units) + 30_000 * 0.0018 / 0.0016 / 60_000) < 1e-3
    left = 0.0036 - 0.0018**2 / 0.0016
    assert found.variance_before_float == pytest.approx(30_000**2 * 0.0036)
    assert found.variance_after_float == pytest.approx(30_000**2 * left, rel=1e-5)
    assert not found.neutral


def test_a_budget_is_kept_and_spent_where_it_helps_most() -> None:
    exposures = {"BTC": Fraction(300_000), "ETH": Fraction(60_000)}
    for budget in (0, 50, 150, 300):
        found = least_variance(
            exposures, [PERP, ETH], COVARIANCE, ["BTC", "ETH"], budget=Fraction(budget)
        )
        assert found.cost <= budget
        assert isclose(float(found.cost), budget, rel_tol=2e-3, abs_tol=1e-9)
    full = least_variance(exposures, [PERP, ETH], COVARIANCE, ["BTC", "ETH"])
    assert full.variance_after_float is not None
    assert full.variance_before_float is not None
    assert full.variance_after_float < 1e-6 * full.variance_before_float


@pytest.mark.parametrize("seed", range(20))
def test_least_variance_meets_the_conditions_of_optimality(seed: int) -> None:
    """Along every pair of trades that keeps the budget, and along every one that saves, the
    variance does not fall; checked with small steps from the answer.
    """
    random = np.random.default_rng(seed)
    root = random.normal(size=(3, 3)) * 0.03
    covariance = root @ root.T
    symbols = ["A", "B", "C"]
    exposures = {s: Fraction(int(random.integers(-100_000, 100_000))) for s in symbols}
    instruments = [
        Instrument(
            f"{s}{i}",
            s,
            Fraction(100),
            Fraction(int(random.integers(100, 900))),
            Fraction(int(random.integers(100, 900))),
            Fraction(int(random.integers(1, 30)), 10_000),
        )
        for i, s in enumerate([*symbols, "A"])
    ]
    budget = Fraction(int(random.integers(10, 200)))
    found = least_variance(exposures, instruments, covariance, symbols, budget=budget)
    assert found.cost <= budget
    units = {each.instrument.name: float(each.units) for each in found.positions}
    start = np.array([units.get(each.name, 0.0) for each in instruments])
    rates = np.array([float(each.price * each.cost) for each in instruments])
    lows = -np.array([float(each.shortest) for each in instruments])
    highs = np.array([float(each.longest) for each in instruments])

    def variance(q: Any) -> float:
        x = np.array([float(exposures[s]) for s in symbols])
        for each, many in zip(instruments, q, strict=True):
            x[symbols.index(each.symbol)] += 100 * many
        return float(x @ covariance @ x)

    best = variance(start)
    assert best == pytest.approx(found.variance_after_float, rel=1e-9, abs=1e-9)
    for _ in range(3000):
        other = start + random.normal(size=4) * 10 ** random.uniform(-3, 2)
        other = np.clip(other, lows, highs)
        spent = rates @ np.abs(other)
        if spent > float(budget):
            other *= float(budget) / spent
        assert variance(other) >= best * (1 - 1e-5) - 1e-3


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: cheapest_hedge({"BTC": Fraction(1)}, []), "instruments"),
        (lambda: cheapest_hedge({"BTC": Fraction(1)}, [PERP, PERP]), "every name once"),
        (lambda: cheapest_hedge({"BTC": 0.5}, [PERP]), "exposure to BTC"),  # type: ignore[dict-item]
        (
            lambda: cheapest_hedge({"BTC": Fraction(1)}, [PERP], target={"X": Fraction(0)}),
            "target",
        ),
        (lambda: cheapest_hedge({"BTC": Fraction(1)}, [PERP], margin=Fraction(-1)), "margin"),
        (lambda: least_variance({"BTC": Fraction(1)}, [PERP], COVARIANCE, ["BTC"]), "1 by 1"),
        (lambda: least_variance({"SOL": Fraction(1)}, [PERP], COVARIANCE, ["BTC", "ETH"]), "SOL"),
        (
            lambda: least_variance({}, [PERP], np.array([[1.0, 2.0], [2.0, 1.0]]), ["BTC", "ETH"]),
            "eigenvalue",
        ),
        (
            lambda: least_variance({}, [PERP], np.array([[1.0, 0.5], [0.4, 1.0]]), ["BTC", "ETH"]),
            "symmetric",
        ),
        (
            lambda: least_variance({}, [PERP], np.full((2, 2), np.nan), ["BTC", "ETH"]),
            "finite",
        ),
        (lambda: Instrument("x", "BTC", Fraction(0), Fraction(1), Fraction(1)), "price"),
        (lambda: Instrument("x", "BTC", Fraction(1), Fraction(-1), Fraction(1)), "longest"),
        (
            lambda: Instrument(
                "x", "BTC", Fraction(1), Fraction(1), Fraction(1), delta=Fraction(0)
            ),
            "delta",
        ),
    ],
)
def test_what_is_refused(call: Any, match: str) -> None:
    with pytest.raises(InputError, match=match):
        call()


def test_what_it_says_is_hidden() -> None:
    found = cheapest_hedge({"BTC": Fraction(90_000)}, [PERP])
    assert repr(found) == "Hedge(hidden)"
    assert repr(found.positions) == "(Position(hidden),)"
