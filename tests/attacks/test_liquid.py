"""The claim `liquid` under attack: rows, slices, limits, costs, and whole attestations.

No trade is among the values, so that none can be negative, made up or paid for twice. What is left
to attack are the slices of the amounts and what the verifier derives.
"""

from __future__ import annotations

import copy
from random import Random
from typing import Any

import pytest

from tests.attacks.test_every_constraint import _holds, assignments, broken_by, statement_of
from tests.attacks.test_reproved_claims import reproved
from tests.world import PORTFOLIO, World, altered, failed, srs
from zkcollateral.circuits.attestation import Attestation
from zkcollateral.circuits.claim import document_digest
from zkcollateral.circuits.compiler import Backing, Circuit, compile_claim
from zkcollateral.circuits.lift import check_lift, vouched_interval
from zkcollateral.circuits.statement import LinearSystem, Row
from zkcollateral.crypto.commitment import Opening
from zkcollateral.errors import ClaimNotSatisfied, LiftError, ProverError
from zkcollateral.prover.proof import prove
from zkcollateral.prover.solve import solve
from zkcollateral.prover.witness import Witness
from zkcollateral.risk.health import evaluate
from zkcollateral.verifier.proof import verify

CLAIM = "deleverage"
LIQUID: dict[str, Any] = {
    "type": "liquid",
    "ratio": "8",
    "sales": {"BTC": {"limit": "0.25", "cost": "0.01"}, "ETH": {"limit": "6", "cost": "0.02"}},
    "repayments": {
        "USDC": {"limit": "18000", "cost": "0.001"},
        "BTC": {"limit": "0.5", "cost": "0.01"},
    },
}


def world_with(**change: Any) -> World:
    made = World()
    made.policy_value["claims"][CLAIM] = copy.deepcopy(LIQUID) | change
    return made


@pytest.fixture(scope="module")
def world() -> World:
    """The account is at the ratio 3.7, and reaches 8 by trades, and not 9."""
    return world_with()


def circuit_of(world: World, *, vouched: bool = True) -> Circuit:
    prices = world.prices().round
    return compile_claim(world.policy, world.registry, prices, CLAIM, Backing(vouched=vouched))


def holds(world: World, amounts: tuple[int, ...]) -> bool:
    rule = world.policy.claims[CLAIM]
    return evaluate(rule, world.policy, world.registry, world.prices().round, amounts).holds


@pytest.mark.parametrize("vouched", [True, False])
def test_each_row_alone_refuses_a_witness(world: World, vouched: bool) -> None:
    circuit = circuit_of(world, vouched=vouched)
    opening = world.opening()
    values = solve(circuit, opening.amounts)
    rows = circuit.system.rows
    for index, row in enumerate(rows):
        witness = broken_by(row, opening, values)
        (bad,) = witness.openings
        statement = statement_of(circuit, bad, circuit.system)
        with pytest.raises(ProverError, match="rows"):
            prove(statement, witness, srs())
        kept = [other for other in rows if _holds(other, bad.amounts, witness.values)]
        assert row not in kept, index
        control = statement_of(circuit, bad, LinearSystem(kept))
        proof = prove(control, witness, srs()).encoded
        assert verify(control, proof, srs()).valid
        assert not verify(statement, proof, srs()).valid


@pytest.mark.parametrize("vouched", [True, False])
def test_every_row_is_the_only_one_that_fails_for_some_witness(world: World, vouched: bool) -> None:
    """In no slice is so much that one unit more would be beyond its width."""
    circuit = circuit_of(world, vouched=vouched)
    alone = set()
    little = (10**7, 3 * 10**8, 0, 0, 5000 * 10**6, 10**6, -2500, 0)
    for changed, values in assignments(circuit, little):
        rows = enumerate(circuit.system.rows)
        failing = [index for index, row in rows if not _holds(row, changed, values)]
        assert len(failing) == 1
        alone.add(failing[0])
    assert alone == set(range(len(circuit.system.rows)))


def slack_rows(circuit: Circuit) -> dict[int, int]:
    """By index of the quantity that is its slack, the index of the row of every inequality."""
    rows = {row: number for number, row in enumerate(circuit.system.rows)}
    return {
        index: rows[quantity.row()]
        for index, quantity in enumerate(circuit.quantities)
        if quantity.limit is None
        and len(quantity.forms[0].slots) + len(quantity.forms[0].values) > 2
    }


def random_amounts(random: Random) -> tuple[int, ...]:
    btc, eth = random.randint(0, 2 * 10**8), random.randint(0, 20 * 10**8)
    usdc, owed = random.randint(0, 40_000 * 10**6), random.randint(0, 10**8) // 2
    return btc, eth, 0, 0, usdc, owed, random.randint(-50_000, 0), 0


def test_every_rate_decides_for_some_account(world: World) -> None:
    """Without the row of any one rate, an account that cannot deleverage would have a proof; so no
    rate may be left out, and no other row catches it.
    """
    circuit, random = circuit_of(world), Random(5)
    wanted = slack_rows(circuit)
    assert len(wanted) > 2
    for _ in range(200_000):
        amounts = random_amounts(random)
        values: list[int] = []
        negative = []
        for index, quantity in enumerate(circuit.quantities):
            number = quantity.number([amounts], values)
            negative += [index] if number < 0 else []
            values += [number >> 64 * limb & ((1 << 64) - 1) for limb in range(quantity.limbs)]
        if len(negative) != 1 or negative[0] not in wanted:
            continue
        del wanted[negative[0]]
        assert not holds(world, amounts)
        kept = [row for row in circuit.system.rows if _holds(row, amounts, tuple(values))]
        assert len(kept) == len(circuit.system.rows) - 1
        opening = Opening.fresh(amounts)
        control = statement_of(circuit, opening, LinearSystem(kept))
        proof = prove(control, Witness((opening,), tuple(values)), srs()).encoded
        assert verify(control, proof, srs()).valid
        statement = statement_of(circuit, opening, circuit.system)
        assert not verify(statement, proof, srs()).valid
        if not wanted:
            return
    pytest.fail(f"rows {sorted(wanted.values())} never decide")


def forged_slices(
    world: World, circuit: Circuit, slot: int, taken: int
) -> tuple[tuple[int, ...], list[Row]]:
    """Values in which the first slice of a slot is `taken`, and the rows that these break."""
    amounts = world.opening().amounts
    values: list[int] = []
    for quantity in circuit.quantities:
        number = quantity.number([amounts], values)
        if quantity.limit is not None and quantity.forms[0].slots == (((0, slot), 1),):
            number = taken if quantity.forms[0].constant == 0 else max(amounts[slot] - taken, 0)
        assert number >= 0 or quantity.limit is None
        values += [number >> 64 * limb & ((1 << 64) - 1) for limb in range(quantity.limbs)]
    rows = circuit.system.rows
    return tuple(values), [row for row in rows if not _holds(row, amounts, tuple(values))]


@pytest.mark.parametrize(
    ("slot", "symbol", "field"), [(1, "ETH", "sales"), (4, "USDC", "repayments")]
)
def test_a_slice_beyond_its_limit_is_refused_by_its_width_alone(
    slot: int, symbol: str, field: str
) -> None:
    """All of the amount in the slice that may be traded: more than the limit allows."""
    world = world_with(ratio="9")
    world.policy_value["claims"][CLAIM][field][symbol]["limit"] = "2"
    circuit, amounts = circuit_of(world), world.opening().amounts
    assert not holds(world, amounts)
    with pytest.raises(ClaimNotSatisfied):
        solve(circuit, amounts)
    _, broken = forged_slices(world, circuit, slot, amounts[slot])
    widths = [row for row in broken if not row.account_terms]
    assert len(widths) == 1


def test_slices_that_are_not_the_amount_are_refused(world: World) -> None:
    """More in a slice than is held, or more than is owed."""
    circuit, amounts = circuit_of(world), world.opening().amounts
    for slot in (1, 4):
        _, broken = forged_slices(world, circuit, slot, amounts[slot] + 10**9)
        sums = [row for row in broken if [term.slot for term in row.account_terms] == [slot]]
        assert len(sums) == 1


def test_every_interval_is_needed(world: World) -> None:
    circuit = circuit_of(world)
    slots = range(world.registry.slots)
    vouched = {(0, slot): vouched_interval(1, unsigned=False) for slot in slots}
    check_lift(circuit.system, vouched)
    for slot in slots:
        lacking = {place: interval for place, interval in vouched.items() if place != (0, slot)}
        with pytest.raises(LiftError, match=f"slot {slot} "):
            check_lift(circuit.system, lacking)
    unvouched = circuit_of(world, vouched=False)
    check_lift(unvouched.system, {})
    for slot in slots:
        rows = list(unvouched.system.rows)
        del rows[slot]
        with pytest.raises(LiftError, match="neither vouched"):
            check_lift(LinearSystem(rows), {})


def test_attestations(world: World) -> None:
    """Vouched, unvouched, two venues together, and one that is at the ratio as it stands."""
    both = PORTFOLIO | {"signed": {}}
    for holdings in (
        (world.vouched(),),
        (world.unvouched(),),
        (world.vouched("bank", world.opening(both)), world.vouched("desk", world.opening(both))),
        (world.vouched(opening=Opening.fresh([10**8, 0, 0, 0, 0, 0, 0, 0])),),
    ):
        report = world.verify(world.attest(*holdings, claim=CLAIM))
        assert report.valid, report.failed


def test_proofs_are_of_one_size_and_the_trades_are_not_in_them(world: World) -> None:
    rich = Opening.fresh([10**9, 0, 0, 0, 0, 0, 0, 0])
    sizes = {
        len(world.attest(world.vouched(opening=each), claim=CLAIM).proof)
        for each in (world.opening(), rich)
    }
    assert len(sizes) == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("ratio",), "7.9"),
        (("ratio",), "9"),
        (("sales", "ETH", "limit"), "5.9"),
        (("sales", "ETH", "cost"), "0.021"),
        (("repayments", "USDC", "limit"), "17000"),
        (("repayments", "USDC", "cost"), "0.002"),
        (("sales",), {}),
    ],
)
def test_what_is_changed_after_proving_is_another_claim(
    world: World, path: tuple[str, ...], value: Any
) -> None:
    """Even to a verifier that accepts the other policy, and where the other claim is true too."""
    attestation = world.attest(claim=CLAIM)
    assert world.verify(attestation).valid
    document = attestation.to_json_value()
    here = document["policy"]["claims"][CLAIM]
    for step in path[:-1]:
        here = here[step]
    assert here[path[-1]] != value
    here[path[-1]] = value
    assert not world.verify(Attestation.from_json_value(document, "attestation")).valid
    other = World(registry=world.registry, oracles=world.oracles, venues=world.venues)
    other.policy_value["claims"][CLAIM] = document["policy"]["claims"][CLAIM]
    document["claim"]["policy"] = document_digest(other.policy)
    forged = Attestation.from_json_value(document, "attestation")
    assert failed(other.verify(forged)) <= {"statement", "proof"}
    assert not other.verify(forged).valid


def test_another_type_of_claim_by_the_same_name(world: World) -> None:
    attestation = world.attest(claim=CLAIM)
    forged = altered(attestation, "claim", "type", to="maintenance")
    assert not world.verify(forged).valid


def test_an_account_that_cannot_is_refused_by_prover_and_verifier(world: World) -> None:
    poor = world.opening(PORTFOLIO | {"debt": {"USDC": "60000"}})
    with pytest.raises(ClaimNotSatisfied):
        world.attest(world.vouched(opening=poor), claim=CLAIM)
    # The values of an account that can, with the commitment of the one that cannot.
    circuit = circuit_of(world)
    values = solve(circuit, world.opening().amounts)
    statement = statement_of(circuit, poor, circuit.system)
    with pytest.raises(ProverError):
        prove(statement, Witness((poor,), values), srs())
    # And a forger that proves anew needs values that solve the rows.
    document = world.attest(claim=CLAIM).to_json_value()
    with pytest.raises(ClaimNotSatisfied):
        reproved(document, poor)
