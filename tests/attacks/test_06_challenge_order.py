"""Item 6: every challenge comes after what it is to test.

Each attack knows one challenge a round too early and proves something false. It works where the
transcript lets it, on prover's and verifier's side alike; over the real transcript, where the same
prover can only guess, it does not.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from typing_extensions import override

from tests.attacks.roots import roots
from tests.attacks.unsafe_prover import LiesAboutColumns, UnsafeProver
from tests.attacks.unsafe_transcript import draw_early, guess
from tests.helpers import Case, case, opening, row
from zkcollateral.circuits.argument import linearise
from zkcollateral.circuits.layout import digit_columns
from zkcollateral.crypto.arithmetic import FieldVector, Point
from zkcollateral.crypto.field import MODULUS
from zkcollateral.crypto.srs import Srs
from zkcollateral.verifier.proof import verify

N = 64
UNUSED_SLOT = 1
"""The row of digit 0 of value 1, which no row weighs."""
AMOUNTS = (5, 7, 11, 13)


def one_row(srs: Srs, claimed: int) -> Case:
    """2·x_0 + x_3 − v = 23 − claimed: true for v = `claimed` only, and false if that is
    negative.
    """
    rows = [row([(0, 0, 2), (0, 3, 1)], [(0, -1)], 23 - claimed)]
    return case(srs, [opening(AMOUNTS)], rows, [0], n=N)


def digit_check(digit: int) -> int:
    return digit * (digit - 1) * (digit - 2) * (digit - 3) % MODULUS


def digit_that_checks_to(target: int) -> int | None:
    """A d with P(d) = target; P(X) = X^4 − 6X³ + 11X² − 6X."""
    found = roots([-target % MODULUS, -6, 11, -6, 1])
    return found[0] if found else None


class KnowsAlpha(UnsafeProver):
    """Uses a value of −1, −2, …, spoils an unused digit so that ΣP = 0, and hides both in z."""

    def __init__(self, srs: Srs) -> None:
        claimed, hidden = next(
            (-j, found)
            for j in range(1, 50)
            if (found := digit_that_checks_to(-digit_check(-j))) is not None
        )
        super().__init__(one_row(srs, claimed), {(0, 0): claimed, (0, UNUSED_SLOT): hidden})

    @override
    def commit_accumulator(self) -> Point:
        super().commit_accumulator()
        alpha = guess(self.transcript, "alpha")
        errors = self.arithmetic.vector(-alpha * digit_check(d) for d in self.f_values[0].to_ints())
        assert errors.sum() == 0
        self.z = self.z + errors.prefix_sums().intt().resize(len(self.z))
        return self.setup.commit(self.z)


class KnowsAlphaFromTheStart(UnsafeProver):
    """The reverse: a false row, and a digit in an unused slot that makes up for it in z."""

    def __init__(self, srs: Srs) -> None:
        for claimed in range(-1, -50, -1):
            super().__init__(one_row(srs, claimed))
            self.start_alpha = guess(self.transcript, "alpha")
            # The rows are wrong by `claimed`: the value in the column is 0.
            hidden = digit_that_checks_to(claimed * pow(self.start_alpha, -1, MODULUS))
            if hidden is not None:
                self.changed_digits = {(0, UNUSED_SLOT): hidden}
                return
        raise AssertionError

    @override
    def commit_accumulator(self) -> Point:
        super().commit_accumulator()
        errors = self.arithmetic.vector(
            -self.start_alpha * digit_check(d) for d in self.f_values[0].to_ints()
        )
        self.z = self.z + errors.prefix_sums().intt().resize(len(self.z))
        return self.setup.commit(self.z)


class KnowsRho(UnsafeProver):
    """Two false rows whose errors cancel under (1, ρ).

    The second row's four limbs reach every residue mod r.
    """

    def __init__(self, srs: Srs) -> None:
        limbs = [(1 + limb, 2 ** (64 * limb)) for limb in range(3)] + [(4, 2**192)]
        rows = [row([(0, 0, 1)], [(0, -1)]), row([], limbs)]
        super().__init__(case(srs, [opening(AMOUNTS)], rows, [5, 0, 0, 0, 0], n=N))

    @override
    def columns(self) -> list[list[int]]:
        # The first row is wrong by 5 − 6 = −1, so the second must be by 1/ρ.
        rho = guess(self.transcript, "rho")
        compensation = pow(rho, -1, MODULUS)
        values = (6, *(compensation >> 64 * limb & 2**64 - 1 for limb in range(4)))
        return [list(column) for column in digit_columns(self.n, values)]


class KnowsZeta(UnsafeProver):
    """T is the constant that is right at ζ, and only there."""

    def __init__(self, srs: Srs) -> None:
        super().__init__(one_row(srs, -1))

    @override
    def commit_quotient(self) -> Point:
        self.zeta = guess(self.transcript, "zeta")
        self.t = self.arithmetic.vector([0] * (4 * self.n))
        y, z_bar = self.evaluate()
        missing = self.linearised_at_zeta() - self.claimed_d(y, z_bar)
        value = missing * pow(self.domain.vanishing(self.zeta), -1, MODULUS)
        self.t = self.arithmetic.vector([value]).resize(4 * self.n)
        return self.setup.commit(self.t)


class KnowsNu(LiesAboutColumns):
    """Sends a y_0 whose error in d and whose error in the batch of evaluations cancel."""

    def __init__(self, srs: Srs) -> None:
        # There is such a y_0 only if a polynomial of degree 4 has a root.
        self.found = False
        for claimed in range(-1, -50, -1):
            super().__init__(one_row(srs, claimed))
            self.run()
            if self.found:
                super().__init__(one_row(srs, claimed))
                return
        raise AssertionError

    @override
    def evaluate(self) -> tuple[list[int], int]:
        y, z_bar = UnsafeProver.evaluate(self)
        lie = self.lie(y, z_bar, guess(self.transcript, "nu"))
        self.found = lie != y
        return lie, z_bar


class KnowsMu(UnsafeProver):
    """Both openings are wrong, and their errors cancel: L(X) = (X − ζ)·w + μ·(X − ω·ζ)·w' for any
    L.
    """

    def __init__(self, srs: Srs) -> None:
        super().__init__(one_row(srs, -1))

    @override
    def open(self, y: Sequence[int], z_bar: int) -> tuple[FieldVector, FieldVector]:
        mu = guess(self.transcript, "mu")
        shifted = self.domain.omega * self.zeta % MODULUS
        d = linearise(self.domain, self.rows, self.alpha, self.zeta, y, z_bar)
        size = len(self.t)
        left = -self.z.resize(size) - self.t * d.vanishing
        for factor, p in zip(d.account_factors, self.p, strict=True):
            left = left - p.resize(size) * factor
        constant = -d.value - mu * z_bar
        for c, (f, y_c) in enumerate(zip(self.f, y, strict=True)):
            nu_c = pow(self.nu, c + 1, MODULUS)
            left = left + f.resize(size) * nu_c
            constant -= nu_c * y_c
        left = left + self.z.resize(size) * mu
        left = left + self.arithmetic.vector([constant]).resize(size)
        factor = left.evaluate(self.zeta) * pow(mu * (self.zeta - shifted), -1, MODULUS)
        second = self.arithmetic.vector([-shifted, 1]) * (factor * mu)
        left = left - second.resize(size)
        return left.divide_linear(self.zeta), self.arithmetic.vector([factor])


ATTACKS: dict[str, tuple[type[UnsafeProver], str, int]] = {
    "rho before F": (KnowsRho, "rho", 0),
    "alpha before Z": (KnowsAlpha, "alpha", 1),
    "alpha before F": (KnowsAlphaFromTheStart, "alpha", 0),
    "zeta before T": (KnowsZeta, "zeta", 2),
    "nu before the evaluations": (KnowsNu, "nu", 3),
    "mu before W and W'": (KnowsMu, "mu", 4),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_early_challenge_proves_what_is_false(
    srs: Srs, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attack is real: where the challenge is known a round too early, it succeeds."""
    attack, label, rounds = ATTACKS[name]
    draw_early(monkeypatch, label, rounds)
    prover = attack(srs)  # type: ignore[arg-type]
    assert verify(prover.statement, prover.forge(), srs).valid


@pytest.mark.parametrize("name", ATTACKS)
def test_real_transcript_stops_it(srs: Srs, name: str) -> None:
    """Guards: the order of the rounds. The same prover, who now can only guess."""
    attack, _, _ = ATTACKS[name]
    prover = attack(srs)  # type: ignore[arg-type]
    assert not verify(prover.statement, prover.forge(), srs).valid


@pytest.mark.parametrize(("label", "rounds"), [("rho", 0), ("alpha", 1), ("zeta", 2), ("nu", 3)])
def test_transcripts_that_differ_in_one_challenge_disagree(
    large: Case, label: str, rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guards: that the prover's challenges enter the equation. (μ is the verifier's alone.)"""
    draw_early(monkeypatch, label, rounds)
    proof = large.prove()
    assert verify(large.statement, proof, large.srs).valid
    monkeypatch.undo()
    assert not verify(large.statement, proof, large.srs).valid
