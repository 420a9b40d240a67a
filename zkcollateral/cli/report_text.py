"""A health report as tables for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor, log10
from typing import Any, Literal

from ..risk.boundary import Bound, Boundary, SafePrices
from ..risk.clock import format_time
from ..risk.limit_use import LimitUse
from ..risk.report import HealthReport, Standing
from ..risk.threshold import ThresholdName
from ..risk.values import Exact

Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]
"""Title, columns, rows."""

NONE = "none"
PRICE_DIGITS = 8


def thresholds(report: HealthReport) -> tuple[ThresholdName, ...]:
    """The thresholds that the policy has."""
    return ("maintenance",) if report.liquidation is None else ("maintenance", "liquidation")


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
                "maintenance": _safe_json(asset.maintenance),
                "liquidation": None if asset.liquidation is None else _safe_json(asset.liquidation),
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
            {"first_price": exact(point.first_price), "second": _safe_json(point.second)}
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


def tables(report: HealthReport) -> list[Table]:
    """The report for people: health, limits and distance per asset, rounded."""
    limits = [_limit_table(report)] if report.limits else []
    return [_health_table(report), *limits, _distance_table(report)]


def boundary_table(boundary: Boundary) -> tuple[Sequence[str], Sequence[Sequence[str]], str]:
    """Columns, rows and title of a boundary, at every second point."""
    return (
        (f"{boundary.first} at", f"{boundary.second} from", f"{boundary.second} to"),
        [(price_text(p.first_price), *_safe_cells(p.second)) for p in boundary.points[::2]],
        f"Boundary of {boundary.threshold}: at these prices the account still passes",
    )


def _health_table(report: HealthReport) -> Table:
    def money(value: Fraction) -> str:
        return f"{decimal(value)} {report.quote}"

    rows = [
        ("collateral, market value", money(report.collateral)),
        ("debt, market value", money(report.debt)),
        ("equity", money(report.equity)),
        ("weighted collateral", money(report.weighted_collateral)),
        ("weighted debt", money(report.weighted_debt)),
        ("collateralization ratio", _ratio(report.collateralization_ratio)),
        ("loan to value", _ratio(report.loan_to_value, up=True)),
        ("health factor", _ratio(report.health_factor)),
        ("margin ratio", _ratio(report.margin_ratio, up=True)),
    ]
    for name, standing in (
        ("maintenance", report.maintenance),
        ("liquidation", report.liquidation),
    ):
        if standing is None:
            continue
        share = standing.headroom_share
        part = "no collateral" if share is None else f"{_percent(share)} of the collateral"
        low, high = _change_cells(standing.common_shock)
        rows += [
            (f"above {name}", f"{money(standing.headroom)} ({part})"),
            (f"common shock to {name}", low if high == NONE else f"{low} or {high}"),
        ]
    if report.misplaced:
        rows.append(("misplaced", ", ".join(report.misplaced)))
    rows.append(("maintained", "passed" if report.maintained else "failed"))
    if report.liquidation is not None:
        safe = report.liquidation.headroom >= 0
        rows.append(("liquidation test", "passed" if safe else "failed"))
    category = f", category {report.category}" if report.category else ""
    title = (
        f"Health of {report.account} under {report.policy}{category}, "
        f"prices of {format_time(report.time)}"
    )
    return title, ("what", "is"), rows


def _limit_table(report: HealthReport) -> Table:
    rows = [
        (
            limit.name,
            ", ".join(limit.assets),
            _percent(limit.share),
            _percent(limit.used, up=True),
            f"{decimal(limit.over)} {report.quote}" if limit.over else "0",
            "failed" if not limit.met else "uncounted" if limit.over else "passed",
        )
        for limit in report.limits
    ]
    return "Limits", ("limit", "assets", "at most", "used", "too much", "is"), rows


def _distance_table(report: HealthReport) -> Table:
    columns = ["asset", "price", "held", "owed"]
    for threshold in thresholds(report):
        columns += [f"{threshold} from", f"{threshold} to"]
    rows = []
    for asset in report.assets:
        name = asset.symbol if asset.follows is None else f"{asset.symbol} (with {asset.follows})"
        row = [name, price_text(asset.price), decimal(asset.held), decimal(asset.owed)]
        for prices in (asset.maintenance, asset.liquidation):
            row += [] if prices is None else _safe_cells(prices)
        rows.append(row)
    return f"Distance: prices in {report.quote} at which the account passes", columns, rows


def decimal(value: Fraction, places: int = 2, *, up: bool = False) -> str:
    """Rounded down, or up, to some decimals, with commas between thousands."""
    scaled = (ceil if up else floor)(value * 10**places)
    whole, part = divmod(abs(scaled), 10**places)
    decimals = f".{part:0{places}d}" if places else ""
    return f"{'-' if scaled < 0 else ''}{whole:,}{decimals}"


def price_text(price: Fraction) -> str:
    """A price to about eight digits, at least two decimals."""
    if not price:
        return "0"
    size = floor(log10(price.numerator) - log10(price.denominator))
    places = max(2, PRICE_DIGITS - 1 - size)
    text = decimal(price + Fraction(1, 2 * 10**places), places)
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def _ratio(value: Fraction | Literal["infinite"], *, up: bool = False) -> str:
    return value if isinstance(value, str) else decimal(value, 4, up=up)


def _percent(value: Fraction, *, up: bool = False) -> str:
    return f"{decimal(value * 100, up=up)}%"


def _change_cells(prices: SafePrices) -> tuple[str, str]:
    if not prices.passable:
        return "never", NONE
    return _change_cell(prices.lower, up=True), _change_cell(prices.upper)


def _change_cell(bound: Bound | None, *, up: bool = False) -> str:
    """The change to a bound, rounded towards what passes: up to a lower one."""
    if bound is None:
        return NONE
    return f"{'+' if bound.change > 0 else ''}{_percent(bound.change, up=up)}"


def _safe_cells(prices: SafePrices) -> tuple[str, str]:
    if not prices.passable:
        return "never", "never"
    low, high = _change_cells(prices)
    return _bound_cell(prices.lower, low), _bound_cell(prices.upper, high)


def _bound_cell(bound: Bound | None, change: str) -> str:
    return NONE if bound is None else f"{price_text(bound.price)} ({change})"


def _standing_json(standing: Standing) -> dict[str, Any]:
    return {
        "headroom": exact(standing.headroom),
        "headroom_share": exact(standing.headroom_share),
        "health_factor": exact(standing.health_factor),
        "common_shock": _safe_json(standing.common_shock, "multiple"),
    }


def _safe_json(prices: SafePrices, name: str = "price") -> dict[str, Any]:
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
