"""The picture of a margin report: gain or loss over price and volatility, the tails beside."""

from __future__ import annotations

from fractions import Fraction
from math import floor, log10
from typing import TYPE_CHECKING, Final

from .margin_text import VOLATILITIES, moves_of, percent, volatilities_of, with_positions
from .plots import rendered

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..risk.margin.report import GroupReport, MarginReport

CELL: Final = 0.8
"""Inches of a cell's side."""

COLOURS: Final = "RdBu"
"""From red, a loss, over white to blue, a gain: told apart by the colour-blind too."""

BRIGHT: Final = 0.55
"""Black text stands on what is brighter than this, white text on the rest."""

GAP: Final = 0.5
"""Between grid and tails, in cells."""

ABOUT: Final = 1.4
"""Above and below a grid for its title and labels, in cells."""

LEFT: Final = 1.6
"""Inches for the labels beside the grid."""

SMALLEST: Final = 8.0
"""Inches across."""

NAMED: Final = 3
"""Accounts in the title."""

FEW: Final = 3
"""Significant digits in a cell."""


def draw(report: MarginReport, kind: str) -> bytes:
    """One panel for each underlying with positions; its worst scenario is framed.

    Args:
        report: with at least one position.
        kind: png or svg.
    """
    from matplotlib.figure import Figure

    groups = with_positions(report)
    across = max(_columns(group) for group in groups)
    heights = [len(volatilities_of(group)) + ABOUT for group in groups]
    figure = Figure(
        figsize=(max(CELL * across + LEFT, SMALLEST), CELL * sum(heights) + 0.5),
        layout="constrained",
    )
    axes = figure.subplots(len(groups), 1, squeeze=False, height_ratios=heights)[:, 0]
    for each, group in zip(axes, groups, strict=True):
        _draw_group(each, group, report.quote, across)
    more = ", ..." if len(report.accounts) > NAMED else ""
    names = ", ".join(report.accounts[:NAMED]) + more
    figure.suptitle(f"Portfolio margin of {names} under {report.policy}")
    return rendered(figure, kind)


def _columns(group: GroupReport) -> float:
    """Of the grid and, after a gap, of the tails."""
    tails = len(moves_of(group, tail=True))
    return len(moves_of(group, tail=False)) + (GAP + tails if tails else 0)


def _draw_group(axes: Axes, group: GroupReport, quote: str, across: float) -> None:
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    volatilities = volatilities_of(group)
    grid, tails = (moves_of(group, tail=tail) for tail in (False, True))
    middle = (len(volatilities) - 1) / 2
    largest = max(abs(each.value) for each in group.scenarios)
    divisor, unit = _unit(largest, quote)
    colours = colormaps[COLOURS]
    for each in group.scenarios:
        scenario = each.scenario
        if scenario.tail:
            x, y = len(grid) + GAP + tails.index(scenario.move), middle
        else:
            x, y = grid.index(scenario.move), float(volatilities.index(scenario.volatility))
        # From −1 to 1; the ends of the map are too dark to read on.
        share = float(each.value / largest) if largest else 0.0
        fill = colours(0.5 + 0.4 * share)
        worst = scenario == group.worst and bool(group.loss)
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=fill, edgecolor="white"))
        if worst:
            inner = x - 0.46, y - 0.46
            axes.add_patch(Rectangle(inner, 0.92, 0.92, fill=False, ec="black", lw=2.5, zorder=3))
        axes.text(
            x,
            y,
            _number(each.value, divisor) + ("\nworst" if worst else ""),
            ha="center",
            va="center",
            color="black" if _brightness(fill) > BRIGHT else "white",
            fontsize="small",
            fontweight="bold" if worst else "normal",
        )
    for place, move in enumerate(tails):
        x = len(grid) + GAP + place
        axes.text(x, middle + 0.58, percent(move), ha="center", va="top", fontsize="small")
    if tails:
        x = len(grid) + GAP - 0.5
        axes.text(x, middle - 0.58, "tails, as they count", va="bottom", fontsize="small")
    axes.set_xticks(range(len(grid)), [percent(move) for move in grid])
    axes.set_yticks(
        range(len(volatilities)), [f"volatility {VOLATILITIES[each]}" for each in volatilities]
    )
    axes.set(xlim=(-0.5, across - 0.5), ylim=(len(volatilities) - 0.5, -0.5))
    axes.set_xlabel(f"price of {group.underlying}", x=len(grid) / 2 / across)
    axes.set_title(_title(group, divisor, unit), loc="left", fontsize="medium")
    axes.set_aspect("equal", anchor="W")
    axes.tick_params(length=0, labelsize="small")
    axes.spines[:].set_visible(False)


def _title(group: GroupReport, divisor: int, unit: str) -> str:
    parts = ["no scenario loses"]
    if group.loss:
        parts = [f"the worst scenario loses {_number(group.loss, divisor)}"]
    for name, value in (("roll", group.roll), ("delta", group.delta)):
        if value:
            parts.append(f"{name} {_number(value, divisor)}")
    return f"{group.underlying}: gain or loss in {unit}; {', '.join(parts)}"


def _brightness(colour: tuple[float, float, float, float]) -> float:
    """Of a colour, 0..1, by the weights of ITU-R BT.601."""
    red, green, blue, _ = colour
    return 0.299 * red + 0.587 * green + 0.114 * blue


def _unit(largest: Fraction, quote: str) -> tuple[int, str]:
    """What values are divided by to fit their cells, and what that makes of the quote."""
    for divisor, word in ((10**9, "billions"), (10**6, "millions"), (10**3, "thousands")):
        if largest >= 10 * divisor:
            return divisor, f"{word} of {quote}"
    return 1, quote


def _number(value: Fraction, divisor: int) -> str:
    """A value in a few digits."""
    scaled = float(value / divisor)
    if not scaled:
        return "0"
    places = max(0, FEW - 1 - floor(log10(abs(scaled))))
    return f"{scaled:,.{places}f}"
