"""The health report: every number by hand, and a stated answer where there is nothing to divide."""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction as F
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given, settings

from tests.risk.accounts import LIQUIDATION, World, account_of, world, worlds
from zkcollateral.errors import CompileError, DocumentError, InputError
from zkcollateral.risk.boundary import Bound, SafePrices
from zkcollateral.risk.claims import Maintenance
from zkcollateral.risk.health import evaluate
from zkcollateral.risk.portfolio import Portfolio
from zkcollateral.risk.prices import PriceRound
from zkcollateral.risk.report import HealthReport, health_report, liquidation_boundary
from zkcollateral.risk.values import FrozenMap

FACTORS = {"collateral": {"A": "0.5"}, "debt": {"D": "1"}}
PRICES = {"A": "1", "D": "1"}


@pytest.mark.parametrize(("threshold", "factor"), [("0.6", "1.2"), ("0.7", "1.4")])
def test_worked_case_of_aave(threshold: str, factor: str) -> None:
    """Collateral 4,000 and debt 2,000: health factor 1.2 at 60 per cent, 1.4 at 70.

    Source: aave/aave-utilities, math-utils, generate-raw-user-summary.test.
    """
    setting = world(
        {"collateral": {"A": threshold}, "debt": {"D": "1"}},
        PRICES,
        {"collateral": {"A": "4000"}, "debt": {"D": "2000"}},
    )
    report = health_report(*setting)
    assert report.health_factor == F(factor)
    assert report.maintained
    assert report.collateralization_ratio == 2
    assert report.loan_to_value == F(1, 2)


RICH: dict[str, Any] = {
    "ratio": "1.25",
    "reserve": "100",
    "liquidation": {**LIQUIDATION, "ratio": "1.1"},
    "limits": [
        {"name": "a", "assets": ["A"], "share": "0.75", "excess": "refused"},
        {"name": "b", "assets": ["B"], "share": "0.25", "excess": "uncounted"},
        {"name": "ab", "assets": ["A"], "share": "0.9", "excess": "refused"},
    ],
}


def rich(**changes: Any) -> World:
    """4,000 of A and 1,000 of B held, 1,000 owed, short 200."""
    return world(
        {
            "collateral": {"A": "0.5", "B": "0.8"},
            "debt": {"D": "1.2"},
            "signed": {"S": {"long": "0.9", "short": "1.5"}},
        },
        {"A": "2", "B": "10", "D": "1", "S": "50"},
        {
            "collateral": {"A": "2000", "B": "100"},
            "debt": {"D": "1000"},
            "signed": {"S": "-4"},
        },
        **{**RICH, **changes},
    )


def test_every_number_by_hand() -> None:
    """Weighted: 2,000 of A and of B's 800 a quarter of all, 700; 1,200 and 300 owed.

    Maintenance: 2,700 − 1.25 · 1,500 − 100 = 725. Liquidation: 2,700 − 1.1 · 1,500 − 100 = 950.
    """
    report = health_report(*rich())
    assert (report.account, report.policy, report.quote) == ("acct-1", "lender-7", "USD")
    assert report.time == rich()[3].time
    assert (report.collateral, report.debt, report.equity) == (5000, 1200, 3800)
    assert (report.weighted_collateral, report.weighted_debt) == (2700, 1500)
    assert report.collateralization_ratio == F(25, 6)
    assert report.loan_to_value == F(6, 25)
    assert report.requirement == 3800 - 725
    assert report.margin_ratio == F(3075, 3800)
    assert report.maintenance.headroom == 725
    assert report.maintenance.headroom_share == F(725, 5000)
    assert report.maintenance.health_factor == F(2700, 1875)
    assert report.liquidation is not None
    assert report.liquidation.headroom == 950
    assert report.liquidation.headroom_share == F(950, 5000)
    assert report.liquidation.health_factor == report.health_factor == F(2700, 1650)
    assert report.misplaced == ()
    # 3,750 is 75 per cent of 5,000.
    assert [(limit.name, limit.used, limit.over, limit.met) for limit in report.limits] == [
        ("a", F(4, 5), 250, False),
        ("b", F(2, 7), 100, True),
        ("ab", F(4, 5), 0, True),
    ]
    assert not report.maintained
    assert [(limit.assets, limit.share, limit.excess) for limit in report.limits[:2]] == [
        (("A",), F(3, 4), "refused"),
        (("B",), F(1, 4), "uncounted"),
    ]


def test_every_asset_by_hand() -> None:
    """With A at a multiple x: counted are 2,000·x + 800, less what of 800 exceeds a quarter."""
    found = {asset.symbol: asset for asset in health_report(*rich()).assets}
    assert list(found) == ["A", "B", "D", "S"]
    assert [(a.price, a.held, a.owed) for a in found.values()] == [
        (2, 4000, 0),
        (10, 1000, 0),
        (1, 0, 1000),
        (50, 0, 200),
    ]
    assert [(a.weighted_held, a.weighted_owed) for a in found.values()] == [
        (2000, 0),
        (800, 0),
        (0, 1200),
        (0, 300),
    ]
    # 2,500·x + 200 = 1,975 before the limit stops binding at x = 1.2.
    assert found["A"].maintenance == SafePrices(Bound(F(71, 50), F(-29, 100), True), None)
    # Without any B, 2,000 against 1,975.
    assert found["B"].maintenance == SafePrices(None, None)
    # 1,500·x + 375 = 2,600.
    assert found["D"].maintenance == SafePrices(None, Bound(F(89, 60), F(29, 60), True))
    # 375·x + 1,500 = 2,600.
    assert found["S"].maintenance == SafePrices(None, Bound(F(440, 3), F(29, 15), True))
    # 1.1 · 300·x + 1,320 = 2,600.
    assert found["S"].liquidation == SafePrices(None, Bound(F(6400, 33), F(95, 33), True))
    assert all(asset.follows is None for asset in found.values())


def test_the_common_shock_moves_what_is_held_and_what_is_shorted() -> None:
    """2,700·x − 375·x = 1,500 + 100."""
    report = health_report(*rich())
    assert report.maintenance.common_shock.lower == Bound(F(64, 93), F(-29, 93), True)
    assert report.maintenance.common_shock.upper is None


def report_of(amounts: dict[str, dict[str, str]], **changes: Any) -> HealthReport:
    return health_report(*world(FACTORS, PRICES, amounts, **changes))


def test_no_debt() -> None:
    report = report_of({"collateral": {"A": "8"}})
    assert report.collateralization_ratio == "infinite"
    assert report.loan_to_value == 0
    assert report.health_factor == "infinite"
    assert report.margin_ratio == F(1, 2)
    assert report.maintenance.common_shock == SafePrices(None, None)
    assert report.liquidation is None
    assert [asset.liquidation for asset in report.assets] == [None]
    assert report.maintained


def test_no_collateral() -> None:
    report = report_of({"debt": {"D": "8"}})
    assert report.collateralization_ratio == 0
    assert report.loan_to_value == "infinite"
    assert report.health_factor == 0
    assert report.margin_ratio == "infinite"
    assert report.maintenance.headroom == -8
    assert report.maintenance.headroom_share is None
    assert report.maintenance.common_shock == SafePrices(None, None, passable=False)
    assert report.assets[0].maintenance == SafePrices(None, Bound(F(0), F(-1), True))
    assert not report.maintained


def test_a_debt_that_weighs_nothing() -> None:
    setting = world(
        {"collateral": {"A": "1"}, "debt": {"D": "0"}},
        PRICES,
        {"collateral": {"A": "1"}, "debt": {"D": "2"}},
    )
    report = health_report(*setting)
    assert report.collateralization_ratio == F(1, 2)
    assert report.health_factor == "infinite"
    # There is no equity, and maintenance asks for none.
    assert report.margin_ratio == 0


def test_the_margin_ratio_exceeds_one_exactly_below_the_threshold() -> None:
    at = {"collateral": {"A": "200"}, "debt": {"D": "100"}}
    below = {"collateral": {"A": "200"}, "debt": {"D": "100.00000001"}}
    assert report_of(at).margin_ratio == 1
    assert report_of(at).maintained
    ratio = report_of(below).margin_ratio
    assert not isinstance(ratio, str)
    assert ratio > 1
    no_equity = {"collateral": {"A": "100"}, "debt": {"D": "100"}}
    assert report_of(no_equity).margin_ratio == "infinite"
    # A debt that counts half adds value: nothing is required of what the account has.
    half = {"collateral": {"A": "1"}, "debt": {"D": "0.5"}}
    amounts = {"collateral": {"A": "2"}, "debt": {"D": "1"}}
    generous = world(half, {"A": "1", "D": "1"}, amounts)
    assert health_report(*generous).requirement == F(-1, 2)
    assert health_report(*generous).margin_ratio == 0


def test_limits_without_collateral_are_not_used() -> None:
    limits = [
        {"name": kind, "assets": ["A"], "share": "0.5", "excess": kind}
        for kind in ("refused", "uncounted")
    ]
    report = report_of({"debt": {"D": "8"}}, limits=limits)
    assert [(limit.used, limit.over, limit.met) for limit in report.limits] == [(0, 0, True)] * 2


def test_what_is_not_priced_is_misplaced_and_counts_nothing() -> None:
    report = report_of({"collateral": {"A": "8", "X": "5"}, "debt": {"Y": "1"}})
    assert report.misplaced == ("X (collateral)", "Y (debt)")
    assert [asset.symbol for asset in report.assets] == ["A"]
    assert (report.collateral, report.debt) == (8, 0)
    assert not report.maintained
    only = report_of({"collateral": {"X": "5"}})
    assert only.assets == ()
    assert (only.collateralization_ratio, only.loan_to_value) == ("infinite", 0)
    assert (only.margin_ratio, only.maintenance.headroom_share) == (0, None)


CATEGORY = {"stable": {"collateral": {"A": "0.9"}, "debts": ["D"], "liquidation": {"A": "0.95"}}}


def test_a_category_replaces_factors() -> None:
    changes = {"categories": CATEGORY, "liquidation": LIQUIDATION}
    amounts = {"collateral": {"A": "100"}, "debt": {"D": "80"}}
    setting = world(FACTORS, PRICES, amounts, **changes)
    plain, stable = health_report(*setting), health_report(*setting, "stable")
    assert (plain.maintenance.headroom, stable.maintenance.headroom) == (-30, 10)
    assert (plain.health_factor, stable.health_factor) == (F(5, 8), F(19, 16))
    assert (plain.maintained, stable.maintained) == (False, True)
    assert (plain.category, stable.category) == (None, "stable")
    assert stable.assets[0].weighted_held == 90
    with pytest.raises(InputError, match="category: expected a category of the policy, got 'x'"):
        health_report(*setting, "x")


def test_what_follows_another_price_says_so() -> None:
    cap = {
        "underlying": "ETH",
        "rate": "rate",
        "snapshot": "1.2",
        "snapshot_time": "2026-01-31T12:00:00Z",
        "yearly_growth": "0",
    }
    setting = world(
        {"collateral": {"wstETH": "0.8"}, "debt": {"USD": "1"}},
        {"ETH": "2000", "USD": "1"},
        {"collateral": {"wstETH": "10"}, "debt": {"USD": "12000"}},
        figures={"rate": "1.25"},
        growth_caps={"wstETH": cap},
    )
    asset = health_report(*setting).assets[0]
    assert (asset.symbol, asset.follows, asset.price) == ("wstETH", "ETH", 2400)
    assert asset.maintenance.lower == Bound(F(1500), F(-3, 8), True)


def test_values_are_exact() -> None:
    """A difference that doubles cannot see decides."""
    price = "1000000000000000000000"
    amounts = {"collateral": {"A": "1"}, "debt": {"D": "1"}}
    one = {"collateral": {"A": "1"}, "debt": {"D": "1"}}
    setting = world(one, {"A": f"{price}.0000000000000000001", "D": price}, amounts)
    report = health_report(*setting)
    assert report.maintenance.headroom == F(1, 10**19)
    assert report.maintained
    lower = report.assets[0].maintenance.lower
    assert lower is not None
    assert lower.price == F(price)
    assert -F(1, 10**39) < lower.change < 0


def test_an_empty_portfolio_is_refused() -> None:
    for amounts in ({}, {"collateral": {"A": "0"}, "debt": {"D": "0.0"}}):
        with pytest.raises(DocumentError) as caught:
            report_of(amounts)
        assert str(caught.value) == (
            "portfolio: expected an amount other than 0, got an empty portfolio"
        )


def test_errors_name_the_place_and_no_amount() -> None:
    portfolio, policy, registry, prices = world(FACTORS, PRICES, {"collateral": {"A": "8.7654321"}})
    foreign = Portfolio.build(account="acct-1", collateral={"Z": "8.7654321"}, debt={}, signed={})
    with pytest.raises(DocumentError) as caught:
        health_report(foreign, policy, registry, prices)
    assert str(caught.value).startswith("portfolio: collateral.Z: expected an asset")
    assert "8.76" not in str(caught.value)
    only_a = FrozenMap({"A": prices.prices["A"]})
    for update, message in (({"prices": only_a}, "no price of D"), ({"quote": "EUR"}, "EUR")):
        poor: PriceRound = prices.model_copy(update=update)
        with pytest.raises(CompileError, match=message):
            health_report(portfolio, policy, registry, poor)


def test_the_boundary_is_that_of_liquidation_where_there_is_one() -> None:
    own = liquidation_boundary(*rich(), ("A", "D"), multiples=[1])
    assert own.threshold == "liquidation"
    # 2,700 − 330 − 100 = 1,320·d.
    assert own.points[0].second.upper == Bound(F(2270, 1320), F(950, 1320), True)
    maintenance = liquidation_boundary(
        *rich(), ("A", "D"), threshold="maintenance", multiples=[1, 2]
    )
    assert maintenance.threshold == "maintenance"
    # 2,700 − 375 − 100 = 1,500·d; with A doubled all of B counts: 4,800.
    assert maintenance.points[0].second.upper == Bound(F(2225, 1500), F(725, 1500), True)
    assert maintenance.points[1].second.upper == Bound(F(4325, 1500), F(2825, 1500), True)
    without = world(FACTORS, PRICES, {"collateral": {"A": "1"}})
    assert liquidation_boundary(*without, ("A", "D"), multiples=[1]).threshold == "maintenance"
    # In a policy without the test there is no boundary of it.
    with pytest.raises(InputError, match="boundary: expected a policy with liquidation terms"):
        liquidation_boundary(*without, ("A", "D"), threshold="liquidation")
    with pytest.raises(InputError, match="boundary: expected one of A, B, D, S, got 'X'"):
        liquidation_boundary(*rich(), ("A", "X"))


def test_nothing_of_it_is_shown_by_repr() -> None:
    report = health_report(*rich())
    for value in (report, report.assets, report.limits, report.maintenance):
        text = repr(value)
        assert "hidden" in text
        assert not any(number in text for number in ("2700", "725", "4000", "Fraction"))
    assert repr(report) == "HealthReport('acct-1', hidden)"


@given(worlds(("tiered", "sized")))
@settings(max_examples=50, deadline=None)
def test_a_report_agrees_with_the_plain_check(setting: World) -> None:
    portfolio, policy, registry, prices = setting
    amounts = portfolio.amounts(registry)
    report = health_report(*setting)
    checked = evaluate(Maintenance(), policy, registry, prices, amounts)
    assert report.maintained == checked.holds
    assert report.maintenance.headroom == checked.margins[0].value
    assert (report.weighted_collateral, report.weighted_debt) == (checked.collateral, checked.debt)
    account = account_of(setting)
    assert report.collateral == sum(asset.held for asset in report.assets)
    assert report.debt == sum(asset.owed for asset in report.assets)
    assert policy.liquidation is not None
    assert report.liquidation is not None
    assert report.liquidation.headroom == account.above_liquidation(policy.liquidation, {})
    refused = {limit.name: limit.met for limit in report.limits if limit.excess == "refused"}
    assert refused == {name: margin >= 0 for name, margin in account.limits()}
    # What is left uncounted is what the assets count for on their own and not together.
    alone = sum(asset.weighted_held for asset in report.assets)
    over = sum(limit.over for limit in report.limits if limit.excess == "uncounted")
    assert alone - over == report.weighted_collateral
    ratio = report.margin_ratio
    assert (ratio == "infinite" or F(ratio) > 1) == (report.maintenance.headroom < 0)


def test_sixteen_assets_take_well_under_a_second() -> None:
    """Tiers by value everywhere, a limit, both tests."""
    symbols = [f"A{index}" for index in range(16)]

    def tiers(*factors: str) -> dict[str, Any]:
        starts = ("0", "100000", "500000", "1000000")
        pairs = zip(starts, factors, strict=True)
        return {
            "type": "tiered",
            "by": "value",
            "tiers": [{"above": above, "factor": factor} for above, factor in pairs],
        }

    setting = world(
        {
            "collateral": dict.fromkeys(symbols[:10], tiers("0.9", "0.8", "0.5", "0.1")),
            "debt": dict.fromkeys(symbols[10:], tiers("1", "1.1", "1.2", "1.3")),
        },
        {symbol: f"{37 * index + 11}.{index}7" for index, symbol in enumerate(symbols)},
        {
            "collateral": {s: f"{1000 + 37 * i}.{i}123" for i, s in enumerate(symbols[:10])},
            "debt": {s: f"{100 + 11 * i}.{i}321" for i, s in enumerate(symbols[10:])},
        },
        liquidation=LIQUIDATION,
        limits=[{"name": "l", "assets": ["A0", "A1"], "share": "0.3", "excess": "uncounted"}],
    )
    took = []
    # One of several is enough: a busy machine slows a program, and nothing makes one too fast.
    for _ in range(10):
        started = perf_counter()
        report = health_report(*setting)
        took.append(perf_counter() - started)
        if took[-1] < 0.7:
            break
    assert min(took) < 0.7
    assert len(report.assets) == 16
    assert all(field.name for field in fields(report))
