"""`zkcollateral risk margin`: what an account needs under portfolio margin, and its Greeks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError
from .options import AsJson, Force
from .output import emit, emit_json, emit_table
from .risk_inputs import CAUTION, RiskInputs, read_inputs

if TYPE_CHECKING:
    from ..risk.portfolio import Portfolio


def margin(
    portfolios: Annotated[
        list[Path],
        typer.Argument(metavar="PORTFOLIO...", help="One for each venue; secret, mode 0600."),
    ],
    registry: Annotated[Path, typer.Option(metavar="FILE", help="Asset registry.")],
    policy: Annotated[Path, typer.Option(metavar="FILE", help="Policy with a margin model.")],
    prices: Annotated[Path, typer.Option(metavar="FILE", help="Price round, signed or not.")],
    claim: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this claim of portfolio margin.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw it: FILE.png or FILE.svg; secret.")
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Show what an account needs under portfolio margin, the worst scenario, and the Greeks.

    Several portfolios are one account on several venues, netted before anything is asked. The
    picture shows the netted positions' gain or loss over price and volatility, and in the tails.
    JSON has every exact number in full, as a string; the Greeks are floats.
    """
    from ..crypto.files import write_bytes
    from ..risk.needs import require

    require("scipy", "risk margin")
    from ..risk.margin.report import margin_report
    from ..risk.margin.report_json import margin_json
    from .files import refuse_inputs
    from .margin_plot import draw
    from .margin_text import tables, with_positions

    # Said here of all of them, before anything about the picture is.
    refuse_inputs([plot], portfolios)
    _each_once(portfolios)
    given = read_inputs(portfolios[0], registry, policy, prices, claim, plot, force=force)
    accounts = [given.portfolio, *_others(given, portfolios[1:])]
    with given.naming():
        try:
            found = margin_report(accounts, given.policy, given.registry, given.round, claim)
        except InputError as error:
            if error.where != "claim":
                raise
            raise InputError("--claim", error.expected, error.got) from None
    drawn = plot if with_positions(found) else None
    if drawn is not None:
        write_bytes(drawn, draw(found, drawn.suffix[1:]), secret=True, overwrite=force)
    if as_json:
        emit_json({**margin_json(found), "plot": None if drawn is None else str(drawn)})
        return
    for title, columns, rows in tables(found):
        emit_table(columns, rows, title)
        emit("")
    if plot is not None:
        emit(f"{plot}: the picture, secret" if drawn else f"{plot}: no picture, nothing is held")
    emit(CAUTION)


def _each_once(paths: Sequence[Path]) -> None:
    """InputError for a file that is named twice: its amounts would count twice."""
    found = [path for path in paths if path.exists()]
    for index, path in enumerate(found):
        if any(map(path.samefile, found[:index])):
            raise InputError(str(path), "every portfolio once", "it again")


def _others(given: RiskInputs, paths: Sequence[Path]) -> list[Portfolio]:
    """The portfolios after the first; what is wrong with one names its own file."""
    from .files import naming, read_portfolio

    found = []
    for path in paths:
        portfolio = read_portfolio(path)
        with naming(portfolio=path):
            portfolio.amounts(given.registry)
        found.append(portfolio)
    return found
