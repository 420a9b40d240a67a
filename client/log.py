"""The transparency log of the service, as its own readers want it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from ..crypto.checkpoint import MAX_NOTE_BYTES
from ..errors import FileError
from ..verifier.log import most_bytes
from .errors import ServiceError, ServiceUnavailable
from .results import Logged, Proof, read_result

if TYPE_CHECKING:
    from .transport import Answer, Transport

LOG = "/v1/log"
_TEXT_BYTES = 4096


class Log:
    """The files of the log, and proofs from it. Nothing here is checked: `verify_log` does that."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def read(self, path: str) -> bytes:
        """A file of the log by its path, as `verify_log` reads them.

        Args:
            path: `checkpoint`, `tile/0/000`, `tile/entries/000`.

        Raises:
            FileError: the service has no such file.
            ServiceError: anything else that goes wrong.
        """
        try:
            return self._transport.get(f"{LOG}/{path}", max_bytes=most_bytes(path)).content
        except ServiceUnavailable:
            raise
        except ServiceError as error:
            if error.status != 404:
                raise
            address = f"{self._transport.address}{LOG}/{path}"
        raise FileError(address, "a file of the log", "404, not found")

    def checkpoint(self, size: int | None = None) -> bytes:
        """The newest signed checkpoint, or the one that was signed at a size; a signed note."""
        which = "checkpoint" if size is None else f"checkpoints/{size}"
        return self._transport.get(f"{LOG}/{which}", max_bytes=MAX_NOTE_BYTES).content

    def key(self) -> str:
        """The verifier key string that the service says is the log's. It is not to be believed."""
        answer = self._transport.get(f"{LOG}/key", max_bytes=_TEXT_BYTES)
        try:
            return answer.content.decode().strip()
        except UnicodeDecodeError:
            raise answer.unusable("expected UTF-8, got other bytes") from None

    def entry(self, index: int) -> Logged:
        """An entry with the newest checkpoint and the proof between them."""
        answer = self._transport.get(f"{LOG}/entries/{index}")
        found = read_result(Logged, answer)
        if found.index != index:
            raise answer.unusable(f"expected entry {index}, got entry {found.index}")
        return found

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The hashes from an entry to the root of the log of a size, for `verify_inclusion`."""
        query = {"index": index, "size": size}
        return _hashes(self._transport.get(f"{LOG}/proofs/inclusion", query))

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The hashes between the roots of two sizes, for `verify_consistency`."""
        query = {"old": old, "new": new}
        return _hashes(self._transport.get(f"{LOG}/proofs/consistency", query))


def _hashes(answer: Answer) -> list[bytes]:
    return [base64.b64decode(each) for each in read_result(Proof, answer).proof]
