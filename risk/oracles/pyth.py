"""Pyth's numbers: fixed-point prices, and the price and confidence that publishers' quotes make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from ..checks import Moment, instant
from ..fixed_point import whole
from .confidence import Estimate
from .outcome import Reason, ReasonKind, Refusal

MAX_SLOTS_BEHIND = 25
"""A publisher's quote counts for this many slots (PC_MAX_SEND_LATENCY)."""

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_MAX_PUBLISHERS = 128


@dataclass(frozen=True, slots=True)
class PythPrice:
    """(price ± confidence)·10^exponent, as Pyth publishes it.

    Attributes:
        price: signed 64-bit.
        confidence: unsigned 64-bit.
        exponent: from −64 to 64; Pyth's own are about −12 to 0.
        publish_time: of the aggregate.

    Raises:
        InputError: a value out of its range.
    """

    price: int
    confidence: int
    exponent: int
    publish_time: Moment

    def __post_init__(self) -> None:
        whole("pyth: price", self.price, _INT64_MIN, _INT64_MAX)
        whole("pyth: confidence", self.confidence, 0, 2**64 - 1)
        whole("pyth: exponent", self.exponent, -64, 64)
        instant("pyth: publish_time", self.publish_time)

    def estimate(self) -> Estimate:
        """The same as exact numbers."""
        unit = Fraction(10) ** self.exponent
        return Estimate(self.price * unit, self.confidence * unit, self.publish_time)


@dataclass(frozen=True, slots=True)
class PublisherQuote:
    """What one publisher says, in the feed's fixed point.

    Attributes:
        price: signed 64-bit.
        confidence: unsigned 64-bit; a quote with 0 does not count.
        slots_behind: how many slots ago it was published.
        trading: whether the publisher says that the market trades.
    """

    price: int
    confidence: int
    slots_behind: int = 0
    trading: bool = True

    def __post_init__(self) -> None:
        whole("pyth: quote: price", self.price, _INT64_MIN, _INT64_MAX)
        whole("pyth: quote: confidence", self.confidence, 0, 2**64 - 1)
        whole("pyth: quote: slots_behind", self.slots_behind, 0, 2**64 - 1)

    def counts(self, max_slots_behind: int) -> bool:
        """Whether the aggregate looks at the quote: trading, σ above 0, in range, not late."""
        return (
            self.trading
            and 0 < self.confidence <= _INT64_MAX
            and _INT64_MIN + self.confidence <= self.price <= _INT64_MAX - self.confidence
            and self.slots_behind <= max_slots_behind
        )


@dataclass(frozen=True, slots=True)
class PythAggregate:
    """The price and confidence of a feed, in its fixed point, and how many quotes counted."""

    price: int
    confidence: int
    quotes: int


def publisher_aggregate(
    quotes: Iterable[PublisherQuote],
    minimum_publishers: int = 1,
    max_slots_behind: int = MAX_SLOTS_BEHIND,
) -> PythAggregate | Refusal:
    """The aggregate of publishers' quotes.

    Each quote that counts gives three votes, p − c, p and p + c. The price is the median of the
    votes, the mean of two middles rounded down; the confidence is its larger distance to the
    ⌊n/4⌋-th vote from below and from above.

    Args:
        quotes: at most 128.
        minimum_publishers: how many quotes must count; none at all is always too few.
        max_slots_behind: how late a quote may be.

    Returns:
        The aggregate, or a refusal (quorum).

    Raises:
        InputError: more than 128 quotes, a value out of its range.

    Source: pyth-network/pyth-client, `program/c/src/oracle/upd_aggregate.h` (upd_aggregate) and
    `program/c/src/oracle/model/price_model.c` (price_model_core).
    """
    given = tuple(quotes)
    whole("pyth: number of quotes", len(given), 0, _MAX_PUBLISHERS)
    needed = max(1, whole("pyth: minimum_publishers", minimum_publishers, 0, _MAX_PUBLISHERS))
    whole("pyth: max_slots_behind", max_slots_behind, 0, 2**64 - 1)
    counted = [quote for quote in given if quote.counts(max_slots_behind)]
    if len(counted) < needed:
        reason = Reason(
            ReasonKind.QUORUM, "pyth", f"at least {needed} quotes that count", str(len(counted))
        )
        return Refusal((reason,))
    votes = sorted(
        quote.price + offset
        for quote in counted
        for offset in (-quote.confidence, 0, quote.confidence)
    )
    half, quarter = len(votes) // 2, len(votes) // 4
    price = votes[half] if len(votes) % 2 else (votes[half - 1] + votes[half]) // 2
    confidence = max(price - votes[quarter], votes[-1 - quarter] - price)
    return PythAggregate(price, confidence, len(counted))
