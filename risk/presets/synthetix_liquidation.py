"""Synthetix v3 perps: keeper rewards, the liquidation tests, and what a liquidation takes.

Followed: Synthetixio/synthetix-v3, markets/perps-market 3.13.0 (June 2025): contracts/storage/
PerpsAccount.sol, PerpsMarket.sol, GlobalPerpsMarketConfiguration.sol and modules/
LiquidationModule.sol. Integers of 18 decimals; times in whole seconds.

Left out: distribution of seized collateral to pools.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...errors import InputError
from ..fixed_point import MAX_UINT256, WAD, whole
from .synthetix_v3 import Account, MarketConfiguration, Position, div_decimal, mul_decimal


@dataclass(frozen=True, slots=True)
class KeeperCosts:
    """USD that a keeper's transactions cost, as the oracle quotes them for the account."""

    flag: int
    liquidate: int

    def __post_init__(self) -> None:
        whole("Synthetix keeper costs: flag", self.flag, 0)
        whole("Synthetix keeper costs: liquidate", self.liquidate, 0)


@dataclass(frozen=True, slots=True)
class GlobalConfiguration:
    """Bounds of keeper rewards (setKeeperRewardGuards).

    Args:
        min_keeper_reward_usd: at most the next.
        max_keeper_reward_usd: USD.
        min_keeper_profit_ratio: least profit over the cost.
        max_keeper_scaling_ratio: most reward over the account's collateral.
        collateral_liquidate_reward_ratio: reward over the account's collateral.
    """

    min_keeper_reward_usd: int = 0
    max_keeper_reward_usd: int = 0
    min_keeper_profit_ratio: int = 0
    max_keeper_scaling_ratio: int = 0
    collateral_liquidate_reward_ratio: int = 0

    def __post_init__(self) -> None:
        for field in self.__slots__:
            whole(f"Synthetix keeper rewards: {field}", getattr(self, field), 0)
        if self.min_keeper_reward_usd > self.max_keeper_reward_usd:
            raise InputError(
                "Synthetix keeper rewards: min_keeper_reward_usd",
                f"at most the maximum {self.max_keeper_reward_usd}",
                str(self.min_keeper_reward_usd),
            )

    def keeper_reward(self, rewards: int, cost: int, collateral: int) -> int:
        """Reward held to its bounds; collateral 0 stands for an account that was flagged before."""
        least = max(
            cost + self.min_keeper_reward_usd,
            mul_decimal(cost, self.min_keeper_profit_ratio + WAD),
        )
        most = self.max_keeper_reward_usd
        if collateral:
            most = min(mul_decimal(collateral, self.max_keeper_scaling_ratio), most)
        return min(max(least, rewards + cost), most)

    def collateral_reward(self, collateral: int) -> int:
        """Reward for the collateral alone."""
        return mul_decimal(collateral, self.collateral_liquidate_reward_ratio)


def liquidation_reward(account: Account, rules: GlobalConfiguration, costs: KeeperCosts) -> int:
    """What liquidating the account may cost in keeper rewards; 0 without positions.

    The flag reward (or the collateral's, if larger) once, and the least reward of each further
    window that the slowest market needs.
    """
    if not account.positions:
        return 0
    collateral = account.collateral_value(discounted=False)
    flag = sum(mul_decimal(p.notional(), p.market.flag_reward_ratio) for p in account.positions)
    rewards = max(flag, rules.collateral_reward(collateral))
    windows = max(p.market.liquidation_windows(abs(p.size)) for p in account.positions)
    first = rules.keeper_reward(rewards, costs.flag + costs.liquidate, collateral)
    further = rules.keeper_reward(0, costs.liquidate, 0) * (windows - 1) if windows else 0
    return first + further


@dataclass(frozen=True, slots=True)
class AccountMargins:
    """An account's margins, USD; the requirements without the liquidation reward."""

    available: int
    initial: int
    maintenance: int
    liquidation_reward: int


def account_margins(
    account: Account, rules: GlobalConfiguration, costs: KeeperCosts
) -> AccountMargins:
    """Available and required margins (getAccountRequiredMargins)."""
    margins = [p.market.required_margins(p.size, p.price) for p in account.positions]
    return AccountMargins(
        account.available_margin(),
        sum(margin.initial for margin in margins),
        sum(margin.maintenance for margin in margins),
        liquidation_reward(account, rules, costs),
    )


def is_liquidatable(account: Account, rules: GlobalConfiguration, costs: KeeperCosts) -> bool:
    """Whether maintenance margin and liquidation reward exceed the available margin."""
    margins = account_margins(account, rules, costs)
    return margins.maintenance + margins.liquidation_reward > margins.available


def is_margin_liquidatable(
    account: Account, rules: GlobalConfiguration, costs: KeeperCosts
) -> bool:
    """Whether an account with debt and without positions cannot pay for its own liquidation."""
    if account.positions or not account.debt:
        return False
    collateral = account.collateral_value(discounted=False)
    rewards = rules.collateral_reward(collateral)
    reward = rules.keeper_reward(rewards, costs.flag + costs.liquidate, collateral)
    return account.available_margin() - reward < 0


def withdrawable_margin(account: Account, rules: GlobalConfiguration, costs: KeeperCosts) -> int:
    """USD that may be withdrawn: nothing with debt; below 0 for a liquidatable account."""
    if account.debt:
        return 0
    if not account.positions:
        return account.collateral_value(discounted=False)
    margins = account_margins(account, rules, costs)
    return margins.available - margins.initial - margins.liquidation_reward


@dataclass(frozen=True, slots=True)
class MarketState:
    """A market's skew and what was liquidated in it.

    Args:
        skew: signed, long minus short size.
        liquidations: (time in seconds, size), times ascending.
    """

    skew: int = 0
    liquidations: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        whole("Synthetix market state: skew", self.skew, -MAX_UINT256)
        last = 0
        for time, size in self.liquidations:
            last = whole("Synthetix market state: time of a liquidation", time, last)
            whole("Synthetix market state: size of a liquidation", size, 0)

    def capacity(self, market: MarketConfiguration, now: int) -> int:
        """Size that the current window still allows (currentLiquidationCapacity)."""
        last = self.liquidations[-1][0] if self.liquidations else 0
        whole("Synthetix liquidation: now", now, last)
        start = now - market.seconds_in_liquidation_window
        used = sum(size for time, size in self.liquidations if time > start)
        return max(market.max_liquidation_in_window() - used, 0)

    def max_liquidatable(self, market: MarketConfiguration, size: int, now: int) -> int:
        """How much of an unsigned size may be liquidated now (maxLiquidatableAmount)."""
        limit = market.max_liquidation_in_window()
        capacity = self.capacity(market, now)
        if limit == 0:
            return size
        if capacity:
            return min(capacity, size)
        again = market.max_liquidation_pd != 0 and self.liquidations[-1][0] != now
        if again and div_decimal(abs(self.skew), market.skew_scale) < market.max_liquidation_pd:
            return min(limit, size)
        return 0

    def after(self, skew_delta: int, now: int, recorded: bool) -> MarketState:
        """With one more liquidation, added to that of the same second if there is one."""
        done = self.liquidations
        if recorded and done and done[-1][0] == now:
            done = (*done[:-1], (now, done[-1][1] + abs(skew_delta)))
        elif recorded:
            done = (*done, (now, abs(skew_delta)))
        return MarketState(self.skew + skew_delta, done)


@dataclass(frozen=True, slots=True)
class Liquidation:
    """One attempt to liquidate an account.

    Args:
        reward: USD paid to the keeper.
        seized_collateral: USD value of the collateral, all of which is taken when it is flagged.
        forgiven_debt: USD of debt that goes with it.
        liquidated: (market, size), unsigned, of each position.
        account: what is left; flagged until it has no positions.
        states: the markets afterwards.
    """

    reward: int
    seized_collateral: int
    forgiven_debt: int
    liquidated: tuple[tuple[str, int], ...]
    account: Account
    states: dict[str, MarketState]


def liquidate(
    account: Account,
    states: dict[str, MarketState],
    rules: GlobalConfiguration,
    costs: KeeperCosts,
    now: int,
    *,
    flagged: bool = False,
    endorsed: frozenset[str] = frozenset(),
) -> Liquidation:
    """Flag an account and liquidate what the windows allow, or go on with a flagged one.

    Args:
        states: by name, one of each market with a position.
        now: seconds.
        flagged: whether an earlier attempt flagged the account.
        endorsed: markets whose endorsed liquidator the keeper is: no limit, no flag reward.

    Raises:
        InputError: not liquidatable and not flagged (without positions: the margin-only test); a
            market without state.
    """
    if not flagged:
        test = is_liquidatable if account.positions else is_margin_liquidatable
        if not test(account, rules, costs):
            raise InputError("Synthetix account", "eligible for liquidation", "one that is not")
    after = dict(states)
    left: list[Position] = []
    liquidated = []
    flag_reward = 0
    for p in account.positions:
        name = p.market.name
        if name not in states:
            raise InputError(f"Synthetix market {name}", "its state", "none")
        size = abs(p.size)
        unlimited = name in endorsed
        amount = size if unlimited else states[name].max_liquidatable(p.market, size, now)
        if not unlimited:
            flag_reward += mul_decimal(p.notional(), p.market.flag_reward_ratio)
        liquidated.append((name, amount))
        delta = -amount if p.size > 0 else amount
        if amount:
            recorded = unlimited or p.market.max_liquidation_in_window() > 0
            after[name] = states[name].after(delta, now, recorded)
        if amount == 0:
            left.append(p)
        elif amount < size:
            left.append(Position(p.market, p.size + delta, p.price, p.price))
    seized = 0 if flagged else account.collateral_value(discounted=False)
    last = account.positions[-1].market.name if account.positions else None
    if last not in endorsed:
        flag_reward = max(flag_reward, rules.collateral_reward(seized))
    rewards = 0 if flagged else flag_reward
    cost = costs.liquidate + (0 if flagged else costs.flag)
    attempted = not flagged or any(amount for _, amount in liquidated)
    reward = rules.keeper_reward(rewards, cost, seized) if attempted and rewards + cost else 0
    remaining = replace(account, positions=tuple(left))
    if not flagged:
        remaining = Account(0, (), tuple(left), 0)
    forgiven = 0 if flagged else account.debt
    return Liquidation(reward, seized, forgiven, tuple(liquidated), remaining, after)
