"""The Merkle tree as it is stored: the hashes that make up its tiles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from ...crypto.merkle import Node, consistency_proof, inclusion_proof, node_from_tiles
from ...crypto.tiles import TILE_WIDTH
from .tables import LogHash


def tile_hashes(session: Session, level: int, first: int, count: int) -> Sequence[bytes]:
    """Hashes of one tile level, from the one with index `first` on; fewer if there are fewer."""
    return session.scalars(
        select(LogHash.hash)
        .where(LogHash.level == level, LogHash.index >= first, LogHash.index < first + count)
        .order_by(LogHash.index)
    ).all()


def stored_nodes(session: Session) -> Node:
    """The hashes of complete subtrees; each tile is looked up once."""

    @cache
    def tile(level: int, index: int) -> Sequence[bytes]:
        return tile_hashes(session, level, index * TILE_WIDTH, TILE_WIDTH)

    def hashes(level: int, first: int, count: int) -> Sequence[bytes]:
        index, start = divmod(first, TILE_WIDTH)
        return tile(level, index)[start : start + count]

    return cache(node_from_tiles(hashes))


def proof_of_inclusion(session: Session, index: int, size: int) -> tuple[bytes, ...]:
    """That an entry is in the log of a size; both are checked by the caller."""
    return inclusion_proof(index, size, stored_nodes(session))


def proof_of_consistency(session: Session, old: int, new: int) -> tuple[bytes, ...]:
    """That the log of a size begins with that of a smaller one; the caller checks both."""
    return consistency_proof(old, new, stored_nodes(session))
