"""Random accounts of the lending protocols, each with one debt that a test moves to the threshold.

Prices, parameters, indices and units are random too. `n` is the moved debt in the protocol's own
smallest steps: scaled debt, principal, shares, normalised debt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from random import Random

from zkcollateral.risk.fixed_point import RAY, WAD
from zkcollateral.risk.presets import aave_v3, compound_v3, liquity_v2, maker, morpho_blue
from zkcollateral.risk.presets.aave_policy import aave_portfolio, aave_prices, aave_rule
from zkcollateral.risk.presets.compound_policy import (
    compound_portfolio,
    compound_prices,
    compound_rule,
)
from zkcollateral.risk.presets.liquity_policy import liquity_portfolio, liquity_price, liquity_rule
from zkcollateral.risk.presets.maker_policy import maker_portfolio, maker_rule, maker_spot
from zkcollateral.risk.presets.morpho_policy import (
    MorphoTokens,
    morpho_portfolio,
    morpho_price,
    morpho_rule,
)
from zkcollateral.risk.presets.provable import ProvableRule
from zkcollateral.risk.registry import Registry
from zkcollateral.risk.values import Exact

Amounts = tuple[int, ...]


@dataclass(frozen=True)
class Subject:
    """An account with a debt of n steps.

    Attributes:
        rule: the protocol's test as a policy.
        registry: the slots.
        prices: as a round has them.
        amounts: of the slots, with n steps of debt.
        is_liquidatable: by the protocol.
        surplus: by which the protocol's test is passed, in quote.
        guess: n somewhere near the threshold.
        coarseness: in quote, what rounding to the registry's units can take.
    """

    rule: ProvableRule
    registry: Registry
    prices: Mapping[str, Exact]
    amounts: Callable[[int], Amounts]
    is_liquidatable: Callable[[int], bool]
    surplus: Callable[[int], Fraction]
    guess: int
    coarseness: Fraction


def decimal(scaled: int, decimals: int) -> Exact:
    return Exact.of(Fraction(scaled) / Fraction(10) ** decimals)


def magnitude(random: Random, low: int, high: int) -> int:
    """A whole number of about 10^low to 10^high, every size as likely."""
    size = random.uniform(low, high)
    return max(1, int(random.uniform(1, 10) * 10 ** int(size)))


class Slots:
    """A registry in the making: units as fine as the token's, unless its amount would not fit."""

    def __init__(self, random: Random, prices: Mapping[str, Exact], ratio: Fraction) -> None:
        self.random, self.prices, self.ratio = random, prices, ratio
        self.assets: list[dict[str, object]] = []
        self.coarseness = Fraction(0)

    def add(self, symbol: str, side: str, decimals: int, most: Fraction) -> None:
        """A slot for up to about `most` whole tokens."""
        unit = -decimals
        while most * 8 / Fraction(10) ** unit >= 2**63:
            unit += 1
        if self.random.random() < 0.1:
            unit = min(unit + 3, 0)
        if unit > -decimals:
            weight = self.ratio if side == "debt" else 1
            self.coarseness += Fraction(10) ** unit * self.prices[symbol] * weight
        self.assets.append({"slot": len(self.assets), "symbol": symbol, "unit": unit, "side": side})

    def registry(self) -> Registry:
        slots = 1 << (len(self.assets) - 1).bit_length()
        return Registry.build(name="lending", slots=slots, assets=self.assets)


def aave(random: Random) -> Subject:
    symbols = [f"T{index}" for index in range(random.randint(2, 5))]
    prices = {symbol: decimal(magnitude(random, 0, 12), 8) for symbol in symbols}
    reserves = []
    for symbol in symbols:
        threshold = random.choice([0, random.randint(1, 9500), 8250])
        ceiling = min(20_000, 99_990_000 // threshold) if threshold else 0
        reserves.append(
            aave_v3.AaveReserve(
                symbol,
                random.choice([6, 8, 18, random.randint(6, 18)]),
                random.randint(0, threshold),
                threshold,
                random.randint(10_001, ceiling) if threshold else 0,
                liquidity_index=random.choice([RAY, RAY + random.randrange(RAY)]),
                variable_borrow_index=random.choice([RAY, RAY + random.randrange(RAY)]),
            )
        )
    listed = frozenset(random.sample(symbols, random.randint(0, len(symbols))))
    category = aave_v3.EModeCategory(1, 100, random.randint(100, 9500), 10_500, listed)
    market = aave_v3.AaveMarket(tuple(reserves), (category,))
    e_mode = random.randint(0, 1)
    units = {reserve.symbol: Fraction(reserve.unit) for reserve in reserves}
    supplies, weighted = {}, Fraction(0)
    for symbol in random.sample(symbols, random.randint(1, len(symbols))):
        value = Fraction(magnitude(random, 0, 18), 10**8)
        supplies[symbol] = int(value / prices[symbol] * units[symbol])
        weighted += value * market.liquidation_threshold(symbol, e_mode) / 10_000
    moved, *others = random.sample(symbols, random.randint(1, 2))
    debts = {symbol: int(weighted / 10 / prices[symbol] * units[symbol]) for symbol in others}
    index = Fraction(market.reserve(moved).variable_borrow_index, RAY)

    def account(n: int) -> aave_v3.AaveAccount:
        return aave_v3.AaveAccount(
            tuple(
                aave_v3.AavePosition(
                    symbol, supplies.get(symbol, 0), n if symbol == moved else debts.get(symbol, 0)
                )
                for symbol in symbols
            ),
            e_mode,
        )

    slots = Slots(random, prices, Fraction(1))
    for reserve in reserves:
        held = Fraction(supplies.get(reserve.symbol, 0)) / units[reserve.symbol]
        if market.liquidation_threshold(reserve.symbol, e_mode):
            slots.add(reserve.symbol, "collateral", reserve.decimals, held * 2)
    for symbol in [moved, *others]:
        slots.add(symbol, "debt", market.reserve(symbol).decimals, weighted / prices[symbol])
    registry = slots.registry()
    feed = aave_prices(market, prices)

    def surplus(n: int) -> Fraction:
        positions = account(n).positions
        have = sum(
            aave_v3.collateral_value(
                aave_v3.supply_balance(market, position),
                feed[position.symbol],
                market.reserve(position.symbol).unit,
            )
            * market.liquidation_threshold(position.symbol, e_mode)
            for position in positions
        )
        owe = sum(
            aave_v3.debt_value(
                aave_v3.debt_balance(market, position),
                feed[position.symbol],
                market.reserve(position.symbol).unit,
            )
            for position in positions
        )
        return Fraction(have - 10_000 * owe, 10_000 * 10**8)

    return Subject(
        aave_rule(market, e_mode),
        registry,
        prices,
        lambda n: aave_portfolio("acct", market, account(n), registry).amounts(registry),
        lambda n: aave_v3.is_liquidatable(market, account(n), feed),
        surplus,
        int(weighted / prices[moved] * units[moved] / index),
        slots.coarseness,
    )


def compound(random: Random) -> Subject:
    symbols = [f"T{index}" for index in range(random.randint(1, 5))]
    prices = {symbol: decimal(magnitude(random, 0, 12), 8) for symbol in symbols}
    prices["BASE"] = decimal(magnitude(random, 6, 12), 8)
    assets = []
    for symbol in symbols:
        liquidate = random.randint(1, 10_000)
        assets.append(
            compound_v3.CometAsset(
                symbol,
                random.choice([6, 8, 18, random.randint(0, 18)]),
                random.randint(0, liquidate - 1) * 10**14,
                liquidate * 10**14,
                random.randint(5000, 10_000) * 10**14,
            )
        )
    market = compound_v3.CometMarket(
        "BASE",
        random.choice([6, 18, random.randint(6, 18)]),
        tuple(assets),
        base_borrow_index=random.choice([10**15, random.randint(10**15, 2 * 10**15)]),
    )
    held, weighted = {}, Fraction(0)
    for asset in random.sample(assets, random.randint(1, len(assets))):
        value = Fraction(magnitude(random, 0, 16), 10**8)
        held[asset.symbol] = int(value / prices[asset.symbol] * asset.scale)
        weighted += value * asset.liquidate_collateral_factor / WAD

    def account(n: int) -> compound_v3.CometAccount:
        return compound_v3.CometAccount(-n, held)

    slots = Slots(random, prices, Fraction(1))
    for asset in assets:
        most = Fraction(held.get(asset.symbol, 0), asset.scale)
        slots.add(asset.symbol, "collateral", asset.decimals, most)
    slots.add("BASE", "debt", market.base_decimals, weighted / prices["BASE"])
    registry = slots.registry()
    feed = compound_prices(market, prices)
    index = Fraction(market.base_borrow_index, 10**15)
    return Subject(
        compound_rule(market),
        registry,
        prices,
        lambda n: compound_portfolio("acct", market, account(n), registry).amounts(registry),
        lambda n: compound_v3.is_liquidatable(market, account(n), feed),
        lambda n: Fraction(compound_v3.liquidation_liquidity(market, account(n), feed), 10**8),
        int(weighted / prices["BASE"] * market.base_scale / index),
        slots.coarseness,
    )


def morpho(random: Random) -> Subject:
    tokens = MorphoTokens(
        "COLL", random.choice([6, 8, 18]), "LOAN", random.choice([6, 18, random.randint(0, 18)])
    )
    price = magnitude(random, tokens.price_decimals - 4, tokens.price_decimals + 4)
    digits = max(0, tokens.price_decimals - 40)
    price = max(1, price // 10**digits) * 10**digits
    prices = {"COLL": decimal(price, tokens.price_decimals), "LOAN": Exact("1")}
    assets = magnitude(random, 6, 24)
    market = morpho_blue.Market(
        random.choice([945, 915, 860, 770, 385]) * WAD // 1000 + random.choice([0, 1, 12_345]),
        assets,
        assets * random.randint(700_000, 1_000_000),
    )
    value = Fraction(magnitude(random, 0, 15), 10**6)
    collateral = int(value / prices["COLL"] * 10**tokens.collateral_decimals)
    carries = value * market.lltv / WAD

    def position(n: int) -> morpho_blue.Position:
        return morpho_blue.Position(collateral, n)

    slots = Slots(random, prices, Fraction(1))
    slots.add("COLL", "collateral", tokens.collateral_decimals, value / prices["COLL"])
    slots.add("LOAN", "debt", tokens.loan_decimals, carries)
    registry = slots.registry()
    feed = morpho_price(tokens, prices)
    assert feed == price
    debt = int(carries * 10**tokens.loan_decimals)

    def surplus(n: int) -> Fraction:
        carried = morpho_blue.max_borrow(market, position(n), feed)
        owed = morpho_blue.borrow_assets(market, position(n))
        return Fraction(carried - owed, 10**tokens.loan_decimals)

    return Subject(
        morpho_rule(tokens, market.lltv),
        registry,
        prices,
        lambda n: morpho_portfolio("acct", tokens, market, position(n), registry).amounts(registry),
        lambda n: morpho_blue.is_liquidatable(market, position(n), feed),
        surplus,
        debt * (market.total_borrow_shares + 10**6) // (market.total_borrow_assets + 1),
        slots.coarseness,
    )


def maker_vault(random: Random) -> Subject:
    mat = random.choice([13, 15, 17, 20]) * RAY // 10
    rate = random.choice([RAY, RAY, RAY + random.randrange(RAY // 2)])
    par = random.choice([RAY, RAY, RAY, 102 * RAY // 100])
    dollars = random.randint(1, 9_999)
    price = dollars * WAD
    if random.random() < 0.5:
        price = magnitude(random, 12, 24)
    prices = {"ETH": decimal(price, 18), "DAI": decimal(par, 27)}
    # Whole multiples, so that ink·price can be mat·par·debt to the last digit.
    steps = magnitude(random, 9, 22)
    ink = steps * (mat * 10 // RAY)
    guess = 10 * steps * price * RAY * RAY // (WAD * par * rate)
    spot = maker_spot("ETH", mat, prices, par=par)
    ilk = maker.Ilk(rate, spot)
    ratio = Fraction(mat, RAY) * Fraction(par, RAY)

    def urn(n: int) -> maker.Urn:
        return maker.Urn(ink, n)

    slots = Slots(random, prices, Fraction(mat, RAY))
    slots.add("ETH", "collateral", 18, Fraction(ink, WAD))
    slots.add("DAI", "debt", 18, Fraction(guess * rate, WAD * RAY))
    if rate != RAY:
        slots.coarseness += Fraction(1, 10**18) * ratio
    registry = slots.registry()

    def surplus(n: int) -> Fraction:
        return Fraction(ink * spot - n * rate, WAD * RAY) * ratio

    return Subject(
        maker_rule("ETH", mat, 113 * WAD // 100, par=par),
        registry,
        prices,
        lambda n: maker_portfolio("acct", "ETH", ilk, urn(n), registry).amounts(registry),
        lambda n: maker.is_liquidatable(ilk, urn(n)),
        surplus,
        guess,
        slots.coarseness,
    )


def liquity(random: Random) -> Subject:
    parameters = random.choice([liquity_v2.WETH_BRANCH, liquity_v2.STAKED_ETH_BRANCH])
    price = magnitude(random, 15, 22)
    prices = {"WETH": decimal(price, 18), "BOLD": Exact("1")}
    collateral = magnitude(random, 9, 22)
    guess = collateral * price // parameters.mcr

    def trove(n: int) -> liquity_v2.Trove:
        return liquity_v2.Trove(collateral, n)

    slots = Slots(random, prices, Fraction(parameters.mcr, WAD))
    slots.add("WETH", "collateral", 18, Fraction(collateral, WAD))
    slots.add("BOLD", "debt", 18, Fraction(guess, WAD))
    registry = slots.registry()
    feed = liquity_price("WETH", prices)
    return Subject(
        liquity_rule("WETH", parameters),
        registry,
        prices,
        lambda n: liquity_portfolio("acct", "WETH", trove(n), registry).amounts(registry),
        lambda n: liquity_v2.is_liquidatable(parameters, trove(n), feed),
        lambda n: Fraction(collateral * price - n * parameters.mcr, WAD * WAD),
        guess,
        slots.coarseness,
    )


SUBJECTS: dict[str, Callable[[Random], Subject]] = {
    "aave": aave,
    "compound": compound,
    "morpho": morpho,
    "maker": maker_vault,
    "liquity": liquity,
}
