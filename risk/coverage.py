"""Whether the assets of one account cover the liabilities of another, exactly.

What is owed inside the first account is taken off its assets; what the second account holds counts
nothing. Signed slots are empty in both: what is neither held nor owed has no place here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from .claims import Covers
from .policy import Policy
from .pricing import Pricing
from .registry import Registry


@dataclass(frozen=True)
class Coverage:
    """Assets against liabilities.

    Attributes:
        held: the net assets of the first account, in quote, not rounded.
        owed: the liabilities of the second, in quote, not rounded, without the ratio.
        margins: by symbol in whole assets, or one `net` in quote with the policy's rounding in it.
    """

    held: Fraction
    owed: Fraction
    margins: tuple[tuple[str, Fraction], ...]

    def __repr__(self) -> str:
        return "Coverage(hidden)"


def coverage_margins(
    claim: Covers,
    policy: Policy,
    registry: Registry,
    pricing: Pricing,
    assets: Sequence[int],
    liabilities: Sequence[int],
) -> Coverage:
    """Assets against liabilities; amounts in smallest units, one per slot."""
    held = owed = net = Fraction(0)
    by_symbol: dict[str, Fraction] = defaultdict(Fraction)
    for asset in registry.assets:
        if (asset.symbol, asset.side) not in set(policy.factors.pairs()):
            continue
        quote = pricing.quotes[asset.symbol]
        low, high = quote.low * asset.smallest_unit, quote.high * asset.smallest_unit
        mine, theirs = assets[asset.slot], liabilities[asset.slot]
        if asset.side == "collateral":
            held += mine * low
            net += mine * _rounded(low, policy, up=False)
            by_symbol[asset.symbol] += mine * asset.smallest_unit
        elif asset.side == "debt":
            held -= mine * high
            owed += theirs * high
            net -= mine * _rounded(high, policy, up=True)
            net -= theirs * _rounded(high * claim.ratio, policy, up=True)
            by_symbol[asset.symbol] -= (mine + claim.ratio * theirs) * asset.smallest_unit
    margins = (("net", net),) if claim.net else tuple(sorted(by_symbol.items()))
    return Coverage(held, owed, margins)


def misplaced_for_coverage(
    policy: Policy, registry: Registry, assets: Sequence[int], liabilities: Sequence[int]
) -> tuple[str, ...]:
    """Slots of either account that must be empty and are not, or are below zero."""
    priced = set(policy.factors.pairs())
    found = []
    for role, amounts in (("assets", assets), ("liabilities", liabilities)):
        for slot, (asset, amount) in enumerate(zip(registry.by_slot, amounts, strict=True)):
            if asset is None:
                if amount:
                    found.append(f"{role}: slot {slot}")
            elif amount < 0 or (
                amount and ((asset.symbol, asset.side) not in priced or asset.side == "signed")
            ):
                found.append(f"{role}: {asset.symbol} ({asset.side})")
    return tuple(found)


def _rounded(value: Fraction, policy: Policy, *, up: bool) -> Fraction:
    decimals = policy.value_decimals
    if decimals is None:
        return value
    return Fraction((ceil if up else floor)(value * 10**decimals), 10**decimals)
