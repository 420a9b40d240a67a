"""The rule of liquidation: how much at once, at what penalty, and what may be left over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from ..checks import exact, instance, name, share
from ..values import FrozenMap


@dataclass(frozen=True, slots=True)
class LiquidationRule:
    """What one liquidation of an account may do.

    Args:
        close_factor: the largest share of one debt that is repaid at once, above 0, at most 1.
        penalty: what the account pays on top of the debt that is repaid, as a share of it, 0 to 1.
            Lending protocols call it the liquidation bonus or incentive.
        protocol_share: how much of the penalty goes to the protocol, 0 to 1; the rest is the
            liquidator's.
        close_all_below: health below which all of a debt may be repaid at once, at least 0; 0 is
            never.
        minimum: value in quote, at least 0, below which neither debt nor collateral may be left
            over, unless one of the two is gone.
        penalties: by symbol of the collateral, where it is another than `penalty`.

    Raises:
        InputError: a number out of its range, or one that is not exact.
    """

    close_factor: Fraction
    penalty: Fraction
    protocol_share: Fraction = Fraction(0)
    close_all_below: Fraction = Fraction(0)
    minimum: Fraction = Fraction(0)
    penalties: Mapping[str, Fraction] = field(default_factory=lambda: FrozenMap({}))

    def __post_init__(self) -> None:
        where = "liquidation rule"
        closed = exact(f"{where}.close_factor", self.close_factor, above=0, high=1)
        least = exact(f"{where}.minimum", self.minimum, low=0)
        below = exact(f"{where}.close_all_below", self.close_all_below, low=0)
        object.__setattr__(self, "close_factor", closed)
        object.__setattr__(self, "penalty", share(f"{where}.penalty", self.penalty))
        protocol = share(f"{where}.protocol_share", self.protocol_share)
        object.__setattr__(self, "protocol_share", protocol)
        object.__setattr__(self, "close_all_below", below)
        object.__setattr__(self, "minimum", least)
        instance(f"{where}.penalties", self.penalties, Mapping)
        named = {
            name(f"{where}.penalties", symbol): share(f"{where}.penalties.{symbol}", penalty)
            for symbol, penalty in self.penalties.items()
        }
        object.__setattr__(self, "penalties", FrozenMap(named))

    def penalty_of(self, collateral: str) -> Fraction:
        """The penalty when this collateral is seized."""
        return self.penalties.get(collateral, self.penalty)
