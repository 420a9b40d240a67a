"""`zkcollateral risk liquidation`: what would be seized, repaid and left, and the auction of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError
from .options import AsJson, Force
from .output import emit, emit_json, emit_table
from .risk_inputs import CAUTION, read_inputs

if TYPE_CHECKING:
    from ..risk.liquidation.report import LiquidationPair, LiquidationReport

PLOT_POINTS = 300


def liquidation(
    portfolio: Annotated[
        Path, typer.Argument(metavar="PORTFOLIO", help="Portfolio; secret, mode 0600.")
    ],
    registry: Annotated[Path, typer.Option(metavar="FILE", help="Asset registry.")],
    policy: Annotated[Path, typer.Option(metavar="FILE", help="Policy with liquidation terms.")],
    prices: Annotated[Path, typer.Option(metavar="FILE", help="Price round, signed or not.")],
    claim: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A claim, whose category the account is in."),
    ] = None,
    shock: Annotated[
        list[str] | None,
        typer.Option(metavar="SYMBOL=SHARE", help="Move a price, as BTC=-0.3; repeatable."),
    ] = None,
    repay: Annotated[
        str | None, typer.Option(metavar="SYMBOL", help="One step only: repay this debt ...")
    ] = None,
    seize: Annotated[
        str | None, typer.Option(metavar="SYMBOL", help="... and seize this collateral.")
    ] = None,
    amount: Annotated[
        str | None, typer.Option(metavar="DECIMAL", help="Repay at most so much of the debt.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw it: FILE.png or FILE.svg; secret.")
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Show what a liquidation would repay, seize and leave, and the auction over time.

    Every step repays as much as the policy allows of the first debt for the first collateral left,
    until the account passes the liquidation test. Long signed positions are collateral, short ones
    debts. An asset that has a signed slot beside another one is SYMBOL:signed there.
    """
    from ..crypto.files import write_bytes
    from ..risk.liquidation.report import liquidation_report
    from ..risk.liquidation.report_json import liquidation_json
    from .liquidation_text import tables

    shocks, pair = _shocks(shock or ()), _pair(repay, seize, amount)
    given = read_inputs(portfolio, registry, policy, prices, claim, plot, force=force)
    terms = given.policy.liquidation
    if plot is not None and terms is not None and terms.auction is None:
        raise InputError("--plot", "a policy with an auction", "one without")
    with given.naming(), _naming_options():
        found = liquidation_report(
            given.portfolio,
            given.policy,
            given.registry,
            given.round,
            given.category,
            shocks=shocks,
            pair=pair,
        )
    drawn = plot if found.auctions else None
    if drawn is not None:
        write_bytes(drawn, draw(found, drawn.suffix[1:]), secret=True, overwrite=force)
    if as_json:
        emit_json({**liquidation_json(found), "plot": None if drawn is None else str(drawn)})
        return
    for title, columns, rows in tables(found):
        emit_table(columns, rows, title)
        emit("")
    if plot is not None:
        emit(f"{plot}: the picture, secret" if drawn else f"{plot}: no picture, nothing is sold")
    emit(CAUTION)


def draw(report: LiquidationReport, kind: str) -> bytes:
    """The price of each auction over time, as a share of the market price.

    Args:
        report: with at least one auction.
        kind: png or svg.
    """
    from matplotlib.figure import Figure

    from .plots import rendered
    from .report_text import price_text

    figure = Figure(figsize=(7.5, 5), layout="constrained")
    axes = figure.subplots()
    first = report.auctions[0]
    # All follow the same terms, so that their courses as shares of the market price are one.
    points = first.course(PLOT_POINTS)
    market = first.market_price
    axes.plot(
        [point.elapsed for point in points],
        [float(point.price / market) for point in points],
        drawstyle="steps-post" if first.step_seconds > 1 else "default",
        label="auction",
    )
    axes.axhline(1, color="black", lw=1, label="market price")
    even = float(first.break_even_price / market)
    axes.axhline(even, color="tab:red", ls="--", lw=1, label="break-even")
    for seconds, level in (
        (first.seconds_to_market, 1.0),
        (first.seconds_to_break_even, even),
    ):
        if seconds <= points[-1].elapsed:
            axes.plot(seconds, level, "o", color="black", ms=4)
            axes.annotate(f"{seconds} s", (seconds, level), (4, 4), textcoords="offset points")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    named = [f"{each.symbol} {price_text(each.market_price)}" for each in report.auctions[:3]]
    more = ", ..." if len(report.auctions) > len(named) else ""
    axes.set(
        xlim=(0, points[-1].elapsed),
        ylim=(0, None),
        xlabel="seconds since the start",
        ylabel="price, of the market price",
        title=f"market price in {report.quote}: {', '.join(named)}{more}",
    )
    axes.legend()
    figure.suptitle(f"Auction of what is seized of {report.account} under {report.policy}")
    return rendered(figure, kind)


def _shocks(texts: Sequence[str]) -> dict[str, Fraction]:
    found: dict[str, Fraction] = {}
    for text in texts:
        symbol, separator, share = text.rpartition("=")
        value = _decimal(share)
        if not separator or not symbol or value is None:
            raise InputError("--shock", "SYMBOL=SHARE such as BTC=-0.3", repr(text)[:80])
        if symbol in found:
            raise InputError("--shock", "every symbol once", f"{symbol!r} twice")
        found[symbol] = value
    return found


def _pair(repay: str | None, seize: str | None, amount: str | None) -> LiquidationPair | None:
    from ..risk.liquidation.report import LiquidationPair

    if repay is None and seize is None:
        if amount is not None:
            raise InputError("--amount", "--repay and --seize with it", "neither")
        return None
    if repay is None or seize is None:
        raise InputError("--repay, --seize", "both or neither", "one of them")
    value = None if amount is None else _decimal(amount)
    if amount is not None and value is None:
        raise InputError("--amount", "a decimal such as 1.25", "another text")
    return LiquidationPair(repay, seize, value)


def _decimal(text: str) -> Fraction | None:
    from ..risk.values import Exact

    try:
        return Exact(text)
    except ValueError:
        return None


@contextmanager
def _naming_options() -> Iterator[None]:
    """What is wrong with a shock or a pair was said by an option."""
    options = {
        "shocks": "--shock",
        "account: debt": "--repay",
        "account: collateral": "--seize",
        "liquidation: repay": "--amount",
    }
    try:
        yield
    except InputError as error:
        for start, option in options.items():
            if error.where.startswith(start):
                raise InputError(option, error.expected, error.got) from None
        raise
