"""The toy reference string that most attacks run over."""

from __future__ import annotations

import pytest

from tests.helpers import Case, large_case, small_case, toy_srs
from zkcollateral.crypto.arithmetic import Arithmetic
from zkcollateral.crypto.srs import Srs


@pytest.fixture(scope="session")
def srs(fast: Arithmetic) -> Srs:
    """The toy reference string, for domains up to 64."""
    return toy_srs(fast)


@pytest.fixture(scope="session")
def small(srs: Srs) -> Case:
    """One account, one row, one column."""
    return small_case(srs)


@pytest.fixture(scope="session")
def large(srs: Srs) -> Case:
    """Two accounts, six rows, three columns."""
    return large_case(srs)


@pytest.fixture(scope="session")
def small_proof(small: Case) -> bytes:
    """A good proof of `small`."""
    return small.prove()


@pytest.fixture(scope="session")
def large_proof(large: Case) -> bytes:
    """A good proof of `large`."""
    return large.prove()
