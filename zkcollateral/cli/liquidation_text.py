"""A liquidation report as tables for people."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from ..risk.clock import format_time
from ..risk.liquidation.policy_auction import CollateralAuction
from ..risk.liquidation.report import LiquidationReport
from .report_text import Table, decimal, price_text

OUTCOMES = {
    "healthy": "it passes the test",
    "exhausted": "no collateral is left",
    "no debt": "no debt is left, and the test fails by the reserve",
    "step limit": "no further step was asked for",
}


def tables(report: LiquidationReport) -> list[Table]:
    """The report for people, rounded: the verdict; then what each step did, what is left, auctions.

    What is seized or still owed is rounded up, what is repaid or still held down.
    """
    found = [_verdict_table(report)]
    if report.steps:
        found += [_step_table(report), _balance_table(report)]
    return found + [_auction_table(auction, report.quote) for auction in report.auctions]


def _verdict_table(report: LiquidationReport) -> Table:
    def money(value: Fraction, *, up: bool = False) -> str:
        return f"{decimal(value, up=up)} {report.quote}"

    def verdict(headroom: Fraction) -> str:
        return "passed" if headroom >= 0 else "failed"

    rows = [
        ("health factor", _health(report.health)),
        ("above liquidation", money(report.headroom)),
        ("liquidation test", verdict(report.headroom)),
    ]
    if report.liquidatable:
        rows += [
            ("steps", str(len(report.steps))),
            ("repaid", money(report.repaid_value)),
            ("penalty", money(report.penalty_value, up=True)),
            ("seized, market value", money(report.seized_value, up=True)),
            ("health factor after", _health(report.health_after)),
            ("above liquidation after", money(report.headroom_after)),
            ("liquidation test after", verdict(report.headroom_after)),
            ("bad debt", money(report.bad_debt, up=True)),
            ("ended because", OUTCOMES[report.outcome]),
        ]
    else:
        rows.append(("seized", "nothing: the account is healthy"))
    category = f", category {report.category}" if report.category else ""
    shocks = "".join(f", {symbol} {_percent(shock)}" for symbol, shock in report.shocks.items())
    title = (
        f"Liquidation of {report.account} under {report.policy}{category}, "
        f"prices of {format_time(report.time)}{shocks}"
    )
    return title, ("what", "is"), rows


def _step_table(report: LiquidationReport) -> Table:
    units = {(balance.symbol, balance.owed): balance.unit for balance in report.balances}
    rows = []
    for number, step in enumerate(report.steps, 1):
        debt, collateral = units[step.debt, True], units[step.collateral, False]
        rows.append(
            (
                str(number),
                f"{_amount(step.repaid, debt)} {step.debt}",
                f"{_amount(step.seized, collateral, up=True)} {step.collateral}",
                _amount(step.to_liquidator, collateral),
                _amount(step.protocol_fee, collateral),
                decimal(step.penalty_value, up=True),
                _health(step.health),
            )
        )
    columns = ("step", "repaid", "seized", "to liquidator", "protocol fee", "penalty", "health")
    return f"Steps: penalties in {report.quote}", columns, rows


def _balance_table(report: LiquidationReport) -> Table:
    rows = [
        (
            balance.symbol,
            "owed" if balance.owed else "held",
            price_text(balance.price),
            _amount(balance.before, balance.unit),
            _amount(balance.gone, balance.unit, up=not balance.owed),
            _amount(balance.left, balance.unit, up=balance.owed),
            decimal(balance.left_value, up=balance.owed),
        )
        for balance in report.balances
    ]
    columns = ("asset", "is", "price", "before", "repaid or seized", "left", "left, value")
    return f"Left: prices and values in {report.quote}", columns, rows


def _auction_table(auction: CollateralAuction, quote: str) -> Table:
    rows = [
        (
            f"{point.elapsed} s",
            price_text(point.price),
            _percent(point.price / auction.market_price),
            decimal(point.raised),
        )
        for point in auction.course()
    ]
    title = (
        f"Auction of {auction.symbol}: {price_text(auction.market_price)} {quote}, the market "
        f"price, after {auction.seconds_to_market} s; break-even at "
        f"{price_text(auction.break_even_price)} after {auction.seconds_to_break_even} s"
    )
    return title, ("after", "price", "of market", "raises"), rows


def _health(value: Fraction | Literal["infinite"]) -> str:
    return value if isinstance(value, str) else decimal(value, 4)


def _percent(share: Fraction) -> str:
    return f"{decimal(share * 100)}%"


def _amount(value: Fraction, unit: int, *, up: bool = False) -> str:
    """In whole assets, to the smallest unit."""
    text = decimal(value, max(-unit, 0), up=up)
    return text.rstrip("0").rstrip(".") if "." in text else text
