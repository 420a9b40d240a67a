"""What counts now: the attestation of every subject that was issued last, while it is valid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select, update

from ..verifier.entries import RevocationEntry
from .store.tables import AttestationRow, AttestedAccount, Subject, SubjectAccount
from .store.writer import Writer
from .subjects import AccountName, covered_by


def place(writer: Writer, filed: Sequence[tuple[dict[str, Any], list[AccountName]]]) -> None:
    """Let attestations that are about to be stored take their place among those of their subjects.

    The newest by time of issue counts and supersedes the one before, whatever became of either; one
    that arrives late is superseded from the start. Of two of the same second the one that arrives
    later counts.

    Args:
        filed: rows of attestations, whose supersession is set here, with their accounts.
    """
    session = writer.session
    rows = {row["id"]: row for row, _ in filed}
    wanted = {row["subject"] for row in rows.values()}
    found = session.scalars(select(Subject).where(Subject.id.in_(wanted)))
    subjects = {subject.id: subject for subject in found}
    named: list[dict[str, Any]] = []
    for row, accounts in filed:
        subject = subjects.get(row["subject"])
        if subject is None:
            subject = Subject(id=row["subject"], current=None, expires=None)
            subject.policy, subject.claim = row["policy"], row["claim"]
            subject.audience = row["audience"]
            subjects[subject.id] = subject
            session.add(subject)
            named += [
                {"subject": subject.id, "custodian": custodian, "account": account}
                for custodian, account in covered_by(accounts)
            ]
        elif row["issued"] < subject.issued:
            row.update(superseded_by=subject.newest, superseded=writer.at)
            continue
        else:
            _supersede(writer, rows, subject, row["id"])
        subject.newest, subject.issued = row["id"], row["issued"]
        subject.current, subject.expires = row["id"], row["expires"]
    session.flush()
    if named:
        session.execute(insert(SubjectAccount), named)


def _supersede(
    writer: Writer, rows: dict[str, dict[str, Any]], subject: Subject, successor: str
) -> None:
    if subject.expires is not None and subject.expires <= writer.at:
        # It lapsed before its successor came, and nobody has noted that yet.
        lose(writer, subject, "expired")
    values = {"superseded_by": successor, "superseded": writer.at}
    if subject.newest in rows:
        rows[subject.newest].update(values)
        return
    writer.session.execute(
        update(AttestationRow).where(AttestationRow.id == subject.newest).values(values)
    )


def revoke(writer: Writer, row: AttestationRow, reason: str) -> None:
    """Let an attestation count no more, and say so in the log.

    The one that it superseded does not come back: whoever issued a later one had a reason.
    """
    row.revoked, row.revoked_reason = writer.at, reason
    writer.append(RevocationEntry(id=row.id, reason=reason, time=writer.at))
    writer.emit("attestation.revoked", {"id": row.id, "reason": reason})
    subject = writer.session.get(Subject, row.subject)
    if subject is not None and subject.current == row.id:
        lose(writer, subject, "revoked")


def lose(writer: Writer, subject: Subject, why: str) -> None:
    """Say that a subject is covered no more."""
    accounts = writer.session.scalars(
        select(AttestedAccount)
        .where(AttestedAccount.attestation == subject.current)
        .order_by(AttestedAccount.position)
    )
    writer.emit(
        "coverage.lost",
        {
            "policy": subject.policy,
            "claim": subject.claim,
            "accounts": [
                {"custodian": account.custodian, "account": account.account} for account in accounts
            ],
            "attestation": subject.current,
            "reason": why,
        },
    )
    subject.current = subject.expires = None


def lapse(writer: Writer, most: int) -> None:
    """Mark subjects as lost whose attestation is expired, those that were due first.

    Args:
        most: subjects of one transaction.
    """
    due = select(Subject).where(Subject.expires <= writer.at).order_by(Subject.expires).limit(most)
    for subject in writer.session.scalars(due).all():
        lose(writer, subject, "expired")
