"""The one way to write: a transaction that holds the head of the log, from its start to its end.

Writers come one after the other, in every process. So the log has no gap, events are numbered in
the order in which they can be seen, and what was looked up in the transaction still holds when it
commits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from ...crypto.canonical import canonical_bytes
from ...crypto.merkle import Tree, inclusion_proof, leaf_hash
from ...risk.clock import now
from ...verifier.entries import LogEntry
from .signer import LogSigner
from .tables import Event, LogHash, SignedCheckpoint, State
from .tables import LogEntry as LogRow
from .tree import stored_nodes


@dataclass(frozen=True)
class Sealed:
    """The log after an append, under its signed checkpoint."""

    size: int
    note: str


class Writer:
    """An open write transaction.

    Attributes:
        session: for everything that is neither log nor event.
        at: the time of the transaction.
    """

    def __init__(self, session: Session, signer: LogSigner | None) -> None:
        self.session = session
        self._signer = signer
        state = session.scalar(select(State).where(State.id == 1).with_for_update())
        if state is None:
            raise RuntimeError("the database has no head of the log: it was never set up")
        # Read once the lock is held: waiting for it takes time, and later writers are not earlier.
        self.at: datetime = now()
        self._state = state
        self._tree = Tree.from_bytes(state.tree)
        self._appended: list[bytes] = []
        self._last_event = state.last_event
        self._emitted: list[dict[str, Any]] = []
        self._nodes = stored_nodes(session)

    @property
    def log_size(self) -> int:
        """How many entries the log has, those of this transaction counted."""
        return self._tree.size + len(self._appended)

    @property
    def trust_version(self) -> int:
        """Grows with every change of what is trusted."""
        return self._state.trust_version

    def trust_changed(self) -> None:
        """Say that what is trusted changes with this transaction."""
        self._state.trust_version += 1

    def append(self, entry: LogEntry) -> int:
        """Put an entry at the end of the log; its index."""
        self._appended.append(canonical_bytes(entry.to_json_value()))
        return self.log_size - 1

    def seal(self) -> Sealed | None:
        """Store what was appended under a new signed checkpoint; None if nothing was."""
        if not self._appended:
            return None
        if self._signer is None:
            raise RuntimeError("the log is written to without its key")
        first = self._tree.size
        hashes = [leaf_hash(data) for data in self._appended]
        self._tree, completed = self._tree.append(hashes)
        self.session.execute(
            insert(LogRow),
            [
                {"index": index, "data": data}
                for index, data in enumerate(self._appended, start=first)
            ],
        )
        self.session.execute(
            insert(LogHash),
            [
                {"level": each.tile_level, "index": each.position, "hash": each.hash}
                for each in completed
            ],
        )
        note = self._signer.sign(self._tree.size, self._tree.root())
        self.session.execute(
            insert(SignedCheckpoint), [{"size": self._tree.size, "note": note, "time": self.at}]
        )
        self._state.tree = self._tree.to_bytes()
        self._nodes = stored_nodes(self.session)
        self._appended = []
        return Sealed(self._tree.size, note)

    def inclusion(self, index: int) -> bytes:
        """The proof that an entry is in the sealed log, 32 bytes per node."""
        return b"".join(inclusion_proof(index, self._tree.size, self._nodes))

    def emit(
        self, type_: str, data: Mapping[str, Any], tenants: Sequence[str] | None = None
    ) -> int:
        """Announce something; the event's number.

        Args:
            type_: such as `round.new`.
            data: JSON, without numbers.
            tenants: who may see it; None: everybody who may read.
        """
        self._last_event += 1
        self._emitted.append(
            {
                "id": self._last_event,
                "time": self.at,
                "type": type_,
                "tenants": None if tenants is None else f"|{'|'.join(sorted(set(tenants)))}|",
                "data": json.dumps(data, separators=(",", ":"), ensure_ascii=False),
            }
        )
        return self._last_event

    def finish(self) -> None:
        """Store what was appended and announced; the last that happens before the commit."""
        self.seal()
        if self._emitted:
            self.session.execute(insert(Event), self._emitted)
            self._state.last_event = self._last_event
            self._emitted = []
