"""Price rounds and vouched commitments at the service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..circuits.evidence import SignedRound, payload_digest
from ..crypto.canonical import parse_json
from ..crypto.envelope import Envelope
from ..errors import InputError
from .address import segment
from .documents import read_document, require_digest
from .paging import every
from .results import PostedReport, RoundOf, VouchedCommitment, read_result

if TYPE_CHECKING:
    from .transport import Transport

ROUNDS = "/v1/price-rounds"
COMMITMENTS = "/v1/commitments"


class PriceRounds:
    """Signed price reports, and the rounds that they make under a policy's rule.

    Who signed a report is not checked here: whoever relies on a round does that with the keys that
    it trusts itself.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def post(self, report: Envelope) -> PostedReport:
        """Post a signed price report (scope oracle)."""
        answer = self._transport.create(f"{ROUNDS}/reports", report.to_json_value())
        posted = read_result(PostedReport, answer)
        if posted.digest != payload_digest(report):
            raise answer.unusable("it is about another report")
        return posted

    def latest(self, policy: str) -> SignedRound:
        """The newest round of a policy, by the policy's digest."""
        answer = self._transport.get(f"{ROUNDS}/latest", {"policy": policy})
        return read_document(SignedRound, answer)

    def get(self, digest: str, policy: str) -> SignedRound:
        """The round with a digest, which is checked.

        Args:
            digest: of the round.
            policy: the digest of the policy whose round it is.
        """
        answer = self._transport.get(f"{ROUNDS}/{segment(digest)}", {"policy": policy})
        signed = read_document(SignedRound, answer)
        require_digest(answer, signed.round, digest)
        return signed

    def history(self, policy: str) -> Iterator[RoundOf]:
        """All rounds of a policy, the newest first."""
        return every(self._transport, ROUNDS, RoundOf, {"policy": policy})


class Commitments:
    """Commitments that custodians vouched for."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def post(self, vouch: Envelope) -> VouchedCommitment:
        """Post a vouched commitment (scope custodian)."""
        answer = self._transport.create(COMMITMENTS, vouch.to_json_value())
        posted = read_result(VouchedCommitment, answer)
        if posted.digest != payload_digest(vouch):
            raise answer.unusable("it is about another commitment")
        return posted

    def list(
        self,
        *,
        account: str | None = None,
        custodian: str | None = None,
        current: bool | None = None,
    ) -> Iterator[VouchedCommitment]:
        """Commitments, the newest first.

        Args:
            account: only those of this account.
            custodian: only those of this custodian.
            current: only those that no newer one supersedes, or only the others.
        """
        query = {"account": account, "custodian": custodian, "current": current}
        return every(self._transport, COMMITMENTS, VouchedCommitment, query)

    def get(self, digest: str) -> VouchedCommitment:
        """What the service knows of a commitment."""
        answer = self._transport.get(f"{COMMITMENTS}/{segment(digest)}")
        found = read_result(VouchedCommitment, answer)
        if found.digest != digest:
            raise answer.unusable(f"expected the commitment {digest}, got {found.digest}")
        return found

    def envelope(self, digest: str) -> Envelope:
        """The signed envelope of a commitment; the digest is checked, the signature is not."""
        answer = self._transport.get(f"{COMMITMENTS}/{segment(digest)}/envelope")
        try:
            envelope = Envelope.from_json_value(parse_json(answer.content, "answer"), "answer")
        except InputError as error:
            raise answer.unusable(str(error)) from None
        if payload_digest(envelope) != digest:
            raise answer.unusable(f"expected a commitment of digest {digest}, got another one")
        return envelope
