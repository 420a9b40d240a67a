"""What a feed is made of: observations, the rule, and the state from one call to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import InputError
from ..checks import Moment, Rational, duration, instance, instant, name, share
from ..fixed_point import whole
from ..values import FrozenMap
from .aggregate import MAX_SOURCES, AggregationRule
from .breaker import Breaker, BreakerRule
from .compare import ComparisonRule
from .confidence import ConfidenceRule, Estimate
from .growth_cap import GrowthRule
from .outcome import PriceBounds, Reason, Refusal
from .sentinel import Sentinel


@dataclass(frozen=True, slots=True)
class Observation:
    """What one source says: an estimate, under the source's name."""

    source: str
    estimate: Estimate

    def __post_init__(self) -> None:
        name("observation: source", self.source)
        instance(f"observation of {self.source}: estimate", self.estimate, Estimate)

    @classmethod
    def of(
        cls, source: str, price: Rational, time: Moment, confidence: Rational = 0
    ) -> Observation:
        """An observation with its parts; a source that states no confidence has 0."""
        return cls(source, Estimate(price, confidence, time))


@dataclass(frozen=True, slots=True)
class LastGoodRule:
    """Whether the last good price stands in, and how.

    Attributes:
        max_age: seconds since it was made, the bound itself allowed.
        haircut: the share, 0 or more and below 1, by which its lower bound falls and its upper
            bound rises.
    """

    max_age: int
    haircut: Rational = 0

    def __post_init__(self) -> None:
        duration("last good: max_age", self.max_age)
        if share("last good: haircut", self.haircut) == 1:
            raise InputError("last good: haircut", "a share below 1", "1")


@dataclass(frozen=True, slots=True)
class GoodPrice:
    """A price that was used, and when it was made."""

    bounds: PriceBounds
    time: Moment

    def __post_init__(self) -> None:
        instance("good price: bounds", self.bounds, PriceBounds)
        instant("good price: time", self.time)


@dataclass(frozen=True, slots=True)
class FeedRule:
    """How a feed makes its price.

    Attributes:
        sources: by name, 1 to 64: when each is used and how wide its interval is.
        aggregation: how they are made one; its quorum is at most the number of sources.
        reference: a further source, and when that is used; it is no part of the aggregation.
        comparison: how the price is held against the reference; with a reference only.
        breaker: the circuit breaker.
        growth_cap: the cap of a yield-bearing asset's rate.
        sentinel: the grace period after an outage of the sequencer.
        last_good: None: no price is a refusal.

    Raises:
        InputError: no source, a quorum that can never be met, a reference without a comparison or
            the other way round, a reference that is one of the sources.
    """

    sources: Mapping[str, ConfidenceRule]
    aggregation: AggregationRule
    reference: tuple[str, ConfidenceRule] | None = None
    comparison: ComparisonRule | None = None
    breaker: BreakerRule | None = None
    growth_cap: GrowthRule | None = None
    sentinel: Sentinel | None = None
    last_good: LastGoodRule | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "sources", FrozenMap(self.sources))
        whole("feed: number of sources", len(self.sources), 1, MAX_SOURCES)
        for source, rule in self.sources.items():
            name("feed: source", source)
            instance(f"feed: rule of {source}", rule, ConfidenceRule)
        if self.aggregation.quorum > len(self.sources):
            raise InputError(
                "feed: aggregation.quorum",
                f"at most the {len(self.sources)} sources",
                str(self.aggregation.quorum),
            )
        if (self.reference is None) != (self.comparison is None):
            raise InputError("feed: reference", "a reference and a comparison, or neither", "one")
        if self.reference is not None and name("feed: reference", self.reference[0]) in (
            *self.sources,
            "aggregate",
        ):
            raise InputError(
                "feed: reference", "a source outside the aggregation", repr(self.reference[0])
            )


@dataclass(frozen=True, slots=True)
class UsablePrice:
    """A price that may be used.

    Attributes:
        bounds: collateral counts at `low`, debt at `high`.
        time: the oldest time of what it is made of, or that of the last good price.
        sources: the names it is made of, ascending; those of the aggregation, or the reference;
            empty for a last good price.
        notes: every reason found on the way.
        stands_in: whether it is the last good price.
    """

    bounds: PriceBounds
    time: int
    sources: tuple[str, ...]
    notes: tuple[Reason, ...]
    stands_in: bool = False


@dataclass(frozen=True, slots=True)
class FeedResult:
    """The answer, and the state for the next call.

    Attributes:
        outcome: a price or a refusal.
        breaker: its new state; None if the rule has none.
        last_good: the newest price that was no stand-in; None if there was none yet.
    """

    outcome: UsablePrice | Refusal
    breaker: Breaker | None
    last_good: GoodPrice | None
