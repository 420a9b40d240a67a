"""Synthetix v3 perps: margins of positions and accounts, and when an account may be liquidated.

Followed: Synthetixio/synthetix-v3, markets/perps-market 3.13.0 (June 2025): contracts/storage/
PerpsMarketConfiguration.sol, GlobalPerpsMarketConfiguration.sol, PerpsAccount.sol, Position.sol,
PerpsCollateralConfiguration.sol, AsyncOrder.sol (fill price). Every number is an integer of 18
decimals; products and quotients round towards zero. Liquidation is in `synthetix_liquidation`.

Left out: orders, funding and interest over time (their sums are inputs), price staleness, caps on
positions and on open interest.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import InputError
from ..fixed_point import MAX_UINT256, WAD, mul_div_up, truncate_div, whole

_MAX_INT128 = 2**127 - 1


def mul_decimal(x: int, y: int) -> int:
    """x·y of numbers of 18 decimals, rounded towards zero."""
    return truncate_div(x * y, WAD)


def div_decimal(x: int, y: int) -> int:
    """x/y of numbers of 18 decimals, rounded towards zero; y is not 0."""
    return truncate_div(x * WAD, y)


def fill_price(skew: int, skew_scale: int, size_delta: int, price: int) -> int:
    """Price of an order: the mean of the premium-adjusted price before and after it.

    Args:
        skew: long minus short size of the market before the order.
        skew_scale: of the market; 0 for no premium.
        size_delta: signed size of the order.
        price: oracle price.

    Raises:
        InputError: a discount that leaves a mean below 0, on which the contract reverts.
    """
    whole("Synthetix fill price: price", price, 1)
    if whole("Synthetix fill price: skew_scale", skew_scale, 0) == 0:
        return price
    before = price + mul_decimal(price, div_decimal(skew, skew_scale))
    after = price + mul_decimal(price, div_decimal(skew + size_delta, skew_scale))
    both = whole("Synthetix fill price: twice the mean", before + after, 0)
    return div_decimal(both, 2 * WAD)


@dataclass(frozen=True, slots=True)
class RequiredMargins:
    """Margins of one position: ratios and amounts in USD, 18 decimals."""

    initial_ratio: int
    maintenance_ratio: int
    initial: int
    maintenance: int


@dataclass(frozen=True, slots=True)
class MarketConfiguration:
    """Parameters of one perps market, 18 decimals unless said otherwise.

    The contract itself accepts any unsigned number for them.

    Args:
        name: not empty; unique in an account.
        skew_scale: size at which the premium is 100%; 0 switches the impact off.
        initial_margin_ratio: times size / skew_scale.
        minimum_initial_margin_ratio: added to it.
        maintenance_margin_scalar: maintenance over initial margin ratio.
        flag_reward_ratio: of a position's notional, to who flags the account.
        minimum_position_margin: USD added to each margin.
        maker_fee, taker_fee: ratios; with the three below they limit what may be liquidated.
        liquidation_limit_multiplier: maxLiquidationLimitAccumulationMultiplier.
        seconds_in_liquidation_window: whole seconds.
        max_liquidation_pd: premium below which another liquidation is allowed at capacity 0.
        locked_oi_ratio: part of the notional on which interest is due.
    """

    name: str
    skew_scale: int
    initial_margin_ratio: int
    minimum_initial_margin_ratio: int
    maintenance_margin_scalar: int
    flag_reward_ratio: int = 0
    minimum_position_margin: int = 0
    maker_fee: int = 0
    taker_fee: int = 0
    liquidation_limit_multiplier: int = 0
    seconds_in_liquidation_window: int = 0
    max_liquidation_pd: int = 0
    locked_oi_ratio: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InputError("Synthetix market: name", "a name", "none")
        for field in self.__slots__[1:]:
            whole(f"Synthetix market {self.name}: {field}", getattr(self, field), 0)

    def required_margins(self, size: int, price: int) -> RequiredMargins:
        """Margins of a signed size at a price (calculateRequiredMargins); all 0 for no size."""
        where = f"Synthetix market {self.name}"
        whole(f"{where}: size", size, -_MAX_INT128, _MAX_INT128)
        whole(f"{where}: price", price, 1)
        if size == 0:
            return RequiredMargins(0, 0, 0, 0)
        impact = div_decimal(abs(size), self.skew_scale) if self.skew_scale else 0
        initial = mul_decimal(impact, self.initial_margin_ratio) + self.minimum_initial_margin_ratio
        maintenance = mul_decimal(initial, self.maintenance_margin_scalar)
        notional = mul_decimal(abs(size), price)
        return RequiredMargins(
            initial,
            maintenance,
            mul_decimal(notional, initial) + self.minimum_position_margin,
            mul_decimal(notional, maintenance) + self.minimum_position_margin,
        )

    def max_liquidation_in_window(self) -> int:
        """Size that may be liquidated in one window; 0 where nothing limits it."""
        fees = mul_decimal(self.maker_fee + self.taker_fee, self.skew_scale)
        per_second = mul_decimal(fees, self.liquidation_limit_multiplier)
        return per_second * self.seconds_in_liquidation_window

    def liquidation_windows(self, size: int) -> int:
        """Windows that liquidating an unsigned size takes, rounded up; 0 without a limit."""
        limit = self.max_liquidation_in_window()
        return mul_div_up(size, 1, limit) if limit else 0


@dataclass(frozen=True, slots=True)
class Position:
    """An account's position in one market, 18 decimals.

    Args:
        market: its market.
        size: signed; positive is long.
        price: current oracle price, above 0.
        entry_price: of the last interaction, above 0.
        funding_per_unit: USD per unit of size that accrued since then, signed, to the holder.
        interest_per_dollar: interest that accrued since then on a dollar of locked notional.
    """

    market: MarketConfiguration
    size: int
    price: int
    entry_price: int
    funding_per_unit: int = 0
    interest_per_dollar: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.market, MarketConfiguration):
            raise InputError("Synthetix position: market", "a MarketConfiguration", "another type")
        where = f"Synthetix position in {self.market.name}"
        whole(f"{where}: size", self.size, -_MAX_INT128, _MAX_INT128)
        whole(f"{where}: price", self.price, 1)
        whole(f"{where}: entry_price", self.entry_price, 1)
        whole(f"{where}: funding_per_unit", self.funding_per_unit, -MAX_UINT256)
        whole(f"{where}: interest_per_dollar", self.interest_per_dollar, 0)

    def notional(self) -> int:
        """Unsigned value at the current price."""
        return mul_decimal(abs(self.size), self.price)

    def pnl(self) -> int:
        """Unrealized profit: of the price, plus funding, less interest."""
        locked = mul_decimal(self.notional(), self.market.locked_oi_ratio)
        return (
            mul_decimal(self.size, self.price - self.entry_price)
            + mul_decimal(self.size, self.funding_per_unit)
            - mul_decimal(locked, self.interest_per_dollar)
        )


@dataclass(frozen=True, slots=True)
class Collateral:
    """An amount of one collateral other than snxUSD, 18 decimals.

    Args:
        name: of the synth.
        amount: at least 0.
        price: USD, above 0.
        skew_scale: of its spot market; 0 for no discount.
        discount_scalar: discount per amount / skew_scale, held to the two limits.
        lower_limit_discount, upper_limit_discount: at most 1.
    """

    name: str
    amount: int
    price: int
    skew_scale: int = 0
    discount_scalar: int = 0
    lower_limit_discount: int = 0
    upper_limit_discount: int = 0

    def __post_init__(self) -> None:
        where = f"Synthetix collateral {self.name}"
        whole(f"{where}: amount", self.amount, 0)
        whole(f"{where}: price", self.price, 1)
        whole(f"{where}: skew_scale", self.skew_scale, 0)
        whole(f"{where}: discount_scalar", self.discount_scalar, 0)
        whole(f"{where}: lower_limit_discount", self.lower_limit_discount, 0, WAD)
        whole(f"{where}: upper_limit_discount", self.upper_limit_discount, 0, WAD)

    def value(self, discounted: bool) -> int:
        """USD value, discounted by its own size or not (valueInUsd)."""
        discount = 0
        if discounted and self.skew_scale:
            impact = mul_decimal(div_decimal(self.amount, self.skew_scale), self.discount_scalar)
            discount = min(max(impact, self.lower_limit_discount), self.upper_limit_discount)
        return mul_decimal(mul_decimal(self.amount, self.price), WAD - discount)


@dataclass(frozen=True, slots=True)
class Account:
    """snxUSD, other collateral, positions in the order in which they were opened, and debt.

    Args:
        usd: snxUSD collateral, at least 0.
        debt: USD owed from closed positions, at least 0.
        positions: at most one of each market, none of size 0.
    """

    usd: int
    collaterals: tuple[Collateral, ...] = ()
    positions: tuple[Position, ...] = ()
    debt: int = 0

    def __post_init__(self) -> None:
        whole("Synthetix account: usd", self.usd, 0)
        whole("Synthetix account: debt", self.debt, 0)
        for kind, names in (
            ("collateral", [collateral.name for collateral in self.collaterals]),
            ("position", [position.market.name for position in self.positions]),
        ):
            for name in names:
                if names.count(name) > 1:
                    raise InputError(f"Synthetix account: {name}", f"one {kind}", "more")
        for position in self.positions:
            if position.size == 0:
                raise InputError(f"Synthetix position in {position.market.name}", "a size", "0")

    def collateral_value(self, discounted: bool) -> int:
        """USD value of all collateral."""
        return self.usd + sum(collateral.value(discounted) for collateral in self.collaterals)

    def available_margin(self) -> int:
        """Discounted collateral plus profit less debt, signed USD."""
        pnl = sum(position.pnl() for position in self.positions)
        return self.collateral_value(discounted=True) + pnl - self.debt

    def updated_feeds(self) -> int:
        """Prices that flagging the account needs, by which its cost is quoted."""
        return sum(c.amount > 0 for c in self.collaterals) + len(self.positions)
