"""When a feed makes a new round, and when a round is too old to use."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from ..checks import Moment, Rational, duration, exact, instant
from .outcome import Reason, ReasonKind

PARTS_PER_BILLION = 10**9


class UpdateCause(StrEnum):
    """Why a new round is made; the first that applies, in this order."""

    FIRST = "first round"
    DEVIATION = "deviation"
    HEARTBEAT = "heartbeat"
    REQUESTED = "requested"


@dataclass(frozen=True, slots=True)
class UpdateRule:
    """When a new round is made.

    Attributes:
        threshold: the relative change that is enough, at least 0 (0.005 is half a per cent);
            None: no change is enough. `per_billion` takes the unit of Chainlink's configuration.
        heartbeat: seconds after which a round is made without any change, at least 1.

    Raises:
        InputError: a value out of its range.
    """

    threshold: Rational | None
    heartbeat: int

    def __post_init__(self) -> None:
        if self.threshold is not None:
            exact("update: threshold", self.threshold, low=0)
        duration("update: heartbeat", self.heartbeat, 1)

    @classmethod
    def per_billion(cls, threshold: int, heartbeat: int) -> UpdateRule:
        """The rule of a Chainlink configuration: alpha in parts per billion, deltaC in seconds."""
        return cls(exact("update: threshold", threshold, low=0) / PARTS_PER_BILLION, heartbeat)


@dataclass(frozen=True, slots=True)
class Round:
    """What a feed last answered, and when. The answer may have any sign."""

    answer: Rational
    time: Moment

    def __post_init__(self) -> None:
        exact("round: answer", self.answer)
        instant("round: time", self.time)


@dataclass(frozen=True, slots=True)
class FreshnessRule:
    """How old, and how far ahead of the reader's time, an observation may be.

    Attributes:
        max_age: seconds, the bound itself allowed.
        max_ahead: seconds; clocks differ, so a little may be allowed.
    """

    max_age: int
    max_ahead: int = 0

    def __post_init__(self) -> None:
        duration("freshness: max_age", self.max_age)
        duration("freshness: max_ahead", self.max_ahead)

    @classmethod
    def of_heartbeat(cls, heartbeat: int, grace: int, max_ahead: int = 0) -> FreshnessRule:
        """As old as the heartbeat and a grace for the round to arrive.

        Raises:
            InputError: a heartbeat below 1, a negative grace, a sum above 10^9 seconds.
        """
        return cls(
            duration("freshness: heartbeat", heartbeat, 1) + duration("freshness: grace", grace, 0),
            max_ahead,
        )

    def check(self, source: str, time: Moment, now: Moment) -> Reason | None:
        """The reason why an observation of `time` is not used at `now`; None if it is fresh."""
        age = instant("freshness: now", now) - instant(f"freshness: time of {source}", time)
        if age > self.max_age:
            expected = f"an age of at most {self.max_age} seconds"
            return Reason(ReasonKind.STALE, source, expected, f"{age} seconds")
        if -age > self.max_ahead:
            expected = f"a time at most {self.max_ahead} seconds ahead"
            return Reason(ReasonKind.AHEAD, source, expected, f"{-age} seconds")
        return None


def deviates(old: Rational, new: Rational, threshold: Rational) -> bool:
    """|new − old| / |old| ≥ threshold. From 0 every change deviates, and no change does not.

    Raises:
        InputError: a float, a negative threshold.

    Source: smartcontractkit/libocr, `offchainreporting2/reportingplugin/median/median.go`
    (DefaultDeviationFunc).
    """
    before = exact("deviation: old", old)
    after = exact("deviation: new", new)
    bound = exact("deviation: threshold", threshold, low=0)
    if before == 0:
        return after != 0
    return abs(after - before) >= bound * abs(before)


def relative_change(old: Rational, new: Rational) -> Fraction | None:
    """(new − old) / |old|; None from 0."""
    before = exact("relative change: old", old)
    change = exact("relative change: new", new) - before
    return change / abs(before) if before else None


def update_cause(
    rule: UpdateRule, latest: Round | None, answer: Rational, now: Moment, requested: bool = False
) -> UpdateCause | None:
    """Why a new round is made now; None if none is.

    Args:
        rule: threshold and heartbeat.
        latest: the last round; None before the first of a configuration.
        answer: what the round would say.
        now: the time. The heartbeat has passed when more than `heartbeat` seconds lie between.
        requested: whether somebody asked for a round since the latest.

    Raises:
        InputError: a float, a time that is none.

    Source: smartcontractkit/libocr, `offchainreporting2/reportingplugin/median/median.go`
    (shouldReport): latestTimestamp + deltaC must lie strictly before now.
    """
    value = exact("update: answer", answer)
    time = instant("update: now", now)
    if latest is None:
        return UpdateCause.FIRST
    if rule.threshold is not None and deviates(latest.answer, value, rule.threshold):
        return UpdateCause.DEVIATION
    if instant("update: latest round", latest.time) + rule.heartbeat < time:
        return UpdateCause.HEARTBEAT
    return UpdateCause.REQUESTED if requested else None
