"""Which attestation of every subject counts: what acceptance and revocation in this order make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection, Row
from sqlalchemy.orm import InstrumentedAttribute

from ...risk.clock import now
from ..subjects import AccountName, covered_by
from .findings import ROWS_AT_ONCE, Findings, Progress, batches, columns_of, count
from .tables import AttestationRow, AttestedAccount, Subject, SubjectAccount

_COLUMNS: Final[tuple[InstrumentedAttribute[Any], ...]] = (
    AttestationRow.id,
    AttestationRow.subject,
    AttestationRow.log_index,
    AttestationRow.policy,
    AttestationRow.claim,
    AttestationRow.audience,
    AttestationRow.issued,
    AttestationRow.expires,
    AttestationRow.accepted,
    AttestationRow.superseded_by,
    AttestationRow.superseded,
    AttestationRow.revoked,
)
_ORDERED: Final = (
    columns_of(AttestationRow)
    .with_only_columns(*_COLUMNS)
    .order_by(AttestationRow.subject, AttestationRow.log_index)
)


@dataclass
class _Totals:
    subjects: int = 0
    accounts: int = 0


def check_coverage(connection: Connection, found: Findings, progress: Progress) -> None:
    """Check supersession, subjects and the accounts that they cover."""
    newest: list[Row[Any]] = []
    totals = _Totals()
    rows = (row for batch in batches(connection, _ORDERED) for row in batch)
    for _, group in groupby(rows, key=lambda row: row.subject):
        newest.append(_newest(found, group, progress))
        if len(newest) == ROWS_AT_ONCE:
            _check_subjects(connection, found, newest, totals)
            newest = []
    _check_subjects(connection, found, newest, totals)
    for table, counted in ((Subject, totals.subjects), (SubjectAccount, totals.accounts)):
        stored = count(connection, table)
        found.expect(
            stored == counted,
            f"{table.__tablename__}: {stored} rows, {counted} of subjects with attestations",
        )


def _newest(found: Findings, rows: Any, progress: Progress) -> Row[Any]:
    """The attestation that was issued last, after the supersession of the others was checked."""
    newest: Row[Any] | None = None
    for row in rows:
        progress.more(1)
        found.examined += 1
        if newest is None or row.issued >= newest.issued:
            if newest is not None:
                _superseded(found, newest, row.id, row.accepted)
            newest = row
        else:
            _superseded(found, row, newest.id, row.accepted)
    if newest is None:
        raise ValueError("a group without rows")
    _superseded(found, newest, None, None)
    return newest


def _superseded(found: Findings, row: Row[Any], by: str | None, at: Any) -> None:
    found.equal(f"entry {row.log_index}", row, superseded_by=by, superseded=at)


def _check_subjects(
    connection: Connection, found: Findings, newest: Sequence[Row[Any]], totals: _Totals
) -> None:
    ids = [row.subject for row in newest]
    subjects = {
        row.id: row for row in connection.execute(columns_of(Subject).where(Subject.id.in_(ids)))
    }
    covered: dict[str, set[tuple[str, str]]] = {}
    for row in connection.execute(
        columns_of(SubjectAccount).where(SubjectAccount.subject.in_(ids))
    ):
        covered.setdefault(row.subject, set()).add((row.custodian, row.account))
        totals.accounts += 1
    accounts: dict[str, list[AccountName]] = {}
    query = columns_of(AttestedAccount).where(
        AttestedAccount.attestation.in_([row.id for row in newest])
    )
    for row in connection.execute(query.order_by(AttestedAccount.position)):
        named = AccountName(row.side, row.custodian, row.account)
        accounts.setdefault(row.attestation, []).append(named)
    for row in newest:
        subject = subjects.get(row.subject)
        found.expect(subject is not None, f"entry {row.log_index}: its subject is missing")
        if subject is None:
            continue
        totals.subjects += 1
        _check_subject(found, subject, row)
        found.expect(
            covered.get(subject.id, set()) == set(covered_by(accounts.get(row.id, []))),
            f"subject of entry {row.log_index}: covers other accounts",
        )


def _check_subject(found: Findings, subject: Row[Any], newest: Row[Any]) -> None:
    where = f"subject of entry {newest.log_index}"
    found.equal(
        where,
        subject,
        policy=newest.policy,
        claim=newest.claim,
        audience=newest.audience,
        newest=newest.id,
        issued=newest.issued,
    )
    if subject.current is not None:
        found.equal(where, subject, current=newest.id, expires=newest.expires)
        found.expect(newest.revoked is None, f"{where}: counts, and was revoked")
    else:
        found.equal(where, subject, expires=None)
        # Whether it is noted that one has expired is a question of a second; not the reverse.
        found.expect(
            newest.revoked is not None or newest.expires <= now(),
            f"{where}: does not count, and was neither revoked nor expired",
        )
