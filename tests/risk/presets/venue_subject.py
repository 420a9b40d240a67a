"""An account at a derivatives venue, with a balance that a test moves to the threshold.

The modules `*_subjects` make them with random prices, parameters, positions and units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random

from zkcollateral.risk.presets.margin_ladder import MarginLadder
from zkcollateral.risk.presets.provable import ProvableRule
from zkcollateral.risk.registry import Registry
from zkcollateral.risk.values import Exact

STEP = Fraction(1, 10**18)
UNBOUNDED = Fraction(10**40)
"""The gap beyond the last of the sizes that a rule is given: it promises nothing there."""


@dataclass(frozen=True)
class Subject:
    """An account with a balance of n steps.

    Attributes:
        rule: the venue's test as a policy.
        registry: the slots.
        prices, figures: as a round has them.
        amounts: of the slots, with a balance of n steps.
        is_liquidatable: by the venue.
        surplus: by which the venue's test is passed, in quote.
        gap: in quote, by how much more than the venue and twice the dust the policy may ask.
        initial: whether the test is the one for orders and withdrawals, and not for liquidation.
    """

    rule: ProvableRule
    registry: Registry
    prices: Mapping[str, Exact]
    amounts: Callable[[int], tuple[int, ...]]
    is_liquidatable: Callable[[int], bool]
    surplus: Callable[[int], Fraction]
    gap: Callable[[int], Fraction]
    figures: Mapping[str, Exact] = field(default_factory=dict)
    initial: bool = False


def registry_of(*assets: tuple[str, int, str]) -> Registry:
    """A registry of (symbol, unit, side), one slot each."""
    return Registry.build(
        name="derivatives",
        slots=1 << (len(assets) - 1).bit_length(),
        assets=[
            {"slot": slot, "symbol": symbol, "unit": unit, "side": side}
            for slot, (symbol, unit, side) in enumerate(assets)
        ],
    )


def decimal(scaled: int, decimals: int) -> Exact:
    return Exact.of(Fraction(scaled, 10**decimals))


def magnitude(random: Random, low: int, high: int) -> int:
    """A whole number of about 10^low to 10^high, every size as likely."""
    return max(1, int(random.uniform(1, 10) * 10 ** random.randint(low, high - 1)))


def ladder_gap(ladder: MarginLadder, notional: Fraction, unit_value: Fraction) -> Fraction:
    """What `perpetual_slots` names for one position."""
    spread = ladder.rates[-1] - ladder.rates[0]
    return Fraction(spread * (unit_value + STEP) + STEP * notional)


def floors(random: Random, count: int, low: int, high: int) -> list[int]:
    return [0, *sorted({magnitude(random, low, high) for _ in range(count - 1)})]
