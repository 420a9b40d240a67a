"""Audits: an auditor asks, the service draws the nonce, the prover answers or declines."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final, TypeAlias

from fastapi import APIRouter, Depends, Path, Query, Response
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from ...circuits.attestation import Attestation
from ...crypto.canonical import parse_json
from ...crypto.randomness import random_bytes
from ...risk.clock import now
from ...risk.document import Part
from ...risk.policy import Policy
from ...risk.values import HexDigest, Integer, Name, Text, Time
from .. import examples
from ..access import AnyCaller, Auditor, Caller, Prover, TheService
from ..audits import close, state_of
from ..bodies import body, takes
from ..idempotency import Once
from ..intake import Submission
from ..paging import Cursor, Limit, page
from ..problems import Problem
from ..store.tables import Audit, PublishedDocument
from ..store.writer import Writer
from ..views import AuditPage, AuditState, AuditView, SubmittedView
from .attestations import ReceivedAttestation, take

router = APIRouter(prefix="/v1/audits", tags=["audits"])

LONGEST: Final = timedelta(days=366)
MAX_ATTEMPTS: Final = 10

AuditId: TypeAlias = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]


class Question(Part):
    """What an auditor asks, of whom, and until when.

    `audience` is whom the answer must be addressed to: by default the service's own name, or the
    auditor's. After `max_attempts` answers that were refused the audit has failed.
    """

    prover: Name
    policy: HexDigest
    claim: Name
    audience: Text | None = None
    deadline: Time
    max_attempts: Annotated[int, Integer(1, MAX_ATTEMPTS)] = 3


class Refusal(Part):
    """Why a prover does not answer."""

    reason: Text


@router.post(
    "", status_code=201, summary="Open an audit", openapi_extra=takes(Question, examples.AUDIT)
)
def open_audit(
    caller: Auditor,
    question: Annotated[Question, Depends(body(Question))],
    once: Once,
    service: TheService,
    response: Response,
) -> AuditView:
    """Ask a prover for an attestation. The service draws the nonce that the answer must have."""
    audience = question.audience or service.settings.audience or caller.tenant
    with service.store.write() as writer:
        opened = once.answer(
            writer, caller, AuditView, lambda: _open(writer, caller, question, audience)
        )
    response.headers["Location"] = f"/v1/audits/{opened.id}"
    return opened


@router.get("", summary="List audits")
def list_audits(
    caller: AnyCaller,
    service: TheService,
    limit: Limit = 50,
    cursor: Cursor = None,
    state: Annotated[AuditState | None, Query()] = None,
) -> AuditPage:
    """The audits that the caller opened or is asked in, for admins all; the newest first."""
    query = select(Audit)
    if not caller.has("admin"):
        query = query.where(or_(Audit.tenant == caller.tenant, Audit.prover == caller.tenant))
    if state is not None:
        query = query.where(_having(state))
    with service.store.read() as session:
        rows, following = page(session, query, Audit.event, limit=limit, cursor=cursor)
        return AuditPage(items=tuple(view(audit) for audit in rows), next=following)


@router.get("/{id}", summary="Get an audit")
def get_audit(id: AuditId, caller: AnyCaller, service: TheService) -> AuditView:  # noqa: A002
    """An audit, as its two sides and admins may see it."""
    with service.store.read() as session:
        audit = _find(session, id)
        if not caller.has("admin") and caller.tenant not in (audit.tenant, audit.prover):
            raise _other_tenant()
        return view(audit)


@router.post(
    "/{id}/answer",
    status_code=201,
    summary="Answer an audit",
    openapi_extra=takes(Attestation, examples.ATTESTATION),
)
async def answer_audit(
    id: AuditId,  # noqa: A002
    caller: Prover,
    received: ReceivedAttestation,
    service: TheService,
    response: Response,
) -> SubmittedView:
    """Answer an audit with an attestation that has its nonce, its audience, its policy and claim.

    It is checked as any other. A refusal lists every check and counts as an attempt.
    """
    return await take(service, caller, Submission(*received, caller.tenant, id), response)


@router.post(
    "/{id}/decline",
    summary="Decline an audit",
    openapi_extra=takes(Refusal, examples.REFUSAL),
)
def decline_audit(
    id: AuditId,  # noqa: A002
    caller: Prover,
    refusal: Annotated[Refusal, Depends(body(Refusal))],
    service: TheService,
) -> AuditView:
    """Say that there will be no answer: the audit has failed."""
    with service.store.write() as writer:
        audit = _find_open(writer, id, caller, "prover")
        close(writer, audit, "failed", reason=refusal.reason)
        return view(audit)


@router.post("/{id}/withdraw", summary="Withdraw an audit")
def withdraw_audit(id: AuditId, caller: Auditor, service: TheService) -> AuditView:  # noqa: A002
    """Take a question back: it can be answered no more."""
    with service.store.write() as writer:
        audit = _find_open(writer, id, caller, "tenant")
        close(writer, audit, "withdrawn")
        return view(audit)


def view(audit: Audit) -> AuditView:
    """What the sides of an audit see of it."""
    at = now()
    overdue = audit.state == "open" and state_of(audit, at) == "expired"
    fields: dict[str, Any] = {
        name: getattr(audit, name) for name in AuditView.model_fields if name != "auditor"
    }
    if overdue:
        fields |= {"state": "expired", "closed": audit.deadline}
    return AuditView(auditor=audit.tenant, **fields)


def _open(writer: Writer, caller: Caller, question: Question, audience: str) -> AuditView:
    if not writer.at < question.deadline <= writer.at + LONGEST:
        raise Problem("time-unusable", f"expected a deadline within the next {LONGEST.days} days")
    _require_claim(writer.session, question)
    audit = Audit(
        id=random_bytes(16).hex(),
        tenant=caller.tenant,
        prover=question.prover,
        policy=question.policy,
        claim=question.claim,
        audience=audience,
        nonce=random_bytes(16).hex(),
        opened=writer.at,
        deadline=question.deadline,
        state="open",
        attempts=0,
        max_attempts=question.max_attempts,
    )
    audit.event = writer.emit(
        "audit.opened",
        {"id": audit.id, "policy": audit.policy, "claim": audit.claim},
        [audit.tenant, audit.prover],
    )
    writer.session.add(audit)
    return view(audit)


def _require_claim(session: Session, question: Question) -> None:
    row = session.get(PublishedDocument, question.policy)
    if row is None or row.kind != "policy":
        raise Problem("policy-not-accepted", "no policy with this digest is published here")
    policy = Policy.from_json_value(parse_json(row.document, "policy"), "policy")
    if question.claim not in policy.claims:
        raise Problem("claim-not-asked", f"the policy has no claim {question.claim!r}")


def _find(session: Session, id_: str) -> Audit:
    audit = session.get(Audit, id_)
    if audit is None:
        raise Problem("not-found", "no audit has this id")
    return audit


def _find_open(writer: Writer, id_: str, caller: Caller, side: str) -> Audit:
    audit = _find(writer.session, id_)
    if getattr(audit, side) != caller.tenant:
        raise _other_tenant()
    state = state_of(audit, writer.at)
    if state != "open":
        raise Problem("state-conflict", f"the audit is {state}")
    return audit


def _other_tenant() -> Problem:
    return Problem("other-tenant", "this audit is between other tenants")


def _having(state: AuditState) -> Any:
    unanswered = Audit.state == "open"
    if state == "open":
        return and_(unanswered, Audit.deadline > now())
    if state == "expired":
        return or_(Audit.state == "expired", and_(unanswered, Audit.deadline <= now()))
    return Audit.state == state
