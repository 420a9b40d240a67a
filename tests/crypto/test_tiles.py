"""Paths and contents of tiles: the specification's vectors, and what no log has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.crypto.merkle import MAX_SIZE
from zkcollateral.crypto.tiles import (
    MAX_BUNDLE_BYTES,
    MAX_ENTRY_BYTES,
    TILE_BYTES,
    Tile,
    bundles_of,
    decode_bundle,
    decode_tile,
    encode_bundle,
    encode_tile,
    levels_of,
    parse_tile_path,
    partial_width,
    tile_at,
    tiles_of,
)
from zkcollateral.errors import EncodingError, InputError

# The first is the example of C2SP tlog-tiles; the others are of github.com/transparency-dev/tessera
# v1.0.4, api/layout/paths_test.go.
PATHS = [
    (Tile(0, 1234067), "tile/0/x001/x234/067"),
    (Tile(None, 0), "tile/entries/000"),
    (Tile(None, 0, 255), "tile/entries/000.p/255"),
    (Tile(None, 1, 1), "tile/entries/001.p/1"),
    (Tile(None, 123456789), "tile/entries/x123/x456/789"),
    (Tile(None, 255, 253), "tile/entries/255.p/253"),
    (Tile(0, 0), "tile/0/000"),
    (Tile(1, 0), "tile/1/000"),
    (Tile(15, 455667), "tile/15/x455/667"),
    (Tile(15, 123456789, 41), "tile/15/x123/x456/789.p/41"),
]


@pytest.mark.parametrize(("tile", "path"), PATHS)
def test_published_paths(tile: Tile, path: str) -> None:
    assert tile.path == str(tile) == path
    assert parse_tile_path(path) == tile


@given(
    st.none() | st.integers(0, 63),
    st.integers(0, 3000) | st.integers(0, MAX_SIZE),
    st.integers(1, 256),
)
def test_every_tile_has_one_path(level: int | None, index: int, width: int) -> None:
    tile = Tile(level, index, width)
    assert parse_tile_path(tile.path) == tile
    assert tile.path.isascii()
    assert all(len(part.strip("x")) == 3 for part in tile.path.split(".p/")[0].split("/")[2:])


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/1000",
        "tile/0/x000",
        "tile/0/x000/001",
        "tile/0/x000/x001/002",
        "tile/0/001/002",
        "tile/0/x001/x002",
        "tile/0/X001/002",
        "tile/00/000",
        "tile/01/000",
        "tile/64/000",
        "tile/100/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/data/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p/999",
        "tile/0/000.p/01",
        "tile/0/000.p/1000",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000.p/1/",
        "tile/0/000/",
        "tile/0/000\n",
        "tile/0/-01",
        "tile/0/ 01",
        "tile/0/\u0660\u0660\u0660",
        "tile/\u0661/000",
        "/tile/0/000",
        "tile/8/0/000",
        "tile//000",
        "tile/0/../000",
        "Tile/0/000",
        "checkpoint",
        "tile/0/x009/x223/x372/x036/x854/x775/808",
        "tile/0/" + "x999/" * 6 + "999",
        "tile/0/" + "x001/" * 7 + "000",
    ],
)
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(EncodingError, match="tile path"):
        parse_tile_path(path)


@pytest.mark.parametrize(
    ("level", "index", "width"),
    [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, MAX_SIZE + 1, 1), (0, 0, 0), (0, 0, 257)],
)
def test_other_numbers_name_no_tile(level: int, index: int, width: int) -> None:
    with pytest.raises(EncodingError, match="tile"):
        Tile(level, index, width)


def test_the_specification_s_tree_of_70000_entries() -> None:
    """C2SP tlog-tiles, Partial Tiles."""
    tiles = list(tiles_of(70_000))
    assert [tile for tile in tiles if tile.level == 0] == [
        *(Tile(0, index) for index in range(273)),
        Tile(0, 273, 112),
    ]
    assert tiles[274:] == [Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert [partial_width(level, 70_000) for level in (None, 0, 1, 2, 3)] == [112, 112, 17, 1, 0]


@pytest.mark.parametrize(
    ("size", "paths"),
    [
        (0, []),
        (1, ["tile/0/000.p/1"]),
        (255, ["tile/0/000.p/255"]),
        # "a tree of size 256 will be represented by a full level 0 tile and a partial level 1 tile
        # of width 1": C2SP tlog-tiles.
        (256, ["tile/0/000", "tile/1/000.p/1"]),
        (257, ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]),
    ],
)
def test_tiles_of_small_trees(size: int, paths: list[str]) -> None:
    assert [tile.path for tile in tiles_of(size)] == paths
    entries = [path.replace("tile/0/", "tile/entries/") for path in paths if "/0/" in path]
    assert [tile.path for tile in bundles_of(size)] == entries


@pytest.mark.parametrize("size", [65535, 65536, 65537])
def test_tiles_around_a_whole_second_level(size: int) -> None:
    tiles = list(tiles_of(size))
    assert len(tiles) == {65535: 256 + 1, 65536: 256 + 1 + 1, 65537: 257 + 1 + 1}[size]
    assert tiles[-1].path == {65535: "tile/1/000.p/255"}.get(size, "tile/2/000.p/1")
    assert levels_of(size) == {65535: 2}.get(size, 3)


@given(st.integers(0, 70_000))
def test_the_tiles_of_a_tree_hold_all_of_it(size: int) -> None:
    widths: dict[int | None, int] = {}
    for tile in [*bundles_of(size), *tiles_of(size)]:
        widths[tile.level] = widths.get(tile.level, 0) + tile.width
        assert tile == tile_at(tile.level, tile.index, size)
        assert tile.needs <= size
        wider = tile.index * 256 + tile.width + 1
        assert tile.width == 256 or wider * 256 ** (tile.level or 0) > size
    expected: dict[int | None, int] = {None: size} if size else {}
    level = 0
    while size >= 256**level:
        expected[level] = size // 256**level
        level += 1
    assert widths == expected
    assert levels_of(size) == level


def test_the_largest_tree_has_eight_levels() -> None:
    assert levels_of(MAX_SIZE) == 8
    assert tile_at(7, 0, MAX_SIZE) == Tile(7, 0, 127)
    assert tile_at(0, MAX_SIZE // 256, MAX_SIZE) == Tile(0, MAX_SIZE // 256, 255)


def test_a_tile_beyond_the_tree_is_refused() -> None:
    for level, index, size in [(0, 0, 0), (0, 1, 256), (1, 0, 255), (2, 0, 65535), (0, -1, 5)]:
        with pytest.raises(InputError, match="beyond its end"):
            tile_at(level, index, size)


def test_a_tile_says_from_which_size_on_it_is_there() -> None:
    assert Tile(0, 1, 3).needs == Tile(None, 1, 3).needs == 259
    assert Tile(1, 1, 3).needs == 259 * 256
    assert Tile(0, 1, 3).full == Tile(0, 1)


def test_tiles_and_their_bytes() -> None:
    hashes = tuple(bytes([number]) * 32 for number in range(256))
    assert decode_tile(encode_tile(hashes), 256) == hashes
    assert len(encode_tile(hashes)) == TILE_BYTES == 8192
    for width, data in [(1, b""), (1, bytes(31)), (1, bytes(33)), (1, bytes(64)), (2, bytes(32))]:
        with pytest.raises(EncodingError, match="bytes"):
            decode_tile(data, width)
    for wrong in [(), (bytes(31),), (bytes(32), bytes(33)), (*hashes, bytes(32))]:
        with pytest.raises(EncodingError, match="hashes"):
            encode_tile(wrong)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_entries_come_back_from_their_bundle(entries: list[bytes]) -> None:
    data = encode_bundle(entries)
    assert decode_bundle(data, len(entries)) == tuple(entries)
    with pytest.raises(EncodingError, match="bytes after them"):
        decode_bundle(data, len(entries) - 1)
    with pytest.raises(EncodingError, match=f"an end within entry {len(entries)}"):
        decode_bundle(data, len(entries) + 1)
    with pytest.raises(EncodingError, match=f"an end within entry {len(entries) - 1}"):
        decode_bundle(data[:-1], len(entries))
    for more in (b"\0", b"\0\0"):
        with pytest.raises(EncodingError, match=f"{len(more)} bytes after them"):
            decode_bundle(data + more, len(entries))


def test_the_bytes_of_a_bundle() -> None:
    assert encode_bundle([b"ab", b"", b"c" * 258]) == b"\0\2ab\0\0\1\2" + b"c" * 258


def test_the_longest_entries() -> None:
    data = encode_bundle([b"x" * MAX_ENTRY_BYTES] * 256)
    assert len(data) == MAX_BUNDLE_BYTES
    assert decode_bundle(data, 256) == (b"x" * MAX_ENTRY_BYTES,) * 256
    with pytest.raises(EncodingError, match="at most 65535 bytes"):
        encode_bundle([b"x" * (MAX_ENTRY_BYTES + 1)])
    for entries in ([], [b""] * 257):
        with pytest.raises(EncodingError, match="1 to 256 entries"):
            encode_bundle(entries)
