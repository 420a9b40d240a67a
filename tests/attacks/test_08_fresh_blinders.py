"""Item 8: two proofs of one statement have nothing in common."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.helpers import Case, case, opening, row, toy_srs
from zkcollateral.circuits.proof import Proof
from zkcollateral.crypto.arithmetic import Arithmetic
from zkcollateral.crypto.srs import Srs


def elements(checked: Case, data: bytes) -> list[bytes | int]:
    """Every group element and evaluation of a proof."""
    proof = Proof.decode(data, checked.statement, checked.srs.arithmetic)
    points = (
        *proof.columns,
        proof.accumulator,
        proof.quotient,
        proof.opening,
        proof.shifted_opening,
    )
    return [*map(bytes, points), *proof.column_values, proof.accumulator_value]


def test_two_proofs_share_nothing(large: Case) -> None:
    """Guards: fresh randomness for every proof."""
    first, second = (elements(large, large.prove(seed=None)) for _ in range(2))
    assert len(set(first)) == len(first) == 3 + 4 + 3 + 1
    assert not set(first) & set(second)


def test_no_proof_contains_the_commitments(large: Case) -> None:
    """Guards: that nothing public or unblinded is sent as a message."""
    found = set(elements(large, large.prove(seed=None)))
    assert not found & {account.commitment for account in large.statement.accounts}
    assert bytes(large.srs.arithmetic.generator) not in found


def test_equal_columns_look_different(srs: Srs) -> None:
    """Guards: blinders of its own for every column; here all columns hold the same digits."""
    rows = [row([(0, 0, 1)], [(index, -1)]) for index in range(6)]
    checked = case(srs, [opening((9, 1))], rows, [9] * 6)
    found = elements(checked, checked.prove(seed=None))
    assert len(set(found[:3])) == 3
    assert len(set(found[7:10])) == 3


@pytest.mark.parametrize("values", [(0,), (2**64 - 1,)])
def test_extreme_values_are_hidden_too(srs: Srs, values: tuple[int, ...]) -> None:
    """Guards: the blinders of a column that is constant; without them F is 0 or 3·[1]₁."""
    checked = case(srs, [opening((0, 0))], [row([(0, 0, 1)], [(0, -1)], -values[0])], values, n=32)
    found = [elements(checked, checked.prove(seed=None)) for _ in range(2)]
    assert not set(found[0]) & set(found[1])
    assert 0 not in found[0]
    assert 3 not in found[0]


def test_one_commitment_in_several_statements(fast: Arithmetic) -> None:
    """Guards: blinders of its own for every proof over one C, with whatever n and rows."""
    opened = opening((5, 6, 7, 8))
    seen: list[bytes | int] = []
    for n in (32, 64, 128):
        for threshold in (1, 2):
            rows = [row([(0, 0, 1), (0, 3, 1)], [(0, -1)], threshold)]
            checked = case(toy_srs(fast, n), [opened], rows, [13 - threshold], n=n)
            seen += elements(checked, checked.prove(seed=None))
    assert len(set(seen)) == len(seen)


def test_fresh_openings_of_equal_amounts(srs: Srs) -> None:
    """Guards: a new b for every commitment."""
    from zkcollateral.crypto.commitment import Opening

    first, second = (Opening.fresh((1, 2, 3, 4)) for _ in range(2))
    assert first.blinder != second.blinder
    assert first.commit(srs) != second.commit(srs)
    assert replace(second, blinder=first.blinder).commit(srs) == first.commit(srs)
