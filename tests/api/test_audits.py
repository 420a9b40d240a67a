"""Audits: who may ask, answer, decline and withdraw, and what each side sees."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tests.api.asking import (
    AUDITOR,
    TENANT,
    answer,
    answer_to,
    audit_now,
    events,
    nothing_stored,
    open_audit,
    problem_of,
    question,
    submit,
)
from tests.api.running import Market, Running, running, settings
from zkcollateral.api.store.tables import Audit
from zkcollateral.risk.clock import format_time, now


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(settings(tmp_path_factory.mktemp("audits"))) as started:
        yield started


@pytest.fixture(scope="module")
def market(service: Running) -> Market:
    return Market.at_service(service)


def act(
    service: Running, audit: dict[str, Any], what: str, scope: Any, tenant: str, reason: str = ""
) -> Any:
    body = {"json": {"reason": reason}} if reason else {}
    with service.client(scope, tenant=tenant) as client:
        return client.post(f"/v1/audits/{audit['id']}/{what}", **body)


def overdue(service: Running, audit: dict[str, Any]) -> None:
    """Let the deadline of an audit pass; whether that is noted is up to the sweeper."""
    with service.service.store.write() as writer:
        past = update(Audit).where(Audit.id == audit["id"])
        writer.session.execute(past.values(deadline=writer.at - timedelta(seconds=1)))


def told(service: Running, type_: str, audit: dict[str, Any]) -> list[str | None]:
    """To whom events of a type about an audit are shown."""
    return [event.tenants for event in events(service, type_) if audit["id"] in event.data]


def test_an_audit_is_opened_with_a_fresh_nonce(service: Running, market: Market) -> None:
    first, second = open_audit(service, market), open_audit(service, market, max_attempts="1")
    assert first == {
        **question(market, deadline=first["deadline"]),
        "id": first["id"],
        "state": "open",
        "auditor": AUDITOR,
        "nonce": first["nonce"],
        "opened": first["opened"],
        "attempts": "0",
        "max_attempts": "3",
    }
    assert second["max_attempts"] == "1"
    assert len({first["id"], second["id"], first["nonce"], second["nonce"]}) == 4
    assert {len(first["id"]), len(first["nonce"])} == {32}
    assert audit_now(service, first) == first
    assert told(service, "audit.opened", first) == [f"|{TENANT}|{AUDITOR}|"]


def test_the_audience_is_the_services_own_name_or_else_the_auditors(
    service: Running, market: Market, tmp_path: Path
) -> None:
    body = question(market)
    del body["audience"]
    with service.client("auditor", tenant="bank-7") as auditor:
        assert auditor.post("/v1/audits", json=body).json()["audience"] == "bank-7"
    with running(settings(tmp_path, audience="the-service")) as named:
        Market.at_service(named)
        with named.client("auditor", tenant="bank-7") as auditor:
            assert auditor.post("/v1/audits", json=body).json()["audience"] == "the-service"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"deadline": -1}, "time-unusable"),
        ({"deadline": 0}, "time-unusable"),
        ({"deadline": 367 * 86_400}, "time-unusable"),
        ({"policy": "5e" * 32}, "policy-not-accepted"),
        ({"policy": "5e"}, "document-invalid"),
        ({"claim": "another"}, "claim-not-asked"),
        ({"max_attempts": "0"}, "document-invalid"),
        ({"max_attempts": "11"}, "document-invalid"),
        ({"nonce": "mine"}, "document-invalid"),
        ({"prover": "a|b"}, "document-invalid"),
        ({"audience": ""}, "document-invalid"),
    ],
)
def test_what_cannot_be_asked(
    service: Running, market: Market, changes: dict[str, Any], problem: str
) -> None:
    if "deadline" in changes:
        changes = {"deadline": format_time(now() + timedelta(seconds=changes["deadline"]))}
    opened = len(events(service, "audit.opened"))
    with service.client("auditor") as auditor:
        response = auditor.post("/v1/audits", json=question(market, **changes))
    assert problem_of(response) == problem, response.text
    assert len(events(service, "audit.opened")) == opened


def test_an_audit_is_opened_once_however_often_it_is_asked_for(
    service: Running, market: Market
) -> None:
    body, headers = question(market), {"Idempotency-Key": "one"}
    opened = len(events(service, "audit.opened"))
    with service.client("auditor", tenant="forgetful") as auditor:
        first, second = (auditor.post("/v1/audits", json=body, headers=headers) for _ in range(2))
    assert first.json() == second.json()
    assert first.headers["location"] == second.headers["location"]
    assert len(events(service, "audit.opened")) == opened + 1


def test_a_registry_is_no_policy(service: Running, market: Market) -> None:
    with service.client("auditor") as auditor:
        body = question(market, policy=market.policy.registry)
        assert problem_of(auditor.post("/v1/audits", json=body)) == "policy-not-accepted"


@pytest.mark.parametrize("directly", [True, False])
def test_an_answer_by_its_audit_and_one_by_its_nonce(
    service: Running, market: Market, directly: bool
) -> None:
    audit = open_audit(service, market)
    attestation = answer_to(market, audit)
    response = answer(service, audit, attestation) if directly else submit(service, attestation)
    assert response.status_code == 201, response.text
    assert response.json()["attestation"]["audit"] == audit["id"]
    assert response.headers["location"] == f"/v1/attestations/{attestation.identity}"
    seen = audit_now(service, audit)
    assert (seen["state"], seen["attestation"]) == ("answered", attestation.identity)
    assert seen["closed"] >= audit["opened"]
    assert told(service, "audit.answered", audit) == [f"|{TENANT}|{AUDITOR}|"]
    with nothing_stored(service):
        again = answer(service, audit, attestation)
    assert (again.status_code, again.json()["new"]) == (200, False)


def test_refused_answers_are_counted_and_the_last_one_fails_the_audit(
    service: Running, market: Market
) -> None:
    audit = open_audit(service, market, max_attempts="2")
    bad = answer_to(market, audit, audience="lender-8")
    assert problem_of(answer(service, audit, bad)) == "audience-wrong"
    assert (audit_now(service, audit)["state"], audit_now(service, audit)["attempts"]) == (
        "open",
        "1",
    )
    assert problem_of(submit(service, bad)) == "audience-wrong"
    seen = audit_now(service, audit)
    assert (seen["state"], seen["attempts"]) == ("failed", "2")
    assert told(service, "audit.failed", audit) == [f"|{TENANT}|{AUDITOR}|"]
    with nothing_stored(service):
        assert problem_of(answer(service, audit, answer_to(market, audit))) == "audit-closed"
    # Both sides are told of every refusal that counts.
    counted = f"|{TENANT}|{AUDITOR}|"
    assert told(service, "attestation.refused", audit) == [counted, counted, f"|{TENANT}|"]


def test_an_audit_that_is_declined(service: Running, market: Market) -> None:
    audit = open_audit(service, market)
    declined = act(service, audit, "decline", "prover", TENANT, "closed last week")
    assert declined.status_code == 200
    assert (declined.json()["state"], declined.json()["reason"]) == ("failed", "closed last week")
    assert audit_now(service, audit) == declined.json()
    assert told(service, "audit.failed", audit) == [f"|{TENANT}|{AUDITOR}|"]
    again = act(service, audit, "decline", "prover", TENANT, "again")
    assert problem_of(again) == "state-conflict"
    assert problem_of(act(service, audit, "withdraw", "auditor", AUDITOR)) == "state-conflict"
    assert problem_of(answer(service, audit, answer_to(market, audit))) == "audit-closed"


def test_an_audit_that_is_withdrawn(service: Running, market: Market) -> None:
    audit = open_audit(service, market)
    withdrawn = act(service, audit, "withdraw", "auditor", AUDITOR)
    assert (withdrawn.status_code, withdrawn.json()["state"]) == (200, "withdrawn")
    assert told(service, "audit.withdrawn", audit) == [f"|{TENANT}|{AUDITOR}|"]
    assert problem_of(answer(service, audit, answer_to(market, audit))) == "audit-closed"
    assert problem_of(submit(service, answer_to(market, audit))) == "audit-closed"
    assert audit_now(service, audit)["attempts"] == "0"


def test_an_audit_whose_deadline_has_passed(service: Running, market: Market) -> None:
    audit = open_audit(service, market)
    attestation = answer_to(market, audit)
    overdue(service, audit)
    seen = audit_now(service, audit)
    assert (seen["state"], seen["closed"]) == ("expired", seen["deadline"])
    with nothing_stored(service):
        assert problem_of(answer(service, audit, attestation)) == "audit-closed"
    refused = act(service, audit, "decline", "prover", TENANT, "too late")
    assert problem_of(refused) == "state-conflict"
    with service.client("auditor", tenant=AUDITOR) as auditor:
        for state, there in (("expired", True), ("open", False)):
            items = auditor.get("/v1/audits", params={"state": state}).json()["items"]
            assert (audit["id"] in {item["id"] for item in items}) is there


@pytest.mark.parametrize(
    ("what", "scope", "tenant", "problem"),
    [
        ("decline", "prover", "intruder", "other-tenant"),
        ("decline", "prover", AUDITOR, "other-tenant"),
        ("decline", "auditor", TENANT, "scope-missing"),
        ("withdraw", "auditor", "intruder", "other-tenant"),
        ("withdraw", "auditor", TENANT, "other-tenant"),
        ("withdraw", "prover", AUDITOR, "scope-missing"),
        ("withdraw", "admin", AUDITOR, "scope-missing"),
    ],
)
def test_who_may_not_end_an_audit(
    service: Running, market: Market, what: str, scope: str, tenant: str, problem: str
) -> None:
    audit = open_audit(service, market)
    reason = "because" if what == "decline" else ""
    assert problem_of(act(service, audit, what, scope, tenant, reason)) == problem
    assert audit_now(service, audit) == audit


def test_who_may_see_an_audit(service: Running, market: Market) -> None:
    audit = open_audit(service, market, tenant="seer", prover="seen")
    address = f"/v1/audits/{audit['id']}"
    for scope, tenant, sees in (
        ("auditor", "seer", True),
        ("prover", "seen", True),
        ("admin", "ops", True),
        ("auditor", "intruder", False),
        ("prover", "intruder", False),
    ):
        with service.client(scope, tenant=tenant) as client:  # type: ignore[arg-type]
            one, all_ = client.get(address), client.get("/v1/audits")
        listed = audit["id"] in {item["id"] for item in all_.json()["items"]}
        assert listed is sees
        if sees:
            assert one.json() == audit
        else:
            assert problem_of(one) == "other-tenant"
            # Neither nonce nor who asks whom is in it.
            assert not any(text in one.text for text in (audit["nonce"], "seer", "seen"))
    with service.client() as nobody:
        assert problem_of(nobody.get(address)) == "key-missing"
        assert problem_of(nobody.get("/v1/audits")) == "key-missing"


def test_an_audit_that_there_is_not(service: Running) -> None:
    with service.client("auditor", "prover", "admin") as client:
        assert problem_of(client.get(f"/v1/audits/{'5e' * 16}")) == "not-found"
        assert problem_of(client.post(f"/v1/audits/{'5e' * 16}/withdraw")) == "not-found"
        assert problem_of(client.get("/v1/audits/x%00")) == "parameter-invalid"


def test_a_list_in_pages(service: Running, market: Market) -> None:
    opened = [open_audit(service, market, tenant="pager")["id"] for _ in range(5)]
    found: list[str] = []
    cursor: dict[str, str] = {}
    with service.client("auditor", tenant="pager") as auditor:
        while True:
            page = auditor.get("/v1/audits", params={"limit": "2", **cursor}).json()
            found += [item["id"] for item in page["items"]]
            if "next" not in page:
                break
            cursor = {"cursor": page["next"]}
    assert found == opened[::-1]
