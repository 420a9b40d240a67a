"""Webhooks: addresses of a tenant to which events are sent."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from fastapi import APIRouter, Depends, Path, Response
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from ...crypto.randomness import random_bytes
from ...risk.document import Part
from ...risk.values import Several
from .. import examples
from ..access import AnyCaller, Caller, TheService
from ..addresses import AddressError, read_url
from ..bodies import body, takes
from ..events import EventType, last_event
from ..idempotency import Once
from ..letters import new_secret
from ..paging import Cursor, Limit, page
from ..problems import Problem
from ..store.tables import Delivery, Event, Webhook
from ..store.writer import Writer
from ..views import DeliveryPage, DeliveryState, DeliveryView, WebhookPage, WebhookView

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

MAX_WEBHOOKS: Final = 20
"""Of one tenant."""

WebhookId: TypeAlias = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]


class NewWebhook(Part):
    """Where events are to be sent, and which: without types, all that the tenant may see."""

    url: str
    types: Several[EventType] = ()


@router.post(
    "",
    status_code=201,
    summary="Make a webhook",
    openapi_extra=takes(NewWebhook, examples.WEBHOOK),
)
def make_webhook(
    caller: AnyCaller,
    wanted: Annotated[NewWebhook, Depends(body(NewWebhook))],
    once: Once,
    service: TheService,
    response: Response,
) -> WebhookView:
    """Let events be sent to an address from now on, signed as "Standard Webhooks" has it.

    The address has to be public and answer over https. A letter is delivered when it is answered
    2xx; else it is sent again after 5 seconds, and then after four times as long each time, at most
    8 times in all. Letters come in order, at least once, and with the same `webhook-id` each time.
    The secret is shown only here.
    """
    private = service.settings.webhooks_to_private_addresses
    try:
        read_url(wanted.url, private=private)
    except AddressError as error:
        raise Problem("webhook-unusable", f"url: {error}") from None
    with service.store.write() as writer:
        made = once.answer(
            writer,
            caller,
            WebhookView,
            lambda: _make(writer, caller, wanted),
            secrets=("secret",),
        )
    response.headers["Location"] = f"/v1/webhooks/{made.id}"
    return made


@router.get("", summary="List webhooks")
def list_webhooks(caller: AnyCaller, service: TheService) -> WebhookPage:
    """The webhooks of the tenant, the oldest first."""
    with service.store.read() as session:
        rows = session.scalars(
            select(Webhook)
            .where(Webhook.tenant == caller.tenant)
            .order_by(Webhook.created, Webhook.id)
        )
        return WebhookPage(items=tuple(map(_view, rows)))


@router.delete("/{id}", status_code=204, summary="Delete a webhook")
def delete_webhook(id: WebhookId, caller: AnyCaller, service: TheService) -> None:  # noqa: A002
    """Send nothing more to an address, and forget what was sent."""
    with service.store.write() as writer:
        hook = _find(writer.session, caller, id)
        writer.session.execute(delete(Delivery).where(Delivery.webhook == id))
        writer.session.delete(hook)


@router.get("/{id}/deliveries", summary="List deliveries")
def list_deliveries(
    id: WebhookId,  # noqa: A002
    caller: AnyCaller,
    service: TheService,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> DeliveryPage:
    """What was sent or waits to be sent, the newest events first; the last 1,000 that are done."""
    with service.store.read() as session:
        _find(session, caller, id)
        query = select(Delivery).where(Delivery.webhook == id)
        rows, following = page(session, query, Delivery.event, limit=limit, cursor=cursor)
        told = select(Event.id, Event.type).where(Event.id.in_([row.event for row in rows]))
        types = {row.id: row.type for row in session.execute(told)}
        items = tuple(_delivery_view(row, types[row.event]) for row in rows)
        return DeliveryPage(items=items, next=following)


def _make(writer: Writer, caller: Caller, wanted: NewWebhook) -> WebhookView:
    """Store a new webhook.

    The secret is stored as it is: to sign with it, it has to be known. With it one can only deceive
    this one receiver about what happened.
    """
    session = writer.session
    there = session.scalar(select(func.count()).where(Webhook.tenant == caller.tenant))
    if (there or 0) >= MAX_WEBHOOKS:
        raise Problem("too-many-webhooks", f"at most {MAX_WEBHOOKS}; delete one of them")
    hook = Webhook(
        id=random_bytes(16).hex(),
        tenant=caller.tenant,
        url=wanted.url,
        secret=new_secret(),
        types=" ".join(sorted(set(wanted.types))),
        created=writer.at,
        disabled=None,
        position=last_event(session),
    )
    session.add(hook)
    return _view(hook, hook.secret)


def _find(session: Session, caller: Caller, id_: str) -> Webhook:
    hook = session.get(Webhook, id_)
    if hook is None:
        raise Problem("not-found", "there is no webhook with this id")
    if hook.tenant != caller.tenant:
        raise Problem("other-tenant", "the webhook belongs to another tenant")
    return hook


def _view(hook: Webhook, secret: str | None = None) -> WebhookView:
    return WebhookView(
        id=hook.id,
        url=hook.url,
        types=tuple(hook.types.split()),
        created=hook.created,
        disabled=hook.disabled,
        secret=secret,
    )


def _delivery_view(row: Delivery, type_: str) -> DeliveryView:
    state: DeliveryState = "given-up" if row.delivered is None else "delivered"
    return DeliveryView(
        event=row.event,
        type=type_,
        state=state if row.due is None else "waiting",
        attempts=row.attempts,
        due=row.due,
        delivered=row.delivered,
        outcome=row.outcome,
    )
