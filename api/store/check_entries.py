"""What the entries of the log are about, against the tables, and the tables against the log."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from ...circuits.claim import document_digest
from ...crypto.canonical import canonical_bytes, parse_json
from ...crypto.srs import Srs
from ...risk.policy import Policy
from ...risk.registry import Registry
from ...verifier.entries import (
    AttestationEntry,
    LogEntry,
    PublicationEntry,
    RevocationEntry,
    TrustEntry,
)
from ...verifier.trust import TrustedKey
from .check_attestations import AttestationCheck, Covering, Logged
from .findings import Findings, columns_of, count
from .tables import (
    AttestationRow,
    Base,
    PublishedDocument,
    SignedCheckpoint,
    TrustedKeyRow,
)

_FORMATS: Final = {
    kind.model_fields["format"].default: kind
    for kind in (AttestationEntry, RevocationEntry, PublicationEntry, TrustEntry)
}


class EntryCheck:
    """The checks of everything that the log tells.

    Args:
        connection: sees one state of the database.
        checkpoints: what is found of checkpoints.
        srs: verify proofs; None: do not.
    """

    def __init__(self, connection: Connection, checkpoints: Findings, srs: Srs | None) -> None:
        self.trust_changes = 0
        self._connection = connection
        self._checkpoints = checkpoints
        self._publications = Findings("publications")
        self._trust = Findings("trust")
        self._revocations = Findings("revocations")
        self._attestations = AttestationCheck(connection, srs)
        self._found = self._attestations.found
        self._retired = 0
        self._keys: dict[str, TrustedKey] = {}

    @property
    def checks(self) -> list[Findings]:
        """What was found, by name."""
        return [self._publications, self._trust, *self._attestations.checks, self._revocations]

    def batch(self, first: int, data: Sequence[bytes]) -> None:
        """Look at consecutive entries.

        Args:
            first: index of the first of them.
            data: their bytes.
        """
        last = first + len(data)
        coverings = self._coverings(first, len(data))
        published = self._at(PublishedDocument, first, last)
        added = self._at(TrustedKeyRow, first, last)
        attested = self._at(AttestationRow, first, last)
        entries = {
            index: entry
            for index, entry in enumerate(map(_read, data), start=first)
            if entry is not None
        }
        told: dict[type[LogEntry], Callable[[int, Any], None]] = {
            PublicationEntry: lambda index, entry: self._publication(
                index, entry, published.pop(index, None)
            ),
            TrustEntry: lambda index, entry: self._trust_change(
                index, entry, added.pop(index, None)
            ),
            RevocationEntry: self._revocation,
        }
        logged: list[Logged] = []
        for index in range(first, last):
            entry = entries.get(index)
            self._checkpoints.expect(entry is not None, f"entry {index} is none that is known")
            if entry is None:
                continue
            covering = _covering(coverings, index)
            self._checkpoints.expect(
                covering is not None and covering.time == entry.time,
                f"entry {index} has another time than the checkpoint that first covers it",
            )
            if isinstance(entry, AttestationEntry):
                row = attested.pop(index, None)
                self._found.expect(row is not None, f"entry {index}: the attestation is missing")
                if row is not None:
                    logged.append(Logged(index, entry, data[index - first], row, covering))
                continue
            if isinstance(entry, TrustEntry) and logged:
                # What was accepted before is to be seen with the trust of that time.
                self._attestations.batch(logged, self._keys)
                logged = []
            told[type(entry)](index, entry)
        self._attestations.batch(logged, self._keys)
        for found, rest in (
            (self._publications, published),
            (self._trust, added),
            (self._found, attested),
        ):
            for index in rest:
                found.expect(False, f"a row says that it is entry {index}, which is another one")

    def finish(self) -> None:
        """Look for rows that no entry is about."""
        for found, table, counted in (
            (self._publications, PublishedDocument, self._publications.examined),
            (self._trust, TrustedKeyRow, self._trust.examined - self._retired),
            (self._found, AttestationRow, self._found.examined),
        ):
            rows = count(self._connection, table)
            found.expect(rows == counted, f"{rows} rows, {counted} in the log")
        retired = count(self._connection, TrustedKeyRow, TrustedKeyRow.retired.is_not(None))
        self._trust.expect(
            retired == self._retired, f"{retired} keys are retired, {self._retired} in the log"
        )
        revoked = count(self._connection, AttestationRow, AttestationRow.revoked.is_not(None))
        self._revocations.expect(
            revoked == self._revocations.examined,
            f"{revoked} attestations are revoked, {self._revocations.examined} in the log",
        )
        self._attestations.finish()

    def _coverings(self, first: int, entries: int) -> list[Covering]:
        """The checkpoints that first cover these entries."""
        rows = self._connection.execute(
            columns_of(SignedCheckpoint)
            .where(SignedCheckpoint.size > first)
            .order_by(SignedCheckpoint.size)
            .limit(entries)
        )
        return [Covering(row.size, row.time, row.note) for row in rows]

    def _at(self, table: type[Base], first: int, last: int) -> dict[int, Row[Any]]:
        """The rows of a table that say that they are one of these entries."""
        index = table.__table__.columns["log_index"]
        rows = self._connection.execute(columns_of(table).where(index >= first, index < last))
        return {row.log_index: row for row in rows}

    def _publication(self, index: int, entry: PublicationEntry, row: Row[Any] | None) -> None:
        found, where = self._publications, f"entry {index}"
        self.trust_changes += 1
        found.examined += 1
        found.expect(row is not None, f"{where}: the {entry.kind} is missing")
        if row is None:
            return
        found.equal(
            where, row, kind=entry.kind, digest=entry.digest, name=entry.name, published=entry.time
        )
        with found.reading(where):
            kind = Policy if entry.kind == "policy" else Registry
            document = kind.from_json_value(parse_json(row.document, where), where)
            found.equal(where, row, document=canonical_bytes(document.to_json_value()))
            same = document_digest(document) == entry.digest and document.name == entry.name
            found.expect(same, f"{where}: the {entry.kind} is another one")
            if entry.kind == "policy":
                self._attestations.policies_published(entry.digest)

    def _trust_change(self, index: int, entry: TrustEntry, row: Row[Any] | None) -> None:
        found, where = self._trust, f"entry {index}"
        self.trust_changes += 1
        found.examined += 1
        with found.reading(where):
            key = TrustedKey(
                role=entry.role,
                name=entry.name,
                public_key=entry.public_key,
                valid_from=entry.valid_from,
                valid_until=entry.valid_until,
            )
            self._keys[key.key.key_id] = key
            if entry.change == "added":
                found.expect(row is not None, f"{where}: the key is missing")
            else:
                self._retired += 1
                row = self._connection.execute(
                    columns_of(TrustedKeyRow).where(TrustedKeyRow.key_id == key.key.key_id)
                ).first()
                found.expect(row is not None, f"{where}: the retired key is missing")
                if row is not None:
                    found.equal(where, row, valid_until=entry.valid_until, retired=entry.time)
                    found.expect(bool(row.reason), f"{where}: no reason why it was retired")
            if row is None:
                return
            found.equal(
                where,
                row,
                key_id=key.key.key_id,
                role=entry.role,
                name=entry.name,
                public_key=entry.public_key,
                valid_from=entry.valid_from,
            )
            if entry.change == "added":
                found.equal(where, row, added=entry.time)
                if row.retired is None:
                    found.equal(where, row, valid_until=entry.valid_until, reason=None)

    def _revocation(self, index: int, entry: RevocationEntry) -> None:
        found, where = self._revocations, f"entry {index}"
        found.examined += 1
        row = self._connection.execute(
            select(AttestationRow.revoked, AttestationRow.revoked_reason).where(
                AttestationRow.id == entry.id
            )
        ).first()
        found.expect(row is not None, f"{where}: the revoked attestation is missing")
        if row is not None:
            found.equal(where, row, revoked=entry.time, revoked_reason=entry.reason)


def _read(data: bytes) -> LogEntry | None:
    """The entry in these bytes; None if it is none that is known."""
    try:
        value = parse_json(data, "entry")
        kind = _FORMATS[value["format"]] if isinstance(value, dict) else None
        entry: LogEntry | None = kind.from_json_value(value, "entry") if kind else None
    except Exception:  # noqa: BLE001  # a damaged entry can end in any of them
        return None
    return entry if entry and canonical_bytes(entry.to_json_value()) == data else None


def _covering(coverings: Sequence[Covering], index: int) -> Covering | None:
    """The first of them that covers an entry."""
    place = bisect_right([each.size for each in coverings], index)
    return coverings[place] if place < len(coverings) else None
