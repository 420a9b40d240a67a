"""Aave v3.7's liquidation test as a policy, so that a proof shows a health factor of at least 1.

Aave has two tests. Borrowing and withdrawing are limited by the LTVs; an account is liquidated by
the liquidation thresholds, once its health factor is below 1. The claims are about the second: an
account that may borrow nothing more can be healthy for long.

**Exact side.** In base units (10^-8 USD) let xᵢ be the exact value of a collateral, tᵢ its
threshold as a share, yⱼ the exact value of a debt. The protocol counts ⌊xᵢ⌋ > xᵢ − 1 and
⌈yⱼ⌉ < yⱼ + 1, and its health factor is at least 1 if Σ ⌊xᵢ⌋·tᵢ ≥ Σ ⌈yⱼ⌉: the wad quotient that it
rounds half up is then no smaller than 10^22 before rounding, and halves only help the account (an
account that falls short by less than half a unit of the quotient is healthy by the protocol and not
provable). So Σ xᵢ·tᵢ ≥ Σ yⱼ + dust suffices for

    dust = Σ tᵢ over all collaterals + 1 for each reserve, in base units,

at most 256 · 10^-8 USD for the 128 reserves that a pool can have.

**Amounts** are the balances at the round's time in the registry's units: supplies that are used as
collateral, rounded down from their scaled balances, and debts, rounded up, as the protocol rounds
them. Interest goes on: whoever needs the verdict of a later time needs a later proof.

**Prices** are the oracle's integers over 10^8. A round with at most 8 decimals has exactly those;
`aave_prices` refuses another, of which a proof would say nothing about the protocol, and whoever
relies on a proof can call it on the round. A median of an odd number of reports has the decimals of
the reports.

**eMode.** The policy is of the accounts in one category: its thresholds replace the reserves' own
for the collaterals that it lists. Debts keep all their slots, as the health factor asks for nothing
else; what a category lets borrow is a rule of borrowing. No proof says which category an account is
in. Make a registry for each category, so that the custodian who vouches says it: another category
may have lower thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from ..fixed_point import WAD, whole
from ..portfolio import Portfolio
from ..registry import Registry
from ..values import Exact
from .aave_liquidation import MIN_LEFTOVER_BASE
from .aave_liquidation_terms import CLOSE_FACTOR_HEALTH_FACTOR, DEFAULT_CLOSE_FACTOR
from .aave_market import AaveMarket, AaveReserve
from .aave_math import PERCENTAGE_FACTOR
from .aave_v3 import AaveAccount, debt_balance, supply_balance
from .provable import ProvableRule, rounded_down, rounded_up
from .units import integer_price, portfolio

PRICE_DECIMALS = 8
"""Decimals of the base currency, US dollars, in Aave's own deployments."""


def aave_rule(
    market: AaveMarket,
    e_mode: int = 0,
    *,
    quote: str = "USD",
    price_decimals: int = PRICE_DECIMALS,
) -> ProvableRule:
    """The liquidation test of the accounts in one eMode.

    Args:
        market: the reserves; those with a threshold of 0 count nothing and get no factor.
        e_mode: the accounts' category, 0 for none.
        quote: the base currency.
        price_decimals: of the base currency, 0 to 18.

    Returns:
        A rule whose liquidation terms are those of the counted collateral with the largest bonus:
        half of a debt unless health is at or below 0.95, and nothing below $1,000 left over.

    Raises:
        InputError: a category that the market does not have, decimals out of range.

    Source: aave-v3-origin v3.7.0, GenericLogic.calculateUserAccountData.
    """
    whole("Aave base currency decimals", price_decimals, 0, 18)
    market.e_mode(e_mode)
    thresholds = {
        reserve.symbol: Fraction(threshold, PERCENTAGE_FACTOR)
        for reserve in market.reserves
        if (threshold := market.liquidation_threshold(reserve.symbol, e_mode))
    }
    unit = Fraction(1, 10**price_decimals)
    return ProvableRule(
        protocol="aave-v3.7" if e_mode == 0 else f"aave-v3.7:e-mode-{e_mode}",
        quote=quote,
        ratio=Fraction(1),
        factors={
            "collateral": {symbol: rounded_down(share) for symbol, share in thresholds.items()},
            "debt": {reserve.symbol: Exact("1") for reserve in market.reserves},
        },
        dust=(sum(thresholds.values()) + len(market.reserves)) * unit,
        terms=_terms(market, e_mode, [market.reserve(symbol) for symbol in thresholds], unit),
    )


def _terms(
    market: AaveMarket, e_mode: int, counted: list[AaveReserve], unit: Fraction
) -> dict[str, Exact]:
    bonus, fee = max(
        (
            (market.liquidation_bonus(reserve.symbol, e_mode), reserve.liquidation_protocol_fee)
            for reserve in counted
        ),
        default=(PERCENTAGE_FACTOR, 0),
    )
    return {
        "penalty": rounded_up(Fraction(bonus, PERCENTAGE_FACTOR) - 1),
        "protocol_share": rounded_down(Fraction(fee, PERCENTAGE_FACTOR)),
        "close_factor": rounded_up(Fraction(DEFAULT_CLOSE_FACTOR, PERCENTAGE_FACTOR)),
        "close_all_below": rounded_down(Fraction(CLOSE_FACTOR_HEALTH_FACTOR, WAD)),
        "minimum": rounded_down(MIN_LEFTOVER_BASE * unit),
    }


def aave_prices(
    market: AaveMarket,
    prices: Mapping[str, Fraction],
    *,
    price_decimals: int = PRICE_DECIMALS,
) -> dict[str, int]:
    """The oracle's prices at a round, for the market's reserves that the round prices.

    Raises:
        InputError: a price with more decimals than the base currency.
    """
    whole("Aave base currency decimals", price_decimals, 0, 18)
    return {
        reserve.symbol: integer_price("Aave", prices, reserve.symbol, price_decimals)
        for reserve in market.reserves
        if reserve.symbol in prices
    }


def aave_portfolio(
    name: str, market: AaveMarket, account: AaveAccount, registry: Registry
) -> Portfolio:
    """The account's balances in the registry's units.

    Args:
        name: the account's, in the document.
        market: with the indices of the round's time.
        account: its eMode is the one that the rule is of, which nothing here checks.
        registry: the slots.

    Raises:
        InputError: a debt without a slot.
    """
    units = {reserve.symbol: reserve.unit for reserve in market.reserves}
    return portfolio(
        name,
        registry,
        {
            position.symbol: Fraction(supply_balance(market, position), units[position.symbol])
            for position in account.positions
            if position.is_collateral
            and market.liquidation_threshold(position.symbol, account.e_mode)
        },
        {
            position.symbol: Fraction(debt_balance(market, position), units[position.symbol])
            for position in account.positions
        },
    )
