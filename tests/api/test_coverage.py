"""Whether an account is covered: by the newest attestation that custodians vouch for."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tests.api.asking import (
    TENANT,
    answer,
    answer_to,
    coverage,
    events,
    issued_at,
    open_audit,
    problem_of,
    retire,
    submit,
)
from tests.api.running import Market, Running, running, settings
from tests.world import PORTFOLIO, srs
from zkcollateral.api.acceptance import Acceptance
from zkcollateral.api.cases import Case
from zkcollateral.api.metrics import Metrics
from zkcollateral.api.store.tables import AttestationRow, Subject
from zkcollateral.api.sweeper import Sweeper
from zkcollateral.circuits.attestation import Attestation
from zkcollateral.circuits.claim import document_digest
from zkcollateral.crypto.commitment import Opening
from zkcollateral.prover.attestation import Holding
from zkcollateral.risk.clock import format_time, now

NUMBERS = count()
WITH_COVERS = {
    "maintenance": {"type": "maintenance"},
    "reserves": {"type": "covers", "ratio": "1", "net": True},
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(settings(tmp_path_factory.mktemp("coverage"))) as started:
        yield started


@pytest.fixture
def either(tmp_path: Path, database_url: str) -> Iterator[Running]:
    """A service on one of the databases, then on the other."""
    with running(settings(tmp_path, database_url)) as started:
        yield started


@pytest.fixture
def market(service: Running) -> Market:
    """A market with a policy of its own: what others cover is not seen in it."""
    name = f"prime-{next(NUMBERS)}"
    return Market.at_service(service, claims=WITH_COVERS, name=name)


def accepted(service: Running, attestation: Attestation, tenant: str = TENANT) -> str:
    """Submit an attestation that has to be accepted; its id."""
    response = submit(service, attestation, tenant)
    assert response.status_code == 201, response.text
    return attestation.identity


def seconds_ago(market: Market, seconds: int, **changes: Any) -> Attestation:
    """An attestation issued some seconds ago, on evidence of that time."""
    at = now() - timedelta(seconds=seconds)
    return issued_at(market, at, at, **changes)


def look(service: Running, market: Market, account: str = "acct-1", **asked: str) -> dict[str, Any]:
    """What is said of an account's coverage under the market's policy."""
    return coverage(service, account, **{"policy": document_digest(market.policy), **asked})


def losses(service: Running, market: Market) -> list[dict[str, Any]]:
    """The losses of coverage under the market's policy that were announced."""
    policy = document_digest(market.policy)
    said = [json.loads(event.data) for event in events(service, "coverage.lost")]
    return [each for each in said if each["policy"] == policy]


def the_claim(found: dict[str, Any]) -> dict[str, Any]:
    (claim,) = found["claims"]
    return dict(claim)


def status(service: Running, id_: str) -> dict[str, Any]:
    with service.client() as reader:
        return dict(reader.get(f"/v1/attestations/{id_}").raise_for_status().json())


def empty(market: Market) -> Opening:
    """Of a portfolio that holds nothing and owes a little."""
    return market.opening({**PORTFOLIO, "collateral": {}, "signed": {}, "debt": {"USDC": "100"}})


def rich(market: Market) -> Opening:
    """Of a portfolio that holds much and owes nothing."""
    return market.opening({**PORTFOLIO, "debt": {}, "signed": {}})


def test_an_account_is_covered_from_its_attestation_on(service: Running, market: Market) -> None:
    assert look(service, market) == {"account": "acct-1", "covered": False, "claims": []}
    attestation = seconds_ago(market, 20)
    id_ = accepted(service, attestation)
    found = look(service, market)
    claim = the_claim(found)
    age, history = int(claim.pop("age_seconds")), claim.pop("history")
    assert 20 <= age < 40
    assert claim.pop("subject")
    assert found["covered"] is True
    assert claim == {
        "policy": attestation.claim.policy,
        "claim": "maintenance",
        "accounts": [{"custodian": "bank", "account": "acct-1", "side": "assets"}],
        "covered": True,
        "attestation": id_,
        "issued": format_time(attestation.claim.issued),
        "due": format_time(attestation.claim.expires),
    }
    start = status(service, id_)["accepted"]
    assert history == [
        {
            "attestation": id_,
            "from": start,
            "until": format_time(attestation.claim.expires),
            "ended": "",
        }
    ]


def test_what_is_asked_for_is_what_is_answered(service: Running, market: Market) -> None:
    attestation = market.attestation()
    accepted(service, attestation)
    audit = open_audit(service, market, claim="maintenance", audience="lender-9")
    assert answer(service, audit, answer_to(market, audit)).status_code == 201
    assert len(look(service, market)["claims"]) == 2
    assert len(look(service, market, audience="lender-9")["claims"]) == 1
    assert len(look(service, market, custodian="bank", claim="maintenance")["claims"]) == 2
    for asked in (
        {"custodian": "vault"},
        {"policy": "5e" * 32},
        {"claim": "crash"},
        {"audience": "lender-8"},
        {"account": "acct-2"},
    ):
        found = look(service, market, **asked)
        assert (found["covered"], found["claims"]) == (False, [])
    with service.client() as reader:
        wrong = reader.get("/v1/accounts/acct-1%00/coverage")
        assert problem_of(wrong) == "parameter-invalid"
        slashed = reader.get("/v1/accounts/fund/7/coverage")
        assert slashed.json()["account"] == "fund/7"
        assert slashed.headers["cache-control"] == "no-cache"


def test_the_one_that_was_issued_last_counts_whichever_arrives_last(
    service: Running, market: Market
) -> None:
    older, newer, newest = (seconds_ago(market, seconds) for seconds in (40, 20, 0))
    accepted(service, newer)
    accepted(service, older)
    assert the_claim(look(service, market))["attestation"] == newer.identity
    assert status(service, older.identity)["status"] == "superseded"
    assert status(service, older.identity)["superseded_by"] == newer.identity
    time.sleep(1.1)
    accepted(service, newest)
    claim = the_claim(look(service, market))
    assert claim["attestation"] == newest.identity
    assert status(service, newer.identity)["superseded_by"] == newest.identity
    # The one that came late never counted.
    history = [(each["attestation"], each["ended"]) for each in claim["history"]]
    assert history == [(newest.identity, ""), (newer.identity, "superseded")]
    assert claim["history"][1]["until"] == claim["history"][0]["from"]


@pytest.mark.parametrize("together", [True, False])
def test_of_two_that_were_issued_in_one_second_the_later_to_arrive_counts(
    service: Running, market: Market, together: bool
) -> None:
    at = now()
    pair = [issued_at(market, at, at) for _ in range(2)]
    batches = [pair] if together else [[each] for each in pair]
    acceptance = Acceptance(service.service.store, srs(), None, Metrics())
    for batch in batches:
        acceptance.accept([Case(each, TENANT) for each in batch])
    first, second = (status(service, each.identity) for each in pair)
    assert (first["status"], second["status"]) == ("superseded", "valid")
    assert first["superseded_by"] == second["id"]
    assert "superseded_by" not in second
    assert the_claim(look(service, market))["attestation"] == second["id"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_in_one_batch_too_the_one_that_was_issued_last_counts(
    service: Running, market: Market, order: tuple[int, ...]
) -> None:
    issued = [seconds_ago(market, seconds) for seconds in (30, 20, 10)]
    acceptance = Acceptance(service.service.store, srs(), None, Metrics())
    acceptance.accept([Case(issued[number], TENANT) for number in order])
    assert the_claim(look(service, market))["attestation"] == issued[2].identity
    found = [status(service, each.identity)["status"] for each in issued]
    assert found == ["superseded", "superseded", "valid"]


def test_a_revoked_one_does_not_bring_back_the_one_before(service: Running, market: Market) -> None:
    older, newer, late = (seconds_ago(market, seconds) for seconds in (40, 20, 30))
    accepted(service, older)
    accepted(service, newer)
    with service.client("prover", tenant=TENANT) as prover:
        address = f"/v1/attestations/{newer.identity}/revoke"
        prover.post(address, json={"reason": "a mistake"}).raise_for_status()
    found = look(service, market)
    assert found["covered"] is False
    assert "attestation" not in the_claim(found)
    assert [each["reason"] for each in losses(service, market)] == ["revoked"]
    # One that was issued before the revoked one is outdated all the same, also if it comes now.
    accepted(service, late)
    assert look(service, market)["covered"] is False
    accepted(service, market.attestation())
    assert look(service, market)["covered"] is True


def test_coverage_ends_with_the_evidence_though_the_claim_says_later(
    service: Running, market: Market
) -> None:
    at = now()
    attestation = issued_at(market, at, at - timedelta(seconds=300), expires_in=10**7)
    id_ = accepted(service, attestation)
    due = format_time(at + timedelta(seconds=301))
    assert the_claim(look(service, market))["due"] == due
    assert status(service, id_)["expires"] == due


def test_coverage_lapses_and_the_gap_is_told(service: Running, market: Market) -> None:
    short = market.attestation(expires_in=2)
    accepted(service, short)
    while now() < short.claim.expires:
        time.sleep(0.05)
    assert look(service, market)["covered"] is False
    accepted(service, market.attestation())
    (lost,) = losses(service, market)
    assert (lost["attestation"], lost["reason"]) == (short.identity, "expired")
    claim = the_claim(look(service, market))
    ended = [each["ended"] for each in claim["history"]]
    assert (claim["covered"], ended) == (True, ["", "expired"])


def test_a_gap_that_nobody_has_noted_is_told_when_the_next_one_comes(
    service: Running, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sweeper, "sweep", lambda _: None)
    first = market.attestation()
    accepted(service, first)
    acceptance = Acceptance(service.service.store, srs(), None, Metrics())
    case = Case(market.attestation(), TENANT)
    with service.service.store.write() as writer:
        due = update(Subject).where(Subject.newest == first.identity)
        writer.session.execute(due.values(expires=writer.at + timedelta(seconds=1)))
    time.sleep(1.05)
    acceptance.accept([case])
    (lost,) = losses(service, market)
    assert lost["attestation"] == first.identity


def test_what_nobody_vouches_for_covers_supersedes_and_hides_nothing(
    service: Running, market: Market
) -> None:
    accepted(service, seconds_ago(market, 30))
    before = look(service, market)
    lost = len(losses(service, market))
    for tenant in ("intruder", TENANT):
        accepted(service, market.attestation(market.unvouched()), tenant)
    after = look(service, market)
    for found in (before, after):
        the_claim(found)
        del found["claims"][0]["age_seconds"]
    assert after == before
    assert len(losses(service, market)) == lost


def test_an_account_that_nobody_vouches_for_is_not_covered(
    service: Running, market: Market
) -> None:
    accepted(service, market.attestation(market.unvouched()))
    assert look(service, market) == {"account": "acct-1", "covered": False, "claims": []}


def test_tenants_do_not_supersede_each_others_unvouched_accounts(
    service: Running, market: Market
) -> None:
    mine = accepted(service, seconds_ago(market, 30, holding=market.unvouched()))
    theirs = accepted(service, market.attestation(market.unvouched()), "intruder")
    assert status(service, mine)["status"] == status(service, theirs)["status"] == "valid"
    again = accepted(service, market.attestation(market.unvouched()))
    assert status(service, mine)["superseded_by"] == again
    assert status(service, theirs)["status"] == "valid"


def pair(market: Market, assets: Holding, liabilities: Holding) -> Attestation:
    return market.attestation(assets, liabilities=(liabilities,), claim="reserves")


def test_of_a_claim_about_two_it_is_the_liabilities_that_are_covered(
    service: Running, market: Market
) -> None:
    at = now()
    reserve = market.vouched("vault", rich(market), account="reserve", as_of=at)
    owed = market.vouched("bank", empty(market), account="customers", as_of=at)
    accepted(service, pair(market, reserve, owed))
    found = look(service, market, "customers")
    assert found["covered"] is True
    assert the_claim(found)["accounts"] == [
        {"custodian": "vault", "account": "reserve", "side": "assets"},
        {"custodian": "bank", "account": "customers", "side": "liabilities"},
    ]
    assert look(service, market, "reserve") == {
        "account": "reserve",
        "covered": False,
        "claims": [],
    }


@pytest.mark.parametrize("side", ["assets", "liabilities"])
def test_made_up_assets_or_liabilities_cover_nobody(
    service: Running, market: Market, side: str
) -> None:
    at = now()
    assets = market.vouched("vault", rich(market), account="acct-2", as_of=at)
    liabilities = market.vouched("bank", empty(market), as_of=at)
    if side == "assets":
        assets = market.unvouched(rich(market))
    else:
        liabilities = market.unvouched(empty(market))
    accepted(service, pair(market, assets, liabilities), "intruder")
    for account in ("acct-1", "acct-2"):
        assert look(service, market, account)["covered"] is False
        assert look(service, market, account)["claims"] == []


def test_a_sum_over_several_custodians_covers_each_account_in_it(
    service: Running, market: Market
) -> None:
    at = now() - timedelta(seconds=30)
    later = now()
    ids = []
    for moment, backwards in ((at, False), (later, True)):
        parts = [
            market.vouched("bank", empty(market), account="spot", as_of=moment),
            market.vouched("vault", rich(market), account="cold", as_of=moment),
        ]
        holdings = parts[::-1] if backwards else parts
        ids.append(accepted(service, market.attestation(*holdings, at=moment)))
    for account, custodian in (("spot", "bank"), ("cold", "vault")):
        found = look(service, market, account, custodian=custodian)
        # The order of the accounts does not matter: it is one subject.
        claim = the_claim(found)
        assert (found["covered"], claim["attestation"]) == (True, ids[1])
        assert {each["account"] for each in claim["accounts"]} == {"spot", "cold"}
    assert status(service, ids[0])["superseded_by"] == ids[1]
    # One of them alone is another subject.
    accepted(service, market.attestation(market.vouched("vault", account="cold", as_of=later)))
    assert len(look(service, market, "cold")["claims"]) == 2


def test_accounts_of_one_name_at_two_custodians_are_two(either: Running) -> None:
    service, market = either, Market.at_service(either)
    at = now()
    short = accepted(
        service, market.attestation(market.vouched("vault", as_of=at), at=at, expires_in=600)
    )
    assert look(service, market)["covered"] is True
    assert look(service, market, custodian="bank")["covered"] is False
    accepted(service, market.attestation())
    assert look(service, market)["covered"] is True
    with service.client("admin") as admin:
        admin.post(f"/v1/attestations/{short}/revoke", json={"reason": "x"}).raise_for_status()
    # Without the custodian's name nothing is said of one that does not hold for the other.
    assert look(service, market)["covered"] is False
    assert look(service, market, custodian="bank")["covered"] is True
    assert look(service, market, custodian="vault")["covered"] is False


@pytest.mark.parametrize("role", ["oracle", "custodian"])
def test_a_key_that_is_retired_while_coverage_rests_on_it(
    service: Running, market: Market, role: str
) -> None:
    attestation = seconds_ago(market, 20)
    accepted(service, attestation)
    key = market.oracles["north"] if role == "oracle" else market.venues["bank"]
    retire(service, key, attestation.claim.issued - timedelta(seconds=1))
    found = look(service, market)
    assert found["covered"] is False
    assert the_claim(found)["history"][0]["ended"] == "revoked"
    assert status(service, attestation.identity)["status"] == "revoked"
    assert len(losses(service, market)) == 1


def test_what_a_retired_key_signed_before_its_end_goes_on_to_count(
    service: Running, market: Market
) -> None:
    attestation = seconds_ago(market, 20)
    accepted(service, attestation)
    retire(service, market.venues["bank"], attestation.claim.issued)
    assert look(service, market)["covered"] is True


def test_history_is_bounded_and_the_newest_comes_first(
    service: Running, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zkcollateral.api.routes.coverage.MOST_INTERVALS", 2)
    ids = [accepted(service, seconds_ago(market, seconds)) for seconds in (50, 40, 30)]
    with service.service.store.write() as writer:
        # As if they had come a minute apart.
        for minutes, id_ in enumerate(ids):
            row = writer.session.get_one(AttestationRow, id_)
            row.accepted = row.accepted - timedelta(minutes=3 - minutes)
    history = the_claim(look(service, market))["history"]
    assert [each["attestation"] for each in history] == [ids[2], ids[1]]


def test_where_reads_need_a_key_a_prover_sees_its_own(tmp_path: Path) -> None:
    with running(settings(tmp_path, reads="keys")) as service:
        market = Market.at_service(service)
        mine = market.attestation()
        with service.client("prover", tenant=TENANT) as prover:
            assert prover.post("/v1/attestations", json=mine.to_json_value()).status_code == 201
            seen = prover.get("/v1/accounts/acct-1/coverage").json()
        with service.client("prover", tenant="intruder") as intruder:
            hidden = intruder.get("/v1/accounts/acct-1/coverage").json()
            # Whoever has a copy of it is not told what became of it either.
            copied = intruder.post("/v1/attestations", json=mine.to_json_value())
        with service.client("auditor", tenant="anyone") as auditor:
            asked = auditor.get("/v1/accounts/acct-1/coverage").json()
        with service.client() as nobody:
            assert problem_of(nobody.get("/v1/accounts/acct-1/coverage")) == "key-missing"
    assert seen["covered"] is asked["covered"] is True
    assert (hidden["covered"], hidden["claims"]) == (False, [])
    assert problem_of(copied) == "other-tenant"
    assert document_digest(mine) not in copied.text
