"""Digits, columns and the polynomials on the domain, against their definitions."""

from __future__ import annotations

import pytest

from tests.helpers import scalar
from tests.independent_verifier import lagrange, root
from zkcollateral.circuits.layout import (
    COLUMN_LIMITS,
    choose_domain_size,
    column_count,
    digit_columns,
    domain,
)
from zkcollateral.crypto.arithmetic import Arithmetic
from zkcollateral.crypto.field import MODULUS
from zkcollateral.risk.policy import Profile

X = scalar("a point off every domain")
SIZES = (32, 64, 128)


# --- the domain's size (section 10)


@pytest.mark.parametrize(
    ("slots", "values", "profile", "n"),
    [
        (1, 1, "balanced", 64),
        (64, 16, "balanced", 64),
        (64, 17, "balanced", 128),
        (65 - 1, 32, "balanced", 128),
        (128, 1, "balanced", 128),
        (1024, 1, "balanced", 1024),
        (16, 4, "compact", 64),
        (16, 5, "compact", 128),
        (16, 64, "compact", 1024),
        (16, 64, "fast", 64),
        (16, 65, "fast", 128),
        (16, 256, "balanced", 1024),
        (16, 257, "balanced", 1024),
        (16, 32 * 1024, "compact", 1024),
    ],
)
def test_domain_size(slots: int, values: int, profile: Profile, n: int) -> None:
    assert choose_domain_size(slots, values, profile) == n


@pytest.mark.parametrize("profile", COLUMN_LIMITS)
def test_domain_size_is_the_smallest_that_fits(profile: Profile) -> None:
    limit = {"balanced": 8, "compact": 2, "fast": 32}[profile]
    for slots in (1, 32, 64, 256, 1024):
        for values in (1, 2, 5, 16, 63, 64, 65, 300, 1000, 5000):
            fitting = [
                n
                for n in (64, 128, 256, 512, 1024)
                if n >= slots and (n == 1024 or -(-32 * values // n) <= limit)
            ]
            assert choose_domain_size(slots, values, profile) == fitting[0]


@pytest.mark.parametrize(
    ("n", "values", "k"),
    [(32, 1, 1), (32, 5, 5), (64, 1, 1), (64, 2, 1), (64, 3, 2), (1024, 32 * 1024, 1024)],
)
def test_column_count(n: int, values: int, k: int) -> None:
    assert column_count(n, values) == k


# --- digits (section 5)


@pytest.mark.parametrize("n", SIZES)
def test_digit_columns(n: int) -> None:
    """Digit t of value i is in column i div M, row t·M + i mod M; all else is 0."""
    per_column = n // 32
    values = tuple(scalar(f"{n} {i}") >> 191 for i in range(2 * per_column + 1))
    columns = digit_columns(n, values)
    assert len(columns) == 3
    assert all(len(column) == n and set(column) <= {0, 1, 2, 3} for column in columns)
    for c, column in enumerate(columns):
        for j in range(per_column):
            found = sum(4**t * column[t * per_column + j] for t in range(32))
            index = c * per_column + j
            assert found == (values[index] if index < len(values) else 0)


def test_digits_of_extreme_values() -> None:
    assert digit_columns(32, (0,)) == [bytes(32)]
    assert digit_columns(32, (2**64 - 1,)) == [b"\x03" * 32]
    assert digit_columns(32, (1,)) == [b"\x01" + bytes(31)]
    assert digit_columns(32, (2**63,)) == [bytes(31) + b"\x02"]


@pytest.mark.parametrize("value", [2**64, -1, MODULUS - 1])
def test_value_out_of_range(value: int) -> None:
    with pytest.raises(ValueError, match="not in"):
        digit_columns(64, (5, value))


# --- polynomials on the domain


@pytest.mark.parametrize("n", SIZES)
class TestDomain:
    def test_constants(self, arithmetic: Arithmetic, n: int) -> None:
        view = domain(arithmetic, n)
        assert view is domain(arithmetic, n)
        assert view.omega == root(n)
        assert pow(view.omega, n // 2, MODULUS) == MODULUS - 1
        assert view.vanishing(X) == (pow(X, n, MODULUS) - 1) % MODULUS
        assert all(view.vanishing(pow(view.omega, i, MODULUS)) == 0 for i in range(n))

    def test_spread(self, arithmetic: Arithmetic, n: int) -> None:
        """Slot i of a slots is row i·n/a."""
        view = domain(arithmetic, n)
        for slots in (1, 4, n // 2, n):
            values = [scalar(f"spread {i}") for i in range(slots)]
            rows = view.spread(arithmetic.vector(values)).to_ints()
            assert len(rows) == n
            assert rows[:: n // slots] == values
            assert sum(1 for x in rows if x) == slots

    def test_lagrange_sum(self, arithmetic: Arithmetic, n: int) -> None:
        view, basis = domain(arithmetic, n), lagrange(n, X)
        for slots in (1, 2, 16, n):
            u = [scalar(f"u {i}") for i in range(slots)]
            expected = sum(u_i * basis[i * n // slots] for i, u_i in enumerate(u)) % MODULUS
            assert view.lagrange_sum(arithmetic.vector(u), X, view.vanishing(X)) == expected

    def test_slot_weights(self, arithmetic: Arithmetic, n: int) -> None:
        """K_j(X) = Σ_t 4^t·L_{tM+j}(X), which the closed form has to give."""
        view, basis, per_column = domain(arithmetic, n), lagrange(n, X), n // 32
        weights = view.slot_weights_at(X, view.vanishing(X)).to_ints()
        assert weights == [
            sum(4**t * basis[t * per_column + j] for t in range(32)) % MODULUS
            for j in range(per_column)
        ]

    def test_column_weights(self, arithmetic: Arithmetic, n: int) -> None:
        """w_c on the domain is λ_j·4^t on row t·M + j; a short last column is filled up with 0."""
        view, per_column = domain(arithmetic, n), n // 32
        for count in {1, per_column}:
            lambda_c = [scalar(f"lambda {i}") for i in range(count)]
            weights = view.column_weights(lambda_c).to_ints()
            padded = lambda_c + [0] * (per_column - count)
            assert weights == [
                padded[line % per_column] * 4 ** (line // per_column) % MODULUS for line in range(n)
            ]

    def test_weights_recover_values(self, arithmetic: Arithmetic, n: int) -> None:
        """Σ over the domain of f·w is Σ λ_j·v_j."""
        view, per_column = domain(arithmetic, n), n // 32
        values = tuple(scalar(f"v {i}") >> 191 for i in range(per_column))
        lambda_c = [scalar(f"l {i}") for i in range(per_column)]
        digits = arithmetic.vector(digit_columns(n, values)[0])
        expected = sum(a * b for a, b in zip(values, lambda_c, strict=True)) % MODULUS
        assert digits.dot(view.column_weights(lambda_c)) == expected

    def test_inverse_vanishing_on_the_coset(self, arithmetic: Arithmetic, n: int) -> None:
        view = domain(arithmetic, n)
        inverses = view.inverse_vanishing_on_coset.to_ints()
        assert len(inverses) == 4 * n
        for i in (0, 1, 2, 3, 4, 4 * n - 1):
            x = 7 * pow(root(4 * n), i, MODULUS) % MODULUS
            assert inverses[i] * view.vanishing(x) % MODULUS == 1


def test_domains_of_two_arithmetics_differ(both: tuple[Arithmetic, Arithmetic]) -> None:
    assert domain(both[0], 64) is not domain(both[1], 64)
    assert domain(both[0], 64).arithmetic is both[0]
