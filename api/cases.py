"""Submissions on their way to a decision, and what can come of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, TypeAlias

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..circuits.attestation import Attestation
from ..crypto.canonical import canonical_bytes
from ..crypto.randomness import random_bytes
from ..verifier.attestation import valid_until
from ..verifier.examination import Expectation
from ..verifier.memory import Memory
from ..verifier.report import Check, CheckName, Report
from .problems import Problem
from .reliance import relied_keys
from .store.tables import AttestationRow, Audit


@dataclass(frozen=True)
class Accepted:
    """An attestation that is in the log.

    Args:
        id: of the attestation.
        kind: `accepted` now, or `known` from an earlier submission.
        report: every check; of a known one there was none now.
    """

    id: str
    kind: Literal["accepted", "known"]
    report: Report | None = None


Outcome: TypeAlias = Accepted | Problem


@dataclass
class Case:
    """One submission.

    Args:
        attestation: as read; nothing in it is believed.
        tenant: who submits it.
        named_audit: the audit that it is said to answer; None: the one with its nonce, if any.
        document: its canonical bytes, where they are known.
    """

    attestation: Attestation
    tenant: str
    named_audit: str | None = None
    document: bytes = b""
    id: str = field(init=False)
    audit: Audit | None = field(default=None, init=False)
    report: Report | None = field(default=None, init=False)
    until: datetime | None = field(default=None, init=False)
    """When it stops to count, if it is valid."""
    relied: Collection[tuple[str, datetime]] = field(default=(), init=False)
    """The keys that it rests on, if it is valid."""

    def __post_init__(self) -> None:
        self.id = self.attestation.identity
        self.document = self.document or canonical_bytes(self.attestation.to_json_value())

    def is_known(self, known: Mapping[str, str | None]) -> bool:
        """Whether it was accepted before, and as the answer that it is said to be now.

        Args:
            known: the ids of accepted attestations, with the audits that they answered.
        """
        return self.id in known and self.named_audit in (None, known[self.id])

    def expectation(self, at: datetime) -> Expectation:
        """What it has to satisfy."""
        audit, nonce = self.audit, self.attestation.claim.nonce
        if audit is not None:
            return Expectation(at, audit.audience, audit.nonce, audit.claim)
        # A nonce that no audit has drawn answers nothing: it is held against one that nobody knows.
        return Expectation(at, nonce=None if nonce is None else random_bytes(16).hex())

    def checked(self, report: Report, memory: Memory) -> None:
        """Take in what its verification said."""
        self.report = report
        audit = self.audit
        if audit is not None and self.attestation.claim.policy != audit.policy:
            self.report = failing(report, "policy", "the audit asks about another policy")
        if self.report.valid:
            self.until = valid_until(self.attestation)
            self.relied = relied_keys(self.attestation, memory)


def failing(report: Report, name: CheckName, reason: str) -> Report:
    """The report, with one of its checks failed."""
    return replace(
        report,
        checks=tuple(
            Check(name, False, reason) if check.name == name and check.passed else check
            for check in report.checks
        ),
    )


def known_among(session: Session, cases: Collection[Case]) -> dict[str, str | None]:
    """The ids of those that were accepted before, with the audits that they answered."""
    ids = {case.id for case in cases}
    rows = session.execute(
        select(AttestationRow.id, AttestationRow.audit).where(AttestationRow.id.in_(ids))
    )
    return {row.id: row.audit for row in rows}


def audit_of(session: Session, case: Case) -> Audit | None:
    """The audit that a case is said to answer, or whose nonce it has."""
    if case.named_audit is not None:
        return session.get(Audit, case.named_audit)
    nonce = case.attestation.claim.nonce
    return None if nonce is None else session.scalar(select(Audit).where(Audit.nonce == nonce))
