"""Price reports, and the round that a quorum of them makes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ..errors import PriceRoundError
from .clock import seconds_between
from .document import Document
from .histories import HistoryShape, PriceHistory, Said, combine_histories
from .policy import OracleRule, Policy
from .values import (
    Exact,
    FrozenMap,
    HexDigest,
    Name,
    NonNegative,
    Positive,
    Several,
    Time,
    refusal,
)

MAX_REPORTS = 64


class PriceReport(Document):
    """What one oracle says one whole asset costs, in `quote`.

    `confidence` is how far off it thinks its prices may be (σ), in quote; `figures` are other
    public numbers by name: exchange rates, deposits, open interest. `histories` are earlier prices,
    in quote.
    """

    format: Literal["zkcollateral/price-report/1"] = "zkcollateral/price-report/1"
    oracle: Name
    time: Time
    quote: Name
    prices: FrozenMap[Positive]
    confidence: FrozenMap[NonNegative] = FrozenMap({})
    figures: FrozenMap[Positive] = FrozenMap({})
    histories: FrozenMap[PriceHistory] = FrozenMap({})

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.prices:
            raise refusal("at least one price", "none", "prices")
        return self


class PriceRound(Document):
    """The prices a statement is built on, and the digests of their reports, ascending."""

    format: Literal["zkcollateral/price-round/1"] = "zkcollateral/price-round/1"
    time: Time
    quote: Name
    prices: FrozenMap[Positive]
    reports: Annotated[Several[HexDigest], Field(min_length=1, max_length=MAX_REPORTS)]
    confidence: FrozenMap[NonNegative] = FrozenMap({})
    figures: FrozenMap[Positive] = FrozenMap({})
    histories: FrozenMap[PriceHistory] = FrozenMap({})

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.prices:
            raise refusal("at least one price", "none", "prices")
        for index in range(1, len(self.reports)):
            if self.reports[index - 1] >= self.reports[index]:
                raise refusal("digests in ascending order", "another order", f"reports[{index}]")
        return self


def combine_for(reports: Mapping[str, PriceReport], policy: Policy) -> PriceRound:
    """The round that these reports make with everything that a policy needs; see `combine`."""
    return combine(
        reports,
        policy.oracle,
        policy.symbols,
        figures=policy.figures,
        confidence=policy.confidence is not None,
        histories=policy.histories,
    )


def combine(
    reports: Mapping[str, PriceReport],
    rule: OracleRule,
    symbols: Collection[str],
    *,
    figures: Collection[str] = (),
    confidence: bool = False,
    histories: Mapping[str, HistoryShape] = FrozenMap({}),
) -> PriceRound:
    """The round that these reports make: for every symbol the exact median.

    The same reports give the same round, byte for byte: prices are in their shortest spelling.
    Nothing here asks what time it is; who relies on the round checks its age.

    Args:
        reports: by the SHA-256 hex digest of the payload that the oracle signed; 1 to 64 of them.
        rule: quorum, age and deviation.
        symbols: the symbols the round shall price.
        figures: the figures it shall have; each the exact median too.
        confidence: whether it shall have the confidence of every price: the largest that is
            reported.
        histories: the shapes of the histories it shall have, by symbol; at every step the exact
            median (see `histories.combine_histories`).

    Returns:
        A round whose time is that of the oldest report.

    Raises:
        PriceRoundError: two reports of one oracle, fewer than the quorum, another quote, a symbol
            without price, a figure or a confidence missing, reports further apart than the age
            limit, or a price or figure further from the median than `max_deviation` of the median;
            or a history that does not fit what is needed or the others.
    """
    if len(reports) > MAX_REPORTS:
        raise PriceRoundError(f"expected at most {MAX_REPORTS} reports, got {len(reports)}")
    if not symbols:
        raise PriceRoundError("expected at least one symbol to price, got none")
    ordered = [reports[key] for key in sorted(reports)]
    _check_oracles(ordered, rule)
    _check_times(ordered, rule)
    return PriceRound(
        time=min(report.time for report in ordered),
        quote=ordered[0].quote,
        prices=FrozenMap(
            {
                symbol: _agreed(
                    f"price of {symbol}", [r.prices.get(symbol) for r in ordered], ordered, rule
                )
                for symbol in sorted(set(symbols))
            }
        ),
        reports=tuple(sorted(reports)),
        confidence=_confidences(symbols, ordered) if confidence else FrozenMap({}),
        figures=_figures(figures, ordered, rule),
        histories=_histories(histories, ordered, rule),
    )


def _check_oracles(reports: list[PriceReport], rule: OracleRule) -> None:
    oracles: set[str] = set()
    for report in reports:
        if report.oracle in oracles:
            raise PriceRoundError(f"expected one report of each oracle, got two of {report.oracle}")
        oracles.add(report.oracle)
    if len(oracles) < rule.quorum:
        raise PriceRoundError(f"expected reports of {rule.quorum} oracles, got {len(oracles)}")
    for report in reports:
        if report.quote != reports[0].quote:
            raise PriceRoundError(
                f"expected prices in {reports[0].quote}, got {report.quote} from {report.oracle}"
            )


def _check_times(reports: list[PriceReport], rule: OracleRule) -> None:
    oldest = min(reports, key=lambda report: report.time)
    newest = max(reports, key=lambda report: report.time)
    apart = seconds_between(oldest.time, newest.time)
    if apart > rule.max_age_seconds:
        raise PriceRoundError(
            f"expected reports at most {rule.max_age_seconds} seconds apart, "
            f"got {apart} between {oldest.oracle} and {newest.oracle}"
        )


def _confidences(symbols: Collection[str], reports: list[PriceReport]) -> FrozenMap[Exact]:
    largest = {}
    for symbol in sorted(set(symbols)):
        said = [report.confidence.get(symbol) for report in reports]
        largest[symbol] = max(_complete(f"confidence of {symbol}", said, reports))
    return FrozenMap(largest)


def _figures(
    figures: Collection[str], reports: list[PriceReport], rule: OracleRule
) -> FrozenMap[Exact]:
    return FrozenMap(
        {
            name: _agreed(f"figure {name}", [r.figures.get(name) for r in reports], reports, rule)
            for name in sorted(set(figures))
        }
    )


def _histories(
    needed: Mapping[str, HistoryShape], reports: list[PriceReport], rule: OracleRule
) -> FrozenMap[PriceHistory]:
    return combine_histories(
        needed,
        [Said(report.oracle, report.time, report.histories) for report in reports],
        rule.max_age_seconds,
        lambda what, said: _agreed(what, said, reports, rule),
    )


def _complete(what: str, said: Sequence[Exact | None], reports: list[PriceReport]) -> list[Exact]:
    for value, report in zip(said, reports, strict=True):
        if value is None:
            raise PriceRoundError(f"expected a {what}, got none from {report.oracle}")
    return [value for value in said if value is not None]


def _agreed(
    what: str, said: Sequence[Exact | None], reports: list[PriceReport], rule: OracleRule
) -> Exact:
    values = _complete(what, said, reports)
    median = _median(values)
    for value, report in zip(values, reports, strict=True):
        if abs(value - median) > rule.max_deviation * median:
            raise PriceRoundError(
                f"expected every {what} within {rule.max_deviation} of the median, "
                f"got a larger deviation from {report.oracle}"
            )
    try:
        return Exact.of(median)
    except ValueError as error:
        raise PriceRoundError(f"median {what}: {error}, got more") from None


def _median(values: list[Exact]) -> Fraction:
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2
