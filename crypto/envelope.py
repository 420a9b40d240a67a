"""Signed documents: DSSE envelopes, version 1.

    {"payloadType": …, "payload": base64, "signatures": [{"keyid": …, "sig": base64}]}

What is signed is PAE(payloadType, payload), so that a signature over one type of document is none
over another. Source: github.com/secure-systems-lab/dsse, protocol.md and envelope.md. Stricter than
these: base64 is the standard alphabet in its canonical form only, every signature must be by a
known key and verify, and the payload is canonical JSON.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from ..errors import DocumentError, SignatureError
from .canonical import JsonValue, canonical_bytes, parse_json
from .fields import take_hex, take_object, take_text
from .signature import PublicKey, SigningKey

PRICE_REPORT_TYPE = "application/vnd.zkcollateral.price-report+json"
VOUCH_TYPE = "application/vnd.zkcollateral.vouch+json"

MAX_PAYLOAD_BYTES = 1024 * 1024
MAX_SIGNATURES = 16


@dataclass(frozen=True)
class EnvelopeSignature:
    """One signature: the key id it claims, and its bytes."""

    keyid: str
    sig: bytes


@dataclass(frozen=True)
class Envelope:
    """An envelope as it came. Nothing in it is believed before `open_envelope`."""

    payload_type: str
    payload: bytes
    signatures: tuple[EnvelopeSignature, ...]

    @classmethod
    def from_json_value(cls, value: JsonValue, where: str) -> Self:
        """The envelope in a parsed JSON value; DocumentError if it is none.

        Args:
            value: as `parse_json` returns it.
            where: file or field, for the error.
        """
        fields = take_object(value, where, ("payloadType", "payload", "signatures"))
        payload_type = take_text(fields["payloadType"], f"{where}: payloadType")
        if not (payload_type.isascii() and payload_type.isprintable() and len(payload_type) <= 128):
            raise DocumentError(f"{where}: payloadType", "a media type", "a string of another form")
        payload = _take_base64(fields["payload"], f"{where}: payload", MAX_PAYLOAD_BYTES)
        listed = fields["signatures"]
        if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_SIGNATURES:
            raise DocumentError(
                f"{where}: signatures", f"a list of 1 to {MAX_SIGNATURES}", "another value"
            )
        signatures = tuple(
            _take_signature(item, f"{where}: signatures[{index}]")
            for index, item in enumerate(listed)
        )
        if len({signature.keyid for signature in signatures}) != len(signatures):
            raise DocumentError(f"{where}: signatures", "every keyid once", "a keyid twice")
        return cls(payload_type, payload, signatures)

    def to_json_value(self) -> dict[str, JsonValue]:
        """The envelope as a JSON value."""
        return {
            "payloadType": self.payload_type,
            "payload": base64.b64encode(self.payload).decode("ascii"),
            "signatures": [
                {"keyid": item.keyid, "sig": base64.b64encode(item.sig).decode("ascii")}
                for item in self.signatures
            ],
        }


@dataclass(frozen=True)
class OpenedEnvelope:
    """What an envelope says, after every signature on it was verified.

    Attributes:
        value: the payload as a JSON value.
        digest: SHA-256 hex of the payload bytes, which is the digest of the document.
        key_ids: the keys that signed.
    """

    value: JsonValue
    digest: str
    key_ids: frozenset[str]


def pae(payload_type: str, payload: bytes) -> bytes:
    """The bytes that are signed: "DSSEv1" SP LEN(type) SP type SP LEN(payload) SP payload."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign(payload_type: str, payload: bytes, key: SigningKey) -> Envelope:
    """An envelope over a canonical document, with one signature.

    Raises:
        DocumentError: the payload is not canonical JSON, or larger than 1 MiB.
    """
    _canonical_value(payload, "payload to sign")
    signature = EnvelopeSignature(key.key_id, key.sign(pae(payload_type, payload)))
    return Envelope(payload_type, payload, (signature,))


def open_envelope(
    envelope: Envelope, payload_type: str, keys: Iterable[PublicKey], where: str = "envelope"
) -> OpenedEnvelope:
    """Verify all signatures of an envelope, then read its payload.

    Args:
        envelope: as it came.
        payload_type: the only type that is accepted here.
        keys: the keys whose word counts for this type of document.
        where: file or field, for errors.

    Raises:
        SignatureError: no signature, one by a key that is not among `keys`, or one that does not
            verify.
        DocumentError: another payload type; a payload that is not canonical JSON.
    """
    if envelope.payload_type != payload_type:
        raise DocumentError(f"{where}: payloadType", repr(payload_type), "another type")
    known = {key.key_id: key for key in keys}
    if not envelope.signatures:
        raise SignatureError(f"{where}: expected at least one signature, got none")
    message = pae(envelope.payload_type, envelope.payload)
    for signature in envelope.signatures:
        key = known.get(signature.keyid)
        if key is None:
            raise SignatureError(
                f"{where}: expected signatures of known keys only, got one of {signature.keyid}"
            )
        key.verify(signature.sig, message)
    value = _canonical_value(envelope.payload, f"{where}: payload")
    return OpenedEnvelope(
        value=value,
        digest=hashlib.sha256(envelope.payload).hexdigest(),
        key_ids=frozenset(signature.keyid for signature in envelope.signatures),
    )


def _canonical_value(payload: bytes, where: str) -> JsonValue:
    value = parse_json(payload, where, max_bytes=MAX_PAYLOAD_BYTES)
    if canonical_bytes(value) != payload:
        raise DocumentError(where, "canonical JSON (RFC 8785)", "another spelling of the document")
    return value


def _take_signature(value: JsonValue, where: str) -> EnvelopeSignature:
    fields = take_object(value, where, ("keyid", "sig"))
    keyid = take_hex(fields["keyid"], f"{where}.keyid", 32).hex()
    return EnvelopeSignature(keyid, _take_base64(fields["sig"], f"{where}.sig", 64))


def _take_base64(value: JsonValue, where: str, max_bytes: int) -> bytes:
    text = take_text(value, where)
    if len(text) > 4 * (max_bytes // 3 + 1):
        raise DocumentError(where, f"at most {max_bytes} bytes in base64", "more")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = None
    # Decoding drops stray bits in front of the padding; encoding again shows them.
    if data is None or base64.b64encode(data).decode("ascii") != text:
        raise DocumentError(where, "canonical base64 with padding", "a string of another form")
    if len(data) > max_bytes:
        raise DocumentError(where, f"at most {max_bytes} bytes in base64", f"{len(data)} bytes")
    return data
