"""Which keys an attestation rests on, and the dates of what they signed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..circuits.attestation import Attestation
from ..circuits.evidence import SignedRound, read_unverified
from ..errors import ZkCollateralError
from ..risk.prices import PriceReport
from ..verifier.memory import Memory
from ..verifier.report import Report
from ..verifier.trust import Trust
from .store.tables import TrustedKeyRow

_OF_SIGNATURES = frozenset({"oracle_quorum", "custodian_signature"})


def relied_keys(attestation: Attestation, memory: Memory) -> set[tuple[str, datetime]]:
    """The ids of the keys that are said to have signed, with the dates of what they signed.

    Signatures are not checked here: of a verified attestation they are good, and of a refused one
    this only tells what to say about it. What cannot be read is left out.
    """
    found = {
        (summand.voucher, summand.as_of)
        for summand in attestation.claim.summands
        if summand.voucher is not None and summand.as_of is not None
    }
    prices = attestation.prices
    return found | memory.once("relied", (prices,), lambda: _reporting_keys(prices))


def _reporting_keys(prices: SignedRound) -> set[tuple[str, datetime]]:
    found = set()
    for signed in prices.reports:
        try:
            envelope = signed.envelope("price report")
            value = read_unverified(envelope, "price report")
            time = PriceReport.from_json_value(value, "price report").time
        except ZkCollateralError:
            continue
        found |= {(signature.keyid, time) for signature in envelope.signatures}
    return found


def rests_on_retired_key(
    session: Session, attestation: Attestation, report: Report, trust: Trust
) -> bool:
    """Whether what failed first is a signature dated after the end of a key that was retired."""
    if report.failed[0].name not in _OF_SIGNATURES:
        return False
    dates = relied_keys(attestation, Memory())
    retired = session.scalars(
        select(TrustedKeyRow.key_id).where(
            TrustedKeyRow.retired.is_not(None),
            TrustedKeyRow.key_id.in_({key_id for key_id, _ in dates}),
        )
    )
    ended = {key.key.key_id: key for key in trust.keys if key.role in ("oracle", "custodian")}
    ended = {key_id: ended[key_id] for key_id in retired if key_id in ended}
    return any(key_id in ended and not ended[key_id].covers(date) for key_id, date in dates)
