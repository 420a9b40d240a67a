"""Events: who sees which, resuming without gap, and streams that end when they have to."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from tests.api.running import Running, running, settings
from zkcollateral import api
from zkcollateral.api import events as events_module
from zkcollateral.api import feed as feed_module
from zkcollateral.api.access import Caller
from zkcollateral.api.app import make_service
from zkcollateral.api.events import EVENT_TYPES, read_after, visible
from zkcollateral.api.routes import events as routes
from zkcollateral.api.store.store import Store
from zkcollateral.api.store.tables import ApiKey
from zkcollateral.risk.clock import now


def emit(store: Store, number: int | str, *tenants: str) -> None:
    """An event that says its number, for everybody or for tenants."""
    with store.write() as writer:
        writer.emit("round.new", {"number": str(number)}, tenants or None)


class Reader:
    """What arrives in a stream, taken apart as the HTML standard says."""

    def __init__(self, response: httpx.Response) -> None:
        self._chunks = response.iter_bytes()
        self._text = ""

    def blocks(self) -> Iterator[list[str]]:
        """The lines of each block, until the stream ends."""
        for chunk in self._chunks:
            # Some clients break lines at more signs than the standard does.
            assert chunk.isascii()
            self._text += chunk.decode()
            while "\n\n" in self._text:
                block, self._text = self._text.split("\n\n", 1)
                yield block.split("\n")
        assert not self._text

    def events(self) -> Iterator[tuple[int, str, Any]]:
        """Number, type and data of each event."""
        for lines in self.blocks():
            fields = dict(line.split(": ", 1) for line in lines if not line.startswith(":"))
            if "data" in fields:
                assert list(fields) == ["id", "event", "data"]
                yield int(fields["id"]), fields["event"], json.loads(fields["data"])

    def take(self, count: int) -> list[str]:
        """The numbers that the next events say of themselves."""
        events = self.events()
        return [next(events)[2]["number"] for _ in range(count)]


@contextmanager
def stream(client: httpx.Client, last: str | None = None, **params: str) -> Iterator[Reader]:
    headers = {} if last is None else {"Last-Event-ID": last}
    with client.stream("GET", "/v1/events", params=params, headers=headers) as response:
        assert response.status_code == 200, response.read()
        reader = Reader(response)
        # The first block says where the stream begins: from here on nothing can be missed.
        next(reader.blocks())
        yield reader


def last(service: Running) -> int:
    with service.service.store.read() as session:
        return read_after(session, visible(None), 0, 1_000_000)[1]


def wait_until(condition: Any, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def test_a_stream_tells_what_happens_from_now_on(tmp_path: Path, database_url: str) -> None:
    with running(settings(tmp_path, database_url)) as service, service.client() as client:
        store = service.service.store
        emit(store, "before")
        with client.stream("GET", "/v1/events") as response:
            assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert response.headers["cache-control"] == "no-store"
            assert response.headers["x-accel-buffering"] == "no"
            assert "content-length" not in response.headers
            reader = Reader(response)
            start = next(reader.blocks())
            assert start[1:] == [f"id: {last(service)}"]
            emit(store, "ä\u2028\n")
            number, type_, data = next(reader.events())
        assert (number, type_, data) == (last(service), "round.new", {"number": "ä\u2028\n"})


def test_events_of_another_process_arrive(tmp_path: Path, database_url: str) -> None:
    configured = settings(tmp_path, database_url)
    other = make_service(configured)
    with running(configured) as service, service.client() as client, stream(client) as reader:
        emit(other.store, 1)
        assert reader.take(1) == ["1"]
    other.store.engine.dispose()


def test_a_stream_resumes_without_gap_and_without_repetition(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Small, so that readers move between memory and database.
    monkeypatch.setattr(feed_module, "RECENT", 8)
    monkeypatch.setattr(feed_module, "BATCH", 3)
    monkeypatch.setattr(feed_module, "POLL_SECONDS", 0.02)
    with running(settings(tmp_path, database_url)) as service:
        store = service.service.store
        first = last(service)

        def write() -> None:
            for tenants in [(), ("a",), ("b",)] * 10:
                emit(store, "", *tenants)

        def write_all() -> None:
            writers = [threading.Thread(target=write) for _ in range(4)]
            for writer in writers:
                writer.start()
            for writer in writers:
                writer.join()
            emit(store, "end")

        writing = threading.Thread(target=write_all)
        writing.start()
        seen = [first]
        said = ""
        # Another one listens all the time, so that there is something in memory.
        with service.client("prover", tenant="a") as client, stream(client):
            while said != "end":
                # Leave after a few events, and come back with the number of the last.
                with stream(client, str(seen[-1])) as reader:
                    for number, _, data in islice(reader.events(), 7):
                        said = data["number"]
                        seen.append(number)
                        if said == "end":
                            break
        writing.join()
        with store.read() as session:
            events, _ = read_after(session, visible(Caller("a", frozenset())), first, 1000)
        assert seen[1:] == [event.id for event in events]
        assert len(events) == 4 * 20 + 1


def test_last_event_id_wins_over_after(tmp_path: Path) -> None:
    with running(settings(tmp_path)) as service, service.client() as client:
        first = last(service)
        for number in range(3):
            emit(service.service.store, number)
        with stream(client, str(first + 1), after=str(first)) as reader:
            assert reader.take(2) == ["1", "2"]
        with stream(client, after=str(first)) as reader:
            assert reader.take(3) == ["0", "1", "2"]
        with stream(client, "0") as reader:
            assert next(reader.events())[0] == 1


NO_NUMBERS = ["", "-1", "+1", "01", "1.0", "1e0", "0x1", "²", "1,2", "9" * 18, "9" * 19]


def test_numbers_are_read_strictly(tmp_path: Path) -> None:
    with running(settings(tmp_path)) as service, service.client() as client:
        requests: list[dict[str, Any]] = [
            {"headers": [("Last-Event-ID", "0"), ("Last-Event-ID", "0")]}
        ]
        for text in NO_NUMBERS:
            header = {"Last-Event-ID": text.encode()}
            requests += [
                {"headers": header},
                {"headers": header, "params": {"after": "0"}},
                {"params": {"after": text}},
                {"url": "/v1/events/history", "params": {"after": text}},
            ]
        for request in requests:
            answer = client.get(**{"url": "/v1/events", **request})
            assert answer.status_code == 422, request
            assert answer.json()["type"] == "urn:zkcollateral:problem:parameter-invalid"


TENANTS = ["a", "A", "a_b", "axb", "a%", "a/b", "ab"]


def test_a_tenant_sees_its_own_events_and_those_for_everybody(
    tmp_path: Path, database_url: str
) -> None:
    with running(settings(tmp_path, database_url)) as service, ExitStack() as stack:
        store, first = service.service.store, last(service)
        clients: dict[str | None, httpx.Client] = {
            None: service.client(),
            # An issuer of tokens may call a tenant anything.
            **{each: service.client("prover", tenant=each) for each in [*TENANTS, "a|other"]},
            "admin": service.client("admin", tenant="x"),
        }
        live = {}
        for tenant, client in clients.items():
            stack.enter_context(client)
            live[tenant] = stack.enter_context(stream(client))
        emit(store, "all")
        for tenant in TENANTS:
            emit(store, tenant, tenant, "other")
        emit(store, "end")
        for tenant, client in clients.items():
            expected = ["all", *([tenant] if tenant in TENANTS else []), "end"]
            if tenant == "admin":
                expected = ["all", *TENANTS, "end"]
            # From memory, from the database in a stream, and as a page.
            assert live[tenant].take(len(expected)) == expected
            with stream(client, str(first)) as reader:
                assert reader.take(len(expected)) == expected
            page = client.get("/v1/events/history", params={"after": str(first)}).json()
            assert [event["data"]["number"] for event in page["items"]] == expected


def test_without_a_key_nothing_is_seen_where_reads_need_one(tmp_path: Path) -> None:
    with running(settings(tmp_path, reads="keys")) as service:
        with service.client() as client:
            for path in ("/v1/events", "/v1/events/history"):
                assert client.get(path).status_code == 401
        with service.client("oracle") as client, stream(client, "0") as reader:
            assert next(reader.events())[0] == 1


def test_history_comes_in_pages(tmp_path: Path) -> None:
    with running(settings(tmp_path)) as service, service.client() as client:
        first = last(service)
        for number in range(5):
            emit(service.service.store, number)
        after: str | None = str(first)
        pages = []
        while after is not None:
            page = client.get("/v1/events/history", params={"after": after, "limit": "2"}).json()
            pages.append([event["data"]["number"] for event in page["items"]])
            after = page.get("next")
        assert pages == [["0", "1"], ["2", "3"], ["4"]]
        event = client.get("/v1/events/history", params={"after": str(first)}).json()["items"][0]
        assert set(event) == {"id", "time", "type", "data"}
        assert event["id"] == str(first + 1)


def test_one_read_looks_through_a_bounded_number_of_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_module, "WINDOW", 3)
    with running(settings(tmp_path)) as service, service.client() as client:
        store, first = service.service.store, last(service)
        for number in range(7):
            emit(store, number, "a")
        emit(store, "end")
        page = client.get("/v1/events/history", params={"after": str(first)}).json()
        assert page == {"items": [], "next": str(first + 3)}
        with stream(client, str(first)) as reader:
            assert reader.take(1) == ["end"]


def test_a_comment_says_that_nothing_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "HEARTBEAT_SECONDS", 0.2)
    with (
        running(settings(tmp_path)) as service,
        service.client() as client,
        stream(client) as reader,
    ):
        blocks = reader.blocks()
        began = time.monotonic()
        # What others may see is nothing for this one.
        for _ in range(3):
            emit(service.service.store, "", "a")
            assert next(blocks) == [": nothing new"]
        assert 0.5 < time.monotonic() - began < 5


def test_the_database_is_asked_by_one_and_only_while_somebody_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "POLL_SECONDS", 0.1)
    asked = []
    read_new = feed_module.Feed._read_new

    def noted(self: Any, after: int | None) -> Any:
        asked.append(after)
        return read_new(self, after)

    monkeypatch.setattr(feed_module.Feed, "_read_new", noted)
    with running(settings(tmp_path)) as service, ExitStack() as stack:
        feed = service.service.feed
        for _ in range(10):
            stack.enter_context(stream(stack.enter_context(service.client())))
        assert len(feed) == 10
        asked.clear()
        time.sleep(0.6)
        assert 2 <= len(asked) <= 7
        stack.close()
        wait_until(lambda: len(feed) == 0)
        asked.clear()
        time.sleep(0.5)
        assert not asked


def test_streams_are_limited(tmp_path: Path) -> None:
    with running(settings(tmp_path, max_streams=2)) as service, service.client() as client:
        with stream(client):
            with stream(client):
                refused = client.get("/v1/events")
            assert refused.status_code == 429
            assert refused.json()["type"] == "urn:zkcollateral:problem:busy"
            assert int(refused.headers["retry-after"]) > 0
            wait_until(lambda: len(service.service.feed) == 1)
            with stream(client):
                pass
        wait_until(lambda: len(service.service.feed) == 0)


def test_a_stream_ends_soon_after_its_key_is_revoked(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert feed_module.CHECK_SECONDS + feed_module.POLL_SECONDS < 5
    monkeypatch.setattr(feed_module, "CHECK_SECONDS", 0.2)
    with running(settings(tmp_path, database_url)) as service:
        store = service.service.store
        with (
            service.client("prover", tenant="gone") as client,
            service.client("prover", tenant="here") as other,
            stream(client) as reader,
            stream(other) as staying,
        ):
            with store.write() as writer:
                writer.session.execute(
                    update(ApiKey).where(ApiKey.tenant == "gone").values(revoked=now())
                )
            began = time.monotonic()
            assert list(reader.events()) == []
            assert time.monotonic() - began < 5
            emit(store, 1)
            assert staying.take(1) == ["1"]
            assert client.get("/v1/events").status_code == 401


def test_the_service_stops_at_once_with_an_open_stream(tmp_path: Path) -> None:
    with ExitStack() as stack:
        with running(settings(tmp_path)) as service:
            client = stack.enter_context(service.client())
            reader = stack.enter_context(stream(client))
            began = time.monotonic()
        assert time.monotonic() - began < 2
        # It has an end, not a broken connection.
        assert list(reader.events()) == []


@contextmanager
def deaf(service: Running) -> Iterator[socket.socket]:
    """A client that asks for a stream and reads nothing of it."""
    host, port = service.url.removeprefix("http://").split(":")
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.connect((host, int(port)))
        peer.sendall(b"GET /v1/events?after=0 HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: len(service.service.feed) == 1)
        with service.service.store.write() as writer:
            for _ in range(400):
                writer.emit("round.new", {"number": "x" * 20_000})
        yield peer


def test_the_service_stops_although_a_client_does_not_read(tmp_path: Path) -> None:
    with ExitStack() as stack:
        with running(settings(tmp_path)) as service:
            stack.enter_context(deaf(service))
            time.sleep(0.5)
            began = time.monotonic()
        assert time.monotonic() - began < 4


def test_a_client_that_does_not_read_is_given_up_and_holds_nobody_up(tmp_path: Path) -> None:
    with running(settings(tmp_path, body_seconds=0.5)) as service, deaf(service):
        feed = service.service.feed
        with service.client() as client, stream(client) as reader:
            emit(service.service.store, 1)
            assert reader.take(1) == ["1"]
            wait_until(lambda: len(feed) == 1, 5)
            emit(service.service.store, 2)
            assert reader.take(1) == ["2"]


def test_a_slow_database_does_not_block_other_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_new = feed_module.Feed._read_new
    asked = threading.Event()

    def slow(self: Any, after: int | None) -> Any:
        asked.set()
        time.sleep(0.5)
        return read_new(self, after)

    monkeypatch.setattr(feed_module.Feed, "_read_new", slow)
    with running(settings(tmp_path)) as service, service.client() as client:
        client.get("/v1/log/checkpoint").raise_for_status()
        with stream(client):
            asked.clear()
            assert asked.wait(5)
            began = time.monotonic()
            client.get("/v1/log/checkpoint").raise_for_status()
            assert time.monotonic() - began < 0.3


def test_a_database_that_fails_for_a_while_ends_no_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "POLL_SECONDS", 0.02)
    read_new = feed_module.Feed._read_new
    failing = threading.Event()

    def fails(self: Any, after: int | None) -> Any:
        if failing.is_set():
            raise OperationalError("SELECT", {}, RuntimeError("away"))
        return read_new(self, after)

    monkeypatch.setattr(feed_module.Feed, "_read_new", fails)
    with (
        running(settings(tmp_path)) as service,
        service.client() as client,
        stream(client) as reader,
    ):
        failing.set()
        emit(service.service.store, 1)
        time.sleep(0.2)
        failing.clear()
        assert reader.take(1) == ["1"]


def test_every_event_that_is_announced_has_a_known_type() -> None:
    emitted = set()
    for path in Path(api.__path__[0]).rglob("*.py"):
        emitted.update(re.findall(r'\.emit\(\s*f?"([^"]+)"', path.read_text()))
    assert emitted
    for text in emitted:
        pattern = re.sub(r"{\w+}", "[a-z]+", text.replace(".", r"\."))
        assert any(re.fullmatch(pattern, type_) for type_ in EVENT_TYPES), text
