"""`zkcollateral prices`: oracles sign price reports, and a quorum of them makes a round."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import DocumentError, InputError, PriceRoundError, SignatureError
from .options import AsJson, PassphraseFile
from .output import emit_result

if TYPE_CHECKING:
    from ..crypto.envelope import Envelope
    from ..risk.prices import PriceReport
    from ..verifier.trust import Trust


def sign(
    report: Annotated[Path, typer.Argument(metavar="REPORT", help="Price report.")],
    key: Annotated[Path, typer.Option(metavar="FILE", help="The oracle's secret key.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Write the signed report here.")],
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Sign a price report as the oracle it names."""
    from ..circuits.evidence import payload_digest, report_envelope
    from ..risk.clock import format_time
    from ..risk.prices import PriceReport
    from .files import read_document, read_key, refuse_inputs, write_document

    refuse_inputs([out], [report, key, passphrase_file])
    document = read_document(PriceReport, report)
    signer = read_key(key, "oracle", passphrase_file)
    if document.oracle != signer.name:
        raise DocumentError(
            f"{report}: oracle", f"{signer.name!r}, whose key {key} is", repr(document.oracle)
        )
    envelope = report_envelope(document, signer.key)
    write_document(out, envelope.to_json_value())
    emit_result(
        as_json,
        {
            "oracle": document.oracle,
            "key_id": signer.key.key_id,
            "time": format_time(document.time),
            "quote": document.quote,
            "symbols": sorted(document.prices),
            "histories": sorted(document.histories),
            "digest": payload_digest(envelope),
            "out": str(out),
        },
        [
            f"{out}: {len(document.prices)} prices in {document.quote} of "
            f"{format_time(document.time)}, signed by {signer.name}"
        ],
    )


def combine(
    signed: Annotated[list[Path], typer.Argument(metavar="SIGNED", help="Signed price reports.")],
    policy: Annotated[Path, typer.Option(metavar="FILE", help="Policy with quorum and ages.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Write the price round here.")],
    trust: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Check signatures with this trust file."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a price round: the median of a quorum of signed reports.

    Ages, deviations and the quorum are those of the policy, and so are the symbols.
    """
    from ..circuits.claim import document_digest
    from ..circuits.evidence import make_signed_round, payload_digest
    from ..risk.clock import format_time
    from ..risk.policy import Policy
    from ..verifier.trust import Trust
    from .files import blaming, read_document, read_report, refuse_inputs, write_document

    refuse_inputs([out], [*signed, policy, trust])
    rule = read_document(Policy, policy)
    roots = read_document(Trust, trust) if trust is not None else None
    reports: dict[str, Path] = {}
    envelopes = []
    oracles = []
    for path in signed:
        envelope, report = read_report(path)
        first = reports.setdefault(payload_digest(envelope), path)
        if first is not path:
            raise InputError(str(path), "every report once", f"the same report as {first}")
        if report.quote != rule.quote:
            raise DocumentError(
                f"{path}: quote", f"{rule.quote!r}, as {policy} has it", repr(report.quote)
            )
        if roots is not None:
            check_signature(envelope, report, roots, str(path))
        envelopes.append(envelope)
        oracles.append(report.oracle)
    with blaming(policy, PriceRoundError):
        round_ = make_signed_round(envelopes, rule)
    write_document(out, round_.to_json_value())
    emit_result(
        as_json,
        {
            "time": format_time(round_.round.time),
            "quote": round_.round.quote,
            "oracles": sorted(oracles),
            "prices": {symbol: str(price) for symbol, price in round_.round.prices.items()},
            "histories": sorted(round_.round.histories),
            "digest": document_digest(round_.round),
            "signatures_checked": roots is not None,
            "out": str(out),
        },
        [
            f"{out}: {len(round_.round.prices)} prices in {round_.round.quote} of "
            f"{format_time(round_.round.time)}, median of {', '.join(sorted(oracles))}",
            f"signatures checked with {trust}"
            if trust is not None
            else "signatures not checked (--trust does that; every verifier does)",
        ],
    )


def check_signature(envelope: Envelope, report: PriceReport, roots: Trust, where: str) -> None:
    """SignatureError unless the oracle that the report names signed it, while its key counted."""
    from ..circuits.evidence import open_report

    keys = roots.keys_of("oracle")
    _, key_id = open_report(envelope, [key.key for key in keys.values()], where)
    if keys[key_id].name != report.oracle:
        raise SignatureError(
            f"{where}: expected the signature of {report.oracle}, got that of {keys[key_id].name}"
        )
    if not keys[key_id].covers(report.time):
        raise SignatureError(
            f"{where}: expected a report from the time in which the key of {report.oracle} counts, "
            "got an earlier or later one"
        )
