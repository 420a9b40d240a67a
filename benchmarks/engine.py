"""Simulations of the risk engine, each timed in a fresh process that also says how large it grew.

`python -m benchmarks.engine breach|cascade` runs one of them once and prints a JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parent.parent
GIB: Final = 2**30


class EngineError(Exception):
    """A simulation that failed; the message says which, and how."""


@dataclass(frozen=True)
class Measured:
    """What one simulation took.

    Attributes:
        seconds: of its own clock, without imports and inputs.
        peak_gib: the most memory that the process ever held, imports and inputs included.
    """

    seconds: float
    peak_gib: float


def _breach(quick: bool) -> float:
    from benchmarks.breach import time_breach

    return time_breach(quick=quick).seconds


def _cascade(quick: bool) -> float:
    from benchmarks.cascade import time_cascade

    return time_cascade(quick=quick).seconds


SIMULATIONS: Final[dict[str, Callable[[bool], float]]] = {"breach": _breach, "cascade": _cascade}
"""By name; each runs once, a trial run if it is told so, and returns its seconds."""


def measure(name: str, *, quick: bool = False) -> Measured:
    """Run a simulation in a process of its own.

    Args:
        name: one of `SIMULATIONS`.
        quick: a trial run, whose figures mean nothing.

    Raises:
        EngineError: it failed.
    """
    command = [sys.executable, "-P", "-m", "benchmarks.engine", name, *(["--quick"] * quick)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise EngineError(f"{name} failed:\n{done.stdout}{done.stderr}")
    return Measured(**json.loads(done.stdout))


def peak_bytes() -> int:
    """The most memory that this process ever held, in bytes."""
    try:
        # What getrusage says includes the process that started this one.
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main(arguments: list[str] | None = None) -> int:
    """Run one simulation and print what it took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description=__doc__)
    parser.add_argument("name", choices=SIMULATIONS)
    parser.add_argument("--quick", action="store_true", help="a trial run")
    options = parser.parse_args(arguments)
    seconds = SIMULATIONS[options.name](options.quick)
    print(json.dumps(asdict(Measured(seconds, peak_bytes() / GIB))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
