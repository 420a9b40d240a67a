"""Cursor pagination: a page says where the next one begins, in a text that means nothing else."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Final, TypeVar

from fastapi import Query
from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from .problems import Problem

MAX_PAGE: Final = 200

Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="Most items of a page.")]
Cursor = Annotated[
    str | None,
    Query(max_length=64, description="`next` of the page before; without it, the first page."),
]

R = TypeVar("R")


def page(
    session: Session,
    query: Select[R],
    key: InstrumentedAttribute[int],
    *,
    limit: int,
    cursor: str | None,
    newest_first: bool = True,
) -> tuple[Sequence[R], str | None]:
    """One page of a query, and the cursor of the next one.

    Args:
        query: without order and limit.
        key: a unique integer that gives the order.
        newest_first: whether larger keys come first.

    Raises:
        Problem: a cursor that no page gave.
    """
    if cursor is not None:
        last = _read(cursor)
        bound: ColumnElement[bool] = key < last if newest_first else key > last
        query = query.where(bound)
    order = key.desc() if newest_first else key.asc()
    rows = session.scalars(query.order_by(order).limit(limit + 1)).all()
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], _spell(getattr(rows[limit - 1], key.key))


def _spell(key: int) -> str:
    return base64.urlsafe_b64encode(f"after:{key}".encode()).decode().rstrip("=")


def _read(cursor: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        before, _, digits = text.partition(":")
        # Only one spelling of each is given.
        if before == "after" and digits.isdigit() and len(digits) < 19:
            key = int(digits)
            if _spell(key) == cursor:
                return key
    except (binascii.Error, ValueError):
        pass
    raise Problem("parameter-invalid", "cursor: expected the `next` of a page")
