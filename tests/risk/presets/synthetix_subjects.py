"""Random accounts of Synthetix perps, small ones in units as fine as the contracts' own."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from random import Random

from tests.risk.presets.venue_subject import (
    STEP,
    UNBOUNDED,
    Subject,
    decimal,
    magnitude,
    registry_of,
)
from zkcollateral.risk.fixed_point import WAD
from zkcollateral.risk.presets import synthetix_liquidation, synthetix_v3
from zkcollateral.risk.presets.synthetix_policy import (
    CollateralTiers,
    PerpetualTiers,
    synthetix_portfolio,
    synthetix_rule,
)
from zkcollateral.risk.values import Exact


def _sizes(random: Random, largest: int) -> tuple[int, ...]:
    count = random.randint(1, 5)
    return tuple(sorted({random.randint(1, largest) for _ in range(count)}))


def _market(random: Random, index: int, *, small: bool, linear: bool) -> PerpetualTiers:
    scale = 0 if linear or random.random() < 0.1 else magnitude(random, 20, 24)
    minimum = random.choice([2, 5, 10]) * WAD // 100
    scalar = random.randint(20, 100) * WAD // 100
    initial = 0 if random.random() < 0.1 else random.randint(1, 300) * WAD // 100
    market = synthetix_v3.MarketConfiguration(
        f"M{index}",
        scale,
        initial,
        minimum,
        scalar,
        flag_reward_ratio=random.choice([0, WAD // 1000]),
        minimum_position_margin=0 if small else random.randint(0, 50) * WAD,
        maker_fee=WAD // 10_000,
        taker_fee=WAD // 2_000,
        liquidation_limit_multiplier=random.choice([0, WAD, 2 * WAD]),
        seconds_in_liquidation_window=random.choice([0, 30]),
        locked_oi_ratio=random.choice([0, WAD // 2]),
    )
    # A further unit needs less than its value below about this size.
    reach = 10**24
    if scale and initial:
        reach = int((Fraction(WAD, scalar) - Fraction(minimum, WAD)) * scale * WAD / initial)
    sizes = _sizes(random, reach // random.choice([3, 30, 3000]))
    largest = random.choice([None, reach - sizes[-1]])
    return PerpetualTiers(market, sizes, largest)


def _discounted(random: Random, index: int, *, linear: bool) -> CollateralTiers:
    lower = random.choice([0, random.randint(0, 20)]) * WAD // 100
    scale = 0 if linear else random.choice([0, magnitude(random, 19, 22)])
    return CollateralTiers(
        f"S{index}",
        _sizes(random, magnitude(random, 18, 22)) if random.random() < 0.8 else (),
        scale,
        random.choice([0, WAD, random.randint(1, 5 * WAD)]),
        lower,
        random.randint(0, 50) * WAD // 100,
    )


def _discount_gap(tiers: CollateralTiers, amount: int, price: Fraction) -> Fraction:
    """How far chords lie below the value of a collateral, as `synthetix_policy` bounds it."""
    value = price * Fraction(amount, WAD)
    steps = (Fraction(tiers.discount_scalar, WAD) + 2) * STEP * value
    high = Fraction(tiers.upper_limit_discount, WAD)
    low = min(Fraction(tiers.lower_limit_discount, WAD), high)
    if not tiers.skew_scale or not tiers.discount_scalar or low == high:
        return steps
    growth = Fraction(tiers.discount_scalar, tiers.skew_scale)
    start, end = low / growth, high / growth
    inside = [Fraction(size, WAD) for size in tiers.sizes if start < Fraction(size, WAD) < end]
    points = [start, *inside, end]
    widest = max(after - before for before, after in pairwise(points))
    chord = growth * widest**2 / 4
    beyond = max(Fraction(amount, WAD) - end, Fraction(0))
    last = 1 - growth * (points[-2] + end)
    return steps + price * (chord + beyond * (1 - high - last) + STEP)


def _position_gap(tiers: PerpetualTiers, size: int, price: Fraction) -> Fraction:
    """What the chords and the contract's roundings of a position's margin can come to."""
    market = tiers.market
    scalar = Fraction(market.maintenance_margin_scalar, WAD)
    rate = scalar * (Fraction(market.initial_margin_ratio, WAD) + 1) + 2
    gap = STEP * (price * Fraction(size, WAD) * rate + 4)
    if market.skew_scale:
        widest = max(high - low for low, high in pairwise([0, *tiers.sizes]))
        curve = scalar * market.initial_margin_ratio / market.skew_scale / 4
        gap += price * curve * Fraction(widest, WAD) ** 2
    return gap


def _rules(
    random: Random, *, small: bool
) -> tuple[synthetix_liquidation.GlobalConfiguration, synthetix_liquidation.KeeperCosts]:
    if small:
        costs = synthetix_liquidation.KeeperCosts(0, 0)
        return synthetix_liquidation.GlobalConfiguration(), costs
    rules = synthetix_liquidation.GlobalConfiguration(
        random.randint(0, 5) * WAD,
        random.randint(5, 500) * WAD,
        WAD // 10,
        random.choice([0, WAD // 100, WAD // 3]),
        random.choice([0, WAD // 1000]),
    )
    most = random.randint(0, WAD), random.randint(0, WAD)
    return rules, synthetix_liquidation.KeeperCosts(*most)


def synthetix_account(random: Random) -> Subject:
    # A small account has slots as fine as the contract's own numbers, where its dust shows.
    small = random.random() < 0.5
    unit = -18 if small else -9
    linear = random.random() < 0.5
    tiers = [
        _market(random, index, small=small, linear=linear) for index in range(random.randint(1, 3))
    ]
    assets, prices = [("snxUSD", unit, "signed")], {"snxUSD": Exact("1")}
    positions, gap = [], 10 * STEP + Fraction(10) ** unit
    for each in tiers:
        # Nothing is worth more than 10^9 USD, which fits into a slot.
        market, ceiling = each.market, 10**27 * WAD // (each.largest or WAD)
        price = min(magnitude(random, 17, 23), ceiling)
        prices[market.name] = decimal(price, 18)
        one = Fraction(10) ** unit * prices[market.name]
        assets.append((market.name, unit, "signed"))
        if positions and random.random() < 0.2:
            gap += Fraction(market.minimum_position_margin, WAD)
            continue
        most = min(each.sizes[-1], 8 * WAD if small else 10**27)
        worth = int(random.uniform(0.1, 1) * WAD * WAD / price) if small else most
        size = random.randint(1, max(1, min(most, worth)))
        if not small and random.random() < 0.2:
            size = random.randint(each.sizes[-1], each.largest or 0)
            gap += UNBOUNDED
        entry = max(1, price * random.randint(500, 1500) // 1000)
        signed = random.choice([-1, 1]) * size
        funding = random.randint(-(10**14), 10**14)
        positions.append(synthetix_v3.Position(market, signed, price, entry, funding, 10**15))
        gap += _position_gap(each, size, prices[market.name]) + 3 * one
    collaterals, held = [], []
    for index in range(random.randint(0, 2)):
        tier = _discounted(random, index, linear=linear)
        price = magnitude(random, 17, 20)
        amount = random.randint(0, WAD * WAD // price) if small else random.randint(0, 10**22)
        prices[tier.name] = decimal(price, 18)
        assets.append((tier.name, unit, "collateral"))
        collaterals.append(tier)
        held.append(
            synthetix_v3.Collateral(
                tier.name,
                amount,
                price,
                tier.skew_scale,
                tier.discount_scalar,
                tier.lower_limit_discount,
                tier.upper_limit_discount,
            )
        )
        gap += _discount_gap(tier, amount, prices[tier.name])
        gap += 2 * Fraction(10) ** unit * prices[tier.name]
    rules, costs = _rules(random, small=small)
    registry = registry_of(*assets)
    rule = synthetix_rule(tiers, rules, costs, collaterals)
    all_margins = sum(each.market.minimum_position_margin for each in tiers)

    def account(n: int) -> synthetix_v3.Account:
        return synthetix_v3.Account(max(n, 0), tuple(held), tuple(positions), max(-n, 0))

    def surplus(n: int) -> Fraction:
        margins = synthetix_liquidation.account_margins(account(n), rules, costs)
        needed = margins.maintenance + margins.liquidation_reward
        return Fraction(margins.available - needed, WAD)

    def rewards_gap(n: int) -> Fraction:
        reward = synthetix_liquidation.liquidation_reward(account(n), rules, costs)
        bound = rule.minimum - Fraction(all_margins, WAD)
        return gap + bound - Fraction(reward, WAD)

    return Subject(
        rule,
        registry,
        prices,
        lambda n: synthetix_portfolio("acct", account(n), registry).amounts(registry),
        lambda n: synthetix_liquidation.is_liquidatable(account(n), rules, costs),
        surplus,
        rewards_gap,
    )
