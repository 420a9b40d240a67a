"""Maker's Dutch auction of seized collateral.

Follows makerdao/dss 1.3.0 (commit fa4f663), src/clip.sol and src/abaci.sol. Left out: the callback
of a flash purchase, `yank`, and the list of running auctions. Time is given, in seconds.

Units: wad 10^18 (collateral), ray 10^27 (prices, factors), rad 10^45 (Dai).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...errors import InputError
from ..fixed_point import RAY, WAD, whole
from .maker import feed_price
from .maker_abaci import (
    ExponentialDecrease,
    LinearDecrease,
    PriceDecrease,
    StairstepExponentialDecrease,
)
from .uint256 import product, product_div

__all__ = [
    "AuctionParameters",
    "ExponentialDecrease",
    "LinearDecrease",
    "PriceDecrease",
    "Sale",
    "StairstepExponentialDecrease",
    "Started",
    "Status",
    "Take",
    "chost",
    "kick",
    "redo",
    "status",
    "take",
]


def chost(dust: int, chop: int) -> int:
    """⌊dust·chop⌋, rad: what a partial purchase must leave.

    Args:
        dust: least debt of a vault, rad.
        chop: penalty factor, wad, at least 1.
    """
    whole("Maker dust", dust, 0)
    whole("Maker chop", chop, WAD)
    return product_div("Maker chost", dust, chop, WAD)


@dataclass(frozen=True, slots=True)
class AuctionParameters:
    """The clipper of one collateral type.

    Attributes:
        decrease: how the price falls.
        buf: starting price over feed price, ray; at least 1.
        tail: seconds after which an auction needs a reset.
        cusp: price over starting price below which it needs one, ray; 0 to 1.
        chost: what a partial purchase must leave, rad.
        chip: reward for starting an auction as a part of its tab, wad; below 2^64.
        tip: reward for starting an auction, flat, rad; below 2^192.
        stopped: 0, or from 1 no start, from 2 no reset, at 3 no purchase.

    Raises:
        InputError: a number out of its range.
    """

    decrease: PriceDecrease
    buf: int
    tail: int
    cusp: int
    chost: int = 0
    chip: int = 0
    tip: int = 0
    stopped: int = 0

    def __post_init__(self) -> None:
        whole("Maker clip buf", self.buf, RAY)
        whole("Maker clip tail", self.tail, 0)
        whole("Maker clip cusp", self.cusp, 0, RAY)
        whole("Maker clip chost", self.chost, 0)
        whole("Maker clip chip", self.chip, 0, 2**64 - 1)
        whole("Maker clip tip", self.tip, 0, 2**192 - 1)
        whole("Maker clip stopped", self.stopped, 0, 3)


@dataclass(frozen=True, slots=True)
class Sale:
    """One running auction.

    Attributes:
        tab: Dai to raise, rad; above 0.
        lot: collateral to sell, wad; above 0.
        started: time of the start or of the last reset (the source's tic), seconds.
        top: starting price, ray; above 0.

    Raises:
        InputError: a number out of its range.
    """

    tab: int
    lot: int
    started: int
    top: int

    def __post_init__(self) -> None:
        whole("Maker sale tab", self.tab, 1)
        whole("Maker sale lot", self.lot, 1)
        whole("Maker sale started", self.started, 0, 2**96 - 1)
        whole("Maker sale top", self.top, 1)


@dataclass(frozen=True, slots=True)
class Started:
    """An auction that was started or reset, and what whoever did it earns (rad)."""

    sale: Sale
    reward: int


def kick(
    parameters: AuctionParameters, tab: int, lot: int, price: int, now: int, par: int = RAY
) -> Started:
    """Start an auction at ⌊feed price·buf⌋; the reward is tip + ⌊tab·chip⌋.

    Args:
        parameters: of the clipper.
        tab: Dai to raise, rad; above 0.
        lot: collateral, wad; above 0.
        price: of the feed, wad.
        now: seconds.
        par: price of a Dai, ray.

    Raises:
        InputError: a stopped clipper, nothing to raise or to sell, or a starting price of 0.
    Source: dss, src/clip.sol `kick`.
    """
    _not_stopped(parameters, "kick", 1)
    sale = Sale(tab, lot, now, _top(parameters, price, par))
    return Started(sale, _reward(parameters, tab))


@dataclass(frozen=True, slots=True)
class Status:
    """An auction at a time: whether it must be reset before anyone can buy, and its price (ray)."""

    needs_redo: bool
    price: int


def status(parameters: AuctionParameters, sale: Sale, now: int) -> Status:
    """Price now; a reset is needed after more than `tail` seconds, or below `cusp` of the start.

    Raises:
        InputError: a time before the start.
    Source: dss, src/clip.sol `status`.
    """
    whole("Maker auction now", now, sale.started)
    seconds = now - sale.started
    price = parameters.decrease.price(sale.top, seconds)
    fallen = product_div("Maker auction status", price, RAY, sale.top) < parameters.cusp
    return Status(seconds > parameters.tail or fallen, price)


def redo(
    parameters: AuctionParameters, sale: Sale, price: int, now: int, par: int = RAY
) -> Started:
    """Reset an auction to today's price.

    The reward is paid only if neither what is to be raised nor the lot at the feed's price is
    below `chost`.

    Args as of `kick`.

    Raises:
        InputError: a stopped clipper, an auction that needs no reset, or a starting price of 0.
    Source: dss, src/clip.sol `redo`.
    """
    _not_stopped(parameters, "redo", 2)
    if not status(parameters, sale, now).needs_redo:
        raise InputError("Maker redo", "an auction that needs a reset", "another")
    top = _top(parameters, price, par)
    reward = 0
    worth = product("Maker redo", sale.lot, feed_price(price, par))
    if sale.tab >= parameters.chost and worth >= parameters.chost:
        reward = _reward(parameters, sale.tab)
    return Started(replace(sale, started=now, top=top), reward)


@dataclass(frozen=True, slots=True)
class Take:
    """One purchase.

    Attributes:
        price: ray.
        owe: Dai paid, rad.
        slice: collateral bought, wad.
        sale: what is left of the auction; None if it ended.
        returned: collateral that goes back to the vault's owner, wad; only at an end.
        shortfall: Dai that the ended auction did not raise, rad.
        digs: by how much the dog's running totals fall, rad.
    """

    price: int
    owe: int
    slice: int
    sale: Sale | None
    returned: int
    shortfall: int
    digs: int


def take(parameters: AuctionParameters, sale: Sale, amount: int, max_price: int, now: int) -> Take:
    """Buy up to `amount` of collateral.

    Args:
        parameters: of the clipper.
        sale: the auction.
        amount: most collateral to buy, wad.
        max_price: most to pay for a unit, ray.
        now: seconds.

    Raises:
        InputError: a stopped clipper, an auction that needs a reset, a price above `max_price`, or
            a partial purchase when at most `chost` is to be raised.
    Source: dss, src/clip.sol `take`. A purchase that would leave less than `chost` is reduced.
    """
    where = "Maker take"
    _not_stopped(parameters, "take", 3)
    whole(f"{where} amount", amount, 0)
    whole(f"{where} max_price", max_price, 0)
    current = status(parameters, sale, now)
    if current.needs_redo:
        raise InputError(where, "an auction that needs no reset", "one that does")
    if max_price < current.price:
        raise InputError(where, "a max_price of at least the price", "a lower one")
    bought = min(sale.lot, amount)
    owe = product(where, bought, current.price)
    if owe > sale.tab:
        owe = sale.tab
        bought = owe // current.price
    elif owe < sale.tab and bought < sale.lot and sale.tab - owe < parameters.chost:
        if sale.tab <= parameters.chost:
            raise InputError(where, "a purchase of the whole lot", "a partial one")
        # The price is above 0: at 0, what is owed is 0, and the tab is at most chost.
        owe = sale.tab - parameters.chost
        bought = owe // current.price
    tab, lot = sale.tab - owe, sale.lot - bought
    ended = lot == 0 or tab == 0
    return Take(
        price=current.price,
        owe=owe,
        slice=bought,
        sale=None if ended else replace(sale, tab=tab, lot=lot),
        returned=lot if ended else 0,
        shortfall=tab if ended else 0,
        digs=sale.tab if lot == 0 else owe,
    )


def _top(parameters: AuctionParameters, price: int, par: int) -> int:
    top = product_div("Maker auction top", feed_price(price, par), parameters.buf, RAY)
    if top == 0:
        raise InputError("Maker auction price", "a starting price above 0", "0")
    return top


def _reward(parameters: AuctionParameters, tab: int) -> int:
    return parameters.tip + product_div("Maker auction reward", tab, parameters.chip, WAD)


def _not_stopped(parameters: AuctionParameters, action: str, level: int) -> None:
    if parameters.stopped >= level:
        raise InputError(f"Maker {action}", f"stopped below {level}", "a higher level")
