"""The arithmetic in Rust: the extension module `zkcollateral_native` as an `Arithmetic`.

The extension has its own wheel, `zkcollateral-native`. This module can be imported without it;
`NativeArithmetic()` cannot be made without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..errors import EncodingError
from .arithmetic import FieldVector, Matrix, Point, Setup

if TYPE_CHECKING:
    import zkcollateral_native

_POINT = "48 bytes that are the canonical compressed form of a point in the subgroup of G1, not the identity"
_SETUP = "canonical compressed points"


class NativeSetup:
    """A structured reference string in the extension; its decoding errors are `EncodingError`."""

    def __init__(self, inner: zkcollateral_native.Setup, decode_error: type[Exception]) -> None:
        self._inner = inner
        self._decode_error = decode_error
        self.size = inner.size

    def commit(self, coefficients: FieldVector) -> Point:
        """As `Setup.commit`."""
        try:
            return self._inner.commit(coefficients)
        except self._decode_error as error:
            raise EncodingError("setup", _SETUP, str(error)) from None

    def commit_digits(self, digits: bytes, blinders: tuple[int, int]) -> Point:
        """As `Setup.commit_digits`."""
        try:
            return self._inner.commit_digits(digits, blinders)
        except self._decode_error as error:
            raise EncodingError("setup", _SETUP, str(error)) from None

    def pairing_check(self, left: Point, right: Point) -> bool:
        """As `Setup.pairing_check`."""
        try:
            return self._inner.pairing_check(left, right)
        except self._decode_error as error:
            raise EncodingError("setup", _SETUP, str(error)) from None


class NativeArithmetic:
    """The vocabulary over `zkcollateral_native`.

    Raises:
        ImportError: the wheel `zkcollateral-native` is not installed.
    """

    name = "native"

    def __init__(self) -> None:
        import zkcollateral_native as native

        self._native = native
        self._decode_point = native.decode_point
        self._decode_points = native.decode_points
        self._decode_error = native.DecodeError
        self.generator: Point = native.generator()

    def vector(self, values: Iterable[int]) -> FieldVector:
        """A vector of these integers, reduced mod r."""
        return self._native.vector(values)

    def powers(self, base: int, count: int) -> FieldVector:
        """(1, base, base², …), `count` elements."""
        return self._native.powers(base, count)

    def matrix(self, rows: int, columns: int, entries: Iterable[tuple[int, int, int]]) -> Matrix:
        """The sparse rows × columns matrix with these (row, column, value) entries."""
        return self._native.matrix(rows, columns, entries)

    def hash_to_field(self, message: bytes, dst: bytes) -> int:
        """hash_to_field of RFC 9380 section 5.2 to F_r, count 1, L = 48."""
        return self._native.hash_to_field(message, dst)

    def decode_point(self, data: bytes) -> Point:
        """A point from 48 compressed bytes, fully checked; EncodingError if it is none."""
        try:
            return self._decode_point(data)
        except self._decode_error as error:
            raise EncodingError("G1 point", _POINT, str(error)) from None

    def decode_points(self, data: bytes) -> list[Point]:
        """The points of a concatenation of 48-byte encodings, each checked as by `decode_point`."""
        try:
            return list(self._decode_points(data))
        except self._decode_error as error:
            raise EncodingError("G1 points", _POINT, str(error)) from None

    def linear_combination(self, points: Sequence[Point], scalars: Sequence[int]) -> Point:
        """Σ scalars[i]·points[i]."""
        return self._native.linear_combination(points, scalars)

    def setup(self, g1_monomial: Sequence[bytes], g2: tuple[bytes, bytes]) -> Setup:
        """A setup from trusted encodings: [τ^i]₁, and [1]₂, [τ]₂."""
        try:
            inner = self._native.Setup(g1_monomial, g2)
        except self._decode_error as error:
            raise EncodingError("setup", _SETUP, str(error)) from None
        return NativeSetup(inner, self._decode_error)
