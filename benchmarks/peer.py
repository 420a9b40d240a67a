"""Builds and runs `benchmarks/peers`, the program that times the crates.io package `bulletproofs`.

It is built by the default toolchain and, where rustup has a nightly one, by that too: only then
does the package use the processor's AVX-512 instructions, and is faster.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "peers"
PROGRAM = "zkcollateral-peers"


class PeerError(Exception):
    """The peer cannot be built or run; the message says why."""


@dataclass(frozen=True)
class Peer:
    """A build of the peer.

    Args:
        toolchain: `stable` (whatever plain `cargo` is) or `nightly`.
        program: the executable.
    """

    toolchain: str
    program: Path

    def measure(self, values: Sequence[int], single: int, aggregated: int) -> dict[str, Any]:
        """The program's report on these values.

        Args:
            values: 64-bit integers, a power of two of them.
            single: how often the first one is proved alone.
            aggregated: how often all are proved together.
        """
        request = {
            "values": [str(value) for value in values],
            "single_repetitions": single,
            "aggregated_repetitions": aggregated,
        }
        done = subprocess.run(
            [self.program], input=json.dumps(request), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise PeerError(done.stderr.strip())
        report: dict[str, Any] = json.loads(done.stdout)
        return report


def build_all() -> list[Peer]:
    """Every build that this machine allows; the default toolchain's first.

    Raises:
        PeerError: no cargo, or the default toolchain does not build it.
    """
    if shutil.which("cargo") is None:
        raise PeerError("cargo was not found")
    peers = [_build("stable", [], FOLDER / "target")]
    if _has_nightly():
        try:
            peers.append(_build("nightly", ["+nightly"], FOLDER / "target" / "nightly"))
        except PeerError as error:
            print(f"the nightly toolchain does not build the peer, going on without: {error}")
    return peers


def _has_nightly() -> bool:
    if shutil.which("rustup") is None:
        return False
    listed = subprocess.run(
        ["rustup", "toolchain", "list"], capture_output=True, text=True, check=False
    )
    return any(line.startswith("nightly-") for line in listed.stdout.splitlines())


def _build(toolchain: str, choice: list[str], target: Path) -> Peer:
    command = ["cargo", *choice, "build", "--quiet", "--locked", "--release"]
    # Started in its folder, where cargo finds the flags that the peer is to be built with.
    done = subprocess.run(
        [*command, "--target-dir", str(target)],
        cwd=FOLDER,
        env=os.environ.copy(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PeerError(done.stderr.strip())
    return Peer(toolchain, target / "release" / PROGRAM)
