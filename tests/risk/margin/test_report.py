"""The margin report: what it adds up, nets, names and refuses."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.risk.margin import margin_books as books
from zkcollateral.errors import CompileError, DocumentError, InputError
from zkcollateral.risk.claims import PortfolioMargin
from zkcollateral.risk.health import evaluate
from zkcollateral.risk.margin.report import MarginReport, margin_report
from zkcollateral.risk.margin.report_json import margin_json
from zkcollateral.risk.margin.requirement import evaluate_margin
from zkcollateral.risk.options.black76 import price

POLICY, REGISTRY, PRICES = books.policy(), books.registry(), books.prices()


def report(*values: dict[str, Any], claim: str | None = None) -> MarginReport:
    portfolios = [books.portfolio(value) for value in values]
    return margin_report(portfolios, POLICY, REGISTRY, PRICES, claim)


def only(**signed: str) -> dict[str, Any]:
    """A book of nothing but these signed amounts."""
    named = {name.replace("_", "-"): amount for name, amount in signed.items()}
    return books.BOOK | {"collateral": {}, "signed": named}


def test_a_future_by_hand() -> None:
    found = report(only(BTC_PERP="2", USDC="50000"))
    btc, eth = found.groups
    # 2 · 64,000 · 16%; a roll of 1% of 128,000; (128,000 − 100,000) · 1%.
    assert (btc.loss, btc.roll, btc.delta) == (20_480, 1_280, 280)
    assert btc.worst.move == Fraction("-0.16")
    assert btc.worst.name == "price -4/4 of the range, volatility up"
    assert eth.requirement == 0
    assert (found.equity, found.requirement) == (50_000, 22_040)
    assert found.headroom == 27_960
    # At 4/4 down all volatilities lose the same.
    values = {each.scenario.name: each.value for each in btc.scenarios}
    assert values["price -1/4 of the range, volatility down"] == -5_120
    # A tail: 128,000 · 50% · 0.32, less (0.5/0.16 − 1) · 500.
    assert values["tail: price moved by -0.5"] == -20_480 + Fraction(1_062_50, 100)
    (single,) = found.positions
    assert (single.symbol, single.amount, single.alone) == ("BTC-PERP", 2, 22_040)
    assert found.portfolio_benefit == 0


def test_calls_short_against_a_long_future_need_less_together() -> None:
    found = report(only(BTC_C70="-4", BTC_JUN="2"))
    assert {position.symbol for position in found.positions} == {"BTC-C70", "BTC-JUN"}
    assert found.positions_alone > 2 * found.requirement
    assert found.portfolio_benefit == found.positions_alone - found.requirement


def test_venues_net_before_anything_is_asked() -> None:
    long, short = only(BTC_PERP="2"), only(BTC_PERP="-2") | {"account": "elsewhere"}
    found = report(long, short)
    assert found.accounts == ("desk-1", "elsewhere")
    assert [venue.requirement for venue in found.venues] == [22_040, 22_040]
    assert (found.requirement, found.netting_benefit) == (0, 44_080)
    assert found.positions == ()
    assert found.greeks == ()
    assert [group.worst.name for group in found.groups] == [
        each.scenarios[0].scenario.name for each in found.groups
    ]


def test_it_is_the_engine_s_evaluation() -> None:
    found = report(books.BOOK, books.OTHER)
    both = [books.portfolio(each).amounts(REGISTRY) for each in (books.BOOK, books.OTHER)]
    amounts = [sum(each) for each in zip(*both, strict=True)]
    expected = evaluate_margin(POLICY, REGISTRY, PRICES, amounts)
    assert found.equity == expected.equity
    assert found.requirement == expected.requirement
    for group, risk in zip(found.groups, expected.groups, strict=True):
        assert [(each.scenario.name, each.value) for each in group.scenarios] == [*risk.values]
        assert group.worst.name == risk.worst
        assert min(each.value for each in group.scenarios) == -group.loss < 0
    for venue, each in zip(found.venues, both, strict=True):
        alone = evaluate_margin(POLICY, REGISTRY, PRICES, each)
        assert (venue.equity, venue.requirement) == (alone.equity, alone.requirement)
    assert found.equity == sum(venue.equity for venue in found.venues)
    for claim in found.claims:
        rule = POLICY.claims[claim.name]
        assert isinstance(rule, PortfolioMargin)
        verdict = evaluate(rule, POLICY, REGISTRY, PRICES, amounts)
        assert claim.holds == verdict.holds
        assert claim.headroom == found.equity - claim.factor * found.requirement


def test_the_risk_matrix_is_what_floats_revalue() -> None:
    """The desk's matrix of BTC, from the definitions and with another Black-76."""
    (btc, _) = report(books.BOOK).groups
    near, far = 26 / 365, 117 / 365

    def volatility(now: float, days: int, word: str) -> float:
        power = 0.3 if days < 30 else 0.13
        if word == "up":
            return max(now * (1 + 0.45 * (30 / days) ** power), 0.3)
        return max(now * (1 - 0.3 * (30 / days) ** power), 0) if word == "down" else now

    for each in btc.scenarios:
        move, word = float(each.scenario.move), each.scenario.volatility
        up = 1 + move
        call = price("call", 64_300 * up, 70_000, near, volatility(0.62, 26, word))
        put = price("put", 65_100 * up, 56_000, far, volatility(0.7, 117, word))
        value = -10 * (call - price("call", 64_300, 70_000, near, 0.62))
        value += 4 * (put - price("put", 65_100, 56_000, far, 0.7))
        value += 5 * 65_100 * move - 0.5 * 64_000 * move + 1.25 * 0.9 * 64_000 * move
        value *= float(each.scenario.weight)
        if each.scenario.tail and value < 0:
            value = min(value + (abs(move) / 0.16 - 1) * 500, 0)
        assert float(each.value) == pytest.approx(float(value), abs=1e-3), each.scenario.name
    assert btc.worst.name == min(btc.scenarios, key=lambda each: each.value).scenario.name


def test_claims_have_their_own_factors() -> None:
    requirement = report(books.BOOK).requirement
    cash = report(books.BOOK).equity - requirement
    # Just too little for the initial margin, enough at 0.8 of it.
    poor = books.BOOK | {"signed": books.BOOK["signed"] | {"USDC": str(60_999 - int(cash))}}
    found = report(poor)
    assert [(claim.name, claim.holds) for claim in found.claims] == [
        ("initial", False),
        ("kept", True),
    ]
    assert found.claims[1].headroom - found.claims[0].headroom == requirement / 5
    assert [claim.name for claim in report(poor, claim="kept").claims] == ["kept"]


def test_what_is_misplaced_fails_every_claim() -> None:
    stray = books.BOOK | {"collateral": {"BTC": "1.25", "STRAY": "3"}}
    found = report(stray)
    assert found.headroom > 0
    assert [(claim.holds, claim.misplaced) for claim in found.claims] == [
        (False, ("STRAY (collateral)",))
    ] * 2


def test_a_reserve_is_kept_by_claims_only() -> None:
    policy = books.policy(reserve="1000")
    portfolio = books.portfolio(books.BOOK)
    plain, kept = (margin_report(portfolio, each, REGISTRY, PRICES) for each in (POLICY, policy))
    assert plain.headroom == kept.headroom
    assert plain.claims[0].headroom - kept.claims[0].headroom == 1000


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                name: st.integers(-30, 30).map(str)
                for name in ("BTC-C70", "BTC-P56", "BTC-JUN", "ETH-P3000", "ETH-PERP")
            }
        ),
        min_size=1,
        max_size=3,
    )
)
@settings(max_examples=25, deadline=None)
def test_netting_never_asks_more(books_held: list[dict[str, str]]) -> None:
    """But by what each venue alone may have for itself: the dampener, and the delta's threshold."""
    found = report(
        *(only(**{k.replace("-", "_"): v for k, v in each.items()}) for each in books_held)
    )
    relief, threshold = 500 * Fraction("5.25"), 100_000 * Fraction("0.01")
    assert found.netting_benefit >= -(relief + threshold) * (len(books_held) - 1)
    assert found.requirement == sum(group.requirement for group in found.groups)
    assert found.equity == sum(venue.equity for venue in found.venues)


def test_json_is_exact_and_floats_are_named() -> None:
    found = report(books.BOOK, books.OTHER)
    value = json.loads(json.dumps(margin_json(found)))
    assert Fraction(value["requirement"]) == found.requirement
    assert value["underlyings"][0]["worst"] == found.groups[0].worst.name
    assert len(value["underlyings"][0]["scenarios"]) == 31
    assert len(value["underlyings"][1]["scenarios"]) == 16
    assert value["greeks"][1]["unknown"] == ["ETH-BASKET"]
    assert value["claims"][0]["holds"] is True

    def check(part: object, name: str) -> None:
        if isinstance(part, dict):
            for field, each in part.items():
                check(each, field)
        elif isinstance(part, list):
            for each in part:
                check(each, name)
        elif isinstance(part, float):
            assert name.endswith("_float"), name
        else:
            assert not isinstance(part, int) or isinstance(part, bool), name

    check(value, "")


def test_nothing_of_it_is_shown() -> None:
    found = report(books.BOOK, books.OTHER)
    shown = [found, *found.groups, *found.venues, *found.positions, *found.claims, *found.greeks]
    shown += [*found.groups[0].scenarios, *found.greeks[0].positions]
    for each in shown:
        assert "hidden" in repr(each)
        assert not any(digit in repr(each) for digit in ("1.25", "61000", "Fraction"))


def test_policies_and_claims_it_refuses() -> None:
    portfolio = books.portfolio(books.BOOK)
    with pytest.raises(InputError) as refused:
        report(books.BOOK, claim="plain")
    assert (refused.value.where, refused.value.got) == ("claim", "'plain', of maintenance")
    with pytest.raises(InputError) as refused:
        report(books.BOOK, claim="other")
    assert refused.value.where == "claims"
    with pytest.raises(InputError) as refused:
        margin_report([], POLICY, REGISTRY, PRICES)
    assert (refused.value.where, refused.value.got) == ("portfolios", "0")
    with pytest.raises(InputError, match="portfolios"):
        margin_report([portfolio] * 65, POLICY, REGISTRY, PRICES)
    value = books.policy_json(claims={"plain": {"type": "maintenance"}})
    del value["margin"]
    without = type(POLICY).from_json_value(value, "policy")
    with pytest.raises(InputError) as refused:
        margin_report(portfolio, without, REGISTRY, books.prices())
    assert refused.value.where == "policy: margin"


def test_portfolios_and_rounds_it_refuses() -> None:
    huge = books.BOOK | {"signed": {"USDC": "9000000000000"}}
    with pytest.raises(InputError) as refused:
        report(huge, huge)
    assert refused.value.where == "portfolios: signed.USDC"
    assert "9000" not in str(refused.value)
    with pytest.raises(DocumentError, match=r"collateral\.DOGE"):
        report(books.BOOK | {"collateral": {"DOGE": "1"}})
    portfolio = books.portfolio(books.BOOK)
    with pytest.raises(CompileError, match="BTC-C70"):
        margin_report(portfolio, POLICY, REGISTRY, books.prices(time="2026-03-27T08:00:00Z"))
    fewer = books.prices(figures={"BTC-C70-IV": "0.62", "BTC-P56-IV": "0.7"})
    with pytest.raises(CompileError, match="ETH-P3000-IV"):
        margin_report(portfolio, POLICY, REGISTRY, fewer)
