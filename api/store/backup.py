"""Copying a whole store into a file, and into an empty database from it.

What the file is like, and what is in it, says `backup_file`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import IO, Any, Final, Literal

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    LargeBinary,
    Text,
    column,
    func,
    insert,
    inspect,
    select,
    table,
    type_coerce,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from ...crypto.canonical import JsonValue
from ...crypto.checkpoint import VerifierKey
from ...errors import DocumentError, FileError, InputError, LogError
from ...risk.clock import format_time, now
from .backup_file import FORMAT, Contents, Lines, read_header, read_lines, written_whole
from .check import StoreReport, check_connection
from .engine import snapshot
from .findings import ROWS_AT_ONCE, batches
from .setup import is_current, newest_revision, require_known, setting_up, upgrade
from .tables import Base, LogEntry, SignedCheckpoint, UtcSeconds

_VERSIONS: Final = "alembic_version"

Kind = Literal["integer", "text", "bytes"]
_TYPES: Final[dict[str, type[TypeEngine[Any]]]] = {
    "integer": BigInteger,
    "text": Text,
    "bytes": LargeBinary,
}


def back_up(
    engine: Engine,
    path: Path,
    *,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Contents:
    """Write a store to a file, whole or not at all. The service may go on meanwhile.

    Args:
        engine: of the database.
        path: of the file.
        overwrite: whether it may take the place of another one.
        progress: is told how many rows are done, and of how many.

    Raises:
        InputError: a database that cannot be read or is of another release.
        FileError: a file that exists or cannot be written.
    """
    try:
        if not is_current(engine):
            raise InputError("database", "the tables of this release", "others, or none")
        with snapshot(engine) as connection, written_whole(path, overwrite) as file:
            return _write(connection, file, progress)
    except DBAPIError as error:
        raise InputError(
            "database", "one that can be read to its end", type(error).__name__
        ) from None


def restore(
    engine: Engine,
    path: Path,
    *,
    key: VerifierKey | None = None,
    kept: bytes | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Contents, StoreReport]:
    """Put what is in a file into an empty database, check it, and keep it only if it is sound.

    Args:
        engine: of the database.
        path: of the file.
        key: of the log, which the restored log has to be signed with.
        kept: a signed checkpoint that the restored log must go on from: not an older log.
        progress: is told how many rows are done, and of how many.

    Raises:
        InputError: a file that is damaged, a database that is not empty.
        LogError: the store in it is not sound, or it is older than what was kept.
    """
    contents = examine(path)
    require_known(contents.revision)
    try:
        with setting_up(engine) as connection:
            if inspect(connection).get_table_names():
                raise InputError("database", "an empty one", "one with tables")
            upgrade(connection, contents.revision)
            _fill(connection, path, contents, progress)
            upgrade(connection, "head")
            report = check_connection(connection, key=key, kept=kept)
            if not report.sound:
                wrong = next(check for check in report.checks if check.wrong)
                raise LogError(f"{path}: not restored: {wrong.name}: {wrong.reasons[0]}")
    except DBAPIError as error:
        kind = type(error.orig or error).__name__
        raise InputError("database", "one that takes what is in the file", kind) from None
    return contents, report


def examine(path: Path) -> Contents:
    """What a backup says of itself, after all of it was read and its digest compared.

    Raises:
        InputError: it is damaged, or no backup.
    """
    with closing(read_lines(path)) as lines:
        header = read_header(next(lines, None), path)
        for _ in lines:
            pass
    return header


def _write(
    connection: Connection, file: IO[bytes], progress: Callable[[int, int], None] | None
) -> Contents:
    tables = Base.metadata.sorted_tables
    total = sum(connection.scalar(select(func.count()).select_from(each)) or 0 for each in tables)
    note = connection.scalar(
        select(SignedCheckpoint.note).order_by(SignedCheckpoint.size.desc()).limit(1)
    )
    size = connection.scalar(select(func.count()).select_from(LogEntry)) or 0
    contents = Contents(newest_revision() or "", size, note, total)
    lines = Lines(file)
    lines.write(
        {
            "format": FORMAT,
            "revision": contents.revision,
            "time": format_time(now()),
            "size": str(size),
            "checkpoint": note,
            "rows": str(total),
        }
    )
    done = 0
    for each in tables:
        kinds = [_kind(found.type) for found in each.columns]
        lines.write(
            {
                "table": each.name,
                "columns": [
                    {"name": found.name, "kind": kind}
                    for found, kind in zip(each.columns, kinds, strict=True)
                ],
            }
        )
        raw: list[ColumnElement[Any]] = [
            type_coerce(found, _TYPES[kind]())
            for found, kind in zip(each.columns, kinds, strict=True)
        ]
        for rows in batches(connection, select(*raw).order_by(*each.primary_key)):
            for row in rows:
                lines.write([_encode(value) for value in row])
            done += len(rows)
            if progress is not None:
                progress(done, total)
    lines.finish(done)
    return contents


def _fill(
    connection: Connection,
    path: Path,
    contents: Contents,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Insert all rows. The file is hashed once more: it could be another one by now."""
    where = str(path)
    there = inspect(connection)
    expected = {
        name: {found["name"] for found in there.get_columns(name)}
        for name in there.get_table_names()
        if name != _VERSIONS
    }
    target: _Target | None = None
    done = 0
    with closing(read_lines(path)) as lines:
        if read_header(next(lines, None), path) != contents:
            raise FileError(where, "the file that was examined", "another one")
        for value in lines:
            if isinstance(value, dict):
                if target is not None:
                    target.flush()
                target = _Target(connection, value, where)
                if expected.pop(target.name, None) != set(target.names):
                    raise DocumentError(where, "the tables of its revision", target.name)
            elif isinstance(value, list) and target is not None:
                target.add(value)
                done += 1
                if progress is not None and done % ROWS_AT_ONCE == 0:
                    progress(done, contents.rows)
            else:
                raise DocumentError(where, "a table or a row of one", "something else")
    if target is not None:
        target.flush()
    if expected or done != contents.rows:
        raise DocumentError(where, "all tables and rows of its revision", "fewer")
    if progress is not None:
        progress(done, contents.rows)


class _Target:
    """A table that is being filled."""

    def __init__(self, connection: Connection, value: dict[str, JsonValue], where: str) -> None:
        self._connection = connection
        self._where = where
        name, columns = value.get("table"), value.get("columns")
        if not isinstance(name, str) or not isinstance(columns, list):
            raise DocumentError(where, "a table with columns", "something else")
        kinds = {
            str(each["name"]): str(each["kind"])
            for each in columns
            if isinstance(each, dict) and {"name", "kind"} == set(each)
        }
        if len(kinds) != len(columns) or not set(kinds.values()) <= set(_TYPES):
            raise DocumentError(f"{where}: {name}", "columns of known kinds", "others")
        self.name = name
        self.names = [*kinds]
        self._kinds = [*kinds.values()]
        self._table = table(name, *(column(each, _TYPES[kinds[each]]()) for each in kinds))
        self._rows: list[dict[str, Any]] = []

    def add(self, values: Sequence[JsonValue]) -> None:
        """Insert a row, together with others."""
        if len(values) != len(self.names):
            raise DocumentError(f"{self._where}: {self.name}", "a value for each column", "others")
        self._rows.append(
            {
                name: self._decode(value, kind)
                for name, kind, value in zip(self.names, self._kinds, values, strict=True)
            }
        )
        if len(self._rows) == ROWS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Insert what waits."""
        if self._rows:
            self._connection.execute(insert(self._table), self._rows)
            self._rows = []

    def _decode(self, value: JsonValue, kind: str) -> int | str | bytes | None:
        if value is None:
            return None
        try:
            if not isinstance(value, str):
                raise ValueError  # as whatever else is not of its kind
            if kind == "integer":
                return int(value)
            return base64.b64decode(value, validate=True) if kind == "bytes" else value
        except ValueError:
            raise DocumentError(
                f"{self._where}: {self.name}", f"{kind}, as text", "another value"
            ) from None


def _kind(type_: TypeEngine[Any]) -> Kind:
    if isinstance(type_, LargeBinary):
        return "bytes"
    return "integer" if isinstance(type_, UtcSeconds) or type_.python_type is int else "text"


def _encode(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(int(value))
