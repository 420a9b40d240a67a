"""Deribit portfolio margin of futures and perpetuals on one currency pair.

Followed: Deribit API documentation, private/pme/simulate (version 2.1.1), its example response of
June 2024 (BTC), a published response of 2026-02-15 (ETH), and the support article "Portfolio
Margin". Both responses are matched to the last digit, including their rounding: the worst case is
rounded to nine decimals before the roll shock is added, and so is the initial margin.

Price moves are price_range·k/buckets for k = −buckets..buckets. Profit of an inverse contract at a
move m is delta·m/(1 + m) coins; of a linear one delta·index·m in quote. Futures do not feel the
three volatilities. In the extended table a move counts price_range/|m| of its value, taken as coins
are worth at the edge of the range, so that a future has there what it has at the edge.

The dampener's size is restated from users' code, not from Deribit: in both responses it takes the
whole extended table to 0. Left out: options, the delta shock above its threshold (give it, if you
know it), several pairs at once and the correlation between them, the cap of `pnl_offset`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ...errors import InputError
from ..checks import Rational, exact
from ..fixed_point import round_half_up
from .deribit_model import (
    EXTENDED_MOVES,
    Future,
    Parameters,
    Settlement,
    dampen,
    extended_pnl,
    roll_shock,
    simulated_pnl,
)

VOLATILITY_SCENARIOS = 3
DECIMALS = 9


@dataclass(frozen=True, slots=True)
class PortfolioMargin:
    """Margin in coins (inverse) or in quote (linear).

    Attributes:
        standard: value in each price bucket, from the lowest move; the same for every volatility.
        extended: value at each of `EXTENDED_MOVES`, dampened.
        worst_case: the largest loss, at least 0, not rounded; it is in the standard table, as no
            future has less in the extended one.
        bucket: price bucket of it, from 1.
        roll_shock, delta_shock: added to the worst case.
        risk_matrix_margin: worst case (rounded) and shocks.
        initial_margin: with margin of spot, market maker protection and open orders (rounded).
        maintenance_margin: mm_factor·risk matrix margin.
    """

    standard: tuple[Fraction, ...]
    extended: tuple[Fraction, ...]
    worst_case: Fraction
    bucket: int
    roll_shock: Fraction
    delta_shock: Fraction
    risk_matrix_margin: Fraction
    initial_margin: Fraction
    maintenance_margin: Fraction

    @property
    def index(self) -> int:
        """Number of the worst value in the API's standard vector, from 1."""
        return (self.bucket - 1) * VOLATILITY_SCENARIOS + 1


def portfolio_margin(
    positions: Sequence[Future],
    index_price: Rational,
    parameters: Parameters,
    *,
    settlement: Settlement = Settlement.INVERSE,
    mmp_margin: Rational = 0,
    open_orders_margin: Rational = 0,
    spot_margin: Rational = 0,
    delta_shock: Rational | None = None,
) -> PortfolioMargin:
    """Margin of positions in one currency pair.

    Args:
        positions: futures and perpetuals of the pair, each name once.
        index_price: quote per coin, above 0.
        parameters: of the pair.
        settlement: inverse contracts (margin in coins) or linear ones (margin in quote).
        mmp_margin, open_orders_margin, spot_margin: added to the initial margin, at least 0.
        delta_shock: if known; needed where |total delta|·index is above the threshold.

    Raises:
        InputError: a position twice, a delta shock that is needed and not given, a number out of
            its range.
    """
    where = "Deribit portfolio"
    price = exact(f"{where}: index_price", index_price, above=0)
    names = [position.name for position in positions]
    if len(set(names)) != len(names):
        raise InputError(f"{where}: positions", "each instrument once", "one twice")
    extras = [
        exact(f"{where}: {name}", value, low=0)
        for name, value in (
            ("mmp_margin", mmp_margin),
            ("open_orders_margin", open_orders_margin),
            ("spot_margin", spot_margin),
        )
    ]
    delta = sum((Fraction(position.delta) for position in positions), Fraction(0))
    if delta_shock is not None:
        shock = exact(f"{where}: delta_shock", delta_shock, low=0)
    elif abs(delta) * price > parameters.delta_total_liq_shock_threshold:
        raise InputError(
            f"{where}: delta_shock", "one, as the delta is above its threshold", "none"
        )
    else:
        shock = Fraction(0)

    def offset(value: Fraction) -> Fraction:
        return value if value < 0 else value * parameters.pnl_offset

    standard = tuple(
        offset(simulated_pnl(delta, move, price, settlement)) for move in parameters.moves
    )
    extended = tuple(
        dampen(
            offset(extended_pnl(delta, move, price, parameters, settlement)),
            move,
            price,
            parameters,
            settlement,
        )
        for move in EXTENDED_MOVES
    )
    worst = min(standard)
    roll = roll_shock(positions, price, parameters, settlement)
    matrix = round_half_up(max(-worst, Fraction(0)), DECIMALS) + roll + shock
    return PortfolioMargin(
        standard=standard,
        extended=extended,
        worst_case=max(-worst, Fraction(0)),
        bucket=standard.index(worst) + 1,
        roll_shock=roll,
        delta_shock=shock,
        risk_matrix_margin=matrix,
        initial_margin=round_half_up(matrix + sum(extras, Fraction(0)), DECIMALS),
        maintenance_margin=matrix * parameters.mm_factor,
    )
