"""Where a value's digits sit, and the domain they sit on (protocol sections 2, 5 and 10)."""

from __future__ import annotations

from functools import cached_property, lru_cache

from ..crypto.arithmetic import Arithmetic, FieldVector
from ..crypto.field import COSET_SHIFT, MODULUS, root_of_unity
from ..risk.policy import Profile

DIGITS = 32
"""D: radix-4 digits of one 64-bit value."""
MIN_DOMAIN_SIZE = 32
MAX_DOMAIN_SIZE = 1024
QUOTIENT_FACTOR = 4
"""The quotient's degree is below 4·n, so its values on 4·n points determine it."""

COLUMN_LIMITS: dict[Profile, int] = {"balanced": 8, "compact": 2, "fast": 32}


def choose_domain_size(slots: int, value_count: int, profile: Profile) -> int:
    """n of protocol section 10.

    Args:
        slots: the largest number of slots over the accounts.
        value_count: m.
        profile: how many columns are wanted at most: `balanced` 8, `compact` 2, `fast` 32.
    """
    n = max(slots, 64)
    while n < MAX_DOMAIN_SIZE and -(-DIGITS * value_count // n) > COLUMN_LIMITS[profile]:
        n *= 2
    return n


def column_count(n: int, value_count: int) -> int:
    """k = ⌈m / M⌉ with M = n / 32."""
    return -(-value_count // (n // DIGITS))


def digit_columns(n: int, values: tuple[int, ...]) -> list[bytes]:
    """The digits of the values, one byte per row of a column, n rows per column (section 5).

    Args:
        n: the domain size.
        values: each in [0, 2^64).

    Raises:
        ValueError: a value out of range.
    """
    per_column = n // DIGITS
    columns = [bytearray(n) for _ in range(column_count(n, len(values)))]
    for index, value in enumerate(values):
        if value >> 64:
            raise ValueError("a value is not in [0, 2^64)")
        column, slot = divmod(index, per_column)
        columns[column][slot::per_column] = _digits(value)
    return [bytes(column) for column in columns]


_DIGITS_OF_BYTE = [bytes(byte >> shift & 3 for shift in range(0, 8, 2)) for byte in range(256)]


def _digits(value: int) -> bytes:
    return b"".join(_DIGITS_OF_BYTE[byte] for byte in value.to_bytes(8, "little"))


class Domain:
    """H_n and the public polynomials on it, in one arithmetic. Use `domain(arithmetic, n)`."""

    def __init__(self, arithmetic: Arithmetic, n: int) -> None:
        self.arithmetic = arithmetic
        self.n = n
        self.omega = root_of_unity(n)
        self.values_per_column = n // DIGITS
        self.n_inverse = pow(n, -1, MODULUS)
        self._nodes: dict[int, FieldVector] = {}

    def vanishing(self, x: int) -> int:
        """Z_n(x) = x^n − 1."""
        return (pow(x, self.n, MODULUS) - 1) % MODULUS

    def spread(self, values: FieldVector) -> FieldVector:
        """Values of an account's slots on the rows of H_n where they live: slot i at row i·n/a."""
        stride = self.n // len(values)
        if stride == 1:
            return values
        rows = [0] * self.n
        rows[::stride] = values.to_ints()
        return self.arithmetic.vector(rows)

    def lagrange_sum(self, u: FieldVector, x: int, vanishing: int) -> int:
        """Σ_i u_i · L^(n)_{i·n/a}(x), for x outside H_n with Z_n(x) = `vanishing`."""
        slots = len(u)
        if slots not in self._nodes:
            self._nodes[slots] = self.arithmetic.powers(root_of_unity(slots), slots)
        nodes = self._nodes[slots]
        total = (u * nodes).dot((x - nodes).inverse())
        return total * vanishing * self.n_inverse % MODULUS

    @cached_property
    def digit_weights(self) -> FieldVector:
        """4^t on row t·M + j."""
        per_column = self.values_per_column
        return self.arithmetic.vector(pow(4, row // per_column) for row in range(self.n))

    def column_weights(self, lambda_c: list[int]) -> FieldVector:
        """w_c on H_n: λ_j·4^t on row t·M + j, for the λ of one column (at most M of them)."""
        missing = self.values_per_column - len(lambda_c)
        return self.arithmetic.vector(lambda_c + [0] * missing).tile(self.n) * self.digit_weights

    def slot_weights_at(self, x: int, vanishing: int) -> FieldVector:
        """K_0(x) … K_{M−1}(x), for x outside H_n with Z_n(x) = `vanishing` (section 5)."""
        y = (self._inverse_rows * x).to_ints()
        u = self.arithmetic.vector(self._interpolant.evaluate(y_j) for y_j in y)
        y_32 = self.arithmetic.vector(pow(y_j, DIGITS, MODULUS) for y_j in y)
        # 1 / M = 32 / n
        return u * (y_32 - 1).inverse() * (vanishing * DIGITS * self.n_inverse % MODULUS)

    @cached_property
    def _inverse_rows(self) -> FieldVector:
        """ω_n^(−j) for the M slots j of a column."""
        return self.arithmetic.powers(pow(self.omega, -1, MODULUS), self.values_per_column)

    @cached_property
    def _interpolant(self) -> FieldVector:
        """The polynomial u with u(η^t) = 4^t, by the coefficients c_q of section 5."""
        eta_inverse = pow(root_of_unity(DIGITS), -1, MODULUS)
        top = pow(4, DIGITS, MODULUS) - 1
        return self.arithmetic.vector(
            top * pow(DIGITS * (4 * pow(eta_inverse, q, MODULUS) - 1), -1, MODULUS)
            for q in range(DIGITS)
        )

    @cached_property
    def inverse_vanishing_on_coset(self) -> FieldVector:
        """1 / Z_n on the 4·n points of the coset: Z_n takes four values there."""
        shift = pow(COSET_SHIFT, self.n, MODULUS)
        fourth = self.arithmetic.powers(root_of_unity(QUOTIENT_FACTOR), QUOTIENT_FACTOR)
        return (fourth * shift - 1).inverse().tile(QUOTIENT_FACTOR * self.n)


@lru_cache(maxsize=32)
def domain(arithmetic: Arithmetic, n: int) -> Domain:
    """The domain of size n; built once per arithmetic."""
    return Domain(arithmetic, n)
