"""The cascade that is timed really liquidates, and says so if it did not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.cascade import (
    ACCOUNTS,
    LEAST_LIQUIDATED,
    QUICK_ACCOUNTS,
    QUICK_STEPS,
    STEPS,
    _check,
    _system,
    time_cascade,
)
from zkcollateral.risk.system.run import run_cascade


def test_a_trial_run() -> None:
    found = time_cascade(quick=True)
    assert (found.accounts, found.steps) == (QUICK_ACCOUNTS, QUICK_STEPS)
    assert found.seconds > 0
    assert found.liquidations >= found.liquidated > LEAST_LIQUIDATED * QUICK_ACCOUNTS
    assert found.written_off > 0


def test_what_is_asked_for() -> None:
    assert (ACCOUNTS, STEPS) == (100_000, 1_000)


def test_a_run_that_did_too_little_does_not_count() -> None:
    accounts, setting, _ = _system(200, 3)
    calm = run_cascade(accounts, setting, np.tile(setting.terms.prices, (3, 1)))
    _check(calm, quick=True)
    with pytest.raises(ArithmeticError, match="only 0 of 200 were liquidated"):
        _check(calm, quick=False)
    with pytest.raises(ArithmeticError, match="does not add up"):
        _check(replace(calm, worst_residual=1e-9), quick=False)
