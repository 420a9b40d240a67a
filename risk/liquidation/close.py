"""One liquidation: one debt repaid, one collateral seized.

A liquidator repays r of a debt and seizes r · debt price · (1 + penalty) / collateral price of a
collateral; the protocol keeps its share of the penalty out of what is seized. Nothing is rounded.

How much may be repaid at once:

- at most `close_factor` of the debt, or all of it if the account's health is below
  `close_all_below`;
- at most what the collateral pays for: then all of the collateral is seized;
- so much that what is left of the debt and what is left of the collateral are each worth at least
  `minimum`, unless one of the two is gone. Where the close factor would leave less than that, it
  does not apply, and all may be repaid.

This is the shape of Aave v3.3 and later (aave-dao/aave-v3-origin, LiquidationLogic.sol:
executeLiquidationCall), without its roundings and its two thresholds; those are in its preset.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ...errors import InputError
from ..checks import exact
from .position import Account, Holding
from .rule import LiquidationRule


@dataclass(frozen=True, slots=True)
class RepayLimits:
    """Which amounts of a debt may be repaid in one liquidation, in whole assets of the debt.

    Attributes:
        partial: everything above 0 up to this may be repaid; 0 if nothing may be left over.
        whole: this may be repaid too: with it the debt or the collateral is gone. None if the
            close factor forbids it.
    """

    partial: Fraction
    whole: Fraction | None

    @property
    def largest(self) -> Fraction:
        """The most that may be repaid."""
        return self.partial if self.whole is None else self.whole

    def allows(self, repay: Fraction) -> bool:
        """Whether exactly this may be repaid."""
        return 0 < repay <= self.partial or repay == self.whole

    def at_least(self, repay: Fraction) -> Fraction | None:
        """The least that may be repaid and is no less than `repay`, which is above 0."""
        if repay <= self.partial:
            return repay
        return self.whole if self.whole is not None and repay <= self.whole else None


@dataclass(frozen=True, slots=True)
class Liquidation:
    """What one liquidation did.

    Attributes:
        debt, collateral: the symbols.
        repaid: in whole assets of the debt.
        repaid_value: the same in quote.
        seized: what the account loses, in whole assets of the collateral.
        protocol_fee: the protocol's part of what is seized, in whole assets of the collateral.
        penalty_value: what the account pays on top of what is repaid, in quote.
        before, account: the account before and after.
    """

    debt: str
    collateral: str
    repaid: Fraction
    repaid_value: Fraction
    seized: Fraction
    protocol_fee: Fraction
    penalty_value: Fraction
    before: Account
    account: Account

    @property
    def to_liquidator(self) -> Fraction:
        """The liquidator's part of what is seized, in whole assets of the collateral."""
        return self.seized - self.protocol_fee

    @property
    def health_before(self) -> Fraction | None:
        """Health before; below 1, so never None."""
        return self.before.health

    @property
    def health_after(self) -> Fraction | None:
        """Health after, which may be lower than before; None if no debt is left."""
        return self.account.health


def seized_per_repaid(rule: LiquidationRule, debt: Holding, collateral: Holding) -> Fraction:
    """Collateral seized for one whole asset of the debt that is repaid."""
    return debt.price * (1 + rule.penalty_of(collateral.symbol)) / collateral.price


def received_per_repaid(rule: LiquidationRule, debt: Holding, collateral: Holding) -> Fraction:
    """The liquidator's part of `seized_per_repaid`."""
    kept = rule.penalty_of(collateral.symbol) * (1 - rule.protocol_share)
    return debt.price * (1 + kept) / collateral.price


def repay_limits(
    account: Account, rule: LiquidationRule, debt: str, collateral: str
) -> RepayLimits:
    """How much of a debt may be repaid for a collateral; see this module's docstring.

    Args:
        account: liquidatable.
        rule: the rule.
        debt, collateral: symbols of the account, both with something left.

    Raises:
        InputError: the account is not liquidatable, does not have these assets, or has nothing of
            one of them.
    """
    if not account.is_liquidatable:
        raise InputError("liquidation: account", "health below 1", "a healthy account")
    owed, held = account.debt_of(debt), account.collateral_of(collateral)
    for side, item in (("debt", owed), ("collateral", held)):
        if item.amount == 0:
            raise InputError(f"liquidation: {side} {item.symbol}", "an amount above 0", "0")
    seized = seized_per_repaid(rule, owed, held)
    gone = min(owed.amount, held.amount / seized)
    undusted = min(
        owed.amount - rule.minimum / owed.price,
        (held.amount - rule.minimum / held.price) / seized,
    )
    step = rule.close_factor * owed.amount
    everything = account.weighted_collateral < rule.close_all_below * account.weighted_debt
    if everything or gone <= step or undusted < step:
        return RepayLimits(max(Fraction(0), undusted), gone)
    return RepayLimits(step, None)


def liquidate(
    account: Account,
    rule: LiquidationRule,
    debt: str,
    collateral: str,
    repay: Fraction | None = None,
) -> Liquidation:
    """Repay a debt and seize a collateral.

    Args:
        account: liquidatable.
        rule: the rule.
        debt, collateral: symbols of the account.
        repay: in whole assets of the debt, above 0; what is more than may be repaid is cut down to
            that. None: as much as may be.

    Raises:
        InputError: as in `repay_limits`; or this much would leave less than the minimum.
    """
    limits = repay_limits(account, rule, debt, collateral)
    if repay is None:
        return _carry_out(account, rule, debt, collateral, limits.largest)
    wanted = exact(f"liquidation: repay of {debt}", repay, above=0)
    repaid = min(wanted, limits.largest)
    if not limits.allows(repaid):
        raise InputError(
            f"liquidation: repay of {debt}",
            "an amount that leaves the minimum of debt and of collateral, or all",
            "one that leaves less",
        )
    return _carry_out(account, rule, debt, collateral, repaid)


def _carry_out(
    account: Account, rule: LiquidationRule, debt: str, collateral: str, repaid: Fraction
) -> Liquidation:
    owed, held = account.debt_of(debt), account.collateral_of(collateral)
    seized = repaid * seized_per_repaid(rule, owed, held)
    return Liquidation(
        debt=debt,
        collateral=collateral,
        repaid=repaid,
        repaid_value=repaid * owed.price,
        seized=seized,
        protocol_fee=seized - repaid * received_per_repaid(rule, owed, held),
        penalty_value=repaid * owed.price * rule.penalty_of(collateral),
        before=account,
        account=account.after(debt, repaid, collateral, seized),
    )
