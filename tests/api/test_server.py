"""The server as a process: started as people start it, asked, and stopped."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import structlog
from sqlalchemy import make_url

from tests.api.running import settings
from zkcollateral.api.server import listen, prepare, serve
from zkcollateral.api.settings import Settings
from zkcollateral.errors import InputError

ROOT = Path(__file__).parents[2]


@dataclass
class Process:
    """A server that runs."""

    running: subprocess.Popen[str]
    line: str
    folder: Path

    @property
    def url(self) -> str:
        found = re.search(r"http://\S+(?=,)", self.line)
        assert found
        return found.group()

    def stop(self, by: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Exit status, and all that was logged."""
        self.running.send_signal(by)
        assert self.running.wait(30) is not None
        return self.running.returncode, (self.folder / "log").read_text()


def environment(database: str | None = None, **more: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name != "DATABASE_URL" and not name.startswith("ZKCOLLATERAL_")
    }
    given = {} if database is None else {"DATABASE_URL": database}
    return {**kept, "PYTHONPATH": str(ROOT), **given, **more}


@contextmanager
def started(
    folder: Path, *arguments: str, database: str | None = None, **more: str
) -> Iterator[Process]:
    """`zkcollateral serve`, from its line on until it has ended."""
    with (folder / "log").open("w") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "zkcollateral", "serve", "--port", "0", *arguments],
            cwd=folder,
            env=environment(database, **more),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    try:
        assert running.stdout is not None
        line = running.stdout.readline()
        assert line, (folder / "log").read_text()
        yield Process(running, line, folder)
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        if running.stdout is not None:
            running.stdout.close()


def wait_ready(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            answer = httpx.get(f"{url}/readyz", timeout=60)
        except httpx.TransportError:
            answer = None
        if answer is not None and answer.status_code == 200:
            return
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_without_any_set_up_and_ends_when_told(
    tmp_path: Path, by: signal.Signals
) -> None:
    with started(tmp_path) as process:
        # It may not be ready yet: whoever comes early waits.
        answer = httpx.get(f"{process.url}/v1/policies?x=secret", timeout=60)
        assert answer.status_code == 200
        assert "server" not in answer.headers
        status, log = process.stop(by)
    assert status == 0
    assert process.line.startswith("zkcollateral ")
    assert "sqlite:///zkcollateral.db; no API key yet: zkcollateral api-key create" in process.line
    (line,) = [json.loads(each) for each in log.splitlines()]
    assert (line["event"], line["route"], line["status"]) == ("request", "/v1/policies", 200)
    assert (tmp_path / "zkcollateral.db").exists()
    assert (tmp_path / "zkcollateral-log.key").stat().st_mode & 0o077 == 0


def test_told_to_end_while_it_starts_it_ends(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        status, log = process.stop()
    assert (status, log) == (0, "")


@pytest.mark.slow
def test_the_line_tells_how_to_reach_the_same_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/other.db"
    with started(tmp_path, "--database", url, "--log-key", "my.key") as process:
        assert f"DATABASE_URL={url} ZKCOLLATERAL_LOG_KEY=my.key zkcollateral api" in process.line
        wait_ready(process.url)
        process.stop()
    command = process.line.partition("no API key yet: ")[2].strip()
    made = subprocess.run(
        command.replace("zkcollateral api-key", f"{sys.executable} -m zkcollateral api-key"),
        shell=True,
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "zkc_" in made.stdout
    with started(tmp_path, "--database", url, "--log-key", "my.key") as process:
        assert "no API key yet" not in process.line
        process.stop()


def test_an_answer_under_way_is_completed_at_the_end(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        wait_ready(process.url)
        with socket.create_connection(("127.0.0.1", make_url(process.url).port or 0)) as connection:
            connection.sendall(
                b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                b"Content-Length: 2\r\n\r\n{"
            )
            time.sleep(0.3)
            process.running.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            connection.sendall(b"}")
            assert connection.recv(65536).startswith(b"HTTP/1.1 422")
        status, _ = process.stop()
    assert status == 0


@pytest.mark.slow
def test_several_workers_serve_on_one_socket(tmp_path: Path, postgres_url: str) -> None:
    with started(
        tmp_path, "--workers", "2", database=postgres_url, TMPDIR=str(tmp_path)
    ) as process:
        wait_ready(process.url)
        deadline = time.monotonic() + 60
        while len(children(process.running.pid)) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        workers = children(process.running.pid)
        for _ in range(30):
            assert httpx.get(f"{process.url}/v1/policies").status_code == 200
        text = httpx.get(f"{process.url}/metrics").text
        assert 'route="/v1/policies",status="200"} 30.0' in text
        (metrics,) = tmp_path.glob("zkcollateral-metrics-*")

        # One that dies is replaced, and what it counted is kept.
        os.kill(min(workers), signal.SIGKILL)
        deadline = time.monotonic() + 60
        while len(children(process.running.pid) - {min(workers)}) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        wait_ready(process.url)
        text = httpx.get(f"{process.url}/metrics").text
        assert 'route="/v1/policies",status="200"} 30.0' in text
        last = children(process.running.pid)
        status, log = process.stop()
    assert status == 0
    assert not any(alive(pid) for pid in workers | last)
    assert not metrics.exists()
    assert [line for line in log.splitlines() if not line.startswith("{")] == []
    events = [json.loads(line)["event"] for line in log.splitlines()]
    assert events.count("a worker ended") == 1
    assert set(events) == {"request", "a worker ended"}


@pytest.mark.slow
def test_workers_do_not_outlive_their_parent(tmp_path: Path, postgres_url: str) -> None:
    with started(tmp_path, "--workers", "2", database=postgres_url) as process:
        wait_ready(process.url)
        workers = children(process.running.pid)
        process.running.kill()
        deadline = time.monotonic() + 30
        while any(alive(pid) for pid in workers) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not any(alive(pid) for pid in workers)
    for left in Path("/tmp").glob("zkcollateral-metrics-*"):
        shutil.rmtree(left, ignore_errors=True)


def children(pid: int) -> set[int]:
    """Worker processes: those that were spawned, and not what watches over their resources."""
    found = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.add(child)
    return found


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def finished(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "zkcollateral", "serve", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = finished(tmp_path, "--port", str(port))
    expected = "expected an address and a port that are free, got address already in use"
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: 127.0.0.1 port {port}: {expected}\n"


@pytest.fixture
def _logs_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before, handlers, level = structlog.get_config(), root.handlers[:], root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**before)


def refused(configured: Settings, host: str = "127.0.0.1", workers: int = 1) -> str:
    """Why the server does not start."""
    said: list[str] = []
    with pytest.raises(InputError) as caught:
        serve(configured, host=host, port=0, workers=workers, announce=said.append)
    assert said == []
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.usefixtures("_logs_as_before")
class TestRefusals:
    def test_several_workers_need_another_database(self, tmp_path: Path) -> None:
        expected = "--workers: expected 1 with SQLite (several workers need PostgreSQL), got 2"
        assert refused(settings(tmp_path), workers=2) == expected
        assert list(tmp_path.iterdir()) == []

    def test_a_key_file_that_others_can_read(self, tmp_path: Path) -> None:
        prepare(settings(tmp_path))
        (tmp_path / "log.key").chmod(0o644)
        assert "log.key: expected a secret file" in refused(settings(tmp_path))

    @pytest.mark.parametrize(
        ("url", "said"),
        [
            ("sqlite:////nowhere/at/all.db", "sqlite:////nowhere/at/all.db"),
            ("sqlite://", "the path of a file"),
            (
                "postgresql+psycopg://user:hunter2@127.0.0.1:1/name",
                "postgresql+psycopg://user:***@127.0.0.1:1/name",
            ),
        ],
    )
    def test_a_database_that_is_away(self, tmp_path: Path, url: str, said: str) -> None:
        line = refused(settings(tmp_path, url))
        assert said in line
        assert "hunter2" not in line

    def test_a_host_that_is_not_here(self, tmp_path: Path) -> None:
        assert "--host" in refused(settings(tmp_path), "no-such-host.invalid")
        assert "free" in refused(settings(tmp_path), "192.0.2.1")

    def test_keys_of_an_issuer_that_cannot_be_used(self, tmp_path: Path) -> None:
        with_issuer = settings(tmp_path, jwt_issuer="https://issuer.example")
        assert "ZKCOLLATERAL_JWT_KEYS" in refused(with_issuer)


def test_listening_on_ipv6() -> None:
    try:
        with listen("::1", 0) as listener:
            assert listener.getsockname()[0] == "::1"
    except InputError:
        pytest.skip("no IPv6 here")


def test_preparing_sets_up_once(tmp_path: Path, database_url: str) -> None:
    configured = settings(tmp_path, database_url)
    assert prepare(configured) is False
    assert prepare(configured) is False
