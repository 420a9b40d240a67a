"""Maker (Multi-Collateral Dai): the safety of a vault, and its liquidation into an auction.

Follows makerdao/dss 1.3.0 (commit fa4f663), src/vat.sol, src/spot.sol and src/dog.sol; the auction
itself is in `maker_auction`. Left out: authorisation and consent, stability fees over time (`rate`
is an input), the surplus and debt of the system, and shutdown.

Units: wad 10^18 (collateral `ink`, normalised debt `art`), ray 10^27 (prices), rad 10^45 (Dai).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...errors import InputError
from ..fixed_point import MAX_INT256, MAX_UINT256, RAY, WAD, whole
from .uint256 import product, product_div


@dataclass(frozen=True, slots=True)
class Ilk:
    """One collateral type of the vat.

    Attributes:
        rate: Dai per normalised debt, ray; above 0 (1 ray once initialised).
        spot: what a unit of collateral may carry in Dai, ray; 0 if there is no price.
        dust: least debt of a vault that has any, rad.
        line, total_art: debt ceiling of the type, rad, and normalised debt of all its vaults, wad.

    Raises:
        InputError: a number out of its range.
    """

    rate: int
    spot: int
    dust: int = 0
    line: int = MAX_UINT256
    total_art: int = 0

    def __post_init__(self) -> None:
        whole("Maker ilk rate", self.rate, 1)
        for name in ("spot", "dust", "line", "total_art"):
            whole(f"Maker ilk {name}", getattr(self, name), 0)


@dataclass(frozen=True, slots=True)
class Urn:
    """One vault.

    Attributes:
        ink: locked collateral, wad.
        art: normalised debt, wad.

    Raises:
        InputError: a number out of its range.
    """

    ink: int
    art: int

    def __post_init__(self) -> None:
        whole("Maker urn ink", self.ink, 0)
        whole("Maker urn art", self.art, 0)


def rpow(base: int, exponent: int, one: int = RAY) -> int:
    """base^exponent in fixed point, by squaring, each product rounded half up.

    Args:
        base: with `one` as 1; at least 0.
        exponent: at least 0.
        one: the unit, above 0.

    Raises:
        InputError: a number out of its range, or a product on which the contract reverts.
    Source: dss, src/abaci.sol and src/jug.sol `rpow`.
    """
    where = "Maker rpow"
    whole(f"{where} base", base, 0)
    whole(f"{where} exponent", exponent, 0)
    whole(f"{where} one", one, 1)
    if exponent == 0:
        return one
    if base == 0:
        return 0
    half = one // 2
    result = base if exponent % 2 else one
    exponent //= 2
    while exponent:
        base = _half_up(where, product(where, base, base), half, one)
        if exponent % 2:
            result = _half_up(where, product(where, result, base), half, one)
        exponent //= 2
    return result


def _half_up(where: str, value: int, half: int, one: int) -> int:
    return product(where, value + half, 1) // one


def feed_price(price: int, par: int = RAY) -> int:
    """⌊price·10^9 / par⌋, ray: the price of a unit of collateral in Dai.

    Args:
        price: of the feed, wad, at least 0.
        par: price of a Dai, ray, above 0.

    Raises:
        InputError: a number out of its range.
    Source: dss, src/clip.sol `getFeedPrice`.
    """
    whole("Maker price", price, 0)
    whole("Maker par", par, 1)
    where = "Maker feed price"
    return product_div(where, product(where, price, 10**9), RAY, par)


def spot_price(price: int | None, mat: int, par: int = RAY) -> int:
    """⌊feed price / mat⌋, ray; 0 if the feed has no price.

    Args:
        price: of the feed, wad; None if it has none.
        mat: liquidation ratio, ray, above 0.
        par: price of a Dai, ray, above 0.

    Raises:
        InputError: a number out of its range.
    Source: dss, src/spot.sol `poke`.
    """
    whole("Maker mat", mat, 1)
    whole("Maker par", par, 1)
    return 0 if price is None else product_div("Maker spot", feed_price(price, par), RAY, mat)


def debt(ilk: Ilk, urn: Urn) -> int:
    """art·rate, rad: what the vault owes."""
    return product("Maker debt", urn.art, ilk.rate)


def is_safe(ilk: Ilk, urn: Urn) -> bool:
    """Whether art·rate ≤ ink·spot.

    Source: dss, src/vat.sol `frob`.
    """
    return debt(ilk, urn) <= product("Maker urn value", urn.ink, ilk.spot)


def is_liquidatable(ilk: Ilk, urn: Urn) -> bool:
    """Whether the vault can be barked at: not safe, and the type has a price.

    Limits on running auctions may still stop `bark`.

    Source: dss, src/dog.sol `bark`.
    """
    return ilk.spot > 0 and not is_safe(ilk, urn)


def collateralization(ilk: Ilk, urn: Urn, mat: int) -> int | None:
    """⌊ink·spot·mat / (art·rate)⌋, ray; None without debt. An unsafe vault's is below `mat`.

    It describes: the contracts compare and do not divide.
    """
    whole("Maker mat", mat, 1)
    owed = debt(ilk, urn)
    return urn.ink * ilk.spot * mat // owed if owed else None


def frob(
    ilk: Ilk, urn: Urn, dink: int, dart: int, *, total_debt: int = 0, total_line: int = MAX_UINT256
) -> Urn:
    """The vault after collateral and debt were added to it, or taken away.

    Args:
        ilk: the collateral type.
        urn: before.
        dink, dart: changes, wad, signed.
        total_debt: Dai of all types before, rad.
        total_line: ceiling of all types, rad.

    Raises:
        InputError: more taken than there is, a ceiling passed, an unsafe or a dusty vault left.
    Source: dss, src/vat.sol `frob`.
    """
    where = "Maker frob"
    for name, change in (("dink", dink), ("dart", dart)):
        whole(f"{where} {name}", change, -MAX_INT256 - 1, MAX_INT256)
    whole(f"{where} total_debt", total_debt, 0)
    whole(f"{where} total_line", total_line, 0)
    if urn.ink + dink < 0 or urn.art + dart < 0:
        raise InputError(where, "at most what the vault has to be taken", "more")
    after = Urn(urn.ink + dink, urn.art + dart)
    if dart > 0:
        issued = product(where, ilk.total_art + dart, ilk.rate)
        if issued > ilk.line or total_debt + ilk.rate * dart > total_line:
            raise InputError(where, "debt below the ceilings", "more")
    if (dart > 0 or dink < 0) and not is_safe(ilk, after):
        raise InputError(where, "a safe vault", "an unsafe one")
    if after.art and debt(ilk, after) < ilk.dust:
        raise InputError(where, "no debt, or at least dust", "less")
    return after


@dataclass(frozen=True, slots=True)
class LiquidationLimits:
    """The dog's penalty of one type, and its limits on the Dai that auctions seek.

    Attributes:
        chop: debt with penalty over debt, wad; at least 1.
        hole, dirt: limit and running total of the type, rad.
        total_hole, total_dirt: of all types (the source's Hole and Dirt), rad.

    Raises:
        InputError: a number out of its range.
    """

    chop: int
    hole: int
    total_hole: int
    dirt: int = 0
    total_dirt: int = 0

    def __post_init__(self) -> None:
        whole("Maker dog chop", self.chop, WAD)
        for name in ("hole", "total_hole", "dirt", "total_dirt"):
            whole(f"Maker dog {name}", getattr(self, name), 0)


@dataclass(frozen=True, slots=True)
class Bark:
    """A liquidation that was started.

    Attributes:
        dink: collateral to auction, wad.
        dart: normalised debt taken, wad.
        due: dart·rate, rad: the debt that the system takes over.
        tab: due with the penalty, rad: what the auction is to raise.
        urn: what is left of the vault.
        limits: with the running totals afterwards.
    """

    dink: int
    dart: int
    due: int
    tab: int
    urn: Urn
    limits: LiquidationLimits


def bark(ilk: Ilk, urn: Urn, limits: LiquidationLimits) -> Bark:
    """Liquidate a vault, in part if the limits leave no room for all of it.

    Args:
        ilk: the collateral type.
        urn: an unsafe vault.
        limits: of the dog.

    Raises:
        InputError: a vault that is safe, no room, an auction that would be dusty or of nothing.
    Source: dss, src/dog.sol `bark`. A remainder that would be dusty is taken too, past the limits.
    """
    where = "Maker bark"
    if not is_liquidatable(ilk, urn):
        raise InputError(where, "an unsafe vault of a type that has a price", "another")
    if limits.total_hole <= limits.total_dirt or limits.hole <= limits.dirt:
        raise InputError(where, "room below the limits", "none")
    room = min(limits.total_hole - limits.total_dirt, limits.hole - limits.dirt)
    dart = min(urn.art, product(where, room, WAD) // ilk.rate // limits.chop)
    if urn.art > dart:
        if (urn.art - dart) * ilk.rate < ilk.dust:
            dart = urn.art
        elif dart * ilk.rate < ilk.dust:
            raise InputError(where, "an auction of at least dust", "a dusty one")
    dink = product_div(where, urn.ink, dart, urn.art)
    if dink == 0:
        raise InputError(where, "some collateral to auction", "none")
    if max(dart, dink) > MAX_INT256 + 1:
        raise InputError(where, "amounts of at most 2^255", "more")
    due = product(where, dart, ilk.rate)
    tab = product_div(where, due, limits.chop, WAD)
    return Bark(
        dink=dink,
        dart=dart,
        due=due,
        tab=tab,
        urn=Urn(urn.ink - dink, urn.art - dart),
        limits=replace(limits, dirt=limits.dirt + tab, total_dirt=limits.total_dirt + tab),
    )


def digs(limits: LiquidationLimits, amount: int) -> LiquidationLimits:
    """The limits after an auction raised, or gave up, `amount` rad.

    Raises:
        InputError: more than runs.
    """
    whole("Maker digs", amount, 0, min(limits.dirt, limits.total_dirt))
    return replace(limits, dirt=limits.dirt - amount, total_dirt=limits.total_dirt - amount)
