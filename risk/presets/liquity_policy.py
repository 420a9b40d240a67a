"""Liquity v2's liquidation test as a policy, so that a proof shows a trove of at least MCR.

**Exact side.** The protocol compares ⌊collateral·price/debt⌋, in 10^18, with MCR, a whole number.
A number rounded down is at least a whole number exactly when it is so before rounding, so the test
is collateral·price ≥ MCR·debt with nothing rounded: the dust is 0, and whoever is not liquidatable
can prove it, to the last unit, as far as the registry's units reach.

**Amounts** are the entire collateral and debt at the round's time, with interest, batch management
fees and redistribution gains until then. They are whole in 10^-18, and a debt of 2,000 BOLD is more
than 2^63 of those: a registry has coarser units, collateral is rounded down and debt up.

**Prices.** Values are counted in US dollars, and a BOLD as one dollar whatever its market price, so
the round has to price BOLD at 1. The feed's integer is price·10^18. A round with at most 18
decimals has exactly this price; `liquity_price` refuses another, and another price of BOLD: a proof
would say nothing about the protocol. Whoever relies on a proof can call it on the round.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from ..fixed_point import WAD
from ..portfolio import Portfolio
from ..registry import Registry
from ..values import Exact
from .liquity_v2_branch import BranchParameters, Trove
from .provable import ProvableRule, rounded_up
from .units import integer_price, portfolio, require_price

BOLD = "BOLD"
_DECIMALS = 18


def liquity_rule(
    collateral: str, parameters: BranchParameters, *, quote: str = "USD"
) -> ProvableRule:
    """The liquidation test of one branch's troves.

    Args:
        collateral: the collateral's symbol.
        parameters: of the branch.
        quote: what the branch's feed counts in.

    Returns:
        A rule whose liquidation terms take the whole trove at the higher of its two penalties, that
        of a redistribution; nothing of it is the protocol's.

    Source: bold, TroveManager._batchLiquidateTroves, LiquityMath._computeCR.
    """
    return ProvableRule(
        protocol=f"liquity-v2:{collateral}",
        quote=quote,
        ratio=Fraction(parameters.mcr, WAD),
        factors={"collateral": {collateral: Exact("1")}, "debt": {BOLD: Exact("1")}},
        dust=Fraction(0),
        terms={
            "penalty": rounded_up(Fraction(parameters.penalty_redistribution, WAD)),
            "protocol_share": Exact("0"),
            "close_factor": Exact("1"),
            "close_all_below": Exact("0"),
            "minimum": Exact("0"),
        },
    )


def liquity_price(collateral: str, prices: Mapping[str, Fraction]) -> int:
    """The branch's price at a round, in 10^18.

    Raises:
        InputError: no price of the collateral, one with more than 18 decimals, or a price of BOLD
            that is not 1.
    """
    require_price("Liquity v2", prices, BOLD, 1)
    return integer_price("Liquity v2", prices, collateral, _DECIMALS)


def liquity_portfolio(name: str, collateral: str, trove: Trove, registry: Registry) -> Portfolio:
    """The trove in the registry's units.

    Args:
        name: the trove's, in the document.
        collateral: the collateral's symbol.
        trove: with interest and gains until the round's time.
        registry: the slots.

    Raises:
        InputError: a debt without a slot.
    """
    held = {collateral: Fraction(trove.collateral, WAD)}
    return portfolio(name, registry, held, {BOLD: Fraction(trove.debt, WAD)})
