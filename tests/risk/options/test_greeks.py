"""Greeks against QuantLib, vollib, and differences of exact enough values."""

from __future__ import annotations

from itertools import product
from math import exp, sqrt
from typing import Any

import numpy as np
import pytest
import QuantLib as ql
from vollib.black.greeks import analytical

from zkcollateral.errors import InputError
from zkcollateral.risk.options.black76 import Kind, price
from zkcollateral.risk.options.greeks import greeks

FORWARD, RATE = 100.0, 0.03
STRIKES = FORWARD * np.exp(np.linspace(-2, 2, 17))
YEARS = (1e-6, 1e-4, 1 / 365, 0.02, 0.25, 1.0, 3.0)
VOLATILITIES = (0.05, 0.2, 0.8, 1.5, 3.0)
KINDS: tuple[Kind, ...] = ("call", "put")
GRID = [*product(KINDS, STRIKES, YEARS, VOLATILITIES)]
NOTHING = 1e-200


def test_agree_with_quantlib() -> None:
    compared = 0
    for kind, strike, years, volatility in GRID:
        found = greeks(kind, FORWARD, strike, years, volatility, RATE)
        payoff = ql.PlainVanillaPayoff(ql.Option.Call if kind == "call" else ql.Option.Put, strike)
        total, discount = volatility * sqrt(years), exp(-RATE * years)
        expected = ql.BlackCalculator(payoff, FORWARD, total, discount)
        # Deep out of the money it takes 1 − N(x) and differences: good to 1e-15 of their terms.
        assert float(found.delta) == pytest.approx(expected.deltaForward(), rel=1e-10, abs=1e-15)
        assert float(found.gamma) == pytest.approx(expected.gammaForward(), rel=1e-10, abs=1e-100)
        assert float(found.vega) == pytest.approx(expected.vega(years), rel=1e-10, abs=1e-100)
        spot = FORWARD
        delta, gamma = found.by_spot(FORWARD, spot)
        assert float(delta) == pytest.approx(expected.delta(spot), rel=1e-10, abs=1e-15)
        assert float(gamma) == pytest.approx(expected.gamma(spot), rel=1e-10, abs=1e-100)
        compared += expected.gammaForward() > 1e-100
    assert compared > 650


def test_agree_with_vollib() -> None:
    compared = 0
    for kind, strike, years, volatility in GRID:
        found = greeks(kind, FORWARD, strike, years, volatility, RATE)
        arguments = (kind[0], FORWARD, strike, years, RATE, volatility)
        pairs = [
            (found.delta, analytical.delta(*arguments)),
            (found.gamma, analytical.gamma(*arguments)),
            (found.vega_point, analytical.vega(*arguments)),
            (found.rho / 100, analytical.rho(*arguments)),
        ]
        for mine, theirs in pairs:
            if abs(theirs) > NOTHING:
                assert float(mine) == pytest.approx(theirs, rel=1e-10)
                compared += 1
        # Its theta is a sum of three terms that cancel, ours of two.
        scale = RATE * max(FORWARD, strike) / 365
        assert float(found.theta_day) == pytest.approx(
            analytical.theta(*arguments), rel=1e-10, abs=1e-14 * scale
        )
    assert compared > 3000


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strike", [70.0, 95.0, 100.0, 140.0])
@pytest.mark.parametrize(("years", "volatility"), [(0.1, 0.8), (1.0, 0.3), (2.0, 1.2)])
def test_agree_with_central_differences(
    kind: Kind, strike: float, years: float, volatility: float
) -> None:
    usual: dict[str, float] = {
        "forward": FORWARD,
        "strike": strike,
        "years": years,
        "volatility": volatility,
        "rate": RATE,
    }

    def moved(**change: float) -> float:
        return float(price(kind, **{name: usual[name] + change.get(name, 0) for name in usual}))

    def slope(name: str, step: float) -> float:
        # Of fourth order.
        near = moved(**{name: step}) - moved(**{name: -step})
        far = moved(**{name: 2 * step}) - moved(**{name: -2 * step})
        return (8 * near - far) / (12 * step)

    found = greeks(kind, **usual)
    assert float(found.value) == moved()
    assert float(found.delta) == pytest.approx(slope("forward", 0.05), rel=1e-7)
    assert float(found.vega) == pytest.approx(slope("volatility", 1e-3), rel=1e-7)
    assert float(found.theta) == pytest.approx(-slope("years", 1e-3), rel=1e-5)
    assert float(found.rho) == pytest.approx(slope("rate", 1e-3), rel=1e-8)
    step = 0.1
    bend = (moved(forward=step) - 2 * moved() + moved(forward=-step)) / step**2
    assert float(found.gamma) == pytest.approx(bend, rel=1e-4)


def test_calls_and_puts_differ_by_the_forward() -> None:
    call, put = (greeks(kind, FORWARD, STRIKES, 0.7, 0.9, RATE) for kind in KINDS)
    discount = exp(-RATE * 0.7)
    assert call.delta - put.delta == pytest.approx(np.full(17, discount))
    assert np.array_equal(call.gamma, put.gamma)
    assert np.array_equal(call.vega, put.vega)
    assert call.theta - put.theta == pytest.approx(RATE * discount * (FORWARD - STRIKES))
    assert call.rho - put.rho == pytest.approx(-0.7 * discount * (FORWARD - STRIKES))


def test_the_equation_of_black_holds() -> None:
    """θ + σ²F²Γ/2 = r·V: Black's differential equation of an option on a forward."""
    found = greeks("put", FORWARD, STRIKES, 0.7, 0.9, RATE)
    left = found.theta + 0.5 * 0.9**2 * FORWARD**2 * found.gamma
    assert left == pytest.approx(RATE * found.value, rel=1e-10)


def test_by_spot_moves_with_the_forward() -> None:
    spot, carry = 96.0, FORWARD / 96.0
    found = greeks("call", FORWARD, 105, 0.5, 0.6)
    delta, gamma = found.by_spot(FORWARD, spot)
    step = 0.01
    up, now, down = (
        float(price("call", (spot + move) * carry, 105, 0.5, 0.6)) for move in (step, 0, -step)
    )
    assert float(delta) == pytest.approx((up - down) / (2 * step), rel=1e-7)
    assert float(gamma) == pytest.approx((up - 2 * now + down) / step**2, rel=1e-4)


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"volatility": 0}, "option volatility"),
        ({"volatility": [0.5, 0.0]}, "option volatility[1]"),
        ({"volatility": -1}, "option volatility"),
        ({"years": -1}, "option years"),
        ({"forward": [-5.0]}, "option forward[0]"),
    ],
)
def test_what_they_refuse(changed: dict[str, Any], where: str) -> None:
    usual: dict[str, Any] = {"forward": 100, "strike": 90, "years": 1, "volatility": 0.5}
    with pytest.raises(InputError) as refused:
        greeks("put", **(usual | changed))
    assert refused.value.where == where


def test_a_spot_of_nothing() -> None:
    with pytest.raises(InputError, match="option spot"):
        greeks("put", 100, 90, 1, 0.5).by_spot(100, 0)
