"""A cascade report as JSON for programs: counts, and float statistics in fields named so."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from .report import CascadeReport
from .run import Cascade
from .spiral import Spiral
from .terms import Floats


def cascade_json(report: CascadeReport) -> dict[str, Any]:
    """The report for programs; what is infinite is null."""
    cascade, setting = report.cascade, report.setting
    rule, people = setting.oracle, setting.liquidators
    return {
        "policy": report.policy,
        "quote": report.quote,
        "synthetic": report.synthetic or None,
        "accounts": cascade.accounts,
        "steps": len(cascade.market),
        "shocks_float": dict(report.shocks),
        "oracle": {
            "delay": rule.delay,
            "threshold_float": rule.threshold,
            "heartbeat": rule.heartbeat,
        },
        "liquidators": {
            "per_step": people.per_step,
            "order": people.order,
            "gas_cost_float": people.gas_cost,
            "minimum_profit_float": people.minimum_profit,
        },
        "liquidated": cascade.liquidated,
        "liquidations": int(cascade.liquidations.sum()),
        "tried": int(cascade.tried.sum()),
        "repaid_float": float(cascade.repaid.sum()),
        "liquidators_profit_float": float(cascade.profit.sum()),
        "gas_float": float(cascade.gas.sum()),
        "pool_gain_float": float(cascade.pool_gain.sum()),
        "written_off_float": float(cascade.written_off.sum()),
        "final_shortfall_float": cascade.final_shortfall,
        "bad_debt_float": cascade.bad_debt,
        "fall_float": cascade.fall,
        "exogenous_fall_float": cascade.exogenous_fall,
        "amplification_float": cascade.amplification,
        "worst_residual_float": cascade.worst_residual,
        "assets": [_asset(report, place) for place in range(len(cascade.symbols))],
        "course": _course(cascade),
        "spiral": None if report.spiral is None else _spiral(report.spiral),
    }


def _asset(report: CascadeReport, place: int) -> dict[str, Any]:
    cascade, symbol = report.cascade, report.cascade.symbols[place]
    depth = report.setting.depths.get(symbol)
    return {
        "symbol": symbol,
        "price_float": float(cascade.prices[place]),
        "exogenous_lowest_float": float(cascade.exogenous[:, place].min()),
        "lowest_float": float(cascade.lowest[place]),
        "last_float": float(cascade.market[-1, place]),
        "impact_float": float(cascade.impact[place]),
        "sold_float": float(cascade.sold[:, place].sum()),
        "to_protocol_float": float(cascade.to_protocol[:, place].sum()),
        "depth": None
        if depth is None
        else {
            "amount_float": _finite(depth.amount),
            "impact": depth.impact,
            "fee_float": depth.fee,
            "half_life_float": _finite(depth.half_life),
        },
    }


def _course(cascade: Cascade) -> dict[str, Any]:
    def by_asset(values: Floats) -> dict[str, list[float]]:
        return {symbol: row.tolist() for symbol, row in zip(cascade.symbols, values.T, strict=True)}

    return {
        "exogenous_float": by_asset(cascade.exogenous),
        "oracle_float": by_asset(cascade.oracle),
        "market_float": by_asset(cascade.market),
        "sold_float": by_asset(cascade.sold),
        "liquidatable": cascade.liquidatable.tolist(),
        "liquidations": cascade.liquidations.tolist(),
        "written_off_float": np.cumsum(cascade.written_off).tolist(),
        "shortfall_float": cascade.shortfall.tolist(),
    }


def _spiral(spiral: Spiral) -> dict[str, Any]:
    loop = spiral.loop
    return {
        "bound_float": spiral.bound,
        "critical_float": spiral.critical,
        "resolution_float": spiral.resolution,
        "loop_critical_float": loop.critical,
        "points": [
            {
                "shock_float": point.shock,
                "amplification_float": point.amplification,
                "fall_float": point.fall,
                "impact_float": point.impact,
                "bad_debt_float": point.bad_debt,
                "liquidated": point.liquidated,
            }
            for point in spiral.points
        ],
        "loop": {
            "fall_float": loop.fall.tolist(),
            "volume_float": loop.volume.tolist(),
            "impact_float": loop.impact.tolist(),
            "shock_float": loop.shock.tolist(),
            "gain_float": loop.gain.tolist(),
        },
    }


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
