"""Synthetix v3 perps: the liquidation test as a policy.

The contracts (`synthetix_v3`, `synthetix_liquidation`) liquidate an account once Σ maintenance
margin + keeper rewards > available margin. With K the skew scale, a, b and s initial margin ratio,
minimum and maintenance scalar, a position of size x at price P needs P·r(|x|) + minimum position
margin, r(x) = x·s·(b + a·x/K): a parabola. snxUSD, debt, entry prices, funding and interest are the
balance of a signed slot, sizes signed slots (see `perpetual_slots`), other collateral its own.

**Chords.** Between given sizes the policy takes the chord of the parabola, which lies above it: a
tier of slope s·(b + a·(x + y)/K) between sizes x and y. That asks for at most P·s·a·h²/(4·K) more,
h the width of the tier. Above the last size z a unit long counts nothing and a unit short twice,
a slope of 1, which covers the parabola up to the size L with s·(b + a·(z + L)/K) = 1: about where
the whole notional is needed as margin. A larger position would need a factor below 0, which a
policy does not have: `PerpetualTiers.largest` says up to which size the policy is right, and is
at most L. Let it be the market's own largest size (maxMarketSize), or what the slot's unit and
`max_summands` allow to be committed, if that is less. The discount of a collateral, x·(1 − d(x))
with d = size / skew scale · scalar held to two limits, is a parabola between them; below it lie its
chords, above the last size the chord to where the upper limit is reached, and beyond that the same
slope, where the true one is larger.

**Minimum.** Keeper rewards are a largest of several, bounded by the account's own collateral: the
policy asks for the most that they can be, max_keeper_reward_usd, and for the rewards of the further
windows of the slowest market at its `largest` size, at the costs that the caller bounds. A minimum
position margin counts for every market of the rule, whether there is a position or not.

**Dust, in steps of 10^-18: one for each market, two for each collateral.** The contracts round
products and quotients towards zero. Of a margin that makes less, in the account's favour. Of
size·(price − entry price) it may take less than one step off the profit; of a collateral less than
one off its value and less than one off what the discount leaves (the discount itself is rounded in
the account's favour). The reward is bounded in the contracts' own integers, and funding and
interest enter the balance as the contracts round them.

In the other direction the policy asks for more by: the chords; the bound of the rewards over the
rewards; the minimum margins of markets without position; steps of 10^-18 for what favoured the
account: notional·(s·a + s + 2) + rate + 3 for a position, value·(scalar + 2) for a collateral; and
what `perpetual_slots` names of amounts and of tiers that begin less than a unit early.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ...errors import InputError
from ..fixed_point import WAD, whole
from ..portfolio import Portfolio
from ..registry import Registry, Side
from ..values import Exact
from .perpetual_slots import BALANCE_FACTOR, TERMS, slot_portfolio, tiers
from .provable import ProvableRule, rounded_down, rounded_up
from .synthetix_liquidation import GlobalConfiguration, KeeperCosts
from .synthetix_v3 import Account, MarketConfiguration, mul_decimal
from .units import integer_price, require_price


@dataclass(frozen=True, slots=True)
class PerpetualTiers:
    """A market, and the sizes between which its margin is taken along chords.

    Args:
        market: its parameters.
        sizes: ascending, above 0, 18 decimals.
        largest: the size up to which the policy is right; None for the last of `sizes`.

    Raises:
        InputError: no size or sizes out of order; a largest size below the last of them, or so
            large that a further unit is covered by no factor of at least 0 (see the module).
    """

    market: MarketConfiguration
    sizes: tuple[int, ...]
    largest: int | None = None

    def __post_init__(self) -> None:
        where = f"Synthetix policy, market {self.market.name}"
        _check_sizes(where, self.sizes)
        last = self.sizes[-1]
        largest = whole(f"{where}: largest", last if self.largest is None else self.largest, last)
        if self.slope(last, largest) > 1:
            raise InputError(
                f"{where}: largest",
                "a size with the last of sizes at which a further unit needs less than its value",
                "a larger one",
            )
        object.__setattr__(self, "largest", largest)

    def slope(self, low: int, high: int) -> Fraction:
        """Margin per unit of notional along the chord between two sizes."""
        market = self.market
        ratio = Fraction(market.minimum_initial_margin_ratio)
        if market.skew_scale:
            ratio += market.initial_margin_ratio * Fraction(low + high, market.skew_scale)
        return ratio * market.maintenance_margin_scalar / WAD**2

    def factors(self) -> dict[str, Any]:
        """Factors of the signed slot; plain ones where the margin is the same at every size."""
        slope = self.slope(0, 0)
        if slope == self.slope(0, self.sizes[-1]):
            return {"long": rounded_down(1 - slope), "short": rounded_up(1 + slope)}
        longs: list[tuple[Fraction, Exact]] = []
        shorts: list[tuple[Fraction, Exact]] = []
        for low, high in zip((0, *self.sizes[:-1]), self.sizes, strict=True):
            slope = self.slope(low, high)
            longs.append((Fraction(low, WAD), rounded_down(1 - slope)))
            shorts.append((Fraction(low, WAD), rounded_up(1 + slope)))
        end = Fraction(self.sizes[-1], WAD)
        return {
            "long": tiers("amount", [*longs, (end, Exact("0"))]),
            "short": tiers("amount", [*shorts, (end, Exact("2"))]),
        }


@dataclass(frozen=True, slots=True)
class CollateralTiers:
    """A collateral other than snxUSD, and the sizes between which chords take its discount.

    Args:
        name: symbol of its collateral slot.
        sizes: ascending, above 0, 18 decimals; those beyond the upper limit do not matter.
        skew_scale, discount_scalar, lower_limit_discount: as of `synthetix_v3.Collateral`.
        upper_limit_discount: at most one half: beyond that more collateral can be worth less.

    Raises:
        InputError: sizes out of order; a parameter out of its range.
    """

    name: str
    sizes: tuple[int, ...] = ()
    skew_scale: int = 0
    discount_scalar: int = 0
    lower_limit_discount: int = 0
    upper_limit_discount: int = 0

    def __post_init__(self) -> None:
        where = f"Synthetix policy, collateral {self.name}"
        if self.sizes:
            _check_sizes(where, self.sizes)
        whole(f"{where}: skew_scale", self.skew_scale, 0)
        whole(f"{where}: discount_scalar", self.discount_scalar, 0)
        whole(f"{where}: lower_limit_discount", self.lower_limit_discount, 0, WAD)
        whole(f"{where}: upper_limit_discount", self.upper_limit_discount, 0, WAD // 2)

    def factor(self) -> Exact | dict[str, Any]:
        """Factor of the collateral slot."""
        if self.skew_scale == 0:
            return Exact("1")
        high = Fraction(self.upper_limit_discount, WAD)
        low = min(Fraction(self.lower_limit_discount, WAD), high)
        if self.discount_scalar == 0 or low == high:
            return rounded_down(1 - low)
        # In whole assets: the discount is growth·amount from where it leaves its lower limit, to
        # where it reaches the upper one.
        growth = Fraction(self.discount_scalar, self.skew_scale)
        start = rounded_down(low / growth)
        end = high / growth
        sizes = [Fraction(size, WAD) for size in self.sizes]
        points = [start, *(size for size in sizes if start < size < end)]
        steps = [(Fraction(0), rounded_down(1 - low))] if start else []
        for before, after in zip(points, [*points[1:], end], strict=True):
            steps.append((before, rounded_down(1 - growth * (before + after))))
        return tiers("amount", steps)


def _check_sizes(where: str, sizes: tuple[int, ...]) -> None:
    if not sizes:
        raise InputError(f"{where}: sizes", "at least one", "none")
    before = 0
    for size in sizes:
        before = whole(f"{where}: sizes (ascending)", size, before + 1)


def synthetix_rule(
    markets: Sequence[PerpetualTiers],
    rules: GlobalConfiguration,
    costs: KeeperCosts,
    collaterals: Sequence[CollateralTiers] = (),
    quote: str = "snxUSD",
) -> ProvableRule:
    """Available margin ≥ maintenance margin and the most that liquidation rewards can be.

    Args:
        markets: where the account may have positions; a market's name is its signed slot's symbol.
        rules: bounds of the keeper rewards.
        costs: the most that a keeper's transactions cost.
        collaterals: what else the account may have; the slots are of side collateral.
        quote: snxUSD, a signed slot.
    """
    windows = max(
        (tier.market.liquidation_windows(tier.largest or 0) for tier in markets), default=0
    )
    further = rules.keeper_reward(0, costs.liquidate, 0) * max(windows - 1, 0)
    margins = sum(tier.market.minimum_position_margin for tier in markets)
    return ProvableRule(
        protocol="synthetix-v3-perps",
        quote=quote,
        ratio=Fraction(1),
        factors={
            "collateral": {collateral.name: collateral.factor() for collateral in collaterals},
            "signed": {quote: BALANCE_FACTOR}
            | {tier.market.name: tier.factors() for tier in markets},
        },
        dust=Fraction(len(markets) + 2 * len(collaterals), WAD),
        minimum=Fraction(rules.max_keeper_reward_usd + further + margins, WAD),
        terms=TERMS,
    )


def synthetix_portfolio(
    name: str, account: Account, registry: Registry, quote: str = "snxUSD"
) -> Portfolio:
    """The portfolio of an account: its balance, its sizes and its other collateral.

    The balance is snxUSD − debt − Σ size·entry price + funding − interest.

    Raises:
        InputError: the registry has no slot for something that the account has.
    """
    balance = Fraction(account.usd - account.debt, WAD)
    amounts: dict[tuple[str, Side], Fraction] = {}
    for position in account.positions:
        locked = mul_decimal(position.notional(), position.market.locked_oi_ratio)
        funding = mul_decimal(position.size, position.funding_per_unit)
        accrued = funding - mul_decimal(locked, position.interest_per_dollar)
        balance += Fraction(accrued, WAD) - Fraction(position.size * position.entry_price, WAD**2)
        amounts[position.market.name, "signed"] = Fraction(position.size, WAD)
    for collateral in account.collaterals:
        if collateral.amount:
            amounts[collateral.name, "collateral"] = Fraction(collateral.amount, WAD)
    return slot_portfolio(
        name, "Synthetix account", registry, {(quote, "signed"): balance, **amounts}
    )


def synthetix_prices(
    symbols: Sequence[str], prices: Mapping[str, Fraction], quote: str = "snxUSD"
) -> dict[str, int]:
    """Prices of markets and collaterals at a round, as the contracts have them: 18 decimals.

    Raises:
        InputError: a symbol without price or with one of more decimals; snxUSD's is not 1.
    """
    require_price("Synthetix", prices, quote, 1)
    return {symbol: integer_price("Synthetix", prices, symbol, 18) for symbol in symbols}
