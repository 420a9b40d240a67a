"""Clients that draw things out or send floods, on real sockets."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.api.raw import connect, send, until_closed
from tests.api.running import Running, running, settings

SECONDS = 1.0
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /v1/attestations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("slow")
    with running(settings(folder, body_seconds=SECONDS)) as started:
        yield started


def test_a_connection_on_which_nothing_comes_is_closed(service: Running) -> None:
    with connect(service) as connection:
        received, seconds = until_closed(connection)
    assert received == b""
    assert seconds < SECONDS + 2


@pytest.mark.parametrize("before", [b"", GET])
def test_a_head_that_trickles_in_is_not_waited_for(service: Running, before: bytes) -> None:
    with connect(service) as connection:
        connection.sendall(before)
        if before:
            assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        started = time.monotonic()
        connection.sendall(b"GET /healthz HTTP/1.1\r\n")
        while send(connection, b"X-Slow: 1\r\n") and time.monotonic() < started + 10:
            time.sleep(0.05)
        assert SECONDS / 2 < time.monotonic() - started < SECONDS + 2


def test_empty_lines_between_requests_keep_no_connection_open(service: Running) -> None:
    with connect(service) as connection:
        connection.sendall(GET)
        connection.recv(65536)
        started = time.monotonic()
        while send(connection, b"\r\n") and time.monotonic() < started + 10:
            time.sleep(0.05)
        assert time.monotonic() - started < SECONDS + 2


def test_a_body_that_trickles_in_is_refused_with_its_own_type(service: Running) -> None:
    with connect(service) as connection:
        connection.sendall(POST + b"Content-Length: 1000\r\n\r\n{")
        received, seconds = until_closed(connection)
    assert received.startswith(b"HTTP/1.1 408")
    assert b"urn:zkcollateral:problem:body-too-slow" in received
    assert seconds < SECONDS + 2


def test_a_body_that_is_never_completed_after_the_answer_is_not_waited_for(
    service: Running,
) -> None:
    """429 and the like are answered before the body: it must not hold the connection."""
    with connect(service) as connection:
        connection.sendall(POST + b"Content-Length: 99999999\r\n\r\n")
        received, seconds = until_closed(connection)
    assert b"body-too-large" in received
    assert seconds < SECONDS + 2


def test_many_slow_clients_stop_nobody_else(service: Running) -> None:
    with ExitStack() as stack, service.client() as client:
        slow = [stack.enter_context(connect(service)) for _ in range(200)]
        for connection in slow:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
        started = time.monotonic()
        assert client.get("/healthz").status_code == 200
        assert time.monotonic() - started < SECONDS
        for connection in slow:
            assert until_closed(connection)[0] == b""
        assert time.monotonic() - started < SECONDS + 3


def test_whoever_never_reads_the_answer_is_cut_off(tmp_path: Path) -> None:
    request = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    patient = settings(tmp_path, body_seconds=SECONDS, answer_seconds=60)
    with running(patient) as service, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", urlsplit(service.url).port))
        connection.settimeout(1)
        port = connection.getsockname()[1]
        deadline = time.monotonic() + 15
        # Few enough to be taken, and with answers that fill every buffer.
        connection.sendall(request * 30)
        time.sleep(SECONDS)
        assert _is_held(port)
        while _is_held(port) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not _is_held(port)


def _is_held(port: int) -> bool:
    """Whether a process still holds a connection to a port of this machine."""
    end = f":{port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[2].endswith(end) and row[9] != "0" for row in rows)


@pytest.mark.parametrize(
    "flood",
    [
        b"GET /healthz HTTP/1.1\r\n" + b"A: b\r\n" * 5000 + b"\r\n",
        b"GET /healthz HTTP/1.1\r\nA: " + b"b" * 3_000_000,
        b"GET /" + b"a" * 3_000_000,
        b"GET /healthz HTTP/1.1\r\nA: " + b"b" * 40_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n\r\n",
        b"\r\n" * 1_000_000,
    ],
    ids=["many", "endless", "endless-path", "long", "long-path", "empty-lines"],
)
def test_a_flood_above_the_body_is_refused(service: Running, flood: bytes) -> None:
    with connect(service) as connection:
        send(connection, flood)
        received, seconds = until_closed(connection)
    assert received == b"" or b"head-too-large" in received
    assert seconds < SECONDS


@pytest.mark.parametrize(
    "flood",
    [
        b"1;" + b"a" * 3_000_000,
        b"2\r\n{}\r\n0\r\nX: " + b"a" * 3_000_000,
    ],
    ids=["chunk-extension", "trailer"],
)
def test_a_flood_that_is_no_body_is_refused(service: Running, flood: bytes) -> None:
    with connect(service) as connection:
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        started = time.monotonic()
        while send(connection, flood) and time.monotonic() < started + 5:
            flood = flood[-1_000_000:]
        assert time.monotonic() - started < SECONDS


def test_lines_below_the_body_are_no_headers(service: Running) -> None:
    """Behind a proxy they could contradict what it says of its client."""
    with connect(service) as connection:
        connection.sendall(
            b"POST /v1/policies HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
            b"Connection: close\r\n\r\n"
            b"2\r\n{}\r\n0\r\nAuthorization: Bearer zkc_x\r\n\r\n"
        )
        received, _ = until_closed(connection)
    assert b"key-missing" in received


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /healthz HTTP/9.9\r\n\r\n",
        b"GET\r\n\r\n",
        b"G\x00T / HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"CONNECT a:1 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nA\r\n\r\n",
    ],
)
def test_garbage_gets_a_problem_and_the_connection_is_closed(
    service: Running, garbage: bytes
) -> None:
    with connect(service) as connection:
        connection.sendall(garbage)
        received, seconds = until_closed(connection)
    assert received.startswith(b"HTTP/1.1 4")
    assert b"application/problem+json" in received
    assert seconds < SECONDS + 2


def test_garbage_after_a_good_request_harms_no_answer(service: Running) -> None:
    with connect(service) as connection:
        connection.sendall(GET + b"\x00\x01garbage\r\n\r\n")
        received, _ = until_closed(connection)
    assert received.count(b"HTTP/1.1") <= 2
    assert b"200 OK" not in received or received.startswith(b"HTTP/1.1 200")
    with service.client() as client:
        assert client.get("/healthz").status_code == 200


def test_some_requests_can_be_sent_ahead(service: Running) -> None:
    with connect(service) as connection:
        connection.sendall(GET * 20 + GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        received, _ = until_closed(connection)
    assert received.count(b"HTTP/1.1 200") == 21


def test_thousands_of_requests_sent_ahead_are_not_kept(service: Running) -> None:
    def memory() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before = memory()
    with connect(service) as connection:
        for _ in range(20):
            if not send(connection, GET * 2000):
                break
        received, _ = until_closed(connection)
    assert received.count(b"HTTP/1.1 200") < 2000
    assert memory() - before < 100 * 1024


def test_asking_for_another_protocol_is_answered_like_any_request(service: Running) -> None:
    with connect(service) as connection:
        connection.sendall(
            b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
        )
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"\x81\x05hello" * 10)
        until_closed(connection)
