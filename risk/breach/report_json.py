"""The breach report as JSON: exact numbers as strings, float statistics as numbers.

The fields of statistics end in `_float`; an infinite one is the word infinite.
"""

from __future__ import annotations

from math import isinf
from typing import Any, Final

import numpy as np

from ..clock import format_time
from ..report_json import exact
from .estimate import Estimate
from .report import BreachReport, ClosedForm
from .simulation import Simulated

QUANTILES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


def breach_json(report: BreachReport) -> dict[str, Any]:
    """The report for programs."""
    market, timing = report.market, report.timing
    closed = report.closed_form
    return {
        "account": report.account,
        "policy": report.policy,
        "category": report.category,
        "quote": report.quote,
        "time": format_time(report.time),
        "threshold": report.threshold,
        "standing": report.standing,
        "headroom": exact(report.headroom),
        "method": report.method,
        "market": {
            "symbols": list(market.symbols),
            "volatilities_float": market.volatilities.tolist(),
            "drifts_float": market.drifts.tolist(),
            "correlation_float": market.correlation.tolist(),
        },
        "horizon_seconds": timing.horizon_seconds,
        "delay_seconds": timing.delay_seconds,
        "steps": timing.steps,
        "seed": report.seed,
        "confidence_float": report.confidence,
        "simulated": _simulated_json(report.simulated),
        "closed_form": None if closed is None else _closed_json(closed),
        "sensitivities": [
            {
                "what": each.what,
                "of": each.of,
                "move": each.move,
                "breach_float": _estimate(each.breach_float),
                "bad_debt_float": _estimate(each.bad_debt_float),
            }
            for each in report.sensitivities
        ],
    }


def _simulated_json(found: Simulated) -> dict[str, Any]:
    return {
        "paths": found.paths,
        "batches": found.batches,
        "breach_float": _estimate(found.breach_float),
        "bad_debt_float": _estimate(found.bad_debt_float),
        "loss_float": _estimate(found.loss_float),
        "loss_if_bad_float": found.loss_if_bad_float,
        "step_seconds_float": found.step_seconds,
        "first_breach_float": found.first_float.tolist(),
        "value_now_float": found.value_now,
        "ratio_now_float": "infinite" if isinf(found.ratio_now) else found.ratio_now,
        "value_quantiles_float": _quantiles(found.value_at_horizon),
        "ratio_quantiles_float": _quantiles(found.ratio_at_horizon),
        "tails": [
            {
                "level_float": tail.level,
                "value_at_risk_float": _estimate(tail.value_at_risk_float),
                "expected_shortfall_float": _estimate(tail.expected_shortfall_float),
            }
            for tail in found.tails
        ],
    }


def _closed_json(closed: ClosedForm) -> dict[str, Any]:
    steps, slopes = closed.at_steps, closed.sensitivities
    return {
        "symbol": closed.symbol,
        "side": closed.side,
        "barrier": exact(closed.barrier),
        "bankruptcy_float": closed.bankruptcy_float,
        "breach_float": closed.breach_float,
        "bad_debt_float": closed.bad_debt_float,
        "loss_float": closed.loss_float,
        "at_steps": None
        if steps is None
        else {
            "breach_float": steps.breach_float,
            "bad_debt_float": steps.bad_debt_float,
            "loss_float": steps.loss_float,
        },
        "sensitivities": {
            "volatility_float": slopes.volatility,
            "drift_float": slopes.drift,
            "log_price_float": slopes.log_price,
            "horizon_years_float": slopes.horizon_years,
        },
    }


def _estimate(estimate: Estimate) -> dict[str, float]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def _quantiles(values: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, float | str]:
    found = np.quantile(values, QUANTILES, method="inverted_cdf")
    return {
        f"{level:.0%}": "infinite" if isinf(value) else float(value)
        for level, value in zip(QUANTILES, found, strict=True)
    }
