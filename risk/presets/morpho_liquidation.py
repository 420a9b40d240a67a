"""Morpho Blue's liquidation, with the bad debt that it realises.

`morpho_blue` gives all of this again; see there for the version.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...errors import InputError
from ..fixed_point import WAD, whole
from .morpho_health import is_healthy
from .morpho_market import (
    ORACLE_PRICE_SCALE,
    Market,
    Position,
    liquidation_incentive_factor,
    to_assets_down,
    to_assets_up,
    to_shares_up,
)
from .uint256 import product_div, product_div_up


def seized_assets_for(market: Market, repaid_shares: int, price: int, factor: int) -> int:
    """Collateral that a liquidator gets for repaid shares, floored three times.

    Args:
        market: the market.
        repaid_shares: at least 0.
        price: times 10^36, above 0.
        factor: liquidation incentive factor, WAD.

    Raises:
        InputError: a number out of its range, or a product on which the contract reverts.
    Source: morpho-blue, src/Morpho.sol `liquidate`; pre-liquidation shares the formula.
    """
    whole("Morpho Blue price", price, 1)
    repaid = to_assets_down(repaid_shares, market.total_borrow_assets, market.total_borrow_shares)
    where = "Morpho Blue seized assets"
    return product_div(where, product_div(where, repaid, factor, WAD), ORACLE_PRICE_SCALE, price)


def repaid_shares_for(market: Market, seized_assets: int, price: int, factor: int) -> int:
    """Borrow shares that a liquidator repays for seized collateral, rounded up three times.

    Args and errors as of `seized_assets_for`; a price of 0 gives the collateral away.
    """
    whole("Morpho Blue seized_assets", seized_assets, 0)
    whole("Morpho Blue price", price, 0)
    where = "Morpho Blue repaid shares"
    quoted = product_div_up(where, seized_assets, price, ORACLE_PRICE_SCALE)
    repaid = product_div_up(where, quoted, WAD, factor)
    return to_shares_up(repaid, market.total_borrow_assets, market.total_borrow_shares)


def seizable_collateral(market: Market, position: Position, price: int) -> int:
    """Most collateral that a liquidator can seize now; 0 if healthy or the price is 0.

    Source: morpho sdks, MarketUtils.getSeizableCollateral.
    """
    if price == 0 or is_healthy(market, position, price):
        return 0
    factor = liquidation_incentive_factor(market.lltv)
    return min(
        position.collateral, seized_assets_for(market, position.borrow_shares, price, factor)
    )


@dataclass(frozen=True, slots=True)
class Liquidation:
    """What one liquidation moved, and what is left.

    Attributes:
        incentive_factor: WAD.
        seized_assets: collateral to the liquidator.
        repaid_assets: loan token from the liquidator; may pass the market's borrowed total by 1.
        repaid_shares: borrow shares cancelled.
        bad_debt_assets, bad_debt_shares: written off against the suppliers, once no collateral is
            left.
        position, market: afterwards.
    """

    incentive_factor: int
    seized_assets: int
    repaid_assets: int
    repaid_shares: int
    bad_debt_assets: int
    bad_debt_shares: int
    position: Position
    market: Market


def liquidate(
    market: Market,
    position: Position,
    price: int,
    *,
    seized_assets: int = 0,
    repaid_shares: int = 0,
) -> Liquidation:
    """Liquidate by the collateral to seize or by the shares to repay.

    Args:
        market: with the supply totals, from which bad debt is taken.
        position: the borrower's.
        price: times 10^36.
        seized_assets, repaid_shares: exactly one of them above 0. There is no close factor.

    Returns:
        the amounts, and the position and the market afterwards.

    Raises:
        InputError: a healthy account; more than the account has of either; not exactly one amount;
            totals that cannot bear the repayment or the bad debt.
    Source: morpho-blue, src/Morpho.sol `liquidate`.
    """
    where = "Morpho Blue liquidate"
    whole(f"{where} seized_assets", seized_assets, 0)
    whole(f"{where} repaid_shares", repaid_shares, 0)
    if (seized_assets == 0) == (repaid_shares == 0):
        raise InputError(where, "exactly one of seized_assets and repaid_shares above 0", "another")
    if is_healthy(market, position, price):
        raise InputError(where, "an unhealthy account", "a healthy one")
    factor = liquidation_incentive_factor(market.lltv)
    if seized_assets:
        repaid_shares = repaid_shares_for(market, seized_assets, price, factor)
    else:
        seized_assets = seized_assets_for(market, repaid_shares, price, factor)
    repaid = to_assets_up(repaid_shares, market.total_borrow_assets, market.total_borrow_shares)
    if repaid_shares > min(position.borrow_shares, market.total_borrow_shares):
        raise InputError(where, "at most the account's borrow shares to be repaid", "more")
    if seized_assets > position.collateral:
        raise InputError(where, "at most the account's collateral to be seized", "more")

    shares = position.borrow_shares - repaid_shares
    total_shares = market.total_borrow_shares - repaid_shares
    total = max(0, market.total_borrow_assets - repaid)
    supplied = market.total_supply_assets
    bad_shares = bad = 0
    if seized_assets == position.collateral:
        bad_shares = shares
        bad = min(total, to_assets_up(bad_shares, total, total_shares))
        if bad > supplied or bad_shares > total_shares:
            raise InputError(where, "totals that can bear the bad debt", "smaller ones")
    return Liquidation(
        incentive_factor=factor,
        seized_assets=seized_assets,
        repaid_assets=repaid,
        repaid_shares=repaid_shares,
        bad_debt_assets=bad,
        bad_debt_shares=bad_shares,
        position=replace(
            position,
            collateral=position.collateral - seized_assets,
            borrow_shares=shares - bad_shares,
        ),
        market=replace(
            market,
            total_borrow_assets=total - bad,
            total_borrow_shares=total_shares - bad_shares,
            total_supply_assets=supplied - bad,
        ),
    )
