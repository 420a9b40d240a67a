"""The check of built wheels finds what is missing, what is too much and what is old."""

from __future__ import annotations

import zipfile
from pathlib import Path
from types import ModuleType

import pytest

NAME = "zkcollateral-0.1.0-py3-none-any.whl"
NATIVE_NAME = "zkcollateral_native-0.1.0-cp311-abi3-manylinux_2_34_x86_64.whl"


def wheel(folder: Path, name: str, files: dict[str, bytes]) -> Path:
    """A wheel of these files and plausible metadata."""
    path = folder / name
    info = "-".join(name.split("-")[:2]) + ".dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for metadata in ("METADATA", "RECORD", "WHEEL", "licenses/LICENSE"):
            archive.writestr(f"{info}/{metadata}", b"")
        for file, data in files.items():
            archive.writestr(file, data)
    return path


@pytest.fixture
def files(layout: ModuleType) -> dict[str, bytes]:
    """What the wheel of this tree must hold."""
    return {name: path.read_bytes() for name, path in layout.shipped_files().items()}


@pytest.fixture
def native_files() -> dict[str, bytes]:
    """What the native wheel must hold."""
    names = ("__init__.py", "__init__.pyi", "py.typed", "zkcollateral_native.abi3.so")
    return {f"zkcollateral_native/{name}": b"" for name in names}


def test_a_right_wheel_has_no_faults(
    check_wheel: ModuleType, files: dict[str, bytes], tmp_path: Path
) -> None:
    assert check_wheel.check(wheel(tmp_path, NAME, files)) == []


@pytest.mark.parametrize("gone", ["zkcollateral/errors.py", "zkcollateral/risk/registry.py"])
def test_a_missing_module_is_noticed(
    check_wheel: ModuleType, files: dict[str, bytes], tmp_path: Path, gone: str
) -> None:
    del files[gone]
    assert check_wheel.check(wheel(tmp_path, NAME, files)) == [f"missing {gone}"]


def test_a_missing_room_is_noticed(
    check_wheel: ModuleType, files: dict[str, bytes], tmp_path: Path
) -> None:
    kept = {name: data for name, data in files.items() if "/crypto/" not in name}
    faults = check_wheel.check(wheel(tmp_path, NAME, kept))
    assert len(faults) == len(files) - len(kept) > 0


def test_a_missing_type_marker_is_noticed(
    check_wheel: ModuleType, files: dict[str, bytes], tmp_path: Path
) -> None:
    del files["zkcollateral/py.typed"]
    faults = check_wheel.check(wheel(tmp_path, NAME, files))
    assert "no zkcollateral/py.typed: type checkers would ignore its types" in faults


@pytest.mark.parametrize("extra", ["tests/test_this.py", "zkcollateral/removed.py", "setup.py"])
def test_what_does_not_belong_is_noticed(
    check_wheel: ModuleType, files: dict[str, bytes], tmp_path: Path, extra: str
) -> None:
    files[extra] = b""
    assert check_wheel.check(wheel(tmp_path, NAME, files)) == [f"unexpected {extra}"]


def test_a_file_of_an_older_build_is_noticed(
    check_wheel: ModuleType, files: dict[str, bytes], tmp_path: Path
) -> None:
    files["zkcollateral/errors.py"] += b"\n"
    assert check_wheel.check(wheel(tmp_path, NAME, files)) == [
        "stale zkcollateral/errors.py: not what the tree has"
    ]


def test_a_right_native_wheel_has_no_faults(
    check_wheel: ModuleType, native_files: dict[str, bytes], tmp_path: Path
) -> None:
    assert check_wheel.check(wheel(tmp_path, NATIVE_NAME, native_files)) == []


@pytest.mark.parametrize(
    ("gone", "fault"),
    [
        ("__init__.pyi", "no type stub (.pyi)"),
        ("py.typed", "no py.typed"),
        ("zkcollateral_native.abi3.so", "expected one extension module, got 0"),
    ],
)
def test_an_incomplete_native_wheel_is_noticed(
    check_wheel: ModuleType,
    native_files: dict[str, bytes],
    tmp_path: Path,
    gone: str,
    fault: str,
) -> None:
    del native_files[f"zkcollateral_native/{gone}"]
    assert check_wheel.check(wheel(tmp_path, NATIVE_NAME, native_files)) == [fault]


def test_a_native_wheel_for_one_python_only_is_noticed(
    check_wheel: ModuleType, native_files: dict[str, bytes], tmp_path: Path
) -> None:
    name = NATIVE_NAME.replace("abi3", "cp311")
    assert check_wheel.check(wheel(tmp_path, name, native_files)) == [
        "not built for the stable ABI (abi3)"
    ]


def test_the_command_fails_when_a_wheel_is_faulty(
    check_wheel: ModuleType,
    files: dict[str, bytes],
    native_files: dict[str, bytes],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(check_wheel, "mapping_faults", list)
    native = str(wheel(tmp_path, NATIVE_NAME, native_files))
    assert check_wheel.main([native]) == 0
    del files["zkcollateral/errors.py"]
    assert check_wheel.main([str(wheel(tmp_path, NAME, files)), native]) == 1
    assert "missing zkcollateral/errors.py" in capsys.readouterr().out
    monkeypatch.setattr(check_wheel, "mapping_faults", lambda: ["a room is forgotten"])
    assert check_wheel.main([native]) == 1
    assert "a room is forgotten" in capsys.readouterr().out
