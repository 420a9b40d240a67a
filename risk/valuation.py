"""What an account is worth under a policy: factors, tiers, limits, rounding, exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from ..errors import DocumentError, InputError
from .factors import Factors, SignedFactor, Sized, Tiered
from .policy import Category, Policy
from .portfolio import Portfolio
from .prices import PriceRound
from .pricing import Pricing, ResolvedFactor, price
from .registry import Asset, Registry
from .terms import LiquidationTerms

Shocks = Mapping[str, Fraction]
Rounding = Callable[[Fraction], Fraction]


def owes(asset: Asset) -> bool:
    """Whether a slot can hold something that is owed."""
    return asset.side != "collateral"


def held(asset: Asset, amount: int) -> int:
    """The part of an amount that counts as collateral."""
    if asset.side == "collateral":
        return amount
    return max(amount, 0) if asset.side == "signed" else 0


def owed(asset: Asset, amount: int) -> int:
    """The part of an amount that counts as debt, as a positive number."""
    if asset.side == "debt":
        return amount
    return max(-amount, 0) if asset.side == "signed" else 0


@dataclass(frozen=True)
class Account:
    """An account under a policy at a round's prices. As secret as its amounts.

    Args:
        policy, registry: checked against each other.
        pricing: the policy's prices (`pricing.price`).
        amounts: one integer per slot, in the slot's smallest unit.
        category: whose factors replace the policy's, if the account is in one.
    """

    policy: Policy
    registry: Registry
    pricing: Pricing
    amounts: Sequence[int]
    category: Category | None = None

    def __repr__(self) -> str:
        return "Account(hidden)"

    def totals(self) -> tuple[Fraction, Fraction]:
        """Weighted collateral and weighted debt at the round's prices, exact."""
        factors = self._maintenance()
        return self._held(factors, {}, _exact), self._owed(factors, Fraction(1), {}, _exact)

    def market_values(self) -> tuple[Fraction, Fraction]:
        """What is held and what is owed, at the round's prices and before factors, exact."""
        return self._held(None, {}, _exact), self._owed(None, Fraction(1), {}, _exact)

    def above(self, ratio: Fraction, shocks: Shocks, *, reserved: bool = True) -> Fraction:
        """Collateral − ratio·debt − reserve; rounding makes collateral smaller and debt larger."""
        return self._above(self._maintenance(), ratio, shocks, reserved=reserved)

    def above_liquidation(self, terms: LiquidationTerms, shocks: Shocks) -> Fraction:
        """The same by the factors and the ratio of the liquidation test."""
        return self._above(self._liquidation(), terms.ratio, shocks, reserved=True)

    def after_penalty(self, terms: LiquidationTerms, shocks: Shocks) -> Fraction:
        """What is held − (1 + penalty) · what is owed, before factors."""
        return self._above(None, 1 + terms.penalty, shocks, reserved=False)

    def below(self, ratio: Fraction) -> Fraction:
        """Ratio·debt − collateral; rounding makes collateral larger and debt smaller."""
        factors = self._maintenance()
        return self._owed(factors, ratio, {}, self._down) - self._held(factors, {}, self._up)

    def limits(self) -> list[tuple[str, Fraction]]:
        """By name: share · all collateral − the limited assets, of limits that refuse an excess."""
        margins = []
        pledged = [
            asset
            for asset in self.registry.assets
            if asset.side == "collateral" and asset.symbol in self.policy.factors.collateral
        ]
        for limit in self.policy.limits:
            if limit.excess != "refused":
                continue
            margin = Fraction(0)
            for asset in pledged:
                if self.amounts[asset.slot]:
                    value = self.pricing.quotes[asset.symbol].low * asset.smallest_unit
                    amount = self.amounts[asset.slot]
                    if asset.symbol in limit.assets:
                        margin -= amount * self._up(value * (1 - limit.share))
                    else:
                        margin += amount * self._down(value * limit.share)
            margins.append((limit.name, margin))
        return margins

    def slices(self, asset: Asset, ratio: Fraction, *, owed: bool) -> list[tuple[int, Fraction]]:
        """Where each tier of a slot begins, in smallest units, and what one unit in it counts.

        By the maintenance factors at the round's prices, with the policy's rounding: of what is
        held down, of what is owed, times `ratio`, up. `sized` factors have no such slices.
        """
        quote = self.pricing.quotes[asset.symbol]
        unit_price = (quote.high if owed else quote.low) * asset.smallest_unit
        factor = self._factor(asset, self._maintenance(), owed=owed)
        rounded = self._up if owed else self._down
        times = ratio if owed else Fraction(1)
        if isinstance(factor, Fraction):
            return [(0, rounded(unit_price * factor * times))]
        starts = tier_starts(factor, asset, unit_price)
        units = (rounded(unit_price * tier.factor * times) for tier in factor.tiers)
        return list(zip(starts, units, strict=False))

    def traded(self, asset: Asset, cost: Fraction, *, bought: bool) -> Fraction:
        """What selling one smallest unit brings, or buying one takes, rounded as above.

        Args:
            asset: priced.
            cost: share of the price lost to slippage and fees.
            bought: whether it is bought, to repay it.
        """
        quote = self.pricing.quotes[asset.symbol]
        if bought:
            return self._up(quote.high * asset.smallest_unit * (1 + cost))
        return self._down(quote.low * asset.smallest_unit * (1 - cost))

    def _maintenance(self) -> Factors:
        replaced = self.category.collateral if self.category else {}
        return _replace(self.policy.factors, replaced)

    def _liquidation(self) -> Factors:
        replaced = self.category.liquidation if self.category else {}
        return _replace(self.policy.test_factors, replaced)

    def _above(
        self, factors: Factors | None, ratio: Fraction, shocks: Shocks, *, reserved: bool
    ) -> Fraction:
        reserve = (self.policy.reserve or Fraction(0)) if reserved else Fraction(0)
        have = self._held(factors, shocks, self._down)
        return have - self._owed(factors, ratio, shocks, self._up) - reserve

    def _held(self, factors: Factors | None, shocks: Shocks, rounded: Rounding) -> Fraction:
        """What counts as collateral; before factors and limits if `factors` is None."""
        pledged: dict[str, Fraction] = {}
        signed = Fraction(0)
        for asset in self._priced():
            amount = held(asset, self.amounts[asset.slot])
            if not amount:
                continue
            price = self.pricing.quotes[asset.symbol].low * self._moved(asset, shocks)
            unit_price = price * asset.smallest_unit
            factor = self._factor(asset, factors, owed=False)
            value = _value(amount, asset, unit_price, factor, Fraction(1), rounded)
            if asset.side == "collateral":
                pledged[asset.symbol] = value
            else:
                signed += value
        total = sum(pledged.values(), Fraction(0))
        counted = total
        for limit in self.policy.limits if factors is not None else ():
            if limit.excess == "uncounted":
                limited = sum(pledged.get(symbol, Fraction(0)) for symbol in limit.assets)
                counted -= max(limited - limit.share * total, Fraction(0))
        return counted + signed

    def _owed(
        self, factors: Factors | None, ratio: Fraction, shocks: Shocks, rounded: Rounding
    ) -> Fraction:
        """Ratio times what counts as debt."""
        total = Fraction(0)
        for asset in self._priced():
            amount = owed(asset, self.amounts[asset.slot])
            if amount:
                price = self.pricing.quotes[asset.symbol].high * self._moved(asset, shocks)
                unit_price = price * asset.smallest_unit
                factor = self._factor(asset, factors, owed=True)
                total += _value(amount, asset, unit_price, factor, ratio, rounded)
        return total

    def _priced(self) -> list[Asset]:
        pairs = set(self.policy.factors.pairs())
        return [asset for asset in self.registry.assets if (asset.symbol, asset.side) in pairs]

    def _moved(self, asset: Asset, shocks: Shocks) -> Fraction:
        return 1 + self.pricing.shock(asset.symbol, shocks)

    def _factor(self, asset: Asset, factors: Factors | None, *, owed: bool) -> ResolvedFactor:
        if factors is None:
            return Fraction(1)
        if asset.side == "signed":
            both: SignedFactor = factors.signed[asset.symbol]
            return self.pricing.resolve(both.short if owed else both.long, asset.symbol)
        own = factors.debt if asset.side == "debt" else factors.collateral
        return self.pricing.resolve(own[asset.symbol], asset.symbol)

    def _down(self, value: Fraction) -> Fraction:
        decimals = self.policy.value_decimals
        if decimals is None:
            return value
        return Fraction(floor(value * 10**decimals), 10**decimals)

    def _up(self, value: Fraction) -> Fraction:
        decimals = self.policy.value_decimals
        if decimals is None:
            return value
        return Fraction(ceil(value * 10**decimals), 10**decimals)


def account_of(
    portfolio: Portfolio,
    policy: Policy,
    registry: Registry,
    prices: PriceRound,
    category: str | None,
) -> Account:
    """The account of a portfolio, in the category of this name if it is in one.

    Raises:
        DocumentError: a portfolio that does not fit the registry, or with no amount but 0.
        InputError: a category that the policy does not have.
        CompileError: the round does not have what the policy needs (see `pricing.price`).
    """
    if category is not None and category not in policy.categories:
        raise InputError("category", "a category of the policy", repr(category))
    amounts = portfolio.amounts(registry)
    if not any(amounts):
        raise DocumentError("portfolio", "an amount other than 0", "an empty portfolio")
    chosen = None if category is None else policy.categories[category]
    return Account(policy, registry, price(policy, prices), amounts, chosen)


def tier_starts(table: Tiered | Sized, asset: Asset, unit_price: Fraction) -> list[int]:
    """Where each tier begins, in smallest units, rounded down.

    A tier in value begins at the amount that its boundary buys at `unit_price`; what is worth
    nothing stays in the first tier, so that only its start is returned.
    """
    if table.by == "amount":
        return [floor(tier.above / asset.smallest_unit) for tier in table.tiers]
    if not unit_price:
        return [0]
    return [floor(tier.above / unit_price) for tier in table.tiers]


def _value(
    amount: int,
    asset: Asset,
    unit_price: Fraction,
    factor: ResolvedFactor,
    ratio: Fraction,
    rounded: Rounding,
) -> Fraction:
    """Amount · price · factor · ratio, the value of a unit rounded."""
    if isinstance(factor, Fraction):
        return amount * rounded(unit_price * factor * ratio)
    starts = tier_starts(factor, asset, unit_price)
    units = [rounded(unit_price * tier.factor * ratio) for tier in factor.tiers]
    if isinstance(factor, Sized):
        reached = max(index for index, start in enumerate(starts) if amount > start or not index)
        return amount * units[reached]
    ends = [*starts[1:], None]
    total = Fraction(0)
    for start, end, unit in zip(starts, ends, units[: len(starts)], strict=True):
        top = amount if end is None else min(amount, end)
        total += max(top - start, 0) * unit
    return total


def _replace(factors: Factors, replaced: Mapping[str, object]) -> Factors:
    if not replaced:
        return factors
    return factors.model_copy(update={"collateral": {**factors.collateral, **replaced}})


def _exact(value: Fraction) -> Fraction:
    return value
