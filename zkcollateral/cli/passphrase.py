"""Where a passphrase comes from: a file, the environment or the terminal; never an argument."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ..errors import FileError

ENVIRONMENT_VARIABLE: Final = "ZKCOLLATERAL_PASSPHRASE"

_SOURCES = f"a passphrase (--passphrase-file, {ENVIRONMENT_VARIABLE} or a terminal to ask on)"


def passphrase_for(path: Path, file: Path | None) -> Callable[[], str]:
    """A function that finds the passphrase of a sealed file once it turns out to be needed.

    Args:
        path: the sealed file, for the question.
        file: what --passphrase-file named.

    Raises:
        FileError: from the function, if there is no passphrase anywhere.
    """

    def find() -> str:
        given = _given(file)
        return given if given is not None else _ask(f"Passphrase of {path}: ", str(path))

    return find


def new_passphrase(path: Path, file: Path | None, *, encrypt: bool) -> str | None:
    """The passphrase under which a new secret file shall be sealed; None leaves it unsealed.

    It is sealed if that was asked for, or if a file with a passphrase was named. The environment
    alone asks for nothing: it may be there for other files.

    Raises:
        FileError: there is no passphrase anywhere, or the second one differs. An empty one is
            refused where the file is sealed.
    """
    if not encrypt and file is None:
        return None
    given = _given(file)
    if given is None:
        given = _ask(f"New passphrase for {path}: ", str(path))
        if given != _ask("Once more: ", str(path)):
            raise FileError(str(path), "the same passphrase twice", "two different ones")
    return given


def _given(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get(ENVIRONMENT_VARIABLE)
    return secret_line(file, "a passphrase")


def secret_line(file: Path, what: str) -> str:
    """The first line of a file that nobody else can read; FileError, which quotes nothing of it.

    Args:
        file: mode 0600.
        what: it holds, for the error.
    """
    from ..crypto.files import read_bytes

    data = read_bytes(file, max_bytes=64 * 1024, secret=True)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    # Outside the handler: the decoder's error holds the whole secret.
    if text is None:
        raise FileError(str(file), f"{what} in UTF-8", "other bytes")
    return text.partition("\n")[0].removesuffix("\r")


def _ask(question: str, where: str) -> str:
    if not sys.stdin.isatty():
        raise FileError(where, _SOURCES, "none")
    from getpass import getpass

    return getpass(question)
