"""dYdX v4's maintenance margin as a policy.

The chain (`dydx_v4`), in quote quantums of 10^-6 USDC: with n = trunc(N) of each position's exact
notional N, net collateral NC = USDC + Σ ±n and maintenance margin MM = Σ ceil(ceil(n·f)·g), f the
tier's initial margin fraction and g its maintenance fraction, neither scaled by open interest.
Liquidatable if 0 < MM and MM > NC. The policy asks for USDC + Σ ±N − Σ N·f·g ≥ dust: signed slots
of factors 1 − f·g and 1 + f·g, which have 12 decimals and are exact. Isolated markets are
subaccounts of their own.

**Dust: 3 quantums for each perpetual.** A position's part of NC − MM against its exact part:

- a long's n is less than 1 below N, a short's −n is not below −N;
- n·f ≤ N·f; the first ceil adds less than 1, which g ≤ 1 does not enlarge, the second less than 1.

So it is less than 3 below the exact part. It is at most 2 above it: a short's n is less than 1
below N, and n·f·g less than f·g ≤ 1 below N·f·g. Both directions need dust: whoever satisfies the
policy has NC − MM > 0, and NC − MM ≥ 2·dust leaves 6 − 2 ≥ 3 quantums for each perpetual.

The slot of USDC holds the settled balance, with the balances that belong to positions: funding that
accrues later is no part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from ..portfolio import Portfolio
from ..registry import Registry, Side
from .dydx_v4 import ONE_MILLION, QUOTE_ATOMIC_RESOLUTION, LiquidityTier, Perpetual, Subaccount
from .perpetual_slots import BALANCE_FACTOR, TERMS, slot_portfolio
from .provable import ProvableRule, rounded_down, rounded_up
from .units import integer_price, require_price

DUST_QUANTUMS = 3
"""Of each perpetual."""


def dydx_rule(tiers: Mapping[str, LiquidityTier], quote: str = "USDC") -> ProvableRule:
    """Net collateral ≥ maintenance margin, of positions in these perpetuals.

    Args:
        tiers: margin parameters by ticker; a ticker is a signed slot's symbol.
        quote: the settlement asset, a signed slot too.
    """
    factors = {}
    for ticker, tier in tiers.items():
        product = tier.initial_margin_ppm * tier.maintenance_fraction_ppm
        rate = Fraction(product, ONE_MILLION**2)
        factors[ticker] = {"long": rounded_down(1 - rate), "short": rounded_up(1 + rate)}
    return ProvableRule(
        protocol="dydx-v4",
        quote=quote,
        ratio=Fraction(1),
        factors={"signed": {quote: BALANCE_FACTOR, **factors}},
        dust=len(factors) * DUST_QUANTUMS * Fraction(10) ** QUOTE_ATOMIC_RESOLUTION,
        terms=TERMS,
    )


def dydx_portfolio(
    name: str, subaccount: Subaccount, registry: Registry, quote: str = "USDC"
) -> Portfolio:
    """The portfolio of a subaccount once its funding is settled: its USDC, and each size.

    Raises:
        InputError: the registry has no signed slot of the quote asset or of a ticker.
    """
    settled = subaccount.settled()
    quantums = settled.usdc + sum(position.quote_balance for position in settled.positions)
    amounts: dict[tuple[str, Side], Fraction] = {
        (quote, "signed"): quantums * Fraction(10) ** QUOTE_ATOMIC_RESOLUTION
    }
    for position in settled.positions:
        coin = Fraction(10) ** position.perpetual.atomic_resolution
        amounts[position.perpetual.ticker, "signed"] = position.quantums * coin
    return slot_portfolio(name, "dYdX subaccount", registry, amounts)


def dydx_price(
    perpetual: Perpetual, prices: Mapping[str, Fraction], quote: str = "USDC"
) -> Perpetual:
    """The perpetual at a round's price.

    Raises:
        InputError: the round has no price of the ticker, or one that is no whole number of
            10^price_exponent, so that the chain would see another; the quote asset's is not 1.
    """
    require_price("dYdX", prices, quote, 1)
    decimals = -perpetual.price_exponent
    return replace(perpetual, price=integer_price("dYdX", prices, perpetual.ticker, decimals))
