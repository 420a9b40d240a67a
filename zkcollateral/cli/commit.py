"""`zkcollateral commit`: from a portfolio to a public commitment and its secret opening."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from .computing import load_srs
from .options import AsJson, Encrypt, Force, PassphraseFile
from .output import emit_result, working
from .passphrase import new_passphrase


def commit(
    context: typer.Context,
    portfolio: Annotated[
        Path, typer.Argument(metavar="PORTFOLIO", help="Portfolio; secret, mode 0600.")
    ],
    registry: Annotated[Path, typer.Option(metavar="FILE", help="Asset registry.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Write the commitment here; public.")],
    opening: Annotated[Path, typer.Option(metavar="FILE", help="Write the opening here; secret.")],
    encrypt: Encrypt = False,
    passphrase_file: PassphraseFile = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Commit to a portfolio, and keep the opening.

    The commitment is one point that hides every amount. The opening file has the amounts and the
    blinder in it: it is secret, has mode 0600, and is what vouch and prove need.
    """
    from ..circuits.claim import document_digest
    from ..circuits.evidence import CommitmentDocument
    from ..crypto.commitment import Opening
    from ..prover.opening import OpeningDocument, write_opening
    from ..risk.registry import Registry
    from .files import (
        check_replaceable,
        check_writable,
        naming,
        read_document,
        read_portfolio,
        refuse_inputs,
        write_document,
    )

    refuse_inputs([out, opening], [portfolio, registry, passphrase_file])
    assets = read_document(Registry, registry)
    account = read_portfolio(portfolio)
    with naming(portfolio=portfolio):
        amounts = account.amounts(assets)
    check_writable([opening, out], force=force)
    check_replaceable(out)
    passphrase = new_passphrase(opening, passphrase_file, encrypt=encrypt)
    srs = load_srs(context)
    with working("committing", srs.arithmetic.name):
        started = perf_counter()
        opened = Opening.fresh(amounts)
        point = opened.commit(srs)
        seconds = perf_counter() - started
    public = CommitmentDocument.build(
        account=account.account,
        registry=document_digest(assets),
        slots=assets.slots,
        commitment=bytes(point).hex(),
    )
    secret = OpeningDocument.of(account.account, assets, opened, point)
    write_opening(opening, secret, passphrase=passphrase, overwrite=force)
    try:
        write_document(out, public.to_json_value())
    except BaseException:
        # An opening without its commitment would only stand in the way of the next try.
        if not force:
            opening.unlink(missing_ok=True)
        raise
    emit_result(
        as_json,
        {
            "account": public.account,
            "slots": public.slots,
            "registry": public.registry,
            "commitment": public.commitment,
            "digest": document_digest(public),
            "out": str(out),
            "opening": str(opening),
            "encrypted": passphrase is not None,
            "arithmetic": srs.arithmetic.name,
            "seconds": round(seconds, 6),
        },
        [
            f"{out}: commitment {public.commitment[:16]}... to {public.slots} slots of "
            f"{public.account}, public",
            f"{opening}: its opening, secret" + (", encrypted" if passphrase is not None else ""),
        ],
    )
