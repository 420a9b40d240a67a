"""A margin report as tables for people."""

from __future__ import annotations

from fractions import Fraction

from ..risk.clock import format_time
from ..risk.margin.greeks import PositionGreeks, UnderlyingGreeks
from ..risk.margin.report import GroupReport, MarginReport
from .report_text import Table, decimal

DIGITS = 6
"""Of a float, for people."""


def tables(report: MarginReport) -> list[Table]:
    """The report for people, rounded: what is needed up, what is held or left down."""
    found = [_margin_table(report)]
    if len(report.venues) > 1:
        found.append(_venue_table(report))
    found.append(_underlying_table(report))
    found += [_scenario_table(group) for group in with_positions(report)]
    if report.positions:
        found += [_position_table(report), _greeks_table(report)]
    return found


def with_positions(report: MarginReport) -> list[GroupReport]:
    """The underlyings that something is held or owed of."""
    held = {position.underlying for position in report.positions}
    return [group for group in report.groups if group.underlying in held]


def _margin_table(report: MarginReport) -> Table:
    def money(value: Fraction, *, up: bool = False) -> str:
        return f"{decimal(value, up=up)} {report.quote}"

    rows = [
        ("equity", money(report.equity)),
        ("requirement, initial", money(report.requirement, up=True)),
        ("above initial", money(report.headroom)),
        ("positions one by one", money(report.positions_alone, up=True)),
        ("less for being margined together", money(report.portfolio_benefit)),
    ]
    if len(report.venues) > 1:
        rows += [
            ("venues one by one", money(report.venues_alone, up=True)),
            ("less for netting across venues", money(report.netting_benefit)),
        ]
    for claim in report.claims:
        share = f"{decimal(claim.factor * 100)}% of the requirement"
        rows.append((f"above claim {claim.name}", f"{money(claim.headroom)} (at {share})"))
        if claim.misplaced:
            rows.append(("misplaced", ", ".join(claim.misplaced)))
        rows.append((f"claim {claim.name}", "passed" if claim.holds else "failed"))
    title = (
        f"Margin of {', '.join(report.accounts)} under {report.policy}, "
        f"prices of {format_time(report.time)}"
    )
    return title, ("what", "is"), rows


def _venue_table(report: MarginReport) -> Table:
    rows = [
        (
            venue.account,
            decimal(venue.equity),
            decimal(venue.requirement, up=True),
            decimal(venue.headroom),
        )
        for venue in report.venues
    ]
    title = f"Each venue alone, in {report.quote}"
    return title, ("account", "equity", "requirement", "above"), rows


def _underlying_table(report: MarginReport) -> Table:
    rows = [
        (
            group.underlying,
            decimal(group.loss, up=True),
            decimal(group.roll, up=True),
            decimal(group.delta, up=True),
            decimal(group.requirement, up=True),
            group.worst.name if group.loss else "none loses",
        )
        for group in report.groups
    ]
    title = f"Requirement by underlying, in {report.quote}"
    return title, ("underlying", "scan loss", "roll", "delta", "requirement", "worst"), rows


def _scenario_table(group: GroupReport) -> Table:
    """One row for each price move, the volatilities beside each other; then the tails."""
    volatilities = volatilities_of(group)
    cells: dict[tuple[Fraction, str], str] = {
        (e.scenario.move, "tail" if e.scenario.tail else e.scenario.volatility): (
            f"{decimal(e.value)}{' *' if e.scenario == group.worst and group.loss else ''}"
        )
        for e in group.scenarios
    }
    moves = sorted({move for move, _ in cells})
    columns = [*volatilities, "tail"] if moves_of(group, tail=True) else volatilities
    rows = [(percent(m), *(cells.get((m, column), "") for column in columns)) for m in moves]
    named = ("tail" if each == "tail" else f"volatility {VOLATILITIES[each]}" for each in columns)
    title = f"Gain or loss on {group.underlying} by scenario, as it counts; * is the worst"
    return title, (f"price of {group.underlying}", *named), rows


def _position_table(report: MarginReport) -> Table:
    rows = [
        (
            position.symbol if position.side != "debt" else f"{position.symbol} (owed)",
            position.underlying,
            plain(position.amount),
            decimal(position.alone, up=True),
        )
        for position in report.positions
    ]
    title = f"Positions, and what each would need alone, in {report.quote}"
    return title, ("position", "underlying", "amount", "alone"), rows


def _greeks_table(report: MarginReport) -> Table:
    rows = []
    for greeks in report.greeks:
        for each in greeks.positions:
            kind = each.kind if each.side != "debt" else f"{each.kind}, owed"
            rows.append((each.symbol, kind, *_cells(each)))
        rows.append((f"all on {greeks.underlying}", "", *_cells(greeks)))
    columns = ("position", "is a", "delta", "gamma", "vega a point", "theta a day")
    return "Greeks, in floats and in the currency of each index", columns, rows


def _cells(greeks: UnderlyingGreeks | PositionGreeks) -> tuple[str, ...]:
    if isinstance(greeks, PositionGreeks) and not greeks.known:
        return (_float(greeks.delta), "unknown", "unknown", "unknown")
    return tuple(_float(each) for each in (greeks.delta, greeks.gamma, greeks.vega, greeks.theta))


VOLATILITIES = {"up": "up", "same": "unchanged", "down": "down"}


def volatilities_of(group: GroupReport) -> list[str]:
    """The volatilities of the grid, from up to down."""
    found = {each.scenario.volatility for each in group.scenarios if not each.scenario.tail}
    return [each for each in VOLATILITIES if each in found]


def moves_of(group: GroupReport, *, tail: bool) -> list[Fraction]:
    """The price moves of the grid, or of the tails, ascending."""
    return sorted({e.scenario.move for e in group.scenarios if e.scenario.tail == tail})


def percent(move: Fraction) -> str:
    """A price move for people: +5.33%."""
    text = f"{float(move * 100):+.2f}".rstrip("0").rstrip(".") if move else "0"
    return f"{text}%"


def plain(amount: Fraction) -> str:
    """An amount with all its decimals, as it is a multiple of a power of ten."""
    places = 0
    while (amount * 10**places).denominator != 1:
        places += 1
    return decimal(amount, places)


def _float(value: float) -> str:
    return f"{value:,.{DIGITS}g}" if value else "0"
