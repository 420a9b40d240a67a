"""dYdX v4: offsetting a bankrupt position against another account's.

Followed: dydxprotocol/v4-chain after protocol v9.6 (March 2026): protocol/x/clob/keeper/
deleveraging.go and x/subaccounts/lib/oimf.go. Left out: which accounts the chain picks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...errors import InputError
from ..fixed_point import MAX_UINT256, whole
from .dydx_clob import ClobPair
from .dydx_liquidation import bankruptcy_price
from .dydx_risk import UpdateResult, update_result
from .dydx_v4 import Subaccount, subaccount_risk


@dataclass(frozen=True, slots=True)
class Deleveraging:
    """Whether a position may be offset against other accounts, and at which of two prices."""

    at_bankruptcy_price: bool
    at_oracle_price: bool


def deleveraging(subaccount: Subaccount, clob_pair: ClobPair) -> Deleveraging:
    """At the bankruptcy price below 0 net collateral, else in a closed market at the oracle's."""
    if subaccount_risk(subaccount).net_collateral < 0:
        return Deleveraging(at_bankruptcy_price=True, at_oracle_price=False)
    return Deleveraging(at_bankruptcy_price=False, at_oracle_price=clob_pair.final_settlement)


def deleveraging_quote_quantums(
    subaccount: Subaccount, ticker: str, delta_quantums: int, at_oracle_price: bool
) -> int:
    """Signed quote quantums that the subaccount receives for a change of its position."""
    position = subaccount.reduced_position(ticker, delta_quantums)
    if at_oracle_price:
        return position.perpetual.net_notional(-delta_quantums)
    return bankruptcy_price(subaccount, ticker, delta_quantums)


def _with_open_interest(subaccount: Subaccount, ticker: str, removed: int) -> Subaccount:
    positions = tuple(
        replace(
            p,
            perpetual=replace(
                p.perpetual, open_interest=max(p.perpetual.open_interest - removed, 0)
            ),
        )
        if p.perpetual.ticker == ticker
        else p
        for p in subaccount.positions
    )
    return Subaccount(subaccount.usdc, positions)


def deleverage(
    liquidated: Subaccount,
    offsetting: Subaccount,
    ticker: str,
    delta_quantums: int,
    at_oracle_price: bool = False,
) -> tuple[Subaccount, Subaccount]:
    """Both subaccounts after their positions are closed against each other.

    Args:
        delta_quantums: signed change of the liquidated position; it reduces both.

    Returns:
        (liquidated, offsetting), funding settled.

    Raises:
        InputError: a delta that does not reduce both; a price at which one of them would be left
            riskier (the bankruptcy prices do not overlap).
    """
    quote = deleveraging_quote_quantums(liquidated, ticker, delta_quantums, at_oracle_price)
    offsetting.reduced_position(ticker, -delta_quantums)
    after = []
    for name, subaccount, sign in (("liquidated", liquidated, 1), ("offsetting", offsetting, -1)):
        settled = _with_open_interest(subaccount.settled(), ticker, abs(delta_quantums))
        traded = settled.traded(ticker, sign * delta_quantums, sign * quote)
        result = update_result(subaccount_risk(settled), subaccount_risk(traded))
        if result is not UpdateResult.SUCCESS:
            raise InputError(
                f"dYdX deleveraging of {ticker}: {name}", "no riskier after it", result.value
            )
        after.append(traded)
    return after[0], after[1]


def is_valid_insurance_fund_delta(delta: int, insurance_fund: int) -> bool:
    """Whether the fund gains or can pay (both in quote quantums)."""
    whole("dYdX insurance fund: delta", delta, -MAX_UINT256)
    return delta >= 0 or whole("dYdX insurance fund", insurance_fund, 0) + delta >= 0
