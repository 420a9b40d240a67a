"""The arithmetic in Rust: the extension module `zkcollateral_native` as an `Arithmetic`.

The extension has its own wheel, `zkcollateral-native`. This module can be imported without it;
`NativeArithmetic()` cannot be made without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..errors import EncodingError
from .arithmetic import FieldVector, Point

_POINT: Final = "48 canonical bytes of a point of G1 in the subgroup of order r, not the identity"


class NativeSetup:
    """A structured reference string in the extension; see `arithmetic.Setup`.

    Args:
        g1_monomial: trusted encodings of [τ^i]₁, 48 bytes each.
        g2: trusted encodings of [1]₂ and [τ]₂, 96 bytes each.

    Raises:
        EncodingError: an encoding of another size; any other fault of one shows when it is needed.
    """

    def __init__(self, g1_monomial: Sequence[bytes], g2: tuple[bytes, bytes]) -> None:
        import zkcollateral_native as native

        self._decode_error = native.DecodeError
        try:
            self._setup = native.Setup(g1_monomial, g2)
        except self._decode_error as error:
            raise _setup_error(error) from None

    @property
    def size(self) -> int:
        return self._setup.size

    def commit(self, coefficients: FieldVector) -> Point:
        try:
            return self._setup.commit(coefficients)
        except self._decode_error as error:
            raise _setup_error(error) from None

    def commit_digits(self, digits: bytes, blinders: tuple[int, int]) -> Point:
        try:
            return self._setup.commit_digits(digits, blinders)
        except self._decode_error as error:
            raise _setup_error(error) from None

    def pairing_check(self, left: Point, right: Point) -> bool:
        try:
            return self._setup.pairing_check(left, right)
        except self._decode_error as error:
            raise _setup_error(error) from None


class NativeArithmetic:
    """`arithmetic.Arithmetic` on `zkcollateral_native`; see there for what each method means.

    Raises:
        ImportError: the wheel `zkcollateral-native` is not installed.
    """

    def __init__(self) -> None:
        import zkcollateral_native as native

        self.generator: Point = native.generator()
        # The extension's own functions: a method in between would double the cost of a small call.
        self.vector = native.vector
        self.powers = native.powers
        self.matrix = native.matrix
        self.hash_to_field = native.hash_to_field
        self.linear_combination = native.linear_combination
        self._decode_point = native.decode_point
        self._decode_points = native.decode_points
        self._decode_error = native.DecodeError

    @property
    def name(self) -> str:
        return "native"

    def decode_point(self, data: bytes) -> Point:
        try:
            return self._decode_point(data)
        except self._decode_error as error:
            raise EncodingError("point", _POINT, str(error)) from None

    def decode_points(self, data: bytes) -> list[Point]:
        try:
            return [*self._decode_points(data)]
        except self._decode_error as error:
            raise EncodingError("points", _POINT, str(error)) from None

    def setup(self, g1_monomial: Sequence[bytes], g2: tuple[bytes, bytes]) -> NativeSetup:
        return NativeSetup(g1_monomial, g2)


def _setup_error(error: Exception) -> EncodingError:
    return EncodingError("setup", "canonical bytes of a point", str(error))
