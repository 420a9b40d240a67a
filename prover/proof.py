"""Making a proof, round by round (protocol section 6). The verifier's side is `verifier.proof`."""

from __future__ import annotations

from collections.abc import Sequence

from ..circuits.argument import (
    absorb_accumulator,
    absorb_columns,
    absorb_evaluations,
    absorb_openings,
    absorb_quotient,
    linearise,
    pairing_equation,
)
from ..circuits.layout import QUOTIENT_FACTOR, column_count, digit_columns, domain
from ..circuits.proof import Proof
from ..circuits.statement import Statement
from ..crypto.arithmetic import FieldVector, Point
from ..crypto.field import MODULUS
from ..crypto.randomness import random_bytes
from ..crypto.srs import Srs
from ..crypto.transcript import SEED_SIZE, Transcript, blinder
from ..errors import ProverError
from .witness import Witness

ACCUMULATOR_BLINDERS = 3


def prove(statement: Statement, witness: Witness, srs: Srs, *, seed: bytes | None = None) -> Proof:
    """A proof of the statement, which has passed its own verification.

    Args:
        statement: the public statement.
        witness: openings and values that satisfy it.
        srs: the structured reference string.
        seed: 32 bytes from which the blinders are derived; only for reproducible test vectors. By
            default they come from the operating system.

    Raises:
        ProverError: the witness does not satisfy the statement, or an opening is not the
            commitment's.
    """
    accounts = check_witness(statement, witness, srs)
    while True:
        drawn = random_bytes(SEED_SIZE) if seed is None else seed
        prover = Prover(statement, witness, srs, drawn)
        proof = prover.run()
        if proof is not None:
            break
        if seed is not None:
            raise ProverError("with this seed the evaluation point falls on the domain")
    equation = pairing_equation(statement, accounts, proof, srs)
    if equation is None or not equation.holds(srs):
        raise ProverError("the proof did not pass its own verification and was withheld")
    return proof


def check_witness(statement: Statement, witness: Witness, srs: Srs) -> list[Point]:
    """The statement's commitments, computed again; ProverError if openings or shapes do not fit."""
    if len(witness.openings) != len(statement.accounts):
        raise ProverError(
            f"witness: expected {len(statement.accounts)} openings, got {len(witness.openings)}"
        )
    if len(witness.values) != statement.value_count:
        raise ProverError(
            f"witness: expected {statement.value_count} values, got {len(witness.values)}"
        )
    if any(value >> 64 for value in witness.values):
        raise ProverError("witness: a value is not in [0, 2^64)")
    commitments = [opening.commit(srs) for opening in witness.openings]
    for index, (account, opened) in enumerate(zip(statement.accounts, commitments, strict=True)):
        if (opened.slots, bytes(opened)) != account:
            raise ProverError(f"the opening of account {index} does not open its commitment")
    return [commitment.point for commitment in commitments]


class Prover:
    """One run of the argument over one set of blinders. Use `prove`, which also checks.

    Every attribute that is a letter of the protocol has its meaning there.
    """

    def __init__(self, statement: Statement, witness: Witness, srs: Srs, seed: bytes) -> None:
        self.statement = statement
        self.witness = witness
        self.setup = srs.setup
        self.arithmetic = srs.arithmetic
        self.domain = domain(srs.arithmetic, statement.domain_size)
        self.n = statement.domain_size
        self.k = column_count(self.n, statement.value_count)
        self.transcript = Transcript(srs.arithmetic, srs.id, statement.encoded)
        self.beta, self.gamma = self._draw_blinders(seed)
        self.p = [opening.polynomial(srs) for opening in witness.openings]

    def _draw_blinders(self, seed: bytes) -> tuple[list[tuple[int, int]], list[int]]:
        s0, h = self.transcript.state, self.witness.digest()
        count = 2 * self.k + ACCUMULATOR_BLINDERS
        drawn = [blinder(self.arithmetic, seed, s0, h, j) for j in range(count)]
        columns = drawn[: 2 * self.k]
        return list(zip(columns[::2], columns[1::2], strict=True)), drawn[2 * self.k :]

    def run(self) -> Proof | None:
        """All five rounds; None if ζ fell on the domain, and then with other blinders again."""
        columns = self.commit_columns()
        self.rho = absorb_columns(self.transcript, columns)
        accumulator = self.commit_accumulator()
        self.alpha = absorb_accumulator(self.transcript, accumulator)
        quotient = self.commit_quotient()
        self.zeta = absorb_quotient(self.transcript, quotient)
        if self.domain.vanishing(self.zeta) == 0:
            return None
        y, z_bar = self.evaluate()
        self.nu = absorb_evaluations(self.transcript, y, z_bar)
        opening, shifted_opening = (self.setup.commit(w) for w in self.open(y, z_bar))
        absorb_openings(self.transcript, opening, shifted_opening)
        return Proof(
            tuple(columns), accumulator, quotient, opening, shifted_opening, tuple(y), z_bar
        )

    def blinded(self, coefficients: FieldVector, blinders: Sequence[int]) -> FieldVector:
        """f(X) + (b_0 + b_1 X + …)·Z_n(X), for f of n coefficients."""
        # The blinders at the bottom, subtracted, and again n places higher.
        low = self.arithmetic.vector(blinders).resize(self.n + len(blinders))
        return coefficients.resize(len(low)) - low + low.rotate(len(blinders))

    def digits(self) -> list[bytes]:
        """The digit columns of the values."""
        return digit_columns(self.n, self.witness.values)

    def commit_columns(self) -> list[Point]:
        """Round 1: the digit columns f_c, and F_c."""
        columns = self.digits()
        self.f_values = [self.arithmetic.vector(column) for column in columns]
        self.f = [
            self.blinded(values.intt(), beta)
            for values, beta in zip(self.f_values, self.beta, strict=True)
        ]
        return [
            self.setup.commit_digits(column, beta)
            for column, beta in zip(columns, self.beta, strict=True)
        ]

    def commit_accumulator(self) -> Point:
        """Round 2: the rows combined with ρ, the running sum z over the domain, and Z."""
        self.rows = self.statement.combine_rows(self.arithmetic, self.rho)
        lambda_ = self.rows.lambda_.to_ints()
        width = self.domain.values_per_column
        self.u_values = [self.domain.spread(u) for u in self.rows.u]
        self.w_values = [
            self.domain.column_weights(lambda_[c * width : (c + 1) * width]) for c in range(self.k)
        ]
        steps = self.arithmetic.vector([-self.rows.e * self.domain.n_inverse]).tile(self.n)
        for u, opening in zip(self.rows.u, self.witness.openings, strict=True):
            steps = steps + self.domain.spread(u * self.arithmetic.vector(opening.amounts))
        for f, w in zip(self.f_values, self.w_values, strict=True):
            steps = steps + f * w
        self.check_rows(steps)
        self.z = self.blinded(steps.prefix_sums().intt(), self.gamma)
        return self.setup.commit(self.z)

    def check_rows(self, steps: FieldVector) -> None:
        """The accumulator closes exactly when every row holds (but for a negligible chance)."""
        if steps.sum() != 0:
            raise ProverError("the witness does not satisfy the statement's rows")

    def commit_quotient(self) -> Point:
        """Round 3: T(X) from its values on a coset of 4·n points, and its commitment."""
        size = QUOTIENT_FACTOR * self.n
        z = self.z.coset_ntt(size)
        # Four coset points lie between x and ω_n·x.
        numerator = z.rotate(QUOTIENT_FACTOR) - z + self.rows.e * self.domain.n_inverse
        for p, u in zip(self.p, self.u_values, strict=True):
            numerator = numerator - p.coset_ntt(size) * u.intt().coset_ntt(size)
        power = 1
        for f_c, w in zip(self.f, self.w_values, strict=True):
            power = power * self.alpha % MODULUS
            f = f_c.coset_ntt(size)
            f_times_f_minus_3 = f * (f - 3)
            digits = f_times_f_minus_3 * (f_times_f_minus_3 + 2)
            numerator = numerator - f * w.intt().coset_ntt(size) + digits * power
        self.t = (numerator * self.domain.inverse_vanishing_on_coset).coset_intt()
        return self.setup.commit(self.t)

    def evaluate(self) -> tuple[list[int], int]:
        """Round 4: y_c = f_c(ζ) and z̄ = z(ω_n·ζ)."""
        shifted = self.domain.omega * self.zeta % MODULUS
        return [f.evaluate(self.zeta) for f in self.f], self.z.evaluate(shifted)

    def open(self, y: Sequence[int], z_bar: int) -> tuple[FieldVector, FieldVector]:
        """Round 5: the polynomials that W and W' commit to.

        The evaluations are subtracted by the division, whose remainder they are.
        """
        d = linearise(self.domain, self.rows, self.alpha, self.zeta, y, z_bar)
        size = len(self.t)
        opened = -self.z.resize(size) - self.t * d.vanishing
        for factor, p in zip(d.account_factors, self.p, strict=True):
            opened = opened - p.resize(size) * factor
        digits = self.f[0] * self.nu
        power = self.nu
        for f in self.f[1:]:
            power = power * self.nu % MODULUS
            digits = digits + f * power
        opened = opened + digits.resize(size)
        shifted = self.domain.omega * self.zeta % MODULUS
        return opened.divide_linear(self.zeta), self.z.divide_linear(shifted)
