"""A proof and its bytes (protocol section 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from ..crypto.arithmetic import Arithmetic, Point
from ..crypto.field import SCALAR_SIZE, encode_scalar
from ..crypto.points import POINT_SIZE
from ..errors import EncodingError
from .bytes_reader import Reader
from .layout import column_count
from .statement import Statement

MAGIC = b"ZKC1"


@dataclass(frozen=True)
class Proof:
    """The prover's messages, in the letters of the protocol.

    Args:
        columns: F_c, commitments to the digit columns.
        accumulator: Z.
        quotient: T.
        opening: W, the opening at ζ.
        shifted_opening: W', the opening at ω_n·ζ.
        column_values: y_c = f_c(ζ).
        accumulator_value: z̄ = z(ω_n·ζ).
    """

    columns: tuple[Point, ...]
    accumulator: Point
    quotient: Point
    opening: Point
    shifted_opening: Point
    column_values: tuple[int, ...]
    accumulator_value: int

    @cached_property
    def encoded(self) -> bytes:
        """proof_bytes of protocol section 7."""
        points = (
            *self.columns,
            self.accumulator,
            self.quotient,
            self.opening,
            self.shifted_opening,
        )
        scalars = (*self.column_values, self.accumulator_value)
        return b"".join((MAGIC, *map(bytes, points), *map(encode_scalar, scalars)))

    @classmethod
    def decode(cls, data: bytes, statement: Statement, arithmetic: Arithmetic) -> Proof:
        """The proof that these bytes encode, every point and scalar validated.

        Args:
            data: proof_bytes.
            statement: fixes the number of columns; nothing in the proof does.
            arithmetic: decodes the points.

        Raises:
            EncodingError: wrong length, a point or scalar that is not canonical, the identity.
        """
        encoding = ProofEncoding.read(data, statement)
        return encoding.proof(arithmetic.decode_points(encoding.points))


class ProofEncoding(NamedTuple):
    """A proof whose length, letters and scalars are checked, and whose points are still bytes.

    Args:
        points: the encodings of F_0 … F_{k−1}, Z, T, W, W' behind each other.
        scalars: y_0 … y_{k−1}, z̄.
    """

    points: bytes
    scalars: tuple[int, ...]

    @classmethod
    def read(cls, data: bytes, statement: Statement) -> ProofEncoding:
        """The parts of proof_bytes; EncodingError as for `Proof.decode`."""
        k = column_count(statement.domain_size, statement.value_count)
        expected = proof_size(k)
        if len(data) != expected:
            raise EncodingError("proof", f"{expected} bytes for k = {k}", str(len(data)))
        reader = Reader(data, "proof")
        if reader.take(len(MAGIC)) != MAGIC:
            raise EncodingError("proof byte 0", "the letters ZKC1", "something else")
        points = reader.take(POINT_SIZE * (k + 4))
        scalars = tuple(reader.scalar() for _ in range(k + 1))
        reader.finish()
        return cls(points, scalars)

    def proof(self, points: Sequence[Point]) -> Proof:
        """The proof with its points decoded, k + 4 of them."""
        *columns, accumulator, quotient, opening, shifted_opening = points
        *column_values, accumulator_value = self.scalars
        return Proof(
            tuple(columns),
            accumulator,
            quotient,
            opening,
            shifted_opening,
            tuple(column_values),
            accumulator_value,
        )


def proof_size(k: int) -> int:
    """Bytes of a proof with k columns: 308 for one, 868 for eight."""
    return len(MAGIC) + POINT_SIZE * (k + 4) + SCALAR_SIZE * (k + 1)
