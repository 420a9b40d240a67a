"""What becomes of an account that is liquidated under a policy."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.risk.accounts import LIQUIDATION, World, account_of, world, worlds
from tests.risk.liquidation.accounts import F
from zkcollateral.errors import DocumentError, InputError
from zkcollateral.risk.liquidation.of_policy import (
    Weighing,
    liquidation_account,
    liquidation_rule,
)
from zkcollateral.risk.liquidation.report import (
    LiquidationPair,
    LiquidationReport,
    liquidation_report,
)
from zkcollateral.risk.terms import LiquidationTerms

LINEAR = {"type": "linear", "start": "1.25", "duration_seconds": "1000"}
STAIRS = {"type": "stairstep", "start": "1.2", "step_seconds": "90", "factor": "0.99"}
EXPONENTIAL = {"type": "exponential", "start": "1.2", "factor": "0.99"}


def terms(**changes: Any) -> dict[str, Any]:
    """Ratio 1.1, penalty 5%, half of it the protocol's, half of a debt at once."""
    return {**LIQUIDATION, "ratio": "1.1", **changes}


def ether(dai: str, *, unit: str = "-8", **changes: Any) -> World:
    """10 ETH at 1000 that count 0.8, and so much DAI owed."""
    return world(
        {"collateral": {"ETH": "0.8"}, "debt": {"DAI": "1"}},
        {"ETH": "1000", "DAI": "1"},
        {"collateral": {"ETH": "10"}, "debt": {"DAI": dai}},
        unit=unit,
        **{"liquidation": terms(), **changes},
    )


def left(report: LiquidationReport) -> dict[str, Fraction]:
    return {balance.symbol: balance.left for balance in report.balances}


def test_half_of_a_debt() -> None:
    # 8000 held against 1.1 · 7500 = 8250: health 32/33, above 0.95, so that half may be repaid.
    # 3750 with 5% on top are 3937.5, of which the protocol gets half of 187.5.
    # Afterwards 6062.5 · 0.8 = 4850 stand against 1.1 · 3750 = 4125.
    report = liquidation_report(*ether("7500"))
    assert report.liquidatable
    assert (report.headroom, report.health) == (-250, F("32/33"))
    (step,) = report.steps
    assert (step.debt, step.collateral) == ("DAI", "ETH")
    assert (step.repaid, step.repaid_value, step.penalty_value) == (3750, 3750, F("187.5"))
    assert (step.seized, step.seized_value) == (F("3.9375"), F("3937.5"))
    assert (step.protocol_fee, step.to_liquidator) == (F("0.09375"), F("3.84375"))
    assert (step.headroom, step.health) == (725, F(4850) / 4125)
    assert (report.headroom_after, report.health_after) == (725, F(4850) / 4125)
    assert (report.repaid_value, report.penalty_value) == (3750, F("187.5"))
    assert (report.outcome, report.bad_debt) == ("healthy", 0)
    assert left(report) == {"ETH": F("6.0625"), "DAI": 3750}
    assert [balance.gone for balance in report.balances] == [F("3.9375"), 3750]
    assert report.auctions == ()


def test_all_of_a_debt_below_the_stated_health() -> None:
    # 8000 / (1.1 · 8000) = 0.909: all 8000 are repaid for 8.4 ETH; 1.6 · 1000 · 0.8 = 1280 is left.
    report = liquidation_report(*ether("8000"))
    assert [(step.repaid, step.seized) for step in report.steps] == [(8000, F("8.4"))]
    assert (report.health_after, report.headroom_after) == ("infinite", 1280)
    assert left(report) == {"ETH": F("1.6"), "DAI": 0}


def test_bad_debt() -> None:
    # 10 ETH pay for 10,000 / 1.05 of the 12,000.
    report = liquidation_report(*ether("12000"))
    assert [step.repaid for step in report.steps] == [F(10_000) / F("1.05")]
    assert (report.outcome, report.bad_debt) == ("exhausted", 12_000 - F(10_000) / F("1.05"))
    assert report.health_after == 0
    assert report.headroom_after < 0


def test_a_healthy_account_loses_nothing() -> None:
    # 1.1 · 7272 = 7999.2 against 8000.
    report = liquidation_report(*ether("7272", liquidation=terms(auction=LINEAR)))
    assert (report.liquidatable, report.steps, report.auctions) == (False, (), ())
    assert report.headroom == report.headroom_after == F("0.8")
    assert report.outcome == "healthy"
    assert left(report) == {"ETH": 10, "DAI": 7272}


def test_a_shock_makes_it_liquidatable() -> None:
    # At 900: 7200 against 7999.2, health 0.9001; all 7272 for 7635.6 / 900 ETH.
    report = liquidation_report(*ether("7272"), shocks={"ETH": F("-0.1")})
    assert report.headroom == F("-799.2")
    (step,) = report.steps
    assert (step.repaid, step.seized) == (7272, F("7635.6") / 900)
    assert report.balances[0].price == 900


def test_the_verdict_after_is_of_whole_smallest_units() -> None:
    # 6.0625 ETH are left, which is 6 whole ones: 4800 − 4125.
    report = liquidation_report(*ether("7500", unit="0"))
    assert left(report)["ETH"] == F("6.0625")
    assert report.headroom_after == 675
    # And 3749.5 DAI are 3750.
    odd = liquidation_report(*ether("7499", unit="0"))
    assert left(odd)["DAI"] == F("3749.5")
    assert odd.headroom_after == floor(left(odd)["ETH"]) * 800 - 4125


def test_long_is_collateral_and_short_is_debt() -> None:
    # 1 P at 0.8 and 10 P long at 0.9 are 980 at a price of 100, and 882 at 90; 8 Q short at 100
    # are 8 · 100 · 1.1 · 1.1 = 968. Half of the short position may be closed, but the 1 P, worth
    # 90, pays with 5% on top for 90 / 105 only; then the long position pays for half of the rest.
    setting = world(
        {
            "collateral": {"P": "0.8"},
            "signed": {"P": {"long": "0.9", "short": "1.1"}, "Q": {"long": "1", "short": "1.1"}},
        },
        {"P": "100", "Q": "100"},
        {"collateral": {"P": "1"}, "signed": {"P": "10", "Q": "-8"}},
        liquidation=terms(close_all_below="0.9"),
    )
    assert not liquidation_report(*setting).liquidatable
    report = liquidation_report(*setting, shocks={"P": F("-0.1")})
    assert report.headroom == 72 + 810 - 968
    first, second = report.steps[:2]
    assert (first.debt, first.collateral, first.seized) == ("Q", "P", 1)
    assert first.repaid == F(90) / 105
    assert (second.debt, second.collateral) == ("Q", "P:signed")
    assert second.repaid == (8 - first.repaid) / 2
    assert second.seized == second.repaid * 105 / 90
    assert [(b.symbol, b.owed, b.before) for b in report.balances] == [
        ("P", False, 1),
        ("P:signed", False, 10),
        ("Q", True, 8),
    ]
    assert report.headroom_after >= 0


def test_tiers_are_weighed_anew_after_every_step() -> None:
    # 30 A count 10 + 20 · 0.5 = 20, two thirds each, against 1.1 · 19 = 20.9. 9.5 are repaid for
    # 9.975: the 20.025 left count 15.0125, not 13.35, since the slice that counts least went.
    setting = world(
        {
            "collateral": {
                "A": {
                    "type": "tiered",
                    "by": "amount",
                    "tiers": [{"above": "0", "factor": "1"}, {"above": "10", "factor": "0.5"}],
                }
            },
            "debt": {"D": "1"},
        },
        {"A": "1", "D": "1"},
        {"collateral": {"A": "30"}, "debt": {"D": "19"}},
        liquidation=terms(),
    )
    before = liquidation_account(account_of(setting), {})
    assert before.collateral_of("A").weight == F("2/3")
    assert before.debt_of("D").weight == F("1.1")
    report = liquidation_report(*setting)
    assert report.steps[0].health == F("15.0125") / F("10.45")
    assert before.after("D", F("9.5"), "A", F("9.975")).weighted_collateral == F("13.35")


def test_a_reserve_counts_in_the_test_and_not_in_health() -> None:
    # 100 against 90 and a reserve of 20: health 10/9, 10 short. Each step takes more than it frees,
    # so that all 90 are repaid for 94.5, and 5.5 is below the reserve.
    setting = world(
        {"collateral": {"A": "1"}, "debt": {"D": "1"}},
        {"A": "1", "D": "1"},
        {"collateral": {"A": "100"}, "debt": {"D": "90"}},
        reserve="20",
        liquidation=terms(ratio="1", minimum="1"),
    )
    report = liquidation_report(*setting)
    assert (report.headroom, report.health) == (-10, F("10/9"))
    assert report.steps[0].repaid == 45
    assert report.outcome == "no debt"
    assert left(report) == {"A": F("5.5"), "D": 0}
    assert (report.headroom_after, report.health_after) == (F("-14.5"), "infinite")
    # Health is 10/9 for `close_all_below` too.
    terms_too = terms(ratio="1", minimum="1", close_all_below="1.2")
    rule = setting[1].model_copy(update={"liquidation": LiquidationTerms.model_validate(terms_too)})
    assert liquidation_report(setting[0], rule, *setting[2:]).steps[0].repaid == 90


def test_what_a_limit_leaves_uncounted_weighs_nothing() -> None:
    # A may be half of 100 + 60 = 160: of its 100 only 80 count, 0.8 each.
    setting = world(
        {"collateral": {"A": "1", "B": "1"}, "debt": {"D": "1"}},
        {"A": "1", "B": "1", "D": "1"},
        {"collateral": {"A": "100", "B": "60"}, "debt": {"D": "130"}},
        limits=[{"name": "l", "assets": ["A"], "share": "0.5", "excess": "uncounted"}],
        liquidation=terms(),
    )
    account = liquidation_account(account_of(setting), {})
    assert [item.weight for item in account.collateral] == [F("0.8"), 1]
    assert account.weighted_collateral == 140
    assert liquidation_report(*setting).headroom == 140 - 143


def test_a_category_has_factors_of_its_own() -> None:
    setting = ether(
        "7500",
        categories={
            "e": {"collateral": {"ETH": "0.9"}, "debts": ["DAI"], "liquidation": {"ETH": "0.95"}}
        },
    )
    assert liquidation_report(*setting, "e").headroom == 9500 - 8250
    assert liquidation_report(*setting).headroom == -250
    with pytest.raises(InputError, match="category"):
        liquidation_report(*setting, "f")


def test_what_is_worth_nothing_is_no_part_of_it() -> None:
    report = liquidation_report(*ether("7500"), shocks={"ETH": F(-1)})
    assert left(report) == {"DAI": 7500}
    assert (report.outcome, report.steps, report.bad_debt) == ("exhausted", (), 7500)


def two_by_two() -> World:
    """50 and 60 held at 0.8, 40 and 50 owed: 88 against 1.1 · 90 = 99."""
    return world(
        {"collateral": {"A": "0.8", "B": "0.8"}, "debt": {"C": "1", "D": "1"}},
        {"A": "1", "B": "1", "C": "1", "D": "1"},
        {"collateral": {"A": "50", "B": "60"}, "debt": {"C": "40", "D": "50"}},
        liquidation=terms(close_all_below="0", minimum="4"),
    )


def test_the_registry_s_order() -> None:
    # 20 of C for 21 of A leave 71.2 against 77; 10 of C for 10.5 leave 62.8 against 66; and so on.
    report = liquidation_report(*two_by_two(), max_steps=3)
    assert [(s.debt, s.collateral, s.repaid) for s in report.steps] == [
        ("C", "A", 20),
        ("C", "A", 10),
        ("C", "A", 5),
    ]


def test_one_chosen_pair() -> None:
    report = liquidation_report(*two_by_two(), pair=LiquidationPair("D", "B"))
    assert [(s.debt, s.collateral, s.repaid) for s in report.steps] == [("D", "B", 25)]
    assert report.outcome == "step limit"
    some = liquidation_report(*two_by_two(), pair=LiquidationPair("D", "B", F("3.5")))
    assert [(s.repaid, s.seized) for s in some.steps] == [(F("3.5"), F("3.675"))]
    more = liquidation_report(*two_by_two(), pair=LiquidationPair("D", "B", F(1000)))
    assert more.steps[0].repaid == 25


@pytest.mark.parametrize(
    ("pair", "where"),
    [
        (LiquidationPair("X", "A"), "account: debt"),
        (LiquidationPair("A", "A"), "account: debt"),
        (LiquidationPair("C", "D"), "account: collateral"),
        (LiquidationPair("C", "A", F(0)), "repay of C"),
        (LiquidationPair("C", "A", F(-1)), "repay of C"),
        (LiquidationPair("C", "A", 0.5), "repay of C"),  # type: ignore[arg-type]
    ],
)
def test_pairs_that_cannot_be(pair: LiquidationPair, where: str) -> None:
    with pytest.raises(InputError, match=where):
        liquidation_report(*two_by_two(), pair=pair)


def test_a_pair_is_checked_if_the_account_is_healthy_too() -> None:
    with pytest.raises(InputError, match="account: debt"):
        liquidation_report(*ether("1"), pair=LiquidationPair("X", "ETH"))


def test_an_amount_that_leaves_less_than_the_minimum() -> None:
    # Of 7500 at health below 1 all may be repaid, or what leaves 100.
    setting = ether("8000", liquidation=terms(minimum="100"))
    with pytest.raises(InputError, match="leaves the minimum") as error:
        liquidation_report(*setting, pair=LiquidationPair("DAI", "ETH", F(7950)))
    assert "7950" not in str(error.value)


@pytest.mark.parametrize(
    ("shocks", "where"),
    [
        ({"BTC": F("-0.1")}, "shocks: expected a symbol that the policy prices"),
        ({"ETH": F("-1.1")}, "shocks: ETH: expected a number of at least -1"),
        ({"ETH": -0.1}, "shocks: ETH: expected an integer or a Fraction"),
    ],
)
def test_shocks_that_are_none(shocks: dict[str, Any], where: str) -> None:
    with pytest.raises(InputError, match=where):
        liquidation_report(*ether("7500"), shocks=shocks)


def test_a_policy_without_terms() -> None:
    portfolio, rule, *others = ether("7500")
    setting = portfolio, rule.model_copy(update={"liquidation": None}), *others
    with pytest.raises(InputError, match="policy: liquidation: expected liquidation terms"):
        liquidation_report(*setting)
    with pytest.raises(InputError, match="policy: liquidation"):
        liquidation_account(account_of(setting), {})


@pytest.mark.parametrize("steps", [0, 1001, 2.0])
def test_a_number_of_steps_that_is_none(steps: Any) -> None:
    with pytest.raises(InputError, match="max_steps"):
        liquidation_report(*ether("7500"), max_steps=steps)


def test_an_empty_portfolio() -> None:
    portfolio, *others = ether("7500")
    empty = portfolio.model_copy(update={"collateral": {}, "debt": {}})
    with pytest.raises(DocumentError, match="empty portfolio"):
        liquidation_report(empty, *others)


def test_an_account_that_is_below_zero_is_refused() -> None:
    account = replace(account_of(ether("7500")), amounts=(-1, 750_000_000_000))
    with pytest.raises(InputError, match=r"holding of ETH\.amount"):
        liquidation_account(account, {})


def test_the_rule_is_that_of_the_terms() -> None:
    rule = liquidation_rule(LiquidationTerms.model_validate(terms(minimum="7")))
    assert (rule.close_factor, rule.penalty, rule.protocol_share) == (F("0.5"), F("0.05"), F("0.5"))
    assert (rule.close_all_below, rule.minimum) == (F("0.95"), 7)


@pytest.mark.parametrize(
    ("auction", "market", "even"),
    [
        # 1.25 · (1 − t / 1000) = 1 at t = 200, and 1 / 1.05 at 238.1.
        (LINEAR, 200, 239),
        # 0.99^18 = 0.8345, 0.99^19 = 0.8262 and 1 / 1.2 = 0.8333; 0.99^23 = 0.7936 = 1 / 1.26.
        (STAIRS, 19 * 90, 23 * 90),
        (EXPONENTIAL, 19, 23),
    ],
)
def test_the_auction_of_what_was_seized(auction: dict[str, str], market: int, even: int) -> None:
    report = liquidation_report(*ether("7500", liquidation=terms(auction=auction)))
    (found,) = report.auctions
    assert (found.symbol, found.market_price) == ("ETH", 1000)
    assert found.break_even_price == F(1000) / F("1.05")
    assert (found.seconds_to_market, found.seconds_to_break_even) == (market, even)
    assert (found.auction.lot, found.auction.tab) == (F("3.9375"), F("3937.5"))
    course = found.course()
    assert (course[0].elapsed, course[0].price) == (0, 1000 * F(auction["start"]))
    assert course[0].raised == F("3937.5")
    assert course[-1].price <= found.break_even_price / 2 < course[-2].price
    assert len(course) <= 14
    assert all(point.elapsed % found.step_seconds == 0 for point in course)
    assert len(found.course(100)) > len(course)
    # Sold at break-even the lot brings what was repaid; sold at market, the penalty too.
    assert found.auction.lot * found.break_even_price == report.repaid_value
    assert found.auction.lot * found.market_price == report.seized_value


@pytest.mark.parametrize("points", [0, 10_001, 1.0])
def test_courses_that_are_none(points: Any) -> None:
    report = liquidation_report(*ether("7500", liquidation=terms(auction=LINEAR)))
    with pytest.raises(InputError, match="points"):
        report.auctions[0].course(points)


def test_an_auction_that_hardly_falls_has_a_course() -> None:
    slow = {"type": "exponential", "start": "1", "factor": "0." + "9" * 40}
    report = liquidation_report(*ether("7500", liquidation=terms(auction=slow)))
    assert report.auctions[0].course()[-1].elapsed == 10**9


def test_several_steps_of_one_collateral_are_one_auction() -> None:
    portfolio, rule, *others = two_by_two()
    auctioned = LiquidationTerms.model_validate(
        terms(close_all_below="0", minimum="4", auction=LINEAR)
    )
    rule = rule.model_copy(update={"liquidation": auctioned})
    report = liquidation_report(portfolio, rule, *others, max_steps=3)
    assert [auction.symbol for auction in report.auctions] == ["A"]
    assert report.auctions[0].auction.lot == F("36.75")
    assert report.auctions[0].auction.tab == F("36.75")


def test_a_report_hides_what_it_says() -> None:
    report = liquidation_report(*ether("7500", liquidation=terms(auction=LINEAR)))
    account = account_of(ether("7500"))
    weighing = Weighing(account, {})
    everything = [report, *report.steps, *report.balances, *report.auctions]
    for each in [*everything, account, weighing, weighing.weigh(weighing.amounts)]:
        assert repr(each).endswith("hidden)")
        assert "3750" not in repr(each)
        assert "1000" not in repr(each)


shocks_of_worlds = st.dictionaries(
    st.sampled_from("ABCD"), st.integers(-20, 10).map(lambda n: Fraction(n, 20)), max_size=3
)
ruled = st.fixed_dictionaries(
    {},
    optional={
        "close_factor": st.just("1"),
        "close_all_below": st.sampled_from(["0", "2"]),
        "minimum": st.sampled_from(["10", "500"]),
        "penalty": st.sampled_from(["0", "0.3"]),
        "auction": st.sampled_from([LINEAR, STAIRS, EXPONENTIAL]),
    },
)


def under(setting: World, changes: dict[str, Any]) -> World:
    """The world with other liquidation terms, which keep their factors."""
    portfolio, rule, *others = setting
    assert rule.liquidation is not None
    new = LiquidationTerms.model_validate({**LIQUIDATION, **changes})
    new = new.model_copy(update={"factors": rule.liquidation.factors})
    return portfolio, rule.model_copy(update={"liquidation": new}), *others


def rounded_against(report: LiquidationReport, setting: World) -> tuple[int, ...]:
    """The amounts that a report says are left, as the exact engine takes them."""
    portfolio, _, registry, _ = setting
    units = list(portfolio.amounts(registry))
    for balance in report.balances:
        symbol = balance.symbol.removesuffix(":signed")
        for asset in registry.assets:
            amount = units[asset.slot]
            owes = asset.side == "debt" or (asset.side == "signed" and amount < 0)
            signed = balance.symbol.endswith(":signed")
            if (asset.symbol, owes, asset.side == "signed") == (symbol, balance.owed, signed):
                count = balance.left / asset.smallest_unit
                number = ceil(count) if owes else floor(count)
                units[asset.slot] = -number if signed and owes else number
    return tuple(units)


@given(worlds(("tiered", "sized"), decimals=True), shocks_of_worlds, ruled)
def test_every_report_adds_up(
    setting: World, shocks: dict[str, Fraction], changes: dict[str, Any]
) -> None:
    setting = under(setting, changes)
    report = liquidation_report(*setting, shocks=shocks, max_steps=5)
    account, rule = account_of(setting), setting[1]
    assert rule.liquidation is not None
    assert report.headroom == account.above_liquidation(rule.liquidation, shocks)
    weighed = liquidation_account(account, shocks)
    reserve = (rule.reserve or 0) if not weighed.debt else 0
    assert weighed.weighted_collateral - weighed.weighted_debt - reserve == report.headroom
    after = replace(account, amounts=rounded_against(report, setting))
    assert report.headroom_after == after.above_liquidation(rule.liquidation, shocks)
    held = [balance for balance in report.balances if not balance.owed]
    owed = [balance for balance in report.balances if balance.owed]
    assert sum(b.gone * b.price for b in held) == report.seized_value
    assert sum(b.gone * b.price for b in owed) == report.repaid_value
    assert report.penalty_value == report.repaid_value * rule.liquidation.penalty
    assert all(0 <= b.left <= b.before for b in report.balances)
    assert all(s.to_liquidator + s.protocol_fee == s.seized > 0 < s.repaid for s in report.steps)
    assert bool(report.steps) <= report.liquidatable
    assert (report.outcome == "healthy") == (report.headroom_after >= 0)
    if report.outcome in ("exhausted", "no debt"):
        assert not any(b.left for b in (held if report.outcome == "exhausted" else owed))
    seized = {step.collateral for step in report.steps}
    if rule.liquidation.auction is not None:
        assert {auction.symbol for auction in report.auctions} == seized
        assert sum(a.auction.tab for a in report.auctions) == report.seized_value


@given(worlds(("tiered", "sized")), ruled)
def test_old_weights_say_no_more_than_the_truth(setting: World, changes: dict[str, Any]) -> None:
    portfolio, rule, *others = under(setting, {**changes, "minimum": "0"})
    rule = rule.model_copy(update={"limits": (), "reserve": None})
    setting = portfolio, rule, *others
    report = liquidation_report(*setting, max_steps=1)
    assume(report.steps)
    (step,) = report.steps
    old = liquidation_account(account_of(setting), {})
    old = old.after(step.debt, step.repaid, step.collateral, step.seized)
    # Weights are below 5; each of two positions is rounded by less than a smallest unit.
    dust = sum(5 * b.price * Fraction(10) ** b.unit for b in report.balances)
    assert report.headroom_after >= old.weighted_collateral - old.weighted_debt - dust
