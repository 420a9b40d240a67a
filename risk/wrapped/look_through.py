"""What an account holds and owes in the end: every claim on an asset traced to its root, exactly.

A position is looked through link by link (wstETH, stETH, ETH): its amount of root assets is the
amount times the rates on the way, after caps and haircuts for what is held; its value is the one
that the policy counts before factors. A wrapper can fail without its underlying, so concentration
is said by root and by wrapper, a wrapper with all that is a claim on it.

A depeg by x takes x off the price of a wrapper and of every claim on it, while its underlying
stays. What is lost is linear in x. The principle is the look-through approach of
the Basel framework, CRE60 (equity investments in funds).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction

from ...errors import InputError
from ..checks import share
from ..pricing import Pricing
from ..registry import Asset
from ..safe_range import SafeRange
from ..threshold import Threshold, positions
from ..valuation import Account, held, owed


@dataclass(frozen=True)
class LookedThrough:
    """One position, seen through to its root.

    Attributes:
        symbol, side: the position.
        links: what it is a claim on, the nearest first and the root last; empty for a root.
        held, owed: of the root asset, in whole assets; a root's own price would give the value.
        held_value, owed_value: in quote, before factors.
    """

    symbol: str
    side: str
    links: tuple[str, ...]
    held: Fraction
    owed: Fraction
    held_value: Fraction
    owed_value: Fraction

    @property
    def root(self) -> str:
        """The asset at the end of the chain."""
        return self.links[-1] if self.links else self.symbol

    def __repr__(self) -> str:
        return f"LookedThrough({self.symbol!r}, hidden)"


@dataclass(frozen=True)
class Exposure:
    """What an account has of one root, or through one wrapper or one issuer, in quote.

    Attributes:
        name: of the asset, or of the issuer.
        held, owed: before factors.
        share: of all that is held; None if nothing is.
    """

    name: str
    held: Fraction
    owed: Fraction
    share: Fraction | None

    @property
    def net(self) -> Fraction:
        """What is held less what is owed."""
        return self.held - self.owed

    def __repr__(self) -> str:
        return f"Exposure({self.name!r}, hidden)"


@dataclass(frozen=True)
class Depeg:
    """A wrapper that loses `fall` of its price against its underlying.

    Attributes:
        wrapper: its symbol.
        fall: 0 to 1.
        lost: in quote, before factors: what is held loses less what is owed saves; below 0 is won.
        margins: of every threshold afterwards, by its name.
        safe: of every threshold, the multiples of the wrapper's price at which it is passed, all
            else as it is; None if there is none.
    """

    wrapper: str
    fall: Fraction
    lost: Fraction
    margins: Mapping[str, Fraction]
    safe: Mapping[str, SafeRange | None]

    def __repr__(self) -> str:
        return f"Depeg({self.wrapper!r}, hidden)"


def look_through(account: Account) -> tuple[LookedThrough, ...]:
    """Every position of an account in terms of its root, in the order of the registry."""
    return tuple(_seen(account, asset) for asset in positions(account))


def _seen(account: Account, asset: Asset) -> LookedThrough:
    pricing, amount = account.pricing, account.amounts[asset.slot]
    links = pricing.chains.get(asset.symbol, ())
    own = pricing.quotes[asset.symbol]
    root = pricing.quotes[links[-1]] if links else own
    has = held(asset, amount) * asset.smallest_unit
    owes = owed(asset, amount) * asset.smallest_unit
    return LookedThrough(
        asset.symbol,
        asset.side,
        links,
        has * own.low / root.low,
        owes * own.high / root.high,
        has * own.low,
        owes * own.high,
    )


def by_root(account: Account) -> tuple[Exposure, ...]:
    """Holdings and debts by root asset, ascending by name."""
    return _exposures(look_through(account), lambda each: [each.root])


def by_wrapper(account: Account) -> tuple[Exposure, ...]:
    """Holdings and debts by wrapper, each with every claim on it; shares overlap."""
    return _exposures(look_through(account), _wrappers)


def by_issuer(account: Account, issuers: Mapping[str, str]) -> tuple[Exposure, ...]:
    """Holdings and debts by who stands behind the wrappers on the way: a bridge, an issuer.

    Args:
        account: whose positions.
        issuers: by symbol of a wrapper; what is not named has none.

    Raises:
        InputError: an issuer of an asset that is no claim on another one.
    """
    for symbol in issuers:
        if symbol not in account.pricing.chains:
            raise InputError(f"issuers.{symbol}", "a claim on another asset", "another symbol")

    def names(each: LookedThrough) -> list[str]:
        return list(dict.fromkeys(issuers[s] for s in _wrappers(each) if s in issuers))

    return _exposures(look_through(account), names)


def depeg(
    account: Account, wrapper: str, fall: Fraction | int, thresholds: Collection[Threshold]
) -> Depeg:
    """What happens if one wrapper, and with it every claim on it, loses a share of its price.

    Args:
        account: whose positions.
        wrapper: an asset that is a claim on another one.
        fall: 0 to 1; 0.03 is three per cent below its rate.
        thresholds: of the same account (`threshold.maintenance_threshold`, `liquidation_…`).

    Raises:
        InputError: an asset that is no claim, a fall out of range.
    """
    _check_wrapper(account.pricing, wrapper)
    lost_share = share("depeg: fall", fall)
    lost = Fraction(0)
    for each in look_through(account):
        if wrapper in _wrappers(each):
            lost += lost_share * (each.held_value - each.owed_value)
    shocks = {wrapper: -lost_share}
    return Depeg(
        wrapper,
        lost_share,
        lost,
        {each.name: each.margin(shocks) for each in thresholds},
        {each.name: each.safe_moves({wrapper}, {}) for each in thresholds},
    )


def _wrappers(each: LookedThrough) -> list[str]:
    """The claims on the way from a position to its root, with itself; none for a root."""
    return [each.symbol, *each.links][:-1]


def _exposures(
    seen: Collection[LookedThrough], names: Callable[[LookedThrough], list[str]]
) -> tuple[Exposure, ...]:
    total = sum((each.held_value for each in seen), Fraction(0))
    sums: dict[str, tuple[Fraction, Fraction]] = {}
    for each in seen:
        for name in names(each):
            has, owes = sums.get(name, (Fraction(0), Fraction(0)))
            sums[name] = has + each.held_value, owes + each.owed_value
    return tuple(
        Exposure(name, has, owes, has / total if total else None)
        for name, (has, owes) in sorted(sums.items())
    )


def _check_wrapper(pricing: Pricing, wrapper: str) -> None:
    if wrapper not in pricing.chains:
        known = ", ".join(sorted(pricing.chains)) or "none, for the policy has no such asset"
        raise InputError("depeg: wrapper", f"a claim on another asset: {known}", repr(wrapper)[:80])
