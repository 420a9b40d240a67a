"""Encodings of points that must not be accepted, made with py-ecc."""

from __future__ import annotations

from functools import cache

from py_ecc.bls.point_compression import compress_G1
from py_ecc.fields import optimized_bls12_381_FQ as FQ
from py_ecc.optimized_bls12_381.optimized_curve import add, is_inf, multiply
from py_ecc.typing import Optimized_Point3D

from tests.independent_verifier import Q, R, decode_point

IDENTITY = b"\xc0" + bytes(47)
"""The canonical encoding of the identity."""
TORSION = b"\x80" + bytes(47)
"""(0, 2): on the curve y² = x³ + 4 and of order 3, so outside the subgroup of order r."""


def off_curve() -> bytes:
    """A coordinate for which x³ + 4 has no root."""
    x = next(x for x in range(1, 100) if pow(x**3 + 4, (Q - 1) // 2, Q) == Q - 1)
    return _compressed(x)


def off_subgroup() -> bytes:
    """A point of the curve whose order does not divide r, and not one of small order."""
    for x in range(1, 100):
        y = pow(x**3 + 4, (Q + 1) // 4, Q)
        if (y * y - x**3 - 4) % Q == 0 and not is_inf(multiply((FQ(x), FQ(y), FQ(1)), R)):
            return _compressed(x)
    raise AssertionError


def coordinate_at_least_p(data: bytes) -> bytes:
    """The same point with p added to its coordinate, where that fits in 381 bits; else p itself."""
    x = int.from_bytes(data, "big") % (1 << 381)
    flags = data[0] >> 5
    raised = x + Q if x + Q < 1 << 381 else Q
    return (flags << 381 | raised).to_bytes(48, "big")


def plus_torsion(data: bytes) -> bytes:
    """The point and the torsion point added up."""
    return plus(data, TORSION)


def with_flags(data: bytes, flags: int) -> bytes:
    """The encoding with its three flag bits set to these."""
    return bytes([flags << 5 | data[0] & 0x1F]) + data[1:]


def _compressed(x: int) -> bytes:
    return (0b100 << 381 | x).to_bytes(48, "big")


COFACTOR_PRIMES = (3, 11, 10177, 859267, 52437899)
"""The curve has r·h points, with h = 3·(11·10177·859267·52437899)²."""


@cache
def of_small_order(prime: int) -> bytes:
    """A point of this order, one of `COFACTOR_PRIMES`."""
    cofactor = 3 * (11 * 10177 * 859267 * 52437899) ** 2
    rest = R * cofactor
    while rest % prime == 0:
        rest //= prime
    for x in range(1, 100):
        y = pow(x**3 + 4, (Q + 1) // 4, Q)
        if (y * y - x**3 - 4) % Q:
            continue
        point = multiply((FQ(x), FQ(y), FQ(1)), rest)
        if not is_inf(point):
            while not is_inf(multiply(point, prime)):
                point = multiply(point, prime)
            return compress_G1(point).to_bytes(48, "big")
    raise AssertionError


def plus(data: bytes, other: bytes) -> bytes:
    """The sum of a point of the subgroup and any point of the curve."""
    return compress_G1(add(decode_point(data), _decompress(other))).to_bytes(48, "big")


def _decompress(data: bytes) -> Optimized_Point3D[FQ]:
    x = int.from_bytes(data, "big") % (1 << 381)
    y = pow(x**3 + 4, (Q + 1) // 4, Q)
    if (2 * y > Q) != bool(data[0] & 0x20):
        y = Q - y
    return FQ(x), FQ(y), FQ(1)
