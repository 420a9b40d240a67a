"""`zkcollateral verify`: every check of an attestation, against the verifier's own trust file."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from .computing import load_srs
from .options import ArithmeticName, AsJson, parse_time_option
from .output import emit, emit_json, emit_table, working

if TYPE_CHECKING:
    from ..verifier.bundle import BundleReport
    from ..verifier.report import Report

NOT_VALID = 1


def verify(
    context: typer.Context,
    attestation: Annotated[
        Path, typer.Argument(metavar="ATTESTATION", help="Attestation, or a bundle with one.")
    ],
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

    Of a bundle, its place in the service's log is checked too: then the trust file needs the log's
    key. Every check is listed by name. Exit status: 0 valid, 1 not valid, 2 unusable input.
    """
    from ..risk.clock import format_time, now
    from ..verifier.attestation import verify_attestation
    from ..verifier.bundle import Bundle, verify_bundle
    from ..verifier.examination import Expectation
    from ..verifier.trust import Trust
    from .files import read_attested, read_document

    time = now() if at is None else parse_time_option("--at", at)
    roots = read_document(Trust, trust)
    document = read_attested(attestation)
    srs = load_srs(context, arithmetic)
    with working("verifying", srs.arithmetic.name):
        started = perf_counter()
        expectation = Expectation(time, audience, nonce, claim)
        checked: Report | BundleReport
        if isinstance(document, Bundle):
            checked = verify_bundle(document, roots, srs, expectation)
        else:
            checked = verify_attestation(document, roots, srs, expectation)
        seconds = perf_counter() - started
    if as_json:
        emit_json(
            {
                "attestation": str(attestation),
                "at": format_time(time),
                **checked.to_json_value(),
                "arithmetic": srs.arithmetic.name,
                "seconds": round(seconds, 6),
            }
        )
    else:
        rows = _rows(checked)
        emit_table(("check", "result", "reason"), rows)
        failed = ", ".join(name for name, result, _ in rows if result == "failed")
        verdict = "valid" if checked.valid else f"not valid: {failed}"
        emit(f"{attestation}: {verdict}")
    return 0 if checked.valid else NOT_VALID


def _rows(checked: Report | BundleReport) -> list[tuple[str, str, str]]:
    """Name, result and reason of every check; of a bundle also of its place in the log."""
    from ..verifier.report import Report

    report = checked if isinstance(checked, Report) else checked.report
    checks: list[tuple[str, bool, str]] = [
        (check.name, check.passed, check.reason) for check in report.checks
    ]
    if not isinstance(checked, Report):
        checks.append(("log", checked.logged, checked.reason))
    return [(name, "passed" if passed else "failed", reason) for name, passed, reason in checks]
