"""Reading attestations, whose policies, registries and price rounds are mostly the same ones.

Each of these is read once, and equal ones are one object from then on. The verifier then
remembers what it worked out about it (`verifier.memory`).
"""

from __future__ import annotations

import json
from typing import Final

from ..circuits.attestation import Attestation
from ..circuits.evidence import SignedRound
from ..crypto.canonical import JsonValue, canonical_bytes
from ..risk.document import Document
from ..risk.policy import Policy
from ..risk.registry import Registry

_SHARED: Final[dict[str, type[Document]]] = {
    "policy": Policy,
    "registry": Registry,
    "prices": SignedRound,
}


class Interning:
    """The parts of attestations that were read before. Several threads may use it.

    Args:
        most_bytes: of JSON whose documents are kept; beyond that all are forgotten.
    """

    def __init__(self, most_bytes: int = 16 * 1024 * 1024) -> None:
        self._most_bytes = most_bytes
        self._kept: dict[tuple[str, str], Document] = {}
        self._bytes = 0

    def attestation(self, value: JsonValue, where: str) -> tuple[Attestation, bytes]:
        """The attestation in a parsed JSON value, and its canonical bytes.

        Raises:
            DocumentError: the value is no attestation.
        """
        known: dict[str, Document] = {}
        if isinstance(value, dict):
            for name, kind in _SHARED.items():
                if name in value:
                    known[name] = self._document(kind, name, value[name], where)
        attestation = Attestation.from_json_value(value, where, known)
        # What is read is, field by field, what it would be written as.
        return attestation, canonical_bytes(value)

    def _document(self, kind: type[Document], name: str, value: JsonValue, where: str) -> Document:
        text = json.dumps(value, sort_keys=True)
        found = self._kept.get((name, text))
        if found is None:
            found = kind.from_json_value(value, f"{where}: {name}")
            if self._bytes + len(text) > self._most_bytes:
                self._kept, self._bytes = {}, 0
            self._kept[name, text] = found
            self._bytes += len(text)
        return found
