"""Accounts for tests: worlds of three lines, and random ones with every rule mixed."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from tests.risk.documents import policy, price_round
from zkcollateral.crypto.canonical import digest
from zkcollateral.risk.policy import Policy
from zkcollateral.risk.portfolio import Portfolio
from zkcollateral.risk.prices import PriceRound
from zkcollateral.risk.pricing import price
from zkcollateral.risk.registry import Registry
from zkcollateral.risk.valuation import Account

World = tuple[Portfolio, Policy, Registry, PriceRound]

LIQUIDATION = {
    "ratio": "1",
    "penalty": "0.05",
    "protocol_share": "0.5",
    "close_factor": "0.5",
    "close_all_below": "0.95",
    "minimum": "0",
}


def world(
    factors: Mapping[str, Mapping[str, Any]],
    prices: Mapping[str, str],
    amounts: Mapping[str, Mapping[str, str]],
    *,
    unit: str = "-8",
    spreads: Mapping[str, str] | None = None,
    figures: Mapping[str, str] | None = None,
    **changes: Any,
) -> World:
    """A portfolio under a policy; the registry has what the factors and the amounts name.

    `spreads` and `figures` are the round's confidences and figures, `changes` fields of the policy.
    """
    sides = ("collateral", "debt", "signed")
    names = [
        (symbol, side)
        for side in sides
        for symbol in sorted({*factors.get(side, {}), *amounts.get(side, {})})
    ]
    slots = 1 << max(len(names) - 1, 0).bit_length()
    assets = [
        {"slot": str(slot), "symbol": symbol, "unit": unit, "side": side}
        for slot, (symbol, side) in enumerate(names)
    ]
    registry = {"format": "zkcollateral/registry/1", "name": "r", "slots": str(slots)}
    found = Registry.from_json_value({**registry, "assets": assets}, "registry")
    complete = {side: dict(factors.get(side, {})) for side in sides}
    claims = {"maintenance": {"type": "maintenance"}}
    fields = {"ratio": "1", "claims": claims, **changes, "factors": complete}
    extra = {"confidence": spreads, "figures": figures}
    return (
        Portfolio.build(account="acct-1", **{side: dict(amounts.get(side, {})) for side in sides}),
        policy(**fields, registry=digest(found.to_json_value())),
        found,
        price_round(
            prices=dict(prices), **{name: dict(value) for name, value in extra.items() if value}
        ),
    )


def account_of(setting: World, category: str | None = None) -> Account:
    """The account of a world."""
    portfolio, rule, registry, prices = setting
    chosen = rule.categories[category] if category else None
    return Account(rule, registry, price(rule, prices), portfolio.amounts(registry), chosen)


def _spell(value: Fraction) -> str:
    return f"{float(value):.4f}"


@st.composite
def _tables(draw: st.DrawFn, kind: str, *, rising: bool) -> dict[str, Any]:
    count = draw(st.integers(1, 4))
    by = draw(st.sampled_from(["amount", "value"]))
    steps = draw(st.lists(st.integers(1, 400), min_size=count, max_size=count))
    factors = draw(st.lists(st.integers(0, 30), min_size=count, max_size=count).map(sorted))
    if not rising:
        factors.reverse()
    starts = [0]
    for step in steps[1:]:
        starts.append(starts[-1] + step * (100 if by == "value" else 1))
    offset = 10 if rising else -20
    tiers = [
        {"above": str(start), "factor": _spell(Fraction(max(30 + offset + factor, 0), 40))}
        for start, factor in zip(starts, factors, strict=True)
    ]
    return {"type": kind, "by": by, "tiers": tiers}


def _factors(rising: bool, kinds: tuple[str, ...]) -> st.SearchStrategy[Any]:
    plain = st.integers(20, 40) if not rising else st.integers(40, 60)
    options: list[st.SearchStrategy[Any]] = [plain.map(lambda n: _spell(Fraction(n, 40)))]
    options += [_tables(kind, rising=rising) for kind in kinds]
    return st.one_of(options)


SYMBOLS = ("A", "B", "C", "D")


@st.composite
def worlds(
    draw: st.DrawFn, kinds: tuple[str, ...] = ("tiered",), *, decimals: bool = False
) -> World:
    """Four assets, each held and owed, two of them traded: tiers, limits, short positions, reserve,
    growth cap, confidence, and factors of their own for liquidation.
    """
    held, owed = _factors(False, kinds), _factors(True, kinds)
    size = st.one_of(st.just(0), st.integers(1, 60_000))

    def factors() -> dict[str, Any]:
        return {
            "collateral": {symbol: draw(held) for symbol in SYMBOLS},
            "debt": {symbol: draw(owed) for symbol in SYMBOLS},
            "signed": {symbol: {"long": draw(held), "short": draw(owed)} for symbol in SYMBOLS[:2]},
        }

    own = factors()
    changes: dict[str, Any] = {
        "ratio": _spell(Fraction(draw(st.integers(100, 150)), 100)),
        "liquidation": {
            **LIQUIDATION,
            **({"factors": factors()} if draw(st.booleans()) else {}),
        },
    }
    if draw(st.booleans()):
        changes["reserve"] = str(draw(st.integers(1, 3000)))
    if draw(st.booleans()):
        changes["limits"] = [
            {
                "name": "one",
                "assets": draw(st.sampled_from([["A"], ["A", "B"]])),
                "share": draw(st.sampled_from(["0.2", "0.5"])),
                "excess": "uncounted",
            },
            {"name": "two", "assets": ["C"], "share": "0.4", "excess": "uncounted"},
            {"name": "three", "assets": ["D"], "share": "0.9", "excess": "refused"},
        ]
    extra: dict[str, Any] = {}
    if draw(st.booleans()):
        extra["spreads"] = dict.fromkeys(SYMBOLS, "0.25")
        changes["confidence"] = {"multiple": "2", "max_share": "0.5"}
    if draw(st.booleans()):
        extra["figures"] = {"rate": "1.05"}
        changes["growth_caps"] = {
            "D": {
                "underlying": "C",
                "rate": "rate",
                "snapshot": "1",
                "snapshot_time": "2025-01-31T12:00:00Z",
                "yearly_growth": "0.04",
            }
        }
    if decimals:
        changes["value_decimals"] = draw(st.sampled_from(["6", "9"]))
    prices = {symbol: str(draw(st.integers(2, 300))) for symbol in SYMBOLS}
    amounts: dict[str, dict[str, str]] = {
        "collateral": {symbol: _amount(draw(size)) for symbol in SYMBOLS},
        "debt": {symbol: _amount(draw(size), 4) for symbol in SYMBOLS},
        "signed": {
            symbol: _amount(draw(size) * draw(st.sampled_from([1, -1])), 4)
            for symbol in SYMBOLS[:2]
        },
    }
    if not any(Fraction(value) for side in amounts.values() for value in side.values()):
        amounts["collateral"]["A"] = "1"
    unit = draw(st.sampled_from(["-3", "-8"]))
    return world(own, prices, amounts, unit=unit, **extra, **changes)


def _amount(hundredths: int, parts: int = 1) -> str:
    whole, rest = divmod(abs(hundredths) // parts, 100)
    sign = "-" if hundredths < 0 and (whole or rest) else ""
    return f"{sign}{whole}.{rest:02d}"
