"""Each wrong attestation is refused with a problem type of its own, and leaves nothing behind."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.api.asking import (
    answer,
    answer_to,
    audit_now,
    events,
    failed_checks,
    issued_at,
    nothing_stored,
    open_audit,
    post_commitment,
    problem_of,
    question,
    retire,
    submit,
)
from tests.api.running import Market, Running, running, settings
from zkcollateral.circuits.attestation import Attestation
from zkcollateral.circuits.claim import document_digest
from zkcollateral.circuits.evidence import (
    SignedDocument,
    Vouch,
    make_signed_round,
    report_envelope,
    vouch_envelope,
)
from zkcollateral.crypto.signature import SigningKey
from zkcollateral.risk.clock import format_time, now
from zkcollateral.risk.prices import PriceReport


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(settings(tmp_path_factory.mktemp("refusals"))) as started:
        yield started


@pytest.fixture(scope="module")
def market(service: Running) -> Market:
    return Market.at_service(service)


@pytest.fixture(scope="module")
def good(market: Market) -> Attestation:
    """One that nothing is wrong with."""
    return market.attestation()


def is_refused(
    service: Running,
    attestation: Attestation | dict[str, Any],
    problem: str,
    *failed: str,
    tenant: str = "holder",
) -> None:
    """Submitting it is answered with this problem and these failed checks, and stores nothing."""
    before = len(events(service, "attestation.refused"))
    with nothing_stored(service):
        response = submit(service, attestation, tenant)
    assert problem_of(response) == problem, response.text
    if failed:
        assert failed_checks(response) == list(failed)
        assert len(events(service, "attestation.refused")) == before + 1
    else:
        assert "checks" not in response.json()


def changed(attestation: Attestation, path: tuple[str | int, ...], to: Any) -> dict[str, Any]:
    """The JSON of an attestation with one place of it changed."""
    value: dict[str, Any] = copy.deepcopy(attestation.to_json_value())
    here: Any = value
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = to
    return value


def test_a_stale_round(service: Running, market: Market) -> None:
    at = now()
    stale = market.attestation(
        market.vouched(as_of=at), prices=market.prices(at - timedelta(seconds=660)), expires_in=900
    )
    is_refused(service, stale, "price-round-stale", "price_age")


def test_a_price_of_an_unknown_oracle(service: Running, market: Market) -> None:
    at = now()
    reports = [market.report("north", at), market.report("south", at, key=SigningKey.generate())]
    foreign = market.attestation(at=at, prices=make_signed_round(reports, market.policy))
    is_refused(service, foreign, "oracle-not-trusted", "oracle_quorum")


def test_a_price_that_one_oracle_signed_in_the_name_of_another(
    service: Running, market: Market
) -> None:
    at = now()
    reports = [market.report("north", at), market.report("south", at, key=market.oracles["north"])]
    foreign = market.attestation(at=at, prices=make_signed_round(reports, market.policy))
    is_refused(service, foreign, "oracle-not-trusted", "oracle_quorum")


def test_a_price_that_was_changed_after_it_was_signed(
    service: Running, market: Market, good: Attestation
) -> None:
    at = now()
    report = PriceReport.from_json_value(
        {
            "format": "zkcollateral/price-report/1",
            "oracle": "south",
            "time": format_time(at),
            "quote": "USD",
            "prices": {"BTC": "64001", "ETH": "3000", "USDC": "1", "ETH-PERP": "3001.25"},
        },
        "report",
    )
    other = market.report("south", at)
    forged = replace(report_envelope(report, market.oracles["south"]), signatures=other.signatures)
    reports = [market.report("north", at), forged]
    foreign = market.attestation(at=at, prices=make_signed_round(reports, market.policy))
    is_refused(service, foreign, "oracle-not-trusted", "oracle_quorum")


@pytest.mark.parametrize(
    ("role", "check"), [("oracle", "oracle_quorum"), ("custodian", "custodian_signature")]
)
def test_a_retired_key(service: Running, role: str, check: str) -> None:
    market = Market.at_service(service)
    at = now()
    evidence = at - timedelta(seconds=30)
    key = market.oracles["north"] if role == "oracle" else market.venues["bank"]
    retire(service, key, at - timedelta(seconds=20))
    after = market.attestation()
    is_refused(service, after, "key-retired", check)
    # What it signed until then still counts.
    before = submit(service, issued_at(market, at, evidence))
    assert before.status_code == 201, before.text


def test_an_unknown_custodian(service: Running, market: Market) -> None:
    at = now()
    holding = market.vouched(as_of=at, key=SigningKey.generate())
    is_refused(
        service, market.attestation(holding, at=at), "custodian-not-trusted", "custodian_signature"
    )


def test_a_policy_that_is_not_accepted(service: Running, market: Market) -> None:
    other = Market(oracles=market.oracles, venues=market.venues)
    other.policy_value["name"] = "never-published"
    is_refused(service, other.attestation(), "policy-not-accepted", "policy", "statement", "proof")


def test_a_stale_commitment(service: Running, market: Market) -> None:
    at = now()
    holding = market.vouched(as_of=at - timedelta(days=2))
    stale = market.attestation(holding, prices=market.prices(at), expires_in=900)
    is_refused(service, stale, "commitment-stale", "commitment_age")


def test_a_superseded_commitment(service: Running, market: Market) -> None:
    at = now()
    post_commitment(service, market, "acct-old", at)
    older = market.vouched(account="acct-old", as_of=at - timedelta(seconds=1))
    attestation = market.attestation(older, prices=market.prices(at))
    with nothing_stored(service):
        response = submit(service, attestation)
    assert problem_of(response) == "commitment-superseded"
    # The verifier has no objection: it is the service that knows of a newer one.
    assert failed_checks(response) == []


def test_a_commitment_that_is_no_point(service: Running, market: Market) -> None:
    at = now()
    good = market.attestation(at=at)
    fields = {"account": "acct-1", "registry": document_digest(market.registry)}
    vouch = Vouch(**fields, slots=market.registry.slots, commitment="ff" * 48, as_of=at)
    envelope = vouch_envelope(vouch, market.venues["bank"])
    value = changed(good, ("claim", "accounts", 0, "commitments", 0, "commitment"), "ff" * 48)
    value["vouchers"] = [SignedDocument.of(envelope).model_dump()]
    is_refused(service, value, "statement-unbuildable", "statement", "proof")


def test_a_proof_of_another_commitment(service: Running, market: Market, good: Attestation) -> None:
    other = market.attestation()
    assert other.claim.summands[0].commitment != good.claim.summands[0].commitment
    is_refused(service, changed(good, ("proof",), other.proof), "proof-invalid", "proof")


@pytest.mark.parametrize("part", ["first bit", "last bit", "cut", "longer", "zeros"])
def test_a_tampered_proof(service: Running, good: Attestation, part: str) -> None:
    proof = good.proof_bytes
    tampered = {
        "first bit": bytes([proof[0] ^ 1]) + proof[1:],
        "last bit": proof[:-1] + bytes([proof[-1] ^ 1]),
        "cut": proof[:-1],
        "longer": proof + b"\0",
        "zeros": bytes(len(proof)),
    }[part]
    is_refused(service, changed(good, ("proof",), tampered.hex()), "proof-invalid", "proof")


SUMMAND = ("accounts", 0, "commitments", 0)
OTHER_DIGEST = "5e" * 32
TAMPERED: list[tuple[tuple[str | int, ...], Any, str]] = [
    (("format",), "zkcollateral/claim/2", "document-invalid"),
    (("type",), "stress", "claim-not-asked"),
    (("name",), "survives-20", "claim-not-asked"),
    (("policy",), OTHER_DIGEST, "attestation-inconsistent"),
    (("registry",), OTHER_DIGEST, "attestation-inconsistent"),
    (("round", "digest"), OTHER_DIGEST, "attestation-inconsistent"),
    (("round", "time"), "2026-01-31T12:00:00Z", "attestation-inconsistent"),
    (("accounts", 0, "slots"), "16", "custodian-not-trusted"),
    (("accounts", 0, "summands"), "2", "document-invalid"),
    ((*SUMMAND, "account"), "acct-2", "custodian-not-trusted"),
    ((*SUMMAND, "commitment"), "c0" + "00" * 47, "custodian-not-trusted"),
    ((*SUMMAND, "voucher"), OTHER_DIGEST, "custodian-not-trusted"),
    ((*SUMMAND, "as_of"), "2026-01-31T12:00:00Z", "custodian-not-trusted"),
    (("audience",), "lender-8", "proof-invalid"),
    (("nonce",), "a nonce", "proof-invalid"),
    (("issued",), "later", "proof-invalid"),
    (("expires",), "later", "proof-invalid"),
]


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of everything in a JSON value that is neither object nor list."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path


def test_every_field_of_a_claim_is_tampered_with_below(good: Attestation) -> None:
    assert set(leaves(good.claim.to_json_value())) == {path for path, _, _ in TAMPERED}


@pytest.mark.parametrize(
    ("path", "to", "problem"),
    [pytest.param(*case, id=".".join(map(str, case[0]))) for case in TAMPERED],
)
def test_a_tampered_claim(
    service: Running, market: Market, path: tuple[str | int, ...], to: Any, problem: str
) -> None:
    at = now()
    attestation = issued_at(market, at, at - timedelta(seconds=30))
    if to == "later":
        # A second earlier, for the time of issue must not lie ahead.
        moved = {"issued": -1, "expires": 1}[str(path[0])]
        to = format_time(getattr(attestation.claim, str(path[0])) + timedelta(seconds=moved))
    value = changed(attestation, ("claim", *path), to)
    with nothing_stored(service):
        response = submit(service, value)
    assert problem_of(response) == problem, response.text
    if problem != "document-invalid":
        # Whatever else is found, the proof is bound to the claim as it was.
        assert "proof" in failed_checks(response)


def test_an_attestation_for_somebody_else(service: Running, market: Market) -> None:
    is_refused(service, market.attestation(audience="lender-8"), "audience-wrong", "audience")


def test_an_answer_for_somebody_else(service: Running, market: Market) -> None:
    audit = open_audit(service, market)
    with nothing_stored(service):
        response = answer(service, audit, answer_to(market, audit, audience="lender-8"))
    assert problem_of(response) == "audience-wrong"
    assert failed_checks(response) == ["audience"]


def test_an_expired_attestation(service: Running, market: Market) -> None:
    expired = market.attestation(at=now() - timedelta(seconds=60), expires_in=30)
    is_refused(service, expired, "attestation-expired", "expiry")


def test_an_attestation_that_is_not_yet_valid(service: Running, market: Market) -> None:
    at = now()
    ahead = issued_at(market, at + timedelta(seconds=60), at)
    is_refused(service, ahead, "attestation-expired", "expiry")


def test_a_nonce_that_no_audit_drew(service: Running, market: Market) -> None:
    is_refused(service, market.attestation(nonce="5e" * 16), "nonce-wrong", "nonce")


def test_a_replayed_nonce(service: Running, market: Market) -> None:
    audit = open_audit(service, market)
    first = answer_to(market, audit)
    assert answer(service, audit, first).status_code == 201
    again = answer_to(market, audit)
    assert again.identity != first.identity
    is_refused(service, again, "nonce-replayed")
    with nothing_stored(service):
        assert problem_of(answer(service, audit, again)) == "nonce-replayed"
    assert audit_now(service, audit)["attestation"] == first.identity


def test_an_answer_that_answered_another_audit(service: Running, market: Market) -> None:
    audit, other = open_audit(service, market), open_audit(service, market)
    attestation = answer_to(market, audit)
    assert answer(service, audit, attestation).status_code == 201
    with nothing_stored(service):
        response = answer(service, other, attestation)
    assert problem_of(response) == "nonce-replayed"
    assert failed_checks(response) == ["nonce"]
    assert audit_now(service, other)["state"] == "open"
    assert audit_now(service, other)["attempts"] == "1"


def test_an_answer_without_nonce_that_was_accepted_before(service: Running, market: Market) -> None:
    attestation = market.attestation()
    assert submit(service, attestation).status_code == 201
    audit = open_audit(service, market)
    with nothing_stored(service):
        response = answer(service, audit, attestation)
    assert problem_of(response) == "audience-wrong"
    assert failed_checks(response) == ["audience", "nonce"]
    assert audit_now(service, audit)["state"] == "open"


def test_an_audit_of_another_tenant(service: Running, market: Market) -> None:
    audit = open_audit(service, market)
    attestation = answer_to(market, audit)
    is_refused(service, attestation, "other-tenant", tenant="intruder")
    with nothing_stored(service):
        response = answer(service, audit, attestation, tenant="intruder")
    assert problem_of(response) == "other-tenant"
    # Nothing of the audit is in what the intruder is told, and it is not an attempt of the prover.
    assert audit["id"] not in events(service, "attestation.refused")[-1].data
    assert audit_now(service, audit)["attempts"] == "0"


def test_an_answer_under_another_policy(service: Running, market: Market) -> None:
    other = Market.at_service(service, name="prime-2")
    audit = open_audit(service, market)
    with nothing_stored(service):
        response = answer(service, audit, answer_to(other, audit))
    assert problem_of(response) == "policy-not-accepted"
    assert failed_checks(response) == ["policy"]


def test_an_answer_with_another_claim(service: Running, market: Market) -> None:
    audit = open_audit(service, market, claim="crash")
    with nothing_stored(service):
        response = answer(service, audit, answer_to(market, audit, claim="maintenance"))
    assert problem_of(response) == "claim-not-asked"
    # The claim is not the one that was asked for, so there is no statement to hold it against.
    assert failed_checks(response) == ["claim", "statement", "proof"]


def test_an_answer_to_no_audit(service: Running, market: Market) -> None:
    with nothing_stored(service):
        response = answer(service, {"id": "5e" * 16}, market.attestation())
    assert problem_of(response) == "not-found"


def test_a_document_that_is_malformed(service: Running, good: Attestation) -> None:
    with service.client("prover") as prover, nothing_stored(service):
        for content, problem in (
            (b"{", "json-malformed"),
            (b"\xff", "json-malformed"),
            (b'{"format":"a","format":"a"}', "json-malformed"),
            (b"[]", "document-invalid"),
            (b"{}", "document-invalid"),
        ):
            headers = {"Content-Type": "application/json"}
            response = prover.post("/v1/attestations", content=content, headers=headers)
            assert problem_of(response) == problem, content
    is_refused(service, changed(good, ("proof",), "xyz"), "document-invalid")


def test_an_unknown_field(service: Running, good: Attestation) -> None:
    for path in (("more",), ("claim", "more"), ("prices", "round", "more")):
        is_refused(service, changed(good, path, "x"), "document-invalid")


def test_a_number(service: Running, market: Market, good: Attestation) -> None:
    path = ("claim", "accounts", 0, "summands")
    is_refused(service, changed(good, path, 1), "json-malformed")
    with service.client("auditor") as auditor:
        response = auditor.post("/v1/audits", json=question(market, max_attempts=3))
    assert problem_of(response) == "json-malformed"


def test_no_key_an_unknown_one_and_one_of_another_scope(
    service: Running, good: Attestation
) -> None:
    value = good.to_json_value()
    unknown = {"Authorization": "Bearer zkc_0123456789abcdef_" + "A" * 43}
    with nothing_stored(service):
        with service.client() as nobody:
            missing = nobody.post("/v1/attestations", json=value)
            foreign = nobody.post("/v1/attestations", json=value, headers=unknown)
        with service.client("auditor", "oracle", "custodian", "admin") as other:
            unscoped = other.post("/v1/attestations", json=value)
    for response, status, name in (
        (missing, 401, "key-missing"),
        (foreign, 401, "key-unknown"),
        (unscoped, 403, "scope-missing"),
    ):
        assert (response.status_code, problem_of(response)) == (status, name)
    assert missing.headers["www-authenticate"].startswith("Bearer")


def test_the_one_that_was_tampered_with_is_accepted_as_it_was(
    service: Running, good: Attestation
) -> None:
    response = submit(service, good)
    assert response.status_code == 201, response.text
