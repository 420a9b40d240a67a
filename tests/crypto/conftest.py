"""Both arithmetics, for every test that asks for `arithmetic`."""

from __future__ import annotations

import importlib.util
import os

import pytest

from zkcollateral.crypto.arithmetic import Arithmetic
from zkcollateral.crypto.select import arithmetic as select_arithmetic

NATIVE_INSTALLED = importlib.util.find_spec("zkcollateral_native") is not None
NATIVE_REQUIRED = os.environ.get("ZKCOLLATERAL_REQUIRE_NATIVE") == "1"


def _native() -> Arithmetic:
    if not NATIVE_INSTALLED and not NATIVE_REQUIRED:
        pytest.skip("zkcollateral-native is not installed")
    return select_arithmetic("native")


@pytest.fixture(scope="session", params=["reference", "native"])
def arithmetic(request: pytest.FixtureRequest) -> Arithmetic:
    """One arithmetic after the other; without the native wheel its tests are skipped.

    With ZKCOLLATERAL_REQUIRE_NATIVE=1 they fail instead, so that no build passes by leaving it out.
    """
    return _native() if request.param == "native" else select_arithmetic("reference")


@pytest.fixture(scope="session")
def both() -> tuple[Arithmetic, Arithmetic]:
    """The reference and the native arithmetic."""
    return select_arithmetic("reference"), _native()
