"""Drift: weights of spot assets and liabilities that change with size and with total deposits.

Followed: drift-labs/protocol-v2, program 2.162.0 (April 2026): programs/drift/src/math/margin.rs,
math/spot_balance.rs, state/spot_market.rs, validation/margin.rs. Weights are parts per 10,000, the
factor of the size (imf_factor) parts per 1,000,000, sizes 10^-9 tokens, prices and values 10^-6
USD. Accounts are in `drift_margin`.

**Is the discounted value concave?** As real numbers x·min(w, 1.1/(1 + f·sqrt(x))) is the smaller of
w·x and 1.1·x/(1 + f·sqrt(x)); the slope of the second, 1.1·(2 + f·sqrt(x))/(2·(1 + f·sqrt(x))^2),
falls for all x > 0, so the whole is concave on all of x >= 0. What the program computes is not: it
rounds the weight down to parts per 10,000, so the value drops by x/10,000 at each step of the
weight, and it is 0 beyond `largest_size_with_weight(f, 1)`. `size_discount_tiers` stays below the
steps. In money the program then rounds the value and the weighted value down, which together takes
less than 2·10^-6 USD.

Left out: perpetuals (their margin ratio and the weight of unrealized profit are the two functions
of this module, with `bounded=False` in high leverage mode), oracle validity, asset tiers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from math import isqrt

from ...errors import InputError
from ..fixed_point import mul_div, mul_div_up, whole

WEIGHT_PRECISION = 10_000
IMF_PRECISION = 1_000_000
SIZE_PRECISION = 10**9
BALANCE_PRECISION = 10**9
INTEREST_PRECISION = 10**10

_SQRT_PRECISION = 100_000
_MAX_UINT32 = 2**32 - 1
_MAX_UINT64 = 2**64 - 1
_MAX_UINT128 = 2**128 - 1
_DISCOUNT_NUMERATOR = (IMF_PRECISION + IMF_PRECISION // 10) * WEIGHT_PRECISION
# Factors of tiers are rounded down to so many decimals.
_FACTOR_PRECISION = 10**12


class MarginType(Enum):
    """What a weight is for."""

    INITIAL = "initial"
    FILL = "fill"
    MAINTENANCE = "maintenance"


def _size_root(size: int) -> int:
    return isqrt(size * 10 + 1)


def size_premium_liability_weight(
    size: int,
    imf_factor: int,
    liability_weight: int,
    precision: int = WEIGHT_PRECISION,
    *,
    bounded: bool = True,
) -> int:
    """Liability weight, or margin ratio of a perpetual, that grows with the root of the size.

    Args:
        size: 10^-9 tokens, at least 0.
        imf_factor: 0..1,000,000 parts per million; 0 for none.
        liability_weight: at small sizes, in parts of `precision`.
        precision: of the weight, a power of ten up to 10^11.
        bounded: whether the result is at least `liability_weight`.
    """
    whole("Drift liability weight: size", size, 0, _MAX_UINT128)
    whole("Drift liability weight: imf_factor", imf_factor, 0, IMF_PRECISION)
    whole("Drift liability weight: liability_weight", liability_weight, 0, _MAX_UINT32)
    whole("Drift liability weight: precision", precision, 1, _SQRT_PRECISION * IMF_PRECISION)
    if imf_factor == 0:
        return liability_weight
    divisor = _SQRT_PRECISION * IMF_PRECISION // precision
    premium = mul_div(_size_root(size), imf_factor, divisor)
    grown = liability_weight - liability_weight // 5 + premium
    return max(liability_weight, grown) if bounded else grown


def size_discount_asset_weight(size: int, imf_factor: int, asset_weight: int) -> int:
    """Asset weight that shrinks with the root of the size: min(w, 1.1 / (1 + factor·sqrt(size))).

    Args:
        size: 10^-9 tokens (of unrealized profit: 10^-9 USD), at least 0.
        imf_factor: 0..1,000,000 parts per million; 0 for none.
        asset_weight: at small sizes, parts per 10,000, at least 0.
    """
    whole("Drift asset weight: size", size, 0, _MAX_UINT128)
    whole("Drift asset weight: imf_factor", imf_factor, 0, IMF_PRECISION)
    whole("Drift asset weight: asset_weight", asset_weight, 0, _MAX_UINT32)
    if imf_factor == 0:
        return asset_weight
    growth = mul_div(_size_root(size), imf_factor, _SQRT_PRECISION)
    return min(asset_weight, _DISCOUNT_NUMERATOR // (IMF_PRECISION + growth))


def largest_size_with_weight(imf_factor: int, weight: int) -> int:
    """Largest size whose discounted weight is at least `weight`, if the asset's own weight is.

    Args:
        imf_factor: 1..1,000,000.
        weight: 1..10,000 parts per 10,000.
    """
    whole("Drift asset weight: imf_factor", imf_factor, 1, IMF_PRECISION)
    whole("Drift asset weight: weight", weight, 1, WEIGHT_PRECISION)
    growth = _DISCOUNT_NUMERATOR // weight - IMF_PRECISION
    root = ((growth + 1) * _SQRT_PRECISION - 1) // imf_factor
    return ((root + 1) ** 2 - 2) // 10


def _concave_floor(size: int, imf_factor: int, weight: int) -> Fraction:
    """x·min(w, exact weight - 1) at a size, of a root that is rounded up: below every step."""
    root = _size_root(size) + 1
    exact = Fraction(
        _DISCOUNT_NUMERATOR * _SQRT_PRECISION, IMF_PRECISION * _SQRT_PRECISION + root * imf_factor
    )
    if exact < 2:
        raise InputError("Drift tiers: sizes", "a weight of 2 parts per 10,000 or more", "less")
    return size * min(Fraction(weight), exact - 1) / WEIGHT_PRECISION


def size_discount_tiers(
    weight: int, imf_factor: int, sizes: Sequence[int]
) -> tuple[tuple[int, Fraction], ...]:
    """Concave tiers whose sum of slices is at most the size-discounted value, at every size.

    Between two sizes a tier's factor is the slope of the chord, rounded down, of a concave function
    that lies below every step of the program's value x·weight(x)/10,000; beyond the last size the
    factor is 0. A size costs at most 1 part per 10,000 of x there, plus the chord's own distance.

    Args:
        weight: of the asset at small sizes, 0..10,000.
        imf_factor: 0..1,000,000 parts per million.
        sizes: where one tier ends and the next begins, ascending, 10^-9 tokens, at least 1 unless
            imf_factor is 0. `discount_start` is the best first one.

    Returns:
        (start of the tier, factor), starts ascending from 0, factors falling. It holds for sizes up
        to `largest_size_with_weight(imf_factor, 1)`; the program values more at nothing.

    Raises:
        InputError: sizes out of order, or so large that the exact weight is below 2 per 10,000.
    """
    whole("Drift tiers: weight", weight, 0, WEIGHT_PRECISION)
    whole("Drift tiers: imf_factor", imf_factor, 0, IMF_PRECISION)
    full = Fraction(weight, WEIGHT_PRECISION)
    if imf_factor == 0 or weight == 0:
        return ((0, full),)
    if not sizes:
        raise InputError("Drift tiers: sizes", "at least one", "none")
    tiers: list[tuple[int, Fraction]] = []
    start, value, factor = 0, Fraction(0), full
    for size in sizes:
        whole("Drift tiers: sizes (ascending)", size, start + 1, _MAX_UINT128)
        chord = (_concave_floor(size, imf_factor, weight) - value) / (size - start)
        rounded = Fraction(max(chord * _FACTOR_PRECISION // 1, 0), _FACTOR_PRECISION)
        factor = min(factor, rounded)
        tiers.append((start, factor))
        value += factor * (size - start)
        start = size
    tiers.append((start, Fraction(0)))
    return tuple(tier for i, tier in enumerate(tiers) if i == 0 or tier[1] != tiers[i - 1][1])


def discount_start(weight: int, imf_factor: int) -> int:
    """Largest size up to which tiers give the full weight: where the exact weight falls to w + 1.

    Args:
        weight: 1..10,000.
        imf_factor: 1..1,000,000.
    """
    whole("Drift tiers: weight", weight, 1, WEIGHT_PRECISION)
    whole("Drift tiers: imf_factor", imf_factor, 1, IMF_PRECISION)
    growth = Fraction(_DISCOUNT_NUMERATOR, weight + 1) - IMF_PRECISION
    root = int(growth * _SQRT_PRECISION / imf_factor // 1)
    return max((root**2 - 2) // 10, 0)


@dataclass(frozen=True, slots=True)
class SpotMarket:
    """One spot market (validate_margin_weights).

    Args:
        name: not empty.
        decimals: of the token, 0..19.
        initial_asset_weight: at most the next.
        maintenance_asset_weight: 1..10,000.
        initial_liability_weight: at least the next.
        maintenance_liability_weight: at least 10,000.
        imf_factor: below 1,000,000.
        scale_initial_asset_weight_start: value of all deposits, 10^-6 USD, from which the initial
            weight shrinks in proportion; 0 for never.
        deposit_balance: scaled balance of all deposits, 10^-9.
        cumulative_deposit_interest, cumulative_borrow_interest: 10^-10.
        quote: whether it is the quote market, whose weights are all 10,000.
    """

    name: str
    decimals: int
    initial_asset_weight: int
    maintenance_asset_weight: int
    initial_liability_weight: int
    maintenance_liability_weight: int
    imf_factor: int = 0
    scale_initial_asset_weight_start: int = 0
    deposit_balance: int = 0
    cumulative_deposit_interest: int = INTEREST_PRECISION
    cumulative_borrow_interest: int = INTEREST_PRECISION
    quote: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InputError("Drift spot market: name", "a name", "none")
        one = WEIGHT_PRECISION
        highest = one if self.quote else _MAX_UINT32
        lowest = one if self.quote else 0
        for field, low, high in (
            ("decimals", 0, 19),
            ("maintenance_asset_weight", max(lowest, 1), one),
            ("initial_asset_weight", lowest, self.maintenance_asset_weight),
            ("maintenance_liability_weight", one, highest),
            ("initial_liability_weight", self.maintenance_liability_weight, highest),
            ("imf_factor", 0, IMF_PRECISION - 1),
            ("scale_initial_asset_weight_start", 0, _MAX_UINT64),
            ("deposit_balance", 0, _MAX_UINT128),
            ("cumulative_deposit_interest", 1, _MAX_UINT128),
            ("cumulative_borrow_interest", 1, _MAX_UINT128),
        ):
            whole(f"Drift spot market {self.name}: {field}", getattr(self, field), low, high)

    def token_amount(self, scaled_balance: int, is_borrow: bool = False) -> int:
        """Tokens of a scaled balance: a deposit rounded down, a borrow up (positive)."""
        whole(f"Drift spot market {self.name}: scaled balance", scaled_balance, 0, _MAX_UINT128)
        unit = 10 ** (19 - self.decimals)
        if is_borrow:
            return mul_div_up(scaled_balance, self.cumulative_borrow_interest, unit)
        return mul_div(scaled_balance, self.cumulative_deposit_interest, unit)

    def token_value(self, amount: int, price: int) -> int:
        """Signed value of a signed amount of tokens, rounded down, 10^-6 USD."""
        return mul_div(amount, price, 10**self.decimals)

    def scaled_initial_asset_weight(self, price: int) -> int:
        """Initial asset weight at a price, less where all deposits are worth the start or more."""
        whole(f"Drift spot market {self.name}: price", price, 1, _MAX_UINT64 // 2)
        start = self.scale_initial_asset_weight_start
        deposits = self.token_value(self.token_amount(self.deposit_balance), price)
        if start == 0 or deposits < start:
            return self.initial_asset_weight
        return mul_div(self.initial_asset_weight, start, deposits)

    def _size(self, amount: int) -> int:
        whole(f"Drift spot market {self.name}: amount", amount, 0, _MAX_UINT128)
        unit: int = 10**self.decimals
        if unit > SIZE_PRECISION:
            return amount // (unit // SIZE_PRECISION)
        return mul_div(amount, SIZE_PRECISION, unit)

    def asset_weight(self, amount: int, price: int, kind: MarginType) -> int:
        """Weight of a deposit of unsigned tokens."""
        weight = self.maintenance_asset_weight
        if kind is not MarginType.MAINTENANCE:
            initial = self.scaled_initial_asset_weight(price)
            weight = initial if kind is MarginType.INITIAL else (initial + weight) // 2
        return size_discount_asset_weight(self._size(amount), self.imf_factor, weight)

    def liability_weight(self, amount: int, kind: MarginType) -> int:
        """Weight of a borrow of unsigned tokens."""
        weight = self.maintenance_liability_weight
        if kind is not MarginType.MAINTENANCE:
            initial = self.initial_liability_weight
            weight = initial if kind is MarginType.INITIAL else (initial + weight) // 2
        return size_premium_liability_weight(self._size(amount), self.imf_factor, weight)
