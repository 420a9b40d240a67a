"""What prover and verifier compute alike (protocol section 6).

The prover sends commitments and evaluations; both sides derive the challenges, combine the rows and
arrive at one pairing equation. This module holds that common part, so that there is one of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..crypto.arithmetic import Point
from ..crypto.field import MODULUS, encode_scalar
from ..crypto.srs import Srs
from ..crypto.transcript import Transcript
from .layout import Domain, domain
from .proof import Proof
from .statement import CombinedRows, Statement


def digit_polynomial(y: int) -> int:
    """P(y) = y(y − 1)(y − 2)(y − 3), which is 0 exactly on the radix-4 digits."""
    return y * (y - 1) * (y - 2) * (y - 3) % MODULUS


@dataclass(frozen=True)
class Linearisation:
    """The polynomial D(X), opened at ζ, as factors of the commitments that it combines.

        D(X) = −z(X) − Σ_acc U_acc(ζ)·p_acc(X) − Z_n(ζ)·T(X)

    Args:
        account_factors: U_acc(ζ).
        vanishing: Z_n(ζ).
        value: d = D(ζ), from the evaluations.
    """

    account_factors: tuple[int, ...]
    vanishing: int
    value: int


def linearise(
    view: Domain,
    rows: CombinedRows,
    alpha: int,
    zeta: int,
    column_values: Sequence[int],
    accumulator_value: int,
) -> Linearisation:
    """D(X) and d from the public rows, the challenges and the evaluations (section 6, round 5).

    Args:
        view: the domain; ζ is not on it.
        rows: combined with ρ.
        alpha: the quotient's challenge.
        zeta: the evaluation point.
        column_values: y_c.
        accumulator_value: z̄.
    """
    vanishing = view.vanishing(zeta)
    slot_weights = view.slot_weights_at(zeta, vanishing)
    lambda_ = rows.lambda_.to_ints()
    per_column = view.values_per_column
    lambda_ += [0] * (per_column * len(column_values) - len(lambda_))
    value = -accumulator_value - rows.e * view.n_inverse
    power = 1
    for c, y in enumerate(column_values):
        lambda_c = view.arithmetic.vector(lambda_[c * per_column : (c + 1) * per_column])
        power = power * alpha % MODULUS
        value += y * lambda_c.dot(slot_weights) - power * digit_polynomial(y)
    factors = tuple(view.lagrange_sum(u, zeta, vanishing) for u in rows.u)
    return Linearisation(factors, vanishing, value % MODULUS)


def absorb_columns(transcript: Transcript, columns: Sequence[Point]) -> int:
    """Round 1: ρ."""
    return transcript.round("rho", *columns)


def absorb_accumulator(transcript: Transcript, accumulator: Point) -> int:
    """Round 2: α."""
    return transcript.round("alpha", accumulator)


def absorb_quotient(transcript: Transcript, quotient: Point) -> int:
    """Round 3: ζ."""
    return transcript.round("zeta", quotient)


def absorb_evaluations(
    transcript: Transcript, column_values: Sequence[int], accumulator_value: int
) -> int:
    """Round 4: ν."""
    return transcript.round("nu", *map(encode_scalar, (*column_values, accumulator_value)))


def absorb_openings(transcript: Transcript, opening: Point, shifted_opening: Point) -> int:
    """Round 5: μ."""
    return transcript.round("mu", opening, shifted_opening)


@dataclass(frozen=True)
class PairingEquation:
    """e( Σ left, [1]₂ ) = e( Σ right, [τ]₂ ), as points and factors so that equations can be added.

    Args:
        left: points with their factors, without the generator.
        generator: the factor of [1]₁ on the left.
        right: points with their factors.
    """

    left: tuple[tuple[Point, int], ...]
    generator: int
    right: tuple[tuple[Point, int], ...]

    def holds(self, srs: Srs) -> bool:
        """Whether the equation is true: two combinations and two pairings."""
        return weighted_sum_holds(srs, [self], [1])


def weighted_sum_holds(
    srs: Srs, equations: Sequence[PairingEquation], weights: Sequence[int]
) -> bool:
    """Whether Σ weights[i]·equations[i] is true: one pairing check for all."""
    arithmetic = srs.arithmetic
    left: list[tuple[Point, int]] = []
    right: list[tuple[Point, int]] = []
    generator = 0
    for equation, weight in zip(equations, weights, strict=True):
        left += [(point, factor * weight) for point, factor in equation.left]
        right += [(point, factor * weight) for point, factor in equation.right]
        generator += equation.generator * weight
    left.append((arithmetic.generator, generator))
    sums = [
        arithmetic.linear_combination(
            [point for point, _ in side], [factor % MODULUS for _, factor in side]
        )
        for side in (left, right)
    ]
    return srs.setup.pairing_check(*sums)


def pairing_equation(
    statement: Statement, accounts: Sequence[Point], proof: Proof, srs: Srs
) -> PairingEquation | None:
    """The equation that decides about a proof, or None if ζ lies on the domain (then it is
    rejected).

    Every challenge is derived anew from the statement and the proof.

    Args:
        statement: the public statement.
        accounts: its commitments, decoded and validated, in order.
        proof: decoded, with exactly k columns.
        srs: the setup, whose identity is part of the transcript.
    """
    arithmetic = srs.arithmetic
    view = domain(arithmetic, statement.domain_size)

    transcript = Transcript(arithmetic, srs.id, statement.encoded)
    rho = absorb_columns(transcript, proof.columns)
    rows = statement.combine_rows(arithmetic, rho)
    alpha = absorb_accumulator(transcript, proof.accumulator)
    zeta = absorb_quotient(transcript, proof.quotient)
    if view.vanishing(zeta) == 0:
        return None
    y, z_bar = proof.column_values, proof.accumulator_value
    nu = absorb_evaluations(transcript, y, z_bar)
    mu = absorb_openings(transcript, proof.opening, proof.shifted_opening)

    d = linearise(view, rows, alpha, zeta, y, z_bar)
    e = d.value + mu * z_bar
    left = [
        (proof.accumulator, mu - 1),
        (proof.quotient, -d.vanishing),
        (proof.opening, zeta),
        (proof.shifted_opening, mu * view.omega * zeta),
    ]
    left += [(c, -factor) for c, factor in zip(accounts, d.account_factors, strict=True)]
    nu_c = 1
    for column, value in zip(proof.columns, y, strict=True):
        nu_c = nu_c * nu % MODULUS
        left.append((column, nu_c))
        e += nu_c * value
    right = ((proof.opening, 1), (proof.shifted_opening, mu))
    return PairingEquation(tuple(left), -e, right)
