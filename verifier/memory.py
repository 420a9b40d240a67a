"""What the checks of many attestations have in common, worked out once.

Policies, registries and price rounds are the same in many attestations. Where they are the same
objects, as with a caller that reads equal documents once, their digests, their oracles' signatures
and their compiled claims are too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import NamedTuple, TypeVar, cast

from ..circuits.compiler import Backing, Circuit
from ..crypto.canonical import canonical_bytes
from ..risk.document import Document

T = TypeVar("T")

_TERM_BYTES = 16
"""What one term of a compiled row counts as: in memory it takes as much as so much JSON, read."""


class CircuitKey(NamedTuple):
    """What a compiled claim depends on."""

    policy: str
    registry: str
    round: str
    claim: str
    backings: tuple[Backing, ...]


class Memory:
    """Results that were worked out before. One thread at a time uses it.

    Args:
        most: results that are kept; beyond that all are forgotten.
        most_bytes: of JSON whose documents are kept, and of compiled claims; beyond that too.
            Whoever submits chooses the documents, and in memory they are many times as large.
    """

    def __init__(self, most: int = 4096, most_bytes: int = 16 * 1024 * 1024) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._circuits: dict[CircuitKey, Circuit] = {}
        self._results: dict[tuple[object, ...], tuple[tuple[object, ...], object]] = {}

    def circuit(self, key: CircuitKey, compile_: Callable[[], Circuit]) -> Circuit:
        """The compiled claim of a key."""
        if key not in self._circuits:
            made = compile_()
            rows = made.system.rows
            terms = sum(len(row.account_terms) + len(row.value_terms) for row in rows)
            self._make_room(_TERM_BYTES * terms)
            self._circuits[key] = made
        return self._circuits[key]

    def digest(self, document: Document) -> str:
        """The digest of a document."""

        def make() -> str:
            data = canonical_bytes(document.to_json_value())
            self._make_room(len(data))
            return hashlib.sha256(data).hexdigest()

        return self.once("digest", (document,), make)

    def once(self, what: str, about: tuple[object, ...], make: Callable[[], T]) -> T:
        """What `make` returns, which depends on these very objects and nothing else.

        Args:
            what: tells apart what is worked out about the same objects.
            about: immutable; they are kept, so that no other object can get their identity.
            make: an error of it is not remembered.
        """
        key = (what, *map(id, about))
        found = self._results.get(key)
        if found is None:
            made = make()
            self._make_room(0)
            found = self._results[key] = (about, made)
        return cast(T, found[1])

    def _make_room(self, more: int) -> None:
        full = len(self._results) + len(self._circuits) >= self._most
        if full or self._bytes + more > self._most_bytes:
            self._results, self._circuits, self._bytes = {}, {}, 0
        self._bytes += more
