"""Random markets in which all rules of a policy are mixed, small enough that edges are frequent."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from tests.circuits.margin_models import margin_model
from tests.world import NOW
from zkcollateral.circuits.claim import document_digest
from zkcollateral.risk.clock import format_time
from zkcollateral.risk.policy import Policy, check_policy
from zkcollateral.risk.prices import PriceRound
from zkcollateral.risk.registry import Registry

SLOTS = 8
CLAIM = "it"
ADAPTIVE = ("maintenance", "stress", "survives", "portfolio_margin")


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

    def trades(self, symbols: list[str], *, dear: bool) -> dict[str, Any]:
        """Limits and costs of some symbols; a sale may cost less than all of it."""
        return {
            symbol: {
                "limit": self.random.choice(["0", "1", "3.5", "1000", self.decimal(1, 900)]),
                "cost": self.decimal(0, 150 if dear else 99 if self.chance(4) else 10),
            }
            for symbol in symbols
            if not self.chance(5)
        }

    def liquid(self, value: dict[str, Any], category: str | None) -> dict[str, Any]:
        """A deleveraging of what may be traded, to a ratio that is often out of reach."""
        factors = value["factors"]
        signed = factors["signed"]
        held = dict(factors["collateral"])
        if category:
            held |= value["categories"][category]["collateral"]
        sold = {s: f for s, f in held.items() if s not in signed}
        sold |= {s: f["long"] for s, f in signed.items() if s not in factors["collateral"]}
        owed = {s: f for s, f in factors["debt"].items() if s not in signed}
        owed |= {s: f["short"] for s, f in signed.items() if s not in factors["debt"]}
        steady = [s for s, f in sold.items() if not (isinstance(f, dict) and f["type"] == "sized")]
        claim = {
            "type": "liquid",
            "ratio": self.decimal(80, 200),
            "sales": self.trades(steady, dear=False),
            "repayments": self.trades(list(owed), dear=self.chance(6)),
        }
        return claim | ({"category": category} if category else {})

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
        if policy.histories:
            prices["histories"] = {
                symbol: {
                    "last": format_time(NOW),
                    "step_seconds": "60",
                    "prices": [self.decimal(90, 110) for _ in range(4)],
                }
                for symbol in policy.histories
            }
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
        if self.chance(3):
            deep = value["value_decimals"] is not None
            wrapped = self.wrapped(priced, value.get("growth_caps", {}), deep=deep)
            value |= {"wrapped": wrapped} if wrapped else {}
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
        limits = value.get("limits", [])
        if self.chance(5) and not any(limit["excess"] == "uncounted" for limit in limits):
            category = value["claims"][CLAIM].get("category")
            value["claims"] = {CLAIM: self.liquid(value, category)}
        # Something else keeps its factor: a policy needs the price of one asset at least.
        signed = [symbol for symbol, side in priced[1:] if side == "signed"]
        if signed and not self.chance(3):
            self.margin(value, signed[: self.random.randint(1, len(signed))])
            used = set(value["margin"]["instruments"])
            priced = [asset for asset in priced if asset[0] not in used]
        claims = {*value.get("growth_caps", {}), *value.get("wrapped", {})}
        own = [symbol for symbol, _ in priced if symbol not in claims]
        if own and value["claims"][CLAIM]["type"] in ADAPTIVE and self.chance(3):
            value["adaptive"] = self.adaptive(value["ratio"], own)
        policy = Policy.from_json_value(value, "policy")
        check_policy(policy, document_digest(registry), registry)
        return policy

    def margin(self, value: dict[str, Any], instruments: list[str]) -> None:
        """These are no longer signed assets with factors but instruments of a margin model."""
        uncounted = {
            symbol
            for limit in value.get("limits", [])
            if limit["excess"] == "uncounted"
            for symbol in limit["assets"]
        }
        tested = value.get("liquidation", {}).get("factors", {"signed": {}})
        for symbol in instruments:
            del value["factors"]["signed"][symbol]
            tested["signed"].pop(symbol, None)
        sides = [value["factors"]["collateral"], value["factors"]["debt"]]
        sides += [each["collateral"] for each in value.get("categories", {}).values()]
        spots = [
            symbol
            for symbol in sorted({*sides[0], *sides[1]} - uncounted)
            if all(isinstance(side.get(symbol, "1"), str) for side in sides)
        ]
        value["margin"] = margin_model(self.random, self.decimal, instruments, spots)
        value.pop("confidence", None)
        claim = value["claims"][CLAIM]
        if claim["type"] != "liquid" and not self.chance(4):
            kept = {"category": claim["category"]} if "category" in claim else {}
            value["claims"] = {
                CLAIM: {"type": "portfolio_margin", "factor": self.decimal(1, 150)} | kept
            }
        elif claim["type"] == "liquid":
            for field in ("sales", "repayments"):
                for symbol in instruments:
                    claim[field].pop(symbol, None)

    def adaptive(self, ratio: str, symbols: list[str]) -> dict[str, Any]:
        """A ratio that is anywhere from its floor to its cap."""
        floor, cap = int(100 * Decimal(ratio)), self.random.randint(151, 250)
        found: dict[str, Any] = {
            "symbols": sorted(set(symbols))[:2],
            "step_seconds": "60",
            "prices": "4",
            "decay": "0.3",
            "horizon": str(self.random.randint(1, 9)),
            "base": "1",
            "multiple": self.decimal(50, 300),
            "cap": spell(cap),
            "max_rise": self.decimal(1, 30),
            "max_fall": spell(-((floor - cap) // 3) + self.random.randint(0, 9)),
            "decimals": str(self.random.randint(2, 6)),
        }
        if self.chance(2):
            found["stress"] = [
                {"figure": "gas", "start": "5", "multiple": "0.1", "most": self.decimal(1, 30)}
            ]
        return found

    def wrapped(
        self, priced: list[tuple[str, str]], capped: dict[str, Any], *, deep: bool
    ) -> dict[str, Any]:
        """Claims on the asset before, which may have a growth cap, or on one that is only that.

        Without rounding a deep chain has more decimals than a row may hold.
        """
        symbols = list(dict.fromkeys(symbol for symbol, _ in priced))
        found: dict[str, Any] = {}
        for before, symbol in zip(["BASE", *symbols], symbols, strict=False):
            if symbol not in capped and not self.chance(3):
                underlying = before if deep or before not in found else "BASE"
                haircut = spell(self.random.randint(0, 9), 1)
                found[symbol] = {"underlying": underlying, "haircut": haircut}
                if deep and self.chance(2):
                    found[symbol]["rate"] = "rate"
        for symbol in capped if deep else ():
            place = symbols.index(symbol)
            if place and self.chance(2):
                capped[symbol]["underlying"] = symbols[place - 1]
        return found

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
