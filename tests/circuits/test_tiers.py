"""Slices, caps, limits, categories: every constraint is the only thing that stops somebody.

Whether a prover has any way at all is decided here by exact linear programming, which knows nothing
of greedy slices: it may choose every value, and fractions too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from random import Random
from typing import Any, get_args

import pytest

from tests.circuits.rules import CLAIM, SLOTS, Maker, Market, document
from tests.circuits.test_rules import compiled, holds, neighbours, satisfied
from tests.world import NOW
from zkcollateral.circuits import compiler
from zkcollateral.circuits.claim import document_digest
from zkcollateral.circuits.compiler import Backing, Circuit, compile_claim
from zkcollateral.circuits.curves import UnitValue
from zkcollateral.circuits.layout import DIGITS, MAX_DOMAIN_SIZE
from zkcollateral.circuits.statement import MAX_ROWS, Row
from zkcollateral.crypto.commitment import AMOUNT_BOUND
from zkcollateral.errors import ClaimNotSatisfied, CompileError, DocumentError
from zkcollateral.prover.solve import solve
from zkcollateral.risk.claims import ClaimType
from zkcollateral.risk.clock import format_time
from zkcollateral.risk.factors import Tier, Tiered
from zkcollateral.risk.policy import Policy, check_policy
from zkcollateral.risk.prices import PriceRound
from zkcollateral.risk.registry import Asset, Registry
from zkcollateral.risk.values import Exact, FrozenMap

VOUCHED = Backing(vouched=True)
SIDES = {"+": "collateral", "-": "debt", "~": "signed"}
TERMS = {
    "ratio": "1",
    "penalty": "0",
    "protocol_share": "0",
    "close_factor": "1",
    "close_all_below": "0",
    "minimum": "0",
}


def market(
    assets: str,
    claim: Mapping[str, Any] | None = None,
    *,
    prices: Mapping[str, str] | None = None,
    sigmas: Mapping[str, str] | None = None,
    figures: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    factors: Mapping[str, Any] | None = None,
    slots: int = SLOTS,
    **policy: Any,
) -> Market:
    """A market of assets such as "A+ B- C~", slot by slot; factors, prices and ratio are 1 if they
    are not named.
    """
    listed = [(text[:-1], SIDES[text[-1]]) for text in assets.split()]
    registry = Registry.from_json_value(
        document(
            "registry",
            name="r",
            slots=str(slots),
            assets=[
                {
                    "slot": str(slot),
                    "symbol": symbol,
                    "side": side,
                    "unit": (units or {}).get(symbol, "0"),
                }
                for slot, (symbol, side) in enumerate(listed)
            ],
        ),
        "registry",
    )
    made: dict[str, dict[str, Any]] = {side: {} for side in SIDES.values()}
    for symbol, side in listed:
        plain: Any = {"long": "1", "short": "1"} if side == "signed" else "1"
        made[side][symbol] = (factors or {}).get(symbol, plain)
    value = document(
        "policy",
        name="p",
        registry=document_digest(registry),
        quote="USD",
        ratio="1",
        factors=made,
        value_decimals=None,
        oracle={"quorum": "1", "max_age_seconds": "60", "max_deviation": "0"},
        commitments={
            "max_age_seconds": "60",
            "max_summands": "64",
            "max_apart_seconds": "60",
            "unvouched": True,
        },
        profile="balanced",
        claims={CLAIM: claim or {"type": "maintenance"}},
    )
    checked = Policy.from_json_value(value | policy, "policy")
    check_policy(checked, document_digest(registry), registry)
    round_ = document(
        "price-round",
        time=format_time(NOW),
        quote="USD",
        prices={symbol: (prices or {}).get(symbol, "1") for symbol in checked.symbols},
        reports=["0" * 64],
    )
    round_ |= {"confidence": sigmas} if sigmas else {}
    round_ |= {"figures": figures} if figures else {}
    return Market(registry, checked, PriceRound.from_json_value(round_, "round"), [])


def circuit_of(made: Market, *backings: Backing) -> Circuit:
    return compile_claim(made.policy, made.registry, made.prices, CLAIM, *(backings or (VOUCHED,)))


def amounts(*first: int) -> list[int]:
    return [*first, *[0] * (SLOTS - len(first))]


def provable(made: Market, *first: int, backing: Backing = VOUCHED) -> bool:
    """Whether one account can prove the claim; engine, solver and linear program must agree."""
    circuit = circuit_of(made, backing)
    account = amounts(*first)
    verdict = satisfied(circuit, [account]) is not None
    assert verdict == holds(made, [account])
    assert verdict == any_values(circuit.system.rows, [account])
    return verdict


def edge(made: Market, enough: Sequence[int], short: Sequence[int]) -> None:
    """The first amounts are just enough to prove the claim, the second are not."""
    assert provable(made, *enough)
    assert not provable(made, *short)


def tiers(*steps: tuple[str, str], by: str = "amount") -> dict[str, Any]:
    return {
        "type": "tiered",
        "by": by,
        "tiers": [{"above": above, "factor": factor} for above, factor in steps],
    }


def any_values(rows: Sequence[Row], accounts: Sequence[Sequence[int]]) -> bool:
    """Whether any values of at least 0 satisfy the rows, by the first phase of the simplex method.

    Bland's rule, exact fractions. Values may be fractions and as large as they like, so that "no"
    holds for every prover.
    """
    order = {
        index: at for at, index in enumerate(sorted({t.value for r in rows for t in r.value_terms}))
    }
    table: list[list[Fraction]] = []
    for row in rows:
        known = sum(t.coefficient * accounts[t.account][t.slot] for t in row.account_terms)
        line = [Fraction(0)] * len(order) + [Fraction(row.constant - known)]
        for term in row.value_terms:
            line[order[term.value]] += term.coefficient
        if any(line):
            table.append([-number for number in line] if line[-1] < 0 else line)
    basis = [len(order) + index for index in range(len(table))]
    cost = [-sum(column, Fraction(0)) for column in zip(*table, strict=True)]
    while cost and cost[-1]:
        entering = next((at for at in range(len(order)) if cost[at] < 0), None)
        if entering is None:
            return False
        _, _, leaving = min(
            (line[-1] / line[entering], basis[index], index)
            for index, line in enumerate(table)
            if line[entering] > 0
        )
        pivot = table[leaving][entering]
        found = table[leaving] = [number / pivot for number in table[leaving]]
        for line in (*table, cost):
            if line is not found and line[entering]:
                times = line[entering]
                line[:] = [a - times * b if b else a for a, b in zip(line, found, strict=True)]
        basis[leaving] = entering
    return True


def test_no_values_at_all_prove_what_does_not_hold_and_some_do_what_holds() -> None:
    seen = set()
    for seed in range(500):
        random = Random(10_000 + seed)
        made = Maker(random).market()
        circuit = compiled(made, VOUCHED)
        if circuit is None:
            continue
        for accounts in neighbours(made, random):
            if any(
                amounts_[asset.slot] < 0 and asset.side != "signed"
                for asset in made.registry.assets
                for amounts_ in accounts
            ):
                continue  # no voucher signs that
            verdict = any_values(circuit.system.rows, accounts)
            assert verdict == holds(made, accounts), seed
            seen.add((made.policy.claims[CLAIM].type, verdict))
    assert seen == {(kind, verdict) for kind in get_args(ClaimType) for verdict in (True, False)}


TIERED = market(
    "A+ B+ C~ D-",
    {"type": "stress", "scenarios": [{"name": "fall", "shocks": {"A": "-0.5"}}], "category": "cat"},
    factors={
        "A": tiers(("0", "0.9"), ("10", "0.5"), ("30", "0"), by="value"),
        "C": {"long": tiers(("0", "0.8"), ("5", "0.4")), "short": tiers(("0", "1"), ("5", "1.5"))},
        "D": tiers(("0", "1"), ("20", "1.2")),
    },
    prices={"A": "2"},
    reserve="3",
    limits=[
        {"name": "counted", "assets": ["B"], "share": "0.4", "excess": "uncounted"},
        {"name": "refused", "assets": ["A"], "share": "0.9", "excess": "refused"},
    ],
    categories={"cat": {"collateral": {"B": "0.95"}, "debts": ["C", "D"]}},
)
LENT_OUT = market(
    "A+ B- C~ D-",
    {"type": "maintenance", "category": "cat"},
    categories={"cat": {"collateral": {}, "debts": ["D"]}},
)
STOPPED_BY_TIERS = [
    (0, 0),
    (3, 1, 0, 1),
    (0, 7),
    (0, 57, 35, 33),
    (32, 0, 1),
    (21, 9, -16),
    (66, 36, 0, 35),
    *((0, 0, 5, *(int(slot == empty) for slot in range(3, SLOTS))) for empty in range(4, SLOTS)),
]
STOPPED_BY_CATEGORY = [
    (1, 1),
    (0, 0, 1),
    (0, 0, 0, 1),
    *((0, 0, 0, *(int(slot == empty) for slot in range(3, SLOTS))) for empty in range(4, SLOTS)),
]


@pytest.mark.parametrize(
    ("made", "accounts"),
    [(TIERED, STOPPED_BY_TIERS), (LENT_OUT, STOPPED_BY_CATEGORY)],
    ids=["tiers and limits", "category"],
)
def test_every_row_is_the_only_one_that_stops_some_account(
    made: Market, accounts: list[tuple[int, ...]]
) -> None:
    every_row_is_needed(made, [[amounts(*account)] for account in accounts], circuit_of(made))


def every_row_is_needed(
    made: Market, stopped: Sequence[list[list[int]]], circuit: Circuit, *, own: int = 0
) -> None:
    """For every row there is one of these accounts that could prove the claim without that row.

    Args:
        own: how many rows are there only so that an account has one of its own.
    """
    rows = circuit.system.rows
    needed: set[int] = set()
    for accounts in stopped:
        assert not holds(made, accounts)
        assert not any_values(rows, accounts)
        needed |= {
            index
            for index in set(range(len(rows))) - needed
            if any_values([*rows[:index], *rows[index + 1 :]], accounts)
        }
    assert len(rows) - len(needed) == own, set(range(len(rows))) - needed


class TestCorners:
    """Where slices begin, and what they are worth."""

    ASSET = Asset(slot=0, symbol="A", unit=-1, side="collateral")
    TABLE = Tiered.model_validate(
        tiers(("0", "0.9"), ("0.04", "0.8"), ("1", "0.7"), ("2.57", "0.7"), ("3", "0.1"))
    )

    def starts(self, table: Tiered, price: str, moved: Fraction | None = None) -> Any:
        unit = UnitValue(self.ASSET, Fraction(price) / 10, table)
        curve = unit.curve(moved, Fraction(1), lambda weight: weight)
        return curve.starts, [weight / Fraction(price) * 10 for weight in curve.weights]

    def test_in_amounts_they_are_rounded_down_to_a_smallest_unit(self) -> None:
        """The first tier has no whole unit, and two tiers of one factor are one."""
        factors = [Fraction("0.8"), Fraction("0.7"), Fraction("0.1")]
        assert self.starts(self.TABLE, "7") == ((0, 10, 30), factors)

    def test_in_value_they_are_what_the_price_buys(self) -> None:
        table = self.TABLE.model_copy(update={"by": "value"})
        factors = [Fraction("0.9"), Fraction("0.8"), Fraction("0.7"), Fraction("0.1")]
        assert self.starts(table, "0.3") == ((0, 1, 33, 100), factors)

    def test_in_value_they_move_with_the_price(self) -> None:
        table = self.TABLE.model_copy(update={"by": "value"})
        starts, _ = self.starts(table, "0.3", Fraction(1, 2))
        assert starts == (0, 2, 66, 200)

    def test_what_is_worth_nothing_has_no_corners(self) -> None:
        table = self.TABLE.model_copy(update={"by": "value"})
        assert self.starts(table, "0.3", Fraction(0)) == ((0,), [0])

    @pytest.mark.parametrize(
        ("side", "steps", "enough"),
        [("+", [("0", "1"), ("10", "0.5")], [(9, 9), (10, 10), (12, 11), (14, 12)]),
         ("-", [("0", "1"), ("10", "1.5")], [(9, 9), (10, 10), (11, 12), (12, 13), (14, 16)])],
    )  # fmt: skip
    def test_every_slice_counts_with_its_own_factor(
        self, side: str, steps: list[tuple[str, str]], enough: list[tuple[int, int]]
    ) -> None:
        assets = "A+ B-" if side == "+" else "B+ A-"
        made = market(assets, factors={"A": tiers(*steps)})
        for tiered, plain in enough:
            if side == "+":
                assert provable(made, tiered, plain)
                assert not provable(made, tiered, plain + 1)
            else:
                assert provable(made, plain, tiered)
                assert not provable(made, plain - 1, tiered)


class TestSlices:
    """By hand: a unit more in the better slice, a unit out of nowhere, a slice below zero."""

    MADE = market("A+ B-", factors={"A": tiers(("0", "1"), ("10", "0.5"))})

    def accepted(self, account: Sequence[int], values: Sequence[int]) -> bool:
        """The values are: first slice, room left in it, second slice, slack in halves."""
        rows = circuit_of(self.MADE).system.rows
        assert [[term.value for term in row.value_terms] for row in rows[-3:]] == [
            [0, 1],
            [0, 2],
            [0, 2, 3],
        ]
        return all(value >= 0 for value in values) and all(
            sum(t.coefficient * account[t.slot] for t in row.account_terms)
            + sum(t.coefficient * values[t.value] for t in row.value_terms)
            == row.constant
            for row in rows
        )

    @pytest.mark.parametrize(
        ("held", "owed", "values", "accepted"),
        [
            pytest.param(20, 15, (10, 0, 10, 0), True, id="greedy"),
            pytest.param(20, 15, (9, 1, 11, -1), False, id="not greedy, and not enough"),
            pytest.param(20, 14, (9, 1, 11, 1), True, id="not greedy, and enough"),
            pytest.param(20, 16, (10, 0, 10, -2), False, id="a slack below zero"),
            pytest.param(20, 16, (12, -2, 8, 0), False, id="wider than its tier"),
            pytest.param(20, 16, (12, 0, 8, 0), False, id="wider, and its room not told"),
            pytest.param(20, 16, (10, 0, 12, 0), False, id="more than the amount"),
            pytest.param(20, 20, (20, -10, 0, 0), False, id="all in the better slice"),
            pytest.param(5, 5, (5, 5, 0, 0), True, id="less than the first slice"),
            pytest.param(5, 6, (7, 3, -2, 0), False, id="a slice below zero"),
            pytest.param(5, 4, (5, 5, 0, 2), True, id="some slack"),
            pytest.param(5, 4, (5, 5, 0, 1), False, id="another slack than there is"),
        ],
    )
    def test_other_splits_are_refused_or_gain_nothing(
        self, held: int, owed: int, values: tuple[int, ...], accepted: bool
    ) -> None:
        account = amounts(held, owed)
        assert self.accepted(account, values) is accepted
        if accepted:
            assert holds(self.MADE, [account])

    def test_a_signed_position_grown_on_both_sides_gains_nothing(self) -> None:
        factors = {"A": {"long": tiers(("0", "0.9"), ("5", "0.8")), "short": "0.9"}}
        made = market("A~ B- C+", factors=factors)
        edge(made, (10, 8, 0), (10, 9, 0))
        edge(made, (-10, 0, 9), (-10, 0, 8))

    def test_each_scenario_has_the_corners_of_its_own_prices(self) -> None:
        """20 at price 1 fill the first tier in value; at price 0.5 they are 10 of it."""
        claim = {
            "type": "stress",
            "scenarios": [{"name": "now", "shocks": {}}, {"name": "half", "shocks": {"A": "-0.5"}}],
        }
        made = market("A+ B-", claim, factors={"A": tiers(("0", "1"), ("10", "0"), by="value")})
        edge(made, (20, 10), (19, 10))
        assert not provable(made, 20, 11)
        now = {**claim, "scenarios": [{"name": "now", "shocks": {}}]}
        alone = market("A+ B-", now, factors={"A": tiers(("0", "1"), ("10", "0"), by="value")})
        assert provable(alone, 10, 10)
        assert circuit_of(made).value_count > circuit_of(alone).value_count + 2

    def test_short_corners_are_those_of_each_scenario_too(self) -> None:
        """20 owed cost 10 + 2 · 10 at price 1, and 10 at price 0.5, all within the first tier."""
        claim = {
            "type": "stress",
            "scenarios": [{"name": "half", "shocks": {"A": "-0.5"}}, {"name": "now", "shocks": {}}],
        }
        short = tiers(("0", "1"), ("10", "2"), by="value")
        made = market("A~ B+", claim, factors={"A": {"long": "1", "short": short}})
        edge(made, (-20, 30), (-20, 29))
        edge(made, (-10, 10), (-10, 9))
        half = {**claim, "scenarios": [{"name": "half", "shocks": {"A": "-0.5"}}]}
        alone = market("A~ B+", half, factors={"A": {"long": "1", "short": short}})
        edge(alone, (-20, 10), (-20, 9))

    def test_a_signed_slot_is_sliced_only_where_its_sides_differ(self) -> None:
        assert circuit_of(market("A~ B+")).value_count == 2
        differing = market("A~ B+", factors={"A": {"long": "0.9", "short": "1"}})
        assert circuit_of(differing).value_count == 4

    def test_scenarios_with_the_same_corners_share_slices(self) -> None:
        scenarios = [{"name": f"s{i}", "shocks": {"A": f"-0.{i}"}} for i in range(1, 6)]
        claim = {"type": "stress", "scenarios": scenarios}
        made = market("A+ B-", claim, factors={"A": tiers(("0", "1"), ("10", "0.5"))})
        rows = circuit_of(made).system.rows
        assert sum(1 for row in rows if row.account_terms[:1] and row.value_terms[1:]) >= 5
        assert sum(1 for row in rows if not row.account_terms and len(row.value_terms) == 2) == 1


class TestExtremes:
    """Amounts at the ends of their range, and corners at and beyond them."""

    LARGEST = AMOUNT_BOUND - 1

    @pytest.mark.parametrize("summands", [1, 2, 3, 64])
    @pytest.mark.parametrize("from_end", [-2, -1, 0, 1])
    def test_a_corner_at_the_largest_sum(self, summands: int, from_end: int) -> None:
        bound = summands * AMOUNT_BOUND
        table = tiers(("0", "1"), (str(bound + from_end), "0.5"))
        made = market("A+ B- C~", factors={"A": table, "C": {"long": table, "short": "1"}})
        backing = Backing(vouched=True, summands=summands)
        most = summands * self.LARGEST
        for held, owed in ((most, most), (0, 0), (most, 0), (most - 1, most - 1)):
            provable(made, held, owed, 0, backing=backing)
            provable(made, 0, owed, held, backing=backing)
            provable(made, held, 0, -owed, backing=backing)
        assert provable(
            made, most, most if from_end >= 0 or summands > 2 else most - 1, backing=backing
        )

    @pytest.mark.parametrize("held", [AMOUNT_BOUND, 2 * AMOUNT_BOUND - 1])
    def test_an_unvouched_amount_of_64_bits(self, held: int) -> None:
        """No opening has it, but the range check allows it, and slices must not wrap there."""
        made = market("A+ B-", factors={"A": tiers(("0", "1"), (str(AMOUNT_BOUND), "0.5"))})
        unvouched = Backing(vouched=False)
        counted = AMOUNT_BOUND + (held - AMOUNT_BOUND) // 2
        assert provable(made, held, counted, backing=unvouched)
        assert not provable(made, held, counted + 1, backing=unvouched)

    @pytest.mark.parametrize("vouched", [True, False])
    def test_the_deepest_short_position(self, vouched: bool) -> None:
        short = tiers(("0", "1"), (str(AMOUNT_BOUND - 1), "3"))
        made = market("A~ B+ C+", factors={"A": {"long": "1", "short": short}})
        backing = Backing(vouched=vouched)
        deepest = -AMOUNT_BOUND
        assert provable(made, deepest, self.LARGEST, 3, backing=backing)
        assert not provable(made, deepest, self.LARGEST, 2, backing=backing)
        assert provable(made, deepest + 1, self.LARGEST, backing=backing)

    def test_slack_has_room_for_an_account_that_owes_nothing(self) -> None:
        """Debts that grow dear add nothing to what the slack can be, and take nothing from it."""
        made = market("A+ B-", factors={"B": tiers(("0", "1"), ("10", "5"))})
        backing = Backing(vouched=True, summands=64)
        assert provable(made, 64 * self.LARGEST, 0, backing=backing)

    def test_a_share_of_what_is_worth_far_more_than_what_it_limits(self) -> None:
        limits = [{"name": "l", "assets": ["A"], "share": "0.5", "excess": "uncounted"}]
        made = market("A+ B+ C-", prices={"B": "1" + "0" * 30}, limits=limits)
        assert provable(made, 1, self.LARGEST, self.LARGEST)
        assert provable(made, 0, self.LARGEST, 0)

    @pytest.mark.parametrize("beyond", [1 << 64, 1 << 65, -1])
    def test_an_unvouched_amount_beyond_64_bits_has_no_values(self, beyond: int) -> None:
        made = market("A+ B-")
        with pytest.raises(ClaimNotSatisfied):
            solve(circuit_of(made, Backing(vouched=False)), amounts(beyond))
        assert solve(circuit_of(made, Backing(vouched=False)), amounts((1 << 64) - 1))

    def test_64_tiers(self) -> None:
        steps = [(str(10 * index), f"0.{99 - index}") for index in range(64)]
        made = market("A+ B-", factors={"A": tiers(*steps)}, units={"B": "-2"})
        worth = sum(10 * (99 - index) for index in range(64))
        edge(made, (640, worth), (640, worth + 1))
        assert not provable(made, 639, worth)

    def test_corners_that_no_amount_reaches_cost_nothing(self) -> None:
        far = tiers(("0", "1"), *((str(10**38 + index), "0.5") for index in range(9)))
        made = market("A+ B-", factors={"A": tiers(("0", "1"), ("5", "0.5"), ("9" * 40, "0.1"))})
        # One slice and a slack of two limbs; three and two.
        assert circuit_of(market("A+ B-", factors={"A": far})).value_count == 3
        assert circuit_of(made).value_count == 5


class TestRefusals:
    """What no linear proof bounds from below is refused, also if a policy let it through."""

    @pytest.mark.parametrize(
        ("assets", "factors"),
        [
            ("A+ B-", {"A": [("0", "0.5"), ("10", "0.9")]}),
            ("B+ A-", {"A": [("0", "1.5"), ("10", "1")]}),
        ],
        ids=["more of what is held counts more", "more of what is owed costs less"],
    )
    def test_tiers_that_are_not_concave(self, assets: str, factors: dict[str, Any]) -> None:
        made = market(assets, factors={"A": tiers(("0", "1"))})
        ((symbol, steps),) = factors.items()
        table = Tiered(
            by="amount",
            tiers=tuple(Tier(above=Exact(above), factor=Exact(factor)) for above, factor in steps),
        )
        side = "collateral" if "A+" in assets else "debt"
        factors_ = made.policy.factors.model_copy(
            update={side: FrozenMap({**getattr(made.policy.factors, side), symbol: table})}
        )
        unchecked = replace(made, policy=made.policy.model_copy(update={"factors": factors_}))
        with pytest.raises(CompileError, match="not concave"):
            circuit_of(unchecked)

    @pytest.mark.parametrize(
        ("long", "short"),
        [
            (tiers(("0", "1"), ("5", "0.5")), "0.9"),
            (tiers(("0", "1"), ("5", "0.5")), tiers(("0", "0.9"), ("5", "2"))),
            ("1", tiers(("0", "0.99"), ("1", "5"))),
        ],
    )
    def test_a_unit_held_that_counts_more_than_one_owed_costs(self, long: Any, short: Any) -> None:
        with pytest.raises(CompileError, match="not concave"):
            circuit_of(market("A~", factors={"A": {"long": long, "short": short}}))

    def test_factors_of_the_whole_amount(self) -> None:
        sized = {**tiers(("0", "1"), ("5", "0.5")), "type": "sized"}
        with pytest.raises(CompileError, match="A: the factor of the whole amount depends"):
            circuit_of(market("A+ B-", factors={"A": sized}))
        same = {**tiers(("0", "0.5"), ("5", "0.5")), "type": "sized"}
        made = market("A+ B-", factors={"A": same})
        edge(made, (10, 5), (10, 6))

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"factors": {"A": tiers(("0", "1"), ("5", "0.5"))}}, "tiers of A"),
            (
                {"limits": [{"name": "l", "assets": ["A"], "share": "0.5", "excess": "uncounted"}]},
                "uncounted",
            ),
        ],
        ids=["tiers", "uncounted"],
    )
    def test_an_upper_bound_on_what_is_not_linear(
        self, fields: dict[str, Any], message: str
    ) -> None:
        band = {"type": "band", "low": "1", "high": "2"}
        with pytest.raises(CompileError, match=message):
            circuit_of(market("A+ B-", band, **fields))
        circuit_of(market("A+ B-", {**band, "high": None}, **fields))

    def test_a_scenario_that_leaves_nothing_to_hold_a_reserve(self) -> None:
        zero = {"name": "zero", "shocks": {"A": "-1", "B": "-1"}}
        nothing = {"type": "stress", "scenarios": [{"name": "now", "shocks": {}}, zero]}
        with pytest.raises(CompileError, match="nothing counts"):
            circuit_of(market("A+ B-", nothing, reserve="0.01"))

    def test_an_upper_bound_of_which_rounding_leaves_nothing(self) -> None:
        """0 > 0 is not met, and so it must not be left out: debts of less than half a cent."""
        band = {"type": "band", "low": "1", "high": "2"}
        made = market("A+ B-", band, factors={"A": "0"}, prices={"B": "0.004"}, value_decimals="2")
        with pytest.raises(CompileError, match="nothing counts"):
            circuit_of(made)
        assert not holds(made, [amounts(5, 0)])

    def test_too_many_terms_are_refused_before_they_are_computed(self) -> None:
        scenarios = [{"name": f"s{i}", "shocks": {}} for i in range(1024)]
        claim = {"type": "not_liquidatable", "scenarios": scenarios}
        assets = " ".join(f"X{i}+" for i in range(1024))
        made = market(assets, claim, slots=1024, liquidation=TERMS)
        rule = made.policy.claims[CLAIM]
        more = rule.model_copy(update={"scenarios": (*rule.scenarios, rule.scenarios[0])})  # type: ignore[union-attr]
        claims = FrozenMap({CLAIM: more})
        larger = replace(made, policy=made.policy.model_copy(update={"claims": claims}))
        with pytest.raises(CompileError, match="terms, more than 1048576"):
            circuit_of(larger)

    @pytest.mark.parametrize(
        ("where", "fields"),
        [
            (
                "claims.it.scenarios[0].shocks",
                {
                    "claim": {
                        "type": "not_liquidatable",
                        "scenarios": [{"name": "s", "shocks": {"Z": "0"}}],
                    },
                    "liquidation": TERMS,
                },
            ),
            (
                "growth_caps.Z",
                {
                    "growth_caps": {
                        "Z": {
                            "underlying": "U",
                            "rate": "r",
                            "snapshot": "1",
                            "snapshot_time": "2026-01-01T00:00:00Z",
                            "yearly_growth": "0",
                        }
                    }
                },
            ),
            (
                "categories.cat.debts[1]",
                {"categories": {"cat": {"collateral": {}, "debts": ["B", "Z"]}}},
            ),
        ],
        ids=["shocks", "growth caps", "category debts"],
    )
    def test_symbols_that_the_registry_does_not_have(
        self, where: str, fields: dict[str, Any]
    ) -> None:
        with pytest.raises(DocumentError) as caught:
            market("A+ B-", **fields)
        assert caught.value.where == f"policy: {where}"

    @pytest.mark.parametrize("kind", ["tiers", "limits"])
    def test_what_no_statement_can_hold_is_refused_before_it_is_computed(
        self, monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        """A policy of 100 KB (1,000 uncounted limits, 64 scenarios) could cost a minute and
        gigabytes otherwise, with 1,024 scenarios a machine; `inspect` compiles what anybody sends.
        """
        steps = [(str(7 * index), f"0.{99 - index}") for index in range(40)]
        fields: dict[str, Any] = {"factors": {"X0": tiers(*steps, by="value")}}
        if kind == "limits":
            fields = {"limits": [TestLimits.limit("uncounted", f"X{i}") for i in range(32)]}
        scenarios = [{"name": f"s{i}", "shocks": {"X0": f"-0.{70 * i:04d}"}} for i in range(128)]
        finish = compiler._Compiler.finish
        reached = []

        def watched(self: Any, policy: Policy) -> Circuit:
            reached.append((len(self.rows), self.value_count))
            return finish(self, policy)

        monkeypatch.setattr(compiler._Compiler, "finish", watched)
        assets = " ".join(f"X{i}+" for i in range(32)) + " D-"
        claim = {"type": "stress", "scenarios": scenarios}
        with pytest.raises(CompileError):
            circuit_of(market(assets, claim, slots=64, **fields))
        for rows, values in reached:
            assert rows <= MAX_ROWS
            assert values <= DIGITS * MAX_DOMAIN_SIZE


class TestLimits:
    """Concentration limits, each way of dealing with an excess."""

    @staticmethod
    def limit(excess: str, *symbols: str, share: str = "0.5") -> dict[str, Any]:
        name = "-".join(symbols)
        return {"name": name, "assets": list(symbols), "share": share, "excess": excess}

    def test_an_excess_that_is_refused(self) -> None:
        made = market("A+ B+", limits=[self.limit("refused", "A")], factors={"A": "0.1"})
        assert provable(made, 10, 10)
        assert not provable(made, 11, 10)
        edge(made, (0, 0), (1, 0))

    def test_a_refusal_is_measured_before_factors_and_shocks(self) -> None:
        claim = {"type": "stress", "scenarios": [{"name": "s", "shocks": {"B": "-0.9"}}]}
        limits = [self.limit("refused", "A")]
        made = market("A+ B+", claim, limits=limits, factors={"B": "0.01"}, prices={"B": "2"})
        edge(made, (20, 10), (21, 10))

    def test_a_refusal_rounds_against_the_account(self) -> None:
        made = market("A+ B+", limits=[self.limit("refused", "A")], value_decimals="0")
        assert not provable(made, 10, 10)
        assert provable(made, 0, 10)

    def test_an_excess_that_is_not_counted(self) -> None:
        made = market("A+ B+ C-", limits=[self.limit("uncounted", "A")])
        assert provable(made, 10, 10, 20)
        edge(made, (20, 10, 25), (20, 10, 26))
        edge(made, (20, 0, 10), (20, 0, 11))

    def test_what_counts_is_measured_after_factors_and_tiers(self) -> None:
        factors = {"A": tiers(("0", "1"), ("10", "0.5")), "B": "0.5"}
        made = market("A+ B+ C-", limits=[self.limit("uncounted", "A")], factors=factors)
        # 30 of A are worth 20, 10 of B are worth 5: 12.5 of 25 may be A.
        edge(made, (30, 10, 17), (30, 10, 18))
        assert not provable(made, 29, 10, 18)

    def test_two_limits_at_once(self) -> None:
        limits = [
            self.limit("uncounted", "A", share="0.3"),
            self.limit("uncounted", "B", "C", share="0.6"),
        ]
        made = market("A+ B+ C+ D-", limits=limits)
        edge(made, (30, 40, 30, 90), (30, 40, 30, 91))
        edge(made, (50, 20, 30, 80), (50, 20, 30, 81))

    def test_the_penalty_is_asked_of_all_that_is_held(self) -> None:
        claim = {"type": "not_liquidatable", "scenarios": []}
        fields = {"limits": [self.limit("uncounted", "A")], "liquidation": TERMS}
        made = market("A+ B-", claim, **fields)
        edge(made, (20, 10), (20, 11))
        taxed = market("A+ B-", claim, **fields | {"liquidation": {**TERMS, "penalty": "0.9"}})
        assert provable(taxed, 20, 10)

    @pytest.mark.parametrize("share", ["0.3", "0.125", "0." + "9" * 20])
    def test_every_counted_value_is_a_whole_number_that_can_be_reached(self, share: str) -> None:
        limits = [self.limit("uncounted", "A", share=share)]
        fine = market("A+ B+ C-", limits=limits, units={"C": "-18"})
        for held in range(1, 8):
            other = 3
            most = min(Fraction(held), Fraction(share) * (held + other)) + other
            owed = int(most * 10**18)
            edge(fine, (held, other, owed), (held, other, owed + 1))


class TestReserve:
    def test_it_is_left_of_the_collateral_in_every_condition_that_has_it(self) -> None:
        claims = {
            "maintenance": {"type": "maintenance"},
            "stress": {"type": "stress", "scenarios": [{"name": "s", "shocks": {}}]},
            "survives": {"type": "survives", "assets": ["B"], "fall": "0.5"},
            "not_liquidatable": {"type": "not_liquidatable", "scenarios": []},
        }
        for claim in claims.values():
            made = market("A+ B-", claim, reserve="2.5", liquidation=TERMS)
            edge(made, (13, 10), (12, 10))
        band = market("A+ B-", {"type": "band", "low": "1", "high": None}, reserve="2.5")
        assert provable(band, 10, 10)

    def test_a_reserve_that_is_no_whole_number_of_the_rows_units(self) -> None:
        made = market("A+ B-", reserve="0.0001", units={"A": "-1", "B": "-1"})
        edge(made, (11, 10), (10, 10))


class TestCategories:
    FIELDS: Mapping[str, Any] = {
        "factors": {"A": "0.5", "D": "0.5"},
        "categories": {"cat": {"collateral": {"A": "0.9"}, "debts": ["B"]}},
    }

    def test_its_factors_replace_the_policys_and_only_its_debts_may_be_owed(self) -> None:
        inside = market("A+ B- C- D+ E~", {"type": "maintenance", "category": "cat"}, **self.FIELDS)
        outside = market("A+ B- C- D+ E~", **self.FIELDS)
        edge(inside, (10, 9), (10, 10))
        edge(outside, (10, 5), (10, 6))
        edge(inside, (0, 5, 0, 10), (0, 6, 0, 10))
        assert provable(outside, 10, 0, 5)
        assert not provable(inside, 10, 0, 1)
        for position in (-1, 1):
            assert provable(outside, 10, 0, 0, 0, position)
            assert not provable(inside, 10, 0, 0, 0, position)

    def test_a_signed_asset_that_it_names_may_be_held_either_way(self) -> None:
        fields = {**self.FIELDS, "categories": {"cat": {"collateral": {}, "debts": ["E"]}}}
        made = market("A+ B- C- D+ E~", {"type": "maintenance", "category": "cat"}, **fields)
        assert provable(made, 10, 0, 0, 0, -5)
        assert provable(made, 10, 0, 0, 0, 5)
        assert not provable(made, 10, 1, 0, 0, 0)

    def test_its_liquidation_factors_are_those_of_the_test_and_of_nothing_else(self) -> None:
        category = {"collateral": {"A": "0.8"}, "debts": ["B"], "liquidation": {"A": "0.9"}}
        fields = {"factors": {"A": "0.5"}, "categories": {"cat": category}, "liquidation": TERMS}
        test = {"type": "not_liquidatable", "scenarios": [], "category": "cat"}
        for claim, most in (
            (test, 90),
            ({"type": "not_liquidatable", "scenarios": []}, 50),
            ({"type": "maintenance", "category": "cat"}, 80),
            ({"type": "maintenance"}, 50),
        ):
            made = market("A+ B-", claim, **fields)
            edge(made, (100, most), (100, most + 1))


class TestLiquidation:
    """Each condition of `not_liquidatable` is the one that decides for some account."""

    CLAIM: Mapping[str, Any] = {
        "type": "not_liquidatable",
        "scenarios": [{"name": "s", "shocks": {"A": "-0.5", "C": "1"}}],
    }

    def made(self, **terms: Any) -> Market:
        own = {"collateral": {"A": "0.8", "C": "1"}, "debt": {"B": "1", "D": "1"}, "signed": {}}
        terms = {**TERMS, "factors": own, **terms}
        return market("A+ B- C+ D-", self.CLAIM, factors={"A": "0.1"}, ratio="3", liquidation=terms)

    @pytest.mark.parametrize(
        ("terms", "enough", "short"),
        [
            ({"ratio": "1.25"}, (0, 0, 50, 40), (0, 0, 49, 40)),
            ({"penalty": "0.5"}, (0, 0, 60, 40), (0, 0, 59, 40)),
            ({"ratio": "1.25"}, (100, 32), (100, 33)),
            ({"ratio": "0.8", "penalty": "0.25"}, (100, 40), (100, 41)),
        ],
        ids=["test now", "penalty now", "test under the shock", "penalty under the shock"],
    )
    def test_each_condition(
        self, terms: dict[str, str], enough: tuple[int, ...], short: tuple[int, ...]
    ) -> None:
        made = self.made(**terms)
        assert provable(made, *enough)
        assert not provable(made, *short)

    def test_the_reserve_is_asked_by_the_test_and_not_by_the_penalty(self) -> None:
        claim = {"type": "not_liquidatable", "scenarios": []}
        own = {"collateral": {"A": "1"}, "debt": {"B": "0.5"}, "signed": {}}
        made = market("A+ B-", claim, reserve="5", liquidation={**TERMS, "factors": own})
        edge(made, (10, 10), (11, 12))
        edge(made, (6, 2), (6, 3))

    def test_the_policys_own_ratio_and_factors_have_no_part_in_it(self) -> None:
        made = self.made()
        edge(made, (100, 40), (100, 41))
        own = market(
            "A+ B-", self.CLAIM | {"scenarios": []}, factors={"A": "0.1"}, liquidation=TERMS
        )
        edge(own, (100, 10), (100, 11))


class TestPrices:
    """The prices that a policy counts with, worked by hand: engine and compiler share them."""

    CONFIDENT: Mapping[str, Any] = {
        "prices": dict.fromkeys("ABC", "10"),
        "sigmas": {"A": "0.5", "B": "1", "C": "2"},
        "confidence": {"multiple": "2", "max_share": "0.2"},
    }

    def test_what_is_held_counts_less_by_its_confidence_and_what_is_owed_more(self) -> None:
        made = market("A+ B- C~", **self.CONFIDENT)
        # 9 a unit of A, 12 of B, 6 of C held, 14 of C owed.
        edge(made, (4, 3), (3, 3))
        edge(made, (0, 1, 2), (0, 3, 5))
        edge(made, (14, 0, -9), (13, 0, -9))

    def test_a_price_that_is_not_known_well_enough_is_refused(self) -> None:
        wide = {**self.CONFIDENT, "confidence": {"multiple": "2", "max_share": "0.19"}}
        with pytest.raises(CompileError, match=r"refuses a price: C.*0\.19 of the price"):
            circuit_of(market("A+ B- C~", **wide))
        low = {**self.CONFIDENT, "confidence": {"multiple": "5", "max_share": "0.2"}}
        with pytest.raises(CompileError, match="refuses a price: C"):
            circuit_of(market("A+ B- C~", **low))

    @staticmethod
    def grown(rate: str, **changes: str) -> dict[str, Any]:
        """A is 3 times `rate` of U; a year after a snapshot of 2 it counts up to 2.2."""
        cap = {
            "underlying": "U",
            "rate": "A.rate",
            "snapshot": "2",
            "snapshot_time": "2025-01-31T12:00:00Z",
            "yearly_growth": "0.1",
        }
        return {
            "growth_caps": {"A": cap | changes},
            "figures": {"A.rate": rate},
            "prices": {"U": "3"},
        }

    @pytest.mark.parametrize(
        ("rate", "worth"), [("1.5", "4.5"), ("2.2", "6.6"), ("2.3", "6.6"), ("9", "6.6")]
    )
    def test_an_exchange_rate_counts_up_to_its_cap(self, rate: str, worth: str) -> None:
        made = market("A+ B-", units={"B": "-1"}, **self.grown(rate))
        owed = int(Fraction(worth) * 10)
        edge(made, (1, owed), (1, owed + 1))

    def test_what_is_owed_costs_the_rate_as_it_is(self) -> None:
        """A cap protects the lender of a deposit, and not the borrower of the asset."""
        edge(market("B+ A-", **self.grown("3")), (9, 1), (8, 1))

    @pytest.mark.parametrize(("days", "worth"), [(0, 60), (73, 61), (146, 62)])
    def test_the_cap_grows_with_the_time_of_the_round(self, days: int, worth: int) -> None:
        """2 · (1 + 0.1 · days / 365), times 3, in tenths; a fifth of a year is 73 days."""
        time = format_time(NOW - timedelta(days=days))
        made = market("A+ B-", units={"B": "-1"}, **self.grown("9", snapshot_time=time))
        edge(made, (1, worth), (1, worth + 2))

    def test_a_snapshot_after_the_round_is_refused(self) -> None:
        later = format_time(NOW + timedelta(seconds=1))
        with pytest.raises(CompileError, match="older than the snapshot of the growth cap of A"):
            circuit_of(market("A+ B-", **self.grown("2", snapshot_time=later)))

    def test_a_capped_price_has_the_confidence_of_what_it_follows(self) -> None:
        confident = {"multiple": "1", "max_share": "1"}
        made = market(
            "A+ A- B+ B-",
            sigmas={"U": "1", "B": "0"},
            confidence=confident,
            **self.grown("2"),
        )
        # 2 · (3 − 1) held, 2 · (3 + 1) owed.
        edge(made, (1, 0, 0, 4), (1, 0, 0, 5))
        edge(made, (0, 1, 8), (0, 1, 7))

    @pytest.mark.parametrize(
        ("shocks", "worth"),
        [({}, 6), ({"U": "-0.5"}, 3), ({"A": "0"}, 6), ({"U": "-0.5", "A": "0"}, 6)],
        ids=["none", "of what it follows", "its own", "its own comes first"],
    )
    def test_a_capped_price_moves_with_what_it_follows(
        self, shocks: dict[str, str], worth: int
    ) -> None:
        claim = {"type": "stress", "scenarios": [{"name": "s", "shocks": shocks}]}
        made = market("A+ B- U+", claim, **self.grown("2"))
        edge(made, (1, worth), (1, worth + 1))

    @pytest.mark.parametrize(
        ("deposits", "counted"), [("5", 90), ("10", 90), ("20", 45), ("90", 10)]
    )
    def test_a_factor_shrinks_as_the_market_grows(self, deposits: str, counted: int) -> None:
        """0.9 · min(1, 20 / (deposits · 2)); a unit of A is worth 2."""
        scaled = {"type": "scaled", "factor": "0.9", "figure": "deposits", "start": "20"}
        made = market(
            "A+ B-",
            factors={"A": scaled},
            prices={"A": "2"},
            figures={"deposits": deposits},
            units={"B": "-2"},
        )
        edge(made, (1, 2 * counted), (1, 2 * counted + 1))

    def test_a_factor_is_scaled_at_the_middle_of_the_unshocked_price(self) -> None:
        """0.5 = 10 / (2 · 10), whatever the confidence and the shock; held at (10 − 2) / 2."""
        claim = {"type": "stress", "scenarios": [{"name": "s", "shocks": {"A": "-0.5"}}]}
        made = market(
            "A+ B-",
            claim,
            factors={"A": {"type": "scaled", "factor": "1", "figure": "deposits", "start": "10"}},
            prices={"A": "10"},
            sigmas={"A": "2", "B": "0"},
            confidence={"multiple": "1", "max_share": "1"},
            figures={"deposits": "2"},
        )
        edge(made, (1, 2), (1, 3))
        edge(made, (10, 20), (10, 21))

    def test_every_place_where_a_factor_may_be_scaled_asks_for_its_figure(self) -> None:
        def scaled(figure: str) -> dict[str, str]:
            return {"type": "scaled", "factor": "1", "figure": figure, "start": "1"}

        made = market(
            "A+ B- C~",
            factors={"A": scaled("1"), "C": {"long": scaled("2"), "short": "1"}},
            liquidation={
                **TERMS,
                "factors": {
                    "collateral": {"A": scaled("3")},
                    "debt": {"B": "1"},
                    "signed": {"C": {"long": scaled("4"), "short": "1"}},
                },
            },
            categories={
                "cat": {
                    "collateral": {"A": scaled("5")},
                    "debts": [],
                    "liquidation": {"A": scaled("6")},
                }
            },
        )
        assert made.policy.figures == tuple("123456")
        with pytest.raises(CompileError, match="no figure 1"):
            circuit_of(made)
