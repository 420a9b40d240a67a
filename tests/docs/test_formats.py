"""The examples in docs/formats.md are documents of the formats they show."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from zkcollateral.circuits.attestation import Attestation
from zkcollateral.circuits.claim import PublicClaim
from zkcollateral.circuits.evidence import CommitmentDocument, SignedRound, Vouch
from zkcollateral.crypto import sealed
from zkcollateral.crypto.canonical import parse_json
from zkcollateral.crypto.envelope import Envelope
from zkcollateral.crypto.keyfile import NamedPublicKey, NamedSigningKey
from zkcollateral.crypto.select import arithmetic
from zkcollateral.crypto.srs import ceremony
from zkcollateral.prover.opening import OpeningDocument
from zkcollateral.risk.clock import parse_time
from zkcollateral.risk.document import Document
from zkcollateral.risk.policy import Policy
from zkcollateral.risk.portfolio import Portfolio
from zkcollateral.risk.prices import PriceReport, PriceRound
from zkcollateral.risk.registry import Registry
from zkcollateral.risk.replay.scenario_file import ScenarioSet
from zkcollateral.verifier.attestation import verify_attestation
from zkcollateral.verifier.entries import (
    AttestationEntry,
    PublicationEntry,
    RevocationEntry,
    TrustEntry,
)
from zkcollateral.verifier.examination import Expectation
from zkcollateral.verifier.trust import Trust

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
KINDS: dict[str, type[Document]] = {
    str(kind.model_fields["format"].default): kind
    for kind in (
        Attestation,
        AttestationEntry,
        CommitmentDocument,
        OpeningDocument,
        Policy,
        Portfolio,
        PriceReport,
        PriceRound,
        PublicClaim,
        PublicationEntry,
        Registry,
        RevocationEntry,
        ScenarioSet,
        SignedRound,
        Trust,
        TrustEntry,
        Vouch,
    )
}
KEY_FORMAT = "zkcollateral/public-key/1"
SECRET_KEY_FORMAT = "zkcollateral/secret-key/1"


def examples() -> list[Any]:
    blocks = re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [json.loads(block) for block in blocks]


def name(value: Any) -> str:
    return str(value.get("format", "envelope"))


@pytest.mark.parametrize("value", examples(), ids=name)
def test_an_example_is_a_document(value: Any) -> None:
    parsed = parse_json(json.dumps(value).encode(), "example")
    if name(value) == "envelope":
        assert Envelope.from_json_value(parsed, "example").to_json_value() == value
    elif name(value) == KEY_FORMAT:
        assert NamedPublicKey.from_json_value(parsed, "example").to_json_value() == value
    elif name(value) == SECRET_KEY_FORMAT:
        assert NamedSigningKey.from_json_value(parsed, "example").to_secret_json_value() == value
    elif name(value) == sealed.FORMAT:
        opened = sealed.unseal(parsed, "correct horse battery staple", "example")
        assert opened in examples()
    else:
        document = KINDS[name(value)].from_json_value(parsed, "example")
        assert document.to_json_value() == value


def test_every_format_has_an_example() -> None:
    others = {"envelope", KEY_FORMAT, SECRET_KEY_FORMAT, sealed.FORMAT}
    assert {name(value) for value in examples()} == {*KINDS, *others}


def test_the_attestation_is_valid_for_the_trust_file() -> None:
    by_format = {name(value): value for value in examples()}
    attestation = Attestation.from_json_value(by_format["zkcollateral/attestation/1"], "example")
    trust = Trust.from_json_value(by_format["zkcollateral/trust/1"], "example")
    expectation = Expectation(at=parse_time("2026-01-31T12:00:00Z"), nonce="7f3a")
    report = verify_attestation(attestation, trust, ceremony(arithmetic()), expectation)
    assert report.valid, report.failed
