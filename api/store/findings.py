"""What the check of a store finds, one name for everything that is looked at together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, select
from sqlalchemy.exc import DBAPIError

from .tables import Base

ROWS_AT_ONCE: Final = 256
MOST_SHOWN: Final = 5
"""Reasons that are kept of one check; the others are counted."""


@dataclass
class Findings:
    """One check: how much was looked at, and what was not as it should be.

    Args:
        name: for people, such as `checkpoints`.
        examined: rows, or whatever else there is one of for each.
        wrong: how many findings.
        reasons: the first of them.
    """

    name: str
    examined: int = 0
    wrong: int = 0
    reasons: list[str] = field(default_factory=list)

    def expect(self, holds: bool, reason: str) -> None:
        """Note the reason unless it holds."""
        if not holds:
            self.wrong += 1
            if len(self.reasons) < MOST_SHOWN:
                self.reasons.append(reason)

    def equal(self, where: str, found: Any, **expected: Any) -> None:
        """Note every column of a row that is not as expected; no value is quoted."""
        for name, value in expected.items():
            self.expect(getattr(found, name) == value, f"{where}: {name} is another one")

    @contextmanager
    def reading(self, where: str) -> Iterator[None]:
        """Note that a row cannot even be read, instead of failing."""
        try:
            yield
        except DBAPIError:
            raise
        except Exception as error:  # noqa: BLE001  # a damaged row can end in any of them
            self.expect(False, f"{where}: cannot be read ({type(error).__name__})")


class Progress:
    """How far the check is, told after every batch.

    Args:
        tell: is told how many rows are done, and of how many.
        total: rows.
    """

    def __init__(self, tell: Callable[[int, int], None] | None, total: int) -> None:
        self._tell = tell
        self._total = total
        self._done = 0

    def more(self, rows: int) -> None:
        """So many more are done."""
        self._done += rows
        if self._tell is not None:
            self._tell(self._done, self._total)


def columns_of(table: type[Base]) -> Select[Any]:
    """All columns of a table, without the objects that a session would keep."""
    return select(*table.__table__.columns)


def count(connection: Connection, table: type[Base], *where: Any) -> int:
    """The number of rows of a table for which all of these hold."""
    return connection.scalar(select(func.count()).select_from(table).where(*where)) or 0


def batches(
    connection: Connection, query: Select[Any], rows: int = ROWS_AT_ONCE
) -> Iterator[Sequence[Row[Any]]]:
    """The rows of a query, some at a time, however many there are."""
    with connection.execute(query, execution_options={"yield_per": rows}) as result:
        yield from result.partitions()
