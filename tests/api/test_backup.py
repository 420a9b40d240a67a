"""Backups: of either database into either, whole or not at all, never an older log unnoticed."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, inspect, make_url, select, update

from tests.api.asking import submit
from tests.api.full_store import fill, letters
from tests.api.running import Market, running, settings
from tests.world import srs
from zkcollateral.api.store.backup import back_up, examine, restore
from zkcollateral.api.store.check import check_store
from zkcollateral.api.store.engine import connect
from zkcollateral.api.store.setup import migrate
from zkcollateral.api.store.store import Store
from zkcollateral.api.store.tables import Base, SignedCheckpoint, TrustedKeyRow
from zkcollateral.crypto.canonical import canonical_bytes
from zkcollateral.errors import FileError, InputError, LogError, ZkCollateralError


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store in which everything has happened."""
    with running(settings(tmp_path_factory.mktemp("filled"))) as service:
        fill(service)
        made = service.service.store
    letters(made)
    yield made
    made.engine.dispose()


@pytest.fixture(scope="module")
def backup(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backup") / "service.backup"
    back_up(store.engine, path)
    return path


@contextmanager
def database(url: str) -> Iterator[Engine]:
    engine = connect(make_url(url))
    try:
        yield engine
    finally:
        engine.dispose()


def everything(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables."""
    with engine.connect() as connection:
        return {
            table.name: [
                tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))
            ]
            for table in Base.metadata.sorted_tables
        }


def lines_of(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines(keepends=True)


def write_lines(path: Path, lines: list[bytes]) -> Path:
    """A backup of these lines, whose last one is made to fit the others."""
    rows = sum(line.startswith(b"[") for line in lines[:-1])
    digest = hashlib.sha256(b"".join(lines[:-1])).hexdigest()
    last = canonical_bytes({"rows": str(rows), "sha256": digest}) + b"\n"
    path.write_bytes(gzip.compress(b"".join([*lines[:-1], last])))
    return path


def test_either_database_is_restored_with_every_row(
    store: Store, backup: Path, database_url: str, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    with database(database_url) as engine:
        contents, report = restore(engine, backup, progress=lambda *each: told.append(each))
        assert report.sound
        assert told[-1] == (contents.rows, contents.rows)
        assert everything(engine) == everything(store.engine)
        assert check_store(engine, srs=srs()).sound
        # And back: a backup does not tell from which database it is.
        back_up(engine, tmp_path / "again.backup")
    again, first = lines_of(tmp_path / "again.backup"), lines_of(backup)
    assert again[1:-1] == first[1:-1]
    assert examine(tmp_path / "again.backup") == examine(backup)


def test_the_service_goes_on_with_what_was_restored(
    store: Store, tmp_path: Path, database_url: str
) -> None:
    with running(settings(tmp_path)) as service:
        market = Market.at_service(service)
        one, other = market.attestation(), market.attestation()
        assert submit(service, one).status_code == 201
        back_up(service.service.store.engine, tmp_path / "service.backup")
    with database(database_url) as engine:
        restore(engine, tmp_path / "service.backup")
    with running(settings(tmp_path, database_url)) as service:
        assert submit(service, one).status_code == 200
        assert submit(service, other).status_code == 201
        assert check_store(service.service.store.engine, srs=srs()).sound


def test_a_backup_is_its_owners_and_says_what_is_in_it(store: Store, backup: Path) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    contents = examine(backup)
    with store.read() as session:
        query = select(SignedCheckpoint.note).order_by(SignedCheckpoint.size.desc()).limit(1)
        assert contents.checkpoint == session.scalar(query)
    assert contents.rows == sum(map(len, everything(store.engine).values()))
    text = b"".join(lines_of(backup))
    assert store.signer.public.key.raw.hex().encode() in text
    secret = store.signer._key.key
    for spelled in (secret.raw.hex() if hasattr(secret, "raw") else "", repr(secret)):
        assert not spelled or spelled.encode() not in text


def test_no_other_file_is_overwritten_unasked(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "service.backup"
    path.write_text("something else")
    with pytest.raises(FileError, match="an existing file"):
        back_up(store.engine, path)
    assert path.read_text() == "something else"
    back_up(store.engine, path, overwrite=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert examine(path).rows
    assert [each.name for each in tmp_path.iterdir()] == ["service.backup"]
    for other in (tmp_path, tmp_path / "nowhere" / "file"):
        with pytest.raises(FileError):
            back_up(store.engine, other, overwrite=True)


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_interrupted_leaves_no_file(store: Store, tmp_path: Path, overwrite: bool) -> None:
    path = tmp_path / "service.backup"
    if overwrite:
        path.write_text("the one before")

    def stop(done: int, total: int) -> None:
        if done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(store.engine, path, overwrite=overwrite, progress=stop)
    left = {each.name: each.read_text() for each in tmp_path.iterdir()}
    assert left == ({"service.backup": "the one before"} if overwrite else {})


def test_a_full_disk_leaves_no_file(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(FileError, match="No space left"):
            back_up(store.engine, tmp_path / "service.backup")
    assert not [*tmp_path.iterdir()]


def test_a_backup_is_of_one_moment_while_others_write(tmp_path: Path, database_url: str) -> None:
    with running(settings(tmp_path, database_url)) as service:
        market = Market.at_service(service)
        ready = [market.attestation() for _ in range(6)]
        path = tmp_path / "service.backup"
        counts = []

        def write(done: int, total: int) -> None:
            if ready:
                counts.append(submit(service, ready.pop()).status_code)

        contents = back_up(service.service.store.engine, path, progress=write)
        assert set(counts) == {201}
        assert check_store(service.service.store.engine).size == contents.size + len(counts)
    with database(f"sqlite:///{tmp_path / 'restored.db'}") as engine:
        _, report = restore(engine, path)
    assert report.size == contents.size


def test_every_damaged_byte_is_found_before_anything_is_written(
    backup: Path, tmp_path: Path
) -> None:
    data = backup.read_bytes()
    path = tmp_path / "damaged"
    for place in range(12, len(data), max(1, len(data) // 60)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
        with pytest.raises(InputError):
            examine(path)
    for length in (0, 1, 20, len(data) // 2, len(data) - 1, len(data) - 9):
        path.write_bytes(data[:length])
        with pytest.raises(InputError):
            examine(path)
    with database(f"sqlite:///{tmp_path / 'restored.db'}") as engine:
        with pytest.raises(InputError):
            restore(engine, path)
        assert not inspect(engine).get_table_names()


def test_lines_that_are_left_out_or_added_are_found(backup: Path, tmp_path: Path) -> None:
    lines = lines_of(backup)
    path = tmp_path / "changed"
    for changed in (lines[:-2] + lines[-1:], [*lines, b"{}\n"], lines[:-1], lines[1:]):
        path.write_bytes(gzip.compress(b"".join(changed)))
        with pytest.raises(InputError):
            examine(path)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda header: {**header, "format": "zkcollateral/backup/2"}, "format"),
        (lambda header: {**header, "revision": "9999"}, "older one"),
        (lambda header: {**header, "rows": "1"}, "all tables and rows"),
        (lambda header: {**header, "rows": "many"}, "revision, checkpoint"),
    ],
)
def test_a_header_of_something_else(backup: Path, tmp_path: Path, change: Any, why: str) -> None:
    lines = lines_of(backup)
    lines[0] = canonical_bytes(change(json.loads(lines[0]))) + b"\n"
    path = write_lines(tmp_path / "changed", lines)
    with database(f"sqlite:///{tmp_path / 'restored.db'}") as engine:
        with pytest.raises(InputError, match=why):
            restore(engine, path)
        assert not inspect(engine).get_table_names()


def without_table(lines: list[bytes]) -> list[bytes]:
    start = next(at for at, line in enumerate(lines) if b'"table":"webhooks"' in line)
    return [*lines[:start], lines[-1]]


def with_other_table(lines: list[bytes]) -> list[bytes]:
    return [line.replace(b'"table":"webhooks"', b'"table":"sqlite_master"') for line in lines]


def with_other_value(lines: list[bytes]) -> list[bytes]:
    return [line.replace(b'["1","', b'["one","') for line in lines]


def with_short_row(lines: list[bytes]) -> list[bytes]:
    return [b'["1"]\n' if line.startswith(b"[") else line for line in lines]


@pytest.mark.parametrize(
    "change", [without_table, with_other_table, with_other_value, with_short_row]
)
def test_a_backup_that_somebody_made_up_is_not_restored(
    backup: Path, database_url: str, tmp_path: Path, change: Any
) -> None:
    path = write_lines(tmp_path / "changed", change(lines_of(backup)))
    with database(database_url) as engine:
        with pytest.raises(ZkCollateralError):
            restore(engine, path)
        assert not inspect(engine).get_table_names()


def test_what_is_not_sound_is_not_restored(store: Store, database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "service.backup"
    with database(f"sqlite:///{tmp_path / 'copy.db'}") as engine:
        back_up(store.engine, path)
        restore(engine, path)
        with engine.begin() as connection:
            others = update(TrustedKeyRow).where(TrustedKeyRow.role != "log")
            connection.execute(others.values(name="somebody"))
        back_up(engine, path, overwrite=True)
    with database(database_url) as engine:
        with pytest.raises(LogError, match="not restored: trust"):
            restore(engine, path)
        assert not inspect(engine).get_table_names()


def test_only_an_empty_database_is_filled(backup: Path, database_url: str) -> None:
    with database(database_url) as engine:
        migrate(engine)
        before = everything(engine)
        with pytest.raises(InputError, match="an empty one"):
            restore(engine, backup)
        assert everything(engine) == before


def test_of_two_that_restore_at_once_one_does(backup: Path, database_url: str) -> None:
    outcomes: list[str] = []

    def run() -> None:
        with database(database_url) as engine:
            try:
                restore(engine, backup)
                outcomes.append("restored")
            except InputError as error:
                # An SQLite file that is just being made may be locked for the other one.
                outcomes.append(f"refused: {error.where}")

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["refused: database", "restored"]
    with database(database_url) as engine:
        assert check_store(engine).sound


def test_an_older_log_is_not_restored_under_a_newer_checkpoint(
    store: Store, backup: Path, database_url: str
) -> None:
    with store.read() as session:
        query = select(SignedCheckpoint.note).order_by(SignedCheckpoint.size)
        notes = [note.encode() for note in session.scalars(query)]
    newer = store.signer.sign(examine(backup).size + 1, b"r" * 32).encode()
    forked = store.signer.sign(examine(backup).size - 1, b"r" * 32).encode()
    with database(database_url) as engine:
        for kept in (newer, forked):
            with pytest.raises(LogError, match="kept checkpoint"):
                restore(engine, backup, kept=kept)
            assert not inspect(engine).get_table_names()
        _, report = restore(engine, backup, kept=notes[len(notes) // 2])
        assert report.sound


def test_a_database_of_another_release_is_not_copied(tmp_path: Path, database_url: str) -> None:
    with database(database_url) as engine, pytest.raises(InputError, match="this release"):
        back_up(engine, tmp_path / "service.backup")
    assert not (tmp_path / "service.backup").exists()
