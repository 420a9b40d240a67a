"""A circuit breaker: a price that moves too far within a window halts the feed or is clamped.

A new price is held against every price accepted within the window before it. It trips the breaker
if it is above (1 + max_move) times the lowest or below (1 − max_move) times the highest of them.
Those two bounds stay in force until the breaker is reset. While it is tripped, `halt` gives no
price, and `clamp` gives the price moved to the nearer bound.

The breaker is reset, not before the cool-down has passed, by the next price (`automatic`) or by
`reset` only (`manual`). It then forgets the past: the next price is accepted as it is. So is a
price before which the window is empty; that a feed was silent for so long is a matter of freshness.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal, TypeAlias

from ...errors import InputError
from ..checks import MAX_INSTANT, Moment, Rational, duration, exact, instant, one_of
from .outcome import Reason, ReasonKind, Refusal

Action: TypeAlias = Literal["halt", "clamp"]
Reset: TypeAlias = Literal["automatic", "manual"]


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """When a breaker trips, and what then.

    Attributes:
        max_move: the largest relative move, above 0 and below 1, the bound itself allowed.
        window: seconds that are looked back, at least 1, the bound included.
        cool_down: seconds from the trip to the earliest reset.
        action: `halt` or `clamp`.
        reset: `automatic` or `manual`.

    Raises:
        InputError: a value out of its range.
    """

    max_move: Rational
    window: int
    cool_down: int
    action: Action = "halt"
    reset: Reset = "automatic"

    def __post_init__(self) -> None:
        if exact("breaker: max_move", self.max_move, above=0) >= 1:
            raise InputError("breaker: max_move", "a number below 1", "another")
        duration("breaker: window", self.window, 1)
        duration("breaker: cool_down", self.cool_down)
        one_of("breaker: action", self.action, ("halt", "clamp"))
        one_of("breaker: reset", self.reset, ("automatic", "manual"))


@dataclass(frozen=True, slots=True)
class Trip:
    """When the breaker tripped, and the bounds it holds the price to."""

    time: int
    low: Fraction
    high: Fraction


@dataclass(frozen=True, slots=True)
class Passed:
    """A price the breaker let through, and the reason if it had to be clamped."""

    price: Fraction
    note: Reason | None = None


@dataclass(frozen=True, slots=True)
class Breaker:
    """The state of a breaker; `observe` and `reset` return a new one.

    Attributes:
        rule: when it trips.
        accepted: (time, price) of what was let through within the window, oldest first.
        trip: None while it is closed.
        latest: the time of the last call; time does not run backwards.
    """

    rule: BreakerRule
    accepted: tuple[tuple[int, Fraction], ...] = ()
    trip: Trip | None = None
    latest: int = field(default=0)

    def observe(self, price: Rational, time: Moment) -> tuple[Breaker, Passed | Refusal]:
        """Let a price through, or not.

        Args:
            price: above 0.
            time: not before that of the last call.

        Returns:
            The new state, and the price or a refusal (halted).

        Raises:
            InputError: a price of 0 or below, a float, a time before the last call.
        """
        seen = exact("breaker: price", price, above=0)
        now = self._now("breaker: time", time)
        state = self
        if self.trip is not None and self.rule.reset == "automatic" and self._cooled(now):
            state = replace(self, accepted=(), trip=None)
        if state.trip is None:
            state = state._tripped(seen, now)
        if state.trip is None:
            accepted = (*state._within(now), (now, seen))
            return replace(state, accepted=accepted, latest=now), Passed(seen)
        return replace(state, latest=now), state._held(seen, state.trip)

    def reset(self, time: Moment) -> Breaker:
        """The breaker closed again, its past forgotten.

        Raises:
            InputError: it is not tripped, the cool-down has not passed, or time runs backwards.
        """
        now = self._now("breaker: reset", time)
        if self.trip is None:
            raise InputError("breaker: reset", "a breaker that is tripped", "one that is not")
        if not self._cooled(now):
            earliest = self.trip.time + self.rule.cool_down
            raise InputError("breaker: reset", f"a time of at least {earliest}", str(now))
        return replace(self, accepted=(), trip=None, latest=now)

    def _now(self, where: str, time: Moment) -> int:
        now = instant(where, time)
        if now < self.latest:
            raise InputError(where, f"a time from {self.latest} to {MAX_INSTANT}", str(now))
        return now

    def _cooled(self, now: int) -> bool:
        return self.trip is not None and now >= self.trip.time + self.rule.cool_down

    def _within(self, now: int) -> tuple[tuple[int, Fraction], ...]:
        return tuple(pair for pair in self.accepted if pair[0] >= now - self.rule.window)

    def _tripped(self, seen: Fraction, now: int) -> Breaker:
        prices = [price for _, price in self._within(now)]
        if not prices:
            return self
        # Accepted prices lie within max_move of each other, so that low ≤ high.
        low = max(prices) * (1 - Fraction(self.rule.max_move))
        high = min(prices) * (1 + Fraction(self.rule.max_move))
        if low <= seen <= high:
            return self
        return replace(self, trip=Trip(now, low, high))

    def _held(self, seen: Fraction, trip: Trip) -> Passed | Refusal:
        expected = f"a move of at most {self.rule.max_move} within {self.rule.window} seconds"
        if self.rule.action == "halt":
            got = f"a larger one at {trip.time}, not reset since"
            return Refusal((Reason(ReasonKind.HALTED, "breaker", expected, got),))
        clamped = min(max(seen, trip.low), trip.high)
        if clamped == seen:
            return Passed(seen)
        return Passed(clamped, Reason(ReasonKind.CLAMPED, "breaker", expected, "a larger one"))
