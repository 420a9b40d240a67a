"""What tests of attestations ask a running service for, and what must not change by a refusal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import func, select

from tests.api.running import Market, Running
from tests.world import srs
from zkcollateral.api.store.tables import (
    AttestationRow,
    AttestedAccount,
    Event,
    LogEntry,
    ReliedKey,
    SignedCheckpoint,
    Subject,
    TrustedKeyRow,
)
from zkcollateral.api.trust import retire_key
from zkcollateral.circuits.attestation import Attestation
from zkcollateral.circuits.claim import document_digest
from zkcollateral.crypto.signature import SigningKey
from zkcollateral.prover.attestation import attest
from zkcollateral.risk.clock import format_time, now
from zkcollateral.verifier.report import CHECK_NAMES

PREFIX = "urn:zkcollateral:problem:"
TENANT = "holder"
AUDITOR = "lender"
AUDIT_SECONDS = 300


def problem_of(response: httpx.Response) -> str:
    """The name of the problem that an answer is."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    value = response.json()
    assert value["status"] == response.status_code
    assert value["type"].startswith(PREFIX)
    return str(value["type"].removeprefix(PREFIX))


def failed_checks(response: httpx.Response) -> list[str]:
    """The names of the checks that failed; all of them have to be listed."""
    checks = response.json()["checks"]
    assert [check["name"] for check in checks] == list(CHECK_NAMES)
    assert all(check["reason"] for check in checks)
    return [check["name"] for check in checks if not check["passed"]]


def stored(service: Running) -> dict[str, int]:
    """How many rows there are of everything that only an accepted attestation may add to."""
    tables = (AttestationRow, AttestedAccount, LogEntry, ReliedKey, SignedCheckpoint, Subject)
    with service.service.store.read() as session:
        return {
            table.__tablename__: session.scalar(select(func.count()).select_from(table)) or 0
            for table in tables
        }


@contextmanager
def nothing_stored(service: Running) -> Iterator[None]:
    """Whatever happens inside leaves attestations, coverage and the log as they were."""
    before = stored(service)
    yield
    assert stored(service) == before


def submit(
    service: Running, attestation: Attestation | dict[str, Any], tenant: str = TENANT
) -> httpx.Response:
    """Submit an attestation with a prover's key."""
    value = attestation if isinstance(attestation, dict) else attestation.to_json_value()
    with service.client("prover", tenant=tenant) as prover:
        return prover.post("/v1/attestations", json=value)


def question(market: Market, **changes: Any) -> dict[str, Any]:
    """The body that opens an audit."""
    return {
        "prover": TENANT,
        "policy": document_digest(market.policy),
        "claim": "maintenance",
        "audience": "lender-7",
        "deadline": format_time(now() + timedelta(seconds=AUDIT_SECONDS)),
        **changes,
    }


def open_audit(
    service: Running, market: Market, *, tenant: str = AUDITOR, **changes: Any
) -> dict[str, Any]:
    """An audit that an auditor opened."""
    with service.client("auditor", tenant=tenant) as auditor:
        response = auditor.post("/v1/audits", json=question(market, **changes))
    assert response.status_code == 201, response.text
    opened: dict[str, Any] = response.json()
    return opened


def audit_now(service: Running, audit: dict[str, Any], tenant: str = AUDITOR) -> dict[str, Any]:
    """An audit as its auditor sees it now."""
    with service.client("auditor", tenant=tenant) as auditor:
        value: dict[str, Any] = auditor.get(f"/v1/audits/{audit['id']}").raise_for_status().json()
    return value


def answer_to(market: Market, audit: dict[str, Any], **changes: Any) -> Attestation:
    """An attestation that answers an audit."""
    fields = {
        "claim": audit["claim"],
        "audience": audit["audience"],
        "nonce": audit["nonce"],
        **changes,
    }
    return market.attestation(**fields)


def answer(
    service: Running,
    audit: dict[str, Any],
    attestation: Attestation,
    tenant: str = TENANT,
) -> httpx.Response:
    """Answer an audit with a prover's key."""
    with service.client("prover", tenant=tenant) as prover:
        return prover.post(f"/v1/audits/{audit['id']}/answer", json=attestation.to_json_value())


def events(service: Running, type_: str) -> list[Event]:
    """All events of a type."""
    with service.service.store.read() as session:
        query = select(Event).where(Event.type == type_).order_by(Event.id)
        return list(session.scalars(query))


def coverage(service: Running, account: str = "acct-1", **asked: str) -> dict[str, Any]:
    """What the service says of an account's coverage."""
    with service.client() as reader:
        response = reader.get(f"/v1/accounts/{account}/coverage", params=asked)
    value: dict[str, Any] = response.raise_for_status().json()
    return value


def retire(service: Running, key: SigningKey, until: datetime) -> None:
    """End the window of a key."""
    with service.service.store.write() as writer:
        row = writer.session.get_one(TrustedKeyRow, key.public.key_id)
        retire_key(writer, row, until, "it leaked")


def issued_at(market: Market, issued: datetime, evidence: datetime, **changes: Any) -> Attestation:
    """An attestation whose time of issue is another one than that of its prices and vouches."""
    holding = changes.pop("holding", None) or market.vouched(as_of=evidence)
    request = market.request(
        holding, prices=market.prices(evidence), **{"audience": None, **changes}
    )
    return attest(request, srs(), issued=issued)


def post_commitment(service: Running, market: Market, account: str, as_of: datetime) -> None:
    """Let the custodian `bank` post a new commitment of an account."""
    envelope = market.vouched(account=account, as_of=as_of).commitment
    with service.client("custodian", name="bank") as custodian:
        custodian.post("/v1/commitments", json=envelope.to_json_value()).raise_for_status()
