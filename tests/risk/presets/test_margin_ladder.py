"""Margin by notional, and the prices at which equity covers it, against a search by bisection."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.presets.margin_ladder import MarginLadder, covered_range

LADDER = MarginLadder("table", (0, 100, 1000), (Fraction(1, 100), Fraction(2, 100), Fraction(1, 2)))


def test_margin_is_continuous_and_each_slice_has_its_rate():
    assert LADDER.deductions == (0, 1, 481)
    assert LADDER.margin(0) == 0
    assert LADDER.margin(100) == 1
    assert LADDER.margin(1000) == 1 + 18
    assert LADDER.margin(1500) == 1 + 18 + 250
    # A floor belongs to the tier that it begins.
    assert (LADDER.tier(Fraction(9999, 100)), LADDER.tier(100)) == (0, 1)


@pytest.mark.parametrize(
    ("floors", "rates", "where"),
    [
        ((), (), "table: tiers"),
        ((0, 1), (Fraction(1, 2),), "table: tiers"),
        ((1,), (Fraction(1, 2),), "table: tier 0: floor"),
        ((0, 5, 5), (Fraction(1, 9), Fraction(1, 8), Fraction(1, 7)), "table: tier 2: floor"),
        ((0, 5), (Fraction(1, 2), Fraction(1, 3)), "table: tier 1: rate"),
        ((0,), (0,), "table: tier 0: rate"),
        ((0,), (Fraction(3, 2),), "table: tier 0: rate"),
        ((0,), (0.5,), "table: tier 0: rate"),
    ],
)
def test_a_ladder_that_is_none_is_refused(floors, rates, where):
    with pytest.raises(InputError) as error:
        MarginLadder("table", floors, rates)
    assert error.value.where == where


def test_a_notional_below_0_is_refused():
    with pytest.raises(InputError) as error:
        LADDER.margin(-1)
    assert error.value.where == "table: notional"


def slack(price, constant, slope, legs):
    return constant + slope * price - sum(ladder.margin(size * price) for size, ladder in legs)


money = st.fractions(-2000, 2000, max_denominator=20)
size = st.fractions(Fraction(1, 10), 20, max_denominator=10)


@given(
    constant=money,
    sides=st.lists(st.tuples(st.sampled_from([1, -1]), size), min_size=1, max_size=2),
)
def test_the_range_is_where_equity_covers_the_margin(constant, sides):
    slope = sum((side * amount for side, amount in sides), Fraction(0))
    legs = [(amount, LADDER) for _, amount in sides]
    found = covered_range(constant, slope, legs)
    prices = [Fraction(n, 7) for n in range(1, 3000, 13)]
    prices += [bound for bound in (found.lower, found.upper) if bound is not None]
    for price in prices:
        covered = slack(price, constant, slope, legs) >= 0
        inside = (
            not found.empty
            and (found.lower is None or price >= found.lower)
            and (found.upper is None or price <= found.upper)
        )
        assert covered == inside
    for bound in (found.lower, found.upper):
        if bound is not None:
            assert slack(bound, constant, slope, legs) == 0


def test_both_bounds_of_a_hedge():
    # Long 11, short 10: more equity at first, more margin than equity from the steepest tier on.
    legs = [(Fraction(11), LADDER), (Fraction(10), LADDER)]
    found = covered_range(Fraction(-5), Fraction(1), legs)
    assert found.lower is not None
    assert found.upper is not None
    assert 0 < found.lower < found.upper


def test_touching_in_one_point_is_a_range_of_one_price():
    ladder = MarginLadder("table", (0, 10), (Fraction(1, 10), Fraction(1)))
    # slack: −4 + 0.4·P up to P = 10, −4 + 0.4·10 − 0.5·(P − 10) beyond.
    found = covered_range(Fraction(-4), Fraction(1, 2), [(Fraction(1), ladder)])
    assert (found.lower, found.upper, found.empty) == (10, 10, False)


def test_never_covered():
    found = covered_range(Fraction(-1), Fraction(-1), [(Fraction(1), LADDER)])
    assert found.empty
    found = covered_range(Fraction(0), Fraction(-1), [(Fraction(1), LADDER)])
    assert (found.lower, found.upper, found.empty) == (None, None, True)
