"""Every row of a compiled claim is there for a reason, and so is every range.

Known failures 1, 5, 7 and 10: constraints that constrain nothing, ranges that stand in a comment,
private values that choose which checks run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import zkcollateral
from tests.world import World, srs
from zkcollateral.circuits.compiler import Backing, Circuit, compile_claim
from zkcollateral.circuits.lift import check_lift, vouched_interval
from zkcollateral.circuits.quantity import LIMB_BITS
from zkcollateral.circuits.statement import Account, LinearSystem, Row, Statement
from zkcollateral.crypto.commitment import Opening
from zkcollateral.errors import LiftError, ProverError
from zkcollateral.prover.proof import prove
from zkcollateral.prover.solve import solve
from zkcollateral.prover.witness import Witness
from zkcollateral.verifier.proof import verify


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def circuit_of(world: World, *, vouched: bool, claim: str = "crash") -> Circuit:
    return compile_claim(
        world.policy, world.registry, world.prices().round, claim, Backing(vouched=vouched)
    )


def statement_of(circuit: Circuit, opening: Opening, system: LinearSystem) -> Statement:
    account = Account(len(opening.amounts), bytes(opening.commit(srs())))
    return Statement(circuit.domain_size, circuit.value_count, (account,), system, bytes(32))


def broken_by(row: Row, opening: Opening, values: tuple[int, ...]) -> Witness:
    """A witness that differs so that this row fails: one of its values, else one of its amounts."""
    if row.value_terms:
        changed = list(values)
        changed[row.value_terms[-1].value] ^= 1
        return Witness((opening,), tuple(changed))
    amounts = list(opening.amounts)
    amounts[row.account_terms[0].slot] += 1
    return Witness((Opening(tuple(amounts), opening.blinder),), values)


@pytest.mark.parametrize("vouched", [True, False])
def test_each_row_alone_refuses_a_witness(world: World, vouched: bool) -> None:
    """A witness that breaks the row is refused, and accepted by the system without the rows it
    breaks.
    """
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


def _holds(row: Row, amounts: tuple[int, ...], values: tuple[int, ...]) -> bool:
    left = sum(term.coefficient * amounts[term.slot] for term in row.account_terms)
    left += sum(term.coefficient * values[term.value] for term in row.value_terms)
    return left == row.constant


def assignments(
    circuit: Circuit, amounts: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Amounts and values of which exactly one row should fail: one number or amount is 1 too large,
    and everything that is computed from it follows.
    """
    for _, slot in circuit.empty_slots:
        changed = (*amounts[:slot], amounts[slot] + 1, *amounts[slot + 1 :])
        yield changed, _values(circuit, changed)
    for index in range(len(circuit.quantities)):
        yield amounts, _values(circuit, amounts, wrong=index)


def _values(circuit: Circuit, amounts: tuple[int, ...], wrong: int = -1) -> tuple[int, ...]:
    values: list[int] = []
    for index, quantity in enumerate(circuit.quantities):
        number = quantity.number([amounts], values) + (index == wrong)
        values += (
            number >> LIMB_BITS * limb & ((1 << LIMB_BITS) - 1) for limb in range(quantity.limbs)
        )
    return tuple(values)


@pytest.mark.parametrize("vouched", [True, False])
def test_every_row_is_the_only_one_that_fails_for_some_witness(world: World, vouched: bool) -> None:
    circuit = circuit_of(world, vouched=vouched)
    amounts = world.opening().amounts
    alone = set()
    for changed, values in assignments(circuit, amounts):
        failing = [
            index
            for index, row in enumerate(circuit.system.rows)
            if not _holds(row, changed, values)
        ]
        assert len(failing) == 1
        alone.add(failing[0])
    assert alone == set(range(len(circuit.system.rows)))


def test_every_slot_of_an_unvouched_account_is_ranged_and_none_is_free(world: World) -> None:
    circuit = circuit_of(world, vouched=False)
    check_lift(circuit.system, {})
    for index in range(world.registry.slots):
        rows = list(circuit.system.rows)
        del rows[index]
        with pytest.raises(LiftError, match="neither vouched"):
            check_lift(LinearSystem(rows), {})


def test_every_vouched_interval_is_needed(world: World) -> None:
    circuit = circuit_of(world, vouched=True)
    slots = range(world.registry.slots)
    vouched = {(0, slot): vouched_interval(1, unsigned=False) for slot in slots}
    check_lift(circuit.system, vouched)
    for slot in slots:
        lacking = {place: interval for place, interval in vouched.items() if place != (0, slot)}
        with pytest.raises(LiftError, match=f"slot {slot} "):
            check_lift(circuit.system, lacking)


def test_no_private_value_chooses_which_checks_run(world: World) -> None:
    """Statements of two portfolios differ in the commitment and nowhere else."""
    circuit = circuit_of(world, vouched=True)
    empty, full = Opening.fresh([0] * 8), world.opening()
    first = statement_of(circuit, empty, circuit.system)
    second = statement_of(circuit, full, circuit.system)
    assert first != second
    assert replace(first, accounts=second.accounts) == second
    sizes = set()
    for opening in (empty, full):
        statement = statement_of(circuit, opening, circuit.system)
        witness = Witness((opening,), solve(circuit, opening.amounts))
        sizes.add(len(prove(statement, witness, srs()).encoded))
    assert len(sizes) == 1


DECIDING = [
    "circuits",
    "crypto",
    "prover",
    "verifier",
    "risk/health.py",
    "risk/hedging/book.py",
    "risk/hedging/deleverage.py",
    "risk/hedging/trades.py",
    "risk/prices.py",
    "risk/policy.py",
]


def test_no_float_decides() -> None:
    """Known failure 22: there is no float literal and no float() where verdicts are made."""
    package = Path(zkcollateral.__file__).parent
    roots = [package, package.parent]
    files = [
        file
        for name in DECIDING
        for root in roots
        for file in ([root / name] if name.endswith(".py") else sorted((root / name).glob("*.py")))
        if file.is_file()
    ]
    assert len(files) > 30
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            is_literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
            is_name = isinstance(node, ast.Name) and node.id == "float"
            if is_name and file.name == "canonical.py":
                continue  # it names the type to refuse it
            is_float = is_literal or is_name
            assert not is_float, f"{file.name}:{getattr(node, 'lineno', 0)}"
