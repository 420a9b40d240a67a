"""Many attestations at once, from Python: there is no command for it."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

from ..circuits.attestation import Attestation
from ..circuits.evidence import SignedRound
from ..cli.files import read_commitment, read_document
from ..cli.output import working
from ..crypto.select import arithmetic
from ..crypto.srs import ceremony
from ..prover.attestation import Holding, Request, attest_many
from ..prover.opening import read_opening
from ..risk.clock import now
from ..risk.policy import Policy
from ..verifier.attestation import verify_attestations
from ..verifier.examination import Expectation
from ..verifier.trust import Trust
from . import data
from .session import DemoError, Session

SIZES = {"native": 16, "reference": 3}
"""Attestations in a batch: enough to see the effect, in the time there is."""


def time_batches(session: Session, claims: dict[str, dict[str, Any]]) -> None:
    """Make a batch of fresh attestations of every claim, verify it, and note the time of each.

    Raises:
        DemoError: one of them is not valid.
    """
    size = SIZES.get(session.arithmetic, 3)
    session.say(f"  >>> zkcollateral.attest_many(...)            # {size} of each claim")
    session.say("  >>> zkcollateral.verify_attestations(...)    # one pairing check for each batch")
    for claim, policy, venues in data.CLAIMS:
        with working(f"a batch of {claim}", session.arithmetic):
            seconds = _time_batch(session, claim, policy, venues, size)
        claims[claim]["batch"] = {"size": size, "seconds_each": round(seconds, 6)}


def _time_batch(
    session: Session, claim: str, policy_file: str, venues: Sequence[str], size: int
) -> float:
    """Seconds per attestation."""
    folder = session.folder
    srs = ceremony(arithmetic("native" if session.arithmetic == "native" else "reference"))
    openings = [read_opening(folder / f"{venue}.opening.json") for venue in venues]
    holdings = tuple(
        Holding(opening.opening, read_commitment(folder / f"{venue}.vouched.json")[0])
        for opening, venue in zip(openings, venues, strict=True)
    )
    policy = read_document(Policy, folder / policy_file)
    prices = read_document(SignedRound, folder / data.ROUNDS[policy_file])
    registry = openings[0].registry
    nonces = [f"batch-{index}" for index in range(size)]
    requests = [
        Request(claim, policy, registry, prices, holdings, audience=data.LENDER, nonce=nonce)
        for nonce in nonces
    ]
    attestations: list[Attestation] = attest_many(requests, srs)
    trust = read_document(Trust, folder / "trust.json")
    at = now()
    started = perf_counter()
    reports = verify_attestations(
        attestations, trust, srs, [Expectation(at, nonce=nonce) for nonce in nonces]
    )
    seconds = perf_counter() - started
    if not all(report.valid for report in reports):
        raise DemoError(f"demo: expected a batch of valid attestations of {claim}, got others")
    return seconds / size
