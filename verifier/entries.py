"""What the leaves of a service's transparency log say: digests and public keys, nothing else."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..crypto.keyfile import Role
from ..risk.document import Document
from ..risk.values import HexDigest, Name, Text, Time


class AttestationEntry(Document):
    """An attestation was accepted. `id` is the digest of its claim, `digest` that of all of it."""

    format: Literal["zkcollateral/log-attestation/1"] = "zkcollateral/log-attestation/1"
    id: HexDigest
    digest: HexDigest
    time: Time


class RevocationEntry(Document):
    """An accepted attestation counts no more."""

    format: Literal["zkcollateral/log-revocation/1"] = "zkcollateral/log-revocation/1"
    id: HexDigest
    reason: Text
    time: Time


class PublicationEntry(Document):
    """A policy or a registry was published."""

    format: Literal["zkcollateral/log-publication/1"] = "zkcollateral/log-publication/1"
    kind: Literal["policy", "registry"]
    digest: HexDigest
    name: Name
    time: Time


class TrustEntry(Document):
    """A key is trusted from now on, or its window was ended (`retired`)."""

    format: Literal["zkcollateral/log-trust/1"] = "zkcollateral/log-trust/1"
    change: Literal["added", "retired"]
    role: Role
    name: Name
    public_key: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    valid_from: Time
    valid_until: Time
    time: Time


LogEntry = AttestationEntry | RevocationEntry | PublicationEntry | TrustEntry
