"""Differences over common random numbers against formulas."""

from __future__ import annotations

import numpy as np
import pytest

from tests.risk.breach.subjects import LONG, PAIR, liquidation_of
from zkcollateral.risk.breach.closed_form import OneDriver
from zkcollateral.risk.breach.discrete import breach_at_steps
from zkcollateral.risk.breach.estimate import Estimate
from zkcollateral.risk.breach.market import Market, Timing
from zkcollateral.risk.breach.paths import GaussianPaths
from zkcollateral.risk.breach.sensitivity import breach_sensitivities
from zkcollateral.risk.breach.simulation import simulate, subject_of

TIMING = Timing(30 * 86_400, 5 * 86_400, 10)
MARKET = Market.of({"BTC": 0.8, "USD": 0.0}, drifts={"BTC": 0.3})


def at(
    volatility: float = 0.8, drift: float = 0.3, barrier: float = 0.875, **timing: int
) -> np.ndarray:
    """Probabilities of breach and of bad debt of the account, summed over the steps."""
    when = Timing(
        **{"horizon_seconds": 30 * 86_400, "delay_seconds": 5 * 86_400, **timing}, steps=10
    )
    account = OneDriver("below", barrier, volatility, drift)
    found = breach_at_steps(account, when, barrier * 0.735 / 0.875)
    return np.array([found.breach_float, found.bad_debt_float])


EXPECTED = {
    ("volatility", "BTC"): at(volatility=0.84) - at(volatility=0.76),
    ("drift", "BTC"): at(drift=0.35) - at(drift=0.25),
    ("price", "BTC"): at(barrier=0.875 / 1.05) - at(barrier=0.875 / 0.95),
    ("price", "USD"): at(barrier=0.875 * 1.05) - at(barrier=0.875 * 0.95),
    ("position", "BTC (collateral)"): at(barrier=0.875 / 1.05) - at(barrier=0.875 / 0.95),
    ("position", "USD (debt)"): at(barrier=0.875 * 1.05) - at(barrier=0.875 * 0.95),
    ("horizon", ""): at(horizon_seconds=2_721_600) - at(horizon_seconds=2_462_400),
    ("delay", ""): at(delay_seconds=453_600) - at(delay_seconds=410_400),
}


def test_one_price_has_the_sensitivities_of_its_sums() -> None:
    told: list[tuple[int, int]] = []
    found = breach_sensitivities(
        liquidation_of(LONG), MARKET, TIMING, 1 << 15, progress=lambda *done: told.append(done)
    )
    assert {(each.what, each.of) for each in found} == set(EXPECTED)
    assert told == [(done, 16) for done in range(1, 17)]
    for each in found:
        breach, bad = EXPECTED[each.what, each.of] / 2
        for estimate, expected in ((each.breach_float, breach), (each.bad_debt_float, bad)):
            half = estimate.high - estimate.value
            assert abs(estimate.value - expected) <= 2 * half + 1e-9, each.what
            assert half < 0.006
        assert "hidden" in repr(each)


def test_correlation_lowers_the_risk_of_a_pair_that_hedges() -> None:
    market = Market.of({"ETH": 0.9, "BTC": 0.6}, {("BTC", "ETH"): 0.2})
    found = breach_sensitivities(liquidation_of(PAIR), market, Timing(30 * 86_400, 0, 10), 1 << 13)
    by_name = {(each.what, each.of): each.breach_float for each in found}
    assert by_name["correlation", ""].high < 0
    assert ("delay", "") not in by_name


def test_common_random_numbers_cancel() -> None:
    subject = subject_of(liquidation_of(LONG))

    def breach(volatility: float, seed: int) -> Estimate:
        market = Market.of({"BTC": volatility, "USD": 0.0})
        return simulate(subject, GaussianPaths(market, TIMING), 1 << 13, seed).breach_float

    common = np.std([breach(0.84, seed).value - breach(0.76, seed).value for seed in range(8)])
    apart = np.std([breach(0.84, seed).value - breach(0.76, seed + 8).value for seed in range(8)])
    assert common < apart


def test_an_account_that_owes_nothing_has_none() -> None:
    found = breach_sensitivities(liquidation_of(LONG), Market.of({"BTC": 0.0, "USD": 0.0}), TIMING)
    assert all(each.breach_float.value == pytest.approx(0, abs=1e-12) for each in found)
    assert {each.what for each in found} == {"price", "position", "horizon", "delay"}
