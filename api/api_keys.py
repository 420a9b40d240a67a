"""API keys, as an admin asks for them over HTTP and whoever has the machine on the command line."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..risk.document import Part
from ..risk.values import Name, Several, Time, refusal
from .access import SCOPES, Scope, create_api_key
from .problems import Problem
from .store.tables import ApiKey
from .store.writer import Writer
from .views import Cursor

_SPEAKING = frozenset({"custodian", "oracle"})


class ApiKeyRequest(Part):
    """Who gets a key, and what it may. `name` is the custodian or oracle that it speaks for."""

    tenant: Name
    scopes: Annotated[Several[Scope], Field(min_length=1, max_length=len(SCOPES))]
    name: Name | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(set(self.scopes)) != len(self.scopes):
            raise refusal("every scope once", "one twice", "scopes")
        speaks = _SPEAKING.intersection(self.scopes)
        if speaks and self.name is None and "admin" not in self.scopes:
            raise refusal("the custodian or oracle that the key speaks for", "none", "name")
        if self.name is not None and not speaks:
            raise refusal("no name without the scope custodian or oracle", "one", "name")
        return self


class ApiKeyView(Part):
    """An API key. `key` is the key itself, which is shown once: when it is created."""

    id: str
    tenant: Name
    scopes: Several[Scope]
    name: Name | None = None
    created: Time
    revoked: Time | None = None
    key: Annotated[str | None, Field(repr=False)] = None


class ApiKeyPage(Part):
    """A page of API keys, the newest first; `next` is the cursor of the next one."""

    items: Several[ApiKeyView]
    next: Cursor | None = None


def create(writer: Writer, request: ApiKeyRequest) -> ApiKeyView:
    """Make a key. What is stored is a hash: nobody can look the key up again."""
    row, key = create_api_key(writer.session, request.tenant, [*request.scopes], request.name)
    return view(row, key)


def all_keys(session: Session) -> list[ApiKeyView]:
    """All keys, the newest first."""
    return [view(row) for row in session.scalars(select(ApiKey).order_by(ApiKey.number.desc()))]


def revoke(writer: Writer, id_: str) -> ApiKeyView:
    """Let a key count no more, from the next request on; one that was revoked stays as it is.

    Raises:
        Problem: `not-found`.
    """
    row = writer.session.get(ApiKey, id_)
    if row is None:
        raise Problem("not-found", "no API key has this id")
    if row.revoked is None:
        row.revoked = writer.at
    return view(row)


def view(row: ApiKey, key: str | None = None) -> ApiKeyView:
    """What is shown of a key.

    Args:
        key: the key itself, if it was created just now.
    """
    return ApiKeyView.model_validate(
        {
            "id": row.id,
            "tenant": row.tenant,
            "scopes": row.scopes.split(),
            "name": row.name,
            "created": row.created,
            "revoked": row.revoked,
            "key": key,
        }
    )
