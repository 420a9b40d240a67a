"""How much of each concentration limit an account uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from .policy import Limit
from .threshold import Threshold


@dataclass(frozen=True)
class LimitUse:
    """A concentration limit of the policy and how much of it is used.

    Attributes:
        name, assets, share, excess: as the policy has them.
        used: the limited assets' share of all collateral, 0 without collateral: at market value if
            an excess is refused, after the factors of maintenance if it is uncounted.
        over: what exceeds the limit, in quote, by the same values; at least 0.
        met: whether claims can hold: False if something exceeds a limit that refuses it, by the
            policy's rounding.
    """

    name: str
    assets: tuple[str, ...]
    share: Fraction
    excess: Literal["refused", "uncounted"]
    used: Fraction
    over: Fraction
    met: bool

    def __repr__(self) -> str:
        return f"LimitUse({self.name!r}, hidden)"


def limit_uses(maintenance: Threshold) -> tuple[LimitUse, ...]:
    """The use of every limit, in the policy's order; no value is rounded but for `met`."""
    account = maintenance.account
    market: dict[str, Fraction] = {}
    weighted: dict[str, Fraction] = {}
    for asset, (counted, _) in maintenance.weights().items():
        if asset.side == "collateral":
            worth = account.pricing.quotes[asset.symbol].low * asset.smallest_unit
            market[asset.symbol] = account.amounts[asset.slot] * worth
            weighted[asset.symbol] = counted
    refused = dict(account.limits())
    return tuple(
        _use(limit, weighted, met=True)
        if limit.excess == "uncounted"
        else _use(limit, market, met=refused[limit.name] >= 0)
        for limit in account.policy.limits
    )


def _use(limit: Limit, values: Mapping[str, Fraction], *, met: bool) -> LimitUse:
    total = sum(values.values(), Fraction(0))
    limited = sum((values.get(symbol, Fraction(0)) for symbol in limit.assets), Fraction(0))
    return LimitUse(
        limit.name,
        limit.assets,
        limit.share,
        limit.excess,
        limited / total if total else Fraction(0),
        max(limited - limit.share * total, Fraction(0)),
        met,
    )
