"""The Merkle tree of a transparency log: SHA-256, as RFC 6962 section 2.1 defines it.

A subtree is complete if it has 2^level leaves, and is named (level, index): it covers the leaves
from index · 2^level. A log keeps the hashes of complete subtrees whose level is a multiple of 8,
and any other hash of the tree comes from these.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from ..errors import EncodingError, InputError, LogError

HASH_BYTES = 32
# Other readers of logs count in signed words of 64 bits.
MAX_SIZE = 2**63 - 1
TILE_HEIGHT = 8
EMPTY_ROOT = hashlib.sha256(b"").digest()

_SIZE_BYTES = 8

Node: TypeAlias = Callable[[int, int], bytes]
"""(level, index) -> the hash of that complete subtree."""

TileHashes: TypeAlias = Callable[[int, int, int], Sequence[bytes]]
"""(tile level, first, count) -> the hashes of `count` subtrees of level 8 · tile level, the first
of them the subtree with index `first`. They all lie in the tile with index first // 256."""


class TileHash(NamedTuple):
    """The hash of a complete subtree of level 8 · tile_level, and where in its level it stands."""

    tile_level: int
    position: int
    hash: bytes


def leaf_hash(data: bytes) -> bytes:
    """The hash of an entry of the log."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a tree from those of its two halves."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True)
class Tree:
    """What of a tree decides how it goes on: the number of leaves, and its largest subtrees.

    Args:
        size: number of leaves.
        peaks: the hashes of the complete subtrees that the tree falls into, from the left: one for
            every bit that is set in `size`, the largest first.

    Raises:
        EncodingError: a size outside 0..2^63 − 1, another number of peaks, a hash of other length.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MAX_SIZE:
            raise EncodingError("tree", "a size from 0 to 2^63 - 1", str(self.size))
        if len(self.peaks) != self.size.bit_count():
            expected = f"{self.size.bit_count()} hashes for {self.size} leaves"
            raise EncodingError("tree", expected, f"{len(self.peaks)} hashes")
        if any(len(peak) != HASH_BYTES for peak in self.peaks):
            raise EncodingError("tree", f"hashes of {HASH_BYTES} bytes", "another length")

    def append(self, leaf_hashes: Iterable[bytes]) -> tuple[Tree, tuple[TileHash, ...]]:
        """The tree with more leaves.

        Args:
            leaf_hashes: `leaf_hash` of every new entry, in order.

        Returns:
            The tree, and the hash of every subtree that is complete now and was not before and
            whose level is a multiple of 8 (leaves among them), each after the hashes it is made of.

        Raises:
            EncodingError: a hash that is not 32 bytes, or more than 2^63 − 1 leaves.
        """
        size, peaks, completed = self.size, list(self.peaks), []
        for leaf in leaf_hashes:
            if len(leaf) != HASH_BYTES:
                raise EncodingError("leaf hash", f"{HASH_BYTES} bytes", f"{len(leaf)} bytes")
            level, index, current = 0, size, leaf
            completed.append(TileHash(0, index, current))
            while index & 1:
                current = node_hash(peaks.pop(), current)
                level, index = level + 1, index >> 1
                if level % TILE_HEIGHT == 0:
                    completed.append(TileHash(level // TILE_HEIGHT, index, current))
            peaks.append(current)
            size += 1
        return Tree(size, tuple(peaks)), tuple(completed)

    def root(self) -> bytes:
        """The root hash; of no leaves, the hash of no bytes."""
        if not self.peaks:
            return EMPTY_ROOT
        current = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            current = node_hash(peak, current)
        return current

    def to_bytes(self) -> bytes:
        """The size in 8 bytes, big-endian, then the peaks."""
        return self.size.to_bytes(_SIZE_BYTES, "big") + b"".join(self.peaks)

    @classmethod
    def from_bytes(cls, data: bytes) -> Tree:
        """The tree that `to_bytes` wrote; EncodingError for other bytes."""
        if len(data) < _SIZE_BYTES or (len(data) - _SIZE_BYTES) % HASH_BYTES:
            raise EncodingError("tree", "a size and whole hashes", f"{len(data)} bytes")
        peaks = range(_SIZE_BYTES, len(data), HASH_BYTES)
        return cls(
            int.from_bytes(data[:_SIZE_BYTES], "big"),
            tuple(data[start : start + HASH_BYTES] for start in peaks),
        )


def node_from_tiles(hashes: TileHashes) -> Node:
    """The hashes of complete subtrees of any level, from what a log keeps in tiles.

    Args:
        hashes: reads hashes of one tile; see `TileHashes`.

    Returns:
        A function of (level, index) that calls `hashes` once, for at most 128 hashes. It raises
        LogError where `hashes` gives another number of hashes, or one that is not 32 bytes.
    """

    def node(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, TILE_HEIGHT)
        first, count = index << height, 1 << height
        row = list(hashes(tile_level, first, count))
        if len(row) != count or any(len(item) != HASH_BYTES for item in row):
            raise LogError(
                f"tile level {tile_level}: expected {count} hashes from index {first}, "
                f"got {len(row)} or hashes of another length"
            )
        while len(row) > 1:
            row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
        return row[0]

    return node


def tree_of_size(size: int, node: Node) -> Tree:
    """The tree of the first `size` leaves; InputError for a size outside 0..2^63 − 1."""
    if not 0 <= size <= MAX_SIZE:
        raise InputError("tree", "a size from 0 to 2^63 - 1", str(size))
    return Tree(size, tuple(node(*name) for name in _subtrees(0, size)))


def inclusion_proof(index: int, size: int, node: Node) -> tuple[bytes, ...]:
    """The hashes that lead from a leaf to the root. Source: RFC 6962, 2.1.1.

    Args:
        index: of the leaf, from 0.
        size: leaves of the tree.
        node: hashes of complete subtrees among these leaves.

    Raises:
        InputError: no leaf of that index.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise InputError("inclusion proof", f"an index below the size {size}", str(index))
    proof = []
    start, end = 0, size
    while end - start > 1:
        middle = _split(start, end)
        if index < middle:
            proof.append(_range_root(middle, end, node))
            end = middle
        else:
            proof.append(_range_root(start, middle, node))
            start = middle
    return tuple(reversed(proof))


def consistency_proof(old: int, new: int, node: Node) -> tuple[bytes, ...]:
    """The hashes that show a tree to begin with an earlier one. Source: RFC 6962, 2.1.2.

    Args:
        old: leaves of the earlier tree. From none, and from `new` itself, the proof is empty.
        new: leaves of the later tree.
        node: hashes of complete subtrees among the leaves of the later tree.

    Raises:
        InputError: not 0 <= old <= new <= 2^63 − 1.
    """
    if not 0 <= old <= new <= MAX_SIZE:
        raise InputError("consistency proof", f"an earlier size, at most {new}", str(old))
    if old == 0:
        return ()
    proof = []
    start, end = 0, new
    while end != old:
        middle = _split(start, end)
        if old <= middle:
            proof.append(_range_root(middle, end, node))
            end = middle
        else:
            proof.append(_range_root(start, middle, node))
            start = middle
    # A complete earlier tree that is all of the left edge is known to who asks: it is the old root.
    if start != 0:
        proof.append(_range_root(start, end, node))
    return tuple(reversed(proof))


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """LogError unless the proof leads from the leaf to the root. Source: RFC 9162, 2.1.3.2.

    A root does not say of how many leaves it is: take size and root from one signed checkpoint.

    Args:
        leaf: `leaf_hash` of the entry.
        index: of the leaf.
        size: leaves of the tree that has the root.
        proof: exactly the hashes of `inclusion_proof`.
        root: 32 bytes, from a checkpoint.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise LogError(f"inclusion proof: expected an index below the size {size}, got {index}")
    inner, border = _steps(index, size)
    _check_hashes("inclusion proof", inner + border, proof, leaf, root)
    if _climb(leaf, index, proof[:inner], proof[inner:]) != root:
        raise LogError(
            f"inclusion proof: expected entry {index} under the root of {size} entries, "
            "got a proof that leads to another root"
        )


def verify_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """LogError unless the later tree begins with the earlier one. Source: RFC 9162, 2.1.4.2.

    Every tree begins with the empty one, so that from it there is nothing to prove but its root.
    Take each size and its root from one signed checkpoint: a root does not say its size.

    Args:
        old_size: leaves of the earlier tree.
        old_root: its root.
        new_size: leaves of the later tree.
        new_root: its root.
        proof: exactly the hashes of `consistency_proof`.
    """
    if not 0 <= old_size <= new_size <= MAX_SIZE:
        raise LogError(
            f"consistency proof: expected a log of at least {old_size} entries, got {new_size}"
        )
    if old_size in {0, new_size}:
        _check_hashes("consistency proof", 0, proof, old_root, new_root)
        if old_root != (EMPTY_ROOT if old_size == 0 else new_root) or (
            new_size == 0 and new_root != EMPTY_ROOT
        ):
            raise LogError(f"consistency proof: two different roots of {old_size} entries")
        return
    # Both roots are climbed to from the last complete subtree of the earlier tree. It is the
    # earlier tree itself if that is complete; otherwise its hash stands first in the proof.
    height = (old_size & -old_size).bit_length() - 1
    last = (old_size - 1) >> height
    inner, border = _steps(old_size - 1, new_size)
    inner -= height
    known = old_size == 1 << height
    _check_hashes(
        "consistency proof", (0 if known else 1) + inner + border, proof, old_root, new_root
    )
    seed, path = (old_root, proof) if known else (proof[0], proof[1:])
    # Of the inner steps, those that come from the right are not in the earlier tree.
    left = [path[step] for step in range(inner) if last >> step & 1]
    if _climb(seed, 0, (), [*left, *path[inner:]]) != old_root:
        raise LogError(f"consistency proof: leads to another root of the first {old_size} entries")
    if _climb(seed, last, path[:inner], path[inner:]) != new_root:
        raise LogError(f"consistency proof: leads to another root of all {new_size} entries")


def _steps(index: int, size: int) -> tuple[int, int]:
    """How many steps lead from a leaf to where its path meets that of the last leaf, and how many
    from there to the root; all of the latter have their sibling on the left.
    """
    inner = (index ^ (size - 1)).bit_length()
    return inner, (index >> inner).bit_count()


def _climb(seed: bytes, index: int, inner: Sequence[bytes], border: Sequence[bytes]) -> bytes:
    current = seed
    for step, sibling in enumerate(inner):
        on_left = index >> step & 1
        current = node_hash(sibling, current) if on_left else node_hash(current, sibling)
    for sibling in border:
        current = node_hash(sibling, current)
    return current


def _check_hashes(where: str, count: int, proof: Sequence[bytes], *others: bytes) -> None:
    if len(proof) != count:
        raise LogError(f"{where}: expected {count} hashes, got {len(proof)}")
    if any(len(item) != HASH_BYTES for item in (*proof, *others)):
        raise LogError(f"{where}: expected hashes of {HASH_BYTES} bytes, got another length")


def _split(start: int, end: int) -> int:
    """Where RFC 6962 splits the leaves start..end − 1: after the most that are a power of two."""
    return start + (1 << (end - start - 1).bit_length() - 1)


def _range_root(start: int, end: int, node: Node) -> bytes:
    """The root of a subtree that RFC 6962 splits off; it may be incomplete on the right."""
    return Tree(end - start, tuple(node(*name) for name in _subtrees(start, end))).root()


def _subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The complete subtrees that such a range falls into, from the left."""
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level
