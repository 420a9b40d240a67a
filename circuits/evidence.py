"""Who says so: what custodians and oracles sign, and how it is carried."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field

from ..crypto.canonical import JsonValue, canonical_bytes, parse_json
from ..crypto.envelope import (
    MAX_PAYLOAD_BYTES,
    PRICE_REPORT_TYPE,
    VOUCH_TYPE,
    Envelope,
    OpenedEnvelope,
    open_envelope,
    sign,
)
from ..crypto.signature import PublicKey, SigningKey
from ..errors import SignatureError
from ..risk.document import Document, Part
from ..risk.policy import Policy
from ..risk.prices import MAX_REPORTS, PriceReport, PriceRound, combine_for
from ..risk.values import HexDigest, Name, Several, Time
from .claim import HexPoint, SlotCount


class CommitmentDocument(Document):
    """A portfolio commitment (a, C), with what it is a commitment to. Public."""

    format: Literal["zkcollateral/commitment/1"] = "zkcollateral/commitment/1"
    account: Name
    registry: HexDigest
    slots: SlotCount
    commitment: HexPoint


class Vouch(Document):
    """What a custodian or venue signs: that it knows the opening, and checked it against its books.

    `nonnegative` says that no slot of an unsigned side, and no slot without asset, is below zero.
    """

    format: Literal["zkcollateral/vouch/1"] = "zkcollateral/vouch/1"
    account: Name
    registry: HexDigest
    slots: SlotCount
    commitment: HexPoint
    as_of: Time
    nonnegative: Literal[True] = True


class SignatureField(Part):
    """One signature of a DSSE envelope."""

    keyid: Annotated[str, Field(max_length=64)]
    sig: Annotated[str, Field(max_length=88)]


class SignedDocument(Part):
    """A DSSE envelope inside a document, in the field names of the DSSE specification."""

    payloadType: Annotated[str, Field(max_length=128)]
    payload: Annotated[str, Field(max_length=2 * MAX_PAYLOAD_BYTES)]
    signatures: Annotated[Several[SignatureField], Field(min_length=1, max_length=16)]

    @classmethod
    def of(cls, envelope: Envelope) -> Self:
        """The same envelope as a part of a document."""
        return cls.model_validate(envelope.to_json_value())

    def envelope(self, where: str) -> Envelope:
        """The envelope, strictly read; DocumentError with `where`."""
        return Envelope.from_json_value(
            {
                "payloadType": self.payloadType,
                "payload": self.payload,
                "signatures": [
                    {"keyid": signature.keyid, "sig": signature.sig}
                    for signature in self.signatures
                ],
            },
            where,
        )


class SignedRound(Document):
    """A price round with the signed reports that it is the median of."""

    format: Literal["zkcollateral/signed-round/1"] = "zkcollateral/signed-round/1"
    round: PriceRound
    reports: Annotated[Several[SignedDocument], Field(min_length=1, max_length=MAX_REPORTS)]


def vouch_envelope(vouch: Vouch, key: SigningKey) -> Envelope:
    """The vouch, signed. `prover.vouching` makes one after checking the opening."""
    return sign(VOUCH_TYPE, canonical_bytes(vouch.to_json_value()), key)


def open_vouch(envelope: Envelope, keys: Iterable[PublicKey], where: str) -> tuple[Vouch, str]:
    """The vouch in an envelope, and the id of the key that signed it.

    Raises:
        SignatureError: not signed by exactly one of `keys`.
        DocumentError: another document.
    """
    opened = open_envelope(envelope, VOUCH_TYPE, keys, where)
    return Vouch.from_json_value(opened.value, where), _signer(opened, where)


def report_envelope(report: PriceReport, key: SigningKey) -> Envelope:
    """The price report, signed."""
    return sign(PRICE_REPORT_TYPE, canonical_bytes(report.to_json_value()), key)


def open_report(
    envelope: Envelope, keys: Iterable[PublicKey], where: str
) -> tuple[PriceReport, str]:
    """The price report in an envelope, and the id of the key that signed it.

    Whether that is the key of the oracle that the report names is the caller's question.

    Raises:
        SignatureError: not signed by exactly one of `keys`.
        DocumentError: another document.
    """
    opened = open_envelope(envelope, PRICE_REPORT_TYPE, keys, where)
    return PriceReport.from_json_value(opened.value, where), _signer(opened, where)


def read_unverified(envelope: Envelope, where: str) -> JsonValue:
    """The payload of an envelope whose signature somebody else will check.

    For holders, who pass evidence on: a verifier opens every envelope with the keys it trusts.
    """
    return parse_json(envelope.payload, where, max_bytes=MAX_PAYLOAD_BYTES)


def make_signed_round(envelopes: Sequence[Envelope], policy: Policy) -> SignedRound:
    """The price round that these reports make under the policy's rule, with the reports.

    Signatures are not checked here but by whoever relies on the round.

    Raises:
        PriceRoundError: the reports make no round.
        DocumentError: an envelope that holds no price report.
    """
    reports = {}
    for index, envelope in enumerate(envelopes):
        where = f"report {index}"
        value = read_unverified(envelope, where)
        reports[payload_digest(envelope)] = PriceReport.from_json_value(value, where)
    round_ = combine_for(reports, policy)
    by_digest = {payload_digest(envelope): envelope for envelope in envelopes}
    return SignedRound(
        round=round_,
        reports=tuple(SignedDocument.of(by_digest[digest]) for digest in round_.reports),
    )


def payload_digest(envelope: Envelope) -> str:
    """SHA-256 of what is signed: the identity of a report."""
    return hashlib.sha256(envelope.payload).hexdigest()


def _signer(opened: OpenedEnvelope, where: str) -> str:
    if len(opened.key_ids) != 1:
        raise SignatureError(f"{where}: expected one signature, got {len(opened.key_ids)}")
    return next(iter(opened.key_ids))
