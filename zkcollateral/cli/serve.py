"""`zkcollateral serve`: the attestation service."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError
from .options import ArithmeticName
from .output import emit


def serve(
    context: typer.Context,
    host: Annotated[
        str, typer.Option(metavar="HOST", help="Name or address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="0: any that is free.")
    ] = 8000,
    workers: Annotated[
        int, typer.Option(metavar="N", min=1, max=64, help="Processes; many need PostgreSQL.")
    ] = 1,
    database: Annotated[
        str | None, typer.Option(metavar="URL", help="Database (default: $DATABASE_URL).")
    ] = None,
    log_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Key of the log; made if missing.")
    ] = None,
    log_origin: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the log.")] = None,
    audience: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whom claims must be addressed to.")
    ] = None,
    enable_risk: Annotated[
        bool, typer.Option("--enable-risk", help="Offer the plaintext risk engine, too.")
    ] = False,
) -> None:
    """Serve audits, attestations and their transparency log over HTTP.

    Without options: one process, with an SQLite file and the log's key in the working folder. All
    settings can be given as ZKCOLLATERAL_..., and the database as DATABASE_URL.
    """
    try:
        from ..api.server import serve as run
        from ..api.settings import Settings
    except ImportError as error:
        expected = "the packages of the service (pip install 'zkcollateral[api]')"
        raise InputError("serve", expected, f"no module {error.name}") from None
    from ..crypto.select import ENVIRONMENT_VARIABLE

    if isinstance(context.obj, ArithmeticName):
        # Workers are processes of their own, and read it there.
        os.environ[ENVIRONMENT_VARIABLE] = context.obj.value
    settings = Settings.load(
        database_url=database,
        log_key=log_key,
        log_origin=log_origin,
        audience=audience,
        risk=True if enable_risk else None,
    )
    run(settings, host=host, port=port, workers=workers, announce=emit)
