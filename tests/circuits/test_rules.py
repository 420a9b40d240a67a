"""All rules of a policy mixed: provable exactly when the engine says that the claim holds.

The engine (`risk.health`) and the compiler (`circuits.compiler`) are two ways to one verdict, and
neither calls the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import get_args

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.circuits.rules import CLAIM, SLOTS, Maker, Market
from tests.circuits.test_compiler import simple
from tests.world import srs
from zkcollateral.circuits.compiler import Backing, Circuit, compile_claim
from zkcollateral.circuits.statement import Account, Row, Statement
from zkcollateral.crypto.commitment import Opening
from zkcollateral.errors import ClaimNotSatisfied, CompileError, LiftError
from zkcollateral.prover.proof import prove
from zkcollateral.prover.solve import solve
from zkcollateral.prover.witness import Witness
from zkcollateral.risk.claims import ClaimType
from zkcollateral.risk.health import evaluate
from zkcollateral.risk.pricing import price
from zkcollateral.verifier.proof import verify

REFUSALS = (
    "not concave",
    "nothing to prove",
    "not linear",
    "refuses a price",
)


def compiled(market: Market, backing: Backing) -> Circuit | None:
    """The claim as a circuit; None where the compiler says that it has no statement, and why."""
    backings = [backing] * len(market.accounts)
    try:
        return compile_claim(market.policy, market.registry, market.prices, CLAIM, *backings)
    except LiftError:
        raise
    except CompileError as error:
        if not any(refusal in str(error) for refusal in REFUSALS):
            raise
        return None


def holds(market: Market, accounts: list[list[int]]) -> bool:
    claim = market.policy.claims[CLAIM]
    return evaluate(claim, market.policy, market.registry, market.prices, *accounts).holds


def left(row: Row, accounts: list[list[int]], values: tuple[int, ...]) -> int:
    total = sum(term.coefficient * accounts[term.account][term.slot] for term in row.account_terms)
    return total + sum(term.coefficient * values[term.value] for term in row.value_terms)


def satisfied(circuit: Circuit, accounts: list[list[int]]) -> tuple[int, ...] | None:
    """The values that solve the circuit, checked row by row; None if there are none."""
    try:
        values = solve(circuit, *accounts)
    except ClaimNotSatisfied:
        return None
    assert len(values) == circuit.value_count
    assert all(0 <= value < 1 << 64 for value in values)
    for row in circuit.system.rows:
        assert left(row, accounts, values) == row.constant
    return values


def neighbours(market: Market, random: Random) -> Iterator[list[list[int]]]:
    """The accounts themselves, and with one amount one unit more and one unit less."""
    yield market.accounts
    account = random.randrange(len(market.accounts))
    slot = random.choice(market.registry.assets).slot
    for step in (1, -1):
        changed = [list(amounts) for amounts in market.accounts]
        changed[account][slot] += step
        if changed[account][slot] >= 0 or step > 0:
            yield changed


def agree(seeds: range) -> None:
    """Compiler and engine say the same of every market and of its neighbours."""
    for seed in seeds:
        random = Random(seed)
        market = Maker(random).market()
        vouched = random.random() < 0.5
        summands = random.randint(1, 64) if vouched else 1
        circuit = compiled(market, Backing(vouched=vouched, summands=summands))
        if circuit is None:
            continue
        for accounts in neighbours(market, random):
            values = satisfied(circuit, accounts)
            assert (values is not None) == holds(market, accounts), seed


@pytest.mark.parametrize("block", range(6))
def test_provable_exactly_when_the_engine_says_so(block: int) -> None:
    agree(range(1000 * block, 1000 * (block + 1)))


@pytest.mark.slow
@pytest.mark.parametrize("block", range(12))
def test_provable_exactly_when_the_engine_says_so_at_length(block: int) -> None:
    agree(range(100_000 + 2000 * block, 100_000 + 2000 * (block + 1)))


def test_every_kind_of_claim_is_among_the_markets_and_both_verdicts() -> None:
    seen = set()
    for seed in range(1500):
        market = Maker(Random(seed)).market()
        circuit = compiled(market, Backing(vouched=True))
        if circuit is not None:
            own = [quantity for quantity in circuit.quantities if not quantity.largest]
            sliced = any(quantity.limit is not None for quantity in own)
            capped = any(len(quantity.forms) > 1 for quantity in own)
            verdict = holds(market, market.accounts)
            seen.add((market.policy.claims[CLAIM].type, verdict))
            seen |= {("sliced", verdict)} if sliced else set()
            seen |= {("capped", verdict)} if capped else set()
            if market.policy.adaptive is not None:
                risen = price(market.policy, market.prices).ratio > market.policy.ratio
                seen |= {("adaptive", verdict)} if risen else set()
            deep = any(len(c) > 1 for c in price(market.policy, market.prices).chains.values())
            seen |= {("chained", verdict)} if deep and market.policy.wrapped else set()
    kinds = (*get_args(ClaimType), "sliced", "capped", "adaptive", "chained")
    assert seen == {(kind, verdict) for kind in kinds for verdict in (True, False)}


def slices_of(circuit: Circuit) -> list[list[int]]:
    """Indices of the quantities that are slices of one amount, group by group."""
    groups: list[list[int]] = []
    for index, quantity in enumerate(circuit.quantities):
        if quantity.limit is None or quantity.largest:
            continue
        ((_, sign),) = quantity.forms[0].slots
        if sign == 1 and quantity.forms[0].constant == 0:
            groups.append([])
        groups[-1].append(index)
    return groups


def spread(circuit: Circuit, part: list[int], total: int, random: Random) -> dict[int, int]:
    """A total over slices in random order: within their limits, or all of it in one of them."""
    taken = dict.fromkeys(part, 0)
    if part and random.random() < 0.3:
        taken[random.choice(part)] = total
        return taken
    for greedy in (False, True):
        for index in random.sample(part, len(part)):
            room = (circuit.quantities[index].limit or 0) - taken[index]
            more = min(total, room) if greedy else min(random.randint(0, total), room)
            taken[index] += more
            total -= more
    return taken


def forged(circuit: Circuit, accounts: list[list[int]], random: Random) -> bool:
    """Whether a prover that chooses its own slices and counted values gets away with them.

    Slices need not be greedy, nor add up to the amount, nor fit their width; a capped value may be
    larger than what may count; a loss or a size may be another; an empty slot need not be empty.
    """
    split: dict[int, int] = {}
    inflated = random.choice([0, 0, 1, 1000])
    for group in slices_of(circuit):
        (((account, slot), _),) = circuit.quantities[group[0]].forms[0].slots
        signs = {index: circuit.quantities[index].forms[0].slots[0][1] for index in group}
        short = [index for index in group if signs[index] < 0]
        long = [index for index in group if signs[index] > 0]
        extra = random.choice([0, 1, 5]) if short else 0
        amount = accounts[account][slot]
        split |= spread(circuit, long, max(amount, 0) + extra + inflated, random)
        split |= spread(circuit, short, max(-amount, 0) + extra, random)
    values: list[int] = []
    satisfied = True
    more = random.choice([1, 1, 1000, 10**6])
    for index, quantity in enumerate(circuit.quantities):
        number = split.get(index, quantity.number(accounts, values))
        if quantity.largest:
            number = max(0, number + random.choice([0, 0, more, -more, -number]))
        elif len(quantity.forms) > 1:
            each = [form.evaluate(accounts, values) for form in quantity.forms]
            number = random.choice([min(each), max(each), min(each) + 1])
        satisfied &= 0 <= number < 1 << 64 * quantity.limbs
        values += [number >> 64 * limb & ((1 << 64) - 1) for limb in range(quantity.limbs)]
    return satisfied and all(
        left(row, accounts, tuple(values)) == row.constant for row in circuit.system.rows
    )


def test_no_choice_of_values_makes_a_claim_provable_that_does_not_hold() -> None:
    tried = 0
    for seed in range(3000):
        random = Random(seed)
        market = Maker(random).market()
        if holds(market, market.accounts):
            continue
        circuit = compiled(market, Backing(vouched=True))
        vouched_for = all(
            amounts[asset.slot] >= 0 or asset.side == "signed"
            for asset in market.registry.assets
            for amounts in market.accounts
        )
        if circuit is None or not vouched_for:
            continue
        for _ in range(10):
            tried += 1
            assert not forged(circuit, market.accounts, random), seed
    assert tried > 3000


@pytest.mark.parametrize(
    ("limited", "other", "debt", "provable"),
    [(10, 90, 100, True), (10, 90, 101, False), (90, 10, 60, True), (90, 10, 61, False)],
    ids=[
        "all of it counts",
        "no more than all of it",
        "its share counts",
        "no more than its share",
    ],
)
def test_what_counts_of_limited_assets_is_no_free_choice(
    limited: int, other: int, debt: int, provable: bool
) -> None:
    registry, policy, prices = simple(
        sides="collateral collateral debt",
        limits=[{"name": "half", "assets": ["A0"], "share": "0.5", "excess": "uncounted"}],
    )
    circuit = compile_claim(policy, registry, prices, CLAIM, Backing(vouched=True))
    amounts = [limited, other, debt, *[0] * (SLOTS - 3)]
    (counted,) = (quantity for quantity in circuit.quantities if len(quantity.forms) > 1)
    satisfied = []
    for choice in range(400):
        values: list[int] = []
        for quantity in circuit.quantities:
            number = choice if quantity is counted else quantity.number([amounts], values)
            values += [number, *[0] * (quantity.limbs - 1)]
        if min(values) >= 0 and all(
            left(row, [amounts], tuple(values)) == row.constant for row in circuit.system.rows
        ):
            satisfied.append(choice)
    assert bool(satisfied) == provable
    assert evaluate(policy.claims[CLAIM], policy, registry, prices, amounts).holds == provable


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.randoms(use_true_random=False), st.booleans())
def test_proved_and_verified_when_the_engine_says_so(random: Random, vouched: bool) -> None:
    market = Maker(random).market()
    assume(holds(market, market.accounts))
    circuit = compiled(market, Backing(vouched=vouched))
    assume(circuit is not None)
    assert circuit is not None
    openings = tuple(Opening.fresh(amounts) for amounts in market.accounts)
    statement = Statement(
        circuit.domain_size,
        circuit.value_count,
        tuple(Account(SLOTS, bytes(opening.commit(srs()))) for opening in openings),
        circuit.system,
        bytes(32),
    )
    witness = Witness(openings, solve(circuit, *market.accounts))
    assert verify(statement, prove(statement, witness, srs()).encoded, srs()).valid
