"""The attestation: claim, evidence and proof in one document that anybody can check."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ..crypto.canonical import parse_json
from ..risk.document import Document
from ..risk.policy import Policy
from ..risk.registry import Registry
from ..risk.values import Several, refusal
from .claim import MAX_SUMMANDS, PublicClaim, document_digest
from .evidence import SignedDocument, SignedRound
from .layout import DIGITS
from .proof import proof_size

MAX_COLUMNS = DIGITS * DIGITS

_HEX = re.compile(r"(?:[0-9a-f]{2})+")


def _hex_proof(text: str) -> str:
    if len(text) > 2 * proof_size(MAX_COLUMNS) or _HEX.fullmatch(text) is None:
        raise refusal("a proof in lowercase hex", "a string of another form")
    return text


class Attestation(Document):
    """A claim about a private portfolio, and everything that is needed to check it.

    `vouchers` holds one envelope per vouched commitment of the claim, in the same order.
    """

    format: Literal["zkcollateral/attestation/1"] = "zkcollateral/attestation/1"
    claim: PublicClaim
    policy: Policy
    registry: Registry
    prices: SignedRound
    vouchers: Annotated[Several[SignedDocument], Field(max_length=2 * MAX_SUMMANDS)]
    proof: Annotated[str, AfterValidator(_hex_proof)]

    @classmethod
    def from_bytes(cls, data: bytes, where: str = "attestation") -> Attestation:
        """The attestation in these bytes.

        Args:
            data: JSON from outside.
            where: file or place, for errors.

        Raises:
            DocumentError: malformed, or a field that is not as the format says.
        """
        return cls.from_json_value(parse_json(data, where), where)

    @property
    def identity(self) -> str:
        """The digest of the claim. A proof can be made anew, so its bytes identify nothing."""
        return document_digest(self.claim)

    @property
    def proof_bytes(self) -> bytes:
        """The proof as bytes; not yet decoded."""
        return bytes.fromhex(self.proof)
