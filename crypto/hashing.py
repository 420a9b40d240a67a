"""Hashing to the scalar field: RFC 9380 sections 5.2 and 5.3.1, with SHA-256.

Source: docs/protocol.md section 6 fixes count 1, L = 48, modulus r.
"""

from __future__ import annotations

import hashlib
from typing import Final

from .field import MODULUS

DIGEST_SIZE: Final = 32
BLOCK_SIZE: Final = 64
FIELD_BYTES: Final = 48
"""L = ⌈(255 + 128) / 8⌉: 128 bits more than r has, so that the bias mod r is negligible."""


def expand_message_xmd(message: bytes, dst: bytes, length: int) -> bytes:
    """`length` uniform bytes from a message (RFC 9380 section 5.3.1, SHA-256).

    Args:
        message: any bytes.
        dst: domain separation tag, 1 to 255 bytes (the RFC's rule for longer ones is left out: this
            protocol has none).
        length: 0 to 255·32 bytes.

    Raises:
        ValueError: `dst` or `length` is out of range.
    """
    if not 1 <= len(dst) <= 255:
        raise ValueError(f"expected a tag of 1 to 255 bytes, got {len(dst)}")
    blocks = -(-length // DIGEST_SIZE)
    if length < 0 or blocks > 255:
        raise ValueError(f"expected a length of 0 to {255 * DIGEST_SIZE}, got {length}")
    tag = dst + bytes([len(dst)])
    seed = _sha256(bytes(BLOCK_SIZE) + message + length.to_bytes(2, "big") + b"\x00" + tag)
    previous = bytes(DIGEST_SIZE)
    output = b""
    for index in range(1, blocks + 1):
        mixed = bytes(a ^ b for a, b in zip(seed, previous, strict=True))
        previous = _sha256(mixed + bytes([index]) + tag)
        output += previous
    return output[:length]


def hash_to_field(message: bytes, dst: bytes) -> int:
    """A scalar in [0, r) from a message (RFC 9380 section 5.2, count 1, m = 1, L = 48).

    Raises:
        ValueError: `dst` is empty or longer than 255 bytes.
    """
    return int.from_bytes(expand_message_xmd(message, dst, FIELD_BYTES), "big") % MODULUS


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
