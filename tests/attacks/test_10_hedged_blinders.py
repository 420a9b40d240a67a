"""Item 10: blinders that survive a broken random source."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests import independent_verifier as independent
from tests.attacks.test_08_fresh_blinders import elements
from tests.helpers import SEED, Case, case, opening, row, seed, small_case
from zkcollateral.crypto.field import MODULUS
from zkcollateral.crypto.srs import Srs
from zkcollateral.errors import ProverError
from zkcollateral.prover import proof as prover_module
from zkcollateral.prover.proof import Prover, prove
from zkcollateral.prover.witness import Witness


def blinders(checked: Case, seed: bytes = SEED) -> list[int]:
    """In the order of section 8."""
    prover = Prover(checked.statement, checked.witness, checked.srs, seed)
    return [*(b for pair in prover.beta for b in pair), *prover.gamma]


def two_ways(srs: Srs) -> tuple[Case, Case]:
    """One statement, two witnesses: the second value is free, as no row weighs it."""
    rows = [row([(0, 0, 1)], [(0, -1)])]
    first = case(srs, [opening((9, 1))], rows, [9, 4])
    return first, replace(first, witness=Witness(first.witness.openings, (9, 5)))


def test_as_specified(large: Case) -> None:
    """Guards: every part of the derivation, against a second one from section 8 alone."""
    witness = []
    for opened in large.witness.openings:
        witness += [*opened.amounts, opened.blinder]
    witness += large.witness.values
    s0 = independent.first_state(large.srs.id, large.statement.encoded)
    expected = independent.blinders(SEED, s0, witness, 2 * 3 + 3)
    assert blinders(large) == expected
    assert len(set(expected)) == len(expected)


def test_another_statement_with_the_same_seed(srs: Srs) -> None:
    """Guards: s0 in the derivation."""
    first, second = small_case(srs), small_case(srs, context=bytes(32))
    assert first.witness == second.witness
    assert not set(blinders(first)) & set(blinders(second))
    assert not set(elements(first, first.prove())) & set(elements(second, second.prove()))


def test_another_witness_with_the_same_seed(srs: Srs) -> None:
    """Guards: h in the derivation."""
    first, second = two_ways(srs)
    assert first.statement == second.statement
    assert not set(blinders(first)) & set(blinders(second))
    assert not set(elements(first, first.prove())) & set(elements(second, second.prove()))


def test_every_part_of_the_witness_counts(large: Case) -> None:
    """Guards: each amount, b and each value in h."""
    seen = [blinders(large)]
    for which, opened in enumerate(large.witness.openings):
        variants = [replace(opened, blinder=(opened.blinder + 1) % MODULUS)]
        for slot in range(len(opened.amounts)):
            amounts = list(opened.amounts)
            amounts[slot] += 1
            variants.append(replace(opened, amounts=tuple(amounts)))
        for variant in variants:
            openings = list(large.witness.openings)
            openings[which] = variant
            changed = replace(large.witness, openings=tuple(openings))
            seen.append(blinders(replace(large, witness=changed)))
    for index in range(len(large.witness.values)):
        values = list(large.witness.values)
        values[index] += 1
        changed = replace(large.witness, values=tuple(values))
        seen.append(blinders(replace(large, witness=changed)))
    together = [blinder for drawn in seen for blinder in drawn]
    assert len(set(together)) == len(together)


def test_another_seed(small: Case) -> None:
    """Guards: the seed in the derivation."""
    assert not set(blinders(small)) & set(blinders(small, seed("another")))


def test_random_source_that_gives_zeros(srs: Srs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards: the hedge. All zero bytes, and still no blinder repeats over statements or
    witnesses.
    """
    monkeypatch.setattr(prover_module, "random_bytes", bytes)
    checked = [
        small_case(srs),
        small_case(srs, context=bytes(32)),
        *two_ways(srs),
    ]
    seen = [element for one in checked for element in elements(one, one.prove(seed=None))]
    assert len(set(seen)) == len(seen)
    drawn = [blinder for one in checked for blinder in blinders(one, bytes(32))]
    assert len(set(drawn)) == len(drawn)
    assert 0 not in drawn


def test_seed_comes_from_the_one_source(small: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards: 32 bytes of the operating system, when no seed is given."""
    asked = []

    def record(count: int) -> bytes:
        asked.append(count)
        return SEED

    monkeypatch.setattr(prover_module, "random_bytes", record)
    assert small.prove(seed=None) == small.prove(SEED)
    assert asked == [32]


@pytest.mark.parametrize("bad", [b"", bytes(31), bytes(33)])
def test_seed_of_another_length(small: Case, bad: bytes) -> None:
    """Guards: the seed's length; an empty one is no request for randomness."""
    with pytest.raises((ValueError, ProverError)):
        prove(small.statement, small.witness, small.srs, seed=bad)
