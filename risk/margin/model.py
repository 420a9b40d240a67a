"""Portfolio margin in a policy: underlyings, their scenarios, and the instruments that net in them.

An instrument is a signed slot of the registry. What one unit of it gains in every scenario is
public: prices, volatilities and times are, so prover and verifier derive the same numbers
(`arrays`), rounded to `MarginModel.decimals`. What is secret is how much of it an account has.

Sources: CME Group, "Components of SPAN"; Deribit, "Portfolio Margin" (support article and API
documentation); `presets.span` and `presets.deribit` say what is followed in detail.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from ..document import Part
from ..values import (
    Exact,
    FrozenMap,
    Integer,
    Name,
    NonNegative,
    Positive,
    Several,
    Share,
    Time,
    refusal,
)

MAX_VALUES = 1 << 14
"""Most scenario values that a model may ask for, instruments and spots together."""

MAX_TAILS = 32
SPAN_SCENARIOS = 16


def _range(value: Exact) -> Exact:
    if not 0 < value < 1:
        raise refusal("a share above 0 and below 1")
    return value


def _move(value: Exact) -> Exact:
    if value <= -1 or value == 0:
        raise refusal("a move above -1 other than 0")
    return value


def _at_least_one(value: Exact) -> Exact:
    if value < 1:
        raise refusal("a number of at least 1")
    return value


PriceRange = Annotated[Exact, AfterValidator(_range)]
"""Above 0 and below 1."""


class Span(Part):
    """SPAN's sixteen scenarios: the price moved by thirds of `price_range` with the volatility up
    and down by `volatility_range` of itself, and two extreme moves without it.

    An extreme move is `extreme_multiple` ranges, and `extreme_cover` of what it brings counts.
    """

    type: Literal["span"] = "span"
    price_range: PriceRange
    volatility_range: Share
    extreme_multiple: Annotated[Exact, AfterValidator(_at_least_one)]
    extreme_cover: Share

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.price_range * self.extreme_multiple >= 1:
            raise refusal(
                "an extreme move below 1", "a larger one: it takes the price to 0 or less"
            )
        return self

    @property
    def count(self) -> int:
        """How many scenarios."""
        return SPAN_SCENARIOS


class VolatilityMoves(Part):
    """Deribit's rule for the volatility σ of an expiry that is d days away.

    Up it is max(σ·(1 + up·(days/d)^p), floor), down max(σ·(1 − down·(days/d)^p), 0), with p
    `near_power` for d < `days`, otherwise `far_power`. Deribit has 30 days, 0.30 and 0.13.
    """

    up: NonNegative
    down: NonNegative
    floor: NonNegative
    days: Annotated[int, Integer(1, 366)]
    near_power: Share
    far_power: Share


class Tail(Part):
    """A move beyond the grid, of which `weight` counts."""

    move: Annotated[Exact, AfterValidator(_move)]
    weight: Share


class Grid(Part):
    """Deribit's risk matrix: prices moved by price_range·k/buckets for k = −buckets..buckets, each
    with the volatility up, the same and down, and `tails`, whose volatility stays.

    In a tail a loss is smaller by (|move|/price_range − 1) · `dampener`, in quote at the index
    price, but not less than none. Under `settlement` inverse it counts in coins as they are worth
    at the edge of the range.

    `offset` is what a netted profit counts in the table of values. The requirement is a loss and
    never below 0, so that no profit lessens it, whatever counts of it.
    """

    type: Literal["grid"] = "grid"
    price_range: PriceRange
    buckets: Annotated[int, Integer(1, 100)]
    volatility: VolatilityMoves
    offset: Share
    tails: Annotated[Several[Tail], Field(max_length=MAX_TAILS)] = ()
    dampener: Positive | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        seen: set[Exact] = set()
        for index, tail in enumerate(self.tails):
            at = f"tails[{index}].move"
            if abs(tail.move) < self.price_range:
                raise refusal("a move beyond the price range", repr(str(tail.move)), at)
            if tail.move in seen:
                raise refusal("every move once", f"{str(tail.move)!r} twice", at)
            seen.add(tail.move)
        return self

    @property
    def count(self) -> int:
        """How many scenarios."""
        return 3 * (2 * self.buckets + 1) + len(self.tails)


class Roll(Part):
    """What the basis of an expiry may move, as a share of the index: max(minimum, yearly · years).

    Perpetuals are an expiry of their own, at the minimum. The contingency is Σ over expiries of
    |netted delta| · that.
    """

    minimum: Share
    yearly: Share


class DeltaShock(Part):
    """max(0, |netted delta · index| − threshold) · rate, for books too large to hedge quickly."""

    threshold: NonNegative
    rate: Share


class Underlying(Part):
    """What instruments are about, and how it may move.

    `settlement` linear: contracts pay in the policy's quote, and `index` is the symbol of a price
    of the round. Inverse: they pay in coins, which are the policy's quote, and `index` is a figure
    of the round: what one coin costs.
    """

    index: Name
    settlement: Literal["linear", "inverse"]
    scenarios: Annotated[Span | Grid, Field(discriminator="type")]
    roll: Roll | None = None
    delta: DeltaShock | None = None


class Option(Part):
    """A European option on a forward, by Black-76 without discounting.

    `forward` is a price of the round (inverse: a figure), `volatility` a figure: the annualised
    share, 0.65. `expiry` is 365 days of 86,400 seconds per year away.
    """

    type: Literal["option"] = "option"
    underlying: Name
    right: Literal["call", "put"]
    strike: Positive
    expiry: Time
    forward: Name
    volatility: Name


class Future(Part):
    """A dated future of one unit of the underlying.

    `price` is a price of the round (inverse: a figure); None: the index. `settled`: gains so far
    are in the cash slots, so that the position itself is worth 0; otherwise a unit is worth its
    price, and the cash slots hold what was paid or received for it.
    """

    type: Literal["future"] = "future"
    underlying: Name
    expiry: Time
    settled: bool
    price: Name | None = None


class Perpetual(Part):
    """A future without expiry; see `Future`."""

    type: Literal["perpetual"] = "perpetual"
    underlying: Name
    settled: bool
    price: Name | None = None


class Listed(Part):
    """An instrument whose risk array is given, as clearing houses publish them.

    `values`: what one long unit gains in every scenario, in order, in quote, with the weight of
    extreme moves in it. `price` is a price of the round, what a unit is worth; None: it is settled
    and worth 0. `delta` is in units of the underlying, and `expiry` what it nets with for the roll.
    """

    type: Literal["listed"] = "listed"
    underlying: Name
    values: Annotated[Several[Exact], Field(min_length=1)]
    price: Name | None = None
    delta: Exact | None = None
    expiry: Time | None = None


Instrument: TypeAlias = Annotated[Option | Future | Perpetual | Listed, Field(discriminator="type")]


class MarginModel(Part):
    """The instruments of a policy, by the symbol of their signed slot, and what they are about.

    Marks, scenario values, deltas and contingencies of one unit are rounded to `decimals`, half to
    even, per whole unit: these numbers are the model. `spots`: collateral and debts, with plain
    factors, that move with a linear underlying and net in its scenarios with their weighted value.
    """

    decimals: Annotated[int, Integer(0, 18)]
    underlyings: Annotated[FrozenMap[Underlying], Field(min_length=1)]
    instruments: Annotated[FrozenMap[Instrument], Field(min_length=1)]
    spots: FrozenMap[Name] = FrozenMap({})

    @model_validator(mode="after")
    def _check(self) -> Self:
        used: set[str] = set()
        values = 0
        for symbol, instrument in self.instruments.items():
            at = f"instruments.{symbol}"
            underlying = self.underlyings.get(instrument.underlying)
            if underlying is None:
                raise refusal(
                    "an underlying of the model",
                    repr(instrument.underlying),
                    f"{at}.underlying",
                )
            used.add(instrument.underlying)
            values += underlying.scenarios.count
            if isinstance(instrument, Listed):
                _check_listed(instrument, underlying, at)
            elif underlying.settlement == "inverse" and not getattr(instrument, "settled", True):
                raise refusal("a settled contract, as it pays in coins", "", f"{at}.settled")
        for symbol, name in self.spots.items():
            underlying = self.underlyings.get(name)
            if underlying is None:
                raise refusal("an underlying of the model", repr(name), f"spots.{symbol}")
            if underlying.settlement == "inverse":
                raise refusal("a linear underlying", repr(name), f"spots.{symbol}")
            values += 2 * underlying.scenarios.count
        for name in self.underlyings:
            if name not in used:
                raise refusal("an underlying of an instrument", "of none", f"underlyings.{name}")
        if values > MAX_VALUES:
            raise refusal(
                f"at most {MAX_VALUES} scenario values of all instruments", str(values), ""
            )
        return self

    @property
    def first_expiry(self) -> tuple[datetime, str] | None:
        """When the first instrument expires, and its symbol; from then on no claim can be made."""
        found = [
            (instrument.expiry, symbol)
            for symbol, instrument in self.instruments.items()
            if not isinstance(instrument, Perpetual) and instrument.expiry is not None
        ]
        return min(found, default=None)

    @property
    def symbols(self) -> frozenset[str]:
        """The prices that the round must have."""
        return frozenset(name for name, is_price in self._inputs() if is_price)

    @property
    def figures(self) -> frozenset[str]:
        """The figures that the round must have."""
        return frozenset(name for name, is_price in self._inputs() if not is_price)

    def _inputs(self) -> Iterator[tuple[str, bool]]:
        """Names, and whether each is a price (or a figure)."""
        for underlying in self.underlyings.values():
            yield underlying.index, underlying.settlement == "linear"
        for instrument in self.instruments.values():
            linear = self.underlyings[instrument.underlying].settlement == "linear"
            if isinstance(instrument, Option):
                yield instrument.forward, linear
                yield instrument.volatility, False
            elif instrument.price is not None:
                yield instrument.price, linear or isinstance(instrument, Listed)


def _check_listed(instrument: Listed, underlying: Underlying, at: str) -> None:
    expected = underlying.scenarios.count
    if len(instrument.values) != expected:
        raise refusal(
            f"{expected} values, one for every scenario",
            str(len(instrument.values)),
            f"{at}.values",
        )
