"""Reports as JSON for programs: every number in full, as a string."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final, Literal

from .boundary import Bound, Boundary, SafePrices
from .clock import format_time
from .limit_use import LimitUse
from .report import HealthReport, Standing
from .values import Exact
from .volatility.adaptive import AppliedRatio

NONE: Final = "none"
"""What stands where there is no number."""


def report_json(report: HealthReport) -> dict[str, Any]:
    """The report for programs; every number exact."""
    return {
        "account": report.account,
        "policy": report.policy,
        "category": report.category,
        "quote": report.quote,
        "time": format_time(report.time),
        "maintained": report.maintained,
        "collateral": exact(report.collateral),
        "debt": exact(report.debt),
        "equity": exact(report.equity),
        "weighted_collateral": exact(report.weighted_collateral),
        "weighted_debt": exact(report.weighted_debt),
        "collateralization_ratio": exact(report.collateralization_ratio),
        "loan_to_value": exact(report.loan_to_value),
        "health_factor": exact(report.health_factor),
        "requirement": exact(report.requirement),
        "margin_ratio": exact(report.margin_ratio),
        "ratio": exact(report.ratio),
        "adaptive": None if report.adaptive is None else _adaptive_json(report.adaptive),
        "maintenance": _standing_json(report.maintenance),
        "liquidation": None if report.liquidation is None else _standing_json(report.liquidation),
        "limits": [_limit_json(limit) for limit in report.limits],
        "misplaced": list(report.misplaced),
        "assets": [
            {
                "symbol": asset.symbol,
                "follows": asset.follows,
                "price": exact(asset.price),
                "held": exact(asset.held),
                "owed": exact(asset.owed),
                "weighted_held": exact(asset.weighted_held),
                "weighted_owed": exact(asset.weighted_owed),
                "maintenance": safe_json(asset.maintenance),
                "liquidation": None if asset.liquidation is None else safe_json(asset.liquidation),
            }
            for asset in report.assets
        ],
    }


def boundary_json(boundary: Boundary) -> dict[str, Any]:
    """A boundary for programs; every price exact."""
    return {
        "threshold": boundary.threshold,
        "first": boundary.first,
        "second": boundary.second,
        "first_price": exact(boundary.first_price),
        "second_price": exact(boundary.second_price),
        "points": [
            {"first_price": exact(point.first_price), "second": safe_json(point.second)}
            for point in boundary.points
        ],
    }


def exact(value: Fraction | Literal["infinite"] | None) -> str:
    """A number in full: a decimal if it has one, else a fraction such as 4/3; or a word."""
    if value is None:
        return NONE
    if isinstance(value, str):
        return value
    try:
        return str(Exact.of(value))
    except ValueError:
        return str(Fraction(value))


def _adaptive_json(applied: AppliedRatio) -> dict[str, Any]:
    return {
        "ratio": exact(applied.ratio),
        "volatility": exact(applied.volatility),
        "symbol": applied.symbol,
        "target": exact(applied.target),
        "limited": exact(applied.limited),
        "stress": exact(applied.stress),
        "limit": applied.limit,
    }


def _standing_json(standing: Standing) -> dict[str, Any]:
    return {
        "headroom": exact(standing.headroom),
        "headroom_share": exact(standing.headroom_share),
        "health_factor": exact(standing.health_factor),
        "common_shock": safe_json(standing.common_shock, "multiple"),
    }


def safe_json(prices: SafePrices, name: str = "price") -> dict[str, Any]:
    """Between which prices, or under `name` multiples of prices, a test is passed."""

    def bound(value: Bound | None) -> object:
        if value is None:
            return NONE
        return {name: exact(value.price), "change": exact(value.change), "exact": value.exact}

    return {
        "lower": bound(prices.lower),
        "upper": bound(prices.upper),
        "passable": prices.passable,
    }


def _limit_json(limit: LimitUse) -> dict[str, Any]:
    return {
        "name": limit.name,
        "assets": list(limit.assets),
        "share": exact(limit.share),
        "excess": limit.excess,
        "used": exact(limit.used),
        "over": exact(limit.over),
        "met": limit.met,
    }
