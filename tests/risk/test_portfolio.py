"""From amounts in whole assets to integers, exactly, and without showing them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.risk.documents import changed, portfolio_value, registry
from zkcollateral.errors import DocumentError
from zkcollateral.risk.portfolio import Portfolio


def portfolio(path: str = "account", new: Any = "acct-17") -> Portfolio:
    return Portfolio.from_json_value(changed(portfolio_value(), path, new), "p")


def test_amounts_land_in_their_slots() -> None:
    assert portfolio().amounts(registry()) == (
        150_000_000, 0, 250_000_000, 0, 20_000_000_000, -30_000, 0, 0,
    )  # fmt: skip


@given(st.integers(0, 2**63 - 1))
def test_every_amount_is_exact(units: int) -> None:
    text = f"{units // 10**8}.{units % 10**8:08d}"
    assert portfolio("collateral/BTC", text).amounts(registry())[0] == units


@pytest.mark.parametrize(
    ("path", "amount"),
    [
        ("collateral/BTC", "0.000000001"),
        ("collateral/DUST", "1500"),
        ("collateral/BTC", "92233720368.54775808"),
        ("collateral/BTC", "1" + "0" * 39),
        ("signed/ETH-PERP", "-922337203685477.5808"),
        ("signed/ETH-PERP", "0.00001"),
        ("collateral/USDC", "1"),
        ("debt/BTC", "1"),
        ("signed/ETH", "1"),
        ("collateral/WBTC", "0"),
    ],
)
def test_an_amount_that_has_no_integer_is_refused_by_name_only(path: str, amount: str) -> None:
    with pytest.raises(DocumentError) as caught:
        portfolio(path, amount).amounts(registry())
    assert caught.value.where == "portfolio: " + path.replace("/", ".")
    assert len(amount) == 1 or amount not in str(caught.value)


def test_the_largest_amounts() -> None:
    found = portfolio("signed/ETH-PERP", "-922337203685477.5807").amounts(registry())
    assert found[5] == -(2**63) + 1
    assert portfolio("collateral/DUST", "5000").amounts(registry())[7] == 5
    assert portfolio("collateral/BTC", "92233720368.54775807").amounts(registry())[0] == 2**63 - 1


@pytest.mark.parametrize("side", ["collateral", "debt"])
def test_unsigned_sides_hold_no_negative_amount(side: str) -> None:
    with pytest.raises(DocumentError, match=f"{side}.ETH: expected a decimal of at least 0"):
        portfolio(f"{side}/ETH", "-0.1")


def test_a_portfolio_does_not_print_itself() -> None:
    value = portfolio("collateral/BTC", "31337")
    for text in (repr(value), str(value), f"{value}", repr([value]), repr(value.collateral)):
        assert "31337" not in text
        assert "20000" not in text
    assert "acct-17" in repr(value)
