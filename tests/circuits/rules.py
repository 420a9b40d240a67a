"""Random markets in which all rules of a policy are mixed, small enough that edges are frequent."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from tests.world import NOW
from zkcollateral.circuits.claim import document_digest
from zkcollateral.risk.clock import format_time
from zkcollateral.risk.policy import Policy, check_policy
from zkcollateral.risk.prices import PriceRound
from zkcollateral.risk.registry import Registry

SLOTS = 8
CLAIM = "it"


@dataclass
class Market:
    registry: Registry
    policy: Policy
    prices: PriceRound
    accounts: list[list[int]]


def spell(number: int, places: int = 2) -> str:
    sign, digits = ("-" if number < 0 else ""), f"{abs(number):0{places + 1}d}"
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def document(kind: str, **fields: Any) -> dict[str, Any]:
    return {"format": f"zkcollateral/{kind}/1", **fields}


class Maker:
    """Draws everything from one source of randomness."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def chance(self, one_in: int) -> bool:
        return self.random.randrange(one_in) == 0

    def decimal(self, low: int, high: int) -> str:
        return spell(self.random.randint(low, high))

    def tiers(self, low: int, high: int, *, rising: bool) -> dict[str, Any]:
        count = self.random.randint(1, 4)
        factors = sorted(self.random.randint(low, high) for _ in range(count))
        starts = sorted(self.random.sample(range(1, 1200), count - 1))
        return {
            "type": "tiered",
            "by": self.random.choice(["amount", "value"]),
            "tiers": [
                {"above": spell(start), "factor": spell(factor)}
                for start, factor in zip(
                    [0, *starts], factors if rising else reversed(factors), strict=True
                )
            ],
        }

    def held(self) -> Any:
        kind = self.random.randrange(6)
        if kind < 2:
            # A few of them jump, and are refused.
            jumps = {"type": "sized"} if self.chance(8) else {}
            return self.tiers(0, 100, rising=False) | jumps
        if kind == 2:
            return {
                "type": "scaled",
                "factor": self.decimal(50, 100),
                "figure": "deposits",
                "start": self.decimal(1, 2000),
            }
        return self.decimal(0, 100)

    def owed(self) -> Any:
        return self.tiers(100, 140, rising=True) if self.chance(3) else self.decimal(100, 130)

    def factors(self, assets: list[tuple[str, str]]) -> dict[str, Any]:
        made: dict[str, Any] = {"collateral": {}, "debt": {}, "signed": {}}
        for symbol, side in assets:
            if side == "signed":
                made[side][symbol] = {"long": self.held(), "short": self.owed()}
            else:
                made[side][symbol] = self.held() if side == "collateral" else self.owed()
        return made

    def scenarios(self, symbols: list[str], count: int) -> list[dict[str, Any]]:
        return [
            {
                "name": f"s{index}",
                "shocks": {
                    symbol: self.decimal(-100, 50) for symbol in symbols if not self.chance(2)
                },
            }
            for index in range(count)
        ]

    def claim(self, symbols: list[str], *, tests: bool, categories: bool) -> dict[str, Any]:
        kinds = ["maintenance", "stress", "band", "survives", "covers"]
        kind = self.random.choice([*kinds, "not_liquidatable"] if tests else kinds)
        fields: dict[str, Any] = {"type": kind}
        if kind == "stress":
            fields["scenarios"] = self.scenarios(symbols, self.random.randint(1, 2))
        elif kind == "not_liquidatable":
            fields["scenarios"] = self.scenarios(symbols, self.random.randint(0, 2))
        elif kind == "band":
            fields |= {"low": self.decimal(0, 120), "high": None}
            if self.chance(2):
                fields["high"] = self.decimal(121, 300)
        elif kind == "survives":
            fields |= {"assets": symbols[:2], "fall": self.decimal(1, 100)}
        elif kind == "covers":
            fields |= {"ratio": self.decimal(80, 120), "net": self.chance(2)}
        if categories and kind != "covers" and self.chance(2):
            fields["category"] = "pegged"
        return fields

    def market(self) -> Market:
        random = self.random
        assets: list[tuple[str, str]] = []
        for index in range(random.randint(1, 5)):
            side = random.choice(["collateral", "collateral", "debt", "signed"])
            assets.append((f"A{index}", side))
            if side == "collateral" and self.chance(3) and len(assets) < 7:
                assets.append((f"A{index}", "debt"))
        slots = sorted(random.sample(range(SLOTS), len(assets)))
        units = {symbol: str(random.randint(-2, 1)) for symbol, _ in assets}
        registry = Registry.from_json_value(
            document(
                "registry",
                name="random",
                slots=str(SLOTS),
                assets=[
                    {"slot": str(slot), "symbol": symbol, "side": side, "unit": units[symbol]}
                    for slot, (symbol, side) in zip(slots, assets, strict=True)
                ],
            ),
            "registry",
        )
        policy = self.policy(registry, assets)
        prices = document(
            "price-round",
            time=format_time(NOW),
            quote="USD",
            prices={symbol: spell(random.randint(1, 500), 1) for symbol in policy.symbols},
            reports=["0" * 64],
        )
        if policy.confidence:
            prices["confidence"] = {
                symbol: spell(random.randint(0, 9), 3) for symbol in policy.symbols
            }
        if policy.figures:
            prices["figures"] = {name: self.decimal(1, 1000) for name in policy.figures}
        accounts = []
        for _ in range(2 if policy.claims[CLAIM].type == "covers" else 1):
            amounts = [0] * SLOTS
            for slot, (_, side) in zip(slots, assets, strict=True):
                low = -9 if side == "signed" else 0
                amounts[slot] = random.randint(low, 9) if not self.chance(5) else 0
                if self.chance(8):
                    amounts[slot] *= 1000
            if self.chance(20):
                amounts[random.randrange(SLOTS)] = random.choice([1, 2**62])
            accounts.append(amounts)
        return Market(registry, policy, PriceRound.from_json_value(prices, "prices"), accounts)

    def policy(self, registry: Registry, assets: list[tuple[str, str]]) -> Policy:
        priced = [asset for asset in assets if not self.chance(12)] or assets[:1]
        collateral = [symbol for symbol, side in priced if side == "collateral"]
        symbols = sorted({symbol for symbol, _ in assets})
        value = document(
            "policy",
            name="random",
            registry=document_digest(registry),
            quote="USD",
            ratio=self.decimal(100, 150),
            factors=self.factors(priced),
            value_decimals=self.random.choice([None, None, "0", "1", "3"]),
            oracle={"quorum": "1", "max_age_seconds": "60", "max_deviation": "0"},
            commitments={
                "max_age_seconds": "60",
                "max_summands": "64",
                "max_apart_seconds": "86400",
                "unvouched": True,
            },
            profile="balanced",
        )
        if self.chance(3):
            value["reserve"] = self.decimal(1, 1000)
        if self.chance(3):
            value["confidence"] = {"multiple": self.decimal(50, 200), "max_share": "1"}
        if collateral and self.chance(2):
            value["limits"] = self.limits(collateral)
        if self.chance(4):
            symbol = self.random.choice(priced)[0]
            value["growth_caps"] = {
                symbol: {
                    "underlying": "BASE",
                    "rate": "rate",
                    "snapshot": self.decimal(1, 500),
                    "snapshot_time": "2025-12-31T12:00:00Z",
                    "yearly_growth": self.decimal(0, 20),
                }
            }
        tests = self.chance(2)
        if tests:
            value["liquidation"] = {
                "ratio": self.decimal(100, 120),
                "penalty": self.decimal(0, 20),
                "protocol_share": "0.1",
                "close_factor": "0.5",
                "close_all_below": "0.95",
                "minimum": "0",
            }
            if self.chance(2):
                value["liquidation"]["factors"] = self.factors(priced)
        categories = self.chance(3)
        if categories:
            value["categories"] = {
                "pegged": {
                    "collateral": {symbol: self.held() for symbol in collateral[:1]},
                    "debts": [symbol for symbol in symbols if not self.chance(3)],
                }
            }
            if collateral and self.chance(2):
                value["categories"]["pegged"]["liquidation"] = {collateral[0]: self.held()}
        value["claims"] = {CLAIM: self.claim(symbols, tests=tests, categories=categories)}
        policy = Policy.from_json_value(value, "policy")
        check_policy(policy, document_digest(registry), registry)
        return policy

    def limits(self, collateral: list[str]) -> list[dict[str, Any]]:
        left = list(collateral)
        self.random.shuffle(left)
        found = []
        for index in range(self.random.randint(1, 2)):
            taken, left = left[: index + 1], left[index + 1 :]
            if taken:
                found.append(
                    {
                        "name": f"l{index}",
                        "assets": taken,
                        "share": self.decimal(1, 99),
                        "excess": self.random.choice(["refused", "uncounted"]),
                    }
                )
        return found
