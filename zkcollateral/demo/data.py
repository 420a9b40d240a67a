"""The documents of the demonstration. All of it is made up: holder, venues, oracles, prices.

One holder has accounts at three venues: coins in custody (northgate), an exchange account with a
loan and a short perpetual (meridian), and a lending account (harbor). Together they are above the
policy's maintenance ratio, also under its synthetic stress scenarios.
"""

from __future__ import annotations

from typing import Any, Final

LENDER: Final = "lender-7"
OTHER_LENDER: Final = "lender-9"
ORACLES: Final = ("oracle-east", "oracle-west")
VENUES: Final = ("northgate", "meridian", "harbor")
SPOT_VENUES: Final = ("northgate", "harbor")

CLAIMS: Final = (
    ("maintenance", "policy.json", VENUES),
    ("stress", "policy.json", VENUES),
    ("survives-25", "policy.json", VENUES),
    ("rating-A", "rating.json", SPOT_VENUES),
)
"""Claim, policy, and the venues whose commitments are added up.

The rating is about the spot accounts: an upper bound on a ratio is not linear in a signed position.
"""

ROUNDS: Final = {"policy.json": "round.json", "rating.json": "rating-round.json"}
"""The price round for each policy."""

_ASSETS: Final = (
    ("BTC", "-8", "collateral"),
    ("ETH", "-9", "collateral"),
    ("wstETH", "-9", "collateral"),
    ("SOL", "-9", "collateral"),
    ("LINK", "-8", "collateral"),
    ("ARB", "-8", "collateral"),
    ("AVAX", "-8", "collateral"),
    ("AAVE", "-8", "collateral"),
    ("USDC", "-6", "collateral"),
    ("USDC", "-6", "debt"),
    ("USDT", "-6", "debt"),
    ("DAI", "-8", "debt"),
    ("ETH", "-9", "debt"),
    ("ETH-PERP", "-6", "signed"),
)

REGISTRY: Final[dict[str, Any]] = {
    "format": "zkcollateral/registry/1",
    "name": "synthetic-assets",
    "slots": "16",
    "assets": [
        {"slot": str(slot), "symbol": symbol, "unit": unit, "side": side}
        for slot, (symbol, unit, side) in enumerate(_ASSETS)
    ],
}

_PRICES: Final = {
    "BTC": ("64012.5", "63987.25"),
    "ETH": ("3104.2", "3101.85"),
    "wstETH": ("3641.7", "3638.9"),
    "SOL": ("148.32", "148.05"),
    "LINK": ("14.21", "14.18"),
    "ARB": ("0.8204", "0.8191"),
    "AVAX": ("27.55", "27.49"),
    "AAVE": ("96.4", "96.1"),
    "USDC": ("0.9999", "1"),
    "USDT": ("0.9998", "1.0001"),
    "DAI": ("1.0002", "0.9999"),
    "ETH-PERP": ("3105.1", "3102.4"),
}

PORTFOLIOS: Final[dict[str, dict[str, Any]]] = {
    "northgate": {
        "format": "zkcollateral/portfolio/1",
        "account": "vault-204",
        "collateral": {"BTC": "12.5", "ETH": "80.25"},
        "debt": {},
        "signed": {},
    },
    "meridian": {
        "format": "zkcollateral/portfolio/1",
        "account": "margin-7731",
        "collateral": {"BTC": "3.2", "SOL": "1500", "USDC": "121500.75"},
        "debt": {"USDT": "310000"},
        "signed": {"ETH-PERP": "-45.5"},
    },
    "harbor": {
        "format": "zkcollateral/portfolio/1",
        "account": "position-58",
        "collateral": {
            "wstETH": "120.75",
            "LINK": "6000",
            "ARB": "50000",
            "AVAX": "1200",
            "AAVE": "300",
        },
        "debt": {"USDC": "220000", "DAI": "180000", "ETH": "25"},
        "signed": {},
    },
}

BRITTLE_VENUE: Final = "meridian"
BRITTLE: Final[dict[str, Any]] = {
    "format": "zkcollateral/portfolio/1",
    "account": "margin-0013",
    "collateral": {"BTC": "2", "ARB": "90000"},
    "debt": {"USDC": "140000"},
    "signed": {"ETH-PERP": "-4"},
}
"""An account that is below maintenance, and whose holder would like to prove otherwise."""


_COLLATERAL_FACTORS: Final = {
    "BTC": "0.85",
    "ETH": "0.83",
    "wstETH": "0.79",
    "SOL": "0.7",
    "LINK": "0.65",
    "ARB": "0.5",
    "AVAX": "0.6",
    "AAVE": "0.6",
    "USDC": "0.95",
}
_DEBT_FACTORS: Final = {"USDC": "1", "USDT": "1", "DAI": "1", "ETH": "1.1"}


def lending_policy(registry_digest: str) -> dict[str, Any]:
    """The lender's policy about everything that the holder has."""
    signed = {"ETH-PERP": {"long": "0.8", "short": "1.1"}}
    claims = {
        "maintenance": {"type": "maintenance"},
        "stress": {"type": "stress", "scenarios": _scenarios()},
        "survives-25": {"type": "survives", "assets": ["BTC", "ETH", "wstETH"], "fall": "0.25"},
    }
    return _policy("prime-lending", registry_digest, signed, claims)


def rating_policy(registry_digest: str) -> dict[str, Any]:
    """The lender's ratings of spot accounts; a perpetual is not priced, so there must be none."""
    claims = {
        "rating-A": {"type": "band", "low": "2.5", "high": "3.5"},
        "rating-B": {"type": "band", "low": "1.5", "high": "2.5"},
    }
    return _policy("spot-rating", registry_digest, {}, claims)


def _policy(
    name: str, registry_digest: str, signed: dict[str, Any], claims: dict[str, Any]
) -> dict[str, Any]:
    return {
        "format": "zkcollateral/policy/1",
        "name": name,
        "registry": registry_digest,
        "quote": "USD",
        "ratio": "1.15",
        "factors": {"collateral": _COLLATERAL_FACTORS, "debt": _DEBT_FACTORS, "signed": signed},
        "value_decimals": None,
        "oracle": {"quorum": "2", "max_age_seconds": "900", "max_deviation": "0.02"},
        "commitments": {
            "max_age_seconds": "86400",
            "max_summands": "8",
            "max_apart_seconds": "86400",
            "unvouched": False,
        },
        "profile": "balanced",
        "claims": claims,
    }


def _scenarios() -> list[dict[str, Any]]:
    """Shocks that never happened, and say so in their names."""
    ether = ("ETH", "wstETH", "ETH-PERP")
    others = ("SOL", "LINK", "ARB", "AVAX", "AAVE")
    return [
        {
            "name": "synthetic:broad-selloff",
            "shocks": {
                "BTC": "-0.35",
                **dict.fromkeys(ether, "-0.4"),
                **dict.fromkeys(others, "-0.55"),
            },
        },
        {"name": "synthetic:bitcoin-only", "shocks": {"BTC": "-0.45"}},
        {"name": "synthetic:ether-squeeze", "shocks": dict.fromkeys(ether, "0.6")},
        {"name": "synthetic:staking-discount", "shocks": {"ETH": "-0.25", "wstETH": "-0.4"}},
        {"name": "synthetic:dollar-peg-break", "shocks": {"USDC": "-0.08", "DAI": "0.04"}},
        {"name": "synthetic:small-coins-gone", "shocks": dict.fromkeys(others, "-1")},
    ]


def report(oracle: str, time: str) -> dict[str, Any]:
    """The price report of one of the oracles, at a time."""
    which = ORACLES.index(oracle)
    return {
        "format": "zkcollateral/price-report/1",
        "oracle": oracle,
        "time": time,
        "quote": "USD",
        "prices": {symbol: prices[which] for symbol, prices in _PRICES.items()},
    }
