"""Aave's caps without a snapshot: on a pegged asset, and on a token that falls due.

Follows bgd-labs/aave-capo, `src/contracts/PriceCapAdapterStable.sol`,
`src/contracts/misc-adapters/EURPriceCapAdapterStable.sol` and
`src/contracts/PendlePriceCapAdapter.sol`. Prices are integers in the feed's decimals, 8 for those
quoted in USD. Who may set parameters is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...errors import InputError
from ..checks import MAX_INSTANT
from ..fixed_point import MAX_INT256, SECONDS_PER_YEAR, WAD, truncate_div, whole

MAX_STABLE_CAP: Final = 2 * 10**8
"""Two dollars: the highest cap on an asset that is pegged to one."""


@dataclass(frozen=True, slots=True)
class StableCap:
    """A fixed highest price; it restricts only what is too high.

    Attributes:
        cap: 0 to 2·10^8.

    Raises:
        InputError: another cap.
    """

    cap: int

    def __post_init__(self) -> None:
        whole("stable cap: cap", self.cap, 0, MAX_STABLE_CAP)

    @classmethod
    def create(cls, cap: int, price: int) -> StableCap:
        """A cap that does not lie below the price at the time it is set; InputError otherwise."""
        made = cls(cap)
        if cap < _integer("stable cap: price", price):
            raise InputError("stable cap: cap", "a cap not below the current price", "a lower one")
        return made

    def is_capped(self, price: int) -> bool:
        """Whether the price is above the cap."""
        return _integer("stable cap: price", price) > self.cap

    def price(self, price: int) -> int:
        """The smaller of price and cap; 0 for a price of 0 or below."""
        return max(0, min(_integer("stable cap: price", price), self.cap))


@dataclass(frozen=True, slots=True)
class RelativeCap:
    """A highest price in terms of another feed, as for a token that is pegged to the euro.

    Attributes:
        ratio: the most the asset may cost, in the base, times 10^ratio_decimals.
        ratio_decimals: 0 to 76.
    """

    ratio: int
    ratio_decimals: int

    def __post_init__(self) -> None:
        _integer("relative cap: ratio", self.ratio)
        whole("relative cap: ratio_decimals", self.ratio_decimals, 0, 76)

    @classmethod
    def create(cls, ratio: int, ratio_decimals: int, price: int, base_price: int) -> RelativeCap:
        """A cap that does not lie below the price at the time it is set; InputError otherwise."""
        made = cls(ratio, ratio_decimals)
        if made.max_price(base_price) < _integer("relative cap: price", price):
            raise InputError(
                "relative cap: ratio", "a cap not below the current price", "a lower one"
            )
        return made

    def max_price(self, base_price: int) -> int:
        """base price·ratio / 10^decimals, rounded towards zero."""
        base = _integer("relative cap: base_price", base_price)
        return truncate_div(base * self.ratio, 10**self.ratio_decimals)

    def is_capped(self, price: int, base_price: int) -> bool:
        """Whether the price is above the cap."""
        return _integer("relative cap: price", price) > self.max_price(base_price)

    def price(self, price: int, base_price: int) -> int:
        """The smaller of price and cap. A price of 0 or below comes back as it is."""
        return min(_integer("relative cap: price", price), self.max_price(base_price))


@dataclass(frozen=True, slots=True)
class PrincipalTokenDiscount:
    """The price of a token that becomes one unit of its asset at maturity: a linear discount.

    Attributes:
        maturity: seconds since 1970.
        discount_rate: per year, WAD, 1 to max_discount_rate.
        max_discount_rate: per year, WAD, 1 to 2^64 − 1.

    Raises:
        InputError: a value out of its range.
    """

    maturity: int
    discount_rate: int
    max_discount_rate: int

    def __post_init__(self) -> None:
        whole("principal token: maturity", self.maturity, 0, MAX_INSTANT)
        whole("principal token: max_discount_rate", self.max_discount_rate, 1, 2**64 - 1)
        whole("principal token: discount_rate", self.discount_rate, 1, self.max_discount_rate)

    @classmethod
    def create(
        cls, maturity: int, discount_rate: int, max_discount_rate: int, now: int
    ) -> PrincipalTokenDiscount:
        """The discount of a token that is not due yet; InputError if it is, or is worth nothing."""
        made = cls(maturity, discount_rate, max_discount_rate)
        if maturity <= whole("principal token: now", now, 0, MAX_INSTANT):
            raise InputError("principal token: maturity", f"a time after {now}", str(maturity))
        made._check_discount(now)
        return made

    def with_rate(self, discount_rate: int, now: int) -> PrincipalTokenDiscount:
        """Another rate; InputError above the highest, after maturity or for a discount of 1."""
        whole("principal token: now", now, 0, self.maturity)
        made = PrincipalTokenDiscount(self.maturity, discount_rate, self.max_discount_rate)
        made._check_discount(now)
        return made

    def discount(self, now: int) -> int:
        """⌊seconds to maturity·rate / year⌋ in WAD; 0 from maturity on."""
        left = max(0, self.maturity - whole("principal token: now", now, 0, MAX_INSTANT))
        return left * self.discount_rate // SECONDS_PER_YEAR

    def price(self, asset_price: int, now: int) -> int:
        """⌊asset price·(1 − discount)⌋; 0 for a price of 0 or below.

        Raises:
            InputError: no integer; a time so early that the discount is above 1.
        """
        price = _integer("principal token: asset_price", asset_price)
        if price <= 0:
            return 0
        discount = self.discount(now)
        if discount > WAD:
            raise InputError("principal token: now", "a discount of at most 1", "a larger one")
        return price * (WAD - discount) // WAD

    def _check_discount(self, now: int) -> None:
        if self.discount(now) >= WAD:
            raise InputError(
                "principal token: discount_rate", "a discount below 1 until maturity", "another"
            )


def _integer(where: str, value: int) -> int:
    return whole(where, value, -MAX_INT256, MAX_INT256)
