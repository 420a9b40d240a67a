"""GARCH(1,1): the recursions are ours, the fit is that of `arch`; each checks the other."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
import pytest
from arch import arch_model
from arch.univariate import GARCH
from numpy.typing import NDArray

from zkcollateral.errors import InputError
from zkcollateral.risk.volatility.garch import (
    MAX_STEPS,
    GarchFit,
    fit_garch,
    garch_variances,
)

OMEGA, ALPHA, BETA = 2e-6, 0.09, 0.88


def simulated(
    seed: int, count: int, omega: float = OMEGA, alpha: float = ALPHA, beta: float = BETA
) -> NDArray[np.float64]:
    """Returns of a GARCH(1,1), synthetic, from a seed."""
    shocks = np.random.default_rng(seed).standard_normal(count)
    found = np.empty(count)
    variance = omega / max(1 - alpha - beta, 0.01)
    for step, shock in enumerate(shocks):
        found[step] = np.sqrt(variance) * shock
        variance = omega + alpha * found[step] ** 2 + beta * variance
    return found


@pytest.fixture(scope="module")
def returns() -> NDArray[np.float64]:
    return simulated(5, 1500)


@pytest.fixture(scope="module")
def fit(returns: NDArray[np.float64]) -> GarchFit:
    return fit_garch(returns)


@pytest.fixture(scope="module")
def theirs(returns: NDArray[np.float64], fit: GarchFit) -> Any:
    """What `arch` makes of the same returns with the same parameters."""
    model = arch_model(returns, mean="Zero", vol="GARCH", p=1, q=1, rescale=False)
    return model.fix([fit.omega, fit.alpha, fit.beta])


def test_our_variances_are_those_of_arch(
    returns: NDArray[np.float64], fit: GarchFit, theirs: Any
) -> None:
    np.testing.assert_allclose(
        fit.conditional_volatility_float, theirs.conditional_volatility, rtol=1e-10
    )
    np.testing.assert_allclose(fit.residuals_float, theirs.std_resid, rtol=1e-10, atol=1e-14)
    process = GARCH(1, 0, 1)
    bounds = np.tile([0.0, 1e6], (len(returns), 1))
    for parameters in ([OMEGA, ALPHA, BETA], [1e-5, 0.0, 0.5], [1e-7, 0.3, 0.7]):
        expected = np.empty(len(returns))
        backcast = process.backcast(returns)
        process.compute_variance(np.array(parameters), returns, expected, backcast, bounds)
        np.testing.assert_allclose(garch_variances(returns, *parameters), expected, rtol=1e-10)


def test_our_forecasts_are_those_of_arch(fit: GarchFit, theirs: Any) -> None:
    expected = theirs.forecast(horizon=30, reindex=False).variance.to_numpy()[-1]
    np.testing.assert_allclose(fit.forecast_float(30), expected, rtol=1e-10)
    assert fit.next_volatility_float**2 == pytest.approx(expected[0], rel=1e-10)
    assert fit.volatility_over_float(30) == pytest.approx(np.sqrt(expected.sum()), rel=1e-10)
    assert fit.log_likelihood_float == pytest.approx(theirs.loglikelihood, rel=1e-10)


def test_no_parameters_nearby_are_likelier(returns: NDArray[np.float64], fit: GarchFit) -> None:
    """That the fit is a maximum, without asking who found it; beyond the search's own tolerance."""

    def likelihood(omega: float, alpha: float, beta: float) -> float:
        variances = garch_variances(returns, omega, alpha, beta)
        return float(-0.5 * np.sum(np.log(2 * np.pi * variances) + returns**2 / variances))

    best = likelihood(fit.omega, fit.alpha, fit.beta)
    assert fit.log_likelihood_float == pytest.approx(best, rel=1e-12)
    for factor in (0.8, 0.95, 1.05, 1.25):
        for place in range(3):
            parameters = [fit.omega, fit.alpha, fit.beta]
            parameters[place] *= factor
            assert likelihood(*parameters) < best + 1e-3


def test_it_finds_what_the_returns_were_made_with() -> None:
    found = fit_garch(simulated(11, 8000))
    assert found.converged
    assert found.stationary
    assert found.alpha == pytest.approx(ALPHA, abs=0.02)
    assert found.beta == pytest.approx(BETA, abs=0.03)
    assert found.omega == pytest.approx(OMEGA, rel=0.4)
    assert found.long_run_volatility_float == pytest.approx(
        np.sqrt(OMEGA / (1 - ALPHA - BETA)), rel=0.1
    )
    assert np.mean(found.residuals_float**2) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("scale", [1e-6, 0.01, 100.0])
def test_the_fit_does_not_depend_on_the_unit(
    returns: NDArray[np.float64], fit: GarchFit, scale: float
) -> None:
    other = fit_garch(returns * scale)
    assert other.alpha == pytest.approx(fit.alpha, rel=1e-6)
    assert other.omega == pytest.approx(fit.omega * scale**2, rel=1e-6)
    np.testing.assert_allclose(other.residuals_float, fit.residuals_float, rtol=1e-5, atol=1e-9)


def test_a_fit_without_long_run_says_so() -> None:
    """Variance that only grows: α + β ends at 1, where there is no mean to return to."""
    found = fit_garch(simulated(3, 2000, 1e-8, 0.25, 0.80))
    assert not found.stationary
    assert found.persistence_float >= 1 - 1e-6
    assert found.long_run_volatility_float is None
    forecast = found.forecast_float(1000)
    assert np.all(np.diff(forecast) >= -1e-12 * forecast[1:])


def test_forecasts_return_to_the_long_run(fit: GarchFit) -> None:
    assert fit.long_run_volatility_float is not None
    far = fit.forecast_float(5000)[-1]
    assert far == pytest.approx(fit.long_run_volatility_float**2, rel=1e-9)


def test_one_huge_move_among_tiny_ones() -> None:
    values = np.full(150, 1e-9)
    values[::2] *= -1
    values[70] = 10.0
    found = fit_garch(values)
    assert isinstance(found.converged, bool)
    assert np.all(np.isfinite(found.conditional_volatility_float))
    assert np.all(found.conditional_volatility_float > 0)


def test_a_search_that_did_not_converge(
    returns: NDArray[np.float64], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said in the result; what the search warned of is not, and warnings are errors here."""
    from arch.univariate import base

    search = base.minimize

    def warning(*args: Any, **options: Any) -> Any:
        warnings.warn("invalid value encountered", RuntimeWarning, stacklevel=1)
        found = search(*args, **options)
        found.status = 9
        return found

    monkeypatch.setattr(base, "minimize", warning)
    assert not fit_garch(returns).converged


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.01] * 99, "returns: expected at least 100 of them, got 99"),
        ([0.0] * 100, "returns: expected one that is not 0, got constant prices"),
        ([0.01] * 50 + [float("nan")] * 50, r"returns\[50\]: expected a finite number, got nan"),
        ([0.01] * 99 + [float("inf")], r"returns\[99\]: expected a finite number, got inf"),
        ([[0.01, 0.02]] * 100, r"expected one series, got an array of shape \(100, 2\)"),
        (["x"] * 100, "returns: expected a list of numbers"),
        ([0.01] * 99 + [1e200], r"returns\[99\]: expected a number between -1e\+100 and 1e\+100"),
        ([1e-120, -1e-120] * 50, "returns: expected one of at least 1e-100"),
    ],
)
def test_returns_that_are_none(values: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit_garch(values)


@pytest.mark.parametrize("steps", [0, -1, MAX_STEPS + 1, 1.5, True])
def test_a_horizon_that_is_none(fit: GarchFit, steps: Any) -> None:
    with pytest.raises(InputError, match="steps: expected a whole number from 1 to 100000"):
        fit.forecast_float(steps)
    with pytest.raises(InputError, match="steps"):
        fit.volatility_over_float(steps)


@pytest.mark.parametrize(
    "parameters",
    [(0.0, 0.1, 0.8), (-1.0, 0.1, 0.8), (1e-6, -0.1, 0.8), (1e-6, 0.1, float("nan"))],
)
def test_parameters_that_are_none(parameters: tuple[float, float, float]) -> None:
    with pytest.raises(InputError, match="garch: "):
        garch_variances([0.01, 0.02], *parameters)


def test_without_arch_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "arch" else found(name)
    )
    with pytest.raises(InputError, match=r"arch to be installed.*zkcollateral\[risk\]"):
        fit_garch([0.01, -0.01] * 60)


def test_nothing_that_proves_or_verifies_loads_arch() -> None:
    import subprocess

    code = (
        "import sys, zkcollateral, zkcollateral.prover.attestation as a, "
        "zkcollateral.verifier.attestation as b, zkcollateral.risk.report as c, "
        "zkcollateral.risk.volatility.garch as d; "
        "print(sorted({'arch', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
