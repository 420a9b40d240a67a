"""The claim `liquid`: provable exactly when trades within the limits reach the ratio.

The engine trades (`risk.hedging.deleverage`), the compiler writes the dual program: what they agree
on is strong duality, and both sides of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from tests.circuits.rules import CLAIM, Maker, Market, spell
from tests.circuits.test_compiler import simple
from tests.circuits.test_rules import compiled, forged, holds, satisfied
from zkcollateral.circuits.compiler import Backing, Circuit, compile_claim
from zkcollateral.circuits.curves import Curve, Weight
from zkcollateral.circuits.deleveraging import Offer, at_every_rate
from zkcollateral.circuits.weights import Inequality
from zkcollateral.errors import CompileError, DocumentError, LiftError
from zkcollateral.risk.health import evaluate
from zkcollateral.risk.policy import Policy
from zkcollateral.risk.pricing import price
from zkcollateral.risk.valuation import Account
from zkcollateral.risk.values import Exact, FrozenMap


def markets(seeds: range) -> Iterator[tuple[int, Random, Market]]:
    """Random markets with a claim of a deleveraging, and the random numbers after them."""
    for seed in seeds:
        random = Random(seed)
        market = Maker(random).market()
        owing = {(asset.side == "collateral") for asset in market.registry.assets} == {True, False}
        if owing and not any(limit.excess == "uncounted" for limit in market.policy.limits):
            value = market.policy.to_json_value()
            category = random.choice([None, *value.get("categories", ())])
            value["claims"] = {CLAIM: Maker(random).liquid(value, category)}
            # A policy whose ratio moves asks for a claim that the ratio is part of.
            value.pop("adaptive", None)
            policy = Policy.from_json_value(value, "policy")
            market = replace(market, policy=policy, accounts=market.accounts[:1])
            yield seed, random, market
            plain = market.policy.model_copy(update={"limits": ()})
            account = levered(market, random)
            yield seed, random, replace(market, policy=plain, accounts=[account])


def levered(market: Market, random: Random) -> list[int]:
    """Something in every slot that is priced, and more held than owed."""
    amounts = [0] * len(market.accounts[0])
    quotes = price(market.policy, market.prices).quotes
    category = market.policy.category_of(market.policy.claims[CLAIM])
    for symbol, side in market.policy.factors.pairs():
        if category is not None and side != "collateral" and symbol not in category.debts:
            continue
        asset = market.registry.by_key[symbol, side]
        low, high = {"collateral": (500, 3000), "debt": (0, 700), "signed": (-300, 900)}[side]
        unit_price = max(quotes[symbol].low, Fraction(1, 10)) * asset.smallest_unit
        amounts[asset.slot] = int(random.randint(low, high) / unit_price)
    return amounts


def without_trades(market: Market) -> bool:
    """Whether the account is at the claim's ratio as it stands."""
    claim: Any = market.policy.claims[CLAIM]
    pricing = price(market.policy, market.prices)
    category = market.policy.category_of(claim)
    account = Account(market.policy, market.registry, pricing, market.accounts[0], category)
    return account.above(claim.ratio, {}) >= 0


def at_ratio(market: Market, hundredths: int) -> Market:
    """The same market with another ratio in the claim."""
    ratio = Exact(spell(hundredths))
    claim = market.policy.claims[CLAIM].model_copy(update={"ratio": ratio})
    claims = FrozenMap({CLAIM: claim})
    policy = market.policy.model_copy(update={"claims": claims})
    return replace(market, policy=policy)


def around(market: Market) -> Iterator[Market]:
    """The largest ratio that a deleveraging reaches, in hundredths, and the next; none if no ratio
    is between what is reached and what is not.
    """
    low, high = 1, 10_000
    if not holds(at_ratio(market, low), market.accounts):
        return
    if holds(at_ratio(market, high), market.accounts):
        return
    while high - low > 1:
        middle = (low + high) // 2
        reached = holds(at_ratio(market, middle), market.accounts)
        low, high = (middle, high) if reached else (low, middle)
    yield at_ratio(market, low)
    yield at_ratio(market, high)


def compiled_or_too_fine(market: Market, backing: Backing) -> Circuit | None:
    """The circuit; None where the compiler refuses, and where the numbers have too many digits: a
    rate is a quotient of two of them, and a growth cap alone has a denominator of 31,536,000.
    """
    try:
        return compiled(market, backing)
    except LiftError:
        assert market.policy.value_decimals is None
        assert market.policy.growth_caps or market.policy.wrapped
        return None


def agree(seeds: range) -> dict[str, int]:
    """Compiler and engine say the same at both edges of the ratio and of the amount of a slot."""
    seen = dict.fromkeys(("as drawn", "needs trades", "has enough", "cannot", "edges"), 0)
    for seed, random, market in markets(seeds):
        vouched = random.random() < 0.5
        backing = Backing(vouched=vouched, summands=random.choice([1, 8]) if vouched else 1)
        for each in (market, *around(market)):
            circuit = compiled_or_too_fine(each, backing)
            if circuit is None:
                continue
            verdict = holds(each, each.accounts)
            assert (satisfied(circuit, each.accounts) is not None) == verdict, seed
            seen["as drawn"] += each is market
            if verdict:
                seen["has enough" if without_trades(each) else "needs trades"] += 1
            else:
                seen["cannot"] += 1
            for edge in edges(each, circuit, random):
                seen["edges"] += 1
                assert (satisfied(circuit, edge) is not None) == holds(each, edge), seed
    return seen


def test_provable_exactly_when_a_deleveraging_exists() -> None:
    seen = agree(range(20_000, 20_600))
    assert min(seen.values()) > 20, seen


def edges(market: Market, circuit: Circuit, random: Random) -> Iterator[list[list[int]]]:
    """The last account that passes and the first that fails, along one slot."""
    slot = random.choice(market.registry.assets).slot

    def at(amount: int) -> list[list[int]]:
        changed = list(market.accounts[0])
        changed[slot] = amount
        return [changed]

    low, high = 0, 1 << 20
    if holds(market, at(low)) == holds(market, at(high)):
        return
    first = holds(market, at(low))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(market, at(middle)) == first else (low, middle)
    yield at(low)
    yield at(high)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(3))
def test_provable_exactly_when_a_deleveraging_exists_at_length(block: int) -> None:
    agree(range(1_000_000 + 4000 * block, 1_004_000 + 4000 * block))


def test_no_choice_of_values_makes_a_deleveraging_that_does_not_exist() -> None:
    tried = 0
    for seed, random, market in markets(range(30_000, 30_500)):
        amounts = market.accounts[0]
        if any(amounts[a.slot] < 0 and a.side != "signed" for a in market.registry.assets):
            continue
        for each in (market, *around(market)):
            circuit = compiled_or_too_fine(each, Backing(vouched=True))
            if circuit is None or holds(each, each.accounts):
                continue
            for _ in range(20):
                tried += 1
                assert not forged(circuit, each.accounts, random), seed
    assert tried > 2000


def trading(
    sides: str, ratio: str, policy: dict[str, Any] | None = None, **trades: tuple[str, str]
) -> tuple[Market, Circuit]:
    """Assets of price and factor 1, and limits and costs by symbol: sales but of what is a debt."""
    kinds = sides.split()
    claim: dict[str, Any] = {"type": "liquid", "ratio": ratio, "sales": {}, "repayments": {}}
    for symbol, (limit, cost) in trades.items():
        field = "repayments" if kinds[int(symbol[1])] == "debt" else "sales"
        claim[field][symbol] = {"limit": limit, "cost": cost}
    registry, found, prices = simple(sides=sides, claim=claim, **(policy or {}))
    circuit = compile_claim(found, registry, prices, CLAIM, Backing(vouched=True))
    return Market(registry, found, prices, [[0] * 8]), circuit


def first_that_passes(market: Market, circuit: Circuit, *rest: int) -> int:
    """The least amount in slot 0 with which the claim is provable; the engine says the same."""

    def passes(amount: int) -> bool:
        accounts = [[amount, *rest, *[0] * (7 - len(rest))]]
        proved = satisfied(circuit, accounts) is not None
        assert proved == holds(market, accounts)
        return proved

    low, high = -1, 1 << 20
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return high


@pytest.mark.parametrize(
    ("sale", "repayment", "debt", "least"),
    [
        # A unit repaid for 1.25 takes 1.25 / 0.9 of what is held, and helps by 1.5 - 1.3888.. =
        # 0.1111..: 4000 of them by 444.44..
        (("100000", "0.1"), ("4000", "0.25"), 10_000, 15_000 - 444),
        (("100000", "0.1"), ("0", "0.25"), 10_000, 15_000),
        (("0", "0.1"), ("4000", "0.25"), 10_000, 15_000),
        # 2700 sold bring 2430, for 1944 repaid, which count 2916.
        (("2700", "0.1"), ("4000", "0.25"), 10_000, 15_000 - 216),
        # No more than is owed.
        (("100000", "0.1"), ("4000", "0.25"), 900, 1350 - 100),
        (("100000", "0.1"), ("4000", "0.25"), 0, 0),
        # No more than is held: 1.5 · (10000 − c · 0.9 / 1) is left over from c on, if all is sold.
        (("100000", "0.1"), ("100000", "0"), 10_000, 11_112),
        # At these costs it does not pay.
        (("100000", "0.2"), ("4000", "0.2"), 10_000, 15_000),
    ],
)
def test_by_hand(sale: tuple[str, str], repayment: tuple[str, str], debt: int, least: int) -> None:
    market, circuit = trading("collateral debt", "1.5", A0=sale, A1=repayment)
    assert first_that_passes(market, circuit, debt) == least


def test_what_a_sale_brings_is_spent_once() -> None:
    """1000 sold repay 1000 of the one debt or of the other, or some of both."""
    trades = {"A0": ("1000", "0"), "A1": ("1000", "0"), "A2": ("1000", "0")}
    market, circuit = trading("collateral debt debt", "2", **trades)
    assert first_that_passes(market, circuit, 1000, 1000) == 4000 - 1000
    assert first_that_passes(market, circuit, 400, 5000) == 10_800 - 1000
    assert first_that_passes(market, circuit, 400, 300) == 1400 - 700


def test_what_is_left_of_the_proceeds_counts_nothing() -> None:
    """Collateral of factor 0 is worth selling as far as there is debt to repay, and no further."""
    factors = {"collateral": {"A0": "0"}, "debt": {"A1": "1"}, "signed": {}}
    trades = {"A0": ("1000000", "0"), "A1": ("300", "0")}
    market, circuit = trading("collateral debt", "2", {"factors": factors}, **trades)
    assert first_that_passes(market, circuit, 300) == 300
    too_much = [[10_000, 301, *[0] * 6]]
    assert satisfied(circuit, too_much) is None
    assert not holds(market, too_much)


def test_the_long_part_of_a_signed_slot_is_sold_and_the_short_part_bought_back() -> None:
    claim = {
        "type": "liquid",
        "ratio": "1.5",
        "sales": {"A0": {"limit": "5000", "cost": "0"}},
        "repayments": {"A1": {"limit": "5000", "cost": "0"}},
    }
    registry, policy, prices = simple(sides="signed signed", claim=claim)
    circuit = compile_claim(policy, registry, prices, CLAIM, Backing(vouched=True))
    market = Market(registry, policy, prices, [])
    # 5000 of each: (c - 5000) >= 1.5 * 5000.
    assert first_that_passes(market, circuit, -10_000) == 12_500
    for accounts in ([[-1, 10, *[0] * 6]], [[0, 0, *[0] * 6]], [[-10, 16, *[0] * 6]]):
        assert (satisfied(circuit, accounts) is not None) == holds(market, accounts)


def test_a_long_part_worth_more_than_a_short_part_costs_is_refused() -> None:
    """Bought at a price that a debt elsewhere makes cheap, a unit short costs less than a unit long
    counts: slices long and short of one amount would gain.
    """
    claim = {
        "type": "liquid",
        "ratio": "1",
        "sales": {"A1": {"limit": "5000", "cost": "0.9"}},
        "repayments": {"A0": {"limit": "5000", "cost": "0"}},
    }
    registry, policy, prices = simple(
        sides="signed collateral",
        claim=claim,
        factors={
            "collateral": {"A1": "0.01"},
            "debt": {},
            "signed": {"A0": {"long": "1", "short": "1"}},
        },
    )
    with pytest.raises(CompileError, match="not concave"):
        compile_claim(policy, registry, prices, CLAIM, Backing(vouched=True))


def test_sums_of_commitments_have_wider_slices_and_the_same_verdict() -> None:
    trades = {"A0": ("100000", "0.1"), "A1": ("4000", "0.25")}
    market, _ = trading("collateral debt", "1.5", **trades)
    for summands in (1, 2, 64):
        circuit = compile_claim(
            market.policy,
            market.registry,
            market.prices,
            CLAIM,
            Backing(vouched=True, summands=summands),
        )
        assert first_that_passes(market, circuit, 10_000) == 15_000 - 444
        huge = [[(summands << 63) - 1, summands << 62, 0, 0, 0, 0, 0, 0]]
        assert (satisfied(circuit, huge) is not None) == holds(market, huge) is True


def test_rates_outside_the_sales_and_the_repayments_are_left_out() -> None:
    """One inequality where no trade gains, one at each rate in between where some do."""
    plain = Inequality(
        {
            (0, 0): Weight(Curve((0,), (Fraction(1),))),
            (0, 1): Weight(Curve((0,), (Fraction(3),))),
            (0, 2): Weight(Curve((0,), (Fraction(-2),))),
        }
    )
    offer = Offer(10, Fraction(1))
    assert list(at_every_rate(plain, {}, {(0, 2): offer})) == [plain]
    assert list(at_every_rate(plain, {(0, 0): offer}, {})) == [plain]
    assert list(at_every_rate(plain, {(0, 1): offer}, {(0, 2): offer})) == [plain]
    found = list(at_every_rate(plain, {(0, 0): offer, (0, 1): offer}, {(0, 2): offer}))
    assert [each.weights[0, 2].positive for each in found] == [
        Curve((0, 10), (Fraction(-1), Fraction(-2))),
        Curve((0,), (Fraction(-2),)),
    ]
    assert [each.weights[0, 0].positive for each in found] == [
        Curve((0,), (Fraction(1),)),
        Curve((0, 10), (Fraction(2), Fraction(1))),
    ]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"sales": {"A1": {"limit": "1", "cost": "0"}}}, "claims.it.sales.A1"),
        ({"repayments": {"A0": {"limit": "1", "cost": "0"}}}, "claims.it.repayments.A0"),
        ({"sales": {"A0": {"limit": "-1", "cost": "0"}}}, "limit"),
        ({"sales": {"A0": {"limit": "1", "cost": "1"}}}, "below 1"),
        ({"sales": {"A0": {"limit": "1", "cost": "-0.1"}}}, "cost"),
        ({"repayments": {"A1": {"limit": "1", "cost": "-0.1"}}}, "cost"),
        ({"ratio": "0"}, "ratio"),
        ({"ratio": "-1"}, "ratio"),
        ({"category": "none"}, "category"),
    ],
)
def test_claims_that_are_refused(change: dict[str, Any], match: str) -> None:
    claim = {"type": "liquid", "ratio": "1.5", "sales": {}, "repayments": {}} | change
    with pytest.raises(DocumentError, match=match):
        simple(claim=claim)


def test_policies_that_cannot_say_what_trades_do_are_refused() -> None:
    claim = {
        "type": "liquid",
        "ratio": "1.5",
        "sales": {"A0": {"limit": "5", "cost": "0"}},
        "repayments": {},
    }
    limit = {"name": "half", "assets": ["A0"], "share": "0.5", "excess": "uncounted"}
    with pytest.raises(DocumentError, match="limits refuse an excess"):
        simple(claim=claim, limits=[limit])
    sized = {"type": "sized", "by": "amount", "tiers": [{"above": "0", "factor": "1"}]}
    factors = {"collateral": {"A0": sized}, "debt": {"A1": "1"}, "signed": {}}
    with pytest.raises(DocumentError, match="does not jump"):
        simple(claim=claim, factors=factors)
    pegged = {"pegged": {"collateral": {"A0": sized}, "debts": ["A1"]}}
    with pytest.raises(DocumentError, match="does not jump"):
        simple(claim={**claim, "category": "pegged"}, categories=pegged)


def test_limits_are_those_of_the_account_as_it_stands() -> None:
    claim = {
        "type": "liquid",
        "ratio": "1",
        "sales": {"A0": {"limit": "100", "cost": "0"}},
        "repayments": {"A2": {"limit": "100", "cost": "0"}},
    }
    limit = {"name": "half", "assets": ["A0"], "share": "0.5", "excess": "refused"}
    registry, policy, prices = simple(
        sides="collateral collateral debt", claim=claim, limits=[limit]
    )
    circuit = compile_claim(policy, registry, prices, CLAIM, Backing(vouched=True))
    market = Market(registry, policy, prices, [])
    for first, expected in ((100, True), (101, False)):
        accounts = [[first, 100, 100, 0, 0, 0, 0, 0]]
        assert holds(market, accounts) is expected
        assert (satisfied(circuit, accounts) is not None) is expected
        margins = evaluate(policy.claims[CLAIM], policy, registry, prices, accounts[0]).margins
        assert [margin.name for margin in margins] == ["liquid", "limit half"]
