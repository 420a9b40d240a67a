"""Times of the reference arithmetic.

Each test is run in a process of its own, which never loads the native one, and has one round. The
setup's points are decoded when first needed, so that is timed too.
"""

from __future__ import annotations

import sys

import pytest

from benchmarks.conftest import Timed
from benchmarks.shapes import Inputs
from zkcollateral.crypto.select import arithmetic
from zkcollateral.crypto.srs import Srs, ceremony
from zkcollateral.prover.proof import prove
from zkcollateral.verifier.proof import verify


@pytest.fixture(scope="session")
def reference_srs(request: pytest.FixtureRequest) -> Srs:
    if request.config.getoption("--inputs") is None:
        pytest.skip("needs --inputs, so that nothing is computed beforehand in this process")
    return ceremony(arithmetic("reference"))


@pytest.fixture(autouse=True)
def _reference_only() -> None:
    assert "zkcollateral_native" not in sys.modules


def test_reference_prove(timed: Timed, inputs: Inputs, reference_srs: Srs) -> None:
    shape = inputs.first
    proof = timed(1, lambda: prove(shape.statement, shape.witness, reference_srs), warm=0)
    assert len(proof.encoded) == len(inputs.batch[0][1])
    assert "zkcollateral_native" not in sys.modules


def test_reference_verify(timed: Timed, inputs: Inputs, reference_srs: Srs) -> None:
    statement, proof = inputs.batch[0]
    assert timed(1, lambda: verify(statement, proof, reference_srs), warm=0).valid
    assert "zkcollateral_native" not in sys.modules
