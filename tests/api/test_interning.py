"""Attestations are read as ever; what they have in common is one object."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.world import World
from zkcollateral.api.interning import Interning
from zkcollateral.circuits.attestation import Attestation
from zkcollateral.crypto.canonical import canonical_bytes
from zkcollateral.errors import DocumentError


@pytest.fixture(scope="module")
def value() -> Any:
    return World().attest().to_json_value()


def test_what_is_read_is_what_the_document_door_reads(value: Any) -> None:
    interning = Interning()
    for _ in range(2):
        attestation, document = interning.attestation(copy.deepcopy(value), "body")
        assert attestation == Attestation.from_json_value(value, "body")
        assert document == canonical_bytes(attestation.to_json_value())


def test_equal_parts_are_one_object(value: Any) -> None:
    interning = Interning()
    first, _ = interning.attestation(value, "body")
    second, _ = interning.attestation(copy.deepcopy(value), "body")
    assert first.policy is second.policy
    assert first.registry is second.registry
    assert first.prices is second.prices
    assert first.claim is not second.claim


@pytest.mark.parametrize("part", ["policy", "registry", "prices"])
def test_parts_that_differ_are_different_objects(value: Any, part: str) -> None:
    """Guards: the whole part is what it is known by."""
    interning = Interning()
    first, _ = interning.attestation(value, "body")
    changed = copy.deepcopy(value)
    if part == "prices":
        changed["prices"]["round"]["prices"]["BTC"] = "64001"
    else:
        changed[part]["name"] = "another"
    second, document = interning.attestation(changed, "body")
    assert getattr(first, part) != getattr(second, part)
    assert document == canonical_bytes(second.to_json_value())


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("policy", "name"), None),
        (("policy", "limits"), []),
        (("registry", "more"), "field"),
        (("prices", "reports"), []),
        (("claim", "name"), ""),
        (("more",), "field"),
        (("vouchers",), {}),
        (("policy",), "text"),
        (("prices",), None),
    ],
)
def test_what_the_document_door_refuses_is_refused(value: Any, path: Any, to: Any) -> None:
    changed = copy.deepcopy(value)
    here = changed
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = to
    interning = Interning()
    interning.attestation(value, "body")
    with pytest.raises(DocumentError):
        Attestation.from_json_value(changed, "body")
    with pytest.raises(DocumentError, match=r"^body"):
        interning.attestation(changed, "body")


@pytest.mark.parametrize("part", ["policy", "registry", "prices", "claim", "format"])
def test_a_missing_part_is_named(value: Any, part: str) -> None:
    changed = {name: item for name, item in value.items() if name != part}
    with pytest.raises(DocumentError, match=part):
        Interning().attestation(changed, "body")


@pytest.mark.parametrize("other", [[], "text", None, True])
def test_what_is_no_object_is_refused(other: Any) -> None:
    with pytest.raises(DocumentError, match="an object of format"):
        Interning().attestation(other, "body")


def test_what_is_kept_is_bounded(value: Any) -> None:
    interning = Interning(most_bytes=10_000)
    for number in range(30):
        changed = copy.deepcopy(value)
        changed["policy"]["name"] = f"policy-{number}"
        interning.attestation(changed, "body")
        assert interning._bytes <= 10_000
        assert sum(len(text) for _, text in interning._kept) == interning._bytes
