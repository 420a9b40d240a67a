"""Audits at the service: an auditor asks, a prover answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from ..circuits.attestation import Attestation
from ..risk.clock import format_time
from .address import segment
from .attestations import submit_to
from .paging import every
from .results import Audit, AuditState, Submitted, read_result

if TYPE_CHECKING:
    from ..crypto.canonical import JsonValue
    from .transport import Answer, Transport

AUDITS = "/v1/audits"


class Audits:
    """Requests for a proof, each with its own nonce."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def open(
        self,
        *,
        prover: str,
        policy: str,
        claim: str,
        deadline: datetime,
        audience: str | None = None,
        max_attempts: int | None = None,
    ) -> Audit:
        """Ask a prover for an attestation (scope auditor).

        Args:
            prover: the tenant that is asked.
            policy: digest of a published policy.
            claim: the name of one of its claims.
            deadline: UTC; an answer has to come before.
            audience: whom the answer has to be addressed to; by default the service decides.
            max_attempts: refused answers that are taken before the audit fails.
        """
        body: dict[str, JsonValue] = {
            "prover": prover,
            "policy": policy,
            "claim": claim,
            "deadline": format_time(deadline),
        }
        if audience is not None:
            body["audience"] = audience
        if max_attempts is not None:
            body["max_attempts"] = str(max_attempts)
        answer = self._transport.create(AUDITS, body)
        audit = read_result(Audit, answer)
        if (audit.prover, audit.policy, audit.claim) != (prover, policy, claim):
            raise answer.unusable("it is another audit than the one that was asked for")
        return audit

    def list(self, *, state: AuditState | None = None) -> Iterator[Audit]:
        """The audits that one's own tenant opened or is asked by, the newest first."""
        return every(self._transport, AUDITS, Audit, {"state": state})

    def get(self, id_: str) -> Audit:
        """An audit, as one of its two sides sees it."""
        return self._about(id_, self._transport.get(f"{AUDITS}/{segment(id_)}"))

    def answer(self, id_: str, attestation: Attestation) -> Submitted:
        """Answer an audit with an attestation (scope prover); errors as for a submission."""
        return submit_to(self._transport, f"{AUDITS}/{segment(id_)}/answer", attestation)

    def decline(self, id_: str, reason: str) -> Audit:
        """Say that there will be no answer, and why (scope prover)."""
        return self._end(id_, "decline", {"reason": reason})

    def withdraw(self, id_: str) -> Audit:
        """Take the request back (scope auditor)."""
        return self._end(id_, "withdraw", None)

    def _end(self, id_: str, what: str, body: JsonValue) -> Audit:
        path = f"{AUDITS}/{segment(id_)}/{what}"
        return self._about(id_, self._transport.call("POST", path, body=body))

    @staticmethod
    def _about(id_: str, answer: Answer) -> Audit:
        audit = read_result(Audit, answer)
        if audit.id != id_:
            raise answer.unusable(f"expected the audit {id_}, got {audit.id}")
        return audit
