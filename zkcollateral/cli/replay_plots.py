"""Pictures of replay and stress reports. matplotlib is loaded only when one is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ..risk.replay.candles import time_label
from .plots import COLOURS, rendered

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..risk.pricing import Pricing
    from ..risk.replay.candles import Floats
    from ..risk.replay.replay import ReplayReport
    from ..risk.replay.stress import Outcome, StressReport
    from ..risk.replay.stress_grid import StressGrid

MANY_TIMES: Final = 6.0
"""From the least to the largest value by so much, and an axis is logarithmic."""

MAX_LINES: Final = 8
MAX_NAMED: Final = 24
"""Scenarios that are named beside the picture, those with the least margin first."""

MANY_POINTS: Final = 200


def draw_replay(report: ReplayReport, kind: str) -> bytes:
    """The replayed ratio with the bands of the thresholds, and the prices below it.

    Args:
        report: of the account.
        kind: png or svg.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 7), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2.4, 1))
    if np.isfinite(report.replayed.worst_float).all():
        _draw_ratio(above, report)
    else:
        _draw_margin(above, report)
    _draw_prices(below, report)
    step = report.aligned.step
    first, last = report.aligned.times[0], report.aligned.times[-1]
    made_up = ", synthetic prices" if report.synthetic else ""
    figure.suptitle(
        f"{report.account} under {report.policy}: "
        f"{time_label(first, step)} to {time_label(last, step)} replayed{made_up}"
    )
    return rendered(figure, kind)


def _draw_ratio(axes: Axes, report: ReplayReport) -> None:
    """The ratio at closes, down to the worst point of each candle; what fails is shaded."""
    drawn, times = report.replayed, _dates(report)
    levels = [drawn.maintenance_float]
    if drawn.liquidation_float is not None:
        levels.append(drawn.liquidation_float)
    bottom = min(float(drawn.worst_float.min()), *(float(level.min()) for level in levels)) * 0.9
    top = max(float(drawn.close_float.max()), float(drawn.maintenance_float.max())) * 1.08
    if top / max(bottom, 1e-9) > MANY_TIMES and bottom > 0:
        _logarithmic(axes)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    else:
        bottom = max(bottom, 0.0)
    last = levels[-1]
    axes.fill_between(times, bottom, last, color=COLOURS["liquidation"], alpha=0.14, lw=0)
    if len(levels) == 2:
        low, high = np.minimum(*levels), levels[0]
        axes.fill_between(times, low, high, color="tab:orange", alpha=0.16, lw=0)
    for level, breaches in zip(levels, report.breaches, strict=True):
        name = breaches.threshold
        axes.plot(times, level, color=COLOURS[name], lw=1.3, ls="--", label=f"{name} fails below")
    axes.fill_between(
        times,
        drawn.worst_float,
        drawn.close_float,
        color="black",
        alpha=0.18,
        lw=0,
        label="down to the worst of the candle",
    )
    axes.plot(times, drawn.close_float, color="black", lw=1.2, label="ratio at the close")
    _mark_breaches(axes, report, drawn.worst_float)
    axes.set(ylim=(bottom, top), ylabel="weighted collateral / weighted debt")
    axes.legend(loc="best", fontsize="small")


def _draw_margin(axes: Axes, report: ReplayReport) -> None:
    """Where nothing is owed there is no ratio: the margin of maintenance."""
    drawn, times = report.replayed, _dates(report)
    worst, close = drawn.margin_worst_float, drawn.margin_close_float
    axes.fill_between(
        times, worst, close, color="black", alpha=0.18, lw=0, label="down to the worst"
    )
    axes.plot(times, close, color="black", lw=1.2, label="above maintenance at the close")
    axes.axhline(0, color=COLOURS["maintenance"], ls="--", lw=1.3, label="maintenance fails below")
    _mark_breaches(axes, report, worst)
    axes.set(ylabel=report.quote)
    axes.legend(loc="best", fontsize="small")


def _mark_breaches(axes: Axes, report: ReplayReport, heights: Floats) -> None:
    """Candles whose worst point fails, by the test that fails, and when each began to."""
    times, step = _dates(report), report.aligned.step
    colours = {"maintenance": "tab:orange", "liquidation": COLOURS["liquidation"]}
    for breaches, below in zip(report.breaches, report.failed, strict=True):
        if breaches.first is None:
            continue
        failed, colour = np.flatnonzero(below), colours[breaches.threshold]
        first = time_label(breaches.first.time, step)
        axes.plot(
            times[failed],
            heights[failed],
            "o",
            color=colour,
            ms=4 if len(failed) < MANY_POINTS else 2,
            label=f"{breaches.threshold} failed: {len(failed)}, first {first}",
            zorder=3,
        )
        axes.axvline(times[failed[0]], color=colour, lw=0.9, ls=":")


def _draw_prices(axes: Axes, report: ReplayReport) -> None:
    """The closes as multiples of the price now."""
    path, times = report.path, _dates(report)
    _, _, close = path.multiples()
    for places in path.groups[:MAX_LINES]:
        label = ", ".join(path.symbols[place] for place in places)
        axes.plot(times, close[:, places[0]], lw=1.1, label=label)
    axes.axhline(1, color="black", lw=0.6)
    if close.max() / close.min() > MANY_TIMES:
        _logarithmic(axes)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}×")
    axes.set(ylabel="price, of now", xlim=(times[0], times[-1]))
    axes.legend(loc="best", fontsize="small", ncols=min(4, len(path.groups)))


def _dates(report: ReplayReport) -> NDArray[np.datetime64]:
    """When the candles open, as numpy has it: UTC, without saying so."""
    return np.array([time.replace(tzinfo=None) for time in report.aligned.times], "datetime64[s]")


def _logarithmic(axes: Axes) -> None:
    """A logarithmic axis with 1, 2 and 5 on it."""
    from matplotlib.ticker import LogLocator, NullLocator

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())


def draw_stress(
    report: StressReport, grids: Sequence[StressGrid], pricing: Pricing, kind: str
) -> bytes:
    """A heat map of the maintenance margin over two price changes, with the scenarios on it.

    Args:
        report: of the account.
        grids: of maintenance, and of the liquidation test if there is one.
        pricing: which price follows which.
        kind: png or svg.
    """
    from matplotlib.figure import Figure

    grid = grids[0]
    figure = Figure(figsize=(12.5, 7), layout="constrained")
    axes, beside = figure.subplots(1, 2, width_ratios=(2.6, 1))
    xs, ys = grid.first_changes_float, grid.second_changes_float
    reach = float(np.abs(grid.margin_float).max()) or 1.0
    image = axes.pcolormesh(
        xs,
        ys,
        grid.margin_float,
        cmap="RdBu",
        vmin=-reach,
        vmax=reach,
        shading="gouraud",
        # As vectors the map would be a hundred times as large.
        rasterized=True,
    )
    bar = figure.colorbar(image, ax=axes, fraction=0.05)
    bar.set_label(f"above maintenance, {report.quote}")
    bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    handles = []
    for each in grids:
        if each.margin_float.min() < 0 < each.margin_float.max():
            style = "-" if each.threshold == "maintenance" else "--"
            axes.contour(xs, ys, each.margin_float, [0.0], colors="black", linestyles=style)
            handles.append((style, f"{each.threshold} begins to fail"))
    _mark_scenarios(axes, report, grid, pricing)
    _name_scenarios(beside, report, grid, pricing)
    axes.axhline(0, color="white", lw=0.6)
    axes.axvline(0, color="white", lw=0.6)
    for style, label in handles:
        axes.plot([], [], color="black", ls=style, label=label)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:+.0%}")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:+.0%}")
    axes.set(
        xlim=(xs[0], xs[-1]),
        ylim=(ys[0], ys[-1]),
        xlabel=f"change of {_axis(grid.first)}",
        ylabel=f"change of {_axis(grid.second)}",
    )
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.09), ncols=2, fontsize="small")
    figure.suptitle(f"{report.account} under {report.policy}: stress")
    return rendered(figure, kind)


def _axis(name: str) -> str:
    from ..risk.replay.stress_grid import ALIKE, OTHERS

    return "all other prices" if name == OTHERS else ", ".join(name.split(ALIKE))


def _mark_scenarios(axes: Axes, report: StressReport, grid: StressGrid, pricing: Pricing) -> None:
    """Each scenario at its changes of the two assets; what else moves in it is not on the map."""
    named: dict[tuple[float, float], list[str]] = {}
    for number, outcome in enumerate([report.now, *_ranked(report)]):
        place = _place(outcome, grid, pricing)
        if place is None:
            continue
        passed = outcome.maintained
        rim = "tab:orange" if _elsewhere(outcome, report, grid, pricing) else None
        axes.plot(
            *place,
            marker="o" if passed else "X",
            color="white" if passed else "black",
            mec=rim or ("black" if passed else "white"),
            mew=1.6 if rim else 1,
            ms=7 if passed else 9,
            ls="",
            zorder=4,
            clip_on=False,
        )
        if number <= MAX_NAMED:
            named.setdefault(place, []).append(str(number) if number else "now")
    for place, numbers in named.items():
        axes.annotate(
            ", ".join(numbers),
            place,
            (6, 4),
            textcoords="offset points",
            fontsize="small",
            zorder=5,
        )
    axes.plot([], [], "o", color="white", mec="black", ls="", label="scenario, maintained")
    axes.plot([], [], "X", color="black", mec="white", ls="", ms=9, label="scenario, failed")
    axes.plot(
        [], [], "o", color="white", mec="tab:orange", mew=1.6, ls="", label="other prices move too"
    )


def _name_scenarios(axes: Axes, report: StressReport, grid: StressGrid, pricing: Pricing) -> None:
    """The numbers on the map, worst first, and what is left over maintenance in each scenario."""
    axes.set_axis_off()
    ranked = _ranked(report)
    lines = [
        f"{number:>2}  {outcome.tested.scenario.name[:44]}\n      {float(outcome.margin):,.0f}"
        + ("" if _place(outcome, grid, pricing) else ", not on the map")
        for number, outcome in enumerate(ranked[:MAX_NAMED], 1)
    ]
    if len(ranked) > len(lines):
        lines.append(f"and {len(ranked) - len(lines)} more")
    axes.text(
        0,
        1,
        "\n".join([f"above maintenance, {report.quote}, worst first", "", *lines]),
        va="top",
        fontsize="x-small" if len(lines) > MAX_NAMED // 2 else "small",
        transform=axes.transAxes,
    )


def _ranked(report: StressReport) -> list[Outcome]:
    return sorted(report.outcomes, key=lambda outcome: outcome.margin)


def _place(outcome: Outcome, grid: StressGrid, pricing: Pricing) -> tuple[float, float] | None:
    """Where a scenario stands on the map; None where prices of one axis do not move alike, or off
    the map.
    """
    found = []
    for name, changes in (
        (grid.first, grid.first_changes_float),
        (grid.second, grid.second_changes_float),
    ):
        shocks = _changes(name, outcome, grid, pricing)
        change = shocks.pop() if shocks else 0.0
        if shocks or not changes[0] <= change <= changes[-1]:
            return None
        found.append(change)
    return found[0], found[1]


def _changes(name: str, outcome: Outcome, grid: StressGrid, pricing: Pricing) -> set[float]:
    """By how much the prices of an axis move in a scenario."""
    from ..risk.replay.stress_grid import ALIKE, OTHERS

    shocks = outcome.tested.scenario.shocks
    if name != OTHERS:
        return {float(pricing.shock(symbol, shocks)) for symbol in name.split(ALIKE)}
    shown = {*grid.first.split(ALIKE), *grid.second.split(ALIKE)}
    return {float(shock) for symbol, shock in shocks.items() if symbol not in shown}


def _elsewhere(outcome: Outcome, report: StressReport, grid: StressGrid, pricing: Pricing) -> bool:
    """Whether a price that matters to the account moves in a scenario, and is on no axis."""
    from ..risk.replay.stress_grid import ALIKE, OTHERS

    if OTHERS in (grid.first, grid.second):
        return False
    shown = {*grid.first.split(ALIKE), *grid.second.split(ALIKE)}
    shocks = outcome.tested.scenario.shocks
    return any(
        pricing.shock(symbol, shocks)
        for symbol in report.moved
        if symbol not in shown and pricing.followers.get(symbol) not in shown
    )
