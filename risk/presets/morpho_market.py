"""Morpho Blue's market and position, its shares, its incentive factor, and its interest.

`morpho_blue` gives all of this again, with health and liquidation; see there for the version.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..fixed_point import MAX_UINT256, WAD, whole
from .uint256 import MAX_UINT128, product_div, product_div_up

ORACLE_PRICE_SCALE = 10**36
VIRTUAL_SHARES = 10**6
VIRTUAL_ASSETS = 1
LIQUIDATION_CURSOR = 3 * WAD // 10
MAX_LIQUIDATION_INCENTIVE_FACTOR = 115 * WAD // 100
MAX_FEE = WAD // 4


@dataclass(frozen=True, slots=True)
class Market:
    """One market, after its interest was accrued.

    Attributes:
        lltv: liquidation loan-to-value, WAD; 0 to WAD − 1, as `enableLltv` asks.
        total_borrow_assets, total_borrow_shares: of all borrowers; each below 2^128.
        total_supply_assets, total_supply_shares: of all suppliers; each below 2^128. Health does
            not depend on them; borrowing and realised bad debt do.
        fee: part of the interest that goes to the fee recipient, WAD; at most 25 %.

    Raises:
        InputError: a number out of its range.
    """

    lltv: int
    total_borrow_assets: int
    total_borrow_shares: int
    total_supply_assets: int = 0
    total_supply_shares: int = 0
    fee: int = 0

    def __post_init__(self) -> None:
        whole("Morpho Blue market lltv", self.lltv, 0, WAD - 1)
        whole("Morpho Blue market fee", self.fee, 0, MAX_FEE)
        for name in (
            "total_borrow_assets",
            "total_borrow_shares",
            "total_supply_assets",
            "total_supply_shares",
        ):
            whole(f"Morpho Blue market {name}", getattr(self, name), 0, MAX_UINT128)


@dataclass(frozen=True, slots=True)
class Position:
    """One account in one market.

    Attributes:
        collateral: smallest units of the collateral token; below 2^128.
        borrow_shares: below 2^128.
        supply_shares: below 2^256.

    Raises:
        InputError: a number out of its range.
    """

    collateral: int
    borrow_shares: int
    supply_shares: int = 0

    def __post_init__(self) -> None:
        whole("Morpho Blue position collateral", self.collateral, 0, MAX_UINT128)
        whole("Morpho Blue position borrow_shares", self.borrow_shares, 0, MAX_UINT128)
        whole("Morpho Blue position supply_shares", self.supply_shares, 0)


def to_shares_down(assets: int, total_assets: int, total_shares: int) -> int:
    """⌊assets·(total_shares + 1e6) / (total_assets + 1)⌋.

    Source: morpho-blue, src/libraries/SharesMathLib.sol.
    """
    shares, wide = _checked("assets", assets, total_assets, total_shares)
    return product_div("Morpho Blue shares", assets, shares, wide)


def to_shares_up(assets: int, total_assets: int, total_shares: int) -> int:
    """⌈assets·(total_shares + 1e6) / (total_assets + 1)⌉; see `to_shares_down`."""
    shares, wide = _checked("assets", assets, total_assets, total_shares)
    return product_div_up("Morpho Blue shares", assets, shares, wide)


def to_assets_down(shares: int, total_assets: int, total_shares: int) -> int:
    """⌊shares·(total_assets + 1) / (total_shares + 1e6)⌋; see `to_shares_down`."""
    wide, assets = _checked("shares", shares, total_assets, total_shares)
    return product_div("Morpho Blue assets", shares, assets, wide)


def to_assets_up(shares: int, total_assets: int, total_shares: int) -> int:
    """⌈shares·(total_assets + 1) / (total_shares + 1e6)⌉; see `to_shares_down`."""
    wide, assets = _checked("shares", shares, total_assets, total_shares)
    return product_div_up("Morpho Blue assets", shares, assets, wide)


def _checked(name: str, amount: int, total_assets: int, total_shares: int) -> tuple[int, int]:
    whole(f"Morpho Blue {name}", amount, 0)
    whole("Morpho Blue total_assets", total_assets, 0, MAX_UINT128)
    whole("Morpho Blue total_shares", total_shares, 0, MAX_UINT128)
    return total_shares + VIRTUAL_SHARES, total_assets + VIRTUAL_ASSETS


def liquidation_incentive_factor(lltv: int) -> int:
    """min(1.15, 1/(1 − 0.3·(1 − lltv))) in WAD: what a liquidator seizes per unit repaid.

    Args:
        lltv: WAD, 0 to WAD − 1.

    Raises:
        InputError: an lltv out of its range.
    Source: morpho-blue, src/Morpho.sol `liquidate`; both the product and the quotient are floored.
    """
    whole("Morpho Blue lltv", lltv, 0, WAD - 1)
    factor = WAD * WAD // (WAD - LIQUIDATION_CURSOR * (WAD - lltv) // WAD)
    return min(MAX_LIQUIDATION_INCENTIVE_FACTOR, factor)


def taylor_compounded(rate: int, seconds: int) -> int:
    """First three terms of e^(rate·seconds) − 1, WAD, each floored.

    Args:
        rate: per second, WAD.
        seconds: at least 0.

    Raises:
        InputError: a negative number, or a power of 2^256 or more.
    Source: morpho-blue, src/libraries/MathLib.sol `wTaylorCompounded`.
    """
    where = "Morpho Blue compounded rate"
    whole("Morpho Blue rate", rate, 0)
    whole("Morpho Blue seconds", seconds, 0)
    first = product_div(where, rate, seconds, 1)
    second = product_div(where, first, first, 2 * WAD)
    third = product_div(where, second, first, 3 * WAD)
    return first + second + third


def accrue_interest(market: Market, rate: int, seconds: int) -> Market:
    """The market after `seconds` at an average borrow rate.

    Args:
        market: at its last update.
        rate: per second, WAD, from the market's interest rate model.
        seconds: since the last update, at least 0.

    Raises:
        InputError: a negative number, or totals that leave 128 bits.
    Source: morpho-blue, src/Morpho.sol `_accrueInterest`: the fee's shares are made from the supply
    with the interest and without the fee.
    """
    growth = taylor_compounded(rate, seconds)
    interest = product_div("Morpho Blue interest", market.total_borrow_assets, growth, WAD)
    fee = product_div("Morpho Blue interest", interest, market.fee, WAD)
    supply = market.total_supply_assets + interest
    # The contract narrows the interest to 128 bits before it adds it.
    whole("Morpho Blue interest", interest, 0, MAX_UINT128)
    fee_shares = 0
    if market.fee:
        fee_shares = to_shares_down(fee, supply - fee, market.total_supply_shares)
    return replace(
        market,
        total_borrow_assets=market.total_borrow_assets + interest,
        total_supply_assets=supply,
        total_supply_shares=market.total_supply_shares + fee_shares,
    )


def utilization(market: Market) -> int:
    """⌊borrowed / supplied⌋ in WAD; 0 if both are 0, 2^256 − 1 if only the supply is 0.

    Source: morpho sdks, packages/blue-sdk MarketUtils.getUtilization.
    """
    if market.total_supply_assets == 0:
        return MAX_UINT256 if market.total_borrow_assets else 0
    return market.total_borrow_assets * WAD // market.total_supply_assets


def supply_to_utilization(market: Market, target: int) -> int:
    """Least supply that brings the market down to a target utilization, WAD.

    2^256 − 1, which no one can, for a target of 0 with a utilization above 0.

    Source: morpho sdks, packages/blue-sdk MarketUtils.getSupplyToUtilization; so the next three.
    """
    whole("Morpho Blue target utilization", target, 0)
    if target == 0:
        return MAX_UINT256 if utilization(market) else 0
    return max(0, -(-market.total_borrow_assets * WAD // target) - market.total_supply_assets)


def withdraw_to_utilization(market: Market, target: int) -> int:
    """Most that suppliers can withdraw before utilization passes a target, WAD."""
    whole("Morpho Blue target utilization", target, 0)
    if target == 0:
        return 0 if market.total_borrow_assets else market.total_supply_assets
    return max(0, market.total_supply_assets - -(-market.total_borrow_assets * WAD // target))


def borrow_to_utilization(market: Market, target: int) -> int:
    """Most that can be borrowed before utilization passes a target, WAD."""
    whole("Morpho Blue target utilization", target, 0)
    return max(0, market.total_supply_assets * target // WAD - market.total_borrow_assets)


def repay_to_utilization(market: Market, target: int) -> int:
    """Least repayment that brings utilization down to a target, WAD."""
    whole("Morpho Blue target utilization", target, 0)
    return max(0, market.total_borrow_assets - market.total_supply_assets * target // WAD)
