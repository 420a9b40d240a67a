"""Whether a store is what it should be: every row against the log, and the log against itself.

Everything is read in one snapshot, some rows at a time; the service may go on meanwhile. What is
found is what the log, signatures, digests or other rows contradict. What is written down once only,
such as the tenant of an API key, has nothing that could contradict it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import DBAPIError

from ...crypto.checkpoint import VerifierKey
from ...crypto.srs import Srs
from ...errors import InputError
from .check_callers import check_answers, check_api_keys, check_webhooks
from .check_coverage import check_coverage
from .check_events import check_events
from .check_evidence import check_audits, check_commitments, check_reports, check_rounds
from .check_log import LogCheck
from .engine import snapshot
from .findings import Findings, Progress, count
from .setup import is_current
from .tables import (
    AttestationRow,
    Audit,
    Base,
    CommitmentRow,
    Event,
    LogEntry,
    ReportRow,
    RoundRow,
)

_COUNTED = (LogEntry, AttestationRow, Event, Audit, CommitmentRow, ReportRow, RoundRow)


@dataclass(frozen=True)
class StoreReport:
    """What was found; it has no truth value, use `sound`.

    Attributes:
        size: entries of the log.
        root: of these entries.
        checks: by name.
    """

    size: int
    root: bytes
    checks: tuple[Findings, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not any(check.wrong for check in self.checks)

    def __bool__(self) -> bool:
        raise TypeError("a report has no truth value: use report.sound")

    def to_json_value(self) -> dict[str, Any]:
        """For programs."""
        return {
            "sound": self.sound,
            "size": self.size,
            "root": self.root.hex(),
            "checks": [
                {
                    "name": check.name,
                    "passed": not check.wrong,
                    "examined": check.examined,
                    "wrong": check.wrong,
                    "reasons": check.reasons,
                }
                for check in self.checks
            ],
        }


def check_store(
    engine: Engine,
    *,
    srs: Srs | None = None,
    key: VerifierKey | None = None,
    kept: bytes | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> StoreReport:
    """Check a whole store.

    Args:
        engine: of the database.
        srs: verify every attestation again, at the time when it was accepted; None: do not.
        key: of the log, from somewhere else than the database; it has to be among the log's keys.
        kept: a signed checkpoint of the same log, from somewhere else than the database.
        progress: is told how many rows are done, and of how many.

    Raises:
        InputError: a database that cannot be read, or of another release.
    """
    try:
        if not is_current(engine):
            raise InputError("database", "the tables of this release", "others, or none")
        with snapshot(engine) as connection:
            return check_connection(connection, srs=srs, key=key, kept=kept, progress=progress)
    except DBAPIError as error:
        raise InputError(
            "database", "one that can be read to its end", type(error).__name__
        ) from None


def check_connection(
    connection: Connection,
    *,
    srs: Srs | None = None,
    key: VerifierKey | None = None,
    kept: bytes | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> StoreReport:
    """The same, of what one transaction sees; arguments as for `check_store`."""
    told = Progress(progress, sum(count(connection, table) for table in _COUNTED))
    log = LogCheck(connection, srs, key, kept)
    checks = [_check_database(connection)]
    log.run(told)
    checks += log.checks
    for name, check in (
        ("coverage", check_coverage),
        ("audits", check_audits),
        ("commitments", check_commitments),
        ("price reports", check_reports),
        ("price rounds", check_rounds),
        ("events", check_events),
        ("webhooks", check_webhooks),
        ("API keys", check_api_keys),
        ("stored answers", check_answers),
    ):
        found = Findings(name)
        with found.reading("a row"):
            check(connection, found, told)
        checks.append(found)
    return StoreReport(log.tree.size, log.tree.root(), tuple(checks))


def _check_database(connection: Connection) -> Findings:
    """The file itself, where the database can tell, and every reference from table to table."""
    found = Findings("database")
    if connection.dialect.name == "sqlite":
        for (line,) in connection.execute(text("PRAGMA integrity_check(10)")):
            found.expect(line == "ok", f"SQLite: {line}")
    for table in Base.metadata.sorted_tables:
        found.examined += 1
        for reference in table.foreign_keys:
            child, parent = reference.parent, reference.column
            lost = connection.scalar(
                select(child)
                .outerjoin(parent.table, child == parent)
                .where(child.is_not(None), parent.is_(None))
                .limit(1)
            )
            where = f"{table.name}.{child.name}"
            found.expect(lost is None, f"{where}: a row refers to nothing in {parent.table.name}")
    return found
