"""Storing what was checked: the decisions of one batch, in one transaction.

What was true when the checks were made may have changed since: audits, trust, time, commitments
and what is stored are looked at again here, where nobody else can write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from ..crypto.canonical import canonical_bytes
from ..risk.clock import format_time
from ..verifier.entries import AttestationEntry
from ..verifier.report import Report
from ..verifier.trust import Trust
from .audits import close, state_of
from .cases import Accepted, Case, Outcome, failing
from .commitments import COUNTS
from .coverage import place
from .problems import Problem, refused
from .reliance import rests_on_retired_key
from .store.tables import (
    AttestationRow,
    AttestedAccount,
    Audit,
    CommitmentRow,
    ReliedKey,
    UtcSeconds,
)
from .store.writer import Writer
from .subjects import AccountName, accounts_of, subject_of

REFUSED = "attestation.refused"
"""The event of a refusal. Old ones are forgotten (`sweeper`): anybody with a key can cause them."""


class Filing:
    """The submissions of one batch, in one transaction.

    Args:
        writer: the transaction.
        trust: what they were checked against, and still the trust now.
        known: ids of those that were accepted before, with the audits that they answered.
    """

    def __init__(self, writer: Writer, trust: Trust, known: dict[str, str | None]) -> None:
        self._writer = writer
        self._session: Session = writer.session
        self._trust = trust
        self._custodians = trust.keys_of("custodian")
        self._known = known
        self._filed: list[tuple[dict[str, Any], list[AccountName]]] = []
        self._keys: list[dict[str, Any]] = []
        self._newest: dict[tuple[str, str, str], datetime] = {}

    def file(self, cases: Sequence[Case]) -> list[Outcome]:
        """Decide about all of them in their order, and store the accepted ones."""
        self._newest = self._newest_commitments(cases)
        outcomes = [self._decide(case) for case in cases]
        sealed = self._writer.seal()
        if sealed is None:
            return outcomes
        for row, _ in self._filed:
            row["checkpoint"] = sealed.size
            row["inclusion"] = self._writer.inclusion(row["log_index"])
        place(self._writer, self._filed)
        self._session.execute(insert(AttestationRow), [row for row, _ in self._filed])
        self._session.execute(
            insert(AttestedAccount),
            [
                {"attestation": row["id"], "position": position, **account._asdict()}
                for row, accounts in self._filed
                for position, account in enumerate(accounts)
            ],
        )
        self._session.execute(insert(ReliedKey), self._keys)
        return outcomes

    def _decide(self, case: Case) -> Outcome:
        if case.is_known(self._known):
            return Accepted(case.id, "known")
        audit, problem = self._audit(case)
        problem = problem or self._problem(case)
        if problem is None:
            self._accept(case, audit)
            return Accepted(case.id, "accepted", case.report)
        self._refuse(case, audit, problem)
        return problem

    def _audit(self, case: Case) -> tuple[Audit | None, Problem | None]:
        """The audit that a case answers, as it is now, and why it cannot be answered by it."""
        if case.audit is None:
            if case.named_audit is None:
                return None, None
            return None, Problem("not-found", "no audit has this id")
        audit = self._session.get_one(Audit, case.audit.id)
        if audit.prover != case.tenant:
            return None, Problem("other-tenant", "the audit asks another tenant")
        state = state_of(audit, self._writer.at)
        if state == "answered":
            return audit, Problem("nonce-replayed", "the audit with this nonce was answered before")
        if state != "open":
            return audit, Problem("audit-closed", f"the audit is {state}")
        return audit, None

    def _problem(self, case: Case) -> Problem | None:
        report = case.report
        if report is None:
            return Problem("internal", "it was not checked")
        if not report.valid:
            return refused(report, self._more_exactly(case, report))
        if case.until is None or case.until <= self._writer.at:
            return refused(failing(report, "expiry", "it expired while it waited"))
        if case.attestation.claim.issued > self._writer.at:
            # Its entry would be dated before it was issued, and no bundle of it would pass.
            return refused(
                failing(report, "expiry", "it was issued later than now: a clock was set")
            )
        if case.id in self._known:
            return Problem("nonce-replayed", "this attestation answered another audit before")
        return self._superseded(case, report)

    def _more_exactly(self, case: Case, report: Report) -> str | None:
        """The problem that a failed check is, where the check alone does not tell."""
        if report.failed[0].name == "nonce":
            nonce = case.attestation.claim.nonce
            used = select(AttestationRow.id).where(AttestationRow.nonce == nonce)
            return None if self._session.scalar(used) is None else "nonce-replayed"
        if rests_on_retired_key(self._session, case.attestation, report, self._trust):
            return "key-retired"
        return None

    def _superseded(self, case: Case, report: Report) -> Problem | None:
        claim = case.attestation.claim
        for summand in claim.summands:
            if summand.voucher is None or summand.as_of is None:
                continue
            custodian = self._custodians[summand.voucher].name
            newest = self._newest.get((custodian, summand.account, claim.registry))
            if newest is not None and newest > summand.as_of:
                return Problem(
                    "commitment-superseded",
                    f"a commitment of {summand.account} as of {format_time(newest)} is known",
                    checks=report.to_json_value()["checks"],
                )
        return None

    def _newest_commitments(self, cases: Sequence[Case]) -> dict[tuple[str, str, str], datetime]:
        """The newest as-of times of the accounts in a batch, by custodian, account and registry."""
        accounts = {
            summand.account for case in cases for summand in case.attestation.claim.summands
        }
        rows = self._session.execute(
            select(
                CommitmentRow.custodian,
                CommitmentRow.account,
                CommitmentRow.registry_digest,
                func.max(CommitmentRow.as_of, type_=UtcSeconds()),
            )
            .where(CommitmentRow.account.in_(accounts), COUNTS)
            .group_by(CommitmentRow.custodian, CommitmentRow.account, CommitmentRow.registry_digest)
        )
        return {
            (custodian, account, registry): as_of for custodian, account, registry, as_of in rows
        }

    def _accept(self, case: Case, audit: Audit | None) -> None:
        writer, claim = self._writer, case.attestation.claim
        digest = hashlib.sha256(case.document).hexdigest()
        entry = AttestationEntry(id=case.id, digest=digest, time=writer.at)
        accounts = accounts_of(claim, self._custodians)
        audit_id = None if audit is None else audit.id
        row = {
            "id": case.id,
            "digest": entry.digest,
            "document": case.document,
            "policy": claim.policy,
            "claim": claim.name,
            "claim_type": claim.type,
            "registry_digest": claim.registry,
            "round": claim.round.digest,
            "audience": claim.audience,
            "nonce": claim.nonce,
            "issued": claim.issued,
            "expires": case.until,
            "accepted": writer.at,
            "tenant": case.tenant,
            "audit": audit_id,
            "subject": subject_of(claim, accounts, case.tenant),
            "log_index": writer.append(entry),
            "entry": canonical_bytes(entry.to_json_value()),
            "superseded_by": None,
            "superseded": None,
        }
        self._known[case.id] = audit_id
        self._filed.append((row, accounts))
        self._keys += [
            {"attestation": case.id, "key_id": key_id, "dated": dated}
            for key_id, dated in sorted(case.relied)
        ]
        self._announce(row, accounts)
        if audit is not None:
            close(writer, audit, "answered", attestation=case.id)

    def _announce(self, row: dict[str, Any], accounts: Sequence[AccountName]) -> None:
        self._writer.emit(
            "attestation.accepted",
            {
                "id": row["id"],
                "policy": row["policy"],
                "claim": row["claim"],
                "accounts": [
                    {"custodian": account.custodian, "account": account.account}
                    for account in accounts
                ],
                "expires": format_time(row["expires"]),
                "log_index": str(row["log_index"]),
            },
        )

    def _refuse(self, case: Case, audit: Audit | None, problem: Problem) -> None:
        tenants = [case.tenant]
        if audit is not None and "checks" in problem.more:
            tenants.append(audit.tenant)
            audit.attempts += 1
            if audit.attempts >= audit.max_attempts:
                reason = f"{problem.name} at the last attempt"
                close(self._writer, audit, "failed", reason=reason)
        self._writer.emit(
            REFUSED,
            {
                "id": case.id,
                "type": problem.to_json_value()["type"],
                "detail": problem.detail,
                "audit": None if audit is None else audit.id,
            },
            tenants,
        )
