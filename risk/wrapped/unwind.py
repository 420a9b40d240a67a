"""What it costs to undo a loop: step by step, with a flash loan, through a pool or an exit queue.

The collateral is turned into the underlying, and the underlying repays the debt. Amounts of
collateral are in the underlying at the collateral's rate (`loop`); a depeg is in the pool's own
price: its reserves say what selling brings. All of it is exact, and in every unwinding

    collateral sold at its rate = debt repaid + fees + lost in selling + left over in hand.

- Step by step: without a loan, only what the LTV leaves free can be withdrawn, H − D / ltv; it is
  sold, the proceeds repay, and this frees more. The debt shrinks by about 1 / ltv a step.
- Flash loan: the whole debt is borrowed and repaid first, then as much collateral is sold as
  brings the loan and its fee back (Aave v3 flash loans: the fee is a share of the loan).
- Exit queue: the issuer redeems at the full rate, after a wait in which the debt grows by simple
  interest and the collateral earns nothing. Step by step every step waits anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Protocol

from ...errors import InputError
from ..checks import Rational, exact
from ..liquidation.depth import DepthCurve
from .loop import DAYS_A_YEAR, Loop

MAX_STEPS = 1000
_TRIES = 200
UNIT = Fraction(1, 10**18)
"""The smallest amount that is sold: what is needed is rounded up to it."""


class Exit(Protocol):
    """A way from the collateral to its underlying."""

    @property
    def wait_days(self) -> Fraction:
        """How long one exit takes."""
        ...

    def brings(self, amount: Fraction) -> Fraction:
        """What so much collateral, at its rate, is turned into."""
        ...

    def after(self, amount: Fraction) -> Exit:
        """The way once so much has gone."""
        ...


@dataclass(frozen=True, slots=True)
class Pool:
    """Selling on a market that quotes the collateral in its underlying.

    Args:
        market: amounts in units of collateral at its rate, proceeds in the underlying
            (`liquidation.depth`). A pool at peg has equal reserves; a depeg is fewer of the quote.
    """

    market: DepthCurve

    @property
    def wait_days(self) -> Fraction:
        return Fraction(0)

    def brings(self, amount: Fraction) -> Fraction:
        capacity = self.market.capacity
        if capacity is not None and amount > capacity:
            raise InputError("unwind: market", "depth for what must be sold", "less")
        return self.market.proceeds(amount)

    def after(self, amount: Fraction) -> Pool:
        return Pool(self.market.after(amount))


@dataclass(frozen=True, slots=True)
class Queue:
    """Redeeming at the issuer.

    Args:
        days: until the underlying is paid out, at least 0.
        fee: share of it that is kept, at least 0 and below 1.
    """

    days: Fraction
    fee: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "days", exact("queue.days", self.days, low=0))
        object.__setattr__(self, "fee", exact("queue.fee", self.fee, low=0))
        if self.fee >= 1:
            raise InputError("queue.fee", "a share below 1", "another")

    @property
    def wait_days(self) -> Fraction:
        return self.days

    def brings(self, amount: Fraction) -> Fraction:
        return amount * (1 - self.fee)

    def after(self, amount: Fraction) -> Queue:
        del amount
        return self


@dataclass(frozen=True, slots=True)
class Step:
    """One withdrawal: so much collateral sold for so much, which repaid so much of the debt."""

    sold: Fraction
    proceeds: Fraction
    repaid: Fraction


@dataclass(frozen=True)
class Unwinding:
    """How a loop was undone; amounts in the underlying. As secret as the loop.

    Attributes:
        steps: in order; one with a flash loan.
        repaid: all that the lender got, with interest that accrued while waiting.
        interest: that part of it.
        fee: of the flash loan.
        lost: sold at the rate less the proceeds: slippage, depeg, the fee of the exit.
        in_hand: proceeds that nothing had to be repaid with.
        collateral_left: what was not sold, at its rate.
        days: in queues.
    """

    steps: tuple[Step, ...]
    repaid: Fraction
    interest: Fraction
    fee: Fraction
    lost: Fraction
    in_hand: Fraction
    collateral_left: Fraction
    days: Fraction

    @property
    def sold(self) -> Fraction:
        """Collateral sold, at its rate."""
        return sum((step.sold for step in self.steps), Fraction(0))

    @property
    def cost(self) -> Fraction:
        """What the owner has less than the equity before: lost + fee + interest."""
        return self.lost + self.fee + self.interest

    def __repr__(self) -> str:
        return "Unwinding(hidden)"


def unwind_by_steps(loop: Loop, ltv: Rational, way: Exit) -> Unwinding:
    """Undo a loop without a loan.

    Args:
        loop: the position.
        ltv: what may be borrowed against the collateral, above 0 and at most the threshold.
        way: how collateral is sold; every step takes its waiting time.

    Raises:
        InputError: no collateral is free at the LTV, a step that leaves as much debt as there was,
            or more than 1,000 steps.
    """
    allowed = exact("unwind: ltv", ltv, above=0, high=loop.threshold)
    held, owed = loop.collateral, loop.debt
    steps: list[Step] = []
    interest = lost = in_hand = Fraction(0)
    while owed:
        if len(steps) == MAX_STEPS:
            raise InputError("unwind: loop", f"one that {MAX_STEPS} steps undo", "another")
        grown = owed * (1 + loop.borrow * way.wait_days / DAYS_A_YEAR)
        # While the queue lasts the debt must stay within the LTV too.
        free = _floor(held - grown / allowed)
        if free <= 0:
            raise InputError("unwind: loop", "collateral that is free at the LTV", "none")
        sold = _needed(way, grown, free)
        proceeds = way.brings(sold)
        repaid = min(proceeds, grown)
        if grown - repaid >= owed:
            raise InputError("unwind: loop", "steps that lower the debt", "one that does not")
        interest += grown - owed
        lost += sold - proceeds
        in_hand += proceeds - repaid
        held, owed, way = held - sold, grown - repaid, way.after(sold)
        steps.append(Step(sold, proceeds, repaid))
    repaid = sum((step.repaid for step in steps), Fraction(0))
    days = len(steps) * way.wait_days
    return Unwinding(tuple(steps), repaid, interest, Fraction(0), lost, in_hand, held, days)


def unwind_by_flash_loan(loop: Loop, way: Exit, fee: Rational) -> Unwinding:
    """Undo a loop at once: borrow the debt, repay it, sell what pays for the loan.

    Args:
        loop: the position.
        way: how collateral is sold; it may not take time, for the loan has none.
        fee: of the loan, as a share of it, at least 0.

    Raises:
        InputError: a way with a wait; or all collateral brings less than the loan and its fee.
    """
    taken = exact("unwind: flash loan fee", fee, low=0) * loop.debt
    if way.wait_days:
        raise InputError("unwind: way", "one without a wait, for a flash loan", "one with it")
    if not loop.debt:
        zero = Fraction(0)
        return Unwinding((), zero, zero, zero, zero, zero, loop.collateral, zero)
    due = loop.debt + taken
    if _brings_at_most(way, loop.collateral) < due:
        raise InputError("unwind: loop", "collateral that pays for the flash loan", "too little")
    sold = _needed(way, due, loop.collateral)
    proceeds = way.brings(sold)
    return Unwinding(
        (Step(sold, proceeds, loop.debt),),
        loop.debt,
        Fraction(0),
        taken,
        sold - proceeds,
        proceeds - due,
        loop.collateral - sold,
        Fraction(0),
    )


def _brings_at_most(way: Exit, amount: Fraction) -> Fraction:
    """What an amount brings, or as much of it as the market takes."""
    capacity = way.market.capacity if isinstance(way, Pool) else None
    return way.brings(amount if capacity is None else min(amount, capacity))


def _needed(way: Exit, due: Fraction, most: Fraction) -> Fraction:
    """The least multiple of `UNIT` that brings `due`; `most`, or what the market takes, if none."""
    capacity = way.market.capacity if isinstance(way, Pool) else None
    most = most if capacity is None else min(most, capacity)
    if way.brings(most) <= due:
        return most
    low, high = 0, ceil(most / UNIT)
    for _ in range(_TRIES):
        if high - low <= 1:
            break
        middle = (low + high) // 2
        if way.brings(middle * UNIT) >= due:
            high = middle
        else:
            low = middle
    return min(high * UNIT, most)


def _floor(amount: Fraction) -> Fraction:
    """Rounded down to `UNIT`, so that numbers stay short."""
    return amount // UNIT * UNIT
