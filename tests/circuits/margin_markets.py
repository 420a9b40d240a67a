"""A market with portfolio margin: documents, keys and a verifier, as `tests.world`."""

from __future__ import annotations

import copy
from typing import Any

from tests.world import NOW, World
from zkcollateral.circuits.evidence import SignedRound, make_signed_round, report_envelope
from zkcollateral.risk.clock import format_time
from zkcollateral.risk.prices import PriceReport
from zkcollateral.risk.registry import Registry

CLAIM = "margin"

REGISTRY: dict[str, Any] = {
    "format": "zkcollateral/registry/1",
    "name": "derivatives",
    "slots": "8",
    "assets": [
        {"slot": "0", "symbol": "USDC", "unit": "-6", "side": "collateral"},
        {"slot": "1", "symbol": "BTC", "unit": "-8", "side": "collateral"},
        {"slot": "2", "symbol": "USDC", "unit": "-6", "side": "debt"},
        {"slot": "3", "symbol": "CALL", "unit": "-4", "side": "signed"},
        {"slot": "4", "symbol": "PUT", "unit": "-4", "side": "signed"},
        {"slot": "5", "symbol": "MARCH", "unit": "-4", "side": "signed"},
        {"slot": "6", "symbol": "PERP", "unit": "-4", "side": "signed"},
    ],
}

EXPIRY = "2026-03-27T08:00:00Z"


def option(right: str, strike: str) -> dict[str, Any]:
    return {
        "type": "option",
        "underlying": "BTC",
        "right": right,
        "strike": strike,
        "expiry": EXPIRY,
        "forward": "BTC-MARCH",
        "volatility": "iv",
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
                "buckets": "2",
                "volatility": {
                    "up": "0.5",
                    "down": "0.25",
                    "floor": "0.2",
                    "days": "30",
                    "near_power": "0.3",
                    "far_power": "0.13",
                },
                "offset": "0.5",
                "tails": [{"move": "-0.5", "weight": "0.32"}, {"move": "1", "weight": "0.16"}],
                "dampener": "1000",
            },
            "roll": {"minimum": "0.01", "yearly": "0.075"},
            "delta": {"threshold": "100000", "rate": "0.1"},
        }
    },
    "instruments": {
        "CALL": option("call", "70000"),
        "PUT": option("put", "60000"),
        "MARCH": {
            "type": "future",
            "underlying": "BTC",
            "expiry": EXPIRY,
            "settled": True,
            "price": "BTC-MARCH",
        },
        "PERP": {"type": "perpetual", "underlying": "BTC", "settled": False},
    },
    "spots": {"BTC": "BTC"},
}

PORTFOLIO: dict[str, Any] = {
    "format": "zkcollateral/portfolio/1",
    "account": "acct-1",
    "collateral": {"USDC": "120000", "BTC": "1"},
    "debt": {"USDC": "5000"},
    "signed": {"CALL": "-6", "PUT": "-2.5", "MARCH": "3", "PERP": "0.5"},
}

PRICES = {"BTC": "64000", "BTC-MARCH": "64500", "USDC": "1"}
FIGURES = {"iv": "0.6"}


class MarginWorld(World):
    """The world of `tests.world` with this registry, this policy and these prices."""

    def __init__(self, **changes: Any) -> None:
        super().__init__(registry=Registry.from_json_value(REGISTRY, "registry"), **changes)
        self.policy_value |= {
            "ratio": "1",
            "factors": {
                "collateral": {"USDC": "1", "BTC": "0.9"},
                "debt": {"USDC": "1.1"},
                "signed": {},
            },
            "claims": {
                CLAIM: {"type": "portfolio_margin", "factor": "0.8"},
                "maintenance": {"type": "maintenance"},
            },
            "margin": copy.deepcopy(MARGIN),
        }
        self.said = {"prices": dict(PRICES), "figures": dict(FIGURES)}

    def prices(self, time: Any = NOW) -> SignedRound:
        envelopes = []
        for name, key in self.oracles.items():
            value = {
                "format": "zkcollateral/price-report/1",
                "oracle": name,
                "time": format_time(time),
                "quote": "USD",
                **self.said,
            }
            report = PriceReport.from_json_value(value, "report")
            envelopes.append(report_envelope(report, key))
        return make_signed_round(envelopes, self.policy)

    def opening(self, portfolio: dict[str, Any] | None = None) -> Any:
        return super().opening(portfolio or PORTFOLIO)
