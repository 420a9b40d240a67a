"""The policies of the lending presets against the protocols' own tests, at the threshold.

Whoever satisfies the policy is not liquidatable, whatever was rounded; whoever passes the
protocol's test with twice the dust to spare satisfies the policy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache
from random import Random
from typing import Any

import pytest

from tests.risk.presets.lending_subjects import SUBJECTS, Subject
from zkcollateral.circuits.claim import document_digest
from zkcollateral.errors import DocumentError, InputError
from zkcollateral.risk.fixed_point import RAY, WAD
from zkcollateral.risk.health import evaluate
from zkcollateral.risk.policy import CommitmentRule, OracleRule, Policy
from zkcollateral.risk.presets import aave_v3, compound_v3, liquity_v2, maker
from zkcollateral.risk.presets.aave_policy import aave_portfolio, aave_prices, aave_rule
from zkcollateral.risk.presets.compound_policy import (
    compound_portfolio,
    compound_prices,
    compound_rule,
)
from zkcollateral.risk.presets.liquity_policy import liquity_price, liquity_rule
from zkcollateral.risk.presets.maker_auction import (
    AuctionParameters,
    ExponentialDecrease,
    LinearDecrease,
    StairstepExponentialDecrease,
)
from zkcollateral.risk.presets.maker_policy import maker_rule, maker_spot
from zkcollateral.risk.presets.morpho_policy import MorphoTokens, morpho_price, morpho_rule
from zkcollateral.risk.presets.provable import HEALTHY, NOT_LIQUIDATABLE, ProvableRule
from zkcollateral.risk.presets.units import integer_price, portfolio
from zkcollateral.risk.prices import PriceRound
from zkcollateral.risk.registry import Registry
from zkcollateral.risk.values import Exact

CASES = 300
ORACLE = OracleRule(quorum=1, max_age_seconds=600, max_deviation=Exact("0.02"))
COMMITMENTS = CommitmentRule(
    max_age_seconds=600, max_summands=64, max_apart_seconds=0, unvouched=False
)


def policy_of(rule: ProvableRule, registry: Registry) -> Policy:
    return rule.policy(registry, document_digest(registry), ORACLE, COMMITMENTS)


def checker(subject: Subject, rule: ProvableRule, claim: str = HEALTHY) -> Callable[[int], bool]:
    """Whether a claim of the rule's policy holds with n steps of debt."""
    policy = policy_of(rule, subject.registry)
    round_ = price_round(rule.quote, subject.prices)
    asked = policy.claims[claim]

    def holds(n: int) -> bool:
        return evaluate(asked, policy, subject.registry, round_, subject.amounts(n)).holds

    return holds


def last(holds: Callable[[int], bool], guess: int) -> int:
    """The largest n for which something holds that holds up to some n; −1 if it never does."""
    low, high, step = guess, guess, 1
    while low >= 0 and not holds(low):
        low, high, step = low - step, low, 16 * step
    if low < 0:
        if not holds(0):
            return -1
        low = 0
    step = 1
    while high <= low or holds(high):
        low, high, step = max(low, high), max(low, high) + step, 16 * step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


@cache
def subjects(name: str) -> list[tuple[Subject, int]]:
    """Accounts, and the most debt with which the protocol calls them not liquidatable."""
    made = [SUBJECTS[name](Random(f"{name} {seed}")) for seed in range(CASES)]
    return [(each, last(lambda n, s=each: not s.is_liquidatable(n), each.guess)) for each in made]


@pytest.mark.parametrize("name", SUBJECTS)
def test_no_policy_holds_for_a_liquidatable_account(name: str) -> None:
    tight = 0
    for seed, (subject, healthy) in enumerate(subjects(name)):
        provable = last(checker(subject, subject.rule), healthy)
        assert provable <= healthy, seed
        if provable >= 0:
            assert not subject.is_liquidatable(provable), seed
        assert subject.is_liquidatable(healthy + 1), seed
        for claim in (HEALTHY, NOT_LIQUIDATABLE):
            assert not checker(subject, subject.rule, claim)(healthy + 1), seed
        tight += 0 <= provable < healthy
    # Where nothing is rounded, it takes a registry's coarse unit to come short.
    assert tight > CASES / 20


@pytest.mark.parametrize("name", SUBJECTS)
def test_twice_the_dust_to_spare_is_enough(name: str) -> None:
    checked = 0
    for seed, (subject, healthy) in enumerate(subjects(name)):
        spare = 2 * subject.rule.dust + subject.coarseness
        enough = last(lambda n: subject.surplus(n) >= spare, healthy)  # noqa: B023
        if enough >= 0:
            assert checker(subject, subject.rule)(enough), seed
            assert not subject.is_liquidatable(enough), seed
            checked += 1
    assert checked > CASES / 2


@pytest.mark.parametrize("name", SUBJECTS)
def test_without_the_dust_a_liquidatable_account_could_prove_its_health(name: str) -> None:
    wrong = 0
    for subject, healthy in subjects(name):
        wrong += checker(subject, replace(subject.rule, dust=Fraction(0)))(healthy + 1)
    # Liquity rounds nothing that matters, and has no dust.
    assert (wrong > 0) == (name != "liquity")


def test_without_dust_liquity_is_exact() -> None:
    exact = 0
    for subject, healthy in subjects("liquity"):
        if subject.coarseness == 0:
            assert last(checker(subject, subject.rule), healthy) == healthy
            exact += 1
    assert exact > CASES / 20


# What the rules say, in numbers


def market(**changes: Any) -> aave_v3.AaveMarket:
    fields: dict[str, Any] = {"liquidation_protocol_fee": 1000, **changes}
    return aave_v3.AaveMarket(
        (
            aave_v3.AaveReserve("WETH", 18, 8050, 8300, 10_500, **fields),
            aave_v3.AaveReserve("wstETH", 18, 7850, 8100, 10_600, **fields),
            aave_v3.AaveReserve("GHO", 18, 0, 0, 0),
        ),
        (
            aave_v3.EModeCategory(
                1, 9300, 9500, 10_100, frozenset({"WETH", "wstETH"}), frozenset({"WETH"})
            ),
        ),
    )


def test_aave_rule_outside_and_inside_a_category() -> None:
    rule = aave_rule(market())
    assert rule.factors["collateral"] == {"WETH": Exact("0.83"), "wstETH": Exact("0.81")}
    assert rule.factors["debt"] == dict.fromkeys(("WETH", "wstETH", "GHO"), 1)
    assert rule.dust == Fraction(464, 10**10)
    assert (rule.protocol, rule.quote, rule.ratio) == ("aave-v3.7", "USD", 1)
    assert rule.terms == {
        "penalty": Fraction(6, 100),
        "protocol_share": Fraction(1, 10),
        "close_factor": Fraction(1, 2),
        "close_all_below": Fraction(95, 100),
        "minimum": 1000,
    }
    inside = aave_rule(market(), 1)
    assert inside.factors["collateral"] == {"WETH": Exact("0.95"), "wstETH": Exact("0.95")}
    # A debt that the category no longer lets borrow still counts in the health factor.
    assert inside.factors["debt"] == rule.factors["debt"]
    assert inside.dust == Fraction(490, 10**10)
    assert inside.protocol == "aave-v3.7:e-mode-1"
    assert inside.terms["penalty"] == Fraction(1, 100)
    with pytest.raises(InputError, match="0 or one of its eModes"):
        aave_rule(market(), 2)
    with pytest.raises(InputError, match="base currency decimals"):
        aave_rule(market(), price_decimals=19)


def test_aave_portfolio_is_what_counts_in_the_registrys_units() -> None:
    units = [("WETH", -9, "collateral"), ("wstETH", -18, "collateral"), ("GHO", -2, "debt")]
    registry = assets(*units)
    account = aave_v3.AaveAccount(
        (
            aave_v3.AavePosition("WETH", 3 * WAD + 10**9 - 1),
            aave_v3.AavePosition("wstETH", WAD, use_as_collateral=False),
            aave_v3.AavePosition("GHO", 5 * WAD, 1000 * WAD + 1),
        )
    )
    made = aave_portfolio("acct", market(), account, registry)
    assert made.amounts(registry) == (3 * 10**9, 0, 100_001, 0)
    owing = account.with_position(aave_v3.AavePosition("WETH", 0, 1))
    with pytest.raises(InputError, match="debt of WETH: expected a debt slot"):
        aave_portfolio("acct", market(), owing, registry)


def test_the_rule_is_about_the_accounts_own_category() -> None:
    registry = assets(("WETH", -18, "collateral"), ("WETH", -18, "debt"))
    account = aave_v3.AaveAccount((aave_v3.AavePosition("WETH", 10**18, 9 * 10**17),), e_mode=1)
    prices = {"WETH": Exact("3000")}
    feed = aave_prices(market(), prices)
    round_ = price_round("USD", prices)
    amounts = aave_portfolio("acct", market(), account, registry).amounts(registry)
    for e_mode, healthy in ((0, False), (1, True)):
        policy = policy_of(aave_rule(market(), e_mode), registry)
        evaluation = evaluate(policy.claims[HEALTHY], policy, registry, round_, amounts)
        assert evaluation.holds == healthy
        inside = replace(account, e_mode=e_mode)
        assert aave_v3.is_liquidatable(market(), inside, feed) != healthy


def comet(**changes: Any) -> compound_v3.CometMarket:
    coll = {"borrow": 83, "liquidate": 90, "liquidation": 95, **changes}
    return compound_v3.CometMarket(
        "USDC",
        6,
        (
            compound_v3.CometAsset(
                "WETH",
                18,
                coll["borrow"] * WAD // 100,
                coll["liquidate"] * WAD // 100,
                coll["liquidation"] * WAD // 100,
            ),
            compound_v3.CometAsset("COMP", 18, 50 * WAD // 100, 70 * WAD // 100, 80 * WAD // 100),
        ),
        store_front_price_factor=60 * WAD // 100,
    )


def test_compound_rule() -> None:
    rule = compound_rule(comet())
    assert rule.factors["collateral"] == {"WETH": Exact("0.9"), "COMP": Exact("0.7")}
    assert rule.factors["debt"] == {"USDC": 1}
    assert rule.dust == Fraction(36, 10**9)
    assert rule.terms["penalty"] == Fraction(1, 4)
    assert rule.terms["protocol_share"] == Fraction(4, 10)
    assert rule.terms["close_factor"] == 1
    assert compound_rule(comet(), quote="EUR").quote == "EUR"
    with pytest.raises(InputError, match=r"Comet asset WETH\.liquidation_factor"):
        compound_rule(comet(liquidation=0))
    with pytest.raises(DocumentError, match=r"liquidation\.penalty"):
        policy_of(compound_rule(comet(liquidation=45)), assets(("WETH", -9, "collateral")))


def test_compound_portfolio_holds_no_base_and_nothing_unknown() -> None:
    registry = assets(("WETH", -9, "collateral"), ("USDC", -6, "debt"))
    account = compound_v3.CometAccount(5 * 10**6, {"WETH": WAD})
    made = compound_portfolio("acct", comet(), account, registry)
    assert made.amounts(registry) == (10**9, 0)
    with pytest.raises(InputError, match="one of its assets"):
        compound_portfolio("acct", comet(), compound_v3.CometAccount(0, {"XYZ": 1}), registry)


def test_morpho_rule() -> None:
    tokens = MorphoTokens("wstETH", 18, "USDC", 6)
    rule = morpho_rule(tokens, 86 * WAD // 100)
    assert rule.factors == {"collateral": {"wstETH": Exact("0.86")}, "debt": {"USDC": 1}}
    assert (rule.quote, rule.dust) == ("USDC", Fraction(1, 10**6))
    # LIF(0.86) of the Morpho SDKs' MarketUtils.test.ts, less 1.
    assert rule.terms["penalty"] == Fraction(43_841_336_116_910_229, WAD)
    prices = {"wstETH": Exact("3500.25"), "USDC": Exact("1")}
    assert morpho_price(tokens, prices) == 350_025 * 10**22
    with pytest.raises(InputError, match="USDC: expected 1"):
        morpho_price(tokens, {**prices, "USDC": Exact("0.999")})
    with pytest.raises(InputError, match="lltv"):
        morpho_rule(tokens, WAD)
    with pytest.raises(InputError, match="two symbols"):
        MorphoTokens("USDC", 6, "USDC", 6)
    with pytest.raises(InputError, match="wstETH decimals"):
        MorphoTokens("wstETH", 37, "USDC", 6)


def test_maker_rule() -> None:
    rule = maker_rule("ETH", 145 * RAY // 100, 113 * WAD // 100, dust=7500 * WAD * RAY)
    assert rule.ratio == Fraction(145, 100)
    assert rule.dust == Fraction(2**69 * 245, 100 * RAY)
    assert rule.terms["penalty"] == Fraction(13, 100)
    assert rule.terms["minimum"] == 7500
    prices = {"ETH": Exact("3000"), "DAI": Exact("1")}
    assert maker_spot("ETH", 15 * RAY // 10, prices) == 2000 * RAY
    assert maker_spot("ETH", 145 * RAY // 100, prices) == maker.spot_price(
        3000 * WAD, 145 * RAY // 100
    )
    with pytest.raises(InputError, match="DAI: expected 1"):
        maker_spot("ETH", 15 * RAY // 10, {"ETH": Exact("3000"), "DAI": Exact("0.998")})
    with pytest.raises(InputError, match="DAI: expected 1, as the protocol counts it, got none"):
        maker_spot("ETH", 15 * RAY // 10, {"ETH": Exact("3000")})
    for wrong in ({"mat": RAY - 1}, {"chop": WAD - 1}, {"chop": 2 * WAD + 1}, {"par": 0}):
        given = {"mat": 15 * RAY // 10, "chop": 113 * WAD // 100, **wrong}
        with pytest.raises(InputError, match=f"Maker .*{next(iter(wrong))}"):
            maker_rule("ETH", **given)
    with pytest.raises(InputError, match="Maker ilk dust"):
        maker_rule("ETH", 15 * RAY // 10, WAD, dust=-1)


def test_the_dust_of_a_maker_rule_covers_the_largest_vault() -> None:
    mat, price = 15 * RAY // 10, WAD
    rule = maker_rule("ETH", mat, WAD)
    prices = {"ETH": Exact("1"), "DAI": Exact("1")}
    spot = maker_spot("ETH", mat, prices)
    ink = (2**69 - 1) * WAD
    # All that the floors take from it, counted as collateral.
    lost = Fraction(ink * price, WAD * WAD) - Fraction(ink * spot, WAD * RAY) * Fraction(mat, RAY)
    assert rule.dust / 3 < lost <= rule.dust


@pytest.mark.parametrize(
    ("decrease", "expected"),
    [
        (
            LinearDecrease(3600),
            {"type": "linear", "start": Fraction(5, 4), "duration_seconds": 3600},
        ),
        (
            StairstepExponentialDecrease(90, 99 * RAY // 100),
            {
                "type": "stairstep",
                "start": Fraction(5, 4),
                "step_seconds": 90,
                "factor": Fraction(99, 100),
            },
        ),
        (
            ExponentialDecrease(999 * RAY // 1000),
            {"type": "exponential", "start": Fraction(5, 4), "factor": Fraction(999, 1000)},
        ),
    ],
)
def test_maker_auction_terms(decrease: Any, expected: dict[str, Any]) -> None:
    parameters = AuctionParameters(decrease, 125 * RAY // 100, 8400, 4 * RAY // 10)
    rule = maker_rule("ETH", 15 * RAY // 10, WAD, auction=parameters)
    assert rule.terms["auction"] == expected
    policy = policy_of(rule, assets(("ETH", -9, "collateral"), ("DAI", -9, "debt")))
    assert policy.liquidation is not None
    assert policy.liquidation.auction is not None
    assert policy.liquidation.auction.type == expected["type"]


def test_maker_refuses_an_unknown_auction() -> None:
    class Sudden:
        def price(self, top: int, seconds: int) -> int:
            return 0 if seconds else top

    parameters = AuctionParameters(Sudden(), 125 * RAY // 100, 8400, 4 * RAY // 10)
    with pytest.raises(InputError, match="expected linear, stairstep or exponential"):
        maker_rule("ETH", 15 * RAY // 10, WAD, auction=parameters)


def test_a_fine_liquidation_ratio_is_rounded_up() -> None:
    rule = maker_rule("ETH", 15 * RAY // 10 + 1, WAD)
    policy = policy_of(rule, assets(("ETH", -9, "collateral"), ("DAI", -9, "debt")))
    assert policy.ratio == Fraction(15 * 10**17 + 1, 10**18)


def test_liquity_rule() -> None:
    rule = liquity_rule("WETH", liquity_v2.WETH_BRANCH)
    assert (rule.ratio, rule.dust) == (Fraction(11, 10), 0)
    assert rule.terms["penalty"] == Fraction(1, 10)
    assert liquity_price("WETH", {"WETH": Exact("3000.5"), "BOLD": Exact("1")}) == 30_005 * 10**17
    with pytest.raises(InputError, match="BOLD: expected 1"):
        liquity_price("WETH", {"WETH": Exact("3000.5"), "BOLD": Exact("1.01")})


def test_a_price_finer_than_the_feed_is_refused() -> None:
    fine = Exact("3000.123456789")
    with pytest.raises(InputError, match="Aave price of WETH: expected at most 8 decimals"):
        aave_prices(market(), {"WETH": fine})
    with pytest.raises(InputError, match="Comet price of WETH: expected at most 8 decimals"):
        compound_prices(comet(), {"WETH": fine})
    assert aave_prices(market(), {"WETH": fine}, price_decimals=9) == {"WETH": 3_000_123_456_789}
    with pytest.raises(InputError, match="Aave base currency decimals"):
        aave_prices(market(), {"WETH": fine}, price_decimals=-1)
    finer = Exact("3000.1234567890123456789")
    with pytest.raises(InputError, match="at most 18 decimals"):
        maker_spot("ETH", RAY, {"ETH": finer, "DAI": Exact("1")})
    with pytest.raises(InputError, match="at most 18 decimals"):
        liquity_price("WETH", {"WETH": finer, "BOLD": Exact("1")})
    tokens = MorphoTokens("C", 36, "L", 8)
    with pytest.raises(InputError, match="at most 8 decimals"):
        morpho_price(tokens, {"C": fine, "L": Exact("1")})
    with pytest.raises(InputError, match="expected a price, got none"):
        integer_price("Aave", {}, "WETH", 8)


def test_a_portfolio_is_rounded_against_the_account() -> None:
    registry = assets(("A", -2, "collateral"), ("B", 2, "debt"))
    made = portfolio(
        "acct",
        registry,
        {"A": Fraction(1999, 1000), "UNKNOWN": Fraction(5), "B": Fraction(1)},
        {"B": Fraction(101), "A": Fraction(0)},
    )
    assert made.amounts(registry) == (199, 2)
    with pytest.raises(InputError, match="debt of A"):
        portfolio("acct", registry, {}, {"A": Fraction(1)})


def assets(*listed: tuple[str, int, str]) -> Registry:
    return Registry.build(
        name="lending",
        slots=1 << (len(listed) - 1).bit_length(),
        assets=[
            {"slot": slot, "symbol": symbol, "unit": unit, "side": side}
            for slot, (symbol, unit, side) in enumerate(listed)
        ],
    )


def price_round(quote: str, prices: Mapping[str, Exact]) -> PriceRound:
    return PriceRound.build(
        time=datetime(2026, 1, 31, tzinfo=UTC),
        quote=quote,
        prices=dict(prices),
        reports=["0" * 64],
    )


def test_a_registry_with_units_in_which_the_dust_is_no_bound_is_refused() -> None:
    rule = maker_rule("ETH", 15 * RAY // 10, 113 * WAD // 100)
    for unit, refused in (("0", False), ("1", True)):
        registry = Registry.build(
            name="coarse",
            slots=2,
            assets=[
                {"slot": 0, "symbol": "ETH", "unit": unit, "side": "collateral"},
                {"slot": 1, "symbol": "DAI", "unit": "-9", "side": "debt"},
            ],
        )
        if refused:
            with pytest.raises(InputError, match="registry: unit of ETH: expected at most 0"):
                rule.policy(registry, "0" * 64, ORACLE, COMMITMENTS)
        else:
            rule.policy(registry, "0" * 64, ORACLE, COMMITMENTS)
