"""A policy's liquidation terms, and an account under it, as the liquidation engine takes them.

What the account holds, long signed positions among it, is collateral; what it owes is debt, short
signed positions among it: to repay a short position is to close it.

Each holding weighs what it counts in the policy's liquidation test, over its market value: by
factors, tiers, limits and rounding at the present amounts, with the ratio and the reserve in the
weights of the debts. So the account is liquidatable exactly when `valuation` says so. After a
liquidation the weights are old. What is left of an asset never counts for less than its share did,
so that without limits and reserve the truth is at least as good as they say, but for the rounding
to smallest units. In general it may be worse: whoever goes on weighs anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import ceil, floor
from typing import cast

from ...errors import InputError
from ..checks import exact
from ..policy import Policy
from ..registry import Asset, Registry
from ..terms import LiquidationTerms
from ..threshold import Threshold, liquidation_threshold, positions
from ..valuation import Account as PolicyAccount
from ..valuation import Shocks, owed
from .position import Account, Holding
from .rule import LiquidationRule

_SYMBOL = 64 - len(":signed")


@dataclass(frozen=True)
class Place:
    """A slot of the registry as the liquidation engine sees it.

    Attributes:
        symbol: that of the asset; with `:signed` behind it for a signed slot beside another one of
            the same symbol.
        asset: the slot.
        owed: whether the account owes it, or has sold it short.
        price: of one whole asset in quote, after shocks; above 0.
    """

    symbol: str
    asset: Asset
    owed: bool
    price: Fraction


@dataclass(frozen=True)
class Weighed:
    """How an account stands against the liquidation test, with so much left. Secret.

    Attributes:
        headroom: weighted collateral − ratio · weighted debt − reserve, as the exact engine says of
            the amounts rounded against the account; below 0 it may be liquidated.
        health: weighted collateral / (ratio · weighted debt), without reserve or rounding of
            values; None, to be read as infinite, if the debt weighs nothing.
        account: the same for the liquidation engine.
    """

    headroom: Fraction
    health: Fraction | None
    account: Account

    def __repr__(self) -> str:
        return "Weighed(hidden)"


@dataclass(frozen=True)
class Weighing:
    """An account under a policy, whose positions are weighed while they are liquidated. Secret.

    Args:
        start: the account before; its policy has liquidation terms.
        shocks: of prices, as in a scenario.

    Raises:
        InputError: a policy without liquidation terms; a shock below −1, or of a symbol whose price
            the policy does not ask for.
    """

    start: PolicyAccount
    shocks: Shocks

    def __repr__(self) -> str:
        return "Weighing(hidden)"

    def __post_init__(self) -> None:
        policy = self.start.policy
        liquidation_terms(policy)
        known = {*policy.symbols, *policy.underlyings}
        for symbol, shock in self.shocks.items():
            if symbol not in known:
                raise InputError("shocks", "a symbol that the policy prices", repr(symbol)[:80])
            exact(f"shocks: {symbol}", shock, low=-1)

    @property
    def terms(self) -> LiquidationTerms:
        """The policy's liquidation terms."""
        return liquidation_terms(self.start.policy)

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """What the account holds and owes that has a factor and a price above 0, by slot."""
        found = []
        for asset in positions(self.start):
            quote = self.start.pricing.quotes[asset.symbol]
            owes = owed(asset, self.start.amounts[asset.slot]) > 0
            moved = 1 + self.start.pricing.shock(asset.symbol, self.shocks)
            price = (quote.high if owes else quote.low) * moved
            if price:
                found.append(Place(_label(asset, self.start.registry), asset, owes, price))
        return tuple(found)

    @property
    def amounts(self) -> dict[Place, Fraction]:
        """What there is at the start, in whole assets; a debt is a positive number."""
        return {
            place: (-1 if place.owed and place.asset.side == "signed" else 1)
            * self.start.amounts[place.asset.slot]
            * place.asset.smallest_unit
            for place in self.places
        }

    def weigh(self, left: Mapping[Place, Fraction]) -> Weighed:
        """How the account stands with so much left.

        Args:
            left: of every place, in whole assets, from 0 to what there was. A part of a smallest
                unit is none if it is held, and a whole one if it is owed.
        """
        units = self.units(left)
        account = replace(self.start, amounts=units)
        return Weighed(
            headroom=account.above_liquidation(self.terms, self.shocks),
            health=self._health(units),
            account=self._weighed(left, units),
        )

    def units(self, left: Mapping[Place, Fraction]) -> tuple[int, ...]:
        """The amounts of all slots in smallest units, rounded against the account."""
        units = list(self.start.amounts)
        for place in self.places:
            count = left[place] / place.asset.smallest_unit
            number = ceil(count) if place.owed else floor(count)
            short = place.owed and place.asset.side == "signed"
            units[place.asset.slot] = -number if short else number
        return tuple(units)

    @cached_property
    def _test(self) -> Threshold:
        return cast(Threshold, liquidation_threshold(self.start))

    @cached_property
    def _unrounded(self) -> PolicyAccount:
        policy = self._test.account.policy.model_copy(update={"value_decimals": None})
        return replace(self._test.account, policy=policy)

    @cached_property
    def _singles(self) -> dict[Place, PolicyAccount]:
        """By place the account before the test as if it had nothing else, without limits."""
        account = self._test.account
        policy = account.policy.model_copy(update={"limits": ()})
        return {
            place: replace(
                account,
                policy=policy,
                registry=account.registry.model_copy(update={"assets": (place.asset,)}),
            )
            for place in self.places
        }

    @cached_property
    def _known(self) -> dict[tuple[Place, int], Fraction]:
        return {}

    def _health(self, units: tuple[int, ...]) -> Fraction | None:
        debts = {place.asset.slot for place in self.places if place.owed}
        sides = [
            tuple(number if (slot in debts) is side else 0 for slot, number in enumerate(units))
            for side in (False, True)
        ]
        held, debt = (
            replace(self._unrounded, amounts=side).above(
                self.terms.ratio, self.shocks, reserved=False
            )
            for side in sides
        )
        return held / -debt if debt else None

    def _weighed(self, left: Mapping[Place, Fraction], units: tuple[int, ...]) -> Account:
        counted = {place: self._single(place, units) for place in self.places}
        self._take_off_limits(counted)
        debts = [place for place in self.places if place.owed and left[place]]
        owed_value = sum((left[place] * place.price for place in debts), Fraction(0))
        reserve = self.start.policy.reserve or Fraction(0)

        def holding(place: Place) -> Holding:
            weight = counted[place] / (left[place] * place.price)
            added = reserve / owed_value if place.owed else Fraction(0)
            return Holding(place.symbol, left[place], place.price, weight + added)

        return Account(
            tuple(holding(place) for place in self.places if not place.owed and left[place]),
            tuple(holding(place) for place in debts),
        )

    def _single(self, place: Place, units: tuple[int, ...]) -> Fraction:
        """What a position counts in the test, before limits; at least 0."""
        key = place, units[place.asset.slot]
        if key not in self._known:
            account = replace(self._singles[place], amounts=units)
            counted = account.above(self.terms.ratio, self.shocks, reserved=False)
            self._known[key] = abs(counted)
        return self._known[key]

    def _take_off_limits(self, counted: dict[Place, Fraction]) -> None:
        """What the limits leave uncounted is taken off the limited assets alike."""
        pledged = {p.asset.symbol: p for p in self.places if p.asset.side == "collateral"}
        total = sum((counted[place] for place in pledged.values()), Fraction(0))
        for limit in self.start.policy.limits:
            if limit.excess != "uncounted":
                continue
            limited = [pledged[symbol] for symbol in limit.assets if symbol in pledged]
            value = sum((counted[place] for place in limited), Fraction(0))
            if value > limit.share * total:
                for place in limited:
                    counted[place] *= limit.share * total / value


def liquidation_terms(policy: Policy) -> LiquidationTerms:
    """The liquidation terms of a policy; InputError if it has none."""
    if policy.liquidation is None:
        raise InputError("policy: liquidation", "liquidation terms", "none")
    return policy.liquidation


def liquidation_rule(terms: LiquidationTerms) -> LiquidationRule:
    """What one liquidation may do by a policy's terms."""
    return LiquidationRule(
        close_factor=Fraction(terms.close_factor),
        penalty=Fraction(terms.penalty),
        protocol_share=Fraction(terms.protocol_share),
        close_all_below=Fraction(terms.close_all_below),
        minimum=Fraction(terms.minimum),
    )


def liquidation_account(account: PolicyAccount, shocks: Shocks) -> Account:
    """An account under a policy for the liquidation engine, weighed at its present amounts.

    Raises:
        InputError: as for `Weighing`.
    """
    weighing = Weighing(account, shocks)
    return weighing.weigh(weighing.amounts).account


def _label(asset: Asset, registry: Registry) -> str:
    same = [each for each in registry.assets if each.symbol == asset.symbol]
    if asset.side != "signed" or len(same) == 1:
        return asset.symbol
    return f"{asset.symbol[:_SYMBOL]}:signed"
