"""Where submissions wait: one thread takes all that are there, checks and stores them together.

One batch is one verification, one transaction and one signed checkpoint, however many submissions
it has; nobody waits for a batch to fill.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..circuits.attestation import Attestation
from .acceptance import Acceptance
from .cases import Case, Outcome
from .metrics import Metrics
from .problems import Problem

MAX_BATCH: Final = 64

_AWAY: Final = (OperationalError, InterfaceError, PoolTimeout)
"""The database is away or busy: no submission is to blame, and trying each alone helps nobody."""

_log = structlog.get_logger("zkcollateral.intake")


@dataclass
class Submission:
    """An attestation that somebody submits.

    Args:
        attestation: as read; nothing in it is believed.
        document: its canonical bytes.
        tenant: who submits it.
        audit: the audit that it is said to answer; None: the one with its nonce, if any.
    """

    attestation: Attestation
    document: bytes
    tenant: str
    audit: str | None = None
    outcome: Future[Outcome] = field(default_factory=Future)


class Intake:
    """The queue of submissions and the thread behind it.

    Args:
        acceptance: what decides and stores.
        metrics: where batches are counted.
        max_waiting: submissions that may wait; more are refused with `busy`.
    """

    def __init__(self, acceptance: Acceptance, metrics: Metrics, max_waiting: int) -> None:
        self._acceptance = acceptance
        self._metrics = metrics
        self._queue: queue.Queue[Submission | None] = queue.Queue(max_waiting)
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
        self._door = threading.Lock()
        self._open = False

    @property
    def running(self) -> bool:
        """Whether submissions are taken and decided."""
        return self._open and self._thread.is_alive()

    def start(self) -> None:
        """Begin to take submissions."""
        self._thread.start()
        self._open = True

    def stop(self) -> None:
        """Take no more, finish what waits, and end."""
        with self._door:
            was_open, self._open = self._open, False
        if was_open:
            # Nothing comes after it: whoever is late finds the door closed.
            self._queue.put(None)
            self._thread.join()

    def submit(self, submission: Submission) -> Future[Outcome]:
        """Queue a submission; the future holds its outcome once it is stored or refused.

        Raises:
            Problem: `busy`, if too many wait; `not-ready`, if the service ends.
        """
        with self._door:
            if not self._open:
                raise Problem("not-ready", "the service is ending", headers={"Retry-After": "5"})
            try:
                self._queue.put_nowait(submission)
            except queue.Full:
                raise Problem(
                    "busy", "too many submissions wait to be checked", headers={"Retry-After": "1"}
                ) from None
        self._metrics.waiting.set(self._queue.qsize())
        return submission.outcome

    def _run(self) -> None:
        running = True
        while running:
            batch, running = self._next_batch()
            self._metrics.waiting.set(self._queue.qsize())
            if batch:
                self._metrics.batch_size.observe(len(batch))
                self._process(batch)

    def _next_batch(self) -> tuple[list[Submission], bool]:
        """What waits, one submission at least unless it was cancelled; whether more can come."""
        batch: list[Submission] = []
        item = self._queue.get()
        while item is not None:
            # From here on it cannot be cancelled; one that was is dropped.
            if item.outcome.set_running_or_notify_cancel():
                batch.append(item)
            if len(batch) == MAX_BATCH:
                return batch, True
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _process(self, batch: Sequence[Submission]) -> None:
        cases = [Case(item.attestation, item.tenant, item.audit, item.document) for item in batch]
        try:
            outcomes = self._acceptance.accept(cases)
        except BaseException as error:  # noqa: BLE001  # nothing, no panic either, ends the thread
            if len(batch) > 1 and not isinstance(error, _AWAY):
                # One of them must not take the others down with it.
                for item in batch:
                    self._process([item])
                return
            _log.error("submission failed", error=type(error).__name__, exc_info=True)
            for item in batch:
                problem = _as_problem(error)
                self._metrics.submissions.labels(problem.name).inc()
                item.outcome.set_exception(problem)
            return
        for item, outcome in zip(batch, outcomes, strict=True):
            name = outcome.name if isinstance(outcome, Problem) else outcome.kind
            self._metrics.submissions.labels(name).inc()
            item.outcome.set_result(outcome)


def _as_problem(error: BaseException) -> Problem:
    if isinstance(error, SQLAlchemyError):
        return Problem(
            "not-ready", "the database does not answer as it should", headers={"Retry-After": "5"}
        )
    return Problem("internal", "the attestation could not be checked or stored")
