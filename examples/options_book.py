"""An options book under portfolio margin: its risk matrix, and a proof that shows nothing of it.

All numbers are synthetic: prices, volatilities and positions were made up for this example.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from common import COMMITMENT_RULE, ORACLE_RULE, Cast, asset_registry, number, show

import zkcollateral as zk
from zkcollateral.risk.clock import format_time

ASSETS = [
    ("BTC", -8, "collateral"),
    ("ETH", -8, "collateral"),
    ("USDC", -6, "signed"),
    ("BTC-PERP", -4, "signed"),
    ("BTC-FAR", -4, "signed"),
    ("BTC-72000-C", -2, "signed"),
    ("BTC-80000-C", -2, "signed"),
    ("BTC-56000-P", -2, "signed"),
    ("ETH-PERP", -3, "signed"),
    ("ETH-2800-P", -1, "signed"),
    ("ETH-2400-P", -1, "signed"),
    ("ETH-3600-C", -1, "signed"),
]
# What each of the three oracles says; the median counts. Volatilities are figures: 0.61 is 61 %.
PRICES = {
    "USDC": ("1", "1", "1"),
    "BTC": ("64012", "64000", "63990.5"),
    "BTC-FAR": ("65310", "65300", "65288"),
    "ETH": ("3200.8", "3200", "3199.1"),
}
VOLATILITIES = {
    "BTC-72000-C-IV": ("0.61", "0.612", "0.609"),
    "BTC-80000-C-IV": ("0.66", "0.662", "0.66"),
    "BTC-56000-P-IV": ("0.69", "0.69", "0.688"),
    "ETH-2800-P-IV": ("0.78", "0.782", "0.779"),
    "ETH-2400-P-IV": ("0.86", "0.861", "0.858"),
    "ETH-3600-C-IV": ("0.72", "0.721", "0.72"),
}
# Calls and puts against each other, and futures against both; coins are collateral beside cash.
BOOK = {
    "BTC": "2",
    "ETH": "20",
    "USDC": "55000",
    "BTC-PERP": "-1.25",
    "BTC-FAR": "2.5",
    "BTC-72000-C": "-12",
    "BTC-80000-C": "10",
    "BTC-56000-P": "6",
    "ETH-PERP": "-35",
    "ETH-2800-P": "-90",
    "ETH-2400-P": "90",
    "ETH-3600-C": "-40",
}
TOO_SHORT = {**BOOK, "BTC-80000-C": "-30"}


def grid(price_range: str, tails: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Nine prices with three volatilities each, as Deribit has them, and tails beyond."""
    return {
        "type": "grid",
        "price_range": price_range,
        "buckets": "4",
        "volatility": {
            "up": "0.45",
            "down": "0.3",
            "floor": "0",
            "days": "30",
            "near_power": "0.3",
            "far_power": "0.13",
        },
        "offset": "1",
        "tails": [{"move": move, "weight": weight} for move, weight in tails],
    }


def margin_model(near: datetime, far: datetime) -> dict[str, Any]:
    """Two underlyings, and every signed slot but the cash as an instrument."""
    instruments: dict[str, Any] = {
        "BTC-FAR": {
            "type": "future",
            "underlying": "BTC",
            "expiry": format_time(far),
            "settled": True,
            "price": "BTC-FAR",
        }
    }
    for symbol, _, side in ASSETS:
        name, _, what = symbol.partition("-")
        if what == "PERP":
            instruments[symbol] = {"type": "perpetual", "underlying": name, "settled": True}
        elif side == "signed" and what and what != "FAR":
            strike, _, right = what.partition("-")
            # The put on BTC is the one that expires with the future.
            late = symbol == "BTC-56000-P"
            instruments[symbol] = {
                "type": "option",
                "underlying": name,
                "right": "call" if right == "C" else "put",
                "strike": strike,
                "expiry": format_time(far if late else near),
                "forward": "BTC-FAR" if late else name,
                "volatility": f"{symbol}-IV",
            }
    roll = {"minimum": "0.01", "yearly": "0.05"}
    delta = {"threshold": "2000000", "rate": "0.02"}
    tails = [("-0.66", "0.24"), ("-0.33", "0.48"), ("0.5", "0.32"), ("1", "0.16")]
    return {
        "decimals": "8",
        "underlyings": {
            name: {
                "index": name,
                "settlement": "linear",
                "scenarios": grid(price_range, tails),
                "roll": roll,
                "delta": delta,
            }
            for name, price_range in (("BTC", "0.16"), ("ETH", "0.18"))
        },
        "instruments": instruments,
        "spots": {"BTC": "BTC", "ETH": "ETH"},
    }


def margin_policy(registry: zk.Registry) -> zk.Policy:
    """Claims of the whole requirement, and of 0.8 of it: an account with less is liquidated."""
    today = zk.now().replace(hour=8, minute=0, second=0)
    near, far = today + timedelta(days=26), today + timedelta(days=117)
    return zk.Policy.from_json_value(
        {
            "format": "zkcollateral/policy/1",
            "name": "portfolio-margin",
            "registry": zk.document_digest(registry),
            "quote": "USD",
            "ratio": "1",
            "factors": {
                "collateral": {"BTC": "0.95", "ETH": "0.93"},
                "debt": {},
                "signed": {"USDC": {"long": "1", "short": "1"}},
            },
            "value_decimals": None,
            "oracle": ORACLE_RULE.model_dump(),
            "commitments": COMMITMENT_RULE.model_dump(),
            "profile": "balanced",
            "claims": {
                "healthy": {"type": "portfolio_margin", "factor": "0.8"},
                "initial": {"type": "portfolio_margin", "factor": "1"},
            },
            "margin": margin_model(near, far),
        },
        "policy",
    )


def book(account: str, held: dict[str, str]) -> zk.Portfolio:
    """The portfolio of these amounts."""
    sides = {symbol: side for symbol, _, side in ASSETS}
    return zk.Portfolio.build(
        account=account,
        **{
            side: {s: zk.Exact(held[s]) for s in held if sides[s] == side}
            for side in ("collateral", "debt", "signed")
        },
    )


def show_margin(title: str, report: zk.MarginReport) -> None:
    """What the holder sees: equity, requirement, the worst scenarios, and what netting is worth."""
    show(
        title,
        [
            ("equity", f"{number(report.equity)} USD"),
            ("requirement, positions margined one by one", f"{number(report.positions_alone)} USD"),
            ("requirement, as one portfolio", f"{number(report.requirement)} USD"),
            ("above it", f"{number(report.headroom)} USD"),
        ],
    )
    rows = [("underlying", "worst scenario", "loss", "roll", "delta")]
    for group in report.groups:
        parts = (number(part) for part in (group.loss, group.roll, group.delta))
        rows.append((group.underlying, group.worst.name, *parts))
    show("What makes it up, in USD", rows)


def show_matrix(report: zk.MarginReport, underlying: str) -> None:
    """The risk matrix of an underlying: gain or loss by price and volatility, and the tails."""
    group = next(each for each in report.groups if each.underlying == underlying)
    rows = [("price", "volatility up", "the same", "down", "tail")]
    cells: dict[Fraction, dict[str, str]] = {}
    for each in group.scenarios:
        column = "tail" if each.scenario.tail else each.scenario.volatility
        mark = " *" if each.scenario == group.worst else ""
        cells.setdefault(each.scenario.move, {})[column] = f"{number(each.value, 0)}{mark}"
    for move, row in sorted(cells.items()):
        columns = ("up", "same", "down", "tail")
        rows.append((f"{number(move * 100, 0)} %", *(row.get(column, "") for column in columns)))
    show(f"Gain or loss on {underlying} in USD; * is the worst", rows)


def show_greeks(report: zk.MarginReport) -> None:
    """The Greeks by underlying, which are floats and decide nothing."""
    rows = [("underlying", "delta", "gamma", "vega a point", "theta a day")]
    for each in report.greeks:
        numbers = (each.delta, each.gamma, each.vega, each.theta)
        rows.append((each.underlying, *(f"{value:,.5g}" for value in numbers)))
    show("Greeks of the account", rows)


def main() -> None:
    """The whole way: with a book that is margined well, and with one that is short too much."""
    print("Synthetic numbers throughout; keys, commitments and proofs are real.")
    registry = asset_registry("options-book", ASSETS)
    policy = margin_policy(registry)
    cast = Cast()
    prices = cast.sign_prices(policy, PRICES, VOLATILITIES)
    claims = ("healthy", "initial")

    portfolio = book("desk-4", BOOK)
    report = zk.margin_report(portfolio, policy, registry, prices.round)
    show_margin("What the holder sees: an options book under portfolio margin", report)
    show_matrix(report, "BTC")
    show_greeks(report)
    show("What stays secret: every position", list(BOOK.items()))
    cast.prove_and_verify(policy, registry, portfolio, prices, claims)

    portfolio = book("desk-4", TOO_SHORT)
    report = zk.margin_report(portfolio, policy, registry, prices.round)
    show_margin("The same desk, short 30 of the far calls instead of long 10", report)
    cast.prove_and_verify(policy, registry, portfolio, prices, claims)


if __name__ == "__main__":
    main()
