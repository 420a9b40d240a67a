"""`zkcollateral serve` as a command: what it says before anything runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.market import Run
from tests.cli.test_process import environment
from zkcollateral.api import server
from zkcollateral.crypto.select import ENVIRONMENT_VARIABLE


@pytest.mark.parametrize("missing", ["fastapi", "structlog", "limits"])
def test_without_the_extra_it_says_what_to_install(tmp_path: Path, missing: str) -> None:
    program = (
        "import sys\n"
        f"sys.modules[{missing!r}] = None\n"
        "from zkcollateral.cli.runner import run\n"
        "sys.exit(run(['serve']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    expected = "the packages of the service (pip install 'zkcollateral[api]')"
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: serve: expected {expected}, got no module {missing}\n"


@pytest.mark.parametrize(
    "line",
    [
        "serve --port 65536",
        "serve --port -1",
        "serve --workers 0",
        "serve --workers many",
        "serve --database mysql://u:hunter2@h/n",
        "serve --log-origin a+b",
        "serve --nonsense",
    ],
)
def test_options_that_cannot_be_used(run: Run, line: str, folder: Path) -> None:
    before = sorted(folder.iterdir())
    outcome = run(line)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.count("\n") == 1
    assert "hunter2" not in outcome.err
    assert sorted(folder.iterdir()) == before


def test_options_become_settings(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def serve(settings: Any, **more: Any) -> None:
        given.update(more, settings=settings)

    monkeypatch.setattr(server, "serve", serve)
    monkeypatch.setenv("ZKCOLLATERAL_READS", "keys")
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, "native")
    outcome = run(
        "--arithmetic reference serve --host 0.0.0.0 --port 9 --workers 3 --enable-risk "
        "--database postgresql+psycopg://h/n --log-key k.key --log-origin my/log --audience me"
    )
    assert outcome.status == 0
    assert os.environ[ENVIRONMENT_VARIABLE] == "reference"
    assert (given["host"], given["port"], given["workers"]) == ("0.0.0.0", 9, 3)
    settings = given["settings"]
    assert settings.database_url == "postgresql+psycopg://h/n"
    assert (settings.log_key, settings.log_origin) == (Path("k.key"), "my/log")
    assert (settings.audience, settings.risk, settings.reads) == ("me", True, "keys")


def test_risk_is_off_unless_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    monkeypatch.setattr(server, "serve", lambda settings, **_: seen.append(settings.risk))
    monkeypatch.setenv("ZKCOLLATERAL_RISK", "true")
    assert run("serve").status == 0
    monkeypatch.delenv("ZKCOLLATERAL_RISK")
    assert run("serve").status == 0
    assert seen == [True, False]
