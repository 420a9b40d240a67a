"""Binance's liquidation tests as policies: USDⓈ-M futures, and cross margin, classic and pro.

The venue liquidates where what is there *equals* what is needed (a margin ratio of 100%, a margin
level of 1.1 or of 1). A policy's conditions are met by equality, so each asks for `STRICTLY_MORE`,
10^-8 of the quote, the finest step of the venue's ledger. That is the whole dust: the presets
compute exactly. Without it an account exactly at the threshold would satisfy the policy.

**Futures** (`binance_futures`): margin balance > Σ notional·rate − cum, rates and maintenance
amounts by bracket: slices, as `perpetual_slots` has them. In one-way mode a contract is a signed
slot. In hedge mode long and short of a contract each need margin, which a signed slot would net:
there the long is a collateral slot and the short a debt slot. The registry's sides decide, and
every side has its factor.

**Cross margin** (`binance_cross_margin`): what is held in collateral slots, what is owed in debt
slots, interest with it. Classic: assets > 1.1 · owed, a ratio. Pro: collateral after haircuts −
owed > maintenance margin: haircuts are slices of value, above the last cap nothing counts; a debt
counts itself and its margin, slice by slice. The venue's margin is of what is borrowed, without
interest: the policy takes it of both, up to interest·(last rate) more. Accounts with open orders
have an open order loss besides, which the policy does not see.

In the other direction the policies ask for a little more: STRICTLY_MORE, what `perpetual_slots`
names of tiers (a haircut table is a ladder of 1 − ratio), a unit of each amount that was rounded,
and the margin on interest.

Left out: coin-margined contracts, portfolio margin (its loans need margin though nets are weighed).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from ..portfolio import Portfolio
from ..registry import Registry, Side
from ..values import Exact
from .binance_brackets import Contract
from .binance_collateral import CollateralTable
from .binance_cross_margin import CLASSIC_LIQUIDATION, CrossMarginAccount, LiabilityTable
from .binance_futures import Account
from .binance_futures import Side as Direction
from .perpetual_slots import BALANCE_FACTOR, TERMS, ladder_factors, slot_portfolio, tiers
from .provable import ProvableRule, rounded_down

STRICTLY_MORE = Fraction(1, 10**8)
"""In quote: the finest step of the venue's ledger."""


def futures_rule(contracts: Sequence[Contract], quote: str = "USDT") -> ProvableRule:
    """Margin balance > maintenance margin, of positions in these contracts.

    Args:
        contracts: a contract's symbol is the slot's: a signed one, or collateral (long) and debt
            (short) in hedge mode.
        quote: the settlement asset, a signed slot.

    Raises:
        InputError: a bracket from a notional above 10^30.
    """
    signed = {contract.symbol: ladder_factors(contract.ladder) for contract in contracts}
    return ProvableRule(
        protocol="binance-usdm",
        quote=quote,
        ratio=Fraction(1),
        factors={
            "collateral": {symbol: factors["long"] for symbol, factors in signed.items()},
            "debt": {symbol: factors["short"] for symbol, factors in signed.items()},
            "signed": {quote: BALANCE_FACTOR, **signed},
        },
        dust=STRICTLY_MORE,
        terms=TERMS,
    )


def futures_portfolio(
    name: str, account: Account, registry: Registry, quote: str = "USDT"
) -> Portfolio:
    """The portfolio of an account: balance − Σ size·entry price, and each size.

    A contract with a signed slot is in one-way mode; otherwise its long is collateral and its short
    a debt.

    Raises:
        InputError: the registry has no slot for the balance or a position; a short and a long of a
            contract with a signed slot.
    """
    balance = Fraction(account.wallet_balance)
    amounts: dict[tuple[str, Side], Fraction] = {}
    for position in account.positions:
        symbol = position.contract.symbol
        balance -= position.signed_amount * position.entry_price
        side: Side = "collateral" if position.side is Direction.LONG else "debt"
        if (symbol, "signed") in registry.by_key and len(account.sides(symbol)) == 1:
            amounts[symbol, "signed"] = position.signed_amount
        else:
            amounts[symbol, side] = Fraction(position.amount)
    return slot_portfolio(
        name, "Binance account", registry, {(quote, "signed"): balance, **amounts}
    )


def classic_margin_rule(assets: Sequence[str], quote: str = "USDT") -> ProvableRule:
    """Cross margin, classic: assets > 1.1 · what is owed.

    Args:
        assets: symbols, each of a collateral slot, a debt slot or both.
        quote: what the index prices are in.
    """
    one = {asset: Exact("1") for asset in assets}
    return ProvableRule(
        protocol="binance-cross-margin-classic",
        quote=quote,
        ratio=CLASSIC_LIQUIDATION,
        factors={"collateral": one, "debt": one},
        dust=STRICTLY_MORE,
        terms=TERMS,
    )


def pro_margin_rule(
    collateral: Sequence[CollateralTable],
    liabilities: Sequence[LiabilityTable],
    quote: str = "USDT",
) -> ProvableRule:
    """Cross margin, pro: collateral after haircuts − what is owed > maintenance margin.

    Args:
        collateral: haircuts of what may be held; an asset's name is its slot's symbol.
        liabilities: margin rates of what may be owed.
        quote: what the index prices are in.

    Raises:
        InputError: a tier of a liability from a value above 10^30.
    """
    return ProvableRule(
        protocol="binance-cross-margin-pro",
        quote=quote,
        ratio=Fraction(1),
        factors={
            "collateral": {table.asset: _haircuts(table) for table in collateral},
            "debt": {
                table.asset: ladder_factors(table.maintenance)["short"] for table in liabilities
            },
        },
        dust=STRICTLY_MORE,
        terms=TERMS,
    )


def _haircuts(table: CollateralTable) -> Exact | Mapping[str, Any]:
    steps = [(Fraction(tier.floor), rounded_down(tier.ratio)) for tier in table.tiers]
    cap = table.tiers[-1].cap
    if cap is not None:
        steps.append((Fraction(cap), Exact("0")))
    return steps[0][1] if len(steps) == 1 else tiers("value", steps)


def cross_margin_portfolio(name: str, account: CrossMarginAccount, registry: Registry) -> Portfolio:
    """The portfolio of a cross margin account: each asset, and each debt with its interest.

    Raises:
        InputError: the registry has no slot for something held or owed.
    """
    amounts: dict[tuple[str, Side], Fraction] = {}
    for asset in account.assets:
        if asset.amount:
            amounts[asset.collateral.asset, "collateral"] = Fraction(asset.amount)
        if asset.borrowed or asset.interest:
            amounts[asset.collateral.asset, "debt"] = Fraction(asset.borrowed + asset.interest)
    return slot_portfolio(name, "Binance cross margin account", registry, amounts)
