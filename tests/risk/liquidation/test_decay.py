"""How auction prices fall: the cases of makerdao/dss, src/test/abaci.t.sol, and the rounding."""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.risk.liquidation.accounts import F
from zkcollateral.errors import InputError
from zkcollateral.risk.liquidation.decay import (
    Decay,
    ExponentialDecay,
    LinearDecay,
    StairstepDecay,
)

RAY = 10**27


def floored(factor: Fraction, exponent: int) -> Fraction:
    """The power rounded down to 27 decimals, from the exact power."""
    power = factor**exponent
    return Fraction(power.numerator * RAY // power.denominator, RAY)


@pytest.mark.parametrize("tenth", range(11))
def test_linear_decrease_of_dss(tenth: int) -> None:
    # abaci.t.sol, test_linear_decrease: tau 3,600, top 1,000; 100 less every 360 seconds.
    assert 1000 * LinearDecay(3600).multiple(360 * tenth) == 1000 - 100 * tenth


def test_linear_decrease_stays_at_zero() -> None:
    assert LinearDecay(3600).multiple(3599) == F(1) / 3600
    assert LinearDecay(3600).multiple(3601) == 0
    assert LinearDecay(3600).multiple(10**9) == 0


@pytest.mark.parametrize("step", [1, 5, 300])
@pytest.mark.parametrize("percent", ["1.1234567890", "2.1234567890"])
@pytest.mark.parametrize(
    ("top", "tolerance"),
    [(50_000_000 * RAY, 100_000_000), (RAY // 10_000_000, 1)],
    ids=["50m", "0.0000001"],
)
def test_stairstep_exp_decrease_of_dss(step: int, percent: str, top: int, tolerance: int) -> None:
    # abaci.t.sol, test_stairstep_exp_decrease: over 10 minutes, each step's price is the last one's
    # times what is left, to the test's own tolerances.
    left = 1 - F(percent) / 100
    decay = StairstepDecay(step, left)
    last = top
    assert top * decay.multiple(0) == top
    for second in range(1, 600):
        price = top * decay.multiple(second)
        expected = last * left if second % step == 0 else last
        assert abs(price - expected) <= tolerance
        last = price


def test_continuous_exp_decrease_of_dss() -> None:
    # abaci.t.sol, test_continuous_exp_decrease: half-life 900 seconds, top 4,000, tolerance 0.001.
    decay = ExponentialDecay(F("0.999230132966"))
    for halvings in range(5):
        price = 4000 * decay.multiple(900 * halvings)
        assert abs(price - Fraction(4000, 2**halvings)) <= F("0.001")


@pytest.mark.parametrize(("second", "contract"), [(60, 2735783211953807380973706855)])
def test_price_of_dss_to_a_few_units_of_its_last_place(second: int, contract: int) -> None:
    # clip.t.sol, test_take_bid_avoids_recalculate_due_no_more_lot: top 5, 1% less every second. The
    # contract rounds each product half up.
    price = 5 * StairstepDecay(1, F("0.99")).multiple(second)
    assert abs(price - Fraction(contract, RAY)) <= Fraction(30, RAY)


@given(
    st.integers(1, 10**12).flatmap(
        lambda below: st.builds(Fraction, st.integers(1, below), st.just(below + 1))
    ),
    st.integers(0, 300),
)
def test_a_power_is_rounded_down_once(factor: Fraction, exponent: int) -> None:
    assert ExponentialDecay(factor).multiple(exponent) == floored(factor, exponent)


@pytest.mark.parametrize(
    ("factor", "exponent"),
    [
        (Fraction(1, 2), 27),
        (Fraction(1, 2), 28),
        (Fraction(1, 10), 27),
        (Fraction(1, 10), 28),
        (1 - Fraction(1, RAY), 3),
        (1 - Fraction(1, RAY), 1),
        (Fraction(1, 10**40), 1),
        (1 - Fraction(1, 10**40), 5),
        # √0.2 rounded up: the square of its first 39 decimals is below 0.2, its own is not.
        (Fraction(isqrt(2 * 10**89) + 1, 10**45), 2),
    ],
)
def test_powers_at_the_edge_of_27_decimals(factor: Fraction, exponent: int) -> None:
    assert ExponentialDecay(factor).multiple(exponent) == floored(factor, exponent)


def test_long_times_are_as_exact() -> None:
    assert ExponentialDecay(F("0.99999")).multiple(7201) == floored(F("0.99999"), 7201)
    assert ExponentialDecay(F("0.5")).multiple(10**9) == 0


def test_stairs_are_flat_between_steps() -> None:
    decay = StairstepDecay(90, F("0.99"))
    assert [decay.multiple(second) for second in (0, 89, 90, 179, 180)] == [
        1,
        1,
        F("0.99"),
        F("0.99"),
        F("0.9801"),
    ]


def test_the_first_seconds() -> None:
    half = ExponentialDecay(F("0.5"))
    assert [half.seconds_until(F(wanted)) for wanted in (1, "0.5", "0.25", "0.2")] == [0, 1, 2, 3]
    assert [half.seconds_until_below(F(wanted)) for wanted in (1, "0.5", "0.25")] == [1, 2, 3]
    assert StairstepDecay(90, F("0.5")).seconds_until(F("0.25")) == 180
    # 2^-89 is the last above 10^-27.
    assert half.seconds_until(F(0)) == 90


decays = st.one_of(
    st.builds(LinearDecay, st.integers(1, 5000)),
    st.builds(
        StairstepDecay, st.integers(1, 90), st.integers(1, 999).map(lambda n: Fraction(n, 1000))
    ),
    st.builds(ExponentialDecay, st.integers(1, 999).map(lambda n: Fraction(n, 1000))),
)


@given(decays, st.integers(0, 1000))
def test_a_multiple_is_reached_at_the_first_such_second(decay: Decay, thousandths: int) -> None:
    wanted = Fraction(thousandths, 1000)
    second = decay.seconds_until(wanted)
    assert decay.multiple(second) <= wanted
    assert second == 0 or decay.multiple(second - 1) > wanted
    if wanted:
        second = decay.seconds_until_below(wanted)
        assert decay.multiple(second) < wanted
        assert second == 0 or decay.multiple(second - 1) >= wanted


@given(decays, st.integers(0, 6000))
def test_a_price_never_rises(decay: Decay, second: int) -> None:
    assert decay.multiple(0) == 1
    assert 0 <= decay.multiple(second + 1) <= decay.multiple(second) <= 1


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (lambda: LinearDecay(0), "linear decay.duration_seconds"),
        (lambda: LinearDecay(1.5), "linear decay.duration_seconds"),  # type: ignore[arg-type]
        (lambda: LinearDecay(10**9 + 1), "linear decay.duration_seconds"),
        (lambda: StairstepDecay(0, Fraction(1, 2)), "stairstep decay.step_seconds"),
        (lambda: StairstepDecay(1, Fraction(0)), "stairstep decay.factor"),
        (lambda: StairstepDecay(1, Fraction(1)), "stairstep decay.factor"),
        (lambda: StairstepDecay(1, 0.99), "stairstep decay.factor"),  # type: ignore[arg-type]
        (lambda: ExponentialDecay(Fraction(1)), "exponential decay.factor"),
        (lambda: ExponentialDecay(Fraction(-1, 2)), "exponential decay.factor"),
        (lambda: LinearDecay(1).multiple(-1), "elapsed seconds"),
        (lambda: ExponentialDecay(Fraction(1, 2)).multiple(-1), "elapsed seconds"),
        (lambda: StairstepDecay(1, Fraction(1, 2)).multiple(1.0), "elapsed"),  # type: ignore[arg-type]
        (lambda: LinearDecay(1).seconds_until(Fraction(2)), "multiple"),
        (lambda: LinearDecay(1).seconds_until(Fraction(-1)), "multiple"),
        (lambda: ExponentialDecay(Fraction(1, 2)).seconds_until_below(Fraction(0)), "multiple"),
        (lambda: LinearDecay(1).seconds_until_below(Fraction(0)), "multiple"),
        (lambda: LinearDecay(1).seconds_until_below(Fraction(2)), "multiple"),
    ],
)
def test_what_is_refused(make: Any, where: str) -> None:
    with pytest.raises(InputError, match=where):
        make()
