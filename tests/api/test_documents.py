"""Policies and registries over HTTP: published once, the same for ever."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.asking import events, problem_of, submit
from tests.api.running import Market, Running, running, settings
from tests.world import World
from zkcollateral.api.access import SCOPES, Scope
from zkcollateral.api.routes import documents
from zkcollateral.circuits.claim import document_digest
from zkcollateral.crypto.canonical import canonical_bytes
from zkcollateral.risk.policy import Policy
from zkcollateral.risk.registry import Registry


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Running]:
    with running(settings(tmp_path)) as started:
        yield started


@pytest.fixture
def admin(service: Running) -> Iterator[httpx.Client]:
    with service.client("admin") as client:
        yield client


def registry_value(name: str = "venue-assets") -> dict[str, Any]:
    return {**World().registry.to_json_value(), "name": name}


def policy_value(**changes: Any) -> dict[str, Any]:
    """A policy for that registry."""
    return {**copy.deepcopy(World().policy.to_json_value()), **changes}


def published(admin: httpx.Client, kind: str, value: dict[str, Any]) -> dict[str, Any]:
    answer = admin.post(f"/v1/{kind}", json=value)
    assert answer.status_code == 201, answer.text
    view: dict[str, Any] = answer.json()
    return view


def test_what_is_published_is_got_by_its_digest(service: Running, admin: httpx.Client) -> None:
    registry = published(admin, "registries", registry_value())
    policy = published(admin, "policies", policy_value())
    wanted = {
        "registries": (registry, Registry.from_json_value(registry_value(), "registry")),
        "policies": (policy, Policy.from_json_value(policy_value(), "policy")),
    }
    with service.client() as reader:
        for kind, (view, document) in wanted.items():
            assert view["digest"] == document_digest(document)
            assert view["name"] == document.name
            got = reader.get(f"/v1/{kind}/{view['digest']}")
            assert got.headers["content-type"] == "application/json"
            assert got.content == canonical_bytes(document.to_json_value())
            assert reader.get(f"/v1/{kind}").json() == {"items": [view]}
            entry = reader.get(f"/v1/log/entries/{view['log_index']}").json()["entry"]
            assert (entry["digest"], entry["name"]) == (view["digest"], view["name"])
            other = "policies" if kind == "registries" else "registries"
            assert problem_of(reader.get(f"/v1/{other}/{view['digest']}")) == "not-found"
            assert problem_of(reader.get(f"/v1/{kind}/{'0' * 64}")) == "not-found"
            for malformed in ("x", view["digest"].upper(), view["digest"] + "%00"):
                assert problem_of(reader.get(f"/v1/{kind}/{malformed}")) == "parameter-invalid"
    assert len(events(service, "policy.published")) == 1
    assert len(events(service, "registry.published")) == 1


def test_what_is_published_never_changes(service: Running, admin: httpx.Client) -> None:
    view = published(admin, "registries", registry_value())
    path = f"/v1/registries/{view['digest']}"
    first = admin.get(path)
    again = admin.post("/v1/registries", json=registry_value())
    assert (again.status_code, again.json()) == (200, view)
    # One of the same name is another one beside it.
    other = copy.deepcopy(registry_value())
    other["assets"][0]["unit"] = "-9"
    assert published(admin, "registries", other)["digest"] != view["digest"]
    assert admin.get(path).content == first.content
    for method in ("PUT", "PATCH", "DELETE", "POST"):
        assert problem_of(admin.request(method, path, json=other)) == "method-not-allowed"
    assert admin.get(path).content == first.content
    assert len(events(service, "registry.published")) == 2
    assert len(admin.get("/v1/registries").json()["items"]) == 2


def test_whoever_has_it_is_told_so(admin: httpx.Client) -> None:
    published(admin, "registries", registry_value())
    digest = published(admin, "policies", policy_value())["digest"]
    path = f"/v1/policies/{digest}"
    got = admin.get(path)
    assert got.headers["etag"] == f'"{digest}"'
    assert got.headers["cache-control"] == "public, max-age=31536000, immutable"
    for tags in (f'"{digest}"', f'W/"{digest}"', f'"other", "{digest}"', "*"):
        again = admin.get(path, headers={"If-None-Match": tags})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == got.headers["etag"]
        assert again.headers["cache-control"] == got.headers["cache-control"]
    for tags in ('"other"', digest, f'"{digest[:-1]}"', ""):
        assert admin.get(path, headers={"If-None-Match": tags}).content == got.content
    # What is not there is not "the same as before".
    missing = admin.get(f"/v1/policies/{'0' * 64}", headers={"If-None-Match": "*"})
    assert problem_of(missing) == "not-found"


def break_symbol(value: dict[str, Any]) -> None:
    value["factors"]["collateral"]["GOLD"] = "0.5"


def unknown_registry(value: dict[str, Any]) -> None:
    value["registry"] = "0" * 64


def unknown_field(value: dict[str, Any]) -> None:
    value["note"] = "x"


def a_number(value: dict[str, Any]) -> None:
    value["ratio"] = 1.25


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (unknown_registry, "registry-unknown"),
        (break_symbol, "policy-unusable"),
        (unknown_field, "document-invalid"),
        (a_number, "json-malformed"),
    ],
)
def test_a_policy_that_cannot_be_used(
    change: Callable[[dict[str, Any]], None],
    problem: str,
    service: Running,
    admin: httpx.Client,
) -> None:
    published(admin, "registries", registry_value())
    value = policy_value()
    change(value)
    refused = admin.post("/v1/policies", json=value)
    assert problem_of(refused) == problem
    assert admin.get("/v1/policies").json() == {"items": []}
    assert events(service, "policy.published") == []


def test_a_policy_is_no_registry(admin: httpx.Client) -> None:
    published(admin, "registries", registry_value())
    digest = published(admin, "policies", policy_value())["digest"]
    refused = admin.post("/v1/policies", json=policy_value(registry=digest))
    assert problem_of(refused) == "registry-unknown"
    assert problem_of(admin.post("/v1/registries", json=policy_value())) == "document-invalid"


@pytest.mark.parametrize("scope", sorted(set(SCOPES) - {"admin"}))
def test_only_admins_publish(scope: Scope, service: Running, admin: httpx.Client) -> None:
    with service.client(scope, name="north") as client, service.client() as nobody:
        for path, value in (("registries", registry_value()), ("policies", policy_value())):
            assert problem_of(client.post(f"/v1/{path}", json=value)) == "scope-missing"
            assert problem_of(nobody.post(f"/v1/{path}", json=value)) == "key-missing"
            assert admin.get(f"/v1/{path}").json() == {"items": []}


def test_a_repeated_post_is_one_publication(service: Running, admin: httpx.Client) -> None:
    headers = {"Idempotency-Key": "registry of today"}
    first = admin.post("/v1/registries", json=registry_value(), headers=headers)
    again = admin.post("/v1/registries", json=registry_value(), headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    other = admin.post("/v1/registries", json=registry_value("other"), headers=headers)
    assert problem_of(other) == "idempotency-conflict"
    assert len(admin.get("/v1/registries").json()["items"]) == 1
    assert len(events(service, "registry.published")) == 1


def test_a_policy_counts_once_it_is_published(service: Running, admin: httpx.Client) -> None:
    market = Market.at_service(service)
    market.policy_value["name"] = "later"
    attestation = market.attestation()
    assert problem_of(submit(service, attestation)) == "policy-not-accepted"
    published(admin, "policies", market.policy.to_json_value())
    assert submit(service, attestation).status_code == 201


def test_no_more_policies_than_a_trust_file_takes(
    admin: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "MAX_ENTRIES", 2)
    published(admin, "registries", registry_value())
    for name in ("a", "b"):
        published(admin, "policies", policy_value(name=name))
    assert problem_of(admin.post("/v1/policies", json=policy_value(name="c"))) == "state-conflict"
    assert admin.post("/v1/policies", json=policy_value(name="a")).status_code == 200
    assert len(admin.get("/v1/trust").json()["policies"]) == 2


def test_documents_are_listed_page_by_page(admin: httpx.Client) -> None:
    digests = [
        published(admin, "registries", registry_value(f"registry-{number}"))["digest"]
        for number in range(5)
    ]
    seen: list[str] = []
    params = {"limit": "2"}
    while True:
        page = admin.get("/v1/registries", params=params).json()
        seen += [item["digest"] for item in page["items"]]
        if "next" not in page:
            break
        params["cursor"] = page["next"]
    assert seen == digests[::-1]
    for wrong in ({"limit": "0"}, {"limit": "201"}, {"cursor": "x"}, {"cursor": "A" * 65}):
        answer = admin.get("/v1/registries", params=wrong)
        assert problem_of(answer) == "parameter-invalid"


def test_where_reads_need_a_key(tmp_path: Path) -> None:
    with running(settings(tmp_path, reads="keys")) as service, service.client("admin") as admin:
        digest = published(admin, "registries", registry_value())["digest"]
        with service.client() as nobody, service.client("prover") as prover:
            for path in ("/v1/registries", f"/v1/registries/{digest}", "/v1/policies"):
                assert problem_of(nobody.get(path)) == "key-missing"
                assert prover.get(path).status_code == 200
            kept = prover.get(f"/v1/registries/{digest}").headers["cache-control"]
            assert kept == "private, max-age=31536000, immutable"


def test_on_both_databases(tmp_path: Path, database_url: str) -> None:
    with (
        running(settings(tmp_path, database_url)) as service,
        service.client("admin") as admin,
    ):
        published(admin, "registries", registry_value())
        digest = published(admin, "policies", policy_value())["digest"]
        got = admin.get(f"/v1/policies/{digest}")
        assert got.content == canonical_bytes(policy_value())
        assert problem_of(admin.get("/v1/policies/a%00b")) == "parameter-invalid"
