"""Item 4: digits out of range, and the values that they would make."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from typing_extensions import override

from tests import independent_verifier as independent
from tests.attacks.unsafe_prover import STRATEGIES, UnsafeProver
from tests.helpers import TAU, Case, case, opening, row
from zkcollateral.circuits import argument
from zkcollateral.circuits.layout import digit_columns
from zkcollateral.crypto.arithmetic import Point
from zkcollateral.crypto.field import MODULUS
from zkcollateral.crypto.srs import Srs
from zkcollateral.errors import ProverError
from zkcollateral.prover.proof import prove
from zkcollateral.prover.witness import Witness
from zkcollateral.verifier.proof import verify

DECIDE = independent.known_tau(TAU)
N = 64
SLOTS = N // 32
AMOUNTS = (5, 7, 11, 13)


def digits_of(value: int) -> list[int]:
    """32 numbers that make `value` with weights 4^t; the top one holds all that is too much."""
    digits = [value >> 2 * t & 3 for t in range(31)]
    return [*digits, value >> 62]


def over(srs: Srs, value: int, coefficient: int = -1) -> Case:
    """2·x_0 + x_3 + coefficient·v = constant, true (mod r) for v = `value`, over 1 + 1 values."""
    constant = 2 * AMOUNTS[0] + AMOUNTS[3] + coefficient * value
    constant = (constant + MODULUS // 2) % MODULUS - MODULUS // 2
    rows = [row([(0, 0, 2), (0, 3, 1)], [(0, coefficient)], constant)]
    return case(srs, [opening(AMOUNTS)], rows, [0, 0], n=N)


def changes(value: int, slot: int = 0) -> dict[tuple[int, int], int]:
    """The digits of value number `slot` of the first column."""
    return {(0, t * SLOTS + slot): digit for t, digit in enumerate(digits_of(value))}


FALSE_VALUES: dict[str, int] = {
    "2^64: the top digit is 4": 2**64,
    "2^64 + 1": 2**64 + 1,
    "a negative slack": -1,
    "a large negative slack": -(2**63),
    "r - 1": MODULUS - 1,
    "x + r": 20 + MODULUS,
    "half of r": MODULUS // 2,
    "2^128": 2**128,
}


@pytest.mark.native
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("name", FALSE_VALUES)
def test_value_out_of_range(srs: Srs, name: str, strategy: type[UnsafeProver]) -> None:
    """Guards: P(f_c) in the quotient. The rows hold; only the digits do not."""
    value = FALSE_VALUES[name]
    false = over(srs, value)
    assert sum(4**t * digit for t, digit in enumerate(digits_of(value))) == value
    proof = strategy(false, changes(value)).forge()
    assert not verify(false.statement, proof, srs).valid


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_same_provers_prove_what_is_true(srs: Srs, strategy: type[UnsafeProver]) -> None:
    """The control: with a value in range the same machinery makes a good proof."""
    for value in (0, 20, 2**64 - 1):
        true = over(srs, value)
        proof = strategy(true, changes(value)).forge()
        assert verify(true.statement, proof, srs).valid


@pytest.mark.native
@pytest.mark.parametrize("digit", [4, 5, -1, MODULUS // 2, 2**64])
@pytest.mark.parametrize("place", [0, 1, 2, 31, 62, 63])
def test_one_digit_out_of_range(srs: Srs, place: int, digit: int) -> None:
    """Guards: P(f_c) on every row of the domain, those of unused slots too."""
    weight = 4 ** (place // SLOTS) if place % SLOTS == 0 else 0
    false = over(srs, digit * weight)
    proof = UnsafeProver(false, {(0, place): digit}).forge()
    assert not verify(false.statement, proof, srs).valid
    assert not independent.accepts(false.statement.encoded, proof, srs.id, DECIDE)


@pytest.mark.parametrize("column", [0, 1, 2])
def test_every_column_is_checked(large: Case, column: int) -> None:
    """Guards: α^(c+1)·P(f_c) for each c. The digits change, and the value does not."""
    if column == 2:
        changed = {(column, 1): 4}
    else:
        # 4 − 4·1 = 0: the value is the same, and so are the rows.
        digits = digit_columns(N, large.witness.values)[column]
        changed = {(column, 0): digits[0] + 4, (column, SLOTS): digits[SLOTS] - 1}
    proof = UnsafeProver(large, changed).forge()
    assert not verify(large.statement, proof, large.srs).valid


def test_without_the_digit_polynomial_they_pass(srs: Srs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The attack is real: take P out of the quotient on both sides, and −1 is proved to be
    a value.
    """

    class NoDigitPolynomial(UnsafeProver):
        """Its α is 0 while it makes the quotient, so that the digits do not enter."""

        @override
        def commit_quotient(self) -> Point:
            alpha, self.alpha = self.alpha, 0
            point = super().commit_quotient()
            self.alpha = alpha
            return point

    false = over(srs, -1)
    proof = NoDigitPolynomial(false, changes(-1))
    monkeypatch.setattr(argument, "digit_polynomial", lambda y: 0)
    forged = proof.forge()
    assert verify(false.statement, forged, srs).valid
    monkeypatch.undo()
    assert not verify(false.statement, forged, srs).valid


@pytest.mark.parametrize(
    "values", [(2**64,), (-1,), (MODULUS - 1,), (20 + MODULUS,), (2**64 - 1 + 1,)]
)
def test_the_honest_prover_refuses(srs: Srs, values: Sequence[int]) -> None:
    """Guards: the prover's own check of the witness."""
    statement = case(srs, [opening(AMOUNTS)], [row([(0, 0, 1)], [(0, -1)])], [5]).statement
    with pytest.raises(ProverError):
        prove(statement, Witness((opening(AMOUNTS),), tuple(values)), srs)


def test_layout_refuses() -> None:
    """Guards: the digits' own range check."""
    for value in (2**64, -1):
        with pytest.raises(ValueError, match="not in"):
            digit_columns(N, (value,))
