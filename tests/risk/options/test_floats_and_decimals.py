"""Black-76 in floats and in decimals: written apart from each other, and the same."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest

from zkcollateral.risk.fixed_point import SECONDS_PER_YEAR
from zkcollateral.risk.options import black76_exact
from zkcollateral.risk.options.black76 import Kind
from zkcollateral.risk.options.greeks import greeks

FORWARD = Fraction(64_000)
STRIKES = [Fraction(each) for each in (20_000, 48_000, 63_999, 64_000, 64_640, 80_000, 200_000)]
SECONDS = (1, 3_600, 86_400, 30 * 86_400, 400 * 86_400)
VOLATILITIES = [Fraction(each) for each in ("0.01", "0.35", "0.8", "2.5")]
KINDS: tuple[Kind, ...] = ("call", "put")


def test_value_and_delta() -> None:
    compared = 0
    for kind, strike, seconds, volatility in product(KINDS, STRIKES, SECONDS, VOLATILITIES):
        exact = black76_exact.price(kind, FORWARD, strike, volatility, seconds)
        years = seconds / SECONDS_PER_YEAR
        found = greeks(kind, float(FORWARD), float(strike), years, float(volatility))
        # The decimals cut the normal distribution off at twelve deviations.
        assert float(found.value) == pytest.approx(float(exact.value), rel=1e-10, abs=1e-24)
        assert float(found.delta) == pytest.approx(float(exact.delta), rel=1e-10, abs=1e-30)
        compared += exact.value > 1
    assert compared > 100
