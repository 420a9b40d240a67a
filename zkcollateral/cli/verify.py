"""`zkcollateral verify`: every check of an attestation, against the verifier's own trust file."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from .computing import load_srs
from .options import ArithmeticName, AsJson, parse_time_option
from .output import emit, emit_json, emit_table, working

NOT_VALID = 1


def verify(
    context: typer.Context,
    attestation: Annotated[Path, typer.Argument(metavar="ATTESTATION", help="Attestation.")],
    trust: Annotated[Path, typer.Option(metavar="FILE", help="Your trust file (see trust).")],
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Time of the check (default: now).")
    ] = None,
    audience: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Your name (default: the trust file's)."),
    ] = None,
    nonce: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The challenge that must be answered.")
    ] = None,
    claim: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The claim that was asked for (default: any)."),
    ] = None,
    arithmetic: Annotated[
        ArithmeticName | None, typer.Option(metavar="NAME", help="native or reference.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Check an attestation offline against a trust file.

    Every check is listed by name. Exit status: 0 valid, 1 not valid, 2 unusable input.
    """
    from ..circuits.attestation import Attestation
    from ..risk.clock import format_time, now
    from ..verifier.attestation import verify_attestation
    from ..verifier.examination import Expectation
    from ..verifier.trust import Trust
    from .files import read_document

    time = now() if at is None else parse_time_option("--at", at)
    roots = read_document(Trust, trust)
    document = read_document(Attestation, attestation)
    srs = load_srs(context, arithmetic)
    with working("verifying", srs.arithmetic.name):
        started = perf_counter()
        expectation = Expectation(time, audience, nonce, claim)
        report = verify_attestation(document, roots, srs, expectation)
        seconds = perf_counter() - started
    if as_json:
        emit_json(
            {
                "attestation": str(attestation),
                "at": format_time(time),
                **report.to_json_value(),
                "arithmetic": srs.arithmetic.name,
                "seconds": round(seconds, 6),
            }
        )
    else:
        emit_table(
            ("check", "result", "reason"),
            [
                (check.name, "passed" if check.passed else "failed", check.reason)
                for check in report.checks
            ],
        )
        failed = ", ".join(check.name for check in report.failed)
        verdict = "valid" if report.valid else f"not valid: {failed}"
        emit(f"{attestation}: {verdict}")
    return 0 if report.valid else NOT_VALID
