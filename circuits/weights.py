"""What one smallest unit of every slot is worth, in one inequality.

A claim is a list of inequalities Σ assets·price·factor ≥ bound · Σ debts·price·factor, or the
opposite with <. This module writes each of them over the slots, exactly; `compiler` turns them into
rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from ..errors import CompileError
from ..risk.policy import Band, ClaimRule, Maintenance, Policy, Stress, Survives
from ..risk.prices import PriceRound
from ..risk.registry import Asset, Registry
from .statement import MAX_TERMS


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
    if isinstance(rule, Stress) and len(rule.scenarios) * len(build.assets) > MAX_TERMS:
        raise CompileError(
            f"{len(rule.scenarios)} scenarios of {len(build.assets)} assets are more than "
            f"{MAX_TERMS} terms"
        )
    match rule:
        case Maintenance():
            return [build.at_least(policy.ratio, {})]
        case Stress():
            return [build.at_least(policy.ratio, scenario.shocks) for scenario in rule.scenarios]
        case Survives():
            # Now and after the fall: the value is linear in between, so every smaller fall too.
            fallen = dict.fromkeys(rule.assets, -rule.fall)
            return [build.at_least(policy.ratio, {}), build.at_least(policy.ratio, fallen)]
        case Band():
            lower = build.at_least(rule.low, {})
            if rule.high is None:
                return [lower]
            _refuse_signed(policy, registry)
            return [lower, build.below(rule.high)]


class _Builder:
    def __init__(self, policy: Policy, registry: Registry, prices: PriceRound) -> None:
        self.policy = policy
        self.assets = dict(sorted(priced_slots(policy, registry).items()))
        self.values = {slot: self._unit_value(asset, prices) for slot, asset in self.assets.items()}
        decimals = policy.value_decimals
        self.scale = None if decimals is None else 10**decimals

    def _unit_value(self, asset: Asset, prices: PriceRound) -> tuple[Fraction, Fraction]:
        """What a unit is worth with its factor: one that is held, and one that is owed."""
        price = prices.prices.get(asset.symbol)
        if price is None:
            raise CompileError(f"the price round has no price of {asset.symbol}")
        value = price * asset.smallest_unit
        factors = self.policy.factors
        if asset.side == "collateral":
            return value * factors.collateral[asset.symbol], Fraction(0)
        if asset.side == "debt":
            return Fraction(0), value * factors.debt[asset.symbol]
        factor = factors.signed[asset.symbol]
        return value * factor.long, value * factor.short

    def at_least(self, ratio: Fraction, shocks: Mapping[str, Fraction]) -> Inequality:
        """assets ≥ ratio · debts."""
        return self._inequality(ratio, shocks, strict=False)

    def below(self, ratio: Fraction) -> Inequality:
        """assets < ratio · debts, that is ratio · debts − assets > 0."""
        return self._inequality(ratio, {}, strict=True)

    def _inequality(
        self, ratio: Fraction, shocks: Mapping[str, Fraction], *, strict: bool
    ) -> Inequality:
        for_assets, for_debts = (-1, -ratio) if strict else (1, ratio)
        weights = {}
        for slot, asset in self.assets.items():
            held, owed = self.values[slot]
            shock = shocks.get(asset.symbol)
            if shock is not None:
                held, owed = held * (1 + shock), owed * (1 + shock)
            weight = self._weight(asset, held * for_assets, owed * for_debts)
            if weight.positive or weight.negative:
                weights[slot] = weight
        return Inequality(weights, strict)

    def _weight(self, asset: Asset, held: Fraction, owed: Fraction) -> Weight:
        """Rounded against the prover: the weight of a positive amount down, of a negative up."""
        if asset.side == "signed":
            return Weight(self._rounded(held, math.floor), self._rounded(owed, math.ceil))
        # A debt is a positive amount that weighs negatively.
        weight = self._rounded(held if asset.side == "collateral" else -owed, math.floor)
        return Weight(weight, weight)

    def _rounded(self, weight: Fraction, towards: Callable[[Fraction], int]) -> Fraction:
        return weight if self.scale is None else Fraction(towards(weight * self.scale), self.scale)


def _refuse_signed(policy: Policy, registry: Registry) -> None:
    for asset in priced_slots(policy, registry).values():
        if asset.side == "signed":
            raise CompileError(
                f"a band cannot be proved with the signed asset {asset.symbol}: how much of it is "
                "debt depends on the private amount, and then an upper bound on the ratio is not "
                "linear"
            )
