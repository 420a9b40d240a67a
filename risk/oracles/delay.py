"""Maker's oracle security module: a price is used one hop after it was seen.

Follows makerdao/osm, `src/osm.sol`. Who may call what (wards, bud) is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from ...errors import InputError
from ..checks import MAX_INSTANT, Moment, Rational, exact, instant
from ..fixed_point import whole

ONE_HOUR: Final = 3600
MAX_VALUE: Final = 2**128 - 1
MAX_HOP: Final = 2**16 - 1


@dataclass(frozen=True, slots=True)
class DelayedPrice:
    """The state of the module; every action returns a new one.

    Attributes:
        hop: seconds between two prices, 1 to 65,535.
        last: `zzz`, the hop-aligned time of the last price taken; 0 before the first.
        current: the price in use; None if there is none.
        next: the price that comes into use with the next poke; None if there is none.
        stopped: whether pokes are refused.

    Times are seconds since 1970; a price is an exact number from 0 to 2^128 − 1 in any unit.

    Raises:
        InputError: a value out of its range.
    """

    hop: int = ONE_HOUR
    last: int = 0
    current: Rational | None = None
    next: Rational | None = None
    stopped: bool = False

    def __post_init__(self) -> None:
        whole("osm: hop", self.hop, 1, MAX_HOP)
        whole("osm: last", self.last, 0, MAX_INSTANT)
        _check_value("osm: current", self.current)
        _check_value("osm: next", self.next)

    def passed(self, now: Moment) -> bool:
        """Whether a hop has passed since the last price: now ≥ last + hop (`pass`)."""
        return instant("osm: now", now) >= self.last + self.hop

    def poke(self, source: Rational | None, now: Moment) -> DelayedPrice:
        """Take the source's price as next, and the next one as current.

        Args:
            source: what the source says; None if it has no valid value: nothing changes then.
            now: the time; the hop it lies in begins the new delay.

        Raises:
            InputError: stopped; less than a hop since the last price; a value out of range.
        """
        if self.stopped:
            raise InputError("osm: poke", "a module that is not stopped", "a stopped one")
        time = instant("osm: now", now)
        if not self.passed(time):
            raise InputError("osm: poke", f"a time of at least {self.last + self.hop}", str(time))
        _check_value("osm: source", source)
        if source is None:
            return self
        return replace(self, current=self.next, next=source, last=time - time % self.hop)

    def stop(self) -> DelayedPrice:
        """Refuse pokes; the prices stay."""
        return replace(self, stopped=True)

    def start(self) -> DelayedPrice:
        """Take pokes again."""
        return replace(self, stopped=False)

    def void(self) -> DelayedPrice:
        """Forget both prices and stop."""
        return replace(self, current=None, next=None, stopped=True)

    def step(self, hop: int) -> DelayedPrice:
        """Another hop, from the next poke on; InputError for one of 0."""
        return replace(self, hop=hop)

    def peek(self) -> tuple[Rational, bool]:
        """The current price and whether it is valid; (0, False) if there is none."""
        return (0, False) if self.current is None else (self.current, True)

    def peep(self) -> tuple[Rational, bool]:
        """The next price and whether it is valid; (0, False) if there is none."""
        return (0, False) if self.next is None else (self.next, True)

    def read(self) -> Rational:
        """The current price; InputError if there is none."""
        if self.current is None:
            raise InputError("osm: read", "a current value", "none")
        return self.current


def _check_value(where: str, value: Rational | None) -> None:
    if value is not None:
        exact(where, value, low=0, high=MAX_VALUE)
