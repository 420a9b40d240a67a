"""Random accounts that lend and borrow: Binance cross margin and Drift."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

from tests.risk.presets.venue_subject import (
    STEP,
    UNBOUNDED,
    Subject,
    decimal,
    floors,
    ladder_gap,
    magnitude,
    registry_of,
)
from zkcollateral.risk.presets import binance_cross_margin, drift, drift_margin
from zkcollateral.risk.presets.binance_collateral import CollateralTable, CollateralTier
from zkcollateral.risk.presets.binance_policy import (
    classic_margin_rule,
    cross_margin_portfolio,
    pro_margin_rule,
)
from zkcollateral.risk.presets.drift import MarginType, SpotMarket
from zkcollateral.risk.presets.drift_policy import SpotTiers, drift_portfolio, drift_rule
from zkcollateral.risk.values import Exact


def _haircuts(random: Random, index: int) -> CollateralTable:
    starts = floors(random, random.randint(1, 4), 3, 7)
    ratios = sorted((Fraction(random.randint(0, 100), 100) for _ in starts), reverse=True)
    if random.random() < 0.2:
        ratios = [ratio * Fraction(2, 3) for ratio in ratios]
    caps = [*starts[1:], random.choice([None, 10 * starts[-1] + 10])]
    steps = zip(starts, caps, ratios, strict=True)
    return CollateralTable(f"A{index}", tuple(CollateralTier(*step) for step in steps))


def _cross_margin(random: Random, *, pro: bool) -> Subject:
    # With few decimals an account can stand exactly at the threshold.
    decimals = random.choice([3, 8])
    usdt = CollateralTable.flat("USDT", 1)
    others, liabilities, tables = [], [], [usdt]
    assets, prices = [("USDT", -8, "collateral")], {"USDT": Exact("1")}
    gap = Fraction(1, 10**8)
    for index in range(random.randint(1, 4)):
        table = _haircuts(random, index)
        tables.append(table)
        price = decimal(magnitude(random, 1, 7), 2)
        prices[table.asset] = price
        assets += [(table.asset, -8, "collateral"), (table.asset, -8, "debt")]
        starts = floors(random, random.randint(1, 4), 3, 7)
        ones = [10, 20, 50] if decimals == 3 else range(5, 60)
        rates = sorted(Fraction(1, random.choice(ones)) for _ in starts)
        liability = binance_cross_margin.LiabilityTable(
            table.asset,
            tuple(
                binance_cross_margin.LiabilityTier(start, rate, rate)
                for start, rate in zip(starts, rates, strict=True)
            ),
        )
        liabilities.append(liability)

        def amount(price: Exact = price) -> Fraction:
            units = int(magnitude(random, 0, 8) / price * 10**decimals)
            return Fraction(units, 10**decimals)

        held = amount() if random.random() < 0.5 else Fraction(0)
        borrowed = amount() if index == 0 or random.random() < 0.5 else Fraction(0)
        interest = Fraction(random.randint(0, 10), 10**decimals)
        others.append(
            binance_cross_margin.MarginAsset(
                table, price, held, borrowed or Fraction(1, 10**decimals), interest, liability
            )
        )
        if pro:
            lost = table.tiers[0].ratio - (0 if table.tiers[-1].cap else table.tiers[-1].ratio)
            gap += lost * (price / 10**8 + STEP) + STEP * held * price
            gap += ladder_gap(liability.maintenance, others[-1].owed, price / 10**8)
            gap += rates[-1] * interest * price
    registry = registry_of(*assets)

    def account(n: int) -> binance_cross_margin.CrossMarginAccount:
        return binance_cross_margin.CrossMarginAccount(
            (binance_cross_margin.MarginAsset(usdt, 1, Fraction(n, 10**8)), *others)
        )

    def surplus(n: int) -> Fraction:
        if pro:
            net = account(n).collateral_value - account(n).total_owed
            return net - account(n).pro_maintenance_margin
        return account(n).total_assets - Fraction(11, 10) * account(n).total_owed

    def is_liquidatable(n: int) -> bool:
        if pro:
            return account(n).is_pro_liquidatable
        status = account(n).classic_status(3)
        return status is binance_cross_margin.MarginStatus.LIQUIDATION

    rule = pro_margin_rule(tables, liabilities) if pro else classic_margin_rule([*prices])
    if surplus(0) > 0:
        # So much is held that no balance is near the threshold.
        return _cross_margin(random, pro=pro)
    return Subject(
        rule,
        registry,
        prices,
        lambda n: cross_margin_portfolio("acct", account(n), registry).amounts(registry),
        is_liquidatable,
        surplus,
        lambda n: gap,
    )


def binance_classic_account(random: Random) -> Subject:
    return _cross_margin(random, pro=False)


def binance_pro_account(random: Random) -> Subject:
    return _cross_margin(random, pro=True)


def _spot(random: Random, index: int, *, scaled: bool) -> SpotMarket:
    maintenance = random.randint(1_000, 10_000)
    initial = random.randint(maintenance // 2, maintenance)
    liability = random.randint(10_000, 14_000)
    decimals = random.choice([6, 8, 9, random.randint(4, 12)])
    return SpotMarket(
        f"T{index}",
        decimals,
        initial,
        maintenance,
        random.randint(liability, 16_000),
        liability,
        0 if scaled or random.random() < 0.3 else magnitude(random, 0, 5),
        magnitude(random, 9, 13) if scaled else 0,
        magnitude(random, 12, 18),
        10**10 + random.randint(0, 10**10),
        10**10 + random.randint(0, 10**10),
    )


def _chord_gap(factor: Any, size: int) -> Fraction:
    """The most that a tier's chord is away from a curve, for tiers that begin up to a size."""
    if isinstance(factor, Exact) or factor["type"] == "scaled":
        return Fraction(0)
    tiers = factor["tiers"]
    worst = Fraction(0)
    for index in range(1, len(tiers) - 1):
        if tiers[index]["above"] * 10**9 <= size:
            width = tiers[index + 1]["above"] - tiers[index]["above"]
            bend = abs(tiers[index - 1]["factor"] - tiers[index + 1]["factor"])
            worst = max(worst, width * bend / 4)
    return worst


def _spot_account(random: Random, *, scaled: bool) -> Subject:
    kind = MarginType.INITIAL if scaled else MarginType.MAINTENANCE
    one = drift.WEIGHT_PRECISION
    usdc = SpotMarket("USDC", 6, one, one, one, one, quote=True)
    worth = random.randint(990_000, 1_010_000)
    prices, figures = {"USDC": decimal(worth, 6)}, {}
    assets, positions = [("USDC", -6, "signed")], []
    tiers, gap = [SpotTiers(usdc)], Fraction(0)
    for index in range(random.randint(1, 4)):
        market = _spot(random, index, scaled=scaled)
        least = random.choice([1, 10, 100, 1_000])
        price = magnitude(random, 3, 6)
        weight = market.scaled_initial_asset_weight(price)
        if scaled and weight < least:
            return _spot_account(random, scaled=scaled)
        top = magnitude(random, 9, 13)
        if market.imf_factor:
            top = min(top, drift.largest_size_with_weight(market.imf_factor, 20))
        sizes = tuple(sorted({random.randint(top // 10, top) for _ in range(3)} | {top}))
        each = SpotTiers(market, sizes, least)
        tiers.append(each)
        prices[market.name] = decimal(price, 6)
        all_tokens = market.token_amount(market.deposit_balance)
        if scaled:
            figures[each.figure] = Exact.of(Fraction(all_tokens, 10**market.decimals))
        assets.append((market.name, -market.decimals, "signed"))
        beyond = market.imf_factor > 0 and random.random() < 0.2
        most = top * 10**market.decimals // 10**9 * (20 if beyond else 1)
        borrow = random.random() < 0.5
        interest = (
            market.cumulative_borrow_interest if borrow else market.cumulative_deposit_interest
        )
        balance = random.randint(0, most) * 10 ** (19 - market.decimals) // interest
        amount = market.token_amount(balance, borrow)
        if amount == 0 or amount > most:
            continue
        positions.append(drift_margin.SpotPosition(market, balance, price, borrow))
        size = -(-amount * 10**9 // 10**market.decimals)
        gap += UNBOUNDED if size > top else 0
        value = prices[market.name] * Fraction(amount, 10**market.decimals)
        factor = each.factors(kind)["short" if borrow else "long"]
        gap += _chord_gap(factor, size) * prices[market.name] + Fraction(2, 10**6)
        gap += value * Fraction(2, 10_000) if market.imf_factor else 0
        if scaled and not borrow:
            gap += value * Fraction(weight + 1, 10_000) / (least + 1)
    registry = registry_of(*assets)

    def account(n: int) -> tuple[drift_margin.SpotPosition, ...]:
        if n == 0:
            return tuple(positions)
        cash = drift_margin.SpotPosition(usdc, abs(n) * 1_000, worth, n < 0)
        return (cash, *positions)

    def surplus(n: int) -> Fraction:
        margin = drift_margin.spot_margin(account(n), kind)
        return Fraction(margin.total_collateral - margin.margin_requirement, 10**6)

    return Subject(
        drift_rule(tiers, kind),
        registry,
        prices,
        lambda n: drift_portfolio("acct", account(n), registry).amounts(registry),
        lambda n: surplus(n) < 0,
        surplus,
        lambda n: gap,
        figures,
        scaled,
    )


def drift_maintenance_account(random: Random) -> Subject:
    return _spot_account(random, scaled=False)


def drift_initial_account(random: Random) -> Subject:
    return _spot_account(random, scaled=True)
