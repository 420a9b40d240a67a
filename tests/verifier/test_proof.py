"""The verifier: verdicts, reports, and that nothing from outside makes it raise."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from tests.helpers import Case, large_case, small_case, toy_srs
from zkcollateral.circuits import argument
from zkcollateral.circuits.proof import Proof
from zkcollateral.circuits.statement import Account
from zkcollateral.crypto.arithmetic import Arithmetic
from zkcollateral.crypto.field import MODULUS, root_of_unity
from zkcollateral.crypto.srs import Srs, ceremony
from zkcollateral.crypto.transcript import Transcript
from zkcollateral.verifier.proof import (
    NOT_PROVEN,
    ON_DOMAIN,
    PROVEN,
    ProofReport,
    verify,
    verify_batch,
)


@pytest.fixture(scope="module")
def small(fast: Arithmetic) -> Case:
    return small_case(toy_srs(fast))


@pytest.fixture(scope="module")
def proof(small: Case) -> bytes:
    return small.prove()


def test_verdicts(arithmetic: Arithmetic) -> None:
    made = small_case(toy_srs(arithmetic))
    data = made.prove()
    assert verify(made.statement, data, made.srs) == PROVEN
    assert verify(replace(made.statement, context=bytes(32)), data, made.srs) == NOT_PROVEN
    malformed = verify(made.statement, data[:-1], made.srs)
    assert not malformed.valid
    assert "308 bytes" in malformed.reason


def test_a_report_has_no_truth_value(small: Case, proof: bytes) -> None:
    """Guards: `if verify(...)` would be true for every report."""
    for report in (PROVEN, NOT_PROVEN, ON_DOMAIN, verify(small.statement, proof, small.srs)):
        with pytest.raises(TypeError, match=r"report\.valid"):
            bool(report)


def test_only_one_report_is_valid() -> None:
    assert PROVEN.valid
    assert not NOT_PROVEN.valid
    assert not ON_DOMAIN.valid
    assert isinstance(PROVEN, ProofReport)


def test_another_reference_string(fast: Arithmetic, small: Case, proof: bytes) -> None:
    """Guards: both the SRS's id and its points."""
    real = ceremony(fast)
    assert not verify(small.statement, proof, real).valid
    mixed = Srs(real.id, small.srs.setup, fast)
    assert not verify(small.statement, proof, mixed).valid
    mixed = Srs(small.srs.id, real.setup, fast)
    assert not verify(small.statement, proof, mixed).valid


@pytest.mark.parametrize("exponent", [0, 1, 5, 63])
def test_zeta_on_the_domain(
    small: Case, proof: bytes, exponent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards: ζ^n ≠ 1, alone and in a batch."""

    class Unlucky(Transcript):
        @override
        def round(self, label: str, *items: object) -> int:
            challenge = super().round(label, *items)  # type: ignore[arg-type]
            if label == "zeta":
                return pow(root_of_unity(64), exponent, MODULUS)
            return challenge

    monkeypatch.setattr(argument, "Transcript", Unlucky)
    assert verify(small.statement, proof, small.srs) == ON_DOMAIN
    assert verify_batch([(small.statement, proof)], small.srs) == [ON_DOMAIN]


@pytest.mark.parametrize(
    "commitment",
    [b"\xc0" + bytes(47), bytes(48), b"\xff" * 48, b"\x80" + bytes(47)],
    ids=["identity", "zeros", "ones", "order 3"],
)
def test_statement_with_a_bad_commitment(small: Case, proof: bytes, commitment: bytes) -> None:
    """Guards: that the statement's points are checked here, whoever built it."""
    statement = replace(small.statement, accounts=(Account(4, commitment),))
    assert not verify(statement, proof, small.srs).valid
    reports = verify_batch([(statement, proof), (small.statement, proof)], small.srs)
    assert [report.valid for report in reports] == [False, True]


@settings(max_examples=100)
@given(data=st.binary(max_size=400))
def test_nothing_from_outside_makes_it_raise(small: Case, data: bytes) -> None:
    assert not verify(small.statement, data, small.srs).valid
    assert not verify(small.statement, b"ZKC1" + data, small.srs).valid


def test_reports_never_show_the_proof(small: Case, proof: bytes) -> None:
    report = verify(small.statement, proof[:-1], small.srs)
    assert proof.hex()[:20] not in report.reason


def test_order_of_a_batch(fast: Arithmetic, small: Case, proof: bytes) -> None:
    """Reports come in the order of the items, whatever each is."""
    large = large_case(toy_srs(fast))
    items = [
        (small.statement, proof),
        (small.statement, b""),
        (large.statement, large.prove()),
        (large.statement, proof),
        (replace(small.statement, context=bytes(32)), proof),
    ]
    reports = verify_batch(items, small.srs)
    assert [report.valid for report in reports] == [True, False, True, False, False]


def test_same_proof_twice_in_a_batch(small: Case, proof: bytes) -> None:
    reports = verify_batch([(small.statement, proof)] * 3, small.srs)
    assert reports == [PROVEN] * 3


def test_a_decoded_proof_encodes_as_it_came(small: Case, proof: bytes) -> None:
    decoded = Proof.decode(proof, small.statement, small.srs.arithmetic)
    assert verify(small.statement, decoded.encoded, small.srs) == PROVEN
