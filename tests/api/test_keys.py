"""API keys: shown once, kept as hashes, revoked at once."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from tests.api.asking import problem_of
from tests.api.running import Running, running, settings
from zkcollateral.api import access
from zkcollateral.api.access import SCOPES, Scope
from zkcollateral.api.store.tables import ApiKey, Event


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(settings(tmp_path_factory.mktemp("keys"))) as started:
        yield started


@pytest.fixture(scope="module")
def admin(service: Running) -> Iterator[httpx.Client]:
    with service.client("admin") as client:
        yield client


def created(admin: httpx.Client, *scopes: str, **fields: Any) -> dict[str, Any]:
    body = {"tenant": "holder", "scopes": list(scopes), **fields}
    answer = admin.post("/v1/api-keys", json=body)
    assert answer.status_code == 201, answer.text
    value: dict[str, Any] = answer.json()
    return value


def asks(service: Running, key: str, path: str = "/v1/api-keys") -> httpx.Response:
    return httpx.get(service.url + path, headers={"Authorization": f"Bearer {key}"})


def test_a_key_may_what_its_scopes_say(service: Running, admin: httpx.Client) -> None:
    prover = created(admin, "prover")
    assert prover["tenant"] == "holder"
    assert prover["scopes"] == ["prover"]
    assert {"revoked", "name"}.isdisjoint(prover)
    assert problem_of(asks(service, prover["key"])) == "scope-missing"
    other = created(admin, "admin", "auditor")
    assert other["scopes"] == ["admin", "auditor"]
    assert asks(service, other["key"]).status_code == 200


def test_a_key_is_shown_once(admin: httpx.Client) -> None:
    answer = admin.post("/v1/api-keys", json={"tenant": "holder", "scopes": ["prover"]})
    assert answer.headers["cache-control"] == "no-store"
    key = answer.json()["key"]
    listed = admin.get("/v1/api-keys")
    revoked = admin.post(f"/v1/api-keys/{answer.json()['id']}/revoke")
    for later in (listed, revoked):
        assert later.status_code == 200
        assert key.split("_", 2)[2] not in later.text
        assert '"key"' not in later.text


def test_the_database_file_has_the_hash_only(tmp_path: Path) -> None:
    with running(settings(tmp_path)) as service, service.client("admin") as admin:
        body = {"tenant": "holder", "scopes": ["oracle"], "name": "north"}
        headers = {"Idempotency-Key": "a"}
        made = admin.post("/v1/api-keys", json=body, headers=headers).json()
        assert admin.post("/v1/api-keys", json=body, headers=headers).json()["id"] == made["id"]
        secret = made["key"].split("_", 2)[2]
        hashed = hashlib.sha256(secret.encode()).hexdigest().encode()
        files = [path for path in tmp_path.iterdir() if path.name.startswith("service.db")]
        data = b"".join(path.read_bytes() for path in files)
    assert hashed in data
    assert made["id"].encode() in data
    assert secret.encode() not in data
    assert secret[:22].encode() not in data


def test_a_revoked_key_is_refused_from_the_next_request_on(
    service: Running, admin: httpx.Client
) -> None:
    made = created(admin, "admin")
    with httpx.Client(
        base_url=service.url, headers={"Authorization": f"Bearer {made['key']}"}
    ) as holder:
        assert holder.get("/v1/api-keys").status_code == 200
        revoked = admin.post(f"/v1/api-keys/{made['id']}/revoke")
        assert revoked.status_code == 200
        assert holder.get("/v1/api-keys").status_code == 401
        # Also where nobody needs a key: one that is shown must be good.
        assert problem_of(holder.get("/v1/policies")) == "key-unknown"
    again = admin.post(f"/v1/api-keys/{made['id']}/revoke")
    assert again.json() == revoked.json()
    assert problem_of(admin.post(f"/v1/api-keys/{'0' * 16}/revoke")) == "not-found"
    assert problem_of(admin.post("/v1/api-keys/none/revoke")) == "parameter-invalid"


def test_a_key_is_its_id_and_its_secret(service: Running, admin: httpx.Client) -> None:
    one, two = created(admin, "admin"), created(admin, "admin")
    _, id_, secret = one["key"].split("_", 2)
    for wrong in (
        f"zkc_{two['id']}_{secret}",
        f"zkc_{id_}_{secret[:-1]}{'A' if secret[-1] != 'A' else 'B'}",
        f"zkc_{id_}_{secret}A",
        f"zkc_{id_.upper()}_{secret}",
        f"zkc_{id_}_",
        f"zkc_{id_}",
        secret,
        "zkc_" + "0" * 16 + "_" + "A" * 43,
    ):
        answer = asks(service, wrong)
        assert (answer.status_code, problem_of(answer)) == (401, "key-unknown"), wrong
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert asks(service, one["key"]).status_code == 200


def test_hashes_are_compared_in_constant_time(
    service: Running, admin: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = created(admin, "admin")
    compared: list[str] = []
    compare = hmac.compare_digest

    def watched(one: str, other: str) -> bool:
        compared.append(one)
        return compare(one, other)

    monkeypatch.setattr(access.hmac, "compare_digest", watched)
    assert asks(service, made["key"]).status_code == 200
    with service.service.store.read() as session:
        row = session.get_one(ApiKey, made["id"])
    assert compared == [row.hash]


@pytest.mark.parametrize("scope", sorted(set(SCOPES) - {"admin"}))
def test_only_admins_manage_keys(scope: Scope, service: Running) -> None:
    made = service.key("prover")
    id_ = made.split("_")[1]
    with service.client(scope, name="north") as client, service.client() as nobody:
        asked = (
            lambda who: who.post("/v1/api-keys", json={"tenant": "a", "scopes": ["admin"]}),
            lambda who: who.get("/v1/api-keys"),
            lambda who: who.post(f"/v1/api-keys/{id_}/revoke"),
        )
        for ask in asked:
            assert problem_of(ask(client)) == "scope-missing"
            assert problem_of(ask(nobody)) == "key-missing"
    assert asks(service, made, "/v1/policies").status_code == 200


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"tenant": "a", "scopes": []}, "scopes"),
        ({"tenant": "a", "scopes": ["root"]}, "scopes"),
        ({"tenant": "a", "scopes": ["prover", "prover"]}, "scope"),
        ({"tenant": "a", "scopes": "admin"}, "scopes"),
        ({"tenant": "a|b", "scopes": ["prover"]}, "tenant"),
        ({"tenant": "", "scopes": ["prover"]}, "tenant"),
        ({"scopes": ["prover"]}, "tenant"),
        ({"tenant": "a", "scopes": ["oracle"]}, "speaks for"),
        ({"tenant": "a", "scopes": ["prover", "custodian"]}, "speaks for"),
        ({"tenant": "a", "scopes": ["prover"], "name": "north"}, "custodian or oracle"),
        ({"tenant": "a", "scopes": ["prover"], "key": "zkc_mine"}, "key"),
        ({"tenant": "a", "scopes": ["prover"], "revoked": None}, "revoked"),
    ],
)
def test_what_no_key_can_be(body: dict[str, Any], named: str, admin: httpx.Client) -> None:
    before = admin.get("/v1/api-keys").json()
    answer = admin.post("/v1/api-keys", json=body)
    assert problem_of(answer) == "document-invalid"
    assert named in answer.json()["detail"]
    assert admin.get("/v1/api-keys").json() == before


def test_keys_are_listed_page_by_page(service: Running, admin: httpx.Client) -> None:
    made = [created(admin, "prover", tenant=f"tenant-{number}")["id"] for number in range(5)]
    seen: list[str] = []
    params: dict[str, str] = {"limit": "2"}
    while True:
        answer = admin.get("/v1/api-keys", params=params).json()
        seen += [item["id"] for item in answer["items"]]
        if "next" not in answer:
            break
        params["cursor"] = answer["next"]
    assert seen[:5] == made[::-1]
    assert len(seen) == len(set(seen)) > 5
    with service.service.store.read() as session:
        assert session.scalars(select(Event).where(Event.type.contains("key"))).all() == []
