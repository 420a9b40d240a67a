"""Ed25519 signatures (RFC 8032) of custodians, oracles and logs.

The arithmetic is that of the `cryptography` package. A key is named by its key id, the SHA-256 of
the 32 raw bytes of the public key in hex.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from ..errors import EncodingError, SignatureError
from .randomness import random_bytes

KEY_BYTES = 32
SIGNATURE_BYTES = 64

_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P


@dataclass(frozen=True)
class PublicKey:
    """A public key.

    Args:
        raw: the 32 bytes of RFC 8032.

    Raises:
        EncodingError: not 32 bytes, a coordinate that is not reduced, or a point of small order,
            for which anybody can make signatures.
    """

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != KEY_BYTES:
            raise EncodingError("public key", f"{KEY_BYTES} bytes", f"{len(self.raw)} bytes")
        y = int.from_bytes(self.raw, "little") & ((1 << 255) - 1)
        if y >= _P:
            raise EncodingError("public key", "a coordinate below 2^255 - 19", "a larger one")
        # Order 1 and 2 have y = ±1 and order 4 has y = 0. Order 8 doubles to y = 0, where x² = −y²,
        # so that the curve −x² + y² = 1 + d·x²·y² becomes d·y⁴ + 2y² − 1 = 0.
        if y * (y * y - 1) * (_D * y**4 + 2 * y * y - 1) % _P == 0:
            raise EncodingError("public key", "a point of large order", "a point of small order")

    @cached_property
    def key_id(self) -> str:
        """SHA-256 of the raw bytes, 64 lowercase hex digits."""
        return hashlib.sha256(self.raw).hexdigest()

    def verify(self, signature: bytes, message: bytes) -> None:
        """SignatureError unless `signature` is this key's signature of `message`."""
        if len(signature) != SIGNATURE_BYTES:
            raise SignatureError(
                f"expected a signature of {SIGNATURE_BYTES} bytes, got {len(signature)} bytes"
            )
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            raise SignatureError(
                f"expected a signature of key {self.key_id}, got one that does not verify"
            ) from None

    def __repr__(self) -> str:
        return f"PublicKey({self.key_id})"


class SigningKey:
    """A secret key. Its repr shows the key id only."""

    __slots__ = ("_key", "public")

    def __init__(self, secret: bytes) -> None:
        """The key of a 32-byte secret (RFC 8032, 5.1.5); EncodingError for another length."""
        if len(secret) != KEY_BYTES:
            raise EncodingError("secret key", f"{KEY_BYTES} bytes", f"{len(secret)} bytes")
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        self.public = PublicKey(self._key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> Self:
        """A new key from the operating system's randomness."""
        return cls(random_bytes(KEY_BYTES))

    @property
    def key_id(self) -> str:
        """The key id of the public key."""
        return self.public.key_id

    def secret_bytes(self) -> bytes:
        """The 32-byte secret, for its file and nothing else."""
        return self._key.private_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature of a message."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        return f"SigningKey({self.key_id}, secret hidden)"
