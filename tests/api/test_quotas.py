"""Quotas: per key, else per address; what counts, and what memory they take."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.running import Running, running, settings
from zkcollateral.api.access import Caller
from zkcollateral.api.problems import Problem
from zkcollateral.api.quotas import MAX_CREDENTIALS, Quotas, Windows

LIMIT = 5
PROXY = {"trusted_proxies": "127.0.0.1,10.0.0.0/8,fd00::/8"}


def scope(client: str = "192.0.2.1", path: str = "/v1/policies", **headers: str) -> dict[str, Any]:
    pairs = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    return {
        "type": "http",
        "path": path,
        "client": (client, 1),
        "headers": pairs,
        "state": {},
    }


def quotas(folder: Path, rate: str = f"{LIMIT}/hour", **changes: Any) -> Quotas:
    return Quotas(settings(folder, rate_limit=rate, **changes))


def test_requests_beyond_the_limit_are_told_when_to_come_back(tmp_path: Path) -> None:
    limited = settings(tmp_path, rate_limit=f"{LIMIT}/minute")
    with running(limited) as service, service.client() as client:
        answers = [client.get("/v1/policies") for _ in range(LIMIT + 2)]
        assert [each.status_code for each in answers] == [200] * LIMIT + [429] * 2
        assert answers[-1].json()["type"] == "urn:zkcollateral:problem:too-many-requests"
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        for free in ("/healthz", "/readyz", "/metrics"):
            assert client.get(free).status_code == 200


def test_every_key_has_its_own_quota(tmp_path: Path) -> None:
    with running(settings(tmp_path, rate_limit=f"{LIMIT}/minute")) as service:

        def statuses(client: httpx.Client) -> list[int]:
            with client:
                return [client.get("/v1/policies").status_code for _ in range(LIMIT + 1)]

        for _ in range(3):
            assert statuses(service.client("prover")) == [200] * LIMIT + [429]
        assert statuses(service.client())[-1] == 429


def test_made_up_keys_have_no_quota_of_their_own(tmp_path: Path) -> None:
    limited = settings(tmp_path, rate_limit=f"{LIMIT}/minute")
    with running(limited) as service, service.client() as client:
        statuses = [
            client.get(
                "/v1/policies",
                headers={"Authorization": f"Bearer zkc_{number:016x}_{'A' * 43}"},
            ).status_code
            for number in range(LIMIT + 3)
        ]
    assert statuses == [401] * LIMIT + [429] * 3


def test_a_revoked_key_counts_as_the_address(tmp_path: Path) -> None:
    made = quotas(tmp_path)
    with_key = scope(authorization="Bearer zkc_0123456789abcdef_x")
    visit = made.admit(with_key)
    visit.scope["state"]["caller"] = Caller("t", frozenset())
    visit.end(200)
    fresh = scope(authorization="Bearer zkc_0123456789abcdef_x")
    known = made.admit(fresh)
    assert known.who == "key:0123456789abcdef"
    known.end(401)
    assert made.admit(scope(authorization="Bearer zkc_0123456789abcdef_x")).who.startswith("addr")


def test_tokens_count_for_their_tenant(tmp_path: Path) -> None:
    made = quotas(tmp_path)
    for number in range(LIMIT):
        visit = made.admit(scope(f"192.0.2.{number}", authorization=f"Bearer e.{number}.x"))
        visit.scope["state"]["caller"] = Caller("north", frozenset())
        visit.end(200)
        assert visit.who == "tenant:north"
    with pytest.raises(Problem):
        made.admit(scope(authorization="Bearer e.1.x"))


def test_faults_of_the_service_do_not_count(tmp_path: Path) -> None:
    with running(settings(tmp_path, rate_limit=f"{LIMIT}/minute")) as service:

        def crash() -> None:
            raise ValueError

        service.app.add_api_route("/crash", crash)
        with service.client() as client:
            assert [client.get("/crash").status_code for _ in range(20)] == [500] * 20
            answers = [client.get("/nowhere").status_code for _ in range(LIMIT + 1)]
    assert answers == [404] * LIMIT + [429]


def test_a_burst_at_once_does_not_overshoot(tmp_path: Path) -> None:
    release, arrived = threading.Event(), threading.Semaphore(0)

    def wait() -> None:
        arrived.release()
        release.wait(20)

    with running(settings(tmp_path, rate_limit=f"{LIMIT}/minute")) as service:
        service.app.add_api_route("/wait", wait)

        def ask(_: int) -> httpx.Response:
            with service.client() as client:
                return client.get("/wait")

        with ThreadPoolExecutor(LIMIT + 5) as pool:
            asked = [pool.submit(ask, number) for number in range(LIMIT + 5)]
            for _ in range(LIMIT):
                assert arrived.acquire(timeout=20)
            early = [each for each in asked if _is_done_soon(each)]
            release.set()
            answers = [each.result() for each in asked]
    refused = [each for each in answers if each.status_code == 429]
    assert len(refused) == len(early) == 5
    assert all(int(each.headers["retry-after"]) >= 1 for each in refused)


def _is_done_soon(future: Any) -> bool:
    try:
        future.result(timeout=1)
    except TimeoutError:
        return False
    return True


def test_several_limits_hold_together(tmp_path: Path) -> None:
    made = quotas(tmp_path, "2/second;3/hour")
    for _ in range(2):
        made.admit(scope()).end(200)
    with pytest.raises(Problem) as caught:
        made.admit(scope())
    assert caught.value.headers["Retry-After"] == "1"


def test_places_are_given_back(tmp_path: Path) -> None:
    made = quotas(tmp_path)
    visits = [made.admit(scope()) for _ in range(LIMIT)]
    with pytest.raises(Problem):
        made.admit(scope())
    for visit in visits:
        visit.end(503)
        visit.end(200)
    assert not made._under_way
    made.admit(scope())


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.9, 10.1.1.1", "203.0.113.9"),
        ("127.0.0.1", "10.1.1.2,10.1.1.1", "10.1.1.2"),
        ("127.0.0.1", "203.0.113.9, nonsense", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9, nonsense, 10.1.1.1", "10.1.1.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("::ffff:127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("fd00::1", "2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8::1", "203.0.113.9", "2001:db8::/64"),
        ("::1", "", "::/64"),
        ("not an address", "203.0.113.9", "unknown"),
    ],
)
def test_whose_address_counts(tmp_path: Path, peer: str, forwarded: str, expected: str) -> None:
    made = quotas(tmp_path, **PROXY)
    assert made.address(scope(peer, x_forwarded_for=forwarded)) == f"address:{expected}"


def test_nobody_is_believed_by_default(tmp_path: Path) -> None:
    made = quotas(tmp_path)
    assert made.address(scope("127.0.0.1", x_forwarded_for="1.2.3.4")) == "address:127.0.0.1"


def test_the_service_itself_believes_no_header_of_strangers(tmp_path: Path) -> None:
    with running(settings(tmp_path, rate_limit="1/minute")) as service, service.client() as client:
        statuses = [
            client.get("/v1/policies", headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code
            for n in range(3)
        ]
    assert statuses == [200, 429, 429]


def test_windows_are_bounded_in_number_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("zkcollateral.api.quotas.time.monotonic", lambda: clock[0])
    windows = Windows(100)
    for number in range(1000):
        windows.incr(f"k{number}", 60)
    assert len(windows) == 100
    assert (windows.get("k0"), windows.get("k999")) == (0, 1)
    assert windows.incr("k999", 60) == 2
    clock[0] += 61
    assert windows.get("k999") == 0
    assert windows.incr("k999", 60) == 1
    assert windows.get_expiry("k999") == clock[0] + 60


def test_known_credentials_are_bounded_in_number(tmp_path: Path) -> None:
    made = quotas(tmp_path, "1000000/second")
    for number in range(MAX_CREDENTIALS + 50):
        visit = made.admit(scope(authorization=f"Bearer t{number}"))
        visit.scope["state"]["caller"] = Caller("t", frozenset())
        visit.end(200)
    assert len(made._known) == MAX_CREDENTIALS


def test_a_full_queue_is_busy_with_a_time_to_come_back(tmp_path: Path) -> None:
    with running(settings(tmp_path)) as service:

        def busy() -> None:
            raise Problem("busy", "full")

        service.app.add_api_route("/busy", busy)
        _assert_comes_back(service, "/busy")


def _assert_comes_back(service: Running, path: str) -> None:
    with service.client() as client:
        response = client.get(path)
    assert response.status_code == 429
    assert int(response.headers["retry-after"]) >= 1
