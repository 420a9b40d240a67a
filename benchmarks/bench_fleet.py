"""Times of verdicts on many accounts at once, on one core. One round judges all of them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from benchmarks.books import FLEET_ACCOUNTS, MIXED_FLEET, PLAIN_FLEET
from benchmarks.conftest import Timed
from zkcollateral.risk.fleet import evaluate_fleet
from zkcollateral.risk.health import evaluate

BOOKS = {"mixed": MIXED_FLEET, "plain": PLAIN_FLEET}
QUICK_ACCOUNTS = 20_000


@pytest.fixture(autouse=True)
def _one_core() -> Iterator[None]:
    """The process may run on one core only, where the system can be told so."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    yield
    os.sched_setaffinity(0, allowed)


@pytest.mark.parametrize("name", BOOKS)
def test_health_1m_accounts(timed: Timed, quick: bool, name: str) -> None:
    """From the array of amounts and the documents to a verdict on every account."""
    policy, registry, prices = BOOKS[name].documents
    claim = policy.claims["maintenance"]
    amounts = BOOKS[name].fleet(QUICK_ACCOUNTS if quick else FLEET_ACCOUNTS)
    found = timed(15, lambda: evaluate_fleet(claim, policy, registry, prices, amounts))
    assert 0.3 < found.holds.mean() < 0.7
    for index in range(0, len(amounts), len(amounts) // 200):
        exact = evaluate(claim, policy, registry, prices, amounts[index].tolist())
        assert found.holds[index] == exact.holds
