"""Pages: every item once, in order, whatever is added in between; and no cursor but those given."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, insert, select
from sqlalchemy.orm import Session

from zkcollateral.api.paging import page
from zkcollateral.api.problems import Problem
from zkcollateral.api.store.tables import Base, PublishedDocument
from zkcollateral.risk.clock import now


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = create_engine(f"sqlite:///{tmp_path / 'pages.db'}")
    Base.metadata.create_all(made)
    return made


def add(session: Session, *indices: int) -> None:
    session.execute(
        insert(PublishedDocument),
        [
            {
                "digest": hashlib.sha256(b"%d" % index).hexdigest(),
                "kind": "policy",
                "name": f"p-{index}",
                "document": b"{}",
                "published": now(),
                "log_index": index,
            }
            for index in indices
        ],
    )


def indices(
    session: Session, limit: int, cursor: str | None, *, newest_first: bool = True
) -> tuple[list[int], str | None]:
    rows, following = page(
        session,
        select(PublishedDocument),
        PublishedDocument.log_index,
        limit=limit,
        cursor=cursor,
        newest_first=newest_first,
    )
    return [row.log_index for row in rows], following


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 6, 7])
def test_every_item_stands_on_one_page(engine: Engine, count: int, newest_first: bool) -> None:
    with Session(engine) as session:
        if count:
            add(session, *range(count))
        found: list[int] = []
        cursor, pages = None, 0
        while pages == 0 or cursor is not None:
            items, cursor = indices(session, 3, cursor, newest_first=newest_first)
            assert items or not count
            found += items
            pages += 1
    assert found == sorted(range(count), reverse=newest_first)
    assert pages == max(1, -(-count // 3))


def test_what_is_added_in_between_moves_nothing(engine: Engine) -> None:
    with Session(engine) as session:
        add(session, 1, 2, 3, 4)
        first, cursor = indices(session, 2, None)
        add(session, 5, 6)
        second, end = indices(session, 2, cursor)
    assert (first, second, end) == ([4, 3], [2, 1], None)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "=",
        "YWZ0ZXI6",  # after:
        "YWZ0ZXI6LTE",  # after:-1
        "YWZ0ZXI6MTIzNDU2Nzg5MDEyMzQ1Njc4OTA",  # after: and 20 digits
        "YmVmb3JlOjE",  # before:1
        "YWZ0ZXI6MQ==",  # after:1, with padding
        "YWZ0ZXI6MR",  # after:1, with stray bits
        "YWZ0ZXI6MDE",  # after:01
        "YWZ0 ZXI6MQ",
        "\u00e9",
        "YWZ0ZXI62aE",  # after: and a digit of another script
    ],
)
def test_other_cursors_are_refused(engine: Engine, cursor: str) -> None:
    with Session(engine) as session:
        add(session, 1)
        with pytest.raises(Problem) as caught:
            indices(session, 2, cursor)
    assert caught.value.name == "parameter-invalid"
