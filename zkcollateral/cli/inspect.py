"""`zkcollateral inspect`: what an attestation says and holds, unchecked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import DocumentError, ZkCollateralError
from .computing import load_srs
from .options import AsJson
from .output import emit, emit_json, emit_table

if TYPE_CHECKING:
    from ..circuits.attestation import Attestation
    from ..circuits.statement import Statement
    from ..crypto.srs import Srs
    from ..verifier.bundle import Inclusion

NOTHING_CHECKED = "Nothing here was checked: that is what `zkcollateral verify` does."
_ROLES = ("commitment of assets", "commitment of liabilities")
HIDDEN = (
    "Not in it, and not to be had from it: the amounts, which assets are held at all, their value, "
    "and how far above its bound the account is."
)


def inspect(
    context: typer.Context,
    attestation: Annotated[
        Path, typer.Argument(metavar="ATTESTATION", help="Attestation, or a bundle with one.")
    ],
    statement_bytes: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the encoded statement here."),
    ] = None,
    proof_bytes: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the encoded proof here."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what an attestation or a bundle says, unchecked."""
    from ..circuits.attestation import Attestation
    from .files import read_attested, refuse_inputs, write_binary

    refuse_inputs([statement_bytes, proof_bytes], [attestation])
    read = read_attested(attestation)
    document = read if isinstance(read, Attestation) else read.attestation
    srs = load_srs(context)
    statement: Statement | str
    try:
        statement = _statement(document, srs)
    except ZkCollateralError as error:
        statement = str(error)
    if statement_bytes is not None:
        if isinstance(statement, str):
            raise DocumentError(f"{attestation}: claim", "one that has a statement", statement)
        write_binary(statement_bytes, statement.encoded)
    if proof_bytes is not None:
        write_binary(proof_bytes, document.proof_bytes)
    place = None if isinstance(read, Attestation) else read.log
    summary = _Summary(document, statement, attestation.stat().st_size, place)
    if as_json:
        emit_json({"attestation": str(attestation), "checked": False, **summary.to_json_value()})
        return
    emit_table(("what", "as the attestation says"), summary.rows(), str(attestation))
    emit(NOTHING_CHECKED)
    emit(HIDDEN)


def _statement(document: Attestation, srs: Srs) -> Statement:
    """What the proof has to prove, rebuilt as a verifier does."""
    from ..circuits.claim import build_statement, document_digest
    from ..circuits.compiler import compile_claim
    from ..risk.policy import check_policy

    claim, registry = document.claim, document.registry
    check_policy(document.policy, document_digest(registry), registry)
    circuit = compile_claim(
        document.policy,
        registry,
        document.prices.round,
        claim.name,
        *claim.backings,
    )
    return build_statement(claim, circuit, srs)


@dataclass(frozen=True)
class _Summary:
    document: Attestation
    statement: Statement | str
    size: int
    place: Inclusion | None

    def to_json_value(self) -> dict[str, Any]:
        """The public content, for programs."""
        document = self.document
        return {
            "bytes": self.size,
            "claim": document.claim.to_json_value(),
            "context": document.claim.context().hex(),
            "rule": document.policy.to_json_value()["claims"].get(document.claim.name),
            "policy": {"name": document.policy.name, "ratio": str(document.policy.ratio)},
            "registry": {"name": document.registry.name, "assets": len(document.registry.assets)},
            "round": document.prices.round.to_json_value(),
            "oracles": self.oracles(),
            "statement": self.shape(),
            "proof_bytes": len(document.proof_bytes),
            **({} if self.place is None else {"log": self.place.model_dump()}),
        }

    def oracles(self) -> list[dict[str, str]]:
        """Who the price reports say they are by, and the keys that they say signed them."""
        from ..circuits.evidence import read_unverified
        from ..risk.prices import PriceReport

        found = []
        for index, signed in enumerate(self.document.prices.reports):
            where = f"price report {index}"
            try:
                envelope = signed.envelope(where)
                report = PriceReport.from_json_value(read_unverified(envelope, where), where)
            except ZkCollateralError as error:
                found.append({"unreadable": str(error)})
                continue
            key_ids = ", ".join(signature.keyid for signature in envelope.signatures)
            time = report.to_json_value()["time"]
            found.append({"oracle": report.oracle, "time": time, "key_id": key_ids})
        return found

    def shape(self) -> dict[str, Any]:
        """Sizes of the statement; or why there is none."""
        from ..circuits.layout import column_count

        if isinstance(self.statement, str):
            return {"unusable": self.statement}
        n, m = self.statement.domain_size, self.statement.value_count
        return {
            "rows": len(self.statement.system.rows),
            "range_checked_values": m,
            "domain_size": n,
            "columns": column_count(n, m),
            "bytes": len(self.statement.encoded),
        }

    def rows(self) -> list[tuple[str, str]]:
        """The public content, for people."""
        document = self.document
        claim, value = document.claim, document.claim.to_json_value()
        rows = [
            ("claim", f"{claim.name}, of type {claim.type}"),
            ("policy", f"{document.policy.name}, digest {claim.policy}"),
            ("registry", f"{document.registry.name}, digest {claim.registry}"),
            ("for", claim.audience or "nobody in particular"),
            ("nonce", claim.nonce or "none"),
            ("issued", value["issued"]),
            ("expires", value["expires"]),
            (
                "prices",
                f"{len(document.prices.round.prices)} in {document.prices.round.quote} "
                f"of {value['round']['time']}, digest {claim.round.digest}",
            ),
        ]
        for oracle in self.oracles():
            text = oracle.get("unreadable") or f"{oracle['oracle']} at {oracle['time']}"
            rows.append(("price report", text))
        for role, account in zip(_ROLES, value["accounts"], strict=False):
            what = role if len(value["accounts"]) > 1 else "commitment"
            for summand in account["commitments"]:
                voucher, as_of = summand["voucher"], summand["as_of"]
                by = f"vouched by key {voucher} as of {as_of}" if voucher else "unvouched"
                rows.append((what, f"{summand['account']}: {summand['commitment']}, {by}"))
        shape = self.shape()
        rows.append(
            ("statement", ", ".join(f"{v} {k.replace('_', ' ')}" for k, v in shape.items()))
        )
        rows.append(("proof", f"{len(document.proof_bytes)} bytes"))
        if self.place is None:
            return [*rows, ("attestation", f"{self.size} bytes")]
        entry, note = self.place.entry.to_json_value(), self.place.checkpoint.splitlines()
        return [
            *rows,
            ("log entry", f"{self.place.index}, of {entry['time']}, id {entry['id']}"),
            ("log checkpoint", _plain(", ".join(note[:3]))),
            ("bundle", f"{self.size} bytes"),
        ]


def _plain(text: str) -> str:
    """A text that nobody has checked, as something that may be printed."""
    return "".join(c if c.isprintable() else " " for c in text[:200])
