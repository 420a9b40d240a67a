"""Morpho Blue's actions, interest and utilization against its published cases.

Sources: `sdks` is morpho-org/sdks, packages/blue-sdk/src; `blue` is morpho-org/morpho-blue, test.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.errors import InputError
from zkcollateral.risk.fixed_point import MAX_UINT256, WAD
from zkcollateral.risk.presets import morpho_blue as morpho

PRICE = morpho.ORACLE_PRICE_SCALE
MARKET = morpho.Market(86 * WAD // 100, 2_000_000, 1_000_001, 4_000_000, 3_000_001, WAD // 10)
POSITION = morpho.Position(collateral=200, borrow_shares=50, supply_shares=100)


def _market(supply: int, borrow: int) -> morpho.Market:
    return morpho.Market(WAD // 2, borrow, 0, supply, 0)


def test_state_transitions() -> None:
    """sdks position/Position.test.ts "AccrualPosition state transitions"; Market.test.ts."""
    supplied = morpho.supply(MARKET, POSITION, assets=100)
    assert (supplied.assets, supplied.shares) == (100, 100)
    assert supplied.position.supply_shares == 200
    assert morpho.supply(MARKET, POSITION, shares=100).shares == 100
    assert morpho.withdraw(MARKET, POSITION, assets=50).position.supply_shares == 50
    borrowed = morpho.borrow(MARKET, POSITION, PRICE, assets=10)
    assert borrowed.position.borrow_shares == 60
    assert borrowed.assets == 10
    assert morpho.borrow(MARKET, POSITION, PRICE, shares=100).shares == 100
    assert morpho.repay(MARKET, POSITION, assets=10).position.borrow_shares == 40
    assert morpho.withdraw_collateral(MARKET, POSITION, PRICE, 1).collateral == 199


def test_transitions_reject() -> None:
    """The rejections of the same tests."""
    with pytest.raises(InputError, match="supply shares"):
        morpho.withdraw(MARKET, POSITION, shares=101)
    with pytest.raises(InputError, match="borrow shares"):
        morpho.repay(MARKET, POSITION, shares=51)
    with pytest.raises(InputError, match="the account's collateral"):
        morpho.withdraw_collateral(MARKET, POSITION, PRICE, 201)
    with pytest.raises(InputError, match="healthy afterwards"):
        morpho.withdraw_collateral(MARKET, POSITION, PRICE, 190)
    with pytest.raises(InputError, match="amount"):
        morpho.withdraw_collateral(MARKET, POSITION, PRICE, 0)
    with pytest.raises(InputError, match="healthy afterwards"):
        morpho.borrow(MARKET, POSITION, PRICE, assets=1000)
    full = replace(MARKET, total_supply_assets=2_000_000)
    with pytest.raises(InputError, match="has not lent"):
        morpho.withdraw(full, POSITION, assets=1)
    with pytest.raises(InputError, match="has not lent"):
        morpho.borrow(full, POSITION, PRICE, assets=1)


@pytest.mark.parametrize("amounts", [{}, {"assets": 1, "shares": 1}])
def test_exactly_one_amount(amounts: dict[str, int]) -> None:
    """sdks market/Market.test.ts "… rejects inconsistent inputs"."""
    with pytest.raises(InputError, match="exactly one"):
        morpho.supply(MARKET, POSITION, **amounts)
    with pytest.raises(InputError, match="exactly one"):
        morpho.withdraw(MARKET, POSITION, **amounts)
    with pytest.raises(InputError, match="exactly one"):
        morpho.borrow(MARKET, POSITION, PRICE, **amounts)
    with pytest.raises(InputError, match="exactly one"):
        morpho.repay(MARKET, POSITION, **amounts)


def test_utilization() -> None:
    """sdks market/MarketUtils.test.ts "MarketUtils.getUtilization", Market.test.ts."""
    assert morpho.utilization(_market(0, 0)) == 0
    assert morpho.utilization(_market(0, 1)) == MAX_UINT256
    assert morpho.utilization(_market(1000, 500)) == WAD // 2
    assert morpho.utilization(_market(1000, 1000)) == WAD
    assert morpho.utilization(_market(1000, 0)) == 0
    assert morpho.utilization(MARKET) == 500_000_000_000_000_000


def test_utilization_targets() -> None:
    """sdks market/MarketUtils.test.ts "MarketUtils utilization target helpers"."""
    market = _market(1000, 400)
    ninety = 90 * WAD // 100
    assert morpho.supply_to_utilization(market, 0) == MAX_UINT256
    assert morpho.supply_to_utilization(_market(1000, 0), 0) == 0
    assert morpho.supply_to_utilization(market, WAD // 2) == 0
    assert morpho.supply_to_utilization(market, WAD // 4) == 600
    assert morpho.supply_to_utilization(_market(WAD, WAD), ninety) == 111_111_111_111_111_112
    assert morpho.withdraw_to_utilization(_market(1000, 0), 0) == 1000
    assert morpho.withdraw_to_utilization(market, 0) == 0
    assert morpho.withdraw_to_utilization(market, WAD // 2) == 200
    assert morpho.withdraw_to_utilization(_market(2 * WAD, WAD), ninety) == 888_888_888_888_888_888
    assert morpho.borrow_to_utilization(market, WAD // 2) == 100
    assert morpho.repay_to_utilization(market, WAD // 4) == 150
    assert morpho.borrow_to_utilization(_market(WAD, 0), ninety) == ninety
    assert morpho.repay_to_utilization(_market(WAD, WAD), ninety) == WAD // 10


def test_taylor_compounded() -> None:
    """sdks math/MathLib.test.ts "wTaylorCompounded"; terms of blue libraries/MathLib.sol."""
    assert morpho.taylor_compounded(WAD, 0) == 0
    assert morpho.taylor_compounded(1, 1) == 1
    # x = 0.1: 0.1 + 0.005 + 0.000166…
    assert morpho.taylor_compounded(WAD // 10, 1) == 105_166_666_666_666_666
    with pytest.raises(InputError, match="rate"):
        morpho.taylor_compounded(-1, 1)
    with pytest.raises(InputError, match="seconds"):
        morpho.taylor_compounded(1, -1)
    with pytest.raises(InputError, match="below 2\\^256"):
        morpho.taylor_compounded(2**200, 2**60)


def test_accrued_interest() -> None:
    """sdks market/MarketUtils.test.ts "fee shares accrue against post-interest supply assets"."""
    market = morpho.Market(
        0,
        total_borrow_assets=800_000 * WAD,
        total_borrow_shares=0,
        total_supply_assets=1_000_000 * WAD,
        total_supply_shares=1_100_000 * WAD,
        fee=WAD // 10,
    )
    after = morpho.accrue_interest(market, 5 * WAD // 100, 1)
    # 0.05 + 0.05²/2 + 0.05³/6, floored at 18 digits.
    interest = 800_000 * 51_270_833_333_333_333
    assert after.total_borrow_assets - market.total_borrow_assets == interest
    assert after.total_supply_assets - market.total_supply_assets == interest
    fee = interest // 10
    shares = after.total_supply_shares - market.total_supply_shares
    assert shares == morpho.to_shares_down(
        fee, market.total_supply_assets + interest - fee, market.total_supply_shares
    )
    assert shares < morpho.to_shares_down(
        fee, market.total_supply_assets - fee, market.total_supply_shares
    )
    # Likewise, no fee makes no shares and no time makes no interest.
    free = morpho.accrue_interest(replace(market, fee=0), 5 * WAD // 100, 1)
    assert free.total_supply_shares == market.total_supply_shares
    assert morpho.accrue_interest(market, WAD, 0) == market


@given(st.integers(1, 10**24), st.integers(0, 10**24), st.booleans())
def test_borrow_and_repay_never_gain(amount: int, others: int, by_shares: bool) -> None:
    market = morpho.Market(86 * WAD // 100, others, others * 10**6 + 7, 10**26, 10**32)
    held = morpho.Position(10**26, 0)
    opened = (
        morpho.borrow(market, held, PRICE, shares=amount)
        if by_shares
        else morpho.borrow(market, held, PRICE, assets=amount)
    )
    closed = morpho.repay(opened.market, opened.position, shares=opened.shares)
    assert closed.assets >= opened.assets
    assert closed.position == held
