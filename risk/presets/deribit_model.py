"""Deribit portfolio margin: parameters, positions, and the value of a delta at a price move.

Sources and what is left out are told in `deribit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from itertools import groupby

from ...errors import InputError
from ..checks import Rational, exact, label
from ..fixed_point import whole

EXTENDED_MOVES = tuple(
    Fraction(percent, 100) for percent in (-66, -33, 50, 100, 200, 300, 400, 500)
)


class Settlement(Enum):
    """What contracts pay in."""

    INVERSE = "coin"
    LINEAR = "quote"


@dataclass(frozen=True, slots=True)
class Parameters:
    """Model parameters of a currency pair, by the API's names.

    Args:
        price_range: largest move of the standard table, above 0 and below 1.
        min_annualised_move: smallest roll shock per delta, 0..1.
        annualised_move_risk: roll shock per delta and year, 0..1.
        extended_dampener: in quote, at least 0.
        extended_table_factor: 0..1.
        pnl_offset: what counts of a profit, 0..1.
        mm_factor: maintenance over risk matrix margin, 0..1.
        buckets_count: moves on either side, 1..100.
        delta_total_liq_shock_threshold: quote; a larger total delta has a delta shock.

    Raises:
        InputError: a number out of its range.
    """

    price_range: Rational
    min_annualised_move: Rational
    annualised_move_risk: Rational
    extended_dampener: Rational
    extended_table_factor: Rational = 1
    pnl_offset: Rational = 0
    mm_factor: Rational = Fraction(8, 10)
    buckets_count: int = 4
    delta_total_liq_shock_threshold: Rational = 20_000_000

    def __post_init__(self) -> None:
        where = "Deribit parameters"
        price_range = exact(f"{where}: price_range", self.price_range, above=0)
        if price_range >= 1:
            raise InputError(f"{where}: price_range", "a number below 1", str(price_range))
        object.__setattr__(self, "price_range", price_range)
        shares = ("min_annualised_move", "annualised_move_risk", "extended_table_factor")
        for name in (*shares, "pnl_offset", "mm_factor"):
            number = exact(f"{where}: {name}", getattr(self, name), low=0, high=1)
            object.__setattr__(self, name, number)
        for name in ("extended_dampener", "delta_total_liq_shock_threshold"):
            object.__setattr__(self, name, exact(f"{where}: {name}", getattr(self, name), low=0))
        whole(f"{where}: buckets_count", self.buckets_count, 1, 100)

    @property
    def moves(self) -> tuple[Fraction, ...]:
        """The moves of the standard table, from the lowest."""
        step = Fraction(self.price_range) / self.buckets_count
        return tuple(step * k for k in range(-self.buckets_count, self.buckets_count + 1))


@dataclass(frozen=True, slots=True)
class Future:
    """A position in a future or a perpetual.

    Args:
        name: instrument.
        delta: size in the base currency, negative if short.
        years_to_expiry: at least 0; None: a perpetual.
        expiry: name of the expiry, whose positions net before the roll shock; by default the
            instrument's own name.
        roll_move: roll shock per delta, if known; at least 0.

    Raises:
        InputError: a number out of its range.
    """

    name: str
    delta: Rational
    years_to_expiry: Rational | None = None
    expiry: str = ""
    roll_move: Rational | None = None

    def __post_init__(self) -> None:
        where = f"Deribit position {label('Deribit position: name', self.name)}"
        object.__setattr__(self, "delta", exact(f"{where}: delta", self.delta))
        for field in ("years_to_expiry", "roll_move"):
            if getattr(self, field) is not None:
                number = exact(f"{where}: {field}", getattr(self, field), low=0)
                object.__setattr__(self, field, number)
        object.__setattr__(self, "expiry", self.expiry or self.name)


def simulated_pnl(
    delta: Rational, move: Rational, index_price: Rational, settlement: Settlement
) -> Fraction:
    """What a delta gains at a move: coins (inverse) or quote (linear).

    Args:
        delta: in the base currency, signed.
        move: above −1.
        index_price: quote per coin, above 0.
        settlement: inverse or linear.
    """
    size = exact("Deribit: delta", delta)
    step = exact("Deribit: move", move, above=-1)
    price = exact("Deribit: index_price", index_price, above=0)
    if settlement is Settlement.INVERSE:
        return size * step / (1 + step)
    return size * price * step


def extended_pnl(
    delta: Rational,
    move: Rational,
    index_price: Rational,
    parameters: Parameters,
    settlement: Settlement,
) -> Fraction:
    """Value of a delta at a move of the extended table, before offset and dampener.

    Raises:
        InputError: a move within the price range, or another number out of its range.
    """
    edge = Fraction(parameters.price_range)
    step = exact("Deribit: move", move, above=-1)
    if abs(step) < edge:
        raise InputError("Deribit: move", "a move beyond the price range", "one within it")
    value = simulated_pnl(delta, step, index_price, settlement)
    value *= parameters.extended_table_factor * edge / abs(step)
    if settlement is Settlement.INVERSE:
        value *= (1 + step) / (1 + (edge if step > 0 else -edge))
    return value


def dampen(
    value: Fraction,
    move: Fraction,
    index_price: Rational,
    parameters: Parameters,
    settlement: Settlement,
) -> Fraction:
    """Bring a value of the extended table towards 0 by (|move|/range − 1)·dampener, not past it."""
    edge = Fraction(parameters.price_range)
    relief = max(abs(move) / edge - 1, Fraction(0)) * parameters.extended_dampener
    if settlement is Settlement.INVERSE:
        relief /= (1 + (edge if move > 0 else -edge)) * index_price
    return value + min(relief, -value) if value < 0 else value - min(relief, value)


def roll_shock(
    positions: Sequence[Future],
    index_price: Rational,
    parameters: Parameters,
    settlement: Settlement = Settlement.INVERSE,
) -> Fraction:
    """Σ over expiries of |net delta|·move: coins (inverse) or quote (linear).

    The move is `min_annualised_move` of a perpetual and of an expiry near enough that growth at
    `annualised_move_risk` up to it is smaller, compounded or not.

    Raises:
        InputError: an expiry further off without a `roll_move`, or two moves in one expiry.
    """
    price = exact("Deribit: index_price", index_price, above=0)
    total = Fraction(0)
    ordered = sorted(positions, key=lambda position: position.expiry)
    for expiry, group in groupby(ordered, key=lambda position: position.expiry):
        members = list(group)
        moves = {_roll_move(position, parameters) for position in members}
        if len(moves) > 1:
            raise InputError(f"Deribit expiry {expiry}", "one roll move", f"{len(moves)} of them")
        total += abs(sum((Fraction(each.delta) for each in members), Fraction(0))) * moves.pop()
    return total if settlement is Settlement.INVERSE else total * price


def _roll_move(position: Future, parameters: Parameters) -> Fraction:
    if position.roll_move is not None:
        return Fraction(position.roll_move)
    smallest = Fraction(parameters.min_annualised_move)
    growth = Fraction(parameters.annualised_move_risk * (position.years_to_expiry or 0))
    # e^x − 1 is at most x + x² up to 1, so the smallest move is the larger one on every reading.
    if growth * (1 + growth) <= smallest:
        return smallest
    raise InputError(
        f"Deribit position {position.name}: roll_move",
        "a roll move: the expiry is too far off for the smallest one",
        "none",
    )
