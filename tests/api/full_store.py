"""A service in which everything has happened that leaves a row, as it really happens."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from tests.api.asking import (
    answer,
    answer_to,
    issued_at,
    open_audit,
    post_commitment,
    retire,
    submit,
)
from tests.api.running import Market, Running
from zkcollateral.api.api_keys import revoke as revoke_key
from zkcollateral.api.letters import new_secret
from zkcollateral.api.store.store import Store
from zkcollateral.api.store.tables import ApiKey, Delivery, Webhook
from zkcollateral.api.sweeper import Sweeper
from zkcollateral.risk.clock import format_time, now


def fill(service: Running) -> Market:
    """Let everything happen that comes over HTTP; `letters` adds the rest."""
    other = Market.at_service(service, name="other")
    market = Market.at_service(service)
    audits(service, market)
    # What comes now has other times: the same second could hide that something is missing.
    wait_for_the_next_second()
    evidence(service, market)
    coverage(service, market)
    wait_for_the_next_second()
    retire(service, other.venues["desk"], now() - timedelta(seconds=1))
    Sweeper(service.service).sweep()
    return market


def wait_for_the_next_second() -> None:
    """Wait until the clock shows another time."""
    at = now()
    while now() == at:
        time.sleep(0.02)


def audits(service: Running, market: Market) -> None:
    """One in every state."""
    for _ in range(2):
        audit = open_audit(service, market)
        assert answer(service, audit, answer_to(market, audit)).status_code == 201
    open_audit(service, market)
    failing = open_audit(service, market, max_attempts="1")
    refused = answer(service, failing, answer_to(market, failing, audience="lender-8"))
    assert refused.status_code == 422, refused.text
    withdrawn = open_audit(service, market)
    open_audit(service, market, deadline=format_time(now() + timedelta(seconds=2)))
    with service.client("auditor", tenant="lender") as auditor:
        auditor.post(f"/v1/audits/{withdrawn['id']}/withdraw").raise_for_status()


def evidence(service: Running, market: Market) -> None:
    """Reports, a round, and commitments that supersede."""
    at = now()
    for oracle in market.oracles:
        with service.client("oracle", tenant=oracle, name=oracle) as client:
            report = market.report(oracle, at).to_json_value()
            headers = {"Idempotency-Key": oracle}
            client.post("/v1/price-rounds/reports", json=report, headers=headers).raise_for_status()
    for seconds in (40, 50, 30):
        post_commitment(service, market, "acct-9", at - timedelta(seconds=seconds))


def coverage(service: Running, market: Market) -> None:
    """Attestations that supersede, come late, are revoked, and lapse."""
    at = now()
    for seconds in (20, 10, 15):
        time_ = at - timedelta(seconds=seconds)
        assert submit(service, issued_at(market, at, time_)).status_code == 201
    early = issued_at(market, at - timedelta(seconds=5), at - timedelta(seconds=20))
    assert submit(service, early).status_code == 201
    two = market.attestation(
        market.vouched("desk", account="a-1", as_of=at), market.vouched("bank", as_of=at), at=at
    )
    revoked = submit(service, two)
    assert revoked.status_code == 201, revoked.text
    with service.client("admin") as admin:
        path = f"{revoked.headers['location']}/revoke"
        admin.post(path, json={"reason": "an error"}).raise_for_status()
    at = now()
    holding = market.vouched(account="short", as_of=at)
    short = market.attestation(holding, at=at, expires_in=3)
    assert submit(service, short).status_code == 201
    while now() < short.claim.expires:
        time.sleep(0.02)
    Sweeper(service.service).sweep()


def letters(store: Store) -> None:
    """Webhooks with letters that wait, that arrived, that did not; an API key that is revoked.

    To be called when nothing sends letters any more.
    """
    for number, types in enumerate(("attestation.accepted coverage.lost", "")):
        with store.write() as writer:
            event = writer.emit("round.refused", {"report": format_time(writer.at)})
            hook = Webhook(
                id=format(number, "032x"),
                tenant="lender",
                url="https://example.org/hook",
                secret=new_secret(),
                types=types,
                created=writer.at,
                disabled=writer.at if number else None,
                position=event,
            )
            writer.session.add(hook)
            writer.session.flush()
            fields: dict[str, Any] = {"webhook": hook.id, "event": event - 1}
            if number:
                fields |= {"attempts": 8, "due": None, "outcome": "500"}
                writer.session.add(Delivery(**fields, delivered=None))
                continue
            writer.session.add(Delivery(**fields, attempts=1, delivered=writer.at, outcome="204"))
            fields["event"] = event
            writer.session.add(Delivery(**fields, attempts=0, due=writer.at))
    with store.write() as writer:
        key = writer.session.scalars(select(ApiKey.id).order_by(ApiKey.number).limit(1)).one()
        revoke_key(writer, key)
