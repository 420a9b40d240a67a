"""`zkcollateral vouch`: a custodian or venue checks an opening and signs the commitment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import DocumentError, InputError, OpeningError
from .computing import load_srs
from .options import AsJson, PassphraseFile, parse_time_option
from .output import emit_result, working
from .passphrase import passphrase_for


def vouch(
    context: typer.Context,
    commitment: Annotated[Path, typer.Argument(metavar="COMMITMENT", help="Commitment.")],
    opening: Annotated[Path, typer.Option(metavar="FILE", help="Its opening; secret.")],
    key: Annotated[Path, typer.Option(metavar="FILE", help="The custodian's secret key.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Write the signed commitment here.")],
    as_of: Annotated[
        str | None, typer.Option(metavar="TIME", help="Time the books speak of (default: now).")
    ] = None,
    books: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The custodian's own record, to compare with."),
    ] = None,
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> None:
    """Check an opening, and sign its commitment as custodian or venue.

    The commitment is computed again from the opening, which is compared with the books.
    """
    from ..circuits.evidence import CommitmentDocument
    from ..prover import vouching
    from ..prover.opening import read_opening
    from ..risk.clock import format_time, now
    from .files import (
        blaming,
        naming,
        read_document,
        read_key,
        read_portfolio,
        refuse_inputs,
        write_document,
    )

    refuse_inputs([out], [commitment, opening, key, books, passphrase_file])
    current = now()
    time = current if as_of is None else parse_time_option("--as-of", as_of)
    if time > current:
        raise InputError("--as-of", f"a time up to now, {format_time(current)}", format_time(time))
    public = read_document(CommitmentDocument, commitment)
    record = read_portfolio(books) if books is not None else None
    signer = read_key(key, "custodian", passphrase_file)
    secret = read_opening(opening, passphrase_for(opening, passphrase_file))
    if secret.account != public.account:
        raise DocumentError(f"{opening}: account", repr(public.account), repr(secret.account))
    srs = load_srs(context)
    with (
        working("checking the opening", srs.arithmetic.name),
        blaming(opening, OpeningError),
        naming(portfolio=books or commitment),
    ):
        envelope = vouching.vouch(
            public, secret.opening, secret.registry, signer.key, srs, as_of=time, books=record
        )
    write_document(out, envelope.to_json_value())
    emit_result(
        as_json,
        {
            "account": public.account,
            "commitment": public.commitment,
            "voucher": signer.name,
            "key_id": signer.key.key_id,
            "as_of": format_time(time),
            "books": str(books) if books is not None else None,
            "out": str(out),
        },
        [
            f"{out}: {signer.name} vouches for the commitment of {public.account} "
            f"as of {format_time(time)}",
            f"the opening opens it, and agrees with {books}"
            if books is not None
            else "the opening opens it; no --books were given to compare with",
        ],
    )
