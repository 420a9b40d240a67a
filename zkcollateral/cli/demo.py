"""`zkcollateral demo`: the whole way on synthetic accounts, with the files left to look at."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ..errors import FileError
from .computing import load_srs
from .options import AsJson
from .output import emit_json


def demo(
    context: typer.Context,
    directory: Annotated[
        Path | None,
        typer.Option(
            "--dir", metavar="DIR", help="New or empty folder (default: a temporary one)."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run all of it on a synthetic account.

    The files are left in the folder, as a user would have them.
    """
    from ..demo.flow import demonstrate
    from ..demo.session import Session
    from .runner import run

    name = load_srs(context).arithmetic.name

    def with_arithmetic(arguments: Sequence[str]) -> int:
        return run(["--arithmetic", name, *arguments])

    folder = _empty_folder(directory)
    results = demonstrate(Session(folder, with_arithmetic, name, quiet=as_json))
    if as_json:
        emit_json(results)


def _empty_folder(directory: Path | None) -> Path:
    """The folder to fill; FileError if it has something in it, or cannot be made."""
    if directory is None:
        return Path(tempfile.mkdtemp(prefix="zkcollateral-demo-"))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        occupied = any(directory.iterdir())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "a path the system does not take"
        raise FileError(str(directory), "a folder that can be made", reason) from None
    if occupied:
        raise FileError(str(directory), "a new or empty folder", "one with files in it")
    return directory.resolve()
