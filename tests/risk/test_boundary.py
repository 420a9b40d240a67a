"""The prices at which an account still passes: by hand, and against the whole account's margin."""

from __future__ import annotations

from fractions import Fraction as F
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.risk.accounts import LIQUIDATION, SYMBOLS, World, account_of, world, worlds
from zkcollateral.errors import InputError
from zkcollateral.risk.boundary import (
    Bound,
    SafePrices,
    boundary,
    common_shock,
    price_of,
    safe_prices,
)
from zkcollateral.risk.safe_range import FARTHEST, TICK
from zkcollateral.risk.threshold import (
    Threshold,
    driver,
    liquidation_threshold,
    maintenance_threshold,
    positions,
)

LITTLE = F(1, 10**25)
slow = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def maintenance(setting: World) -> Threshold:
    return maintenance_threshold(account_of(setting))


def prices(setting: World, symbol: str) -> SafePrices:
    return safe_prices(maintenance(setting), symbol)


def bound(price: F | int, change: F | int) -> Bound:
    return Bound(F(price), F(change), exact=True)


# Collateral 4,000 and debt 2,000 (aave/aave-utilities, generate-raw-user-summary.test).
AAVE = world(
    {"collateral": {"A": "0.6"}, "debt": {"D": "1"}},
    {"A": "2", "D": "1"},
    {"collateral": {"A": "2000"}, "debt": {"D": "2000"}},
)


def test_collateral_and_debt_by_hand() -> None:
    """0.6 · 2000 · p = 2000 at p = 5/3; 2000 · p = 2400 at p = 6/5."""
    assert prices(AAVE, "A") == SafePrices(bound(F(5, 3), F(-1, 6)), None)
    assert prices(AAVE, "D") == SafePrices(None, bound(F(6, 5), F(1, 5)))
    assert common_shock(maintenance(AAVE)) == SafePrices(bound(F(5, 6), F(-1, 6)), None)


def test_a_short_position_has_an_upper_price() -> None:
    """1000 = 2 · 1.1 · p."""
    setting = world(
        {"collateral": {"USD": "1"}, "signed": {"ETH": {"long": "0.9", "short": "1.1"}}},
        {"USD": "1", "ETH": "300"},
        {"collateral": {"USD": "1000"}, "signed": {"ETH": "-2"}},
    )
    assert prices(setting, "ETH") == SafePrices(None, bound(F(5000, 11), F(5000, 3300) - 1))
    assert prices(setting, "USD") == SafePrices(bound(F(33, 50), F(-17, 50)), None)
    # Both move: 1000·x against 660·x at every x.
    assert common_shock(maintenance(setting)) == SafePrices(None, None)


def test_an_asset_on_both_sides_counts_once() -> None:
    """100·p·0.5 − 20·p·1.25 = 25·p against 1,000 owed: p = 40."""
    setting = world(
        {"collateral": {"A": "0.5"}, "debt": {"A": "1.25", "D": "1"}},
        {"A": "100", "D": "1"},
        {"collateral": {"A": "100"}, "debt": {"A": "20", "D": "1000"}},
    )
    assert prices(setting, "A") == SafePrices(bound(40, F(-3, 5)), None)


def test_tiers_by_value_bound_from_both_sides() -> None:
    """10 held at 0.9 up to 1,000 and 0 above, 6 owed: 9·p − 6·p up to 100, then 900 − 6·p."""
    tiers = [{"above": "0", "factor": "0.9"}, {"above": "1000", "factor": "0"}]
    setting = world(
        {
            "collateral": {"A": {"type": "tiered", "by": "value", "tiers": tiers}},
            "debt": {"A": "1"},
        },
        {"A": "50"},
        {"collateral": {"A": "10"}, "debt": {"A": "6"}},
        unit="-16",
        reserve="30",
    )
    found = prices(setting, "A")
    assert found.lower == bound(10, F(-4, 5))
    assert found.upper is not None
    # The cap is the amount that 1,000 buy, rounded down to a unit.
    assert abs(found.upper.price - 145) <= 50 * TICK


def test_a_sized_factor_ends_the_interval_where_it_drops() -> None:
    """10 held: counts 1 up to 1,200 and 0.5 above, against 700 owed. Safe again from 140."""
    tiers = [{"above": "0", "factor": "1"}, {"above": "1200", "factor": "0.5"}]
    factors = {
        "collateral": {"A": {"type": "sized", "by": "value", "tiers": tiers}},
        "debt": {"D": "1"},
    }
    amounts = {"collateral": {"A": "10"}, "debt": {"D": "700"}}
    low = world(factors, {"A": "100", "D": "1"}, amounts)
    assert prices(low, "A") == SafePrices(bound(70, F(-3, 10)), bound(120, F(1, 5)))
    high = world(factors, {"A": "200", "D": "1"}, amounts)
    assert prices(high, "A") == SafePrices(bound(140, F(-3, 10)), None)
    # Where it is not safe now, the nearer of the two.
    near = world(factors, {"A": "125", "D": "1"}, amounts)
    assert prices(near, "A") == SafePrices(bound(70, F(-11, 25)), bound(120, F(-1, 25)))
    nearer = world(factors, {"A": "135", "D": "1"}, amounts)
    assert prices(nearer, "A") == SafePrices(bound(140, F(1, 27)), None)


def test_an_uncounted_limit_gives_other_collateral_a_second_price() -> None:
    """Of 30·a what exceeds half of all counts nothing: (30·a + 3·10·b)/2 while 30·a > 10·b."""
    limit = {"name": "l", "assets": ["A"], "share": "0.5", "excess": "uncounted"}
    setting = world(
        {"collateral": {"A": "1", "B": "1"}, "debt": {"D": "1"}},
        {"A": "100", "B": "100", "D": "1"},
        {"collateral": {"A": "30", "B": "10"}, "debt": {"D": "1800"}},
        limits=[limit],
    )
    assert prices(setting, "B") == SafePrices(bound(20, F(-4, 5)), None)
    # It would reach 1,800 at a = 20 only, but below 100/3 all of 30·a + 1,000 counts.
    assert prices(setting, "A") == SafePrices(bound(F(80, 3), F(-11, 15)), None)


def test_a_price_with_confidence_is_the_middle_one() -> None:
    """Held at 90 of 100, owed at 11 of 10: 10 · 0.9·p = 5 · 11."""
    setting = world(
        {"collateral": {"A": "1"}, "debt": {"D": "1"}},
        {"A": "100", "D": "10"},
        {"collateral": {"A": "10"}, "debt": {"D": "5"}},
        spreads={"A": "5", "D": "0.5"},
        confidence={"multiple": "2", "max_share": "0.1"},
    )
    assert price_of(account_of(setting).pricing, "A") == 100
    assert prices(setting, "A") == SafePrices(bound(F(55, 9), F(55, 900) - 1), None)


def capped(held: dict[str, str], owed: dict[str, str]) -> World:
    """wstETH at 1.2 ETH each."""
    cap = {
        "underlying": "ETH",
        "rate": "rate",
        "snapshot": "1.2",
        "snapshot_time": "2026-01-31T12:00:00Z",
        "yearly_growth": "0",
    }
    return world(
        {"collateral": {"wstETH": "0.8"}, "debt": {"ETH": "1", "USD": "1"}},
        {"ETH": "2000", "USD": "1"},
        {"collateral": held, "debt": owed},
        figures={"rate": "1.25"},
        growth_caps={"wstETH": cap},
    )


def test_a_growth_capped_asset_moves_with_its_underlying() -> None:
    """10 · 1.2·p · 0.8 = 12,000 at p = 1,250 of ETH, which is 1,500 of wstETH."""
    setting = capped({"wstETH": "10"}, {"USD": "12000"})
    assert prices(setting, "wstETH") == SafePrices(bound(1500, F(-3, 8)), None)
    assert prices(setting, "ETH") == SafePrices(bound(1250, F(-3, 8)), None)
    assert common_shock(maintenance(setting)).lower == bound(F(5, 8), F(-3, 8))
    # Where ETH is owed too, it falls with what follows it: 9.6·p − 3.6·p.
    both = capped({"wstETH": "10"}, {"USD": "6000", "ETH": "3.6"})
    assert common_shock(maintenance(both)).lower == bound(F(1, 2), F(-1, 2))


def test_what_is_below_has_a_price_at_which_it_would_pass() -> None:
    setting = world(
        {"collateral": {"A": "0.5"}, "debt": {"D": "1"}},
        {"A": "1", "D": "1"},
        {"collateral": {"A": "100"}, "debt": {"D": "80"}},
    )
    assert prices(setting, "A") == SafePrices(bound(F(8, 5), F(3, 5)), None)
    assert prices(setting, "D") == SafePrices(None, bound(F(5, 8), F(-3, 8)))
    assert common_shock(maintenance(setting)) == SafePrices(bound(F(8, 5), F(3, 5)), None)


def test_no_debt_no_collateral_no_boundary() -> None:
    factors = {"collateral": {"A": "0.5"}, "debt": {"D": "1"}}
    quotes = {"A": "1", "D": "1"}
    only_held = world(factors, quotes, {"collateral": {"A": "1"}})
    assert prices(only_held, "A") == SafePrices(None, None)
    assert common_shock(maintenance(only_held)) == SafePrices(None, None)
    only_owed = world(factors, quotes, {"debt": {"D": "1"}})
    assert prices(only_owed, "D") == SafePrices(None, bound(0, -1))
    # Nothing that is held can move, and the account fails.
    assert common_shock(maintenance(only_owed)) == SafePrices(None, None, passable=False)
    # A debt in another asset that A can never pay for: A is not held.
    assert prices(only_owed, "A") == SafePrices(None, None, passable=False)
    reserved = world(factors, quotes, {"debt": {"D": "1"}}, reserve="1")
    assert prices(reserved, "D") == SafePrices(None, None, passable=False)


def test_rounded_values_have_a_last_tick() -> None:
    """One unit is worth 0.01·p·0.6, rounded down to two decimals: 0.01 from p = 5/3 on."""
    setting = world(
        {"collateral": {"A": "0.6"}, "debt": {"D": "1"}},
        {"A": "2", "D": "1"},
        {"collateral": {"A": "2000"}, "debt": {"D": "2000"}},
        unit="-2",
        value_decimals="2",
    )
    found = prices(setting, "A").lower
    assert found is not None
    assert not found.exact
    assert (found.price / (2 * TICK)).denominator == 1
    assert F(5, 3) <= found.price < F(5, 3) + 2 * TICK
    threshold = maintenance(setting)
    assert threshold.margin({"A": found.change}) >= 0
    assert threshold.margin({"A": found.change - TICK}) < 0


def test_the_liquidation_test_has_its_own_factors_and_ratio() -> None:
    factors = {
        "collateral": {"A": "0.8"},
        "debt": {"D": "1"},
        "signed": {},
    }
    changes: dict[str, Any] = {
        "ratio": "1.2",
        "liquidation": {**LIQUIDATION, "ratio": "1.1", "factors": factors},
        "categories": {
            "stable": {"collateral": {"A": "0.9"}, "debts": ["D"], "liquidation": {"A": "0.95"}}
        },
    }
    setting = world(
        {"collateral": {"A": "0.6"}, "debt": {"D": "1"}},
        {"A": "2", "D": "1"},
        {"collateral": {"A": "2000"}, "debt": {"D": "1000"}},
        **changes,
    )
    for category, price in ((None, F(11, 16)), ("stable", F(11, 19))):
        threshold = liquidation_threshold(account_of(setting, category))
        assert threshold is not None
        assert safe_prices(threshold, "A").lower == bound(price, price / 2 - 1)
    for category, price in ((None, F(1)), ("stable", F(2, 3))):
        own = maintenance_threshold(account_of(setting, category))
        assert safe_prices(own, "A").lower == bound(price, price / 2 - 1)
    assert liquidation_threshold(account_of(AAVE)) is None


PAIR = world(
    {"collateral": {"A": "0.8", "B": "0.5"}, "debt": {"D": "1"}},
    {"A": "100", "B": "200", "D": "1"},
    {"collateral": {"A": "10", "B": "5"}, "debt": {"D": "900"}},
)


def test_the_boundary_of_two_assets_by_hand() -> None:
    """8·a + 2.5·b = 900."""
    found = boundary(maintenance(PAIR), "A", "B", [F(0), F(1, 2), 1, F(9, 8), 2])
    assert (found.first_price, found.second_price) == (100, 200)
    assert [(point.first_price, point.second) for point in found.points] == [
        (0, SafePrices(bound(360, F(4, 5)), None)),
        (50, SafePrices(bound(200, 0), None)),
        (100, SafePrices(bound(40, F(-4, 5)), None)),
        (F(225, 2), SafePrices(None, None)),
        (200, SafePrices(None, None)),
    ]
    across = boundary(maintenance(PAIR), "B", "A")
    assert len(across.points) == 41
    for point in across.points:
        lower = point.second.lower
        if lower is not None:
            assert 8 * lower.price + F(5, 2) * point.first_price == 900


@pytest.mark.parametrize(
    ("pair", "multiples", "message"),
    [
        (("A", "X"), [F(1)], "boundary: expected one of A, B, D, got 'X'"),
        (("A", "A"), [F(1)], "boundary: expected two assets whose prices do not move together"),
        (("A", "B"), [0.5], "boundary: multiples: expected fractions or integers, got a float"),
        (("A", "B"), [True], "boundary: multiples: expected fractions or integers, got a bool"),
        (("A", "B"), [F(-1)], "boundary: multiples: expected at least 0, got one below"),
        (("A", "B"), [1, F(1)], "boundary: multiples: expected ascending ones"),
    ],
)
def test_what_has_no_boundary(pair: tuple[str, str], multiples: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        boundary(maintenance(PAIR), *pair, multiples)
    assert str(caught.value).startswith(message)


def test_assets_that_follow_one_another_have_no_boundary() -> None:
    threshold = maintenance(capped({"wstETH": "10"}, {"USD": "12000"}))
    with pytest.raises(InputError, match="two assets whose prices do not move together"):
        boundary(threshold, "wstETH", "ETH")


def test_prices_are_hidden() -> None:
    found = boundary(maintenance(PAIR), "A", "B", [F(1)])
    shown = repr([found, found.points, found.points[0].second, found.points[0].second.lower])
    shown += repr(maintenance(PAIR))
    assert shown.endswith("Bound(hidden)]Threshold(hidden)")
    assert "40" not in shown
    assert "Fraction" not in shown


def moves(threshold: Threshold, drivers: set[str], at: F) -> F:
    """The margin of the whole account after a common shock."""
    return threshold.margin(dict.fromkeys(drivers, at - 1))


def check_range(
    threshold: Threshold, drivers: set[str], found: SafePrices, others: list[F], *, sized: bool
) -> None:
    """What is said of an interval is so, by the margin of the whole account."""
    account = threshold.account
    decimals = account.policy.value_decimals
    shares = sum((limit.share for limit in account.policy.limits), F(1))
    rounded = 0 if decimals is None else sum(map(abs, account.amounts)) * shares / 10**decimals
    low = found.lower and found.lower.change + 1
    high = found.upper and found.upper.change + 1
    now = moves(threshold, drivers, F(1))
    if not found.passable:
        assert found.lower is found.upper is None
        for at in (F(0), F(1), *others):
            assert moves(threshold, drivers, at) < 0
        return
    inside = (low is None or low <= 1) and (high is None or high >= 1)
    assert inside == (now >= 0)
    for edge, outward in ((found.lower, -1), (found.upper, 1)):
        if edge is None:
            continue
        at = edge.change + 1
        here = moves(threshold, drivers, at)
        assert here >= 0
        step = LITTLE if edge.exact else TICK
        if at + outward * step >= 0:
            assert moves(threshold, drivers, at + outward * step) < 0
        if outward == -1 and decimals is None:
            # Downwards nothing jumps down, so there is a root and it is found.
            assert edge.exact
            assert here == 0
    if low is None:
        assert moves(threshold, drivers, F(0)) >= 0
    if high is None:
        assert moves(threshold, drivers, FARTHEST) >= 0
    for at in others:
        value = moves(threshold, drivers, at)
        if (low is None or low <= at) and (high is None or at <= high):
            assert value >= -rounded
        elif not sized:
            assert value < 0


def check_world(setting: World, others: list[F], *, sized: bool = False) -> None:
    account = account_of(setting)
    for threshold in (maintenance_threshold(account), liquidation_threshold(account)):
        assert threshold is not None
        for symbol in SYMBOLS:
            drivers = {driver(account.pricing, symbol)}
            found = safe_prices(threshold, symbol)
            check_range(threshold, drivers, found, others, sized=sized)
            for edge in (found.lower, found.upper):
                if edge is not None:
                    assert edge.price == price_of(account.pricing, symbol) * (1 + edge.change)
        moving = {
            driver(account.pricing, asset.symbol)
            for asset in positions(account)
            if asset.side != "debt"
        }
        check_range(threshold, moving, common_shock(threshold), others, sized=sized)


OTHERS = st.lists(st.fractions(0, 5, max_denominator=1000), min_size=8, max_size=8)


@given(worlds(), OTHERS)
@slow
def test_random_accounts_with_tiers_limits_and_shorts(setting: World, others: list[F]) -> None:
    """Margin exactly 0 at the lower price, below 0 right behind, and as said everywhere else."""
    check_world(setting, others)


@given(worlds(("tiered", "sized")), OTHERS)
@slow
def test_random_accounts_with_factors_that_drop(setting: World, others: list[F]) -> None:
    check_world(setting, others, sized=True)


@given(worlds(decimals=True), OTHERS)
@slow
def test_random_accounts_with_rounded_values(setting: World, others: list[F]) -> None:
    check_world(setting, others, sized=True)


@given(worlds(("tiered", "sized")), st.fractions(F(-9, 10), 3, max_denominator=50))
@slow
def test_the_margins_are_those_of_the_account(setting: World, shock: F) -> None:
    account = account_of(setting)
    liquidation = liquidation_threshold(account)
    terms = account.policy.liquidation
    assert liquidation is not None
    assert terms is not None
    shocks = {"A": shock, "C": shock / 2}
    own = maintenance_threshold(account)
    assert own.margin(shocks) == account.above(account.policy.ratio, shocks)
    assert liquidation.margin(shocks) == account.above_liquidation(terms, shocks)


@given(worlds())
@settings(max_examples=15, deadline=None)
def test_random_boundaries(setting: World) -> None:
    threshold = maintenance(setting)
    for point in boundary(threshold, "A", "B", [F(0), F(1, 2), F(1), F(2)]).points:
        fixed = {"A": point.first_price / price_of(threshold.account.pricing, "A") - 1}
        lower = point.second.lower
        if lower is not None:
            assert threshold.margin({**fixed, "B": lower.change}) == 0
            if lower.change > -1:
                assert threshold.margin({**fixed, "B": lower.change - LITTLE}) < 0
