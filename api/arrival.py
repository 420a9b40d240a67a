"""The body of a request, taken in whole before anything looks at it: bounded in size, time, depth.

What all bodies together may take is bounded too, so that many clients at once do not fill the
memory.
"""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from ..crypto.canonical import MAX_DEPTH, nests_deeper
from .problems import Problem
from .settings import Settings

BATCH_PATHS: Final = frozenset({"/v1/verify/batch"})
"""Where a body may have the size of a batch."""

BODIES_AT_ONCE: Final = 8
"""How many bodies of the largest size may be in memory at once, or more of smaller ones."""

_LONG: Final = 64 * 1024
"""Bytes that are looked through without leaving the event loop."""

_CLOSE: Final = {"Connection": "close"}


class ClientLeftError(Exception):
    """The client closed the connection before its request was complete."""


class Arrivals:
    """The bodies of all requests of a process.

    Args:
        settings: with the bounds.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._room = BODIES_AT_ONCE * max(settings.max_batch_bytes, settings.max_body_bytes)

    async def take(self, scope: Scope, receive: Receive, held: Held) -> Receive:
        """Read the body of a request; what gives it to the application.

        Args:
            scope: of the request.
            receive: gives what arrives.
            held: notes the memory that the body takes.

        Raises:
            Problem: it is too large, too slow or too deep, or there is no room for it.
            ClientLeftError: it will not arrive.
        """
        headers = Headers(scope=scope)
        length = headers.get("content-length")
        if length in {None, "0"} and "transfer-encoding" not in headers:
            return receive
        limit = self.limit(scope)
        # The parser has checked that it is a number.
        if length is not None and int(length) > limit:
            raise _too_large(limit)
        time = asyncio.timeout(self._settings.body_seconds)
        try:
            async with time:
                body = await _read(receive, limit, held)
        except TimeoutError:
            if not time.expired():
                raise
            detail = f"it has to arrive within {self._settings.body_seconds:g} seconds"
            raise Problem("body-too-slow", detail, headers=_CLOSE) from None
        deep = (
            await asyncio.to_thread(nests_deeper, body) if len(body) > _LONG else nests_deeper(body)
        )
        if deep:
            raise Problem("json-too-deep", f"expected at most {MAX_DEPTH} levels")
        return _replaying(body, receive)

    def limit(self, scope: Scope) -> int:
        """The largest body that this request may have."""
        settings = self._settings
        batch = scope["path"] in BATCH_PATHS
        return settings.max_batch_bytes if batch else settings.max_body_bytes

    def hold(self) -> Held:
        """A record of the memory that one request takes, to be let go at its end."""
        return Held(self)

    def _claim(self, count: int) -> None:
        if count > self._room:
            # Unread bytes of it are on their way.
            headers = {"Retry-After": "1", **_CLOSE}
            raise Problem("busy", "too many large requests arrive at once", headers=headers)
        self._room -= count

    def _free(self, count: int) -> None:
        self._room += count


class Held:
    """The memory that the body of one request takes."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self._count = 0

    def more(self, count: int) -> None:
        """Note more bytes; Problem `busy` if there is no room for them."""
        self._arrivals._claim(count)  # the two are one thing
        self._count += count

    def let_go(self) -> None:
        """Note that they are gone."""
        self._arrivals._free(self._count)
        self._count = 0


async def _read(receive: Receive, limit: int, held: Held) -> bytes:
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientLeftError
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        held.more(len(part))
        if part:
            parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


def _too_large(limit: int) -> Problem:
    return Problem("body-too-large", f"expected at most {limit} bytes", headers=_CLOSE)


def _replaying(body: bytes, receive: Receive) -> Receive:
    """Gives the body first, and then what else arrives: that the client left."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay
