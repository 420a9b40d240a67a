"""Checking proofs (protocol section 6), one by one or many at once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from ..circuits.argument import PairingEquation, pairing_equation, weighted_sum_holds
from ..circuits.proof import ProofEncoding
from ..circuits.statement import Statement
from ..crypto.arithmetic import Arithmetic, Point
from ..crypto.points import POINT_SIZE
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
    (report,) = verify_batch([(statement, proof_bytes)], srs)
    return report


def verify_batch(items: Sequence[tuple[Statement, bytes]], srs: Srs) -> list[ProofReport]:
    """Check many proofs with one pairing check; if it fails, each on its own.

    Args:
        items: statements, each with the bytes of its proof.
        srs: the structured reference string.

    Returns:
        One report per item, in order, the same as `verify` gives for it.
    """
    results = _equations(items, srs)
    equations = [result for result in results if isinstance(result, PairingEquation)]
    together = weighted_sum_holds(srs, equations, batch_weights(items, len(equations)))
    alone = len(equations) == 1
    return [
        result
        if isinstance(result, ProofReport)
        else PROVEN
        if together or (not alone and result.holds(srs))
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


class _Submission(NamedTuple):
    """A statement and a proof whose points are still bytes."""

    statement: Statement
    encoding: ProofEncoding

    @property
    def points(self) -> bytes:
        """The statement's commitments and the proof's points."""
        commitments = (account.commitment for account in self.statement.accounts)
        return b"".join((*commitments, self.encoding.points))


def _equations(
    items: Sequence[tuple[Statement, bytes]], srs: Srs
) -> list[PairingEquation | ProofReport]:
    """What decides about each proof, or why it is refused already."""
    read = [_read(statement, data) for statement, data in items]
    submissions = [entry for entry in read if isinstance(entry, _Submission)]
    decoded = iter(_decode(submissions, srs.arithmetic))
    return [
        _equation(entry, next(decoded), srs) if isinstance(entry, _Submission) else entry
        for entry in read
    ]


def _read(statement: Statement, data: bytes) -> _Submission | ProofReport:
    try:
        return _Submission(statement, ProofEncoding.read(data, statement))
    except EncodingError as error:
        return ProofReport(False, str(error))


def _decode(
    submissions: Sequence[_Submission], arithmetic: Arithmetic
) -> list[list[Point] | EncodingError]:
    """The points of every submission, all in one call: several at once cost less than one by
    one.
    """
    try:
        points = iter(arithmetic.decode_points(b"".join(one.points for one in submissions)))
    except EncodingError as error:
        if len(submissions) == 1:
            return [error]
        return [decoded for one in submissions for decoded in _decode([one], arithmetic)]
    return [list(islice(points, len(one.points) // POINT_SIZE)) for one in submissions]


def _equation(
    submission: _Submission, points: list[Point] | EncodingError, srs: Srs
) -> PairingEquation | ProofReport:
    if isinstance(points, EncodingError):
        return ProofReport(False, str(points))
    statement, encoding = submission
    count = len(statement.accounts)
    proof = encoding.proof(points[count:])
    try:
        equation = pairing_equation(statement, points[:count], proof, srs)
    except EncodingError as error:
        return ProofReport(False, str(error))
    return ON_DOMAIN if equation is None else equation
