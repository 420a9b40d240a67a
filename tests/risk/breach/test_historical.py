"""Paths that are drawn from the past, and what is estimated from it."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from tests.risk.breach.subjects import LONG, liquidation_of
from zkcollateral.errors import InputError
from zkcollateral.risk.breach.historical import HistoricalPaths, estimated, log_returns
from zkcollateral.risk.breach.market import YEAR_SECONDS, Timing
from zkcollateral.risk.breach.simulation import simulate, subject_of
from zkcollateral.risk.volatility.garch import fit_garch

DAY = 86_400
TIMING = Timing(10 * DAY, DAY + 1)


def simulated_garch(seed: int, count: int = 1500) -> np.ndarray:
    """Returns of a GARCH(1,1) with volatility 4% in the long run."""
    generator = np.random.default_rng(seed)
    variance, found = 0.04**2, []
    for surprise in generator.standard_t(6, count) / sqrt(1.5):
        found.append(sqrt(variance) * surprise)
        variance = 0.04**2 * 0.05 + 0.1 * found[-1] ** 2 + 0.85 * variance
    return np.array(found)


BTC, USD = simulated_garch(1), np.zeros(0)


def logs(paths: HistoricalPaths, count: int = 1 << 14) -> np.ndarray:
    """Log prices of all paths; shape (assets, times + 1, paths)."""
    chunks = paths.batch(np.random.SeedSequence(4), count)
    return np.log(np.concatenate([chunk.multiples for chunk in chunks], axis=2)).astype(np.float64)


def test_the_first_step_is_a_past_surprise_in_the_volatility_of_today() -> None:
    fit = fit_garch(BTC)
    found = logs(HistoricalPaths({"BTC": BTC}, DAY, TIMING, ("BTC",)))
    drawn = np.unique(found[0, 1].astype(np.float32))
    possible = np.sort((fit.residuals_float * fit.next_volatility_float).astype(np.float32))
    assert np.allclose(drawn, possible[np.searchsorted(possible, drawn - 1e-6)], atol=2e-6)
    assert len(drawn) > 1000


def test_the_variance_of_every_step_is_the_forecast() -> None:
    fit = fit_garch(BTC)
    found = np.diff(logs(HistoricalPaths({"BTC": BTC}, DAY, TIMING, ("BTC",)), 1 << 17)[0], axis=0)
    # The residuals' own second moment is not quite 1, and feeds back through α.
    second = float(np.mean(fit.residuals_float**2))
    variance, expected = fit.next_volatility_float**2, []
    for _ in range(10):
        expected.append(variance * second)
        variance = fit.omega + (fit.alpha * second + fit.beta) * variance
    assert (found**2).mean(axis=1) == pytest.approx(expected, rel=0.03)


def test_assets_are_drawn_from_the_same_steps() -> None:
    paths = HistoricalPaths({"A": BTC, "B": -BTC}, DAY, TIMING, ("B", "A"))
    found = logs(paths, 4096)
    assert np.allclose(found[0], -found[1], atol=1e-5)


def test_a_price_that_stays_stays() -> None:
    paths = HistoricalPaths({"BTC": BTC}, DAY, TIMING, ("BTC", "USD"), fixed=("USD",))
    chunk = next(paths.batch(np.random.SeedSequence(1), 64))
    assert chunk.multiples.shape == (2, 11, 64)
    assert np.all(chunk.multiples[1] == 1)
    # A day and a second are two steps.
    first = np.arange(64) % 11
    executed = chunk.executed(first, np.arange(64))
    assert np.array_equal(executed, chunk.extended[:, first + 2, np.arange(64)])


def test_an_account_over_history() -> None:
    paths = HistoricalPaths({"BTC": BTC}, DAY, TIMING, ("BTC", "USD"), fixed=("USD",))
    subject = subject_of(liquidation_of(LONG))
    one = simulate(subject, paths, 1 << 14, 3)
    two = simulate(subject, paths, 1 << 14, 3, threads=1)
    assert one.breach_float == two.breach_float
    lowest = logs(paths, 1 << 14)[0].min(axis=0)
    assert one.breach_float.value == pytest.approx(float((lowest < np.log(0.875)).mean()), abs=0.02)
    assert 0 < one.bad_debt_float.value < one.breach_float.value


def test_estimates() -> None:
    generator = np.random.default_rng(0)
    one, two = generator.standard_normal((2, 20_000)) * 0.02
    mixed = 0.6 * one + 0.8 * two
    volatilities, correlations = estimated({"A": one, "B": mixed}, DAY)
    assert volatilities["A"] == pytest.approx(0.02 * sqrt(YEAR_SECONDS / DAY), rel=0.02)
    assert correlations["A", "B"] == pytest.approx(0.6, abs=0.02)
    assert log_returns("A", [100, 110, 99]) == pytest.approx([np.log(1.1), np.log(0.9)])


@pytest.mark.parametrize(
    ("prices", "problem"),
    [
        ([100], "history of A: expected at least two prices"),
        ([100, 0], r"history of A\[1\]: expected a price above 0"),
        ([100, float("nan"), 3], r"history of A\[1\]: expected a price above 0"),
    ],
)
def test_prices_that_are_refused(prices: list[float], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        log_returns("A", prices)


def test_histories_that_are_refused() -> None:
    with pytest.raises(InputError, match=r"horizon: expected whole steps of 86400 seconds"):
        HistoricalPaths({"BTC": BTC}, DAY, Timing(DAY + 5, 0), ("BTC",))
    with pytest.raises(InputError, match="history: expected a history of USD, got none"):
        HistoricalPaths({"BTC": BTC}, DAY, TIMING, ("BTC", "USD"))
    with pytest.raises(InputError, match=r"same steps of every asset, got A: 1500, B: 1499"):
        HistoricalPaths({"A": BTC, "B": BTC[1:]}, DAY, TIMING, ("A", "B"))
    with pytest.raises(InputError, match=r"history of BTC: returns: expected at least 100"):
        HistoricalPaths({"BTC": BTC[:99]}, DAY, TIMING, ("BTC",))
    with pytest.raises(InputError, match="same steps of every asset"):
        estimated({"A": BTC, "B": BTC[1:]}, DAY)
    with pytest.raises(InputError, match="history of A: expected a price that moves"):
        estimated({"A": np.zeros(5)}, DAY)
