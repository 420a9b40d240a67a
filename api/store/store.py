"""Reading and writing the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from .engine import WRITE
from .signer import LogSigner
from .writer import Writer


class Store:
    """The database and the log's key.

    Args:
        engine: as `connect` makes it; its tables are those of the newest migration.
        signer: of the log; None: whatever is written here puts nothing into the log.
    """

    def __init__(self, engine: Engine, signer: LogSigner | None) -> None:
        self.engine = engine
        self._signer = signer

    @property
    def signer(self) -> LogSigner:
        """The log's signer."""
        if self._signer is None:
            raise RuntimeError("this store was opened without the log's key")
        return self._signer

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that looks things up and changes nothing."""
        with _Reading(self.engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Writer]:
        """A write transaction: committed as a whole at the end, or not at all after an error."""
        engine = self.engine.execution_options(**{WRITE: True})
        with Session(engine, expire_on_commit=False) as session, session.begin():
            writer = Writer(session, self._signer)
            yield writer
            session.flush()
            writer.finish()


class _Reading(Session):
    """A session that writes nothing."""

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        if self.new or self.dirty or self.deleted:
            raise RuntimeError("a session that reads was about to write")
