"""Hyperliquid's maintenance margin as a policy.

The venue: an account is liquidated once account value < Σ notional·rate − deduction, rates and
deductions by the tier of each position's notional (`hyperliquid`). The policy asks for the same of
signed slots: see `perpetual_slots` for how a position becomes one, and why slices are exact.

**Dust: 0.** The venue publishes no rounding rule and the preset computes exactly, so nothing is
needed for whoever satisfies the policy not to be liquidatable at these prices. In the other
direction the policy asks for a little more than the venue: the three differences that
`perpetual_slots` names, together less than (last rate − first rate)·(value of a unit + 10^-18) +
10^-18·notional for every position, and one unit of the balance.

A cross account is one account; an isolated position is an account of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from ..portfolio import Portfolio
from ..registry import Registry, Side
from .hyperliquid import Account, MarginTable
from .perpetual_slots import BALANCE_FACTOR, TERMS, ladder_factors, slot_portfolio
from .provable import ProvableRule


def hyperliquid_rule(tables: Mapping[str, MarginTable], quote: str = "USDC") -> ProvableRule:
    """Account value ≥ maintenance margin, of positions in these coins.

    Args:
        tables: margin tiers by coin; a coin is a signed slot's symbol.
        quote: the settlement asset, a signed slot too.

    Raises:
        InputError: a tier from a notional above 10^30.
    """
    factors = {coin: ladder_factors(table.ladder) for coin, table in tables.items()}
    return ProvableRule(
        protocol="hyperliquid",
        quote=quote,
        ratio=Fraction(1),
        factors={"signed": {quote: BALANCE_FACTOR, **factors}},
        dust=Fraction(0),
        terms=TERMS,
    )


def hyperliquid_portfolio(
    name: str, account: Account, registry: Registry, quote: str = "USDC"
) -> Portfolio:
    """The portfolio of an account: balance − Σ size·entry price, and each size.

    Raises:
        InputError: the registry has no signed slot of the quote asset or of a coin.
    """
    balance = Fraction(account.balance)
    amounts: dict[tuple[str, Side], Fraction] = {}
    for position in account.positions:
        balance -= position.size * position.entry_price
        amounts[position.coin, "signed"] = Fraction(position.size)
    return slot_portfolio(
        name, "Hyperliquid account", registry, {(quote, "signed"): balance, **amounts}
    )
