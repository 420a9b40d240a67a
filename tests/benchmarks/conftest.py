"""The benchmarks are part of a checkout and not of the package: away from one these tests are left
out, and so they are without pytest-benchmark.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PRESENT = (ROOT / "benchmarks" / "figures.py").is_file() and (
    importlib.util.find_spec("pytest_benchmark") is not None
)

collect_ignore_glob = [] if PRESENT else ["test_*.py"]
