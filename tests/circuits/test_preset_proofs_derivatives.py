"""From an account of a derivatives venue to a verified proof that it is healthy by its own rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from typing import Protocol

import pytest

from tests.world import srs
from zkcollateral.circuits.claim import document_digest
from zkcollateral.circuits.compiler import Backing, Circuit, compile_claim
from zkcollateral.circuits.statement import Account, Statement
from zkcollateral.crypto.commitment import Opening
from zkcollateral.errors import ClaimNotSatisfied
from zkcollateral.prover.proof import prove
from zkcollateral.prover.solve import solve
from zkcollateral.prover.witness import Witness
from zkcollateral.risk.claims import Scenario
from zkcollateral.risk.fixed_point import WAD
from zkcollateral.risk.policy import CommitmentRule, OracleRule, check_policy
from zkcollateral.risk.portfolio import Portfolio
from zkcollateral.risk.presets import (
    binance_cross_margin,
    binance_futures,
    drift_margin,
    dydx_v4,
    hyperliquid,
    synthetix_liquidation,
    synthetix_v3,
)
from zkcollateral.risk.presets.binance_brackets import Contract
from zkcollateral.risk.presets.binance_collateral import CollateralTable, CollateralTier
from zkcollateral.risk.presets.binance_policy import (
    cross_margin_portfolio,
    futures_portfolio,
    futures_rule,
    pro_margin_rule,
)
from zkcollateral.risk.presets.drift import MarginType, SpotMarket
from zkcollateral.risk.presets.drift_policy import (
    SpotTiers,
    drift_portfolio,
    drift_prices,
    drift_rule,
)
from zkcollateral.risk.presets.dydx_policy import dydx_portfolio, dydx_price, dydx_rule
from zkcollateral.risk.presets.hyperliquid_policy import hyperliquid_portfolio, hyperliquid_rule
from zkcollateral.risk.presets.provable import HEALTHY, NOT_LIQUIDATABLE, ProvableRule
from zkcollateral.risk.presets.synthetix_policy import (
    CollateralTiers,
    PerpetualTiers,
    synthetix_portfolio,
    synthetix_prices,
    synthetix_rule,
)
from zkcollateral.risk.prices import PriceRound
from zkcollateral.risk.registry import Registry
from zkcollateral.risk.values import Exact, FrozenMap
from zkcollateral.verifier.proof import verify


@dataclass(frozen=True)
class Stage:
    """A venue's rule, the slots, the prices, and a shock that the healthy account cannot take."""

    rule: ProvableRule
    registry: Registry
    prices: Mapping[str, Exact]
    shock: tuple[str, str]
    figures: Mapping[str, Exact] = field(default_factory=dict)

    def circuit(self, claim: str, shocks: Mapping[str, str] | None = None) -> Circuit:
        digest = document_digest(self.registry)
        moved = {symbol: Exact(shock) for symbol, shock in (shocks or {}).items()}
        policy = self.rule.policy(
            self.registry,
            digest,
            OracleRule(quorum=1, max_age_seconds=600, max_deviation=Exact("0")),
            CommitmentRule(
                max_age_seconds=600, max_summands=1, max_apart_seconds=0, unvouched=False
            ),
            scenarios=[Scenario(name="moved", shocks=FrozenMap(moved))],
        )
        check_policy(policy, digest, self.registry)
        round_ = PriceRound.build(
            time=datetime(2026, 1, 31, tzinfo=UTC),
            quote=self.rule.quote,
            prices=dict(self.prices),
            figures=dict(self.figures),
            reports=["0" * 64],
        )
        return compile_claim(policy, self.registry, round_, claim, Backing(vouched=True))


def registry_of(*assets: tuple[str, int, str]) -> Registry:
    return Registry.build(
        name="derivatives",
        slots=4,
        assets=[
            {"slot": slot, "symbol": symbol, "unit": unit, "side": side}
            for slot, (symbol, unit, side) in enumerate(assets)
        ],
    )


Position = tuple[Stage, Portfolio, bool]
"""A stage, a portfolio on it, and whether the venue calls the account liquidatable."""


def dydx(*, healthy: bool) -> Position:
    tiers = {
        "BTC-USD": dydx_v4.LiquidityTier(20_000, 600_000),
        "ETH-USD": dydx_v4.LiquidityTier(50_000, 600_000),
    }
    prices = {"USDC": Exact("1"), "BTC-USD": Exact("64000.12"), "ETH-USD": Exact("3000.5")}
    units = ("USDC", -6, "signed"), ("BTC-USD", -10, "signed"), ("ETH-USD", -9, "signed")
    stage = Stage(dydx_rule(tiers), registry_of(*units), prices, ("BTC-USD", "-0.01"))
    btc = dydx_v4.Perpetual("BTC-USD", -10, 1, -5, tiers["BTC-USD"])
    eth = dydx_v4.Perpetual("ETH-USD", -9, 1, -6, tiers["ETH-USD"])
    # 2 BTC are worth 128,000.24 and need 1,536.00288; −10 ETH are −30,005 and need 900.15.
    usdc = -95_559_087_120 + (6 if healthy else -1)
    subaccount = dydx_v4.Subaccount(
        usdc,
        (
            dydx_v4.Position(dydx_price(btc, prices), 2 * 10**10),
            dydx_v4.Position(dydx_price(eth, prices), -10 * 10**9),
        ),
    )
    portfolio = dydx_portfolio("acct", subaccount, stage.registry)
    return stage, portfolio, dydx_v4.is_liquidatable(subaccount)


def hyperliquid_cross(*, healthy: bool) -> Position:
    tier = hyperliquid.MarginTier
    tables = {
        "BTC": hyperliquid.MarginTable("BTC", (tier(0, 40), tier(1_000_000, 20))),
        "HYPE": hyperliquid.MarginTable("HYPE", (tier(0, 10), tier(100_000, 5), tier(200_000, 3))),
    }
    prices = {"USDC": Exact("1"), "BTC": Exact("64000"), "HYPE": Exact("25")}
    units = ("USDC", -6, "signed"), ("BTC", -5, "signed"), ("HYPE", -2, "signed")
    stage = Stage(hyperliquid_rule(tables), registry_of(*units), prices, ("HYPE", "0.01"))
    # 20 BTC, 1.28 million, need 1.28 million/40 − 12,500 = 19,500 and have lost 20,000. 10,000 HYPE
    # short, 250,000, need 250,000/6 − 5,000 − 13,333.33…, 23,333.33…
    balance = Fraction("62833.333334") if healthy else Fraction("62833.333333")
    account = hyperliquid.Account(
        balance,
        (
            hyperliquid.Position("BTC", 20, 65_000, 64_000, tables["BTC"]),
            hyperliquid.Position("HYPE", -10_000, 25, 25, tables["HYPE"]),
        ),
    )
    portfolio = hyperliquid_portfolio("acct", account, stage.registry)
    return stage, portfolio, account.is_liquidatable


def binance_hedged(*, healthy: bool) -> Position:
    contract = Contract.of(
        "BTCUSDT",
        [
            (0, 50_000, Fraction("0.004")),
            (50_000, 600_000, Fraction("0.005")),
            (600_000, None, Fraction("0.01")),
        ],
    )
    prices = {"USDT": Exact("1"), "BTCUSDT": Exact("50000")}
    units = ("USDT", -8, "signed"), ("BTCUSDT", -3, "collateral"), ("BTCUSDT", -3, "debt")
    stage = Stage(futures_rule([contract]), registry_of(*units), prices, ("BTCUSDT", "-0.001"))
    # 20 BTC long, 1 million, need 6,950; 1 BTC short needs 200. Equality is liquidated.
    wallet = Fraction(7_150) + (Fraction(1, 10**8) if healthy else 0)
    side = binance_futures.Side
    account = binance_futures.Account(
        wallet,
        (
            binance_futures.Position(contract, side.LONG, 20, 50_000, 50_000),
            binance_futures.Position(contract, side.SHORT, 1, 50_000, 50_000),
        ),
    )
    portfolio = futures_portfolio("acct", account, stage.registry)
    return stage, portfolio, account.is_liquidatable


def binance_pro(*, healthy: bool) -> Position:
    haircuts = CollateralTable(
        "BTC",
        (
            CollateralTier(0, 1_000_000, 1),
            CollateralTier(1_000_000, 5_000_000, Fraction("0.975")),
            CollateralTier(5_000_000, 10_000_000, Fraction("0.95")),
        ),
    )
    tier = binance_cross_margin.LiabilityTier
    liability = binance_cross_margin.LiabilityTable(
        "USDT", (tier(0, Fraction("0.05"), Fraction("0.1")), tier(10**6, Fraction("0.1"), 1))
    )
    prices = {"BTC": Exact("50000"), "USDT": Exact("1")}
    units = ("BTC", -8, "collateral"), ("USDT", -8, "debt")
    rule = pro_margin_rule([haircuts], [liability])
    stage = Stage(rule, registry_of(*units), prices, ("BTC", "-0.001"))
    # 40 BTC count 1 million and 975,000: a debt of 1,840,909.09… and its margin, 134,090.90….
    borrowed = Fraction("1840909.0909") if healthy else Fraction("1840909.0910")
    account = binance_cross_margin.CrossMarginAccount(
        (
            binance_cross_margin.MarginAsset(haircuts, 50_000, 40),
            binance_cross_margin.MarginAsset(
                CollateralTable.flat("USDT", 1), 1, borrowed=borrowed, liability=liability
            ),
        )
    )
    portfolio = cross_margin_portfolio("acct", account, stage.registry)
    return stage, portfolio, account.is_pro_liquidatable


def synthetix(*, healthy: bool) -> Position:
    # Market and positions of risk-engines' case 11 (Margins.test.ts), ETH only.
    market = synthetix_v3.MarketConfiguration(
        "ETH", 1000 * WAD, 2 * WAD, WAD // 100, WAD // 2, minimum_position_margin=500 * WAD
    )
    tiers = PerpetualTiers(market, (10 * WAD, 20 * WAD, 40 * WAD, 80 * WAD), 500 * WAD)
    rules = synthetix_liquidation.GlobalConfiguration(10 * WAD, 100 * WAD, 0, WAD)
    costs = synthetix_liquidation.KeeperCosts(45 * WAD, 45 * WAD)
    discounted = CollateralTiers("sBTC", (4 * WAD,), 100 * WAD, WAD, 0, WAD // 10)
    rule = synthetix_rule([tiers], rules, costs, [discounted])
    prices = {"snxUSD": Exact("1"), "ETH": Exact("2000"), "sBTC": Exact("30000")}
    units = ("snxUSD", -9, "signed"), ("ETH", -9, "signed"), ("sBTC", -9, "collateral")
    stage = Stage(rule, registry_of(*units), prices, ("ETH", "-0.001"))
    wads = synthetix_prices(["ETH", "sBTC"], prices)
    # 20 ETH need 40,000·0.025 + 500 and a reward of 100; half an sBTC counts 14,925, of which the
    # chord from 0 to 4 leaves 14,400.
    debt = 14_400 - 1_600 if healthy else 14_925 - 1_600 + 1
    account = synthetix_v3.Account(
        0,
        (synthetix_v3.Collateral("sBTC", WAD // 2, wads["sBTC"], 100 * WAD, WAD, 0, WAD // 10),),
        (synthetix_v3.Position(market, 20 * WAD, wads["ETH"], 2_000 * WAD),),
        debt * WAD - (10**9 if healthy else 0),
    )
    portfolio = synthetix_portfolio("acct", account, stage.registry)
    return stage, portfolio, synthetix_liquidation.is_liquidatable(account, rules, costs)


USDC = SpotMarket("USDC", 6, 10_000, 10_000, 10_000, 10_000, quote=True)


def drift(*, healthy: bool) -> Position:
    sol = SpotMarket("SOL", 9, 8_000, 9_000, 12_000, 11_000, imf_factor=1_000)
    thousand = 1_000 * 10**9
    tiers = SpotTiers(sol, (50 * thousand, 100 * thousand, 200 * thousand))
    rule = drift_rule([SpotTiers(USDC), tiers])
    prices = {"USDC": Exact("0.9999"), "SOL": Exact("25.1")}
    stage = Stage(
        rule,
        registry_of(("USDC", -6, "signed"), ("SOL", -9, "signed")),
        prices,
        ("SOL", "-0.001"),
    )
    micros = drift_prices([*prices], prices)
    # 10,000 SOL count in full at 0.9: 225,900 USD.
    owed = 225_922_590_000 if healthy else 225_922_592_300
    positions = (
        drift_margin.SpotPosition(sol, 10_000 * 10**9, micros["SOL"]),
        drift_margin.SpotPosition(USDC, owed * 1_000, micros["USDC"], is_borrow=True),
    )
    portfolio = drift_portfolio("acct", positions, stage.registry)
    return stage, portfolio, drift_margin.is_liquidatable(positions)


def drift_scaled(*, healthy: bool) -> Position:
    # Case 16: weight 0.9 from 500,000 USD of deposits on; 40,000 SOL at 25 USD make it 0.45.
    sol = SpotMarket(
        "SOL",
        9,
        9_000,
        9_500,
        12_000,
        11_000,
        scale_initial_asset_weight_start=500_000 * 10**6,
        deposit_balance=40_000 * 10**9,
    )
    tiers = SpotTiers(sol, least_scaled_weight=999)
    rule = drift_rule([SpotTiers(USDC), tiers], MarginType.INITIAL)
    prices = {"USDC": Exact("1"), "SOL": Exact("25")}
    stage = Stage(
        rule,
        registry_of(("USDC", -6, "signed"), ("SOL", -9, "signed")),
        prices,
        ("SOL", "-0.6"),
        {tiers.figure: Exact("40000")},
    )
    micros = drift_prices([*prices], prices)
    # 1,000 SOL count 11,250 USD by the program and 11,238.75 by the policy, 23,750 against
    # liquidation.
    owed = 11_238_749_000 if healthy else 23_750_000_001
    positions = (
        drift_margin.SpotPosition(sol, 1_000 * 10**9, micros["SOL"]),
        drift_margin.SpotPosition(USDC, owed * 1_000, micros["USDC"], is_borrow=True),
    )
    portfolio = drift_portfolio("acct", positions, stage.registry)
    return stage, portfolio, drift_margin.is_liquidatable(positions)


class Maker(Protocol):
    """Makes one of a venue's two accounts, a little on either side of the threshold."""

    def __call__(self, *, healthy: bool) -> Position: ...


VENUES = pytest.mark.parametrize(
    "account",
    [dydx, hyperliquid_cross, binance_hedged, binance_pro, synthetix, drift, drift_scaled],
)


@VENUES
@pytest.mark.parametrize("claim", [HEALTHY, NOT_LIQUIDATABLE])
def test_a_healthy_account_proves_it(account: Maker, claim: str) -> None:
    stage, portfolio, liquidatable = account(healthy=True)
    assert not liquidatable
    circuit = stage.circuit(claim)
    amounts = portfolio.amounts(stage.registry)
    opening = Opening.fresh(amounts)
    statement = Statement(
        circuit.domain_size,
        circuit.value_count,
        (Account(stage.registry.slots, bytes(opening.commit(srs()))),),
        circuit.system,
        bytes(32),
    )
    witness = Witness((opening,), solve(circuit, amounts))
    proof = prove(statement, witness, srs())
    assert verify(statement, proof.encoded, srs()).valid
    # The same bytes prove nothing of another account.
    other = Opening.fresh(amounts)
    replaced = (Account(stage.registry.slots, bytes(other.commit(srs()))),)
    moved = Statement(circuit.domain_size, circuit.value_count, replaced, circuit.system, bytes(32))
    assert not verify(moved, proof.encoded, srs()).valid


@VENUES
def test_an_account_that_may_be_liquidated_proves_nothing(account: Maker) -> None:
    stage, portfolio, liquidatable = account(healthy=False)
    assert liquidatable
    for claim in (HEALTHY, NOT_LIQUIDATABLE):
        with pytest.raises(ClaimNotSatisfied):
            solve(stage.circuit(claim), portfolio.amounts(stage.registry))


@VENUES
def test_a_shock_that_would_lead_to_liquidation_is_part_of_the_claim(account: Maker) -> None:
    stage, portfolio, _ = account(healthy=True)
    amounts = portfolio.amounts(stage.registry)
    symbol, shock = stage.shock
    with pytest.raises(ClaimNotSatisfied):
        solve(stage.circuit(NOT_LIQUIDATABLE, {symbol: shock}), amounts)
    away = str(Exact.of(-Exact(shock)))
    assert solve(stage.circuit(NOT_LIQUIDATABLE, {symbol: away}), amounts)
