"""The Greeks of an account under portfolio margin: by position and by underlying. Floats.

Everything here is a float statistic: no verdict rests on it. Options by Black-76 (`options.greeks`)
at the forward and the volatility of the round, not discounted, as the margin model values them; a
year has 365 days. With inverse settlement everything is in the currency of the index, without the
coins of the margin itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from ...errors import InputError
from ..clock import seconds_between
from ..fixed_point import SECONDS_PER_YEAR
from ..options.greeks import greeks
from ..policy import Policy
from ..prices import PriceRound
from ..registry import Asset, Registry
from .model import Listed, MarginModel, Option


@dataclass(frozen=True)
class PositionGreeks:
    """The Greeks of a whole position, in the currency of the index.

    Attributes:
        symbol, side: whose slot it is.
        kind: call, put, future, perpetual, listed or spot.
        delta: units of the underlying; of a spot, what is held without any factor.
        gamma: delta per 1.00 of the price.
        vega: per point (0.01) of volatility.
        theta: per calendar day.
        rho: per 1.00 of a discount rate.
        volatility: of an option, as the round has it; None of others.
        known: whether more than the delta is: not so of an instrument whose values are listed.
    """

    symbol: str
    side: str
    kind: str
    delta: float
    gamma: float = 0.0
    vega: float = 0.0
    theta: float = 0.0
    rho: float = 0.0
    volatility: float | None = None
    known: bool = True

    def __repr__(self) -> str:
        return f"PositionGreeks({self.symbol!r}, hidden)"


@dataclass(frozen=True)
class UnderlyingGreeks:
    """What the positions of one underlying add up to, in the currency of its index.

    Attributes:
        underlying: its name.
        price: its index.
        delta, gamma, vega, theta, rho: sums, in the units of `PositionGreeks`.
        unknown: symbols of which only the delta is in the sums.
        positions: by the registry's order, those that hold something.
    """

    underlying: str
    price: float
    delta: float
    gamma: float
    vega: float
    theta: float
    rho: float
    unknown: tuple[str, ...]
    positions: tuple[PositionGreeks, ...]

    @property
    def delta_value(self) -> float:
        """Delta times the price: what doubling the price would bring, if delta stayed."""
        return self.delta * self.price

    def __repr__(self) -> str:
        return f"UnderlyingGreeks({self.underlying!r}, hidden)"


def margin_greeks(
    policy: Policy, registry: Registry, prices: PriceRound, amounts: Sequence[int]
) -> tuple[UnderlyingGreeks, ...]:
    """The Greeks of everything that is held, by underlying.

    Args:
        policy: with portfolio margin; checked against the registry.
        registry: what the slots hold.
        prices: a round with everything that the policy needs.
        amounts: one integer for each slot, in its smallest unit.

    Returns:
        One for each underlying with positions, in the order of their names.

    Raises:
        InputError: a policy without portfolio margin, an option that has expired.
    """
    model = policy.margin
    if model is None:
        raise InputError("policy: margin", "the terms of portfolio margin", "none")
    found: dict[str, list[PositionGreeks]] = {}
    for asset in registry.assets:
        amount = float(amounts[asset.slot] * asset.smallest_unit)
        underlying = underlying_of(policy, asset)
        if not amount or underlying is None:
            continue
        if asset.side == "signed":
            each = _instrument(asset.symbol, model, prices, amount)
        else:
            owed = asset.side == "debt"
            each = PositionGreeks(asset.symbol, asset.side, "spot", -amount if owed else amount)
        found.setdefault(underlying, []).append(each)
    return tuple(_summed(name, model, prices, found[name]) for name in sorted(found))


def underlying_of(policy: Policy, asset: Asset) -> str | None:
    """What a slot is about: the underlying of its instrument or spot; None for any other."""
    model = policy.margin
    if model is None:
        return None
    if asset.side == "signed":
        instrument = model.instruments.get(asset.symbol)
        return None if instrument is None else instrument.underlying
    if asset.symbol not in getattr(policy.factors, asset.side):
        return None
    return model.spots.get(asset.symbol)


def _summed(
    name: str, model: MarginModel, prices: PriceRound, positions: Sequence[PositionGreeks]
) -> UnderlyingGreeks:
    return UnderlyingGreeks(
        underlying=name,
        price=float(_input(model.underlyings[name].index, name, model, prices)),
        delta=sum(each.delta for each in positions),
        gamma=sum(each.gamma for each in positions),
        vega=sum(each.vega for each in positions),
        theta=sum(each.theta for each in positions),
        rho=sum(each.rho for each in positions),
        unknown=tuple(each.symbol for each in positions if not each.known),
        positions=tuple(positions),
    )


def _instrument(
    symbol: str, model: MarginModel, prices: PriceRound, amount: float
) -> PositionGreeks:
    instrument = model.instruments[symbol]
    underlying = instrument.underlying
    if isinstance(instrument, Listed):
        delta = amount * float(instrument.delta or 0)
        return PositionGreeks(symbol, "signed", "listed", delta, known=False)
    if not isinstance(instrument, Option):
        return PositionGreeks(symbol, "signed", instrument.type, amount)
    left = seconds_between(prices.time, instrument.expiry)
    if left <= 0:
        raise InputError(f"option {symbol}", "an expiry after the round", "an expired option")
    volatility = float(_entry(prices.figures, instrument.volatility))
    forward = float(_input(instrument.forward, underlying, model, prices))
    unit = greeks(
        instrument.right, forward, float(instrument.strike), left / SECONDS_PER_YEAR, volatility
    )
    return PositionGreeks(
        symbol,
        "signed",
        instrument.right,
        delta=amount * float(unit.delta),
        gamma=amount * float(unit.gamma),
        vega=amount * float(unit.vega_point),
        theta=amount * float(unit.theta_day),
        rho=amount * float(unit.rho),
        volatility=volatility,
    )


def _input(name: str, underlying: str, model: MarginModel, prices: PriceRound) -> Fraction:
    """A price of the round or, with inverse settlement, a figure of it."""
    linear = model.underlyings[underlying].settlement == "linear"
    return _entry(prices.prices if linear else prices.figures, name)


def _entry(values: Mapping[str, Fraction], name: str) -> Fraction:
    value = values.get(name)
    if value is None:
        raise InputError(f"price round: {name}", "a number of it", "none")
    return value
