"""The tables.

Times are seconds since 1970, digests 64 hex digits, documents their canonical bytes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

DIGEST = String(64)
NAME = String(64)
TEXT = String(128)


class UtcSeconds(TypeDecorator[datetime]):
    """A UTC time in whole seconds, kept as an integer: the same in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value.timestamp())

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(value, UTC)


class Base(DeclarativeBase):
    """What all tables have in common: names of constraints that migrations can speak of."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcSeconds,
        bytes: LargeBinary,
        int: BigInteger,
    }


class State(Base):
    """One row, id 1: the head of the log. Whoever writes locks it first."""

    __tablename__ = "state"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    tree: Mapped[bytes]
    """The compact form of the Merkle tree (crypto.merkle)."""
    last_event: Mapped[int]
    trust_version: Mapped[int]
    """Grows with every change of what is trusted."""


class LogEntry(Base):
    """A leaf of the log."""

    __tablename__ = "log_entries"

    index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    data: Mapped[bytes]


class LogHash(Base):
    """A hash of the tree that belongs into a tile: of 256^level leaves, from index·256^level on."""

    __tablename__ = "log_hashes"

    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[bytes]


class SignedCheckpoint(Base):
    """Every checkpoint that was signed, by tree size."""

    __tablename__ = "checkpoints"

    size: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    note: Mapped[str] = mapped_column(Text)
    time: Mapped[datetime]


class PublishedDocument(Base):
    """A policy or a registry."""

    __tablename__ = "documents"

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(NAME)
    document: Mapped[bytes]
    published: Mapped[datetime]
    log_index: Mapped[int]

    __table_args__ = (Index(None, "kind", "log_index"),)


class TrustedKeyRow(Base):
    """A key of a custodian, an oracle or the log, and when its signatures count."""

    __tablename__ = "trusted_keys"

    key_id: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    public_key: Mapped[str] = mapped_column(DIGEST, unique=True)
    role: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(NAME)
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime]
    added: Mapped[datetime]
    retired: Mapped[datetime | None]
    """When it was retired; `valid_until` then tells up to which time its signatures count."""
    reason: Mapped[str | None] = mapped_column(TEXT)
    log_index: Mapped[int] = mapped_column(unique=True)


class ReportRow(Base):
    """A signed price report."""

    __tablename__ = "price_reports"

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    oracle: Mapped[str] = mapped_column(NAME)
    quote: Mapped[str] = mapped_column(NAME)
    time: Mapped[datetime]
    key_id: Mapped[str] = mapped_column(ForeignKey("trusted_keys.key_id"))
    envelope: Mapped[bytes]
    received: Mapped[datetime]

    __table_args__ = (Index(None, "oracle", "quote", "time"),)


class RoundRow(Base):
    """A price round under one policy; two policies may make the same round."""

    __tablename__ = "price_rounds"

    policy: Mapped[str] = mapped_column(ForeignKey("documents.digest"), primary_key=True)
    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    time: Mapped[datetime]
    document: Mapped[bytes]
    """The signed round."""
    event: Mapped[int] = mapped_column(unique=True)
    """The event that announced it: the order of rounds."""

    __table_args__ = (Index(None, "digest"), Index(None, "policy", "event"))


class CommitmentRow(Base):
    """A vouched commitment."""

    __tablename__ = "commitments"

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    """SHA-256 of the signed payload."""
    custodian: Mapped[str] = mapped_column(NAME, primary_key=True)
    """What is signed does not name it: several may vouch for the same, each for itself."""
    key_id: Mapped[str] = mapped_column(ForeignKey("trusted_keys.key_id"))
    account: Mapped[str] = mapped_column(NAME)
    registry_digest: Mapped[str] = mapped_column(DIGEST)
    commitment: Mapped[str] = mapped_column(String(96))
    as_of: Mapped[datetime]
    envelope: Mapped[bytes]
    received: Mapped[datetime]
    superseded_by: Mapped[str | None] = mapped_column(DIGEST)
    """A later one of the same account, whose signature counts."""
    event: Mapped[int] = mapped_column(unique=True)
    """The event that announced it: the order of commitments."""

    __table_args__ = (
        Index(None, "custodian", "account", "registry_digest", "as_of"),
        Index(None, "account", "event"),
        Index(None, "custodian", "event"),
        Index(None, "key_id", "as_of"),
        Index(None, "superseded_by"),
    )


class Audit(Base):
    """A question of an auditor to a prover."""

    __tablename__ = "audits"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    tenant: Mapped[str] = mapped_column(NAME)
    """The auditor's."""
    prover: Mapped[str] = mapped_column(NAME)
    """The tenant that is asked."""
    policy: Mapped[str] = mapped_column(ForeignKey("documents.digest"))
    claim: Mapped[str] = mapped_column(NAME)
    audience: Mapped[str] = mapped_column(TEXT)
    nonce: Mapped[str] = mapped_column(TEXT, unique=True)
    opened: Mapped[datetime]
    deadline: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16))
    """open, answered, failed, expired, withdrawn"""
    attempts: Mapped[int]
    max_attempts: Mapped[int]
    closed: Mapped[datetime | None]
    attestation: Mapped[str | None] = mapped_column(DIGEST)
    reason: Mapped[str | None] = mapped_column(TEXT)
    event: Mapped[int] = mapped_column(unique=True)
    """The event that announced it: the order of audits."""

    __table_args__ = (
        Index(None, "tenant", "event"),
        Index(None, "prover", "event"),
        Index(None, "state", "deadline"),
    )


class AttestationRow(Base):
    """An accepted attestation. Its id is the digest of the claim: a proof can be made anew."""

    __tablename__ = "attestations"

    id: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    digest: Mapped[str] = mapped_column(DIGEST)
    document: Mapped[bytes] = mapped_column(deferred=True)
    policy: Mapped[str] = mapped_column(ForeignKey("documents.digest"))
    claim: Mapped[str] = mapped_column(NAME)
    claim_type: Mapped[str] = mapped_column(String(32))
    registry_digest: Mapped[str] = mapped_column(DIGEST)
    round: Mapped[str] = mapped_column(DIGEST)
    audience: Mapped[str | None] = mapped_column(TEXT)
    nonce: Mapped[str | None] = mapped_column(TEXT)
    issued: Mapped[datetime]
    expires: Mapped[datetime]
    """When it stops to count: at its expiry, or when its evidence is too old."""
    accepted: Mapped[datetime]
    tenant: Mapped[str] = mapped_column(NAME)
    audit: Mapped[str | None] = mapped_column(ForeignKey("audits.id"))
    subject: Mapped[str] = mapped_column(DIGEST)
    """Who claims what to whom: a later attestation of the same subject supersedes."""
    log_index: Mapped[int] = mapped_column(unique=True)
    entry: Mapped[bytes] = mapped_column(deferred=True)
    checkpoint: Mapped[int] = mapped_column(ForeignKey("checkpoints.size"))
    """The size of the checkpoint that first covered the entry."""
    inclusion: Mapped[bytes] = mapped_column(deferred=True)
    """The inclusion proof against it, 32 bytes per node."""
    superseded_by: Mapped[str | None] = mapped_column(DIGEST)
    superseded: Mapped[datetime | None]
    revoked: Mapped[datetime | None]
    revoked_reason: Mapped[str | None] = mapped_column(TEXT)

    __table_args__ = (
        Index(None, "subject", "issued"),
        Index(None, "policy", "claim", "log_index"),
        Index(None, "tenant", "log_index"),
        Index("uq_attestations_nonce", "nonce", unique=True),
    )


class AttestedAccount(Base):
    """An account that an attestation is about."""

    __tablename__ = "attestation_accounts"

    attestation: Mapped[str] = mapped_column(ForeignKey("attestations.id"), primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    side: Mapped[int] = mapped_column(SmallInteger)
    """0: whose assets are counted; 1: whose debts are to be covered, in a claim about two."""
    custodian: Mapped[str | None] = mapped_column(NAME)
    account: Mapped[str] = mapped_column(NAME)

    __table_args__ = (Index(None, "account", "custodian"),)


class ReliedKey(Base):
    """A key that an attestation rests on, and the date of what it signed."""

    __tablename__ = "attestation_keys"

    attestation: Mapped[str] = mapped_column(ForeignKey("attestations.id"), primary_key=True)
    key_id: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    dated: Mapped[datetime] = mapped_column(primary_key=True)

    __table_args__ = (Index(None, "key_id", "dated"),)


class Subject(Base):
    """Who claims what to whom, and whether it is covered now."""

    __tablename__ = "subjects"

    id: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    policy: Mapped[str] = mapped_column(DIGEST)
    claim: Mapped[str] = mapped_column(NAME)
    audience: Mapped[str | None] = mapped_column(TEXT)
    newest: Mapped[str] = mapped_column(DIGEST)
    """The attestation that was issued last, whatever became of it."""
    issued: Mapped[datetime]
    """When that one was."""
    current: Mapped[str | None] = mapped_column(DIGEST)
    """The same one while it counts; None once it is expired or revoked."""
    expires: Mapped[datetime | None]
    """Until when it counts, if it does."""

    __table_args__ = (Index(None, "expires"),)


class SubjectAccount(Base):
    """An account that a subject covers; only of subjects that custodians vouch for altogether."""

    __tablename__ = "subject_accounts"

    subject: Mapped[str] = mapped_column(ForeignKey("subjects.id"), primary_key=True)
    custodian: Mapped[str] = mapped_column(NAME, primary_key=True)
    account: Mapped[str] = mapped_column(NAME, primary_key=True)

    __table_args__ = (Index(None, "account", "custodian"),)


class Event(Base):
    """Something that happened. Numbered without gap, in the order of the transactions."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    time: Mapped[datetime]
    type: Mapped[str] = mapped_column(String(32))
    tenants: Mapped[str | None] = mapped_column(String(160))
    """Those who may see it, as "|a|b|"; None: everybody who may read."""
    data: Mapped[str] = mapped_column(Text)
    """JSON."""

    __table_args__ = (Index(None, "type", "id"),)


class Webhook(Base):
    """An address that events are sent to."""

    __tablename__ = "webhooks"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    tenant: Mapped[str] = mapped_column(NAME)
    url: Mapped[str] = mapped_column(String(2048))
    secret: Mapped[str] = mapped_column(String(64))
    """The key of its signatures, which the receiver knows too."""
    types: Mapped[str] = mapped_column(Text)
    """Event types, space-separated."""
    created: Mapped[datetime]
    disabled: Mapped[datetime | None]
    position: Mapped[int]
    """The last event that was queued for it."""

    __table_args__ = (Index(None, "tenant", "created"),)


class Delivery(Base):
    """An event on its way to a webhook."""

    __tablename__ = "deliveries"

    webhook: Mapped[str] = mapped_column(ForeignKey("webhooks.id"), primary_key=True)
    event: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    attempts: Mapped[int]
    due: Mapped[datetime | None]
    """When it is tried next; None: done or given up."""
    delivered: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(TEXT)
    """How the last attempt ended."""

    __table_args__ = (Index(None, "due"),)


class ApiKey(Base):
    """Who may do what. The key itself is shown once and kept nowhere."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    """Counts them: their order."""
    hash: Mapped[str] = mapped_column(DIGEST)
    tenant: Mapped[str] = mapped_column(NAME)
    scopes: Mapped[str] = mapped_column(String(64))
    """Space-separated."""
    name: Mapped[str | None] = mapped_column(NAME)
    """The custodian or oracle that a key with this scope speaks for."""
    created: Mapped[datetime]
    revoked: Mapped[datetime | None]


class IdempotentAnswer(Base):
    """The answer to a request with an Idempotency-Key."""

    __tablename__ = "idempotent_answers"

    tenant: Mapped[str] = mapped_column(NAME, primary_key=True)
    key: Mapped[str] = mapped_column(TEXT, primary_key=True)
    request: Mapped[str] = mapped_column(DIGEST)
    """SHA-256 of method, path and body."""
    status: Mapped[int] = mapped_column(SmallInteger)
    body: Mapped[bytes]
    created: Mapped[datetime]

    __table_args__ = (Index(None, "created"),)
