"""An attestation with the proof that it stands in a service's log: one offline file."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NoReturn

from pydantic import AfterValidator, Field

from ..circuits.attestation import Attestation
from ..circuits.claim import document_digest
from ..crypto.canonical import canonical_bytes, parse_json
from ..crypto.checkpoint import MAX_NOTE_BYTES, OpenedCheckpoint, VerifierKey, open_checkpoint
from ..crypto.merkle import HASH_BYTES, MAX_SIZE, leaf_hash, verify_inclusion
from ..crypto.srs import Srs
from ..errors import LogError, ZkCollateralError
from ..risk.document import Document, Part
from ..risk.values import Integer, Several, refusal
from .attestation import verify_attestation
from .entries import AttestationEntry
from .examination import Expectation
from .report import Report
from .trust import Trust


def _hash(text: str) -> str:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != HASH_BYTES or base64.b64encode(raw).decode() != text:
        raise refusal("a hash of 32 bytes in base64")
    return text


class Inclusion(Part):
    """Where an entry stands in a log, and the proof of it.

    `checkpoint` is a signed note, `proof` leads from the entry to its root.
    """

    index: Annotated[int, Integer(0, MAX_SIZE)]
    entry: AttestationEntry
    proof: Annotated[Several[Annotated[str, AfterValidator(_hash)]], Field(max_length=63)]
    checkpoint: Annotated[str, Field(max_length=MAX_NOTE_BYTES)]


class Bundle(Document):
    """An accepted attestation with its place in the log."""

    format: Literal["zkcollateral/bundle/1"] = "zkcollateral/bundle/1"
    attestation: Attestation
    log: Inclusion

    @classmethod
    def from_bytes(cls, data: bytes, where: str = "bundle") -> Bundle:
        """The bundle in these bytes; DocumentError if it is none."""
        return cls.from_json_value(parse_json(data, where), where)


@dataclass(frozen=True)
class BundleReport:
    """What the check of a bundle says; it has no truth value, use `valid`.

    Args:
        report: that of the attestation.
        logged: whether the entry is in the log, under a checkpoint that the log's key signed.
        reason: one line for people about `logged`.
    """

    report: Report
    logged: bool
    reason: str

    @property
    def valid(self) -> bool:
        """Whether every check of the attestation passed and it is in the log."""
        return self.report.valid and self.logged

    def __bool__(self) -> NoReturn:
        raise TypeError("a report has no truth value: use report.valid")

    def to_json_value(self) -> dict[str, Any]:
        """The attestation's report, with `log` beside its checks."""
        return {
            **self.report.to_json_value(),
            "valid": self.valid,
            "log": {"passed": self.logged, "reason": self.reason},
        }


def verify_bundle(bundle: Bundle, trust: Trust, srs: Srs, expectation: Expectation) -> BundleReport:
    """Check an attestation and its place in the log, offline.

    Args:
        bundle: as read; nothing in it is believed.
        trust: the verifier's own roots, with the key of the log, whose name is its origin.
        srs: the structured reference string.
        expectation: time, audience and nonce.
    """
    return logged_report(
        bundle, verify_attestation(bundle.attestation, trust, srs, expectation), trust
    )


def logged_report(bundle: Bundle, report: Report, trust: Trust) -> BundleReport:
    """The report of a bundle, given that of its attestation."""
    try:
        opened = check_inclusion(bundle, trust)
    except ZkCollateralError as error:
        return BundleReport(report, False, str(error))
    at = opened.checkpoint
    return BundleReport(
        report, True, f"entry {bundle.log.index} of {at.size} in the log {at.origin}"
    )


def check_inclusion(bundle: Bundle, trust: Trust) -> OpenedCheckpoint:
    """The checkpoint that covers a bundle's attestation.

    Raises:
        LogError: it does not, or the entry is about another attestation or dated before its issue.
        SignatureError: no trusted log signed it.
        EncodingError: it is no checkpoint.
    """
    entry, attestation = bundle.log.entry, bundle.attestation
    if entry.id != attestation.identity or entry.digest != document_digest(attestation):
        raise LogError("log: the entry is about another attestation")
    # Or a key whose window has ended could log, dated back, what was issued since.
    if entry.time < attestation.claim.issued:
        raise LogError("log: the entry is dated before the attestation was issued")
    # Its own time is what a key's window is held against, as with everything that is signed.
    keys = [
        VerifierKey(key.name, key.key)
        for key in trust.keys_of("log").values()
        if key.covers(entry.time)
    ]
    opened = open_checkpoint(bundle.log.checkpoint.encode(), keys)
    verify_inclusion(
        leaf_hash(canonical_bytes(entry.to_json_value())),
        bundle.log.index,
        opened.checkpoint.size,
        [base64.b64decode(each) for each in bundle.log.proof],
        opened.checkpoint.root,
    )
    return opened
