"""Setting a database up: its tables, the head of the log, and the log's own key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, insert, select, text

from ...crypto.merkle import Tree
from ...errors import InputError
from ...verifier.trust import TrustedKey
from ..trust import add_key
from .engine import WRITE
from .store import Store
from .tables import State, TrustedKeyRow

KEY_YEARS: Final = 10
"""How long the log's first key is valid, unless it is retired before."""

_LOCK: Final = 0x7A6B636F  # any number: that of the one lock that is taken for migrations


def migrate(engine: Engine) -> None:
    """Bring the tables to the newest form; processes that do so at once wait for each other.

    Raises:
        InputError: the tables are those of a newer release.
    """
    with setting_up(engine) as connection:
        require_known(revision_of(connection))
        upgrade(connection, "head")
        if connection.scalar(select(State.id)) is None:
            head = {"id": 1, "tree": Tree().to_bytes(), "last_event": 0, "trust_version": 0}
            connection.execute(insert(State), [head])


@contextmanager
def setting_up(engine: Engine) -> Iterator[Connection]:
    """A transaction that alone changes tables: others that want to, wait until it ends."""
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        yield connection


def upgrade(connection: Connection, revision: str) -> None:
    """Bring the tables to a revision, `head` being the newest, in a transaction of `setting_up`."""
    command.upgrade(_config(connection), revision)


def is_current(engine: Engine) -> bool:
    """Whether the tables are those of this release."""
    with engine.connect() as connection:
        return revision_of(connection) == newest_revision()


def revision_of(connection: Connection) -> str | None:
    """The revision of the tables; None where there are none."""
    return MigrationContext.configure(connection).get_current_revision()


@cache
def newest_revision() -> str | None:
    """The revision of this release."""
    return _scripts().get_current_head()


def require_known(revision: str | None) -> None:
    """InputError unless this release knows the revision, or there is none yet."""
    known = {script.revision for script in _scripts().walk_revisions()}
    if revision is not None and revision not in known:
        raise InputError("database", "tables of this release or an older one", revision)


def introduce_log_key(store: Store) -> None:
    """Trust the log's own key, in the log's own records, unless that was done before."""
    key = store.signer.public
    with store.read() as session:
        if session.get(TrustedKeyRow, key.key.key_id) is not None:
            return
    with store.write() as writer:
        if writer.session.get(TrustedKeyRow, key.key.key_id) is not None:
            return
        add_key(
            writer,
            TrustedKey(
                role="log",
                name=key.name,
                public_key=key.key.raw.hex(),
                valid_from=writer.at,
                valid_until=writer.at + timedelta(days=365 * KEY_YEARS),
            ),
        )


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", "zkcollateral.api.store:migrations")
    config.attributes["connection"] = connection
    return config


def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", "zkcollateral.api.store:migrations")
    return ScriptDirectory.from_config(config)
