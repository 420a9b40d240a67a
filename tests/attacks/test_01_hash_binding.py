"""Item 1: every item is absorbed, and changes every later challenge and no earlier one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import pytest
from typing_extensions import override

from tests import independent_verifier as independent
from tests.helpers import CONTEXT, Case, account, opening, row
from tests.independent_verifier import PlainProof
from zkcollateral.circuits import argument
from zkcollateral.circuits.proof import Proof
from zkcollateral.circuits.statement import Account, LinearSystem, Row, Statement
from zkcollateral.crypto.arithmetic import Arithmetic, Point
from zkcollateral.crypto.field import MODULUS
from zkcollateral.crypto.srs import Srs
from zkcollateral.crypto.transcript import Transcript
from zkcollateral.prover.proof import Prover

LABELS = ("rho", "alpha", "zeta", "nu", "mu")


class Walk(NamedTuple):
    """What a verifier hashes."""

    statement: Statement
    proof: Proof
    srs: Srs


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Callable[[Walk], list[int]]:
    """The verifier's five challenges, as its own code draws them."""

    class Recorder(Transcript):
        @override
        def round(self, label: str, *items: object) -> int:
            challenge = super().round(label, *items)  # type: ignore[arg-type]
            recorded[label] = challenge
            return challenge

    recorded: dict[str, int] = {}
    monkeypatch.setattr(argument, "Transcript", Recorder)

    def draw(walk: Walk) -> list[int]:
        recorded.clear()
        arithmetic = walk.srs.arithmetic
        commitments = b"".join(account.commitment for account in walk.statement.accounts)
        accounts = arithmetic.decode_points(commitments)
        argument.pairing_equation(walk.statement, accounts, walk.proof, walk.srs)
        assert tuple(recorded) == LABELS
        return list(recorded.values())

    return draw


def plain(data: bytes, k: int) -> PlainProof:
    return independent.decode_proof(data, k)


def test_the_verifier_hashes_as_specified(
    drawn: Callable[[Walk], list[int]], large: Case, large_proof: bytes
) -> None:
    """Guards: each of the items in s0 … s5; one left out or moved gives other challenges."""
    proof = Proof.decode(large_proof, large.statement, large.srs.arithmetic)
    expected = independent.challenges(
        large.srs.id, large.statement.encoded, plain(large_proof, len(proof.columns))
    )
    assert drawn(Walk(large.statement, proof, large.srs)) == list(expected)


def test_the_prover_hashes_as_specified(large: Case) -> None:
    """Guards: the prover's use of the same transcript."""
    prover = Prover(large.statement, large.witness, large.srs, bytes(32))
    proof = prover.run()
    assert proof is not None
    expected = independent.challenges(
        large.srs.id, large.statement.encoded, plain(proof.encoded, len(proof.columns))
    )
    assert (prover.rho, prover.alpha, prover.zeta, prover.nu) == expected[:4]


def test_statement_bytes_are_as_specified(large: Case) -> None:
    """Guards: what the statement's encoding holds; written out from section 7 by hand."""
    statement = large.statement
    rows = [
        independent.PlainRow(
            [(acc, slot, c % MODULUS) for acc, slot, c in r.account_terms],
            [(index, c % MODULUS) for index, c in r.value_terms],
            r.constant % MODULUS,
        )
        for r in statement.system.rows
    ]
    accounts = [(a.slots, a.commitment) for a in statement.accounts]
    expected = independent.PlainStatement(64, 5, accounts, rows, CONTEXT)
    assert statement.encoded == expected.encode()


def other_point(arithmetic: Arithmetic) -> Point:
    return arithmetic.linear_combination([arithmetic.generator], [123456789])


def change_row(statement: Statement, index: int, changed: Row) -> Statement:
    rows = list(statement.system.rows)
    rows[index] = changed
    return replace(statement, system=LinearSystem(rows))


def with_account(statement: Statement, index: int, changed: Account) -> Statement:
    accounts = list(statement.accounts)
    accounts[index] = changed
    return replace(statement, accounts=tuple(accounts))


def with_term(statement: Statement, **fields: int) -> Statement:
    first = statement.system.rows[0]
    term = first.account_terms[0]._replace(**fields)
    return change_row(statement, 0, first._replace(account_terms=(term, *first.account_terms[1:])))


def with_value_term(statement: Statement, **fields: int) -> Statement:
    first = statement.system.rows[0]
    return change_row(
        statement, 0, first._replace(value_terms=(first.value_terms[0]._replace(**fields),))
    )


def with_constant(statement: Statement) -> Statement:
    first = statement.system.rows[0]
    return change_row(statement, 0, first._replace(constant=first.constant + 1))


def other_commitment(walk: Walk, index: int) -> Statement:
    point = bytes(other_point(walk.srs.arithmetic))
    old = walk.statement.accounts[index]
    return with_account(walk.statement, index, old._replace(commitment=point))


def one_account_more(walk: Walk) -> Statement:
    third = account(opening((1, 2), "third"), walk.srs)
    rows = (*walk.statement.system.rows, row([(2, 0, 1)], (), 1))
    return replace(
        walk.statement,
        accounts=(*walk.statement.accounts, third),
        system=LinearSystem(rows),
    )


STATEMENT_CHANGES: dict[str, Callable[[Walk], Statement]] = {
    "m": lambda walk: replace(walk.statement, value_count=6),
    "a of account 0": lambda walk: with_account(
        walk.statement, 0, walk.statement.accounts[0]._replace(slots=8)
    ),
    "a of account 1": lambda walk: with_account(
        walk.statement, 1, walk.statement.accounts[1]._replace(slots=32)
    ),
    "C of account 0": lambda walk: other_commitment(walk, 0),
    "C of account 1": lambda walk: other_commitment(walk, 1),
    "an account more": one_account_more,
    "one C twice": lambda walk: replace(
        walk.statement,
        accounts=(
            walk.statement.accounts[0],
            walk.statement.accounts[1]._replace(commitment=walk.statement.accounts[0].commitment),
        ),
    ),
    "a term's slot": lambda walk: with_term(walk.statement, slot=1),
    "a term's coefficient": lambda walk: with_term(walk.statement, coefficient=3),
    "a coefficient's sign": lambda walk: with_term(walk.statement, coefficient=-2),
    "a value's index": lambda walk: with_value_term(walk.statement, value=1),
    "a value's coefficient": lambda walk: with_value_term(walk.statement, coefficient=-2),
    "a constant": lambda walk: with_constant(walk.statement),
    "a row less": lambda walk: replace(
        walk.statement, system=LinearSystem(walk.statement.system.rows[:-1])
    ),
    "rows swapped": lambda walk: replace(
        walk.statement, system=LinearSystem(walk.statement.system.rows[::-1])
    ),
    "the context's first byte": lambda walk: replace(
        walk.statement, context=b"\xff" + walk.statement.context[1:]
    ),
    "the context's last byte": lambda walk: replace(
        walk.statement, context=walk.statement.context[:-1] + b"\xff"
    ),
}


def bumped(values: tuple[int, ...], index: int) -> tuple[int, ...]:
    return (*values[:index], (values[index] + 1) % MODULUS, *values[index + 1 :])


def with_column(proof: Proof, index: int, point: Point) -> Proof:
    return replace(proof, columns=(*proof.columns[:index], point, *proof.columns[index + 1 :]))


PROOF_CHANGES: dict[str, tuple[int, Callable[[Proof, Point], Proof]]] = {
    "F_0": (0, lambda proof, point: with_column(proof, 0, point)),
    "F_1": (0, lambda proof, point: with_column(proof, 1, point)),
    "F_2": (0, lambda proof, point: with_column(proof, 2, point)),
    "F_0 and F_1 swapped": (
        0,
        lambda proof, point: replace(
            proof, columns=(proof.columns[1], proof.columns[0], proof.columns[2])
        ),
    ),
    "Z": (1, lambda proof, point: replace(proof, accumulator=point)),
    "T": (2, lambda proof, point: replace(proof, quotient=point)),
    "y_0": (3, lambda proof, point: replace(proof, column_values=bumped(proof.column_values, 0))),
    "y_1": (3, lambda proof, point: replace(proof, column_values=bumped(proof.column_values, 1))),
    "y_2": (3, lambda proof, point: replace(proof, column_values=bumped(proof.column_values, 2))),
    "y_0 and y_1 swapped": (
        3,
        lambda proof, point: replace(
            proof,
            column_values=(
                proof.column_values[1],
                proof.column_values[0],
                proof.column_values[2],
            ),
        ),
    ),
    "z̄": (
        3,
        lambda proof, point: replace(proof, accumulator_value=proof.accumulator_value ^ 1),
    ),
    "W": (4, lambda proof, point: replace(proof, opening=point)),
    "W'": (4, lambda proof, point: replace(proof, shifted_opening=point)),
    "W and W' swapped": (
        4,
        lambda proof, point: replace(
            proof, opening=proof.shifted_opening, shifted_opening=proof.opening
        ),
    ),
}


def assert_changed_from(before: list[int], after: list[int], first: int) -> None:
    assert after[:first] == before[:first]
    assert not set(after[first:]) & set(before[first:])


@pytest.fixture
def walk(large: Case, large_proof: bytes) -> Walk:
    proof = Proof.decode(large_proof, large.statement, large.srs.arithmetic)
    return Walk(large.statement, proof, large.srs)


@pytest.mark.parametrize("change", STATEMENT_CHANGES)
def test_every_part_of_the_statement(
    drawn: Callable[[Walk], list[int]], walk: Walk, change: str
) -> None:
    """Guards: statement_bytes in s0."""
    changed = walk._replace(statement=STATEMENT_CHANGES[change](walk))
    assert changed.statement != walk.statement
    assert_changed_from(drawn(walk), drawn(changed), 0)


def test_the_domain_size(
    drawn: Callable[[Walk], list[int]], small: Case, small_proof: bytes
) -> None:
    """Guards: n in s0."""
    proof = Proof.decode(small_proof, small.statement, small.srs.arithmetic)
    walk = Walk(small.statement, proof, small.srs)
    changed = walk._replace(statement=replace(small.statement, domain_size=32))
    assert_changed_from(drawn(walk), drawn(changed), 0)


def test_the_reference_string(drawn: Callable[[Walk], list[int]], walk: Walk) -> None:
    """Guards: SRS_ID in s0."""
    changed = walk._replace(srs=replace(walk.srs, id=bytes(31) + b"\x01"))
    assert_changed_from(drawn(walk), drawn(changed), 0)


@pytest.mark.parametrize("change", PROOF_CHANGES)
def test_every_item_of_the_proof(
    drawn: Callable[[Walk], list[int]], walk: Walk, change: str
) -> None:
    """Guards: each of F_c, Z, T, y_c, z̄, W, W' in its round's state."""
    first, apply = PROOF_CHANGES[change]
    changed = walk._replace(proof=apply(walk.proof, other_point(walk.srs.arithmetic)))
    assert_changed_from(drawn(walk), drawn(changed), first)
