"""Compound v3's liquidation test as a policy, so that a proof shows an account not liquidatable.

Comet too has two tests, by the borrow and by the liquidate collateral factors. The claims are about
the second: an account whose `isLiquidatable` is false.

**Exact side.** In price units (10^-8 of the quote) let xᵢ be the exact value of a collateral, cᵢ
its liquidate collateral factor, y the exact value of the debt. The protocol counts ⌊⌊xᵢ⌋·cᵢ⌋, which
is more than xᵢ·cᵢ − cᵢ − 1, and ⌊y⌋ for the debt, which is at most y. So its liquidity is above 0
if Σ xᵢ·cᵢ ≥ y + dust, for

    dust = Σ (cᵢ + 1) over all collaterals, in price units,

at most 48 · 10^-8 for the 24 assets that a market can have. The truncated debt only helps the
account: one that owes less than a price unit too much is healthy by the protocol and not provable.

**Amounts** are balances at the round's time: of the base asset what `borrowBalanceOf` gives, the
principal times the index rounded down, as the test itself takes it. A supply of the base asset has
no slot: whoever has one owes nothing.

**Prices** are the feeds' integers over 10^8, of all assets in one quote. A round with at most 8
decimals has exactly those; `compound_prices` refuses another, of which a proof would say nothing
about the protocol, and whoever relies on a proof can call it on the round.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from ...errors import InputError
from ..portfolio import Portfolio
from ..registry import Registry
from ..values import Exact
from .compound_market import (
    FACTOR_SCALE,
    PRICE_SCALE,
    CometAccount,
    CometAsset,
    CometMarket,
    borrow_balance,
)
from .provable import ProvableRule, rounded_down, rounded_up
from .units import integer_price, portfolio

PRICE_DECIMALS = 8


def compound_rule(market: CometMarket, *, quote: str = "USD") -> ProvableRule:
    """The liquidation test of a market's accounts.

    Args:
        market: assets with a liquidate collateral factor of 0 count nothing and get no factor.
        quote: what the market's feeds count in.

    Returns:
        A rule whose liquidation terms are those of an absorption: all debt at once, and of the
        penalty, that of the counted collateral with the smallest liquidation factor, the protocol
        keeps what its store front does not give to buyers.

    Raises:
        InputError: an asset that counts and has a liquidation factor of 0.

    Source: comet, Comet.isLiquidatable.
    """
    factors = {
        asset.symbol: Fraction(asset.liquidate_collateral_factor, FACTOR_SCALE)
        for asset in market.assets
        if asset.liquidate_collateral_factor
    }
    penalties = [_penalty(market.asset(symbol)) for symbol in factors]
    discount = Fraction(market.store_front_price_factor, FACTOR_SCALE)
    return ProvableRule(
        protocol=f"compound-v3:{market.base}",
        quote=quote,
        ratio=Fraction(1),
        factors={
            "collateral": {symbol: rounded_down(factor) for symbol, factor in factors.items()},
            "debt": {market.base: Exact("1")},
        },
        dust=(sum(factors.values()) + len(factors)) * Fraction(1, PRICE_SCALE),
        terms={
            "penalty": rounded_up(max(penalties, default=0)),
            "protocol_share": rounded_down(1 - discount),
            "close_factor": Exact("1"),
            "close_all_below": Exact("0"),
            "minimum": Exact("0"),
        },
    )


def _penalty(asset: CometAsset) -> Fraction:
    """What an absorption costs above the debt that it clears, as a share of that debt."""
    if asset.liquidation_factor == 0:
        where = f"Comet asset {asset.symbol}.liquidation_factor"
        raise InputError(where, "above 0 for an asset that counts", "0")
    return Fraction(FACTOR_SCALE, asset.liquidation_factor) - 1


def compound_prices(market: CometMarket, prices: Mapping[str, Fraction]) -> dict[str, int]:
    """The feeds' prices at a round, for the market's assets that the round prices.

    Raises:
        InputError: a price with more than 8 decimals.
    """
    symbols = [market.base, *(asset.symbol for asset in market.assets)]
    return {
        symbol: integer_price("Comet", prices, symbol, PRICE_DECIMALS)
        for symbol in symbols
        if symbol in prices
    }


def compound_portfolio(
    name: str, market: CometMarket, account: CometAccount, registry: Registry
) -> Portfolio:
    """The account's balances in the registry's units.

    Args:
        name: the account's, in the document.
        market: with the indices of the round's time.
        account: of the market.
        registry: the slots.

    Raises:
        InputError: an asset that the market does not have, a debt without a slot.
    """
    held = {}
    for symbol, balance in account.collateral.items():
        asset = market.asset(symbol)
        if asset.liquidate_collateral_factor:
            held[symbol] = Fraction(balance, asset.scale)
    owed = Fraction(borrow_balance(market, account), market.base_scale)
    return portfolio(name, registry, held, {market.base: owed})
