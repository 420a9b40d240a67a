"""Policies and registries: published once, the same for ever."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ...circuits.claim import document_digest
from ...crypto.canonical import canonical_bytes, parse_json
from ...errors import ZkCollateralError
from ...risk.policy import Policy, check_policy
from ...risk.registry import Registry
from ...risk.values import MAX_ENTRIES
from ...verifier.entries import PublicationEntry
from .. import examples
from ..access import Admin, Reader, TheService
from ..bodies import body, takes
from ..caching import immutable
from ..idempotency import Once
from ..paging import Cursor, Limit, page
from ..parameters import DigestInPath
from ..problems import Problem
from ..service import Service
from ..store.tables import PublishedDocument
from ..store.writer import Writer
from ..views import PublishedPage, PublishedView

router = APIRouter(prefix="/v1")

Kind = Literal["policy", "registry"]


@router.post(
    "/policies",
    tags=["policies"],
    status_code=201,
    summary="Publish a policy",
    openapi_extra=takes(Policy, examples.POLICY),
)
def publish_policy(
    caller: Admin,
    policy: Annotated[Policy, Depends(body(Policy))],
    once: Once,
    service: TheService,
    response: Response,
) -> PublishedView:
    """Publish a policy: from now on attestations under it are accepted.

    Its registry has to be published before. Publishing it again answers 200 with what is stored.
    """

    def publish(writer: Writer) -> PublishedView:
        found = writer.session.get(PublishedDocument, policy.registry)
        if found is None or found.kind != "registry":
            raise Problem("registry-unknown", f"registry {policy.registry} is not published here")
        registry = Registry.from_json_value(parse_json(found.document, "registry"), "registry")
        try:
            check_policy(policy, policy.registry, registry)
        except ZkCollateralError as error:
            raise Problem("policy-unusable", str(error)) from None
        _require_room(writer.session, policy)
        return _publish(writer, "policy", policy, response)

    with service.store.write() as writer:
        return once.answer(writer, caller, PublishedView, lambda: publish(writer))


@router.post(
    "/registries",
    tags=["registries"],
    status_code=201,
    summary="Publish a registry",
    openapi_extra=takes(Registry, examples.REGISTRY),
)
def publish_registry(
    caller: Admin,
    registry: Annotated[Registry, Depends(body(Registry))],
    once: Once,
    service: TheService,
    response: Response,
) -> PublishedView:
    """Publish a registry. Publishing it again answers 200 with what is stored."""
    with service.store.write() as writer:
        return once.answer(
            writer,
            caller,
            PublishedView,
            lambda: _publish(writer, "registry", registry, response),
        )


@router.get("/policies", tags=["policies"], summary="List policies")
def list_policies(
    caller: Reader, service: TheService, limit: Limit = 50, cursor: Cursor = None
) -> PublishedPage:
    """All policies, the newest first."""
    return _list(service, "policy", limit, cursor)


@router.get("/registries", tags=["registries"], summary="List registries")
def list_registries(
    caller: Reader, service: TheService, limit: Limit = 50, cursor: Cursor = None
) -> PublishedPage:
    """All registries, the newest first."""
    return _list(service, "registry", limit, cursor)


@router.get("/policies/{digest}", tags=["policies"], summary="Get a policy", response_model=Policy)
def get_policy(
    request: Request, digest: DigestInPath, caller: Reader, service: TheService
) -> Response:
    """The policy with a digest, in canonical form."""
    return _get(request, service, "policy", digest)


@router.get(
    "/registries/{digest}", tags=["registries"], summary="Get a registry", response_model=Registry
)
def get_registry(
    request: Request, digest: DigestInPath, caller: Reader, service: TheService
) -> Response:
    """The registry with a digest, in canonical form."""
    return _get(request, service, "registry", digest)


def _require_room(session: Session, policy: Policy) -> None:
    """Problem `state-conflict` if a trust file would not take one more policy."""
    others = select(func.count()).where(
        PublishedDocument.kind == "policy", PublishedDocument.digest != document_digest(policy)
    )
    if (session.scalar(others) or 0) >= MAX_ENTRIES:
        raise Problem("state-conflict", f"at most {MAX_ENTRIES} policies can be published")


def _publish(
    writer: Writer, kind: Kind, document: Policy | Registry, response: Response
) -> PublishedView:
    digest = document_digest(document)
    row = writer.session.get(PublishedDocument, digest)
    if row is not None:
        response.status_code = 200
        return _view(row)
    entry = PublicationEntry(kind=kind, digest=digest, name=document.name, time=writer.at)
    row = PublishedDocument(
        digest=digest,
        kind=kind,
        name=document.name,
        document=canonical_bytes(document.to_json_value()),
        published=writer.at,
        log_index=writer.append(entry),
    )
    writer.session.add(row)
    writer.trust_changed()
    writer.emit(f"{kind}.published", {"digest": digest, "name": document.name})
    return _view(row)


def _list(service: Service, kind: Kind, limit: int, cursor: str | None) -> PublishedPage:
    with service.store.read() as session:
        rows, following = page(
            session,
            select(PublishedDocument).where(PublishedDocument.kind == kind),
            PublishedDocument.log_index,
            limit=limit,
            cursor=cursor,
        )
        return PublishedPage(items=tuple(_view(row) for row in rows), next=following)


def _get(request: Request, service: Service, kind: Kind, digest: str) -> Response:
    with service.store.read() as session:
        row = find(session, kind, digest)
        private = service.settings.reads == "keys"
        return immutable(request, row.document, row.digest, private=private)


def find(session: Session, kind: Kind, digest: str) -> PublishedDocument:
    """The row of a published document; Problem `not-found`."""
    row = session.get(PublishedDocument, digest)
    if row is None or row.kind != kind:
        raise Problem("not-found", f"no {kind} with this digest is published here")
    return row


def _view(row: PublishedDocument) -> PublishedView:
    return PublishedView(
        digest=row.digest, name=row.name, published=row.published, log_index=row.log_index
    )
