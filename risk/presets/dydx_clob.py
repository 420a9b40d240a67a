"""dYdX v4: the parameters of liquidations, the order book's units, and the limits of a block.

Followed: dydxprotocol/v4-chain after protocol v9.6 (March 2026): protocol/x/clob/types/
liquidations_config.go, quantums.go and x/clob/keeper/liquidations.go, liquidations_state.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ...errors import InputError
from ..fixed_point import mul_div, whole
from .dydx_v4 import MAX_UINT64, ONE_MILLION

_MAX_UINT32 = 2**32 - 1


@dataclass(frozen=True, slots=True)
class LiquidationsConfig:
    """Parameters of liquidations; the defaults are the chain's own default configuration.

    Args:
        max_liquidation_fee_ppm: of the fill's value, to the insurance fund, 1..1,000,000.
        bankruptcy_adjustment_ppm: BA, at least 1,000,000.
        spread_to_maintenance_margin_ratio_ppm: SMMR, at least 1.
        min_position_notional_liquidated: quote quantums of a position in a block.
        max_position_portion_liquidated_ppm: of a position's notional in a block, 1..1,000,000.
        max_notional_liquidated: quote quantums of a subaccount in a block, at least 1.
        max_quantums_insurance_lost: quote quantums of the fund for it in a block, at least 1.

    Raises:
        InputError: a parameter that the chain's own check refuses.
    """

    max_liquidation_fee_ppm: int = 5_000
    bankruptcy_adjustment_ppm: int = ONE_MILLION
    spread_to_maintenance_margin_ratio_ppm: int = 100_000
    min_position_notional_liquidated: int = 1_000
    max_position_portion_liquidated_ppm: int = ONE_MILLION
    max_notional_liquidated: int = 100_000_000_000_000
    max_quantums_insurance_lost: int = 100_000_000_000_000

    def __post_init__(self) -> None:
        for field, low, high in (
            ("max_liquidation_fee_ppm", 1, ONE_MILLION),
            ("bankruptcy_adjustment_ppm", ONE_MILLION, _MAX_UINT32),
            ("spread_to_maintenance_margin_ratio_ppm", 1, _MAX_UINT32),
            ("min_position_notional_liquidated", 0, MAX_UINT64),
            ("max_position_portion_liquidated_ppm", 1, ONE_MILLION),
            ("max_notional_liquidated", 1, MAX_UINT64),
            ("max_quantums_insurance_lost", 1, MAX_UINT64),
        ):
            whole(f"dYdX liquidations config: {field}", getattr(self, field), low, high)


@dataclass(frozen=True, slots=True)
class ClobPair:
    """Order book of a perpetual.

    Args:
        step_base_quantums: fills are multiples of it, at least 1.
        subticks_per_tick: prices are multiples of it, at least 1.
        quantum_conversion_exponent: a subtick is 10^exponent quote quantums per base quantum.
        final_settlement: whether the market is closed and positions settle at the oracle price.
    """

    step_base_quantums: int
    subticks_per_tick: int
    quantum_conversion_exponent: int
    final_settlement: bool = False

    def __post_init__(self) -> None:
        whole("dYdX clob pair: step_base_quantums", self.step_base_quantums, 1, MAX_UINT64)
        whole("dYdX clob pair: subticks_per_tick", self.subticks_per_tick, 1, _MAX_UINT32)
        exponent = self.quantum_conversion_exponent
        whole("dYdX clob pair: quantum_conversion_exponent", exponent, -99, 99)

    def quote_quantums(self, base_quantums: int, subticks: int) -> int:
        """Value of a fill at a price in subticks, rounded down (FillAmountToQuoteQuantums)."""
        exponent = self.quantum_conversion_exponent
        return mul_div(subticks * base_quantums, 10 ** max(exponent, 0), 10 ** max(-exponent, 0))

    def subticks(self, price: Fraction, is_liquidating_long: bool) -> int:
        """Price of a liquidation order: whole ticks, up for a sale that closes a long, else down.

        Args:
            price: quote quantums per base quantum, at least 0.

        Returns:
            Between one tick and the largest whole number of ticks below 2^64.
        """
        if price < 0:
            raise InputError("dYdX clob pair: fillable price", "at least 0", "a negative one")
        exponent, tick = self.quantum_conversion_exponent, self.subticks_per_tick
        exact = price * Fraction(10 ** max(-exponent, 0), 10 ** max(exponent, 0))
        rounded = -(-exact // 1) if is_liquidating_long else exact // 1
        ticks = -(-rounded // tick) if is_liquidating_long else rounded // tick
        return min(max(ticks * tick, tick), MAX_UINT64 - MAX_UINT64 % tick)


@dataclass(frozen=True, slots=True)
class BlockLiquidations:
    """What of a subaccount was liquidated already in this block; the default is nothing."""

    notional_liquidated: int = 0
    quantums_insurance_lost: int = 0
    tickers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        whole("dYdX block: notional_liquidated", self.notional_liquidated, 0, MAX_UINT64)
        whole("dYdX block: quantums_insurance_lost", self.quantums_insurance_lost, 0, MAX_UINT64)

    def _refuse_twice(self, ticker: str) -> None:
        if ticker in self.tickers:
            raise InputError(f"dYdX liquidation of {ticker}", "once a block", "a second one")

    def max_notional_liquidatable(self, config: LiquidationsConfig, ticker: str) -> int:
        """Quote quantums of the subaccount that may still be liquidated in this block."""
        self._refuse_twice(ticker)
        left = config.max_notional_liquidated - self.notional_liquidated
        return whole("dYdX block: notional left to liquidate", left, 0)

    def max_insurance_lost(self, config: LiquidationsConfig, ticker: str) -> int:
        """Quote quantums that the insurance fund may still lose on the subaccount in this block."""
        self._refuse_twice(ticker)
        left = config.max_quantums_insurance_lost - self.quantums_insurance_lost
        return whole("dYdX block: insurance left to lose", left, 0)
