"""The two databases as the service uses them: durable, whole, and seen at one moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, make_url, select, text
from sqlalchemy.exc import OperationalError

from zkcollateral.api.store.engine import WRITE, connect, snapshot
from zkcollateral.api.store.setup import migrate
from zkcollateral.api.store.signer import load_signer
from zkcollateral.api.store.store import Store
from zkcollateral.api.store.tables import Event, State
from zkcollateral.errors import InputError


@pytest.fixture
def store(tmp_path: Path, database_url: str) -> Iterator[Store]:
    made = Store(connect(make_url(database_url)), load_signer(tmp_path / "log.key", "example/log"))
    migrate(made.engine)
    yield made
    made.engine.dispose()


@pytest.fixture
def sqlite(tmp_path: Path, sqlite_url: str) -> Iterator[Engine]:
    made = connect(make_url(sqlite_url))
    migrate(made)
    yield made
    made.dispose()


def test_sqlite_is_durable_and_keeps_references(sqlite: Engine) -> None:
    with sqlite.connect() as connection:
        found = {
            name: connection.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    # 2 is FULL: a commit waits until the disk has it.
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
    }


def statements(engine: Engine) -> list[str]:
    """What is sent to the database from now on."""
    found: list[str] = []

    def sent(*given: Any) -> None:
        found.append(given[2])

    event.listen(engine, "before_cursor_execute", sent)
    return found


def test_a_write_begins_with_the_head_of_the_log(store: Store) -> None:
    sent = statements(store.engine)
    with store.write() as writer:
        writer.emit("round.new", {})
    first = sent.pop(0)
    if store.engine.dialect.name == "sqlite":
        assert first == "BEGIN IMMEDIATE"
        first = sent.pop(0)
    assert first.startswith("SELECT state.")
    assert store.engine.dialect.name == "sqlite" or first.endswith("FOR UPDATE")
    sent.clear()
    with store.read() as session:
        session.scalar(select(State.id))
    assert sent[0] == "BEGIN" or sent[0].startswith("SELECT")


def test_who_waited_for_the_head_sees_what_was_committed_meanwhile(store: Store) -> None:
    seen: list[list[int]] = []
    begun = threading.Event()

    def second() -> None:
        begun.set()
        with store.write() as writer:
            numbers = [*writer.session.scalars(select(Event.id).order_by(Event.id))]
            seen.append([*numbers, writer.emit("round.new", {})])

    with store.write() as writer:
        writer.emit("round.new", {})
        other = threading.Thread(target=second)
        other.start()
        assert begun.wait(10)
        other.join(0.2)
        assert other.is_alive()
    other.join(10)
    assert seen == [[1, 2]]


def test_postgresql_reads_what_is_committed_whatever_its_default_is(postgres_url: str) -> None:
    engine = connect(make_url(postgres_url))
    with engine.begin() as connection:
        name = make_url(postgres_url).database
        change = f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'"
        connection.execute(text(change))
    engine.dispose()
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW transaction_isolation")) == "read committed"
    with snapshot(engine) as connection:
        assert connection.scalar(text("SHOW transaction_isolation")) == "repeatable read"
        assert connection.scalar(text("SHOW transaction_read_only")) == "on"
    # What a snapshot was set to does not stay with its connection.
    with engine.begin() as connection:
        assert connection.scalar(text("SHOW transaction_isolation")) == "read committed"
        assert connection.scalar(text("SHOW transaction_read_only")) == "off"
    engine.dispose()


def test_a_snapshot_sees_one_state(store: Store) -> None:
    with snapshot(store.engine) as connection:
        before = connection.scalar(select(State.last_event))
        with store.write() as writer:
            writer.emit("round.new", {})
        assert connection.scalar(select(State.last_event)) == before
    with snapshot(store.engine) as connection:
        assert connection.scalar(select(State.last_event)) != before


def test_a_session_that_reads_writes_nothing(store: Store) -> None:
    with store.read() as session:
        session.get_one(State, 1).last_event = 7
        with pytest.raises(RuntimeError, match="about to write"):
            session.flush()
        session.rollback()


def test_a_reader_waits_for_no_writer(store: Store) -> None:
    with store.write() as writer, store.read() as session:
        writer.emit("round.new", {})
        assert session.scalar(select(State.last_event)) == 0


def test_a_busy_sqlite_is_waited_for(sqlite: Engine) -> None:
    writing = sqlite.execution_options(**{WRITE: True})
    with writing.connect() as first:
        first.execute(text("UPDATE state SET last_event = 1"))
        with writing.connect() as second:
            raw: Any = second.connection.driver_connection
            raw.execute("PRAGMA busy_timeout = 50")
            with pytest.raises(OperationalError, match="locked"):
                second.execute(text("UPDATE state SET last_event = 2"))
            second.invalidate()


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file.db?cache=shared"]
)
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="path of a file"):
        connect(make_url(url))


def test_a_password_is_not_shown(postgres_url: str) -> None:
    engine = connect(make_url(postgres_url).set(password="s3cret"))
    assert "s3cret" not in repr(engine)
    engine.dispose()
