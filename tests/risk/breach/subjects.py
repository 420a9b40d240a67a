"""Accounts whose breach is known otherwise."""

from __future__ import annotations

from tests.risk.accounts import LIQUIDATION, World, account_of, world
from zkcollateral.risk.threshold import Threshold, liquidation_threshold

LONG = world(
    {"collateral": {"BTC": "0.8"}, "debt": {"USD": "1"}},
    {"BTC": "100", "USD": "1"},
    {"collateral": {"BTC": "10"}, "debt": {"USD": "700"}},
    liquidation=LIQUIDATION,
)
"""Fails below 700 / 800 of the price of BTC; something is lost below 700 · 1.05 / 1000."""

SHORT = world(
    {"collateral": {"USD": "1"}, "debt": {"BTC": "1"}},
    {"BTC": "100", "USD": "1"},
    {"collateral": {"USD": "1200"}, "debt": {"BTC": "10"}},
    liquidation=LIQUIDATION,
)
"""Fails above 1.2 of the price; something is lost above 1200 / 1050."""

PAIR = world(
    {"collateral": {"ETH": "0.9"}, "debt": {"BTC": "1"}},
    {"BTC": "100", "ETH": "10"},
    {"collateral": {"ETH": "100"}, "debt": {"BTC": "8"}},
    liquidation=LIQUIDATION,
)
"""Fails where ETH / BTC falls below 800 / 900 of what it is."""


def liquidation_of(setting: World) -> Threshold:
    """The liquidation test of a world."""
    found = liquidation_threshold(account_of(setting))
    if found is None:
        raise AssertionError("no liquidation terms")
    return found
