"""Binance cross margin: margin level of the classic and the pro mode, and when it liquidates.

Followed: Binance support, "Binance Margin Level and Margin Call" (360030493931), "How to Calculate
the Margin Level on Cross Margin Pro" (12a78d8aa813470f96be283b45f75410, mode of 2025-01-21 and the
one before), "How to Calculate the Maximum Borrow Limit on Cross Margin Pro"
(84aac4a694f54c55a95f721b33cfd174), and the margin data page's example of liability tiers.

Classic: level = assets / (liabilities + interest), without haircuts; liquidation at 1.1 or less.
Pro: level = (net collateral − open order loss) / maintenance margin, with haircuts; liquidation at
1 or less. The old pro mode's level is net equity / maintenance margin, without haircuts.
Everything is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from ...errors import InputError
from ..checks import Rational, exact
from .binance_collateral import CollateralTable
from .margin_ladder import MarginLadder

CLASSIC_LIQUIDATION = Fraction(11, 10)
CLASSIC_MARGIN_CALL = {3: Fraction(13, 10), 5: Fraction(116, 100)}
PRO_LIQUIDATION = Fraction(1)


@dataclass(frozen=True, slots=True)
class LiabilityTier:
    """Margin rates of one slice of a liability's value (pro mode).

    Args:
        floor: value in quote from which the slice begins, at least 0.
        maintenance_rate, initial_rate: of the slice, above 0 and at most 1.
    """

    floor: Rational
    maintenance_rate: Rational
    initial_rate: Rational


@dataclass(frozen=True, slots=True)
class LiabilityTable:
    """Margin of a liability, slice by slice (pro mode).

    Args:
        asset: name, for errors.
        tiers: the first from 0, floors growing, rates not shrinking.

    Raises:
        InputError: tiers that are none, overlap, or whose rates shrink or are out of range.
    """

    asset: str
    tiers: tuple[LiabilityTier, ...]

    def __post_init__(self) -> None:
        # The ladders refuse what the table may not be.
        _ = self.maintenance, self.initial

    def _ladder(self, rates: tuple[Rational, ...]) -> MarginLadder:
        floors = tuple(tier.floor for tier in self.tiers)
        return MarginLadder(f"Binance liability {self.asset}", floors, rates)

    @property
    def maintenance(self) -> MarginLadder:
        """Maintenance margin by value of the liability."""
        return self._ladder(tuple(tier.maintenance_rate for tier in self.tiers))

    @property
    def initial(self) -> MarginLadder:
        """Initial margin by value of the liability."""
        return self._ladder(tuple(tier.initial_rate for tier in self.tiers))


@dataclass(frozen=True, slots=True)
class MarginAsset:
    """One asset of a cross margin account.

    Args:
        collateral: its collateral ratios.
        price: index price in quote, above 0.
        amount: held, at least 0.
        borrowed, interest: owed, at least 0.
        liability: its margin rates; only the pro mode needs them, where something is borrowed.

    Raises:
        InputError: a number out of its range.
    """

    collateral: CollateralTable
    price: Rational
    amount: Rational = 0
    borrowed: Rational = 0
    interest: Rational = 0
    liability: LiabilityTable | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.collateral, CollateralTable):
            raise InputError(
                "Binance margin asset: collateral",
                "a CollateralTable",
                f"a {type(self.collateral).__name__}",
            )
        where = f"Binance margin asset {self.collateral.asset}"
        object.__setattr__(self, "price", exact(f"{where}: price", self.price, above=0))
        for name in ("amount", "borrowed", "interest"):
            number = exact(f"{where}: {name}", getattr(self, name), low=0)
            object.__setattr__(self, name, number)

    @property
    def value(self) -> Fraction:
        """What is held, in quote, without a haircut."""
        return Fraction(self.amount * self.price)

    @property
    def collateral_value(self) -> Fraction:
        """What is held, in quote, each slice at its collateral ratio."""
        return self.collateral.value(self.value)

    @property
    def owed(self) -> Fraction:
        """Liability and interest, in quote."""
        return Fraction((self.borrowed + self.interest) * self.price)


class MarginStatus(Enum):
    """What the venue does at a margin level."""

    HEALTHY = "healthy"
    MARGIN_CALL = "margin call"
    LIQUIDATION = "liquidation"


@dataclass(frozen=True, slots=True)
class CrossMarginAccount:
    """A cross margin account.

    Args:
        assets: each name once.
        open_order_loss: Σ of what open orders would take off the collateral, quote, at least 0.

    Raises:
        InputError: an asset twice, a negative loss.
    """

    assets: tuple[MarginAsset, ...]
    open_order_loss: Rational = 0

    def __post_init__(self) -> None:
        where = "Binance cross margin account"
        names = [asset.collateral.asset for asset in self.assets]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"{where}: {name}", "each asset once", "it twice")
        loss = exact(f"{where}: open_order_loss", self.open_order_loss, low=0)
        object.__setattr__(self, "open_order_loss", loss)

    @property
    def total_assets(self) -> Fraction:
        """Value of everything held, quote."""
        return sum((asset.value for asset in self.assets), Fraction(0))

    @property
    def collateral_value(self) -> Fraction:
        """Value of everything held after haircuts, quote."""
        return sum((asset.collateral_value for asset in self.assets), Fraction(0))

    @property
    def total_owed(self) -> Fraction:
        """Liabilities and interest, quote."""
        return sum((asset.owed for asset in self.assets), Fraction(0))

    @property
    def margin_level(self) -> Fraction | None:
        """Classic mode: assets / owed; None, to be read as infinite, if nothing is owed."""
        return self.total_assets / self.total_owed if self.total_owed else None

    @property
    def collateral_margin_level(self) -> Fraction | None:
        """Collateral value / owed: of borrowing and transfers; None if nothing is owed."""
        return self.collateral_value / self.total_owed if self.total_owed else None

    def classic_status(self, leverage: int) -> MarginStatus:
        """Status of the classic mode.

        Args:
            leverage: of the account, 3 or 5: a margin call at 1.3 or at 1.16.

        Raises:
            InputError: another leverage.
        """
        if leverage not in CLASSIC_MARGIN_CALL:
            raise InputError("Binance cross margin account: leverage", "3 or 5", "another")
        level = self.margin_level
        if level is None or level > CLASSIC_MARGIN_CALL[leverage]:
            return MarginStatus.HEALTHY
        return MarginStatus.MARGIN_CALL if level > CLASSIC_LIQUIDATION else MarginStatus.LIQUIDATION

    def _margin(self, kind: str) -> Fraction:
        total = Fraction(0)
        for asset in self.assets:
            if asset.borrowed == 0:
                continue
            if asset.liability is None:
                raise InputError(
                    f"Binance margin asset {asset.collateral.asset}: liability",
                    "margin rates of what is borrowed",
                    "none",
                )
            ladder = (
                asset.liability.maintenance if kind == "maintenance" else asset.liability.initial
            )
            total += ladder.margin(asset.borrowed * asset.price)
        return total

    @property
    def pro_maintenance_margin(self) -> Fraction:
        """Pro mode: maintenance margin of what is borrowed, quote."""
        return self._margin("maintenance")

    @property
    def pro_initial_margin(self) -> Fraction:
        """Pro mode: initial margin of what is borrowed, quote."""
        return self._margin("initial")

    @property
    def available_margin(self) -> Fraction:
        """Pro mode: max(net collateral − initial margin, 0), quote."""
        free = self.collateral_value - self.total_owed - self.pro_initial_margin
        return max(free, Fraction(0))

    @property
    def pro_margin_level(self) -> Fraction | None:
        """Pro mode: (net collateral − open order loss) / maintenance margin; None without debt."""
        needed = self.pro_maintenance_margin
        net = self.collateral_value - self.total_owed - self.open_order_loss
        return net / needed if needed else None

    @property
    def old_pro_margin_level(self) -> Fraction | None:
        """Pro mode before 2025-01-21: net equity / maintenance margin; None without debt."""
        needed = self.pro_maintenance_margin
        return (self.total_assets - self.total_owed) / needed if needed else None

    @property
    def is_pro_liquidatable(self) -> bool:
        """Pro mode: whether the margin level is 1 or less."""
        level = self.pro_margin_level
        return level is not None and level <= PRO_LIQUIDATION
