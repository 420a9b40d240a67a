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

from ..errors import CompileError, OpeningError
from .claims import (
    AccountClaim,
    Band,
    ClaimRule,
    Covers,
    Liquid,
    Maintenance,
    NotLiquidatable,
    PortfolioMargin,
    Stress,
)
from .coverage import coverage_margins, misplaced_for_coverage
from .hedging.deleverage import best_margin
from .margin.requirement import evaluate_margin
from .policy import Policy
from .prices import PriceRound
from .pricing import price
from .registry import Registry
from .valuation import Account, owes


@dataclass(frozen=True)
class Margin:
    """By how much one condition of a claim is met.

    Attributes:
        name: the scenario; `maintenance`; `now` and `survives`; `low` and `high` of a band;
            `liquid`; `portfolio margin`; `limit …`; `…: test` and `…: penalty`; a symbol, or `net`,
            of what is to be covered.
        detail: the worst scenario of every underlying; as secret as the value.
        value: in quote, with the policy's rounding in it; the condition is met if it is at least 0,
            or above 0 if `strict`.
        strict: whether 0 is not enough; so for the upper bound of a band.
    """

    name: str
    value: Fraction
    strict: bool = False
    detail: str = ""

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
        collateral: Σ collateral·price·factor at the round's prices, less what limits leave
            uncounted, in quote, not rounded; before factors of a claim that covers.
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
    liabilities: Sequence[int] | None = None,
) -> Evaluation:
    """Evaluate a claim on known amounts, exactly.

    Args:
        claim: one of the policy's claims.
        policy: factors, ratio and rounding; checked against the registry (`policy.check_policy`).
        registry: what the slots hold.
        prices: a price of every symbol that has a factor, in the policy's quote.
        amounts: one integer per slot, in the slot's smallest unit; a sum of portfolios is fine.
        liabilities: the amounts of the second account, of a claim that has one (`covers`).

    Raises:
        CompileError: the round does not have what the policy needs (see `pricing.price`), or
            `liabilities` for a claim without a second account, or none for one with it.
        OpeningError: not as many amounts as slots.
    """
    pricing = price(policy, prices)
    for each in (amounts, liabilities):
        if each is not None and len(each) != registry.slots:
            raise OpeningError(f"expected {registry.slots} amounts, got {len(each)}")
    if isinstance(claim, Covers):
        if liabilities is None:
            raise CompileError("expected the liabilities that are to be covered, got none")
        covered = coverage_margins(claim, policy, registry, pricing, amounts, liabilities)
        return Evaluation(
            covered.held,
            covered.owed,
            tuple(Margin(name, value) for name, value in covered.margins),
            misplaced_for_coverage(policy, registry, amounts, liabilities),
        )
    if liabilities is not None:
        raise CompileError("expected liabilities with a claim that covers them only")
    account = Account(policy, registry, pricing, amounts, policy.category_of(claim))
    collateral, debt = account.totals()
    margins = _margins(account, claim, prices)
    return Evaluation(collateral, debt, margins, _misplaced(account, claim))


def _margins(account: Account, claim: AccountClaim, prices: PriceRound) -> tuple[Margin, ...]:
    ratio = account.pricing.ratio
    if isinstance(claim, NotLiquidatable):
        terms = account.policy.liquidation
        if terms is None:
            raise CompileError("the policy has no liquidation terms")
        scenarios: list[tuple[str, Mapping[str, Fraction]]] = [("now", {})]
        scenarios += [(scenario.name, scenario.shocks) for scenario in claim.scenarios]
        return tuple(
            margin
            for name, shocks in scenarios
            for margin in (
                Margin(f"{name}: test", account.above_liquidation(terms, shocks)),
                Margin(f"{name}: penalty", account.after_penalty(terms, shocks)),
            )
        )
    limits = tuple(Margin(f"limit {name}", value) for name, value in account.limits())
    if isinstance(claim, Maintenance):
        return (Margin("maintenance", account.above(ratio, {})), *limits)
    if isinstance(claim, Stress):
        tested = tuple(
            Margin(scenario.name, account.above(ratio, scenario.shocks))
            for scenario in claim.scenarios
        )
        return (*tested, *limits)
    if isinstance(claim, PortfolioMargin):
        return (_portfolio_margin(account, claim, prices), *limits)
    if isinstance(claim, Liquid):
        return (Margin("liquid", best_margin(account, claim)), *limits)
    if isinstance(claim, Band):
        low = Margin("low", account.above(claim.low, {}, reserved=False))
        if claim.high is None:
            return (low, *limits)
        return low, Margin("high", account.below(claim.high), strict=True), *limits
    fallen = dict.fromkeys(claim.assets, -claim.fall)
    return (
        Margin("now", account.above(ratio, {})),
        Margin("survives", account.above(ratio, fallen)),
        *limits,
    )


def _portfolio_margin(account: Account, claim: PortfolioMargin, prices: PriceRound) -> Margin:
    policy = account.policy
    found = evaluate_margin(policy, account.registry, prices, account.amounts, account.category)
    left = found.equity - claim.factor * found.requirement - (policy.reserve or 0)
    worst = "; ".join(f"{group.underlying}: {group.worst}" for group in found.groups)
    return Margin("portfolio margin", left, detail=worst)


def _misplaced(account: Account, claim: AccountClaim) -> tuple[str, ...]:
    """Slots that must be empty and are not, and unsigned slots below zero."""
    found = []
    priced = set(account.policy.factors.pairs())
    if isinstance(claim, PortfolioMargin) and account.policy.margin is not None:
        priced |= {(symbol, "signed") for symbol in account.policy.margin.instruments}
    category = account.category
    for slot, (asset, amount) in enumerate(
        zip(account.registry.by_slot, account.amounts, strict=True)
    ):
        if asset is None:
            if amount:
                found.append(f"slot {slot}")
        elif (
            (amount and (asset.symbol, asset.side) not in priced)
            or (amount < 0 and asset.side != "signed")
            or (amount and category and owes(asset) and asset.symbol not in category.debts)
        ):
            found.append(f"{asset.symbol} ({asset.side})")
    return tuple(found)
