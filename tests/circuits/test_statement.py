"""Statements: what they hold, their bytes, and their rows combined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests import independent_verifier as independent
from tests.helpers import CONTEXT, large_case, row, scalar, small_case, toy_srs
from zkcollateral.circuits.statement import (
    COEFFICIENT_BOUND,
    MAX_ACCOUNTS,
    MAX_ROWS,
    Account,
    LinearSystem,
    Row,
    Statement,
)
from zkcollateral.crypto.arithmetic import Arithmetic
from zkcollateral.crypto.field import MODULUS
from zkcollateral.errors import EncodingError

POINT = b"\x97" + bytes(47)
"""48 bytes that stand for a point: a statement decodes none while it is built."""


def statement(
    rows: list[Row] | None = None,
    *,
    n: int = 64,
    m: int = 2,
    slots: tuple[int, ...] = (4, 8),
    context: bytes = CONTEXT,
) -> Statement:
    own = [row([(index, 0, 1)]) for index in range(len(slots))]
    system = LinearSystem(rows or own)
    return Statement(n, m, tuple(Account(a, POINT) for a in slots), system, context)


# --- what is refused when a statement is built, not only when it is decoded


@pytest.mark.parametrize(
    "make",
    [
        lambda: statement(n=48),
        lambda: statement(n=16),
        lambda: statement(n=2048),
        lambda: statement(n=0),
        lambda: statement(m=0),
        lambda: statement(m=32 * 64 + 1),
        lambda: statement(m=-1),
        lambda: statement(slots=(4, 3)),
        lambda: statement(slots=(4, 0)),
        lambda: statement(slots=(4, 128)),
        lambda: statement(slots=(-4,)),
        lambda: statement([row([], [(0, 1)])], slots=()),
        lambda: statement(slots=(1,) * (MAX_ACCOUNTS + 1)),
        lambda: statement(context=bytes(31)),
        lambda: statement(context=bytes(33)),
        lambda: statement([row([(0, 0, 1)]), row([(1, 8, 1)])]),
        lambda: statement([row([(0, 0, 1)]), row([(2, 0, 1)])]),
        lambda: statement([row([(0, 0, 1)]), row([(1, 0, 1)], [(2, 1)])]),
        lambda: statement([row([(0, 0, 1)]), row([(0, 0, 1), (1, 0, 1)])]),
        lambda: replace(statement(), accounts=(Account(4, POINT[:-1]),) * 2),
    ],
)
def test_refused(make: Callable[[], Statement]) -> None:
    with pytest.raises(EncodingError):
        make()


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [row([])],
        [row([(0, 0, 0)])],
        [row([(0, 0, COEFFICIENT_BOUND)])],
        [row([(0, 0, -COEFFICIENT_BOUND)])],
        [row([(0, 0, 1)], [(0, 0)])],
        [row([(0, 0, 1)], [(0, COEFFICIENT_BOUND)])],
        [row([(0, 1, 1), (0, 0, 1)])],
        [row([(0, 1, 1), (0, 1, 1)])],
        [row([(1, 0, 1), (0, 1, 1)])],
        [row([(0, -1, 1)])],
        [row([(-1, 0, 1)])],
        [row([(0, 0, 1)], [(1, 1), (0, 1)])],
        [row([(0, 0, 1)], [(1, 1), (1, 1)])],
        [row([(0, 0, 1)], [(-1, 1)])],
        [row([(0, 0, 1)], (), MODULUS // 2 + 1)],
        [row([(0, 0, 1)], (), -(MODULUS // 2) - 1)],
        [row([(0, 0, 1)])] * (MAX_ROWS + 1),
    ],
)
def test_system_refused(rows: list[Row]) -> None:
    with pytest.raises(EncodingError):
        LinearSystem(rows)


def test_bounds_are_inside() -> None:
    system = LinearSystem(
        [
            row([(0, 0, COEFFICIENT_BOUND - 1)], [(0, 1 - COEFFICIENT_BOUND)], MODULUS // 2),
            row([(0, 0, 1)], (), -(MODULUS // 2)),
        ]
    )
    data = Statement(32, 1024, (Account(32, POINT),), system, CONTEXT).encoded
    assert int.from_bytes(data[-64:-32], "big") == MODULUS - MODULUS // 2


# --- bytes


def test_bytes_by_hand() -> None:
    """One small statement, written out."""
    made = statement([row([(0, 2, -1)], [(1, 5)], -7)], m=3, slots=(4,))
    assert made.encoded == b"".join(
        [
            bytes([0, 0, 0, 64]),
            bytes([0, 0, 0, 3]),
            bytes([0, 0, 0, 1]),
            bytes([0, 0, 0, 4]) + POINT,
            bytes([0, 0, 0, 1]),
            bytes([0, 0, 0, 1]),
            bytes([0, 0, 0, 0]) + bytes([0, 0, 0, 2]) + (MODULUS - 1).to_bytes(32, "big"),
            bytes([0, 0, 0, 1]),
            bytes([0, 0, 0, 1]) + (5).to_bytes(32, "big"),
            (MODULUS - 7).to_bytes(32, "big"),
            CONTEXT,
        ]
    )


def test_decoding_is_the_inverse(arithmetic: Arithmetic) -> None:
    for made in (small_case(toy_srs(arithmetic)), large_case(toy_srs(arithmetic))):
        again = Statement.decode(made.statement.encoded, arithmetic)
        assert again == made.statement
        assert again.encoded == made.statement.encoded
        assert again.system.rows == made.statement.system.rows


def test_equal_systems_are_equal() -> None:
    rows = [row([(0, 0, 1)]), row([(0, 1, 1)])]
    first, second = LinearSystem(rows), LinearSystem(iter(rows))
    assert first == second
    assert hash(first) == hash(second)
    assert first != LinearSystem(rows[:1])
    assert first != LinearSystem(rows[::-1])
    assert first != rows


def test_repr_is_short() -> None:
    assert repr(LinearSystem([row([(0, 0, 1)])] * 4000)) == "LinearSystem(4000 rows)"


# --- rows combined


def test_combination_is_the_definition(arithmetic: Arithmetic) -> None:
    """Σ_s ρ^s A_s, Σ_s ρ^s B_s and Σ_s ρ^s e_s, by plain integers."""
    made = large_case(toy_srs(arithmetic)).statement
    rho = scalar("rho")
    u = [[0] * a for a in made.slots]
    lambda_ = [0] * made.value_count
    e = 0
    for s, (account_terms, value_terms, constant) in enumerate(made.system.rows):
        power = pow(rho, s, MODULUS)
        for account, slot, coefficient in account_terms:
            u[account][slot] += power * coefficient
        for index, coefficient in value_terms:
            lambda_[index] += power * coefficient
        e += power * constant
    combined = made.combine_rows(arithmetic, rho)
    assert [vector.to_ints() for vector in combined.u] == [
        [x % MODULUS for x in vector] for vector in u
    ]
    assert combined.lambda_.to_ints() == [x % MODULUS for x in lambda_]
    assert combined.e == e % MODULUS


def test_one_system_serves_statements_of_other_shape(
    both: tuple[Arithmetic, Arithmetic],
) -> None:
    """What is kept of a system hangs on arithmetic, slots and m, and on nothing less."""
    system = LinearSystem([row([(0, 1, 2)], [(0, 3)], 4), row([(0, 0, 5)])])
    seen = []
    for arithmetic in both:
        for slots in (2, 4):
            for m in (1, 2):
                made = Statement(32, m, (Account(slots, POINT),), system, CONTEXT)
                for rho in (2, 3):
                    combined = made.combine_rows(arithmetic, rho)
                    assert combined.u[0].to_ints() == [5 * rho, 2] + [0] * (slots - 2)
                    assert combined.lambda_.to_ints() == [3] + [0] * (m - 1)
                    assert combined.e == 4
                    seen.append(combined)
    assert len(seen) == 16


def test_the_independent_decoder_reads_it() -> None:
    made = large_case_bytes()
    plain = independent.decode_statement(made)
    assert (plain.n, plain.m) == (64, 5)
    assert [a for a, _ in plain.accounts] == [4, 16]
    assert [len(r.account_terms) for r in plain.rows] == [2, 1, 2, 2, 0, 1]


def large_case_bytes() -> bytes:
    from zkcollateral.crypto.select import arithmetic

    return large_case(toy_srs(arithmetic("reference"))).statement.encoded
