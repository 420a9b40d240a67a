"""Aggregation: Chainlink's ranked observation, the median, the trimmed mean, quorum, outliers."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.oracles.aggregate import (
    Aggregate,
    AggregationRule,
    aggregate,
    median,
    ocr_answer,
    ranked,
    trimmed_mean,
)
from zkcollateral.risk.oracles.outcome import ReasonKind, Refusal

NUMBERS = st.lists(st.fractions(min_value=-1000, max_value=1000), min_size=1, max_size=31)
PRICES = st.dictionaries(
    st.sampled_from(list("abcdefghij")), st.fractions(min_value=1, max_value=10**6), min_size=1
)


# libocr, offchainreporting2/reportingplugin/median/evmreportcodec/reportcodec.go
# (MedianFromReport) and contract2/OCR2Aggregator.sol (_report): observations[length / 2].
@pytest.mark.parametrize(
    ("observations", "answer"),
    [([7], 7), ([1, 2], 2), ([2, 1], 2), ([3, 1, 2], 2), ([4, 1, 3, 2], 3), ([-5, -1, -3, -2], -2)],
)
def test_the_ranked_observation_is_the_upper_middle(observations: list[int], answer: int) -> None:
    assert ranked(observations) == answer
    assert ocr_answer(observations, 0, -10, 10) == answer


def test_the_exact_median_of_an_even_number_is_the_mean_of_the_middles() -> None:
    assert median([1, 2, 4, 9]) == 3
    assert median([Fraction(1, 3), Fraction(1, 7)]) == Fraction(5, 21)


@given(NUMBERS)
def test_median_and_rank_as_the_standard_library_has_them(values: list[Fraction]) -> None:
    assert median(values) == statistics.median(values)
    assert ranked(values) == statistics.median_high(values)
    assert trimmed_mean(values, 0) == sum(values, Fraction(0)) / len(values)


@given(NUMBERS)
def test_faulty_minorities_cannot_move_the_ranked_answer_out_of_the_honest_range(
    honest: list[Fraction],
) -> None:
    faulty = len(honest) - 1
    for lie in (Fraction(-(10**9)), Fraction(10**9)):
        answer = ranked([*honest, *[lie] * faulty])
        assert min(honest) <= answer <= max(honest)


def test_a_trimmed_mean_leaves_out_both_ends() -> None:
    assert trimmed_mean([1000, 1, 2, 4, 0], 1) == Fraction(7, 3)
    assert trimmed_mean([1, 5, 9], 1) == 5
    for trim in (3, -1):
        with pytest.raises(InputError, match="trim"):
            trimmed_mean([1, 2, 3, 4, 5], trim)


@pytest.mark.parametrize("function", [ranked, median, lambda values: trimmed_mean(values, 0)])
def test_no_value_and_a_float_are_refused(function: Callable[[Any], Fraction]) -> None:
    with pytest.raises(InputError, match="at least one, got none"):
        function([])
    with pytest.raises(InputError, match="got a float"):
        function([1, 2.0])


# libocr, contract2/OCR2Aggregator.sol (_report): `f < observations`, min ≤ median ≤ max.
def test_ocr_needs_more_observations_than_may_be_faulty() -> None:
    assert ocr_answer([1, 2], 1, 0, 10) == 2
    found = ocr_answer([1, 2], 2, 0, 10)
    assert isinstance(found, Refusal)
    assert str(found) == "ocr: quorum: expected more than 2 observations, got 2"


@pytest.mark.parametrize(("low", "high", "allowed"), [(2, 2, True), (3, 9, False), (0, 1, False)])
def test_ocr_answers_within_the_contracts_range_only(low: int, high: int, allowed: bool) -> None:
    found = ocr_answer([1, 2, 3], 1, low, high)
    if allowed:
        assert found == 2
    else:
        assert isinstance(found, Refusal)
        assert found.kinds() == (ReasonKind.OUT_OF_RANGE,)


def test_ocr_takes_one_to_31_observations() -> None:
    assert ocr_answer(range(31), 10, 0, 100) == 15
    for observations in ([], range(32)):
        with pytest.raises(InputError):
            ocr_answer(observations, 0, 0, 100)
    with pytest.raises(InputError, match="ocr: maximum"):
        ocr_answer([1], 0, 5, 4)


def deviation(limit: Fraction | None = Fraction(1, 50), **rest: Any) -> AggregationRule:
    return AggregationRule(max_deviation=limit, **{"quorum": 2, **rest})


def test_a_source_at_the_limit_is_used_and_one_beyond_is_refused() -> None:
    values: dict[str, Fraction | int] = {"a": 100, "b": 100, "c": 102}
    assert aggregate(values, deviation()) == Aggregate(Fraction(100), ("a", "b", "c"), ())
    found = aggregate({**values, "c": Fraction(10201, 100)}, deviation())
    assert isinstance(found, Refusal)
    assert [(reason.kind, reason.source) for reason in found.reasons] == [
        (ReasonKind.DEVIATES, "c")
    ]


def test_an_outlier_is_dropped_if_the_rule_says_so_and_the_quorum_asked_of_the_rest() -> None:
    values = {"a": 100, "b": 101, "c": 150, "d": 101}
    found = aggregate(values, deviation(outliers="drop"))
    assert isinstance(found, Aggregate)
    assert (found.price, found.used) == (101, ("a", "b", "d"))
    assert [reason.source for reason in found.dropped] == ["c"]
    refused = aggregate(values, deviation(outliers="drop", quorum=4))
    assert isinstance(refused, Refusal)
    assert refused.kinds() == (ReasonKind.DEVIATES, ReasonKind.QUORUM)


def test_distances_are_measured_once_from_the_median_of_all() -> None:
    # Of two sources far apart both deviate from their middle.
    found = aggregate({"a": 100, "b": 200}, deviation(outliers="drop", quorum=1))
    assert isinstance(found, Refusal)
    assert found.kinds() == (ReasonKind.DEVIATES, ReasonKind.DEVIATES, ReasonKind.QUORUM)


@pytest.mark.parametrize("price", [0, -1])
def test_a_price_that_is_not_positive_refuses_and_names_the_source(price: int) -> None:
    found = aggregate({"a": 100, "b": price, "c": 100}, deviation())
    assert isinstance(found, Refusal)
    assert str(found) == "b: not positive: expected a price above 0, got another"


def test_too_few_sources_are_no_quorum() -> None:
    for values in ({}, {"a": 1}):
        found = aggregate(values, deviation())
        assert isinstance(found, Refusal)
        assert found.kinds() == (ReasonKind.QUORUM,)


@given(PRICES, st.sampled_from(["refuse", "drop"]))
def test_what_is_used_lies_within_the_limit_and_around_the_price(
    values: dict[str, Fraction], outliers: Any
) -> None:
    found = aggregate(values, AggregationRule(max_deviation=Fraction(1, 10), outliers=outliers))
    middle = statistics.median(values.values())
    near = {name for name, value in values.items() if abs(value - middle) <= middle / 10}
    if isinstance(found, Refusal):
        assert near != set(values) if outliers == "refuse" else not near
    else:
        assert set(found.used) == near
        assert min(values[name] for name in near) <= found.price
        assert found.price <= max(values[name] for name in near)


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "mean"},
        {"outliers": "keep"},
        {"quorum": 0},
        {"quorum": 65},
        {"max_deviation": Fraction(3, 2)},
        {"max_deviation": 0.02},
        {"trim": 1},
        {"method": "trimmed mean", "quorum": 2, "trim": 1},
        {"method": "trimmed mean", "quorum": 3, "trim": -1},
    ],
)
def test_a_rule_out_of_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"^aggregation: "):
        AggregationRule(**wrong)


def test_the_trimmed_mean_is_a_method() -> None:
    rule = AggregationRule("trimmed mean", quorum=3, trim=1)
    found = aggregate({"a": 1, "b": 5, "c": 6, "d": 1000}, rule)
    assert isinstance(found, Aggregate)
    assert found.price == Fraction(11, 2)
    ranked_one = aggregate({"a": 1, "b": 5, "c": 6, "d": 1000}, AggregationRule("ranked"))
    assert isinstance(ranked_one, Aggregate)
    assert ranked_one.price == 6


def test_names_floats_and_numbers_of_sources_are_checked() -> None:
    with pytest.raises(InputError, match="aggregate: source"):
        aggregate({"": 1}, AggregationRule())
    with pytest.raises(InputError, match="aggregate: price of a"):
        aggregate({"a": 1.5}, AggregationRule())  # type: ignore[dict-item]
    with pytest.raises(InputError, match="number of sources"):
        aggregate({f"s{index}": 1 for index in range(65)}, AggregationRule())
