"""What one smallest unit of every slot is worth, in one inequality.

A claim is a list of inequalities Σ assets·price·factor ≥ bound · Σ debts·price·factor, or the
opposite with <. This module writes each of them over the slots, exactly; `compiler` turns them into
rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from ..errors import CompileError
from ..risk.claims import (
    AccountClaim,
    Band,
    Covers,
    Liquid,
    Maintenance,
    NotLiquidatable,
    PortfolioMargin,
    Scenario,
    Stress,
    Survives,
)
from ..risk.factors import Factor, Factors
from ..risk.margin.arrays import margin_arrays
from ..risk.policy import Category, Policy
from ..risk.prices import PriceRound
from ..risk.pricing import Pricing, price
from ..risk.registry import Asset, Registry
from ..risk.values import Exact
from .curves import Curve, UnitValue, Weight
from .deleveraging import Offer, at_every_rate
from .margin_rows import Charge, charges_of
from .quantity import Place
from .statement import MAX_TERMS

_ONE = Fraction(1)
_NO_FACTOR = Exact("1")
Rounding = Callable[[Fraction], int]
Shocks = Mapping[str, Fraction]


@dataclass(frozen=True)
class Cap:
    """Of the value of `limited` no more counts than `share` of the value of `all_`."""

    limited: frozenset[Place]
    all_: frozenset[Place]
    share: Fraction


@dataclass(frozen=True)
class Inequality:
    """Σ value of slots, less what is above the caps and less the charges, ≥ threshold, or > it if
    `strict`.

    Args:
        weights: by account and slot, ascending; slots without weight are left out.
        strict: whether equality fails.
        threshold: in quote.
        caps: over disjoint sets of slots.
        charges: of a margin model.
    """

    weights: dict[Place, Weight]
    strict: bool = False
    threshold: Fraction = Fraction(0)
    caps: tuple[Cap, ...] = ()
    charges: tuple[Charge, ...] = ()


def priced_slots(policy: Policy, registry: Registry) -> dict[int, Asset]:
    """The assets that the policy gives a factor, by slot; every other slot must be empty."""
    pairs = set(policy.factors.pairs())
    return {asset.slot: asset for asset in registry.assets if (asset.symbol, asset.side) in pairs}


def empty_slots(
    rule: AccountClaim | Covers, policy: Policy, registry: Registry
) -> tuple[Place, ...]:
    """The places that must be zero: what has no factor, what a category does not lend, and signed
    slots where assets are to cover liabilities.
    """
    priced = priced_slots(policy, registry)
    if isinstance(rule, PortfolioMargin):
        priced |= _instrument_slots(policy, registry)
    category = policy.category_of(rule)

    def is_empty(slot: int) -> bool:
        asset = priced.get(slot)
        if asset is None:
            return True
        if isinstance(rule, Covers):
            return asset.side == "signed"
        if category is None or asset.side == "collateral":
            return False
        return asset.symbol not in category.debts

    accounts = range(2 if isinstance(rule, Covers) else 1)
    slots = [slot for slot in range(registry.slots) if is_empty(slot)]
    return tuple((account, slot) for account in accounts for slot in slots)


def _instrument_slots(policy: Policy, registry: Registry) -> dict[int, Asset]:
    """The instruments of the margin model: priced in a claim of portfolio margin, and no other."""
    instruments = policy.margin.instruments if policy.margin else {}
    return {
        asset.slot: asset
        for asset in registry.assets
        if asset.side == "signed" and asset.symbol in instruments
    }


def inequalities(
    rule: AccountClaim | Covers, policy: Policy, registry: Registry, prices: PriceRound
) -> Iterator[Inequality]:
    """The inequalities that a claim consists of, in their fixed order, made one after the other.

    Args:
        rule: one of the policy's claims.
        policy: factors, ratio and rounding.
        registry: the slots.
        prices: the round.

    Raises:
        CompileError: a price is missing, or the claim is no concave statement about these assets.
    """
    build = _Builder(policy, registry, price(policy, prices), policy.category_of(rule))
    if isinstance(rule, (Stress, NotLiquidatable)):
        terms = len(rule.scenarios) * len(build.assets)
        if terms > MAX_TERMS:
            raise CompileError(f"scenarios times assets are {terms} terms, more than {MAX_TERMS}")
    if isinstance(rule, Covers):
        yield from build.coverage(rule)
    elif isinstance(rule, NotLiquidatable):
        yield from build.liquidation(rule.scenarios)
    elif isinstance(rule, PortfolioMargin):
        yield build.portfolio_margin(rule, prices)
        yield from build.limits()
    else:
        yield from _tested(rule, build, build.pricing.ratio)
        yield from build.limits()


def _tested(
    rule: Maintenance | Stress | Band | Survives | Liquid, build: _Builder, ratio: Fraction
) -> Iterator[Inequality]:
    match rule:
        case Maintenance():
            yield build.at_least(ratio, {})
        case Stress():
            for scenario in rule.scenarios:
                yield build.at_least(ratio, scenario.shocks)
        case Band():
            yield build.at_least(rule.low, {}, reserved=False)
            if rule.high is not None:
                yield build.below(rule.high)
        case Survives():
            # Now and after the fall: the value is concave in between, so every smaller fall too.
            yield build.at_least(ratio, {})
            yield build.at_least(ratio, dict.fromkeys(rule.assets, -rule.fall))
        case Liquid():
            yield from build.liquid(rule)


class _Builder:
    def __init__(
        self, policy: Policy, registry: Registry, pricing: Pricing, category: Category | None
    ) -> None:
        self.policy = policy
        self.registry = registry
        self.category = category
        self.assets = dict(sorted(priced_slots(policy, registry).items()))
        self.pricing = pricing
        decimals = policy.value_decimals
        self.scale = None if decimals is None else 10**decimals
        own = {} if category is None else category.collateral
        self.maintenance = self._sides(policy.factors, own)
        self.caps = tuple(
            Cap(
                frozenset(self._collateral(set(limit.assets))),
                frozenset(self._collateral(None)),
                limit.share,
            )
            for limit in policy.limits
            if limit.excess == "uncounted"
        )

    def at_least(self, ratio: Fraction, shocks: Shocks, *, reserved: bool = True) -> Inequality:
        """assets ≥ ratio · debts + reserve."""
        return self._above(self.maintenance, ratio, shocks, reserved=reserved)

    def below(self, ratio: Fraction) -> Inequality:
        """assets < ratio · debts, that is ratio · debts − assets > 0; refused if not linear."""
        if self.caps:
            raise CompileError(
                "a band with an upper bound cannot be proved with a limit that leaves the excess "
                "uncounted: the ratio is not linear"
            )
        weights = {}
        for slot, asset in self.assets.items():
            if asset.side == "signed":
                raise CompileError(
                    f"a band cannot be proved with the signed asset {asset.symbol}: how much of it "
                    "is debt depends on the private amount, and then an upper bound on the ratio "
                    "is not linear"
                )
            held, owed = self.maintenance[slot]
            side, multiplier = (held, -_ONE) if asset.side == "collateral" else (owed, ratio)
            weight = Weight(side.curve(None, multiplier, self._rounded(math.floor)))
            if not weight.linear:
                raise CompileError(
                    "a band with an upper bound cannot be proved with the tiers of "
                    f"{asset.symbol}: the ratio is not linear"
                )
            if not weight.nothing:
                weights[0, slot] = weight
        return Inequality(weights, strict=True)

    def liquidation(self, scenarios: Sequence[Scenario]) -> Iterator[Inequality]:
        """The liquidation test and the penalty fee, now and in every scenario."""
        terms = self.policy.liquidation
        if terms is None:
            raise CompileError("the policy has no liquidation terms")
        plain = self._sides(None, {})
        own = {} if self.category is None else self.category.liquidation
        test = self._sides(self.policy.test_factors, own)
        for shocks in ({}, *(scenario.shocks for scenario in scenarios)):
            yield self._above(test, terms.ratio, shocks, reserved=True)
            yield self._above(plain, 1 + terms.penalty, shocks, reserved=False, caps=())

    def liquid(self, rule: Liquid) -> Iterator[Inequality]:
        """Maintenance at the claim's ratio, after trades that its limits and costs allow."""
        after = self.at_least(rule.ratio, {})
        weights, sales, repayments = dict(after.weights), dict[Place, Offer](), dict[Place, Offer]()
        for slot, asset in self.assets.items():
            place, unit, quote = (0, slot), asset.smallest_unit, self.pricing.quotes[asset.symbol]
            sale, repayment = rule.sales.get(asset.symbol), rule.repayments.get(asset.symbol)
            if sale is not None and asset.side != "debt":
                brings = self._rounded(math.floor)(quote.low * unit * (1 - sale.cost))
                if brings > 0 and sale.limit >= unit:
                    sales[place] = Offer(math.floor(sale.limit / unit), brings)
            if repayment is not None and asset.side != "collateral":
                takes = self._rounded(math.ceil)(quote.high * unit * (1 + repayment.cost))
                if takes > 0 and repayment.limit >= unit:
                    repayments[place] = Offer(math.floor(repayment.limit / unit), takes)
            if asset.side == "signed" and (place in sales or place in repayments):
                whole = weights.get(place, Weight(Curve((0,), (Fraction(0),))))
                weights[place] = Weight(whole.positive, whole.negative or whole.positive)
        yield from at_every_rate(replace(after, weights=weights), sales, repayments)

    def portfolio_margin(self, rule: PortfolioMargin, prices: PriceRound) -> Inequality:
        """Maintenance and the instruments at their marks, less the charges of the margin model."""
        groups = margin_arrays(self.policy, self.registry, self.pricing, prices, self.category)
        equity = self.at_least(self.pricing.ratio, {})
        marks = {
            (0, member.slot): Weight(Curve((0,), (member.mark,)))
            for group in groups
            for member in group.members
            if member.mark
        }
        weights = dict(sorted({**equity.weights, **marks}.items()))
        return replace(equity, weights=weights, charges=tuple(charges_of(groups, rule.factor)))

    def limits(self) -> Iterator[Inequality]:
        """share · all collateral ≥ the limited assets, of limits that refuse an excess."""
        plain = self._sides(None, {})
        for limit in self.policy.limits:
            if limit.excess != "refused":
                continue
            weights = {}
            for place in self._collateral(None):
                slot = place[1]
                share = limit.share - (self.assets[slot].symbol in limit.assets)
                curve = plain[slot][0].curve(None, share, self._rounded(math.floor))
                weights[place] = Weight(curve)
            yield Inequality(_without_nothing(weights))

    def coverage(self, rule: Covers) -> list[Inequality]:
        """The first account's assets less its debts ≥ ratio · the second's debts."""
        by_symbol: dict[str, dict[Place, Weight]] = {}
        owing = set()
        for slot, asset in self.assets.items():
            if asset.side == "signed":
                continue
            quote = self.pricing.quotes[asset.symbol]
            key = "" if rule.net else asset.symbol
            weights = by_symbol.setdefault(key, {})
            if asset.side == "collateral":
                value = (quote.low if rule.net else _ONE) * asset.smallest_unit
                weights[0, slot] = self._flat(value, rounded=rule.net)
                continue
            owing.add(key)
            value = -(quote.high if rule.net else _ONE) * asset.smallest_unit
            weights[0, slot] = self._flat(value, rounded=rule.net)
            weights[1, slot] = self._flat(value * rule.ratio, rounded=rule.net)
        return [
            Inequality(_without_nothing(dict(sorted(by_symbol[key].items()))))
            for key in sorted(owing)
        ]

    def _flat(self, value: Fraction, *, rounded: bool) -> Weight:
        weight = self._rounded(math.floor)(value) if rounded else value
        return Weight(Curve((0,), (weight,)))

    def _above(
        self,
        sides: Mapping[int, tuple[UnitValue, UnitValue]],
        ratio: Fraction,
        shocks: Shocks,
        *,
        reserved: bool,
        caps: tuple[Cap, ...] | None = None,
    ) -> Inequality:
        """Rounded against the prover: the weight of a positive amount down, of a negative up."""
        down, up = self._rounded(math.floor), self._rounded(math.ceil)
        weights: dict[Place, Weight] = {}
        for slot, asset in self.assets.items():
            shock = self.pricing.shock(asset.symbol, shocks) if shocks else None
            moved = 1 + shock if shock else None
            held, owed = sides[slot]
            if asset.side == "collateral":
                weight = Weight(held.curve(moved, _ONE, down))
            elif asset.side == "debt":
                # A debt is a positive amount that weighs negatively.
                weight = Weight(owed.curve(moved, -ratio, down))
            else:
                positive, negative = held.curve(moved, _ONE, down), owed.curve(moved, ratio, up)
                same = positive == negative and len(positive.weights) == 1
                weight = Weight(positive, None if same else negative)
            if not weight.nothing:
                weights[0, slot] = weight
        caps = self.caps if caps is None else caps
        return Inequality(
            weights,
            threshold=(self.policy.reserve or Fraction(0)) if reserved else Fraction(0),
            caps=tuple(cap for cap in caps if cap.limited & set(weights)),
        )

    def _collateral(self, symbols: set[str] | None) -> list[Place]:
        return [
            (0, slot)
            for slot, asset in self.assets.items()
            if asset.side == "collateral" and (symbols is None or asset.symbol in symbols)
        ]

    def _sides(
        self, factors: Factors | None, replaced: Mapping[str, Factor]
    ) -> dict[int, tuple[UnitValue, UnitValue]]:
        """By slot: a unit that is held, and one that is owed; before factors if they are None."""
        return {
            slot: (
                self._side(asset, _held_factor(asset, factors, replaced), held=True),
                self._side(asset, _owed_factor(asset, factors), held=False),
            )
            for slot, asset in self.assets.items()
        }

    def _side(self, asset: Asset, factor: Factor, *, held: bool) -> UnitValue:
        quote = self.pricing.quotes[asset.symbol]
        unit_price = (quote.low if held else quote.high) * asset.smallest_unit
        return UnitValue(asset, unit_price, self.pricing.resolve(factor, asset.symbol))

    def _rounded(self, towards: Rounding) -> Callable[[Fraction], Fraction]:
        scale = self.scale
        if scale is None:
            return lambda weight: weight
        return lambda weight: Fraction(towards(weight * scale), scale)


def _held_factor(asset: Asset, factors: Factors | None, replaced: Mapping[str, Factor]) -> Factor:
    if factors is None or asset.side == "debt":
        return _NO_FACTOR
    if asset.side == "signed":
        return factors.signed[asset.symbol].long
    return replaced.get(asset.symbol, factors.collateral[asset.symbol])


def _owed_factor(asset: Asset, factors: Factors | None) -> Factor:
    if factors is None or asset.side == "collateral":
        return _NO_FACTOR
    if asset.side == "signed":
        return factors.signed[asset.symbol].short
    return factors.debt[asset.symbol]


def _without_nothing(weights: dict[Place, Weight]) -> dict[Place, Weight]:
    return {place: weight for place, weight in weights.items() if not weight.nothing}
