"""Item 15: the reference and the fast arithmetic make the same bytes, and believe each other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.helpers import Case, large_case, small_case, toy_srs
from zkcollateral.crypto.arithmetic import Arithmetic
from zkcollateral.crypto.srs import Srs
from zkcollateral.verifier.proof import verify, verify_batch

Make = Callable[[Srs], Case]
MAKES: dict[str, Make] = {
    "n = 32, k = 1": lambda srs: small_case(srs, n=32),
    "n = 64, k = 1": small_case,
    "n = 64, k = 3": large_case,
}


@pytest.mark.parametrize("name", MAKES)
def test_same_bytes_and_mutual_belief(both: tuple[Arithmetic, Arithmetic], name: str) -> None:
    """Guards: one protocol over two arithmetics. What one proves the other verifies."""
    reference, native = (MAKES[name](toy_srs(arithmetic)) for arithmetic in both)
    assert reference.statement.encoded == native.statement.encoded
    proof = reference.prove()
    assert proof == native.prove()
    for case in (reference, native):
        assert verify(case.statement, proof, case.srs).valid


def test_batches_too(both: tuple[Arithmetic, Arithmetic]) -> None:
    """Guards: batch verification over the reference arithmetic."""
    srs = toy_srs(both[0])
    fast = [make(toy_srs(both[1])) for make in (small_case, large_case)]
    items = [(case.statement, case.prove()) for case in fast]
    bad = (items[1][0], items[1][1][:-1] + b"\x00")
    assert [report.valid for report in verify_batch([*items, bad], srs)] == [True, True, False]
