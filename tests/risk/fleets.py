"""Random policies with every rule mixed in, and accounts that sit on their thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.risk.documents import policy_value, round_value
from zkcollateral.risk.claims import ClaimRule
from zkcollateral.risk.health import evaluate
from zkcollateral.risk.policy import Policy
from zkcollateral.risk.prices import PriceRound
from zkcollateral.risk.registry import Registry

Amounts = NDArray[np.int64]

LARGEST = (1 << 63) - 1
ASSETS = (
    ("A", "collateral"),
    ("B", "collateral"),
    ("C", "collateral"),
    ("A", "debt"),
    ("D", "debt"),
    ("S", "signed"),
    ("U", "signed"),
)
"""In slots 0 to 6; U has no factor, and slot 7 no asset."""
SYMBOLS = "ABCDS"
ADAPTIVE: dict[str, Any] = {
    "symbols": ["B"],
    "step_seconds": "60",
    "prices": "3",
    "decay": "0.2",
    "horizon": "1",
    "base": "0",
    "multiple": "10",
    "cap": "9",
    "max_rise": "4.4567",
    "max_fall": "5",
    "decimals": "4",
}
HISTORY: dict[str, Any] = {
    "last": "2026-01-31T12:00:00Z",
    "step_seconds": "60",
    "prices": ["1", "1.1234567", "2"],
}
"""It makes of every ratio another one, up to the cap."""
RULES = ("maintenance", "stress", "survives", "band", "not_liquidatable")


@dataclass(frozen=True)
class World:
    """A policy with one claim, `it`, and what it is about."""

    policy: Policy
    registry: Registry
    prices: PriceRound

    @property
    def claim(self) -> ClaimRule:
        return self.policy.claims["it"]

    def holds(self, row: Amounts) -> bool:
        """The verdict of the engine that looks at one account at a time."""
        return evaluate(self.claim, self.policy, self.registry, self.prices, row.tolist()).holds


def registry(units: tuple[str, ...] = ("0",) * 7) -> Registry:
    assets = [
        {"slot": str(slot), "symbol": symbol, "unit": unit, "side": side}
        for slot, ((symbol, side), unit) in enumerate(zip(ASSETS, units, strict=True))
    ]
    value = {"format": "zkcollateral/registry/1", "name": "r", "slots": "8", "assets": assets}
    return Registry.from_json_value(value, "r")


def policy(**changes: Any) -> Policy:
    return Policy.build(**{**policy_value(), **changes})


def price_round(**changes: Any) -> PriceRound:
    return PriceRound.build(**{**round_value(), **changes})


def world(claim: dict[str, Any], factors: dict[str, Any] | None = None, **changes: Any) -> World:
    """Ratio 1 and all prices 1, unless told otherwise; A and B are held, D is owed."""
    plain = {"collateral": {"A": "1", "B": "1"}, "debt": {"D": "1"}, "signed": {}}
    parts: dict[str, Any] = {"ratio": "1", "factors": factors or plain, "claims": {"it": claim}}
    prices = {**dict.fromkeys(SYMBOLS, "1"), **changes.pop("prices", {})}
    return World(policy(**{**parts, **changes}), registry(), price_round(prices=prices))


POSITIVE = st.sampled_from(
    ["0.001", "0.1", "0.25", "0.333", "0.5", "0.85", "0.9", "1", "1.05", "1.25", "1.5", "2", "3.7"]
)
NON_NEGATIVE = st.one_of(POSITIVE, POSITIVE, POSITIVE, st.just("0"))
AT_MOST_ONE = st.sampled_from(["0", "0.001", "0.1", "0.25", "0.333", "0.5", "0.85", "0.9", "1"])
PRICE = st.one_of(
    POSITIVE,
    POSITIVE,
    st.sampled_from(["0." + "0" * 29 + "1", "1" + "0" * 30, "64000.12", "3000", "0.07"]),
)
SHARE = st.sampled_from(["0.001", "0.25", "0.3333333333333333333333", "0.5", "0.9"])
SHOCK = st.sampled_from(["-1", "-0.5", "-0.39", "-0.001", "0", "0.5", "3"])
SHOCKS = st.dictionaries(st.sampled_from(SYMBOLS), SHOCK)
STARTS = st.one_of(POSITIVE, st.integers(1, 3000).map(str), st.integers(1, 1 << 64).map(str))


@st.composite
def factors(draw: st.DrawFn, *, held: bool) -> Any:
    """Any of the kinds of factors; tiers fall for what is held and rise for what is owed."""
    kinds = ["plain", "tiered", "sized", *(["scaled"] if held else [])]
    kind = draw(st.sampled_from(kinds))
    factor = AT_MOST_ONE if held else NON_NEGATIVE
    if kind == "plain":
        return draw(factor)
    if kind == "scaled":
        start = draw(POSITIVE)
        return {"type": "scaled", "factor": draw(factor), "figure": "F", "start": start}
    starts = ["0", *sorted(draw(st.lists(STARTS, max_size=4, unique_by=float)), key=float)]
    steps = st.lists(factor, min_size=len(starts), max_size=len(starts))
    values = sorted(draw(steps), key=float, reverse=held)
    tiers = [{"above": s, "factor": v} for s, v in zip(starts, values, strict=True)]
    return {"type": kind, "by": draw(st.sampled_from(["amount", "value"])), "tiers": tiers}


@st.composite
def all_factors(draw: st.DrawFn) -> dict[str, Any]:
    held, owed = factors(held=True), factors(held=False)
    return {
        "collateral": {symbol: draw(held) for symbol in "ABC"},
        "debt": {symbol: draw(owed) for symbol in "AD"},
        "signed": {"S": {"long": draw(held), "short": draw(owed)}},
    }


@st.composite
def claims(draw: st.DrawFn, rule: str) -> dict[str, Any]:
    claim: dict[str, Any] = {"type": rule}
    if rule in {"stress", "not_liquidatable"}:
        several = st.lists(SHOCKS, min_size=rule == "stress", max_size=3)
        claim["scenarios"] = [
            {"name": f"s{i}", "shocks": shocks} for i, shocks in enumerate(draw(several))
        ]
    elif rule == "survives":
        claim["assets"] = draw(st.lists(st.sampled_from(SYMBOLS), min_size=1, unique=True))
        claim["fall"] = draw(st.sampled_from(["0.3", "0.999", "1"]))
    elif rule == "band":
        claim["low"] = draw(st.sampled_from(["0", "0.5", "1", "1.1"]))
        claim["high"] = draw(st.sampled_from([None, "1.25", "2", "1000"]))
    category = draw(st.sampled_from([None, None, "near"]))
    return claim if category is None else {**claim, "category": category}


@st.composite
def limits(draw: st.DrawFn) -> list[dict[str, Any]]:
    excess = draw(st.lists(st.sampled_from(["refused", "uncounted"]), max_size=3))
    # Uncounted limits are about different assets.
    names = draw(st.permutations(["A", "B", "C"]))
    return [
        {"name": f"l{i}", "assets": [names[i]], "share": draw(SHARE), "excess": each}
        for i, each in enumerate(excess)
    ]


@st.composite
def worlds(draw: st.DrawFn, rule: str) -> World:
    """A world with a claim of this type."""
    held = factors(held=True)
    cap = {
        "underlying": "A",
        "rate": "R",
        "snapshot": "1.01",
        "snapshot_time": "2025-01-31T12:00:00Z",
        "yearly_growth": "0.05",
    }
    confident = draw(st.booleans())
    adaptive = rule in {"maintenance", "stress", "survives"} and draw(st.booleans())
    made = policy(
        ratio=draw(POSITIVE),
        adaptive=ADAPTIVE if adaptive else None,
        factors=draw(all_factors()),
        claims={"it": draw(claims(rule))},
        value_decimals=draw(st.sampled_from([None, None, "0", "2", "12", "33"])),
        reserve=draw(st.sampled_from([None, "0", "1", "0.0001", "1000000"])),
        limits=draw(limits()),
        categories={
            "near": {
                "collateral": draw(st.dictionaries(st.sampled_from("ABC"), held)),
                "debts": draw(st.lists(st.sampled_from("ADS"), unique=True)),
                "liquidation": draw(st.dictionaries(st.sampled_from("ABC"), held)),
            }
        },
        confidence={"multiple": "2", "max_share": "0.1"} if confident else None,
        growth_caps={"C": cap} if draw(st.booleans()) else {},
        liquidation={
            "ratio": draw(POSITIVE),
            "factors": draw(st.none() | all_factors()),
            "penalty": draw(SHARE),
            "protocol_share": "0",
            "close_factor": "1",
            "close_all_below": "1",
            "minimum": "0",
        },
    )
    prices = {symbol: draw(PRICE) for symbol in SYMBOLS}
    found = price_round(
        prices=prices,
        confidence=dict.fromkeys(SYMBOLS, "0." + "0" * 31 + "7") if confident else {},
        figures={"F": draw(PRICE), "R": draw(st.sampled_from(["1.02", "2"]))},
        histories={"B": HISTORY} if adaptive else {},
    )
    units = st.sampled_from(["-18", "-8", "-2", "0", "0", "3"])
    return World(made, registry(tuple(draw(units) for _ in ASSETS)), found)


def accounts(world: World, seed: int) -> Amounts:
    """Accounts of all sizes, misplaced amounts among them, and some next to where verdicts turn."""
    rng = np.random.default_rng(seed)
    rows = np.floor(2 ** rng.uniform(0, 63, (24, 8))).astype(np.int64)
    rows[8:14] = rng.integers(0, 300, (6, 8))
    rows[14:16] = LARGEST - rng.integers(0, 3, (2, 8))
    rows[:, 5] *= rng.choice([-1, 0, 1], len(rows))
    rows[rng.random(rows.shape) < 0.3] = 0
    rows[:, 6:] = 0
    rows[16, :] = 0
    rows[17, :5] = LARGEST
    rows[17:19, 5] = -(1 << 63)
    rows[19, rng.integers(0, 5)] = -1
    rows[20, rng.integers(6, 8)] = rng.choice([-1, 1])
    near: list[Amounts] = []
    for row in rows[:12]:
        if len(near) < 12:
            near += _around_threshold(world, row, rng)
    return np.array([*rows, *near], dtype=np.int64)


def _around_threshold(world: World, row: Amounts, rng: np.random.Generator) -> list[Amounts]:
    """The account with one slot so full that a unit more or less turns the verdict."""

    def account(slot: int, amount: int) -> Amounts:
        changed = row.copy()
        changed[slot] = amount
        return changed

    for slot in rng.permutation(6):
        low, high = 0, LARGEST
        at_low = world.holds(account(slot, low))
        if world.holds(account(slot, high)) is at_low:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            same = world.holds(account(slot, middle)) is at_low
            low, high = (middle, high) if same else (low, middle)
        return [account(slot, low + more) for more in (-1, 0, 1, 2) if 0 <= low + more <= LARGEST]
    return []
