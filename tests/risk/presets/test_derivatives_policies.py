"""The policies of the derivatives presets against the venues' own tests, at the threshold.

Whoever satisfies the policy is not liquidatable, whatever was rounded; whoever passes the venue's
test with twice the dust and the stated gap to spare satisfies the policy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache
from random import Random
from typing import Any

import pytest

from tests.risk.presets import margin_subjects, perpetual_subjects, synthetix_subjects
from tests.risk.presets.venue_subject import UNBOUNDED, Subject, registry_of
from zkcollateral.circuits.claim import document_digest
from zkcollateral.errors import DocumentError, InputError
from zkcollateral.risk.fixed_point import WAD
from zkcollateral.risk.health import evaluate
from zkcollateral.risk.policy import CommitmentRule, OracleRule, Policy
from zkcollateral.risk.presets import (
    binance_cross_margin,
    binance_futures,
    drift_margin,
    dydx_v4,
    hyperliquid,
    synthetix_liquidation,
    synthetix_v3,
)
from zkcollateral.risk.presets.binance_brackets import Contract
from zkcollateral.risk.presets.binance_collateral import CollateralTable, CollateralTier
from zkcollateral.risk.presets.binance_policy import (
    classic_margin_rule,
    cross_margin_portfolio,
    futures_portfolio,
    futures_rule,
    pro_margin_rule,
)
from zkcollateral.risk.presets.drift import MarginType, SpotMarket
from zkcollateral.risk.presets.drift_policy import (
    SpotTiers,
    drift_portfolio,
    drift_prices,
    drift_rule,
)
from zkcollateral.risk.presets.dydx_policy import dydx_portfolio, dydx_price, dydx_rule
from zkcollateral.risk.presets.hyperliquid_policy import hyperliquid_portfolio, hyperliquid_rule
from zkcollateral.risk.presets.provable import HEALTHY, NOT_LIQUIDATABLE, ProvableRule
from zkcollateral.risk.presets.synthetix_policy import (
    CollateralTiers,
    PerpetualTiers,
    synthetix_portfolio,
    synthetix_prices,
    synthetix_rule,
)
from zkcollateral.risk.prices import PriceRound
from zkcollateral.risk.registry import Registry
from zkcollateral.risk.values import Exact

SUBJECTS: dict[str, Callable[[Random], Subject]] = {
    "dydx": perpetual_subjects.dydx_account,
    "hyperliquid": perpetual_subjects.hyperliquid_account,
    "binance futures": perpetual_subjects.binance_futures_account,
    "binance classic margin": margin_subjects.binance_classic_account,
    "binance pro margin": margin_subjects.binance_pro_account,
    "synthetix": synthetix_subjects.synthetix_account,
    "drift": margin_subjects.drift_maintenance_account,
    "drift initial": margin_subjects.drift_initial_account,
}
CASES = 300
ORACLE = OracleRule(quorum=1, max_age_seconds=600, max_deviation=Exact("0.02"))
COMMITMENTS = CommitmentRule(
    max_age_seconds=600, max_summands=1, max_apart_seconds=0, unvouched=False
)


def policy_of(rule: ProvableRule, registry: Registry) -> Policy:
    return rule.policy(registry, document_digest(registry), ORACLE, COMMITMENTS)


def price_round(
    quote: str, prices: Mapping[str, Exact], figures: Mapping[str, Exact] | None = None
) -> PriceRound:
    return PriceRound.build(
        time=datetime(2026, 1, 31, tzinfo=UTC),
        quote=quote,
        prices=dict(prices),
        figures=dict(figures or {}),
        reports=["0" * 64],
    )


def margin_of(
    subject: Subject, rule: ProvableRule, claim: str = HEALTHY
) -> Callable[[int], Fraction]:
    """By how much a claim of the rule's policy is met with a balance of n steps."""
    policy = policy_of(rule, subject.registry)
    round_ = price_round(rule.quote, subject.prices, subject.figures)
    asked = policy.claims[claim]

    def margin(n: int) -> Fraction:
        evaluation = evaluate(asked, policy, subject.registry, round_, subject.amounts(n))
        least = min(margin.value for margin in evaluation.margins)
        assert evaluation.holds == (least >= 0)
        return least

    return margin


def first(holds: Callable[[int], bool], margin: Callable[[int], Fraction], guess: int = 0) -> int:
    """The smallest n for which something holds that holds from some n on.

    Bisection, from where the margin would be 0 if it were linear.
    """
    for _ in range(2):
        here = margin(guess)
        slope = (margin(guess + 10**12) - here) / 10**12
        guess -= int(here / slope)
    low, high, step = guess, guess, 1
    while not holds(high):
        low, high, step = high, high + step, 2 * step
    step = 1
    while holds(low):
        low, high, step = low - step, low, 2 * step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def provable_from(subject: Subject, rule: ProvableRule, guess: int, claim: str = HEALTHY) -> int:
    """The least balance with which a claim of the rule's policy holds."""
    margin = margin_of(subject, rule, claim)
    return first(lambda n: margin(n) >= 0, margin, guess)


@cache
def subjects(name: str) -> list[tuple[Subject, int]]:
    """Accounts, and the least balance with which the venue calls them not liquidatable."""
    made = [SUBJECTS[name](Random(f"{name} {seed}")) for seed in range(CASES)]
    return [
        (each, first(lambda n, s=each: not s.is_liquidatable(n), each.surplus)) for each in made
    ]


@pytest.mark.parametrize("name", SUBJECTS)
def test_no_policy_holds_for_a_liquidatable_account(name: str) -> None:
    for seed, (subject, healthy) in enumerate(subjects(name)):
        assert subject.is_liquidatable(healthy - 1), seed
        assert margin_of(subject, subject.rule)(healthy - 1) < 0, seed
        if not subject.initial:
            assert margin_of(subject, subject.rule, NOT_LIQUIDATABLE)(healthy - 1) < 0, seed


@pytest.mark.parametrize("name", SUBJECTS)
def test_twice_the_dust_and_the_stated_gap_to_spare_are_enough(name: str) -> None:
    checked = tight = 0
    for seed, (subject, healthy) in enumerate(subjects(name)):
        if subject.gap(healthy) >= UNBOUNDED:
            continue
        provable = provable_from(subject, subject.rule, healthy)
        assert not subject.is_liquidatable(provable), seed
        spare = 2 * subject.rule.dust + subject.gap(provable - 1)
        assert subject.surplus(provable - 1) < spare, seed
        if not subject.initial:
            test = margin_of(subject, subject.rule, NOT_LIQUIDATABLE)
            assert test(provable) >= 0 > test(provable - 1), seed
        checked += 1
        tight += provable > healthy
    assert checked > CASES / 2
    assert tight > CASES / 4


@pytest.mark.parametrize("name", SUBJECTS)
def test_without_the_dust_a_liquidatable_account_could_prove_its_health(name: str) -> None:
    wrong = 0
    for subject, healthy in subjects(name):
        wrong += margin_of(subject, replace(subject.rule, dust=Fraction(0)))(healthy - 1) >= 0
    # Hyperliquid rounds nothing, and what equals its margin is not liquidated: it has no dust.
    assert (wrong > 0) == (name != "hyperliquid")


def test_a_drift_policy_at_initial_weights_tests_liquidation_at_maintenance_weights() -> None:
    # The moved balance is USDC, whose weight is the same: the threshold of maintenance is below.
    apart = 0
    for seed, (subject, healthy) in enumerate(subjects("drift initial")):
        least = provable_from(subject, subject.rule, healthy, NOT_LIQUIDATABLE)
        assert subject.surplus(least - 1) < 2 * subject.rule.dust, seed
        apart += least < healthy
    assert apart > CASES / 4


# How much of the dust the roundings take, where they all go the same way


def margin_without_dust(
    rule: ProvableRule, registry: Registry, prices: Mapping[str, Exact], amounts: Sequence[int]
) -> Fraction:
    policy = policy_of(replace(rule, dust=Fraction(0)), registry)
    round_ = price_round(rule.quote, prices)
    claim = policy.claims[HEALTHY]
    return evaluate(claim, policy, registry, round_, amounts).margins[0].value


def test_dydx_roundings_take_nearly_all_of_the_dust() -> None:
    # Notional 999,998,000,001.99 quantums: truncated, its initial margin is 999,998.000001, hence
    # 999,999; its maintenance margin 999,998.000001, hence 999,999.
    tiers = {f"P{index}": dydx_v4.LiquidityTier(1, 999_999) for index in range(3)}
    prices = {ticker: Exact("999998.00000199") for ticker in tiers}
    made = [dydx_v4.Perpetual(ticker, -6, 1, -8, tier) for ticker, tier in tiers.items()]
    prices["USDC"] = Exact("1")
    positions = [dydx_v4.Position(dydx_price(each, prices), 10**6) for each in made]
    account = dydx_v4.Subaccount(3 * (999_999 - 999_998_000_001) - 1, tuple(positions))
    risk = dydx_v4.subaccount_risk(account)
    assert risk.net_collateral - risk.maintenance_margin == -1
    registry = registry_of(*((symbol, -6, "signed") for symbol in prices))
    amounts = dydx_portfolio("acct", account, registry).amounts(registry)
    rule = dydx_rule(tiers)
    taken = margin_without_dust(rule, registry, prices, amounts) + Fraction(1, 10**6)
    assert rule.dust * Fraction(99, 100) < taken < rule.dust


def test_synthetix_roundings_take_nearly_all_of_the_dust() -> None:
    # Two steps of a collateral at a step less than 1 are one step, at a step of discount none; of a
    # profit of 1.99… steps one is left.
    tiers = [
        PerpetualTiers(replace(eth_market(maintenance_margin_scalar=0), name=name), (WAD,))
        for name in ("A", "B", "C")
    ]
    rules, costs = (
        synthetix_liquidation.GlobalConfiguration(),
        synthetix_liquidation.KeeperCosts(0, 0),
    )
    free = [replace(each, market=replace(each.market, minimum_position_margin=0)) for each in tiers]
    discounted = [CollateralTiers(name, (), WAD, 0, 1, WAD // 2) for name in ("S", "T")]
    rule = synthetix_rule(free, rules, costs, discounted)
    prices = {each.market.name: Exact("3") for each in free}
    prices |= {each.name: Exact.of(1 - Fraction(1, WAD)) for each in discounted}
    prices["snxUSD"] = Exact("1")
    account = synthetix_v3.Account(
        0,
        tuple(
            synthetix_v3.Collateral(each.name, 2, WAD - 1, WAD, 0, 1, WAD // 2)
            for each in discounted
        ),
        tuple(synthetix_v3.Position(each.market, 1, 3 * WAD, WAD + 1) for each in free),
        debt=4,
    )
    assert account.available_margin() == -1
    assert synthetix_liquidation.is_liquidatable(account, rules, costs)
    registry = registry_of(
        *(
            (symbol, -18, "signed" if symbol in ("snxUSD", "A", "B", "C") else "collateral")
            for symbol in prices
        )
    )
    amounts = synthetix_portfolio("acct", account, registry).amounts(registry)
    taken = margin_without_dust(rule, registry, prices, amounts) * WAD + 1
    assert rule.dust * WAD == 7
    # The balance is one step lower, since entry prices of a part of a step are rounded down in it.
    assert 6 - Fraction(1, 100) < taken < 7


def test_drift_roundings_take_nearly_all_of_the_dust() -> None:
    # Deposits worth 1.99 units count 1 and, weighed, none; a borrow worth 1.01 counts 2.
    deposits = [
        spot(name, decimals=6, initial_asset_weight=0, maintenance_asset_weight=9_999)
        for name in ("A", "B", "C")
    ]
    owed = spot(
        "D", decimals=6, initial_liability_weight=15_000, maintenance_liability_weight=15_000
    )
    prices = {market.name: Exact("1.99") for market in deposits} | {"D": Exact("1.01")}
    micros = drift_prices([*prices], prices)
    positions = [drift_margin.SpotPosition(each, 1_000, micros[each.name]) for each in deposits]
    positions.append(drift_margin.SpotPosition(owed, 1_000, micros["D"], is_borrow=True))
    margin = drift_margin.spot_margin(tuple(positions), MarginType.MAINTENANCE)
    assert (margin.total_collateral, margin.margin_requirement) == (0, 3)
    rule = drift_rule([SpotTiers(market) for market in (*deposits, owed)])
    registry = registry_of(*((symbol, -6, "signed") for symbol in prices))
    amounts = drift_portfolio("acct", positions, registry).amounts(registry)
    taken = margin_without_dust(rule, registry, prices, amounts) * 10**6 + 3
    assert rule.dust * 10**6 == 8
    assert 7 < taken < 8


@pytest.mark.parametrize("weight", [10_000, 11_000, 15_003])
def test_no_borrow_weighs_less_than_by_the_program(weight: int) -> None:
    # Sizes at which the premium is a whole number of parts, and those beside them.
    market = spot(
        imf_factor=500_000, maintenance_liability_weight=weight, initial_liability_weight=weight
    )
    sizes = [(root**2 + 8) // 10 for root in range(20 * (weight // 100), 10**6, 12_340)]
    short = SpotTiers(market, tuple(sizes)).factors(MarginType.MAINTENANCE)["short"]
    steps = [(Fraction(start) * 10**9, Fraction(factor)) for start, factor in tiered(short)]
    for size in [1, *(each + step for each in sizes for step in (-1, 0, 1)), 10 * sizes[-1]]:
        ends = [start for start, _ in steps[1:]] + [Fraction(size)]
        counted = sum(
            max(min(Fraction(size), end) - start, Fraction(0)) * factor
            for (start, factor), end in zip(steps, ends, strict=True)
        )
        exact = Fraction(size * market.liability_weight(size, MarginType.MAINTENANCE), 10_000)
        assert counted >= exact, size


# What the rules say, in numbers


def tiered(factor: Any) -> list[tuple[str, str]]:
    assert factor["type"] == "tiered"
    return [(str(tier["above"]), str(tier["factor"])) for tier in factor["tiers"]]


def test_dydx_rule() -> None:
    # Large-cap and mid-cap tiers of the chain's genesis: 2% with 60%, 5% with 60%.
    tiers = {
        "BTC-USD": dydx_v4.LiquidityTier(20_000, 600_000),
        "LINK-USD": dydx_v4.LiquidityTier(50_000, 600_000, 25 * 10**12, 50 * 10**12),
    }
    rule = dydx_rule(tiers)
    assert rule.factors["signed"] == {
        "USDC": {"long": 1, "short": 1},
        "BTC-USD": {"long": Exact("0.988"), "short": Exact("1.012")},
        "LINK-USD": {"long": Exact("0.97"), "short": Exact("1.03")},
    }
    assert (rule.dust, rule.minimum, rule.ratio) == (Fraction(6, 10**6), 0, 1)
    assert (rule.protocol, rule.quote) == ("dydx-v4", "USDC")
    assert rule.terms["penalty"] == 0


def test_dydx_portfolio_is_settled_and_prices_are_the_rounds() -> None:
    tier = dydx_v4.LiquidityTier(20_000, 600_000)
    perpetual = dydx_v4.Perpetual("BTC-USD", -10, 1, -5, tier, funding_index=3)
    position = dydx_v4.Position(perpetual, -25 * 10**9, quote_balance=-7)
    registry = registry_of(("USDC", -6, "signed"), ("BTC-USD", -10, "signed"))
    # 75,000 quantums of funding are received.
    made = dydx_portfolio("acct", dydx_v4.Subaccount(1000, (position,)), registry)
    assert made.amounts(registry) == (1000 - 7 + 75_000, -25 * 10**9)
    prices = {"USDC": Exact("1"), "BTC-USD": Exact("64000.12")}
    assert dydx_price(perpetual, prices).price == 6_400_012_000
    with pytest.raises(InputError, match="USDC: expected 1"):
        dydx_price(perpetual, {**prices, "USDC": Exact("0.9998")})
    with pytest.raises(InputError, match="BTC-USD: expected at most 5 decimals"):
        dydx_price(perpetual, {**prices, "BTC-USD": Exact("0.000001")})
    with pytest.raises(InputError, match="dYdX subaccount: BTC-USD: expected a slot"):
        dydx_portfolio(
            "acct", dydx_v4.Subaccount(0, (position,)), registry_of(("USDC", -6, "signed"))
        )


def test_hyperliquid_rule() -> None:
    tables = {
        "BTC": hyperliquid.MarginTable(
            "BTC",
            (hyperliquid.MarginTier(0, 40), hyperliquid.MarginTier(150_000_000, 20)),
        ),
        "PURR": hyperliquid.MarginTable.single("PURR", 3),
    }
    rule = hyperliquid_rule(tables)
    btc = rule.factors["signed"]["BTC"]
    assert tiered(btc["long"]) == [("0", "0.9875"), ("150000000", "0.975")]
    assert tiered(btc["short"]) == [("0", "1.0125"), ("150000000", "1.025")]
    # A sixth has no decimals that end: what is held counts less, what is owed more.
    assert rule.factors["signed"]["PURR"] == {
        "long": Exact("0.833333333333333333"),
        "short": Exact("1.166666666666666667"),
    }
    assert (rule.dust, rule.minimum, rule.ratio) == (0, 0, 1)
    large = hyperliquid.MarginTier(10**30 + 1, 3)
    table = hyperliquid.MarginTable("X", (hyperliquid.MarginTier(0, 5), large))
    with pytest.raises(InputError, match="Hyperliquid margin table of X: tier 1: floor"):
        hyperliquid_rule({"X": table})


def test_hyperliquid_portfolio_has_the_entry_prices_in_its_balance() -> None:
    table = hyperliquid.MarginTable.single("ETH", 25)
    position = hyperliquid.Position("ETH", Fraction(-19, 1000), Fraction(26428, 10), 2700, table)
    account = hyperliquid.Account(Fraction("25.0918765"), (position,))
    registry = registry_of(("USDC", -6, "signed"), ("ETH", -4, "signed"))
    made = hyperliquid_portfolio("acct", account, registry)
    # 25.0918765 + 0.019 · 2,642.8, rounded down.
    assert made.amounts(registry) == (75_305_076, -190)


def test_futures_rule_has_a_factor_for_every_side() -> None:
    contract = Contract.of(
        "BTCUSDT", [(0, 50_000, Fraction("0.004")), (50_000, None, Fraction("0.005"))]
    )
    rule = futures_rule([contract])
    long, short = rule.factors["collateral"]["BTCUSDT"], rule.factors["debt"]["BTCUSDT"]
    assert tiered(long) == [("0", "0.996"), ("50000", "0.995")]
    assert tiered(short) == [("0", "1.004"), ("50000", "1.005")]
    assert rule.factors["signed"]["BTCUSDT"] == {"long": long, "short": short}
    assert (rule.dust, rule.minimum) == (Fraction(1, 10**8), 0)


def test_in_hedge_mode_both_sides_need_margin() -> None:
    contract = Contract.of("BTCUSDT", [(0, None, Fraction("0.01"))])
    sides = (binance_futures.Side.LONG, binance_futures.Side.SHORT)
    both = [binance_futures.Position(contract, side, 1, 100, 100) for side in sides]
    rule = futures_rule([contract])
    hedge = registry_of(
        ("USDT", -8, "signed"), ("BTCUSDT", -3, "collateral"), ("BTCUSDT", -3, "debt")
    )
    policy = policy_of(rule, hedge)
    round_ = price_round("USDT", {"USDT": Exact("1"), "BTCUSDT": Exact("100")})
    for wallet, healthy in ((Fraction(2), False), (2 + Fraction(1, 10**8), True)):
        account = binance_futures.Account(wallet, tuple(both))
        made = futures_portfolio("acct", account, hedge)
        amounts = made.amounts(hedge)
        assert amounts[1:] == (1000, 1000, 0)
        holds = evaluate(policy.claims[HEALTHY], policy, hedge, round_, amounts).holds
        assert holds == healthy == (not account.is_liquidatable)
    one_way = registry_of(("USDT", -8, "signed"), ("BTCUSDT", -3, "signed"))
    with pytest.raises(InputError, match="BTCUSDT: expected a slot of side collateral"):
        futures_portfolio("acct", binance_futures.Account(2, tuple(both)), one_way)
    made = futures_portfolio("acct", binance_futures.Account(2, (both[1],)), one_way)
    assert made.amounts(one_way) == (102 * 10**8, -1000)


def btc_margin() -> tuple[CollateralTable, binance_cross_margin.LiabilityTable]:
    million = 10**6
    return (
        CollateralTable(
            "BTC",
            (
                CollateralTier(0, 10 * million, 1),
                CollateralTier(10 * million, 20 * million, Fraction("0.9")),
            ),
        ),
        binance_cross_margin.LiabilityTable(
            "BTC",
            (
                binance_cross_margin.LiabilityTier(0, Fraction("0.05"), Fraction("0.1")),
                binance_cross_margin.LiabilityTier(million, Fraction("0.1"), Fraction("0.2")),
            ),
        ),
    )


def test_cross_margin_rules() -> None:
    haircuts, liability = btc_margin()
    rule = pro_margin_rule([haircuts, CollateralTable.flat("USDT", 1)], [liability])
    held = rule.factors["collateral"]
    assert tiered(held["BTC"]) == [("0", "1"), ("10000000", "0.9"), ("20000000", "0")]
    assert held["USDT"] == 1
    assert tiered(rule.factors["debt"]["BTC"]) == [("0", "1.05"), ("1000000", "1.1")]
    classic = classic_margin_rule(["BTC", "USDT"])
    assert classic.ratio == Fraction(11, 10)
    assert classic.factors["collateral"] == classic.factors["debt"] == {"BTC": 1, "USDT": 1}
    assert rule.dust == classic.dust == Fraction(1, 10**8)


def test_cross_margin_portfolio_owes_interest_too() -> None:
    haircuts, liability = btc_margin()
    asset = binance_cross_margin.MarginAsset(
        haircuts, 100, Fraction("1.2345"), 2, Fraction("0.0001"), liability
    )
    account = binance_cross_margin.CrossMarginAccount((asset,))
    registry = registry_of(("BTC", -3, "collateral"), ("BTC", -3, "debt"))
    made = cross_margin_portfolio("acct", account, registry)
    assert made.amounts(registry) == (1234, 2001)


def eth_market(**changes: int) -> synthetix_v3.MarketConfiguration:
    fields = {
        "skew_scale": 1000 * WAD,
        "initial_margin_ratio": 2 * WAD,
        "minimum_initial_margin_ratio": WAD // 100,
        "maintenance_margin_scalar": WAD // 2,
        "minimum_position_margin": 500 * WAD,
        "maker_fee": WAD // 10_000,
        "taker_fee": WAD // 2_000,
        "liquidation_limit_multiplier": WAD,
        "seconds_in_liquidation_window": 10,
    }
    return synthetix_v3.MarketConfiguration("ETH", **{**fields, **changes})


def test_synthetix_rule() -> None:
    # Maintenance margin is x·(0.005 + x/1000): chords from 0 to 20 and from 20 to 100.
    tiers = PerpetualTiers(eth_market(), (20 * WAD, 100 * WAD))
    eth = tiers.factors()
    assert tiered(eth["long"]) == [("0", "0.975"), ("20", "0.875"), ("100", "0")]
    assert tiered(eth["short"]) == [("0", "1.025"), ("20", "1.125"), ("100", "2")]
    costs = synthetix_liquidation.KeeperCosts(WAD, 2 * WAD)
    rules = synthetix_liquidation.GlobalConfiguration(3 * WAD, 300 * WAD, WAD // 10)
    rule = synthetix_rule([tiers], rules, costs, [CollateralTiers("sETH")])
    # 6 ETH a window: 17 windows for 100 ETH, and 2 + 3 USD for each after the first.
    assert rule.minimum == 300 + 16 * 5 + 500
    assert rule.dust == Fraction(3, WAD)
    assert rule.factors["collateral"] == {"sETH": 1}
    unlimited = PerpetualTiers(eth_market(seconds_in_liquidation_window=0), (20 * WAD,))
    assert synthetix_rule([unlimited], rules, costs).minimum == 800


def test_synthetix_margin_that_does_not_depend_on_the_size_is_no_tier() -> None:
    for changes in ({"skew_scale": 0}, {"initial_margin_ratio": 0}):
        tiers = PerpetualTiers(eth_market(**changes), (WAD,))
        assert tiers.factors() == {"long": Exact("0.995"), "short": Exact("1.005")}


def test_synthetix_discount_by_chords() -> None:
    # 5% up to 100, then size/2000, up to 20% at 400.
    tiers = CollateralTiers("sETH", (200 * WAD, 900 * WAD), 2000 * WAD, WAD, WAD // 20, WAD // 5)
    factor = tiers.factor()
    assert tiered(factor) == [("0", "0.95"), ("100", "0.85"), ("200", "0.7")]
    # Without limits to move between, one discount.
    assert replace(tiers, lower_limit_discount=WAD // 4).factor() == Exact("0.8")
    assert replace(tiers, discount_scalar=0).factor() == Exact("0.95")


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (lambda: PerpetualTiers(eth_market(), ()), "market ETH: sizes"),
        (lambda: PerpetualTiers(eth_market(), (2, 2)), r"market ETH: sizes \(ascending\)"),
        (lambda: PerpetualTiers(eth_market(), (WAD,), WAD - 1), "market ETH: largest"),
        (lambda: PerpetualTiers(eth_market(), (WAD,), 995 * WAD), "market ETH: largest"),
        (lambda: PerpetualTiers(eth_market(), (500 * WAD,)), "market ETH: largest"),
        (lambda: CollateralTiers("S", (0,)), r"collateral S: sizes \(ascending\)"),
        (
            lambda: CollateralTiers("S", upper_limit_discount=WAD // 2 + 1),
            "collateral S: upper_limit_discount",
        ),
    ],
)
def test_synthetix_refuses_what_factors_cannot_state(
    make: Callable[[], object], where: str
) -> None:
    with pytest.raises(InputError, match=f"Synthetix policy, {where}"):
        make()


def test_the_largest_synthetix_size_is_where_a_unit_needs_its_value() -> None:
    assert PerpetualTiers(eth_market(), (WAD,), 994 * WAD).largest == 994 * WAD
    assert PerpetualTiers(eth_market(), (497 * WAD,)).largest == 497 * WAD


def test_synthetix_account_without_positions_but_with_debt() -> None:
    costs = synthetix_liquidation.KeeperCosts(WAD, WAD)
    rules = synthetix_liquidation.GlobalConfiguration(3 * WAD, 3 * WAD, 0, WAD)
    rule = synthetix_rule([], rules, costs, [CollateralTiers("sETH")])
    registry = registry_of(("snxUSD", -9, "signed"), ("sETH", -9, "collateral"))
    policy = policy_of(rule, registry)
    prices = {"snxUSD": Exact("1"), "sETH": Exact("2000")}
    wads = synthetix_prices(["sETH"], prices)
    for cents, healthy in ((199_699, True), (199_701, False)):
        collateral = synthetix_v3.Collateral("sETH", WAD, wads["sETH"])
        account = synthetix_v3.Account(0, (collateral,), (), cents * WAD // 100)
        amounts = synthetix_portfolio("acct", account, registry).amounts(registry)
        round_ = price_round("snxUSD", prices)
        holds = evaluate(policy.claims[HEALTHY], policy, registry, round_, amounts).holds
        liquidated = synthetix_liquidation.is_margin_liquidatable(account, rules, costs)
        assert (holds, liquidated) == (healthy, not healthy)
    with pytest.raises(InputError, match="Synthetix price of snxUSD: expected 1"):
        synthetix_prices([], {"snxUSD": Exact("0.99")})


def spot(name: str = "SOL", **changes: int) -> SpotMarket:
    fields = {
        "decimals": 9,
        "initial_asset_weight": 8_000,
        "maintenance_asset_weight": 9_000,
        "initial_liability_weight": 12_000,
        "maintenance_liability_weight": 11_000,
    }
    return SpotMarket(name, **{**fields, **changes})


def test_drift_rule() -> None:
    usdc = SpotMarket("USDC", 6, 10_000, 10_000, 10_000, 10_000, quote=True)
    rule = drift_rule([SpotTiers(usdc), SpotTiers(spot())])
    assert rule.factors["signed"] == {
        "USDC": {"long": 1, "short": 1},
        "SOL": {"long": Exact("0.9"), "short": Exact("1.1")},
    }
    assert rule.dust == Fraction(4, 10**6)
    assert "factors" not in rule.terms
    scaled = spot(scale_initial_asset_weight_start=500_000 * 10**6)
    rule = drift_rule(
        [SpotTiers(usdc), SpotTiers(scaled, least_scaled_weight=99)], MarginType.INITIAL
    )
    assert rule.factors["signed"]["SOL"] == {
        "long": {
            "type": "scaled",
            "factor": Exact("0.8"),
            "figure": "SOL-deposits",
            "start": 495_000,
        },
        "short": Exact("1.2"),
    }
    test = rule.terms["factors"]["signed"]["SOL"]
    assert test == {"long": Exact("0.9"), "short": Exact("1.1")}
    assert drift_prices(["SOL"], {"SOL": Exact("25.1")}) == {"SOL": 25_100_000}


def test_drift_size_moves_both_weights() -> None:
    # 0.88 + 0.001·sqrt(x) is 1.1 at 48,400 SOL; at 250,000 it is 1.38, at 1,000,000 1.88.
    thousand = 1_000 * 10**9
    sizes = (250 * thousand, 1_000 * thousand)
    each = SpotTiers(spot(imf_factor=1_000), sizes)
    factors = each.factors(MarginType.MAINTENANCE)
    starts, shorts = zip(*tiered(factors["short"]), strict=True)
    assert 48_390 < Fraction(starts[1]) < 48_400
    assert starts[2:] == ("250000", "1000000")
    assert shorts[0] == "1.1"
    total = Fraction(starts[1]) * Fraction(11, 10)
    total += (250_000 - Fraction(starts[1])) * Fraction(shorts[1])
    assert abs(total / 250_000 - Fraction("1.38")) < Fraction(1, 10**6)
    total += 750_000 * Fraction(shorts[2])
    assert abs(total / 1_000_000 - Fraction("1.88")) < Fraction(1, 10**6)
    longs = tiered(factors["long"])
    assert [start for start, _ in longs[1:]][-2:] == ["250000", "1000000"]
    assert longs[0] == ("0", "0.9")
    assert longs[-1] == ("1000000", "0")
    # The dust has the weight at the largest size that can be committed.
    assert drift_rule([each]).dust == each.largest_liability_weight(MarginType.MAINTENANCE) / 10**6


def test_drift_refusals() -> None:
    both = spot(imf_factor=1, scale_initial_asset_weight_start=1)
    with pytest.raises(InputError, match="Drift policy, market SOL: imf_factor"):
        drift_rule([SpotTiers(both, (10**9,))], MarginType.INITIAL)
    assert drift_rule([SpotTiers(both, (10**9,))]).quote == "USD"
    with pytest.raises(InputError, match="Drift policy: kind"):
        drift_rule([], MarginType.FILL)
    with pytest.raises(InputError, match=r"market SOL: sizes \(ascending\)"):
        SpotTiers(spot(), (2, 2))
    with pytest.raises(InputError, match="least_scaled_weight"):
        SpotTiers(spot(), least_scaled_weight=0)
    low = spot(initial_asset_weight=999, scale_initial_asset_weight_start=1)
    with pytest.raises(InputError, match="least_scaled_weight: expected an integer from 1 to 999"):
        drift_rule([SpotTiers(low)], MarginType.INITIAL)
    # The last chord of a borrow reaches as far as a unit of the token's own allows.
    coarse = registry_of(("SOL", -8, "signed"))
    with pytest.raises(InputError, match="unit of SOL: expected at most -9"):
        policy_of(drift_rule([SpotTiers(spot(imf_factor=1), (10**9,))]), coarse)
    assert policy_of(drift_rule([SpotTiers(spot())]), coarse).reserve == Fraction(2, 10**6)
    registry = registry_of(("SOL", -9, "signed"))
    order = drift_margin.SpotPosition(spot(), 10**9, 10**6, open_orders=1)
    with pytest.raises(InputError, match="Drift account: SOL: expected no open orders"):
        drift_portfolio("acct", [order], registry)
    owed = drift_margin.SpotPosition(spot(), 10**9, 10**6, is_borrow=True)
    assert drift_portfolio("acct", [owed], registry).amounts(registry) == (-(10**9),)
    with pytest.raises(DocumentError, match=r"liquidation\.factors"):
        policy_of(
            drift_rule([SpotTiers(spot()), SpotTiers(spot("JUP"))], MarginType.INITIAL), registry
        )
