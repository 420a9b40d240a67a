"""The scenarios of an underlying: SPAN's sixteen, or Deribit's grid and its tails, in order."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from ..presets import span
from .model import Grid, Span

Volatility = Literal["up", "same", "down"]
_UP_AND_DOWN: dict[int, Volatility] = {1: "up", 0: "same", -1: "down"}


@dataclass(frozen=True, slots=True)
class MarginScenario:
    """One scenario.

    Attributes:
        name: in words; unique in its underlying.
        move: of index and forwards, above −1: a price becomes price·(1 + move).
        volatility: which of the model's three it is.
        weight: what counts of the value found.
        relief: what a loss is smaller by, in shares of the dampener.
        tail: whether it is beyond the grid, or one of SPAN's extremes.
    """

    name: str
    move: Fraction
    volatility: Volatility
    weight: Fraction
    relief: Fraction
    tail: bool


@lru_cache(maxsize=64)
def scenarios_of(model: Span | Grid) -> tuple[MarginScenario, ...]:
    """The scenarios in their order: the grid from the lowest price, volatility up, same, down."""
    return _span(model) if isinstance(model, Span) else _grid(model)


def _span(model: Span) -> tuple[MarginScenario, ...]:
    return tuple(
        MarginScenario(
            each.name,
            each.price_move * model.price_range,
            _UP_AND_DOWN[each.volatility_move],
            each.weight,
            Fraction(0),
            each.number > 14,
        )
        for each in span.scenarios(model.extreme_multiple, model.extreme_cover)
    )


def _grid(model: Grid) -> tuple[MarginScenario, ...]:
    found = []
    for bucket in range(-model.buckets, model.buckets + 1):
        where = f"price {bucket:+}/{model.buckets} of the range" if bucket else "price unchanged"
        for volatility in _UP_AND_DOWN.values():
            word = "unchanged" if volatility == "same" else volatility
            name = f"{where}, volatility {word}"
            move = model.price_range * bucket / model.buckets
            found.append(MarginScenario(name, move, volatility, Fraction(1), Fraction(0), False))
    for tail in model.tails:
        relief = abs(tail.move) / model.price_range - 1
        name = f"tail: price moved by {tail.move}"
        found.append(
            MarginScenario(name, Fraction(tail.move), "same", Fraction(tail.weight), relief, True)
        )
    return tuple(found)
