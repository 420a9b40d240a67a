"""Item 12, proof by proof: sums of commitments, and accounts that only ever occur as a difference.

Who may be added to a sum is decided by vouchers: that half is in `test_commitment_sums.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.attacks.unsafe_prover import UnsafeProver
from tests.helpers import CONTEXT, Case, account, case, opening, row, scalar
from zkcollateral.circuits.statement import Account, LinearSystem, Row, Statement
from zkcollateral.crypto.commitment import (
    Commitment,
    Opening,
    add_commitments,
    add_openings,
)
from zkcollateral.crypto.field import MODULUS
from zkcollateral.crypto.srs import Srs
from zkcollateral.errors import EncodingError, OpeningError, ProverError
from zkcollateral.prover.proof import prove
from zkcollateral.prover.witness import Witness
from zkcollateral.verifier.proof import verify


def test_the_sum_opens_to_the_sum(srs: Srs) -> None:
    """Guards: C(x, b) + C(x', b') = C(x + x', b + b')."""
    openings = [opening((5, -6, 2**62, 0), "1"), opening((1, 2, 2**62, -9), "2")]
    total = add_openings(openings)
    assert total.amounts == (6, -4, 2**63, -9)
    summed = add_commitments([opened.commit(srs) for opened in openings])
    assert summed == total.commit(srs)
    total.check(summed, srs)
    for opened in openings:
        with pytest.raises(OpeningError):
            opened.check(summed, srs)


def test_a_proof_over_the_sum(srs: Srs) -> None:
    """A sum is an account like any other: provable by who knows both openings, and by
    nobody else.
    """
    openings = [opening((5, 6), "1"), opening((1, 2), "2")]
    total = add_openings(openings)
    point = add_commitments([opened.commit(srs) for opened in openings])
    statement = Statement(
        64,
        1,
        (Account(2, bytes(point)),),
        LinearSystem([row([(0, 0, 1), (0, 1, 1)], [(0, -1)], 10)]),
        CONTEXT,
    )
    proof = prove(statement, Witness((total,), (4,)), srs)
    assert verify(statement, proof.encoded, srs).valid
    with pytest.raises(ProverError):
        prove(statement, Witness((openings[0],), (1,)), srs)


def test_sums_of_unlike_commitments(srs: Srs) -> None:
    """Guards: one number of slots in a sum; at another a the same points mean other amounts."""
    unlike = [opening((5, 6)), opening((1, 2, 3, 4))]
    with pytest.raises(OpeningError):
        add_commitments([opened.commit(srs) for opened in unlike])
    with pytest.raises(OpeningError):
        add_openings(unlike)


def test_the_rogue_summand(srs: Srs) -> None:
    """Why summands need vouchers: C' − C_venue makes any total provable, and no proof can tell."""
    venue = opening((0, 1), "venue").commit(srs)
    wanted = opening((10**9, 0), "wanted")
    rogue = Commitment(2, wanted.commit(srs).point - venue.point)
    total = add_commitments([venue, rogue])
    statement = Statement(
        64,
        1,
        (Account(2, bytes(total)),),
        LinearSystem([row([(0, 0, 1)], [(0, -1)], 10**9)]),
        CONTEXT,
    )
    proof = prove(statement, Witness((wanted,), (0,)), srs)
    assert verify(statement, proof.encoded, srs).valid


class KnowsTheDifferenceOnly(UnsafeProver):
    """Proves with p_0 = 0 and p_1 = p_1 − p_0: right wherever the rows show the difference only."""

    def __init__(self, false: Case, difference: Opening, slots: int) -> None:
        nothing = Opening((0,) * slots, 0)
        witness = Witness((nothing, difference), false.witness.values)
        super().__init__(replace(false, witness=witness))


def unknown_pair(srs: Srs) -> tuple[list[Account], Opening]:
    """Two commitments that nobody can open, and the opening of their difference."""
    first = srs.arithmetic.linear_combination([srs.arithmetic.generator], [scalar("unknown")])
    difference = opening((100, 200), "difference")
    second = first + difference.commit(srs).point
    return [Account(2, bytes(first)), Account(2, bytes(second))], difference


DIFFERENCE_ROWS = [row([(0, slot, -1), (1, slot, 1)], [(slot, -1)], 0) for slot in range(2)]


def decode_again(statement: Statement, srs: Srs) -> Statement:
    return Statement.decode(statement.encoded, srs.arithmetic)


def test_rows_of_differences_only_are_refused(srs: Srs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards: the own row. Without it, who can open neither commitment proves their difference."""
    accounts, difference = unknown_pair(srs)

    def statement(rows: list[Row]) -> Statement:
        return Statement(64, 2, tuple(accounts), LinearSystem(rows), CONTEXT)

    with pytest.raises(EncodingError, match="own"):
        statement(DIFFERENCE_ROWS)

    with monkeypatch.context() as patch:
        patch.setattr(Statement, "_check_indices", lambda self: None)
        unsafe = statement(DIFFERENCE_ROWS)
        forger = Case(unsafe, Witness((difference, difference), (100, 200)), srs)
        proof = KnowsTheDifferenceOnly(forger, difference, 2).forge()
        assert verify(unsafe, proof, srs).valid
    with pytest.raises(EncodingError, match="own"):
        decode_again(unsafe, srs)


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(
    "own_row",
    [
        lambda acc: row([(acc, 0, 1)], [(2, -1)], -(2**63)),
        lambda acc: row([(acc, 1, 5)], (), 0),
    ],
)
def test_an_own_row_stops_them(
    srs: Srs, which: int, own_row: Callable[[int], Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards: that a row of one's own is enough, for either account."""
    accounts, difference = unknown_pair(srs)
    monkeypatch.setattr(Statement, "_check_indices", lambda self: None)
    system = LinearSystem([*DIFFERENCE_ROWS, own_row(which)])
    statement = Statement(64, 3, tuple(accounts), system, CONTEXT)
    forger = Case(statement, Witness((difference, difference), (100, 200, 2**63)), srs)
    proof = KnowsTheDifferenceOnly(forger, difference, 2).forge()
    assert not verify(statement, proof, srs).valid


def test_one_account_twice(srs: Srs) -> None:
    """One C in two places is two accounts, each with its own rows, and both see the same
    amounts.
    """
    opened = opening((5, 6, 7, 8))
    rows = [
        row([(0, 0, 1)], [(0, -1)], 1),
        row([(1, 3, 1)], [(1, -1)], 2),
        row([(0, 0, 1), (1, 0, -1)], (), 0),
    ]
    true = case(srs, [opened, opened], rows, [4, 6])
    assert verify(true.statement, true.prove(), srs).valid
    other = opening((6, 6, 7, 8), "b")
    lying = replace(true, witness=Witness((opened, other), (4, 6)))
    assert not verify(lying.statement, UnsafeProver(lying).forge(), srs).valid


def test_a_sum_that_is_the_identity(srs: Srs) -> None:
    """Guards: that C + (−C) is no account."""
    opened = opening((5, 6))
    negative = Opening((-5, -6), -opened.blinder % MODULUS)
    point = add_commitments([opened.commit(srs), negative.commit(srs)])
    assert point.point.is_identity()
    statement = Statement(
        64, 1, (Account(2, bytes(point)),), LinearSystem([row([(0, 0, 1)])]), CONTEXT
    )
    with pytest.raises(EncodingError):
        decode_again(statement, srs)
    honest = case(srs, [opened], [row([(0, 0, 1)], [(0, -1)])], [5])
    assert not verify(statement, honest.prove(), srs).valid


def test_an_unvouched_account_is_one_commitment(srs: Srs) -> None:
    """The account helper and the statement agree on what (a, C) is."""
    opened = opening((5, 6))
    assert account(opened, srs) == Account(2, bytes(opened.commit(srs)))
