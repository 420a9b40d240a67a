"""Where every file of the package stands in the tree, and where it belongs once installed.

The rooms are folders at the root, so a mapping in pyproject.toml turns them into one package. A
mapping can drop a package without a word; this reads the mapping and the tree, and compares.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Beside the rooms at the root. Any other folder there with Python files in it is a forgotten room.
NOT_ROOMS = {"benchmarks", "docs", "examples", "native", "tests", "build", "dist"}

# Prose beside the code is read in the tree.
_NOT_SHIPPED = {".md", ".pyc"}


def package_folders(root: Path = ROOT) -> dict[str, Path]:
    """The folder of every package that pyproject.toml lists, by the package's full name."""
    with (root / "pyproject.toml").open("rb") as file:
        setuptools = tomllib.load(file)["tool"]["setuptools"]
    mapping: dict[str, str] = setuptools["package-dir"]
    folders = {}
    for name in setuptools["packages"]:
        # As setuptools does: the nearest listed parent decides, the rest are folders below it.
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            parent = ".".join(parts[:length])
            if parent in mapping:
                folders[name] = root.joinpath(mapping[parent], *parts[length:])
                break
        else:
            raise SystemExit(f"pyproject.toml: no package-dir for {name} or a parent of it")
    return folders


def rooms(root: Path = ROOT) -> list[Path]:
    """The folders at the root that hold Python files to be installed."""
    return sorted(
        folder
        for folder in root.iterdir()
        if folder.is_dir()
        and not folder.name.startswith((".", "_"))
        and not folder.name.endswith(".egg-info")
        and folder.name not in NOT_ROOMS
        and any(folder.rglob("*.py"))
    )


def shipped_files(root: Path = ROOT) -> dict[str, Path]:
    """Every file of every room, by its path in an installation (`zkcollateral/crypto/field.py`).

    Read from the tree, not from the mapping: a room that the mapping forgets is here all the same.
    """
    files = {}
    for room in rooms(root):
        prefix = "zkcollateral" if room.name == "zkcollateral" else f"zkcollateral/{room.name}"
        for path in sorted(room.rglob("*")):
            below = path.relative_to(room)
            hidden = any(part.startswith(".") or part == "__pycache__" for part in below.parts)
            if path.is_file() and not hidden and path.suffix not in _NOT_SHIPPED:
                files[f"{prefix}/{below.as_posix()}"] = path
    return files


def mapping_faults(root: Path = ROOT) -> list[str]:
    """What the package list in pyproject.toml gets wrong about the tree, one sentence each."""
    listed = package_folders(root)
    faults = [
        f"{name} is listed, but {folder.relative_to(root)}/__init__.py is not there"
        for name, folder in listed.items()
        if not (folder / "__init__.py").is_file()
    ]
    for installed in shipped_files(root):
        package = installed.rpartition("/")[0].replace("/", ".")
        if installed.endswith(".py") and package not in listed:
            fault = f"{package} has Python files, but is not in tool.setuptools.packages"
            if fault not in faults:
                faults.append(fault)
    return faults


def main() -> int:
    """Prints the names of the files to be installed; 1 if the mapping does not fit the tree."""
    for fault in mapping_faults():
        print(f"pyproject.toml: {fault}", file=sys.stderr)
    print("\n".join(shipped_files()))
    return int(bool(mapping_faults()))


if __name__ == "__main__":
    raise SystemExit(main())
