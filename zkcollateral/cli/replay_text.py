"""Replay and stress reports as tables for people, rounded towards the cautious side."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from ..risk.clock import format_time
from ..risk.liquidation.report import LiquidationReport
from ..risk.replay.candles import DAY, span_text, time_label
from ..risk.replay.replay import Breaches, Moment, ReplayReport
from ..risk.replay.stress import Outcome, StressReport
from .report_text import Table, decimal, price_text

SHOWN_SHOCKS = 6
"""Assets whose changes a row names."""


def replay_tables(report: ReplayReport) -> list[Table]:
    """What was replayed, where it failed, and the worst candles."""
    return [_summary_table(report), _worst_table(report)]


def stress_tables(report: StressReport) -> list[Table]:
    """Every scenario, and the worst."""
    return [_scenario_table(report), _verdict_table(report)]


def percent(value: Fraction, *, up: bool = False) -> str:
    """A share as a signed percentage, rounded down or up."""
    return f"{'+' if value > 0 else ''}{decimal(value * 100, up=up)}%"


def _summary_table(report: ReplayReport) -> Table:
    path, aligned = report.path, report.aligned
    now = "from where they are now" if path.mode == "scaled" else "the historical prices themselves"
    rows = [("prices", now)]
    for symbol, series, base in zip(path.symbols, aligned.series, path.bases, strict=True):
        source = series.symbol or "candles without a name"
        beginning = "opened at" if path.mode == "scaled" else "is now at"
        rows.append((symbol, f"{source}, {beginning} {price_text(base)}"))
    if report.unmoved:
        rows.append(("stay as they are", ", ".join(report.unmoved)))
    for breaches in report.breaches:
        rows += _breach_rows(breaches, report)
    if report.refused:
        rows.append(("fails every claim", ", ".join(report.refused)))
    if report.liquidation is not None:
        rows.append(("liquidated when first failed", _seized(report.liquidation)))
    first, last = aligned.times[0], aligned.times[-1]
    made_up = ", SYNTHETIC prices" if report.synthetic else ""
    title = (
        f"Replay of {report.account} under {report.policy}"
        f"{f', category {report.category}' if report.category else ''}: "
        f"{time_label(first, aligned.step)} to {time_label(last, aligned.step)}, "
        f"{len(path)} candles of a {span_text(aligned.step)}{made_up}"
    )
    return title, ("what", "is"), rows


def _breach_rows(breaches: Breaches, report: ReplayReport) -> list[tuple[str, str]]:
    name, step = breaches.threshold, report.aligned.step
    unit = "days" if step == DAY else "candles"

    def told(moment: Moment) -> str:
        margin = _margin(moment, name)
        return (
            f"{time_label(moment.time, step)}: {decimal(margin)} {report.quote}, "
            f"ratio {_ratio(moment.ratio)}"
        )

    refused = name == "maintenance" and report.refused
    return [
        (f"{name} test", "failed" if breaches.candles or refused else "passed"),
        (
            f"{name} failed on",
            f"{breaches.candles} of {len(report.path)} {unit}, {breaches.closes} at the close",
        ),
        (f"{name} first failed", "never" if breaches.first is None else told(breaches.first)),
        (f"{name} at worst", told(breaches.deepest)),
    ]


def _margin(moment: Moment, threshold: str) -> Fraction:
    if threshold == "liquidation" and moment.liquidation is not None:
        return moment.liquidation
    return moment.maintenance


def _worst_table(report: ReplayReport) -> Table:
    symbols = report.path.symbols[:SHOWN_SHOCKS]
    tests = [breaches.threshold for breaches in report.breaches]
    columns = ["day", "ratio", *(f"above {name}" for name in tests), *symbols]
    rows = [
        [
            time_label(moment.time, report.aligned.step),
            _ratio(moment.ratio),
            *(decimal(_margin(moment, name)) for name in tests),
            *(f"{percent(moment.shocks[s])} ({moment.prices[s]})" for s in symbols),
        ]
        for moment in report.worst
    ]
    more = len(report.path.symbols) - len(symbols)
    others = f"; {more} more assets moved" if more else ""
    return f"The worst candles, in {report.quote}; changes are from now{others}", columns, rows


def _scenario_table(report: StressReport) -> Table:
    tested = any(outcome.liquidation_margin is not None for outcome in report.outcomes)
    columns = ["scenario", "of", "maintained", "above maintenance", "ratio"]
    columns += ["above liquidation", "liquidated"] if tested else []
    columns += ["prices"]
    rows = []
    for outcome in (report.now, *report.outcomes):
        row = [
            outcome.tested.scenario.name,
            outcome.tested.source,
            "passed" if outcome.maintained else "failed",
            decimal(outcome.margin),
            _ratio(outcome.ratio),
        ]
        if tested:
            margin = outcome.liquidation_margin
            row.append("none" if margin is None else decimal(margin))
            row.append("-" if outcome.liquidation is None else _seized(outcome.liquidation))
        rows.append([*row, _shocks(outcome)])
    title = (
        f"Stress of {report.account} under {report.policy}, "
        f"prices of {format_time(report.time)}, in {report.quote}"
    )
    return title, columns, rows


def _verdict_table(report: StressReport) -> Table:
    worst, failed = report.worst, [o for o in report.outcomes if not o.maintained]
    rows = [
        ("worst scenario", worst.tested.scenario.name),
        ("above maintenance then", f"{decimal(worst.margin)} {report.quote}"),
        ("ratio then", f"{_ratio(worst.ratio)} ({_ratio(report.ratio, up=True)} is required)"),
        ("scenarios failed", f"{len(failed)} of {len(report.outcomes)}"),
    ]
    if report.refused:
        rows.append(("fails every claim", ", ".join(report.refused)))
    if report.unmoved:
        rows.append(("in no scenario", ", ".join(report.unmoved)))
    rows.append(("every scenario", "failed" if failed else "passed"))
    return "The worst", ("what", "is"), rows


def _shocks(outcome: Outcome) -> str:
    shocks = outcome.tested.scenario.shocks
    shown = [f"{symbol} {percent(shock)}" for symbol, shock in shocks.items()][:SHOWN_SHOCKS]
    more = len(shocks) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "") or "-"


def _seized(report: LiquidationReport) -> str:
    text = f"{decimal(report.seized_value, up=True)} {report.quote} seized"
    if report.bad_debt:
        text += f", {decimal(report.bad_debt, up=True)} bad debt"
    return text


def _ratio(value: Fraction | Literal["infinite"], *, up: bool = False) -> str:
    return value if isinstance(value, str) else decimal(value, 4, up=up)
