"""`zkcollateral risk report`: what an account is worth, and how far it is from its thresholds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError
from .options import AsJson, Force
from .output import emit, emit_json, emit_table
from .risk_inputs import CAUTION, read_inputs

if TYPE_CHECKING:
    from ..risk.report import HealthReport


def report(
    portfolio: Annotated[
        Path, typer.Argument(metavar="PORTFOLIO", help="Portfolio; secret, mode 0600.")
    ],
    registry: Annotated[Path, typer.Option(metavar="FILE", help="Asset registry.")],
    policy: Annotated[Path, typer.Option(metavar="FILE", help="Policy.")],
    prices: Annotated[Path, typer.Option(metavar="FILE", help="Price round, signed or not.")],
    claim: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A claim, whose category the account is in."),
    ] = None,
    boundary: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="A B", help="Two assets: at which prices it is liquidated."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw it: FILE.png or FILE.svg; secret.")
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Show an account's health, its use of limits, and its distance to liquidation.

    Prices are those at which the account still passes, the others fixed. The picture shows the
    boundary of two assets, by default the two largest, and the distance of each. JSON has every
    number in full: a decimal, a fraction such as 4/3, infinite, or none.
    """
    from ..crypto.files import write_bytes
    from ..risk.report import health_report, liquidation_boundary
    from ..risk.report_json import boundary_json, report_json
    from . import report_text
    from .plots import draw

    given = read_inputs(portfolio, registry, policy, prices, claim, plot, force=force)
    where = (given.portfolio, given.policy, given.registry, given.round, given.category)
    with given.naming():
        found = health_report(*where)
    pair = boundary or (_largest_pair(found) if plot is not None else None)
    boundaries = []
    if pair is not None:
        with _naming_option():
            boundaries = [
                liquidation_boundary(*where[:4], pair, given.category, threshold=threshold)
                for threshold in report_text.thresholds(found)
            ]
    if plot is not None:
        picture = draw(found, boundaries, plot.suffix[1:])
        write_bytes(plot, picture, secret=True, overwrite=force)
    if as_json:
        emit_json(
            {
                **report_json(found),
                "boundaries": [boundary_json(each) for each in boundaries],
                "plot": None if plot is None else str(plot),
            }
        )
        return
    for title, columns, rows in report_text.tables(found):
        emit_table(columns, rows, title)
        emit("")
    for each in boundaries if boundary else ():
        emit_table(*report_text.boundary_table(each))
        emit("")
    if plot is not None:
        emit(f"{plot}: the picture, secret")
    emit(CAUTION)


def _largest_pair(report: HealthReport) -> tuple[str, str] | None:
    """The two largest positions whose prices do not move together."""
    by_size = sorted(report.assets, key=lambda asset: -(asset.held + asset.owed))
    for first in by_size[:1]:
        for second in by_size[1:]:
            if (first.follows or first.symbol) != (second.follows or second.symbol):
                return first.symbol, second.symbol
    return None


@contextmanager
def _naming_option() -> Iterator[None]:
    """A pair of assets that has no boundary was given by an option."""
    try:
        yield
    except InputError as error:
        if error.where != "boundary":
            raise
        raise InputError("--boundary", error.expected, error.got) from None
