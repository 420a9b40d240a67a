"""The verdict on a claim for many accounts at once, the same as `health.evaluate` gives for each.

Doubles decide wherever they cannot be wrong (`fleet_bounds` says where that is, and why), and whole
numbers decide the rest. No other thread is started and no linear algebra library called, so that
one core does all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .claims import AccountClaim, ClaimRule, Covers
from .fleet_bounds import Columns, make_exact, make_filter
from .fleet_conditions import conditions
from .policy import Policy
from .prices import PriceRound
from .pricing import price
from .registry import Registry
from .valuation import owes

CHUNK_AMOUNTS = 1 << 17
"""So many amounts are looked at together: 1 MiB, and what is computed from them fits a cache."""
MAX_CHUNK_ACCOUNTS = 8192


@dataclass(frozen=True, eq=False)
class FleetEvaluation:
    """How many accounts stand against one claim. As secret as their amounts.

    Attributes:
        holds: whether the claim is true, one boolean per account; exact.
        worst_margin_float: the smallest margin of the claim's conditions in quote, one double per
            account. It only describes: it is rounded, its sign may be wrong where it is close to
            0, and nothing may be decided by it. NaN where a slot is misplaced.
        decided_exactly: how many accounts needed exact arithmetic.
    """

    holds: NDArray[np.bool_]
    worst_margin_float: NDArray[np.float64]
    decided_exactly: int

    def __repr__(self) -> str:
        return "FleetEvaluation(hidden)"


def evaluate_fleet(
    claim: ClaimRule,
    policy: Policy,
    registry: Registry,
    prices: PriceRound,
    amounts: NDArray[np.int64],
) -> FleetEvaluation:
    """Evaluate a claim on the known amounts of many accounts.

    Beside the amounts and the results it needs some ten megabytes, however many accounts there are.
    An account that doubles do not decide takes some microseconds instead of nanoseconds.

    Args:
        claim: one of the policy's claims about one account.
        policy: factors, ratio and rounding; checked against the registry (`policy.check_policy`).
        registry: what the slots hold.
        prices: a price of every symbol that has a factor, in the policy's quote.
        amounts: shape (accounts, slots), int64, in the slots' smallest units.

    Raises:
        InputError: the amounts are no such array; a claim about two accounts, one whose category
            the policy does not have, or one about liquidation without terms of it or about a
            deleveraging.
        CompileError: the round does not have what the policy needs (see `pricing.price`).
    """
    of_account = _about_one_account(claim, policy)
    _check_amounts(amounts, registry)
    verdicts = _Verdicts(of_account, policy, registry, prices)
    holds = np.empty(len(amounts), np.bool_)
    worst = np.empty(len(amounts), np.float64)
    decided_exactly = 0
    for here in _chunks(len(amounts), registry.slots):
        holds[here], worst[here], exactly = verdicts.of(np.ascontiguousarray(amounts[here].T))
        decided_exactly += exactly
    return FleetEvaluation(holds, worst, decided_exactly)


class _Verdicts:
    def __init__(
        self, claim: AccountClaim, policy: Policy, registry: Registry, prices: PriceRound
    ) -> None:
        exact = conditions(claim, policy, registry, price(policy, prices))
        self.filters = [make_filter(condition) for condition in exact]
        self.wholes = [make_exact(condition) for condition in exact]
        self.empty, self.unsigned = _restricted_slots(claim, policy, registry)

    def of(self, amounts: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.float64], int]:
        """Verdicts, worst margins and how many were decided exactly, of (slots, accounts)."""
        # Joined bit by bit: 0 if all are, and with the sign bit if one has it.
        placed = np.bitwise_or.reduce(amounts[self.empty], axis=0) == 0
        placed &= np.bitwise_or.reduce(amounts[self.unsigned], axis=0) >= 0
        holds, fails = placed.copy(), ~placed
        worst = np.full(amounts.shape[1], np.inf)
        columns = Columns(amounts, np.float64)
        for each in self.filters:
            met, failed, margin = each.decide(columns)
            holds &= met
            fails |= failed
            np.minimum(worst, margin, out=worst)
        worst[~placed] = np.nan
        doubtful = np.flatnonzero(~(holds | fails))
        if len(doubtful):
            holds[doubtful], worst[doubtful] = self._exactly(amounts[:, doubtful])
        return holds, worst, len(doubtful)

    def _exactly(self, amounts: NDArray[np.int64]) -> tuple[NDArray[np.bool_], list[float]]:
        columns = Columns(amounts, np.object_)
        met, margins = zip(*(each.decide(columns) for each in self.wholes), strict=True)
        worst = [float(min(of_account)) for of_account in zip(*margins, strict=True)]
        return np.logical_and.reduce(met), worst


def _about_one_account(claim: ClaimRule, policy: Policy) -> AccountClaim:
    if isinstance(claim, Covers):
        raise InputError("claim", "a claim about one account", "one about two")
    if claim.category is not None and claim.category not in policy.categories:
        raise InputError("claim.category", "a category of the policy", repr(claim.category))
    return claim


def _check_amounts(amounts: NDArray[np.int64], registry: Registry) -> None:
    if not isinstance(amounts, np.ndarray):
        raise InputError("amounts", "a numpy array", type(amounts).__name__)
    if amounts.dtype != np.int64:
        raise InputError("amounts", "an array of int64", f"one of {amounts.dtype}")
    if amounts.ndim != 2 or amounts.shape[1] != registry.slots:
        raise InputError("amounts", f"the shape (accounts, {registry.slots})", str(amounts.shape))


def _restricted_slots(
    claim: AccountClaim, policy: Policy, registry: Registry
) -> tuple[list[int], list[int]]:
    """The slots that must be empty, and those that must not be below zero."""
    priced = set(policy.factors.pairs())
    category = policy.category_of(claim)
    used = {
        asset.slot: asset.side
        for asset in registry.assets
        if (asset.symbol, asset.side) in priced
        and (category is None or not owes(asset) or asset.symbol in category.debts)
    }
    empty = [slot for slot in range(registry.slots) if slot not in used]
    return empty, [slot for slot, side in used.items() if side != "signed"]


def _chunks(accounts: int, slots: int) -> Iterator[slice]:
    step = min(MAX_CHUNK_ACCOUNTS, max(1, CHUNK_AMOUNTS // slots))
    return (slice(start, start + step) for start in range(0, accounts, step))
