"""The prover: what it refuses, what it checks before it lets go of a proof, what it keeps to
itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from typing_extensions import override

from tests.helpers import (
    SEED,
    Case,
    case,
    large_case,
    opening,
    row,
    scalar,
    small_case,
    toy_srs,
)
from zkcollateral.circuits import argument
from zkcollateral.circuits.argument import PairingEquation
from zkcollateral.crypto.arithmetic import Arithmetic
from zkcollateral.crypto.field import MODULUS, root_of_unity
from zkcollateral.crypto.srs import Srs
from zkcollateral.crypto.transcript import Transcript
from zkcollateral.errors import ProverError
from zkcollateral.prover import proof as prover_module
from zkcollateral.prover.proof import Prover, check_witness, prove
from zkcollateral.prover.witness import Witness
from zkcollateral.verifier.proof import verify


@pytest.fixture(scope="module")
def srs(fast: Arithmetic) -> Srs:
    return toy_srs(fast)


@pytest.fixture(scope="module")
def small(srs: Srs) -> Case:
    return small_case(srs)


@pytest.fixture(scope="module")
def large(srs: Srs) -> Case:
    return large_case(srs)


def test_proofs_verify(small: Case, large: Case) -> None:
    for made in (small, large):
        assert verify(made.statement, made.prove(seed=None), made.srs).valid


@pytest.mark.parametrize("m", range(1, 8))
def test_every_number_of_values(srs: Srs, m: int) -> None:
    """Full and half-full last columns."""
    rows = [row([(0, 0, 1)], [(index, -1)], -index) for index in range(m)]
    made = case(srs, [opening((5, 0))], rows, [5 + index for index in range(m)])
    proof = made.prove()
    assert len(proof) == 4 + 48 * ((m + 1) // 2 + 4) + 32 * ((m + 1) // 2 + 1)
    assert verify(made.statement, proof, srs).valid


@pytest.mark.parametrize("n", [32, 128])
def test_other_domains(fast: Arithmetic, n: int) -> None:
    srs = toy_srs(fast, n)
    for made in (small_case(srs, n=n), large_case(srs, n=n)):
        assert verify(made.statement, made.prove(), srs).valid


def test_more_columns_than_any_profile_wants(srs: Srs) -> None:
    """k = 40, with n as small as it gets."""
    rows = [row([(0, 0, 1)], [(index, -1)]) for index in range(40)]
    made = case(srs, [opening((5,))], rows, [5] * 40, n=32)
    assert verify(made.statement, made.prove(), srs).valid


def test_many_accounts(srs: Srs) -> None:
    """64 accounts of different size, one row that adds them all up."""
    openings = [opening(range(2 ** (i % 7)), f"many {i}") for i in range(64)]
    rows = [
        row([(i, len(o.amounts) - 1, 1)], (), len(o.amounts) - 1) for i, o in enumerate(openings)
    ]
    total = sum(len(o.amounts) - 1 for o in openings)
    rows.append(row([(i, len(o.amounts) - 1, 1) for i, o in enumerate(openings)], [(0, -1)], 100))
    made = case(srs, openings, rows, [total - 100])
    assert verify(made.statement, made.prove(), srs).valid


# --- what it refuses


def wrong(made: Case, **fields: object) -> Witness:
    return replace(made.witness, **fields)  # type: ignore[arg-type]


REFUSED: dict[str, Callable[[Case], Witness]] = {
    "an opening less": lambda made: wrong(made, openings=made.witness.openings[:1]),
    "an opening more": lambda made: wrong(made, openings=made.witness.openings * 2),
    "openings swapped": lambda made: wrong(made, openings=made.witness.openings[::-1]),
    "another blinder": lambda made: wrong(
        made,
        openings=(
            replace(made.witness.openings[0], blinder=scalar("other")),
            made.witness.openings[1],
        ),
    ),
    "another amount": lambda made: wrong(
        made, openings=(opening((6, -7, 2**62, 13), "first"), made.witness.openings[1])
    ),
    "a value less": lambda made: wrong(made, values=made.witness.values[:-1]),
    "a value more": lambda made: wrong(made, values=(*made.witness.values, 0)),
    "a value of 2^64": lambda made: wrong(made, values=(*made.witness.values[:-1], 2**64)),
    "a negative value": lambda made: wrong(made, values=(*made.witness.values[:-1], -1)),
    "a value r + 1": lambda made: wrong(made, values=(*made.witness.values[:-1], MODULUS + 1)),
    "a false value": lambda made: wrong(made, values=(21, *made.witness.values[1:])),
    "values in another order": lambda made: wrong(made, values=made.witness.values[::-1]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses(large: Case, name: str) -> None:
    """Guards: the prover's checks; and that no message tells what the secret was."""
    witness = REFUSED[name](large)
    with pytest.raises(ProverError) as refusal:
        prove(large.statement, witness, large.srs)
    said = str(refusal.value)
    for secret in (*large.witness.openings[0].amounts, *large.witness.values):
        if abs(secret) > 100:
            assert str(secret) not in said


def test_openings_are_recomputed_first(large: Case) -> None:
    """Guards: C from the opening, before anything else."""
    check_witness(large.statement, large.witness, large.srs)
    with pytest.raises(ProverError, match="account 1 does not open"):
        check_witness(
            large.statement,
            wrong(large, openings=(large.witness.openings[0], opening(range(16)))),
            large.srs,
        )


def test_another_number_of_slots(srs: Srs) -> None:
    """Guards: that a is compared, too: (5, 0) on two slots and (5,) on one may share a C."""
    made = case(srs, [opening((5, 5))], [row([(0, 0, 1)], [(0, -1)])], [5])
    with pytest.raises(ProverError, match="does not open"):
        prove(made.statement, replace(made.witness, openings=(opening((5,)),)), srs)


# --- what it checks of its own work


def test_a_faulty_proof_is_withheld(small: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards: the prover's own verification. A fault while computing must not leak the witness."""

    class Faulty(Prover):
        @override
        def evaluate(self) -> tuple[list[int], int]:
            y, z_bar = super().evaluate()
            return [(y[0] + 1) % MODULUS, *y[1:]], z_bar

    monkeypatch.setattr(prover_module, "Prover", Faulty)
    with pytest.raises(ProverError, match="withheld"):
        small.prove()


def test_it_asks_the_verifiers_equation(small: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards: as above, from the other side."""
    monkeypatch.setattr(PairingEquation, "holds", lambda self, srs: False)
    with pytest.raises(ProverError, match="withheld"):
        small.prove()


# --- ζ on the domain


def on_domain_at_first(times: int, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Let ζ fall on the domain so many times; returns the s0-rounds that saw it."""
    seen: list[bytes] = []

    class Unlucky(Transcript):
        @override
        def round(self, label: str, *items: object) -> int:
            challenge = super().round(label, *items)  # type: ignore[arg-type]
            if label == "zeta":
                if self.state not in seen:
                    seen.append(self.state)
                if seen.index(self.state) < times:
                    return pow(root_of_unity(64), 5, MODULUS)
            return challenge

    monkeypatch.setattr(argument, "Transcript", Unlucky)
    monkeypatch.setattr(prover_module, "Transcript", Unlucky)
    return seen


def test_starts_again_with_new_blinders(small: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards: ζ^n ≠ 1, and a new seed for every start."""
    seen = on_domain_at_first(3, monkeypatch)
    proof = small.prove(seed=None)
    assert len(set(seen)) == 4
    assert verify(small.statement, proof, small.srs).valid


def test_with_a_seed_it_gives_up(small: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards: that a fixed seed does not run forever."""
    on_domain_at_first(1, monkeypatch)
    with pytest.raises(ProverError, match="on the domain"):
        small.prove(SEED)


# --- witnesses


def test_witnesses_do_not_print(large: Case) -> None:
    shown = f"{large.witness!r} {large.witness} {large.witness.openings[0]!r}"
    assert shown.count("secret") == 3
    for secret in large.witness.values[:3]:
        assert str(secret) not in shown.replace("20 openings", "")
    assert str(large.witness.openings[0].blinder) not in shown


def test_digest_is_as_specified(large: Case) -> None:
    """x_0 … x_{a−1}, b for each account, then the values, each as a 32-byte scalar."""
    scalars = []
    for opened in large.witness.openings:
        scalars += [*opened.amounts, opened.blinder]
    scalars += large.witness.values
    data = b"".join((x % MODULUS).to_bytes(32, "big") for x in scalars)
    assert large.witness.digest() == hashlib.sha256(data).digest()


def test_same_seed_same_bytes(large: Case) -> None:
    assert large.prove(SEED) == large.prove(SEED)
    assert large.prove(SEED) != large.prove(bytes(32))
