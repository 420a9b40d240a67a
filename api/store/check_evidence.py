"""What custodians and oracles signed, the rounds that were made of it, and audits."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, exists, or_, select
from sqlalchemy.orm import aliased

from ...circuits.claim import document_digest
from ...circuits.evidence import (
    SignedRound,
    make_signed_round,
    open_report,
    open_vouch,
    payload_digest,
)
from ...crypto.canonical import canonical_bytes, parse_json
from ...crypto.envelope import Envelope
from ...crypto.signature import PublicKey
from ...risk.policy import Policy
from .findings import Findings, Progress, batches, columns_of
from .tables import (
    AttestationRow,
    Audit,
    CommitmentRow,
    PublishedDocument,
    ReportRow,
    RoundRow,
    TrustedKeyRow,
)

_CLOSED: Final = ("answered", "failed", "expired", "withdrawn")


def check_reports(connection: Connection, found: Findings, progress: Progress) -> None:
    """Every price report against its signature."""
    keys = _keys(connection, "oracle")
    for rows in batches(connection, columns_of(ReportRow)):
        progress.more(len(rows))
        for row in rows:
            found.examined += 1
            where = f"report {row.digest}"
            with found.reading(where):
                envelope = _envelope(found, row, where)
                key = keys[row.key_id]
                report, key_id = open_report(envelope, [_public(key)], where)
                found.equal(
                    where,
                    row,
                    digest=payload_digest(envelope),
                    key_id=key_id,
                    oracle=report.oracle,
                    quote=report.quote,
                    time=report.time,
                )
                found.expect(key.name == report.oracle, f"{where}: signed by another oracle")
                found.expect(
                    key.valid_from <= report.time <= row.received, f"{where}: of another time"
                )


def check_rounds(connection: Connection, found: Findings, progress: Progress) -> None:
    """Every round against its policy and its reports."""
    policies: dict[str, Policy] = {}
    for rows in batches(connection, columns_of(RoundRow)):
        progress.more(len(rows))
        for row in rows:
            found.examined += 1
            where = f"round {row.digest}"
            with found.reading(where):
                if row.policy not in policies:
                    policies[row.policy] = _policy(connection, row.policy)
                value = parse_json(row.document, where)
                signed = SignedRound.from_json_value(value, where)
                envelopes = [report.envelope(where) for report in signed.reports]
                found.equal(
                    where,
                    row,
                    document=canonical_bytes(signed.to_json_value()),
                    digest=document_digest(signed.round),
                    time=signed.round.time,
                )
                found.expect(
                    make_signed_round(envelopes, policies[row.policy]) == signed,
                    f"{where}: is not the one that its reports make",
                )
                reports = connection.execute(
                    select(ReportRow.digest, ReportRow.envelope).where(
                        ReportRow.digest.in_(signed.round.reports)
                    )
                )
                stored = {report.digest: report.envelope for report in reports}
                given = {
                    payload_digest(each): canonical_bytes(each.to_json_value())
                    for each in envelopes
                }
                found.expect(given == stored, f"{where}: its reports are missing, or others")


def check_commitments(connection: Connection, found: Findings, progress: Progress) -> None:
    """Every commitment against its signature, and which one supersedes which."""
    keys = _keys(connection, "custodian")
    for rows in batches(connection, columns_of(CommitmentRow)):
        progress.more(len(rows))
        for row in rows:
            found.examined += 1
            where = f"commitment {row.digest}"
            with found.reading(where):
                envelope = _envelope(found, row, where)
                key = keys[row.key_id]
                vouch, key_id = open_vouch(envelope, [_public(key)], where)
                found.equal(
                    where,
                    row,
                    digest=payload_digest(envelope),
                    key_id=key_id,
                    custodian=key.name,
                    account=vouch.account,
                    registry_digest=vouch.registry,
                    commitment=vouch.commitment,
                    as_of=vouch.as_of,
                )
                found.expect(
                    key.valid_from <= vouch.as_of <= row.received, f"{where}: of another time"
                )
    for digest in connection.scalars(_WRONGLY_SUPERSEDED):
        found.expect(False, f"commitment {digest}: superseded by another one than it should be")


def check_audits(connection: Connection, found: Findings, progress: Progress) -> None:
    """Every audit in itself and, if it was answered, against the answer."""
    query = (
        select(*Audit.__table__.columns, AttestationRow.accepted)
        .outerjoin(
            AttestationRow,
            and_(AttestationRow.id == Audit.attestation, AttestationRow.audit == Audit.id),
        )
        .order_by(Audit.event)
    )
    policies: dict[str, Policy] = {}
    for rows in batches(connection, query):
        progress.more(len(rows))
        for row in rows:
            found.examined += 1
            where = f"audit {row.id}"
            with found.reading(where):
                if row.policy not in policies:
                    policies[row.policy] = _policy(connection, row.policy)
                found.expect(
                    row.claim in policies[row.policy].claims,
                    f"{where}: the policy has no such claim",
                )
                _check_audit(found, row, where)


def _check_audit(found: Findings, row: Row[Any], where: str) -> None:
    for text, length in ((row.id, 32), (row.nonce, 32)):
        found.expect(_is_hex(text, length), f"{where}: id or nonce of another form")
    found.expect(row.opened < row.deadline, f"{where}: its deadline is not after its opening")
    found.expect(bool(row.audience), f"{where}: addressed to nobody")
    found.expect(0 <= row.attempts <= row.max_attempts, f"{where}: more attempts than are allowed")
    answered = row.state == "answered"
    found.expect(
        answered == (row.accepted is not None) and answered == (row.attestation is not None),
        f"{where}: its answer is missing, or it has one and is {row.state}",
    )
    found.expect(
        (row.state == "failed") == (row.reason is not None), f"{where}: a reason without failure"
    )
    if row.state == "open":
        found.equal(where, row, closed=None)
        found.expect(row.attempts < row.max_attempts, f"{where}: open after its last attempt")
        return
    found.expect(row.state in _CLOSED, f"{where}: in no state that there is")
    found.expect(
        row.closed is not None and row.opened <= row.closed <= row.deadline,
        f"{where}: closed at another time",
    )
    if row.state == "expired":
        found.equal(where, row, closed=row.deadline)
    if answered:
        found.equal(where, row, closed=row.accepted)


def _keys(connection: Connection, role: str) -> dict[str, Row[Any]]:
    rows = connection.execute(columns_of(TrustedKeyRow).where(TrustedKeyRow.role == role))
    return {row.key_id: row for row in rows}


def _public(row: Row[Any]) -> PublicKey:
    return PublicKey(bytes.fromhex(row.public_key))


def _envelope(found: Findings, row: Row[Any], where: str) -> Envelope:
    envelope = Envelope.from_json_value(parse_json(row.envelope, where), where)
    found.equal(where, row, envelope=canonical_bytes(envelope.to_json_value()))
    return envelope


def _policy(connection: Connection, digest: str) -> Policy:
    document = connection.scalars(
        select(PublishedDocument.document).where(
            PublishedDocument.digest == digest, PublishedDocument.kind == "policy"
        )
    ).one()
    if hashlib.sha256(document).hexdigest() != digest:
        raise ValueError("another policy")
    return Policy.from_json_value(parse_json(document, "policy"), "policy")


def _is_hex(text: str, length: int) -> bool:
    return len(text) == length and set(text) <= set("0123456789abcdef")


_LATER = aliased(CommitmentRow)
_COUNTING = and_(
    _LATER.custodian == CommitmentRow.custodian,
    _LATER.account == CommitmentRow.account,
    _LATER.registry_digest == CommitmentRow.registry_digest,
    _LATER.as_of > CommitmentRow.as_of,
    # A key that was retired from before a signature on takes its effect away.
    exists().where(
        TrustedKeyRow.key_id == _LATER.key_id, TrustedKeyRow.valid_until >= _LATER.as_of
    ),
)
_WRONGLY_SUPERSEDED: Final = select(CommitmentRow.digest).where(
    or_(
        and_(CommitmentRow.superseded_by.is_(None), exists().where(_COUNTING)),
        and_(
            CommitmentRow.superseded_by.is_not(None),
            ~exists().where(_COUNTING, _LATER.digest == CommitmentRow.superseded_by),
        ),
    )
)
