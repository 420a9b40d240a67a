"""Trusted keys of custodians, oracles and the log: added, listed, retired."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from ...circuits.claim import document_digest
from ...crypto.canonical import canonical_bytes
from ...crypto.checkpoint import VerifierKey
from ...crypto.keyfile import Role
from ...errors import EncodingError
from ...risk.document import Part
from ...risk.values import Text, Time
from ...verifier.trust import Trust, TrustedKey
from .. import examples
from ..access import Admin, Reader, TheService
from ..bodies import body, takes
from ..caching import revalidated
from ..evidence_views import KeyPage, KeyView
from ..idempotency import Once
from ..paging import Cursor, Limit, page
from ..parameters import DigestInPath, NameInQuery
from ..problems import Problem
from ..store.tables import PublishedDocument, TrustedKeyRow
from ..store.writer import Writer
from ..trust import add_key, retire_key, trust_of

router = APIRouter(prefix="/v1/trust", tags=["trust"])


class Retirement(Part):
    """Why a key's signatures shall count no more, and from when on: by default from now on.

    For a key that leaked `until` is when it did. The reason stands with the key.
    """

    until: Time | None = None
    reason: Text


@router.get("", summary="What this service trusts", response_model=Trust)
def get_trust(request: Request, caller: Reader, service: TheService) -> Response:
    """The service's own trust file: the policies it accepts, and all keys with their windows.

    Made to be compared with one's own. Whoever relies on attestations trusts their own file.
    """
    with service.store.read() as session:
        policies = session.scalars(
            select(PublishedDocument.digest).where(PublishedDocument.kind == "policy")
        ).all()
        trust, _ = trust_of(session, service.settings.audience, policies)
    trust = trust.model_copy(update={"policies": tuple(sorted(trust.policies))})
    private = service.settings.reads == "keys"
    content = canonical_bytes(trust.to_json_value())
    return revalidated(request, content, document_digest(trust), private=private)


@router.post(
    "/keys",
    status_code=201,
    summary="Trust a key",
    openapi_extra=takes(TrustedKey, examples.TRUSTED_KEY),
)
def post_key(
    caller: Admin,
    key: Annotated[TrustedKey, Depends(body(TrustedKey))],
    once: Once,
    service: TheService,
    response: Response,
) -> KeyView:
    """Trust a key within its window, and say so in the log.

    Several keys can have one name: a custodian that changes its key stays one custodian. The same
    key again is answered 200 with what is stored; a key cannot change its window or its holder.
    """

    def add(writer: Writer) -> KeyView:
        if writer.session.get(TrustedKeyRow, key.key.key_id) is not None:
            response.status_code = 200
        return _view(add_key(writer, key))

    if key.role == "log":
        try:
            VerifierKey(key.name, key.key)
        except EncodingError as error:
            raise Problem("document-invalid", f"body.name: {error}") from None
    with service.store.write() as writer:
        return once.answer(writer, caller, KeyView, lambda: add(writer))


@router.get("/keys", summary="List trusted keys")
def list_keys(
    caller: Reader,
    service: TheService,
    limit: Limit = 50,
    cursor: Cursor = None,
    role: Annotated[Role | None, Query()] = None,
    name: NameInQuery | None = None,
) -> KeyPage:
    """All keys, those added last first; retired ones among them."""
    query = select(TrustedKeyRow)
    if role is not None:
        query = query.where(TrustedKeyRow.role == role)
    if name is not None:
        query = query.where(TrustedKeyRow.name == name)
    with service.store.read() as session:
        rows, following = page(session, query, TrustedKeyRow.log_index, limit=limit, cursor=cursor)
        return KeyPage(items=tuple(_view(row) for row in rows), next=following)


@router.get("/keys/{key_id}", summary="Get a trusted key")
def get_key(key_id: DigestInPath, caller: Reader, service: TheService) -> KeyView:
    """A key, by the SHA-256 of its 32 bytes."""
    with service.store.read() as session:
        return _view(_find(session, key_id))


@router.post(
    "/keys/{key_id}/retire",
    summary="Retire a key",
    openapi_extra=takes(Retirement, examples.RETIREMENT),
)
def post_retirement(
    key_id: DigestInPath,
    caller: Admin,
    retirement: Annotated[Retirement, Depends(body(Retirement))],
    service: TheService,
) -> KeyView:
    """End a key's window, and say so in the log.

    Attestations that rest on signatures dated later are revoked at once. Once the window has ended
    nothing new that the key signed is taken, however it is dated.
    """
    with service.store.write() as writer:
        row = _find(writer.session, key_id)
        if key_id == service.store.signer.public.key.key_id:
            raise Problem(
                "state-conflict",
                "the log is signed with this key: start the service with another one first",
            )
        retire_key(writer, row, retirement.until or writer.at, retirement.reason)
        return _view(row)


def _find(session: Session, key_id: str) -> TrustedKeyRow:
    row = session.get(TrustedKeyRow, key_id)
    if row is None:
        raise Problem("not-found", "no key with this id is, or was, trusted here")
    return row


def _view(row: TrustedKeyRow) -> KeyView:
    return KeyView.model_validate({name: getattr(row, name) for name in KeyView.model_fields})
