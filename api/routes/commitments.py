"""Vouched commitments: posted by custodians, superseded by later ones of the same account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import and_, not_, select
from sqlalchemy.orm import Session

from ...circuits.evidence import SignedDocument, Vouch, open_vouch
from ...crypto.canonical import parse_json
from ...errors import EncodingError
from ...risk.registry import Registry
from .. import examples
from ..access import Custodian, Reader, TheService
from ..bodies import body, takes
from ..caching import immutable
from ..commitments import COUNTS, file_vouch
from ..evidence import Evidence, open_evidence
from ..evidence_views import CommitmentPage, CommitmentView
from ..idempotency import Once
from ..paging import Cursor, Limit, page
from ..parameters import DigestInPath, NameInQuery
from ..problems import Problem
from ..store.tables import CommitmentRow, PublishedDocument, TrustedKeyRow
from ..store.writer import Writer

router = APIRouter(prefix="/v1/commitments", tags=["commitments"])


@router.post(
    "",
    status_code=201,
    summary="Post a vouched commitment",
    openapi_extra=takes(SignedDocument, examples.VOUCH),
)
def post_commitment(
    caller: Custodian,
    signed: Annotated[SignedDocument, Depends(body(SignedDocument))],
    once: Once,
    service: TheService,
    response: Response,
) -> CommitmentView:
    """Post a signed vouch for a commitment (a DSSE envelope).

    A later one of the same account supersedes it: attestations about the earlier one are refused
    from then on. The same one again is answered 200.
    """

    def post(writer: Writer, evidence: Evidence[Vouch]) -> CommitmentView:
        _require_registry(writer.session, evidence.document)
        row, new = file_vouch(writer, evidence)
        if not new:
            response.status_code = 200
        return _views(writer.session, [row])[0]

    evidence = open_evidence(service.store, signed, "custodian", open_vouch)
    caller.must_be(evidence.signer)
    try:
        service.srs.arithmetic.decode_point(bytes.fromhex(evidence.document.commitment))
    except EncodingError as error:
        raise Problem("document-invalid", f"body: commitment: {error}") from None
    with service.store.write() as writer:
        return once.answer(writer, caller, CommitmentView, lambda: post(writer, evidence))


@router.get("", summary="List commitments")
def list_commitments(
    caller: Reader,
    service: TheService,
    limit: Limit = 50,
    cursor: Cursor = None,
    account: NameInQuery | None = None,
    custodian: NameInQuery | None = None,
    current: Annotated[
        bool | None, Query(description="Only those that count and are not superseded, or the rest.")
    ] = None,
) -> CommitmentPage:
    """Vouched commitments, those received last first."""
    query = select(CommitmentRow)
    if account is not None:
        query = query.where(CommitmentRow.account == account)
    if custodian is not None:
        query = query.where(CommitmentRow.custodian == custodian)
    if current is not None:
        is_current = and_(CommitmentRow.superseded_by.is_(None), COUNTS)
        query = query.where(is_current if current else not_(is_current))
    with service.store.read() as session:
        rows, following = page(session, query, CommitmentRow.event, limit=limit, cursor=cursor)
        return CommitmentPage(items=_views(session, rows), next=following)


@router.get("/{digest}", summary="Get a commitment")
def get_commitment(
    digest: DigestInPath,
    caller: Reader,
    service: TheService,
    custodian: NameInQuery | None = None,
) -> CommitmentView:
    """What is known of a commitment, by the SHA-256 of what is signed.

    If several custodians vouch for the very same: that of one of them, or of the first.
    """
    with service.store.read() as session:
        return _views(session, [_find(session, digest, custodian)])[0]


@router.get("/{digest}/envelope", summary="Download a signed vouch", response_model=SignedDocument)
def get_envelope(
    request: Request,
    digest: DigestInPath,
    caller: Reader,
    service: TheService,
    custodian: NameInQuery | None = None,
) -> Response:
    """The vouch as its custodian signed it, for checking offline and for proving."""
    with service.store.read() as session:
        row = _find(session, digest, custodian)
        private = service.settings.reads == "keys"
        return immutable(request, row.envelope, private=private)


def _require_registry(session: Session, vouch: Vouch) -> None:
    row = session.get(PublishedDocument, vouch.registry)
    if row is None or row.kind != "registry":
        raise Problem("registry-unknown", f"registry {vouch.registry} is not published here")
    registry = Registry.from_json_value(parse_json(row.document, "registry"), "registry")
    if vouch.slots != registry.slots:
        raise Problem(
            "document-invalid", f"body: slots: expected {registry.slots}, as the registry has"
        )


def _find(session: Session, digest: str, custodian: str | None) -> CommitmentRow:
    query = select(CommitmentRow).where(CommitmentRow.digest == digest)
    if custodian is not None:
        query = query.where(CommitmentRow.custodian == custodian)
    row = session.scalar(query.order_by(CommitmentRow.event).limit(1))
    if row is None:
        raise Problem("not-found", "no commitment with this digest was posted here")
    return row


def _views(session: Session, rows: Sequence[CommitmentRow]) -> tuple[CommitmentView, ...]:
    ids = {row.key_id for row in rows}
    found = session.scalars(select(TrustedKeyRow).where(TrustedKeyRow.key_id.in_(ids)))
    keys = {key.key_id: key for key in found}
    return tuple(
        CommitmentView(
            digest=row.digest,
            custodian=row.custodian,
            key_id=row.key_id,
            account=row.account,
            registry=row.registry_digest,
            commitment=row.commitment,
            as_of=row.as_of,
            received=row.received,
            superseded_by=row.superseded_by,
            key_retired=keys[row.key_id].retired
            if row.as_of > keys[row.key_id].valid_until
            else None,
        )
        for row in rows
    )
