"""What time brings about: once, whoever looks, and without work while nothing is due."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from tests.api.running import settings
from tests.world import POLICY
from zkcollateral.api import sweeper as module
from zkcollateral.api.app import make_service
from zkcollateral.api.filing import REFUSED
from zkcollateral.api.service import Service
from zkcollateral.api.store.tables import Audit, Event, PublishedDocument, Subject
from zkcollateral.api.sweeper import Sweeper

SECONDS = 10
DIGEST = "5e" * 32


@pytest.fixture
def service(tmp_path: Path, sqlite_url: str) -> Iterator[Service]:
    made = make_service(settings(tmp_path, sqlite_url))
    yield made
    made.store.engine.dispose()


def add_audits(service: Service, *seconds: int) -> None:
    """Open audits whose deadlines are so many seconds from now."""
    with service.store.write() as writer:
        if writer.session.get(PublishedDocument, DIGEST) is None:
            document = {"digest": DIGEST, "kind": "policy", "name": POLICY["name"], "log_index": 9}
            row = PublishedDocument(**document, document=b"{}", published=writer.at)
            writer.session.add(row)
            writer.session.flush()
        for each in seconds:
            number = writer.emit("audit.opened", {}, ["lender", "holder"])
            writer.session.add(
                Audit(
                    id=format(number, "032x"),
                    tenant="lender",
                    prover="holder",
                    policy=DIGEST,
                    claim="maintenance",
                    audience="lender",
                    nonce=str(number),
                    opened=writer.at,
                    deadline=writer.at + timedelta(seconds=each),
                    state="open",
                    attempts=0,
                    max_attempts=3,
                    event=number,
                )
            )


def add_subjects(service: Service, *seconds: int) -> None:
    """Subjects whose attestation expires so many seconds from now."""
    with service.store.write() as writer:
        for each in seconds:
            number = writer.emit("attestation.accepted", {})
            name = format(number, "064x")
            writer.session.add(
                Subject(
                    id=name,
                    policy=DIGEST,
                    claim="maintenance",
                    newest=name,
                    issued=writer.at - timedelta(seconds=60),
                    current=name,
                    expires=writer.at + timedelta(seconds=each),
                )
            )


def happened(service: Service, type_: str) -> list[dict[str, Any]]:
    with service.store.read() as session:
        rows = session.scalars(select(Event.data).where(Event.type == type_).order_by(Event.id))
        return [json.loads(data) for data in rows]


@contextmanager
def writes(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Counts the write transactions that are begun meanwhile."""
    counted: list[int] = []
    write = service.store.write

    def counting() -> Any:
        counted.append(1)
        return write()

    with monkeypatch.context() as patched:
        patched.setattr(service.store, "write", counting)
        yield counted


def test_what_is_due_happens_and_nothing_else(service: Service) -> None:
    add_audits(service, -5, 0, 600)
    add_subjects(service, -5, 0, 600)
    Sweeper(service).sweep()
    assert len(happened(service, "audit.expired")) == 2
    assert [each["reason"] for each in happened(service, "coverage.lost")] == ["expired"] * 2
    with service.store.read() as session:
        audits = session.scalars(select(Audit).order_by(Audit.event)).all()
        assert [audit.state for audit in audits] == ["expired", "expired", "open"]
        assert audits[0].closed == audits[0].deadline
        current = session.scalars(select(Subject.current).order_by(Subject.id)).all()
        assert [each is None for each in current] == [True, True, False]
        tenants = select(Event.tenants).where(Event.type == "audit.expired")
        assert set(session.scalars(tenants)) == {"|holder|lender|"}


def test_nothing_due_is_nothing_written(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    add_audits(service, 600)
    add_subjects(service, 600)
    with writes(service, monkeypatch) as counted:
        Sweeper(service).sweep()
        Sweeper(service).forget()
    assert counted == []


def test_much_at_once_is_done_bit_by_bit(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_AT_ONCE", 3)
    add_audits(service, *[-1] * 7)
    add_subjects(service, *[-1] * 4)
    with writes(service, monkeypatch) as counted:
        Sweeper(service).sweep()
    assert len(counted) == 3
    assert len(happened(service, "audit.expired")) == 7
    assert len(happened(service, "coverage.lost")) == 4


def test_several_workers_do_it_once(tmp_path: Path, database_url: str) -> None:
    services = [make_service(settings(tmp_path, database_url)) for _ in range(3)]
    add_audits(services[0], *[-1] * 5)
    add_subjects(services[0], *[-1] * 5)
    together = threading.Barrier(3)

    def sweep(service: Service) -> None:
        sweeper = Sweeper(service)
        is_due = sweeper._is_due

        def all_see_that_it_is_due() -> bool:
            found = is_due()
            if found:
                together.wait(SECONDS)
            return found

        sweeper._is_due = all_see_that_it_is_due  # type: ignore[method-assign]
        sweeper.sweep()

    threads = [threading.Thread(target=sweep, args=(service,)) for service in services]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert len(happened(services[0], "audit.expired")) == 5
    assert len(happened(services[0], "coverage.lost")) == 5
    for service in services:
        service.store.engine.dispose()


def test_it_goes_on_when_the_database_is_back(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.01)
    monkeypatch.setattr(module, "LONGEST_PAUSE", 0.02)
    add_audits(service, -5)
    failures = threading.Semaphore(0)
    away = True
    read = service.store.read

    def failing_read() -> Any:
        if away:
            failures.release()
            raise OperationalError("x", {}, Exception("away"))
        return read()

    monkeypatch.setattr(service.store, "read", failing_read)
    sweeper = Sweeper(service)
    sweeper.start()
    for _ in range(3):
        assert failures.acquire(timeout=SECONDS)
    away = False
    monkeypatch.setattr(service.store, "read", read)
    waited = threading.Event()
    for _ in range(500):
        if happened(service, "audit.expired"):
            break
        waited.wait(0.02)
    sweeper.stop()
    assert len(happened(service, "audit.expired")) == 1


def test_it_ends_at_once(service: Service) -> None:
    sweeper = Sweeper(service)
    sweeper.start()
    sweeper.stop()
    assert not sweeper._thread.is_alive()
    Sweeper(service).stop()


def test_refusals_are_forgotten_but_the_newest(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT_REFUSALS", 4)
    with service.store.write() as writer:
        for number in range(10):
            writer.emit(REFUSED, {"number": str(number)}, ["holder"])
            writer.emit("attestation.accepted", {"number": str(number)})
    Sweeper(service).forget()
    assert [each["number"] for each in happened(service, REFUSED)] == ["6", "7", "8", "9"]
    assert len(happened(service, "attestation.accepted")) == 10
    with service.store.write() as writer:
        # Numbers go on where they were.
        assert writer.emit("round.new", {}) == 1 + (
            writer.session.scalar(select(func.max(Event.id)).where(Event.type != "round.new")) or 0
        )
