"""The picture of a cascade: its course, and how it depends on the shock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..risk.system.report import CascadeReport
from ..risk.system.run import Cascade
from ..risk.system.spiral import Spiral
from .plots import rendered

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:purple", "tab:brown", "tab:cyan")
ALARM = "tab:red"
MOST_ASSETS = len(COLOURS)
TICKS = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)


def draw(report: CascadeReport, kind: str) -> bytes:
    """Prices, liquidations and bad debt over the steps; beside them, over shocks, if asked for.

    Args:
        report: of a cascade.
        kind: png or svg.
    """
    from matplotlib.figure import Figure

    columns = 1 if report.spiral is None else 2
    figure = Figure(figsize=(7 * columns, 8.5), layout="constrained")
    axes = figure.subplots(3, columns, squeeze=False)
    _prices(axes[0, 0], report.cascade)
    _liquidations(axes[1, 0], report.cascade)
    _bad_debt(axes[2, 0], report.cascade, report.quote)
    for each in axes[:, 0]:
        each.set_xlim(0, len(report.cascade.market))
        each.grid(alpha=0.25)
    axes[2, 0].set_xlabel("step")
    if report.spiral is not None:
        _amplification(axes[0, 1], report.spiral)
        _bad_debts(axes[1, 1], report.spiral, report.quote)
        _gain(axes[2, 1], report.spiral)
        for each in axes[:, 1]:
            each.xaxis.set_major_formatter(_percent)
            each.grid(alpha=0.25)
    shocks = ", ".join(f"{symbol} {shock:+.1%}" for symbol, shock in report.shocks.items())
    count = f"{report.cascade.accounts:,} {'synthetic ' if report.synthetic else ''}accounts"
    figure.suptitle(f"{count} under {report.policy} after {shocks}")
    return rendered(figure, kind)


def _percent(value: float, _: object) -> str:
    return f"{value:.0%}"


def _prices(axes: Axes, cascade: Cascade) -> None:
    steps = np.arange(len(cascade.market) + 1)
    # Those whose price moves, the most at first.
    moved = np.argsort(-np.ptp(cascade.market / cascade.prices, axis=0) - _fell(cascade))
    shown = [p for p in moved.tolist() if _fell(cascade)[p] > 1e-6][:MOST_ASSETS]
    for place, colour in zip(shown, COLOURS, strict=False):
        for values, style, width in (
            (cascade.market, "-", 1.8),
            (cascade.oracle, ":", 1.4),
            (cascade.exogenous, "--", 1.2),
        ):
            course = np.concatenate([[1.0], values[:, place] / cascade.prices[place]])
            label = cascade.symbols[place] if style == "-" else None
            axes.plot(steps, course, style, color=colour, lw=width, label=label)
    for style, label in (("-", "market"), (":", "oracle"), ("--", "exogenous")):
        axes.plot([], [], style, color="grey", label=label)
    axes.yaxis.set_major_formatter(_percent)
    axes.set(ylabel="price, of the price before", title="Prices")
    if axes.get_ylim()[0] < 0.5:
        axes.set_ylim(0, None)
    axes.legend(ncols=2, fontsize="small")


def _fell(cascade: Cascade) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """By how much each price fell at most, as a share."""
    return np.asarray(np.max(np.abs(1 - cascade.market / cascade.prices), axis=0), np.float64)


def _liquidations(axes: Axes, cascade: Cascade) -> None:
    steps = np.arange(1, len(cascade.market) + 1)
    bars = axes.bar(steps, cascade.liquidations, width=1.0, color=COLOURS[0], label="liquidated")
    # There may be a thousand times as many as fit into a step.
    beside = axes.twinx()
    (line,) = beside.plot(steps, cascade.liquidatable, color=ALARM, lw=1.2, label="liquidatable")
    axes.set(ylabel="liquidated", title="Liquidations in each step", ylim=(0, None))
    beside.set(ylabel="liquidatable", ylim=(0, None))
    beside.yaxis.label.set_color(ALARM)
    beside.tick_params(axis="y", colors=ALARM)
    axes.legend(handles=[bars, line], fontsize="small")


def _bad_debt(axes: Axes, cascade: Cascade, quote: str) -> None:
    steps = np.arange(len(cascade.market) + 1)
    written = np.concatenate([[0.0], np.cumsum(cascade.written_off)])
    lacking = np.concatenate([[0.0], cascade.shortfall])
    axes.fill_between(steps, 0, written, color=ALARM, alpha=0.5, lw=0, label="written off")
    axes.fill_between(
        steps, written, written + lacking, color="tab:orange", alpha=0.5, lw=0, label="shortfall"
    )
    axes.yaxis.set_major_formatter(_money)
    axes.set(ylabel=quote, title="Bad debt so far", ylim=(0, None))
    if not np.any(written + lacking):
        axes.set_ylim(0, 1)
        axes.text(0.5, 0.5, "none", transform=axes.transAxes, ha="center", color="grey")
    axes.legend(fontsize="small")


def _money(value: float, _: object) -> str:
    for size, name in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:,.4g} {name}"
    return f"{value:,.4g}"


def _mark(axes: Axes, spiral: Spiral) -> None:
    if spiral.critical is not None:
        label = f"critical shock {spiral.critical:.2%}"
        axes.axvline(spiral.critical, color=ALARM, ls="--", lw=1.2, label=label)


def _amplification(axes: Axes, spiral: Spiral) -> None:
    shocks = [point.shock for point in spiral.points]
    axes.plot(shocks, [point.amplification for point in spiral.points], "o-", ms=3)
    axes.axhline(spiral.bound, color="black", lw=1, ls=":", label=f"bound {spiral.bound:g}")
    _mark(axes, spiral)
    if spiral.loop.critical is not None:
        label = f"by the gain alone {spiral.loop.critical:.2%}"
        axes.axvline(spiral.loop.critical, color="tab:green", ls=":", lw=1.4, label=label)
    axes.set_yscale("log")
    highest = max(point.amplification for point in spiral.points)
    axes.set_yticks([tick for tick in TICKS if tick <= 2 * highest])
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_formatter(lambda value, _: "")
    axes.set(xlim=(0, 1), ylabel="total fall over shock", title="Amplification over the shock")
    axes.set_xlabel("shock")
    axes.legend(fontsize="small")


def _bad_debts(axes: Axes, spiral: Spiral, quote: str) -> None:
    shocks = [point.shock for point in spiral.points]
    axes.plot(shocks, [point.bad_debt for point in spiral.points], "o-", ms=3, color="tab:orange")
    _mark(axes, spiral)
    axes.yaxis.set_major_formatter(_money)
    axes.set(xlim=(0, 1), ylim=(0, None), ylabel=quote, title="Bad debt over the shock")
    axes.set_xlabel("shock")
    if spiral.critical is not None:
        axes.legend(fontsize="small")


def _gain(axes: Axes, spiral: Spiral) -> None:
    loop = spiral.loop
    axes.plot(loop.fall, np.minimum(loop.gain, 1e6), color="tab:green")
    axes.axhline(1, color="black", lw=1, ls=":", label="1: each fall makes as large a one")
    axes.fill_between(
        loop.fall,
        0,
        1,
        where=loop.gain >= 1,
        color=ALARM,
        alpha=0.12,
        lw=0,
        transform=axes.get_xaxis_transform(),
        label="liquidations feed themselves",
    )
    axes.set(
        xlim=(0, 1),
        ylim=(0, min(5.0, 1.1 * max(1.5, float(loop.gain.max())))),
        xlabel="fall of the market's prices",
        ylabel="gain",
        title="Gain of the loop, without simulation",
    )
    axes.legend(fontsize="small")
