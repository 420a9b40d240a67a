"""Many sources to one price: the ranked observation, the median, the trimmed mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from ...errors import InputError
from ..checks import Rational, exact, name, one_of, share
from ..fixed_point import whole
from .outcome import Reason, ReasonKind, Refusal

MAX_SOURCES = 64
OCR_MAX_ORACLES = 31

Method: TypeAlias = Literal["ranked", "median", "trimmed mean"]
Outliers: TypeAlias = Literal["refuse", "drop"]


@dataclass(frozen=True, slots=True)
class AggregationRule:
    """How sources are made one price.

    Attributes:
        method: `ranked` (the ⌊n/2⌋-th of n in ascending order, counted from 0, as Chainlink),
            `median` (the middle, or the mean of the two middles) or `trimmed mean`.
        quorum: how many sources must remain, 1 to 64.
        max_deviation: how far a source may lie from the median of all sources, as a share of it,
            0 to 1; the bound itself is allowed. None: any distance.
        outliers: `refuse` (one source too far is a refusal) or `drop` (it is left out; distances
            are measured once, from the median of all, and the quorum is asked of the rest).
        trim: for the trimmed mean, how many of the lowest and how many of the highest are left out.

    Raises:
        InputError: a value out of its range; a trim with another method, or one that could leave
            nothing of a quorum.
    """

    method: Method = "median"
    quorum: int = 1
    max_deviation: Rational | None = None
    outliers: Outliers = "refuse"
    trim: int = 0

    def __post_init__(self) -> None:
        one_of("aggregation: method", self.method, ("ranked", "median", "trimmed mean"))
        one_of("aggregation: outliers", self.outliers, ("refuse", "drop"))
        whole("aggregation: quorum", self.quorum, 1, MAX_SOURCES)
        if self.max_deviation is not None:
            share("aggregation: max_deviation", self.max_deviation)
        most = (self.quorum - 1) // 2 if self.method == "trimmed mean" else 0
        whole("aggregation: trim", self.trim, 0, most)

    def apply(self, values: Iterable[Rational]) -> Fraction:
        """The method alone, without deviation or quorum."""
        if self.method == "ranked":
            return ranked(values)
        if self.method == "median":
            return median(values)
        return trimmed_mean(values, self.trim)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """The price that sources make.

    Attributes:
        price: above 0.
        used: the names it is made of, ascending.
        dropped: a reason for each source that was left out as an outlier.
    """

    price: Fraction
    used: tuple[str, ...]
    dropped: tuple[Reason, ...]


def ranked(values: Iterable[Rational]) -> Fraction:
    """The ⌊n/2⌋-th of n values in ascending order, counted from 0: the upper of two middles.

    Raises:
        InputError: no value, or one that is not exact.

    Source: smartcontractkit/libocr, `offchainreporting2/reportingplugin/median/median.go`
    (shouldReport) and `contract2/OCR2Aggregator.sol` (_report).
    """
    ordered = _sorted(values)
    return ordered[len(ordered) // 2]


def median(values: Iterable[Rational]) -> Fraction:
    """The middle value; of an even number the exact mean of the two middles. Errors: as ranked."""
    ordered = _sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def trimmed_mean(values: Iterable[Rational], trim: int) -> Fraction:
    """The exact mean of what remains without the `trim` lowest and the `trim` highest.

    Raises:
        InputError: fewer than 2·trim + 1 values, or one that is not exact.
    """
    ordered = _sorted(values)
    whole("trimmed mean: trim", trim, 0, (len(ordered) - 1) // 2)
    kept = ordered[trim : len(ordered) - trim]
    return sum(kept, Fraction(0)) / len(kept)


def ocr_answer(
    observations: Iterable[Rational], faulty: int, minimum: Rational, maximum: Rational
) -> Fraction | Refusal:
    """The answer that a Chainlink off-chain report makes.

    Args:
        observations: one of each oracle, any sign and order; 1 to 31.
        faulty: f, how many oracles may be faulty; more than f observations are needed.
        minimum, maximum: the answers the contract takes, both included.

    Returns:
        The ranked observation, or a refusal (quorum, out of range).

    Raises:
        InputError: no observation or more than 31, a float, minimum above maximum.

    Source: smartcontractkit/libocr, `contract2/OCR2Aggregator.sol` (_report): f < observations,
    and minAnswer ≤ answer ≤ maxAnswer. The first generation's `contract/OffchainAggregator.sol`
    asks for more than 2f.
    """
    ordered = _sorted(observations)
    whole("ocr: number of observations", len(ordered), 1, OCR_MAX_ORACLES)
    whole("ocr: faulty", faulty, 0, OCR_MAX_ORACLES)
    low = exact("ocr: minimum", minimum)
    high = exact("ocr: maximum", maximum, low=low)
    if len(ordered) <= faulty:
        expected, got = f"more than {faulty} observations", str(len(ordered))
        return Refusal((Reason(ReasonKind.QUORUM, "ocr", expected, got),))
    answer = ranked(ordered)
    if not low <= answer <= high:
        expected = "an answer from the contract's minimum to its maximum"
        return Refusal((Reason(ReasonKind.OUT_OF_RANGE, "ocr", expected, "another"),))
    return answer


def aggregate(values: Mapping[str, Rational], rule: AggregationRule) -> Aggregate | Refusal:
    """One price of many sources.

    Args:
        values: price by source, at most 64. A price of 0 or below is a refusal: it is not left
            out silently.
        rule: method, quorum, deviation.

    Returns:
        The aggregate, or a refusal that names every source that is not positive or deviates, and
        the quorum if that is missed.

    Raises:
        InputError: a float, a name that is none, more than 64 sources.
    """
    whole("aggregate: number of sources", len(values), 0, MAX_SOURCES)
    prices = {
        name("aggregate: source", source): exact(f"aggregate: price of {source}", value)
        for source, value in sorted(values.items())
    }
    wrong = tuple(
        Reason(ReasonKind.NOT_POSITIVE, source, "a price above 0", "another")
        for source, price in prices.items()
        if price <= 0
    )
    if wrong:
        return Refusal(wrong)
    outlying = _outlying(prices, rule)
    if outlying and rule.outliers == "refuse":
        return Refusal(outlying)
    apart = {reason.source for reason in outlying}
    kept = {source: price for source, price in prices.items() if source not in apart}
    if len(kept) < rule.quorum:
        expected = f"at least {rule.quorum} sources"
        return Refusal((*outlying, Reason(ReasonKind.QUORUM, "quorum", expected, str(len(kept)))))
    return Aggregate(rule.apply(kept.values()), tuple(kept), outlying)


def _outlying(prices: Mapping[str, Fraction], rule: AggregationRule) -> tuple[Reason, ...]:
    if rule.max_deviation is None or not prices:
        return ()
    middle = median(prices.values())
    expected = f"a price within {rule.max_deviation} of the median"
    return tuple(
        Reason(ReasonKind.DEVIATES, source, expected, "one further off")
        for source, price in prices.items()
        if abs(price - middle) > rule.max_deviation * middle
    )


def _sorted(values: Iterable[Rational]) -> list[Fraction]:
    ordered = sorted(exact("aggregate: value", value) for value in values)
    if not ordered:
        raise InputError("aggregate: values", "at least one", "none")
    return ordered
