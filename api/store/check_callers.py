"""API keys, webhooks and stored answers: each row in itself, for the log knows nothing of them."""

from __future__ import annotations

import base64
import re
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from ...crypto.canonical import parse_json
from ...risk.document import Part
from ...risk.values import Name
from ..access import SCOPES
from ..events import EVENT_TYPES
from ..letters import SECRET_PREFIX
from .findings import Findings, Progress, batches, columns_of
from .tables import ApiKey, Delivery, IdempotentAnswer, State, Webhook

_HEX: Final = {length: re.compile(f"[0-9a-f]{{{length}}}") for length in (16, 32, 64)}
_REQUEST_KEY: Final = re.compile("[ -~]{1,128}")


class _Named(Part):
    name: Name


def check_api_keys(connection: Connection, found: Findings, _: Progress) -> None:
    """Every API key, and that none is gone from the middle."""
    number = 0
    for rows in batches(connection, columns_of(ApiKey).order_by(ApiKey.number)):
        for row in rows:
            number += 1
            found.examined += 1
            with found.reading(f"key number {number}"):
                _check_api_key(found, row, number)


def _check_api_key(found: Findings, row: Row[Any], number: int) -> None:
    where = f"key number {number}"
    found.equal(where, row, number=number, tenant=_Named(name=row.tenant).name)
    for text, length in ((row.id, 16), (row.hash, 64)):
        found.expect(
            _HEX[length].fullmatch(text) is not None, f"{where}: id or hash of another form"
        )
    scopes = row.scopes.split(" ")
    found.expect(
        scopes == sorted(set(scopes)) and set(scopes) <= set(SCOPES), f"{where}: other scopes"
    )
    if row.name is not None:
        found.equal(where, row, name=_Named(name=row.name).name)
        found.expect(
            bool({"custodian", "oracle"}.intersection(scopes)), f"{where}: speaks for nobody"
        )
    found.expect(
        row.revoked is None or row.created <= row.revoked, f"{where}: revoked before it was made"
    )


def check_webhooks(connection: Connection, found: Findings, _: Progress) -> None:
    """Every webhook, and every letter that is or was on its way to one."""
    last = connection.scalar(select(State.last_event)) or 0
    for rows in batches(connection, columns_of(Webhook)):
        for row in rows:
            found.examined += 1
            where = f"webhook {row.id}"
            with found.reading(where):
                found.expect(_HEX[32].fullmatch(row.id) is not None, f"{where}: id of another form")
                found.equal(where, row, tenant=_Named(name=row.tenant).name)
                types = row.types.split()
                found.expect(
                    set(types) <= set(EVENT_TYPES) and row.types == " ".join(sorted(set(types))),
                    f"{where}: other types",
                )
                secret = base64.b64decode(row.secret.removeprefix(SECRET_PREFIX), validate=True)
                found.expect(
                    row.secret.startswith(SECRET_PREFIX) and len(secret) == 32,
                    f"{where}: a secret of another form",
                )
                found.expect(
                    row.url.startswith(("https://", "http://")), f"{where}: another address"
                )
                found.expect(0 <= row.position <= last, f"{where}: ahead of all events")
                found.expect(
                    row.disabled is None or row.created <= row.disabled,
                    f"{where}: disabled before it was made",
                )
    _check_deliveries(connection, found)


def _check_deliveries(connection: Connection, found: Findings) -> None:
    ahead = connection.scalar(
        select(Delivery.event)
        .join(Webhook, Webhook.id == Delivery.webhook)
        .where((Delivery.event > Webhook.position) | (Delivery.event < 1))
        .limit(1)
    )
    found.expect(ahead is None, f"a letter about event {ahead}, which its webhook has not seen yet")
    for rows in batches(connection, columns_of(Delivery)):
        for row in rows:
            found.examined += 1
            where = f"letter about event {row.event}"
            found.expect(row.attempts >= 0, f"{where}: fewer than no attempts")
            if row.delivered is not None:
                found.equal(where, row, due=None)
            found.expect(
                row.due is not None or row.outcome is not None, f"{where}: done, without outcome"
            )
            found.expect(
                row.attempts > 0 or row.delivered is None, f"{where}: delivered without attempt"
            )


def check_answers(connection: Connection, found: Findings, _: Progress) -> None:
    """Every answer that is kept for a request that might be sent again."""
    for rows in batches(connection, columns_of(IdempotentAnswer), 16):
        for row in rows:
            found.examined += 1
            with found.reading("an answer"):
                found.equal("an answer", row, tenant=_Named(name=row.tenant).name)
                found.expect(
                    _HEX[64].fullmatch(row.request) is not None
                    and _REQUEST_KEY.fullmatch(row.key) is not None,
                    "an answer to a request of another form",
                )
                found.expect(200 <= row.status < 300, "an answer with another status")
                found.expect(
                    isinstance(parse_json(row.body, "answer"), dict), "an answer that is no object"
                )
