"""The auction of what was seized, by a policy's terms: when it reaches market and break-even."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from ..checks import MAX_SECONDS
from ..fixed_point import whole
from ..terms import AuctionTerms, LinearAuction, StairstepAuction
from .auction import Auction, AuctionPoint, AuctionRule
from .decay import ExponentialDecay, LinearDecay, StairstepDecay

MAX_INTERVALS = 10_000


@dataclass(frozen=True)
class CollateralAuction:
    """The Dutch auction of all that was seized of one collateral.

    Its tab is what was repaid with the penalty on top, which is what the lot is worth at market.

    Attributes:
        symbol: of the collateral.
        market_price: of one whole asset, in quote, after shocks.
        break_even_price: at which the whole lot brings what was repaid, without the penalty; sold
            for less, it leaves bad debt.
        seconds_to_market, seconds_to_break_even: the first whole second at which the price is no
            higher.
        step_seconds: between two drops of the price; 1 if it falls all the time.
        auction: as it opens.
    """

    symbol: str
    market_price: Fraction
    break_even_price: Fraction
    seconds_to_market: int
    seconds_to_break_even: int
    step_seconds: int
    auction: Auction

    def course(self, points: int = 12) -> tuple[AuctionPoint, ...]:
        """The price over time, until it is half the break-even price, if nobody takes anything.

        Args:
            points: 1 to 10,000: about how many intervals the time is divided into; each is a
                multiple of `step_seconds`.
        """
        whole("auction course: points", points, 1, MAX_INTERVALS)
        end = min(self.auction.seconds_until(self.break_even_price / 2), MAX_SECONDS)
        every = self.step_seconds * ceil(Fraction(end, self.step_seconds * points))
        return self.auction.schedule(end, every)

    def __repr__(self) -> str:
        return f"CollateralAuction({self.symbol!r}, hidden)"


def auction_rule(terms: AuctionTerms) -> AuctionRule:
    """How a policy has auctions held: never reset before the price is 0, and without a minimum."""
    if isinstance(terms, LinearAuction):
        return AuctionRule(LinearDecay(terms.duration_seconds), Fraction(terms.start))
    if isinstance(terms, StairstepAuction):
        decay = StairstepDecay(terms.step_seconds, Fraction(terms.factor))
        return AuctionRule(decay, Fraction(terms.start))
    return AuctionRule(ExponentialDecay(Fraction(terms.factor)), Fraction(terms.start))


def auction_seized(
    terms: AuctionTerms,
    symbol: str,
    market_price: Fraction,
    seized: Fraction,
    repaid_value: Fraction,
    penalty_value: Fraction,
) -> CollateralAuction:
    """The auction of a collateral that was seized for a debt.

    Args:
        terms: the policy's.
        symbol: of the collateral.
        market_price: of one whole asset, in quote, above 0.
        seized: in whole assets, above 0.
        repaid_value, penalty_value: the debt repaid, above 0, and the penalty, in quote.

    Raises:
        InputError: a number out of its range.
    """
    auction = Auction.opened(
        auction_rule(terms), seized, repaid_value + penalty_value, market_price
    )
    even = repaid_value / seized
    return CollateralAuction(
        symbol=symbol,
        market_price=market_price,
        break_even_price=even,
        seconds_to_market=auction.seconds_until(market_price),
        seconds_to_break_even=auction.seconds_until(even),
        step_seconds=terms.step_seconds if isinstance(terms, StairstepAuction) else 1,
        auction=auction,
    )
