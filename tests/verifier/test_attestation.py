"""Every check of an attestation: what passes, and for each check a case in which only it fails."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.world import LENDER, NOW, World, altered, failed, srs
from zkcollateral.circuits.attestation import Attestation
from zkcollateral.circuits.claim import document_digest
from zkcollateral.circuits.evidence import (
    SignedDocument,
    SignedRound,
    make_signed_round,
    payload_digest,
)
from zkcollateral.crypto.commitment import Opening
from zkcollateral.crypto.field import MODULUS
from zkcollateral.errors import ClaimNotSatisfied, CompileError, DocumentError, InputError
from zkcollateral.risk.prices import PriceRound
from zkcollateral.verifier.attestation import verify_attestations
from zkcollateral.verifier.examination import Expectation
from zkcollateral.verifier.report import CHECK_NAMES, Check, Report


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.mark.parametrize("claim", ["maintenance", "crash", "survives-20"])
def test_honest_attestations_pass_every_check(world: World, claim: str) -> None:
    report = world.verify(world.attest(claim=claim))
    assert report.valid, report.failed
    assert [check.name for check in report.checks] == list(CHECK_NAMES)


def test_a_sum_over_three_venues(world: World) -> None:
    holdings = [world.vouched(venue) for venue in world.venues]
    attestation = world.attest(*holdings)
    assert attestation.claim.accounts[0].summands == 3
    assert world.verify(attestation).valid


def test_a_venue_short_of_collateral_is_carried_by_another(world: World) -> None:
    poor = {
        "format": "zkcollateral/portfolio/1",
        "account": "acct-1",
        "collateral": {},
        "debt": {"USDC": "10000"},
        "signed": {},
    }
    short = world.vouched("desk", world.opening(poor))
    with pytest.raises(ClaimNotSatisfied):
        world.attest(short)
    assert world.verify(world.attest(world.vouched("bank"), short)).valid


def test_an_unvouched_commitment_is_range_checked_slot_by_slot(world: World) -> None:
    attestation = world.attest(world.unvouched())
    report = world.verify(attestation)
    assert report.valid, report.failed
    statement = next(check for check in report.checks if check.name == "statement")
    # 8 ranged slots, long and short of the signed one, and at least one slack.
    values = int(statement.reason.split(", ")[1].split()[0])
    assert values >= 11


def test_policy_not_accepted(world: World) -> None:
    def another(trust: dict[str, Any]) -> None:
        trust["policies"] = ["0" * 64]

    report = world.verify(world.attest(), trust=world.trust(another))
    assert failed(report) == {"policy", "statement", "proof"}


def test_another_claim_than_the_one_asked_for(world: World) -> None:
    """An account that meets an easy claim does not pass for one that meets the claim asked for."""
    attestation = world.attest()
    assert world.verify(attestation, claim="maintenance").valid
    report = world.verify(attestation, claim="crash")
    assert failed(report) == {"claim", "statement", "proof"}


def test_the_report_says_which_claim_and_whose_account(world: World) -> None:
    report = world.verify(world.attest(claim="crash"))
    (claim,) = [check for check in report.checks if check.name == "claim"]
    assert claim.reason == "crash (stress) of policy prime for acct-1"


def test_unknown_oracle(world: World) -> None:
    def drop_oracle(trust: dict[str, Any]) -> None:
        trust["keys"] = [key for key in trust["keys"] if key["name"] != "south"]

    report = world.verify(world.attest(), trust=world.trust(drop_oracle))
    assert failed(report) == {"oracle_quorum"}


def test_unknown_custodian(world: World) -> None:
    def drop_custodian(trust: dict[str, Any]) -> None:
        trust["keys"] = [key for key in trust["keys"] if key["name"] != "bank"]

    report = world.verify(world.attest(), trust=world.trust(drop_custodian))
    assert failed(report) == {"custodian_signature"}


@pytest.mark.parametrize(
    ("role", "check"), [("oracle", "oracle_quorum"), ("custodian", "custodian_signature")]
)
def test_a_key_of_another_role_does_not_count(world: World, role: str, check: str) -> None:
    def swap(trust: dict[str, Any]) -> None:
        for key in trust["keys"]:
            if key["role"] == role:
                key["role"] = "log"

    assert failed(world.verify(world.attest(), trust=world.trust(swap))) == {check}


@pytest.mark.parametrize(
    ("name", "check"), [("north", "oracle_quorum"), ("bank", "custodian_signature")]
)
@pytest.mark.parametrize("days", [(-30, -1), (1, 30)])
def test_a_key_outside_its_window(
    world: World, name: str, check: str, days: tuple[int, int]
) -> None:
    def move(trust: dict[str, Any]) -> None:
        for key in trust["keys"]:
            if key["name"] == name:
                for end, offset in zip(("valid_from", "valid_until"), days, strict=True):
                    key[end] = (NOW + timedelta(days=offset)).strftime("%Y-%m-%dT%H:%M:%SZ")

    assert failed(world.verify(world.attest(), trust=world.trust(move))) == {check}


def test_old_prices(world: World) -> None:
    attestation = world.attest(expires_in=3600)
    assert world.verify(attestation, at=NOW + timedelta(seconds=600)).valid
    report = world.verify(attestation, at=NOW + timedelta(seconds=601))
    assert failed(report) == {"price_age"}


def test_old_commitment(world: World) -> None:
    limit = timedelta(seconds=86400)
    fresh_enough = world.attest(world.vouched(as_of=NOW - limit), expires_in=60)
    assert world.verify(fresh_enough).valid
    too_old = world.attest(world.vouched(as_of=NOW - limit - timedelta(seconds=1)), expires_in=60)
    assert failed(world.verify(too_old)) == {"commitment_age"}


def test_one_old_commitment_among_fresh_ones(world: World) -> None:
    old = world.vouched("desk", as_of=NOW - timedelta(days=2))
    attestation = world.attest(world.vouched("bank"), old, expires_in=60)
    assert failed(world.verify(attestation)) == {"commitment_age"}


def test_a_price_report_from_the_future(world: World) -> None:
    ahead = NOW + timedelta(seconds=1)
    report = world.verify(world.attest(prices=world.prices(ahead), issued=ahead))
    assert failed(report) == {"price_age", "expiry"}


def test_the_newest_report_of_a_round_may_not_lie_in_the_future_either(world: World) -> None:

    ahead = NOW + timedelta(seconds=1)
    prices = make_signed_round([world.report("north"), world.report("south", ahead)], world.policy)
    assert prices.round.time == NOW
    assert failed(world.verify(world.attest(prices=prices))) == {"price_age"}


def test_a_commitment_from_the_future(world: World) -> None:
    ahead = world.vouched(as_of=NOW + timedelta(seconds=1))
    attestation = world.attest(ahead, issued=NOW + timedelta(seconds=1))
    assert failed(world.verify(attestation)) == {"commitment_age", "expiry"}


def test_issued_in_the_future(world: World) -> None:
    attestation = world.attest(issued=NOW + timedelta(seconds=1))
    assert failed(world.verify(attestation)) == {"expiry"}


def test_expired(world: World) -> None:
    attestation = world.attest(expires_in=60)
    assert world.verify(attestation, at=NOW + timedelta(seconds=59)).valid
    assert failed(world.verify(attestation, at=NOW + timedelta(seconds=60))) == {"expiry"}


@pytest.mark.parametrize("audience", ["somebody-else", None])
def test_another_audience(world: World, audience: str | None) -> None:
    attestation = world.attest(audience=audience)
    assert failed(world.verify(attestation)) == {"audience"}


def test_the_audience_of_the_call_replaces_that_of_the_trust_file(world: World) -> None:
    attestation = world.attest(audience="desk-2")
    assert world.verify(attestation, audience="desk-2").valid
    assert failed(world.verify(world.attest(), audience="desk-2")) == {"audience"}


def test_nonce(world: World) -> None:
    attestation = world.attest(nonce="7f3a")
    assert world.verify(attestation, nonce="7f3a").valid
    assert world.verify(attestation).valid
    assert failed(world.verify(attestation, nonce="7f3b")) == {"nonce"}
    assert failed(world.verify(world.attest(), nonce="7f3a")) == {"nonce"}


def test_a_changed_proof(world: World) -> None:
    attestation = world.attest()
    proof = attestation.proof[:-1] + ("0" if attestation.proof[-1] != "0" else "1")
    assert failed(world.verify(altered(attestation, "proof", to=proof))) == {"proof"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("claim", "audience"), LENDER + "x"),
        (("claim", "nonce"), "1"),
        (("claim", "issued"), "2026-01-31T11:59:59Z"),
        (("claim", "expires"), "2026-01-31T13:00:00Z"),
        (("claim", "accounts", 0, "commitments", 0, "account"), "acct-2"),
        (("claim", "accounts", 0, "commitments", 0, "as_of"), "2026-01-31T11:59:59Z"),
        (("claim", "accounts", 0, "commitments", 0, "voucher"), "0" * 64),
        (("claim", "accounts", 0, "slots"), "16"),
    ],
)
def test_whatever_the_claim_says_is_bound_by_the_proof(
    world: World, path: tuple[str | int, ...], value: str
) -> None:
    report = world.verify(altered(world.attest(), *path, to=value))
    assert "proof" in failed(report)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("policy", "ratio"), "1.2"),
        (("policy", "factors", "collateral", "BTC"), "0.86"),
        (("policy", "oracle", "max_age_seconds"), "6000"),
        (("registry", "assets", 0, "unit"), "-7"),
        (("prices", "round", "prices", "BTC"), "65000"),
        (("prices", "round", "time"), "2026-01-31T12:00:01Z"),
        (("claim", "policy"), "0" * 64),
        (("claim", "registry"), "0" * 64),
        (("claim", "round", "digest"), "0" * 64),
        (("claim", "round", "time"), "2026-01-31T12:00:01Z"),
    ],
)
def test_documents_that_do_not_belong_together(
    world: World, path: tuple[str | int, ...], value: str
) -> None:
    report = world.verify(altered(world.attest(), *path, to=value))
    assert {"format", "statement", "proof"} <= failed(report)


def test_a_round_other_than_the_median_of_its_reports(world: World) -> None:
    # Consistent digests, so that only the quorum check can see it.
    prices = world.prices().to_json_value()
    prices["round"]["prices"]["BTC"] = "70000"

    forged = SignedRound.from_json_value(prices, "round")
    assert failed(world.verify(world.attest(prices=forged))) == {"oracle_quorum"}


def test_one_oracle_twice_is_no_quorum(world: World) -> None:

    envelopes = sorted(
        [world.report("north"), world.report("north", NOW - timedelta(seconds=1))],
        key=payload_digest,
    )
    prices = world.prices()
    forged = prices.model_copy(
        update={
            "reports": tuple(map(SignedDocument.of, envelopes)),
            "round": PriceRound.model_validate(
                {
                    **prices.round.to_json_value(),
                    "time": "2026-01-31T11:59:59Z",
                    "reports": [payload_digest(envelope) for envelope in envelopes],
                }
            ),
        }
    )
    assert failed(world.verify(world.attest(prices=forged))) == {"oracle_quorum"}


def test_an_oracle_cannot_sign_for_another(world: World) -> None:

    prices = make_signed_round(
        [world.report("north"), world.report("south", key=world.oracles["north"])], world.policy
    )
    assert failed(world.verify(world.attest(prices=prices))) == {"oracle_quorum"}


def test_a_claim_type_other_than_the_policys(world: World) -> None:
    report = world.verify(altered(world.attest(), "claim", "type", to="stress"))
    assert failed(report) == {"claim", "statement", "proof"}


def test_policy_without_unvouched_commitments(world: World) -> None:
    strict = World(registry=world.registry, oracles=world.oracles, venues=world.venues)
    strict.policy_value["commitments"]["unvouched"] = False
    with pytest.raises(CompileError, match="vouched for"):
        strict.attest(strict.unvouched())


def test_too_many_summands(world: World) -> None:
    narrow = World(registry=world.registry, oracles=world.oracles, venues=world.venues)
    narrow.policy_value["commitments"]["max_summands"] = "1"
    with pytest.raises(CompileError, match="1 to 1"):
        narrow.attest(narrow.vouched("bank"), narrow.vouched("desk"))


def test_born_expired(world: World) -> None:
    with pytest.raises(CompileError, match="born expired"):
        world.attest(issued=NOW + timedelta(seconds=600))


def test_batch_gives_the_same_reports(world: World) -> None:
    good = world.attest()
    bad_proof = altered(good, "proof", to=good.proof[:-2] + "00")
    bad_claim = altered(good, "claim", "type", to="band")
    attestations = [good, bad_proof, bad_claim, world.attest(claim="crash")]
    trust = world.trust()
    reports = verify_attestations(
        attestations, trust, srs(), [Expectation(NOW)] * len(attestations)
    )
    assert reports == [world.verify(item, trust=trust) for item in attestations]
    assert [report.valid for report in reports] == [True, False, False, True]


def test_reports_have_no_truth_value(world: World) -> None:
    report = world.verify(world.attest())
    with pytest.raises(TypeError, match="valid"):
        bool(report)
    with pytest.raises(ValueError, match="every check"):
        Report((Check("proof", True, ""),))


def test_unreadable_attestations_are_document_errors() -> None:

    for data in (b"", b"{}", b"[]", b'{"format":"zkcollateral/attestation/2"}', b"\xff"):
        with pytest.raises(DocumentError):
            Attestation.from_bytes(data)


def test_the_same_account_of_one_voucher_twice_is_refused_when_issuing(world: World) -> None:
    with pytest.raises(DocumentError, match="twice"):
        world.attest(world.vouched("bank"), world.vouched("bank"))


@pytest.mark.parametrize("changes", [{"audience": ""}, {"nonce": "a\nb"}, {"expires_in": 0}])
def test_claims_that_cannot_be_written_are_document_errors(
    world: World, changes: dict[str, Any]
) -> None:
    with pytest.raises(DocumentError):
        world.attest(**changes)


def test_times_without_zone_are_input_errors(world: World) -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(InputError, match="UTC"):
        world.verify(world.attest(), at=naive)
    with pytest.raises(InputError, match="UTC"):
        world.attest(issued=naive)


def test_an_empty_audience_is_not_the_trust_files(world: World) -> None:
    with pytest.raises(InputError, match="audience"):
        world.verify(world.attest(), audience="")


def test_as_many_expectations_as_attestations(world: World) -> None:
    with pytest.raises(InputError, match="expectations"):
        verify_attestations([world.attest()], world.trust(), srs(), [])


def test_issued_before_its_own_evidence(world: World) -> None:
    with pytest.raises(CompileError, match="after the time of issue"):
        world.attest(issued=NOW - timedelta(seconds=1))
    early = altered(world.attest(), "claim", "issued", to="2026-01-31T11:59:59Z")
    assert failed(world.verify(early)) == {"expiry", "proof"}


def test_commitments_of_a_sum_that_lie_too_far_apart(world: World) -> None:
    """What moved from one venue to the other in between would count twice."""
    strict = World(registry=world.registry, oracles=world.oracles, venues=world.venues)
    strict.policy_value["commitments"]["max_apart_seconds"] = "60"
    near = strict.vouched("desk", as_of=NOW - timedelta(seconds=60))
    far = strict.vouched("desk", as_of=NOW - timedelta(seconds=61))
    assert strict.verify(strict.attest(strict.vouched("bank"), near)).valid
    with pytest.raises(CompileError, match="apart"):
        strict.attest(strict.vouched("bank"), far)
    attestation = world.attest(world.vouched("bank"), far)
    value = attestation.to_json_value()
    value["policy"] = strict.policy.to_json_value()
    value["claim"]["policy"] = document_digest(strict.policy)
    forged = Attestation.from_json_value(value, "attestation")
    assert "commitment_age" in failed(strict.verify(forged))


def test_what_is_issued_can_be_read(world: World) -> None:
    attestation = world.attest(world.vouched("bank"), world.vouched("desk"), claim="crash")
    value = attestation.to_json_value()
    for data in (json.dumps(value, indent=2), json.dumps(value, ensure_ascii=False)):
        again = Attestation.from_bytes(data.encode())
        assert again == attestation
        assert again.identity == attestation.identity


def test_a_window_that_ends_before_it_begins(world: World) -> None:
    def turn(trust: dict[str, Any]) -> None:
        trust["keys"][0]["valid_until"] = "2020-01-01T00:00:00Z"

    with pytest.raises(DocumentError, match="valid_until"):
        world.trust(turn)


def test_a_sum_that_is_the_identity_is_no_statement(world: World) -> None:
    forged = world.attest(world.vouched("bank"), world.vouched("desk"))
    opening = world.opening()
    negative = Opening(tuple(-x for x in opening.amounts), -opening.blinder % MODULUS)
    for index, part in enumerate((opening, negative)):
        point = bytes(part.commit(srs())).hex()
        path = ("claim", "accounts", 0, "commitments", index, "commitment")
        forged = altered(forged, *path, to=point)
    assert {"custodian_signature", "statement", "proof"} <= failed(world.verify(forged))
