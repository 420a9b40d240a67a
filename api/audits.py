"""The life of an audit: open, then answered, failed, expired or withdrawn, and never open again."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import select

from .store.tables import Audit
from .store.writer import Writer

Closed = Literal["answered", "failed", "expired", "withdrawn"]


def state_of(audit: Audit, at: datetime) -> str:
    """The state at a time: an open audit is expired from its deadline on, noted or not."""
    return "expired" if audit.state == "open" and audit.deadline <= at else audit.state


def close(
    writer: Writer,
    audit: Audit,
    state: Closed,
    *,
    reason: str | None = None,
    attestation: str | None = None,
) -> None:
    """End an audit, and tell both sides.

    Args:
        audit: an open one, of the writer's session.
        reason: why it was not answered.
        attestation: the one that answers it.
    """
    audit.state = state
    audit.closed = audit.deadline if state == "expired" else writer.at
    audit.reason = reason
    audit.attestation = attestation
    said = {"id": audit.id, "reason": reason, "attestation": attestation}
    writer.emit(
        f"audit.{state}",
        {name: value for name, value in said.items() if value is not None},
        [audit.tenant, audit.prover],
    )


def expire(writer: Writer, most: int) -> None:
    """Note the end of audits whose deadline has passed, those that were due first.

    Args:
        most: audits of one transaction.
    """
    overdue = (
        select(Audit)
        .where(Audit.state == "open", Audit.deadline <= writer.at)
        .order_by(Audit.deadline)
        .limit(most)
    )
    for audit in writer.session.scalars(overdue).all():
        close(writer, audit, "expired")
