"""`zkcollateral db`: the database of this machine's service: checked, copied, restored, upgraded.

Which one, and its password, say ZKCOLLATERAL_… and DATABASE_URL, as for `serve`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from ..errors import InputError, LogError
from .computing import load_srs
from .options import AsJson, Force
from .output import emit, emit_result, emit_table, progress

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from ..api.settings import Settings
    from ..api.store.check import StoreReport
    from ..crypto.checkpoint import VerifierKey

NOT_SOUND = 1

Kept: TypeAlias = Annotated[
    Path | None,
    typer.Option("--kept", metavar="FILE", help="Earlier checkpoint that the log goes on from."),
]
BackupFile: TypeAlias = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]


def check(
    context: typer.Context,
    proofs: Annotated[
        bool, typer.Option("--proofs", help="Verify every attestation again as well.")
    ] = False,
    kept: Kept = None,
    as_json: AsJson = False,
) -> int:
    """Check the whole database: every row against the log, and the log against its signatures.

    The service may go on meanwhile. What nothing else says, such as whose an API key is, can only
    be looked at by itself.

    Exit status: 0 sound, 1 something was found, 2 a database that cannot be read.
    """
    with _database(there=True) as (engine, settings):
        from ..api.store.check import check_store

        srs = load_srs(context) if proofs else None
        note = _note(kept)
        with progress("checking") as tell:
            report = check_store(engine, srs=srs, key=_key(settings), kept=note, progress=tell)
    if as_json:
        emit_result(True, report.to_json_value(), [])
    else:
        _show(report)
        verdict = "sound" if report.sound else "NOT SOUND"
        emit(f"{verdict}: a log of {report.size} entries, root {report.root.hex()}")
    return 0 if report.sound else NOT_SOUND


def backup(file: BackupFile, force: Force = False, as_json: AsJson = False) -> None:
    """Write the whole database to one file, as it is at one moment. The service may go on.

    The file has hashes of API keys and secrets of webhooks: keep it to yourself. It does not have
    the log's secret key: keep that too, and somewhere else.
    """
    with _database(there=True) as (engine, settings):
        from ..api.store.backup import back_up

        with progress("copying") as tell:
            written = back_up(engine, file, overwrite=force, progress=tell)
        emit_result(
            as_json,
            {
                "file": str(file),
                "size": written.size,
                "rows": written.rows,
                "revision": written.revision,
                "checkpoint": written.checkpoint,
            },
            [
                f"{file}: {written.rows} rows, a log of {written.size} entries",
                "it has hashes of API keys and secrets of webhooks: keep it to yourself",
                f"it does not have the log's secret key: keep {settings.log_key} somewhere else",
            ],
        )


def restore(file: BackupFile, kept: Kept = None, as_json: AsJson = False) -> int:
    """Put a backup into an empty database, check it, and keep it only if it is sound.

    With --kept, a checkpoint that you or somebody else kept, nothing is restored that lacks entries
    which the log had then, or has other ones.

    Exit status: 0 restored, 1 not sound or older than what was kept, 2 unusable file or database.
    """
    with _database() as (engine, settings):
        from ..api.store.backup import restore as restore_from

        note = _note(kept)
        try:
            with progress("restoring") as tell:
                written, report = restore_from(
                    engine, file, key=_key(settings), kept=note, progress=tell
                )
        except LogError as error:
            emit_result(as_json, {"restored": False, "reason": str(error)}, [str(error)])
            return NOT_SOUND
    told = {"restored": True, "rows": written.rows, **report.to_json_value()}
    if as_json:
        emit_result(True, told, [])
        return 0
    _show(report)
    emit(f"restored: {written.rows} rows, a log of {report.size} entries")
    if kept is None:
        emit("no --kept checkpoint: a newer state of the log may be lost, and nobody noticed")
    return 0


def upgrade(as_json: AsJson = False) -> None:
    """Bring the tables to the form of this release, as `serve` does when it starts."""
    with _database() as (engine, _):
        from ..api.store.setup import migrate, revision_of

        with engine.connect() as connection:
            before = revision_of(connection)
        migrate(engine)
        with engine.connect() as connection:
            after = revision_of(connection)
    change = "they were current" if before == after else f"they were {before or 'not there'}"
    told = {"before": before, "after": after}
    emit_result(as_json, told, [f"tables of revision {after}; {change}"])


def _show(report: StoreReport) -> None:
    """One line for each check."""
    emit_table(
        ("check", "examined", "result", "found"),
        [
            (
                each.name,
                str(each.examined),
                "failed" if each.wrong else "passed",
                f"{each.wrong}: {each.reasons[0]}" if each.wrong else "",
            )
            for each in report.checks
        ],
    )


@contextmanager
def _database(*, there: bool = False) -> Iterator[tuple[Engine, Settings]]:
    """The database of the service, as it is: nothing is set up.

    Args:
        there: whether a file that does not exist is an error, and no empty database.

    Raises:
        InputError: settings or a database that cannot be used, or the service is not installed.
    """
    try:
        from sqlalchemy.exc import SQLAlchemyError

        from ..api.settings import Settings
        from ..api.store.engine import connect
    except ImportError as error:
        expected = "the packages of the service (pip install 'zkcollateral[api]')"
        raise InputError("db", expected, f"no module {error.name}") from None
    settings = Settings.load()
    url = settings.database
    if there and url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        raise InputError("DATABASE_URL", "a database", f"no file {url.database}")
    engine = connect(url)
    try:
        yield engine, settings
    except SQLAlchemyError as error:
        # Its text may quote the address with its password, or rows.
        kind = type(error).__name__
        raise InputError("DATABASE_URL", "a database that answers", kind) from None
    finally:
        engine.dispose()


def _key(settings: Settings) -> VerifierKey | None:
    """The log's key from its file, which the database has no part in; None if it is elsewhere."""
    from ..crypto.checkpoint import VerifierKey
    from ..crypto.keyfile import read_public_key

    public = settings.log_key.with_suffix(".pub")
    if not public.exists():
        return None
    key = read_public_key(public)
    return VerifierKey(key.name, key.key)


def _note(kept: Path | None) -> bytes | None:
    """The bytes of a kept checkpoint."""
    from ..crypto.checkpoint import MAX_NOTE_BYTES
    from ..crypto.files import read_bytes

    return None if kept is None else read_bytes(kept, max_bytes=MAX_NOTE_BYTES)
