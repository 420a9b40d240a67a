"""The vocabulary in which the protocol is written.

Two modules speak it: `reference` (py-ecc and plain integers, slow, readable) and the Rust extension
`zkcollateral_native` (fast), adapted in `fast`. Everything above this module is written once
and gives the same bytes over either.

Scalars are Python integers in [0, r). Vectors and points are immutable. A polynomial is the vector
of its coefficients, constant term first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, Self


class FieldVector(Protocol):  # noqa: PLW1641 - vectors are compared, never keys
    """An immutable vector over F_r.

    Operators work element by element; an operand may be an integer (reduced mod r), which is
    applied to every element. Vectors of different length do not mix: ValueError.
    """

    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> int: ...
    def __eq__(self, other: object) -> bool: ...
    def __add__(self, other: Self | int) -> Self: ...
    def __radd__(self, other: int) -> Self: ...
    def __sub__(self, other: Self | int) -> Self: ...
    def __rsub__(self, other: int) -> Self: ...
    def __mul__(self, other: Self | int) -> Self: ...
    def __rmul__(self, other: int) -> Self: ...
    def __neg__(self) -> Self: ...

    def to_ints(self) -> list[int]:
        """The elements as integers in [0, r)."""
        ...

    def sum(self) -> int:
        """Σ self[i]."""
        ...

    def dot(self, other: Self) -> int:
        """Σ self[i]·other[i]."""
        ...

    def inverse(self) -> Self:
        """1/self[i] for every i; ZeroDivisionError if an element is 0."""
        ...

    def prefix_sums(self) -> Self:
        """out[i] = Σ_{j < i} self[j]; out[0] = 0, same length."""
        ...

    def rotate(self, by: int) -> Self:
        """out[i] = self[(i + by) mod len]."""
        ...

    def resize(self, length: int) -> Self:
        """Zeros appended or dropped at the end; ValueError if an element other than 0 would be
        lost.
        """
        ...

    def tile(self, length: int) -> Self:
        """out[i] = self[i mod len]; `length` is a multiple of len."""
        ...

    def ntt(self) -> Self:
        """Coefficients to values on H_len (natural order, out[i] = f(ω_len^i)); len a power of
        two.
        """
        ...

    def intt(self) -> Self:
        """Values on H_len (natural order) to coefficients."""
        ...

    def coset_ntt(self, size: int) -> Self:
        """Coefficients (at most `size` of them) to values out[i] = f(7·ω_size^i), natural order."""
        ...

    def coset_intt(self) -> Self:
        """Values on the coset 7·H_len to coefficients."""
        ...

    def evaluate(self, x: int) -> int:
        """The polynomial with these coefficients, at x."""
        ...

    def divide_linear(self, root: int) -> Self:
        """Quotient of the polynomial by (X − root), one element shorter; the remainder is
        dropped.
        """
        ...


class Matrix(Protocol):
    """An immutable sparse matrix over F_r."""

    def combine(self, weights: FieldVector) -> FieldVector:
        """weightsᵀ · matrix: one weight per row, one result per column."""
        ...


class Point(Protocol):
    """A point of G1 in the subgroup of order r, or the identity."""

    def __bytes__(self) -> bytes:
        """48 bytes, compressed; the identity has the canonical infinity encoding."""
        ...

    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...
    def __add__(self, other: Self) -> Self: ...
    def __sub__(self, other: Self) -> Self: ...
    def __neg__(self) -> Self: ...
    def is_identity(self) -> bool: ...


class Setup(Protocol):
    """A structured reference string: [τ^i]₁ for i < `size`, [1]₂ and [τ]₂, with what is derived
    from it.

    Points are decoded and tables are built when first needed.
    """

    @property
    def size(self) -> int:
        """Number of powers [τ^i]₁."""
        ...

    def commit(self, coefficients: FieldVector) -> Point:
        """[f(τ)]₁ of the polynomial with these coefficients; ValueError if there are more than
        `size`.
        """
        ...

    def commit_digits(self, digits: bytes, blinders: tuple[int, int]) -> Point:
        """[Σ_i digits[i]·L^(n)_i(τ) + (β_0 + β_1 τ)(τ^n − 1)]₁ for n = len(digits) values 0 … 3.

        ValueError if n is no power of two from 32 to 1024 or a digit is above 3.
        """
        ...

    def pairing_check(self, left: Point, right: Point) -> bool:
        """Whether e(left, [1]₂) = e(right, [τ]₂)."""
        ...


class Arithmetic(Protocol):
    """One implementation of the vocabulary; there is one object of each, so it can be a key."""

    def __hash__(self) -> int: ...

    @property
    def name(self) -> str:
        """`native` or `reference`."""
        ...

    @property
    def generator(self) -> Point:
        """[1]₁."""
        ...

    def vector(self, values: Iterable[int]) -> FieldVector:
        """A vector of these integers, reduced mod r (negative ones too)."""
        ...

    def powers(self, base: int, count: int) -> FieldVector:
        """(1, base, base², …), `count` elements."""
        ...

    def matrix(self, rows: int, columns: int, entries: Iterable[tuple[int, int, int]]) -> Matrix:
        """The rows × columns matrix with these (row, column, value) entries; repeated places
        add.
        """
        ...

    def hash_to_field(self, message: bytes, dst: bytes) -> int:
        """hash_to_field of RFC 9380 section 5.2: expand_message_xmd, SHA-256, count 1, L = 48,
        modulus r.
        """
        ...

    def decode_point(self, data: bytes) -> Point:
        """A point from 48 compressed bytes; EncodingError unless canonical, in the subgroup and not
        the identity.
        """
        ...

    def decode_points(self, data: bytes) -> list[Point]:
        """The points of a concatenation of encodings, each as by `decode_point`."""
        ...

    def linear_combination(self, points: Sequence[Point], scalars: Sequence[int]) -> Point:
        """Σ scalars[i]·points[i]; ValueError if the lengths differ. Scalars are reduced mod r."""
        ...

    def setup(self, g1_monomial: Sequence[bytes], g2: tuple[bytes, bytes]) -> Setup:
        """A setup from trusted encodings: [τ^i]₁ (48 bytes each), and [1]₂, [τ]₂ (96 bytes
        each).
        """
        ...
