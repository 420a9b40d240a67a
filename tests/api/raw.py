"""HTTP as bytes on a socket, for what no client library would send."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from urllib.parse import urlsplit

from tests.api.running import Running


def connect(service: Running, seconds: float = 20) -> socket.socket:
    """A connection; reading from it fails after some seconds."""
    port = urlsplit(service.url).port
    return socket.create_connection(("127.0.0.1", port), timeout=seconds)


def until_closed(connection: socket.socket) -> tuple[bytes, float]:
    """What comes until the other side closes, and after how many seconds it did."""
    started = time.monotonic()
    received = b""
    with suppress(ConnectionResetError, BrokenPipeError):
        while data := connection.recv(65536):
            received += data
    return received, time.monotonic() - started


def send(connection: socket.socket, data: bytes) -> bool:
    """Send; false if the other side has closed."""
    try:
        connection.sendall(data)
    except (ConnectionError, TimeoutError):
        return False
    return True
