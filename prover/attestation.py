"""Issuing an attestation: from openings and evidence to the document that a verifier checks."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..circuits.attestation import Attestation
from ..circuits.claim import (
    PublicClaim,
    RoundReference,
    Summand,
    build_statement,
    document_digest,
)
from ..circuits.compiler import account_count, compile_claim
from ..circuits.evidence import (
    CommitmentDocument,
    SignedDocument,
    SignedRound,
    Vouch,
    read_unverified,
)
from ..crypto.canonical import MAX_BYTES, canonical_bytes
from ..crypto.commitment import Opening, add_openings
from ..crypto.envelope import Envelope
from ..crypto.srs import Srs
from ..errors import CompileError, OpeningError
from ..risk.claims import PortfolioMargin
from ..risk.clock import format_time, now, require_utc, seconds_between
from ..risk.policy import Policy, check_policy
from ..risk.registry import Registry
from .proof import prove
from .solve import solve
from .witness import Witness


@dataclass(frozen=True)
class Holding:
    """A commitment with its opening: what a holder brings to a claim. The opening is secret.

    Args:
        opening: the secret opening.
        commitment: the envelope of the custodian's or venue's vouch, or the bare commitment if
            nobody vouches for it.
    """

    opening: Opening
    commitment: Envelope | CommitmentDocument


@dataclass(frozen=True)
class Request:
    """What is to be attested.

    Args:
        claim: a name in the policy's claims.
        policy, registry, prices: what the claim is about.
        holdings: one per commitment; several are added up, and then all are vouched for.
        liabilities: the same for the account whose debts are to be covered, of a `covers` claim.
        audience: whom the attestation is for; None for anybody.
        nonce: the verifier's challenge, if it set one.
        expires_in: seconds from issue to expiry; None lasts as long as prices and commitments are
            fresh under the policy.
    """

    claim: str
    policy: Policy
    registry: Registry
    prices: SignedRound
    holdings: tuple[Holding, ...]
    liabilities: tuple[Holding, ...] = ()
    audience: str | None = None
    nonce: str | None = None
    expires_in: int | None = None

    @property
    def accounts(self) -> tuple[tuple[Holding, ...], ...]:
        """The holdings of every account of the claim."""
        return (self.holdings, self.liabilities) if self.liabilities else (self.holdings,)


def attest(request: Request, srs: Srs, *, issued: datetime | None = None) -> Attestation:
    """An attestation whose proof has passed its own verification.

    Args:
        request: what is to be attested.
        srs: the structured reference string.
        issued: the time of issue, UTC; by default now.

    Raises:
        ClaimNotSatisfied: the portfolio does not satisfy the claim.
        CompileError: the claim has no statement, or the policy does not allow these commitments.
        OpeningError: an opening is not its commitment's.
    """
    issued = now() if issued is None else issued
    require_utc(issued, "time of issue")
    policy, registry = request.policy, request.registry
    registry_digest = document_digest(registry)
    check_policy(policy, registry_digest, registry)
    claim = _claim(request, registry_digest, issued)
    circuit = compile_claim(policy, registry, request.prices.round, request.claim, *claim.backings)
    holdings = [holding for account in request.accounts for holding in account]
    for holding, commitment in zip(holdings, claim.summands, strict=True):
        opened = holding.opening.commit(srs)
        if opened.slots != registry.slots or bytes(opened).hex() != commitment.commitment:
            raise OpeningError(
                f"the opening for account {commitment.account} does not open its commitment"
            )
    statement = build_statement(claim, circuit, srs)
    openings = tuple(
        add_openings([holding.opening for holding in account]) for account in request.accounts
    )
    witness = Witness(openings, solve(circuit, *(opening.amounts for opening in openings)))
    attestation = Attestation(
        claim=claim,
        policy=policy,
        registry=registry,
        prices=request.prices,
        vouchers=tuple(
            SignedDocument.of(holding.commitment)
            for holding in holdings
            if isinstance(holding.commitment, Envelope)
        ),
        proof=prove(statement, witness, srs).encoded.hex(),
    )
    if len(canonical_bytes(attestation.to_json_value())) > MAX_BYTES:
        raise CompileError(f"the attestation is larger than the {MAX_BYTES} bytes that are read")
    return attestation


def attest_many(
    requests: Sequence[Request], srs: Srs, *, workers: int | None = None
) -> list[Attestation]:
    """Several attestations at once; the native arithmetic computes them on several cores.

    Args:
        requests: what is to be attested.
        srs: the structured reference string.
        workers: threads; by default as many as Python finds sensible.

    Raises:
        As `attest`, for the first request that fails.
    """
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda request: attest(request, srs), requests))


def _vouch(holding: Holding) -> tuple[Vouch | CommitmentDocument, str | None]:
    """What a commitment says, and the key id of its voucher."""
    if isinstance(holding.commitment, CommitmentDocument):
        return holding.commitment, None
    value = read_unverified(holding.commitment, "vouched commitment")
    vouch = Vouch.from_json_value(value, "vouched commitment")
    return vouch, holding.commitment.signatures[0].keyid


def _claim(request: Request, registry_digest: str, issued: datetime) -> PublicClaim:
    policy, rule = request.policy, request.policy.claims.get(request.claim)
    if rule is None:
        known = ", ".join(sorted(policy.claims))
        raise CompileError(f"the policy {policy.name} has no claim {request.claim!r}, but {known}")
    needed = account_count(rule)
    if len(request.accounts) != needed:
        raise CompileError(
            f"the claim {request.claim!r} is about {needed} account(s), got {len(request.accounts)}"
        )
    accounts = [_summands(policy, account, registry_digest) for account in request.accounts]
    summands = [summand for account in accounts for summand in account]
    _check_times(request, summands, issued)
    return PublicClaim.build(
        type=rule.type,
        name=request.claim,
        policy=document_digest(policy),
        registry=registry_digest,
        round=RoundReference(
            digest=document_digest(request.prices.round), time=request.prices.round.time
        ),
        accounts=[
            {
                "slots": request.registry.slots,
                "summands": len(account),
                "commitments": account,
            }
            for account in accounts
        ],
        audience=request.audience,
        nonce=request.nonce,
        issued=issued,
        expires=_expiry(request, summands, issued),
    )


def _summands(
    policy: Policy, holdings: Sequence[Holding], registry_digest: str
) -> tuple[Summand, ...]:
    """The commitments of one account, if the policy takes them."""
    vouches = [_vouch(holding) for holding in holdings]
    unvouched = [document for document, voucher in vouches if voucher is None]
    if unvouched and not policy.commitments.unvouched:
        raise CompileError(f"the policy {policy.name} wants every commitment vouched for")
    if unvouched and len(vouches) > 1:
        raise CompileError("only vouched commitments may be added up")
    if not 1 <= len(vouches) <= policy.commitments.max_summands:
        raise CompileError(
            f"the policy {policy.name} takes 1 to {policy.commitments.max_summands} commitments, "
            f"got {len(vouches)}"
        )
    for document, _ in vouches:
        if document.registry != registry_digest:
            raise CompileError(
                f"the commitment of account {document.account} was made under another registry"
            )
    return tuple(
        Summand(
            account=document.account,
            commitment=document.commitment,
            voucher=voucher,
            as_of=document.as_of if isinstance(document, Vouch) else None,
        )
        for document, voucher in vouches
    )


def _check_times(request: Request, summands: Sequence[Summand], issued: datetime) -> None:
    """What a verifier would refuse whatever the proof."""
    times = [summand.as_of for summand in summands if summand.as_of is not None]
    first = _first_expiry(request)
    if first is not None and issued >= first[0]:
        raise CompileError(f"the instrument {first[1]} expired at {format_time(first[0])}")
    if issued < max([request.prices.round.time, *times]):
        raise CompileError("the prices or a commitment are dated after the time of issue")
    allowed = request.policy.commitments.max_apart_seconds
    if times and seconds_between(min(times), max(times)) > allowed:
        raise CompileError(
            f"the commitments are more than {allowed} s apart, which the policy "
            f"{request.policy.name} does not allow"
        )


def _expiry(request: Request, summands: Sequence[Summand], issued: datetime) -> datetime:
    if request.expires_in is not None:
        return _later(issued, request.expires_in)
    policy = request.policy
    limits = [_later(request.prices.round.time, policy.oracle.max_age_seconds)]
    limits += [
        _later(summand.as_of, policy.commitments.max_age_seconds)
        for summand in summands
        if summand.as_of is not None
    ]
    first = _first_expiry(request)
    expires = min(limits) if first is None else min(*limits, first[0])
    if expires <= issued:
        raise CompileError(
            f"the prices or a commitment are too old for the policy {policy.name}: "
            "an attestation would be born expired"
        )
    return expires


def _first_expiry(request: Request) -> tuple[datetime, str] | None:
    """When the first instrument expires, of a claim that counts instruments."""
    margin, rule = request.policy.margin, request.policy.claims.get(request.claim)
    return margin.first_expiry if margin and isinstance(rule, PortfolioMargin) else None


def _later(time: datetime, seconds: int) -> datetime:
    try:
        return time + timedelta(seconds=seconds)
    except OverflowError:
        raise CompileError(f"{seconds} seconds from now is beyond the calendar") from None
