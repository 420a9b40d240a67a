"""Many accounts at once: the verdicts of the exact engine, whatever doubles make of the numbers."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.risk.fleets import LARGEST, RULES, Amounts, World, accounts, world, worlds
from zkcollateral.errors import CompileError, InputError
from zkcollateral.risk import fleet_bounds
from zkcollateral.risk.claims import ClaimRule, Covers, Maintenance, NotLiquidatable
from zkcollateral.risk.fleet import FleetEvaluation, evaluate_fleet
from zkcollateral.risk.fleet_bounds import Columns, make_exact, make_filter, margins
from zkcollateral.risk.fleet_conditions import conditions
from zkcollateral.risk.fleet_slices import Slice
from zkcollateral.risk.health import evaluate
from zkcollateral.risk.pricing import price

MAINTENANCE: dict[str, Any] = {"type": "maintenance"}
SIGNED = {
    "collateral": {"A": "1", "B": "1"},
    "debt": {"D": "1"},
    "signed": {"S": {"long": "0.9", "short": "1.1"}},
}
SEEDS = st.integers(0, 1 << 32)


def look(here: World, amounts: Amounts) -> FleetEvaluation:
    return evaluate_fleet(here.claim, here.policy, here.registry, here.prices, amounts)


def fleet_of(*accounts: dict[str, int]) -> Amounts:
    """Accounts by symbol: A, B and C are held, D is owed; U and Z are not priced."""
    rows = np.zeros((len(accounts), 8), np.int64)
    for index, amounts in enumerate(accounts):
        for symbol, amount in amounts.items():
            rows[index, "ABC DSUZ".index(symbol)] = amount
    return rows


def disagreements(rule: str, examples: int) -> tuple[int, dict[str, int]]:
    """Accounts of random policies with another verdict, and how many there were of what kind."""
    wrong = 0
    seen = {"accounts": 0, "hold": 0, "exactly": 0}

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
    @given(worlds(rule), SEEDS)
    def compare(here: World, seed: int) -> None:
        nonlocal wrong
        amounts = accounts(here, seed)
        found = look(here, amounts)
        expected = np.array([here.holds(each) for each in amounts])
        wrong += int((found.holds != expected).sum())
        seen["accounts"] += len(amounts)
        seen["hold"] += int(expected.sum())
        seen["exactly"] += found.decided_exactly

    compare()
    return wrong, seen


def check_agreement(rule: str, examples: int) -> None:
    wrong, seen = disagreements(rule, examples)
    assert wrong == 0
    # They were worth asking about: both verdicts, and doubtful ones.
    assert seen["accounts"] > 24 * examples
    assert 0.03 < seen["hold"] / seen["accounts"] < 0.97
    assert seen["exactly"] > 0


@pytest.mark.parametrize("rule", RULES)
def test_the_verdicts_are_those_of_the_exact_engine(rule: str) -> None:
    """Over random policies with every rule mixed in, at their thresholds and everywhere else."""
    check_agreement(rule, 30)


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_the_verdicts_are_those_of_the_exact_engine_for_long(rule: str) -> None:
    check_agreement(rule, 200)


def test_believing_doubles_would_give_wrong_verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The filter with a bound of zero errs on the very accounts of the tests above."""
    monkeypatch.setattr(fleet_bounds, "UNIT_ROUNDOFF", 0.0)
    monkeypatch.setattr(fleet_bounds, "NEGLIGIBLE_WORTH", 0.0)
    wrong, _ = disagreements("not_liquidatable", 30)
    assert wrong > 0


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(RULES).flatmap(worlds), SEEDS)
def test_margins_in_doubles_are_within_the_bound_of_the_exact_ones(here: World, seed: int) -> None:
    rng = np.random.default_rng(seed)
    amounts = np.floor(2 ** rng.uniform(0, 63, (8, 12))).astype(np.int64)
    amounts[5] *= rng.choice([-1, 1], 12)
    pricing = price(here.policy, here.prices)
    assert not isinstance(here.claim, Covers)
    for condition in conditions(here.claim, here.policy, here.registry, pricing):
        approximate = make_filter(condition)
        margin, size = margins(approximate.condition, Columns(amounts, np.float64))
        bound = size * approximate.per_size + approximate.absolute
        whole = make_exact(condition)
        _, exact = whole.decide(Columns(amounts, np.object_))
        _, _, described = approximate.decide(Columns(amounts, np.float64))
        for index, true in enumerate(exact):
            scaled = true * Fraction(2) ** approximate.exponent
            assert abs(scaled - Fraction(margin[index])) <= Fraction(bound[index])
            tolerance = Fraction(bound[index]) / Fraction(2) ** approximate.exponent
            assert described[index] == pytest.approx(float(true), rel=1e-9, abs=float(tolerance))
        # It is a bound that decides something.
        assert (bound <= 1e-13 * size + approximate.absolute).all()


def test_equality_holds_and_one_unit_less_does_not() -> None:
    """0.1 · 3 > 0.3 in doubles, and 2^62 + 1 is no double at all."""
    cases = [
        (world(MAINTENANCE, prices={"A": "0.3", "D": "0.1"}), 1, 3),
        (world(MAINTENANCE, prices={"A": "0.3", "D": "0.1"}), 10**17, 3 * 10**17),
        (world(MAINTENANCE), (1 << 62) + 1, (1 << 62) + 1),
        (world(MAINTENANCE, ratio="1.1"), 11 * 10**16, 10**17),
        (
            world(MAINTENANCE, prices={"A": "0." + "0" * 29 + "1"}, ratio="0." + "0" * 29 + "1"),
            5,
            5,
        ),
        (world(MAINTENANCE, prices={"A": "1" + "0" * 30}, ratio="1" + "0" * 30), 5, 5),
    ]
    for here, held, owed in cases:
        amounts = fleet_of(*({"A": held + more, "D": owed} for more in (-1, 0, 1)))
        found = look(here, amounts)
        assert found.holds.tolist() == [False, True, True]
        assert found.decided_exactly >= 1


def test_what_doubles_cannot_tell_apart_is_decided_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    here = world(MAINTENANCE)
    amounts = fleet_of({"A": 1 << 62, "D": (1 << 62) + 1})
    found = look(here, amounts)
    assert (found.holds.tolist(), found.decided_exactly) == ([False], 1)
    assert found.worst_margin_float.tolist() == [-1]
    monkeypatch.setattr(fleet_bounds, "UNIT_ROUNDOFF", 0.0)
    alone = look(here, amounts)
    assert (alone.holds.tolist(), alone.decided_exactly) == ([True], 0)


def test_the_strict_bound_of_a_band() -> None:
    here = world({"type": "band", "low": "1.1", "high": "2"})
    held = (11 * 10**15 - 1, 11 * 10**15, 2 * 10**16 - 1, 2 * 10**16)
    found = look(here, fleet_of(*({"A": amount, "D": 10**16} for amount in held), {}))
    assert found.holds.tolist() == [False, True, True, False, False]


def test_what_is_above_an_uncounted_limit_does_not_count_in_any_condition() -> None:
    limit = {"name": "l", "assets": ["A"], "share": "0.5", "excess": "uncounted"}
    here = world({"type": "band", "low": "1", "high": "2"}, limits=[limit])
    owed = (25, 26, 50, 51)
    found = look(here, fleet_of(*({"A": 100, "D": amount} for amount in owed)))
    assert found.holds.tolist() == [False, True, True, False]


def test_weights_too_far_apart_for_doubles() -> None:
    """A weighs 10^180 times as much as B: beside A in the policy, B's unit is nothing."""
    tiny, huge = "0." + "0" * 39 + "1", "1" + "0" * 39
    factors = {"collateral": {"A": "1", "B": tiny}, "debt": {"D": tiny}, "signed": {}}
    prices = {"A": huge, "B": tiny, "D": tiny}
    shocks = {"A": huge, "B": "-0." + "9" * 40, "D": "-0." + "9" * 40}
    claim = {"type": "stress", "scenarios": [{"name": "s", "shocks": shocks}]}
    here = world(claim, factors, prices=prices)
    amounts = fleet_of({"B": 1, "D": 1}, {"B": 1, "D": 2}, {"A": 1, "D": LARGEST}, {})
    found = look(here, amounts)
    assert found.holds.tolist() == [True, False, True, True]
    assert found.holds.tolist() == [here.holds(each) for each in amounts]


def test_a_weight_of_nothing_in_doubles_is_not_taken_for_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With every weight below 1 neglected, the bound grows by what they could be worth."""
    monkeypatch.setattr(fleet_bounds, "NEGLIGIBLE", 1 / 2)
    monkeypatch.setattr(fleet_bounds, "NEGLIGIBLE_WORTH", 2.0**63)
    here = world(MAINTENANCE, reserve="0.125", prices={"B": "0.125", "D": "0.25"})
    amounts = fleet_of({"B": 3, "D": 1}, {"B": 2, "D": 1}, {"A": LARGEST, "B": LARGEST})
    found = look(here, amounts)
    assert found.holds.tolist() == [True, False, True]
    assert found.decided_exactly == 3
    monkeypatch.setattr(fleet_bounds, "NEGLIGIBLE_WORTH", 0.0)
    assert look(here, amounts).holds.tolist() == [True, True, True]


def test_the_largest_amounts_on_both_sides_of_zero() -> None:
    here = world(MAINTENANCE, SIGNED)
    lowest = -(1 << 63)
    amounts = fleet_of(
        {"A": LARGEST, "B": LARGEST, "S": lowest},
        {"A": LARGEST, "S": lowest},
        {"S": lowest},
        {"S": LARGEST, "D": LARGEST},
        {"S": LARGEST, "A": LARGEST, "D": LARGEST},
    )
    assert look(here, amounts).holds.tolist() == [True, False, False, False, True]
    assert [here.holds(each) for each in amounts] == [True, False, False, False, True]


@pytest.mark.parametrize(
    "misplaced", [{"A": -1}, {"D": -1}, {"U": 1}, {"U": -1}, {"Z": 1}, {"C": 1}]
)
def test_a_misplaced_amount_fails_whatever_the_margin(misplaced: dict[str, int]) -> None:
    here = world(MAINTENANCE, SIGNED)
    found = look(here, fleet_of({"B": LARGEST}, {"B": LARGEST, **misplaced}))
    assert found.holds.tolist() == [True, False]
    assert np.isnan(found.worst_margin_float).tolist() == [False, True]
    assert found.decided_exactly == 0


def test_a_category_lends_what_it_names_only() -> None:
    category = {"collateral": {"A": "0.5"}, "debts": ["D"]}
    here = world({**MAINTENANCE, "category": "near"}, SIGNED, categories={"near": category})
    amounts = fleet_of(
        {"A": 20, "D": 10}, {"A": 19, "D": 10}, {"A": 20, "S": 1}, {"A": 20, "S": -1}
    )
    assert look(here, amounts).holds.tolist() == [True, False, False, False]


def ordinary(accounts: int, seed: int = 7) -> Amounts:
    rng = np.random.default_rng(seed)
    amounts = np.zeros((accounts, 8), np.int64)
    amounts[:, :2] = 10 ** rng.uniform(3, 12, (accounts, 2))
    amounts[:, 4] = 10 ** rng.uniform(3, 12, accounts)
    amounts[:, 5] = 10 ** rng.uniform(3, 12, accounts) * rng.choice([-1, 0, 1], accounts)
    amounts[rng.random(accounts) < 0.1] = 0
    return amounts


def test_ordinary_accounts_are_decided_by_the_filter() -> None:
    here = world(MAINTENANCE, SIGNED, prices={"A": "64000.12", "S": "0.1"}, ratio="1.25")
    amounts = ordinary(100_000)
    found = look(here, amounts)
    assert found.decided_exactly <= 2
    assert 0.2 < found.holds.mean() < 0.95
    # Accounts without anything are as certain as others.
    assert found.holds[~amounts.any(axis=1)].all()
    for index in range(0, len(amounts), 1000):
        assert found.holds[index] == here.holds(amounts[index])


def test_the_float_describes_the_worst_margin() -> None:
    claim = {"type": "survives", "assets": ["A"], "fall": "0.5"}
    here = world(claim, SIGNED, prices={"A": "64000.12", "S": "0.1"}, ratio="1.25")
    amounts = ordinary(50)
    found = look(here, amounts)
    for index, each in enumerate(amounts.tolist()):
        exact = evaluate(here.claim, here.policy, here.registry, here.prices, each)
        worst = min(margin.value for margin in exact.margins)
        assert found.worst_margin_float[index] == pytest.approx(float(worst), rel=1e-9)


@pytest.mark.parametrize("count", [0, 1, 8191, 8192, 8193, 20_000])
def test_any_number_of_accounts(count: int) -> None:
    here = world(MAINTENANCE)
    pattern = fleet_of({"A": 3, "D": 3}, {"A": 2, "D": 3}, {"A": 9, "D": 3})
    found = look(here, np.resize(pattern, (count, 8)))
    assert found.holds.tolist() == np.resize([True, False, True], count).tolist()
    assert found.worst_margin_float.shape == (count,)
    assert found.decided_exactly == (count + 2) // 3


def test_any_layout_of_the_array_and_nothing_written_to_it() -> None:
    here = world(MAINTENANCE, SIGNED)
    amounts = ordinary(3000)
    amounts.setflags(write=False)
    expected = look(here, amounts).holds
    assert (look(here, np.asfortranarray(amounts)).holds == expected).all()
    assert (look(here, amounts[::3]).holds == expected[::3]).all()
    assert (look(here, amounts[::-1]).holds == expected[::-1]).all()


def test_conditions_that_do_not_fit_the_memory_of_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    scenarios = [{"name": f"s{i}", "shocks": {"A": f"-0.{i:02d}"}} for i in range(1, 40)]
    here = world({"type": "stress", "scenarios": scenarios}, SIGNED)
    expected = look(here, ordinary(500)).holds
    monkeypatch.setattr(fleet_bounds, "MAX_COLUMNS", 1)
    assert (look(here, ordinary(500)).holds == expected).all()


def test_memory_beside_the_amounts_is_small() -> None:
    here = world(MAINTENANCE, SIGNED)
    amounts = np.tile(ordinary(1000), (500, 1))
    tracemalloc.start()
    look(here, amounts)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # 9 bytes of results per account, and the chunk.
    assert peak < 9 * len(amounts) + 16 * 2**20


@given(
    st.lists(st.integers(-(1 << 63), LARGEST) | st.integers(-9, 9), min_size=1, max_size=5),
    st.booleans(),
    st.booleans(),
    st.integers(0, LARGEST) | st.integers(0, 5),
    st.none() | st.integers(1, LARGEST) | st.integers(1, 5),
)
def test_a_slice_is_exact(
    amounts: list[int], short: bool, whole: bool, start: int, width: int | None
) -> None:
    end = None if width is None else min(start + width, LARGEST)
    if end is not None and end <= start:
        return

    def expected(amount: int) -> int:
        size = -amount if short else amount
        if whole:
            return size if size > start and (end is None or size <= end) else 0
        return max((size if end is None else min(size, end)) - start, 0)

    found = Slice(0, short, start, end, whole).of(np.array(amounts, np.int64))
    assert [-each if short else each for each in found.tolist()] == list(map(expected, amounts))


@pytest.mark.parametrize(
    ("amounts", "message"),
    [
        ([[0] * 8], "amounts: expected a numpy array, got list"),
        (np.zeros((1, 8)), "amounts: expected an array of int64, got one of float64"),
        (np.zeros((1, 8), np.int32), "amounts: expected an array of int64, got one of int32"),
        (np.zeros((1, 8), np.uint64), "amounts: expected an array of int64, got one of uint64"),
        (np.zeros((1, 8), np.object_), "amounts: expected an array of int64, got one of object"),
        (np.zeros(8, np.int64), r"amounts: expected the shape \(accounts, 8\), got \(8,\)"),
        (np.zeros((1, 7), np.int64), r"amounts: expected the shape \(accounts, 8\), got \(1, 7\)"),
        (np.zeros((1, 1, 8), np.int64), "amounts: expected the shape"),
    ],
)
def test_another_array_is_refused(amounts: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        look(world(MAINTENANCE), amounts)


def test_a_claim_that_cannot_be_asked_of_an_account_is_refused() -> None:
    here = world(MAINTENANCE)
    covers = Covers.model_validate({"type": "covers", "ratio": "1", "net": True})
    cases: list[tuple[ClaimRule, str]] = [
        (covers, "claim: expected a claim about one account"),
        (Maintenance(category="near"), "claim.category: expected a category of the policy"),
        (NotLiquidatable(scenarios=()), "policy.liquidation: expected liquidation terms"),
    ]
    for claim, where in cases:
        with pytest.raises(InputError, match=where):
            evaluate_fleet(claim, here.policy, here.registry, here.prices, fleet_of({}))


def test_a_round_without_a_price_is_refused() -> None:
    here = world(MAINTENANCE)
    prices = here.prices.model_copy(update={"prices": {"A": here.prices.prices["A"]}})
    with pytest.raises(CompileError, match="the price round has no price of B"):
        look(World(here.policy, here.registry, prices), fleet_of({}))


def test_a_result_does_not_print_itself() -> None:
    assert repr(look(world(MAINTENANCE), fleet_of({"A": 31337}))) == "FleetEvaluation(hidden)"
