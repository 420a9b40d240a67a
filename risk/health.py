"""The plain, exact answer to every claim: what a proof must agree with.

It is written from the policy's definitions alone and shares nothing with the compiler that turns a
claim into rows, so that each can be tested against the other.

A slot of side `signed` counts its positive part as collateral with factor `long` and its negative
part as debt with factor `short`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from ..errors import CompileError, OpeningError
from .policy import Band, ClaimRule, Maintenance, Policy, Stress
from .prices import PriceRound
from .registry import Asset, Registry


@dataclass(frozen=True)
class Margin:
    """By how much one condition of a claim is met.

    Attributes:
        name: scenario, `maintenance`, `now` and `survives`, or `low` and `high` of a band.
        value: in quote, with the policy's rounding in it; the condition is met if it is at least 0,
            or above 0 if `strict`.
        strict: whether 0 is not enough; so for the upper bound of a band.
    """

    name: str
    value: Fraction
    strict: bool = False

    @property
    def met(self) -> bool:
        """Whether the condition is met."""
        return self.value > 0 if self.strict else self.value >= 0

    def __repr__(self) -> str:
        return f"Margin({self.name!r}, hidden)"


@dataclass(frozen=True)
class Evaluation:
    """How an account stands against one claim. As secret as the portfolio.

    Attributes:
        collateral: Σ collateral·price·factor at the round's prices, in quote, not rounded.
        debt: Σ debt·price·factor at the round's prices, in quote, not rounded, without the ratio.
        margins: one for each condition of the claim.
        misplaced: names (`symbol (side)`, or `slot 5`) of slots that are not priced and hold
            something, and of unsigned slots that hold less than nothing.
    """

    collateral: Fraction
    debt: Fraction
    margins: tuple[Margin, ...]
    misplaced: tuple[str, ...]

    @property
    def ratio(self) -> Fraction | None:
        """collateral / debt; None, to be read as infinite, if the debt is worth 0."""
        return self.collateral / self.debt if self.debt else None

    @property
    def holds(self) -> bool:
        """Whether the claim is true of the account."""
        return not self.misplaced and all(margin.met for margin in self.margins)

    def __repr__(self) -> str:
        return "Evaluation(hidden)"


def evaluate(
    claim: ClaimRule,
    policy: Policy,
    registry: Registry,
    prices: PriceRound,
    amounts: Sequence[int],
) -> Evaluation:
    """Evaluate a claim on known amounts, exactly.

    Args:
        claim: one of the policy's claims.
        policy: factors, ratio and rounding; checked against the registry (`policy.check_policy`).
        registry: what the slots hold.
        prices: a price of every symbol that has a factor, in the policy's quote.
        amounts: one integer per slot, in the slot's smallest unit; a sum of portfolios is fine.

    Raises:
        CompileError: the round lacks a symbol, or is in another quote.
        OpeningError: not as many amounts as slots.
    """
    if prices.quote != policy.quote:
        raise CompileError(f"expected prices in {policy.quote}, got prices in {prices.quote}")
    for symbol in policy.symbols:
        if symbol not in prices.prices:
            raise CompileError(f"expected a price of {symbol} in the round, got none")
    if len(amounts) != registry.slots:
        raise OpeningError(f"expected {registry.slots} amounts, got {len(amounts)}")
    account = _Account(policy, registry, prices, amounts)
    collateral, debt = account.totals()
    return Evaluation(collateral, debt, account.margins(claim), account.misplaced())


@dataclass(frozen=True, repr=False)
class _Account:
    policy: Policy
    registry: Registry
    prices: PriceRound
    amounts: Sequence[int]

    def totals(self) -> tuple[Fraction, Fraction]:
        """Weighted collateral and weighted debt at the round's prices, exact."""
        collateral, debt = Fraction(0), Fraction(0)
        for asset in self.registry.assets:
            gain, loss = self._factors(asset)
            price = self.prices.prices.get(asset.symbol, Fraction(0)) * asset.smallest_unit
            amount = self.amounts[asset.slot]
            collateral += _held(asset, amount) * price * gain
            debt += _owed(asset, amount) * price * loss
        return collateral, debt

    def margins(self, claim: ClaimRule) -> tuple[Margin, ...]:
        ratio = self.policy.ratio
        if isinstance(claim, Maintenance):
            return (Margin("maintenance", self._above(ratio, {})),)
        if isinstance(claim, Stress):
            return tuple(
                Margin(scenario.name, self._above(ratio, scenario.shocks))
                for scenario in claim.scenarios
            )
        if isinstance(claim, Band):
            low = Margin("low", self._above(claim.low, {}))
            if claim.high is None:
                return (low,)
            return low, Margin("high", self._below(claim.high), strict=True)
        fallen = dict.fromkeys(claim.assets, -claim.fall)
        return (
            Margin("now", self._above(ratio, {})),
            Margin("survives", self._above(ratio, fallen)),
        )

    def misplaced(self) -> tuple[str, ...]:
        found = []
        priced = set(self.policy.factors.pairs())
        for slot, (asset, amount) in enumerate(
            zip(self.registry.by_slot, self.amounts, strict=True)
        ):
            if asset is None:
                if amount:
                    found.append(f"slot {slot}")
            elif (amount and (asset.symbol, asset.side) not in priced) or (
                amount < 0 and asset.side != "signed"
            ):
                found.append(f"{asset.symbol} ({asset.side})")
        return tuple(found)

    def _above(self, ratio: Fraction, shocks: Mapping[str, Fraction]) -> Fraction:
        """Collateral − ratio·debt; rounding makes collateral smaller and debt larger."""
        margin = Fraction(0)
        for asset in self.registry.assets:
            gain, loss = self._factors(asset)
            price = self._unit_price(asset, shocks)
            amount = self.amounts[asset.slot]
            margin += _held(asset, amount) * self._round_down(price * gain)
            margin -= _owed(asset, amount) * self._round_up(price * loss * ratio)
        return margin

    def _below(self, ratio: Fraction) -> Fraction:
        """Ratio·debt − collateral; rounding makes collateral larger and debt smaller."""
        margin = Fraction(0)
        for asset in self.registry.assets:
            gain, loss = self._factors(asset)
            price = self._unit_price(asset, {})
            amount = self.amounts[asset.slot]
            margin += _owed(asset, amount) * self._round_down(price * loss * ratio)
            margin -= _held(asset, amount) * self._round_up(price * gain)
        return margin

    def _unit_price(self, asset: Asset, shocks: Mapping[str, Fraction]) -> Fraction:
        """Price of one smallest unit after the shocks; 0 if the asset is not priced."""
        price = self.prices.prices.get(asset.symbol, Fraction(0))
        return price * (1 + shocks.get(asset.symbol, Fraction(0))) * asset.smallest_unit

    def _factors(self, asset: Asset) -> tuple[Fraction, Fraction]:
        """What a positive and what a negative position counts; 0 where there is no factor."""
        factors, nothing = self.policy.factors, Fraction(0)
        if asset.side == "collateral":
            return factors.collateral.get(asset.symbol, nothing), nothing
        if asset.side == "debt":
            return nothing, factors.debt.get(asset.symbol, nothing)
        signed = factors.signed.get(asset.symbol)
        return (signed.long, signed.short) if signed else (nothing, nothing)

    def _round_down(self, value: Fraction) -> Fraction:
        decimals = self.policy.value_decimals
        if decimals is None:
            return value
        return Fraction(floor(value * 10**decimals), 10**decimals)

    def _round_up(self, value: Fraction) -> Fraction:
        decimals = self.policy.value_decimals
        if decimals is None:
            return value
        return Fraction(ceil(value * 10**decimals), 10**decimals)


def _held(asset: Asset, amount: int) -> int:
    """The part of an amount that counts as collateral."""
    if asset.side == "collateral":
        return amount
    return max(amount, 0) if asset.side == "signed" else 0


def _owed(asset: Asset, amount: int) -> int:
    """The part of an amount that counts as debt, as a positive number."""
    if asset.side == "debt":
        return amount
    return max(-amount, 0) if asset.side == "signed" else 0
