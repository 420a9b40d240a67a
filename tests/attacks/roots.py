"""Roots of small polynomials over F_r, for provers that solve for what would pass."""

from __future__ import annotations

from collections.abc import Sequence

from zkcollateral.crypto.field import MODULUS

Polynomial = list[int]
"""Coefficients, constant term first, no zero at the end."""


def square_root(x: int) -> int | None:
    """A square root of x, if there is one."""
    found = roots([-x % MODULUS, 0, 1])
    return found[0] if found else None


def interpolate(points: Sequence[tuple[int, int]]) -> Polynomial:
    """The polynomial through these points."""
    total: Polynomial = []
    for x, value in points:
        basis, scale = [1], value
        for other, _ in points:
            if other != x:
                basis = _multiply(basis, [-other % MODULUS, 1])
                scale = scale * pow(x - other, -1, MODULUS) % MODULUS
        total = _add(total, [coefficient * scale for coefficient in basis])
    return total


def roots(f: Polynomial) -> list[int]:
    """The distinct roots of f in F_r (Cantor and Zassenhaus: split by x^((r−1)/2))."""
    f = _trim(f)
    if len(f) < 2:
        return []
    # What f has in common with X^r − X is the product of its linear factors.
    frobenius = _power([0, 1], MODULUS, f)
    return sorted(_split(_gcd(f, _add(frobenius, [0, -1])), 1))


def _split(f: Polynomial, shift: int) -> list[int]:
    if len(f) < 2:
        return []
    if len(f) == 2:
        return [-f[0] * pow(f[1], -1, MODULUS) % MODULUS]
    half = _add(_power([shift, 1], (MODULUS - 1) // 2, f), [-1])
    part = _gcd(f, half)
    rest, _ = _divide(f, part)
    if len(part) in {1, len(f)}:
        return _split(f, shift + 1)
    return _split(part, shift + 1) + _split(rest, shift + 1)


def _trim(f: Polynomial) -> Polynomial:
    f = [coefficient % MODULUS for coefficient in f]
    while f and not f[-1]:
        f.pop()
    return f


def _add(f: Polynomial, g: Polynomial) -> Polynomial:
    size = max(len(f), len(g))
    f, g = f + [0] * (size - len(f)), g + [0] * (size - len(g))
    return _trim([a + b for a, b in zip(f, g, strict=True)])


def _multiply(f: Polynomial, g: Polynomial) -> Polynomial:
    out = [0] * (len(f) + len(g))
    for i, a in enumerate(f):
        for j, b in enumerate(g):
            out[i + j] += a * b
    return _trim(out)


def _divide(f: Polynomial, g: Polynomial) -> tuple[Polynomial, Polynomial]:
    remainder, quotient = _trim(f), [0] * max(len(f) - len(g) + 1, 0)
    inverse = pow(g[-1], -1, MODULUS)
    while len(remainder) >= len(g):
        at, factor = len(remainder) - len(g), remainder[-1] * inverse % MODULUS
        quotient[at] = factor
        for i, coefficient in enumerate(g):
            remainder[at + i] -= factor * coefficient
        remainder = _trim(remainder)
    return _trim(quotient), remainder


def _gcd(f: Polynomial, g: Polynomial) -> Polynomial:
    while g:
        f, g = g, _divide(f, g)[1]
    return f


def _power(base: Polynomial, exponent: int, modulus: Polynomial) -> Polynomial:
    result: Polynomial = [1]
    for bit in format(exponent, "b"):
        result = _divide(_multiply(result, result), modulus)[1]
        if bit == "1":
            result = _divide(_multiply(result, base), modulus)[1]
    return result
