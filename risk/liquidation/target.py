"""The smallest liquidation that brings an account's health to a target.

With A the weighted collateral, B the weighted debt, t the threshold of the collateral, w the weight
of the debt and p the penalty, repaying a value x leaves health (A − x·(1 + p)·t) / (B − x·w). It is
at least H if and only if x · (H·w − (1 + p)·t) ≥ H·B − A. Aave v4 has the same formula
(aave/aave-v4, LiquidationLogic.sol: _calculateDebtToTargetHealthFactor).
"""

from __future__ import annotations

from fractions import Fraction

from ...errors import InputError
from ..checks import exact
from .close import repay_limits
from .position import Account
from .rule import LiquidationRule


def repay_to_reach(
    account: Account,
    rule: LiquidationRule,
    debt: str,
    collateral: str,
    target: Fraction,
) -> Fraction | None:
    """The least that may be repaid, by the rule, to bring health to at least the target.

    Args:
        account: liquidatable.
        rule: the rule; see `close` for what it allows.
        debt, collateral: symbols of the account, both with something left.
        target: health wanted, above what it is.

    Returns:
        In whole assets of the debt. None if one liquidation of this pair cannot do it: because the
        rule does not let enough be repaid, or because the penalty takes so much collateral that
        health does not rise, which is so once (1 + p)·t ≥ H·w.

    Raises:
        InputError: as in `close.repay_limits`, or a target that health has reached already.
    """
    limits = repay_limits(account, rule, debt, collateral)
    wanted = exact("liquidation: target health", target, above=0)
    missing = wanted * account.weighted_debt - account.weighted_collateral
    if missing <= 0:
        raise InputError("liquidation: target health", "more than the account's health", "no more")
    owed, held = account.debt_of(debt), account.collateral_of(collateral)
    gain = wanted * owed.weight - (1 + rule.penalty_of(collateral)) * held.weight
    if gain <= 0:
        return None
    return limits.at_least(missing / gain / owed.price)
