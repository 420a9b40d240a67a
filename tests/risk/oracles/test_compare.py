"""Two sources against each other, and the average over time."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.oracles.compare import (
    Compared,
    ComparisonRule,
    compare,
    time_weighted_average,
    within,
)
from zkcollateral.risk.oracles.outcome import PriceBounds, Reason, ReasonKind, Refusal

STALE = Refusal((Reason(ReasonKind.STALE, "x", "fresh", "old"),))
ON_CHAIN = PriceBounds(98, 100, 101)


def against(price: PriceBounds | Refusal, **rule: Any) -> Compared | Refusal:
    """An off-chain price held against the on-chain one, within two per cent."""
    rules = ComparisonRule(Fraction(1, 50), **rule)
    return compare(("off-chain", price), ("on-chain", ON_CHAIN), rules)


@pytest.mark.parametrize(
    ("price", "inside"),
    [(102, True), (98, True), (Fraction(10201, 100), False), (Fraction(9799, 100), False)],
)
def test_the_bound_itself_is_within(price: Fraction, inside: bool) -> None:
    assert within(price, 100, Fraction(1, 50)) is inside


def test_from_zero_only_zero_is_within() -> None:
    assert within(0, 0, 0)
    assert not within(1, 0, 10**6)


@pytest.mark.parametrize(
    ("choice", "expected", "used"),
    [
        ("primary", PriceBounds(101, 102, 103), ("off-chain",)),
        ("reference", ON_CHAIN, ("on-chain",)),
        ("conservative", PriceBounds(98, 102, 103), ("off-chain", "on-chain")),
    ],
)
def test_which_is_used_when_they_agree(
    choice: Any, expected: PriceBounds, used: tuple[str, ...]
) -> None:
    found = against(PriceBounds(101, 102, 103), on_agreement=choice)
    assert found == Compared(expected, used, ())


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("primary", PriceBounds(109, 110, 111)),
        ("reference", ON_CHAIN),
        ("conservative", PriceBounds(98, 110, 111)),
    ],
)
def test_which_is_used_when_they_disagree(choice: Any, expected: PriceBounds) -> None:
    found = against(PriceBounds(109, 110, 111), on_disagreement=choice)
    assert isinstance(found, Compared)
    assert found.bounds == expected
    assert [reason.kind for reason in found.notes] == [ReasonKind.DISAGREES]


def test_a_disagreement_is_refused_unless_the_rule_says_otherwise() -> None:
    found = against(PriceBounds(109, 110, 111))
    assert isinstance(found, Refusal)
    assert str(found) == (
        "off-chain: disagrees: expected a price within 1/50 of on-chain, got another"
    )


def test_one_that_is_absent() -> None:
    assert against(STALE) == STALE
    assert against(STALE, on_absence="other") == Compared(ON_CHAIN, ("on-chain",), STALE.reasons)
    rule = ComparisonRule(0, on_absence="other")
    found = compare(("off-chain", ON_CHAIN), ("on-chain", STALE), rule)
    assert found == Compared(ON_CHAIN, ("off-chain",), STALE.reasons)
    assert compare(("off-chain", ON_CHAIN), ("on-chain", STALE), ComparisonRule(0)) == STALE
    both = compare(("off-chain", STALE), ("on-chain", STALE), rule)
    assert both == Refusal(STALE.reasons * 2)


@given(st.fractions(min_value=1, max_value=200), st.fractions(min_value=0, max_value=1))
def test_conservative_bounds_hold_both_prices(price: Fraction, width: Fraction) -> None:
    own = PriceBounds(price * (1 - width / 2), price, price * (1 + width))
    found = against(own, on_agreement="conservative", on_disagreement="conservative")
    assert isinstance(found, Compared)
    assert found.bounds.price == price
    assert found.bounds.low <= min(own.low, ON_CHAIN.low)
    assert found.bounds.high >= max(own.high, ON_CHAIN.high)


def test_an_average_weighs_each_price_with_the_time_it_held() -> None:
    points = [(0, 100), (10, 200), (40, 50)]
    assert time_weighted_average(points, 0, 50) == Fraction(100 * 10 + 200 * 30 + 50 * 10, 50)
    assert time_weighted_average(points, 5, 20) == Fraction(100 * 5 + 200 * 10, 15)
    assert time_weighted_average(points, 20, 30) == 200
    assert time_weighted_average(points, 100, 107) == 50
    assert time_weighted_average([(0, 1), (0, 3)], 0, 5) == 3
    assert time_weighted_average([(0, 1), (9, 3)], 0, 5) == 1


@given(
    st.lists(st.tuples(st.integers(0, 50), st.fractions(1, 100)), min_size=1, max_size=8),
    st.integers(0, 50),
    st.integers(1, 60),
)
def test_the_average_is_the_mean_of_every_second(
    later: list[tuple[int, Fraction]], start: int, length: int
) -> None:
    points = [(0, Fraction(7)), *sorted(later, key=lambda pair: pair[0])]
    each = [
        [price for time, price in points if time <= second][-1]
        for second in range(start, start + length)
    ]
    mean = sum(each, Fraction(0)) / length
    assert time_weighted_average(points, start, start + length) == mean


@pytest.mark.parametrize(
    "make",
    [
        lambda: time_weighted_average([], 0, 1),
        lambda: time_weighted_average([(1, 5)], 0, 2),
        lambda: time_weighted_average([(0, 5)], 2, 2),
        lambda: time_weighted_average([(0, 5)], 3, 2),
        lambda: time_weighted_average([(0, 5), (4, 5), (3, 5)], 0, 9),
        lambda: time_weighted_average([(0, 0)], 0, 9),
        lambda: time_weighted_average([(0, 1.5)], 0, 9),  # type: ignore[list-item]
        lambda: ComparisonRule(-1),
        lambda: ComparisonRule(2),
        lambda: ComparisonRule(0, on_agreement="refuse"),  # type: ignore[arg-type]
        lambda: ComparisonRule(0, on_disagreement="both"),  # type: ignore[arg-type]
        lambda: ComparisonRule(0, on_absence="none"),  # type: ignore[arg-type]
        lambda: compare(("a", ON_CHAIN), ("a", ON_CHAIN), ComparisonRule(0)),
        lambda: compare(("", ON_CHAIN), ("a", ON_CHAIN), ComparisonRule(0)),
        lambda: within(1, 1, -1),
    ],
)
def test_what_is_out_of_range_is_refused(make: Any) -> None:
    with pytest.raises(InputError):
        make()
