"""Times of the native arithmetic, measured with pytest-benchmark. One round is one call.

The name of every test is the name of its figure; `benchmarks.figures` reads them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.conftest import Timed
from benchmarks.recording import record_commitments
from benchmarks.shapes import Inputs, Shape, fresh, large, margin, ranged, tiered
from zkcollateral.circuits.statement import Statement
from zkcollateral.crypto.select import arithmetic
from zkcollateral.crypto.srs import Srs, ceremony
from zkcollateral.prover.proof import prove
from zkcollateral.verifier.proof import verify, verify_batch

SHAPES = ("k1", "balanced", "fast", "large", "tiered", "margin")
ROUNDS = {"k1": 40, "balanced": 30, "fast": 30, "large": 8, "tiered": 20, "margin": 20}


@pytest.fixture(scope="module")
def shapes(srs: Srs, inputs: Inputs) -> Callable[[str], Shape]:
    made: dict[str, Shape] = {}
    makers: dict[str, Callable[[], Shape]] = {
        "k1": lambda: inputs.first,
        "balanced": lambda: ranged(srs, inputs.values, "balanced"),
        "fast": lambda: ranged(srs, inputs.values, "fast"),
        "large": lambda: large(srs),
        "tiered": lambda: tiered(srs),
        "margin": lambda: margin(srs),
    }

    def get(name: str) -> Shape:
        if name not in made:
            made[name] = makers[name]()
        return made[name]

    return get


def test_first_proof(timed: Timed, inputs: Inputs) -> None:
    """A process's first proof: reads the setup's file, decodes its points, builds the tables."""
    shape = inputs.first

    def start() -> object:
        return prove(shape.statement, shape.witness, ceremony(arithmetic("native")))

    timed(1, start, warm=0)


@pytest.mark.parametrize("name", SHAPES)
def test_prove(timed: Timed, srs: Srs, shapes: Callable[[str], Shape], name: str) -> None:
    """The whole of `prove`, checks of the witness and of the proof included."""
    shape = shapes(name)
    proof = timed(ROUNDS[name], lambda: prove(shape.statement, shape.witness, srs))
    assert verify(shape.statement, proof.encoded, srs).valid


@pytest.mark.parametrize("name", SHAPES)
def test_commit(timed: Timed, srs: Srs, shapes: Callable[[str], Shape], name: str) -> None:
    """The commitments that this very `prove` makes, and nothing else."""
    shape = shapes(name)
    calls = record_commitments(
        srs, lambda recording: prove(shape.statement, shape.witness, recording)
    ).calls

    def commit() -> None:
        for call in calls:
            call()

    timed(ROUNDS[name], commit)


@pytest.mark.parametrize("name", SHAPES)
def test_in_place(
    timed: Timed,
    benchmark: BenchmarkFixture,
    srs: Srs,
    shapes: Callable[[str], Shape],
    name: str,
) -> None:
    """As `test_prove`; notes the commitments' part of the time, where they are made."""
    shape = shapes(name)
    shares = []

    def prove_and_time() -> None:
        start = time.perf_counter()
        recorder = record_commitments(
            srs, lambda recording: prove(shape.statement, shape.witness, recording)
        )
        shares.append(recorder.seconds / (time.perf_counter() - start))

    timed(ROUNDS[name], prove_and_time)
    benchmark.extra_info["commitment_share"] = median(shares)


@pytest.mark.parametrize("name", SHAPES)
def test_verify(timed: Timed, srs: Srs, shapes: Callable[[str], Shape], name: str) -> None:
    """From the bytes of a proof to the verdict; the statement has been verified against before."""
    shape = shapes(name)
    proof = prove(shape.statement, shape.witness, srs).encoded
    assert timed(2 * ROUNDS[name], lambda: verify(shape.statement, proof, srs)).valid


@pytest.mark.parametrize("name", SHAPES)
def test_verify_cold(timed: Timed, srs: Srs, shapes: Callable[[str], Shape], name: str) -> None:
    """From the bytes of a statement and of a proof to the verdict; nothing is remembered."""
    shape = shapes(name)
    encoded = shape.statement.encoded
    proof = prove(shape.statement, shape.witness, srs).encoded

    def decode_and_verify() -> Any:
        return verify(Statement.decode(encoded, srs.arithmetic), proof, srs)

    assert timed(ROUNDS[name], decode_and_verify).valid


def test_verify_one(timed: Timed, srs: Srs, inputs: Inputs) -> None:
    """Another proof of the batch below in each round, with a new statement object over the rows."""
    turn = iter(range(1 << 30))

    def one() -> tuple[tuple[Any, ...], dict[str, Any]]:
        statement, proof = inputs.batch[next(turn) % len(inputs.batch)]
        return (fresh(statement), proof, srs), {}

    assert timed(100, verify, setup=one).valid


def test_verify_batch(timed: Timed, srs: Srs, inputs: Inputs) -> None:
    """All proofs of the batch at once, with new statement objects over the same rows."""

    def all_of_them() -> tuple[tuple[Any, ...], dict[str, Any]]:
        return ([(fresh(statement), proof) for statement, proof in inputs.batch], srs), {}

    reports = timed(2, verify_batch, setup=all_of_them, warm=1)
    assert len(reports) == len(inputs.batch)
    assert all(report.valid for report in reports)
