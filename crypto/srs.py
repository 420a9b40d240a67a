"""The structured reference string: Ethereum's KZG ceremony, as `eth-account` ships it.

The file is found without importing that package, and used only if its SHA-256 is SRS_ID: whoever
could choose another τ could prove anything.

Source: docs/protocol.md section 2.
"""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import FileError
from .arithmetic import Arithmetic, Setup

SRS_ID: Final = bytes.fromhex("d39b9f2d047cc9dca2de58f264b6a09448ccd34db967881a6713eacacf0f26b7")
"""SHA-256 of the ceremony's file."""

CEREMONY_SIZE: Final = 4096
"""Number of powers [τ^i]₁ in the ceremony's file."""

_G2_POWERS: Final = 65
_FILE_SIZE: Final = 807_177
_PACKAGE: Final = "eth_account"
_FILE_IN_PACKAGE: Final = "typed_transactions/blob_transactions/kzg_trusted_setup.txt"


@dataclass(frozen=True)
class Srs:
    """A structured reference string, over one arithmetic.

    Attributes:
        id: 32 bytes that name it in every transcript.
        setup: its points.
        arithmetic: what the points belong to.
    """

    id: bytes
    setup: Setup
    arithmetic: Arithmetic


_loaded: dict[tuple[Arithmetic, Path | None], Srs] = {}


def ceremony(arithmetic: Arithmetic, path: Path | None = None) -> Srs:
    """The ceremony's reference string; the same object for the same arguments.

    Only the file is read here. Points are decoded when first needed.

    Args:
        arithmetic: what to compute with.
        path: the file `trusted_setup.txt` of c-kzg-4844; None takes the copy inside the installed
            package `eth-account`.

    Raises:
        FileError: no such file or package, or a file that is not the ceremony's, byte for byte.
    """
    key = (arithmetic, path)
    if key not in _loaded:
        data = _read(path if path is not None else _installed_file())
        g1_monomial, g2 = _parse(data)
        # Threads that load at the same time all get the first one's, with its tables.
        _loaded.setdefault(key, Srs(SRS_ID, arithmetic.setup(g1_monomial, g2), arithmetic))
    return _loaded[key]


def _installed_file() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise FileError("KZG ceremony", "the package eth-account", "no such package installed")
    return Path(spec.submodule_search_locations[0]) / _FILE_IN_PACKAGE


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            # One byte more than the ceremony's file has is enough to tell that it is another.
            data = file.read(_FILE_SIZE + 1)
    except OSError as error:
        raise FileError(
            str(path), "the KZG ceremony's file", error.strerror or "an error"
        ) from error
    digest = hashlib.sha256(data).digest()
    if digest != SRS_ID:
        got = digest.hex() if len(data) <= _FILE_SIZE else "a longer file"
        raise FileError(str(path), f"SHA-256 {SRS_ID.hex()}", got)
    return data


def _parse(data: bytes) -> tuple[list[bytes], tuple[bytes, bytes]]:
    """The powers [τ^i]₁, and [1]₂ and [τ]₂. Needs no checks: the hash fixed every byte."""
    lines = data.decode("ascii").split()
    g2_start = 2 + CEREMONY_SIZE
    g1_start = g2_start + _G2_POWERS
    g1_monomial = [bytes.fromhex(line) for line in lines[g1_start : g1_start + CEREMONY_SIZE]]
    return g1_monomial, (bytes.fromhex(lines[g2_start]), bytes.fromhex(lines[g2_start + 1]))
