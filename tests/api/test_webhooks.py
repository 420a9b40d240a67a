"""Webhooks: signed, in order, at least once, by one worker at a time, to public addresses only."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import delete, select, update

from tests.api.running import running, settings
from zkcollateral.api import letters, postbox, webhooks
from zkcollateral.api.access import create_api_key
from zkcollateral.api.addresses import AddressError, is_public, read_url
from zkcollateral.api.app import make_service
from zkcollateral.api.events import last_event
from zkcollateral.api.letters import Answer, Letter, new_secret, signature
from zkcollateral.api.postbox import Schedule, queue, record, take
from zkcollateral.api.service import Service
from zkcollateral.api.settings import Settings
from zkcollateral.api.store.tables import ApiKey, Delivery, Webhook
from zkcollateral.api.webhooks import Postman
from zkcollateral.risk.clock import now

AT_ONCE = Schedule(first_delay=0, attempts=4, lease=60)


def private(folder: Path, database_url: str | None = None) -> Settings:
    return settings(folder, database_url, webhooks_to_private_addresses=True)


@dataclass
class Got:
    """A request that a receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def number(self) -> str:
        number: str = json.loads(self.body)["data"]["number"]
        return number


@dataclass
class Receiver:
    """An HTTP server that answers as it is told: the status of each request in turn, then 204."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    got: list[Got] = field(default_factory=list)
    before: Callable[[Got], None] = lambda got: None

    def numbers(self) -> list[str]:
        return [each.number for each in self.got]


@contextmanager
def receiving(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            got = Got(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            receiver.got.append(got)
            receiver.before(got)
            status = receiver.statuses.pop(0) if receiver.statuses else 204
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{receiver.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "http" if context is None else "https"
        receiver.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def serving(configured: Settings) -> Iterator[Service]:
    """A service of which nothing runs."""
    service = make_service(configured)
    try:
        yield service
    finally:
        service.store.engine.dispose()


@contextmanager
def posting(
    service: Service, schedule: Schedule = AT_ONCE, seconds: float = 5
) -> Iterator[Postman]:
    postman = Postman(service, schedule, seconds)
    postman.start()
    try:
        yield postman
    finally:
        postman.stop()


def hook(service: Service, url: str, tenant: str = "a", types: str = "") -> str:
    """A webhook in the database, of a tenant with a key."""
    with service.store.write() as writer:
        create_api_key(writer.session, tenant, ["prover"], None)
        id_ = f"{len(writer.session.scalars(select(Webhook)).all()):032x}"
        writer.session.add(
            Webhook(
                id=id_,
                tenant=tenant,
                url=url,
                secret=new_secret(),
                types=types,
                created=writer.at,
                disabled=None,
                position=last_event(writer.session),
            )
        )
    return id_


def emit(service: Service, *numbers: int | str, tenants: list[str] | None = None) -> None:
    with service.store.write() as writer:
        for number in numbers:
            writer.emit("round.new", {"number": str(number)}, tenants)


def deliveries(service: Service) -> list[Delivery]:
    with service.store.read() as session:
        return list(session.scalars(select(Delivery).order_by(Delivery.webhook, Delivery.event)))


def settled(service: Service, count: int) -> Callable[[], bool]:
    """Whether so many letters are there, and none waits."""

    def check() -> bool:
        rows = deliveries(service)
        return len(rows) == count and all(row.due is None for row in rows)

    return check


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "LOOK_SECONDS", 0.05)


def test_signatures_are_those_of_the_published_vector() -> None:
    # standard-webhooks/standard-webhooks, libraries/javascript/src/webhook.test.ts, "sign function
    # works"; the same vector is in the tests of the other reference libraries.
    assert (
        signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            b'{"test": 2432232314}',
        )
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_the_schedule_is_the_one_that_is_written_down() -> None:
    delays = [Schedule().delay(attempt) for attempt in range(1, 9)]
    assert [delay and int(delay.total_seconds()) for delay in delays] == [
        5,
        20,
        80,
        320,
        1280,
        5120,
        20480,
        None,
    ]
    assert Schedule().lease > webhooks.ATTEMPT_SECONDS


def test_an_event_reaches_its_webhook_signed(tmp_path: Path, database_url: str) -> None:
    with running(private(tmp_path, database_url)) as service, receiving() as receiver:
        with service.client("auditor", tenant="a") as client:
            made = client.post(
                "/v1/webhooks",
                json={"url": f"{receiver.url}/in?x=1", "types": ["round.new", "round.new"]},
            )
            assert made.status_code == 201
            view = made.json()
            assert made.headers["location"] == f"/v1/webhooks/{view['id']}"
            assert view["types"] == ["round.new"]
            with service.service.store.write() as writer:
                writer.emit("trust.added", {})
                event = writer.emit("round.new", {"number": "7", "name": "ä"})
            path = f"/v1/webhooks/{view['id']}/deliveries"
            wait_until(
                lambda: [row["state"] for row in client.get(path).json()["items"]] == ["delivered"]
            )
            (listed,) = client.get("/v1/webhooks").json()["items"]
            assert listed == {name: view[name] for name in view if name != "secret"}
            (row,) = client.get(path).json()["items"]
            assert row == {
                "event": str(event),
                "type": "round.new",
                "state": "delivered",
                "attempts": "1",
                "delivered": row["delivered"],
                "outcome": "answered 204",
            }
        (got,) = receiver.got
        assert got.path == "/in?x=1"
        assert got.headers["content-type"] == "application/json"
        assert got.headers["host"] == receiver.url.removeprefix("http://")
        told = json.loads(got.body)
        assert told["type"] == "round.new"
        assert told["data"] == {"number": "7", "name": "ä"}
        assert told["id"] == str(event)
        id_, timestamp = got.headers["webhook-id"], got.headers["webhook-timestamp"]
        assert id_ == f"msg_{view['id']}_{event}"
        assert abs(int(timestamp) - now().timestamp()) < 10
        key = base64.b64decode(view["secret"].removeprefix("whsec_"))
        assert len(key) == 32
        signed = f"{id_}.{timestamp}.".encode() + got.body
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert got.headers["webhook-signature"] == f"v1,{expected}"


def test_failures_are_sent_again_and_the_order_is_kept(tmp_path: Path, database_url: str) -> None:
    with serving(private(tmp_path, database_url)) as service, receiving() as receiver:
        hook(service, receiver.url)
        receiver.statuses = [500, 404, 200, 302, 204]
        emit(service, 1, 2, 3)
        with posting(service):
            wait_until(settled(service, 3))
        assert receiver.numbers() == ["1", "1", "1", "2", "2", "3"]
        # No redirect was followed.
        assert {each.path for each in receiver.got} == {"/"}
        ids = [each.headers["webhook-id"] for each in receiver.got]
        assert len(set(ids)) == 3
        assert len({each.body for each in receiver.got}) == 3
        rows = deliveries(service)
        assert [row.attempts for row in rows] == [3, 2, 1]
        assert all(row.delivered is not None for row in rows)


def test_what_fails_too_often_is_given_up_and_the_rest_goes_on(tmp_path: Path) -> None:
    with serving(private(tmp_path)) as service, receiving() as receiver:
        hook(service, receiver.url)
        receiver.statuses = [503] * 4
        emit(service, 1, 2)
        with posting(service):
            wait_until(settled(service, 2))
        assert receiver.numbers() == ["1"] * 4 + ["2"]
        given_up, delivered = deliveries(service)
        assert (given_up.delivered, given_up.attempts) == (None, 4)
        assert given_up.outcome == "answered 503"
        assert delivered.delivered is not None


def test_a_failed_letter_waits_as_the_schedule_says(tmp_path: Path) -> None:
    with serving(private(tmp_path)) as service, receiving() as receiver:
        hook(service, receiver.url)
        receiver.statuses = [500] * 9
        emit(service, 1, 2)
        with posting(service, Schedule()):
            wait_until(lambda: any(row.outcome for row in deliveries(service)))
            time.sleep(0.3)
        first, second = deliveries(service)
        assert first.due is not None
        assert 3 <= (first.due - now()).total_seconds() <= 5
        assert (second.attempts, receiver.numbers()) == (0, ["1"])


def test_a_receiver_that_is_gone_gets_nothing_more(tmp_path: Path) -> None:
    with serving(private(tmp_path)) as service, receiving() as receiver:
        hook(service, receiver.url)
        receiver.statuses = [410]
        emit(service, 1, 2)
        with posting(service):
            wait_until(settled(service, 2))
            emit(service, 3)
            time.sleep(0.3)
        assert receiver.numbers() == ["1"]
        assert [row.outcome for row in deliveries(service)] == ["answered 410"] * 2
        with service.store.read() as session:
            assert session.scalars(select(Webhook.disabled)).one() is not None


def test_a_slow_receiver_is_given_up_and_holds_nobody_up(tmp_path: Path) -> None:
    with serving(private(tmp_path)) as service, receiving() as slow, receiving() as receiver:
        release = threading.Event()
        slow.before = lambda _: bool(release.wait(10))  # type: ignore[assignment]
        hook(service, slow.url)
        hook(service, receiver.url, tenant="b")
        emit(service, 1)
        with posting(service, Schedule(first_delay=60), seconds=0.5):
            wait_until(lambda: receiver.numbers() == ["1"])
            wait_until(lambda: any(row.outcome for row in deliveries(service)))
            wait_until(lambda: deliveries(service)[0].outcome is not None)
        release.set()
        stuck, sent = deliveries(service)
        assert stuck.outcome == "no answer within 0.5 seconds"
        assert sent.delivered is not None


def test_an_answer_that_trickles_in_is_given_up(tmp_path: Path) -> None:
    with serving(private(tmp_path)) as service, socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()

        def trickle() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                try:
                    while not ended.wait(0.05):
                        connection.sendall(b"x: y\r\n")
                except OSError:
                    pass

        thread = threading.Thread(target=trickle)
        thread.start()
        hook(service, f"http://127.0.0.1:{listener.getsockname()[1]}")
        emit(service, 1)
        with posting(service, Schedule(first_delay=60), seconds=0.5):
            wait_until(lambda: any(row.outcome for row in deliveries(service)))
        ended.set()
        thread.join()
        assert deliveries(service)[0].outcome == "no answer within 0.5 seconds"


def test_the_content_of_an_answer_is_not_read(tmp_path: Path) -> None:
    with serving(private(tmp_path)) as service, socket.create_server(("127.0.0.1", 0)) as listener:
        sent = []

        def flood() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
                try:
                    while True:
                        sent.append(connection.send(b"x" * 65536))
                except OSError:
                    pass

        thread = threading.Thread(target=flood)
        thread.start()
        hook(service, f"http://127.0.0.1:{listener.getsockname()[1]}")
        emit(service, 1)
        with posting(service):
            wait_until(settled(service, 1))
        thread.join(10)
        assert deliveries(service)[0].delivered is not None
        # What fits into the buffers of the two sockets.
        assert sum(sent) < 20_000_000


@pytest.mark.parametrize("arrived", [False, True])
def test_what_was_taken_before_a_crash_is_sent_after_it(
    tmp_path: Path, database_url: str, arrived: bool
) -> None:
    with receiving() as receiver:
        with serving(private(tmp_path, database_url)) as service:
            hook(service, receiver.url)
            emit(service, 1, 2)
            with service.store.write() as writer:
                queue(writer, 1)
                writer.session.flush()
                (letter,) = take(writer, Schedule(lease=1), 10)
            if arrived:
                httpx.post(receiver.url, content=letter.body).raise_for_status()
            # Here the process dies: nothing is recorded.
        with serving(private(tmp_path, database_url)) as service:
            with posting(service):
                wait_until(settled(service, 2))
            first, second = deliveries(service)
        assert receiver.numbers() == ["1"] * arrived + ["1", "2"]
        assert (first.attempts, second.attempts) == (2, 1)


def test_workers_do_not_send_the_same_letter_at_once(tmp_path: Path, database_url: str) -> None:
    configured = private(tmp_path, database_url)
    with receiving() as receiver, serving(configured) as one, serving(configured) as other:
        now_sending: list[str] = []
        twice: list[str] = []

        def hold(got: Got) -> None:
            id_ = got.headers["webhook-id"]
            if id_ in now_sending:
                twice.append(id_)
            now_sending.append(id_)
            time.sleep(0.05)

        receiver.before = hold
        for number in range(4):
            hook(one, f"{receiver.url}/{number}", tenant=str(number))
        with posting(one), posting(other):
            for number in range(5):
                emit(one, number)
            wait_until(settled(one, 20), 20)
        assert not twice
        assert len(receiver.got) == 20
        for number in range(4):
            mine = [each.number for each in receiver.got if each.path == f"/{number}"]
            assert mine == ["0", "1", "2", "3", "4"]


def test_letters_are_taken_by_one_of_two_transactions(tmp_path: Path, database_url: str) -> None:
    configured = private(tmp_path, database_url)
    with serving(configured) as one, serving(configured) as other:
        for number in range(3):
            hook(one, "http://127.0.0.1:1/", tenant=str(number))
        emit(one, 1)
        with one.store.write() as writer:
            queue(writer, 10)
        taken: list[Letter] = []
        start = threading.Barrier(2)

        def worker(service: Service) -> None:
            start.wait()
            for _ in range(3):
                with service.store.write() as writer:
                    taken.extend(take(writer, Schedule(), 1))

        threads = [threading.Thread(target=worker, args=(each,)) for each in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(taken) == 3
        assert len({letter.webhook for letter in taken}) == 3


def test_a_late_answer_changes_only_what_it_knows(tmp_path: Path) -> None:
    with serving(private(tmp_path)) as service:
        hook(service, "http://127.0.0.1:1/")
        emit(service, 1)
        schedule = Schedule(lease=0)
        with service.store.write() as writer:
            queue(writer, 1)
            writer.session.flush()
            (first,) = take(writer, schedule, 1)
        with service.store.write() as writer:
            (second,) = take(writer, Schedule(), 1)
        assert (first.attempt, second.attempt) == (1, 2)
        with service.store.write() as writer:
            record(writer, {first: Answer(False, "late")}, schedule)
        (row,) = deliveries(service)
        assert (row.outcome, row.attempts) == (None, 2)
        assert row.due is not None
        assert row.due > now() + timedelta(seconds=50)
        with service.store.write() as writer:
            record(writer, {first: Answer(True, "answered 200")}, schedule)
            record(writer, {second: Answer(False, "answered 500")}, schedule)
        (row,) = deliveries(service)
        assert (row.outcome, row.due) == ("answered 200", None)
        assert "whsec_" not in repr(first)


def test_a_webhook_gets_what_its_tenant_may_see(tmp_path: Path, database_url: str) -> None:
    with serving(private(tmp_path, database_url)) as service, receiving() as receiver:
        for tenant in ("a_b", "axb", "A_B"):
            hook(service, f"{receiver.url}/{tenant}", tenant=tenant)
        emit(service, "all")
        for tenant in ("a_b", "axb", "A_B", "c"):
            emit(service, tenant, tenants=[tenant, "d"])
        with posting(service):
            wait_until(settled(service, 6))
        for tenant in ("a_b", "axb", "A_B"):
            mine = [each.number for each in receiver.got if each.path == f"/{tenant}"]
            assert mine == ["all", tenant]


def test_a_tenant_without_a_good_key_gets_nothing_more(tmp_path: Path, database_url: str) -> None:
    with serving(private(tmp_path, database_url)) as service, receiving() as receiver:
        for tenant in ("gone", "half"):
            hook(service, f"{receiver.url}/{tenant}", tenant=tenant)
        with service.store.write() as writer:
            create_api_key(writer.session, "half", ["prover"], None)
            # Known by a token of an issuer only: there is no key that could be revoked.
            create_api_key(writer.session, "other", ["prover"], None)
        hook(service, f"{receiver.url}/token", tenant="token")
        with service.store.write() as writer:
            session = writer.session
            session.execute(delete(ApiKey).where(ApiKey.tenant == "token"))
            half = session.scalars(select(ApiKey).where(ApiKey.tenant == "half")).first()
            assert half is not None
            half.revoked = writer.at
        emit(service, 1)
        with service.store.write() as writer:
            queue(writer, 10)
            writer.session.execute(
                update(ApiKey).where(ApiKey.tenant == "gone").values(revoked=writer.at)
            )
        with posting(service):
            wait_until(settled(service, 3))
            with service.store.write() as writer:
                create_api_key(writer.session, "gone", ["prover"], None)
            emit(service, 2)
            wait_until(settled(service, 5))
        paths = sorted(each.path for each in receiver.got)
        assert paths == ["/half", "/half", "/token", "/token"]
        (row,) = [each for each in deliveries(service) if each.delivered is None]
        assert row.outcome == "all API keys of the tenant are revoked"


def test_letters_that_wait_and_those_that_are_done_are_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postbox, "MAX_WAITING", 5)
    monkeypatch.setattr(postbox, "LAG", 3)
    monkeypatch.setattr(postbox, "KEPT", 4)
    with serving(private(tmp_path)) as service, receiving() as receiver:
        hook(service, receiver.url)
        emit(service, *range(20))
        for _ in range(10):
            with service.store.write() as writer:
                queue(writer, 10)
        assert len(deliveries(service)) == 6
        with posting(service):
            wait_until(lambda: len(receiver.got) == 20)
            wait_until(lambda: all(row.due is None for row in deliveries(service)))
        assert receiver.numbers() == [str(number) for number in range(20)]
        assert len(deliveries(service)) == 4


def test_events_that_concern_nobody_are_looked_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postbox, "LAG", 3)
    with serving(private(tmp_path)) as service:
        hook(service, "http://127.0.0.1:1/", types="trust.added")
        with service.store.read() as session:
            before = session.scalars(select(Webhook.position)).one()
        emit(service, 1, 2)
        with service.store.read() as session:
            assert not postbox.is_work(session)
        emit(service, 3, 4)
        with service.store.write() as writer:
            queue(writer, 1)
        with service.store.read() as session:
            assert session.scalars(select(Webhook.position)).one() == before + 4
        assert deliveries(service) == []


def test_nothing_is_written_while_there_is_nothing_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(private(tmp_path)) as service:
        hook(service, "http://127.0.0.1:1/", types="trust.added")
        emit(service, 1)
        monkeypatch.setattr(service.store, "write", None)
        looked = threading.Event()
        is_work = postbox.is_work

        def noted(session: Any) -> bool:
            found = is_work(session)
            assert not found
            looked.set()
            return found

        monkeypatch.setattr(webhooks, "is_work", noted)
        with posting(service):
            assert looked.wait(5)


def test_a_stop_waits_only_shortly_for_a_slow_receiver(tmp_path: Path) -> None:
    with serving(private(tmp_path)) as service, receiving() as receiver:
        release = threading.Event()
        receiver.before = lambda _: bool(release.wait(10))  # type: ignore[assignment]
        hook(service, receiver.url)
        emit(service, 1)
        with posting(service, Schedule(), seconds=10):
            wait_until(lambda: len(receiver.got) == 1)
            began = time.monotonic()
        assert time.monotonic() - began < 2
        release.set()
        # Whether it arrived is not known, so it will be sent again.
        (row,) = deliveries(service)
        assert row.due is not None


def test_tenants_have_webhooks_of_their_own(tmp_path: Path) -> None:
    wanted = {"url": "https://hooks.example.org/in", "types": []}
    with running(settings(tmp_path)) as service:
        mine, other = service.client("prover", tenant="a"), service.client("admin", tenant="b")
        with mine, other, service.client() as nobody:
            assert nobody.post("/v1/webhooks", json=wanted).status_code == 401
            ids = []
            for _ in range(20):
                made = mine.post("/v1/webhooks", json=wanted)
                assert made.status_code == 201
                ids.append(made.json()["id"])
            full = mine.post("/v1/webhooks", json=wanted)
            assert full.status_code == 409
            assert full.json()["type"] == "urn:zkcollateral:problem:too-many-webhooks"
            assert other.post("/v1/webhooks", json=wanted).status_code == 201
            assert len(mine.get("/v1/webhooks").json()["items"]) == 20
            assert len(other.get("/v1/webhooks").json()["items"]) == 1
            path = f"/v1/webhooks/{ids[0]}"
            for refused in (other.delete(path), other.get(f"{path}/deliveries")):
                assert refused.status_code == 403
                assert refused.json()["type"] == "urn:zkcollateral:problem:other-tenant"
            assert mine.delete(path).status_code == 204
            assert mine.delete(path).status_code == 404
            assert mine.post("/v1/webhooks", json=wanted).status_code == 201


def test_the_same_request_makes_one_webhook_and_shows_its_secret_once(tmp_path: Path) -> None:
    wanted = {"url": "https://hooks.example.org/in"}
    header = {"Idempotency-Key": "one"}
    with running(settings(tmp_path)) as service, service.client("prover") as client:
        first = client.post("/v1/webhooks", json=wanted, headers=header)
        again = client.post("/v1/webhooks", json=wanted, headers=header)
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json()["secret"].startswith("whsec_")
        assert "secret" not in again.json()
        assert first.headers["location"] == again.headers["location"]
        assert len(client.get("/v1/webhooks").json()["items"]) == 1


def test_a_deleted_webhook_is_forgotten_while_its_letter_is_under_way(
    tmp_path: Path, database_url: str
) -> None:
    with running(private(tmp_path, database_url)) as service, receiving() as receiver:
        with service.client("prover", tenant="a") as client:
            made = client.post("/v1/webhooks", json={"url": receiver.url}).json()
            deleted: list[int] = []

            def forget(_: Got) -> None:
                deleted.append(client.delete(f"/v1/webhooks/{made['id']}").status_code)

            receiver.before = forget
            emit(service.service, 1, 2)
            wait_until(lambda: bool(deleted))
            time.sleep(0.3)
        assert deleted == [204]
        assert receiver.numbers() == ["1"]
        assert deliveries(service.service) == []


REFUSED = [
    "http://hooks.example.org/",
    "ftp://hooks.example.org/",
    "hooks.example.org",
    "https://",
    "https:///in",
    "https://user:password@hooks.example.org/",
    "https://hooks.example.org/#in",
    "https://hooks.example.org:0/",
    "https://hooks.example.org:99999/",
    "https://hooks.example.org/a b",
    "https://hooks.example.org/\r\nx: y",
    "https://hööks.example.org/",
    "https://hooks%2eexample.org/",
    "https://hooks.example.org/" + "x" * 2048,
    "https://localhost/",
    "https://LOCALHOST./",
    "https://a.localhost/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://0/",
    "https://10.1.2.3/",
    "https://172.31.0.1/",
    "https://192.168.0.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://100.100.100.200/",
    "https://192.0.0.192/",
    "https://168.63.129.16/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:7f00:1::]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fd00:ec2::254]/",
    "https://[ff02::1]/",
]


def test_addresses_that_are_not_public_are_refused(tmp_path: Path) -> None:
    with running(settings(tmp_path)) as service, service.client("prover") as client:
        for url in REFUSED:
            answer = client.post("/v1/webhooks", json={"url": url})
            assert answer.status_code == 422, url
            assert answer.json()["type"] == "urn:zkcollateral:problem:webhook-unusable", url
        unknown = client.post(
            "/v1/webhooks", json={"url": "https://hooks.example.org/", "types": ["round.old"]}
        )
        assert unknown.json()["type"] == "urn:zkcollateral:problem:document-invalid"
        for url in ("https://8.8.8.8/", "https://[2606:4700::1111]:8443/in?x=y", "https://a.b./"):
            assert client.post("/v1/webhooks", json={"url": url}).status_code == 201, url


def test_what_the_standard_library_calls_private_is_not_public() -> None:
    networks = [
        *ipaddress._IPv4Constants._private_networks,  # type: ignore[attr-defined]
        *ipaddress._IPv6Constants._private_networks,  # type: ignore[attr-defined]
    ]
    for network in networks:
        assert not is_public(network[0]), network
        assert not is_public(network[-1]), network


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """What a name server answers, the first time and later."""
    known: dict[str, list[list[str]]] = {}

    def getaddrinfo(name: str, *_: Any, **__: Any) -> list[Any]:
        if name not in known:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        answers = known[name]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(0, 0, 0, "", (address, 0)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (["127.0.0.1"], "the host has an address that is not public"),
        (["93.184.216.34", "10.0.0.1"], "the host has an address that is not public"),
        (["::ffff:127.0.0.1"], "the host has an address that is not public"),
        (["fe80::1%eth0"], "the host has an address that is not public"),
        ([], "the host's name is unknown"),
    ],
)
def test_nothing_is_sent_to_a_name_that_leads_inside(
    tmp_path: Path, names: dict[str, list[list[str]]], found: list[str], outcome: str
) -> None:
    with serving(settings(tmp_path)) as service:
        names["hooks.example.org"] = [found]
        hook(service, "https://hooks.example.org/")
        emit(service, 1)
        with posting(service):
            wait_until(settled(service, 1))
        (row,) = deliveries(service)
        assert (row.delivered, row.outcome, row.attempts) == (None, outcome, 4)


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A certificate for a name, as a server's context and as a file for those who trust it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "certificate.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, secret)
    return context, chain


def test_the_address_that_was_checked_is_called_under_the_name(
    tmp_path: Path, names: dict[str, list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, chain = certificate(tmp_path, "hooks.example.org")
    asked: list[str | None] = []

    def remember(_: ssl.SSLObject | ssl.SSLSocket, name: str | None, __: ssl.SSLContext) -> None:
        asked.append(name)

    context.sni_callback = remember
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    with serving(private(tmp_path)) as service, receiving(context) as receiver:
        port = receiver.url.rpartition(":")[2]
        # A second answer would lead where nobody listens.
        for name in ("hooks.example.org", "other.example.org"):
            names[name] = [["127.0.0.1"], ["127.0.0.9"]]
        first = hook(service, f"https://hooks.example.org:{port}/in")
        hook(service, f"https://other.example.org:{port}/in", tenant="b")
        emit(service, 1)
        with posting(service, Schedule(first_delay=60)):
            wait_until(lambda: len([row for row in deliveries(service) if row.outcome]) == 2)
        good, bad = deliveries(service)
        assert (good.webhook, good.outcome) == (first, "answered 204")
        # The certificate is for another name.
        assert bad.outcome == "the connection is not secure"
        (got,) = receiver.got
        assert got.headers["host"] == f"hooks.example.org:{port}"
        assert sorted(filter(None, asked)) == ["hooks.example.org", "other.example.org"]


def test_another_address_is_tried_when_one_takes_no_connection(
    tmp_path: Path, names: dict[str, list[list[str]]]
) -> None:
    with serving(private(tmp_path)) as service, receiving() as receiver:
        names["hooks.test"] = [["127.0.0.9", "127.0.0.1"]]
        hook(service, f"http://hooks.test:{receiver.url.rpartition(':')[2]}/")
        emit(service, 1)
        with posting(service):
            wait_until(settled(service, 1))
        assert receiver.numbers() == ["1"]


def test_a_proxy_in_the_environment_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with serving(private(tmp_path)) as service, receiving() as receiver:
        hook(service, receiver.url)
        emit(service, 1)
        with posting(service):
            wait_until(settled(service, 1))
        assert receiver.numbers() == ["1"]


def test_private_addresses_are_refused_at_sending_too(tmp_path: Path) -> None:
    # The setting was on when the webhook was made, and is off now.
    with serving(settings(tmp_path)) as service, receiving() as receiver:
        hook(service, receiver.url)
        hook(service, receiver.url.replace("http:", "https:"), tenant="b")
        emit(service, 1)
        with posting(service):
            wait_until(settled(service, 2))
        assert not receiver.got
        assert [row.outcome for row in deliveries(service)] == [
            "expected https",
            "the host has an address that is not public",
        ]


def test_a_name_is_read_as_it_will_be_called() -> None:
    url = read_url("https://Hooks.Example.org:8443/in?x=%20", private=False)
    assert (url.host, url.port, url.raw_path) == ("hooks.example.org", 8443, b"/in?x=%20")
    with pytest.raises(AddressError, match="https"):
        read_url("http://hooks.example.org/", private=False)


def test_a_fault_of_the_sender_loses_no_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(private(tmp_path)) as service, receiving() as receiver:
        send, faults = letters.send, [RuntimeError("first"), RuntimeError("second")]

        async def faulty(*args: Any, **named: Any) -> Answer:
            if faults:
                raise faults.pop()
            return await send(*args, **named)

        monkeypatch.setattr(webhooks, "send", faulty)
        hook(service, receiver.url)
        emit(service, 1)
        with posting(service):
            wait_until(settled(service, 1))
        assert receiver.numbers() == ["1"]
        assert deliveries(service)[0].attempts == 3
