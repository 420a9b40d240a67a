"""Many at once: processes on PostgreSQL, threads on SQLite. One log without gap, nothing lost."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import make_url, select

from tests.api.killing import ORIGIN
from tests.api.postgres import connect as connect_to_server
from tests.api.postgres import given_server, running_server
from tests.api.running import Market, running, settings
from tests.world import srs
from zkcollateral.api.acceptance import Acceptance
from zkcollateral.api.cases import Accepted
from zkcollateral.api.intake import Intake, Submission
from zkcollateral.api.metrics import Metrics
from zkcollateral.api.problems import Problem
from zkcollateral.api.store.check import check_store
from zkcollateral.api.store.engine import connect
from zkcollateral.api.store.signer import load_signer
from zkcollateral.api.store.store import Store
from zkcollateral.api.store.tables import (
    AttestationRow,
    Event,
    LogEntry,
    SignedCheckpoint,
    TrustedKeyRow,
)
from zkcollateral.api.store.tree import proof_of_consistency
from zkcollateral.api.trust import add_key, retire_key
from zkcollateral.circuits.attestation import Attestation
from zkcollateral.crypto.canonical import canonical_bytes
from zkcollateral.crypto.checkpoint import VerifierKey, open_checkpoint
from zkcollateral.crypto.merkle import verify_consistency
from zkcollateral.crypto.signature import SigningKey
from zkcollateral.verifier.trust import TrustedKey

ROOT: Final = Path(__file__).resolve().parents[2]
WRITERS: Final = 3
EACH: Final = 14
SHARED: Final = 4
"""Attestations that every writer submits."""
SECONDS: Final = 60


@pytest.fixture
def market(tmp_path: Path, database_url: str) -> Market:
    """A market on a database that nothing else uses."""
    with running(settings(tmp_path, database_url)) as service:
        return Market.at_service(service)


def open_store(url: str, folder: Path) -> Store:
    return Store(connect(make_url(url)), load_signer(folder / "log.key", ORIGIN))


def attestations(market: Market, count: int) -> list[Attestation]:
    at, prices = market.at, market.prices(market.at)
    return [
        market.attestation(
            market.vouched(account=f"acct-{number % 3}", as_of=at), at=at, prices=prices
        )
        for number in range(count)
    ]


def of_writer(all_: list[Attestation], number: int) -> list[Attestation]:
    """What one writer submits: some that the others submit too, and its own."""
    start = SHARED + number * (EACH - SHARED)
    own = all_[start : start + EACH - SHARED]
    return [each for pair in itertools.zip_longest(own, all_[:SHARED]) for each in pair if each]


def write(store: Store, mine: list[Attestation]) -> Iterator[tuple[str, str]]:
    """Submit through an intake, with changes of trust in between; what was acknowledged."""
    intake = Intake(Acceptance(store, srs(), None, Metrics()), Metrics(), 100)
    intake.start()
    try:
        for number in range(0, len(mine), 3):
            some = mine[number : number + 3]
            documents = [canonical_bytes(each.to_json_value()) for each in some]
            waiting = [
                intake.submit(Submission(each, document, tenant="holder"))
                for each, document in zip(some, documents, strict=True)
            ]
            for each in waiting:
                outcome = each.result(SECONDS)
                assert isinstance(outcome, Accepted), outcome
                yield "attestation", outcome.id
            yield "key", change_trust(store)
    finally:
        intake.stop()


def change_trust(store: Store) -> str:
    """Trust a key that nothing rests on, and retire it again."""
    public = SigningKey.generate().public
    with store.write() as writer:
        start = writer.at
        key = TrustedKey(
            role="custodian",
            name="another",
            public_key=public.raw.hex(),
            valid_from=start,
            valid_until=start + timedelta(days=1),
        )
        add_key(writer, key)
    with store.write() as writer:
        row = writer.session.get_one(TrustedKeyRow, public.key_id)
        retire_key(writer, row, start, "tried out")
    return public.key_id


def is_whole(store: Store, told: list[tuple[str, str]]) -> None:
    """Everything that was acknowledged is there, once, in one log that only grew."""
    report = check_store(store.engine, srs=srs())
    assert report.sound, [each for each in report.checks if each.wrong]
    public = store.signer.public
    with store.read() as session:
        stored = session.scalars(select(AttestationRow.id)).all()
        assert {id_ for kind, id_ in told if kind == "attestation"} == set(stored)
        assert len(stored) == len(set(stored))
        keys = set(session.scalars(select(TrustedKeyRow.key_id)))
        assert {id_ for kind, id_ in told if kind == "key"} <= keys
        entries = session.scalars(select(LogEntry.index).order_by(LogEntry.index)).all()
        assert entries == [*range(len(entries))]
        events = session.scalars(select(Event.id).order_by(Event.id)).all()
        assert events == [*range(1, len(events) + 1)]
        notes = session.scalars(select(SignedCheckpoint.note).order_by(SignedCheckpoint.size)).all()
        opened = [
            open_checkpoint(note.encode(), [VerifierKey(public.name, public.key)]).checkpoint
            for note in notes
        ]
        for one, two in itertools.pairwise(opened):
            assert one.size < two.size
            proof = proof_of_consistency(session, one.size, two.size)
            verify_consistency(one.size, one.root, two.size, two.root, proof)
        assert opened[-1].size == len(entries)


def main(url: str, folder: Path, number: int) -> None:
    """One writer, in a process of its own."""
    lines = (folder / "attestations.jsonl").read_bytes().splitlines()
    mine = of_writer([Attestation.from_bytes(line, "attestation") for line in lines], number)
    store = open_store(url, folder)
    srs().setup  # noqa: B018  # decodes it
    print("ready", flush=True)
    sys.stdin.readline()
    for told in write(store, mine):
        print(json.dumps(told), flush=True)
    store.engine.dispose()


def begin_process(url: str, folder: Path, number: int) -> subprocess.Popen[str]:
    code = (
        "import sys; from pathlib import Path; from tests.api.test_concurrency import main; "
        "main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, url, str(folder), str(number)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_processes_that_write_at_once(market: Market, database_url: str, tmp_path: Path) -> None:
    all_ = attestations(market, SHARED + WRITERS * (EACH - SHARED))
    lines = [canonical_bytes(each.to_json_value()) + b"\n" for each in all_]
    (tmp_path / "attestations.jsonl").write_bytes(b"".join(lines))
    writers = [begin_process(database_url, tmp_path, number) for number in range(WRITERS)]
    for each in writers:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in writers:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    said = [each.communicate(timeout=SECONDS)[0] for each in writers]
    assert [each.returncode for each in writers] == [0] * WRITERS
    told = [tuple(json.loads(line)) for out in said for line in out.splitlines()]
    assert len([kind for kind, _ in told if kind == "attestation"]) == WRITERS * EACH
    store = open_store(database_url, tmp_path)
    is_whole(store, told)
    store.engine.dispose()


def test_threads_that_write_at_once(market: Market, database_url: str, tmp_path: Path) -> None:
    all_ = attestations(market, SHARED + WRITERS * (EACH - SHARED))
    store = open_store(database_url, tmp_path)
    told: list[tuple[str, str]] = []
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            told.extend(write(store, of_writer(all_, number)))
        except BaseException as error:  # noqa: BLE001  # whatever it is, the test has to know
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert errors == []
    is_whole(store, told)
    store.engine.dispose()


def test_a_postgresql_server_that_is_killed_under_load_loses_nothing(tmp_path: Path) -> None:
    """Immediate shutdown: what it has not written to the disk by then is gone."""
    if given_server() is not None:
        pytest.skip("the server that DATABASE_URL names is not ours to kill")
    with running_server(fsync="on", full_page_writes="on", restart_after_crash="on") as url:
        with running(settings(tmp_path, url)) as service:
            market = Market.at_service(service)
        all_ = attestations(market, 40)
        store = open_store(url, tmp_path)
        told: list[tuple[str, str]] = []
        refused: list[str] = []

        def load() -> None:
            waiting = iter(all_)
            while (each := next(waiting, None)) is not None:
                try:
                    told.extend(write(store, [each]))
                except (Problem, Exception) as error:  # noqa: BLE001  # the server is away
                    refused.append(type(error).__name__)
                    time.sleep(0.1)

        thread = threading.Thread(target=load)
        thread.start()
        for _ in range(3):
            time.sleep(0.6)
            crash(url)
        thread.join(SECONDS)
        assert not thread.is_alive()
        assert refused
        assert told
        ids = {id_ for kind, id_ in told if kind == "attestation"}
        report = check_store(store.engine, srs=srs())
        assert report.sound, [each for each in report.checks if each.wrong]
        with store.read() as session:
            assert ids <= set(session.scalars(select(AttestationRow.id)))
            keys = set(session.scalars(select(TrustedKeyRow.key_id)))
        assert {id_ for kind, id_ in told if kind == "key"} <= keys
        # It goes on, and what was not acknowledged can be submitted again.
        again = list(write(store, all_))
        assert {id_ for kind, id_ in again if kind == "attestation"} >= ids
        assert check_store(store.engine).sound
        store.engine.dispose()


def crash(url: str) -> None:
    """Kill one of the server's processes, upon which it ends all of them and recovers from its log.

    That is what an immediate shutdown and a start do; the server's parent stays.
    """
    with connect_to_server(url) as connection:
        row = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'background writer'"
        ).fetchone()
    assert row is not None
    os.kill(row[0], 9)
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        time.sleep(0.05)
        try:
            connect_to_server(url).close()
        except Exception:  # noqa: BLE001  # it is not there yet
            continue
        return
    raise AssertionError("the server did not come back")
