"""The document of stress scenarios, with the data that they were computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ..claims import Scenario, Scenarios, _check_names
from ..document import Document, Part
from ..values import HexDigest, Name, Positive, Several, Text, Time, refusal
from .candles import Candles
from .crises import Crisis, MoveKind


class Source(Part):
    """A file of candles: what it is called, its SHA-256, and which candles it has.

    `candles` is its own symbol, which says `synthetic:` of made-up prices.
    """

    symbol: Name
    candles: Annotated[str, Field(max_length=64)]
    file: Text
    sha256: HexDigest
    first: Time
    last: Time


class ComputedMove(Part):
    """Between which prices a shock was computed; the times are those at which the candles open."""

    scenario: Name
    symbol: Name
    move: MoveKind
    start: Time
    end: Time
    start_price: Positive
    end_price: Positive


class ScenarioSet(Document):
    """Scenarios as a `stress` claim has them, and perhaps where their shocks come from."""

    format: Literal["zkcollateral/scenarios/1"] = "zkcollateral/scenarios/1"
    scenarios: Scenarios
    sources: Several[Source] = ()
    moves: Several[ComputedMove] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_names(self.scenarios)
        shocks = {scenario.name: scenario.shocks for scenario in self.scenarios}
        for index, move in enumerate(self.moves):
            if move.symbol not in shocks.get(move.scenario, {}):
                raise refusal("a shock of one of the scenarios", at=f"moves[{index}]")
        return self


def scenario_set(
    crises: Sequence[Crisis], sources: Mapping[str, tuple[Candles, str, str]]
) -> ScenarioSet:
    """The document of some crises.

    Args:
        crises: the scenarios and their moves.
        sources: by symbol the candles, the name of their file, and its SHA-256 in hex.

    Raises:
        DocumentError: nothing that makes a document, such as no crises.
    """
    scenarios: tuple[Scenario, ...] = tuple(crisis.scenario for crisis in crises)
    return ScenarioSet.build(
        scenarios=scenarios,
        sources=tuple(
            Source(
                symbol=symbol,
                candles=candles.symbol,
                file=file,
                sha256=digest,
                first=candles.times[0],
                last=candles.times[-1],
            )
            for symbol, (candles, file, digest) in sorted(sources.items())
        ),
        moves=tuple(
            ComputedMove(
                scenario=crisis.scenario.name,
                symbol=move.symbol,
                move=move.kind,
                start=move.start,
                end=move.end,
                start_price=move.start_price,
                end_price=move.end_price,
            )
            for crisis in crises
            for move in crisis.moves
        ),
    )
