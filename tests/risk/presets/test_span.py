"""SPAN: McMillan's worked example, and the sixteen scenarios."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.presets.span import (
    SCENARIOS,
    future_array,
    option_array,
    scanning_risk,
    scenarios,
)

# McMillan, Options as a Strategic Investment, pp. 668-670: scan range 10,000, Dec 410 call.
FUTURE = future_array(10_000)
CALL = (
    460, -610, 2640, 1730, -1270, -2340, 5210, 4540,
    -2540, -3430, 8060, 7640, -3380, -3990, 3130, -1500,
)  # fmt: skip
ARRAYS = {"future": FUTURE, "call": CALL}
# p. 668, thirds rounded to tens there.
PUBLISHED_FUTURE = (
    0, 0, 3330, 3330, -3330, -3330, 6670, 6670,
    -6670, -6670, 10_000, 10_000, -10_000, -10_000, 7_000, -7_000,
)  # fmt: skip
# p. 670, the covered write.
PUBLISHED_COVERED_WRITE = (
    -460, 610, 690, 1600, -2060, -990, 1460, 2130,
    -4130, -3240, 1940, 2360, -6620, -6010, 3870, -5500,
)  # fmt: skip


def test_published_array_of_the_future():
    for ours, published in zip(FUTURE, PUBLISHED_FUTURE, strict=True):
        assert abs(ours - published) < 5
    assert FUTURE[2] == Fraction(10_000, 3)
    assert FUTURE[14:] == (7_000, -7_000)


def test_published_covered_write():
    # Case 13: long future and short call: −6,620 in scenario 13.
    risk = scanning_risk(ARRAYS, {"future": 1, "call": -1})
    assert risk.requirement == 6_620
    assert risk.worst.number == 13
    assert risk.worst.name == "price down 3/3 of the range, volatility up"
    for ours, published in zip(risk.values, PUBLISHED_COVERED_WRITE, strict=True):
        assert abs(ours - published) < 5
    exact = scanning_risk({**ARRAYS, "future": PUBLISHED_FUTURE}, {"future": 1, "call": -1})
    assert exact.values == PUBLISHED_COVERED_WRITE


@pytest.mark.parametrize(
    ("amounts", "requirement", "number"),
    [
        ({"future": 1}, 10_000, 13),
        ({"future": -1}, 10_000, 11),
        ({"call": 1}, 3_990, 14),
        ({"call": -1}, 8_060, 11),
        # p. 671's ratio write, without its answer there: 3·7,000 − 5·1,500.
        ({"future": 3, "call": -5}, 13_500, 16),
        ({}, 0, 1),
    ],
)
def test_requirements(amounts, requirement, number):
    risk = scanning_risk(ARRAYS, amounts)
    assert (risk.requirement, risk.worst.number) == (requirement, number)


def test_the_order_and_moves_of_the_scenarios():
    assert [scenario.number for scenario in SCENARIOS] == list(range(1, 17))
    thirds = [0, 0, 1, 1, -1, -1, 2, 2, -2, -2, 3, 3, -3, -3, 6, -6]
    assert [3 * scenario.price_move for scenario in SCENARIOS] == thirds
    assert [scenario.volatility_move for scenario in SCENARIOS] == [1, -1] * 7 + [0, 0]
    assert [scenario.weight for scenario in SCENARIOS] == [1] * 14 + [Fraction(35, 100)] * 2
    assert len({scenario.name for scenario in SCENARIOS}) == 16


def test_a_house_with_other_extremes():
    other = scenarios(3, Fraction(33, 100))
    assert future_array(100, other)[14:] == (99, -99)


def test_an_option_array_weighs_the_extremes():
    array = option_array(10, [10] * 14 + [110, 0])
    assert array == (0,) * 14 + (35, Fraction(-35, 10))


@given(
    future=st.integers(-20, 20),
    call=st.integers(-20, 20),
)
def test_the_requirement_is_the_worst_loss(future, call):
    risk = scanning_risk(ARRAYS, {"future": future, "call": call})
    values = [future * f + call * c for f, c in zip(FUTURE, CALL, strict=True)]
    assert list(risk.values) == values
    assert risk.requirement == max(0, -min(values))
    assert values[risk.worst.number - 1] == min(values)
    doubled = scanning_risk(ARRAYS, {"future": 2 * future, "call": 2 * call})
    assert doubled.requirement == 2 * risk.requirement


@given(
    first=st.tuples(st.integers(-9, 9), st.integers(-9, 9)),
    second=st.tuples(st.integers(-9, 9), st.integers(-9, 9)),
)
def test_netting_never_costs(first, second):
    def requirement(future, call):
        return scanning_risk(ARRAYS, {"future": future, "call": call}).requirement

    together = requirement(first[0] + second[0], first[1] + second[1])
    assert together <= requirement(*first) + requirement(*second)


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (lambda: future_array(0), "SPAN: scan_range"),
        (lambda: future_array(1.5), "SPAN: scan_range"),
        (lambda: scenarios(Fraction(1, 2)), "SPAN: extreme_multiple"),
        (lambda: scenarios(2, 2), "SPAN: extreme_cover"),
        (lambda: option_array(-1, [0] * 16), "SPAN: value"),
        (lambda: option_array(1, [0] * 15), "SPAN: scenario_prices"),
        (lambda: option_array(1, [-1] * 16), "SPAN: scenario_prices: scenario 1"),
        (lambda: scanning_risk({"x": [0] * 17}, {}), "SPAN: array of x"),
        (lambda: scanning_risk({"x": [0.0] * 16}, {}), "SPAN: array of x: scenario 1"),
        (lambda: scanning_risk(ARRAYS, {"y": 1}), "SPAN: amount of y"),
        (lambda: scanning_risk(ARRAYS, {"call": 0.5}), "SPAN: amount of call"),
    ],
)
def test_refused(make, where):
    with pytest.raises(InputError) as error:
        make()
    assert error.value.where == where
