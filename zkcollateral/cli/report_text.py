"""A health report as tables for people."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor, log10
from typing import Literal

from ..risk.boundary import Bound, Boundary, SafePrices
from ..risk.clock import format_time
from ..risk.report import HealthReport
from ..risk.report_json import NONE
from ..risk.threshold import ThresholdName

Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]
"""Title, columns, rows."""

PRICE_DIGITS = 8


def thresholds(report: HealthReport) -> tuple[ThresholdName, ...]:
    """The thresholds that the policy has."""
    return ("maintenance",) if report.liquidation is None else ("maintenance", "liquidation")


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
        ("maintenance ratio", _applied_ratio(report)),
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


def _applied_ratio(report: HealthReport) -> str:
    """The ratio that applies, and of an adaptive one why."""
    applied = report.adaptive
    if applied is None:
        return _ratio(report.ratio, up=True)
    why = [f"volatility {_percent(applied.volatility, up=True)} of {applied.symbol}"]
    if applied.stress:
        why.append(f"network stress +{_ratio(applied.stress, up=True)}")
    held = {
        "floor": "held at the floor",
        "cap": "held at the cap",
        "rise": "may not rise faster",
        "fall": "may not fall faster",
    }
    why += [held[applied.limit]] if applied.limit != "none" else []
    return f"{_ratio(report.ratio, up=True)} ({', '.join(why)})"


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
