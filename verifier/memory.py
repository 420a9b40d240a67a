"""What the checks of many attestations have in common, worked out once.

Policies, registries and price rounds are the same in many attestations. Where they are the same
objects, as with a caller that reads equal documents once, their digests, their oracles' signatures
and their compiled claims are too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

from ..circuits.claim import document_digest
from ..circuits.compiler import Backing, Circuit
from ..risk.document import Document

T = TypeVar("T")


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
    """

    def __init__(self, most: int = 4096) -> None:
        self._most = most
        self._circuits: dict[CircuitKey, Circuit] = {}
        self._results: dict[tuple[object, ...], tuple[tuple[object, ...], object]] = {}

    def circuit(self, key: CircuitKey, compile_: Callable[[], Circuit]) -> Circuit:
        """The compiled claim of a key."""
        if key not in self._circuits:
            made = compile_()
            self._make_room(self._circuits)
            self._circuits[key] = made
        return self._circuits[key]

    def digest(self, document: Document) -> str:
        """The digest of a document."""
        return self.once("digest", (document,), lambda: document_digest(document))

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
            self._make_room(self._results)
            found = self._results[key] = (about, made)
        return cast(T, found[1])

    def _make_room(self, kept: dict[Any, Any]) -> None:
        if len(kept) >= self._most:
            kept.clear()
