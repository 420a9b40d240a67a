"""Leveraged staking loops: supply a yield-bearing asset, borrow its underlying, buy more, repeat.

With initial collateral C and a loan to value l, n loops borrow C·l, C·l², …, C·lⁿ and supply each
again (a geometric series), all counted in the underlying:

    collateral  H = C·(1 − lⁿ⁺¹) / (1 − l)        leverage  L = H / C, in the limit 1 / (1 − l)
    debt        D = H − C = C·(L − 1)             yield on C    L·stake − (L − 1)·borrow

With a liquidation threshold t the health factor is H·t·m / D, where m is what is left of the
collateral's rate against the underlying; it is 1 at m = D / (H·t), the liquidation depeg 1 − m.
Both sides grow by simple interest, as between two accruals of Aave v3 (MathUtils,
`calculateLinearInterest`): after d days the health is

    H·(1 + stake·d/365)·t / (D·(1 + borrow·d/365))

Leverage of this kind: Heimbach and Huang, "DeFi leverage" (BIS Working Papers 1171); the formulas
follow from the series. Everything is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Literal, Self, TypeAlias

from ...errors import InputError
from ..checks import Rational, exact
from ..fixed_point import whole

MAX_LOOPS = 1000
DAYS_A_YEAR = 365

Infinite: TypeAlias = Literal["infinite"]


def leverage_limit(ltv: Rational) -> Fraction:
    """1 / (1 − ltv), what no number of loops reaches; InputError unless 0 ≤ ltv < 1."""
    return 1 / (1 - _ltv(ltv))


def leverage_after(ltv: Rational, loops: int) -> Fraction:
    """(1 − ltvⁿ⁺¹) / (1 − ltv) after n loops, 0 to 1,000; 1 after none."""
    part = _ltv(ltv)
    count = whole("loop: loops", loops, 0, MAX_LOOPS)
    return (1 - part ** (count + 1)) / (1 - part)


def loops_for(ltv: Rational, leverage: Rational) -> int:
    """The fewest loops after which the leverage is at least this.

    Raises:
        InputError: a leverage below 1, one that the LTV does not allow, or one that takes more than
            1,000 loops.
    """
    wanted = exact("loop: leverage", leverage, low=1)
    part = _ltv(ltv)
    if wanted != 1 and wanted >= leverage_limit(part):
        raise InputError("loop: leverage", "a leverage below 1 / (1 − ltv)", "another")
    count, reached, added = 0, Fraction(1), Fraction(1)
    while reached < wanted:
        count += 1
        if count > MAX_LOOPS:
            raise InputError("loop: leverage", f"one within {MAX_LOOPS} loops", "a larger one")
        added *= part
        reached += added
    return count


@dataclass(frozen=True, slots=True)
class Loop:
    """A looped position. As secret as its amounts.

    Args:
        collateral: H, of the yield-bearing asset, in units of its underlying at its rate; above 0.
        debt: D, in the underlying, at least 0.
        threshold: t, the liquidation threshold, above 0 and below 1.
        stake, borrow: yearly rates that are earned and paid, at least 0: 0.03 is three per cent.

    Raises:
        InputError: a number out of range; as much debt as collateral.
    """

    collateral: Fraction
    debt: Fraction
    threshold: Fraction
    stake: Fraction
    borrow: Fraction

    def __post_init__(self) -> None:
        for field, bounds in (
            ("collateral", {"above": 0}),
            ("debt", {"low": 0}),
            ("threshold", {"above": 0}),
            ("stake", {"low": 0}),
            ("borrow", {"low": 0}),
        ):
            value = exact(f"loop.{field}", getattr(self, field), **bounds)
            object.__setattr__(self, field, value)
        if self.threshold >= 1:
            raise InputError("loop.threshold", "a share below 1", "another")
        if self.debt >= self.collateral:
            raise InputError("loop.debt", "less than the collateral", "as much or more")

    def __repr__(self) -> str:
        return "Loop(hidden)"

    @classmethod
    def of_loops(
        cls,
        initial: Rational,
        ltv: Rational,
        loops: int,
        threshold: Rational,
        stake: Rational,
        borrow: Rational,
    ) -> Self:
        """The position after so many loops, each borrowing up to the LTV of what was just added."""
        start = exact("loop: initial", initial, above=0)
        return cls._of(start, leverage_after(ltv, loops), threshold, stake, borrow)

    @classmethod
    def of_leverage(
        cls,
        initial: Rational,
        ltv: Rational,
        leverage: Rational,
        threshold: Rational,
        stake: Rational,
        borrow: Rational,
    ) -> Self:
        """The position at a leverage that the LTV allows, the last loop a part of one.

        Raises:
            InputError: a leverage below 1, or of 1 / (1 − ltv) or more.
        """
        start = exact("loop: initial", initial, above=0)
        loops_for(ltv, leverage)
        return cls._of(start, Fraction(leverage), threshold, stake, borrow)

    @classmethod
    def _of(
        cls,
        initial: Fraction,
        leverage: Fraction,
        threshold: Rational,
        stake: Rational,
        borrow: Rational,
    ) -> Self:
        collateral = initial * leverage
        return cls(
            collateral,
            collateral - initial,
            Fraction(threshold),
            Fraction(stake),
            Fraction(borrow),
        )

    @property
    def equity(self) -> Fraction:
        """H − D, in the underlying."""
        return self.collateral - self.debt

    @property
    def leverage(self) -> Fraction:
        """H / (H − D)."""
        return self.collateral / self.equity

    @property
    def net_yield(self) -> Fraction:
        """L·stake − (L − 1)·borrow, a year, on the equity; below 0 the loop loses."""
        return self.leverage * self.stake - (self.leverage - 1) * self.borrow

    def health(self, depeg: Rational = 0) -> Fraction | Infinite:
        """H·t·(1 − depeg) / D; infinite without debt."""
        left = 1 - exact("loop: depeg", depeg, low=0, high=1)
        return self.collateral * self.threshold * left / self.debt if self.debt else "infinite"

    @property
    def liquidation_depeg(self) -> Fraction | None:
        """1 − D / (H·t): at a deeper depeg the health is below 1.

        Below 0 if it is already; None without debt.
        """
        return 1 - self.debt / (self.collateral * self.threshold) if self.debt else None

    def liquidation_price(self, price: Rational, rate: Rational) -> Fraction | None:
        """The price of the yield-bearing asset at which the health is 1, the underlying's fixed.

        Args:
            price: of the underlying, in quote, above 0.
            rate: what one yield-bearing asset is worth in the underlying, above 0.
        """
        underlying = exact("loop: price", price, above=0)
        worth = exact("loop: rate", rate, above=0)
        found = self.liquidation_depeg
        return None if found is None else underlying * worth * (1 - found)

    def after(self, days: Rational) -> Loop:
        """The position once yield and interest, each linear, have accrued; InputError below 0 days,
        or when the debt has caught up with the collateral.
        """
        years = exact("loop: days", days, low=0) / DAYS_A_YEAR
        return Loop(
            self.collateral * (1 + self.stake * years),
            self.debt * (1 + self.borrow * years),
            self.threshold,
            self.stake,
            self.borrow,
        )

    def days_until(self, bound: Rational) -> Fraction | None:
        """After how many days the health is down to a bound, above 0; 0 if it is there already.

        H·t·(1 + s·y) = bound·D·(1 + b·y) gives y = (H·t − bound·D) / (bound·D·b − H·t·s).

        Returns:
            None if it never gets there: no debt, or the bound's debt grows no faster.
        """
        least = exact("loop: bound", bound, above=0)
        weighted, needed = self.collateral * self.threshold, least * self.debt
        if not self.debt:
            return None
        if weighted <= needed:
            return Fraction(0)
        closing = needed * self.borrow - weighted * self.stake
        return DAYS_A_YEAR * (weighted - needed) / closing if closing > 0 else None

    def whole_days_until(self, bound: Rational) -> int | None:
        """The last whole day on which the health is still at least the bound; None is for ever."""
        days = self.days_until(bound)
        return None if days is None else floor(days)


def _ltv(value: Rational) -> Fraction:
    part = exact("loop: ltv", value, low=0)
    if part >= 1:
        raise InputError("loop: ltv", "a share of at least 0 and below 1", "another")
    return part
