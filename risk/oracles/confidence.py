"""A price with its uncertainty: collateral counts at μ − kσ, debt at μ + kσ."""

from __future__ import annotations

from dataclasses import dataclass

from ..checks import Moment, Rational, duration, exact, instant
from .outcome import PriceBounds, Reason, ReasonKind, Refusal
from .update import FreshnessRule


@dataclass(frozen=True, slots=True)
class Estimate:
    """μ ± σ at a time.

    Attributes:
        price: μ, in quote for one whole asset. A source may say 0 or less: it is then refused.
        confidence: σ, the same unit, at least 0.
        time: when it was published.

    Raises:
        InputError: a float, a negative σ, a time that is none.
    """

    price: Rational
    confidence: Rational
    time: Moment

    def __post_init__(self) -> None:
        exact("estimate: price", self.price)
        exact("estimate: confidence", self.confidence, low=0)
        instant("estimate: time", self.time)


@dataclass(frozen=True, slots=True)
class ConfidenceRule:
    """When an estimate is used, and how wide.

    Attributes:
        max_ratio: the largest σ/μ that is used, at least 0, the bound itself allowed.
        max_age: the oldest that is used, in seconds, the bound itself allowed.
        max_ahead: how far ahead of now the publication may lie, in seconds. None: as far as
            `max_age`, as Pyth's own contracts measure the distance either way.
        multiple: k, at least 0; Pyth's advice is 1.

    Raises:
        InputError: a value out of its range.
    """

    max_ratio: Rational
    max_age: int
    max_ahead: int | None = None
    multiple: Rational = 1

    def __post_init__(self) -> None:
        exact("confidence: max_ratio", self.max_ratio, low=0)
        duration("confidence: max_age", self.max_age)
        if self.max_ahead is not None:
            duration("confidence: max_ahead", self.max_ahead)
        exact("confidence: multiple", self.multiple, low=0)

    @property
    def freshness(self) -> FreshnessRule:
        """The part of the rule that is about time."""
        return FreshnessRule(
            self.max_age, self.max_age if self.max_ahead is None else self.max_ahead
        )


def bounds(
    source: str, estimate: Estimate, rule: ConfidenceRule, now: Moment
) -> PriceBounds | Refusal:
    """The interval μ − kσ to μ + kσ, or every reason why the estimate is not used.

    Args:
        source: the name in the reasons.
        estimate: μ ± σ.
        rule: when it is used.
        now: the reader's time.

    Returns:
        Bounds above 0, or a refusal: too old, too far ahead, μ not above 0, σ > max_ratio·μ, or
        μ − kσ not above 0.

    Source: pyth-network/pyth-crosschain, `apps/developer-hub/content/docs/price-feeds/core/
    best-practices.mdx` (Confidence Intervals) for the two sides and the ratio,
    `target_chains/ethereum/sdk/solidity/AbstractPyth.sol` (getPriceNoOlderThan) for the age.
    """
    answer = interval(source, estimate.price, estimate.confidence, rule)
    untimely = rule.freshness.check(source, estimate.time, now)
    if untimely is None:
        return answer
    return Refusal((untimely, *(answer.reasons if isinstance(answer, Refusal) else ())))


def interval(
    source: str, price: Rational, confidence: Rational, rule: ConfidenceRule
) -> PriceBounds | Refusal:
    """`bounds` without the time: what a verifier recomputes from a signed report.

    Raises:
        InputError: a float, a negative confidence.
    """
    middle = exact(f"{source}: price", price)
    sigma = exact(f"{source}: confidence", confidence, low=0)
    if middle <= 0:
        return _refused(ReasonKind.NOT_POSITIVE, source, "a price above 0")
    if sigma > rule.max_ratio * middle:
        expected = f"a confidence of at most {rule.max_ratio} of the price"
        return _refused(ReasonKind.TOO_WIDE, source, expected)
    margin = rule.multiple * sigma
    if margin >= middle:
        expected = f"a price above {rule.multiple} times its confidence"
        return _refused(ReasonKind.LOWER_BOUND, source, expected)
    return PriceBounds(middle - margin, middle, middle + margin)


def _refused(kind: ReasonKind, source: str, expected: str) -> Refusal:
    return Refusal((Reason(kind, source, expected, "another"),))
