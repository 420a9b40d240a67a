"""Following events: what a stream may look like, and going on where it broke."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.api.running import running, settings
from tests.client.hostile import Reply, drop, hostile, problem, reply
from zkcollateral.client import events as events_module
from zkcollateral.client.client import Client
from zkcollateral.client.errors import ServiceError, ServiceUnavailable, UnusableAnswer
from zkcollateral.client.events import Event, Signal
from zkcollateral.client.sse import MAX_LINE_BYTES, Message, read_messages
from zkcollateral.errors import EncodingError
from zkcollateral.risk.clock import now


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody waits before connecting anew; how long they would have."""
    waited: list[float] = []
    monkeypatch.setattr(events_module.time, "sleep", waited.append)
    return waited


def stream(text: str | bytes, then: Callable[[socket.socket], None] | None = None) -> Reply:
    """A stream of events that ends after this text."""
    data = text if isinstance(text, bytes) else text.encode()

    def send(connection: socket.socket) -> None:
        connection.sendall(
            b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream; charset=utf-8\r\n\r\n" + data
        )
        if then is not None:
            then(connection)

    return send


def collect(told: Iterator[Event], found: list[Event]) -> None:
    """Put what is told into a list, one by one, so that it is there whatever ends the telling."""
    while True:
        found.append(next(told))


def event(number: int, kind: str = "round.new") -> str:
    return f'id: {number}\nevent: {kind}\ndata: {{"number":"{number}"}}\n\n'


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_what_the_standard_says_of_lines(end: str) -> None:
    text = end.join(
        (
            *(": a comment", "data: one", "data:two", "data:  three", ""),
            *("id: 7", "event: a", "retry: 5", "unknown: x", "data", ""),
            *("id: 8\0", "data: x", "", ":", "", "data: never ended"),
        )
    )
    expected = [
        Message(None, "", "one\ntwo\n three"),
        Message("7", "a", ""),
        Message("7", "", "x"),
        Message("7", "", None),
    ]
    assert list(read_messages([text.encode()])) == expected
    assert list(read_messages(bytes([byte]) for byte in text.encode())) == expected


@given(st.binary(max_size=200), st.integers(1, 7))
def test_garbage_is_messages_or_one_error(data: bytes, size: int) -> None:
    def read(pieces: Iterator[bytes] | list[bytes]) -> list[Message] | str:
        try:
            return list(read_messages(pieces))
        except EncodingError as error:
            return str(error)

    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    together, apart = read([data]), read(pieces)
    assert together == apart or "UTF-8" in (together, apart)[0]


@pytest.mark.parametrize(
    "pieces",
    [
        [b"data: " + b"x" * 1000] * 2000,
        [b"data: " + b"x" * 1000 + b"\n"] * 2000,
        [b"x" * (MAX_LINE_BYTES + 1)],
        [b"\xff\n"],
    ],
)
def test_what_is_too_much(pieces: list[bytes]) -> None:
    with pytest.raises(EncodingError):
        list(read_messages(pieces))


def test_it_goes_on_where_it_broke(pauses: list[float]) -> None:
    again = event(2) + event(3)
    replies = (
        stream("id: 0\n\n" + event(1)),
        drop,
        problem(503, "not-ready", retry_after="9"),
        stream(event(2) + 'id: 3\nevent: round.new\ndata: {"cut'),
        stream(again),
        problem(403, "scope-missing"),
    )
    with hostile(*replies) as server, Client(server.url) as client:
        found: list[Event] = []
        with pytest.raises(ServiceError, match="scope-missing"):
            collect(client.events.follow(), found)
    assert found == [Event(n, "round.new", {"number": str(n)}) for n in (1, 2, 3)]
    resumed = [asked.headers.get("last-event-id") for asked in server.asked]
    assert resumed == [None, "1", "1", "1", "2", "3"]
    assert len(pauses) == 5
    assert pauses[2] >= 9


def test_it_begins_after_an_event(pauses: list[float]) -> None:
    with (
        hostile(stream(event(5) + event(6)), problem(401, "key-unknown")) as server,
        Client(server.url) as client,
        pytest.raises(ServiceError, match="key-unknown"),
    ):
        assert [told.id for told in client.events.follow(after=5)] == [6]
    assert server.asked[0].headers["last-event-id"] == "5"


def test_an_event_is_told_once(pauses: list[float]) -> None:
    text = event(4) + event(4) + event(2) + event(5)
    with hostile(stream(text), problem(401, "key-unknown")) as server:
        found: list[Event] = []
        with Client(server.url) as client, pytest.raises(ServiceError):
            collect(client.events.follow(), found)
    assert [told.id for told in found] == [4, 5]


def test_no_connection_to_begin_with_is_an_error() -> None:
    for first in (drop, problem(503, "not-ready")):
        with (
            hostile(first) as server,
            Client(server.url) as client,
            pytest.raises(ServiceUnavailable),
        ):
            next(client.events.follow())
        assert len(server.asked) == 1


def test_a_server_that_breaks_every_connection_is_asked_ever_less(pauses: list[float]) -> None:
    replies = [stream("id: 0\n\n")] * 12
    with (
        hostile(*replies, problem(401, "key-unknown")) as server,
        Client(server.url) as client,
        pytest.raises(ServiceError, match="key-unknown"),
    ):
        list(client.events.listen())
    assert len(pauses) == 12
    assert sum(pauses) > 60


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (reply(200, b"id: 1\n\n"), "expected text/event-stream"),
        (stream("data: {}\n\n"), "an event without a number"),
        (stream("id: one\ndata: {}\n\n"), "expected the number of an event, got 'one'"),
        (stream("id: -1\n\n"), "expected the number of an event"),
        (stream("id: 1\ndata: {\n\n"), "event 1: expected well-formed JSON"),
        (stream("id: 1\ndata: []\n\n"), "event 1: expected an object"),
        (stream('id: 1\ndata: {"a": 1}\n\n'), "event 1: a: expected a string"),
        (stream(b"id: 1\ndata: \xff\n\n"), "expected UTF-8"),
        (stream(b"x" * (MAX_LINE_BYTES + 70000)), "lines of at most"),
    ],
)
def test_what_is_no_stream_of_events(answer: Reply, detail: str) -> None:
    with (
        hostile(answer) as server,
        Client(server.url) as client,
        pytest.raises(UnusableAnswer, match=detail),
    ):
        list(client.events.follow())
    assert len(server.asked) == 1


def test_silence_breaks_a_connection(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    monkeypatch.setattr(events_module, "SILENCE_SECONDS", 0.2)

    def silent(connection: socket.socket) -> None:
        connection.settimeout(10)
        connection.recv(1)

    with (
        hostile(stream(event(1), silent), stream(event(2))) as server,
        Client(server.url) as client,
    ):
        following = client.events.follow()
        assert [next(following).id, next(following).id] == [1, 2]
        following.close()


def test_it_ends_when_it_was_told_to() -> None:
    def silent(connection: socket.socket) -> None:
        connection.settimeout(10)
        connection.recv(1)

    with hostile(stream(event(1), silent)) as server, Client(server.url) as client:
        started = time.monotonic()
        found = list(client.events.follow(until=now() + timedelta(seconds=2)))
        assert [told.id for told in found] == [1]
        assert time.monotonic() - started < 5
        assert list(client.events.follow(until=now())) == []


def test_events_of_a_real_service(tmp_path: Path) -> None:
    with running(settings(tmp_path)) as service, Client(service.url) as client:

        def emit(*numbers: int) -> None:
            for number in numbers:
                with service.service.store.write() as writer:
                    writer.emit("round.new", {"number": str(number)}, None)

        listening = client.events.listen()
        assert next(listening) is Signal.CONNECTED
        emit(1, 2)
        found: list[Any] = []
        while len(found) < 2:
            told = next(listening)
            found += [told] if isinstance(told, Event) else []
        listening.close()
        emit(3)
        after = client.events.follow(after=found[-1].id)
        found.append(next(after))
        after.close()
        assert [told.data["number"] for told in found] == ["1", "2", "3"]
        past = [each for each in client.events.history() if each.type == "round.new"]
        assert [each.id for each in past] == [told.id for told in found]
        emit(*range(4, 250))
        assert len([*client.events.history(after=found[-1].id)]) == 246
