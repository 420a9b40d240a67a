"""What a prover knows, and its hash (protocol section 8)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from ..crypto.commitment import Opening
from ..crypto.field import MODULUS, encode_scalar


@dataclass(frozen=True, repr=False)
class Witness:
    """Openings of the statement's accounts, in order, and the range-checked values. Secret.

    Args:
        openings: one per account of the statement.
        values: v, each in [0, 2^64), as many as the statement's m.
    """

    openings: tuple[Opening, ...]
    values: tuple[int, ...]

    def __repr__(self) -> str:
        return f"Witness({len(self.openings)} openings, {len(self.values)} values, secret)"

    def digest(self) -> bytes:
        """h: SHA-256 of every opening's amounts and blinder, then the values, as 32-byte
        scalars.
        """
        state = hashlib.sha256()
        for opening in self.openings:
            for scalar in (*opening.amounts, opening.blinder):
                state.update(encode_scalar(scalar % MODULUS))
        for value in self.values:
            state.update(encode_scalar(value))
        return state.digest()
