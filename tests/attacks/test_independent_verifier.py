"""The verifier of `tests/independent_verifier.py` and the package's give the same verdicts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests import independent_verifier as independent
from tests.helpers import TAU, Case, large_case, small_case, toy_srs
from tests.unsafe_srs import _encode_g2
from zkcollateral.circuits.statement import Statement
from zkcollateral.crypto.arithmetic import Arithmetic
from zkcollateral.crypto.srs import Srs
from zkcollateral.verifier.proof import verify

DECIDE = independent.known_tau(TAU)


def agree(statement: Statement, proof: bytes, srs: Srs) -> bool:
    """The verdict, on which both verifiers agree."""
    ours = verify(statement, proof, srs).valid
    assert independent.accepts(statement.encoded, proof, srs.id, DECIDE) is ours
    return ours


@pytest.mark.parametrize("n", [32, 64, 128])
def test_both_accept_good_proofs(fast: Arithmetic, n: int) -> None:
    srs = toy_srs(fast, n)
    for case in (small_case(srs, n=n), large_case(srs, n=n)):
        assert agree(case.statement, case.prove(), srs)


def test_both_accept_by_pairing(large: Case, large_proof: bytes) -> None:
    decide = independent.by_pairing(_encode_g2(1), _encode_g2(TAU))
    independent.verify(large.statement.encoded, large_proof, large.srs.id, decide)


def test_both_refuse_every_changed_item(large: Case, large_proof: bytes) -> None:
    """One bit in each of the 8 scalars and points of a proof: both say no."""
    k = 3
    points, scalars = 4, 4 + 48 * (k + 4)
    for place in [points + 48 * i + 47 for i in range(k + 4)]:
        changed = bytearray(large_proof)
        changed[place] ^= 1
        assert not agree(large.statement, bytes(changed), large.srs)
    for place in [scalars + 32 * i + 31 for i in range(k + 1)]:
        changed = bytearray(large_proof)
        changed[place] ^= 1
        assert not agree(large.statement, bytes(changed), large.srs)


def test_both_bind_the_reference_string(small: Case, small_proof: bytes) -> None:
    """Guards: SRS_ID in s0."""
    assert not agree(small.statement, small_proof, replace(small.srs, id=bytes(32)))


def test_statements_encode_alike(small: Case, large: Case) -> None:
    for case in (small, large):
        data = case.statement.encoded
        assert independent.decode_statement(data).encode() == data
        assert Statement.decode(data, case.srs.arithmetic) == case.statement
