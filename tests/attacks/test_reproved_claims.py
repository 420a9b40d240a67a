"""Forgers who prove anew: what they hand in is consistent, and one check alone stands against it.

Each test fails without the defence that it names.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from tests.world import NOW, PORTFOLIO, REGISTRY, World, altered, failed, srs
from zkcollateral.circuits.attestation import Attestation
from zkcollateral.circuits.claim import build_statement, document_digest
from zkcollateral.circuits.compiler import Backing, compile_claim
from zkcollateral.circuits.evidence import SignedRound, Vouch, make_signed_round
from zkcollateral.crypto.canonical import canonical_bytes
from zkcollateral.crypto.commitment import Opening, add_openings
from zkcollateral.crypto.envelope import VOUCH_TYPE, Envelope, sign
from zkcollateral.errors import (
    CompileError,
    DocumentError,
    OpeningError,
)
from zkcollateral.prover.attestation import Holding, attest
from zkcollateral.prover.proof import prove
from zkcollateral.prover.solve import solve
from zkcollateral.prover.vouching import vouch
from zkcollateral.prover.witness import Witness
from zkcollateral.risk.portfolio import Portfolio
from zkcollateral.risk.registry import Registry


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def reproved(value: dict[str, Any], *openings: Opening) -> Attestation:
    """What a holder hands in who skips every check of its own: a proof of what the claim says."""
    draft = Attestation.from_json_value(value, "attestation")
    account = draft.claim.accounts[0]
    circuit = compile_claim(
        draft.policy,
        draft.registry,
        draft.prices.round,
        draft.claim.name,
        Backing(vouched=account.vouched, summands=account.summands),
    )
    statement = build_statement(draft.claim, circuit, srs())
    opening = add_openings(openings)
    proof = prove(statement, Witness((opening,), solve(circuit, opening.amounts)), srs())
    return altered(draft, "proof", to=proof.encoded.hex())


def under_policy(
    world: World, attestation: Attestation, **rule: Any
) -> tuple[World, dict[str, Any]]:
    """The attestation's JSON under a policy with another commitment rule, which is accepted."""
    other = World(registry=world.registry, oracles=world.oracles, venues=world.venues)
    other.policy_value["commitments"] |= rule
    value = attestation.to_json_value()
    value["policy"] = other.policy.to_json_value()
    value["claim"]["policy"] = document_digest(other.policy)
    return other, value


def test_the_verifier_enforces_max_summands_itself(world: World) -> None:
    holdings = [world.vouched("bank"), world.vouched("desk")]
    narrow, value = under_policy(world, world.attest(*holdings), max_summands="1")
    forged = reproved(value, *(holding.opening for holding in holdings))
    assert failed(narrow.verify(forged)) == {"custodian_signature"}


def test_the_verifier_enforces_that_somebody_vouches(world: World) -> None:
    holding = world.unvouched()
    strict, value = under_policy(world, world.attest(holding), unvouched=False)
    assert failed(strict.verify(reproved(value, holding.opening))) == {"custodian_signature"}


def test_envelopes_that_nothing_needs(world: World) -> None:
    envelope = world.attest().to_json_value()["vouchers"][0]
    for holding in (world.unvouched(), world.vouched()):
        value = world.attest(holding).to_json_value()
        value["vouchers"].append(envelope)
        forged = Attestation.from_json_value(value, "attestation")
        assert failed(world.verify(forged)) == {"custodian_signature"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account", "acct-2"),
        ("as_of", "2026-01-31T12:00:00Z"),
        ("voucher", "the desk's"),
    ],
)
def test_what_the_voucher_signed_is_what_the_claim_says(
    world: World, field: str, value: str
) -> None:
    """An old vouch made young, an account under another name, a voucher that did not sign."""
    holding = world.vouched("bank", as_of=NOW.replace(hour=1))
    document = world.attest(holding).to_json_value()
    if field == "voucher":
        value = world.venues["desk"].key_id
    document["claim"]["accounts"][0]["commitments"][0][field] = value
    forged = reproved(document, holding.opening)
    assert failed(world.verify(forged)) == {"custodian_signature"}


def test_a_vouch_under_another_registry(world: World) -> None:
    """There slot 0 holds something else: the amount is true, and is worth something else."""
    value = copy.deepcopy(REGISTRY)
    value["assets"][0]["symbol"] = "SHIB"
    value["assets"][4]["symbol"] = "SHIB"
    elsewhere = World(registry=Registry.from_json_value(value, "registry"), venues=world.venues)
    opening = world.opening()
    holding = elsewhere.vouched("bank", opening)
    document = world.attest(world.vouched("bank", opening)).to_json_value()
    assert isinstance(holding.commitment, Envelope)
    document["vouchers"] = [holding.commitment.to_json_value()]
    forged = Attestation.from_json_value(document, "attestation")
    assert failed(world.verify(forged)) == {"custodian_signature"}


@pytest.mark.parametrize("change", [{"slots": "16"}, {"nonnegative": False}])
def test_a_vouch_that_says_less(world: World, change: dict[str, Any]) -> None:
    """For another reading of the point, or without the promise about signs."""
    opening = world.opening()
    attestation = world.attest(world.vouched("bank", opening))
    honest = world.commitment(opening)
    said = Vouch(
        account=honest.account,
        registry=honest.registry,
        slots=honest.slots,
        commitment=honest.commitment,
        as_of=NOW,
    ).to_json_value()
    envelope = sign(VOUCH_TYPE, canonical_bytes(said | change), world.venues["bank"])
    forged = altered(attestation, "vouchers", 0, to=envelope.to_json_value())
    assert failed(world.verify(forged)) == {"custodian_signature"}


def test_an_envelope_with_two_signatures(world: World) -> None:
    """Which of the two vouches, and whose account is it?"""
    attestation = world.attest(world.vouched("bank"))
    first = attestation.vouchers[0].envelope("voucher")
    second = sign(VOUCH_TYPE, first.payload, world.venues["desk"])
    both = replace(first, signatures=first.signatures + second.signatures)
    report = world.verify(altered(attestation, "vouchers", 0, to=both.to_json_value()))
    (check,) = report.failed
    assert check.name == "custodian_signature"
    assert "expected one signature" in check.reason


def test_a_commitment_with_more_slots_than_the_registry(world: World) -> None:
    """What sits in slots that no row names would be free."""
    holding = world.unvouched()
    document = world.attest(holding).to_json_value()
    wide = Opening.fresh([*holding.opening.amounts, *[-1] * 8])
    account = document["claim"]["accounts"][0]
    account["slots"] = "16"
    account["commitments"][0]["commitment"] = bytes(wide.commit(srs())).hex()
    assert failed(world.verify(reproved(document, wide))) == {"statement", "proof"}


def test_a_price_report_listed_twice(world: World) -> None:
    value = world.attest().to_json_value()
    value["prices"]["reports"].append(value["prices"]["reports"][0])
    forged = Attestation.from_json_value(value, "attestation")
    assert failed(world.verify(forged)) == {"oracle_quorum"}


def test_a_round_spelled_otherwise_is_another_round(world: World) -> None:
    value = world.prices().to_json_value()
    value["round"]["prices"]["ETH"] += ".0"
    respelled = SignedRound.from_json_value(value, "round")
    assert failed(world.verify(world.attest(prices=respelled))) == {"oracle_quorum"}


def test_a_custodian_is_no_oracle_and_an_oracle_no_custodian(world: World) -> None:
    reports = [world.report("north"), world.report("bank", key=world.venues["bank"])]
    prices = make_signed_round(reports, world.policy)
    assert failed(world.verify(world.attest(prices=prices))) == {"oracle_quorum"}
    holding = world.vouched(key=world.oracles["north"])
    assert failed(world.verify(world.attest(holding))) == {"custodian_signature"}


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("commitments", 0, "as_of"), None),
        (("commitments", 0, "voucher"), None),
        (("summands",), "1"),
        (("summands",), "3"),
    ],
)
def test_accounts_that_contradict_themselves(
    world: World, path: tuple[str | int, ...], to: str | None
) -> None:
    """Without an as-of time nothing would be too old; N bounds the lift."""
    attestation = world.attest(world.vouched("bank"), world.vouched("desk"))
    with pytest.raises(DocumentError, match=r"voucher|number of commitments"):
        altered(attestation, "claim", "accounts", 0, *path, to=to)


def test_a_single_commitment_with_half_a_voucher(world: World) -> None:
    for field in ("as_of", "voucher"):
        with pytest.raises(DocumentError, match="both a voucher"):
            altered(world.attest(), "claim", "accounts", 0, "commitments", 0, field, to=None)


def test_both_ends_of_a_keys_window_count(world: World) -> None:
    def narrow(trust: dict[str, Any]) -> None:
        for key in trust["keys"]:
            key["valid_from"] = key["valid_until"] = "2026-01-31T12:00:00Z"

    assert world.verify(world.attest(), trust=world.trust(narrow)).valid


def test_one_key_has_one_role_and_one_name(world: World) -> None:
    for change in ({"name": "another"}, {"role": "custodian"}, {}):

        def repeat(trust: dict[str, Any], change: dict[str, str] = change) -> None:
            trust["keys"].append(trust["keys"][0] | change)

        with pytest.raises(DocumentError, match="every key once"):
            world.trust(repeat)


class TestHolder:
    """What `attest` refuses before it proves."""

    def test_openings_in_another_order_than_their_commitments(self, world: World) -> None:
        """Their sum would be right, and the claim would prove."""
        first, second = world.vouched("bank"), world.vouched("desk")
        swapped = (
            Holding(second.opening, first.commitment),
            Holding(first.opening, second.commitment),
        )
        with pytest.raises(OpeningError, match="acct-1"):
            world.attest(*swapped)

    def test_a_commitment_under_another_registry(self, world: World) -> None:
        other = World(
            registry=Registry.from_json_value({**REGISTRY, "name": "other"}, "registry"),
            venues=world.venues,
        )
        with pytest.raises(CompileError, match="another registry"):
            world.attest(other.vouched())

    def test_a_policy_for_another_registry_is_not_proved_under(self, world: World) -> None:
        other = Registry.from_json_value({**REGISTRY, "name": "other"}, "registry")
        with pytest.raises(DocumentError, match="policy: registry"):
            attest(replace(world.request(), registry=other), srs(), issued=NOW)


class TestCustodian:
    """What `vouch` refuses."""

    def test_another_registry_than_the_commitments(self, world: World) -> None:
        """Under a registry that calls every slot signed, a negative debt would pass."""
        lenient = copy.deepcopy(REGISTRY)
        for asset in lenient["assets"]:
            if asset["symbol"] == "USDC":
                asset["side"] = "signed"
        opening = Opening.fresh([0, 0, 0, 0, -1, 0, 0, 0])
        with pytest.raises(OpeningError, match="another registry"):
            vouch(
                world.commitment(opening),
                opening,
                Registry.from_json_value(lenient, "registry"),
                world.venues["bank"],
                srs(),
                as_of=NOW,
            )

    def test_the_books_of_another_account(self, world: World) -> None:
        opening = world.opening()
        books = Portfolio.from_json_value({**PORTFOLIO, "account": "acct-2"}, "books")
        with pytest.raises(OpeningError, match="another account"):
            vouch(
                world.commitment(opening),
                opening,
                world.registry,
                world.venues["bank"],
                srs(),
                as_of=NOW,
                books=books,
            )
