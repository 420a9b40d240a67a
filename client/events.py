"""Following what happens at the service, across broken connections."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from ..crypto.canonical import JsonValue, parse_json
from ..errors import InputError
from ..risk.clock import now
from ..risk.values import Time
from .backoff import LONGEST_WAIT, backoff
from .errors import ServiceUnavailable, UnusableAnswer
from .paging import every
from .results import Count, Line, Result
from .sse import Message, read_messages

if TYPE_CHECKING:
    from .transport import Transport

EVENTS: Final = "/v1/events"
SILENCE_SECONDS: Final = 45.0
"""Three heartbeats of the service."""

_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Args:
        id: its number; later events have larger ones.
        type: such as `round.new`.
        data: what it is about, by type.
    """

    id: int
    type: str
    data: dict[str, JsonValue]


class Signal(Enum):
    """What becomes of a connection on which events are told."""

    CONNECTED = "connected"
    """From now on nothing that happens is missed."""
    PAUSE = "pause"
    """The connection stands, and nothing happened."""
    LOST = "lost"
    """It broke; it is made again, and told from where it broke."""


class PastEvent(Result):
    """An event of the history."""

    id: Count
    time: Time
    type: Line
    data: dict[str, Any]


class Events:
    """What happened at the service, and what happens."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def history(self, *, after: int | None = None) -> Iterator[PastEvent]:
        """Past events after one of them, by default from the first on, the oldest first."""
        query = {"after": after}
        path = f"{EVENTS}/history"
        return every(self._transport, path, PastEvent, query, cursor="after")

    def follow(self, *, after: int | None = None, until: datetime | None = None) -> Iterator[Event]:
        """Events as they happen, none twice, however often the connection breaks.

        Args:
            after: the number of an event; by default from now on.
            until: where to end, UTC; noticed within the seconds of a heartbeat. By default never.

        Raises:
            ServiceUnavailable: there was no connection to begin with.
            ServiceError: the service refuses; or it does not send what events look like.
        """
        for told in self.listen(after=after, until=until):
            if isinstance(told, Event):
                yield told

    def listen(
        self, *, after: int | None = None, until: datetime | None = None
    ) -> Iterator[Event | Signal]:
        """As `follow`, and what becomes of the connection in between."""
        stream = _Stream(self._transport, after)
        failures = 0
        begun = False
        while not _over(until):
            started = time.monotonic()
            try:
                for told in stream.connect(_left(until)):
                    begun = True
                    if isinstance(told, Event):
                        failures = 0
                    yield told
                    if _over(until):
                        return
                raise ServiceUnavailable(stream.where, "the stream ended")
            except ServiceUnavailable as error:
                if not begun:
                    raise
                asked = error.retry_after
            if _over(until):
                return
            # Whoever takes a connection only to break it must not be asked without pause.
            failures = 0 if time.monotonic() - started > SILENCE_SECONDS else failures + 1
            yield Signal.LOST
            time.sleep(backoff(failures, asked, longest=min(LONGEST_WAIT, _left(until))))


class _Stream:
    """Where one reader stands in the events."""

    def __init__(self, transport: Transport, after: int | None) -> None:
        self._transport = transport
        self._last = after
        self.where = f"GET {transport.address}{EVENTS}"

    def connect(self, seconds: float) -> Iterator[Event | Signal]:
        """Once that it is connected, then the events and pauses of one connection."""
        headers = {"Accept": "text/event-stream"}
        if self._last is not None:
            headers["Last-Event-ID"] = str(self._last)
        silence = max(0.1, min(SILENCE_SECONDS, seconds))
        with self._transport.stream(EVENTS, headers, silence=silence) as (media_type, pieces):
            if media_type != "text/event-stream":
                raise self._unusable(f"expected text/event-stream, got {media_type[:80]!a}")
            yield Signal.CONNECTED
            try:
                for message in read_messages(pieces):
                    yield self._event(message)
            except InputError as error:
                reason = str(error)
            else:
                return
        raise self._unusable(reason)

    def _event(self, message: Message) -> Event | Signal:
        if message.id is None:
            if message.data is not None:
                raise self._unusable("an event without a number")
            return Signal.PAUSE
        if _NUMBER.fullmatch(message.id) is None:
            raise self._unusable(f"expected the number of an event, got {message.id[:40]!a}")
        number = int(message.id)
        if message.data is None:
            self._last = number if self._last is None else max(number, self._last)
            return Signal.PAUSE
        if self._last is not None and number <= self._last:
            return Signal.PAUSE
        value = parse_json(message.data.encode(), f"event {number}")
        if not isinstance(value, dict):
            raise self._unusable(f"event {number}: expected an object, got another value")
        self._last = number
        return Event(number, message.event or "message", value)

    def _unusable(self, detail: str) -> UnusableAnswer:
        return UnusableAnswer(self.where, detail)


def _left(until: datetime | None) -> float:
    return math.inf if until is None else max(0.0, (until - now()).total_seconds())


def _over(until: datetime | None) -> bool:
    return until is not None and now() >= until
