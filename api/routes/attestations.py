"""Attestations: submitted, checked completely, stored with their place in the log, found again."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, TypeAlias

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Row, bindparam, exists, select
from sqlalchemy.orm import Session

from ...circuits.attestation import Attestation
from ...errors import DocumentError
from ...risk.clock import now
from ...risk.document import Part
from ...risk.values import HexDigest, Name, Text
from ...verifier.bundle import Bundle
from .. import examples
from ..access import AnyCaller, Caller, Prover, Reader, TheService
from ..bodies import BODIES, SMALL_BYTES, body, parse_body, read_json_bytes, takes
from ..caching import immutable
from ..cases import Accepted
from ..coverage import revoke
from ..intake import Submission
from ..interning import Interning
from ..paging import Cursor, Limit, page
from ..problems import Problem
from ..service import Service, service_of
from ..store.tables import AttestationRow, AttestedAccount, SignedCheckpoint
from ..views import (
    AccountView,
    AttestationPage,
    AttestationView,
    CheckView,
    Status,
    SubmittedView,
)

router = APIRouter(prefix="/v1/attestations", tags=["attestations"])

# Columns and not rows: bundles are what is asked for most.
_STORED = (
    select(
        AttestationRow.tenant,
        AttestationRow.digest,
        AttestationRow.document,
        AttestationRow.log_index,
        AttestationRow.entry,
        AttestationRow.inclusion,
        SignedCheckpoint.note,
    )
    .join(SignedCheckpoint, SignedCheckpoint.size == AttestationRow.checkpoint)
    .where(AttestationRow.id == bindparam("id"))
)


class Revocation(Part):
    """Why an attestation shall count no more; stands in the public log."""

    reason: Text


class Received(NamedTuple):
    """An attestation as it was read, and its canonical bytes."""

    attestation: Attestation
    document: bytes


async def _receive(request: Request) -> Received:
    data = await read_json_bytes(request)
    interning = service_of(request).interning
    if len(data) <= SMALL_BYTES:
        return _read(interning, data)
    return await run_in_threadpool(_read, interning, data)


def _read(interning: Interning, data: bytes) -> Received:
    try:
        return Received(*interning.attestation(parse_body(data), "body"))
    except DocumentError as error:
        raise Problem("document-invalid", str(error)) from None


BODIES[Attestation.__name__] = Attestation
ReceivedAttestation: TypeAlias = Annotated[Received, Depends(_receive)]


@router.post(
    "",
    status_code=201,
    summary="Submit an attestation",
    openapi_extra=takes(Attestation, examples.ATTESTATION),
)
async def submit(
    caller: Prover,
    received: ReceivedAttestation,
    service: TheService,
    response: Response,
) -> SubmittedView:
    """Submit an attestation. It is checked completely before anything is stored.

    With a nonce it answers the audit that drew the nonce. The same attestation again is answered
    200 with what is stored. A refusal lists every check.
    """
    return await take(service, caller, Submission(*received, caller.tenant), response)


async def take(
    service: Service, caller: Caller, submission: Submission, response: Response
) -> SubmittedView:
    """Let the intake decide; the stored attestation, or the problem that refuses it."""
    outcome = await asyncio.wrap_future(service.intake.submit(submission))
    if isinstance(outcome, Problem):
        raise outcome
    response.status_code = 201 if outcome.kind == "accepted" else 200
    response.headers["Location"] = f"/v1/attestations/{outcome.id}"
    return await asyncio.to_thread(_submitted, service, caller, outcome)


def _submitted(service: Service, caller: Caller, outcome: Accepted) -> SubmittedView:
    with service.store.read() as session:
        row = find(session, service, caller, outcome.id)
        report = outcome.report
        return SubmittedView(
            attestation=view(session, row),
            new=outcome.kind == "accepted",
            checks=tuple(
                CheckView(name=check.name, passed=check.passed, reason=check.reason)
                for check in (() if report is None else report.checks)
            ),
        )


@router.get("", summary="List attestations")
def list_attestations(
    caller: Reader,
    service: TheService,
    limit: Limit = 50,
    cursor: Cursor = None,
    policy: Annotated[HexDigest | None, Query(description="Digest.")] = None,
    claim: Annotated[Name | None, Query()] = None,
    account: Annotated[Name | None, Query()] = None,
    custodian: Annotated[Name | None, Query()] = None,
    audience: Annotated[Text | None, Query()] = None,
    status: Annotated[Status | None, Query()] = None,
) -> AttestationPage:
    """Accepted attestations, the newest first."""
    query = select(AttestationRow)
    for column, wanted in (
        (AttestationRow.policy, policy),
        (AttestationRow.claim, claim),
        (AttestationRow.audience, audience),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    of_account = [
        column == wanted
        for column, wanted in (
            (AttestedAccount.account, account),
            (AttestedAccount.custodian, custodian),
        )
        if wanted is not None
    ]
    if of_account:
        query = query.where(
            exists().where(AttestedAccount.attestation == AttestationRow.id, *of_account)
        )
    if status is not None:
        query = query.where(*_having(status))
    if not sees_all(service, caller):
        query = query.where(AttestationRow.tenant == (caller.tenant if caller else ""))
    with service.store.read() as session:
        rows, following = page(session, query, AttestationRow.log_index, limit=limit, cursor=cursor)
        return AttestationPage(items=views(session, rows), next=following)


@router.get("/{id}", summary="Get an attestation")
def get_attestation(id: HexDigest, caller: Reader, service: TheService) -> AttestationView:  # noqa: A002
    """What is known of an attestation, and whether it counts now."""
    with service.store.read() as session:
        return view(session, find(session, service, caller, id))


@router.get("/{id}/bundle", summary="Download an attestation", response_model=Bundle)
def get_bundle(id: HexDigest, request: Request, caller: Reader, service: TheService) -> Response:  # noqa: A002
    """The attestation with its inclusion proof and the signed checkpoint, for checking offline.

    It never changes: whether the attestation was revoked or superseded since stands elsewhere.
    """
    with service.store.read() as session:
        row = session.execute(_STORED, {"id": id}).one_or_none()
        if row is None:
            raise _unknown()
        _require_sight(service, caller, row.tenant)
        content = b"".join(
            (
                b'{"attestation":',
                row.document,
                b',"format":"zkcollateral/bundle/1","log":',
                json.dumps(_place(row), separators=(",", ":"), ensure_ascii=False).encode(),
                b"}",
            )
        )
        private = service.settings.reads == "keys"
        return immutable(request, content, row.digest, private=private)


@router.post(
    "/{id}/revoke",
    summary="Revoke an attestation",
    openapi_extra=takes(Revocation, examples.REVOCATION),
)
def revoke_attestation(
    id: HexDigest,  # noqa: A002
    caller: AnyCaller,
    revocation: Annotated[Revocation, Depends(body(Revocation))],
    service: TheService,
) -> AttestationView:
    """Revoke an attestation: its prover or an admin says that it counts no more."""
    with service.store.write() as writer:
        session = writer.session
        row = find(session, service, caller, id)
        if not (caller.has("admin") or (caller.has("prover") and row.tenant == caller.tenant)):
            raise Problem("other-tenant", "another tenant submitted this attestation")
        if row.revoked is None:
            revoke(writer, row, revocation.reason)
        return view(session, row)


def sees_all(service: Service, caller: Caller | None) -> bool:
    """Whether a reader may see attestations of every tenant."""
    return service.settings.reads == "public" or (
        caller is not None and (caller.has("auditor") or caller.has("admin"))
    )


def find(session: Session, service: Service, caller: Caller | None, id_: str) -> AttestationRow:
    """The row of an attestation that the caller may see; Problem `not-found`."""
    row = session.get(AttestationRow, id_)
    if row is None:
        raise _unknown()
    _require_sight(service, caller, row.tenant)
    return row


def _unknown() -> Problem:
    return Problem("not-found", "no attestation with this id was accepted here")


def _require_sight(service: Service, caller: Caller | None, tenant: str) -> None:
    """Problem `other-tenant` unless the caller may see what a tenant submitted."""
    if not sees_all(service, caller) and (caller is None or caller.tenant != tenant):
        raise Problem("other-tenant", "another tenant submitted this attestation")


def status_of(row: AttestationRow) -> Status:
    """Whether an attestation counts now."""
    if row.revoked is not None:
        return "revoked"
    if row.superseded_by is not None:
        return "superseded"
    return "valid" if now() < row.expires else "expired"


def _having(status: Status) -> list[Any]:
    if status == "revoked":
        return [AttestationRow.revoked.is_not(None)]
    unrevoked = AttestationRow.revoked.is_(None)
    if status == "superseded":
        return [unrevoked, AttestationRow.superseded_by.is_not(None)]
    alone = AttestationRow.superseded_by.is_(None)
    current = AttestationRow.expires > now()
    return [unrevoked, alone, current if status == "valid" else ~current]


def view(session: Session, row: AttestationRow) -> AttestationView:
    """What is shown of an attestation."""
    (one,) = views(session, [row])
    return one


def views(session: Session, rows: Sequence[AttestationRow]) -> tuple[AttestationView, ...]:
    """What is shown of attestations."""
    accounts: dict[str, list[AccountView]] = {row.id: [] for row in rows}
    found = session.execute(
        select(
            AttestedAccount.attestation,
            AttestedAccount.custodian,
            AttestedAccount.account,
            AttestedAccount.side,
        )
        .where(AttestedAccount.attestation.in_(accounts))
        .order_by(AttestedAccount.attestation, AttestedAccount.position)
    )
    for id_, custodian, account, side in found:
        accounts[id_].append(
            AccountView(
                custodian=custodian, account=account, side="liabilities" if side else "assets"
            )
        )
    return tuple(_view(row, accounts[row.id]) for row in rows)


def _view(row: AttestationRow, accounts: Sequence[AccountView]) -> AttestationView:
    return AttestationView(
        id=row.id,
        digest=row.digest,
        status=status_of(row),
        policy=row.policy,
        claim=row.claim,
        claim_type=row.claim_type,
        registry=row.registry_digest,
        round=row.round,
        accounts=tuple(accounts),
        audience=row.audience,
        issued=row.issued,
        expires=row.expires,
        accepted=row.accepted,
        audit=row.audit,
        log_index=row.log_index,
        superseded_by=row.superseded_by,
        superseded=row.superseded,
        revoked=row.revoked,
        revoked_reason=row.revoked_reason,
    )


def _place(row: Row[str, str, bytes, int, bytes, bytes, str]) -> dict[str, Any]:
    nodes = [row.inclusion[at : at + 32] for at in range(0, len(row.inclusion), 32)]
    return {
        "checkpoint": row.note,
        "entry": json.loads(row.entry),
        "index": str(row.log_index),
        "proof": [base64.b64encode(node).decode() for node in nodes],
    }
