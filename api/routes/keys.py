"""API keys: created, listed and revoked by admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from sqlalchemy import select

from .. import examples
from ..access import Admin, TheService
from ..api_keys import ApiKeyPage, ApiKeyRequest, ApiKeyView, create, revoke, view
from ..bodies import body, takes
from ..caching import NO_STORE
from ..idempotency import Once
from ..paging import Cursor, Limit, page
from ..store.tables import ApiKey

router = APIRouter(prefix="/v1/api-keys", tags=["API keys"])


@router.post(
    "",
    status_code=201,
    summary="Create an API key",
    openapi_extra=takes(ApiKeyRequest, examples.API_KEY),
)
def post_api_key(
    caller: Admin,
    request: Annotated[ApiKeyRequest, Depends(body(ApiKeyRequest))],
    once: Once,
    service: TheService,
    response: Response,
) -> ApiKeyView:
    """Create an API key. The key itself stands in this answer and nowhere else.

    What is stored is a hash. So the answer to the same request with the same `Idempotency-Key` has
    no `key` in it: if the first answer was lost, revoke that key and create another one.
    """
    response.headers["Cache-Control"] = NO_STORE
    with service.store.write() as writer:
        return once.answer(
            writer, caller, ApiKeyView, lambda: create(writer, request), secrets=["key"]
        )


@router.get("", summary="List API keys")
def list_api_keys(
    caller: Admin, service: TheService, limit: Limit = 50, cursor: Cursor = None
) -> ApiKeyPage:
    """All keys, the newest first; revoked ones among them, and none itself."""
    with service.store.read() as session:
        rows, following = page(session, select(ApiKey), ApiKey.number, limit=limit, cursor=cursor)
        return ApiKeyPage(items=tuple(view(row) for row in rows), next=following)


@router.post("/{id}/revoke", summary="Revoke an API key")
def post_api_key_revocation(
    id: Annotated[str, Path(pattern="^[0-9a-f]{16}$")],  # noqa: A002
    caller: Admin,
    service: TheService,
) -> ApiKeyView:
    """Let a key count no more, from the next request on."""
    with service.store.write() as writer:
        return revoke(writer, id)
