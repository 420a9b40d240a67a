"""Policies and registries at the service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from ..circuits.claim import document_digest
from ..crypto.canonical import parse_json
from ..errors import InputError
from ..risk.document import Document
from ..risk.policy import Policy
from ..risk.registry import Registry
from .address import segment
from .paging import every
from .results import Published, read_result

if TYPE_CHECKING:
    from .transport import Answer, Transport

D = TypeVar("D", bound=Document)

MAX_DOCUMENT_BYTES: Final = 8 * 1024 * 1024


def read_document(kind: type[D], answer: Answer) -> D:
    """The document that an answer is; UnusableAnswer if it is another."""
    try:
        return kind.from_json_value(parse_json(answer.content, "answer"), "answer")
    except InputError as error:
        raise answer.unusable(str(error)) from None


def require_digest(answer: Answer, document: Document, expected: str) -> None:
    """UnusableAnswer unless the document has this digest."""
    got = document_digest(document)
    if got != expected:
        raise answer.unusable(f"expected a document of digest {expected}, got one of {got}")


class Documents(Generic[D]):
    """Documents of one kind, published once and named by their digests.

    Args:
        transport: to the service.
        path: of their list.
        kind: of document.
    """

    def __init__(self, transport: Transport, path: str, kind: type[D]) -> None:
        self._transport = transport
        self._path = path
        self._kind = kind

    def publish(self, document: D) -> Published:
        """Publish a document (scope admin); one that is there already is answered as it is."""
        answer = self._transport.create(self._path, document.to_json_value())
        published = read_result(Published, answer)
        require_digest(answer, document, published.digest)
        return published

    def get(self, digest: str) -> D:
        """The document with this digest, which is checked."""
        answer = self._transport.get(f"{self._path}/{segment(digest)}")
        document = read_document(self._kind, answer)
        require_digest(answer, document, digest)
        return document

    def list(self) -> Iterator[Published]:
        """All of them, the newest first."""
        return every(self._transport, self._path, Published)


class Policies(Documents[Policy]):
    """Policies."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport, "/v1/policies", Policy)


class Registries(Documents[Registry]):
    """Registries."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport, "/v1/registries", Registry)
