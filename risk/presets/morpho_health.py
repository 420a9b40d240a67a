"""Morpho Blue's health test and the capacities of an account.

`morpho_blue` gives all of this again; see there for the version.
"""

from __future__ import annotations

from ..fixed_point import MAX_UINT256, WAD, mul_div, mul_div_up, whole
from .morpho_market import ORACLE_PRICE_SCALE, Market, Position, to_assets_down, to_assets_up
from .uint256 import product_div


def borrow_assets(market: Market, position: Position) -> int:
    """What the account owes, rounded up."""
    return to_assets_up(
        position.borrow_shares, market.total_borrow_assets, market.total_borrow_shares
    )


def supply_assets(market: Market, position: Position) -> int:
    """What the account's supply is worth, rounded down."""
    return to_assets_down(
        position.supply_shares, market.total_supply_assets, market.total_supply_shares
    )


def collateral_value(position: Position, price: int) -> int:
    """⌊collateral·price / 10^36⌋ in the loan token.

    Args:
        position: the account.
        price: times 10^36, at least 0.

    Raises:
        InputError: a price that is no such integer, or a product on which the contract reverts.
    """
    whole("Morpho Blue price", price, 0)
    return product_div(
        "Morpho Blue collateral value", position.collateral, price, ORACLE_PRICE_SCALE
    )


def max_borrow(market: Market, position: Position, price: int) -> int:
    """⌊value·lltv⌋: the most that the collateral carries, debt included; see `collateral_value`."""
    value = collateral_value(position, price)
    return product_div("Morpho Blue max borrow", value, market.lltv, WAD)


def is_healthy(market: Market, position: Position, price: int) -> bool:
    """Whether the debt, rounded up, is at most `max_borrow`; always, if there are no borrow shares.

    Source: morpho-blue, src/Morpho.sol `_isHealthy`.
    """
    whole("Morpho Blue price", price, 0)
    if position.borrow_shares == 0:
        return True
    return max_borrow(market, position, price) >= borrow_assets(market, position)


def is_liquidatable(market: Market, position: Position, price: int) -> bool:
    """Whether anyone may liquidate the account: exactly when it is not healthy."""
    return not is_healthy(market, position, price)


def health_factor(market: Market, position: Position, price: int) -> int:
    """⌊max borrow / debt⌋ in WAD; 2^256 − 1 without debt.

    Source: morpho sdks, MarketUtils.getHealthFactor. An account is healthy exactly when this is at
    least 1 WAD.
    """
    debt = borrow_assets(market, position)
    if debt == 0:
        return MAX_UINT256
    return mul_div(max_borrow(market, position, price), WAD, debt)


def loan_to_value(market: Market, position: Position, price: int) -> int | None:
    """⌈debt / collateral value⌉ in WAD; None without debt, 2^256 − 1 if the collateral is worth 0.

    Source: morpho sdks, MarketUtils.getLtv.
    """
    if position.borrow_shares == 0 or market.total_borrow_shares == 0:
        return None
    value = collateral_value(position, price)
    if value == 0:
        return MAX_UINT256
    return mul_div_up(borrow_assets(market, position), WAD, value)


def borrow_capacity_usage(market: Market, position: Position, price: int) -> int:
    """⌈1 / health factor⌉ in WAD; 2^256 − 1 if the health factor is 0.

    Source: morpho sdks, MarketUtils.getBorrowCapacityUsage.
    """
    factor = health_factor(market, position, price)
    return mul_div_up(WAD, WAD, factor) if factor else MAX_UINT256


def max_borrowable(market: Market, position: Position, price: int) -> int:
    """What the collateral still carries: max(0, max borrow − debt).

    The market's liquidity may be less, and the contract's rounding may allow one unit less.

    Source: morpho sdks, MarketUtils.getMaxBorrowableAssets.
    """
    return max(0, max_borrow(market, position, price) - borrow_assets(market, position))


def withdrawable_collateral(market: Market, position: Position, price: int) -> int:
    """Collateral above ⌈⌈debt / price⌉ / lltv⌉, at least 0; all of it without debt.

    The contract floors the value before it weighs it, so it may refuse the last units.

    Source: morpho sdks, MarketUtils.getWithdrawableCollateral.
    """
    whole("Morpho Blue price", price, 0)
    debt = borrow_assets(market, position)
    if debt == 0:
        return position.collateral
    if price == 0 or market.lltv == 0:
        return 0
    needed = mul_div_up(mul_div_up(debt, ORACLE_PRICE_SCALE, price), WAD, market.lltv)
    return max(0, position.collateral - needed)


def liquidation_price(market: Market, position: Position) -> int | None:
    """⌈debt·10^36 / ⌊collateral·lltv⌋⌉: the price below which the account is unhealthy.

    Exact up to the floors, which differ from those of the contract. None without debt;
    2^256 − 1 if no price suffices.

    Source: morpho sdks, MarketUtils.getLiquidationPrice.
    """
    if position.borrow_shares == 0 or market.total_borrow_shares == 0:
        return None
    power = mul_div(position.collateral, market.lltv, WAD)
    if power == 0:
        return MAX_UINT256
    return mul_div_up(borrow_assets(market, position), ORACLE_PRICE_SCALE, power)


def price_variation_to_liquidation(market: Market, position: Position, price: int) -> int | None:
    """⌈liquidation price / price⌉ − 1 in WAD: below 0 when healthy; None without debt or price 0.

    Source: morpho sdks, MarketUtils.getPriceVariationToLiquidationPrice.
    """
    whole("Morpho Blue price", price, 0)
    threshold = liquidation_price(market, position)
    if price == 0 or threshold is None:
        return None
    return mul_div_up(threshold, WAD, price) - WAD
