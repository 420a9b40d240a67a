"""Binance COIN-M futures: maintenance margin and price of liquidation, in the coin itself.

Followed: Binance support, "How to Calculate Liquidation Price of COIN-M Futures Contracts"
(ceccfcfb4e3a45e3b48b0b1bb1a8ae46), 2021 to 2024. A contract is worth a fixed amount of USD, so that
its notional in coin is contracts·size/price, and profit is side·contracts·size·(1/entry − 1/price).
In 1/price everything is linear, so the prices of liquidation are exact here too.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ...errors import InputError
from ..checks import Rational, exact
from ..fixed_point import whole
from .binance_brackets import Contract
from .binance_futures import Side
from .margin_ladder import PriceRange, covered_range


@dataclass(frozen=True, slots=True)
class CoinPosition:
    """One position in a coin-margined contract.

    Args:
        contract: brackets, whose notionals are in coin.
        side: long or short.
        contracts: how many, at least 1.
        contract_size: USD each, above 0.
        entry_price, mark_price: USD per coin, above 0.

    Raises:
        InputError: a value out of its range.
    """

    contract: Contract
    side: Side
    contracts: int
    contract_size: Rational
    entry_price: Rational
    mark_price: Rational

    def __post_init__(self) -> None:
        if not isinstance(self.contract, Contract):
            raise InputError(
                "Binance coin position: contract",
                "a Contract",
                f"a {type(self.contract).__name__}",
            )
        where = f"Binance coin position {self.contract.symbol}"
        if not isinstance(self.side, Side):
            raise InputError(f"{where}: side", "a Side", f"a {type(self.side).__name__}")
        whole(f"{where}: contracts", self.contracts, 1)
        for name in ("contract_size", "entry_price", "mark_price"):
            number = exact(f"{where}: {name}", getattr(self, name), above=0)
            object.__setattr__(self, name, number)

    @property
    def face_value(self) -> Fraction:
        """contracts·contract size, USD."""
        return Fraction(self.contracts * self.contract_size)

    @property
    def notional(self) -> Fraction:
        """Face value at the mark price, coin."""
        return self.face_value / self.mark_price

    @property
    def unrealized_pnl(self) -> Fraction:
        """side·face value·(1/entry price − 1/mark price), coin."""
        return self.side.value * (self.face_value / self.entry_price - self.notional)

    @property
    def maintenance_margin(self) -> Fraction:
        """notional·rate − cum, coin."""
        return self.contract.maintenance_margin(self.notional)

    def liquidation_prices(
        self,
        wallet_balance: Rational,
        other_maintenance_margin: Rational = 0,
        other_unrealized_pnl: Rational = 0,
    ) -> PriceRange:
        """The mark prices between which the wallet holds; bracket of the notional at that price.

        Args:
            wallet_balance: coin, isolated or cross.
            other_maintenance_margin, other_unrealized_pnl: of the coin's other contracts; 0 if
                isolated.
        """
        where = f"Binance coin position {self.contract.symbol}"
        constant = exact(f"{where}: wallet_balance", wallet_balance)
        constant -= exact(f"{where}: other_maintenance_margin", other_maintenance_margin, low=0)
        constant += exact(f"{where}: other_unrealized_pnl", other_unrealized_pnl)
        inverse = covered_range(
            constant + self.side.value * self.face_value / self.entry_price,
            -self.side.value * self.face_value,
            [(self.face_value, self.contract.ladder)],
        )
        return PriceRange(
            1 / inverse.upper if inverse.upper else None,
            1 / inverse.lower if inverse.lower else None,
            inverse.empty,
        )
