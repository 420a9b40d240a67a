"""Liquity v2's price feeds: on a failure the last good price, and the shutdown of the branch.

Follows liquity/bold, `contracts/src/PriceFeeds/`: MainnetPriceFeedBase, CompositePriceFeed,
WETHPriceFeed, RETHPriceFeed and WSTETHPriceFeed. Prices and rates are WAD. Left out: the check that
a caller gave enough gas, after which a failed call reverts and is no failure of the oracle.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from ...errors import InputError
from ..checks import MAX_INSTANT, duration, instance, one_of
from ..fixed_point import MAX_INT256, WAD, whole

Collateral: TypeAlias = Literal["WETH", "rETH", "wstETH"]

REDEMPTION_DEVIATION: Final = {"rETH": 2 * 10**16, "wstETH": 10**16}
"""How far the market may lie from its reference for a redemption to use the higher of them, WAD."""


class PriceSource(StrEnum):
    """Where a branch's price comes from. It only ever moves down this list."""

    PRIMARY = "primary"
    CANONICAL = "ETH-USD times canonical rate"
    LAST_GOOD = "last good price"


@dataclass(frozen=True, slots=True)
class ChainlinkAnswer:
    """What a Chainlink feed says.

    Attributes:
        answer: signed, in the feed's decimals; None if the call failed.
        updated_at: seconds since 1970.
        decimals: 0 to 18. Liquity's ETH-USD and STETH-USD feeds have 8, RETH-ETH has 18.
    """

    answer: int | None
    updated_at: int
    decimals: int = 8

    def __post_init__(self) -> None:
        if self.answer is not None:
            whole("chainlink: answer", self.answer, -MAX_INT256, MAX_INT256)
        whole("chainlink: updated_at", self.updated_at, 0, MAX_INSTANT)
        whole("chainlink: decimals", self.decimals, 0, 18)

    def price(self, staleness_threshold: int, now: int) -> int | None:
        """The answer in WAD; None if the feed is down.

        It is down if the call failed, if the answer is 0 or below, or if it is as old as the
        threshold or older. InputError if it was updated after `now`.
        """
        if self.answer is None:
            return None
        age = whole("chainlink: now", now, self.updated_at, MAX_INSTANT) - self.updated_at
        if age >= staleness_threshold or self.answer <= 0:
            return None
        scale: int = 10 ** (18 - self.decimals)
        return self.answer * scale


@dataclass(frozen=True, slots=True)
class BranchAnswers:
    """What a branch's sources say.

    Attributes:
        eth_usd: the ETH-USD feed.
        market: RETH-ETH for rETH, STETH-USD for wstETH; None for WETH, which has none.
        rate: ETH per rETH, or stETH per wstETH, WAD; None or 0 if the call failed.
    """

    eth_usd: ChainlinkAnswer
    market: ChainlinkAnswer | None = None
    rate: int | None = None

    def __post_init__(self) -> None:
        instance("branch: eth_usd", self.eth_usd, ChainlinkAnswer)
        if self.market is not None:
            instance("branch: market", self.market, ChainlinkAnswer)
        if self.rate is not None:
            whole("branch: rate", self.rate, 0)


@dataclass(frozen=True, slots=True)
class BranchRule:
    """The constants of a branch.

    Attributes:
        collateral: whose price it is.
        eth_usd_staleness: seconds; an answer as old as that counts as down.
        market_staleness: the same for the market feed; Liquity has 48 hours for rETH and 24 for
            wstETH.
    """

    collateral: Collateral
    eth_usd_staleness: int = 86_400
    market_staleness: int = 86_400

    def __post_init__(self) -> None:
        one_of("branch: collateral", self.collateral, ("WETH", "rETH", "wstETH"))
        duration("branch: eth_usd_staleness", self.eth_usd_staleness, 1)
        duration("branch: market_staleness", self.market_staleness, 1)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a call answers.

    Attributes:
        price: WAD.
        failed: the source whose failure this call found while the branch's feed was primary; None
            if none did.
        feed: the state after the call.
    """

    price: int
    failed: str | None
    feed: BranchFeed


@dataclass(frozen=True, slots=True)
class BranchFeed:
    """The state of a price feed; `fetch` returns a new one.

    Attributes:
        rule: the branch's constants.
        last_good_price: WAD.
        source: where the price comes from.
        shut_down_at: when the branch was shut down, for this or another cause; None while live.
    """

    rule: BranchRule
    last_good_price: int
    source: PriceSource = PriceSource.PRIMARY
    shut_down_at: int | None = None

    def __post_init__(self) -> None:
        whole("branch: last_good_price", self.last_good_price, 0)
        if self.shut_down_at is not None:
            whole("branch: shut_down_at", self.shut_down_at, 0, MAX_INSTANT)
        if self.source is PriceSource.CANONICAL and self.rule.collateral == "WETH":
            raise InputError("branch: source", "primary or last good price", str(self.source))

    @classmethod
    def deploy(cls, rule: BranchRule, answers: BranchAnswers, now: int) -> BranchFeed:
        """A new feed with the primary price of now; InputError if a source has failed already."""
        fetched = cls(rule, 0).fetch(answers, now)
        if fetched.failed is not None:
            raise InputError("branch: deploy", "sources that answer", f"{fetched.failed} down")
        return fetched.feed

    def fetch(self, answers: BranchAnswers, now: int, redemption: bool = False) -> Fetched:
        """The price, and the state that it leaves.

        Args:
            answers: what the sources say.
            now: seconds since 1970.
            redemption: whether the price is for a redemption, which in the primary state takes the
                higher of market and reference while they lie close together.

        Raises:
            InputError: a market feed missing or unexpected, an answer from after `now`.
        """
        if (answers.market is None) != (self.rule.collateral == "WETH"):
            wanted = "none" if self.rule.collateral == "WETH" else "a market feed"
            raise InputError("branch: market", f"{wanted} for {self.rule.collateral}", "another")
        last_good = Fetched(self.last_good_price, None, replace(self, source=PriceSource.LAST_GOOD))
        if self.source is PriceSource.LAST_GOOD:
            return last_good
        eth_usd = answers.eth_usd.price(self.rule.eth_usd_staleness, now)
        rate = answers.rate or None
        if self.source is PriceSource.PRIMARY:
            return self._primary(answers, eth_usd, rate, now, redemption)
        if eth_usd is None or rate is None:
            return last_good
        return self._canonical(self, eth_usd, rate, None)

    def _primary(
        self,
        answers: BranchAnswers,
        eth_usd: int | None,
        rate: int | None,
        now: int,
        redemption: bool,
    ) -> Fetched:
        if self.rule.collateral == "WETH":
            return self._last_good("ETH-USD", now) if eth_usd is None else self._good(eth_usd)
        if rate is None and (eth_usd is not None or self.rule.collateral == "wstETH"):
            return self._last_good("exchange rate", now)
        if eth_usd is None or rate is None:
            return self._last_good("ETH-USD", now)
        market = None
        if answers.market is not None:
            market = answers.market.price(self.rule.market_staleness, now)
        if market is None:
            failed = "RETH-ETH" if self.rule.collateral == "rETH" else "STETH-USD"
            return self._canonical(self._shut_down(now), eth_usd, rate, failed)
        if self.rule.collateral == "rETH":
            return self._good(_reth_price(eth_usd, market, rate, redemption))
        return self._good(_wsteth_price(eth_usd, market, rate, redemption))

    def _good(self, price: int) -> Fetched:
        return Fetched(price, None, replace(self, last_good_price=price))

    def _shut_down(self, now: int) -> BranchFeed:
        return self if self.shut_down_at is not None else replace(self, shut_down_at=now)

    def _last_good(self, failed: str, now: int) -> Fetched:
        feed = replace(self._shut_down(now), source=PriceSource.LAST_GOOD)
        return Fetched(self.last_good_price, failed, feed)

    @staticmethod
    def _canonical(feed: BranchFeed, eth_usd: int, rate: int, failed: str | None) -> Fetched:
        price = min(eth_usd * rate // WAD, feed.last_good_price)
        changed = replace(feed, source=PriceSource.CANONICAL, last_good_price=price)
        return Fetched(price, failed, changed)


def within_deviation(price: int, reference: int, threshold: int) -> bool:
    """Whether `price` lies in reference·(1 ± threshold), both bounds rounded down and included.

    Args:
        price, reference: at least 0, the same unit.
        threshold: WAD, 0 to 1.

    Source: CompositePriceFeed._withinDeviationThreshold.
    """
    whole("branch: threshold", threshold, 0, WAD)
    low = reference * (WAD - threshold) // WAD
    high = reference * (WAD + threshold) // WAD
    return low <= price <= high


def _reth_price(eth_usd: int, reth_eth: int, rate: int, redemption: bool) -> int:
    market, canonical = eth_usd * reth_eth // WAD, eth_usd * rate // WAD
    if redemption and within_deviation(market, canonical, REDEMPTION_DEVIATION["rETH"]):
        return max(market, canonical)
    return min(market, canonical)


def _wsteth_price(eth_usd: int, steth_usd: int, rate: int, redemption: bool) -> int:
    if redemption and within_deviation(steth_usd, eth_usd, REDEMPTION_DEVIATION["wstETH"]):
        return max(steth_usd, eth_usd) * rate // WAD
    return steth_usd * rate // WAD
