"""`zkcollateral risk stress`: how an account fares in the scenarios of its policy and of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ..errors import InputError
from .options import AsJson, Force
from .output import emit, emit_json, emit_table, progress
from .risk_inputs import CAUTION, RiskInputs, read_inputs

if TYPE_CHECKING:
    from ..risk.pricing import Pricing
    from ..risk.replay.stress import SourcedScenario
    from ..risk.replay.stress_grid import StressGrid

FROM_FILE: Final = "file"
"""What the scenarios of a file are said to be of."""


def stress(
    portfolio: Annotated[
        Path, typer.Argument(metavar="PORTFOLIO", help="Portfolio; secret, mode 0600.")
    ],
    registry: Annotated[Path, typer.Option(metavar="FILE", help="Asset registry.")],
    policy: Annotated[Path, typer.Option(metavar="FILE", help="Policy.")],
    prices: Annotated[Path, typer.Option(metavar="FILE", help="Price round, signed or not.")],
    claim: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Only this claim; the account is in its category."),
    ] = None,
    scenarios: Annotated[
        Path | None, typer.Option(metavar="FILE", help="More scenarios, as named_shocks writes.")
    ] = None,
    grid: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Two assets, or one and others: margins over changes."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw it: FILE.png or FILE.svg; secret.")
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Test an account in stress scenarios: of the policy's claims, and of a file.

    The verdict of a scenario is that of a stress claim of it alone, exact. The picture is a heat
    map of what is left over maintenance, by the changes of two prices (by default the two largest
    positions), with every scenario at its place.
    """
    from ..crypto.files import write_bytes
    from ..risk.replay.report_json import grid_json, stress_json
    from ..risk.replay.stress import stress_report
    from .replay_plots import draw_stress
    from .replay_text import stress_tables

    given = read_inputs(portfolio, registry, policy, prices, claim, plot, force=force)
    tested = _scenarios(given, claim, scenarios, plot, policy)
    with given.naming(), progress("stress scenarios") as told:
        try:
            found = stress_report(
                given.portfolio,
                given.policy,
                given.registry,
                given.round,
                tested,
                given.category,
                progress=told,
            )
        except InputError as error:
            if scenarios is None or not error.where.startswith("scenarios"):
                raise
            raise InputError(f"{scenarios}: {error.where}", error.expected, error.got) from None
    pricing, grids = _grids(given, grid) if grid or plot else (None, [])
    if plot is not None and pricing is not None:
        picture = draw_stress(found, grids, pricing, plot.suffix[1:])
        write_bytes(plot, picture, secret=True, overwrite=force)
    if as_json:
        emit_json(
            {
                **stress_json(found),
                "grids": [grid_json(each) for each in grids] if grid else [],
                "plot": None if plot is None else str(plot),
            }
        )
        return
    for title, columns, rows in stress_tables(found):
        emit_table(columns, rows, title)
        emit("")
    if plot is not None:
        emit(f"{plot}: the picture, secret")
    emit(CAUTION)


def _scenarios(
    given: RiskInputs, claim: str | None, file: Path | None, plot: Path | None, policy: Path
) -> list[SourcedScenario]:
    """Those of the claims, then those of the file."""
    from ..risk.replay.scenario_file import ScenarioSet
    from ..risk.replay.stress import SourcedScenario, policy_scenarios
    from .files import read_document, refuse_inputs

    found = list(policy_scenarios(given.policy, claim))
    if file is not None:
        refuse_inputs([plot], [file])
        read = read_document(ScenarioSet, file)
        found += [SourcedScenario(FROM_FILE, each, given.category) for each in read.scenarios]
    if not found:
        whose = f"the claim {claim!r} has" if claim else f"the claims of {policy} have"
        raise InputError("--scenarios", f"a file, as {whose} no scenarios", "none")
    return found


def _grids(given: RiskInputs, option: str | None) -> tuple[Pricing, list[StressGrid]]:
    """The heat maps: of maintenance, and of the liquidation test if there is one."""
    from ..risk.replay.stress_grid import largest_pair, stress_grid
    from ..risk.threshold import liquidation_threshold, maintenance_threshold
    from ..risk.valuation import account_of

    account = account_of(given.portfolio, given.policy, given.registry, given.round, given.category)
    maintenance, liquidation = maintenance_threshold(account), liquidation_threshold(account)
    tests = [maintenance, *([] if liquidation is None else [liquidation])]
    try:
        pair = _pair(option) if option else largest_pair(maintenance)
        return account.pricing, [stress_grid(test, pair) for test in tests]
    except InputError as error:
        if error.where != "grid":
            raise
        raise InputError("--grid", error.expected, error.got) from None


def _pair(text: str) -> tuple[str, str]:
    first, separator, second = text.partition(",")
    if not separator or not first or not second or "," in second:
        raise InputError("--grid", "two names such as BTC,ETH or BTC,others", repr(text)[:80])
    return first, second
