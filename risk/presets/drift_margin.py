"""Drift: total collateral and margin requirement of an account's spot positions.

Followed: drift-labs/protocol-v2, program 2.162.0 (April 2026): programs/drift/src/math/margin.rs,
state/user.rs (worst-case fill of open orders), state/oracle.rs (strict price). Values: 10^-6 USD.

Left out: perpetual positions, oracle validity, isolated pools, the buffer within a liquidation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...errors import InputError
from ..fixed_point import mul_div, truncate_div, whole
from .drift import WEIGHT_PRECISION, MarginType, SpotMarket

OPEN_ORDER_MARGIN = 10_000
_MAX_INT64 = 2**63 - 1
_MAX_UINT64 = 2**64 - 1


@dataclass(frozen=True, slots=True)
class FillSimulation:
    """A position after its open orders fill on one side; amounts and values signed."""

    token_amount: int
    orders_value: int
    token_value: int
    weighted_token_value: int

    @property
    def free_collateral_contribution(self) -> int:
        """What the position adds to collateral less requirement."""
        return self.weighted_token_value + self.orders_value


@dataclass(frozen=True, slots=True)
class SpotPosition:
    """A deposit or a borrow of one token, and what is open in its orders.

    Args:
        market: its market.
        scaled_balance: 10^-9, at least 0; `SpotMarket.token_amount` gives the tokens.
        price: oracle price, 10^-6 USD, above 0.
        is_borrow: whether the balance is owed.
        twap: five-minute average price for a strict valuation, which takes the worse of both.
        open_bids: tokens that open orders would buy, at least 0.
        open_asks: tokens that open orders would sell, at most 0.
        open_orders: how many, 0..255.
    """

    market: SpotMarket
    scaled_balance: int
    price: int
    is_borrow: bool = False
    twap: int | None = None
    open_bids: int = 0
    open_asks: int = 0
    open_orders: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.market, SpotMarket):
            raise InputError("Drift spot position: market", "a SpotMarket", "another type")
        where = f"Drift spot position in {self.market.name}"
        whole(f"{where}: scaled_balance", self.scaled_balance, 0, _MAX_UINT64)
        whole(f"{where}: price", self.price, 1, _MAX_INT64)
        if self.twap is not None:
            whole(f"{where}: twap", self.twap, 1, _MAX_INT64)
        whole(f"{where}: open_bids", self.open_bids, 0, _MAX_INT64)
        whole(f"{where}: open_asks", self.open_asks, -_MAX_INT64, 0)
        whole(f"{where}: open_orders", self.open_orders, 0, 255)

    def token_amount(self) -> int:
        """Signed tokens: a borrow is negative."""
        amount = self.market.token_amount(self.scaled_balance, self.is_borrow)
        return -amount if self.is_borrow else amount

    def token_value(self) -> int:
        """Signed value, rounded down: a deposit at the lower price, a borrow at the higher one."""
        amount = self.token_amount()
        other = self.price if self.twap is None else self.twap
        price = min(self.price, other) if amount > 0 else max(self.price, other)
        return self.market.token_value(amount, price)

    def _weighted(self, amount: int, value: int, kind: MarginType) -> int:
        if value > 0:
            weight = self.market.asset_weight(abs(amount), self.price, kind)
        else:
            weight = self.market.liability_weight(abs(amount), kind)
        return truncate_div(value * weight, WEIGHT_PRECISION)

    def worst_case(self, kind: MarginType) -> FillSimulation:
        """The riskier of both sides' open orders filled (get_worst_case_fill_simulation)."""
        amount, value = self.token_amount(), self.token_value()
        price = max(self.price, self.price if self.twap is None else self.twap)
        sides = []
        for filled in (self.open_asks, self.open_bids):
            orders = self.market.token_value(-filled, price)
            after, worth = amount + filled, value - orders
            weighted = self._weighted(after, worth, kind)
            sides.append(FillSimulation(after, orders, worth, weighted))
        return min(sides, key=lambda side: side.free_collateral_contribution)

    def with_custom_ratio(self, side: FillSimulation, ratio: int) -> FillSimulation:
        """A fill at the holder's own margin ratio, parts per 10,000, where that is stricter."""
        value, amount = side.weighted_token_value, abs(side.token_amount)
        if ratio == 0 or value == 0:
            return side
        if value < 0:
            own = self.market.liability_weight(amount, MarginType.INITIAL)
            weight = max(own, ratio + WEIGHT_PRECISION)
        else:
            own = self.market.asset_weight(amount, self.price, MarginType.INITIAL)
            weight = min(own, max(WEIGHT_PRECISION - ratio, 0))
        weighted = truncate_div(side.token_value * weight, WEIGHT_PRECISION)
        return replace(side, weighted_token_value=weighted)


@dataclass(frozen=True, slots=True)
class SpotMargin:
    """Total collateral (signed) and margin requirement of an account."""

    total_collateral: int
    margin_requirement: int

    def meets_requirement(self) -> bool:
        """Whether collateral covers the requirement."""
        return self.total_collateral >= self.margin_requirement


def _refuse_dust(position: SpotPosition, amount: int) -> None:
    if amount == 0 and position.scaled_balance:
        where = f"Drift spot position in {position.market.name}: scaled_balance"
        raise InputError(where, "0, or worth a unit of the token in the worst case", "less")


def spot_margin(
    positions: tuple[SpotPosition, ...], kind: MarginType, custom_margin_ratio: int = 0
) -> SpotMargin:
    """Collateral and requirement of spot positions.

    Source: calculate_margin_requirement_and_total_collateral_and_liability_info, math/margin.rs.

    Args:
        positions: at most one of each market.
        kind: which weights.
        custom_margin_ratio: parts per 10,000, at least 0. The program passes the holder's own only
            for the initial margin, an override for any.

    Raises:
        InputError: two positions in a market; orders in the quote market; a balance of less than
            the smallest unit of the token, on which the program stops.
    """
    whole("Drift margin: custom_margin_ratio", custom_margin_ratio, 0, 2**32 - 1)
    names = [position.market.name for position in positions]
    collateral = requirement = 0
    for position in positions:
        name = position.market.name
        where = f"Drift spot position in {name}"
        if names.count(name) > 1:
            raise InputError(where, "one position", "more")
        if position.market.quote:
            if position.open_bids or position.open_asks or position.open_orders:
                raise InputError(where, "no orders in the quote market", "some")
            _refuse_dust(position, position.token_amount())
            value = position.token_value()
            collateral += max(value, 0)
            requirement += max(-value, 0)
            continue
        side = position.worst_case(kind)
        side = position.with_custom_ratio(side, custom_margin_ratio)
        _refuse_dust(position, side.token_amount)
        requirement += position.open_orders * OPEN_ORDER_MARGIN
        if side.token_value > 0:
            collateral += side.weighted_token_value
        else:
            requirement -= side.weighted_token_value
        collateral += max(side.orders_value, 0)
        requirement += max(-side.orders_value, 0)
    return SpotMargin(collateral, requirement)


def is_liquidatable(positions: tuple[SpotPosition, ...]) -> bool:
    """Whether collateral at maintenance weights is below the maintenance requirement."""
    return not spot_margin(positions, MarginType.MAINTENANCE).meets_requirement()


def spot_balance(market: SpotMarket, amount: int, is_borrow: bool, round_up: bool) -> int:
    """Scaled balance of an amount of tokens, rounded down, or one more (get_spot_balance).

    Args:
        amount: unsigned tokens.
        round_up: adds 1 to a balance that is not 0, whether or not it was exact.
    """
    whole(f"Drift spot market {market.name}: amount", amount, 0, 2**128 - 1)
    interest = (
        market.cumulative_borrow_interest if is_borrow else market.cumulative_deposit_interest
    )
    balance = mul_div(amount, 10 ** (19 - market.decimals), interest)
    return balance + 1 if round_up and balance else balance
