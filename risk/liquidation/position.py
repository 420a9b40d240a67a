"""What an account holds and owes, as plain exact inputs of the liquidation engine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from ...errors import InputError
from ..checks import exact, instance, name


@dataclass(frozen=True, slots=True)
class Holding:
    """An amount of one asset that is held as collateral, or owed.

    Args:
        symbol: the asset.
        amount: in whole assets, at least 0; a debt is a positive number.
        price: of one whole asset in quote, above 0.
        weight: what one unit of its value counts in the test of health, at least 0. Of collateral
            this is the liquidation threshold; of a debt it is 1, or ratio · factor of a policy.

    Raises:
        InputError: a number out of its range, or one that is not exact.
    """

    symbol: str
    amount: Fraction
    price: Fraction
    weight: Fraction = Fraction(1)

    def __post_init__(self) -> None:
        name("holding's symbol", self.symbol)
        where = f"holding of {self.symbol}"
        object.__setattr__(self, "amount", exact(f"{where}.amount", self.amount, low=0))
        object.__setattr__(self, "price", exact(f"{where}.price", self.price, above=0))
        object.__setattr__(self, "weight", exact(f"{where}.weight", self.weight, low=0))

    @property
    def value(self) -> Fraction:
        """Amount · price, in quote."""
        return self.amount * self.price

    @property
    def weighted_value(self) -> Fraction:
        """Amount · price · weight, in quote."""
        return self.value * self.weight

    def less(self, amount: Fraction) -> Holding:
        """The same with `amount` fewer; at most all of it."""
        return replace(self, amount=self.amount - amount)


@dataclass(frozen=True, slots=True)
class Account:
    """An account as liquidation sees it; every symbol at most once on each side.

    Raises:
        InputError: something that is no holding, or a symbol twice on one side.
    """

    collateral: tuple[Holding, ...]
    debt: tuple[Holding, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "collateral", _side("collateral", self.collateral))
        object.__setattr__(self, "debt", _side("debt", self.debt))

    @property
    def collateral_value(self) -> Fraction:
        """Σ amount · price of what is held, in quote."""
        return _total(item.value for item in self.collateral)

    @property
    def debt_value(self) -> Fraction:
        """Σ amount · price of what is owed, in quote."""
        return _total(item.value for item in self.debt)

    @property
    def weighted_collateral(self) -> Fraction:
        """Σ amount · price · weight of what is held, in quote."""
        return _total(item.weighted_value for item in self.collateral)

    @property
    def weighted_debt(self) -> Fraction:
        """Σ amount · price · weight of what is owed, in quote."""
        return _total(item.weighted_value for item in self.debt)

    @property
    def health(self) -> Fraction | None:
        """Weighted collateral / weighted debt; None, to be read as infinite, without debt."""
        debt = self.weighted_debt
        return self.weighted_collateral / debt if debt else None

    @property
    def is_liquidatable(self) -> bool:
        """Whether health is below 1; at exactly 1 it is not."""
        return self.weighted_collateral < self.weighted_debt

    @property
    def shortfall(self) -> Fraction:
        """By how much debt exceeds collateral at these prices, in quote; bad debt. At least 0."""
        return max(Fraction(0), self.debt_value - self.collateral_value)

    def collateral_of(self, symbol: str) -> Holding:
        """What is held of an asset; InputError if the account does not have it as collateral."""
        return _find("collateral", self.collateral, symbol)

    def debt_of(self, symbol: str) -> Holding:
        """What is owed of an asset; InputError if the account does not have it as debt."""
        return _find("debt", self.debt, symbol)

    def after(self, debt: str, repaid: Fraction, collateral: str, seized: Fraction) -> Account:
        """The account with so much less of one debt and of one collateral, in whole assets."""
        return Account(
            tuple(
                item.less(seized) if item.symbol == collateral else item for item in self.collateral
            ),
            tuple(item.less(repaid) if item.symbol == debt else item for item in self.debt),
        )


def _total(values: Iterable[Fraction]) -> Fraction:
    return sum(values, Fraction(0))


def _side(side: str, holdings: Iterable[Holding]) -> tuple[Holding, ...]:
    found = tuple(holdings)
    seen: set[str] = set()
    for index, item in enumerate(found):
        instance(f"account: {side}[{index}]", item, Holding)
        if item.symbol in seen:
            raise InputError(f"account: {side}[{index}]", "every symbol once", f"{item.symbol!r}")
        seen.add(item.symbol)
    return found


def _find(side: str, holdings: tuple[Holding, ...], symbol: str) -> Holding:
    for item in holdings:
        if item.symbol == symbol:
            return item
    raise InputError(f"account: {side}", f"one of the account's {side} assets", repr(symbol)[:80])
