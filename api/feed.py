"""New events, read once per process and handed to all who follow them.

One task asks the database, so that what other processes write arrives too, and only while somebody
listens. It keeps the newest events; each listener keeps nothing but the number of the event it has
come to, so one that reads slowly costs no memory, misses nothing and gets nothing twice. Everything
here runs on the event loop, except for the database, which is asked in threads.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import AsyncIterator, Callable
from itertools import islice
from typing import Final

import structlog
from prometheus_client import Gauge

from .access import Caller
from .events import EVERYTHING, Happened, last_event, read_after, visible
from .problems import Problem
from .store.store import Store

POLL_SECONDS: Final = 0.5
CHECK_SECONDS: Final = 2.0
"""How often it is looked up whether listeners may still listen."""
RECENT: Final = 1024
"""Events that are kept in memory; who is further behind reads from the database."""
BATCH: Final = 100

_log = structlog.get_logger("zkcollateral.feed")


class Listener:
    """Somebody who follows the events.

    Args:
        caller: whose events these are.
        may_stay: whether the key is still good; asks the database, so not on the event loop.
    """

    def __init__(self, caller: Caller | None, may_stay: Callable[[], bool]) -> None:
        self.caller = caller
        self.may_stay = may_stay
        self.ended = asyncio.Event()


class Feed:
    """The events of a store, for the listeners of one process.

    Args:
        store: where events are.
        max_listeners: how many may listen at once.
        gauge: where it is shown how many do.
    """

    def __init__(self, store: Store, max_listeners: int, gauge: Gauge) -> None:
        self._store = store
        self._max_listeners = max_listeners
        self._gauge = gauge
        self._listeners: set[Listener] = set()
        self._closed = False
        self._poller: asyncio.Task[None] | None = None
        self._recent: deque[Happened] = deque(maxlen=RECENT)
        self._last: int | None = None
        self._news = asyncio.Event()

    def __len__(self) -> int:
        return len(self._listeners)

    def join(self, listener: Listener) -> None:
        """Begin to listen.

        Raises:
            Problem: `busy`, if as many listen as may; `not-ready`, if the service is stopping.
        """
        if self._closed:
            raise Problem("not-ready", "the service stops", headers={"Retry-After": "5"})
        if len(self._listeners) >= self._max_listeners:
            raise Problem("busy", "too many event streams", headers={"Retry-After": "30"})
        self._listeners.add(listener)
        self._gauge.set(len(self))
        if self._poller is None:
            self._poller = asyncio.create_task(self._poll())

    def leave(self, listener: Listener) -> None:
        """Listen no more."""
        self._listeners.discard(listener)
        self._gauge.set(len(self))
        if not self._listeners and self._poller is not None:
            self._poller.cancel()
            self._poller, self._last = None, None
            self._recent.clear()

    def close(self) -> None:
        """End all listening, now and for ever."""
        self._closed = True
        for listener in self._listeners:
            listener.ended.set()
        self._wake()

    async def follow(
        self, listener: Listener, position: int, heartbeat_seconds: float
    ) -> AsyncIterator[list[Happened]]:
        """Batches of the events after a given one, until the listener's time has ended.

        A batch is empty after `heartbeat_seconds` without any.
        """
        clock = asyncio.get_running_loop().time
        silent_since = clock()
        while not listener.ended.is_set():
            # Taken before reading: what is written while reading must not go unnoticed.
            news, before = self._news, position
            events, position = await self._after(listener.caller, position)
            left = silent_since + heartbeat_seconds - clock()
            if events or left <= 0:
                yield events
                silent_since = clock()
            elif position == before:
                await _wait(news, left)

    async def _after(self, caller: Caller | None, position: int) -> tuple[list[Happened], int]:
        if self._recent and self._recent[0].id <= position + 1:
            # Looked up and not counted: old refusals are forgotten, which leaves gaps.
            start = bisect_right(self._recent, position, key=lambda event: event.id)
            batch = list(islice(self._recent, start, start + BATCH))
            events = [event for event in batch if event.visible_to(caller)]
            return events, batch[-1].id if batch else position
        if self._last is not None and position >= self._last:
            return [], position
        return await asyncio.to_thread(self._look_up, caller, position)

    def _look_up(self, caller: Caller | None, position: int) -> tuple[list[Happened], int]:
        with self._store.read() as session:
            return read_after(session, visible(caller), position, BATCH)

    async def _poll(self) -> None:
        clock = asyncio.get_running_loop().time
        checked = clock()
        while True:
            full = False
            try:
                full = await self._fetch()
                if clock() >= checked + CHECK_SECONDS:
                    await self._check()
                    checked = clock()
            except Exception as error:  # noqa: BLE001  # whatever it is, they still listen
                _log.warning("events not read", error=type(error).__name__)
            if not full:
                await asyncio.sleep(POLL_SECONDS)

    async def _fetch(self) -> bool:
        """Take over what is new; whether there may be more."""
        events, position = await asyncio.to_thread(self._read_new, self._last)
        if position != self._last:
            self._recent.extend(events)
            self._last = position
            self._wake()
        return len(events) == RECENT

    def _read_new(self, last: int | None) -> tuple[list[Happened], int]:
        with self._store.read() as session:
            if last is None:
                return [], last_event(session)
            return read_after(session, EVERYTHING, last, RECENT)

    async def _check(self) -> None:
        """End the listening of all whose key is good no more."""
        listeners = list(self._listeners)
        staying = await asyncio.to_thread(lambda: [each.may_stay() for each in listeners])
        for listener, stays in zip(listeners, staying, strict=True):
            if not stays:
                listener.ended.set()
        self._wake()

    def _wake(self) -> None:
        woken, self._news = self._news, asyncio.Event()
        woken.set()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
