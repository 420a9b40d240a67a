"""Replay and stress reports as JSON: exact numbers as strings, floats in `_float` fields."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..clock import format_time
from ..liquidation.report import LiquidationReport
from ..report_json import NONE, exact
from .candles import Floats
from .replay import Breaches, Moment, ReplayReport
from .stress import Outcome, StressReport
from .stress_grid import StressGrid


def replay_json(report: ReplayReport) -> dict[str, Any]:
    """The report for programs; `none` is no such number, null a float without bound."""
    path, drawn = report.path, report.replayed
    return {
        "account": report.account,
        "policy": report.policy,
        "category": report.category,
        "quote": report.quote,
        "time": format_time(report.time),
        "mode": path.mode,
        "synthetic": report.synthetic,
        "first": format_time(path.aligned.times[0]),
        "last": format_time(path.aligned.times[-1]),
        "step_seconds": int(path.aligned.step.total_seconds()),
        "candles": len(path),
        "prices": [
            {
                "symbol": symbol,
                "candles": series.symbol,
                "base": exact(base),
                "left_out": left_out,
            }
            for symbol, series, base, left_out in zip(
                path.symbols, path.aligned.series, path.bases, path.aligned.dropped, strict=True
            )
        ],
        "refused": list(report.refused),
        "unmoved": list(report.unmoved),
        "breaches": [_breaches_json(each) for each in report.breaches],
        "worst": [_moment_json(each) for each in report.worst],
        "liquidation": None if report.liquidation is None else _seized_json(report.liquidation),
        "series": {
            "times": [format_time(time) for time in path.aligned.times],
            "ratio_close_float": floats(drawn.close_float),
            "ratio_worst_float": floats(drawn.worst_float),
            "maintenance_at_float": floats(drawn.maintenance_float),
            "liquidation_at_float": None
            if drawn.liquidation_float is None
            else floats(drawn.liquidation_float),
            "margin_close_float": floats(drawn.margin_close_float),
            "margin_worst_float": floats(drawn.margin_worst_float),
        },
    }


def stress_json(report: StressReport) -> dict[str, Any]:
    """The report for programs; every number exact."""
    return {
        "account": report.account,
        "policy": report.policy,
        "quote": report.quote,
        "time": format_time(report.time),
        "ratio_required": exact(report.ratio),
        "refused": list(report.refused),
        "unmoved": list(report.unmoved),
        "now": _outcome_json(report.now),
        "worst": report.worst.tested.scenario.name,
        "scenarios": [_outcome_json(outcome) for outcome in report.outcomes],
    }


def grid_json(grid: StressGrid) -> dict[str, Any]:
    """A grid for programs; a row for each change of `second`; null where nothing is owed."""
    return {
        "threshold": grid.threshold,
        "first": grid.first,
        "second": grid.second,
        "first_changes_float": floats(grid.first_changes_float),
        "second_changes_float": floats(grid.second_changes_float),
        "margin_float": [floats(row) for row in grid.margin_float],
        "ratio_float": [floats(row) for row in grid.ratio_float],
    }


def floats(values: Floats) -> list[float | None]:
    """Floats as JSON has them; null for what is infinite."""
    return [float(value) if np.isfinite(value) else None for value in values]


def _moment_json(moment: Moment) -> dict[str, Any]:
    return {
        "time": format_time(moment.time),
        "prices": dict(moment.prices),
        "shocks": {symbol: exact(shock) for symbol, shock in moment.shocks.items()},
        "ratio": exact(moment.ratio),
        "maintenance": exact(moment.maintenance),
        "liquidation": NONE if moment.liquidation is None else exact(moment.liquidation),
    }


def _breaches_json(breaches: Breaches) -> dict[str, Any]:
    return {
        "threshold": breaches.threshold,
        "candles": breaches.candles,
        "closes": breaches.closes,
        "first": None if breaches.first is None else _moment_json(breaches.first),
        "deepest": _moment_json(breaches.deepest),
    }


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    tested = outcome.tested
    return {
        "source": tested.source,
        "name": tested.scenario.name,
        "category": tested.category,
        "shocks": {symbol: exact(shock) for symbol, shock in tested.scenario.shocks.items()},
        "maintained": outcome.maintained,
        "margin": exact(outcome.margin),
        "ratio": exact(outcome.ratio),
        "liquidatable": outcome.liquidatable,
        "liquidation_margin": NONE
        if outcome.liquidation_margin is None
        else exact(outcome.liquidation_margin),
        "liquidation": None if outcome.liquidation is None else _seized_json(outcome.liquidation),
    }


def _seized_json(report: LiquidationReport) -> dict[str, Any]:
    return {
        "steps": len(report.steps),
        "outcome": report.outcome,
        "repaid_value": exact(report.repaid_value),
        "penalty_value": exact(report.penalty_value),
        "seized_value": exact(report.seized_value),
        "headroom_after": exact(report.headroom_after),
        "bad_debt": exact(report.bad_debt),
    }
