"""Whom and what a verifier accepts: its own file, never anything from the prover."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ..crypto.keyfile import Role
from ..crypto.signature import PublicKey
from ..errors import EncodingError
from ..risk.document import Document, Part
from ..risk.values import HexDigest, Name, Several, Text, Time, refusal

_HEX_KEY = re.compile(r"[0-9a-f]{64}")


def _public_key(text: str) -> str:
    try:
        PublicKey(bytes.fromhex(text) if _HEX_KEY.fullmatch(text) else b"")
    except EncodingError:
        raise refusal("an Ed25519 public key of 64 lowercase hex digits") from None
    return text


class TrustedKey(Part):
    """A key, whose it is, and from when to when its signatures count (both ends included).

    Several keys may have one name: an oracle that changes its key stays one oracle.
    """

    role: Role
    name: Name
    public_key: Annotated[str, AfterValidator(_public_key)]
    valid_from: Time
    valid_until: Time

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.valid_until < self.valid_from:
            raise refusal("a time not before valid_from", "an earlier one", "valid_until")
        return self

    @cached_property
    def key(self) -> PublicKey:
        """The key itself."""
        return PublicKey(bytes.fromhex(self.public_key))

    def covers(self, time: datetime) -> bool:
        """Whether signatures of that time count."""
        return self.valid_from <= time <= self.valid_until


class Trust(Document):
    """The verifier's own roots: who it is, the policies it accepts, the keys it believes.

    `audience` is the verifier's own name in claims; null accepts claims that are addressed to
    nobody.
    """

    format: Literal["zkcollateral/trust/1"] = "zkcollateral/trust/1"
    audience: Text | None
    policies: Several[HexDigest]
    keys: Annotated[Several[TrustedKey], Field(min_length=1)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        seen = set()
        for index, key in enumerate(self.keys):
            if key.public_key in seen:
                raise refusal("every key once", "a key twice", f"keys[{index}].public_key")
            seen.add(key.public_key)
        return self

    def keys_of(self, role: Role) -> dict[str, TrustedKey]:
        """The keys of one role, by key id."""
        return {key.key.key_id: key for key in self.keys if key.role == role}
