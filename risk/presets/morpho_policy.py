"""Morpho Blue's health test as a policy, so that a proof shows an account healthy.

**Exact side.** In smallest units of the loan token let x be the exact value of the collateral,
collateral · price / 10^36, l < 1 the market's lltv, and d the debt in assets. The protocol asks for
⌊⌊x⌋·l⌋ ≥ d. As d is whole this is ⌊x⌋·l ≥ d, and ⌊x⌋ > x − 1, so that x·l ≥ d + l suffices. The
dust is one smallest unit of the loan token, a little more than l of them.

**Amounts** are assets at the round's time. The debt is that of the borrow shares after accrued
interest, rounded up as the protocol rounds it, so that shares add no dust of their own.

**Prices.** Values are counted in the loan token, which the round prices at 1. The collateral's
price is of a whole token in whole loan tokens; the oracle's integer is
price · 10^(36 + loan decimals − collateral decimals). A round with no more decimals than that has
exactly this price; `morpho_price` refuses another, and another price of the loan token: a proof
would say nothing about the protocol. Whoever relies on a proof can call it on the round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from ...errors import InputError
from ..fixed_point import WAD, whole
from ..portfolio import Portfolio
from ..registry import Registry
from ..values import Exact
from .morpho_health import borrow_assets
from .morpho_market import Market, Position, liquidation_incentive_factor
from .provable import ProvableRule, rounded_down, rounded_up
from .units import integer_price, portfolio, require_price

MAX_DECIMALS = 36
_ORACLE_DECIMALS = 36


@dataclass(frozen=True, slots=True)
class MorphoTokens:
    """The two tokens of a market.

    Attributes:
        collateral, loan: their symbols, not the same.
        collateral_decimals, loan_decimals: 0 to 36.

    Raises:
        InputError: one symbol for both, decimals out of range.
    """

    collateral: str
    collateral_decimals: int
    loan: str
    loan_decimals: int

    def __post_init__(self) -> None:
        if self.collateral == self.loan:
            raise InputError("Morpho Blue tokens", "two symbols", "one for both")
        whole(f"Morpho Blue {self.collateral} decimals", self.collateral_decimals, 0, MAX_DECIMALS)
        whole(f"Morpho Blue {self.loan} decimals", self.loan_decimals, 0, MAX_DECIMALS)

    @property
    def price_decimals(self) -> int:
        """Decimals of the market's oracle; below 0 it cannot tell whole prices apart."""
        return _ORACLE_DECIMALS + self.loan_decimals - self.collateral_decimals


def morpho_rule(tokens: MorphoTokens, lltv: int) -> ProvableRule:
    """The health test of a market's accounts; values are in the loan token.

    Args:
        tokens: the pair.
        lltv: WAD, 0 to WAD − 1.

    Returns:
        A rule whose liquidation terms are those of the market: all debt at once, and a penalty of
        the incentive factor less 1, all of it the liquidator's.

    Raises:
        InputError: an lltv out of its range.

    Source: morpho-blue, Morpho._isHealthy.
    """
    incentive = liquidation_incentive_factor(lltv)
    return ProvableRule(
        protocol=f"morpho-blue:{tokens.collateral}/{tokens.loan}",
        quote=tokens.loan,
        ratio=Fraction(1),
        factors={
            "collateral": {tokens.collateral: rounded_down(Fraction(lltv, WAD))},
            "debt": {tokens.loan: Exact("1")},
        },
        dust=Fraction(1, 10**tokens.loan_decimals),
        terms={
            "penalty": rounded_up(Fraction(incentive, WAD) - 1),
            "protocol_share": Exact("0"),
            "close_factor": Exact("1"),
            "close_all_below": Exact("0"),
            "minimum": Exact("0"),
        },
    )


def morpho_price(tokens: MorphoTokens, prices: Mapping[str, Fraction]) -> int:
    """The market's oracle price at a round, times 10^36.

    Raises:
        InputError: no price of the collateral, one with more decimals than the oracle has, or a
            price of the loan token that is not 1.
    """
    require_price("Morpho Blue", prices, tokens.loan, 1)
    return integer_price("Morpho Blue", prices, tokens.collateral, tokens.price_decimals)


def morpho_portfolio(
    name: str, tokens: MorphoTokens, market: Market, position: Position, registry: Registry
) -> Portfolio:
    """The account's collateral and debt in the registry's units.

    Args:
        name: the account's, in the document.
        tokens: the pair.
        market: after its interest was accrued to the round's time.
        position: the account.
        registry: the slots.

    Raises:
        InputError: a debt without a slot.
    """
    held = Fraction(position.collateral, 10**tokens.collateral_decimals)
    owed = Fraction(borrow_assets(market, position), 10**tokens.loan_decimals)
    return portfolio(name, registry, {tokens.collateral: held}, {tokens.loan: owed})
