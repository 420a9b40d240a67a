"""Cases of Synthetixio/synthetix-v3: markets/perps-market/test/integration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.presets.synthetix_liquidation import (
    GlobalConfiguration,
    KeeperCosts,
    MarketState,
    account_margins,
    is_liquidatable,
    is_margin_liquidatable,
    liquidate,
    liquidation_reward,
    withdrawable_margin,
)
from zkcollateral.risk.presets.synthetix_v3 import (
    Account,
    Collateral,
    MarketConfiguration,
    Position,
    RequiredMargins,
    div_decimal,
    fill_price,
    mul_decimal,
)


def bn(value: int | str) -> int:
    return int(Decimal(value) * 10**18)


def market(
    name: str,
    skew_scale: int,
    *,
    ratio: str = "2",
    minimum: str = "0.01",
    scalar: str = "0.5",
    flag: str = "0.05",
    margin: int = 0,
    seconds: int = 10,
) -> MarketConfiguration:
    return MarketConfiguration(
        name,
        bn(skew_scale),
        bn(ratio),
        bn(minimum),
        bn(scalar),
        flag_reward_ratio=bn(flag),
        minimum_position_margin=bn(margin),
        liquidation_limit_multiplier=bn(1),
        seconds_in_liquidation_window=seconds,
    )


def opened(configuration: MarketConfiguration, size: int, price: int) -> Position:
    entry = fill_price(0, configuration.skew_scale, bn(size), bn(price))
    return Position(configuration, bn(size), bn(price), entry)


FREE = KeeperCosts(0, 0)
GUARDS = GlobalConfiguration(0, bn(10_000), 0, bn(1))

# Margins.test.ts, worked case 11
BTC, ETH = market("BTC", 100, margin=1000), market("ETH", 1000, margin=500)
TWO = Account(bn(100_000), (), (opened(BTC, -2, 30_000), opened(ETH, 20, 2_000)))


def test_margins_of_two_positions() -> None:
    margins = account_margins(TWO, GUARDS, FREE)
    assert (margins.initial, margins.maintenance) == (bn(6_500), bn(4_000))
    # Fill premiums of 1%: 600 on BTC, 400 on ETH; flag rewards 3,000 and 2,000.
    assert margins.available == bn(99_000)
    assert margins.liquidation_reward == bn(5_000)
    assert withdrawable_margin(TWO, GUARDS, FREE) == bn(87_500)
    assert not is_liquidatable(TWO, GUARDS, FREE)


def test_margins_without_positions() -> None:
    empty = Account(bn(100_000))
    assert account_margins(empty, GUARDS, FREE).available == bn(100_000)
    assert account_margins(empty, GUARDS, FREE).initial == 0
    assert withdrawable_margin(empty, GUARDS, FREE) == bn(100_000)
    assert not is_liquidatable(empty, GUARDS, FREE)


def test_position_margins_and_ratios() -> None:
    assert BTC.required_margins(bn(-2), bn(30_000)) == RequiredMargins(
        bn("0.05"), bn("0.025"), bn(4_000), bn(2_500)
    )
    assert BTC.required_margins(0, bn(30_000)) == RequiredMargins(0, 0, 0, 0)
    no_scale = replace(BTC, skew_scale=0)
    assert no_scale.required_margins(bn(7), bn(1)).initial_ratio == bn("0.01")


# Liquidation.margin.test.ts: five positions, three rounds of prices
FIVE = (
    (market("BTC", 100), -1, 30_000),
    (market("ETH", 1_000), 20, 2_000),
    (market("LINK", 100_000), 2_000, 5),
    (market("ARB", 100_000, ratio="1.5", minimum="0.035"), 5_000, 2),
    (market("OP", 100_000, ratio="1.5", minimum="0.035"), 5_000, 2),
)


@pytest.mark.parametrize(
    ("prices", "pnl", "available", "liquidatable"),
    [
        (("30000", "2000", "5", "2", "2"), (-150, -400, -100, -250, -250), 18_850, False),
        (("28000", "1900", "4.6", "1.9", "1.8"), (1850, -2400, -900, -750, -1250), 16_550, False),
        (("31000", "1775", "3", "1", "1.13"), (-1150, -4900, -4100, -5250, -4600), 0, True),
        (("31000", "1820", "3", "1", "1"), (-1150, -4000, -4100, -5250, -5250), 250, True),
    ],
)
def test_five_positions(
    prices: tuple[str, ...], pnl: tuple[int, ...], available: int, liquidatable: bool
) -> None:
    positions = tuple(
        replace(opened(configuration, size, price), price=bn(now))
        for (configuration, size, price), now in zip(FIVE, prices, strict=True)
    )
    assert [p.pnl() for p in positions] == [bn(x) for x in pnl]
    account = Account(bn(20_000), (), positions)
    assert account.available_margin() == bn(available)
    # The test leaves the reward guards at their zero.
    assert is_liquidatable(account, GlobalConfiguration(), FREE) is liquidatable


# Margins.multiCollateral.test.ts: 8 snxBTC and 700 snxETH
def test_discounted_collateral() -> None:
    btc = Collateral("snxBTC", bn(8), bn(30_000), bn(100), bn("1.5"), bn("0.01"), bn("0.05"))
    eth = Collateral("snxETH", bn(700), bn(2_000), bn(50_000), bn(2), bn("0.01"), bn("0.05"))
    account = Account(0, (btc, eth))
    # Impacts 0.12, held to 0.05, and 0.028.
    assert (btc.value(True), eth.value(True)) == (bn(228_000), bn(1_360_800))
    assert account.available_margin() == bn(1_588_800)
    assert withdrawable_margin(account, GUARDS, FREE) == bn(1_640_000)
    assert withdrawable_margin(replace(account, debt=1), GUARDS, FREE) == 0
    assert replace(btc, amount=bn("0.1")).value(True) == bn(2_970)
    assert replace(btc, skew_scale=0).value(True) == bn(240_000)


COSTS = KeeperCosts(3333, 5555)  # flag cost of one feed


def eth_100() -> Account:
    configuration = market("ETH", 100_000, ratio="0", minimum="0", scalar="0", seconds=0)
    position = Position(configuration, bn(100), bn(1), bn("1000.5"))
    return Account(bn(10_000), (), (position,))


# KeeperRewards.Caps.test.ts
@pytest.mark.parametrize(
    ("with_ratio", "low", "high", "expected"),
    [
        (False, 1, bn(10), int(8888 * 1.005)),
        (False, 10_000, 100_000, 10_000 + 8888),
        (False, 1, 100, 100),
        (True, 1, bn(10), bn(5) + 8888),
        (True, bn(8), bn(10), bn(8) + 8888),
        (True, bn(1), bn(3), bn(3)),
    ],
)
def test_reward_caps(with_ratio: bool, low: int, high: int, expected: int) -> None:
    rules = GlobalConfiguration(low, high, bn("0.005"), bn("0.005"))
    account = eth_100()
    if not with_ratio:
        configuration = replace(account.positions[0].market, flag_reward_ratio=0)
        account = replace(account, positions=(replace(account.positions[0], market=configuration),))
    done = liquidate(account, {"ETH": MarketState(bn(100))}, rules, COSTS, 1)
    assert done.reward == expected
    assert done.liquidated == (("ETH", bn(100)),)
    assert done.account == Account(0)


# KeeperRewards.N-Positions.test.ts
def test_reward_of_three_positions() -> None:
    base = market("ETH", 100_000, ratio="0", minimum="0", scalar="0", seconds=0)
    positions = tuple(
        Position(replace(base, name=name), bn(100), bn(price), bn(entry))
        for name, price, entry in (("ETH", 1, 1000), ("OP", 2, 10), ("LINK", 3, 100))
    )
    account = Account(bn(10_000), (), positions)
    assert account.updated_feeds() == 3
    rules = GlobalConfiguration(1, bn(100), 0, bn("0.005"))
    states = {name: MarketState() for name in ("ETH", "OP", "LINK")}
    done = liquidate(account, states, rules, KeeperCosts(3 * 3333, 5555), 1)
    assert done.reward == bn(30) + 3 * 3333 + 5555


# KeeperRewards.N-Collaterals.test.ts
def test_reward_with_three_collaterals() -> None:
    account = replace(
        eth_100(),
        collaterals=(
            Collateral("snxBTC", bn("0.1"), bn(10_000)),
            Collateral("snxETH", bn(1), bn(1_000)),
        ),
    )
    assert account.updated_feeds() == 3
    rules = GlobalConfiguration(1, bn(10), 0, bn("0.005"))
    done = liquidate(account, {"ETH": MarketState()}, rules, KeeperCosts(3 * 3333, 5555), 1)
    assert done.reward == bn(5) + 3 * 3333 + 5555
    assert done.seized_collateral == bn(12_000)


def windowed(seconds: int = 10, multiplier: str = "1", max_pd: str = "0") -> MarketConfiguration:
    return MarketConfiguration(
        "OP",
        bn(1_000),
        bn(3),
        0,
        bn("0.5"),
        flag_reward_ratio=bn("0.05"),
        maker_fee=bn("0.007"),
        taker_fee=bn("0.003"),
        liquidation_limit_multiplier=bn(multiplier),
        seconds_in_liquidation_window=seconds,
        max_liquidation_pd=bn(max_pd),
    )


# KeeperRewards.Large-Position.test.ts
def test_large_position_in_three_steps() -> None:
    configuration = replace(windowed(), initial_margin_ratio=0, maintenance_margin_scalar=0)
    assert configuration.max_liquidation_in_window() == bn(100)
    assert configuration.liquidation_windows(bn(201)) == 3
    position = Position(configuration, bn(201), bn(1), bn("1100.5"))
    rules = GlobalConfiguration(1, bn(20), 0, bn("0.005"))
    account = Account(bn(100_000), (), (position,))
    first = liquidate(account, {"OP": MarketState(bn(201))}, rules, COSTS, 1_000)
    assert first.reward == bn("10.05") + 8888
    assert first.liquidated == (("OP", bn(100)),)
    assert first.account.positions == (Position(configuration, bn(101), bn(1), bn(1)),)
    second = liquidate(first.account, first.states, rules, COSTS, 1_035, flagged=True)
    assert (second.reward, second.liquidated) == (5555 + 1, (("OP", bn(100)),))
    third = liquidate(second.account, second.states, rules, COSTS, 1_070, flagged=True)
    assert (third.reward, third.liquidated) == (5555 + 1, (("OP", bn(1)),))
    assert third.account == Account(0)
    assert third.states["OP"].skew == 0


# Liquidation.maxLiquidationAmount.test.ts
def test_two_traders_share_the_window() -> None:
    configuration = windowed()
    rules = GlobalConfiguration(bn(5), bn(1_000), 0, 0)
    positions = {
        trader: Position(configuration, bn(150), bn(1), entry)
        for trader, entry in ((2, bn("10.75")), (3, bn("12.25")))
    }
    states = {"OP": MarketState(bn(300))}
    left = {}
    for trader, now, usd, expected in (
        (2, 1_000, 1_500, 50),
        (2, 1_003, 0, 50),
        (2, 1_006, 0, 50),
        (2, 1_011, 0, 0),
        (3, 1_012, 1_600, 100),
        (3, 1_023, 0, 0),
    ):
        account = left.get(trader) or Account(bn(usd), (), (positions[trader],))
        done = liquidate(account, states, rules, FREE, now, flagged=trader in left)
        states, left[trader] = done.states, done.account
        size = done.account.positions[0].size if done.account.positions else 0
        assert size == bn(expected)
        # Guards with a scaling ratio of 0 leave nothing for the flag.
        if done.liquidated[0][1] == 0:
            assert done.reward == 0


# Liquidation.maxLiquidationAmount.macro.test.ts: a window of 30 seconds, 300 OP
def test_only_the_last_window_counts() -> None:
    configuration = windowed(seconds=30)
    state = MarketState(bn(300), ((0, bn(100)), (29, bn(10)), (58, bn(10)), (87, bn(10))))
    # 280 of the second trader's 300 OP go, 20 are left.
    assert state.max_liquidatable(configuration, bn(300), 87) == bn(280)
    assert state.capacity(configuration, 88) == bn(290)
    assert state.capacity(configuration, 116) == bn(290)
    assert state.capacity(configuration, 117) == bn(300)


# Liquidation.maxLiquidationAmount.maxPd.test.ts
def test_liquidation_goes_on_below_the_premium() -> None:
    configuration = windowed(multiplier="0.25")
    assert configuration.max_liquidation_in_window() == bn(25)
    state = MarketState(bn(90))
    assert state.max_liquidatable(configuration, bn(90), 100) == bn(25)
    state = state.after(-bn(25), 100, True)
    assert state.max_liquidatable(configuration, bn(65), 101) == 0
    premium = replace(configuration, max_liquidation_pd=bn("0.06"))
    assert state.max_liquidatable(premium, bn(65), 101) == 0  # skew 65 of 1,000
    balanced = replace(state, skew=bn(40))
    assert balanced.max_liquidatable(premium, bn(65), 101) == bn(25)
    # Once in a second.
    again = balanced.after(-bn(25), 101, True)
    assert again.max_liquidatable(premium, bn(40), 101) == 0
    assert again.max_liquidatable(premium, bn(40), 102) == bn(25)
    assert again.liquidations == ((100, bn(25)), (101, bn(25)))


# Liquidation.maxLiquidationAmount.endorsedLiquidator.test.ts
def test_endorsed_liquidator_has_no_limit_and_no_reward() -> None:
    configuration = windowed(multiplier="0.25", max_pd="0.06")
    entry = fill_price(0, bn(1_000), bn(90), bn(10))
    account = Account(bn(500), (), (Position(configuration, bn(90), bn(1), entry),))
    done = liquidate(
        account,
        {"OP": MarketState(bn(90))},
        GlobalConfiguration(),
        FREE,
        1,
        endorsed=frozenset({"OP"}),
    )
    assert (done.reward, done.liquidated) == (0, (("OP", bn(90)),))
    assert done.account == Account(0)


# Liquidation.multi-collateral.test.ts: the largest reward, everything is taken
def test_multi_collateral_liquidation() -> None:
    base = market("BTC", 100, flag="0.01")
    positions = tuple(
        replace(
            opened(
                replace(base, name=name, skew_scale=bn(scale), flag_reward_ratio=bn(flag)), size, p
            ),
            price=bn(now),
        )
        for name, scale, flag, size, p, now in (
            ("BTC", 100, "0.01", -1, 30_000, 38_000),
            ("ETH", 1_000, "0.02", 20, 2_000, 1_500),
            ("LINK", 100_000, "0.05", 2_000, 5, 1),
        )
    )
    collaterals = (
        Collateral("snxBTC", bn(10_000) * 10**18 // bn(30_000), bn(30_000)),
        Collateral("snxETH", bn(2), bn(2_000)),
    )
    account = Account(bn(10_000), collaterals, positions)
    rules = GlobalConfiguration(bn(10), bn(1_000), 0, bn("0.5"))
    states = {name: MarketState() for name in ("BTC", "ETH", "LINK")}
    done = liquidate(account, states, rules, FREE, 1)
    assert done.reward == bn(1_000)
    assert done.liquidated == (("BTC", bn(1)), ("ETH", bn(20)), ("LINK", bn(2_000)))
    assert bn(24_000) - 10**5 <= done.seized_collateral <= bn(24_000)


# Liquidation.marginOnly.test.ts: 1 snxBTC at 25,000 and 7.5 snxETH at 1,465
def test_margin_only() -> None:
    btc = Collateral("snxBTC", bn(1), bn(25_000), bn(100), bn(2), bn("0.03"), bn("0.08"))
    eth = Collateral("snxETH", bn("7.5"), bn(1_465), bn(10_000), bn(3), bn("0.02"), bn("0.04"))
    rules = GlobalConfiguration(bn(10), bn(1_000), 0, bn("0.5"))
    costs = KeeperCosts(2 * bn(20), bn(15))
    margin = Account(0, (btc, eth)).available_margin()
    assert margin == bn("24250") + mul_decimal(bn("10987.5"), bn("0.98"))
    # Margin is left, but not enough to pay the keeper 65.
    account = Account(0, (btc, eth), (), margin - bn(64))
    assert is_margin_liquidatable(account, rules, costs)
    assert not is_margin_liquidatable(replace(account, debt=margin - bn(65)), rules, costs)
    assert not is_margin_liquidatable(replace(account, debt=0), rules, costs)
    done = liquidate(account, {}, rules, costs, 1)
    assert done.reward == bn(65)
    assert done.forgiven_debt == account.debt
    assert done.seized_collateral == bn("35987.5")
    assert done.account == Account(0)


def test_liquidate_refuses_a_healthy_account() -> None:
    states = {"BTC": MarketState(), "ETH": MarketState()}
    with pytest.raises(InputError, match="eligible"):
        liquidate(TWO, states, GUARDS, FREE, 1)
    with pytest.raises(InputError, match="Synthetix market BTC"):
        liquidate(TWO, {}, GUARDS, FREE, 1, flagged=True)


def test_debt_makes_an_account_liquidatable() -> None:
    margins = account_margins(TWO, GUARDS, FREE)
    spare = margins.available - margins.maintenance - margins.liquidation_reward
    assert not is_liquidatable(replace(TWO, debt=spare), GUARDS, FREE)
    assert is_liquidatable(replace(TWO, debt=spare + 1), GUARDS, FREE)


def test_further_windows_cost_the_least_reward_each() -> None:
    position = Position(windowed(), bn(201), bn(1), bn(1))
    account = Account(bn(1_000), (), (position,))
    rules = GlobalConfiguration(7, bn(1_000), 0, bn(1))
    expected = bn("10.05") + 8888 + 2 * (5555 + 7)
    assert liquidation_reward(account, rules, COSTS) == expected


def test_pnl_has_funding_and_interest() -> None:
    configuration = replace(BTC, locked_oi_ratio=bn("0.5"))
    position = Position(configuration, bn(-2), bn(100), bn(90), bn("0.5"), bn("0.01"))
    assert position.pnl() == bn(-20) + bn(-1) - bn(1)


@given(x=st.integers(-(10**40), 10**40), y=st.integers(-(10**40), 10**40))
def test_decimals_round_towards_zero(x: int, y: int) -> None:
    assert mul_decimal(-x, y) == mul_decimal(x, -y) == -mul_decimal(x, y)
    if y:
        assert div_decimal(-x, y) == -div_decimal(x, y)
        assert abs(div_decimal(x, y) * y) <= abs(x) * 10**18


@given(size=st.integers(1, 10**30), price=st.integers(1, 10**26), more=st.integers(0, 10**30))
def test_margins_grow_with_size(size: int, price: int, more: int) -> None:
    small, large = BTC.required_margins(size, price), BTC.required_margins(-size - more, price)
    assert small.initial <= large.initial
    assert small.maintenance <= large.maintenance <= large.initial


@pytest.mark.parametrize(
    ("build", "names"),
    [
        (lambda: MarketConfiguration("", 1, 1, 1, 1), "name"),
        (lambda: MarketConfiguration("X", -1, 1, 1, 1), "X: skew_scale"),
        (lambda: MarketConfiguration("X", 1, 0.5, 1, 1), "X: initial_margin_ratio"),
        (lambda: Position("X", 1, 1, 1), "MarketConfiguration"),
        (lambda: Position(BTC, 1, 0, 1), "BTC: price"),
        (lambda: Position(BTC, 2**127, 1, 1), "BTC: size"),
        (lambda: Position(BTC, 1, 1, float("nan")), "BTC: entry_price"),
        (lambda: Collateral("snxBTC", -1, 1), "snxBTC: amount"),
        (lambda: Collateral("snxBTC", 1, 0), "snxBTC: price"),
        (lambda: Collateral("snxBTC", 1, 1, 1, 1, 0, bn(1) + 1), "upper_limit_discount"),
        (lambda: Account(-1), "usd"),
        (lambda: Account(0, debt=-1), "debt"),
        (lambda: Account(0, (), (opened(BTC, 1, 1), opened(BTC, 2, 1))), "BTC"),
        (lambda: Account(0, (), (Position(BTC, 0, 1, 1),)), "BTC"),
        (lambda: KeeperCosts(-1, 0), "flag"),
        (lambda: GlobalConfiguration(2, 1), "min_keeper_reward_usd"),
        (lambda: MarketState(0, ((5, 1), (4, 1))), "time"),
        (lambda: MarketState(0, ((5, 1),)).capacity(BTC, 4), "now"),
        (lambda: fill_price(-2, 1, -2, 1), "mean"),
        (lambda: BTC.required_margins(1, 0), "BTC: price"),
    ],
)
def test_refusals(build: Callable[[], object], names: str) -> None:
    with pytest.raises(InputError, match=names):
        build()
