"""A service in processes of its own, set up for a load."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.service.stock import Stock
from zkcollateral.api.access import create_api_key
from zkcollateral.api.app import open_store
from zkcollateral.api.settings import Settings

START_SECONDS = 30


@dataclass
class Served:
    """A service that runs."""

    port: int
    process: subprocess.Popen[bytes]
    key: str
    folder: Path

    def run(
        self,
        requests: Sequence[tuple[str, str, str | None]],
        *,
        connections: int = 32,
        rate: float | None = None,
    ) -> tuple[float, list[dict[str, Any]]]:
        """Send requests from another process; the seconds it took, and the answers.

        Args:
            requests: method, path, and the file of the body.
            connections: that are kept open.
            rate: per second; None: as fast as answers come.
        """
        job, out = self.folder / "job.json", self.folder / "answers.jsonl"
        job.write_text(
            json.dumps(
                {
                    "host": "127.0.0.1",
                    "port": self.port,
                    "key": self.key,
                    "connections": connections,
                    "rate": rate,
                    "requests": list(requests),
                    "out": str(out),
                }
            )
        )
        subprocess.run([sys.executable, "-m", "benchmarks.service.load", str(job)], check=True)
        first, *answers = (json.loads(line) for line in out.read_text().splitlines())
        return first["seconds"], answers

    def resident_mib(self) -> float:
        """Memory of the service and its workers."""
        pids = [self.process.pid, *_children(self.process.pid)]
        return sum(_resident_mib(pid) for pid in pids)


@contextmanager
def serving(folder: Path, stock: Stock, database: str, workers: int) -> Iterator[Served]:
    """Start a service on a database of its own, with the stock's market in it."""
    folder.mkdir(parents=True)
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("ZKCOLLATERAL_")},
        "DATABASE_URL": database,
        "ZKCOLLATERAL_LOG_KEY": str(folder / "log.key"),
        "ZKCOLLATERAL_RATE_LIMIT": "100000000/minute",
    }
    key = _set_up(Settings.load(database_url=database, log_key=folder / "log.key"))
    port = _free_port()
    with (folder / "service.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "zkcollateral", "serve"),
                *("--port", str(port), "--workers", str(workers)),
            ],
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            _wait(process, port, folder / "service.log")
            served = Served(port, process, key, folder)
            _publish(served, stock)
            yield served
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _set_up(settings: Settings) -> str:
    store = open_store(settings)
    with store.write() as writer:
        _, key = create_api_key(writer.session, "bench", ["admin", "prover"], None)
    store.engine.dispose()
    return key


def _publish(served: Served, stock: Stock) -> None:
    for path, value in (
        ("registries", stock.registry.to_json_value()),
        ("policies", stock.policy.to_json_value()),
        *(("trust/keys", key) for key in stock.trust_value()["keys"]),
    ):
        request = urllib.request.Request(  # a constant scheme
            f"http://127.0.0.1:{served.port}/v1/{path}",
            json.dumps(value).encode(),
            {"Authorization": f"Bearer {served.key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30):
            pass


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"the service did not start:\n{log.read_text()[-4000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task")
    found = []
    for task in tasks.iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found += [child, *_children(child)]
    return found


def _resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
