"""A server that answers with whatever bytes a test wants, and remembers what it was asked."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request, as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Reply = bytes | Callable[[socket.socket], None]
"""The bytes of an answer; or what is done with the connection, which is closed afterwards."""


@dataclass
class Hostile:
    """The server's address, what it was asked, and what it answers; the last reply for ever."""

    url: str
    replies: list[Reply]
    asked: list[Asked] = field(default_factory=list)

    def next(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


def reply(
    status: int = 200,
    body: bytes | Any = b"",
    media_type: str = "application/json",
    **headers: str,
) -> bytes:
    """The bytes of a whole answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {
        "content-type": media_type,
        "content-length": str(len(content)),
        "connection": "close",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + content


def problem(status: int, name: str, detail: str = "no", **more: Any) -> bytes:
    """A problem as the service answers it."""
    headers = {key: more.pop(key) for key in ("retry_after",) if key in more}
    value = {
        "type": f"urn:zkcollateral:problem:{name}",
        "title": name,
        "status": status,
        "detail": detail,
        **more,
    }
    return reply(status, value, "application/problem+json", **headers)


def drop(connection: socket.socket) -> None:
    """Close the connection without a word."""
    connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def hostile(*replies: Reply) -> Iterator[Hostile]:
    """A server with these replies, one per request."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Hostile(f"http://127.0.0.1:{listener.getsockname()[1]}", [*replies])
        ended = threading.Event()
        threads = []

        def accept() -> None:
            while not ended.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                thread = threading.Thread(target=serve, args=(server, connection))
                threads.append(thread)
                thread.start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield server
        finally:
            ended.set()
            with socket.create_connection(listener.getsockname()):
                pass
            acceptor.join(10)
            for thread in threads:
                thread.join(10)


def serve(server: Hostile, connection: socket.socket) -> None:
    """Answer one request."""
    with connection:
        try:
            asked = _read(connection)
            if asked is None:
                return
            answer = server.next(asked)
            if callable(answer):
                answer(connection)
            else:
                connection.sendall(answer)
        except OSError:
            return


def _read(connection: socket.socket) -> Asked | None:
    connection.settimeout(10)
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65536)
    method, path, _ = first.split(" ")
    return Asked(method, path, headers, body)
