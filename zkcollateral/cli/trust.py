"""`zkcollateral trust`: a verifier's trust file from public keys and policies."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import DocumentError, InputError
from .options import AsJson, parse_time_option
from .output import emit_result

DEFAULT_DAYS = 365
MAX_DAYS = 36_500


def trust(
    key: Annotated[list[Path], typer.Option(metavar="FILE", help="Public key; may be repeated.")],
    policy: Annotated[list[Path], typer.Option(metavar="FILE", help="Policy; may be repeated.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Write the trust file here.")],
    audience: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Your name in attestations."),
    ] = None,
    valid_from: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Signatures count from here (default: a day ago)."),
    ] = None,
    valid_until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Signatures count until here.")
    ] = None,
    valid_days: Annotated[
        int | None,
        typer.Option(metavar="N", help=f"Signatures count for N days (default: {DEFAULT_DAYS})."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a trust file from public keys and policies.

    It says whom you believe, from when to when, which policies you accept, and who you are.
    """
    from ..circuits.claim import document_digest
    from ..crypto.keyfile import read_public_key
    from ..risk.clock import format_time, now
    from ..risk.policy import Policy
    from ..verifier.trust import Trust
    from .files import read_document, refuse_inputs, write_document

    if valid_until is not None and valid_days is not None:
        raise InputError("--valid-until", "this option or --valid-days", "both")
    if valid_days is not None and not 1 <= valid_days <= MAX_DAYS:
        raise InputError("--valid-days", f"1 to {MAX_DAYS}", str(valid_days))
    refuse_inputs([out], [*key, *policy])
    current = now()
    start = current - timedelta(days=1)
    end = current + timedelta(days=valid_days or DEFAULT_DAYS)
    if valid_from is not None:
        start = parse_time_option("--valid-from", valid_from)
    if valid_until is not None:
        end = parse_time_option("--valid-until", valid_until)
    if end <= start:
        raise InputError("--valid-until", f"a time after {format_time(start)}", format_time(end))
    keys: list[dict[str, Any]] = []
    seen: dict[str, Path] = {}
    for path in key:
        named = read_public_key(path)
        if seen.setdefault(named.key.key_id, path) is not path:
            expected, got = "every key once", f"the key of {seen[named.key.key_id]} again"
            raise InputError(str(path), expected, got)
        keys.append(
            {
                "role": named.role,
                "name": named.name,
                "public_key": named.key.raw.hex(),
                "valid_from": start,
                "valid_until": end,
            }
        )
    digests = {document_digest(read_document(Policy, path)): path for path in policy}
    try:
        document = Trust.build(audience=audience, policies=list(digests), keys=keys)
    except DocumentError as error:
        if not error.where.endswith(": audience"):
            raise
        raise InputError("--audience", error.expected, error.got) from None
    write_document(out, document.to_json_value())
    emit_result(
        as_json,
        {**document.to_json_value(), "out": str(out)},
        [
            f"{out}: {len(keys)} keys, from {format_time(start)} to {format_time(end)}",
            *(f"accepts {path}, digest {digest}" for digest, path in digests.items()),
            f"takes attestations addressed to {audience or 'nobody in particular'}",
        ],
    )
