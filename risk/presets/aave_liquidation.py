"""Aave v3.7: what a liquidation repays, seizes and writes off, and what it leaves.

Follows aave-dao/aave-v3-origin v3.7.0, `src/contracts`:
`protocol/libraries/logic/LiquidationLogic.sol`, and `helpers/LiquidationDataProvider.sol` for the
largest liquidation that leaves no dust. Who may be liquidated, and the close factor, are in
aave_liquidation_terms; the arithmetic of the amounts is in aave_seizure.

Left out: the liquidator's own balances, the pool's liquidity and rates, covering a deficit later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ...errors import InputError
from ..fixed_point import MAX_UINT256, whole
from .aave_liquidation_terms import LiquidationTerms, close_limit, liquidation_terms
from .aave_market import AaveMarket
from .aave_math import (
    a_token_balance,
    a_token_burn_scaled,
    a_token_transfer_scaled,
    percent_div_ceil,
    percent_mul_floor,
    uint256,
    v_token_burn_scaled,
)
from .aave_seizure import (
    LiquidationAmounts,
    available_collateral,
    collateral_for_debt,
    debt_for_collateral,
    with_fee,
)
from .aave_v3 import (
    AaveAccount,
    AavePosition,
    debt_balance,
)

__all__ = [
    "AaveLiquidation",
    "LiquidationAmounts",
    "available_collateral",
    "largest_liquidation",
    "liquidate",
    "max_liquidatable_debt",
]

MIN_LEFTOVER_BASE = 1_000 * 10**8


@dataclass(frozen=True, slots=True)
class AaveLiquidation:
    """A liquidation that happened.

    Attributes:
        amounts: what was repaid, seized and taken as a fee.
        liquidation_bonus: basis points that applied.
        health_factor: wad, before.
        bad_debt: (symbol, amount) of each debt written off as its reserve's deficit, which happens
            when no collateral is left.
        account: the account afterwards.
    """

    amounts: LiquidationAmounts
    liquidation_bonus: int
    health_factor: int
    bad_debt: tuple[tuple[str, int], ...]
    account: AaveAccount


def max_liquidatable_debt(
    market: AaveMarket,
    account: AaveAccount,
    prices: Mapping[str, int],
    collateral: str,
    debt: str,
    *,
    timestamp: int | None = None,
) -> int:
    """The most debt that one liquidation may cover, in smallest units, whatever the collateral.

    All of the reserve's debt, unless both it and the reserve's collateral are worth $2,000 and the
    health factor is above 0.95: then half of the account's debt. Arguments and errors as liquidate.
    """
    return close_limit(liquidation_terms(market, account, prices, collateral, debt, timestamp))


def largest_liquidation(
    market: AaveMarket,
    account: AaveAccount,
    prices: Mapping[str, int],
    collateral: str,
    debt: str,
    debt_to_cover: int = MAX_UINT256,
    *,
    timestamp: int | None = None,
) -> LiquidationAmounts:
    """The largest liquidation that covers at most `debt_to_cover` and leaves no dust.

    Arguments and errors as liquidate. Source: LiquidationDataProvider.getLiquidationInfo.
    """
    terms = liquidation_terms(market, account, prices, collateral, debt, timestamp)
    whole(f"Aave debt to cover of {debt}", debt_to_cover, 0)
    amounts = terms.amounts(min(close_limit(terms), debt_to_cover))
    if not terms.leaves_part(amounts):
        return amounts
    short_collateral = max(
        0, MIN_LEFTOVER_BASE - terms.collateral_base(terms.collateral_balance - amounts.taken)
    )
    short_debt = max(0, MIN_LEFTOVER_BASE - terms.debt_base(terms.debt_balance - amounts.repaid))
    if short_collateral == 0 and short_debt == 0:
        return amounts
    pair = (terms.collateral, terms.collateral_price, terms.debt, terms.debt_price)
    if short_collateral > short_debt:
        # The helper takes the decrease from the liquidator's part alone, and so do we.
        seized = amounts.seized - short_collateral * terms.collateral.unit // terms.collateral_price
        uint256(f"Aave liquidation of {collateral} without dust", seized)
        repaid = percent_div_ceil(debt_for_collateral(*pair, seized), terms.bonus)
    else:
        repaid = amounts.repaid - short_debt * terms.debt.unit // terms.debt_price
        uint256(f"Aave liquidation of {debt} without dust", repaid)
        seized = percent_mul_floor(collateral_for_debt(*pair, repaid), terms.bonus)
    return with_fee(terms.collateral, repaid, seized, terms.bonus)


def _check_leftover(terms: LiquidationTerms, amounts: LiquidationAmounts) -> None:
    if not terms.leaves_part(amounts):
        return
    left_debt = terms.debt_base(terms.debt_balance - amounts.repaid)
    left_collateral = terms.collateral_base(terms.collateral_balance - amounts.taken)
    if left_debt < MIN_LEFTOVER_BASE or left_collateral < MIN_LEFTOVER_BASE:
        expected = "all debt, all collateral, or $1,000 left of each"
        raise InputError("Aave liquidation", expected, "less left")


def _burn_debt(market: AaveMarket, position: AavePosition, amount: int) -> AavePosition:
    index = market.reserve(position.symbol).variable_borrow_index
    scaled = v_token_burn_scaled(amount, index)
    where = f"Aave repayment of {position.symbol}"
    whole(where, scaled, 1, position.scaled_debt)
    return replace(position, scaled_debt=position.scaled_debt - scaled)


def _write_off(
    market: AaveMarket, account: AaveAccount
) -> tuple[AaveAccount, list[tuple[str, int]]]:
    """Every other debt of an account without collateral; inactive reserves are passed over."""
    written: list[tuple[str, int]] = []
    for position in account.positions:
        if position.scaled_debt and market.reserve(position.symbol).active:
            owed = debt_balance(market, position)
            account = account.with_position(_burn_debt(market, position, owed))
            written.append((position.symbol, owed))
    return account, written


def liquidate(
    market: AaveMarket,
    account: AaveAccount,
    prices: Mapping[str, int],
    collateral: str,
    debt: str,
    debt_to_cover: int = MAX_UINT256,
    *,
    timestamp: int | None = None,
    receive_a_token: bool = False,
) -> AaveLiquidation:
    """Liquidates one collateral against one debt of an account whose health factor is below 1.

    Args:
        market, account, prices: as user_account_data.
        collateral, debt: symbols; they may be the same.
        debt_to_cover: smallest units; capped by the close factor and by the collateral.
        timestamp: Unix time, needed when a reserve has a grace period.
        receive_a_token: the liquidator keeps aTokens instead of withdrawing.

    Raises:
        InputError: a health factor of 1 or above; a reserve inactive, paused or in its grace
            period; a collateral not in use; no such debt; less than $1,000 left of debt or
            collateral when neither is cleared; an amount worth no scaled unit.

    Source: LiquidationLogic.executeLiquidationCall.
    """
    terms = liquidation_terms(market, account, prices, collateral, debt, timestamp)
    whole(f"Aave debt to cover of {debt}", debt_to_cover, 0)
    amounts = terms.amounts(min(debt_to_cover, close_limit(terms)))
    _check_leftover(terms, amounts)
    index = terms.collateral.liquidity_index
    held = account.position(collateral)
    seized_scaled = a_token_burn_scaled(amounts.seized, index)
    fee_scaled = a_token_transfer_scaled(amounts.protocol_fee, index)
    consumed = min(held.scaled_supply, seized_scaled + fee_scaled)
    consumed_base = terms.collateral_base(a_token_balance(consumed, index))
    nothing_left = consumed_base == terms.data.total_collateral_base
    if seized_scaled == 0 and not receive_a_token:
        where = f"Aave liquidation of {collateral}"
        raise InputError(where, "collateral of at least one scaled unit", "less")
    owed = account.position(debt)
    repaid = _burn_debt(market, owed, terms.debt_balance if nothing_left else amounts.repaid)
    account = account.with_position(repaid)
    outstanding = terms.debt_balance - amounts.repaid
    bad_debt = [(debt, outstanding)] if nothing_left and outstanding else []
    # Read anew: the same reserve may hold the debt that was just burnt.
    held = account.position(collateral)
    if fee_scaled > held.scaled_supply - seized_scaled:
        rest = held.scaled_supply - seized_scaled
        amounts = replace(amounts, protocol_fee=a_token_balance(rest, index))
    left = held.scaled_supply - consumed
    in_use = left > 0 and not nothing_left
    account = account.with_position(replace(held, scaled_supply=left, use_as_collateral=in_use))
    if nothing_left:
        account, written = _write_off(market, account)
        bad_debt += written
    return AaveLiquidation(amounts, terms.bonus, terms.data.health_factor, tuple(bad_debt), account)
