"""dYdX v4: liquidation of a subaccount's position, in quote and base quantums.

Followed: dydxprotocol/v4-chain after protocol v9.6 (March 2026): protocol/x/clob/keeper/
liquidations.go, deleveraging.go, process_single_match.go. Deleveraging is in `dydx_deleveraging`.

Left out: which of several positions goes first (pseudo-random on the chain) and the order book.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ...errors import InputError
from ..fixed_point import mul_div, whole
from .dydx_clob import BlockLiquidations, ClobPair, LiquidationsConfig
from .dydx_risk import UpdateResult, update_result
from .dydx_v4 import (
    MAX_UINT64,
    ONE_MILLION,
    Position,
    Subaccount,
    position_risk,
    subaccount_risk,
)

__all__ = [
    "BlockLiquidations",
    "ClobPair",
    "Liquidation",
    "LiquidationOrder",
    "LiquidationsConfig",
    "bankruptcy_price",
    "fillable_price",
    "insurance_fund_delta",
    "liquidatable_size_delta",
    "liquidate",
    "liquidation_order",
    "position_notional_limits",
]


def bankruptcy_price(subaccount: Subaccount, ticker: str, delta_quantums: int) -> int:
    """Quote quantums for which closing part of a position leaves the account as risky as it was.

    -ΔNNV - floor(TNC·|ΔMMR| / TMMR): rounded up, so that a close at this price costs the
    insurance fund nothing. Positive is received for a long that is sold, negative paid for a short.

    Args:
        delta_quantums: signed base quantums, opposite to the position and at most its size.

    Raises:
        InputError: another delta; a subaccount without maintenance margin.
    """
    position = subaccount.reduced_position(ticker, delta_quantums)
    before = position_risk(position.perpetual, position.quantums)
    after = position_risk(position.perpetual, position.quantums + delta_quantums)
    total = subaccount_risk(subaccount)
    margin = whole(f"dYdX liquidation of {ticker}: maintenance margin", total.maintenance_margin, 1)
    released = abs(after.maintenance_margin - before.maintenance_margin)
    delta_notional = after.net_collateral - before.net_collateral
    return -delta_notional - mul_div(total.net_collateral, released, margin)


def fillable_price(
    subaccount: Subaccount, ticker: str, delta_quantums: int, config: LiquidationsConfig
) -> Fraction:
    """Worst price at which a liquidation order may fill, quote quantums per base quantum.

    (PNNV - ABR·SMMR·PMMR) / PS with ABR = BA·(1 - TNC/TMMR) held to 0..1.

    Raises:
        InputError: a delta that does not reduce the position; a subaccount without maintenance
            margin; a price below 0, at which the chain halts.
    """
    position = subaccount.reduced_position(ticker, delta_quantums)
    risk = position_risk(position.perpetual, position.quantums)
    total = subaccount_risk(subaccount)
    margin = whole(f"dYdX liquidation of {ticker}: maintenance margin", total.maintenance_margin, 1)
    rating = Fraction(config.bankruptcy_adjustment_ppm, ONE_MILLION) * (
        1 - Fraction(total.net_collateral, margin)
    )
    rating = min(max(rating, Fraction(0)), Fraction(1))
    spread = Fraction(
        risk.maintenance_margin * config.spread_to_maintenance_margin_ratio_ppm, ONE_MILLION
    )
    price = (risk.net_collateral - rating * spread) / position.quantums
    if price < 0:
        raise InputError(f"dYdX liquidation of {ticker}: fillable price", "at least 0", "less")
    return price


def insurance_fund_delta(
    subaccount: Subaccount,
    ticker: str,
    fill_amount: int,
    is_buy: bool,
    subticks: int,
    clob_pair: ClobPair,
    config: LiquidationsConfig,
) -> int:
    """What the insurance fund receives from a fill, quote quantums; negative where it pays.

    A gain over the bankruptcy price goes to the fund up to the maximal fee, rounded down.

    Args:
        fill_amount: base quantums, at least 1.
        is_buy: whether the order closes a short.
        subticks: price of the fill.
    """
    whole(f"dYdX liquidation of {ticker}: fill amount", fill_amount, 1, MAX_UINT64)
    whole(f"dYdX liquidation of {ticker}: subticks", subticks, 0, MAX_UINT64)
    value = clob_pair.quote_quantums(fill_amount, subticks)
    delta = fill_amount if is_buy else -fill_amount
    gain = (-value if is_buy else value) - bankruptcy_price(subaccount, ticker, delta)
    if gain <= 0:
        return gain
    return min(mul_div(value, config.max_liquidation_fee_ppm, ONE_MILLION), gain)


def position_notional_limits(position: Position, config: LiquidationsConfig) -> tuple[int, int]:
    """(least, most) quote quantums of one position that a block liquidates."""
    notional = abs(position.perpetual.net_notional(position.quantums))
    least = min(config.min_position_notional_liquidated, notional)
    portion = mul_div(notional, config.max_position_portion_liquidated_ppm, ONE_MILLION)
    return least, max(least, portion)


def liquidatable_size_delta(
    subaccount: Subaccount,
    ticker: str,
    clob_pair: ClobPair,
    config: LiquidationsConfig,
    block: BlockLiquidations | None = None,
) -> int:
    """Signed base quantums by which a liquidation order changes the position.

    The smaller of the position's and the subaccount's limit, in whole steps and at least one; the
    whole position where it is within the limit or not above one step.
    """
    position = subaccount.position(ticker)
    if position is None or position.quantums == 0:
        raise InputError(f"dYdX liquidation of {ticker}", "an open position", "none")
    left = (block or BlockLiquidations()).max_notional_liquidatable(config, ticker)
    limit = min(position_notional_limits(position, config)[1], left)
    perpetual, size = position.perpetual, abs(position.quantums)
    step = clob_pair.step_base_quantums
    if abs(perpetual.net_notional(size)) <= limit or size <= step:
        return -position.quantums
    steps = perpetual.notional_in_base_quantums(limit) // step
    delta = min(max(steps * step, step), size)
    return -delta if position.quantums > 0 else delta


@dataclass(frozen=True, slots=True)
class LiquidationOrder:
    """An immediate-or-cancel order: side, base quantums, limit price in subticks."""

    is_buy: bool
    base_quantums: int
    subticks: int


def liquidation_order(
    subaccount: Subaccount,
    ticker: str,
    clob_pair: ClobPair,
    config: LiquidationsConfig,
    block: BlockLiquidations | None = None,
) -> LiquidationOrder:
    """The order that the chain places to liquidate one position.

    Raises:
        InputError: a subaccount that is not liquidatable, no such position, or one that was
            liquidated in this block.
    """
    if not subaccount_risk(subaccount).is_liquidatable():
        raise InputError("dYdX subaccount", "liquidatable", "one that is not")
    delta = liquidatable_size_delta(subaccount, ticker, clob_pair, config, block)
    price = fillable_price(subaccount, ticker, delta, config)
    return LiquidationOrder(delta > 0, abs(delta), clob_pair.subticks(price, delta < 0))


@dataclass(frozen=True, slots=True)
class Liquidation:
    """A fill of a liquidation order.

    Args:
        quote_delta: signed quote quantums that the subaccount receives after the fund's share.
        insurance_fund_delta: what the insurance fund receives; negative where it pays.
        subaccount: what is left.
    """

    quote_delta: int
    insurance_fund_delta: int
    subaccount: Subaccount


def liquidate(
    subaccount: Subaccount,
    ticker: str,
    fill_amount: int,
    subticks: int,
    clob_pair: ClobPair,
    config: LiquidationsConfig,
    insurance_fund: int,
    block: BlockLiquidations | None = None,
) -> Liquidation:
    """One fill of a liquidation order against a maker's price.

    Args:
        fill_amount: base quantums, whole steps, at most what the order asks for.
        subticks: the maker's price; not beyond the order's.
        insurance_fund: the fund's balance, quote quantums.
        block: what the block did before.

    Raises:
        InputError: not liquidatable; amount or price outside of the order; beyond the block's
            limits or the fund's balance; a change that would make the subaccount riskier.
    """
    where = f"dYdX liquidation of {ticker}"
    block = block or BlockLiquidations()
    whole(f"{where}: insurance fund", insurance_fund, 0)
    order = liquidation_order(subaccount, ticker, clob_pair, config, block)
    step = clob_pair.step_base_quantums
    # Bounds that would tell the position's size or the account's margin are not printed.
    whole(f"{where}: fill amount", fill_amount, 1, MAX_UINT64)
    if fill_amount % step or fill_amount > order.base_quantums:
        raise InputError(
            f"{where}: fill amount", f"a multiple of {step} within the order", "another"
        )
    whole(f"{where}: subticks", subticks, 0, MAX_UINT64)
    if subticks > order.subticks if order.is_buy else subticks < order.subticks:
        raise InputError(f"{where}: subticks", "within the order's price", "beyond it")
    fund = insurance_fund_delta(
        subaccount, ticker, fill_amount, order.is_buy, subticks, clob_pair, config
    )
    whole(f"{where}: paid by the insurance fund", max(-fund, 0), 0, insurance_fund)
    lost = block.max_insurance_lost(config, ticker)
    whole(f"{where}: lost by the insurance fund in the block", max(-fund, 0), 0, lost)

    settled = subaccount.settled()
    delta = fill_amount if order.is_buy else -fill_amount
    position = settled.reduced_position(ticker, delta)
    notional = abs(position.perpetual.net_notional(fill_amount))
    most = block.max_notional_liquidatable(config, ticker)
    whole(f"{where}: notional in the block", notional, 0, most)
    value = clob_pair.quote_quantums(fill_amount, subticks)
    quote_delta = (-value if order.is_buy else value) - fund
    after = settled.traded(ticker, delta, quote_delta)
    result = update_result(subaccount_risk(settled), subaccount_risk(after))
    if result is not UpdateResult.SUCCESS:
        raise InputError(where, "a subaccount that is no riskier after it", result.value)
    return Liquidation(quote_delta, fund, after)
