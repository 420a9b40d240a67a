"""The statements that are timed, with openings that satisfy them.

They are the same in every run, but for the blinders, which are drawn anew.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.books import LARGE, MAINTENANCE, TIERED, Book
from benchmarks.margin_book import CLAIM, MARGIN, MarginBook
from zkcollateral.circuits.layout import choose_domain_size, column_count
from zkcollateral.circuits.statement import (
    Account,
    AccountTerm,
    LinearSystem,
    Row,
    Statement,
    ValueTerm,
)
from zkcollateral.crypto.commitment import Opening
from zkcollateral.crypto.srs import Srs
from zkcollateral.prover.proof import prove
from zkcollateral.prover.solve import solve
from zkcollateral.prover.witness import Witness
from zkcollateral.risk.policy import Profile

RANGED_VALUES = 32
BATCH = 1000


@dataclass(frozen=True)
class Shape:
    """A statement and a witness of it.

    Args:
        statement: what is proved.
        witness: what proves it.
    """

    statement: Statement
    witness: Witness

    @property
    def n(self) -> int:
        """Domain size."""
        return self.statement.domain_size

    @property
    def k(self) -> int:
        """Number of digit columns."""
        return column_count(self.n, self.statement.value_count)


def maintenance(srs: Srs, number: int = 0) -> Shape:
    """64 slots, one maintenance row: 64 different weights of price × factor, k = 1."""
    return _compiled_shape(srs, MAINTENANCE, "maintenance", number)


def large(srs: Srs) -> Shape:
    """1,024 slots under 16 stress scenarios: 16 rows of 1,024 weights, n = 1024."""
    return _compiled_shape(srs, LARGE, "stress", 0)


def tiered(srs: Srs) -> Shape:
    """16 slots, each with a factor in four tiers by value: 114 range-checked values in 65 rows."""
    return _compiled_shape(srs, TIERED, "maintenance", 0)


def margin(srs: Srs) -> Shape:
    """64 instruments under portfolio margin: 27 scenarios and 8 tails, roll and delta."""
    return _compiled_shape(srs, MARGIN, CLAIM, 0)


def ranged(srs: Srs, values: Sequence[int], profile: Profile) -> Shape:
    """Rows x_i − v_i = 0 over one account that holds the values: every one range-checked."""
    count = len(values)
    rows = [Row((AccountTerm(0, i, 1),), (ValueTerm(i, -1),), 0) for i in range(count)]
    opening = Opening.fresh(values)
    n = choose_domain_size(count, count, profile)
    statement = _statement(srs, n, count, LinearSystem(rows), opening)
    return Shape(statement, Witness((opening,), tuple(values)))


def ranged_values() -> list[int]:
    """The values that both sides prove; below 2^63 because an account holds no more per slot."""
    draw = random.Random("ranged values")
    return [draw.getrandbits(63) for _ in range(RANGED_VALUES)]


def _compiled_shape(srs: Srs, book: Book | MarginBook, claim: str, number: int) -> Shape:
    circuit = book.circuit(claim)
    opening = Opening.fresh(book.amounts(number))
    statement = _statement(srs, circuit.domain_size, circuit.value_count, circuit.system, opening)
    return Shape(statement, Witness((opening,), solve(circuit, opening.amounts)))


def _statement(
    srs: Srs, n: int, value_count: int, system: LinearSystem, opening: Opening
) -> Statement:
    account = Account(len(opening.amounts), bytes(opening.commit(srs)))
    context = hashlib.sha256(account.commitment).digest()
    return Statement(n, value_count, (account,), system, context)


@dataclass(frozen=True)
class Inputs:
    """What every process of one run works on, so that all of them do the same work.

    Args:
        values: the range-checked values of both sides.
        batch: statements of the maintenance shape over different accounts, with their proofs.
        opening: of the first of these statements.
    """

    values: tuple[int, ...]
    batch: tuple[tuple[Statement, bytes], ...]
    opening: Opening

    @property
    def first(self) -> Shape:
        """The first statement of the batch, with its witness."""
        circuit = MAINTENANCE.circuit("maintenance")
        witness = Witness((self.opening,), solve(circuit, self.opening.amounts))
        return Shape(self.batch[0][0], witness)

    @classmethod
    def make(cls, srs: Srs, count: int) -> Inputs:
        """New inputs, with `count` proofs for the batch."""
        shapes = [maintenance(srs, number) for number in range(count)]
        batch = [
            (shape.statement, prove(shape.statement, shape.witness, srs).encoded)
            for shape in shapes
        ]
        return cls(tuple(ranged_values()), tuple(batch), shapes[0].witness.openings[0])

    def save(self, path: Path) -> None:
        """Write a file that `load` reads. The amounts are invented, so nothing in it is secret."""
        batch = [
            [statement.accounts[0].commitment.hex(), statement.context.hex(), proof.hex()]
            for statement, proof in self.batch
        ]
        opening = [*map(str, self.opening.amounts), str(self.opening.blinder)]
        document = {"values": list(map(str, self.values)), "batch": batch, "opening": opening}
        path.write_text(json.dumps(document), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Inputs:
        """The inputs in a file that `save` wrote."""
        document = json.loads(path.read_text(encoding="utf-8"))
        circuit = MAINTENANCE.circuit("maintenance")
        batch = []
        for parts in document["batch"]:
            point, context, proof = map(bytes.fromhex, parts)
            accounts = (Account(MAINTENANCE.slots, point),)
            statement = Statement(
                circuit.domain_size, circuit.value_count, accounts, circuit.system, context
            )
            batch.append((statement, proof))
        *amounts, blinder = map(int, document["opening"])
        values = tuple(map(int, document["values"]))
        return cls(values, tuple(batch), Opening(tuple(amounts), blinder))


def fresh(statement: Statement) -> Statement:
    """An equal statement that has computed nothing yet, over the same rows."""
    return Statement(
        statement.domain_size,
        statement.value_count,
        statement.accounts,
        statement.system,
        statement.context,
    )
