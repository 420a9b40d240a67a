"""Auto-deleveraging: which profitable traders give up their gains first.

Traders on the other side of a bankrupt position are closed out at its bankruptcy price, those with
the highest profit and leverage first. The rank is BitMEX's ("ADL priority deleveraging ranking"):
PnL percentage · effective leverage, where PnL percentage = (mark − entry) / |entry| and effective
leverage = |mark| / (mark − bankrupt), of position values that are negative for shorts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from ...errors import InputError
from ..checks import exact, instance, name
from .backstop import Layer, Payer


@dataclass(frozen=True, slots=True)
class Position:
    """A trader's position, valued at three prices; values of a short are negative.

    Args:
        name: the trader.
        mark_value: at the mark price; not 0.
        entry_value: at the average entry price, of the same sign.
        bankrupt_value: at the trader's own bankruptcy price; below the mark value, for otherwise
            the trader is bankrupt too.

    Raises:
        InputError: values that are not so.
    """

    name: str
    mark_value: Fraction
    entry_value: Fraction
    bankrupt_value: Fraction

    def __post_init__(self) -> None:
        name("position's name", self.name)
        where = f"position of {self.name}"
        mark = exact(f"{where}.mark_value", self.mark_value)
        entry = exact(f"{where}.entry_value", self.entry_value)
        bankrupt = exact(f"{where}.bankrupt_value", self.bankrupt_value)
        if mark == 0:
            raise InputError(f"{where}.mark_value", "a number other than 0", "0")
        if entry * mark <= 0:
            raise InputError(f"{where}.entry_value", "a number of the mark value's sign", "another")
        if bankrupt >= mark:
            raise InputError(f"{where}.bankrupt_value", "a number below the mark value", "another")
        object.__setattr__(self, "mark_value", mark)
        object.__setattr__(self, "entry_value", entry)
        object.__setattr__(self, "bankrupt_value", bankrupt)

    @property
    def gain(self) -> Fraction:
        """Profit at the mark price; negative for a loss."""
        return self.mark_value - self.entry_value

    @property
    def rank(self) -> Fraction:
        """The higher, the sooner it is deleveraged; a loss divides by leverage."""
        percentage = self.gain / abs(self.entry_value)
        leverage = abs(self.mark_value) / (self.mark_value - self.bankrupt_value)
        return percentage * leverage if percentage > 0 else percentage / leverage


def deleveraging_queue(positions: Iterable[Position]) -> tuple[Position, ...]:
    """The positions by rank, highest first; equal ranks stay in the order given."""
    found = tuple(positions)
    for position in found:
        instance("deleveraging: positions", position, Position)
    return tuple(sorted(found, key=lambda position: position.rank, reverse=True))


def auto_deleveraging(positions: Iterable[Position], layer: str = "auto-deleveraging") -> Layer:
    """The layer of a waterfall in which traders give up their gains in turn.

    Args:
        positions: of the other side, in any order; only those with a gain pay, each at most its
            gain.
        layer: its name.
    """
    return Layer(
        layer,
        tuple(
            Payer(position.name, position.gain)
            for position in deleveraging_queue(positions)
            if position.gain > 0
        ),
        "in turn",
    )
