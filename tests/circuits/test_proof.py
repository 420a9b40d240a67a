"""Proofs as bytes."""

from __future__ import annotations

import pytest

from tests.helpers import large_case, small_case, toy_srs
from zkcollateral.circuits.proof import MAGIC, Proof, proof_size
from zkcollateral.crypto.arithmetic import Arithmetic
from zkcollateral.errors import EncodingError


@pytest.mark.parametrize(("k", "size"), [(1, 308), (2, 388), (8, 868), (32, 2788), (1024, 82148)])
def test_size(k: int, size: int) -> None:
    """4 + 48·(k + 4) + 32·(k + 1)."""
    assert proof_size(k) == size == 4 + 48 * (k + 4) + 32 * (k + 1)


def test_order_of_the_parts(fast: Arithmetic) -> None:
    case = large_case(toy_srs(fast))
    data = case.prove()
    proof = Proof.decode(data, case.statement, fast)
    points = [data[4 + 48 * i : 52 + 48 * i] for i in range(7)]
    scalars = [int.from_bytes(data[340 + 32 * i : 372 + 32 * i], "big") for i in range(4)]
    assert data[:4] == MAGIC == b"ZKC1"
    assert [bytes(point) for point in proof.columns] == points[:3]
    assert bytes(proof.accumulator) == points[3]
    assert bytes(proof.quotient) == points[4]
    assert bytes(proof.opening) == points[5]
    assert bytes(proof.shifted_opening) == points[6]
    assert [*proof.column_values, proof.accumulator_value] == scalars
    assert proof.encoded == data
    assert len(data) == proof_size(3)


def test_decoding_is_the_inverse(arithmetic: Arithmetic) -> None:
    case = small_case(toy_srs(arithmetic))
    data = case.prove()
    assert Proof.decode(data, case.statement, arithmetic).encoded == data


def test_the_statement_says_how_many_columns(fast: Arithmetic) -> None:
    small, large = small_case(toy_srs(fast)), large_case(toy_srs(fast))
    for statement, data in ((small.statement, large.prove()), (large.statement, small.prove())):
        with pytest.raises(EncodingError, match="bytes for k = "):
            Proof.decode(data, statement, fast)
