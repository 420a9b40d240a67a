"""The HTTP server around the application: uvicorn, and an end that open streams do not put off."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any, Final

import uvicorn

GRACE_SECONDS: Final = 1.0
"""How long, at the end, a peer may take to read the rest of an answer that is complete."""


class Server(uvicorn.Server):
    """A server that ends event streams before it waits for connections to close.

    Uvicorn waits until every answer is complete, which a stream never is, and until every peer has
    read its answer, which some never do.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, wait for the other answers, stop the application."""
        feed = self.lifespan.state.get("feed")
        if feed is not None:
            feed.close()
        dropping = asyncio.create_task(self._drop_deaf_peers())
        try:
            await super().shutdown(sockets)
        finally:
            dropping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await dropping

    async def _drop_deaf_peers(self) -> None:
        """Cut connections that are closed on this side and do not get their rest across."""
        closing: set[Any] = set()
        while True:
            await asyncio.sleep(GRACE_SECONDS)
            found: set[Any] = {
                each for each in self.server_state.connections if each.transport.is_closing()
            }
            for connection in found & closing:
                connection.transport.abort()
            closing = found
