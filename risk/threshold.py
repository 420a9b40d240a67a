"""The two thresholds of an account, maintenance and liquidation, and how far prices are from them.

A margin is what the positions contribute, less the reserve and what exceeds the uncounted limits;
only the positions whose price moves are evaluated anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal

from .factors import Factor, Sized
from .pricing import Pricing
from .registry import Asset
from .safe_range import SafeRange, safe_range
from .valuation import Account, Shocks, held

ThresholdName = Literal["maintenance", "liquidation"]


@dataclass(frozen=True)
class Threshold:
    """A test that an account passes or fails: its margin is `account.above(ratio, shocks)`.

    Attributes:
        name: which of the two.
        account: with the factors of this test as its own.
        ratio: what the debt is multiplied by.
    """

    name: ThresholdName
    account: Account
    ratio: Fraction

    def __repr__(self) -> str:
        return "Threshold(hidden)"

    def margin(self, shocks: Shocks) -> Fraction:
        """Weighted collateral − ratio · weighted debt − reserve, with the policy's rounding."""
        return self.account.above(self.ratio, shocks)

    def health_factor(self) -> Fraction | None:
        """Weighted collateral / (ratio · weighted debt), not rounded; None (infinite): no debt."""
        collateral, debt = self.account.totals()
        return collateral / (self.ratio * debt) if debt else None

    def safe_moves(self, drivers: Collection[str], fixed: Shocks) -> SafeRange | None:
        """The common multiples of some prices at which the test is passed.

        Args:
            drivers: symbols whose prices move together, and with them those that follow them; a
                wrapper's own is a depeg.
            fixed: shocks of other symbols, which stay, as does what follows these more closely.

        Returns:
            The interval around 1, or the nearest one; None if there is none.
        """
        account, movers, pledged, others = self.account, [], dict[str, Fraction](), Fraction(0)
        named = {*drivers, *fixed}
        for asset, single in self._singles.items():
            if account.pricing.named(asset.symbol, named) in drivers:
                movers.append((asset, single))
                continue
            moved = account.pricing.shock(asset.symbol, fixed)
            value = single.above(self.ratio, fixed, reserved=False) if moved else self._now[asset]
            if asset.side == "collateral":
                pledged[asset.symbol] = value
            else:
                others += value

        def margin(multiple: Fraction) -> Fraction:
            shocks = {**fixed, **dict.fromkeys(drivers, multiple - 1)}
            held_now, total = pledged.copy(), others
            for asset, single in movers:
                value = single.above(self.ratio, shocks, reserved=False)
                if asset.side == "collateral":
                    held_now[asset.symbol] = value
                else:
                    total += value
            collateral = sum(held_now.values(), Fraction(0))
            return total + collateral - self._taken_off(held_now, collateral)

        drops = [drop for asset, _ in movers for drop in self._drops(asset)]
        stepped = account.policy.value_decimals is not None
        return safe_range(margin, drops, stepped=stepped)

    def weights(self) -> dict[Asset, tuple[Fraction, Fraction]]:
        """By position what counts as collateral and as debt, before limits, not rounded."""
        return {asset: single.totals() for asset, single in self._singles.items()}

    @cached_property
    def _singles(self) -> dict[Asset, Account]:
        """Accounts that hold or owe one position each, without limits."""
        return {asset: self._single(asset) for asset in positions(self.account)}

    def _single(self, asset: Asset) -> Account:
        account = self.account
        factors = account.policy.factors
        # Of the others nothing is left that would have to be looked through again and again.
        own: dict[str, Any] = {"collateral": {}, "debt": {}, "signed": {}} | {
            asset.side: {
                asset.symbol: factors.signed[asset.symbol]
                if asset.side == "signed"
                else self._factor(asset)
            }
        }
        update = {"limits": (), "factors": factors.model_copy(update=own)}
        return replace(
            account,
            policy=account.policy.model_copy(update=update),
            registry=account.registry.model_copy(update={"assets": (asset,)}),
            category=None,
        )

    @cached_property
    def _now(self) -> dict[Asset, Fraction]:
        return {
            asset: single.above(self.ratio, {}, reserved=False)
            for asset, single in self._singles.items()
        }

    def _taken_off(self, pledged: dict[str, Fraction], collateral: Fraction) -> Fraction:
        """The reserve, and what the limits leave uncounted."""
        off = self.account.policy.reserve or Fraction(0)
        for limit in self.account.policy.limits:
            if limit.excess == "uncounted":
                limited = sum(pledged.get(symbol, Fraction(0)) for symbol in limit.assets)
                off += max(limited - limit.share * collateral, Fraction(0))
        return off

    def _drops(self, asset: Asset) -> Iterator[Fraction]:
        """The multiples of the price at which a position grows into another `sized` tier."""
        account = self.account
        amount, quote = account.amounts[asset.slot], account.pricing.quotes[asset.symbol]
        factor = self._factor(asset)
        if isinstance(factor, Sized) and factor.by == "value":
            price = quote.low if held(asset, amount) else quote.high
            for tier in factor.tiers[1:]:
                yield tier.above / (abs(amount) * asset.smallest_unit * price)

    def _factor(self, asset: Asset) -> Factor:
        factors, category = self.account.policy.factors, self.account.category
        if asset.side == "signed":
            both = factors.signed[asset.symbol]
            return both.long if self.account.amounts[asset.slot] > 0 else both.short
        if asset.side == "debt":
            return factors.debt[asset.symbol]
        replaced = category.collateral if category else {}
        return replaced.get(asset.symbol, factors.collateral[asset.symbol])


def maintenance_threshold(account: Account) -> Threshold:
    """Collateral ≥ ratio · debt + reserve, by its factors, with the ratio that applies."""
    return Threshold("maintenance", account, account.pricing.ratio)


def liquidation_threshold(account: Account) -> Threshold | None:
    """The test that liquidation waits for; None if the policy has no liquidation terms."""
    policy, category = account.policy, account.category
    if policy.liquidation is None:
        return None
    tested = replace(
        account,
        policy=policy.model_copy(update={"factors": policy.test_factors}),
        category=category and category.model_copy(update={"collateral": category.liquidation}),
    )
    return Threshold("liquidation", tested, policy.liquidation.ratio)


def positions(account: Account) -> list[Asset]:
    """The assets with a factor of which the account holds or owes something."""
    pairs = set(account.policy.factors.pairs())
    return [
        asset
        for asset in account.registry.assets
        if (asset.symbol, asset.side) in pairs and account.amounts[asset.slot]
    ]


def driver(pricing: Pricing, symbol: str) -> str:
    """The symbol that this one's price moves with: its root, or itself."""
    return pricing.followers.get(symbol, symbol)
