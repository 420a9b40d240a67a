"""Collateral factors: what one unit of value counts, plain or depending on how much there is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Discriminator, Field, Tag, model_validator

from .document import Part
from .registry import Side
from .values import Exact, FrozenMap, Name, NonNegative, Positive, Several, refusal

MAX_TIERS = 64


class Tier(Part):
    """The factor of what lies above `above`, up to where the next tier begins."""

    above: NonNegative
    factor: NonNegative


class _Table(Part):
    by: Literal["amount", "value"]
    tiers: Annotated[Several[Tier], Field(min_length=1, max_length=MAX_TIERS)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.tiers[0].above != 0:
            raise refusal("0", repr(str(self.tiers[0].above)), "tiers[0].above")
        for index in range(1, len(self.tiers)):
            if self.tiers[index].above <= self.tiers[index - 1].above:
                raise refusal(
                    f"more than {self.tiers[index - 1].above}, where the tier before begins",
                    repr(str(self.tiers[index].above)),
                    f"tiers[{index}].above",
                )
        return self

    def _first_step(self, *, up: bool) -> int | None:
        """The first tier whose factor is above (below) that of the one before it."""
        for index in range(1, len(self.tiers)):
            before, here = self.tiers[index - 1].factor, self.tiers[index].factor
            if here > before if up else here < before:
                return index
        return None


class Tiered(_Table):
    """Every slice of the amount counts with its own tier's factor (Binance's tiered collateral).

    `by` says what the tiers are measured in: whole assets, or value in quote at the price that the
    condition is about. A boundary in value is the amount that it buys, rounded down to a smallest
    unit. A last tier of factor 0 is a cap.
    """

    type: Literal["tiered"] = "tiered"


class Sized(_Table):
    """The whole amount counts with the factor of the tier that it reaches.

    Its value jumps where a tier begins, so that it is not concave: the engine evaluates it, and no
    linear proof bounds it from below.
    """

    type: Literal["sized"] = "sized"


class Scaled(Part):
    """A factor that shrinks as the whole market's deposits or open interest grow (Drift).

    factor · min(1, start / (figure · price)), at the round's own prices whatever the shock. The
    figure is public: oracles sign it beside the prices, in whole assets.
    """

    type: Literal["scaled"] = "scaled"
    factor: NonNegative
    figure: Name
    start: Positive


def _tag(value: Any) -> str | None:
    if isinstance(value, dict):
        kind = value.get("type")
        return kind if isinstance(kind, str) else None
    return value.type if isinstance(value, (Tiered, Sized, Scaled)) else "plain"


Factor: TypeAlias = Annotated[
    Annotated[NonNegative, Tag("plain")]
    | Annotated[Tiered, Tag("tiered")]
    | Annotated[Sized, Tag("sized")]
    | Annotated[Scaled, Tag("scaled")],
    Discriminator(_tag),
]
"""A decimal, or an object whose `type` is tiered, sized or scaled."""


class SignedFactor(Part):
    """Factors of a signed slot: `long` for the part above 0, `short` for the part below."""

    long: Factor
    short: Factor


class Factors(Part):
    """What one unit of value counts, by side and symbol. What has no factor here is not priced.

    Of what is held, nothing counts for more than it is worth, and more may not count for more:
    factors of collateral and of long parts are at most 1, and their tiers do not grow.
    Of what is owed, more may not cost less: tiers of debts and of short parts do not shrink, and
    nothing there is scaled down.
    """

    collateral: FrozenMap[Factor]
    debt: FrozenMap[Factor]
    signed: FrozenMap[SignedFactor]

    @model_validator(mode="after")
    def _check(self) -> Self:
        for symbol, factor in self.collateral.items():
            check_held(factor, f"collateral.{symbol}")
        for symbol, factor in self.debt.items():
            check_owed(factor, f"debt.{symbol}")
        for symbol, factors in self.signed.items():
            check_held(factors.long, f"signed.{symbol}.long")
            check_owed(factors.short, f"signed.{symbol}.short")
        return self

    def pairs(self) -> Iterator[tuple[str, Side]]:
        """Every (symbol, side) that has a factor."""
        yield from ((symbol, "collateral") for symbol in self.collateral)
        yield from ((symbol, "debt") for symbol in self.debt)
        yield from ((symbol, "signed") for symbol in self.signed)

    def held(self) -> Iterator[Factor]:
        """Every factor of something that is held."""
        yield from self.collateral.values()
        yield from (factors.long for factors in self.signed.values())


def check_held(factor: Factor, at: str) -> None:
    """Refuse a factor above 1, or under which more of an asset counts for more than its share."""
    for place, each in _parts(factor, at):
        if each > 1:
            raise refusal("a factor of at most 1 for what is held", repr(str(each)), place)
    if isinstance(factor, (Tiered, Sized)):
        index = factor._first_step(up=True)
        if index is not None:
            raise refusal(
                "a factor no larger than that of the tier before",
                "a larger one",
                f"{at}.tiers[{index}].factor",
            )


def _parts(factor: Factor, at: str) -> list[tuple[str, Exact]]:
    """The numbers of a factor, each with its place."""
    if isinstance(factor, (Tiered, Sized)):
        return [(f"{at}.tiers[{i}].factor", tier.factor) for i, tier in enumerate(factor.tiers)]
    return [(f"{at}.factor", factor.factor)] if isinstance(factor, Scaled) else [(at, factor)]


def check_owed(factor: Factor, at: str) -> None:
    """Refuse a factor under which more debt costs less than its share."""
    if isinstance(factor, Scaled):
        raise refusal("a factor that does not shrink", "a scaled one", at)
    if isinstance(factor, (Tiered, Sized)):
        index = factor._first_step(up=False)
        if index is not None:
            raise refusal(
                "a factor no smaller than that of the tier before",
                "a smaller one",
                f"{at}.tiers[{index}].factor",
            )
