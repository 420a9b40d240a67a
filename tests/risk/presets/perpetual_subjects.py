"""Random accounts with perpetuals at dYdX, Hyperliquid and Binance."""

from __future__ import annotations

from fractions import Fraction
from random import Random

from tests.risk.presets.venue_subject import (
    Subject,
    decimal,
    floors,
    ladder_gap,
    magnitude,
    registry_of,
)
from zkcollateral.risk.presets import binance_futures, dydx_v4, hyperliquid
from zkcollateral.risk.presets.binance_brackets import Contract
from zkcollateral.risk.presets.binance_policy import futures_portfolio, futures_rule
from zkcollateral.risk.presets.dydx_policy import dydx_portfolio, dydx_rule
from zkcollateral.risk.presets.hyperliquid_policy import hyperliquid_portfolio, hyperliquid_rule
from zkcollateral.risk.values import Exact


def dydx_account(random: Random) -> Subject:
    tiers, positions, assets, prices = {}, [], [("USDC", -6, "signed")], {"USDC": Exact("1")}
    for index in range(random.randint(1, 5)):
        ticker, resolution, exponent = f"P{index}", -random.randint(4, 10), -random.randint(5, 10)
        tiers[ticker] = dydx_v4.LiquidityTier(
            random.choice([20_000, 50_000, random.randint(1, 10**6), 10**6]),
            random.choice([600_000, 500_000, random.randint(1, 10**6), 10**6]),
        )
        price = magnitude(random, 4, 14)
        perpetual = dydx_v4.Perpetual(
            ticker, resolution, price, exponent, tiers[ticker], funding_index=random.randint(-9, 9)
        )
        notional = Fraction(magnitude(random, 0, 12), 10**6)
        prices[ticker] = decimal(price, -exponent)
        quantums = max(1, int(notional / prices[ticker] * 10**-resolution))
        position = dydx_v4.Position(
            perpetual,
            random.choice([-1, 1]) * min(quantums, 2**62),
            random.randint(-9, 9),
            random.randint(-(10**6), 10**6),
        )
        if position.perpetual.margin_requirements(position.quantums)[1]:
            positions.append(position)
        assets.append((ticker, resolution, "signed"))
    registry = registry_of(*assets)
    if not positions:
        return dydx_account(random)

    def account(n: int) -> dydx_v4.Subaccount:
        return dydx_v4.Subaccount(n, tuple(positions))

    def surplus(n: int) -> Fraction:
        risk = dydx_v4.subaccount_risk(account(n))
        return Fraction(risk.net_collateral - risk.maintenance_margin, 10**6)

    return Subject(
        dydx_rule(tiers),
        registry,
        prices,
        lambda n: dydx_portfolio("acct", account(n), registry).amounts(registry),
        lambda n: dydx_v4.is_liquidatable(account(n)),
        surplus,
        lambda n: Fraction(0),
    )


def hyperliquid_account(random: Random) -> Subject:
    tables, positions, assets, prices = {}, [], [("USDC", -6, "signed")], {"USDC": Exact("1")}
    gap = Fraction(1, 10**6)
    for index in range(random.randint(1, 4)):
        coin = f"C{index}"
        starts = floors(random, random.randint(1, 4), 3, 7)
        leverages = sorted(random.sample(range(1, 51), len(starts)), reverse=True)
        tables[coin] = hyperliquid.MarginTable(
            coin, tuple(map(hyperliquid.MarginTier, starts, leverages))
        )
        decimals = random.randint(0, 5)
        mark = decimal(magnitude(random, 3, 11), 6)
        units = max(1, int(magnitude(random, 1, 8) / mark * 10**decimals))
        size = Fraction(random.choice([-1, 1]) * units, 10**decimals)
        entry = mark * Fraction(random.randint(500, 1500), 1000)
        position = hyperliquid.Position(coin, size, entry, mark, tables[coin])
        positions.append(position)
        assets.append((coin, -decimals, "signed"))
        prices[coin] = mark
        gap += ladder_gap(tables[coin].ladder, position.notional, mark / 10**decimals)
    registry = registry_of(*assets)

    def account(n: int) -> hyperliquid.Account:
        return hyperliquid.Account(Fraction(n, 10**7), tuple(positions))

    return Subject(
        hyperliquid_rule(tables),
        registry,
        prices,
        lambda n: hyperliquid_portfolio("acct", account(n), registry).amounts(registry),
        lambda n: account(n).is_liquidatable,
        lambda n: account(n).account_value - account(n).maintenance_margin,
        lambda n: gap,
    )


def _contract(random: Random, index: int) -> Contract:
    starts = floors(random, random.randint(1, 5), 3, 8)
    rates = sorted(
        random.choice([Fraction(random.randint(4, 500), 1000), Fraction(1, random.randint(2, 250))])
        for _ in starts
    )
    caps = [*starts[1:], None]
    return Contract.of(f"B{index}", list(zip(starts, caps, rates, strict=True)))


def binance_futures_account(random: Random) -> Subject:
    contracts, positions = [], []
    assets, prices = [("USDT", -8, "signed")], {"USDT": Exact("1")}
    gap = Fraction(1, 10**8)
    for index in range(random.randint(1, 3)):
        contract, decimals = _contract(random, index), random.randint(0, 3)
        contracts.append(contract)
        mark = decimal(magnitude(random, 1, 7), 2)
        prices[contract.symbol] = mark
        hedged = random.random() < 0.4
        directions = [*binance_futures.Side]
        for direction in directions if hedged else [random.choice(directions)]:
            units = max(1, int(magnitude(random, 1, 9) / mark * 10**decimals))
            entry = mark * Fraction(random.randint(50, 150), 100)
            position = binance_futures.Position(
                contract, direction, Fraction(units, 10**decimals), entry, mark
            )
            positions.append(position)
            gap += ladder_gap(contract.ladder, position.notional, mark / 10**decimals)
        sides = ["collateral", "debt"] if hedged else ["signed"]
        assets += [(contract.symbol, -decimals, side) for side in sides]
    registry = registry_of(*assets)

    def account(n: int) -> binance_futures.Account:
        return binance_futures.Account(Fraction(n, 10**8), tuple(positions))

    return Subject(
        futures_rule(contracts),
        registry,
        prices,
        lambda n: futures_portfolio("acct", account(n), registry).amounts(registry),
        lambda n: account(n).is_liquidatable,
        lambda n: account(n).margin_balance - account(n).maintenance_margin,
        lambda n: gap,
    )
