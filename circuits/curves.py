"""What the units of one slot are worth, slice by slice."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from ..errors import CompileError
from ..risk.factors import Sized, Tiered
from ..risk.pricing import ResolvedFactor
from ..risk.registry import Asset


@dataclass(frozen=True, slots=True)
class Curve:
    """The value of an amount, slice by slice: from `starts[i]` on, a unit is worth `weights[i]`."""

    starts: tuple[int, ...]
    weights: tuple[Fraction, ...]


@dataclass(frozen=True, slots=True)
class Weight:
    """What the units of a slot add to the side that is to be the larger one.

    Args:
        positive: units above zero.
        negative: what units below zero take away; None where a unit below zero takes away what one
            above adds, or where there are none.
    """

    positive: Curve
    negative: Curve | None = None

    @property
    def linear(self) -> bool:
        """Whether the amount itself, times one number, is the value."""
        return self.negative is None and len(self.positive.weights) == 1

    @property
    def nothing(self) -> bool:
        """Whether the slot has no part in the inequality."""
        parts = (*self.positive.weights, *(self.negative.weights if self.negative else ()))
        return not any(parts)


class UnitValue:
    """The units of one slot that are held, or those that are owed."""

    def __init__(self, asset: Asset, unit_price: Fraction, factor: ResolvedFactor) -> None:
        if isinstance(factor, Sized):
            if len({tier.factor for tier in factor.tiers}) > 1:
                raise CompileError(
                    f"asset {asset.symbol}: the factor of the whole amount depends on its size, so "
                    "the value jumps and is not concave, and no linear proof bounds it from below"
                )
            factor = factor.tiers[0].factor
        self.asset = asset
        self.unit_price = unit_price
        self.tiers = factor if isinstance(factor, Tiered) else None
        self.plain = unit_price if isinstance(factor, Tiered) else unit_price * factor

    def curve(
        self,
        moved: Fraction | None,
        multiplier: Fraction,
        rounded: Callable[[Fraction], Fraction],
    ) -> Curve:
        """Value of the units at the price times `moved`, times `multiplier`."""
        plain = self.plain if moved is None else self.plain * moved
        if multiplier != 1:
            plain *= multiplier
        if self.tiers is None:
            return Curve((0,), (rounded(plain),))
        weights = [rounded(plain * tier.factor) for tier in self.tiers.tiers]
        unit_price = self.unit_price if moved is None else self.unit_price * moved
        one = self.asset.smallest_unit if self.tiers.by == "amount" else unit_price
        if not one:
            return Curve((0,), (weights[0],))
        slices: list[tuple[int, Fraction]] = []
        for tier, weight in zip(self.tiers.tiers, weights, strict=True):
            start = math.floor(tier.above / one)
            if slices and slices[-1][0] == start:
                slices.pop()
            if not slices or slices[-1][1] != weight:
                slices.append((start, weight))
        return Curve(tuple(start for start, _ in slices), tuple(weight for _, weight in slices))
