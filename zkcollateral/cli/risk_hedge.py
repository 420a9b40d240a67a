"""`zkcollateral risk hedge`: the cheapest deleveraging to a ratio, and delta-neutral hedges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError
from .durations import seconds_of
from .options import AsJson, Force
from .output import emit, emit_json, emit_table
from .risk_inputs import CAUTION, RiskInputs, read_inputs

if TYPE_CHECKING:
    from ..risk.hedging.ahead import Probability
    from ..risk.hedging.report import DeleveragingReport, NeutralReport


class GoalName(StrEnum):
    """What a deleveraging makes least."""

    cost = "cost"
    sold = "sold"


def hedge(
    portfolio: Annotated[
        Path, typer.Argument(metavar="PORTFOLIO", help="Portfolio; secret, mode 0600.")
    ],
    registry: Annotated[Path, typer.Option(metavar="FILE", help="Asset registry.")],
    policy: Annotated[Path, typer.Option(metavar="FILE", help="Policy.")],
    prices: Annotated[Path, typer.Option(metavar="FILE", help="Price round, signed or not.")],
    claim: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A liquid claim's terms, or a category."),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(metavar="RATIO", help="Default: the claim's or the policy's."),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(metavar="SYMBOL=AMOUNT", help="Trade at most so much; repeatable."),
    ] = None,
    cost: Annotated[
        list[str] | None,
        typer.Option(metavar="SYMBOL=SHARE", help="Lost in a trade, as BTC=0.002; repeatable."),
    ] = None,
    goal: Annotated[
        GoalName, typer.Option(metavar="NAME", help="Least: cost or sold.")
    ] = GoalName.cost,
    neutral: Annotated[
        bool, typer.Option("--neutral", help="Hedge with perpetuals instead.")
    ] = False,
    breach: Annotated[
        str | None,
        typer.Option(metavar="SHARE", help="Until a breach is so unlikely."),
    ] = None,
    volatility: Annotated[
        list[str] | None,
        typer.Option(metavar="SYMBOL=SHARE", help="For --breach: a year; all move together."),
    ] = None,
    horizon: Annotated[str, typer.Option(metavar="TIME", help="For --breach: as 7d, 12h.")] = "7d",
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw it: FILE.png or FILE.svg; secret.")
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Show the cheapest trades that bring an account to a ratio, and the account after them.

    Collateral is sold and debt repaid with the proceeds, in whole smallest units. Without limits
    all of it may be traded, without costs for nothing. With --neutral perpetuals are bought and
    sold instead until no price moves the account's value. With --breach the ratio is the least one
    that keeps the maintenance test from failing within the horizon, by a closed form in which the
    named prices move together.
    """
    from ..crypto.files import write_bytes
    from ..risk.hedging.report_json import deleveraging_json, neutral_json
    from ..risk.needs import require
    from .hedge_text import (
        deleveraging_tables,
        draw_deleveraging,
        draw_neutral,
        neutral_tables,
    )

    require("scipy", "risk hedge")
    if neutral and (target is not None or breach is not None):
        raise InputError("--neutral", "no --target and no --breach beside it", "one of them")
    limits, costs = _shares("--limit", limit or ()), _shares("--cost", cost or ())
    ratio = None if target is None else _decimal_of("--target", target)
    if ratio is not None and ratio <= 0:
        raise InputError("--target", "a ratio above 0", "another")
    probability = _probability(breach, volatility or (), horizon)
    given = read_inputs(portfolio, registry, policy, prices, claim, plot, force=force)
    if neutral:
        hedged = _neutral(given, limits, costs)
        value, tables = neutral_json(hedged), neutral_tables(hedged)
        drawn = None if plot is None else draw_neutral(hedged, plot.suffix[1:])
    else:
        found = _deleveraging(given, claim, ratio, limits, costs, goal, breach, probability)
        value, tables = deleveraging_json(found), deleveraging_tables(found)
        drawn = None if plot is None else draw_deleveraging(found, plot.suffix[1:])
    if plot is not None and drawn is not None:
        write_bytes(plot, drawn, secret=True, overwrite=force)
    if as_json:
        emit_json({**value, "plot": None if plot is None else str(plot)})
        return
    for title, columns, rows in tables:
        emit_table(columns, rows, title)
        emit("")
    if plot is not None:
        emit(f"{plot}: the picture, secret")
    emit("Nothing here is traded; whether the market is that deep is not known.")
    emit(CAUTION)


def _deleveraging(
    given: RiskInputs,
    claim: str | None,
    target: Fraction | None,
    limits: dict[str, Fraction],
    costs: dict[str, Fraction],
    goal: GoalName,
    breach: str | None,
    probability: Probability | None,
) -> DeleveragingReport:
    from ..risk.claims import Liquid
    from ..risk.hedging.report import deleveraging_report

    terms = None if claim is None else given.policy.account_claim(claim)
    with given.naming(), _naming_options():
        return deleveraging_report(
            given.portfolio,
            given.policy,
            given.registry,
            given.round,
            given.category,
            claim=terms if isinstance(terms, Liquid) else None,
            target=target,
            limits=limits,
            costs=costs,
            goal="sold" if goal is GoalName.sold else "cost",
            probability=probability,
            bound=None if breach is None else float(_decimal_of("--breach", breach)),
        )


def _neutral(
    given: RiskInputs, limits: dict[str, Fraction], costs: dict[str, Fraction]
) -> NeutralReport:
    from ..risk.hedging.report import neutral_report

    with given.naming(), _naming_options():
        return neutral_report(
            given.portfolio,
            given.policy,
            given.registry,
            given.round,
            limits=limits,
            costs=costs,
        )


def _probability(breach: str | None, volatility: Sequence[str], horizon: str) -> Probability | None:
    """The closed form of `risk.breach` for prices that move together."""
    from ..risk.breach.market import Timing
    from ..risk.hedging.ahead import one_price
    from ..risk.threshold import maintenance_threshold

    moves = _shares("--volatility", volatility)
    if breach is None:
        if moves:
            raise InputError("--volatility", "--breach with it", "none")
        return None
    if not 0 <= _decimal_of("--breach", breach) <= 1:
        raise InputError("--breach", "a probability from 0 to 1", "another")
    if len(set(moves.values())) != 1 or min(moves.values()) < 0:
        expected = "one volatility of at least 0, for every price that moves"
        raise InputError("--volatility", expected, f"{len(set(moves.values()))} of them")
    seconds = seconds_of("--horizon", horizon)
    if not seconds:
        raise InputError("--horizon", "a time above 0", "0")
    shared = float(next(iter(moves.values())))
    return one_price(maintenance_threshold, tuple(moves), shared, Timing(seconds))


def _shares(option: str, texts: Sequence[str]) -> dict[str, Fraction]:
    found: dict[str, Fraction] = {}
    for text in texts:
        symbol, separator, share = text.rpartition("=")
        if not separator or not symbol:
            raise InputError(option, "SYMBOL=DECIMAL such as BTC=0.5", repr(text)[:80])
        if symbol in found:
            raise InputError(option, "every symbol once", f"{symbol!r} twice")
        found[symbol] = _decimal_of(option, share)
    return found


def _decimal_of(option: str, text: str) -> Fraction:
    from ..risk.values import Exact

    try:
        return Exact(text)
    except ValueError:
        raise InputError(option, "a decimal such as 1.25", "another text") from None


@contextmanager
def _naming_options() -> Iterator[None]:
    """What is wrong with limits and costs was said by an option."""
    options = {"hedge: limit": "--limit", "hedge: cost": "--cost", "hedge: symbol": "--limit"}
    try:
        yield
    except InputError as error:
        for start, option in options.items():
            if error.where.startswith(start):
                raise InputError(option, error.expected, error.got) from None
        raise
