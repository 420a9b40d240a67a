"""Compound v3 (Comet): what supplies and withdrawals do to one account.

Follows compound-finance/comet, `contracts/Comet.sol`: supplyBase, supplyCollateral, withdrawBase,
withdrawCollateral. A balance goes through the principal on every change, so an operation of zero
can lower a principal by one. Each function returns the account after the operation and raises
InputError where the contract reverts; the account given is not changed. A transfer is a withdrawal
of one account and a supply of another.

Left out: totals of the market (see repay_and_supply_amount), pausing, permissions, fees of tokens.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import InputError
from ..fixed_point import MAX_UINT256, whole
from .compound_market import (
    MAX_BALANCE,
    CometAccount,
    CometMarket,
    borrow_balance,
    present_value,
    principal_value,
    supply_balance,
)
from .compound_v3 import is_borrow_collateralized


def supply_base(market: CometMarket, account: CometAccount, amount: int) -> CometAccount:
    """The account after supplying base, which repays a debt first.

    Args:
        amount: smallest units; 2^256 − 1 repays the whole debt.
    """
    whole(f"Comet supply of {market.base}", amount, 0)
    if amount == MAX_UINT256:
        amount = borrow_balance(market, account)
    balance = present_value(market, account.principal) + amount
    return CometAccount(principal_value(market, balance), account.collateral)


def withdraw_base(
    market: CometMarket, account: CometAccount, prices: Mapping[str, int], amount: int
) -> CometAccount:
    """The account after withdrawing base, which borrows what it has not supplied.

    Args:
        amount: smallest units; 2^256 − 1 for all that is supplied, nothing if it owes.

    Raises:
        InputError: a debt afterwards that is below `base_borrow_min` or not collateralized.
    """
    where = f"Comet withdrawal of {market.base}"
    whole(where, amount, 0)
    if amount == MAX_UINT256:
        amount = supply_balance(market, account)
    balance = present_value(market, account.principal) - amount
    after = CometAccount(principal_value(market, balance), account.collateral)
    if balance < 0:
        if -balance < market.base_borrow_min:
            raise InputError(where, "a debt of at least base_borrow_min afterwards", "less")
        if not is_borrow_collateralized(market, after, prices):
            raise InputError(where, "enough collateral afterwards", "less")
    return after


def supply_collateral(
    market: CometMarket, account: CometAccount, symbol: str, amount: int, *, total: int
) -> CometAccount:
    """The account after supplying collateral.

    Args:
        amount: smallest units, below 2^128.
        total: smallest units that all accounts have supplied of the asset before.

    Raises:
        InputError: an unknown asset, or a total above its supply cap afterwards.
    """
    asset = market.asset(symbol)
    where = f"Comet supply of {symbol}"
    whole(where, amount, 0, MAX_BALANCE)
    whole(f"{where}: total", total, 0, MAX_BALANCE)
    if total + amount > asset.supply_cap:
        raise InputError(where, "a total within the supply cap", "more")
    return account.with_collateral(symbol, account.collateral.get(symbol, 0) + amount)


def withdraw_collateral(
    market: CometMarket,
    account: CometAccount,
    prices: Mapping[str, int],
    symbol: str,
    amount: int,
) -> CometAccount:
    """The account after withdrawing collateral.

    Raises:
        InputError: an unknown asset, more than the balance, or too little collateral afterwards.
    """
    market.asset(symbol)
    where = f"Comet withdrawal of {symbol}"
    balance = account.collateral.get(symbol, 0)
    if whole(where, amount, 0, MAX_BALANCE) > balance:
        raise InputError(where, "at most the account's balance", "more")
    after = account.with_collateral(symbol, balance - amount)
    if not is_borrow_collateralized(market, after, prices):
        raise InputError(where, "enough collateral afterwards", "less")
    return after
