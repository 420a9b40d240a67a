"""Hyperliquid perpetuals: margin tiers, account value, and the prices of liquidation, in USDC.

Followed: the venue's documentation (hyperliquid-docs: trading/margining, trading/margin-tiers,
trading/liquidations, as of 2026) and hyperliquid-dex/ts-examples, examples/LiquidationPx.tsx.
What a liquidation does is in `hyperliquid_liquidation`.

An isolated position is an account of its own: its balance is the isolated margin. All cross
positions of a user are one account, whose balance is the cross margin.

Everything is exact: the venue publishes no rounding rule. What it displays is rounded to its price
ticks and eight decimals.

Left out: spot balances and the portfolio margin mode, funding that has accrued and is not paid, the
order book: a price of liquidation is of the mark price and of a state that does not move meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ...errors import InputError
from ..checks import Rational, exact, label
from ..fixed_point import whole
from .margin_ladder import MarginLadder, covered_range

MAX_LEVERAGE = 50
MAX_LIQUIDATION_PRICE = 10**15
TRANSFER_SHARE = Fraction(1, 10)


@dataclass(frozen=True, slots=True)
class MarginTier:
    """One tier: the largest leverage from a notional on.

    Args:
        lower_bound: notional in USDC from which the tier applies, at least 0.
        max_leverage: 1..50; a maintenance margin rate of 1/(2·max_leverage).

    Raises:
        InputError: a number out of its range.
    """

    lower_bound: Rational
    max_leverage: int

    def __post_init__(self) -> None:
        where = "Hyperliquid margin tier"
        bound = exact(f"{where}: lower_bound", self.lower_bound, low=0)
        object.__setattr__(self, "lower_bound", bound)
        whole(f"{where}: max_leverage", self.max_leverage, 1, MAX_LEVERAGE)

    @property
    def maintenance_margin_rate(self) -> Fraction:
        """Half of the initial margin rate at the tier's largest leverage."""
        return Fraction(1, 2 * self.max_leverage)


@dataclass(frozen=True, slots=True)
class MarginTable:
    """The margin tiers of an asset.

    Args:
        asset: name, for errors.
        tiers: the first from 0, bounds growing, leverage not growing.

    Raises:
        InputError: tiers that are none, do not begin at 0, overlap, or ask for less as they grow.
    """

    asset: str
    tiers: tuple[MarginTier, ...]

    def __post_init__(self) -> None:
        where = (
            f"Hyperliquid margin table of {label('Hyperliquid margin table: asset', self.asset)}"
        )
        for tier in self.tiers:
            if not isinstance(tier, MarginTier):
                raise InputError(f"{where}: tiers", "MarginTiers", f"a {type(tier).__name__}")
        # The ladder refuses what the table may not be.
        _ = self.ladder

    @classmethod
    def single(cls, asset: str, max_leverage: int) -> MarginTable:
        """A table of one tier, as of the venue's margin table ids below 50."""
        return cls(asset, (MarginTier(0, max_leverage),))

    @property
    def ladder(self) -> MarginLadder:
        """The tiers as maintenance margin by notional."""
        return MarginLadder(
            f"Hyperliquid margin table of {self.asset}",
            tuple(tier.lower_bound for tier in self.tiers),
            tuple(tier.maintenance_margin_rate for tier in self.tiers),
        )

    def max_leverage(self, notional: Rational) -> int:
        """Largest leverage that a notional of at least 0 may be opened with."""
        return self.tiers[self.ladder.tier(notional)].max_leverage

    def maintenance_margin_rate(self, notional: Rational) -> Fraction:
        """Rate of the tier that the notional falls in."""
        return self.tiers[self.ladder.tier(notional)].maintenance_margin_rate

    def maintenance_deduction(self, notional: Rational) -> Fraction:
        """Deduction of the tier that the notional falls in, USDC."""
        return self.ladder.deductions[self.ladder.tier(notional)]

    def maintenance_margin(self, notional: Rational) -> Fraction:
        """notional·rate − deduction, USDC."""
        return self.ladder.margin(notional)


@dataclass(frozen=True, slots=True)
class Position:
    """One open position.

    Args:
        coin: name of the asset.
        size: in coins, above 0 long and below 0 short; not 0.
        entry_price: USDC per coin, above 0.
        mark_price: USDC per coin, above 0; of it are notional and maintenance margin.
        table: margin tiers of the asset.

    Raises:
        InputError: a value out of its range.
    """

    coin: str
    size: Rational
    entry_price: Rational
    mark_price: Rational
    table: MarginTable

    def __post_init__(self) -> None:
        where = f"Hyperliquid position {label('Hyperliquid position: coin', self.coin)}"
        size = exact(f"{where}: size", self.size)
        if size == 0:
            raise InputError(f"{where}: size", "a number other than 0", "0")
        object.__setattr__(self, "size", size)
        for name in ("entry_price", "mark_price"):
            price = exact(f"{where}: {name}", getattr(self, name), above=0)
            object.__setattr__(self, name, price)
        if not isinstance(self.table, MarginTable):
            raise InputError(f"{where}: table", "a MarginTable", f"a {type(self.table).__name__}")

    @property
    def notional(self) -> Fraction:
        """|size|·mark price, USDC."""
        return abs(Fraction(self.size)) * self.mark_price

    @property
    def unrealized_pnl(self) -> Fraction:
        """size·(mark price − entry price), USDC."""
        return Fraction(self.size * (self.mark_price - self.entry_price))

    @property
    def maintenance_margin(self) -> Fraction:
        """Maintenance margin at the mark price, USDC."""
        return self.table.maintenance_margin(self.notional)

    def initial_margin(self, leverage: int) -> Fraction:
        """Notional / leverage, USDC.

        Args:
            leverage: the user's setting: a whole number from 1 to the tier's largest.

        Raises:
            InputError: another leverage.
        """
        most = self.table.max_leverage(self.notional)
        whole(f"Hyperliquid position {self.coin}: leverage", leverage, 1, most)
        return self.notional / leverage


@dataclass(frozen=True, slots=True)
class Account:
    """Margin that stands for some positions: a user's cross account, or one isolated position.

    Args:
        balance: USDC without unrealized profit and loss: the cross balance, or the isolated margin.
        positions: at most one of each coin.

    Raises:
        InputError: a balance that is no number, a coin twice.
    """

    balance: Rational
    positions: tuple[Position, ...] = ()

    def __post_init__(self) -> None:
        balance = exact("Hyperliquid account: balance", self.balance)
        object.__setattr__(self, "balance", balance)
        seen = set()
        for position in self.positions:
            if not isinstance(position, Position):
                raise InputError(
                    "Hyperliquid account: positions", "Positions", f"a {type(position).__name__}"
                )
            if position.coin in seen:
                where = f"Hyperliquid account: position {position.coin}"
                raise InputError(where, "one position of a coin", "a second one")
            seen.add(position.coin)

    @property
    def account_value(self) -> Fraction:
        """Balance and unrealized profit and loss, USDC."""
        return sum((each.unrealized_pnl for each in self.positions), Fraction(self.balance))

    @property
    def maintenance_margin(self) -> Fraction:
        """Maintenance margin of all positions, USDC."""
        return sum((each.maintenance_margin for each in self.positions), Fraction(0))

    @property
    def total_notional(self) -> Fraction:
        """Notional of all positions, USDC."""
        return sum((each.notional for each in self.positions), Fraction(0))

    @property
    def is_liquidatable(self) -> bool:
        """Whether the account value is below the maintenance margin; equal to it is not."""
        return self.account_value < self.maintenance_margin

    def position(self, coin: str) -> Position:
        """The position in a coin.

        Raises:
            InputError: there is none.
        """
        for position in self.positions:
            if position.coin == coin:
                return position
        raise InputError("Hyperliquid account: coin", "a coin with a position", repr(coin))

    def liquidation_price(self, coin: str) -> Fraction | None:
        """Mark price of one coin at which the account value equals the maintenance margin.

        Every other price stays. The tier is the one of the position's value at that very price. It
        is price − side·available/size/(1 − l·side) with l = 1/(2·max leverage) and available =
        account value − maintenance margin, wherever the tier is the same at both prices.

        Returns:
            USDC per coin; None if the price cannot come there: none is above 0, or none is at most
            10^15, as LiquidationPx.tsx has it.

        Raises:
            InputError: no position in the coin.
        """
        position = self.position(coin)
        others = self.maintenance_margin - position.maintenance_margin
        constant = self.account_value - position.size * position.mark_price - others
        size = Fraction(position.size)
        covered = covered_range(constant, size, ((abs(size), position.table.ladder),))
        price = covered.lower if position.size > 0 else covered.upper
        return price if price is not None and 0 < price <= MAX_LIQUIDATION_PRICE else None

    def transfer_margin_required(self, initial_margin: Rational) -> Fraction:
        """What must remain when margin is taken out: the initial margin, at least 10% of notional.

        Args:
            initial_margin: of all positions at the user's leverages, USDC, at least 0.
        """
        needed = exact("Hyperliquid account: initial_margin", initial_margin, low=0)
        return max(needed, TRANSFER_SHARE * self.total_notional)
