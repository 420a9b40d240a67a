"""The margin of an account over the price changes of two assets, for pictures: floats only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ...errors import InputError
from ..margin_function import MarginFunction, margin_function
from ..threshold import Threshold, driver
from .candles import Floats

OTHERS: Final = "others"
"""In place of an asset: every other price that moves what is held or sold short."""

ALIKE: Final = "="
"""Between symbols whose prices move alike on the map: `ETH=ETH-PERP`."""

LOWEST, HIGHEST, STEPS = -0.9, 0.6, 61


@dataclass(frozen=True, eq=False)
class StressGrid:
    """A test over changes of two prices. As secret as the account.

    Attributes:
        threshold: which test.
        first, second: symbols, several that move alike (`ETH=ETH-PERP`), or `others`.
        first_changes_float, second_changes_float: shares, −0.3 is a fall by 30 per cent;
            shapes (n,), (m,).
        margin_float: in quote; shape (m, n): a row for each change of `second`.
        ratio_float: weighted collateral / weighted debt, likewise; inf where nothing is owed.
    """

    threshold: str
    first: str
    second: str
    first_changes_float: Floats
    second_changes_float: Floats
    margin_float: Floats
    ratio_float: Floats

    def __repr__(self) -> str:
        return f"StressGrid({self.threshold!r}, {self.first!r}, {self.second!r}, hidden)"


def stress_grid(
    threshold: Threshold,
    pair: tuple[str, str],
    low: float = LOWEST,
    high: float = HIGHEST,
    steps: int = STEPS,
) -> StressGrid:
    """A test over a grid of price changes.

    Args:
        threshold: the test.
        pair: two symbols whose prices move what the account has, not together; in place of one,
            several joined by `=`, or `others`.
        low, high: the first and the last change; at least −1, and ascending.
        steps: along each side, 2 to 500.

    Raises:
        InputError: another pair or another range.
    """
    if not -1 <= low < high or not 2 <= steps <= 500:
        got = f"{steps} from {low} to {high}"
        raise InputError("grid", "2 to 500 ascending changes of at least -1", got)
    function = margin_function(threshold)
    first, second = _columns(threshold, function, pair)
    changes = np.linspace(low, high, steps)
    multiples = np.ones((steps, steps, len(function.drivers)))
    multiples[:, :, first] = 1 + changes[np.newaxis, :, np.newaxis]
    multiples[:, :, second] = 1 + changes[:, np.newaxis, np.newaxis]
    owed = function.owed(multiples)
    ratio = np.where(owed > 0, function.held(multiples) / np.where(owed > 0, owed, 1.0), np.inf)
    return StressGrid(
        threshold.name, *pair, changes, changes.copy(), function.margin(multiples), ratio
    )


def largest_pair(threshold: Threshold) -> tuple[str, str]:
    """The two prices on which most of the test's weight hangs; what is only owed comes last.

    Raises:
        InputError: nothing that the account has moves.
    """
    function = margin_function(threshold)
    weights = []
    for index, name in enumerate(function.drivers):
        alone = np.zeros(len(function.drivers))
        alone[index] = 1.0
        weight = float(function.held(alone) + function.ratio * function.owed(alone))
        weights.append((weight, name))
    moving = {function.drivers[index] for index in _moving(threshold, function)}
    names = [name for _, name in sorted(weights, reverse=True) if name in moving]
    names += [name for _, name in sorted(weights, reverse=True) if name not in moving]
    if len(names) < 2:
        raise InputError("grid", "an account with two prices that move", "one price only")
    return names[0], names[1]


def _columns(
    threshold: Threshold, function: MarginFunction, pair: tuple[str, str]
) -> tuple[list[int], list[int]]:
    pricing = threshold.account.pricing
    found: list[list[int]] = []
    for text in pair:
        columns: list[int] = []
        for symbol in text.split(ALIKE) if text != OTHERS else ():
            name = driver(pricing, symbol)
            if name not in function.drivers:
                expected = f"one of {', '.join((*function.drivers, OTHERS))}"
                raise InputError("grid", expected, repr(symbol)[:80])
            columns.append(function.drivers.index(name))
        found.append(columns)
    first, second = found
    if set(first) & set(second) or pair[0] == pair[1]:
        expected = "two assets whose prices do not move together"
        raise InputError("grid", expected, " and ".join(pair))
    named = {*first, *second}
    rest = [index for index in _moving(threshold, function) if index not in named]
    for place, symbol in enumerate(pair):
        if symbol == OTHERS:
            if not rest:
                raise InputError("grid", "another asset beside the one named", "none")
            found[place] = rest
    return found[0], found[1]


def _moving(threshold: Threshold, function: MarginFunction) -> list[int]:
    """Drivers of what is held or sold short; what is only owed stays, as in a common shock."""
    account = threshold.account
    moving = {
        driver(account.pricing, asset.symbol)
        for asset in account.registry.assets
        if asset.side != "debt" and account.amounts[asset.slot]
    }
    return [index for index, name in enumerate(function.drivers) if name in moving]
