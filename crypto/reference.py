"""The reference arithmetic: the whole vocabulary on py-ecc and plain integers.

Slow and short, so that somebody who trusts nothing can read it; the fast arithmetic has to give the
same bytes. Not constant-time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..errors import EncodingError
from . import hashing
from .arithmetic import Point
from .points import POINT_SIZE
from .reference_group import (
    ReferencePoint,
    ReferenceSetup,
    combine,
    decode,
    generator,
    triple_of,
)
from .reference_vector import ReferenceMatrix, ReferenceVector, powers


class ReferenceArithmetic:
    """`arithmetic.Arithmetic` on py-ecc; see there for what each method means."""

    @property
    def name(self) -> str:
        return "reference"

    @property
    def generator(self) -> ReferencePoint:
        return generator()

    def vector(self, values: Iterable[int]) -> ReferenceVector:
        return ReferenceVector(values)

    def powers(self, base: int, count: int) -> ReferenceVector:
        return powers(base, count)

    def matrix(
        self, rows: int, columns: int, entries: Iterable[tuple[int, int, int]]
    ) -> ReferenceMatrix:
        return ReferenceMatrix(rows, columns, entries)

    def hash_to_field(self, message: bytes, dst: bytes) -> int:
        return hashing.hash_to_field(message, dst)

    def decode_point(self, data: bytes) -> ReferencePoint:
        return decode(data)

    def decode_points(self, data: bytes) -> list[Point]:
        if len(data) % POINT_SIZE:
            raise EncodingError("points", f"a multiple of {POINT_SIZE} bytes", str(len(data)))
        starts = range(0, len(data), POINT_SIZE)
        return [self.decode_point(data[start : start + POINT_SIZE]) for start in starts]

    def linear_combination(self, points: Sequence[Point], scalars: Sequence[int]) -> ReferencePoint:
        return ReferencePoint(combine([triple_of(point) for point in points], scalars))

    def setup(self, g1_monomial: Sequence[bytes], g2: tuple[bytes, bytes]) -> ReferenceSetup:
        return ReferenceSetup(g1_monomial, g2)
