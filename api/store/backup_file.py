"""A store in one file, as it was at one moment, that either database can be restored from.

The file is gzip of lines of JSON: a header, for every table a line with its name and columns and
then a line for every row, and at the end the number of rows and the SHA-256 of all lines before.
Integers are decimal strings, times seconds since 1970, bytes base64.

It holds hashes of API keys and the secrets of webhooks, so it is its owner's only (mode 0600). It
does not hold the log's secret key: keep that somewhere else, or the log cannot go on.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from ...crypto.canonical import JsonValue, canonical_bytes, parse_json
from ...crypto.files import SECRET_MODE
from ...crypto.randomness import random_bytes
from ...errors import DocumentError, FileError

FORMAT: Final = "zkcollateral/backup/1"
MAX_LINE: Final = 64 * 1024 * 1024


@dataclass(frozen=True)
class Contents:
    """What a backup says of itself.

    Attributes:
        revision: of the tables.
        size: entries of the log.
        checkpoint: the newest signed one; None of an empty log.
        rows: of all tables.
    """

    revision: str
    size: int
    checkpoint: str | None
    rows: int


class Lines:
    """Lines of JSON, compressed, with the digest of them at the end."""

    def __init__(self, file: IO[bytes]) -> None:
        # Without the time: the same store gives the same bytes.
        self._file = gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=6, mtime=0)
        self._hash = hashlib.sha256()

    def write(self, value: JsonValue) -> None:
        """One line."""
        line = canonical_bytes(value) + b"\n"
        self._hash.update(line)
        self._file.write(line)

    def finish(self, rows: int) -> None:
        """The last line."""
        last: JsonValue = {"rows": str(rows), "sha256": self._hash.hexdigest()}
        self._file.write(canonical_bytes(last) + b"\n")
        self._file.close()


def read_lines(path: Path) -> Generator[JsonValue, None, None]:
    """The lines of a backup but the last one, which is compared when they are at their end."""
    where = str(path)
    hashed = hashlib.sha256()
    rows = 0
    try:
        with path.open("rb") as file, gzip.GzipFile(fileobj=file, mode="rb") as lines:
            reader = io.BufferedReader(lines, 1 << 20)
            while line := reader.readline(MAX_LINE):
                value = parse_json(line, where, max_bytes=MAX_LINE)
                if isinstance(value, dict) and "sha256" in value:
                    expected = {"rows": str(rows), "sha256": hashed.hexdigest()}
                    if value != expected or reader.read(1):
                        raise DocumentError(where, "the digest of its lines at its end", "another")
                    return
                hashed.update(line)
                rows += isinstance(value, list)
                yield value
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise FileError(where, "a whole backup", "one that is damaged or cut off") from None
    except OSError as error:
        raise FileError(where, "a file that can be read", error.strerror or "an error") from None
    raise FileError(where, "a whole backup", "one without end")


def read_header(value: JsonValue, path: Path) -> Contents:
    """What the first line says; DocumentError if it is that of something else."""
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise DocumentError(str(path), f"a file of format {FORMAT}", "another one")
    checkpoint, revision = value.get("checkpoint"), value.get("revision")
    size, rows = (str(value.get(name)) for name in ("size", "rows"))
    if (
        not isinstance(revision, str)
        or not (checkpoint is None or isinstance(checkpoint, str))
        or not (size.isdecimal() and rows.isdecimal())
    ):
        raise DocumentError(str(path), "revision, checkpoint, size and rows", "another header")
    return Contents(revision, int(size), checkpoint, int(rows))


@contextmanager
def written_whole(path: Path, overwrite: bool) -> Iterator[IO[bytes]]:
    """A file for its owner only that has its name once it is complete and on the disk."""
    temporary = path.parent / f".{random_bytes(12).hex()}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
    reserved = False
    try:
        if path.exists() and not path.is_file():
            raise FileError(str(path), "a regular file, or a free name", "something else")
        if not overwrite:
            # Takes the name before anybody else can.
            os.close(os.open(path, flags, SECRET_MODE))
            reserved = True
        with os.fdopen(os.open(temporary, flags, SECRET_MODE), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        reserved = False
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError:
        raise FileError(
            str(path), "a new file (it is never overwritten unasked)", "an existing file"
        ) from None
    except OSError as error:
        raise FileError(
            str(path), "a file that can be written", error.strerror or "an error"
        ) from None
    finally:
        temporary.unlink(missing_ok=True)
        if reserved:
            path.unlink(missing_ok=True)
