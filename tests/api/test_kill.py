"""Killed at any point: what was acknowledged is there, and nothing else is half there.

ZKCOLLATERAL_KILLS says how many times, 100 or more, for each database; a thousand by hand.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from sqlalchemy import make_url, select

from tests.api.killing import ORIGIN, Life, Nursery, Order, nursery
from tests.api.postgres import fresh_database
from tests.api.running import Market, running, settings
from tests.world import srs
from zkcollateral.api.acceptance import Acceptance
from zkcollateral.api.cases import Accepted, Case
from zkcollateral.api.metrics import Metrics
from zkcollateral.api.store.backup import back_up, restore
from zkcollateral.api.store.check import check_store
from zkcollateral.api.store.engine import connect
from zkcollateral.api.store.signer import load_signer
from zkcollateral.api.store.store import Store
from zkcollateral.api.store.tables import AttestationRow, SignedCheckpoint, TrustedKeyRow
from zkcollateral.api.store.tree import proof_of_consistency
from zkcollateral.circuits.attestation import Attestation
from zkcollateral.crypto.canonical import canonical_bytes
from zkcollateral.crypto.checkpoint import Checkpoint, VerifierKey, open_checkpoint
from zkcollateral.crypto.merkle import leaf_hash, verify_consistency, verify_inclusion

KILLS: Final = int(os.environ.get("ZKCOLLATERAL_KILLS", "100"))
POOL: Final = 40
"""Attestations, made beforehand, for one database."""
FEWEST_LEFT: Final = 12
STEPS: Final = 3
RANDOM_STEPS: Final = 5
MAX_DELAY: Final = 0.01
ORACLE: Final = {"quorum": "2", "max_age_seconds": "86400", "max_deviation": "0.02"}

WRITTEN: Final = {
    *("SELECT state", "UPDATE state", "INSERT log_entries", "INSERT log_hashes"),
    *("INSERT checkpoints", "INSERT attestations", "INSERT attestation_accounts"),
    *("INSERT attestation_keys", "INSERT subjects", "UPDATE subjects", "INSERT events"),
    *("INSERT trusted_keys", "UPDATE attestations", "commit"),
}
"""Steps of the write path that have to be among those at which it was killed."""


@dataclass(frozen=True)
class Prepared:
    """A market whose registry, policy and keys are in a backup, and attestations for it."""

    folder: Path
    attestations: list[Attestation]

    @property
    def key(self) -> Path:
        return self.folder / "log.key"

    @property
    def documents(self) -> Path:
        return self.folder / "attestations.jsonl"

    @property
    def backup(self) -> Path:
        return self.folder / "market.backup"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("prepared")
    with running(settings(folder)) as service:
        market = Market.at_service(service, oracle=ORACLE)
        at, prices = market.at, market.prices(market.at)
        attestations = [
            market.attestation(
                market.vouched(account=f"acct-{number * (number % 2)}", as_of=at),
                at=at,
                prices=prices,
            )
            for number in range(POOL)
        ]
        back_up(service.service.store.engine, folder / "market.backup")
    made = Prepared(folder, attestations)
    lines = [canonical_bytes(each.to_json_value()) + b"\n" for each in attestations]
    made.documents.write_bytes(b"".join(lines))
    return made


@pytest.fixture(scope="module")
def children(prepared: Prepared) -> Iterator[Nursery]:
    with nursery(prepared.key, prepared.documents) as started:
        yield started


@dataclass
class Database:
    """A database on which children are killed, and all that anybody was told about it."""

    url: str
    prepared: Prepared
    used: int = 0
    told: dict[str, set[str]] = field(default_factory=lambda: {"accepted": set()})
    kept: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with self._store() as store:
            restore(store.engine, self.prepared.backup)

    def order(
        self, point: Point | None = None, *, after: bool = False, steps: int = STEPS
    ) -> Order:
        if point is None:
            return Order(self.url, self.used, steps, after=after)
        return Order(self.url, self.used, steps, point.name, point.time, point.after)

    def survived(self, life: Life) -> None:
        """All that has to hold after a child is dead."""
        for kind, id_ in life.acknowledged:
            self.told.setdefault(kind, set()).add(id_)
        with self._store() as store:
            # As the service would: starting includes looking at the tables.
            report = check_store(store.engine, kept=self._last_kept())
            assert report.sound, [check for check in report.checks if check.wrong]
            self._is_there(store)
            self._goes_on(store)

    def _is_there(self, store: Store) -> None:
        with store.read() as session:
            rows = session.execute(select(*AttestationRow.__table__.columns)).all()
            notes = {row.size: row.note for row in session.scalars(select(SignedCheckpoint))}
            keys = set(session.scalars(select(TrustedKeyRow.key_id)))
        stored = {row.id: row for row in rows}
        assert self.told["accepted"] <= stored.keys()
        assert self.told.get("added", set()) <= keys
        revoked = {row.id for row in rows if row.revoked is not None}
        assert self.told.get("revoked", set()) <= revoked
        key = self._verifier(store)
        for row in rows:
            # What a bundle consists of; its proof was checked before it was stored.
            opened = open_checkpoint(notes[row.checkpoint].encode(), [key]).checkpoint
            nodes = [row.inclusion[at : at + 32] for at in range(0, len(row.inclusion), 32)]
            verify_inclusion(leaf_hash(row.entry), row.log_index, opened.size, nodes, opened.root)
        # The batch that was under way is there as a whole or not at all, and so is its place.
        taken = [each.identity for each in self.prepared.attestations[: len(stored)]]
        assert set(taken) == stored.keys()
        self.used = len(stored)
        for size, note in self.kept.items():
            assert notes[size] == note

    def _goes_on(self, store: Store) -> None:
        """One more is accepted, in a log that begins with every one that was seen before."""
        attestation = self.prepared.attestations[self.used]
        acceptance = Acceptance(store, srs(), None, Metrics())
        (outcome,) = acceptance.accept([Case(attestation, "holder")])
        assert isinstance(outcome, Accepted)
        assert outcome.kind == "accepted"
        self.told["accepted"].add(outcome.id)
        self.used += 1
        with store.read() as session:
            newest = session.scalars(
                select(SignedCheckpoint).order_by(SignedCheckpoint.size.desc()).limit(1)
            ).one()
            now = self._opened(store, newest.note)
            for note in self.kept.values():
                before = self._opened(store, note)
                proof = proof_of_consistency(session, before.size, now.size)
                verify_consistency(before.size, before.root, now.size, now.root, proof)
                assert before.size < now.size
        self.kept[newest.size] = newest.note

    def _last_kept(self) -> bytes | None:
        return self.kept[max(self.kept)].encode() if self.kept else None

    def _verifier(self, store: Store) -> VerifierKey:
        public = store.signer.public
        return VerifierKey(public.name, public.key)

    def _opened(self, store: Store, note: str) -> Checkpoint:
        return open_checkpoint(note.encode(), [self._verifier(store)]).checkpoint

    @contextmanager
    def _store(self) -> Iterator[Store]:
        engine = connect(make_url(self.url))
        try:
            yield Store(engine, load_signer(self.prepared.key, ORIGIN))
        finally:
            engine.dispose()

    @property
    def is_used_up(self) -> bool:
        return self.used + FEWEST_LEFT > len(self.prepared.attestations)


@dataclass
class Databases:
    """One database after the other, each until its attestations are used up."""

    prepared: Prepared
    fresh: Callable[[], str]
    opened: int = 0
    current: Database | None = None

    def next(self) -> Database:
        if self.current is None or self.current.is_used_up:
            self.current = Database(self.fresh(), self.prepared)
            self.opened += 1
        return self.current


@pytest.fixture(params=["sqlite", "postgres"])
def databases(
    request: pytest.FixtureRequest, prepared: Prepared, tmp_path: Path
) -> Iterator[Databases]:
    with ExitStack() as stack:

        def fresh() -> str:
            if request.param == "sqlite":
                return f"sqlite:///{tmp_path / f'{made.opened}.db'}"
            stack.close()
            return stack.enter_context(fresh_database(request.getfixturevalue("postgres_server")))

        made = Databases(prepared, fresh)
        yield made


class Point(NamedTuple):
    """Where a child kills itself: before or after a statement or commit, the first or a later."""

    name: str
    time: int
    after: bool


def test_killed_at_every_step_and_at_random(databases: Databases, children: Nursery) -> None:
    chance = random.Random(4)
    every = [point for after in (False, True) for point in points(databases, children, after)]
    # First each kind once, then each a second time; a third of the kills come at random moments.
    every.sort(key=lambda point: point.time)
    chosen = every[: KILLS * 2 // 3]
    at: Counter[str] = Counter()
    for point in chosen:
        database = databases.next()
        life = children.end(children.begin(database.order(point)))
        if not life.killed:
            # What is there by now lets it do without.
            assert point.time > 1 or point.name not in WRITTEN, (point, life)
            continue
        at[f"{'after' if point.after else 'before'} {life.points[-1]}"] += 1
        database.survived(life)
    acknowledged = done = 0
    lines = length(databases, children)
    while sum(at.values()) < KILLS:
        database = databases.next()
        life = children.begin(database.order(steps=RANDOM_STEPS))
        # By what it has come to and not by the clock: how fast it is, the machine decides.
        children.follow(life, chance.randrange(lines))
        time.sleep(chance.uniform(0, MAX_DELAY))
        # It may be done by then, which is no kill.
        with suppress(ProcessLookupError):
            os.kill(life.pid, signal.SIGKILL)
        killed = children.end(life).killed
        at["random"] += killed
        done += not killed
        acknowledged += len(life.acknowledged) if killed else 0
        database.survived(life)
    number = sum(at.values())
    print(f"\n{number} kills on {databases.opened} databases:", dict(at))
    print(f"random: {acknowledged} acknowledged before; {done} more were done before their kill")
    # Those at random moments find writers at work, not only on their way to it.
    assert acknowledged
    for after in ("before", "after"):
        assert {f"{after} {each}" for each in WRITTEN} <= at.keys()
    assert at["random"] > done


def length(databases: Databases, children: Nursery) -> int:
    """How many lines a child says that is not killed."""
    database = databases.next()
    life = children.end(children.begin(database.order(steps=RANDOM_STEPS)))
    assert life.status == 0, life
    database.survived(life)
    return len(life.points) + len(life.acknowledged)


def points(databases: Databases, children: Nursery, after: bool) -> list[Point]:
    """The points that a child comes by that is not killed."""
    database = databases.next()
    life = children.end(children.begin(database.order(after=after)))
    assert life.status == 0, life
    database.survived(life)
    passed: Counter[str] = Counter()
    found = []
    for name in life.points:
        passed[name] += 1
        found.append(Point(name, passed[name], after))
    return found
