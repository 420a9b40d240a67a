"""`zkcollateral prove`: an attestation that the portfolio satisfies one of the policy's claims."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from ..errors import CompileError, DocumentError, InputError
from .computing import load_srs
from .holdings import HoldingFiles, saying_which
from .options import (
    AsJson,
    Audience,
    CommitmentFiles,
    LiabilityCommitments,
    LiabilityOpenings,
    Openings,
    PassphraseFile,
)
from .output import emit_result, working


def prove(
    context: typer.Context,
    opening: Openings,
    commitment: CommitmentFiles,
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
    liability_opening: LiabilityOpenings = None,
    liability_commitment: LiabilityCommitments = None,
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
    files = HoldingFiles(
        opening, commitment, liability_opening or [], liability_commitment or [], passphrase_file
    )
    refuse_inputs([out], [*files.inputs, policy, prices])
    rule = read_document(Policy, policy)
    if claim not in rule.claims:
        expected = f"a claim of the name {claim!r}"
        raise InputError(f"{policy}: claims", expected, ", ".join(sorted(rule.claims)))
    files.check_accounts(rule, claim)
    round_ = read_document(SignedRound, prices)
    files.check_pairs()
    held = files.read()
    with naming(policy=policy):
        check_policy(rule, document_digest(held.registry), held.registry)
    held.check_ages(rule, f"{prices}: round.time", round_.round.time)
    check_replaceable(out)
    request = Request(
        claim,
        rule,
        held.registry,
        round_,
        held.assets,
        held.liabilities,
        audience=audience,
        nonce=nonce,
        expires_in=expires_in,
    )
    srs = load_srs(context)
    with (
        working("proving", srs.arithmetic.name),
        blaming(policy, CompileError),
        _naming_options(),
        saying_which(claim),
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
