"""`zkcollateral audit`: an auditor asks the service for a proof, and a holder answers it."""

from __future__ import annotations

import re
import sys
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError
from .computing import load_srs
from .holdings import HoldingFiles, saying_which
from .options import (
    ApiKeyFile,
    AsJson,
    CommitmentFiles,
    LiabilityCommitments,
    LiabilityOpenings,
    Openings,
    PassphraseFile,
    PlainHttp,
    Service,
    parse_time_option,
)
from .output import emit, emit_json, emit_result, emit_table, notice, working
from .rounds import check_accepted, check_round
from .service import connect, refusal_value, show_refusal
from .submit import REFUSED, accepted_lines, accepted_value, fetch_bundle

if TYPE_CHECKING:
    from ..client.results import Audit
    from ..risk.policy import Policy

DEFAULT_HOURS = 24
NOTHING_SENT = "so nothing was submitted"

_DIGEST = re.compile(r"[0-9a-f]{64}")


class StateName(StrEnum):
    """What has become of an audit."""

    open = "open"
    answered = "answered"
    failed = "failed"
    expired = "expired"
    withdrawn = "withdrawn"


def open_audit(
    prover: Annotated[str, typer.Option(metavar="TENANT", help="Who is asked.")],
    policy: Annotated[str, typer.Option(metavar="FILE", help="Policy, or its digest.")],
    claim: Annotated[str, typer.Option(metavar="NAME", help="The claim that is asked for.")],
    deadline: Annotated[
        str | None,
        typer.Option(metavar="TIME", help=f"Answers until then (default: {DEFAULT_HOURS} hours)."),
    ] = None,
    audience: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whom the answer must be addressed to.")
    ] = None,
    max_attempts: Annotated[
        int | None, typer.Option(metavar="N", help="Refused answers until the audit fails.")
    ] = None,
    service: Service = None,
    api_key_file: ApiKeyFile = None,
    plain_http: PlainHttp = False,
    as_json: AsJson = False,
) -> None:
    """Ask a holder for an attestation. The service draws the nonce."""
    from ..risk.clock import now

    until = now() + timedelta(hours=DEFAULT_HOURS)
    if deadline is not None:
        until = parse_time_option("--deadline", deadline)
    digest = _digest(policy, claim)
    with connect(service, api_key_file, plain_http=plain_http) as client:
        audit = client.audits.open(
            prover=prover,
            policy=digest,
            claim=claim,
            deadline=until,
            audience=audience,
            max_attempts=max_attempts,
        )
    value = audit.to_json_value()
    emit_result(
        as_json,
        value,
        [
            f"audit {audit.id}: asks {audit.prover} for {audit.claim} of policy {audit.policy}",
            f"for {audit.audience}, nonce {audit.nonce}, until {value['deadline']}",
        ],
    )


def list_audits(
    state: Annotated[
        StateName | None, typer.Option(metavar="STATE", help="Only those in this state.")
    ] = None,
    service: Service = None,
    api_key_file: ApiKeyFile = None,
    plain_http: PlainHttp = False,
    as_json: AsJson = False,
) -> None:
    """List the audits that you opened or are asked by."""
    with connect(service, api_key_file, plain_http=plain_http) as client:
        audits = [*client.audits.list(state=None if state is None else state.value)]
    if as_json:
        emit_json({"audits": [audit.to_json_value() for audit in audits]})
        return
    emit_table(
        ("audit", "state", "by", "asks", "claim", "until"),
        [
            (
                audit.id,
                audit.state,
                audit.auditor,
                audit.prover,
                audit.claim,
                str(audit.to_json_value()["deadline"]),
            )
            for audit in audits
        ],
    )


def answer(
    context: typer.Context,
    audit: Annotated[str, typer.Argument(metavar="AUDIT", help="The audit's id.")],
    opening: Openings,
    commitment: CommitmentFiles,
    trust: Annotated[Path, typer.Option(metavar="FILE", help="Your trust file (see trust).")],
    liability_opening: LiabilityOpenings = None,
    liability_commitment: LiabilityCommitments = None,
    yes: Annotated[bool, typer.Option("--yes", help="Answer without being asked.")] = False,
    bundle_out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the bundle here.")
    ] = None,
    passphrase_file: PassphraseFile = None,
    service: Service = None,
    api_key_file: ApiKeyFile = None,
    plain_http: PlainHttp = False,
    as_json: AsJson = False,
) -> int:
    """Answer an audit: prove what it asks for on the newest prices, and submit that.

    It is shown what is asked before any secret is read. Only policies and oracles of your own trust
    file count: by what you answer, others could learn where you stand.
    """
    from ..circuits.claim import document_digest
    from ..client.errors import ServiceError
    from ..prover.attestation import Request, attest
    from ..risk.policy import check_policy
    from ..verifier.trust import Trust
    from .files import check_replaceable, read_document, refuse_inputs

    files = HoldingFiles(
        opening, commitment, liability_opening or [], liability_commitment or [], passphrase_file
    )
    refuse_inputs([bundle_out], [*files.inputs, trust, api_key_file])
    files.check_pairs()
    if bundle_out is not None:
        check_replaceable(bundle_out)
    roots = read_document(Trust, trust)
    with connect(service, api_key_file, plain_http=plain_http) as client:
        asked = client.audits.get(audit)
        where = f"audit {asked.id}"
        if asked.state != "open":
            raise InputError(where, "an open audit", f"one that is {asked.state}")
        rule = client.policies.get(asked.policy)
        check_accepted(rule, roots, trust, f"{where}: policy")
        if asked.claim not in rule.claims:
            expected = f"one of {', '.join(sorted(rule.claims))}"
            raise InputError(f"{where}: claim", expected, repr(asked.claim))
        files.check_accounts(rule, asked.claim)
        _confirm(asked, rule, yes=yes, as_json=as_json)
        prices = client.price_rounds.latest(asked.policy)
        check_round(prices, rule, roots, "newest round")
        held = files.read()
        check_policy(rule, document_digest(held.registry), held.registry)
        held.check_ages(rule, "newest round: time", prices.round.time)
        request = Request(
            asked.claim,
            rule,
            held.registry,
            prices,
            held.assets,
            held.liabilities,
            audience=asked.audience,
            nonce=asked.nonce,
        )
        srs = load_srs(context)
        with working("proving", srs.arithmetic.name), saying_which(asked.claim, NOTHING_SENT):
            started = perf_counter()
            attestation = attest(request, srs)
            seconds = perf_counter() - started
        try:
            submitted = client.audits.answer(asked.id, attestation)
        except ServiceError as error:
            if not error.checks:
                raise
            if as_json:
                emit_json({"audit": asked.id, **refusal_value(error)})
            else:
                show_refusal(error, where)
            return REFUSED
        fetch_bundle(client, submitted, bundle_out)
    emit_result(
        as_json,
        {
            **accepted_value(submitted, bundle_out),
            "audit": asked.id,
            "arithmetic": srs.arithmetic.name,
            "seconds": round(seconds, 6),
        },
        accepted_lines(submitted, where, bundle_out),
    )
    return 0


def _confirm(audit: Audit, policy: Policy, *, yes: bool, as_json: bool) -> None:
    """Show what is asked, and ask whether to answer it, unless that was said before.

    Raises:
        InputError: nobody is there to be asked.
        typer.Abort: the answer is no.
    """
    from ..risk.clock import format_time

    lines = (
        f"audit {audit.id} of {audit.auditor} asks {audit.prover} to prove",
        f"  claim    {audit.claim} ({policy.claims[audit.claim].type})",
        f"  policy   {policy.name}, digest {audit.policy}",
        f"  for      {audit.audience}",
        f"  until    {format_time(audit.deadline)}",
    )
    for line in lines:
        (notice if as_json else emit)(line)
    if yes:
        return
    if not sys.stdin.isatty():
        raise InputError("--yes", "this option, or a terminal to ask on", "neither")
    typer.confirm("Answer it?", abort=True, err=True)


def _digest(policy: str, claim: str) -> str:
    """The digest of a policy that was named by its file or its digest."""
    from ..circuits.claim import document_digest
    from ..risk.policy import Policy
    from .files import read_document

    if _DIGEST.fullmatch(policy):
        return policy
    rule = read_document(Policy, Path(policy))
    if claim not in rule.claims:
        expected = f"a claim of the name {claim!r}"
        raise InputError(f"{policy}: claims", expected, ", ".join(sorted(rule.claims)))
    return document_digest(rule)
