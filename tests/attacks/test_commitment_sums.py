"""Sums of commitments prove something only if every summand is vouched for (protocol section 3).

Known failures 2 and 4, and protocol section 11 item 12, at the level of attestations.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from tests.world import NOW, PORTFOLIO, World, altered, failed, srs
from zkcollateral.circuits.claim import build_statement
from zkcollateral.circuits.compiler import Backing, compile_claim
from zkcollateral.circuits.evidence import SignedDocument, Vouch, vouch_envelope
from zkcollateral.crypto.commitment import Opening, add_openings
from zkcollateral.crypto.signature import SigningKey
from zkcollateral.errors import (
    ClaimNotSatisfied,
    CompileError,
    DocumentError,
    OpeningError,
)
from zkcollateral.prover.attestation import Holding
from zkcollateral.prover.proof import prove
from zkcollateral.prover.solve import solve
from zkcollateral.prover.vouching import vouch
from zkcollateral.prover.witness import Witness
from zkcollateral.risk.portfolio import Portfolio

RICH = {
    "format": "zkcollateral/portfolio/1",
    "account": "acct-1",
    "collateral": {"BTC": "500"},
    "debt": {},
    "signed": {},
}
POOR = {
    "format": "zkcollateral/portfolio/1",
    "account": "acct-1",
    "collateral": {},
    "debt": {"USDC": "1000000"},
    "signed": {},
}


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def rogue_commitment(world: World, honest: Holding) -> tuple[str, Opening]:
    """C' − C_venue: with it the sum opens to whatever C' was made for."""
    wanted = world.opening(RICH)
    target = wanted.commit(srs()).point
    venue = honest.opening.commit(srs()).point
    return bytes(target - venue).hex(), wanted


def test_the_rogue_summand_would_make_any_total_provable(world: World) -> None:
    """The control: for the sum itself the attack works, so everything hangs on the voucher."""
    poor = world.vouched("bank", world.opening(POOR))
    rogue, wanted = rogue_commitment(world, poor)
    attestation = world.attest(world.vouched("bank"), world.vouched("desk"))
    claim = attestation.claim.to_json_value()
    commitments = claim["accounts"][0]["commitments"]
    commitments[0]["commitment"] = bytes(poor.opening.commit(srs())).hex()
    commitments[1]["commitment"] = rogue
    forged_claim = type(attestation.claim).from_json_value(claim, "claim")
    circuit = compile_claim(
        world.policy,
        world.registry,
        world.prices().round,
        "maintenance",
        Backing(vouched=True, summands=2),
    )
    statement = build_statement(forged_claim, circuit, srs())
    witness = Witness((wanted,), solve(circuit, wanted.amounts))
    proof = prove(statement, witness, srs())

    forged = attestation.model_copy(update={"claim": forged_claim, "proof": proof.encoded.hex()})
    # Nothing but the voucher's signature stands against it.
    assert failed(world.verify(forged)) == {"custodian_signature"}


def test_a_rogue_summand_signed_by_a_stranger(world: World) -> None:
    poor = world.vouched("bank", world.opening(POOR))
    rogue, _ = rogue_commitment(world, poor)
    stranger = SigningKey.generate()
    honest = world.commitment(poor.opening)
    statement = Vouch(
        account="acct-2",
        registry=honest.registry,
        slots=honest.slots,
        commitment=rogue,
        as_of=NOW,
    )
    # The holder's own check compares each opening with its commitment, so it is bypassed here.
    attestation = world.attest(world.vouched("bank"), world.vouched("desk"))
    envelope = SignedDocument.of(vouch_envelope(statement, stranger))
    value = attestation.to_json_value()
    value["claim"]["accounts"][0]["commitments"][1] |= {
        "account": "acct-2",
        "commitment": rogue,
        "voucher": stranger.key_id,
    }
    value["vouchers"][1] = envelope.model_dump()
    forged = type(attestation).from_json_value(value, "attestation")
    assert {"custodian_signature", "proof"} <= failed(world.verify(forged))


def test_an_unvouched_summand_is_no_claim(world: World) -> None:
    with pytest.raises(CompileError, match="only vouched"):
        world.attest(world.vouched("bank"), world.unvouched())
    attestation = world.attest(world.vouched("bank"), world.vouched("desk"))
    value = attestation.to_json_value()
    value["claim"]["accounts"][0]["commitments"][1] |= {"voucher": None, "as_of": None}
    with pytest.raises(DocumentError, match="voucher for every commitment"):
        type(attestation).from_json_value(value, "attestation")


def test_the_same_account_of_one_voucher_counts_once(world: World) -> None:
    """Known failure 4 turned round: the same assets twice."""
    holding = world.vouched("bank")
    with pytest.raises(DocumentError, match="twice"):
        world.attest(holding, holding)


def test_the_same_commitment_of_two_vouchers_counts_once(world: World) -> None:
    opening = world.opening()
    with pytest.raises(DocumentError, match="every commitment once"):
        world.attest(world.vouched("bank", opening), world.vouched("desk", opening))


def test_a_sum_is_not_vouched_for(world: World) -> None:
    """Its amounts may exceed what the lift assumes of one summand."""
    total = world.opening() + world.opening()
    with pytest.raises(OpeningError, match="sum of openings"):
        world.vouched("bank", total)


def test_a_voucher_with_two_keys_counts_once(world: World) -> None:
    """A key is rotated; both are valid; the account was vouched for with each of them."""
    new_key = SigningKey.generate()
    opening = world.opening()
    attestation = world.attest(
        world.vouched("bank", opening), world.vouched("bank", world.opening(), key=new_key)
    )

    def rotate(trust: dict[str, Any]) -> None:
        bank = next(key for key in trust["keys"] if key["name"] == "bank")
        trust["keys"].append({**bank, "public_key": new_key.public.raw.hex()})

    report = world.verify(attestation, trust=world.trust(rotate))
    assert failed(report) == {"custodian_signature"}
    assert "twice" in report.failed[0].reason

    def separate(trust: dict[str, Any]) -> None:
        rotate(trust)
        trust["keys"][-1]["name"] = "another-bank"

    assert world.verify(attestation, trust=world.trust(separate)).valid


def test_the_total_is_recomputed_from_every_commitment_named(world: World) -> None:
    """A proof over the rich summand alone does not pass for the sum with the poor one."""
    rich, poor = (
        world.vouched("bank", world.opening(RICH)),
        world.vouched("desk", world.opening(POOR)),
    )
    both = world.attest(rich, poor)
    circuit = compile_claim(
        world.policy,
        world.registry,
        both.prices.round,
        "maintenance",
        Backing(vouched=True, summands=2),
    )
    statement = build_statement(both.claim, circuit, srs())
    alone = replace(
        statement,
        accounts=(statement.accounts[0]._replace(commitment=bytes(rich.opening.commit(srs()))),),
    )
    witness = Witness((rich.opening,), solve(circuit, rich.opening.amounts))
    proof = prove(alone, witness, srs()).encoded.hex()
    assert failed(world.verify(altered(both, "proof", to=proof))) == {"proof"}


def test_a_summand_left_out_of_the_signatures(world: World) -> None:
    attestation = world.attest(world.vouched("bank"), world.vouched("desk"))
    value = attestation.to_json_value()
    del value["vouchers"][1]
    report = world.verify(type(attestation).from_json_value(value, "attestation"))
    assert failed(report) == {"custodian_signature"}


def test_a_vouched_debt_cannot_be_left_out_by_swapping_commitments(world: World) -> None:
    attestation = world.attest(world.vouched("bank"), world.vouched("desk"))
    value = copy.deepcopy(attestation.to_json_value())
    value["vouchers"].reverse()
    report = world.verify(type(attestation).from_json_value(value, "attestation"))
    assert failed(report) == {"custodian_signature"}


class TestUnvouched:
    """Known failure 2: negative equity or negative debts in an account that nobody checked."""

    @pytest.mark.parametrize(("slot", "amount"), [(4, -(10**12)), (5, -(10**8)), (0, -1)])
    def test_a_negative_amount_of_an_unsigned_side(
        self, world: World, slot: int, amount: int
    ) -> None:
        amounts = list(world.opening().amounts)
        amounts[slot] = amount
        with pytest.raises(ClaimNotSatisfied):
            world.attest(world.unvouched(Opening.fresh(amounts)))

    def test_a_negative_debt_would_satisfy_everything_but_its_range(self, world: World) -> None:
        """The control: without the range checks the same amounts prove the claim."""
        amounts = [0] * 8
        amounts[4] = -(10**12)
        circuit = compile_claim(
            world.policy, world.registry, world.prices().round, "maintenance", Backing(vouched=True)
        )
        assert solve(circuit, amounts)

    def test_something_in_a_slot_without_asset(self, world: World) -> None:
        amounts = list(world.opening().amounts)
        amounts[7] = 1
        with pytest.raises(ClaimNotSatisfied):
            world.attest(world.unvouched(Opening.fresh(amounts)))


class TestCustodian:
    """A custodian signs what it checked, and nothing else."""

    def test_negative_amounts_are_not_vouched_for(self, world: World) -> None:
        amounts = list(world.opening().amounts)
        amounts[4] = -1
        with pytest.raises(OpeningError, match="USDC"):
            world.vouched(opening=Opening.fresh(amounts))

    def test_slots_without_asset_are_not_vouched_for(self, world: World) -> None:
        amounts = list(world.opening().amounts)
        amounts[3] = 1
        with pytest.raises(OpeningError, match="slot 3"):
            world.vouched(opening=Opening.fresh(amounts))

    def test_books_that_differ(self, world: World) -> None:
        opening = world.opening()
        books = copy.deepcopy(PORTFOLIO)
        books["collateral"]["BTC"] = "1.6"
        with pytest.raises(OpeningError, match="BTC"):
            vouch(
                world.commitment(opening),
                opening,
                world.registry,
                world.venues["bank"],
                srs(),
                as_of=NOW,
                books=Portfolio.from_json_value(books, "books"),
            )

    def test_an_opening_of_another_commitment(self, world: World) -> None:
        with pytest.raises(OpeningError, match="does not open"):
            vouch(
                world.commitment(world.opening()),
                world.opening(),
                world.registry,
                world.venues["bank"],
                srs(),
                as_of=NOW,
            )


def test_sums_of_openings_open_sums_of_commitments(world: World) -> None:
    openings = [world.opening(), world.opening(RICH), world.opening(POOR)]
    total = add_openings(openings)
    points = [opening.commit(srs()).point for opening in openings]
    assert total.commit(srs()).point == points[0] + points[1] + points[2]
    assert total.amounts == tuple(map(sum, zip(*(o.amounts for o in openings), strict=True)))
    assert total.summands == 3
