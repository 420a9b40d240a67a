"""dYdX v4: net collateral against margin requirements, and which changes of them are allowed.

Followed: dydxprotocol/v4-chain after protocol v9.6 (March 2026): protocol/lib/margin/risk.go and
x/subaccounts/lib/updates.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..fixed_point import MAX_UINT256, whole


@dataclass(frozen=True, slots=True)
class Risk:
    """Net collateral and margin requirements in quote quantums (lib/margin/risk.go)."""

    net_collateral: int
    initial_margin: int
    maintenance_margin: int

    def __post_init__(self) -> None:
        whole("dYdX risk: net_collateral", self.net_collateral, -MAX_UINT256)
        whole("dYdX risk: initial_margin", self.initial_margin, 0)
        whole("dYdX risk: maintenance_margin", self.maintenance_margin, 0)

    def __add__(self, other: Risk) -> Risk:
        return Risk(
            self.net_collateral + other.net_collateral,
            self.initial_margin + other.initial_margin,
            self.maintenance_margin + other.maintenance_margin,
        )

    def is_initial_collateralized(self) -> bool:
        """Whether net collateral covers the initial margin."""
        return self.net_collateral >= self.initial_margin

    def is_maintenance_collateralized(self) -> bool:
        """Whether net collateral covers the maintenance margin."""
        return self.net_collateral >= self.maintenance_margin

    def is_liquidatable(self) -> bool:
        """Whether there is a maintenance margin and net collateral is below it."""
        return self.maintenance_margin > 0 and self.maintenance_margin > self.net_collateral

    def compare(self, other: Risk) -> int:
        """-1 if less risky than `other`, 1 if more, 0 if equally: by net collateral over margin."""
        mine = other.net_collateral * self.maintenance_margin
        theirs = self.net_collateral * other.maintenance_margin
        if mine == theirs:
            if self.maintenance_margin == 0 and other.maintenance_margin == 0:
                mine, theirs = other.net_collateral, self.net_collateral
            else:
                mine, theirs = self.maintenance_margin, other.maintenance_margin
        return (mine > theirs) - (mine < theirs)


class UpdateResult(Enum):
    """What the chain says of a change to a subaccount."""

    SUCCESS = "success"
    NEWLY_UNDERCOLLATERALIZED = "newly undercollateralized"
    STILL_UNDERCOLLATERALIZED = "still undercollateralized"


def undercollateralized_transition(current: Risk, new: Risk) -> UpdateResult:
    """Whether a change that leaves too little initial margin is allowed: only if it lessens risk.

    Source: IsValidStateTransitionForUndercollateralizedSubaccount, x/subaccounts/lib/updates.go.
    """
    refused = (
        UpdateResult.NEWLY_UNDERCOLLATERALIZED
        if current.is_initial_collateralized()
        else UpdateResult.STILL_UNDERCOLLATERALIZED
    )
    if new.maintenance_margin > current.maintenance_margin:
        return refused
    if new.maintenance_margin == 0 or current.maintenance_margin == 0:
        both = new.maintenance_margin == 0 and current.maintenance_margin == 0
        improves = both and new.net_collateral > current.net_collateral
        return UpdateResult.SUCCESS if improves else refused
    return refused if new.compare(current) > 0 else UpdateResult.SUCCESS


def update_result(current: Risk, new: Risk) -> UpdateResult:
    """Whether a change from one risk to another is allowed."""
    if new.is_initial_collateralized():
        return UpdateResult.SUCCESS
    return undercollateralized_transition(current, new)
