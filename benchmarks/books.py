"""Registries, policies and price rounds of realistic sizes, and accounts under them.

Prices, factors and amounts come from generators with fixed seeds, so that every run times the same
work.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zkcollateral.circuits.claim import document_digest
from zkcollateral.circuits.compiler import Backing, Circuit, compile_claim
from zkcollateral.risk.policy import Policy
from zkcollateral.risk.prices import PriceRound
from zkcollateral.risk.registry import Registry

TIERS = 4
FLEET_ACCOUNTS = 1_000_000


@dataclass(frozen=True)
class Book:
    """A registry, a policy over it and a price round.

    Args:
        collateral: how many slots hold collateral.
        debt: how many hold debts.
        scenarios: how many stress scenarios the policy has.
        signed: how many slots hold long or short positions; the number of slots in all is a power
            of two.
        tiered: how many slots, from the first one on, have factors in four tiers by value.
    """

    collateral: int
    debt: int
    scenarios: int = 0
    signed: int = 0
    tiered: int = 0

    @property
    def slots(self) -> int:
        """Number of slots, every one of them priced."""
        return self.collateral + self.debt + self.signed

    @property
    def documents(self) -> tuple[Policy, Registry, PriceRound]:
        """What the amounts are judged by."""
        return _documents(self)

    def circuit(self, claim: str) -> Circuit:
        """The compiled claim (`maintenance` or `stress`) for one vouched commitment."""
        return _compiled(self, claim)

    def amounts(self, number: int) -> tuple[int, ...]:
        """The holdings of account `number`, of a book without signed slots.

        In every slot collateral worth 10 thousand to a million, or debt of 1 to 10 thousand.
        """
        _, _, prices = self.documents
        draw = random.Random(f"amounts {number}")
        values = [draw.uniform(1e4, 1e6) for _ in range(self.collateral)]
        values += [draw.uniform(1e3, 1e4) for _ in range(self.debt)]
        symbols = _symbols(self.slots)
        return tuple(
            int(value / float(prices.prices[symbol]) * 10**8)
            for value, symbol in zip(values, symbols, strict=True)
        )

    def fleet(self, accounts: int) -> NDArray[np.int64]:
        """Many accounts, shape (accounts, slots); about half of them are healthy.

        About every second slot is empty. In the others is collateral worth a thousand to a million,
        debt of twice as much, or a position of that size in one direction or the other.
        """
        _, _, prices = self.documents
        rng = np.random.default_rng(20260131)
        values = 10 ** rng.uniform(3, 6, (accounts, self.slots))
        values[rng.random(values.shape) < 0.5] = 0
        values[:, self.collateral : self.collateral + self.debt] *= 2
        values[:, self.collateral + self.debt :] *= rng.choice([-1, 1], (accounts, self.signed))
        unit_prices = [float(prices.prices[symbol]) / 10**8 for symbol in _symbols(self.slots)]
        return (values / unit_prices).astype(np.int64)


MAINTENANCE = Book(collateral=44, debt=20)
LARGE = Book(collateral=768, debt=256, scenarios=16)
TIERED = Book(collateral=12, debt=4, tiered=16)
MIXED_FLEET = Book(collateral=9, debt=3, signed=4, tiered=4)
PLAIN_FLEET = Book(collateral=9, debt=3, signed=4)


def _symbols(count: int) -> list[str]:
    return [f"ASSET-{index}" for index in range(count)]


@lru_cache
def _compiled(book: Book, claim: str) -> Circuit:
    return compile_claim(*book.documents, claim, Backing(vouched=True))


@lru_cache
def _documents(book: Book) -> tuple[Policy, Registry, PriceRound]:
    draw = random.Random("documents")
    symbols = _symbols(book.slots)
    sides = ["collateral"] * book.collateral + ["debt"] * book.debt + ["signed"] * book.signed
    prices = {symbol: f"{10 ** draw.uniform(-1, 5):.4f}" for symbol in symbols}
    registry = Registry.from_json_value(
        {
            "format": "zkcollateral/registry/1",
            "name": "benchmark",
            "slots": str(book.slots),
            "assets": [
                {"slot": str(slot), "symbol": symbol, "unit": "-8", "side": side}
                for slot, (symbol, side) in enumerate(zip(symbols, sides, strict=True))
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
            "factors": _factors(book, draw),
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
    return policy, registry, round_


def _factors(book: Book, draw: random.Random) -> dict[str, Any]:
    """Factors of 0.5 to 0.95 for what is held, of 1 to 1.1 for what is owed.

    Tiers begin at a quarter of what such a slot holds at most, at a half and at three quarters;
    the factor falls by 0.1 with each, or rises by 0.05.
    """
    symbols = _symbols(book.slots)
    first_signed = book.collateral + book.debt

    def held(slot: int) -> Any:
        factor = draw.uniform(0.5, 0.95)
        return _tiers(factor, -0.1, 250_000) if slot < book.tiered else f"{factor:.3f}"

    def owed(slot: int) -> Any:
        factor = draw.uniform(1, 1.1)
        return _tiers(factor, 0.05, 2_500) if slot < book.tiered else f"{factor:.3f}"

    return {
        "collateral": {symbols[slot]: held(slot) for slot in range(book.collateral)},
        "debt": {symbols[slot]: owed(slot) for slot in range(book.collateral, first_signed)},
        "signed": {
            symbols[slot]: {"long": held(slot), "short": owed(slot)}
            for slot in range(first_signed, book.slots)
        },
    }


def _tiers(factor: float, step: float, width: int) -> dict[str, Any]:
    tiers = [
        {"above": str(width * index), "factor": f"{factor + step * index:.3f}"}
        for index in range(TIERS)
    ]
    return {"type": "tiered", "by": "value", "tiers": tiers}
