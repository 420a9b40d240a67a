"""Binance: tiered collateral ratios, and equity of which only what is positive is cut.

Followed: Binance support, "Binance Cross Margin Collateral Haircuts"
(4bec9126c021472285b20874f9380dfb), "What Is the Unified Account Maintenance Margin Ratio (uniMMR)"
(4868b2f1aa6c4d08af973328462bb0bd, 2025) and "Portfolio Margin Pro Maintenance Margin Ratio
Calculation" (5e33af8e6ac04d57a1d0a3398e0a0752). Margin levels of the cross margin account are in
`binance_cross_margin`.

Each slice of a value counts at its own ratio. What lies above the last tier counts nothing: the
pages give no ratio for it. Everything is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from ...errors import InputError
from ..checks import Rational, exact, label

PORTFOLIO_LIQUIDATION = Fraction(105, 100)
PORTFOLIO_REDUCE_ONLY = Fraction(120, 100)
PORTFOLIO_REMINDER = Fraction(150, 100)


@dataclass(frozen=True, slots=True)
class CollateralTier:
    """The ratio of one slice of value.

    Args:
        floor: value from which the slice begins, at least 0.
        cap: value at which it ends; None: without end.
        ratio: what counts of it, 0..1.

    Raises:
        InputError: a number out of its range.
    """

    floor: Rational
    cap: Rational | None
    ratio: Rational

    def __post_init__(self) -> None:
        where = "Binance collateral tier"
        floor = exact(f"{where}: floor", self.floor, low=0)
        object.__setattr__(self, "floor", floor)
        if self.cap is not None:
            object.__setattr__(self, "cap", exact(f"{where}: cap", self.cap, above=floor))
        object.__setattr__(self, "ratio", exact(f"{where}: ratio", self.ratio, low=0, high=1))


@dataclass(frozen=True, slots=True)
class CollateralTable:
    """The collateral ratios of an asset.

    Args:
        asset: name, for errors.
        tiers: the first from 0; each begins where the one before ends; ratios do not grow.

    Raises:
        InputError: no tiers, a gap, an overlap, a ratio that grows.
    """

    asset: str
    tiers: tuple[CollateralTier, ...]

    def __post_init__(self) -> None:
        where = f"Binance collateral {label('Binance collateral: asset', self.asset)}"
        if not self.tiers:
            raise InputError(f"{where}: tiers", "at least one", "none")
        for index, tier in enumerate(self.tiers):
            here = f"{where}: tier {index}"
            if not isinstance(tier, CollateralTier):
                raise InputError(here, "a CollateralTier", f"a {type(tier).__name__}")
            start = self.tiers[index - 1].cap if index else Fraction(0)
            if tier.floor != start:
                wanted = "0" if index == 0 else f"the cap {start} of the tier before"
                raise InputError(f"{here}: floor", wanted, str(tier.floor))
            if index and tier.ratio > self.tiers[index - 1].ratio:
                raise InputError(
                    f"{here}: ratio",
                    f"at most the ratio {self.tiers[index - 1].ratio} of the tier before",
                    str(tier.ratio),
                )

    @classmethod
    def flat(cls, asset: str, ratio: Rational) -> CollateralTable:
        """One ratio for every value."""
        return cls(asset, (CollateralTier(0, None, ratio),))

    def value(self, value: Rational) -> Fraction:
        """What a value counts: each slice at its own ratio; a negative value counts in full.

        Args:
            value: amount·price in quote, of either sign.
        """
        amount = exact(f"Binance collateral {self.asset}: value", value)
        if amount <= 0:
            return amount
        total = Fraction(0)
        for tier in self.tiers:
            end = amount if tier.cap is None else min(amount, tier.cap)
            total += max(end - tier.floor, Fraction(0)) * tier.ratio
        return total


@dataclass(frozen=True, slots=True)
class PortfolioAsset:
    """One asset of a portfolio margin account.

    Args:
        table: collateral ratios.
        index_price: USD, above 0.
        margin_asset, margin_loan: held and borrowed in the margin account, at least 0.
        futures_asset: balance of the futures wallets in this asset, of either sign.
        futures_unrealized_pnl: in this asset, of either sign.
        open_loss: possible loss of open margin orders, in this asset, at least 0.
        futures_maintenance_margin: in this asset, at least 0.
        loan_maintenance_rate: maintenance margin rate of the loan, 0..1: 10% at 3x, 8% at 5x,
            5% at 10x.

    Raises:
        InputError: a number out of its range.
    """

    table: CollateralTable
    index_price: Rational
    margin_asset: Rational = 0
    margin_loan: Rational = 0
    futures_asset: Rational = 0
    futures_unrealized_pnl: Rational = 0
    open_loss: Rational = 0
    futures_maintenance_margin: Rational = 0
    loan_maintenance_rate: Rational = 0

    def __post_init__(self) -> None:
        if not isinstance(self.table, CollateralTable):
            raise InputError(
                "Binance portfolio asset: table",
                "a CollateralTable",
                f"a {type(self.table).__name__}",
            )
        where = f"Binance portfolio asset {self.table.asset}"
        price = exact(f"{where}: index_price", self.index_price, above=0)
        object.__setattr__(self, "index_price", price)
        for name in ("futures_asset", "futures_unrealized_pnl"):
            object.__setattr__(self, name, exact(f"{where}: {name}", getattr(self, name)))
        for name in ("margin_asset", "margin_loan", "open_loss", "futures_maintenance_margin"):
            number = exact(f"{where}: {name}", getattr(self, name), low=0)
            object.__setattr__(self, name, number)
        rate = exact(f"{where}: loan_maintenance_rate", self.loan_maintenance_rate, low=0, high=1)
        object.__setattr__(self, "loan_maintenance_rate", rate)

    @property
    def net(self) -> Fraction:
        """Held − borrowed + futures balance + unrealized profit and loss, in the asset."""
        held = self.margin_asset - self.margin_loan
        return Fraction(held + self.futures_asset + self.futures_unrealized_pnl)

    @property
    def equity(self) -> Fraction:
        """min(net·price·ratio, net·price), USD: a haircut on what is positive only."""
        return self.table.value(self.net * self.index_price)

    @property
    def adjusted_equity(self) -> Fraction:
        """Equity less the possible loss of open orders, USD."""
        return self.equity - self.open_loss * self.index_price

    @property
    def maintenance_margin(self) -> Fraction:
        """Of futures, and loan·rate, USD."""
        loan = self.margin_loan * self.loan_maintenance_rate
        return Fraction((self.futures_maintenance_margin + loan) * self.index_price)


class PortfolioStatus(Enum):
    """What the venue allows and does at a uniMMR (Portfolio Margin Pro's table)."""

    FREE = "above 150%"
    REMINDER = "above 120%, at most 150%"
    REDUCE_ONLY = "above 105%, at most 120%"
    LIQUIDATION = "at most 105%"


def uni_mmr(assets: Sequence[PortfolioAsset]) -> Fraction | None:
    """Σ adjusted equity / Σ maintenance margin; None, to be read as infinite, without the latter.

    Raises:
        InputError: an asset twice.
    """
    names = [asset.table.asset for asset in assets]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"Binance portfolio: {name}", "each asset once", "it twice")
    needed = sum((asset.maintenance_margin for asset in assets), Fraction(0))
    equity = sum((asset.adjusted_equity for asset in assets), Fraction(0))
    return equity / needed if needed else None


def portfolio_status(ratio: Fraction | None) -> PortfolioStatus:
    """Status of a uniMMR; None stands for no maintenance margin at all."""
    if ratio is None or ratio > PORTFOLIO_REMINDER:
        return PortfolioStatus.FREE
    if ratio > PORTFOLIO_REDUCE_ONLY:
        return PortfolioStatus.REMINDER
    return (
        PortfolioStatus.REDUCE_ONLY
        if ratio > PORTFOLIO_LIQUIDATION
        else PortfolioStatus.LIQUIDATION
    )
