"""Bounds before parsing, time limits, request ids and headers."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.raw import connect, send, until_closed
from tests.api.running import Running, running, settings
from zkcollateral.api.arrival import Arrivals
from zkcollateral.api.problems import Problem
from zkcollateral.crypto.canonical import MAX_DEPTH, nests_deeper, parse_json
from zkcollateral.errors import DocumentError

SMALL, BATCH = 20_000, 60_000
TYPE = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    configured = settings(
        tmp_path_factory.mktemp("edge"),
        max_body_bytes=SMALL,
        max_batch_bytes=BATCH,
        body_seconds=2,
        answer_seconds=1,
    )
    with running(configured) as started:
        yield started


@pytest.fixture(scope="module")
def client(service: Running) -> Iterator[httpx.Client]:
    with service.client("prover", "admin") as made:
        yield made


def kind(response: httpx.Response) -> str:
    assert response.headers["content-type"] == "application/problem+json"
    value = response.json()
    assert value["status"] == response.status_code
    return str(value["type"]).removeprefix("urn:zkcollateral:problem:")


def padded(size: int) -> bytes:
    return b'{"a":"' + b"x" * (size - 8) + b'"}'


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("path", "limit"), [("/v1/attestations", SMALL), ("/v1/verify/batch", BATCH)]
)
def test_a_body_may_be_as_large_as_the_limit_and_no_larger(
    client: httpx.Client, path: str, limit: int, streamed: bool
) -> None:
    def post(size: int) -> httpx.Response:
        body = padded(size)
        content = iter([body[:1000], body[1000:]]) if streamed else body
        return client.post(path, content=content, headers=TYPE)

    assert post(limit).status_code in {400, 422}
    refused = post(limit + 1)
    assert refused.status_code == 413
    assert kind(refused) == "body-too-large"
    assert refused.headers["connection"] == "close"


def test_an_announced_size_is_refused_before_the_body(service: Running) -> None:
    with connect(service) as connection:
        connection.sendall(
            b"POST /v1/attestations HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n"
        )
        started = time.monotonic()
        received = connection.recv(65536)
        assert received.startswith(b"HTTP/1.1 413")
        assert time.monotonic() - started < 0.5


def test_a_stream_without_end_is_not_read_on(service: Running) -> None:
    chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    with connect(service) as connection:
        connection.sendall(
            b"POST /v1/attestations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        started = time.monotonic()
        while send(connection, chunk) and time.monotonic() < started + 10:
            pass
    assert time.monotonic() - started < 5


def test_a_client_that_sends_all_before_it_reads_still_sees_why(service: Running) -> None:
    """A connection that is closed while bytes arrive is reset, and the answer lost."""
    body = b"x" * (SMALL + 15_000)
    with connect(service) as connection:
        head = f"POST /v1/policies HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode())
        for at in range(0, len(body), 5000):
            connection.sendall(body[at : at + 5000])
            time.sleep(0.02)
        received, _ = until_closed(connection)
    assert b"body-too-large" in received


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 5000,
        b'{"a":' * 40 + b"1" + b"}" * 40,
        b'{"a":"]]]]]]","b":' + b"[" * 33 + b"]" * 33 + b"}",
        b'{"a":"\\"' + b"]" * 99 + b'","b":' + b"[" * 33 + b"]" * 33 + b"}",
        b"\xff" + b"[" * 33,
    ],
)
@pytest.mark.parametrize("path", ["/v1/attestations", "/v1/verify", "/nowhere"])
def test_deep_json_is_refused_before_anything_parses(
    client: httpx.Client, body: bytes, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("it was parsed")

    monkeypatch.setattr(json, "loads", fail)
    response = client.post(path, content=body, headers=TYPE)
    monkeypatch.undo()
    assert response.status_code == 400
    assert kind(response) == "json-too-deep"


@pytest.mark.parametrize("depth", [1, MAX_DEPTH - 1, MAX_DEPTH])
@pytest.mark.parametrize("text", ['"', "[" * 50, "ä\\", '\\"[', '"]' * 50])
def test_depth_is_counted_as_the_parser_counts_it(depth: int, text: str) -> None:
    def nested(levels: int) -> bytes:
        return ("[" * levels + json.dumps(text) + "]" * levels).encode()

    parse_json(nested(depth), "test")
    assert not nests_deeper(nested(depth))
    with pytest.raises(DocumentError, match="deeper nesting"):
        parse_json(nested(depth + MAX_DEPTH), "test")
    assert nests_deeper(nested(depth + MAX_DEPTH))


def test_bodies_together_take_no_more_than_their_room(tmp_path: Path) -> None:
    arrivals = Arrivals(settings(tmp_path, max_body_bytes=1024, max_batch_bytes=1024))
    held = [arrivals.hold() for _ in range(9)]
    for each in held[:8]:
        each.more(1024)
    with pytest.raises(Problem) as caught:
        held[8].more(1)
    assert (caught.value.name, caught.value.headers["Retry-After"]) == ("busy", "1")
    held[0].let_go()
    held[0].let_go()
    held[8].more(1024)
    with pytest.raises(Problem):
        held[0].more(1)


def test_memory_of_bodies_is_given_back(service: Running, client: httpx.Client) -> None:
    for _ in range(40):
        response = client.post("/v1/verify/batch", content=padded(BATCH), headers=TYPE)
        assert response.status_code in {400, 422}


def test_an_answer_that_takes_too_long_is_given_up(service: Running) -> None:
    ended = threading.Event()

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    service.app.add_api_route("/slow", slow)
    with service.client() as reader:
        started = time.monotonic()
        response = reader.get("/slow")
        assert 0.9 < time.monotonic() - started < 3
    assert response.status_code == 503
    assert kind(response) == "answer-too-slow"
    assert int(response.headers["retry-after"]) >= 1
    assert ended.wait(5)


def test_a_timeout_of_the_applications_own_is_no_slow_answer(service: Running) -> None:
    def times_out() -> None:
        raise TimeoutError("secret-7")

    service.app.add_api_route("/times-out", times_out)
    with service.client() as reader:
        response = reader.get("/times-out")
    assert (response.status_code, kind(response)) == (500, "internal")
    assert "secret-7" not in response.text


def test_a_stream_may_last(service: Running) -> None:
    from starlette.responses import StreamingResponse

    async def events() -> Any:
        for number in range(4):
            yield f"data: {number}\n\n"
            await asyncio.sleep(0.5)

    async def stream() -> StreamingResponse:
        return StreamingResponse(events(), media_type="text/event-stream")

    service.app.add_api_route("/stream", stream, response_model=None)
    with service.client() as reader:
        assert reader.get("/stream").text.count("data:") == 4


def test_an_answer_that_breaks_off_is_seen_to(service: Running) -> None:
    from starlette.responses import StreamingResponse

    async def parts() -> Any:
        yield "one"
        raise ValueError("secret-8")

    async def breaks() -> StreamingResponse:
        return StreamingResponse(parts())

    service.app.add_api_route("/breaks", breaks, response_model=None)
    with service.client() as reader, pytest.raises(httpx.RemoteProtocolError):
        reader.get("/breaks")


def test_a_crash_says_nothing_of_itself(service: Running) -> None:
    def crash() -> None:
        raise ValueError("secret-9")

    service.app.add_api_route("/crash", crash)
    with service.client() as reader:
        response = reader.get("/crash")
    assert (response.status_code, kind(response)) == (500, "internal")
    assert "secret-9" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("given", ["abc-123._", "A" * 64])
def test_a_sane_request_id_is_kept(client: httpx.Client, given: str) -> None:
    response = client.get("/healthz", headers={"X-Request-ID": given})
    assert response.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "A" * 65, "a b", 'x"', "ä", "a;b", "{}"])
def test_any_other_is_replaced(client: httpx.Client, given: str) -> None:
    headers = {b"X-Request-ID": given.encode()}
    ids = {client.get("/healthz", headers=headers).headers["x-request-id"] for _ in range(2)}
    assert len(ids) == 2
    assert all(len(each) == 32 and int(each, 16) for each in ids)


@pytest.mark.parametrize("path", ["/healthz", "/v1/policies", "/nowhere", "/v1/log/checkpoint"])
def test_headers_of_every_answer(client: httpx.Client, path: str) -> None:
    headers = client.get(path, headers={"Origin": "https://elsewhere.example"}).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "cache-control" in headers
    assert "server" not in headers
    assert not [name for name in headers if name.startswith("access-control")]


def test_preflight_is_not_answered(client: httpx.Client) -> None:
    headers = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    response = client.options("/v1/policies", headers=headers)
    assert (response.status_code, kind(response)) == (405, "method-not-allowed")
    assert not [name for name in response.headers if name.startswith("access-control")]
