"""Simulations in processes of their own: what comes back, and what is said when one fails."""

from __future__ import annotations

import sys

import pytest

from benchmarks import engine
from benchmarks.breach import time_breach


def test_a_simulation_in_a_fresh_process() -> None:
    ballast = bytearray(b"x" * (1 << 29))
    found = engine.measure("breach", quick=True)
    assert found.seconds > 0
    # What this process holds is not counted.
    assert 0.03 < found.peak_gib < 0.45
    assert len(ballast) == 1 << 29


def test_one_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(engine.EngineError, match="nothing failed:"):
        engine.measure("nothing")
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(engine.EngineError, match="breach failed:"):
        engine.measure("breach", quick=True)


def test_the_breach_that_is_timed_has_a_probability_worth_estimating() -> None:
    found = time_breach(quick=True)
    assert 0.05 < found.breach < 0.95
    assert found.width < 0.1
