"""A cascade report as tables for people; all numbers are rounded statistics."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf

from ..risk.system.report import CascadeReport
from ..risk.system.spiral import ShockPoint, Spiral
from .report_text import Table


def tables(report: CascadeReport) -> list[Table]:
    """What came of it, asset by asset, and at which shocks it feeds itself."""
    found = [_summary(report), _assets(report)]
    if report.spiral is not None:
        found += [_critical(report.spiral), _points(report.spiral, report.quote)]
    return found


def _summary(report: CascadeReport) -> Table:
    cascade, quote = report.cascade, report.quote

    def money(value: float) -> str:
        return f"{value:,.2f} {quote}"

    share = cascade.liquidated / cascade.accounts
    tried = int(cascade.tried.sum()) - int(cascade.liquidations.sum())
    rows = [
        ("accounts", f"{cascade.accounts:,}"),
        ("accounts liquidated", f"{cascade.liquidated:,} ({share:.2%})"),
        ("liquidations", f"{int(cascade.liquidations.sum()):,}"),
        ("too late for a profit", f"{tried:,}"),
        ("collateral sold, proceeds", money(cascade.proceeds)),
        ("debt repaid", money(float(cascade.repaid.sum()))),
        ("liquidators' profit", money(float(cascade.profit.sum()))),
        ("gas", money(float(cascade.gas.sum()))),
        ("lost to price impact", money(float(cascade.pool_gain.sum()))),
        ("written off", money(float(cascade.written_off.sum()))),
        ("shortfall at the end", money(cascade.final_shortfall)),
        ("bad debt", money(cascade.bad_debt)),
        ("collateral's fall by the shock", f"{cascade.exogenous_fall:.2%}"),
        ("collateral's fall in all", f"{cascade.fall:.2%}"),
        ("amplification", _times(cascade.amplification)),
    ]
    shocks = ", ".join(f"{symbol} {shock:+.2%}" for symbol, shock in report.shocks.items())
    made = f"; {report.synthetic}" if report.synthetic else ""
    steps = len(cascade.market)
    title = f"Cascade under {report.policy} after {shocks}, {steps:,} steps{made}"
    return title, ("what", "is"), rows


def _assets(report: CascadeReport) -> Table:
    cascade = report.cascade
    rows = []
    for place, symbol in enumerate(cascade.symbols):
        depth = report.setting.depths.get(symbol)
        sold = float(cascade.sold[:, place].sum())
        size = "none" if depth is None else _amount(depth.amount)
        rows.append(
            (
                symbol,
                _amount(float(cascade.prices[place])),
                _amount(float(cascade.exogenous[:, place].min())),
                _amount(float(cascade.lowest[place])),
                _amount(float(cascade.market[-1, place])),
                f"{float(cascade.impact[place]):.2%}",
                _amount(sold),
                _amount(float(cascade.to_protocol[:, place].sum())),
                size,
            )
        )
    columns = (
        "asset",
        "price before",
        "exogenous low",
        "market low",
        "market last",
        "impact",
        "sold",
        "to protocol",
        "depth",
    )
    return f"Assets: prices in {report.quote}, amounts in whole assets", columns, rows


def _critical(spiral: Spiral) -> Table:
    loop = spiral.loop.critical
    if spiral.critical is None:
        simulated = f"none: amplification stays below {spiral.bound:g}"
    else:
        simulated = f"{spiral.critical:.3%} (within {spiral.resolution:.3%})"
    rows = [
        (f"amplification reaches {spiral.bound:g} at a shock of", simulated),
        (
            "by the loop's gain alone, at",
            "none: the gain stays below 1" if loop is None else f"{loop:.2%}",
        ),
    ]
    return "Spiral: the shock at which liquidations feed themselves", ("what", "is"), rows


def _points(spiral: Spiral, quote: str) -> Table:
    rows = [
        (
            f"{point.shock:.3%}",
            f"{point.fall:.2%}",
            _times(point.amplification),
            f"{point.impact:.2%}",
            f"{point.liquidated:,}",
            f"{point.bad_debt:,.2f}",
        )
        for point in _some(spiral)
    ]
    columns = ("shock", "fall in all", "amplification", "impact", "liquidated", "bad debt")
    return f"Other shocks in the same direction: bad debt in {quote}", columns, rows


def _some(spiral: Spiral) -> Sequence[ShockPoint]:
    """The points of the grid, and on both sides of the critical shock the nearest."""
    points = spiral.points
    after = [i for i, point in enumerate(points) if point.shock == spiral.critical]
    near = {*after, *(place - 1 for place in after)}
    return [point for i, point in enumerate(points) if i in near or not point.bisected]


def _times(value: float | None) -> str:
    return "none: exogenous prices did not fall" if value is None else f"{value:.3f}"


def _amount(value: float) -> str:
    if isinf(value):
        return "infinite"
    return f"{value:,.2f}" if value >= 1000 or not value else f"{value:,.6g}"
