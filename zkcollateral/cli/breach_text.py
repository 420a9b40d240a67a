"""The breach report as tables for people."""

from __future__ import annotations

from math import isinf

from ..risk.breach.estimate import Estimate
from ..risk.breach.report import BreachReport, Standing
from ..risk.clock import format_time
from .durations import in_words
from .report_text import Table, decimal, price_text

_STANDINGS: dict[Standing, str] = {
    "passing": "passes now",
    "failed": "fails now, so that it is liquidated whatever prices do",
    "owes nothing": "owes nothing: it cannot fail",
    "cannot fail": "cannot fail, whatever the price that moves does",
    "nothing moves": "passes, and no price of it moves",
}

_NEVER: tuple[Standing, ...] = ("owes nothing", "cannot fail", "nothing moves")


def tables(report: BreachReport) -> list[Table]:
    """Probabilities, formulas where there are some, losses, the market, sensitivities."""
    found = [_probabilities(report)]
    if report.closed_form is not None:
        found.append(_closed_form(report))
    found += [_tails(report), _market(report)]
    if report.sensitivities:
        found.append(_sensitivities(report))
    return found


def _probabilities(report: BreachReport) -> Table:
    simulated, timing = report.simulated, report.timing
    bad = simulated.loss_if_bad_float
    rows = [
        (f"{report.threshold} test", _STANDINGS[report.standing]),
        ("above it now", f"{decimal(report.headroom)} {report.quote}"),
    ]
    within = f"fails within {in_words(timing.horizon_seconds)}"
    if report.standing in _NEVER:
        rows.append((within, "never"))
    else:
        late = "and bad debt"
        if timing.delay_seconds:
            late += f" {in_words(timing.delay_seconds)} later"
        rows += [
            (within, _probability(simulated.breach_float)),
            ("first fails, median of those", _median(report)),
            (late, _probability(simulated.bad_debt_float)),
        ]
        if bad is None:
            rows.append(("bad debt, on average", "none was seen"))
        else:
            rows += [
                ("bad debt, on average", _money(simulated.loss_float, report.quote)),
                ("bad debt where there is some", _amount(bad, report.quote)),
            ]
    how = "Brownian motions" if report.method == "gaussian" else "filtered historical simulation"
    title = (
        f"Breach of {report.account} under {report.policy}, prices of {format_time(report.time)}: "
        f"{simulated.paths:,} paths of {timing.steps} steps ({how}), seed {report.seed}; "
        f"intervals of {report.confidence:.0%}"
    )
    return title, ("what", "is"), rows


def _closed_form(report: BreachReport) -> Table:
    closed = report.closed_form
    if closed is None:
        raise ValueError("no closed form")
    gone = closed.bankruptcy_float
    rows = [
        ("fails", f"{closed.side} {closed.symbol} {price_text(closed.barrier)}"),
        (
            "something is lost",
            "never" if gone is None else f"{closed.side} {closed.symbol} {gone:,.8g}",
        ),
    ]
    cells = [("always", closed.breach_float, closed.bad_debt_float, closed.loss_float)]
    if closed.at_steps is not None:
        steps = closed.at_steps
        every = f"every {in_words(report.timing.horizon_seconds / report.timing.steps)}"
        cells.append((every, steps.breach_float, steps.bad_debt_float, steps.loss_float))
    for when, breach, bad, loss in cells:
        text = f"{_share(breach)}, bad debt {_share(bad)}, on average {_amount(loss, report.quote)}"
        rows.append((f"looked at {when}", text))
    return f"In closed form: only {closed.symbol} moves", ("what", "is"), rows


def _tails(report: BreachReport) -> Table:
    rows = [
        (
            f"{tail.level:.0%}",
            _money(tail.value_at_risk_float, report.quote),
            _money(tail.expected_shortfall_float, report.quote),
        )
        for tail in report.simulated.tails
    ]
    now = _amount(report.simulated.value_now, report.quote)
    horizon = in_words(report.timing.horizon_seconds)
    title = f"Loss of market value after {horizon}, of {now} now; below 0 a gain"
    return title, ("level", "value at risk", "expected shortfall"), rows


def _market(report: BreachReport) -> Table:
    market = report.market
    shown = [i for i in range(len(market.symbols)) if market.volatilities[i] or market.drifts[i]]
    rows = [
        (
            market.symbols[i],
            f"{market.volatilities[i]:.2%}",
            f"{market.drifts[i]:+.2%}",
            *(f"{market.correlation[i, j]:.3f}" for j in shown),
        )
        for i in shown
    ]
    columns = ("asset", "volatility", "drift", *(market.symbols[j] for j in shown))
    what = "Assumed" if report.method == "gaussian" else "In the history, on average"
    return f"{what}, per year; correlations", columns, rows


def _sensitivities(report: BreachReport) -> Table:
    rows = [
        (
            f"{each.what} {each.of}".strip(),
            each.move,
            _points(each.breach_float),
            _points(each.bad_debt_float),
        )
        for each in report.sensitivities
    ]
    columns = ("what moves", "by", "probability of breach", "of bad debt")
    return "Sensitivities, in percentage points", columns, rows


def _median(report: BreachReport) -> str:
    """When half of the paths that fail have failed."""
    first = report.simulated.first_float
    total = float(first.sum())
    if not total:
        return "never"
    reached = 0.0
    for step, share in enumerate(first):
        reached += float(share)
        if reached >= total / 2:
            return f"after {in_words(step * report.simulated.step_seconds)}" if step else "now"
    return "never"


def _probability(estimate: Estimate) -> str:
    return f"{_share(estimate.value)} ({_share(estimate.low)} to {_share(estimate.high)})"


def _share(value: float) -> str:
    return f"{value:.2%}" if value in (0.0, 1.0) or 0.001 <= value <= 0.999 else f"{value:.3g}"


def _points(estimate: Estimate) -> str:
    if estimate.low == estimate.high == 0:
        return "none was seen"
    low, high = 100 * estimate.low, 100 * estimate.high
    return f"{100 * estimate.value:+.3f} ({low:+.3f} to {high:+.3f})"


def _money(estimate: Estimate, quote: str) -> str:
    return (
        f"{_digits(estimate.value)} {quote} ({_digits(estimate.low)} to {_digits(estimate.high)})"
    )


def _amount(value: float, quote: str) -> str:
    return f"{_digits(value)} {quote}"


def _digits(value: float) -> str:
    """Money to the cent, and what is less than one to three digits."""
    if isinf(value):
        return "infinite"
    return f"{value:,.2f}" if not value or abs(value) >= 1 else f"{value:.3g}"
