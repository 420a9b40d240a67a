"""The liquidation of a whole account, one pair of assets after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from ...errors import InputError
from ..checks import exact
from ..fixed_point import whole
from .close import Liquidation, liquidate
from .position import Account, Holding
from .rule import LiquidationRule
from .target import repay_to_reach

MAX_STEPS = 1000
"""The most steps a sequence may be allowed."""

Outcome: TypeAlias = Literal["healthy", "exhausted", "step limit"]
"""Why a sequence ended: health is at least 1; no collateral is left; as many steps as allowed."""


@dataclass(frozen=True, slots=True)
class AccountLiquidation:
    """What became of an account.

    Attributes:
        steps: the liquidations, in their order.
        before, account: the account before and after.
        outcome: why it ended.
    """

    steps: tuple[Liquidation, ...]
    before: Account
    account: Account
    outcome: Outcome

    @property
    def repaid_value(self) -> Fraction:
        """What was repaid, in quote."""
        return self.before.debt_value - self.account.debt_value

    @property
    def seized_value(self) -> Fraction:
        """What was seized, in quote."""
        return self.before.collateral_value - self.account.collateral_value

    @property
    def bad_debt(self) -> Fraction:
        """The part of the debt left that the collateral left does not cover, in quote."""
        return self.account.shortfall


def liquidate_account(
    account: Account,
    rule: LiquidationRule,
    *,
    debts: Sequence[str] | None = None,
    collaterals: Sequence[str] | None = None,
    target: Fraction | None = None,
    max_steps: int = 64,
) -> AccountLiquidation:
    """Liquidate until the account is healthy or has no collateral left.

    Every step takes the first debt and the first collateral, in the stated orders, of which
    something is left. It repays what brings health to the target, where one step can; otherwise as
    much as the rule allows.

    Args:
        account: any; one that is healthy is left as it is.
        rule: the rule.
        debts, collaterals: the orders, naming every asset of the side once; None is the account's
            own.
        target: health to restore, at least 1; None takes all that the rule allows each time.
        max_steps: 1 to 1000. A close factor below 1 without minimum never ends by itself.

    Raises:
        InputError: an order that leaves out, repeats or invents an asset; a number out of range.
    """
    debt_order = _order("debts", account.debt, debts)
    collateral_order = _order("collaterals", account.collateral, collaterals)
    whole("liquidation: max_steps", max_steps, 1, MAX_STEPS)
    if target is not None:
        exact("liquidation: target health", target, low=1)
    steps: list[Liquidation] = []
    now = account
    while now.is_liquidatable:
        held = [symbol for symbol in collateral_order if now.collateral_of(symbol).amount]
        if not held:
            return AccountLiquidation(tuple(steps), account, now, "exhausted")
        if len(steps) == max_steps:
            return AccountLiquidation(tuple(steps), account, now, "step limit")
        owed = next(symbol for symbol in debt_order if now.debt_of(symbol).amount)
        repay = None if target is None else repay_to_reach(now, rule, owed, held[0], target)
        steps.append(liquidate(now, rule, owed, held[0], repay))
        now = steps[-1].account
    return AccountLiquidation(tuple(steps), account, now, "healthy")


def _order(
    where: str, holdings: tuple[Holding, ...], order: Sequence[str] | None
) -> tuple[str, ...]:
    symbols = tuple(item.symbol for item in holdings)
    if order is None:
        return symbols
    if len(order) != len(symbols) or set(order) != set(symbols):
        raise InputError(
            f"liquidation: order of {where}",
            "every asset of the account's side once",
            "another list",
        )
    return tuple(order)
