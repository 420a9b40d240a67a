"""Morpho pre-liquidation: a partial one before the market's own, on terms that the borrower chose.

Follows morpho-org/pre-liquidation, commit 9e8b7f4, src/PreLiquidation.sol. Left out: tokens,
authorisations and callbacks.

Close factor (the largest part of the debt that may be repaid at once) and incentive factor grow
linearly with loan-to-value, from the terms at `pre_lltv` to those at the market's lltv.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...errors import InputError
from ..fixed_point import WAD, mul_div, mul_div_up, whole
from .morpho_blue import (
    borrow_assets,
    collateral_value,
    is_healthy,
    repaid_shares_for,
    seized_assets_for,
)
from .morpho_market import Market, Position, to_assets_up


@dataclass(frozen=True, slots=True)
class PreLiquidationTerms:
    """Terms of one pre-liquidation contract; all WAD.

    Attributes:
        lltv: of the market, below 1.
        pre_lltv: loan-to-value above which pre-liquidation is allowed, below `lltv`.
        close_factor_low, close_factor_high: at `pre_lltv` and at `lltv` (the source's preLCF1 and
            preLCF2); the first at most 1 and at most the second, which may be above 1.
        incentive_low, incentive_high: likewise (preLIF1, preLIF2);
            1 ≤ low ≤ high ≤ ⌊1/lltv⌋.

    Raises:
        InputError: a number out of its range.
    Source: the contract's constructor.
    """

    lltv: int
    pre_lltv: int
    close_factor_low: int
    close_factor_high: int
    incentive_low: int
    incentive_high: int

    def __post_init__(self) -> None:
        name = "Morpho pre-liquidation"
        # A market with lltv 0 has room for no pre_lltv below it.
        whole(f"{name} lltv", self.lltv, 1, WAD - 1)
        whole(f"{name} pre_lltv", self.pre_lltv, 0, self.lltv - 1)
        whole(f"{name} close_factor_low", self.close_factor_low, 0, WAD)
        whole(f"{name} close_factor_high", self.close_factor_high, self.close_factor_low)
        whole(f"{name} incentive_high", self.incentive_high, WAD, WAD * WAD // self.lltv)
        whole(f"{name} incentive_low", self.incentive_low, WAD, self.incentive_high)


def quotient(terms: PreLiquidationTerms, loan_to_value: int) -> int:
    """⌊(ltv − preLltv) / (lltv − preLltv)⌋ in WAD, 0 to 1.

    Args:
        terms: of the contract.
        loan_to_value: WAD, from `pre_lltv` to `lltv`.

    Raises:
        InputError: a loan-to-value outside of it.
    """
    whole("Morpho pre-liquidation ltv", loan_to_value, terms.pre_lltv, terms.lltv)
    return mul_div(loan_to_value - terms.pre_lltv, WAD, terms.lltv - terms.pre_lltv)


def close_factor(terms: PreLiquidationTerms, at: int) -> int:
    """Close factor in WAD at a `quotient` from 0 to 1 WAD."""
    whole("Morpho pre-liquidation quotient", at, 0, WAD)
    low = terms.close_factor_low
    return low + mul_div(at, terms.close_factor_high - low, WAD)


def incentive_factor(terms: PreLiquidationTerms, at: int) -> int:
    """Incentive factor in WAD at a `quotient` from 0 to 1 WAD."""
    whole("Morpho pre-liquidation quotient", at, 0, WAD)
    return terms.incentive_low + mul_div(at, terms.incentive_high - terms.incentive_low, WAD)


def is_pre_liquidatable(
    terms: PreLiquidationTerms, market: Market, position: Position, price: int
) -> bool:
    """Whether ⌊value·preLltv⌋ < debt ≤ ⌊value·lltv⌋, the debt rounded up.

    Args:
        terms: of the contract, for this market.
        market, position: after interest.
        price: of the contract's own oracle, times 10^36.

    Raises:
        InputError: a market of another lltv, or a price out of its range.
    """
    _same_market(terms, market)
    value = collateral_value(position, price)
    debt = borrow_assets(market, position)
    return mul_div(value, terms.pre_lltv, WAD) < debt <= mul_div(value, terms.lltv, WAD)


@dataclass(frozen=True, slots=True)
class PreLiquidation:
    """What one pre-liquidation moved, and what is left.

    Attributes:
        close_factor, incentive_factor: at the account's loan-to-value, WAD.
        repayable_shares: the most that could have been repaid.
        seized_assets, repaid_assets, repaid_shares: as of a liquidation.
        position, market: afterwards.
    """

    close_factor: int
    incentive_factor: int
    repayable_shares: int
    seized_assets: int
    repaid_assets: int
    repaid_shares: int
    position: Position
    market: Market


def seizable_collateral(
    terms: PreLiquidationTerms, market: Market, position: Position, price: int
) -> int:
    """Collateral for the most that may be repaid now; 0 if the account is not pre-liquidatable.

    It is not capped by the account's collateral: the contract refuses what passes it.

    Source: morpho sdks, packages/blue-sdk PreLiquidationPosition.seizableCollateral.
    """
    if not is_pre_liquidatable(terms, market, position, price):
        return 0
    at = _quotient_of(terms, market, position, price)
    shares = mul_div(position.borrow_shares, close_factor(terms, at), WAD)
    return seized_assets_for(market, shares, price, incentive_factor(terms, at))


def pre_liquidate(
    terms: PreLiquidationTerms,
    market: Market,
    position: Position,
    price: int,
    *,
    market_price: int | None = None,
    seized_assets: int = 0,
    repaid_shares: int = 0,
) -> PreLiquidation:
    """Pre-liquidate by the collateral to seize or by the shares to repay.

    Args:
        terms: of the contract, for this market.
        market, position: after interest.
        price: of the contract's own oracle, times 10^36.
        market_price: of the market's oracle; None for the same. The account must be healthy by it
            afterwards.
        seized_assets, repaid_shares: exactly one of them above 0.

    Raises:
        InputError: an account that is not pre-liquidatable, more than the close factor allows,
            nothing or more than the account has to be seized, an account left unhealthy.
    Source: pre-liquidation, src/PreLiquidation.sol `preLiquidate`.
    """
    where = "Morpho pre-liquidation"
    _same_market(terms, market)
    whole(f"{where} seized_assets", seized_assets, 0)
    whole(f"{where} repaid_shares", repaid_shares, 0)
    if (seized_assets == 0) == (repaid_shares == 0):
        raise InputError(where, "exactly one of seized_assets and repaid_shares above 0", "another")
    if not is_pre_liquidatable(terms, market, position, price):
        raise InputError(where, "a loan-to-value above pre_lltv and at most lltv", "another")
    at = _quotient_of(terms, market, position, price)
    factor = incentive_factor(terms, at)
    if seized_assets:
        repaid_shares = repaid_shares_for(market, seized_assets, price, factor)
    else:
        seized_assets = seized_assets_for(market, repaid_shares, price, factor)
    closing = close_factor(terms, at)
    repayable = mul_div(position.borrow_shares, closing, WAD)
    if repaid_shares > repayable:
        raise InputError(where, "at most the repayable shares to be repaid", "more")
    # The close factor may be above 1, so that the position itself is the limit.
    if repaid_shares > min(position.borrow_shares, market.total_borrow_shares):
        raise InputError(where, "at most the account's borrow shares to be repaid", "more")
    if not 0 < seized_assets <= position.collateral:
        raise InputError(
            where, "some collateral to be seized, at most the account's", "none or more"
        )
    repaid = to_assets_up(repaid_shares, market.total_borrow_assets, market.total_borrow_shares)
    left = replace(
        position,
        collateral=position.collateral - seized_assets,
        borrow_shares=position.borrow_shares - repaid_shares,
    )
    after = replace(
        market,
        total_borrow_assets=max(0, market.total_borrow_assets - repaid),
        total_borrow_shares=market.total_borrow_shares - repaid_shares,
    )
    if not is_healthy(after, left, price if market_price is None else market_price):
        raise InputError(where, "an account that is healthy afterwards", "an unhealthy one")
    return PreLiquidation(
        close_factor=closing,
        incentive_factor=factor,
        repayable_shares=repayable,
        seized_assets=seized_assets,
        repaid_assets=repaid,
        repaid_shares=repaid_shares,
        position=left,
        market=after,
    )


def _quotient_of(terms: PreLiquidationTerms, market: Market, position: Position, price: int) -> int:
    """`quotient` of an account that is pre-liquidatable, whose collateral is so worth something."""
    value = collateral_value(position, price)
    return quotient(terms, mul_div_up(borrow_assets(market, position), WAD, value))


def _same_market(terms: PreLiquidationTerms, market: Market) -> None:
    if market.lltv != terms.lltv:
        raise InputError("Morpho pre-liquidation market lltv", "that of the terms", "another")
