"""A book of 64 instruments under a grid of 27 scenarios and 8 tails, of realistic size.

Amounts come from a generator with a fixed seed, so that every run times the same work.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from zkcollateral.circuits.claim import document_digest
from zkcollateral.circuits.compiler import Backing, Circuit, compile_claim
from zkcollateral.risk.policy import Policy
from zkcollateral.risk.prices import PriceRound
from zkcollateral.risk.registry import Registry

TIME = "2026-01-31T12:00:00Z"
EXPIRIES = ("2026-02-06", "2026-02-27", "2026-03-27", "2026-06-26", "2026-09-25")
MONEYNESS = ("0.7", "0.85", "0.95", "1.05", "1.2", "1.5")
TAILS = ("-0.66", "-0.33", "0.5", "1", "2", "3", "4", "5")
INDEX = 64_000
INSTRUMENTS = 64
CLAIM = "portfolio-margin"


@dataclass(frozen=True)
class MarginBook:
    """60 options in five expiries, three futures and a perpetual, beside cash and spot.

    Args:
        slots: of the registry; 64 of them hold instruments, three collateral and debt.
    """

    slots: int = 128

    @property
    def documents(self) -> tuple[Policy, Registry, PriceRound]:
        """What the amounts are judged by."""
        return _documents(self)

    def circuit(self, claim: str = CLAIM) -> Circuit:
        """The compiled claim for one vouched commitment."""
        return _compiled(self, claim)

    def amounts(self, number: int) -> tuple[int, ...]:
        """The holdings of account `number`: up to 10 of every instrument, long or short, and cash
        for all that may happen.
        """
        draw = random.Random(f"positions {number}")
        positions = [draw.randrange(-10 * 10**6, 10 * 10**6) for _ in range(INSTRUMENTS)]
        cash = [5 * 10**12, 2 * 10**8, 10**11]
        return (*positions, *cash, *[0] * (self.slots - INSTRUMENTS - len(cash)))


MARGIN = MarginBook()


@lru_cache
def _compiled(book: MarginBook, claim: str) -> Circuit:
    return compile_claim(*book.documents, claim, Backing(vouched=True))


def instruments() -> dict[str, Any]:
    """The instruments by symbol, as in the policy's document."""
    made: dict[str, Any] = {}
    for number, expiry in enumerate(EXPIRIES):
        for share in MONEYNESS:
            for right in ("call", "put"):
                made[f"BTC-{expiry}-{share}-{right}"] = {
                    "type": "option",
                    "underlying": "BTC",
                    "right": right,
                    "strike": str(int(INDEX * float(share))),
                    "expiry": f"{expiry}T08:00:00Z",
                    "forward": f"BTC-{expiry}",
                    "volatility": f"iv-{number}-{share}",
                }
    for expiry in EXPIRIES[1:4]:
        made[f"BTC-{expiry}"] = {
            "type": "future",
            "underlying": "BTC",
            "expiry": f"{expiry}T08:00:00Z",
            "settled": True,
            "price": f"BTC-{expiry}",
        }
    made["BTC-PERP"] = {"type": "perpetual", "underlying": "BTC", "settled": True}
    return made


def model() -> dict[str, Any]:
    """The margin model, as in the policy's document."""
    return {
        "decimals": "6",
        "underlyings": {
            "BTC": {
                "index": "BTC",
                "settlement": "linear",
                "scenarios": {
                    "type": "grid",
                    "price_range": "0.16",
                    "buckets": "4",
                    "volatility": {
                        "up": "0.5",
                        "down": "0.25",
                        "floor": "0.3",
                        "days": "30",
                        "near_power": "0.3",
                        "far_power": "0.13",
                    },
                    "offset": "0",
                    "tails": [
                        {"move": move, "weight": f"{0.16 / abs(float(move)):.4f}"} for move in TAILS
                    ],
                    "dampener": "100000",
                },
                "roll": {"minimum": "0.01", "yearly": "0.075"},
                "delta": {"threshold": "1000000", "rate": "0.1"},
            }
        },
        "instruments": instruments(),
        "spots": {"BTC": "BTC"},
    }


@lru_cache
def _documents(book: MarginBook) -> tuple[Policy, Registry, PriceRound]:
    symbols = [*instruments()]
    sides = ["signed"] * INSTRUMENTS + ["collateral", "collateral", "debt"]
    units = ["-6"] * INSTRUMENTS + ["-6", "-8", "-6"]
    symbols += ["USDC", "BTC", "USDC"]
    registry = Registry.from_json_value(
        {
            "format": "zkcollateral/registry/1",
            "name": "benchmark",
            "slots": str(book.slots),
            "assets": [
                {"slot": str(slot), "symbol": symbol, "unit": unit, "side": side}
                for slot, (symbol, unit, side) in enumerate(zip(symbols, units, sides, strict=True))
            ],
        },
        "registry",
    )
    policy = Policy.from_json_value(
        {
            "format": "zkcollateral/policy/1",
            "name": "benchmark",
            "registry": document_digest(registry),
            "quote": "USD",
            "ratio": "1",
            "factors": {
                "collateral": {"USDC": "1", "BTC": "0.95"},
                "debt": {"USDC": "1"},
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
            "claims": {CLAIM: {"type": "portfolio_margin", "factor": "0.8"}},
            "margin": model(),
        },
        "policy",
    )
    prices = {"BTC": str(INDEX), "USDC": "1"}
    prices |= {f"BTC-{e}": f"{INDEX * (1 + 0.004 * i):.2f}" for i, e in enumerate(EXPIRIES)}
    round_ = PriceRound.from_json_value(
        {
            "format": "zkcollateral/price-round/1",
            "time": TIME,
            "quote": "USD",
            "prices": prices,
            "figures": {
                f"iv-{number}-{share}": f"{0.5 + 0.02 * number + 0.01 * place:.2f}"
                for number in range(len(EXPIRIES))
                for place, share in enumerate(MONEYNESS)
            },
            "reports": ["0" * 64],
        },
        "prices",
    )
    return policy, registry, round_
