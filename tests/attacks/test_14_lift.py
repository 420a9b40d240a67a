"""Item 14: rows that hold modulo r and not over the integers. The proof is sound mod r; the lift is
what the compiler refuses.
"""

from __future__ import annotations

import pytest

from tests.attacks.unsafe_prover import UnsafeProver
from tests.helpers import CONTEXT, Case, case, opening, row
from zkcollateral.circuits.lift import Interval, check_lift, vouched_interval
from zkcollateral.circuits.statement import Account, LinearSystem, Statement
from zkcollateral.crypto.field import MODULUS
from zkcollateral.crypto.srs import Srs
from zkcollateral.errors import LiftError
from zkcollateral.prover.witness import Witness
from zkcollateral.verifier.proof import verify

UNSIGNED = Interval(0, 2**63)


def signed(value: int) -> int:
    """The integer of least absolute value congruent to this one."""
    value %= MODULUS
    return value if value <= MODULUS // 2 else value - MODULUS


def test_a_row_that_wraps_is_provable_and_refused(srs: Srs) -> None:
    """Guards: the bound r/2. −2^249·x ≥ e is false of x = 58, and its proof verifies."""
    coefficient, amount, slack = -(2**249), 58, 7
    constant = signed(coefficient * amount - slack)
    assert coefficient * amount < constant
    wrapping = case(
        srs, [opening((amount, 0))], [row([(0, 0, coefficient)], [(0, -1)], constant)], [slack]
    )
    assert verify(wrapping.statement, wrapping.prove(), srs).valid
    with pytest.raises(LiftError):
        check_lift(wrapping.statement.system, {(0, 0): UNSIGNED})


def range_of_a_sum(srs: Srs, ranges: bool) -> Case:
    """x_0 + x_1 is in range; x_0 = r − 5 and x_1 = 5. With `ranges` each is checked, too."""
    rows = [row([(0, 0, 1), (0, 1, 1)], [(0, -1)])]
    if ranges:
        rows += [row([(0, 0, 1)], [(1, -1)]), row([(0, 1, 1)], [(2, -1)])]
    return case(srs, [opening((-5, 5))], rows, [0, 0, 5] if ranges else [0])


def test_a_range_check_on_a_sum_is_none(srs: Srs) -> None:
    """Guards: that only a slot alone counts as ranged. A debt of −5 passes the check on the sum."""
    false = range_of_a_sum(srs, ranges=False)
    assert verify(false.statement, false.prove(), srs).valid
    with pytest.raises(LiftError, match="neither vouched"):
        check_lift(false.statement.system, {})

    # A range of its own for x_1 does not make the sum one for x_0.
    rows = [*false.statement.system.rows, row([(0, 1, 1)], [(1, -1)])]
    half = case(srs, [opening((-5, 5))], rows, [0, 5])
    assert verify(half.statement, half.prove(), srs).valid
    with pytest.raises(LiftError, match="slot 0"):
        check_lift(half.statement.system, {})

    checked = range_of_a_sum(srs, ranges=True)
    check_lift(checked.statement.system, {})
    assert not verify(checked.statement, UnsafeProver(checked).forge(), srs).valid


def test_an_unranged_slot_takes_any_element_of_the_field(srs: Srs) -> None:
    """Guards: no third kind of slot. x_0 = 1/3 mod r satisfies 3·x_0 ≥ 1 in nobody's portfolio."""
    third = pow(3, -1, MODULUS)
    constant = srs.arithmetic.vector([third])
    commitment = Account(2, bytes(srs.setup.commit(constant)))
    system = LinearSystem([row([(0, 0, 3)], [(0, -1)], 1)])
    statement = Statement(64, 1, (commitment,), system, CONTEXT)

    # The polynomial is the constant 1/3; no opening has such amounts, so one is made to.
    opened = opening((0, 0))
    object.__setattr__(opened, "amounts", (third, third))
    prover = UnsafeProver(Case(statement, Witness((opened,), (0,)), srs))
    prover.p = [constant]
    assert verify(statement, prover.forge(), srs).valid
    with pytest.raises(LiftError, match="neither"):
        check_lift(system, {})


def test_summands_that_only_overflow_together() -> None:
    """Guards: N in the bound. Fifteen vouched summands lift, sixteen do not."""
    # 2^63 · 15 · c < r/2 ≤ 2^63 · 16 · c
    coefficient = (MODULUS // 2 - 2**64) // (15 * 2**63)
    system = LinearSystem([row([(0, 0, coefficient)], [(0, -1)])])
    check_lift(system, {(0, 0): vouched_interval(15, unsigned=False)})
    with pytest.raises(LiftError):
        check_lift(system, {(0, 0): vouched_interval(16, unsigned=False)})


def test_slots_that_only_overflow_together() -> None:
    """Guards: that the bound is the row's, not each term's."""
    coefficient = (MODULUS // 2 - 2**64) // (15 * 2**63)
    for count, lifts in ((15, True), (16, False)):
        system = LinearSystem([row([(0, slot, coefficient) for slot in range(count)], [(0, -1)])])
        vouched = {(0, slot): vouched_interval(1, unsigned=True) for slot in range(count)}
        if lifts:
            check_lift(system, vouched)
        else:
            with pytest.raises(LiftError):
                check_lift(system, vouched)


def test_opposite_signs_do_not_cancel_in_the_bound() -> None:
    """Guards: worst case on both sides; x_0 and x_1 are at their ends independently."""
    coefficient = (MODULUS // 2 - 2**64) // 2**63
    vouched = {(0, slot): vouched_interval(1, unsigned=False) for slot in range(2)}
    check_lift(LinearSystem([row([(0, 0, coefficient)], [(0, -1)])]), vouched)
    with pytest.raises(LiftError):
        check_lift(
            LinearSystem([row([(0, 0, coefficient), (0, 1, -coefficient)], [(0, -1)])]), vouched
        )


def test_the_constant_counts() -> None:
    """Guards: |e| in the bound."""
    coefficient = (MODULUS // 2 - 2**64) // 2**63
    vouched = {(0, 0): vouched_interval(1, unsigned=False)}
    check_lift(LinearSystem([row([(0, 0, coefficient)], [(0, -1)], 0)]), vouched)
    with pytest.raises(LiftError):
        check_lift(LinearSystem([row([(0, 0, coefficient)], [(0, -1)], 2**66)]), vouched)


def test_the_values_count() -> None:
    """Guards: values in the bound: four limbs of 64 bits reach every residue mod r."""
    limbs = [(limb, -(2 ** (64 * limb))) for limb in range(4)]
    vouched = {(0, 0): vouched_interval(1, unsigned=True)}
    check_lift(LinearSystem([row([(0, 0, 1)], limbs[:3])]), vouched)
    with pytest.raises(LiftError):
        check_lift(LinearSystem([row([(0, 0, 1)], limbs)]), vouched)


def test_four_limbs_prove_anything(srs: Srs) -> None:
    """Why: with them x_0 ≥ 10^6 is provable of x_0 = 0, by a slack of r − 10^6."""
    slack = MODULUS - 10**6
    limbs = [(limb, -(2 ** (64 * limb))) for limb in range(4)]
    values = [slack >> 64 * limb & 2**64 - 1 for limb in range(4)]
    false = case(srs, [opening((0, 0))], [row([(0, 0, 1)], limbs, 10**6)], values)
    assert verify(false.statement, false.prove(), srs).valid
