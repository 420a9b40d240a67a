"""Checking a whole attestation against the verifier's own trust, policies and time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from ..circuits.attestation import Attestation
from ..crypto.srs import Srs
from ..errors import InputError
from ..risk.clock import seconds_between
from .examination import Examination, Expectation
from .memory import Memory
from .proof import verify_batch
from .report import Check, Report
from .trust import Trust

_NOT_CHECKED = Check("proof", False, "not checked: there is no statement to check it against")


def verify_attestation(
    attestation: Attestation, trust: Trust, srs: Srs, expectation: Expectation
) -> Report:
    """Check an attestation completely, offline.

    Args:
        attestation: as read; nothing in it is believed.
        trust: the verifier's own roots.
        srs: the structured reference string.
        expectation: time, audience and nonce.

    Returns:
        A report with every check; `report.valid` is the verdict.
    """
    (report,) = verify_attestations([attestation], trust, srs, [expectation])
    return report


def verify_attestations(
    attestations: Sequence[Attestation],
    trust: Trust,
    srs: Srs,
    expectations: Sequence[Expectation],
    memory: Memory | None = None,
) -> list[Report]:
    """Check many attestations; their proofs in one batch, and each policy and round compiled once.

    Args:
        attestations: as read.
        trust: the verifier's own roots.
        srs: the structured reference string.
        expectations: one per attestation.
        memory: of earlier calls, to which this one adds.

    Returns:
        One report per attestation, the same as `verify_attestation` gives for it.

    Raises:
        InputError: not as many expectations as attestations.
    """
    if len(attestations) != len(expectations):
        raise InputError("expectations", f"{len(attestations)} of them", str(len(expectations)))
    memory = Memory() if memory is None else memory
    examinations = [
        Examination(attestation, trust, srs, expectation, memory)
        for attestation, expectation in zip(attestations, expectations, strict=True)
    ]
    statements = [examination.before_proof() for examination in examinations]
    results = iter(
        verify_batch(
            [
                (statement, attestation.proof_bytes)
                for statement, attestation in zip(statements, attestations, strict=True)
                if statement is not None
            ],
            srs,
        )
    )
    reports = []
    for examination, statement in zip(examinations, statements, strict=True):
        check = _NOT_CHECKED
        if statement is not None:
            result = next(results)
            check = Check("proof", result.valid, result.reason)
        reports.append(examination.report(check))
    return reports


def valid_until(attestation: Attestation) -> datetime:
    """When a valid attestation stops to be valid: at its expiry, or when its evidence is too old.

    A prover chooses the expiry, and may choose it later than the policy lets the evidence count.
    """
    claim, policy = attestation.claim, attestation.policy
    limits = [(attestation.prices.round.time, policy.oracle.max_age_seconds)]
    limits += [
        (summand.as_of, policy.commitments.max_age_seconds)
        for summand in claim.summands
        if summand.as_of is not None
    ]
    # Evidence of exactly the allowed age still counts: it is too old a second later.
    seconds = min(seconds_between(claim.issued, time) + limit + 1 for time, limit in limits)
    if seconds >= seconds_between(claim.issued, claim.expires):
        return claim.expires
    return claim.issued + timedelta(seconds=seconds)
