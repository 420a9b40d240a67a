"""A service that lies, breaks off or never ends: one error each, and the key goes nowhere else."""

from __future__ import annotations

import logging
import socket
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from tests.client.hostile import Asked, Reply, drop, hostile, problem, reply
from tests.world import POLICY, World
from zkcollateral.circuits.claim import document_digest
from zkcollateral.client import backoff as backoff_module
from zkcollateral.client import transport
from zkcollateral.client.client import Client
from zkcollateral.client.errors import ServiceError, ServiceUnavailable, UnusableAnswer
from zkcollateral.errors import InputError

KEY = "zkc_0123456789abcdef_do-not-tell-anybody"
OTHER = "0" * 64


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody waits between two tries; how long they would have."""
    waited: list[float] = []
    monkeypatch.setattr(transport.time, "sleep", waited.append)
    return waited


def client(url: str, **options: Any) -> Client:
    return Client(url, KEY, **{"timeout": 5, **options})


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def test_a_policy_has_the_digest_that_was_asked_for(world: World) -> None:
    other = world.policy.to_json_value() | {"ratio": "1.0"}
    with (
        hostile(reply(200, other)) as server,
        client(server.url) as mine,
        pytest.raises(UnusableAnswer, match="expected a document of digest"),
    ):
        mine.policies.get(document_digest(world.policy))
    with hostile(reply(200, world.policy.to_json_value())) as server, client(server.url) as mine:
        assert mine.policies.get(document_digest(world.policy)) == world.policy


def test_a_round_has_the_digest_that_was_asked_for(world: World) -> None:
    signed = world.prices()
    with hostile(reply(200, signed.to_json_value())) as server, client(server.url) as mine:
        assert mine.price_rounds.get(document_digest(signed.round), OTHER) == signed
        with pytest.raises(UnusableAnswer, match="expected a document of digest 0000"):
            mine.price_rounds.get(OTHER, OTHER)


def test_a_commitment_has_the_digest_that_was_asked_for(world: World) -> None:
    envelope = world.vouched().commitment.to_json_value()
    with (
        hostile(reply(200, envelope)) as server,
        client(server.url) as mine,
        pytest.raises(UnusableAnswer, match="got another one"),
    ):
        mine.commitments.envelope(OTHER)


def test_a_bundle_is_about_the_attestation_that_was_asked_for(world: World) -> None:
    attestation = world.attest()
    bundle = {
        "format": "zkcollateral/bundle/1",
        "attestation": attestation.to_json_value(),
        "log": {
            "index": "0",
            "entry": {
                "format": "zkcollateral/log-attestation/1",
                "id": attestation.identity,
                "digest": document_digest(attestation),
                "time": "2026-01-31T12:00:00Z",
            },
            "proof": [],
            "checkpoint": "",
        },
    }
    with hostile(reply(200, bundle)) as server, client(server.url) as mine:
        assert mine.attestations.bundle(attestation.identity).attestation == attestation
        with pytest.raises(UnusableAnswer, match="expected a bundle of the attestation 0000"):
            mine.attestations.bundle(OTHER)


def test_a_submission_is_answered_with_the_same_attestation(world: World) -> None:
    attestation = world.attest()
    accepted = {
        "id": OTHER,
        "digest": OTHER,
        "status": "valid",
        "policy": OTHER,
        "claim": "maintenance",
        "claim_type": "maintenance",
        "registry": OTHER,
        "round": OTHER,
        "accounts": [],
        "issued": "2026-01-31T12:00:00Z",
        "expires": "2026-01-31T12:00:00Z",
        "accepted": "2026-01-31T12:00:00Z",
        "log_index": "0",
    }
    body = {"attestation": accepted, "new": True, "checks": []}
    with (
        hostile(reply(201, body)) as server,
        client(server.url) as mine,
        pytest.raises(UnusableAnswer, match="expected the attestation"),
    ):
        mine.attestations.submit(attestation)
    accepted["id"] = attestation.identity
    with (
        hostile(reply(201, body)) as server,
        client(server.url) as mine,
        pytest.raises(UnusableAnswer, match="expected the attestation"),
    ):
        mine.attestations.submit(attestation)
    with hostile(reply(200, body | {"new": False})) as server, client(server.url) as mine:
        assert not mine.attestations.submit(attestation).new


def endless(connection: socket.socket) -> None:
    """An answer without length that does not end."""
    connection.sendall(b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\n\r\n[")
    for _ in range(10_000):
        connection.sendall(b'"' + b"x" * 65536 + b'",')


def dripping(connection: socket.socket) -> None:
    """An answer that comes byte by byte."""
    connection.sendall(b"HTTP/1.1 200 X\r\ncontent-length: 1000\r\n\r\n")
    for _ in range(1000):
        connection.sendall(b" ")
        # `time.sleep` waits for nothing in these tests.
        threading.Event().wait(0.05)


def half(connection: socket.socket) -> None:
    """An answer that breaks off."""
    connection.sendall(b"HTTP/1.1 200 X\r\ncontent-length: 1000\r\n\r\n{")


@pytest.mark.parametrize(
    ("answer", "kind", "detail"),
    [
        (reply(200, b"{"), UnusableAnswer, "well-formed JSON"),
        (reply(200, b'{"items": 1}'), UnusableAnswer, "JSON number"),
        (reply(200, b"\xff\xfe"), UnusableAnswer, "UTF-8"),
        (reply(200, b"[" * 100 + b"]" * 100), UnusableAnswer, "levels"),
        (reply(200, b'{"items": []'), UnusableAnswer, "well-formed JSON"),
        (reply(200, {}), UnusableAnswer, r"answer\.items"),
        (reply(200, {"items": [{"digest": "x"}]}), UnusableAnswer, r"answer\.digest"),
        (reply(200, {"items": [], "next": "x" * 9999}), UnusableAnswer, r"answer\.next"),
        (reply(200, b"x" * 2_000_000), UnusableAnswer, "more than 1000000 bytes"),
        (endless, UnusableAnswer, "more than 1000000 bytes"),
        (dripping, ServiceUnavailable, "did not end within 0.4 s"),
        (half, ServiceUnavailable, "the connection broke"),
        (drop, ServiceUnavailable, "the connection broke"),
        (b"garbage\r\n\r\n", ServiceUnavailable, "the connection broke"),
        (reply(302, location="http://127.0.0.1:9/"), UnusableAnswer, "redirect"),
        (reply(200, b"x", content_encoding="gzip"), UnusableAnswer, "encoding"),
        (reply(500, b"<html>"), ServiceUnavailable, "no problem was described"),
        (reply(404, b"<html>"), ServiceError, "no problem was described"),
        (
            reply(400, b"[" * 100_000, "application/problem+json"),
            ServiceError,
            "no problem was described",
        ),
        (problem(422, "proof-invalid", "a\x1b[31m\nb" + "x" * 5000), ServiceError, r"a \[31m bx"),
    ],
)
def test_an_answer_that_is_none(answer: Reply, kind: type[ServiceError], detail: str) -> None:
    options = {"max_bytes": 1_000_000, "retries": 0, "timeout": 0.4}
    with (
        hostile(answer) as server,
        client(server.url, **options) as mine,
        pytest.raises(ServiceError, match=detail) as caught,
    ):
        list(mine.policies.list())
    assert type(caught.value) is kind
    assert len(str(caught.value)) < 2000
    assert str(caught.value).isprintable()


def test_pages_that_go_in_a_circle() -> None:
    with (
        hostile(reply(200, {"items": [], "next": "a"})) as server,
        client(server.url) as mine,
        pytest.raises(UnusableAnswer, match="the same one again"),
    ):
        list(mine.policies.list())
    assert [asked.path for asked in server.asked] == [
        "/v1/policies?limit=100",
        "/v1/policies?cursor=a&limit=100",
    ]


def test_nobody_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with (
        client(f"http://127.0.0.1:{port}", retries=1) as mine,
        pytest.raises(ServiceUnavailable, match="no connection"),
    ):
        mine.policies.get(OTHER)


def test_a_redirect_carries_no_key_away() -> None:
    with hostile(reply(200, {"items": []})) as elsewhere:
        location = f"{elsewhere.url}/v1/policies"
        for status in (301, 302, 307, 308):
            with hostile(reply(status, location=location)) as server, client(server.url) as mine:
                with pytest.raises(UnusableAnswer, match="a redirect, which is not followed"):
                    list(mine.policies.list())
                assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"
        assert elsewhere.asked == []


def test_the_key_is_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown = []
    for answer in (
        drop,
        reply(302, location="/x"),
        reply(200, b"{"),
        problem(403, "scope-missing"),
    ):
        with hostile(answer) as server, client(server.url, retries=1) as mine:
            with pytest.raises(ServiceError) as caught:
                mine.policies.get(OTHER)
            error: BaseException | None = caught.value
            shown += ["".join(traceback.format_exception(caught.value)), repr(mine)]
            shown += [repr(mine._transport), repr(vars(mine._transport))]
            while error is not None:
                shown += [repr(error), repr(vars(error))]
                error = error.__context__
    assert len(caplog.records) > 0
    shown += [record.getMessage() for record in caplog.records]
    assert not [text for text in shown if "do-not-tell" in text]


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("ftp://example.com", {}),
        ("example.com", {}),
        ("https://", {}),
        ("https://user:secret@example.com", {}),
        ("https://example.com/?key=secret", {}),
        ("https://example.com/#x", {}),
        ("https://exa mple.com", {}),
        ("https://example.com:port", {}),
        ("http://example.com", {}),
        ("https://example.com", {"api_key": "two words"}),
        ("https://example.com", {"api_key": "line\nbreak"}),
        ("https://example.com", {"api_key": ""}),
    ],
)
def test_what_no_client_is_made_of(url: str, options: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        Client(url, **{"api_key": KEY, **options})
    assert "secret" not in str(caught.value)
    assert "do-not-tell" not in str(caught.value)


def test_plain_http_to_others_wants_to_be_asked_for() -> None:
    for url in ("http://127.0.0.1:1", "http://[::1]:1", "http://localhost", "https://example.com/"):
        Client(url, KEY).close()
    Client("http://example.com").close()
    Client("http://example.com", KEY, plain_http=True).close()


def test_what_is_safe_is_tried_again(pauses: list[float]) -> None:
    busy = problem(429, "too-many-requests", retry_after="7")
    away = problem(503, "not-ready")
    good = reply(200, POLICY)
    with (
        hostile(drop, busy, away, good) as server,
        client(server.url) as mine,
        pytest.raises(UnusableAnswer),
    ):
        mine.policies.get(OTHER)
    assert len(server.asked) == 4
    assert len(pauses) == 3
    assert pauses[1] == 7
    assert all(0 < pause < 2 for pause in (pauses[0], pauses[2]))


def test_it_is_given_up_at_last(pauses: list[float]) -> None:
    with (
        hostile(problem(503, "not-ready", "soon")) as server,
        client(server.url) as mine,
        pytest.raises(ServiceUnavailable, match="503 not-ready: soon"),
    ):
        mine.policies.get(OTHER)
    assert len(server.asked) == 5
    assert sum(pauses) < 5
    with (
        hostile(problem(429, "busy", retry_after="3600")) as server,
        client(server.url) as mine,
        pytest.raises(ServiceUnavailable) as caught,
    ):
        mine.policies.get(OTHER)
    assert caught.value.retry_after == 3600
    assert len(server.asked) == 1


def test_a_fault_of_the_service_is_not_repeated() -> None:
    with (
        hostile(problem(500, "internal")) as server,
        client(server.url) as mine,
        pytest.raises(ServiceUnavailable),
    ):
        mine.policies.get(OTHER)
    assert len(server.asked) == 1


def keys(asked: list[Asked]) -> list[str | None]:
    return [each.headers.get("idempotency-key") for each in asked]


def test_what_creates_is_repeated_under_one_key(world: World) -> None:
    published = {
        "digest": document_digest(world.policy),
        "name": "prime",
        "published": "2026-01-31T12:00:00Z",
        "log_index": "0",
        "later": "added",
    }
    with hostile(drop, drop, reply(201, published)) as server, client(server.url) as mine:
        assert mine.policies.publish(world.policy).digest == document_digest(world.policy)
        mine.policies.publish(world.policy)
    first, second, third, another = keys(server.asked)
    assert first == second == third
    assert first is not None
    assert len(first) == 32
    assert another not in (None, first)
    assert {each.body for each in server.asked} == {server.asked[0].body}


@pytest.mark.parametrize(
    "act",
    [
        lambda mine: mine.trust.retire(OTHER, "lost"),
        lambda mine: mine.audits.decline("1", "no"),
        lambda mine: mine.audits.withdraw("1"),
        lambda mine: mine.api_keys.revoke("1"),
    ],
)
def test_what_may_not_be_done_twice_is_not(act: Callable[[Client], object]) -> None:
    with hostile(drop) as server, client(server.url) as mine, pytest.raises(ServiceUnavailable):
        act(mine)
    assert len(server.asked) == 1
    assert keys(server.asked) == [None]


def test_a_refused_attestation_brings_its_checks(world: World) -> None:
    checks = [
        {"name": "format", "passed": True, "reason": "fine"},
        {"name": "proof", "passed": False, "reason": "no\n"},
        {"name": "made-up", "passed": False, "reason": "?"},
        "garbage",
        {"name": "nonce", "passed": "yes"},
    ]
    answer = problem(422, "proof-invalid", "proof: no", checks=checks)
    with (
        hostile(answer) as server,
        client(server.url) as mine,
        pytest.raises(ServiceError) as caught,
    ):
        mine.attestations.submit(world.attest())
    error = caught.value
    assert (error.name, error.status, error.detail) == ("proof-invalid", 422, "proof: no")
    assert [(check.name, check.passed, check.reason) for check in error.checks] == [
        ("format", True, "fine"),
        ("proof", False, "no "),
    ]
    assert str(error).endswith("/v1/attestations: 422 proof-invalid: proof: no")


def test_a_secret_that_was_lost_is_said() -> None:
    made = {
        "id": "0123456789abcdef",
        "tenant": "holder",
        "scopes": ["prover"],
        "created": "2026-01-31T12:00:00Z",
    }
    with (
        hostile(drop, reply(201, made)) as server,
        client(server.url) as mine,
        pytest.raises(UnusableAnswer, match="API key 0123456789abcdef was created, but"),
    ):
        mine.api_keys.create("holder", ["prover"])
    with hostile(reply(201, made | {"key": "zkc_secret"})) as server, client(server.url) as mine:
        created = mine.api_keys.create("holder", ["prover"])
    assert created.key == "zkc_secret"
    assert "zkc_secret" not in repr(created)


def test_parts_of_an_address_stay_parts() -> None:
    with hostile(problem(404, "not-found")) as server, client(server.url) as mine:
        for account in ("a/../b", "a?b#c", "ü"):
            with pytest.raises(ServiceError):
                mine.coverage(account)
        for text in ("", ".", ".."):
            with pytest.raises(InputError):
                mine.policies.get(text)
    assert [asked.path for asked in server.asked] == [
        "/v1/accounts/a%2F..%2Fb/coverage",
        "/v1/accounts/a%3Fb%23c/coverage",
        "/v1/accounts/%C3%BC/coverage",
    ]


def test_pauses_grow_and_are_bounded() -> None:
    for attempt in range(40):
        wait = backoff_module.backoff(attempt)
        assert 0.5 <= wait / min(0.25 * 2**attempt, 32) <= 1
    assert backoff_module.backoff(0, 1e9) == backoff_module.LONGEST_WAIT
    assert backoff_module.backoff(0, 5) == 5


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7), (None, None), ("-1", None), ("soon", None), ("9" * 5000, None), ("²", None)],
)
def test_retry_after(text: str | None, seconds: float | None) -> None:
    assert backoff_module.seconds_of(text) == seconds


def test_retry_after_a_date() -> None:
    assert backoff_module.seconds_of("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    far = backoff_module.seconds_of("Wed, 21 Oct 2115 07:28:00 GMT")
    assert far is not None
    assert far > 1e9
    assert backoff_module.seconds_of("Wed, 21 Oct 2115 07:28:00") is None


def test_time_is_bounded() -> None:
    started = time.perf_counter()
    with (
        hostile(dripping) as server,
        client(server.url, retries=0, timeout=0.3) as mine,
        pytest.raises(ServiceUnavailable),
    ):
        mine.log.checkpoint()
    assert time.perf_counter() - started < 5
