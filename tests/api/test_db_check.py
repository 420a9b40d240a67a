"""The check of a store: sound after everything that happens, and no change goes unseen.

Every column of every row is changed, every row is deleted, one at a time and behind the back of
the service, and the check has to find it.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, delete, func, insert, make_url, select, text, update
from sqlalchemy.exc import IntegrityError

from tests.api.asking import retire, submit
from tests.api.full_store import fill, letters
from tests.api.running import Market, running, settings
from tests.world import altered, srs
from zkcollateral.api.acceptance import Acceptance
from zkcollateral.api.cases import Accepted, Case
from zkcollateral.api.metrics import Metrics
from zkcollateral.api.store import check_events
from zkcollateral.api.store.check import StoreReport, check_connection, check_store
from zkcollateral.api.store.engine import connect, snapshot
from zkcollateral.api.store.signer import LogSigner
from zkcollateral.api.store.tables import (
    ApiKey,
    AttestationRow,
    Base,
    Event,
    LogEntry,
    SignedCheckpoint,
    State,
)
from zkcollateral.crypto.checkpoint import Checkpoint, VerifierKey
from zkcollateral.crypto.keyfile import NamedSigningKey
from zkcollateral.crypto.signature import SigningKey
from zkcollateral.errors import InputError
from zkcollateral.risk.clock import now
from zkcollateral.verifier.attestation import verify_attestations

_ALONE = {
    # What is written down once, so that nothing contradicts it.
    "trusted_keys": {"reason"},
    "price_reports": {"received"},
    "price_rounds": set(),
    "attestations": {"tenant"},
    "audits": {"max_attempts", "attempts", "deadline", "reason", "audience", "nonce", "prover"},
    "events": {"time", "data", "tenants", "type"},
    "api_keys": {"id", "hash", "tenant", "scopes", "name", "created", "revoked"},
    "webhooks": {
        *("id", "tenant", "url", "secret", "types", "created", "disabled", "position"),
    },
    "deliveries": {"webhook", "event", "attempts", "due", "delivered", "outcome"},
    "idempotent_answers": {"tenant", "key", "request", "status", "body", "created"},
}
ALONE = {f"{table}.{column}" for table, columns in _ALONE.items() for column in columns}
"""Columns of which a change to something else that makes sense cannot be seen."""


@dataclass
class Filled:
    """A store in which everything has happened."""

    path: Path
    signer: LogSigner

    def engine(self) -> Engine:
        return connect(make_url(f"sqlite:///{self.path}"))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    folder = tmp_path_factory.mktemp("filled")
    with running(settings(folder)) as service:
        fill(service)
        store = service.service.store
    letters(store)
    store.engine.dispose()
    return Filled(folder / "service.db", store.signer)


@pytest.fixture(scope="module")
def engine(filled: Filled) -> Iterator[Engine]:
    made = filled.engine()
    yield made
    made.dispose()


@contextmanager
def tampering(engine: Engine) -> Iterator[Connection]:
    """A connection whose changes nobody else sees, and that are taken back at the end."""
    with engine.connect() as connection:
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        yield connection
        connection.rollback()


def failed(report: StoreReport) -> set[str]:
    return {check.name for check in report.checks if check.wrong}


def test_a_store_in_which_everything_happened_is_sound(engine: Engine) -> None:
    told: list[tuple[int, int]] = []
    report = check_store(engine, srs=srs(), progress=lambda *each: told.append(each))
    assert report.sound, [each for each in report.checks if each.wrong]
    assert all(check.examined for check in report.checks), report.to_json_value()
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] == told[-1][1]
    with snapshot(engine) as connection:
        for table in Base.metadata.sorted_tables:
            assert connection.execute(select(table).limit(1)).first() is not None, table.name
        assert len(set(connection.scalars(select(Event.type)))) >= 12


def test_a_report_has_no_truth_value(engine: Engine) -> None:
    with pytest.raises(TypeError, match=r"use report\.sound"):
        bool(check_store(engine))


def changed(value: Any) -> list[Any]:
    """Other values of the same kind."""
    if isinstance(value, bytes):
        return [value[:-1] + bytes([value[-1] ^ 1]), value[1:]] if value else [b"\x00"]
    if isinstance(value, str):
        return [value[:-1] + ("a" if value[-1:] != "a" else "b"), "0" + value]
    if isinstance(value, int):
        return [value + 1, value - 1]
    return [1, "0" * 64]


def columns() -> list[str]:
    return [
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
    ]


def unseen_changes(engine: Engine, name: str, thorough: bool) -> list[Any]:
    """Changes of a column that the check does not find."""
    table, _, column = name.partition(".")
    unseen = []
    with tampering(engine) as connection:
        # As SQL has them, not as types do: a time is a number then.
        rows = connection.execute(text(f'SELECT rowid, "{column}" FROM {table}')).all()
        chosen = rows if thorough else [max(rows, key=lambda row: row[1] is not None)]
        for rowid, value in chosen:
            for other in changed(value) if thorough else changed(value)[:1]:
                with connection.begin_nested() as point:
                    change = text(f'UPDATE {table} SET "{column}" = :other WHERE rowid = :row')
                    try:
                        connection.execute(change, {"other": other, "row": rowid})
                    except IntegrityError:
                        continue
                    if check_connection(connection).sound:
                        unseen.append((rowid, value, other))
                    point.rollback()
    return unseen


@pytest.mark.parametrize("name", [name for name in columns() if name not in ALONE])
def test_no_changed_value_goes_unseen(engine: Engine, name: str) -> None:
    assert unseen_changes(engine, name, thorough=False) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in columns() if name not in ALONE])
def test_no_changed_value_of_any_row_goes_unseen(engine: Engine, name: str) -> None:
    assert unseen_changes(engine, name, thorough=True) == []


TABLES = [table.name for table in Base.metadata.sorted_tables]
UNCOUNTED = {"webhooks", "deliveries", "idempotent_answers", "api_keys"}
"""Tables whose rows may be deleted, or the last of them: nobody can tell that there was one."""


def unseen_deletions(engine: Engine, table: str, thorough: bool) -> list[Any]:
    """Rows of which the check does not find that they are gone."""
    with tampering(engine) as connection:
        rows = connection.scalars(text(f"SELECT rowid FROM {table}")).all()
        unseen = []
        for row in rows if thorough else {rows[0], rows[len(rows) // 2], rows[-1]}:
            with connection.begin_nested() as point:
                connection.execute(text(f"DELETE FROM {table} WHERE rowid = :row"), {"row": row})
                if check_connection(connection).sound:
                    unseen.append(row)
                point.rollback()
        if table == "checkpoints":
            # Of two in one second nothing tells that there was one that is not the newest.
            found = connection.execute(text("SELECT rowid, time FROM checkpoints"))
            times = {row.rowid: row.time for row in found}
            often = Counter(times.values())
            unseen = [row for row in unseen if often[times[row]] == 1]
    return unseen


@pytest.mark.parametrize("table", [table for table in TABLES if table not in UNCOUNTED])
def test_no_deleted_row_goes_unseen(engine: Engine, table: str) -> None:
    assert unseen_deletions(engine, table, thorough=False) == []


@pytest.mark.slow
@pytest.mark.parametrize("table", [table for table in TABLES if table not in UNCOUNTED])
def test_no_deleted_row_at_all_goes_unseen(engine: Engine, table: str) -> None:
    assert unseen_deletions(engine, table, thorough=True) == []


def test_an_api_key_that_is_gone_from_the_middle_is_seen(engine: Engine) -> None:
    with tampering(engine) as connection:
        connection.execute(delete(ApiKey).where(ApiKey.number == 2))
        assert failed(check_connection(connection)) == {"API keys"}


def test_a_gap_among_events_is_seen_unless_refusals_were_forgotten(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tampering(engine) as connection:
        number = connection.scalar(select(Event.id).where(Event.type == "attestation.refused"))
        connection.execute(delete(Event).where(Event.id == number))
        assert failed(check_connection(connection)) == {"events"}
        monkeypatch.setattr(check_events, "KEPT_REFUSALS", 1)
        assert failed(check_connection(connection)) == {"events"}
        last = connection.scalar(select(func.max(Event.id))) or 0
        kept = {"id": last + 1, "time": now(), "type": "attestation.refused", "data": "{}"}
        connection.execute(insert(Event), [kept])
        connection.execute(update(State).values(last_event=last + 1))
        assert check_connection(connection).sound


def test_a_log_that_somebody_wrote_anew_is_not_that_of_the_key_or_of_the_kept_checkpoint(
    engine: Engine, filled: Filled
) -> None:
    ours, theirs = SigningKey.generate(), filled.signer.public
    known = VerifierKey(theirs.name, theirs.key)
    with engine.connect() as connection:
        note = connection.scalars(
            select(SignedCheckpoint.note).order_by(SignedCheckpoint.size)
        ).all()[-2]
    assert check_store(engine, key=known, kept=note.encode()).sound
    stranger = VerifierKey(theirs.name, ours.public)
    assert failed(check_store(engine, key=stranger)) == {"log"}
    for checkpoint, signer in (
        (Checkpoint(theirs.name, 3, b"r" * 32), filled.signer),
        (Checkpoint(theirs.name, 10_000, b"r" * 32), filled.signer),
        (
            Checkpoint(theirs.name, 3, b"r" * 32),
            LogSigner(NamedSigningKey("log", theirs.name, ours)),
        ),
    ):
        other = signer.sign(checkpoint.size, checkpoint.root).encode()
        assert failed(check_store(engine, kept=other)) == {"kept checkpoint"}
    assert failed(check_store(engine, kept=b"nothing")) == {"kept checkpoint"}


def test_a_proof_that_was_exchanged_with_all_that_hangs_on_it_is_found_by_verifying(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has the log's key can make a log of anything; but no proof of it."""
    with running(settings(tmp_path)) as service:
        market = Market.at_service(service)
        store = service.service.store
        good = market.attestation()
        bad = altered(good, "proof", to=market.attestation().proof)
        acceptance = Acceptance(store, srs(), None, Metrics())
        case = Case(bad, "holder")
        report = verify_attestations([good], market.trust(), srs(), [case.expectation(now())])[0]
        assert report.valid
        monkeypatch.setattr(
            acceptance,
            "_verify",
            lambda cases, _: [each.checked(report, acceptance._memory) for each in cases],
        )
        (outcome,) = acceptance.accept([case])
        assert isinstance(outcome, Accepted)
        assert check_store(store.engine).sound
        assert failed(check_store(store.engine, srs=srs())) == {"proofs"}


def test_proofs_are_verified_with_the_trust_of_their_time(tmp_path: Path) -> None:
    with running(settings(tmp_path)) as service:
        market = Market.at_service(service)
        assert submit(service, market.attestation()).status_code == 201
        for key in (*market.venues.values(), *market.oracles.values()):
            retire(service, key, now() - timedelta(days=1))
        report = check_store(service.service.store.engine, srs=srs())
    assert report.sound, report.to_json_value()


def test_a_sound_store_on_both_databases(tmp_path: Path, database_url: str) -> None:
    with running(settings(tmp_path, database_url)) as service:
        market = Market.at_service(service)
        assert submit(service, market.attestation()).status_code == 201
        engine = service.service.store.engine
        assert check_store(engine, srs=srs()).sound
        with engine.begin() as connection:
            connection.execute(update(AttestationRow).values(inclusion=b"\x00" * 32))
        assert failed(check_store(engine)) == {"attestations"}


def test_a_check_sees_one_state_while_others_write(tmp_path: Path, database_url: str) -> None:
    with running(settings(tmp_path, database_url)) as service:
        market = Market.at_service(service)
        store = service.service.store

        def write(done: int, total: int) -> None:
            assert submit(service, market.attestation()).status_code == 201

        with store.read() as session:
            size = session.scalar(select(func.count()).select_from(LogEntry))
        report = check_store(store.engine, progress=write)
        assert report.sound, [each for each in report.checks if each.wrong]
        assert report.size == size
        assert check_store(store.engine).size > report.size


@pytest.mark.parametrize("content", [b"", b"no database at all, but a file of some length" * 99])
def test_what_is_no_store_is_unusable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.db"
    path.write_bytes(content)
    engine = connect(make_url(f"sqlite:///{path}"))
    with pytest.raises(InputError):
        check_store(engine)
    engine.dispose()


def test_a_damaged_page_of_the_file_is_found(filled: Filled, tmp_path: Path) -> None:
    """Each page in turn: what was written there is gone."""
    copy = tmp_path / "copy.db"
    size = filled.path.stat().st_size
    for page in range(1, size // 4096, 5):
        shutil.copyfile(filled.path, copy)
        with copy.open("r+b") as file:
            file.seek(page * 4096)
            file.write(b"\xff" * 4096)
        engine = connect(make_url(f"sqlite:///{copy}"))
        try:
            sound = check_store(engine).sound
        except InputError:
            sound = False
        engine.dispose()
        assert not sound, page
