"""From an account of a lending protocol to a verified proof that it is healthy by its own rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
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
from zkcollateral.risk.fixed_point import RAY, WAD
from zkcollateral.risk.policy import CommitmentRule, OracleRule, check_policy
from zkcollateral.risk.portfolio import Portfolio
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
from zkcollateral.risk.presets.provable import HEALTHY, NOT_LIQUIDATABLE, ProvableRule
from zkcollateral.risk.prices import PriceRound
from zkcollateral.risk.registry import Registry
from zkcollateral.risk.values import Exact, FrozenMap
from zkcollateral.verifier.proof import verify


@dataclass(frozen=True)
class Stage:
    """A protocol's rule, the slots and the prices."""

    rule: ProvableRule
    registry: Registry
    prices: Mapping[str, str]

    def circuit(self, claim: str, fall: str = "0") -> Circuit:
        digest = document_digest(self.registry)
        held = [asset.symbol for asset in self.registry.assets if asset.side == "collateral"]
        fallen = Scenario(name="fall", shocks=FrozenMap(dict.fromkeys(held, Exact(fall))))
        policy = self.rule.policy(
            self.registry,
            digest,
            OracleRule(quorum=1, max_age_seconds=600, max_deviation=Exact("0")),
            CommitmentRule(
                max_age_seconds=600, max_summands=1, max_apart_seconds=0, unvouched=False
            ),
            scenarios=[fallen],
        )
        check_policy(policy, digest, self.registry)
        round_ = PriceRound.build(
            time=datetime(2026, 1, 31, tzinfo=UTC),
            quote=self.rule.quote,
            prices={symbol: Exact(price) for symbol, price in self.prices.items()},
            reports=["0" * 64],
        )
        return compile_claim(policy, self.registry, round_, claim, Backing(vouched=True))


def registry_of(*assets: tuple[str, int, str]) -> Registry:
    return Registry.build(
        name="lending",
        slots=4,
        assets=[
            {"slot": slot, "symbol": symbol, "unit": unit, "side": side}
            for slot, (symbol, unit, side) in enumerate(assets)
        ],
    )


def exact(prices: Mapping[str, str]) -> dict[str, Exact]:
    return {symbol: Exact(price) for symbol, price in prices.items()}


Position = tuple[Stage, Portfolio, bool]
"""A stage, a portfolio on it, and whether the protocol calls the account liquidatable."""


def aave(*, healthy: bool) -> Position:
    market = aave_v3.AaveMarket(
        (
            aave_v3.AaveReserve("WETH", 18, 8050, 8300, 10_500, liquidity_index=11 * RAY // 10),
            aave_v3.AaveReserve("wstETH", 18, 7850, 8100, 10_600),
            aave_v3.AaveReserve("USDC", 6, 7500, 7800, 10_450, variable_borrow_index=RAY + 7),
        ),
        (aave_v3.EModeCategory(1, 9000, 9300, 10_100, frozenset({"wstETH"})),),
    )
    units = ("WETH", -9, "collateral"), ("wstETH", -9, "collateral"), ("USDC", -6, "debt")
    prices = {"WETH": "3000.12345678", "wstETH": "3600", "USDC": "1.0001"}
    stage = Stage(aave_rule(market, 1), registry_of(*units), prices)
    # 10 WETH at their own threshold and 5 wstETH at the category's carry 41,636.86 USDC.
    owed = 41_636_860_000 if healthy else 41_636_870_000
    account = aave_v3.AaveAccount(
        (
            aave_v3.AavePosition("WETH", 10 * WAD * 10 // 11 + 1),
            aave_v3.AavePosition("wstETH", 5 * WAD),
            aave_v3.AavePosition("USDC", 0, owed),
        ),
        e_mode=1,
    )
    feed = aave_prices(market, exact(prices))
    portfolio = aave_portfolio("acct", market, account, stage.registry)
    return stage, portfolio, aave_v3.is_liquidatable(market, account, feed)


def compound(*, healthy: bool) -> Position:
    market = compound_v3.CometMarket(
        "USDC",
        6,
        (
            compound_v3.CometAsset("WETH", 18, 83 * WAD // 100, 90 * WAD // 100, 95 * WAD // 100),
            compound_v3.CometAsset("COMP", 18, 50 * WAD // 100, 70 * WAD // 100, 85 * WAD // 100),
        ),
        base_borrow_index=12 * 10**14,
    )
    units = ("WETH", -9, "collateral"), ("COMP", -6, "collateral"), ("USDC", -6, "debt")
    prices = {"WETH": "3000", "COMP": "50.5", "USDC": "1"}
    stage = Stage(compound_rule(market), registry_of(*units), prices)
    # 2 WETH and 100 COMP carry 8,935 USDC, which is a principal of 7,445.833… at this index.
    principal = 7_445_000_000 if healthy else 7_446_000_000
    account = compound_v3.CometAccount(-principal, {"WETH": 2 * WAD, "COMP": 100 * WAD})
    feed = compound_prices(market, exact(prices))
    portfolio = compound_portfolio("acct", market, account, stage.registry)
    return stage, portfolio, compound_v3.is_liquidatable(market, account, feed)


def morpho(*, healthy: bool) -> Position:
    tokens = MorphoTokens("wstETH", 18, "USDC", 6)
    market = morpho_blue.Market(86 * WAD // 100, 10**13, 9 * 10**18)
    units = ("wstETH", -9, "collateral"), ("USDC", -6, "debt")
    prices = {"wstETH": "3600.5", "USDC": "1"}
    stage = Stage(morpho_rule(tokens, market.lltv), registry_of(*units), prices)
    # 4 wstETH carry 12,385.72 USDC.
    assets = 12_385_719_999 if healthy else 12_385_720_001
    shares = assets * (market.total_borrow_shares + 10**6) // (market.total_borrow_assets + 1)
    position = morpho_blue.Position(4 * WAD, shares)
    feed = morpho_price(tokens, exact(prices))
    portfolio = morpho_portfolio("acct", tokens, market, position, stage.registry)
    return stage, portfolio, morpho_blue.is_liquidatable(market, position, feed)


def maker_vault(*, healthy: bool) -> Position:
    mat = 145 * RAY // 100
    units = ("ETH", -9, "collateral"), ("DAI", -9, "debt")
    prices = {"ETH": "2900.29", "DAI": "1"}
    stage = Stage(maker_rule("ETH", mat, 113 * WAD // 100), registry_of(*units), prices)
    spot = maker_spot("ETH", mat, exact(prices))
    ilk = maker.Ilk(RAY * 11 // 10, spot)
    # 10 ETH carry 20,002 Dai, which are 18,183.63… before the rate.
    urn = maker.Urn(10 * WAD, 18_183 * WAD if healthy else 18_184 * WAD)
    portfolio = maker_portfolio("acct", "ETH", ilk, urn, stage.registry)
    return stage, portfolio, maker.is_liquidatable(ilk, urn)


def liquity(*, healthy: bool) -> Position:
    units = ("WETH", -9, "collateral"), ("BOLD", -9, "debt")
    prices = {"WETH": "2750.11", "BOLD": "1"}
    stage = Stage(liquity_rule("WETH", liquity_v2.WETH_BRANCH), registry_of(*units), prices)
    # 4 WETH carry 10,000.4 BOLD, to the last unit.
    debt = 10_000_400_000_000 * 10**9 + (0 if healthy else 1)
    trove = liquity_v2.Trove(4 * WAD, debt)
    feed = liquity_price("WETH", exact(prices))
    portfolio = liquity_portfolio("acct", "WETH", trove, stage.registry)
    return stage, portfolio, liquity_v2.is_liquidatable(liquity_v2.WETH_BRANCH, trove, feed)


class Maker(Protocol):
    """Makes one of a protocol's two accounts, a little on either side of the threshold."""

    def __call__(self, *, healthy: bool) -> Position: ...


PROTOCOLS = pytest.mark.parametrize("account", [aave, compound, morpho, maker_vault, liquity])


@PROTOCOLS
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


@PROTOCOLS
def test_an_account_that_may_be_liquidated_proves_nothing(account: Maker) -> None:
    stage, portfolio, liquidatable = account(healthy=False)
    assert liquidatable
    for claim in (HEALTHY, NOT_LIQUIDATABLE):
        with pytest.raises(ClaimNotSatisfied):
            solve(stage.circuit(claim), portfolio.amounts(stage.registry))


@PROTOCOLS
def test_a_shock_that_would_lead_to_liquidation_is_part_of_the_claim(account: Maker) -> None:
    stage, portfolio, _ = account(healthy=True)
    amounts = portfolio.amounts(stage.registry)
    with pytest.raises(ClaimNotSatisfied):
        solve(stage.circuit(NOT_LIQUIDATABLE, "-0.01"), amounts)
    assert solve(stage.circuit(NOT_LIQUIDATABLE, "0.01"), amounts)
