"""Markets that a sale moves, and what liquidators see of them. Everything here is in doubles.

The price of an asset is f · g(u): f is what it would cost without any liquidation (the exogenous
price), u how much of it, in whole assets, was sold and not yet bought back, and g falls from 1:

    constant product   g(u) = 1 / (1 + u/D)²         D: the pool's reserve of the asset
    linear             g(u) = max(0, 1 − u/D)        D: what would take the price to 0
    square root        g(u) = max(0, 1 − √(u/D))     D: the same

Selling x from u on brings f · ∫ g from u to u + x. The first is the marginal price of a pool with
x·y = k (Uniswap v2) that holds D of the asset and D · f of the quote; the linear and the
square-root impact are those of Kyle, "Continuous auctions and insider trading" (1985), and of the
empirical square-root law (e.g. Tóth et al., "Anomalous price impact and the critical nature of
liquidity in financial markets", 2011), here cut off at 0. A fee on what is sold stays in the pool.

After every step others buy back a part of u, so that it halves in a half-life; they pay f · ∫ g
for it. A move of f shifts the whole curve: D stays the same in whole assets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Final, Literal, TypeAlias

import numpy as np

from ...errors import InputError
from ..checks import one_of
from ..fixed_point import whole
from .numbers import number
from .terms import Floats, SystemTerms

Impact: TypeAlias = Literal["constant-product", "linear", "square-root"]
IMPACTS: tuple[Impact, ...] = ("constant-product", "linear", "square-root")


@dataclass(frozen=True, slots=True)
class Depth:
    """How the price of one asset gives way.

    Args:
        amount: D, in whole assets, above 0; infinite for a market that nothing moves.
        impact: which g.
        fee: share of what is sold that stays in the pool, at least 0 and below 1.
        half_life: steps after which half of u is bought back, above 0; infinite for never.

    Raises:
        InputError: a number out of its range.
    """

    amount: float
    impact: Impact = "constant-product"
    fee: float = 0.0
    half_life: float = inf

    def __post_init__(self) -> None:
        one_of("depth.impact", self.impact, IMPACTS)
        amount = number("depth.amount", self.amount, above=0, infinite=True)
        object.__setattr__(self, "amount", amount)
        object.__setattr__(self, "fee", number("depth.fee", self.fee, low=0, high=0.999))
        half_life = number("depth.half_life", self.half_life, above=0, infinite=True)
        object.__setattr__(self, "half_life", half_life)

    @property
    def kept(self) -> float:
        """1 − fee: by how much u grows for one whole asset sold."""
        return 1 - self.fee

    @property
    def decay(self) -> float:
        """The share of u that is left after one step."""
        return float(2.0 ** (-1 / self.half_life))

    def level(self, outstanding: Floats) -> Floats:
        """g(u), elementwise, of u at least 0."""
        share: Floats = outstanding / self.amount
        if self.impact == "constant-product":
            return 1 / np.square(1 + share)
        return np.maximum(0.0, 1 - (share if self.impact == "linear" else np.sqrt(share)))

    def raised(self, outstanding: Floats, sold: Floats) -> Floats:
        """What selling brings at f = 1: ∫ g from u to u + (1 − fee) · x, elementwise.

        In a form without differences of large numbers, so that a small sale from a large u loses no
        digits.
        """
        found: Floats
        moved = self.kept * sold
        if self.impact == "constant-product":
            before: Floats = 1 + outstanding / self.amount
            found = moved / (before * (before + moved / self.amount))
            return found
        moved = np.minimum(moved, np.maximum(self.amount - outstanding, 0.0))
        if self.impact == "linear":
            found = moved * (1 - (outstanding + moved / 2) / self.amount)
            return found
        # ∫ √u = ⅔ (b³ − a³) with a, b the roots of the ends, and b − a = x / (a + b).
        a, b = np.sqrt(outstanding), np.sqrt(outstanding + moved)
        sums = np.where(b > 0, a + b, 1.0)
        mean = (a * a + a * b + b * b) / sums * (2 / 3)
        found = moved * (1 - mean / np.sqrt(self.amount))
        return found

    def reach(self, level: Floats) -> Floats:
        """The u at which g falls to a level above 0, elementwise; 0 for a level of 1 or more."""
        below = np.minimum(level, 1.0)
        if self.impact == "constant-product":
            part = 1 / np.sqrt(below) - 1
        else:
            part = 1 - below if self.impact == "linear" else np.square(1 - below)
        return np.where(part > 0, self.amount * np.where(part > 0, part, 1.0), 0.0)


@dataclass(frozen=True, slots=True)
class OracleRule:
    """What the liquidation test and the seizure see of the market.

    Args:
        delay: steps by which it is behind, at least 0: with 0 it sees the step's own price before
            the step's liquidations.
        threshold: it changes only once the price is this far from what it says, as a share of that
            (0.005 on many feeds), at least 0.
        heartbeat: steps after which it changes anyway, at least 1; None: never.
    """

    delay: int = 0
    threshold: float = 0.0
    heartbeat: int | None = None

    def __post_init__(self) -> None:
        whole("oracle.delay", self.delay, 0, 100_000)
        number("oracle.threshold", self.threshold, low=0)
        if self.heartbeat is not None:
            whole("oracle.heartbeat", self.heartbeat, 1, 10**9)


class Oracle:
    """The state of an oracle of several assets."""

    def __init__(self, rule: OracleRule, prices: Floats) -> None:
        self.rule = rule
        self.prices = prices.copy()
        self._seen = [prices.copy()] * rule.delay
        self._age = np.zeros(len(prices), np.int64)

    def see(self, market: Floats) -> bool:
        """One step: the market's prices come in; returns whether any answer changed."""
        self._seen.append(market.copy())
        source = self._seen.pop(0)
        self._age += 1
        moved = source != self.prices
        due = moved & (np.abs(source - self.prices) >= self.rule.threshold * self.prices)
        if self.rule.heartbeat is not None:
            due |= self._age >= self.rule.heartbeat
        self.prices[due] = source[due]
        self._age[due] = 0
        return bool(np.any(due & moved))


@dataclass(frozen=True, slots=True)
class Liquidators:
    """Who liquidates, and how many at once.

    Args:
        per_step: how many liquidations fit into one step (a block's gas limit over the gas of one);
            None: any number. Who finds the price gone when its turn comes has used its place.
        order: who comes first: `profit`, the most profitable at the step's first prices, or
            `health`, the unhealthiest.
        gas_cost: of one liquidation, in quote, at least 0.
        minimum_profit: of one liquidation, in quote, at least 0; nobody acts without a profit.
    """

    per_step: int | None = None
    order: Literal["profit", "health"] = "profit"
    gas_cost: float = 0.0
    minimum_profit: float = 0.0

    def __post_init__(self) -> None:
        if self.per_step is not None:
            whole("liquidators.per_step", self.per_step, 1, 10**9)
        one_of("liquidators.order", self.order, ("profit", "health"))
        number("liquidators.gas_cost", self.gas_cost, low=0)
        number("liquidators.minimum_profit", self.minimum_profit, low=0)


LEAST_LEVEL: Final = 1e-9
"""The market's price is never quoted below this share of f: an impact may take it to 0."""


@dataclass(frozen=True, eq=False)
class Setting:
    """The world around the accounts.

    Args:
        terms: of the policy.
        depths: by symbol, of every asset that somebody holds.
        oracle: what the test sees.
        liquidators: who acts.

    Raises:
        InputError: a depth of an asset that cannot be held.
    """

    terms: SystemTerms
    depths: Mapping[str, Depth]
    oracle: OracleRule = field(default_factory=OracleRule)
    liquidators: Liquidators = field(default_factory=Liquidators)

    def __post_init__(self) -> None:
        for symbol in self.depths:
            place = self.terms.index(symbol, "depths")
            if not self.terms.holdable[place]:
                raise InputError("depths", "an asset that may be held", repr(symbol))
