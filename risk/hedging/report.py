"""What acting ahead would do to one account, for people and programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from ...errors import CompileError, InputError
from ..checks import Rational, exact
from ..claims import Liquid
from ..policy import Policy
from ..portfolio import Portfolio
from ..prices import PriceRound
from ..registry import Asset, Registry
from ..threshold import positions
from ..valuation import Account, account_of
from .ahead import Ahead, Probability, act_ahead
from .exposure import value_exposure
from .hedge import Hedge, Instrument, cheapest_hedge
from .plan import Goal, Plan, plan
from .terms import deleveraging_terms, with_ratio

Amounts = Mapping[str, Rational]
"""By symbol, exact."""


@dataclass(frozen=True)
class PositionChange:
    """A position before and after. As secret as the account.

    Attributes:
        asset: the slot.
        price: of one whole asset, in quote: the low one if it is held, the high one if it is owed.
        before, after: in whole assets; what is owed of a signed slot is below 0.
    """

    asset: Asset
    price: Fraction
    before: Fraction
    after: Fraction

    def __repr__(self) -> str:
        return "PositionChange(hidden)"


@dataclass(frozen=True)
class DeleveragingReport:
    """A deleveraging, and the account before and after it. As secret as the account.

    Attributes:
        account, policy, category, quote, time: what it is about.
        terms: the ratio, limits and costs.
        plan: the trades.
        ratio_before, ratio_after: weighted collateral / weighted debt, not rounded; None (infinite)
            without debt.
        positions: of everything that is held or owed, in the order of the slots.
        ahead: the probabilities, if a bound on one was asked for.
    """

    account: str
    policy: str
    category: str | None
    quote: str
    time: datetime
    terms: Liquid
    plan: Plan
    ratio_before: Fraction | None
    ratio_after: Fraction | None
    positions: tuple[PositionChange, ...]
    ahead: Ahead | None = None

    def __repr__(self) -> str:
        return "DeleveragingReport(hidden)"


@dataclass(frozen=True)
class NeutralReport:
    """A delta-neutral hedge. As secret as the account.

    Attributes:
        account, policy, quote, time: what it is about.
        hedge: the positions.
    """

    account: str
    policy: str
    quote: str
    time: datetime
    hedge: Hedge

    def __repr__(self) -> str:
        return "NeutralReport(hidden)"


def deleveraging_report(
    portfolio: Portfolio,
    policy: Policy,
    registry: Registry,
    prices: PriceRound,
    category: str | None = None,
    *,
    claim: Liquid | None = None,
    target: Rational | None = None,
    limits: Amounts | None = None,
    costs: Amounts | None = None,
    goal: Goal = "cost",
    probability: Probability | None = None,
    bound: float | None = None,
) -> DeleveragingReport:
    """The cheapest deleveraging of an account to a ratio, or to a probability of breach.

    Args:
        portfolio, policy, registry, prices: the account; checked against each other.
        category: that it is in, if any.
        claim: limits and costs; None lets all be sold and repaid that is collateral or debt, free.
        target: the ratio; None is the claim's, or the policy's.
        limits, costs: that replace those of the claim, by symbol; the limit of a symbol without one
            is all there is, its cost 0. They hold for sales and for repayments of it.
        goal: what is to be least.
        probability, bound: of a breach, and what it may be at most (`ahead`); both or neither.

    Raises:
        InputError: as `plan` and `ahead`, a limit or a cost of what cannot be traded.
        CompileError, DocumentError: as `valuation.account_of`, and terms that the policy refuses.
    """
    account = account_of(portfolio, policy, registry, prices, category)
    _refuse_misplaced(account)
    terms = _terms(account, category, claim, target, limits or {}, costs or {})
    ahead = None
    if probability is not None and bound is not None:
        ahead = act_ahead(account, terms, probability, bound, goal=goal)
        terms = with_ratio(terms, ahead.ratio)
    found = plan(account, terms, goal=goal) if ahead is None else ahead.plan
    return DeleveragingReport(
        portfolio.account,
        policy.name,
        category,
        policy.quote,
        prices.time,
        terms,
        found,
        _ratio(account),
        _ratio(found.account),
        _changes(account, found.account),
        ahead,
    )


def neutral_report(
    portfolio: Portfolio,
    policy: Policy,
    registry: Registry,
    prices: PriceRound,
    *,
    limits: Amounts | None = None,
    costs: Amounts | None = None,
) -> NeutralReport:
    """The cheapest hedge of what an account is worth, with one perpetual for each price.

    Args:
        portfolio, policy, registry, prices: the account; checked against each other.
        limits: by symbol, how many whole assets may be bought or sold; only those are hedged that
            have one, or all that the account is exposed to, without limit, if none has.
        costs: by symbol, as a share of the price.

    Raises:
        InputError: a symbol that the account is not exposed to.
        CompileError, DocumentError: as `valuation.account_of`.
    """
    account = account_of(portfolio, policy, registry, prices, None)
    exposures = value_exposure(account)
    chosen = list(limits or exposures)
    for symbol in (*chosen, *(costs or {})):
        if symbol not in exposures:
            raise InputError("hedge: symbol", "one that the account is exposed to", repr(symbol))
    instruments = []
    for symbol in chosen:
        price = _price(account, symbol)
        enough = abs(exposures[symbol]) / price + 1
        limit = exact(f"hedge: limit of {symbol}", (limits or {}).get(symbol, enough), low=0)
        cost = exact(f"hedge: cost of {symbol}", (costs or {}).get(symbol, Fraction(0)), low=0)
        instruments.append(Instrument(symbol, symbol, price, limit, limit, cost))
    hedge = cheapest_hedge({symbol: exposures[symbol] for symbol in exposures}, instruments)
    return NeutralReport(portfolio.account, policy.name, policy.quote, prices.time, hedge)


def _price(account: Account, symbol: str) -> Fraction:
    quote = account.pricing.quotes.get(symbol)
    if quote is None:
        raise CompileError(f"{symbol} has no price of its own under the policy")
    price = (quote.low + quote.high) / 2
    if price <= 0:
        raise CompileError(f"{symbol} is worth nothing under the policy")
    return price


def _terms(
    account: Account,
    category: str | None,
    claim: Liquid | None,
    target: Rational | None,
    limits: Amounts,
    costs: Amounts,
) -> Liquid:
    policy, registry = account.policy, account.registry
    sales: dict[str, tuple[Rational, Rational]] = {}
    repayments: dict[str, tuple[Rational, Rational]] = {}
    if claim is not None:
        sales = {symbol: (each.limit, each.cost) for symbol, each in claim.sales.items()}
        repayments = {symbol: (each.limit, each.cost) for symbol, each in claim.repayments.items()}
    else:
        for asset in registry.assets:
            side = {"collateral": sales, "debt": repayments}.get(asset.side)
            if side is not None and asset.symbol in getattr(policy.factors, asset.side):
                amount = abs(account.amounts[asset.slot]) * asset.smallest_unit
                side[asset.symbol] = (amount, Fraction(0))
    for where, given in (("limit", limits), ("cost", costs)):
        for symbol, value in given.items():
            if symbol not in sales and symbol not in repayments:
                raise InputError(f"hedge: {where}", "an asset that may be traded", repr(symbol))
            for side in (sales, repayments):
                if symbol in side:
                    limit, cost = side[symbol]
                    side[symbol] = (value, cost) if where == "limit" else (limit, value)
    if target is None:
        target = account.pricing.ratio if claim is None else claim.ratio
    return deleveraging_terms(policy, target, sales, repayments, category)


def _refuse_misplaced(account: Account) -> None:
    priced = set(account.policy.factors.pairs())
    for asset in account.registry.assets:
        if account.amounts[asset.slot] and (asset.symbol, asset.side) not in priced:
            expected = "assets that the policy prices"
            raise InputError("portfolio", expected, f"{asset.symbol} ({asset.side})")


def _ratio(account: Account) -> Fraction | None:
    collateral, debt = account.totals()
    return collateral / debt if debt else None


def _changes(before: Account, after: Account) -> tuple[PositionChange, ...]:
    found = []
    for asset in positions(before):
        unit, quote = asset.smallest_unit, before.pricing.quotes[asset.symbol]
        here, there = before.amounts[asset.slot], after.amounts[asset.slot]
        owes = asset.side == "debt" or here < 0
        found.append(
            PositionChange(asset, quote.high if owes else quote.low, here * unit, there * unit)
        )
    return tuple(found)
