"""From mod r to the integers (protocol section 4).

A proof shows that rows hold over F_r. They hold over the integers if every slot has a known
interval and no row can reach r/2. This module decides that; the compiler refuses what it does not
pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..crypto.commitment import AMOUNT_BOUND
from ..crypto.field import MODULUS
from ..errors import LiftError
from .statement import LinearSystem, Row

VALUE_BOUND = 1 << 64


@dataclass(frozen=True, slots=True)
class Interval:
    """The integers from `low` to `high`, both included."""

    low: int
    high: int

    def __mul__(self, factor: int) -> Interval:
        """The interval of factor·x."""
        ends = (self.low * factor, self.high * factor)
        return Interval(min(ends), max(ends))

    def __add__(self, other: Interval) -> Interval:
        """The interval of x + y."""
        return Interval(self.low + other.low, self.high + other.high)


VALUE_INTERVAL = Interval(0, VALUE_BOUND - 1)


def vouched_interval(summands: int, unsigned: bool) -> Interval:
    """What the vouchers of N summands stand for, per slot.

    Args:
        summands: N, at least 1.
        unsigned: the registry's side is collateral or debt (or the slot is empty), and the
            voucher's signature says that no such amount is negative.
    """
    bound = summands * AMOUNT_BOUND
    return Interval(0 if unsigned else -bound, bound)


def ranged_slots(system: LinearSystem) -> dict[tuple[int, int], Interval]:
    """(account, slot) pairs that a row of their own ranges: x − v = 0 or x − v = −2^63.

    A range check on a combination of slots says nothing about any of them, and does not count.
    """
    ranges: dict[tuple[int, int], Interval] = {}
    for row in system.rows:
        if len(row.account_terms) != 1 or len(row.value_terms) != 1:
            continue
        account, slot, coefficient = row.account_terms[0]
        if coefficient != 1 or row.value_terms[0].coefficient != -1:
            continue
        if row.constant in (0, -AMOUNT_BOUND):
            low = row.constant
            ranges[account, slot] = Interval(low, low + VALUE_BOUND - 1)
    return ranges


def check_lift(system: LinearSystem, vouched: Mapping[tuple[int, int], Interval]) -> None:
    """Refuse a system that could hold modulo r without holding over the integers.

    Args:
        system: the rows.
        vouched: the interval of every (account, slot) that a voucher stands for.

    Raises:
        LiftError: a slot that is neither vouched nor ranged, or a row that can reach r/2.
    """
    intervals = ranged_slots(system)
    for place, interval in vouched.items():
        other = intervals.get(place, interval)
        intervals[place] = Interval(max(interval.low, other.low), min(interval.high, other.high))
    for index, row in enumerate(system.rows):
        total = _row_interval(index, row, intervals)
        reach = max(abs(total.low), abs(total.high)) + abs(row.constant)
        if 2 * reach >= MODULUS:
            raise LiftError(
                f"row {index}: its sides can differ by {reach.bit_length()} bits, and r/2 has 254: "
                "use fewer decimals in prices, factors or units, or set value_decimals"
            )


def _row_interval(index: int, row: Row, intervals: Mapping[tuple[int, int], Interval]) -> Interval:
    total = Interval(0, 0)
    for account, slot, coefficient in row.account_terms:
        interval = intervals.get((account, slot))
        if interval is None:
            raise LiftError(
                f"row {index}: slot {slot} of account {account} is neither vouched for nor "
                "range-checked"
            )
        total = total + interval * coefficient
    for _, coefficient in row.value_terms:
        total = total + VALUE_INTERVAL * coefficient
    return total
