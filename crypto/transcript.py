"""The transcript: every label and every hash state of the argument, in one module.

    s0      = SHA-256("ZKCOLLATERAL-V1:statement" ‖ SRS_ID ‖ statement_bytes)
    s_{i+1} = SHA-256(s_i ‖ what the prover sends in round i + 1)
    challenge of that round = hash_to_field(s_{i+1}), DST "ZKCOLLATERAL-V1:" ‖ label

Prover and verifier walk through the same five rounds, and the transcript refuses any other walk.

Source: docs/protocol.md section 6; blinders: section 8.
"""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple, SupportsBytes

from ..errors import EncodingError
from .arithmetic import Arithmetic
from .field import SCALAR_SIZE
from .points import IDENTITY_ENCODING, POINT_SIZE

DOMAIN: Final = b"ZKCOLLATERAL-V1:"
STATE_SIZE: Final = 32
SEED_SIZE: Final = 32


class _Round(NamedTuple):
    label: str
    item_size: int


_ROUNDS: Final = (
    _Round("rho", POINT_SIZE),
    _Round("alpha", POINT_SIZE),
    _Round("zeta", POINT_SIZE),
    _Round("nu", SCALAR_SIZE),
    _Round("mu", POINT_SIZE),
)


class Transcript:
    """The hash state of one proof, from the statement to the last challenge.

    Args:
        arithmetic: hashes to the field.
        srs_id: 32 bytes that name the structured reference string.
        statement_bytes: the encoded statement (docs/protocol.md section 7).

    Raises:
        ValueError: `srs_id` is not 32 bytes.
    """

    def __init__(self, arithmetic: Arithmetic, srs_id: bytes, statement_bytes: bytes) -> None:
        if len(srs_id) != STATE_SIZE:
            raise ValueError(f"expected an SRS id of {STATE_SIZE} bytes, got {len(srs_id)}")
        self._arithmetic = arithmetic
        self._state = _sha256(DOMAIN + b"statement" + srs_id + statement_bytes)
        self._done = 0

    @property
    def state(self) -> bytes:
        """s_i after i rounds, 32 bytes; s0 before the first."""
        return self._state

    def round(self, label: str, *items: SupportsBytes) -> int:
        """Absorb what the prover sends in one round, and draw the challenge that answers it.

        Args:
            label: "rho", "alpha", "zeta", "nu", "mu", in this order.
            items: the round's items in the order of the specification: points (or their 48 bytes)
                in every round but "nu", encoded scalars (32 bytes) in that one.

        Returns:
            The challenge, in [0, r).

        Raises:
            EncodingError: an item is the identity, which an honest prover sends with negligible
                chance.
            ValueError: another round is due, no items, or an item of the wrong size.
        """
        if self._done == len(_ROUNDS):
            raise ValueError(f"expected no further round, got {label}")
        due = _ROUNDS[self._done]
        if label != due.label:
            raise ValueError(f"expected round {due.label}, got {label}")
        if not items:
            raise ValueError(f"expected at least one item in round {label}, got none")
        # Not bytes(item): of an integer that makes as many zero bytes.
        absorbed = b"".join(_checked(item.__bytes__(), due) for item in items)
        self._state = _sha256(self._state + absorbed)
        self._done += 1
        return self._arithmetic.hash_to_field(self._state, DOMAIN + label.encode("ascii"))


def blinder(
    arithmetic: Arithmetic, seed: bytes, statement_state: bytes, witness_digest: bytes, index: int
) -> int:
    """Blinder j of a proof, hedged against a broken random source.

    It depends on the statement and the witness too, so that a repeated seed repeats no blinder over
    another statement or witness.

    Args:
        arithmetic: hashes to the field.
        seed: 32 fresh bytes, secret.
        statement_state: s0, 32 bytes.
        witness_digest: h, 32 bytes, secret.
        index: j, from 0 to 2^32 − 1, in the order β_00, β_01, β_10, …, γ_0, γ_1, γ_2.

    Returns:
        A scalar in [0, r), secret.

    Raises:
        ValueError: a part is not 32 bytes, or the index is out of range.

    Source: docs/protocol.md section 8.
    """
    if not len(seed) == len(statement_state) == len(witness_digest) == SEED_SIZE:
        raise ValueError(f"expected seed, s0 and h of {SEED_SIZE} bytes each")
    if not 0 <= index < 1 << 32:
        raise ValueError(f"expected a blinder index below 2^32, got {index}")
    message = seed + statement_state + witness_digest + index.to_bytes(4, "big")
    return arithmetic.hash_to_field(message, DOMAIN + b"blinder")


def _checked(item: bytes, due: _Round) -> bytes:
    if len(item) != due.item_size:
        raise ValueError(
            f"expected items of {due.item_size} bytes in round {due.label}, got {len(item)}"
        )
    if item == IDENTITY_ENCODING:
        raise EncodingError(f"round {due.label}", "a point other than the identity", "the identity")
    return item


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
