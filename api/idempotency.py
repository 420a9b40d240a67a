"""Posts that may be sent again: the same `Idempotency-Key` never creates a second thing.

The answer is stored in the transaction that creates what it tells of: after a crash there are both
or neither, and of two requests at once the later one waits and gets the answer of the earlier one.
Refusals are not stored: whoever was refused may try again with the same key.

A route takes part with two lines:

    def create(…, caller: Admin, once: Once, service: TheService) -> ThingView:
        with service.store.write() as writer:
            return once.answer(writer, caller, ThingView, lambda: _create(writer, …))
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Annotated, Final, TypeAlias, TypeVar

from fastapi import Depends, Header, Request, Response
from sqlalchemy import delete, insert, select

from ..crypto.canonical import parse_json
from ..risk.document import Part
from .access import Caller
from .problems import Problem
from .store.tables import IdempotentAnswer
from .store.writer import Writer

KEPT: Final = timedelta(hours=24)
"""How long an answer is given again; after that the key is a new one."""

REPLAYED: Final = "Idempotency-Replayed"
"""The header, `true`, of an answer that is given again."""

V = TypeVar("V", bound=Part)


class OneRequest:
    """A request that is carried out once, however often it is sent.

    Args:
        key: what its sender calls it; None: it may be carried out as often as it is sent.
        digest: SHA-256 of method, path with query, and body.
        response: whose status and headers are those of the answer.
    """

    def __init__(self, key: str | None, digest: str, response: Response) -> None:
        self._key = key
        self._digest = digest
        self._response = response

    def answer(
        self,
        writer: Writer,
        caller: Caller,
        view: type[V],
        create: Callable[[], V],
        *,
        secrets: Collection[str] = (),
    ) -> V:
        """What `create` answers, or answered when the tenant sent the same request before.

        Args:
            writer: the transaction in which `create` creates.
            caller: whose scopes were checked; keys of one tenant share their Idempotency-Keys.
            view: the model of the answer; it reads what it writes.
            create: creates and answers. It may set the status of the response (else 201) and may
                raise; then nothing is stored. It does not run when there is an answer.
            secrets: fields that are shown once: they are not stored, and an answer that is given
                again is without them. They must be optional in `view`.

        Raises:
            Problem: `idempotency-conflict` if the tenant used the key for another request, and what
                `create` raises.
        """
        if self._key is None:
            return create()
        session = writer.session
        session.execute(
            delete(IdempotentAnswer).where(IdempotentAnswer.created <= writer.at - KEPT)
        )
        stored = session.scalar(
            select(IdempotentAnswer).where(
                IdempotentAnswer.tenant == caller.tenant, IdempotentAnswer.key == self._key
            )
        )
        if stored is None:
            created = create()
            self._keep(writer, caller, self._key, created, secrets)
            return created
        if stored.request != self._digest:
            raise Problem("idempotency-conflict", "send another request with another key")
        self._response.status_code = stored.status
        self._response.headers[REPLAYED] = "true"
        return view.model_validate(parse_json(stored.body, "stored answer"))

    def _keep(
        self, writer: Writer, caller: Caller, key: str, created: Part, secrets: Collection[str]
    ) -> None:
        shown = created.model_dump(mode="json")
        public = {name: value for name, value in shown.items() if name not in secrets}
        row = {
            "tenant": caller.tenant,
            "key": key,
            "request": self._digest,
            "status": self._response.status_code or 201,
            "body": json.dumps(public, separators=(",", ":"), ensure_ascii=False).encode(),
            "created": writer.at,
        }
        writer.session.execute(insert(IdempotentAnswer), [row])


async def _read(
    request: Request,
    response: Response,
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            pattern="^[ -~]{1,128}$",
            description=(
                "A name for this request, drawn by its sender. Sent again within 24 hours, the "
                "same request gets the same answer (without secrets that are shown once) and "
                "creates nothing; another request under the same name is refused."
            ),
        ),
    ] = None,
) -> OneRequest:
    if key is None:
        return OneRequest(None, "", response)
    url = request.url
    hashed = hashlib.sha256(f"{request.method} {url.path}?{url.query}\n".encode())
    hashed.update(await request.body())
    return OneRequest(key, hashed.hexdigest(), response)


Once: TypeAlias = Annotated[OneRequest, Depends(_read)]
"""The request, to be carried out once."""
