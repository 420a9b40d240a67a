"""Reports of acting ahead as tables for people, and their pictures."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from ..risk.clock import format_time
from .report_text import Table, decimal, price_text

if TYPE_CHECKING:
    from ..risk.hedging.report import DeleveragingReport, NeutralReport


def deleveraging_tables(report: DeleveragingReport) -> list[Table]:
    """The verdict, and if there are any the trades and every position; rounded cautiously."""
    plan = report.plan

    def money(value: Fraction, *, up: bool = False) -> str:
        return f"{decimal(value, up=up)} {report.quote}"

    rows = [
        ("ratio wanted", decimal(report.terms.ratio, 4, up=True)),
        ("ratio", _ratio(report.ratio_before)),
        ("ratio after", _ratio(report.ratio_after)),
        ("above the ratio", money(plan.before)),
        ("above the ratio after", money(plan.after)),
        ("sold, market value", money(plan.sold, up=True)),
        ("cost", money(plan.cost, up=True)),
        ("left of the proceeds", money(plan.left)),
    ]
    if plan.shadow_margin_float == plan.shadow_margin_float:
        rows.append(("one more of margin costs", f"{plan.shadow_margin_float:.6f} {report.quote}"))
    for each in plan.shadow_limits:
        what = "repaid" if each.bought else "sold"
        saved = f"{each.saves_float:.4f} {report.quote}"
        rows.append((f"one more {each.symbol} {what} saves", saved))
    ahead = report.ahead
    if ahead is not None:
        rows += [
            ("breach, at most", f"{ahead.bound_float:.4%}"),
            ("breach", f"{ahead.before_float:.4%}"),
            ("breach after", f"{ahead.after_float:.4%}"),
            ("breach within the bound", "passed" if ahead.reached else "failed"),
        ]
    if plan.missing:
        rows.append(("out of reach by", money(plan.missing, up=True)))
    rows.append(("restored", "passed" if plan.reached else "failed"))
    category = f", category {report.category}" if report.category else ""
    title = (
        f"Deleveraging of {report.account} under {report.policy}{category}, "
        f"prices of {format_time(report.time)}"
    )
    found: list[Table] = [(title, ("what", "is"), rows)]
    if plan.trades:
        found += [_trades(report), _positions(report)]
    return found


def neutral_tables(report: NeutralReport) -> list[Table]:
    """The trades and the exposures before and after."""
    hedge = report.hedge
    trades = [
        (
            "buy" if each.units > 0 else "sell",
            each.instrument.name,
            _amount(abs(each.units)),
            price_text(each.instrument.price),
            decimal(each.cost, up=True),
        )
        for each in hedge.positions
    ]
    exposures = [
        (symbol, decimal(before), decimal(hedge.after[symbol]))
        for symbol, before in hedge.before.items()
    ]
    title = (
        f"Hedge of {report.account} under {report.policy}, prices of {format_time(report.time)}: "
        f"costs {decimal(hedge.cost, up=True)} {report.quote}"
    )
    neutral = [("neutral", "passed" if hedge.neutral else "failed")]
    return [
        (title, ("trade", "symbol", "amount", "price", "cost"), trades),
        (f"Exposures in {report.quote} per 100 %", ("symbol", "before", "after"), exposures),
        ("Verdict", ("what", "is"), neutral),
    ]


def draw_deleveraging(report: DeleveragingReport, kind: str) -> bytes:
    """Every position before and after, in value."""
    changes = [
        (
            f"{each.asset.symbol} ({each.asset.side})",
            _signed(each.asset.side, each.before * each.price),
            _signed(each.asset.side, each.after * each.price),
        )
        for each in report.positions
    ]
    ratios = f"ratio {_ratio(report.ratio_before)} → {_ratio(report.ratio_after)}"
    title = f"{report.account} under {report.policy}: {ratios}"
    return _bars(changes, f"market value in {report.quote}", title, kind)


def draw_neutral(report: NeutralReport, kind: str) -> bytes:
    """Every exposure before and after."""
    changes = [
        (symbol, float(before), float(report.hedge.after[symbol]))
        for symbol, before in report.hedge.before.items()
    ]
    title = f"{report.account} under {report.policy}: exposures"
    return _bars(changes, f"{report.quote} per 100 %", title, kind)


def _bars(changes: list[tuple[str, float, float]], label: str, title: str, kind: str) -> bytes:
    from matplotlib.figure import Figure

    from .plots import rendered

    figure = Figure(figsize=(7.5, 1.5 + 0.6 * len(changes)), layout="constrained")
    axes = figure.subplots()
    rows = range(len(changes))
    axes.barh([row - 0.2 for row in rows], [each[1] for each in changes], 0.36, label="before")
    axes.barh([row + 0.2 for row in rows], [each[2] for each in changes], 0.36, label="after")
    axes.axvline(0, color="black", lw=1)
    axes.set_yticks(list(rows), [each[0] for each in changes])
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set(xlabel=label, title=title)
    axes.legend()
    return rendered(figure, kind)


def _signed(side: str, value: Fraction) -> float:
    return -float(value) if side == "debt" else float(value)


def _trades(report: DeleveragingReport) -> Table:
    rows = [
        (
            "repay" if each.bought else "sell",
            each.asset.symbol,
            _amount(each.amount),
            decimal(each.value, up=not each.bought),
            decimal(each.money, up=each.bought),
            decimal(each.cost, up=True),
        )
        for each in report.plan.trades
    ]
    columns = ("trade", "symbol", "amount", "value", "takes or brings", "cost")
    return f"Trades: values in {report.quote}", columns, rows


def _positions(report: DeleveragingReport) -> Table:
    rows = [
        (
            each.asset.symbol,
            each.asset.side,
            price_text(each.price),
            _amount(each.before),
            _amount(each.after),
        )
        for each in report.positions
    ]
    columns = ("asset", "side", "price", "before", "after")
    return f"Positions: prices in {report.quote}", columns, rows


def _amount(value: Fraction) -> str:
    """All its decimals, of which an amount in whole smallest units has few."""
    places = 0
    while (value * 10**places).denominator != 1:
        places += 1
    return decimal(value, places)


def _ratio(value: Fraction | None) -> str:
    return "infinite" if value is None else decimal(value, 4)
