"""A claim about one account as conditions on slices of its amounts, for `fleet`.

Written from the policy's definitions, like `valuation`, which values one account at a time: each is
tested against the other. They share where tiers begin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from math import ceil, floor

from ..errors import InputError
from .claims import (
    AccountClaim,
    Band,
    Liquid,
    Maintenance,
    NotLiquidatable,
    PortfolioMargin,
    Stress,
    Survives,
)
from .factors import Factor, Factors, Sized
from .fleet_slices import AMOUNT_BOUND, Cap, Condition, Slice, Term, Terms
from .policy import Category, Policy
from .pricing import Pricing, ResolvedFactor
from .registry import Asset, Registry
from .valuation import tier_starts

Rounding = Callable[[Fraction], Fraction]
Shocks = Mapping[str, Fraction]


def conditions(
    claim: AccountClaim, policy: Policy, registry: Registry, pricing: Pricing
) -> tuple[Condition[Fraction], ...]:
    """The conditions of a claim about one account, exact, in the order of `health.evaluate`.

    Raises:
        InputError: a claim about liquidation under a policy without liquidation terms, one about a
            deleveraging, or one of portfolio margin.
    """
    build = _Builder(policy, registry, pricing, policy.category_of(claim))
    if isinstance(claim, NotLiquidatable):
        return tuple(build.liquidation(claim))
    if isinstance(claim, Liquid):
        raise InputError("claim", "a claim about amounts as they are", "one about a deleveraging")
    if isinstance(claim, PortfolioMargin):
        raise InputError("claim", "a claim without scenarios of a margin model", "portfolio margin")
    return (*_tested(claim, build, pricing.ratio), *build.limits())


def _tested(
    claim: Maintenance | Stress | Band | Survives, build: _Builder, ratio: Fraction
) -> list[Condition[Fraction]]:
    match claim:
        case Maintenance():
            return [build.above(ratio, {})]
        case Stress():
            return [build.above(ratio, scenario.shocks) for scenario in claim.scenarios]
        case Band():
            low = build.above(claim.low, {}, reserved=False)
            return [low] if claim.high is None else [low, build.below(claim.high)]
        case Survives():
            fallen = dict.fromkeys(claim.assets, -claim.fall)
            return [build.above(ratio, {}), build.above(ratio, fallen)]


class _Builder:
    def __init__(
        self, policy: Policy, registry: Registry, pricing: Pricing, category: Category | None
    ) -> None:
        self.policy = policy
        self.pricing = pricing
        pairs = set(policy.factors.pairs())
        self.assets = [a for a in registry.assets if (a.symbol, a.side) in pairs]
        self.replaced = category.collateral if category else {}
        self.test_replaced = category.liquidation if category else {}

    def above(
        self, ratio: Fraction, shocks: Shocks, *, reserved: bool = True
    ) -> Condition[Fraction]:
        """Held ≥ ratio · owed + reserve, by the policy's factors."""
        return self._above(self.policy.factors, self.replaced, ratio, shocks, reserved=reserved)

    def below(self, ratio: Fraction) -> Condition[Fraction]:
        """Held < ratio · owed, rounded the other way."""
        factors = self.policy.factors
        held = self._held(factors, self.replaced, {}, self._up)
        owed = self._owed(factors, ratio, {}, self._down)
        return Condition(held, owed, Fraction(0), self._caps(held), reverse=True)

    def liquidation(self, claim: NotLiquidatable) -> Iterator[Condition[Fraction]]:
        """The liquidation test and what is left after the penalty, now and in every scenario."""
        terms = self.policy.liquidation
        if terms is None:
            raise InputError("policy.liquidation", "liquidation terms", "none")
        factors = self.policy.test_factors
        for shocks in ({}, *(scenario.shocks for scenario in claim.scenarios)):
            yield self._above(factors, self.test_replaced, terms.ratio, shocks, reserved=True)
            yield self._above(None, {}, 1 + terms.penalty, shocks, reserved=False)

    def limits(self) -> Iterator[Condition[Fraction]]:
        """share · all collateral ≥ the limited assets, of limits that refuse an excess."""
        for limit in self.policy.limits:
            if limit.excess != "refused":
                continue
            rest: list[Term[Fraction]] = []
            limited: list[Term[Fraction]] = []
            for asset in self.assets:
                if asset.side != "collateral":
                    continue
                value = self.pricing.quotes[asset.symbol].low * asset.smallest_unit
                if asset.symbol in limit.assets:
                    weight = self._up(value * (1 - limit.share))
                    limited += _terms(asset, weight, short=False)
                else:
                    rest += _terms(asset, self._down(value * limit.share), short=False)
            yield Condition(tuple(rest), tuple(limited), Fraction(0))

    def _above(
        self,
        factors: Factors | None,
        replaced: Mapping[str, Factor],
        ratio: Fraction,
        shocks: Shocks,
        *,
        reserved: bool,
    ) -> Condition[Fraction]:
        held = self._held(factors, replaced, shocks, self._down)
        owed = self._owed(factors, ratio, shocks, self._up)
        reserve = Fraction(self.policy.reserve or 0) if reserved else Fraction(0)
        return Condition(held, owed, reserve, self._caps(held) if factors else ())

    def _held(
        self,
        factors: Factors | None,
        replaced: Mapping[str, Factor],
        shocks: Shocks,
        rounded: Rounding,
    ) -> Terms[Fraction]:
        """What is held, before factors if there are none."""
        found: list[Term[Fraction]] = []
        for asset in self.assets:
            if asset.side == "debt":
                continue
            price = self.pricing.quotes[asset.symbol].low
            factor: Factor | None = None
            if factors is not None and asset.side == "signed":
                factor = factors.signed[asset.symbol].long
            elif factors is not None:
                factor = replaced.get(asset.symbol, factors.collateral[asset.symbol])
            found += self._side(asset, price, factor, Fraction(1), shocks, rounded, short=False)
        return tuple(found)

    def _owed(
        self, factors: Factors | None, ratio: Fraction, shocks: Shocks, rounded: Rounding
    ) -> Terms[Fraction]:
        """Ratio times what is owed, before factors if there are none."""
        found: list[Term[Fraction]] = []
        for asset in self.assets:
            if asset.side == "collateral":
                continue
            price = self.pricing.quotes[asset.symbol].high
            short = asset.side == "signed"
            factor: Factor | None = None
            if factors is not None:
                both = factors.signed[asset.symbol] if short else None
                factor = both.short if both else factors.debt[asset.symbol]
            found += self._side(asset, price, factor, ratio, shocks, rounded, short=short)
        return tuple(found)

    def _side(
        self,
        asset: Asset,
        price: Fraction,
        factor: Factor | None,
        multiplier: Fraction,
        shocks: Shocks,
        rounded: Rounding,
        *,
        short: bool,
    ) -> Iterator[Term[Fraction]]:
        moved = price * (1 + self.pricing.shock(asset.symbol, shocks)) * asset.smallest_unit
        resolved: ResolvedFactor = Fraction(1)
        if factor is not None:
            resolved = self.pricing.resolve(factor, asset.symbol)
        if isinstance(resolved, Fraction):
            yield from _terms(asset, rounded(moved * resolved * multiplier), short=short)
            return
        starts = tier_starts(resolved, asset, moved)
        ends = [*starts[1:], None]
        for start, end, tier in zip(starts, ends, resolved.tiers, strict=False):
            weight = rounded(moved * tier.factor * multiplier)
            whole = isinstance(resolved, Sized)
            yield from _terms(asset, weight, start, end, short=short, whole=whole)

    def _caps(self, held: Terms[Fraction]) -> tuple[Cap[Fraction], ...]:
        symbols = {a.slot: a.symbol for a in self.assets if a.side == "collateral"}
        pledged = tuple(term for term in held if term.part.slot in symbols)
        return tuple(
            Cap(
                tuple(term for term in pledged if symbols[term.part.slot] in limit.assets),
                pledged,
                Fraction(limit.share),
            )
            for limit in self.policy.limits
            if limit.excess == "uncounted"
        )

    def _down(self, value: Fraction) -> Fraction:
        decimals = self.policy.value_decimals
        return value if decimals is None else Fraction(floor(value * 10**decimals), 10**decimals)

    def _up(self, value: Fraction) -> Fraction:
        decimals = self.policy.value_decimals
        return value if decimals is None else Fraction(ceil(value * 10**decimals), 10**decimals)


def _terms(
    asset: Asset,
    weight: Fraction,
    start: int = 0,
    end: int | None = None,
    *,
    short: bool,
    whole: bool = False,
) -> Iterator[Term[Fraction]]:
    """The term, or none if it is always zero."""
    if end is not None and end >= AMOUNT_BOUND:
        end = None
    if weight and start < AMOUNT_BOUND and start != end:
        yield Term(Slice(asset.slot, short, start, end, whole), weight)
