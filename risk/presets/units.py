"""Between the integers of a protocol and the decimals of documents, each rounding on the safe side.

A registry's amounts are below 2^63 of its smallest units: 9.2 tokens, if a unit is 10^-18 of one.
Most registries so have a coarser unit than the token. Then what is held is rounded down and what is
owed is rounded up, and who is healthy by the document's amounts is so by the account's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, floor

from ...errors import InputError
from ..portfolio import Portfolio
from ..registry import Registry
from ..values import Exact, SecretMap


def portfolio(
    name: str,
    registry: Registry,
    collateral: Mapping[str, Fraction],
    debt: Mapping[str, Fraction],
) -> Portfolio:
    """The portfolio of an account in the registry's units.

    Args:
        name: the account's name in the document.
        registry: what the slots hold.
        collateral: whole assets by symbol; rounded down, and what has no slot counts nothing.
        debt: whole assets by symbol; rounded up.

    Raises:
        InputError: a debt that the registry has no slot for.
        DocumentError: a name that is none.
    """
    held: dict[str, Exact] = {}
    for symbol, amount in collateral.items():
        asset = registry.by_key.get((symbol, "collateral"))
        if asset is not None and amount:
            unit = asset.smallest_unit
            held[symbol] = Exact.of(floor(amount / unit) * unit)
    owed: dict[str, Exact] = {}
    for symbol, amount in debt.items():
        if not amount:
            continue
        asset = registry.by_key.get((symbol, "debt"))
        if asset is None:
            raise InputError(f"debt of {symbol}", "a debt slot of the registry", "none")
        owed[symbol] = Exact.of(ceil(amount / asset.smallest_unit) * asset.smallest_unit)
    return Portfolio.build(
        account=name, collateral=SecretMap(held), debt=SecretMap(owed), signed=SecretMap({})
    )


def integer_price(where: str, prices: Mapping[str, Fraction], symbol: str, decimals: int) -> int:
    """The price of a round as a feed of so many decimals gives it: price · 10^decimals.

    Args:
        where: whose feed, for the error.
        prices: by symbol, as a price round has them.
        symbol: whose price.
        decimals: of the feed; may be negative.

    Raises:
        InputError: no such price, or one with more decimals than the feed has: the protocol would
            see another price. An odd quorum avoids it, whose median is a price that one oracle
            reported.
    """
    if symbol not in prices:
        raise InputError(f"{where} price of {symbol}", "a price", "none")
    scaled = prices[symbol] * Fraction(10) ** decimals
    if scaled.denominator != 1:
        raise InputError(f"{where} price of {symbol}", f"at most {decimals} decimals", "more")
    return scaled.numerator


def require_price(
    where: str, prices: Mapping[str, Fraction], symbol: str, fixed: Fraction | int
) -> None:
    """InputError unless the round prices `symbol` at what the protocol fixes it at."""
    if prices.get(symbol) != fixed:
        got = "none" if symbol not in prices else "another price"
        raise InputError(f"{where} price of {symbol}", f"{fixed}, as the protocol counts it", got)
