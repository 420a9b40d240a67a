"""Who claims what to whom: what makes one attestation the successor of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..circuits.claim import PublicClaim
from ..crypto.canonical import digest
from ..verifier.trust import TrustedKey


class AccountName(NamedTuple):
    """An account of a claim. The custodian is None for a commitment that nobody vouches for."""

    side: int
    custodian: str | None
    account: str


def accounts_of(claim: PublicClaim, custodians: Mapping[str, TrustedKey]) -> list[AccountName]:
    """The accounts of a claim, by the names of those who vouch for them, in the claim's order.

    Args:
        claim: one that was verified.
        custodians: the trusted keys by key id.
    """
    return [
        AccountName(
            side,
            None if summand.voucher is None else custodians[summand.voucher].name,
            summand.account,
        )
        for side, account in enumerate(claim.accounts)
        for summand in account.commitments
    ]


def subject_of(claim: PublicClaim, accounts: list[AccountName], tenant: str) -> str:
    """The digest that attestations about the same accounts and question have in common.

    Anybody can choose the name of an account if nobody vouches for it: then the tenant counts too.
    """
    vouched = all(account.custodian is not None for account in accounts)
    return digest(
        {
            "accounts": [
                [str(account.side), account.custodian, account.account]
                for account in sorted(
                    accounts, key=lambda a: (a.side, a.custodian or "", a.account)
                )
            ],
            "audience": claim.audience,
            "claim": claim.name,
            "policy": claim.policy,
            "tenant": None if vouched else tenant,
        }
    )


def covered_by(accounts: Sequence[AccountName]) -> list[tuple[str, str]]:
    """Custodian and account of those that a claim says are covered; none if any is unvouched.

    What nobody vouches for may be made up: it covers nothing that can be relied on, and anybody
    could give it the name of somebody else's account. Of a claim about two it is the liabilities
    that are covered; whoever lends the assets is not.
    """
    covered = [
        (account.custodian, account.account)
        for account in accounts
        if account.custodian is not None and account.side == accounts[-1].side
    ]
    return covered if all(account.custodian is not None for account in accounts) else []
