"""Points of G1 and the structured reference string on py-ecc's group operations, for reading first.

py-ecc is trusted with additions, doublings, the pairing, and the decoding of the reference string's
two points of G2. What comes from outside is decoded here, with every check in sight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from py_ecc.bls.point_compression import decompress_G2
from py_ecc.bls.typing import G2Compressed
from py_ecc.fields import optimized_bls12_381_FQ as FQ
from py_ecc.fields import optimized_bls12_381_FQ2 as FQ2
from py_ecc.fields import optimized_bls12_381_FQ12 as FQ12
from py_ecc.optimized_bls12_381.optimized_curve import (
    G1,
    Z1,
    add,
    double,
    is_inf,
    multiply,
    neg,
    normalize,
)
from py_ecc.optimized_bls12_381.optimized_pairing import final_exponentiate, pairing
from py_ecc.typing import Optimized_Point3D

from ..errors import EncodingError
from .arithmetic import FieldVector, Point
from .field import MODULUS
from .points import (
    BASE_MODULUS,
    G2_POINT_SIZE,
    IDENTITY_ENCODING,
    POINT_SIZE,
    CompressedPoint,
    format_point,
    parse_point,
)
from .reference_vector import ReferenceVector

G1Point = Optimized_Point3D[FQ]
"""(X, Y, Z) for the point (X/Z, Y/Z); Z = 0 for the identity."""

G2Point = Optimized_Point3D[FQ2]

CURVE_B: Final = 4
"""G1 lies on y² = x³ + 4."""


class ReferencePoint:
    """A point of G1, kept with Z = 1 (or as py-ecc's identity), so that equal points look equal."""

    __slots__ = ("_triple",)

    def __init__(self, triple: G1Point) -> None:
        if is_inf(triple):
            self._triple = Z1
        else:
            x, y = normalize(triple)
            self._triple = (x, y, FQ(1))

    @property
    def triple(self) -> G1Point:
        """The coordinates in py-ecc's form."""
        return self._triple

    def __bytes__(self) -> bytes:
        if self.is_identity():
            return IDENTITY_ENCODING
        x, y, _ = self._triple
        return format_point(CompressedPoint(x.n, _is_larger_root(y.n)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ReferencePoint):
            return NotImplemented
        return bytes(self) == bytes(other)

    def __hash__(self) -> int:
        return hash(bytes(self))

    def __repr__(self) -> str:
        return f"<ReferencePoint {bytes(self).hex()}>"

    def __add__(self, other: ReferencePoint) -> ReferencePoint:
        if not isinstance(other, ReferencePoint):
            return NotImplemented
        return ReferencePoint(add(self._triple, other._triple))

    def __sub__(self, other: ReferencePoint) -> ReferencePoint:
        if not isinstance(other, ReferencePoint):
            return NotImplemented
        return self + (-other)

    def __neg__(self) -> ReferencePoint:
        return ReferencePoint(neg(self._triple))

    def is_identity(self) -> bool:
        return is_inf(self._triple)


class ReferenceSetup:
    """[τ^i]₁ for i < size, [1]₂ and [τ]₂; see `arithmetic.Setup`.

    Args:
        g1_monomial: trusted encodings of [τ^i]₁, 48 bytes each.
        g2: trusted encodings of [1]₂ and [τ]₂, 96 bytes each.

    Raises:
        EncodingError: an encoding of another size; any other fault of one shows when it is needed.
    """

    def __init__(self, g1_monomial: Sequence[bytes], g2: tuple[bytes, bytes]) -> None:
        self._encodings = tuple(g1_monomial)
        for name, encodings, size in (
            ("[τ^i]₁", self._encodings, POINT_SIZE),
            ("[1]₂, [τ]₂", g2, G2_POINT_SIZE),
        ):
            for data in encodings:
                if len(data) != size:
                    raise EncodingError(name, f"{size} bytes", f"{len(data)} bytes")
        self._g2_encodings = g2
        self._powers: tuple[G1Point, ...] = ()
        self._g2: tuple[G2Point, G2Point] | None = None

    @property
    def size(self) -> int:
        return len(self._encodings)

    def commit(self, coefficients: FieldVector) -> ReferencePoint:
        scalars = coefficients.to_ints()
        return ReferencePoint(combine(self._first_powers(len(scalars)), scalars))

    def commit_digits(self, digits: bytes, blinders: tuple[int, int]) -> ReferencePoint:
        n = len(digits)
        if n not in (32, 64, 128, 256, 512, 1024):
            raise ValueError(f"expected a power of two from 32 to 1024 digits, got {n}")
        if max(digits) > 3:
            raise ValueError("expected digits from 0 to 3, got one above")
        # The polynomial through the digits, plus (β_0 + β_1 X)·(X^n − 1).
        beta_0, beta_1 = blinders
        blinding = ReferenceVector([-beta_0, -beta_1, *[0] * (n - 2), beta_0, beta_1])
        return self.commit(ReferenceVector(digits).intt().resize(n + 2) + blinding)

    def pairing_check(self, left: Point, right: Point) -> bool:
        # e(left, [1]₂) = e(right, [τ]₂) exactly when e(left, [1]₂)·e(−right, [τ]₂) = 1. The final
        # exponentiation is a homomorphism, so that one is enough for both.
        one, tau = self._g2_points()
        product = pairing(one, triple_of(left), final_exponentiate=False) * pairing(
            tau, neg(triple_of(right)), final_exponentiate=False
        )
        return bool(final_exponentiate(product) == FQ12.one())

    def _first_powers(self, count: int) -> Sequence[G1Point]:
        if count > self.size:
            raise ValueError(f"expected at most {self.size} coefficients, got {count}")
        known = self._powers
        if count > len(known):
            # One assignment of a whole tuple: threads may do the work twice, never see half of it.
            known += tuple(decode_on_curve(data) for data in self._encodings[len(known) : count])
            self._powers = known
        return known[:count]

    def _g2_points(self) -> tuple[G2Point, G2Point]:
        if self._g2 is None:
            one, tau = self._g2_encodings
            self._g2 = (_decode_trusted_g2(one), _decode_trusted_g2(tau))
        return self._g2


def triple_of(point: Point) -> G1Point:
    """py-ecc's form of a point; TypeError for a point of another arithmetic."""
    if not isinstance(point, ReferencePoint):
        raise TypeError(f"expected a point of the reference arithmetic, got {type(point).__name__}")
    return point.triple


def decode(data: bytes) -> ReferencePoint:
    """A point from outside, with every check of docs/protocol.md section 2.

    Raises:
        EncodingError: not 48 bytes, flags or coordinate not canonical, off the curve, outside the
            subgroup of order r, or the identity.
    """
    triple = decode_on_curve(data)
    if not is_inf(multiply(triple, MODULUS)):
        raise EncodingError("point", "a point of the subgroup of order r", "one outside it")
    return ReferencePoint(triple)


def decode_on_curve(data: bytes) -> G1Point:
    """A point of the curve, by the same checks but the one for the subgroup."""
    x, larger_root = parse_point(data)
    y_squared = (pow(x, 3, BASE_MODULUS) + CURVE_B) % BASE_MODULUS
    # p = 3 mod 4: this is a root if there is one.
    y = pow(y_squared, (BASE_MODULUS + 1) // 4, BASE_MODULUS)
    if y * y % BASE_MODULUS != y_squared:
        raise EncodingError("point", "a coordinate on the curve", "one off the curve")
    if _is_larger_root(y) != larger_root:
        y = BASE_MODULUS - y
    return FQ(x), FQ(y), FQ(1)


def combine(points: Sequence[G1Point], scalars: Sequence[int]) -> G1Point:
    """Σ scalars[i]·points[i] by Pippenger's bucket method.

    Scalars are cut into digits of w bits. For each digit position, highest first: double what there
    is w times, put every point into the bucket of its digit, and add Σ_d d·bucket[d].

    Args:
        points: any points.
        scalars: as many integers of any sign, reduced mod r.

    Raises:
        ValueError: the lengths differ.
    """
    if len(points) != len(scalars):
        raise ValueError(f"expected {len(points)} scalars, got {len(scalars)}")
    reduced = [scalar % MODULUS for scalar in scalars]
    # Width that keeps the work of filling buckets and of adding them up in balance.
    width = max(1, len(points).bit_length() - 3)
    bits = max((scalar.bit_length() for scalar in reduced), default=0)
    total = Z1
    for position in reversed(range(0, bits, width)):
        for _ in range(width):
            total = double(total)
        buckets = [Z1] * (1 << width)
        for point, scalar in zip(points, reduced, strict=True):
            digit = scalar >> position & (1 << width) - 1
            if digit:
                buckets[digit] = add(buckets[digit], point)
        total = add(total, _weighted_sum(buckets))
    return total


def generator() -> ReferencePoint:
    """[1]₁."""
    return ReferencePoint(G1)


def _weighted_sum(buckets: Sequence[G1Point]) -> G1Point:
    """Σ_d d·buckets[d]: the sum over d ≥ 1 of all the buckets from d upwards."""
    suffix = total = Z1
    for bucket in reversed(buckets[1:]):
        suffix = add(suffix, bucket)
        total = add(total, suffix)
    return total


def _is_larger_root(y: int) -> bool:
    return y > (BASE_MODULUS - 1) // 2


def _decode_trusted_g2(data: bytes) -> G2Point:
    high, low = data[: G2_POINT_SIZE // 2], data[G2_POINT_SIZE // 2 :]
    try:
        return decompress_G2(
            G2Compressed((int.from_bytes(high, "big"), int.from_bytes(low, "big")))
        )
    except ValueError as error:
        raise EncodingError("point of G2", "a compressed point of the curve", "another") from error
