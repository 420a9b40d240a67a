"""Price rounds that a service hands out, held against the holder's own trust.

A holder who proves on any prices that it is sent tells by its answers where it stands: who can make
up prices can search for the point at which it stops to be healthy. So rounds count only if oracles
that the holder trusts signed their reports.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DocumentError, PriceRoundError
from .prices import check_signature

if TYPE_CHECKING:
    from ..circuits.evidence import SignedRound
    from ..risk.policy import Policy
    from ..verifier.trust import Trust


def check_round(signed: SignedRound, policy: Policy, roots: Trust, where: str) -> None:
    """Check that trusted oracles signed the reports, and that they make this round.

    Args:
        signed: as the service handed it out.
        policy: whose rule combines the reports.
        roots: the holder's own trust.
        where: it came from, for errors.

    Raises:
        SignatureError: a report that no trusted oracle signed.
        DocumentError: something that is no report.
        PriceRoundError: the reports make no round, or another one.
    """
    from ..circuits.claim import document_digest
    from ..circuits.evidence import make_signed_round, read_unverified
    from ..risk.prices import PriceReport

    envelopes = []
    for index, document in enumerate(signed.reports):
        place = f"{where}: price report {index}"
        envelope = document.envelope(place)
        report = PriceReport.from_json_value(read_unverified(envelope, place), place)
        check_signature(envelope, report, roots, place)
        envelopes.append(envelope)
    made = make_signed_round(envelopes, policy)
    if document_digest(made.round) != document_digest(signed.round):
        raise PriceRoundError(f"{where}: the price round is not the one that its reports make")


def check_accepted(policy: Policy, roots: Trust, trust: Path, where: str) -> None:
    """DocumentError unless the holder's own trust file names the policy."""
    from ..circuits.claim import document_digest

    digest = document_digest(policy)
    if digest not in roots.policies:
        expected = f"a policy that {trust} names"
        raise DocumentError(where, expected, f"{policy.name}, digest {digest}")
