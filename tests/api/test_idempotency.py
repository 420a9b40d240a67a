"""Posts with an Idempotency-Key: carried out once, answered as often as they are sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update

from tests.api.asking import problem_of
from tests.api.running import Market, Running, running, settings
from tests.world import World
from zkcollateral.api.access import Caller
from zkcollateral.api.api_keys import ApiKeyRequest, ApiKeyView, create
from zkcollateral.api.idempotency import KEPT, OneRequest
from zkcollateral.api.store.tables import ApiKey, Base, IdempotentAnswer
from zkcollateral.risk.clock import now

REQUEST = {"tenant": "holder", "scopes": ["prover"]}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Running]:
    with running(settings(tmp_path)) as started:
        yield started


def post(
    client: httpx.Client, key: str, body: dict[str, Any] = REQUEST, path: str = "/v1/api-keys"
) -> httpx.Response:
    return client.post(path, json=body, headers={"Idempotency-Key": key})


def count(service: Running, table: type[Base]) -> int:
    with service.service.store.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_the_same_request_is_carried_out_once(service: Running) -> None:
    with service.client("admin") as admin:
        before = count(service, ApiKey)
        first, second = post(admin, "a"), post(admin, "a")
        assert count(service, ApiKey) == before + 1
        other = post(admin, "b")
    assert (first.status_code, second.status_code) == (201, 201)
    shown = first.json()
    assert shown.pop("key").startswith("zkc_")
    # The key is shown once and kept nowhere: it cannot be in the answer that was stored.
    assert second.json() == shown
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["cache-control"] == "no-store"
    assert other.json()["id"] != shown["id"]


def test_every_creating_resource_takes_part(service: Running) -> None:
    market = Market.at_service(service)
    world = World()
    world.policy_value["name"] = "other"
    registry = {**world.registry.to_json_value(), "name": "other"}
    vouch = market.vouched(as_of=now()).commitment
    trusted = {**market.trust_value()["keys"][0], "name": "third"}
    trusted["public_key"] = World().oracles["north"].public.raw.hex()
    posts = {
        "/v1/registries": registry,
        "/v1/policies": {**market.policy.to_json_value(), "name": "other"},
        "/v1/trust/keys": trusted,
        "/v1/price-rounds/reports": market.report("north", now()).to_json_value(),
        "/v1/commitments": vouch.to_json_value(),  # type: ignore[union-attr]
        "/v1/api-keys": REQUEST,
    }
    with service.client("admin") as admin:
        for number, (path, body) in enumerate(posts.items()):
            first = post(admin, f"key {number}", body, path)
            assert first.status_code == 201, (path, first.text)
            again = post(admin, f"key {number}", body, path)
            # Without the stored answer all but one of them would be answered 200.
            assert again.status_code == 201, path
            assert again.headers["idempotency-replayed"] == "true"
            assert {**again.json(), "key": None} == {**first.json(), "key": None}
            # And what is there already is answered as such, and that is kept too.
            if path != "/v1/api-keys":
                known = post(admin, f"other {number}", body, path)
                assert known.status_code == 200
                assert post(admin, f"other {number}", body, path).status_code == 200


def test_another_request_under_the_same_key_is_refused(service: Running) -> None:
    with service.client("admin") as admin:
        post(admin, "a").raise_for_status()
        before = count(service, ApiKey)
        for body in ({**REQUEST, "tenant": "other"}, {**REQUEST, "scopes": ["auditor"]}):
            refused = post(admin, "a", body)
            assert (refused.status_code, problem_of(refused)) == (409, "idempotency-conflict")
        registry = World().registry.to_json_value()
        elsewhere = post(admin, "a", registry, "/v1/registries")
        assert problem_of(elsewhere) == "idempotency-conflict"
        assert admin.get("/v1/registries").json()["items"] == []
    assert count(service, ApiKey) == before


def test_tenants_do_not_meet_in_their_keys(service: Running) -> None:
    with (
        service.client("admin", tenant="one") as one,
        service.client("admin", tenant="two") as two,
    ):
        mine, theirs = post(one, "a"), post(two, "a")
        assert mine.json()["id"] != theirs.json()["id"]
        assert "key" in theirs.json()
        assert post(two, "a", {**REQUEST, "tenant": "x"}).status_code == 409


def test_a_refusal_is_not_kept(service: Running) -> None:
    market = World()
    policy = market.policy.to_json_value()
    with service.client("admin") as admin:
        refused = post(admin, "a", policy, "/v1/policies")
        assert problem_of(refused) == "registry-unknown"
        assert count(service, IdempotentAnswer) == 0
        admin.post("/v1/registries", json=market.registry.to_json_value()).raise_for_status()
        assert post(admin, "a", policy, "/v1/policies").status_code == 201


def test_whoever_may_not_create_gets_no_stored_answer(service: Running) -> None:
    with service.client("admin") as admin, service.client("prover") as prover:
        post(admin, "a").raise_for_status()
        assert problem_of(post(prover, "a")) == "scope-missing"


def test_the_key_is_new_after_a_day_and_old_answers_are_forgotten(service: Running) -> None:
    with service.client("admin") as admin:
        first = post(admin, "a").json()["id"]
        post(admin, "b")
        with service.service.store.write() as writer:
            writer.session.execute(
                update(IdempotentAnswer).values(created=writer.at - KEPT + timedelta(minutes=1))
            )
        assert post(admin, "a").json()["id"] == first
        with service.service.store.write() as writer:
            writer.session.execute(update(IdempotentAnswer).values(created=writer.at - KEPT))
        later = post(admin, "a", {**REQUEST, "tenant": "other"})
        assert later.status_code == 201
        assert later.json()["id"] != first
    assert count(service, IdempotentAnswer) == 1


@pytest.mark.parametrize("key", ["", "x" * 129, "täglich".encode(), b"a\tb"])
def test_a_key_is_printable_and_short(key: str | bytes, service: Running) -> None:
    with service.client("admin") as admin:
        headers: list[tuple[bytes, bytes]] = [
            (b"Idempotency-Key", key.encode() if isinstance(key, str) else key)
        ]
        answer = admin.post("/v1/api-keys", json=REQUEST, headers=headers)
        assert (answer.status_code, problem_of(answer)) == (422, "parameter-invalid")
        assert post(admin, "~" * 128).status_code == 201


def test_of_requests_at_once_one_creates(tmp_path: Path, database_url: str) -> None:
    senders = 8
    with running(settings(tmp_path, database_url)) as service:
        key = service.key("admin")
        before = count(service, ApiKey)
        ready = threading.Barrier(senders)

        def send(_: int) -> httpx.Response:
            with httpx.Client(
                base_url=service.url, headers={"Authorization": f"Bearer {key}"}, timeout=30
            ) as client:
                ready.wait(10)
                return post(client, "a")

        with ThreadPoolExecutor(senders) as threads:
            answers = list(threads.map(send, range(senders)))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["id"] for answer in answers}) == 1
        # Only one of them was the first, and saw the key.
        assert sum("key" in answer.json() for answer in answers) == 1
        assert count(service, ApiKey) == before + 1


def test_answer_and_creation_are_stored_together_or_not_at_all(
    tmp_path: Path, database_url: str
) -> None:
    caller = Caller("ops", frozenset({"admin"}))
    request = ApiKeyRequest.model_validate(REQUEST)
    with running(settings(tmp_path, database_url)) as service:
        store = service.service.store
        counts = (count(service, ApiKey), count(service, IdempotentAnswer))
        response = httpx.Response(200)
        once = OneRequest("a", "0" * 64, response)  # type: ignore[arg-type]
        response.status_code = 201

        def interrupted() -> None:
            with store.write() as writer:
                once.answer(writer, caller, ApiKeyView, lambda: create(writer, request))
                kept = select(func.count()).select_from(IdempotentAnswer)
                assert writer.session.scalar(kept) == 1
                raise RuntimeError("killed here")

        with pytest.raises(RuntimeError, match="killed here"):
            interrupted()
        assert (count(service, ApiKey), count(service, IdempotentAnswer)) == counts


def test_nothing_secret_is_in_the_stored_answer(service: Running) -> None:
    with service.client("admin") as admin:
        secret = post(admin, "a").json()["key"].split("_", 2)[2]
    with service.service.store.read() as session:
        kept = session.scalars(select(IdempotentAnswer)).one()
    assert b'"tenant":"holder"' in kept.body
    assert b"key" not in kept.body
    assert secret.encode() not in kept.body
