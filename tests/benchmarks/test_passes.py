"""Which passes count, and that nothing but how much they were disturbed decides it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.figures import Pass
from benchmarks.passes import Run


def run_with(shares: list[float], passes: int, quick: bool = False) -> tuple[Run, list[float]]:
    """A run whose passes have these processor shares; gives it and the shares that count."""
    queue: Iterator[float] = iter(shares)

    class Invented(Run):
        def _one_pass(self) -> tuple[float, Pass]:
            share = next(queue)
            return share, Pass({"share": share})

    run = Invented(Path("nowhere"), (), (), quick, lambda _: None)
    counted, worst = run.measure(passes)
    taken = sorted(measured.ours["share"] for measured in counted)
    assert worst == taken[0]
    return run, taken


def test_undisturbed_passes_are_enough() -> None:
    run, taken = run_with([0.99, 0.98, 1.0], 3)
    assert len(run.done) == 3
    assert taken == [0.98, 0.99, 1.0]


def test_disturbed_passes_are_made_again() -> None:
    run, taken = run_with([0.99, 0.5, 0.98], 2)
    assert len(run.done) == 3
    assert taken == [0.98, 0.99]


def test_on_a_busy_machine_the_least_disturbed_count_and_it_ends() -> None:
    run, taken = run_with([0.5, 0.9, 0.6, 0.8, 0.99], 2)
    assert len(run.done) == 4
    assert taken == [0.8, 0.9]


@pytest.mark.parametrize("share", [0.5, 0.99])
def test_a_trial_run_makes_no_further_passes(share: float) -> None:
    run, taken = run_with([share], 1, quick=True)
    assert len(run.done) == 1
    assert taken == [share]
