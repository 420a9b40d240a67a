"""One version, wherever it is written."""

from __future__ import annotations

import importlib.metadata
import tomllib
from pathlib import Path
from typing import Any

import pytest

import zkcollateral


def load(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return tomllib.load(file)


def test_the_installed_version_is_the_packages_own() -> None:
    try:
        installed = importlib.metadata.version("zkcollateral")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("zkcollateral is on the path, but not installed")
    assert installed == zkcollateral.__version__


def test_the_native_module_has_the_same_version() -> None:
    native = pytest.importorskip("zkcollateral_native")
    assert native.__version__ == zkcollateral.__version__


def test_the_native_crate_has_the_same_version(checkout: Path) -> None:
    crate = load(checkout / "native" / "Cargo.toml")["package"]
    locked = load(checkout / "native" / "Cargo.lock")["package"]
    (entry,) = [package for package in locked if package["name"] == crate["name"]]
    assert crate["version"] == entry["version"] == zkcollateral.__version__


def test_the_native_extra_asks_for_the_same_version(checkout: Path) -> None:
    extras = load(checkout / "pyproject.toml")["project"]["optional-dependencies"]
    assert extras["native"] == [f"zkcollateral-native=={zkcollateral.__version__}"]


def test_both_wheels_have_the_same_licence(checkout: Path) -> None:
    licence = (checkout / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in licence
    assert (checkout / "native" / "LICENSE").read_text(encoding="utf-8") == licence
