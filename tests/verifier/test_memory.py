"""What is remembered between checks, and that nothing passes by it that would fail without."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.world import NOW, World, altered, failed, srs
from zkcollateral.circuits.attestation import Attestation
from zkcollateral.circuits.claim import document_digest
from zkcollateral.circuits.compiler import Backing, compile_claim
from zkcollateral.crypto.canonical import canonical_bytes
from zkcollateral.verifier import examination
from zkcollateral.verifier.attestation import verify_attestations
from zkcollateral.verifier.examination import Expectation
from zkcollateral.verifier.memory import CircuitKey, Memory
from zkcollateral.verifier.report import Report
from zkcollateral.verifier.trust import Trust


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def attestation(world: World) -> Attestation:
    return world.attest()


def check(attestation: Attestation, trust: Trust, memory: Memory) -> Report:
    (report,) = verify_attestations([attestation], trust, srs(), [Expectation(NOW)], memory)
    return report


def test_reports_are_the_same_with_a_memory(world: World, attestation: Attestation) -> None:
    memory, trust = Memory(), world.trust()
    first, again = (check(attestation, trust, memory) for _ in range(2))
    assert first == again == check(attestation, trust, Memory())
    assert first.valid


def test_a_round_is_opened_once_for_the_same_trust(
    world: World, attestation: Attestation, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    real = examination.open_report

    def counted(*arguments: Any) -> Any:
        opened.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(examination, "open_report", counted)
    memory, trust = Memory(), world.trust()
    for _ in range(3):
        assert check(attestation, trust, memory).valid
    assert len(opened) == 2
    assert check(attestation, world.trust(), memory).valid
    assert len(opened) == 4


def test_another_trust_is_asked_anew(world: World, attestation: Attestation) -> None:
    """Guards: the trust is part of what a round was opened by."""
    memory = Memory()
    assert check(attestation, world.trust(), memory).valid
    without = world.trust(lambda value: value["keys"].pop(0))
    assert "oracle_quorum" in failed(check(attestation, without, memory))


def test_another_round_and_another_policy_are_looked_at_anew(
    world: World, attestation: Attestation
) -> None:
    """Guards: round and policy are part of it, and digests belong to one document."""
    memory, trust = Memory(), world.trust()
    assert check(attestation, trust, memory).valid
    for path, to in (
        (("policy", "oracle", "quorum"), "3"),
        (("policy", "ratio"), "1.0"),
        (("prices", "round", "prices", "BTC"), "65000"),
        (("registry", "name"), "another"),
    ):
        assert not check(altered(attestation, *path, to=to), trust, memory).valid


def test_a_round_that_failed_is_not_remembered_as_good(
    world: World, attestation: Attestation
) -> None:
    memory = Memory()
    without = world.trust(lambda value: value["keys"].pop(0))
    for _ in range(2):
        assert "oracle_quorum" in failed(check(attestation, without, memory))


def test_ages_are_not_remembered(world: World, attestation: Attestation) -> None:
    memory, trust = Memory(), world.trust()
    assert check(attestation, trust, memory).valid
    late = Expectation(NOW + timedelta(seconds=601))
    (report,) = verify_attestations([attestation], trust, srs(), [late], memory)
    assert "price_age" in failed(report)


def test_digests_are_of_the_very_document(world: World) -> None:
    memory = Memory()
    policies = [world.policy.model_copy(update={"name": f"p{number}"}) for number in range(50)]
    for policy in policies * 2:
        assert memory.digest(policy) == document_digest(policy)


def test_no_other_object_takes_the_place_of_one_that_is_gone() -> None:
    """Guards: the objects are kept, or another one could get the identity of one that is gone."""
    memory = Memory()
    for number in range(2000):
        about = (object(),)
        assert memory.once("it", about, lambda number=number: number) == number


def test_what_is_kept_is_bounded() -> None:
    memory = Memory(most=10)
    for number in range(95):
        memory.once("it", (object(),), lambda number=number: number)
    assert len(memory._results) <= 10


def test_large_documents_are_not_kept_by_their_number(world: World) -> None:
    """Guards: whoever submits chooses the documents, so that a number alone is no bound."""
    size = len(canonical_bytes(world.policy.to_json_value()))
    memory = Memory(most_bytes=3 * size + 100)
    for number in range(20):
        memory.digest(world.policy.model_copy(update={"name": f"p{number}"}))
        assert 1 <= len(memory._results) <= 3


def test_large_circuits_are_not_kept_by_their_number(
    world: World, attestation: Attestation
) -> None:
    """Guards: every price round makes new ones, whoever signed it."""
    circuit = compile_claim(
        world.policy, world.registry, attestation.prices.round, "maintenance", Backing(vouched=True)
    )
    terms = sum(len(row.account_terms) + len(row.value_terms) for row in circuit.system.rows)
    memory = Memory(most_bytes=3 * 16 * terms)
    for number in range(20):
        key = CircuitKey("", "", str(number), "maintenance", ())
        assert memory.circuit(key, lambda: circuit) is circuit
        assert 1 <= len(memory._circuits) <= 3
