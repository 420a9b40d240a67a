"""The statements that are timed, with openings that satisfy them.

Prices, factors and amounts come from a generator with a fixed seed, so that every run times the
same work; blinders are drawn anew.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from zkcollateral.circuits.claim import document_digest
from zkcollateral.circuits.compiler import Backing, Circuit, compile_claim
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
from zkcollateral.risk.policy import Policy, Profile
from zkcollateral.risk.prices import PriceRound
from zkcollateral.risk.registry import Registry

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


@dataclass(frozen=True)
class Book:
    """A registry, a policy over it and a price round, of realistic sizes.

    Args:
        collateral: how many slots hold collateral.
        debt: how many slots hold debts; the same number of slots in all is a power of two.
        scenarios: how many stress scenarios the policy has.
    """

    collateral: int
    debt: int
    scenarios: int = 0

    @property
    def slots(self) -> int:
        """Number of slots, every one of them priced."""
        return self.collateral + self.debt

    def circuit(self, claim: str) -> Circuit:
        """The compiled claim (`maintenance` or `stress`) for one vouched commitment."""
        return _compiled(self, claim)

    def amounts(self, number: int) -> tuple[int, ...]:
        """The holdings of account `number`.

        In every slot collateral worth 10 thousand to a million, or debt of 1 to 10 thousand.
        """
        _, _, prices = _documents(self)
        draw = random.Random(f"amounts {number}")
        values = [draw.uniform(1e4, 1e6) for _ in range(self.collateral)]
        values += [draw.uniform(1e3, 1e4) for _ in range(self.debt)]
        symbols = _symbols(self.slots)
        return tuple(
            int(value / float(prices.prices[symbol]) * 10**8)
            for value, symbol in zip(values, symbols, strict=True)
        )


MAINTENANCE = Book(collateral=44, debt=20)
LARGE = Book(collateral=768, debt=256, scenarios=16)


def maintenance(srs: Srs, number: int = 0) -> Shape:
    """64 slots, one maintenance row: 64 different weights of price × factor, k = 1."""
    return _compiled_shape(srs, MAINTENANCE, "maintenance", number)


def large(srs: Srs) -> Shape:
    """1,024 slots under 16 stress scenarios: 16 rows of 1,024 weights, n = 1024."""
    return _compiled_shape(srs, LARGE, "stress", 0)


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


def _compiled_shape(srs: Srs, book: Book, claim: str, number: int) -> Shape:
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


def _symbols(count: int) -> list[str]:
    return [f"ASSET-{index}" for index in range(count)]


@lru_cache
def _compiled(book: Book, claim: str) -> Circuit:
    registry, policy, prices = _documents(book)
    return compile_claim(policy, registry, prices, claim, Backing(vouched=True))


@lru_cache
def _documents(book: Book) -> tuple[Registry, Policy, PriceRound]:
    draw = random.Random("documents")
    symbols = _symbols(book.slots)
    held, owed = symbols[: book.collateral], symbols[book.collateral :]
    prices = {symbol: f"{10 ** draw.uniform(-1, 5):.4f}" for symbol in symbols}
    registry = Registry.from_json_value(
        {
            "format": "zkcollateral/registry/1",
            "name": "benchmark",
            "slots": str(book.slots),
            "assets": [
                {
                    "slot": str(slot),
                    "symbol": symbol,
                    "unit": "-8",
                    "side": "collateral" if slot < book.collateral else "debt",
                }
                for slot, symbol in enumerate(symbols)
            ],
        },
        "registry",
    )
    claims: dict[str, Any] = {"maintenance": {"type": "maintenance"}}
    if book.scenarios:
        claims["stress"] = {
            "type": "stress",
            "scenarios": [
                {
                    "name": f"scenario-{index}",
                    "shocks": {symbol: f"{draw.uniform(-0.6, 0.3):.4f}" for symbol in symbols},
                }
                for index in range(book.scenarios)
            ],
        }
    policy = Policy.from_json_value(
        {
            "format": "zkcollateral/policy/1",
            "name": "benchmark",
            "registry": document_digest(registry),
            "quote": "USD",
            "ratio": "1.25",
            "factors": {
                "collateral": {symbol: f"{draw.uniform(0.5, 0.95):.3f}" for symbol in held},
                "debt": {symbol: f"{draw.uniform(1, 1.1):.3f}" for symbol in owed},
                "signed": {},
            },
            "value_decimals": "18",
            "oracle": {"quorum": "1", "max_age_seconds": "600", "max_deviation": "0"},
            "commitments": {
                "max_age_seconds": "86400",
                "max_summands": "1",
                "max_apart_seconds": "86400",
                "unvouched": False,
            },
            "profile": "balanced",
            "claims": claims,
        },
        "policy",
    )
    round_ = PriceRound.from_json_value(
        {
            "format": "zkcollateral/price-round/1",
            "time": "2026-01-31T12:00:00Z",
            "quote": "USD",
            "prices": prices,
            "reports": ["0" * 64],
        },
        "prices",
    )
    return registry, policy, round_


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
