"""Serving the application: an address, one process or several, and a clean end."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final

import structlog
import uvicorn
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from uvicorn.config import STARTUP_FAILURE

from ..errors import InputError, ZkCollateralError
from ..version import __version__
from . import logs
from .app import create_app, open_store
from .http_protocol import BoundedProtocol
from .metrics import FOLDER_VARIABLE
from .serving import Server
from .settings import Settings
from .store.tables import ApiKey
from .tokens import load_tokens
from .workers import supervise

GRACE_SECONDS: Final = 10
"""How long answers may take to be completed when the service ends."""
KEEP_ALIVE_SECONDS: Final = 65
"""Longer than proxies keep idle connections, so that they never send on one that is closing."""
BACKLOG: Final = 2048

_log = structlog.get_logger("zkcollateral.server")


class StoppedError(BaseException):
    """The process was told to end."""


class ServiceConfig(uvicorn.Config):
    """How uvicorn serves an application of this package.

    Args:
        app: as `create_app` makes it.
        settings: those that it was made with.
    """

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        super().__init__(
            app,
            http=BoundedProtocol,
            ws="none",
            lifespan="on",
            interface="asgi3",
            log_config=None,
            access_log=False,
            # Whom to believe is decided with the quotas, and nowhere else.
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        self.body_seconds = settings.body_seconds


def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    workers: int,
    announce: Callable[[str], None],
) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        settings: of the service.
        host: name or address to listen on.
        port: 0 for any that is free.
        workers: processes; more than one with PostgreSQL only.
        announce: is given one line once requests can be sent.

    Raises:
        InputError: settings, a key, a database or an address that cannot be used.
    """
    if workers > 1 and settings.database.get_backend_name() == "sqlite":
        expected = "1 with SQLite (several workers need PostgreSQL)"
        raise InputError("--workers", expected, str(workers))
    logs.configure()
    with contextlib.suppress(StoppedError), stopping():
        keys_exist = prepare(settings)
        with contextlib.closing(listen(host, port)) as listener:
            announce(_line(settings, listener, keys_exist))
            if workers == 1:
                if serve_here(settings, listener):
                    raise InputError("serve", "a service that starts", "one that did not")
            else:
                with _counting_together():
                    supervise(workers, _work, (settings, listener))


def prepare(settings: Settings) -> bool:
    """Set up what workers share: tables and the log's key; whether there is an API key.

    Raises:
        InputError: something of it cannot be used.
    """
    load_tokens(settings)
    try:
        store = open_store(settings)
        try:
            with store.read() as session:
                found = session.scalar(select(ApiKey.id).where(ApiKey.revoked.is_(None)).limit(1))
        finally:
            store.engine.dispose()
    except SQLAlchemyError as error:
        # Its text may quote the address, with the password.
        where = f"database {shown(settings)}"
        raise InputError(where, "a database that answers", type(error).__name__) from None
    return found is not None


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; connections wait there until a worker takes them.

    Raises:
        InputError: no such address here, or it is taken.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise InputError("--host", "a name or address of this machine", repr(host)) from None
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        where = f"{host} port {port}"
        reason = (error.strerror or "an error").lower()
        raise InputError(where, "an address and a port that are free", reason) from None
    return listener


def serve_here(settings: Settings, listener: socket.socket) -> int:
    """Serve in this process until it is told to end; the status that uvicorn ends with, else 0."""
    server = Server(ServiceConfig(create_app(settings), settings))
    try:
        server.run([listener])
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


@contextlib.contextmanager
def stopping() -> Iterator[None]:
    """Let SIGINT and SIGTERM raise `StoppedError`."""

    def stop(_: int, __: FrameType | None) -> None:
        raise StoppedError

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def shown(settings: Settings) -> str:
    """The address of the database, without its password."""
    return settings.database.render_as_string(hide_password=True)


def _work(settings: Settings, listener: socket.socket) -> int:
    """What a worker does; its exit status."""
    logs.configure()
    with contextlib.suppress(StoppedError), stopping():
        try:
            return serve_here(settings, listener)
        except ZkCollateralError as error:
            _log.error("a worker could not start", reason=str(error))
            return STARTUP_FAILURE
        except Exception as error:  # noqa: BLE001  # else Python would print it, with its text
            _log.error("a worker failed", error=type(error).__name__, exc_info=error)
            return 1
    return 0


@contextlib.contextmanager
def _counting_together() -> Iterator[None]:
    """A folder in which the workers keep their metrics, so that each can tell those of all."""
    with tempfile.TemporaryDirectory(prefix="zkcollateral-metrics-") as folder:
        os.environ[FOLDER_VARIABLE] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER_VARIABLE]


def _line(settings: Settings, listener: socket.socket, keys_exist: bool) -> str:
    host, port = listener.getsockname()[:2]
    host = f"[{host}]" if ":" in host else host
    line = f"zkcollateral {__version__} on http://{host}:{port}, database {shown(settings)}"
    if keys_exist:
        return line
    command = "zkcollateral api-key create --tenant ops --scope admin"
    return f"{line}; no API key yet: {_environment(settings)}{command}"


def _environment(settings: Settings) -> str:
    """What another command has to be told so that it finds the same database and log."""
    elsewhere = Settings.load()
    told: dict[str, Any] = {}
    if settings.database_url != elsewhere.database_url:
        told["DATABASE_URL"] = shown(settings)
    for name in ("log_key", "log_origin"):
        if getattr(settings, name) != getattr(elsewhere, name):
            told[f"ZKCOLLATERAL_{name.upper()}"] = getattr(settings, name)
    return "".join(f"{name}={shlex.quote(str(value))} " for name, value in told.items())
