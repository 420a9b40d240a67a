"""`zkcollateral digest`: the identity of a public document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import DocumentError
from .options import AsJson
from .output import emit_result

if TYPE_CHECKING:
    from ..crypto.canonical import JsonValue


def digest(
    document: Annotated[Path, typer.Argument(metavar="DOCUMENT", help="Any public document.")],
    as_json: AsJson = False,
) -> None:
    """Print the digest by which documents name this one."""
    from ..crypto.files import read_json

    kind, value = _identify(read_json(document), document)
    emit_result(as_json, {"document": str(document), "format": kind, "digest": value}, [value])


def _identify(value: JsonValue, path: Path) -> tuple[str, str]:
    """What kind of document this is, and its digest; DocumentError unless it is well-formed."""
    from ..circuits.attestation import Attestation
    from ..circuits.claim import PublicClaim
    from ..circuits.evidence import CommitmentDocument, SignedRound, payload_digest
    from ..crypto import canonical
    from ..crypto.envelope import Envelope
    from ..crypto.keyfile import PUBLIC_KEY_FORMAT, NamedPublicKey
    from ..risk.policy import Policy
    from ..risk.prices import PriceReport, PriceRound
    from ..risk.registry import Registry
    from ..verifier.bundle import Bundle
    from ..verifier.trust import Trust
    from .files import SECRET_FORMATS

    if not isinstance(value, dict):
        raise DocumentError(str(path), "an object", "another kind of value")
    if "payloadType" in value:
        envelope = Envelope.from_json_value(value, str(path))
        return envelope.payload_type, payload_digest(envelope)
    kind = value.get("format")
    if kind in SECRET_FORMATS:
        # The digest of a document with few possible contents tells the content by search.
        raise DocumentError(f"{path}: format", "a public document", f"the secret {kind}")
    if kind == PUBLIC_KEY_FORMAT:
        NamedPublicKey.from_json_value(value, str(path))
        return PUBLIC_KEY_FORMAT, canonical.digest(value)
    kinds = (
        *(Registry, Policy, PriceReport, PriceRound, SignedRound),
        *(CommitmentDocument, PublicClaim, Attestation, Bundle, Trust),
    )
    for model in kinds:
        expected: str = model.model_fields["format"].default
        if kind == expected:
            model.from_json_value(value, str(path))
            return expected, canonical.digest(value)
    known = ", ".join(sorted(model.model_fields["format"].default for model in kinds))
    raise DocumentError(f"{path}: format", f"one of {known}", ascii(kind) if kind else "none")
