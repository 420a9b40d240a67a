"""`zkcollateral api-key`: who may do what at the service of this machine.

The database and its password are those of `serve`: ZKCOLLATERAL_… and DATABASE_URL.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError
from .options import AsJson
from .output import emit_json, emit_result, emit_table

if TYPE_CHECKING:
    from ..api.api_keys import ApiKeyView
    from ..api.store.store import Store


class ScopeName(StrEnum):
    """What a key may."""

    prover = "prover"
    custodian = "custodian"
    oracle = "oracle"
    auditor = "auditor"
    admin = "admin"


def create_key(
    tenant: Annotated[str, typer.Option(metavar="NAME", help="Whose key it is.")],
    scope: Annotated[
        list[ScopeName],
        typer.Option(metavar="SCOPE", help="What it may; may be repeated."),
    ],
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The custodian or oracle that it speaks for."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create an API key and print it, this once.

    SCOPE is prover, custodian, oracle, auditor or admin. The service keeps a hash of the key:
    nobody can look it up again.
    """
    with _store() as store:
        from pydantic import ValidationError

        from ..api.api_keys import ApiKeyRequest, create

        try:
            request = ApiKeyRequest.model_validate(
                {"tenant": tenant, "scopes": [each.value for each in scope], "name": name}
            )
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = first["loc"][0] if first["loc"] else first["ctx"]["at"]
            option = {"scopes": "scope"}.get(str(field), str(field))
            got = first.get("ctx", {}).get("got") or "another value"
            raise InputError(f"--{option}", first["msg"], got) from None
        with store.write() as writer:
            made = create(writer, request)
    emit_result(
        as_json,
        made.model_dump(mode="json"),
        [f"API key {made.id} of {_what(made)}; it is shown this once:", str(made.key)],
    )


def list_keys(as_json: AsJson = False) -> None:
    """List the API keys, the newest first, without the keys themselves."""
    with _store() as store:
        from ..api.api_keys import all_keys

        with store.read() as session:
            keys = all_keys(session)
    if as_json:
        emit_json({"items": [key.model_dump(mode="json") for key in keys]})
        return
    rows = []
    for key in keys:
        shown = key.model_dump(mode="json")
        scopes = " ".join(key.scopes)
        row = (key.id, key.tenant, scopes, key.name or "", shown["created"])
        rows.append((*row, shown.get("revoked", "")))
    emit_table(("id", "tenant", "scopes", "speaks for", "created", "revoked"), rows)


def revoke_key(
    id_: Annotated[str, typer.Argument(metavar="ID", help="Id of the key, as `list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Revoke an API key: from the next request on it counts no more."""
    with _store() as store:
        from ..api.api_keys import revoke
        from ..api.problems import Problem

        try:
            with store.write() as writer:
                revoked = revoke(writer, id_)
        except Problem as problem:
            raise InputError("ID", "the id of an API key", repr(id_)) from problem
    shown = revoked.model_dump(mode="json")
    line = f"API key {revoked.id} of {_what(revoked)}: revoked at {shown['revoked']}"
    emit_result(as_json, shown, [line])


@contextmanager
def _store() -> Iterator[Store]:
    """The database of the service.

    Raises:
        InputError: settings or a database that cannot be used, or the service is not installed.
    """
    try:
        from sqlalchemy.exc import SQLAlchemyError

        from ..api.app import open_tables
        from ..api.settings import Settings
    except ImportError as error:
        expected = "the packages of the service (pip install 'zkcollateral[api]')"
        raise InputError("api-key", expected, f"no module {error.name}") from None
    settings = Settings.load()
    try:
        store = open_tables(settings)
        try:
            yield store
        finally:
            store.engine.dispose()
    except SQLAlchemyError as error:
        # Its text may quote the address with its password, or rows.
        kind = type(error).__name__
        raise InputError("DATABASE_URL", "a database that answers", kind) from None


def _what(key: ApiKeyView) -> str:
    speaks = f", speaks for {key.name}" if key.name is not None else ""
    return f"{key.tenant} ({', '.join(key.scopes)}{speaks})"
