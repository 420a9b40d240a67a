"""GARCH(1,1): volatility that clusters, fitted to a series of returns. Everything here is a float
statistic: it describes a market, and no verdict is made of it.

    r_t = √v_t · z_t,    v_t = ω + α·r_{t−1}² + β·v_{t−1}

Sources: T. Bollerslev, "Generalized autoregressive conditional heteroskedasticity", Journal of
Econometrics 31 (1986). The parameters are fitted by `arch`, by Gaussian likelihood; variances,
forecasts and residuals are computed here. The residuals z are what filtered historical simulation
draws from (G. Barone-Adesi, K. Giannopoulos, L. Vosper, "VaR without correlations for portfolios of
derivative securities", Journal of Futures Markets 19, 1999).

Returns have mean 0, as in RiskMetrics: over short steps the mean is far smaller than its error.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError

MIN_RETURNS: Final = 100
"""Fewer returns are refused. Estimates of fewer than 500 are biased (S. Hwang, P. Valls Pereira,
"Small sample properties of GARCH estimates and persistence", 2006).
"""

MAX_STEPS: Final = 100_000
"""The longest forecast."""

UNIT_ROOT_FLOAT: Final = 1e-6
"""A fit whose α + β is closer to 1 than this is called non-stationary: the search stops there."""

_LARGEST_FLOAT: Final = 1e100
_BACKCAST_RETURNS: Final = 75
_BACKCAST_DECAY_FLOAT: Final = 0.94


@dataclass(frozen=True, eq=False)
class GarchFit:
    """A fitted GARCH(1,1) and what it says of the returns that it was fitted to.

    Attributes:
        omega, alpha, beta: the parameters; ω in squared returns.
        conditional_volatility_float: √v_t, what was expected of each return; shape (returns,).
        residuals_float: z_t = r_t / √v_t, standardised by their own volatility and not by their
            sample moments; shape (returns,).
        next_volatility_float: √v of the return after the last.
        last_variance_float: v of the last return.
        log_likelihood_float: Gaussian, of the returns.
        converged: whether the search for the parameters ended where it should.
    """

    omega: float
    alpha: float
    beta: float
    conditional_volatility_float: NDArray[np.float64]
    residuals_float: NDArray[np.float64]
    next_volatility_float: float
    last_variance_float: float
    log_likelihood_float: float
    converged: bool

    @property
    def persistence_float(self) -> float:
        """α + β: what is left of a shock to the variance after one step."""
        return self.alpha + self.beta

    @property
    def stationary(self) -> bool:
        """Whether α + β < 1, so that the variance returns to a mean."""
        return self.persistence_float < 1 - UNIT_ROOT_FLOAT

    @property
    def long_run_volatility_float(self) -> float | None:
        """√(ω / (1 − α − β)); None if the fit is not stationary: then there is none."""
        if not self.stationary:
            return None
        return float(np.sqrt(self.omega / (1 - self.persistence_float)))

    def forecast_float(self, steps: int) -> NDArray[np.float64]:
        """The expected variance of each of the next `steps` returns; shape (steps,).

        v_{h+1} = ω + (α + β)·v_h (Bollerslev 1986, section 2).

        Raises:
            InputError: no step, or more than MAX_STEPS.
        """
        _check_steps(steps)
        variances = np.empty(steps)
        variance = self.next_volatility_float**2
        for step in range(steps):
            variances[step] = variance
            variance = self.omega + self.persistence_float * variance
        return variances

    def volatility_over_float(self, steps: int) -> float:
        """The standard deviation of the sum of the next `steps` returns; errors as above."""
        return float(np.sqrt(self.forecast_float(steps).sum()))


def fit_garch(returns: ArrayLike) -> GarchFit:
    """Fit a GARCH(1,1) with mean 0 to returns.

    Args:
        returns: one return for every step, oldest first; shape (at least MIN_RETURNS,), as shares
            (0.01 is one per cent).

    Raises:
        InputError: no such array, too few, one that is not finite, or none that differs from 0; or
            `arch` is not installed.
    """
    from ..needs import require

    values = returns_array(returns, MIN_RETURNS)
    require("arch", "GARCH")
    # Fitted at a standard deviation of 1, whatever the step: the search depends on the scale.
    scale = float(np.sqrt(np.mean(values**2)))
    omega, alpha, beta, converged = _estimate(values / scale)
    omega *= scale**2
    variances = garch_variances(values, omega, alpha, beta)
    following = omega + alpha * float(values[-1]) ** 2 + beta * float(variances[-1])
    likelihood = -0.5 * float(np.sum(np.log(2 * np.pi * variances) + values**2 / variances))
    return GarchFit(
        omega=omega,
        alpha=alpha,
        beta=beta,
        conditional_volatility_float=np.sqrt(variances),
        residuals_float=values / np.sqrt(variances),
        next_volatility_float=float(np.sqrt(following)),
        last_variance_float=float(variances[-1]),
        log_likelihood_float=likelihood,
        converged=converged,
    )


def garch_variances(
    returns: ArrayLike, omega: float, alpha: float, beta: float
) -> NDArray[np.float64]:
    """v_t of every return, by the recursion above; shape (returns,).

    What stands before the first return, for r² and v, is the average of the first 75 squared
    returns with weights 0.94^t (as RiskMetrics and `arch` begin).

    Args:
        returns: oldest first, at least 2.
        omega: above 0.
        alpha, beta: at least 0.

    Raises:
        InputError: returns as in `fit_garch`, or parameters outside their range.
    """
    values = returns_array(returns, 2)
    for name, value, low in (("omega", omega, 0.0), ("alpha", alpha, 0.0), ("beta", beta, 0.0)):
        if not np.isfinite(value) or value < low or (name == "omega" and value == 0):
            raise InputError(f"garch: {name}", "a number above 0 (alpha, beta: from 0)", str(value))
    squares = values**2
    before = _backcast(squares)
    variances = np.empty(len(values))
    variances[0] = omega + (alpha + beta) * before
    for step in range(1, len(values)):
        variances[step] = omega + alpha * squares[step - 1] + beta * variances[step - 1]
    return variances


def ewma_variances_float(returns: ArrayLike, decay: float) -> NDArray[np.float64]:
    """RiskMetrics' variance in floats, to compare `ewma` with; shape (returns + 1,).

    s_t = λ·s_{t−1} + (1 − λ)·r_{t−1}², the last one for the return after the last; it begins as
    `garch_variances` does, and `ewma` with 0. It is a GARCH(1,1) with ω = 0, α = 1 − λ and β = λ.

    Args:
        returns: oldest first, at least 2.
        decay: λ, above 0 and below 1.

    Raises:
        InputError: returns as in `fit_garch`, or λ outside its range.
    """
    values = returns_array(returns, 2)
    if not 0 < decay < 1:
        raise InputError("ewma: decay", "a number above 0 and below 1", str(decay))
    squares = values**2
    variances = np.empty(len(values) + 1)
    variances[0] = _backcast(squares)
    for step, square in enumerate(squares):
        variances[step + 1] = decay * variances[step] + (1 - decay) * square
    return variances


def returns_array(returns: ArrayLike, fewest: int) -> NDArray[np.float64]:
    """Returns as an array of doubles.

    Raises:
        InputError: another shape, too few, one that is not finite or absurdly large, or all 0.
    """
    try:
        values = np.asarray(returns, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("returns", "a list of numbers", "something else") from None
    if values.ndim != 1:
        raise InputError("returns", "one series", f"an array of shape {values.shape}")
    if len(values) < fewest:
        raise InputError("returns", f"at least {fewest} of them", str(len(values)))
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        raise InputError(f"returns[{wrong[0]}]", "a finite number", str(values[wrong[0]]))
    if not np.any(values):
        raise InputError("returns", "one that is not 0", "constant prices: all are 0")
    # Squares of others are no doubles.
    sizes = np.abs(values)
    if sizes.max() > _LARGEST_FLOAT:
        where = f"returns[{sizes.argmax()}]"
        allowed = f"a number between -{_LARGEST_FLOAT:g} and {_LARGEST_FLOAT:g}"
        raise InputError(where, allowed, str(values[sizes.argmax()]))
    if sizes.max() < 1 / _LARGEST_FLOAT:
        raise InputError("returns", f"one of at least {1 / _LARGEST_FLOAT:g}", "smaller ones")
    return values


def _backcast(squares: NDArray[np.float64]) -> float:
    first = squares[:_BACKCAST_RETURNS]
    weights = _BACKCAST_DECAY_FLOAT ** np.arange(len(first))
    return float(np.sum(first * weights) / np.sum(weights))


def _estimate(values: NDArray[np.float64]) -> tuple[float, float, float, bool]:
    from arch import arch_model

    with warnings.catch_warnings():
        # Whether it converged is said in the result, to callers who look and not to a terminal.
        warnings.simplefilter("ignore")
        found: Any = arch_model(values, mean="Zero", vol="GARCH", p=1, q=1, rescale=False).fit(
            disp="off", show_warning=False
        )
    parameters = {name: float(found.params[name]) for name in ("omega", "alpha[1]", "beta[1]")}
    if not all(np.isfinite(list(parameters.values()))):
        raise InputError("returns", "a series that a GARCH(1,1) can be fitted to", "another")
    # The search may end a rounding below its bounds.
    omega = max(parameters["omega"], float(np.finfo(np.float64).tiny))
    alpha, beta = max(parameters["alpha[1]"], 0.0), max(parameters["beta[1]"], 0.0)
    return omega, alpha, beta, int(found.convergence_flag) == 0


def _check_steps(steps: int) -> None:
    if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= MAX_STEPS:
        raise InputError("steps", f"a whole number from 1 to {MAX_STEPS}", str(steps)[:40])
