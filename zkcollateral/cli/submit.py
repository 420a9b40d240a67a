"""`zkcollateral submit`: an attestation to the service, and its bundle back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import ApiKeyFile, AsJson, PlainHttp, Service
from .output import emit_json, emit_result
from .service import connect, refusal_value, show_refusal

if TYPE_CHECKING:
    from ..client.client import Client
    from ..client.results import Submitted

REFUSED = 1


def submit(
    attestation: Annotated[Path, typer.Argument(metavar="ATTESTATION", help="Attestation.")],
    bundle_out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the bundle here.")
    ] = None,
    service: Service = None,
    api_key_file: ApiKeyFile = None,
    plain_http: PlainHttp = False,
    as_json: AsJson = False,
) -> int:
    """Submit an attestation to the service.

    It is checked there completely; if it is refused, every check is listed and the exit status is
    1. The bundle is the attestation with its place in the log, for checking offline.
    """
    from ..circuits.attestation import Attestation
    from ..client.errors import ServiceError
    from .files import check_replaceable, read_document, refuse_inputs

    refuse_inputs([bundle_out], [attestation, api_key_file])
    document = read_document(Attestation, attestation)
    if bundle_out is not None:
        check_replaceable(bundle_out)
    with connect(service, api_key_file, plain_http=plain_http) as client:
        try:
            submitted = client.attestations.submit(document)
        except ServiceError as error:
            if not error.checks:
                raise
            if as_json:
                emit_json({"attestation": str(attestation), **refusal_value(error)})
            else:
                show_refusal(error, str(attestation))
            return REFUSED
        fetch_bundle(client, submitted, bundle_out)
    emit_result(
        as_json,
        {"attestation": str(attestation), **accepted_value(submitted, bundle_out)},
        accepted_lines(submitted, str(attestation), bundle_out),
    )
    return 0


def fetch_bundle(client: Client, submitted: Submitted, out: Path | None) -> None:
    """Write the bundle of an accepted attestation, if a file for it was named."""
    from .files import write_document

    if out is not None:
        bundle = client.attestations.bundle(submitted.attestation.id)
        write_document(out, bundle.to_json_value())


def accepted_value(submitted: Submitted, bundle_out: Path | None) -> dict[str, Any]:
    """What was accepted, for programs."""
    value = submitted.attestation.to_json_value()
    shown = ("id", "status", "policy", "claim", "audience", "audit", "expires", "log_index")
    return {
        "accepted": True,
        "new": submitted.new,
        **{name: value.get(name) for name in shown},
        "bundle": None if bundle_out is None else str(bundle_out),
    }


def accepted_lines(submitted: Submitted, what: str, bundle_out: Path | None) -> list[str]:
    """What was accepted, for people."""
    found = submitted.attestation
    value = found.to_json_value()
    how = "accepted" if submitted.new else f"accepted before, {found.status} now"
    lines = [
        f"{what}: {how}, entry {found.log_index} of the log",
        f"id {found.id}",
        f"{found.claim} ({found.claim_type}), for {found.audience or 'nobody in particular'}, "
        f"valid until {value['expires']}",
    ]
    return lines if bundle_out is None else [*lines, f"{bundle_out}: the bundle"]
