"""The whole rule: every failure mode has its stated outcome."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.oracles.aggregate import AggregationRule
from zkcollateral.risk.oracles.breaker import Breaker, BreakerRule
from zkcollateral.risk.oracles.compare import ComparisonRule
from zkcollateral.risk.oracles.confidence import ConfidenceRule
from zkcollateral.risk.oracles.feed import evaluate
from zkcollateral.risk.oracles.feed_rule import (
    FeedResult,
    FeedRule,
    GoodPrice,
    LastGoodRule,
    Observation,
    UsablePrice,
)
from zkcollateral.risk.oracles.growth_cap import GrowthRule
from zkcollateral.risk.oracles.outcome import PriceBounds, ReasonKind, Refusal
from zkcollateral.risk.oracles.sentinel import Sentinel, SequencerStatus

NOW = 1_000_000_000
EACH = ConfidenceRule(max_ratio=Fraction(1, 50), max_age=60, max_ahead=5)
RULE = FeedRule(
    {"a": EACH, "b": EACH, "c": EACH},
    AggregationRule("median", quorum=2, max_deviation=Fraction(1, 20), outliers="drop"),
)
UP = SequencerStatus(down=False, since=0)
Change = dict[str, Any] | None


def seen(**changes: Change) -> list[Observation]:
    """a, b and c at 99, 100 and 101 ± 1, just now; a change of None leaves the source out."""
    found = []
    for source, price in (("a", 99), ("b", 100), ("c", 101)):
        change = changes.get(source, {})
        if change is not None:
            parts = {"price": price, "time": NOW, "confidence": 1, **change}
            found.append(Observation.of(source, **parts))
    return found


def usable(result: FeedResult) -> UsablePrice:
    assert isinstance(result.outcome, UsablePrice), result.outcome
    return result.outcome


def refused(result: FeedResult) -> list[tuple[ReasonKind, str]]:
    assert isinstance(result.outcome, Refusal), result.outcome
    return [(reason.kind, reason.source) for reason in result.outcome.reasons]


def noted(result: FeedResult) -> list[tuple[ReasonKind, str]]:
    return [(reason.kind, reason.source) for reason in usable(result).notes]


def test_all_is_well() -> None:
    result = evaluate(RULE, seen(a={"time": NOW - 60}), NOW)
    assert usable(result) == UsablePrice(PriceBounds(99, 100, 101), NOW - 60, ("a", "b", "c"), ())
    assert result.last_good == GoodPrice(PriceBounds(99, 100, 101), NOW - 60)
    assert result.breaker is None


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (None, ReasonKind.MISSING),
        ({"price": 0}, ReasonKind.NOT_POSITIVE),
        ({"price": -3}, ReasonKind.NOT_POSITIVE),
        ({"time": NOW - 61}, ReasonKind.STALE),
        ({"time": NOW + 6}, ReasonKind.AHEAD),
        ({"confidence": 3}, ReasonKind.TOO_WIDE),
        ({"price": 200}, ReasonKind.DEVIATES),
    ],
)
def test_a_source_that_fails_is_left_out_and_two_are_no_quorum_of_one(
    change: Change, kind: ReasonKind
) -> None:
    result = evaluate(RULE, seen(c=change), NOW)
    assert usable(result).sources == ("a", "b")
    assert usable(result).bounds.price == Fraction(199, 2)
    assert noted(result) == [(kind, "c")]
    if kind is not ReasonKind.DEVIATES:
        both = evaluate(RULE, seen(b=change, c=change), NOW)
        quorum = (ReasonKind.QUORUM, "quorum")
        assert refused(both) == [(kind, "b"), (kind, "c"), quorum]


def test_a_lower_bound_that_is_not_positive_leaves_the_source_out() -> None:
    wide = ConfidenceRule(max_ratio=1, max_age=60, multiple=2)
    rule = replace(RULE, sources={"a": EACH, "b": EACH, "c": wide})
    assert noted(evaluate(rule, seen(c={"confidence": 51}), NOW)) == [(ReasonKind.LOWER_BOUND, "c")]


def test_an_outlier_refuses_if_the_rule_says_so() -> None:
    rule = replace(RULE, aggregation=replace(RULE.aggregation, outliers="refuse"))
    result = evaluate(rule, seen(c={"price": 200}), NOW)
    assert refused(result) == [(ReasonKind.DEVIATES, "c")]
    assert result.last_good is None


REFERENCE = replace(RULE, reference=("chain", EACH), comparison=ComparisonRule(Fraction(1, 100)))


@pytest.mark.parametrize(
    ("choices", "price", "expected"),
    [
        ({}, 101, PriceBounds(99, 100, 101)),
        ({"on_agreement": "reference"}, 101, PriceBounds(101, 101, 101)),
        ({"on_disagreement": "conservative"}, 90, PriceBounds(90, 100, 101)),
        ({"on_disagreement": "conservative"}, 110, PriceBounds(99, 100, 110)),
        ({"on_disagreement": "primary"}, 110, PriceBounds(99, 100, 101)),
        ({"on_disagreement": "reference"}, 110, PriceBounds(110, 110, 110)),
    ],
)
def test_the_reference(choices: dict[str, Any], price: int, expected: PriceBounds) -> None:
    rule = replace(REFERENCE, comparison=ComparisonRule(Fraction(1, 100), **choices))
    result = evaluate(rule, [*seen(), Observation.of("chain", price, NOW - 7)], NOW)
    assert usable(result).bounds == expected
    wanted = [] if price == 101 else [(ReasonKind.DISAGREES, "aggregate")]
    assert noted(result) == wanted


def test_the_parts_of_a_price_are_named_with_the_oldest_time() -> None:
    both = replace(REFERENCE, comparison=ComparisonRule(0, "conservative", "conservative"))
    for reference in (Observation.of("chain", 100, NOW - 7), Observation.of("chain", 90, NOW - 7)):
        found = usable(evaluate(both, [*seen(), reference], NOW))
        assert (found.sources, found.time) == (("a", "b", "c", "chain"), NOW - 7)
    other = replace(REFERENCE, comparison=ComparisonRule(1, "reference"))
    found = usable(evaluate(other, [*seen(), Observation.of("chain", 90, NOW - 7)], NOW))
    assert (found.sources, found.time) == (("chain",), NOW - 7)
    # The same price and bounds from either side are still told apart.
    exact = [Observation.of(source, 100, NOW - 3) for source in "abc"]
    found = usable(evaluate(REFERENCE, [*exact, Observation.of("chain", 100, NOW - 7)], NOW))
    assert (found.sources, found.time) == (("a", "b", "c"), NOW - 3)


def test_a_disagreement_and_an_absent_reference_refuse_by_default() -> None:
    apart = evaluate(REFERENCE, [*seen(), Observation.of("chain", 110, NOW)], NOW)
    assert refused(apart) == [(ReasonKind.DISAGREES, "aggregate")]
    assert refused(evaluate(REFERENCE, seen(), NOW)) == [(ReasonKind.MISSING, "chain")]


def test_one_side_alone_is_used_if_the_rule_says_so() -> None:
    rule = replace(REFERENCE, comparison=ComparisonRule(0, on_absence="other"))
    alone = evaluate(rule, seen(), NOW)
    assert usable(alone).sources == ("a", "b", "c")
    assert noted(alone) == [(ReasonKind.MISSING, "chain")]
    chain = evaluate(rule, [Observation.of("chain", 50, NOW - 1)], NOW)
    assert (usable(chain).sources, usable(chain).time) == (("chain",), NOW - 1)
    assert usable(chain).bounds == PriceBounds.point(50)
    assert (ReasonKind.QUORUM, "quorum") in noted(chain)
    assert (ReasonKind.MISSING, "chain") in refused(evaluate(rule, [], NOW))


BREAKER = BreakerRule(Fraction(1, 10), window=600, cool_down=300)


def moved(action: Any) -> FeedResult:
    """100, then 150 a minute later."""
    rule = replace(RULE, breaker=replace(BREAKER, action=action))
    first = evaluate(rule, seen(), NOW)
    later = [Observation.of(source, 150, NOW + 60, 1) for source in "abc"]
    return evaluate(rule, later, NOW + 60, breaker=first.breaker, last_good=first.last_good)


def test_the_breaker_halts() -> None:
    result = moved("halt")
    assert refused(result) == [(ReasonKind.HALTED, "breaker")]
    assert result.breaker is not None
    assert result.breaker.trip is not None
    assert result.last_good == GoodPrice(PriceBounds(99, 100, 101), NOW)


def test_the_breaker_clamps_and_the_bounds_hold_both() -> None:
    result = moved("clamp")
    assert usable(result).bounds == PriceBounds(110, 110, 151)
    assert noted(result) == [(ReasonKind.CLAMPED, "breaker")]


def test_the_breaker_does_not_see_what_is_no_price() -> None:
    rule = replace(RULE, breaker=BREAKER)
    first = evaluate(rule, seen(), NOW)
    nothing = evaluate(rule, [], NOW + 1, breaker=first.breaker)
    assert nothing.breaker == first.breaker


def test_a_growth_cap_lowers_collateral_and_not_debt() -> None:
    rule = replace(RULE, growth_cap=GrowthRule(98, NOW - 365 * 86_400, Fraction(1, 100)))
    result = evaluate(rule, seen(), NOW)
    cap = Fraction(9898, 100)
    assert usable(result).bounds == PriceBounds(cap, cap, 101)
    assert noted(result) == [(ReasonKind.CAPPED, "growth cap")]
    high = replace(RULE, growth_cap=GrowthRule(100, NOW, 0))
    assert noted(evaluate(high, seen(), NOW)) == []


SENTINEL = replace(RULE, sentinel=Sentinel(3600), last_good=LastGoodRule(10**6))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (SequencerStatus(down=True, since=0), ReasonKind.SEQUENCER_DOWN),
        (SequencerStatus(down=False, since=NOW - 3600), ReasonKind.GRACE_PERIOD),
    ],
)
def test_an_outage_is_a_refusal_and_nothing_stands_in(
    status: SequencerStatus, kind: ReasonKind
) -> None:
    good = GoodPrice(PriceBounds.point(100), NOW - 1)
    result = evaluate(SENTINEL, seen(), NOW, sequencer=status, last_good=good)
    assert refused(result) == [(kind, "sequencer")]
    assert result.last_good == good
    assert usable(evaluate(SENTINEL, seen(), NOW, sequencer=UP)).notes == ()


LAST_GOOD = replace(RULE, last_good=LastGoodRule(100, Fraction(1, 10)))
GOOD = GoodPrice(PriceBounds(98, 99, 100), NOW - 100)


def test_the_last_good_price_stands_in_with_wider_bounds() -> None:
    result = evaluate(LAST_GOOD, seen(b=None, c=None), NOW, last_good=GOOD)
    found = usable(result)
    assert found.bounds == PriceBounds(Fraction(882, 10), 99, 110)
    assert (found.time, found.sources, found.stands_in) == (NOW - 100, (), True)
    assert (ReasonKind.QUORUM, "quorum") in noted(result)
    now = evaluate(LAST_GOOD, [], NOW, last_good=replace(GOOD, time=NOW))
    assert usable(now).time == NOW
    # It stays what it was: a stand-in does not renew itself.
    assert result.last_good == GOOD


def test_a_last_good_price_that_is_too_old_or_never_was() -> None:
    late = evaluate(LAST_GOOD, [], NOW + 1, last_good=GOOD)
    assert refused(late)[-1] == (ReasonKind.STALE, "last good price")
    none = evaluate(LAST_GOOD, [], NOW)
    assert refused(none)[-1] == (ReasonKind.MISSING, "last good price")
    plain = evaluate(RULE, [], NOW, last_good=GOOD)
    assert (ReasonKind.MISSING, "last good price") not in refused(plain)


def test_nothing_stands_in_for_a_halted_price() -> None:
    rule = replace(LAST_GOOD, breaker=BREAKER)
    first = evaluate(rule, seen(), NOW)
    later = [Observation.of(source, 150, NOW + 9, 1) for source in "abc"]
    result = evaluate(rule, later, NOW + 9, breaker=first.breaker, last_good=first.last_good)
    assert refused(result) == [(ReasonKind.HALTED, "breaker")]


def test_an_observation_a_little_ahead_leaves_a_usable_state() -> None:
    ahead = [Observation.of(source, 100, NOW + 5) for source in "abc"]
    first = evaluate(LAST_GOOD, ahead, NOW)
    assert first.last_good == GoodPrice(PriceBounds.point(100), NOW)
    assert usable(evaluate(LAST_GOOD, [], NOW + 1, last_good=first.last_good)).stands_in


QUOTES = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.fractions(min_value=-1, max_value=200),
        st.fractions(min_value=0, max_value=5),
        st.integers(NOW - 80, NOW + 10),
    ),
    unique_by=lambda quote: quote[0],
)


@given(QUOTES, st.sampled_from(["ranked", "median", "trimmed mean"]), st.integers(1, 3))
def test_a_price_lies_within_its_bounds_and_its_sources_or_there_is_a_reason(
    quotes: list[tuple[str, Fraction, Fraction, int]], method: Any, quorum: int
) -> None:
    rule = replace(RULE, aggregation=AggregationRule(method, quorum=quorum))
    given_quotes = [
        Observation.of(source, price, time, sigma) for source, price, sigma, time in quotes
    ]
    result = evaluate(rule, given_quotes, NOW)
    good = {
        source: (price, sigma)
        for source, price, sigma, time in quotes
        if -5 <= NOW - time <= 60 and price > 0 and sigma <= price / 50
    }
    if len(good) < quorum:
        assert refused(result)[-1] == (ReasonKind.QUORUM, "quorum")
        return
    found = usable(result)
    assert set(found.sources) == set(good)
    assert {reason.source for reason in found.notes} == set("abc") - set(good)
    low, high = found.bounds.low, found.bounds.high
    assert min(price - sigma for price, sigma in good.values()) <= low <= found.bounds.price
    assert found.bounds.price <= high <= max(price + sigma for price, sigma in good.values())


@pytest.mark.parametrize(
    "make",
    [
        lambda: FeedRule({}, AggregationRule()),
        lambda: FeedRule({"": EACH}, AggregationRule()),
        lambda: FeedRule({"a": 3}, AggregationRule()),  # type: ignore[dict-item]
        lambda: FeedRule({"a": EACH}, AggregationRule(quorum=2)),
        lambda: replace(RULE, reference=("x", EACH)),
        lambda: replace(RULE, comparison=ComparisonRule(0)),
        lambda: replace(REFERENCE, reference=("a", EACH)),
        lambda: replace(REFERENCE, reference=("aggregate", EACH)),
        lambda: LastGoodRule(-1),
        lambda: LastGoodRule(1, 1),
        lambda: LastGoodRule(1, Fraction(-1, 2)),
        lambda: Observation("a", 100),  # type: ignore[arg-type]
        lambda: Observation.of("a", 1.5, NOW),  # type: ignore[arg-type]
        lambda: evaluate(RULE, [*seen(), Observation.of("d", 1, NOW)], NOW),
        lambda: evaluate(RULE, [*seen(), Observation.of("a", 1, NOW)], NOW),
        lambda: evaluate(RULE, seen(), NOW, breaker=Breaker(BREAKER)),
        lambda: evaluate(
            replace(RULE, breaker=BREAKER),
            seen(),
            NOW,
            breaker=Breaker(replace(BREAKER, window=1)),
        ),
        lambda: evaluate(RULE, seen(), NOW, last_good=replace(GOOD, time=NOW + 1)),
        lambda: evaluate(SENTINEL, seen(), NOW),
        lambda: evaluate(RULE, seen(), float(NOW)),  # type: ignore[arg-type]
    ],
)
def test_what_the_caller_gets_wrong_is_an_error(make: Any) -> None:
    with pytest.raises(InputError):
        make()


def test_a_rule_keeps_its_own_sources() -> None:
    sources = {"a": EACH}
    rule = FeedRule(sources, AggregationRule())
    sources.clear()
    assert list(rule.sources) == ["a"]
    assert hash(rule) == hash(FeedRule({"a": EACH}, AggregationRule()))
