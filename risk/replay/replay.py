"""What a history of prices would have done to an account: the replay report.

The history is gone through candle by candle (`price_path`, `course`). Amounts stay as they are: no
interest, no funding, no trade; and so does what the round says beside prices: figures, confidence
intervals as shares of the price, an adaptive ratio. Verdicts and everything about a candle that is
named are exact; fields that end in `_float` are for pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ..fixed_point import whole
from ..liquidation.report import LiquidationReport, liquidation_report
from ..policy import Policy
from ..portfolio import Portfolio
from ..prices import PriceRound
from ..registry import Registry
from ..report import Infinite
from ..threshold import (
    Threshold,
    ThresholdName,
    driver,
    liquidation_threshold,
    maintenance_threshold,
    positions,
)
from ..valuation import Account, account_of
from .candles import Aligned, Candles, Floats
from .course import Course, Progress, course
from .price_path import Mode, Point, PricePath, price_path
from .refused import refused_now

MAX_WORST = 1000


@dataclass(frozen=True)
class Moment:
    """An account at the prices of one candle, exact; in quote.

    Attributes:
        time: when the candle opens.
        prices: `low`, `high` or `close`: which price of it is taken, by symbol.
        shocks: multiple − 1 of the price now, by symbol.
        maintenance: the margin of the maintenance test.
        liquidation: the margin of the liquidation test; None if the policy has none.
        ratio: weighted collateral / weighted debt by the factors of maintenance, with the policy's
            rounding.
    """

    time: datetime
    prices: Mapping[str, str]
    shocks: Mapping[str, Fraction]
    maintenance: Fraction
    liquidation: Fraction | None
    ratio: Fraction | Infinite

    def __repr__(self) -> str:
        return f"Moment({self.time:%Y-%m-%d}, hidden)"


@dataclass(frozen=True)
class Breaches:
    """Where one test is failed.

    Attributes:
        threshold: which test.
        candles: in how many candles it is failed at their worst point.
        closes: at how many closes.
        first: the first candle with a failure, at its worst point; None if there is none.
        deepest: where the margin is least, of all candles.
    """

    threshold: ThresholdName
    candles: int
    closes: int
    first: Moment | None
    deepest: Moment

    def __repr__(self) -> str:
        return f"Breaches({self.threshold!r}, hidden)"


@dataclass(frozen=True, eq=False)
class Replayed:
    """The courses as floats for pictures, each of shape (candles,); inf where nothing is owed.

    Attributes:
        close_float, worst_float: weighted collateral / weighted debt at closes and worst points.
        maintenance_float: that ratio at which maintenance begins to fail, reserve included.
        liquidation_float: at which the liquidation test begins to fail; None if there is none.
        margin_close_float, margin_worst_float: of maintenance, in quote.
    """

    close_float: Floats
    worst_float: Floats
    maintenance_float: Floats
    liquidation_float: Floats | None
    margin_close_float: Floats
    margin_worst_float: Floats

    def __repr__(self) -> str:
        return "Replayed(hidden)"


@dataclass(frozen=True, eq=False)
class ReplayReport:
    """What a history would have done to an account.

    Attributes:
        account, policy, quote, time: names, currency and the time of the round.
        category: whose factors count, if the account is in one.
        path: the prices, by symbol.
        refused: what fails every claim whatever the prices, as in `stress.StressReport`: misplaced
            assets and exceeded limits. No margin shows it.
        unmoved: what the account holds or owes whose price has no candles, and stays.
        breaches: of each test that the policy has, maintenance first.
        worst: the candles with the least maintenance margin, lowest first.
        liquidation: what the policy's liquidation at the first failure of its test would do, at
            the worst point of that candle; None without a failure.
        failed: for each of the breaches, which candles fail at their worst point, shape (candles,).
        replayed: for pictures.
    """

    account: str
    policy: str
    quote: str
    time: datetime
    category: str | None
    path: PricePath
    refused: tuple[str, ...]
    unmoved: tuple[str, ...]
    breaches: tuple[Breaches, ...]
    worst: tuple[Moment, ...]
    liquidation: LiquidationReport | None
    failed: tuple[NDArray[np.bool_], ...]
    replayed: Replayed

    @property
    def aligned(self) -> Aligned:
        """The candles."""
        return self.path.aligned

    @property
    def synthetic(self) -> bool:
        """Whether any of the prices say that they are made up."""
        return any(series.synthetic for series in self.aligned.series)

    def __repr__(self) -> str:
        return f"ReplayReport({self.account!r}, hidden)"


def replay_report(
    portfolio: Portfolio,
    policy: Policy,
    registry: Registry,
    prices: PriceRound,
    candles: Mapping[str, Candles],
    category: str | None = None,
    *,
    mode: Mode = "scaled",
    start: datetime | None = None,
    end: datetime | None = None,
    worst: int = 10,
    progress: Progress | None = None,
) -> ReplayReport:
    """Replay a history of prices over an account.

    Args:
        portfolio, policy, registry, prices, category: as for `report.health_report`.
        candles: by symbol of the policy.
        mode: `scaled`: the history begins now; `historical`: the prices themselves.
        start, end: the first and the last candle, both included.
        worst: how many of the worst candles are told, 1 to 1000.
        progress: told how many of the exact evaluations are done, of how many.

    Raises:
        InputError: as for `price_path.price_path`.
        DocumentError, CompileError: as for `report.health_report`.
    """
    whole("replay: worst", worst, 1, MAX_WORST)
    account = account_of(portfolio, policy, registry, prices, category)
    path = price_path(candles, policy, account.pricing, mode, start, end)
    maintenance, liquidation = maintenance_threshold(account), liquidation_threshold(account)
    kept = course(maintenance, path)
    courses = [kept] if liquidation is None else [kept, course(liquidation, path)]
    for each in courses:
        each.judge(progress or (lambda done, total: None))

    def moment(index: int, point: Point) -> Moment:
        return _moment(path, index, point, maintenance, liquidation)

    breaches = tuple(_breaches(each, moment) for each in courses)
    first = None if liquidation is None else breaches[1].first
    return ReplayReport(
        account=portfolio.account,
        policy=policy.name,
        quote=policy.quote,
        time=prices.time,
        category=category,
        path=path,
        refused=refused_now(account, policy, registry, prices, category),
        unmoved=_unmoved(account, path),
        breaches=breaches,
        worst=tuple(moment(index, kept.point(index)) for index in kept.lowest(worst)),
        liquidation=None
        if first is None
        else liquidation_report(portfolio, policy, registry, prices, category, shocks=first.shocks),
        failed=tuple(each.below[1] for each in courses),
        replayed=_replayed(courses),
    )


_POINTS = ("low", "high", "close")


def exact_ratio(threshold: Threshold, shocks: Mapping[str, Fraction]) -> Fraction | Infinite:
    """Weighted collateral / weighted debt after shocks, with the policy's rounding."""
    account = threshold.account
    held = account.above(Fraction(0), shocks, reserved=False)
    owed = held - account.above(Fraction(1), shocks, reserved=False)
    return held / owed if owed else "infinite"


def _moment(
    path: PricePath,
    index: int,
    point: Point,
    maintenance: Threshold,
    liquidation: Threshold | None,
) -> Moment:
    shocks = path.shocks(index, point)
    return Moment(
        time=path.aligned.times[index],
        prices={symbol: _POINTS[i] for symbol, i in zip(path.symbols, point, strict=True)},
        shocks=shocks,
        maintenance=maintenance.margin(shocks),
        liquidation=None if liquidation is None else liquidation.margin(shocks),
        ratio=exact_ratio(maintenance, shocks),
    )


def _breaches(followed: Course, moment: Callable[[int, Point], Moment]) -> Breaches:
    closes, candles = followed.below
    first, (deepest,) = followed.first(), followed.lowest(1)
    return Breaches(
        followed.threshold.name,
        int(candles.sum()),
        int(closes.sum()),
        None if first is None else moment(first, followed.point(first)),
        moment(deepest, followed.point(deepest)),
    )


def _unmoved(account: Account, path: PricePath) -> tuple[str, ...]:
    held = (asset.symbol for asset in positions(account))
    moved = set(path.symbols)
    return tuple(dict.fromkeys(s for s in held if driver(account.pricing, s) not in moved))


def _replayed(courses: list[Course]) -> Replayed:
    kept = courses[0]
    reserve = float(kept.threshold.account.policy.reserve or 0)
    debt = np.where(kept.debt_at_worst > 0, kept.debt_at_worst, np.inf)
    fails: Floats | None = None
    if len(courses) == 2:
        tested = courses[1]
        owed = np.where(tested.debt_at_worst > 0, tested.debt_at_worst, np.inf)
        # By how much the liquidation test is met, in the weights of maintenance.
        required = float(tested.threshold.ratio) + reserve / owed
        met = np.where(np.isfinite(tested.worst_ratio), tested.worst_ratio / required, np.inf)
        fails = np.divide(
            kept.worst_ratio, met, out=np.zeros_like(met), where=np.isfinite(met) & (met > 0)
        )
    return Replayed(
        kept.closing_ratio,
        kept.worst_ratio,
        float(kept.threshold.ratio) + reserve / debt,
        fails,
        kept.closing,
        kept.worst,
    )
