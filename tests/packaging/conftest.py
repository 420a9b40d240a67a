"""The scripts under .ci, for tests that run in a checkout; elsewhere those tests are skipped."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / ".ci"


@pytest.fixture
def checkout() -> Path:
    """The root of the checkout."""
    if not (SCRIPTS / "layout.py").is_file():
        pytest.skip("not in a checkout: these tests stand apart from the tree")
    return ROOT


def _script(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(SCRIPTS)
    return importlib.import_module(name)


@pytest.fixture
def layout(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`.ci/layout.py`."""
    return _script("layout", monkeypatch)


@pytest.fixture
def check_wheel(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`.ci/check_wheel.py`."""
    return _script("check_wheel", monkeypatch)
