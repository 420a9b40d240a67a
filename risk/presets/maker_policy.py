"""Maker's safety test as a policy, so that a proof shows a vault that no one can bark at.

**Exact side.** Let ink be the collateral in whole tokens, p the feed's price, m the liquidation
ratio, debt = art·rate in whole Dai, all exact. The protocol asks for ink·spot ≥ debt, where

    spot = ⌊⌊p·10^27/par⌋/m⌋, in units of 10^-27

is more than p/(par·m) − (1 + 1/m)·10^-27. The products on both sides are exact. So
ink·p ≥ m·par·debt + ink·par·(1 + m)·10^-27 suffices. The floors weigh on every token, and the bound
needs a largest vault: a slot holds less than 2^63 smallest units and at most 64 commitments are
added up, so that a registry whose smallest unit is a whole token or less has ink < 2^69, and

    dust = 2^69·par·(1 + m)·10^-27,

1.5 millionths of a dollar at a ratio of 150 %.

**Amounts** are the ink, and the Dai that the vault owes at the round's time: art·rate with the fees
dripped until then. Both have more decimals than most registries: ink is rounded down, debt up.

**Prices.** Values are counted in what the feed counts in, US dollars. A Dai is counted at par (1)
and not at its market price, so the round has to price DAI at par. The feed's integer is p·10^18. A
round with at most 18 decimals has exactly this price; `maker_spot` refuses another, and another
price of DAI: a proof would say nothing about the protocol. Whoever relies on a proof can call it on
the round. The spot is that of the last poke: with the OSM its price is an hour old, and oracles for
this policy report that one.

A ratio with more than 18 decimals is rounded up to 18: a vault then needs up to 10^-18 of its debt
more than the dust.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from ...errors import InputError
from ..fixed_point import RAY, WAD, whole
from ..portfolio import Portfolio
from ..registry import Registry
from ..values import Exact
from .maker import Ilk, Urn, debt, spot_price
from .maker_auction import (
    AuctionParameters,
    ExponentialDecrease,
    LinearDecrease,
    StairstepExponentialDecrease,
)
from .provable import ProvableRule, rounded_down, rounded_up
from .units import integer_price, portfolio, require_price

DAI = "DAI"
LARGEST_VAULT = 2**69
"""Whole tokens: no sum of vouched amounts in units of a token or less is as large."""

_FEED_DECIMALS = 18
_RAD = RAY * WAD


def maker_rule(
    collateral: str,
    mat: int,
    chop: int,
    *,
    par: int = RAY,
    dust: int = 0,
    auction: AuctionParameters | None = None,
    quote: str = "USD",
) -> ProvableRule:
    """The safety test of one collateral type's vaults.

    Args:
        collateral: the collateral's symbol.
        mat: liquidation ratio, ray, at least 1.
        chop: debt with penalty over debt, wad; 1 to 2.
        par: price of a Dai, ray, above 0.
        dust: least debt of a vault, rad.
        auction: the clipper, whose price path goes into the terms; None leaves it out.
        quote: what the feed counts in.

    Returns:
        A rule whose liquidation terms are those of the dog: all debt at once, the penalty all the
        protocol's.

    Raises:
        InputError: a number out of its range, or an auction whose decrease is none of the three.

    Source: dss, src/spot.sol `poke`, src/dog.sol `bark`.
    """
    ratio = Fraction(whole("Maker mat", mat, RAY), RAY)
    price_of_dai = Fraction(whole("Maker par", par, 1), RAY)
    penalty = Fraction(whole("Maker dog chop", chop, WAD, 2 * WAD), WAD) - 1
    terms: dict[str, Any] = {
        "penalty": rounded_up(penalty),
        "protocol_share": Exact("1"),
        "close_factor": Exact("1"),
        "close_all_below": Exact("0"),
        "minimum": rounded_up(Fraction(whole("Maker ilk dust", dust, 0), _RAD) * price_of_dai),
    }
    if auction is not None:
        terms["auction"] = _auction(auction)
    return ProvableRule(
        protocol=f"maker:{collateral}",
        quote=quote,
        ratio=ratio,
        factors={"collateral": {collateral: Exact("1")}, "debt": {DAI: Exact("1")}},
        dust=LARGEST_VAULT * price_of_dai * (1 + ratio) / RAY,
        terms=terms,
        largest_units={collateral: 0},
    )


def _auction(parameters: AuctionParameters) -> dict[str, Any]:
    start = rounded_down(Fraction(parameters.buf, RAY))
    decrease = parameters.decrease
    if isinstance(decrease, LinearDecrease):
        return {"type": "linear", "start": start, "duration_seconds": decrease.tau}
    if isinstance(decrease, StairstepExponentialDecrease):
        return {
            "type": "stairstep",
            "start": start,
            "step_seconds": decrease.step,
            "factor": Exact.of(Fraction(decrease.cut, RAY)),
        }
    if isinstance(decrease, ExponentialDecrease):
        factor = Exact.of(Fraction(decrease.cut, RAY))
        return {"type": "exponential", "start": start, "factor": factor}
    got = f"a {type(decrease).__name__}"
    raise InputError("Maker auction decrease", "linear, stairstep or exponential", got)


def maker_spot(collateral: str, mat: int, prices: Mapping[str, Fraction], *, par: int = RAY) -> int:
    """The spot of a collateral type at a round, ray, as it is after a poke.

    Args:
        collateral, mat, par: as of the rule.
        prices: of the round.

    Raises:
        InputError: no price of the collateral, one with more than 18 decimals, or a price of DAI
            that is not par.
    """
    require_price("Maker", prices, DAI, Fraction(whole("Maker par", par, 1), RAY))
    return spot_price(integer_price("Maker", prices, collateral, _FEED_DECIMALS), mat, par)


def maker_portfolio(
    name: str, collateral: str, ilk: Ilk, urn: Urn, registry: Registry
) -> Portfolio:
    """The vault in the registry's units.

    Args:
        name: the vault's, in the document.
        collateral: the collateral's symbol.
        ilk: with the rate of the round's time.
        urn: the vault.
        registry: the slots; its smallest units are a whole token or less.

    Raises:
        InputError: a debt without a slot.
    """
    held = {collateral: Fraction(urn.ink, WAD)}
    return portfolio(name, registry, held, {DAI: Fraction(debt(ilk, urn), _RAD)})
