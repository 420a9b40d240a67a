"""Simulated probabilities against the sums and formulas of one price, and their limits."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from tests.risk.accounts import LIQUIDATION, world
from tests.risk.breach.subjects import LONG, PAIR, SHORT, liquidation_of
from zkcollateral.errors import InputError
from zkcollateral.risk.breach.closed_form import OneDriver
from zkcollateral.risk.breach.discrete import breach_at_steps
from zkcollateral.risk.breach.estimate import Estimate, of_batches, of_counts
from zkcollateral.risk.breach.market import Market, Timing
from zkcollateral.risk.breach.paths import GaussianPaths, brownian_components
from zkcollateral.risk.breach.simulation import Simulated, simulate, subject_of
from zkcollateral.risk.breach.tail import expected_shortfall, tails, value_at_risk

TIMING = Timing(30 * 86_400, 86_400, 10)
ONE = Market.of({"BTC": 0.8, "USD": 0.0}, drifts={"BTC": 0.3})
COUNT = 1 << 13


def run(setting: Any, market: Market, timing: Timing = TIMING, **options: Any) -> Simulated:
    """A simulation of an account."""
    subject = subject_of(liquidation_of(setting))
    sobol = {"sobol_dimensions": options.pop("sobol")} if "sobol" in options else {}
    start = options.pop("start", None)
    paths = GaussianPaths(market.ordered(subject.test.drivers), timing, start, **sobol)
    return simulate(subject, paths, options.pop("count", COUNT), **options)


def within(estimate: Estimate, value: float, slack: float = 1.0) -> bool:
    """Whether a value lies in an interval that is made wider by a factor."""
    high, low = estimate.high - estimate.value, estimate.value - estimate.low
    return estimate.value - slack * low <= value <= estimate.value + slack * high


SUBJECTS = [
    (LONG, OneDriver("below", 0.875, 0.8, 0.3), 0.735, 1000.0),
    (SHORT, OneDriver("above", 1.2, 0.8, 0.3), 1200 / 1050, 1050.0),
]


@pytest.mark.parametrize(("setting", "account", "bankruptcy", "slope"), SUBJECTS)
@pytest.mark.parametrize("sobol", [0, 128])
def test_one_price(
    setting: Any, account: OneDriver, bankruptcy: float, slope: float, sobol: int
) -> None:
    exact = breach_at_steps(account, TIMING, bankruptcy, slope)
    found = run(setting, ONE, count=1 << 16, sobol=sobol)
    # Twice the interval: a wrong model is off by tens of them, an unlucky seed is not.
    assert within(found.breach_float, exact.breach_float, 2)
    assert within(found.bad_debt_float, exact.bad_debt_float, 2)
    assert within(found.loss_float, exact.loss_float, 2)
    assert found.breach_float.high - found.breach_float.low < 0.015
    assert np.allclose(found.first_float[1:], exact.first_float, atol=0.005)
    assert found.first_float[0] == 0


def test_quasi_random_numbers_have_the_smaller_error() -> None:
    quasi, pseudo = (run(LONG, ONE, count=1 << 16, sobol=sobol) for sobol in (128, 0))
    spread = [float(each.breach_by_batch.std()) for each in (quasi, pseudo)]
    assert spread[0] < 0.6 * spread[1]


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.7])
def test_two_prices_whose_ratio_decides(rho: float) -> None:
    # ETH / BTC is a geometric Brownian motion of this volatility, and its logarithm drifts so.
    one, two = 0.9, 0.6
    market = Market.of({"ETH": one, "BTC": two}, {("BTC", "ETH"): rho}, {"ETH": 0.1, "BTC": 0.2})
    sigma = sqrt(one**2 + two**2 - 2 * rho * one * two)
    growth = (0.1 - one**2 / 2) - (0.2 - two**2 / 2)
    account = OneDriver("below", 800 / 900, sigma, growth + sigma**2 / 2)
    # Lost is what lies below 1.05 · 800 / 1000 of the ratio.
    exact = breach_at_steps(account, TIMING, 0.84)
    found = run(PAIR, market, count=1 << 16)
    assert within(found.breach_float, exact.breach_float, 2)
    assert within(found.bad_debt_float, exact.bad_debt_float, 2)


def test_correlation_1_is_one_asset() -> None:
    factors = {"collateral": {"A": "0.8", "B": "0.8"}, "debt": {"USD": "1"}}
    amounts = {"collateral": {"A": "5", "B": "5"}, "debt": {"USD": "700"}}
    prices = {"A": "100", "B": "100", "USD": "1"}
    two = world(factors, prices, amounts, liquidation=LIQUIDATION)
    market = Market.of({"A": 0.8, "B": 0.8, "USD": 0}, drifts={"A": 0.3, "B": 0.3}, stress=1.0)
    exact = breach_at_steps(SUBJECTS[0][1], TIMING, 0.735, 1000.0)
    found = run(two, market, count=1 << 16)
    assert within(found.breach_float, exact.breach_float, 2)
    assert within(found.loss_float, exact.loss_float, 2)
    apart = Market.of({"A": 0.8, "B": 0.8, "USD": 0}, drifts={"A": 0.3, "B": 0.3})
    assert run(two, apart).breach_float.high < exact.breach_float - 0.02


def test_the_value_at_the_horizon_is_lognormal() -> None:
    found = run(LONG, ONE, count=1 << 16)
    assert found.value_now == pytest.approx(300)
    assert found.ratio_now == pytest.approx(800 / 700)
    mean, spread = (0.3 - 0.32) * TIMING.years, 0.8 * sqrt(TIMING.years)
    for tail in found.tails:
        z = norm.ppf(1 - tail.level)
        price = 1000 * np.exp(mean + spread * z)
        worst = 1000 * np.exp(mean + spread**2 / 2) * norm.cdf(z - spread) / (1 - tail.level)
        assert within(tail.value_at_risk_float, 1000 - price, 2)
        assert within(tail.expected_shortfall_float, 1000 - worst, 2)
        assert tail.value_at_risk_float.high - tail.value_at_risk_float.low < 10


def test_the_same_seed_gives_the_same_whatever_the_threads() -> None:
    one, two = (run(LONG, ONE, seed=5, threads=threads) for threads in (1, 3))
    other = run(LONG, ONE, seed=6)
    assert one.breach_float == two.breach_float
    assert np.array_equal(one.value_at_horizon, two.value_at_horizon)
    assert np.array_equal(one.first_float, two.first_float)
    assert one.tails == two.tails
    assert not np.array_equal(one.value_at_horizon, other.value_at_horizon)


def test_limits() -> None:
    still = run(LONG, Market.of({"BTC": 0, "USD": 0}))
    assert still.breach_float.value == still.bad_debt_float.value == 0
    assert 0 < still.breach_float.high < 0.001
    assert still.loss_if_bad_float is None
    falling = run(LONG, Market.of({"BTC": 0, "USD": 0}, drifts={"BTC": -2.0}))
    assert falling.breach_float.value == 1
    # ln 0.875 / −2 a year is after 24.4 days, seen at the ninth of ten looks.
    assert falling.first_float.argmax() == 9
    soon = run(LONG, ONE, Timing(1, 0, 10))
    assert soon.breach_float.value == 0
    failed = run(LONG, ONE, start=np.array([0.8, 1.0]))
    assert failed.breach_float.value == failed.first_float[0] == 1
    at_once = run(LONG, ONE, Timing(86_400, 0, 1), start=np.array([0.7, 1.0]))
    assert at_once.bad_debt_float.value == 1
    assert at_once.loss_float.value == pytest.approx(35.0, rel=1e-5)


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    run(LONG, ONE, progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 16) for done in range(1, 17)]


def test_nothing_is_shown() -> None:
    found = run(LONG, ONE)
    for each in (found, found.tails[0], found.breach_float, subject_of(liquidation_of(LONG))):
        assert "hidden" in repr(each)
        assert "0." not in repr(each).removeprefix("Tail(0.95")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"count": 1000}, "paths: expected an integer from 1024"),
        ({"count": 1030}, "paths: expected a multiple of 16"),
        ({"count": 2048.0}, "paths: expected an integer"),
        ({"seed": -1}, "seed: expected an integer from 0"),
        ({"batches": 1}, "batches: expected an integer from 2"),
        ({"threads": 0}, "threads: expected an integer from 1"),
        ({"confidence": 1.0}, "confidence: expected a number above 0 and below 1"),
        ({"levels": (0.0,)}, "level: expected a number above 0 and below 1"),
    ],
)
def test_what_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError, match=f"^{problem}"):
        run(LONG, ONE, **options)


def test_paths_of_other_prices_are_refused() -> None:
    subject = subject_of(liquidation_of(LONG))
    with pytest.raises(InputError, match=r"paths: expected paths of BTC, USD, got ETH"):
        simulate(subject, GaussianPaths(Market.of({"ETH": 0.5}), TIMING), COUNT)


def test_components_are_those_of_a_brownian_motion() -> None:
    steps, dt = 9, 0.25
    vectors, values = brownian_components(steps, dt, steps)
    times = dt * np.arange(1, steps + 1)
    covariance = np.minimum.outer(times, times)
    assert np.allclose(vectors @ np.diag(values) @ vectors.T, covariance)
    assert np.allclose(vectors.T @ vectors, np.eye(steps))
    assert np.all(np.diff(values) < 0)


@pytest.mark.parametrize("sobol", [0, 12, 128])
def test_paths_have_the_covariance_that_is_asked_for(sobol: int) -> None:
    market = Market.of({"A": 0.5, "B": 0.8, "C": 0.2}, {("A", "B"): 0.6, ("B", "C"): -0.4})
    timing = Timing(100 * 86_400, 10 * 86_400, 6)
    paths = GaussianPaths(market, timing, sobol_dimensions=sobol)
    chunks = list(paths.batch(np.random.SeedSequence(3), 1 << 16))
    logs = np.log(np.concatenate([chunk.multiples for chunk in chunks], axis=2))[:, 1:]
    times = timing.years / 6 * np.arange(1, 7)
    spread = market.volatilities[:, None] * market.volatilities * market.correlation
    expected = np.kron(spread, np.minimum.outer(times, times))
    found = np.cov(logs.reshape(18, -1).astype(np.float64))
    assert np.abs(found - expected).max() < 0.02 * expected.max()
    drift = -(market.volatilities**2)[:, None] / 2 * times
    assert np.abs(logs.mean(axis=2) - drift).max() < 0.005
    later = np.concatenate(
        [
            np.log(chunk.executed(np.full(chunk.multiples.shape[2], 6), np.arange(4096)[:n]))
            - np.log(chunk.multiples[:, 6])
            for chunk in chunks
            for n in [chunk.multiples.shape[2]]
        ],
        axis=1,
    )
    assert np.abs(np.cov(later) - spread * timing.delay_years).max() < 0.02 * 0.0175


def test_value_at_risk_and_shortfall_by_hand() -> None:
    losses = np.arange(1.0, 11.0)
    assert value_at_risk(losses, 0.8) == 8
    assert expected_shortfall(losses, 0.8) == pytest.approx(9.5)
    # The worst 15% of ten are the tenth and half of the ninth.
    assert value_at_risk(losses, 0.85) == 9
    assert expected_shortfall(losses, 0.85) == pytest.approx((10 + 0.5 * 9) / 1.5)
    found = tails(np.stack([losses, losses]), (0.8,), 0.95)[0]
    assert found.value_at_risk_float == Estimate(8.0, 8.0, 8.0)


def test_intervals_by_hand() -> None:
    # Student's 97.5% quantile with 3 degrees of freedom is 3.18245; the standard error 0.645497.
    found = of_batches(np.array([1.0, 2.0, 3.0, 4.0]), 0.95)
    assert (found.value, found.low) == pytest.approx((2.5, 2.5 - 3.182446 * 0.645497), rel=1e-5)
    none = of_counts(np.zeros(4, np.int64), 250, 0.95)
    low_high = binomtest(0, 1000).proportion_ci(0.95, method="exact")
    assert (none.low, none.high) == pytest.approx((low_high.low, low_high.high))
    three = of_counts(np.array([3, 0, 0, 0]), 250, 0.95)
    exact = binomtest(3, 1000).proportion_ci(0.95, method="exact")
    assert three.low <= exact.low
    assert three.high >= exact.high
    every = of_counts(np.full(4, 250), 250, 0.95)
    assert every.high == 1
    assert 0.99 < every.low < 1


@pytest.mark.slow
@pytest.mark.parametrize("sobol", [0, 128])
def test_the_intervals_cover_the_truth_as_often_as_they_say(sobol: int) -> None:
    setting, account, bankruptcy, slope = SUBJECTS[0]
    timing = Timing(30 * 86_400, 5 * 86_400, 10)
    exact = breach_at_steps(account, timing, bankruptcy, slope)
    seeds = 300
    hits = np.zeros(3, np.int64)
    for seed in range(seeds):
        found = run(setting, ONE, timing, count=1 << 13, seed=seed, sobol=sobol, confidence=0.9)
        hits += [
            within(found.breach_float, exact.breach_float),
            within(found.bad_debt_float, exact.bad_debt_float),
            within(found.loss_float, exact.loss_float),
        ]
    for each in hits:
        assert binomtest(int(each), seeds, 0.9).pvalue > 1e-3, hits


def test_a_sobol_point_of_0_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scipy.stats.qmc.Sobol.random", lambda self, n: np.zeros((n, self.d)))
    chunk = next(GaussianPaths(ONE, TIMING).batch(np.random.SeedSequence(1), 64))
    assert np.all(np.isfinite(chunk.multiples))
