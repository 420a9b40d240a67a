"""What selling an amount brings: order books, exactly, and constant-product pools.

Prices are in quote for one whole asset.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor, isqrt, lcm
from typing import Protocol, Self, runtime_checkable

from ...errors import InputError
from ..checks import exact, instance

_SMALLEST = Fraction(1, 10**18)


@runtime_checkable
class DepthCurve(Protocol):
    """A market that buys an asset, at a price that never rises with the amount sold."""

    @property
    def best_price(self) -> Fraction | None:
        """What the first bit of it fetches; None if nobody buys."""
        ...

    @property
    def capacity(self) -> Fraction | None:
        """How much can be sold, in whole assets; None is without bound."""
        ...

    def proceeds(self, amount: Fraction) -> Fraction:
        """What selling so much brings, in quote.

        Raises:
            InputError: a negative amount, or one above the capacity.
        """
        ...

    def sellable_at(self, price: Fraction) -> Fraction:
        """How much can be sold with its last bit still fetching at least `price`, above 0.

        It is the amount that earns most for a seller to whom each whole asset is worth `price`.
        """
        ...

    def after(self, amount: Fraction) -> Self:
        """The market once so much has been sold; the same errors as `proceeds`."""
        ...


@dataclass(frozen=True, slots=True)
class Level:
    """Somebody who buys up to `amount` whole assets, above 0, at `price` in quote, above 0."""

    price: Fraction
    amount: Fraction

    def __post_init__(self) -> None:
        object.__setattr__(self, "price", exact("depth level.price", self.price, above=0))
        object.__setattr__(self, "amount", exact("depth level.amount", self.amount, above=0))


@dataclass(frozen=True, slots=True)
class OrderBook:
    """The bids of an order book.

    Args:
        levels: by falling price, each price once; none if nobody buys.

    Raises:
        InputError: levels in another order.
    """

    levels: tuple[Level, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", tuple(self.levels))
        for index, level in enumerate(self.levels):
            instance(f"order book.levels[{index}]", level, Level)
            if index and level.price >= self.levels[index - 1].price:
                raise InputError(
                    f"order book.levels[{index}].price", "a price below the one before", "another"
                )

    @property
    def best_price(self) -> Fraction | None:
        return self.levels[0].price if self.levels else None

    @property
    def capacity(self) -> Fraction | None:
        return sum((level.amount for level in self.levels), Fraction(0))

    def proceeds(self, amount: Fraction) -> Fraction:
        left = exact("order book: amount to sell", amount, low=0, high=self.capacity)
        total = Fraction(0)
        for level in self.levels:
            sold = min(left, level.amount)
            total += sold * level.price
            left -= sold
        return total

    def sellable_at(self, price: Fraction) -> Fraction:
        least = exact("order book: price", price, above=0)
        return sum((level.amount for level in self.levels if level.price >= least), Fraction(0))

    def after(self, amount: Fraction) -> Self:
        left = exact("order book: amount to sell", amount, low=0, high=self.capacity)
        levels: list[Level] = []
        for level in self.levels:
            sold = min(left, level.amount)
            left -= sold
            if sold < level.amount:
                levels.append(Level(level.price, level.amount - sold))
        return type(self)(tuple(levels))


@dataclass(frozen=True, slots=True)
class ConstantProductPool:
    """A pool of two reserves whose product does not fall, as Uniswap v2.

    Selling x brings γ·x·Q / (B + γ·x), with B and Q the reserves and γ = 1 − fee, rounded down to
    the smallest amount of the quote; the fee stays in the pool. Source: Uniswap/v2-periphery,
    UniswapV2Library.sol, getAmountOut, which rounds down to the same.

    Args:
        base: reserve of the asset that is sold, in whole assets, above 0.
        quote: reserve of what is paid, in quote, above 0.
        fee: share of what is sold, at least 0 and below 1; 0.003 on Uniswap v2.
        unit: smallest amount of the asset, above 0; `sellable_at` answers in multiples of it, for
            the exact answer is seldom a fraction.
        quote_unit: smallest amount of the quote, above 0.
    """

    base: Fraction
    quote: Fraction
    fee: Fraction = Fraction(3, 1000)
    unit: Fraction = _SMALLEST
    quote_unit: Fraction = _SMALLEST

    def __post_init__(self) -> None:
        object.__setattr__(self, "base", exact("pool.base", self.base, above=0))
        object.__setattr__(self, "quote", exact("pool.quote", self.quote, above=0))
        object.__setattr__(self, "fee", exact("pool.fee", self.fee, low=0, high=1))
        object.__setattr__(self, "unit", exact("pool.unit", self.unit, above=0))
        quote_unit = exact("pool.quote_unit", self.quote_unit, above=0)
        object.__setattr__(self, "quote_unit", quote_unit)
        if self.fee == 1:
            raise InputError("pool.fee", "a share below 1", "1")

    @property
    def best_price(self) -> Fraction | None:
        return (1 - self.fee) * self.quote / self.base

    @property
    def capacity(self) -> Fraction | None:
        return None

    def proceeds(self, amount: Fraction) -> Fraction:
        sold = (1 - self.fee) * exact("pool: amount to sell", amount, low=0)
        units = sold * self.quote / ((self.base + sold) * self.quote_unit)
        return floor(units) * self.quote_unit

    def sellable_at(self, price: Fraction) -> Fraction:
        # With c = γ·unit, unit number n fetches at least `price` a whole asset if and only if
        # (B + c·n)·(B + c·(n − 1)) ≤ γ·B·Q / price, that is, with o = B − c/2,
        # (c·n + o)² ≤ γ·B·Q / price + (c/2)². Over a common denominator this is an integer root.
        # The rounding of what is paid is left out: it may move the whole by one quote unit.
        least = exact("pool: price", price, above=0)
        kept = 1 - self.fee
        step = kept * self.unit
        offset = self.base - step / 2
        bound = kept * self.base * self.quote / least + (step / 2) ** 2
        scale = lcm(step.denominator, offset.denominator)
        root = isqrt(floor(bound * scale**2))
        return max(0, (root - int(offset * scale)) // int(step * scale)) * self.unit

    def after(self, amount: Fraction) -> Self:
        paid = self.proceeds(amount)
        return replace(self, base=self.base + amount, quote=self.quote - paid)


@dataclass(frozen=True, slots=True)
class Sale:
    """What selling along a curve did.

    Attributes:
        amount: sold, in whole assets, above 0.
        proceeds: in quote.
        price_impact: by how much the average price is below the best price, as a share of it.
        market: the curve afterwards.
    """

    amount: Fraction
    proceeds: Fraction
    price_impact: Fraction
    market: DepthCurve


def sell(market: DepthCurve, amount: Fraction) -> Sale:
    """Sell an amount, above 0, along a curve; InputError as in `DepthCurve.proceeds`."""
    sold = exact("sale: amount", amount, above=0)
    proceeds, best = market.proceeds(sold), market.best_price
    if best is None:
        raise InputError("sale: market", "somebody who buys", "nobody")
    return Sale(sold, proceeds, 1 - proceeds / sold / best, market.after(sold))
