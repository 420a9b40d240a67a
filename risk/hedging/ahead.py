"""Acting ahead: the smallest deleveraging that makes a breach unlikely enough.

The probability of a breach falls as the ratio rises to which an account is deleveraged, so that the
least ratio with a probability within the bound is found by halving; at each one the cheapest
deleveraging (`plan`) is made, and the probability is asked of the account after it. Probabilities
are floats and describe; trades, costs and margins are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import Final

from ...errors import InputError
from ..breach.closed_form import OneDriver, breach_probability
from ..breach.market import Timing
from ..checks import exact
from ..claims import Liquid
from ..threshold import Threshold
from ..valuation import Account
from .deleverage import best_margin
from .plan import Goal, Plan, plan
from .terms import with_ratio

Probability = Callable[[Account], float]
"""Of a breach by an account, from 0 to 1, however it is found."""

HIGHEST_RATIO: Final = Fraction(1000)
_STEP: Final = Fraction(1, 10**4)


@dataclass(frozen=True)
class Ahead:
    """A predicted breach, and the deleveraging that makes it unlikely. As secret as the account.

    Attributes:
        before_float, after_float: the probability of a breach as it stands and after the plan.
        bound_float: what it was to be at most.
        ratio: the least ratio, to 0.0001, with a probability within the bound; the highest that the
            limits reach if none has. The claim's own if nothing needs to be done.
        plan: the deleveraging to that ratio.
    """

    before_float: float
    after_float: float
    bound_float: float
    ratio: Fraction
    plan: Plan

    @property
    def reached(self) -> bool:
        """Whether the probability is within the bound after the plan."""
        return self.after_float <= self.bound_float

    def __repr__(self) -> str:
        return "Ahead(hidden)"


def act_ahead(
    account: Account,
    claim: Liquid,
    probability: Probability,
    bound: float,
    *,
    goal: Goal = "cost",
    highest: Fraction = HIGHEST_RATIO,
) -> Ahead:
    """The deleveraging to the least ratio from the claim's on that keeps a breach within a bound.

    Args:
        account: in the claim's category.
        claim: limits, costs, and the ratio to begin with.
        probability: of a breach by an account; should not rise with its ratio. Asked some 30 times.
        bound: what it may be at most, from 0 to 1.
        goal: of the plans.
        highest: the highest ratio that is tried, above the claim's.

    Raises:
        InputError: a bound or a probability that is none, a highest ratio below the claim's, or
            scipy not installed.
    """
    if isinstance(bound, bool) or not isinstance(bound, (int, float)) or not 0 <= bound <= 1:
        raise InputError("act ahead: bound", "a probability from 0 to 1", repr(bound)[:40])
    top = exact("act ahead: highest ratio", highest, low=claim.ratio)

    def at(ratio: Fraction) -> Ahead:
        found = plan(account, with_ratio(claim, ratio), goal=goal)
        after = _checked(probability(found.account)) if found.trades else before
        return Ahead(before, after, float(bound), ratio, found)

    before = _checked(probability(account))
    here = at(claim.ratio)
    if here.reached:
        return here
    low: Fraction = claim.ratio
    high = _highest(account, claim, top)
    best = at(high)
    if not best.reached:
        return best
    while high - low > _STEP:
        middle = _rounded((low + high) / 2)
        tried = at(middle)
        if tried.reached:
            high, best = middle, tried
        else:
            low = middle
    return best


def one_price(
    make_threshold: Callable[[Account], Threshold],
    symbols: Collection[str],
    volatility: float,
    timing: Timing,
    *,
    drift: float = 0.0,
) -> Probability:
    """The closed form where one price decides, or several that move together: see `risk.breach`.

    Where the test fails on both sides of today's price the two probabilities are added, which is an
    upper bound.

    Args:
        make_threshold: the test, such as `threshold.maintenance_threshold`.
        symbols: whose prices move together by one geometric Brownian motion; the others stay.
        volatility, drift: of it, per year.
        timing: the horizon.
    """

    def probability(account: Account) -> float:
        threshold = make_threshold(account)
        if threshold.margin({}) < 0:
            return 1.0
        safe = threshold.safe_moves(symbols, {})
        if safe is None:
            return 1.0
        total = 0.0
        if safe.lower is not None and safe.lower.at > 0:
            below = OneDriver("below", float(safe.lower.at), volatility, drift)
            total += breach_probability(below, timing)
        if safe.upper is not None:
            above = OneDriver("above", float(safe.upper.at), volatility, drift)
            total += breach_probability(above, timing)
        return min(total, 1.0)

    return probability


def _highest(account: Account, claim: Liquid, top: Fraction) -> Fraction:
    """The highest ratio up to `top` that the limits reach, to 0.0001; the claim's if it is none."""
    low: Fraction = claim.ratio
    high = _rounded(top)
    if best_margin(account, with_ratio(claim, high)) >= 0:
        return high
    while high - low > _STEP:
        middle = _rounded((low + high) / 2)
        if best_margin(account, with_ratio(claim, middle)) >= 0:
            low = middle
        else:
            high = middle
    return low


def _rounded(ratio: Fraction) -> Fraction:
    """To a decimal that a claim can name."""
    return Fraction(round(ratio * 10**6), 10**6)


def _checked(value: float) -> float:
    if not isfinite(value) or not 0 <= value <= 1:
        raise InputError("act ahead: probability", "a number from 0 to 1", repr(value)[:40])
    return float(value)
