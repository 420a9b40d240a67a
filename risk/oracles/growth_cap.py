"""Aave's cap on the exchange rate of a yield-bearing asset: a snapshot and a yearly growth.

Follows bgd-labs/aave-capo, `src/contracts/PriceCapAdapterBase.sol`, whose integers and rounding
`GrowthCap` has to the last digit; who may set parameters is left out. `capped_rate` is the same
rule on exact numbers. The contract rounds its cap down twice, so it is never above the exact one.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from ...errors import InputError
from ..checks import MAX_INSTANT, Moment, Rational, exact, instant
from ..fixed_point import MAX_INT256, SECONDS_PER_YEAR, whole

PERCENTAGE_FACTOR: Final = 10_000
SCALING_FACTOR: Final = 10**6
MAXIMUM_SNAPSHOT_TERM: Final = 180 * 86_400
"""A snapshot is at most this old, in seconds, when it is set."""


@dataclass(frozen=True, slots=True)
class CapParameters:
    """What the risk admin sets.

    Attributes:
        snapshot_ratio: the exchange rate then, in the adapter's decimals, 1 to 2^104 − 1.
        snapshot_time: seconds since 1970, 1 to 2^48 − 1.
        max_yearly_growth: basis points of the snapshot ratio, 0 to 65,535.

    Raises:
        InputError: a value out of its range.
    """

    snapshot_ratio: int
    snapshot_time: int
    max_yearly_growth: int

    def __post_init__(self) -> None:
        whole("growth cap: snapshot_ratio", self.snapshot_ratio, 1, 2**104 - 1)
        whole("growth cap: snapshot_time", self.snapshot_time, 1, MAX_INSTANT)
        whole("growth cap: max_yearly_growth", self.max_yearly_growth, 0, 2**16 - 1)


@dataclass(frozen=True, slots=True)
class GrowthCap:
    """A price cap adapter. `create` and `updated` check the snapshot's time, as the contract does.

    Attributes:
        ratio_decimals: of the exchange rate, 8 to 24.
        minimum_snapshot_delay: how old a snapshot must be when it is set, in seconds.
        parameters: the snapshot and its growth.
    """

    ratio_decimals: int
    minimum_snapshot_delay: int
    parameters: CapParameters

    def __post_init__(self) -> None:
        whole("growth cap: ratio_decimals", self.ratio_decimals, 8, 24)
        whole("growth cap: minimum_snapshot_delay", self.minimum_snapshot_delay, 0, MAX_INSTANT)

    @classmethod
    def create(
        cls, ratio_decimals: int, minimum_snapshot_delay: int, parameters: CapParameters, now: int
    ) -> GrowthCap:
        """A new adapter.

        Raises:
            InputError: decimals out of range; a snapshot younger than the delay, older than 180
                days, or of a time when either bound would lie before 1970.
        """
        adapter = cls(ratio_decimals, minimum_snapshot_delay, parameters)
        adapter._check_time(parameters, now)
        return adapter

    def updated(self, parameters: CapParameters, now: int) -> GrowthCap:
        """The adapter with new parameters.

        Raises:
            InputError: as `create`; a snapshot that is not later than the one in force.
        """
        if parameters.snapshot_time <= self.parameters.snapshot_time:
            raise InputError(
                "growth cap: snapshot_time",
                f"a time after {self.parameters.snapshot_time}, the snapshot in force",
                str(parameters.snapshot_time),
            )
        self._check_time(parameters, now)
        return GrowthCap(self.ratio_decimals, self.minimum_snapshot_delay, parameters)

    @property
    def growth_per_second_scaled(self) -> int:
        """⌊snapshot·bps·10^6 / 10^4 / 31,536,000⌋: ratio units per second, times 10^6."""
        growth = self.parameters.snapshot_ratio * self.parameters.max_yearly_growth
        return growth * SCALING_FACTOR // PERCENTAGE_FACTOR // SECONDS_PER_YEAR

    @property
    def growth_per_second(self) -> int:
        """Ratio units per second, rounded down; for display, nothing is computed from it."""
        return self.growth_per_second_scaled // SCALING_FACTOR

    def max_ratio(self, now: int) -> int:
        """snapshot + ⌊growth per second·(now − snapshot time)⌋; InputError before the snapshot."""
        elapsed = (
            whole("growth cap: now", now, self.parameters.snapshot_time, MAX_INSTANT)
            - self.parameters.snapshot_time
        )
        return (
            self.parameters.snapshot_ratio
            + self.growth_per_second_scaled * elapsed // SCALING_FACTOR
        )

    def is_capped(self, ratio: int, now: int) -> bool:
        """Whether the ratio, of any sign, is above the cap."""
        return whole("growth cap: ratio", ratio, -MAX_INT256, MAX_INT256) > self.max_ratio(now)

    def capped_ratio(self, ratio: int, now: int) -> int:
        """The smaller of the ratio and the cap."""
        return min(whole("growth cap: ratio", ratio, -MAX_INT256, MAX_INT256), self.max_ratio(now))

    def price(self, base_price: int, ratio: int, now: int) -> int:
        """⌊base price·capped ratio / 10^decimals⌋ in the base price's unit.

        Returns:
            0 if the base price or the ratio is 0 or below: Aave then asks its fallback oracle.

        Raises:
            InputError: no integer; a time before the snapshot.
        """
        base = whole("growth cap: base_price", base_price, -MAX_INT256, MAX_INT256)
        limited = self.capped_ratio(ratio, now)
        if base <= 0 or ratio <= 0:
            return 0
        unit: int = 10**self.ratio_decimals
        return base * limited // unit

    def _check_time(self, parameters: CapParameters, now: int) -> None:
        oldest = max(self.minimum_snapshot_delay, MAXIMUM_SNAPSHOT_TERM)
        whole("growth cap: now", now, oldest, MAX_INSTANT)
        first, last = now - MAXIMUM_SNAPSHOT_TERM, now - self.minimum_snapshot_delay
        if not first <= parameters.snapshot_time <= last:
            raise InputError(
                "growth cap: snapshot_time",
                f"a time from {first} to {last}",
                str(parameters.snapshot_time),
            )


@dataclass(frozen=True, slots=True)
class CappedRate:
    """An exchange rate after its cap: the rate used, the cap, and whether it was needed."""

    rate: Fraction
    cap: Fraction
    capped: bool


@dataclass(frozen=True, slots=True)
class GrowthRule:
    """The cap on exact numbers: cap(t) = rate·(1 + growth·(t − time) / 365 days).

    Attributes:
        rate: at the snapshot, above 0.
        time: of the snapshot.
        yearly_growth: at least 0; 0.1 is ten per cent.

    Raises:
        InputError: a value out of its range.
    """

    rate: Rational
    time: Moment
    yearly_growth: Rational

    def __post_init__(self) -> None:
        exact("growth rule: rate", self.rate, above=0)
        instant("growth rule: time", self.time)
        exact("growth rule: yearly_growth", self.yearly_growth, low=0)

    def cap(self, now: Moment) -> Fraction:
        """The largest rate at `now`; InputError before the snapshot."""
        elapsed = instant("growth rule: now", now) - instant("growth rule: time", self.time)
        if elapsed < 0:
            raise InputError(
                "growth rule: now", "a time at or after the snapshot", f"{-elapsed} seconds before"
            )
        return self.rate * (1 + Fraction(self.yearly_growth) * elapsed / SECONDS_PER_YEAR)


def capped_rate(rate: Rational, rule: GrowthRule, now: Moment) -> CappedRate:
    """The smaller of the rate and the cap.

    Raises:
        InputError: a rate of 0 or below, a float, a time before the snapshot.
    """
    seen = exact("growth rule: current rate", rate, above=0)
    cap = rule.cap(now)
    return CappedRate(min(seen, cap), cap, seen > cap)
