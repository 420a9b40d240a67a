"""Aave's sentinel: no borrowing and no liquidation while a sequencer is, or just was, down.

Follows aave/aave-v3-origin before v3.7, `src/contracts/misc/PriceOracleSentinel.sol`, and the
liquidation check of `ValidationLogic.sol` there. Aave v3.7 removed the sentinel
(aave-dao/aave-v3-origin, `docs/3.7/sentinel-removal.md`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...errors import InputError
from ..checks import Moment, duration, instant
from ..fixed_point import MAX_UINT256, whole
from .outcome import Reason, ReasonKind

MINIMUM_LIQUIDATION_HEALTH_FACTOR: Final = 95 * 10**16
"""Below this health factor, WAD, an account is liquidated whatever the sentinel says."""


@dataclass(frozen=True, slots=True)
class SequencerStatus:
    """What the uptime feed says: down or up, and since when."""

    down: bool
    since: Moment

    def __post_init__(self) -> None:
        if not isinstance(self.down, bool):
            raise InputError("sequencer: down", "a bool", f"a {type(self.down).__name__}")
        instant("sequencer: since", self.since)


@dataclass(frozen=True, slots=True)
class Sentinel:
    """How long after an outage prices are not yet used.

    Attributes:
        grace_period: seconds.
    """

    grace_period: int

    def __post_init__(self) -> None:
        duration("sentinel: grace_period", self.grace_period)

    def check(self, status: SequencerStatus, now: Moment) -> Reason | None:
        """The reason why prices are not used; None if up for more than the grace period.

        Raises:
            InputError: an uptime that begins after `now`.
        """
        up_for = instant("sentinel: now", now) - instant("sequencer: since", status.since)
        if status.down:
            return Reason(ReasonKind.SEQUENCER_DOWN, "sequencer", "one that is up", "one down")
        if up_for < 0:
            raise InputError("sequencer: since", "a time not after now", f"{-up_for} seconds after")
        if up_for > self.grace_period:
            return None
        expected = f"one up for more than {self.grace_period} seconds"
        return Reason(ReasonKind.GRACE_PERIOD, "sequencer", expected, f"{up_for} seconds")

    def borrow_allowed(self, status: SequencerStatus, now: Moment) -> bool:
        """Whether the sentinel lets anybody borrow."""
        return self.check(status, now) is None

    def liquidation_allowed(self, status: SequencerStatus, now: Moment, health_factor: int) -> bool:
        """Whether the sentinel lets an account be liquidated; its health is another test.

        Args:
            status: of the sequencer.
            now: the time.
            health_factor: WAD; below 0.95 the sentinel does not protect the account.
        """
        factor = whole("sentinel: health_factor", health_factor, 0, MAX_UINT256)
        return factor < MINIMUM_LIQUIDATION_HEALTH_FACTOR or self.borrow_allowed(status, now)
