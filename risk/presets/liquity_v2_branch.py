"""Liquity v2's branch and trove: ratios, interest, critical threshold, shutdown, adjustment.

`liquity_v2` gives all of this again; see there for the version.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import InputError
from ..fixed_point import MAX_UINT256, SECONDS_PER_YEAR, WAD, whole
from .uint256 import product, product_div

MIN_DEBT = 2000 * WAD
UPFRONT_INTEREST_PERIOD = 7 * 24 * 3600
URGENT_REDEMPTION_BONUS = 2 * WAD // 100
_PERCENT = WAD // 100


@dataclass(frozen=True, slots=True)
class BranchParameters:
    """One collateral branch; ratios and penalties in 10^18.

    Attributes:
        ccr: branch ratio below which borrowing is restricted; above 1, below 2.
        mcr: trove ratio below which it is liquidated; above 1, below 2.
        scr: branch ratio below which it can be shut down; above 1, below 2.
        penalty_offset: on debt offset against the stability pool; at least 5 %.
        penalty_redistribution: on redistributed debt; at least `penalty_offset`, at most 20 %.
        bcr: what a trove in a batch needs above `mcr` when it is adjusted; 5 % to below 50 %.

    Raises:
        InputError: a number out of its range.
    Source: bold, contracts/src/AddressesRegistry.sol, constructor.
    """

    ccr: int
    mcr: int
    scr: int
    penalty_offset: int
    penalty_redistribution: int
    bcr: int = 10 * _PERCENT

    def __post_init__(self) -> None:
        for name in ("ccr", "mcr", "scr"):
            whole(f"Liquity v2 {name}", getattr(self, name), WAD + 1, 2 * WAD - 1)
        high = 20 * _PERCENT
        whole("Liquity v2 penalty_redistribution", self.penalty_redistribution, 0, high)
        whole(
            "Liquity v2 penalty_offset",
            self.penalty_offset,
            5 * _PERCENT,
            self.penalty_redistribution,
        )
        whole("Liquity v2 bcr", self.bcr, 5 * _PERCENT, 50 * _PERCENT - 1)


WETH_BRANCH = BranchParameters(
    ccr=150 * _PERCENT,
    mcr=110 * _PERCENT,
    scr=110 * _PERCENT,
    penalty_offset=5 * _PERCENT,
    penalty_redistribution=10 * _PERCENT,
)
"""ETH, as src/Dependencies/Constants.sol sets it."""

STAKED_ETH_BRANCH = BranchParameters(
    ccr=160 * _PERCENT,
    mcr=120 * _PERCENT,
    scr=120 * _PERCENT,
    penalty_offset=5 * _PERCENT,
    penalty_redistribution=20 * _PERCENT,
)
"""wstETH and rETH, as src/Dependencies/Constants.sol sets them."""


@dataclass(frozen=True, slots=True)
class Trove:
    """One trove, with interest and redistributed gains in it; or the totals of a branch.

    Attributes:
        collateral: 10^18 to a token.
        debt: 10^18 to a BOLD.

    Raises:
        InputError: a number out of its range.
    """

    collateral: int
    debt: int

    def __post_init__(self) -> None:
        whole("Liquity v2 trove collateral", self.collateral, 0)
        whole("Liquity v2 trove debt", self.debt, 0)


def collateral_ratio(trove: Trove, price: int) -> int:
    """⌊collateral·price / debt⌋ in 10^18; 2^256 − 1 without debt. A trove's ICR, or a branch's TCR.

    Args:
        trove: a trove, or the totals of a branch.
        price: of a token in BOLD, 10^18; at least 0.

    Raises:
        InputError: a number out of its range, or a product on which the contract reverts.
    Source: bold, contracts/src/Dependencies/LiquityMath.sol `_computeCR`.
    """
    whole("Liquity v2 price", price, 0)
    if trove.debt == 0:
        return MAX_UINT256
    return product_div("Liquity v2 ratio", trove.collateral, price, trove.debt)


def is_below_critical_threshold(parameters: BranchParameters, branch: Trove, price: int) -> bool:
    """Whether the branch's ratio is below CCR, so that borrowing is restricted."""
    return collateral_ratio(branch, price) < parameters.ccr


def can_be_shut_down(parameters: BranchParameters, branch: Trove, price: int) -> bool:
    """Whether the branch's ratio is below SCR. A failed oracle shuts a branch down in any case.

    Source: bold, contracts/src/BorrowerOperations.sol `shutdown`.
    """
    return collateral_ratio(branch, price) < parameters.scr


def interest_period(last_update: int, now: int, shutdown: int | None = None) -> int:
    """Seconds for which a trove owes interest: none of them after the branch's shutdown.

    Args:
        last_update: of the trove, seconds; at most `now`.
        now: seconds.
        shutdown: when the branch was shut down, seconds; None if it was not.

    Raises:
        InputError: a number out of its range.
    Source: bold, contracts/src/TroveManager.sol `_getInterestPeriod`.
    """
    whole("Liquity v2 last_update", last_update, 0, now)
    if shutdown is None:
        return now - last_update
    whole("Liquity v2 shutdown", shutdown, 1, now)
    return max(0, shutdown - last_update)


def accrued_interest(recorded_debt: int, annual_rate: int, seconds: int) -> int:
    """⌊⌊debt·rate·seconds / year⌋ / 10^18⌋: simple interest on the recorded debt.

    Args:
        recorded_debt: 10^18.
        annual_rate: 10^18.
        seconds: see `interest_period`.

    Raises:
        InputError: a negative number, or a product on which the contract reverts.
    Source: bold, contracts/src/Dependencies/LiquityBase.sol `_calcInterest`.
    """
    where = "Liquity v2 interest"
    for name, value in (("debt", recorded_debt), ("rate", annual_rate), ("seconds", seconds)):
        whole(f"{where} {name}", value, 0)
    weighted = product(where, recorded_debt, annual_rate)
    return product_div(where, weighted, seconds, SECONDS_PER_YEAR) // WAD


def upfront_fee(debt: int, average_rate: int) -> int:
    """Seven days of interest at the branch's average rate, which a debt increase adds."""
    return accrued_interest(debt, average_rate, UPFRONT_INTEREST_PERIOD)


def adjust(
    parameters: BranchParameters,
    branch: Trove,
    trove: Trove,
    price: int,
    *,
    collateral_change: int = 0,
    debt_change: int = 0,
    fee: int = 0,
    in_batch: bool = False,
) -> Trove:
    """The trove after its owner changed collateral, debt, or both.

    Args:
        parameters: of the branch, which is not shut down.
        branch: its totals before.
        trove: before.
        price: 10^18.
        collateral_change, debt_change: signed. A repayment is capped so that `MIN_DEBT` is left.
        fee: `upfront_fee` of a debt increase.
        in_batch: whether a batch manager sets the trove's rate.

    Raises:
        InputError: no change, more taken than there is, a debt below `MIN_DEBT`, a ratio below
            MCR (with BCR in a batch), a branch that would be below CCR, or, where it already is:
            borrowing that leaves it there, collateral withdrawn for a repayment worth less.
    Source: bold, contracts/src/BorrowerOperations.sol `_adjustTrove`.
    """
    where = "Liquity v2 adjust"
    whole(f"{where} collateral_change", collateral_change, -MAX_UINT256)
    whole(f"{where} debt_change", debt_change, -MAX_UINT256)
    whole(f"{where} fee", fee, 0, MAX_UINT256 if debt_change > 0 else 0)
    if debt_change < 0:
        debt_change = max(debt_change, -max(0, trove.debt - MIN_DEBT))
    if collateral_change == 0 and debt_change == 0:
        raise InputError(where, "a change", "none")
    withdrawn = max(0, -collateral_change)
    if withdrawn > trove.collateral:
        raise InputError(where, "at most the trove's collateral to be withdrawn", "more")
    # The totals round up where a trove rounds down, but a caller's may not hold this trove.
    if withdrawn > branch.collateral or -debt_change > branch.debt:
        raise InputError(where, "totals that contain the trove", "smaller ones")
    after = Trove(trove.collateral + collateral_change, trove.debt + debt_change + fee)
    if after.debt < MIN_DEBT:
        raise InputError(where, "a debt of at least 2000 BOLD afterwards", "less")
    if collateral_ratio(after, price) < parameters.mcr + (parameters.bcr if in_batch else 0):
        raise InputError(where, "a trove of at least its minimum ratio afterwards", "a lower one")
    total = Trove(branch.collateral + collateral_change, branch.debt + debt_change + fee)
    restricted = is_below_critical_threshold(parameters, branch, price)
    if (not restricted or debt_change > 0) and collateral_ratio(total, price) < parameters.ccr:
        raise InputError(where, "a branch of at least CCR afterwards", "a lower one")
    if restricted:
        repaid = product(where, max(0, -debt_change), WAD)
        if repaid < product(where, withdrawn, price):
            raise InputError(where, "a repayment worth the withdrawn collateral", "less")
    return after


@dataclass(frozen=True, slots=True)
class UrgentRedemption:
    """BOLD burned, collateral paid for it, and what is left of the trove."""

    debt: int
    collateral: int
    trove: Trove


def urgent_redemption(trove: Trove, price: int, amount: int) -> UrgentRedemption:
    """Redeem from one trove of a branch that was shut down, at a bonus of 2 %.

    Args:
        trove: any open one that has debt.
        price: 10^18, above 0.
        amount: most BOLD to redeem, above 0.

    Raises:
        InputError: a number out of its range.
    Source: bold, contracts/src/TroveManager.sol `_urgentRedeemCollateralFromTrove`.
    """
    where = "Liquity v2 urgent redemption"
    whole(f"{where} price", price, 1)
    whole(f"{where} amount", amount, 1)
    whole(f"{where} trove debt", trove.debt, 1)
    rate = WAD + URGENT_REDEMPTION_BONUS
    burned = min(amount, trove.debt)
    paid = product_div(where, burned, rate, price)
    if paid > trove.collateral:
        paid = trove.collateral
        burned = product_div(where, paid, price, rate)
    return UrgentRedemption(burned, paid, Trove(trove.collateral - paid, trove.debt - burned))
