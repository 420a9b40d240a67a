"""A log that changes, drops or rewrites what it showed before; and one that shows two faces.

The operator of the log is the attacker, and signs with the log's own key whatever helps.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.foreign_log import log_files
from zkcollateral.crypto.checkpoint import Checkpoint, VerifierKey, sign_checkpoint
from zkcollateral.crypto.merkle import Tree, leaf_hash
from zkcollateral.crypto.signature import SigningKey
from zkcollateral.crypto.tiles import (
    CHECKPOINT_PATH,
    decode_bundle,
    decode_tile,
    encode_bundle,
    encode_tile,
    parse_tile_path,
)
from zkcollateral.errors import FileError, LogError
from zkcollateral.verifier.log import LogReport, verify_log

ORIGIN = "example.com/log"
KEY, OTHER = SigningKey(bytes(range(32))), SigningKey(bytes(range(1, 33)))
VKEY = VerifierKey(ORIGIN, KEY.public)
SIZE = 600
ENTRIES = [b"entry %d" % number for number in range(SIZE)]
FILES = log_files(ENTRIES, ORIGIN, KEY)
PATHS = [
    "checkpoint",
    "tile/0/000",
    "tile/0/001",
    "tile/0/002.p/88",
    "tile/1/000.p/2",
    "tile/entries/000",
    "tile/entries/001",
    "tile/entries/002.p/88",
]


def root(entries: list[bytes]) -> bytes:
    tree, _ = Tree().append(leaf_hash(entry) for entry in entries)
    return tree.root()


def kept(size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, root(ENTRIES[:size]))


def replay(files: dict[str, bytes], earlier: Checkpoint | None = None) -> LogReport:
    def read(path: str) -> bytes:
        if path not in files:
            raise FileError(path, "a file", "none")
        return files[path]

    return verify_log(read, VKEY, kept=earlier)


def refused(files: dict[str, bytes], words: str, earlier: Checkpoint | None = None) -> None:
    with pytest.raises(LogError, match=words):
        replay(files, earlier)


def test_the_log_is_good_as_it_is() -> None:
    assert sorted(FILES) == PATHS
    assert replay(FILES, kept(599)).size == SIZE


# --- files that were changed


@settings(max_examples=300)
@given(st.sampled_from(PATHS), st.data())
def test_every_changed_byte_is_found(path: str, data: st.DataObject) -> None:
    content = bytearray(FILES[path])
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    # The name of the file is in the words, or that of the tile over a changed entry.
    words = re.escape(path.replace("entries", "0")) + "|" + re.escape(path)
    refused({**FILES, path: bytes(content)}, words)


@pytest.mark.parametrize("path", PATHS)
def test_every_file_is_missed(path: str) -> None:
    files = {name: data for name, data in FILES.items() if name != path}
    refused(files, f"^{re.escape(path)}: expected this file, got none")


@pytest.mark.parametrize("path", PATHS)
def test_every_file_has_its_length(path: str) -> None:
    data = FILES[path]
    for wrong in (b"", data[:-1], data[:-32], data + b"\0", data + data[:32], data + data):
        refused({**FILES, path: wrong}, f"^{re.escape(path)}: ")


def test_a_file_that_cannot_be_read_is_named() -> None:
    def read(path: str) -> bytes:
        if path == "tile/1/000.p/2":
            raise PermissionError(13, "not for you")
        if path not in FILES:
            raise FileNotFoundError(2, "nothing")
        return FILES[path]

    with pytest.raises(LogError, match=r"^tile/1/000.p/2: expected this file.*not for you"):
        verify_log(read, VKEY)


def test_the_place_of_a_wrong_hash_is_told() -> None:
    hashes = list(decode_tile(FILES["tile/0/001"], 256))
    hashes[7] = hashes[8]
    files = {**FILES, "tile/0/001": encode_tile(hashes)}
    refused(files, r"^tile/0/001: hash 7 is not that of entry 263:")
    above = list(decode_tile(FILES["tile/1/000.p/2"], 2))
    files = {**FILES, "tile/1/000.p/2": encode_tile([above[1], above[0]])}
    refused(files, r"^tile/1/000.p/2: hash 0 is not that of tile 0 below it:")


def test_a_tile_of_a_partial_tree_is_not_taken_for_another_width() -> None:
    """With the narrower tile under the wider one's name, 87 entries would be vouched for as 88."""
    narrow = log_files(ENTRIES[:599], ORIGIN, KEY)
    for kind in ("0", "entries"):
        files = {**FILES, f"tile/{kind}/002.p/88": narrow[f"tile/{kind}/002.p/87"]}
        refused(files, f"tile/{kind}/002.p/88: expected")


def test_a_full_tile_in_place_of_a_partial_one_is_checked_too() -> None:
    longer = log_files([*ENTRIES, *(b"later" for _ in range(168))], ORIGIN, KEY)
    files = {name: data for name, data in FILES.items() if name != "tile/0/002.p/88"}
    assert replay({**files, "tile/0/002": longer["tile/0/002"]}).size == SIZE
    spoiled = bytearray(longer["tile/0/002"])
    spoiled[87 * 32] ^= 1
    refused({**files, "tile/0/002": bytes(spoiled)}, "hash 87 is not that of entry 599")
    refused({**files, "tile/0/002": longer["tile/0/002"][:-1]}, "tile/0/002: expected 8192 bytes")


# --- entries that were changed, with everything over them made new


def rewritten(at: int, change: Callable[[list[bytes]], None]) -> dict[str, bytes]:
    """A whole log, signed, whose entries from `at` on are not what they were."""
    entries = list(ENTRIES)
    change(entries)
    assert entries[:at] == ENTRIES[:at]
    return log_files(entries, ORIGIN, KEY)


CHANGES: dict[str, tuple[int, Callable[[list[bytes]], None]]] = {
    "first entry changed": (0, lambda all_: all_.__setitem__(0, b"another")),
    "last of a tile changed": (255, lambda all_: all_.__setitem__(255, b"another")),
    "first of a tile changed": (256, lambda all_: all_.__setitem__(256, b"another")),
    "one left out, one more at the end": (
        300,
        lambda all_: all_.append(b"one more") if all_.pop(300) else None,
    ),
    "one put in": (300, lambda all_: all_.insert(300, b"between")),
    "two exchanged": (
        299,
        lambda all_: all_.__setitem__(slice(299, 301), [ENTRIES[300], ENTRIES[299]]),
    ),
    "two put together": (299, lambda all_: all_.__setitem__(299, ENTRIES[299] + all_.pop(300))),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_rewritten_log_does_not_go_on_from_what_was_kept(name: str) -> None:
    at, change = CHANGES[name]
    files = rewritten(at, change)
    # On its own the other log is as good as the first: only who kept something can tell.
    size = replay(files).size
    for before in {at + 2, 301, 512, 590, 599} - set(range(at + 2)) | {at + 2}:
        words = f"the first {before} entries are not those of the kept checkpoint"
        if before == size:
            words = f"two signed roots of {size} entries"
        refused(files, words, kept(before))
    assert replay(files, kept(at)).size == size


def test_one_size_with_two_roots_is_a_fork() -> None:
    files = rewritten(*CHANGES["last of a tile changed"])
    refused(files, "two signed roots of 600 entries", kept(600))


@pytest.mark.parametrize("size", [0, 1, 255, 256, 599])
def test_a_log_does_not_shrink(size: int) -> None:
    files = log_files(ENTRIES[:size], ORIGIN, KEY)
    assert replay(files).size == size
    refused(files, f"expected at least the 600 entries that were kept, got {size}", kept(600))


@pytest.mark.parametrize("path", ["tile/entries/001", "tile/entries/002.p/88"])
def test_entries_are_not_exchanged_under_their_hashes(path: str) -> None:
    width = parse_tile_path(path).width
    entries = list(decode_bundle(FILES[path], width))
    entries[3], entries[4] = entries[4], entries[3]
    refused({**FILES, path: encode_bundle(entries)}, "hash 3 is not that of entry")


def test_entries_and_hashes_changed_together_miss_the_signed_root() -> None:
    files = rewritten(*CHANGES["two exchanged"])
    files[CHECKPOINT_PATH] = FILES[CHECKPOINT_PATH]
    refused(files, "^checkpoint: expected the root of its 600 entries")


def test_tiles_above_the_leaves_count_too() -> None:
    """All that a full replay by the leaves alone would pass: readers of proofs look above them."""
    files = rewritten(*CHANGES["last of a tile changed"])
    refused({**FILES, "tile/1/000.p/2": files["tile/1/000.p/2"]}, "^tile/1/000.p/2: hash 0")


def test_the_third_level_counts_too() -> None:
    entries = [b"%d" % number for number in range(65536)]
    files = log_files(entries, ORIGIN, KEY)
    assert replay(files).size == 65536
    files["tile/2/000.p/1"] = bytes(32)
    refused(files, "^tile/2/000.p/1: hash 0")


# --- checkpoints that are not the log's


@pytest.mark.parametrize(
    ("note", "words"),
    [
        (sign_checkpoint(kept(600), OTHER), "expected a signature of 'example.com/log'"),
        (sign_checkpoint(Checkpoint(ORIGIN, 600, root(ENTRIES[:599])), KEY), "expected the root"),
        (sign_checkpoint(Checkpoint(ORIGIN, 599, root(ENTRIES)), KEY), "002.p/87: expected this"),
        (sign_checkpoint(Checkpoint(ORIGIN, 601, root(ENTRIES)), KEY), "002.p/89: expected this"),
        (sign_checkpoint(Checkpoint(ORIGIN, 2**63 - 1, bytes(32)), KEY), "002: expected this file"),
        (kept(600).text(), "checkpoint: expected an empty line"),
        (b"", "checkpoint: expected an empty line"),
    ],
)
def test_other_checkpoints_are_refused(note: bytes, words: str) -> None:
    refused({**FILES, CHECKPOINT_PATH: note}, words)


def test_the_checkpoint_of_another_log_of_the_same_operator_is_refused() -> None:
    name = "example.com/other"
    note = sign_checkpoint(Checkpoint(name, 600, root(ENTRIES)), KEY)
    refused({**FILES, CHECKPOINT_PATH: note}, "expected a signature of 'example.com/log'")
    with pytest.raises(LogError, match=r"expected a checkpoint of 'example\.com/log'"):
        verify_log({CHECKPOINT_PATH: note}.__getitem__, VerifierKey(name, KEY.public), ORIGIN)


def test_an_entry_of_a_bundle_that_is_wrong_is_not_given_away() -> None:
    entries = list(decode_bundle(FILES["tile/entries/001"], 256))
    entries[200] = b"another"
    files = {**FILES, "tile/entries/001": encode_bundle(entries)}
    seen: list[int] = []
    with pytest.raises(LogError, match="entry 456"):
        verify_log(files.__getitem__, VKEY, on_entry=lambda index, _: seen.append(index))
    assert seen == list(range(256))
