"""An options book on two underlyings, made up, and the documents around it."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from zkcollateral.circuits.claim import document_digest
from zkcollateral.risk.policy import Policy, check_policy
from zkcollateral.risk.portfolio import Portfolio
from zkcollateral.risk.prices import PriceRound
from zkcollateral.risk.registry import Registry

TIME = datetime(2026, 3, 1, 8, tzinfo=UTC)
NEAR, FAR = "2026-03-27T08:00:00Z", "2026-06-26T08:00:00Z"

REGISTRY: dict[str, Any] = {
    "format": "zkcollateral/registry/1",
    "name": "book-assets",
    "slots": "16",
    "assets": [
        {"slot": "0", "symbol": "BTC", "unit": "-8", "side": "collateral"},
        {"slot": "1", "symbol": "USDC", "unit": "-6", "side": "signed"},
        {"slot": "2", "symbol": "BTC", "unit": "-8", "side": "debt"},
        {"slot": "3", "symbol": "BTC-C70", "unit": "-4", "side": "signed"},
        {"slot": "4", "symbol": "BTC-P56", "unit": "-4", "side": "signed"},
        {"slot": "5", "symbol": "BTC-JUN", "unit": "-4", "side": "signed"},
        {"slot": "6", "symbol": "BTC-PERP", "unit": "-4", "side": "signed"},
        {"slot": "8", "symbol": "ETH-P3000", "unit": "-3", "side": "signed"},
        {"slot": "9", "symbol": "ETH-PERP", "unit": "-3", "side": "signed"},
        {"slot": "10", "symbol": "ETH-BASKET", "unit": "-3", "side": "signed"},
        {"slot": "12", "symbol": "STRAY", "unit": "0", "side": "collateral"},
    ],
}

MARGIN: dict[str, Any] = {
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
                    "up": "0.45",
                    "down": "0.3",
                    "floor": "0.3",
                    "days": "30",
                    "near_power": "0.3",
                    "far_power": "0.13",
                },
                "offset": "1",
                "tails": [
                    {"move": "-0.5", "weight": "0.32"},
                    {"move": "-0.33", "weight": "0.48"},
                    {"move": "0.5", "weight": "0.32"},
                    {"move": "1", "weight": "0.16"},
                ],
                "dampener": "500",
            },
            "roll": {"minimum": "0.01", "yearly": "0.06"},
            "delta": {"threshold": "100000", "rate": "0.01"},
        },
        "ETH": {
            "index": "ETH",
            "settlement": "linear",
            "scenarios": {
                "type": "span",
                "price_range": "0.18",
                "volatility_range": "0.35",
                "extreme_multiple": "2",
                "extreme_cover": "0.35",
            },
        },
    },
    "instruments": {
        "BTC-C70": {
            "type": "option",
            "underlying": "BTC",
            "right": "call",
            "strike": "70000",
            "expiry": NEAR,
            "forward": "BTC-MAR",
            "volatility": "BTC-C70-IV",
        },
        "BTC-P56": {
            "type": "option",
            "underlying": "BTC",
            "right": "put",
            "strike": "56000",
            "expiry": FAR,
            "forward": "BTC-JUN",
            "volatility": "BTC-P56-IV",
        },
        "BTC-JUN": {
            "type": "future",
            "underlying": "BTC",
            "expiry": FAR,
            "settled": True,
            "price": "BTC-JUN",
        },
        "BTC-PERP": {"type": "perpetual", "underlying": "BTC", "settled": True},
        "ETH-P3000": {
            "type": "option",
            "underlying": "ETH",
            "right": "put",
            "strike": "3000",
            "expiry": NEAR,
            "forward": "ETH",
            "volatility": "ETH-P3000-IV",
        },
        "ETH-PERP": {"type": "perpetual", "underlying": "ETH", "settled": True},
        "ETH-BASKET": {
            "type": "listed",
            "underlying": "ETH",
            "values": [str(value) for value in (*range(14), -8, -9)],
            "delta": "0.5",
        },
    },
    "spots": {"BTC": "BTC"},
}

ROUND: dict[str, Any] = {
    "format": "zkcollateral/price-round/1",
    "time": "2026-03-01T08:00:00Z",
    "quote": "USD",
    "prices": {"BTC": "64000", "USDC": "1", "BTC-MAR": "64300", "BTC-JUN": "65100", "ETH": "3200"},
    "reports": ["0" * 64],
    "figures": {"BTC-C70-IV": "0.62", "BTC-P56-IV": "0.7", "ETH-P3000-IV": "0.81"},
}

BOOK: dict[str, Any] = {
    "format": "zkcollateral/portfolio/1",
    "account": "desk-1",
    "collateral": {"BTC": "1.25"},
    "debt": {},
    "signed": {
        "USDC": "61000",
        "BTC-C70": "-10",
        "BTC-P56": "4",
        "BTC-JUN": "5",
        "BTC-PERP": "-0.5",
        "ETH-P3000": "-20",
        "ETH-PERP": "-12.5",
    },
}
OTHER: dict[str, Any] = {
    "format": "zkcollateral/portfolio/1",
    "account": "desk-2",
    "collateral": {},
    "debt": {"BTC": "0.1"},
    "signed": {"USDC": "40000", "BTC-C70": "6", "BTC-JUN": "-3.5", "ETH-BASKET": "2"},
}


def registry() -> Registry:
    """The assets."""
    return Registry.from_json_value(deepcopy(REGISTRY), "registry")


def policy_json(**changes: Any) -> dict[str, Any]:
    """The policy as JSON, with some of its fields replaced."""
    return {
        "format": "zkcollateral/policy/1",
        "name": "portfolio-margin",
        "registry": document_digest(registry()),
        "quote": "USD",
        "ratio": "1",
        "factors": {
            "collateral": {"BTC": "0.9"},
            "debt": {"BTC": "1.1"},
            "signed": {"USDC": {"long": "1", "short": "1"}},
        },
        "value_decimals": None,
        "oracle": {"quorum": "1", "max_age_seconds": "600", "max_deviation": "0.02"},
        "commitments": {
            "max_age_seconds": "86400",
            "max_summands": "3",
            "max_apart_seconds": "86400",
            "unvouched": False,
        },
        "profile": "balanced",
        "claims": {
            "initial": {"type": "portfolio_margin", "factor": "1"},
            "kept": {"type": "portfolio_margin", "factor": "0.8"},
            "plain": {"type": "maintenance"},
        },
        "margin": deepcopy(MARGIN),
    } | changes


def policy(**changes: Any) -> Policy:
    """The policy, checked."""
    found = Policy.from_json_value(policy_json(**changes), "policy")
    check_policy(found, document_digest(registry()), registry())
    return found


def prices(**changes: Any) -> PriceRound:
    """The round, with some of its fields replaced."""
    return PriceRound.from_json_value(deepcopy(ROUND) | changes, "round")


def portfolio(value: dict[str, Any], **signed: str) -> Portfolio:
    """A portfolio, with some of its signed amounts replaced."""
    changed = {name.replace("_", "-"): amount for name, amount in signed.items()}
    fresh = deepcopy(value)
    fresh["signed"] |= changed
    return Portfolio.from_json_value(fresh, "portfolio")
