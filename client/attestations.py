"""Attestations at the service: submitted, looked up, downloaded as bundles, revoked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..circuits.attestation import Attestation
from ..circuits.claim import document_digest
from ..verifier.bundle import Bundle
from .address import segment
from .documents import read_document
from .paging import every
from .results import Accepted, Status, Submitted, read_result

if TYPE_CHECKING:
    from .transport import Answer, Transport

ATTESTATIONS = "/v1/attestations"


def submit_to(transport: Transport, path: str, attestation: Attestation) -> Submitted:
    """Submit an attestation to an address that takes one, and check that the answer is about it."""
    # The same attestation again is answered with what is stored, so that it can be repeated.
    answer = transport.call("POST", path, body=attestation.to_json_value(), repeatable=True)
    submitted = read_result(Submitted, answer)
    found = submitted.attestation
    if found.id != attestation.identity or (
        submitted.new and found.digest != document_digest(attestation)
    ):
        raise answer.unusable(f"expected the attestation {attestation.identity}, got another one")
    return submitted


class Attestations:
    """Accepted attestations."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def submit(self, attestation: Attestation) -> Submitted:
        """Submit an attestation (scope prover).

        The same one again is answered with what is stored.

        Raises:
            ServiceError: it was refused; `checks` has every check, `type` is that of the first
                that failed.
        """
        return submit_to(self._transport, ATTESTATIONS, attestation)

    def get(self, id_: str) -> Accepted:
        """What the service knows of an attestation, and whether it counts now."""
        return self._about(id_, self._transport.get(f"{ATTESTATIONS}/{segment(id_)}"))

    def bundle(self, id_: str) -> Bundle:
        """The attestation with its place in the log, for checking offline with `verify_bundle`.

        Here it is only checked to be about this attestation.
        """
        answer = self._transport.get(f"{ATTESTATIONS}/{segment(id_)}/bundle")
        bundle = read_document(Bundle, answer)
        if not bundle.attestation.identity == bundle.log.entry.id == id_:
            got = bundle.attestation.identity
            raise answer.unusable(f"expected a bundle of the attestation {id_}, got one of {got}")
        return bundle

    def revoke(self, id_: str, reason: str) -> Accepted:
        """Let an attestation count no more (its prover or an admin).

        Args:
            id_: of the attestation.
            reason: stands in the public log.
        """
        path = f"{ATTESTATIONS}/{segment(id_)}/revoke"
        answer = self._transport.call("POST", path, body={"reason": reason}, repeatable=True)
        return self._about(id_, answer)

    def list(
        self,
        *,
        policy: str | None = None,
        claim: str | None = None,
        account: str | None = None,
        custodian: str | None = None,
        audience: str | None = None,
        status: Status | None = None,
    ) -> Iterator[Accepted]:
        """Accepted attestations, the newest first; each argument leaves only those that have it."""
        query = {
            "policy": policy,
            "claim": claim,
            "account": account,
            "custodian": custodian,
            "audience": audience,
            "status": status,
        }
        return every(self._transport, ATTESTATIONS, Accepted, query)

    @staticmethod
    def _about(id_: str, answer: Answer) -> Accepted:
        found = read_result(Accepted, answer)
        if found.id != id_:
            raise answer.unusable(f"expected the attestation {id_}, got {found.id}")
        return found
