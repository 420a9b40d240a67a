"""Formulas for one price against integrals, differences, and each other."""

from __future__ import annotations

from math import exp, inf, log, sqrt

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import multivariate_normal, norm

from zkcollateral.errors import InputError
from zkcollateral.risk.breach.closed_form import (
    OneDriver,
    Side,
    bad_debt_probability,
    breach_probability,
    expected_loss,
    first_passage_density,
    sensitivities,
)
from zkcollateral.risk.breach.discrete import breach_at_steps
from zkcollateral.risk.breach.market import YEAR_SECONDS, Timing

MONTH = Timing(30 * 86_400, 86_400, 100)
CASES = [
    OneDriver("below", 0.85, 0.8),
    OneDriver("below", 0.7, 0.9, drift=-0.5),
    OneDriver("above", 1.2, 0.7, drift=0.4),
    OneDriver("above", 1.05, 0.3, drift=-2.0),
    OneDriver("below", 0.98, 0.25, drift=3.0),
]


@pytest.mark.parametrize("account", CASES)
def test_the_density_integrates_to_the_probability(account: OneDriver) -> None:
    found, _ = quad(lambda t: first_passage_density(account, t), 0, MONTH.years, epsabs=1e-13)
    assert breach_probability(account, MONTH) == pytest.approx(found, rel=1e-8)


@pytest.mark.parametrize("account", CASES)
def test_bad_debt_is_the_density_times_what_follows(account: OneDriver) -> None:
    bankruptcy = account.barrier * (0.97 if account.side == "below" else 1.03)
    timing = Timing(MONTH.horizon_seconds, 12 * 3600)
    spread = account.volatility * sqrt(timing.delay_years)

    def late(t: float) -> float:
        away = log(bankruptcy / account.barrier) - account.growth * timing.delay_years
        return first_passage_density(account, t) * float(norm.cdf(-account.sign * away / spread))

    def lost(t: float, z: float) -> float:
        price = account.barrier * exp(account.growth * timing.delay_years + spread * z)
        beyond = max(account.sign * (price - bankruptcy), 0.0)
        return 1000 * beyond * float(norm.pdf(z)) * first_passage_density(account, t)

    expected, _ = quad(late, 0, timing.years, epsabs=1e-13)
    assert bad_debt_probability(account, bankruptcy, timing) == pytest.approx(expected, rel=1e-7)
    zs = np.linspace(-9, 9, 4_001)
    mean = np.trapezoid([lost(timing.years / 2, z) for z in zs], zs)
    mean /= first_passage_density(account, timing.years / 2)
    found = expected_loss(account, bankruptcy, 1000.0, timing)
    assert found == pytest.approx(breach_probability(account, timing) * mean, rel=1e-5)


@pytest.mark.parametrize("account", CASES)
def test_the_derivatives_are_those_of_differences(account: OneDriver) -> None:
    found, h = sensitivities(account, MONTH), 1e-6

    def difference(volatility: float, drift: float, log_price: float) -> float:
        def at(sign: int) -> float:
            moved = OneDriver(
                account.side,
                account.barrier * exp(-sign * h * log_price),
                account.volatility + sign * h * volatility,
                account.drift + sign * h * drift,
            )
            return breach_probability(moved, MONTH)

        return (at(1) - at(-1)) / (2 * h)

    assert found.volatility == pytest.approx(difference(1, 0, 0), rel=1e-5, abs=1e-8)
    assert found.drift == pytest.approx(difference(0, 1, 0), rel=1e-5, abs=1e-8)
    assert found.log_price == pytest.approx(difference(0, 0, 1), rel=1e-5, abs=1e-8)
    later = Timing(MONTH.horizon_seconds + 10, 0)
    earlier = Timing(MONTH.horizon_seconds - 10, 0)
    slope = breach_probability(account, later) - breach_probability(account, earlier)
    slope /= 20 / YEAR_SECONDS
    assert found.horizon_years == pytest.approx(slope, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("account", CASES)
def test_looking_every_step_against_a_multivariate_normal(account: OneDriver) -> None:
    timing, looks = Timing(MONTH.horizon_seconds, 0, 4), 4
    dt, s = timing.years / looks, account.sign
    times = dt * np.arange(1, looks + 1)
    covariance = account.volatility**2 * np.minimum.outer(times, times)
    # Not failing: s · X < s · ln(barrier) at every look.
    mean = s * account.growth * times
    bound = np.full(looks, s * log(account.barrier))
    normal = multivariate_normal(mean, covariance, maxpts=400_000, abseps=1e-7, releps=1e-7)
    stays = normal.cdf(bound, rng=np.random.default_rng(0))
    assert breach_at_steps(account, timing).breach_float == pytest.approx(1 - stays, abs=3e-6)


@pytest.mark.parametrize("account", CASES)
def test_the_correction_for_steps_is_close_to_the_sum_over_them(account: OneDriver) -> None:
    summed = breach_at_steps(account, MONTH).breach_float
    corrected = breach_probability(account, MONTH, discrete=True)
    always = breach_probability(account, MONTH)
    assert corrected == pytest.approx(summed, abs=2e-3)
    assert abs(corrected - summed) < abs(always - summed) / 20


@pytest.mark.parametrize("side", ["below", "above"])
def test_bad_debt_seen_at_the_last_of_one_look_is_two_normals(side: Side) -> None:
    # One look after T, execution after d: both prices are beyond their barriers.
    account = OneDriver(side, 0.9 if side == "below" else 1.1, 0.6, 0.2)
    timing, s = Timing(10 * 86_400, 86_400, 1), account.sign
    bankruptcy = account.barrier * exp(s * 0.03)
    one, two = timing.years, timing.years + timing.delay_years
    both = multivariate_normal(
        [-s * account.growth * one, -s * account.growth * two],
        account.volatility**2 * np.array([[one, one], [one, two]]),
    )
    expected = both.cdf([-s * log(account.barrier), -s * log(bankruptcy)])
    found = breach_at_steps(account, timing, bankruptcy, 500.0)
    assert found.bad_debt_float == pytest.approx(expected, abs=1e-7)
    assert found.loss_float > 0


def test_limits() -> None:
    tiny = Timing(1, 0)
    assert breach_probability(OneDriver("below", 0.9, 0.5), tiny) == pytest.approx(0, abs=1e-12)
    for volatility in (0.0, 1e-9):
        rising = OneDriver("above", 1.05, volatility, drift=1.0)
        assert breach_probability(rising, MONTH) == pytest.approx(1.0)
        falling = OneDriver("below", 0.95, volatility, drift=1.0)
        assert breach_probability(falling, MONTH) == pytest.approx(0.0)
    for steep in (OneDriver("below", 0.5, 1e-3, -0.01), OneDriver("above", 3.0, 0.01, -5.0)):
        assert 0 <= breach_probability(steep, MONTH) <= 1
    failed = OneDriver("below", 1.1, 0.5)
    assert breach_probability(failed, MONTH) == 1
    assert sensitivities(failed, MONTH).volatility == 0
    # It fails where it is now, and not at a barrier that it is beyond of.
    at_once = Timing(MONTH.horizon_seconds, 0)
    assert bad_debt_probability(failed, 1.05, at_once) == 1
    assert bad_debt_probability(failed, 0.99, at_once) == 0
    assert expected_loss(failed, 1.05, 100.0, at_once) == pytest.approx(5.0)
    account = CASES[0]
    assert bad_debt_probability(account, 0.0, MONTH) == 0
    assert bad_debt_probability(CASES[2], inf, MONTH) == 0
    assert expected_loss(account, 0.0, 100.0, MONTH) == 0
    assert bad_debt_probability(account, account.barrier * 0.99, at_once) == 0
    assert "0.85" not in repr(account)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("under", 0.9, 0.5), "side: expected below or above"),
        (("below", 0.0, 0.5), "barrier: expected a multiple"),
        (("below", float("nan"), 0.5), "barrier: expected a multiple"),
        (("below", 0.9, -0.5), "volatility: expected a number of at least 0"),
        (("below", 0.9, float("nan")), "volatility: expected a finite number"),
        (("below", 0.9, 0.5, inf), "drift: expected a finite number"),
    ],
)
def test_what_is_refused(arguments: tuple[Side, float, float], problem: str) -> None:
    with pytest.raises(InputError, match=f"^{problem}"):
        OneDriver(*arguments)


def test_sums_that_are_refused() -> None:
    with pytest.raises(InputError, match="an account that passes"):
        breach_at_steps(OneDriver("below", 1.1, 0.5), MONTH)
    with pytest.raises(InputError, match="steps: expected at most 1000"):
        breach_at_steps(CASES[0], Timing(86_400, 0, 1001))
    with pytest.raises(InputError, match="volatility: expected one less small"):
        breach_at_steps(OneDriver("below", 0.5, 1e-4), MONTH)
    with pytest.raises(InputError, match="bankruptcy: expected a multiple"):
        bad_debt_probability(CASES[0], -0.1, MONTH)
    with pytest.raises(InputError, match="first passage density"):
        first_passage_density(CASES[0], 0.0)
