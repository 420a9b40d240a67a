"""Perpetuals in a policy: their slots, and the factors that a ladder of margin rates makes.

A perpetual that was opened at an entry price is worth size·(mark − entry) now. The entry prices are
past, so their sum goes into the balance: a signed slot of the quote asset holds wallet balance −
Σ size·entry, a signed slot of each perpetual its size, and equity is balance + Σ size·mark.
Maintenance margin is taken off there: what is long counts at 1 − rate, what is short at 1 + rate.

A ladder's margin, notional·rate − deduction, is that of slices, each at its own rate: the deduction
is what the slices below cost less. So factors tiered by value state it exactly, for a position of
either sign. What policy and ladder differ by, always to the account's disadvantage:

- a tier begins at a whole number of the slot's smallest units, less than one unit early, so that
  this unit has the rate of the tier above: less than (last rate − first rate)·(value of a unit +
  10^-18) in all for a position;
- a rate is rounded to 18 decimals against the account: at most 10^-18 of the notional;
- the balance, and a size finer than the slot's unit, are rounded down to one.

The policy's prices are in its quote. With the settlement asset as quote that asset's own price is
1, and a round that says otherwise is none of the venue's: see `units.require_price`. A venue tests
one account at a time: such a policy should take one commitment (`max_summands` 1), for the sum of
two accounts may pass where one of them alone does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import floor
from typing import Any

from ...errors import InputError
from ..checks import exact
from ..portfolio import Portfolio
from ..registry import Registry, Side
from ..values import Exact, SecretMap
from .margin_ladder import MarginLadder
from .provable import rounded_down, rounded_up

BALANCE_FACTOR: Mapping[str, Exact] = {"long": Exact("1"), "short": Exact("1")}
"""The settlement asset counts what it is, of either sign."""

TERMS: Mapping[str, Any] = {
    "penalty": Exact("0"),
    "protocol_share": Exact("0"),
    "close_factor": Exact("1"),
    "close_all_below": Exact("0"),
    "minimum": Exact("0"),
}
"""No penalty on top of debts: a venue's fee, where it has one, is a share of what it closes."""

_LARGEST_FLOOR = 10**30


def tiers(by: str, steps: list[tuple[Fraction, Exact]]) -> dict[str, Any]:
    """A tiered factor of (above, factor); what begins where the one before does replaces it."""
    found: dict[Exact, Exact] = {}
    for above, factor in steps:
        found[rounded_down(above)] = factor
    return {
        "type": "tiered",
        "by": by,
        "tiers": [{"above": above, "factor": factor} for above, factor in found.items()],
    }


def ladder_factors(ladder: MarginLadder) -> dict[str, Any]:
    """Factors `long` and `short` of a position whose margin is a ladder's.

    Raises:
        InputError: a floor above 10^30.
    """
    longs: list[tuple[Fraction, Exact]] = []
    shorts: list[tuple[Fraction, Exact]] = []
    for index, (start, rate) in enumerate(zip(ladder.floors, ladder.rates, strict=True)):
        above = exact(f"{ladder.where}: tier {index}: floor", start, high=_LARGEST_FLOOR)
        longs.append((above, rounded_down(1 - rate)))
        shorts.append((above, rounded_up(1 + rate)))
    if len(longs) == 1:
        return {"long": longs[0][1], "short": shorts[0][1]}
    return {"long": tiers("value", longs), "short": tiers("value", shorts)}


def slot_portfolio(
    name: str, where: str, registry: Registry, amounts: Mapping[tuple[str, Side], Fraction]
) -> Portfolio:
    """The portfolio of an account, rounded to the registry's units: a debt up, the rest down.

    Args:
        name: the account's name in the document.
        where: the venue, for errors.
        registry: the slots.
        amounts: in whole assets, by symbol and side; a debt is positive.

    Raises:
        InputError: the registry has no such slot; amounts are not told.
        DocumentError: a name that is none.
    """
    found: dict[Side, dict[str, Exact]] = {"collateral": {}, "debt": {}, "signed": {}}
    for (symbol, side), amount in amounts.items():
        asset = registry.by_key.get((symbol, side))
        if asset is None:
            raise InputError(f"{where}: {symbol}", f"a slot of side {side} in the registry", "none")
        units = amount / asset.smallest_unit
        rounded = -floor(-units) if side == "debt" else floor(units)
        found[side][symbol] = Exact.of(rounded * asset.smallest_unit)
    return Portfolio.build(
        account=name,
        collateral=SecretMap(found["collateral"]),
        debt=SecretMap(found["debt"]),
        signed=SecretMap(found["signed"]),
    )
