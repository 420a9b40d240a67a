"""What an account holds in the end, and what a depeg takes from it."""

from __future__ import annotations

from fractions import Fraction as F

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.risk.accounts import account_of
from tests.risk.wrapped.test_chains import chained
from zkcollateral.errors import InputError
from zkcollateral.risk.threshold import liquidation_threshold, maintenance_threshold
from zkcollateral.risk.valuation import Account
from zkcollateral.risk.wrapped.look_through import (
    by_issuer,
    by_root,
    by_wrapper,
    depeg,
    look_through,
)

AMOUNTS = {
    "collateral": {"ETH": "10", "wstETH": "5", "L2-wstETH": "10", "vault": "1"},
    "debt": {"USD": "17120", "ETH": "2", "vault": "0.5"},
}


def account() -> Account:
    return account_of(chained(AMOUNTS))


def test_positions_are_seen_through_to_their_root() -> None:
    """By hand: 1 wstETH is 1.2 ETH held, 1.25 owed; the bridge takes 5 %, the vault 10 %."""
    seen = {(each.symbol, each.side): each for each in look_through(account())}
    assert seen["wstETH", "collateral"].held == 6
    assert seen["L2-wstETH", "collateral"].held == F(114, 10)
    assert seen["vault", "collateral"].held == F(2052, 1000)
    assert seen["vault", "collateral"].links == ("L2-wstETH", "wstETH", "stETH", "ETH")
    assert (seen["vault", "debt"].owed, seen["vault", "debt"].owed_value) == (F(5, 4), 2500)
    assert seen["USD", "debt"].root == "USD"
    assert "hidden" in repr(seen["USD", "debt"])


def test_exposures_by_root_by_wrapper_and_by_issuer() -> None:
    held = F("29.452") * 2000
    ether, dollars = by_root(account())
    assert (ether.name, ether.held, ether.owed, ether.share) == ("ETH", held, 6500, 1)
    assert (dollars.held, dollars.owed, dollars.net, dollars.share) == (0, 17120, -17120, 0)
    found = {each.name: each for each in by_wrapper(account())}
    assert set(found) == {"stETH", "wstETH", "L2-wstETH", "vault"}
    assert found["vault"].held == 4104
    assert found["L2-wstETH"].held == 22800 + 4104
    assert found["wstETH"].held == found["stETH"].held == 12000 + 22800 + 4104
    assert found["stETH"].share == (held - 20000) / held
    issued = by_issuer(account(), {"stETH": "Lido", "wstETH": "Lido", "L2-wstETH": "bridge-1"})
    assert [(each.name, each.held) for each in issued] == [("Lido", 38904), ("bridge-1", 26904)]
    with pytest.raises(InputError, match=r"issuers\.ETH"):
        by_issuer(account(), {"ETH": "Lido"})


@given(st.integers(0, 100), st.sampled_from(["stETH", "wstETH", "L2-wstETH", "vault"]))
def test_a_depeg_takes_what_the_market_value_loses(percent: int, wrapper: str) -> None:
    """Against the valuation itself: net market value before and after the shock."""
    own = account()
    tests = [maintenance_threshold(own), liquidation_threshold(own)]
    found = depeg(own, wrapper, F(percent, 100), [test for test in tests if test is not None])
    terms = own.policy.liquidation
    assert terms is not None
    free = terms.model_copy(update={"penalty": F(0)})
    before, after = (own.after_penalty(free, s) for s in ({}, {wrapper: -F(percent, 100)}))
    assert found.lost == before - after
    assert set(found.margins) == {"maintenance", "liquidation"}
    assert found.margins["maintenance"] == maintenance_threshold(own).margin(
        {wrapper: -F(percent, 100)}
    )


def test_the_depeg_at_which_a_test_fails_is_where_its_margin_is_nothing() -> None:
    own = account_of(chained({"collateral": {"L2-wstETH": "10"}, "debt": {"USD": "17120"}}))
    test = maintenance_threshold(own)
    safe = depeg(own, "stETH", F(1, 100), [test]).safe["maintenance"]
    assert safe is not None
    assert safe.lower is not None
    assert safe.lower.at == F(17120, 18240)
    edge = safe.lower.at - 1
    assert test.margin({"stETH": edge}) == 0
    assert test.margin({"stETH": edge - F(1, 10**9)}) < 0


def test_what_is_no_depeg_is_refused() -> None:
    with pytest.raises(InputError, match="a claim on another asset: L2-wstETH, stETH"):
        depeg(account(), "ETH", F(1, 100), [])
    with pytest.raises(InputError, match="depeg: fall"):
        depeg(account(), "stETH", F(101, 100), [])
