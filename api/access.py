"""Who asks, and what they may: API keys with scopes, or bearer tokens of a configured issuer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeAlias, get_args

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from ..crypto.randomness import random_bytes
from ..risk.clock import now
from .problems import Problem
from .service import Service, service_of
from .store.tables import ApiKey

Scope = Literal["prover", "custodian", "oracle", "auditor", "admin"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

_OF_KEY = select(ApiKey.hash, ApiKey.tenant, ApiKey.scopes, ApiKey.name).where(
    ApiKey.id == bindparam("id"), ApiKey.revoked.is_(None)
)
_KEY = re.compile(r"zkc_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="zkcollateral"'}


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Args:
        tenant: whose key it is.
        scopes: what it may.
        name: the custodian or oracle that it speaks for, if it is bound to one.
    """

    tenant: str
    scopes: frozenset[str]
    name: str | None = None

    def has(self, scope: Scope) -> bool:
        """Whether it has the scope."""
        return scope in self.scopes

    def must_be(self, name: str) -> None:
        """Problem `other-name` unless the caller speaks for this custodian or oracle."""
        if self.name != name and not self.has("admin"):
            raise Problem("other-name", f"the key speaks for {self.name}, not for {name}")


def create_api_key(
    session: Session, tenant: str, scopes: list[Scope], name: str | None
) -> tuple[ApiKey, str]:
    """A new key: its row, added to the session, and the key itself, to be shown once."""
    key_id, secret = random_bytes(8).hex(), random_bytes(32)
    last = session.scalar(select(func.max(ApiKey.number)))
    encoded = base64.urlsafe_b64encode(secret).decode().rstrip("=")
    row = ApiKey(
        id=key_id,
        number=(last or 0) + 1,
        hash=_hash(encoded),
        tenant=tenant,
        scopes=" ".join(sorted(set(scopes))),
        name=name,
        created=now(),
        revoked=None,
    )
    session.add(row)
    return row, f"zkc_{key_id}_{encoded}"


def _hash(secret: str) -> str:
    # 256 random bits: nothing to guess, so nothing to slow down.
    return hashlib.sha256(secret.encode()).hexdigest()


def _caller_of_key(session: Session, text: str) -> Caller:
    match = _KEY.fullmatch(text)
    # Columns and not the row itself: this is asked with every request.
    row = match and session.execute(_OF_KEY, {"id": match.group(1)}).one_or_none()
    if not match or not row or not hmac.compare_digest(row.hash, _hash(match.group(2))):
        raise Problem("key-unknown", "no such API key", headers=_CHALLENGE)
    return Caller(row.tenant, frozenset(row.scopes.split()), row.name)


def caller_of(service: Service, credentials: str) -> Caller:
    """Whose an API key or a token is now; Problem if it is nobody's."""
    if service.tokens is not None and not credentials.startswith("zkc_"):
        return service.tokens.caller(credentials)
    with service.store.read() as session:
        return _caller_of_key(session, credentials)


_BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="bearer",
    description="An API key (`zkc_…`), or a token of the configured issuer.",
)
Credentials: TypeAlias = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


# These are coroutines, for a plain function would be sent to a thread with every request.
async def optional_caller(request: Request, credentials: Credentials) -> Caller | None:
    """Who asks, if they say so; a key that is given must be good."""
    if "authorization" not in request.headers:
        return None
    if credentials is None:
        raise Problem("key-unknown", "expected 'Authorization: Bearer KEY'", headers=_CHALLENGE)
    caller = await run_in_threadpool(caller_of, service_of(request), credentials.credentials)
    request.state.caller = caller
    return caller


OptionalCaller: TypeAlias = Annotated[Caller | None, Depends(optional_caller)]


async def needs_key(caller: OptionalCaller) -> Caller:
    """Who asks; they have to say so."""
    if caller is None:
        raise Problem("key-missing", "send 'Authorization: Bearer KEY'", headers=_CHALLENGE)
    return caller


AnyCaller: TypeAlias = Annotated[Caller, Depends(needs_key)]


SCOPES_OF: Final[dict[object, tuple[Scope, ...]]] = {}
"""Of every dependency that asks for scopes: any of which will do."""


def _scoped(*scopes: Scope) -> Callable[[AnyCaller], Awaitable[Caller]]:
    async def check(caller: AnyCaller) -> Caller:
        if not any(caller.has(scope) for scope in scopes):
            raise Problem("scope-missing", f"needs the scope {' or '.join(scopes)}")
        return caller

    SCOPES_OF[check] = scopes
    return check


async def _reader(request: Request, caller: OptionalCaller) -> Caller | None:
    if caller is None and service_of(request).settings.reads == "keys":
        raise Problem("key-missing", "send 'Authorization: Bearer KEY'", headers=_CHALLENGE)
    return caller


Reader: TypeAlias = Annotated[Caller | None, Depends(_reader)]
"""Whoever may read: everybody, or whoever has a key, by the setting `reads`."""
Admin: TypeAlias = Annotated[Caller, Depends(_scoped("admin"))]
Prover: TypeAlias = Annotated[Caller, Depends(_scoped("prover"))]
Custodian: TypeAlias = Annotated[Caller, Depends(_scoped("custodian", "admin"))]
Oracle: TypeAlias = Annotated[Caller, Depends(_scoped("oracle", "admin"))]
Auditor: TypeAlias = Annotated[Caller, Depends(_scoped("auditor"))]


async def get_service(request: Request) -> Service:
    """The service that answers this request."""
    return service_of(request)


TheService: TypeAlias = Annotated[Service, Depends(get_service)]
