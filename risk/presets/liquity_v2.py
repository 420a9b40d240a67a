"""Liquity v2 (BOLD): the safety of a trove, and its liquidation.

Follows liquity/bold, commit 405f912, contracts/src/{TroveManager,BorrowerOperations,
AddressesRegistry}.sol and contracts/src/Dependencies/{LiquityMath,LiquityBase,Constants}.sol. Left
out: ordinary redemptions, batch management fees, the depositors' shares of a stability pool, and
how redistributed amounts reach other troves (their stakes).

All amounts, ratios and prices are in 10^18.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import InputError
from ..fixed_point import WAD, whole
from .liquity_v2_branch import (
    MIN_DEBT,
    STAKED_ETH_BRANCH,
    UPFRONT_INTEREST_PERIOD,
    URGENT_REDEMPTION_BONUS,
    WETH_BRANCH,
    BranchParameters,
    Trove,
    UrgentRedemption,
    accrued_interest,
    adjust,
    can_be_shut_down,
    collateral_ratio,
    interest_period,
    is_below_critical_threshold,
    upfront_fee,
    urgent_redemption,
)
from .uint256 import product_div

__all__ = [
    "COLLATERAL_GAS_COMPENSATION_CAP",
    "COLLATERAL_GAS_COMPENSATION_DIVISOR",
    "ETH_GAS_COMPENSATION",
    "MIN_BOLD_IN_POOL",
    "MIN_DEBT",
    "STAKED_ETH_BRANCH",
    "UPFRONT_INTEREST_PERIOD",
    "URGENT_REDEMPTION_BONUS",
    "WETH_BRANCH",
    "BatchLiquidation",
    "BranchParameters",
    "Liquidation",
    "Trove",
    "UrgentRedemption",
    "accrued_interest",
    "adjust",
    "can_be_shut_down",
    "collateral_gas_compensation",
    "collateral_ratio",
    "interest_period",
    "is_below_critical_threshold",
    "is_healthy",
    "is_liquidatable",
    "liquidate",
    "liquidate_batch",
    "offsettable",
    "upfront_fee",
    "urgent_redemption",
]

ETH_GAS_COMPENSATION = 375 * WAD // 10_000
COLLATERAL_GAS_COMPENSATION_DIVISOR = 200
COLLATERAL_GAS_COMPENSATION_CAP = 2 * WAD
MIN_BOLD_IN_POOL = WAD


def is_liquidatable(parameters: BranchParameters, trove: Trove, price: int) -> bool:
    """Whether the trove's ratio is below MCR. A trove without debt never is.

    The last open trove of a branch cannot be liquidated all the same.

    Source: bold, contracts/src/TroveManager.sol `_batchLiquidateTroves`.
    """
    return collateral_ratio(trove, price) < parameters.mcr


def is_healthy(parameters: BranchParameters, trove: Trove, price: int) -> bool:
    """Whether the trove's ratio is at least MCR."""
    return not is_liquidatable(parameters, trove, price)


def offsettable(pool_deposits: int) -> int:
    """BOLD of a stability pool that liquidations may use: all but 1 BOLD."""
    whole("Liquity v2 pool_deposits", pool_deposits, 0)
    return max(0, pool_deposits - MIN_BOLD_IN_POOL)


def collateral_gas_compensation(collateral: int) -> int:
    """min(⌊collateral/200⌋, 2 tokens): what the liquidator gets of the collateral offset.

    Source: bold, contracts/src/TroveManager.sol `_getCollGasCompensation`.
    """
    whole("Liquity v2 collateral", collateral, 0)
    return min(collateral // COLLATERAL_GAS_COMPENSATION_DIVISOR, COLLATERAL_GAS_COMPENSATION_CAP)


@dataclass(frozen=True, slots=True)
class Liquidation:
    """One liquidation of a whole trove.

    `collateral` of the trove = to_pool + redistributed + gas_compensation + surplus.

    Attributes:
        debt_offset: paid by the stability pool.
        debt_redistributed: taken over by the other troves.
        collateral_to_pool: for the debt offset, with its penalty.
        collateral_redistributed: for the debt redistributed, with its penalty.
        gas_compensation: collateral to the liquidator; only on what is offset.
        eth_gas_compensation: WETH to the liquidator, that the owner left as a deposit.
        surplus: collateral that the owner can claim.
    """

    debt_offset: int
    debt_redistributed: int
    collateral_to_pool: int
    collateral_redistributed: int
    gas_compensation: int
    eth_gas_compensation: int
    surplus: int


def liquidate(
    parameters: BranchParameters,
    trove: Trove,
    price: int,
    *,
    pool_deposits: int = 0,
    open_troves: int = 2,
) -> Liquidation:
    """Liquidate one trove: against the stability pool as far as it goes, the rest redistributed.

    Args:
        parameters: of the branch. Liquidation goes on after its shutdown.
        trove: with interest and gains.
        price: above 0.
        pool_deposits: all BOLD in the branch's stability pool.
        open_troves: of the branch, this one included.

    Raises:
        InputError: a trove of at least MCR, the last one of its branch, a number out of its range.
    Source: bold, contracts/src/TroveManager.sol `_getOffsetAndRedistributionVals`. Each part seizes
    at most its debt with its penalty; what an offset leaves may still be redistributed.
    """
    whole("Liquity v2 open_troves", open_troves, 1)
    if not is_liquidatable(parameters, trove, price):
        raise InputError("Liquity v2 liquidate", "a trove below MCR", "another")
    if open_troves == 1:
        raise InputError("Liquity v2 liquidate", "another open trove in the branch", "none")
    return _liquidate(parameters, trove, price, offsettable(pool_deposits))


@dataclass(frozen=True, slots=True)
class BatchLiquidation:
    """Liquidations in one call.

    Attributes:
        liquidations: one for each trove, None for one that was skipped because it is healthy.
        total: their sum.
        pool_deposits: BOLD left in the stability pool.
    """

    liquidations: tuple[Liquidation | None, ...]
    total: Liquidation
    pool_deposits: int


def liquidate_batch(
    parameters: BranchParameters,
    troves: Sequence[Trove],
    price: int,
    *,
    pool_deposits: int = 0,
    open_troves: int | None = None,
) -> BatchLiquidation:
    """Liquidate what can be liquidated of several troves, in their order.

    Args:
        parameters: of the branch.
        troves: with interest and gains; each once.
        price: above 0.
        pool_deposits: all BOLD in the branch's stability pool.
        open_troves: of the branch, these included; None for one more than these.

    Raises:
        InputError: nothing to liquidate, no trove that would be left, a number out of its range.
    Source: bold, contracts/src/TroveManager.sol `batchLiquidateTroves`.
    """
    where = "Liquity v2 liquidate_batch"
    count = len(troves) + 1 if open_troves is None else open_troves
    whole(f"{where} open_troves", count, len(troves))
    room = offsettable(pool_deposits)
    done: list[Liquidation | None] = []
    for trove in troves:
        one = None
        if is_liquidatable(parameters, trove, price):
            one = _liquidate(parameters, trove, price, room)
            room -= one.debt_offset
        done.append(one)
    made = [one for one in done if one is not None]
    if not made:
        raise InputError(where, "a trove below MCR", "none")
    if len(made) == count:
        raise InputError(where, "another open trove in the branch", "none")
    total = Liquidation(
        debt_offset=sum(one.debt_offset for one in made),
        debt_redistributed=sum(one.debt_redistributed for one in made),
        collateral_to_pool=sum(one.collateral_to_pool for one in made),
        collateral_redistributed=sum(one.collateral_redistributed for one in made),
        gas_compensation=sum(one.gas_compensation for one in made),
        eth_gas_compensation=sum(one.eth_gas_compensation for one in made),
        surplus=sum(one.surplus for one in made),
    )
    return BatchLiquidation(tuple(done), total, pool_deposits - total.debt_offset)


def _liquidate(parameters: BranchParameters, trove: Trove, price: int, room: int) -> Liquidation:
    whole("Liquity v2 price", price, 1)
    where = "Liquity v2 liquidate"
    offset = min(trove.debt, room)
    share = compensation = to_pool = surplus = 0
    if offset:
        share = product_div(where, trove.collateral, offset, trove.debt)
        compensation = collateral_gas_compensation(share)
        to_pool = min(
            share - compensation,
            product_div(where, offset, WAD + parameters.penalty_offset, price),
        )
        surplus = share - compensation - to_pool
    rest = trove.debt - offset
    redistributed = 0
    if rest and trove.collateral > share:
        # What the offset left over is there for the higher penalty of a redistribution.
        left = trove.collateral - share + surplus
        redistributed = min(
            left, product_div(where, rest, WAD + parameters.penalty_redistribution, price)
        )
        surplus = left - redistributed
    return Liquidation(
        debt_offset=offset,
        debt_redistributed=rest,
        collateral_to_pool=to_pool,
        collateral_redistributed=redistributed,
        gas_compensation=compensation,
        eth_gas_compensation=ETH_GAS_COMPENSATION,
        surplus=surplus,
    )
