"""The compiler against the plain exact check: provable exactly when the claim holds.

`risk.health` and `circuits.compiler` share no code. Small amounts and coarse prices make equality,
the edge of every inequality, frequent.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.world import NOW, srs
from zkcollateral.circuits.claim import document_digest
from zkcollateral.circuits.compiler import Backing, Circuit, compile_claim
from zkcollateral.circuits.layout import column_count
from zkcollateral.circuits.statement import Account, Statement
from zkcollateral.crypto.commitment import Opening
from zkcollateral.errors import ClaimNotSatisfied, CompileError, LiftError, ProverError
from zkcollateral.prover.proof import prove
from zkcollateral.prover.solve import solve
from zkcollateral.prover.witness import Witness
from zkcollateral.risk.claims import Stress
from zkcollateral.risk.clock import format_time
from zkcollateral.risk.health import evaluate
from zkcollateral.risk.policy import Policy
from zkcollateral.risk.prices import PriceRound
from zkcollateral.risk.registry import Registry
from zkcollateral.risk.values import FrozenMap
from zkcollateral.verifier.proof import verify

SLOTS = 8
CLAIM = "it"


def decimals(low: int, high: int, places: int = 2) -> st.SearchStrategy[str]:
    """Decimal strings from `low` to `high` hundredths (or 10^-places)."""
    return st.integers(low, high).map(lambda number: _spell(number, places))


def _spell(number: int, places: int) -> str:
    sign, digits = ("-" if number < 0 else ""), f"{abs(number):0{places + 1}d}"
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def _document(kind: str, **fields: Any) -> dict[str, Any]:
    return {"format": f"zkcollateral/{kind}/1", **fields}


@st.composite
def markets(draw: st.DrawFn) -> tuple[Registry, Policy, PriceRound, list[int]]:
    """A registry, a policy with one claim, a price round and amounts, all random."""
    sides = draw(
        st.lists(
            st.sampled_from(["collateral", "collateral", "debt", "signed"]), min_size=1, max_size=5
        )
    )
    slots = sorted(
        draw(st.sets(st.integers(0, SLOTS - 1), min_size=len(sides), max_size=len(sides)))
    )
    symbols = [f"A{index}" for index in range(len(sides))]
    registry = Registry.from_json_value(
        _document(
            "registry",
            name="random",
            slots=str(SLOTS),
            assets=[
                {
                    "slot": str(slot),
                    "symbol": symbol,
                    "side": side,
                    "unit": str(draw(st.integers(-2, 1))),
                }
                for slot, symbol, side in zip(slots, symbols, sides, strict=True)
            ],
        ),
        "registry",
    )
    factors: dict[str, Any] = {"collateral": {}, "debt": {}, "signed": {}}
    for index, (symbol, side) in enumerate(zip(symbols, sides, strict=True)):
        if index and draw(st.integers(0, 9)) == 0:
            continue
        factors[side][symbol] = (
            {"long": draw(decimals(50, 100)), "short": draw(decimals(100, 130))}
            if side == "signed"
            else draw(decimals(0, 100 if side == "collateral" else 120))
        )
    shocks = st.dictionaries(st.sampled_from(symbols), decimals(-100, 50))
    claim = draw(
        st.one_of(
            st.just({"type": "maintenance"}),
            st.lists(shocks, min_size=1, max_size=3).map(
                lambda drawn: {
                    "type": "stress",
                    "scenarios": [
                        {"name": f"s{index}", "shocks": shock} for index, shock in enumerate(drawn)
                    ],
                }
            ),
            st.fixed_dictionaries(
                {
                    "type": st.just("band"),
                    "low": decimals(0, 100),
                    "high": st.one_of(st.none(), decimals(101, 300)),
                }
            ),
            st.fixed_dictionaries(
                {
                    "type": st.just("survives"),
                    "assets": st.just(symbols[:1]),
                    "fall": decimals(1, 100),
                }
            ),
        )
    )
    policy = Policy.from_json_value(
        _document(
            "policy",
            name="random",
            registry=document_digest(registry),
            quote="USD",
            ratio=draw(decimals(100, 150)),
            factors=factors,
            value_decimals=draw(st.sampled_from([None, "0", "1", "3"])),
            oracle={"quorum": "1", "max_age_seconds": "60", "max_deviation": "0"},
            commitments={
                "max_age_seconds": "60",
                "max_summands": "8",
                "max_apart_seconds": "86400",
                "unvouched": True,
            },
            profile="balanced",
            claims={CLAIM: claim},
        ),
        "policy",
    )
    prices = PriceRound.from_json_value(
        _document(
            "price-round",
            time=format_time(NOW),
            quote="USD",
            prices={symbol: draw(decimals(1, 500, 1)) for symbol in symbols},
            reports=["0" * 64],
        ),
        "prices",
    )
    amounts = [0] * SLOTS
    for slot, side in zip(slots, sides, strict=True):
        amounts[slot] = draw(st.integers(-9 if side == "signed" else 0, 9))
    if draw(st.integers(0, 19)) == 0:
        amounts[draw(st.integers(0, SLOTS - 1))] = draw(st.sampled_from([1, 2**62]))
    return registry, policy, prices, amounts


def compiled(
    market: tuple[Registry, Policy, PriceRound, list[int]], *, vouched: bool, summands: int = 1
) -> Circuit:
    """The market's claim as a circuit; markets without a statement are passed over."""
    registry, policy, prices, _ = market
    try:
        return compile_claim(
            policy, registry, prices, CLAIM, Backing(vouched=vouched, summands=summands)
        )
    except LiftError:
        raise
    except CompileError as error:
        assume("signed asset" not in str(error) and "nothing to prove" not in str(error))
        raise


def truth(market: tuple[Registry, Policy, PriceRound, list[int]]) -> bool:
    """What the plain exact check says."""
    registry, policy, prices, amounts = market
    return evaluate(policy.claims[CLAIM], policy, registry, prices, amounts).holds


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(markets(), st.booleans(), st.integers(1, 64))
def test_solvable_exactly_when_the_claim_holds(
    market: tuple[Registry, Policy, PriceRound, list[int]], vouched: bool, summands: int
) -> None:
    circuit = compiled(market, vouched=vouched, summands=summands if vouched else 1)
    amounts = market[3]
    try:
        values = solve(circuit, amounts)
    except ClaimNotSatisfied:
        assert not truth(market)
        return
    assert truth(market)
    assert len(values) == circuit.value_count
    assert all(0 <= value < 1 << 64 for value in values)
    for row in circuit.system.rows:
        left = sum(term.coefficient * amounts[term.slot] for term in row.account_terms)
        left += sum(term.coefficient * values[term.value] for term in row.value_terms)
        assert left == row.constant


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(markets(), st.booleans())
def test_provable_exactly_when_the_claim_holds(
    market: tuple[Registry, Policy, PriceRound, list[int]], vouched: bool
) -> None:
    circuit = compiled(market, vouched=vouched)
    opening = Opening.fresh(market[3])
    commitment = opening.commit(srs())
    statement = Statement(
        circuit.domain_size,
        circuit.value_count,
        (Account(SLOTS, bytes(commitment)),),
        circuit.system,
        bytes(32),
    )
    try:
        values = solve(circuit, opening.amounts)
    except ClaimNotSatisfied:
        assert not truth(market)
        # Nor does it help to leave the solver out: no values satisfy the rows.
        with pytest.raises(ProverError):
            prove(statement, Witness((opening,), (0,) * circuit.value_count), srs())
        return
    assert truth(market)
    proof = prove(statement, Witness((opening,), values), srs())
    assert verify(statement, proof.encoded, srs()).valid
    assert len(proof.encoded) == 4 + 48 * (len(proof.columns) + 4) + 32 * (len(proof.columns) + 1)


def simple(
    *,
    sides: str = "collateral debt",
    claim: dict[str, Any] | None = None,
    price: str = "1",
    unit: str = "0",
    slots: int = SLOTS,
    **policy: Any,
) -> tuple[Registry, Policy, PriceRound]:
    """Assets A0, A1, … with all factors 1 and one price."""
    listed = sides.split()
    registry = Registry.from_json_value(
        _document(
            "registry",
            name="simple",
            slots=str(slots),
            assets=[
                {"slot": str(slot), "symbol": f"A{slot}", "unit": unit, "side": side}
                for slot, side in enumerate(listed)
            ],
        ),
        "registry",
    )
    factors: dict[str, Any] = {"collateral": {}, "debt": {}, "signed": {}}
    for slot, side in enumerate(listed):
        factors[side][f"A{slot}"] = {"long": "1", "short": "1"} if side == "signed" else "1"
    value = _document(
        "policy",
        name="simple",
        registry=document_digest(registry),
        quote="USD",
        ratio="1",
        factors=factors,
        value_decimals=None,
        oracle={"quorum": "1", "max_age_seconds": "60", "max_deviation": "0"},
        commitments={
            "max_age_seconds": "60",
            "max_summands": "64",
            "max_apart_seconds": "86400",
            "unvouched": True,
        },
        profile="balanced",
        claims={CLAIM: claim or {"type": "maintenance"}},
    )
    round_value = _document(
        "price-round",
        time=format_time(NOW),
        quote="USD",
        prices={f"A{slot}": price for slot in range(len(listed))},
        reports=["0" * 64],
    )
    return (
        registry,
        Policy.from_json_value(value | policy, "policy"),
        PriceRound.from_json_value(round_value, "prices"),
    )


def test_the_order_of_rows_and_values_is_fixed() -> None:
    registry, policy, prices = simple(sides="collateral debt signed", slots=4)
    policy = policy.model_copy(update={"ratio": policy.ratio + 1})
    circuit = compile_claim(policy, registry, prices, CLAIM, Backing(vouched=False))
    shapes = [
        (
            [(term.slot, term.coefficient) for term in row.account_terms],
            [(term.value, term.coefficient) for term in row.value_terms],
            row.constant,
        )
        for row in circuit.system.rows
    ]
    limb = 1 << 64
    assert shapes == [
        ([(0, 1)], [(0, -1)], 0),
        ([(1, 1)], [(1, -1)], 0),
        ([(2, 1)], [(2, -1)], -(1 << 63)),
        ([(3, 1)], [(3, -1)], 0),
        ([(3, 1)], [], 0),
        ([(2, 1)], [(4, -1), (5, 1)], 0),
        ([(0, 1), (1, -2)], [(4, 1), (5, -2), (6, -1), (7, -limb)], 0),
    ]


def test_weights_are_scaled_to_the_smallest_integers() -> None:
    registry, policy, prices = simple(price="0.30", unit="-8")
    circuit = compile_claim(policy, registry, prices, CLAIM, Backing(vouched=True))
    (row,) = [row for row in circuit.system.rows if row.value_terms]
    assert [term.coefficient for term in row.account_terms] == [1, -1]


def test_vouched_slots_need_no_range_checks_and_unvouched_ones_all_do() -> None:
    registry, policy, prices = simple()
    vouched = compile_claim(policy, registry, prices, CLAIM, Backing(vouched=True))
    assert vouched.value_count == 1
    unvouched = compile_claim(policy, registry, prices, CLAIM, Backing(vouched=False))
    assert unvouched.value_count == SLOTS + 1


def test_slack_grows_with_the_number_of_summands() -> None:
    registry, policy, prices = simple()
    limbs = [
        compile_claim(
            policy, registry, prices, CLAIM, Backing(vouched=True, summands=n)
        ).value_count
        for n in (1, 2, 64)
    ]
    assert limbs == [1, 2, 2]


def test_the_largest_sum_of_64_signed_portfolios_is_provable() -> None:
    registry, policy, prices = simple(sides="signed", ratio="2")
    circuit = compile_claim(policy, registry, prices, CLAIM, Backing(vouched=True, summands=64))
    largest = 64 * ((1 << 63) - 1)
    assert solve(circuit, [largest] + [0] * (SLOTS - 1))
    with pytest.raises(ClaimNotSatisfied):
        solve(circuit, [-largest] + [0] * (SLOTS - 1))


def test_one_column_at_64_slots_for_realistic_weights() -> None:
    registry, policy, prices = simple(
        sides=" ".join(["collateral"] * 56 + ["debt"] * 8),
        price="64000.12345678",
        unit="-8",
        slots=64,
        ratio="1.25",
    )
    circuit = compile_claim(policy, registry, prices, CLAIM, Backing(vouched=True))
    assert (circuit.domain_size, circuit.value_count) == (64, 2)
    assert column_count(circuit.domain_size, circuit.value_count) == 1


@pytest.mark.parametrize(
    ("profile", "n", "columns"), [("balanced", 256, 5), ("compact", 1024, 2), ("fast", 64, 17)]
)
def test_the_profile_chooses_the_domain(profile: str, n: int, columns: int) -> None:
    registry, policy, prices = simple(slots=32, profile=profile)
    circuit = compile_claim(policy, registry, prices, CLAIM, Backing(vouched=False))
    assert circuit.value_count == 33
    assert circuit.domain_size == n
    assert column_count(n, 33) == columns


class TestRefusals:
    """Each claim that has no sound statement is refused by name."""

    def test_unknown_claim(self) -> None:
        registry, policy, prices = simple()
        with pytest.raises(CompileError, match="no claim 'other'"):
            compile_claim(policy, registry, prices, "other", Backing(vouched=True))

    def test_missing_price(self) -> None:
        registry, policy, prices = simple()
        lacking = prices.to_json_value()
        del lacking["prices"]["A1"]
        with pytest.raises(CompileError, match="no price of A1"):
            compile_claim(
                policy,
                registry,
                PriceRound.from_json_value(lacking, "p"),
                CLAIM,
                Backing(vouched=True),
            )

    def test_another_quote(self) -> None:
        registry, policy, prices = simple(quote="EUR")
        with pytest.raises(CompileError, match="EUR"):
            compile_claim(policy, registry, prices, CLAIM, Backing(vouched=True))

    def test_unvouched_sum(self) -> None:
        registry, policy, prices = simple()
        with pytest.raises(CompileError, match="only vouched"):
            compile_claim(policy, registry, prices, CLAIM, Backing(vouched=False, summands=2))

    def test_band_with_signed_assets(self) -> None:
        band = {"type": "band", "low": "1", "high": "2"}
        registry, policy, prices = simple(sides="collateral signed", claim=band)
        with pytest.raises(CompileError, match="band cannot be proved with the signed asset A1"):
            compile_claim(policy, registry, prices, CLAIM, Backing(vouched=True))

    def test_a_signed_asset_that_is_not_concave(self) -> None:
        registry, policy, prices = simple(sides="signed", ratio="0.9")
        with pytest.raises(CompileError, match="not concave"):
            compile_claim(policy, registry, prices, CLAIM, Backing(vouched=True))

    def test_all_weights_zero(self) -> None:
        crash = {"type": "stress", "scenarios": [{"name": "crash", "shocks": {"A0": "-1"}}]}
        registry, policy, prices = simple(sides="collateral", claim=crash)
        with pytest.raises(CompileError, match="nothing to prove"):
            compile_claim(policy, registry, prices, CLAIM, Backing(vouched=True))

    def test_weights_that_could_wrap(self) -> None:
        registry, policy, prices = simple(sides="collateral collateral debt")
        huge = prices.to_json_value()
        huge["prices"] = {"A0": "1" + "0" * 38, "A1": "0." + "0" * 38 + "1", "A2": "1"}
        with pytest.raises(CompileError):
            compile_claim(
                policy,
                registry,
                PriceRound.from_json_value(huge, "p"),
                CLAIM,
                Backing(vouched=True),
            )


def test_value_decimals_bring_wild_weights_back_into_range() -> None:
    registry, policy, prices = simple(sides="collateral collateral debt", value_decimals="2")
    wild = prices.to_json_value()
    wild["prices"] = {"A0": "1" + "0" * 15, "A1": "0." + "0" * 38 + "1", "A2": "1"}
    circuit = compile_claim(
        policy, registry, PriceRound.from_json_value(wild, "p"), CLAIM, Backing(vouched=True)
    )
    # What is worth less than a cent per unit counts as nothing; it never counts as more.
    assert [term.slot for term in circuit.system.rows[-1].account_terms] == [0, 2]


def priced(prices: PriceRound, **changes: str) -> PriceRound:
    value = prices.to_json_value()
    return PriceRound.from_json_value({**value, "prices": value["prices"] | changes}, "prices")


def test_rows_that_could_wrap_although_every_coefficient_is_in_range() -> None:
    registry, policy, prices = simple(sides="collateral collateral debt")
    wild = priced(prices, A0="1" + "0" * 39, A1="0.0001")
    with pytest.raises(LiftError, match="r/2"):
        compile_claim(policy, registry, wild, CLAIM, Backing(vouched=True))


def test_the_edges_of_a_band() -> None:
    band = {"type": "band", "low": "1", "high": "2"}
    registry, policy, prices = simple(claim=band)
    circuit = compile_claim(policy, registry, prices, CLAIM, Backing(vouched=True))
    rest = [0] * 6
    assert solve(circuit, [10, 10, *rest])
    assert solve(circuit, [19, 10, *rest])
    for amounts in ([9, 10], [20, 10], [21, 10], [1, 0], [0, 0]):
        with pytest.raises(ClaimNotSatisfied):
            solve(circuit, [*amounts, *rest])


def test_rounding_makes_a_short_position_dearer() -> None:
    """0.15 a unit counts 0.1 where it is held and 0.2 where it is owed."""
    registry, policy, prices = simple(
        sides="collateral signed debt", price="0.15", value_decimals="1"
    )
    circuit = compile_claim(policy, registry, prices, CLAIM, Backing(vouched=True))
    for amounts in ([2, -1, 0], [0, 2, 1], [2, 0, 1]):
        assert solve(circuit, [*amounts, *[0] * 5])
    for amounts in ([1, -1, 0], [0, 1, 1], [1, 0, 1]):
        with pytest.raises(ClaimNotSatisfied):
            solve(circuit, [*amounts, *[0] * 5])


def test_survives_speaks_of_now_as_well() -> None:
    """A debt shrinks when its price falls: surviving the fall alone says nothing about today."""
    survives = {"type": "survives", "assets": ["A1"], "fall": "0.4"}
    registry, policy, prices = simple(sides="collateral debt", claim=survives, ratio="1.25")
    circuit = compile_claim(policy, registry, prices, CLAIM, Backing(vouched=True))
    amounts = [100, 100, 0, 0, 0, 0, 0, 0]
    assert not evaluate(policy.claims[CLAIM], policy, registry, prices, amounts).holds
    with pytest.raises(ClaimNotSatisfied):
        solve(circuit, amounts)
    assert solve(circuit, [125, 100, 0, 0, 0, 0, 0, 0])


def test_a_band_without_upper_bound_takes_signed_assets() -> None:
    band = {"type": "band", "low": "1", "high": None}
    registry, policy, prices = simple(sides="collateral signed", claim=band)
    circuit = compile_claim(policy, registry, prices, CLAIM, Backing(vouched=True))
    assert solve(circuit, [9, -9, 0, 0, 0, 0, 0, 0])
    with pytest.raises(ClaimNotSatisfied):
        solve(circuit, [8, -9, 0, 0, 0, 0, 0, 0])


def test_too_many_terms_are_refused_before_they_are_computed() -> None:
    scenarios = [{"name": f"s{index}", "shocks": {}} for index in range(1024)]
    claim = {"type": "stress", "scenarios": scenarios}
    registry, policy, prices = simple(
        sides=" ".join(["collateral"] * 1023 + ["debt"]), claim=claim, slots=1024
    )
    stress = policy.claims[CLAIM]
    assert isinstance(stress, Stress)
    more = stress.model_copy(update={"scenarios": (*stress.scenarios, stress.scenarios[0])})
    larger = policy.model_copy(update={"claims": FrozenMap({CLAIM: more})})
    with pytest.raises(CompileError, match="terms, more than 1048576"):
        compile_claim(larger, registry, prices, CLAIM, Backing(vouched=True))


def test_a_scenario_for_one_asset_alone_lets_nothing_else_cover_it() -> None:
    """Known failure 12: where netting is not wanted, every other price falls to nothing."""
    claim = {
        "type": "stress",
        "scenarios": [{"name": "only-A0", "shocks": {"A1": "-1"}}],
    }
    registry, policy, prices = simple(sides="collateral collateral debt", claim=claim)
    alone = priced(prices, A2="1")
    circuit = compile_claim(policy, registry, alone, CLAIM, Backing(vouched=True))
    rest = [0] * 5
    assert solve(circuit, [5, 0, 5, *rest])
    with pytest.raises(ClaimNotSatisfied):
        solve(circuit, [4, 1000, 5, *rest])


def test_a_scenario_in_which_nothing_has_a_price_is_met() -> None:
    claim = {
        "type": "stress",
        "scenarios": [
            {"name": "nothing-left", "shocks": {"A0": "-1", "A1": "-1"}},
            {"name": "now", "shocks": {}},
        ],
    }
    registry, policy, prices = simple(claim=claim)
    circuit = compile_claim(policy, registry, prices, CLAIM, Backing(vouched=True))
    for amounts in ([5, 5, *[0] * 6], [4, 5, *[0] * 6]):
        if evaluate(policy.claims[CLAIM], policy, registry, prices, amounts).holds:
            assert solve(circuit, amounts)
        else:
            with pytest.raises(ClaimNotSatisfied):
                solve(circuit, amounts)
    assert sum(1 for row in circuit.system.rows if row.value_terms) == 1
