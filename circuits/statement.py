"""The public statement of a proof, and its bytes (protocol sections 4 and 7).

A statement says: for these portfolio commitments there are amounts, and values of 64 bits, with
which every row of a linear system holds. Whether a row over F_r also holds over the integers is
`lift`'s question.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from ..crypto.arithmetic import Arithmetic, FieldVector, Matrix
from ..crypto.field import MODULUS, encode_scalar, is_power_of_two
from ..crypto.points import POINT_SIZE
from ..errors import EncodingError
from .bytes_reader import Reader
from .layout import DIGITS, MAX_DOMAIN_SIZE, MIN_DOMAIN_SIZE

MAX_ACCOUNTS = 64
MAX_ROWS = 4096
MAX_TERMS = 1 << 20
COEFFICIENT_BOUND = 1 << 250
CONTEXT_BYTES = 32


class AccountTerm(NamedTuple):
    """`coefficient` · x[account][slot]; the coefficient is a signed integer, not 0, below 2^250."""

    account: int
    slot: int
    coefficient: int


class ValueTerm(NamedTuple):
    """`coefficient` · v[value]; the coefficient is a signed integer, not 0, below 2^250."""

    value: int
    coefficient: int


class Row(NamedTuple):
    """Σ account terms + Σ value terms = constant; terms ascend and are distinct, the constant is
    signed.
    """

    account_terms: tuple[AccountTerm, ...]
    value_terms: tuple[ValueTerm, ...]
    constant: int


class Account(NamedTuple):
    """A portfolio commitment (a, C): number of slots and the 48 bytes of the point."""

    slots: int
    commitment: bytes


class CombinedRows(NamedTuple):
    """The rows combined with powers of ρ: u per account (one element per slot), λ per value, and
    e.
    """

    u: tuple[FieldVector, ...]
    lambda_: FieldVector
    e: int


class LinearSystem:
    """The rows of a statement, with what is derived from them once.

    Statements about many accounts under one policy and one price round share one system.

    Args:
        rows: 1 to 4096 rows.

    Raises:
        EncodingError: a row without terms, terms out of order or repeated, a coefficient that is 0
            or of absolute value 2^250 or more, or more than 2^20 terms.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = tuple(rows)
        if not 1 <= len(self.rows) <= MAX_ROWS:
            raise EncodingError("statement rows", f"1 to {MAX_ROWS} rows", str(len(self.rows)))
        terms = 0
        for index, row in enumerate(self.rows):
            _check_row(index, row)
            terms += len(row.account_terms) + len(row.value_terms)
        if terms > MAX_TERMS:
            raise EncodingError("statement rows", f"at most {MAX_TERMS} terms in all", str(terms))
        self._matrices: dict[tuple[str, tuple[int, ...], int], tuple[list[Matrix], Matrix]] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LinearSystem) and self.rows == other.rows

    def __hash__(self) -> int:
        return hash(self.encoded)

    def __repr__(self) -> str:
        return f"LinearSystem({len(self.rows)} rows)"

    @cached_property
    def encoded(self) -> bytes:
        """The bytes of the number of rows and of every row (protocol section 7)."""
        parts = [_u32(len(self.rows))]
        for row in self.rows:
            parts.append(_u32(len(row.account_terms)))
            for account, slot, coefficient in row.account_terms:
                parts.append(_TWO_U32.pack(account, slot))
                parts.append(encode_scalar(coefficient % MODULUS))
            parts.append(_u32(len(row.value_terms)))
            for value, coefficient in row.value_terms:
                parts.append(_u32(value))
                parts.append(encode_scalar(coefficient % MODULUS))
            parts.append(encode_scalar(row.constant % MODULUS))
        return b"".join(parts)

    def combine(
        self, arithmetic: Arithmetic, slots: tuple[int, ...], value_count: int, rho: int
    ) -> CombinedRows:
        """Every row times its power of ρ, added up (protocol section 6, round 2).

        Args:
            arithmetic: in which to compute.
            slots: the number of slots of every account.
            value_count: m.
            rho: the challenge, in [0, r).
        """
        key = (arithmetic.name, slots, value_count)
        if key not in self._matrices:
            self._matrices[key] = self._build_matrices(arithmetic, slots, value_count)
        account_matrices, value_matrix = self._matrices[key]
        weights = arithmetic.powers(rho, len(self.rows))
        constants = arithmetic.vector(row.constant for row in self.rows)
        return CombinedRows(
            tuple(matrix.combine(weights) for matrix in account_matrices),
            value_matrix.combine(weights),
            constants.dot(weights),
        )

    def _build_matrices(
        self, arithmetic: Arithmetic, slots: tuple[int, ...], value_count: int
    ) -> tuple[list[Matrix], Matrix]:
        by_account: list[list[tuple[int, int, int]]] = [[] for _ in slots]
        by_value: list[tuple[int, int, int]] = []
        for index, row in enumerate(self.rows):
            for account, slot, coefficient in row.account_terms:
                by_account[account].append((index, slot, coefficient))
            for value, coefficient in row.value_terms:
                by_value.append((index, value, coefficient))
        count = len(self.rows)
        return (
            [
                arithmetic.matrix(count, width, entries)
                for width, entries in zip(slots, by_account, strict=True)
            ],
            arithmetic.matrix(count, value_count, by_value),
        )


@dataclass(frozen=True)
class Statement:
    """What a proof proves (protocol section 4).

    Args:
        domain_size: n, a power of two from 32 to 1024.
        value_count: m, from 1 to 32·n.
        accounts: 1 to 64 commitments, each with a power of two of slots, at most n.
        system: the rows; every account has one whose account terms are all its own.
        context: 32 bytes that bind the proof to its purpose (section 9).

    Raises:
        EncodingError: anything out of the ranges above.
    """

    domain_size: int
    value_count: int
    accounts: tuple[Account, ...]
    system: LinearSystem
    context: bytes

    def __post_init__(self) -> None:
        n = self.domain_size
        if not (is_power_of_two(n) and MIN_DOMAIN_SIZE <= n <= MAX_DOMAIN_SIZE):
            raise EncodingError("statement n", "a power of two from 32 to 1024", str(n))
        if not 1 <= self.value_count <= DIGITS * n:
            raise EncodingError("statement m", f"1 to {DIGITS * n} values", str(self.value_count))
        if not 1 <= len(self.accounts) <= MAX_ACCOUNTS:
            raise EncodingError(
                "statement accounts", f"1 to {MAX_ACCOUNTS}", str(len(self.accounts))
            )
        for index, account in enumerate(self.accounts):
            if not (is_power_of_two(account.slots) and account.slots <= n):
                raise EncodingError(
                    f"statement account {index}",
                    f"a power of two of slots, at most n = {n}",
                    str(account.slots),
                )
            if len(account.commitment) != POINT_SIZE:
                raise EncodingError(
                    f"statement account {index}",
                    "48 bytes of commitment",
                    str(len(account.commitment)),
                )
        if len(self.context) != CONTEXT_BYTES:
            raise EncodingError("statement context", "32 bytes", str(len(self.context)))
        self._check_indices()

    def _check_indices(self) -> None:
        slots = self.slots
        own = [False] * len(slots)
        for index, row in enumerate(self.system.rows):
            for account, slot, _ in row.account_terms:
                if account >= len(slots) or slot >= slots[account]:
                    raise EncodingError(
                        f"statement row {index}",
                        "an existing account and slot",
                        f"({account}, {slot})",
                    )
            if row.value_terms and row.value_terms[-1].value >= self.value_count:
                raise EncodingError(
                    f"statement row {index}",
                    f"a value below m = {self.value_count}",
                    str(row.value_terms[-1].value),
                )
            mentioned = {term.account for term in row.account_terms}
            if len(mentioned) == 1:
                own[mentioned.pop()] = True
        if not all(own):
            raise EncodingError(
                f"statement account {own.index(False)}",
                "a row whose account terms are all its own",
                "only rows that share it with another account, or none",
            )

    @property
    def slots(self) -> tuple[int, ...]:
        """The number of slots a of every account."""
        return tuple(account.slots for account in self.accounts)

    @cached_property
    def encoded(self) -> bytes:
        """statement_bytes of protocol section 7."""
        head = [_TWO_U32.pack(self.domain_size, self.value_count), _u32(len(self.accounts))]
        for slots, commitment in self.accounts:
            head.append(_u32(slots) + commitment)
        return b"".join(head) + self.system.encoded + self.context

    def combine_rows(self, arithmetic: Arithmetic, rho: int) -> CombinedRows:
        """The rows combined with powers of ρ (protocol section 6, round 2)."""
        return self.system.combine(arithmetic, self.slots, self.value_count, rho)

    @classmethod
    def decode(cls, data: bytes, arithmetic: Arithmetic) -> Statement:
        """The statement that these bytes encode.

        Args:
            data: statement_bytes of protocol section 7.
            arithmetic: decodes the commitments, with full validation.

        Raises:
            EncodingError: any of the rejections of section 7.
        """
        reader = Reader(data, "statement")
        n = reader.u32()
        m = reader.u32()
        accounts = []
        for _ in range(reader.count("accounts", MAX_ACCOUNTS)):
            slots = reader.u32()
            commitment = reader.take(POINT_SIZE)
            arithmetic.decode_point(commitment)
            accounts.append(Account(slots, commitment))
        rows = []
        remaining = MAX_TERMS
        for _ in range(reader.count("rows", MAX_ROWS)):
            account_terms = tuple(
                AccountTerm(reader.u32(), reader.u32(), _signed(reader.scalar()))
                for _ in range(reader.count("account terms", remaining))
            )
            remaining -= len(account_terms)
            value_terms = tuple(
                ValueTerm(reader.u32(), _signed(reader.scalar()))
                for _ in range(reader.count("value terms", remaining))
            )
            remaining -= len(value_terms)
            rows.append(Row(account_terms, value_terms, _signed(reader.scalar())))
        context = reader.take(CONTEXT_BYTES)
        reader.finish()
        return cls(n, m, tuple(accounts), LinearSystem(rows), context)


_TWO_U32 = struct.Struct(">II")


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def _signed(scalar: int) -> int:
    """The integer of least absolute value congruent to `scalar`."""
    return scalar if scalar <= MODULUS // 2 else scalar - MODULUS


def _check_row(index: int, row: Row) -> None:
    where = f"statement row {index}"
    if not (row.account_terms or row.value_terms):
        raise EncodingError(where, "at least one term", "none")
    if abs(row.constant) > MODULUS // 2:
        raise EncodingError(where, "a constant of absolute value at most r/2", "a larger one")
    _check_ascending(where, [term[:2] for term in row.account_terms])
    _check_ascending(where, [term[:1] for term in row.value_terms])
    coefficients = [term.coefficient for term in row.account_terms]
    coefficients += [term.coefficient for term in row.value_terms]
    for coefficient in coefficients:
        if not 0 < abs(coefficient) < COEFFICIENT_BOUND:
            raise EncodingError(where, "coefficients other than 0, below 2^250", "another")


def _check_ascending(where: str, keys: Sequence[tuple[int, ...]]) -> None:
    previous: tuple[int, ...] = (-1,)
    for key in keys:
        if min(key) < 0 or key <= previous:
            raise EncodingError(
                where, "terms in ascending order, each once", f"{key} after {previous}"
            )
        previous = key
