"""Where the time of a proof and of its verification goes, by cProfile."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable
from dataclasses import dataclass

OURS = "zkcollateral"

KINDS: dict[str, tuple[str, ...]] = {
    "commitments (multi-scalar multiplications over the setup)": ("commit",),
    "pairing check": ("pairing_check",),
    "linear combinations of points": ("linear_combination",),
    "decoding and encoding of points": ("decode_point", "__bytes__"),
    "transforms (NTT)": ("ntt", "intt", "coset_ntt", "coset_intt"),
    "other calls of the native module": (),
}
"""Calls of the native module, by the beginning of their names; the last takes the others."""

HASHES = "SHA-256 of hashlib"
POWERS = "pow and inverses of Python integers"
REST = "Python, and operators of vectors and points"


@dataclass(frozen=True)
class Profile:
    """One profiled piece of work.

    Args:
        seconds: of one call, with the profiler's own cost.
        shares: part of that time by kind of work; they add up to 1.
    """

    seconds: float
    shares: dict[str, float]


def profile(work: Callable[[], object], calls: int) -> Profile:
    """Profile `calls` calls of `work`.

    The profiler sees calls, not operators: a·b of two vectors counts as Python.
    """
    work()
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(calls):
        work()
    profiler.disable()
    times = dict.fromkeys((*KINDS, HASHES, POWERS, REST), 0.0)
    # Entries are keyed by (file, line, name); built-in functions have the file "~".
    stats: dict[tuple[str, int, str], tuple[int, int, float, float, object]]
    stats = pstats.Stats(profiler).stats  # type: ignore[attr-defined]
    for (file, _, name), (_, _, own, _, _) in stats.items():
        times[_kind(file, name)] += own
    total = sum(times.values())
    return Profile(total / calls, {kind: own / total for kind, own in times.items()})


def _kind(file: str, name: str) -> str:
    if file != "~":
        return REST
    if "zkcollateral_native" in name:
        # "<method 'commit' of 'zkcollateral_native.Setup' objects>", or "<built-in method
        # zkcollateral_native.zkcollateral_native.decode_point>"
        called = name.split("'")[1] if "'" in name else name.rstrip(">").rpartition(".")[2]
        for kind, beginnings in KINDS.items():
            if called.startswith(beginnings):
                return kind
        return next(reversed(KINDS))
    if "pow" in name:
        return POWERS
    return HASHES if "hashlib" in name or "HASH" in name else REST
