"""What a run was measured on, without anything that names the machine or its owner."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

INSTRUCTIONS = ("adx", "avx2", "avx512f", "avx512ifma", "sha_ni")

PACKAGES = ("zkcollateral", "zkcollateral-native", "py-ecc", "eth-account", "pytest-benchmark")


def describe() -> dict[str, str]:
    """The machine, the versions and the commit, each in words."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores, {platform.machine()}",
        "vector instructions": _instructions(),
        "system": _system(),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "Rust": _output("rustc", "--version") or "none",
        "packages": ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
        "commit": _commit(),
    }


def _processor() -> str:
    return _cpuinfo("model name") or platform.processor() or "unknown"


def _instructions() -> str:
    flags = set(_cpuinfo("flags").split())
    return ", ".join(name for name in INSTRUCTIONS if name in flags) or "unknown"


def _cpuinfo(field: str) -> str:
    """The first value of a field of /proc/cpuinfo; empty where there is no such thing."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    fields = (line.partition(":") for line in lines)
    return next((value.strip() for name, _, value in fields if name.strip() == field), "")


def _system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        name = platform.system()
    return f"{name}, kernel {'.'.join(platform.release().split('.')[:2])}"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def _commit() -> str:
    commit = _output("git", "rev-parse", "--short=12", "HEAD")
    if not commit:
        return "unknown"
    # The generated document itself is about to change.
    changed = _output("git", "status", "--porcelain", "--", ".", ":!docs/performance.md")
    return f"{commit}, with changes" if changed else commit


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
