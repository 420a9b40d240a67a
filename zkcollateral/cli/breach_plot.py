"""The picture of a breach report: where the account may stand at the horizon, and when it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .durations import in_words
from .plots import rendered

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..risk.breach.report import BreachReport

BINS: Final = 64
_SAFE: Final = "tab:blue"
_FAILED: Final = "tab:red"


def draw_breach(report: BreachReport, kind: str) -> bytes:
    """Left the distribution at the horizon, right the probability of having failed over time.

    Args:
        report: of the account.
        kind: png or svg.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    ratio = report.simulated.ratio_at_horizon
    if np.all(np.isfinite(ratio)):
        _draw_ratio(left, report, ratio)
    else:
        _draw_value(left, report)
    _draw_first(right, report)
    motion = "Brownian motions" if report.method == "gaussian" else "filtered history"
    figure.suptitle(
        f"{report.account} under {report.policy}: {report.threshold} test, "
        f"{report.simulated.paths:,} paths of {motion}, seed {report.seed}"
    )
    return rendered(figure, kind)


def _draw_ratio(axes: Axes, report: BreachReport, ratio: np.ndarray[Any, Any]) -> None:
    low, high = np.quantile(ratio, (0.001, 0.995))
    low, high = min(low, 0.98), max(high, 1.02)
    # One of the edges is the threshold, so that no bar is on both sides of it.
    width = (high - low) / BINS
    below, above = np.ceil((1 - low) / width), np.ceil((high - 1) / width)
    edges = 1 + width * np.arange(-below, above + 1)
    counts, _ = np.histogram(ratio, edges)
    shares = counts / len(ratio)
    colours = [_FAILED if edge < 1 - width / 2 else _SAFE for edge in edges[:-1]]
    axes.bar(edges[:-1], shares, width, align="edge", color=colours, alpha=0.6, lw=0)
    axes.axvline(1, color="black", lw=1.2, label="threshold")
    now = report.simulated.ratio_now
    if np.isfinite(now):
        axes.axvline(now, color="black", lw=1.2, ls=":", label=f"now, {now:.3f}")
    failing = float((ratio < 1).mean())
    axes.set(
        xlim=(edges[0], edges[-1]),
        xlabel=f"what counts / what is required by the {report.threshold} test",
        ylabel="share of the paths",
        title=f"after {in_words(report.timing.horizon_seconds)}: {failing:.2%} below the threshold",
    )
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.1%}")
    axes.legend()


def _draw_value(axes: Axes, report: BreachReport) -> None:
    """What the account is worth, where it owes nothing."""
    found = report.simulated
    value = found.value_at_horizon
    low, high = np.quantile(value, (0.001, 0.995))
    weights = np.full(len(value), 1 / len(value))
    shown = (float(low), float(high))
    axes.hist(value, bins=BINS, range=shown, weights=weights, color=_SAFE, alpha=0.6)
    axes.axvline(found.value_now, color="black", lw=1.2, ls=":", label="now")
    for tail, style in zip(found.tails, ("--", "-."), strict=False):
        at = found.value_now - tail.value_at_risk_float.value
        axes.axvline(at, color=_FAILED, lw=1.2, ls=style, label=f"value at risk, {tail.level:.0%}")
    axes.set(
        xlabel=f"market value in {report.quote}",
        ylabel="share of the paths",
        title=f"after {in_words(report.timing.horizon_seconds)}",
    )
    axes.yaxis.set_major_formatter(lambda number, _: f"{number:.1%}")
    axes.legend()


def _draw_first(axes: Axes, report: BreachReport) -> None:
    found, closed = report.simulated, report.closed_form
    unit, name = _unit(report.timing.horizon_seconds)
    times = np.arange(len(found.first_float)) * found.step_seconds / unit
    reached = np.cumsum(found.first_float)
    axes.fill_between(times, reached, step="post", color=_FAILED, alpha=0.25, lw=0)
    axes.plot(times, reached, drawstyle="steps-post", color=_FAILED, label="simulated")
    if closed is not None and closed.at_steps is not None:
        exact = np.concatenate([[0.0], np.cumsum(closed.at_steps.first_float)])
        axes.plot(times, exact, color="black", lw=1, ls="--", label="by quadrature")
    axes.set(xlim=(0, times[-1]), xlabel=name, ylabel="probability of having failed")
    if not found.first_float.any():
        sure = report.standing in ("owes nothing", "cannot fail", "nothing moves")
        text = "it cannot fail" if sure else f"none of {found.paths:,} paths fails"
        axes.text(0.5, 0.5, text, ha="center", transform=axes.transAxes, fontsize="large")
        axes.set(ylim=(0, 1), title="first failure: none")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        return
    breach, bad = found.breach_float, found.bad_debt_float
    errors = [[breach.value - breach.low], [breach.high - breach.value]]
    axes.errorbar(
        times[-1:],
        [breach.value],
        errors,
        color="black",
        fmt="o",
        ms=4,
        capsize=4,
        clip_on=False,
        label=f"at the end, with its {report.confidence:.0%} interval",
    )
    if bad.value > breach.value / 50:
        axes.axhline(
            bad.value,
            color="black",
            lw=1,
            ls=":",
            label=f"bad debt {in_words(report.timing.delay_seconds)} after",
        )
    top = breach.high
    axes.set(
        ylim=(0, min(1.2 * top, 1.02)),
        title=f"first failure: {_percent(breach.value)}, with bad debt {_percent(bad.value)}",
    )
    digits = 1 if top > 0.02 else 3
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.{digits}%}")
    axes.legend(loc="upper left")


def _unit(seconds: int) -> tuple[int, str]:
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return size, name
    return 1, "seconds"


def _percent(value: float) -> str:
    return f"{value:.2%}" if not value or value >= 0.001 else f"{100 * value:.2g}%"
