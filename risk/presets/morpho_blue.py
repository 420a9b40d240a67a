"""Morpho Blue: health, capacity and liquidation of one account in one market.

Follows morpho-org/morpho-blue, commit 3085651 (whose arithmetic is that of v1.0.0), src/Morpho.sol
and src/libraries/{MathLib,SharesMathLib,ConstantsLib}.sol; capacities follow morpho-org/sdks,
commit cdff8c4, packages/blue-sdk, MarketUtils. Left out: tokens, authorisations, callbacks, flash
loans, and the interest rate model (its rate is an input of `accrue_interest`).

A price is what one smallest unit of collateral is worth in smallest units of the loan token, times
10^36. Every function expects a market whose interest was accrued.
"""

from __future__ import annotations

from .morpho_health import (
    borrow_assets,
    borrow_capacity_usage,
    collateral_value,
    health_factor,
    is_healthy,
    is_liquidatable,
    liquidation_price,
    loan_to_value,
    max_borrow,
    max_borrowable,
    price_variation_to_liquidation,
    supply_assets,
    withdrawable_collateral,
)
from .morpho_liquidation import (
    Liquidation,
    liquidate,
    repaid_shares_for,
    seizable_collateral,
    seized_assets_for,
)
from .morpho_market import (
    LIQUIDATION_CURSOR,
    MAX_FEE,
    MAX_LIQUIDATION_INCENTIVE_FACTOR,
    ORACLE_PRICE_SCALE,
    VIRTUAL_ASSETS,
    VIRTUAL_SHARES,
    Market,
    Position,
    accrue_interest,
    borrow_to_utilization,
    liquidation_incentive_factor,
    repay_to_utilization,
    supply_to_utilization,
    taylor_compounded,
    to_assets_down,
    to_assets_up,
    to_shares_down,
    to_shares_up,
    utilization,
    withdraw_to_utilization,
)
from .morpho_operations import (
    Transfer,
    borrow,
    repay,
    supply,
    withdraw,
    withdraw_collateral,
)

__all__ = [
    "LIQUIDATION_CURSOR",
    "MAX_FEE",
    "MAX_LIQUIDATION_INCENTIVE_FACTOR",
    "ORACLE_PRICE_SCALE",
    "VIRTUAL_ASSETS",
    "VIRTUAL_SHARES",
    "Liquidation",
    "Market",
    "Position",
    "Transfer",
    "accrue_interest",
    "borrow",
    "borrow_assets",
    "borrow_capacity_usage",
    "borrow_to_utilization",
    "collateral_value",
    "health_factor",
    "is_healthy",
    "is_liquidatable",
    "liquidate",
    "liquidation_incentive_factor",
    "liquidation_price",
    "loan_to_value",
    "max_borrow",
    "max_borrowable",
    "price_variation_to_liquidation",
    "repaid_shares_for",
    "repay",
    "repay_to_utilization",
    "seizable_collateral",
    "seized_assets_for",
    "supply",
    "supply_assets",
    "supply_to_utilization",
    "taylor_compounded",
    "to_assets_down",
    "to_assets_up",
    "to_shares_down",
    "to_shares_up",
    "utilization",
    "withdraw",
    "withdraw_collateral",
    "withdraw_to_utilization",
    "withdrawable_collateral",
]
