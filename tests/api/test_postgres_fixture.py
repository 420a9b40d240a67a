"""The PostgreSQL server of the tests: real, one database for each test, and gone afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import NullPool, create_engine, make_url, text

from tests.api.postgres import connect, fresh_database, given_server, running_server

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 30

# Started in the background of a shell, these tests and their children ignore interrupts.
HOLDER = """
import signal
import time
signal.signal(signal.SIGINT, signal.default_int_handler)
from tests.api.postgres import running_server
with running_server() as url:
    print(url, flush=True)
    time.sleep(600)
"""


def scalar(url: str, query: str) -> object:
    """The one value that a query gives."""
    with connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def server_pid(url: str) -> int:
    """The server's process, as it wrote it down itself."""
    return int(str(scalar(url, "SELECT pg_read_file('postmaster.pid')")).split()[0])


def folder(url: str) -> Path:
    """Where a server of ours keeps everything."""
    return Path(str(make_url(url).query["host"]))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until_gone(pid: int, path: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while (alive(pid) or path.exists()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(pid)
    assert not path.exists()


def test_the_server_is_postgresql_and_speaks_utf8(postgres_url: str) -> None:
    assert str(scalar(postgres_url, "SELECT version()")).startswith("PostgreSQL ")
    assert scalar(postgres_url, "SHOW server_encoding") == "UTF8"
    assert scalar(postgres_url, "SELECT current_database()") == make_url(postgres_url).database


def test_a_database_starts_empty_and_keeps_what_is_written(database_url: str) -> None:
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE entry (number INTEGER PRIMARY KEY)"))
        connection.execute(text("INSERT INTO entry VALUES (7)"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT number FROM entry")).scalar_one() == 7


def test_databases_are_apart_and_dropped(postgres_server: str) -> None:
    with fresh_database(postgres_server) as one, fresh_database(postgres_server) as other:
        for url in (one, other):
            with connect(url) as connection:
                connection.execute("CREATE TABLE entry (number INTEGER PRIMARY KEY)")
        with connect(one) as connection:
            connection.execute("INSERT INTO entry VALUES (1)")
        assert scalar(one, "SELECT count(*) FROM entry") == 1
        assert scalar(other, "SELECT count(*) FROM entry") == 0
    for url in (one, other):
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            connect(url)


def test_a_database_is_dropped_under_an_open_connection(postgres_server: str) -> None:
    with fresh_database(postgres_server) as url:
        connection = connect(url)
    try:
        with pytest.raises(errors.AdminShutdown):
            connection.execute("SELECT 1")
    finally:
        connection.close()


def test_a_server_ends_with_its_context() -> None:
    with running_server() as url:
        pid = server_pid(url)
        assert alive(pid)
        assert scalar(url, "SHOW fsync") == "off"
        assert scalar(url, "SHOW listen_addresses") == ""
        # An idle connection must not hold the server back.
        idle = connect(url)
    assert not alive(pid)
    assert not folder(url).exists()
    idle.close()


def test_settings_are_the_callers() -> None:
    with running_server(fsync="on") as url:
        assert scalar(url, "SHOW fsync") == "on"


def test_a_server_that_does_not_start_says_why_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = []
    make_folder = tempfile.mkdtemp

    def noted(*args: str | None, **named: str | None) -> str:
        made.append(make_folder(*args, **named))
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", noted)
    with pytest.raises(RuntimeError, match="no_such_setting"), running_server(no_such_setting="1"):
        pass
    (path,) = made
    assert not Path(path).exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_server_ends_when_its_owner_is_killed(number: signal.Signals) -> None:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        url = owner.stdout.readline().strip()
        pid = server_pid(url)
        assert alive(pid)
        owner.send_signal(number)
        try:
            wait_until_gone(pid, folder(url))
            owner.communicate(timeout=SECONDS)
        finally:
            owner.kill()
        # Python turns an interrupt into an exception, and then ends by the signal all the same.
        assert owner.returncode == -number


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_given_server_is_used(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{scheme}://me:a%2Fb@db.test:5433/main")
    assert given_server() == "postgresql+psycopg://me:a%2Fb@db.test:5433/main"


@pytest.mark.parametrize("given", ["", "sqlite:///service.sqlite"])
def test_another_database_is_not_a_server(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", given)
    assert given_server() is None
    monkeypatch.delenv("DATABASE_URL")
    assert given_server() is None
