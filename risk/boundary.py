"""Between which prices an account passes a test: of one asset, of all together, of two.

Everything that is not said to move stays as it is. An asset whose price follows another's (a growth
cap) moves with that one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from ..errors import InputError
from .policy import Policy
from .pricing import Pricing
from .safe_range import Edge, SafeRange
from .threshold import Threshold, ThresholdName, driver, positions
from .valuation import Shocks

MULTIPLES = tuple(Fraction(step, 20) for step in range(41))
"""The multiples of the first asset's price, 0 to 2, at which a boundary is given unless asked."""


@dataclass(frozen=True)
class Bound:
    """The last price at which a test is passed.

    Attributes:
        price: in quote; of a common shock, the multiple of every price that moves.
        change: relative to now: −0.25 is a fall by a quarter.
        exact: whether the margin is exactly 0 at this price, or drops below 0 right behind it. If
            not, rounding leaves no such price: the test is passed at this one and fails within the
            next 10^−12 of the price now.
    """

    price: Fraction
    change: Fraction
    exact: bool

    def __repr__(self) -> str:
        return "Bound(hidden)"


@dataclass(frozen=True)
class SafePrices:
    """The prices at which a test is passed: from `lower` to `upper`, both included.

    The interval around the price now, or the nearest one if the test is not passed now.

    Attributes:
        lower: None if there is no bound above 0.
        upper: None if there is no bound up to 10^12 times the price now.
        passable: False if the test is passed at no price; then there are no bounds either.
    """

    lower: Bound | None
    upper: Bound | None
    passable: bool = True

    def __repr__(self) -> str:
        return "SafePrices(hidden)"


@dataclass(frozen=True)
class BoundaryPoint:
    """At this price of the first asset, the prices of the second at which the test is passed.

    The ends of the interval are points of the boundary.
    """

    first_price: Fraction
    second: SafePrices

    def __repr__(self) -> str:
        return "BoundaryPoint(hidden)"


@dataclass(frozen=True)
class Boundary:
    """Where an account begins to fail a test, over the prices of two assets, in quote.

    Attributes:
        threshold: which test.
        first, second: symbols.
        first_price, second_price: what they cost now.
        points: by ascending price of the first asset.
    """

    threshold: ThresholdName
    first: str
    second: str
    first_price: Fraction
    second_price: Fraction
    points: tuple[BoundaryPoint, ...]

    def __repr__(self) -> str:
        return f"Boundary({self.threshold!r}, {self.first!r}, {self.second!r}, hidden)"


def price_of(pricing: Pricing, symbol: str) -> Fraction:
    """What one whole asset costs in the round; of a claim on another, with caps and haircuts."""
    underlying = pricing.quotes[driver(pricing, symbol)]
    middle = (underlying.low + underlying.high) / 2
    return middle * pricing.quotes[symbol].low / underlying.low


def safe_prices(threshold: Threshold, symbol: str, fixed: Shocks | None = None) -> SafePrices:
    """The prices of one asset at which a test is passed.

    Args:
        threshold: the test.
        symbol: one that the policy prices.
        fixed: shocks of other assets, if they are not to be as they are.
    """
    pricing = threshold.account.pricing
    moves = threshold.safe_moves({driver(pricing, symbol)}, fixed or {})
    return _safe_prices(moves, price_of(pricing, symbol))


def common_shock(threshold: Threshold) -> SafePrices:
    """The common multiples of prices at which a test is passed.

    What is held as collateral or as a signed position, long or short, moves together, with what it
    follows and all that follows that. Assets that are only owed stay.
    """
    account = threshold.account
    drivers = {
        driver(account.pricing, asset.symbol)
        for asset in positions(account)
        if asset.side != "debt"
    }
    return _safe_prices(threshold.safe_moves(drivers, {}), Fraction(1))


def boundary(
    threshold: Threshold, first: str, second: str, multiples: Sequence[Fraction | int] = MULTIPLES
) -> Boundary:
    """For prices of one asset, the prices of another between which a test is passed.

    Args:
        threshold: the test.
        first, second: symbols that the policy prices, neither following the other nor both a third.
        multiples: of the price of `first` now, at least 0, ascending.

    Raises:
        InputError: other symbols or multiples; a float is none.
    """
    pricing = threshold.account.pricing
    for symbol in (first, second):
        _check_symbol(threshold.account.policy, symbol)
    if driver(pricing, first) == driver(pricing, second):
        expected = "two assets whose prices do not move together"
        raise InputError("boundary", expected, f"{first} and {second}")
    for multiple in multiples:
        if isinstance(multiple, bool) or not isinstance(multiple, (Fraction, int)):
            got = f"a {type(multiple).__name__}"
            raise InputError("boundary: multiples", "fractions or integers", got)
        if multiple < 0:
            raise InputError("boundary: multiples", "at least 0", "one below")
    if any(left >= right for left, right in pairwise(multiples)):
        raise InputError("boundary: multiples", "ascending ones", "another order")
    price = price_of(pricing, first)
    return Boundary(
        threshold.name,
        first,
        second,
        price,
        price_of(pricing, second),
        tuple(
            BoundaryPoint(
                multiple * price,
                safe_prices(threshold, second, {driver(pricing, first): Fraction(multiple - 1)}),
            )
            for multiple in multiples
        ),
    )


def _check_symbol(policy: Policy, symbol: str) -> None:
    priced = sorted({symbol for symbol, _ in policy.factors.pairs()})
    if symbol not in priced:
        raise InputError("boundary", f"one of {', '.join(priced)}", repr(symbol))


def _safe_prices(moves: SafeRange | None, price: Fraction) -> SafePrices:
    if moves is None:
        return SafePrices(None, None, passable=False)

    def bound(edge: Edge | None) -> Bound | None:
        return None if edge is None else Bound(edge.at * price, edge.at - 1, edge.exact)

    return SafePrices(bound(moves.lower), bound(moves.upper))
