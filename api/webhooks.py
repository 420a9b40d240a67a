"""Sending events to webhooks: a thread that looks what is to be sent, and sends it."""

from __future__ import annotations

import asyncio
import threading
from typing import Final

import httpx
import structlog

from .letters import Answer, Letter, make_client, send
from .postbox import Schedule, disable_abandoned, is_work, queue, record, take
from .service import Service

LOOK_SECONDS: Final = 0.5
ATTEMPT_SECONDS: Final = 15.0
MAX_AT_ONCE: Final = 16
"""Letters that one process sends at once, each to another webhook."""
QUEUED_AT_ONCE: Final = 50
"""Webhooks for which events are queued in one transaction, so that it stays short."""
STOP_SECONDS: Final = 1.0
"""How long attempts may go on when the service stops; the rest is sent again after its lease."""

_log = structlog.get_logger("zkcollateral.webhooks")


class Postman:
    """A thread that delivers, with an event loop of its own so that slow receivers cost nothing.

    Args:
        service: whose events are delivered.
        schedule: when letters are sent again.
        attempt_seconds: how long an attempt may take; less than the schedule's lease.
    """

    def __init__(
        self,
        service: Service,
        schedule: Schedule | None = None,
        attempt_seconds: float = ATTEMPT_SECONDS,
    ) -> None:
        self._store = service.store
        self._private = service.settings.webhooks_to_private_addresses
        self._counter = service.metrics.deliveries
        self._schedule = schedule or Schedule()
        self._attempt_seconds = attempt_seconds
        self._thread = threading.Thread(target=self._run, name="postman", daemon=True)
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()
        self._started.wait()

    def stop(self) -> None:
        """End, after the attempts that end soon."""
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._deliver())

    async def _deliver(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self._started.set()
        attempts: dict[asyncio.Task[Answer], Letter] = {}
        stopped = asyncio.create_task(self._stopping.wait())
        async with make_client() as client:
            while not self._stopping.is_set():
                try:
                    for letter in await asyncio.to_thread(self._take, MAX_AT_ONCE - len(attempts)):
                        attempts[asyncio.create_task(self._attempt(client, letter))] = letter
                except Exception as error:  # noqa: BLE001  # whatever it is, the next look may work
                    _log.warning("webhooks not looked at", error=type(error).__name__)
                await asyncio.wait(
                    (stopped, *attempts),
                    timeout=LOOK_SECONDS,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                await self._record(attempts)
            if attempts:
                await asyncio.wait(attempts, timeout=STOP_SECONDS)
            await self._record(attempts)
            for task in attempts:
                task.cancel()
            await asyncio.gather(*attempts, return_exceptions=True)

    async def _attempt(self, client: httpx.AsyncClient, letter: Letter) -> Answer:
        try:
            return await send(client, letter, seconds=self._attempt_seconds, private=self._private)
        except Exception as error:  # noqa: BLE001  # the letter must not be lost for a fault of ours
            _log.error("letter not sent", letter=repr(letter), error=type(error).__name__)
            return Answer(False, "a fault of the sender")

    async def _record(self, attempts: dict[asyncio.Task[Answer], Letter]) -> None:
        """Write down and forget the attempts that have ended."""
        ended = {attempts.pop(task): task.result() for task in list(attempts) if task.done()}
        if not ended:
            return
        for answer in ended.values():
            self._counter.labels("delivered" if answer.delivered else "failed").inc()
        try:
            await asyncio.to_thread(self._write_down, ended)
        except Exception as error:  # noqa: BLE001  # then they are sent again, after their lease
            _log.warning("deliveries not recorded", error=type(error).__name__)

    def _take(self, count: int) -> list[Letter]:
        if count <= 0:
            return []
        with self._store.read() as session:
            if not is_work(session):
                return []
        with self._store.write() as writer:
            disable_abandoned(writer)
            queue(writer, QUEUED_AT_ONCE)
            writer.session.flush()
            return take(writer, self._schedule, count)

    def _write_down(self, answers: dict[Letter, Answer]) -> None:
        with self._store.write() as writer:
            record(writer, answers, self._schedule)
