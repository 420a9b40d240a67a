"""What custodians and oracles sign and post: who signed it, and whether that counts now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, TypeAlias, TypeVar

from sqlalchemy import select

from ..circuits.evidence import SignedDocument, payload_digest
from ..crypto.canonical import canonical_bytes
from ..crypto.envelope import Envelope
from ..crypto.signature import PublicKey
from ..errors import DocumentError, SignatureError
from ..risk.clock import format_time
from ..risk.document import Document
from .problems import Problem
from .store.store import Store
from .store.tables import TrustedKeyRow
from .store.writer import Writer

D = TypeVar("D", bound=Document)

Opener: TypeAlias = Callable[[Envelope, Iterable[PublicKey], str], tuple[D, str]]
"""Such as `open_vouch` and `open_report`: the document and the id of the key that signed it."""


@dataclass(frozen=True)
class Evidence(Generic[D]):
    """A document with the signature of a key that is, or was, trusted in the role.

    Args:
        document: as signed.
        digest: SHA-256 of the signed payload.
        key_id: of the key that signed.
        signer: the name of that key's holder.
        envelope: in canonical form.
    """

    document: D
    digest: str
    key_id: str
    signer: str
    envelope: bytes


def open_evidence(
    store: Store, signed: SignedDocument, role: Literal["custodian", "oracle"], opener: Opener[D]
) -> Evidence[D]:
    """Read what was signed, after checking the signature.

    Whether the key's window covers it is to be asked when it is stored (`require_counting`): keys
    can be retired in between, but never become another's.

    Raises:
        Problem: not an envelope of such a document, or not signed by one known key of the role.
    """
    try:
        envelope = signed.envelope("body")
        ids = {signature.keyid for signature in envelope.signatures}
        with store.read() as session:
            rows = session.scalars(
                select(TrustedKeyRow).where(
                    TrustedKeyRow.role == role, TrustedKeyRow.key_id.in_(ids)
                )
            ).all()
            names = {row.key_id: row.name for row in rows}
            keys = [PublicKey(bytes.fromhex(row.public_key)) for row in rows]
        document, key_id = opener(envelope, keys, "body")
    except DocumentError as error:
        raise Problem("document-invalid", str(error)) from None
    except SignatureError as error:
        raise Problem("signature-invalid", str(error)) from None
    return Evidence(
        document=document,
        digest=payload_digest(envelope),
        key_id=key_id,
        signer=names[key_id],
        envelope=canonical_bytes(envelope.to_json_value()),
    )


def require_counting(writer: Writer, key_id: str, dated: datetime) -> None:
    """Problem unless a new signature of a key counts now.

    Once a retired key's window has ended nothing new is taken that it signed, however it is dated:
    whoever has a key that leaked can date what it signs as they like.

    Args:
        key_id: of a key that is, or was, trusted.
        dated: the time that the signed document gives.
    """
    row = writer.session.get_one(TrustedKeyRow, key_id)
    if row.retired is not None and max(dated, writer.at) > row.valid_until:
        raise Problem("key-retired", f"the key of {row.name} that signed was retired")
    if not row.valid_from <= dated <= row.valid_until:
        raise Problem(
            "signature-invalid",
            f"the key of {row.name} counts from {format_time(row.valid_from)} to "
            f"{format_time(row.valid_until)}, and this is dated {format_time(dated)}",
        )
    if dated > writer.at:
        raise Problem("time-unusable", f"it is dated {format_time(dated)}, which is in the future")
