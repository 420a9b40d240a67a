"""Databases for the service's tests: SQLite in a file, and a real PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.postgres import fresh_database, given_server, running_server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server: the one in DATABASE_URL, else one started for this run."""
    given = given_server()
    if given is not None:
        yield given
        return
    with running_server() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of a new, empty PostgreSQL database, which is dropped after the test."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite database in a file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'service.sqlite'}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a new, empty database: one of SQLite's, then one of PostgreSQL's."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url
