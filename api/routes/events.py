"""Events: as a stream that tells them when they happen, and page by page."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from ..access import Credentials, Reader, TheService, caller_of
from ..answers import answer
from ..events import Happened, last_event, read_after, require_known, visible
from ..feed import Feed, Listener
from ..paging import Limit
from ..problems import Problem
from ..service import Service
from ..views import EventPage, EventView

router = APIRouter(prefix="/v1/events", tags=["events"])

HEARTBEAT_SECONDS: Final = 15.0
END_SECONDS: Final = 0.5
"""How long the end of a stream may take."""

# 18 digits: any of them fits into the 64 bits of the database.
_NUMBER: Final = "(0|[1-9][0-9]{0,17})"

After = Annotated[
    str | None,
    Query(pattern=f"^{_NUMBER}$", description="Number of an event: what came after it."),
]
LastEventId = Annotated[
    str | None,
    Header(alias="Last-Event-ID", description="As `after`, which it takes precedence over."),
]

_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Server-sent events, without end.",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": 'id: 17\nevent: round.new\ndata: {"policy":"…","digest":"…"}\n\n',
            }
        },
    }
}


class EventStream(StreamingResponse):
    """A listener's events as server-sent events (the HTML standard's `text/event-stream`)."""

    media_type = "text/event-stream"

    def __init__(self, feed: Feed, listener: Listener, position: int) -> None:
        super().__init__(
            self._spell(feed, listener, position),
            # The other header: nginx would collect the stream before it passes it on.
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
        self._feed = feed
        self._listener = listener

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what happens until the client leaves, stops reading, or may listen no more."""
        try:
            self._feed.join(self._listener)
        except Problem as problem:
            await answer(problem)(scope, receive, send)
            return
        # For a client that does not read, this waits until `http_protocol` cuts the connection.
        telling = asyncio.create_task(self.stream_response(send))
        leaving = asyncio.create_task(_gone(receive))
        ending = asyncio.create_task(self._listener.ended.wait())
        try:
            await asyncio.wait((telling, leaving, ending), return_when=asyncio.FIRST_COMPLETED)
            if not leaving.done():
                await asyncio.wait((telling,), timeout=END_SECONDS)
        finally:
            self._feed.leave(self._listener)
            for task in (telling, leaving, ending):
                task.cancel()
            await asyncio.gather(telling, leaving, ending, return_exceptions=True)
        if not telling.cancelled():
            telling.result()

    @staticmethod
    async def _spell(feed: Feed, listener: Listener, position: int) -> AsyncIterator[bytes]:
        # No event, but the client knows where to go on should the connection break before one.
        yield f": events after {position}\nid: {position}\n\n".encode()
        async for events in feed.follow(listener, position, HEARTBEAT_SECONDS):
            yield b"".join(map(spell, events)) or b": nothing new\n\n"


@router.get(
    "", status_code=200, summary="Follow events", response_class=EventStream, responses=_STREAM
)
async def stream(
    request: Request,
    caller: Reader,
    credentials: Credentials,
    service: TheService,
    after: After = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Events as they happen: those for everybody, and those for the tenant of the key.

    They follow the event in `Last-Event-ID`, else in `after`, else they begin now: without gap, and
    none twice. After 15 seconds without any, a comment says so. The stream ends when the key is
    revoked.
    """
    given = request.headers.getlist("last-event-id")
    if len(given) > 1 or (given and not re.fullmatch(_NUMBER, given[0])):
        raise Problem("parameter-invalid", "Last-Event-ID: expected the number of an event, once")
    wanted = last_event_id if last_event_id is not None else after
    position = await asyncio.to_thread(_start, service, None if wanted is None else int(wanted))
    key = None if credentials is None else credentials.credentials
    listener = Listener(caller, lambda: key is None or _is_known(service, key))
    return EventStream(service.feed, listener, position)


@router.get("/history", summary="List events")
def list_events(
    caller: Reader, service: TheService, limit: Limit = 50, after: After = None
) -> EventPage:
    """Events after a given one, by default from the beginning, the oldest first.

    `next` is the `after` of the next page. A page can be short, even empty, and still have a next.
    """
    position = int(after or "0")
    with service.store.read() as session:
        require_known(session, position)
        events, position = read_after(session, visible(caller), position, limit)
        more = position < last_event(session)
    return EventPage(items=tuple(map(_view, events)), next=str(position) if more else None)


def spell(event: Happened) -> bytes:
    """An event in a stream of server-sent events."""
    data = event.data
    if not data.isascii():
        # Clients may take more signs for the end of a line than the standard does.
        data = json.dumps(json.loads(data), separators=(",", ":"))
    return f"id: {event.id}\nevent: {event.type}\ndata: {data}\n\n".encode()


def _start(service: Service, after: int | None) -> int:
    with service.store.read() as session:
        if after is None:
            return last_event(session)
        require_known(session, after)
        return after


def _is_known(service: Service, key: str) -> bool:
    try:
        caller_of(service, key)
    except Problem:
        return False
    return True


def _view(event: Happened) -> EventView:
    return EventView(
        id=event.id,
        time=event.time,
        type=event.type,
        data={key: _immutable(value) for key, value in json.loads(event.data).items()},
    )


def _immutable(value: Any) -> Any:
    """A JSON value as documents hold it."""
    if isinstance(value, list):
        return tuple(map(_immutable, value))
    if isinstance(value, dict):
        return {key: _immutable(item) for key, item in value.items()}
    return value


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
