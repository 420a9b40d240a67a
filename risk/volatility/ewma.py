"""RiskMetrics' exponentially weighted volatility, in integers: both sides of a proof compute it.

    r_t = ⌊(p_t − p_{t−1}) · 10^18 / p_{t−1}⌋
    s_0 = 0,   s_t = ⌈λ·s_{t−1} + (1 − λ)·r_t²⌉             (at the scale 10^36)
    σ_t(h) = ⌈√(h·s_t)⌉                                     (at the scale 10^18)

Source: J.P. Morgan/Reuters, "RiskMetrics — Technical Document", 4th edition, 1996, section 5.2
(λ = 0.94 for days and 0.97 for months, mean 0, √h for h steps).
What lies before the first return counts 0, although its weight in the end is λ^returns. So an
earlier start never makes a variance smaller, and no single return decides how everything begins.

Returns are simple ones, and not RiskMetrics' logarithms: a quotient of two exact prices is exact,
while both sides would have to agree on every digit of a logarithm. The two differ by r²/2 and
higher powers, and a loss is what the simple return says it is.

Error against the same recursion in exact numbers: |σ_t(1) − σ| < (2 + 1/√(1 − λ)) · 10^−18. A
return is off by less than 10^−18, and so is their weighted root mean square; rounding of s adds up
to at most 1/(1 − λ) of its units; the root is rounded once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import isqrt
from typing import Final

from ...errors import InputError
from ..checks import exact

DECIMALS: Final = 18

SCALE: Final = 10**DECIMALS
"""What a return or a volatility of 1 is."""


def scaled_returns(prices: Sequence[Fraction]) -> list[int]:
    """r_t of all prices but the first, at the scale 10^18.

    Args:
        prices: exact, oldest first; at least two, each above 0.

    Raises:
        InputError: fewer, or one that is not above 0 or not exact.
    """
    if len(prices) < 2:
        raise InputError("prices", "at least 2 of them", str(len(prices)))
    for place, price in enumerate(prices):
        exact(f"prices[{place}]", price, above=0)
    found = []
    before, per_before = prices[0].numerator, prices[0].denominator
    for price in prices[1:]:
        now, per_now = price.numerator, price.denominator
        found.append((now * per_before - before * per_now) * SCALE // (before * per_now))
        before, per_before = now, per_now
    return found


def ewma_variances(returns: Sequence[int], decay: Fraction) -> list[int]:
    """s_t after each return, at the scale 10^36: the variance that is expected of the next one.

    Args:
        returns: at the scale 10^18, oldest first; at least one.
        decay: λ, above 0 and below 1.

    Raises:
        InputError: no return, or λ outside its range.
    """
    if not returns:
        raise InputError("returns", "at least 1 of them", "0")
    if exact("decay", decay, above=0) >= 1:
        raise InputError("decay", "a number below 1", "another")
    kept, whole = decay.numerator, decay.denominator
    variance, found = 0, []
    for each in returns:
        variance = -(-(kept * variance + (whole - kept) * each * each) // whole)
        found.append(variance)
    return found


def volatility(variance: int, horizon: int = 1) -> int:
    """⌈√(horizon · variance)⌉: the standard deviation over some steps, at the scale 10^18.

    Args:
        variance: of one step, at the scale 10^36, at least 0.
        horizon: steps, at least 1; they are taken to be independent.
    """
    square = horizon * variance
    root = isqrt(square)
    return root + (root * root < square)
