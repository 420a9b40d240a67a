"""`zkcollateral prove`: an attestation that the portfolio satisfies one of the policy's claims."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ClaimNotSatisfied, CompileError, DocumentError, InputError
from .computing import load_srs
from .options import AsJson, Audience, PassphraseFile
from .output import emit_result, working
from .passphrase import passphrase_for

if TYPE_CHECKING:
    from ..prover.attestation import Holding
    from ..risk.policy import Policy
    from ..risk.registry import Registry


def prove(
    context: typer.Context,
    opening: Annotated[
        list[Path],
        typer.Option(metavar="FILE", help="Opening, secret; may be repeated."),
    ],
    commitment: Annotated[
        list[Path],
        typer.Option(metavar="FILE", help="Its commitment; in the same order."),
    ],
    policy: Annotated[Path, typer.Option(metavar="FILE", help="Policy.")],
    claim: Annotated[str, typer.Option(metavar="NAME", help="A claim of the policy.")],
    prices: Annotated[Path, typer.Option(metavar="FILE", help="Price round.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Write the attestation here.")],
    audience: Audience = None,
    nonce: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The verifier's challenge, if it set one.")
    ] = None,
    expires_in: Annotated[
        int | None,
        typer.Option(metavar="SECONDS", help="Time to expiry (default: while all is fresh)."),
    ] = None,
    liability_opening: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Opening of what is to be covered."),
    ] = None,
    liability_commitment: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Its commitment; in the same order."),
    ] = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Prove a claim of a policy, and write the attestation.

    Several openings with their commitments are added up, and so are several of the liabilities. If
    the portfolio does not satisfy the claim, no attestation is written and the exit status is 1.
    """
    from ..circuits.claim import document_digest
    from ..circuits.evidence import SignedRound
    from ..prover.attestation import Request, attest
    from ..risk.clock import format_time
    from ..risk.policy import MAX_SECONDS, Policy, check_policy
    from .files import (
        blaming,
        check_replaceable,
        naming,
        read_document,
        refuse_inputs,
        write_document,
    )

    if expires_in is not None and not 1 <= expires_in <= MAX_SECONDS:
        raise InputError("--expires-in", f"1 to {MAX_SECONDS} seconds", str(expires_in))
    owed_opening, owed_commitment = liability_opening or [], liability_commitment or []
    secrets, public = [*opening, *owed_opening], [*commitment, *owed_commitment]
    refuse_inputs([out], [*secrets, *public, policy, prices, passphrase_file])
    rule = read_document(Policy, policy)
    if claim not in rule.claims:
        expected = f"a claim of the name {claim!r}"
        raise InputError(f"{policy}: claims", expected, ", ".join(sorted(rule.claims)))
    _check_accounts(rule, claim, liabilities=bool(owed_opening or owed_commitment))
    round_ = read_document(SignedRound, prices)
    _check_pairs(opening, commitment, "--opening", "--commitment")
    _check_pairs(owed_opening, owed_commitment, "--liability-opening", "--liability-commitment")
    registry, holdings = _holdings(secrets, public, passphrase_file)
    with naming(policy=policy):
        check_policy(rule, document_digest(registry), registry)
    for where, time, limit in _dated(rule, round_.round.time, prices, holdings, public):
        _check_time(where, time, limit)
    check_replaceable(out)
    request = Request(
        claim,
        rule,
        registry,
        round_,
        holdings[: len(opening)],
        holdings[len(opening) :],
        audience=audience,
        nonce=nonce,
        expires_in=expires_in,
    )
    srs = load_srs(context)
    with (
        working("proving", srs.arithmetic.name),
        blaming(policy, CompileError),
        _naming_options(),
        _saying_which(claim),
    ):
        started = perf_counter()
        attestation = attest(request, srs)
        seconds = perf_counter() - started
    write_document(out, attestation.to_json_value())
    proved = attestation.claim
    size = out.stat().st_size
    until = format_time(proved.expires)
    emit_result(
        as_json,
        {
            "claim": proved.name,
            "type": proved.type,
            "policy": proved.policy,
            "commitments": len(proved.summands),
            "audience": proved.audience,
            "nonce": proved.nonce,
            "issued": format_time(proved.issued),
            "expires": until,
            "proof_bytes": len(attestation.proof_bytes),
            "attestation_bytes": size,
            "out": str(out),
            "arithmetic": srs.arithmetic.name,
            "seconds": round(seconds, 6),
        },
        [
            f"{out}: {proved.name} ({proved.type}) of policy {rule.name}, "
            f"proved in {seconds:.3f} s",
            f"proof {len(attestation.proof_bytes)} bytes, attestation {size} bytes",
            f"for {proved.audience or 'nobody in particular'}, valid until {until}",
        ],
    )


def _check_accounts(policy: Policy, claim: str, *, liabilities: bool) -> None:
    from ..circuits.compiler import account_count

    needed = account_count(policy.claims[claim]) == 2
    if needed != liabilities:
        expected = f"the liabilities that {claim!r} covers" if needed else "no liabilities"
        got = "none" if needed else f"some for the claim {claim!r}, which covers none"
        raise InputError("--liability-opening", expected, got)


def _check_pairs(
    openings: Sequence[Path], commitments: Sequence[Path], one: str, other: str
) -> None:
    if len(openings) != len(commitments):
        raise InputError(other, f"{len(openings)} files, one per {one}", str(len(commitments)))


def _holdings(
    openings: Sequence[Path], commitments: Sequence[Path], passphrase_file: Path | None
) -> tuple[Registry, tuple[Holding, ...]]:
    """The registry and the openings with their commitments; errors name the file and the field."""
    from ..circuits.claim import document_digest
    from ..prover.attestation import Holding
    from ..prover.opening import read_opening
    from .files import read_commitment

    holdings = []
    registries: dict[str, Registry] = {}
    # Commitments first: they cost nobody a passphrase.
    public = [(path, *read_commitment(path)) for path in commitments]
    for opening, (commitment, evidence, said) in zip(openings, public, strict=True):
        secret = read_opening(opening, passphrase_for(opening, passphrase_file))
        digest = document_digest(secret.registry)
        for field, mine, theirs in (
            ("account", secret.account, said.account),
            ("commitment", secret.commitment, said.commitment),
            ("registry", digest, said.registry),
        ):
            if mine != theirs:
                expected = f"that of {commitment}, {theirs}"
                raise DocumentError(f"{opening}: {field}", expected, mine)
        registries[digest] = secret.registry
        if len(registries) > 1:
            raise DocumentError(
                f"{opening}: registry", f"that of {openings[0]}, to add up", "another one"
            )
        holdings.append(Holding(secret.opening, evidence))
    return next(iter(registries.values())), tuple(holdings)


def _dated(
    policy: Policy,
    round_time: datetime,
    prices: Path,
    holdings: Sequence[Holding],
    commitments: Sequence[Path],
) -> Iterator[tuple[str, datetime, int]]:
    """Where a time stands in the evidence, the time, and the age that the policy allows it."""
    from ..circuits.evidence import Vouch, read_unverified
    from ..crypto.envelope import Envelope

    yield f"{prices}: round.time", round_time, policy.oracle.max_age_seconds
    for holding, path in zip(holdings, commitments, strict=True):
        if isinstance(holding.commitment, Envelope):
            value = read_unverified(holding.commitment, str(path))
            vouch = Vouch.from_json_value(value, str(path))
            yield f"{path}: as_of", vouch.as_of, policy.commitments.max_age_seconds


def _check_time(where: str, time: datetime, limit: int) -> None:
    """With evidence of tomorrow, or too old already, there would be nothing that is accepted."""
    from ..risk.clock import format_time, now, seconds_between

    current = now()
    age = seconds_between(time, current)
    if age < 0:
        expected = f"a time up to now, {format_time(current)}"
        raise DocumentError(where, expected, format_time(time))
    if age >= limit:
        raise DocumentError(where, f"less than {limit} seconds old", f"{age} seconds")


@contextmanager
def _naming_options() -> Iterator[None]:
    """What the claim takes from the command line is named as the option that gave it."""
    try:
        yield
    except DocumentError as error:
        place, _, field = error.where.partition(": ")
        if place != "zkcollateral/claim/1" or field not in ("audience", "nonce"):
            raise
        raise InputError(f"--{field}", error.expected, error.got) from None


@contextmanager
def _saying_which(claim: str) -> Iterator[None]:
    """A claim that is not satisfied is named; nothing more is said about it."""
    try:
        yield
    except ClaimNotSatisfied as error:
        raise ClaimNotSatisfied(f"{error} {claim!r}, so no attestation was written") from None
