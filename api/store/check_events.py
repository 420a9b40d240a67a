"""Events: numbered without gap, each of them about something that is stored, and the reverse."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from ...risk.clock import format_time
from ..events import EVENT_TYPES
from ..filing import REFUSED
from ..sweeper import KEPT_REFUSALS
from .findings import ROWS_AT_ONCE, Findings, Progress, columns_of, count
from .tables import (
    AttestationRow,
    AttestedAccount,
    Audit,
    Base,
    CommitmentRow,
    Event,
    PublishedDocument,
    RoundRow,
    State,
    TrustedKeyRow,
)

_CLOSINGS: Final = ("answered", "failed", "expired", "withdrawn")


def check_events(connection: Connection, found: Findings, progress: Progress) -> None:
    """Check all events."""
    last = connection.scalar(select(State.last_event)) or 0
    forgotten_before = _forgotten_before(connection)
    seen = 0
    counts: Counter[str] = Counter()
    while True:
        rows = connection.execute(
            columns_of(Event).where(Event.id > seen).order_by(Event.id).limit(ROWS_AT_ONCE)
        ).all()
        if not rows:
            break
        for row in rows:
            found.expect(
                row.id == seen + 1 or row.id <= forgotten_before,
                f"between event {seen} and event {row.id} there is none",
            )
            seen = row.id
        found.examined += len(rows)
        counts.update(row.type for row in rows)
        with found.reading(f"events {rows[0].id} to {rows[-1].id}"):
            _Batch(connection, found, rows).check()
        progress.more(len(rows))
    found.expect(seen == last, f"the last event is {seen}, the head says {last}")
    found.expect(count(connection, Event, Event.id < 1) == 0, "an event with a number below 1")
    for type_, expected in _expected_counts(connection).items():
        found.expect(
            counts[type_] == expected, f"{counts[type_]} events {type_}, expected {expected}"
        )


def _forgotten_before(connection: Connection) -> int:
    """The event up to which refusals may have been forgotten: the oldest that is kept."""
    if count(connection, Event, Event.type == REFUSED) < KEPT_REFUSALS:
        return 0
    oldest = select(Event.id).where(Event.type == REFUSED).order_by(Event.id).limit(1)
    return connection.scalar(oldest) or 0


def _expected_counts(connection: Connection) -> dict[str, int]:
    document, audit = PublishedDocument, Audit
    return {
        "attestation.accepted": count(connection, AttestationRow),
        "attestation.revoked": count(
            connection, AttestationRow, AttestationRow.revoked.is_not(None)
        ),
        "policy.published": count(connection, document, document.kind == "policy"),
        "registry.published": count(connection, document, document.kind == "registry"),
        "trust.added": count(connection, TrustedKeyRow),
        "trust.retired": count(connection, TrustedKeyRow, TrustedKeyRow.retired.is_not(None)),
        "commitment.new": count(connection, CommitmentRow),
        "round.new": count(connection, RoundRow),
        "audit.opened": count(connection, audit),
        **{f"audit.{state}": count(connection, audit, audit.state == state) for state in _CLOSINGS},
    }


class _Batch:
    """Consecutive events, with the rows that they are about."""

    def __init__(self, connection: Connection, found: Findings, rows: Sequence[Row[Any]]) -> None:
        self._connection = connection
        self._found = found
        self._events = [(row, json.loads(row.data)) for row in rows]
        numbers = [row.id for row in rows]
        self._attestations = self._by(AttestationRow, "id", self._named("attestation.", "id"))
        self._accounts: dict[str, list[dict[str, str | None]]] = {}
        ids = [*self._attestations]
        query = columns_of(AttestedAccount).where(AttestedAccount.attestation.in_(ids))
        for row in connection.execute(query.order_by(AttestedAccount.position)):
            named = {"custodian": row.custodian, "account": row.account}
            self._accounts.setdefault(row.attestation, []).append(named)
        self._documents = {
            **self._by(PublishedDocument, "digest", self._named("policy.", "digest")),
            **self._by(PublishedDocument, "digest", self._named("registry.", "digest")),
        }
        self._keys = self._by(TrustedKeyRow, "key_id", self._named("trust.", "key_id"))
        self._audits = self._by(Audit, "id", self._named("audit.", "id"))
        self._commitments = self._by(CommitmentRow, "event", numbers)
        self._rounds = self._by(RoundRow, "event", numbers)
        self._lost = self._by(AttestationRow, "id", self._named("coverage.", "attestation"))

    def check(self) -> None:
        """Check all of them."""
        told: dict[str, Callable[[Row[Any], dict[str, Any]], bool]] = {
            "attestation.accepted": self._accepted,
            "attestation.revoked": self._revoked,
            "policy.published": self._published,
            "registry.published": self._published,
            "trust.added": self._trust,
            "trust.retired": self._trust,
            "commitment.new": self._commitment,
            "round.new": self._round,
            "audit.opened": self._opened,
            "coverage.lost": self._coverage,
            **{f"audit.{state}": self._closed for state in _CLOSINGS},
        }
        for event, data in self._events:
            where = f"event {event.id}"
            known = event.type in EVENT_TYPES and isinstance(data, dict)
            self._found.expect(known, f"{where}: of no type that there is")
            if not known:
                continue
            with self._found.reading(where):
                if event.type in told:
                    self._found.expect(
                        told[event.type](event, data),
                        f"{where}: says something else than what is stored",
                    )
                if event.type.partition(".")[0] != "audit" and event.type != REFUSED:
                    self._found.equal(where, event, tenants=None)
                self._found.expect(
                    event.data == json.dumps(data, separators=(",", ":"), ensure_ascii=False),
                    f"{where}: in another spelling",
                )

    def _named(self, prefix: str, field: str) -> list[str]:
        """What the events of these types name in a field of their data."""
        return [
            str(data.get(field))
            for row, data in self._events
            if row.type.startswith(prefix) and isinstance(data, dict)
        ]

    def _by(self, table: type[Base], name: str, values: Sequence[Any]) -> dict[Any, Row[Any]]:
        if not values:
            return {}
        column = table.__table__.columns[name]
        rows = self._connection.execute(columns_of(table).where(column.in_(values)))
        return {getattr(row, name): row for row in rows}

    def _accepted(self, event: Row[Any], data: dict[str, Any]) -> bool:
        row = self._attestations[data["id"]]
        return event.time == row.accepted and data == {
            "id": row.id,
            "policy": row.policy,
            "claim": row.claim,
            "accounts": self._accounts.get(row.id, []),
            "expires": format_time(row.expires),
            "log_index": str(row.log_index),
        }

    def _revoked(self, event: Row[Any], data: dict[str, Any]) -> bool:
        row = self._attestations[data["id"]]
        return event.time == row.revoked and data == {"id": row.id, "reason": row.revoked_reason}

    def _published(self, event: Row[Any], data: dict[str, Any]) -> bool:
        row = self._documents[data["digest"]]
        return (
            event.time == row.published
            and event.type == f"{row.kind}.published"
            and data == {"digest": row.digest, "name": row.name}
        )

    def _trust(self, event: Row[Any], data: dict[str, Any]) -> bool:
        row = self._keys[data["key_id"]]
        time = row.added if event.type == "trust.added" else row.retired
        said = {"role": row.role, "name": row.name, "key_id": row.key_id}
        return bool(event.time == time and data == said)

    def _commitment(self, event: Row[Any], data: dict[str, Any]) -> bool:
        row = self._commitments[event.id]
        return event.time == row.received and data == {
            "digest": row.digest,
            "custodian": row.custodian,
            "account": row.account,
            "registry": row.registry_digest,
            "as_of": format_time(row.as_of),
        }

    def _round(self, event: Row[Any], data: dict[str, Any]) -> bool:
        row = self._rounds[event.id]
        said = {"policy": row.policy, "digest": row.digest, "time": format_time(row.time)}
        return data == said

    def _opened(self, event: Row[Any], data: dict[str, Any]) -> bool:
        row = self._audits[data["id"]]
        said = {"id": row.id, "policy": row.policy, "claim": row.claim}
        return bool(
            event.id == row.event
            and event.time == row.opened
            and event.tenants == _sides(row)
            and data == said
        )

    def _closed(self, event: Row[Any], data: dict[str, Any]) -> bool:
        row = self._audits[data["id"]]
        said = {"id": row.id, "reason": row.reason, "attestation": row.attestation}
        # That one has expired is noted later.
        in_time = event.time >= row.closed if row.state == "expired" else event.time == row.closed
        return bool(
            in_time
            and event.type == f"audit.{row.state}"
            and event.tenants == _sides(row)
            and data == {name: value for name, value in said.items() if value is not None}
        )

    def _coverage(self, event: Row[Any], data: dict[str, Any]) -> bool:
        row = self._lost[data["attestation"]]
        ended = row.revoked if data["reason"] == "revoked" else row.expires
        return bool(
            ended <= event.time and (data["policy"], data["claim"]) == (row.policy, row.claim)
        )


def _sides(audit: Row[Any]) -> str:
    return f"|{'|'.join(sorted({audit.tenant, audit.prover}))}|"
