"""The scalar field F_r of BLS12-381: its constants, and scalars as bytes.

Source: docs/protocol.md section 2.
"""

from __future__ import annotations

from typing import Final

from ..errors import EncodingError

MODULUS: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
"""r, the prime order of the groups G1 and G2."""

SCALAR_SIZE: Final = 32
"""Bytes of an encoded scalar."""

COSET_SHIFT: Final = 7
"""Generator of the multiplicative group of F_r; 7·H_n meets no H_m."""

TWO_ADICITY: Final = 32
"""2^32 is the largest power of two that divides r − 1."""


def is_power_of_two(n: int) -> bool:
    """Whether n is 1, 2, 4, 8, …"""
    return n > 0 and n & (n - 1) == 0


def root_of_unity(n: int) -> int:
    """ω_n = 7^((r − 1)/n), a primitive n-th root of unity.

    Args:
        n: a power of two from 1 to 2^32.

    Raises:
        ValueError: n is none of these.
    """
    if not is_power_of_two(n) or n > 1 << TWO_ADICITY:
        raise ValueError(f"expected a power of two from 1 to 2^{TWO_ADICITY}, got {n}")
    return pow(COSET_SHIFT, (MODULUS - 1) // n, MODULUS)


def encode_scalar(value: int) -> bytes:
    """32 bytes, big-endian.

    Args:
        value: an integer in [0, r).

    Raises:
        ValueError: the integer is outside that range; the message does not show it, as it may be
            secret.
    """
    if not 0 <= value < MODULUS:
        raise ValueError("expected a scalar in [0, r), got an integer outside it")
    return value.to_bytes(SCALAR_SIZE, "big")


def decode_scalar(data: bytes) -> int:
    """The integer in [0, r) that these 32 big-endian bytes stand for.

    Raises:
        EncodingError: not 32 bytes, or r and above.
    """
    if len(data) != SCALAR_SIZE:
        raise EncodingError("scalar", f"{SCALAR_SIZE} bytes", f"{len(data)} bytes")
    value = int.from_bytes(data, "big")
    if value >= MODULUS:
        raise EncodingError("scalar", "an integer below r", "one that is not")
    return value
