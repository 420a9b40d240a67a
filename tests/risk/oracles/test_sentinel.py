"""Aave's sentinel after an outage of the sequencer."""

from __future__ import annotations

from typing import Any

import pytest

from zkcollateral.errors import InputError
from zkcollateral.risk.fixed_point import WAD
from zkcollateral.risk.oracles.outcome import ReasonKind
from zkcollateral.risk.oracles.sentinel import Sentinel, SequencerStatus

HOUR = 3600
SENTINEL = Sentinel(HOUR)
NOW = 10 * HOUR


# aave/aave-v3-core, test-suites/price-oracle-sentinel.spec.ts, a grace period of an hour: down;
# just up again; down for twice the grace period; up for twice the grace period.
@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        (SequencerStatus(down=True, since=0), False),
        (SequencerStatus(down=False, since=NOW), False),
        (SequencerStatus(down=True, since=NOW - 2 * HOUR), False),
        (SequencerStatus(down=False, since=NOW - 2 * HOUR), True),
        (SequencerStatus(down=False, since=0), True),
    ],
)
def test_borrowing(status: SequencerStatus, allowed: bool) -> None:
    assert SENTINEL.borrow_allowed(status, NOW) is allowed


# The same file: with the sequencer down, an account above 0.95 is safe and one below is not.
@pytest.mark.parametrize(
    ("factor", "down", "allowed"),
    [
        (95 * WAD // 100, True, False),
        (95 * WAD // 100 - 1, True, True),
        (99 * WAD // 100, False, True),
        (99 * WAD // 100, True, False),
        (0, True, True),
    ],
)
def test_liquidation(factor: int, down: bool, allowed: bool) -> None:
    status = SequencerStatus(down, 0)
    assert SENTINEL.liquidation_allowed(status, NOW, factor) is allowed


# PriceOracleSentinel.sol, _isUpAndGracePeriodPassed: strictly more than the grace period.
def test_the_grace_period_itself_is_not_enough() -> None:
    found = SENTINEL.check(SequencerStatus(down=False, since=NOW - HOUR), NOW)
    assert found is not None
    assert str(found) == (
        "sequencer: grace period: expected one up for more than 3600 seconds, got 3600 seconds"
    )
    assert SENTINEL.check(SequencerStatus(down=False, since=NOW - HOUR - 1), NOW) is None


def test_an_outage_is_named() -> None:
    found = SENTINEL.check(SequencerStatus(down=True, since=0), NOW)
    assert found is not None
    assert found.kind is ReasonKind.SEQUENCER_DOWN


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sentinel(-1),
        lambda: SequencerStatus(0, 0),  # type: ignore[arg-type]
        lambda: SequencerStatus(down=False, since=-1),
        lambda: SENTINEL.check(SequencerStatus(down=False, since=NOW + 1), NOW),
        lambda: SENTINEL.liquidation_allowed(SequencerStatus(down=True, since=0), NOW, -1),
    ],
)
def test_what_is_out_of_range_is_refused(make: Any) -> None:
    with pytest.raises(InputError):
        make()
