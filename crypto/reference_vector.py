"""Vectors and sparse matrices over F_r on plain integers, for reading first.

The transform is the textbook one: split into even and odd coefficients, transform both, combine.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence

from .arithmetic import FieldVector
from .field import COSET_SHIFT, MODULUS, root_of_unity


class ReferenceVector:
    """An immutable vector over F_r; see `arithmetic.FieldVector` for what each method means.

    Args:
        values: integers, reduced mod r.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Iterable[int]) -> None:
        self._values = tuple(operator.index(value) % MODULUS for value in values)

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, index: int) -> int:
        return self._values[operator.index(index)]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ReferenceVector):
            return NotImplemented
        return self._values == other._values

    def __hash__(self) -> int:
        return hash(self._values)

    def __repr__(self) -> str:
        # The elements may be secret.
        return f"<ReferenceVector of {len(self)}>"

    def __add__(self, other: ReferenceVector | int) -> ReferenceVector:
        return self._apply(operator.add, other)

    def __radd__(self, other: int) -> ReferenceVector:
        return self + other

    def __sub__(self, other: ReferenceVector | int) -> ReferenceVector:
        return self._apply(operator.sub, other)

    def __rsub__(self, other: int) -> ReferenceVector:
        return -self + other

    def __mul__(self, other: ReferenceVector | int) -> ReferenceVector:
        return self._apply(operator.mul, other)

    def __rmul__(self, other: int) -> ReferenceVector:
        return self * other

    def __neg__(self) -> ReferenceVector:
        return ReferenceVector(-value for value in self._values)

    def to_ints(self) -> list[int]:
        return list(self._values)

    def sum(self) -> int:
        return sum(self._values) % MODULUS

    def dot(self, other: ReferenceVector) -> int:
        return (self * other).sum()

    def inverse(self) -> ReferenceVector:
        if 0 in self._values:
            raise ZeroDivisionError("expected no element 0, got one")
        return ReferenceVector(pow(value, -1, MODULUS) for value in self._values)

    def prefix_sums(self) -> ReferenceVector:
        out = []
        total = 0
        for value in self._values:
            out.append(total)
            total += value
        return ReferenceVector(out)

    def rotate(self, by: int) -> ReferenceVector:
        if not self._values:
            return self
        start = by % len(self)
        return ReferenceVector(self._values[start:] + self._values[:start])

    def resize(self, length: int) -> ReferenceVector:
        if length < 0 or any(self._values[length:]):
            raise ValueError("expected a length that drops nothing but zeros")
        kept = self._values[:length]
        return ReferenceVector(kept + (0,) * (length - len(kept)))

    def tile(self, length: int) -> ReferenceVector:
        if not self._values or length < 0 or length % len(self):
            raise ValueError(f"expected a multiple of {len(self)} elements, got {length}")
        return ReferenceVector(self._values * (length // len(self)))

    def ntt(self) -> ReferenceVector:
        return ReferenceVector(_transform(self._values, root_of_unity(len(self))))

    def intt(self) -> ReferenceVector:
        root = root_of_unity(len(self))
        unscaled = _transform(self._values, pow(root, -1, MODULUS))
        return ReferenceVector(unscaled) * pow(len(self), -1, MODULUS)

    def coset_ntt(self, size: int) -> ReferenceVector:
        if len(self) > size:
            raise ValueError(f"expected at most {size} coefficients, got {len(self)}")
        # f(7X) has the coefficients 7^i·f_i.
        shifted = self * powers(COSET_SHIFT, len(self))
        return shifted.resize(size).ntt()

    def coset_intt(self) -> ReferenceVector:
        return self.intt() * powers(pow(COSET_SHIFT, -1, MODULUS), len(self))

    def evaluate(self, x: int) -> int:
        result = 0
        for coefficient in reversed(self._values):
            result = (result * x + coefficient) % MODULUS
        return result

    def divide_linear(self, root: int) -> ReferenceVector:
        # Horner's scheme: its intermediate results are the quotient's coefficients, highest first.
        quotient: list[int] = []
        carry = 0
        for coefficient in reversed(self._values[1:]):
            carry = (carry * root + coefficient) % MODULUS
            quotient.append(carry)
        return ReferenceVector(reversed(quotient))

    def _apply(
        self, operation: Callable[[int, int], int], other: ReferenceVector | int
    ) -> ReferenceVector:
        if isinstance(other, int):
            return ReferenceVector(operation(value, other) for value in self._values)
        if not isinstance(other, ReferenceVector):
            return NotImplemented
        if len(other) != len(self):
            raise ValueError(f"expected a vector of {len(self)} elements, got {len(other)}")
        return ReferenceVector(map(operation, self._values, other._values))


class ReferenceMatrix:
    """An immutable sparse matrix over F_r; see `arithmetic.Matrix`.

    Args:
        rows: number of rows, 0 or more.
        columns: number of columns, 0 or more.
        entries: (row, column, value); repeated places add.

    Raises:
        ValueError: a negative size, or an entry outside the matrix.
    """

    __slots__ = ("_columns", "_entries", "_rows")

    def __init__(self, rows: int, columns: int, entries: Iterable[tuple[int, int, int]]) -> None:
        if rows < 0 or columns < 0:
            raise ValueError(f"expected a size of 0 or more, got {rows} by {columns}")
        self._rows = rows
        self._columns = columns
        self._entries = tuple(entries)
        for row, column, _ in self._entries:
            if not (0 <= row < rows and 0 <= column < columns):
                raise ValueError(
                    f"expected entries inside {rows} by {columns}, got ({row}, {column})"
                )

    def combine(self, weights: FieldVector) -> ReferenceVector:
        if len(weights) != self._rows:
            raise ValueError(f"expected {self._rows} weights, got {len(weights)}")
        row_weights = weights.to_ints()
        out = [0] * self._columns
        for row, column, value in self._entries:
            out[column] += row_weights[row] * value
        return ReferenceVector(out)


def powers(base: int, count: int) -> ReferenceVector:
    """(1, base, base², …), `count` elements; ValueError if negative."""
    if count < 0:
        raise ValueError(f"expected a count of 0 or more, got {count}")
    out = []
    power = 1
    for _ in range(count):
        out.append(power)
        power = power * base % MODULUS
    return ReferenceVector(out)


def _transform(coefficients: Sequence[int], root: int) -> list[int]:
    """out[i] = f(root^i) for i < len, where `root` is a primitive root of unity of that order."""
    size = len(coefficients)
    if size == 1:
        return list(coefficients)
    # f(x) = even(x²) + x·odd(x²), and root^(i + size/2) = −root^i.
    square = root * root % MODULUS
    even = _transform(coefficients[0::2], square)
    odd = _transform(coefficients[1::2], square)
    half = size // 2
    out = [0] * size
    x = 1
    for i in range(half):
        term = x * odd[i] % MODULUS
        out[i] = (even[i] + term) % MODULUS
        out[i + half] = (even[i] - term) % MODULUS
        x = x * root % MODULUS
    return out
