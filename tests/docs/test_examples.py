"""Every script in examples/ runs as it stands, ends well and comes to a valid attestation."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from zkcollateral.crypto.select import arithmetic

EXAMPLES = Path(__file__).parents[2] / "examples"
SERVED = EXAMPLES / "served_account.py"
SCRIPTS = sorted(set(EXAMPLES.glob("*.py")) - {EXAMPLES / "common.py", SERVED})

pytestmark = pytest.mark.skipif(
    not EXAMPLES.is_dir(), reason="the tests run away from the checkout"
)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_the_example_ends_with_a_valid_attestation(script: Path, tmp_path: Path) -> None:
    printed = run(script, tmp_path)
    verdicts = [line for line in printed.splitlines() if line.startswith("  healthy ")]
    assert any(line.split()[1] == "valid;" for line in verdicts), printed
    assert "NOT valid" not in printed


def test_the_day_at_the_service(tmp_path: Path) -> None:
    printed = run(SERVED, tmp_path)
    assert "the bundle is valid" in printed
    assert "urn:zkcollateral:problem:nonce-replayed" in printed
    assert "The holder cannot prove it, and declines" in printed
    assert printed.count("Anybody replays the log") == 2
    assert "FAILED" not in printed


def run(script: Path, tmp_path: Path) -> str:
    """What an example prints; it leaves nothing behind and complains about nothing."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=tmp_path,
        # Named, so that nothing is said about a slow one that was not asked for.
        env={**os.environ, "ZKCOLLATERAL_ARITHMETIC": arithmetic().name},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert not any(tmp_path.iterdir())
    return done.stdout


def test_there_are_examples_and_the_readme_says_how_to_run_each() -> None:
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert len(SCRIPTS) >= 3
    for script in SCRIPTS:
        assert f"`.venv/bin/python examples/{script.name}`" in readme
        assert "synthetic" in script.read_text(encoding="utf-8").lower()
