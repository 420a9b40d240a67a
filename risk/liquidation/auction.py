"""Dutch auctions of seized collateral: price, takes, resets, and the whole course as a table.

The rules are those of makerdao/dss, `src/clip.sol` (take, redo, status), without roundings: `lot`
collateral is for sale to raise `tab` in quote; the price starts at `top` and falls; whoever takes
at the price of the moment gets as much as they ask for. The preset of Maker has the contract's own
integers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from ...errors import InputError
from ..checks import MAX_SECONDS, duration, exact, instance
from ..fixed_point import whole
from .decay import Decay

MAX_POINTS = 100_000
"""The longest table of an auction's course."""


@dataclass(frozen=True, slots=True)
class AuctionRule:
    """How auctions are held.

    Args:
        decay: how the price falls.
        start: the starting price over the market price, above 0; Maker's `buf`.
        minimum: in quote, at least 0. A take may not leave less than this to raise, unless it takes
            the whole lot or raises all; Maker's `chost`.
        tail_seconds: after more than these whole seconds an auction must be reset; None is never.
        cusp: share of the starting price, 0 to 1, below which an auction must be reset; 0 is never.

    Raises:
        InputError: a number out of its range, or one that is not exact.
    """

    decay: Decay
    start: Fraction = Fraction(1)
    minimum: Fraction = Fraction(0)
    tail_seconds: int | None = None
    cusp: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        where = "auction rule"
        instance(f"{where}.decay", self.decay, Decay)
        object.__setattr__(self, "start", exact(f"{where}.start", self.start, above=0))
        object.__setattr__(self, "minimum", exact(f"{where}.minimum", self.minimum, low=0))
        object.__setattr__(self, "cusp", exact(f"{where}.cusp", self.cusp, low=0, high=1))
        if self.tail_seconds is not None:
            duration(f"{where}.tail_seconds", self.tail_seconds, 1)


@dataclass(frozen=True, slots=True)
class AuctionPoint:
    """An auction at one moment, if nobody has taken anything.

    Attributes:
        elapsed: whole seconds since the start.
        price: of one whole asset, in quote.
        raised: what all of the lot that is needed would raise, in quote; at most the tab.
        sold: how much of the lot that needs, in whole assets.
        needs_reset: whether nothing can be taken any more until it is reset.
    """

    elapsed: int
    price: Fraction
    raised: Fraction
    sold: Fraction
    needs_reset: bool


@dataclass(frozen=True, slots=True)
class Take:
    """What one take did.

    Attributes:
        price: paid for one whole asset, in quote.
        bought: in whole assets.
        paid: in quote.
        auction: what is left of the auction; None if it is over.
        returned: collateral that goes back to the account, in whole assets; above 0 only if all was
            raised.
        unpaid: what was not raised although nothing is left to sell, in quote; bad debt.
    """

    price: Fraction
    bought: Fraction
    paid: Fraction
    auction: Auction | None
    returned: Fraction
    unpaid: Fraction


@dataclass(frozen=True, slots=True)
class Auction:
    """A running auction. Times are whole seconds since its start.

    Args:
        rule: how it is held.
        lot: collateral for sale, in whole assets, above 0.
        tab: what is to be raised, in quote, above 0.
        top: the starting price of one whole asset, in quote, above 0.

    Raises:
        InputError: a number out of its range, or one that is not exact.
    """

    rule: AuctionRule
    lot: Fraction
    tab: Fraction
    top: Fraction

    def __post_init__(self) -> None:
        instance("auction.rule", self.rule, AuctionRule)
        object.__setattr__(self, "lot", exact("auction.lot", self.lot, above=0))
        object.__setattr__(self, "tab", exact("auction.tab", self.tab, above=0))
        object.__setattr__(self, "top", exact("auction.top", self.top, above=0))

    @classmethod
    def opened(
        cls, rule: AuctionRule, lot: Fraction, tab: Fraction, market_price: Fraction
    ) -> Auction:
        """The auction that starts now, its price the rule's `start` · the market price."""
        instance("auction.rule", rule, AuctionRule)
        market = exact("auction: market price", market_price, above=0)
        return cls(rule, lot, tab, rule.start * market)

    def price(self, elapsed: int) -> Fraction:
        """What one whole asset costs, in quote."""
        return self.top * self.rule.decay.multiple(elapsed)

    def needs_reset(self, elapsed: int) -> bool:
        """Whether it is over its time, has fallen below its cusp, or asks for nothing."""
        multiple = self.rule.decay.multiple(elapsed)
        tail = self.rule.tail_seconds
        return (tail is not None and elapsed > tail) or multiple < self.rule.cusp or multiple == 0

    def seconds_until(self, price: Fraction) -> int:
        """The first second at which one whole asset costs `price`, at least 0, or less."""
        wanted = exact("auction: price", price, low=0)
        return self.rule.decay.seconds_until(min(Fraction(1), wanted / self.top))

    def seconds_until_reset(self) -> int:
        """The first second at which it must be reset."""
        rule = self.rule
        ends = [rule.decay.seconds_until(Fraction(0))]
        if rule.cusp:
            ends.append(rule.decay.seconds_until_below(rule.cusp))
        if rule.tail_seconds is not None:
            ends.append(rule.tail_seconds + 1)
        return min(ends)

    def point(self, elapsed: int) -> AuctionPoint:
        """How it stands at one moment, if nobody has taken anything."""
        price = self.price(elapsed)
        sold = min(self.lot, self.tab / price) if price else self.lot
        return AuctionPoint(elapsed, price, sold * price, sold, self.needs_reset(elapsed))

    def schedule(self, until: int, every: int) -> tuple[AuctionPoint, ...]:
        """Its course: a point every so many whole seconds, and one at the end.

        Args:
            until: the last second, at least 0.
            every: at least 1; `until` / `every` at most 100,000.
        """
        duration("auction schedule.until", until)
        whole("auction schedule.every", every, 1, MAX_SECONDS)
        if until > every * MAX_POINTS:
            raise InputError("auction schedule", f"at most {MAX_POINTS} points", "more")
        moments = list(range(0, until + 1, every))
        if moments[-1] != until:
            moments.append(until)
        return tuple(self.point(moment) for moment in moments)

    def take(self, elapsed: int, amount: Fraction, max_price: Fraction | None = None) -> Take:
        """Buy at the price of the moment.

        No more is sold than there is, and no more than raises the tab. A take that would leave less
        than the minimum to raise is cut down so that it leaves exactly the minimum.

        Args:
            elapsed: whole seconds since the start.
            amount: the most to buy, in whole assets, above 0.
            max_price: the most to pay for one whole asset, in quote; None is any price.

        Raises:
            InputError: the auction must be reset, the price is higher than `max_price`, or no more
                than the minimum is left to raise and the take would leave some of it.
        """
        wanted = exact("auction: amount to take", amount, above=0)
        if self.needs_reset(elapsed):
            raise InputError("auction: take", "an auction that needs no reset", "one that does")
        price = self.price(elapsed)
        if max_price is not None and exact("auction: max_price", max_price, low=0) < price:
            raise InputError("auction: take", "a price of at most max_price", "a higher one")
        bought = min(wanted, self.lot, self.tab / price)
        left = self.tab - bought * price
        if bought < self.lot and 0 < left < self.rule.minimum:
            if self.tab <= self.rule.minimum:
                raise InputError(
                    "auction: take",
                    "all that is left, since no more than the minimum is left to raise",
                    "a part of it",
                )
            left = self.rule.minimum
            bought = (self.tab - left) / price
        rest = self.lot - bought
        running = replace(self, lot=rest, tab=left) if rest and left else None
        return Take(
            price=price,
            bought=bought,
            paid=self.tab - left,
            auction=running,
            returned=Fraction(0) if left else rest,
            unpaid=Fraction(0) if rest else left,
        )

    def reset(self, elapsed: int, market_price: Fraction) -> Auction:
        """The same auction started anew at the market price.

        Raises:
            InputError: it needs no reset yet, or the market price is not above 0.
        """
        if not self.needs_reset(elapsed):
            raise InputError("auction: reset", "an auction that needs a reset", "one that does not")
        return Auction.opened(self.rule, self.lot, self.tab, market_price)
