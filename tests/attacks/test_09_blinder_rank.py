"""Item 9: zero knowledge, with the τ of the toy reference string at hand.

The adversary here knows τ and every discrete logarithm. Two things are shown: the maps from
blinders to what is seen have full rank, measured on proofs and not on formulas; and a proof made
from one witness is, byte for byte, a proof made from another with other blinders, so that nothing
tells them apart. With any one blinder fixed to 0 something does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest
from typing_extensions import override

from tests.attacks.unsafe_transcript import FixedTranscript, install
from tests.helpers import SEED, TAU, Case, case, opening, row, scalar
from zkcollateral.circuits.argument import absorb_columns
from zkcollateral.crypto.arithmetic import FieldVector
from zkcollateral.crypto.field import MODULUS
from zkcollateral.crypto.srs import Srs
from zkcollateral.crypto.transcript import Transcript
from zkcollateral.prover.proof import Prover
from zkcollateral.prover.witness import Witness
from zkcollateral.verifier.proof import verify

N = 64
K = 2
BLINDERS = 2 * K + 3
NAMES = ("β_00", "β_01", "β_10", "β_11", "γ_0", "γ_1", "γ_2")
ROWS = [
    row([(0, 0, 2), (0, 3, 1)], [(0, -1)], 3),
    row([(0, 1, 1)], [(1, -1)], -50),
    row([(0, 0, -1), (0, 2, 1)], [(2, -1)]),
]


class ChosenBlinders(Prover):
    """The real prover with given blinders, in the order β_00, β_01, β_10, …, γ_2."""

    def __init__(self, checked: Case, blinders: Sequence[int]) -> None:
        self.chosen = [blinder % MODULUS for blinder in blinders]
        super().__init__(checked.statement, checked.witness, checked.srs, SEED)

    @override
    def _draw_blinders(self, seed: bytes) -> tuple[list[tuple[int, int]], list[int]]:
        columns, rest = self.chosen[: 2 * self.k], self.chosen[2 * self.k :]
        return list(zip(columns[::2], columns[1::2], strict=True)), rest


@dataclass(frozen=True)
class View:
    """What an adversary who takes logarithms sees of a proof."""

    column: tuple[tuple[int, int], ...]
    """(f_c(τ), f_c(ζ)) for each column."""
    accumulator: tuple[int, int, int]
    """z at τ, at ω_n·τ (from T) and at ω_n·ζ."""
    quotient: int
    """T(τ)."""
    zeta: int


def run(checked: Case, blinders: Sequence[int]) -> tuple[bytes, View]:
    """A proof with these blinders and its view; the logarithms are checked against the points."""
    prover = ChosenBlinders(checked, blinders)
    proof = prover.run()
    assert proof is not None
    view = View(
        tuple((f.evaluate(TAU), y) for f, y in zip(prover.f, proof.column_values, strict=True)),
        (prover.z.evaluate(TAU), z_at_shifted_tau(prover), proof.accumulator_value),
        prover.t.evaluate(TAU),
        prover.zeta,
    )
    points = (*proof.columns, proof.accumulator, proof.quotient)
    logs = (*(tau for tau, _ in view.column), view.accumulator[0], view.quotient)
    for point, log in zip(points, logs, strict=True):
        assert point == checked.srs.setup.commit(checked.srs.arithmetic.vector([log]))
    return proof.encoded, view


def z_at_shifted_tau(prover: Prover) -> int:
    """z(ω_n·τ), as the definition of T gives it from what is seen."""
    z_n = prover.domain.vanishing(TAU)
    total = prover.t.evaluate(TAU) * z_n + prover.z.evaluate(TAU)
    for p, u in zip(prover.p, prover.u_values, strict=True):
        total += p.evaluate(TAU) * u.intt().evaluate(TAU)
    for c, (f, w) in enumerate(zip(prover.f, prover.w_values, strict=True)):
        y = f.evaluate(TAU)
        total += y * w.intt().evaluate(TAU)
        total -= pow(prover.alpha, c + 1, MODULUS) * y * (y - 1) * (y - 2) * (y - 3)
    total -= prover.rows.e * prover.domain.n_inverse
    assert total % MODULUS == prover.z.evaluate(prover.domain.omega * TAU % MODULUS)
    return total % MODULUS


def solve(matrix: Sequence[Sequence[int]], right: Sequence[int]) -> tuple[int, list[int]]:
    """The rank of a square matrix mod r, and the solution if it is full."""
    rows = [
        [*(x % MODULUS for x in line), b % MODULUS] for line, b in zip(matrix, right, strict=True)
    ]
    size, rank = len(rows), 0
    for column in range(size):
        pivot = next((i for i in range(rank, size) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        inverse = pow(rows[rank][column], -1, MODULUS)
        rows[rank] = [x * inverse % MODULUS for x in rows[rank]]
        for i in range(size):
            if i != rank and rows[i][column]:
                factor = rows[i][column]
                rows[i] = [
                    (x - factor * y) % MODULUS for x, y in zip(rows[i], rows[rank], strict=True)
                ]
        rank += 1
    return rank, [line[-1] for line in rows]


def rank(matrix: Sequence[Sequence[int]]) -> int:
    return solve(matrix, [0] * len(matrix))[0]


@pytest.fixture(scope="module")
def candidates(srs: Srs) -> tuple[Case, Case]:
    """One statement, and two witnesses that satisfy it; knowing τ, C is opened to both."""
    poor = case(srs, [opening((5, 7, 11, 13))], ROWS, [20, 57, 6])
    amounts, b = (900, -50, 1000, 1), poor.witness.openings[0].blinder
    vector = srs.arithmetic.vector

    def at_tau(values: Sequence[int]) -> int:
        return vector(values).intt().evaluate(TAU)

    difference = at_tau((5, 7, 11, 13)) - at_tau(amounts)
    other_b = (b + difference * pow(pow(TAU, 4, MODULUS) - 1, -1, MODULUS)) % MODULUS
    rich = Witness((replace(opening(amounts), blinder=other_b),), (1798, 0, 100))
    assert rich.openings[0].commit(srs) == poor.witness.openings[0].commit(srs)
    return poor, replace(poor, witness=rich)


RANDOM = [scalar(f"blinder {index}") for index in range(BLINDERS)]


def test_both_candidates_satisfy_the_statement(candidates: tuple[Case, Case]) -> None:
    for candidate in candidates:
        assert verify(candidate.statement, candidate.prove(), candidate.srs).valid


# --- the Jacobian, from proofs with one blinder varied; challenges stand still meanwhile


@pytest.fixture
def fixed_challenges(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fixed(FixedTranscript):
        challenges = {  # noqa: RUF012
            label: scalar(f"challenge {label}") for label in ("rho", "alpha", "zeta", "nu", "mu")
        }

    install(monkeypatch, Fixed)


def flat(view: View) -> list[int]:
    """F_c and y_c for each c, then Z, z̄, T."""
    return [x for pair in view.column for x in pair] + [
        view.accumulator[0],
        view.accumulator[2],
        view.quotient,
    ]


@pytest.mark.usefixtures("fixed_challenges")
def test_the_jacobian_has_full_rank(candidates: tuple[Case, Case]) -> None:
    """Guards: two blinders for each column and three for z. Measured by varying each in a
    real run.
    """
    _, base_view = run(candidates[0], RANDOM)
    base = flat(base_view)
    jacobian = []
    for j in range(BLINDERS):
        blinders = list(RANDOM)
        blinders[j] += 1
        _, view = run(candidates[0], blinders)
        jacobian.append([b - a for a, b in zip(base, flat(view), strict=True)])
    assert rank(jacobian) == BLINDERS

    for c in range(K):
        block = [line[2 * c : 2 * c + 2] for line in jacobian[2 * c : 2 * c + 2]]
        assert rank(block) == 2
    accumulator = []
    for j in range(3):
        blinders = list(RANDOM)
        blinders[2 * K + j] += 1
        _, view = run(candidates[0], blinders)
        accumulator.append(
            [b - a for a, b in zip(base_view.accumulator, view.accumulator, strict=True)]
        )
    assert rank(accumulator) == 3


@pytest.mark.native
@pytest.mark.usefixtures("fixed_challenges")
def test_a_blinder_reaches_only_its_own_messages(candidates: tuple[Case, Case]) -> None:
    """Guards: that F_c and y_c hang on column c's blinders alone, and Z and z̄ on z's."""
    _, base_view = run(candidates[0], RANDOM)
    for j in range(BLINDERS):
        blinders = list(RANDOM)
        blinders[j] += 1
        _, view = run(candidates[0], blinders)
        for c in range(K):
            assert (view.column[c] != base_view.column[c]) is (j // 2 == c)
        assert (view.accumulator != base_view.accumulator) is (j >= 2 * K)


# --- indistinguishable, and distinguishable with one blinder missing


def explain(candidate: Case, view: View) -> list[int]:
    """The blinders with which this candidate would have made that view.

    Each line of the two systems is Z_n(x)·(1, x, …) at a point x where the polynomial was seen.
    """
    bare = ChosenBlinders(candidate, [0] * BLINDERS)
    # The real challenges hang on the proof's messages; z's bare form needs ρ only.
    bare.commit_columns()
    bare.rho = view_rho(candidate, view)
    bare.commit_accumulator()
    omega, z_n = bare.domain.omega, bare.domain.vanishing
    found = []
    for f, seen in zip(bare.f, view.column, strict=True):
        found += fit(f, (TAU, view.zeta), seen, z_n)
    points = (TAU, omega * TAU % MODULUS, omega * view.zeta % MODULUS)
    return found + fit(bare.z, points, view.accumulator, z_n)


def fit(
    bare: FieldVector, points: Sequence[int], seen: Sequence[int], z_n: Callable[[int], int]
) -> list[int]:
    matrix = [[z_n(x) * pow(x, j, MODULUS) for j in range(len(points))] for x in points]
    missing = [value - bare.evaluate(x) for x, value in zip(points, seen, strict=True)]
    found, solution = solve(matrix, missing)
    assert found == len(points)
    return solution


def view_rho(candidate: Case, view: View) -> int:
    srs = candidate.srs
    transcript = Transcript(srs.arithmetic, srs.id, candidate.statement.encoded)
    columns = [srs.setup.commit(srs.arithmetic.vector([tau])) for tau, _ in view.column]
    return absorb_columns(transcript, columns)


def test_one_proof_two_witnesses(candidates: tuple[Case, Case]) -> None:
    """Guards: all of zero knowledge. With other blinders the other witness gives the very same
    bytes.
    """
    for maker, other in (candidates, candidates[::-1]):
        proof, view = run(maker, RANDOM)
        assert verify(maker.statement, proof, maker.srs).valid
        assert explain(maker, view) == RANDOM
        blinders = explain(other, view)
        assert not set(blinders) & set(RANDOM)
        assert run(other, blinders)[0] == proof


@pytest.mark.native
@pytest.mark.parametrize("missing", range(BLINDERS), ids=NAMES)
@pytest.mark.parametrize("true", [0, 1])
def test_one_blinder_less_tells_witnesses_apart(
    candidates: tuple[Case, Case], missing: int, true: int
) -> None:
    """Guards: each single blinder. The adversary asks which candidate explains the proof with a 0
    there.
    """
    blinders = list(RANDOM)
    blinders[missing] = 0
    proof, view = run(candidates[true], blinders)
    assert verify(candidates[true].statement, proof, candidates[true].srs).valid
    could_have_made_it = [explain(candidate, view)[missing] == 0 for candidate in candidates]
    assert could_have_made_it == [true == 0, true == 1]

    # With all of them present the same question has the same answer for both.
    _, view = run(candidates[true], RANDOM)
    assert [explain(candidate, view)[missing] == 0 for candidate in candidates] == [False, False]


def test_a_commitment_without_blinder_tells_amounts_apart(candidates: tuple[Case, Case]) -> None:
    """Guards: b. With b = 0 whoever guesses the amounts sees that the guess is right."""
    srs = candidates[0].srs
    amounts = [candidate.witness.openings[0].amounts for candidate in candidates]
    bare = [replace(opening(x), blinder=0).commit(srs) for x in amounts]
    assert bare[0] != bare[1]
    commitment = candidates[0].witness.openings[0].commit(srs)
    assert commitment not in bare
    assert commitment == candidates[1].witness.openings[0].commit(srs)
