"""The health report of an account: what it is worth, and how far it is from its thresholds.

All numbers are exact. What would divide by nothing has a stated answer: "infinite", 0, or None if
there is no such number. A report is as secret as the portfolio.

Definitions, each with what uses it:

- collateralization ratio: collateral / debt at market value (Maker's `ink·price / (art·rate)`).
- loan to value: debt / collateral at market value (Aave, Morpho).
- health factor: Σ collateral·price·factor / (ratio · Σ debt·price·factor) by the liquidation test
  (Aave's `healthFactor`, where the factor is the liquidation threshold and the ratio 1).
- margin ratio: what maintenance requires of the equity / the equity (Binance's maintenance margin /
  margin balance; dYdX's maintenance requirement against net collateral). What is required is the
  equity less the headroom, so that the ratio exceeds 1 exactly when the headroom is below 0.
- headroom: the margin of a test, with reserve and rounding: how much weighted value can be lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Literal, TypeAlias

from ..errors import InputError
from .boundary import MULTIPLES, Boundary, SafePrices, boundary, common_shock, price_of, safe_prices
from .claims import Maintenance
from .health import evaluate
from .limit_use import LimitUse, limit_uses
from .policy import Policy
from .portfolio import Portfolio
from .prices import PriceRound
from .registry import Registry
from .threshold import (
    Threshold,
    ThresholdName,
    liquidation_threshold,
    maintenance_threshold,
    positions,
)
from .valuation import Account, account_of, held, owed
from .volatility.adaptive import AppliedRatio

Infinite: TypeAlias = Literal["infinite"]


@dataclass(frozen=True)
class Standing:
    """How an account stands against one threshold.

    Attributes:
        headroom: in quote; below 0 the test is failed.
        headroom_share: headroom / collateral at market value; None without collateral.
        health_factor: weighted collateral / (ratio · weighted debt), without reserve or rounding;
            infinite if the debt weighs nothing.
        common_shock: the multiples of all prices together (see `boundary.common_shock`).
    """

    headroom: Fraction
    headroom_share: Fraction | None
    health_factor: Fraction | Infinite
    common_shock: SafePrices

    def __repr__(self) -> str:
        return "Standing(hidden)"


@dataclass(frozen=True)
class AssetRisk:
    """One asset that the account holds or owes, on any side.

    Attributes:
        symbol: its name.
        follows: the asset that its price moves with, if it has none of its own.
        price: of one whole asset, in quote.
        held, owed: at market value, in quote.
        weighted_held, weighted_owed: by the factors of maintenance, before limits and ratio.
        maintenance, liquidation: its prices at which the test is passed, the others fixed;
            `liquidation` is None if the policy has no liquidation terms.
    """

    symbol: str
    follows: str | None
    price: Fraction
    held: Fraction
    owed: Fraction
    weighted_held: Fraction
    weighted_owed: Fraction
    maintenance: SafePrices
    liquidation: SafePrices | None

    def __repr__(self) -> str:
        return f"AssetRisk({self.symbol!r}, hidden)"


@dataclass(frozen=True)
class HealthReport:
    """How an account stands under a policy at a round's prices; amounts of money in `quote`.

    Attributes:
        account, policy, quote, time: names, currency and the time of the prices.
        category: whose factors count, if the account is in one.
        collateral, debt: at market value, before factors and limits.
        weighted_collateral, weighted_debt: by the factors of maintenance, after limits, without the
            ratio.
        collateralization_ratio: collateral / debt; infinite without debt.
        loan_to_value: debt / collateral; 0 without debt, otherwise infinite without collateral.
        requirement: how much equity maintenance requires: equity − headroom; below 0 if the factors
            add value.
        margin_ratio: requirement / equity, at least 0. With no equity left it is infinite if
            maintenance fails, and 0 if not.
        maintained: the verdict of a maintenance claim, with limits and misplaced assets.
        ratio: the maintenance ratio that applies: the policy's own, or the adaptive one.
        adaptive: how an adaptive one came about; None if the policy has none.
        maintenance: against maintenance.
        liquidation: against the liquidation test; None if the policy has no liquidation terms.
        limits: the policy's concentration limits.
        misplaced: what is held or owed and must not be (see `health.Evaluation`): every claim
            fails. What the policy does not price counts nothing here.
        assets: those that the policy prices, by the registry's order.
    """

    account: str
    policy: str
    quote: str
    time: datetime
    category: str | None
    collateral: Fraction
    debt: Fraction
    weighted_collateral: Fraction
    weighted_debt: Fraction
    collateralization_ratio: Fraction | Infinite
    loan_to_value: Fraction | Infinite
    requirement: Fraction
    margin_ratio: Fraction | Infinite
    maintained: bool
    ratio: Fraction
    adaptive: AppliedRatio | None
    maintenance: Standing
    liquidation: Standing | None
    limits: tuple[LimitUse, ...]
    misplaced: tuple[str, ...]
    assets: tuple[AssetRisk, ...]

    @property
    def equity(self) -> Fraction:
        """Collateral − debt at market value."""
        return self.collateral - self.debt

    @property
    def health_factor(self) -> Fraction | Infinite:
        """Of the liquidation test; of maintenance if the policy has no liquidation terms."""
        return (self.liquidation or self.maintenance).health_factor

    def __repr__(self) -> str:
        return f"HealthReport({self.account!r}, hidden)"


def health_report(
    portfolio: Portfolio,
    policy: Policy,
    registry: Registry,
    prices: PriceRound,
    category: str | None = None,
) -> HealthReport:
    """The health report of an account.

    Args:
        portfolio: what it holds and owes.
        policy: checked against the registry (`policy.check_policy`).
        registry: what the slots hold.
        prices: a round with everything that the policy needs.
        category: the policy's category that the account is in, if any.

    Raises:
        DocumentError: a portfolio that does not fit the registry, or with no amount but 0.
        InputError: a category that the policy does not have.
        CompileError: the round does not have what the policy needs (see `pricing.price`).
    """
    account = account_of(portfolio, policy, registry, prices, category)
    collateral, debt = account.market_values()
    weighted_collateral, weighted_debt = account.totals()
    evaluation = evaluate(Maintenance(category=category), policy, registry, prices, account.amounts)
    maintenance = maintenance_threshold(account)
    liquidation = liquidation_threshold(account)
    equity, headroom = collateral - debt, maintenance.margin({})
    return HealthReport(
        account=portfolio.account,
        policy=policy.name,
        quote=policy.quote,
        time=prices.time,
        category=category,
        collateral=collateral,
        debt=debt,
        weighted_collateral=weighted_collateral,
        weighted_debt=weighted_debt,
        collateralization_ratio=collateral / debt if debt else "infinite",
        loan_to_value=_loan_to_value(collateral, debt),
        requirement=equity - headroom,
        margin_ratio=_margin_ratio(equity, headroom),
        maintained=evaluation.holds,
        ratio=maintenance.ratio,
        adaptive=account.pricing.applied,
        maintenance=_standing(maintenance, collateral),
        liquidation=None if liquidation is None else _standing(liquidation, collateral),
        limits=limit_uses(maintenance),
        misplaced=evaluation.misplaced,
        assets=_assets(account, maintenance, liquidation),
    )


def liquidation_boundary(
    portfolio: Portfolio,
    policy: Policy,
    registry: Registry,
    prices: PriceRound,
    pair: tuple[str, str],
    category: str | None = None,
    *,
    threshold: ThresholdName | None = None,
    multiples: Sequence[Fraction | int] = MULTIPLES,
) -> Boundary:
    """Where an account begins to fail a test, over the prices of two assets.

    Args:
        portfolio, policy, registry, prices, category: as for `health_report`.
        pair: two symbols that the policy prices and that do not move together.
        threshold: which test; the liquidation test if there is one, otherwise maintenance.
        multiples: of the price of the first asset, at least 0, ascending: one point for each.

    Raises:
        InputError: another symbol or multiple, or the liquidation test of a policy without one.
        DocumentError, CompileError: as for `health_report`.
    """
    account = account_of(portfolio, policy, registry, prices, category)
    test = None if threshold == "maintenance" else liquidation_threshold(account)
    if test is None:
        if threshold == "liquidation":
            raise InputError("boundary", "a policy with liquidation terms", "none")
        test = maintenance_threshold(account)
    return boundary(test, *pair, multiples)


def _loan_to_value(collateral: Fraction, debt: Fraction) -> Fraction | Infinite:
    if not debt:
        return Fraction(0)
    return debt / collateral if collateral else "infinite"


def _margin_ratio(equity: Fraction, headroom: Fraction) -> Fraction | Infinite:
    if equity > 0:
        return max((equity - headroom) / equity, Fraction(0))
    return "infinite" if headroom < 0 else Fraction(0)


def _standing(threshold: Threshold, collateral: Fraction) -> Standing:
    headroom = threshold.margin({})
    factor = threshold.health_factor()
    return Standing(
        headroom,
        headroom / collateral if collateral else None,
        "infinite" if factor is None else factor,
        common_shock(threshold),
    )


def _assets(
    account: Account, maintenance: Threshold, liquidation: Threshold | None
) -> tuple[AssetRisk, ...]:
    weights = maintenance.weights()
    found = []
    for symbol in dict.fromkeys(asset.symbol for asset in positions(account)):
        quote = account.pricing.quotes[symbol]
        own = [asset for asset in weights if asset.symbol == symbol]
        amounts = [(asset, account.amounts[asset.slot]) for asset in own]
        found.append(
            AssetRisk(
                symbol,
                account.pricing.followers.get(symbol),
                price_of(account.pricing, symbol),
                sum((held(a, n) * a.smallest_unit * quote.low for a, n in amounts), Fraction(0)),
                sum((owed(a, n) * a.smallest_unit * quote.high for a, n in amounts), Fraction(0)),
                sum((weights[asset][0] for asset in own), Fraction(0)),
                sum((weights[asset][1] for asset in own), Fraction(0)),
                safe_prices(maintenance, symbol),
                None if liquidation is None else safe_prices(liquidation, symbol),
            )
        )
    return tuple(found)
