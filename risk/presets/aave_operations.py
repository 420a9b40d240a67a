"""Aave v3.7: what supply, withdraw, borrow and repay do to one account's scaled balances.

Follows aave-dao/aave-v3-origin v3.7.0, `src/contracts/protocol/libraries/logic`: `SupplyLogic.sol`,
`BorrowLogic.sol` and `ValidationLogic.sol`. Scaled amounts round for the pool: a supply and a
repayment down, a withdrawal and a loan up. Each function returns the account after the operation
and raises InputError where the contract reverts; the account given is not changed.

Left out: the pool's own totals and liquidity (the caps are functions of totals given to them),
transfers of tokens, repayment with aTokens, delegation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...errors import InputError
from ..fixed_point import MAX_UINT256, whole
from .aave_market import AaveMarket, AaveReserve
from .aave_math import (
    a_token_balance,
    a_token_burn_scaled,
    a_token_mint_scaled,
    percent_div_ceil,
    v_token_balance,
    v_token_burn_scaled,
    v_token_mint_scaled,
)
from .aave_v3 import (
    HEALTH_FACTOR_LIQUIDATION_THRESHOLD,
    AaveAccount,
    UserAccountData,
    debt_balance,
    supply_balance,
    user_account_data,
)


def _check_usable(reserve: AaveReserve, *, opening: bool) -> None:
    where = f"Aave reserve {reserve.symbol}"
    if not reserve.active:
        raise InputError(where, "an active reserve", "an inactive one")
    if reserve.paused:
        raise InputError(where, "a reserve that is not paused", "a paused one")
    if opening and reserve.frozen:
        raise InputError(where, "a reserve that is not frozen", "a frozen one")


def _scaled(where: str, scaled: int) -> int:
    if scaled == 0:
        raise InputError(where, "an amount of at least one scaled unit", "less")
    return scaled


def _check_health(
    market: AaveMarket, account: AaveAccount, prices: Mapping[str, int], where: str
) -> UserAccountData:
    data = user_account_data(market, account, prices)
    if data.health_factor < HEALTH_FACTOR_LIQUIDATION_THRESHOLD:
        raise InputError(where, "a health factor of at least 1 afterwards", "a lower one")
    return data


def _check_release(
    market: AaveMarket, account: AaveAccount, prices: Mapping[str, int], symbol: str, where: str
) -> None:
    """Collateral that lends nothing leaves first (validateHFAndLtvzero)."""
    data = _check_health(market, account, prices, where)
    if data.has_zero_ltv_collateral and market.ltv(symbol, account.e_mode) != 0:
        raise InputError(where, "collateral of LTV 0 released first", "collateral that lends")


def _borrows(account: AaveAccount) -> bool:
    return any(position.scaled_debt for position in account.positions)


def supply(market: AaveMarket, account: AaveAccount, symbol: str, amount: int) -> AaveAccount:
    """The account after supplying `amount` smallest units.

    A first supply becomes collateral when the reserve lends anything in the account's eMode.

    Raises:
        InputError: a reserve inactive, paused or frozen; an amount worth no scaled unit.
    """
    reserve = market.reserve(symbol)
    where = f"Aave supply of {symbol}"
    whole(where, amount, 0)
    scaled = _scaled(where, a_token_mint_scaled(amount, reserve.liquidity_index))
    _check_usable(reserve, opening=True)
    position = account.position(symbol)
    first = position.scaled_supply == 0
    enabled = market.ltv(symbol, account.e_mode) != 0 if first else position.use_as_collateral
    return account.with_position(
        replace(position, scaled_supply=position.scaled_supply + scaled, use_as_collateral=enabled)
    )


def withdraw(
    market: AaveMarket,
    account: AaveAccount,
    prices: Mapping[str, int],
    symbol: str,
    amount: int = MAX_UINT256,
) -> tuple[AaveAccount, int]:
    """The account after withdrawing, and the amount paid out.

    Args:
        amount: smallest units; 2^256 − 1 for all of it.

    Raises:
        InputError: a reserve inactive or paused; more than the balance; a health factor below 1
            afterwards; collateral of LTV 0 left in while other collateral leaves.
    """
    reserve = market.reserve(symbol)
    where = f"Aave withdrawal of {symbol}"
    whole(where, amount, 0)
    position = account.position(symbol)
    if amount == MAX_UINT256:
        scaled, amount = position.scaled_supply, supply_balance(market, position)
    else:
        scaled = a_token_burn_scaled(amount, reserve.liquidity_index)
    _scaled(where, scaled)
    if scaled > position.scaled_supply:
        raise InputError(where, "at most the account's balance", "more")
    _check_usable(reserve, opening=False)
    left = position.scaled_supply - scaled
    after = account.with_position(
        replace(
            position,
            scaled_supply=left,
            use_as_collateral=position.use_as_collateral and left > 0,
        )
    )
    if position.is_collateral and _borrows(account):
        _check_release(market, after, prices, symbol, where)
    return after, amount


def borrow(
    market: AaveMarket, account: AaveAccount, prices: Mapping[str, int], symbol: str, amount: int
) -> AaveAccount:
    """The account after borrowing `amount` smallest units.

    Raises:
        InputError: a reserve inactive, paused, frozen or not borrowable (in the account's eMode,
            or at all); no collateral that lends; a health factor below 1 or a debt above the
            average LTV afterwards.
    """
    reserve = market.reserve(symbol)
    where = f"Aave loan of {symbol}"
    whole(where, amount, 0)
    scaled = _scaled(where, v_token_mint_scaled(amount, reserve.variable_borrow_index))
    _check_usable(reserve, opening=True)
    category = market.e_mode(account.e_mode)
    if category is not None:
        if symbol not in category.borrowable:
            expected = f"an asset borrowable in eMode {account.e_mode}"
            raise InputError(where, expected, "one that is not")
    elif not reserve.borrowing_enabled:
        raise InputError(where, "a reserve with borrowing enabled", "one without")
    position = account.position(symbol)
    after = account.with_position(replace(position, scaled_debt=position.scaled_debt + scaled))
    data = user_account_data(market, after, prices)
    if data.average_ltv == 0:
        raise InputError(where, "collateral with an LTV above 0", "none")
    if data.health_factor < HEALTH_FACTOR_LIQUIDATION_THRESHOLD:
        raise InputError(where, "a health factor of at least 1 afterwards", "a lower one")
    if data.total_collateral_base < percent_div_ceil(data.total_debt_base, data.average_ltv):
        raise InputError(where, "a debt within the average LTV afterwards", "a larger one")
    return after


def repay(
    market: AaveMarket, account: AaveAccount, symbol: str, amount: int = MAX_UINT256
) -> tuple[AaveAccount, int]:
    """The account after repaying, and the amount that was taken: at most the debt.

    Raises:
        InputError: a reserve inactive or paused; no debt; an amount worth no scaled unit.
    """
    reserve = market.reserve(symbol)
    where = f"Aave repayment of {symbol}"
    whole(where, amount, 1)
    _check_usable(reserve, opening=False)
    position = account.position(symbol)
    if position.scaled_debt == 0:
        raise InputError(where, "a debt in this asset", "none")
    paid = min(amount, debt_balance(market, position))
    scaled = _scaled(where, v_token_burn_scaled(paid, reserve.variable_borrow_index))
    if scaled > position.scaled_debt:
        raise InputError(where, "at most the scaled debt", "more")
    return account.with_position(replace(position, scaled_debt=position.scaled_debt - scaled)), paid


def set_use_as_collateral(
    market: AaveMarket,
    account: AaveAccount,
    prices: Mapping[str, int],
    symbol: str,
    *,
    enabled: bool,
) -> AaveAccount:
    """The account after putting a supply to use as collateral, or taking it out of use.

    Raises:
        InputError: a reserve inactive or paused; nothing supplied; LTV 0; a health factor below 1
            or collateral of LTV 0 left in afterwards.
    """
    where = f"Aave collateral {symbol}"
    _check_usable(market.reserve(symbol), opening=False)
    position = account.position(symbol)
    if enabled == position.is_collateral:
        return account
    after = account.with_position(replace(position, use_as_collateral=enabled))
    if not enabled:
        _check_release(market, after, prices, symbol, where)
    elif position.scaled_supply == 0:
        raise InputError(where, "a supply above 0", "none")
    elif market.ltv(symbol, account.e_mode) == 0:
        raise InputError(where, "a reserve with an LTV above 0", "one with 0")
    return after


def set_e_mode(
    market: AaveMarket, account: AaveAccount, prices: Mapping[str, int], category_id: int
) -> AaveAccount:
    """The account after entering an eMode, or leaving for 0.

    Raises:
        InputError: an unknown category; a debt that is not borrowable in it; a collateral of LTV 0
            in it; a health factor below 1 afterwards.
    """
    category = market.e_mode(category_id)
    if category_id == account.e_mode:
        return account
    where = f"Aave eMode {category_id}"
    for position in account.positions:
        symbol = position.symbol
        if position.scaled_debt:
            allowed = (
                symbol in category.borrowable
                if category is not None
                else market.reserve(symbol).borrowing_enabled
            )
            if not allowed:
                raise InputError(where, "debts that are borrowable in it", symbol)
        if position.is_collateral and market.ltv(symbol, category_id) == 0:
            raise InputError(where, "collateral with an LTV above 0 in it", symbol)
    after = replace(account, e_mode=category_id)
    _check_health(market, after, prices, where)
    return after


def within_supply_cap(
    reserve: AaveReserve,
    cap: int,
    scaled_total: int,
    scaled_amount: int,
    accrued_to_treasury: int = 0,
) -> bool:
    """Whether a supply stays within a cap in whole assets; 0 is no cap. Totals are scaled."""
    whole(f"Aave supply cap of {reserve.symbol}", cap, 0, 2**36 - 1)
    total = scaled_total + scaled_amount + accrued_to_treasury
    return cap == 0 or a_token_balance(total, reserve.liquidity_index) <= cap * reserve.unit


def within_borrow_cap(
    reserve: AaveReserve, cap: int, scaled_total_debt: int, scaled_amount: int
) -> bool:
    """Whether a loan stays within a cap in whole assets; 0 is no cap. Totals are scaled."""
    whole(f"Aave borrow cap of {reserve.symbol}", cap, 0, 2**36 - 1)
    owed = v_token_balance(scaled_total_debt + scaled_amount, reserve.variable_borrow_index)
    return cap == 0 or owed <= cap * reserve.unit
