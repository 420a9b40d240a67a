"""The Merkle tree: published vectors, two other implementations, and proofs that were changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pymerkle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zkcollateral.crypto.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    MAX_SIZE,
    TILE_HEIGHT,
    Tree,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_from_tiles,
    node_hash,
    tree_of_size,
    verify_consistency,
    verify_inclusion,
)
from zkcollateral.errors import EncodingError, InputError, LogError

# Leaves, subtrees and roots of the Certificate Transparency tests, as in
# github.com/transparency-dev/merkle v0.0.2: testonly/constants.go (LeafInputs, NodeHashes,
# RootHashes) and proof/verify_test.go (inclusionProofs, consistencyProofs).
CT_LEAVES = [
    bytes.fromhex(data)
    for data in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    bytes.fromhex(root)
    for root in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
CT_INCLUSION = [
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        1,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
CT_CONSISTENCY = [
    (1, 1, []),
    (
        1,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
    (
        6,
        7,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
]

SMALL = 70
LARGE = [255, 256, 257, 511, 512, 513, 65535, 65536, 65537]
MOST = max(LARGE)


class Kept:
    """What a log keeps of its tree, and which tiles of it were looked into."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.tree, completed = Tree().append(leaves)
        self.hashes = {(level, at): value for level, at, value in completed}
        self.reads: list[set[tuple[int, int]]] = []
        self.node = node_from_tiles(self._read)

    def _read(self, tile_level: int, first: int, count: int) -> list[bytes]:
        places = range(first, first + count)
        self.reads.append({(tile_level, at // 256) for at in places})
        return [self.hashes[tile_level, at] for at in places]


def numbered(count: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(count)]


LEAVES = numbered(MOST)
KEPT = Kept(LEAVES)


def rfc_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, over hashes of leaves, as it is written there."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = rfc_split(len(leaves))
    return hashlib.sha256(b"\x01" + rfc_root(leaves[:k]) + rfc_root(leaves[k:])).digest()


def rfc_split(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def rfc_path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962, 2.1.1."""
    if len(leaves) == 1:
        return []
    k = rfc_split(len(leaves))
    if m < k:
        return [*rfc_path(m, leaves[:k]), rfc_root(leaves[k:])]
    return [*rfc_path(m - k, leaves[k:]), rfc_root(leaves[:k])]


def rfc_subproof(m: int, leaves: Sequence[bytes], known: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962, 2.1.2."""
    if m == len(leaves):
        return [] if known else [rfc_root(leaves)]
    k = rfc_split(len(leaves))
    if m <= k:
        return [*rfc_subproof(m, leaves[:k], known), rfc_root(leaves[k:])]
    return [*rfc_subproof(m - k, leaves[k:], False), rfc_root(leaves[:k])]


def root_of(size: int) -> bytes:
    return tree_of_size(size, KEPT.node).root()


def changed(data: bytes, bit: int) -> bytes:
    number = int.from_bytes(data, "big") ^ 1 << bit % (8 * len(data))
    return number.to_bytes(len(data), "big")


# --- published vectors


def test_published_roots() -> None:
    tree = Tree()
    assert tree.root() == EMPTY_ROOT == CT_ROOTS[0]
    for leaf, root in zip(CT_LEAVES, CT_ROOTS[1:], strict=True):
        tree, _ = tree.append([leaf_hash(leaf)])
        assert tree.root() == root


@pytest.mark.parametrize(("index", "size", "expected"), CT_INCLUSION)
def test_published_inclusion_proofs(index: int, size: int, expected: list[str]) -> None:
    kept = Kept([leaf_hash(leaf) for leaf in CT_LEAVES])
    proof = inclusion_proof(index, size, kept.node)
    assert [item.hex() for item in proof] == expected
    verify_inclusion(leaf_hash(CT_LEAVES[index]), index, size, proof, CT_ROOTS[size])


@pytest.mark.parametrize(("old", "new", "expected"), CT_CONSISTENCY)
def test_published_consistency_proofs(old: int, new: int, expected: list[str]) -> None:
    kept = Kept([leaf_hash(leaf) for leaf in CT_LEAVES])
    proof = consistency_proof(old, new, kept.node)
    assert [item.hex() for item in proof] == expected
    verify_consistency(old, CT_ROOTS[old], new, CT_ROOTS[new], proof)


# --- other implementations


def test_all_small_trees_are_those_of_pymerkle() -> None:
    other = pymerkle.InmemoryTree(algorithm="sha256")
    for size in range(1, SMALL + 1):
        other.append_entry(b"%d" % (size - 1))
        assert root_of(size) == other.get_root(size)
        for index in range(size):
            path = other.prove_inclusion(index + 1, size).path
            assert [LEAVES[index], *inclusion_proof(index, size, KEPT.node)] == path


@pytest.mark.parametrize("size", LARGE)
def test_large_roots_are_those_of_pymerkle(size: int) -> None:
    other = pymerkle.InmemoryTree(algorithm="sha256")
    other.append_entries([b"%d" % number for number in range(size)])
    assert root_of(size) == other.get_root()
    for index in {0, 1, 255, size // 2, size - 2, size - 1} - {size}:
        if index < size:
            path = other.prove_inclusion(index + 1).path
            assert [LEAVES[index], *inclusion_proof(index, size, KEPT.node)] == path


def test_all_small_trees_and_proofs_are_those_of_the_rfc() -> None:
    for new in range(SMALL + 1):
        leaves = LEAVES[:new]
        root = rfc_root(leaves)
        assert root_of(new) == root
        for index in range(new):
            proof = inclusion_proof(index, new, KEPT.node)
            assert list(proof) == rfc_path(index, leaves)
            verify_inclusion(LEAVES[index], index, new, proof, root)
        for old in range(new + 1):
            proof = consistency_proof(old, new, KEPT.node)
            if old:
                assert list(proof) == rfc_subproof(old, leaves, True)
            verify_consistency(old, rfc_root(leaves[:old]), new, root, proof)


@pytest.mark.parametrize("new", LARGE)
def test_large_proofs_are_those_of_the_rfc(new: int) -> None:
    leaves = LEAVES[:new]
    root = rfc_root(leaves)
    for old in {1, 128, 255, new - 1, new} | {size for size in LARGE if size <= new}:
        proof = consistency_proof(old, new, KEPT.node)
        assert list(proof) == rfc_subproof(old, leaves, True)
        verify_consistency(old, rfc_root(leaves[:old]), new, root, proof)
    for index in (0, 254, new - 1):
        proof = inclusion_proof(index, new, KEPT.node)
        assert list(proof) == rfc_path(index, leaves)
        verify_inclusion(LEAVES[index], index, new, proof, root)


# --- growing and keeping


@given(st.lists(st.integers(0, 300), max_size=6))
def test_it_does_not_matter_in_which_pieces_a_tree_grows(pieces: list[int]) -> None:
    tree, completed = Tree(), []
    for piece in pieces:
        tree, new = tree.append(LEAVES[tree.size : tree.size + piece])
        tree = Tree.from_bytes(tree.to_bytes())
        completed += new
    at_once, all_at_once = Tree().append(LEAVES[: sum(pieces)])
    assert tree == at_once == tree_of_size(tree.size, KEPT.node)
    assert tuple(completed) == all_at_once
    assert tree.root() == rfc_root(LEAVES[: tree.size])


def test_a_tree_gives_every_complete_subtree_of_a_tile_level_once() -> None:
    _, completed = Tree().append(LEAVES)
    expected = {(0, at): leaf for at, leaf in enumerate(LEAVES)}
    expected |= {(1, at): rfc_root(LEAVES[256 * at : 256 * at + 256]) for at in range(256)}
    expected[2, 0] = rfc_root(LEAVES[:65536])
    assert {(level, at): value for level, at, value in completed} == expected
    assert len(completed) == len(expected)
    # A hash can be kept as soon as those are that it is made of.
    seen = [(level, at) for level, at, _ in completed]
    assert seen.index((1, 3)) == seen.index((0, 1023)) + 1
    assert seen.index((2, 0)) == seen.index((1, 255)) + 1


def test_subtrees_of_every_level_are_read_from_one_tile() -> None:
    for level in range(17):
        for index in {0, 1, (65536 >> level) - 1}:
            start = index << level
            if start + (1 << level) <= MOST:
                KEPT.reads.clear()
                leaves = LEAVES[start : start + (1 << level)]
                assert KEPT.node(level, index) == rfc_root(leaves)
                assert [len(tiles) for tiles in KEPT.reads] == [1]


@pytest.mark.parametrize("row", [[], [bytes(32)], [bytes(32)] * 3, [bytes(32), bytes(31)]])
def test_a_tile_that_is_not_whole_is_refused(row: list[bytes]) -> None:
    with pytest.raises(LogError, match="expected 2 hashes"):
        node_from_tiles(lambda level, first, count: row)(1, 0)


def test_a_tree_is_the_same_after_its_bytes() -> None:
    for size in (0, 1, 2, 3, 255, 256, 257, 65535):
        tree = tree_of_size(size, KEPT.node)
        assert len(tree.to_bytes()) == 8 + HASH_BYTES * size.bit_count()
        assert Tree.from_bytes(tree.to_bytes()) == tree


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(7),
        bytes(9),
        bytes(8) + bytes(32),
        (1).to_bytes(8, "big"),
        (1).to_bytes(8, "big") + bytes(31),
        (1).to_bytes(8, "big") + bytes(33),
        (2).to_bytes(8, "big") + bytes(64),
        (3).to_bytes(8, "big") + bytes(32),
        (2**63).to_bytes(8, "big") + bytes(32),
    ],
)
def test_other_bytes_are_no_tree(data: bytes) -> None:
    with pytest.raises(EncodingError):
        Tree.from_bytes(data)


def test_a_tree_takes_only_hashes_of_its_length_and_only_so_many() -> None:
    with pytest.raises(EncodingError, match="32 bytes"):
        Tree().append([bytes(31)])
    # Two of these are hashed to the node of two others, and their lengths are seen no more.
    with pytest.raises(EncodingError, match="32 bytes, got 31"):
        Tree().append([bytes(31), bytes(33)])
    with pytest.raises(EncodingError, match="another length"):
        Tree(1, (bytes(33),))
    full = Tree(MAX_SIZE, (bytes(32),) * 63)
    with pytest.raises(EncodingError, match=r"2\^63"):
        full.append([bytes(32)])


def test_leaves_and_nodes_are_hashed_apart() -> None:
    """RFC 6962, 2.1: without this, an entry could pass for the two subtrees below it."""
    left, right = leaf_hash(b"l"), leaf_hash(b"r")
    assert leaf_hash(left + right) != node_hash(left, right)
    assert leaf_hash(b"\x01" + left + right) != node_hash(left, right)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1), (5, 4), (0, MAX_SIZE + 1)])
def test_there_is_no_inclusion_proof_beyond_the_tree(index: int, size: int) -> None:
    with pytest.raises(InputError, match="inclusion proof"):
        inclusion_proof(index, size, KEPT.node)
    with pytest.raises(LogError, match="an index below"):
        verify_inclusion(LEAVES[0], index, size, (), LEAVES[0])


@pytest.mark.parametrize(("old", "new"), [(2, 1), (-1, 1), (0, MAX_SIZE + 1)])
def test_there_is_no_consistency_proof_to_a_smaller_tree(old: int, new: int) -> None:
    with pytest.raises(InputError, match="consistency proof"):
        consistency_proof(old, new, KEPT.node)
    with pytest.raises(LogError, match="at least"):
        verify_consistency(old, LEAVES[0], new, LEAVES[0], ())


# --- proofs that were changed

sizes = st.integers(1, 700) | st.sampled_from(LARGE)


@settings(max_examples=60)
@given(size=sizes, data=st.data())
def test_no_changed_inclusion_proof_is_taken(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof, root, leaf = inclusion_proof(index, size, KEPT.node), root_of(size), LEAVES[index]
    verify_inclusion(leaf, index, size, proof, root)
    bit = data.draw(st.integers(0, 255))
    other = data.draw(st.integers(0, size + 3).filter(lambda at: at != index))
    other_size = data.draw(sizes.filter(lambda at: at != size))
    wrong: list[tuple[bytes, int, int, tuple[bytes, ...], bytes]] = [
        (changed(leaf, bit), index, size, proof, root),
        (leaf, index, size, proof, changed(root, bit)),
        (leaf, other, size, proof, root),
        # With a root goes its size; several sizes can have proofs of one shape.
        (leaf, index, other_size, proof, root_of(other_size)),
        (leaf, index, size, (*proof, LEAVES[0]), root),
        (leaf, index, size, (LEAVES[0], *proof), root),
        (leaf, index, size, (*proof, root), root),
        (leaf[:-1], index, size, proof, root),
        (leaf, index, size, proof, root + b"\0"),
    ]
    for at in range(len(proof)):
        wrong += [
            (leaf, index, size, (*proof[:at], changed(proof[at], bit), *proof[at + 1 :]), root),
            (leaf, index, size, (*proof[:at], *proof[at + 1 :]), root),
            (leaf, index, size, (*proof[:at], proof[at] + b"\0", *proof[at + 1 :]), root),
            (leaf, index, size, (*proof[:at], proof[at], proof[at], *proof[at + 1 :]), root),
        ]
    for case in wrong:
        with pytest.raises(LogError):
            verify_inclusion(*case)


@settings(max_examples=60)
@given(new=sizes, data=st.data())
def test_no_changed_consistency_proof_is_taken(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    proof, old_root, new_root = consistency_proof(old, new, KEPT.node), root_of(old), root_of(new)
    verify_consistency(old, old_root, new, new_root, proof)
    bit = data.draw(st.integers(0, 255))
    other = data.draw(st.integers(1, new).filter(lambda at: at != old)) if new > 1 else 2
    other_new = data.draw(sizes.filter(lambda at: at != new))
    wrong: list[tuple[int, bytes, int, bytes, tuple[bytes, ...]]] = [
        (old, changed(old_root, bit), new, new_root, proof),
        (old, old_root, new, changed(new_root, bit), proof),
        (other, root_of(other), new, new_root, proof),
        (0, old_root, new, new_root, proof),
        (0, EMPTY_ROOT, new, new_root, (*proof, LEAVES[0])),
        (old, old_root, other_new, root_of(other_new), proof),
        (old, old_root, new, new_root, (*proof, LEAVES[0])),
        (old, old_root, new, new_root, (LEAVES[0], *proof)),
        (old, old_root, new, new_root, (old_root, *proof)),
        (old, old_root + b"\0", new, new_root, proof),
    ]
    for at in range(len(proof)):
        before, after = proof[:at], proof[at + 1 :]
        wrong += [
            (old, old_root, new, new_root, (*before, changed(proof[at], bit), *after)),
            (old, old_root, new, new_root, (*before, *after)),
            (old, old_root, new, new_root, (*before, proof[at] + b"\0", *after)),
            (old, old_root, new, new_root, (*before, proof[at], proof[at], *after)),
        ]
    for case in wrong:
        with pytest.raises(LogError):
            verify_consistency(*case)


@given(size=st.integers(2, 300), data=st.data())
def test_a_proof_from_a_fork_is_refused(size: int, data: st.DataObject) -> None:
    """A log that changed one entry cannot show that it goes on from what it had signed."""
    old = data.draw(st.integers(1, size - 1))
    at = data.draw(st.integers(0, old - 1))
    fork = Kept([*LEAVES[:at], leaf_hash(b"another"), *LEAVES[at + 1 : size]])
    proof = consistency_proof(old, size, fork.node)
    fork_old = tree_of_size(old, fork.node).root()
    verify_consistency(old, fork_old, size, fork.tree.root(), proof)
    with pytest.raises(LogError, match="leads to another root"):
        verify_consistency(old, root_of(old), size, fork.tree.root(), proof)
    with pytest.raises(LogError):
        verify_consistency(
            old, root_of(old), size, fork.tree.root(), consistency_proof(old, size, KEPT.node)
        )


def test_the_empty_tree_begins_every_tree() -> None:
    verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, ())
    verify_consistency(0, EMPTY_ROOT, 5, root_of(5), ())
    for old_root, new, new_root in [
        (root_of(1), 5, root_of(5)),
        (EMPTY_ROOT, 0, root_of(1)),
        (root_of(1), 0, root_of(1)),
    ]:
        with pytest.raises(LogError, match="two different roots"):
            verify_consistency(0, old_root, new, new_root, ())


def test_one_size_has_one_root() -> None:
    verify_consistency(5, root_of(5), 5, root_of(5), ())
    with pytest.raises(LogError, match="two different roots of 5"):
        verify_consistency(5, root_of(5), 5, root_of(6), ())
    with pytest.raises(LogError, match="expected 0 hashes, got 1"):
        verify_consistency(5, root_of(5), 5, root_of(5), (root_of(5),))


def test_an_inner_node_does_not_pass_for_an_entry() -> None:
    """With the length of the proof unchecked, the two halves of a tree would be its leaves."""
    left, right = KEPT.node(1, 0), KEPT.node(1, 1)
    assert node_hash(left, right) == root_of(4)
    with pytest.raises(LogError, match="expected 2 hashes, got 1"):
        verify_inclusion(left, 0, 4, (right,), root_of(4))


def test_hashes_of_another_length_are_refused_where_the_sum_of_both_is_right() -> None:
    """A node is the hash of two hashes after each other, wherever the first ends."""
    left, right = LEAVES[0], LEAVES[1]
    for cut in (left[:31], left + right[:1]):
        rest = (left + right)[len(cut) :]
        assert node_hash(cut, rest) == root_of(2)
        with pytest.raises(LogError, match="another length"):
            verify_inclusion(cut, 0, 2, (rest,), root_of(2))
        with pytest.raises(LogError, match="another length"):
            verify_consistency(1, cut, 2, root_of(2), (rest,))
        with pytest.raises(LogError, match="another length"):
            verify_inclusion(rest, 1, 2, (cut,), root_of(2))


def test_the_largest_trees_are_no_harder() -> None:
    """In a tree of equal leaves every complete subtree of one level has one hash."""
    levels = [LEAVES[0]]
    while len(levels) < 63:
        levels.append(node_hash(levels[-1], levels[-1]))
    node = lambda level, index: levels[level]  # noqa: E731
    root = tree_of_size(MAX_SIZE, node).root()
    for index in (0, 2**62, MAX_SIZE - 1):
        proof = inclusion_proof(index, MAX_SIZE, node)
        assert len(proof) == (63 if index < 2**62 else 62 + (index != MAX_SIZE - 1))
        verify_inclusion(LEAVES[0], index, MAX_SIZE, proof, root)
    for old in (1, 2**62 - 1, 2**62, MAX_SIZE - 1):
        proof = consistency_proof(old, MAX_SIZE, node)
        verify_consistency(old, tree_of_size(old, node).root(), MAX_SIZE, root, proof)
    assert TILE_HEIGHT == 8
