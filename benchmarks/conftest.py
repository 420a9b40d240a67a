"""What the measurements share: their inputs, and how often they are repeated."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.shapes import BATCH, Inputs
from zkcollateral.crypto.select import arithmetic
from zkcollateral.crypto.srs import Srs, ceremony

QUICK_ROUNDS = 2
QUICK_BATCH = 8


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("zkcollateral benchmarks")
    group.addoption("--inputs", type=Path, help="a file that benchmarks.shapes.Inputs wrote")
    group.addoption("--quick", action="store_true", help="two rounds of everything: a trial run")


@pytest.fixture(scope="session")
def quick(request: pytest.FixtureRequest) -> bool:
    """Whether this is a trial run, whose figures mean nothing."""
    return bool(request.config.getoption("--quick"))


@pytest.fixture(scope="session")
def srs() -> Srs:
    """The ceremony's string, in the native arithmetic."""
    return ceremony(arithmetic("native"))


@pytest.fixture(scope="session")
def inputs(request: pytest.FixtureRequest, quick: bool) -> Inputs:
    """What all processes of a run work on; made anew if the run gives none."""
    path: Path | None = request.config.getoption("--inputs")
    if path is not None:
        return Inputs.load(path)
    return Inputs.make(request.getfixturevalue("srs"), QUICK_BATCH if quick else BATCH)


Timed = Callable[..., Any]


@pytest.fixture
def timed(benchmark: BenchmarkFixture, quick: bool) -> Timed:
    """`timed(rounds, target, setup=…, warm=…)`: calls `target` once per round, returns its result.

    Notes which share of one processor the process had meanwhile: above 1 means that something ran
    in parallel, well below 1 that the machine was busy with something else.
    """

    def run(
        rounds: int,
        target: Callable[..., Any],
        *,
        setup: Callable[[], tuple[tuple[Any, ...], dict[str, Any]]] | None = None,
        warm: int = 3,
    ) -> Any:
        wall, processor = time.perf_counter(), time.process_time()
        result = benchmark.pedantic(  # type: ignore[no-untyped-call]
            target,
            setup=setup,
            rounds=min(rounds, QUICK_ROUNDS) if quick else rounds,
            iterations=1,
            warmup_rounds=min(warm, 1) if quick else warm,
        )
        share = (time.process_time() - processor) / (time.perf_counter() - wall)
        benchmark.extra_info["processor_share"] = share
        return result

    return run
