"""Checking proofs (protocol section 6), one by one or many at once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from ..circuits.argument import PairingEquation, pairing_equation, weighted_sum_holds
from ..circuits.proof import Proof
from ..circuits.statement import Statement
from ..crypto.randomness import random_bytes
from ..crypto.srs import Srs
from ..errors import EncodingError

WEIGHT_BYTES = 16


@dataclass(frozen=True)
class ProofReport:
    """Whether a proof proves its statement.

    Args:
        valid: the only thing to decide by; the report itself has no truth value.
        reason: one line for people.
    """

    valid: bool
    reason: str

    def __bool__(self) -> bool:
        raise TypeError("a report has no truth value: use report.valid")


PROVEN = ProofReport(True, "the proof proves the statement")
NOT_PROVEN = ProofReport(False, "the pairing equation does not hold")
ON_DOMAIN = ProofReport(False, "the evaluation point falls on the domain")


def verify(statement: Statement, proof_bytes: bytes, srs: Srs) -> ProofReport:
    """Check one proof.

    Args:
        statement: built by the verifier; never taken from the prover.
        proof_bytes: as received; a malformed encoding is an invalid proof.
        srs: the structured reference string.

    Returns:
        A report; `report.valid` is the verdict.
    """
    equation = _equation(statement, proof_bytes, srs)
    if isinstance(equation, ProofReport):
        return equation
    return PROVEN if equation.holds(srs) else NOT_PROVEN


def verify_batch(items: Sequence[tuple[Statement, bytes]], srs: Srs) -> list[ProofReport]:
    """Check many proofs with one pairing check; if it fails, each on its own.

    Args:
        items: statements, each with the bytes of its proof.
        srs: the structured reference string.

    Returns:
        One report per item, in order, the same as `verify` gives for it.
    """
    results = [_equation(statement, data, srs) for statement, data in items]
    equations = [result for result in results if isinstance(result, PairingEquation)]
    together = not equations or weighted_sum_holds(
        srs, equations, batch_weights(items, len(equations))
    )
    return [
        result
        if isinstance(result, ProofReport)
        else PROVEN
        if together or result.holds(srs)
        else NOT_PROVEN
        for result in results
    ]


def batch_weights(items: Sequence[tuple[Statement, bytes]], count: int) -> list[int]:
    """δ_1 = 1 and `count` − 1 weights of 128 bits, none of them 0 (protocol section 6).

    They depend on the operating system's randomness and on every statement and proof in full, so
    that nobody who makes a proof can foresee them, even where the random source is broken.
    """
    state = hashlib.sha256(b"ZKCOLLATERAL-V1:batch" + random_bytes(32))
    for statement, data in items:
        state.update(hashlib.sha256(statement.encoded).digest())
        state.update(hashlib.sha256(data).digest())
    seed = state.digest()
    weights = [1]
    counter = 0
    while len(weights) < count:
        block = hashlib.sha256(seed + counter.to_bytes(8, "big")).digest()
        weight = int.from_bytes(block[:WEIGHT_BYTES], "big")
        if weight:
            weights.append(weight)
        counter += 1
    return weights[:count]


def _equation(statement: Statement, data: bytes, srs: Srs) -> PairingEquation | ProofReport:
    try:
        proof = Proof.decode(data, statement, srs.arithmetic)
        equation = pairing_equation(statement, proof, srs)
    except EncodingError as error:
        return ProofReport(False, str(error))
    return ON_DOMAIN if equation is None else equation
