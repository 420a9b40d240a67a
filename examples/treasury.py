"""A treasury at three venues on three chains, proved to a lender as one account.

Each venue vouches for what it keeps. The lender adds the commitments up and checks one proof about
the sum: what is bridged counts with a haircut, what is borrowed at one venue is netted against what
is held at another. All numbers are synthetic: venues, prices and positions were made up.
"""

from __future__ import annotations

from fractions import Fraction

from common import LENDER, ORACLE_RULE, Cast, asset_registry, number, show

import zkcollateral as zk
from zkcollateral.risk.clock import format_time
from zkcollateral.risk.pricing import price
from zkcollateral.risk.threshold import maintenance_threshold
from zkcollateral.risk.valuation import Account
from zkcollateral.risk.wrapped.look_through import by_issuer, by_root, depeg, look_through

VENUES = ("vault-ethereum", "desk-arbitrum", "bank-base")
ASSETS = [
    ("ETH", -8, "collateral"),
    ("wstETH", -8, "collateral"),
    ("arb-wstETH", -8, "collateral"),
    ("base-USDC", -6, "collateral"),
    ("USDC", -6, "debt"),
    ("ETH-PERP", -8, "signed"),
]
PORTFOLIOS = {
    "vault-ethereum": {"collateral": {"ETH": "120", "wstETH": "310.5"}, "debt": {"USDC": "900000"}},
    "desk-arbitrum": {"collateral": {"arb-wstETH": "205.25"}, "signed": {"ETH-PERP": "-150"}},
    "bank-base": {"collateral": {"base-USDC": "410000"}, "signed": {"ETH-PERP": "40"}},
}
ISSUERS = {"stETH": "staking-protocol", "arb-wstETH": "bridge-one", "base-USDC": "bridge-two"}
TODAY = {
    "ETH": ("3004.2", "3002.85", "3001.5"),
    "USDC": ("1", "0.9999", "0.9998"),
    "ETH-PERP": ("3004", "3003", "3002"),
}
FIGURES = {"wstETH.rate": ("1.2", "1.2", "1.2")}


def policy_for(registry: zk.Registry) -> zk.Policy:
    """Maintenance of the whole, also when a bridge fails and when stETH depegs in a crash."""
    crash = {"ETH": "-0.35", "ETH-PERP": "-0.35"}
    return zk.Policy.from_json_value(
        {
            "format": "zkcollateral/policy/1",
            "name": "treasury-line",
            "registry": zk.document_digest(registry),
            "quote": "USD",
            "ratio": "1.2",
            "factors": {
                "collateral": {
                    "ETH": "0.85",
                    "wstETH": "0.82",
                    "arb-wstETH": "0.8",
                    "base-USDC": "0.95",
                },
                "debt": {"USDC": "1"},
                "signed": {"ETH-PERP": {"long": "0.9", "short": "1.1"}},
            },
            "value_decimals": "12",
            "oracle": ORACLE_RULE.model_dump(),
            "commitments": {
                "max_age_seconds": "86400",
                "max_summands": "3",
                "max_apart_seconds": "600",
                "unvouched": False,
            },
            "profile": "balanced",
            "claims": {
                "healthy": {"type": "maintenance"},
                "healthy-in-a-crash": {
                    "type": "stress",
                    "scenarios": [
                        {"name": "crash", "shocks": crash},
                        {"name": "bridge-one-fails", "shocks": {"arb-wstETH": "-1"}},
                        {"name": "crash-and-depeg", "shocks": {**crash, "stETH": "-0.45"}},
                    ],
                },
                "healthy-without-any-stETH": {
                    "type": "stress",
                    "scenarios": [{"name": "stETH-fails", "shocks": {"stETH": "-1"}}],
                },
            },
            "growth_caps": {
                "wstETH": {
                    "underlying": "stETH",
                    "rate": "wstETH.rate",
                    "snapshot": "1.199",
                    "snapshot_time": format_time(zk.now()),
                    "yearly_growth": "0.08",
                }
            },
            "wrapped": {
                "stETH": {"underlying": "ETH", "haircut": "0"},
                "arb-wstETH": {"underlying": "wstETH", "haircut": "0.03"},
                "base-USDC": {"underlying": "USDC", "haircut": "0.01"},
            },
        },
        "policy",
    )


def show_inside(account: Account) -> None:
    """What only the treasury sees: its roots, and who stands behind them."""
    show(
        "Seen through to the root (secret)",
        [
            (
                f"{each.symbol} ({each.side})",
                " > ".join(each.links) or "-",
                f"{number(each.held_value - each.owed_value)} USD",
            )
            for each in look_through(account)
        ],
    )
    roots = [(each.name, f"{number(each.net)} USD net") for each in by_root(account)]
    behind = [
        (each.name, f"{number(100 * (each.share or 0))} % of what is held")
        for each in by_issuer(account, ISSUERS)
    ]
    lost = depeg(account, "arb-wstETH", Fraction(1), [maintenance_threshold(account)])
    left = f"{number(lost.margins['maintenance'])} USD above maintenance then"
    show("By root, by issuer, and if bridge-one fails (secret)", [*roots, *behind, ("left", left)])


def main() -> None:
    """Three venues vouch, the treasury proves, the lender checks."""
    print("Synthetic numbers throughout; keys, commitments and proofs are real.")
    registry = asset_registry("treasury", ASSETS)
    policy = policy_for(registry)
    cast = Cast(VENUES)
    prices = cast.sign_prices(policy, TODAY, FIGURES)
    portfolios = {
        venue: zk.Portfolio.build(
            account=f"treasury-{venue}",
            **{
                side: {symbol: zk.Exact(text) for symbol, text in held.get(side, {}).items()}
                for side in ("collateral", "debt", "signed")
            },
        )
        for venue, held in PORTFOLIOS.items()
    }
    amounts = [portfolio.amounts(registry) for portfolio in portfolios.values()]
    total = [sum(column) for column in zip(*amounts, strict=True)]
    show_inside(Account(policy, registry, price(policy, prices.round), total))

    holdings = [cast.vouch(registry, portfolios[venue], venue) for venue in VENUES]
    claims = tuple(policy.claims)
    reports = cast.prove_together(policy, registry, holdings, prices, claims, "the whole treasury")
    report = reports["healthy"]
    show(
        f"What {LENDER} learns",
        [
            ("claims", ", ".join(name for name, found in reports.items() if found is not None)),
            ("vouched by", ", ".join(VENUES)),
            ("of the prices", f"{len(policy.symbols)} prices and a rate, signed by three oracles"),
            ("checks passed", "none" if report is None else str(len(report.checks))),
        ],
    )
    show(
        f"What {LENDER} does not learn",
        [
            ("amounts", "of any asset, at any venue or together"),
            ("values", "what is held, owed, or left above the threshold"),
            ("places", "what is on which chain, and what is hedged against what"),
            ("the claim that failed", "nobody is shown that it was tried"),
        ],
    )


if __name__ == "__main__":
    main()
