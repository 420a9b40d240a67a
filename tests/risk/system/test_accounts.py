"""Accounts of a system: from portfolios, from CSV, made by a seed, and the terms they are under."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from tests.cli.market import LIQUIDATION, PORTFOLIO, PRICES, REGISTRY, policy
from tests.risk.system.systems import TERMS
from zkcollateral.errors import InputError
from zkcollateral.risk.liquidation.of_policy import Weighing
from zkcollateral.risk.policy import Policy
from zkcollateral.risk.portfolio import Portfolio
from zkcollateral.risk.prices import PriceRound
from zkcollateral.risk.registry import Registry
from zkcollateral.risk.system.accounts import (
    Accounts,
    SyntheticRule,
    accounts_of,
    synthetic_accounts,
    weighted,
)
from zkcollateral.risk.system.accounts_csv import accounts_from_csv
from zkcollateral.risk.system.terms import SystemTerms, system_terms
from zkcollateral.risk.valuation import account_of

REGISTERED = Registry.from_json_value(REGISTRY, "registry")
HEADER = "account,collateral.BTC,collateral.ETH,debt.USDC,signed.ETH-PERP"


def price_round(**changes: Any) -> PriceRound:
    value = {
        "format": "zkcollateral/price-round/1",
        "time": "2026-01-01T00:00:00Z",
        "quote": "USD",
        "prices": PRICES,
        "reports": ["0" * 64],
    }
    return PriceRound.from_json_value(value | changes, "round")


def ruled(**changes: Any) -> Policy:
    return Policy.from_json_value(policy(liquidation=LIQUIDATION) | changes, "policy")


def made(**changes: Any) -> SystemTerms:
    return system_terms(ruled(**changes), REGISTERED, price_round())


def portfolio(**changes: Any) -> Portfolio:
    return Portfolio.from_json_value(PORTFOLIO | changes, "portfolio")


def test_terms_are_those_of_the_policy() -> None:
    terms = made(reserve="250")
    assert terms.symbols == ("BTC", "ETH", "ETH-PERP", "USDC")
    assert terms.prices.tolist() == [64000.5, 3000.0, 3001.25, 1.0]
    assert terms.held_weight.tolist() == [0.85, 0.8, 0.9, 0.0]
    assert terms.owed_weight.tolist() == pytest.approx([0, 0, 1.1 * 1.1, 1.1])
    assert terms.holdable.tolist() == [True, True, True, False]
    assert terms.owable.tolist() == [False, False, True, True]
    assert (terms.reserve, terms.minimum, terms.penalty) == (250.0, 100.0, 0.08)
    assert (terms.close_factor, terms.close_all_below, terms.protocol_share) == (0.5, 0.95, 0.1)


def test_the_liquidation_test_has_its_own_factors() -> None:
    own = {**policy()["factors"], "collateral": {"BTC": "0.9", "ETH": "0.85"}}
    assert made(liquidation=LIQUIDATION | {"factors": own}).held_weight[:2].tolist() == [0.9, 0.85]


def test_an_account_stands_as_the_exact_engine_says() -> None:
    rule, prices = ruled(reserve="250"), price_round()
    terms = system_terms(rule, REGISTERED, prices)
    book = portfolio()
    found = accounts_of([book], REGISTERED, terms)
    assert found.held[:, 0].tolist() == [7.31415926, 61.918273645, 0, 0]
    assert found.owed[:, 0].tolist() == [0, 0, 2.577215, 20271.828182]
    exact = Weighing(account_of(book, rule, REGISTERED, prices, None), {})
    headroom = float(exact.weigh(exact.amounts).headroom)
    collateral = weighted(found.held, terms.held_weight * terms.prices)[0]
    debt = weighted(found.owed, terms.owed_weight * terms.prices)[0]
    assert collateral - debt - terms.reserve == pytest.approx(headroom, rel=1e-12)


def test_confidence_and_growth_caps_go_into_the_weights() -> None:
    rule = ruled(confidence={"multiple": "2", "max_share": "0.1"})
    confidence = {symbol: str(Fraction(price) / 100) for symbol, price in PRICES.items()}
    exact = {s: f"{float(Fraction(v)):.10f}" for s, v in confidence.items()}
    terms = system_terms(rule, REGISTERED, price_round(confidence=exact))
    assert terms.prices[0] == 64000.5
    assert terms.held_weight[0] == pytest.approx(0.85 * 0.98)
    assert terms.owed_weight[3] == pytest.approx(1.1 * 1.02)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"liquidation": None}, "liquidation terms"),
        (
            {"limits": [{"name": "a", "assets": ["BTC"], "share": "0.5", "excess": "uncounted"}]},
            r"policy: limits\[0\]: expected a limit that refuses",
        ),
        (
            {
                "factors": policy()["factors"]
                | {
                    "collateral": {
                        "BTC": {
                            "type": "tiered",
                            "by": "amount",
                            "tiers": [{"above": "0", "factor": "0.5"}],
                        },
                        "ETH": "0.8",
                    }
                }
            },
            "policy: factors.collateral.BTC: expected a plain or a scaled factor",
        ),
    ],
)
def test_policies_that_a_weight_does_not_describe(changes: dict[str, Any], problem: str) -> None:
    value = policy(liquidation=LIQUIDATION) | changes
    if value["liquidation"] is None:
        del value["liquidation"]
    with pytest.raises(InputError, match=problem):
        system_terms(Policy.from_json_value(value, "policy"), REGISTERED, price_round())


def test_two_slots_of_what_is_held_of_one_symbol() -> None:
    extra = {"slot": "7", "symbol": "BTC", "unit": "-8", "side": "signed"}
    registry = Registry.from_json_value(
        REGISTRY | {"assets": [*REGISTRY["assets"], extra]}, "registry"
    )
    factors = policy()["factors"]
    factors = factors | {"signed": {"BTC": {"long": "0.9", "short": "1.1"}}}
    with pytest.raises(InputError, match="one slot for what is held of BTC"):
        system_terms(ruled(factors=factors), registry, price_round())


def test_portfolios_that_do_not_fit() -> None:
    terms = made()
    with pytest.raises(InputError, match="portfolio of acct-1: expected an asset that the policy"):
        accounts_of([portfolio(collateral={"DUST": "1"})], REGISTERED, terms)
    with pytest.raises(InputError, match="at least one portfolio"):
        accounts_of([], REGISTERED, terms)
    with pytest.raises(InputError, match="every account once"):
        accounts_of([portfolio(), portfolio()], REGISTERED, terms)


def test_synthetic_accounts_are_what_they_say() -> None:
    rule = SyntheticRule()
    found = synthetic_accounts(50_000, TERMS, 3, rule)
    value = found.held_value(TERMS.prices)
    assert np.median(value) == pytest.approx(10_000, rel=0.03)
    assert np.std(np.log(value)) == pytest.approx(1.5, rel=0.02)
    collateral = weighted(found.held, TERMS.held_weight * TERMS.prices)
    health = collateral / weighted(found.owed, TERMS.owed_weight * TERMS.prices)
    assert health.min() > 1
    assert np.median(health - 1) == pytest.approx(0.5, rel=0.03)
    assert np.std(np.log(health - 1)) == pytest.approx(0.8, rel=0.02)
    two = np.mean((found.held > 0).sum(axis=0) == 2)
    # Of those with two, half have the same asset twice.
    assert two == pytest.approx(0.15, abs=0.01)
    assert found.synthetic.startswith("synthetic, 50,000 accounts, seed 3")
    again = synthetic_accounts(50_000, TERMS, 3, rule)
    assert np.array_equal(again.held, found.held)
    assert np.array_equal(again.owed, found.owed)
    assert not np.array_equal(synthetic_accounts(50_000, TERMS, 4, rule).held, found.held)


def test_csv() -> None:
    terms = made()
    lines = ["account,debt.USDC,signed.ETH-PERP,collateral.BTC", "a,10,-2.5,1", '"b",0,3,0.25']
    found = accounts_from_csv(lines, terms, "f.csv")
    assert found.names == ("a", "b")
    assert found.held.tolist() == [[1, 0.25], [0, 0], [0, 3], [0, 0]]
    assert found.owed.tolist() == [[0, 0], [0, 0], [2.5, 0], [10, 0]]
    told: list[int] = []
    many = [lines[0], *(f"a{k},1,0,1" for k in range(2500))]
    assert len(accounts_from_csv(many, terms, "f.csv", told.append)) == 2500
    assert told == [1000, 2000]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([], "f.csv: expected a first line"),
        (["BTC,ETH"], "f.csv: line 1: expected the columns account"),
        (["collateral.BTC"], "f.csv: line 1: expected a column account"),
        (["account"], "f.csv: line 1: expected at least one column of amounts"),
        (["account,collateral.BTC,collateral.BTC"], "line 1: expected every column once"),
        (["account,account,collateral.BTC"], "line 1: expected every column once"),
        (["account,collateral.DOGE"], "line 1, column collateral.DOGE: expected an asset"),
        (["account,collateral.USDC"], "line 1, column collateral.USDC: expected an asset"),
        (["account,debt.BTC"], "line 1, column debt.BTC: expected an asset"),
        (["account,signed.BTC"], "line 1, column signed.BTC: expected an asset"),
        (["account,held.BTC"], "line 1: expected the columns account"),
        ([HEADER], "f.csv: expected at least one account, got none"),
        ([HEADER, "a,1,2,3"], "f.csv: line 2: expected 5 cells, got 4"),
        ([HEADER, "a,1,2,3,4,5"], "f.csv: line 2: expected 5 cells, got 6"),
        ([HEADER, ""], "f.csv: line 2: expected 5 cells, got 0"),
        ([HEADER, "a,1,2,3,4", "b,1,,3,4"], "line 3, column collateral.ETH: expected an amount"),
        ([HEADER, "a,1,-2,3,4"], "line 2, column collateral.ETH: .* got a negative one"),
        ([HEADER, "a,1,2,-3,4"], "line 2, column debt.USDC: .* got a negative one"),
        ([HEADER, "a,1,2,3,1e3"], "line 2, column signed.ETH-PERP: expected a decimal"),
        ([HEADER, "a,nan,2,3,4"], "line 2, column collateral.BTC: expected a decimal"),
        ([HEADER, "a, 1,2,3,4"], "line 2, column collateral.BTC: expected a decimal"),
        ([HEADER, "a,1,2,3,4", "a,1,2,3,4"], "line 3, column account: .*again, as in line 2"),
        ([HEADER, ",1,2,3,4"], "line 2, column account: expected a name"),
        ([HEADER, 'a,1,2,3,"4'], "f.csv: line 2: expected a line of CSV"),
    ],
)
def test_csv_that_cannot_be_used(lines: list[str], problem: str) -> None:
    with pytest.raises(InputError, match=problem) as caught:
        accounts_from_csv(lines, made(), "f.csv")
    assert "1e3" not in str(caught.value)


def arrays(held: object, owed: object = None) -> dict[str, Any]:
    return {"held": held, "owed": held if owed is None else owed}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (arrays([[1.0]]), "an array of float64"),
        (arrays(np.ones((1, 2), np.int64)), "an array of float64"),
        (arrays(np.ones((2, 2))), "the shape"),
        (arrays(np.ones(3)), "the shape"),
        (arrays(np.ones((1, 2)), np.ones((1, 3))), "the shape"),
        (arrays(np.array([[1.0, -1.0]])), "held of BTC: .* of account 1"),
        (arrays(np.ones((1, 2)), np.array([[np.nan, 1.0]])), "owed of BTC: .* of account 0"),
        (arrays(np.array([[np.inf]])), "finite"),
        (arrays(np.ones((1, 0))), "1 to 10,000,000 accounts"),
        ({**arrays(np.ones((1, 2))), "names": ("a",)}, "2 of them"),
        ({**arrays(np.ones((1, 2))), "names": ("a", "a")}, "every account once"),
    ],
)
def test_accounts_that_cannot_be(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        Accounts(("BTC",), **given)


@pytest.mark.parametrize(
    "given", [{"count": 0}, {"count": 10**8}, {"seed": -1}, {"count": True}, {"seed": 1.5}]
)
def test_synthetic_accounts_that_cannot_be(given: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        synthetic_accounts(**({"count": 5, "terms": TERMS, "seed": 0} | given))


@pytest.mark.parametrize(
    "given",
    [{"median_value": 0.0}, {"size_sigma": -1.0}, {"second_asset": 1.1}, {"median_buffer": -0.1}],
)
def test_rules_that_cannot_be(given: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(given))):
        SyntheticRule(**given)
