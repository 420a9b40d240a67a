"""Item 2: a proof proves its own statement and no other.

The second half turns the order round: the statement is finished after the proof, so that it fits.
That works wherever a part of the statement is left out of the hash ("Frozen Heart"), and only
there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from typing_extensions import override

from tests import independent_verifier as independent
from tests.attacks.test_01_hash_binding import STATEMENT_CHANGES, Walk
from tests.attacks.unsafe_prover import UnsafeProver
from tests.attacks.unsafe_transcript import UnsafeTranscript, install
from tests.helpers import TAU, Case, seed, small_case
from zkcollateral.circuits.proof import Proof
from zkcollateral.circuits.statement import COEFFICIENT_BOUND, LinearSystem, Row, Statement
from zkcollateral.crypto.arithmetic import Arithmetic, FieldVector
from zkcollateral.crypto.field import MODULUS
from zkcollateral.crypto.srs import Srs
from zkcollateral.verifier.proof import verify

DECIDE = independent.known_tau(TAU)

CHANGES: dict[str, Callable[[Walk], Statement]] = {
    **STATEMENT_CHANGES,
    "n halved": lambda walk: replace(walk.statement, domain_size=32),
    "n doubled": lambda walk: replace(walk.statement, domain_size=128),
    "m with one column more": lambda walk: replace(walk.statement, value_count=7),
}


@pytest.mark.parametrize("change", CHANGES)
def test_proof_of_another_statement_is_refused(
    large: Case, large_proof: bytes, change: str
) -> None:
    """Guards: that all of the statement enters the transcript and the equation."""
    proof = Proof.decode(large_proof, large.statement, large.srs.arithmetic)
    changed = CHANGES[change](Walk(large.statement, proof, large.srs))
    assert verify(large.statement, large_proof, large.srs).valid
    assert not verify(changed, large_proof, large.srs).valid
    assert not independent.accepts(changed.encoded, large_proof, large.srs.id, DECIDE)


@pytest.mark.native
def test_context_alone_is_enough(small: Case, small_proof: bytes) -> None:
    """Guards: the context in statement_bytes; nothing else of the argument knows it."""
    for bit in range(256):
        context = bytearray(small.statement.context)
        context[bit // 8] ^= 1 << bit % 8
        moved = replace(small.statement, context=bytes(context))
        assert not verify(moved, small_proof, small.srs).valid


# --- the statement finished after the proof


class FinishesTheStatement(UnsafeProver):
    """Proves 2·x_0 + x_3 − v = 3 with v = 7, which is false, and then changes the statement
    to fit.
    """

    def __init__(self, srs: Srs, seed: bytes) -> None:
        true = small_case(srs)
        false = replace(true, witness=replace(true.witness, values=(7,)))
        super().__init__(false, seed=seed)
        self.finished = self.statement

    def missing(self, y: Sequence[int], z_bar: int) -> int:
        """D(ζ) − d, which ought to be 0."""
        return self.linearised_at_zeta() - self.claimed_d(y, z_bar)

    def with_row(self, **fields: object) -> Statement:
        """The statement with its one row changed."""
        changed: Row = self.statement.system.rows[0]._replace(**fields)  # type: ignore[arg-type]
        return replace(self.statement, system=LinearSystem([changed]))


class FinishesTheConstant(FinishesTheStatement):
    @override
    def open(self, y: Sequence[int], z_bar: int) -> tuple[FieldVector, FieldVector]:
        constant = self.rows.e - self.n * self.missing(y, z_bar)
        self.finished = self.with_row(constant=least_absolute(constant))
        return super().open(y, z_bar)


class FinishesAValueCoefficient(FinishesTheStatement):
    @override
    def open(self, y: Sequence[int], z_bar: int) -> tuple[FieldVector, FieldVector]:
        weight = y[0] * self.domain.slot_weights_at(self.zeta, self.domain.vanishing(self.zeta))[0]
        old = self.statement.system.rows[0].value_terms[0]
        coefficient = old.coefficient + self.missing(y, z_bar) * pow(weight, -1, MODULUS)
        term = old._replace(coefficient=bounded(coefficient))
        self.finished = self.with_row(value_terms=(term,))
        return super().open(y, z_bar)


class FinishesAnAccountCoefficient(FinishesTheStatement):
    @override
    def open(self, y: Sequence[int], z_bar: int) -> tuple[FieldVector, FieldVector]:
        basis = independent.lagrange(self.n, self.zeta)[0]
        weight = basis * self.p[0].evaluate(self.zeta) % MODULUS
        old = self.statement.system.rows[0].account_terms
        coefficient = old[0].coefficient + self.missing(y, z_bar) * pow(weight, -1, MODULUS)
        first = old[0]._replace(coefficient=bounded(coefficient))
        self.finished = self.with_row(account_terms=(first, *old[1:]))
        self.rows = self.finished.combine_rows(self.arithmetic, self.rho)
        return super().open(y, z_bar)


class FinishesTheCommitment(FinishesTheStatement):
    @override
    def open(self, y: Sequence[int], z_bar: int) -> tuple[FieldVector, FieldVector]:
        u = self.u_values[0].intt().evaluate(self.zeta)
        constant = self.missing(y, z_bar) * pow(u, -1, MODULUS)
        self.p[0] = self.p[0] + self.arithmetic.vector([constant]).resize(len(self.p[0]))
        point = bytes(self.setup.commit(self.p[0]))
        old = self.statement.accounts[0]
        self.finished = replace(self.statement, accounts=(old._replace(commitment=point),))
        return super().open(y, z_bar)


class TooLarge(Exception):
    """A coefficient of 2^250 or more, which no statement may have."""


def least_absolute(scalar: int) -> int:
    scalar %= MODULUS
    return scalar if scalar <= MODULUS // 2 else scalar - MODULUS


def bounded(scalar: int) -> int:
    coefficient = least_absolute(scalar)
    if abs(coefficient) >= COEFFICIENT_BOUND:
        raise TooLarge
    return coefficient


def finish(attack: type[FinishesTheStatement], srs: Srs) -> tuple[Statement, bytes]:
    """A statement and its proof; one coefficient in fifteen is small enough, so try until
    one is.
    """
    for attempt in range(300):
        prover = attack(srs, seed(f"{attempt}"))
        try:
            proof = prover.forge()
        except TooLarge:
            continue
        assert prover.finished != prover.statement
        return prover.finished, proof
    raise AssertionError


FINISHED: dict[str, tuple[type[FinishesTheStatement], slice]] = {
    "the constant": (FinishesTheConstant, slice(-64, -32)),
    "a value's coefficient": (FinishesAValueCoefficient, slice(-96, -64)),
    "an account's coefficient": (FinishesAnAccountCoefficient, slice(80, 112)),
    "the commitment": (FinishesTheCommitment, slice(16, 64)),
}


@pytest.mark.native
@pytest.mark.parametrize("name", FINISHED)
def test_a_part_that_is_not_hashed_can_be_made_to_fit(
    srs: Srs, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attack is real: with that part blanked before it is hashed, it succeeds."""
    attack, part = FINISHED[name]

    class Blanked(UnsafeTranscript):
        def __init__(self, arithmetic: Arithmetic, srs_id: bytes, statement_bytes: bytes) -> None:
            blank = bytearray(statement_bytes)
            blank[part] = bytes(len(blank[part]))
            super().__init__(arithmetic, srs_id, bytes(blank))

    install(monkeypatch, Blanked)
    statement, proof = finish(attack, srs)
    assert verify(statement, proof, srs).valid


@pytest.mark.native
@pytest.mark.parametrize("name", FINISHED)
def test_the_whole_statement_is_hashed_first(srs: Srs, name: str) -> None:
    """Guards: that part of statement_bytes, which nothing else here stands for."""
    statement, proof = finish(FINISHED[name][0], srs)
    assert not verify(statement, proof, srs).valid
