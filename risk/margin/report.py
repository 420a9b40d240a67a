"""The margin report: what one or several accounts need under portfolio margin, and why.

Several portfolios are one account on several venues: their positions net before anything is asked.
All amounts of money are exact, in the policy's quote; the Greeks are floats (see `greeks`). A
report is as secret as the portfolios.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from ...errors import InputError
from ..claims import PortfolioMargin
from ..health import evaluate
from ..policy import Policy
from ..portfolio import AMOUNT_LIMIT, Portfolio
from ..prices import PriceRound
from ..registry import Registry
from .greeks import UnderlyingGreeks, margin_greeks, underlying_of
from .model import MarginModel
from .requirement import GroupRisk, MarginEvaluation, evaluate_margin
from .scenarios import MarginScenario, scenarios_of

MAX_VENUES = 64


@dataclass(frozen=True)
class ScenarioValue:
    """What the netted positions on an underlying gain or lose in one scenario.

    Attributes:
        scenario: its name, moves and weight.
        value: in quote; weight, dampener and offset are in it.
    """

    scenario: MarginScenario
    value: Fraction

    def __repr__(self) -> str:
        return f"ScenarioValue({self.scenario.name!r}, hidden)"


@dataclass(frozen=True)
class GroupReport:
    """What the positions on one underlying need.

    Attributes:
        underlying: its name in the model.
        scenarios: the values, in the model's order.
        worst: the scenario of the smallest value; the first of them, if several.
        loss: the loss in it, at least 0.
        roll, delta: contingencies.
    """

    underlying: str
    scenarios: tuple[ScenarioValue, ...]
    worst: MarginScenario
    loss: Fraction
    roll: Fraction
    delta: Fraction

    @property
    def requirement(self) -> Fraction:
        """loss + roll + delta."""
        return self.loss + self.roll + self.delta

    def __repr__(self) -> str:
        return f"GroupReport({self.underlying!r}, hidden)"


@dataclass(frozen=True)
class VenueMargin:
    """What one portfolio alone has and needs.

    Attributes:
        account: its name.
        equity, requirement: as in `MarginReport`, of this portfolio alone.
    """

    account: str
    equity: Fraction
    requirement: Fraction

    @property
    def headroom(self) -> Fraction:
        """equity − requirement."""
        return self.equity - self.requirement

    def __repr__(self) -> str:
        return f"VenueMargin({self.account!r}, hidden)"


@dataclass(frozen=True)
class PositionMargin:
    """One position of the whole account, netted over the venues.

    Attributes:
        symbol, side: whose slot it is.
        underlying: what it is about.
        amount: whole instruments or assets; a debt is positive.
        alone: what would be needed for it if there were nothing else.
    """

    symbol: str
    side: str
    underlying: str
    amount: Fraction
    alone: Fraction

    def __repr__(self) -> str:
        return f"PositionMargin({self.symbol!r}, hidden)"


@dataclass(frozen=True)
class ClaimMargin:
    """How the account stands against a claim of portfolio margin.

    Attributes:
        name: of the claim.
        factor: what of the requirement is asked.
        headroom: what is left of it, in quote, with the policy's reserve; if a limit is met less,
            what is left of that.
        holds: the verdict, with limits and misplaced assets.
        misplaced: what is held or owed and must not be.
    """

    name: str
    factor: Fraction
    headroom: Fraction
    holds: bool
    misplaced: tuple[str, ...]

    def __repr__(self) -> str:
        return f"ClaimMargin({self.name!r}, hidden)"


@dataclass(frozen=True)
class MarginReport:
    """Portfolio margin of an account, netted over all its venues, at a round's prices, in `quote`.

    Attributes:
        accounts: the portfolios, in the order given.
        policy, quote, time: names, currency and the time of the prices.
        equity: weighted collateral − ratio · weighted debt + instruments at their marks.
        groups: what each underlying needs, ascending; those without positions too.
        venues: each portfolio alone.
        positions: by the registry's order.
        claims: of portfolio margin, ascending: those of the policy, or the one asked for.
        greeks: by underlying, floats.
    """

    accounts: tuple[str, ...]
    policy: str
    quote: str
    time: datetime
    equity: Fraction
    groups: tuple[GroupReport, ...]
    venues: tuple[VenueMargin, ...]
    positions: tuple[PositionMargin, ...]
    claims: tuple[ClaimMargin, ...]
    greeks: tuple[UnderlyingGreeks, ...]

    @property
    def requirement(self) -> Fraction:
        """Initial margin (factor 1): the sum over underlyings, after netting."""
        return sum((group.requirement for group in self.groups), Fraction(0))

    @property
    def headroom(self) -> Fraction:
        """equity − requirement: what is left of initial margin, before reserve and limits."""
        return self.equity - self.requirement

    @property
    def venues_alone(self) -> Fraction:
        """What the venues would ask, each for itself."""
        return sum((venue.requirement for venue in self.venues), Fraction(0))

    @property
    def netting_benefit(self) -> Fraction:
        """By how much netting across venues lowers the requirement.

        It may be below 0 by what each venue alone has for itself: dampener and delta threshold.
        """
        return self.venues_alone - self.requirement

    @property
    def positions_alone(self) -> Fraction:
        """What the positions would need, one by one."""
        return sum((position.alone for position in self.positions), Fraction(0))

    @property
    def portfolio_benefit(self) -> Fraction:
        """By how much margining the positions together lowers the requirement."""
        return self.positions_alone - self.requirement

    def __repr__(self) -> str:
        return f"MarginReport({', '.join(self.accounts)!r}, hidden)"


def margin_report(
    portfolios: Portfolio | Sequence[Portfolio],
    policy: Policy,
    registry: Registry,
    prices: PriceRound,
    claim: str | None = None,
) -> MarginReport:
    """The margin report of an account on one venue or several.

    Args:
        portfolios: what is held and owed on each venue, 1 to 64 of them.
        policy: with a margin model; checked against the registry (`policy.check_policy`).
        registry: what the slots hold, on every venue.
        prices: a round with everything that the policy needs.
        claim: one of portfolio margin, whose category the account is in; None: all of the policy,
            and the rest of the report without a category.

    Raises:
        InputError: a policy without margin model, a claim that it does not have or that is another
            one, no portfolio or too many, amounts whose sum no slot can hold.
        DocumentError: a portfolio that does not fit the registry.
        CompileError: the round does not have what the policy needs, or an instrument has expired.
    """
    model = policy.margin
    if model is None:
        raise InputError("policy: margin", "the terms of portfolio margin", "none")
    venues = [portfolios] if isinstance(portfolios, Portfolio) else [*portfolios]
    if not 1 <= len(venues) <= MAX_VENUES:
        raise InputError("portfolios", f"1 to {MAX_VENUES} of them", str(len(venues)))
    claims = _claims(policy, claim)
    held = [venue.amounts(registry) for venue in venues]
    amounts = _netted(held, registry)
    category = policy.category_of(claims[0][1]) if claim is not None else None

    def asked(each: Sequence[int]) -> MarginEvaluation:
        return evaluate_margin(policy, registry, prices, each, category)

    whole, alone = asked(amounts), [asked(each) for each in held]
    return MarginReport(
        accounts=tuple(venue.account for venue in venues),
        policy=policy.name,
        quote=policy.quote,
        time=prices.time,
        equity=whole.equity,
        groups=tuple(_group(risk, model) for risk in whole.groups),
        venues=tuple(
            VenueMargin(venue.account, each.equity, each.requirement)
            for venue, each in zip(venues, alone, strict=True)
        ),
        positions=_positions(policy, registry, amounts, asked),
        claims=tuple(
            _claim(name, each, policy, registry, prices, amounts) for name, each in claims
        ),
        greeks=margin_greeks(policy, registry, prices, amounts),
    )


def _claims(policy: Policy, claim: str | None) -> list[tuple[str, PortfolioMargin]]:
    """The claim of the name, or all of portfolio margin."""
    if claim is not None:
        found = policy.account_claim(claim)
        if not isinstance(found, PortfolioMargin):
            raise InputError("claim", "a claim of portfolio margin", f"{claim!r}, of {found.type}")
        return [(claim, found)]
    return [
        (name, each)
        for name, each in sorted(policy.claims.items())
        if isinstance(each, PortfolioMargin)
    ]


def _netted(held: Sequence[Sequence[int]], registry: Registry) -> tuple[int, ...]:
    amounts = tuple(map(sum, zip(*held, strict=True)))
    for asset in registry.assets:
        if abs(amounts[asset.slot]) >= AMOUNT_LIMIT:
            where = f"portfolios: {asset.side}.{asset.symbol}"
            raise InputError(where, "a sum below 2^63 smallest units", "more")
    return amounts


def _group(risk: GroupRisk, model: MarginModel) -> GroupReport:
    scenarios = scenarios_of(model.underlyings[risk.underlying].scenarios)
    values = tuple(
        ScenarioValue(scenario, value)
        for scenario, (_, value) in zip(scenarios, risk.values, strict=True)
    )
    worst = next(each.scenario for each in values if each.scenario.name == risk.worst)
    return GroupReport(risk.underlying, values, worst, risk.loss, risk.roll, risk.delta)


def _claim(
    name: str,
    claim: PortfolioMargin,
    policy: Policy,
    registry: Registry,
    prices: PriceRound,
    amounts: Sequence[int],
) -> ClaimMargin:
    found = evaluate(claim, policy, registry, prices, amounts)
    least = min(margin.value for margin in found.margins)
    return ClaimMargin(name, claim.factor, least, found.holds, found.misplaced)


def _positions(
    policy: Policy,
    registry: Registry,
    amounts: Sequence[int],
    asked: Callable[[Sequence[int]], MarginEvaluation],
) -> tuple[PositionMargin, ...]:
    found = []
    for asset in registry.assets:
        amount, underlying = amounts[asset.slot], underlying_of(policy, asset)
        if not amount or underlying is None:
            continue
        single = [0] * registry.slots
        single[asset.slot] = amount
        alone = asked(single).requirement
        whole = amount * asset.smallest_unit
        found.append(PositionMargin(asset.symbol, asset.side, underlying, whole, alone))
    return tuple(found)
