"""Files: written whole or not at all, read with a limit; secret ones for their owner only."""

from __future__ import annotations

import json
import os
import shlex
import stat
from pathlib import Path
from typing import TypeAlias

from ..errors import FileError
from .canonical import MAX_BYTES, JsonValue, canonical_bytes, parse_json
from .randomness import random_bytes

PathLike: TypeAlias = str | os.PathLike[str]

SECRET_MODE = 0o600
PUBLIC_MODE = 0o644

_NON_BLOCKING = getattr(os, "O_NONBLOCK", 0)
_CLOSE_ON_EXEC = getattr(os, "O_CLOEXEC", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _CLOSE_ON_EXEC | _BINARY


def read_bytes(path: PathLike, *, max_bytes: int = MAX_BYTES, secret: bool = False) -> bytes:
    """The content of a regular file.

    Args:
        path: the file.
        max_bytes: largest size that is read.
        secret: refuse a file that group or others have any right to.

    Raises:
        FileError: it does not exist, cannot be read, is no regular file, is larger, or is open to
            others.
    """
    where = os.fspath(path)
    try:
        # Without blocking, or a pipe in place of the file would hang the reader.
        descriptor = os.open(where, os.O_RDONLY | _NON_BLOCKING | _CLOSE_ON_EXEC | _BINARY)
        with os.fdopen(descriptor, "rb") as file:
            _check_kind(os.fstat(descriptor), where, secret)
            data = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        raise FileError(where, "a file that can be read", _reason(error)) from None
    if len(data) > max_bytes:
        raise FileError(where, f"at most {max_bytes} bytes", "a larger file")
    return data


def read_json(path: PathLike, *, secret: bool = False) -> JsonValue:
    """The strictly read JSON value of a file; FileError or DocumentError."""
    return parse_json(read_bytes(path, secret=secret), os.fspath(path))


def write_public(path: PathLike, value: JsonValue, *, overwrite: bool = True) -> None:
    """Write a public document, mode 0644, indented for people.

    Raises:
        FileError: it cannot be written, or exists and `overwrite` is off.
        DocumentError: the value is no document.
    """
    _write(path, _pretty(value), PUBLIC_MODE, overwrite)


def write_secret(path: PathLike, value: JsonValue, *, overwrite: bool = False) -> None:
    """Write a secret document, mode 0600; arguments and errors as for `write_public`."""
    _write(path, _pretty(value), SECRET_MODE, overwrite)


def write_bytes(
    path: PathLike, data: bytes, *, secret: bool = False, overwrite: bool = True
) -> None:
    """Write bytes that are no document, mode 0644 or 0600; FileError as for `write_public`."""
    _write(path, data, SECRET_MODE if secret else PUBLIC_MODE, overwrite)


def _pretty(value: JsonValue) -> bytes:
    canonical_bytes(value)
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
    return text.encode("utf-8") + b"\n"


def _check_kind(status: os.stat_result, where: str, secret: bool) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise FileError(where, "a regular file", "something else")
    if secret and os.name == "posix" and status.st_mode & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        command = f"chmod 600 {shlex.quote(where)}"
        raise FileError(
            where,
            f"a secret file that only its owner can open (run: {command})",
            f"mode {mode:04o}",
        )


def _write(path: PathLike, data: bytes, mode: int, overwrite: bool) -> None:
    where = os.fspath(path)
    target = Path(where)
    temporary = target.parent / f".{random_bytes(12).hex()}.tmp"
    reserved = False
    try:
        # The rename would put a file in the place of a device or a pipe.
        if target.exists() and not target.is_file():
            raise FileError(where, "a regular file, or a free name", "something else")
        if not overwrite:
            # Takes the name before anybody else can; the rename then replaces our own empty file.
            os.close(os.open(target, _CREATE, mode))
            reserved = True
        _create(temporary, data, mode)
        os.replace(temporary, target)
        reserved = False
        _sync_folder(target.parent)
    except FileExistsError:
        raise FileError(
            where, "a new file (it is never overwritten unasked)", "an existing file"
        ) from None
    except (OSError, ValueError) as error:
        raise FileError(where, "a file that can be written", _reason(error)) from None
    finally:
        _remove(temporary)
        if reserved:
            _remove(target)


def _create(path: Path, data: bytes, mode: int) -> None:
    with os.fdopen(os.open(path, _CREATE, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY | _CLOSE_ON_EXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except (OSError, ValueError):
        return


def _reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or "a path the system does not take"
