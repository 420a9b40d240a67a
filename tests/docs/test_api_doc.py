"""docs/api.md: its walk through runs as it stands, and its list of problems is the service's."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from zkcollateral.api.problems import KINDS
from zkcollateral.api.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "api.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.mark.skipif(shutil.which("curl") is None, reason="the walk through is written with curl")
def test_the_walk_through(tmp_path: Path) -> None:
    (python,) = blocks("python")
    (tmp_path / "last.py").write_text(python, encoding="utf-8")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name != "DATABASE_URL" and not name.startswith("ZKCOLLATERAL_")
    }
    if arithmetic := os.environ.get("ZKCOLLATERAL_ARITHMETIC"):
        kept["ZKCOLLATERAL_ARITHMETIC"] = arithmetic
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join([*blocks("sh"), f"{sys.executable} last.py"])],
        cwd=tmp_path,
        env={
            **kept,
            "PATH": str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"],
            "PORT": str(free_port()),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    log = (tmp_path / "service.log").read_text(encoding="utf-8")
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}\n{log[-2000:]}"
    assert "bundle.json: valid" in done.stdout
    assert re.search(r'"covered": ?true', done.stdout)
    problem = json.loads((tmp_path / "problem.json").read_text())
    assert problem["type"] == "urn:zkcollateral:problem:claim-not-asked"
    assert len(problem["checks"]) == 12
    assert (tmp_path / "checkpoint.txt").read_text().splitlines()[1] == "9"


def test_every_problem_is_listed() -> None:
    listed = re.findall(r"^\| `([a-z-]+)` \| (\d+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert listed == [(name, str(kind.status), kind.title) for name, kind in KINDS.items()]


def test_every_setting_is_listed() -> None:
    text = (DOCS / "operations.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE))
    names = {f"ZKCOLLATERAL_{name.upper()}" for name in Settings.model_fields}
    names ^= {"ZKCOLLATERAL_DATABASE_URL", "DATABASE_URL"}
    assert listed == names
