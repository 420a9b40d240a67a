"""A cascade and, if asked for, the shock at which it feeds itself, with what they were run on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import InputError
from .accounts import Accounts
from .market import Setting
from .run import Cascade, Progress, run_cascade, shock_path
from .spiral import BOUND, Spiral, direction_of, find_spiral


@dataclass(frozen=True, eq=False)
class CascadeReport:
    """What a shock does to a system of accounts. Sums over accounts, and no account by itself.

    Attributes:
        policy, quote: of the policy.
        synthetic: how the accounts were made; empty if they exist.
        setting: the world around them.
        shocks: by symbol, of exogenous prices, before the first step.
        cascade: what came of it.
        spiral: critical shocks in the shocks' direction; None if not asked for.
    """

    policy: str
    quote: str
    synthetic: str
    setting: Setting
    shocks: Mapping[str, float]
    cascade: Cascade
    spiral: Spiral | None


def cascade_report(
    accounts: Accounts,
    setting: Setting,
    shocks: Mapping[str, float],
    steps: int,
    *,
    policy: str = "",
    spiral: bool = False,
    bound: float = BOUND,
    progress: Progress | None = None,
) -> CascadeReport:
    """Run a cascade, and with `spiral` many more of other shocks in the same direction.

    Args:
        accounts: at the start.
        setting: the world around them.
        shocks: by symbol, from −0.999; for a spiral none above 0.
        steps: of every simulation.
        policy: its name.
        spiral: whether critical shocks are looked for.
        bound: on amplification, above 1.
        progress: is told how many steps are done, then how many other shocks, and of how many.

    Raises:
        InputError: a number out of its range, an unknown asset; for a spiral, no fall.
        ConservationError: a step that does not add up.
    """
    if not shocks:
        raise InputError("shocks", "at least one", "none")
    direction = direction_of(shocks) if spiral else {}
    path = shock_path(setting.terms, shocks, steps)
    cascade = run_cascade(accounts, setting, path, progress)
    found = None
    if spiral:
        found = find_spiral(accounts, setting, direction, steps, bound=bound, progress=progress)
    return CascadeReport(
        policy=policy,
        quote=setting.terms.quote,
        synthetic=accounts.synthetic,
        setting=setting,
        shocks=dict(shocks),
        cascade=cascade,
        spiral=found,
    )
