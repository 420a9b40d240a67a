"""Portfolio commitments: one point for a whole vector of amounts (protocol section 3)."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from ..errors import OpeningError
from .arithmetic import FieldVector, Point
from .field import MODULUS
from .randomness import random_scalar
from .srs import Srs

MAX_SLOTS = 1024
AMOUNT_BOUND = 1 << 63


@dataclass(frozen=True)
class Commitment:
    """The pair (a, C). The same point read at another number of slots shows other amounts.

    Args:
        slots: a, a power of two from 1 to 1024.
        point: C, not the identity.
    """

    slots: int
    point: Point

    def __bytes__(self) -> bytes:
        """The 48 bytes of C."""
        return bytes(self.point)


@dataclass(frozen=True, repr=False)
class Opening:
    """What opens a commitment. Secret: its `repr` shows only the number of slots.

    Args:
        amounts: x, one signed integer per slot; a power of two of slots from 1 to 1024.
        blinder: b, in [0, r); drawn anew for every commitment.
        summands: N, how many openings were added up; |x_i| < N · 2^63.

    Raises:
        OpeningError: anything out of the ranges above.
    """

    amounts: tuple[int, ...]
    blinder: int
    summands: int = 1

    def __post_init__(self) -> None:
        slots = len(self.amounts)
        if not (1 <= slots <= MAX_SLOTS and slots & (slots - 1) == 0):
            raise OpeningError(f"opening: expected a power of two of slots up to 1024, got {slots}")
        bound = self.summands * AMOUNT_BOUND
        for slot, amount in enumerate(self.amounts):
            if abs(amount) >= bound:
                raise OpeningError(f"opening: the amount in slot {slot} is not below {bound}")
        if not 0 <= self.blinder < MODULUS:
            raise OpeningError("opening: the blinder is not in [0, r)")

    def __repr__(self) -> str:
        return f"Opening({len(self.amounts)} slots, secret)"

    @classmethod
    def fresh(cls, amounts: Sequence[int]) -> Opening:
        """An opening of these amounts with a new random blinder."""
        return cls(tuple(amounts), random_scalar())

    def __add__(self, other: Opening) -> Opening:
        """The opening of the sum of the two commitments."""
        if len(self.amounts) != len(other.amounts):
            raise OpeningError("openings: expected the same number of slots in every summand")
        return Opening(
            tuple(map(operator.add, self.amounts, other.amounts)),
            (self.blinder + other.blinder) % MODULUS,
            self.summands + other.summands,
        )

    def polynomial(self, srs: Srs) -> FieldVector:
        """Coefficients of p(X) = Σ x_i·L^(a)_i(X) + b·(X^a − 1), a + 1 of them."""
        vector = srs.arithmetic.vector
        slots = len(self.amounts)
        blinding = [-self.blinder, *[0] * (slots - 1), self.blinder]
        return vector(self.amounts).intt().resize(slots + 1) + vector(blinding)

    def commit(self, srs: Srs) -> Commitment:
        """C = [p(τ)]₁."""
        return Commitment(len(self.amounts), srs.setup.commit(self.polynomial(srs)))

    def check(self, commitment: Commitment, srs: Srs) -> None:
        """Raise OpeningError unless this opens `commitment`."""
        if self.commit(srs) != commitment:
            raise OpeningError("the opening does not open this commitment")


def add_openings(openings: Sequence[Opening]) -> Opening:
    """The opening of the sum; at least one summand."""
    return reduce(operator.add, openings)


def add_commitments(commitments: Sequence[Commitment]) -> Commitment:
    """C_1 + … + C_N, all with the same number of slots.

    A sum proves something only if every summand was vouched for (protocol section 3): see
    `circuits.claim`, which is where summands come from.

    Raises:
        OpeningError: different numbers of slots.
    """
    slots = {commitment.slots for commitment in commitments}
    if len(slots) != 1:
        raise OpeningError("commitments: expected the same number of slots in every summand")
    return Commitment(slots.pop(), reduce(operator.add, (c.point for c in commitments)))
