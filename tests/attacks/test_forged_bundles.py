"""Bundles that a log's key signed, and that must not pass: keys outlive their windows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.world import NOW, World, srs
from zkcollateral.circuits.attestation import Attestation
from zkcollateral.circuits.claim import document_digest
from zkcollateral.crypto.canonical import canonical_bytes
from zkcollateral.crypto.checkpoint import Checkpoint, sign_checkpoint
from zkcollateral.crypto.merkle import Tree, leaf_hash
from zkcollateral.crypto.signature import SigningKey
from zkcollateral.risk.clock import format_time
from zkcollateral.verifier.bundle import Bundle, BundleReport, Inclusion, verify_bundle
from zkcollateral.verifier.entries import AttestationEntry
from zkcollateral.verifier.examination import Expectation

ORIGIN = "log.example"
KEY = SigningKey.generate()


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def attestation(world: World) -> Attestation:
    return world.attest()


def check(world: World, attestation: Attestation, dated: datetime, until: datetime) -> BundleReport:
    """What is said of a log of one entry, whose key counts from 30 days ago until a time."""
    entry = AttestationEntry(
        id=attestation.identity, digest=document_digest(attestation), time=dated
    )
    tree, _ = Tree().append([leaf_hash(canonical_bytes(entry.to_json_value()))])
    note = sign_checkpoint(Checkpoint(ORIGIN, 1, tree.root()), KEY).decode()
    place = Inclusion(index=0, entry=entry, proof=(), checkpoint=note)

    def add(value: dict[str, Any]) -> None:
        window = {
            "valid_from": format_time(NOW - timedelta(days=30)),
            "valid_until": format_time(until),
        }
        key = {"role": "log", "name": ORIGIN, "public_key": KEY.public.raw.hex()}
        value["keys"].append({**key, **window})

    bundle = Bundle(attestation=attestation, log=place)
    return verify_bundle(bundle, world.trust(add), srs(), Expectation(NOW))


def test_a_log_whose_key_counts(world: World, attestation: Attestation) -> None:
    assert check(world, attestation, NOW, NOW).valid


def test_an_entry_dated_after_the_end_of_the_logs_key(
    world: World, attestation: Attestation
) -> None:
    report = check(world, attestation, NOW, NOW - timedelta(days=1))
    assert report.report.valid
    assert not report.valid


def test_an_entry_dated_back_into_the_window_of_the_logs_key(
    world: World, attestation: Attestation
) -> None:
    """Guards: a key that ended logs nothing that was issued since, whatever it dates it."""
    report = check(world, attestation, NOW - timedelta(days=2), NOW - timedelta(days=1))
    assert report.report.valid
    assert not report.valid
    assert "before the attestation was issued" in report.reason
