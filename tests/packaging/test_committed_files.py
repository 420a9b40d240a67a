"""Nothing that is committed names a machine's own folders or a package registry's address."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

# A home folder or a build folder of some machine. The first letter of each is in brackets so that
# this file does not find itself.
MACHINE_PATH = re.compile(r"(?<![\w.~$)}/-])/(?:[r]oot|[h]ome|[w]ork|[U]sers)/[\w.]")
REGISTRY_ADDRESS = re.compile(
    r"https?://[\w.-]*(?:pypi|pythonhosted|crates|npmjs|proxy\.golang|maven|debian)\.",
    re.IGNORECASE,
)
# How Cargo.lock names its registry: an identifier, the same on every machine.
CARGO_REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"


def committed_files(root: Path) -> list[Path]:
    """The files that git tracks or would add, as they are in the tree."""
    if shutil.which("git") is None or not (root / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
    ).stdout
    files = [root / name for name in listing.decode().split("\0") if name]
    return [file for file in files if file.is_file()]


def offences(text: str) -> list[str]:
    """What in a file's text names a machine's folders or a registry's address."""
    text = text.replace(CARGO_REGISTRY, "")
    return [
        match.group()
        for pattern in (MACHINE_PATH, REGISTRY_ADDRESS)
        for match in pattern.finditer(text)
    ]


def test_no_machine_path_and_no_registry_address(checkout: Path) -> None:
    found = {}
    for file in committed_files(checkout):
        offending = offences(file.read_text(encoding="utf-8", errors="replace"))
        if offending:
            found[str(file.relative_to(checkout))] = offending
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        "see " + "/" + "root/.cargo",
        '"' + "/" + "home/someone/project",
        "--index-url " + "https://" + "pypi.example/simple",
        "https://" + "index.crates." + "io/config.json",
    ],
)
def test_the_search_finds_what_it_looks_for(text: str) -> None:
    assert offences(text)


@pytest.mark.parametrize(
    "text",
    [CARGO_REGISTRY, "$(CURDIR)/" + "home/x", "/usr/bin/env python3", "a/root/b", "crates.io"],
)
def test_the_search_leaves_the_rest_alone(text: str) -> None:
    assert not offences(text)


def test_no_built_file_is_committed(checkout: Path) -> None:
    built = {".so", ".pyd", ".whl", ".pyc", ".egg-info", ".rlib"}
    assert not [file for file in committed_files(checkout) if file.suffix in built]


def test_the_lock_pins_everything_with_hashes(checkout: Path) -> None:
    lock = (checkout / "requirements-dev.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    entries = re.split(r"\n(?=[a-z0-9])", "\n" + re.sub(r"(?m)^#.*\n", "", lock).strip())
    for entry in entries[1:]:
        assert re.match(r"[a-z0-9-]+==\S+", entry)
        assert "--hash=sha256:" in entry
    assert len(entries) > 1
