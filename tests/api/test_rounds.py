"""Price rounds over HTTP: who may report what and when, and what rounds come of it."""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.asking import events, problem_of, retire
from tests.api.running import Market, Running, running, settings
from tests.world import PRICES
from zkcollateral.api.store.tables import ReportRow, RoundRow
from zkcollateral.api.trust import add_key
from zkcollateral.circuits.claim import document_digest
from zkcollateral.circuits.evidence import SignedRound, make_signed_round, payload_digest
from zkcollateral.crypto.canonical import canonical_bytes
from zkcollateral.crypto.envelope import PRICE_REPORT_TYPE, Envelope, sign
from zkcollateral.crypto.signature import SigningKey
from zkcollateral.risk.clock import format_time, now
from zkcollateral.verifier.trust import TrustedKey

DAY = timedelta(days=1)


def seconds(number: int) -> timedelta:
    return timedelta(seconds=number)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Running]:
    with running(settings(tmp_path)) as started:
        yield started


@pytest.fixture
def market(service: Running) -> Market:
    market = Market.at_service(service)
    for name in ("east", "west"):
        market.oracles[name] = trusted(service, name)
    return market


def trusted(
    service: Running,
    name: str,
    role: str = "oracle",
    since: timedelta = -30 * DAY,
    until: timedelta = 30 * DAY,
) -> SigningKey:
    """A key that the service trusts."""
    key = SigningKey.generate()
    value = {
        "role": role,
        "name": name,
        "public_key": key.public.raw.hex(),
        "valid_from": now() + since,
        "valid_until": now() + until,
    }
    with service.service.store.write() as writer:
        add_key(writer, TrustedKey.model_validate(value))
    return key


def post(
    service: Running, report: Envelope | dict[str, Any], oracle: str = "north"
) -> httpx.Response:
    value = report if isinstance(report, dict) else report.to_json_value()
    with service.client("oracle", name=oracle, tenant=f"{oracle}-oracle") as client:
        return client.post("/v1/price-rounds/reports", json=value)


def made(answer: httpx.Response) -> str:
    """The digest of the one round that came of a report."""
    assert answer.status_code == 201, answer.text
    (outcome,) = answer.json()["rounds"]
    assert "digest" in outcome, outcome
    return str(outcome["digest"])


def refusal(answer: httpx.Response) -> str:
    assert answer.status_code == 201, answer.text
    (outcome,) = answer.json()["rounds"]
    assert set(outcome) == {"policy", "refused"}
    return str(outcome["refused"])


def get(service: Running, path: str, **params: str) -> httpx.Response:
    with service.client() as reader:
        return reader.get(f"/v1/price-rounds{path}", params=params)


def policy_of(market: Market) -> str:
    return document_digest(market.policy)


def nothing_of(service: Running, answer: httpx.Response, problem: str) -> None:
    """It was refused, and nothing of it is stored or announced."""
    assert problem_of(answer) == problem, answer.text
    with service.service.store.read() as session:
        assert session.query(ReportRow).count() == 0
        assert session.query(RoundRow).count() == 0
    assert events(service, "round.refused") == []


def test_a_quorum_of_reports_makes_a_round(service: Running, market: Market) -> None:
    at = now()
    first = market.report("north", at - seconds(5))
    second = market.report("south", at, {**PRICES, "BTC": "64001.5"})
    answer = post(service, first)
    assert answer.json() == {
        "digest": payload_digest(first),
        "oracle": "north",
        "time": format_time(at - seconds(5)),
        "quote": "USD",
        "rounds": [
            {"policy": policy_of(market), "refused": "expected reports of 2 oracles, got 1"}
        ],
    }
    assert problem_of(get(service, "/latest", policy=policy_of(market))) == "not-found"
    digest = made(post(service, second, "south"))
    expected = make_signed_round([first, second], market.policy)
    assert digest == document_digest(expected.round)
    assert expected.round.prices["BTC"] * 2 == 128002
    latest = get(service, "/latest", policy=policy_of(market))
    assert SignedRound.from_json_value(latest.json(), "round") == expected
    (event,) = events(service, "round.new")
    assert event.tenants is None
    assert f'"digest":"{digest}"' in event.data
    assert f'"time":"{format_time(at - seconds(5))}"' in event.data
    # The service knows nothing that its readers could not check: the round proves.
    attestation = market.attestation(prices=expected, at=at)
    with service.client("prover", tenant="holder") as prover:
        value = attestation.to_json_value()
        assert prover.post("/v1/attestations", json=value).status_code == 201


def test_rounds_are_kept_and_found(service: Running, market: Market) -> None:
    at = now() - seconds(60)
    post(service, market.report("north", at))
    digests = []
    for number in range(5):
        name = ("south", "north")[number % 2]
        digests.append(made(post(service, market.report(name, at + seconds(number)), name)))
    listed: list[str] = []
    params = {"policy": policy_of(market), "limit": "2"}
    while True:
        page = get(service, "", **params).json()
        listed += [item["digest"] for item in page["items"]]
        assert {item["policy"] for item in page["items"]} == {policy_of(market)}
        if "next" not in page:
            break
        params["cursor"] = page["next"]
    assert listed == digests[::-1]
    assert get(service, "", policy="0" * 64).json() == {"items": []}
    latest = get(service, "/latest", policy=policy_of(market))
    assert latest.headers["etag"] == f'"{digests[-1]}"'
    assert latest.headers["cache-control"] == "public, no-cache"
    for digest in digests:
        kept = get(service, f"/{digest}", policy=policy_of(market))
        assert document_digest(SignedRound.from_json_value(kept.json(), "r").round) == digest
        assert kept.headers["etag"] == f'"{digest}"'
        assert "immutable" in kept.headers["cache-control"]
        assert kept.content == get(service, f"/{digest}").content
    assert kept.content == latest.content
    with service.client() as reader:
        for path in (digest, f"latest?policy={policy_of(market)}"):
            again = reader.get(f"/v1/price-rounds/{path}", headers={"If-None-Match": f'"{digest}"'})
            assert (again.status_code, again.content) == (304, b"")
    assert problem_of(get(service, f"/{digest}", policy="0" * 64)) == "not-found"
    assert problem_of(get(service, f"/{'0' * 64}")) == "not-found"
    assert problem_of(get(service, "/latest", policy="0" * 64)) == "not-found"
    assert problem_of(get(service, "/latest")) == "parameter-invalid"
    assert problem_of(get(service, "/latest", policy="a\x00")) == "parameter-invalid"


def test_the_same_report_again_changes_nothing(service: Running, market: Market) -> None:
    at = now()
    report = market.report("north", at)
    post(service, report)
    digest = made(post(service, market.report("south", at), "south"))
    for _ in range(2):
        again = post(service, report)
        assert again.status_code == 200
        assert again.json()["rounds"] == [{"policy": policy_of(market), "digest": digest}]
    assert len(events(service, "round.new")) == 1
    assert len(events(service, "round.refused")) == 1
    # Once there is a newer round without it, none rests on it any more.
    south = market.report("south", at - seconds(1))
    assert problem_of(post(service, south, "south")) == "time-unusable"


def test_a_report_signed_again_with_another_key_is_the_same_report(
    service: Running, market: Market
) -> None:
    at = now()
    report = market.report("north", at)
    post(service, report).raise_for_status()
    other = trusted(service, "north")
    again = post(service, market.report("north", at, key=other))
    assert again.status_code == 200
    digest = made(post(service, market.report("south", at), "south"))
    kept = SignedRound.from_json_value(get(service, f"/{digest}").json(), "round")
    signers = {each.signatures[0].keyid for each in kept.reports}
    assert signers == {market.oracles[name].key_id for name in ("north", "south")}
    # One oracle stays one oracle, however many keys it has: that is no quorum.
    newer = market.report("north", at, {**PRICES, "BTC": "64001"}, key=other)
    assert problem_of(post(service, newer)) == "exists-differently"


def test_who_may_report_for_whom(service: Running, market: Market) -> None:
    report = market.report("north", now()).to_json_value()
    path = "/v1/price-rounds/reports"
    with service.client("oracle", name="south") as south:
        nothing_of(service, south.post(path, json=report), "other-name")
    with service.client("oracle") as unnamed:
        nothing_of(service, unnamed.post(path, json=report), "other-name")
    for scope in ("prover", "custodian", "auditor"):
        with service.client(scope, name="north") as other:  # type: ignore[arg-type]
            nothing_of(service, other.post(path, json=report), "scope-missing")
    with service.client() as nobody:
        nothing_of(service, nobody.post(path, json=report), "key-missing")
    with service.client("admin") as admin:
        assert admin.post(path, json=report).status_code == 201


def test_the_key_must_be_the_named_oracles(service: Running, market: Market) -> None:
    south = market.oracles["south"]
    nothing_of(
        service, post(service, market.report("north", now(), key=south)), "signature-invalid"
    )
    unknown = SigningKey.generate()
    forged = market.report("north", now(), key=unknown)
    nothing_of(service, post(service, forged), "signature-invalid")


@pytest.mark.parametrize("role", ["log", "custodian"])
def test_a_key_of_another_role_is_none(role: str, service: Running, market: Market) -> None:
    key = trusted(service, "north", role)
    nothing_of(service, post(service, market.report("north", now(), key=key)), "signature-invalid")


@pytest.mark.parametrize(
    ("since", "until", "dated"),
    [(-DAY, DAY, -2 * DAY), (-3 * DAY, -DAY, -seconds(9)), (seconds(60), DAY, -seconds(9))],
)
def test_a_report_outside_of_the_keys_window(
    since: timedelta, until: timedelta, dated: timedelta, service: Running, market: Market
) -> None:
    key = trusted(service, "north", since=since, until=until)
    report = market.report("north", now() + dated, key=key)
    nothing_of(service, post(service, report), "signature-invalid")


def test_nothing_from_the_future(service: Running, market: Market) -> None:
    report = market.report("north", now() + seconds(5))
    nothing_of(service, post(service, report), "time-unusable")


def test_older_reports_are_refused(service: Running, market: Market) -> None:
    at = now()
    post(service, market.report("north", at))
    for older in (at - seconds(1), at - DAY):
        assert problem_of(post(service, market.report("north", older))) == "time-unusable"
    # Another quote, or another oracle, has its own order.
    assert post(service, in_quote(market, "EUR", at - seconds(9))).status_code == 201
    earlier = market.report("south", at - seconds(9))
    assert post(service, earlier, "south").status_code == 201


def in_quote(market: Market, quote: str, at: datetime, oracle: str = "north") -> Envelope:
    value = {
        "format": "zkcollateral/price-report/1",
        "oracle": oracle,
        "time": format_time(at),
        "quote": quote,
        "prices": PRICES,
    }
    return sign(PRICE_REPORT_TYPE, canonical_bytes(value), market.oracles[oracle])


def test_another_quote_makes_no_round(service: Running, market: Market) -> None:
    at = now()
    post(service, market.report("north", at))
    answer = post(service, in_quote(market, "EUR", at, "south"), "south")
    assert answer.json()["rounds"] == []
    assert get(service, "").json() == {"items": []}


def test_a_signature_over_other_prices(service: Running, market: Market) -> None:
    value = market.report("north", now()).to_json_value()
    dearer = base64.b64decode(str(value["payload"])).replace(b"64000.5", b"74000.5")
    value["payload"] = base64.b64encode(dearer).decode()
    nothing_of(service, post(service, value), "signature-invalid")


def test_more_signatures_than_one(service: Running, market: Market) -> None:
    value: dict[str, Any] = market.report("north", now()).to_json_value()
    other = market.report("north", now(), key=market.oracles["south"]).to_json_value()
    value["signatures"] += other["signatures"]
    nothing_of(service, post(service, value), "signature-invalid")


def test_a_vouch_is_no_report(service: Running, market: Market) -> None:
    vouch = market.vouched(as_of=now()).commitment
    assert isinstance(vouch, Envelope)
    nothing_of(service, post(service, vouch), "document-invalid")
    # Nor does it become one by another label: the type is signed as well.
    relabelled = {**vouch.to_json_value(), "payloadType": PRICE_REPORT_TYPE}
    nothing_of(service, post(service, relabelled), "signature-invalid")
    # Nor if an oracle signs it as a report.
    signed = sign(PRICE_REPORT_TYPE, vouch.payload, market.oracles["north"])
    nothing_of(service, post(service, signed), "document-invalid")


def test_what_is_no_envelope(service: Running, market: Market) -> None:
    good: dict[str, Any] = market.report("north", now()).to_json_value()
    for change in (
        {"payload": "%%%"},
        {"payload": good["payload"].rstrip("=") + "\n"},
        {"signatures": []},
        {"signatures": [{"keyid": "north", "sig": good["signatures"][0]["sig"]}]},
        {"more": "x"},
    ):
        value = {**copy.deepcopy(good), **change}
        nothing_of(service, post(service, value), "document-invalid")


def test_the_rule_of_the_policy_decides(service: Running, market: Market) -> None:
    at = now()
    post(service, market.report("north", at))
    far = {**PRICES, "ETH": "3200"}
    assert "deviation from" in refusal(post(service, market.report("south", at, far), "south"))
    (lonely, apart) = events(service, "round.refused")
    assert "reports of 2 oracles" in lonely.data
    assert '"oracle":"south"' in apart.data
    assert events(service, "round.new") == []


def test_old_reports_take_no_part(service: Running, market: Market) -> None:
    at = now()
    old = at - seconds(601)
    assert "the policy allows 600 s" in refusal(post(service, market.report("north", old)))
    assert "got 1" in refusal(post(service, market.report("south", at), "south"))
    assert len(events(service, "round.refused")) == 1
    newer = market.report("north", at - seconds(600) + seconds(30))
    assert made(post(service, newer))


def test_oracles_of_other_markets_neither_help_nor_hinder(service: Running, market: Market) -> None:
    at = now()
    elsewhere = market.report("east", at, {"GOLD": "2400"})
    assert refusal(post(service, elsewhere, "east")).startswith("the report has no price of")
    assert "got 1" in refusal(post(service, market.report("north", at)))
    digest = made(post(service, market.report("south", at), "south"))
    kept = SignedRound.from_json_value(get(service, f"/{digest}").json(), "round")
    assert payload_digest(elsewhere) not in kept.round.reports
    assert len(kept.round.reports) == 2


def test_every_policy_has_its_own_round(service: Running, market: Market) -> None:
    strict: dict[str, Any] = copy.deepcopy(market.policy.to_json_value())
    strict["name"] = "strict"
    strict["oracle"]["quorum"] = "3"
    with service.client("admin") as admin:
        published = admin.post("/v1/policies", json=strict).raise_for_status().json()
    at = now()
    post(service, market.report("north", at))
    both = post(service, market.report("south", at), "south").json()["rounds"]
    assert [set(each) - {"policy"} for each in both] == [{"digest"}, {"refused"}]
    third = post(service, market.report("east", at), "east").json()["rounds"]
    # Of the same reports: one round, under two policies.
    assert third[0]["digest"] == third[1]["digest"]
    assert {each["policy"] for each in third} == {policy_of(market), published["digest"]}
    assert len(get(service, "").json()["items"]) == 3


def test_a_retired_key_reports_no_more_however_it_dates(service: Running, market: Market) -> None:
    leaked = market.oracles["north"]
    retire(service, leaked, now() - seconds(60))
    for dated in (now(), now() - seconds(90)):
        nothing_of(service, post(service, market.report("north", dated)), "key-retired")
    successor = trusted(service, "north")
    report = market.report("north", now(), key=successor)
    assert post(service, report).status_code == 201


def test_a_key_whose_end_is_announced_still_reports(service: Running, market: Market) -> None:
    retire(service, market.oracles["north"], now() + DAY)
    assert post(service, market.report("north", now())).status_code == 201


def test_rounds_that_a_leaked_key_made_are_passed_over(service: Running, market: Market) -> None:
    at = now()
    for name in ("south", "north"):
        post(service, market.report(name, at - seconds(60)), name)
    good = get(service, "/latest", policy=policy_of(market))
    forged = market.report("north", at - seconds(20), {**PRICES, "BTC": "64900"})
    spoiled = made(post(service, forged))
    assert get(service, "/latest", policy=policy_of(market)).headers["etag"] == f'"{spoiled}"'
    retire(service, market.oracles["north"], at - seconds(40))
    latest = get(service, "/latest", policy=policy_of(market))
    assert latest.content == good.content
    assert problem_of(post(service, forged)) == "key-retired"
    # Its last report before the end still counts, and the forged one orders nothing any more.
    assert made(post(service, market.report("south", at - seconds(30)), "south")) != spoiled
    successor = trusted(service, "north")
    anew = market.report("north", at - seconds(25), key=successor)
    digest = made(post(service, anew))
    kept = SignedRound.from_json_value(get(service, f"/{digest}").json(), "round")
    assert payload_digest(forged) not in kept.round.reports
    assert get(service, f"/{spoiled}").status_code == 200


def test_reads_can_need_a_key(tmp_path: Path) -> None:
    with running(settings(tmp_path, reads="keys")) as service, service.client() as nobody:
        market = Market.at_service(service)
        for name in ("north", "south"):
            answer = post(service, market.report(name, now()), name)
        digest = made(answer)
        for path in ("", "/latest?policy=" + policy_of(market), f"/{digest}"):
            assert problem_of(nobody.get(f"/v1/price-rounds{path}")) == "key-missing"
        with service.client("prover") as prover:
            kept = prover.get(f"/v1/price-rounds/{digest}")
            assert kept.headers["cache-control"].startswith("private")


def test_on_both_databases(tmp_path: Path, database_url: str) -> None:
    with running(settings(tmp_path, database_url)) as service:
        market = Market.at_service(service)
        post(service, market.report("north", now()))
        digest = made(post(service, market.report("south", now()), "south"))
        retire(service, market.oracles["south"], now() - seconds(60))
        assert problem_of(get(service, "/latest", policy=policy_of(market))) == "not-found"
        assert get(service, f"/{digest}").status_code == 200
        assert len(get(service, "", limit="1").json()["items"]) == 1
