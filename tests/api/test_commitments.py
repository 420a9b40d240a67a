"""Vouched commitments over HTTP: who may post which, and which one of an account counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.asking import events, problem_of, retire, submit
from tests.api.running import Market, Running, running, settings
from tests.api.test_rounds import DAY, seconds, trusted
from tests.world import World
from zkcollateral.api.store.tables import CommitmentRow
from zkcollateral.circuits.claim import document_digest
from zkcollateral.circuits.evidence import Vouch, open_vouch, payload_digest, vouch_envelope
from zkcollateral.crypto.canonical import canonical_bytes
from zkcollateral.crypto.envelope import VOUCH_TYPE, Envelope, sign
from zkcollateral.crypto.points import IDENTITY_ENCODING
from zkcollateral.crypto.signature import SigningKey
from zkcollateral.risk.clock import format_time, now

POINT = (
    "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac58"
    "6c55e83ff97a1aeffb3af00adb22c6bb"
)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Running]:
    with running(settings(tmp_path)) as started:
        yield started


@pytest.fixture
def market(service: Running) -> Market:
    return Market.at_service(service)


def vouch(
    market: Market,
    as_of: datetime,
    *,
    venue: str = "bank",
    key: SigningKey | None = None,
    **changes: Any,
) -> Envelope:
    """A signed vouch; by default for a new commitment of acct-1."""
    fields = {
        "account": "acct-1",
        "registry": document_digest(market.registry),
        "slots": market.registry.slots,
        "commitment": market.commitment(market.opening()).commitment,
        "as_of": as_of,
    }
    return vouch_envelope(Vouch(**{**fields, **changes}), key or market.venues[venue])


def post(
    service: Running, envelope: Envelope | dict[str, Any], custodian: str = "bank"
) -> httpx.Response:
    value = envelope if isinstance(envelope, dict) else envelope.to_json_value()
    with service.client("custodian", name=custodian, tenant=f"{custodian}-tenant") as client:
        return client.post("/v1/commitments", json=value)


def posted(service: Running, envelope: Envelope, custodian: str = "bank") -> str:
    """The digest of a commitment that is taken."""
    answer = post(service, envelope, custodian)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["digest"])


def get(service: Running, path: str = "", **params: str) -> httpx.Response:
    with service.client() as reader:
        return reader.get(f"/v1/commitments{path}", params=params)


def listed(service: Running, **params: str) -> list[str]:
    return [item["digest"] for item in get(service, **params).raise_for_status().json()["items"]]


def superseded(service: Running, digest: str) -> str | None:
    found: str | None = get(service, f"/{digest}").raise_for_status().json().get("superseded_by")
    return found


def nothing_of(service: Running, answer: httpx.Response, problem: str) -> None:
    """It was refused, and nothing of it is stored or announced."""
    assert problem_of(answer) == problem, answer.text
    with service.service.store.read() as session:
        assert session.query(CommitmentRow).count() == 0
    assert events(service, "commitment.new") == []


def test_a_commitment_is_kept_as_it_was_signed(service: Running, market: Market) -> None:
    at = now()
    envelope = vouch(market, at)
    answer = post(service, envelope)
    assert answer.status_code == 201
    view = answer.json()
    signed, key_id = open_vouch(envelope, [market.venues["bank"].public], "vouch")
    assert view.pop("received") >= format_time(at)
    assert view == {
        "digest": payload_digest(envelope),
        "custodian": "bank",
        "key_id": key_id,
        "account": "acct-1",
        "registry": document_digest(market.registry),
        "commitment": signed.commitment,
        "as_of": format_time(at),
    }
    digest = view["digest"]
    assert get(service, f"/{digest}").json() == answer.json()
    kept = get(service, f"/{digest}/envelope")
    assert Envelope.from_json_value(kept.json(), "kept") == envelope
    assert "immutable" in kept.headers["cache-control"]
    with service.client() as reader:
        path = f"/v1/commitments/{digest}/envelope"
        again = reader.get(path, headers={"If-None-Match": kept.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    (event,) = events(service, "commitment.new")
    assert digest in event.data
    again = post(service, envelope)
    assert (again.status_code, again.json()) == (200, answer.json())
    assert len(events(service, "commitment.new")) == 1
    for path in (f"/{'0' * 64}", f"/{'0' * 64}/envelope"):
        assert problem_of(get(service, path)) == "not-found"
    assert problem_of(get(service, "/x%00")) == "parameter-invalid"


def test_a_later_one_supersedes(service: Running, market: Market) -> None:
    at = now() - seconds(60)
    first = posted(service, vouch(market, at))
    second = posted(service, vouch(market, at + seconds(20)))
    assert superseded(service, first) == second
    third = posted(service, vouch(market, at + seconds(40)))
    assert superseded(service, first) == second
    assert superseded(service, second) == third
    late = posted(service, vouch(market, at + seconds(30)))
    assert superseded(service, late) == third
    assert superseded(service, third) is None
    assert listed(service) == [late, third, second, first]
    assert listed(service, current="true") == [third]
    assert listed(service, current="false") == [late, second, first]


def test_accounts_custodians_and_registries_are_apart(service: Running, market: Market) -> None:
    at = now() - seconds(60)
    other = World().registry.to_json_value() | {"name": "other"}
    with service.client("admin") as admin:
        registry = admin.post("/v1/registries", json=other).raise_for_status().json()["digest"]
    bank = posted(service, vouch(market, at))
    desk = posted(service, vouch(market, at + seconds(1), venue="desk"), "desk")
    account = posted(service, vouch(market, at + seconds(2), account="acct-2"))
    elsewhere = posted(service, vouch(market, at + seconds(3), registry=registry))
    assert listed(service, current="true") == [elsewhere, account, desk, bank]
    assert listed(service, account="acct-1") == [elsewhere, desk, bank]
    assert listed(service, account="acct-1", custodian="bank") == [elsewhere, bank]
    assert listed(service, custodian="desk") == [desk]
    assert listed(service, custodian="vault") == []
    page = get(service, limit="3").json()
    rest = get(service, limit="3", cursor=page["next"]).json()
    assert [item["digest"] for item in page["items"] + rest["items"]] == listed(service)
    assert "next" not in rest


def test_two_of_one_moment(service: Running, market: Market) -> None:
    at = now()
    first = posted(service, vouch(market, at))
    answer = post(service, vouch(market, at))
    assert (answer.status_code, problem_of(answer)) == (409, "exists-differently")
    later = posted(service, vouch(market, now() + seconds(0), account="acct-2"))
    assert problem_of(post(service, vouch(market, at))) == "exists-differently"
    assert listed(service) == [later, first]


def test_the_same_vouch_signed_with_another_key_is_the_same(
    service: Running, market: Market
) -> None:
    opening = market.commitment(market.opening()).commitment
    at = now()
    digest = posted(service, vouch(market, at, commitment=opening))
    other = trusted(service, "bank", "custodian")
    again = post(service, vouch(market, at, commitment=opening, key=other))
    assert (again.status_code, again.json()["digest"]) == (200, digest)
    assert again.json()["key_id"] == market.venues["bank"].key_id
    assert listed(service) == [digest]


def test_whoever_copies_a_vouch_does_not_get_in_its_way(service: Running, market: Market) -> None:
    at = now() - seconds(60)
    opening = market.commitment(market.opening()).commitment
    before = posted(service, vouch(market, at))
    copied = vouch(market, at + seconds(9), commitment=opening, venue="desk")
    digest = posted(service, copied, "desk")
    # What is signed names no custodian: the digest is the same, the word is another's.
    true = vouch(market, at + seconds(9), commitment=opening)
    assert posted(service, true) == digest
    assert superseded(service, before) == digest
    found = {name: get(service, f"/{digest}", custodian=name) for name in ("bank", "desk")}
    assert {name: each.json()["custodian"] for name, each in found.items()} == {
        "bank": "bank",
        "desk": "desk",
    }
    kept = get(service, f"/{digest}/envelope", custodian="bank").json()
    assert Envelope.from_json_value(kept, "kept") == true
    kept = get(service, f"/{digest}/envelope").json()
    assert Envelope.from_json_value(kept, "kept") == copied
    assert problem_of(get(service, f"/{digest}", custodian="vault")) == "not-found"
    retire(service, market.venues["desk"], at)
    assert superseded(service, before) == digest


def test_who_may_post_for_whom(service: Running, market: Market) -> None:
    value = vouch(market, now()).to_json_value()
    with service.client("custodian", name="desk") as desk:
        nothing_of(service, desk.post("/v1/commitments", json=value), "other-name")
    with service.client("custodian") as unnamed:
        nothing_of(service, unnamed.post("/v1/commitments", json=value), "other-name")
    for scope in ("prover", "oracle", "auditor"):
        with service.client(scope, name="bank") as other:  # type: ignore[arg-type]
            nothing_of(service, other.post("/v1/commitments", json=value), "scope-missing")
    with service.client() as nobody:
        nothing_of(service, nobody.post("/v1/commitments", json=value), "key-missing")
    with service.client("admin") as admin:
        assert admin.post("/v1/commitments", json=value).status_code == 201


@pytest.mark.parametrize("role", ["oracle", "log"])
def test_a_key_of_another_role_is_none(role: str, service: Running, market: Market) -> None:
    key = trusted(service, "bank", role)
    nothing_of(service, post(service, vouch(market, now(), key=key)), "signature-invalid")


def test_an_unknown_key_and_a_tampered_vouch(service: Running, market: Market) -> None:
    unknown = vouch(market, now(), key=SigningKey.generate())
    nothing_of(service, post(service, unknown), "signature-invalid")
    good = vouch(market, now())
    moved = Envelope(good.payload_type, good.payload.replace(b"acct-1", b"acct-2"), good.signatures)
    nothing_of(service, post(service, moved), "signature-invalid")


@pytest.mark.parametrize(
    ("since", "until", "dated"),
    [(-DAY, DAY, -2 * DAY), (-3 * DAY, -DAY, -seconds(9)), (seconds(60), DAY, -seconds(9))],
)
def test_a_vouch_outside_of_the_keys_window(
    since: timedelta, until: timedelta, dated: timedelta, service: Running, market: Market
) -> None:
    key = trusted(service, "bank", "custodian", since, until)
    nothing_of(service, post(service, vouch(market, now() + dated, key=key)), "signature-invalid")


def test_nothing_from_the_future(service: Running, market: Market) -> None:
    nothing_of(service, post(service, vouch(market, now() + seconds(5))), "time-unusable")


def test_a_report_is_no_vouch(service: Running, market: Market) -> None:
    nothing_of(service, post(service, market.report("north", now())), "document-invalid")
    report = market.report("north", now())
    relabelled = {**report.to_json_value(), "payloadType": VOUCH_TYPE}
    nothing_of(service, post(service, relabelled), "signature-invalid")
    signed = sign(VOUCH_TYPE, report.payload, market.venues["bank"])
    nothing_of(service, post(service, signed), "document-invalid")


@pytest.mark.parametrize(
    "point",
    [
        IDENTITY_ENCODING.hex(),  # the identity
        "80" + "00" * 46 + "01",  # no point of the curve
        "80" + "00" * 47,  # of the curve, but not of the subgroup
        POINT[0:2].replace("9", "1") + POINT[2:],  # not compressed
        "d" + POINT[1:],  # infinity with a coordinate
        "9a" + "ff" * 47,  # a coordinate above p
    ],
)
def test_what_is_no_point(point: str, service: Running, market: Market) -> None:
    envelope = vouch(market, now(), commitment=point)
    answer = post(service, envelope)
    nothing_of(service, answer, "document-invalid")
    assert "commitment" in answer.json()["detail"]


def test_a_point_is_taken(service: Running, market: Market) -> None:
    assert posted(service, vouch(market, now(), commitment=POINT))


def test_the_registry_must_be_published(service: Running, market: Market) -> None:
    nothing_of(service, post(service, vouch(market, now(), registry="0" * 64)), "registry-unknown")
    policy = document_digest(market.policy)
    nothing_of(service, post(service, vouch(market, now(), registry=policy)), "registry-unknown")
    # The same point read at another number of slots shows other amounts.
    for slots in (1, market.registry.slots * 2):
        answer = post(service, vouch(market, now(), slots=slots))
        nothing_of(service, answer, "document-invalid")


def test_a_vouch_for_negative_amounts_is_none(service: Running, market: Market) -> None:
    value = Vouch.from_json_value(
        {
            "format": "zkcollateral/vouch/1",
            "account": "acct-1",
            "registry": document_digest(market.registry),
            "slots": "8",
            "commitment": POINT,
            "as_of": format_time(now()),
            "nonnegative": True,
        },
        "vouch",
    ).to_json_value()
    data = canonical_bytes({**value, "nonnegative": False})
    envelope = sign(VOUCH_TYPE, data, market.venues["bank"])
    nothing_of(service, post(service, envelope), "document-invalid")


def test_a_retired_key_vouches_no_more_however_it_dates(service: Running, market: Market) -> None:
    retire(service, market.venues["bank"], now() - seconds(60))
    for dated in (now(), now() - seconds(90)):
        nothing_of(service, post(service, vouch(market, dated)), "key-retired")
    successor = trusted(service, "bank", "custodian")
    assert posted(service, vouch(market, now(), key=successor))


def test_what_a_leaked_key_signed_supersedes_nothing(service: Running, market: Market) -> None:
    at = now() - seconds(60)
    honest = market.vouched(as_of=at)
    assert isinstance(honest.commitment, Envelope)
    first = posted(service, honest.commitment)
    earlier = posted(service, vouch(market, at - seconds(10)))
    forged = vouch(market, at + seconds(30))
    second = posted(service, forged)
    third = posted(service, vouch(market, at + seconds(40)))
    assert superseded(service, first) == second
    attestation = market.attestation(honest)
    assert problem_of(submit(service, attestation)) == "commitment-superseded"
    retire(service, market.venues["bank"], at + seconds(20))
    assert superseded(service, first) is None
    assert superseded(service, earlier) == first
    assert listed(service, current="true") == [first]
    for digest in (second, third):
        assert get(service, f"/{digest}").json()["key_retired"] >= format_time(at)
    assert "key_retired" not in get(service, f"/{first}").json()
    assert problem_of(post(service, forged)) == "key-retired"
    assert submit(service, attestation).status_code == 201
    # Its successor may vouch for the very moment that the forged one was dated.
    successor = trusted(service, "bank", "custodian")
    anew = posted(service, vouch(market, at + seconds(30), key=successor))
    assert superseded(service, first) == anew
    assert listed(service, current="true") == [anew]


def test_reads_can_need_a_key(tmp_path: Path) -> None:
    with running(settings(tmp_path, reads="keys")) as service:
        digest = posted(service, vouch(Market.at_service(service), now()))
        for path in ("", f"/{digest}", f"/{digest}/envelope"):
            assert problem_of(get(service, path)) == "key-missing"
        with service.client("auditor") as auditor:
            kept = auditor.get(f"/v1/commitments/{digest}/envelope")
        assert kept.headers["cache-control"].startswith("private")


def test_on_both_databases(tmp_path: Path, database_url: str) -> None:
    with running(settings(tmp_path, database_url)) as service:
        market = Market.at_service(service)
        at = now() - seconds(60)
        first = posted(service, vouch(market, at))
        second = posted(service, vouch(market, at + seconds(30)))
        assert listed(service, account="acct-1", current="true") == [second]
        assert listed(service, account="acct-1", current="false") == [first]
        retire(service, market.venues["bank"], at + seconds(10))
        assert listed(service, current="true") == [first]
        assert listed(service, current="false") == [second]
