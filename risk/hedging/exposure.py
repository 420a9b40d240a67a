"""How an account moves with prices, exactly: in quote, per 100 % of each price."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from ..threshold import Threshold, driver, positions
from ..valuation import Account, held, owed

STEP: Final = Fraction(1, 10**6)


def value_exposure(account: Account) -> dict[str, Fraction]:
    """What is held less what is owed, at the round's prices, by the symbol that moves it.

    An asset whose price follows another's is counted with that one.
    """
    found: dict[str, Fraction] = {}
    for asset in positions(account):
        quote, amount = account.pricing.quotes[asset.symbol], account.amounts[asset.slot]
        value = held(asset, amount) * quote.low - owed(asset, amount) * quote.high
        root = driver(account.pricing, asset.symbol)
        found[root] = found.get(root, Fraction(0)) + value * asset.smallest_unit
    return dict(sorted(found.items()))


def margin_exposure(threshold: Threshold) -> dict[str, Fraction]:
    """The gradient of the margin of a test by the same symbols: a central difference over 10^-6.

    Exact where the margin is straight so far, which it is but for tiers by value, limits that leave
    an excess uncounted, and rounding.
    """
    account = threshold.account
    roots = {driver(account.pricing, asset.symbol) for asset in positions(account)}
    return {
        root: (threshold.margin({root: STEP}) - threshold.margin({root: -STEP})) / (2 * STEP)
        for root in sorted(roots)
    }
