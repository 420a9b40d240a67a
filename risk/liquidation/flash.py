"""Flash liquidation: agents who borrow what they repay, and sell what they seize, in one go.

An agent repays r of a debt with a flash loan, receives its part of the seized collateral, sells all
of that along the market's depth curve, and pays back the loan with its fee. In quote:

    profit = proceeds(received(r)) − r · debt price · (1 + flash fee) − gas cost

It is concave in r, so the best r lies where the market's marginal price equals the cost of one
whole collateral, or at the end of what the liquidation rule allows. An agent acts only on a profit
that is above 0 and at least its minimum. Debt is bought back at its own price, without a curve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from ...errors import InputError
from ..checks import exact, instance, name
from ..fixed_point import whole
from ..values import FrozenMap
from .close import Liquidation, RepayLimits, liquidate, received_per_repaid, repay_limits
from .depth import DepthCurve, Sale, sell
from .position import Account, Holding
from .rule import LiquidationRule

MAX_ROUNDS = 1000
"""The most rounds that agents may be given."""

FlashOutcome: TypeAlias = Literal["healthy", "exhausted", "unprofitable", "round limit"]
"""Why agents stopped: health is at least 1; no collateral is left; no agent finds a liquidation
profitable; as many rounds as allowed."""


@dataclass(frozen=True, slots=True)
class Agent:
    """A liquidator without capital of its own.

    Args:
        name: unique among the agents.
        flash_fee: of the flash loan, as a share of it, at least 0 (0.0005 on Aave v3 by default).
        gas_cost: of one liquidation, in quote, at least 0.
        minimum_profit: of one liquidation, in quote, at least 0.
    """

    name: str
    flash_fee: Fraction = Fraction(0)
    gas_cost: Fraction = Fraction(0)
    minimum_profit: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        name("agent's name", self.name)
        for field in ("flash_fee", "gas_cost", "minimum_profit"):
            value = exact(f"agent {self.name}.{field}", getattr(self, field), low=0)
            object.__setattr__(self, field, value)


@dataclass(frozen=True, slots=True)
class FlashLiquidation:
    """What one agent did: `sale.proceeds` = `liquidation.repaid_value` + fee + gas + profit.

    Attributes:
        agent: its name.
        liquidation: what the account repaid and lost.
        sale: of the agent's part of the collateral, and the market afterwards.
        flash_fee, gas_cost, profit: in quote.
    """

    agent: str
    liquidation: Liquidation
    sale: Sale
    flash_fee: Fraction
    gas_cost: Fraction
    profit: Fraction


@dataclass(frozen=True, slots=True)
class FlashResult:
    """What the agents made of an account.

    Attributes:
        actions: in their order.
        profits: of every agent, in quote; 0 if it did nothing.
        before, account: the account before and after.
        markets: by symbol of the collateral, afterwards.
        outcome: why they stopped.
    """

    actions: tuple[FlashLiquidation, ...]
    profits: Mapping[str, Fraction]
    before: Account
    account: Account
    markets: Mapping[str, DepthCurve]
    outcome: FlashOutcome

    @property
    def bad_debt(self) -> Fraction:
        """The part of the debt left that the collateral left does not cover, in quote."""
        return self.account.shortfall


def best_flash_liquidation(
    account: Account,
    rule: LiquidationRule,
    agent: Agent,
    debt: str,
    collateral: str,
    market: DepthCurve,
) -> FlashLiquidation | None:
    """The most profitable liquidation of one pair for one agent; the larger of two that are equal.

    In an order book it is exact. In a pool it is the best, to one quote unit, among sales of whole
    multiples of the pool's `unit` and the ends of what the rule allows.

    Args:
        account: liquidatable.
        rule: what a liquidation may do.
        agent: who does it.
        debt, collateral: symbols of the account, both with something left.
        market: what buys the collateral.

    Returns:
        None if none is profitable enough.

    Raises:
        InputError: as in `close.repay_limits`.
    """
    instance("flash liquidation: agent", agent, Agent)
    instance(f"flash liquidation: market of {collateral}", market, DepthCurve)
    owed, held = account.debt_of(debt), account.collateral_of(collateral)
    limits = repay_limits(account, rule, debt, collateral)
    received = received_per_repaid(rule, owed, held)
    cost = owed.price * (1 + agent.flash_fee)

    def profit(repay: Fraction) -> Fraction:
        return market.proceeds(repay * received) - repay * cost - agent.gas_cost

    candidates = _candidates(limits, received, cost, market)
    best = max(((profit(repay), repay) for repay in candidates), default=None)
    if best is None or best[0] <= 0 or best[0] < agent.minimum_profit:
        return None
    liquidation = liquidate(account, rule, debt, collateral, best[1])
    return FlashLiquidation(
        agent=agent.name,
        liquidation=liquidation,
        sale=sell(market, liquidation.to_liquidator),
        flash_fee=liquidation.repaid_value * agent.flash_fee,
        gas_cost=agent.gas_cost,
        profit=best[0],
    )


def flash_liquidate(
    account: Account,
    rule: LiquidationRule,
    agents: Sequence[Agent],
    markets: Mapping[str, DepthCurve],
    max_rounds: int = 64,
) -> FlashResult:
    """Let agents compete for an account, in turn, on markets that they deplete.

    In each round every agent, in the stated order, carries out the liquidation that earns it most,
    over all pairs of a debt and a collateral; of pairs that earn the same, the account's first. It
    ends when the account is healthy or out of collateral, or after a round in which nobody acted.

    Args:
        account: any; one that is healthy is left as it is.
        rule: what one liquidation may do.
        agents: in the order in which they act.
        markets: by symbol of the collateral; one that has none cannot be sold.
        max_rounds: 1 to 1000.

    Raises:
        InputError: two agents of one name, a number out of its range.
    """
    whole("flash liquidation: max_rounds", max_rounds, 1, MAX_ROUNDS)
    profits: dict[str, Fraction] = {}
    for index, agent in enumerate(agents):
        instance(f"flash liquidation: agents[{index}]", agent, Agent)
        if agent.name in profits:
            raise InputError(
                f"flash liquidation: agents[{index}]", "every agent once", repr(agent.name)
            )
        profits[agent.name] = Fraction(0)
    depth = dict(markets)
    actions: list[FlashLiquidation] = []
    now = account
    outcome: FlashOutcome | None = _settled(now)
    for _ in range(max_rounds):
        acted = False
        for agent in agents:
            if outcome is not None:
                break
            action = _best_of_all(now, rule, agent, depth)
            if action is None:
                continue
            acted = True
            actions.append(action)
            profits[agent.name] += action.profit
            depth[action.liquidation.collateral] = action.sale.market
            now = action.liquidation.account
            outcome = _settled(now)
        if outcome is None and not acted:
            outcome = "unprofitable"
        if outcome is not None:
            break
    return FlashResult(
        actions=tuple(actions),
        profits=FrozenMap(profits),
        before=account,
        account=now,
        markets=FrozenMap(depth),
        outcome=outcome or "round limit",
    )


def _candidates(
    limits: RepayLimits, received: Fraction, cost: Fraction, market: DepthCurve
) -> list[Fraction]:
    """Where the most profitable repay can be, of those that the rule and the market allow."""
    capacity = market.capacity
    ends = [limits.partial] if limits.whole is None else [limits.partial, limits.whole]
    if capacity is not None:
        deepest = capacity / received
        ends = [min(limits.partial, deepest)] + [end for end in ends[1:] if end <= deepest]
    turning = market.sellable_at(cost / received) / received
    return [repay for repay in (min(turning, ends[0]), *ends) if repay > 0]


def _best_of_all(
    account: Account, rule: LiquidationRule, agent: Agent, markets: Mapping[str, DepthCurve]
) -> FlashLiquidation | None:
    best: FlashLiquidation | None = None
    for owed in _left(account.debt):
        for held in _left(account.collateral):
            market = markets.get(held.symbol)
            if market is None:
                continue
            found = best_flash_liquidation(account, rule, agent, owed.symbol, held.symbol, market)
            if found is not None and (best is None or found.profit > best.profit):
                best = found
    return best


def _left(holdings: tuple[Holding, ...]) -> list[Holding]:
    return [item for item in holdings if item.amount]


def _settled(account: Account) -> FlashOutcome | None:
    if not account.is_liquidatable:
        return "healthy"
    return None if _left(account.collateral) else "exhausted"
