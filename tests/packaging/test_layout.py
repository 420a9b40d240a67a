"""Every room of the tree is in the package list, and a forgotten one is noticed."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

PROJECT = """
[tool.setuptools]
packages = ["zkcollateral", "zkcollateral.cli", "zkcollateral.risk"]
[tool.setuptools.package-dir]
"zkcollateral" = "zkcollateral"
"zkcollateral.risk" = "risk"
"""


@pytest.fixture
def small_tree(tmp_path: Path) -> Path:
    """Two rooms, one with a folder below it, and a pyproject.toml that describes them rightly."""
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    for name in ("zkcollateral", "zkcollateral/cli", "risk", "tests"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").touch()
    return tmp_path


def test_package_list_fits_the_tree(layout: ModuleType) -> None:
    assert layout.mapping_faults() == []


def test_every_room_of_the_architecture_is_shipped(layout: ModuleType) -> None:
    shipped = layout.shipped_files()
    for room in ("api", "circuits", "client", "crypto", "prover", "risk", "verifier"):
        assert f"zkcollateral/{room}/__init__.py" in shipped
    assert {"zkcollateral/__init__.py", "zkcollateral/errors.py", "zkcollateral/py.typed"} <= set(
        shipped
    )


def test_nothing_of_the_tests_is_shipped(layout: ModuleType) -> None:
    shipped = layout.shipped_files()
    assert not [name for name in shipped if "/tests/" in name or "/test_" in name]
    assert not [name for name in shipped if name.endswith("/conftest.py")]


def test_a_right_list_has_no_faults(layout: ModuleType, small_tree: Path) -> None:
    assert layout.mapping_faults(small_tree) == []
    assert set(layout.shipped_files(small_tree)) == {
        "zkcollateral/__init__.py",
        "zkcollateral/cli/__init__.py",
        "zkcollateral/risk/__init__.py",
    }


def test_a_forgotten_room_is_noticed(layout: ModuleType, small_tree: Path) -> None:
    (small_tree / "crypto").mkdir()
    (small_tree / "crypto" / "field.py").touch()
    assert layout.mapping_faults(small_tree) == [
        "zkcollateral.crypto has Python files, but is not in tool.setuptools.packages"
    ]


def test_a_forgotten_folder_below_a_room_is_noticed(layout: ModuleType, small_tree: Path) -> None:
    (small_tree / "risk" / "models").mkdir()
    (small_tree / "risk" / "models" / "__init__.py").touch()
    (fault,) = layout.mapping_faults(small_tree)
    assert fault.startswith("zkcollateral.risk.models ")


def test_a_listed_package_that_is_gone_is_noticed(layout: ModuleType, small_tree: Path) -> None:
    (small_tree / "zkcollateral" / "cli" / "__init__.py").unlink()
    (fault,) = layout.mapping_faults(small_tree)
    assert fault.startswith("zkcollateral.cli is listed")
