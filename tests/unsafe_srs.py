"""A structured reference string whose τ is known to everybody. Proofs over it prove nothing.

Built from py-ecc's generators alone, whichever arithmetic then uses it.
"""

from __future__ import annotations

import functools
import hashlib

from py_ecc.bls.point_compression import compress_G1, compress_G2
from py_ecc.fields import optimized_bls12_381_FQ as FQ
from py_ecc.optimized_bls12_381.optimized_curve import G1, G2, Z1, add, multiply
from py_ecc.typing import Optimized_Point3D

from zkcollateral.crypto.arithmetic import Arithmetic
from zkcollateral.crypto.field import MODULUS, encode_scalar
from zkcollateral.crypto.srs import Srs

_WINDOW = 4


_made: dict[tuple[int, Arithmetic, int], Srs] = {}


def unsafe_srs(tau: int, arithmetic: Arithmetic, size: int = 256) -> Srs:
    """The powers of a known τ.

    Args:
        tau: in [0, r).
        arithmetic: what to compute with.
        size: number of powers [τ^i]₁; 4n of them are enough for domain size n.

    Returns:
        A reference string with the id SHA-256("UNSAFE" ‖ τ); one object for the same arguments.
    """
    key = (tau, arithmetic, size)
    if key not in _made:
        identifier = hashlib.sha256(b"UNSAFE" + encode_scalar(tau)).digest()
        _made[key] = Srs(identifier, arithmetic.setup(*_encodings(tau, size)), arithmetic)
    return _made[key]


@functools.cache
def _encodings(tau: int, size: int) -> tuple[tuple[bytes, ...], tuple[bytes, bytes]]:
    g1 = []
    power = 1
    for _ in range(size):
        g1.append(compress_G1(_multiply_generator(power)).to_bytes(48, "big"))
        power = power * tau % MODULUS
    return tuple(g1), (_encode_g2(1), _encode_g2(tau))


def _encode_g2(scalar: int) -> bytes:
    high, low = compress_G2(multiply(G2, scalar))
    return high.to_bytes(48, "big") + low.to_bytes(48, "big")


def _multiply_generator(scalar: int) -> Optimized_Point3D[FQ]:
    result = Z1
    for row in _generator_table():
        result = add(result, row[scalar % (1 << _WINDOW)])
        scalar >>= _WINDOW
    return result


@functools.cache
def _generator_table() -> list[list[Optimized_Point3D[FQ]]]:
    """table[i][d] = d·2^(w·i)·G1: the generator is multiplied so often that this pays at once."""
    table = []
    base = G1
    for _ in range(0, MODULUS.bit_length(), _WINDOW):
        row = [Z1]
        for _ in range((1 << _WINDOW) - 1):
            row.append(add(row[-1], base))
        base = add(row[-1], base)
        table.append(row)
    return table
