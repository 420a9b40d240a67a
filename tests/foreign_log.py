"""Logs as static files, and a reader of them that others wrote.

The reader is `fsck` of Tessera, by the Tessera authors, in Go. It is built from the Go module proxy
into a temporary folder, which holds all that Go leaves behind and goes when the process ends.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from zkcollateral.crypto.checkpoint import Checkpoint, VerifierKey, sign_checkpoint
from zkcollateral.crypto.merkle import Tree, leaf_hash
from zkcollateral.crypto.signature import SigningKey
from zkcollateral.crypto.tiles import (
    CHECKPOINT_PATH,
    TILE_WIDTH,
    bundles_of,
    encode_bundle,
    encode_tile,
    tiles_of,
)

FSCK = "github.com/transparency-dev/tessera/cmd/fsck"
FSCK_VERSION = "v1.0.4"
# From where Go takes modules, and how it checks them, is the machine's to say.
GO_SETTINGS = ("GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE", "GOINSECURE")
BUILD_SECONDS = 300
READ_SECONDS = 60
# A worker of this version stops at the first wrong tile, and with none left the reader never ends.
WORKERS = 64


def log_files(entries: Sequence[bytes], origin: str, key: SigningKey) -> dict[str, bytes]:
    """Every file of a log with these entries."""
    tree, completed = Tree().append(leaf_hash(entry) for entry in entries)
    rows: dict[int, list[bytes]] = {}
    for level, position, value in completed:
        row = rows.setdefault(level, [])
        assert position == len(row)
        row.append(value)
    files = {CHECKPOINT_PATH: sign_checkpoint(Checkpoint(origin, tree.size, tree.root()), key)}
    for bundle in bundles_of(tree.size):
        start = bundle.index * TILE_WIDTH
        files[bundle.path] = encode_bundle(entries[start : start + bundle.width])
    for tile in tiles_of(tree.size):
        assert tile.level is not None
        start = tile.index * TILE_WIDTH
        files[tile.path] = encode_tile(rows[tile.level][start : start + tile.width])
    return files


def write_files(files: dict[str, bytes], folder: Path) -> None:
    """The files in a folder, which a web server could serve as they are."""
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def require_go() -> None:
    """Skip the test where there is no Go, unless ZKCOLLATERAL_REQUIRE_GO=1."""
    if shutil.which("go") is None and os.environ.get("ZKCOLLATERAL_REQUIRE_GO") != "1":
        pytest.skip("go is not on the PATH")


@functools.cache
def _fsck() -> tuple[Path, tempfile.TemporaryDirectory[str]]:
    """The reader, and the folder that holds it for as long as somebody knows it."""
    folder = tempfile.TemporaryDirectory(prefix="zkcollateral-go-")
    place = Path(folder.name)
    asked = subprocess.run(
        ["go", "env", "-json", *GO_SETTINGS], check=True, capture_output=True, text=True, cwd=place
    )
    environment = {
        **os.environ,
        **{name: value for name, value in json.loads(asked.stdout).items() if value},
        "GOBIN": str(place / "bin"),
        "GOCACHE": str(place / "cache"),
        "GOENV": "off",
        # Without modcacherw the modules are read-only and the folder could not be deleted.
        "GOFLAGS": "-mod=mod -modcacherw",
        "GOPATH": str(place / "path"),
        "GOTMPDIR": str(place),
        "GOWORK": "off",
        # Go counts what it is used for in the user's configuration.
        "HOME": str(place),
        "XDG_CONFIG_HOME": str(place),
    }
    done = subprocess.run(
        ["go", "install", f"{FSCK}@{FSCK_VERSION}"],
        check=False,
        capture_output=True,
        text=True,
        cwd=place,
        env=environment,
        timeout=BUILD_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return place / "bin" / "fsck", folder


def check(where: str | Path, vkey: VerifierKey | str, origin: str) -> tuple[int, str]:
    """What the foreign reader says about a log.

    Args:
        where: the log's folder, or its address without `checkpoint` and `tile`.
        vkey: the log's verifier key.
        origin: the log's name.

    Returns:
        0 if it read the whole log and found nothing wrong, 1 if it found something, and another
        number if it did neither; then all that it printed.
    """
    binary, _ = _fsck()
    address = where.resolve().as_uri() if isinstance(where, Path) else where
    with tempfile.NamedTemporaryFile("w", suffix=".pub", encoding="utf-8") as public:
        public.write(str(vkey))
        public.flush()
        done = subprocess.run(
            [
                str(binary),
                "-ui=false",
                f"-N={WORKERS}",
                f"-storage_url={address.rstrip('/')}/",
                f"-origin={origin}",
                f"-public_key={public.name}",
            ],
            check=False,
            capture_output=True,
            text=True,
            timeout=READ_SECONDS,
        )
    output = done.stdout + done.stderr
    if done.returncode != 0:
        return max(2, abs(done.returncode)), output
    # This version ends with 0 whatever it found, so that its words decide.
    if "fsck failed" in output:
        return 1, output
    return (0 if "Successfully fsck'd log" in output else 2), output
