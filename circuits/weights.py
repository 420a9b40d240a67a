"""What one smallest unit of every slot is worth, in one inequality.

A claim is a list of inequalities Σ assets·price·factor ≥ bound · Σ debts·price·factor, or the
opposite with <. This module writes each of them over the slots, exactly; `compiler` turns them into
rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from ..errors import CompileError
from ..risk.policy import Band, ClaimRule, Maintenance, Policy, Stress, Survives
from ..risk.prices import PriceRound
from ..risk.registry import Asset, Registry


@dataclass(frozen=True)
class Weight:
    """What one smallest unit of a slot adds to the side that is to be the larger one.

    Args:
        positive: for a unit above zero.
        negative: for a unit below zero; differs from `positive` on signed slots only.
    """

    positive: Fraction
    negative: Fraction


@dataclass(frozen=True)
class Inequality:
    """Σ_slot weight·amount ≥ 0, or > 0 if `strict`.

    Args:
        weights: by slot, ascending; slots without weight are left out.
        strict: whether equality fails.
    """

    weights: dict[int, Weight]
    strict: bool


def priced_slots(policy: Policy, registry: Registry) -> dict[int, Asset]:
    """The assets that the policy gives a factor, by slot; every other slot must be empty."""
    pairs = set(policy.factors.pairs())
    return {asset.slot: asset for asset in registry.assets if (asset.symbol, asset.side) in pairs}


def inequalities(
    rule: ClaimRule, policy: Policy, registry: Registry, prices: PriceRound
) -> list[Inequality]:
    """The inequalities that a claim consists of, in their fixed order.

    Args:
        rule: one of the policy's claims.
        policy: factors, ratio and rounding.
        registry: the slots.
        prices: the round.

    Raises:
        CompileError: a price is missing, or the claim is no linear statement about these assets.
    """
    build = _Builder(policy, registry, prices)
    match rule:
        case Maintenance():
            return [build.at_least(policy.ratio, {})]
        case Stress():
            return [
                build.at_least(policy.ratio, dict(scenario.shocks)) for scenario in rule.scenarios
            ]
        case Survives():
            return [build.at_least(policy.ratio, dict.fromkeys(rule.assets, -rule.fall))]
        case Band():
            _refuse_signed(policy, registry)
            lower = build.at_least(rule.low, {})
            return [lower] if rule.high is None else [lower, build.below(rule.high)]


class _Builder:
    def __init__(self, policy: Policy, registry: Registry, prices: PriceRound) -> None:
        self.policy = policy
        self.assets = priced_slots(policy, registry)
        self.prices = prices

    def at_least(self, ratio: Fraction, shocks: dict[str, Fraction]) -> Inequality:
        """assets ≥ ratio · debts."""
        return self._inequality(ratio, shocks, strict=False)

    def below(self, ratio: Fraction) -> Inequality:
        """assets < ratio · debts, that is ratio · debts − assets > 0."""
        return self._inequality(ratio, {}, strict=True)

    def _inequality(
        self, ratio: Fraction, shocks: dict[str, Fraction], *, strict: bool
    ) -> Inequality:
        sign = -1 if strict else 1
        weights = {}
        for slot, asset in sorted(self.assets.items()):
            held, owed = self._unit_values(asset, ratio, shocks)
            # The weight of a positive amount rounds down, that of a negative one up: both lower the
            # sum.
            positive = self._rounded(sign * held, math.floor)
            negative = self._rounded(sign * owed, math.ceil) if asset.side == "signed" else positive
            weight = Weight(positive, negative)
            if positive or negative:
                weights[slot] = weight
        return Inequality(weights, strict)

    def _unit_values(
        self, asset: Asset, ratio: Fraction, shocks: dict[str, Fraction]
    ) -> tuple[Fraction, Fraction]:
        """What a unit adds to assets − ratio·debts: if the amount is positive, and if it is
        negative.
        """
        price = self.prices.prices.get(asset.symbol)
        if price is None:
            raise CompileError(f"the price round has no price of {asset.symbol}")
        value = price * (1 + shocks.get(asset.symbol, Fraction(0))) * asset.smallest_unit
        factors = self.policy.factors
        if asset.side == "collateral":
            held = value * factors.collateral[asset.symbol]
            return held, held
        if asset.side == "debt":
            owed = -value * factors.debt[asset.symbol] * ratio
            return owed, owed
        factor = factors.signed[asset.symbol]
        return value * factor.long, value * factor.short * ratio

    def _rounded(self, weight: Fraction, towards: Callable[[Fraction], int]) -> Fraction:
        decimals = self.policy.value_decimals
        if decimals is None:
            return weight
        scale = 10**decimals
        return Fraction(towards(weight * scale), scale)


def _refuse_signed(policy: Policy, registry: Registry) -> None:
    for asset in priced_slots(policy, registry).values():
        if asset.side == "signed":
            raise CompileError(
                f"a band cannot be proved with the signed asset {asset.symbol}: how much of it is "
                "debt depends on the private amount, and then an upper bound on the ratio is not "
                "linear"
            )
