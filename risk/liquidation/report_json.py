"""A liquidation report as JSON for programs: every amount and price in full, as a string."""

from __future__ import annotations

from typing import Any

from ..clock import format_time
from ..report_json import exact
from .policy_auction import CollateralAuction
from .report import LiquidationReport


def liquidation_json(report: LiquidationReport) -> dict[str, Any]:
    """The report for programs; every number exact."""
    return {
        "account": report.account,
        "policy": report.policy,
        "category": report.category,
        "quote": report.quote,
        "time": format_time(report.time),
        "shocks": {symbol: exact(shock) for symbol, shock in report.shocks.items()},
        "liquidatable": report.liquidatable,
        "outcome": report.outcome,
        "headroom": exact(report.headroom),
        "headroom_after": exact(report.headroom_after),
        "health": exact(report.health),
        "health_after": exact(report.health_after),
        "repaid_value": exact(report.repaid_value),
        "penalty_value": exact(report.penalty_value),
        "seized_value": exact(report.seized_value),
        "bad_debt": exact(report.bad_debt),
        "steps": [
            {
                "debt": step.debt,
                "collateral": step.collateral,
                "repaid": exact(step.repaid),
                "seized": exact(step.seized),
                "to_liquidator": exact(step.to_liquidator),
                "protocol_fee": exact(step.protocol_fee),
                "repaid_value": exact(step.repaid_value),
                "penalty_value": exact(step.penalty_value),
                "seized_value": exact(step.seized_value),
                "headroom": exact(step.headroom),
                "health": exact(step.health),
            }
            for step in report.steps
        ],
        "balances": [
            {
                "symbol": balance.symbol,
                "owed": balance.owed,
                "price": exact(balance.price),
                "before": exact(balance.before),
                "gone": exact(balance.gone),
                "left": exact(balance.left),
                "left_value": exact(balance.left_value),
            }
            for balance in report.balances
        ],
        "auctions": [_auction_json(auction) for auction in report.auctions],
    }


def _auction_json(auction: CollateralAuction) -> dict[str, Any]:
    return {
        "symbol": auction.symbol,
        "lot": exact(auction.auction.lot),
        "tab": exact(auction.auction.tab),
        "starting_price": exact(auction.auction.top),
        "market_price": exact(auction.market_price),
        "break_even_price": exact(auction.break_even_price),
        "seconds_to_market": auction.seconds_to_market,
        "seconds_to_break_even": auction.seconds_to_break_even,
        "course": [
            {"seconds": point.elapsed, "price": exact(point.price), "raises": exact(point.raised)}
            for point in auction.course()
        ],
    }
