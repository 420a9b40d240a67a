"""Letters in the database: which are to be sent, who sends them now, and what became of them.

Every change is a short write transaction, and nothing is sent within one. Since writers come one
after the other in all processes, a letter is taken by one of them only. Whoever takes it has until
its lease ends; who dies meanwhile leaves it to the next, so a letter can arrive twice, but is never
lost. Of a webhook only the oldest letter that waits is taken, so they arrive in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, Select, delete, exists, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from ..risk.clock import now
from .access import Caller
from .events import Happened, last_event, read_after, visible
from .letters import Answer, Letter, body_of
from .store.tables import ApiKey, Delivery, Event, Webhook
from .store.writer import Writer

MAX_WAITING: Final = 1000
"""When so many letters wait for a webhook, what comes then is queued when some are done."""
KEPT: Final = 1000
"""Letters of one webhook that are remembered after they are done."""
LAG: Final = 100
"""Events that do not concern a webhook after which it is noted that they were looked at."""


@dataclass(frozen=True)
class Schedule:
    """When letters are sent.

    Args:
        first_delay: between the first attempt and the second, in seconds.
        factor: by which each delay is longer than the one before.
        attempts: after so many a letter is given up.
        lease: seconds after which one that was taken, and of which nothing was heard, is taken
            again; longer than an attempt.
    """

    first_delay: int = 5
    factor: int = 4
    attempts: int = 8
    lease: int = 60

    def delay(self, attempt: int) -> timedelta | None:
        """How long to wait after a failed attempt, the first being 1; None: give up.

        By default 5 s, 20 s, 1:20, 5:20, 21:20, 1:25:20, 5:41:20: given up after 7 h 35 min.
        """
        if attempt >= self.attempts:
            return None
        return timedelta(seconds=self.first_delay * self.factor ** (attempt - 1))


def abandoned() -> ColumnElement[bool]:
    """Webhooks of tenants whose API keys are all revoked.

    A tenant without any key came with a token of an issuer, which cannot be revoked here.
    """
    had_one = exists().where(ApiKey.tenant == Webhook.tenant)
    has_one = exists().where(ApiKey.tenant == Webhook.tenant, ApiKey.revoked.is_(None))
    return Webhook.disabled.is_(None) & had_one & ~has_one


def is_work(session: Session) -> bool:
    """Whether `disable_abandoned`, `queue` or `take` would change anything."""
    if session.scalar(select(Webhook.id).where(abandoned()).limit(1)) is not None:
        return True
    if session.scalar(_ready(1)) is not None:
        return True
    return any(_to_queue(session, hook) is not None for hook in _behind(session))


def disable_abandoned(writer: Writer) -> None:
    """Send nothing more to tenants whose keys are all revoked; a later key does not revive it."""
    for hook in writer.session.scalars(select(Webhook).where(abandoned())):
        disable(writer, hook, "all API keys of the tenant are revoked")


def disable(writer: Writer, hook: Webhook, why: str) -> None:
    """Send nothing more to a webhook."""
    hook.disabled = writer.at
    writer.session.execute(
        update(Delivery)
        .where(Delivery.webhook == hook.id, Delivery.due.is_not(None))
        .values(due=None, outcome=why)
    )


def queue(writer: Writer, count: int) -> None:
    """Queue what happened for the webhooks that are to hear of it, for so many of them at most."""
    session = writer.session
    for hook in _behind(session):
        found = _to_queue(session, hook)
        if found is None:
            continue
        if not count:
            return
        count -= 1
        events, hook.position = found
        if events:
            session.execute(
                insert(Delivery),
                [
                    {"webhook": hook.id, "event": id_, "attempts": 0, "due": writer.at}
                    for id_ in events
                ],
            )


def take(writer: Writer, schedule: Schedule, count: int) -> list[Letter]:
    """Take letters, at most one for each webhook, to send them before the lease ends."""
    session = writer.session
    letters = []
    for delivery, hook, event in session.execute(
        select(Delivery, Webhook, Event)
        .join(Webhook, Webhook.id == Delivery.webhook)
        .join(Event, Event.id == Delivery.event)
        .where(Delivery.webhook.in_(session.scalars(_ready(count)).all()), _oldest())
        .order_by(Delivery.due)
    ):
        delivery.attempts += 1
        delivery.due = writer.at + timedelta(seconds=schedule.lease)
        happened = Happened(event.id, event.time, event.type, event.tenants, event.data)
        letters.append(
            Letter(hook.id, event.id, delivery.attempts, hook.url, hook.secret, body_of(happened))
        )
    return letters


def record(writer: Writer, answers: Mapping[Letter, Answer], schedule: Schedule) -> None:
    """Note how attempts ended."""
    for letter, answer in answers.items():
        delivery = writer.session.get(Delivery, (letter.webhook, letter.event))
        if delivery is None or delivery.delivered is not None:
            continue
        if answer.delivered:
            delivery.delivered, delivery.due = writer.at, None
            delivery.outcome = answer.outcome
        elif delivery.due is not None and delivery.attempts == letter.attempt:
            delay = schedule.delay(letter.attempt)
            delivery.due = None if delay is None else writer.at + delay
            delivery.outcome = answer.outcome
        hook = writer.session.get_one(Webhook, letter.webhook)
        if answer.gone and hook.disabled is None:
            disable(writer, hook, answer.outcome)
        writer.session.flush()
        _forget(writer.session, hook)


def _ready(count: int) -> Select[str]:
    """Ids of webhooks whose oldest waiting letter is due."""
    return (
        select(Delivery.webhook)
        .join(Webhook, Webhook.id == Delivery.webhook)
        .where(Webhook.disabled.is_(None), _oldest(), Delivery.due <= now())
        .order_by(Delivery.due)
        .limit(count)
    )


def _oldest() -> ColumnElement[bool]:
    """The oldest waiting letter of a webhook."""
    older = aliased(Delivery)
    return Delivery.due.is_not(None) & ~exists().where(
        older.webhook == Delivery.webhook, older.event < Delivery.event, older.due.is_not(None)
    )


def _behind(session: Session) -> Sequence[Webhook]:
    """Webhooks for which not all events were looked at; those that are furthest behind, first."""
    return session.scalars(
        select(Webhook)
        .where(Webhook.disabled.is_(None), Webhook.position < last_event(session))
        .order_by(Webhook.position)
    ).all()


def _to_queue(session: Session, hook: Webhook) -> tuple[list[int], int] | None:
    """Events to queue for a webhook, and the one up to which these are all; None: nothing to do."""
    wanted = visible(Caller(hook.tenant, frozenset()))
    if hook.types:
        wanted &= Event.type.in_(hook.types.split())
    events, position = read_after(session, wanted, hook.position, LAG)
    if not events:
        return ([], position) if position >= hook.position + LAG else None
    waiting = session.scalar(
        select(func.count()).where(Delivery.webhook == hook.id, Delivery.due.is_not(None))
    )
    if (waiting or 0) >= MAX_WAITING:
        return None
    return [event.id for event in events], position


def _forget(session: Session, hook: Webhook) -> None:
    """Delete the oldest letters that are done."""
    done = (Delivery.webhook == hook.id, Delivery.due.is_(None))
    oldest = session.scalar(
        select(Delivery.event).where(*done).order_by(Delivery.event.desc()).offset(KEPT).limit(1)
    )
    if oldest is not None:
        session.execute(delete(Delivery).where(*done, Delivery.event <= oldest))
