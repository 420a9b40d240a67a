"""How the price of a Maker auction falls; `maker_auction` re-exports all of it.

Follows makerdao/dss 1.3.0 (commit fa4f663), src/abaci.sol.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..fixed_point import RAY, whole
from .maker import rpow
from .uint256 import product, product_div


class PriceDecrease(Protocol):
    """How an auction's price falls."""

    def price(self, top: int, seconds: int) -> int:
        """Price (ray) `seconds` after it was `top` (ray)."""


@dataclass(frozen=True, slots=True)
class LinearDecrease:
    """Price falls in a straight line to 0.

    Attributes:
        tau: seconds until it is 0; at least 0.
    """

    tau: int

    def __post_init__(self) -> None:
        whole("Maker linear decrease tau", self.tau, 0)

    def price(self, top: int, seconds: int) -> int:
        """⌊top·⌊(tau − seconds)/tau⌋⌋, ray; 0 from `tau` on."""
        _times("Maker linear decrease", top, seconds)
        if seconds >= self.tau:
            return 0
        where = "Maker linear decrease"
        return product_div(where, top, product(where, self.tau - seconds, RAY) // self.tau, RAY)


@dataclass(frozen=True, slots=True)
class StairstepExponentialDecrease:
    """Price falls by the same factor at every step.

    Attributes:
        step: seconds of a step; at least 1.
        cut: factor of a step, ray; 0 to 1.
    """

    step: int
    cut: int

    def __post_init__(self) -> None:
        whole("Maker stairstep decrease step", self.step, 1)
        whole("Maker stairstep decrease cut", self.cut, 0, RAY)

    def price(self, top: int, seconds: int) -> int:
        """⌊top·cut^⌊seconds/step⌋⌋, ray."""
        _times("Maker stairstep decrease", top, seconds)
        factor = rpow(self.cut, seconds // self.step)
        return product_div("Maker stairstep decrease", top, factor, RAY)


@dataclass(frozen=True, slots=True)
class ExponentialDecrease:
    """Price falls by the same factor every second.

    Attributes:
        cut: factor of a second, ray; 0 to 1.
    """

    cut: int

    def __post_init__(self) -> None:
        whole("Maker exponential decrease cut", self.cut, 0, RAY)

    def price(self, top: int, seconds: int) -> int:
        """⌊top·cut^seconds⌋, ray."""
        _times("Maker exponential decrease", top, seconds)
        return product_div("Maker exponential decrease", top, rpow(self.cut, seconds), RAY)


def _times(where: str, top: int, seconds: int) -> None:
    whole(f"{where} top", top, 0)
    whole(f"{where} seconds", seconds, 0)
