"""How likely an account is to fail, and what is lost then: everything of it in one report.

Whether it passes now is exact, and so are the prices at which it fails; everything else in here is
a float statistic, as good as the model of the market that was assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from math import inf, sqrt
from typing import Final, Literal, TypeAlias

import numpy as np

from ...errors import InputError
from ..boundary import price_of
from ..policy import Policy
from ..portfolio import Portfolio
from ..prices import PriceRound
from ..registry import Registry
from ..safe_range import SafeRange
from ..threshold import (
    Threshold,
    ThresholdName,
    liquidation_threshold,
    maintenance_threshold,
)
from ..valuation import account_of, owed
from .closed_form import (
    OneDriver,
    Sensitivities,
    Side,
    bad_debt_probability,
    breach_probability,
    expected_loss,
    sensitivities,
)
from .discrete import MAX_LOOKS, AtSteps, breach_at_steps
from .historical import HistoricalPaths
from .market import Market, Timing
from .paths import GaussianPaths, PathMaker
from .sensitivity import Sensitivity, breach_sensitivities
from .simulation import Progress, Simulated, Subject, simulate, subject_of

Standing: TypeAlias = Literal["passing", "failed", "owes nothing", "cannot fail", "nothing moves"]
"""`passing`: it may or may not fail. `failed`: it fails the test now. The other three cannot fail:
it has no debt, no short position and no reserve; no price of the only asset that moves makes it
fail; or no price moves.
"""

_NEVER: Final = 1e-12
"""A second barrier that is reached with a smaller probability is not looked at."""


@dataclass(frozen=True)
class ClosedForm:
    """What formulas say where one price decides. Floats, and money in quote.

    Attributes:
        symbol: whose price.
        side: whether the account fails below or above the barrier.
        barrier: its price at which the test is passed for the last time, exact.
        bankruptcy_float: its price beyond which something is lost; None if none is.
        breach_float, bad_debt_float, loss_float: if the test is always looked at.
        at_steps: if it is looked at after every step; None for more steps than that sum takes.
        sensitivities: of `breach_float`.
    """

    symbol: str
    side: Side
    barrier: Fraction
    bankruptcy_float: float | None
    breach_float: float
    bad_debt_float: float
    loss_float: float
    at_steps: AtSteps | None
    sensitivities: Sensitivities

    def __repr__(self) -> str:
        return f"ClosedForm({self.symbol!r}, hidden)"


@dataclass(frozen=True, eq=False)
class BreachReport:
    """How likely an account is to fail its test within a horizon. As secret as the portfolio.

    Attributes:
        account, policy, quote, time, category: as in a health report.
        threshold: the test: of liquidation if the policy has one, otherwise of maintenance.
        standing: how it stands now, exact.
        headroom: the test's margin now, exact, in quote.
        method: geometric Brownian motions, or filtered historical simulation.
        market: what was assumed of prices; of history, as estimated from it.
        timing: horizon, delay and steps.
        seed, confidence: of the simulation and of its intervals.
        simulated: what came out.
        closed_form: None if more than one price moves, two barriers matter, or it is no Brownian
            motion.
        sensitivities: empty if they were not asked for.
    """

    account: str
    policy: str
    quote: str
    time: datetime
    category: str | None
    threshold: ThresholdName
    standing: Standing
    headroom: Fraction
    method: Literal["gaussian", "historical"]
    market: Market
    timing: Timing
    seed: int
    confidence: float
    simulated: Simulated
    closed_form: ClosedForm | None
    sensitivities: tuple[Sensitivity, ...]

    def __repr__(self) -> str:
        return f"BreachReport({self.account!r}, hidden)"


@dataclass(frozen=True, eq=False)
class History:
    """Past returns to draw from.

    Attributes:
        returns: log returns by symbol, all of the same steps, oldest first.
        step_seconds: of one.
    """

    returns: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]
    step_seconds: int


def breach_report(
    portfolio: Portfolio,
    policy: Policy,
    registry: Registry,
    prices: PriceRound,
    market: Market,
    timing: Timing,
    category: str | None = None,
    *,
    history: History | None = None,
    paths: int = 1 << 16,
    seed: int = 0,
    confidence: float = 0.95,
    sensitivity_paths: int = 0,
    progress: Progress | None = None,
) -> BreachReport:
    """How likely an account is to fail within a horizon, and to be liquidated too late.

    Args:
        portfolio, policy, registry, prices, category: as for `report.health_report`.
        market: a volatility of every price that moves the account; 0 for one that stays.
        timing: horizon, delay, steps.
        history: draw paths from it (filtered historical simulation) in place of Brownian motions;
            prices that it lacks must have volatility 0. Then `timing.steps` is the horizon in steps
            of the history.
        paths, seed, confidence: as for `simulation.simulate`.
        sensitivity_paths: for each simulation of the sensitivities; 0 for none.
        progress: told how much is done, of how much.

    Raises:
        InputError: a price without volatility, or as `simulation.simulate`.
        DocumentError, CompileError: as for `report.health_report`.
    """
    account = account_of(portfolio, policy, registry, prices, category)
    test = liquidation_threshold(account) or maintenance_threshold(account)
    subject = subject_of(test)
    ordered = market.ordered(subject.test.drivers)
    maker: PathMaker
    if history is None:
        maker = GaussianPaths(ordered, timing)
    else:
        if sensitivity_paths:
            expected = "Brownian motions, not history: it has no parameters to move"
            raise InputError("sensitivities", expected, "history")
        still = [s for s, v in zip(ordered.symbols, ordered.volatilities, strict=True) if v == 0]
        maker = HistoricalPaths(
            history.returns, history.step_seconds, timing, ordered.symbols, still
        )
        timing = Timing(timing.horizon_seconds, timing.delay_seconds, maker.times)
    found = simulate(subject, maker, paths, seed, confidence=confidence, progress=progress)
    movers = [
        symbol
        for index, symbol in enumerate(ordered.symbols)
        if ordered.volatilities[index] or (history is None and ordered.drifts[index])
    ]
    safe = test.safe_moves({movers[0]}, {}) if len(movers) == 1 else None
    standing = _standing(test, movers, safe)
    closed = None
    if history is None and safe is not None and standing == "passing":
        closed = _closed_form(test, subject, ordered, movers[0], safe, timing)
    return BreachReport(
        account=portfolio.account,
        policy=policy.name,
        quote=policy.quote,
        time=prices.time,
        category=category,
        threshold=test.name,
        standing=standing,
        headroom=test.margin({}),
        method="gaussian" if history is None else "historical",
        market=ordered,
        timing=timing,
        seed=seed,
        confidence=confidence,
        simulated=found,
        closed_form=closed,
        sensitivities=breach_sensitivities(
            test, ordered, timing, sensitivity_paths, seed, confidence=confidence, progress=progress
        )
        if sensitivity_paths
        else (),
    )


def _standing(test: Threshold, movers: list[str], safe: SafeRange | None) -> Standing:
    if test.margin({}) < 0:
        return "failed"
    account = test.account
    debts = any(owed(asset, account.amounts[asset.slot]) for asset in account.registry.assets)
    if not debts and not account.policy.reserve:
        return "owes nothing"
    if not movers:
        return "nothing moves"
    if safe is not None and safe.lower is None and safe.upper is None:
        return "cannot fail"
    return "passing"


def _closed_form(
    test: Threshold,
    subject: Subject,
    market: Market,
    symbol: str,
    safe: SafeRange,
    timing: Timing,
) -> ClosedForm | None:
    index = market.symbols.index(symbol)
    volatility, drift = float(market.volatilities[index]), float(market.drifts[index])
    if volatility == 0:
        return None
    edges: list[tuple[Side, Fraction]] = []
    if safe.lower is not None:
        edges.append(("below", safe.lower.at))
    if safe.upper is not None:
        edges.append(("above", safe.upper.at))
    sides = [(side, OneDriver(side, float(at), volatility, drift), at) for side, at in edges if at]
    sides.sort(key=lambda each: -breach_probability(each[1], timing))
    if not sides or (len(sides) == 2 and breach_probability(sides[1][1], timing) > _NEVER):
        return None
    side, account, barrier = sides[0]
    bankruptcy, slope = _bankruptcy(subject, index, side)
    # The sum over all steps needs barriers that are not a thousand steps away.
    step = volatility * sqrt(timing.years / timing.steps)
    near = account.sign * np.log(account.barrier) < 600 * step
    growing = abs(account.growth) * timing.years < 300 * step
    price = float(subject.test.prices[index])
    return ClosedForm(
        symbol,
        side,
        barrier * price_of(test.account.pricing, symbol),
        bankruptcy * price if 0 < bankruptcy < inf else None,
        breach_probability(account, timing),
        bad_debt_probability(account, bankruptcy, timing),
        expected_loss(account, bankruptcy, slope, timing),
        breach_at_steps(account, timing, bankruptcy, slope)
        if timing.steps <= MAX_LOOKS and near and growing
        else None,
        sensitivities(account, timing),
    )


def _bankruptcy(subject: Subject, index: int, side: Side) -> tuple[float, float]:
    """From which multiple of one price on something is lost, and how much per multiple beyond."""
    multiples = np.ones((2, len(subject.equity.drivers)))
    multiples[0, index] = 0.0
    at_zero, now = (float(value) for value in subject.equity.margin(multiples))
    slope = now - at_zero
    if side == "below":
        return (-at_zero / slope, slope) if slope > 0 and at_zero < 0 else (0.0, 0.0)
    return (max(at_zero, 0.0) / -slope, -slope) if slope < 0 else (inf, 0.0)
