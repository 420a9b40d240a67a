"""What a portfolio margin model asks of an account, on known amounts, exactly.

    requirement = Σ over underlyings of (worst loss + roll + delta)

It is written from the definitions of `model` and shares with the compiler of claims nothing but the
public numbers of one unit (`arrays`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ...errors import CompileError, OpeningError
from ..policy import Category, Policy
from ..prices import PriceRound
from ..pricing import price
from ..registry import Registry
from ..valuation import Account
from .arrays import GroupArrays, margin_arrays


@dataclass(frozen=True)
class GroupRisk:
    """What the positions on one underlying may lose, in quote. As secret as the amounts.

    Attributes:
        underlying: its name in the model.
        values: by scenario, in order, what the netted positions gain or lose, with weight,
            dampener and offset in it.
        worst: the scenario of the smallest value; the first of them, if several.
        loss: the loss in it, at least 0.
        roll: Σ over expiries of |netted delta| · what the basis may move.
        delta: the contingency of a delta above the threshold.
    """

    underlying: str
    values: tuple[tuple[str, Fraction], ...]
    worst: str
    loss: Fraction
    roll: Fraction
    delta: Fraction

    @property
    def requirement(self) -> Fraction:
        """loss + roll + delta."""
        return self.loss + self.roll + self.delta

    def __repr__(self) -> str:
        return f"GroupRisk({self.underlying!r}, hidden)"


@dataclass(frozen=True)
class MarginEvaluation:
    """How an account stands against a margin model, in quote. As secret as the portfolio.

    Attributes:
        equity: weighted collateral − ratio · weighted debt + signed slots (as in `maintenance`,
            with its rounding and limits) + instruments at their public marks.
        groups: of every underlying, ascending.
    """

    equity: Fraction
    groups: tuple[GroupRisk, ...]

    @property
    def requirement(self) -> Fraction:
        """What the model asks, before the factor of a claim."""
        return sum((group.requirement for group in self.groups), Fraction(0))

    def __repr__(self) -> str:
        return "MarginEvaluation(hidden)"


def evaluate_margin(
    policy: Policy,
    registry: Registry,
    prices: PriceRound,
    amounts: Sequence[int],
    category: Category | None = None,
) -> MarginEvaluation:
    """Equity and requirement of an account under the policy's margin model.

    Args:
        policy: with a margin model; checked against the registry (`policy.check_policy`).
        registry: what the slots hold.
        prices: the round, with every price and figure that the policy names.
        amounts: one integer per slot, in the slot's smallest unit.
        category: whose factors replace the policy's, if the account is in one.

    Raises:
        CompileError: no margin model, an instrument that has expired, or what `pricing.price`
            raises.
        OpeningError: not as many amounts as slots.
    """
    if policy.margin is None:
        raise CompileError("the policy has no margin model")
    if len(amounts) != registry.slots:
        raise OpeningError(f"expected {registry.slots} amounts, got {len(amounts)}")
    pricing = price(policy, prices)
    account = Account(policy, registry, pricing, amounts, category)
    equity = account.above(pricing.ratio, {}, reserved=False)
    groups = []
    for group in margin_arrays(policy, registry, pricing, prices, category):
        for member in group.members:
            equity += amounts[member.slot] * member.mark
        groups.append(_risk(group, amounts))
    return MarginEvaluation(equity, tuple(groups))


def _risk(group: GroupArrays, amounts: Sequence[int]) -> GroupRisk:
    values = []
    for index, scenario in enumerate(group.scenarios):
        value = sum(
            (amounts[member.slot] * member.values[index] for member in group.members), Fraction(0)
        )
        if value < 0:
            value = min(value + group.reliefs[index], Fraction(0))
        else:
            value *= group.offset
        values.append((scenario.name, value))
    worst, smallest = min(values, key=lambda each: each[1])
    by_expiry: dict[str, Fraction] = {}
    shocked = Fraction(0)
    for member in group.members:
        shocked += amounts[member.slot] * member.shock
        if member.expiry is not None:
            before = by_expiry.get(member.expiry, Fraction(0))
            by_expiry[member.expiry] = before + amounts[member.slot] * member.roll
    return GroupRisk(
        group.underlying,
        tuple(values),
        worst,
        max(-smallest, Fraction(0)),
        sum((abs(value) for value in by_expiry.values()), Fraction(0)),
        max(abs(shocked) - group.threshold, Fraction(0)),
    )
