"""Points of G1 as bytes: what can be said of an encoding before any curve arithmetic.

48 bytes, compressed: three flag bits, then the coordinate x < p, big-endian. The flags are
compressed (always 1), infinity, and sign (1 when y is the larger of the two roots: y > (p − 1)/2).

Source: docs/protocol.md section 2; the format is that of ZCash, also in the IETF draft on
pairing-friendly curves, appendix C.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ..errors import EncodingError

BASE_MODULUS: Final = int(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab",
    16,
)
"""p, the modulus of the field that coordinates of G1 live in."""

POINT_SIZE: Final = 48
"""Bytes of an encoded point of G1."""

G2_POINT_SIZE: Final = 96
"""Bytes of an encoded point of G2."""

IDENTITY_ENCODING: Final = b"\xc0" + bytes(POINT_SIZE - 1)
"""The canonical encoding of the identity."""

_COMPRESSED: Final = 1 << 383
_INFINITY: Final = 1 << 382
_SIGN: Final = 1 << 381


class CompressedPoint(NamedTuple):
    """What an encoding other than the identity's says: x, and which of the two roots y is."""

    x: int
    larger_root: bool


def parse_point(data: bytes) -> CompressedPoint:
    """Read a compressed point without asking whether it is on the curve.

    Args:
        data: 48 bytes from outside.

    Returns:
        The coordinate x < p and the sign of y.

    Raises:
        EncodingError: length, flags or coordinate are not canonical, or it is the identity.
    """
    if len(data) != POINT_SIZE:
        raise EncodingError("point", f"{POINT_SIZE} bytes", f"{len(data)} bytes")
    if data == IDENTITY_ENCODING:
        raise EncodingError("point", "a point other than the identity", "the identity")
    word = int.from_bytes(data, "big")
    if not word & _COMPRESSED or word & _INFINITY:
        raise EncodingError("point", "the flags 100 or 101", f"{word >> 381:03b}")
    x = word & (_SIGN - 1)
    if x >= BASE_MODULUS:
        raise EncodingError("point", "a coordinate below p", "one that is not")
    return CompressedPoint(x, bool(word & _SIGN))


def format_point(point: CompressedPoint) -> bytes:
    """The 48 bytes of a point that is not the identity; inverse of `parse_point`."""
    word = _COMPRESSED | (_SIGN if point.larger_root else 0) | point.x
    return word.to_bytes(POINT_SIZE, "big")
