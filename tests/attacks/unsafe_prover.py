"""Provers that cheat. They skip every check and do their best; what they make must not verify.

Each strategy, given an honest witness and nothing to cheat about, makes a proof that does verify:
so none fails for being clumsy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from typing_extensions import override

from tests.attacks.roots import interpolate, roots
from tests.helpers import SEED, Case
from zkcollateral.circuits.argument import linearise
from zkcollateral.circuits.layout import digit_columns
from zkcollateral.crypto.arithmetic import FieldVector, Point
from zkcollateral.crypto.field import MODULUS
from zkcollateral.prover.proof import Prover


class UnsafeProver(Prover):
    """Takes any field element for a digit and any sum for zero.

    Args:
        case: statement and witness; nothing about them need be true.
        digits: what stands in the digit columns instead, by (column, row).
        seed: of the blinders.
    """

    def __init__(
        self, case: Case, digits: Mapping[tuple[int, int], int] | None = None, seed: bytes = SEED
    ) -> None:
        super().__init__(case.statement, case.witness, case.srs, seed)
        self.changed_digits = dict(digits or {})

    def columns(self) -> list[list[int]]:
        """The digit columns, with the changes."""
        columns = [list(column) for column in digit_columns(self.n, self.witness.values)]
        for (column, place), digit in self.changed_digits.items():
            columns[column][place] = digit
        return columns

    @override
    def commit_columns(self) -> list[Point]:
        self.f_values = [self.arithmetic.vector(column) for column in self.columns()]
        self.f = [
            self.blinded(values.intt(), beta)
            for values, beta in zip(self.f_values, self.beta, strict=True)
        ]
        return [self.setup.commit(f) for f in self.f]

    @override
    def check_rows(self, steps: FieldVector) -> None:
        pass

    def linearised_at_zeta(self) -> int:
        """D(ζ), which is d only if all is well."""
        d = linearise(self.domain, self.rows, self.alpha, self.zeta, [0] * self.k, 0)
        total = -self.z.evaluate(self.zeta) - d.vanishing * self.t.evaluate(self.zeta)
        for factor, p in zip(d.account_factors, self.p, strict=True):
            total -= factor * p.evaluate(self.zeta)
        return total % MODULUS

    def claimed_d(self, y: Sequence[int], z_bar: int) -> int:
        """d, which is what the evaluations say of D(ζ)."""
        return linearise(self.domain, self.rows, self.alpha, self.zeta, y, z_bar).value

    def forge(self) -> bytes:
        """The proof's bytes."""
        proof = self.run()
        assert proof is not None
        return proof.encoded


class SpreadsTheError(UnsafeProver):
    """Takes the same share of the rows' error off every step, where the others leave it in the
    last.
    """

    @override
    def check_rows(self, steps: FieldVector) -> None:
        self.error = steps.sum()

    @override
    def commit_accumulator(self) -> Point:
        super().commit_accumulator()
        share = self.error * self.domain.n_inverse
        correction = self.arithmetic.vector(-share * row for row in range(self.n)).intt()
        self.z = self.z + correction.resize(len(self.z))
        return self.setup.commit(self.z)


class DropsTheRemainder(UnsafeProver):
    """Divides by Z_n and forgets what is left over."""

    @override
    def commit_quotient(self) -> Point:
        numerator = self.numerator()
        quotient = [0] * len(numerator)
        for power in range(len(numerator) - 1, self.n - 1, -1):
            quotient[power - self.n] = numerator[power]
            numerator[power - self.n] += numerator[power]
        self.t = self.arithmetic.vector(quotient[: 4 * self.n])
        return self.setup.commit(self.t)

    def numerator(self) -> list[int]:
        """What T·Z_n ought to be, by its definition; of degree 4n + 4."""
        size = 8 * self.n
        z = self.z.coset_ntt(size)
        numerator = z.rotate(8) - z + self.rows.e * self.domain.n_inverse
        for p, u in zip(self.p, self.u_values, strict=True):
            numerator = numerator - p.coset_ntt(size) * u.intt().coset_ntt(size)
        for c, (f_c, w) in enumerate(zip(self.f, self.w_values, strict=True)):
            f = f_c.coset_ntt(size)
            digits = f * (f - 1) * (f - 2) * (f - 3)
            numerator = numerator - f * w.intt().coset_ntt(size)
            numerator = numerator + digits * pow(self.alpha, c + 1, MODULUS)
        return numerator.coset_intt().to_ints()


class LiesAboutTheAccumulator(UnsafeProver):
    """Sends the z̄ with which D(ζ) comes out right."""

    @override
    def evaluate(self) -> tuple[list[int], int]:
        y, _ = super().evaluate()
        return y, (self.claimed_d(y, 0) - self.linearised_at_zeta()) % MODULUS


class LiesAboutColumns(UnsafeProver):
    """Sends y_0 with which D(ζ) comes out right, and the true evaluations beside it."""

    @override
    def evaluate(self) -> tuple[list[int], int]:
        y, z_bar = super().evaluate()
        return self.lie(y, z_bar, 0), z_bar

    def lie(self, y: list[int], z_bar: int, weight: int) -> list[int]:
        """y with a y_0 such that d + weight·y_0 is what it ought to be; y itself if none or that
        one is.

        d is a polynomial of degree 4 in y_0.
        """
        goal = self.linearised_at_zeta() + weight * y[0]
        points = [(x, self.claimed_d([x, *y[1:]], z_bar) + weight * x - goal) for x in range(5)]
        found = roots(interpolate(points))
        return y if y[0] in found or not found else [found[0], *y[1:]]


STRATEGIES: tuple[type[UnsafeProver], ...] = (
    UnsafeProver,
    SpreadsTheError,
    DropsTheRemainder,
    LiesAboutTheAccumulator,
    LiesAboutColumns,
)
