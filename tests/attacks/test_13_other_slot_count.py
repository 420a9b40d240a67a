"""Item 13: a commitment is (a, C); the same C at another a is another account."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.attacks.unsafe_prover import UnsafeProver
from tests.helpers import Case, case, opening, row
from zkcollateral.circuits.statement import Account
from zkcollateral.crypto.commitment import Opening
from zkcollateral.crypto.srs import Srs
from zkcollateral.errors import OpeningError, ProverError
from zkcollateral.prover.proof import prove
from zkcollateral.prover.witness import Witness
from zkcollateral.verifier.proof import verify

SLOTS = (1, 2, 8, 16, 64)


def at(true: Case, slots: int) -> Case:
    """The same statement with the same point, read at another number of slots."""
    point = true.statement.accounts[0].commitment
    return replace(true, statement=replace(true.statement, accounts=(Account(slots, point),)))


@pytest.fixture(scope="module")
def true(srs: Srs) -> Case:
    """x_0 ≥ 3 over four slots."""
    return case(srs, [opening((5, 7, 11, 13))], [row([(0, 0, 1)], [(0, -1)], 3)], [2])


@pytest.mark.parametrize("slots", SLOTS)
def test_the_proof_does_not_move(true: Case, slots: int) -> None:
    """Guards: a in statement_bytes. Slot 0 is row 0 at every a, so the equation itself is
    the same.
    """
    proof = true.prove()
    assert verify(true.statement, proof, true.srs).valid
    moved = at(true, slots)
    assert moved.statement.encoded != true.statement.encoded
    assert not verify(moved.statement, proof, true.srs).valid


@pytest.mark.parametrize("slots", SLOTS)
def test_the_opening_does_not_open_it(true: Case, slots: int) -> None:
    """Guards: that an opening has its own number of slots."""
    moved = at(true, slots)
    with pytest.raises(ProverError, match="does not open"):
        prove(moved.statement, moved.witness, moved.srs)
    commitment = true.witness.openings[0].commit(true.srs)
    with pytest.raises(OpeningError):
        true.witness.openings[0].check(replace(commitment, slots=slots), true.srs)


def test_other_slots_show_other_amounts(srs: Srs) -> None:
    """Why a is signed and hashed: the polynomial that is 5 and 0 on two slots is more on four."""
    honest = Opening((5, 0), 3)
    polynomial = honest.polynomial(srs)
    amounts = srs.arithmetic.vector(polynomial.to_ints()).resize(4).ntt().to_ints()
    assert amounts[::2] == [5, 0]
    assert amounts[1::2] != [5, 0]
    # p(ω_4) and p(ω_4^3): there Z_2 is −2, and b shows.
    assert len(set(amounts)) == 4


def test_a_holder_who_reads_it_so_on_purpose(true: Case) -> None:
    """Guards: nothing but a itself. At a = 1 the same polynomial honestly proves x_0 = p(1), and
    only that.
    """
    moved = at(true, 1)
    opened = true.witness.openings[0]
    seen = Witness((replace(opened, amounts=opened.amounts[:1]),), true.witness.values)
    prover = UnsafeProver(replace(moved, witness=seen))
    prover.p = [opened.polynomial(true.srs)]
    proof = prover.forge()
    assert verify(moved.statement, proof, moved.srs).valid
    assert not verify(true.statement, proof, true.srs).valid
