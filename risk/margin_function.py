"""The margin of a test as a function of many price vectors at once, for simulations and pictures.

Everything here is a float statistic: doubles describe, and verdicts come from `threshold.Threshold`
alone. The rules are those of `valuation`: plain factors, tiers by amount and by value, `sized`
factors, limits whose excess is uncounted, growth caps, confidence intervals, the reserve. Only the
rounding of `value_decimals` is left out; `rounding` says how much it can come to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .factors import Factors, Sized, Tiered
from .registry import Asset
from .threshold import Threshold, driver
from .valuation import Account, _exact, _value, held, owed

Floats = NDArray[np.float64]

_SNAP = 1e-12
"""A quotient this close to a whole number, relative to it, is taken for that number."""


@dataclass(frozen=True, eq=False)
class _Stepped:
    """A position whose tiers are measured in value: not linear in its price."""

    column: int
    asset: Asset
    amount: float
    unit_price: float
    starts: tuple[float, ...]
    factors: tuple[float, ...]
    sized: bool

    def value(self, multiples: Floats) -> Floats:
        unit = self.unit_price * multiples[..., self.column]
        # At a price of 0 the whole amount is in the first tier, and worth nothing.
        safe = np.where(unit > 0, unit, 1.0)
        counted = np.full(unit.shape, self.factors[0] * self.amount, unit.dtype)
        for index in range(1, len(self.starts)):
            start = _floor(self.starts[index] / safe)
            step = self.factors[index] - self.factors[index - 1]
            if self.sized:
                counted += np.where(self.amount > start, step * self.amount, 0.0)
            else:
                counted += step * np.maximum(self.amount - start, 0.0)
        return counted * unit


@dataclass(frozen=True, eq=False)
class _Sum:
    """What some positions count: a linear part by driver, and positions that are stepped."""

    linear: Floats
    stepped: tuple[_Stepped, ...] = ()

    def value(self, multiples: Floats) -> Floats:
        # By columns: no thread of a linear algebra library is woken up for so little.
        total: Floats = np.zeros(multiples.shape[:-1], multiples.dtype)
        for column in np.flatnonzero(self.linear):
            total += multiples[..., column] * multiples.dtype.type(self.linear[column])
        for each in self.stepped:
            total = total + each.value(multiples)
        return total


@dataclass(frozen=True, eq=False)
class MarginFunction:
    """A test of an account over prices. As secret as the account's amounts; floats only.

    Attributes:
        drivers: symbols whose prices move by themselves, ascending; what follows one moves with it.
        prices: of the drivers now, in quote; the middle of a confidence interval.
        ratio: what the debt is multiplied by.
        reserve: in quote.
        rounding: in quote; by so much, at most, the policy's `value_decimals` make the exact margin
            smaller than this one. 0 if the policy does not round.
    """

    drivers: tuple[str, ...]
    prices: Floats
    ratio: float
    reserve: float
    rounding: float
    _pledged: _Sum = field(repr=False)
    _long: _Sum = field(repr=False)
    _debts: _Sum = field(repr=False)
    _limits: tuple[tuple[float, _Sum], ...] = field(repr=False)

    def __repr__(self) -> str:
        return "MarginFunction(hidden)"

    def held(self, multiples: ArrayLike) -> Floats:
        """Weighted collateral after limits, in quote.

        Args:
            multiples: of the drivers' prices now, at least 0; shape (..., len(drivers)).

        Returns:
            Shape (...).

        Raises:
            InputError: another last dimension.
        """
        moved = self._checked(multiples)
        collateral = self._pledged.value(moved)
        total = collateral + self._long.value(moved)
        for share, limited in self._limits:
            total -= np.maximum(limited.value(moved) - share * collateral, 0.0)
        return total

    def owed(self, multiples: ArrayLike) -> Floats:
        """Weighted debt before the ratio, in quote; arguments as of `held`."""
        return self._debts.value(self._checked(multiples))

    def margin(self, multiples: ArrayLike) -> Floats:
        """held − ratio · owed − reserve; arguments as of `held`."""
        moved = self._checked(multiples)
        return self.held(moved) - self.ratio * self.owed(moved) - self.reserve

    def _checked(self, multiples: ArrayLike) -> Floats:
        found = np.asarray(multiples)
        if found.dtype != np.float32:
            found = np.asarray(found, np.float64)
        if not found.ndim or found.shape[-1] != len(self.drivers):
            expected = f"a last dimension of {len(self.drivers)}"
            raise InputError("multiples", expected, f"the shape {found.shape}")
        return found


def margin_function(threshold: Threshold) -> MarginFunction:
    """The margin of a test in doubles; agrees with `Threshold.margin` but for rounding.

    Args:
        threshold: maintenance or liquidation test of an account.
    """
    account = threshold.account
    factors = account._maintenance()
    return _build(account, factors, float(threshold.ratio), float(account.policy.reserve or 0))


def equity_function(account: Account, penalty: float = 0.0) -> MarginFunction:
    """What is held less (1 + penalty) times what is owed, at market value, in doubles.

    Before factors, limits and the reserve, as `Account.after_penalty`.
    """
    return _build(account, None, 1.0 + penalty, 0.0)


def _build(
    account: Account, factors: Factors | None, ratio: float, reserve: float
) -> MarginFunction:
    pricing = account.pricing
    present = [asset for asset in account._priced() if account.amounts[asset.slot]]
    drivers = tuple(sorted({driver(pricing, asset.symbol) for asset in present}))
    columns = {symbol: index for index, symbol in enumerate(drivers)}

    def summed(assets: list[Asset], *, debts: bool) -> _Sum:
        linear = np.zeros(len(drivers))
        stepped = []
        for asset in assets:
            column = columns[driver(pricing, asset.symbol)]
            part = _position(account, factors, asset, column, debts=debts)
            if isinstance(part, float):
                linear[column] += part
            else:
                stepped.append(part)
        return _Sum(linear, tuple(stepped))

    pledged = [asset for asset in present if asset.side == "collateral"]
    signed = [asset for asset in present if asset.side == "signed"]
    decimals = account.policy.value_decimals
    units = sum(abs(account.amounts[asset.slot]) for asset in present)
    limits = () if factors is None else account.policy.limits
    return MarginFunction(
        drivers,
        np.array([float(sum(_ends(account, name)) / 2) for name in drivers]),
        ratio,
        reserve,
        0.0 if decimals is None else float(units) * 10.0**-decimals,
        summed(pledged, debts=False),
        summed([asset for asset in signed if account.amounts[asset.slot] > 0], debts=False),
        summed(
            [asset for asset in present if owed(asset, account.amounts[asset.slot])], debts=True
        ),
        tuple(
            (
                float(limit.share),
                summed([asset for asset in pledged if asset.symbol in limit.assets], debts=False),
            )
            for limit in limits
            if limit.excess == "uncounted"
        ),
    )


def _ends(account: Account, symbol: str) -> tuple[Fraction, Fraction]:
    quote = account.pricing.quotes[symbol]
    return quote.low, quote.high


def _position(
    account: Account, factors: Factors | None, asset: Asset, column: int, *, debts: bool
) -> float | _Stepped:
    """What a position counts at the prices now if that is linear in its price, or how it steps."""
    quote = account.pricing.quotes[asset.symbol]
    amount = (owed if debts else held)(asset, account.amounts[asset.slot])
    unit_price = (quote.high if debts else quote.low) * asset.smallest_unit
    factor = account._factor(asset, factors, owed=debts)
    if isinstance(factor, (Tiered, Sized)) and factor.by == "value":
        return _Stepped(
            column,
            asset,
            float(amount),
            float(unit_price),
            tuple(float(tier.above) for tier in factor.tiers),
            tuple(float(tier.factor) for tier in factor.tiers),
            isinstance(factor, Sized),
        )
    return float(_value(amount, asset, unit_price, factor, Fraction(1), _exact))


def _floor(quotients: Floats) -> Floats:
    """Rounded down; what only rounding keeps from a whole number is that number."""
    nearest: Floats = np.rint(quotients)
    whole = np.abs(quotients - nearest) <= _SNAP * np.maximum(nearest, 1.0)
    return np.where(whole, nearest, np.floor(quotients))
