"""The asset registry: which slot of a portfolio holds what, and in which unit."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .document import Document, Part
from .values import Integer, Name, Several, refusal

Side = Literal["collateral", "debt", "signed"]


class Asset(Part):
    """What one slot holds.

    `unit` is the power of ten of the smallest unit in whole assets: −8 for satoshi. A slot of side
    `collateral` or `debt` holds an amount ≥ 0 (a debt is what is owed); `signed` holds either sign.
    """

    slot: Annotated[int, Integer(0, 1023)]
    symbol: Name
    unit: Annotated[int, Integer(-30, 30)]
    side: Side

    @property
    def smallest_unit(self) -> Fraction:
        """10^unit, in whole assets."""
        return Fraction(10) ** self.unit


class Registry(Document):
    """The slots of a portfolio, in ascending order; a slot that is not listed holds nothing."""

    format: Literal["zkcollateral/registry/1"] = "zkcollateral/registry/1"
    name: Name
    slots: Annotated[int, Integer(1, 1024)]
    assets: Annotated[Several[Asset], Field(min_length=1)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.slots & (self.slots - 1):
            raise refusal("a power of two", repr(str(self.slots)), "slots")
        previous = -1
        seen: set[tuple[str, Side]] = set()
        for index, asset in enumerate(self.assets):
            at, key = f"assets[{index}]", (asset.symbol, asset.side)
            if asset.slot >= self.slots:
                raise refusal(f"a slot below {self.slots}", repr(str(asset.slot)), f"{at}.slot")
            if asset.slot <= previous:
                raise refusal(f"a slot above {previous}", repr(str(asset.slot)), f"{at}.slot")
            if key in seen:
                raise refusal("every symbol and side once", f"{key[0]!r} twice as {key[1]}", at)
            previous = asset.slot
            seen.add(key)
        return self

    @cached_property
    def by_key(self) -> dict[tuple[str, Side], Asset]:
        """The assets by (symbol, side)."""
        return {(asset.symbol, asset.side): asset for asset in self.assets}

    @cached_property
    def by_slot(self) -> tuple[Asset | None, ...]:
        """The asset of every slot, None where the registry lists none; length `slots`."""
        found = {asset.slot: asset for asset in self.assets}
        return tuple(found.get(slot) for slot in range(self.slots))

    @cached_property
    def symbols(self) -> frozenset[str]:
        """All symbols, whatever their side."""
        return frozenset(asset.symbol for asset in self.assets)
