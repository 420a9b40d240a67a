"""Replaying a transparency log: every entry and every tile, against what the log signed.

Nothing is taken from a tile before it was computed from the entries, so that the log's checkpoint
is shown to be of these entries, and any reader who relies on its tiles sees the same tree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..crypto.checkpoint import (
    MAX_NOTE_BYTES,
    Checkpoint,
    OpenedCheckpoint,
    VerifierKey,
    open_checkpoint,
)
from ..crypto.merkle import Tree, leaf_hash
from ..crypto.tiles import (
    CHECKPOINT_PATH,
    MAX_BUNDLE_BYTES,
    TILE_BYTES,
    TILE_WIDTH,
    Tile,
    bundles_of,
    decode_bundle,
    decode_tile,
    parse_tile_path,
    tile_at,
)
from ..errors import InputError, LogError, SignatureError

Reader: TypeAlias = Callable[[str], bytes]
"""path -> the bytes of that file of the log: `checkpoint`, `tile/0/000`, `tile/entries/000`. For
what is not there it raises an InputError or an OSError; how much it reads, `most_bytes` says."""


@dataclass(frozen=True)
class LogReport:
    """A log that was replayed from its first to its last entry.

    Attributes:
        checkpoint: what the log signed, and what its entries gave.
        note: the signed bytes of it: to be kept, and given as `kept` next time.
        bundles: number of bundles of entries that were read.
        tiles: number of tiles that were read and are as they should be.
        kept: the earlier checkpoint that the log goes on from, if there was one.
    """

    checkpoint: Checkpoint
    note: bytes
    bundles: int
    tiles: int
    kept: Checkpoint | None

    @property
    def size(self) -> int:
        """The number of entries, all of them read."""
        return self.checkpoint.size

    @property
    def root(self) -> bytes:
        """The root hash."""
        return self.checkpoint.root


def most_bytes(path: str) -> int:
    """The most bytes that a file of a log can have; EncodingError for a path that no log has."""
    if path == CHECKPOINT_PATH:
        return MAX_NOTE_BYTES
    return MAX_BUNDLE_BYTES if parse_tile_path(path).level is None else TILE_BYTES


def verify_log(
    read: Reader,
    key: VerifierKey,
    origin: str | None = None,
    kept: Checkpoint | bytes | None = None,
    *,
    on_entry: Callable[[int, bytes], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LogReport:
    """Replay a whole log.

    Args:
        read: gives the log's files.
        key: the log's public key, from somewhere else than the log.
        origin: the log's name; without it, the name of the key.
        kept: an earlier checkpoint of the same log: the signed note, or one that was opened before.
            Its entries have to be the first ones of the log today.
        on_entry: is told every entry in order, with its index, once its bundle agrees with its
            tile of hashes. It is not shown to be under the signed root before this function
            returns. What it raises ends the replay.
        progress: is told after each bundle how many entries are done, and of how many.

    Returns:
        What was read. One bundle is in memory at a time.

    Raises:
        LogError: a file that is missing, malformed or not signed; an entry, a tile or a root that
            is not what the others say; fewer entries than were kept, or other ones.
        EncodingError: a kept note that is none.
        SignatureError: a kept note that the key did not sign.
    """
    name = key.name if origin is None else origin
    earlier = _kept(kept, key, name)
    opened = _open(read, key, name)
    checkpoint = opened.checkpoint
    if earlier is not None:
        _check_size(earlier, checkpoint)
    replay = _Replay(read, checkpoint.size)
    bundles = 0
    for bundle in bundles_of(checkpoint.size):
        entries = replay.bundle(bundle, earlier)
        bundles += 1
        if on_entry is not None:
            for index, entry in enumerate(entries, start=bundle.index * TILE_WIDTH):
                on_entry(index, entry)
        if progress is not None:
            progress(replay.tree.size, checkpoint.size)
    replay.finish()
    if replay.tree.root() != checkpoint.root:
        raise LogError(
            f"{CHECKPOINT_PATH}: expected the root of its {checkpoint.size} entries, "
            f"{replay.tree.root().hex()}, got {checkpoint.root.hex()}"
        )
    return LogReport(checkpoint, opened.note, bundles, replay.tiles, earlier)


class _Replay:
    """The tree so far, and the hashes of the tiles that are not full yet."""

    def __init__(self, read: Reader, size: int) -> None:
        self.tree = Tree()
        self.tiles = 0
        self._read = read
        self._size = size
        self._rows: list[tuple[int, list[bytes]]] = []

    def bundle(self, bundle: Tile, earlier: Checkpoint | None) -> Sequence[bytes]:
        """The entries of the next bundle, after they were added."""
        entries: Sequence[bytes] = self._file(bundle, decode_bundle)
        leaves = [leaf_hash(entry) for entry in entries]
        before = self.tree.size
        if earlier is not None and before < earlier.size <= before + len(leaves):
            prefix, _ = self.tree.append(leaves[: earlier.size - before])
            if prefix.root() != earlier.root:
                raise LogError(
                    f"the first {earlier.size} entries are not those of the kept checkpoint: "
                    f"expected root {earlier.root.hex()}, got {prefix.root().hex()}"
                )
        self.tree, completed = self.tree.append(leaves)
        for level, _, value in completed:
            if level == len(self._rows):
                self._rows.append((0, []))
            index, row = self._rows[level]
            row.append(value)
            if len(row) == TILE_WIDTH:
                self._tile(tile_at(level, index, self._size), row)
                self._rows[level] = index + 1, []
        # The entries are given away only where the tile above them agrees.
        index, row = self._rows[0]
        if row:
            self._tile(tile_at(0, index, self._size), row)
            self._rows[0] = index + 1, []
        return entries

    def finish(self) -> None:
        """Check the partial tiles above the leaves."""
        for level, (index, row) in enumerate(self._rows):
            if row:
                self._tile(tile_at(level, index, self._size), row)

    def _tile(self, tile: Tile, expected: list[bytes]) -> None:
        shown = self._file(tile, decode_tile)
        for place, (item, value) in enumerate(zip(shown, expected, strict=True)):
            if item != value:
                number = tile.index * TILE_WIDTH + place
                what = f"entry {number}" if tile.level == 0 else f"tile {number} below it"
                raise LogError(
                    f"{tile}: hash {place} is not that of {what}: "
                    f"expected {value.hex()}, got {item.hex()}"
                )
        self.tiles += 1

    def _file(
        self, tile: Tile, decode: Callable[[bytes, int, str], tuple[bytes, ...]]
    ) -> tuple[bytes, ...]:
        """The hashes or entries in a file. A log that has grown since may have put the full tile in
        the place of a partial one.
        """
        try:
            data = self._read(tile.path)
        except (InputError, OSError) as error:
            if tile.width == TILE_WIDTH:
                raise LogError(f"{tile}: expected this file, got none: {error}") from error
            found = tile.full
            try:
                data = self._read(found.path)
            except (InputError, OSError):
                raise LogError(f"{tile}: expected this file, got none: {error}") from error
        else:
            found = tile
        try:
            return decode(data, found.width, found.path)[: tile.width]
        except InputError as error:
            raise LogError(str(error)) from error


def _kept(kept: Checkpoint | bytes | None, key: VerifierKey, origin: str) -> Checkpoint | None:
    if isinstance(kept, bytes):
        return open_checkpoint(kept, (key,), origin, "kept checkpoint").checkpoint
    if kept is not None and kept.origin != origin:
        raise LogError(f"kept checkpoint: expected one of {origin!a}, got one of {kept.origin!a}")
    return kept


def _open(read: Reader, key: VerifierKey, origin: str) -> OpenedCheckpoint:
    try:
        note = read(CHECKPOINT_PATH)
    except (InputError, OSError) as error:
        raise LogError(f"{CHECKPOINT_PATH}: expected this file, got none: {error}") from error
    try:
        return open_checkpoint(note, (key,), origin, CHECKPOINT_PATH)
    except (InputError, SignatureError) as error:
        raise LogError(str(error)) from error


def _check_size(earlier: Checkpoint, now: Checkpoint) -> None:
    if now.size < earlier.size:
        raise LogError(
            f"{CHECKPOINT_PATH}: expected at least the {earlier.size} entries that were kept, "
            f"got {now.size}"
        )
    if now.size == earlier.size and now.root != earlier.root:
        raise LogError(
            f"{CHECKPOINT_PATH}: two signed roots of {now.size} entries: kept "
            f"{earlier.root.hex()}, got {now.root.hex()}"
        )
