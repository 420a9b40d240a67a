"""What becomes of an account that is liquidated under a policy: the report.

Before every step the exact engine says whether the account may be liquidated, and what each of its
positions counts; between two looks everything is exact, in parts of smallest units. A report is as
secret as the portfolio.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Literal, TypeAlias

from ..fixed_point import whole
from ..policy import Policy
from ..portfolio import Portfolio
from ..prices import PriceRound
from ..registry import Registry
from ..valuation import account_of
from ..values import FrozenMap
from .close import Liquidation, liquidate
from .of_policy import Place, Weighed, Weighing, liquidation_rule
from .policy_auction import CollateralAuction, auction_seized
from .sequence import MAX_STEPS

Infinite: TypeAlias = Literal["infinite"]

Outcome: TypeAlias = Literal["healthy", "exhausted", "no debt", "step limit"]
"""Why a liquidation ended: the test is passed; no collateral is left; no debt is left, and the test
fails because of the reserve; as many steps as allowed."""


@dataclass(frozen=True)
class LiquidationStep:
    """One debt repaid, one collateral seized.

    Attributes:
        debt, collateral: the symbols (see `of_policy.Place`).
        repaid, seized: in whole assets of the debt, and of the collateral.
        repaid_value: in quote.
        protocol_fee, to_liquidator: the two parts of what is seized, in whole assets.
        penalty_value: what the account pays on top of what is repaid, in quote.
        headroom, health: afterwards, as in `LiquidationReport`.
    """

    debt: str
    collateral: str
    repaid: Fraction
    seized: Fraction
    repaid_value: Fraction
    protocol_fee: Fraction
    to_liquidator: Fraction
    penalty_value: Fraction
    headroom: Fraction
    health: Fraction | Infinite

    @property
    def seized_value(self) -> Fraction:
        """In quote, at market value: what is repaid, with the penalty on top."""
        return self.repaid_value + self.penalty_value

    def __repr__(self) -> str:
        return f"LiquidationStep({self.debt!r}, {self.collateral!r}, hidden)"


@dataclass(frozen=True)
class Balance:
    """One position before and after, in whole assets; at least 0, also where it is owed.

    Attributes:
        symbol: see `of_policy.Place`.
        owed: whether it is owed, or sold short.
        unit: the power of ten of its smallest unit.
        price: of one whole asset, in quote, after shocks.
        before, left: how much.
    """

    symbol: str
    owed: bool
    unit: int
    price: Fraction
    before: Fraction
    left: Fraction

    @property
    def gone(self) -> Fraction:
        """What was seized or repaid, in whole assets."""
        return self.before - self.left

    @property
    def left_value(self) -> Fraction:
        """What is left, in quote."""
        return self.left * self.price

    def __repr__(self) -> str:
        return f"Balance({self.symbol!r}, hidden)"


@dataclass(frozen=True)
class LiquidationReport:
    """What becomes of an account; amounts of money in `quote`, at market value after the shocks.

    Attributes:
        account, policy, quote, time: names, currency and the time of the prices.
        category: whose factors count, if the account is in one.
        shocks: of prices, as shares.
        headroom, headroom_after: weighted collateral − ratio · weighted debt − reserve by the
            liquidation test, as the exact engine says before and after. Below 0 the account may be
            liquidated. What is left is rounded against the account to whole smallest units.
        health, health_after: weighted collateral / (ratio · weighted debt) by the liquidation test,
            without reserve or rounding of values; infinite if the debt weighs nothing.
        steps: in their order; none if the account is healthy.
        outcome: why it ended.
        balances: what the account has that the policy prices and that is worth something, by slot.
            The rest is no part of a liquidation.
        auctions: one for each collateral that was seized, if the policy has auctions.
    """

    account: str
    policy: str
    quote: str
    time: datetime
    category: str | None
    shocks: Mapping[str, Fraction]
    headroom: Fraction
    headroom_after: Fraction
    health: Fraction | Infinite
    health_after: Fraction | Infinite
    steps: tuple[LiquidationStep, ...]
    outcome: Outcome
    balances: tuple[Balance, ...]
    auctions: tuple[CollateralAuction, ...]

    @property
    def liquidatable(self) -> bool:
        """Whether the account may be liquidated, before any step."""
        return self.headroom < 0

    @property
    def repaid_value(self) -> Fraction:
        """The debt that is repaid."""
        return sum((step.repaid_value for step in self.steps), Fraction(0))

    @property
    def penalty_value(self) -> Fraction:
        """What the account pays on top."""
        return sum((step.penalty_value for step in self.steps), Fraction(0))

    @property
    def seized_value(self) -> Fraction:
        """The collateral that is seized."""
        return self.repaid_value + self.penalty_value

    @property
    def bad_debt(self) -> Fraction:
        """The part of the debt left that the collateral left does not cover."""
        held = sum((each.left_value for each in self.balances if not each.owed), Fraction(0))
        owed = sum((each.left_value for each in self.balances if each.owed), Fraction(0))
        return max(owed - held, Fraction(0))

    def __repr__(self) -> str:
        return f"LiquidationReport({self.account!r}, hidden)"


@dataclass(frozen=True)
class LiquidationPair:
    """One liquidation: which debt is repaid, and which collateral is seized for it.

    Attributes:
        debt, collateral: symbols (see `of_policy.Place`).
        repay: in whole assets of the debt, above 0; what is more than may be repaid is cut down to
            that. None: as much as may be.
    """

    debt: str
    collateral: str
    repay: Fraction | None = None


def liquidation_report(
    portfolio: Portfolio,
    policy: Policy,
    registry: Registry,
    prices: PriceRound,
    category: str | None = None,
    *,
    shocks: Mapping[str, Fraction] | None = None,
    pair: LiquidationPair | None = None,
    max_steps: int = 64,
) -> LiquidationReport:
    """Liquidate an account by its policy's terms until it passes the test or has nothing left.

    Every step repays as much as may be of the first debt for the first collateral of which
    something is left, by the registry's order.

    Args:
        portfolio, policy, registry, prices, category: as for `report.health_report`; the policy has
            liquidation terms.
        shocks: by symbol: its price becomes price · (1 + shock), as in a scenario.
        pair: only this one liquidation.
        max_steps: 1 to 1000.

    Raises:
        InputError: a policy without liquidation terms; a shock below −1, or of a symbol without a
            price; a pair that the account does not have, or an amount that may not be repaid.
        DocumentError, CompileError: as for `report.health_report`.
    """
    whole("liquidation: max_steps", max_steps, 1, MAX_STEPS)
    start = account_of(portfolio, policy, registry, prices, category)
    weighing = Weighing(start, FrozenMap(shocks or {}))
    places, left = weighing.places, weighing.amounts
    first = now = weighing.weigh(left)
    if pair is not None:
        first.account.debt_of(pair.debt)
        first.account.collateral_of(pair.collateral)
    steps: list[LiquidationStep] = []
    outcome = _outcome(now, steps_left=True)
    while outcome is None:
        done = _step(now, weighing, pair)
        by_symbol = {(place.symbol, place.owed): place for place in places}
        left[by_symbol[done.debt, True]] -= done.repaid
        left[by_symbol[done.collateral, False]] -= done.seized
        now = weighing.weigh(left)
        steps.append(_told(done, now))
        outcome = _outcome(now, steps_left=pair is None and len(steps) < max_steps)
    return LiquidationReport(
        account=portfolio.account,
        policy=policy.name,
        quote=policy.quote,
        time=prices.time,
        category=category,
        shocks=weighing.shocks,
        headroom=first.headroom,
        headroom_after=now.headroom,
        health=_health(first),
        health_after=_health(now),
        steps=tuple(steps),
        outcome=outcome,
        balances=tuple(_balance(place, weighing, left) for place in places),
        auctions=_auctions(weighing, steps),
    )


def _outcome(now: Weighed, *, steps_left: bool) -> Outcome | None:
    if now.headroom >= 0:
        return "healthy"
    if not now.account.debt:
        return "no debt"
    if not now.account.collateral:
        return "exhausted"
    return None if steps_left else "step limit"


def _step(now: Weighed, weighing: Weighing, pair: LiquidationPair | None) -> Liquidation:
    terms, account = weighing.terms, now.account
    # The engine's health has the reserve in it, the terms' has not.
    everything = now.health is not None and now.health < terms.close_all_below
    rule = replace(liquidation_rule(terms), close_all_below=Fraction(everything))
    if pair is None:
        return liquidate(account, rule, account.debt[0].symbol, account.collateral[0].symbol)
    return liquidate(account, rule, pair.debt, pair.collateral, pair.repay)


def _told(done: Liquidation, after: Weighed) -> LiquidationStep:
    return LiquidationStep(
        debt=done.debt,
        collateral=done.collateral,
        repaid=done.repaid,
        seized=done.seized,
        repaid_value=done.repaid_value,
        protocol_fee=done.protocol_fee,
        to_liquidator=done.to_liquidator,
        penalty_value=done.penalty_value,
        headroom=after.headroom,
        health=_health(after),
    )


def _health(weighed: Weighed) -> Fraction | Infinite:
    return "infinite" if weighed.health is None else weighed.health


def _balance(place: Place, weighing: Weighing, left: Mapping[Place, Fraction]) -> Balance:
    return Balance(
        place.symbol,
        place.owed,
        place.asset.unit,
        place.price,
        weighing.amounts[place],
        left[place],
    )


def _auctions(
    weighing: Weighing, steps: Sequence[LiquidationStep]
) -> tuple[CollateralAuction, ...]:
    terms = weighing.terms.auction
    if terms is None:
        return ()
    found = []
    for place in weighing.places:
        own = [step for step in steps if step.collateral == place.symbol]
        if own and not place.owed:
            seized = sum((step.seized for step in own), Fraction(0))
            repaid = sum((step.repaid_value for step in own), Fraction(0))
            penalty = sum((step.penalty_value for step in own), Fraction(0))
            found.append(auction_seized(terms, place.symbol, place.price, seized, repaid, penalty))
    return tuple(found)
