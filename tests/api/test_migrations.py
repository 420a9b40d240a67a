"""Migrations: they make the tables of the code, there and back, once, whoever starts at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, func, inspect, make_url, select, text

from zkcollateral.api.store.engine import connect
from zkcollateral.api.store.setup import (
    _config,
    is_current,
    migrate,
    newest_revision,
    revision_of,
    setting_up,
)
from zkcollateral.api.store.tables import Base, LogEntry, State, TrustedKeyRow
from zkcollateral.errors import InputError

ROOT = Path(__file__).resolve().parents[2]

STARTING = """
import sys
from pathlib import Path
from zkcollateral.api.app import open_store
from zkcollateral.api.settings import Settings
print("ready", flush=True)
sys.stdin.readline()
store = open_store(Settings.load(database_url=sys.argv[1], log_key=Path(sys.argv[2])))
print(store.signer.public.key.key_id, flush=True)
"""


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = connect(make_url(database_url))
    yield made
    made.dispose()


def differences(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [*compare_metadata(context, Base.metadata)]


def test_migrations_make_the_tables_of_the_code(engine: Engine) -> None:
    assert differences(engine) != []
    assert not is_current(engine)
    migrate(engine)
    assert differences(engine) == []
    assert is_current(engine)
    with engine.connect() as connection:
        assert revision_of(connection) == newest_revision()
        assert connection.scalar(select(func.count()).select_from(State)) == 1


def test_there_and_back_and_there_again(engine: Engine) -> None:
    migrate(engine)
    with setting_up(engine) as connection:
        command.downgrade(_config(connection), "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    migrate(engine)
    assert differences(engine) == []
    migrate(engine)
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(State)) == 1


def test_tables_of_a_newer_release_are_left_alone(engine: Engine) -> None:
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(InputError, match="tables of this release or an older one, got 9999"):
        migrate(engine)
    assert not is_current(engine)


def test_a_migration_that_fails_leaves_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr("zkcollateral.api.store.setup.Tree", fail)
        with pytest.raises(RuntimeError, match="power cut"):
            migrate(engine)
    assert inspect(engine).get_table_names() == []
    migrate(engine)
    assert differences(engine) == []


def test_processes_that_start_at_once_set_it_up_once(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    key = tmp_path / "log.key"
    starting = [
        subprocess.Popen(
            [sys.executable, "-c", STARTING, database_url, str(key)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(3)
    ]
    for each in starting:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in starting:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    said = [each.communicate(timeout=60) for each in starting]
    assert [each.returncode for each in starting] == [0, 0, 0], said
    assert len({out for out, _ in said}) == 1
    assert differences(engine) == []
    with engine.connect() as connection:
        for table in (State, TrustedKeyRow, LogEntry):
            assert connection.scalar(select(func.count()).select_from(table)) == 1
