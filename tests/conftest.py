"""Which arithmetic tests compute with, and how hypothesis runs.

`arithmetic` is both, one after the other; `fast` is the native one where it is installed; a test
marked `native` is left out without it. ZKCOLLATERAL_REQUIRE_NATIVE=1 turns leaving out into
failing.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest
from hypothesis import settings

from zkcollateral.crypto.arithmetic import Arithmetic
from zkcollateral.crypto.select import arithmetic as select_arithmetic

TESTS = Path(__file__).parent
NATIVE_INSTALLED = importlib.util.find_spec("zkcollateral_native") is not None
NATIVE_REQUIRED = os.environ.get("ZKCOLLATERAL_REQUIRE_NATIVE") == "1"

# Every run tries the same examples: a failure is then a change's, not a day's.
settings.register_profile("zkcollateral", deadline=None, derandomize=True, database=None)
settings.load_profile("zkcollateral")


def _native() -> Arithmetic:
    if not NATIVE_INSTALLED and not NATIVE_REQUIRED:
        pytest.skip("zkcollateral-native is not installed")
    return select_arithmetic("native")


@pytest.fixture(scope="session", params=["reference", "native"])
def arithmetic(request: pytest.FixtureRequest) -> Arithmetic:
    """One arithmetic after the other; without the native wheel its tests are skipped."""
    return _native() if request.param == "native" else select_arithmetic("reference")


@pytest.fixture(scope="session")
def both() -> tuple[Arithmetic, Arithmetic]:
    """The reference and the native arithmetic."""
    return select_arithmetic("reference"), _native()


@pytest.fixture(scope="session")
def fast() -> Arithmetic:
    """The native arithmetic where it is installed, else the reference."""
    if NATIVE_INSTALLED or NATIVE_REQUIRED:
        return _native()
    return select_arithmetic("reference")


@pytest.fixture(autouse=True)
def _native_marker(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("native") is not None:
        _native()


# They make proofs by the hundred, which the reference arithmetic takes minutes for. What they are
# about does not depend on it; the way of one attestation is tried with both.
PROVE_MUCH = (
    "api",
    "attacks/test_adaptive_ratio",
    "attacks/test_liquid",
    "attacks/test_portfolio_margin",
    "circuits/test_several_chains",
    "client",
    "cli/test_audit",
    "cli/test_log",
    "cli/test_submit",
    "cli/test_watch",
)
TRIED_WITH_BOTH = "test_submission.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave these tests out where the native arithmetic is not installed."""
    if NATIVE_INSTALLED or NATIVE_REQUIRED:
        return
    for item in items:
        path = item.path.relative_to(TESTS).as_posix()
        if path.startswith(PROVE_MUCH) and item.path.name != TRIED_WITH_BOTH:
            item.add_marker(pytest.mark.skip(reason="zkcollateral-native is not installed"))
