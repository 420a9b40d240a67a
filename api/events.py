"""Events as they are read: who may see which, and what came after a given one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

from sqlalchemy import ColumnElement, func, or_, select, true
from sqlalchemy.orm import Session

from .access import Caller
from .problems import Problem
from .store.tables import Event, State

EventType = Literal[
    "attestation.accepted",
    "attestation.refused",
    "attestation.revoked",
    "audit.answered",
    "audit.expired",
    "audit.failed",
    "audit.opened",
    "audit.withdrawn",
    "commitment.new",
    "coverage.lost",
    "policy.published",
    "registry.published",
    "round.new",
    "round.refused",
    "trust.added",
    "trust.retired",
]
EVENT_TYPES: Final[tuple[EventType, ...]] = get_args(EventType)

WINDOW: Final = 10_000
"""Events that one read looks through at most, however few of them may be seen."""

EVERYTHING: Final[ColumnElement[bool]] = true()


@dataclass(frozen=True, slots=True)
class Happened:
    """An event as it was stored."""

    id: int
    time: datetime
    type: str
    tenants: str | None
    data: str
    """JSON."""

    def visible_to(self, caller: Caller | None) -> bool:
        """Whether the caller may see it: the same rule as `visible`."""
        if self.tenants is None or (caller is not None and caller.has("admin")):
            return True
        return caller is not None and caller.tenant in self.tenants.split("|")[1:-1]


def visible(caller: Caller | None) -> ColumnElement[bool]:
    """The condition on `Event` for what a caller may see.

    An admin sees everything, a tenant what is for it or for everybody, others what is for
    everybody. Whether somebody may read at all is decided before.
    """
    if caller is not None and caller.has("admin"):
        return EVERYTHING
    public = Event.tenants.is_(None)
    # A tenant that an issuer of tokens names could hold the sign that stands between tenants.
    if caller is None or "|" in caller.tenant:
        return public
    # Not LIKE: in SQLite it takes "Alice" for "alice".
    without = func.replace(Event.tenants, f"|{caller.tenant}|", "")
    return or_(public, without != Event.tenants)


def last_event(session: Session) -> int:
    """The number of the newest event; 0 if there is none."""
    return session.scalars(select(State.last_event).where(State.id == 1)).one()


def require_known(session: Session, after: int) -> None:
    """Problem `parameter-invalid` if no event has this number yet.

    It would be that of a database that was restored since, and waiting for what comes after it
    would miss everything before.
    """
    if after > last_event(session):
        raise Problem("parameter-invalid", f"after: no event {after} has happened here")


def read_after(
    session: Session, seen: ColumnElement[bool], after: int, limit: int
) -> tuple[list[Happened], int]:
    """Events after a given one, the oldest first.

    Args:
        seen: which of them, such as `visible` gives.
        after: number of an event, or 0 for the beginning.
        limit: how many at most, 1 or more.

    Returns:
        The events, and the number of the event up to which there are no others. It equals `after`
        if and only if nothing came after it.
    """
    # Numbers have no gap, so a range of them bounds the work.
    until = max(after, min(last_event(session), after + WINDOW))
    rows = session.execute(
        select(Event.id, Event.time, Event.type, Event.tenants, Event.data)
        .where(Event.id > after, Event.id <= until, seen)
        .order_by(Event.id)
        .limit(limit)
    )
    events = [Happened(*row) for row in rows]
    return events, events[-1].id if len(events) == limit else until
