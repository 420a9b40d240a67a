"""Errors as RFC 9457 problem details: one stable type per cause.

The types are documented in docs/api.md; a test holds both lists against each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..verifier.report import CheckName, Report

PREFIX: Final = "urn:zkcollateral:problem:"
MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """A cause: its HTTP status and its title."""

    status: int
    title: str


KINDS: Final[Mapping[str, Kind]] = {
    # what arrives cannot be read
    "http-malformed": Kind(400, "This is not HTTP as it is read here"),
    "head-too-large": Kind(431, "The head of the request is larger than what is read"),
    "body-too-large": Kind(413, "The body is larger than what is read"),
    "body-too-slow": Kind(408, "The body did not arrive in time"),
    "json-malformed": Kind(400, "The body is not the JSON that is read here"),
    "json-too-deep": Kind(400, "The body nests too deeply"),
    "media-type": Kind(415, "The body is not application/json"),
    "document-invalid": Kind(422, "The document is not as its format says"),
    "parameter-invalid": Kind(422, "A parameter is not as documented"),
    "not-found": Kind(404, "There is nothing here"),
    "method-not-allowed": Kind(405, "This is not done here"),
    # who asks
    "key-missing": Kind(401, "An API key is needed"),
    "key-unknown": Kind(401, "The API key is unknown, revoked or malformed"),
    "token-invalid": Kind(401, "The bearer token is not accepted"),
    "scope-missing": Kind(403, "The API key lacks the scope"),
    "other-tenant": Kind(403, "This belongs to another tenant"),
    "other-name": Kind(403, "The API key belongs to another custodian or oracle"),
    "too-many-requests": Kind(429, "More requests than the quota allows"),
    "busy": Kind(429, "More is waiting than can be taken on"),
    # what is already there
    "idempotency-conflict": Kind(409, "The Idempotency-Key was used for another request"),
    "exists-differently": Kind(409, "Something else is already stored under this name"),
    "audit-closed": Kind(409, "The audit takes no answer any more"),
    "nonce-replayed": Kind(409, "The nonce was answered before"),
    "state-conflict": Kind(409, "Its state does not allow this"),
    "too-many-webhooks": Kind(409, "The tenant has as many webhooks as one may have"),
    # what is signed
    "signature-invalid": Kind(422, "The signature is not of a key that is trusted now"),
    "time-unusable": Kind(422, "A time lies in the future, or outside of what is allowed"),
    "registry-unknown": Kind(422, "The registry is not published here"),
    "policy-unusable": Kind(422, "The policy and its registry do not fit"),
    # a refused attestation: one type per check of the verifier's report
    "attestation-inconsistent": Kind(422, "The parts of the attestation do not belong together"),
    "policy-not-accepted": Kind(422, "The policy is not among those accepted here"),
    "claim-not-asked": Kind(422, "The policy has no such claim, or another one was asked for"),
    "oracle-not-trusted": Kind(422, "The prices are not those of trusted oracles"),
    "price-round-stale": Kind(422, "The price round is too old"),
    "custodian-not-trusted": Kind(422, "The commitment is not vouched for by a trusted custodian"),
    "key-retired": Kind(422, "A key that signed was retired before"),
    "commitment-stale": Kind(422, "A commitment is too old"),
    "commitment-superseded": Kind(422, "A newer commitment of the account is known"),
    "statement-unbuildable": Kind(422, "The claim has no statement"),
    "proof-invalid": Kind(422, "The proof does not prove the claim"),
    "audience-wrong": Kind(422, "The attestation is addressed to somebody else"),
    "nonce-wrong": Kind(422, "The attestation does not answer the nonce"),
    "attestation-expired": Kind(422, "The attestation is expired, or dated wrongly"),
    "webhook-unusable": Kind(422, "Nothing is sent to this address"),
    # the plaintext engine
    "risk-disabled": Kind(404, "The risk engine is not enabled here"),
    "risk-unusable": Kind(422, "The risk engine cannot answer this"),
    # the service
    "answer-too-slow": Kind(503, "The answer took too long"),
    "not-ready": Kind(503, "The service cannot answer now"),
    "internal": Kind(500, "Something went wrong here"),
}

OF_CHECK: Final[Mapping[CheckName, str]] = {
    "format": "attestation-inconsistent",
    "policy": "policy-not-accepted",
    "claim": "claim-not-asked",
    "oracle_quorum": "oracle-not-trusted",
    "price_age": "price-round-stale",
    "custodian_signature": "custodian-not-trusted",
    "commitment_age": "commitment-stale",
    "statement": "statement-unbuildable",
    "proof": "proof-invalid",
    "audience": "audience-wrong",
    "nonce": "nonce-wrong",
    "expiry": "attestation-expired",
}


class Problem(Exception):
    """An answer that is a problem.

    Args:
        name: a key of `KINDS`.
        detail: one sentence about this case; never a secret.
        headers: of the answer.
        more: further members of the problem object.
    """

    def __init__(
        self,
        name: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(name, detail)
        self.name = name
        self.kind = KINDS[name]
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more

    def to_json_value(self) -> dict[str, Any]:
        """The problem object."""
        return {
            "type": PREFIX + self.name,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            **self.more,
        }


def refused(report: Report, name: str | None = None) -> Problem:
    """The problem of an attestation that failed checks: the first of them names the type."""
    first = report.failed[0]
    return Problem(
        name or OF_CHECK[first.name],
        f"{first.name}: {first.reason}",
        checks=report.to_json_value()["checks"],
    )
