"""Price histories: prices at equal steps, which oracles sign and thresholds follow."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final, NamedTuple

from pydantic import Field

from ..errors import PriceRoundError
from .clock import format_time, seconds_between
from .document import Part
from .values import MAX_ENTRIES, Exact, FrozenMap, Integer, Positive, Several, Time

MIN_PRICES: Final = 2
MAX_PRICES: Final = MAX_ENTRIES
MAX_STEP_SECONDS: Final = 31 * 86_400

StepSeconds = Annotated[int, Integer(1, MAX_STEP_SECONDS)]
"""A step of a history: from a second to 31 days."""


class PriceHistory(Part):
    """What one whole asset cost at equal steps; the oldest price first, the newest at `last`."""

    last: Time
    step_seconds: StepSeconds
    prices: Annotated[Several[Positive], Field(min_length=MIN_PRICES, max_length=MAX_PRICES)]


class HistoryShape(NamedTuple):
    """What a history must be like: its step in seconds, and how many prices it has."""

    step_seconds: int
    prices: int

    def fits(self, history: PriceHistory | None) -> bool:
        """Whether there is a history, and it is of this shape."""
        return history is not None and self == (history.step_seconds, len(history.prices))


class Said(NamedTuple):
    """What a report says of histories."""

    oracle: str
    time: datetime
    histories: Mapping[str, PriceHistory]


Agreed = Callable[[str, Sequence[Exact]], Exact]
"""What several oracles' numbers make; the text names the number."""


def combine_histories(
    needed: Mapping[str, HistoryShape],
    reports: Collection[Said],
    max_age_seconds: int,
    agreed: Agreed,
) -> FrozenMap[PriceHistory]:
    """The histories that reports make: at every step what the oracles' prices make.

    All histories, of all oracles and symbols, end at one moment. It is not later than any report,
    and not older than a step and the oracles' age limit: a report has the newest history that its
    oracle could sign.

    Args:
        needed: shapes by symbol; what else the reports have is left out.
        reports: of the round, in its order.
        max_age_seconds: of the policy's oracle rule.
        agreed: what the numbers of a price of the reports, in their order, make.

    Raises:
        PriceRoundError: a history missing, or of another shape, end or age; or what `agreed`
            raises.
    """
    made = {}
    last: datetime | None = None
    for symbol in sorted(needed):
        shape = needed[symbol]
        histories = [_checked(symbol, shape, report, max_age_seconds) for report in reports]
        for report, history in zip(reports, histories, strict=True):
            last = last or history.last
            if history.last != last:
                raise PriceRoundError(
                    f"expected every history to end at {format_time(last)}, got one of {symbol} "
                    f"that ends at {format_time(history.last)} from {report.oracle}"
                )
        prices = tuple(
            agreed(f"price {place} of the history of {symbol}", said)
            for place, said in enumerate(zip(*(h.prices for h in histories), strict=True))
        )
        made[symbol] = PriceHistory(
            last=histories[0].last, step_seconds=shape.step_seconds, prices=prices
        )
    return FrozenMap(made)


def _checked(symbol: str, shape: HistoryShape, report: Said, max_age_seconds: int) -> PriceHistory:
    history = report.histories.get(symbol)
    if history is None:
        raise PriceRoundError(f"expected a history of {symbol}, got none from {report.oracle}")
    if not shape.fits(history):
        raise PriceRoundError(
            f"expected a history of {symbol} of {shape.prices} prices every "
            f"{shape.step_seconds} seconds, got {len(history.prices)} every "
            f"{history.step_seconds} from {report.oracle}"
        )
    age = seconds_between(history.last, report.time)
    if age < 0:
        raise PriceRoundError(
            f"expected a history of {symbol} that ends before its report, got a later end from "
            f"{report.oracle}"
        )
    allowed = shape.step_seconds + max_age_seconds
    if age > allowed:
        raise PriceRoundError(
            f"expected a history of {symbol} that ends at most {allowed} seconds before its "
            f"report, got {age} from {report.oracle}"
        )
    return history
