"""Checks that a built wheel holds every file it should, and nothing else.

    python .ci/check_wheel.py dist/zkcollateral-*.whl dist/zkcollateral_native-*.whl

The package's wheel is compared with the tree, file by file and byte by byte. The native wheel must
hold one extension module for the stable ABI, its type stub and its marker. Exits with 1 and a list
of faults.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

from layout import ROOT, mapping_faults, shipped_files

NATIVE = "zkcollateral_native"
_METADATA = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt"}


def check(wheel: Path, root: Path = ROOT) -> list[str]:
    """The faults of one wheel of either kind, one sentence each; empty if it is as it should be."""
    with zipfile.ZipFile(wheel) as archive:
        contents = {name: archive.read(name) for name in archive.namelist() if name[-1] != "/"}
    info = "-".join(wheel.name.split("-")[:2]) + ".dist-info/"
    metadata = {name.removeprefix(info) for name in contents if name.startswith(info)}
    files = {name: data for name, data in contents.items() if not name.startswith(info)}
    faults = [
        f"no {name} in its metadata" for name in ("METADATA", "RECORD") if name not in metadata
    ]
    if not any(name.rpartition("/")[2] == "LICENSE" for name in metadata):
        faults.append("no licence in its metadata")
    if wheel.name.startswith(NATIVE):
        return faults + _native_faults(wheel, files)
    faults += [
        f"unexpected metadata {name}"
        for name in sorted(metadata - _METADATA)
        if not name.startswith("licenses/")
    ]
    return faults + _package_faults(files, shipped_files(root))


def _package_faults(files: dict[str, bytes], expected: dict[str, Path]) -> list[str]:
    faults = [f"missing {name}" for name in sorted(expected.keys() - files.keys())]
    faults += [f"unexpected {name}" for name in sorted(files.keys() - expected.keys())]
    faults += [
        f"stale {name}: not what the tree has"
        for name in sorted(expected.keys() & files.keys())
        if files[name] != expected[name].read_bytes()
    ]
    if "zkcollateral/py.typed" not in files:
        faults.append("no zkcollateral/py.typed: type checkers would ignore its types")
    return faults


def _native_faults(wheel: Path, files: dict[str, bytes]) -> list[str]:
    names = {name.rpartition("/")[2] for name in files}
    extensions = [name for name in names if name.endswith((".so", ".pyd"))]
    faults = []
    if len(extensions) != 1:
        faults.append(f"expected one extension module, got {len(extensions)}")
    if "-abi3-" not in wheel.name:
        faults.append("not built for the stable ABI (abi3)")
    if not any(name.endswith(".pyi") for name in names):
        faults.append("no type stub (.pyi)")
    if "py.typed" not in names:
        faults.append("no py.typed")
    faults += [
        f"unexpected {name}"
        for name in sorted(files)
        if not name.startswith(NATIVE) or name.endswith(".rs")
    ]
    return faults


def main(arguments: list[str]) -> int:
    """Checks each wheel named and prints what it found; 0 if all are as they should be."""
    if not arguments:
        raise SystemExit(__doc__)
    mapping = mapping_faults()
    for fault in mapping:
        print(f"pyproject.toml: {fault}")
    faulty = bool(mapping)
    for argument in arguments:
        wheel = Path(argument)
        faults = check(wheel)
        print(f"{wheel.name}: {'; '.join(faults) or 'as it should be'}")
        faulty = faulty or bool(faults)
    return int(faulty)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
