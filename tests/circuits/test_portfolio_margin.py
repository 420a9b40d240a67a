"""Portfolio margin: provable exactly when the engine's verdict says so, on both sides of the edge.

`test_rules` mixes the claim with all other rules of a policy; here are books large enough to have
edges, the two worked cases, and what the rows look like.
"""

from __future__ import annotations

import copy
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from tests.circuits.margin_markets import CLAIM, MarginWorld
from tests.circuits.margin_models import margin_model
from tests.circuits.rules import document, spell
from tests.world import NOW, srs
from zkcollateral.circuits.claim import document_digest
from zkcollateral.circuits.compiler import Backing, Circuit, compile_claim
from zkcollateral.circuits.statement import Account, Statement
from zkcollateral.crypto.commitment import Opening
from zkcollateral.errors import ClaimNotSatisfied, CompileError, LiftError
from zkcollateral.prover.proof import prove
from zkcollateral.prover.solve import solve
from zkcollateral.prover.witness import Witness
from zkcollateral.risk.clock import format_time
from zkcollateral.risk.health import evaluate
from zkcollateral.risk.margin.requirement import evaluate_margin
from zkcollateral.risk.policy import Policy, check_policy
from zkcollateral.risk.prices import PriceRound
from zkcollateral.risk.registry import Registry
from zkcollateral.verifier.proof import verify

Documents = tuple[Policy, Registry, PriceRound]
MCMILLAN_CALL = (460, -610, 2640, 1730, -1270, -2340, 5210, 4540)
MCMILLAN_CALL += (-2540, -3430, 8060, 7640, -3380, -3990, 3130, -1500)


def documents(
    assets: list[tuple[str, str, str]],
    margin: dict[str, Any],
    *,
    slots: int = 8,
    quote: str = "USD",
    factor: str = "1",
    factors: dict[str, Any] | None = None,
    prices: dict[str, str],
    figures: dict[str, str] | None = None,
    **more: Any,
) -> Documents:
    """A policy with one claim of portfolio margin; `assets` are (symbol, side, unit)."""
    registry = Registry.from_json_value(
        document(
            "registry",
            name="book",
            slots=str(slots),
            assets=[
                {"slot": str(slot), "symbol": symbol, "side": side, "unit": unit}
                for slot, (symbol, side, unit) in enumerate(assets)
            ],
        ),
        "registry",
    )
    policy = Policy.from_json_value(
        document(
            "policy",
            name="margin",
            registry=document_digest(registry),
            quote=quote,
            ratio="1",
            factors={"collateral": {}, "debt": {}, "signed": {}} | (factors or {}),
            value_decimals=None,
            oracle={"quorum": "1", "max_age_seconds": "60", "max_deviation": "0"},
            commitments={
                "max_age_seconds": "60",
                "max_summands": "64",
                "max_apart_seconds": "86400",
                "unvouched": True,
            },
            profile="balanced",
            claims={CLAIM: {"type": "portfolio_margin", "factor": factor}},
            margin=margin,
            **more,
        ),
        "policy",
    )
    check_policy(policy, document_digest(registry), registry)
    fields: dict[str, Any] = {"figures": figures} if figures else {}
    round_ = document(
        "price-round",
        time=format_time(NOW),
        quote=quote,
        prices=prices,
        reports=["0" * 64],
        **fields,
    )
    return policy, registry, PriceRound.from_json_value(round_, "prices")


def holds(book: Documents, amounts: list[int]) -> bool:
    policy, registry, prices = book
    return evaluate(policy.claims[CLAIM], policy, registry, prices, amounts).holds


def provable(circuit: Circuit, amounts: list[int]) -> bool:
    """Whether there are values; they are checked against every row."""
    try:
        values = solve(circuit, amounts)
    except ClaimNotSatisfied:
        return False
    for row in circuit.system.rows:
        left = sum(term.coefficient * amounts[term.slot] for term in row.account_terms)
        left += sum(term.coefficient * values[term.value] for term in row.value_terms)
        assert left == row.constant
    return True


def least(book: Documents, amounts: list[int], slot: int, most: int) -> int | None:
    """The least amount in a slot with which the claim holds; None if `most` is not enough."""
    low, high = 0, most
    if not holds(book, [*amounts[:slot], high, *amounts[slot + 1 :]]):
        return None
    while low < high:
        middle = (low + high) // 2
        if holds(book, [*amounts[:slot], middle, *amounts[slot + 1 :]]):
            high = middle
        else:
            low = middle + 1
    return low


def both_sides(book: Documents, amounts: list[int], *, slot: int = 0, most: int = 1 << 62) -> int:
    """With the least cash the claim is proved, and with one unit less it cannot be."""
    found = least(book, amounts, slot, most)
    assert found is not None
    for backing in (Backing(True), Backing(False), Backing(True, 8)):
        circuit = compile_claim(*book, CLAIM, backing)
        enough = [*amounts[:slot], found, *amounts[slot + 1 :]]
        assert provable(circuit, enough)
        if found:
            enough[slot] -= 1
            assert not provable(circuit, enough)
    return found


def prove_it(book: Documents, amounts: list[int]) -> bool:
    circuit = compile_claim(*book, CLAIM, Backing(vouched=True))
    opening = Opening.fresh(amounts)
    account = Account(len(amounts), bytes(opening.commit(srs())))
    statement = Statement(
        circuit.domain_size, circuit.value_count, (account,), circuit.system, bytes(32)
    )
    witness = Witness((opening,), solve(circuit, amounts))
    return bool(verify(statement, prove(statement, witness, srs()).encoded, srs()).valid)


def random_book(random: Random) -> Documents:
    """One collateral in cash, one spot, and a few instruments."""

    def decimal(low: int, high: int) -> str:
        return spell(random.randint(low, high))

    signed = [f"I{index}" for index in range(random.randint(1, 5))]
    assets = [("CASH", "collateral", "-2"), ("SPOT", "collateral", "-3")]
    assets += [(symbol, "signed", str(random.randint(-4, 0))) for symbol in signed]
    return documents(
        assets,
        margin_model(random, decimal, signed, ["SPOT"]),
        factor=decimal(50, 150),
        factors={"collateral": {"CASH": "1", "SPOT": decimal(50, 100)}},
        prices={name: spell(random.randint(10, 6000)) for name in ("SPOT", "FWD", "IDX0", "IDX1")}
        | {"CASH": "1"},
        figures={name: decimal(5, 6000) for name in ("iv", "coin0", "coin1", "FWD")},
    )


def agree(seeds: range) -> int:
    edges = 0
    for seed in seeds:
        random = Random(seed)
        book = random_book(random)
        count = len(book[1].assets) - 2
        positions = [random.randint(-400, 400) for _ in range(count)]
        amounts = [0, random.randint(0, 5000), *positions, *[0] * (6 - count)]
        edges += both_sides(book, amounts) > 0
        circuit = compile_claim(*book, CLAIM, Backing(vouched=True))
        for _ in range(3):
            amounts[random.randrange(2 + count)] = random.randint(0, 10**4)
            assert provable(circuit, amounts) == holds(book, amounts), seed
    return edges


def test_provable_exactly_when_the_engine_says_so() -> None:
    assert agree(range(60)) > 30


@pytest.mark.slow
@pytest.mark.parametrize("block", range(4))
def test_provable_exactly_when_the_engine_says_so_at_length(block: int) -> None:
    agree(range(1000 + 400 * block, 1400 + 400 * block))


class TestDeribit:
    """Case 12: the official example of portfolio margin, index 67250."""

    VOLATILITY = {  # noqa: RUF012
        "up": "0.5",
        "down": "0.25",
        "floor": "0.5",
        "days": "30",
        "near_power": "0.3",
        "far_power": "0.13",
    }

    def book(self, **underlying: Any) -> Documents:
        margin = {
            "decimals": "15",
            "underlyings": {
                "BTC": {
                    "index": "BTC_USD",
                    "settlement": "inverse",
                    "scenarios": {
                        "type": "grid",
                        "price_range": "0.16",
                        "buckets": "4",
                        "volatility": self.VOLATILITY,
                        "offset": "0",
                        "tails": [
                            {"move": move, "weight": weight}
                            for move, weight in (
                                ("-0.66", "0.2424"),
                                ("-0.33", "0.4848"),
                                ("0.5", "0.32"),
                                ("1", "0.16"),
                                ("5", "0.032"),
                            )
                        ],
                        "dampener": "100000",
                    },
                    "roll": {"minimum": "0.01", "yearly": "0.075"},
                }
                | underlying
            },
            "instruments": {
                "BTC-PERPETUAL": {"type": "perpetual", "underlying": "BTC", "settled": True},
                "BTC-28JUN24": {
                    "type": "future",
                    "underlying": "BTC",
                    "expiry": "2026-02-28T08:00:00Z",
                    "settled": True,
                },
            },
        }
        assets = [("BTC", "collateral", "-9"), ("BTC-PERPETUAL", "signed", "-9")]
        assets += [("BTC-28JUN24", "signed", "-9")]
        return documents(
            assets,
            margin,
            quote="BTC",
            factor="0.8",
            factors={"collateral": {"BTC": "1"}},
            prices={"BTC": "1"},
            figures={"BTC_USD": "67250.82"},
        )

    AMOUNTS = (0, 314_538_364, -1_187_534, 0, 0, 0, 0, 0)

    def test_case_12(self) -> None:
        found = evaluate_margin(*self.book(), self.AMOUNTS)
        (group,) = found.groups
        assert group.worst == "price -4/4 of the range, volatility up"
        assert abs(group.loss - Fraction("0.05968587238095239")) < Fraction(1, 10**9)
        assert abs(group.roll - Fraction("0.00315725898")) < Fraction(1, 10**9)
        assert group.delta == 0
        assert abs(found.requirement * Fraction("0.8") - Fraction("0.050274504784")) < Fraction(
            1, 10**9
        )

    def test_case_12_is_proved_and_not_beyond_its_edge(self) -> None:
        book = self.book()
        cash = both_sides(book, list(self.AMOUNTS))
        assert cash == 50_274_506  # 0.050274504784, and what Deribit rounds away
        assert prove_it(book, [cash, *self.AMOUNTS[1:]])


class TestSpan:
    """Case 13: McMillan's risk arrays, a long future (scan range 10,000) and a short call."""

    def book(self) -> Documents:
        future = [0, 0]
        for third in (1, 2, 3):
            future += [10_000 * third * sign for sign in (1, 1, -1, -1)]
        thirds = [f"{value / 3:.6f}" for value in future] + ["7000", "-7000"]
        margin = {
            "decimals": "6",
            "underlyings": {
                "SP": {
                    "index": "SP",
                    "settlement": "linear",
                    "scenarios": {
                        "type": "span",
                        "price_range": "0.1",
                        "volatility_range": "0.2",
                        "extreme_multiple": "2",
                        "extreme_cover": "0.35",
                    },
                }
            },
            "instruments": {
                "FUT": {"type": "listed", "underlying": "SP", "values": thirds},
                "CALL": {
                    "type": "listed",
                    "underlying": "SP",
                    "values": [str(value) for value in MCMILLAN_CALL],
                },
            },
        }
        return documents(
            [("USD", "collateral", "0"), ("FUT", "signed", "0"), ("CALL", "signed", "0")],
            margin,
            factors={"collateral": {"USD": "1"}},
            prices={"USD": "1", "SP": "2000"},
        )

    @pytest.mark.parametrize(
        ("future", "call", "required", "number"),
        [(1, -1, 6620, 13), (0, 1, 3990, 14), (0, -1, 8060, 11), (1, 0, 10_000, 13), (0, 0, 0, 1)],
    )
    def test_case_13(self, future: int, call: int, required: int, number: int) -> None:
        book = self.book()
        amounts = [0, future, call, 0, 0, 0, 0, 0]
        (group,) = evaluate_margin(*book, amounts).groups
        assert group.loss == required
        names = [name for name, _ in group.values]
        assert names.index(group.worst) == number - 1
        assert both_sides(book, amounts) == required
        if required:
            assert prove_it(book, [required, future, call, 0, 0, 0, 0, 0])

    def test_the_worst_scenario_is_named(self) -> None:
        policy, registry, prices = self.book()
        amounts = [7000, 1, -1, 0, 0, 0, 0, 0]
        found = evaluate(policy.claims[CLAIM], policy, registry, prices, amounts)
        (margin,) = found.margins
        assert (margin.name, margin.value) == ("portfolio margin", 380)
        assert margin.detail == "SP: price down 3/3 of the range, volatility up"
        assert "380" not in repr(margin)
        assert "down" not in repr(margin)


def book_of(world: MarginWorld) -> Documents:
    return world.policy, world.registry, world.prices().round


class TestRows:
    """What the claim costs, and what it leaves out."""

    def test_scenarios_that_are_the_same_are_one(self) -> None:
        """A future does not feel volatility: of 15 cells of the grid five are left, less the one
        in which nothing moves. The tails count as the edges of the range do, with more relief.
        """
        world = MarginWorld()
        margin = world.policy_value["margin"]
        for symbol in ("CALL", "PUT"):
            del margin["instruments"][symbol]
        circuit = compile_claim(*book_of(world), CLAIM, Backing(vouched=True))
        losses = [quantity for quantity in circuit.quantities if quantity.largest]
        assert [len(quantity.forms) for quantity in losses] == [4, 1, 1, 1, 1, 2]
        # The relief of a tail is not that of the edge: the smaller one is kept.
        for position in (40_000, -40_000):
            both_sides(book_of(world), [0, 0, 0, 0, 0, 0, position, 0])

    def test_a_model_without_instruments_held_is_maintenance(self) -> None:
        world = MarginWorld()
        policy, registry, prices = book_of(world)
        del world.policy_value["margin"]["spots"]
        policy = world.policy
        amounts = [10_000_000, 0, 5_000_000, 0, 0, 0, 0, 0]
        for cash in (5_500_000, 5_499_999):
            amounts[0] = cash
            verdicts = {
                evaluate(policy.claims[name], policy, registry, prices, amounts).holds
                for name in (CLAIM, "maintenance")
            }
            assert verdicts == {cash == 5_500_000}
            circuit = compile_claim(policy, registry, prices, CLAIM, Backing(vouched=True))
            assert provable(circuit, amounts) == (cash == 5_500_000)

    def test_limits_keep_working(self) -> None:
        world = MarginWorld()
        limit = {"name": "coin", "assets": ["BTC"], "share": "0.5", "excess": "refused"}
        world.policy_value["limits"] = [limit]
        amounts = [60_000 * 10**6, 10**8, 0, 0, 0, 0, 0, 0]
        book = book_of(world)
        circuit = compile_claim(*book, CLAIM, Backing(vouched=True))
        assert not holds(book, amounts)
        assert not provable(circuit, amounts)
        amounts[0] = 64_000 * 10**6
        assert holds(book, amounts)
        assert provable(circuit, amounts)
        del world.policy_value["margin"]["spots"]
        limit["excess"] = "uncounted"
        amounts = [0, 10**8, 1000 * 10**6, 0, 0, 0, 1, 0]
        both_sides(book_of(world), amounts)

    def test_numbers_that_could_wrap_are_refused(self) -> None:
        world = MarginWorld()
        margin = world.policy_value["margin"]
        margin["decimals"] = "18"
        world.said["prices"] = dict.fromkeys(world.said["prices"], "9" * 40)
        with pytest.raises(LiftError):
            compile_claim(*book_of(world), CLAIM, Backing(vouched=True, summands=64))

    @pytest.mark.parametrize("summands", [1, 64])
    def test_realistic_books_take_at_most_two_values_for_a_number(self, summands: int) -> None:
        circuit = compile_claim(*book_of(MarginWorld()), CLAIM, Backing(True, summands))
        assert max(quantity.limbs for quantity in circuit.quantities) == 2

    def test_a_claim_of_the_wrong_currency_has_no_circuit(self) -> None:
        world = MarginWorld()
        policy, registry, prices = book_of(world)
        other = PriceRound.from_json_value(prices.to_json_value() | {"quote": "EUR"}, "prices")
        with pytest.raises(CompileError, match="counts in USD"):
            compile_claim(policy, registry, other, CLAIM, Backing(vouched=True))

    def test_the_same_documents_give_the_same_rows(self) -> None:
        world = MarginWorld()
        first = compile_claim(*book_of(world), CLAIM, Backing(vouched=True))
        again = MarginWorld(oracles=world.oracles)
        again.policy_value = copy.deepcopy(world.policy_value)
        second = compile_claim(*book_of(again), CLAIM, Backing(vouched=True))
        assert first.system == second.system
        assert first.quantities == second.quantities
