"""What fails every claim of an account, whatever the prices: no margin of a scenario shows it."""

from __future__ import annotations

from ..claims import Scenario, Stress
from ..health import evaluate
from ..policy import Policy
from ..prices import PriceRound
from ..registry import Registry
from ..valuation import Account
from ..values import FrozenMap


def refused_now(
    account: Account,
    policy: Policy,
    registry: Registry,
    prices: PriceRound,
    category: str | None,
) -> tuple[str, ...]:
    """Misplaced assets (see `health.Evaluation`), and limits that are exceeded at today's prices.

    Args:
        account: the amounts, with the policy's terms.
        policy, registry, prices, category: as for `report.health_report`.
    """
    now = Scenario(name="now", shocks=FrozenMap({}))
    claim = Stress(scenarios=(now,), category=category)
    standing = evaluate(claim, policy, registry, prices, account.amounts)
    exceeded = (margin.name for margin in standing.margins[1:] if not margin.met)
    return (*standing.misplaced, *exceeded)
