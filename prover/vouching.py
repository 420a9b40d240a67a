"""What a custodian or venue does: check an opening against its books, and sign the commitment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ..circuits.claim import document_digest
from ..circuits.evidence import CommitmentDocument, Vouch, vouch_envelope
from ..crypto.commitment import Opening
from ..crypto.envelope import Envelope
from ..crypto.signature import SigningKey
from ..crypto.srs import Srs
from ..errors import OpeningError
from ..risk.portfolio import Portfolio
from ..risk.registry import Registry


def vouch(
    commitment: CommitmentDocument,
    opening: Opening,
    registry: Registry,
    key: SigningKey,
    srs: Srs,
    *,
    as_of: datetime,
    books: Portfolio | None = None,
) -> Envelope:
    """Sign a commitment as its custodian or venue, after checking the opening.

    Args:
        commitment: what is vouched for.
        opening: its opening; the commitment is computed again from it.
        registry: what the slots hold; the one under which the commitment was made.
        key: the voucher's key.
        srs: for the commitment.
        as_of: the time that the books speak of.
        books: the voucher's own record of the account, compared slot by slot.

    Raises:
        OpeningError: the opening is not the commitment's, breaks the registry's sides or differs
            from the books. The message names the asset and no amount.
    """
    if document_digest(registry) != commitment.registry or registry.slots != commitment.slots:
        raise OpeningError("the commitment was made under another registry")
    if opening.summands != 1:
        raise OpeningError("a sum of openings is not vouched for: vouch for each of them")
    opened = opening.commit(srs)
    if opened.slots != commitment.slots or bytes(opened).hex() != commitment.commitment:
        raise OpeningError("the opening does not open this commitment")
    check_sides(opening.amounts, registry)
    if books is not None:
        _check_books(commitment, opening, registry, books)
    statement = Vouch.build(
        account=commitment.account,
        registry=commitment.registry,
        slots=commitment.slots,
        commitment=commitment.commitment,
        as_of=as_of,
    )
    return vouch_envelope(statement, key)


def check_sides(amounts: Sequence[int], registry: Registry) -> None:
    """Raise OpeningError if an unsigned amount is below zero, or a slot without asset holds
    something.
    """
    for slot, asset in enumerate(registry.by_slot):
        if asset is None and amounts[slot]:
            raise OpeningError(f"slot {slot} holds something, and the registry has no asset there")
        if asset is not None and asset.side != "signed" and amounts[slot] < 0:
            raise OpeningError(f"the amount of {asset.symbol} ({asset.side}) is below zero")


def _check_books(
    commitment: CommitmentDocument, opening: Opening, registry: Registry, books: Portfolio
) -> None:
    if books.account != commitment.account:
        raise OpeningError("the books are those of another account")
    for slot, amount in enumerate(books.amounts(registry)):
        asset = registry.by_slot[slot]
        if asset is not None and amount != opening.amounts[slot]:
            raise OpeningError(f"the books show another amount of {asset.symbol} ({asset.side})")
