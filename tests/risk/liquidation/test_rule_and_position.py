"""What the liquidation engine takes, and what it refuses."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from tests.risk.liquidation.accounts import F, holding
from zkcollateral.errors import InputError
from zkcollateral.risk.liquidation.position import Account, Holding
from zkcollateral.risk.liquidation.rule import LiquidationRule
from zkcollateral.risk.values import Exact


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("close_factor", Fraction(0)),
        ("close_factor", Fraction(11, 10)),
        ("close_factor", 0.5),
        ("penalty", Fraction(-1, 10)),
        ("penalty", Fraction(3, 2)),
        ("protocol_share", Fraction(2)),
        ("close_all_below", Fraction(-1)),
        ("minimum", Fraction(-1)),
        ("minimum", float("nan")),
        ("penalties", {"ETH": Fraction(2)}),
        ("penalties", {"no name": Fraction(0)}),
        ("penalties", 3),
    ],
)
def test_a_rule_out_of_range_is_refused_by_name(field: str, value: Any) -> None:
    good: dict[str, Any] = {"close_factor": F("0.5"), "penalty": F("0.05")}
    LiquidationRule(**good)
    with pytest.raises(InputError, match=f"liquidation rule.{field}"):
        LiquidationRule(**{**good, field: value})


def test_a_rule_has_a_penalty_for_each_collateral() -> None:
    both = LiquidationRule(F("0.5"), F("0.05"), penalties={"YFI": F("0.15")})
    assert (both.penalty_of("ETH"), both.penalty_of("YFI")) == (F("0.05"), F("0.15"))
    assert hash(both) == hash(LiquidationRule(F("0.5"), F("0.05"), penalties={"YFI": F("0.15")}))


def test_what_is_left_out_of_a_rule_asks_for_nothing() -> None:
    bare = LiquidationRule(F("0.5"), F("0.05"))
    assert (bare.protocol_share, bare.close_all_below, bare.minimum) == (0, 0, 0)
    assert dict(bare.penalties) == {}
    assert Holding("DAI", F(3), F(2)).weighted_value == 6


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", Fraction(-1)),
        ("amount", 1.5),
        ("amount", True),
        ("price", Fraction(0)),
        ("price", Fraction(-3)),
        ("price", float("nan")),
        ("weight", Fraction(-1, 2)),
        ("symbol", "two words"),
        ("symbol", 3),
    ],
)
def test_a_holding_out_of_range_is_refused_by_name(field: str, value: Any) -> None:
    good: dict[str, Any] = {"symbol": "ETH", "amount": F(1), "price": F(2), "weight": F(1)}
    Holding(**good)
    with pytest.raises(InputError, match=field):
        Holding(**{**good, field: value})


def test_errors_of_a_holding_name_the_asset_and_not_the_amount() -> None:
    with pytest.raises(InputError) as caught:
        Holding("ETH", Fraction(-12345), Fraction(2))
    assert "holding of ETH.amount" in str(caught.value)
    assert "12345" not in str(caught.value)


def test_integers_and_exact_decimals_are_taken() -> None:
    taken = Holding("ETH", 3, Exact("1.50"), 1)  # type: ignore[arg-type]
    assert taken.value == F("4.5")
    assert type(taken.price) is Fraction


def test_an_account_has_each_symbol_once_on_a_side() -> None:
    eth = holding("ETH", 1, 1)
    Account((eth,), (eth,))
    with pytest.raises(InputError, match=r"collateral\[1\]"):
        Account((eth, eth), ())
    with pytest.raises(InputError, match=r"debt\[1\]"):
        Account((), (eth, eth))
    with pytest.raises(InputError, match=r"debt\[0\]"):
        Account((), ("ETH",))  # type: ignore[arg-type]


def test_an_asset_that_the_account_does_not_have_is_refused() -> None:
    account = Account((holding("ETH", 1, 1),), (holding("DAI", 1, 1),))
    with pytest.raises(InputError, match="collateral"):
        account.collateral_of("DAI")
    with pytest.raises(InputError, match="debt"):
        account.debt_of("ETH")


@pytest.mark.parametrize(("threshold", "health"), [("0.6", "1.2"), ("0.7", "1.4")])
def test_health_of_aave_utilities(threshold: str, health: str) -> None:
    # aave/aave-utilities, math-utils, generate-raw-user-summary.test: 4,000 against 2,000.
    account = Account((holding("ETH", 1, 4000, threshold),), (holding("DAI", 2000, 1),))
    assert account.health == F(health)


def test_health_without_debt_is_none_and_without_collateral_zero() -> None:
    eth, dai = holding("ETH", 1, 10, "0.8"), holding("DAI", 4, 1)
    assert Account((eth,), ()).health is None
    assert not Account((eth,), ()).is_liquidatable
    assert Account((), ()).health is None
    assert Account((), (dai,)).health == 0
    assert Account((), (dai,)).is_liquidatable
    assert Account((), (dai,)).shortfall == 4
    assert Account((eth,), (dai,)).shortfall == 0


def test_an_account_of_health_exactly_one_is_not_liquidatable() -> None:
    at = Account((holding("ETH", 1, 10, "0.8"),), (holding("DAI", 8, 1),))
    below = Account((holding("ETH", 1, 10, "0.8"),), (holding("DAI", "8.000000000000000001", 1),))
    assert at.health == 1
    assert not at.is_liquidatable
    assert below.is_liquidatable
