"""Writing: all of a transaction or nothing, without gap, under a signed checkpoint."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, func, make_url, select

from zkcollateral.api.store.check import check_store
from zkcollateral.api.store.engine import connect
from zkcollateral.api.store.setup import introduce_log_key, migrate
from zkcollateral.api.store.signer import LogSigner, load_signer
from zkcollateral.api.store.store import Store
from zkcollateral.api.store.tables import (
    Base,
    Event,
    LogEntry,
    LogHash,
    SignedCheckpoint,
    State,
    TrustedKeyRow,
)
from zkcollateral.api.store.tree import proof_of_consistency, proof_of_inclusion
from zkcollateral.crypto.checkpoint import VerifierKey, open_checkpoint
from zkcollateral.crypto.keyfile import NamedSigningKey, read_public_key, write_key_pair
from zkcollateral.crypto.merkle import Tree, leaf_hash, verify_consistency, verify_inclusion
from zkcollateral.crypto.signature import SigningKey
from zkcollateral.errors import FileError, InputError
from zkcollateral.verifier.entries import RevocationEntry


@pytest.fixture
def store(tmp_path: Path, database_url: str) -> Iterator[Store]:
    made = Store(connect(make_url(database_url)), load_signer(tmp_path / "log.key", "example/log"))
    migrate(made.engine)
    introduce_log_key(made)
    yield made
    made.engine.dispose()


def everything(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables."""
    with store.engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table))]
            for table in Base.metadata.sorted_tables
        }


def append(store: Store, count: int) -> None:
    with store.write() as writer:
        for number in range(count):
            entry = RevocationEntry(id=format(number, "064x"), reason="none", time=writer.at)
            writer.append(entry)


class Interrupted(Exception):
    pass


def interrupt(store: Store, sealed: bool) -> None:
    with store.write() as writer:
        writer.append(RevocationEntry(id="0" * 64, reason="none", time=writer.at))
        writer.emit("round.new", {})
        writer.trust_changed()
        writer.session.execute(delete(TrustedKeyRow))
        if sealed:
            assert writer.seal() is not None
            writer.session.flush()
        raise Interrupted


@pytest.mark.parametrize("sealed", [False, True])
def test_an_exception_leaves_nothing(store: Store, sealed: bool) -> None:
    before = everything(store)
    with pytest.raises(Interrupted):
        interrupt(store, sealed)
    assert everything(store) == before
    append(store, 1)
    with store.read() as session:
        assert session.scalar(select(func.max(LogEntry.index))) == 1


def test_an_error_at_the_end_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = everything(store)

    def fail(*_: object) -> str:
        raise Interrupted

    with monkeypatch.context() as patched:
        patched.setattr(LogSigner, "sign", fail)
        with pytest.raises(Interrupted):
            append(store, 1)
    assert everything(store) == before


@pytest.mark.parametrize("counts", [(1, 254, 1, 1), (255,), (256, 1), (300, 300)])
def test_the_stored_tree_is_that_of_the_entries(store: Store, counts: tuple[int, ...]) -> None:
    for count in counts:
        append(store, count)
    signer = store.signer.public
    key = VerifierKey(signer.name, signer.key)
    with store.read() as session:
        rows = session.execute(select(LogEntry.index, LogEntry.data).order_by(LogEntry.index)).all()
        assert [row[0] for row in rows] == [*range(1 + sum(counts))]
        leaves = [leaf_hash(row[1]) for row in rows]
        tree, _ = Tree().append(leaves)
        assert session.scalar(select(State.tree)) == tree.to_bytes()
        stored = session.execute(select(LogHash.level, LogHash.index)).all()
        assert len(stored) == len(leaves) + len(leaves) // 256
        notes = session.scalars(select(SignedCheckpoint.note).order_by(SignedCheckpoint.size)).all()
        opened = [open_checkpoint(note.encode(), [key]).checkpoint for note in notes]
        assert [each.size for each in opened] == [
            1 + sum(counts[:number]) for number in range(len(counts) + 1)
        ]
        newest = opened[-1]
        for index in (0, 1, newest.size // 2, newest.size - 1):
            proof = proof_of_inclusion(session, index, newest.size)
            verify_inclusion(leaves[index], index, newest.size, proof, newest.root)
        for each in opened:
            proof = proof_of_consistency(session, each.size, newest.size)
            verify_consistency(each.size, each.root, newest.size, newest.root, proof)


def test_the_proof_of_an_entry_is_that_of_the_sealed_log(store: Store) -> None:
    append(store, 5)
    with store.write() as writer:
        entry = RevocationEntry(id="a" * 64, reason="none", time=writer.at)
        assert writer.append(entry) == 6
        assert writer.log_size == 7
        sealed = writer.seal()
        assert sealed is not None
        assert sealed.size == 7
        assert writer.seal() is None
        proof = writer.inclusion(6)
    signer = store.signer.public
    opened = open_checkpoint(sealed.note.encode(), [VerifierKey(signer.name, signer.key)])
    with store.read() as session:
        data = session.scalars(select(LogEntry.data).where(LogEntry.index == 6)).one()
    nodes = [proof[at : at + 32] for at in range(0, len(proof), 32)]
    verify_inclusion(leaf_hash(data), 6, 7, nodes, opened.checkpoint.root)


def test_events_are_numbered_across_transactions(store: Store) -> None:
    with store.write() as writer:
        first = writer.emit("round.new", {"a": "ä"})
        assert writer.emit("round.new", {}, ["b", "a", "b"]) == first + 1
    with store.write() as writer:
        assert writer.emit("round.new", {}) == first + 2
    with store.read() as session:
        row = session.get_one(Event, first + 1)
        assert row.tenants == "|a|b|"
        assert session.get_one(Event, first).data == '{"a":"ä"}'


def test_a_transaction_without_entries_signs_nothing(store: Store) -> None:
    with store.read() as session:
        before = session.scalar(select(func.count()).select_from(SignedCheckpoint))
    with store.write() as writer:
        writer.emit("round.new", {})
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(SignedCheckpoint)) == before


def test_a_database_that_was_never_set_up_is_not_written_to(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.execute(delete(State))
    with pytest.raises(RuntimeError, match="never set up"), store.write():
        pass


def test_another_key_goes_on_once_it_is_introduced(store: Store, tmp_path: Path) -> None:
    key = NamedSigningKey("log", store.signer.public.name, SigningKey.generate())
    rotated = Store(store.engine, LogSigner(key))
    introduce_log_key(rotated)
    introduce_log_key(rotated)
    assert check_store(store.engine).sound
    with store.read() as session:
        keys = session.scalars(select(TrustedKeyRow).where(TrustedKeyRow.role == "log")).all()
    assert len(keys) == 2


def test_a_signer_of_another_role_or_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="role log"):
        LogSigner(NamedSigningKey("oracle", "somebody", SigningKey.generate()))
    write_key_pair(tmp_path / "other", NamedSigningKey("log", "other/log", SigningKey.generate()))
    with pytest.raises(InputError, match="other/log"):
        load_signer(tmp_path / "other.key", "example/log")


def test_the_key_is_made_once_and_has_its_name_when_it_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.key"
    seen: list[int] = []
    link = os.link

    def linking(source: Path, target: Path) -> None:
        seen.append(source.stat().st_size)
        # Somebody else starts at this very moment, and is first.
        monkeypatch.setattr(os, "link", link)
        first.append(load_signer(path, "example/log"))
        link(source, target)

    first: list[LogSigner] = []
    monkeypatch.setattr(os, "link", linking)
    second = load_signer(path, "example/log")
    assert first[0].public == second.public
    assert read_public_key(path.with_suffix(".pub")) == second.public
    assert seen[0] > 100
    assert sorted(each.name for each in tmp_path.iterdir()) == ["log.key", "log.pub"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileError):
        load_signer(tmp_path / "nowhere" / "log.key", "example/log")


def test_a_secret_key_that_is_lost_is_not_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    load_signer(path, "example/log")
    path.unlink()
    with pytest.raises(FileError, match="the secret key of the public one"):
        load_signer(path, "example/log")
    assert [each.name for each in tmp_path.iterdir()] == ["log.pub"]
