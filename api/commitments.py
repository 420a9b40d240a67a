"""Vouched commitments: which one of an account is the newest whose signature counts."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Select, exists, select, update
from sqlalchemy.orm import Session

from ..circuits.evidence import Vouch
from ..risk.clock import format_time
from .evidence import Evidence, require_counting
from .problems import Problem
from .store.tables import CommitmentRow, TrustedKeyRow
from .store.writer import Writer

COUNTS: Final = exists().where(
    TrustedKeyRow.key_id == CommitmentRow.key_id, TrustedKeyRow.valid_until >= CommitmentRow.as_of
)
"""Of a stored commitment: whether the key that signed it was not retired from before it on."""


def file_vouch(writer: Writer, evidence: Evidence[Vouch]) -> tuple[CommitmentRow, bool]:
    """Store a signed vouch; its row, and whether it is new.

    A later `as_of` supersedes the earlier ones of the same custodian, account and registry. One
    that arrives late is superseded from the start.

    Raises:
        Problem: its key does not count, or another one of the same time is stored.
    """
    session, vouch = writer.session, evidence.document
    row = session.get(CommitmentRow, (evidence.digest, evidence.signer))
    if row is not None:
        if row.as_of > session.get_one(TrustedKeyRow, row.key_id).valid_until:
            raise Problem("key-retired", "the key that signed it first was retired: vouch anew")
        return row, False
    require_counting(writer, evidence.key_id, vouch.as_of)
    counting = _of(evidence.signer, vouch.account, vouch.registry).where(COUNTS)
    if session.scalar(counting.where(CommitmentRow.as_of == vouch.as_of)) is not None:
        raise Problem(
            "exists-differently",
            f"{evidence.signer} vouches for another commitment of {vouch.account} "
            f"as of {format_time(vouch.as_of)}",
        )
    said = {
        "digest": evidence.digest,
        "custodian": evidence.signer,
        "account": vouch.account,
        "registry": vouch.registry,
        "as_of": format_time(vouch.as_of),
    }
    row = CommitmentRow(
        digest=evidence.digest,
        custodian=evidence.signer,
        key_id=evidence.key_id,
        account=vouch.account,
        registry_digest=vouch.registry,
        commitment=vouch.commitment,
        as_of=vouch.as_of,
        envelope=evidence.envelope,
        received=writer.at,
        superseded_by=None,
        event=writer.emit("commitment.new", said),
    )
    row.superseded_by = _successor(session, row)
    session.execute(
        update(CommitmentRow)
        .where(
            CommitmentRow.custodian == row.custodian,
            CommitmentRow.account == row.account,
            CommitmentRow.registry_digest == row.registry_digest,
            CommitmentRow.as_of < row.as_of,
            CommitmentRow.superseded_by.is_(None),
        )
        .values(superseded_by=row.digest)
    )
    session.add(row)
    session.flush()
    return row, True


def reinstate(writer: Writer, key: TrustedKeyRow) -> None:
    """Let what a key signed after its end supersede nothing.

    Args:
        key: one that was retired in this transaction.
    """
    session = writer.session
    session.flush()
    void = select(CommitmentRow.digest).where(
        CommitmentRow.key_id == key.key_id, CommitmentRow.as_of > key.valid_until
    )
    superseded = select(CommitmentRow).where(
        CommitmentRow.custodian == key.name, CommitmentRow.superseded_by.in_(void)
    )
    for row in session.scalars(superseded).all():
        row.superseded_by = _successor(session, row)


def _successor(session: Session, row: CommitmentRow) -> str | None:
    """The newest commitment that supersedes one, if there is any."""
    newest = session.scalar(
        _of(row.custodian, row.account, row.registry_digest)
        .where(CommitmentRow.as_of > row.as_of, COUNTS)
        .order_by(CommitmentRow.as_of.desc())
        .limit(1)
    )
    return None if newest is None else newest.digest


def _of(custodian: str, account: str, registry: str) -> Select[CommitmentRow]:
    return select(CommitmentRow).where(
        CommitmentRow.custodian == custodian,
        CommitmentRow.account == account,
        CommitmentRow.registry_digest == registry,
    )
