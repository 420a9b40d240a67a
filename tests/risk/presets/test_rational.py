"""Exact numbers from callers: what is taken, what is refused, how a half is rounded."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from zkcollateral.errors import InputError
from zkcollateral.risk.presets.rational import label, rational, round_half_up


def test_integers_and_fractions_become_fractions():
    assert rational("here", 3) == Fraction(3)
    assert type(rational("here", 3)) is Fraction
    assert rational("here", Fraction(1, 3), low=0, high=1) == Fraction(1, 3)


@pytest.mark.parametrize("value", [1.0, True, "1", Decimal(1), None, float("nan")])
def test_what_is_not_exact_is_refused(value):
    with pytest.raises(InputError) as error:
        rational("a place", value)
    assert error.value.where == "a place"
    assert type(value).__name__ in error.value.got


@pytest.mark.parametrize(
    ("value", "bounds", "wanted"),
    [
        (-1, {"low": 0}, "at least 0"),
        (0, {"above": 0}, "more than 0"),
        (2, {"low": 0, "high": 1}, "at least 0 and at most 1"),
    ],
)
def test_a_number_out_of_bounds_is_refused_and_not_told(value, bounds, wanted):
    with pytest.raises(InputError) as error:
        rational("a place", value, **bounds)
    assert error.value.expected == f"a number {wanted}"
    assert error.value.got == "another"


def test_bounds_are_allowed_where_they_say_so():
    assert rational("here", 0, low=0) == 0
    assert rational("here", 1, above=0, high=1) == 1


@pytest.mark.parametrize("value", ["", 3, None])
def test_a_name_is_a_text_that_is_not_empty(value):
    with pytest.raises(InputError):
        label("a place", value)


@pytest.mark.parametrize(
    ("value", "decimals", "rounded"),
    [
        (Fraction(5, 10), 0, Fraction(1)),
        (Fraction(-5, 10), 0, Fraction(0)),
        (Fraction("0.0049"), 2, Fraction(0)),
        (Fraction("0.005"), 2, Fraction("0.01")),
        (Fraction("1.2345"), 3, Fraction("1.235")),
    ],
)
def test_a_half_is_rounded_up(value, decimals, rounded):
    assert round_half_up(value, decimals) == rounded
