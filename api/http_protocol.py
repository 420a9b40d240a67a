"""HTTP/1.1 on one connection: uvicorn's, with an end to everything that a client can draw out.

uvicorn bounds neither the time nor the size of a request's head, nor how many requests are sent
ahead, nor how long a client may take to read the last of an answer.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from uvicorn._types import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from .problems import MEDIA_TYPE, Problem

MAX_HEAD: Final = 32 * 1024
"""Bytes of a request's head, and bytes in a row that bring no request further."""
MAX_HEADERS: Final = 100
MAX_AHEAD: Final = 32
"""Requests that a client may send before it has the answer to the first."""
ARRIVAL_SECONDS: Final = 10.0
"""How long the head of a request may take, where the configuration does not say `body_seconds`."""


class _RefusedError(Exception):
    """Raised in a callback of the parser, which then stops."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection of a client."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._seconds: float = getattr(self.config, "body_seconds", ARRIVAL_SECONDS)
        self._deadline: asyncio.TimerHandle | None = None
        self._abortion: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._in_head = False
        self._moved = False
        self._idle_bytes = 0
        self._too_large = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_deadline()
        for timer in (self._abortion, self._stall):
            if timer is not None:
                timer.cancel()
        self._abortion = self._stall = None
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        self._moved = False
        super().data_received(data)
        if self.transport.is_closing():
            self._abort_later()
            return
        self._idle_bytes = 0 if self._moved else self._idle_bytes + len(data)
        if self._idle_bytes > MAX_HEAD:
            self._too_large = True
            self.send_400_response("")
        elif self._deadline is None and self._is_clients_turn():
            # uvicorn's own keep-alive ended with the first byte.
            self._start_deadline()

    def on_message_begin(self) -> None:
        self._in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        # Behind the body there may be more of them, in which a client could contradict its proxy.
        if self._in_head:
            if len(self.headers) == MAX_HEADERS:
                self._refuse(too_large=True)
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._moved, self._in_head = True, False
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > MAX_HEAD:
            self._refuse(too_large=True)
        if len(self.pipeline) == MAX_AHEAD:
            self._refuse(too_large=False)
        self._stop_deadline()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._moved = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._moved = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_clients_turn() and self.cycle.more_body:
            # The answer did not wait for the end of the request, and the connection shall not
            # either.
            self._unset_keepalive_if_required()
            self._start_deadline()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall = self.loop.call_later(self._seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._abort_later()

    def send_400_response(self, msg: str) -> None:
        del msg
        if not self._is_clients_turn():
            # In the middle of an answer there is no place for another one.
            self.transport.close()
            self._abort_later()
            return
        problem = Problem(
            *(
                ("head-too-large", "lines above the body are limited in size and number")
                if self._too_large
                else ("http-malformed", "expected HTTP/1.1")
            )
        )
        body = json.dumps(problem.to_json_value()).encode()
        head = (
            f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
            "x-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[problem.kind.status] + head.encode() + body)
        self.transport.close()
        self._abort_later()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        async def watched(
            scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
        ) -> None:
            try:
                await app(scope, receive, send)
            finally:
                self.loop.call_soon(self._look_after_answer)

        super()._start_asgi_task(cycle, watched)

    def _unsupported_upgrade_warning(self) -> None:
        """Other protocols are not offered, and asking for one is answered like any request."""

    def _refuse(self, *, too_large: bool) -> None:
        self._too_large = too_large
        raise _RefusedError

    def _is_clients_turn(self) -> bool:
        """Whether every request that is complete has its answer."""
        return self.cycle is None or self.cycle.response_complete

    def _look_after_answer(self) -> None:
        if self.transport.is_closing():
            self._abort_later()

    def _start_deadline(self) -> None:
        self._stop_deadline()
        self._deadline = self.loop.call_later(self._seconds, self._too_late)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._deadline = None
        self.transport.close()
        self._abort_later()

    def _abort_later(self) -> None:
        """End a closing connection for good, even if its client never reads what is left."""
        if self._abortion is None and not self._is_lost():
            self._abortion = self.loop.call_later(self._seconds, self.transport.abort)

    def _is_lost(self) -> bool:
        return self.parser is None
