"""Every command of the README works as it stands, in the order in which it stands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    folder = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": folder + os.pathsep + os.environ["PATH"]}
    program = shutil.which("zkcollateral", path=environment["PATH"])
    assert program is not None, "the package's command is not installed beside this Python"
    return environment


def test_the_first_attestation(tmp_path: Path, environment: dict[str, str]) -> None:
    shell = blocks("sh")
    assert len(shell) == 7
    for command in (
        *("keygen", "commit", "vouch", "prices sign", "prove", "verify", "inspect"),
        *("risk report", "risk liquidation"),
    ):
        assert f"zkcollateral {command}" in "".join(shell)
    done = _run(tmp_path, environment, "bash", "-euo", "pipefail", "-c", "\n".join(shell))
    assert "attestation.json: valid" in done
    assert re.search(r"^liquidation test +failed$", done, re.MULTILINE)
    assert re.search(r"^liquidation test after +passed$", done, re.MULTILINE)
    (python,) = blocks("python")
    _run(tmp_path, environment, sys.executable, "-P", "-W", "error", "-c", python)


def _run(folder: Path, environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_two_commands_and_the_other_targets_exist() -> None:
    makefile = ROOT / "Makefile"
    if not makefile.is_file():
        pytest.skip("the tests run away from the checkout")
    targets = set(re.findall(r"^([a-z-]+):", makefile.read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"^    make ([a-z-]+)$", README, re.MULTILINE))
    assert named == {"demo", "test"}
    (line,) = re.findall(r"`make help` lists the targets, among them (.*)\.", README)
    named |= set(re.findall(r"`([a-z-]+)`", line.split(". `bash")[0]))
    assert named <= targets | {"help"}


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("https://"):
            assert (ROOT / target).exists() or not (ROOT / "Makefile").is_file(), target
