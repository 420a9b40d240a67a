"""What this service trusts: looked up as the verifier wants it, added to, and ended."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..risk.values import MAX_ENTRIES
from ..verifier.entries import TrustEntry
from ..verifier.trust import Trust, TrustedKey
from .commitments import reinstate
from .coverage import revoke
from .problems import Problem
from .store.tables import AttestationRow, PublishedDocument, ReliedKey, State, TrustedKeyRow
from .store.writer import Writer


def trust_of(
    session: Session, audience: str | None, policies: Collection[str]
) -> tuple[Trust, int]:
    """The trust of this service now, and its version.

    Args:
        session: to look it up in.
        audience: the service's own name.
        policies: digests; those of them that are published are accepted.
    """
    version = trust_version(session)
    accepted = session.scalars(
        select(PublishedDocument.digest).where(
            PublishedDocument.kind == "policy", PublishedDocument.digest.in_(set(policies))
        )
    )
    keys = session.scalars(select(TrustedKeyRow).order_by(TrustedKeyRow.log_index))
    trust = Trust(
        audience=audience, policies=tuple(accepted), keys=tuple(trusted_key(row) for row in keys)
    )
    return trust, version


def trust_version(session: Session) -> int:
    """Grows with every change of what is trusted."""
    return session.scalar(select(State.trust_version).where(State.id == 1)) or 0


def trusted_key(row: TrustedKeyRow) -> TrustedKey:
    """The key of a row."""
    return TrustedKey.model_validate(
        {
            "role": row.role,
            "name": row.name,
            "public_key": row.public_key,
            "valid_from": row.valid_from,
            "valid_until": row.valid_until,
        }
    )


def add_key(writer: Writer, key: TrustedKey) -> TrustedKeyRow:
    """Trust a key from now on, and say so in the log.

    Raises:
        Problem: the key is there already, in another role or under another name or window; or more
            keys than a trust file takes.
    """
    session = writer.session
    row = session.get(TrustedKeyRow, key.key.key_id)
    if row is not None:
        if trusted_key(row) != key or row.retired is not None:
            raise Problem("exists-differently", "this key is, or was, trusted with other fields")
        return row
    if (session.scalar(select(func.count()).select_from(TrustedKeyRow)) or 0) >= MAX_ENTRIES:
        raise Problem("state-conflict", f"at most {MAX_ENTRIES} keys can be kept")
    row = TrustedKeyRow(
        key_id=key.key.key_id,
        public_key=key.public_key,
        role=key.role,
        name=key.name,
        valid_from=key.valid_from,
        valid_until=key.valid_until,
        added=writer.at,
        retired=None,
        reason=None,
        log_index=_log(writer, "added", key),
    )
    session.add(row)
    return row


def retire_key(writer: Writer, row: TrustedKeyRow, until: datetime, reason: str) -> None:
    """End a key's window, say so in the log, and revoke what rests on signatures after its end.

    Args:
        until: the last time of which its signatures count; for a key that leaked, when it did.
        reason: stands with the key; the log has the new window only.

    Raises:
        Problem: it was retired before, or `until` lies outside its window.
    """
    if row.retired is not None:
        raise Problem("state-conflict", "the key was retired before")
    if not row.valid_from <= until <= row.valid_until:
        raise Problem("time-unusable", "expected a time within the window of the key")
    row.valid_until, row.retired, row.reason = until, writer.at, reason
    _log(writer, "retired", trusted_key(row))
    reinstate(writer, row)
    resting = writer.session.scalars(
        select(AttestationRow)
        .join(ReliedKey, ReliedKey.attestation == AttestationRow.id)
        .where(
            ReliedKey.key_id == row.key_id,
            ReliedKey.dated > until,
            AttestationRow.revoked.is_(None),
            AttestationRow.expires > writer.at,
        )
        .distinct()
    ).all()
    for attestation in resting:
        revoke(writer, attestation, f"the key of {row.name} was retired")


def _log(writer: Writer, change: Literal["added", "retired"], key: TrustedKey) -> int:
    writer.trust_changed()
    entry = TrustEntry(
        change=change,
        role=key.role,
        name=key.name,
        public_key=key.public_key,
        valid_from=key.valid_from,
        valid_until=key.valid_until,
        time=writer.at,
    )
    writer.emit(f"trust.{change}", {"role": key.role, "name": key.name, "key_id": key.key.key_id})
    return writer.append(entry)
