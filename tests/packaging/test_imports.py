"""Importing is quick, quiet, and possible for every module."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

SECONDS = 0.3
TRIES = 7

TIMED = """
import time
start = time.perf_counter()
import zkcollateral
print(time.perf_counter() - start)
"""


def python(program: str, folder: Path) -> str:
    """What a fresh interpreter prints, started in a folder that shadows nothing."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return done.stdout


def test_importing_the_package_takes_less_than_a_third_of_a_second(tmp_path: Path) -> None:
    # The best of several: a busy machine slows a process down, and nothing makes one too fast.
    best = min(float(python(TIMED, tmp_path)) for _ in range(TRIES))
    assert best < SECONDS


def test_importing_the_package_loads_no_arithmetic(tmp_path: Path) -> None:
    loaded = python("import sys, zkcollateral; print(*sys.modules)", tmp_path).split()
    assert "py_ecc" not in loaded
    assert "zkcollateral_native" not in loaded


def test_every_module_can_be_imported_first(layout: ModuleType, tmp_path: Path) -> None:
    # A module that imports only after another one has been imported hides a circle.
    # What is not ours is loaded once, before the first fork: it takes most of the time.
    program = """
import importlib, os, sys
import cryptography, numpy, pydantic, rich, typer
for name in sys.stdin.read().split():
    child = os.fork()
    if child == 0:
        try:
            importlib.import_module(name)
        except BaseException as error:
            print(f"{name}: {error!r}", flush=True)
            os._exit(1)
        os._exit(0)
    os.waitpid(child, 0)
"""
    names = []
    for file in layout.shipped_files():
        if file.endswith(".py") and not file.endswith("/__main__.py"):
            name = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            if name != "zkcollateral.crypto.fast":  # needs the native wheel
                names.append(name)
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
        input="\n".join(names),
    )
    assert done.stdout == ""
