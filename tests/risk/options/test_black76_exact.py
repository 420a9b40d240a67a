"""Black-76 in fixed decimal arithmetic, against QuantLib and against itself in more digits."""

from __future__ import annotations

from decimal import Context, Decimal, getcontext, localcontext
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from zkcollateral.risk.options import black76_exact as exact
from zkcollateral.risk.options.black76 import price as float_price

SECONDS = 86_400
YEAR = 31_536_000


def market(random: Random) -> tuple[Any, Fraction, Fraction, Fraction, int]:
    return (
        random.choice(["call", "put"]),
        Fraction(random.randint(10_000, 200_000_00), 100),
        Fraction(random.randint(10_000, 200_000_00), 100),
        Fraction(random.randint(1, 300), 100),
        random.randint(1, 900) * SECONDS,
    )


def normal_in_more_digits(x: Decimal) -> Decimal:
    """N(x) by another series, which alternates: 1/2 + Σ (−1)^k x^(2k+1) / (k! 2^k (2k+1)) / √2π."""
    if abs(x) > 15:
        return Decimal(x > 0)  # the tail is below 4·10⁻⁵¹
    with localcontext(Context(prec=160)):
        pi = Decimal(16) * _arctan(Decimal(1) / 5) - Decimal(4) * _arctan(Decimal(1) / 239)
        power, total, k = x, x, 0
        while abs(power) > Decimal(10) ** -120:
            k += 1
            power = -power * x * x / (2 * k)
            total += power / (2 * k + 1)
        return Decimal("0.5") + total / (2 * pi).sqrt()


def _arctan(x: Decimal) -> Decimal:
    power, total, k = x, x, 0
    while abs(power) > Decimal(10) ** -150:
        k += 1
        power = -power * x * x
        total += power / (2 * k + 1)
    return total


def in_more_digits(
    right: str, forward: Fraction, strike: Fraction, volatility: Fraction, seconds: int
) -> tuple[Decimal, Decimal]:
    with localcontext(Context(prec=120)):
        f = Decimal(forward.numerator) / forward.denominator
        k = Decimal(strike.numerator) / strike.denominator
        sigma = Decimal(volatility.numerator) / volatility.denominator
        s = sigma * (Decimal(seconds) / YEAR).sqrt()
        d1 = (f / k).ln() / s + s / 2
        d2 = d1 - s
        n1, n2 = normal_in_more_digits(d1), normal_in_more_digits(d2)
        call = f * n1 - k * n2
        return (call, n1) if right == "call" else (call - f + k, n1 - 1)


def test_values_and_deltas_are_exact_to_the_stated_bound() -> None:
    random = Random(1)
    for _ in range(60):
        right, forward, strike, volatility, seconds = market(random)
        found = exact.price(right, forward, strike, volatility, seconds)
        value, delta = in_more_digits(right, forward, strike, volatility, seconds)
        with localcontext(Context(prec=120)):
            bound = Decimal(10) ** -30
            assert abs(found.value - value) <= bound * Decimal(int(forward + strike))
            assert abs(found.delta - delta) <= bound


@pytest.mark.parametrize("x", ["-13", "-12", "-11.99", "-6", "-1", "-1E-20", "0", "0.5", "8.3"])
def test_the_normal_distribution(x: str) -> None:
    with localcontext(exact._CONTEXT):
        found = exact._normal(Decimal(x))
        other = exact._normal(-Decimal(x))
        assert abs(found + other - 1) <= Decimal(10) ** -39
    assert abs(found - normal_in_more_digits(Decimal(x))) < Decimal("2.1E-33")
    if abs(Decimal(x)) < 12:
        assert abs(found - normal_in_more_digits(Decimal(x))) < Decimal("1E-38")


def test_quantlib_agrees() -> None:
    quantlib = pytest.importorskip("QuantLib")
    random = Random(2)
    compared = 0
    for _ in range(400):
        right, forward, strike, volatility, seconds = market(random)
        kind = quantlib.Option.Call if right == "call" else quantlib.Option.Put
        deviation = float(volatility) * (seconds / YEAR) ** 0.5
        theirs = quantlib.blackFormula(kind, float(strike), float(forward), deviation)
        # Their difference has no more digits than doubles of its parts.
        if theirs > 1e-5 * float(max(forward, strike)):
            ours = exact.price(right, forward, strike, volatility, seconds).value
            assert float(ours) == pytest.approx(theirs, rel=1e-10)
            compared += 1
    assert compared > 200


def test_the_float_module_agrees() -> None:
    random = Random(3)
    for _ in range(200):
        right, forward, strike, volatility, seconds = market(random)
        ours = exact.price(right, forward, strike, volatility, seconds)
        theirs = float_price(
            right, float(forward), float(strike), seconds / YEAR, float(volatility)
        )
        assert float(ours.value) == pytest.approx(float(theirs), rel=1e-9, abs=1e-24)


def test_no_volatility_leaves_the_intrinsic_value() -> None:
    for right, forward, value, delta in [
        ("call", 110, 10, 1),
        ("call", 90, 0, 0),
        ("put", 90, 10, -1),
        ("put", 110, 0, 0),
        ("call", 100, 0, 0),
        ("put", 100, 0, -1),
    ]:
        found = exact.price(right, Fraction(forward), Fraction(100), Fraction(0), 1)  # type: ignore[arg-type]
        assert (found.value, found.delta) == (value, delta)


def test_far_from_the_strike_nothing_is_left_of_it() -> None:
    tiny, huge = Fraction(1, 10**20), Fraction(10**20)
    assert exact.price("call", tiny, huge, Fraction(1, 100), 1).value == 0
    assert exact.price("put", huge, tiny, Fraction(1, 100), 1).value == 0
    certain = exact.price("call", huge, tiny, Fraction(1, 100), 1)
    assert certain.delta == 1


def test_the_callers_context_changes_nothing() -> None:
    arguments: Any = ("put", Fraction(64000), Fraction(70000), Fraction(65, 100), 30 * SECONDS)
    before = exact.price(*arguments)
    exact.logarithm.cache_clear()
    with localcontext(Context(prec=5, rounding="ROUND_UP")):
        assert exact.price(*arguments) == before
        assert getcontext().prec == 5


def test_the_numbers_are_these_on_every_machine() -> None:
    """Locked: another last digit would be another statement."""
    found = exact.price("call", Fraction(64000), Fraction(70000), Fraction(65, 100), 30 * SECONDS)
    assert str(found.value) == LOCKED_VALUE
    assert str(found.delta) == LOCKED_DELTA


LOCKED_VALUE = "2535.91019349544198504803854377805082932"
LOCKED_DELTA = "0.3491159360129181983167769004829408441991"
