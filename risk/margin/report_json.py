"""Margin reports as JSON for programs: exact numbers in full, as strings.

Floats are JSON numbers, in fields that end in `_float`.
"""

from __future__ import annotations

from typing import Any

from ..clock import format_time
from ..report_json import exact
from .greeks import PositionGreeks, UnderlyingGreeks
from .report import GroupReport, MarginReport


def margin_json(report: MarginReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "accounts": list(report.accounts),
        "policy": report.policy,
        "quote": report.quote,
        "time": format_time(report.time),
        "equity": exact(report.equity),
        "requirement": exact(report.requirement),
        "headroom": exact(report.headroom),
        "venues_alone": exact(report.venues_alone),
        "netting_benefit": exact(report.netting_benefit),
        "positions_alone": exact(report.positions_alone),
        "portfolio_benefit": exact(report.portfolio_benefit),
        "claims": [
            {
                "name": claim.name,
                "factor": exact(claim.factor),
                "headroom": exact(claim.headroom),
                "holds": claim.holds,
                "misplaced": list(claim.misplaced),
            }
            for claim in report.claims
        ],
        "venues": [
            {
                "account": venue.account,
                "equity": exact(venue.equity),
                "requirement": exact(venue.requirement),
                "headroom": exact(venue.headroom),
            }
            for venue in report.venues
        ],
        "underlyings": [_group_json(group) for group in report.groups],
        "positions": [
            {
                "symbol": position.symbol,
                "side": position.side,
                "underlying": position.underlying,
                "amount": exact(position.amount),
                "alone": exact(position.alone),
            }
            for position in report.positions
        ],
        "greeks": [_greeks_json(each) for each in report.greeks],
    }


def _group_json(group: GroupReport) -> dict[str, Any]:
    return {
        "underlying": group.underlying,
        "requirement": exact(group.requirement),
        "loss": exact(group.loss),
        "roll": exact(group.roll),
        "delta": exact(group.delta),
        "worst": group.worst.name,
        "scenarios": [
            {
                "name": each.scenario.name,
                "move": exact(each.scenario.move),
                "volatility": each.scenario.volatility,
                "weight": exact(each.scenario.weight),
                "tail": each.scenario.tail,
                "value": exact(each.value),
            }
            for each in group.scenarios
        ],
    }


def _greeks_json(greeks: UnderlyingGreeks) -> dict[str, Any]:
    return {
        "underlying": greeks.underlying,
        "price_float": greeks.price,
        "delta_value_float": greeks.delta_value,
        **_numbers(greeks),
        "unknown": list(greeks.unknown),
        "positions": [
            {
                "symbol": each.symbol,
                "side": each.side,
                "kind": each.kind,
                **_numbers(each),
                "volatility_float": each.volatility,
                "known": each.known,
            }
            for each in greeks.positions
        ],
    }


def _numbers(greeks: UnderlyingGreeks | PositionGreeks) -> dict[str, float]:
    names = ("delta", "gamma", "vega", "theta", "rho")
    return {f"{name}_float": getattr(greeks, name) for name in names}
