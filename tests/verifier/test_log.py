"""Replaying logs that are as they should be, and what the replay tells."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest

from tests.foreign_log import log_files
from zkcollateral.crypto.checkpoint import (
    MAX_NOTE_BYTES,
    Checkpoint,
    VerifierKey,
    sign_checkpoint,
    sign_note,
)
from zkcollateral.crypto.merkle import EMPTY_ROOT, Tree, leaf_hash
from zkcollateral.crypto.signature import SigningKey
from zkcollateral.crypto.tiles import encode_bundle, encode_tile
from zkcollateral.errors import EncodingError, FileError, LogError, SignatureError
from zkcollateral.verifier.log import LogReport, most_bytes, verify_log

ORIGIN = "example.com/log"
KEY, OTHER = SigningKey(bytes(range(32))), SigningKey(bytes(range(1, 33)))
VKEY = VerifierKey(ORIGIN, KEY.public)
SIZES = [1, 2, 255, 256, 257, 511, 512, 513, 1000]


def entries(size: int) -> list[bytes]:
    return [b"entry %d" % number for number in range(size)]


def checkpoint(size: int) -> Checkpoint:
    tree, _ = Tree().append(leaf_hash(entry) for entry in entries(size))
    return Checkpoint(ORIGIN, size, tree.root())


def reader(files: dict[str, bytes], asked: list[str] | None = None) -> Callable[[str], bytes]:
    def read(path: str) -> bytes:
        if asked is not None:
            asked.append(path)
        if path not in files:
            raise FileError(path, "a file", "none")
        return files[path]

    return read


ELSEWHERE = Checkpoint("example.com/other", 2, checkpoint(2).root)


def replay(size: int, kept: Checkpoint | bytes | None = None) -> LogReport:
    return verify_log(reader(log_files(entries(size), ORIGIN, KEY)), VKEY, kept=kept)


@pytest.mark.parametrize("size", [*SIZES, 65535, 65536, 65537])
def test_a_log_is_replayed_from_all_its_files(size: int) -> None:
    files = log_files(entries(size), ORIGIN, KEY)
    asked: list[str] = []
    seen: list[tuple[int, bytes]] = []
    steps: list[tuple[int, int]] = []
    report = verify_log(
        reader(files, asked),
        VKEY,
        on_entry=lambda index, entry: seen.append((index, entry)),
        progress=lambda done, total: steps.append((done, total)),
    )
    assert report.checkpoint == checkpoint(size)
    assert (report.size, report.root) == (size, checkpoint(size).root)
    assert report.note == files["checkpoint"]
    assert report.kept is None
    assert sorted(asked) == sorted(files)
    assert report.bundles + report.tiles + 1 == len(files)
    assert seen == list(enumerate(entries(size)))
    assert steps == [(min(done + 256, size), size) for done in range(0, size, 256)]


def test_an_empty_log_has_a_checkpoint_and_nothing_else() -> None:
    report = replay(0)
    assert (report.size, report.root, report.bundles, report.tiles) == (0, EMPTY_ROOT, 0, 0)


@pytest.mark.parametrize("size", SIZES)
def test_a_log_goes_on_from_each_of_its_earlier_checkpoints(size: int) -> None:
    for before in {0, 1, 254, 255, 256, 257, 300, 512, size - 1, size}:
        if before <= size:
            earlier = checkpoint(before)
            assert replay(size, earlier).kept == earlier
            assert replay(size, sign_checkpoint(earlier, KEY)).kept == earlier


def test_the_log_of_another_implementation() -> None:
    """Bytes of github.com/transparency-dev/tessera v1.0.4, testdata: its entries and key are in
    build_log.sh, the rest in testdata/log.
    """
    words = b"one,two,three,four,five,six,seven,eit,nain,ten,ileven,twelf,threeten,fourten,fivten"
    listed = words.split(b",")
    key = VerifierKey.parse(
        "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
    )
    note = (
        "example.com/log/testdata\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=\n\n"
        "— example.com/log/testdata M9e0luh4jTG+UMBqOUo9/q+yAEvx1ilBEniMvjf1zfcBOhg+CKubMt53MvIt/uE"
        "WP6zdkdIQzd/fmwlM/dlPWF74ewI=\n"
    )
    earlier = (
        "example.com/log/testdata\n7\nIrSXADBqJ7EQoUODSDKROySgNveeL6CFhik2w/+fS7U=\n\n"
        "— example.com/log/testdata M9e0luA5JhTRUki/BBQD0QNiH6AEJ2pdtsA5CQjqJErViuuKrN6513RCTL2640w"
        "XJv0dCed3neRGI6dMzBq9uANf2Qc=\n"
    )
    files = {
        "checkpoint": note.encode(),
        "tile/entries/000.p/15": encode_bundle(listed),
        "tile/0/000.p/15": encode_tile([leaf_hash(entry) for entry in listed]),
    }
    # sha256sum of its own files.
    assert [hashlib.sha256(files[path]).hexdigest() for path in list(files)[1:]] == [
        "9ac6a9fc9012f2b4d67ac26041933c119e1505defc5c808ed614c5778c9f1716",
        "93593af14d2cce39867d2e73fe4ca400a38581605c5c4501a03e752d9b51a130",
    ]
    report = verify_log(reader(files), key, kept=earlier.encode())
    assert (report.size, report.kept and report.kept.size) == (15, 7)


def test_the_origin_may_be_another_than_the_key_s_name() -> None:
    files = log_files(entries(3), ORIGIN, KEY)
    assert verify_log(reader(files), VKEY, ORIGIN).size == 3
    with pytest.raises(LogError, match=r"checkpoint: expected a checkpoint of 'example.com/other'"):
        verify_log(reader(files), VKEY, "example.com/other")


def test_a_log_whose_key_has_another_name_takes_no_kept_checkpoint_of_that_name() -> None:
    key = VerifierKey("example.com/key", KEY.public)
    files = log_files(entries(3), ORIGIN, KEY)
    files["checkpoint"] = sign_note(checkpoint(3).text(), key.name, KEY)
    for origin in (ORIGIN, key.name):
        kept = sign_note(Checkpoint(origin, 2, checkpoint(2).root).text(), key.name, KEY)
        if origin == ORIGIN:
            assert verify_log(reader(files), key, ORIGIN, kept).size == 3
        else:
            with pytest.raises(LogError, match="kept checkpoint: expected a checkpoint of"):
                verify_log(reader(files), key, ORIGIN, kept)


def test_full_tiles_stand_in_for_partial_ones() -> None:
    """C2SP tlog-tiles: a log may delete a partial tile once the full one is there."""
    size = 300
    now, later = (log_files(entries(count), ORIGIN, KEY) for count in (size, 512))
    files = {path: data for path, data in now.items() if ".p/" not in path}
    files |= {path: data for path, data in later.items() if ".p/" not in path}
    files |= {"checkpoint": now["checkpoint"], "tile/1/000.p/1": now["tile/1/000.p/1"]}
    seen: list[int] = []
    report = verify_log(reader(files), VKEY, on_entry=lambda index, _: seen.append(index))
    assert report.size == size
    assert seen == list(range(size))


def test_what_a_caller_raises_ends_the_replay() -> None:
    def stop(index: int, entry: bytes) -> None:
        raise StopIteration(index)

    with pytest.raises(StopIteration):
        verify_log(reader(log_files(entries(3), ORIGIN, KEY)), VKEY, on_entry=stop)


def test_one_bundle_is_in_memory_at_a_time() -> None:
    """Every file is asked for once, and a bundle only after the one before was given away."""
    files = log_files(entries(1000), ORIGIN, KEY)
    done: list[int] = []

    def read(path: str) -> bytes:
        if path.startswith("tile/entries/"):
            assert len(done) == 256 * int(path[13:16])
        return files[path]

    verify_log(read, VKEY, on_entry=lambda index, _: done.append(index))
    assert len(done) == 1000


@pytest.mark.parametrize(
    ("kept", "error"),
    [
        (b"", EncodingError),
        (b"nothing\n", EncodingError),
        (sign_checkpoint(checkpoint(2), OTHER), SignatureError),
        (
            sign_checkpoint(ELSEWHERE, KEY),
            SignatureError,
        ),
        (ELSEWHERE, LogError),
    ],
)
def test_a_kept_checkpoint_has_to_be_one_of_this_log(
    kept: Checkpoint | bytes, error: type[Exception]
) -> None:
    with pytest.raises(error, match="kept checkpoint"):
        replay(3, kept)


def test_how_much_a_reader_may_read() -> None:
    assert most_bytes("checkpoint") == MAX_NOTE_BYTES
    assert most_bytes("tile/3/x001/002") == most_bytes("tile/0/000.p/1") == 8192
    assert most_bytes("tile/entries/000") == 256 * (2 + 65535)
    with pytest.raises(EncodingError, match="tile path"):
        most_bytes("tile/../secret")
