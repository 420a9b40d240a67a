"""What an oracle rule answers: a price with its bounds, or a refusal with every reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ...errors import InputError
from ..checks import Rational, exact


class ReasonKind(StrEnum):
    """Why a source, or a price as a whole, is not used."""

    MISSING = "missing"
    NOT_POSITIVE = "not positive"
    STALE = "stale"
    AHEAD = "ahead of time"
    TOO_WIDE = "confidence too wide"
    LOWER_BOUND = "lower bound not positive"
    OUT_OF_RANGE = "out of range"
    DEVIATES = "deviates"
    QUORUM = "quorum"
    DISAGREES = "disagrees"
    HALTED = "halted"
    CLAMPED = "clamped"
    CAPPED = "capped"
    SEQUENCER_DOWN = "sequencer down"
    GRACE_PERIOD = "grace period"


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that is wrong.

    Attributes:
        kind: what sort of thing.
        source: the source's name, or the name of the rule where it is no single source.
        expected: what was expected.
        got: what came instead.
    """

    kind: ReasonKind
    source: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.source}: {self.kind}: expected {self.expected}, got {self.got}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """No price: at least one reason, in the order in which they were found."""

    reasons: tuple[Reason, ...]

    def __post_init__(self) -> None:
        if not self.reasons:
            raise InputError("refusal: reasons", "at least one reason", "none")

    def __str__(self) -> str:
        return "; ".join(str(reason) for reason in self.reasons)

    def kinds(self) -> tuple[ReasonKind, ...]:
        """The kinds of the reasons, in their order."""
        return tuple(reason.kind for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class PriceBounds:
    """A price and the interval it lies in, in quote for one whole asset: 0 < low ≤ price ≤ high.

    Collateral counts at `low`, debt at `high`: the side of the interval that is against the
    account.

    Raises:
        InputError: another order, a float, a bound of 0 or below.
    """

    low: Rational
    price: Rational
    high: Rational

    def __post_init__(self) -> None:
        exact("price bounds: low", self.low, above=0)
        exact("price bounds: price", self.price, low=self.low)
        exact("price bounds: high", self.high, low=self.price)

    @classmethod
    def point(cls, price: Rational) -> PriceBounds:
        """The interval that holds one price only."""
        return cls(price, price, price)

    def around(self, other: PriceBounds) -> PriceBounds:
        """This price, within the smallest interval that holds both intervals."""
        return PriceBounds(min(self.low, other.low), self.price, max(self.high, other.high))

    def capped(self, cap: Rational) -> PriceBounds:
        """Price and lower bound at most `cap`; the upper bound, which debt counts at, stays.

        A cap guards against collateral that is valued too high. Debt that is valued too low is
        what it must not cause.
        """
        limit = exact("price bounds: cap", cap, above=0)
        return PriceBounds(min(self.low, limit), min(self.price, limit), self.high)
