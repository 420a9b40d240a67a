"""The adaptive ratio, against its formula in fractions that are not rounded on the way."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.risk.accounts import World, world
from tests.risk.documents import MISSING, changed, policy, policy_value
from zkcollateral.errors import CompileError, DocumentError
from zkcollateral.risk.claims import Band, Maintenance, Stress, Survives
from zkcollateral.risk.health import evaluate
from zkcollateral.risk.histories import PriceHistory
from zkcollateral.risk.policy import Policy
from zkcollateral.risk.pricing import price
from zkcollateral.risk.report import health_report
from zkcollateral.risk.report_json import report_json
from zkcollateral.risk.threshold import liquidation_threshold, maintenance_threshold
from zkcollateral.risk.valuation import account_of
from zkcollateral.risk.volatility.adaptive import (
    AdaptiveRatio,
    AppliedRatio,
    applied_ratio,
    limited_path,
)
from zkcollateral.risk.volatility.ewma import SCALE, ewma_variances, scaled_returns, volatility

RULE: dict[str, Any] = {
    "symbols": ["BTC"],
    "step_seconds": "86400",
    "prices": "4",
    "decay": "0.36",
    "horizon": "4",
    "base": "1",
    "multiple": "2.5",
    "cap": "2",
    "max_rise": "0.2",
    "max_fall": "0.3",
    "decimals": "4",
}
FLOOR = Fraction("1.2")
GAS = {"figure": "gas", "start": "50", "multiple": "0.001", "most": "0.05"}


def rule(**changes: Any) -> AdaptiveRatio:
    return AdaptiveRatio.model_validate({**RULE, **changes})


def history(*prices: str | int) -> PriceHistory:
    return PriceHistory.model_validate(
        {
            "last": "2026-01-31T00:00:00Z",
            "step_seconds": "86400",
            "prices": [str(each) for each in prices],
        }
    )


def applied(*prices: str | int, gas: str = "1", **changes: Any) -> AppliedRatio:
    figures = {"gas": Fraction(gas)}
    return applied_ratio(rule(**changes), FLOOR, {"BTC": history(*prices)}, figures)


def by_formula(
    given_rule: AdaptiveRatio,
    floor: Fraction,
    histories: Sequence[Sequence[Fraction]],
    figures: dict[str, Fraction],
) -> Fraction:
    """The path unrounded; it is rounded up at its end, and once more with the stress."""
    limited = floor
    paths = [ewma_variances(scaled_returns(each), given_rule.decay) for each in histories]
    for variances in zip(*paths, strict=True):
        sigma = max(Fraction(volatility(v, given_rule.horizon), SCALE) for v in variances)
        target = given_rule.base + given_rule.multiple * sigma
        target = sorted([floor, target, given_rule.cap])[1]
        if target > limited + given_rule.max_rise:
            limited += given_rule.max_rise
        elif target < limited - given_rule.max_fall:
            limited -= given_rule.max_fall
        else:
            limited = target
    unit = 10**given_rule.decimals
    limited = Fraction(ceil(limited * unit), unit)
    for each in given_rule.stress:
        over = figures[each.figure] - each.start
        if over > 0:
            limited += min(each.multiple * over, each.most)
    return min(Fraction(ceil(limited * unit), unit), given_rule.cap)


PRICES = st.lists(st.integers(500, 2000), min_size=4, max_size=12)


@st.composite
def cases(draw: st.DrawFn) -> tuple[AdaptiveRatio, list[list[Fraction]], dict[str, Fraction]]:
    count = draw(st.integers(4, 10))
    series = st.lists(st.integers(700, 1300), min_size=count, max_size=count)
    symbols = ["BTC", "ETH"][: draw(st.integers(1, 2))]
    stress = [
        {
            "figure": name,
            "start": str(draw(st.integers(0, 100))),
            "multiple": draw(st.sampled_from(["0.001", "0.0003", "0.02"])),
            "most": draw(st.sampled_from(["0.05", "0.01234", "3"])),
        }
        for name in ["gas", "load"][: draw(st.integers(0, 2))]
    ]
    made = rule(
        symbols=symbols,
        prices=str(count),
        decay=draw(st.sampled_from(["0.36", "0.3", "0.137"])),
        horizon=str(draw(st.integers(1, 30))),
        base=draw(st.sampled_from(["0", "1", "1.03", "1.2"])),
        multiple=draw(st.sampled_from(["0.5", "1.01", "2.5"])),
        cap=draw(st.sampled_from(["1.3", "1.75", "4"])),
        max_rise=draw(st.sampled_from(["0.01", "0.07", "0.5"])),
        max_fall=draw(st.sampled_from(["0.01", "0.05", "0.5"])),
        decimals=str(draw(st.sampled_from([2, 4, 18]))),
        **({"stress": stress} if stress else {}),
    )
    histories = [[Fraction(each, 10) for each in draw(series)] for _ in symbols]
    figures = {each["figure"]: Fraction(draw(st.integers(1, 300))) for each in stress}
    return made, histories, figures


@given(cases())
def test_it_is_the_formula(
    case: tuple[AdaptiveRatio, list[list[Fraction]], dict[str, Fraction]],
) -> None:
    given_rule, series, figures = case
    histories = {
        symbol: history(*[f"{float(each):.1f}" for each in prices])
        for symbol, prices in zip(given_rule.symbols, series, strict=True)
    }
    found = applied_ratio(given_rule, FLOOR, histories, figures)
    assert found.ratio == by_formula(given_rule, FLOOR, series, figures)
    assert FLOOR <= found.ratio <= given_rule.cap
    assert (found.ratio * 10**given_rule.decimals).denominator == 1


def test_a_case_worked_out_by_hand() -> None:
    """Returns 0.125, −0.1, 0.1: variances 0.64·0.125² = 0.01, then 0.36·0.01 + 0.64·0.01 = 0.01.

    σ is 0.1 a day, 0.2 over 4; 1 + 2.5·0.2 = 1.5. From 1.2 that is two steps of 0.2.
    """
    found = applied("100", "112.5", "101.25", "111.375")
    assert found == AppliedRatio(
        ratio=Fraction("1.5"),
        volatility=Fraction("0.2"),
        symbol="BTC",
        target=Fraction("1.5"),
        limited=Fraction("1.5"),
        stress=Fraction(0),
        limit="none",
    )
    assert applied("100", "112.5", "101.25", "111.375", max_rise="0.05").ratio == Fraction("1.35")


@pytest.mark.parametrize(
    ("prices", "changes", "ratio", "limit"),
    [
        ((100, 100, 100, 100), {}, "1.2", "floor"),
        ((100, 101, 102, 103), {}, "1.2", "floor"),
        ((100, "112.5", "101.25", "111.375"), {"cap": "1.4"}, "1.4", "cap"),
        ((100, "112.5", "101.25", "111.375"), {"max_rise": "0.0999"}, "1.4997", "rise"),
        ((100, "112.5", "101.25", "111.375"), {"max_rise": "0.1"}, "1.5", "none"),
        # Up to 1 + 2.5·4·0.8·0.18/2 = 1.72, and then no further down to 1.432 than allowed.
        ((100, 100, 118, 118), {"max_rise": "0.9", "max_fall": "0.27"}, "1.45", "fall"),
        ((100, 100, 118, 118), {"max_rise": "0.9", "max_fall": "0.3"}, "1.432", "none"),
    ],
)
def test_what_held_it(prices: Any, changes: Any, ratio: str, limit: str) -> None:
    found = applied(*prices, **changes)
    assert (found.ratio, found.limit) == (Fraction(ratio), limit)


@pytest.mark.parametrize(
    ("gas", "more"),
    [("1", "0"), ("50", "0"), ("50.001", "0.0001"), ("75", "0.025"), ("100", "0.05"), ("1e9", "0")],
)
def test_network_stress(gas: str, more: str) -> None:
    """Above its start, at most `most`, rounded up to the fourth decimal, on top of what is slow."""
    if gas == "1e9":
        gas, more = "1000000000", "0.05"
    quiet = applied(100, "112.5", "101.25", "111.375", max_rise="0.05")
    found = applied(100, "112.5", "101.25", "111.375", max_rise="0.05", stress=[GAS], gas=gas)
    assert found.ratio == quiet.ratio + Fraction(more)
    assert found.limited == quiet.limited
    assert found.limit == "rise"


def test_stress_stops_at_the_cap() -> None:
    found = applied(100, "112.5", "101.25", "111.375", stress=[{**GAS, "most": "5"}], gas="100000")
    assert (found.ratio, found.limit, found.stress) == (2, "cap", 5)


def test_the_most_volatile_symbol_decides() -> None:
    calm, wild = history(100, 101, 102, 103), history(100, "112.5", "101.25", "111.375")
    for calm_first in (True, False):
        symbols = ["BTC", "ETH"] if calm_first else ["ETH", "BTC"]
        both = {"BTC": calm, "ETH": wild}
        found = applied_ratio(rule(symbols=symbols), FLOOR, both, {})
        assert (found.symbol, found.ratio) == ("ETH", Fraction("1.5"))


STEPS = st.integers(1, 50)


@given(st.lists(st.integers(0, 300), min_size=1, max_size=30), st.integers(0, 300), STEPS, STEPS)
def test_no_step_is_larger_than_allowed(
    targets: list[int], start: int, rise: int, fall: int
) -> None:
    path = [start, *limited_path(targets, start, rise, fall)]
    for before, here, target in zip(path, path[1:], targets, strict=False):
        assert -fall <= here - before <= rise
        # It never goes past its target, nor stops before it if it may reach it.
        assert min(before, target) <= here <= max(before, target)
        assert here == target or abs(here - before) == (rise if target > before else fall)


@given(st.lists(st.integers(0, 300), min_size=2, max_size=30), STEPS, STEPS)
def test_what_a_window_forgets_is_at_most_one_step(
    targets: list[int], rise: int, fall: int
) -> None:
    """Two rounds, one step apart, whose histories begin one step apart, too."""
    floor = min(targets)
    earlier = limited_path(targets[:-1], floor, rise, fall)
    later = limited_path(targets[1:], floor, rise, fall)
    assert -(rise + fall) <= later[-1] - earlier[-1] <= rise


@given(st.lists(st.integers(500, 2000), min_size=6, max_size=12), st.sampled_from(["0.01", "0.2"]))
@example(prices=[1000, 1900, 1900, 1900, 1900], max_rise="0.01")
@example(prices=[1000, 1000, 1900, 1900, 1900, 1900], max_rise="0.01")
def test_from_one_round_to_the_next_it_rises_by_at_most_a_step(
    prices: list[int], max_rise: str
) -> None:
    """Also where a history begins with a crash: its first return is no more than the others."""
    rounds = [prices[:-1], prices[1:]]
    changes: dict[str, Any] = {"prices": str(len(prices) - 1), "max_rise": max_rise}
    before, after = (applied(*each, **changes) for each in rounds)
    assert after.ratio - before.ratio <= Fraction(max_rise)


def test_a_crash_on_the_first_day_of_a_history_is_one_return_among_others() -> None:
    """Seeded with its square, the variance would be 2.7 times as large, all along."""
    found = applied(1000, 500, 500, 500, max_rise="9", max_fall="9", multiple="1", cap="9")
    # 0.5² · 0.64 · 0.36² = 0.020736, its root times 2
    assert found.target == 1 + Fraction("0.288")


# In documents and policies


def adaptive_policy(**changes: Any) -> Policy:
    return policy(ratio="1.2", adaptive={**RULE, **changes})


def test_a_policy_needs_its_histories_and_figures() -> None:
    found = adaptive_policy(symbols=["ETH", "BTC"], stress=[GAS])
    assert list(found.histories) == ["BTC", "ETH"]
    assert found.histories["BTC"] == (86400, 4)
    assert found.figures == ("gas",)
    assert policy().histories == {}
    assert "adaptive" not in policy().to_json_value()
    assert found.to_json_value()["adaptive"] == {**RULE, "symbols": ["ETH", "BTC"], "stress": [GAS]}


@pytest.mark.parametrize(
    ("path", "new", "message"),
    [
        ("symbols", [], "adaptive.symbols: expected a length of at least 1"),
        ("symbols", ["BTC", "BTC"], r"adaptive.symbols\[1\]: expected every symbol once"),
        ("symbols", ["BTC", "SOL"], r"adaptive.symbols\[1\]: expected a symbol whose price the"),
        ("symbols", ["BTC"] * 17, "adaptive.symbols: expected a length of at most 16"),
        ("step_seconds", "0", "adaptive.step_seconds: expected an integer"),
        ("prices", "2", "adaptive.prices: expected an integer"),
        ("prices", "1025", "adaptive.prices: expected an integer"),
        ("decay", "0", "adaptive.decay: expected a decay above 0 and below 1"),
        ("decay", "1", "adaptive.decay: expected a decay above 0 and below 1"),
        ("decay", "0.369", "adaptive.prices: expected so many prices that what lies before them"),
        ("horizon", "0", "adaptive.horizon: expected an integer"),
        ("horizon", "10001", "adaptive.horizon: expected an integer"),
        ("base", "-0.1", "adaptive.base: expected a decimal of at least 0"),
        ("base", "1.21", "adaptive.base: expected at most the policy's ratio 1.2"),
        ("multiple", "0", "adaptive.multiple: expected a decimal above 0"),
        ("cap", "1.2", "adaptive.cap: expected more than the policy's ratio 1.2"),
        ("cap", "1.50001", "adaptive.cap: expected at most 4 decimals"),
        ("max_rise", "0", "adaptive.max_rise: expected a decimal above 0"),
        ("max_rise", "0.00001", "adaptive.max_rise: expected at most 4 decimals"),
        ("max_fall", "0", "adaptive.max_fall: expected a decimal above 0"),
        ("max_fall", "0.30001", "adaptive.max_fall: expected at most 4 decimals"),
        ("max_fall", "0.2666", "adaptive.max_fall: expected enough to fall from the cap to the fl"),
        ("cap", "2.1001", "adaptive.max_fall: expected enough to fall from the cap to the floor"),
        ("decimals", "0", "adaptive.max_rise: expected at most 0 decimals"),
        ("decimals", "19", "adaptive.decimals: expected an integer"),
        ("stress", [{**GAS, "start": "-1"}], r"adaptive.stress\[0\].start: expected a decimal of"),
        ("stress", [{**GAS, "multiple": "0"}], r"adaptive.stress\[0\].multiple: expected a decima"),
        ("stress", [{**GAS, "most": "0"}], r"adaptive.stress\[0\].most: expected a decimal above"),
        ("stress", [GAS, GAS], r"adaptive.stress\[1\].figure: expected every figure once"),
        ("stress", [], "nothing empty that may be left out"),
        ("cap", MISSING, "adaptive.cap: expected this field"),
    ],
)
def test_each_rule_of_a_rule(path: str, new: Any, message: str) -> None:
    adaptive_policy()
    value = {**policy_value(), "ratio": "1.2", "adaptive": RULE}
    with pytest.raises(DocumentError, match=message):
        Policy.from_json_value(changed(value, f"adaptive/{path}", new), "policy")


def test_an_adaptive_ratio_that_nothing_uses_is_refused() -> None:
    claims = {"rating": {"type": "band", "low": "1.5", "high": None}}
    with pytest.raises(DocumentError, match="claims: expected a claim that the maintenance ratio"):
        policy(ratio="1.2", adaptive=RULE, claims=claims)
    with pytest.raises(DocumentError, match=r"ratio: expected at most 4 decimals.*got 1\.20001"):
        policy(ratio="1.20001", adaptive=RULE)
    assert policy(ratio="1.20001", adaptive={**RULE, "decimals": "5"}).adaptive


# In the engine

WILD = (100, "112.5", "101.25", "111.375")


def adaptive_world(owed: str = "1000", prices: Any = WILD, **changes: Any) -> World:
    """1500 of collateral against what is owed; the ratio of the wild history is 1.5."""
    found = world(
        {"collateral": {"BTC": "1"}, "debt": {"USDC": "1"}},
        {"BTC": "100", "USDC": "1"},
        {"collateral": {"BTC": "15"}, "debt": {"USDC": owed}},
        figures={"gas": "75"},
        ratio="1.2",
        adaptive={**RULE, **changes},
        claims={"maintenance": {"type": "maintenance"}},
        liquidation={
            "ratio": "1.1",
            "penalty": "0.05",
            "protocol_share": "0.5",
            "close_factor": "0.5",
            "close_all_below": "0.95",
            "minimum": "0",
        },
    )
    portfolio, rule_, registry, round_ = found
    histories = {"BTC": history(*prices).model_dump()}
    value = {**round_.to_json_value(), "histories": histories}
    return portfolio, rule_, registry, type(round_).from_json_value(value, "round")


FALL = {"name": "fall", "shocks": {"BTC": "-0.1"}}


@pytest.mark.parametrize(
    ("claim", "most"),
    [
        (Maintenance(), Fraction(1000)),
        (Stress.model_validate({"scenarios": (FALL,)}), Fraction(900)),
        (Survives.model_validate({"assets": ("BTC",), "fall": "0.2"}), Fraction(800)),
        (Band.model_validate({"low": "1.25", "high": None}), Fraction(1200)),
    ],
    ids=lambda value: getattr(value, "type", ""),
)
def test_every_claim_of_maintenance_has_it_and_a_band_has_its_own(
    claim: Any, most: Fraction
) -> None:
    """1500 of collateral bears so much debt, to the last unit."""
    unit = Fraction(1, 10**8)
    for owed, holds in ((most, True), (most + unit, False)):
        portfolio, rule_, registry, prices = adaptive_world(f"{float(owed):.8f}")
        found = evaluate(claim, rule_, registry, prices, portfolio.amounts(registry))
        assert found.holds is holds


def test_thresholds_and_the_report() -> None:
    setting = adaptive_world(stress=[GAS])
    account = account_of(*setting, None)
    assert maintenance_threshold(account).ratio == Fraction("1.525")
    liquidation = liquidation_threshold(account)
    assert liquidation is not None
    assert liquidation.ratio == Fraction("1.1")
    report = health_report(*setting)
    assert report.ratio == Fraction("1.525")
    assert report.maintenance.headroom == 1500 - Fraction("1.525") * 1000
    assert not report.maintained
    assert report_json(report)["ratio"] == "1.525"
    assert report_json(report)["adaptive"] == {
        "ratio": "1.525",
        "volatility": "0.2",
        "symbol": "BTC",
        "target": "1.5",
        "limited": "1.5",
        "stress": "0.025",
        "limit": "none",
    }


def test_a_report_without_adaptive_ratio() -> None:
    found = health_report(
        *world(
            {"collateral": {"BTC": "1"}, "debt": {}},
            {"BTC": "100"},
            {"collateral": {"BTC": "1"}},
            ratio="1.3",
        )
    )
    assert (found.ratio, found.adaptive) == (Fraction("1.3"), None)
    assert report_json(found)["adaptive"] is None


@pytest.mark.parametrize(
    ("histories", "message"),
    [
        ({}, "no history of BTC of 4 prices every 86400 seconds"),
        ({"BTC": history(1, 2, 3)}, "no history of BTC of 4 prices"),
        ({"BTC": history(1, 2, 3, 4, 5)}, "no history of BTC of 4 prices"),
        (
            {"BTC": history(1, 2, 3, 4).model_copy(update={"step_seconds": 86399})},
            "no history of BTC of 4 prices every 86400",
        ),
    ],
)
def test_a_round_without_what_the_policy_needs(histories: Any, message: str) -> None:
    _, rule_, _, prices = adaptive_world()
    with pytest.raises(CompileError, match=message):
        price(rule_, prices.model_copy(update={"histories": histories}))


def test_histories_in_a_round_end_together() -> None:
    prices = adaptive_world()[3]
    rule_ = adaptive_policy(symbols=["BTC", "ETH"])
    own = dict.fromkeys(rule_.symbols, "1")
    earlier = history(*WILD).model_dump() | {"last": "2026-01-30T00:00:00Z"}
    both = {"BTC": history(*WILD).model_dump(), "ETH": earlier}
    value = {**prices.to_json_value(), "prices": own, "histories": both}
    with pytest.raises(CompileError, match="end at different times"):
        price(rule_, type(prices).from_json_value(value, "round"))


@given(PRICES, st.integers(0, 11), st.integers(1, 400))
@example(prices=[1000, 1125, 1012, 1113], place=3, by=1)
def test_every_price_of_the_history_counts(prices: list[int], place: int, by: int) -> None:
    """With room to move, one price changed is another volatility at some step, so another path."""
    place %= len(prices)
    other = prices.copy()
    other[place] += by
    paths = [
        ewma_variances(scaled_returns([Fraction(each) for each in series]), Fraction(1, 2))
        for series in (prices, other)
    ]
    assert paths[0] != paths[1]
