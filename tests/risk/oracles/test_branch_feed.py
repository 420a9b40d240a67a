"""Liquity v2's price feeds, after liquity/bold contracts/test/OracleMainnet.t.sol.

That file runs against a fork of the chain. Its mocks' numbers (2000 USD per ETH, one week stale, a
market of 0.95, a last good price of 1 wei and of 10^27) are used here, the live feeds' are chosen.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.fixed_point import WAD
from zkcollateral.risk.oracles.branch_feed import (
    BranchAnswers,
    BranchFeed,
    BranchRule,
    ChainlinkAnswer,
    PriceSource,
    within_deviation,
)

NOW = 1_770_000_000
WEEK = 7 * 86_400
RETH_RATE = 115 * WAD // 100
WSTETH_RATE = 12 * WAD // 10
STALE_ETH = ChainlinkAnswer(2000 * 10**8, NOW - WEEK)


def answers(kind: str, **changes: Any) -> BranchAnswers:
    """Live: ETH at 3000; rETH at 1.14 ETH, rate 1.15; stETH at 2990, rate 1.2."""
    found = {
        "WETH": BranchAnswers(ChainlinkAnswer(3000 * 10**8, NOW)),
        "rETH": BranchAnswers(
            ChainlinkAnswer(3000 * 10**8, NOW),
            ChainlinkAnswer(114 * WAD // 100, NOW, 18),
            RETH_RATE,
        ),
        "wstETH": BranchAnswers(
            ChainlinkAnswer(3000 * 10**8, NOW), ChainlinkAnswer(2990 * 10**8, NOW), WSTETH_RATE
        ),
    }[kind]
    return replace(found, **changes)


STALE_MARKET = {
    "rETH": ChainlinkAnswer(WAD, NOW - WEEK, 18),
    "wstETH": ChainlinkAnswer(2000 * 10**8, NOW - WEEK),
}
PRIMARY = {"WETH": 3000 * WAD, "rETH": 3420 * WAD, "wstETH": 3588 * WAD}
CANONICAL = {"rETH": 3450 * WAD, "wstETH": 3600 * WAD}
LSTS = ["rETH", "wstETH"]


def feed(kind: Any) -> BranchFeed:
    market = 172_800 if kind == "rETH" else 86_400
    return BranchFeed.deploy(BranchRule(kind, market_staleness=market), answers(kind), NOW)


# testSetLastGoodPriceOnDeployment* and testFetchPriceReturnsCorrectPrice*.
@pytest.mark.parametrize("kind", list(PRIMARY))
def test_the_primary_price(kind: str) -> None:
    state = feed(kind)
    assert state.last_good_price == PRIMARY[kind]
    found = state.fetch(answers(kind), NOW)
    assert (found.price, found.failed) == (PRIMARY[kind], None)
    assert found.feed == state
    assert state.shut_down_at is None


# test*PriceFeedShutsDownWhenETHUSDOracleFails, *ReturnsLastGoodPrice*, *PriceSourceIsLastGood*.
@pytest.mark.parametrize("kind", list(PRIMARY))
def test_without_eth_usd_the_last_good_price_and_a_shutdown(kind: str) -> None:
    state = feed(kind)
    found = state.fetch(answers(kind, eth_usd=STALE_ETH), NOW)
    assert (found.price, found.failed) == (PRIMARY[kind], "ETH-USD")
    assert found.feed == replace(state, source=PriceSource.LAST_GOOD, shut_down_at=NOW)
    # It never comes back, and a later call finds no new failure.
    later = found.feed.fetch(answers(kind), NOW + 5)
    assert (later.price, later.failed, later.feed) == (PRIMARY[kind], None, found.feed)


# test*PriceFeedShutsDownWhenExchangeRateFails and *ReturnsLastGoodPriceWhenExchangeRateFails.
@pytest.mark.parametrize("rate", [0, None])
@pytest.mark.parametrize("kind", LSTS)
def test_without_a_rate_the_last_good_price_and_a_shutdown(kind: str, rate: int | None) -> None:
    found = feed(kind).fetch(answers(kind, rate=rate), NOW)
    assert (found.price, found.failed) == (PRIMARY[kind], "exchange rate")
    assert (found.feed.source, found.feed.shut_down_at) == (PriceSource.LAST_GOOD, NOW)


# test*ShutsDownWhenRETHETHOracleFails, testFetchPriceReturnsMinETHUSDxCanonicalAndLastGood*,
# test*PriceSourceIsETHUSDxCanonical*.
@pytest.mark.parametrize("kind", LSTS)
def test_without_a_market_the_lower_of_canonical_and_last_good(kind: str) -> None:
    found = feed(kind).fetch(answers(kind, market=STALE_MARKET[kind]), NOW)
    assert found.price == min(PRIMARY[kind], CANONICAL[kind]) == PRIMARY[kind]
    assert found.failed == ("RETH-ETH" if kind == "rETH" else "STETH-USD")
    assert (found.feed.source, found.feed.shut_down_at) == (PriceSource.CANONICAL, NOW)
    fallen = replace(answers(kind), eth_usd=ChainlinkAnswer(2000 * 10**8, NOW + 9))
    later = found.feed.fetch(fallen, NOW + 9)
    assert later.price == CANONICAL[kind] * 2 // 3 == later.feed.last_good_price
    assert later.feed.shut_down_at == NOW
    risen = later.feed.fetch(replace(answers(kind)), NOW + 10)
    assert risen.price == later.price


# test*WhenUsingETHUSDxCanonicalSwitchesToLastGoodPriceWhen(ETHUSDOracle|ExchangeRate)Fails.
@pytest.mark.parametrize("failure", [{"eth_usd": STALE_ETH}, {"rate": 0}])
@pytest.mark.parametrize("kind", LSTS)
def test_a_second_failure_leaves_the_last_good_price(kind: str, failure: dict[str, Any]) -> None:
    first = feed(kind).fetch(answers(kind, market=STALE_MARKET[kind]), NOW).feed
    found = first.fetch(answers(kind, market=STALE_MARKET[kind], **failure), NOW)
    assert (found.price, found.failed) == (first.last_good_price, None)
    assert found.feed == replace(first, source=PriceSource.LAST_GOOD)


# test*WhenUsingETHUSDxCanonicalReturnsMinOfLastGoodPriceAndETHUSDxCanonical.
@pytest.mark.parametrize("kind", LSTS)
def test_the_minimum_of_last_good_and_canonical(kind: Any) -> None:
    for last_good, price in ((1, 1), (10**27, CANONICAL[kind])):
        state = BranchFeed(BranchRule(kind), last_good, PriceSource.CANONICAL, NOW)
        assert state.fetch(answers(kind), NOW).price == price


# test*WhenBothOraclesFail: ETH-USD is needed for the canonical price as well.
@pytest.mark.parametrize("kind", LSTS)
def test_both_feeds_down(kind: str) -> None:
    both = answers(kind, market=STALE_MARKET[kind], eth_usd=STALE_ETH)
    found = feed(kind).fetch(both, NOW)
    assert (found.price, found.failed) == (PRIMARY[kind], "ETH-USD")
    assert found.feed.source is PriceSource.LAST_GOOD


# RETHPriceFeed.sol and WSTETHPriceFeed.sol, _fetchPricePrimary: which is asked first.
@pytest.mark.parametrize(("kind", "named"), [("rETH", "ETH-USD"), ("wstETH", "exchange rate")])
def test_which_of_two_failures_is_named(kind: str, named: str) -> None:
    assert feed(kind).fetch(answers(kind, eth_usd=STALE_ETH, rate=0), NOW).failed == named


# testRedemptionOfRETHUsesMax…WhenWithin2pct and …UsesMin…WhenDeviationGreaterThan2pct (0.95).
def test_a_redemption_of_reth() -> None:
    state = feed("rETH")
    assert state.fetch(answers("rETH"), NOW, redemption=True).price == 3450 * WAD
    low = answers("rETH", market=ChainlinkAnswer(95 * WAD // 100, NOW, 18))
    assert state.fetch(low, NOW, redemption=True).price == 2850 * WAD
    high = answers("rETH", market=ChainlinkAnswer(125 * WAD // 100, NOW, 18))
    assert state.fetch(high, NOW, redemption=True).price == 3450 * WAD
    assert state.fetch(high, NOW).price == 3450 * WAD


# testRedemptionOfWSTETHUsesMax…WhenWithin1pct and …UsesMin…WhenNotWithin1pct (90% of ETH).
def test_a_redemption_of_wsteth() -> None:
    state = feed("wstETH")
    assert state.fetch(answers("wstETH"), NOW, redemption=True).price == 3600 * WAD
    low = answers("wstETH", market=ChainlinkAnswer(2700 * 10**8, NOW))
    assert state.fetch(low, NOW, redemption=True).price == 3240 * WAD
    # Further than 1% above, the market's price is used: it is no minimum.
    high = answers("wstETH", market=ChainlinkAnswer(3300 * 10**8, NOW))
    assert state.fetch(high, NOW, redemption=True).price == 3960 * WAD


# CompositePriceFeed.sol, _withinDeviationThreshold: both bounds rounded down and included.
def test_the_deviation_threshold() -> None:
    two = 2 * 10**16
    assert within_deviation(102, 100, two)
    assert within_deviation(98, 100, two)
    assert not within_deviation(103, 100, two)
    assert not within_deviation(97, 100, two)
    assert within_deviation(48, 49, two)
    assert not within_deviation(50, 49, two)


# MainnetPriceFeedBase.sol, _isValidChainlinkPrice: age < threshold, answer > 0.
@pytest.mark.parametrize(
    ("answer", "age", "price"),
    [
        (5, 86_399, 5 * 10**10),
        (5, 86_400, None),
        (5, 0, 5 * 10**10),
        (0, 0, None),
        (-1, 0, None),
        (None, 0, None),
    ],
)
def test_which_answers_are_valid(answer: int | None, age: int, price: int | None) -> None:
    assert ChainlinkAnswer(answer, NOW - age).price(86_400, NOW) == price


def test_a_branch_that_was_shut_down_before_keeps_its_time() -> None:
    state = replace(feed("WETH"), shut_down_at=NOW - 100)
    found = state.fetch(answers("WETH", eth_usd=STALE_ETH), NOW)
    assert (found.failed, found.feed.shut_down_at) == ("ETH-USD", NOW - 100)


STATES = st.tuples(
    st.integers(0, 4000 * 10**8) | st.none(),
    st.integers(0, 4000 * 10**8) | st.none(),
    st.integers(0, 2 * WAD) | st.none(),
    st.booleans(),
)


@given(st.sampled_from(LSTS), st.lists(STATES, max_size=8))
def test_the_source_only_moves_down_and_the_price_then_never_rises(
    kind: Any, calls: list[tuple[int | None, int | None, int | None, bool]]
) -> None:
    order = list(PriceSource)
    state = feed(kind)
    for eth, market, rate, redemption in calls:
        found = state.fetch(
            BranchAnswers(ChainlinkAnswer(eth, NOW), ChainlinkAnswer(market, NOW), rate),
            NOW,
            redemption,
        )
        after = found.feed
        assert order.index(after.source) >= order.index(state.source)
        assert (after.shut_down_at is None) == (after.source is PriceSource.PRIMARY)
        assert (found.failed is not None) == (after.source is not state.source is order[0])
        if after.source is not PriceSource.PRIMARY:
            assert found.price == after.last_good_price <= state.last_good_price
        state = after


@pytest.mark.parametrize(
    "make",
    [
        lambda: BranchFeed.deploy(
            BranchRule("WETH"), BranchAnswers(ChainlinkAnswer(None, NOW)), NOW
        ),
        lambda: BranchRule("ETH"),  # type: ignore[arg-type]
        lambda: BranchRule("WETH", eth_usd_staleness=0),
        lambda: BranchFeed(BranchRule("WETH"), -1),
        lambda: BranchFeed(BranchRule("WETH"), 1, PriceSource.CANONICAL),
        lambda: feed("WETH").fetch(answers("rETH"), NOW),
        lambda: feed("rETH").fetch(answers("WETH"), NOW),
        lambda: feed("WETH").fetch(answers("WETH"), NOW - 1),
        lambda: ChainlinkAnswer(1, 0, 19),
        lambda: ChainlinkAnswer(1.0, 0),  # type: ignore[arg-type]
        lambda: answers("rETH", rate=-1),
        lambda: answers("rETH", market=5),
        lambda: within_deviation(1, 1, WAD + 1),
    ],
)
def test_what_is_out_of_range_is_refused(make: Any) -> None:
    with pytest.raises(InputError):
        make()
