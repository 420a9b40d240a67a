"""A small but complete set of documents, each a fresh JSON value, and a way to change one place."""

from __future__ import annotations

import copy
from typing import Any

from zkcollateral.crypto.canonical import digest
from zkcollateral.risk.policy import Policy
from zkcollateral.risk.prices import PriceReport, PriceRound
from zkcollateral.risk.registry import Registry

MISSING = object()


def registry_value() -> dict[str, Any]:
    return {
        "format": "zkcollateral/registry/1",
        "name": "venue-assets",
        "slots": "8",
        "assets": [
            {"slot": "0", "symbol": "BTC", "unit": "-8", "side": "collateral"},
            {"slot": "1", "symbol": "ETH", "unit": "-9", "side": "collateral"},
            {"slot": "2", "symbol": "ETH", "unit": "-9", "side": "debt"},
            {"slot": "4", "symbol": "USDC", "unit": "-6", "side": "debt"},
            {"slot": "5", "symbol": "ETH-PERP", "unit": "-4", "side": "signed"},
            {"slot": "7", "symbol": "DUST", "unit": "3", "side": "collateral"},
        ],
    }


def policy_value() -> dict[str, Any]:
    return {
        "format": "zkcollateral/policy/1",
        "name": "lender-7",
        "registry": digest(registry_value()),
        "quote": "USD",
        "ratio": "1.250",
        "factors": {
            "collateral": {"BTC": "0.85", "ETH": "0.8"},
            "debt": {"ETH": "1.05", "USDC": "1"},
            "signed": {"ETH-PERP": {"long": "0.9", "short": "1.1"}},
        },
        "value_decimals": None,
        "oracle": {"quorum": "2", "max_age_seconds": "600", "max_deviation": "0.02"},
        "commitments": {
            "max_age_seconds": "86400",
            "max_summands": "8",
            "max_apart_seconds": "86400",
            "unvouched": False,
        },
        "profile": "balanced",
        "claims": {
            "maintenance": {"type": "maintenance"},
            "crisis": {
                "type": "stress",
                "scenarios": [
                    {"name": "2020-03-12", "shocks": {"BTC": "-0.39", "ETH": "-0.44"}},
                    {"name": "spot", "shocks": {}},
                ],
            },
            "rating-A": {"type": "band", "low": "1.5", "high": "2.0"},
            "rating-AAA": {"type": "band", "low": "2.0", "high": None},
            "survives-30": {"type": "survives", "assets": ["BTC", "ETH"], "fall": "0.30"},
        },
    }


def portfolio_value() -> dict[str, Any]:
    return {
        "format": "zkcollateral/portfolio/1",
        "account": "acct-17",
        "collateral": {"BTC": "1.5", "DUST": "0"},
        "debt": {"USDC": "20000", "ETH": "0.250"},
        "signed": {"ETH-PERP": "-3"},
    }


def report_value() -> dict[str, Any]:
    return {
        "format": "zkcollateral/price-report/1",
        "oracle": "oracle-a",
        "time": "2026-01-31T12:00:00Z",
        "quote": "USD",
        "prices": {"BTC": "64000.10", "ETH": "3000", "ETH-PERP": "3001.5", "USDC": "1"},
    }


def round_value() -> dict[str, Any]:
    return {
        "format": "zkcollateral/price-round/1",
        "time": "2026-01-31T12:00:00Z",
        "quote": "USD",
        "prices": {"BTC": "64000.1", "ETH": "3000", "ETH-PERP": "3001.5", "USDC": "1"},
        "reports": ["0" * 64, "1" * 64],
    }


def registry() -> Registry:
    return Registry.from_json_value(registry_value(), "registry")


def policy(**changes: Any) -> Policy:
    return Policy.from_json_value({**policy_value(), **changes}, "policy")


def report(**changes: Any) -> PriceReport:
    return PriceReport.from_json_value({**report_value(), **changes}, "report")


def price_round(**changes: Any) -> PriceRound:
    return PriceRound.from_json_value({**round_value(), **changes}, "round")


def changed(value: Any, path: str, new: Any) -> Any:
    """A copy with the place at `path` (steps joined by `/`) set to `new`, or removed if MISSING."""
    result = copy.deepcopy(value)
    here = result
    *steps, last = [int(step) if step.isdigit() else step for step in path.split("/")]
    for step in steps:
        here = here[step]
    if new is MISSING:
        del here[last]
    else:
        here[last] = new
    return result
