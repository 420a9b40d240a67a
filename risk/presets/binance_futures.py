"""Binance USDⓈ-M futures: positions, margin ratio, prices of liquidation.

Followed: Binance support, "How to Calculate Liquidation Price of USDⓈ-M Futures Contracts"
(b3c689c1f50a44cabb3a84e663b81d93) and "Binance Futures Liquidation Protocols" (360033525271), as of
2025. Brackets are in `binance_brackets`, the page's formula for given brackets in
`binance_liquidation_price`, liquidation in `binance_liquidation`, coin-margined contracts in
`binance_coin_futures`.

An isolated position is an account of its own: its wallet balance is the isolated wallet balance. In
hedge mode a symbol has a long and a short side, whose prices of liquidation are found together.

Everything is exact; the venue displays prices rounded to the symbol's tick.

Left out: the multi-assets mode, open orders, funding.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from ...errors import InputError
from ..checks import Rational, exact
from ..fixed_point import whole
from .binance_brackets import Contract
from .margin_ladder import PriceRange, covered_range


class Side(Enum):
    """Direction of a position."""

    LONG = 1
    SHORT = -1


@dataclass(frozen=True, slots=True)
class Position:
    """One side of a contract.

    Args:
        contract: its brackets.
        side: long or short.
        amount: size in the base asset, above 0.
        entry_price, mark_price: quote per unit of the base asset, above 0.

    Raises:
        InputError: a value out of its range.
    """

    contract: Contract
    side: Side
    amount: Rational
    entry_price: Rational
    mark_price: Rational

    def __post_init__(self) -> None:
        if not isinstance(self.contract, Contract):
            raise InputError(
                "Binance position: contract", "a Contract", f"a {type(self.contract).__name__}"
            )
        where = f"Binance position {self.contract.symbol}"
        if not isinstance(self.side, Side):
            raise InputError(f"{where}: side", "a Side", f"a {type(self.side).__name__}")
        for name in ("amount", "entry_price", "mark_price"):
            number = exact(f"{where}: {name}", getattr(self, name), above=0)
            object.__setattr__(self, name, number)

    @property
    def signed_amount(self) -> Fraction:
        """Amount, negative if short."""
        return Fraction(self.amount * self.side.value)

    @property
    def notional(self) -> Fraction:
        """amount·mark price."""
        return Fraction(self.amount * self.mark_price)

    @property
    def unrealized_pnl(self) -> Fraction:
        """side·amount·(mark price − entry price)."""
        return Fraction(self.signed_amount * (self.mark_price - self.entry_price))

    @property
    def maintenance_margin(self) -> Fraction:
        """Maintenance margin at the mark price."""
        return self.contract.maintenance_margin(self.notional)

    def initial_margin(self, leverage: int) -> Fraction:
        """Notional at the entry price over the leverage.

        Args:
            leverage: 1 to the largest of the bracket of that notional.

        Raises:
            InputError: another leverage.
        """
        notional = Fraction(self.amount * self.entry_price)
        most = self.contract.bracket(notional).max_leverage
        whole(f"Binance position {self.contract.symbol}: leverage", leverage, 1, most)
        return notional / leverage


@dataclass(frozen=True, slots=True)
class Account:
    """A wallet that stands for some positions: the cross wallet, or that of an isolated position.

    Args:
        wallet_balance: quote, without unrealized profit and loss.
        positions: one side of a contract at most once; both sides (hedge mode) at one mark price.

    Raises:
        InputError: a side twice, or two mark prices or contracts under one symbol.
    """

    wallet_balance: Rational
    positions: tuple[Position, ...] = ()

    def __post_init__(self) -> None:
        balance = exact("Binance account: wallet_balance", self.wallet_balance)
        object.__setattr__(self, "wallet_balance", balance)
        seen: dict[str, Position] = {}
        sides = set()
        for position in self.positions:
            if not isinstance(position, Position):
                raise InputError(
                    "Binance account: positions", "Positions", f"a {type(position).__name__}"
                )
            symbol = position.contract.symbol
            where = f"Binance account: {symbol}"
            if (symbol, position.side) in sides:
                raise InputError(where, f"one {position.side.name} position", "a second one")
            sides.add((symbol, position.side))
            first = seen.setdefault(symbol, position)
            if first.mark_price != position.mark_price or first.contract != position.contract:
                raise InputError(where, "one mark price and one contract", "two")

    @property
    def margin_balance(self) -> Fraction:
        """Wallet balance and unrealized profit and loss."""
        pnl = (each.unrealized_pnl for each in self.positions)
        return sum(pnl, Fraction(self.wallet_balance))

    @property
    def maintenance_margin(self) -> Fraction:
        """Maintenance margin of all positions at their mark prices."""
        return sum((each.maintenance_margin for each in self.positions), Fraction(0))

    @property
    def margin_ratio(self) -> Fraction | None:
        """Maintenance margin / margin balance; None if the margin balance is not above 0."""
        balance = self.margin_balance
        return self.maintenance_margin / balance if balance > 0 else None

    @property
    def is_liquidatable(self) -> bool:
        """Whether the margin ratio has come to 100%; a margin balance of 0 or less always has.

        The venue says both "hits 100%" and "collateral < maintenance margin"; the stricter counts.
        """
        return bool(self.positions) and self.maintenance_margin >= self.margin_balance

    def sides(self, symbol: str) -> tuple[Position, ...]:
        """The positions in a symbol.

        Raises:
            InputError: there is none.
        """
        found = tuple(each for each in self.positions if each.contract.symbol == symbol)
        if not found:
            raise InputError("Binance account: symbol", "a symbol with a position", repr(symbol))
        return found

    def liquidation_prices(self, symbol: str) -> PriceRange:
        """The mark prices of one symbol between which the account holds, all other prices fixed.

        The bracket is the one of the notional at that very price, as the support page asks for. A
        long position has a lower bound, a short one an upper, hedged ones may have both.

        Raises:
            InputError: no position in the symbol.
        """
        own = self.sides(symbol)
        mark = own[0].mark_price
        slope = sum((each.signed_amount for each in own), Fraction(0))
        others = self.maintenance_margin - sum(
            (each.maintenance_margin for each in own), Fraction(0)
        )
        return covered_range(
            self.margin_balance - slope * mark - others,
            slope,
            [(Fraction(each.amount), each.contract.ladder) for each in own],
        )
