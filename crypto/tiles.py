"""Tiles: the static files in which a transparency log shows its entries and its tree.

A tile has up to 256 consecutive hashes of one level; only the last of each level can have fewer,
and its path then says how many. A bundle has the entries under one tile of level 0. Source: C2SP
tlog-tiles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import EncodingError, InputError
from .merkle import HASH_BYTES, MAX_SIZE, TILE_HEIGHT

CHECKPOINT_PATH = "checkpoint"
TILE_WIDTH = 1 << TILE_HEIGHT
TILE_BYTES = TILE_WIDTH * HASH_BYTES
MAX_LEVEL = 63
MAX_ENTRY_BYTES = 2**16 - 1
MAX_BUNDLE_BYTES = TILE_WIDTH * (2 + MAX_ENTRY_BYTES)

_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True)
class Tile:
    """The name of a tile, or of a bundle of entries.

    Args:
        level: 0 to 63, where 0 has the leaves' hashes; None for a bundle.
        index: the place in its level, from 0.
        width: number of hashes or entries, 1 to 256; fewer than 256 make it partial.

    Raises:
        EncodingError: a number that is out of range.
    """

    level: int | None
    index: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if self.level is not None and not 0 <= self.level <= MAX_LEVEL:
            raise EncodingError("tile level", f"0 to {MAX_LEVEL}", str(self.level))
        if not 0 <= self.index <= MAX_SIZE:
            raise EncodingError("tile index", "0 to 2^63 - 1", str(self.index))
        if not 1 <= self.width <= TILE_WIDTH:
            raise EncodingError("tile width", f"1 to {TILE_WIDTH}", str(self.width))

    @property
    def path(self) -> str:
        """Its place below the address of the log."""
        kind = "entries" if self.level is None else str(self.level)
        rest, last = divmod(self.index, 1000)
        number = f"{last:03}"
        while rest:
            rest, last = divmod(rest, 1000)
            number = f"x{last:03}/{number}"
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{kind}/{number}{partial}"

    @property
    def needs(self) -> int:
        """The number of entries from which on a log has this tile."""
        return (self.index * TILE_WIDTH + self.width) << (TILE_HEIGHT * (self.level or 0))

    @property
    def full(self) -> Tile:
        """The same place with 256 hashes or entries."""
        return Tile(self.level, self.index)

    def __str__(self) -> str:
        return self.path


def parse_tile_path(path: str) -> Tile:
    """The tile or bundle that a path names; EncodingError for any other spelling."""
    match = _PATH.fullmatch(path)
    tile = None
    if match is not None:
        kind, number, width = match["level"], match["index"], match["width"]
        level = None if kind == "entries" else int(kind)
        index = int(number.replace("x", "").replace("/", ""))
        if (
            (level or 0) <= MAX_LEVEL
            and index <= MAX_SIZE
            and (width is None or int(width) < TILE_WIDTH)
        ):
            tile = Tile(level, index, TILE_WIDTH if width is None else int(width))
    # A number with a group of zeros in front is another spelling of one without.
    if tile is None or tile.path != path:
        expected = "tile/LEVEL/NUMBER or tile/entries/NUMBER, partial ones with .p/WIDTH"
        raise EncodingError("tile path", expected, ascii(path[:64]))
    return tile


def tile_at(level: int | None, index: int, size: int) -> Tile:
    """The widest tile in this place that a log of `size` entries has; InputError if it has none."""
    width = min(TILE_WIDTH, _row(level, size) - index * TILE_WIDTH)
    if index < 0 or width < 1:
        name = Tile(level, max(index, 0)).path
        raise InputError(name, f"a tile of a log with {size} entries", "one beyond its end")
    return Tile(level, index, width)


def partial_width(level: int | None, size: int) -> int:
    """Hashes in the partial tile of a level of a log with `size` entries; 0 if there is none."""
    return _row(level, size) % TILE_WIDTH


def levels_of(size: int) -> int:
    """The number of tile levels that a log of `size` entries has."""
    return -(-size.bit_length() // TILE_HEIGHT)


def tiles_of(size: int) -> Iterator[Tile]:
    """All tiles of a log with `size` entries, level by level; without the bundles."""
    for level in range(levels_of(size)):
        yield from _level(level, size)


def bundles_of(size: int) -> Iterator[Tile]:
    """All bundles of entries of a log with `size` entries."""
    return _level(None, size)


def encode_tile(hashes: Sequence[bytes]) -> bytes:
    """The bytes of a tile; EncodingError unless these are 1 to 256 hashes of 32 bytes."""
    if not 1 <= len(hashes) <= TILE_WIDTH:
        raise EncodingError("tile", f"1 to {TILE_WIDTH} hashes", f"{len(hashes)} hashes")
    if any(len(item) != HASH_BYTES for item in hashes):
        raise EncodingError("tile", f"hashes of {HASH_BYTES} bytes", "another length")
    return b"".join(hashes)


def decode_tile(data: bytes, width: int, where: str = "tile") -> tuple[bytes, ...]:
    """The `width` hashes in the bytes of a tile; EncodingError for another number of bytes."""
    if len(data) != width * HASH_BYTES:
        raise EncodingError(where, f"{width * HASH_BYTES} bytes", f"{len(data)} bytes")
    return tuple(data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES))


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """The bytes of a bundle: every entry after its length in two bytes, big-endian.

    Args:
        entries: 1 to 256, each of at most 65535 bytes.

    Raises:
        EncodingError: more entries or none, or a longer one.
    """
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise EncodingError("bundle", f"1 to {TILE_WIDTH} entries", f"{len(entries)} entries")
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise EncodingError("entry", f"at most {MAX_ENTRY_BYTES} bytes", f"{len(entry)} bytes")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def decode_bundle(data: bytes, width: int, where: str = "bundle") -> tuple[bytes, ...]:
    """The `width` entries in the bytes of a bundle; EncodingError unless they fill it exactly."""
    entries = []
    at = 0
    for number in range(width):
        start = at + 2
        end = start + int.from_bytes(data[at:start], "big")
        if len(data) < end:
            raise EncodingError(where, f"{width} entries", f"an end within entry {number}")
        entries.append(data[start:end])
        at = end
    if at != len(data):
        raise EncodingError(where, f"{width} entries", f"{len(data) - at} bytes after them")
    return tuple(entries)


def _row(level: int | None, size: int) -> int:
    """Number of hashes, or of entries, in all tiles of a level."""
    return size >> (TILE_HEIGHT * (level or 0))


def _level(level: int | None, size: int) -> Iterator[Tile]:
    count = _row(level, size)
    for start in range(0, count, TILE_WIDTH):
        yield Tile(level, start // TILE_WIDTH, min(TILE_WIDTH, count - start))
