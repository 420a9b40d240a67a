"""What happens because time passes: audits expire, coverage lapses, old refusals are forgotten."""

from __future__ import annotations

import threading
import time
from typing import Final

import structlog
from sqlalchemy import delete, exists, or_, select

from ..risk.clock import now
from .audits import expire
from .coverage import lapse
from .filing import REFUSED
from .service import Service
from .store.tables import Audit, Event, Subject

EVERY_SECONDS: Final = 1.0
LONGEST_PAUSE: Final = 30.0
"""Between two looks while the database does not answer."""
MOST_AT_ONCE: Final = 200
"""Of each kind in one transaction: others wait for it."""
FORGET_EVERY_SECONDS: Final = 60.0
KEPT_REFUSALS: Final = 10_000

_log = structlog.get_logger("zkcollateral.sweeper")


class Sweeper:
    """A thread that looks every second, and writes only when something is due.

    Every worker has one. What is due is looked up again in the transaction, so that it happens
    once.
    """

    def __init__(self, service: Service) -> None:
        self._store = service.store
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)
        self._forgets_at = 0.0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the transaction that is under way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def sweep(self) -> None:
        """Do what is due now."""
        while not self._stopping.is_set() and self._is_due():
            with self._store.write() as writer:
                expire(writer, MOST_AT_ONCE)
                lapse(writer, MOST_AT_ONCE)

    def forget(self) -> None:
        """Delete the announcements of refusals but the newest: their number is up to anybody."""
        with self._store.read() as session:
            last = session.scalar(
                select(Event.id)
                .where(Event.type == REFUSED)
                .order_by(Event.id.desc())
                .offset(KEPT_REFUSALS)
                .limit(1)
            )
        if last is not None:
            with self._store.write() as writer:
                writer.session.execute(delete(Event).where(Event.type == REFUSED, Event.id <= last))

    def _is_due(self) -> bool:
        at = now()
        overdue = exists().where(Audit.state == "open", Audit.deadline <= at)
        lapsed = exists().where(Subject.expires <= at)
        with self._store.read() as session:
            return bool(session.scalar(select(or_(overdue, lapsed))))

    def _run(self) -> None:
        pause = EVERY_SECONDS
        while not self._stopping.wait(pause):
            try:
                self.sweep()
                if time.monotonic() >= self._forgets_at:
                    self.forget()
                    self._forgets_at = time.monotonic() + FORGET_EVERY_SECONDS
            except Exception as error:  # noqa: BLE001  # it must go on when the database is back
                pause = min(2 * pause, LONGEST_PAUSE)
                _log.warning("sweep failed", error=type(error).__name__, next_in=pause)
            else:
                pause = EVERY_SECONDS
