"""Connecting to the database: SQLite in write-ahead mode, or PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL

from ...crypto.files import SECRET_MODE
from ...errors import InputError

WRITE: Final = "zkcollateral_write"
"""The execution option of a transaction that will write."""

_BUSY_SECONDS: Final = 30


def connect(url: URL) -> Engine:
    """An engine for one of the two databases.

    Args:
        url: `sqlite:///FILE` or `postgresql+psycopg://…`.

    Raises:
        InputError: SQLite in memory, which every connection would have of its own.
    """
    if url.get_backend_name() != "sqlite":
        return create_engine(
            url,
            pool_pre_ping=True,
            pool_size=10,
            max_overflow=30,
            # Whoever waited for the head of the log sees all that was committed meanwhile; the
            # server's default could be another one.
            isolation_level="READ COMMITTED",
        )
    if not url.database or url.database == ":memory:" or url.query:
        raise InputError("database", "the path of a file", "no file, or options")
    # It has the secrets of webhooks in it; SQLite gives its other files the mode of this one.
    with suppress(OSError):
        os.close(os.open(url.database, os.O_CREAT | os.O_RDWR, SECRET_MODE))
    engine = create_engine(url, pool_size=10, max_overflow=30)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _: object) -> None:
    # The driver's own transactions begin late and end early: `_begin_sqlite` begins them.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout = {_BUSY_SECONDS * 1000}",
        "journal_mode = WAL",
        # A commit is on the disk when it is answered, also when the power fails.
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITE, False)
    # A transaction that reads first and writes later could find that another one was faster.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one state of the database, however long it looks and who writes."""
    # In SQLite, every transaction does.
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
    with engine.connect() as connection:
        yield connection
