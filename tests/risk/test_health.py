"""The plain check of every claim: exact (known failure 22), and right."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.risk.documents import policy, policy_value, price_round, registry
from zkcollateral.errors import CompileError, OpeningError
from zkcollateral.risk.health import Evaluation, evaluate
from zkcollateral.risk.policy import Policy
from zkcollateral.risk.prices import PriceRound
from zkcollateral.risk.registry import Registry


def world(
    ratio: str = "1",
    *,
    claim: dict[str, Any] | None = None,
    decimals: str | None = None,
    prices: dict[str, str] | None = None,
    factors: dict[str, Any] | None = None,
    unit: str = "0",
) -> tuple[Policy, Registry, PriceRound]:
    """Eight slots: A is collateral, D debt, S signed, U signed and not priced, four are unused."""
    assets = [
        {"slot": str(slot), "symbol": symbol, "unit": unit, "side": side}
        for slot, (symbol, side) in enumerate(
            [("A", "collateral"), ("D", "debt"), ("S", "signed"), ("U", "signed")]
        )
    ]
    found = Registry.from_json_value(
        {"format": "zkcollateral/registry/1", "name": "r", "slots": "8", "assets": assets}, "r"
    )
    made = policy(
        ratio=ratio,
        value_decimals=decimals,
        factors=factors
        or {
            "collateral": {"A": "1"},
            "debt": {"D": "1"},
            "signed": {"S": {"long": "0.9", "short": "1.1"}},
        },
        claims={"it": claim or {"type": "maintenance"}},
    )
    return made, found, price_round(prices=prices or {"A": "1", "D": "1", "S": "1"})


def look(setting: tuple[Policy, Registry, PriceRound], *amounts: int) -> Evaluation:
    made, found, prices = setting
    padded = (*amounts, *[0] * (found.slots - len(amounts)))
    return evaluate(made.claims["it"], made, found, prices, padded)


@pytest.mark.parametrize(("threshold", "ratio"), [("0.6", "1.2"), ("0.7", "1.4")])
def test_worked_case_of_aave(threshold: str, ratio: str) -> None:
    """Collateral 4,000 and debt 2,000: health factor 1.2 at 60 per cent, 1.4 at 70.

    Source: aave/aave-utilities, math-utils, generate-raw-user-summary.test.
    """
    factors = {"collateral": {"A": threshold}, "debt": {"D": "1"}, "signed": {}}
    result = look(world(factors=factors, prices={"A": "1", "D": "1"}), 4000, 2000)
    assert result.ratio == Fraction(ratio)
    assert result.holds


def test_maintenance_holds_at_equality_and_not_one_unit_below() -> None:
    setting = world("1.25")
    assert look(setting, 125, 100).holds
    assert not look(setting, 124, 100).holds
    assert look(setting, 124, 100).margins[0].value == -1
    assert look(setting, 125, 100).margins[0].value == 0


def test_a_float_does_not_decide() -> None:
    """0.1 · 3 > 0.3 in doubles: the debt of three would look larger than the collateral of one."""
    setting = world(prices={"A": "0.3", "D": "0.1", "S": "1"})
    assert 0.1 * 3 > 0.3
    assert look(setting, 1, 3).holds
    # And a difference that doubles cannot see decides.
    prices = {"A": "1000000000000000000000.0000000000000000001", "D": "1000000000000000000000"}
    close = world(prices={**prices, "S": "1"})
    assert look(close, 1, 1).margins[0].value == Fraction(1, 10**19)
    assert not look(world(prices={"A": prices["D"], "D": prices["A"], "S": "1"}), 1, 1).holds


def test_an_empty_account_is_maintained_and_has_no_ratio() -> None:
    result = look(world())
    assert result.holds
    assert result.ratio is None


def test_a_signed_position_counts_with_the_factor_of_its_sign() -> None:
    setting = world("2", prices={"A": "1", "D": "1", "S": "10"})
    long, short = look(setting, 0, 0, 5), look(setting, 0, 0, -5)
    assert (long.collateral, long.debt) == (45, 0)
    assert (short.collateral, short.debt) == (0, 55)
    assert long.margins[0].value == 45
    assert short.margins[0].value == -110


def test_stress_needs_every_scenario() -> None:
    claim = {
        "type": "stress",
        "scenarios": [
            {"name": "calm", "shocks": {}},
            {"name": "fall", "shocks": {"A": "-0.5"}},
            {"name": "rise", "shocks": {"D": "0.5"}},
        ],
    }
    margins = {m.name: m.value for m in look(world(claim=claim), 200, 100).margins}
    assert margins == {"calm": 100, "fall": 0, "rise": 50}
    assert look(world(claim=claim), 200, 100).holds
    assert not look(world(claim=claim), 199, 100).holds
    assert look(world(claim=claim), 199, 99).holds


def test_a_shock_moves_a_symbol_on_every_side() -> None:
    claim = {"type": "survives", "assets": ["S"], "fall": "1"}
    assert look(world(claim=claim), 0, 0, -7).margins[1].value == 0
    assert look(world(claim=claim), 0, 0, 7).margins[1].value == 0


def test_survives_is_maintenance_now_and_after_the_fall() -> None:
    claim = {"type": "survives", "assets": ["A"], "fall": "0.3"}
    setting = world("1.4", claim=claim)
    assert look(setting, 200, 100).holds
    assert not look(setting, 199, 100).holds
    assert [margin.name for margin in look(setting, 200, 100).margins] == ["now", "survives"]


def test_a_debt_that_gets_cheaper_does_not_hide_that_it_is_too_large_now() -> None:
    claim = {"type": "survives", "assets": ["D"], "fall": "0.5"}
    setting = world("1.4", claim=claim)
    assert [margin.met for margin in look(setting, 100, 100).margins] == [False, True]
    assert not look(setting, 100, 100).holds


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        ((150, 100), True),
        ((149, 100), False),
        ((199, 100), True),
        ((200, 100), False),
        ((1, 0), False),
        ((0, 0), False),
    ],
)
def test_a_band_includes_its_lower_bound_only(amounts: tuple[int, int], expected: bool) -> None:
    claim = {"type": "band", "low": "1.5", "high": "2.0"}
    # The policy's own ratio has no part in a band.
    for ratio in ("1", "9"):
        result = look(world(ratio, claim=claim), *amounts)
        assert result.holds is expected
        assert [(m.name, m.strict) for m in result.margins] == [("low", False), ("high", True)]


def test_the_highest_band_has_no_upper_bound() -> None:
    claim = {"type": "band", "low": "1.5", "high": None}
    assert look(world(claim=claim), 10**9, 100).holds
    assert look(world(claim=claim), 1, 0).holds
    assert look(world(claim=claim), 0, 0).holds
    assert not look(world(claim=claim), 149, 100).holds


def test_rounding_is_against_the_prover() -> None:
    thirds = {"collateral": {"A": "0.333"}, "debt": {"D": "0.333"}, "signed": {}}
    prices = {"A": "1", "D": "1"}

    def margin(decimals: str | None, *amounts: int) -> Fraction:
        return (
            look(world(decimals=decimals, factors=thirds, prices=prices), *amounts).margins[0].value
        )

    assert margin(None, 100, 0) == Fraction("33.3")
    assert margin("2", 100, 0) == 33
    assert margin("0", 100, 0) == 0
    assert margin(None, 0, 100) == Fraction("-33.3")
    assert margin("2", 0, 100) == -34
    assert margin("0", 0, 100) == -100
    assert margin("3", 100, 100) == 0


def test_rounding_of_a_signed_position_is_against_the_prover_on_both_sides() -> None:
    factors = {
        "collateral": {"A": "1"},
        "debt": {"D": "1"},
        "signed": {"S": {"long": "0.55", "short": "0.55"}},
    }
    setting = world(decimals="1", factors=factors)
    assert look(setting, 0, 0, 10).margins[0].value == 5
    assert look(setting, 0, 0, -10).margins[0].value == -6


def test_the_ratio_is_part_of_what_is_rounded() -> None:
    factors = {"collateral": {"A": "1"}, "debt": {"D": "0.33"}, "signed": {}}
    prices = {"A": "1", "D": "1"}
    claim = {"type": "band", "low": "1.5", "high": "1.6"}
    low, high = look(
        world(decimals="1", claim=claim, factors=factors, prices=prices), 0, 10
    ).margins
    # 0.495 is rounded up to 0.5 and 0.528 down; 0.4 · 1.5 and 0.3 · 1.6 would be others.
    assert low.value == -5
    assert high.value == 5
    maintenance = world("1.5", decimals="1", factors=factors, prices=prices)
    assert look(maintenance, 0, 10).margins[0].value == -5


def test_the_upper_bound_of_a_band_is_rounded_the_other_way() -> None:
    claim = {"type": "band", "low": "0", "high": "1"}
    factors = {"collateral": {"A": "0.55"}, "debt": {"D": "0.55"}, "signed": {}}
    setting = world(decimals="1", claim=claim, factors=factors, prices={"A": "1", "D": "1"})
    low, high = look(setting, 10, 11).margins
    # Collateral counts 5 below and 6 above; debt counts 0 at low = 0, and 5.5 above, not 6.6.
    assert low.value == 5
    assert high.value == Fraction("5.5") - 6


def test_the_unit_is_part_of_the_value_of_one_unit() -> None:
    assert look(world(unit="-3"), 2500, 1500).collateral == Fraction("2.5")
    assert look(world(unit="-3"), 2500, 1500).margins[0].value == 1
    assert look(world(unit="2"), 3, 1).margins[0].value == 200
    # One unit is worth 0.001, which two decimals round to nothing, or to 0.01 of debt.
    assert look(world(unit="-3", decimals="2"), 2500, 0).margins[0].value == 0
    assert look(world(unit="-3", decimals="2"), 0, 1500).margins[0].value == -15


@pytest.mark.parametrize(
    ("amounts", "misplaced"),
    [
        ((10**6, 0, 0, 1), ("U (signed)",)),
        ((10**6, 0, 0, -1), ("U (signed)",)),
        ((10**6, 0, 0, 0, 1), ("slot 4",)),
        ((10**6, 0, 0, 0, 0, 0, 0, -1), ("slot 7",)),
        ((10**6, -1), ("D (debt)",)),
        ((-1, 0, 10**6), ("A (collateral)",)),
        ((-1, -1, 10**6), ("A (collateral)", "D (debt)")),
    ],
)
def test_what_is_not_priced_is_zero_and_what_is_unsigned_not_negative(
    amounts: tuple[int, ...], misplaced: tuple[str, ...]
) -> None:
    result = look(world(), *amounts)
    assert all(margin.met for margin in result.margins)
    assert result.misplaced == misplaced
    assert not result.holds


def test_a_claim_without_its_prices_cannot_be_asked() -> None:
    with pytest.raises(CompileError, match="the price round has no price of S"):
        look(world(prices={"A": "1", "D": "1"}))
    made, found, prices = world()
    euro = PriceRound.from_json_value({**prices.to_json_value(), "quote": "EUR"}, "r")
    with pytest.raises(CompileError, match="the policy counts in USD, the price round in EUR"):
        evaluate(made.claims["it"], made, found, euro, [0] * 8)


@pytest.mark.parametrize("count", [0, 7, 9])
def test_there_are_as_many_amounts_as_slots(count: int) -> None:
    made, found, prices = world()
    with pytest.raises(OpeningError, match=f"expected 8 amounts, got {count}"):
        evaluate(made.claims["it"], made, found, prices, [0] * count)


def test_a_result_does_not_print_itself() -> None:
    result = look(world(), 31337, 313)
    for text in (repr(result), str(result), repr(result.margins)):
        assert "31" not in text


# The same questions, asked a second way: integers only, everything scaled by one power of ten.

SCALE = 12
DECIMAL = st.integers(0, 4000).map(lambda n: f"{n // 1000}.{n % 1000:03d}")
POSITIVE = st.integers(1, 4000).map(lambda n: f"{n // 1000}.{n % 1000:03d}")
SHOCK = st.integers(-1000, 1000).map(
    lambda n: f"{'-' if n < 0 else ''}{abs(n) // 1000}.{abs(n) % 1000:03d}"
)


def milli(text: str) -> int:
    return int(text.replace(".", ""))


def rounded(value: int, digits: int, decimals: int | None, up: bool) -> int:
    """`value`·10^−digits rounded to `decimals`, again in units of 10^−digits."""
    if decimals is None or decimals >= digits:
        return value
    step = 10 ** (digits - decimals)
    return -(-value // step) * step if up else value // step * step


AT_MOST_ONE = st.integers(0, 1000).map(lambda number: f"{number // 1000}.{number % 1000:03d}")


@st.composite
def questions(draw: st.DrawFn) -> tuple[dict[str, Any], tuple[int, ...]]:
    kind = draw(st.sampled_from(["maintenance", "stress", "band", "survives"]))
    claim: dict[str, Any] = {"type": kind}
    if kind == "stress":
        shocks = st.dictionaries(st.sampled_from("ADS"), SHOCK)
        claim["scenarios"] = [
            {"name": f"s{i}", "shocks": s}
            for i, s in enumerate(draw(st.lists(shocks, min_size=1, max_size=3)))
        ]
    elif kind == "survives":
        claim["assets"] = draw(st.lists(st.sampled_from("ADS"), min_size=1, unique=True))
        claim["fall"] = f"0.{draw(st.integers(1, 999)):03d}"
    elif kind == "band":
        low, high = sorted(
            draw(st.lists(st.integers(0, 4000), min_size=2, max_size=2, unique=True))
        )
        claim["low"] = f"{low // 1000}.{low % 1000:03d}"
        claim["high"] = draw(st.sampled_from([None, f"{high // 1000}.{high % 1000:03d}"]))
    settings = {
        "claim": claim,
        "ratio": draw(POSITIVE),
        "decimals": draw(st.sampled_from([None, "0", "1", "2", "4", "12", "20"])),
        "prices": {symbol: draw(POSITIVE) for symbol in "ADS"},
        "factors": {
            "collateral": {"A": draw(AT_MOST_ONE)},
            "debt": {"D": draw(DECIMAL)},
            "signed": {"S": {"long": draw(AT_MOST_ONE), "short": draw(DECIMAL)}},
        },
        "unit": draw(st.sampled_from(["-3", "0"])),
    }
    amounts = (
        draw(st.integers(-1, 300) | st.integers(0, 2**63)),
        draw(st.integers(-1, 300) | st.integers(0, 2**63)),
        draw(st.integers(-300, 300)),
        draw(st.sampled_from([0, 0, 0, 0, 1])),
    )
    return settings, amounts


def second_opinion(settings: dict[str, Any], amounts: tuple[int, ...]) -> bool:
    a, d, s, u = amounts
    if a < 0 or d < 0 or u:
        return False
    decimals = None if settings["decimals"] is None else int(settings["decimals"])
    factors, prices = settings["factors"], settings["prices"]
    digits = SCALE - int(settings["unit"])

    def worth(symbol: str, factor: str, ratio: str, shock: str, up: bool) -> int:
        exact = milli(prices[symbol]) * milli(factor) * milli(ratio) * (1000 + milli(shock))
        return rounded(exact, digits, decimals, up)

    def condition(ratio: str, shocks: dict[str, str], below: bool) -> int:
        def one(symbol: str, factor: str, times: str, helps: bool) -> int:
            return worth(symbol, factor, times, shocks.get(symbol, "0.000"), up=not helps)

        held = a * one("A", factors["collateral"]["A"], "1.000", not below)
        owed = d * one("D", factors["debt"]["D"], ratio, below)
        if s > 0:
            held += s * one("S", factors["signed"]["S"]["long"], "1.000", not below)
        else:
            owed -= s * one("S", factors["signed"]["S"]["short"], ratio, below)
        return owed - held if below else held - owed

    claim, ratio = settings["claim"], settings["ratio"]
    match claim["type"]:
        case "maintenance":
            return condition(ratio, {}, below=False) >= 0
        case "stress":
            return all(
                condition(ratio, each["shocks"], below=False) >= 0 for each in claim["scenarios"]
            )
        case "survives":
            fallen = dict.fromkeys(claim["assets"], "-" + claim["fall"])
            return all(condition(ratio, each, below=False) >= 0 for each in ({}, fallen))
        case _:
            if condition(claim["low"], {}, below=False) < 0:
                return False
            return claim["high"] is None or condition(claim["high"], {}, below=True) > 0


@given(questions())
def test_two_ways_to_compute_agree(question: tuple[dict[str, Any], tuple[int, ...]]) -> None:
    settings, amounts = question
    assert look(world(**settings), *amounts).holds is second_opinion(settings, amounts)


@given(questions(), st.sampled_from(["0", "2", "5"]))
def test_rounding_never_turns_a_false_claim_true(
    question: tuple[dict[str, Any], tuple[int, ...]], decimals: str
) -> None:
    settings, amounts = question
    if look(world(**{**settings, "decimals": decimals}), *amounts).holds:
        assert look(world(**{**settings, "decimals": None}), *amounts).holds


def test_the_sample_policy_is_about_the_sample_registry() -> None:
    made, found, prices = policy(), registry(), price_round()
    amounts = (150_000_000, 0, 0, 0, 20_000_000_000, -30_000, 0, 0)
    result = evaluate(made.claims["maintenance"], made, found, prices, amounts)
    assert result.collateral == Fraction("1.5") * Fraction("64000.1") * Fraction("0.85")
    assert result.debt == 20_000 + 3 * Fraction("3001.5") * Fraction("1.1")
    assert (
        result.margins[0].value
        == result.collateral - Fraction(policy_value()["ratio"]) * result.debt
    )
