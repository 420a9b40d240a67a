"""All of it as one stated rule: observations in, a price with bounds or a refusal out.

In this order, and with these outcomes:

    1. The sequencer is down, or up for too short: no price.
    2. A source is missing, not positive, stale, ahead of time, has too wide a confidence or a lower
       bound that is not positive: the source is left out, with the reason.
    3. What is left is aggregated. A source too far from the median: no price, or it is left out, as
       the aggregation rule says. Fewer sources than the quorum: no price. Price, lower and upper
       bound are each aggregated over the same sources, so that low ≤ price ≤ high.
    4. The price is compared with the reference, if the rule names one: see `compare`.
    5. The circuit breaker halts (no price) or clamps; the bounds then widen to hold the clamped
       price. It sees the price of step 4, and nothing when there is none.
    6. The growth cap limits the price and the lower bound; the upper bound, which debt counts at,
       stays.

If the sources make no price (steps 2 to 4), the rule refuses, or takes the last good price if that
is young enough, its bounds widened by a stated share. An outage and a halt are refusals whatever
the rule says: a stand-in would undo them. Every reason found is in the result either way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from ...errors import InputError
from ..checks import Moment, instant
from .aggregate import aggregate
from .breaker import Breaker
from .compare import compare
from .confidence import ConfidenceRule, Estimate, bounds
from .feed_rule import FeedResult, FeedRule, GoodPrice, Observation, UsablePrice
from .outcome import PriceBounds, Reason, ReasonKind, Refusal
from .sentinel import SequencerStatus

_AGGREGATE = "aggregate"
_NO_STAND_IN = {ReasonKind.SEQUENCER_DOWN, ReasonKind.GRACE_PERIOD, ReasonKind.HALTED}


def evaluate(
    rule: FeedRule,
    observations: Sequence[Observation],
    now: Moment,
    *,
    breaker: Breaker | None = None,
    last_good: GoodPrice | None = None,
    sequencer: SequencerStatus | None = None,
) -> FeedResult:
    """The price that these observations make at `now`.

    Args:
        rule: the feed's rule.
        observations: at most one of each source, and of the reference.
        now: the time of the caller.
        breaker: the state of the last result; None before the first.
        last_good: of the last result; None before the first.
        sequencer: what the uptime feed says; needed if the rule has a sentinel.

    Returns:
        A price or a refusal, and the state to hand to the next call.

    Raises:
        InputError: a source the rule does not name, or one twice; a status missing; a breaker of
            another rule; a last good price or a breaker from after `now`.
    """
    time = instant("feed: now", now)
    seen = _by_source(rule, observations)
    if rule.breaker is not None and breaker is None:
        breaker = Breaker(rule.breaker)
    if (None if breaker is None else breaker.rule) != rule.breaker:
        raise InputError("feed: breaker", "the state of the rule's own breaker", "another")
    if last_good is not None and instant("feed: last good", last_good.time) > time:
        raise InputError("feed: last good", "a price not from after now", "a later one")
    made, breaker = _make(rule, seen, time, breaker, sequencer)
    if isinstance(made, UsablePrice):
        return FeedResult(made, breaker, GoodPrice(made.bounds, min(time, made.time)))
    return FeedResult(_stand_in(rule, made, last_good, time), breaker, last_good)


def _by_source(rule: FeedRule, observations: Sequence[Observation]) -> dict[str, Estimate]:
    known = set(rule.sources)
    if rule.reference is not None:
        known.add(rule.reference[0])
    seen: dict[str, Estimate] = {}
    for observation in observations:
        if observation.source not in known:
            raise InputError("feed: observations", "a source of the rule", observation.source)
        if observation.source in seen:
            raise InputError(
                "feed: observations", "each source once", f"{observation.source} twice"
            )
        seen[observation.source] = observation.estimate
    return seen


def _make(
    rule: FeedRule,
    seen: Mapping[str, Estimate],
    now: int,
    breaker: Breaker | None,
    sequencer: SequencerStatus | None,
) -> tuple[UsablePrice | Refusal, Breaker | None]:
    if rule.sentinel is not None:
        if sequencer is None:
            raise InputError("feed: sequencer", "a status, for the rule's sentinel", "none")
        outage = rule.sentinel.check(sequencer, now)
        if outage is not None:
            return Refusal((outage,)), breaker
    made = _compared(rule, seen, now)
    if isinstance(made, Refusal):
        return made, breaker
    price, notes = made.bounds, list(made.notes)
    if breaker is not None:
        breaker, passed = breaker.observe(price.price, now)
        if isinstance(passed, Refusal):
            return Refusal((*notes, *passed.reasons)), breaker
        if passed.note is not None:
            notes.append(passed.note)
            price = PriceBounds.point(passed.price).around(price)
    if rule.growth_cap is not None:
        cap = rule.growth_cap.cap(now)
        if price.price > cap:
            expected = "a rate of at most the snapshot's with its growth"
            notes.append(Reason(ReasonKind.CAPPED, "growth cap", expected, "a higher one"))
        price = price.capped(cap)
    return UsablePrice(price, made.time, made.sources, tuple(notes)), breaker


def _compared(rule: FeedRule, seen: Mapping[str, Estimate], now: int) -> UsablePrice | Refusal:
    own = _aggregated(rule, seen, now)
    if rule.reference is None or rule.comparison is None:
        return own
    reference, confidence = rule.reference
    other = _bounds(reference, confidence, seen, now)
    primary = own.bounds if isinstance(own, UsablePrice) else own
    found = compare((_AGGREGATE, primary), (reference, other), rule.comparison)
    before = own.notes if isinstance(own, UsablePrice) else ()
    if isinstance(found, Refusal):
        return Refusal((*before, *found.reasons))
    parts: list[tuple[int, tuple[str, ...]]] = []
    if _AGGREGATE in found.used and isinstance(own, UsablePrice):
        parts.append((own.time, own.sources))
    if reference in found.used:
        parts.append((instant(f"feed: time of {reference}", seen[reference].time), (reference,)))
    sources = tuple(sorted(source for _, names in parts for source in names))
    time = min(time for time, _ in parts)
    return UsablePrice(found.bounds, time, sources, (*before, *found.notes))


def _aggregated(rule: FeedRule, seen: Mapping[str, Estimate], now: int) -> UsablePrice | Refusal:
    usable: dict[str, PriceBounds] = {}
    left_out: list[Reason] = []
    for source, confidence in sorted(rule.sources.items()):
        answer = _bounds(source, confidence, seen, now)
        if isinstance(answer, Refusal):
            left_out += answer.reasons
        else:
            usable[source] = answer
    prices = {source: answer.price for source, answer in usable.items()}
    made = aggregate(prices, rule.aggregation)
    if isinstance(made, Refusal):
        return Refusal((*left_out, *made.reasons))
    used = [usable[source] for source in made.used]
    price = PriceBounds(
        rule.aggregation.apply(answer.low for answer in used),
        made.price,
        rule.aggregation.apply(answer.high for answer in used),
    )
    oldest = min(instant(f"feed: time of {source}", seen[source].time) for source in made.used)
    return UsablePrice(price, oldest, made.used, (*left_out, *made.dropped))


def _bounds(
    source: str, rule: ConfidenceRule, seen: Mapping[str, Estimate], now: int
) -> PriceBounds | Refusal:
    if source not in seen:
        return Refusal((Reason(ReasonKind.MISSING, source, "an observation", "none"),))
    return bounds(source, seen[source], rule, now)


def _stand_in(
    rule: FeedRule, refusal: Refusal, last_good: GoodPrice | None, now: int
) -> UsablePrice | Refusal:
    if rule.last_good is None or not _NO_STAND_IN.isdisjoint(refusal.kinds()):
        return refusal
    if last_good is None:
        reason = Reason(ReasonKind.MISSING, "last good price", "one", "none yet")
        return Refusal((*refusal.reasons, reason))
    time = instant("feed: last good", last_good.time)
    if now - time > rule.last_good.max_age:
        expected = f"an age of at most {rule.last_good.max_age} seconds"
        reason = Reason(ReasonKind.STALE, "last good price", expected, f"{now - time} seconds")
        return Refusal((*refusal.reasons, reason))
    haircut = Fraction(rule.last_good.haircut)
    old = last_good.bounds
    wider = PriceBounds(old.low * (1 - haircut), old.price, old.high * (1 + haircut))
    return UsablePrice(wider, time, (), refusal.reasons, stands_in=True)
