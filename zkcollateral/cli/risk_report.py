"""`zkcollateral risk report`: what an account is worth, and how far it is from its thresholds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import CompileError, InputError
from .options import AsJson, Force
from .output import emit, emit_json, emit_table

if TYPE_CHECKING:
    from ..risk.policy import Policy
    from ..risk.prices import PriceRound
    from ..risk.report import HealthReport

CAUTION = "This report is as secret as the portfolio. Signatures of prices were not checked."
SIGNED_ROUND = "zkcollateral/signed-round/1"


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
    from ..circuits.claim import document_digest
    from ..crypto.files import write_bytes
    from ..risk.policy import Policy, check_policy
    from ..risk.registry import Registry
    from ..risk.report import health_report, liquidation_boundary
    from . import report_text
    from .files import (
        blaming,
        check_replaceable,
        check_writable,
        naming,
        read_document,
        read_portfolio,
        refuse_inputs,
    )
    from .plots import check_plot, draw

    refuse_inputs([plot], [portfolio, registry, policy, prices])
    if plot is not None:
        check_plot(plot)
        check_writable([plot], force=force)
        check_replaceable(plot)
    assets = read_document(Registry, registry)
    rule = read_document(Policy, policy)
    with naming(policy=policy):
        check_policy(rule, document_digest(assets), assets)
    category = category_of(rule, claim, policy)
    round_ = read_round(prices)
    account = read_portfolio(portfolio)
    with naming(portfolio=portfolio), blaming(prices, CompileError):
        found = health_report(account, rule, assets, round_, category)
    pair = boundary or (_largest_pair(found) if plot is not None else None)
    boundaries = []
    if pair is not None:
        with _naming_option():
            boundaries = [
                liquidation_boundary(
                    account, rule, assets, round_, pair, category, threshold=threshold
                )
                for threshold in report_text.thresholds(found)
            ]
    if plot is not None:
        picture = draw(found, boundaries, plot.suffix[1:])
        write_bytes(plot, picture, secret=True, overwrite=force)
    if as_json:
        emit_json(
            {
                **report_text.report_json(found),
                "boundaries": [report_text.boundary_json(each) for each in boundaries],
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


def read_round(path: Path) -> PriceRound:
    """The price round in a file, alone or with the signed reports that it is the median of.

    No signature is checked here.
    """
    from ..circuits.evidence import SignedRound
    from ..crypto.files import read_json
    from ..risk.prices import PriceRound

    value = read_json(path)
    if isinstance(value, dict) and value.get("format") == SIGNED_ROUND:
        return SignedRound.from_json_value(value, str(path)).round
    return PriceRound.from_json_value(value, str(path))


def category_of(policy: Policy, claim: str | None, path: Path) -> str | None:
    """The category of the claim that is named, if one is."""
    from ..risk.claims import Covers

    if claim is None:
        return None
    if claim not in policy.claims:
        expected = f"a claim of the name {claim!r}"
        raise InputError(f"{path}: claims", expected, ", ".join(sorted(policy.claims)))
    rule = policy.claims[claim]
    if isinstance(rule, Covers):
        raise InputError("--claim", "a claim about one account", f"{claim!r}, about two")
    return rule.category


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
