"""The public claim: what an attestation says, and the 32 bytes that bind a proof to it.

Source: protocol section 9.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ..crypto.canonical import digest
from ..crypto.commitment import Commitment, add_commitments
from ..crypto.srs import Srs
from ..errors import EncodingError
from ..risk.claims import ClaimType
from ..risk.document import Document, Part
from ..risk.values import HexDigest, Integer, Name, Several, Text, Time, refusal
from .compiler import Backing, Circuit
from .statement import Account, Statement

MAX_SUMMANDS = 64

_POINT = re.compile(r"[0-9a-f]{96}")


def _hex_point(text: str) -> str:
    if _POINT.fullmatch(text) is None:
        raise refusal("a compressed point of 96 lowercase hex digits")
    return text


HexPoint = Annotated[str, AfterValidator(_hex_point)]
"""A compressed point of G1 as 96 lowercase hex digits; whether it is one is decided when it is
decoded.
"""

SlotCount = Annotated[int, Integer(1, 1024)]


class Summand(Part):
    """One commitment of an account.

    `voucher` is the key id of the custodian or venue that vouches for it, `as_of` the time its
    signature speaks of; both are null for an unvouched commitment.
    """

    account: Name
    commitment: HexPoint
    voucher: HexDigest | None
    as_of: Time | None


class ClaimedAccount(Part):
    """An account of the claim: one commitment, or several vouched ones added up."""

    slots: SlotCount
    summands: Annotated[int, Integer(1, MAX_SUMMANDS)]
    commitments: Annotated[Several[Summand], Field(min_length=1, max_length=MAX_SUMMANDS)]

    @property
    def vouched(self) -> bool:
        """Whether every amount's range is vouched for."""
        return self.commitments[0].voucher is not None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.summands != len(self.commitments):
            raise refusal(f"{len(self.commitments)}, the number of commitments", at="summands")
        seen = set()
        points = set()
        for index, summand in enumerate(self.commitments):
            at = f"commitments[{index}]"
            # Two portfolios have different blinders: an equal commitment is the same one counted
            # twice.
            if summand.commitment in points:
                raise refusal("every commitment once", "one twice", f"{at}.commitment")
            points.add(summand.commitment)
            if (summand.voucher is None) != (summand.as_of is None):
                raise refusal("both a voucher and an as-of time, or neither", "one of them", at)
            if summand.voucher is None and self.summands != 1:
                raise refusal("a voucher for every commitment of a sum", "none", at)
            if (summand.voucher, summand.account) in seen:
                raise refusal(
                    "every account of a voucher once", f"{summand.account!r} twice", f"{at}.account"
                )
            seen.add((summand.voucher, summand.account))
        return self


class RoundReference(Part):
    """The price round that the claim is made against."""

    digest: HexDigest
    time: Time


class PublicClaim(Document):
    """Everything that a proof is bound to, by digest or in full.

    It is about one account; a `covers` claim about two, assets first.
    """

    format: Literal["zkcollateral/claim/1"] = "zkcollateral/claim/1"
    type: ClaimType
    name: Name
    policy: HexDigest
    registry: HexDigest
    round: RoundReference
    accounts: Annotated[Several[ClaimedAccount], Field(min_length=1, max_length=2)]
    audience: Text | None
    nonce: Text | None
    issued: Time
    expires: Time

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.expires <= self.issued:
            raise refusal("a time after `issued`", "an earlier one", "expires")
        needed = 2 if self.type == "covers" else 1
        if len(self.accounts) != needed:
            raise refusal(f"{needed} account(s)", str(len(self.accounts)), "accounts")
        return self

    @property
    def summands(self) -> tuple[Summand, ...]:
        """The commitments of all accounts, in order."""
        return tuple(summand for account in self.accounts for summand in account.commitments)

    @property
    def backings(self) -> tuple[Backing, ...]:
        """What stands behind each account, as the compiler wants to know it."""
        return tuple(
            Backing(vouched=account.vouched, summands=account.summands) for account in self.accounts
        )

    def context(self) -> bytes:
        """SHA-256 of the claim in canonical form: the statement's context."""
        return bytes.fromhex(document_digest(self))


def document_digest(document: Document) -> str:
    """SHA-256 of a document's canonical form, 64 hex digits: its identity everywhere."""
    return digest(document.to_json_value())


def build_statement(claim: PublicClaim, circuit: Circuit, srs: Srs) -> Statement:
    """The statement that a proof of this claim proves.

    The commitments are added up here, from the claim; nobody's sum is believed.

    Args:
        claim: the public claim.
        circuit: compiled from the claim's policy, registry and price round.
        srs: whose arithmetic decodes and adds the commitments.

    Raises:
        EncodingError: a commitment that is no valid point, or a sum that is the identity.
    """
    return Statement(
        circuit.domain_size,
        circuit.value_count,
        tuple(Account(account.slots, _total(account, srs)) for account in claim.accounts),
        circuit.system,
        claim.context(),
    )


def _total(account: ClaimedAccount, srs: Srs) -> bytes:
    total = add_commitments(
        [
            Commitment(
                account.slots, srs.arithmetic.decode_point(bytes.fromhex(summand.commitment))
            )
            for summand in account.commitments
        ]
    )
    if total.point.is_identity():
        raise EncodingError("sum of the commitments", "another point", "the identity")
    return bytes(total)
