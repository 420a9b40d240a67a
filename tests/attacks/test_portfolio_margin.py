"""Forgers against portfolio margin: other numbers in the proof, and other documents around it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.circuits.margin_markets import CLAIM, PORTFOLIO, MarginWorld
from tests.world import NOW, altered, failed, srs
from zkcollateral.circuits.attestation import Attestation
from zkcollateral.circuits.claim import build_statement, document_digest
from zkcollateral.circuits.compiler import Backing, Circuit, compile_claim
from zkcollateral.circuits.lift import check_lift, vouched_interval
from zkcollateral.circuits.quantity import LIMB_BITS
from zkcollateral.circuits.statement import Account, LinearSystem, Row, Statement
from zkcollateral.crypto.commitment import Opening, add_openings
from zkcollateral.errors import (
    ClaimNotSatisfied,
    CompileError,
    DocumentError,
    LiftError,
    ProverError,
)
from zkcollateral.prover.proof import prove
from zkcollateral.prover.solve import solve
from zkcollateral.prover.witness import Witness
from zkcollateral.risk.clock import format_time
from zkcollateral.risk.health import evaluate
from zkcollateral.risk.margin.requirement import evaluate_margin
from zkcollateral.verifier.proof import verify

MASK = (1 << LIMB_BITS) - 1
CASH = 0


@pytest.fixture(scope="module")
def world() -> MarginWorld:
    return MarginWorld()


def circuit_of(world: MarginWorld, *, vouched: bool = True, summands: int = 1) -> Circuit:
    backing = Backing(vouched=vouched, summands=summands)
    return compile_claim(world.policy, world.registry, world.prices().round, CLAIM, backing)


def edge(world: MarginWorld) -> tuple[int, ...]:
    """The amounts of the portfolio with the least cash that is enough."""
    amounts = list(world.opening().amounts)
    round_, policy = world.prices().round, world.policy
    low, high = 0, amounts[CASH]
    while low < high:
        amounts[CASH] = (low + high) // 2
        if evaluate(policy.claims[CLAIM], policy, world.registry, round_, amounts).holds:
            high = amounts[CASH]
        else:
            low = amounts[CASH] + 1
    amounts[CASH] = low
    return tuple(amounts)


def holds(row: Row, amounts: tuple[int, ...], values: tuple[int, ...]) -> bool:
    left = sum(term.coefficient * amounts[term.slot] for term in row.account_terms)
    left += sum(term.coefficient * values[term.value] for term in row.value_terms)
    return left == row.constant


def values_with(
    circuit: Circuit, amounts: tuple[int, ...], changes: dict[int, Callable[[int], int]]
) -> tuple[int, ...]:
    """Every value as an honest prover makes it from those before, but for the changed ones."""
    values: list[int] = []
    for index, quantity in enumerate(circuit.quantities):
        number = quantity.number([amounts], values)
        number = changes[index](number) if index in changes else number
        values += (number >> LIMB_BITS * limb & MASK for limb in range(quantity.limbs))
    return tuple(values)


def failing(circuit: Circuit, amounts: tuple[int, ...], values: tuple[int, ...]) -> list[int]:
    return [
        index for index, row in enumerate(circuit.system.rows) if not holds(row, amounts, values)
    ]


def statement_of(circuit: Circuit, opening: Opening, system: LinearSystem) -> Statement:
    account = Account(len(opening.amounts), bytes(opening.commit(srs())))
    return Statement(circuit.domain_size, circuit.value_count, (account,), system, bytes(32))


@pytest.mark.parametrize("vouched", [True, False])
def test_every_row_alone_stands_against_some_false_witness(
    world: MarginWorld, vouched: bool
) -> None:
    """Each row is left out once: then, and only then, a witness that breaks it alone is proved."""
    circuit = circuit_of(world, vouched=vouched)
    opening = world.opening()
    alone: dict[int, tuple[tuple[int, ...], tuple[int, ...]]] = {}
    candidates = [
        (opening.amounts, values_with(circuit, opening.amounts, {index: lambda n: n + 1}))
        for index in range(len(circuit.quantities))
    ]
    for _, slot in circuit.empty_slots:
        amounts = (*opening.amounts[:slot], 1, *opening.amounts[slot + 1 :])
        candidates.append((amounts, values_with(circuit, amounts, {})))
    for amounts, values in candidates:
        broken = failing(circuit, amounts, values)
        if len(broken) == 1:
            alone[broken[0]] = amounts, values
    assert set(alone) == set(range(len(circuit.system.rows)))
    for index, (amounts, values) in alone.items():
        witness = Witness((Opening(amounts, opening.blinder),), values)
        whole = statement_of(circuit, witness.openings[0], circuit.system)
        with pytest.raises(ProverError, match="rows"):
            prove(whole, witness, srs())
        rest = [row for place, row in enumerate(circuit.system.rows) if place != index]
        without = statement_of(circuit, witness.openings[0], LinearSystem(rest))
        proof = prove(without, witness, srs()).encoded
        assert verify(without, proof, srs()).valid
        assert not verify(whole, proof, srs()).valid


def chosen(circuit: Circuit) -> list[int]:
    """The numbers of charges: losses and halves of sizes."""
    return [index for index, quantity in enumerate(circuit.quantities) if quantity.largest]


def test_no_charge_can_be_smaller_than_it_is(world: MarginWorld) -> None:
    """A smaller loss, a smaller |delta|, both halves of a size smaller: no witness has them."""
    circuit = circuit_of(world)
    amounts = edge(world)
    assert failing(circuit, amounts, solve(circuit, amounts)) == []
    numbers = chosen(circuit)
    assert len(numbers) == 6  # the worst scenario, two halves of two expiries, the delta shock
    short = (amounts[CASH] - 1, *amounts[1:])
    with pytest.raises(ClaimNotSatisfied):
        solve(circuit, short)
    for amount in (amounts, short):
        for index in numbers:
            for less in (1, 10**6, 10**12):

                def smaller(n: int, less: int = less) -> int:
                    return max(n - less, 0)

                values = values_with(circuit, amount, {index: smaller})
                if amount is short or values != solve(circuit, amount):
                    assert failing(circuit, amount, values)


def test_a_larger_charge_only_costs(world: MarginWorld) -> None:
    """The numbers are bounded from below only; with room to spare any larger one proves too."""
    circuit = circuit_of(world)
    amounts, at_edge = world.opening().amounts, edge(world)
    loss = chosen(circuit)[0]
    assert failing(circuit, amounts, values_with(circuit, amounts, {loss: lambda n: n + 5})) == []
    assert failing(circuit, at_edge, values_with(circuit, at_edge, {loss: lambda n: n + 10**6}))
    # Both halves of a size: long and short of one expiry, each larger by as much.
    halves = chosen(circuit)[1:3]
    more = values_with(circuit, amounts, dict.fromkeys(halves, lambda n: n + 7))
    assert failing(circuit, amounts, more) == []
    assert failing(circuit, amounts, values_with(circuit, amounts, {halves[0]: lambda n: n + 7}))


def test_every_interval_of_an_instrument_is_needed(world: MarginWorld) -> None:
    circuit = circuit_of(world)
    vouched = {
        (0, slot): vouched_interval(1, unsigned=False) for slot in range(world.registry.slots)
    }
    check_lift(circuit.system, vouched)
    for slot in range(7):
        lacking = {place: interval for place, interval in vouched.items() if place != (0, slot)}
        with pytest.raises(LiftError, match=f"slot {slot} "):
            check_lift(circuit.system, lacking)


@pytest.mark.parametrize("vouched", [True, False])
def test_proved_at_the_edge_and_not_beyond_it(world: MarginWorld, vouched: bool) -> None:
    amounts = edge(world)
    holding = world.vouched if vouched else world.unvouched
    attestation = world.attest(*[_hold(holding, Opening.fresh(amounts), vouched)], claim=CLAIM)
    assert world.verify(attestation, claim=CLAIM).valid
    short = Opening.fresh((amounts[CASH] - 1, *amounts[1:]))
    with pytest.raises(ClaimNotSatisfied):
        world.attest(*[_hold(holding, short, vouched)], claim=CLAIM)


def _hold(holding: Any, opening: Opening, vouched: bool) -> Any:
    return holding("bank", opening) if vouched else holding(opening)


def reproved(value: dict[str, Any], *openings: Opening) -> Attestation:
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


def _policy(*path: str, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(value: dict[str, Any]) -> None:
        here: Any = value["policy"]
        for step in path[:-1]:
            here = here[step]
        assert here[path[-1]] != to
        here[path[-1]] = to

    return change


GRID = ("margin", "underlyings", "BTC", "scenarios")
TAMPERED: dict[str, Callable[[dict[str, Any]], None]] = {
    "factor": _policy("claims", CLAIM, "factor", to="0.79"),
    "strike": _policy("margin", "instruments", "CALL", "strike", to="71000"),
    "right": _policy("margin", "instruments", "CALL", "right", to="put"),
    "expiry": _policy("margin", "instruments", "PUT", "expiry", to="2026-03-20T08:00:00Z"),
    "range": _policy(*GRID, "price_range", to="0.15"),
    "buckets": _policy(*GRID, "buckets", to="1"),
    "tails": _policy(*GRID, "tails", to=[{"move": "-0.5", "weight": "0.32"}]),
    "dampener": _policy(*GRID, "dampener", to="1001"),
    "offset": _policy(*GRID, "offset", to="0.4"),
    "roll": _policy("margin", "underlyings", "BTC", "roll", "minimum", to="0"),
    "threshold": _policy("margin", "underlyings", "BTC", "delta", "threshold", to="200000"),
    "decimals": _policy("margin", "decimals", to="5"),
    "settled": _policy("margin", "instruments", "PERP", "settled", to=True),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_model_changed_after_proving_is_not_valid(world: MarginWorld, what: str) -> None:
    """With the digest that was agreed on, and with one that fits and nobody trusts."""
    holding = world.vouched()
    value = copy.deepcopy(world.attest(holding, claim=CLAIM).to_json_value())
    TAMPERED[what](value)
    forged = Attestation.from_json_value(value, "attestation")
    assert {"policy", "statement", "proof"} <= failed(world.verify(forged, claim=CLAIM))
    value["claim"]["policy"] = document_digest(forged.policy)
    anew = Attestation.from_json_value(value, "attestation")
    assert {"policy", "statement", "proof"} <= failed(world.verify(anew, claim=CLAIM))
    # A proof made anew of what it says: only that nobody asked for this policy stands against it.
    again = reproved(value, holding.opening)
    assert "policy" in failed(world.verify(again, claim=CLAIM))

    def accept(trust: dict[str, Any]) -> None:
        trust["policies"] = [document_digest(forged.policy)]

    assert world.verify(again, trust=world.trust(accept), claim=CLAIM).valid


@pytest.mark.parametrize("what", sorted(set(TAMPERED) - {"offset"}))
def test_the_statement_itself_is_another(world: MarginWorld, what: str) -> None:
    """Everything but the offset is in the rows: a proof of one model proves no other, even if the
    context were the same.
    """
    value = copy.deepcopy(world.attest(claim=CLAIM).to_json_value())
    TAMPERED[what](value)
    other = Attestation.from_json_value(value, "attestation").policy
    backing = Backing(vouched=True)
    rows = compile_claim(other, world.registry, world.prices().round, CLAIM, backing).system
    assert rows != circuit_of(world).system


def test_the_offset_of_profits_changes_no_requirement(world: MarginWorld) -> None:
    value = world.attest(claim=CLAIM).to_json_value()
    TAMPERED["offset"](value)
    other = Attestation.from_json_value(value, "attestation").policy
    amounts = world.opening().amounts
    round_ = world.prices().round
    before = evaluate_margin(world.policy, world.registry, round_, amounts)
    after = evaluate_margin(other, world.registry, round_, amounts)
    assert before.requirement == after.requirement
    assert before.groups[0].values != after.groups[0].values
    compiled = compile_claim(other, world.registry, round_, CLAIM, Backing(vouched=True))
    assert compiled.system == circuit_of(world).system


@pytest.mark.parametrize(
    ("field", "name", "to"), [("figures", "iv", "0.5"), ("prices", "BTC-MARCH", "64400")]
)
def test_a_volatility_or_a_mark_changed_after_proving(
    world: MarginWorld, field: str, name: str, to: str
) -> None:
    holding = world.vouched()
    attestation = world.attest(holding, claim=CLAIM)
    forged = altered(attestation, "prices", "round", field, name, to=to)
    assert not world.verify(forged, claim=CLAIM).valid
    value = copy.deepcopy(forged.to_json_value())
    value["claim"]["round"]["digest"] = document_digest(forged.prices.round)
    again = reproved(value, holding.opening)
    assert failed(world.verify(again, claim=CLAIM)) == {"oracle_quorum", "statement", "proof"}


def test_a_position_under_another_claim_is_refused(world: MarginWorld) -> None:
    """What an instrument is worth there is nothing: neither a gain nor, worse, a short position."""
    for symbol in ("CALL", "PUT", "MARCH", "PERP"):
        for amount in ("0.0001", "-0.0001"):
            portfolio = {**PORTFOLIO, "signed": {symbol: amount}}
            opening = world.opening(portfolio)
            policy, round_ = world.policy, world.prices().round
            found = evaluate(
                policy.claims["maintenance"], policy, world.registry, round_, opening.amounts
            )
            assert found.misplaced == (f"{symbol} (signed)",)
            with pytest.raises(ClaimNotSatisfied):
                world.attest(world.vouched("bank", opening), claim="maintenance")
    without = world.opening({**PORTFOLIO, "signed": {}})
    attestation = world.attest(world.vouched("bank", without), claim="maintenance")
    assert world.verify(attestation, claim="maintenance").valid


def test_positions_net_across_venues(world: MarginWorld) -> None:
    """Long at one venue and short at another: neither proves it alone, together they do."""
    here = world.opening(
        {**PORTFOLIO, "collateral": {"USDC": "1000"}, "debt": {}} | {"signed": {"MARCH": "5"}}
    )
    there = world.opening(
        {**PORTFOLIO, "collateral": {"USDC": "2000"}, "debt": {}}
        | {"signed": {"MARCH": "-5", "PERP": "0.1"}}
    )
    for venue, opening in (("bank", here), ("desk", there)):
        with pytest.raises(ClaimNotSatisfied):
            world.attest(world.vouched(venue, opening), claim=CLAIM)
    both = [world.vouched("bank", here), world.vouched("desk", there)]
    attestation = world.attest(*both, claim=CLAIM)
    assert world.verify(attestation, claim=CLAIM).valid


def test_an_expired_instrument_is_no_claim(world: MarginWorld) -> None:
    late = MarginWorld(oracles=world.oracles, venues=world.venues)
    margin = late.policy_value["margin"]
    margin["instruments"]["PUT"]["expiry"] = "2026-01-31T12:00:00Z"
    with pytest.raises(CompileError, match="instrument PUT expired at 2026-01-31T12:00:00Z"):
        circuit_of(late)
    policy, round_ = late.policy, late.prices(NOW).round
    with pytest.raises(CompileError, match="PUT expired"):
        evaluate(policy.claims[CLAIM], policy, late.registry, round_, late.opening().amounts)


def expiring(world: MarginWorld) -> MarginWorld:
    """The world with a put that expires a minute after the prices."""
    soon = MarginWorld(oracles=world.oracles, venues=world.venues)
    soon.policy_value["margin"]["instruments"]["PUT"]["expiry"] = "2026-01-31T12:01:00Z"
    return soon


def test_an_instrument_that_expires_after_the_prices(world: MarginWorld) -> None:
    """From then on it is worth what nobody has said, and the attestation ends with it."""
    soon = expiring(world)
    attestation = soon.attest(claim=CLAIM)
    assert format_time(attestation.claim.expires) == "2026-01-31T12:01:00Z"
    assert soon.verify(attestation, claim=CLAIM).valid
    value = copy.deepcopy(attestation.to_json_value())
    value["claim"]["expires"] = "2026-01-31T12:05:00Z"
    holding = soon.vouched()
    summand = value["claim"]["accounts"][0]["commitments"][0]
    summand["commitment"] = bytes(holding.opening.commit(srs())).hex()
    value["vouchers"] = [holding.commitment.to_json_value()]
    longer = reproved(value, holding.opening)
    at = NOW + timedelta(seconds=60)
    assert soon.verify(longer, at=at - timedelta(seconds=1), claim=CLAIM).valid
    report = soon.verify(longer, at=at, claim=CLAIM)
    assert failed(report) == {"expiry"}
    assert "instrument PUT expired" in report.failed[0].reason
    with pytest.raises(CompileError, match="instrument PUT expired"):
        soon.attest(claim=CLAIM, issued=at)


def test_a_round_that_nobody_signed_is_not_valued(
    world: MarginWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Valuing options takes a verifier's time, which strangers do not get."""
    attestation = world.attest(claim=CLAIM)
    forged = altered(attestation, "prices", "round", "figures", "iv", to="0.61")
    value = copy.deepcopy(forged.to_json_value())
    value["claim"]["round"]["digest"] = document_digest(forged.prices.round)
    monkeypatch.setattr(
        "zkcollateral.verifier.examination.compile_claim", lambda *_: pytest.fail("compiled")
    )
    report = world.verify(Attestation.from_json_value(value, "attestation"), claim=CLAIM)
    assert failed(report) == {"oracle_quorum", "statement", "proof"}


def test_a_charge_that_is_always_nothing_leaves_nothing_to_prove() -> None:
    """Rounded to no decimals nothing moves, and a proof would be about an empty sum."""
    still = MarginWorld()
    still.policy_value["factors"] = {
        side: dict.fromkeys(factors, "0") for side, factors in still.policy_value["factors"].items()
    }
    still.policy_value["claims"] = {CLAIM: {"type": "portfolio_margin", "factor": "0.8"}}
    margin = still.policy_value["margin"]
    margin["decimals"] = "0"
    del margin["spots"]
    margin["instruments"] = {"PERP": {"type": "perpetual", "underlying": "BTC", "settled": True}}
    margin["underlyings"]["BTC"] = {
        key: each
        for key, each in margin["underlyings"]["BTC"].items()
        if key not in ("roll", "delta")
    }
    still.said["prices"]["BTC"] = "0.2"
    with pytest.raises(CompileError, match="nothing to prove"):
        circuit_of(still)


@pytest.mark.parametrize("field", ["wrapped", "growth_caps"])
def test_a_model_takes_no_price_past_a_haircut_or_a_cap(field: str) -> None:
    world = MarginWorld()
    claim_on = {"underlying": "USDC", "haircut": "0.5"}
    if field == "growth_caps":
        claim_on = {
            "underlying": "USDC",
            "rate": "rate",
            "snapshot": "1",
            "snapshot_time": "2026-01-01T00:00:00Z",
            "yearly_growth": "0.1",
        }
    world.policy_value[field] = {"BTC": claim_on}
    with pytest.raises(DocumentError, match="margin: expected prices of assets that are no claims"):
        _ = world.policy
