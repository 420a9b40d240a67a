"""Item 5: a false row, and provers that skip their own checks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests import independent_verifier as independent
from tests.attacks.unsafe_prover import STRATEGIES, UnsafeProver
from tests.helpers import TAU, Case, case, opening, row
from zkcollateral.circuits.statement import LinearSystem, Row
from zkcollateral.crypto.srs import Srs
from zkcollateral.errors import ProverError
from zkcollateral.prover.proof import prove
from zkcollateral.prover.witness import Witness
from zkcollateral.verifier.proof import verify

DECIDE = independent.known_tau(TAU)
ROWS = range(6)


def with_row(true: Case, index: int, changed: Row) -> Case:
    rows = list(true.statement.system.rows)
    rows[index] = changed
    return replace(true, statement=replace(true.statement, system=LinearSystem(rows)))


def off_by_one(true: Case, index: int) -> Case:
    """The constant of one row is one too large; nothing else is false."""
    old = true.statement.system.rows[index]
    return with_row(true, index, old._replace(constant=old.constant + 1))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_same_provers_prove_what_is_true(
    small: Case, large: Case, strategy: type[UnsafeProver]
) -> None:
    """The control: with an honest witness the same machinery makes the honest proof, byte
    for byte.
    """
    for true in (small, large):
        proof = strategy(true).forge()
        assert verify(true.statement, proof, true.srs).valid
        if strategy is UnsafeProver:
            assert proof == true.prove()


@pytest.mark.native
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("index", ROWS)
def test_one_false_constant(large: Case, index: int, strategy: type[UnsafeProver]) -> None:
    """Guards: the rows, through z's closing; e/n for rows that only e tells apart."""
    false = off_by_one(large, index)
    assert not verify(false.statement, strategy(false).forge(), false.srs).valid


@pytest.mark.native
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("index", [0, 1, 2, 3, 5])
def test_one_false_account_coefficient(
    large: Case, index: int, strategy: type[UnsafeProver]
) -> None:
    """Guards: U_acc, for both accounts and both numbers of slots."""
    old = large.statement.system.rows[index]
    for place, term in enumerate(old.account_terms):
        terms = list(old.account_terms)
        terms[place] = term._replace(coefficient=term.coefficient + 2)
        false = with_row(large, index, old._replace(account_terms=tuple(terms)))
        assert not verify(false.statement, strategy(false).forge(), false.srs).valid


@pytest.mark.native
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("index", [0, 1, 2, 4])
def test_one_false_value_coefficient(large: Case, index: int, strategy: type[UnsafeProver]) -> None:
    """Guards: w_c, for every column."""
    old = large.statement.system.rows[index]
    for place, term in enumerate(old.value_terms):
        terms = list(old.value_terms)
        terms[place] = term._replace(coefficient=3 * term.coefficient)
        false = with_row(large, index, old._replace(value_terms=tuple(terms)))
        assert not verify(false.statement, strategy(false).forge(), false.srs).valid


@pytest.mark.parametrize("index", ROWS)
def test_the_independent_verifier_refuses_too(large: Case, index: int) -> None:
    """Guards: that both verifiers check the same relation."""
    false = off_by_one(large, index)
    proof = UnsafeProver(false).forge()
    assert not independent.accepts(false.statement.encoded, proof, false.srs.id, DECIDE)


@pytest.mark.parametrize("value", range(5))
def test_one_false_value(large: Case, value: int) -> None:
    """Guards: that each value is tied to its row, in the half-empty last column too."""
    values = list(large.witness.values)
    values[value] += 1
    false = replace(large, witness=replace(large.witness, values=tuple(values)))
    assert not verify(false.statement, UnsafeProver(false).forge(), false.srs).valid


@pytest.mark.native
@pytest.mark.parametrize("place", [(0, 0), (0, 2), (0, 3), (1, 0), (1, 1), (1, 15)])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_another_opening(large: Case, place: tuple[int, int], strategy: type[UnsafeProver]) -> None:
    """Guards: that p is C's. The prover knows amounts that satisfy all rows, but not in C."""
    which, slot = place
    openings = list(large.witness.openings)
    amounts = list(openings[which].amounts)
    amounts[slot] += 1
    openings[which] = replace(openings[which], amounts=tuple(amounts))
    rich = replace(large.witness, openings=tuple(openings))
    # Their own commitment satisfies rows with shifted constants; the statement has the other C.
    shift = [
        sum(t.coefficient for t in r.account_terms if (t.account, t.slot) == place)
        for r in large.statement.system.rows
    ]
    rows = [
        r._replace(constant=r.constant + by)
        for r, by in zip(large.statement.system.rows, shift, strict=True)
    ]
    system = LinearSystem(rows)
    honest = case(large.srs, openings, rows, large.witness.values)
    assert verify(honest.statement, strategy(honest).forge(), large.srs).valid
    false = Case(replace(large.statement, system=system), rich, large.srs)
    assert not verify(false.statement, strategy(false).forge(), large.srs).valid


def test_another_blinder_of_the_commitment(small: Case) -> None:
    """Guards: that p is C's, with the right amounts and a wrong b."""
    opened = small.witness.openings[0]
    forged = replace(opened, blinder=opened.blinder + 1)
    false = replace(small, witness=Witness((forged,), small.witness.values))
    assert not verify(false.statement, UnsafeProver(false).forge(), false.srs).valid


@pytest.mark.native
@pytest.mark.parametrize("slots", [1, 2, 8, 32, 64])
def test_accounts_of_every_size(srs: Srs, slots: int) -> None:
    """Guards: slot i of an account is row i·n/a; each slot is proved in turn, and then off
    by one.
    """
    opened = opening([10 + slot for slot in range(slots)], f"{slots}")
    for slot in {0, slots // 2, slots - 1}:
        for by in (0, 1):
            rows = [row([(0, slot, 1)], [(0, -1)], 3 + by)]
            checked = case(srs, [opened], rows, [7 + slot])
            verdict = verify(checked.statement, UnsafeProver(checked).forge(), srs)
            assert verdict.valid is (by == 0)


@pytest.mark.parametrize("index", ROWS)
def test_the_honest_prover_refuses(large: Case, index: int) -> None:
    """Guards: the prover's own check of its rows."""
    false = off_by_one(large, index)
    with pytest.raises(ProverError, match="does not satisfy"):
        prove(false.statement, false.witness, false.srs)
