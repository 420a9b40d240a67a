"""How an account fares in scenarios: those of its policy's claims, and those of a file.

Every number here is exact, and the verdict of a scenario is that of a `stress` claim of it alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Final

from ...errors import InputError
from ..claims import NotLiquidatable, Scenario, Stress, Survives
from ..health import evaluate
from ..liquidation.report import LiquidationReport, liquidation_report
from ..policy import Policy
from ..portfolio import Portfolio
from ..prices import PriceRound
from ..registry import Registry
from ..report import Infinite
from ..threshold import liquidation_threshold, maintenance_threshold, positions
from ..valuation import account_of
from ..values import Exact, FrozenMap
from .course import Progress
from .refused import refused_now
from .replay import exact_ratio

NOW: Final = "now"


@dataclass(frozen=True)
class SourcedScenario:
    """A scenario, and whose it is.

    Attributes:
        source: the claim, or what the caller calls the others.
        scenario: its name and shocks.
        category: whose factors count; None if the claim is in no category.
    """

    source: str
    scenario: Scenario
    category: str | None


@dataclass(frozen=True)
class Outcome:
    """How an account fares in one scenario; in quote.

    Attributes:
        tested: which scenario.
        maintained: the verdict of a `stress` claim of it alone, with limits and misplaced assets.
        margin: of the maintenance test.
        ratio: weighted collateral / weighted debt by the factors of maintenance, with the policy's
            rounding.
        liquidation_margin: of the liquidation test; None if the policy has none.
        liquidation: what the policy's liquidation would do; None if it would do nothing.
    """

    tested: SourcedScenario
    maintained: bool
    margin: Fraction
    ratio: Fraction | Infinite
    liquidation_margin: Fraction | None
    liquidation: LiquidationReport | None

    @property
    def liquidatable(self) -> bool:
        """Whether the liquidation test is failed."""
        return self.liquidation_margin is not None and self.liquidation_margin < 0

    def __repr__(self) -> str:
        return f"Outcome({self.tested.scenario.name!r}, hidden)"


@dataclass(frozen=True)
class StressReport:
    """How an account fares in scenarios.

    Attributes:
        account, policy, quote, time: names, currency and the time of the prices.
        ratio: the maintenance ratio that applies.
        now: without shocks.
        outcomes: in the order of the scenarios.
        refused: what fails every claim whatever the prices: misplaced assets (see
            `health.Evaluation`), and limits that are exceeded.
        moved, unmoved: what the account holds or owes whose price moves in some scenario, or in
            none.
    """

    account: str
    policy: str
    quote: str
    time: datetime
    ratio: Fraction
    now: Outcome
    outcomes: tuple[Outcome, ...]
    refused: tuple[str, ...]
    moved: tuple[str, ...]
    unmoved: tuple[str, ...]

    @property
    def worst(self) -> Outcome:
        """The scenario with the least maintenance margin; of equal ones the first."""
        return min(self.outcomes, key=lambda outcome: outcome.margin)

    def __repr__(self) -> str:
        return f"StressReport({self.account!r}, hidden)"


def policy_scenarios(policy: Policy, claim: str | None = None) -> tuple[SourcedScenario, ...]:
    """The scenarios of a policy's claims, each in the category of its claim.

    A claim `survives` is the scenario of its fall. Without a name all claims count that have
    scenarios; another claim by name has none.

    Args:
        policy: whose.
        claim: only those of this claim.

    Raises:
        InputError: no claim of this name, or one about two accounts.
    """
    chosen = policy.claims if claim is None else {claim: policy.account_claim(claim)}
    found: list[SourcedScenario] = []
    for name, rule in chosen.items():
        if isinstance(rule, (Stress, NotLiquidatable)):
            found += [SourcedScenario(name, each, rule.category) for each in rule.scenarios]
        elif isinstance(rule, Survives):
            fallen = FrozenMap(dict.fromkeys(rule.assets, Exact.of(-rule.fall)))
            found.append(SourcedScenario(name, Scenario(name=name, shocks=fallen), rule.category))
    return tuple(found)


def stress_report(
    portfolio: Portfolio,
    policy: Policy,
    registry: Registry,
    prices: PriceRound,
    scenarios: Sequence[SourcedScenario],
    category: str | None = None,
    *,
    progress: Progress | None = None,
) -> StressReport:
    """How an account fares in scenarios.

    Args:
        portfolio, policy, registry, prices: as for `report.health_report`.
        scenarios: at least one.
        category: that the account is in now, if any; each scenario has its own.
        progress: told how many scenarios are done, of how many.

    Raises:
        InputError: no scenario, a shock of a symbol that the policy does not price, or a category
            that the policy does not have.
        DocumentError, CompileError: as for `report.health_report`.
    """
    if not scenarios:
        raise InputError("scenarios", "at least one", "none")
    start = account_of(portfolio, policy, registry, prices, category)
    known = set(start.pricing.quotes) | set(start.pricing.followers.values())
    for tested in scenarios:
        for symbol in tested.scenario.shocks:
            if symbol not in known:
                where = f"scenarios: {tested.scenario.name}"
                raise InputError(where, f"one of {', '.join(sorted(known))}", repr(symbol)[:80])

    outcomes = []
    for tested in scenarios:
        outcomes.append(_outcome(tested, portfolio, policy, registry, prices))
        if progress is not None:
            progress(len(outcomes), len(scenarios))

    now = Scenario(name=NOW, shocks=FrozenMap({}))
    present = tuple(dict.fromkeys(asset.symbol for asset in positions(start)))
    moved = {
        symbol
        for symbol in present
        if any(start.pricing.shock(symbol, tested.scenario.shocks) for tested in scenarios)
    }
    return StressReport(
        account=portfolio.account,
        policy=policy.name,
        quote=policy.quote,
        time=prices.time,
        ratio=start.pricing.ratio,
        now=_outcome(SourcedScenario("", now, category), portfolio, policy, registry, prices),
        outcomes=tuple(outcomes),
        refused=refused_now(start, policy, registry, prices, category),
        moved=tuple(symbol for symbol in present if symbol in moved),
        unmoved=tuple(symbol for symbol in present if symbol not in moved),
    )


def _outcome(
    tested: SourcedScenario,
    portfolio: Portfolio,
    policy: Policy,
    registry: Registry,
    prices: PriceRound,
) -> Outcome:
    account = account_of(portfolio, policy, registry, prices, tested.category)
    shocks: Mapping[str, Fraction] = tested.scenario.shocks
    claim = Stress(scenarios=(tested.scenario,), category=tested.category)
    verdict = evaluate(claim, policy, registry, prices, account.amounts)
    maintenance, liquidation = maintenance_threshold(account), liquidation_threshold(account)
    tests = None if liquidation is None else liquidation.margin(shocks)
    seized = None
    if tests is not None and tests < 0:
        where = (portfolio, policy, registry, prices, tested.category)
        seized = liquidation_report(*where, shocks=shocks)
    return Outcome(
        tested,
        verdict.holds,
        verdict.margins[0].value,
        exact_ratio(maintenance, shocks),
        tests,
        seized,
    )
