"""Binance USDⓈ-M futures: the support page's formulas, for brackets that the caller says.

Followed: Binance support, "How to Calculate Liquidation Price of USDⓈ-M Futures Contracts"
(b3c689c1f50a44cabb3a84e663b81d93); freqtrade/exchange/binance.py, dry_run_liquidation_price.
`binance_futures.Account.liquidation_prices` finds the bracket by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ...errors import InputError
from ..checks import Rational, exact
from .binance_futures import Side


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a contract whose bracket is known, for the support page's formula.

    Args:
        side: long or short.
        amount: above 0.
        entry_price: above 0.
        rate: maintenance margin rate, 0..1.
        cum: maintenance amount.

    Raises:
        InputError: a value out of its range.
    """

    side: Side
    amount: Rational
    entry_price: Rational
    rate: Rational
    cum: Rational

    def __post_init__(self) -> None:
        where = "Binance leg"
        if not isinstance(self.side, Side):
            raise InputError(f"{where}: side", "a Side", f"a {type(self.side).__name__}")
        for name in ("amount", "entry_price"):
            object.__setattr__(self, name, exact(f"{where}: {name}", getattr(self, name), above=0))
        object.__setattr__(self, "rate", exact(f"{where}: rate", self.rate, low=0, high=1))
        object.__setattr__(self, "cum", exact(f"{where}: cum", self.cum, low=0))


def liquidation_price(
    wallet_balance: Rational,
    legs: Sequence[Leg],
    other_maintenance_margin: Rational = 0,
    other_unrealized_pnl: Rational = 0,
) -> Fraction | None:
    """The support page's formula, with the brackets that the caller says.

    (WB − TMM + UPNL + Σ cum − Σ side·amount·entry) / (Σ amount·rate − Σ side·amount).

    Args:
        wallet_balance: cross wallet balance, or the isolated one.
        legs: the one position, or long and short of a symbol in hedge mode.
        other_maintenance_margin, other_unrealized_pnl: of all other contracts; 0 if isolated.

    Returns:
        Quote per unit; None where it would be 0 or less, or where no price is special.

    Raises:
        InputError: no leg, a side twice, or no exact number.
    """
    where = "Binance liquidation price"
    if not legs or len({leg.side for leg in legs}) != len(legs):
        raise InputError(f"{where}: legs", "one leg, or a long and a short one", str(len(legs)))
    top = exact(f"{where}: wallet_balance", wallet_balance)
    top -= exact(f"{where}: other_maintenance_margin", other_maintenance_margin, low=0)
    top += exact(f"{where}: other_unrealized_pnl", other_unrealized_pnl)
    bottom = Fraction(0)
    for leg in legs:
        top += leg.cum - leg.side.value * leg.amount * leg.entry_price
        bottom += leg.amount * leg.rate - leg.side.value * leg.amount
    price = top / bottom if bottom else Fraction(0)
    return price if price > 0 else None


def bankruptcy_price(wallet_balance: Rational, legs: Sequence[Leg]) -> Fraction | None:
    """The price at which nothing of the wallet is left: the same formula without margin.

    Args:
        wallet_balance: of the isolated position, or of an account of this one symbol.
        legs: as of `liquidation_price`; rate and cum do not count.
    """
    bare = [Leg(leg.side, leg.amount, leg.entry_price, 0, 0) for leg in legs]
    return liquidation_price(wallet_balance, bare)
