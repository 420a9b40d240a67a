"""Going through pages until there is no next one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from pydantic import Field

from ..risk.values import Several
from .results import Result, read_part, read_result

if TYPE_CHECKING:
    from .transport import Query, Transport

R = TypeVar("R", bound=Result)

PAGE: Final = 100


class _Page(Result):
    items: Annotated[Several[dict[str, Any]], Field(max_length=PAGE)]
    next: Annotated[str | None, Field(min_length=1, max_length=256)] = None


def every(
    transport: Transport,
    path: str,
    kind: type[R],
    query: Query | None = None,
    *,
    cursor: str = "cursor",
) -> Iterator[R]:
    """Every item of a list, asked for page by page as they are taken.

    Args:
        transport: to the service.
        path: of the list.
        kind: of an item.
        query: what is filtered by, and the first cursor if it is not the list's beginning.
        cursor: the name of the parameter that takes `next` of the page before.
    """
    query = dict(query or {})
    while True:
        answer = transport.get(path, {**query, "limit": PAGE})
        page = read_result(_Page, answer)
        for item in page.items:
            yield read_part(kind, item, answer)
        if page.next is None:
            return
        if page.next == query.get(cursor):
            raise answer.unusable("the next page is the same one again")
        query[cursor] = page.next
