"""What a policy says of every account of a system: weights, prices and the rule of liquidation.

Everything here is in doubles, made once from the exact documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..factors import Factor
from ..liquidation.of_policy import liquidation_terms
from ..policy import Policy
from ..prices import PriceRound
from ..pricing import Pricing, price
from ..registry import Registry

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SystemTerms:
    """The assets of a system and how its accounts are liquidated.

    An account may be liquidated once Σ held · price · held_weight is below
    Σ owed · price · owed_weight + reserve, and it owes something.

    Attributes:
        quote: what prices are in.
        symbols: the assets, ascending; the order of every array here and elsewhere.
        prices: shape (assets,), now, in quote for one whole asset, above 0.
        held_weight: shape (assets,), what one unit of value held counts; 0 if it cannot be held.
        owed_weight: the same of what is owed, with the ratio of the liquidation test in it.
        holdable, owable: shape (assets,), whether the policy prices it on that side.
        leaders: by symbol that follows another one's price, that one.
        reserve, minimum: in quote, at least 0.
        close_factor, penalty, protocol_share, close_all_below: as in `LiquidationRule`.
    """

    quote: str
    symbols: tuple[str, ...]
    prices: Floats
    held_weight: Floats
    owed_weight: Floats
    holdable: NDArray[np.bool_]
    owable: NDArray[np.bool_]
    leaders: dict[str, str]
    reserve: float
    close_factor: float
    penalty: float
    protocol_share: float
    close_all_below: float
    minimum: float

    def index(self, symbol: str, where: str) -> int:
        """The place of an asset in the arrays; InputError at `where` if it has none."""
        if symbol not in self.symbols:
            raise InputError(where, "an asset that the policy prices", repr(symbol)[:80])
        return self.symbols.index(symbol)


def system_terms(policy: Policy, registry: Registry, prices: PriceRound) -> SystemTerms:
    """The terms of a policy at a round's prices, for accounts in no category.

    The price of an asset is the middle of what it is worth held and owed; where these differ, by a
    confidence interval or a growth cap, the difference goes into the weights. Scaled factors are
    those of the round. Rounding of values is left out.

    Args:
        policy: with liquidation terms, checked against the registry; plain and scaled factors, and
            no limit that leaves an excess uncounted, since a weight is one number here.
        registry: a symbol has one slot for what is held of it and one for what is owed.
        prices: a price of every symbol that has a factor.

    Raises:
        InputError: a policy or registry of another kind.
        CompileError: the round does not have what the policy needs (see `pricing.price`).
    """
    terms = liquidation_terms(policy)
    for index, limit in enumerate(policy.limits):
        if limit.excess == "uncounted":
            raise InputError(
                f"policy: limits[{index}]", "a limit that refuses an excess", "an uncounted one"
            )
    pricing = price(policy, prices)
    weights = _weights(policy, registry, pricing)
    symbols = tuple(sorted({symbol for symbol, _ in weights}))
    middle = {
        symbol: (pricing.quotes[symbol].low + pricing.quotes[symbol].high) / 2 for symbol in symbols
    }

    def weight(symbol: str, *, owed: bool) -> float:
        quote = pricing.quotes[symbol]
        share = (quote.high if owed else quote.low) / middle[symbol]
        times = terms.ratio if owed else Fraction(1)
        return float(weights.get((symbol, owed), Fraction(0)) * share * times)

    for symbol in symbols:
        if not middle[symbol]:
            raise InputError(f"prices: {symbol}", "a price above 0", "0")
    return SystemTerms(
        quote=policy.quote,
        symbols=symbols,
        prices=np.array([float(middle[symbol]) for symbol in symbols]),
        held_weight=np.array([weight(symbol, owed=False) for symbol in symbols]),
        owed_weight=np.array([weight(symbol, owed=True) for symbol in symbols]),
        holdable=np.array([(symbol, False) in weights for symbol in symbols]),
        owable=np.array([(symbol, True) in weights for symbol in symbols]),
        leaders={s: root for s, root in pricing.followers.items() if s in symbols},
        reserve=float(policy.reserve or 0),
        close_factor=float(terms.close_factor),
        penalty=float(terms.penalty),
        protocol_share=float(terms.protocol_share),
        close_all_below=float(terms.close_all_below),
        minimum=float(terms.minimum),
    )


def _weights(
    policy: Policy, registry: Registry, pricing: Pricing
) -> dict[tuple[str, bool], Fraction]:
    """The factors of the liquidation test by symbol and whether it is owed."""
    factors = policy.test_factors
    found: dict[tuple[str, bool], Fraction] = {}

    def add(symbol: str, factor: Factor, at: str, *, owed: bool) -> None:
        resolved = pricing.resolve(factor, symbol)
        if not isinstance(resolved, Fraction):
            raise InputError(
                f"policy: factors.{at}", "a plain or a scaled factor", f"a {resolved.type} one"
            )
        if (symbol, owed) in found:
            side = "owed" if owed else "held"
            raise InputError(
                f"policy: factors.{at}", f"one slot for what is {side} of {symbol}", "two"
            )
        found[symbol, owed] = Fraction(resolved)

    for asset in registry.assets:
        symbol = asset.symbol
        if asset.side == "signed":
            both = factors.signed.get(symbol)
            if both is not None:
                add(symbol, both.long, f"signed.{symbol}.long", owed=False)
                add(symbol, both.short, f"signed.{symbol}.short", owed=True)
            continue
        own = factors.debt if asset.side == "debt" else factors.collateral
        if symbol in own:
            owes = asset.side == "debt"
            add(symbol, own[symbol], f"{asset.side}.{symbol}", owed=owes)
    return found
