"""Reports of acting ahead as JSON for programs; fields that end in `_float` are statistics."""

from __future__ import annotations

from math import isnan
from typing import Any

from ..clock import format_time
from ..report_json import exact
from .report import DeleveragingReport, NeutralReport


def deleveraging_json(report: DeleveragingReport) -> dict[str, Any]:
    """The report for programs; amounts, costs and margins exact, as strings."""
    plan = report.plan
    infinite = "infinite"
    shadow = plan.shadow_margin_float
    return {
        "account": report.account,
        "policy": report.policy,
        "category": report.category,
        "quote": report.quote,
        "time": format_time(report.time),
        "target": exact(report.terms.ratio),
        "reached": plan.reached,
        "missing": exact(plan.missing),
        "ratio_before": infinite if report.ratio_before is None else exact(report.ratio_before),
        "ratio_after": infinite if report.ratio_after is None else exact(report.ratio_after),
        "margin_before": exact(plan.before),
        "margin_after": exact(plan.after),
        "sold_value": exact(plan.sold),
        "cost": exact(plan.cost),
        "left": exact(plan.left),
        "shadow_margin_float": None if isnan(shadow) else shadow,
        "shadow_limits": [
            {
                "symbol": each.symbol,
                "trade": "repay" if each.bought else "sell",
                "saves_float": each.saves_float,
            }
            for each in plan.shadow_limits
        ],
        "trades": [
            {
                "symbol": each.asset.symbol,
                "side": each.asset.side,
                "trade": "repay" if each.bought else "sell",
                "amount": exact(each.amount),
                "value": exact(each.value),
                "money": exact(each.money),
                "cost": exact(each.cost),
            }
            for each in plan.trades
        ],
        "positions": [
            {
                "symbol": each.asset.symbol,
                "side": each.asset.side,
                "price": exact(each.price),
                "before": exact(each.before),
                "after": exact(each.after),
            }
            for each in report.positions
        ],
        "breach": None
        if report.ahead is None
        else {
            "bound_float": report.ahead.bound_float,
            "before_float": report.ahead.before_float,
            "after_float": report.ahead.after_float,
            "reached": report.ahead.reached,
        },
    }


def neutral_json(report: NeutralReport) -> dict[str, Any]:
    """The report for programs; everything exact, as strings."""
    hedge = report.hedge
    return {
        "account": report.account,
        "policy": report.policy,
        "quote": report.quote,
        "time": format_time(report.time),
        "neutral": hedge.neutral,
        "cost": exact(hedge.cost),
        "trades": [
            {
                "symbol": each.instrument.name,
                "trade": "buy" if each.units > 0 else "sell",
                "amount": exact(abs(each.units)),
                "price": exact(each.instrument.price),
                "cost": exact(each.cost),
            }
            for each in hedge.positions
        ],
        "exposures": [
            {"symbol": symbol, "before": exact(before), "after": exact(hedge.after[symbol])}
            for symbol, before in hedge.before.items()
        ],
    }
