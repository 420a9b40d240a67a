"""What is timed is what the table says, and the recorded commitments are the proof's own."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.books import MIXED_FLEET, PLAIN_FLEET, TIERED, Book
from benchmarks.document import SIZES
from benchmarks.hotspots import profile
from benchmarks.margin_book import CLAIM, INSTRUMENTS, MARGIN
from benchmarks.recording import record_commitments
from benchmarks.shapes import (
    Inputs,
    fresh,
    large,
    maintenance,
    margin,
    ranged,
    ranged_values,
    tiered,
)
from zkcollateral.circuits.layout import choose_domain_size
from zkcollateral.crypto.arithmetic import Arithmetic
from zkcollateral.crypto.srs import Srs, ceremony
from zkcollateral.prover.proof import prove
from zkcollateral.risk.factors import Tiered
from zkcollateral.risk.fleet import evaluate_fleet
from zkcollateral.risk.health import evaluate
from zkcollateral.risk.margin.arrays import margin_arrays
from zkcollateral.risk.policy import Profile
from zkcollateral.risk.pricing import price
from zkcollateral.verifier.proof import verify, verify_batch


@pytest.fixture
def srs(fast: Arithmetic) -> Srs:
    return ceremony(fast)


def test_maintenance_is_one_row_of_64_different_weights(srs: Srs) -> None:
    shape = maintenance(srs)
    (row,) = shape.statement.system.rows
    weights = [term.coefficient for term in row.account_terms]
    assert len(set(weights)) == 64
    assert min(map(abs, weights)) > 1
    assert {weight > 0 for weight in weights} == {True, False}
    assert (shape.n, shape.k) == (64, 1)
    assert len(prove(shape.statement, shape.witness, srs).encoded) == 308


@pytest.mark.parametrize(("profile", "n", "k"), [("balanced", 128, 8), ("fast", 64, 16)])
def test_ranged_range_checks_every_value(srs: Srs, profile: Profile, n: int, k: int) -> None:
    values = ranged_values()
    shape = ranged(srs, values, profile)
    assert (shape.n, shape.k) == (n, k)
    assert shape.n == choose_domain_size(32, 32, profile)
    assert len(values) == len(set(values)) == 32
    assert max(values) >= 1 << 62
    rows = shape.statement.system.rows
    assert [(row.account_terms, row.value_terms, row.constant) for row in rows] == [
        (((0, i, 1),), ((i, -1),), 0) for i in range(32)
    ]


def test_large_is_16_full_rows(srs: Srs) -> None:
    shape = large(srs)
    rows = shape.statement.system.rows
    assert shape.n == 1024
    assert [len(row.account_terms) for row in rows] == [1024] * 16
    assert len({row.account_terms for row in rows}) == 16


def test_margin_is_64_instruments_under_27_scenarios_and_8_tails(srs: Srs) -> None:
    shape = margin(srs)
    policy, registry, prices = MARGIN.documents
    model = policy.margin
    assert model is not None
    assert len(model.instruments) == INSTRUMENTS == 64
    (group,) = margin_arrays(policy, registry, price(policy, prices), prices)
    assert [scenario.tail for scenario in group.scenarios] == [False] * 27 + [True] * 8
    m = shape.statement.value_count
    # Options move in every scenario but the one in which nothing does, futures with the price.
    rows = [row for row in shape.statement.system.rows if len(row.account_terms) >= 60]
    assert len({row.account_terms for row in rows}) == len(rows) >= 34
    assert (shape.n, shape.k) == (choose_domain_size(MARGIN.slots, m, "balanced"), 7) == (512, 7)
    assert (MARGIN.slots, m, "balanced") in {size[1:] for size in SIZES}
    amounts = shape.witness.openings[0].amounts[:INSTRUMENTS]
    assert min(amounts) < 0 < max(amounts)
    assert 0 not in amounts
    evaluation = evaluate(policy.claims[CLAIM], policy, registry, prices, MARGIN.amounts(0))
    assert evaluation.holds
    assert len(prove(shape.statement, shape.witness, srs).encoded) == 788


def test_tiered_is_16_assets_of_4_tiers_and_reaches_all_of_them(srs: Srs) -> None:
    shape = tiered(srs)
    policy, _, _ = TIERED.documents
    sides = (policy.factors.collateral, policy.factors.debt)
    tables = [factor for side in sides for factor in side.values()]
    assert len(tables) == 16
    for table in tables:
        assert isinstance(table, Tiered)
        assert table.by == "value"
        assert len({tier.factor for tier in table.tiers}) == 4
    m = shape.statement.value_count
    assert (m, len(shape.statement.system.rows)) == (114, 65)
    assert (shape.n, shape.k) == (choose_domain_size(16, m, "balanced"), 8) == (512, 8)
    assert (16, m, "balanced") in {size[1:] for size in SIZES}
    # Slices of every tier hold something, somewhere.
    circuit = TIERED.circuit("maintenance")
    slices = [q.first for q in circuit.quantities if q.limit is not None]
    assert all(any(shape.witness.values[i] for i in slices[tier::4]) for tier in range(4))
    assert verify(shape.statement, prove(shape.statement, shape.witness, srs).encoded, srs).valid


@pytest.mark.parametrize(("book", "tables"), [(MIXED_FLEET, 4), (PLAIN_FLEET, 0)])
def test_fleet_is_of_16_assets_on_all_sides(book: Book, tables: int) -> None:
    policy, registry, prices = book.documents
    sides = [asset.side for asset in registry.assets]
    assert [sides.count(side) for side in ("collateral", "debt", "signed")] == [9, 3, 4]
    collateral = policy.factors.collateral.values()
    assert sum(isinstance(factor, Tiered) for factor in collateral) == tables
    amounts = book.fleet(2000)
    assert amounts.shape == (2000, 16)
    assert (amounts[:, 12:] < 0).any()
    assert 0.4 < (amounts == 0).mean() < 0.6
    found = evaluate_fleet(policy.claims["maintenance"], policy, registry, prices, amounts)
    assert 0.3 < found.holds.mean() < 0.7
    assert found.decided_exactly == 0


def test_inputs_survive_their_file(srs: Srs, tmp_path: Path) -> None:
    made = Inputs.make(srs, 2)
    made.save(tmp_path / "inputs.json")
    read = Inputs.load(tmp_path / "inputs.json")
    assert read == made
    assert all(report.valid for report in verify_batch(read.batch, srs))
    (first, _), (second, _) = read.batch
    assert first.accounts != second.accounts
    assert first.context != second.context
    assert first.system is second.system
    proof = prove(read.first.statement, read.first.witness, srs)
    assert verify(made.first.statement, proof.encoded, srs).valid


def test_a_fresh_statement_is_equal_and_has_computed_nothing(srs: Srs) -> None:
    statement = maintenance(srs).statement
    assert statement.encoded
    again = fresh(statement)
    assert again == statement
    assert "encoded" not in vars(again)
    assert again.system is statement.system


def test_recorded_commitments_are_those_of_the_proof(srs: Srs) -> None:
    shape = maintenance(srs)
    proofs = []

    def work(recording: Srs) -> None:
        proofs.append(prove(shape.statement, shape.witness, recording))

    start = time.perf_counter()
    recorder = record_commitments(srs, work)
    assert 0 < recorder.seconds < time.perf_counter() - start
    made = [bytes(point) for point in _points(call() for call in recorder.calls)]
    (proof,) = proofs
    sent = (
        *proof.columns,
        proof.accumulator,
        proof.quotient,
        proof.opening,
        proof.shifted_opening,
    )
    assert sorted(made) == sorted([shape.statement.accounts[0].commitment, *map(bytes, sent)])


def test_a_prover_whose_commitments_are_not_seen_is_noticed(srs: Srs) -> None:
    with pytest.raises(AssertionError, match="no commitment was recorded"):
        record_commitments(srs, lambda _: None)


def test_profile_accounts_for_all_of_the_time(srs: Srs) -> None:
    shape = maintenance(srs)
    found = profile(lambda: prove(shape.statement, shape.witness, srs), 1)
    assert sum(found.shares.values()) == pytest.approx(1)
    assert found.seconds > 0


@pytest.mark.native
def test_profile_sees_the_native_commitments(both: tuple[Arithmetic, Arithmetic]) -> None:
    srs = ceremony(both[1])
    shape = maintenance(srs)
    found = profile(lambda: prove(shape.statement, shape.witness, srs), 3)
    shares = list(found.shares.values())
    assert shares[0] > 0.2
    assert min(shares[1:5]) > 0


def _points(results: Any) -> list[Any]:
    points = []
    for result in results:
        points += result if isinstance(result, (list, tuple)) else [result]
    return points
