"""Trusted keys over HTTP: added, listed and retired, and what a retirement revokes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.asking import coverage, events, problem_of, submit
from tests.api.running import Market, Running, running, settings
from tests.api.test_rounds import DAY, seconds, trusted
from tests.world import srs
from zkcollateral.api.access import SCOPES, Scope
from zkcollateral.circuits.claim import document_digest
from zkcollateral.crypto.signature import SigningKey
from zkcollateral.risk.clock import format_time, now
from zkcollateral.verifier.bundle import Bundle, verify_bundle
from zkcollateral.verifier.examination import Expectation
from zkcollateral.verifier.trust import Trust


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Running]:
    with running(settings(tmp_path)) as started:
        yield started


@pytest.fixture
def admin(service: Running) -> Iterator[httpx.Client]:
    with service.client("admin") as client:
        yield client


def key_value(**changes: Any) -> dict[str, Any]:
    """The body that adds a key."""
    return {
        "role": "oracle",
        "name": "north",
        "public_key": SigningKey.generate().public.raw.hex(),
        "valid_from": format_time(now() - DAY),
        "valid_until": format_time(now() + DAY),
        **changes,
    }


def log_entry(client: httpx.Client, index: int | str) -> dict[str, Any]:
    value: dict[str, Any] = client.get(f"/v1/log/entries/{index}").raise_for_status().json()
    entry: dict[str, Any] = value["entry"]
    return entry


def newest_entries(service: Running, client: httpx.Client, since: int) -> list[dict[str, Any]]:
    with service.service.store.write() as writer:
        size = writer.log_size
    return [log_entry(client, index) for index in range(since, size)]


def log_size(service: Running) -> int:
    with service.service.store.write() as writer:
        return writer.log_size


@pytest.mark.parametrize("role", ["custodian", "oracle", "log"])
def test_a_key_is_added_and_logged(role: str, service: Running, admin: httpx.Client) -> None:
    value = key_value(role=role)
    answer = admin.post("/v1/trust/keys", json=value)
    assert answer.status_code == 201
    view = answer.json()
    assert {name: view[name] for name in value} == value
    assert {"retired", "reason"}.isdisjoint(view)
    entry = log_entry(admin, view["log_index"])
    assert entry["format"] == "zkcollateral/log-trust/1"
    assert entry["change"] == "added"
    assert {name: entry[name] for name in value} == value
    with service.client() as reader:
        assert reader.get(f"/v1/trust/keys/{view['key_id']}").json() == view
        listed = reader.get("/v1/trust/keys", params={"role": role, "name": "north"}).json()
        assert listed == {"items": [view]}
        assert problem_of(reader.get(f"/v1/trust/keys/{'0' * 64}")) == "not-found"
        assert problem_of(reader.get("/v1/trust/keys/north")) == "parameter-invalid"
    size = log_size(service)
    again = admin.post("/v1/trust/keys", json=value)
    assert (again.status_code, again.json()) == (200, view)
    assert log_size(service) == size
    assert len(events(service, "trust.added")) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"role": "custodian"},
        {"name": "south"},
        {"valid_until": format_time(now() + 2 * DAY)},
        {"valid_from": format_time(now() - 2 * DAY)},
    ],
)
def test_a_key_stays_what_it_was_added_as(
    change: dict[str, str], service: Running, admin: httpx.Client
) -> None:
    value = key_value()
    view = admin.post("/v1/trust/keys", json=value).json()
    size = log_size(service)
    refused = admin.post("/v1/trust/keys", json={**value, **change})
    assert (refused.status_code, problem_of(refused)) == (409, "exists-differently")
    assert admin.get(f"/v1/trust/keys/{view['key_id']}").json() == view
    assert log_size(service) == size


@pytest.mark.parametrize(
    "change",
    [
        {"role": "auditor"},
        {"name": "no spaces"},
        {"public_key": "00" * 31},
        {"public_key": "01" + "00" * 31},  # of order 1: anybody can sign for it
        {"public_key": "ff" * 32},
        {"valid_until": "2020-01-01T00:00:00Z"},
        {"valid_from": "yesterday"},
        {"retired": None},
        {"role": "log", "name": "log+other"},  # no name that a signed note takes
    ],
)
def test_what_is_no_key(change: dict[str, Any], service: Running, admin: httpx.Client) -> None:
    size = log_size(service)
    refused = admin.post("/v1/trust/keys", json=key_value(**change))
    assert problem_of(refused) == "document-invalid"
    assert log_size(service) == size


@pytest.mark.parametrize("scope", sorted(set(SCOPES) - {"admin"}))
def test_only_admins_change_trust(scope: Scope, service: Running, admin: httpx.Client) -> None:
    view = admin.post("/v1/trust/keys", json=key_value()).json()
    retirement = f"/v1/trust/keys/{view['key_id']}/retire"
    with service.client(scope, name="north") as client, service.client() as nobody:
        for who, problem in ((client, "scope-missing"), (nobody, "key-missing")):
            assert problem_of(who.post("/v1/trust/keys", json=key_value())) == problem
            assert problem_of(who.post(retirement, json={"reason": "x"})) == problem
            assert who.get("/v1/trust/keys").status_code == 200
    assert admin.get(f"/v1/trust/keys/{view['key_id']}").json() == view


def test_keys_are_listed_page_by_page(service: Running, admin: httpx.Client) -> None:
    Market.at_service(service)
    everything = admin.get("/v1/trust/keys").json()["items"]
    seen: list[Any] = []
    params = {"limit": "2"}
    while True:
        page = admin.get("/v1/trust/keys", params=params).json()
        seen += page["items"]
        if "next" not in page:
            break
        params["cursor"] = page["next"]
    assert seen == everything
    assert {item["role"] for item in seen} == {"log", "oracle", "custodian"}
    indices = [int(item["log_index"]) for item in seen]
    assert indices == sorted(indices, reverse=True)
    venues = admin.get("/v1/trust/keys", params={"role": "custodian"}).json()["items"]
    assert {item["name"] for item in venues} == {"bank", "desk", "vault"}
    assert problem_of(admin.get("/v1/trust/keys", params={"role": "x"})) == "parameter-invalid"


def test_the_trust_document_is_what_a_verifier_takes(
    tmp_path: Path,
) -> None:
    with running(settings(tmp_path, audience="ledger")) as service:
        market = Market.at_service(service)
        with service.client() as reader:
            answer = reader.get("/v1/trust")
            trust = Trust.from_json_value(answer.json(), "trust")
            assert trust.audience == "ledger"
            assert trust.policies == (document_digest(market.policy),)
            assert len(trust.keys) == 6
            assert answer.headers["etag"] == f'"{document_digest(trust)}"'
            assert answer.headers["cache-control"] == "public, no-cache"
            tag = {"If-None-Match": answer.headers["etag"]}
            assert reader.get("/v1/trust", headers=tag).status_code == 304
            accepted = submit(service, market.attestation(audience="ledger"))
            assert accepted.status_code == 201, accepted.text
            location = accepted.headers["location"]
            bundle = Bundle.from_bytes(reader.get(f"{location}/bundle").content)
            report = verify_bundle(bundle, trust, srs(), Expectation(now()))
            assert report.valid, report.to_json_value()
            trusted(service, "east")
            changed = reader.get("/v1/trust", headers=tag)
            assert changed.status_code == 200
            assert len(changed.json()["keys"]) == 7


def retire(
    admin: httpx.Client, key: SigningKey | str, reason: str = "it leaked", **fields: str
) -> httpx.Response:
    key_id = key if isinstance(key, str) else key.key_id
    body = {"reason": reason, **fields}
    return admin.post(f"/v1/trust/keys/{key_id}/retire", json=body)


def test_a_retired_key_keeps_its_record(service: Running, admin: httpx.Client) -> None:
    view = admin.post("/v1/trust/keys", json=key_value()).json()
    before, size = now(), log_size(service)
    retired = retire(admin, view["key_id"]).raise_for_status().json()
    assert retired == {
        **view,
        "valid_until": retired["retired"],
        "retired": retired["retired"],
        "reason": "it leaked",
    }
    assert format_time(before) <= retired["retired"] <= format_time(now())
    assert admin.get(f"/v1/trust/keys/{view['key_id']}").json() == retired
    (entry,) = newest_entries(service, admin, size)
    assert (entry["change"], entry["valid_until"]) == ("retired", retired["valid_until"])
    assert "it leaked" not in json.dumps(entry)
    again = retire(admin, view["key_id"])
    assert (again.status_code, problem_of(again)) == (409, "state-conflict")
    # Nor does it come back by being added again, with its old window or the new one.
    for until in (view["valid_until"], retired["valid_until"]):
        value = {name: view[name] for name in key_value()} | {"valid_until": until}
        assert problem_of(admin.post("/v1/trust/keys", json=value)) == "exists-differently"
    assert problem_of(retire(admin, "0" * 64)) == "not-found"


def test_a_key_is_retired_within_its_window(service: Running, admin: httpx.Client) -> None:
    key = trusted(service, "north", since=-DAY, until=DAY)
    for until in (now() - 2 * DAY, now() + 2 * DAY):
        assert problem_of(retire(admin, key, until=format_time(until))) == "time-unusable"
    assert problem_of(retire(admin, key, reason="")) == "document-invalid"
    planned = format_time(now() + timedelta(hours=1))
    assert retire(admin, key, until=planned).json()["valid_until"] == planned
    ended = trusted(service, "north", since=-3 * DAY, until=-DAY)
    assert problem_of(retire(admin, ended)) == "time-unusable"
    assert retire(admin, ended, until=format_time(now() - 2 * DAY)).status_code == 200


def test_the_key_that_signs_the_log_is_not_retired(service: Running, admin: httpx.Client) -> None:
    own = service.service.store.signer.public.key.key_id
    refused = retire(admin, own)
    assert (refused.status_code, problem_of(refused)) == (409, "state-conflict")
    assert "retired" not in admin.get(f"/v1/trust/keys/{own}").json()
    assert retire(admin, trusted(service, "other-log", "log")).status_code == 200


def status(service: Running, id_: str) -> str:
    with service.client() as reader:
        return str(reader.get(f"/v1/attestations/{id_}").raise_for_status().json()["status"])


@pytest.mark.parametrize("who", ["custodian", "oracle"])
def test_retirement_revokes_what_rests_on_later_signatures(
    who: str, tmp_path: Path, database_url: str
) -> None:
    with running(settings(tmp_path, database_url)) as service, service.client("admin") as admin:
        market = Market.at_service(service)
        leaked = market.venues["bank"] if who == "custodian" else market.oracles["north"]
        at = now()
        # One before the leak, two after it, and one that has nothing to do with the key.
        kept = market.attestation(at=at - seconds(60))
        first = market.attestation(
            market.vouched(account="acct-2", as_of=at - seconds(20)), at=at - seconds(20)
        )
        second = market.attestation(
            market.vouched(account="acct-3", as_of=at - seconds(10)), at=at - seconds(10)
        )
        attestations = [kept, first, second]
        if who == "custodian":
            elsewhere = market.vouched("desk", account="acct-4", as_of=at - seconds(5))
            attestations.append(market.attestation(elsewhere, at=at - seconds(5)))
        ids = [
            submit(service, each).raise_for_status().json()["attestation"]["id"]
            for each in attestations
        ]
        assert {status(service, id_) for id_ in ids} == {"valid"}
        assert coverage(service, "acct-2")["covered"] is True
        size = log_size(service)
        until = format_time(at - seconds(40))
        assert retire(admin, leaked, until=until).status_code == 200
        expected = ["valid", "revoked", "revoked", "valid"][: len(ids)]
        assert [status(service, id_) for id_ in ids] == expected
        assert [
            coverage(service, f"acct-{number}")["covered"] for number in range(1, len(ids) + 1)
        ] == [each == "valid" for each in expected]
        retirement, *revocations = newest_entries(service, admin, size)
        assert (retirement["change"], retirement["valid_until"]) == ("retired", until)
        assert retirement["public_key"] == leaked.public.raw.hex()
        assert {entry["format"] for entry in revocations} == {"zkcollateral/log-revocation/1"}
        assert {entry["id"] for entry in revocations} == set(ids[1:3])
        lost = [json.loads(event.data) for event in events(service, "coverage.lost")]
        assert {each["attestation"] for each in lost} == set(ids[1:3])
        assert {each["reason"] for each in lost} == {"revoked"}
        told = [json.loads(event.data)["id"] for event in events(service, "attestation.revoked")]
        assert sorted(told) == sorted(ids[1:3])
        # What was refused from now on says why.
        after = market.attestation(market.vouched(account="acct-9", as_of=now()))
        assert problem_of(submit(service, after)) == "key-retired"


def test_retirement_now_leaves_what_was_signed_before(service: Running) -> None:
    market = Market.at_service(service)
    at = now() - seconds(5)
    id_ = submit(service, market.attestation(at=at)).json()["attestation"]["id"]
    with service.client("admin") as admin:
        retire(admin, market.venues["bank"], "rotation").raise_for_status()
    assert status(service, id_) == "valid"
    assert events(service, "coverage.lost") == []


def test_what_is_over_anyway_is_not_revoked_again(service: Running) -> None:
    market = Market.at_service(service)
    at = now() - seconds(20)
    id_ = submit(service, market.attestation(at=at)).json()["attestation"]["id"]
    with service.client("admin") as admin:
        path = f"/v1/attestations/{id_}/revoke"
        admin.post(path, json={"reason": "by hand"}).raise_for_status()
        size = log_size(service)
        until = format_time(at - seconds(60))
        retire(admin, market.venues["bank"], until=until).raise_for_status()
        (entry,) = newest_entries(service, admin, size)
        assert entry["change"] == "retired"
        assert admin.get(f"/v1/attestations/{id_}").json()["revoked_reason"] == "by hand"
    assert len(events(service, "coverage.lost")) == 1


def test_reads_can_need_a_key(tmp_path: Path) -> None:
    with running(settings(tmp_path, reads="keys")) as service:
        own = service.service.store.signer.public.key.key_id
        with service.client() as nobody, service.client("auditor") as auditor:
            for path in ("", "/keys", f"/keys/{own}"):
                assert problem_of(nobody.get(f"/v1/trust{path}")) == "key-missing"
                assert auditor.get(f"/v1/trust{path}").status_code == 200
            assert auditor.get("/v1/trust").headers["cache-control"] == "private, no-cache"
