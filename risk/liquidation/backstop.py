"""Who bears a debt that liquidation left: a waterfall of layers, each emptied before the next.

What liquidators have not repaid goes first to an insurance fund, then to a stability pool, then to
the lenders in proportion (socialised loss) or to profitable traders in turn (auto-deleveraging);
which layers there are, and their order, is the caller's. Who pays a share of the debt takes the
same share of the collateral that is left with it, as Liquity's stability pool and its
redistribution do (liquity/dev, README, "Mixed liquidations: offset and redistribution").

Every step conserves both exactly: what is paid and what is left over add up to what there was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from ...errors import InputError
from ..checks import exact, instance, name, one_of

Sharing: TypeAlias = Literal["pro rata", "in turn"]
"""How payers of one layer share: in proportion to their capacities, or one after the other."""


@dataclass(frozen=True, slots=True)
class Payer:
    """Someone who can bear a part: a fund, a depositor, a lender, a trader.

    Args:
        name: unique in its layer.
        capacity: the most they bear, in the unit of the debt, at least 0.
    """

    name: str
    capacity: Fraction

    def __post_init__(self) -> None:
        name("payer's name", self.name)
        capacity = exact(f"payer {self.name}.capacity", self.capacity, low=0)
        object.__setattr__(self, "capacity", capacity)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the waterfall.

    Args:
        name: unique in the waterfall.
        payers: in the order in which they pay, if they pay in turn.
        sharing: how they share.

    Raises:
        InputError: a payer named twice, or another way of sharing.
    """

    name: str
    payers: tuple[Payer, ...]
    sharing: Sharing = "pro rata"

    def __post_init__(self) -> None:
        name("layer's name", self.name)
        where = f"layer {self.name}"
        one_of(f"{where}.sharing", self.sharing, ("pro rata", "in turn"))
        object.__setattr__(self, "payers", tuple(self.payers))
        for payer in self.payers:
            instance(f"{where}.payers", payer, Payer)
        _unique(f"{where}.payers", [payer.name for payer in self.payers])

    @property
    def capacity(self) -> Fraction:
        """The most the layer bears."""
        return sum((payer.capacity for payer in self.payers), Fraction(0))

    def split(self, amount: Fraction) -> tuple[Fraction, ...]:
        """What each payer bears of an amount of at most the capacity, in the payers' order."""
        if self.sharing == "pro rata":
            total = self.capacity
            return tuple(
                payer.capacity * amount / total if total else Fraction(0) for payer in self.payers
            )
        parts: list[Fraction] = []
        for payer in self.payers:
            parts.append(min(payer.capacity, amount))
            amount -= parts[-1]
        return tuple(parts)


@dataclass(frozen=True, slots=True)
class PayerShare:
    """What one payer bore.

    Attributes:
        name: the payer.
        paid: of the debt, in its unit.
        collateral: received for it, in whole assets.
        capacity_left: what the payer could still bear.
    """

    name: str
    paid: Fraction
    collateral: Fraction
    capacity_left: Fraction


@dataclass(frozen=True, slots=True)
class LayerShare:
    """What one layer bore: of the debt, what it received of the collateral, and who in it."""

    name: str
    paid: Fraction
    collateral: Fraction
    payers: tuple[PayerShare, ...]


@dataclass(frozen=True, slots=True)
class Waterfall:
    """Who bore a debt.

    Attributes:
        debt, collateral: what there was to bear, and what came with it.
        layers: what each layer bore, in their order.
        uncovered: what is left of the debt after the last layer.
        collateral_left: what is left of the collateral then.
    """

    debt: Fraction
    collateral: Fraction
    layers: tuple[LayerShare, ...]
    uncovered: Fraction
    collateral_left: Fraction


def absorb(
    debt: Fraction, layers: Sequence[Layer], collateral: Fraction = Fraction(0)
) -> Waterfall:
    """Let the layers bear a debt, one after the other.

    Args:
        debt: what is still owed, at least 0, in any one unit.
        layers: in their order; capacities are in the unit of the debt.
        collateral: what the account still has, in whole assets, at least 0.

    Raises:
        InputError: a negative or inexact number, or two layers of one name.
    """
    owed = exact("backstop: debt", debt, low=0)
    held = exact("backstop: collateral", collateral, low=0)
    for layer in layers:
        instance("backstop: layers", layer, Layer)
    _unique("backstop: layers", [layer.name for layer in layers])
    per_debt = held / owed if owed else Fraction(0)
    left = owed
    shares: list[LayerShare] = []
    for layer in layers:
        paid = min(left, layer.capacity)
        left -= paid
        payers = tuple(
            PayerShare(payer.name, part, part * per_debt, payer.capacity - part)
            for payer, part in zip(layer.payers, layer.split(paid), strict=True)
        )
        shares.append(LayerShare(layer.name, paid, paid * per_debt, payers))
    collateral_left = left * per_debt if owed else held
    return Waterfall(owed, held, tuple(shares), left, collateral_left)


def _unique(where: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for item in names:
        if item in seen:
            raise InputError(where, "every name once", f"{item!r} twice")
        seen.add(item)
