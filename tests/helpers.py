"""Statements with their witnesses, for tests of prover, verifier and proof.

Everything is over the toy reference string of `unsafe_srs`, whose τ everybody knows, and is the
same in every run: blinders come from labels, not from randomness.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from tests.unsafe_srs import unsafe_srs
from zkcollateral.circuits.statement import (
    Account,
    AccountTerm,
    LinearSystem,
    Row,
    Statement,
    ValueTerm,
)
from zkcollateral.crypto.arithmetic import Arithmetic
from zkcollateral.crypto.commitment import Opening
from zkcollateral.crypto.field import MODULUS
from zkcollateral.crypto.srs import Srs
from zkcollateral.prover.proof import prove
from zkcollateral.prover.witness import Witness


def scalar(label: str) -> int:
    """A scalar that looks random and is always the same."""
    return int.from_bytes(hashlib.sha512(label.encode()).digest(), "big") % MODULUS


def seed(label: str = "") -> bytes:
    """32 bytes that look random and are always the same."""
    return hashlib.sha256(b"seed " + label.encode()).digest()


TAU = scalar("a tau that everybody knows")
SEED = seed()
CONTEXT = bytes(range(32))


def toy_srs(arithmetic: Arithmetic, n: int = 64) -> Srs:
    """The reference string of `TAU`, large enough for domains up to n."""
    return unsafe_srs(TAU, arithmetic, 4 * max(n, 64))


@dataclass(frozen=True)
class Case:
    """A statement, and what satisfies it."""

    statement: Statement
    witness: Witness
    srs: Srs

    def prove(self, seed: bytes | None = SEED) -> bytes:
        """The bytes of a proof."""
        return prove(self.statement, self.witness, self.srs, seed=seed).encoded


def opening(amounts: Sequence[int], label: str = "b", summands: int = 1) -> Opening:
    """An opening with a blinder made from a label."""
    return Opening(tuple(amounts), scalar(label), summands)


def account(opened: Opening, srs: Srs) -> Account:
    """The account that an opening opens."""
    return Account(len(opened.amounts), bytes(opened.commit(srs)))


def row(
    account_terms: Sequence[tuple[int, int, int]],
    value_terms: Sequence[tuple[int, int]] = (),
    constant: int = 0,
) -> Row:
    """A row from (account, slot, coefficient) and (index, coefficient) terms."""
    return Row(
        tuple(AccountTerm(*term) for term in account_terms),
        tuple(ValueTerm(*term) for term in value_terms),
        constant,
    )


def case(
    srs: Srs,
    openings: Sequence[Opening],
    rows: Sequence[Row],
    values: Sequence[int],
    *,
    n: int = 64,
    context: bytes = CONTEXT,
) -> Case:
    """A case from its parts; whether the values satisfy the rows is not asked."""
    accounts = tuple(account(opened, srs) for opened in openings)
    statement = Statement(n, len(values), accounts, LinearSystem(rows), context)
    return Case(statement, Witness(tuple(openings), tuple(values)), srs)


def small_case(srs: Srs, *, n: int = 64, context: bytes = CONTEXT) -> Case:
    """One account, one row, one value, one column: 2·x_0 + x_3 − v = 3."""
    rows = [row([(0, 0, 2), (0, 3, 1)], [(0, -1)], 3)]
    return case(srs, [opening((5, 7, 11, 13))], rows, [20], n=n, context=context)


def large_case(srs: Srs, *, n: int = 64, context: bytes = CONTEXT) -> Case:
    """Two accounts with 4 and 16 slots, six rows of every kind, five values.

    With n = 64 these are three columns, the last one half empty.
    """
    first = opening((5, -7, 2**62, 13), "first")
    second = opening([3 * i - 9 for i in range(16)], "second")
    rows = [
        row([(0, 0, 2), (0, 3, 1)], [(0, -1)], 3),
        row([(0, 1, 1)], [(1, -1)], -(2**63)),
        row([(1, 2, 2**100), (1, 15, -4)], [(2, -1), (3, -(2**64))], -(2**120)),
        row([(0, 2, 1), (1, 0, 1)], (), 2**62 - 9),
        row([], [(0, 1), (4, -1)], 19),
        row([(1, 1, -1)], (), 6),
    ]
    reach = -4 * 36 - 3 * 2**100 + 2**120
    values = [20, 2**63 - 7, reach % 2**64, reach >> 64, 1]
    return case(srs, [first, second], rows, values, n=n, context=context)
