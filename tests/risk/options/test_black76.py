"""Black-76 values against P. Jäckel's reference implementation, QuantLib, parity and bounds."""

from __future__ import annotations

from decimal import Decimal, localcontext
from itertools import product
from math import exp, inf, log, nan, sqrt
from typing import Any

import numpy as np
import pytest
import QuantLib as ql
from hypothesis import given, settings
from hypothesis import strategies as st
from vollib import lets_be_rational

from zkcollateral.errors import InputError
from zkcollateral.risk.options.black76 import (
    implied_volatility,
    price,
    terms,
    time_value,
)

FORWARD = 100.0
SECOND = 1 / 31_536_000
KINDS = (("call", 1.0), ("put", -1.0))
# From a fiftieth to fifty times the forward.
STRIKES = FORWARD * np.exp(np.linspace(-4, 4, 25))
YEARS = (1e-8, SECOND, 1e-6, 1e-4, 1 / 365, 0.02, 0.25, 1.0, 3.0, 10.0)
VOLATILITIES = (0.001, 0.01, 0.05, 0.2, 0.8, 1.5, 3.0, 6.0)
NOTHING = 1e-280
"""Below this there are not enough digits left in a float."""


def test_agrees_with_the_reference_to_the_last_digits() -> None:
    worst, compared = 0.0, 0
    for strike, years, volatility in product(STRIKES, YEARS, VOLATILITIES):
        for kind, sign in KINDS:
            value = float(price(kind, FORWARD, strike, years, volatility))
            expected = lets_be_rational.black(FORWARD, strike, volatility, years, sign)
            if expected < NOTHING:
                assert value < 10 * NOTHING
                continue
            worst, compared = max(worst, abs(value / expected - 1)), compared + 1
    assert compared > 2500
    assert worst < 1e-10


def _pi() -> Decimal:
    """16·arctan(1/5) − 4·arctan(1/239), as J. Machin found."""

    def arctan(of: int) -> Decimal:
        power = total = 1 / Decimal(of)
        for divisor in range(3, 630, 2):
            power /= -of * of
            total += power / divisor
        return total

    return 16 * arctan(5) - 4 * arctan(239)


def _normal(x: Decimal) -> Decimal:
    """N(x) = 1/2 + φ(x)·(x + x³/3 + x⁵/15 + ...), with digits for |x| < 40."""
    term = total = x
    divisor = 1
    while abs(term) > Decimal(10) ** -390:
        divisor += 2
        term *= x * x / divisor
        total += term
    root = (2 * PI).sqrt()
    return Decimal("0.5") + total * (-x * x / 2).exp() / root


def _black(strike: float, years: float, volatility: float, sign: int) -> Decimal:
    """The formula as it stands, in 420 digits."""
    with localcontext() as context:
        context.prec = 420
        forward, level = Decimal(FORWARD), Decimal(strike)
        total = Decimal(volatility) * Decimal(years).sqrt()
        d1 = (forward / level).ln() / total + total / 2
        return sign * (forward * _normal(sign * d1) - level * _normal(sign * (d1 - total)))


with localcontext() as _context:
    _context.prec = 440
    PI = _pi()


@pytest.mark.parametrize("strike", [60.0, 99.0, 99.999, 100.001, 100 * (1 + 2**-40), 101.0, 170.0])
def test_agrees_with_the_formula_in_many_digits(strike: float) -> None:
    compared = 0
    for years, volatility in product(YEARS, VOLATILITIES):
        for kind, sign in KINDS:
            if abs(log(FORWARD / strike)) > 37 * volatility * sqrt(years):
                continue
            expected = _black(strike, years, volatility, int(sign))
            value = price(kind, FORWARD, strike, years, volatility)
            assert abs(Decimal(float(value)) / expected - 1) < Decimal("1e-11")
            compared += 1
    assert compared > 50


@pytest.mark.parametrize("rate", [-0.02, 0.0, 0.07])
def test_agrees_with_quantlib(rate: float) -> None:
    compared = 0
    for strike, years, volatility in product(STRIKES, YEARS, VOLATILITIES):
        for kind, sign in KINDS:
            total, discount = volatility * sqrt(years), exp(-rate * years)
            expected = ql.blackFormula(
                ql.Option.Call if sign > 0 else ql.Option.Put, strike, FORWARD, total, discount
            )
            value = float(price(kind, FORWARD, strike, years, volatility, rate))
            # Both of its terms are good to about 1e-15 of the forward: so is their difference.
            assert value == pytest.approx(expected, rel=1e-10, abs=1e-12 * FORWARD)
            compared += expected > 1e-2 * FORWARD
    assert compared > 1000


def test_a_case_by_hand() -> None:
    # s = 0.2 and d1 = 0.1, d2 = −0.1: 100·(N(0.1) − N(−0.1)) = 100·erf(0.1/√2).
    assert float(price("call", 100, 100, 1, 0.2)) == pytest.approx(7.965567455405804, rel=1e-14)
    assert float(price("put", 100, 100, 1, 0.2, 0.1)) == pytest.approx(
        7.965567455405804 * exp(-0.1), rel=1e-14
    )
    # The doctest of vollib, whose value is from Hull's software.
    assert float(price("call", 100, 100, 0.5, 0.2, 0.02)) == pytest.approx(5.5811067246048118)


@given(
    forward=st.floats(1e-3, 1e6),
    moneyness=st.floats(-3, 3),
    years=st.floats(1e-6, 20),
    volatility=st.floats(0, 4),
    rate=st.floats(-0.1, 0.2),
)
@settings(max_examples=200)
def test_parity_and_bounds(
    forward: float, moneyness: float, years: float, volatility: float, rate: float
) -> None:
    strike = forward * exp(moneyness)
    call = float(price("call", forward, strike, years, volatility, rate))
    put = float(price("put", forward, strike, years, volatility, rate))
    discount = exp(-rate * years)
    scale = discount * max(forward, strike)
    assert call - put == pytest.approx(discount * (forward - strike), abs=1e-13 * scale)
    assert 0 <= call <= discount * forward * (1 + 1e-12)
    assert 0 <= put <= discount * strike * (1 + 1e-12)
    assert call >= discount * max(forward - strike, 0) * (1 - 1e-15)
    # Calls and puts swap with forward and strike.
    swapped = float(price("put", strike, forward, years, volatility, rate))
    assert swapped == pytest.approx(call, rel=1e-10, abs=1e-14 * scale)


@given(
    moneyness=st.floats(-1, 1),
    total=st.floats(1e-3, 5),
    share=st.floats(1.001, 1.5),
)
@settings(max_examples=150)
def test_more_volatility_is_worth_more(moneyness: float, total: float, share: float) -> None:
    of = terms("call", FORWARD, FORWARD * exp(moneyness), 1, [total, total * share])
    less, more = time_value(of)
    assert less <= more
    if less > NOTHING:
        assert less < more


def test_the_ways_of_computing_meet() -> None:
    """No jump where the series ends, nor where the plain formula begins."""
    for logs in (0.0, 1e-6, -0.003, 0.01):
        strike = FORWARD * exp(logs)
        for total in (0.01, 1.0, 2 * 0.5):
            beside = total * (1 + np.linspace(-1e-6, 1e-6, 21))
            values = time_value(terms("put", FORWARD, strike, 1, beside))
            steps = np.diff(values)
            assert np.all(steps > 0)
            assert np.max(steps) < np.min(steps) * 1.01


def test_no_volatility_leaves_the_payoff() -> None:
    found = price(["call", "put"], 100, [[90], [100], [110]], 2, 0, 0.05)
    assert found.shape == (3, 2)
    assert found == pytest.approx(np.array([[10, 0], [0, 0], [0, 10]]) * exp(-0.1))


def test_arrays_are_the_numbers_one_by_one() -> None:
    strikes, kinds = np.array([[80.0], [100.0], [120.0]]), np.array(["call", "put"])
    together = price(kinds, FORWARD, strikes, 0.3, 0.6, 0.01)
    for row, column in np.ndindex(3, 2):
        alone = price(str(kinds[column]), FORWARD, strikes[row, 0], 0.3, 0.6, 0.01)
        assert together[row, column] == alone


def test_implied_volatility_is_found_again() -> None:
    for strike, years, volatility in product(
        FORWARD * np.exp(np.linspace(-2, 2, 9)), (1e-4, 1 / 365, 0.25, 3.0), (0.05, 0.2, 0.8, 2.0)
    ):
        kind = "call" if strike >= FORWARD else "put"
        value = price(kind, FORWARD, strike, years, volatility, 0.03)
        if value < NOTHING:
            continue
        found = float(implied_volatility(kind, value, FORWARD, strike, years, 0.03))
        assert found == pytest.approx(volatility, rel=1e-9)


def test_implied_volatility_agrees_with_the_reference() -> None:
    for strike, value in product((60.0, 95.0, 100.0, 130.0), (41.0, 45.0, 60.0, 80.0, 99.0)):
        expected = lets_be_rational.implied_volatility_from_a_transformed_rational_guess(
            value, FORWARD, strike, 0.5, 1.0
        )
        found = float(implied_volatility("call", value, FORWARD, strike, 0.5))
        assert found == pytest.approx(expected, rel=1e-11)


def test_implied_volatility_in_the_money_is_as_good_as_the_price() -> None:
    value = price("call", FORWARD, 60, 0.5, 0.6)
    found = float(implied_volatility("call", value, FORWARD, 60, 0.5))
    assert found == pytest.approx(0.6, rel=1e-10)
    assert implied_volatility(["call", "put"], [[5.0], [7.0]], 100, 100, 1).shape == (2, 2)


@pytest.mark.parametrize(
    ("changed", "where", "got"),
    [
        ({"years": 0}, "option years", "an expired option"),
        ({"years": [0.5, -0.1]}, "option years[1]", "an expired option"),
        ({"years": nan}, "option years", "nan"),
        ({"volatility": -0.2}, "option volatility", "a negative one"),
        ({"volatility": [[0.1, nan]]}, "option volatility[0, 1]", "nan"),
        ({"volatility": inf}, "option volatility", "an infinite one"),
        ({"forward": 0}, "option forward", "another"),
        ({"forward": [-1.0]}, "option forward[0]", "another"),
        ({"strike": 0.0}, "option strike", "another"),
        ({"strike": -inf}, "option strike", "an infinite one"),
        ({"strike": "high"}, "option strike", "something else"),
        ({"rate": nan}, "option rate", "nan"),
        ({"kind": "straddle"}, "option kind", "'straddle'"),
        ({"kind": ["put", "C"]}, "option kind[1]", "'C'"),
        ({"strike": [1, 2], "years": [1, 2, 3]}, "option", "(), (), (2,), (3,), (), ()"),
    ],
)
def test_what_it_refuses(changed: dict[str, Any], where: str, got: str) -> None:
    usual: dict[str, Any] = {
        "kind": "call",
        "forward": 100,
        "strike": 90,
        "years": 1,
        "volatility": 0.5,
        "rate": 0.0,
    }
    with pytest.raises(InputError) as refused:
        price(**(usual | changed))
    assert (refused.value.where, refused.value.got) == (where, got)


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (10.0, "one at or below the payoff"),
        (9.0, "one at or below the payoff"),
        (100.0, "one at or above the bound"),
        (120.0, "one at or above the bound"),
    ],
)
def test_no_volatility_gives_such_a_value(value: float, got: str) -> None:
    with pytest.raises(InputError) as refused:
        implied_volatility("call", value, 100, 90, 1)
    assert (refused.value.where, refused.value.got) == ("option value", got)
    assert str(value) not in str(refused.value)


def test_the_log_of_close_numbers_keeps_its_digits() -> None:
    of = terms("call", 100 * (1 + 2**-40), 100, 1, 0.1)
    assert float(of.log_moneyness) == pytest.approx(2**-40, rel=1e-11)
    far = terms("call", 100, 1e9, 1, 0.1)
    assert float(far.log_moneyness) == pytest.approx(log(1e-7), rel=1e-15)
