"""A market per test, and a runner that fails the test when a command lets a secret out."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import market
from tests.cli.service import Served, served
from zkcollateral.cli.runner import run as run_command


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that every test gets a copy of."""
    folder = tmp_path_factory.mktemp("market")
    printed = io.StringIO()
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
    ):
        market.build(folder, run_command)
    assert market.leaks(printed.getvalue(), market.secrets(folder)) == []
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the market, which is the working folder."""
    copy = tmp_path / "market"
    shutil.copytree(template, copy)
    monkeypatch.chdir(copy)
    monkeypatch.delenv("ZKCOLLATERAL_PASSPHRASE", raising=False)
    monkeypatch.delenv("ZKCOLLATERAL_DEBUG", raising=False)
    monkeypatch.delenv("ZKCOLLATERAL_SERVICE", raising=False)
    monkeypatch.delenv("ZKCOLLATERAL_API_KEY", raising=False)
    return copy


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> market.Run:
    """Runs a command line in the market: one text that is split, or words."""
    secret = market.secrets(folder)

    def run(line: str, *more: str) -> market.Outcome:
        capsys.readouterr()
        status = run_command([*line.split(), *more])
        out, err = capsys.readouterr()
        assert market.leaks(out + err, secret) == []
        return market.Outcome(status, out, err)

    return run


@pytest.fixture
def service(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A running service that knows the market; commands find it in their environment."""
    with served(folder) as place:
        monkeypatch.setenv("ZKCOLLATERAL_SERVICE", place.running.url)
        yield place
