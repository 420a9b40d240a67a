"""A way to a service that can be cut: all its connections break at once, and new ones are taken."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Proxy:
    """The address by which the service is reached."""

    url: str
    pairs: list[tuple[socket.socket, socket.socket]] = field(default_factory=list)

    def cut(self) -> int:
        """Break all connections; how many there were."""
        broken, self.pairs[:] = [*self.pairs], []
        for pair in broken:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        return len(broken)


@contextmanager
def proxy(url: str) -> Iterator[Proxy]:
    """A proxy to the service at a loopback address."""
    target = urlsplit(url)
    threads: list[threading.Thread] = []
    opened: list[tuple[socket.socket, socket.socket]] = []
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        here = Proxy(f"http://127.0.0.1:{listener.getsockname()[1]}")

        def accept() -> None:
            while True:
                near, _ = listener.accept()
                if ended.is_set():
                    near.close()
                    return
                far = socket.create_connection((str(target.hostname), int(target.port or 80)))
                here.pairs.append((near, far))
                opened.append((near, far))
                for one, other in ((near, far), (far, near)):
                    thread = threading.Thread(target=_copy, args=(one, other))
                    threads.append(thread)
                    thread.start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield here
        finally:
            ended.set()
            with socket.create_connection(listener.getsockname()):
                acceptor.join(10)
            here.cut()
            for thread in threads:
                thread.join(10)
            for near, far in opened:
                near.close()
                far.close()


def _copy(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    for end in (one, other):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
