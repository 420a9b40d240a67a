"""Pictures of a health report. matplotlib is loaded only when one is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from math import inf, nan
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..risk.boundary import Bound, Boundary, SafePrices
    from ..risk.report import HealthReport

KINDS: Final = (".png", ".svg")
COLOURS: Final = {"maintenance": "tab:blue", "liquidation": "tab:red"}
CHANGES: Final = (-1.0, 1.0)
"""Changes of a price that the bars show; a bound further off is drawn at the edge."""


def check_plot(path: Path) -> None:
    """InputError unless the name says which kind of picture, and matplotlib is there to draw it."""
    if path.suffix not in KINDS:
        raise InputError("--plot", f"a name that ends in {' or '.join(KINDS)}", repr(str(path)))
    try:
        import matplotlib as mpl  # noqa: F401
    except ImportError:
        expected = "matplotlib to be installed (pip install 'zkcollateral[plot]')"
        raise InputError("--plot", expected, "no matplotlib") from None


def draw(report: HealthReport, boundaries: Sequence[Boundary], kind: str) -> bytes:
    """The picture: the boundaries of two assets if there are any, and the distance of each asset.

    Args:
        report: of the account.
        boundaries: of the same two assets, one for each threshold.
        kind: png or svg.
    """
    from matplotlib.figure import Figure

    columns = 2 if boundaries else 1
    figure = Figure(figsize=(6.5 * columns, 5), layout="constrained")
    axes = figure.subplots(1, columns, squeeze=False)[0]
    if boundaries:
        _draw_boundaries(axes[0], boundaries, report.quote)
    _draw_distances(axes[-1], report)
    figure.suptitle(f"{report.account} under {report.policy}")
    return rendered(figure, kind)


def rendered(figure: Figure, kind: str) -> bytes:
    """A figure as png or svg."""
    picture = BytesIO()
    metadata = {"Date": None} if kind == "svg" else {}
    figure.savefig(picture, format=kind, dpi=150, metadata=metadata)
    return picture.getvalue()


def _draw_boundaries(axes: Axes, boundaries: Sequence[Boundary], quote: str) -> None:
    """Lines where each test begins to fail; what fails the last of them is shaded."""
    last = boundaries[-1]
    now = float(last.first_price), float(last.second_price)
    top = 2 * now[1]
    for boundary in boundaries:
        colour = COLOURS[boundary.threshold]
        xs = [float(point.first_price) for point in boundary.points]
        lows, highs = _lines(boundary)
        axes.plot(xs, lows, color=colour, label=boundary.threshold)
        axes.plot(xs, highs, color=colour)
    xs = [float(point.first_price) for point in last.points]
    safe = [_interval(point.second) for point in last.points]
    shade = COLOURS[last.threshold]
    axes.fill_between(xs, 0, [min(low, top) for low, _ in safe], color=shade, alpha=0.15, lw=0)
    axes.fill_between(xs, [min(high, top) for _, high in safe], top, color=shade, alpha=0.15, lw=0)
    axes.plot(*now, "o", color="black", label="now")
    axes.set(
        xlim=(0, max(xs)),
        ylim=(0, top),
        xlabel=f"{last.first} in {quote}",
        ylabel=f"{last.second} in {quote}",
        title=f"shaded: the {last.threshold} test fails",
    )
    axes.legend()


def _draw_distances(axes: Axes, report: HealthReport) -> None:
    """For each asset the changes of its price that still pass, the others fixed."""
    from matplotlib.patches import Patch

    low, high = CHANGES
    names = []
    for row, asset in enumerate(report.assets):
        names.append(asset.symbol)
        for name, prices in (
            ("maintenance", asset.maintenance),
            ("liquidation", asset.liquidation),
        ):
            if prices is None or not prices.passable:
                continue
            left = min(max(_change(prices.lower, low), low), high)
            right = min(max(_change(prices.upper, high), low), high)
            place, height = (row, 0.35) if name == "maintenance" else (row + 0.38, 0.35)
            axes.barh(place, right - left, height, left=left, color=COLOURS[name], alpha=0.5)
    axes.axvline(0, color="black", lw=1)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:+.0%}")
    axes.set(xlim=CHANGES, xlabel="change of the price", title="changes that still pass")
    bars = [Patch(color=colour, alpha=0.5, label=name) for name, colour in COLOURS.items()]
    axes.legend(handles=bars, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2)


def _lines(boundary: Boundary) -> tuple[list[float], list[float]]:
    """The lower and the upper line; the lower one is drawn down to 0 where it ends."""
    points = boundary.points
    lows = [_price(point.second.lower, nan) for point in points]
    for index, point in enumerate(points):
        beside = [near.second.lower for near in points[max(index - 1, 0) : index + 2]]
        if point.second.passable and point.second.lower is None and any(beside):
            lows[index] = 0.0
    return lows, [_price(point.second.upper, nan) for point in points]


def _price(bound: Bound | None, otherwise: float) -> float:
    return otherwise if bound is None else float(bound.price)


def _change(bound: Bound | None, otherwise: float) -> float:
    return otherwise if bound is None else float(bound.change)


def _interval(prices: SafePrices) -> tuple[float, float]:
    if not prices.passable:
        return inf, inf
    return _price(prices.lower, 0.0), _price(prices.upper, inf)
