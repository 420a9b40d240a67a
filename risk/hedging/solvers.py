"""The two solvers of scipy that plans and hedges use; numbers are doubles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector: TypeAlias = NDArray[np.float64]
    Constraint: TypeAlias = tuple[Callable[[Vector], float], Callable[[Vector], Vector]]


def linear_program(costs: Vector, **constraints: Any) -> Any:
    """`scipy.optimize.linprog` by HiGHS."""
    from scipy.optimize import linprog

    return linprog(costs, method="highs", **constraints)


def convex_program(
    value: Callable[[Vector], float],
    gradient: Callable[[Vector], Vector],
    count: int,
    at_least_zero: Sequence[Constraint],
) -> Vector:
    """The shares from 0 to 1 with the least value, by SLSQP from 0 on.

    Args:
        value: convex, of about the size of 1.
        gradient: its gradient.
        count: how many shares.
        at_least_zero: concave functions with their gradients.
    """
    from scipy import optimize

    minimise: Any = optimize.minimize
    found = minimise(
        value,
        np.zeros(count),
        jac=gradient,
        bounds=[(0.0, 1.0)] * count,
        constraints=[
            {"type": "ineq", "fun": function, "jac": slope} for function, slope in at_least_zero
        ],
        method="SLSQP",
        options={"maxiter": 1000, "ftol": 1e-15},
    )
    shares: Vector = np.clip(found.x, 0.0, 1.0)
    return shares
