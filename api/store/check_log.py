"""The log: its leaves, in one pass, against its tiles, its checkpoints and its head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from ...crypto.checkpoint import VerifierKey, open_checkpoint
from ...crypto.merkle import Tree, leaf_hash
from ...crypto.signature import PublicKey
from ...crypto.srs import Srs
from ...crypto.tiles import TILE_WIDTH, levels_of
from ...errors import ZkCollateralError
from .check_entries import EntryCheck
from .findings import Findings, Progress, columns_of, count
from .tables import LogEntry, LogHash, SignedCheckpoint, State, TrustedKeyRow


class LogCheck:
    """The checks of the log and of what its entries are about.

    Args:
        connection: sees one state of the database.
        srs: verify proofs; None: do not.
        key: of the log, from elsewhere.
        kept: a signed checkpoint, from elsewhere.
    """

    def __init__(
        self,
        connection: Connection,
        srs: Srs | None,
        key: VerifierKey | None,
        kept: bytes | None,
    ) -> None:
        self.tree = Tree()
        self._connection = connection
        self._log = Findings("log")
        self._tiles = Findings("tiles")
        self._checkpoints = Findings("checkpoints")
        self._entries = EntryCheck(connection, self._checkpoints, srs)
        self._kept_note = kept
        self._kept: tuple[int, bytes] | None = None
        self._anchor = Findings("kept checkpoint")
        self._keys: dict[VerifierKey, Row[Any]] = {}
        self._given = key

    @property
    def checks(self) -> list[Findings]:
        """What was found, by name."""
        anchor = [] if self._kept_note is None else [self._anchor]
        return [self._log, self._tiles, self._checkpoints, *anchor, *self._entries.checks]

    def run(self, progress: Progress) -> None:
        """Look at every entry."""
        with self._log.reading("the log's keys"):
            self._read_keys()
        with self._anchor.reading("the kept checkpoint"):
            self._open_kept()
        size = 0
        with self._log.reading("the log"):
            size = self._read_head()
            while self.tree.size < size and self._batch(size):
                progress.more(min(TILE_WIDTH, self.tree.size))
        self._finish(size)
        self._entries.finish()

    def _read_head(self) -> int:
        """How many entries there have to be."""
        heads = self._connection.execute(columns_of(State)).all()
        self._log.expect(
            len(heads) == 1 and heads[0].id == 1, "expected one head of the log, with id 1"
        )
        entries = count(self._connection, LogEntry)
        size = Tree.from_bytes(heads[0].tree).size if heads else entries
        self._log.expect(entries == size, f"the head counts {size} entries, there are {entries}")
        return max(size, entries)

    def _read_keys(self) -> None:
        rows = self._connection.execute(
            columns_of(TrustedKeyRow).where(TrustedKeyRow.role == "log")
        )
        for row in rows:
            self._keys[VerifierKey(row.name, PublicKey(bytes.fromhex(row.public_key)))] = row
        if self._given is not None:
            self._log.expect(
                self._given in self._keys, f"the key of {self._given.name} is not the log's"
            )

    def _open_kept(self) -> None:
        if self._kept_note is None:
            return
        self._anchor.examined = 1
        try:
            opened = open_checkpoint(self._kept_note, self._keys).checkpoint
        except ZkCollateralError as error:
            self._anchor.expect(False, str(error))
            return
        self._kept = opened.size, opened.root
        if opened.size == 0:
            self._kept = None

    def _batch(self, size: int) -> bool:
        """Take in the entries of the next tile; False if there is a gap."""
        first = self.tree.size
        last = min(first + TILE_WIDTH, size)
        rows = self._connection.execute(
            columns_of(LogEntry)
            .where(LogEntry.index >= first, LogEntry.index < last)
            .order_by(LogEntry.index)
        ).all()
        if [row.index for row in rows] != [*range(first, last)]:
            self._log.expect(False, f"an entry between {first} and {last - 1} is missing")
            return False
        data = [row.data for row in rows]
        leaves = [leaf_hash(each) for each in data]
        self._log.examined += len(leaves)
        self._check_roots(first, data, leaves)
        self.tree, completed = self.tree.append(leaves)
        for level in range(levels_of(self.tree.size)):
            hashes = [each for each in completed if each.tile_level == level]
            if hashes:
                self._check_hashes(level, hashes[0].position, [each.hash for each in hashes])
        with self._log.reading(f"entries {first} to {last - 1}"):
            self._entries.batch(first, data)
        return True

    def _check_hashes(self, level: int, first: int, expected: Sequence[bytes]) -> None:
        rows = self._connection.execute(
            select(LogHash.index, LogHash.hash).where(
                LogHash.level == level,
                LogHash.index >= first,
                LogHash.index < first + len(expected),
            )
        )
        found = {row[0]: row[1] for row in rows}
        self._tiles.examined += len(expected)
        for index, value in enumerate(expected, start=first):
            self._tiles.expect(
                found.get(index) == value, f"level {level}: hash {index} is missing or another one"
            )

    def _check_roots(self, first: int, data: Sequence[bytes], leaves: Sequence[bytes]) -> None:
        """Every checkpoint that was signed while these entries came."""
        rows = self._connection.execute(
            columns_of(SignedCheckpoint)
            .where(SignedCheckpoint.size > first, SignedCheckpoint.size <= first + len(leaves))
            .order_by(SignedCheckpoint.size)
        ).all()
        sizes = {row.size for row in rows}
        if self._kept is not None:
            sizes.add(self._kept[0])
        roots = {}
        tree = self.tree
        for size in sorted(sizes):
            if first < size <= first + len(leaves):
                tree, _ = tree.append(leaves[tree.size - first : size - first])
                roots[size] = tree.root()
        for row in rows:
            self._checkpoints.examined += 1
            with self._checkpoints.reading(f"checkpoint {row.size}"):
                self._check_checkpoint(row, roots[row.size])
        if self._kept is not None and self._kept[0] in roots:
            self._anchor.expect(
                roots[self._kept[0]] == self._kept[1],
                f"the first {self._kept[0]} entries are not those of the kept checkpoint",
            )

    def _check_checkpoint(self, row: Row[Any], root: bytes) -> None:
        where = f"checkpoint {row.size}"
        try:
            opened = open_checkpoint(row.note.encode(), self._keys)
        except ZkCollateralError as error:
            self._checkpoints.expect(False, f"{where}: {error}")
            return
        self._checkpoints.expect(opened.checkpoint.size == row.size, f"{where}: is of another size")
        self._checkpoints.expect(opened.checkpoint.root == root, f"{where}: has another root")
        for key in opened.signed_by:
            trusted = self._keys[key]
            until = max(trusted.valid_until, trusted.retired or trusted.valid_until)
            self._checkpoints.expect(
                trusted.valid_from <= row.time <= until,
                f"{where}: was signed when the key of {key.name} did not count",
            )

    def _finish(self, size: int) -> None:
        connection = self._connection
        if self._kept is not None:
            self._anchor.expect(
                self._kept[0] <= self.tree.size,
                f"the kept checkpoint has {self._kept[0]} entries, the log {self.tree.size}",
            )
        head = connection.execute(select(State.tree, State.trust_version)).first()
        if head is not None:
            self._log.expect(head.tree == self.tree.to_bytes(), "the head is of another tree")
            self._log.expect(
                head.trust_version == self._entries.trust_changes,
                f"trust changed {self._entries.trust_changes} times in the log, "
                f"{head.trust_version} times in the head",
            )
        outside = (LogEntry.index < 0) | (LogEntry.index >= size)
        self._log.expect(
            count(connection, LogEntry, outside) == 0, "there are entries beyond the end"
        )
        hashes = count(connection, LogHash)
        self._tiles.expect(
            hashes == self._tiles.examined,
            f"{self._tiles.examined} hashes belong into tiles, there are {hashes}",
        )
        checkpoints = count(connection, SignedCheckpoint)
        self._checkpoints.expect(
            checkpoints == self._checkpoints.examined,
            f"{checkpoints} checkpoints, {self._checkpoints.examined} of sizes that the log had",
        )
        covered = connection.scalar(
            select(SignedCheckpoint.size).order_by(SignedCheckpoint.size.desc()).limit(1)
        )
        self._checkpoints.expect(
            (covered or 0) == self.tree.size, f"no checkpoint of all {self.tree.size} entries"
        )
