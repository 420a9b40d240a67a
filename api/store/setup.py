"""Setting a database up: its tables, the head of the log, and the log's own key."""

from __future__ import annotations

from datetime import timedelta
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
    with engine.execution_options(**{WRITE: True}).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        _require_known(connection)
        command.upgrade(_config(connection), "head")
        if connection.scalar(select(State.id)) is None:
            head = {"id": 1, "tree": Tree().to_bytes(), "last_event": 0, "trust_version": 0}
            connection.execute(insert(State), [head])


def is_current(engine: Engine) -> bool:
    """Whether the tables are those of this release."""
    with engine.connect() as connection:
        return _revision(connection) == _scripts().get_current_head()


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


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _require_known(connection: Connection) -> None:
    current = _revision(connection)
    known = {script.revision for script in _scripts().walk_revisions()}
    if current is not None and current not in known:
        raise InputError("database", "tables of this release or an older one", current)
