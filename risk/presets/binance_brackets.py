"""Binance futures: the brackets of a contract and its maintenance margin.

Followed: Binance support, "Leverage and Margin of USDⓈ-M Futures" (360033162192) and the trading
rules' bracket tables; the maintenance amount of level n is floor_n·(rate_n − rate_{n−1}) more than
that of level n − 1. Every table in freqtrade's binance_leverage_tiers.json passes the checks here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ...errors import InputError
from ..checks import Rational, exact, label
from ..fixed_point import whole
from .margin_ladder import MarginLadder

MAX_LEVERAGE = 150


@dataclass(frozen=True, slots=True)
class Bracket:
    """One bracket of a contract's notional.

    Args:
        floor: notional from which it applies, itself included, at least 0.
        cap: notional up to which it applies; None: without end.
        rate: maintenance margin rate, above 0 and at most 1.
        cum: maintenance amount, at least 0: taken off notional·rate.
        max_leverage: largest initial leverage, 1..150.

    Raises:
        InputError: a number out of its range.
    """

    floor: Rational
    cap: Rational | None
    rate: Rational
    cum: Rational
    max_leverage: int = MAX_LEVERAGE

    def __post_init__(self) -> None:
        where = "Binance bracket"
        floor = exact(f"{where}: floor", self.floor, low=0)
        object.__setattr__(self, "floor", floor)
        if self.cap is not None:
            object.__setattr__(self, "cap", exact(f"{where}: cap", self.cap, above=floor))
        object.__setattr__(self, "rate", exact(f"{where}: rate", self.rate, above=0, high=1))
        object.__setattr__(self, "cum", exact(f"{where}: cum", self.cum, low=0))
        whole(f"{where}: max_leverage", self.max_leverage, 1, MAX_LEVERAGE)


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract and its brackets.

    A notional above the last cap, which only a price can bring about, is in the last bracket.

    Args:
        symbol: name.
        brackets: the first from 0 with cum 0; each begins where the one before ends; rates do not
            shrink, leverage does not grow; cum = cum before + floor·(rate − rate before).
        liquidation_fee: share of the liquidated notional, 0..1 (exchangeInfo, liquidationFee).

    Raises:
        InputError: brackets with a gap, an overlap, a shrinking rate or another cum.
    """

    symbol: str
    brackets: tuple[Bracket, ...]
    liquidation_fee: Rational = 0

    def __post_init__(self) -> None:
        where = f"Binance contract {label('Binance contract: symbol', self.symbol)}"
        fee = exact(f"{where}: liquidation_fee", self.liquidation_fee, low=0, high=1)
        object.__setattr__(self, "liquidation_fee", fee)
        for bracket in self.brackets:
            if not isinstance(bracket, Bracket):
                raise InputError(f"{where}: brackets", "Brackets", f"a {type(bracket).__name__}")
        for index in range(1, len(self.brackets)):
            before, here = self.brackets[index - 1], self.brackets[index]
            if before.cap != here.floor:
                raise InputError(
                    f"{where}: bracket {index}: floor",
                    f"the cap {before.cap} of the bracket before",
                    str(here.floor),
                )
            if here.max_leverage > before.max_leverage:
                raise InputError(
                    f"{where}: bracket {index}: max_leverage",
                    f"at most {before.max_leverage}, of the bracket before",
                    str(here.max_leverage),
                )
        for index, cum in enumerate(self.ladder.deductions):
            if self.brackets[index].cum != cum:
                raise InputError(
                    f"{where}: bracket {index}: cum", str(cum), str(self.brackets[index].cum)
                )

    @classmethod
    def of(
        cls,
        symbol: str,
        rates: Sequence[tuple[Rational, Rational | None, Rational]],
        liquidation_fee: Rational = 0,
    ) -> Contract:
        """A contract from floor, cap and rate of each bracket; the maintenance amounts follow.

        Raises:
            InputError: as of the contract itself.
        """
        ladder = MarginLadder(
            f"Binance contract {symbol}",
            tuple(floor for floor, _, _ in rates),
            tuple(rate for _, _, rate in rates),
        )
        brackets = tuple(
            Bracket(floor, cap, rate, cum)
            for (floor, cap, rate), cum in zip(rates, ladder.deductions, strict=True)
        )
        return cls(symbol, brackets, liquidation_fee)

    @property
    def ladder(self) -> MarginLadder:
        """The brackets as maintenance margin by notional."""
        return MarginLadder(
            f"Binance contract {self.symbol}",
            tuple(bracket.floor for bracket in self.brackets),
            tuple(bracket.rate for bracket in self.brackets),
        )

    def bracket(self, notional: Rational) -> Bracket:
        """The bracket of a notional of at least 0."""
        return self.brackets[self.ladder.tier(notional)]

    def maintenance_margin(self, notional: Rational) -> Fraction:
        """notional·rate − cum."""
        return self.ladder.margin(notional)
