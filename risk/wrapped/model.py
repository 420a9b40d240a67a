"""Claims on other assets in a policy: which asset follows which, and how deep.

An asset with a growth cap, or a wrapped one, has no price of its own: it is worth its underlying
times a rate. Underlyings may be claims themselves; the chain ends at a root that oracles price.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator

from ..document import Part
from ..values import Exact, Name, refusal

MAX_DEPTH = 8
"""The most claims that may lie between an asset and its root."""


def _haircut(value: Exact) -> Exact:
    if not 0 <= value < 1:
        raise refusal("a share of at least 0 and below 1")
    return value


class Wrapped(Part):
    """An asset that is a claim on another one: bridged, wrapped, a receipt of a deposit.

    What is held is worth underlying · rate · (1 − haircut), what is owed underlying · rate; `rate`
    is a figure, and 1 if there is none.
    """

    underlying: Name
    haircut: Annotated[Exact, AfterValidator(_haircut)]
    rate: Name | None = None


def chain(symbol: str, underlyings: Mapping[str, str]) -> tuple[str, ...]:
    """What an asset is a claim on, the nearest first and the root last; empty if it is a root.

    Args:
        symbol: any.
        underlyings: of every claim, without cycles.
    """
    links = []
    while symbol in underlyings:
        symbol = underlyings[symbol]
        links.append(symbol)
    return tuple(links)


def check_chains(capped: Mapping[str, str], wrapped: Mapping[str, str]) -> None:
    """Refuse cycles, chains that are too deep, and what is a claim in two ways.

    Args:
        capped, wrapped: the underlying of every asset with a growth cap, and of every wrapped one.

    Raises:
        PydanticCustomError: with the place in the policy.
    """
    for symbol in wrapped:
        if symbol in capped:
            expected = "an asset that is not among `growth_caps` too"
            raise refusal(expected, repr(symbol), f"wrapped.{symbol}")
    underlyings = {**capped, **wrapped}
    for symbol in underlyings:
        at = f"{'wrapped' if symbol in wrapped else 'growth_caps'}.{symbol}.underlying"
        here, seen = symbol, {symbol}
        while here in underlyings:
            here = underlyings[here]
            if here in seen:
                raise refusal("a chain of claims that ends", f"a cycle through {here!r}", at)
            seen.add(here)
            if len(seen) > MAX_DEPTH + 1:
                expected = f"at most {MAX_DEPTH} claims between an asset and its root"
                raise refusal(expected, "more", at)
