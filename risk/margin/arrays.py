"""What one unit of every instrument gains in every scenario: the public numbers of a margin model.

Everything is exact in the sense of the model: computed from the round's prices and figures in
rational or fixed decimal arithmetic, and rounded to the model's decimals, half to even. Prover,
verifier and engine take these same numbers.

A price becomes price·(1 + m). A linear contract gains price·m, an inverse one m/(1 + m) coins of a
delta of one coin, an option the difference of its Black-76 values; under inverse settlement an
option is worth value/forward coins, and in a tail coins count (1 + m)/(1 ± price_range) of it, as
they are worth at the edge of the range (`presets.deribit`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from ...errors import CompileError
from ..clock import format_time, seconds_between
from ..factors import Factor
from ..options import black76_exact as exact
from ..policy import Category, Policy
from ..prices import PriceRound
from ..pricing import Pricing
from ..registry import Asset, Registry
from ..values import Exact, FrozenMap
from .model import (
    Future,
    Grid,
    Instrument,
    Listed,
    MarginModel,
    Option,
    Perpetual,
    Span,
    Underlying,
)
from .scenarios import MarginScenario, Volatility, scenarios_of

PERPETUAL = "perpetual"
_YEAR = 365 * 86_400


@dataclass(frozen=True, slots=True)
class UnitArrays:
    """The public numbers of one unit, in quote but for `delta`. Public.

    Attributes:
        mark: what it is worth.
        values: what it gains in every scenario, weighted.
        delta: in units of the underlying.
        expiry: what it nets with before the roll; None: it has no part in it.
        roll: delta times what the basis may move.
        shock: delta · index · rate of the delta contingency.
    """

    mark: Fraction
    values: tuple[Fraction, ...]
    delta: Fraction
    expiry: str | None
    roll: Fraction
    shock: Fraction

    def times(self, unit: Fraction) -> UnitArrays:
        """The numbers of `unit` units."""
        return UnitArrays(
            self.mark * unit,
            tuple(value * unit for value in self.values),
            self.delta * unit,
            self.expiry,
            self.roll * unit,
            self.shock * unit,
        )


@dataclass(frozen=True, slots=True)
class Member:
    """One slot that nets in the scenarios of an underlying; numbers are of one smallest unit.

    Attributes:
        slot: of the registry.
        asset: what it holds.
        arrays: of one smallest unit.
    """

    slot: int
    asset: Asset
    arrays: UnitArrays

    @property
    def mark(self) -> Fraction:
        """See `UnitArrays`."""
        return self.arrays.mark

    @property
    def values(self) -> tuple[Fraction, ...]:
        """See `UnitArrays`."""
        return self.arrays.values

    @property
    def delta(self) -> Fraction:
        """See `UnitArrays`."""
        return self.arrays.delta

    @property
    def expiry(self) -> str | None:
        """See `UnitArrays`."""
        return self.arrays.expiry

    @property
    def roll(self) -> Fraction:
        """See `UnitArrays`."""
        return self.arrays.roll

    @property
    def shock(self) -> Fraction:
        """See `UnitArrays`."""
        return self.arrays.shock


@dataclass(frozen=True, slots=True)
class GroupArrays:
    """An underlying at a round. Public.

    Attributes:
        underlying: its name in the model.
        index: what one unit of it costs: in quote (linear), or of one coin (inverse).
        scenarios: in order.
        reliefs: by scenario what a loss is smaller by, in quote, at least 0.
        offset: what counts of a profit in the table of values.
        threshold: of the delta contingency, times its rate, in quote; 0 where there is none.
        members: ascending by slot.
    """

    underlying: str
    index: Fraction
    scenarios: tuple[MarginScenario, ...]
    reliefs: tuple[Fraction, ...]
    offset: Fraction
    threshold: Fraction
    members: tuple[Member, ...]


def margin_arrays(
    policy: Policy,
    registry: Registry,
    pricing: Pricing,
    prices: PriceRound,
    category: Category | None = None,
) -> tuple[GroupArrays, ...]:
    """The public numbers of a policy's margin model at a round, by underlying, ascending.

    Args:
        policy: with a margin model; checked against the registry.
        registry: whose slots the instruments and spots are.
        pricing: the policy's prices (`pricing.price`), which spots are counted at.
        prices: the round.
        category: whose factors replace the policy's, if the account is in one.

    Raises:
        CompileError: an instrument that has expired at the round's time.
    """
    model = policy.margin
    if model is None:
        raise CompileError("the policy has no margin model")
    inputs = _inputs(model, prices)
    units = _units(model, inputs)
    members: dict[str, list[Member]] = {name: [] for name in model.underlyings}
    for asset in registry.assets:
        name: str | None
        if asset.side == "signed":
            instrument = model.instruments.get(asset.symbol)
            if instrument is None:
                continue
            name = instrument.underlying
            unit = units[asset.symbol]
        else:
            name = model.spots.get(asset.symbol)
            if name is None or asset.symbol not in getattr(policy.factors, asset.side):
                continue
            worth = _spot_value(policy, pricing, asset, category)
            unit = _spot(model.underlyings[name], worth, model.decimals, inputs)
        members[name].append(Member(asset.slot, asset, unit.times(asset.smallest_unit)))
    return tuple(
        _group(name, model.underlyings[name], model.decimals, inputs, members[name])
        for name in sorted(members)
    )


def _group(
    name: str, underlying: Underlying, decimals: int, inputs: _Inputs, members: list[Member]
) -> GroupArrays:
    index = _index(underlying, inputs)
    scenarios = scenarios_of(underlying.scenarios)
    shock = underlying.delta
    grid = underlying.scenarios
    return GroupArrays(
        name,
        index,
        scenarios,
        tuple(_relief(underlying, each, index, decimals) for each in scenarios),
        Fraction(grid.offset) if isinstance(grid, Grid) else Fraction(1),
        _rounded(shock.threshold * shock.rate, decimals) if shock else Fraction(0),
        tuple(members),
    )


def _relief(
    underlying: Underlying, scenario: MarginScenario, index: Fraction, decimals: int
) -> Fraction:
    model = underlying.scenarios
    dampener = model.dampener if isinstance(model, Grid) else None
    if dampener is None or not scenario.relief:
        return Fraction(0)
    relief = dampener * scenario.relief
    if underlying.settlement == "inverse":
        relief /= _edge(model, scenario.move) * index
    return _rounded(relief, decimals)


def _edge(model: Span | Grid, move: Fraction) -> Fraction:
    """What a price is multiplied by at the edge of the range."""
    return 1 + (model.price_range if move > 0 else -model.price_range)


class _Inputs(NamedTuple):
    """What of a round a model depends on."""

    time: datetime
    prices: FrozenMap[Exact]
    figures: FrozenMap[Exact]


def _inputs(model: MarginModel, prices: PriceRound) -> _Inputs:
    for kind, names, known in (
        ("price", model.symbols, prices.prices),
        ("figure", model.figures, prices.figures),
    ):
        for name in sorted(names - set(known)):
            raise CompileError(f"the price round has no {kind} {name}")
    return _Inputs(
        prices.time,
        FrozenMap({name: prices.prices[name] for name in sorted(model.symbols)}),
        FrozenMap({name: prices.figures[name] for name in sorted(model.figures)}),
    )


# As many as are asked about in turn. Each has up to `model.MAX_VALUES` numbers.
@lru_cache(maxsize=4)
def _units(model: MarginModel, inputs: _Inputs) -> Mapping[str, UnitArrays]:
    """The numbers of every instrument, which take most of the time: option values."""
    return {
        symbol: _instrument(
            symbol, instrument, model.underlyings[instrument.underlying], model.decimals, inputs
        )
        for symbol, instrument in model.instruments.items()
    }


def _index(underlying: Underlying, inputs: _Inputs) -> Fraction:
    linear = underlying.settlement == "linear"
    return (inputs.prices if linear else inputs.figures)[underlying.index]


def _instrument(
    symbol: str,
    instrument: Instrument,
    underlying: Underlying,
    decimals: int,
    inputs: _Inputs,
) -> UnitArrays:
    index = _index(underlying, inputs)
    seconds = 0
    if not isinstance(instrument, Perpetual) and instrument.expiry is not None:
        seconds = seconds_between(inputs.time, instrument.expiry)
        if seconds <= 0:
            expired, time = format_time(instrument.expiry), format_time(inputs.time)
            raise CompileError(
                f"instrument {symbol} expired at {expired}, and the prices are of {time}"
            )
    named = inputs.prices if underlying.settlement == "linear" else inputs.figures
    if isinstance(instrument, Option):
        volatility = inputs.figures[instrument.volatility]
        forward = named[instrument.forward]
        return _option(instrument, underlying, decimals, index, forward, volatility, seconds)
    if isinstance(instrument, Listed):
        price = Fraction(0) if instrument.price is None else inputs.prices[instrument.price]
        return _listed(instrument, underlying, decimals, index, price, seconds)
    price = index if instrument.price is None else named[instrument.price]
    return _future(instrument, underlying, decimals, index, price, seconds)


def _option(
    option: Option,
    underlying: Underlying,
    decimals: int,
    index: Fraction,
    forward: Fraction,
    volatility: Fraction,
    seconds: int,
) -> UnitArrays:
    model, inverse = underlying.scenarios, underlying.settlement == "inverse"
    deviations = _deviations(model, volatility, seconds)
    strike = exact.to_decimal(option.strike)
    moneyness = exact.logarithm(forward / option.strike)

    def valued(move: Fraction, state: Volatility) -> exact.Valued:
        return exact.black76(
            option.right,
            exact.to_decimal(forward * (1 + move)),
            strike,
            exact.sum_of(moneyness, exact.logarithm(1 + move)) if move else moneyness,
            deviations[state],
        )

    now = valued(Fraction(0), "same")
    mark = Fraction(now.value) / (forward if inverse else 1)
    values = []
    for scenario in scenarios_of(model):
        then = Fraction(valued(scenario.move, scenario.volatility).value)
        if inverse:
            then /= forward * (1 + scenario.move)
        gain = (then - mark) * _weight(underlying, scenario)
        values.append(_rounded(gain, decimals))
    delta = _rounded(Fraction(now.delta), decimals)
    expiry = format_time(option.expiry)
    return _with_contingencies(
        _rounded(mark, decimals), values, delta, underlying, decimals, index, expiry, seconds
    )


def _deviations(
    model: Span | Grid, volatility: Fraction, seconds: int
) -> dict[Volatility, Decimal]:
    """σ·√T in each of the model's three states of the volatility."""
    deviations = exact.Deviations(seconds)
    same = exact.to_decimal(volatility)
    if isinstance(model, Span):
        up = exact.to_decimal(volatility * (1 + model.volatility_range))
        down = exact.to_decimal(volatility * (1 - model.volatility_range))
    else:
        rule = model.volatility
        power = rule.near_power if seconds < rule.days * 86_400 else rule.far_power
        up = deviations.moved(same, rule.up, rule.days, power)
        up = max(up, exact.to_decimal(rule.floor))
        down = deviations.moved(same, -rule.down, rule.days, power)
    return {
        "up": deviations.of(up),
        "same": deviations.of(same),
        "down": deviations.of(down),
    }


def _future(
    future: Future | Perpetual,
    underlying: Underlying,
    decimals: int,
    index: Fraction,
    price: Fraction,
    seconds: int,
) -> UnitArrays:
    values = []
    for scenario in scenarios_of(underlying.scenarios):
        move = scenario.move
        gain = price * move if underlying.settlement == "linear" else move / (1 + move)
        values.append(_rounded(gain * _weight(underlying, scenario), decimals))
    mark = Fraction(0) if future.settled else _rounded(price, decimals)
    expiry = PERPETUAL if isinstance(future, Perpetual) else format_time(future.expiry)
    return _with_contingencies(
        mark, values, Fraction(1), underlying, decimals, index, expiry, seconds
    )


def _listed(
    listed: Listed,
    underlying: Underlying,
    decimals: int,
    index: Fraction,
    price: Fraction,
    seconds: int,
) -> UnitArrays:
    return _with_contingencies(
        _rounded(price, decimals),
        [_rounded(value, decimals) for value in listed.values],
        _rounded(listed.delta or Fraction(0), decimals),
        underlying,
        decimals,
        index,
        None if listed.expiry is None else format_time(listed.expiry),
        seconds,
    )


def _spot_value(
    policy: Policy, pricing: Pricing, asset: Asset, category: Category | None
) -> Fraction:
    """What one unit counts in equity before rounding: below 0 for a debt."""
    quote = pricing.quotes[asset.symbol]
    if asset.side == "debt":
        own: Factor = policy.factors.debt[asset.symbol]
        worth = -quote.high * pricing.ratio
    else:
        replaced = category.collateral if category else {}
        own = replaced.get(asset.symbol, policy.factors.collateral[asset.symbol])
        worth = quote.low
    factor = pricing.resolve(own, asset.symbol)
    if not isinstance(factor, Fraction):
        raise CompileError(f"spot {asset.symbol} of the margin model has no plain factor")
    return worth * factor


def _spot(underlying: Underlying, worth: Fraction, decimals: int, inputs: _Inputs) -> UnitArrays:
    index = _index(underlying, inputs)
    values = [
        _rounded(worth * scenario.move * scenario.weight, decimals)
        for scenario in scenarios_of(underlying.scenarios)
    ]
    delta = _rounded(worth / index, decimals)
    return _with_contingencies(Fraction(0), values, delta, underlying, decimals, index, None, 0)


def _with_contingencies(
    mark: Fraction,
    values: list[Fraction],
    delta: Fraction,
    underlying: Underlying,
    decimals: int,
    index: Fraction,
    expiry: str | None,
    seconds: int,
) -> UnitArrays:
    in_quote = delta * (index if underlying.settlement == "linear" else 1)
    roll = shock = Fraction(0)
    if underlying.roll is not None and expiry is not None:
        move = max(underlying.roll.minimum, underlying.roll.yearly * Fraction(seconds, _YEAR))
        roll = _rounded(in_quote * move, decimals)
    if underlying.delta is not None:
        shock = _rounded(in_quote * underlying.delta.rate, decimals)
    return UnitArrays(mark, tuple(values), delta, expiry, roll, shock)


def _weight(underlying: Underlying, scenario: MarginScenario) -> Fraction:
    """What counts of a value found; in a tail coins count as at the edge of the range."""
    model = underlying.scenarios
    if scenario.tail and underlying.settlement == "inverse" and isinstance(model, Grid):
        return scenario.weight * (1 + scenario.move) / _edge(model, scenario.move)
    return scenario.weight


def _rounded(number: Fraction, decimals: int) -> Fraction:
    scale = 10**decimals
    return Fraction(round(number * scale), scale)
