"""Drift's margin requirement of spot positions as a policy, without open orders.

The program (`drift`, `drift_margin`) liquidates an account once its deposits, at maintenance
weights, are worth less than its borrows; orders and withdrawals ask for the same at initial
weights. Tokens are signed slots, whose smallest unit is the token's own (10^-decimals): a deposit
counts at its asset weight, a borrow at its liability weight. Values are in USD; USDC too has its
oracle price.

**Size.** With an imf factor a deposit's weight shrinks and a borrow's grows with the root of its
size. A deposit has the tiers of `drift.size_discount_tiers`, which lie below the program's value at
every size. A borrow's weighted size x·max(l, 0.8·l + f·sqrt(x)) is convex, so chords between sizes,
with the root rounded up, lie above it; above the last size there is one more chord, up to the most
that 64 commitments can add up to, so that it lies above at every size. A registry with a coarser
unit than the token's is refused for such a market.

**Total deposits.** Initial weights shrink as 1 / all deposits from a start on: a `scaled` factor,
by the figure `NAME-deposits`, which oracles sign in whole tokens. The program rounds that weight
down to parts per 10,000, which is a share of the value and no dust: the policy's start is k/(k + 1)
of the program's, k = `least_scaled_weight`, which stays below as long as the program's weight is at
least k parts. Below that, deposits of the market are far beyond its start, and the policy may count
up to one part per 10,000 of the deposit too much. A market with both a start and an imf factor has
no such policy.

**Dust, for each market: the larger of 2·10^-6 USD and the liability weight times 10^-6 USD.** A
deposit's value and weighted value are each rounded down to 10^-6: less than 2 together. A borrow's
value is rounded up by less than 1, which its weight enlarges; its weighted value is rounded down.
The weight taken is that at the largest size there is. Weights themselves are rounded down: of a
borrow that favours the account, of a deposit the tiers allow for it.

In the other direction the policy asks for more by: 10^-6 USD for each borrow; with an imf factor 2
parts per 10,000 of the value and the chord's distance, at most h·|slope before − slope after|/4
tokens for a tier of width h, and without bound beyond the last size; of a scaled deposit 1/(k + 1)
of its weighted value.

At initial weights the program values by the worse of the oracle price and its five-minute average
(`SpotPosition.twap`); the policy knows the round's prices only. Left out: open orders, perpetuals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Any

from ...errors import InputError
from ..fixed_point import mul_div_up, whole
from ..portfolio import Portfolio
from ..registry import Registry, Side
from ..values import Exact
from .drift import (
    IMF_PRECISION,
    SIZE_PRECISION,
    WEIGHT_PRECISION,
    MarginType,
    SpotMarket,
    discount_start,
    size_discount_tiers,
)
from .drift_margin import SpotPosition
from .perpetual_slots import TERMS, slot_portfolio, tiers
from .provable import ProvableRule, rounded_down, rounded_up
from .units import integer_price

USD = Fraction(1, 10**6)
"""The program's smallest unit of value."""

_ROOT = 10 * IMF_PRECISION
# 64 commitments of less than 2^63 smallest units each.
_MOST_UNITS = 64 * 2**63


@dataclass(frozen=True, slots=True)
class SpotTiers:
    """A market, and the sizes between which chords take what its imf factor does.

    Args:
        market: its parameters.
        sizes: ascending, above 0, 10^-9 tokens; where the weights begin to move is added. Beyond
            the last one a deposit counts nothing more. Of no matter without imf factor.
        least_scaled_weight: k, 1..10,000 parts per 10,000, at most the weight that is scaled; see
            the module.

    Raises:
        InputError: sizes out of order or too large for the imf factor; another k.
    """

    market: SpotMarket
    sizes: tuple[int, ...] = ()
    least_scaled_weight: int = 1_000

    def __post_init__(self) -> None:
        where = f"Drift policy, market {self.market.name}"
        whole(f"{where}: least_scaled_weight", self.least_scaled_weight, 1, WEIGHT_PRECISION)
        before = 0
        for size in self.sizes:
            before = whole(f"{where}: sizes (ascending)", size, before + 1)

    @property
    def figure(self) -> str:
        """Name of the figure that says all deposits, in whole tokens."""
        return f"{self.market.name}-deposits"

    @property
    def most(self) -> int:
        """The largest size that can be committed, 10^-9 tokens, rounded up."""
        unit: int = 10**self.market.decimals
        return mul_div_up(_MOST_UNITS, SIZE_PRECISION, unit)

    def largest_liability_weight(self, kind: MarginType) -> Fraction:
        """At the largest size there is, as a share."""
        return self._weight_at(self.most, self._liability_weight(kind))

    def factors(self, kind: MarginType) -> dict[str, Any]:
        """Factors of the signed slot.

        Raises:
            InputError: initial weights that both deposits and the size move; a least scaled weight
                above the initial weight.
        """
        return {"long": self._long(kind), "short": self._short(kind)}

    def _liability_weight(self, kind: MarginType) -> int:
        market = self.market
        if kind is MarginType.MAINTENANCE:
            return market.maintenance_liability_weight
        return market.initial_liability_weight

    def _long(self, kind: MarginType) -> Exact | dict[str, Any]:
        market = self.market
        initial = kind is MarginType.INITIAL
        weight = market.initial_asset_weight if initial else market.maintenance_asset_weight
        start = market.scale_initial_asset_weight_start if initial else 0
        if start and weight and not market.quote:
            if market.imf_factor:
                raise InputError(
                    f"Drift policy, market {market.name}: imf_factor",
                    "0 where total deposits scale the weight",
                    "another",
                )
            least = self.least_scaled_weight
            where = f"Drift policy, market {market.name}: least_scaled_weight"
            whole(where, least, 1, weight)
            return {
                "type": "scaled",
                "factor": Exact.of(Fraction(weight, WEIGHT_PRECISION)),
                "figure": self.figure,
                "start": rounded_down(start * USD * Fraction(least, least + 1)),
            }
        if market.quote or not market.imf_factor or not weight:
            return Exact.of(Fraction(weight, WEIGHT_PRECISION))
        first = discount_start(weight, market.imf_factor)
        sizes = [*([first] if first else []), *(size for size in self.sizes if size > first)]
        steps = size_discount_tiers(weight, market.imf_factor, sizes)
        return tiers("amount", [(Fraction(at, SIZE_PRECISION), Exact.of(f)) for at, f in steps])

    def _weight_at(self, size: int, weight: int) -> Fraction:
        """Liability weight at a size, its root rounded up: at least the program's."""
        market = self.market
        if market.quote or not market.imf_factor:
            return Fraction(weight, WEIGHT_PRECISION)
        root = isqrt(10 * size + 1) + 1
        grown = weight - weight // 5 + Fraction(root * market.imf_factor, _ROOT)
        return max(Fraction(weight), grown) / WEIGHT_PRECISION

    def _short(self, kind: MarginType) -> Exact | dict[str, Any]:
        weight = self._liability_weight(kind)
        if self.market.quote or not self.market.imf_factor:
            return Exact.of(Fraction(weight, WEIGHT_PRECISION))
        # Up to here the premium, its root rounded up, is no more than the fifth that it replaces.
        first = max(((weight // 5) * _ROOT // self.market.imf_factor - 1) ** 2 // 10 - 1, 0)
        most = max(self.most, first + 1, *(size + 1 for size in self.sizes))
        points = [size for size in (first, *self.sizes) if first <= size and size]
        steps: list[tuple[Fraction, Exact]] = []
        start, value, factor = 0, Fraction(0), Exact("0")
        for size in dict.fromkeys([*points, most]):
            chord = (size * self._weight_at(size, weight) - value) / (size - start)
            factor = max(factor, rounded_up(chord))
            steps.append((Fraction(start, SIZE_PRECISION), factor))
            value += factor * (size - start)
            start = size
        return tiers("amount", steps)


def drift_rule(
    markets: Sequence[SpotTiers],
    kind: MarginType = MarginType.MAINTENANCE,
    quote: str = "USD",
) -> ProvableRule:
    """Collateral ≥ margin requirement; the liquidation test is at maintenance weights.

    Args:
        markets: a market's name is its signed slot's symbol; the registry must have all of them.
        kind: weights of the claim `healthy`.
        quote: what values are in.

    Raises:
        InputError: a kind that is neither initial nor maintenance; initial weights that both
            deposits and the size move; a least scaled weight above the initial weight.
    """
    if kind is MarginType.FILL:
        raise InputError("Drift policy: kind", "initial or maintenance", kind.value)
    kinds = {kind, MarginType.MAINTENANCE}
    dust = sum(
        max(Fraction(2), *(each.largest_liability_weight(one) for one in kinds)) * USD
        for each in markets
    )
    by_kind = {one: {each.market.name: each.factors(one) for each in markets} for one in kinds}
    test = {"collateral": {}, "debt": {}, "signed": by_kind[MarginType.MAINTENANCE]}
    return ProvableRule(
        protocol="drift-spot",
        quote=quote,
        ratio=Fraction(1),
        factors={"signed": by_kind[kind]},
        dust=Fraction(dust),
        terms=TERMS if len(kinds) == 1 else {**TERMS, "factors": test},
        largest_units={
            each.market.name: -each.market.decimals for each in markets if each.market.imf_factor
        },
    )


def drift_portfolio(name: str, positions: Sequence[SpotPosition], registry: Registry) -> Portfolio:
    """The portfolio of an account: signed tokens, interest with them.

    Raises:
        InputError: a position with open orders; the registry has no signed slot of a market.
    """
    amounts: dict[tuple[str, Side], Fraction] = {}
    for position in positions:
        market = position.market
        if position.open_bids or position.open_asks or position.open_orders:
            raise InputError(f"Drift account: {market.name}", "no open orders", "some")
        tokens = Fraction(position.token_amount(), 10**market.decimals)
        amounts[market.name, "signed"] = tokens
    return slot_portfolio(name, "Drift account", registry, amounts)


def drift_prices(symbols: Sequence[str], prices: Mapping[str, Fraction]) -> dict[str, int]:
    """Prices of tokens at a round, as the program has them: 10^-6 USD.

    Raises:
        InputError: a symbol without price or with one of more decimals.
    """
    return {symbol: integer_price("Drift", prices, symbol, 6) for symbol in symbols}
