"""Item 7: batches. Errors that cancel, weights that are 0, equal, repeated or foreseen, one bad
among good.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.attacks.points import IDENTITY, TORSION, off_curve
from tests.helpers import Case, seed, small_case
from zkcollateral.circuits.proof import Proof
from zkcollateral.circuits.statement import Statement
from zkcollateral.crypto.field import MODULUS
from zkcollateral.crypto.srs import Srs
from zkcollateral.crypto.transcript import DOMAIN, Transcript
from zkcollateral.verifier import proof as verifier
from zkcollateral.verifier.proof import batch_weights, verify, verify_batch

Item = tuple[Statement, bytes]


@pytest.fixture(scope="module")
def cases(srs: Srs) -> list[Case]:
    """Four statements that differ in their context."""
    return [small_case(srs, context=bytes([index]) * 32) for index in range(4)]


@pytest.fixture(scope="module")
def good(cases: list[Case]) -> list[Item]:
    """A good proof of each."""
    return [(case.statement, case.prove(seed(str(i)))) for i, case in enumerate(cases)]


def valid(items: Sequence[Item], srs: Srs) -> list[bool]:
    return [report.valid for report in verify_batch(items, srs)]


def zeta_of(item: Item, srs: Srs) -> int:
    statement, data = item
    proof = Proof.decode(data, statement, srs.arithmetic)
    transcript = Transcript(srs.arithmetic, srs.id, statement.encoded)
    transcript.round("rho", *proof.columns)
    transcript.round("alpha", proof.accumulator)
    return transcript.round("zeta", proof.quotient)


def with_error(item: Item, srs: Srs, other_zeta: int, factor: int) -> Item:
    """The proof with factor·(ζ' − τ)·[1]₁ added to W, so that its equation is off by
    factor·(ζ − τ)(ζ' − τ).

    W comes after ζ, and [τ]₁ is public: anybody can do this.
    """
    statement, data = item
    proof = Proof.decode(data, statement, srs.arithmetic)
    error = srs.setup.commit(srs.arithmetic.vector([other_zeta * factor, -factor]))
    return statement, replace(proof, opening=proof.opening + error).encoded


def cancelling_pair(
    first: Item, second: Item, srs: Srs, weights: tuple[int, int] = (1, 1)
) -> tuple[Item, Item]:
    """Two bad proofs whose errors, times these weights, add up to nothing."""
    zetas = zeta_of(first, srs), zeta_of(second, srs)
    factor = -weights[0] * pow(weights[1], -1, MODULUS) % MODULUS
    return with_error(first, srs, zetas[1], 1), with_error(second, srs, zetas[0], factor)


def force(monkeypatch: pytest.MonkeyPatch, weights: Sequence[int]) -> None:
    monkeypatch.setattr(verifier, "batch_weights", lambda items, count: list(weights[:count]))


def test_good_batch(good: list[Item], srs: Srs) -> None:
    assert valid(good, srs) == [True] * 4


def test_cancelling_pair_passes_with_equal_weights_only(
    good: list[Item], srs: Srs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards: random weights. The pair is real: with weights 1, 1 both count as proven."""
    pair = cancelling_pair(good[0], good[1], srs)
    for statement, data in pair:
        assert not verify(statement, data, srs).valid
    assert valid([*pair, good[2]], srs) == [False, False, True]
    force(monkeypatch, [1, 1, 1])
    assert valid([*pair, good[2]], srs) == [True, True, True]


def test_pair_that_repeats_a_weight(
    good: list[Item], srs: Srs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards: a weight for each proof. With δ_2 = δ_3 a pair in those places passes."""
    pair = cancelling_pair(good[1], good[2], srs)
    items = [good[0], *pair]
    assert valid(items, srs) == [True, False, False]
    force(monkeypatch, [1, 77, 77])
    assert valid(items, srs) == [True, True, True]


def test_weight_zero_would_wave_a_bad_proof_through(
    good: list[Item], srs: Srs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards: that no weight is 0."""
    items = [good[0], with_error(good[1], srs, 5, 1)]
    assert valid(items, srs) == [True, False]
    force(monkeypatch, [1, 0])
    assert valid(items, srs) == [True, True]


def test_foreseen_weights(good: list[Item], srs: Srs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards: weights that nobody can know. Errors made for the weights that will be drawn
    cancel.
    """
    pair = cancelling_pair(good[0], good[1], srs, weights=(1, 123456789))
    assert valid(pair, srs) == [False, False]
    force(monkeypatch, [1, 123456789])
    assert valid(pair, srs) == [True, True]


def test_weights_depend_on_the_proofs_even_with_broken_randomness(
    good: list[Item], srs: Srs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards: statements and proofs in the weights. The attacker here knows the random bytes."""
    monkeypatch.setattr(verifier, "random_bytes", bytes)
    foreseen = batch_weights(good[:2], 2)
    pair = cancelling_pair(good[0], good[1], srs, weights=(foreseen[0], foreseen[1]))
    assert valid(pair, srs) == [False, False]

    changed = [(good[0][0], good[0][1]), (good[1][0], good[1][1][:-1] + b"\x00")]
    assert batch_weights(changed, 2) != foreseen
    moved = replace(good[1][0], context=bytes(32))
    assert batch_weights([good[0], (moved, good[1][1])], 2) != foreseen
    assert batch_weights([good[1], good[0]], 2) != foreseen
    assert batch_weights(good[:2], 2) == foreseen


def test_weights_are_fresh(good: list[Item]) -> None:
    """Guards: the operating system's randomness in the weights."""
    assert batch_weights(good, 4)[1:] != batch_weights(good, 4)[1:]


def test_weights_are_128_bits_distinct_and_not_zero(good: list[Item]) -> None:
    """Guards: the form of the weights."""
    weights = batch_weights(good, 300)
    assert len(weights) == 300
    assert weights[0] == 1
    assert len(set(weights)) == 300
    assert all(0 < weight < 2**128 for weight in weights)
    assert max(weights).bit_length() > 120
    assert batch_weights(good, 0) == []
    assert batch_weights(good, 1) == [1]


def test_a_zero_from_the_hash_is_drawn_again(
    good: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards: the rejection of 0, which no test would meet by chance."""

    class FirstBlockIsZero:
        def __init__(self, data: bytes = b"") -> None:
            self.zero = len(data) == 40 and data.endswith(bytes(8))
            self.state = hashlib.sha256(data)

        def update(self, data: bytes) -> None:
            self.state.update(data)

        def digest(self) -> bytes:
            return bytes(32) if self.zero else self.state.digest()

    class Fake:
        sha256 = FirstBlockIsZero

    monkeypatch.setattr(verifier, "hashlib", Fake)
    weights = batch_weights(good, 4)
    assert len(weights) == 4
    assert 0 not in weights


@pytest.mark.parametrize("bad", range(4))
def test_one_bad_proof_among_good_ones(good: list[Item], srs: Srs, bad: int) -> None:
    """Guards: the check one by one after a batch that fails; the caller learns which is bad."""
    items = list(good)
    items[bad] = with_error(items[bad], srs, 5, 1)
    assert valid(items, srs) == [index != bad for index in range(4)]


@pytest.mark.parametrize("bad", range(4))
def test_malformed_proof_among_good_ones(good: list[Item], srs: Srs, bad: int) -> None:
    """Guards: that a proof which does not decode neither stops nor joins the batch."""
    items = list(good)
    items[bad] = items[bad][0], items[bad][1][:-1]
    assert valid(items, srs) == [index != bad for index in range(4)]


@pytest.mark.parametrize("bad", range(4))
@pytest.mark.parametrize(
    "point", [IDENTITY, TORSION, off_curve()], ids=["identity", "order 3", "off"]
)
def test_malformed_point_among_good_ones(
    good: list[Item], srs: Srs, bad: int, point: bytes
) -> None:
    """Guards: as above where points are decoded together; the others keep their own points."""
    items = list(good)
    statement, data = items[bad]
    items[bad] = statement, data[:52] + point + data[100:]
    reports = verify_batch(items, srs)
    assert [report.valid for report in reports] == [index != bad for index in range(4)]
    assert "pairing" not in reports[bad].reason
    assert reports[bad] == verify(*items[bad], srs)


@pytest.mark.parametrize("bad", range(4))
def test_malformed_commitment_among_good_ones(good: list[Item], srs: Srs, bad: int) -> None:
    """Guards: the same for the statements' own points."""
    items = list(good)
    statement, data = items[bad]
    accounts = (statement.accounts[0]._replace(commitment=TORSION),)
    items[bad] = replace(statement, accounts=accounts), data
    reports = verify_batch(items, srs)
    assert [report.valid for report in reports] == [index != bad for index in range(4)]
    assert "pairing" not in reports[bad].reason


def test_statements_of_different_size_share_a_batch(good: list[Item], large: Case) -> None:
    """Guards: that every proof gets its own points back, however many each has."""
    other = (large.statement, large.prove())
    for items in ([good[0], other, good[1]], [other, good[0], other], [good[2], good[3], other]):
        assert valid(items, large.srs) == [True] * 3


def test_proofs_swapped_between_statements(good: list[Item], srs: Srs) -> None:
    """Guards: that in a batch too each proof is bound to its own statement."""
    items = [(good[0][0], good[1][1]), (good[1][0], good[0][1]), good[2]]
    assert valid(items, srs) == [False, False, True]


def test_empty_and_hopeless_batches(good: list[Item], srs: Srs) -> None:
    assert verify_batch([], srs) == []
    assert valid([(good[0][0], b"")] * 3, srs) == [False] * 3


def test_batch_reports_as_single_checks_do(good: list[Item], large: Case, srs: Srs) -> None:
    """Guards: one verdict, whichever way it is asked for. Statements of different shape
    together.
    """
    items = [
        good[0],
        with_error(good[1], srs, 5, 1),
        (good[2][0], b"ZKC1"),
        (large.statement, large.prove()),
        (large.statement, good[0][1]),
    ]
    assert verify_batch(items, srs) == [verify(*item, srs) for item in items]


def test_the_label_of_the_transcript_is_no_label_of_weights() -> None:
    """Guards: domain separation between weights and transcript."""
    assert DOMAIN == b"ZKCOLLATERAL-V1:"
