"""What stands before every resource: bounds, quotas, request ids, headers, a line in the log."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..crypto.randomness import random_bytes
from . import answers
from .arrival import Arrivals, ClientLeftError
from .problems import Problem
from .quotas import FREE_PATHS, Quotas, Visit
from .service import Service

CLIENT_LEFT: Final = 499
"""What the log has for a request whose client left before it was answered."""

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_ADDED: Final = {
    "X-Content-Type-Options": "nosniff",
    # For answers that say nothing of caches: some hold secrets, and most change.
    "Cache-Control": "no-store",
}
_COME_BACK: Final = {429: "1", 503: "5"}
_LINGER_SECONDS: Final = 1.0

_log = structlog.get_logger("zkcollateral.requests")


class Edge:
    """Bounds requests before anything parses them, and answers in time.

    Args:
        app: what answers them.
        service: whose settings and metrics they are.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service
        self._quotas = Quotas(service.settings)
        self._arrivals = Arrivals(service.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._outlast(scope, receive, send)
            return
        exchange = _Exchange(scope, send)
        with structlog.contextvars.bound_contextvars(request_id=exchange.id):
            try:
                await self._handle(exchange, receive)
            finally:
                self._note(exchange)

    async def _outlast(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Start and stop of the application, whose errors the server would log with their text."""
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            _log.error("start or stop failed", error=type(error).__name__, exc_info=error)
            raise

    async def _handle(self, exchange: _Exchange, receive: Receive) -> None:
        held = self._arrivals.hold()
        try:
            exchange.visit = self._quotas.admit(exchange.scope)
            complete = await self._arrivals.take(exchange.scope, receive, held)
        except Problem as problem:
            await exchange.refuse(problem, receive)
        except ClientLeftError:
            exchange.status = CLIENT_LEFT
        else:
            await self._answer(exchange, complete)
        finally:
            held.let_go()

    async def _answer(self, exchange: _Exchange, receive: Receive) -> None:
        seconds = self._service.settings.answer_seconds
        exchange.limit = limit = asyncio.timeout(seconds)
        try:
            async with limit:
                await self._app(exchange.scope, receive, exchange.send)
        except Exception as error:  # noqa: BLE001  # nothing may reach the server, which logs its text
            if limit.expired():
                response = answers.answer(
                    Problem("answer-too-slow", f"it would have taken over {seconds:g} seconds")
                )
            else:
                response = answers.internal(Request(exchange.scope), error)
            # What was sent cannot be taken back: the server then closes the connection.
            if exchange.status is None:
                await response(exchange.scope, receive, exchange.send)
            else:
                exchange.status = response.status_code

    def _note(self, exchange: _Exchange) -> None:
        scope, status = exchange.scope, exchange.status
        if status is None:
            status = CLIENT_LEFT
        exchange.end_visit(status)
        route = getattr(scope.get("route"), "path", "")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        seconds = time.perf_counter() - exchange.started
        metrics = self._service.metrics
        metrics.requests.labels(method, route, str(status)).inc()
        if not exchange.streams:
            metrics.request_seconds.labels(method, route).observe(seconds)
        caller = scope["state"].get("caller")
        # Probes come all the time: a line is for those that fail.
        write = _log.debug if scope["path"] in FREE_PATHS and status < 400 else _log.info
        write(
            "request",
            method=method,
            route=route,
            status=status,
            seconds=round(seconds, 6),
            tenant=None if caller is None else caller.tenant,
        )


class _Exchange:
    """A request and its answer."""

    def __init__(self, scope: Scope, send: Send) -> None:
        given = Headers(scope=scope).get("x-request-id", "")
        self.id = given if _REQUEST_ID.fullmatch(given) else random_bytes(16).hex()
        self.scope = scope
        self.started = time.perf_counter()
        self.status: int | None = None
        self.visit: Visit | None = None
        self.limit: asyncio.Timeout | None = None
        self.streams = False
        self._send = send
        scope.setdefault("state", {})

    async def send(self, message: Message) -> None:
        """Send a part of the answer, with what every answer has in its head."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.end_visit(self.status)
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self.id
            for name, value in _ADDED.items():
                headers.setdefault(name, value)
            if self.status in _COME_BACK:
                headers.setdefault("Retry-After", _COME_BACK[self.status])
            if headers.get("content-type", "").startswith("text/event-stream"):
                self.streams = True
                if self.limit is not None:
                    self.limit.reschedule(None)
        await self._send(message)

    def end_visit(self, status: int) -> None:
        """Count the request in its quota, now that its status is known."""
        if self.visit is not None:
            self.visit.end(status)

    async def refuse(self, problem: Problem, receive: Receive) -> None:
        """Answer before the request is complete.

        What is still on its way is thrown away for a moment: a connection that is closed while
        bytes arrive is reset, and the client would not see the answer.
        """
        response = answers.answer(problem)
        await self.send(
            {
                "type": "http.response.start",
                "status": response.status_code,
                "headers": response.raw_headers,
            }
        )
        closing = "connection" in response.headers
        await self.send({"type": "http.response.body", "body": response.body, "more_body": closing})
        if closing:
            if problem.name != "body-too-slow":
                await _throw_away(receive)
            await self.send({"type": "http.response.body", "body": b""})


async def _throw_away(receive: Receive) -> None:
    """Read what arrives for a moment, or until it is complete, or the client has left."""
    try:
        async with asyncio.timeout(_LINGER_SECONDS):
            while (await receive()).get("more_body", False):
                pass
    except TimeoutError:
        return
